"""What trouble costs: a service that was away, one that does not move, more requests than can be carried."""

import os
import signal
import time

from latency import Follower
from load import load, submission
from running import Running
from table import Row

LOAD_S = 2.0
MB = 1e6


def measure_outage(folder, rounds):
    """Watchdog stands still while cases come in; then it catches up, with nobody else at work. Its events a second, beside those of
    the whole system at work."""
    caught, usual = [], []
    with Running(os.path.join(folder, "outage"), "--demo") as system:
        system.settle()
        request = submission(system)
        for _ in range(rounds):
            heard = system.figures("watchdog")["hearback_events_heard_total"]
            began = time.monotonic()
            load(system, 64, LOAD_S, request)
            system.settle()
            usual.append((system.figures("watchdog")["hearback_events_heard_total"] - heard) / (time.monotonic() - began))
            heard = system.figures("watchdog")["hearback_events_heard_total"]
            os.kill(system.pid("watchdog"), signal.SIGSTOP)
            load(system, 64, LOAD_S, request)
            time.sleep(1)  # the others do what they can without it
            began = time.monotonic()
            os.kill(system.pid("watchdog"), signal.SIGCONT)
            system.settle()
            caught.append((system.figures("watchdog")["hearback_events_heard_total"] - heard) / (time.monotonic() - began))
    yield Row("watchdog catches up after an outage", caught, "events/s", usual, "saturated", "P14 >= 0.8 x", lambda _, ratio: ratio >= 0.8)


def until_armed(system, request):
    """Cases a second through to watchdog, whatever the others do."""
    follower = Follower(system, "watchdog")
    began = time.monotonic_ns()
    cases = load(system, 64, LOAD_S, request)["good"]
    return cases / ((max(follower.cases(cases).values()) - began) / 1e9)


def measure_stopped(folder, rounds):
    """Analytics stands still: what the other consumers of the same logs get done, beside what they do with it at work. Without it
    there is more of the processors for them, so more than all is no surprise."""
    with_it, without, grown = [], [], []
    producers = ("intake", "routing", "casework", "watchdog", "notification")
    with Running(os.path.join(folder, "stopped"), "--demo") as system:
        system.settle()
        request = submission(system)
        until_armed(system, request)
        system.settle()
        for _ in range(rounds):
            with_it.append(until_armed(system, request))
            system.settle()
            before = {name: system.memory(name)[1] for name in producers}
            os.kill(system.pid("analytics"), signal.SIGSTOP)
            without.append(until_armed(system, request))
            grown.append(max(system.memory(name)[1] - before[name] for name in producers) / MB)
            os.kill(system.pid("analytics"), signal.SIGCONT)
            system.settle()
    yield Row("through to armed clocks with analytics stopped", without, "cases/s", with_it, "analytics at work", "P18 >= 0.95 x",
              lambda _, ratio: ratio >= 0.95)
    yield Row("memory of the producer that grew most meanwhile", grown, "MB", goal="P18: flat, <= 4", holds=lambda v, _: v <= 4)


def measure_overload(folder, rounds):
    """Twice as many requests as can be carried, from 1,000 connections. Accepted is what was answered 201; it must all be there."""
    usual, accepted, shares, late = [], [], [], 0
    with Running(os.path.join(folder, "overload"), "--demo") as system:
        system.settle()
        request = submission(system)
        load(system, 64, 0.3, request)
        system.settle()
        for _ in range(rounds):
            calm = load(system, 64, LOAD_S, request)
            system.settle()
            registered = system.figures("intake")["hearback_log_end"]
            crowd = load(system, 1000, LOAD_S, request, 2 * calm["per_second"], refused=True)
            system.settle()
            found = system.figures("intake")["hearback_log_end"] - registered
            if found < crowd["good"]:
                raise RuntimeError(f"{crowd['good']} were accepted, {found:.0f} are there")
            others = {status: n for status, n in crowd["statuses"].items() if status not in ("201", "503")}
            if others:
                raise RuntimeError(f"neither accepted nor asked to come again: {others}")
            late += crowd["without_retry_after"]
            usual.append(calm["p99_us"] / 1e3)
            accepted.append(crowd["p99_us"] / 1e3)
            shares.append(100 * crowd["good"] / sum(crowd["statuses"].values()))
    yield Row("p99 of accepted requests at twice the load that can be carried", accepted, "ms", usual, "64 connections", "P19 <= 5 x",
              lambda _, ratio: ratio <= 5)
    yield Row("accepted; the others got 503", shares, "%")
    yield Row("of those without Retry-After", [late], "answers", goal="P19: 0", holds=lambda v, _: v == 0)
