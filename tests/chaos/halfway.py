"""Commands that are cut halfway: `hearback init`, the first start, `split`, the first start after it, `backup`, `restore`.
`halfway.py [STORY...] [--seed N] [--each N | --all]`

Each is stopped before one of its writes or flushes (shim.so). There the power goes (disk.py: of what was not flushed nothing is left), and, of the same one, only what runs
is killed (all of it is left): the command, of a start its services too, and of a backup the services as well, for what they say later is in no ledger. What is then on the disk is as before the command or as after it, never a mix: the command, given again, does its work or says that it was
done; the system starts, is sound, and the checker finds all that was promised. `--all`: before each write and flush there is; else N drawn for each story. Needs root,
loop devices and ext4."""

import argparse
import atexit
import contextlib
import ctypes
import glob
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import yaml

import harness
from checker import at_rest
from disk import Disk, possible, shell
from load import Ledger, Load

DISK_BYTES = 1 << 30  # each service reserves its share
ON = tempfile.mkdtemp(prefix="hearback-on-", dir=harness.memory_folder())  # where each disk is mounted in its turn: configurations name it
SHIM = os.path.join(harness.PROGRAMS, "shim.so")
HEARBACK = os.path.join(harness.PROGRAMS, "hearback")
AT = "512"  # a bucket between two sites of the demonstration
STARTS = {"hearback": 50, "hearback-directory": 60, "hearback-intake": 60, "hearback-casework": 30}  # about how many there are until all is ready


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("stories", nargs="*")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--each", type=int, default=3, help="points of each story")
    parser.add_argument("--all", action="store_true", help="every one")
    return parser.parse_args()


class Place:
    """One disk, and the system on it."""

    def __init__(self, like=None):
        self.images = tempfile.mkdtemp(prefix="hearback-halfway-", dir=harness.memory_folder())
        self.disk = Disk(self.images, "disk", ON, like, DISK_BYTES)
        self.folder = os.path.join(self.disk.folder, "system")
        self.fired = os.path.join(self.images, "fired")

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        if failed:
            print(f"its disk: {self.disk.image}, to be mounted on {ON}", flush=True)
        try:
            self.disk.unmount()
        finally:
            if not failed:
                shutil.rmtree(self.images, ignore_errors=True)

    def command(self, *arguments):
        return [HEARBACK, "--data", self.folder, *arguments]

    def run(self, *arguments):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120)

    def changes(self, *arguments):
        """How many writes and flushes the command makes that nobody stops."""
        told = os.path.join(self.images, "counts")
        done = subprocess.run(self.command(*arguments), env={**os.environ, "LD_PRELOAD": SHIM, "HEARBACK_FAULT_COUNTS": told,
                                                            "HEARBACK_FAULT_PROGRAM": "hearback"}, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done
        with open(told) as f:
            return sum(map(int, f.read().split()[:2]))

    def cut(self, n, power, *arguments, program="hearback", until=lambda: False):
        """Runs the command up to its n-th; True when it came there. `until`: it is not waited for any longer."""
        environment = {"LD_PRELOAD": SHIM, "HEARBACK_FAULT": f"stop:{n}", "HEARBACK_FAULT_PROGRAM": program,
                       "HEARBACK_FAULT_FIRED": self.fired, "HEARBACK_FAULT_ONCE": "1"}
        if os.path.exists(self.fired):
            os.remove(self.fired)
        with open(os.path.join(self.images, "said"), "w") as said:
            process = subprocess.Popen(self.command(*arguments), env={**os.environ, **environment}, stdout=said, stderr=said)
        limit = time.monotonic() + 120
        while not os.path.exists(self.fired) and process.poll() is None and not until():
            assert time.monotonic() < limit, f"it comes to no end: {self.said()}"
            time.sleep(0.002)
        if os.path.exists(self.fired) or process.poll() is None:
            self.kill(process, power)
        else:
            assert process.returncode == 0, self.said()
        return os.path.exists(self.fired)

    def said(self):
        with open(os.path.join(self.images, "said")) as f:
            return f.read()

    def kill(self, process, power):
        """With its children: one that is stopped does not see that it has lost its supervisor."""
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as f:
            children = f.read().split()
        if power:
            self.disk.cut()
        for pid in (process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(30)
        self.disk.unmount()
        self.disk.mount()

    def configuration(self):
        with open(os.path.join(self.folder, "hearback.yaml")) as f:
            return yaml.safe_load(f)

    def system(self, *options):
        os.makedirs(self.folder, exist_ok=True)  # for what `up` says
        return harness.System(*options, folder=self.folder)

    def starts(self, ledger=None, *options):
        """And is sound; with a ledger: has all of it."""
        system = self.system(*options)
        try:
            with system:
                system.settle()
                if ledger:
                    at_rest(system, ledger, dates=False)
                else:
                    assert "sound" in system.run("verify").stdout
        finally:
            if system.process:
                system.stop(signal.SIGKILL)


def founded(folder):
    """A whole configuration: the key of each instance is that of its secret."""
    zmq = ctypes.CDLL("libzmq.so.5")
    with open(os.path.join(folder, "hearback.yaml")) as f:
        told = yaml.safe_load(f)
    names = [(f"{one['service']}-{one.get('partition', 0)}", one["public_key"]) for one in told["instances"]]
    for name, public in [*names, *((key["name"], key["public_key"]) for key in told["keys"])]:
        made = ctypes.create_string_buffer(41)
        with open(os.path.join(folder, "secrets", name + ".secret"), "rb") as f:
            assert zmq.zmq_curve_public(made, f.read()) == 0 and made.value.decode() == public, name
    assert len(names) == 9, names


INIT = ("init", "--endpoint", "tcp://127.0.0.1:{port}", "--public-url", "https://desk.example.org")


def init(chance, chosen):
    with Place() as place:
        most = place.changes(*INIT)
    states = {"before": 0, "after": 0}
    points = points_of(chance, chosen, most, 5)
    for n in points:
        for power in (True, False):
            with Place() as place:
                assert place.cut(n, power, *INIT), f"{n} of {most} was not reached"
                states["after" if os.path.exists(os.path.join(place.folder, "hearback.yaml")) else "before"] += 1
                again = place.run(*INIT)
                assert again.returncode == 0 or "holds a system already" in again.stderr, (n, power, again)
                founded(place.folder)
    told("init", points, most, states)


def first_start(chance, chosen):
    states, reached = {"before": 0, "after": 0}, 0
    points = [(program, n) for program, most in STARTS.items() for n in range(1, most + 1)]
    if not chosen.all:
        points = chance.sample(points, chosen.each)
    for program, n in points:
        for power in (True, False):
            with Place() as place:
                ready = lambda: "ready http" in place.said()
                reached += place.cut(n, power, "up", "--demo", "--port", str(harness.free_port()), program=program, until=ready)
                states["after" if os.path.exists(os.path.join(place.folder, "demo-accounts.json")) else "before"] += 1
                place.starts(None, "--demo")
                founded(place.folder)
    told("first start", points, sum(STARTS.values()), states, reached)


class Worked:
    """The image of a disk with a system at rest, and what its clients were promised."""

    def __enter__(self):
        self.place = Place()
        with contextlib.ExitStack() as undone:
            undone.push(self.place)
            with self.place.system("--demo") as system:
                system.settle()
                with Load(system.port, system.tokens(), seed=1, clients=3, elsewhere=0.3) as load:
                    time.sleep(2)
                self.ledger = load.ledger
                system.settle()
            assert len(self.ledger.answered()) > 10, "too little happened"
            undone.pop_all()
        self.place.disk.unmount()
        self.image = self.place.disk.image
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.place.images, ignore_errors=True)


def split(chance, chosen):
    with Worked() as worked:
        for service in ("casework", "intake"):
            command = ("split", service, "0", "--at", AT)
            with Place(worked.image) as place:
                most = place.changes(*command)
            states, points = {"before": 0, "after": 0}, points_of(chance, chosen, most, 1)
            for n in points:
                for power in (True, False):
                    with Place(worked.image) as place:
                        assert place.cut(n, power, *command), f"{n} of {most} was not reached"
                        divided = any(one.get("partition") for one in place.configuration()["instances"])
                        states["after" if divided else "before"] += 1
                        again = place.run(*command)
                        assert again.returncode == 0 if not divided else "has the buckets" in again.stderr, (n, power, divided, again)
                        place.starts(worked.ledger)
            told(f"split {service}", points, most, states)


def start_of_halves(chance, chosen):
    with Worked() as worked:
        for service in ("casework", "intake"):
            most = 60
            points = points_of(chance, chosen, most, 1)
            states, reached = {"before": 0, "after": 0}, 0
            for n in points:
                for power in (True, False):
                    with Place(worked.image) as place:
                        done = place.run("split", service, "0", "--at", AT)
                        assert done.returncode == 0, done
                        ready = lambda: "ready http" in place.said()
                        reached += place.cut(n, power, "up", "--port", str(harness.free_port()), program=f"hearback-{service}", until=ready)
                        states["after" if ready() else "before"] += 1
                        place.starts(worked.ledger)
            told(f"start of the halves of {service}", points, most, states, reached)


BACKUP = ("backup", f"{ON}/backup", "--with-keys", f"{ON}/keys")
NEVER = 10**9
RESTORE = ("restore", f"{ON}/backup", "--keys", f"{ON}/keys")


def backup(chance, chosen):
    """The backup is there or not, and what is there is whole. And so is what is restored from one."""
    with Worked() as worked:
        with Place(worked.image) as place:
            with place.system():
                most = place.changes(*BACKUP)
            place.disk.unmount()
            whole = os.path.join(worked.place.images, "whole")
            shell("cp", "--sparse=always", place.disk.image, whole)
        states, reached = {"before": 0, "after": 0}, 0
        points = [*points_of(chance, chosen, most, 1), NEVER]  # the last: when it has said that it is done
        for n in points:
            for power in (True, False):
                with Place(worked.image) as place:
                    came = stopped_in_backup(place, n, power)
                    reached += came
                    made = backups()
                    assert came or made, f"{n}: the backup said that it was done, and is not there"
                    states["after" if made else "before"] += 1
                    system = place.folder
                    if made:  # by itself, before another is made; its keys were written before it had its name
                        restored_from(made[0], place, worked.ledger, (n, power))
                        shutil.rmtree(f"{ON}/restored")
                    place.folder = system
                    with place.system():
                        again = place.run(*BACKUP)
                    assert again.returncode == 0, (n, power, made, again)
                    (new,) = set(backups()) - set(made)
                    restored_from(new, place, worked.ledger, (n, power))
        told("backup", points, most, states, reached)
        restore(chance, chosen, whole, worked.ledger)


def backups():
    """Those that are whole: what is not yet is called otherwise."""
    made = sorted(os.path.dirname(path) for path in glob.glob(f"{ON}/backup/*/manifest.json"))
    return [folder for folder in made if not folder.endswith(".partial")]


def restored_from(folder, place, ledger, where):
    place.folder = f"{ON}/restored"
    done = place.run("restore", folder, "--keys", f"{ON}/keys")
    assert done.returncode == 0, (where, folder, done)
    place.starts(ledger)


def stopped_in_backup(place, n, power):
    """Did it come to its n-th? Else it was done. The power takes the services with it, whose disk it is; and they end as well where only what runs is killed."""
    system = place.system()
    fired = {"LD_PRELOAD": SHIM, "HEARBACK_FAULT": f"stop:{n}", "HEARBACK_FAULT_PROGRAM": "hearback", "HEARBACK_FAULT_FIRED": place.fired}
    process = None
    try:
        system.start()
        process = subprocess.Popen(place.command(*BACKUP), env={**os.environ, **fired}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + 120
        while not os.path.exists(place.fired) and process.poll() is None:
            assert time.monotonic() < limit, f"the backup neither ends nor comes to its {n}-th"
            time.sleep(0.002)
        came = os.path.exists(place.fired)
        assert came or process.returncode == 0, f"{n}: the backup failed with {process.returncode}"
        if power:
            place.disk.cut()
    finally:
        if process:
            process.kill()
            process.wait(30)
        if system.process:
            system.stop(signal.SIGKILL)
    place.disk.unmount()
    place.disk.mount()
    return came


def restore(chance, chosen, image, ledger):
    with Place(image) as place:
        place.folder = f"{ON}/restored"
        most = place.changes(*RESTORE)
    states, points = {"before": 0, "after": 0}, points_of(chance, chosen, most, 1)
    for n in points:
        for power in (True, False):
            with Place(image) as place:
                place.folder = f"{ON}/restored"
                assert place.cut(n, power, *RESTORE), f"{n} of {most} was not reached"
                done = os.path.exists(f"{ON}/restored/hearback.yaml") and not os.path.exists(f"{ON}/restored/restoring")
                states["after" if done else "before"] += 1
                if os.path.exists(f"{ON}/restored/restoring"):
                    tried = place.run("up", "--once")
                    assert tried.returncode == 1 and "was cut off" in tried.stderr, (n, power, tried)
                again = place.run(*RESTORE)
                assert again.returncode == 0 or done, (n, power, again)
                place.starts(ledger)
    told("restore", points, most, states)


def points_of(chance, chosen, most, times):
    every = range(1, most + 1)
    return every if chosen.all else sorted(chance.sample(every, min(most, chosen.each * times)))


def told(what, points, most, states, reached=None):
    """`reached`: of a start or a backup, who wake threads by writes, so that their number is not the same each time; else each was reached, or it failed."""
    runs = 2 * len(points)
    assert reached != 0, f"{what}: none of {runs} came to its write or flush: nothing was shown"
    came = "" if reached is None else f" ({reached} of {runs} came so far, the others were cut when it was done)"
    print(f"{what}: cut before {len(points)} of {most} writes and flushes, each by a loss of power and by a kill{came}: {states['before']} times it was as before, "
          f"{states['after']} times as after; sound, nothing lost", flush=True)


def main():
    chosen = options()
    atexit.register(os.rmdir, ON)
    missing = possible()
    if missing:
        print(f"skipped: commands cut halfway: {missing}")
        sys.exit(harness.SKIP)
    print(f"seed {chosen.seed} (again: halfway.py --seed {chosen.seed})", flush=True)
    for story in (init, first_start, split, start_of_halves, backup):
        if not chosen.stories or story.__name__ in chosen.stories:
            began = time.monotonic()
            story(random.Random(f"{chosen.seed} {story.__name__}"), chosen)
            print(f"passed  {story.__name__}  {time.monotonic() - began:.1f} s", flush=True)


main()
