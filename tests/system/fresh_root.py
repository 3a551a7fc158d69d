"""The steps of docker/Dockerfile without a container engine (`scripts/check docker`): each stage begins as debootstrap's smallest root of the
release that FROM names, RUN is done in it, COPY takes what .dockerignore leaves. Then, as the user of the image, the programs that came of it
run a whole system. Needs root, debootstrap and a Debian mirror; takes minutes, and 3 GB beside the build. `fresh_root.py [FOLDER]`, where the roots are made."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

import harness
import test_deploy

INSIDE = "--inside"  # its mounts and processes are its own, and end before anything is removed


def run(*command, **more):
    done = subprocess.run(command, **more)
    assert done.returncode == 0, f"{shlex.join(command)}: exit {done.returncode}"


class Stage:
    """A root, and where and as whom its next step is done."""

    def __init__(self, root, base):
        self.root, self.folder, self.user = root, "/", "0:0"
        run("cp", "-a", base, root)
        for name in ("resolv.conf", "hosts"):  # as every engine gives them
            shutil.copy(f"/etc/{name}", f"{root}/etc/{name}")
        run("mount", "-t", "proc", "proc", f"{root}/proc")  # /dev has what debootstrap puts there

    def inside(self, *command, **more):
        path = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/"}
        run("chroot", f"--userspec={self.user}", self.root, "/bin/sh", "-c", f'cd {self.folder} && exec "$@"', "sh", *command, env=path, **more)

    def place(self, path):
        """Of the image's path here; a folder that is not there is made, as an engine would."""
        path = self.root + os.path.join(self.folder, path)
        os.makedirs(path if path.endswith("/") else os.path.dirname(path), exist_ok=True)
        return path


def left_out():
    with open(os.path.join(harness.SOURCE, ".dockerignore")) as f:
        names = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    return [f"--exclude={name.removeprefix('**/')}" if name.startswith("**/") else f"--exclude=./{name}" for name in names]


def copy(stage, stages, words):
    source, to = words[-2], stage.place(words[-1])
    if words[0].startswith("--from="):
        run("cp", "-a", stages[words[0].removeprefix("--from=")].root + source + ".", to)
    elif source == ".":
        context = subprocess.Popen(["tar", *left_out(), "-C", harness.SOURCE, "-cf", "-", "."], stdout=subprocess.PIPE)
        os.makedirs(to, exist_ok=True)
        run("tar", "-xf", "-", "-C", to, stdin=context.stdout)
        assert context.wait() == 0
    else:
        run("cp", "-a", os.path.join(harness.SOURCE, source), to)


def steps(place):
    base, stages, stage = os.path.join(place, "base"), {}, None
    for word, rest in test_deploy.dockerfile():
        print(f"{word} {rest}", flush=True)
        words = rest.split()
        if word == "FROM":
            assert words[0] == "debian:12-slim", f"FROM {words[0]}: this script knows the root of debian:12 only"
            if not os.path.isdir(base):
                run("debootstrap", "--variant=minbase", "bookworm", base, stdout=subprocess.DEVNULL)
            name = words[2] if len(words) > 1 else "image"
            stage = stages[name] = Stage(os.path.join(place, name), base)
        elif word == "WORKDIR":
            stage.folder = rest
            os.makedirs(stage.root + rest, exist_ok=True)
        elif word == "RUN":
            stage.inside("/bin/sh", "-c", rest)
        elif word == "COPY":
            copy(stage, stages, words)
        elif word == "USER":
            stage.user = rest
        elif word == "ENTRYPOINT":
            stage.entry = json.loads(rest)
        elif word == "CMD":
            stage.inside(*stage.entry, *json.loads(rest), stdout=subprocess.DEVNULL)
        else:
            raise AssertionError(f"{word}: this script does not know that step")
    return stage


def whole_system(image):
    image.folder = "/tmp"
    image.inside("hearback", "--data", "/tmp/tried", "up", "--demo", "--once", stdout=subprocess.DEVNULL)
    for name in test_deploy.SERVICES + test_deploy.OPTIONAL + test_deploy.CLIENTS:
        assert os.access(f"{image.root}/usr/bin/hearback-{name}", os.X_OK), name


def main():
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        print("skipped: the steps of docker/Dockerfile: they need root and the package debootstrap")
        return harness.SKIP
    if INSIDE in sys.argv:
        whole_system(steps(sys.argv[2]))
        return 0
    with tempfile.TemporaryDirectory(prefix="hearback-root-", dir=sys.argv[1] if len(sys.argv) > 1 else None) as place:
        run("unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, __file__, INSIDE, place)
    print("every step of docker/Dockerfile was done, and what came of it runs a system")
    return 0


if __name__ == "__main__":
    sys.exit(main())
