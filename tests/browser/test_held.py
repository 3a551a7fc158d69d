"""What looks like a program's, from the form to the case: held, seen by the desk in the list and by its badge, refused with a reason that its
sender reads, or let in and a case; on a phone and at a desk, in both languages."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser
from console import Console
from harness import System, main
import portal
from screens import BOTH
from test_pages import held
from visitor import Visitor

SAYS = {"zh-CN": {"held": "待人工核对", "refused": "未予登记", "none": "没有待核的提交", "made": "已登记为", "trap": "填了隐藏栏"},
        "en": {"held": "looked at by a person", "refused": "Not registered", "none": "Nothing is held", "made": "Registered as", "trap": "Hidden field filled in"}}


def sent(visitor):
    """Its number and code, as its sender reads them."""
    held(visitor)
    visitor.says_in("h1", SAYS[visitor.browser.language]["held"])
    return visitor.browser.text("#number"), visitor.browser.text("#code")


def tracked(visitor, number, code):
    visitor.open("/track")
    visitor.browser.type("#number", number)
    visitor.browser.type("#code", code)
    visitor.browser.follow("main .button")


def at_the_desk(console, says, refused, let_in):
    """Refuses the one and lets the other in; the number of the case."""
    row = ".held-row:has([aria-label$='{}'])"
    console.sign_in("reception")
    console.wait("return document.querySelector(\"nav a[href='/console/held'] .badge\")?.textContent.includes('2')")
    console.go("/held", ".held-row")
    console.shows(says["trap"], row.format(let_in))
    console.shows("电梯停在三楼，门打不开", row.format(let_in))
    console.look("held")
    console.press(f"{row.format(refused)} .turn-away")
    console.fill(".refuse-held textarea", "广告，与本小区无关")
    console.look("held-refusing")
    for away in (f"{row.format(let_in)} .turn-away", ".held-which button:last-child", ".refuse-held button:not([type=submit])"):
        console.press(away)
        console.alert_text()
        console.answer_alert(False)
    console.press(f"{row.format(let_in)} .let-in")
    console.shows(says["made"], ".held-done")
    console.gone(row.format(let_in))
    assert console.value(".refuse-held textarea") == "广告，与本小区无关"  # typed for one, it outlives what becomes of another
    console.wait("return document.querySelector(\"nav a[href='/console/held'] .badge\")?.textContent.includes('1')")
    console.press(".refuse-held [type=submit]")
    console.shows(refused, ".held-done")
    console.shows(says["none"], ".state.empty")
    assert not console.find_all("nav a[href='/console/held'] .badge")
    console.look("held-empty")
    console.press(".held-which button:last-child")
    console.shows("广告，与本小区无关", ".held-row")
    console.look("held-refused")
    console.press(".held-which button:first-child")
    console.shows(says["none"], ".state.empty")


def of_one(system, language, phone):
    says = SAYS[language]
    with Browser(language=language) as browser, Console(system, language, phone) as console:
        visitor = Visitor(system, browser, f"{language}-held-{console.width}")
        refused, _ = first = sent(visitor)
        let_in, _ = second = sent(visitor)
        at_the_desk(console, says, refused, let_in)
        tracked(visitor, *first)
        visitor.at("/held")
        visitor.says_in("h1", says["refused"])
        visitor.says_in("#reason", "广告，与本小区无关")
        red, green, blue = browser.script("return getComputedStyle(document.querySelector('.panel')).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)")
        assert max(red, green, blue) - min(red, green, blue) < 32, (red, green, blue)  # neither good nor bad
        visitor.look("held-refused")
        system.settle()
        tracked(visitor, *second)
        visitor.at("/case")
        number = browser.text("main .code")
        assert let_in not in number, number
        console.go(f"/case/{number}")
        console.shows("电梯停在三楼，门打不开")
        console.shows(let_in, ".timeline")  # by whom, and under which number it was held
        console.look("held-case")


def more_than_a_page(system):
    """What was looked up further down stays when one of them is decided."""
    program = portal.Browser(system.port)
    for n in range(12):
        form = program.get("/submit?site=haitang&kind=complaint").form_at("/submit")
        program.send(form, category="lift", text=f"买一送一 {n}", work="")
    with Console(system, "zh-CN") as console:
        console.sign_in("reception")
        console.go("/held", ".held-row")
        assert len(console.find_all(".held-row")) == 10
        console.press(".more button")
        console.wait("return document.querySelectorAll('.held-row').length === 12")
        console.press(".held-row .let-in")
        console.there(".held-done")
        assert len(console.find_all(".held-row")) == 11
        console.shows("买一送一 11", ".held-row:last-of-type")


def comes_and_goes_by_itself(system):
    """Who looks at the list, or at another screen, sees at once that something is held, and that somebody else has decided."""
    program = portal.Browser(system.port)
    with Console(system, "en") as console:
        console.sign_in("reception")
        console.go("/held", ".state.empty")
        program.send(program.get("/submit?site=haitang&kind=complaint").form_at("/submit"), category="lift", text="自动送来", work="")
        console.shows("自动送来", ".held-row")
        console.shows("1", "nav a[href='/console/held'] .badge")
        console.press(".held-row .turn-away")
        console.fill(".refuse-held textarea", "half written")
        token = system.tokens()["coordinator"]
        program.send(program.get("/submit?site=haitang&kind=complaint").form_at("/submit"), category="lift", text="又来一件", work="")
        console.shows("又来一件", ".held-row:last-of-type")
        second = system.http("GET", "/api/v1/held?site=haitang", token=token).json()["rows"][1]
        assert system.http("POST", f"/api/v1/held/{second['id']}/refuse", {"reason": "x"}, token=token).status == 200
        console.wait("return document.querySelectorAll('.held-row').length === 1")
        console.shows("1", "nav a[href='/console/held'] .badge")
        assert console.value(".refuse-held textarea") == "half written"
        console.press(".refuse-held [type=submit]")
        console.there(".state.empty")


def test_from_the_form_to_the_case():
    with System("--demo") as system:
        comes_and_goes_by_itself(system)
        for language, phone in BOTH[1:3]:
            of_one(system, language, phone)
        more_than_a_page(system)


if __name__ == "__main__":
    main([test_from_the_form_to_the_case])
