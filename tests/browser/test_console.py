"""The staff's day in the console, on a real system: a call is registered with the keyboard alone, the case goes from list to list
and from step to step, two people act on it at once, and what others do is seen without asking. And what the gateway gives out:
sizes, caches, policy, and that no path leads elsewhere."""

import base64
import gzip
import hmac
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import PICTURES, Console
from harness import SOURCE, SKIP, System, eventually, main

FOLDER = os.path.join(SOURCE, "services/gateway/console")
FIRST_LOAD_BYTES_MAX = 300 << 10
HOSTILE = "三号楼电梯异响 <script>document.title='broken'</script><img src=x onerror=alert(1)> {{ 1 + 1 }}"


def the_lock_file_names_no_registry():
    with open(os.path.join(FOLDER, "package-lock.json")) as f:
        text = f.read()
    assert "resolved" not in text and "http" not in re.sub(r'"url": "[^"]*"|"(funding|homepage)": "[^"]*"', "", text)
    for name, package in json.loads(text)["packages"].items():
        assert not name or package.get("link") or package["integrity"].startswith("sha512-"), name


def types_and_translations_agree():
    """Strict types; en.ts has the type of zh-CN.ts, so that a key which only one has does not compile."""
    checker = os.path.join(FOLDER, "node_modules/vue-tsc/bin/vue-tsc.js")
    if not os.path.exists(checker):
        print("skipped: the console was not built: node_modules is missing")
        raise SystemExit(SKIP)
    done = subprocess.run(["node", checker, "--noEmit"], cwd=FOLDER, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def what_it_works_out_is_right():
    """Working time left, what is near, and a text in both languages for every name that can come."""
    done = subprocess.run(["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "console_units.mjs")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def no_html_is_made_of_text():
    for folder, _, names in os.walk(os.path.join(FOLDER, "src")):
        for name in names:
            with open(os.path.join(folder, name)) as f:
                text = f.read()
            assert not re.search(r"v-html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), name
            assert not re.search(r"""https?://(?!www\.w3\.org/)""", text), f"{name} names another host"


def files_are_small_cached_and_closed(system):
    page = system.http("GET", "/console/")
    assert page.status == 200 and page.headers["cache-control"] == "no-cache", page
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["style-src"] == "'self'", policy
    text = page.body.decode()
    assert "<script>" not in text and "style=" not in text
    scripts = re.findall(r'(?:src|href)="(/console/assets/[^"]+\.js)"', text)
    assert scripts
    packed = 0
    for address in scripts:
        file = system.http("GET", address, headers={"Accept-Encoding": "br, gzip"})
        assert file.headers["content-encoding"] == "gzip" and "immutable" in file.headers["cache-control"], file.headers
        packed += len(file.body)
        plain = system.http("GET", address, headers={"Accept-Encoding": "gzip;q=0"})
        assert "content-encoding" not in plain.headers and gzip.decompress(file.body) == plain.body
    assert packed <= FIRST_LOAD_BYTES_MAX, f"{packed} bytes of script before anything is shown"
    for path in ("/console/work", "/console/case/20261125-complaint-004"):
        assert system.http("GET", path).body == page.body
    for path in ("/console/../etc/passwd", "/console/%2e%2e%2fetc%2fpasswd", "/console/assets/..%2findex.html", "/console/assets/index.html", "/console/assets/none.js",
                 "/console/a.b", "/console/x%00y", "/console//x/y/z", "/console/assets/", "/console/" + "a" * 500):
        assert system.http("GET", path).status in (400, 404), path
    assert system.http("POST", "/console/", b"").status == 405


def registers_a_call_with_the_keyboard(console):
    """No mouse, from signing in to the slip."""
    console.sign_in("reception")
    console.key("g")
    console.key("r")
    console.there("[name=kind]")
    console.wait("return document.activeElement.name === 'kind'")
    console.key("Tab")
    console.key("Tab")
    console.wait("return document.activeElement.name === 'category'")
    console.choose_in("category", "noise")
    console.key("Tab")
    console.devtools("Input.insertText", text=HOSTILE)
    console.key("Tab")
    console.wait("return document.activeElement.name === 'place'")
    console.devtools("Input.insertText", text="3-1201")
    console.wait("return document.activeElement.value === '3-1201'")
    console.fill("input[name=name]", "张丽华")
    console.fill("input[name=phone]", "13800001234")
    console.shows("20", "section[aria-labelledby=duplicates]")  # until then the same case stands among those of the category
    console.look("reception")
    console.key("Enter", ctrl=True)
    console.there(".slip")
    number = console.text(".slip .big")
    assert re.fullmatch(r"\d{8}-\w+-\d{3}", number), number
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{8}", console.text(".slip .code"))
    assert re.search(r"\d\d:\d\d", console.text(".slip ul")), console.text(".slip")
    console.look("slip")
    return number


def goes_from_step_to_step(console, number):
    """From the list to the case, and two steps on."""
    console.system.settle()
    console.go("/all")
    console.fill("input[type=search]", number)
    console.key("Enter")
    console.wait("return document.querySelectorAll('a.number').length === 1 && document.querySelector('a.number').textContent.trim() === arguments[0]", number)
    console.shows("1", ".count")
    console.press("a.number")
    console.there(".case-head")
    console.shows(HOSTILE, ".text")
    assert "broken" not in console.title()
    assert not console.find_all(".text img, .text script")
    console.press("summary")
    console.there(".days li.due")
    console.look("case")
    console.press("[data-step=accept]")
    console.fill("form.action textarea[name=note]", "内部：先看监控")
    console.look("action")
    console.key("Enter", ctrl=True)
    console.gone("form.action")
    console.shows("内部：先看监控", ".timeline .internal")


def nobody_overwrites_another(console, system, number):
    """While a form is open another acts: nothing is written, what they did is shown, and what was typed is still there."""
    console.press("[data-step=investigate]")
    console.fill("form.action textarea[name=finding]", "监控显示门机故障")
    top = "return document.querySelector('form.action button[type=submit]').getBoundingClientRect().top"
    before = console.script(top)
    reply = system.http("POST", f"/api/v1/cases/{number}/actions/contact?site=haitang", {"fields": {"contact_by": "phone"}}, token=system.tokens()["coordinator"])
    assert reply.status == 200, reply
    console.there(".newer")
    assert console.script(top) == before, "a notice moved the button under somebody's finger"
    console.press("form.action button[type=submit]")
    console.there(".others")
    console.there("form.action .el-alert--error")
    assert console.value("form.action textarea[name=finding]") == "监控显示门机故障"
    console.look("stale", error=True)
    facts = system.http("GET", f"/api/v1/cases/{number}?site=haitang", token=system.tokens()["coordinator"]).json()["facts"]
    assert not [fact for fact in facts if fact["name"] == "finding"]
    console.press("form.action button[type=submit]")
    console.gone("form.action")
    console.shows("监控显示门机故障", ".timeline")


def tells_public_from_internal(console, system, number):
    """What the complainant will see is marked, what he will be told is shown, and so is what the file field holds."""
    reply = system.http("POST", f"/api/v1/cases/{number}/actions/handle?site=haitang", {"fields": {"result": "门机已更换"}}, token=system.tokens()["coordinator"])
    assert reply.status == 200, reply
    console.go(f"/case/{number}", ".case-head")
    console.press("[data-step=answer]")
    seen = console.text("form.action .mark-seen")
    assert "will see" in seen, seen
    assert console.find_all("form.action .mark-seen textarea[name=reply_text]")
    console.fill("form.action textarea[name=reply_text]", "已更换门机")
    console.shows(f"Reply to {number}", ".told")
    console.look("reply-form")
    console.press("form.action .actions .el-button:last-of-type")
    assert "not sent" in console.alert_text(), "it asks before the text is lost"
    console.answer_alert(False)
    assert console.value("form.action textarea[name=reply_text]") == "已更换门机"
    console.press("form.action button[type=submit]")
    console.gone("form.action")
    fresh = system.http("POST", "/api/v1/cases", {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": "一件", "party": {"name": "某某"}}, token=system.tokens()["reception"]).json()
    system.settle()
    allowed = {one["step"]: one for one in system.http("GET", f"/api/v1/cases/{fresh['case_id']}", token=system.tokens()["coordinator"]).json()["allowed"]}
    assert allowed["decline"]["seen"]["now"] == ["reason"], allowed["decline"]  # declined, the complainant reads why
    assert allowed["return_case"]["seen"]["later"] == ["reason"] and not allowed["return_case"]["seen"].get("now"), allowed["return_case"]
    console.shows("will see", ".timeline .mark-seen")
    console.shows("Internal", ".timeline .mark-internal")


def does_not_lose_what_is_written(console, system):
    """A click in the menu asks; an ended session lets the same person go on; another finds nothing of it."""
    console.go("/reception", "input[name=phone]")
    console.fill("textarea[name=text]", "三号楼漏水，还没写完")
    console.press("nav a[href$='/all']")
    assert "not sent" in console.alert_text()
    console.answer_alert(False)
    assert console.value("textarea[name=text]") == "三号楼漏水，还没写完" and console.url().endswith("/reception")
    for account in ("coordinator", "reception"):
        end_session(console, system)
        console.there(".again input[name=password]")
        assert "三号楼漏水" not in console.text("body")
        console.look("session-ended")
        console.fill(".again input[name=account]", account)
        console.fill(".again input[name=password]", system.passwords()[account])
        console.key("Enter")
        console.gone(".again")
        if account == "coordinator":
            assert console.value("textarea[name=text]") == "三号楼漏水，还没写完"
    console.wait("return location.pathname === '/console/work'")
    console.go("/reception", "input[name=phone]")
    assert console.value("textarea[name=text]") == ""


def end_session(console, system):
    """Elsewhere; the page hears of it with what it asks next."""
    cookie = f"session={console.cookies()['session']['value']}"
    csrf = system.http("GET", "/api/v1/session", headers={"Cookie": cookie}).json()["csrf"]
    assert system.http("DELETE", "/api/v1/session", headers={"Cookie": cookie, "X-CSRF-Token": csrf}).status == 200


def sees_what_others_do(console, system):
    """A case registered elsewhere comes to the list by itself, and its count with it."""
    console.go("/all")
    before = int(re.search(r"\d+", console.text(".count")).group())
    reply = system.http("POST", "/api/v1/cases", {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "web", "text": "施工噪声"}, token=system.tokens()["reception"])
    assert reply.status == 201, reply
    console.shows(reply.json()["number"], "table.cases")
    console.wait("return document.querySelector('.count').innerText.includes(arguments[0])", str(before + 1))


def says_what_is_wrong_and_goes_on(console):
    console.go("/case/20200101-complaint-999")
    console.there(".el-alert--error")
    console.look("unknown-case", error=True)
    console.go("/nowhere")
    console.look("nowhere")
    console.key("?")
    console.there("dialog[open] .keys")
    console.look("keys")


def the_readme_shows_what_the_tests_take():
    with open(os.path.join(SOURCE, "README.md")) as f:
        shown = set(re.findall(r"\]\((tests/browser/pictures/\w+\.png)\)", f.read()))
    assert shown == {f"tests/browser/pictures/{name}.png" for name in PICTURES.values()}, shown
    for path in shown:
        assert os.path.getsize(os.path.join(SOURCE, path)) < 100 << 10, path


def test_what_is_given_out():
    the_readme_shows_what_the_tests_take()
    the_lock_file_names_no_registry()
    no_html_is_made_of_text()
    types_and_translations_agree()
    what_it_works_out_is_right()
    with System("--demo") as system:
        if system.http("GET", "/console/").status == 404:
            print("skipped: the gateway was built without the console")
            raise SystemExit(SKIP)
        files_are_small_cached_and_closed(system)


def picture():
    """A small PNG."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([200, 60, 60]) * 16 for _ in range(16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def attach(console, selector, *paths):
    console.call("POST", f"/element/{console.find(selector)}/value", {"text": "\n".join(paths)})


def brings_files(console, folder):
    """A photo, a program that says it is one, and one that is left out again, with the call: the case is registered whatever becomes of them."""
    paths = [os.path.join(folder, name) for name in ("water.png", "program.png", "other.png")]
    for path, content in zip(paths, (picture(), b"MZ" + bytes(200), picture())):
        with open(path, "wb") as f:
            f.write(content)
    console.go("/reception", "[name=kind]")
    console.choose_in("category", "water")
    console.fill("textarea[name=text]", "厨房漏水，照片已发来")
    attach(console, "input[name=files]", *paths)
    console.wait("return document.querySelectorAll('.files li').length === 3")
    console.press(".files li:nth-child(3) button")
    console.wait("return document.querySelectorAll('.files li').length === 2")
    console.look("reception-files")
    console.press("form button[type=submit]")
    console.there(".slip")
    console.there(".attached .again")
    console.shows("program.png", ".attached [role=alert]")
    assert "water.png" not in console.text(".attached [role=alert]") and "1" in console.text(".attached [role=status]")
    console.look("slip-files")
    console.press(".attached .again")
    console.there(".attached .again")
    console.press(".actions a.el-button")
    console.there(".case-head")
    console.shows("water.png", "section.files")
    assert "program.png" not in console.text("section.files") and "other.png" not in console.text("section.files")
    console.look("case-files")


def keeps_files_that_a_kind_does_not_take(console):
    """They stay while the kind is changed, and it is said, before and after, that they are not sent."""
    console.choose_in("kind", "revisit")
    console.there(".files [role=alert]")
    console.shows("water.png", ".files li")
    assert not console.find_all("input[name=files]")
    console.look("reception-no-files")
    console.choose_in("kind", "complaint")
    console.there("input[name=files]")
    console.shows("water.png", ".files li")
    console.choose_in("kind", "revisit")
    console.fill("textarea[name=text]", "回访一次")
    console.press("form button[type=submit]")
    console.there(".slip")
    console.shows("water.png", ".not-sent")
    console.look("slip-not-sent")


LOSE_AN_ANSWER = """
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (...what) {
  this.onload = () => { XMLHttpRequest.prototype.send = send; this.onerror(); };
  send.apply(this, what);
};
"""


def is_the_same_file_when_sent_again(console, folder):
    """It was taken, and the answer was lost: tried again it is not there twice."""
    console.go("/reception", "[name=kind]")
    console.choose_in("category", "water")
    console.fill("textarea[name=text]", "照片只有一张")
    attach(console, "input[name=files]", os.path.join(folder, "water.png"))
    console.wait("return document.querySelectorAll('.files li').length === 1")
    console.script(LOSE_AN_ANSWER)
    console.press("form button[type=submit]")
    console.press(".attached .again")
    console.there(".attached [role=status]")
    console.press(".actions a.el-button")
    console.there("section.files")
    console.shows("water.png", "section.files")
    assert len(console.find_all("section.files li")) == 1, console.text("section.files")


def test_files_of_a_call():
    with System("--demo") as system, tempfile.TemporaryDirectory() as folder:
        system.settle()
        for language, phone in (("zh-CN", False), ("en", True)):
            with Console(system, language, phone) as console:
                console.sign_in("reception")
                brings_files(console, folder)
                console.go("/reception", "[name=kind]")
                attach(console, "input[name=files]", os.path.join(folder, "water.png"))
                console.wait("return document.querySelectorAll('.files li').length === 1")
                console.press("header .tools button:last-of-type")  # what was chosen and not sent is not lost unasked
                console.alert_text()
                console.answer_alert(False)
                assert console.find_all(".files li")
                keeps_files_that_a_kind_does_not_take(console)
                is_the_same_file_when_sent_again(console, folder)


def nothing_acts_behind_a_dialog(console):
    """No form is opened and no page left while the keys are read; what `?` opened it closes."""
    before = console.url()
    for key in ("n", "r", "g", "a"):
        console.key(key)
    console.key("?")
    console.gone("dialog[open]")
    assert console.url() == before and not console.find_all("form.action"), console.url()
    console.key("?")
    console.there("dialog[open]")


def opens_steps_by_keys(console, system):
    """`a r n e` open the form of a step that may be taken now; in a form they are letters."""
    def act(step, **fields):
        reply = system.http("POST", f"/api/v1/cases/{case}/actions/{step}?site=haitang", {"fields": fields}, token=system.tokens()["coordinator"])
        assert reply.status == 200, reply
        system.settle()
    body = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": "键盘"}
    case = system.http("POST", "/api/v1/cases", body, token=system.tokens()["reception"]).json()["case_id"]
    system.settle()
    console.go(f"/case/{case}", ".case-head")
    for key in ("r", "e"):  # not now
        console.key(key)
    console.key("a")
    console.there("[data-step=dispatch][aria-expanded=true]")
    console.wait("return Boolean(document.activeElement.closest('form.action'))")
    console.press("form.action textarea[name=note]")
    for key in "anre?":
        console.key(key)
    assert console.value("form.action textarea[name=note]") == "anre?"
    console.key("Enter", ctrl=True)
    console.gone("form.action")
    console.key("n")
    console.wait("return document.activeElement.name === 'remark'")
    console.devtools("Input.insertText", text="内部：已电话说明")
    console.look("key-note")
    console.key("Enter", ctrl=True)
    console.gone("form.action")
    console.shows("内部：已电话说明", ".timeline .note-internal")
    act("accept")
    act("handle", result="已说明")
    console.go(f"/case/{case}", ".case-head")
    console.key("r")
    console.wait("return document.activeElement.name === 'reply_text'")
    console.script("document.activeElement.blur()")
    console.key("n")  # here is no step for notes alone: the note is the open form's
    console.wait("return document.activeElement.name === 'note' && document.querySelector('[data-step=answer]').ariaExpanded === 'true'")
    console.press("form.action .actions .el-button:last-of-type")
    console.gone("form.action")
    console.key("?")
    for text in ("In a case: answer", "In a case: assign it", "Shift+F2"):
        console.shows(text, "dialog")
    console.look("keys")
    nothing_acts_behind_a_dialog(console)
    console.key("Escape")


def leaves_single_keys_off(console, system):
    """Switched off for this browser, also after signing out, letters do nothing; Ctrl+Enter and F2 still act."""
    def turn(on):
        console.go("/account")
        console.press("input[name=single_keys]")
        console.wait("return document.querySelector('input[name=single_keys]').checked === arguments[0]", on)
    turn(False)
    console.look("account-keys")
    signs_out(console)
    console.sign_in("coordinator")
    console.go("/all")
    console.there("a.number")
    for key in "j/?":
        console.key(key)
    assert console.script("return document.activeElement === document.body") and not console.find_all("dialog[open]")
    body = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": "无单键"}
    case = system.http("POST", "/api/v1/cases", body, token=system.tokens()["reception"]).json()["case_id"]
    system.settle()
    console.go(f"/case/{case}", ".case-head")
    console.key("a")
    assert not console.find_all("form.action") and not console.find_all("[aria-keyshortcuts]")
    console.press("[data-step=dispatch]")
    console.there("form.action")
    console.key("Enter", ctrl=True)
    console.gone("form.action")
    console.go("/reception", "[name=kind]")
    console.script("window.opened = []; window.open = address => { window.opened.push(address); return null; }")
    console.choose_in("category", "noise")
    console.there(".beside a.number")
    console.key("F2")
    console.wait("return window.opened.length === 1")
    console.press("header .tools button[aria-label=Keyboard]")
    console.shows("switched off in this browser", "dialog[open]")
    console.look("keys-off")
    console.press("dialog[open] a")
    console.alert_text()  # a category was chosen
    console.answer_alert(True)
    console.there("input[name=single_keys]")
    console.gone("dialog[open]")
    turn(True)
    console.go("/all")
    console.there("a.number")
    console.key("/")
    console.wait("return document.activeElement.type === 'search'")


def test_a_day():
    with System("--demo") as system:
        system.settle()
        with Console(system, "zh-CN") as console:
            number = registers_a_call_with_the_keyboard(console)
        with Console(system, "en", phone=True) as console:
            console.sign_in("coordinator")
            goes_from_step_to_step(console, number)
            nobody_overwrites_another(console, system, number)
            tells_public_from_internal(console, system, number)
            sees_what_others_do(console, system)
            says_what_is_wrong_and_goes_on(console)
            opens_steps_by_keys(console, system)
            leaves_single_keys_off(console, system)


def code_of(secret):
    """What an authenticator shows now (RFC 6238)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1").digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


def signs_out(console):
    console.press("header .tools button:last-of-type")
    console.there("input[name=account]")


def test_signing_in():
    """By password, then with a second factor; the session is nothing a script can read, and ends where it is told to."""
    with System("--demo") as system, Console(system, "en") as console:
        console.go("/case/20200101-complaint-999")  # after signing in one is where one wanted to be
        console.there(".demonstration")
        console.look("sign-in")
        console.fill("input[name=account]", "handler")
        console.fill("input[name=password]", system.passwords()["handler"])
        console.key("Enter")
        console.wait("return location.pathname === '/console/case/20200101-complaint-999'")
        assert not console.script("return document.cookie + JSON.stringify(sessionStorage)").strip("{}").count("session=")
        cookie = console.cookies()["session"]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict", cookie
        console.go("/account")
        console.look("account")
        console.press("section.card:nth-of-type(1) > .el-button")
        console.there(".code")
        console.wait("const one = document.querySelector('img.totp'); return one?.complete && one.naturalWidth > 0")
        console.look("enrolment")
        secret = console.text(".code")
        console.fill("input[name=code]", code_of(secret))
        console.key("Enter")
        console.there(".codes li")
        recovery = console.text(".codes li:nth-child(2)")
        console.look("recovery")
        console.fill("input[name=token_name]", "weekly export")
        console.press("input[name=scope][value=read]")
        console.press(".tokens form button[type=submit]")
        console.there(".tokens .made")
        token = console.text(".tokens .made")
        assert system.http("GET", "/api/v1/session", token=token).json()["scopes"] == ["read"]
        console.shows("weekly export", ".tokens ul")
        console.look("tokens")
        console.script("[...document.querySelectorAll('.tokens li')].find(one => one.innerText.includes('weekly export')).querySelector('button').click()")
        console.wait("return !document.querySelector('.tokens').innerText.includes('weekly export')")
        signs_out(console)
        assert "session" not in console.cookies()
        console.fill("input[name=account]", "handler")
        console.fill("input[name=password]", system.passwords()["handler"])
        console.key("Enter")
        console.there(".el-alert--error")  # the code is missing
        console.fill("input[name=code]", recovery)
        console.key("Enter")
        console.there("nav")
        console.go("/work")
        assert console.find_all("a.number") and not console.find_all("select[name=person]")
        console.look("my-work")
        with Console(system, "en") as other:
            other.sign_in("reception")
            other.go("/account")
            other.press("section.card:last-of-type .el-button")
            other.there("input[name=account]")


def sign_in_here(console, account, password):
    """On the page that is shown, without loading it anew."""
    console.there("input[name=account]")
    console.fill("input[name=account]", account)
    console.fill("input[name=password]", password)
    console.key("Enter")
    console.there("nav")
    console.gone(".el-skeleton")


def offline(console, yes):
    console.devtools("Network.enable")
    console.devtools("Network.emulateNetworkConditions", offline=yes, latency=0, downloadThroughput=-1, uploadThroughput=-1)


def test_leaving():
    """Nobody believes to have left who has not; and whoever comes after sees nothing of who was there."""
    with System("--demo") as system, Console(system, "en") as console:
        console.sign_in("coordinator")
        console.shows("陈晨", ".who")
        offline(console, True)
        console.press("header .tools button:last-of-type")
        console.there(".el-alert--error")
        console.look("not-left", error=True)
        assert console.find_all("nav") and "session" in console.cookies()
        offline(console, False)
        console.press("main .el-alert .el-button")
        console.there("input[name=account]")
        assert "session" not in console.cookies() and console.script("return location.search") == ""
        sign_in_here(console, "coordinator", system.passwords()["coordinator"])
        does_not_lose_what_is_written(console, system)
        signs_out(console)
        sign_in_here(console, "coordinator", system.passwords()["coordinator"])
        console.go("/all")
        site = console.text(".only-site")
        cookie = f"session={console.cookies()['session']['value']}"
        csrf = system.http("GET", "/api/v1/session", headers={"Cookie": cookie}).json()["csrf"]
        assert system.http("DELETE", "/api/v1/session", headers={"Cookie": cookie, "X-CSRF-Token": csrf}).status == 200  # elsewhere
        console.there("input[name=account]")  # the stream of changes ended, and may not come again
        assert not console.find_all("a.number") and site not in console.text("body") and "陈晨" not in console.text("body")
        sign_in_here(console, "renhe-handler", system.passwords()["renhe-handler"])
        console.wait("return document.querySelector('.who') && !document.body.innerText.includes(arguments[0])", site)
        assert console.text(".only-site") and "陈晨" not in console.text("body")


def test_first_password():
    """By the administrator's link, then changed."""
    with System("--demo") as system, Console(system, "en") as console:
        link = system.run("account", "password", "head").stdout.split()[0]
        console.open(link)
        console.wait("return document.querySelector('input[name=code]')?.value && document.querySelector('input[name=account]').value === 'head'")
        console.wait("return location.pathname === '/console/signin' && location.hash === ''")
        console.look("first-password")
        console.fill("input[name=password]", "three unrelated words")
        console.key("Enter")
        console.there("nav")
        assert "code=" not in console.script("return JSON.stringify([location.href, history.state, {...sessionStorage}, {...localStorage}])")
        console.go("/account")
        console.fill("input[name=old]", "three unrelated words")
        console.fill("input[name=password]", "short")
        console.key("Enter")
        console.there(".el-alert--error")
        console.fill("input[name=password]", "four quite unrelated words")
        console.key("Enter")
        console.there(".el-alert--success")
        console.look("changed")
        signs_out(console)
        sign_in_here(console, "head", "four quite unrelated words")


def test_second_factor_demanded():
    """An administrator demands it of whoever may report; who signs in next sets it up, and goes on where everything is."""
    with System("--demo") as system, Console(system, "en") as console:
        console.sign_in("admin")
        console.go("/organisation/sites")
        console.press("[data-id=haitang]")
        console.press("[data-input=second_factor] input[value=report]")
        console.look("organisation-second-factor")
        console.key("Enter", ctrl=True)
        eventually("saved", lambda: next(one for one in system.http("GET", "/api/v1/organisation", token=system.tokens()["admin"]).json()["sites"]
                                         if one["id"] == "haitang").get("second_factor") == ["report"])
        signs_out(console)
        console.fill("input[name=account]", "coordinator")
        console.fill("input[name=password]", system.passwords()["coordinator"])
        console.key("Enter")
        console.there(".second-needed")
        console.go("/all")  # leads back
        console.there(".second-needed")
        console.wait("return location.pathname === '/console/account'")
        assert not console.find_all("nav") and not console.find_all(".tokens")
        console.there(".code")
        console.look("second-factor-needed")
        console.fill("input[name=code]", code_of(console.text(".code")))
        console.key("Enter")
        console.there(".codes li")
        console.look("second-factor-codes")
        console.press(".go-on")
        console.there("nav")
        console.go("/all")
        console.there("a.number")


if __name__ == "__main__":
    main([test_what_is_given_out, test_signing_in, test_leaving, test_first_password, test_second_factor_demanded, test_a_day, test_files_of_a_call])
