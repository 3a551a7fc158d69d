"""A usual call at the desk, registered with keys alone, and what it costs. Every key is a real one; no mouse, no touch. Counted by the
keystroke-level model (Card, Moran, Newell 1980): 0.28 s a key of a usual typist, 1.35 s to think before each thing that is said to the form. The
figures stand in README.md, and a form that needs more fails. Then the same in Chinese, where texts come from an input method."""

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


def opens_the_desk(typist):
    typist.press("g", "r")
    typist.console.there("[name=kind]")
    typist.at("kind")
    typist.console.script(HAND)


def register(typist, words, settled):
    """Kind and channel are as most calls are; category, matter, place and caller, and what was said at once, or where it goes."""
    opens_the_desk(typist)
    typist.press("Tab", "Tab")
    typist.at("category")
    typist.think()
    typist.press(*words["category"])
    typist.press("Tab")
    typist.at("text")
    typist.think()
    typist.type(*words["text"])
    typist.press("Tab")
    typist.at("place")
    typist.think()
    typist.type("3-1201")
    to(typist, "phone")
    typist.think()
    typist.type("13800001234")
    if settled:
        typist.think()
        typist.press("F4")
        typist.at("explanation")
        typist.think()
        typist.type(*words["said"])
    typist.press("Ctrl+Enter")
    typist.console.there(".slip")


def to(typist, name, most=6):
    """By Tab, so often as it takes."""
    for _ in range(most):
        typist.press("Tab")
        if typist.console.script("return document.activeElement.name") == name:
            return
    raise AssertionError(f"{name} is more than {most} times Tab away")


def is_registered(typist, system, settled):
    console = typist.console
    number = console.text(".slip .big")
    assert re.fullmatch(r"\d{8}-\w+-\d{3}", number), number
    assert console.script("return window.hands") == []
    system.settle()
    row = system.http("GET", f"/api/v1/cases?site=haitang&number={number}", token=system.tokens()["coordinator"]).json()["rows"][0]
    assert (row["stage"] == "closed") == settled, row
    assert settled or row["department"], row
    typist.press("Ctrl+Enter")  # and the next call
    typist.at("kind")
    return number


def comes_up_again(typist, words, numbers):
    """Who says the same in the next call: those cases stand beside it by its words, before category or place are known."""
    to(typist, "text")
    typist.type(*words["text"])
    for number in numbers:
        typist.console.shows(number, "section[aria-labelledby=duplicates]")


def told(what, typist, allowed=CALL_S):
    print(f"{what}: {typist.keys} keys, {typist.thoughts} thoughts, {typist.seconds():.1f} s")
    assert typist.seconds() < allowed
    return f"| {what} | {typist.keys} | {typist.thoughts} | {typist.seconds():.1f} s |"


WORDS = {
    "en": {"category": ["l"], "text": ["Lift stuck at floor 3"], "said": ["Technician on his way"]},
    "zh-CN": {"category": ["ArrowDown"], "text": ["电梯停在三楼", 22], "said": ["维修工已出发", 20]},  # full pinyin and the number of a word
}


def test_a_call_takes_less_than_half_a_minute():
    lines = []
    with System("--demo") as system:
        for language in WORDS:
            with Console(system, language) as console:
                console.sign_in("reception")
                numbers = []
                for settled in (False, True):
                    typist = Typist(console)
                    register(typist, WORDS[language], settled)
                    numbers.append(is_registered(typist, system, settled))
                    lines.append(told(f"{'English' if language == 'en' else 'Chinese'}, {'settled at once' if settled else 'given to its department'}", typist))
                comes_up_again(typist, WORDS[language], numbers)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")) as f:
        readme = f.read()
    assert not [line for line in lines if line not in readme], "README.md says otherwise:\n" + "\n".join(lines)


if __name__ == "__main__":
    main([test_a_call_takes_less_than_half_a_minute])
