"""`hearback up` as whoever starts it sees it: the addresses, and keys for what was added to hearback.yaml by hand; on a terminal,
progress while it imports, and Ctrl-C."""

import contextlib
import csv
import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time

import harness


class Terminal(harness.System):
    """The same in a session of its own on a terminal, as scripts/run starts it there; .said is what stands on it."""

    said = b""

    def start(self):
        keyboard, line = os.openpty()
        self.output = os.fdopen(keyboard, "r+b", buffering=0)
        self.process = subprocess.Popen(
            [self.program("hearback"), "--data", self.folder, "up", "--demo", "--port", str(self.port), *self.options],
            stdin=line, stdout=line, stderr=line, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(line)

    def read(self, text=None, timeout_s=90):
        """Until `text` was said; without: until nobody has the terminal open any more."""
        until = time.monotonic() + timeout_s
        while text is None or text not in self.said:
            assert select.select([self.output], [], [], max(0, until - time.monotonic()))[0], self.said
            try:
                self.said += self.output.read(65536)
            except OSError:  # EIO: closed by the last of them
                assert text is None, self.said
                return

    def children(self):
        """pid -> (when it was started, its command line)."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return {pid: about for pid in map(int, f.read().split()) if (about := about_process(pid))}

    def press_ctrl_c(self):
        """The kernel then sends SIGINT to the terminal's foreground group. All children must be gone when `up` is, and have been
        waited for. Returns the exit code, and what was said from then on."""
        seen, before = self.children(), len(self.said)
        assert len(seen) >= 9, seen
        self.output.write(b"\x03")
        code = self.process.wait(60)
        left = {pid: about for pid, about in seen.items() if (about_process(pid) or [None])[0] == about[0]}
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.read()
        assert not left, (left, self.said)
        return code, self.said[before:].decode().replace("^C", "").strip()


def about_process(pid):
    """None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as line:
            return stat.read().rpartition(")")[2].split()[19], line.read().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return None


def where_everything_is():
    with harness.System() as system:
        with open(system.output.name) as f:
            lines = f.read().splitlines()
        here = f"http://127.0.0.1:{system.port}"
        assert lines[-1] == f"ready {here}", lines  # read by programs: to the letter
        said = "\n".join(lines[:-1])
        portal = re.search(r"^门户 portal +(\S+)$", said, re.M).group(1)
        api = re.search(r"^接口 API +(\S+)", said, re.M).group(1)
        state = re.search(r"^数据 state +(.+)$", said, re.M).group(1)
        assert portal == here + "/" and api == here + "/api/v1/", said
        assert os.path.exists(os.path.join(state, "hearback.yaml")), state
        assert system.http("GET", "/").status == 200
        assert system.http("GET", "/api/v1/openapi.json").status == 200


def a_key_added_by_hand():
    with harness.System() as system:
        path = os.path.join(system.folder, "hearback.yaml")
        with open(path) as f:
            before = f.read()
        system.stop()
        with open(path, "a") as f:
            f.write("  - {name: archive, rights: [fetch]}\n")
        system.start()
        with open(path) as f:
            after = f.read()
        assert os.path.getsize(os.path.join(system.folder, "secrets", "archive.secret")) == 40
        assert re.search(r'name: "archive", public_key: "[^ ]{40}"', after), after
        assert after.startswith(before.rstrip("\n")), "everybody else keeps theirs"
        system.stop()
        unchanged = os.stat(path).st_mtime_ns
        system.start()
        assert os.stat(path).st_mtime_ns == unchanged, "written again without need"


def progress_and_ctrl_c():
    """A file of three batches: after each, one line is drawn anew; it gives way to what else is said. Ctrl-C ends what is ready,
    and nothing is said of it."""
    folder = tempfile.mkdtemp(prefix="hearback-test-", dir=harness.memory_folder())
    try:
        path = os.path.join(folder, "requests.csv")
        with open(path, "w", newline="", encoding="utf-8") as f:
            writer = csv.writer(f)
            writer.writerow(("case_enquiry_id", "open_dt", "closed_dt", "closure_reason", "type", "source", "department", "case_title",
                             "location", "neighborhood", "queue"))
            for i in range(600):
                opened = "yesterday" if i == 300 else "2011-08-01 06:10:58"
                writer.writerow((i, opened, "", "", "Sign Repair", "Self Service", "PWDx", "Sign", f"{i} High St", "", ""))
        with Terminal("--input", path, "--mapping", "boston311") as system:
            system.read(f"ready http://127.0.0.1:{system.port}".encode())
            lines = re.split(r"\r\x1b\[K|\r\n", system.said.decode())
            assert all(line.endswith(" ...") for line in lines if "waiting for" in line), lines
            first = next(i for i, line in enumerate(lines) if line.startswith("import: "))
            drawn = [", ".join(line.split(", ")[:2]) for line in lines[first:first + 5]]
            refused = f'hearback: {path}:302: refused: open_dt: "yesterday" is no time'
            assert drawn[1].startswith(refused), drawn
            del drawn[1]
            counts = (250, 250), (501, 500), (600, 599), (600, 599)
            assert drawn == [f"import: {done} of 600 rows, {new} new" for done, new in counts], drawn
            assert system.said.count(b"\r\x1b[Kimport: ") == 2, system.said
            assert system.press_ctrl_c() == (0, ""), system.said
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ctrl_c_during_an_import():
    """What it was started for is not done: said so, exit code 1. The file is a pipe that nobody writes to, so the import lasts."""
    folder = tempfile.mkdtemp(prefix="hearback-test-", dir=harness.memory_folder())
    try:
        path = os.path.join(folder, "requests.csv")
        os.mkfifo(path)
        with Terminal("--input", path, "--mapping", "boston311", "--once") as system:
            until = time.monotonic() + 90
            while not any("import" in line for _, line in system.children().values()):
                assert time.monotonic() < until and system.process.poll() is None, system.said
                time.sleep(0.02)
            code, said = system.press_ctrl_c()
            assert code == 1 and said.endswith("hearback: interrupted during `hearback import`"), (code, system.said)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


harness.main([where_everything_is, a_key_added_by_hand, progress_and_ctrl_c, ctrl_c_during_an_import])
