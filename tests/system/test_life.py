"""The life of one complaint, live: portal, department, answer, follow-up, reopened, closed, archived; and of another one
nobody touches: pre-warning, miss, level 1, level 2, with mails at a real SMTP server."""

import os
import re

import harness
import portal


def email_of(message):
    return message["To"].strip("<>")


def text_of(message):
    payload = message.get_payload(decode=True)
    return payload.decode("utf-8")


def subject_of(message):
    import email.header
    return str(email.header.make_header(email.header.decode_header(message["Subject"])))


def one_complaint():
    with harness.Mail() as mail, harness.System("--demo", "--smtp", mail.url) as system:
        tokens = system.tokens()
        phone = portal.Browser(system.port)

        def act(account, step, expect=200, **fields):
            reply = system.http("POST", f"/api/v1/cases/{case_id}/actions/{step}", {"fields": fields}, tokens[account])
            assert reply.status == expect, (step, reply)
            return reply.json()

        # Submitted at the portal: number, tracking code and promised dates at once.
        page = phone.get("/submit?site=haitang&kind=complaint")
        page = phone.send(page.form_at("/submit"), text="楼上连续三晚十一点后装修，无法入睡。", category="noise",
                          name="孙悦", phone="021-55500199", email="sun.yue@example.org")
        number = re.search(r"\d{8}-complaint-\d{3}", page.text).group()
        code = re.search(re.escape(number) + r"\D+? ([0-9A-Z]{8})\b", page.text).group(1)
        assert re.search(r"受理 不晚于\d+月\d+日（周.）\d\d:\d\d", page.text), page.text

        # It is in the right department's list, readable to those allowed only.
        system.settle()
        rows = system.http("GET", f"/api/v1/cases?number={number}&site=haitang", token=tokens["coordinator"]).json()["rows"]
        assert len(rows) == 1 and rows[0]["department"] == "customer_service_centre", rows
        case_id = rows[0]["case_id"]
        file = system.http("GET", f"/api/v1/cases/{case_id}", token=tokens["coordinator"])
        assert "无法入睡" in file.body.decode(), file
        elsewhere = system.http("GET", f"/api/v1/cases/{case_id}", token=tokens["renhe-coordinator"])
        assert elsewhere.status in (403, 404), elsewhere
        assert system.http("GET", f"/api/v1/cases/{case_id}").status == 401
        receipt = mail.wait(lambda m: email_of(m) == "sun.yue@example.org")
        assert number in subject_of(receipt)

        # Handled. What the policy does not allow is refused with the reason and what may be done instead.
        refused = act("coordinator", "approve", expect=409)
        assert refused.get("next"), refused
        act("coordinator", "accept")
        act("coordinator", "contact", contact_by="phone")
        missing = act("coordinator", "propose", expect=422)
        assert {p["field"] for p in missing["problems"]} == {"finding", "solution"}, missing
        act("coordinator", "investigate", finding="夜间施工属实", cause="delay")
        act("coordinator", "propose", solution="限时施工并致歉")
        act("coordinator", "approve")
        act("coordinator", "answer", reply_text="已要求施工方晚八点后停工，并向您致歉。")
        mail.wait(lambda m: email_of(m) == "sun.yue@example.org" and "答复" in subject_of(m))

        # The complainant sees the answer by the tracking code; nobody sees it with a wrong one.
        stranger = portal.Browser(system.port)
        wrong = stranger.send(stranger.get("/track").form_at("/track"), expect=422, number=number,
                              code=code[:-1] + ("0" if code[-1] != "0" else "1"))
        assert "致歉" not in wrong.text
        other = portal.Browser(system.port)
        page = other.send(other.get("/track").form_at("/track"), number=number, code=code)
        assert "晚八点后停工" in page.text and number in page.text, page.text
        assert "夜间施工属实" not in page.text  # the finding is not the complainant's to see

        # Dissatisfied: reopened, copied to the general manager, handled again, closed, archived.
        page = other.send(page.form_with(step="follow_up"), follow_up__satisfied="dissatisfied", follow_up__opinion="昨晚仍在施工")
        system.settle()
        file = system.http("GET", f"/api/v1/cases/{case_id}", token=tokens["coordinator"]).json()
        assert file["stage"] == "handling" and int(file["round"]) == 2, file
        copy = mail.wait(lambda m: email_of(m) == "wu.guodong@example.org")
        assert number in subject_of(copy)
        act("coordinator", "handle", result="已停工，恢复原状")
        act("coordinator", "answer", reply_text="施工方已撤场。")
        page = other.send(other.get("/track").form_at("/track"), number=number, code=code)
        assert "施工方已撤场" in page.text
        other.send(page.form_with(step="follow_up"), follow_up__satisfied="satisfied")
        system.settle()  # the mail with the answer has arrived: without an answer no case is closed
        act("coordinator", "close", expect=409)  # handled again: revisited before it is closed
        links = system.http("GET", f"/api/v1/cases/{case_id}", token=tokens["coordinator"]).json()["links"]
        revisit = next(link["case_id"] for link in links if link["kind"] == "revisit")
        recorded = system.http("POST", f"/api/v1/cases/{revisit}/actions/record",
                               {"fields": {"by": "revisit_phone", "opinion": "已安静"}}, tokens["coordinator"])
        assert recorded.status == 200, recorded
        system.settle()
        act("coordinator", "close")
        act("coordinator", "archive")
        system.settle()

        # Everything stands in the timeline, in order; the figures have counted it; every date explains itself.
        timeline = system.http("GET", f"/api/v1/cases/{case_id}/timeline", token=tokens["coordinator"]).body.decode()
        for step in ("accept", "contact", "investigate", "propose", "approve", "answer", "follow_up", "reopen", "close", "archive"):
            assert f'"{step}"' in timeline, step
        explain = system.http("GET", f"/api/v1/cases/{case_id}/explain", token=tokens["coordinator"]).json()
        reply = next(clock for clock in explain["clocks"] if clock["instance"]["clock"] == "reply")
        assert reply["state"] == "met" and reply["clauses"] == ["PROP-11-11"], reply
        assert [day["what"] for day in reply["days"]].count("counted") == 3 and reply["due_at"][11:19] == "18:00:00", reply
        kpi = system.http("GET", "/api/v1/reports/kpi?site=haitang", token=tokens["manager"]).json()["total"]
        assert int(kpi["closed"]) >= 1 and int(kpi["reopened"]) == 1 and int(kpi["satisfied"]) == 1, kpi  # the last word counts
        assert system.http("GET", "/api/v1/reports/kpi?site=haitang", token=tokens["renhe-manager"]).status == 404


QUICK = """
pack: QUICK
name: [快速, Quick]
extends: GEN-FRAME
in_force: 2025-01-01
ladders:
  default:
    clause: QUICK-2
    rows:
      - {at: warning, tell: coordinator}
      - {at: late, tell: coordinator}
      - {at: +1 min, tell: general_manager}
kinds:
  complaint:
    clocks:
      accept: {main: no}
      reply: {main: no}
      quick: {clause: QUICK-1, name: [快速, Quick], main: yes, start: registered, stop: [accepted, closed, withdrawn, declined],
              limit: 1 min, warn: 50 %}
"""


def nobody_touches_it():
    with harness.Mail() as mail, harness.System("--demo", "--smtp", mail.url) as system:
        tokens = system.tokens()
        folder = os.path.join(system.folder, "QUICK")
        os.mkdir(folder)
        with open(os.path.join(folder, "pack.yaml"), "w") as f:
            f.write(QUICK)
        system.run("policy", "publish", "renhe", folder, "--operator")
        system.settle()  # every service has heard of it
        reply = system.http("POST", "/api/v1/cases", {"site": "renhe", "kind": "complaint", "category": "service", "channel": "phone",
                                                      "text": {"plain": "等候三小时无人接待"}}, tokens["renhe-reception"])
        assert reply.status == 201, reply
        number, case_id = reply.json()["number"], reply.json()["case_id"]
        coordinator, manager = "ma.lan@example.org", "qin.yue@example.org"
        mail.wait(lambda m: email_of(m) == coordinator and "预警" in subject_of(m) and number in subject_of(m), 60)
        mail.wait(lambda m: email_of(m) == coordinator and "超时" in subject_of(m) and number in subject_of(m), 60)
        mail.wait(lambda m: email_of(m) == manager and "超时" in subject_of(m) and number in subject_of(m), 90)
        told = [(email_of(m), subject_of(m)) for m in mail.messages if number in subject_of(m)]
        assert len(told) == len(set(told)), told  # each once
        rows = system.http("GET", f"/api/v1/cases?number={number}&site=renhe", token=tokens["renhe-coordinator"]).json()["rows"]
        assert rows[0]["on_time"] == "false" and rows[0]["case_id"] == case_id, rows


if __name__ == "__main__":
    harness.main([one_complaint, nobody_touches_it])
