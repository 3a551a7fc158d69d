"""Poison in a real system: an assertion that fails whenever casework decides one kind of command, routing reacts to one kind of event,
analytics folds it, notification folds that a mail was delivered. The second time the input is set aside, everything else works on; when the service is mended (the same data,
without the planted bug) `hearback release` hands it over again, and nothing is missing. `poison.py`, with HEARBACK_BIN of build-planted."""

import json
import os
import re
import subprocess
import sys

import harness

PLANT = "HEARBACK_PLANT"


def submission(channel):
    return {"site": "renhe", "kind": "inquiry", "category": "service", "channel": channel, "text": {"plain": "内容"}}


def submit(system, channel):
    reply = system.http("POST", "/api/v1/cases", submission(channel), system.tokens()["renhe-reception"])
    assert reply.status == 201, reply
    return reply.json()["case_id"]


def numbers(system):
    reply = system.http("GET", "/api/v1/cases?site=renhe&limit=100", token=system.tokens()["renhe-coordinator"])
    assert reply.status in (200, 503), reply  # analytics may be starting again
    rows = reply.json()["rows"] if reply.status == 200 else []
    return {row["case_id"]: row.get("department") for row in rows}


def quarantined(system, service):
    """The key it is set aside under, as the log file says."""
    with open(os.path.join(system.folder, "log", f"{service}-0.log")) as f:
        found = re.findall(r"poison/[a-z]+-0/[0-9]+", f.read())
    assert found, f"{service}'s log names no quarantined input"
    return found[-1]


def settle(system):
    """Not `wait settled`: what was set aside is not carried out, and that is told."""
    system.run("wait", "ready", "--timeout", "60")


def sound(system):
    found = json.loads(system.run("--json", "verify", check=False).stdout)
    assert found["sound"], json.dumps(found, indent=1)


def until(what, check):
    for _ in range(600):
        if check():
            return
        subprocess.run(["sleep", "0.1"], check=True)
    raise AssertionError(f"not within a minute: {what}")


def a_command(system):
    """casework's decide."""
    case, other = submit(system, "phone"), submit(system, "phone")
    system.settle()
    token, key = system.tokens()["renhe-coordinator"], {"Idempotency-Key": "poison"}
    replies = []
    until("the command is refused for good", lambda: replies.append(system.http(
        "POST", f"/api/v1/cases/{case}/actions/acknowledge", {}, token, key)) or replies[-1].status == 500)
    assert replies[-1].json()["code"] == "poison", replies[-1]
    assert all(reply.status in (500, 503) for reply in replies), replies
    for id in (case, other):  # this case too: it was the command that was poison
        until("others work on", lambda id=id: system.http("POST", f"/api/v1/cases/{id}/actions/accept", {}, token).status == 200)
    system.settle()
    sound(system)


def an_event(system, service, shown):
    """`shown(case)`: what of it is seen once the service has heard of it."""
    poison = submit(system, "other")
    after = submit(system, "phone")
    until("what came later is carried out", lambda: shown(after))
    assert not shown(poison), f"{service} has carried it out: it was no poison"
    key = quarantined(system, service)
    wrong = system.run("release", service, "poison/intake-0/1", check=False)
    assert wrong.returncode == 1 and key in wrong.stderr, wrong.stderr
    system.stop()
    os.environ[PLANT] = "none"
    system.start()
    settle(system)
    assert not shown(poison), "nobody has handed it over again yet"
    system.run("release", service, key)
    until("what was set aside is carried out", lambda: shown(poison))
    system.settle()
    sound(system)


def written(system, email):
    """A case whose complainant is told by mail."""
    body = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": "测试", "party": {"email": email}}
    reply = system.http("POST", "/api/v1/cases", body, system.tokens()["reception"])
    assert reply.status == 201, reply
    return reply.json()["case_id"]


def told(system, case):
    """How the notices to its complainant ended: (status, error) of each mail."""
    reply = system.http("GET", f"/api/v1/cases/{case}/explain", token=system.tokens()["coordinator"])
    assert reply.status in (200, 503), reply
    notices = reply.json().get("notices", []) if reply.status == 200 else []
    return [(n["status"], n.get("error", "")) for n in notices if n["notice"].get("complainant") and n["notice"]["channel"] == "email"]


def a_mail(system, mail):
    """notification's evolve: the mail went out, and nobody can take that in. It is sent twice: then it has failed."""
    first = written(system, "sun.yue@example.org")
    until("the notice ends", lambda: [status for status, _ in told(system, first)] == ["failed"])
    assert "may have arrived" in told(system, first)[0][1], told(system, first)
    settle(system)
    system.settle()
    sent = [m for m in mail.messages if m["To"] == "<sun.yue@example.org>"]
    assert len(sent) == 2 and len({m["Message-ID"] for m in sent}) == 1, [(m["To"], m["Message-ID"]) for m in mail.messages]
    system.stop()  # a fresh fold would meet the mails of the demonstration
    os.environ[PLANT] = "none"
    system.start()
    second = written(system, "li.ming@example.org")
    until("the next one is told", lambda: [status for status, _ in told(system, second)] == ["delivered"])
    assert [status for status, _ in told(system, first)] == ["failed"]
    system.settle()
    sound(system)


def story(plant, tell, *options):
    os.environ[PLANT] = "none"
    with harness.System("--demo", *options) as system:
        system.settle()
        system.stop()
        os.environ[PLANT] = plant
        system.start()
        tell(system)
    print(f"{plant}: set aside, all else works on", flush=True)


def main():
    story("poison_decide", a_command)
    story("poison_react", lambda system: an_event(system, "routing", lambda case: numbers(system).get(case)))
    story("poison_evolve", lambda system: an_event(system, "analytics", lambda case: case in numbers(system)))
    with harness.Mail() as mail:
        story("poison_delivered", lambda system: a_mail(system, mail), "--smtp", mail.url)
    return 0


sys.exit(main())
