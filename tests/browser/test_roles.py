"""Each role's day, from signing in to signing out, at one case: registered at the desk, dispatched, returned twice and given out for good
by the coordinator, chased, handled, proposed, approved by the head, answered, given more time, ordered to be answered by the manager, followed up and closed; what is late
comes to the manager, who acknowledges it; the figures open the cases that they count. In both languages, each on a phone and on a wide
screen; in the dark and on paper, too."""

import datetime
import itertools
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main

PACK = """pack: ROLES
name: [角色, Roles]
extends: PROP-11
in_force: 2025-01-01
ladders:
  errand: {clause: ROLES-2, rows: [{at: late, tell: general_manager}]}
kinds:
  complaint:
    fields:
      given_to: {clause: ROLES-1, name: [终审承办, Decided for good], type: person}
    steps:
      arbitrate: {clause: ROLES-1, name: [终审派单, Arbitrate], from: [registered, dispatched], to: dispatched, by: coordinator, needs: [given_to, reason]}
      chase: {clause: ROLES-1, name: [催办, Chase], from: [registered, dispatched, accepted, handling], by: coordinator, needs: [reason]}
    rules:
      arbitrated: {clause: ROLES-1, when: arbitrate, then: {assign: given_to}}
      for_good: {clause: ROLES-1, before: return_case, if: {given_to: present}, refuse: [已经终审，不得再退, "It was decided for good, and is not returned again"]}
    clocks:
      reply: {extend: {by: coordinator, told: complainant, add: 2 working days, times: 1, needs: reason}}
  errand:
    like: report
    clause: ROLES-2
    name: [交办, Errand]
    steps:
      acknowledge: {clause: ROLES-2, name: [确认升级, Acknowledge], from: open, by: employee}
    clocks:
      due: {clause: ROLES-2, name: [交办期限, Errand due], if: {due_at: present}, main: yes, start: open, stop: done, limit: due_at, ladder: errand}
"""


def act(console, step, **fields):
    """A step by its form; the case is shown anew."""
    console.press(f"[data-step={step}]")
    console.there("form.action")
    for name, value in fields.items():
        chosen = console.script("return document.querySelector(`form.action [name='${arguments[0]}']`)?.tagName", name)
        one = f"form.action [name='{name}']"
        if chosen == "SELECT":
            console.pick(one, value)
        elif console.script("return document.querySelector(arguments[0]).type === 'datetime-local'", one):
            console.script("const one = document.querySelector(arguments[0]); one.value = arguments[1]; one.dispatchEvent(new Event('input', {bubbles: true}))", one, value)
        else:
            console.fill(one, value)
    console.press("form.action button[type=submit]")
    console.gone("form.action")
    console.there(".el-alert--success")


def leaves(console):
    console.press("header .tools button:last-of-type")
    console.there("input[name=account]")


class At:
    """with At(console, "handler"): in the browser as that account, signed out at the end."""

    def __init__(self, console, account):
        self.console, self.account = console, account

    def __enter__(self):
        self.console.sign_in(self.account)

    def __exit__(self, kind, *_):
        if not kind:
            leaves(self.console)


def opens(console, case):
    console.go(f"/case/{case}", ".case-head")


def finds(console, page, case):
    """In a list of one's own, and opened from there."""
    console.system.settle()
    console.go(page)
    console.press(f"a.number[href$='/{case}']")
    console.there(".case-head")


def receptionist(console, system):
    with At(console, "reception"):
        console.go("/reception")
        console.there("[name=kind]")
        console.choose_in("category", "lift")
        console.fill("textarea[name=text]", "停梯多久")  # what fits in the knowledge base stands beside the form
        console.shows("停梯时的答复", ".articles")
        console.press(".articles .read")
        console.shows("停梯期间请走 2 号梯。", ".articles .text")
        console.fill("textarea[name=text]", "电梯停在三楼，门打不开")
        console.gone(".articles .read")
        console.fill("input[name=place]", "3 号楼电梯")
        console.fill("input[name=phone]", "13800001234")
        console.key("Enter", ctrl=True)
        console.there(".slip")
        console.look("day-slip")
        printed(console, ".slip")
        number = console.text(".slip .big")
        code = console.text(".slip .code")
        console.press(".actions a.el-button")
        console.there(".case-head")
        case = console.url().rsplit("/", 1)[1]
        act(console, "dispatch")
    return case, number, code


def returned_and_given_out(console, case):
    """The lead returns it with a reason; it comes to the coordinator, who decides for good: then it is not returned again."""
    with At(console, "head"):
        finds(console, "/department", case)
        act(console, "return_case", reason="不属工程部")
    with At(console, "coordinator"):
        finds(console, "/work", case)
        console.shows("不属工程部", ".timeline")
        act(console, "arbitrate", given_to="zhou_qiang", reason="电梯属工程部")
    with At(console, "head"):
        finds(console, "/department", case)
        console.press("[data-step=return_case]")
        console.there("form.action .el-alert--warning")
        console.look("day-arbitrated")


def coordinator(console, case):
    """Sees it among what is new, chases it, and gives it more time, of which the complainant is told."""
    with At(console, "coordinator"):
        console.go("/dispatch")
        console.wait("return document.querySelectorAll('section.card').length === 8 && !document.querySelector('.el-skeleton')")
        console.look("day-dispatch")
        assert console.script("return [...document.querySelectorAll('section.card')].filter(one => one.querySelector(`a.number[href$='/${arguments[0]}']`)).length", case) >= 2  # new, and given back
        opens(console, case)
        act(console, "chase", reason="业主再次来电")
        console.shows("业主再次来电", ".timeline")
        console.script("window.opened = []; window.open = (...given) => { window.opened.push(given[0]); return null; }")
        console.press(".el-button.label")
        address = urllib.parse.unquote_plus(console.wait("return window.opened[0]"))
        assert address.startswith("/api/v1/labels?") and "places=3 号楼电梯" in address, address


def handler(console, case):
    with At(console, "handler"):
        finds(console, "/work", case)
        act(console, "accept")
        act(console, "investigate", finding="门机皮带断裂")
        console.press("[data-step=propose]")
        console.fill("form.action [name=solution]", "更换门机皮带")
        console.look("day-proposal")
        console.press("form.action button[type=submit]")
        console.gone("form.action")


def due(console):
    """The latest date that the case's clocks show."""
    return max(console.wait("return [...document.querySelectorAll('section[aria-labelledby=clocks] time[datetime]')].map(one => one.dateTime)"))


def more_time(console, case):
    with At(console, "coordinator"):
        opens(console, case)
        before = due(console)
        console.key("e")
        console.there("[data-step=extend][aria-expanded=true]")
        console.fill("form.action [name=reason]", "配件须外购")
        console.press("form.action button[type=submit]")
        console.gone("form.action")
        console.system.settle()
        opens(console, case)
        assert due(console) > before, (due(console), before)
        console.look("day-extended")


def head(console, case):
    """Sends it back once with the reason, then approves."""
    with At(console, "head"):
        finds(console, "/department", case)
        act(console, "reject", reason="写明停梯时间")
    with At(console, "handler"):
        finds(console, "/work", case)
        console.shows("写明停梯时间", ".timeline")
        act(console, "propose", solution="更换门机皮带，停梯两小时")
    with At(console, "head"):
        finds(console, "/department", case)
        console.shows("停梯两小时")
        act(console, "approve")


def opens_its_cases(console, link):
    """The list that a number leads to has as many cases, and says what narrows it."""
    number = console.wait("const one = document.querySelector(arguments[0]); return one && (one.querySelector('strong') ?? one).innerText.trim()", link)
    console.press(link)
    console.wait("return location.pathname === '/console/all' && document.querySelector('h1 .count')?.innerText.match(/\\d+/)?.[0] === arguments[0]", number)
    assert number != "0", link
    console.look("figure-behind")
    console.call("POST", "/back", {})
    console.there(".cards")
    console.gone(".el-skeleton")


def settled_before(system):
    """A complaint of last month and one of this month, both settled: of such are trends and comparisons."""
    now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = [{"source": "before", "external_id": str(received), "received_ms": received.isoformat(), "submit": {"kind": "complaint", "category": "noise", "text": "已当场解决"},
             "history": {"steps": [{"step": "settle", "occurred_ms": (received + datetime.timedelta(minutes=5)).isoformat(), "fields": {"explanation": "已解释"}}]}}
            for received in (first - datetime.timedelta(days=5), max(first, now - datetime.timedelta(minutes=30)))]
    reply = system.http("POST", "/api/v1/imports", {"site": "haitang", "rows": rows}, token=system.tokens()["admin"]).json()
    assert reply["refused"] == 0, reply


def opens_a_bar(console):
    """The bar of the last month opens as many cases as the table below the chart has."""
    count = console.wait("return [...document.querySelectorAll('.figure-table[data-by=month] a.to-registered')].at(-1)?.innerText.trim()")
    place = console.wait("""const canvas = document.querySelector('.chart canvas'), box = canvas.getBoundingClientRect();
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, wide = canvas.width / box.width;
        for (let x = canvas.width - 1; x > 0; x--)  // from the right, below the legend: the colour of what was registered
          for (let y = canvas.height - 1; y > 35 * wide; y--)
            if ([0x1f, 0x5f, 0xbf].every((part, i) => pixels[4 * (y * canvas.width + x) + i] === part)) return [(x - 1) / wide, y / wide];""")
    console.script("document.querySelector('.chart').scrollIntoView({block: 'center'})")
    left, top = console.script("const box = document.querySelector('.chart canvas').getBoundingClientRect(); return [box.x, box.y]")
    for what in ("mouseMoved", "mousePressed", "mouseReleased"):
        console.devtools("Input.dispatchMouseEvent", type=what, x=left + place[0], y=top + place[1], button="none" if what == "mouseMoved" else "left", clickCount=1)
    console.wait("return location.pathname === '/console/all' && document.querySelector('h1 .count')?.innerText.match(/\\d+/)?.[0] === arguments[0]", count)
    assert int(count) > 0
    console.call("POST", "/back", {})
    console.there(".cards")
    console.gone(".el-skeleton")


def manager(console, system, case, errand):
    """Acknowledges what was late, orders an answer by when, and finds the cases behind a figure."""
    with At(console, "manager"):
        console.key("g")
        console.key("e")
        console.wait("return location.pathname === '/console/escalated'")
        console.there(f"a.number[href$='/{errand}']")
        console.look("escalated")
        console.press(f"a.number[href$='/{errand}']")
        console.there(".case-head")
        console.look("day-escalated")
        late = console.text(".clocks .remaining.late")  # how much, and in the colour of the lists
        assert "超 " in late or " over" in late, late
        act(console, "acknowledge")
        system.settle()
        console.go("/escalated")
        console.gone(f"a.number[href$='/{errand}']")
        opens(console, case)
        tomorrow = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)).strftime("%Y-%m-%dT10:00")
        assert "⚠" not in console.text("[data-step=order_supervision]")  # what the step is to ask for bars nobody
        act(console, "order_supervision", order="说明停梯原因", order_by=tomorrow)
        system.settle()
        console.go("/figures")
        console.wait("return document.querySelectorAll('.figure-table').length >= 5 && document.querySelectorAll('.figure-table .state').length <= 1")
        console.there(".indicators .since")  # since which day each is counted so
        said = console.script("return [...document.querySelectorAll('.indicators > li')].map(one => one.innerText)")
        assert said and not [one for one in said if "count of" in one or ">=" in one or '{"' in one], said  # people read words, not the notation
        console.look("day-figures")
        opens_its_cases(console, "[data-figure=returned] a")
        opens_its_cases(console, "[data-figure=returnedShare] a.among")  # what a share is of
        said = console.wait("return document.querySelector('[data-figure=returnedShare] .definition')?.innerText")
        told = system.http("GET", "/api/v1/reports/definitions", token=system.tokens()["coordinator"]).json()["figures"]
        assert said in next(one["definition"].values() for one in told if one["name"] == "returned_share"), said
        opens_its_cases(console, ".indicators a.to-among")
        opens_its_cases(console, ".indicators [data-than=previous] a")
        console.press(".indicators .trend:has(a) summary")
        opens_its_cases(console, ".indicators .trend[open] a")
        opens_a_bar(console)
        opens_its_cases(console, ".ageing li:first-child a")
        opens_its_cases(console, ".figure-table[data-by=month] tr:last-child a.to-open")
        opens_its_cases(console, ".figure-table[data-by=handler] a.to-open")
        console.go("/figures")
        console.pick("select[name=period]", "month")
        console.choose_in("kind", "errand")
        console.wait("return location.search.includes('kind=errand')")
        opens_its_cases(console, "[data-figure=escalated] a")
        console.go("/figures?period=own&from=2001-01-01&to=2001-02-01")
        console.there(".state.empty")
        console.look("figures-none")
        console.go("/figures")
        number = console.wait("const one = document.querySelector(\".cards a[href$='escalated=true']\"); return one && one.querySelector('strong').innerText")
        console.press(".cards a[href$='escalated=true']")
        console.wait("return document.querySelector('h1 .count')?.innerText.match(/\\d+/)?.[0] === arguments[0]", number)
        console.there(f"a.number[href$='/{errand}']")


def answers(console, system, case):
    """The handler answers whoever ordered it, then the complainant; the manager takes the answer."""
    with At(console, "handler"):
        opens(console, case)
        order = console.wait("const one = [...document.querySelectorAll(\".columns li a[href*='/case/']\")].find(one => one.innerText.includes('supervision')); return one && one.getAttribute('href').split('/').at(-1)")
        opens(console, order)
        console.there("[data-step=answer_order]")
        act(console, "answer_order", answer="皮带断裂，须停梯更换")
        opens(console, case)
        answers_by_an_article(console)
        system.settle()
    with At(console, "manager"):
        opens(console, order)
        act(console, "finish")


def answers_by_an_article(console):
    """While the answer is written the articles in force stand beside it: one is read, and put into the text."""
    console.press("[data-step=answer]")
    console.there("form.action textarea[name=reply_text]")
    console.fill("form.action textarea[name=reply_text]", "门机皮带已更换，电梯恢复运行。")
    console.fill(".knowledge input[name=knowledge]", "停梯")
    console.press(".knowledge .read")
    console.shows("停梯期间请走 2 号梯。", ".knowledge .text")
    console.press(".knowledge .insert")
    console.wait("return document.querySelector(`form.action [name='reply_text']`).value.endsWith('停梯期间请走 2 号梯。')")
    console.look("day-article")
    console.press("form.action button[type=submit]")
    console.gone("form.action")
    console.there(".el-alert--success")


def complainant(console, system, number, code):
    """With number and code: reads the answer, and is satisfied."""
    console.open(f"http://127.0.0.1:{system.port}/track")
    console.look("day-track")
    console.type("#number", number)
    console.type("#code", code)
    console.follow("main .button")
    console.shows("电梯恢复运行", "main")
    assert "停梯两小时" not in console.source() and "门机皮带断裂" not in console.source()
    console.look("day-answer")
    console.choose("input[name='follow_up.satisfied']", "satisfied")
    console.follow("section[aria-labelledby=do] .card .button")
    system.settle()


def closes(console, system, case, number):
    with At(console, "coordinator"):
        opens(console, case)
        act(console, "close")
        act(console, "archive")
        printed(console, ".case-head")
        console.look("day-archived")
    with At(console, "auditor"):
        console.go("/all?phase=archived")
        console.shows(number, "table.cases")
        assert not console.script("return document.querySelector('.together')")
        opens(console, case)
        assert not console.find_all("[data-step=reopen]")
        console.go("/audit")
        console.shows(number)
        console.look("day-audit")


def article(system):
    """Of the knowledge base, in force."""
    def step(who, case, name, **fields):
        reply = system.http("POST", f"/api/v1/cases/{case}/actions/{name}?site=haitang", {"fields": fields}, token=system.tokens()[who])
        assert reply.status == 200, (name, reply)
    admin = system.tokens()["admin"]
    people = system.http("GET", "/api/v1/organisation", token=admin).json()["people"]
    chen = next(one for one in people if one["name"] == "陈晨")
    editor = {**chen, "posts": [*chen["posts"], {"post": "knowledge_editor", "site": "haitang", "department": "customer_service_centre"}]}
    reply = system.http("PUT", "/api/v1/organisation", {"people": [editor]}, token=admin)
    assert reply.status == 200, reply
    body = {"site": "haitang", "kind": "article", "text": "停梯答复", "fields": {"subject": "停梯时的答复", "reply_text": "停梯期间请走 2 号梯。", "source": "PROP-11"}}
    reply = system.http("POST", "/api/v1/cases", body, token=system.tokens()["coordinator"])
    assert reply.status == 201, reply
    system.settle()
    case = reply.json()["case_id"]
    step("coordinator", case, "propose")
    step("head", case, "approve", valid_until="2040-01-01T00:00:00Z")


def late_errand(system):
    """Due in a moment; nobody does it."""
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    body = {"site": "haitang", "kind": "errand", "text": "核对备件", "fields": {"subject": "核对备件", "due_at": due.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    reply = system.http("POST", "/api/v1/cases", body, token=system.tokens()["coordinator"])
    assert reply.status == 201, reply
    return reply.json()["case_id"]


def day(system, console):
    errand = late_errand(system)
    settled_before(system)
    case, number, code = receptionist(console, system)
    returned_and_given_out(console, case)
    coordinator(console, case)
    handler(console, case)
    more_time(console, case)
    head(console, case)
    manager(console, system, case, errand)
    answers(console, system, case)
    complainant(console, system, number, code)
    closes(console, system, case, number)


# ---- light, dark, paper ----

def printed(console, kept):
    """On paper: what leads elsewhere is gone, what is wanted is there, black on white."""
    console.emulated("print")
    try:
        console.wait("return ['.top', 'nav', '.actions'].every(one => [...document.querySelectorAll(one)].every(found => !found.getClientRects().length))")
        assert console.script("return document.querySelector(arguments[0]).getClientRects().length > 0", kept)
        assert console.script("const body = getComputedStyle(document.body); return [body.backgroundColor, body.color]") == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    finally:
        console.emulated()


def test_each_role():
    with System("--demo") as system:
        folder = os.path.join(system.folder, "ROLES")
        os.mkdir(folder)
        with open(os.path.join(folder, "pack.yaml"), "w") as f:
            f.write(PACK)
        system.run("policy", "publish", "haitang", folder, "--operator")
        system.settle()
        article(system)
        for language, phone in itertools.product(("zh-CN", "en"), (False, True)):
            with Console(system, language, phone) as console:
                day(system, console)


def test_dark_and_on_paper():
    """Dark as soon as the system is, forms and errors too (screens: test_screens.py); on paper black on white and without what leads elsewhere."""
    with System("--demo") as system:
        system.settle()
        for language, phone in (("zh-CN", False), ("en", True)):
            with Console(system, language, phone) as console:
                console.sign_in("admin")
                light = console.script("return getComputedStyle(document.body).backgroundColor")
                console.emulated(prefers_color_scheme="dark")
                console.wait("return document.documentElement.classList.contains('dark') && getComputedStyle(document.body).backgroundColor !== arguments[0]", light)
                console.go("/all")
                console.press("a.number")
                console.there(".case-head")
                console.press("[data-step]")
                console.there("form.action")
                console.look("dark-case")
                console.go("/case/20200101-complaint-999")
                console.there(".el-alert--error")
                console.look("dark-unknown", error=True)
                console.emulated()
                console.go("/figures")
                printed(console, ".cards")
                console.emulated("print", prefers_color_scheme="dark")  # paper is white, whatever the screen is
                assert console.script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


if __name__ == "__main__":
    main([test_each_role, test_dark_and_on_paper])
