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


def written(at):
    """As the logs have it: without milliseconds where there are none."""
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds").replace("+00:00", "Z")


def miss_early_within_a_second(events):
    """As text the later of the two comes first."""
    event = first(events, "watchdog", "missed")
    at = invariants.instant(event["recorded_at"]).replace(microsecond=0)
    event["recorded_at"], event["watchdog"]["missed"]["due_at"] = written(at), written(at.replace(microsecond=500000))


def miss_within_a_second(events):
    """No lie: half a second after its date."""
    event = first(events, "watchdog", "missed")
    at = invariants.instant(event["recorded_at"]).replace(microsecond=0)
    event["recorded_at"], event["watchdog"]["missed"]["due_at"] = written(at.replace(microsecond=500000)), written(at)


def meet_later_within_a_second(events):
    """Met again may be said of an earlier instant, never of a later one."""
    event = first(events, "watchdog", "met")
    again(events, "watchdog", event)
    at = invariants.instant(event["occurred_at"]).replace(microsecond=0)
    event["occurred_at"] = written(at)
    events["watchdog"][events["watchdog"].index(event) + 1]["occurred_at"] = written(at.replace(microsecond=500000))


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


def somebody_opened(events):
    return first(events, "intake", "opened", lambda event, said: event.get("actor", {}).get("account") == "renhe-coordinator")


def open_without_the_scope(events):
    somebody_opened(events)["actor"].update(account="renhe-manager", person="qin_yue")


def open_at_another_site(events):
    somebody_opened(events)["actor"].update(account="coordinator", person="chen_chen")


def open_as_nobody(events):
    del somebody_opened(events)["actor"]


def open_once_the_scope_is_gone(events):
    """It was taken away long before."""
    event = copy.deepcopy(first(events, "directory", "account_defined", lambda event, said: said["id"] == "renhe-coordinator"))
    event["directory"]["account_defined"]["scopes"] = ["read", "act", "submit"]
    events["directory"].append(event)
    said = invariants.instant(event["recorded_at"])
    somebody_opened(events)["recorded_at"] = written(said + 2 * invariants.REST)


def act_without_the_scope(events):
    event = first(events, "casework", "step_taken", lambda event, said: event.get("actor", {}).get("account") == "renhe-coordinator")
    event["actor"].update(account="renhe-auditor", person="shao_hua")


def number_twice(events):
    said = [event["intake"]["registered"] for event in events["intake"] if "registered" in event["intake"]]
    said[-1]["count"] = said[-2]["count"]


def deliver_twice(events):
    again(events, "notification", first(events, "notification", "delivered"))


def never_end_a_notice(events):
    events["notification"].remove(first(events, "notification", "delivered"))


def register_twice(events):
    again(events, "intake", first(events, "intake", "registered"))


def lose_a_miss(events):
    for event in [event for event in events["watchdog"] if "missed" in event["watchdog"]]:
        events["watchdog"].remove(event)


def lose_a_rung(events):
    said = first(events, "escalation", "reached", lambda event, said: int(said.get("row", 0)) > 0 and said["ladder"] == "default")
    of = (said["case_id"], said["escalation"]["reached"]["clock"])
    events["escalation"] = [event for event in events["escalation"]
                            if (event.get("case_id"), event["escalation"].get("reached", {}).get("clock")) != of]


def no_main_clock(events):
    for event in events["watchdog"]:
        for said in event["watchdog"].values():
            said.pop("main", None)


def cancel_the_main_clock(events):
    over = {event["case_id"] for event in events["casework"] if event["casework"].get("step_taken", {}).get("stage") in invariants.OVER}
    event = copy.deepcopy(first(events, "watchdog", "missed", lambda event, said: said.get("main") and event["case_id"] not in over))
    event["watchdog"] = {"cancelled": {"instance": event["watchdog"]["missed"]["instance"], "main": True}}
    event["recorded_at"] = events["watchdog"][-1]["recorded_at"]
    events["watchdog"].append(event)


def miss_late(events):
    """Without it having been late: all that was said of that run before is as long ago."""
    event = first(events, "watchdog", "missed")
    run = invariants.run_of(event["watchdog"]["missed"])
    before = [other for other in events["watchdog"] if other["case_id"] == event["case_id"] and other is not event
              and any(invariants.run_of(said) == run for said in other["watchdog"].values() if "instance" in said)]
    for other in before:
        other["recorded_at"] = event["watchdog"]["missed"]["due_at"]


def a_submission(events):
    """One of a client's, neither an import nor one of the tests beside them."""
    sent = [event for event in events["intake"] if "registered" in event["intake"]
            and event["cause"].get("command", {}).get("account", "operator") != "operator"]
    return sent[len(sent) // 2]


def lose_a_case(events):
    events["intake"].remove(a_submission(events))


def lose_a_step(events):
    taken = [event for event in events["casework"] if "step_taken" in event["casework"] and "command" in event["cause"]]
    events["casework"].remove(taken[len(taken) // 2])


def nobody_sent_it(events):
    a_submission(events)["cause"]["command"]["id"] = "AAAA"


# What is put into the logs, and how it must be told.
LIES = {
    skip_a_step: "which the policy does not know", nobody_responsible: "nobody is responsible", lose_a_routing: "has no owner",
    lose_a_clock: "was promised and never ran", miss_twice: "was missed twice", miss_early: "missed early",
    miss_early_within_a_second: "missed early", meet_later_within_a_second: "met after met, at", reach_twice: "was reached twice",
    skip_a_level: "level 7 after", tell_nobody: "told nobody", tell_another: "of the ladder told ['fang_yuan']",
    open_anothers: "opened with keys of another case", number_twice: "follows", open_without_the_scope: "opened by renhe-manager, who had not",
    open_at_another_site: "opened by coordinator, who had not", open_as_nobody: "opened by nobody, who had not",
    open_once_the_scope_is_gone: "opened by renhe-coordinator, who had not", act_without_the_scope: "step_taken by renhe-auditor, who had not",
    deliver_twice: "delivered after delivered",
    never_end_a_notice: "has no end", register_twice: "was registered twice", lose_a_miss: "and never missed",
    lose_a_rung: "no row of its ladder was reached", no_main_clock: "no main clock ever ran", cancel_the_main_clock: "its main clock is cancelled",
    miss_late: "missed late", lose_a_case: "lost: ", lose_a_step: "lost: ", nobody_sent_it: "but nobody sent it",
}


def leave_out(lines):
    del lines[len(lines) // 2]


def another_hash(lines):
    lines[len(lines) // 2]["event"]["previous_hash"] = lines[0]["event"]["previous_hash"]


def unsealed(lines):
    lines[-1]["event"]["note"] = {"plain": "张三"}


def caused_again(lines):
    """Not a refusal that is told: that command may be sent again."""
    done = [line["event"] for line in lines if "action_refused" not in line["event"].get("casework", {})]
    done[-1]["cause"] = copy.deepcopy(next(event["cause"] for event in done if "command" in event["cause"]))


def caused_by_nothing(lines):
    cause = next(line["event"]["cause"] for line in lines if "event" in line["event"]["cause"])
    cause["event"]["offset"] = "1000000"


def recorded_backwards(lines):
    """Within a second, where the text of the earlier is shorter."""
    event, after = (line["event"] for line in lines[len(lines) // 2:][:2])
    at = invariants.instant(event["recorded_at"]).replace(microsecond=0)
    event["recorded_at"], after["recorded_at"] = written(at.replace(microsecond=999000)), written(at)


# The same of casework's log itself.
LIES_OF_LOGS = {leave_out: "is missing", another_hash: "does not follow the event before", unsealed: "holds an unsealed text",
                recorded_backwards: "was recorded before the one before", caused_again: "was carried out a second time", caused_by_nothing: "which does not exist"}


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
        reply = system.http("POST", path + "follow_up", {"fields": [{"name": "satisfied", "value": {"text": "satisfied"}}]}, token)  # something else stands between the two
        assert reply.status == 200, reply
    finally:
        for pid in silent:
            os.kill(pid, signal.SIGCONT)
    system.settle()
    reply = system.http("POST", path + "close", {}, token, {"Idempotency-Key": "close-it"})
    assert reply.status == 200, reply
    reply = system.http("GET", path.replace("/actions/", "?purpose=call+back"), token=token)  # which opens what is sealed
    assert reply.status == 200 and "来电人" in reply.body.decode(), reply


def count_another(checker, kpi):
    """A report that counts one more or one less of anything is found."""
    for said in [kpi["total"], *kpi["kinds"]]:
        for name in ("registered", "closed", "open", "response_count", "escalated"):
            findings = []
            said[name] = int(said.get(name, 0)) + 1
            invariants.check_figures(checker.events, checker.cases, kpi, findings.append)
            said[name] -= 1
            assert len(findings) == 1 and name in findings[0], f"{said.get('key')}: {name} is not found: {findings}"


def see_nothing(checker):
    """A check that saw nothing says so."""
    blind = copy.copy(checker)
    blind.judged, blind.events = set(), {service: [] for service in checker.events}
    assert [words.split(":")[0] for words in blind.vacuous()] == ["no cases judged", "no dates missed", "no rows reached"], blind.vacuous()
    assert blind.vacuous(dates=False) == blind.vacuous()[:1]


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
        findings = checker.check(load.ledger) + checker.vacuous()
        invariants.check_figures(checker.events, checker.cases, kpi, findings.append)
        assert not findings, findings[:10]
        count_another(checker, kpi)
        see_nothing(checker)
        truth = with_events(checker, miss_within_a_second).check_meaning(load.ledger)
        assert not truth, truth[:10]
        for lie, words in LIES.items():
            told(lie, words, with_events(checker, lie).check_meaning(load.ledger))
        for lie, words in LIES_OF_LOGS.items():
            liar, log = copy.copy(checker), ("casework", 0)
            liar.findings, liar.logs = [], {**checker.logs, log: copy.deepcopy(checker.logs[log])}
            lie(liar.logs[log])
            liar.check_chain(log)
            liar.check_causes(log)
            told(lie, words, liar.findings)
    print(f"the logs are sound, and each of {len(LIES) + len(LIES_OF_LOGS)} lies in them is told as what it is", flush=True)


def with_events(checker, change):
    changed = copy.copy(checker)
    changed.findings, changed.events = [], copy.deepcopy(checker.events)
    change(changed.events)
    return changed


def told(lie, words, findings):
    assert any(words in finding for finding in findings), f"{lie.__name__} is not found: {findings[:5]}"


if __name__ == "__main__":
    main()
