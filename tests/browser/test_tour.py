"""The five-minute tour of README, as it stands there: every command is run and answers as README says, every step in the browser is taken.
The steps are read from README, so that neither changes without the other.

Commands: what stands behind `$ ` in a block, and below it what is said; `...` is anything (alone on a line: any lines), and any number stands
for every number; but 0 is 0, which says that nothing went wrong. A command ends well, unless README shows that `hearback` refuses.
In the browser: the numbered lists, of `open`, `touch`, `choose`, `write .. into ..`, `sign in as`, `press` and `see`."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import PROGRAMS, SOURCE, System, main

NUMBER = r"\d{8}-\w+-\d{3}"
ACTIONS = re.compile(r"(?P<open>open) `(?P<address>[^`]+)`|(?P<write>write) (?:\*\*|`)(?P<words>[^*`]+)(?:\*\*|`) into \*\*(?P<field>[^*]+)\*\*|"
                     r"(?P<verb>touch|choose|see) \*\*(?P<label>[^*]+)\*\*|(?P<sign>sign in) as `(?P<account>\w+)`|(?P<press>press) `(?P<key>.)`")


def tour():
    """Blocks of commands and lists of steps, in order: ("commands", [lines]) and ("steps", [texts])."""
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as f:
        text = re.search(r"^## Five minutes\n(.*?)^## ", f.read(), re.M | re.S)[1]
    for part in re.split(r"\n\s*\n", text):
        lines = part.split("\n")
        if all(line.startswith("    ") for line in lines if line):
            yield "commands", [line[4:] for line in lines if line]
        elif re.match(r"1\. ", part):
            yield "steps", [" ".join(one.split()) for one in re.split(r"^\d+\. ", part, flags=re.M)[1:]]


def commands(lines):
    """[(command, [lines that it says])]"""
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


class Tourist:
    def __init__(self, system, folder):
        self.system, self.folder, self.known = system, folder, {}  # what README calls a number or a code -> what it is today

    def today(self, text):
        for written, own in self.known.items():
            text = text.replace(written, own)
        return text

    # ---- the terminal ----

    def pattern(self, line):
        """README's line as a pattern; a case that is not known yet gets a name."""
        parts, names = [], []
        for piece in re.split(rf"({NUMBER}(?:-[0-9A-Z]{{8}})?|\.\.\.|\.\d{{3}}(?=[+Z])|\d+|\s+)", line.strip()):
            if re.fullmatch(rf"{NUMBER}(-[0-9A-Z]{{8}})?", piece) and piece not in self.known:
                number, code = re.fullmatch(rf"({NUMBER})(?:-([0-9A-Z]{{8}}))?", piece).groups()
                parts.append(rf"({NUMBER})" + (r"-([0-9A-Z]{8})" if code else ""))
                names += [number] + ([code] if code else [])
            elif re.fullmatch(r"\.\d{3}", piece):
                parts.append(r"(?:\.\d{3})?")  # a whole second has none
            elif piece in self.known:
                parts.append(re.escape(self.known[piece]))
            else:
                parts.append(".*" if piece == "..." else r"\d+" if piece.isdigit() and piece != "0" else r"\s+" if piece.isspace() else re.escape(piece))
        return "".join(parts), names

    def reads(self, command, said, wanted):
        """Each line that README shows stands there, one below the other."""
        lines = [line.strip() for line in said.split("\n") if line.strip()]
        at, anything = 0, False
        for line in wanted:
            if line.strip() == "...":
                anything = True
                continue
            pattern, names = self.pattern(line)
            found = None
            while at < len(lines) and not found:
                found = re.fullmatch(pattern, lines[at])
                at += 1
                assert found or anything, f"$ {command}\nREADME: {line}\nsaid:   {lines[at - 1]}\n{said[:3000]}"
            assert found, f"$ {command}\nREADME has this line, and it was not said: {line}\n{said[:3000]}"
            self.known.update(zip(names, found.groups()))
            anything = False
        assert at == len(lines) or anything, f"$ {command}\nsaid and not in README: {lines[at:]}"

    def run(self, command, wanted):
        self.system.settle()  # whoever reads a line before typing the next is slower
        own = self.today(command).replace('--config"', f'--config {self.system.folder}"')  # others may run here, too
        # typed, not an argument: else pgrep -f finds this very shell by it
        done = subprocess.run(["bash"], input=own, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "XDG_STATE_HOME": os.path.dirname(self.system.folder)})
        self.reads(command, done.stdout, wanted)
        refused = any(line.startswith("hearback: ") for line in wanted)
        assert (done.returncode != 0) == refused, f"$ {command}\nended with {done.returncode}\n{done.stdout[:3000]}"

    # ---- the browser ----

    def take(self, console, step):
        text = step[:1].lower() + step[1:]
        left = ACTIONS.sub("", text)
        assert "`" not in left and "**" not in left, f"this cannot be taken: {left}"
        for action in ACTIONS.finditer(text):
            self.act(console, {name: value for name, value in action.groupdict().items() if value})

    def act(self, console, given):
        self.system.settle()
        if "open" in given:
            console.open(re.sub(r":\d+/", f":{self.system.port}/", given["address"]))
            console.gone(".el-skeleton")
        elif "write" in given:
            console.fill(f"#{self.labelled(console, given['field'])}", self.today(given["words"]))
        elif "sign" in given:
            console.fill("input[name=account]", given["account"])
            console.fill("input[name=password]", self.system.passwords()[given["account"]])
            console.key("Enter")
            console.gone("input[name=password]")
        elif "press" in given:
            console.key(given["key"])
        elif given["verb"] == "see":
            console.shows(self.today(given["label"]))
        else:
            self.touch(console, given["label"])

    def labelled(self, console, label):
        """The field with this label: its id."""
        return console.wait("""for (const one of document.querySelectorAll("label"))
            if (one.innerText.trim().startsWith(arguments[0]) && one.control?.id) return one.control.id;
            return "";""", label)

    def touch(self, console, label):
        """A link, a button or the label of a choice, by the words on it; a link or a button of the portal leads to another page."""
        console.script("window.left = true")
        element = console.wait("""const words = one => one.innerText.trim(), visible = one => one.getClientRects().length > 0;
            const all = [...document.querySelectorAll("a, button, label, summary")].filter(visible);
            return all.find(one => words(one) === arguments[0]) || all.find(one => words(one).startsWith(arguments[0])) || null;""", label)
        leads = console.script("return arguments[0].tagName !== 'LABEL' && !location.pathname.startsWith('/console')", element)
        console.touch(next(iter(element.values())))
        if leads:
            console.wait("return !window.left && document.readyState === 'complete'")


@contextlib.contextmanager
def checkout():
    """A folder in which the commands find what they name, and the state where `scripts/run` would have it."""
    with tempfile.TemporaryDirectory(prefix="hearback-tour-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        os.mkdir(os.path.join(folder, "build"))
        os.symlink(os.path.abspath(PROGRAMS), os.path.join(folder, "build/bin"))
        os.symlink(os.path.join(SOURCE, "tests"), os.path.join(folder, "tests"))
        year = {"year": 2027, "days": [{"name": "元旦", "date": "2027-01-01", "isOffDay": True}]}
        with open(os.path.join(folder, "2027.json"), "w", encoding="utf-8") as f:
            json.dump(year, f)
        yield folder


def starts(tourist, wanted):
    """`scripts/run` installs and builds, which was done before any test, and then becomes `hearback up --demo`."""
    with open(os.path.join(SOURCE, "scripts/run"), encoding="utf-8") as f:
        script = f.read()
    built = next(i for i, line in enumerate(wanted) if line.startswith("building"))
    assert 'echo "building ..."' in script and 'hearback" up --demo "$@"' in script, script
    with open(os.path.join(tourist.system.folder, "up.out"), encoding="utf-8") as f:
        tourist.reads("scripts/run", f.read(), wanted[built + 1:])


def test_tour():
    with checkout() as folder:
        state = os.path.join(folder, "hearback")
        os.mkdir(state)
        with System("--demo", folder=state) as system, Console(system, "en", phone=True) as console:
            tourist, taken = Tourist(system, folder), 0
            for what, parts in tour():
                if what == "commands":
                    for command, wanted in commands(parts):
                        if command == "scripts/run":
                            starts(tourist, wanted)
                        else:
                            tourist.run(command, wanted)
                        taken += 1
                else:
                    for step in parts:
                        tourist.take(console, step)
                        taken += 1
            assert taken > 20, taken
            console.look("tour")


if __name__ == "__main__":
    main([test_tour])
