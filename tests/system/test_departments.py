"""What one department does otherwise, through the whole system: who takes a step, and what `explain` says of a date, an owner and a notice
that the department has otherwise than the site."""

import os
import re

import harness

system = None
SITE = "haitang"
PACK = """pack: WHY
name: [部门, Departments]
extends: PROP-11
in_force: 2025-01-01
notices:
  heads_up: {clause: WHY-3, name: [提醒, Heads up], to: handler, subject: ["{number}", "{number}"], text: ["{number} 已受理。", "{number} is accepted."]}
kinds:
  complaint:
    departments:
      engineering_department:
        clocks:
          reply: {clause: WHY-1, limit: 1 working day}
        steps:
          contact: {clause: WHY-2, by: head of engineering_department}
        rules:
          heads_up: {clause: WHY-4, when: accepted, then: [{tell: heads_up}, {assign: head of lead}]}
"""


def publish():
    folder = os.path.join(system.folder, "WHY")
    os.mkdir(folder)
    with open(os.path.join(folder, "pack.yaml"), "w", encoding="utf-8") as f:
        f.write(PACK)
    system.run("policy", "publish", SITE, folder, "--operator")
    system.settle()


def submit(category):
    reply = system.http("POST", "/api/v1/cases", {"site": SITE, "kind": "complaint", "category": category, "text": "一件"}, token=system.tokens()["reception"])
    assert reply.status == 201, reply
    return reply.json()["case_id"]


def act(who, case, step, status=200, **body):
    reply = system.http("POST", f"/api/v1/cases/{case}/actions/{step}?site={SITE}", body, token=system.tokens()[who])
    assert reply.status == status, (who, step, reply)
    return reply.json()


def why(case):
    system.settle()
    explained = system.http("GET", f"/api/v1/cases/{case}/explain?site={SITE}", token=system.tokens()["coordinator"]).json()
    return explained, {one["instance"]["clock"]: one for one in explained["clocks"]}


def the_department_is_named():
    lift, noise = submit("lift"), submit("noise")
    file = system.http("GET", f"/api/v1/cases/{lift}", token=system.tokens()["coordinator"]).json()
    assert file["lead"] == "engineering_department" and file["handler"], file
    act("head", lift, "accept")
    act("coordinator", noise, "accept")
    explained, clocks = why(lift)
    assert clocks["reply"]["department"] == "engineering_department" and clocks["reply"]["clauses"] == ["WHY-1"], clocks["reply"]
    assert "department" not in clocks["accept"], clocks["accept"]
    notice = next(one for one in explained["notices"] if one["notice"]["notice"] == "heads_up")
    assert notice["notice"]["rule"] == "heads_up" and notice["department"] == "engineering_department" and notice["rule_clauses"] == ["WHY-4"], notice
    assert notice["clauses"] == ["WHY-3"], notice
    acknowledged = next(one for one in explained["notices"] if one["notice"]["notice"] == "acknowledgement")
    assert acknowledged["notice"]["rule"] == "receipt" and "department" not in acknowledged, acknowledged
    assigned = next(one for one in explained["routing"]["routed"] if one["row"] == "assigned")
    assert assigned["rule"] == "heads_up" and assigned["department"] == "engineering_department" and assigned["rule_clauses"] == ["WHY-4"], assigned
    assert "reply 答复" in system.run("policy", "explain", lift, env={**os.environ, "LC_ALL": "zh_CN.UTF-8"}).stdout
    text = system.run("policy", "explain", lift, env={**os.environ, "LC_ALL": "en_US.UTF-8"}).stdout
    assert not re.search("[\u4e00-\u9fff]", text), text
    for words in ("reply Reply", ", as engineering_department has it", "by rule heads_up, as engineering_department has it of WHY-4"):
        assert words in text, (words, text)
    explained, clocks = why(noise)
    assert "department" not in clocks["reply"] and clocks["reply"]["clauses"] == ["PROP-11-11"], clocks["reply"]
    assert ", as " not in system.run("policy", "explain", noise).stdout
    refused = act("handler", lift, "contact", 403, fields={"contact_by": "phone"})
    assert refused["clauses"] == ["WHY-2"] and refused["zh"] == "只有工程部的负责人可记录联系", refused
    assert refused["en"].startswith("only head of Engineering"), refused
    act("head", lift, "contact", fields={"contact_by": "phone"})


def test_departments():
    global system
    with harness.System("--demo") as system:
        publish()
        the_department_is_named()
        assert "sound" in system.run("verify").stdout


if __name__ == "__main__":
    harness.main([test_departments])
