"""Several cases at once, and the list as a file: rows are ticked with the keyboard, the step that all allow is filled in once, what
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
    """Nothing that all allow; kinds that have no form together; and a step that is barred now."""
    one = submit(system, "绿化带积水")
    console.go("/all?category=cleaning")
    console.shows(one["number"], "table.cases")
    console.script("document.querySelector('thead .tick input').click()")
    console.press(".together")
    console.there(".bulk .actions")
    console.gone(".bulk .el-skeleton")
    assert not console.find_all(".bulk select[name=step] option[value=accept]")  # the first ones were accepted
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
                saves_files(console, numbers)


if __name__ == "__main__":
    main([test_together])
