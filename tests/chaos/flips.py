"""One flipped bit, in a row of any table of any service, or in any file of a backup: it is found, and the place is named.
`flips.py [--seed N] [--flips N]`

`script` makes a system of 300 commands once. For each flip it is copied and `flip` changes one bit of one row; then
every service is started in one process, and asked to VERIFY itself. Either a service refuses to start, or somebody finds it. What
is said must name the very place: the service, and the row by table and key (as it was or as it is now), or the event by its
offset; a neighbour is not enough. Backups: `hearback restore` must refuse and name the very file."""

import argparse
import collections
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import harness
from checker import SERVICES

def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--only", help="one flip, as SERVICE:RANDOM")
    return parser.parse_args()


def program(name):
    return os.path.join(harness.PROGRAMS, name)


def script(place, *rest):
    done = subprocess.run([program("script"), os.path.join(place, "data"), os.path.join(place, "ledger"), *rest],
                          capture_output=True, timeout=120)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def copy(original):
    place = tempfile.mkdtemp(prefix="hearback-flip-", dir=harness.memory_folder())
    subprocess.run(["cp", "-r", "--sparse=always", os.path.join(original, "data"), os.path.join(original, "ledger"), place], check=True)
    return place


def is_named(store, flipped, said):
    """Does what the service itself says of this store name this very row?"""
    table, _, *keys = flipped.split()[:4]
    service = store.split("-")[0]
    speaker, ours = None, []
    for line in said.splitlines():  # its findings stand below each other; what ends it is a line of its log
        begins = re.search(r'^(?:simulation: |\{.*"condition":")?(\w+)(?: cannot start)?: ', line)
        speaker = begins[1] if begins and begins[1] in SERVICES else speaker
        if speaker == service:
            ours.append(line)
    if store.endswith(("/vault", "/files")):
        ours = [line for line in ours if re.search(r"\b(vault|secrets|files): ", line)]
    if table == "log":
        places = [rf"\boffset {int(key, 16)}\b" for key in keys]
    else:
        places = [rf"\btable {table} at key {key}\b" for key in keys]
    return any(re.search(place, line) for place in places for line in ours)


def one(original, store, number):
    """(what was flipped, what was said, is it found, is the place named)"""
    place = copy(original)
    try:
        folder = os.path.join(place, "data", store)
        done = subprocess.run([program("flip"), folder, str(number)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{store} {number}: {done.stderr}"
        flipped = done.stdout.strip()
        try:
            code, said = script(place, "verify")
        except subprocess.TimeoutExpired:
            return flipped, "it hangs", False, False
        crashed = code < 0 and code != -6
        return flipped, f"exit {code}: {said.strip()[:600]}", code != 0 and not crashed, is_named(store, flipped, said)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def rows(chance, chosen):
    original = tempfile.mkdtemp(prefix="hearback-flips-", dir=harness.memory_folder())
    try:
        for rest in ((), ("files",)):
            code, said = script(original, *rest)
            assert code == 0, said
        assert script(copy_of := copy(original), "verify")[0] == 0, "VERIFY finds something where nothing is wrong"
        shutil.rmtree(copy_of)
        stores = [f"{service}-0" for service in SERVICES] + ["intake-0/vault", "intake-0/files", "directory-0/vault"]
        if chosen.only:
            store, number = chosen.only.rsplit(":", 1)
            print(one(original, store, int(number)))
            return 0
        jobs = [(original, chance.choice(stores), chance.randrange(1, 10**9)) for _ in range(chosen.flips)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda job: one(*job), jobs))
    finally:
        shutil.rmtree(original, ignore_errors=True)
    return judge(jobs, results)


def judge(jobs, results):
    bad, tables = 0, collections.Counter()
    for (_, store, number), (flipped, said, found, named) in zip(jobs, results):
        table = flipped.split()[0]
        tables[table] += 1
        if not found or not named:
            bad += 1
            print(f"{'NOT FOUND' if not found else 'NOT NAMED'}: {store}: {flipped}: {said} (again: flips.py --only {store}:{number})",
                  flush=True)
    print(f"{len(results)} bits flipped in {len(tables)} tables: {len(results) - bad} found and the place named, {bad} not: "
          f"{dict(sorted(tables.items()))}", flush=True)
    return bad


def flip_file(chance, path):
    """(its bytes before, the place) of one bit flipped; (bytes, None) of an empty file."""
    with open(path, "r+b") as f:
        data = f.read()
        if not data:
            return data, None
        at = chance.randrange(len(data))
        f.seek(at)
        f.write(bytes([data[at] ^ 1 << chance.randrange(8)]))
    return data, at


def backups(chance, count):
    """Every file of a backup has its hash in the manifest; the manifest, the keys and the erasures have their own."""
    with harness.System("--demo") as system, tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        target, keys = os.path.join(place, "b"), os.path.join(place, "keys")
        system.run("backup", target, "--with-keys", keys)
        small = [keys, os.path.join(target, "erasures")]
        files = [os.path.join(path, name) for path, _, names in os.walk(target) for name in names] + [keys]
        small += [path for path in files if path.endswith(("/hearback.yaml", "/manifest.json"))]
        assert len(small) == 4, small
        flipped = 0
        for number in range(count + len(small)):
            path = small[number] if number < len(small) else chance.choice(files)
            data, at = flip_file(chance, path)
            if at is None:
                continue
            flipped += 1
            new = os.path.join(place, "new")
            done = subprocess.run([program("hearback"), "--data", new, "restore", target, "--keys", keys], capture_output=True, text=True,
                                  timeout=120)
            said = done.stdout + done.stderr
            name = os.path.relpath(path, place)
            assert done.returncode != 0, f"restored although byte {at} of {name} was changed"
            assert re.search(rf"/{re.escape(os.path.basename(path))}[: ]", said) and path.split("/data/")[-1] in said, f"byte {at} of {name}: {said}"
            with open(path, "wb") as f:
                f.write(data)
            shutil.rmtree(new, ignore_errors=True)
        subprocess.run([program("hearback"), "--data", os.path.join(place, "good"), "restore", target, "--keys", keys], check=True,
                       capture_output=True)
    print(f"{flipped} bits flipped in the files of a backup, its keys and its erasures: restore refuses each and names the file; untouched it "
          "is restored", flush=True)


def main():
    chosen = options()
    chance = random.Random(chosen.seed)
    began = time.monotonic()
    print(f"seed {chosen.seed}, {chosen.flips} flips", flush=True)
    bad = rows(chance, chosen)
    if not chosen.only:
        backups(chance, max(10, chosen.flips // 10))
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if bad else 0


sys.exit(main())
