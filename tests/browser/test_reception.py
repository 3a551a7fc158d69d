"""Calls at the desk, one of each class, registered with keys alone, and what they cost. Every key is a real one; no mouse, no touch. Counted by the
keystroke-level model (Card, Moran, Newell 1980): 0.28 s a key of a usual typist, 1.35 s to think before each thing that is said to the form, the class
among them. The figures stand in README.md, and a form that needs more fails. Then the same in Chinese, where texts come from an input method."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main

KEY_S, THINK_S, CALL_S = 0.28, 1.35, 30
HAND = """
window.hands = [];
for (const name of ["mousedown", "pointerdown", "touchstart", "wheel"]) addEventListener(name, event => window.hands.push(event.type), true);
"""


class Typist:
    """Presses keys in a console, and counts them."""

    def __init__(self, console):
        self.console, self.keys, self.thoughts = console, 0, 0

    def seconds(self):
        return self.keys * KEY_S + self.thoughts * THINK_S

    def press(self, *keys):
        for key in keys:
            held = key.startswith("Ctrl+")
            self.console.key(key.removeprefix("Ctrl+"), ctrl=held)
            self.keys += 2 if held else 1

    def think(self):
        self.thoughts += 1

    def type(self, text, keys=None):
        """Letter by letter; `keys`: so many an input method would have taken for it."""
        if keys is None:
            for letter in text:
                self.console.letter(letter)
            self.keys += len(text)
        else:
            self.console.devtools("Input.insertText", text=text)
            self.keys += keys

    def at(self, name):
        self.console.wait("return document.activeElement.name === arguments[0]", name)

    def choose(self, name, value):
        """By the key that stands before it."""
        self.think()
        self.at(name)
        self.press(self.console.script(f"return document.querySelector('input[name={name}][value={value}]').getAttribute('aria-keyshortcuts')"))
        self.console.wait(f"return document.querySelector('input[name={name}][value={value}]').checked")


def opens_the_desk(typist):
    typist.press("g", "r")
    typist.console.there("[name=kind]")
    typist.at("kind")
    typist.console.script(HAND)


def classifies(typist, kind):
    """The first call of a shift opens the desk; of the next ones the key of the class opens the form. That costs less, and is counted as much."""
    slip = typist.console.find_all(".slip")
    if not slip:
        opens_the_desk(typist)
        typist.choose("kind", kind)
        return
    typist.keys += 2
    typist.think()
    typist.press(typist.console.script(f"return document.querySelector('.next-kind[data-kind={kind}]').getAttribute('aria-keyshortcuts')"))
    typist.console.wait(f"return document.querySelector('input[name=kind][value={kind}]')?.checked")


def register(typist, kind, words, site):
    """Class, category, matter, place and caller, what the class asks, and what was said at once."""
    classifies(typist, kind)
    for name, value in site["asks"].get(kind, {}).items():
        typist.choose(name, value)
    typist.choose("category", site["category"])
    typist.at("text")
    typist.think()
    typist.type(*words["text"])
    typist.press("Tab")
    typist.at("place")
    if kind in site["places"]:
        typist.choose("place", site["places"][kind])
    else:
        typist.think()
        typist.type("3-1201")
        typist.press("Tab")
    typist.at("phone")
    typist.think()
    typist.type("13800001234")


def settles(typist, words):
    typist.think()
    typist.press("F4")
    typist.at("explanation")
    typist.think()
    typist.type(*words["said"])
    typist.press("F4")
    typist.console.there(".slip")


def gives(typist):
    typist.press("Ctrl+Enter")
    typist.console.there(".slip")


def is_registered(typist, system, site, kind, settled):
    console = typist.console
    number = console.text(".slip .big")
    assert re.fullmatch(r"\d{8}-\w+-\d{3}", number), number
    assert console.script("return window.hands") == []
    system.settle()
    row = system.http("GET", f"/api/v1/cases?site={site['id']}&number={number}", token=system.tokens()[site["coordinator"]]).json()["rows"][0]
    assert row["kind"] == kind, row
    assert (row["stage"] == "closed") == settled, row
    assert settled or row["department"], row
    assert bool(console.find_all(".slip .settled-now")) == settled, console.text(".slip")
    return number


def bears_what_is_needed_later(console, system, number):
    """The slip: where the case is followed, and the code of the portal's receipts, which leads to their check."""
    assert console.text(".slip .track") == f"http://127.0.0.1:{system.port}/track", console.text(".slip")
    assert console.script("const one = document.querySelector('.slip img'); return one.complete && one.naturalWidth > 0 && one.alt.length > 0")
    console.emulated("print")
    shown = console.script("return [...document.querySelectorAll('.slip img, .slip .track, .slip .code')].filter(one => one.getClientRects().length).length")
    assert shown == 3 and not console.script("return document.querySelector('.next-kind').getClientRects().length"), shown
    console.emulated("")
    console.look("slip-code")
    made = system.http("POST", "/api/v1/cases?slip=true", {"site": "haitang", "kind": "inquiry", "category": "noise", "text": "核验"}, token=system.tokens()["reception"]).json()
    page = system.http("GET", made["slip"]["proof"].split(str(system.port))[1], headers={"Accept": "text/html"})
    assert page.status == 200 and made["number"] in page.body.decode(), page
    assert "slip" not in system.http("POST", "/api/v1/cases", {"site": "haitang", "kind": "inquiry", "category": "noise", "text": "核验"}, token=system.tokens()["reception"]).json()


def comes_up_again(typist, words, numbers):
    """Who says the same in the next call: those cases stand beside it by its words, before category or place are known."""
    typist.press("Ctrl+Enter")
    typist.at("kind")
    typist.console.script("document.querySelector('textarea[name=text]').focus()")
    typist.type(*words["text"])
    for number in numbers:
        typist.console.shows(number, "section[aria-labelledby=duplicates]")


def told(where, what, typist, longest):
    print(f"{where}, {what}: {typist.keys} keys, {typist.thoughts} thoughts, {typist.seconds():.2f} s")
    assert typist.seconds() < CALL_S, f"{where}, {what}: {typist.seconds():.2f} s"
    longest[what] = max(longest.get(what, typist), typist, key=Typist.seconds)


WORDS = {
    "en": {"text": ["Lift stuck at floor 3"], "said": ["Technician on his way"]},
    "zh-CN": {"text": ["电梯停在三楼", 22], "said": ["维修工已出发", 20]},  # full pinyin and the number of a word
}
CLASSES = ["complaint", "repair", "inquiry", "suggestion", "problem", "matter"]
ESTATE = {"id": "haitang", "account": "reception", "coordinator": "coordinator", "category": "lift", "asks": {"repair": {"class": "urgent"}}, "places": {}}
HOSPITAL = {"id": "renhe", "account": "renhe-reception", "coordinator": "renhe-coordinator", "category": "other", "asks": {"matter": {"importance": "high"}}, "places": {"repair": "ward"}}
SHIFTS = [(ESTATE, CLASSES[:4]), (HOSPITAL, CLASSES)]


def calls_of(site, kinds):
    """All of them settled at once, which takes longest, where it may be; and one that goes to its department."""
    yield kinds[0], False
    for kind in kinds:
        yield kind, kind != "problem"


def test_a_call_takes_less_than_half_a_minute():
    longest = {}
    with System("--demo") as system:
        for language, words in WORDS.items():
            for site, kinds in SHIFTS:
                with Console(system, language) as console:
                    console.sign_in(site["account"])
                    numbers = []
                    for kind, settled in calls_of(site, kinds):
                        typist = Typist(console)
                        register(typist, kind, words, site)
                        settles(typist, words) if settled else gives(typist)
                        number = is_registered(typist, system, site, kind, settled)
                        numbers += [number] if kind == "complaint" else []
                        told(f"{language}, {site['id']}", f"{kind}, {'settled at once' if settled else 'given to its department'}", typist, longest)
                    if site is ESTATE:
                        bears_what_is_needed_later(console, system, numbers[0])
                        comes_up_again(Typist(console), words, numbers)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")) as f:
        readme = f.read()
    lines = [f"| {what} | {one.keys} | {one.thoughts} | {one.seconds():.1f} s |" for what, one in longest.items()]
    assert not [line for line in lines if line not in readme], "README.md says otherwise:\n" + "\n".join(lines)


if __name__ == "__main__":
    main([test_a_call_takes_less_than_half_a_minute])
