"""Power cuts. `power.py [--seed N] [--cuts N]`

Every service of a running system has its folder on a file system of its own (ext4 in a file, mounted through a loop device).
A cut is ext4's own shutdown (EXT4_IOC_SHUTDOWN without flushing its log): from that instant nothing more reaches the disk, and whatever was not
synced is gone when it is mounted again. Each service in turn is cut under load, then all at one instant; afterwards nothing
acknowledged may be missing and nothing doubled.

First the positive control: the same cut with a shim that leaves the syncs out must lose. A harness that cannot lose proves nothing.

What this does not show: a disk that says it has flushed, and has not. Needs root, loop devices and ext4."""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time

import harness
from checker import SERVICES, Checker, at_rest
from disk import Disk, possible, shell
from histories import Importer
from load import Load

SHIM = os.path.join(harness.PROGRAMS, "shim.so")


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--cuts", type=int, default=10)
    return parser.parse_args()


class Machine:
    """A demonstration system whose services each have a disk."""

    def __init__(self):
        self.images = tempfile.mkdtemp(prefix="hearback-disks-", dir=harness.memory_folder())
        self.folder = tempfile.mkdtemp(prefix="hearback-power-", dir=harness.memory_folder())
        self.disks = {}
        self.system = harness.System("--demo", folder=self.folder)
        try:
            self.system.start()
            self.tokens = self.system.tokens()
            self.system.stop()
            for service in SERVICES:
                self.put_on_disk(service)
        except BaseException:
            self.close()
            raise

    def put_on_disk(self, service):
        home = os.path.join(self.folder, "data", f"{service}-0")
        aside = home + ".aside"
        os.rename(home, aside)
        self.disks[service] = Disk(self.images, service, home)
        for name in os.listdir(aside):
            shutil.move(os.path.join(aside, name), home)
        shutil.rmtree(aside)
        shell("sync", "-f", home)

    def cut(self, services, everything=False):
        """The supervisor holds still meanwhile: it would start a service on a disk that is not there. The disk first, then the
        process: what it does between the two reaches nobody's disk, as the last instant of a machine."""
        supervisor = self.system.process.pid
        os.kill(supervisor, signal.SIGSTOP)
        pids = [pid for service in services + (["gateway"] if everything else []) for pid in self.system.pids(service)]
        for service in services:
            self.disks[service].cut()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if everything:
            os.kill(supervisor, signal.SIGKILL)
            self.system.process.wait(10)
            self.system.process = None
        for service in services:
            self.disks[service].unmount()
            self.disks[service].mount()
        if not everything:
            os.kill(supervisor, signal.SIGCONT)

    def close(self):
        if self.system.process:
            self.system.stop(signal.SIGKILL)
        for disk in self.disks.values():
            try:
                disk.unmount()
            except OSError as failure:
                print(failure)
        shutil.rmtree(self.images, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def control(seed):
    """Without syncs the same cut loses: at least one acknowledged command, or a log that its neighbours have heard more of."""
    machine = Machine()
    os.environ.update(LD_PRELOAD=SHIM, HEARBACK_FAULT="nosync")
    try:
        machine.system.start()
        load = Load(machine.system.port, machine.tokens, seed=seed, clients=3, steps=0.3)
        with load:
            time.sleep(3)
            machine.cut(list(SERVICES), everything=True)
            load.give_up_at = 0
        known = len(load.ledger.answered())
    finally:
        del os.environ["LD_PRELOAD"], os.environ["HEARBACK_FAULT"]
    assert known, "nothing was acknowledged: nothing could be lost"
    try:
        lost = [finding for finding in Checker(machine.folder).check(load.ledger) if finding.startswith("lost")]
    except AssertionError as unreadable:
        print(f"control: without syncs a log cannot be read any more, as may be: {unreadable}", flush=True)
        return
    finally:
        machine.close()
    assert lost, f"nothing was lost of {known} acknowledged commands although nothing was synced: this harness cannot see a loss"
    print(f"control: without syncs {len(lost)} of {known} acknowledged commands are lost, as must be", flush=True)


def check(machine, ledger, when):
    checker = at_rest(machine.system, ledger)
    missed, reached = checker.count("watchdog", "missed"), checker.count("escalation", "reached")
    print(f"{when}: {checker.size()} events, {missed} missed dates, {reached} rows of ladders, {len(ledger.answered())} acknowledged commands: 0 lost, 0 doubled, 0 corrupt; verify: "
          "sound", flush=True)


def cuts(chance, wanted):
    machine = Machine()
    try:
        machine.system.start()
        load = Load(machine.system.port, machine.tokens, seed=chance.randrange(10**6), clients=4)
        importer, done = Importer(machine.system, machine.system.operator_token()), 0
        with load, importer:
            with machine.system.disturbed.meanwhile():
                while done < wanted - 1:
                    for service in SERVICES[:wanted - 1 - done]:
                        time.sleep(chance.uniform(0.2, 1.2))
                        machine.cut([service])
                        done += 1
                machine.system.run("wait", "ready")
            time.sleep(1)
            load.stop(60)
        check(machine, load.ledger, f"{done} cuts, each service in turn")
        for _ in range(max(1, wanted // 10)):
            machine.system.start()
            again = Load(machine.system.port, machine.tokens, seed=chance.randrange(10**6), clients=4)
            again.ledger = load.ledger
            with again, Importer(machine.system, machine.system.operator_token(), importer.imported) as importer:
                time.sleep(chance.uniform(1, 3))
                with machine.system.disturbed.meanwhile():
                    machine.cut(list(SERVICES), everything=True)
                    machine.system.start()
                again.stop(60)
            check(machine, load.ledger, "everything at one instant")
    except BaseException:
        machine.system.print_logs()
        raise
    finally:
        machine.close()


def main():
    chosen = options()
    missing = possible()
    if missing:
        print(f"skipped: power cuts: {missing}")
        sys.exit(harness.SKIP)
    print(f"seed {chosen.seed}, {chosen.cuts} cuts (again: power.py --seed {chosen.seed} --cuts {chosen.cuts})", flush=True)
    chance = random.Random(chosen.seed)
    control(chosen.seed)
    cuts(chance, chosen.cuts)


main()
