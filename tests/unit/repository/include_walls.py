#!/usr/bin/env python3
"""A service cannot see another: a source of one service that includes a header of another must not compile, and the same
source with a header of its own must. Uses the very compiler calls of the build (compile_commands.json).

usage: include_walls.py SOURCE_FOLDER BUILD_FOLDER
"""
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

source, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
services = source / "services"


def headers_of(service):
    """Its headers; the one named like the service first."""
    names = sorted(path.name for path in (services / service).glob("*.h"))
    return sorted(names, key=lambda name: name != f"{service}.h")


def compiler_call(service):
    """How the build compiles a source of this service, up to the source itself."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.parent == services / service and path.name != "main.c":
            words = shlex.split(entry["command"])
            words = words[words.index("ccache") + 1:] if "ccache" in words[0] else words
            keep, skip = [], False
            for word in words:
                if skip or word in ("-c", str(path)):
                    skip = False
                elif word in ("-o", "-MF", "-MT"):
                    skip = True
                elif word != "-MD":
                    keep.append(word)
            return keep
    return None


def compiles(call, text):
    with tempfile.NamedTemporaryFile("w", suffix=".c", dir=build) as file:
        file.write(text)
        file.flush()
        done = subprocess.run([*call, "-fsyntax-only", file.name], capture_output=True, text=True, cwd=build)
    return done.returncode == 0, done.stderr


def check(service, others):
    """What is wrong, as texts."""
    call, own = compiler_call(service), headers_of(service)
    if not call:
        return [f"{service}: the build compiles no source of it"]
    wrong = []
    if own:
        good, said = compiles(call, f'#include "{own[0]}"\nint wall;\n')
        if not good:
            wrong.append(f"{service}: its own {own[0]} does not compile:\n{said}")
    for other in others:
        foreign = [name for name in headers_of(other) if name not in own]
        if foreign and compiles(call, f'#include "{foreign[0]}"\nint wall;\n')[0]:
            wrong.append(f"{service} can include {other}'s {foreign[0]}")
        # The compiler itself says of each header, and of each path that leads to it, whether it would be found.
        paths = [path for name in foreign for path in (name, f"{other}/{name}", f"services/{other}/{name}")]
        asked = "".join(f'#if __has_include("{path}")\n#error {path}\n#endif\n' for path in paths)
        good, said = compiles(call, asked + "int wall;\n")
        if not good:
            wrong.append(f"{service} can see headers of {other}:\n{said}")
    return wrong


def main():
    if not (build / "compile_commands.json").exists():
        print(f"skipped: {build} has no compile_commands.json")
        return 77
    names = sorted(path.parent.name for path in services.glob("*/CMakeLists.txt"))
    wrong = [line for name in names for line in check(name, [other for other in names if other != name])]
    print("\n".join(wrong) if wrong else f"{len(names)} services, none sees a header of another")
    return 1 if wrong or len(names) < 2 else 0


sys.exit(main())
