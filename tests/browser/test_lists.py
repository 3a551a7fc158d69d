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
    may:
      files: {clause: LISTS-1, who: general_manager, do: attach_file}
    chains:
      consent: {clause: LISTS-1, name: [批准, Consent], links: [coordinator, general_manager], start_at: asked}
    steps:
      register: {clause: LISTS-1, name: [登记, Register], to: asked, by: employee}
      close: {clause: LISTS-1, name: [办结, Close], from: asked, to: closed, by: employee, needs: [approved consent]}
    route:
      otherwise: {clause: LISTS-1, to: engineering_department, joint: [customer_service_centre]}
"""


NOTICE = """notices:
  call:
    clause: LISTS-1
    name: [电话告知, Told by telephone]
    to: complainant
    by: [phone]
    subject: ["{number} 已登记", "{number} is registered"]
    text: ["{number} 已经登记。", "{number} is registered."]
"""


DESK = """  visit_only:
    clause: LISTS-1
    name: [来访事项, Visits only]
    public: yes
    stages: {asked: new, closed: closed}
    fields:
      channel: {clause: LISTS-1, name: [渠道, Channel], one_of: {visit: [上门来访, Called in person]}, needed: always}
      proof: {clause: LISTS-1, name: [凭证, Proof], type: file}
      waited: {clause: LISTS-1, name: [等候, Waited], type: duration}
    may:
      files: {clause: LISTS-1, who: employee, do: attach_file}
    steps:
      register: {clause: LISTS-1, name: [登记, Register], to: asked, by: coordinator, fields: [waited]}
      prove: {clause: LISTS-1, name: [补凭证, Prove], from: asked, by: coordinator, needs: [proof]}
      close: {clause: LISTS-1, name: [办结, Close], from: asked, to: closed, by: coordinator}
    route:
      otherwise: {clause: LISTS-1, to: customer_service_centre}
    rules:
      call: {clause: LISTS-1, when: register, then: {tell: call}}
"""


def publish(system, name, text):
    folder = os.path.join(system.folder, name)
    os.mkdir(folder)
    with open(os.path.join(folder, "pack.yaml"), "w") as f:
        f.write(text)
    return folder


def registers_by_its_channel(console, system):
    """Who may register what, and by which channels, is the policy's: a kind of the coordinator's, by the channel it has."""
    console.go("/reception", "input[name=phone]")
    kinds = console.script("return [...document.querySelectorAll('select[name=other_kind] option, input[name=kind]')].map(one => one.value)")
    assert "visit_only" in kinds and "outlay" in kinds, kinds
    console.choose_in("kind", "outlay")
    console.wait("return (document.querySelector('[name=kind]:checked') ?? document.querySelector('select[name=other_kind]')).value === 'outlay' && !document.querySelector('input[name=files]')")  # to which the general manager adds files
    console.choose_in("kind", "visit_only")
    console.there("input[name=files]")
    console.wait("return [...document.querySelectorAll('input[name=channel]')].map(one => one.value).join() === 'visit' && document.querySelector('input[name=channel]').checked")
    console.shows("上门来访" if console.script("return document.documentElement.lang") != "en" else "Called in person", "fieldset")
    console.fill("textarea[name=text]", "来访一件")
    console.fill("input[name=waited]", "20")
    console.fill("input[name=email]", "someone@example.org")
    console.look("reception-visit")
    console.press("form.form button[type=submit]")
    console.there(".slip")
    number = console.text(".slip .big")
    system.settle()
    console.go(f"/case/{number}", ".case-head")
    console.shows("20", "dl.facts")
    return number


def sends_by_hand(console, number):
    """What no program sends is on the list of whoever coordinates, until it is said that it was sent."""
    console.go("/dispatch")
    console.wait("return [...document.querySelectorAll('.due-notices a.number')].some(one => one.textContent.trim() === arguments[0])", number)
    console.press(".due-notices summary")
    console.shows(number, ".due-notices details .text")
    console.look("dispatch")
    console.press(".due-notices .sent")
    console.shows(number, ".due-notices .saved")
    console.there(".due-notices .state.empty")
    console.look("dispatch-none")


def urgent_first_and_columns(console):
    """What has to be done begins with what is urgent, then with what is due first; columns are chosen, and stay so."""
    console.go("/department")
    assert console.value("select[name=order]") == "urgent" and console.find_all("select[name=order] option[value=due]")
    console.go("/all")
    assert console.value("select[name=order]") == "newest" and not console.find_all("select[name=order] option[value=due], select[name=order] option[value=urgent]")
    console.press(".column-choice summary")
    console.press("input[name=column-due]")
    console.press("input[name=column-handler]")
    shown = "return [...document.querySelectorAll('table.cases thead th')].map(one => one.textContent.trim())"
    due, handler = ("Due at", "Handler") if console.script("return document.documentElement.lang") == "en" else ("到期时间", "经办人")
    console.wait("return [...document.querySelectorAll('table.cases thead th')].some(one => one.textContent.trim() === arguments[0])", due)
    console.look("columns")
    console.go("/all")
    assert due in console.script(shown) and handler not in console.script(shown), console.script(shown)
    console.pick("select[name=step]", "close")
    console.wait("return location.search.includes('step=close')")
    console.gone(".el-skeleton")
    console.shows("0", "h1 .count")


def chooses_a_file(console, system, number):
    """A file that is added in the form is the case's, and chosen; one that the case does not have is refused."""
    case = system.http("GET", f"/api/v1/cases?site=haitang&number={number}", token=system.tokens()["coordinator"]).json()["rows"][0]["case_id"]
    wrong = system.http("POST", f"/api/v1/cases/{case}/actions/prove?site=haitang", {"fields": {"proof": "0" * 32}}, token=system.tokens()["coordinator"])
    assert wrong.status == 422 and wrong.json()["field"] == "fields.proof", wrong
    console.press("[data-step=prove]")
    console.there("select[name=proof]")
    path = os.path.join(system.folder, "receipt.txt")
    with open(path, "w") as f:
        f.write("received\n")
    console.call("POST", f"/element/{console.find('input[name=proof-file]')}/value", {"text": path})
    console.wait("return [...document.querySelector('select[name=proof]').options].some(one => one.selected && one.textContent === 'receipt.txt')")
    console.look("file-field")
    console.press("form.action button[type=submit]")
    console.gone("form.action")
    console.shows("receipt.txt", ".timeline dd")


def stands_in_for_a_colleague(system, number):
    """What one may only by the rights of another asks for whom it is, and the time line says so."""
    people = system.http("GET", "/api/v1/organisation", token=system.tokens()["admin"]).json()["people"]
    chen = next(one for one in people if one["name"] == "陈晨")
    me = system.http("GET", "/api/v1/session", token=system.tokens()["handler"]).json()["person"]
    lent = {**chen, "delegations": [{"to": me, "from_ms": 1, "to_ms": 4000000000000, "reason": "leave"}]}
    reply = system.http("PUT", "/api/v1/organisation", {"people": [lent]}, token=system.tokens()["admin"])
    assert reply.status == 200, reply
    system.settle()
    with Console(system, "zh-CN") as console:
        console.sign_in("handler")
        console.go(f"/case/{number}", ".case-head")
        console.press("[data-step=prove]")
        console.there("select[name=for_person]")
        assert console.value("select[name=for_person]") == chen["id"]
        console.pick("select[name=proof]", "elsewhere")
        console.fill("input[name=proof-elsewhere]", "纸质卷宗 12")
        console.look("stands-in")
        console.press("form.action button[type=submit]")
        console.gone("form.action")
        console.shows("（代 陈晨）", ".timeline .when")


def offers_what_comes_in_that_way(system):
    """Open311 comes in by `app`, the portal by `web`: what is taken by neither is not offered, and refused."""
    services = system.http("GET", "/open311/v2/services.json?jurisdiction_id=haitang").json()
    assert services and not [one for one in services if one["service_code"].startswith("visit_only")], services
    assert "visit_only" not in system.http("GET", "/submit?site=haitang").body.decode()
    reply = system.http("POST", "/api/v1/cases", {"site": "haitang", "kind": "visit_only", "channel": "email", "text": "x"}, token=system.tokens()["coordinator"])
    assert reply.status == 422 and reply.json()["field"] == "channel" and reply.json()["accepted"] == ["visit"], reply


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
        folder = publish(system, "LISTS", PACK.replace("kinds:\n", NOTICE + "kinds:\n") + DESK)
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
                number = registers_by_its_channel(console, system)
                chooses_a_file(console, system, number)
                sends_by_hand(console, number)
                urgent_first_and_columns(console)
        offers_what_comes_in_that_way(system)
        stands_in_for_a_colleague(system, number)
        with Console(system, "zh-CN") as console:
            console.sign_in("coordinator")
            console.go("/approvals")
            assert numbers(console) == [outlay]
            case = system.http("GET", f"/api/v1/cases?site=haitang&number={outlay}", token=system.tokens()["coordinator"]).json()["rows"][0]["case_id"]
            reply = system.http("POST", f"/api/v1/cases/{case}/actions/sign?site=haitang", {}, token=system.tokens()["coordinator"])
            assert reply.status == 200, reply
            console.there(".state.empty")
            console.look("no-approvals")


def prints_as_it_is_masked(console, recorded):
    """Whoever prints is asked what for; who needs no more prints it masked, and the paper says so. Nothing was opened by it."""
    before = recorded()
    console.script("window.printed = []; window.print = () => window.printed.push(document.body.innerText); window.open = (...given) => { window.printed.push(given[0]); return null; }")
    console.press(".case-head .print")
    console.there("dialog.purpose[open] .as-masked")
    console.look("purpose-print")
    console.key("Escape")
    console.gone("dialog.purpose[open]")
    assert not console.script("return window.printed.length")
    console.press(".case-head .print")
    console.press("dialog.purpose .as-masked")
    console.wait("return window.printed.length === 1")
    console.emulated("print")
    console.shows("138****1234")
    console.shows("部分遮盖" if console.language == "zh-CN" else "shown in part", ".masked")
    assert not console.script("return document.querySelector('.unmask').getClientRects().length + document.querySelector('.case-head .print').getClientRects().length")
    console.emulated()
    console.press("section[aria-labelledby=documents] button")
    console.press("dialog.purpose .as-masked")
    address = console.wait("return window.printed[1]")
    assert "/documents/" in address and "purpose=" not in address, address
    console.system.settle()
    assert recorded() == before


def prints_in_full(console):
    console.script("window.printed = []; window.print = () => window.printed.push(document.body.innerText)")
    console.press(".case-head .print")
    console.press("dialog.purpose input[value=visit]")
    console.key("Enter")
    page = console.wait("return window.printed[0]")
    assert "13800001234" in page and "欧阳铃木" in page and ("上门处理" if console.language == "zh-CN" else "To go there") in page, page


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
                prints_as_it_is_masked(console, recorded)
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
                prints_in_full(console)


def test_closed():
    """A confidential case shows nothing before it is said what for, prints nothing masked, and one look at it is one record."""
    with System("--demo") as system:
        number = submit(system, "complaint", category="noise", text="夜里偷倒废油", party={"name": "欧阳铃木", "phone": "13800001234", "confidential": True})
        row = system.http("GET", f"/api/v1/cases?site=haitang&number={number}", token=system.tokens()["coordinator"]).json()["rows"][0]
        def looked():
            system.settle()
            entries = system.http("GET", f"/api/v1/audit?site=haitang&case={number}&what=looked", token=system.tokens()["auditor"]).json()["entries"]
            return [one["purpose"] for one in entries if not one.get("masked")]
        for language, phone, kept, reason, row_says in (("zh-CN", False, "保密事项", "核实身份或事实", "姓名、电话"), ("en", True, "Confidential.", "To check identity or facts", "Name, Telephone")):
            with Console(system, language, phone) as console:
                console.sign_in("coordinator")
                console.go(f"/case/{row['case_id']}", ".case-head")
                console.shows(kept, ".closed")
                for hidden in ("夜里偷倒废油", "欧", "1380000", "138****"):
                    assert hidden not in console.source(), hidden
                console.look("closed")
                before = looked()
                console.press(".case-head .print")
                console.there("dialog.purpose[open]")
                assert not console.find_all("dialog.purpose .as-masked")
                console.key("Escape")
                console.gone("dialog.purpose[open]")
                console.press(".closed .unmask")
                console.press("dialog.purpose input[value=check]")
                console.press("dialog.purpose [type=submit]")
                console.shows("夜里偷倒废油", ".text")
                console.shows("欧阳铃木")
                console.gone(".closed")
                console.look("opened")
                assert looked() == [reason, *before], looked()
            with Console(system, language, phone) as console:
                console.sign_in("auditor")
                console.go(f"/audit?case={number}", "table.audit tbody tr")
                console.shows(row_says, "table.audit")
                console.look("audit-opened")


if __name__ == "__main__":
    main([test_views, test_lists, test_purpose, test_closed])
