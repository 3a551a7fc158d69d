#!/usr/bin/python3
"""docker/, without a container engine: compose.yaml is what the Compose Specification's own schema takes and says what a
container must say, every command line and health check in it is run as it stands (in a mount namespace with that
container's volumes, a read-only root, and its user), the image has the libraries that the programs need."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import apart
import harness

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: python3-{missing.name} is missing")
    sys.exit(harness.SKIP)

DOCKER = os.path.join(harness.SOURCE, "docker")
SERVICES = ["directory", "intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics", "gateway"]
OPTIONAL = ["link"]  # of a system that is joined to others: in a profile
CLIENTS = ["mailbox"]  # no key, no place in hearback.yaml


def compose():
    with open(os.path.join(DOCKER, "compose.yaml")) as f:
        return yaml.safe_load(f)


def faults_of(file):
    """By the schema of the specification (compose-spec.json, as published; README.md says from where)."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "compose-spec.json")) as f:
        checks = jsonschema.Draft7Validator(json.load(f))
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in checks.iter_errors(file)]


def the_schema_takes_the_file():
    file = compose()
    assert not faults_of(file), faults_of(file)
    for wrong in ({"read_onyl": True}, {"cap_drop": "ALL"}, {"healthcheck": {"retires": 3}}, {"depends_on": {"setup": {"condition": "ready"}}}):
        other = compose()
        other["services"]["routing"].update(wrong)
        assert len(faults_of(other)) == 1, (wrong, faults_of(other))


def the_file_is_sound():
    file = compose()
    assert set(file["services"]) == {"setup", "hearback", *SERVICES, *OPTIONAL, *CLIENTS}
    assert {name: service["profiles"] for name, service in file["services"].items() if "profiles" in service} == {
        "link": ["cells"], "mailbox": ["mail"], "hearback": ["tools"]}
    for name, service in file["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and not service["user"].startswith("0"), name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service.get("restart") == (None if name in ("setup", "hearback") else "unless-stopped"), name
        assert not ("networks" in service and "network_mode" in service), name
        # setup makes the volumes and has no network; beyond the machine reach only those who speak to the world
        outside = ["bus", "outside"] if name in ("gateway", "notification", "link", "mailbox") else ["bus"]
        assert service.get("networks", []) == ([] if name == "setup" else outside), name
        for volume in service["volumes"]:
            source, target = volume.split(":")[:2]
            assert source in file["volumes"] and target.startswith("/"), (name, volume)
        for other, how in service.get("depends_on", {}).items():
            assert other in file["services"] and set(how) == {"condition"}, (name, other)
    used = {volume.split(":")[0] for service in file["services"].values() for volume in service["volumes"]}
    assert used == set(file["volumes"]), used ^ set(file["volumes"])
    states = {}
    for name in SERVICES + OPTIONAL:
        service = file["services"][name]
        states[name] = next(v.split(":")[0] for v in service["volumes"] if v.split(":")[1] == "/var/lib/hearback")
        assert service["command"] == ["run", name] and service["healthcheck"]["test"][-1] == name, name
        assert f"{name}:/volumes/{name}" in file["services"]["setup"]["volumes"], name
    assert len(set(states.values())) == len(SERVICES + OPTIONAL), "each service has a volume of its own"
    assert file["networks"]["bus"] == {"internal": True}
    assert all(port.startswith("127.0.0.1:") for port in file["services"]["gateway"]["ports"])


def dockerfile():
    with open(os.path.join(DOCKER, "Dockerfile")) as f:
        text = re.sub(r"\\\n", " ", f.read())
    return [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def the_image_has_what_it_needs():
    lines = dockerfile()
    assert [word for word, _ in lines].count("FROM") == 2 and ["USER", "10001:10001"] in lines
    for word, rest in lines:
        if word == "COPY" and "--from" not in rest and not rest.startswith(". "):
            assert os.path.exists(os.path.join(harness.SOURCE, rest.split()[0])), rest
    made = re.search(r"for name in ([a-z ]+); do", " ".join(rest for _, rest in lines)).group(1).split()
    assert made == SERVICES + OPTIONAL, made
    listed = subprocess.run(["bash", "-c", '. scripts/packages.sh; echo "$packages_run"'], cwd=harness.SOURCE,
                            capture_output=True, text=True, check=True).stdout
    packages = {line.split(":")[0] for line in listed.splitlines() if line}
    known = {}  # library -> package
    for name in ("hearback", *(f"hearback-{service}" for service in SERVICES + OPTIONAL + CLIENTS + ["inspect"])):
        ldd = subprocess.run(["ldd", os.path.join(harness.PROGRAMS, name)], capture_output=True, text=True, check=True).stdout
        needed = subprocess.run(["objdump", "-p", os.path.join(harness.PROGRAMS, name)], capture_output=True, text=True).stdout
        for library in re.findall(r"NEEDED\s+(\S+)", needed):
            path = re.search(rf"{re.escape(library)} => (\S+)", ldd)
            if not path or library.startswith(("libc.so", "libm.so", "ld-linux")):
                continue
            if library not in known:
                real = os.path.realpath(path.group(1))
                found = [subprocess.run(["dpkg", "-S", where], capture_output=True, text=True).stdout
                         for where in (real, os.path.basename(real))]  # on a merged /usr it knows the one or the other
                known[library] = (found[0] or found[1]).split(":")[0]
            assert known[library] in packages, f"{name} needs {library} of {known[library]}, not in packages_run"


class Container:
    """As compose.yaml says it: its volumes, its user, a root it cannot write to; addresses are names in /etc/hosts."""

    def __init__(self, root, name, service):
        self.root, self.name, self.service = root, name, service

    def arguments(self, command):
        mounts = ["mount -t tmpfs tmpfs /tmp"] if not self.root.startswith("/tmp") else []
        for volume in self.service["volumes"]:
            source, target = volume.split(":")[:2]
            mounts.append(f"mkdir -p {target} && mount --bind {self.root}/vol/{source} {target}")
        mounts.append("mount -o remount,bind,ro /var/lib" if os.path.ismount("/var/lib") else "true")
        return ["unshare", "--mount", "sh", "-c", " && ".join(mounts) + ' && mount -o remount,bind,ro / && exec setpriv '
                f'--reuid {self.service["user"].split(":")[0]} --regid {self.service["user"].split(":")[1]} --clear-groups '
                '--no-new-privs --bounding-set=-all "$@"', "container", *command]

    def run(self, command, **options):
        return subprocess.run(self.arguments(command), capture_output=True, text=True, timeout=120, **options)

    def start(self):
        self.log = open(os.path.join(self.root, f"{self.name}.out"), "w")
        command = ["hearback", "--data", "/var/lib/hearback", *self.service["command"]]
        self.process = subprocess.Popen(self.arguments(command), stdout=self.log, stderr=self.log)


def prepare(root, file):
    os.environ["PATH"] = f"{root}/usr/bin:{os.environ['PATH']}"
    subprocess.run(["cmake", "--install", os.path.dirname(os.path.abspath(harness.PROGRAMS)), "--prefix", f"{root}/usr"],
                   check=True, stdout=subprocess.DEVNULL)
    shutil.copy(os.path.join(DOCKER, "setup"), f"{root}/usr/bin/hearback-setup")
    os.chmod(root, 0o755)
    for volume in file["volumes"]:
        os.makedirs(f"{root}/vol/{volume}", mode=0o700)
        os.chown(f"{root}/vol/{volume}", 10001, 10001)
    with open(f"{root}/hosts", "w") as f:
        f.write("127.0.0.1 localhost " + " ".join(SERVICES + OPTIONAL) + "\n")
    for command in (f"mount --bind {root}/hosts /etc/hosts", "mount -t tmpfs tmpfs /var/lib", "mount -t tmpfs tmpfs /mnt"):
        subprocess.run(command.split(), check=True)
    made = [folder for folder in ("/volumes", "/backups") if not os.path.isdir(folder)]  # to mount on, outside of any tmpfs
    for folder in made + [f"/volumes/{name}" for name in SERVICES + OPTIONAL]:
        os.makedirs(folder, exist_ok=True)
    return made


def every_command_line_starts():
    file = compose()
    root = tempfile.mkdtemp(prefix="hearback-deploy-", dir=harness.memory_folder())
    containers, made = [], []
    try:
        made = prepare(root, file)
        setup = Container(root, "setup", file["services"]["setup"])
        start = lambda **given: setup.run(file["services"]["setup"]["entrypoint"], env={**os.environ, **given})
        for url in ("", "desk.example.org", "http://desk.example.org", "https://"):  # nothing that would leave cookies in the clear
            done = start(HEARBACK_PUBLIC_URL=url)
            assert done.returncode == 2 and "HEARBACK_PUBLIC_URL" in done.stderr and "https://desk.example.org" in done.stderr, done
            assert not os.listdir(f"{root}/vol/operator"), url
        for _ in range(2):  # a second start changes nothing
            done = start(HEARBACK_PUBLIC_URL="https://desk.example.org")
            assert done.returncode == 0, done
        with open(f"{root}/vol/gateway/hearback.yaml") as f:
            text = f.read()
        assert 'public_url: "https://desk.example.org"' in text and '"172.16.0.0/12"' in text, text
        with open(f"{root}/vol/operator/hearback.yaml", "w") as f:  # one of before
            f.write(text.replace("https://desk.example.org", ""))
        done = start()
        assert done.returncode == 2 and "public_url" in done.stderr, done
        with open(f"{root}/vol/operator/hearback.yaml", "w") as f:
            f.write(text)
        for name in SERVICES:
            assert os.listdir(f"{root}/vol/{name}/secrets") == [f"{name}-0.secret"], name
        assert os.listdir(f"{root}/vol/link") == [], "there is no link yet"
        for name in SERVICES:
            containers.append(Container(root, name, file["services"][name]))
            containers[-1].start()
        await_health(containers)
        tool = Container(root, "hearback", file["services"]["hearback"])

        def run(*arguments):
            done = tool.run(["hearback", "--data", "/var/lib/hearback", "--url", "http://gateway:8311", *arguments])
            assert done.returncode == 0, done
            return done.stdout
        run("token", "operator", "--save")
        about = tool.run(["hearback", "--data", "/var/lib/hearback", "account", "password", "operator"]).stdout
        assert "https://desk.example.org/console/" in about, about
        run("demo")
        run("wait", "settled", "--timeout", "60")
        status = json.loads(run("status", "--json"))
        assert len(status) == len(SERVICES) and all(one["health"] == "ready" for one in status), status
        assert "sound" in run("verify")
        asked = tool.run(["hearback", "--data", "/var/lib/hearback", *file["services"]["hearback"]["command"]])
        assert asked.returncode == 0 and "casework" in asked.stdout, asked
        mailbox = Container(root, "mailbox", file["services"]["mailbox"])
        done = mailbox.run([*file["services"]["mailbox"]["entrypoint"], *file["services"]["mailbox"]["command"]])
        assert done.returncode == 2 and "mailbox.yaml" in done.stderr, done
        for where, may in (("/var/lib/hearback", True), ("/etc", False), ("/usr", False), ("/var", False)):
            done = containers[0].run(["touch", f"{where}/hearback-test"])
            assert (done.returncode == 0) == may, (where, done)
        run("backup", "/backups", "--with-keys", "/tmp/keys")
        joined(root, file, setup, containers, run)
        # a health check fails when its service is away
        containers[3].process.send_signal(signal.SIGTERM)
        containers[3].process.wait(30)
        assert containers[3].run(file["services"]["casework"]["healthcheck"]["test"][1:]).returncode == 1
    finally:
        for container in containers:
            container.process.kill()
            container.process.wait()
        if sys.exc_info()[0]:
            for container in containers:
                with open(container.log.name, errors="replace") as f:
                    print(f"--- {container.name}\n{''.join(f.readlines()[-5:])}")
        shutil.rmtree(root, ignore_errors=True)
        for folder in made:
            shutil.rmtree(folder)


def joined(root, file, setup, containers, run):
    """Once it is to be joined to another, the link has a place and a key, and starts."""
    paper = json.loads(run("cell", "apply", "--name", "海棠苑"))
    assert paper["hearback"] == "application", paper
    done = setup.run(file["services"]["setup"]["entrypoint"])
    assert done.returncode == 0, done
    assert os.listdir(f"{root}/vol/link/secrets") == ["link-0.secret"]
    with open(f"{root}/vol/link/hearback.yaml") as f:
        place = next(one for one in yaml.safe_load(f)["instances"] if one["service"] == "link")
    assert (place["endpoint"], place["listen"]) == ("tcp://link:7410", "tcp://0.0.0.0:7410"), place
    containers.append(Container(root, "link", file["services"]["link"]))
    containers[-1].start()
    await_health(containers[-1:])


def await_health(containers):
    until = time.monotonic() + 60
    waiting = list(containers)
    while waiting:
        done = waiting[0].run(waiting[0].service["healthcheck"]["test"][1:])
        if done.returncode == 0:
            waiting.pop(0)
        assert time.monotonic() < until, (waiting[0].name, done)


if __name__ == "__main__":
    harness.needs_a_build_without_sanitizers("they need libraries that are not deployed")
    apart.enter()
    sys.exit(harness.main([the_schema_takes_the_file, the_file_is_sound, the_image_has_what_it_needs, every_command_line_starts]))
