"""The portal under misuse: what leaks, what is doubled, what is forged, what is away. The usual way is in test_life.py and, in
a real browser, in tests/browser."""

import concurrent.futures
import contextlib
import os
import re
import signal
import time

import harness
import portal

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='a'>&amp;"
CSP = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

system = None


class Phone(portal.Browser):
    """From an address of its own: the limits are per address."""

    made = 0

    def __init__(self, language="zh-CN"):
        super().__init__(system.port)
        Phone.made += 1
        self.address = f"198.51.{100 + Phone.made // 250}.{Phone.made % 250 + 1}"
        self.language = language

    def raw(self, method, path, fields=None, headers=None):
        """One request, redirects not followed."""
        sent = {"Accept": "text/html", "Accept-Language": self.language, "X-Forwarded-For": self.address, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if fields is not None:
            body = fields if isinstance(fields, bytes) else portal.urllib.parse.urlencode(fields).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return system.http(method, path, body, headers=sent)

    def request(self, method, path, fields=None, *_):  # a form without its files, as programs send it: test_attachments sends them
        reply = self.raw(method, path, fields)
        for name, value in re.findall(r"\b(case|lang|browser)=([^;,]*);", reply.headers.get("set-cookie", "")):
            self.cookies[name] = value
        if reply.status == 303:
            return self.request("GET", reply.headers["location"])
        return reply.status, reply.body.decode()

    def submit(self, kind="complaint", site="haitang", **values):
        values = {"category": "noise", "text": "楼上深夜装修", **values}
        page = self.send(self.get(f"/submit?site={site}&kind={kind}").form_at("/submit"), **values)
        number = re.search(r"\d{8}-\w+-\d{3}", page.text).group()
        code = re.search(re.escape(number) + r"\D+? ([0-9A-Z]{8})\b", page.text).group(1)
        return number, code

    def track(self, number, code, expect=200):
        return self.send(self.get("/track").form_at("/track"), expect=expect, number=number, code=code)


def act(number, step, account="coordinator", expect=200, **fields):
    system.settle()  # what the portal has just registered is still on its way, and nobody's yet
    reply = system.http("POST", f"/api/v1/cases/{number}/actions/{step}?site=haitang", {"fields": fields},
                        token=system.tokens()[account])
    assert reply.status == expect, (step, reply)


def file_of(number):
    system.settle()  # registered is not yet routed
    reply = system.http("GET", f"/api/v1/cases/{number}?site=haitang", token=system.tokens()["coordinator"])
    assert reply.status == 200, reply
    return reply.json()


def count():
    system.settle()
    reply = system.http("GET", "/api/v1/cases?site=haitang&limit=1000", token=system.tokens()["coordinator"])
    assert reply.status == 200, reply
    return len(reply.json()["rows"])


@contextlib.contextmanager
def away(service):
    """Stopped, not ended: `hearback up` would start it again."""
    pids = system.pids(service)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


# ---- what every page is ----

def every_page_is_closed_up():
    phone = Phone()
    number, code = phone.submit()
    for path in ("/", "/submit?site=haitang", "/submit?site=haitang&kind=complaint", "/receipt", "/case", "/track", "/nothing"):
        reply = phone.raw("GET", path)
        headers = reply.headers
        puzzle = path.endswith("kind=complaint")  # test_problems: its one script
        assert headers["content-security-policy"] == (CSP.replace("'self';", "'self'; script-src 'self';", 1) if puzzle else CSP), (path, headers)
        assert headers["referrer-policy"] == "no-referrer" and headers["x-content-type-options"] == "nosniff", headers
        assert headers["cache-control"] == "no-store", headers
        assert headers["content-type"] == "text/html; charset=utf-8", headers
        assert "server" not in headers and "access-control-allow-origin" not in headers, headers
        text = re.sub(r'<script src="/static/portal.js[^"]*" defer></script>', "", reply.body.decode(), count=puzzle)
        assert not re.search(r"<script|\bon\w+=|style=|javascript:|https?://", text), path
        assert not re.search(rf"(href|action|src)=\"[^\"]*{code}", text), path
    style = phone.raw("GET", re.search(r"href=\"(/static/[^\"]+)\"", text).group(1))
    assert style.headers["content-type"].startswith("text/css") and "immutable" in style.headers["cache-control"]
    assert system.http("HEAD", "/").status == 200


def cookies_are_few_and_careful():
    phone = Phone()
    assert "set-cookie" not in phone.raw("GET", "/").headers
    lang = phone.raw("GET", "/?lang=en").headers["set-cookie"]
    assert lang.startswith("lang=en;") and "SameSite=Lax" in lang, lang
    form = phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")
    reply = phone.raw("POST", "/submit", {**form["fields"], "category": "noise", "text": "噪音"})
    assert reply.status == 303 and reply.headers["location"] == "/receipt", reply
    case = reply.headers["set-cookie"]
    assert case.startswith("case=") and "HttpOnly" in case and "SameSite=Strict" in case and "Path=/" in case, case
    assert "complaint" not in case  # sealed: neither number nor code can be read
    own = Phone().raw("GET", "/track").headers["set-cookie"]
    assert re.match(r"browser=[0-9a-f]{32};", own) and "HttpOnly" in own and "SameSite=Strict" in own, own


def unknown_pages_are_pages_and_the_api_stays_json():
    phone = Phone("en")
    for method, path, status in (("GET", "/nothing", 404), ("POST", "/receipt", 405), ("GET", "/submit?site=nowhere", 404),
                                 ("GET", "/submit?site=haitang&kind=revisit", 404), ("GET", "/%ff", 400)):
        reply = phone.raw(method, path, {} if method == "POST" else None)
        assert reply.status == status and b"<main" in reply.body and b'lang="en"' in reply.body, (path, reply)
    reply = phone.raw("GET", "/api/v1/nothing")
    assert reply.status == 404 and reply.headers["content-type"] == "application/problem+json", reply
    assert phone.raw("GET", "/?from=singlemessage&isappinstalled=0").status == 200  # what messengers add
    assert phone.raw("POST", "/track", b"number=%zz").status == 400
    assert phone.raw("POST", "/track", b"{}", {"Content-Type": "application/json"}).status == 415
    assert phone.raw("POST", "/submit", b"text=" + b"a" * (1 << 20)).status == 413


def nothing_typed_becomes_markup():
    phone = Phone()
    form = phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")
    hostile = {name: HOSTILE for name in ("category", "place", "text", "contact", "name", "phone", "email", "address")}
    for method, path, fields in (("POST", "/submit", {**form["fields"], **hostile}),
                                 ("POST", "/submit", {**form["fields"], "kind": HOSTILE}),
                                 ("POST", "/submit", {**form["fields"], "site": HOSTILE, "lang": HOSTILE}),
                                 ("POST", "/track", {"number": HOSTILE, "code": HOSTILE}),
                                 ("GET", "/?q=" + portal.urllib.parse.quote(HOSTILE), None),
                                 ("GET", "/?lang=" + portal.urllib.parse.quote(HOSTILE), None),
                                 ("GET", "/submit?site=" + portal.urllib.parse.quote(HOSTILE), None)):
        reply = phone.raw(method, path, fields)
        text = reply.body.replace(b'<script src="/static/portal.js', b"")
        assert b"<script" not in text and b"<img" not in text, (path, reply)
    number, code = phone.submit(text=HOSTILE, place=HOSTILE)
    text = phone.request("GET", "/case")[1]
    assert "<script" not in text and "&lt;script&gt;" in text


# ---- tracking ----

def wrong_codes_are_answered_alike():
    own, other = Phone(), Phone()
    number, code = own.submit()
    second, second_code = other.submit()
    answers = set()
    for given in ((number, "00000000"), ("20200101-complaint-001", code), (number, second_code), ("x", "y"),
                  ("x" * 119, "y" * 119), (number, "\u202e0"), ("%", "' or 1=1")):
        stranger = Phone()
        answers.add(stranger.track(*given, expect=422).text)
        assert "case" not in stranger.cookies
    assert len(answers) == 1
    assert number in Phone().track(number, code).text
    assert number in Phone().track(number, code.lower()).text
    assert number in Phone().track(f" {number} ", " ".join(code)).text
    wide = "".join(chr(ord(c) - 0x20 + 0xFF00) for c in f"{number}-{code}")  # as a Chinese keyboard types it
    assert number in Phone().track(wide[:len(number)], wide[len(number) + 1:]).text
    assert number in Phone().track(number, f"{number}-{code}").text  # all of it pasted into the second field


def guessing_is_slow():
    number, code = Phone().submit()
    phone = Phone()
    for _ in range(10):
        phone.track(number, "00000000", expect=422)
    form = phone.get("/track").form_at("/track")
    reply = phone.raw("POST", "/track", {**form["fields"], "number": number, "code": code})
    assert reply.status == 429 and 0 < int(reply.headers["retry-after"]) <= 30, reply
    assert "set-cookie" not in reply.headers
    assert number in Phone().track(number, code).text  # others are not kept waiting
    many = Phone()
    for _ in range(15):
        many.track(number, code)  # right ones do not count


def no_other_site_turns_a_browser_to_a_case():
    """Who lures a browser to a page with a form of ours in it has a token of his own browser, and no cookie of that one."""
    number, code = Phone().submit()
    attacker, own = Phone(), Phone()
    given = {"number": number, "code": code}
    stolen = attacker.get("/track").form_at("/track")["fields"]["token"]
    token = own.get("/track").form_at("/track")["fields"]["token"]
    for phone, sent in ((own, {}), (own, {"token": ""}), (own, {"token": stolen}), (Phone(), {"token": stolen}), (Phone(), {"token": token}),
                        (own, {"token": own.get("/submit?site=haitang&kind=complaint").form_at("/submit")["fields"]["token"]})):
        reply = phone.raw("POST", "/track", {**given, **sent})
        assert reply.status == 422 and "case=" not in reply.headers.get("set-cookie", "") and "请重新填写编号和查询码".encode() in reply.body, (sent, reply)
        form = portal.Page(reply.body.decode()).form_at("/track")["fields"]  # else one press would send it, now with a token and a cookie that agree
        assert form["number"] == form["code"] == "" and not any(one.encode() in reply.body for one in given.values()), form
    for forged in ("", "0" * 31, "0" * 33, "G" * 32):  # whoever has no word of ours is given one
        phone = Phone()
        phone.cookies["browser"] = forged
        assert re.match(r"browser=[0-9a-f]{32};", phone.raw("GET", "/track").headers["set-cookie"])
    for _ in range(20):  # none of these was a try: the right one is let in
        assert own.raw("POST", "/track", {**given, "code": "00000000"}).status == 422
    page = own.track(number, code)
    assert number in page.text
    complaint = attacker.get("/submit?site=haitang&kind=complaint").form_at("/submit")["fields"]
    for phone in (own, Phone()):  # nor to one that the attacker wrote
        reply = phone.raw("POST", "/submit", {**complaint, "category": "noise", "text": "不是本人写的"})
        assert reply.status == 422 and "case=" not in reply.headers.get("set-cookie", "") and "不是在这个浏览器里打开".encode() in reply.body, reply
    del attacker.cookies["browser"]
    assert "set-cookie" not in attacker.raw("POST", "/leave", {}).headers  # a form of elsewhere brings no cookie, and ends nothing
    assert own.raw("POST", "/leave", {}).headers["set-cookie"].startswith("case=;")


def a_session_shows_its_own_case_only():
    first, second = Phone(), Phone()
    number, code = first.submit(text="第一件的内容")
    other, other_code = second.submit(text="第二件的内容", name="李四", phone="13800000000")
    assert "第一件的内容" in first.get("/case").text and "第二件" not in first.get("/case").text
    cookie = first.cookies["case"]
    altered = cookie[:30] + ("B" if cookie[30] == "A" else "A") + cookie[31:]
    for forged in ("", "x", altered, first.cookies["case"][::-1], "A" * 4000):
        stranger = Phone()
        stranger.cookies["case"] = forged
        for path in ("/case", "/receipt"):
            reply = stranger.raw("GET", path)
            assert reply.status == 303 and reply.headers["location"].startswith("/track"), reply
    page = second.get("/case")
    form = page.form_with(step="withdraw")
    second.track(number, code)  # this browser turns to the other case, with the page of the first still open
    page = second.send(form, **{"withdraw__confirm": "yes"})
    assert "另一件" in page.text, page.text
    assert file_of(number)["stage"] == file_of(other)["stage"] == "registered"
    form = second.get("/case").form_with(step="withdraw")
    form["fields"]["number"] = other  # even so: the token is of one case
    second.cookies.update(Phone().cookies)
    second.track(other, other_code)
    page = second.send(form, expect=422, **{"withdraw__confirm": "yes"})
    assert file_of(number)["stage"] == file_of(other)["stage"] == "registered"
    assert "李四" not in second.request("GET", "/case")[1] and "13800000000" not in second.request("GET", "/case")[1]


def a_site_that_is_not_public_has_no_portal():
    phone = Phone()
    number, code = phone.submit(site="yunqi")
    organisation = system.http("GET", "/api/v1/organisation?site=yunqi", token=system.operator_token()).json()
    site = organisation["sites"][0]

    def publish(public):
        reply = system.http("PUT", "/api/v1/organisation", {"sites": [{**site, "public": public}]}, token=system.operator_token())
        assert reply.status < 300, reply
        time.sleep(6)  # the portal's memory is five seconds old at most

    publish(False)
    try:
        assert "云栖里" not in Phone().get("/").text
        assert Phone().raw("GET", "/submit?site=yunqi").status == 404
        Phone().track(number, code, expect=422)
        assert phone.raw("GET", "/case").status == 303
    finally:
        publish(True)
    assert number in Phone().track(number, code).text


# ---- submitting ----

def a_form_sent_many_times_is_one_case():
    before = count()
    phone = Phone()
    fields = {**phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")["fields"], "category": "noise", "text": "连点八次"}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: phone.raw("POST", "/submit", fields), range(8)))
    assert {reply.status for reply in replies} == {303}, replies
    assert count() == before + 1
    status, text = phone.request("POST", "/submit", {**fields, "text": "改了内容再点"})
    page = portal.Page(text)
    assert status == 422 and "已经提交并登记过一次" in page.text, page.text
    form = page.form_at("/submit")
    assert form["fields"]["token"] != fields["token"]
    assert count() == before + 1
    phone.send(form, text="改了内容再点", category="noise")  # on purpose: another matter
    assert count() == before + 2


def without_a_token_nothing_is_registered():
    before = count()
    phone = Phone()
    fields = {**phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")["fields"], "category": "noise", "text": "别处来的表单"}
    other = phone.get("/case").forms if "case" in phone.cookies else None
    assert other is None
    for token in ("", "x", fields["token"][:-1] + ("A" if fields["token"][-1] != "A" else "B"), "A" * 56):
        status, text = phone.request("POST", "/submit", {**fields, "token": token})
        assert status == 422 and "别处来的表单" in text and "打开太久" in text, (token, status)
    fields.pop("token")
    assert phone.request("POST", "/submit", fields)[0] == 422
    assert count() == before


def what_the_form_refuses():
    phone = Phone("en")
    form = phone.get("/submit?site=haitang&kind=repair").form_at("/submit")
    page = phone.send(form, expect=422)
    for wanted in ("Please choose: Category", "Please choose: Repair class", "Please fill in: What happened?"):
        assert wanted in page.text, page.text  # all together
    status, text = phone.request("POST", "/submit", {**form["fields"], "category": "water", "f.class": "huge", "text": "leak"})
    assert status == 422 and "Small" in portal.Page(text).text, text  # what would be accepted, in words
    status, text = phone.request("POST", "/submit", {**form["fields"], "category": "water", "f.class": "small", "text": "x" * 20001})
    assert status == 413 and "20000" in text, (status, portal.Page(text).text)
    status, text = phone.request("POST", "/submit", {**form["fields"], "category": "water", "f.class": "small", "text": "leak", "email": "x"})
    assert status == 422 and "e-mail" in text
    before = count()
    status, text = phone.request("POST", "/submit", {**form["fields"], "category": "water", "f.class": "small", "text": "  drips \r\n below  ",
                                                    "f.severity": "major", "channel": "phone", "department": "management_office"})
    assert status == 200 and count() == before + 1
    number = re.search(r"\d{8}-repair-\d{3}", text).group()
    facts = {fact["name"]: fact.get("value") for fact in file_of(number)["facts"]}
    assert facts["channel"]["text"] == "web" and facts["severity"]["text"] == "general", facts  # not the public's to say
    assert "drips below" in phone.get("/case").text


def anonymous_means_nothing_is_kept():
    phone = Phone()
    number, code = phone.submit(contact="anonymous", name="不该保存", phone="13811112222", email="kept@example.org")
    system.settle()
    shown = system.http("GET", f"/api/v1/cases/{number}?site=haitang", token=system.operator_token())
    assert shown.status == 200, shown
    file = shown.body.decode()
    assert "不该保存" not in file and "13811112222" not in file and "kept@example.org" not in file
    facts = {fact["name"]: fact.get("value") for fact in file_of(number)["facts"]}
    assert facts["anonymous"] == {"yes": True} and "complainant_name" not in facts, facts
    number, code = phone.submit(contact="confidential", name="请保密")
    facts = {fact["name"]: fact.get("value") for fact in file_of(number)["facts"]}
    assert facts["confidential"] == {"yes": True} and "complainant_name" in facts, facts


# ---- the case ----

def only_what_the_policy_lets_a_complainant_do():
    phone = Phone()
    number, code = phone.submit()
    form = phone.get("/case").form_with(step="withdraw")
    for step in ("approve", "close", "answer", "set", "nonsense", HOSTILE):
        status, text = phone.request("POST", "/case", {**form["fields"], "step": step, f"{step}.reply_text": "我自己答复"})
        assert status in (403, 404, 409, 422), (step, status)
        assert "<script" not in text
    assert file_of(number)["stage"] == "registered"
    page = phone.send(form, expect=422)
    assert "请先勾选确认" in page.text, page.text
    assert file_of(number)["stage"] == "registered"
    page = phone.send(page.form_with(step="withdraw"), withdraw__confirm="yes")
    assert "已撤回" in page.text and file_of(number)["stage"] == "withdrawn"
    assert not [f for f in page.forms if f["fields"].get("step") == "withdraw"]


def papers_are_asked_for_and_come_in():
    phone = Phone()
    number, code = phone.submit()
    act(number, "accept")
    act(number, "ask_papers", missing="请提供录音的时间段")
    page = phone.get("/case")
    assert "请提供录音的时间段" in page.text and "待补材料" in page.text, page.text
    form = page.form_with(step="papers_in")
    page = phone.send(form, papers_in__addition="每晚十一点到十二点")
    assert "每晚十一点到十二点" in page.text and "办理中" in page.text, page.text
    again = phone.send(form, papers_in__addition="每晚十一点到十二点")  # pressed twice: the same
    assert again.text.count("每晚十一点到十二点") == 1, again.text
    file = system.http("GET", f"/api/v1/cases/{number}?site=haitang", token=system.tokens()["coordinator"]).body.decode()
    assert "每晚十一点到十二点" in file  # those who handle it can read it


def a_page_left_open_is_told_what_happened():
    phone = Phone()
    number, code = phone.submit()
    form = phone.get("/case").form_with(step="add")
    act(number, "accept")
    page = phone.send(form, expect=412, add__addition="补充的话")
    assert "新进展" in page.text and page.form_with(step="add"), page.text
    assert "补充的话" in page.text  # nothing typed is lost
    page = phone.send(page.form_with(step="add"), add__addition="补充的话")
    assert "补充的话" in page.text


def what_stays_inside():
    phone = Phone()
    number, code = phone.submit(name="王五", phone="13900001111")
    act(number, "return_case", account="coordinator", reason="内部退单理由")
    act(number, "decline", reason="不属于本小区管理范围")
    text = phone.request("GET", "/case")[1]
    assert "不属于本小区管理范围" in text and "内部退单理由" not in text, portal.Page(text).text
    second, code = phone.submit()
    act(second, "accept")
    act(second, "investigate", finding="内部调查结论")
    act(second, "propose", solution="内部处理方案")
    act(second, "reject", reason="内部退回意见")
    act(second, "handle", result="内部处理结果")  # opens a revisit, which a rule makes
    act(second, "answer", reply_text="给您的正式答复")
    system.settle()
    text = phone.request("GET", "/case")[1]
    assert "给您的正式答复" in text and "内部" not in text, portal.Page(text).text
    staff = system.http("GET", "/api/v1/organisation?site=haitang", token=system.operator_token()).json()["people"]
    assert not [person["name"] for person in staff if person["name"] in text or person["id"] in text]
    assert "revisit" not in text and "回访" in text


def joined_cases_are_answered_together():
    """The answer of the leading case is read by the complainants of those that follow it; nothing else of it is."""
    leads, follows, apart, behind = Phone(), Phone(), Phone(), Phone()
    leading, leading_code = leads.submit(text="三号楼电梯异响")
    number, code = follows.submit(text="电梯有怪声")
    other, other_code = apart.submit(text="电梯按钮坏了")
    last, last_code = behind.submit(text="电梯里有异味")
    act(last, "merge", leading=number)
    act(number, "merge", leading=leading)
    act(other, "merge", leading=leading)

    def joined_with(case):
        return {link["number"] for link in file_of(case).get("links", []) if link["name"] == "duplicates"}

    assert joined_with(leading) == {number, other}
    act(other, "unmerge", reason="并非同一故障")
    assert file_of(other)["stage"] == "registered" and joined_with(other) == set()
    for step, fields in (("dispatch", {}), ("accept", {}), ("handle", {"result": "已修"}), ("answer", {"reply_text": "三号楼主机轴承已更换"})):
        act(leading, step, **fields)
    assert file_of(number)["stage"] == "replied"
    page = follows.track(number, code)
    assert "三号楼主机轴承已更换" in page.text and "三号楼电梯异响" not in page.text, page.text
    page = behind.track(last, last_code)  # by way of the one that it follows
    assert "三号楼主机轴承已更换" in page.text and "电梯里有异味" in page.text and "电梯有怪声" not in page.text, page.text
    assert "三号楼主机轴承已更换" in leads.track(leading, leading_code).text
    assert "三号楼主机轴承已更换" not in apart.track(other, other_code).text
    reply = system.http("GET", f"/api/v1/cases/{leading}/timeline?site=haitang", token=system.tokens()["coordinator"])
    said = [event["casework"]["case_linked"] for event in reply.json()["events"] if "case_linked" in event.get("casework", {})]
    assert [(one["number"], one.get("ended", False)) for one in said] == [(number, False), (other, False), (other, True)], said


def reloading_is_limited():
    phone = Phone()
    number, code = phone.submit()
    statuses = [phone.raw("GET", "/case").status for _ in range(140)]
    assert statuses[:100] == [200] * 100 and statuses[-1] == 429, statuses
    other = Phone()
    other.cookies = phone.cookies
    assert number in other.get("/case").text


# ---- other organisations ----

def many_sites_and_other_policies():
    def must(method, path, body):
        reply = system.http(method, path, body, token=system.operator_token())
        assert reply.status < 300, reply

    sites = [{"id": f"site-{n}", "name": {"zh": f"第{n}小区 {HOSTILE}", "en": f"Estate {n}"}, "zone": "Asia/Shanghai", "code": f"S{n}",
              "public": True, "language": "en"} for n in range(1, 11)]
    departments = [{"id": "public_works", "site": "site-7", "name": {"zh": "市政", "en": "Public works"}}]
    must("PUT", "/api/v1/organisation", {"sites": sites, "departments": departments})
    must("POST", "/api/v1/policies", {"site": "site-7", "packs": ["boston-311"]})
    time.sleep(6)  # the portal's memory is five seconds old at most
    page = Phone("en").get("/?q=estate%207")
    assert "Estate 7" in page.text and "Estate 8" not in page.text and "Haitang" not in page.text, page.text
    assert "<script" not in Phone().request("GET", "/")[1]
    assert "Nothing found" in Phone("en").get("/?q=nowhere").text
    assert "takes nothing online" in Phone("en").get("/submit?site=site-1").text  # no policy yet
    phone = Phone("fr")  # a language that is not spoken here: the site's own
    form = phone.get("/submit?site=site-7").form_at("/submit")  # one kind only: its form at once
    assert len(form["choices"]["category"]) > 50  # a list, no longer radio buttons
    assert "Please choose: Type" in phone.send(form, expect=422, text="A pothole").text
    page = phone.send(form, text="A pothole", category="Request for Pothole Repair")
    assert "Registered" in page.text and "Promised date by" in page.text, page.text
    assert "Request for Pothole Repair" in phone.get("/case").text


# ---- services that are away ----

def each_service_away_leaves_the_rest():
    phone = Phone()
    number, code = phone.submit(text="断线前登记")
    sender = Phone()
    form = sender.get("/submit?site=haitang&kind=complaint").form_at("/submit")
    with away("casework"):
        reply = phone.raw("GET", "/case")
        assert reply.status == 503 and int(reply.headers["retry-after"]) > 0 and "不受影响".encode() in reply.body, reply
        assert number in phone.get("/receipt").text  # from the cookie alone
        other, _ = Phone().submit(text="案卷服务不在")
    with away("watchdog"):
        page = phone.get("/case")
        assert "期限暂时无法显示" in page.text and "断线前登记" in page.text, page.text
    cases = count()
    with away("intake"):
        page = phone.get("/case")
        assert "文字内容暂时无法显示" in page.text and "断线前登记" not in page.text, page.text
        before = {**form["fields"], "category": "noise", "text": "登记服务不在"}
        status, text = sender.request("POST", "/submit", before)
        assert status == 503 and "登记服务不在" in text, status
        again = portal.Page(text).form_at("/submit")
        assert again["fields"]["token"] == form["fields"]["token"]  # sent again it is the same command
    sender.send(again, text="登记服务不在", category="noise")
    assert count() == cases + 1  # whether the first one was taken in the end or not
    with away("directory"):
        assert "海棠苑" in Phone().get("/").text  # as it was known last
        assert number in phone.get("/receipt").text


def a_restart_signs_nobody_out():
    phone = Phone()
    number, code = phone.submit()
    fields = {**phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")["fields"], "category": "noise", "text": "重启前后"}
    before = count()
    assert phone.raw("POST", "/submit", fields).status == 303
    pids = system.pids("gateway")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while time.monotonic() < until:  # `hearback up` starts it again
        with contextlib.suppress(OSError):
            if system.pids("gateway") not in ([], pids) and system.http("GET", "/readyz").status == 200:
                break
        time.sleep(0.1)
    assert number in phone.get("/case").text
    assert phone.raw("POST", "/submit", fields).status == 303  # sent again after the crash: the same command
    assert count() == before + 1


def all_of_it():
    global system
    with harness.System("--demo") as started:
        system = started
        for test in (every_page_is_closed_up, cookies_are_few_and_careful, unknown_pages_are_pages_and_the_api_stays_json,
                     nothing_typed_becomes_markup, wrong_codes_are_answered_alike, guessing_is_slow, no_other_site_turns_a_browser_to_a_case,
                     a_session_shows_its_own_case_only, a_form_sent_many_times_is_one_case, without_a_token_nothing_is_registered,
                     what_the_form_refuses, anonymous_means_nothing_is_kept, only_what_the_policy_lets_a_complainant_do,
                     papers_are_asked_for_and_come_in, a_page_left_open_is_told_what_happened, what_stays_inside, joined_cases_are_answered_together,
                     reloading_is_limited, a_site_that_is_not_public_has_no_portal, each_service_away_leaves_the_rest,
                     a_restart_signs_nobody_out, many_sites_and_other_policies):
            began = time.monotonic()
            test()
            print(f"  {test.__name__}  {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    harness.main([all_of_it])
