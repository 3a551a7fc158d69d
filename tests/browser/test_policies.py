"""An administrator changes a policy in the browser: begins with the files in force, makes a mistake and is led to its line, mends
it, compares, rehearses a scenario, publishes; where a case changes the policy it says so; who may not publish has no such page."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import ELEMENT
from console import Console
from harness import SOURCE, System, main

SITE = "school"
WRONG = "limit: 2 workng days"


def found(system):
    token = system.tokens()["admin"]
    site = {"id": SITE, "name": {"zh": "学校", "en": "School"}, "zone": "Asia/Shanghai"}
    assert system.http("PUT", "/api/v1/organisation", {"sites": [site]}, token=token).status == 200
    assert system.http("POST", "/api/v1/policies", {"site": SITE, "packs": ["boston-311"]}, token=token).status == 200
    system.settle()


def choose(console, site):
    console.pick("select[name=site]", site)
    console.wait("return document.querySelector('select[name=site]').value === arguments[0]", site)
    console.gone(".el-skeleton")


def attach(console, selector, *paths):
    console.call("POST", f"/element/{console.find(selector)}/value", {"text": "\n".join(paths)})


def edit(console, old, new):
    """In the editor, as by hand: the words are chosen and typed over."""
    console.script("""const one = document.querySelector('textarea[name=yaml]'), at = one.value.indexOf(arguments[0]);
        if (at < 0) throw new Error(`no ${arguments[0]}`); one.focus(); one.setSelectionRange(at, at + arguments[0].length);""", old)
    console.devtools("Input.insertText", text=new)
    console.wait("return document.querySelector('textarea[name=yaml]').value.includes(arguments[0])", new)


def begins(console):
    console.script("document.activeElement?.blur()")
    console.key("g")
    console.key("y")
    console.there("button.begin")
    choose(console, SITE)
    console.look("policies")
    console.press("button.begin")
    console.pick("select[name=file]", "boston-311/pack.yaml")
    console.there("textarea[name=yaml]")
    return console.value("textarea[name=yaml]")


def errs_and_mends(console, text):
    limit = next(line.strip() for line in text.split("\n") if "working days" in line)
    console.press("button.check")
    console.there(".mistakes")
    console.wait("return !document.querySelector('button.publish').disabled")
    edit(console, limit, limit.replace("working days", "workng days"))
    console.press("table.cases button.link")
    console.alert_text()
    console.answer_alert(False)
    assert "workng days" in console.value("textarea[name=yaml]"), "another site is chosen only when what was typed may go"
    console.script("""const ask = window.fetch;
        window.fetch = async (...given) => { window.fetch = ask; const got = await ask(...given); await new Promise(done => { window.answer = done; }); return got; }""")
    console.press("button.check")
    console.wait("return Boolean(window.answer)")
    edit(console, "name: [", "name: [旧")
    console.script("window.answer()")
    console.wait("return !document.querySelector('button.check').disabled")
    assert not console.find_all(".mistakes"), "an answer is not taken for what was typed meanwhile"
    edit(console, "name: [旧", "name: [")
    assert not console.find_all(".mistakes"), "what was said is of what was there then"
    console.press("button.check")
    console.shows("boston-311/pack.yaml:", ".mistakes button.place")
    assert console.script("return document.querySelector('button.publish').disabled")
    console.look("policies-mistake")
    console.press(".mistakes button.place")
    chosen = console.script("const one = document.querySelector('textarea[name=yaml]'); return one.value.slice(one.selectionStart, one.selectionEnd)")
    assert "workng days" in chosen, chosen
    edit(console, "workng days", "working days")


def compares(console):
    console.press("button.diff")
    console.shows("与现行制度相同", ".changes")
    edit(console, "name: [", "name: [新")
    console.press("button.diff")
    console.there(".changes .outcomes li")
    console.look("policies-diff")


def rehearses(console):
    attach(console, "input[name=scenarios]", os.path.join(SOURCE, "tests/scenario/boston-311.yaml"))
    console.press("button.rehearse")
    console.there(".rehearsal .outcomes .tag.good")
    assert not console.find_all(".rehearsal .outcomes .tag.bad")
    console.look("policies-rehearsal")


def publishes(console):
    console.press("button.check")
    console.wait("return !document.querySelector('button.publish').disabled")
    console.press("button.publish")
    console.there("button.really")
    console.look("policies-sure")
    console.press("button.really")
    console.shows("第 2 版", ".el-alert--success")
    console.wait("return [...document.querySelectorAll('table.cases tr.on td')].some(one => one.innerText === '2')")
    console.gone(".el-skeleton")
    assert console.value("select[name=file]") == "boston-311/pack.yaml", "after publishing one is where one was"
    console.look("policies-published")


def another_was_faster(console, system):
    """What somebody published meanwhile stays in force until it was looked at: one is told so, compares anew, and then publishes."""
    console.pick("select[name=file]", "boston-311/pack.yaml")
    console.there("textarea[name=yaml]")
    edit(console, "name: [新", "name: [更新")
    console.press("button.check")
    console.wait("return !document.querySelector('button.publish').disabled")
    pack = {"path": "NIGHT/pack.yaml", "text": "pack: NIGHT\nname: [夜, Night]\nextends: boston-311\n"}
    reply = system.http("POST", "/api/v1/policies", {"site": SITE, "packs": ["NIGHT"], "sources": [pack], "base_version": 2}, token=system.tokens()["admin"])
    assert reply.status == 200 and reply.json()["policy_version"] == 3, reply
    console.press("button.publish")
    console.press("button.really")
    console.shows("现行制度已是第 3 版", ".el-alert--error")
    console.look("policies-stale", error=True)
    in_force = lambda: system.http("GET", f"/api/v1/policies?site={SITE}", token=system.tokens()["admin"]).json()["policies"][0]["version"]
    assert in_force() == 3
    assert "name: [更新" in console.value("textarea[name=yaml]")
    console.press("button.diff")
    console.there(".changes .outcomes li")
    console.press("button.publish")
    console.press("button.really")
    console.shows("第 4 版", ".el-alert--success")
    assert in_force() == 4


def publishes_for_a_later_day(console):
    """Kept until its day, shown, replaced only when it was shown, and withdrawn."""
    console.pick("select[name=file]", "boston-311/pack.yaml")
    console.there("textarea[name=yaml]")
    edit(console, "name: [更新", "name: [明年")
    console.press("button.check")
    console.wait("return !document.querySelector('button.publish').disabled")
    console.press("button.publish")
    console.there("input[name=from]")
    console.script("const one = document.querySelector('input[name=from]'); one.value = '2099-01-01'; one.dispatchEvent(new Event('input'));")
    console.press("button.really")
    console.shows("自 2099-01-01 起施行", ".el-alert--success")
    console.shows("另有一版自 2099-01-01 起施行", ".coming")
    console.shows("下一版自 2099-01-01 起", "table.cases")
    console.look("policies-coming")
    console.press("button.begin-coming")
    console.pick("select[name=file]", "boston-311/pack.yaml")
    console.wait("return document.querySelector('textarea[name=yaml]').value.includes('明年')")
    console.press("button.withdraw")
    console.there("button.really-withdraw")
    console.press("button.really-withdraw")
    console.gone(".coming")


def brings_a_folder(console):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "NIGHT"))
        with open(os.path.join(folder, "NIGHT", "pack.yaml"), "w", encoding="utf-8") as f:
            f.write("pack: NIGHT\nname: [夜, Night]\nextends: boston-311\n")
        attach(console, "input[name=folder]", os.path.join(folder, "NIGHT"))
        console.wait("return document.querySelector('input[name=packs]').value === 'NIGHT'")
        assert console.value("select[name=file]") == "NIGHT/pack.yaml"


def changed(console):
    """The files in force, with one thing changed and checked: sound."""
    console.press("button.begin")
    console.pick("select[name=file]", "PROP-11/pack.yaml")
    console.there("textarea[name=yaml]")
    edit(console, "{is: 3 working days}", "{is: 2 working days}")
    console.press("button.check")
    console.there(".mistakes")


def by_a_case(console, system):
    """In the demonstration, where a case changes the policy: why it cannot be published yet and who has to do what, then by the people of the demonstration."""
    tokens = system.tokens()

    def ask(who, method, path, body=None, status=200, **more):
        reply = system.http(method, f"/api/v1{path}", body, token=tokens[who], **more)
        assert reply.status == status, reply
        system.settle()
        return reply.json()

    console.go("/policies")
    console.there("button.begin")
    choose(console, "haitang")
    changed(console)
    console.shows("没有处于“已批准”的“制度修订”事项", ".why-not")
    console.shows("征求意见：制度主管", ".why-not")
    console.shows("批准：总经理", ".why-not")
    assert console.script("return document.querySelector('button.publish').disabled && document.querySelector('button.publish').getAttribute('aria-describedby') === 'why-not'")
    console.look("policies-why-not")
    number = ask("admin", "POST", "/cases", {"site": "haitang", "kind": "policy_change", "channel": "staff", "fields": {"subject": "约定回复"}}, 201)["number"]
    draft = ask("admin", "POST", f"/cases/{number}/attachments?site=haitang&name=draft.txt", "两个工作日".encode(), 201, headers={"Content-Type": "text/plain"})["id"]
    step = lambda who, case, name, **fields: ask(who, "POST", f"/cases/{case}/actions/{name}?site=haitang", {"fields": fields})
    step("admin", number, "circulate", draft=draft, comments_by="2099-01-01T00:00:00Z")
    for link in ask("admin", "GET", f"/cases/{number}?site=haitang")["links"]:
        step("head", link["number"], "finish", findings="没有意见")
    step("manager", number, "approve")
    console.script("window.onbeforeunload = null")
    console.go("/work")
    if console.script("return location.pathname") != "/console/work":
        console.answer_alert(True)
    console.go("/policies")
    console.there("button.begin")
    choose(console, "haitang")
    changed(console)
    console.wait("return !document.querySelector('button.publish').disabled")
    assert not console.find_all(".why-not")
    console.press("button.publish")
    console.press("button.really")
    console.shows("第 2 版", ".el-alert--success")


def test_policies():
    with System("--demo") as system:
        found(system)
        with Console(system, "zh-CN") as console:
            console.sign_in("admin")
            text = begins(console)
            errs_and_mends(console, text)
            compares(console)
            rehearses(console)
            publishes(console)
            another_was_faster(console, system)
            publishes_for_a_later_day(console)
        with Console(system, "zh-CN") as console:
            console.sign_in("admin")
            by_a_case(console, system)
        with Console(system, "en", phone=True) as phone:
            phone.sign_in("admin")
            phone.go("/policies")
            phone.there("button.begin")
            choose(phone, "haitang")
            phone.shows("is changed by a case")
            phone.look("policies-by-case")
            choose(phone, SITE)
            brings_a_folder(phone)
            phone.press("button.check")
            phone.there(".mistakes")
            phone.look("policies-phone")
        with Console(system, "zh-CN") as other:
            other.sign_in("coordinator")
            assert not other.script("return [...document.querySelectorAll('nav a')].some(one => one.pathname === '/console/policies')")
            other.go("/policies")
            other.there(".el-alert--error")
            other.look("policies-refused", error=True)


if __name__ == "__main__":
    main([test_policies])
