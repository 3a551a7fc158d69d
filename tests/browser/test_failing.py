"""Every screen of the console (screens.py) while the server refuses, is silent or slow: that is said, in the reader's language, there is a way to try
again, and then all is well; what was typed stays."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main
from screens import NOBODYS, a_case, leaves, screens, shows_something

ASK_NOTHING = {"signin", "unknown"}
SPARED = ["/session", "/about", "/organisation", "/policies"]  # without them there is no frame to show anything in
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
    if name in NOBODYS:
        console.heal()
    else:
        tries_again(console)


def says_that_it_waits(console, name, address):
    console.broken("slow", SPARED)
    console.open(f"http://127.0.0.1:{console.system.port}/console{address}")
    console.wait("return [...document.querySelectorAll('[role=status] .el-skeleton')].some(one => one.getClientRects().length > 0)")
    console.wait("return [...document.querySelectorAll('h1')].some(one => one.getClientRects().length > 0 && one.innerText.trim())")
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
    read = console.system.http("GET", f"/api/v1/cases/{case}/timeline?site=haitang&purpose=test", token=console.system.tokens()["coordinator"])
    assert "还没写完" in read.body.decode(), read


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


if __name__ == "__main__":
    main([test_when_it_fails])
