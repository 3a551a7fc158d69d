"""What a power cut may leave of files that are being written: torn and reordered pages. `torn.py [--seed N] [--cuts N]`

`script` takes all services through its commands with record.so preloaded, which writes down every write and every flush. At an instant
drawn by the seed the power goes: of each file, what was written before its last flush is there; of what was written after it, and of a write
under way, any subset of its sectors (512 bytes), whatever came first. What LMDB writes through the cache (its meta page) is there when the
write has ended. Then the script is run on what is left: it must open, every invariant must hold, the state must equal a fresh fold, and the
checker holds the logs against what had been answered at that instant: the last commit is there or not, never half.

Controls: the same with no flush honoured (a disk that lies) must lose or be found; a harness that cannot lose proves nothing. And a look
beyond the promise: a meta page torn inside its sector, byte by byte, is told, not asserted (README).

The same seed gives the same cuts on any machine."""

import argparse
import concurrent.futures
import hashlib
import itertools
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import harness
from nth import judge, script

RECORD = os.path.join(harness.PROGRAMS, "record.so")
BEFORE = 20  # commands that are there already, cleanly
SECTOR = 512
WRITE, THROUGH, FLUSH, UNKNOWN = 1, 2, 3, 4


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--cuts", type=int, default=100)
    return parser.parse_args()


def recorded(path):
    """(kind, file, size of the ledger, offset, bytes) of each call."""
    with open(path, "rb") as f:
        data = f.read()
    at, calls = 0, []
    while at < len(data):
        kind, path_size, ledger, size, offset = struct.unpack_from("<IIIIQ", data, at)
        at += 24
        name = data[at:at + path_size].decode()
        at += path_size
        calls.append((kind, name, ledger, offset, data[at:at + size]))
        at += size
    return calls


class Disk:
    """The files as they are for certain, and what may be there besides."""

    def __init__(self, folder, honest=True):
        self.honest, self.files, self.pending = honest, {}, {}
        for path, _, names in os.walk(folder):
            for name in names:
                full = os.path.join(path, name)
                with open(full, "rb") as f:
                    self.files[os.path.relpath(full, folder)] = bytearray(f.read())

    def call(self, kind, name, offset, data):
        """It has ended."""
        if kind == UNKNOWN:
            assert os.path.basename(name) == "lock.mdb", f"{name}: its length was set, which is not replayed here"
        elif kind == FLUSH:
            if self.honest:
                for at, sectors in self.pending.pop(name, ()):
                    put(self.files[name], at, sectors)
        elif kind == THROUGH and self.honest:
            put(self.files[name], offset, data)
        else:
            assert name in self.files, f"{name} was made meanwhile, which is not replayed here"
            self.pending.setdefault(name, []).append((offset, data))

    def cut(self, chance, folder, under_way, pieces_of):
        """What is left, into a folder. Returns how many writes are there in part, how many not at all."""
        torn = gone = 0
        writes = {name: list(pending) for name, pending in self.pending.items()}
        if under_way[0] in (WRITE, THROUGH):
            writes.setdefault(under_way[1], []).append(under_way[3:5])
        for name, content in self.files.items():
            content, pending, share = bytearray(content), writes.get(name, []), chance.choice((0, 0.1, 0.5, 0.9, 1))
            for at, data in chance.sample(pending, len(pending)):
                pieces = pieces_of(at, data)
                keep = [piece for piece in pieces if chance.random() < share]
                if chance.random() < 0.5:  # a page as one
                    keep = pieces if chance.random() < share else []
                for place, piece in keep:
                    put(content, place, piece)
                torn += 0 < len(keep) < len(pieces)
                gone += not keep
            full = os.path.join(folder, name)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(os.open(full, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
                f.write(content)
        return torn, gone


def sectors(at, data):
    """A disk writes a sector whole or not at all."""
    ends = [*range(at - at % SECTOR + SECTOR, at + len(data), SECTOR), at + len(data)]
    return [(begin, data[begin - at:end - at]) for begin, end in zip([at, *ends], ends)]


def single_bytes(at, data):
    return [(at + i, data[i:i + 1]) for i in range(len(data))]


def put(content, at, data):
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at:at + len(data)] = data


def look(place):
    """Goes on with what is left. None: all is well."""
    code, said = script(place, "check")
    if code:
        return f"{code}: {said[-400:].strip()}"
    return "; ".join(judge(place)[:3]) or None


def one(place):
    try:
        return look(place)
    except subprocess.TimeoutExpired:
        return "it hangs"
    except AssertionError as unreadable:
        return str(unreadable)
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Recording:
    """The script as far as BEFORE, as it stands; then all it does until its end."""

    def __init__(self, top):
        self.top, self.base = top, os.path.join(top, "base")
        run, log = os.path.join(top, "run"), os.path.join(top, "calls")
        os.mkdir(self.base)
        code, said = script(self.base, "until", str(BEFORE), LD_PRELOAD=RECORD, RECORD_SEED="1")
        assert code == 0, said
        shutil.copytree(self.base, run)
        code, said = script(run, LD_PRELOAD=RECORD, RECORD_SEED="2", RECORD_OF=os.path.join(run, "data"), RECORD_TO=log,
                            RECORD_LEDGER=os.path.join(run, "ledger"))
        assert code == 0, said
        with open(os.path.join(run, "ledger"), "rb") as f:
            self.ledger = f.read()
        self.calls = recorded(log)
        with open(log, "rb") as f:
            self.digest = hashlib.blake2b(f.read(), digest_size=4).hexdigest()

    def laid_out(self, instants, chance, honest=True, pieces_of=sectors):
        """A folder for each instant, with the power cut in the middle of that call."""
        disk, done = Disk(os.path.join(self.base, "data"), honest), 0
        for instant in instants:
            for kind, name, _, offset, data in self.calls[done:instant]:
                disk.call(kind, name, offset, data)
            done, under_way = instant, self.calls[instant]
            place = os.path.join(self.top, f"cut-{instant}")
            damage = disk.cut(chance, os.path.join(place, "data"), under_way, pieces_of)
            with open(os.path.join(place, "ledger"), "wb") as f:
                f.write(self.ledger[:under_way[2]])
            yield place, damage

    def findings(self, pool, instants, chance, **options):
        """(instant, what was found or None, (torn, gone)) of each."""
        places = self.laid_out(instants, chance, **options)
        for first in range(0, len(instants), 20):  # so many lie in memory at a time
            some = list(itertools.islice(places, 20))
            for (_, damage), failure, instant in zip(some, pool.map(one, [place for place, _ in some]), instants[first:]):
                yield instant, failure, damage


def cuts(recording, chosen, pool):
    chance, began, bad, torn, gone = random.Random(chosen.seed), time.monotonic(), 0, 0, 0
    instants = sorted(chance.sample(range(len(recording.calls)), chosen.cuts))
    for instant, failure, damage in recording.findings(pool, instants, chance):
        torn, gone = torn + damage[0], gone + damage[1]
        if failure:
            bad += 1
            print(f"FOUND at call {instant} (of {recording.calls[instant][1]}): {failure}", flush=True)
    assert torn and gone, "nothing was torn or left out: nothing was shown"
    print(f"{chosen.cuts} power cuts among {len(recording.calls)} writes and flushes of all services ({recording.digest}): {torn} writes there in part, {gone} not at "
          f"all, {time.monotonic() - began:.0f} s: {bad} findings", flush=True)
    return bad


def control(recording, seed, pool):
    """A disk on which no flush ever was."""
    chance = random.Random(seed)
    instants = sorted(chance.sample(range(len(recording.calls) // 2, len(recording.calls)), 10))
    found = [failure for _, failure, _ in recording.findings(pool, instants, chance, honest=False) if failure]
    assert found, "a disk without flushes loses nothing: this harness cannot see a loss"
    print(f"control: a disk that flushes nothing: {len(found)} of 10 lost or damaged, as must be; one: {found[0][-200:]!r}", flush=True)


def beyond(recording, seed, pool):
    """Not promised: a meta page that is torn inside its sector."""
    chance = random.Random(seed)
    metas = [i for i, call in enumerate(recording.calls) if call[0] == THROUGH]
    assert metas, "no meta page is written through the cache"
    ends = {}
    for _, failure, _ in recording.findings(pool, sorted(chance.sample(metas, 20)), chance, pieces_of=single_bytes):
        what = "well" if failure is None else "does not start" if failure.split(":")[0].lstrip("-").isdigit() else "seen by the checker alone"
        ends[what] = ends.get(what, 0) + 1
    print(f"not promised: 20 meta pages torn inside their sector: {', '.join(f'{n} {what}' for what, n in sorted(ends.items()))}", flush=True)


def main():
    chosen = options()
    print(f"seed {chosen.seed}, {chosen.cuts} cuts (again: torn.py --seed {chosen.seed} --cuts {chosen.cuts})", flush=True)
    top = tempfile.mkdtemp(prefix="hearback-torn-", dir=harness.memory_folder())
    try:
        recording = Recording(top)
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
            control(recording, chosen.seed, pool)
            bad = cuts(recording, chosen, pool)
            beyond(recording, chosen.seed, pool)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
