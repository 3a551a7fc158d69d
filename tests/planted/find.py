"""find.py BUG FOLDER CHECK...: switches one planted bug on and runs the checks, one after the other, until one fails; fails when
none does. A check is a program of FOLDER with its arguments, in one word each; or a program of tests/chaos or tests/system over real processes; and behind
`=>` what it must say, for it may fail for many reasons (`FAILED test` stands for cmocka's line of a unit test; `A | B`: two invariants tell of it,
and which one first is drawn by the seed). BUG `none` wants all checks to hold. One that does not end in time has
found nothing: a machine that is slow would hide what is missing.

Prints which check found the bug, and what it said."""

import os
import re
import subprocess
import sys
import time

LIMIT_S = 120
TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
SKIP = 77


def run(folder, bug, check):
    """None: it holds; else what it complained of."""
    check, _, wanted = check.partition(" => ")
    wanted = [re.sub(r"^FAILED ", "[  FAILED  ] ", words) for words in wanted.split(" | ") if words]
    program, *arguments = check.split()
    environment = dict(os.environ)
    environment.pop("HEARBACK_PLANT", None)
    if bug != "none":
        environment["HEARBACK_PLANT"] = bug
    command = [os.path.join(folder, program)]
    if program.endswith(".py"):
        environment.update(HEARBACK_BIN=folder, PYTHONPATH=os.path.join(TESTS, "system"), PYTHONDONTWRITEBYTECODE="1")
        command = [sys.executable, os.path.join(TESTS, "system" if program.startswith("test_") else "chaos", program)]
    try:
        done = subprocess.run(command + arguments, env=environment, capture_output=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        sys.exit(f"{bug}: `{check}` does not end within {LIMIT_S} s")
    said = (done.stdout + done.stderr).decode(errors="replace")
    if wanted and done.returncode == SKIP:
        print(said)
        sys.exit(SKIP)
    if done.returncode == 0:
        return None
    heard = [words for words in wanted if words in said]
    if wanted and not heard:
        sys.exit(f"{bug}: `{check}` fails, but not with {' | '.join(wanted)!r}: {said[-2000:]}")
    return heard[0] if heard else complaint(said, done.returncode)


def complaint(text, code):
    """The line that says most: of the storm its invariant, of a unit test the test's name, of a rehearsal the difference."""
    for pattern in (r"^seed \d+ FAILED.*\n\s+(.*)$", r"^(bug: .*)$", r"^\[\s+FAILED\s+\] (\w*[a-z]\w*)$", r"^(\s*\S*(?:差异|expected|wrong).*)$"):
        found = re.search(pattern, text, re.M)
        if found:
            return found.group(1).strip()[:160]
    return f"exit {code}: {text.strip().splitlines()[-1][:160] if text.strip() else ''}"


def main():
    bug, folder, *checks = sys.argv[1:]
    if bug == "none":
        checks = list(dict.fromkeys(check.partition(" => ")[0] for check in checks))
    for check in checks:
        began = time.monotonic()
        said = run(folder, bug, check)
        if bug == "none" and said:
            print(f"{check} fails with no bug planted: {said}")
            return 1
        if bug != "none" and said:
            print(f"{bug}: found by `{check}` in {time.monotonic() - began:.1f} s: {said}")
            return 0
    if bug == "none":
        print(f"{len(checks)} checks hold when nothing is planted")
        return 0
    print(f"{bug}: NOT FOUND by {', '.join(checks)}: an invariant is missing")
    return 1


sys.exit(main())
