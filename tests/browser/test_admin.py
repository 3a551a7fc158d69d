"""The administrator's day on a real system: a site from nothing to its first account, a delegation, a week of a roster, a register with
labels, a year of holidays and what it moved; mistakes at their fields; and two administrators who change the same at once."""

import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main

PACK = """pack: REGISTER
name: [登记册, Register]
extends: PROP-11
in_force: 2025-01-01
things:
  lift:
    clause: REGISTER-1
    name: [电梯, Lift]
    must_have: [repair_technician]
    fields:
      stops: {clause: REGISTER-1, name: [层站, Stops], type: number}
    marks: {stopped: [停用, Out of use]}
"""


def organisation(system, site="haitang"):
    return system.http("GET", f"/api/v1/organisation?site={site}&all=true", token=system.tokens()["admin"]).json()


def put(system, body):
    reply = system.http("PUT", "/api/v1/organisation", body, token=system.tokens()["admin"])
    assert reply.status == 200, reply


def begins_new(console, part):
    console.go(f"/organisation/{part}")
    console.press(".fresh")
    console.there("form.entity")


def makes_a_site(console, site):
    """A mistake stands at its field and what was typed stays; a site that has no policy yet can be given departments and people."""
    begins_new(console, "sites")
    console.fill("input[name=id]", site)
    console.fill("input[name='name.zh']", "新站点")
    console.fill("input[name='name.en']", "New site")
    console.fill("input[name=zone]", "Mars/Base")
    console.key("Enter", ctrl=True)
    console.there("input[name=zone][aria-describedby]")
    console.look("organisation-mistake", error=True)
    assert console.value("input[name='name.en']") == "New site"
    console.fill("input[name=zone]", "Asia/Shanghai")
    console.key("Enter", ctrl=True)
    console.gone("form.entity")
    console.there(f"[data-id={site}]")
    console.there(".saved")
    console.look("organisation-sites")
    begins_new(console, "departments")
    console.key("Escape")
    console.pick("select[name=of-site]", site)
    for department, parent in (("office", ""), ("desk", "office")):
        console.press(".fresh")
        console.fill("input[name=id]", department)
        console.fill("input[name='name.zh']", department)
        if parent:
            console.pick("select[name=parent]", parent)
        console.key("Enter", ctrl=True)
        console.there(f"[data-id={department}]")
    assert console.find_all(".level-1 [data-id=desk]")
    console.look("organisation-departments")


def gives_an_account(console, system, account):
    """Person, delegation, account, first password, token; the code opens and the token's end ends it."""
    begins_new(console, "people")
    console.fill("input[name=id]", f"{account}_person")
    console.fill("input[name=name]", "何新")
    console.pick("select[name='posts[0].post']", "handler_post")
    console.pick("select[name='posts[0].department']", "engineering_department")
    console.script("document.querySelector('[data-input=delegations] .add').click()")
    console.pick("select[name='delegations[0].to']", "zhou_qiang")
    console.script("""for (const [name, value] of arguments[0]) { const one = document.querySelector(`input[name='delegations[0].${name}']`);
        one.value = value; one.dispatchEvent(new Event('input', {bubbles: true})); }""", [["from_ms", "2030-01-02T08:00"], ["to_ms", "2030-01-01T08:00"]])
    console.key("Enter", ctrl=True)
    console.there("input[name='delegations[0].to_ms'][aria-describedby]")
    console.look("organisation-delegation", error=True)
    console.script("const one = document.querySelector(`input[name='delegations[0].to_ms']`); one.value = '2030-01-09T18:00'; one.dispatchEvent(new Event('input', {bubbles: true}))")
    console.key("Enter", ctrl=True)
    console.there(f"[data-id={account}_person]")
    person = next(one for one in organisation(system)["people"] if one["id"] == f"{account}_person")
    assert person["delegations"] == [{"to": "zhou_qiang", "from_ms": "1893542400000", "to_ms": "1894183200000"}], person  # on the clocks of the site
    begins_new(console, "accounts")
    console.fill("input[name=id]", account)
    console.pick("select[name=person]", f"{account}_person")
    console.press("[data-input=scopes] input[value=act]")
    console.key("Enter", ctrl=True)
    console.press(f"[data-id={account}]")
    console.press(".offer")
    console.there(".setup .code")
    code = console.text(".setup .code")
    reply = system.http("POST", "/api/v1/session/setup", {"account": account, "code": code, "password": "three unrelated words"})
    assert reply.status == 200, reply
    console.fill("input[name=token-name]", "盘点程序")
    console.press("input[name=token-scope][value=read]")
    console.script("const one = document.querySelector('input[name=token-until]'); one.value = '2020-01-01'; one.dispatchEvent(new Event('input', {bubbles: true}))")
    console.press(".make-token button[type=submit]")
    console.there(".make-token .wrong")
    console.script("const one = document.querySelector('input[name=token-until]'); one.value = new Date(Date.now() + 86400000).toISOString().slice(0, 10); one.dispatchEvent(new Event('input', {bubbles: true}))")
    console.press(".make-token button[type=submit]")
    console.shows("盘点程序", ".tokens")
    token = console.text("section[aria-labelledby=tokens-title] .setup .code")
    assert system.http("GET", "/api/v1/session", token=token).status == 200
    console.look("organisation-account")
    console.press(".end-all")
    console.press(".end-all")
    console.gone(".tokens")
    assert system.http("GET", "/api/v1/session", token=token).status == 401


def stays(console):
    """Asked before what was typed is lost, says no."""
    console.alert_text()
    console.answer_alert(False)


def two_change_the_same(console, system, mine):
    """What the other changed is taken over where nothing was typed, and shown; nothing is lost unseen."""
    console.go("/organisation/people")
    console.press("[data-id=zhou_qiang]")
    console.fill("input[name=email]", mine)
    person = next(one for one in organisation(system)["people"] if one["id"] == "zhou_qiang")
    name = "周强" if person["name"] != "周强" else "周小强"
    extra = {"post": "handler_post", "department": "engineering_department", "site": "haitang"}
    posts = [one for one in person["posts"] if one["post"] != extra["post"]]
    posts = posts if len(posts) < len(person["posts"]) else [*posts, extra]
    put(system, {"people": [{**person, "email": "theirs@example.org", "name": name, "posts": posts}]})
    console.key("Enter", ctrl=True)
    console.there(".others")
    console.shows("theirs@example.org", ".others")
    assert console.value("input[name=email]") == mine and console.value("input[name=name]") == name
    assert len(console.find_all("[data-input=posts] .part")) == len(posts)
    assert next(one for one in organisation(system)["people"] if one["id"] == "zhou_qiang")["email"] == "theirs@example.org"
    console.look("organisation-stale")
    console.devtools("Input.dispatchKeyEvent", type="rawKeyDown", key="Escape", windowsVirtualKeyCode=27)  # no key goes up while it asks
    stays(console)
    assert console.value("input[name=email]") == mine
    console.key("Enter", ctrl=True)
    console.gone("form.entity")
    person = next(one for one in organisation(system)["people"] if one["id"] == "zhou_qiang")
    assert person["email"] == mine and person["name"] == name and person["posts"] == posts, person


def plans_a_week(console, system, week):
    """A gap is told; two shifts a day make the week whole; another's change is not written over."""
    console.go("/organisation/rosters")
    for _ in range(week):
        console.press(".week-after")
    console.pick("select[name=person]", "li_jing")
    console.press(".shift-form button[type=submit]")
    console.there("table.shifts tbody tr:nth-child(7)")
    console.press(".save-roster")
    console.there(".roster .el-alert--error")
    console.look("organisation-gap", error=True)
    console.script("""for (const [name, value] of [["handover", "08:00"], ["from", "20:00"], ["to", "08:00"]]) {
        const one = document.querySelector(`input[name=${name}]`); one.value = value; one.dispatchEvent(new Event('input', {bubbles: true})); }""")
    console.press(".shift-form button[type=submit]")
    console.there("table.shifts tbody tr:nth-child(14)")
    before = organisation(system).get("rosters", [])
    console.press(".save-roster")
    console.there(".roster .saved")
    assert len(organisation(system)["rosters"][0]["shifts"]) == 14 + (len(before[0]["shifts"]) if before else 0)
    console.look("organisation-roster")
    plan = organisation(system)["rosters"][0]
    plan["shifts"] = [one for one in plan["shifts"] if plan["from_ms"] <= one["from_ms"] < plan["to_ms"]]
    console.press("table.shifts tbody tr:nth-child(14) .el-button")
    console.gone("table.shifts tbody tr:nth-child(14)")
    console.press(".week-after")
    stays(console)
    assert len(console.find_all("table.shifts tbody tr")) == 13
    console.script("for (const day of document.querySelectorAll('input[name=day]')) if (day.value !== '6') day.click()")
    console.pick("select[name=deputy]", "sun_min")
    console.press(".shift-form button[type=submit]")  # Sunday night anew, with a deputy
    console.there("table.shifts tbody tr:nth-child(14)")
    put(system, {"rosters": [{**plan, "shifts": [{**one, "deputy": "chen_chen"} for one in plan["shifts"]]}]})
    console.press(".save-roster")
    console.there(".roster .others")
    assert organisation(system)["rosters"][0]["shifts"][-1]["deputy"] == "chen_chen"
    put(system, {"rosters": [plan]})


def keeps_a_register(console, system, lift):
    """A thing of the policy's register, with its fields; who must be named is told; its label is printed."""
    begins_new(console, "things")
    console.fill("input[name=id]", lift)
    console.fill("input[name='name.zh']", f"电梯 {lift}")
    console.pick("select[name=of]", "lift")
    console.fill("input[name=stops]", "18")
    console.key("Enter", ctrl=True)
    console.there("[data-input=holders] .wrong")
    console.script("document.querySelector('[data-input=holders] .add').click()")
    console.pick("select[name='holders[0].post']", "repair_technician")
    console.pick("select[name='holders[0].person']", "zhou_qiang")
    console.look("organisation-thing", error=True)
    console.key("Enter", ctrl=True)
    console.there(f"[data-id={lift}]")
    thing = next(one for one in organisation(system)["things"] if one["id"] == lift)
    assert thing["facts"] == [{"name": "stops", "value": {"number": "18"}}], thing
    console.script("const row = [...document.querySelectorAll('table.entities tr')].find(one => one.querySelector(`[data-id=${arguments[0]}]`)); row.querySelector('input').click()", lift)
    console.wait("return document.querySelector('textarea[name=places]').value === arguments[0]", f"电梯 {lift}")
    console.look("organisation-things")
    console.script("window.opened = []; window.open = (...given) => { window.opened.push(given[0]); return null; }")
    console.press("form.labels button[type=submit]")
    address = console.wait("return window.opened[0]")
    cookie = f"session={console.cookies()['session']['value']}"
    sheet = system.http("GET", address, headers={"Cookie": cookie})
    assert sheet.status == 200 and f"电梯 {lift}" in sheet.body.decode() and "<svg" in sheet.body.decode(), sheet


def publishes_a_year(console, system, year):
    """A file of holiday-cn; the same year with other days is asked about; what it moved is listed."""
    with tempfile.TemporaryDirectory() as folder:
        def choose(days):
            path = os.path.join(folder, "year.json")
            with open(path, "w") as f:
                json.dump({"year": year, "days": [{"name": "元旦", "date": f"{year}-01-{day:02}", "isOffDay": True} for day in days]}, f)
            console.call("POST", f"/element/{console.find('input[name=holidays]')}/value", {"text": path})
        console.go("/organisation/calendars")
        choose((1, 2, 3))
        console.press(".import-year button[type=submit]")
        console.there(".moved")
        console.wait("return !document.querySelector('.moved [role=status]')")
        console.shows(f"{year}-01-03", ".calendar-days")
        console.look("organisation-calendar")
        console.go("/organisation/calendars")
        choose((1, 2))
        console.press(".import-year button[type=submit]")
        console.there(".replace")
        console.look("organisation-year-differs", error=True)
        console.press(".replace")
        console.there(".saved")
    console.script("""for (const [name, value] of arguments[0]) { const one = document.querySelector(`.set-day [name=${name}]`);
        one.value = value; one.dispatchEvent(new Event('input', {bubbles: true})); one.dispatchEvent(new Event('change', {bubbles: true})); }""",
        [["date", f"{year}-01-05"], ["how", "works"]])
    console.fill("input[name=day-hours]", "8 to 12")
    console.press(".set-day button[type=submit]")
    console.there(".set-day .wrong")
    console.fill("input[name=day-hours]", "08:30-12:00")
    console.fill("input[name=hours-0]", "10:00-11:00")
    console.press(".set-day button[type=submit]")
    console.shows("08:30-12:00", ".calendar-days")
    console.there(".saved")
    assert console.value("input[name=hours-0]") == "10:00-11:00", "a day is saved, what was typed of the week stays"


def test_administrator():
    with System("--demo") as system:
        folder = os.path.join(system.folder, "REGISTER")
        os.mkdir(folder)
        with open(os.path.join(folder, "pack.yaml"), "w") as f:
            f.write(PACK)
        system.run("policy", "publish", "haitang", folder, "--operator")
        system.settle()
        for at, (language, phone) in enumerate((("zh-CN", False), ("en", True))):
            with Console(system, language, phone) as console:
                console.sign_in("admin")
                console.key("g")
                console.key("o")
                console.wait("return location.pathname === '/console/organisation'")
                makes_a_site(console, f"new-{at}")
                gives_an_account(console, system, f"newcomer{at}")
                two_change_the_same(console, system, f"mine{at}@example.org")
                plans_a_week(console, system, at + 1)
                keeps_a_register(console, system, f"L{at}")
                publishes_a_year(console, system, 2030 + at)
        with Console(system, "zh-CN") as console:  # who may not: the server says so, and the menu does not offer it
            console.sign_in("coordinator")
            assert not console.find_all("nav a[href$='/organisation']")
            console.go("/organisation/accounts")
            console.there(".el-alert--error")
            console.look("organisation-refused", error=True)


if __name__ == "__main__":
    main([test_administrator])
