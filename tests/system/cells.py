"""Cells in network namespaces of their own, joined by cables that can be cut: tcp between them, nothing else. Where namespaces
are not permitted the same cells on loopback, each behind a relay of this process that can be cut."""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

from harness import System, free_port

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


class Ground:
    """One switch; each cell a namespace at a cable. No cell shares a network stack with another, or with this process."""

    def __init__(self):
        self.name = f"hbc{os.getpid() % 100000}"
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.spaces = []

    @staticmethod
    def permitted():
        """None, or why not."""
        if os.geteuid() != 0:
            return "not root"
        if not shutil.which("ip"):
            return "no ip command (iproute2)"
        probe = f"hbp{os.getpid()}"
        made = ip("netns", "add", probe, check=False)
        if made.returncode:
            return made.stderr.strip()
        bridged = ip("-n", probe, "link", "add", "name", "probe", "type", "bridge", check=False)
        ip("netns", "del", probe)
        return bridged.stderr.strip() or None if bridged.returncode else None

    def __enter__(self):
        # the switch has a namespace of its own: nothing is added to the machine's own network
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "add", "name", "switch", "type", "bridge")
        ip("-n", self.name, "link", "set", "switch", "up")
        return self

    def __exit__(self, *_):
        for space in self.spaces:
            ip("netns", "del", space.name, check=False)
        ip("netns", "del", self.name, check=False)
        os.close(self.home)

    def space(self):
        self.spaces.append(Space(self, len(self.spaces) + 1))
        return self.spaces[-1]


class Space:
    def __init__(self, ground, number):
        self.ground, self.name, self.port = ground, f"{ground.name}-{number}", f"port{number}"
        self.address = f"10.99.77.{number}"
        ip("netns", "add", self.name)
        ip("-n", ground.name, "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("-n", ground.name, "link", "set", self.port, "master", "switch", "up")
        ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "eth0")
        ip("-n", self.name, "link", "set", "eth0", "up")
        ip("-n", self.name, "link", "set", "lo", "up")

    @contextlib.contextmanager
    def inside(self):
        """Sockets made, threads and processes started in here are the cell's."""
        with open(f"/run/netns/{self.name}") as there:
            enter(there.fileno())
        try:
            yield
        finally:
            enter(self.ground.home)

    def cut(self):
        ip("-n", self.ground.name, "link", "set", self.port, "down")

    def mend(self):
        ip("-n", self.ground.name, "link", "set", self.port, "up")

    def way_to(self, headquarters, port):
        return f"tcp://{headquarters.address}:{port}"


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Loopback:
    """The same without namespaces: all on 127.0.0.1, the cable is a relay."""

    def __enter__(self):
        self.relays = []
        return self

    def __exit__(self, *_):
        for relay in self.relays:
            relay.cut()

    def space(self):
        return LoopbackSpace(self)


class LoopbackSpace:
    address = "127.0.0.1"

    def __init__(self, ground):
        self.ground, self.relay = ground, None

    @contextlib.contextmanager
    def inside(self):
        yield

    def cut(self):
        self.relay.cut()

    def mend(self):
        self.relay.mend()

    def mute(self):
        return self.relay.mute()

    def speak(self):
        self.relay.speak()

    def way_to(self, headquarters, port):
        self.relay = Relay(port)
        self.ground.relays.append(self.relay)
        return f"tcp://127.0.0.1:{self.relay.port}"


class Relay:
    """Connections to 127.0.0.1:port go on to `to`. It can be cut (both ends are told), or fall mute: nothing goes through any
    more, and nobody is told; who connects is let in and hears nothing."""

    def __init__(self, to, port=None):
        self.to, self.port, self.open, self.pairs = to, port or free_port(), True, []
        self.flows = threading.Event()
        self.mend()

    def mend(self):
        self.open = True
        self.flows.set()
        self.listener = socket.create_server(("127.0.0.1", self.port), reuse_port=True)
        threading.Thread(target=self.take, args=(self.listener,), daemon=True).start()

    def cut(self):
        self.open = False
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in [end for pair in self.pairs for end in pair]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.pairs = []
        self.flows.set()

    def mute(self):
        """Returns the connections there were: pairs of the end that connected and the end that listens."""
        self.flows.clear()
        return list(self.pairs)

    def speak(self):
        self.flows.set()

    def take(self, listener):
        with contextlib.suppress(OSError):
            while self.open:
                near, _ = listener.accept()
                self.flows.wait()
                try:
                    far = socket.create_connection(("127.0.0.1", self.to))
                except OSError:
                    near.close()
                    continue
                self.pairs.append((near, far))
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                self.flows.wait()
                b.sendall(data)
        self.flows.wait()
        for one in (a, b):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def given_up(end):
    """Has whoever is at the other end of this socket closed?"""
    poll = select.poll()
    poll.register(end, select.POLLRDHUP)
    return bool(poll.poll(0))


class Cell(System):
    """A system at its place. It is made, stopped, told of the others, and started again."""

    def __init__(self, ground, name, *options, folder=None):
        super().__init__(*options, folder=folder)
        self.space, self.name = ground.space(), name

    def start(self, timeout_s=90):
        with self.space.inside():
            super().start(timeout_s)

    def run(self, *arguments, check=True, **options):
        with self.space.inside():
            return super().run(*arguments, check=check, **options)

    def http(self, *arguments, **options):
        with self.space.inside():
            return super().http(*arguments, **options)

    def get(self, path, token=None):
        reply = self.http("GET", path, token=token or self.operator_token())
        assert reply.status == 200, f"{self.name}: GET {path}: {reply}"
        return reply.json()

    @property
    def id(self):
        with open(os.path.join(self.folder, "hearback.yaml")) as f:
            return next(line.split('"')[1] for line in f if line.startswith("cell:"))

    def found(self):
        """The first start makes folder, keys and id."""
        self.start()
        self.stop(signal.SIGTERM)

    def log(self, service):
        with open(os.path.join(self.folder, "log", f"{service}-0.log"), errors="replace") as f:
            return [json.loads(line) for line in f if line.startswith("{")]

    def noted(self, service, event, text="", timeout_s=20):
        """The note of that kind whose line has the text."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            for line in self.log(service):
                if line["event"] == event and text in json.dumps(line, ensure_ascii=False):
                    return line
            time.sleep(0.1)
        raise AssertionError(f"{self.name}: {service} did not note {event} {text!r}:\n{self.log(service)[-5:]}")


def join(site, headquarters, port, *accept, check=True):
    """As operations people do it: two small files."""
    application = os.path.join(site.folder, "application")
    answer = os.path.join(headquarters.folder, f"answer-{site.name}")
    with open(application, "w") as f:
        f.write(site.run("cell", "apply", "--name", site.name).stdout)
    done = headquarters.run("cell", "accept", application, "--name", headquarters.name, "--address",
                            site.space.way_to(headquarters.space, port), "--listen",
                            f"tcp://{headquarters.space.address}:{port}", *accept, check=check)
    if done.returncode:
        return done
    with open(answer, "w") as f:
        f.write(done.stdout)
    site.run("cell", "join", answer)
    return done


def caught_up(headquarters, cells, timeout_s=60):
    """Until headquarters has heard every event that each of these cells' services has said."""
    said = {}
    for cell in cells:
        cell.settle()
        said[cell.id] = sum(row["events"] for row in json.loads(cell.run("--json", "status").stdout)
                            if row["service"] in HEARD)
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        heard = {row["cell"]: int(row.get("heard", 0)) for row in headquarters.get("/api/v1/cells")["cells"]}
        if all(heard.get(cell, 0) == count for cell, count in said.items()):
            return said
        time.sleep(0.1)
    raise AssertionError(f"headquarters has heard {heard}, the cells have said {said}")


HEARD = ("directory", "intake", "routing", "casework", "watchdog", "escalation")
