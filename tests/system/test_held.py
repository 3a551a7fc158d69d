"""Quarantine, from the portal to the case: what looks like a program's is held and no case; whoever may register at the site lets
it in or refuses it; its sender can always ask what became of it. And what was taken survives every service killed in between."""

import os
import re
import signal
import time
import urllib.parse

import harness
import portal
import test_portal
from test_portal import Phone

system = None


def api(method, path, body=None, account="reception", expect=200, headers=None):
    reply = system.http(method, path, body, token=system.tokens()[account], headers=headers)
    assert reply.status == expect, (method, path, reply)
    return reply.json()


def held(query="", account="reception"):
    return api("GET", f"/api/v1/held?site=haitang{query}", account=account)


def sent(by, **values):
    """The form as a program sends it, unless told otherwise; the page to which it leads."""
    form = by.get("/submit?site=haitang&kind=complaint").form_at("/submit")
    fields = {**form["fields"], "category": "noise", "text": "楼上施工", **values}
    status, text = by.request("POST", "/submit", fields)
    return status, portal.Page(text), fields


def number_of(page):
    found = re.search(r"(H\d{8}-\d{3,}) 查询码 ([0-9A-Z]{8})", page.text)
    assert found, page.text
    return found.groups()


def cases():
    system.settle()
    return api("GET", "/api/v1/cases/count?site=haitang", account="coordinator")["count"]


# ---- what is held, and what is not ----

def each_sign_is_told():
    before = cases()
    signs = {}
    for sign, fields in {"trap": {"work": "", "homepage": "http://spam.example"}, "fast": {"work": ""}, "proof": {"work": "1"},
                         "links": {"text": "看 http://a.example www.b.example https://www.c.example HTTP://d.example"}}.items():
        status, page, _ = sent(Phone(), **fields)
        assert status == 200 and "待人工核对" in page.text, (sign, page.text)
        signs[number_of(page)[0]] = sign
    phone = Phone()
    for _ in range(2):
        assert "已登记" in sent(phone, text="同一件事，没有回音")[1].text
    status, page, _ = sent(phone, text="同一件事， 没有回音 ")
    signs[number_of(page)[0]] = "same"
    rows = {row["number"]: row for row in held("&limit=16")["rows"]}
    for number, sign in signs.items():
        assert sign in rows[number]["suspect"], rows[number]
        assert rows[number]["kind"] == "complaint" and rows[number]["origin"] and rows[number]["same_origin"] == 1, rows[number]
    assert cases() == before + 2
    links = next(row for row in rows.values() if row["suspect"] == ["links"])  # the only sign: the puzzle was solved
    assert links["text"]["plain"].startswith("看 http"), links
    # three links, or a field that a browser filled in, are nobody's business
    assert "已登记" in sent(Phone(), text="http://a.example http://b.example http://c.example")[1].text
    assert "已登记" in sent(Phone(), homepage="filled by the browser")[1].text


def beyond_a_first_limit_they_are_held():
    phone = Phone()
    form = phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")
    fields = {**form["fields"], "category": "noise", "text": "噪音"}
    for _ in range(80):  # one command, often sent: it is one case, whatever was noticed of how it came
        assert phone.raw("POST", "/submit", fields).headers["location"] == "/receipt"
    number, _ = number_of(sent(phone, text="另一件")[1])
    assert [row["suspect"] for row in held("&limit=16")["rows"] if row["number"] == number] == [["many"]]


def what_is_wrong_comes_back_as_ever():
    status, page, _ = sent(Phone(), work="", homepage="x", text="")
    assert status == 422 and "请填写" in page.text, page.text


def files_are_for_cases():
    phone = portal.Browser(system.port)
    form = phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")
    page = phone.send(form, category="noise", text="有照片", work="", attach=[("a.txt", b"words", "text/plain")])
    assert "登记之前不收文件" in page.text and "待人工核对" in page.text, page.text
    session = phone.cookies["case"]
    page = phone.get("/held")
    assert "登记之前不收文件" not in page.text and "待人工核对" in page.text, page.text  # said once
    assert phone.cookies["case"] != session  # an hour from each page on


def who_looks_through_them_is_told():
    """Live and as a page: that there is one more or less, to who may let it in, and nothing of it."""
    def newest(account):
        system.settle()
        page, place = api("GET", "/api/v1/events?limit=500", account=account), ""
        while page["changes"] and page["next"] != place:
            place = page["next"]
            page = api("GET", f"/api/v1/events?limit=500&after={place}", account=account)
        return place

    def told(account, place):
        system.settle()
        return [one for one in api("GET", f"/api/v1/events?after={place}", account=account)["changes"] if one["what"] == "held"]

    desk, other = newest("reception"), newest("handler")
    number, _ = number_of(sent(Phone(), work="", text="自动")[1])
    (change,) = told("reception", desk)
    assert "case_id" not in change and change["kind"] == "complaint" and change["site"] == "haitang" and "自动" not in str(change) and number not in str(change), change
    row = next(one for one in held("&limit=16")["rows"] if one["number"] == number)
    api("POST", f"/api/v1/held/{row['id']}/refuse", {"reason": "广告"})
    assert len(told("reception", desk)) == 2
    number, _ = number_of(sent(Phone(), work="", text="自动二")[1])
    row = next(one for one in held("&limit=16")["rows"] if one["number"] == number)
    api("POST", f"/api/v1/held/{row['id']}/register", expect=201)
    assert len(told("reception", desk)) == 4 and told("handler", other) == []  # may register nothing


# ---- until it is a case, or is refused ----

def let_in_it_is_an_ordinary_case():
    phone, before = Phone(), cases()
    status, page, fields = sent(phone, work="", text="电梯困人，请打 13800001234", contact="named", name="欧阳铃木", phone="13912345678")
    number, code = number_of(page)
    assert "欧阳" not in page.text and cases() == before
    assert "待人工核对" in Phone().track(number, code).text  # from elsewhere, too
    assert Phone().track(number, "00000000" if code != "00000000" else "11111111", expect=422)
    assert phone.raw("GET", "/case").headers["location"] == "/track?over=1"
    assert number_of(portal.Page(phone.request("POST", "/submit", fields)[1]))[0] == number  # sent twice: once
    row = next(one for one in held("&limit=16&purpose=check")["rows"] if one["number"] == number)
    assert row["text"]["plain"] == "电梯困人，请打 13800001234" and "欧阳" not in str(row) and "party" not in row, row
    masked = held("&limit=16")
    assert masked["masked"] and "138****1234" in str(masked), masked
    assert held("&count=true")["waiting"] == len(held("&limit=16")["rows"]) and held("&count=true")["rows"] == []
    # in no list, no search, no file
    assert api("GET", f"/api/v1/cases?site=haitang&text={urllib.parse.quote('电梯困人')}")["rows"] == []
    assert system.http("GET", f"/api/v1/cases/{row['id']}?site=haitang", token=system.tokens()["reception"]).status == 404
    key = {"Idempotency-Key": "let-in-1"}
    for account, status in (("handler", 404), ("manager", 404), ("renhe-reception", 404)):
        api("POST", f"/api/v1/held/{row['id']}/register", account=account, expect=status)
        api("POST", f"/api/v1/held/{row['id']}/refuse", {"reason": "x"}, account=account, expect=status)
    assert system.http("GET", "/api/v1/held?site=haitang", token=system.tokens()["handler"]).status == 403
    made = api("POST", f"/api/v1/held/{row['id']}/register", expect=201, headers=key)
    again = api("POST", f"/api/v1/held/{row['id']}/register", expect=201, headers=key)
    assert made["case_id"] == again["case_id"] == row["id"] and made["number"] == again["number"] and not made.get("tracking_code"), made
    assert api("POST", f"/api/v1/held/{row['id']}/register", expect=409)["code"] == "held_over"
    assert cases() == before + 1
    file = api("GET", f"/api/v1/cases/{made['number']}?site=haitang&purpose=check")
    facts = {fact["name"]: fact["value"] for fact in file["facts"]}
    assert facts["received_at"]["time"] == row["received_at"] != facts["registered_at"]["time"], facts
    assert file["party"]["name"]["plain"] == "欧阳铃木", file
    assert made["promised"], made
    page = phone.get("/held")  # its sender's page is the case now
    assert made["number"] in page.text and "电梯困人" in page.text, page.text
    assert made["number"] in Phone().track(number, code).text  # by the number it had
    assert made["number"] in Phone().track(made["number"], code).text
    entries = api("GET", f"/api/v1/audit?site=haitang&case={made['number']}", account="auditor")["entries"]
    assert [(one["act"], one["name"], one["person"]) for one in entries if one["act"] == "let_in"] == [("let_in", number, "li_jing")], entries


def refused_its_sender_reads_why():
    phone, before = Phone(), cases()
    number, code = number_of(sent(phone, work="", text="买一送一")[1])
    row = next(one for one in held("&limit=16")["rows"] if one["number"] == number)
    waiting = held("&count=true")["waiting"]
    assert api("POST", f"/api/v1/held/{row['id']}/refuse", {}, expect=422)["field"] == "reason"
    assert api("POST", f"/api/v1/held/{row['id']}/refuse", {"reason": "<b>广告</b>"}) == {}
    assert held("&count=true")["waiting"] == waiting - 1 and cases() == before
    for page in (phone.get("/held"), Phone().track(number, code)):
        assert "未予登记" in page.text and "<b>广告</b>" in page.text, page.text
    (gone,) = [one for one in held("&refused=true&limit=16")["rows"] if one["number"] == number]
    assert gone["reason"]["plain"] == "<b>广告</b>" and gone["refused_by"] == "li_jing" and gone.get("refused_at"), gone
    system.settle()
    entries = api("GET", "/api/v1/audit?site=haitang&who=li_jing", account="auditor")["entries"]
    assert ("turned_away", number) in [(one["act"], one.get("name")) for one in entries], entries
    assert ("held", number) in [(one["act"], one.get("name")) for one in entries], entries
    assert "买一送一" not in str(entries) and "广告" not in str(entries)


def pages_of_the_list():
    seen, query = [], "&limit=2"
    while query:
        page = held(query)
        seen += [row["number"] for row in page["rows"]]
        query = f"&limit=2&after={page['next']}" if page.get("next") else None
    assert len(seen) == len(set(seen)) == held("&count=true")["waiting"] > 4, seen
    assert api("GET", "/api/v1/held", expect=400)["code"] and api("GET", "/api/v1/held?site=haitang&limit=17", expect=400)
    assert system.http("GET", "/api/v1/held?site=haitang").status == 401
    assert api("POST", "/api/v1/held/nonsense/register", expect=404)


# ---- killed ----

def killed_in_between():
    """Taken, killed, let in, killed: nothing is lost or doubled."""
    phone, before = Phone(), cases()
    _, page, fields = sent(phone, work="", text="断电前的一件")
    number, code = number_of(page)
    kill_all()
    assert number in Phone().track(number, code).text
    assert number_of(portal.Page(phone.request("POST", "/submit", fields)[1]))[0] == number
    row = next(one for one in held("&limit=16")["rows"] if one["number"] == number)
    made = api("POST", f"/api/v1/held/{row['id']}/register", expect=201)
    kill_all()
    assert cases() == before + 1
    assert made["number"] in Phone().track(number, code).text
    assert api("POST", f"/api/v1/held/{row['id']}/register", expect=409)["code"] == "held_over"
    said = system.run("verify").stdout
    assert said.rstrip().endswith(": sound"), said


def of_one_sender_so_many():
    """The next one is not taken, and is told when to come again."""
    phone = Phone()
    for n in range(20):
        number_of(sent(phone, work="", text=f"第{n}件广告")[1])
    form = phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")
    reply = phone.raw("POST", "/submit", {**form["fields"], "category": "noise", "text": "再来一件", "work": ""})
    assert reply.status == 429 and int(reply.headers["retry-after"]) > 5 and "等待核对" in reply.body.decode(), reply


def kill_all():
    names = ("intake", "casework", "routing", "analytics", "gateway")
    old = {name: system.pids(name) for name in names}
    for pids in old.values():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while time.monotonic() < until:  # `hearback up` starts them again
        try:
            if all(system.pids(name) not in ([], old[name]) for name in names) and system.http("GET", "/readyz").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("they did not come back")


def all_of_it():
    global system
    with harness.System("--demo") as started:
        system = test_portal.system = started
        for test in (each_sign_is_told, beyond_a_first_limit_they_are_held, what_is_wrong_comes_back_as_ever, files_are_for_cases,
                     who_looks_through_them_is_told, let_in_it_is_an_ordinary_case, refused_its_sender_reads_why, pages_of_the_list, killed_in_between, of_one_sender_so_many):
            began = time.monotonic()
            test()
            print(f"  {test.__name__}  {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    harness.main([all_of_it])
