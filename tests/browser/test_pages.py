"""Every page of the portal, as the gateway's table of routes names them, so that a new one fails until it is looked at: in both languages, on a phone and
on a wide screen, light and dark; what it says when there is nothing to show, too."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser
from console import WIDE
from harness import SOURCE, System, main
from screens import BOTH, read
from visitor import Visitor, write_slowly


def portal_pages():
    """What a browser can be led to: of its table of routes."""
    table = read(os.path.join(SOURCE, "services/gateway/routes.c"))
    return [path for path in re.findall(r'{"GET", "([^"]+)", portal_\w+,', table) if not path.startswith("/api/")]


def filed(system, visitor):
    """A complaint over the portal, from its form to its receipt; its number, code, and the receipt's own address."""
    browser = visitor.browser
    visitor.open("/submit?site=haitang&kind=complaint")
    browser.choose("input[name=category]", "lift")
    browser.type("#place", "三号楼电梯")
    browser.type("#text", f"电梯停在三楼，门打不开 {visitor.name}")  # else it were the same words again
    write_slowly(browser)
    browser.follow("main form .button")
    visitor.at("/receipt")
    return browser.text("#number"), browser.text("#code"), "/" + browser.script("return document.querySelector(\"a[href^='/r/']\").href").split("/", 3)[3]


def held(visitor):
    """What looks like a program's: with its trap filled in, before the puzzle is solved."""
    browser = visitor.browser
    visitor.open("/submit?site=haitang&kind=complaint")
    browser.choose("input[name=category]", "lift")
    browser.type("#text", f"电梯停在三楼，门打不开 {visitor.name}")  # else it were the same words again
    browser.script("const form = document.querySelector('form#form'); form.elements.homepage.value = 'x'; form.elements.work.remove()")
    browser.follow("main form .button")
    visitor.at("/held")


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
    held(visitor)
    look("/held")
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
    look("/notices", "/notices?site=haitang")  # test_portal.py reads some
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
    main([test_every_page_of_the_portal])
