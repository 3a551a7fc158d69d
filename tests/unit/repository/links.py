#!/usr/bin/env python3
"""No dead links: in every Markdown file of the repository, each relative link leads to a file (and its anchor to a heading),
and each path in backticks exists. No file names a folder of the machine it was written on.

usage: links.py SOURCE_FOLDER
"""
import pathlib
import re
import shutil
import subprocess
import sys

source = pathlib.Path(sys.argv[1]).resolve()
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./-]*/[A-Za-z0-9_./-]*")
KNOWN = (".c", ".h", ".md", ".py", ".yaml", ".yml", ".proto", ".txt", ".css", ".json", ".sh", ".html")
MADE = ("build", "build-debug", "build-fuzz", "build-coverage", "found", "node_modules")  # not in the repository
MACHINE = re.compile(r"/work/(main|shared|\.library)|/tmp/wt\b|/home/[a-z]")


def tracked():
    git = shutil.which("git")  # a machine that only builds and tests has none
    listed = git and subprocess.run([git, "-C", source, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if listed and listed.returncode == 0:
        return [source / name for name in listed.stdout.splitlines() if (source / name).is_file()]
    return [path for path in source.rglob("*") if path.is_file() and not path.relative_to(source).parts[0].startswith((".", "build"))]


def without_fences(text):
    return re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)


def anchors(path):
    """As GitHub makes them from headings."""
    heads = re.findall(r"^#+\s+(.*)$", without_fences(path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def check_link(path, target):
    place, _, anchor = target.partition("#")
    file = (path.parent / place).resolve() if place else path
    if not file.exists():
        return f"the link {target} leads nowhere"
    if anchor and file.suffix == ".md" and anchor not in anchors(file):
        return f"the link {target}: there is no such heading"
    return None


def is_path(word):
    """Looks like a path of this repository, not like a URL's, a media type or a command."""
    if not PATH.fullmatch(word) or word.startswith("..") or word.split("/")[0] in MADE or "NAME" in word:
        return False
    top = {entry.name for entry in source.iterdir()}
    return word.endswith(KNOWN) or (word.split("/")[0] in top and not word.split("/")[0].startswith("."))


def exists(path, word):
    """From the file's own folder, from the top, or as sources include it."""
    places = [path.parent, source, source / "common", source / "proto", *path.parents]
    return any((place / word).exists() for place in places if source in (place, *place.parents))


def check(path):
    text = without_fences(path.read_text())
    wrong = [check_link(path, target) for target in LINK.findall(text) if not re.match(r"[a-z]+:|//|/", target)]
    words = {word for code in CODE.findall(text) for word in code.split()}
    wrong += [f"there is no `{word}`" for word in sorted(words) if is_path(word) and not exists(path, word)]
    return [f"{path.relative_to(source)}: {line}" for line in wrong if line]


def machine_paths(path):
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        return []
    return [f"{path.relative_to(source)}:{number}: names a folder of one machine: {line.strip()[:80]}"
            for number, line in enumerate(lines, 1) if MACHINE.search(line) and path.name != "links.py"]


def main():
    files = tracked()
    pages = [path for path in files if path.suffix == ".md"]
    wrong = [line for path in pages for line in check(path)] + [line for path in files for line in machine_paths(path)]
    print("\n".join(wrong) if wrong else f"{len(pages)} pages, no dead link; {len(files)} files name no machine's folder")
    return 1 if wrong or not pages else 0


sys.exit(main())
