"""What the portal keeps strangers and programs from, and what it lets everybody do: public problems and joining one, the trap and
the puzzle of forms, the steps that a policy gives to complainants."""

import re

import harness
import portal
import test_portal
from test_portal import CSP, Phone, act, file_of

system = None
WITH_SCRIPT = CSP.replace("style-src 'self';", "style-src 'self'; script-src 'self';")


def supervisor():
    system.http("PUT", "/api/v1/organisation", {"accounts": [{"id": "supervisor", "person": "sun_min", "scopes": ["read", "act", "open"]}]},
                token=system.operator_token())
    return system.run("token", "supervisor").stdout.strip()


def rows(token, query=""):
    system.settle()
    reply = system.http("GET", "/api/v1/cases?site=haitang&limit=1000" + query, token=token)
    assert reply.status == 200, reply
    return reply.json()["rows"]


# ---- public problems ----

def a_widespread_complaint():
    """Five of a kind make one of these (PROP-11-13); its number, confirmed."""
    for _ in range(5):
        Phone().submit(category="lift", text="电梯又停了，我住五栋")
    token = supervisor()
    (cluster,) = rows(token, "&kind=cluster")
    page = Phone().get("/problems?site=haitang")
    assert "没有正在处理的公共问题" in page.text, page.text  # proposed is not confirmed
    assert Phone().raw("GET", f"/problem?site=haitang&number={cluster['number']}").status == 404
    reply = system.http("POST", f"/api/v1/cases/{cluster['number']}/actions/confirm?site=haitang", {}, token=token)
    assert reply.status == 200, reply
    system.settle()
    return token, cluster["number"]


def one_that_was_never_confirmed_is_nobodys_to_see():
    for _ in range(5):
        Phone().submit(category="noise", text="楼上噪音")
    token = supervisor()
    (cluster,) = [row for row in rows(token, "&kind=cluster") if row["category"] == "noise"]
    reply = system.http("POST", f"/api/v1/cases/{cluster['number']}/actions/drop?site=haitang", {}, token=token)
    assert reply.status == 200 and reply.json()["stage"] == "closed", reply
    system.settle()
    assert Phone().raw("GET", f"/problem?site=haitang&number={cluster['number']}").status == 404
    assert "噪音" not in Phone().get("/problems?site=haitang").text


def joining_a_public_problem():
    token, number = a_widespread_complaint()
    other, _ = Phone().submit(category="lift", text="只属于我自己的投诉")
    assert "/problems?site=haitang" in Phone().request("GET", "/submit?site=haitang")[1]
    page = Phone().get("/problems?site=haitang")
    assert "普遍性投诉：电梯" in page.text and "已确认" in page.text and "五栋" not in page.text, page.text
    assert "Widespread complaint: Lift" in Phone("en").get("/problems?site=haitang").text
    phone = Phone()
    page = phone.get(f"/problem?site=haitang&number={number}")
    assert "五栋" not in page.text and "物业主管" not in page.text, page.text
    form = page.form_at("/problem")
    assert "也遇到的人数：1" in phone.send(form).text
    assert "也遇到的人数：1" in phone.send(form).text  # pressed twice
    for _ in range(2):  # the same contact counts once
        one = Phone()
        assert "也遇到的人数：2" in one.send(one.get(f"/problem?site=haitang&number={number}").form_at("/problem"), me_too__reach="138 0000-1111").text
    one = Phone()
    again = one.get(f"/problem?site=haitang&number={number}").form_at("/problem")
    assert Phone().raw("POST", "/problem", {**again["fields"], "me_too.reach": "elsewhere@example.org"}).status == 422  # sent by another browser
    assert "也遇到的人数：2" in one.send(again, me_too__reach="13800001111").text
    system.settle()
    reply = system.http("GET", f"/api/v1/cases/{number}?site=haitang&purpose=reach", token=token)
    assert reply.json()["joined"] == 2 and "138 0000-1111" in reply.body.decode(), reply
    (row,) = rows(token, "&kind=cluster")
    assert row["joined"] == 2, row
    timeline = system.http("GET", f"/api/v1/cases/{number}/timeline?site=haitang", token=token).body.decode()
    assert timeline.count('"me_too"') >= 2
    # what is nobody else's business cannot be joined, nor seen
    assert Phone().raw("GET", f"/problem?site=haitang&number={other}").status == 404
    assert Phone().raw("POST", "/problem", {**again["fields"], "number": other}).status == 404
    assert Phone().raw("POST", "/problem", {**again["fields"], "token": form["fields"]["token"][:-4] + "AAAA"}).status == 422
    assert Phone().raw("GET", f"/problem?site=renhe&number={number}").status == 404
    # and over is over
    for step, fields in (("post", {"measures": "更换控制板", "boards": "各栋大堂"}), ):
        reply = system.http("POST", f"/api/v1/cases/{number}/actions/{step}?site=haitang", {"fields": fields}, token=token)
        assert reply.status == 200, reply
    system.settle()
    assert "没有正在处理的公共问题" in Phone().get("/problems?site=haitang").text
    assert "已处理完毕" in Phone().get(f"/problem?site=haitang&number={number}").text
    late = one.raw("POST", "/problem", again["fields"] | {"me_too.reach": "new@example.org"})
    assert late.status == 409, late


def public_problems(count):
    """Their numbers; opened and confirmed by hand."""
    system.http("PUT", "/api/v1/organisation", {"accounts": [{"id": "supervisor", "person": "sun_min", "scopes": ["read", "act", "open", "submit"]}]}, token=system.operator_token())
    token, numbers = system.run("token", "supervisor").stdout.strip(), []
    for _ in range(count):
        reply = system.http("POST", "/api/v1/cases", {"site": "haitang", "kind": "cluster", "category": "lift", "text": "电梯"}, token=token)
        assert reply.status == 201, reply
        numbers.append(reply.json()["number"])
    system.settle()
    for number in numbers:
        reply = system.http("POST", f"/api/v1/cases/{number}/actions/confirm?site=haitang", {}, token=token)
        assert reply.status == 200, reply
    system.settle()
    return numbers


def more_than_a_page_of_them():
    """Fifty on a page, the newest first; the next page goes on where the one before ended."""
    numbers = public_problems(53)
    seen, path = [], "/problems?site=haitang"
    while path:
        page = Phone().request("GET", path)[1]
        found = re.findall(r'number=([0-9a-z-]+)"', page)
        assert len(found) <= 50, len(found)
        seen += found
        link = re.search(r'class="button second" href="(/problems\?site=haitang&amp;after=[^"]+)"', page)
        path = link and link[1].replace("&amp;", "&")
    assert [one for one in seen if one in numbers] == numbers[::-1], (seen, numbers)
    assert Phone().raw("GET", "/problems?site=haitang&after=xyz").status == 404


def strangers_have_no_list_of_cases():
    """What analytics tells the public is decided there: no page of the portal asks for more, so no address can."""
    assert system.http("GET", "/api/v1/cases?site=haitang").status == 401


# ---- programs ----

def the_trap_holds_back():
    """Whoever fills in what people do not see joins nothing; sent back empty it may be sent again. Where the puzzle was solved a browser filled it in."""
    (number,) = public_problems(1)
    address = f"/problem?site=haitang&number={number}"
    phone = Phone()
    page = phone.send(phone.get(address).form_at("/problem"), expect=422, homepage="http://spam.example")
    assert "应当留空" in page.text, page.text
    again = page.form_at("/problem")
    assert again["fields"]["homepage"] == ""
    assert "也遇到的人数" not in Phone().get(address).text
    assert "也遇到的人数：1" in phone.send(again).text
    other = Phone()
    form = other.get(address).form_at("/problem")
    solved = portal.solve(form["fields"]["token"], form["bits"])
    assert "也遇到的人数：2" in other.send(form, work=solved, homepage="filled by the browser").text


def the_puzzle_of_another_form_is_none():
    phone, token = Phone(), system.tokens()["reception"]
    counted = lambda: int(system.http("GET", "/api/v1/held?site=haitang&count=true", token=token).json()["waiting"])
    address, before = "/submit?site=haitang&kind=complaint", counted()
    one, other = (phone.get(address).form_at("/submit") for _ in range(2))
    filled = {"category": "noise", "text": "水泵房夜里轰鸣"}
    assert phone.raw("POST", "/submit", {**other["fields"], **filled, "work": one["fields"]["work"]}).status == 303
    system.settle()
    (row,) = [row for row in system.http("GET", "/api/v1/held?site=haitang&limit=16", token=token).json()["rows"] if "proof" in row["suspect"]]
    assert counted() == before + 1, row


def the_puzzle_lets_through():
    phone = Phone()
    reply = phone.raw("GET", "/submit?site=haitang&kind=complaint")
    assert reply.headers["content-security-policy"] == WITH_SCRIPT, reply.headers
    text = reply.body.decode()
    bits = int(re.search(r'data-bits="(\d+)"', text).group(1))
    script = phone.raw("GET", re.search(r'<script src="(/static/[^"]+)" defer></script>', text).group(1))
    assert script.headers["content-type"].startswith("text/javascript") and "immutable" in script.headers["cache-control"]
    form = phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")
    assert bits == form["bits"] == 14
    filled = {"category": "noise", "text": "噪音", "homepage": "filled by the browser"}
    assert phone.raw("POST", "/submit", {**form["fields"], **filled}).headers["location"] == "/receipt"  # what is held: test_held


def the_puzzle_relaxes_the_limit():
    phone = Phone()
    form = phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")
    fields = {**form["fields"], "category": "noise", "text": "噪音", "work": ""}
    statuses = [phone.raw("POST", "/submit", fields).status for _ in range(62)]  # one command, often sent
    assert statuses[:60] == [303] * 60 and 429 in statuses, statuses
    assert phone.raw("POST", "/submit", {**fields, "work": portal.solve(fields["token"], 14)}).status == 303


# ---- what the policy gives to complainants ----

def all_steps_of_a_complainant():
    """Answer a question, rate, reopen, withdraw: GEN-FRAME and PROP-11."""
    phone = Phone()
    number, _ = phone.submit(category="noise")
    act(number, "accept")
    act(number, "ask_papers", missing="哪几天？")
    page = phone.send(phone.get("/case").form_with(step="papers_in"), papers_in__addition="周一和周二")
    assert file_of(number)["stage"] == "handling" and "周一和周二" in page.text
    act(number, "handle", result="已劝阻")
    act(number, "answer", reply_text="已劝阻施工方")
    page = phone.get("/case")
    assert "已劝阻施工方" in page.text
    page = phone.send(page.form_with(step="follow_up"), follow_up__satisfied="dissatisfied", follow_up__opinion="还在吵")
    assert file_of(number)["stage"] == "handling" and file_of(number)["round"] == 2  # dissatisfied: handled again by itself
    act(number, "handle", result="已停工")
    act(number, "answer", reply_text="已停工")
    page = phone.send(phone.get("/case").form_with(step="reopen"), reopen__reason="又开工了")
    assert file_of(number)["stage"] == "handling" and file_of(number)["round"] == 3, file_of(number)
    form = phone.get("/case").form_with(step="withdraw")
    phone.send(form, expect=422)
    phone.send(form, withdraw__confirm="yes")
    assert file_of(number)["stage"] == "withdrawn"


# ---- notices that everybody may read ----

def publishes(started):
    """The rules on published information beside those of the site, and a clerk who may publish (PROP-NOTICE-04, -09). His token."""
    started.run("policy", "publish", "haitang", "PROP-11", "PROP-NOTICE", "--operator")
    posts = [{"post": post, "department": "management_office", "site": "haitang"} for post in ("office_clerk", "office_director")]
    reply = started.http("PUT", "/api/v1/organisation", {"people": [{"id": "wen", "name": "文书", "posts": posts, "email": "wen@example.org"}],
                                                         "accounts": [{"id": "wen", "person": "wen", "scopes": ["read", "act", "submit"]}]}, token=started.operator_token())
    assert reply.status == 200, reply
    return started.run("token", "wen").stdout.strip()


def publish(started, token, kind, fields, step, given):
    reply = started.http("POST", "/api/v1/cases", {"site": "haitang", "kind": kind, "fields": fields}, token=token)
    assert reply.status == 201, reply
    number, case = reply.json()["number"], reply.json()["case_id"]
    started.settle()
    taken = started.http("POST", f"/api/v1/cases/{case}/actions/{step}?site=haitang", {"fields": given}, token=token)
    assert taken.status == 200, taken
    return number


def everybody_reads_notices():
    token = publishes(system)
    storm = publish(system, token, "tip", {"subject": "暴雨 <b>警报</b>", "group": "东区", "wording": "请关好门窗。\n车辆勿停低洼处。"}, "send", {"reached": 240})
    inner = publish(system, token, "announcement", {"subject": "值班表", "audience": "inner", "wording": "仅内部"}, "finish", {})
    outer = publish(system, token, "announcement", {"subject": "停水", "audience": "outer", "wording": "三月五日停水"}, "finish", {})
    system.settle()
    assert "/notices?site=haitang" in Phone().request("GET", "/submit?site=haitang")[1]
    page = Phone().get("/notices?site=haitang").text
    assert "三月五日停水" in page and storm in page and "有效期至" in page and "仅内部" not in page and inner not in page, page
    assert "暴雨 <b>警报</b>" in page and page.index(outer) < page.index(storm)  # as it was written; the newest first
    assert "240" not in page and "文书" not in page, page  # what the policy does not list, and who published it
    english = Phone("en").get("/notices?site=haitang").text
    assert "Public notices" in english and "Target group" in english and "in force until" in english, english
    # for programs, without a token
    notices = system.http("GET", "/api/v1/public-notices?site=haitang").json()["notices"]
    assert [one["number"] for one in notices] == [outer, storm] and notices[1]["until_ms"] and "until_ms" not in notices[0], notices
    assert [field["name"] for field in notices[1]["fields"]] == ["wording", "group"], notices
    for query, status in (("site=nowhere", 404), ("", 404), ("site=haitang&cursor=1", 422), ("site=haitang&limit=51", 400), ("site=haitang&kind=tip", 400)):
        reply = system.http("GET", f"/api/v1/public-notices?{query}")
        assert reply.status == status and reply.headers["content-type"].startswith("application/problem+json"), (query, reply)
    assert Phone().raw("GET", "/notices?site=nowhere").status == 404 and Phone().raw("GET", "/notices?site=haitang&cursor=1").status == 404
    # withdrawn it is gone
    assert system.http("POST", f"/api/v1/cases/{storm}/actions/finish?site=haitang", {}, token=token).status == 200
    system.settle()
    assert storm not in Phone().get("/notices?site=haitang").text


def many_long_notices_come_by_the_page():
    """The longest wording there may be, on pages under 60 KB, each notice once."""
    token = system.run("token", "wen").stdout.strip()
    long = "\"&<" + "长" * 995
    numbers = [publish(system, token, "announcement", {"subject": f"第{n}号", "audience": "outer", "wording": long}, "finish", {}) for n in range(12)]
    reply = system.http("POST", "/api/v1/cases", {"site": "haitang", "kind": "announcement",
                                                  "fields": {"subject": "过长", "audience": "outer", "wording": "长" * 1001}}, token=token)
    assert reply.status == 422 and "3000" in reply.body.decode(), reply
    system.settle()
    path, seen, pages = "/notices?site=haitang", [], 0
    while path:
        page = Phone().raw("GET", path).body.decode()
        assert len(page.encode()) < 45_000, len(page)  # the style sheet takes some 10 KB more
        seen += re.findall(r"\d{8}-announcement-\d{3}", page)
        more = re.search(r'href="(/notices\?site=haitang&amp;cursor=[0-9a-f]+)"', page)
        path, pages = more and more[1].replace("&amp;", "&"), pages + 1
    assert pages > 1 and seen[:12] == numbers[::-1] and len(seen) == len(set(seen)), (pages, seen)


def all_of_it():
    global system
    with harness.System("--demo") as started:
        system = test_portal.system = started
        for test in (all_steps_of_a_complainant, joining_a_public_problem, one_that_was_never_confirmed_is_nobodys_to_see, strangers_have_no_list_of_cases,
                     the_trap_holds_back, the_puzzle_of_another_form_is_none, the_puzzle_lets_through, the_puzzle_relaxes_the_limit, more_than_a_page_of_them, everybody_reads_notices,
                     many_long_notices_come_by_the_page):
            test()
            print(f"  {test.__name__}", flush=True)


if __name__ == "__main__":
    harness.main([all_of_it])
