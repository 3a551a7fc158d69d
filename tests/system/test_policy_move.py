"""Open cases are moved to a newer version of the policy: what would move is listed first, what moved afterwards; what does not fit is
refused with the reason; a move goes on where casework was killed; and the case's explanation and time line say it."""

import json
import os
import signal
import time
from datetime import datetime, timezone

import harness

PACK = """
pack: MOVE
name: [改版, New versions]
extends: GEN-FRAME
categories: {other: {to: desk}}
kinds:
  request:
    clause: MOVE-01
    name: [请求, Request]
    stages: {open: new, closed: closed}
    stage_names: {open: [未办, Open], closed: [已办, Closed]}
    fields: {category: {name: [类别, Category], type: name}EXTRA}
    steps:
      register: {clause: MOVE-01, name: [登记, Register], to: open, by: employee}
      close: {clause: MOVE-01, name: [办结, Close], from: open, to: closed, by: employee}
    route: {otherwise: {clause: MOVE-01, to: department of category}}
    clocks:
      answer: {clause: MOVE-01, name: [答复, Answer], main: yes, start: received_at, stop: closed, limit: LIMIT h}
      NAME: {clause: MOVE-01, name: [其他, Other], start: received_at, stop: closed, limit: 100 h}
"""
MARK = ", mark: {clause: MOVE-01, name: [标记, Mark], type: name, needed: {at: register, if: {category: never}}}"
MANY = 400


def found(system):
    body = {"sites": [{"id": "yard", "name": {"zh": "大院", "en": "Yard"}, "zone": "Asia/Shanghai"}],
            "departments": [{"id": "desk", "site": "yard", "name": {"zh": "前台", "en": "Desk"}}],
            "people": [{"id": "lin", "name": "林", "posts": [{"post": "handler_post", "department": "desk", "site": "yard"}]}],
            "accounts": [{"id": "lin", "person": "lin", "scopes": ["read", "act", "submit"]}]}
    reply = system.http("PUT", "/api/v1/organisation", body, token=system.operator_token())
    assert reply.status == 200, reply
    publish(system, 24, "other", MARK)
    return system.run("token", "lin").stdout.strip()


def publish(system, limit, name, extra=""):
    folder = os.path.join(system.folder, "MOVE")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "pack.yaml"), "w", encoding="utf-8") as f:
        f.write(PACK.replace("LIMIT", str(limit)).replace("NAME", name).replace("EXTRA", extra))
    done = json.loads(system.run("--json", "policy", "publish", "yard", folder, "--operator").stdout)
    system.settle()
    return done["policy_version"]


def register(system, **fields):
    body = {"site": "yard", "kind": "request", "category": "other"}
    if fields:
        body["fields"] = fields
    made = system.http("POST", "/api/v1/cases", body, token=lin)
    assert made.status == 201, made
    return made.json()


def explained(case_id):
    return system.http("GET", f"/api/v1/cases/{case_id}/explain", token=admin).json()


def clocks(case_id):
    return {c["instance"]["clock"]: {name: c[name] for name in ("state", "start_at", "due_at")} for c in explained(case_id)["clocks"]}


def call(method, rest="", body=None, token=None, **headers):
    return system.http(method, "/api/v1/policies/yard/move" + rest, body, token=token or admin, headers={name.replace("_", "-"): value for name, value in headers.items()})


def a_move_is_shown_and_done():
    first, marked = register(system), register(system, mark="a")
    system.settle()
    before = clocks(first["case_id"])
    assert publish(system, 48, "paper", MARK) == 2
    assert clocks(first["case_id"]) == before  # publishing moves nothing

    refused = call("POST", "?dry_run=true", {}, token=lin)
    assert refused.status == 403 and call("GET", token=lin).status == 403, refused
    assert call("POST", "", {"kinds": ["nothing"]}).json()["accepted"], "which kinds there are"
    assert call("POST", "", {"version": 1}).json()["code"] == "stale_version"
    reply = call("POST", "?dry_run=true", {})
    assert reply.status == 200, reply
    shown = reply.json()
    assert shown["policy_version"] == 2 and shown["dry_run"], shown
    of = {one["case_id"]: one for one in shown["cases"]}
    assert set(of) == {first["case_id"], marked["case_id"]} and not any("problems" in one and one["problems"] for one in of.values()), shown
    dates = {c["instance"]["clock"]: c for c in of[first["case_id"]]["clocks"]}
    assert {name: c["what"] for name, c in dates.items()} == {"answer": "moved", "other": "ended", "paper": "begun"}, dates
    assert dates["answer"]["moved_from"] == before["answer"]["due_at"], dates
    assert clocks(first["case_id"]) == before and "begun_at" not in call("GET").json()

    listed = system.run("policy", "move", "yard", "--dry-run").stdout
    assert "2 open cases would be moved to version 2, 0 refused; 6 dates would change" in listed, listed
    done = json.loads(system.run("--json", "policy", "move", "yard").stdout)
    assert (done["moved"], done["refused"]) == (2, 0), done
    system.settle()
    after = clocks(first["case_id"])
    assert after["answer"]["due_at"] == dates["answer"]["due_at"] and after["other"]["state"] == "cancelled", after
    assert after["paper"]["start_at"] == before["answer"]["start_at"], after
    moved = {(c["number"], c["instance"]["clock"]): c["what"] for c in done["clocks"]}
    assert moved[first["number"], "answer"] == "moved" and moved[first["number"], "other"] == "ended", done
    told = explained(first["case_id"])
    assert told["policy_version"] == 2 and [(v["from"], v["to"]) for v in told["versions_taken"]] == [(1, 2)], told
    events = system.http("GET", f"/api/v1/cases/{first['case_id']}/timeline", token=lin).json()["events"]
    assert [e["casework"]["case_moved"] for e in events if "case_moved" in e.get("casework", {})] == [{"from": 1, "to": 2}], events
    assert "moved from version 1 to 2" in system.run("policy", "explain", first["number"]).stdout


def a_move_is_lived_again():
    """By `policy whatif`: under the version that is in force anyway, the cases moved to it have the dates that they have."""
    done = system.run("--json", "policy", "whatif", "--language", "en", "--site", "yard", os.path.join(system.folder, "MOVE"), "--since", "2020-01-01", check=False)
    told = json.loads(done.stdout)
    assert (told["cases"], told["deeds"], told["unrepeated"]) == (2, 3, 0), told
    assert {d["what"] for case in told["list"] for d in case["differences"]} == {"other"}, told  # which ended with the move, and never was


def what_does_not_fit_is_refused_and_listed():
    assert publish(system, 72, "paper") == 3  # without the field `mark`
    shown = system.run("policy", "move", "yard", "--dry-run").stdout
    assert "1 refused" in shown and "fields.mark" in shown, shown
    done = system.run("--json", "policy", "move", "yard", check=False)
    assert done.returncode == 3, done  # done, and not all of it
    told = json.loads(done.stdout)
    assert (told["moved"], told["refused"]) == (1, 1) and told["cases"][0]["problems"][0]["field"] == "fields.mark", told
    state = call("GET").json()
    assert (state["version"], state["moved"], state["refused"]) == (3, 1, 1) and state["ended_at"] >= state["begun_at"], state
    assert [one["kind"] for one in state["cases"]] == ["request"], state


def progress(deadline_s=60):
    """How far it is, as soon as casework answers."""
    until = time.monotonic() + deadline_s
    while True:
        reply = call("GET")
        if reply.status == 200:
            return reply.json()
        assert reply.status in (502, 503, 504) and time.monotonic() < until, reply
        time.sleep(0.05)


def kill_casework():
    for pid in system.pids("casework"):
        os.kill(pid, signal.SIGKILL)


def moved_with_a_kill(version):
    """True when the job ended in a later life than it began in: it was under way when casework was killed."""
    assert publish(system, 76 + version, "paper") == version
    key = f"move-{version}"
    begun = call("POST", "", {}, Idempotency_Key=key)
    kill_casework()
    killed = datetime.now(timezone.utc)
    assert begun.status == 200 and begun.json()["policy_version"] == version, begun
    progress()
    kill_casework()
    state = progress()
    deadline = time.monotonic() + 60
    while "ended_at" not in state:
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
        state = progress()
    assert (state["version"], state["moved"], state["refused"]) == (version, MANY + 1, 1), state
    assert call("POST", "", {}, Idempotency_Key=key).json() == {**begun.json(), "repeated_command": True}
    return datetime.fromisoformat(state["ended_at"]) > killed


def a_move_goes_on_where_casework_was_killed():
    made = [register(system)["case_id"] for _ in range(MANY)]
    system.settle()
    version = 4
    while not moved_with_a_kill(version):  # it was over already: another one
        version += 1
        assert version < 14, "ten moves were over before casework could be killed"
    system.settle()
    assert all(explained(case_id)["policy_version"] == version for case_id in made)


with harness.System() as system:
    lin = found(system)
    admin = system.operator_token()
    for story in (a_move_is_shown_and_done, a_move_is_lived_again, what_does_not_fit_is_refused_and_listed, a_move_goes_on_where_casework_was_killed):
        story()
        print("ok", story.__name__)
