"""A complainant with an old phone: submits at the portal, gets number, code and dates, follows the case, sees the answer, is
not satisfied, and sees it handled again. In both languages, with JavaScript switched off and on; every page on the way is
checked (browser.py, CHECK_PAGE), light and dark, and weighed; once as inside WeChat. HEARBACK_SCREENSHOTS=FOLDER keeps pictures for people to look at."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser
from harness import System, main
from test_problems import publish, publishes
from visitor import WECHAT, Visitor, write_slowly

TEXT = "楼上连续三晚十一点后施工 <script>document.title='broken'</script> & \"请处理\" " + "x" * 120  # a word that fits no line
ANSWER = "已与住户约定 22:00 后停止施工。\n第二天起派人巡查。"
SECOND_ANSWER = "已张贴公告并加派夜间巡查。"

NEWER_STYLES = [r"@container", r"@layer", r"@scope", r":is\(", r":where\(", r"\boklch\(", r"\bcolor-mix\(", r"\baspect-ratio\b", r"\binset[-a-z]*\s*:", r"\bd?[sl]v[hw]\b",
                r"\blight-dark\(", r"[{;]\s*&", r"\bsubgrid\b", r"@starting-style", r":has\(", r"\baccent-color\b"]
ASKED_FIRST = r"@supports[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}"  # whoever does not know it goes without
NEWER_SCRIPTS = [r"\?\?=", r"\|\|=", r"&&=", r"\.at\(", r"\.replaceAll\(", r"structuredClone", r"\bstatic\s*\{", r"#\w+\s*[(=;]", r"\(\?<[=!]", r"\.findLast", r"\.toSorted"]


def text_of(visitor):
    return f"{visitor.name} {TEXT}"  # the same words for the third time were held


def fill_in(visitor):
    browser, says = visitor.browser, visitor.says
    visitor.open("/")
    visitor.look("home")
    browser.follow_link(says["site"])
    visitor.look("kinds")
    browser.follow_link(says["kind"])
    visitor.look("form")
    browser.follow("main .button")  # nothing filled in
    visitor.says_in(".summary", says["needed"])
    assert len(browser.find_all(".summary li")) == 2  # category and text, together
    visitor.look("errors")
    browser.choose("input[name=category]", "noise")
    browser.type("#place", "3-1201-" + "A" * 50)
    browser.type("#text", text_of(visitor))
    browser.type("#name", "张丽华")
    browser.type("#email", "no address")
    browser.follow("main .button")
    assert browser.value("#text") == text_of(visitor)  # nothing typed is lost
    assert len(browser.find_all(".summary li")) == 1
    visitor.look("again")
    browser.type("#email", "")


def keeps_typed_text_in_the_other_language(visitor):
    browser = visitor.browser
    other = "en" if browser.language == "zh-CN" else "zh-CN"
    browser.follow(f"header button[value='{other}']")
    browser.check_page(other)
    assert browser.value("#text") == text_of(visitor)
    browser.follow(f"header button[value='{browser.language}']")
    browser.check_page(browser.language)
    assert browser.value("#text") == text_of(visitor)
    assert browser.find_all("input[name=category][value=noise]:checked")


def submit(visitor):
    browser, says = visitor.browser, visitor.says
    fill_in(visitor)
    keeps_typed_text_in_the_other_language(visitor)
    write_slowly(browser)
    browser.follow("main .button")
    visitor.at("/receipt")
    visitor.says_in("h1", says["registered"])
    number, code = browser.text("#number"), browser.text("#code")
    assert re.fullmatch(r"\d{8}-complaint-\d{3}", number), number
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{8}", code), code
    assert re.search(says["date"], browser.text(".dates")), browser.text(".dates")
    assert code not in browser.url()
    visitor.look("receipt")
    return number, code


def track(visitor, number, code):
    browser, says = visitor.browser, visitor.says
    visitor.open("/")
    browser.follow_link(says["follow"])
    visitor.look("track")
    browser.type("#number", number)
    browser.type("#code", "00000000" if code != "00000000" else "11111111")
    browser.follow("main .button")
    visitor.says_in(".summary", says["wrong"])
    visitor.look("wrong")
    browser.type("#code", code.lower())
    browser.follow("main .button")
    visitor.at("/case")
    assert code.lower() not in browser.url().lower()


def act(system, number, account, step, **fields):
    system.settle()  # registered is not yet routed
    reply = system.http("POST", f"/api/v1/cases/{number}/actions/{step}?site=haitang", {"fields": fields},
                        token=system.tokens()[account])
    assert reply.status == 200, (step, reply)


def answered(system, number, text, accept=True):
    if accept:
        act(system, number, "coordinator", "accept")
    act(system, number, "coordinator", "investigate", finding="内部调查：夜班人员未到位")
    act(system, number, "coordinator", "propose", solution="内部方案")
    act(system, number, "coordinator", "approve")
    act(system, number, "coordinator", "answer", reply_text=text)
    system.settle()


def the_life_of_one_complaint(system, javascript, language, agent=None):
    name = f"{language}-{'script' if javascript else 'plain'}"
    with Browser(javascript=javascript, language=language, agent=agent) as browser:
        visitor = Visitor(system, browser, name)
        says = visitor.says
        number, code = submit(visitor)
        track(visitor, number, code)
        visitor.says_in("main", text_of(visitor))
        visitor.says_in("main", says["department"])
        visitor.look("case-new")
        answered(system, number, ANSWER)
        visitor.open("/case")
        visitor.says_in("#answer", ANSWER.split("\n")[1])
        assert "内部" not in browser.source()  # what the staff found and proposed stays inside
        assert "张丽华" not in browser.source()
        visitor.look("case-answered")
        browser.choose("input[name='follow_up.satisfied']", "dissatisfied")
        browser.type("textarea[name='follow_up.opinion']", "昨晚仍然施工")
        browser.follow("section[aria-labelledby=do] .card .button")
        visitor.at("/case")
        system.settle()
        visitor.open("/case")
        visitor.says_in(".state", says["handling"])
        visitor.says_in("main", "昨晚仍然施工")
        visitor.says_in(".happened", says["reopen"])
        visitor.says_in("main", ANSWER.split("\n")[0])  # the earlier answer is still there
        visitor.look("case-reopened")
        answered(system, number, SECOND_ANSWER, accept=False)
        visitor.open("/case")
        visitor.says_in("#answer", SECOND_ANSWER)
        browser.follow("form[action='/leave'] button")
        visitor.look("left")
        assert "case" not in browser.cookies()
        visitor.open("/case")
        visitor.at("/track")
        visitor.look("over")


def the_puzzle_is_solved_where_scripts_run(visitor, javascript):
    """While the form is filled in, and the form goes on with it; without, the field stays empty and the form works all the same."""
    browser = visitor.browser
    visitor.open("/submit?site=haitang&kind=complaint")
    until = time.monotonic() + 60
    while javascript and not browser.value("input[name=work]") and time.monotonic() < until:
        time.sleep(0.1)
    assert bool(browser.value("input[name=work]")) == javascript


def a_public_problem(system):
    """Five of a kind make one (PROP-11-13)."""
    for _ in range(5):
        reply = system.http("POST", "/api/v1/cases", {"site": "haitang", "kind": "complaint", "category": "lift", "channel": "phone",
                                                      "text": "电梯停运，我住五栋"}, token=system.tokens()["reception"])
        assert reply.status == 201, reply
    system.settle()
    system.http("PUT", "/api/v1/organisation", {"accounts": [{"id": "supervisor", "person": "sun_min", "scopes": ["read", "act"]}]},
                token=system.operator_token())
    token = system.run("token", "supervisor").stdout.strip()
    (row,) = system.http("GET", "/api/v1/cases?site=haitang&kind=cluster&category=lift", token=token).json()["rows"]
    reply = system.http("POST", f"/api/v1/cases/{row['number']}/actions/confirm?site=haitang", {}, token=token)
    assert reply.status == 200, reply
    system.settle()


def joins(system, javascript, language, joined):
    with Browser(javascript=javascript, language=language) as browser:
        visitor = Visitor(system, browser, f"{language}-{'script' if javascript else 'plain'}-problem")
        the_puzzle_is_solved_where_scripts_run(visitor, javascript)
        visitor.open("/submit?site=haitang")
        browser.follow("a[href^='/problems']")
        visitor.look("problems")
        browser.follow("main .choose")
        visitor.look("problem")
        assert "五栋" not in browser.source()
        browser.type("textarea[name='me_too.reach']", f"{joined}@example.org")
        browser.follow("main form .button")
        visitor.says_in(".notice.good", "已记录" if language == "zh-CN" else "Recorded")
        visitor.says_in(".lead", f"{'人数：' if language == 'zh-CN' else 'have it: '}{joined}")
        visitor.look("joined")


def codes_on_paper(system, javascript, language):
    """A code at a place opens its form; the receipt's code says that it is true, a forged one that it is not."""
    with Browser(javascript=javascript, language=language) as browser:
        visitor = Visitor(system, browser, f"{language}-{'script' if javascript else 'plain'}-codes")
        reply = system.http("GET", "/api/v1/labels?site=haitang&format=json&places=2%E5%8F%B7%E6%A5%BC%E7%94%B5%E6%A2%AF", token=system.tokens()["reception"])
        path = "/" + reply.json()["labels"][0]["address"].split("/", 3)[3]
        visitor.open(path)
        visitor.says_in(".lead", "2号楼电梯")
        visitor.look("place")
        browser.follow("main .choose")
        assert browser.value("#place") == "2号楼电梯"
        browser.choose("input[name=category]", "lift")
        browser.type("#text", "按钮失灵")
        write_slowly(browser)
        browser.follow("main form .button")
        visitor.at("/receipt")
        browser.follow("a[href^='/r/']")
        visitor.says_in("h1", "属实" if language == "zh-CN" else "true")
        visitor.look("true")
        proof = browser.url().split("/", 3)[3]
        visitor.open(f"/{proof[:-4]}AAAA")
        visitor.says_in("h1", "查不到" if language == "zh-CN" else "cannot be confirmed")
        visitor.look("not-true")
        visitor.open(path[:-3] + "AAA")
        visitor.says_in("h1", "不是我们的" if language == "zh-CN" else "not ours")
        visitor.look("forged")


def nothing_is_newer_than_wechat(system):
    """Nor is it known by what program it is asked: the page is the same. What is newer stands where the browser is asked for it first: it saves
    a glance and no more."""
    pages = [system.http("GET", "/submit?site=haitang&kind=complaint", headers={"Accept": "text/html", **given}).body.decode() for given in ({}, {"User-Agent": WECHAT})]
    assert len({re.sub(r'name="token" value="[^"]+"', "", page) for page in pages}) == 1
    style, script = (system.http("GET", re.search(rf'"(/static/portal\.{kind}[^"]*)"', pages[0])[1]).body.decode() for kind in ("css", "js"))
    old, asked = re.subn(ASKED_FIRST, "", style)
    assert asked == 2 and "box-shadow" in old, asked
    used = [one for one in NEWER_STYLES if re.search(one, old)] + [one for one in NEWER_SCRIPTS if re.search(one, script)]
    assert not used, used


def scripts_are_really_off():
    with Browser(javascript=False) as browser:
        browser.open("data:text/html,<title>off</title><script>document.title='on'</script>")
        assert browser.title() == "off"
    with Browser(javascript=True) as browser:
        browser.open("data:text/html,<title>off</title><script>document.title='on'</script>")
        assert browser.title() == "on"


def notices_of_the_site(system):
    """What everybody may read, in both languages, with and without scripts."""
    token = publishes(system)
    number = publish(system, token, "tip", {"subject": "暴雨", "group": "东区", "wording": "请关好门窗。\n" + "x" * 120}, "send", {"reached": 240})
    system.settle()
    for javascript, language in ((False, "zh-CN"), (True, "en")):
        with Browser(javascript=javascript, language=language) as browser:
            visitor = Visitor(system, browser, f"{language}-{'script' if javascript else 'plain'}-notices")
            visitor.open("/submit?site=haitang")
            browser.follow("a[href^='/notices']")
            visitor.look("notices")
            visitor.says_in(".card", number)
            visitor.says_in(".card", "请关好门窗")
            visitor.says_in(".card", "有效期至" if language == "zh-CN" else "in force until")


def all_lives():
    with System("--demo") as system:
        nothing_is_newer_than_wechat(system)
        for javascript, language, agent in ((False, "zh-CN", None), (True, "en", None), (True, "zh-CN", WECHAT), (False, "en", WECHAT)):
            the_life_of_one_complaint(system, javascript, language, agent)
        a_public_problem(system)
        for joined, (javascript, language) in enumerate(((False, "zh-CN"), (True, "en")), 1):
            joins(system, javascript, language, joined)
            codes_on_paper(system, javascript, language)
        notices_of_the_site(system)


if __name__ == "__main__":
    main([scripts_are_really_off, all_lives])
