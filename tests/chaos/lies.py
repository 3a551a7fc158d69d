"""The checker can fail: the logs of a real system are sound, and each lie put into them is found. `lies.py [--seed N]`"""

import argparse
import copy
import os
import signal
import time

import harness
import invariants
from checker import Checker
from load import STEPS, Load, command_id
from histories import histories


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


def first(events, service, kind, wanted=lambda event, said: True):
    return next(event for event in events[service] if kind in event[service] and wanted(event, event[service][kind]))


def again(events, service, event):
    events[service].insert(events[service].index(event) + 1, copy.deepcopy(event))


def skip_a_step(events):
    event = first(events, "casework", "step_taken", lambda event, said: said["step"] == "answer" and event["site"] == "renhe")
    event["casework"]["step_taken"]["stage"] = "archived"


def nobody_responsible(events):
    for event in events["routing"]:
        for name in ("lead", "handler", "department"):
            event["routing"].get("routed", {}).pop(name, None)


def lose_a_routing(events):
    events["routing"].remove(first(events, "routing", "routed"))


def lose_a_clock(events):
    events["watchdog"].remove(first(events, "watchdog", "armed"))


def miss_twice(events):
    again(events, "watchdog", first(events, "watchdog", "missed"))


def miss_early(events):
    event = first(events, "watchdog", "missed")
    event["watchdog"]["missed"]["due_at"] = "2126-01-01T00:00:00Z"


def reach_twice(events):
    again(events, "escalation", first(events, "escalation", "reached"))


def skip_a_level(events):
    first(events, "escalation", "reached")["escalation"]["reached"]["level"] = 7


def tell_nobody(events):
    said = first(events, "escalation", "reached")["escalation"]["reached"]
    said.pop("told", None)
    said.pop("hand_to", None)


def tell_another(events):
    first(events, "escalation", "reached")["escalation"]["reached"]["told"] = ["fang_yuan"]


def open_anothers(events):
    first(events, "intake", "opened")["intake"]["opened"]["keys"] = ["12345"]


def number_twice(events):
    said = [event["intake"]["registered"] for event in events["intake"] if "registered" in event["intake"]]
    said[-1]["count"] = said[-2]["count"]


def deliver_twice(events):
    again(events, "notification", first(events, "notification", "delivered"))


def never_end_a_notice(events):
    events["notification"].remove(first(events, "notification", "delivered"))


def register_twice(events):
    again(events, "intake", first(events, "intake", "registered"))


LIES = (skip_a_step, nobody_responsible, lose_a_routing, lose_a_clock, miss_twice, miss_early, reach_twice, skip_a_level, tell_nobody,
        tell_another, open_anothers, number_twice, deliver_twice, never_end_a_notice, register_twice)


def refused_then_carried_out(system, ledger):
    """One command, sent again under its key: refused while the complainant is not told, later carried out. That is no lie."""
    token = system.tokens()["renhe-coordinator"]
    body = {"site": "renhe", "kind": "complaint", "category": "service", "channel": "phone", "text": {"plain": "内容"},
            "party": {"name": {"plain": "来电人"}, "email": {"plain": "laidian@example.org"}}}
    ledger.beside.append(command_id("renhe-coordinator", "told-later"))
    reply = system.http("POST", "/api/v1/cases", body, token, {"Idempotency-Key": "told-later"})
    assert reply.status == 201, reply
    path = f"/api/v1/cases/{reply.json()['case_id']}/actions/"
    system.settle()
    silent = system.pids("notification")
    for pid in silent:
        os.kill(pid, signal.SIGSTOP)
    try:
        for _, step, fields in STEPS[:-1]:
            reply = system.http("POST", path + step, {"fields": [{"name": name, **content} for name, content in fields.items()]}, token)
            assert reply.status == 200, reply
        reply = system.http("POST", path + "close", {}, token, {"Idempotency-Key": "close-it"})
        assert reply.status == 409 and reply.json()["code"] == "guard", reply
        reply = system.http("POST", path + "acknowledge", {}, token)  # something else stands between the two
        assert reply.status == 200, reply
    finally:
        for pid in silent:
            os.kill(pid, signal.SIGCONT)
    system.settle()
    reply = system.http("POST", path + "close", {}, token, {"Idempotency-Key": "close-it"})
    assert reply.status == 200, reply


def count_another(checker, kpi):
    """A report that counts one more or one less of anything is found."""
    for said in [kpi["total"], *kpi["kinds"]]:
        for name in ("registered", "closed", "open", "response_count", "escalated"):
            findings = []
            said[name] = int(said.get(name, 0)) + 1
            invariants.check_figures(checker.events, checker.cases, kpi, findings.append)
            said[name] -= 1
            assert len(findings) == 1 and name in findings[0], f"{said.get('key')}: {name} is not found: {findings}"


def main():
    chosen = options()
    with harness.Mail() as mail, harness.System("--demo", "--smtp", mail.url) as system:
        system.settle()
        with Load(system.port, system.tokens(), seed=chosen.seed, clients=4, mails=0.3) as load:
            time.sleep(4)
        reply = system.http("POST", "/api/v1/imports", {"site": "renhe", "rows": histories(0, 20)}, system.operator_token())
        assert reply.status == 200 and reply.json()["imported"] == 20, reply
        system.settle()
        refused_then_carried_out(system, load.ledger)
        system.settle()
        kpi = system.http("GET", "/api/v1/reports/kpi?site=renhe", token=system.operator_token()).json()
        system.stop()
        checker = Checker(system.folder)
        findings = checker.check(load.ledger)
        invariants.check_figures(checker.events, checker.cases, kpi, findings.append)
        assert not findings, findings[:10]
        count_another(checker, kpi)
        for lie in LIES:
            liar = copy.copy(checker)
            liar.findings, liar.events = [], copy.deepcopy(checker.events)
            lie(liar.events)
            assert liar.check_meaning(load.ledger), f"{lie.__name__} is not found"
    print(f"the logs are sound, and each of {len(LIES)} lies in them is found", flush=True)


if __name__ == "__main__":
    main()
