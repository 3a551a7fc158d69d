"""Clocks that jump by every size, a start in 1970, and a machine that slept. `clocks.py [STORY...] [--seed N] [--jumps N]`, of the stories
jumps, starts_in_1970, sleeps, ten_years_pass; none: all.

faketime gives the services alone a wall clock of its own; the boot clock runs on. A step of up to 60 s passes unseen; a larger one makes the
services doubt: commands 503, reading goes on, no deadline fires, until the time is back. Dates of before stay; nothing is missed early,
twice, or not at all. Last the clock is set ten years on and accepted: every date is over now, and is missed once, with its own instant. Needs the package faketime."""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time

import harness
from checker import Checker, read_log
from faults import FAKETIME, assert_refused_for_now, eventually, missed, set_clock, submit, verify
from load import Ledger

SIZES = (("1 s", 1), ("1 h", 3600), ("1 day", 86400), ("10 years", 10 * 365 * 86400))
UNSEEN_S = 60


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


def health(system, service):
    return next(one["health"] for one in json.loads(system.run("status", "--json", check=False).stdout) if one["service"] == service)


def jump(system, clock, desk, name, offset):
    before = len(missed(system))
    set_clock(clock, offset)
    if abs(int(offset)) <= UNSEEN_S:
        time.sleep(0.5)
        assert submit(system, desk, f"while {name}").status == 201, f"a step of {name} is no reason to doubt"
    else:
        reply = eventually(f"the clock is doubted after {name}",
                           lambda: (lambda r: r if r.status == 503 else None)(submit(system, desk, f"probe {name} {time.monotonic()}")))
        assert_refused_for_now(reply, "clock_suspect")
        assert system.http("GET", "/api/v1/cases?site=renhe", token=system.tokens()["renhe-coordinator"]).status == 200
        eventually(f"watchdog has seen {name}", lambda: health(system, "watchdog") == "clock_suspect")  # who is asked looks at the clock
        time.sleep(1.2)  # and again, each second, while in doubt
    time.sleep(0.5)
    assert len(missed(system)) == before, f"{name}: a deadline fired"
    set_clock(clock, "+0")
    eventually(f"the time is back after {name}", lambda: submit(system, desk, f"after {name}").status == 201, 30)


def all_jumps(system, clock, desk, jumps):
    for name, offset in jumps:
        jump(system, clock, desk, name, offset)
    print(f"{len(jumps)} jumps ({', '.join(name for name, _ in jumps)}): 0 early", flush=True)


def starts_in_1970(system, clock, desk):
    system.settle()
    before = len(missed(system))
    pids = {service: system.pids(service)[0] for service in ("intake", "watchdog")}
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


def sleeps(system, desk, seconds):
    """A machine that slept: its clocks ran on, its processes did not. Nobody doubts, nothing is lost."""
    pids = [pid for service in ("directory", "intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics", "gateway")
            for pid in system.pids(service)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    eventually("it works on", lambda: submit(system, desk, f"slept {time.monotonic()}").status == 201, 30)
    assert {pid for service in ("intake", "casework") for pid in system.pids(service)} <= set(pids), "sleeping made a service restart"
    print(f"slept {seconds} s: works on, no restart", flush=True)


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
        assert event["occurred_at"] == due == armed < event["recorded_at"], event
    left = {key: said[-1][0] for key, said in runs.items()
            if said[-1][0] not in OVER and said[-1][1]["watchdog"][said[-1][0]].get("due_at", "9") < said[-1][1]["recorded_at"]}
    assert not left, f"over, and not missed: {left}"
    print(f"ten years on, accepted: {len(open_runs)} open dates missed once each, with their own instants; {len(missed(system)) - len(before)} "
          "misses in all, with those of duties that came again meanwhile", flush=True)


def main():
    chosen = options()
    if not os.path.exists(FAKETIME):
        print("skipped: package faketime is missing")
        sys.exit(harness.SKIP)
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
                           "sleeps": lambda: sleeps(system, desk, 20 if chosen.jumps <= 20 else 60),
                           "ten_years_pass": lambda: ten_years_pass(system, clock, desk)}
                for story in chosen.stories or stories:
                    stories[story]()
                verify(system)
                system.stop()
                findings = Checker(system.folder).check(Ledger())
                assert not findings, findings[:10]
                system.process = None
        finally:
            for name in names:
                del os.environ[name]
    print("verify: sound; the checker finds nothing")


main()
