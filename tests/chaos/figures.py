"""figures.py LOG... [--into README]: what the attacks reached, as the table of tests/README.md, from one run: LOG is build*/Testing/Temporary/LastTest.log
after `scripts/test`, whose kind chaos prints this table itself; --into: writes it between the two marks. An attack that passed and told no figure
fails: then it has shown nothing, or its words have changed and so must WORDS."""

import argparse
import os
import re
import subprocess
import sys

# Of each program: what its lines of figures say.
WORDS = {
    "kills": ("seed", "kills in", "acknowledged commands", "backups made", "restored"),
    "faults": ("acknowledged", "after there was", "missed", "dates", "passed "),
    "apart": ("missed dates", "before the backup"),
    "epoch": ("services say", "all restored"),
    "mute": ("connections mute", "a mute link", "acknowledged"),
    "lies": ("lies in them",),
    "slow": ("events said in", "finds nothing", "events heard in", "for each flush", "does not end", "mails, each answered"),
    "threads": ("mails, up to", "without the lock", "no report"),
    "power": ("seed", "control:", "acknowledged commands"),
    "torn": ("seed", "power cuts among", "control:", "not promised:"),
    "nth": ("seed", "ways to reach", "faults (", "they left", "findings"),
    "clocks": ("seed", "jumps (", "1970", "slept", "a tenth", "ten years on", "finds nothing"),
    "flips": ("seed", "bits flipped"),
}
BEGIN, END = "<!-- figures.py -->", "<!-- end of figures.py -->"
TEST = re.compile(r"^\d+/\d+ Test: (\S+)$.*?^Output:\n-+\n(.*?)^<end of output>\nTest time = +([\d.]+) sec\n-+\nTest (\w+)", re.M | re.S)


def figures(name, output):
    words = WORDS.get(name.split("/")[1], ())
    lines = [line.strip() for line in output.splitlines() if any(word in line for word in words) and not line.startswith("{")]
    faults = [line for line in lines if re.match(r"\w+:\d+ of hearback-", line)]  # of nth, a line each
    if faults:
        lines = [line for line in lines if line not in faults] + [f"{len(faults)} faults of a real system"]
    return "; ".join(re.sub(r" \(again: [^)]*\)|; one: .*", "", line) for line in lines)


def row(name, output, seconds, result):
    skipped = re.search(r"^skipped: .*$", output, re.M)
    told = skipped.group() if skipped else figures(name, output) if result == "Passed" else result.upper()
    return f"| `{name}` | {told.replace('|', '/')} | {float(seconds):.0f} |" if told else None


def together(kind, tests):
    """Of many tests of one kind: how many, and what they counted."""
    ours = [test for test in tests if test[0].startswith(kind + "/")]
    passed, output = sum(test[3] == "Passed" for test in ours), "\n".join(test[1] for test in ours)
    counted = {"planted": f"{len(re.findall(': found by', output))} planted bugs found",
               "fuzz": f"{sum(map(int, re.findall(r'Done ([0-9]+) runs', output))):,} inputs"}[kind]
    return [f"| `{kind}` | {passed} of {len(ours)} tests passed; {counted} | {sum(float(test[2]) for test in ours):.0f} |"] if ours else []


def put_into(path, table):
    with open(path) as f:
        text = f.read()
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    with open(path, "w") as f:
        f.write(f"{text[:before]}\n{table}\n{text[after:]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--into", metavar="README")
    chosen, tests = parser.parse_args(), []
    for log in filter(os.path.exists, chosen.logs):
        with open(log, errors="replace") as f:
            tests += TEST.findall(f.read())
    attacks = [test for test in tests if test[0].startswith("chaos/")]
    rows = [row(*test) for test in attacks]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    table = "\n".join([f"At {commit}:\n", "| attack | what it reached | s |", "|---|---|---|", *filter(None, rows), *together("planted", tests),
                       *together("fuzz", tests)])
    print(table)
    silent = [test[0] for test, told in zip(attacks, rows) if not told]
    if silent:
        print(f"no figure in what these said: {', '.join(silent)}")
    elif chosen.into:
        put_into(chosen.into, table)
    return 1 if silent or not attacks else 0


sys.exit(main())
