"""Finding in the console, on a real system: words in the lists' search box, and on the reception screen the caller's earlier cases and
likely duplicates, with the keyboard alone."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main

PACK = """pack: JOIN
name: [加入, Join]
extends: PROP-11
in_force: 2025-01-01
kinds:
  cluster:
    steps:
      register: {clause: JOIN-1, name: [提出, Propose], to: proposed, by: employee}
      confirm: {clause: JOIN-1, name: [确认, Confirm], from: proposed, to: confirmed, by: employee}
      me_too: {clause: JOIN-1, name: [我也遇到, Me too], from: confirmed, by: [complainant, employee], fields: [reach]}
"""

LIFT = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "place": "听涛阁西侧",
        "party": {"name": "欧阳铃木", "phone": "139-7775-8246"}}


def submit(system, text, **more):
    reply = system.http("POST", "/api/v1/cases", {**LIFT, "text": text, **more}, token=system.tokens()["reception"])
    assert reply.status == 201, reply
    system.settle()
    return reply.json()["number"]


def numbers(console, within=""):
    return console.script("return [...document.querySelectorAll(arguments[0] + ' a.number')].map(one => one.textContent.trim())", within)


def finds_words(console, number):
    """In any list; nothing, too little, and back to all."""
    console.go("/all")
    everything = console.text(".count")
    console.key("/")
    console.wait("return document.activeElement.name === 'text'")
    console.fill("input[type=search]", "索夜间 铃木")
    console.key("Enter")
    console.wait("return document.querySelectorAll('a.number').length === 1")
    assert numbers(console) == [number] and "1" in console.text(".count"), numbers(console)
    console.look("found")
    assert "text=" in console.script("return location.search")
    console.fill("input[type=search]", "索")
    console.key("Enter")
    console.there("#too-short")
    console.look("too-short")
    console.fill("input[type=search]", "没有人写过的话")
    console.key("Enter")
    console.there(".state.empty")
    console.look("found-nothing")
    console.fill("input[type=search]", "")
    console.key("Enter")
    console.wait("return document.querySelector('.count')?.innerText === arguments[0]", everything)


def knows_the_caller(console, open_one, closed_one):
    """While the number is typed; F2 opens the newest in a tab of its own."""
    console.key("Escape")
    console.script("document.activeElement.blur()")
    console.key("g")
    console.key("r")
    console.there("[name=kind]")
    console.look("reception-empty")
    console.choose_in("category", "noise")
    console.shows(open_one, "section[aria-labelledby=duplicates], section[aria-labelledby=alike]")
    console.fill("input[name=place]", "听涛阁 西侧")
    console.shows(open_one, "section[aria-labelledby=duplicates]")
    console.script("document.querySelector('input[name=phone]').focus()")
    console.devtools("Input.insertText", text="1397775")
    console.shows("没有案件" if console.script("return document.documentElement.lang") != "en" else "no earlier case",
                  "section[aria-labelledby=caller]")
    console.devtools("Input.insertText", text="8246")
    console.wait("return document.querySelectorAll('section[aria-labelledby=caller] a.number').length === 2")
    assert numbers(console, "section[aria-labelledby=caller]") == [closed_one, open_one]
    count = console.text("section[aria-labelledby=caller] .count")
    assert "2" in count and "1" in count, count
    console.look("reception-caller")
    before = len(console.call("GET", "/window/handles"))
    console.press_key("F2")
    console.wait_for(lambda: len(console.call("GET", "/window/handles")) == before + 1)
    assert console.value("input[name=phone]") == "13977758246"
    console.press_key("F2", shift=True)
    console.wait("return document.activeElement.textContent.trim() === arguments[0]", closed_one)
    console.press_key("ArrowDown")
    console.wait("return document.activeElement.textContent.trim() === arguments[0]", open_one)
    console.press_key("Escape")
    console.wait("return document.activeElement.name === 'phone'")


class Desk(Console):
    CODES = {"F2": 113, "ArrowDown": 40, "Escape": 27}

    def press_key(self, key, shift=False):
        for kind in ("rawKeyDown", "keyUp"):
            self.devtools("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=self.CODES[key], modifiers=8 if shift else 0)

    def wait_for(self, check, timeout_s=30):
        until = time.monotonic() + timeout_s
        while not check():
            assert time.monotonic() < until, "in vain"
            time.sleep(0.03)


def test_finding():
    with System("--demo") as system:
        system.settle()
        open_one = submit(system, "三号楼缆索夜间异响")
        closed_one = submit(system, "大堂灯不亮", place="大堂", settle=True, settle_fields={"explanation": "当场说明"})
        for language, phone in (("zh-CN", False), ("en", True)):
            with Desk(system, language, phone) as console:
                console.sign_in("reception")
                finds_words(console, open_one)
                knows_the_caller(console, open_one, closed_one)


def test_joining():
    """A form belongs to its case: another's is not opened over what was typed, and a list that changes does not take it away."""
    with System("--demo") as system:
        folder = os.path.join(system.folder, "JOIN")
        os.mkdir(folder)
        with open(os.path.join(folder, "pack.yaml"), "w") as f:
            f.write(PACK)
        system.run("policy", "publish", "haitang", folder, "--operator")
        system.settle()
        tokens, path = system.tokens(), "/api/v1/cases"
        cases = []
        for _ in range(2):
            case = system.http("POST", path, {"site": "haitang", "kind": "cluster", "category": "lift", "channel": "phone", "text": "电梯"}, token=tokens["reception"]).json()["case_id"]
            system.settle()
            assert system.http("POST", f"{path}/{case}/actions/confirm", {}, token=tokens["coordinator"]).status == 200
            system.settle()
            cases.append(case)
        with Console(system, "zh-CN") as console:
            console.sign_in("reception")
            console.go("/reception")
            console.choose_in("category", "lift")
            joins = [f"li:has(a[href$='/{case}']) button.join" for case in cases]
            console.press(joins[1])
            console.press("[data-step=me_too]")
            console.there("form.action")
            console.press(joins[0])  # nothing was typed: no question
            console.gone("form.action")
            console.press("[data-step=me_too]")
            console.fill("form.action [name=reach]", "lin@example.org")
            console.press(joins[1])
            console.alert_text()
            console.answer_alert(False)
            console.choose_in("category", "noise")
            console.gone("button.join")
            console.wait("return !document.querySelector('section[aria-labelledby=alike] [role=status]') && document.querySelector('section[aria-labelledby=alike] a.number')")
            assert console.value("form.action [name=reach]") == "lin@example.org"
            console.press("form.action button[type=submit]")
            console.there(".aside p.done")
        assert [system.http("GET", f"{path}/{case}", token=tokens["reception"]).json()["joined"] for case in cases] == [1, 0]


if __name__ == "__main__":
    main([test_finding, test_joining])
