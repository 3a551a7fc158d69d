"""The n-th write, sync, allocation, open and send that the system refuses.
`nth.py [--seed N] [--runs N | --each | --all] [--plain] [--sends N | --sends-each] [--shard I/K]`

`script` takes all services in one process through 300 commands, with a store that syncs; shim.so lets one call of it fail. It
must end by itself, either having gone on (exit 0 or a clean refusal) or with a word why; then it is run again
without the fault, finishes the 300, and the checker holds the logs against what was answered before and after. `--all`:
every n there is (of which a shard takes its blocks), and every one of a start in the middle; `--each`: for every way to reach a call, that is every
stack of callers, one of its n, drawn by the seed; `--runs N`: so for N of the ways. `--sends N`: and so many faults of a real system under load, which goes on until they
happened: sends of any service, and what the script has not, the gateway's and others' allocations, opens and writes. `--sends-each`: each send that
a service makes from its start until 300 commands were answered, of every service: in each of a hundred runs those that are a hundred apart, so that each n
fails in one of them, however many there are. That the fault happened is told by the shim each time, and asserted.

What comes before the n-th call is done once for all n: the script forks between two commands, and the child goes on with the fault (branch.h). All it draws is drawn from
its start, so the same files go on the same way: what the script does when it is run again, and what the checker says of its logs, is asked once for
each state in which a fault left the files, and for each that the logs come to, byte by byte. With `--plain`, and `--only`, each fault is run by itself from the beginning."""

import argparse
import array
import collections
import concurrent.futures
import errno
import hashlib
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
from checker import SERVICES, Checker, at_rest
from histories import Importer
from invariants import instant
from load import Command, Ledger, Load

HERE = os.path.dirname(os.path.abspath(__file__))
SHIM = os.path.join(harness.PROGRAMS, "shim.so")
SHIMMED = {"LD_PRELOAD": SHIM, "HEARBACK_FAULT_ROOM": "1"}
KINDS = ("write", "sync", "alloc", "open")
ERRNOS = {"write": ("EIO", "ENOSPC"), "sync": ("EIO", "ENOSPC"), "alloc": ("ENOMEM",), "open": ("EMFILE", "EIO")}
BLOCK = 4096  # what lies between two branches is for one process, for its faults leave the same states; or so many n of it
MIDDLE = 150  # commands before a start of which every n is tried
HANGS, CHANGES = -14, -31  # the alarm of branch.c, and its grandchild that would change a file
Fault = collections.namedtuple("Fault", "kind n errno begun", defaults=(0,))  # begun: commands before the start that is tried
SENDS_APART = 100  # far enough for a connection that was cut to come back
COMMANDS, IMPORT_EACH, CASES = 300, 30, 58  # as script.c has them
STEPS = ("accept", "contact", "handle", "answer")
# The word why: of an abort, an assertion of the product's, or a founding that was refused; of any other end, what the script says.
ABORT, ABORT_SAID = -6, ('"event":"bug"', "publish: ", "organise: ")
# No answer, no rest, or a refusal that names no fault (a service catches up, is away, has too much to do: for a virtual minute) is no word: it hangs.
SAID = re.compile(r"cannot start: .|is refused: .*(?:no room|the vault cannot|cannot be read|damaged)")


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--each", action="store_true", help="every way in which a call is reached, once")
    parser.add_argument("--plain", action="store_true", help="each fault by itself, from the beginning of the script")
    parser.add_argument("--shard", default="1/1", help="with --all, --each or --sends-each: I/K, from 1/K to K/K")
    parser.add_argument("--sends", type=int, default=6)
    parser.add_argument("--sends-each", action="store_true", help="each send of every service in 300 commands")
    parser.add_argument("--only", help="one fault, as KIND:N:ERRNO or KIND:N:ERRNO:COMMANDS")
    return parser.parse_args()


def script(place, *options, **environment):
    """The script, once. Returns its exit code (negative: the signal) and what it said."""
    done = subprocess.run([os.path.join(harness.PROGRAMS, "script"), os.path.join(place, "data"), os.path.join(place, "ledger"), *options],
                          env={**os.environ, **SHIMMED, **environment}, capture_output=True, timeout=120)
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


def ended_well(code, said):
    why = any(word in said for word in ABORT_SAID) if code == ABORT else SAID.search(said)
    return code == 0 or (code in (ABORT, 1, 2, 3, 4) and bool(why))


def end_of(code, said):
    """As it is counted: its code; and what was refused, for each such word is to be looked at."""
    refused = re.search(r"is refused: .*", said)
    return f"{code} ({refused.group()})" if refused else code


def what_is_wrong(fired, code, said, gone_on):
    """After a fault: None, or what is not well. `gone_on`: says what comes of it when the script is run again there."""
    if code == HANGS:
        return "it hangs"
    if not fired:
        return "it did not happen: the test shows nothing"
    if not ended_well(code, said):
        return f"it ended with {code}: {said[-400:]}"
    wrong = gone_on()
    return f"ended with {code} ({said[-200:].strip()}); {wrong}" if wrong else None


def go_on(place, judged):
    """The script is run again without the fault, to its end, and the checker looks at what came of all."""
    try:
        code, said = script(place, "check")
    except subprocess.TimeoutExpired:
        return "run again: it hangs"
    if code:
        return f"run again: {code}: {said[-600:]}"
    findings = judged(place)
    return str(findings[:5]) if findings else None


def begin(place, commands):
    code, said = script(place, "until", str(commands))
    assert code == 0, f"the script fails without a fault: {code} {said}"


def one(fault):
    """The plain way: how it ended, and None when all is well; else what is not."""
    place = tempfile.mkdtemp(prefix="hearback-nth-", dir=harness.memory_folder())
    try:
        if fault.begun:
            begin(place, fault.begun)
        fired = os.path.join(place, "fired")
        code, said = script(place, HEARBACK_FAULT=f"{fault.kind}:{fault.n}", HEARBACK_FAULT_ERRNO=fault.errno,
                            HEARBACK_FAULT_FIRED=fired)
        return end_of(code, said), what_is_wrong(os.path.exists(fired), code, said, lambda: go_on(place, judge))
    except subprocess.TimeoutExpired:
        return HANGS, "it hangs"
    finally:
        shutil.rmtree(place, ignore_errors=True)


# ---- from the branches of the script ----


def digest(folder):
    """Of all files, byte by byte. Who opens a store alone makes its lock file anew."""
    found = hashlib.sha256()
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name != "lock.mdb":
                with open(os.path.join(path, name), "rb") as f:
                    content = f.read()
                found.update(f"{path[len(folder):]}/{name} {len(content)}\n".encode() + content)
    return found.digest()


def digest_of_logs(place):
    """Of every event, as print_log reads it by itself, and of the ledger."""
    folders = [os.path.join(place, "data", f"{service}-0") for service in SERVICES]
    told = subprocess.run([os.path.join(harness.PROGRAMS, "print_log"), "--digest", *folders], capture_output=True, check=True).stdout
    with open(os.path.join(place, "ledger"), "rb") as f:
        return told + f.read()


class Known:
    """What is known of what was seen before: of states of the files, as `state` tells them apart, and of logs with their ledger."""

    def __init__(self):
        self.states, self.logs = {}, {}
        self.teller = subprocess.Popen([os.path.join(harness.PROGRAMS, "state")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self):
        """What it has learnt stays."""
        self.teller.communicate()
        self.teller = None

    def state_of(self, place):
        self.teller.stdin.write(place + "\n")
        self.teller.stdin.flush()
        told = self.teller.stdout.readline()
        assert told, f"{place} cannot be read"
        return told

    def gone_on(self, place, of=lambda place: place):
        """`of`: where the script may go on, if the place itself must stay as it is."""
        state = self.state_of(place)
        if state not in self.states:
            self.states[state] = go_on(of(place), self.judged)
        return self.states[state]

    def judged(self, place):
        logs = digest_of_logs(place)
        if logs not in self.logs:
            self.logs[logs] = judge(place)
        return self.logs[logs]


def copy_of(place):
    """Beside it."""
    copy = os.path.join(os.path.dirname(place), "copy")
    shutil.rmtree(copy, ignore_errors=True)
    return shutil.copytree(place, copy)


class Branches:
    """The script, stopped at each of its branches (branch.h): in `home`, its children in `at`."""

    def __init__(self, place):
        self.home, self.at, self.told = (os.path.join(place, name) for name in ("home", "at", "told"))
        for folder in (self.home, self.told):
            os.makedirs(folder, exist_ok=True)
        self.process = subprocess.Popen([os.path.join(harness.PROGRAMS, "script"), "data", "ledger", "branches"], cwd=self.home,
                                        env={**os.environ, **SHIMMED}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.seen = None  # the last changes of the files, and what came of going on after them
        self.left = None  # what the last child of `each` left in its files, as a digest

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def __iter__(self):
        """Of each branch how many calls of each kind there were before it, and how many before the next: what a child without a fault
        counted, and the script itself must count the same when it comes there."""
        expected = dict.fromkeys(KINDS, 0)  # none before main
        while line := self.process.stdout.readline():
            before = counted(line.removeprefix("at "))
            assert before == expected, f"the script has made {before}, its child {expected}"
            assert self.left in (None, digest(self.home)), "a grandchild wrote into the files of the child"
            self.left = None
            self.say("count")
            expected = self.without_a_fault()
            shutil.rmtree(self.at)
            yield before, expected
            self.say("on")
        assert self.process.wait() == 0, f"the script fails without a fault: {self.process.returncode}"

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def answer(self, word):
        words = self.process.stdout.readline().split()
        assert words and words[0] == word, f"the script itself is gone: {words}"
        return words

    def without_a_fault(self):
        code = int(self.answer("ended")[1])
        assert code == 0, f"the script fails without a fault: {code}"
        with open(os.path.join(self.told, "counts")) as f:
            return counted(f.read())

    def last_words(self):
        """Whether the fault happened, and what was said."""
        fired = os.path.join(self.told, "fired")
        happened = os.path.exists(fired)
        if happened:
            os.remove(fired)
        with open(os.path.join(self.told, "said"), errors="replace") as f:
            return happened, f.read()

    def each(self, faults, known, expected):
        """(fault, how it ended, what is not well) of those which change nothing before they end; the others are left."""
        by_call = {(KINDS.index(fault.kind), fault.n): fault for fault in faults}
        self.say("\n".join(["each", *(f"{kind} {n} {getattr(errno, fault.errno)}" for (kind, n), fault in sorted(by_call.items())), "go"]))
        for _ in by_call:
            _, kind, n, code, poisons, *counts = self.answer("failed")
            fault, (fired, said) = by_call[int(kind), int(n)], self.last_words()
            if int(code) != CHANGES:
                calls = counted(" ".join(counts))
                calls[fault.kind] -= 1  # this one was not made
                changes = calls["write"], calls["open"], poisons, self.size_of_ledger()
                yield fault, end_of(int(code), said), what_is_wrong(fired, int(code), said, lambda: self.gone_on(known, changes))
            self.say("on")
        came_to = self.without_a_fault()
        assert came_to == expected, f"the child came to {came_to}, the one that only counted to {expected}"
        self.seen, self.left = None, digest(self.at)
        shutil.rmtree(self.at)

    def size_of_ledger(self):
        ledger = os.path.join(self.at, "ledger")
        return os.path.getsize(ledger) if os.path.exists(ledger) else 0

    def gone_on(self, known, changes):
        """The copy must stay as it is: its script goes on."""
        if not self.seen or self.seen[0] != changes:
            self.seen = changes, known.gone_on(self.at, copy_of)
        return self.seen[1]

    def fail(self, fault, known):
        """As `one`."""
        try:
            self.say(f"fail {KINDS.index(fault.kind)} {fault.n} {getattr(errno, fault.errno)}")
            code = int(self.answer("ended")[1])
            fired, said = self.last_words()
            return end_of(code, said), what_is_wrong(fired, code, said, lambda: known.gone_on(self.at))
        finally:
            shutil.rmtree(self.at, ignore_errors=True)


def counted(text):
    return dict(zip(KINDS, map(int, text.split())))


class Piece:
    """Those of the faults that are for one process, the `number`th of so many pieces, and what came of them."""

    def __init__(self, number, pieces, faults):
        self.number, self.pieces, self.left, self.known = number, pieces, faults, None
        self.whole = 0  # of them, those whose files had to be copied
        self.done, self.ends, self.bad = collections.Counter(), collections.Counter(), []

    def run(self, plain):
        if plain:
            for fault in self.left[self.number::self.pieces]:
                self.take(fault, *one(fault))
            return self
        self.known = Known()
        for begun in (0, MIDDLE):
            with tempfile.TemporaryDirectory(prefix="hearback-nth-", dir=harness.memory_folder()) as place:
                self.run_script(place, begun)
        for fault in self.left[self.number::self.pieces]:
            self.take(fault, None, "it was not reached: the test shows nothing")
        self.known.end()
        return self

    def run_script(self, place, begun):
        if begun:
            os.mkdir(os.path.join(place, "home"))
            begin(os.path.join(place, "home"), begun)
        with Branches(place) as branches:
            for branch, (before, after) in enumerate(branches):
                if not any(fault.begun == begun for fault in self.left):
                    return
                here = {fault for fault in self.left if fault.begun == begun and before[fault.kind] < fault.n <= after[fault.kind]}
                self.left = [fault for fault in self.left if fault not in here]
                ours = [fault for fault in here if (branch + (fault.n - before[fault.kind]) // BLOCK) % self.pieces == self.number]
                if ours:
                    self.run_between(branches, ours, after)

    def run_between(self, branches, faults, after):
        untouched = digest(branches.home)
        left = set(faults)
        for fault, code, wrong in branches.each(faults, self.known, after):
            self.take(fault, code, wrong)
            left.remove(fault)
        for fault in sorted(left):
            self.take(fault, *branches.fail(fault, self.known))
        self.whole += len(left)
        assert digest(branches.home) == untouched, "a child wrote into the files of the script"

    def take(self, fault, code, wrong):
        self.done[fault.kind] += 1
        self.ends[code] += 1
        if wrong:
            self.bad.append(fault)
            print("FOUND", *fault, wrong, flush=True)
        if self.done.total() % 1000 == 0:
            print(f"piece {self.number}: {self.done.total()} done", flush=True)


def run_all(faults, chosen):
    """As many processes as there are cores."""
    shard, shards = map(int, chosen.shard.split("/"))
    workers, began = os.cpu_count(), time.monotonic()
    pieces = [Piece(number, workers * shards, faults) for number in range((shard - 1) * workers, shard * workers)]
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        pieces = list(pool.map(Piece.run, pieces, [chosen.plain] * workers))
    done, ends = (sum((getattr(piece, name) for piece in pieces), collections.Counter()) for name in ("done", "ends"))
    print(f"{done.total()} of {len(faults)} faults ({', '.join(f'{n} {kind}' for kind, n in done.items())}) in {time.monotonic() - began:.0f} s; how the script ended: "
          f"{', '.join(f'{n} times {code}' for code, n in sorted(ends.items(), key=str))}", flush=True)
    if not chosen.plain:
        print(f"{sum(piece.whole for piece in pieces)} of them changed files after the fault; they left {sum(len(piece.known.states) for piece in pieces)} states of the files, and each was gone on from; "
              f"these came to {sum(len(piece.known.logs) for piece in pieces)} logs, and each was judged", flush=True)
    return [fault for piece in pieces for fault in piece.bad]


# ---- which ----


def counts():
    with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        told = os.path.join(place, "counts")
        code, said = script(place, HEARBACK_FAULT_COUNTS=told)
        assert code == 0, f"the script fails without a fault: {code} {said}"
        with open(told) as f:
            return counted(f.read())


def counts_of_a_start():
    """In the middle of the script, until its first command."""
    with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        os.mkdir(os.path.join(place, "home"))
        begin(os.path.join(place, "home"), MIDDLE)
        with Branches(place) as branches:
            return next(iter(branches))[1]


def ways():
    """(kind, number of the stack) -> the n that are reached by it."""
    found = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        told = os.path.join(place, "stacks")
        code, said = script(place, HEARBACK_FAULT_STACKS=told)
        assert code == 0, f"the script fails without a fault: {code} {said}"
        with open(told, "rb") as f:
            for kind in KINDS:
                numbers = array.array("Q", f.read(8 * struct.unpack("Q", f.read(8))[0]))
                for n, number in enumerate(numbers, 1):
                    found[kind, number].append(n)
    return found


def faults(chance, chosen, reached):
    fault = lambda kind, n, begun=0: Fault(kind, n, chance.choice(ERRNOS[kind]), begun)
    if chosen.all:
        start = counts_of_a_start()
        print(f"a start after {MIDDLE} of them: {', '.join(f'{n} {kind}' for kind, n in start.items())}", flush=True)
        return [fault(kind, n, begun) for begun, until in ((0, reached), (MIDDLE, start)) for kind in KINDS for n in range(1, until[kind] + 1)]
    found = {kind: [] for kind in KINDS}
    for (kind, _), every in sorted(ways().items(), key=lambda way: way[1]):  # the numbers themselves are addresses
        found[kind].append(every)
    print(f"ways to reach them: {', '.join(f'{len(n)} {kind}' for kind, n in found.items())}", flush=True)
    if chosen.each:
        return [fault(kind, chance.choice(n)) for kind in KINDS for n in found[kind]]
    points, left = [], chosen.runs
    for kinds, kind in enumerate(sorted(KINDS, key=lambda kind: len(found[kind]))):  # what the rare ones leave is for the others
        each = min(left // (len(KINDS) - kinds), len(found[kind]))
        left -= each
        points += [fault(kind, chance.choice(n)) for n in chance.sample(found[kind], each)]
    return points


# Of a real system: which calls of which program, up to which n. The gateway alone is not in the script.
REAL = {"send": ("gateway", "intake", "casework", "routing", "watchdog", "analytics", "directory", "escalation", "notification"),
        "alloc": ("gateway", "gateway", "gateway", "directory", "notification"), "open": ("gateway", "directory", "notification"),
        "write": ("gateway",)}
UP_TO = {"send": 3, "alloc": 4.5, "open": 1.2, "write": 2}  # powers of ten
WORD_WHY = r'"event":"(?:bug|fault)"|"why":"[^"]|\w \(src/\w+\.cpp:\d+\)'  # the last is libzmq's own, of a call within it
CUT = r"\((?:Failure when receiving|Server returned nothing|Failed sending)"  # whose connection was cut says this, and nobody ended
REAL_ERRNOS = {"send": ("ECONNRESET", "EPIPE"), "alloc": ("ENOMEM",), "open": ("EMFILE", "EIO"), "write": ("EIO", "ENOSPC")}


def drawn(chance, count):
    """Half of them sends, each program in its turn."""
    for i in range(count):
        kind = "send" if i % 2 == 0 else chance.choice(("alloc", "alloc", "open", "write"))
        yield kind, f"hearback-{chance.choice(REAL[kind])}", int(10 ** chance.uniform(0.5, UP_TO[kind])), chance.choice(REAL_ERRNOS[kind])


def each_send(shard):
    piece, pieces = map(int, shard.split("/"))
    every = [("send", f"hearback-{name}", f"{n}/{SENDS_APART}", REAL_ERRNOS["send"][n % 2]) for n in range(1, SENDS_APART + 1) for name in REAL["send"]]
    return every[piece - 1::pieces]


class Hurt(harness.System):
    """One call of a program fails. A send is cut again and again: a start counts anew. Any other call fails once; where that ends the
    process, it is started again; where the system's start is refused, that is started once more, and the fault is for what comes then."""

    def __init__(self, fault):
        super().__init__("--demo")
        self.kind, self.hurts, nth, error = fault
        self.name = f"{self.kind}:{nth} of {self.hurts} ({error})"
        self.apart, self.sent, self.meanwhile = "/" in str(nth), os.path.join(self.folder, "sent"), os.path.join(self.folder, "hurt")
        self.hurt()
        self.fired, self.refused = os.path.join(self.folder, "fired"), False
        self.environment = {"LD_PRELOAD": SHIM, "HEARBACK_FAULT": f"{self.kind}:{nth}", "HEARBACK_FAULT_PROGRAM": self.hurts,
                            "HEARBACK_FAULT_ERRNO": error, "HEARBACK_FAULT_FIRED": self.fired, "HEARBACK_FAULT_WHILE": self.meanwhile,
                            **({"HEARBACK_FAULT_COUNTS": self.sent} if self.kind == "send" else {"HEARBACK_FAULT_ONCE": "1"})}

    def start(self):
        os.environ.update(self.environment)
        try:
            try:
                super().start()
            except RuntimeError as refused:
                self.refused = self.has_a_word(str(refused))
                self.well()
                super().start()
                self.hurt()
        finally:
            for key in self.environment:
                del os.environ[key]

    def hurt(self):
        """From now on, until it is well."""
        open(self.meanwhile, "w").close()

    def well(self):
        if os.path.exists(self.meanwhile):
            os.remove(self.meanwhile)

    def reached(self):
        """What the process that ended last sent: all there was where the service was not started again meanwhile."""
        with open(self.sent) as f:
            return int(f.read().split()[4])

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
            told = hit(system, int(str(fault[2]).split("/")[0]))
        print(f"{system.name} failed: {'the start was refused, with a word why; then ' if system.refused else ''}{told}", flush=True)


def hit(system, seed):
    """What became of it."""
    with Load(system.port, system.tokens(), seed=seed, clients=3) as load, Importer(system, system.operator_token()), system.disturbed.meanwhile():
        until = time.monotonic() + 300
        answered = lambda: len(load.ledger.answered())
        while (not os.path.exists(system.fired) or (system.apart and answered() < COMMANDS)) and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(2)  # and how it goes on after it
        if system.apart:
            system.well()  # else whoever looks may be cut off
    assert os.path.exists(system.fired), f"{system.name} did not happen in five minutes: nothing was shown"
    at_rest(system, load.ledger)
    assert answered() > (COMMANDS - 1 if system.apart else 20), "too little happened"
    return f"{answered()} acknowledged, 0 lost, 0 doubled{f', {system.reached()} sends of the process that ended last' if system.apart else ''}"


def main():
    chosen = options()
    chance = random.Random(chosen.seed)
    if chosen.only:
        kind, n, error, begun = (chosen.only.split(":") + ["0"])[:4]
        code, wrong = one(Fault(kind, int(n), error, int(begun)))
        print(wrong or f"well; it ended with {code}")
        return 1 if wrong else 0
    if chosen.sends_each:
        of_a_real_system(each_send(chosen.shard))
        return 0
    reached = counts()
    print(f"seed {chosen.seed}; the script makes {', '.join(f'{n} {kind}' for kind, n in reached.items())}", flush=True)
    bad = run_all(faults(chance, chosen, reached), chosen)
    if not bad:
        of_a_real_system(drawn(chance, chosen.sends))
    print(f"{len(bad)} findings (again: nth.py --only KIND:N:ERRNO:COMMANDS)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
