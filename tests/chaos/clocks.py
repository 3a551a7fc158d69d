"""Clocks that jump by every size, a start in 1970, and a machine that slept. `clocks.py [STORY...] [--seed N] [--jumps N]`, of the stories
jumps, starts_in_1970, slews, sleeps, ten_years_pass; none: all.

faketime gives the services alone a wall clock of its own; the boot clock runs on. A step of up to 60 s passes unseen; a larger one makes the
services doubt: commands 503, reading goes on, no deadline fires, until the time is back. Dates of before stay; nothing is missed early,
twice, or not at all. Clients are at work meanwhile, and by the clock of the test nothing is recorded in the future.
A clock that is slewed, a tenth too fast and then a tenth too slow, is followed: nobody doubts it, and dates that come
in either time are missed once, never before their instant. Last the clock is set ten years on and accepted: every date is over now, and
is missed once, with its own instant. Needs the package faketime."""

import argparse
import datetime
import json
import os
import random
import signal
import struct
import sys
import tempfile
import time

import faults
import harness
from checker import SERVICES, at_rest, read_log
from faults import FAKETIME, assert_refused_for_now, missed, set_clock
from harness import eventually
from histories import Importer
from invariants import instant
from load import Command, Ledger, Load

SIZES = (("1 s", 1), ("1 h", 3600), ("1 day", 86400), ("10 years", 10 * 365 * 86400))
UNSEEN_S = 60

ledger = Ledger()  # of the system that runs


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("stories", nargs="*")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HEARBACK_SEED", random.SystemRandom().randrange(1, 10**6))))
    parser.add_argument("--jumps", type=int, default=20)
    return parser.parse_args()


def jumps_of(chance, count):
    """Each size, forth and back, and to 1970; then as many more as are wanted, of any size."""
    jumps = [(f"{sign}{name}", f"{sign}{seconds}") for name, seconds in SIZES for sign in "+-"]
    jumps.append(("to 1970", f"-{int(time.time()) - 3600}"))
    while len(jumps) < count:
        seconds = int(10 ** chance.uniform(0, 8.5)) * chance.choice((1, -1))
        if abs(abs(seconds) - UNSEEN_S) > 5:  # at the limit either is right
            jumps.append((f"{seconds:+d} s", f"{seconds:+d}"))
    return jumps[:max(count, len(SIZES) * 2 + 1)]


def submit(system, desk, key):
    """Noted as what a client was promised."""
    command = Command(key, "renhe-reception", "/api/v1/cases", None)
    ledger.add(command)
    reply = faults.submit(system, desk, key)
    command.sends, command.status, command.answer = 1, reply.status, reply.json() if reply.status == 201 else None
    return reply


def status(system, service):
    return next(one for one in json.loads(system.run("status", "--json", check=False).stdout) if one["service"] == service)


def none_ahead(system):
    """By the clock of the test, at rest: what was recorded has been, and what is missed was due."""
    for event in missed(system):
        early = instant(event["watchdog"]["missed"]["due_at"]).timestamp() - time.time()
        assert early <= UNSEEN_S, f"missed {early:.0f} s early: {event}"
    for service in SERVICES:
        for event in (line["event"] for line in read_log(system.folder, service)):
            ahead = instant(event["recorded_at"]).timestamp() - time.time()
            assert ahead <= UNSEEN_S, f"{service} {event['offset']} was recorded {ahead:.0f} s ahead"


def jump(system, clock, desk, name, offset):
    set_clock(clock, offset)
    if abs(int(offset)) <= UNSEEN_S:
        time.sleep(0.5)
        reply = submit(system, desk, f"while {name}")
        assert reply.status == 201, f"a step of {name} is no reason to doubt: {reply}"
        time.sleep(0.5)
    else:
        reply = eventually(f"the clock is doubted after {name}",
                           lambda: (lambda r: r if r.status == 503 else None)(submit(system, desk, f"probe {name} {time.monotonic()}")))
        assert_refused_for_now(reply, "clock_suspect")
        assert system.http("GET", "/api/v1/cases?site=renhe", token=system.tokens()["renhe-coordinator"]).status == 200
        eventually(f"watchdog has seen {name}", lambda: status(system, "watchdog")["health"] == "clock_suspect")  # who is asked looks at the clock
        before = status(system, "watchdog")["events"]
        time.sleep(1.2)  # and again, each second, while in doubt
        assert status(system, "watchdog")["events"] == before, f"{name}: watchdog said something"
    set_clock(clock, "+0")
    eventually(f"the time is back after {name}", lambda: submit(system, desk, f"after {name}").status == 201, 30)


def all_jumps(system, clock, desk, jumps):
    """While clients are at work: a request that comes just after a jump is answered before the next turn."""
    with Load(system.port, system.tokens(), seed=len(jumps), clients=3, pause_s=0.02) as load, Importer(system, system.operator_token()):
        for name, offset in jumps:
            jump(system, clock, desk, name, offset)
    ledger.commands, ledger.beside = ledger.commands + load.ledger.commands, ledger.beside + load.ledger.beside
    system.settle()
    none_ahead(system)
    print(f"{len(jumps)} jumps ({', '.join(name for name, _ in jumps)}): 0 early", flush=True)


def starts_in_1970(system, clock, desk):
    system.settle()
    before = len(missed(system))
    pids = {service: system.pids(service)[0] for service in SERVICES}
    set_clock(clock, f"-{int(time.time()) - 3600}")
    for service, pid in pids.items():
        os.kill(pid, signal.SIGKILL)
    eventually("they are started again", lambda: all(system.pids(s) and system.pids(s) != [pids[s]] for s in pids))
    reply = eventually("intake doubts the time", lambda: (
        lambda r: r if r.status == 503 and r.json()["code"] == "clock_suspect" else None)(submit(system, desk, f"1970 {time.monotonic()}")), 30)
    assert_refused_for_now(reply, "clock_suspect")
    assert len(missed(system)) == before
    set_clock(clock, "+0")
    eventually("it goes on by itself when the time is right", lambda: submit(system, desk, "after 1970").status == 201, 30)
    print("a start in 1970: doubted, nothing fired, went on by itself", flush=True)


def sleeps(seconds):
    """A machine that slept: wall clock and boot clock ran on together, the processes and the monotonic clock stood still. Nobody doubts,
    nobody starts again; dates that passed meanwhile are missed once each, with their own instants, and at once. First a sleep that no
    date falls into."""
    slept = tempfile.NamedTemporaryFile(prefix="hearback-slept-")
    slept.write(bytes(8))
    slept.flush()
    os.environ.update(LD_PRELOAD=os.path.join(harness.PROGRAMS, "asleep.so"), HEARBACK_SLEPT=slept.name)
    try:
        system = harness.System("--demo")
        with system:
            desk = system.tokens()["renhe-reception"]
            pids = [pid for service in (*SERVICES, "gateway") for pid in system.pids(service)]
            for i in range(10):
                assert submit(system, desk, f"before the sleep {i}").status == 201
            system.settle()
            for name, hours in (("a blink", 0), ("ten days", 240)):
                sleep(pids, slept, seconds, hours)
                woke = time.monotonic()
                eventually("it works on", lambda: submit(system, desk, f"after {name} {time.monotonic()}").status == 201, 30)
                assert system.run("status", check=False).returncode == 0
                if hours:
                    eventually("what passed is missed", lambda: len(missed(system)) >= 10, 30)
                    took = time.monotonic() - woke
            system.settle()
            after = [pid for service in (*SERVICES, "gateway") for pid in system.pids(service)]
            assert after == pids, f"sleeping made a service restart: {pids} {after}"
            nothing_found(system, dates=True)
            once_each(system.folder)
    finally:
        del os.environ["LD_PRELOAD"], os.environ["HEARBACK_SLEPT"]
    print(f"slept {seconds} s, then ten days: works on, no restart; what passed was missed {took:.1f} s after waking", flush=True)


def nothing_found(system, dates):
    at_rest(system, ledger, dates, disturbed=None)
    assert ledger.answered()
    print(f"the checker finds nothing; {len(ledger.answered())} cases were promised", flush=True)
    ledger.commands.clear()


def sleep(pids, slept, seconds, hours):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    with open(slept.name, "r+b") as f:
        f.write(struct.pack("q", hours * 3600000))
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def once_each(folder):
    for key, said in runs_of(folder).items():
        kinds = [kind for kind, _ in said]
        assert kinds.count("missed") <= 1, f"{key}: {kinds}"
        for kind, event in said:
            assert kind != "missed" or at_its_date(event), event


def at_its_date(event):
    """Missed with its own instant, and not before it."""
    due = event["watchdog"]["missed"]["due_at"]
    return event["occurred_at"] == due and instant(due) < instant(event["recorded_at"])


OVER = ("met", "missed", "cancelled")


def runs_of(folder):
    """(case, clock, round, part) -> what watchdog said of it, in order: (kind, event)."""
    runs = {}
    for line in read_log(folder, "watchdog"):
        event = line["event"]
        for kind, said in event["watchdog"].items():
            if kind in ("armed", "paused", "miss_withdrawn", *OVER):
                run = said["instance"]
                key = event["case_id"], run.get("clock"), run.get("round", 0), run.get("part", "")
                runs.setdefault(key, []).append((kind, event))
    return runs


def was_over(kind, event):
    """What was said of a date that had passed already."""
    due = event["watchdog"][kind].get("due_at")
    return due and instant(due) < instant(event["recorded_at"])


SLEWS = (1.1, 0.9)
SLEW_S = 8


def age_s(pid):
    """Of a process: faketime's rates count from its start."""
    with open(f"/proc/{pid}/stat") as stat, open("/proc/uptime") as uptime:
        return float(uptime.read().split()[0]) - int(stat.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


def slews(system, clock, desk):
    cases = set()
    for group in range(len(SLEWS)):  # so far apart that a date of the second comes while the clock is slow
        time.sleep(SLEW_S * 1.5 * group)
        cases |= {submit(system, desk, f"slewed {group} {i}").json()["case_id"] for i in range(5)}
    system.settle()
    dues = {key: said[-1][1]["watchdog"]["armed"]["due_at"] for key, said in runs_of(system.folder).items()
            if key[0] in cases and said[-1][0] == "armed"}
    first = min(instant(due) for due in dues.values())
    offset = first.timestamp() - time.time() - SLEW_S / 2
    pids = {service: system.pids(service) for service in SERVICES}
    set_clock(clock, f"{offset:+.3f}")
    eventually("the clock is doubted", lambda: submit(system, desk, "shortly before").status == 503)
    system.run("accept-clock")
    for rate in SLEWS:
        set_clock(clock, f"{offset + age_s(pids['watchdog'][0]) * (1 - rate):+.3f} x{rate}")  # goes on from where it was
        began = time.monotonic()
        while time.monotonic() < began + SLEW_S:
            reply = submit(system, desk, f"at {rate} {time.monotonic()}")
            assert reply.status == 201, reply
            time.sleep(0.5)
        offset += (time.monotonic() - began) * (rate - 1)
        print(f"  at {rate}: {len([e for e in missed(system) if e['case_id'] in cases])} of the dates were missed", flush=True)
    set_clock(clock, f"{offset:+.3f} x1.0")
    within = {key for key, due in dues.items() if instant(due) <= first + datetime.timedelta(seconds=2 * SLEW_S)}
    eventually("what came due is missed", lambda: within <= {key for key, said in runs_of(system.folder).items() if said[-1][0] == "missed"}, 60)
    once_each(system.folder)
    assert len(within) >= len(cases), f"{len(within)} dates: too few to see anything"
    assert {service: system.pids(service) for service in SERVICES} == pids, "a slewed clock made a service restart"
    print(f"a clock a tenth fast, then slow: nobody doubted it, {len(within)} dates missed once each, none early", flush=True)


def ten_years_pass(system, clock, desk):
    for i in range(20):
        assert submit(system, desk, f"of long ago {i}").status == 201
    system.settle()
    open_runs = [key for key, said in runs_of(system.folder).items() if said[-1][0] == "armed"]
    before = {(e["case_id"], e["recorded_at"]) for e in missed(system)}
    assert len(open_runs) >= 20, "too few clocks run to see anything"
    set_clock(clock, f"+{10 * 365 * 86400}")
    eventually("the clock is doubted", lambda: submit(system, desk, "ten years on").status == 503)
    assert {(e["case_id"], e["recorded_at"]) for e in missed(system)} == before, "a suspect clock fired"
    said = system.run("accept-clock").stdout
    assert said.count("accepts the clock") == 8, said
    system.run("wait", "settled", "--timeout", "240")
    runs = runs_of(system.folder)
    for key in open_runs:
        kinds = [kind for kind, _ in runs[key]]
        assert kinds.count("missed") == 1 and kinds[-1] == "missed", f"{key}: {kinds}"
        event = runs[key][-1][1]
        due = event["watchdog"]["missed"]["due_at"]
        armed = [e["watchdog"]["armed"]["due_at"] for kind, e in runs[key] if kind == "armed"][-1]
        assert due == armed and at_its_date(event), event
    left = {key: said[-1][0] for key, said in runs.items() if said[-1][0] not in OVER and was_over(*said[-1])}
    assert not left, f"over, and not missed: {left}"
    print(f"ten years on, accepted: {len(open_runs)} open dates missed once each, with their own instants; {len(missed(system)) - len(before)} "
          "misses in all, with those of duties that came again meanwhile", flush=True)


def main():
    chosen = options()
    if not os.path.exists(FAKETIME):
        print("skipped: package faketime is missing")
        sys.exit(harness.SKIP)
    if not chosen.stories or "sleeps" in chosen.stories:
        sleeps(5 if chosen.jumps <= 20 else 60)
    if chosen.stories == ["sleeps"]:
        return
    chance = random.Random(chosen.seed)
    jumps = jumps_of(chance, chosen.jumps)
    print(f"seed {chosen.seed}, {len(jumps)} jumps", flush=True)
    with tempfile.NamedTemporaryFile("w", prefix="hearback-clock-") as clock:
        set_clock(clock, "+0")
        names = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": clock.name, "DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1"}
        os.environ.update(names)
        try:
            with harness.System("--demo") as system:
                desk = system.tokens()["renhe-reception"]
                stories = {"jumps": lambda: all_jumps(system, clock, desk, jumps),
                           "starts_in_1970": lambda: starts_in_1970(system, clock, desk),
                           "slews": lambda: slews(system, clock, desk),
                           "ten_years_pass": lambda: ten_years_pass(system, clock, desk)}
                for story in chosen.stories or stories:
                    stories[story]()
                nothing_found(system, dates=not chosen.stories or "ten_years_pass" in chosen.stories)
        finally:
            for name in names:
                del os.environ[name]


main()
