"""A second, naive model of what a case, a clock, a ladder and a key are: lists and dictionaries over the logs, written from the text of
the policy (GEN-FRAME) and of reliability.md 3, with nothing of the services in it. A bug would have to be made twice to hide."""

import collections
import datetime

PACKS = (["GEN-FRAME"], ["RENHE"])  # the frame; with what the hospital of the demonstration adds to it: at sites that run that alone
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
REST = datetime.timedelta(seconds=30)  # within which a miss is said; a date that passed so long before the end had every time


def check(events, cases, find, disturbed=()):
    """`events`: service -> the events of its log; `cases`: id -> its registration; `find(text)` for whatever is wrong; `disturbed`: as the
    Checker has it. Returns the cases whose steps, owners and main clocks it could judge."""
    ours = judged(events, cases)
    stages = check_stages(events, cases, find, ours)
    check_clocks(events, cases, stages, find)
    if disturbed is not None:
        check_late(events, find, disturbed)
    check_main(events, stages, find, ours)
    check_ladders(events, find)
    check_climbed(events, find)
    check_told(events, find, ours)
    check_opened(events, find)
    check_rights(events, find)
    return ours


def judged(events, cases):
    packs = collections.defaultdict(list)  # site -> of each version
    for event in events["directory"]:
        published = event.get("directory", {}).get("policy_published")
        if published:
            packs[published["site"]].append(published["packs"])
    sites = {site for site, versions in packs.items() if all(one in PACKS for one in versions)}
    return {id for id, event in cases.items() if event.get("site") in sites and event["intake"]["registered"].get("kind") in KINDS}


def check_stages(events, cases, find, ours):
    """Invariant 4: in one legal stage, reached by legal steps; while not over it has somebody who is responsible."""
    stages = {id: event["intake"]["registered"].get("stage") for id, event in cases.items()}
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
    """Never to be compared as text: milliseconds are left out where there are none."""
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
                at = instant(event["occurred_at"])
                if before == kind and at >= met[event["case_id"], run]:
                    find(f"{where}, at {at}, not before {met[event['case_id'], run]}")
                met[event["case_id"], run] = at
            if kind == "paused" and before in ENDS:
                find(where)
            if kind == "missed" and instant(event["recorded_at"]) < instant(said["due_at"]):
                find(f"{where}: missed early, due {said['due_at']}, said {event['recorded_at']}")
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


def check_late(events, find, disturbed):
    """Invariant 5: a miss is said within REST of its date, or of what was said of this run last before it (that it was armed for a case
    from an old system, moved, withdrawn); later by no more than the services were disturbed meanwhile."""
    said_at = {}
    for event in events["watchdog"]:
        for said in event.get("watchdog", {}).values():
            if "instance" not in said:
                continue
            run, now = (event["case_id"], run_of(said)), instant(event["recorded_at"]).timestamp()
            if "missed" in event["watchdog"]:
                owed = max(instant(said["due_at"]).timestamp(), said_at.get(run, 0))
                most = granted(owed, disturbed)
                if now > most:
                    find(f"case {run[0]}: clock {run[1]}: due {said['due_at']}, missed late: {now - owed:.1f} s after, {most - owed:.1f} s are granted")
            said_at[run] = now


def granted(owed, disturbed):
    """Until when what is owed at one instant may be done."""
    most = owed + REST.total_seconds()
    for began, ended in sorted(disturbed):
        if began <= most and ended > owed:
            most += ended - max(began, owed)
    return most


def check_main(events, stages, find, ours):
    """Invariant 4: of a case that is not over, the date by which it must be answered runs, stands still, was met or missed: in its last
    round, by what was said last."""
    main = collections.defaultdict(dict)  # case -> (round, clock, part) -> what was said last
    for event in events["watchdog"]:
        for kind, said in event.get("watchdog", {}).items():
            if kind in ("armed", "paused", *ENDS, "miss_withdrawn") and said.get("main"):
                clock, round, part = run_of(said)
                main[event["case_id"]][round, clock, part] = kind
    for id in ours:
        if stages[id] in OVER:
            continue
        last = [kind for (round, _, _), kind in main[id].items() if round == max(main[id])[0]]
        if not last:
            find(f"case {id} is {stages[id]}, and no main clock ever ran")
        elif set(last) == {"cancelled"}:
            find(f"case {id} is {stages[id]}, and its main clock is cancelled")


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


def check_told(events, find, ours):
    """Invariant 6, the right person: GEN-FRAME's ladder tells handler and head at the warning, then the coordinator, then the general
    manager; each by who holds the post at the site, as directory said last: nobody is absent."""
    heads, people = {}, {}
    for event in events["directory"]:
        said = event.get("directory", {})
        department, person = said.get("department_defined"), said.get("person_defined")
        if department:
            heads[department["site"], department["id"]] = department.get("head")
        if person:
            people[person["id"]] = person.get("posts", [])
    holders = collections.defaultdict(set)
    for id, posts in people.items():
        for post in posts:
            holders[post["site"], post["post"]].add(id)
    owners = collections.defaultdict(list)
    for event in events["routing"]:
        if "routed" in event.get("routing", {}):
            owners[event["case_id"]].append(event["routing"]["routed"])
    for event in events["escalation"]:
        reached = event.get("escalation", {}).get("reached")
        if not reached or event["case_id"] not in ours or reached["ladder"] != "default" or event.get("clauses") != ["GEN-FRAME-10"]:
            continue
        site = event["site"]
        row, told = int(reached.get("row", 0)), set(reached.get("told", []))
        if row == 0:
            allowed = {name for owner in owners[event["case_id"]] for name in (owner.get("handler"), heads.get((site, owner.get("lead")))) if name}
        else:
            allowed = holders[site, "coordinator" if row == 1 else "general_manager"]
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


# What needs which right at its site (one of them), as the text of reliability.md 3 and directory.proto have it.
NEEDS = {("intake", "registered"): ("submit", "import"), ("intake", "opened"): ("open",), ("casework", "step_taken"): ("act",)}
SYSTEM = "notification"  # opens what it sends, for nobody


def check_rights(events, find):
    """Invariant 9: whoever opened, took a step or registered had the right to, at that site, at that time, by what directory's log says of
    accounts, posts and delegations. The system itself opens what it sends; a complainant acts by the code of the case, which no log has."""
    accounts, people = collections.defaultdict(list), collections.defaultdict(list)  # id -> [(when, what was said of it)]
    for event in events["directory"]:
        for kind, kept in (("account_defined", accounts), ("person_defined", people)):
            said = event.get("directory", {}).get(kind)
            if said:
                kept[said["id"]].append((instant(event["recorded_at"]), said))
    for (service, kind), scopes in NEEDS.items():
        for event in events[service]:
            said, actor, command = event.get(service, {}).get(kind), event.get("actor", {}), event["cause"].get("command")
            if said is None or not command or actor.get("complainant") or actor.get("operator"):
                continue
            account = actor.get("account")
            if not account and (kind == "registered" or (kind == "opened" and command.get("account") == SYSTEM)):
                continue  # the portal; the mail
            wanted = ("read", "audit") if said.get("exported") else scopes
            at = instant(event["recorded_at"])
            if not any(may(one, people, wanted, event["site"], at) for one in in_force(accounts[account], at)):
                find(f"case {event.get('case_id')}: {kind} by {account or 'nobody'}, who had not the right ({' or '.join(wanted)}) at {event['site']}")


def in_force(definitions, at):
    """What was said last by that time, and what that replaced not long before: services hear of it one after the other."""
    known = [one for one in definitions if one[0] <= at]
    recent = sum(when > at - REST for when, _ in known)
    return [said for _, said in known[max(0, len(known) - recent - 1):]]


def may(account, people, scopes, site, at):
    if not {"*", *scopes} & set(account.get("scopes", [])):
        return False
    if account.get("sites"):
        return bool({"*", site} & set(account["sites"]))
    return any(posted(person, site) for person in in_force(people[account.get("person")], at)) or any(
        lends(person, account.get("person"), at) and posted(person, site) for id in list(people) for person in in_force(people[id], at))


def posted(person, site):
    return any(post.get("site") == site for post in person.get("posts", []))


def lends(person, to, at):
    return any(one["to"] == to and instant(one["from_at"]) - REST <= at < instant(one["to_at"]) + REST for one in person.get("delegations", []))
