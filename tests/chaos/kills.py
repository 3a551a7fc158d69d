"""kill -9 of every service at random, under load. `kills.py [--seed N] [--kills N] [--seconds S]`

Clients register cases and take steps over HTTP, and repeat what got no answer under the same key. Services are killed one, two
or three at a time, the gateway among them, and sometimes one is stopped for a while; `hearback up` starts them again. When all
has come to rest: nothing acknowledged is lost, nothing is doubled, `hearback verify` agrees. Backups are tried in between: one
either fails and says why, or holds all that was acknowledged before it; the last good one is restored and checked in the same
way. Last, everything is killed at one instant, supervisor included, and started again. The moments depend on the machine; the
seed makes the choice of victims and of commands the same."""

import argparse
import copy
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import harness
from checker import SERVICES, at_rest
from histories import Importer
from load import Ledger, Load

ALL = SERVICES + ("gateway",)


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--kills", type=int, default=220)
    parser.add_argument("--seconds", type=float, default=None, help="how long the kills take; default: 0.8 for each")
    return parser.parse_args()


def freeze_one(system, chance):
    """Now and then somebody hangs for a while instead: its callers are refused for now, and it has no idea of the time it missed."""
    for pid in system.pids(chance.choice(ALL)):
        try:
            os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError:
            continue
        threading.Timer(chance.uniform(0.5, 4), thaw, (pid,)).start()


def thaw(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass  # killed meanwhile


def kill_some(system, chance, counts):
    """One victim mostly, sometimes more at one instant. Who is not running is no victim."""
    victims = chance.sample(ALL, chance.choice((1, 1, 1, 1, 2, 3)))
    for service in victims:
        for pid in system.pids(service):
            try:
                os.kill(pid, signal.SIGKILL)
                counts[service] += 1
            except ProcessLookupError:
                pass


class Backups(threading.Thread):
    """Tries to make one from time to time, whatever happens to the services meanwhile."""

    def __init__(self, system, target):
        super().__init__(daemon=True)
        self.system, self.target = system, target
        self.stopping = threading.Event()
        self.good, self.refused = [], 0  # (path, when it began)
        self.failure = None

    def run(self):
        while not self.stopping.wait(4):
            began = time.time()
            done = self.system.run("--json", "backup", self.target, check=False)
            if done.returncode == 0:
                self.good.append((json.loads(done.stdout)["path"], began))
            elif done.returncode != 1 or "hearback: " not in done.stderr:
                self.failure = f"exit {done.returncode}: {done.stdout}{done.stderr}"
            else:
                self.refused += 1

    def stop(self):
        self.stopping.set()
        self.join(60)
        assert not self.failure, self.failure
        left = [name for name in os.listdir(self.target) if name.endswith(".partial")]
        assert not left, f"a backup that failed left {left}"
        assert self.good, f"none of {self.refused} backups succeeded"
        print(f"{len(self.good)} backups made while services were killed, {self.refused} refused", flush=True)


def check_backup(system, backups, ledger):
    """The last good one, in a folder of its own: all that was acknowledged before it began, nothing twice."""
    path, began = backups.good[-1]
    folder = os.path.join(backups.target, "restored")
    subprocess.run([system.program("hearback"), "--data", folder, "restore", path, "--keys",
                    os.path.join(system.folder, "epoch-keys")], check=True, capture_output=True, timeout=300)
    known = Ledger()
    for command in ledger.commands:
        seen = copy.copy(command)
        if command.answered_at is None or command.answered_at >= began:
            seen.status = None  # it may be there or not, but not twice
        known.commands.append(seen)
    with harness.System(folder=folder) as restored:
        checker = at_rest(restored, known, disturbed=[*system.disturbed, (began, time.time())])  # from the backup on there was none
    print(f"the last of them, restored: {checker.size()} events, {len(known.answered())} of {len(ledger.answered())} "
          "acknowledged commands were before it, all are there; verify: sound", flush=True)


def kill_under_load(system, chance, wanted, seconds):
    counts = dict.fromkeys(ALL, 0)
    until = time.monotonic() + seconds
    began = time.monotonic()
    while sum(counts.values()) < wanted or min(counts.values()) == 0:
        if time.monotonic() > until + 120:
            raise AssertionError(f"only {counts} kills: services do not come back fast enough")
        kill_some(system, chance, counts)
        if chance.random() < 0.1:
            freeze_one(system, chance)
        left = max(1, wanted - sum(counts.values()))
        time.sleep(chance.uniform(0.2, 1.8) * min(1.0, max(0.05, (until - time.monotonic()) / left)))
    print(f"{sum(counts.values())} kills in {time.monotonic() - began:.0f} s: {counts}", flush=True)
    return counts["notification"]


def check(system, ledger, when, mail, kills):
    checker = at_rest(system, ledger)
    missed, reached = checker.count("watchdog", "missed"), checker.count("escalation", "reached")
    sent, again, waiting = checker.check_mails([message["Message-ID"] for message in mail.messages], kills)
    assert not checker.findings, f"{when}: {checker.findings[:20]}"
    print(f"{when}: {checker.size()} events, {len(checker.cases)} cases, {missed} missed dates, {reached} rows of ladders, {len(ledger.answered())} acknowledged commands "
          f"({ledger.refusals} times none or no answer, {ledger.repeats} repeated on purpose): 0 lost, 0 doubled; {sent} mails: "
          f"{waiting} to be tried again, all others arrived, {again} more than once; verify: sound", flush=True)


def kill_everything(system):
    """One instant for all, as near as signals go: the supervisor first, so that it starts nobody again."""
    pids = [pid for service in ALL for pid in system.pids(service)]
    system.process.send_signal(signal.SIGKILL)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    system.process.wait(10)
    system.process = None
    until = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < until:
        time.sleep(0.01)


def main():
    chosen = options()
    print(f"seed {chosen.seed}, {chosen.kills} kills (again: kills.py --seed {chosen.seed} --kills {chosen.kills})", flush=True)
    chance = random.Random(chosen.seed)
    mail = harness.Mail()
    system = harness.System("--demo", "--smtp", mail.url)
    place = tempfile.mkdtemp(prefix="hearback-backups-", dir=harness.memory_folder())
    try:
        mail.__enter__()
        system.start()
        tokens = system.tokens()
        with Load(system.port, tokens, seed=chosen.seed, clients=4, pause_s=0.02, mails=0.2) as load, \
                Importer(system, system.operator_token()):
            backups = Backups(system, place)
            backups.start()
            with system.disturbed.meanwhile():
                kills = kill_under_load(system, chance, chosen.kills, chosen.seconds or 0.8 * chosen.kills)
                backups.stop()
                system.run("wait", "ready")
            load.stop(patience_s=60)
        check(system, load.ledger, "after the kills", mail, kills)
        arrived = len(mail.messages)
        check_backup(system, backups, load.ledger)
        del mail.messages[arrived:]  # those of the restored copy, which does not know what was sent since
        system.start()
        again = Load(system.port, tokens, seed=chosen.seed + 1, clients=4, pause_s=0.01, mails=0.2)
        again.ledger = load.ledger
        with again:
            time.sleep(chance.uniform(2, 4))
            with system.disturbed.meanwhile():
                kill_everything(system)
                system.start()
            again.stop(patience_s=60)
        check(system, load.ledger, "after the end of everything", mail, kills + 1)
    except BaseException:
        system.own = False
        print(f"the system's folder is kept: {system.folder}")
        raise
    finally:
        if system.process:
            system.stop()
        mail.__exit__()
        shutil.rmtree(place, ignore_errors=True)
        if system.own:
            shutil.rmtree(system.folder, ignore_errors=True)


main()
