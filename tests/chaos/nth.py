"""The n-th write, sync, allocation, open and send that the system refuses.
`nth.py [--seed N] [--runs N | --each | --all [--shard I/K]] [--sends N]`

`script` takes all services in one process through 300 commands, with a store that syncs; shim.so lets one call of it fail. It
must end by itself, either having gone on (exit 0 or a clean refusal) or with a word why; then it is run again
without the fault, finishes the 300, and the checker holds the logs against what was answered before and after. `--all`:
every n there is (of which a shard takes every K-th); `--each`: for every way to reach a call, that is every stack of callers, one of its n, drawn
by the seed; `--runs N`: so for N of the ways. `--sends N`: and so many faults of a real system under load, which goes on until they
happened: sends of any service, and what the script has not, the gateway's and others' allocations, opens and writes. That the fault happened is told by the shim each time, and asserted."""

import argparse
import array
import collections
import concurrent.futures
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import harness
from checker import Checker
from histories import Importer
from load import Command, Ledger, Load

HERE = os.path.dirname(os.path.abspath(__file__))
SHIM = os.path.join(harness.PROGRAMS, "shim.so")
KINDS = ("write", "sync", "alloc", "open")
COMMANDS, IMPORT_EACH, CASES = 300, 30, 58  # as script.c has them
STEPS = ("accept", "contact", "handle", "answer")
SAID = ('"event":"bug"', "cannot start", "command ", "it does not come to rest", "publish: ", "organise: ")


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--each", action="store_true", help="every way in which a call is reached, once")
    parser.add_argument("--shard", default="1/1", help="with --all or --each: I/K, from 1/K to K/K")
    parser.add_argument("--sends", type=int, default=6)
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


def one(fault):
    """None when all is well; else what is not."""
    kind, n, errno = fault
    place = tempfile.mkdtemp(prefix="hearback-nth-", dir=harness.memory_folder())
    name = f"{kind}:{n} {errno}"
    try:
        fired = os.path.join(place, "fired")
        code, said = script(place, LD_PRELOAD=SHIM, HEARBACK_FAULT=f"{kind}:{n}", HEARBACK_FAULT_FIRED=fired,
                            **({"HEARBACK_FAULT_ERRNO": errno} if errno else {}))
        if not os.path.exists(fired):
            return f"{name}: it did not happen: the test shows nothing", None
        clean = code == 0 or (code in (-6, 1, 2, 3, 4) and any(word in said for word in SAID))
        if not clean:
            return f"{name}: it ended with {code}: {said[-400:]}", None
        again, said_again = script(place, "check")
        if again:
            return f"{name}: ended with {code} ({said[-200:].strip()}); run again: {again}: {said_again[-600:]}", None
        ledger = ledger_of(place)
        findings = Checker(place).check(ledger)
        if len(ledger.answered()) != COMMANDS:
            findings.append(f"{len(ledger.answered())} of {COMMANDS} commands were answered")
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
        every = [(kind, n, chance.choice(errnos[kind])) for kind in KINDS for n in range(1, reached[kind] + 1)]
        return every[shard - 1::shards]
    found = {kind: [] for kind in KINDS}
    for (kind, _), every in sorted(ways().items(), key=lambda way: way[1]):  # the numbers themselves are addresses
        # LMDB writes pages that lie side by side at once: a run has some writes more than another, and may end before the last of this one
        n = [n for n in every if kind != "write" or n < reached[kind] - 200]
        found[kind] += [n] if n else []
    print(f"ways to reach them: {', '.join(f'{len(n)} {kind}' for kind, n in found.items())}", flush=True)
    if chosen.each:
        each = [(kind, chance.choice(n), chance.choice(errnos[kind])) for kind in KINDS for n in found[kind]]
        return each[shard - 1::shards]
    points, left = [], chosen.runs
    for kinds, kind in enumerate(sorted(KINDS, key=lambda kind: len(found[kind]))):  # what the rare ones leave is for the others
        each = min(left // (len(KINDS) - kinds), len(found[kind]))
        left -= each
        points += [(kind, chance.choice(n), chance.choice(errnos[kind])) for n in chance.sample(found[kind], each)]
    return points


def run_all(list_of_faults):
    began, ends, bad = time.monotonic(), {}, []
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for failure, code in pool.map(one, list_of_faults):
            if failure:
                bad.append(failure)
                print("FOUND", failure, flush=True)
            ends[code] = ends.get(code, 0) + 1
    print(f"{len(list_of_faults)} faults in {time.monotonic() - began:.0f} s; how the script ended: "
          f"{', '.join(f'{n} times {code}' for code, n in sorted(ends.items(), key=str))}", flush=True)
    return bad


# Of a real system: which calls of which program, up to which n. The gateway alone is not in the script.
REAL = {"send": ("gateway", "intake", "casework", "routing", "watchdog", "analytics", "directory", "escalation", "notification"),
        "alloc": ("gateway", "gateway", "gateway", "directory", "notification"), "open": ("gateway", "directory", "notification"),
        "write": ("gateway",)}
UP_TO = {"send": 3, "alloc": 4.5, "open": 1.2, "write": 2}  # powers of ten
REAL_ERRNOS = {"send": ("ECONNRESET", "EPIPE"), "alloc": ("ENOMEM",), "open": ("EMFILE", "EIO"), "write": ("EIO", "ENOSPC")}


def drawn(chance, count):
    """Half of them sends, each program in its turn."""
    for i in range(count):
        kind = "send" if i % 2 == 0 else chance.choice(("alloc", "alloc", "open", "write"))
        yield kind, f"hearback-{chance.choice(REAL[kind])}", int(10 ** chance.uniform(0.5, UP_TO[kind])), chance.choice(REAL_ERRNOS[kind])


def of_a_real_system(chance, count):
    """A send is cut under a service again and again: a start counts anew. Any other call fails once; where that ends the process, it is
    started again."""
    for kind, program, nth, errno in drawn(chance, count):
        name = f"{kind}:{nth} of {program} ({errno})"
        fired = tempfile.mktemp(prefix="hearback-fired-", dir=harness.memory_folder())
        environment = {"LD_PRELOAD": SHIM, "HEARBACK_FAULT": f"{kind}:{nth}", "HEARBACK_FAULT_PROGRAM": program,
                       "HEARBACK_FAULT_ERRNO": errno, "HEARBACK_FAULT_FIRED": fired, **({} if kind == "send" else {"HEARBACK_FAULT_ONCE": "1"})}
        os.environ.update(environment)
        try:
            told = hit(name, fired, nth)
        finally:
            for key in environment:
                del os.environ[key]
        os.remove(fired)
        print(f"{name} failed: {told}", flush=True)


def hit(name, fired, nth):
    """What became of it."""
    system = harness.System("--demo")
    try:
        system.start()
    except RuntimeError as refused:
        system.__exit__(None, None, None)
        said = str(refused)  # of a gateway that ended in the middle of the demonstration's samples: that it did not answer
        told = ('"why":"' in said and '"why":""' not in said) or "does not answer" in said
        assert os.path.exists(fired) and told, f"{name}: no word why: {refused}"
        return "the start was refused, with a word why"
    try:
        with Load(system.port, system.tokens(), seed=nth, clients=3) as load, Importer(system, system.operator_token()):
            until = time.monotonic() + 120
            while not os.path.exists(fired) and time.monotonic() < until:
                time.sleep(0.1)
            time.sleep(2)  # and how it goes on after it
        assert os.path.exists(fired), f"{name} did not happen in two minutes: nothing was shown"
        system.settle()
        system.run("verify")
        system.stop()
        findings = Checker(system.folder).check(load.ledger)
        assert not findings, f"{name}: {findings[:5]}"
        assert len(load.ledger.answered()) > 20, "too little happened"
        system.process = None
    except BaseException as failure:
        system.__exit__(type(failure), failure, None)
        raise
    system.__exit__(None, None, None)
    return f"{len(load.ledger.answered())} acknowledged, 0 lost, 0 doubled"


def main():
    chosen = options()
    chance = random.Random(chosen.seed)
    if chosen.only:
        kind, n, errno = (chosen.only.split(":") + [""])[:3]
        failure, code = one((kind, int(n), errno))
        print(failure or f"well; it ended with {code}")
        return 1 if failure else 0
    reached = counts()
    print(f"seed {chosen.seed}; the script makes {', '.join(f'{n} {kind}' for kind, n in reached.items())}", flush=True)
    bad = run_all(faults(chance, chosen, reached))
    if not bad and chosen.sends:
        of_a_real_system(chance, chosen.sends)
    print(f"{len(bad)} findings (again: nth.py --only KIND:N:ERRNO)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
