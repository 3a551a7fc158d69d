"""The letter of answer: what the complainant received is what was approved, word for word, by mail, on the portal and on paper; and it
stays so whatever becomes of the case and of the policy."""

import html
import os
import re
import subprocess

import harness
import portal

system, mail = None, None
SITE = "haitang"
FIRST = "您好：\n\n水管已修好。经查系阀门老化，<请放心> & 谢谢。联系电话 13812345678。\n\n海棠花园"
CHANGED = "您好：\n\n水管已修好。经查系阀门老化，已换新阀。\n\n海棠花园"
SECOND = "您好：\n\n再次检查后已更换整段水管。"
PACK = """pack: LETTER
name: [函件, Letters]
extends: PROP-11
in_force: 2025-01-01
notices:
  reply:
    clause: LETTER-1
    by: [paper]
documents:
  answer_letter:
    clause: LETTER-1
    name: [公函, Official letter]
    code: GH-1
kinds:
  complaint:
    fields:
      letter: {clause: LETTER-1, read: [handler, head of lead, complainant]}
"""


def api(who, method, path, body=None, expect=200, **headers):
    reply = system.http(method, f"/api/v1{path}", body, system.tokens()[who], headers=headers or None)
    assert reply.status == expect, (who, path, reply)
    return reply


def act(who, case, step, expect=200, version=None, **fields):
    headers = {"If-Match": f'"{version}"'} if version else {}
    reply = api(who, "POST", f"/cases/{case}/actions/{step}", {"fields": fields}, expect, **headers)
    system.settle()
    return reply.json()


def file_of(case, who="handler"):
    return api(who, "GET", f"/cases/{case}").json()


def letter(case, who="head", issue=None, **query):
    query = "&".join(f"{name}={value}" for name, value in {"purpose": "letter", **({"issue": issue} if issue else {}), **query}.items())
    return api(who, "GET", f"/cases/{case}/documents/answer_letter?{query}")


def words(form):
    return form["blocks"][0]["rows"][0]["value"]


def submit(**party):
    body = {"site": SITE, "kind": "complaint", "category": "water", "channel": "phone", "text": "水管漏水", "party": party}
    made = api("reception", "POST", "/cases", body, 201).json()
    system.settle()
    return made["case_id"], made["number"], made["tracking_code"]


def handled(case):
    act("handler", case, "accept")
    act("handler", case, "handle", result="已换阀门")


def body_of(message):
    return message.get_payload(decode=True).decode().replace("\r\n", "\n").rstrip("\n")


def track(number, code):
    browser = portal.Browser(system.port)
    page = browser.send(browser.get("/track").form_at("/track"), number=number, code=code)
    return browser, page


def printed(browser, issue):
    status, text = browser.request("GET", f"/case/letters/answer_letter/{issue}")
    assert status == 200, text
    found = re.search(r'<div class="letter">(.*?)</div>', text, re.S)
    return html.unescape(found.group(1)), text


def mails_to(address):
    return [one for one in mail.messages if one["To"] == f"<{address}>"]


def what_was_approved_is_what_arrives():
    case, number, code = submit(name="孙悦", email="sun.yue@example.org")
    handled(case)
    act("handler", case, "draft_letter", letter=FIRST)
    browser, page = track(number, code)
    assert "阀门老化" not in page.text, "a draft is nobody's but the staff's"
    seen = file_of(case, "head")["version"]
    assert [one["case_id"] for one in api("head", "GET", f"/cases?site={SITE}&approval=mine").json()["rows"]] == [case]
    draft = letter(case).json()
    assert draft["draft"] and draft["letter"] and words(draft) == FIRST, draft
    act("handler", case, "answer", expect=409, reply_text="详见来函")

    act("handler", case, "draft_letter", letter=CHANGED)                     # while the head is reading
    act("head", case, "sign", expect=412, version=seen)                      # not what was read
    assert words(letter(case).json()) == CHANGED
    act("head", case, "sign", version=file_of(case, "head")["version"])
    approved = words(letter(case).json())
    act("handler", case, "answer", reply_text="详见来函")
    arrived = mail.wait(lambda m: m["To"] == "<sun.yue@example.org>" and f"{number}-L1" in body_of(m))
    assert body_of(arrived).endswith(f"答复函 / Letter of answer\n{number}-L1\n\n{approved}"), body_of(arrived)
    assert approved == CHANGED
    system.settle()

    browser, page = track(number, code)
    assert f"答复函 {number}-L1" in page.text and "已换新阀" in page.text, page.text
    on_paper, whole = printed(browser, 1)
    assert on_paper == approved and f"{number}-L1" in whole, whole
    assert browser.request("GET", "/case/letters/answer_letter/2")[0] == 404
    assert browser.request("GET", "/case/letters/acceptance_form/1")[0] == 404  # nobody's letter
    stranger = system.http("GET", "/case/letters/answer_letter/1", headers={"Accept": "text/html"})
    assert stranger.status == 303 and stranger.headers["location"].startswith("/track"), stranger
    return case, number, code


def publish(pack):
    folder = os.path.join(system.folder, "LETTER")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "pack.yaml"), "w") as f:
        f.write(pack)
    system.run("policy", "publish", SITE, folder, "--operator")
    system.settle()


def nothing_sent_changes(case, number, code):
    """Neither by the next letter nor by another policy; the next one is a version of its own."""
    publish(PACK)
    act("coordinator", case, "reopen", reason="又漏了")
    act("handler", case, "handle", result="换管")
    act("handler", case, "draft_letter", letter=SECOND)
    draft = letter(case).json()
    assert draft["draft"] and words(draft) == SECOND and draft["name"]["zh"] == "公函" and draft["code"] == "GH-1", draft
    first = letter(case, issue=1).json()
    assert words(first) == CHANGED and first["name"]["zh"] == "答复函" and not first["draft"], first
    api("head", "GET", f"/cases/{case}/documents/answer_letter?issue=2", expect=404)
    act("head", case, "sign", version=file_of(case, "head")["version"])
    act("handler", case, "answer", reply_text="详见第二函")
    arrived = mail.wait(lambda m: m["To"] == "<sun.yue@example.org>" and f"{number}-L2" in body_of(m))
    assert body_of(arrived).endswith(SECOND) and "新阀" not in body_of(arrived)
    system.settle()
    assert len([m for m in mails_to("sun.yue@example.org") if "-L1" in body_of(m)]) == 1
    browser, page = track(number, code)
    assert printed(browser, 1)[0] == CHANGED and printed(browser, 2)[0] == SECOND
    assert words(letter(case, issue=1).json()) == CHANGED and words(letter(case, issue=2).json()) == SECOND
    events = api("head", "GET", f"/cases/{case}/timeline?purpose=letter").json()["events"]
    issued = [one["casework"]["document_issued"]["letter"] for one in events if "document_issued" in one.get("casework", {})
              and "letter" in one["casework"]["document_issued"]]
    assert [(one["issue"], one["text"]["text"]["plain"]) for one in issued] == [(1, CHANGED), (2, SECOND)], issued


def kept_from_others(case):
    """Whom the policy does not show the text to gets it in no answer: not as the field, nor as the letter that went out."""
    file = file_of(case, "coordinator")
    issued = [one for one in file["documents"] if "letter" in one]
    assert file["withheld"] == ["letter"] and len(issued) == 1 and "text" not in issued[0]["letter"]["text"], file
    row = letter(case, "coordinator", issue=1).json()["blocks"][0]["rows"][0]
    assert row["withheld"] and not row["value"], row
    assert "阀门老化" not in str(api("coordinator", "GET", f"/cases/{case}/timeline?purpose=letter").json())
    for path in ("explain", "documents"):  # nor the sealed text itself to anybody
        told = str(api("head", "GET", f"/cases/{case}/{path}").json())
        assert "答复函" in told or "公函" in told, told
        assert "阀门老化" not in told and "sealed" not in told and "box" not in told, told
    assert "阀门老化" in str(api("head", "GET", f"/cases/{case}/timeline?purpose=letter").json())


def on_paper():
    """Where the policy sends letters by post a person prints it, sends it, and says so; the list names the letter and not its words."""
    case, number, code = submit(name="周一")
    handled(case)
    act("handler", case, "draft_letter", letter=FIRST)
    act("head", case, "sign", version=file_of(case, "head")["version"])
    act("handler", case, "answer", reply_text="详见来函")
    due = [one for one in api("coordinator", "GET", f"/notices?site={SITE}").json()["notices"] if one["case_id"] == case]
    assert len(due) == 1 and due[0]["notice"]["letter"]["number"] == f"{number}-L1", due
    assert "text" not in due[0]["notice"]["letter"] and "阀门老化" not in str(due), due
    page = letter(case, issue=1, format="html").body.decode()
    assert html.escape(FIRST, quote=False) in page or FIRST in html.unescape(page), page
    assert "<请放心>" not in page and "GH-1" in page and "公函" in page
    assert "13812345678" in page and "遮盖" not in page, page
    for language, said in (("zh-CN", "姓名、住址和号码已部分遮盖"), ("en", "Names, addresses and numbers are partly masked.")):
        page = letter(case, issue=1, format="html", purpose="", lang=language).body.decode()
        assert "138****" in page and "13812345678" not in page and said in page, page  # an official letter does not pass for whole
    kept_from_others(case)
    browser, page = track(number, code)
    assert printed(browser, 1)[0] == FIRST and "阀门老化" in page.text
    assert "GEN-FRAME-13" in act("coordinator", case, "close", expect=409)["clauses"]  # nobody has said yet that it went out
    api("coordinator", "POST", f"/cases/{case}/notices/{due[0]['notice']['notice_id']}/sent", {})
    system.settle()
    assert act("coordinator", case, "close", expect=409)["clauses"] == ["PROP-11-14"]  # only the revisit is outstanding


def more_than_is_opened_at_once():
    """Of very many words the newest are shown; that a letter went out is told without its text, and what there is stays readable."""
    case, number, code = submit(name="郑文")
    handled(case)
    long = FIRST + "附" * 15000
    act("handler", case, "draft_letter", letter=long)
    act("head", case, "sign", version=file_of(case, "head")["version"])
    act("handler", case, "answer", reply_text="详见来函")
    act("coordinator", case, "reopen", reason="又漏了")
    browser, page = track(number, code)
    assert "阀门老化" in page.text
    for n in range(40):  # 2.2 MB of them
        page = browser.send(page.form_with(step="add"), **{"add.addition": f"<{n}>" + "补" * 19000})
    assert "<39>补" in page.text and "<32>补" in page.text and "<0>补" not in page.text, len(page.text)
    assert "水管漏水" in page.text and f"答复函 {number}-L1" in page.text.replace("公函", "答复函"), page.text[:2000]
    assert "阀门老化" not in page.text and browser.request("GET", "/case/letters/answer_letter/1")[0] == 404
    assert words(letter(case, issue=1).json()) == long


def staff_are_told_without_its_words():
    """Where a notice tells the handler, too, the letter goes with the complainant's mail alone: he reads it in the case, on record."""
    publish(PACK.replace("by: [paper]", "to: [complainant, handler]\n    by: [email]"))
    case, number, _ = submit(name="钱多", email="qian.duo@example.org")
    handled(case)
    act("handler", case, "draft_letter", letter=FIRST)
    act("head", case, "sign", version=file_of(case, "head")["version"])
    act("handler", case, "answer", reply_text="详见来函")
    theirs = mail.wait(lambda m: m["To"] == "<qian.duo@example.org>" and f"{number}-L1" in body_of(m))
    told = mail.wait(lambda m: m["To"] == "<zhou.qiang@example.org>" and f"关于 {number} 的答复" in body_of(m))
    assert body_of(theirs).endswith(FIRST) and "阀门老化" not in body_of(told), (body_of(theirs), body_of(told))


def nowhere_in_the_clear():
    """In no log, no table, no note: only sealed."""
    for sentence in ("已换新阀", "更换整段水管", "阀门老化"):
        found = subprocess.run(["grep", "-rlaF", sentence, system.folder], capture_output=True, text=True, check=False)
        assert not found.stdout, found.stdout
    checked = system.run("verify")
    assert checked.returncode == 0, checked


def letters():
    global system, mail
    with harness.Mail() as mail, harness.System("--demo", "--smtp", mail.url) as system:
        nothing_sent_changes(*what_was_approved_is_what_arrives())
        on_paper()
        more_than_is_opened_at_once()
        staff_are_told_without_its_words()
        nowhere_in_the_clear()


harness.main([letters])
