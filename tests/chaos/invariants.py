"""A second, naive model of what a case, a clock, a ladder and a key are: lists and dictionaries over the logs, written from the text of
the policy (GEN-FRAME) and of reliability.md 3, with nothing of the services in it. A bug would have to be made twice to hide."""

import collections
import datetime
import json
import os

ORGANISATION = os.path.join(os.path.dirname(__file__), "../../services/directory/demo/organisation.json")
# GEN-FRAME, kinds of a matter: step -> (from which stages, to which; None: it stays where it is).
BEFORE_HANDLED = ("registered", "dispatched", "accepted", "handling", "pending_customer", "proposed")
MOVES = {
    "settle": (("registered",), "closed"),
    "dispatch": (("registered",), "dispatched"),
    "accept": (("registered", "dispatched"), "accepted"),
    "contact": (("accepted", "handling"), "handling"),
    "investigate": (("accepted", "handling"), "handling"),
    "ask_papers": (("accepted", "handling"), "pending_customer"),
    "papers_in": (("pending_customer",), "handling"),
    "add": (("registered", "dispatched", "accepted", "handling", "proposed", "approved"), None),
    "propose": (("handling",), "proposed"),
    "approve": (("proposed",), "approved"),
    "reject": (("proposed",), "handling"),
    "handle": (("accepted", "handling", "approved"), "handled"),
    "answer": (("approved", "handled"), "replied"),
    "follow_up": (("replied",), "followed_up"),
    "reopen": (("replied", "followed_up", "closed"), "handling"),
    "close": (("handled", "replied", "followed_up"), "closed"),
    "archive": (("closed", "withdrawn", "declined"), "archived"),
    "withdraw": (("registered", "dispatched", "accepted", "handling"), "withdrawn"),
    "decline": (("registered", "dispatched"), "declined"),
    "return_case": (("registered", "dispatched", "accepted"), "registered"),
    "acknowledge": ((*BEFORE_HANDLED, "approved", "handled", "replied", "followed_up"), None),
    "amend": (BEFORE_HANDLED, None),
}
KINDS = ("complaint", "repair", "inquiry", "suggestion")
OVER = ("closed", "withdrawn", "declined", "archived")
ENDS = ("met", "missed", "cancelled")
REST = datetime.timedelta(seconds=30)  # a date that passed so long before the end had every time to be noticed


def check(events, cases, find, site="renhe"):
    """`events`: service -> the events of its log; `cases`: id -> its registration; `find(text)` for whatever is wrong."""
    stages = check_stages(events, cases, find, site)
    check_clocks(events, cases, stages, find)
    check_main(events, cases, stages, find, site)
    check_ladders(events, find)
    check_climbed(events, find)
    check_told(events, find, site)
    check_opened(events, find)


def check_stages(events, cases, find, site):
    """Invariant 4: in one legal stage, reached by legal steps; while not over it has somebody who is responsible."""
    stages = {id: event["intake"]["registered"].get("stage") for id, event in cases.items()}
    ours = {id for id, event in cases.items() if event.get("site") == site and event["intake"]["registered"].get("kind") in KINDS}
    for event in events["casework"]:
        step = event.get("casework", {}).get("step_taken")
        if not step:
            continue
        id = event["case_id"]
        if id in ours:
            froms, to = MOVES.get(step["step"], ((), None))
            if stages[id] not in froms or step["stage"] != (to or stages[id]):
                find(f"case {id}: step {step['step']} led from {stages[id]} to {step['stage']}, which the policy does not know")
        stages[id] = step["stage"]
    owner = {}
    for event in events["routing"]:
        routed = event.get("routing", {}).get("routed")
        if routed:
            owner[event["case_id"]] = routed
    for id in ours:
        if stages[id] not in OVER and not any(owner.get(id, {}).get(name) for name in ("lead", "handler", "department")):
            find(f"case {id} is {stages[id]} and nobody is responsible: {owner.get(id)}")
    return stages


def run_of(said):
    instance = said["instance"]
    return instance.get("clock"), int(instance.get("round", 0)), instance.get("part", "")


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def check_clocks(events, cases, stages, find):
    """Invariant 5: each run of a clock is armed first, ends once (met again only earlier: what stopped it first was heard later, from a
    log that watchdog had not read so far), and a miss is never early; one that runs and does not stand still has missed the date it
    was armed with, once that has passed; what was promised for a case that is not over has a clock that runs or has ended."""
    last = collections.defaultdict(dict)  # case -> run -> what was said last
    met = {}  # (case, run) -> when, as said last
    due = {}  # (case, run) -> as armed last
    for event in events["watchdog"]:
        for kind in ("armed", "paused", "met", "missed", "cancelled", "miss_withdrawn"):
            said = event.get("watchdog", {}).get(kind)
            if said is None:
                continue
            run, runs = run_of(said), last[event["case_id"]]
            before = runs.get(run)
            where = f"case {event['case_id']}: clock {run}: {kind} after {before}"
            if before is None and kind != "armed":
                find(where)
            if kind == "miss_withdrawn" and before != "missed":
                find(where)
            if kind == "missed" and before == kind:
                find(where)
            if kind == "met":
                at = event["occurred_at"]
                if before == kind and at >= met[event["case_id"], run]:
                    find(f"{where}, at {at}, not before {met[event['case_id'], run]}")
                met[event["case_id"], run] = at
            if kind == "paused" and before in ENDS:
                find(where)
            if kind == "missed" and event["recorded_at"] < said["due_at"]:
                find(f"{where}: early, due {said['due_at']}, said {event['recorded_at']}")
            if kind == "armed":
                due[event["case_id"], run] = said["due_at"]
            runs[run] = kind
    rest = instant(events["watchdog"][-1]["recorded_at"]) - REST if events["watchdog"] else None
    for id, runs in last.items():
        for run, kind in runs.items():
            if kind in ("armed", "miss_withdrawn") and instant(due[id, run]) < rest:
                find(f"case {id}: clock {run}: due {due[id, run]}, and never missed")
    for id, event in cases.items():
        for promised in event["intake"]["registered"].get("promised", []):
            if not any(run[0] == promised["clock"] for run in last[id]):
                find(f"case {id}: {promised['clock']} was promised and never ran")


def check_main(events, cases, stages, find, site):
    """Invariant 4: a case that is not over has, or had, a date by which it must be answered."""
    main = {event["case_id"] for event in events["watchdog"] if event.get("watchdog", {}).get("armed", {}).get("main")}
    for id, event in cases.items():
        ours = event.get("site") == site and event["intake"]["registered"].get("kind") in KINDS
        if ours and stages[id] not in OVER and id not in main:
            find(f"case {id} is {stages[id]}, and no main clock ever ran")


def check_climbed(events, find):
    """Invariant 6: who misses a date with a ladder is told of it: a row of the late is reached, unless the miss was taken back."""
    missed = {}
    for event in events["watchdog"]:
        said = event.get("watchdog", {})
        if "missed" in said and said["missed"].get("ladder") == "default":
            missed[event["case_id"], run_of(said["missed"])] = said["missed"]["due_at"]
        if "miss_withdrawn" in said:
            missed.pop((event["case_id"], run_of(said["miss_withdrawn"])), None)
    for event in events["escalation"]:
        reached = event.get("escalation", {}).get("reached")
        if reached and int(reached.get("row", 0)) > 0:
            run = reached.get("clock"), int(reached.get("round", 0)), reached.get("part", "")
            missed.pop((event["case_id"], run), None)
    for (id, run), due in missed.items():
        find(f"case {id}: clock {run}: missed its date {due}, and no row of its ladder was reached")


def check_ladders(events, find):
    """Invariant 6: a row is reached once, unless it was cancelled; no level is passed over."""
    live, levels = set(), {}
    for event in events["escalation"]:
        reached, cancelled = (event.get("escalation", {}).get(kind) for kind in ("reached", "cancelled"))
        key = (event.get("case_id"), (reached or cancelled or {}).get("key"))
        if reached:
            if key in live:
                find(f"case {key[0]}: row {key[1]} was reached twice")
            live.add(key)
            if not reached.get("told") and not reached.get("hand_to"):
                find(f"case {key[0]}: row {key[1]} told nobody")
            ladder = (event["case_id"], reached["ladder"], reached.get("clock"), reached.get("round"), reached.get("part"))
            level = int(reached.get("level", 0))
            if level > levels.get(ladder, 0) + 1:
                find(f"case {key[0]}: ladder {ladder[1]}: level {level} after {levels.get(ladder, 0)}")
            levels[ladder] = max(level, levels.get(ladder, 0))
        elif cancelled:
            live.discard(key)


def check_told(events, find, site):
    """Invariant 6, the right person: GEN-FRAME's ladder tells handler and head at the warning, then the coordinator, then the general
    manager; each by who holds the post in the demonstration organisation, where nobody is absent."""
    with open(ORGANISATION) as f:
        organisation = json.load(f)
    heads = {one["id"]: one["head"] for one in organisation["departments"] if one["site"] == site}
    holders = collections.defaultdict(set)
    for person in organisation["people"]:
        for post in person["posts"]:
            if post["site"] == site:
                holders[post["post"]].add(person["id"])
    owners = collections.defaultdict(list)
    for event in events["routing"]:
        if "routed" in event.get("routing", {}):
            owners[event["case_id"]].append(event["routing"]["routed"])
    for event in events["escalation"]:
        reached = event.get("escalation", {}).get("reached")
        if not reached or event["site"] != site or reached["ladder"] != "default" or event.get("clauses") != ["GEN-FRAME-10"]:
            continue
        row, told = int(reached.get("row", 0)), set(reached.get("told", []))
        if row == 0:
            allowed = {name for owner in owners[event["case_id"]] for name in (owner.get("handler"), heads.get(owner.get("lead"))) if name}
        else:
            allowed = holders["coordinator" if row == 1 else "general_manager"]
        if not told or not told <= allowed:
            find(f"case {event['case_id']}: row {row} of the ladder told {sorted(told)}, not {sorted(allowed)}")


def check_figures(events, cases, kpi, find):
    """Invariant 8: what a site's report says is what counting the logs gives, in total and for every kind."""
    stages = {id: event["intake"]["registered"].get("stage") for id, event in cases.items()}
    accepted, escalated = set(), set()
    for event in events["casework"]:
        step = event.get("casework", {}).get("step_taken")
        if step:
            stages[event["case_id"]] = step["stage"]
            if step["stage"] == "accepted":
                accepted.add(event["case_id"])
    for event in events["escalation"]:
        if int(event.get("escalation", {}).get("reached", {}).get("level", 0)) > 0:
            escalated.add(event["case_id"])
    ours = {id: event["intake"]["registered"]["kind"] for id, event in cases.items() if event["site"] == kpi["site"]}
    for said in [kpi["total"], *kpi["kinds"]]:
        of = {id for id, kind in ours.items() if said.get("key", "") in ("", kind)}
        closed = {id for id in of if stages[id] in OVER}
        counted = {"registered": len(of), "closed": len(closed), "open": len(of - closed), "response_count": len(of & accepted),
                   "escalated": len(of & escalated)}
        for name, count in counted.items():
            if int(said.get(name, 0)) != count:
                find(f"report of {kpi['site']}, {said.get('key') or 'total'}: {name} is {said.get(name, 0)}, counted {count}")


def keys_in(thing):
    """All vault keys that a message names."""
    if isinstance(thing, list):
        for one in thing:
            yield from keys_in(one)
    elif isinstance(thing, dict):
        for name, one in thing.items():
            if name == "key_id":
                yield str(one)
            else:
                yield from keys_in(one)


def check_opened(events, find):
    """Invariant 9, as far as logs tell: what was opened for a case was sealed for it, by somebody who has a name."""
    keys = collections.defaultdict(set)
    for service in ("intake", "casework", "notification"):
        for event in events[service]:
            keys[event.get("case_id")].update(keys_in(event))
    for event in events["intake"]:
        opened = event.get("intake", {}).get("opened")
        if opened is None:
            continue
        foreign = {str(key) for key in opened.get("keys", [])} - keys[event.get("case_id")]
        if foreign:
            find(f"case {event.get('case_id')}: opened with keys of another case: {foreign}")
        if not event["cause"].get("command", {}).get("account"):
            find(f"case {event.get('case_id')}: opened by nobody")
