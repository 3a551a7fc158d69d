"""Every screen there is: the routes of the console's router and the pages of the portal, as their own sources name them, so that a new one
fails until it stands here. Each in both languages, on a phone and on a wide screen, light and dark: nothing scrolls sideways, axe-core finds
nothing, there is one title, no word is in the other language, nothing went wrong unseen, and something is there to read. And each
while the server refuses, is silent or slow: that is said, and there is a way to try again."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser
from console import WIDE, Console
from harness import SOURCE, System, main
from visitor import Visitor

CONSOLE = os.path.join(SOURCE, "services/gateway/console/src")
BOTH = [(language, phone) for language in ("zh-CN", "en") for phone in (True, False)]


def read(path):
    with open(path) as f:
        return f.read()


def named(path, name):
    """The words of a list in a source: export const name = ["a", "b"]."""
    return re.findall(r'"(\w+)"', re.search(rf"export const {name} = \[(.*?)\]", read(os.path.join(CONSOLE, path)))[1])


# Where each route of the router is looked at. {case}: one that is there.
SCREENS = {
    "signin": ["/signin"],
    "cases": [f"/{one}" for one in named("lib/filter.ts", "lists")],
    "case": ["/case/{case}"],
    "elsewhere": ["/elsewhere/00000000000000ff/1"],  # no such case; test_headquarters.py sees one
    "reception": ["/reception"],
    "dispatch": ["/dispatch"],
    "figures": ["/figures"],
    "policies": ["/policies"],
    "audit": ["/audit"],
    "organisation": [f"/organisation/{one}" for one in named("lib/organisation.ts", "parts")],
    "account": ["/account"],
    "unknown": ["/nothing-here"],
}
ASK_NOTHING = {"signin", "unknown"}
SPARED = ["/session", "/about", "/organisation", "/policies"]  # without them there is no frame to show anything in


def routes():
    found = re.findall(r'{ path: ["`](.*?)["`], (?:name: "(\w+)"|redirect)', read(os.path.join(CONSOLE, "router.ts")))
    assert len(found) == read(os.path.join(CONSOLE, "router.ts")).count("path: "), found
    return [name for _, name in found if name]


def screens(case, without=()):
    """(name of the route, address), of all."""
    assert sorted(SCREENS) == sorted(routes()), "a route of the router that no test looks at, or one that is no more"
    return [(name, address.format(case=case)) for name in SCREENS if name not in without for address in SCREENS[name]]


def a_case(system):
    system.settle()
    reply = system.http("GET", "/api/v1/cases?site=haitang&kind=complaint&limit=1", token=system.tokens()["coordinator"])
    return reply.json()["rows"][0]["case_id"]


def shows_something(console):
    """A title, and below it what there is, or that there is nothing."""
    said = console.script("""const shown = one => one.getClientRects().length > 0, main = document.querySelector("main");
        const title = [...main.querySelectorAll("h1")].find(shown)?.innerText.trim() ?? "";
        return [title, main.innerText.replace(title, "").trim(), document.title, [...main.querySelectorAll("table, .state.empty, .state .el-alert, form, section, dl, a")].some(shown)]""")
    assert all(said), (console.url(), said)


def looks_at(console, name, address, error=False):
    console.go(address)
    console.gone(".el-skeleton")
    shows_something(console)
    look = f"screen-{address.strip('/').replace('/', '-')}"
    console.look(look, error=error, words=True)
    console.emulated(prefers_color_scheme="dark")
    console.wait("return document.documentElement.classList.contains('dark')")
    console.look(f"{look}-dark", error=error)
    console.emulated()


def test_every_screen():
    with System("--demo") as system:
        case = a_case(system)
        for language, phone in BOTH:
            with Console(system, language, phone) as console:
                looks_at(console, "signin", "/signin")
                console.fill("input[name=account]", "admin")
                console.fill("input[name=password]", "wrong-wrong-wrong")
                console.key("Enter")
                console.there(".el-alert--error")
                console.look("screen-refused", error=True, words=True)
                console.sign_in("admin")
                for name, address in screens(case, without={"signin"}):
                    looks_at(console, name, address, error=name == "elsewhere")
                leaves(console)
                console.sign_in("coordinator")  # who may act has more to see than who may read
                for name, address in screens(case, without=set(SCREENS) - {"cases", "dispatch", "reception", "case"}):
                    looks_at(console, name, address)
                console.go(f"/case/{case}", ".case-head")
                console.press(".check input")  # the time line with what programs did
                console.look("screen-case-all", words=True)


def leaves(console):
    console.press("header .tools button:last-of-type")
    console.there("input[name=account]")


# ---- the server refuses, is silent, is slow ----

AGAIN = {"en": "Try again", "zh-CN": "重试"}
SAYS_SO = """
const shown = one => one.getClientRects().length > 0;
return [...document.querySelectorAll("main [role=alert]")].some(shown) && [...document.querySelectorAll("main button")].some(one => shown(one) && one.innerText.trim() === arguments[0]);
"""


def tries_again(console):
    """Every button that offers it."""
    console.heal()
    console.script("for (const one of document.querySelectorAll('button')) if (one.getClientRects().length && one.innerText.trim() === arguments[0]) one.click()", AGAIN[console.language])
    console.gone(".el-skeleton")
    console.wait("return ![...document.querySelectorAll('[role=alert]')].some(one => one.getClientRects().length > 0)")
    shows_something(console)


def says_that_it_failed(console, name, address, how):
    console.broken(how, SPARED)
    console.open(f"http://127.0.0.1:{console.system.port}/console{address}")
    console.wait(SAYS_SO, AGAIN[console.language])
    console.look(f"{how}-{address.strip('/').replace('/', '-')}", error=True, words=True)
    if name == "elsewhere":  # there is no such case
        console.heal()
    else:
        tries_again(console)


def says_that_it_waits(console, name, address):
    console.broken("slow", SPARED)
    console.open(f"http://127.0.0.1:{console.system.port}/console{address}")
    console.wait("return [...document.querySelectorAll('[role=status] .el-skeleton')].some(one => one.getClientRects().length > 0)")
    assert console.text("h1"), address
    wrong = console.script("return [...window.refused, ...(document.documentElement.scrollWidth > innerWidth ? ['scrolls sideways'] : [])]")
    assert not wrong, (address, wrong)
    console.heal()
    console.gone(".el-skeleton")
    shows_something(console)


def the_frame_too(console):
    """When nothing at all is answered there is still something that says so."""
    for how in ("refused", "silent"):
        console.broken(how, ["/session", "/about"])
        console.open(f"http://127.0.0.1:{console.system.port}/console/all")
        console.wait(SAYS_SO, AGAIN[console.language])
        console.look(f"{how}-frame", error=True, words=True)
        tries_again(console)
        console.broken(how)
        console.open(f"http://127.0.0.1:{console.system.port}/console/all")
        console.wait("return location.pathname === '/console/signin' && document.querySelector('[role=alert]')")
        console.look(f"{how}-nobody", error=True, words=True)
        console.heal()
        console.fill("input[name=account]", "admin")
        console.fill("input[name=password]", console.system.passwords()["admin"])
        console.key("Enter")
        console.wait("return location.pathname === '/console/all'")
        console.gone(".el-skeleton")


def a_page_that_does_not_come(console):
    """The script of a screen comes when it is first opened: without a network it does not."""
    console.go("/all")
    console.devtools("Network.enable")
    console.devtools("Network.setCacheDisabled", cacheDisabled=True)  # it has been opened before
    console.devtools("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    console.key("g")
    console.key("f")
    console.there(".not-opened")
    console.look("not-opened", error=True, words=True)
    console.press(".not-opened .el-button")
    console.there(".not-opened .el-button:not(.is-loading)")
    console.devtools("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    console.press(".not-opened .el-button")
    console.there(".cards")
    console.gone(".not-opened")
    console.devtools("Network.setCacheDisabled", cacheDisabled=False)


def what_is_typed_stays(console, case):
    """Somebody else was faster, and the case cannot be read anew: the form and what was typed in it are there until it can."""
    step = f"/cases/{case}/actions/amend"
    console.go(f"/case/{case}", ".case-head")
    console.press("[data-step=amend]")
    console.fill("form.action textarea[name=note]", "还没写完")
    reply = console.system.http("POST", f"/api/v1{step}?site=haitang", {"note": "先改"}, token=console.system.tokens()["coordinator"])
    assert reply.status == 200, reply
    console.script("window.fault = 'refused'; window.spared = [arguments[0]]", step)
    console.press("form.action button[type=submit]")
    console.wait(SAYS_SO, AGAIN[console.language])
    assert console.value("form.action textarea[name=note]") == "还没写完"
    tries_again_at(console)
    assert console.value("form.action textarea[name=note]") == "还没写完"
    console.press("form.action button[type=submit]")
    console.gone("form.action")
    console.shows("还没写完", ".timeline")


def tries_again_at(console):
    console.script("window.fault = ''")
    console.press(".state .el-button")
    console.gone(".state .el-alert")


def test_when_it_fails():
    with System("--demo") as system:
        case = a_case(system)
        for how, language, phone in (("refused", "en", False), ("silent", "zh-CN", True)):
            with Console(system, language, phone) as console:
                console.sign_in("admin")
                for name, address in screens(case, without=ASK_NOTHING):
                    says_that_it_failed(console, name, address, how)
                if not phone:
                    the_frame_too(console)
                    a_page_that_does_not_come(console)
        with Console(system, "en", phone=True) as console:
            console.sign_in("coordinator")
            what_is_typed_stays(console, case)
            leaves(console)
            console.sign_in("admin")
            for name, address in screens(case, without=ASK_NOTHING):
                says_that_it_waits(console, name, address)


# ---- the portal ----

def portal_pages():
    """What a browser can be led to: of its table of routes."""
    table = read(os.path.join(SOURCE, "services/gateway/routes.c"))
    return re.findall(r'{"GET", "([^"]+)", portal_\w+,', table)


def filed(system, visitor):
    """A complaint over the portal, from its form to its receipt; its number, code, and the receipt's own address."""
    browser = visitor.browser
    visitor.open("/submit?site=haitang&kind=complaint")
    browser.choose("input[name=category]", "lift")
    browser.type("#place", "三号楼电梯")
    browser.type("#text", "电梯停在三楼，门打不开")
    browser.follow("main form .button")
    visitor.at("/receipt")
    return browser.text("#number"), browser.text("#code"), "/" + browser.script("return document.querySelector(\"a[href^='/r/']\").href").split("/", 3)[3]


def every_page(system, visitor):
    """Each page of the table; how one comes there, and to what it says when there is nothing."""
    browser = visitor.browser
    looked = []

    def look(route, path=None, refused=False):
        looked.append(route)
        if path:
            visitor.open(path)
        visitor.look(f"page-{route.strip('/').replace('/', '-') or 'home'}{'-refused' if refused else ''}")
        strange(visitor)

    label = system.http("GET", "/api/v1/labels?site=haitang&format=json&places=2%E5%8F%B7%E6%A5%BC", token=system.tokens()["reception"])
    look("/", "/")
    look("/submit", "/submit?site=haitang")
    look("/submit", "/submit?site=haitang&kind=complaint")
    look("/submit", "/submit?site=nowhere", refused=True)
    look("/receipt", "/receipt", refused=True)  # without having filed one
    look("/case", "/case", refused=True)
    number, code, proof = filed(system, visitor)
    look("/receipt")
    look("/r/{entry}", proof)
    look("/r/{entry}", proof[:-4] + "AAAA", refused=True)
    look("/s/{place}", "/" + label.json()["labels"][0]["address"].split("/", 3)[3])
    look("/s/{place}", "/s/none", refused=True)
    look("/track", "/track")
    browser.type("#number", number)
    browser.type("#code", code)
    browser.follow("main .button")
    system.settle()
    look("/case", "/case")
    look("/case/files/{file}", "/case/files/none", refused=True)  # else it is a download
    look("/case/letters/{document}/{issue}", "/case/letters/none/1", refused=True)  # test_letter.py reads one
    look("/problems", "/problems?site=haitang")
    look("/problem", "/problem?site=haitang&id=1", refused=True)  # test_portal.py joins one
    left = set(portal_pages()) - set(looked) - {"/static/portal.css", "/static/portal.js"}
    assert not left, f"pages of the portal that no test looks at: {left}"


def strange(visitor):
    """Chinese on an English page is the name of a language, or what was written."""
    if visitor.browser.language != "en":
        return
    found = visitor.browser.script("""const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, {acceptNode: node => node.nodeType === 1 && (node.lang && node.lang !== "en" || ["SCRIPT", "STYLE"].includes(node.tagName)) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT});
        const texts = [document.title];
        for (let node = walker.currentNode; node; node = walker.nextNode()) texts.push(node.nodeType === 3 ? node.nodeValue : ["aria-label", "title", "placeholder", "alt"].map(name => node.getAttribute(name) ?? "").join(" "));
        return texts.join("\\n").match(/[\\p{Script=Han}]+/gu) ?? []""")
    typed = "三号楼电梯停在三楼门打不开2号楼"
    assert all(words in typed or words in "电梯停在三楼，门打不开" for words in found), (visitor.browser.url(), found)


def test_every_page_of_the_portal():
    with System("--demo") as system:
        for language, phone in BOTH:
            with Browser(language=language, **({} if phone else {"width": WIDE[0], "height": WIDE[1]})) as browser:
                every_page(system, Visitor(system, browser, f"screens-{language}-{browser.width}"))


if __name__ == "__main__":
    main([test_every_screen, test_when_it_fails, test_every_page_of_the_portal])
