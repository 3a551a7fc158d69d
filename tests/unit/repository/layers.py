#!/usr/bin/env python3
"""common in layers: the table of common/README.md lists the modules from the bottom up, and each may include only those
that stand above it there. The code of a service that decides, reacts, folds and answers cannot reach the world.

usage: layers.py SOURCE_FOLDER
"""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1]).resolve()
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)

# The runtime folds directory's events by calling organisation, which uses the runtime's tables: the one pair.
PAIRS = {("service", "organisation"), ("service/instance", "organisation")}
# What no service may include, and who may, with the reason in common/README.md.
CLOSED = ("store/", "bus/", "eventlog/", "vault/", "service/internal.h", "service/instance.h")
OPEN = {
    "intake": ("store/", "vault/"),
    "directory": ("store/", "vault/"),
    "notification": ("service/instance.h",),
    "gateway": ("bus/",),
    "link": ("bus/", "eventlog/"),
    "cli": CLOSED,
}


def modules():
    """In the order of the table, with what it says each is."""
    rows = re.findall(r"^\| (?:\*\*\d\*\* )?([a-z]+) \|", (source / "common/README.md").read_text(), re.M)
    return [row for row in rows if row != "module"]


def includes(path):
    return INCLUDE.findall(path.read_text())


def check_common(order):
    wrong = []
    for folder in sorted(path for path in (source / "common").iterdir() if path.is_dir()):
        if folder.name not in order:
            wrong.append(f"common/{folder.name} stands in no layer of common/README.md")
            continue
        for path in sorted(folder.glob("*.[ch]")):
            for name in includes(path):
                module = name.split("/")[0]
                if "/" not in name or module in ("hearback", folder.name):
                    continue
                if module not in order:
                    wrong.append(f"{path.relative_to(source)} includes {name}, which is in no module")
                elif order.index(module) >= order.index(folder.name) and (folder.name, module) not in PAIRS:
                    wrong.append(f"{path.relative_to(source)} includes {name}: {module} is above {folder.name}")
    return wrong


def check_services():
    wrong = []
    for path in sorted((source / "services").glob("*/*.[ch]")):
        service = path.parent.name
        for name in includes(path):
            closed = [part for part in CLOSED if name.startswith(part) and part not in OPEN.get(service, ())]
            if closed and path.name != "main.c":
                wrong.append(f"{path.relative_to(source)} includes {name}, which a service's code must not reach")
    return wrong


def main():
    order = modules()
    if len(order) < 10:
        print("common/README.md has no table of modules any more")
        return 1
    wrong = check_common(order) + check_services()
    print("\n".join(wrong) if wrong else f"{len(order)} modules, each includes lower ones only")
    return 1 if wrong else 0


sys.exit(main())
