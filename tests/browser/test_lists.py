"""The console's own lists on a real system: a filter is kept as a view, shared with a department, found by a colleague with his own
count, changed and deleted by its owner only."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main

VIEWS = "nav .views li a"


def counted(console, name):
    """The number beside a view."""
    return console.wait("""const one = [...document.querySelectorAll(arguments[0])].find(one => one.innerText.includes(arguments[1]));
        const number = one?.querySelector('.number').innerText; return /^\\d+$/.test(number ?? '') ? number : false;""", VIEWS, name)


def menu(console):
    if console.phone:
        console.press("button.menu")
    console.there(VIEWS)


def keeps_a_view(console, name, shared):
    console.go("/all")
    console.pick("select[name=category]", "noise")
    console.wait("return location.search.includes('category=noise')")
    console.gone(".el-skeleton")
    console.press("button.keep-view")
    console.wait("return document.activeElement.name === 'view'")
    console.look("view-form")
    console.fill("input[name=view]", name)
    console.pick("select[name=shared]", shared)
    console.key("Enter")
    console.gone("form.view-form")
    console.wait("return location.search.includes('view=')")
    console.shows(name, "h1")


def says_why_not(console):
    """The server refuses; what was typed is still there."""
    console.press("button.keep-view")
    console.fill("input[name=view]", "名" * 60)
    console.script("const one = document.querySelector('input[name=view]'); one.maxLength = 200; ")
    console.fill("input[name=view]", "名" * 100)
    console.key("Enter")
    console.there("form.view-form .wrong")
    console.look("view-refused", error=True)
    assert console.value("input[name=view]") == "名" * 100
    console.key("Escape")
    console.gone("form.view-form")


def test_views():
    with System("--demo") as system:
        system.settle()
        with Console(system, "zh-CN") as console, Console(system, "en", phone=True) as colleague:
            console.sign_in("head")
            keeps_a_view(console, "工程噪声", "department engineering_department")
            before = int(counted(console, "工程噪声"))
            assert before == int(console.wait("return document.querySelector('h1 .count')?.innerText.match(/\\d+/)?.[0]"))
            console.look("view")
            says_why_not(console)
            reply = system.http("POST", "/api/v1/cases", {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "web", "text": "夜间施工噪声"}, token=system.tokens()["reception"])
            assert reply.status == 201, reply
            console.wait("return [...document.querySelectorAll(arguments[0])].some(one => one.innerText.includes('工程噪声') && one.querySelector('.number').innerText === arguments[1])", VIEWS, str(before + 1))

            colleague.sign_in("handler")
            menu(colleague)
            assert int(counted(colleague, "工程噪声")) == before + 1
            colleague.look("views-menu")
            colleague.press(VIEWS)
            colleague.shows("工程噪声", "h1")
            colleague.press("button.keep-view")
            colleague.there("form.view-form")
            assert not colleague.find_all(".drop-view")  # another's
            colleague.look("view-of-another")
            colleague.key("Escape")

            console.press("button.keep-view")
            console.fill("input[name=view]", "工程部噪声")
            console.key("Enter")
            console.gone("form.view-form")
            console.shows("工程部噪声", "h1")
            console.press("button.keep-view")
            console.press(".drop-view")
            console.shows("确认删除", ".drop-view")
            console.press(".drop-view")
            console.gone(VIEWS)
            assert system.http("GET", "/api/v1/views?site=haitang", token=system.tokens()["handler"]).json()["views"] == []


PACK = """pack: LISTS
name: [列表, Lists]
extends: PROP-11
in_force: 2025-01-01
kinds:
  outlay:
    clause: LISTS-1
    name: [支出, Outlay]
    stages: {asked: new, closed: closed}
    stage_names: {asked: [待批, Asked], closed: [已结, Closed]}
    chains:
      consent: {clause: LISTS-1, name: [批准, Consent], links: [coordinator, general_manager], start_at: asked}
    steps:
      register: {clause: LISTS-1, name: [登记, Register], to: asked, by: employee}
      close: {clause: LISTS-1, name: [办结, Close], from: asked, to: closed, by: employee, needs: [approved consent]}
    route:
      otherwise: {clause: LISTS-1, to: engineering_department, joint: [customer_service_centre]}
"""


def submit(system, kind, **more):
    reply = system.http("POST", "/api/v1/cases", {"site": "haitang", "kind": kind, "channel": "phone", "text": "一件", **more}, token=system.tokens()["reception"])
    assert reply.status == 201, reply
    system.settle()
    return reply.json()["number"]


def numbers(console):
    return console.script("return [...document.querySelectorAll('table.cases a.number')].map(one => one.textContent.trim())")


def test_lists():
    """With the keyboard from list to list; what is signed leaves the list by itself."""
    with System("--demo") as system:
        folder = os.path.join(system.folder, "LISTS")
        os.mkdir(folder)
        with open(os.path.join(folder, "pack.yaml"), "w") as f:
            f.write(PACK)
        system.run("policy", "publish", "haitang", folder, "--operator")
        system.settle()  # every service has heard of it
        system.settle()
        outlay, quiet = submit(system, "outlay"), submit(system, "complaint", category="noise", party={"name": "某某", "confidential": True})
        for language, phone in (("zh-CN", False), ("en", True)):
            with Console(system, language, phone) as console:
                console.sign_in("coordinator")
                for key, page, number in (("s", "approvals", outlay), ("j", "joint", outlay), ("p", "sealed", quiet)):
                    console.key("g")
                    console.key(key)
                    console.wait("return location.pathname === arguments[0]", f"/console/{page}")
                    console.wait("return [...document.querySelectorAll('table.cases a.number')].some(one => one.textContent.trim() === arguments[0])", number)
                    assert console.text("h1 .count").split()[0] == str(len(numbers(console))), (page, numbers(console))
                    console.look(f"list-{page}")
                console.go("/dispatch")
                console.look("dispatch")
        with Console(system, "zh-CN") as console:
            console.sign_in("coordinator")
            console.go("/approvals")
            assert numbers(console) == [outlay]
            case = system.http("GET", f"/api/v1/cases?site=haitang&number={outlay}", token=system.tokens()["coordinator"]).json()["rows"][0]["case_id"]
            reply = system.http("POST", f"/api/v1/cases/{case}/actions/sign?site=haitang", {}, token=system.tokens()["coordinator"])
            assert reply.status == 200, reply
            console.there(".state.empty")
            console.look("no-approvals")


def test_purpose():
    """Names and numbers are masked until somebody says what for; by keyboard; files and forms ask too; it is recorded."""
    with System("--demo") as system:
        number = submit(system, "complaint", category="noise", text="请回电13912345678", party={"name": "欧阳铃木", "phone": "13800001234", "address": "棕榈巷七十九号"})
        row = system.http("GET", f"/api/v1/cases?site=haitang&number={number}", token=system.tokens()["coordinator"]).json()["rows"][0]
        def recorded():
            events = system.http("GET", f"/api/v1/cases/{row['case_id']}/timeline?limit=200", token=system.tokens()["coordinator"]).json()["events"]
            return {one["intake"]["opened"]["purpose"] for one in events if "opened" in one.get("intake", {}) and not one["intake"]["opened"].get("masked")}
        for language, phone in (("zh-CN", False), ("en", True)):
            with Console(system, language, phone) as console:
                console.sign_in("coordinator")
                console.go(f"/case/{row['case_id']}", ".case-head")
                console.shows("138****1234")
                console.shows("139****5678", ".text")
                for hidden in ("13800001234", "欧阳铃木", "13912345678", "棕榈巷七十九号"):
                    assert hidden not in console.source(), hidden
                console.look("masked")
                before = recorded()
                console.script("document.querySelector('.unmask').focus()")
                console.key("Enter")
                console.there("dialog.purpose[open]")
                console.look("purpose")
                console.key("Escape")
                console.gone("dialog.purpose[open]")
                assert recorded() == before and "13800001234" not in console.source()
                console.press(".unmask")
                console.press("dialog.purpose input[value=other]")
                console.wait("return document.activeElement.name === 'purpose'")
                console.fill("dialog.purpose input[name=purpose]", f"约定上门时间 {language}")
                console.key("Enter")
                console.shows("13800001234")
                console.shows("欧阳铃木")
                console.shows("13912345678", ".text")
                console.look("unmasked")
                system.settle()
                assert recorded() - before == {f"约定上门时间 {language}"}, recorded()
                console.go("/all")  # another time it is asked again
                console.go(f"/case/{row['case_id']}", ".case-head")
                console.shows("138****1234")


if __name__ == "__main__":
    main([test_views, test_lists, test_purpose])
