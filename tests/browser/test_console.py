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
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import SOURCE, SKIP, System, main

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
    console.there("input[name=kind]")
    console.wait("return document.activeElement.name === 'kind'")
    console.key("Tab")
    console.key("Tab")
    console.wait("return document.activeElement.name === 'category'")
    console.pick("select[name=category]", "noise")
    console.key("Tab")
    console.devtools("Input.insertText", text=HOSTILE)
    console.key("Tab")
    console.wait("return document.activeElement.name === 'place'")
    console.devtools("Input.insertText", text="3-1201")
    console.wait("return document.activeElement.value === '3-1201'")
    console.fill("input[name=name]", "张丽华")
    console.fill("input[name=phone]", "13800001234")
    console.shows("20", "section[aria-labelledby=alike]")
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
    reply = system.http("POST", f"/api/v1/cases/{number}/actions/contact?site=haitang", {"fields": {"contact_by": "phone"}}, token=system.tokens()["coordinator"])
    assert reply.status == 200, reply
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


def test_what_is_given_out():
    the_lock_file_names_no_registry()
    no_html_is_made_of_text()
    types_and_translations_agree()
    with System("--demo") as system:
        if system.http("GET", "/console/").status == 404:
            print("skipped: the gateway was built without the console")
            raise SystemExit(SKIP)
        files_are_small_cached_and_closed(system)


def test_a_day():
    with System("--demo") as system:
        system.settle()
        with Console(system, "zh-CN") as console:
            number = registers_a_call_with_the_keyboard(console)
        with Console(system, "en", phone=True) as console:
            console.sign_in("coordinator")
            goes_from_step_to_step(console, number)
            nobody_overwrites_another(console, system, number)
            sees_what_others_do(console, system)
            says_what_is_wrong_and_goes_on(console)


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
        console.look("enrolment")
        secret = console.text(".code")
        console.fill("input[name=code]", code_of(secret))
        console.key("Enter")
        console.there(".codes li")
        recovery = console.text(".codes li:nth-child(2)")
        console.look("recovery")
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


def test_every_screen():
    """Each in both languages, on a phone and on a wide screen."""
    with System("--demo") as system:
        system.settle()
        for language in ("zh-CN", "en"):
            for phone in (True, False):
                with Console(system, language, phone) as console:
                    console.go("/signin")
                    console.look("signin")
                    console.fill("input[name=account]", "coordinator")
                    console.fill("input[name=password]", "wrong-wrong-wrong")
                    console.key("Enter")
                    console.there(".el-alert--error")
                    console.look("refused", error=True)
                    console.sign_in("coordinator")
                    for page in ("work", "account", "approvals", "department", "joint", "sealed", "near", "late", "all", "dispatch", "figures", "reception"):
                        console.go(f"/{page}")
                        console.look(page)
                    console.go("/all")
                    console.press("a.number")
                    console.there(".case-head")
                    console.press(".check input")
                    console.look("case-all")


if __name__ == "__main__":
    main([test_what_is_given_out, test_signing_in, test_leaving, test_first_password, test_a_day, test_every_screen])
