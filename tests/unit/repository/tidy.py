#!/usr/bin/env python3
"""clang-tidy over every source of the build, with the checks of .clang-tidy. A source that was clean is not looked at again
until something it sees has changed: the key is what the preprocessor makes of it.

usage: tidy.py SOURCE_FOLDER BUILD_FOLDER [PART-OF-A-PATH...]
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

source, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
parts = sys.argv[3:]
clean = build / "tidy"
rules = (source / ".clang-tidy").read_bytes()


def entries():
    """Each of our sources once, although some are compiled for several programs."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if source in path.parents and build not in path.parents:
            found[path] = entry
    return {path: entry for path, entry in sorted(found.items()) if not parts or any(part in str(path) for part in parts)}


def key_of(path, entry):
    words = shlex.split(entry["command"])
    words = words[1:] if "ccache" in words[0] else words
    for option in ("-o", "-MF", "-MT"):
        if option in words:
            at = words.index(option)
            del words[at:at + 2]
    call = [word for word in words if word not in ("-c", "-MD")] + ["-E", "-P"]
    seen = subprocess.run(call, capture_output=True, cwd=entry["directory"])
    if seen.returncode:
        return None
    return hashlib.sha256(rules + str(path.relative_to(source)).encode() + seen.stdout).hexdigest()


def look(item):
    path, entry = item
    key = key_of(path, entry)
    if key and (clean / key).exists():
        return path, ""
    done = subprocess.run(["clang-tidy", "-p", build, "--quiet", path], capture_output=True, text=True)
    said = [line for line in done.stdout.splitlines() if re.search(r": (warning|error): ", line)]
    if done.returncode and not said:
        said = [f"{path}: clang-tidy failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}"]
    if key and not said:
        (clean / key).touch()
    return path, "\n".join(sorted(set(said)))


def main():
    clean.mkdir(exist_ok=True)
    work, wrong, done = entries(), set(), 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for _, said in pool.map(look, work.items()):
            done += 1
            wrong.update(said.splitlines())
            if sys.stderr.isatty():
                print(f"\r{done} of {len(work)} sources", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    for line in sorted(wrong):
        print(line.replace(f"{source}/", "").replace(",-warnings-as-errors", ""))
    print(f"{len(work)} sources, {len(wrong)} findings")
    return 1 if wrong or not work else 0


sys.exit(main())
