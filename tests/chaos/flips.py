"""One flipped bit, in a row of any table of any service, in LMDB's own pages, or in any file of a backup.
`flips.py [--seed N] [--flips N] [--pages N]`

`script` makes a system of 300 commands once. For each flip it is copied and `flip` changes one bit of one row; then
every service is started in one process and asked for all it shows of every case, its sealed text and its file among it, before anybody has
looked for damage: each answer is what it was, or a refusal, or the service ends with a word why. Then every service is asked to VERIFY itself. Either a service refuses to start, or somebody finds it. What
is said must name the very place: the service, and the row by table and key (as it was or as it is now), or the event by its
offset; a neighbour is not enough. Pages: LMDB trusts what it wrote there (headers, places of rows, the free list, its two meta
pages). Nobody may end without a word why; a row may not be found, so that a list has less, and then VERIFY must tell; but nothing is
listed that was not, and what is asked of one case is as it was (where a meta page does not count any more: before the last commit) or
refused. The index of words is in no answer here: a row of it is told by VERIFY, and where it says how far it goes was altered it is made
anew at the start. One event is set aside in notification, so that there is something that waits. Backups: `hearback restore` must refuse and name the very file."""

import argparse
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
from checker import SERVICES

def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--only", help="one flip, as SERVICE:RANDOM")
    parser.add_argument("--only-page", help="one flip in a page, as SERVICE:RANDOM")
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
    if store.endswith(("/vault", "/files", "/words")):
        ours = [line for line in ours if re.search(r"\b(vault|secrets|files|words): ", line)]
    if table == "log":
        places = [rf"\boffset {int(key, 16)}\b" for key in keys]
    else:
        places = [rf"\btable {table} at key {key}\b" for key in keys]
    return any(re.search(place, line) for place in places for line in ours)


def shown(place):
    """What is shown of each case: question -> (digest of the answer, digests of what it lists); what has none, or was refused, is left out.
    And how reading ended, and then opening what is sealed: (code, what was said) of each."""
    ends = [script(place, "read"), script(place, "open")]
    answers, question = {}, None
    for line in [line for _, said in ends for line in said.splitlines()]:
        answer = re.fullmatch(r"([a-z_]+ \d+) ([0-9a-f]{32})", line)
        item = re.fullmatch(r" ([a-z_]+ [0-9a-f]{32})", line)
        if answer:
            question = answer[1]
            answers[question] = (answer[2], set())
        elif item and question:
            answers[question][1].add(item[1])
        else:
            question = None
    return answers, ends


def wrong_answers(place, right, table):
    """Who reads a row of a service's own tables is denied what needs it and no more; of another one, and where something happens (it is
    opened), the service may end, with a word why."""
    answers, (reading, opening) = shown(place)
    own = table.startswith(("s_", "o_"))
    bad = [(code, said) for code, said, allowed in ((*reading, (0, 1, 2) if own else (0, -6, 1, 2)), (*opening, (0, -6, 1, 2)))
           if code not in allowed or not has_a_word(code, said)]
    of_no_case = "organisation 0"  # a list, which may have less where a key was altered
    return [question for question, answer in answers.items()
            if right[question] != answer and not (question == of_no_case and answer[1] < right[question][1])] + [
        f"it ended with {code}: {said[-300:]}" for code, said in bad]


def one(original, store, number, right):
    """(what was flipped, what was said, is it found, is the place named, what was shown wrong)"""
    place = copy(original)
    try:
        folder = os.path.join(place, "data", store)
        done = subprocess.run([program("flip"), folder, str(number)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{store} {number}: {done.stderr}"
        flipped = done.stdout.strip()
        try:
            words = store.endswith("/words")
            wrong = [] if words else wrong_answers(place, right, flipped.split()[0])
            code, said = script(place, "verify")
            if words and flipped.startswith("meta ") and code == 0:
                return flipped, "made anew", True, True, []
        except subprocess.TimeoutExpired:
            return flipped, "it hangs", False, False, []
        crashed = code < 0 and code != -6
        return flipped, f"exit {code}: {said.strip()[:600]}", code != 0 and not crashed, is_named(store, flipped, said), wrong
    finally:
        shutil.rmtree(place, ignore_errors=True)


PAGE_BYTES = 4096


def flip_in_page(chance, path):
    """(what was flipped, its place): LMDB's own bytes rather than rows."""
    with open(path, "r+b") as f:
        pages = os.path.getsize(path) // PAGE_BYTES
        page = chance.randrange(2, pages)
        what, at = chance.choice((("meta", chance.randrange(2) * PAGE_BYTES + chance.randrange(16, 152)),
                                  ("header", page * PAGE_BYTES + chance.randrange(16)),
                                  ("places", page * PAGE_BYTES + 16 + chance.randrange(64)),
                                  ("any", page * PAGE_BYTES + chance.randrange(PAGE_BYTES))))
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1 << chance.randrange(8)]))
    return f"{what} at byte {at}"


def has_a_word(code, said):
    """Of a process that a signal ended."""
    return code >= 0 or re.search(r'"event":"(bug|fault)"', said)


# Of one case, and right or refused. All others are lists, in which a row may not be found, but the figures, which are counted from rows.
EXACT = ("file", "owner", "clocks", "levels", "policy", "text", "content", "content_end")
COUNTED = "figures"


def less_or_altered(answers, right):
    """(answers that are not the whole, those in which something is shown that is not so)"""
    less = [question for question, answer in answers.items() if answer != right[question]]
    altered = [question for question in less if question.split()[0] in EXACT
               or (question.split()[0] != COUNTED and not answers[question][1] <= right[question][1])]
    return less, altered


TXN_AT = 144  # of a meta page: its number; the newer of the two counts


def before_the_last_commit(original, store):
    """What is shown where a store's newer meta page does not count."""
    place = copy(original)
    try:
        with open(os.path.join(place, "data", store, "data.mdb"), "r+b") as f:
            numbers = []
            for at in (TXN_AT, PAGE_BYTES + TXN_AT):
                f.seek(at)
                numbers.append((struct.unpack("<Q", f.read(8))[0], at))
            f.seek(max(numbers)[1])
            f.write(bytes(8))
        return shown(place)[0]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def one_page(original, store, number, right):
    """(what was flipped, what it came to, what is wrong about that)"""
    place = copy(original)
    try:
        flipped = flip_in_page(random.Random(number), os.path.join(place, "data", store, "data.mdb"))
        answers, ends = shown(place)
        found, told = script(place, "verify")
        less, altered = less_or_altered(answers, right)
        if altered and flipped.startswith("meta"):  # the commit before was true as well, and VERIFY must tell
            before = before_the_last_commit(original, store)
            altered = [question for question in altered if answers[question] != before.get(question)]
        wrong = [f"shown altered: {altered[:5]}"] if altered else []
        wrong += [f"less is shown, and VERIFY finds nothing: {less[:5]}"] if less and found == 0 else []
        wrong += [f"ended with {end} and no word: {text[-300:]}" for end, text in (*ends, (found, told)) if not has_a_word(end, text)]
        came_to = ("refuses or ends" if any(code for code, _ in ends) or found < 0 else "less is shown, VERIFY finds it" if less else
                   "right, VERIFY finds it" if found else "right, nobody sees it")
        return flipped, came_to, wrong
    except subprocess.TimeoutExpired:
        return flipped, "hangs", ["it hangs"]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def pages(chance, original, right, count):
    jobs = [(chance.choice(STORES), chance.randrange(1, 10**9)) for _ in range(count)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: one_page(original, *job, right), jobs))
    for (store, number), (flipped, _, wrong) in zip(jobs, results):
        if wrong:
            print(f"PAGE: {store}: {flipped}: {'; '.join(wrong)} (again: flips.py --only-page {store}:{number})", flush=True)
    came_to = collections.Counter(came_to for _, came_to, _ in results)
    print(f"{count} bits flipped in pages: {dict(came_to.most_common())}", flush=True)
    return sum(bool(wrong) for _, _, wrong in results)


STORES = [f"{service}-0" for service in SERVICES] + ["intake-0/vault", "intake-0/files", "intake-0/words", "directory-0/vault"]


CASES, FILES = 68, 3  # of script.c


def all_asked(right):
    """Nothing of it is refused while nothing is damaged."""
    asked = collections.Counter(question.split()[0] for question in right)
    wanted = dict.fromkeys(("file", "timeline", "owner", "clocks", "levels", "notices", "row", "text"), CASES) | dict.fromkeys(
        ("content", "content_end"), FILES) | dict.fromkeys(("organisation", "policy", "figures"), 1)
    assert asked == wanted, asked


def poison_next(original):
    """What the assertion handler of notification leaves behind after two aborts at the next event of casework: the key of it."""
    log = subprocess.run([program("print_log"), os.path.join(original, "data", "casework-0")], capture_output=True, check=True).stdout
    next_offset = log.count(b"\n") + 1
    with open(os.path.join(original, "data", "notification-0", "poison"), "wb") as f:
        f.write(f"2 event casework-0 {next_offset}".encode().ljust(256, b"\0"))
    return f"poison/casework-0/{next_offset}"


def made(original):
    """The system that is copied for each flip; notification has set one event aside."""
    code, said = script(original)
    assert code == 0, said
    key = poison_next(original)
    code, said = script(original, "files")
    assert code == 0, said
    with open(os.path.join(original, "data", "notification-0", "data.mdb"), "rb") as f:
        assert key.encode() in f.read(), f"{key} was not set aside"


def rows(chance, chosen):
    original = tempfile.mkdtemp(prefix="hearback-flips-", dir=harness.memory_folder())
    try:
        made(original)
        assert script(copy_of := copy(original), "verify")[0] == 0, "VERIFY finds something where nothing is wrong"
        shutil.rmtree(copy_of)
        right, ends = shown(copy_of := copy(original))
        assert all(code == 0 for code, _ in ends) and shown(copy_again := copy(original))[0] == right, ends
        all_asked(right)
        shutil.rmtree(copy_of)
        shutil.rmtree(copy_again)
        for only, again in ((chosen.only, one), (chosen.only_page, one_page)):
            if only:
                store, number = only.rsplit(":", 1)
                print(again(original, store, int(number), right))
                return 0
        bad = pages(random.Random(chosen.seed), original, right, chosen.pages)
        jobs = [(original, chance.choice(STORES), chance.randrange(1, 10**9)) for _ in range(chosen.flips)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda job: one(*job, right), jobs))
    finally:
        shutil.rmtree(original, ignore_errors=True)
    return bad + judge(jobs, results)


def judge(jobs, results):
    bad, tables = 0, collections.Counter()
    for (_, store, number), (flipped, said, found, named, wrong) in zip(jobs, results):
        table = flipped.split()[0]
        tables[table] += 1
        if wrong:
            bad += 1
            print(f"SHOWN WRONG: {store}: {flipped}: {wrong[:5]} (again: flips.py --only {store}:{number})", flush=True)
        elif not found or not named:
            bad += 1
            print(f"{'NOT FOUND' if not found else 'NOT NAMED'}: {store}: {flipped}: {said} (again: flips.py --only {store}:{number})",
                  flush=True)
    print(f"{len(results)} bits flipped in {len(tables)} tables: {len(results) - bad} never shown wrong, found and the place named, {bad} not: "
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
    print(f"seed {chosen.seed}, {chosen.flips} flips, {chosen.pages} in pages", flush=True)
    bad = rows(chance, chosen)
    if not chosen.only and not chosen.only_page:
        backups(chance, max(10, chosen.flips // 10))
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if bad else 0


sys.exit(main())
