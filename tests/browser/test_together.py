"""Several cases at once, and the list as a file: rows are ticked with the keyboard, a step that some allow is filled in once, what
would be refused is shown, each case is acted on for the version that was read, and whoever was faster keeps what he wrote."""

import io
import os
import sys
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main


def submit(system, text):
    body = {"site": "haitang", "kind": "complaint", "category": "cleaning", "channel": "phone", "text": text, "party": {"name": "某某"}}
    reply = system.http("POST", "/api/v1/cases", body, token=system.tokens()["reception"])
    assert reply.status == 201, reply
    system.settle()
    return reply.json()


def version_of(system, case):
    return int(system.http("GET", f"/api/v1/cases/{case['case_id']}", token=system.tokens()["coordinator"]).json()["version"])


def states(console):
    return console.script("return [...document.querySelectorAll('.outcomes li')].map(one => [one.querySelector('a').textContent.trim(), one.dataset.state])")


def acts_together(console, system):
    cases = [submit(system, f"楼道垃圾 {i}") for i in range(3)]
    numbers = [case["number"] for case in cases]
    console.go("/all?category=cleaning")
    console.shows(numbers[2], "table.cases")
    assert not console.find_all(".together")
    for _ in range(3):  # each row with the keyboard
        console.key("j")
        console.key("x")
    console.wait("return document.querySelectorAll('td.tick input:checked').length === 3")
    console.press(".together")
    console.there(".bulk select[name=step]")
    console.look("together")
    console.pick(".bulk select[name=step]", "accept")
    console.fill(".bulk textarea[name=note]", "批量受理")
    console.press(".bulk button[type=submit]")
    console.wait("return document.querySelectorAll('.outcomes li[data-state=ready]').length === 3")
    console.look("together-preview")
    before = [version_of(system, case) for case in cases]
    reply = system.http("POST", f"/api/v1/cases/{cases[1]['case_id']}/actions/amend", {"fields": {}}, token=system.tokens()["coordinator"])
    assert reply.status == 200, reply  # somebody else was faster with one of them
    console.press(".bulk button[name=go]")
    console.wait("return document.querySelectorAll('.outcomes li[data-state=done]').length === 2")
    assert sorted(states(console)) == [[numbers[0], "done"], [numbers[1], "failed"], [numbers[2], "done"]], states(console)
    console.look("together-done")
    assert [version_of(system, case) - was for case, was in zip(cases, before)] == [1, 1, 1]  # of the second the other's alone
    console.press(".bulk .actions .el-button:first-of-type")  # the others anew
    console.pick(".bulk select[name=step]", "accept")
    console.press(".bulk button[type=submit]")
    console.press(".bulk button[name=go]")
    console.wait("return document.querySelectorAll('.outcomes li[data-state=done]').length === 1")
    assert states(console) == [[numbers[1], "done"]]
    console.press(".bulk .actions .el-button:last-of-type")
    console.gone(".bulk")
    return numbers


def says_what_would_be_refused(console, system):
    """What only one of them allows is done with that one, and the others say why not; kinds that have no form together; and a step that is barred now."""
    one = submit(system, "绿化带积水")
    console.go("/all?category=cleaning&kind=complaint")
    console.shows(one["number"], "table.cases")
    console.script("document.querySelector('thead .tick input').click()")
    console.press(".together")
    console.there(".bulk .actions")
    console.gone(".bulk .el-skeleton")
    console.pick(".bulk select[name=step]", "accept")
    console.press(".bulk button[type=submit]")
    console.there(".outcomes li[data-state=ready]")
    before = dict(states(console))
    ready, others = ([number for number, state in before.items() if state == wanted] for wanted in ("ready", "refused"))
    assert one["number"] in ready and len(others) >= 3 and len(ready) + len(others) == len(before), before  # the others were accepted before
    assert console.script("return [...document.querySelectorAll('.outcomes li[data-state=refused]')].every(one => one.querySelector('.wrong')?.innerText.trim())")
    console.look("together-mixed")
    console.press(".bulk button[name=go]")
    console.wait("return document.querySelectorAll('.outcomes li[data-state=done]').length === arguments[0]", len(ready))
    assert [number for number, state in states(console) if state == "refused"] == others, states(console)
    console.press(".bulk .actions .el-button:last-of-type")
    console.go("/all")
    console.script("document.querySelector('thead .tick input').click()")
    console.press(".together")
    console.there(".bulk .wrong")
    console.look("together-kinds")


def asks_anew(console, system):
    """What a step needs each time is asked for, though every case has one from before."""
    lead, *two = [submit(system, f"并案 {i}") for i in range(3)]
    for step, fields in (("merge", {"leading": lead["number"]}), ("unmerge", {"reason": "不是一件事"}), ("merge", {"leading": lead["number"]})):
        for case in two:
            reply = system.http("POST", f"/api/v1/cases/{case['case_id']}/actions/{step}", {"fields": fields}, token=system.tokens()["coordinator"])
            assert reply.status == 200, reply
        system.settle()
    console.go("/all?category=cleaning&stage=merged")
    console.shows(two[1]["number"], "table.cases")
    console.script("document.querySelector('thead .tick input').click()")
    console.press(".together")
    console.pick(".bulk select[name=step]", "unmerge")
    assert console.wait("return document.querySelector('.bulk form [name=reason]')?.required")
    console.press(".bulk .actions .el-button:last-of-type")


def counts_move(console, system):
    """What departments have, and the manager's figures, as cases come in."""
    for page, number in (("/dispatch", "[...document.querySelectorAll('section[aria-labelledby=load] li')].reduce((sum, one) => sum + Number(one.innerText.match(/\\d+$/)[0]), 0)"),
                         ("/figures", "Number(document.querySelector('[data-figure=registered] strong')?.innerText ?? 0)")):
        console.go(page)
        before = console.wait(f"return {number}")
        submit(system, "又一件")
        console.wait(f"return {number} > arguments[0]", before)


def says_that_one_character_is_too_short(console):
    """Of a link, too: the list is shown, and why the word was not looked for."""
    console.go("/all?text=%E7%94%B5")
    console.there("#too-short")
    console.there("table.cases tbody tr")
    console.look("one-character")


def saves_files(console, numbers):
    """What was downloaded is whole: the page keeps it as a blob, whose bytes are looked at."""
    console.go("/all?category=cleaning")
    console.script("""window.saved = []; const make = URL.createObjectURL;
        URL.createObjectURL = blob => { window.saved.push(blob); return make.call(URL, blob); };""")
    for name in ("xlsx", "csv"):
        console.press(f".el-button.{name}")
        console.wait("return window.saved.length === arguments[0]", 1 if name == "xlsx" else 2)
    data = bytes(console.call("POST", "/execute/async", {"script": """const done = arguments[arguments.length - 1];
        window.saved[0].arrayBuffer().then(data => done([...new Uint8Array(data)]));""", "args": []}))
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml").decode()
    text = console.call("POST", "/execute/async", {"script": "const done = arguments[arguments.length - 1]; window.saved[1].text().then(done);", "args": []})
    for number in numbers:
        assert number in sheet and number in text, number


def test_together():
    with System("--demo") as system:
        system.settle()
        for language, phone in (("zh-CN", False), ("en", True)):
            with Console(system, language, phone) as console:
                console.sign_in("coordinator")
                numbers = acts_together(console, system)
                says_what_would_be_refused(console, system)
                asks_anew(console, system)
                counts_move(console, system)
                says_that_one_character_is_too_short(console)
                saves_files(console, numbers)


if __name__ == "__main__":
    main([test_together])
