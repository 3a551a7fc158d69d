"""A letter of answer on the screens: the handler drafts it from the policy's words and sees it as it will look; the head refuses it, sees the
changed one beside the decision and signs; it is sent, opened from the time line as it was sent, and read by the complainant on the portal and
on paper. In both languages."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser
from console import AXE, RUN_AXE, Console
from harness import System, main

SAYS = {
    "zh-CN": {"name": "答复函", "begins": "您好：", "finding": "调查情况：阀门老化", "result": "处理结果：已换阀门", "waits": "答复函尚未批准", "print": "打开可打印的函件", "one_by_one": "函件须逐件审批"},
    "en": {"name": "Letter of answer", "begins": "To the complainant,", "finding": "What we found: 阀门老化", "result": "What was done: 已换阀门",
           "waits": "The letter is not approved yet", "print": "Open the letter for printing:", "one_by_one": "approved or refused one by one"},
}
MORE = "\n\n二号楼阀门也已检查。"


def submit(system, **party):
    body = {"site": "haitang", "kind": "complaint", "category": "water", "text": "水管漏水", "party": {"name": "欧阳铃木", "phone": "13800001234", **party}}
    reply = system.http("POST", "/api/v1/cases", body, token=system.tokens()["reception"])
    assert reply.status == 201, reply
    system.settle()
    case = reply.json()
    for step, fields in (("accept", {}), ("investigate", {"finding": "阀门老化"}), ("handle", {"result": "已换阀门"})):
        reply = system.http("POST", f"/api/v1/cases/{case['case_id']}/actions/{step}", {"fields": fields}, token=system.tokens()["handler"])
        assert reply.status == 200, reply
        system.settle()
    return case


def unmask(console):
    """What for: to answer."""
    console.press("dialog.purpose input[value=call]")
    console.press("dialog.purpose [type=submit]")
    console.gone("dialog.purpose[open]")


def sheet(console):
    return console.script("return document.querySelector('form.action .letter-sheet .words').innerText")


def drafts(console, case, says):
    console.go(f"/case/{case['case_id']}", ".case-head")
    console.press("[data-step=draft_letter]")
    console.press("form.action .draft")
    unmask(console)
    console.shows(says["begins"], ".letter-sheet")
    console.shows(says["finding"], ".letter-sheet")
    console.shows(says["result"], ".letter-sheet")
    console.shows(case["number"], ".letter-sheet")
    console.look("letter-draft")
    first = sheet(console)
    assert "…" not in first, first
    send(console)
    return first


def send(console):
    console.press("form.action [type=submit]")
    console.gone("form.action")
    console.system.settle()


def refuses(console, case, first):
    console.go("/approvals")
    console.press("a.number")
    console.there(".case-head")
    console.press("[data-step=refuse]")
    unmask(console)
    console.there("form.action .letter-sheet")
    assert sheet(console) == first, (sheet(console), first)
    console.fill("form.action textarea[name=refusal_reason]", "请写明二号楼")
    console.look("letter-refuse")
    send(console)


def changes(console, case, first, says):
    console.go(f"/case/{case['case_id']}", ".case-head")
    console.press("[data-step=draft_letter]")
    console.press("form.action .go-on")
    unmask(console)
    console.wait("return document.querySelector('textarea[name=letter]').value.length > 20")
    assert console.value("textarea[name=letter]") == first
    console.fill("textarea[name=letter]", first + MORE)
    console.shows("二号楼阀门", ".letter-sheet")
    send(console)
    console.press("[data-step=answer]")
    console.shows(says["waits"], "form.action")


def signs(console, case, changed):
    console.go(f"/case/{case['case_id']}", ".case-head")
    console.press("[data-step=sign]")
    unmask(console)
    console.there("form.action .letter-sheet")
    assert sheet(console) == changed
    console.look("letter-sign")
    send(console)


def sends(console, case, says):
    console.go(f"/case/{case['case_id']}", ".case-head")
    console.press("[data-step=answer]")
    console.fill("form.action textarea[name=reply_text]", "详见来函")
    send(console)
    number = f"{case['number']}-L1"
    console.shows(number, ".timeline .letter")
    console.shows(number, ".issued")
    console.look("letter-sent")
    return number


def opens_from_the_time_line(console, number, changed):
    """In a window of its own, after the question what for."""
    before = console.call("GET", "/window/handles")
    console.press(".timeline .letter")
    unmask(console)
    until_other = lambda: [one for one in console.call("GET", "/window/handles") if one not in before]
    for _ in range(600):
        if until_other():
            break
        console.script("return 1")
    console.call("POST", "/window", {"handle": until_other()[0]})
    console.wait("return document.readyState === 'complete' && document.querySelector('article.sheet')")
    assert console.text("div.letter") == changed, (console.text("div.letter"), changed, console.url())
    console.shows(number, ".form-head")
    on_paper(console)
    console.call("DELETE", "/window")
    console.call("POST", "/window", {"handle": before[0]})


def on_paper(browser):
    with open(AXE) as f:
        browser.script(f"{f.read()}\n; window.axe = axe;")
    wrong = browser.call("POST", "/execute/async", {"script": RUN_AXE, "args": []})
    assert not wrong, wrong


def reads(system, case, number, changed, language):
    """Without JavaScript on an old phone; then the sheet with it, so that axe can look."""
    for javascript in (False, True):
        with Browser(javascript=javascript, language=language) as browser:
            browser.open(f"http://127.0.0.1:{system.port}/track")
            browser.type("#number", case["number"])
            browser.type("#code", case["tracking_code"])
            browser.follow("main form .button")
            browser.check_page(language)
            text = browser.text("#answer")
            assert changed in text and SAYS[language]["name"] in text, text
            if javascript:
                on_paper(browser)
            assert browser.text("#answer a") == f"{SAYS[language]['print']} {number}", browser.text("#answer a")
            browser.follow("#answer a")
            assert browser.text("div.letter") == changed and number in browser.text(".form-head")
            if javascript:
                on_paper(browser)
                assert browser.script("return document.documentElement.scrollWidth <= window.innerWidth")


def not_signed_together(console, system, says):
    """Several cases at once show no words: no letter is approved or refused there."""
    for case in (submit(system), submit(system)):
        reply = system.http("POST", f"/api/v1/cases/{case['case_id']}/actions/draft_letter", {"fields": {"letter": "您好：已办。"}}, token=system.tokens()["handler"])
        assert reply.status == 200, reply
        system.settle()
    console.go("/approvals")
    console.wait("return document.querySelectorAll('td.tick input').length === 2")
    console.script("document.querySelector('thead .tick input').click()")
    console.press(".together")
    console.shows(says["one_by_one"], ".bulk")
    steps = console.script("return [...document.querySelectorAll('.bulk select[name=step] option')].map(one => one.value)")
    assert "sign" not in steps and "refuse" not in steps, steps
    console.look("letter-together")
    for number in console.script("return [...document.querySelectorAll('table.cases a.number')].map(one => one.textContent.trim())"):
        case = system.http("GET", f"/api/v1/cases?site=haitang&number={number}", token=system.tokens()["head"]).json()["rows"][0]["case_id"]
        reply = system.http("POST", f"/api/v1/cases/{case}/actions/sign", {}, token=system.tokens()["head"])
        assert reply.status == 200, reply  # which it could have been
    system.settle()


def drafts_in_the_complainants_language(console, system, language):
    """Where the case knows it, whoever writes: its words, its heading."""
    other = SAYS["en" if language == "zh-CN" else "zh-CN"]
    case = submit(system, language="en" if language == "zh-CN" else "zh-CN")
    console.go(f"/case/{case['case_id']}", ".case-head")
    console.press("[data-step=draft_letter]")
    console.press("form.action .draft")
    unmask(console)
    console.shows(other["begins"], ".letter-sheet")
    console.shows(other["name"], ".letter-sheet h4")
    console.look("letter-other")


def test_letter():
    with System("--demo") as system:
        for language, phone in (("zh-CN", False), ("en", True)):
            says, case = SAYS[language], submit(system)
            with Console(system, language, phone) as handler, Console(system, language, not phone) as head:
                handler.sign_in("handler")
                head.sign_in("head")
                first = drafts(handler, case, says)
                refuses(head, case, first)
                changes(handler, case, first, says)
                signs(head, case, first + MORE)
                number = sends(handler, case, says)
                opens_from_the_time_line(handler, number, first + MORE)
                not_signed_together(head, system, says)
                drafts_in_the_complainants_language(handler, system, language)
            reads(system, case, number, first + MORE, language)


if __name__ == "__main__":
    main([test_letter])
