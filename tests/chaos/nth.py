"""The n-th write, sync, allocation, open and send that the system refuses.
`nth.py [--seed N] [--runs N | --each | --all] [--sends N | --sends-each] [--shard I/K]`

`script` takes all services in one process through 300 commands, with a store that syncs; shim.so lets one call of it fail. It
must end by itself, either having gone on (exit 0 or a clean refusal) or with a word why; then it is run again
without the fault, finishes the 300, and the checker holds the logs against what was answered before and after. `--all`:
every n there is (of which a shard takes every K-th); `--each`: for every way to reach a call, that is every stack of callers, one of its n, drawn
by the seed; `--runs N`: so for N of the ways. `--sends N`: and so many faults of a real system under load, which goes on until they
happened: sends of any service, and what the script has not, the gateway's and others' allocations, opens and writes. `--sends-each`: each of the
first 300 sends of every service. That the fault happened is told by the shim each time, and asserted."""

import argparse
import array
import collections
import concurrent.futures
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import harness
from checker import Checker, at_rest
from histories import Importer
from invariants import instant
from load import Command, Ledger, Load

HERE = os.path.dirname(os.path.abspath(__file__))
SHIM = os.path.join(harness.PROGRAMS, "shim.so")
KINDS = ("write", "sync", "alloc", "open")
UNSURE = 200  # LMDB writes pages that lie side by side at once: a run has some writes more than another, and may end before the last of them
SENDS_EACH = 300
COMMANDS, IMPORT_EACH, CASES = 300, 30, 58  # as script.c has them
STEPS = ("accept", "contact", "handle", "answer")
# The word why: of an abort, an assertion of the product's, or a founding that was refused; of any other end, what the script says.
ABORT, ABORT_SAID = -6, ('"event":"bug"', "publish: ", "organise: ")
SAID = ("cannot start", "is refused: ")  # no answer, or no rest, is no word: a service hangs


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--each", action="store_true", help="every way in which a call is reached, once")
    parser.add_argument("--shard", default="1/1", help="with --all, --each or --sends-each: I/K, from 1/K to K/K")
    parser.add_argument("--sends", type=int, default=6)
    parser.add_argument("--sends-each", action="store_true", help=f"each of the first {SENDS_EACH} sends of every service")
    parser.add_argument("--only", help="one fault, as KIND:N:ERRNO")
    return parser.parse_args()


def script(place, *options, **environment):
    """The script, once. Returns its exit code (negative: the signal) and what it said."""
    done = subprocess.run([os.path.join(harness.PROGRAMS, "script"), os.path.join(place, "data"), os.path.join(place, "ledger"), *options],
                          env={**os.environ, **environment}, capture_output=True, timeout=120)
    return done.returncode, done.stderr.decode(errors="replace")


def ledger_of(place):
    """As the checker wants it: what was sent, and the answers that came."""
    ledger, by_n = Ledger(), {}
    with open(os.path.join(place, "ledger")) as f:
        lines = [line.split() for line in f]
    answers = {int(words[1]): words for words in lines if words[0] == "ok"}
    submission_of = lambda case: case + case // (IMPORT_EACH - 1)
    for words in lines:
        if words[0] != "sent" or int(words[1]) in by_n:
            continue
        n = int(words[1])
        step, case = divmod(n - n // IMPORT_EACH, CASES)
        case = answers.get(submission_of(case))
        step = 0 if n % IMPORT_EACH == IMPORT_EACH - 1 else step  # an import is a registration too
        if step == 0:
            command = Command(f"key-{n}", "portal", "/api/v1/cases", None)
        else:
            command = Command(f"key-{n}", "chen", f"/api/v1/cases/{case[2]}/actions/{STEPS[step - 1]}", None, case[2])
        if n in answers:
            _, _, case_id, version, text = answers[n]
            command.status = 200 if step else 201
            command.answer = {"case_id": case_id, "number": text, "version": version}
        by_n[n] = command
        command.id = f"0000000000001-{n}"  # script.c speaks to the services without a gateway
        ledger.add(command)
    return ledger


def judge(place):
    """What is wrong after a script that was run to its end."""
    ledger, checker = ledger_of(place), Checker(place)
    checker.disturbed = outages(place, checker)
    findings = checker.check(ledger) + checker.vacuous()
    if len(ledger.answered()) != COMMANDS:
        findings.append(f"{len(ledger.answered())} of {COMMANDS} commands were answered")
    return findings


def outages(place, checker):
    """By the script's own clock: from what was recorded last before a start until that start."""
    recorded = [instant(line["event"]["recorded_at"]).timestamp() for log in checker.logs.values() for line in log]
    with open(os.path.join(place, "ledger")) as f:
        starts = [int(line.split()[1]) / 1000 for line in f if line.startswith("started ")]
    return [(max((at for at in recorded if at < start), default=start), start) for start in starts]


def one(fault):
    """None when all is well; else what is not."""
    kind, n, errno, last = fault
    place = tempfile.mkdtemp(prefix="hearback-nth-", dir=harness.memory_folder())
    name = f"{kind}:{n} {errno}"
    try:
        fired = os.path.join(place, "fired")
        code, said = script(place, LD_PRELOAD=SHIM, HEARBACK_FAULT=f"{kind}:{n}", HEARBACK_FAULT_FIRED=fired,
                            **({"HEARBACK_FAULT_ERRNO": errno} if errno else {}))
        if not os.path.exists(fired):
            return (None, "not reached") if last else (f"{name}: it did not happen: the test shows nothing", None)
        words = ABORT_SAID if code == ABORT else SAID
        clean = code == 0 or (code in (ABORT, 1, 2, 3, 4) and any(word in said for word in words))
        if not clean:
            return f"{name}: it ended with {code}: {said[-400:]}", None
        again, said_again = script(place, "check")
        if again:
            return f"{name}: ended with {code} ({said[-200:].strip()}); run again: {again}: {said_again[-600:]}", None
        findings = judge(place)
        return (f"{name}: {findings[:5]}" if findings else None), code
    except subprocess.TimeoutExpired:
        return f"{name}: it hangs", None
    finally:
        shutil.rmtree(place, ignore_errors=True)


def counts():
    with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        told = os.path.join(place, "counts")
        code, said = script(place, LD_PRELOAD=SHIM, HEARBACK_FAULT_COUNTS=told)
        assert code == 0, f"the script fails without a fault: {code} {said}"
        with open(told) as f:
            return dict(zip(KINDS, map(int, f.read().split())))


def ways():
    """(kind, number of the stack) -> the n that are reached by it."""
    found = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        told = os.path.join(place, "stacks")
        code, said = script(place, LD_PRELOAD=SHIM, HEARBACK_FAULT_STACKS=told)
        assert code == 0, f"the script fails without a fault: {code} {said}"
        with open(told, "rb") as f:
            for kind in KINDS:
                numbers = array.array("Q", f.read(8 * struct.unpack("Q", f.read(8))[0]))
                for n, number in enumerate(numbers, 1):
                    found[kind, number].append(n)
    return found


def faults(chance, chosen, reached):
    errnos = {"write": ("EIO", "ENOSPC"), "sync": ("EIO", "ENOSPC"), "alloc": ("",), "open": ("EMFILE", "EIO")}
    shard, shards = map(int, chosen.shard.split("/"))
    if chosen.all:
        every = [(kind, n, chance.choice(errnos[kind]), kind == "write" and n > reached[kind] - UNSURE)
                 for kind in KINDS for n in range(1, reached[kind] + 1)]
        return every[shard - 1::shards]
    found = {kind: [] for kind in KINDS}
    for (kind, _), every in sorted(ways().items(), key=lambda way: way[1]):  # the numbers themselves are addresses
        n = [n for n in every if kind != "write" or n < reached[kind] - UNSURE]
        found[kind] += [n] if n else []
    print(f"ways to reach them: {', '.join(f'{len(n)} {kind}' for kind, n in found.items())}", flush=True)
    if chosen.each:
        each = [(kind, chance.choice(n), chance.choice(errnos[kind]), False) for kind in KINDS for n in found[kind]]
        return each[shard - 1::shards]
    points, left = [], chosen.runs
    for kinds, kind in enumerate(sorted(KINDS, key=lambda kind: len(found[kind]))):  # what the rare ones leave is for the others
        each = min(left // (len(KINDS) - kinds), len(found[kind]))
        left -= each
        points += [(kind, chance.choice(n), chance.choice(errnos[kind]), False) for n in chance.sample(found[kind], each)]
    return points


def run_all(list_of_faults):
    began, ends, bad = time.monotonic(), {}, []
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for done, (failure, code) in enumerate(pool.map(one, list_of_faults), 1):
            if failure:
                bad.append(failure)
                print("FOUND", failure, flush=True)
            ends[code] = ends.get(code, 0) + 1
            if done % 100 == 0:
                print(f"{done} of {len(list_of_faults)} after {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(list_of_faults)} faults in {time.monotonic() - began:.0f} s; how the script ended: "
          f"{', '.join(f'{n} times {code}' for code, n in sorted(ends.items(), key=str))}", flush=True)
    return bad


# Of a real system: which calls of which program, up to which n. The gateway alone is not in the script.
REAL = {"send": ("gateway", "intake", "casework", "routing", "watchdog", "analytics", "directory", "escalation", "notification"),
        "alloc": ("gateway", "gateway", "gateway", "directory", "notification"), "open": ("gateway", "directory", "notification"),
        "write": ("gateway",)}
UP_TO = {"send": 3, "alloc": 4.5, "open": 1.2, "write": 2}  # powers of ten
WORD_WHY = r'"event":"(?:bug|fault)"|"why":"[^"]'
CUT = r"\((?:Failure when receiving|Server returned nothing|Failed sending)"  # whose connection was cut says this, and nobody ended
REAL_ERRNOS = {"send": ("ECONNRESET", "EPIPE"), "alloc": ("ENOMEM",), "open": ("EMFILE", "EIO"), "write": ("EIO", "ENOSPC")}


def drawn(chance, count):
    """Half of them sends, each program in its turn."""
    for i in range(count):
        kind = "send" if i % 2 == 0 else chance.choice(("alloc", "alloc", "open", "write"))
        yield kind, f"hearback-{chance.choice(REAL[kind])}", int(10 ** chance.uniform(0.5, UP_TO[kind])), chance.choice(REAL_ERRNOS[kind])


def each_send(shard):
    piece, pieces = map(int, shard.split("/"))
    every = [("send", f"hearback-{name}", n, REAL_ERRNOS["send"][n % 2]) for n in range(1, SENDS_EACH + 1) for name in REAL["send"]]
    return every[piece - 1::pieces]


class Hurt(harness.System):
    """One call of a program fails. A send is cut again and again: a start counts anew. Any other call fails once; where that ends the
    process, it is started again; where the system's start is refused, that is started once more, without the fault."""

    def __init__(self, fault):
        super().__init__("--demo")
        self.kind, self.hurts, nth, errno = fault
        self.name = f"{self.kind}:{nth} of {self.hurts} ({errno})"
        self.fired, self.refused = os.path.join(self.folder, "fired"), False
        self.environment = {"LD_PRELOAD": SHIM, "HEARBACK_FAULT": f"{self.kind}:{nth}", "HEARBACK_FAULT_PROGRAM": self.hurts,
                            "HEARBACK_FAULT_ERRNO": errno, "HEARBACK_FAULT_FIRED": self.fired,
                            **({} if self.kind == "send" else {"HEARBACK_FAULT_ONCE": "1"})}

    def start(self):
        os.environ.update(self.environment)
        try:
            super().start()
        except RuntimeError as refused:
            self.refused = self.has_a_word(str(refused))
        finally:
            for key in self.environment:
                del os.environ[key]
        if self.refused:
            super().start()

    def has_a_word(self, said):
        """That somebody does not answer is none: who ended must have said why in its log."""
        log = os.path.join(self.folder, "log", self.hurts.removeprefix("hearback-") + "-0.log")
        if os.path.exists(log):
            with open(log, errors="replace") as f:
                said += f.read()
        ended = self.process.poll() is not None and os.path.exists(self.fired)
        assert ended and re.search(f"{WORD_WHY}|{CUT}" if self.kind == "send" else WORD_WHY, said), f"{self.name}: no word why: {said[-2000:]}"
        return True


def of_a_real_system(chosen_faults):
    for fault in chosen_faults:
        with Hurt(fault) as system:
            told = hit(system, fault[2])
        print(f"{system.name} failed: {'the start was refused, with a word why; then ' if system.refused else ''}{told}", flush=True)


def hit(system, seed):
    """What became of it."""
    with Load(system.port, system.tokens(), seed=seed, clients=3) as load, Importer(system, system.operator_token()), system.disturbed.meanwhile():
        until = time.monotonic() + 120
        while not os.path.exists(system.fired) and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(2)  # and how it goes on after it
    assert os.path.exists(system.fired), f"{system.name} did not happen in two minutes: nothing was shown"
    at_rest(system, load.ledger)
    assert len(load.ledger.answered()) > 20, "too little happened"
    return f"{len(load.ledger.answered())} acknowledged, 0 lost, 0 doubled"


def main():
    chosen = options()
    chance = random.Random(chosen.seed)
    if chosen.only:
        kind, n, errno = (chosen.only.split(":") + [""])[:3]
        failure, code = one((kind, int(n), errno, False))
        print(failure or f"well; it ended with {code}")
        return 1 if failure else 0
    if chosen.sends_each:
        of_a_real_system(each_send(chosen.shard))
        return 0
    reached = counts()
    print(f"seed {chosen.seed}; the script makes {', '.join(f'{n} {kind}' for kind, n in reached.items())}", flush=True)
    bad = run_all(faults(chance, chosen, reached))
    if not bad:
        of_a_real_system(drawn(chance, chosen.sends))
    print(f"{len(bad)} findings (again: nth.py --only KIND:N:ERRNO)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
