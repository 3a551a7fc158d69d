"""The checker: reads all logs of a stopped system by itself (print_log) and holds them against the ledger of what clients
were promised. It shares no code with the services: hashes, chains, numbers and identities are worked out here again."""

import base64
import collections
import hashlib
import json
import os
import subprocess
import tempfile
import time

import harness
import invariants
from invariants import instant

SERVICES = ("directory", "intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics")
SITES = ("renhe", "haitang", "lanhu", "yunqi")  # of the demonstration


def read_log(folder, service, partition=0):
    """The same short texts come again and again: each is kept once, for there may be a million events."""
    program, kept = os.path.join(harness.PROGRAMS, "print_log"), {}
    once = lambda value: kept.setdefault(value, value) if isinstance(value, str) and len(value) < 25 else value
    name = f"{service}-{partition}"
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen([program, os.path.join(folder, "data", name)], stdout=subprocess.PIPE,
                                                                stderr=said, text=True) as reader:
        read = [json.loads(line, object_pairs_hook=lambda pairs: {once(key): once(value) for key, value in pairs}) for line in reader.stdout]
        if reader.wait():
            said.seek(0)
            raise AssertionError(f"{name}: {said.read()}")
    return read


def partition_of(event):
    return int(event.get("partition", 0))


def of(event, *path):
    for name in path:
        event = (event or {}).get(name)
    return event


def at_rest(system, ledger, dates=True, verify_s=300, **disturbed):
    """All that must hold of a demonstration system that comes to rest: it is sound, as it says itself, within `verify_s`; its logs keep what
    the ledger was promised; its reports are what counting the logs gives. It is stopped. Returns the checker; `disturbed`, `dates`: as there."""
    system.settle()
    done = system.run("--json", "verify", check=False, timeout=verify_s)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["sound"], json.dumps(found, indent=1)
    figures = [system.http("GET", f"/api/v1/reports/kpi?site={site}", token=system.operator_token()).json() for site in SITES]
    system.stop()
    checker = Checker(*system.folders(), **{"disturbed": system.disturbed, **disturbed})
    checker.check(ledger)
    for kpi in figures:
        invariants.check_figures(checker.events, checker.cases, kpi, checker.find)
    findings = checker.findings + checker.vacuous(dates)
    assert not findings, f"{len(findings)} findings:\n" + "\n".join(findings[:20])
    return checker


class Checker:
    """`folders`: of a system, or of the machines it is spread over. A log that was divided off another (hearback split)
    begins with that one's events: they are looked at once. `disturbed`: when these were stopped or hurt (harness.Disturbances), so
    much later may a miss be said; None: the clock of the run itself was no measure, and neither that nor whether something was recorded
    in the future is asked."""

    def __init__(self, *folders, disturbed=()):
        self.findings = []
        self.looked_at = time.time()
        self.disturbed = disturbed
        self.cases = {}  # id -> the event that registered it, once checked
        self.judged = set()  # those whose policy the naive model knows
        self.logs = {}
        for folder in folders:
            for name in sorted(os.listdir(os.path.join(folder, "data"))):
                service, _, partition = name.rpartition("-")
                if service in SERVICES and partition.isdigit():
                    self.logs[service, int(partition)] = read_log(folder, service, partition)
        self.events = {service: [line["event"] for log in sorted(self.logs) if log[0] == service
                                 for line in self.logs[log] if partition_of(line["event"]) == log[1]] for service in SERVICES}

    def find(self, text):
        self.findings.append(text)

    def count(self, service, kind):
        """How many such events there are: a check that saw none has shown nothing."""
        return sum(kind in event.get(service, {}) for event in self.events[service])

    def size(self):
        return sum(len(events) for events in self.events.values())

    def vacuous(self, dates=True):
        """What the naive model must have seen for its silence to mean anything: cases it can judge; and, unless `dates` is False because no
        date of the story can pass, dates missed and ladders climbed. To be added to the findings."""
        seen = {"cases judged": len(self.judged)}
        if dates:
            seen.update({"dates missed": self.count("watchdog", "missed"), "rows reached": self.count("escalation", "reached")})
        return [f"no {what}: the checks show nothing" for what, count in seen.items() if not count]

    def check(self, ledger):
        for log in sorted(self.logs):
            self.check_chain(log)
            self.check_causes(log)
        self.check_forks()
        return self.check_meaning(ledger)

    def check_meaning(self, ledger):
        """What the events say, whatever log holds them."""
        self.cases = cases = self.check_cases(ledger)
        self.check_steps(ledger, cases)
        self.check_numbers()
        self.check_followed(cases)
        self.check_notices()
        self.check_clocks(cases)
        self.judged = invariants.check(self.events, cases, self.find, self.disturbed)
        return self.findings

    # ---- one log ----

    def check_chain(self, log):
        name = f"{log[0]}-{log[1]}"
        previous, recorded = bytes(32), None
        for offset, line in enumerate(self.logs[log], 1):
            event = line["event"]
            if int(event["offset"]) != offset:
                self.find(f"{name}: offset {offset} is missing")
                return
            if base64.b64decode(event["previous_hash"]) != previous:
                self.find(f"{name}: offset {offset} does not follow the event before")
                return
            at = instant(event["recorded_at"])
            if recorded and at < recorded:
                self.find(f"{name}: offset {offset} was recorded before the one before")
            recorded = at
            if self.disturbed is not None and at.timestamp() > self.looked_at + 1:
                self.find(f"{name}: offset {offset} was recorded {at.timestamp() - self.looked_at:.1f} s after this moment")
            previous = hashlib.blake2b(base64.b64decode(line["stored"]), digest_size=32).digest()
            if '"plain"' in json.dumps(event):
                self.find(f"{name}: offset {offset} holds an unsealed text")

    def check_forks(self):
        """Both halves of a divided log have the same beginning, byte for byte, and say where it ends."""
        for (service, partition), lines in self.logs.items():
            said = [of(line["event"], "log_forked") for line in lines if of(line["event"], "log_forked")]
            for fork in said:
                if int(fork.get("into_partition", 0)) != partition:
                    continue
                shared = int(fork.get("offset", 0))
                other = self.logs[service, int(fork.get("from_partition", 0))]
                if [line["stored"] for line in lines[:shared]] != [line["stored"] for line in other[:shared]]:
                    self.find(f"{service}-{partition} does not begin as the log it was divided off")
            if any(partition_of(line["event"]) != partition for line in lines) and not said:
                self.find(f"{service}-{partition} holds another log's events and says no fork")

    def check_causes(self, log):
        """Each command, event and effect is carried out once per log: what it caused stands together. A refusal that is told stores
        no outcome (design.md 3): the same command, sent again, may be carried out later."""
        last, seen = None, set()
        for event in [line["event"] for line in self.logs[log]]:
            if of(event, "casework", "action_refused"):
                continue
            cause = event["cause"]
            if "event" in cause:
                by, offset = cause["event"]["log"], int(cause["event"]["offset"])
                producer = by["service"].lower(), partition_of(by)
                if offset > len(self.logs[producer]):
                    self.find(f"{log}: offset {event['offset']} is caused by {producer} {offset}, which does not exist")
                key = ("event", producer, offset)
            elif "command" in cause:
                key = ("command", cause["command"].get("account"), cause["command"]["id"])
            elif "effect" in cause:
                key = ("effect", cause["effect"]["id"], cause["effect"].get("attempt"))
            else:
                key = None
            if key and key != last and key in seen:
                self.find(f"{log}: offset {event['offset']}: {key} was carried out a second time")
            seen.add(key)
            last = key

    # ---- what clients were promised ----

    def registered(self):
        return [event for event in self.events["intake"] if of(event, "intake", "registered")]

    def check_cases(self, ledger):
        """0 lost, 0 doubled: the command that caused each registration names the key of the submission."""
        by_key, cases = collections.defaultdict(list), {}
        for event in self.registered():
            by_key[of(event, "cause", "command", "id") or ""].append(event)
            if event["case_id"] in cases:
                self.find(f"case {event['case_id']} was registered twice")
            cases[event["case_id"]] = event
        submissions = [c for c in ledger.commands if c.path == "/api/v1/cases"]
        sent = {c.id for c in submissions}
        began = min((int(events[0]["offset"]) for id, events in by_key.items() if id in sent), default=0)
        for command in submissions:
            events = by_key.pop(command.id, [])
            if len(events) > 1:
                self.find(f"doubled: {command.key} (sent {command.sends} times) registered {len(events)} cases")
            if command.status != 201:
                continue
            if not events:
                self.find(f"lost: {command.key} was acknowledged as {command.answer['number']}")
            elif (events[0]["case_id"], of(events[0], "intake", "registered", "number")) != (
                    command.answer["case_id"], command.answer["number"]):
                self.find(f"{command.key}: acknowledged as {command.answer['number']}, registered as {events[0]}")
        accounts = {c.account for c in submissions}
        for id in ledger.beside:
            by_key.pop(id, None)
        for events in by_key.values():  # those before the load are the samples
            if of(events[0], "cause", "command", "account") in accounts and int(events[0]["offset"]) > began:
                self.find(f"case {events[0]['case_id']} was registered, but nobody sent it")
        return cases

    def check_steps(self, ledger, cases):
        taken = collections.defaultdict(list)
        for event in self.events["casework"]:
            step = of(event, "casework", "step_taken")
            if step:
                taken[event["case_id"]].append((step, "command" in event["cause"]))
        for case_id, steps in taken.items():
            stage = of(cases.get(case_id), "intake", "registered", "stage")
            version = 0
            for step, _ in steps:
                if step.get("from") != stage or int(step["version"]) <= version:
                    self.find(f"case {case_id}: step {step['step']} from {step.get('from')}, version {step['version']}, "
                              f"after {stage}, version {version}")
                stage, version = step["stage"], int(step["version"])
        acts = collections.defaultdict(list)
        for command in ledger.commands:
            if command.case:
                acts[command.case].append(command)
        for case_id, commands in acts.items():
            self.check_case_steps(case_id, commands, [step for step, by_person in taken[case_id] if by_person])

    def check_case_steps(self, case_id, commands, steps):
        done = [c for c in commands if c.status == 200]
        unknown = [c for c in commands if c.status is None]
        for command in done:
            wanted = (command.path.rsplit("/", 1)[1], command.answer["version"])
            found = [step for step in steps if (step["step"], step["version"]) == wanted]
            if len(found) != 1:
                self.find(f"{'lost' if not found else 'doubled'}: case {case_id}: {wanted} was acknowledged, stands there "
                          f"{len(found)} times")
        if not len(done) <= len(steps) <= len(done) + len(unknown):
            self.find(f"case {case_id}: {len(done)} steps were acknowledged, {len(unknown)} are not known, {len(steps)} stand there")

    # ---- what the services owe each other ----

    def check_numbers(self):
        counters, numbers = collections.defaultdict(int), set()
        for event in self.events["intake"]:
            said, skipped = of(event, "intake", "registered"), of(event, "intake", "numbers_skipped")
            if not said and not skipped:
                continue
            counter = (event["site"], (said or skipped)["counter"])
            first, last = (said["count"], said["count"]) if said else (skipped["from"], skipped["to"])
            if int(first) != counters[counter] + 1:
                self.find(f"{counter}: {first} follows {counters[counter]}")
            counters[counter] = int(last)
            if said and (event["site"], said["number"]) in numbers:
                self.find(f"number {said['number']} was given twice")
            if said:
                numbers.add((event["site"], said["number"]))

    def check_followed(self, cases):
        routed = collections.Counter(e["case_id"] for e in self.events["routing"] if of(e, "routing", "routed"))
        for case_id, event in cases.items():
            if not routed[case_id]:
                self.find(f"case {case_id} ({event['intake']['registered']['number']}) has no owner")
        for service in SERVICES[2:]:
            for event in self.events[service]:
                if event.get("case_id") and event["case_id"] not in cases:
                    self.find(f"{service}: offset {event['offset']} is about case {event['case_id']}, which nobody registered")

    def check_notices(self):
        """At rest each notice has one end: delivered, failed, or none to be sent (due, published, not_sent), said when it was queued. Or it
        is told when it is tried next, or until when the policy's hours hold it back."""
        state, said_last = {}, {}
        for event in self.events["notification"]:
            for kind in ("queued", "attempt_failed", "delivered", "failed"):
                said = of(event, "notification", kind)
                if said is None:
                    continue
                notice = said["notice_id"]
                before = state.get(notice)
                if (kind == "queued") != (before is None) or before in ("delivered", "failed"):
                    self.find(f"notice {notice}: {kind} after {before}")
                state[notice], said_last[notice] = kind, said
        for notice, kind in state.items():
            said = said_last[notice]
            to_be_sent = kind == "queued" and said.get("status") not in ("due", "published", "not_sent") and not said.get("not_before_at")
            if to_be_sent or (kind == "attempt_failed" and not said.get("next_at")):
                self.find(f"notice {notice} has no end: {kind}: {said}")
        return state

    def check_mails(self, arrived, kills=0):
        """Each mail that was to be sent arrived, at least once, or will be tried again at a time that is told; `arrived`:
        Message-Ids. None came more often than its attempts were said and notification was killed, which may have lost an attempt
        each time. Returns how many were to be sent, how many came more than once, how many are to be tried again."""
        times, last, said_of = collections.Counter(arrived), {}, collections.Counter()
        for event in self.events["notification"]:
            for kind in ("attempt_failed", "delivered", "failed"):
                if of(event, "notification", kind):
                    last[event["notification"][kind]["notice_id"]] = (kind, event["notification"][kind])
                    said_of[event["notification"][kind]["notice_id"]] += 1
        sent = [of(e, "notification", "queued") for e in self.events["notification"]
                if of(e, "notification", "queued", "status") == "queued"]
        waiting = 0
        for notice in sent:
            kind, said = last.get(notice["notice_id"], (None, None))
            if kind == "attempt_failed" and said.get("next_at"):
                waiting += 1
            elif kind != "delivered":
                self.find(f"notice {notice['notice_id']} was to be sent: {kind}")
            elif not times[notice["message_id"]]:
                self.find(f"notice {notice['notice_id']} is said to be delivered, and never arrived")
            if times[notice["message_id"]] > said_of[notice["notice_id"]] + kills:
                self.find(f"notice {notice['notice_id']} arrived {times[notice['message_id']]} times, of {said_of[notice['notice_id']]} attempts "
                          f"and {kills} kills")
        return len(sent), sum(n - 1 for n in times.values() if n > 1), waiting

    def check_clocks(self, cases):
        armed = collections.Counter(e["case_id"] for e in self.events["watchdog"] if of(e, "watchdog", "armed"))
        for case_id, event in cases.items():
            promised = of(event, "intake", "registered", "promised") or []
            if promised and not armed[case_id]:
                self.find(f"case {case_id}: {len(promised)} dates were promised, and no clock runs")
        missed = set()
        for event in self.events["watchdog"]:
            said = of(event, "watchdog", "missed")
            if not said:
                continue
            key = (event["case_id"], json.dumps(said["instance"], sort_keys=True), said["due_at"])
            if key in missed:
                self.find(f"{key} was missed twice")
            missed.add(key)
