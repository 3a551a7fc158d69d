"""Notes of a case, public and internal: told apart where they are written, a public one sent by nobody unawares, and what the complainant then reads at the
portal and what not."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser
from console import Console
from harness import System, main

INTERNAL, PUBLIC = "来电人语气激动，先请主管看", "已约明天上午上门查看"
SAYS = {"en": {"internal": "only staff read this", "public": "the complainant reads this"}, "zh-CN": {"internal": "诉求人看不到", "public": "诉求人在查询页能看到"}}


def ground(console, selector):
    return console.script("return getComputedStyle(document.querySelector(arguments[0])).backgroundColor", selector)


def writes_an_internal_one(console, language):
    """By its key. There is one box to write in, and it says who reads it."""
    console.key("n")
    console.wait("return document.activeElement.name === 'remark'")
    assert SAYS[language]["internal"] in console.text("form.note-internal .note-reader")
    assert len(console.find_all("form.action textarea")) == 1 and not console.find_all("[name=confirm_public]")
    console.devtools("Input.insertText", text=INTERNAL)
    console.look("note-internal")
    colour = ground(console, "form.note-internal")
    console.key("Enter", ctrl=True)
    console.gone("form.action")
    console.shows(INTERNAL, ".timeline li.note-internal")
    return colour


def writes_a_public_one(console, case, language, other_colour):
    """It is sent once whoever writes it has confirmed who reads it, each time anew."""
    console.press("[data-step=public_note]")
    assert SAYS[language]["public"] in console.text("form.note-public .note-reader")
    assert len(console.find_all("form.action textarea")) == 1
    assert ground(console, "form.note-public") != other_colour
    console.fill("form.action textarea[name=progress_note]", PUBLIC)
    console.key("Enter", ctrl=True)
    console.there("form.action input[name=confirm_public]:invalid")
    file = console.system.http("GET", f"/api/v1/cases/{case['case_id']}", token=console.system.tokens()["coordinator"]).json()
    assert not [one for one in file["facts"] if one["name"] == "progress_note"], file
    console.press("input[name=confirm_public]")
    console.look("note-public")
    console.key("Enter", ctrl=True)
    console.gone("form.action")
    console.shows(PUBLIC, ".timeline li.note-public")
    console.press("[data-step=public_note]")
    assert not console.find_all("[name=confirm_public]:checked")


def reads(system, case, language):
    with Browser(javascript=False, language=language) as browser:
        browser.open(f"http://127.0.0.1:{system.port}/track")
        browser.type("#number", case["number"])
        browser.type("#code", case["tracking_code"])
        browser.follow("main form .button")
        browser.check_page(language)
        page = browser.call("GET", "/source")
        assert PUBLIC in page and INTERNAL not in page, page


def test_notes_are_not_mixed_up():
    with System("--demo") as system:
        for language, phone in (("zh-CN", False), ("en", True)):
            body = {"site": "haitang", "kind": "complaint", "category": "water", "channel": "phone", "text": "水压太低", "party": {"name": "某某"}}
            case = system.http("POST", "/api/v1/cases", body, token=system.tokens()["reception"]).json()
            system.settle()
            with Console(system, language, phone) as console:
                console.sign_in("handler")
                console.go(f"/case/{case['case_id']}", ".case-head")
                colour = writes_an_internal_one(console, language)
                writes_a_public_one(console, case, language, colour)
            system.settle()
            reads(system, case, language)


if __name__ == "__main__":
    main([test_notes_are_not_mixed_up])
