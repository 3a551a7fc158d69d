"""Whatever a person can write is a text wherever it is shown: scripts, links that are scripts, formulas, templates, texts that run the other way, and
very long ones, in every field of a case, in the names of sites, departments, people, views, tokens and files, in the labels of a policy. On every screen of
the console, at the portal, on printed forms and in exports: nothing runs, nothing becomes an element, nothing scrolls sideways."""

import csv
import datetime
import io
import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser
from console import Console
from harness import System, main
from test_console import picture
from screens import screens
from visitor import write_slowly

IMAGE = '<img src=x onerror="window.broken=1">'
SCRIPT = "</textarea></option><script>window.broken=1</script>"
LINK = "javascript:window.broken=1"
TURNED = "\u202egnorw\u2066 \u2067"
TEMPLATE = "{{ constructor.constructor('window.broken=1')() }}"
FORMULA = "=cmd|'/C calc'!A0"
LONG = "W" * 10_000
NAME = f"{FORMULA}{IMAGE}{TURNED}"
TEXT = f"{IMAGE}{SCRIPT}\n{LINK}\n{TURNED}\n{TEMPLATE}\n{LONG}"
SHOWN = IMAGE  # wherever one of them stands

# The labels of a policy, with what would be markup elsewhere; braces are its own.
LABEL = f"{IMAGE}{SCRIPT}"
PACK = f"""pack: HOSTILE
name: ['{LABEL}', '{LABEL}']
extends: PROP-11
in_force: 2025-01-01
categories:
  noise: {{name: ['噪声{LABEL}', 'Noise{LABEL}'], to: engineering_department}}
posts:
  watchman: {{clause: HOSTILE-1, name: ['值守{LABEL}', 'Watchman{LABEL}'], in: engineering_department}}
rosters:
  watch: {{clause: HOSTILE-1, name: ['值班表{LABEL}', 'Watch{LABEL}'], posts: [repair_technician], cover: always}}
things:
  machine:
    clause: HOSTILE-1
    name: ['机器{LABEL}', 'Machine{LABEL}']
    fields:
      maker: {{clause: HOSTILE-1, name: ['厂家{LABEL}', 'Maker{LABEL}'], type: name}}
indicators:
  hostile: {{clause: HOSTILE-1, name: ['指标{LABEL}', 'Indicator{LABEL}'], of: complaint, figure: count of received, period: month}}
kinds:
  complaint:
    name: ['投诉{LABEL}', 'Complaint{LABEL}']
    fields:
      seen_at: {{clause: HOSTILE-1, name: ['见于{LABEL}', 'Seen at{LABEL}'], type: text, public: yes}}
    steps:
      look: {{clause: HOSTILE-1, name: ['看{LABEL}', 'Look{LABEL}'], from: [registered, dispatched, accepted, handling], by: [handler, lead, coordinator], needs: [reason]}}
"""

HARM = """
const wrong = [...(window.refused ?? [])];
if (window.broken) wrong.push("it ran");
for (const one of document.querySelectorAll("img[src='x'], [onerror], a[href^='javascript:'], main script, body > script:not([src])")) wrong.push(`became an element: ${one.outerHTML.slice(0, 200)}`);
if (document.documentElement.scrollWidth > innerWidth) wrong.push(`scrolls sideways: ${document.documentElement.scrollWidth}`);
if (document.body.innerText.match(/[\\u202a-\\u202e\\u2066-\\u2069]/) && !arguments[0]) wrong.push("rearranges the page");
return wrong;
"""


def harmless(browser, what, names_of_ours=False):
    wrong = browser.script(HARM, names_of_ours)
    assert not wrong, f"{browser.url()} ({what}):\n  " + "\n  ".join(wrong)


def good(reply, status=200):
    assert reply.status == status, reply
    return reply.json() if reply.body else None


def names(system):
    """Of the organisation: as its administrator may write them."""
    admin = system.tokens()["admin"]
    now = good(system.http("GET", "/api/v1/organisation", token=admin))
    site = next(one for one in now["sites"] if one["id"] == "haitang")
    department = next(one for one in now["departments"] if one["site"] == "haitang" and one["id"] == "engineering_department")
    person = next(one for one in now["people"] if one["name"] == "周强")
    label = {"zh": NAME, "en": NAME}
    good(system.http("PUT", "/api/v1/organisation", {"sites": [{**site, "name": label}], "departments": [{**department, "name": label}], "people": [{**person, "name": NAME}]}, token=admin))
    # an entry of a register and a shift of a roster, whose names are the policy's
    begin, end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours) for hours in (-1, 11))
    shift = {"person": person["id"], "from_ms": stamp(begin), "to_ms": stamp(end)}
    machine = {"id": "m1", "site": "haitang", "of": "machine", "name": label, "facts": [{"name": "maker", "value": {"text": NAME}}]}
    roster = {"site": "haitang", "roster": "watch", "from_ms": stamp(begin), "to_ms": stamp(end), "shifts": [shift]}
    good(system.http("PUT", "/api/v1/organisation", {"things": [machine], "rosters": [roster]}, token=admin))


def stamp(at):
    return str(int(at.timestamp()) * 1000)


def policy(system):
    folder = os.path.join(system.folder, "HOSTILE")
    os.mkdir(folder)
    with open(os.path.join(folder, "pack.yaml"), "w") as f:
        f.write(PACK)
    with open(os.path.join(folder, "clauses.yaml"), "w") as f:
        f.write(f"source: test\nclauses:\n  HOSTILE-1: ['{LABEL}', '{LABEL}']\n")
    system.run("policy", "publish", "haitang", folder, "--operator")
    system.settle()


def case(system):
    """With all its texts, its steps' texts, a file."""
    tokens = system.tokens()
    body = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": TEXT, "place": NAME, "fields": {"seen_at": TEXT[:4000]},
            "party": {"name": NAME, "phone": f"13800001234{IMAGE}", "email": "a@example.org", "address": NAME}}
    made = good(system.http("POST", "/api/v1/cases", body, token=tokens["reception"]), 201)
    system.settle()

    def act(who, step, note=TEXT, **fields):
        good(system.http("POST", f"/api/v1/cases/{made['case_id']}/actions/{step}?site=haitang", {"fields": fields, "note": note}, token=tokens[who]))
        system.settle()
    act("coordinator", "look", reason=TEXT)
    act("handler", "accept")
    act("handler", "investigate", finding=TEXT)
    path = f"/api/v1/cases/{made['case_id']}/attachments?name={urllib.parse.quote(f'{IMAGE}{TURNED}.png')}"
    good(system.http("POST", path, picture(), token=tokens["coordinator"], headers={"Content-Type": "image/png"}), 201)
    act("handler", "draft_letter", letter=TEXT)
    act("head", "sign")
    act("handler", "handle", result=TEXT)
    act("handler", "answer", reply_text=TEXT)
    return made


def kept(system):
    """Views and tokens, whose names are anybody's."""
    for account in ("admin", "coordinator"):
        token = system.tokens()[account]
        good(system.http("POST", "/api/v1/views", {"name": {"zh": f"{IMAGE}{FORMULA}", "en": f"{IMAGE}{FORMULA}"}, "site": "haitang", "list": "all", "filter": [{"name": "kind", "value": "complaint"}]}, token=token), 201)


def opened(system, made):
    """What for is a text, too: the audit shows it."""
    good(system.http("GET", f"/api/v1/cases/{made['case_id']}?purpose={urllib.parse.quote(FORMULA + IMAGE)}", token=system.tokens()["coordinator"]))
    system.settle()


def on_every_screen(console, made):
    for account in ("admin", "coordinator"):
        console.sign_in(account)
        for name, address in screens(made["case_id"], without={"signin"}):
            if account == "coordinator" and name in ("audit", "policies", "organisation"):
                continue
            console.go(address)
            console.gone(".el-skeleton")
            harmless(console, name, names_of_ours=True)  # sites and people are called so by an administrator
            for part, words in (("/organisation/things", ("Machine", "机器")), ("/organisation/rosters", ("Watch", "值班表")), ("/figures", ("Indicator", "指标"))):
                if address == part:  # it was there to be looked at
                    console.shows(words[console.script("return document.documentElement.lang") != "en"] + LABEL, "main")
            if name == "case":
                reads_the_case(console)
            if name == "reception":
                console.choose_in("category", "noise")
                console.fill("textarea[name=text]", TEXT)
                harmless(console, "typed", names_of_ours=True)
                console.fill("textarea[name=text]", "")
                console.script("document.querySelector('input[name=category]:checked').focus()")
                console.key("Delete")  # it is taken back
                console.gone("input[name=category]:checked")
        if account == "admin":
            console.go("/account")
            console.fill("input[name=token_name]", IMAGE)
            console.press("input[name=scope][value=read]")
            console.press(".tokens form button[type=submit]")
            console.shows(IMAGE, ".tokens ul")
            harmless(console, "token", names_of_ours=True)
            console.go("/audit")
            console.shows(IMAGE, "table.audit")
        console.press("header .tools button:last-of-type")
        console.there("input[name=account]")


def reads_the_case(console):
    for where in (".text", ".timeline", ".case-head", ".facts"):
        console.shows(SHOWN, where)
    for words in (SCRIPT, LINK, TEMPLATE, LONG[:100]):
        console.shows(words, ".text")
    if console.find_all("[data-step=reopen]"):
        console.press("[data-step=reopen]")
        console.there("form.action")
        harmless(console, "form", names_of_ours=True)


def on_paper(browser, system, made):
    """The forms of the case, and the letter, as pages."""
    cookies = browser.cookies()  # of whoever is signed in
    assert cookies
    for one in good(system.http("GET", f"/api/v1/cases/{made['case_id']}/documents", token=system.tokens()["coordinator"]))["documents"]:
        browser.open(f"http://127.0.0.1:{system.port}/api/v1/cases/{made['case_id']}/documents/{one['name']}?format=html&purpose=check")
        harmless(browser, one["name"])


def at_the_portal(browser, system, made):
    def opens(path):
        browser.open(f"http://127.0.0.1:{system.port}{path}")
        harmless(browser, path)
    for path in ("/", "/submit?site=haitang", "/submit?site=haitang&kind=complaint", "/track", "/problems?site=haitang", f"/submit?site=haitang&kind={urllib.parse.quote(IMAGE)}",
                 f"/track?number={urllib.parse.quote(IMAGE)}"):
        opens(path)
    opens("/submit?site=haitang&kind=complaint")
    browser.choose("input[name=category]", "noise")
    browser.type("#text", TEXT)
    browser.type("#place", NAME)
    browser.type("#email", IMAGE)
    browser.follow("main form .button")  # that is no address: the form comes back with all that was typed
    harmless(browser, "back")
    assert browser.value("#text") == re.sub("[\u202a-\u202e\u2066-\u2069]", "", TEXT)
    browser.type("#email", "")
    write_slowly(browser)
    browser.follow("main form .button")
    harmless(browser, "receipt")
    opens("/track")
    browser.type("#number", made["number"])
    browser.type("#code", made["tracking_code"].rsplit("-", 1)[-1])
    browser.follow("main .button")
    harmless(browser, "case")
    for words in (IMAGE, SCRIPT, LINK, TEMPLATE):
        assert words in browser.text("#answer"), words


def in_files(system):
    """No cell of a table is a formula: of what was looked at and what for; lists of cases hold no texts (system/test_export.py)."""
    rows = list(csv.reader(io.StringIO(system.http("GET", "/api/v1/audit?site=haitang&format=csv", token=system.tokens()["auditor"]).body.decode("utf-8-sig"))))
    cells = [cell for row in rows for cell in row]
    assert [cell for cell in cells if FORMULA in cell], rows[:3]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))], cells


def test_hostile_text():
    with System("--demo") as system:
        system.settle()
        policy(system)
        made = case(system)
        names(system)
        kept(system)
        opened(system, made)
        for language, phone in (("en", True), ("zh-CN", False)):
            with Console(system, language, phone) as console:
                on_every_screen(console, made)
                console.sign_in("coordinator")
                on_paper(console, system, made)
            with Browser(language=language) as browser:
                at_the_portal(browser, system, made)
        in_files(system)


if __name__ == "__main__":
    main([test_hostile_text])
