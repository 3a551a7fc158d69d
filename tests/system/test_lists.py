"""Lists of what waits for one's approval, of joint and of confidential cases, of duties, and in order of dates due; figures, each with the list
that it counts; notices that a person sends: by a policy made for it, through the whole system; each list in pages and its count say the
same, for whoever asks."""

import datetime
import json
import os
import urllib.parse

import harness

system = None
SITE = "haitang"
PACK = """pack: LISTS
name: [列表, Lists]
extends: PROP-11
in_force: 2025-01-01
notices:
  call:
    clause: LISTS-1
    name: [电话告知, Told by telephone]
    to: complainant
    by: [phone]
    subject: ["{number} 已批", "{number} is granted"]
    text: ["{number} 已经批准。", "{number} is granted."]
kinds:
  outlay:
    clause: LISTS-1
    name: [支出, Outlay]
    stages: {asked: new, granted: working, closed: closed}
    stage_names: {asked: [待批, Asked], granted: [已批, Granted], closed: [已结, Closed]}
    chains:
      consent: {clause: LISTS-1, name: [批准, Consent], links: [coordinator, general_manager], start_at: asked}
    steps:
      register: {clause: LISTS-1, name: [登记, Register], to: asked, by: employee}
      grant: {clause: LISTS-1, name: [发放, Grant], from: asked, to: granted, by: employee, needs: [approved consent]}
      close: {clause: LISTS-1, name: [办结, Close], from: [asked, granted], to: closed, by: employee}
    route:
      lift: {clause: LISTS-1, if: {category: lift}, to: engineering_department, joint: [customer_service_centre, management_office]}
      otherwise: {clause: LISTS-1, to: customer_service_centre}
    rules:
      call: {clause: LISTS-1, when: granted, then: {tell: call}}
  outage:
    clause: LISTS-1
    name: [停用, Outage]
    stages: {reported: new, there: working, closed: closed}
    stage_names: {reported: [已报, Reported], there: [已到场, There], closed: [已结, Closed]}
    steps:
      register: {clause: LISTS-1, name: [登记, Register], to: reported, by: employee}
      arrive: {clause: LISTS-1, name: [到场, Arrive], from: reported, to: there, by: employee}
      close: {clause: LISTS-1, name: [办结, Close], from: there, to: closed, by: employee}
    route:
      otherwise: {clause: LISTS-1, to: engineering_department}
    clocks:
      on_site: {clause: LISTS-1, name: [到场, On site], start: reported, stop: there, limit: 10 min, late: coordinator}
      measure: {clause: LISTS-1, name: [计时, Measured], start: reported, stop: closed, limit: 5 min, warn: none, ladder: none}
      mended: {clause: LISTS-1, name: [修复, Mended], main: yes, start: reported, stop: closed, limit: 5 days}
  errand:
    clause: LISTS-1
    name: [差事, Errand]
    stages: {asked: new, gone: working, closed: closed}
    stage_names: {asked: [待办, Asked], gone: [已去, Gone], closed: [已结, Closed]}
    fields: {whither: {clause: LISTS-1, name: [去处, Whither], type: name}}
    steps:
      register: {clause: LISTS-1, name: [登记, Register], to: asked, by: employee}
      go: {clause: LISTS-1, name: [去, Go], from: asked, to: gone, by: employee, needs: [whither]}
      close: {clause: LISTS-1, name: [办结, Close], from: gone, to: closed, by: employee}
    route:
      otherwise: {clause: LISTS-1, to: engineering_department}
    rules:
      at_once: {clause: LISTS-1, when: asked, then: {step: go}}
"""
STAFF = ("reception", "handler", "head", "coordinator", "manager", "auditor", "admin")


def publish():
    """By the operator: at this site people change the policy by a case only."""
    folder = os.path.join(system.folder, "LISTS")
    os.mkdir(folder)
    with open(os.path.join(folder, "pack.yaml"), "w") as f:
        f.write(PACK)
    system.run("policy", "publish", SITE, folder, "--operator")
    system.settle()  # every service has heard of it


def submit(kind="outlay", who="reception", **more):
    reply = system.http("POST", "/api/v1/cases", {"site": SITE, "kind": kind, "text": "一件", **more}, token=system.tokens()[who])
    assert reply.status == 201, reply
    return reply.json()["case_id"]


def act(who, case, step, status=200, **body):
    reply = system.http("POST", f"/api/v1/cases/{case}/actions/{step}?site={SITE}", body, token=system.tokens()[who])
    assert reply.status == status, (who, step, reply)


def listed(who, query):
    """In pages of two and in one, and counted: the same."""
    token, ids, cursor = system.tokens()[who], [], ""
    while True:
        reply = system.http("GET", f"/api/v1/cases?site={SITE}&{query}&limit=2{cursor}", token=token)
        assert reply.status == 200, (who, query, reply)
        ids += [row["case_id"] for row in reply.json()["rows"]]
        if "cursor" not in reply.json():
            break
        cursor = f"&cursor={reply.json()['cursor']}"
    whole = [row["case_id"] for row in system.http("GET", f"/api/v1/cases?site={SITE}&{query}&limit=1000", token=token).json()["rows"]]
    count = int(system.http("GET", f"/api/v1/cases/count?site={SITE}&{query}", token=token).json()["count"])
    assert ids == whole and count == len(ids) == len(set(ids)), (who, query, ids, whole, count)
    return set(ids)


def mine():
    return {who: listed(who, "approval=mine") for who in STAFF}


def approvals_wait_for_whose_turn_it_is():
    cases = [submit() for _ in range(3)]
    system.settle()
    waits = mine()
    assert waits == {who: set(cases) if who == "coordinator" else set() for who in STAFF}, waits
    assert listed("reception", "approval=any") == set(cases)
    act("coordinator", cases[0], "sign")
    act("coordinator", cases[1], "refuse", fields={"refusal_reason": "太贵"})
    system.settle()
    waits = mine()
    assert waits == {who: {cases[2]} if who == "coordinator" else {cases[0]} if who == "manager" else set() for who in STAFF}, waits
    act("manager", cases[0], "sign")
    act("reception", cases[2], "close")  # nobody signs what is closed
    system.settle()
    assert not any(mine().values()) and not listed("reception", "approval=any")
    return cases[0]


def rights_that_are_lent():
    """For whoever stands in, the approvals of whom he stands in for wait too; and what one has signed oneself waits for another."""
    case = submit()
    admin = system.tokens()["admin"]
    people = system.http("GET", "/api/v1/organisation", token=admin).json()["people"]
    person = next(one for one in people if one["id"] == "chen_chen")
    lent = {**person, "delegations": [{"to": "gao_yuan", "from_ms": 1, "to_ms": 4000000000000, "reason": "leave"}]}
    reply = system.http("PUT", "/api/v1/organisation", {"people": [lent]}, token=admin)
    assert reply.status == 200, reply
    system.settle()
    assert listed("head", "approval=mine") == {case} == listed("coordinator", "approval=mine")
    act("head", case, "sign", for_person="chen_chen")
    system.settle()
    assert not listed("head", "approval=mine") and listed("manager", "approval=mine") == {case}
    assert system.http("PUT", "/api/v1/organisation", {"people": [person]}, token=admin).status == 200
    act("manager", case, "sign")


def joint_cases():
    alone, joint = submit(), submit(category="lift")
    system.settle()
    assert listed("handler", "joint=customer_service_centre") == listed("handler", "joint=*") == listed("handler", "joint=management_office") == {joint}
    assert not listed("handler", "joint=engineering_department")  # it leads
    assert listed("handler", "joint=*&department=engineering_department&phase=open") == {joint}
    row = system.http("GET", f"/api/v1/cases?site={SITE}&case_id={joint}", token=system.tokens()["handler"]).json()["rows"][0]
    assert sorted(row["joint"]) == ["customer_service_centre", "management_office"] and alone != joint
    return joint


def confidential_cases():
    """Confidential ones are on everybody's list, those that the policy hides on nobody's but who may see them."""
    before = {who: listed(who, "sealed=true") for who in STAFF}
    confidential = submit("complaint", category="noise", party={"name": "某某", "confidential": True})
    account = {"id": "manager", "person": "wu_guodong", "scopes": ["read", "act", "report", "submit"]}
    assert system.http("PUT", "/api/v1/organisation", {"accounts": [account]}, token=system.tokens()["admin"]).status == 200
    hidden = submit("sanction", "manager")
    system.settle()
    for who in STAFF:
        now = listed(who, "sealed=true") - before[who]
        case = system.http("GET", f"/api/v1/cases/{hidden}?site={SITE}", token=system.tokens()[who]).status
        assert now == ({confidential, hidden} if case == 200 else {confidential}), (who, now, case)
    assert {system.http("GET", f"/api/v1/cases/{hidden}?site={SITE}", token=system.tokens()[who]).status for who in STAFF} == {200, 404}
    reply = system.http("GET", f"/api/v1/cases?site={SITE}&sealed=true", token=system.tokens()["renhe-coordinator"])
    assert reply.status == 404, reply


def duties():
    """The lift's maintenance is due since long: a schedule of the policy opens it."""
    long_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=40)
    asset = {"id": "lift-1", "site": SITE, "of": "asset", "name": {"zh": "一号梯"}, "holders": [{"post": "asset_owner", "person": "zhou_qiang"}],
             "facts": [{"name": "interval", "value": {"text": "30 days"}}, {"name": "last_done", "value": {"text": long_ago.strftime("%Y-%m-%d")}}]}
    reply = system.http("PUT", "/api/v1/organisation", {"things": [asset]}, token=system.tokens()["admin"])
    assert reply.status == 200, reply
    system.settle()
    found = listed("coordinator", "duty=true")
    rows = system.http("GET", f"/api/v1/cases?site={SITE}&duty=true", token=system.tokens()["coordinator"]).json()["rows"]
    assert {row["duty"] for row in rows} == {"upkeep"} and {row["kind"] for row in rows} == {"maintenance"}, rows
    assert found == listed("coordinator", "duty=true&phase=open")
    for case in found:
        act("handler", case, "finish", fields={"findings": "正常"})
    system.settle()
    assert found and not listed("coordinator", "duty=true")


def what_is_due_first():
    """Open cases by the date that is still open, those without one last; in pages as in one."""
    token, cases = system.tokens()["coordinator"], []
    for _ in range(3):
        cases.append(submit("complaint", category="noise"))
        cases.append(submit("inquiry", category="noise"))
    submit()  # no clock
    article = submit("article", "coordinator", fields={"subject": "停梯", "reply_text": "请走二号梯。", "source": "LISTS-1"})
    system.settle()
    row = system.http("GET", f"/api/v1/cases?site={SITE}&case_id={article}", token=token).json()["rows"][0]
    assert row["subject"] == "停梯" and "open_due_at" not in row, row
    act("coordinator", cases[0], "accept")
    system.settle()
    whole = system.http("GET", f"/api/v1/cases?site={SITE}&phase=open&order=due&limit=1000", token=token).json()["rows"]
    dates = [row.get("open_due_at", "9999") for row in whole]
    assert dates == sorted(dates) and "9999" in dates and len(set(dates)) > 3 and set(cases) <= {row["case_id"] for row in whole}, dates
    assert {row["case_id"] for row in whole} == listed("coordinator", "phase=open")
    paged, cursor = [], ""
    while cursor is not None:
        page = system.http("GET", f"/api/v1/cases?site={SITE}&phase=open&order=due&limit=2{cursor}", token=token).json()
        paged += [row["case_id"] for row in page["rows"]]
        cursor = f"&cursor={page['cursor']}" if "cursor" in page else None
    assert paged == [row["case_id"] for row in whole]
    for query, status, field in (("order=due", 422, "order"), ("order=due&phase=closed", 422, "order"), ("order=due&phase=open&cursor=1-1", 422, "cursor"),
                                 ("order=due&phase=open&format=csv", 400, "order"), ("order=due&phase=open&text=" + urllib.parse.quote("噪声"), 400, "order")):
        reply = system.http("GET", f"/api/v1/cases?site={SITE}&{query}", token=token)
        assert reply.status == status and reply.json()["field"] == field, (query, reply)


def what_is_urgent_first():
    """What the policy calls urgent (GEN-FRAME-05) before all that is not, each by its dates; in pages as in one; closed it is urgent no more."""
    token = system.tokens()["coordinator"]
    urgent = [submit("complaint", category="hazard") for _ in range(3)]
    system.settle()
    path = f"/api/v1/cases?site={SITE}&phase=open&order=urgent"
    whole = system.http("GET", f"{path}&limit=1000", token=token).json()["rows"]
    first = [row["case_id"] for row in whole if row.get("urgent")]
    assert first == [row["case_id"] for row in whole[:len(first)]] and set(urgent) <= set(first) and len(first) < len(whole), whole
    for part in (whole[:len(first)], whole[len(first):]):
        dates = [row.get("open_due_at", "9999") for row in part]
        assert dates == sorted(dates), dates
    assert {row["case_id"] for row in whole} == listed("coordinator", "phase=open")
    paged, cursor = [], ""
    while cursor is not None:
        page = system.http("GET", f"{path}&limit=2{cursor}", token=token).json()
        paged += [row["case_id"] for row in page["rows"]]
        cursor = f"&cursor={page['cursor']}" if "cursor" in page else None
    assert paged == [row["case_id"] for row in whole]
    for query in ("order=urgent", "order=urgent&phase=open&cursor=due-1-1", "order=urgent&phase=open&cursor=1-1"):
        reply = system.http("GET", f"/api/v1/cases?site={SITE}&{query}", token=token)
        assert reply.status == 422, (query, reply)
    act("coordinator", urgent[0], "decline", fields={"reason": "重复登记"})
    system.settle()
    rows = system.http("GET", f"/api/v1/cases?site={SITE}&kind=complaint&category=hazard", token=token).json()["rows"]
    assert {row["case_id"] for row in rows if row.get("urgent")} == set(first) - {urgent[0]}, rows


def what_comes_first_counts():
    """Whoever has not come in ten minutes is late, though five days are left until it must be mended: in the list of what is late, in the order of
    dates, and no more once he is there. What is near is due by the same date. Figures go by the main clock."""
    token, hour_ago = system.tokens()["coordinator"], datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    late, fresh = submit("outage", "admin", received_at=hour_ago.isoformat(timespec="seconds")), submit("outage")
    system.settle()
    rows = {row["case_id"]: row for row in system.http("GET", f"/api/v1/cases?site={SITE}&kind=outage", token=token).json()["rows"]}
    assert rows[late]["late"] and rows[late]["open_due_at"] < rows[late]["due_at"] and "on_time" not in rows[late], rows[late]
    assert not rows[fresh]["late"] and rows[fresh]["open_due_at"] < rows[fresh]["due_at"], rows[fresh]
    assert late in listed("coordinator", "late=true") and fresh not in listed("coordinator", "late=true") and late not in listed("coordinator", "overdue=true")
    now = datetime.datetime.now(datetime.timezone.utc)
    near = "phase=open&due_from={:%Y-%m-%dT%H:%M:%SZ}&due_to={:%Y-%m-%dT%H:%M:%SZ}".format(now, now + datetime.timedelta(minutes=20))
    assert fresh in listed("coordinator", near) and late not in listed("coordinator", near)
    ordered = [row["case_id"] for row in system.http("GET", f"/api/v1/cases?site={SITE}&phase=open&kind=outage&order=due", token=token).json()["rows"]]
    assert ordered == [late, fresh], ordered
    for case in (late, fresh):
        act("coordinator", case, "arrive")
    system.settle()
    rows = system.http("GET", f"/api/v1/cases?site={SITE}&kind=outage", token=token).json()["rows"]
    assert all(not row["late"] and row["open_due_at"] == row["due_at"] for row in rows), rows
    assert late not in listed("coordinator", "late=true")


BEHIND = {"registered": "", "open": "phase=open", "closed": "phase=closed,archived", "on_time": "on_time=true", "overdue": "on_time=false", "reopened": "reopened=true",
          "escalated": "escalated=true", "returned": "returned=true", "satisfied": "satisfied=satisfied", "dissatisfied": "satisfied=dissatisfied",
          "response_count": "responded=true", "resolution_count": "phase=closed,archived"}


def figures(query, who="manager"):
    reply = system.http("GET", f"/api/v1/reports/figures?site={SITE}&{query}", token=system.tokens()[who])
    assert reply.status == 200, (query, reply)
    return reply.json()


def figures_have_their_cases():
    """Each number, in all and of each group, is how many the list has to which it leads."""
    returned, closed = submit("complaint", category="lift"), submit("complaint", category="noise")
    system.settle()
    act("head", returned, "return_case", fields={"reason": "不属工程部"})
    for step, fields in (("accept", {}), ("investigate", {"finding": "属实"}), ("handle", {"result": "已处理"}), ("answer", {"reply_text": "已处理"})):
        act("coordinator", closed, step, fields=fields)
    system.settle()
    act("coordinator", closed, "follow_up", fields={"satisfied": "satisfied"})
    act("coordinator", closed, "close")
    system.settle()
    now = datetime.datetime.now(datetime.timezone.utc)
    for narrowed in ("", "kind=complaint&", f"received_from={(now - datetime.timedelta(days=1)).strftime('%Y-%m-%dT%H:%M:%SZ')}&category=lift&", f"received_to={(now - datetime.timedelta(days=1)).strftime('%Y-%m-%d')}&"):
        for by in ("department", "kind", "category", "handler", "place", "month"):
            answer = figures(f"{narrowed}by={by}")
            groups = answer.get("groups", [])
            assert answer["total"]["registered"] == sum(one["registered"] for one in groups), answer
            for name, query in BEHIND.items():
                assert answer["total"][name] == len(listed("manager", narrowed + query)), (narrowed, name, answer["total"])
            for one in groups if by != "month" else []:
                for name in ("registered", "open", "returned", "response_count"):
                    if by in narrowed or (narrowed and name != "registered"):
                        continue
                    assert one[name] == len(listed("manager", f"{narrowed}{by}={one['key'] or '-'}&{BEHIND[name]}")), (by, one)
    total = figures("")["total"]
    assert total["returned"] and total["satisfied"] and total["response_count"] and total["resolution_count"], total
    assert listed("coordinator", "returned=true&phase=open") == listed("coordinator", "step=return_case&phase=open") == {returned}
    assert system.http("GET", f"/api/v1/reports/figures?site={SITE}&by=week", token=system.tokens()["manager"]).json()["field"] == "by"
    kpi = system.http("GET", f"/api/v1/reports/kpi?site={SITE}", token=system.tokens()["coordinator"]).json()["total"]
    assert kpi == figures("", "coordinator")["total"], kpi  # counted as it came, and counted now


def what_a_person_sends():
    case = submit()
    system.settle()
    act("coordinator", case, "sign")
    act("manager", case, "sign")
    act("reception", case, "grant")
    system.settle()
    due = system.http("GET", f"/api/v1/notices?site={SITE}", token=system.tokens()["reception"]).json()["notices"]
    (mine,) = [one for one in due if one["case_id"] == case]
    assert mine["notice"]["notice"] == "call" and mine["notice"]["channel"] == "phone" and mine["notice"]["complainant"] and mine["queued_at"], mine
    path = f"/api/v1/cases/{case}/notices/{mine['notice']['notice_id']}/sent"
    assert system.http("POST", path, token=system.tokens()["auditor"]).status == 403
    assert system.http("POST", path, token=system.tokens()["renhe-coordinator"]).status == 404
    assert system.http("POST", path, token=system.tokens()["reception"]).status == 200
    again = system.http("POST", path, token=system.tokens()["reception"])
    assert again.status == 409 and again.json()["code"] == "not_due", again
    system.settle()
    due = system.http("GET", f"/api/v1/notices?site={SITE}", token=system.tokens()["reception"]).json()["notices"]
    assert case not in {one["case_id"] for one in due}
    events = system.http("GET", f"/api/v1/cases/{case}/timeline?site={SITE}", token=system.tokens()["reception"]).json()["events"]
    said = [one["notification"] for one in events if "notification" in one]
    assert "by hand" in json.dumps(said) and any("told" in one for one in said), said


def what_is_no_filter():
    for query, field in (("approval=yours", "approval"), ("sealed=yes", "sealed"), ("duty=1", "duty"), ("escalated=any", "escalated"), ("reopened=1", "reopened"), ("returned=1", "returned")):
        reply = system.http("GET", f"/api/v1/cases?site={SITE}&{query}", token=system.tokens()["head"])
        assert reply.status == 400 and reply.json()["field"] == field and reply.json()["accepted"], reply


def problems_that_stand():
    """A rule could not take a step: one problem in the list, and none once a person took it."""
    def of_row():
        system.settle()
        rows = system.http("GET", f"/api/v1/cases?site={SITE}&kind=errand", token=system.tokens()["reception"]).json()["rows"]
        return [row.get("problems", 0) for row in rows if row["case_id"] == case]
    case = submit("errand")
    assert of_row() == [1], of_row()
    act("reception", case, "go", fields={"whither": "配电房"})
    file = system.http("GET", f"/api/v1/cases/{case}", token=system.tokens()["reception"]).json()
    assert not file.get("problems") and of_row() == [0], (file.get("problems"), of_row())


def test_lists():
    global system
    with harness.System("--demo") as system:
        publish()
        system.settle()
        approvals_wait_for_whose_turn_it_is()
        rights_that_are_lent()
        joint = joint_cases()
        confidential_cases()
        what_is_no_filter()
        what_is_due_first()
        what_is_urgent_first()
        what_comes_first_counts()
        what_a_person_sends()
        problems_that_stand()
        figures_have_their_cases()
        body = {"site": SITE, "name": {"zh": "会办"}, "list": "joint", "filter": [{"name": "joint", "value": "*"}, {"name": "approval", "value": "any"}]}
        assert system.http("POST", "/api/v1/views", body, token=system.tokens()["head"]).status == 201
        assert joint in listed("head", "joint=*&approval=any")
        duties()
        done = system.run("verify")
        assert done.returncode == 0, json.dumps(done.stdout)


if __name__ == "__main__":
    harness.main([test_lists])
