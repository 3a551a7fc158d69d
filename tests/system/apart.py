"""A system whose instances run on several machines: each is a network namespace with an address of its own on one
bridge, and a folder of its own with the one configuration file, its instances' secret keys and their data. The test itself
stands where the operator and the gateway are. What is cut off is cut off as by a pulled cable."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import harness

INSIDE = "HEARBACK_TEST_APART"
NET = "10.77.0"
HERE = "operator"  # the machine of the test itself


def enter():
    """Runs this program again in namespaces of its own: what it makes of networks, mounts and processes ends with it."""
    if os.environ.get(INSIDE):
        for command in ("mount --make-rprivate /", "mount -t tmpfs tmpfs /run", "ip link set lo up"):
            subprocess.run(command.split(), check=True)
        return
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        allowed = subprocess.run([*unshare, "sh", "-c", "ip link add type veth"], capture_output=True, text=True)
    except FileNotFoundError as missing:
        print(f"skipped: {missing.filename} is missing")
        sys.exit(harness.SKIP)
    if allowed.returncode:
        print(f"skipped: network namespaces are not permitted here: {allowed.stderr.strip()}")
        sys.exit(harness.SKIP)
    sys.exit(subprocess.run([*unshare, sys.executable, *sys.argv], env={**os.environ, INSIDE: "1"}).returncode)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Machine:
    def __init__(self, apart, name, number):
        self.apart, self.name, self.address = apart, name, f"{NET}.{number}"
        self.folder = os.path.join(apart.root, name)
        self.running = {}
        os.makedirs(os.path.join(self.folder, "secrets"), mode=0o700)
        os.makedirs(os.path.join(self.folder, "data"), mode=0o700)
        os.makedirs(os.path.join(self.folder, "epoch-keys"), mode=0o700)
        if name != HERE:
            ip("netns", "add", name)
            ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"to-{name}", "master", "bridge", "up")
            for command in (f"addr add {self.address}/24 dev eth0", "link set eth0 up", "link set lo up"):
                ip("-n", name, *command.split())

    def cut(self):
        ip("link", "set", f"to-{self.name}", "down")

    def mend(self):
        ip("link", "set", f"to-{self.name}", "up")

    def mute(self):
        """It hears the others, and nobody hears it: what it sends goes to an address that no machine has."""
        for other in self.others():
            ip("-n", self.name, "neigh", "replace", other.address, "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "permanent")

    def unmute(self):
        for other in self.others():
            ip("-n", self.name, "neigh", "del", other.address, "dev", "eth0")

    def others(self):
        return [machine for machine in self.apart.machines.values() if machine is not self]

    def connections(self):
        """The ends, at the test's machine, of what it has open to this one."""
        listed = subprocess.run(["ss", "-tnH", "state", "established", "dst", self.address], capture_output=True, text=True, check=True)
        return {line.split()[2] for line in listed.stdout.splitlines()}

    def start(self, service, partition=0):
        into = ["ip", "netns", "exec", self.name] if self.name != HERE else []
        name = f"{service}-{partition}"
        with open(os.path.join(self.folder, f"{name}.log"), "ab") as log:
            self.running[name] = subprocess.Popen(
                [*into, os.path.join(harness.PROGRAMS, f"hearback-{service}"), "--config",
                 os.path.join(self.folder, "hearback.yaml"), "--partition", str(partition)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def stop(self, name=None, how=signal.SIGTERM):
        for one in [name] if name else list(self.running):
            self.running[one].send_signal(how)
        for one in [name] if name else list(self.running):
            self.running.pop(one).wait(30)

    def restart(self, but=None):
        """Every instance here but one, one after the other."""
        for name in [name for name in self.running if name != but]:
            self.stop(name)
            self.start(*split_name(name))


def split_name(name):
    service, _, partition = name.rpartition("-")
    return service, int(partition)


class Apart(harness.Door):
    """`places`: machine -> names of instances. Those of HERE stand where the test is; the gateway is one of them."""

    def __init__(self, places):
        self.root = tempfile.mkdtemp(prefix="hearback-apart-", dir=harness.memory_folder())
        self.port = harness.free_port()
        ip("link", "add", "bridge", "type", "bridge")
        ip("link", "set", "bridge", "up")
        ip("addr", "add", f"{NET}.254/24", "dev", "bridge")
        self.machines = {HERE: Machine(self, HERE, 254)}
        for number, name in enumerate(places, 1):
            if name != HERE:
                self.machines[name] = Machine(self, name, number)
        self.places = {name: machine for machine, names in places.items() for name in names}
        self.here = self.machines[HERE]
        self.tokens_known = None
        self.disturbed = harness.Disturbances()

    def __enter__(self):
        try:
            self.create()
        except BaseException:
            self.__exit__(Exception, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        for machine in self.machines.values():
            machine.stop(how=signal.SIGKILL)
        if kind:
            self.print_logs()
        for name in self.machines:
            if name != HERE:
                ip("netns", "del", name)
                subprocess.run(["ip", "link", "del", f"to-{name}"], stderr=subprocess.DEVNULL)  # gone with it, sooner or later
        ip("link", "del", "bridge")
        shutil.rmtree(self.root, ignore_errors=True)

    def print_logs(self):
        for machine in self.machines.values():
            for name in sorted(os.listdir(machine.folder)):
                if name.endswith(".log"):
                    with open(os.path.join(machine.folder, name), errors="replace") as f:
                        print(f"--- {machine.name} {name}\n{''.join(f.readlines()[-6:])}")

    def create(self):
        self.run("init", "--endpoint", "tcp://{service}:{port}", "--port", str(self.port))
        with open(os.path.join(self.here.folder, "hearback.yaml")) as f:
            text = f.read()
        for name, machine in self.places.items():
            text = text.replace(f"tcp://{split_name(name)[0]}:", f"tcp://{self.machines[machine].address}:")
        with open(os.path.join(self.here.folder, "hearback.yaml"), "w") as f:
            f.write(text)
        self.hand_out()
        for name, machine in self.places.items():
            self.machines[machine].start(*split_name(name))
        self.run("wait", "ready")
        self.run("token", "operator", "--save")
        self.run("demo")

    def hand_out(self, source=HERE):
        """The configuration to every machine, and each its own keys: paths are the machine's, all else is the same."""
        with open(os.path.join(self.root, source, "hearback.yaml")) as f:
            text = f.read()
        for machine in self.machines.values():
            with open(os.path.join(machine.folder, "hearback.yaml"), "w") as f:
                f.write(re.sub(re.escape(self.root) + r"/\w+/", f"{machine.folder}/", text))
        for name, machine in self.places.items():
            if machine != HERE:
                key = os.path.join(self.here.folder, "secrets", f"{name}.secret")
                shutil.copy(key, os.path.join(self.machines[machine].folder, "secrets"))

    def move(self, name, source, target):
        """An instance's folder and keys from one machine to another; at rest."""
        old, new = self.machines[source].folder, self.machines[target].folder
        shutil.move(os.path.join(old, "data", name), os.path.join(new, "data", name))
        shutil.move(os.path.join(old, "secrets", f"{name}.secret"), os.path.join(new, "secrets", f"{name}.secret"))
        self.places[name] = target

    def restart(self, but=None):
        for machine in self.machines.values():
            machine.restart(but)

    def run(self, *arguments, machine=HERE, **options):
        """The hearback command, on one machine."""
        return harness.System.run(Command(self.machines[machine].folder), *arguments, **options)

    def operator_token(self):
        return harness.System.operator_token(self.here)

    def settle(self):
        self.run("wait", "settled", "--timeout", "60")

    def stop(self):
        for machine in self.machines.values():
            machine.stop()

    def tokens(self):
        return harness.System.tokens(Command(self.here.folder))

    def folders(self):
        return [machine.folder for machine in self.machines.values()]


class Command:
    """What harness.System.run needs of a system."""

    def __init__(self, folder):
        self.folder = folder

    def program(self, name):
        return os.path.join(harness.PROGRAMS, name)
