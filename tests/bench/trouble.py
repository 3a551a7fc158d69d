"""What trouble costs: a service that was away, one that does not move, more requests than can be carried."""

import concurrent.futures
import datetime
import json
import os
import signal
import subprocess
import time

import harness

from latency import Follower
from load import load, submission
from running import SERVICES
from table import Row
from under_load import each_disk

LOAD_S = 2.0
MB = 1e6


def outage(system, said, rounds):
    """Watchdog stands still while cases come in; then it catches up, with nobody else at work. Its events a second, beside those of
    the whole system at work."""
    caught, usual = [], []
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
    yield Row(f"watchdog catches up after an outage{said}", caught, "events/s", usual, "saturated", "P14 >= 0.8 x", lambda _, ratio: ratio >= 0.8)


def measure_outage(folder, rounds):
    with each_disk(folder, "outage") as systems:
        for system, said in systems:
            yield from outage(system, said, rounds)


def readies(system, service):
    """When it said that it has caught up and takes requests, each time."""
    with open(os.path.join(system.folder, "log", f"{service}-0.log")) as f:
        whole = [line for line in f if line.endswith("\n")]
    return [line["time"] for line in map(json.loads, whole) if line.get("event") == "ready"]


def killed_until_ready_ms(system, service):
    """Killed with -9: from the start of the process that follows to its line `ready`. Starts are known to the kernel in hundredths of a
    second, rounded down: it is up to 10 ms less."""
    before = len(readies(system, service))
    os.kill(was := system.pid(service), signal.SIGKILL)
    until = time.monotonic() + 30
    while (pids := system.pids(service)) in ([], [was]) or len(readies(system, service)) == before:
        if time.monotonic() > until:
            raise RuntimeError(f"{service} did not come back")
        time.sleep(0.01)
    with open(f"/proc/{pids[0]}/stat") as f:
        started_s = int(f.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")  # since boot
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return (datetime.datetime.fromisoformat(readies(system, service)[-1]).timestamp() - boot - started_s) * 1e3


def resume(system, said, rounds):
    """Each service is killed in its turn while 200 cases a second come in; it is ready again when it has heard all that its producers
    have said meanwhile. What is lost or doubled by it is the matter of tests/chaos/kills."""
    took = {service: [] for service in SERVICES if service != "gateway"}
    request = submission(system)
    for _ in range(rounds):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            beside = pool.submit(load, system, 16, 1.0 * len(took), request, 200, refused=True)
            for service, found in took.items():
                time.sleep(0.5)
                found.append(killed_until_ready_ms(system, service))
            beside.result()
        system.settle()
    for service, found in took.items():
        yield Row(f"{service} killed at 200 cases/s: started again to ready{said}", found, "ms", goal="P14 <= 100", holds=lambda v, _: v <= 100)


def measure_resume(folder, rounds):
    with each_disk(folder, "resume") as systems:
        for system, said in systems:
            yield from resume(system, said, rounds)


def until_armed(system, request):
    """Cases a second through to watchdog, whatever the others do."""
    follower = Follower(system, "watchdog")
    began = time.monotonic_ns()
    cases = load(system, 64, LOAD_S, request)["good"]
    return cases / ((max(follower.cases(cases).values()) - began) / 1e9)


def stopped(system, said, rounds):
    """Analytics stands still: what the other consumers of the same logs get done, beside what they do with it at work. Without it
    there is more of the processors for them, so more than all is no surprise."""
    with_it, without, grown = [], [], []
    producers = ("intake", "routing", "casework", "watchdog", "notification")
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
    yield Row(f"through to armed clocks with analytics stopped{said}", without, "cases/s", with_it, "analytics at work", "P18 >= 0.95 x",
          lambda _, ratio: ratio >= 0.95)
    yield Row(f"memory of the producer that grew most meanwhile{said}", grown, "MB", goal="P18: flat, <= 4", holds=lambda v, _: v <= 4)


def measure_stopped(folder, rounds):
    with each_disk(folder, "stopped") as systems:
        for system, said in systems:
            yield from stopped(system, said, rounds)


def registered(system):
    """The cases in the log of intake, which is stopped."""
    done = subprocess.run([os.path.join(harness.PROGRAMS, "print_log"), os.path.join(system.folder, "data/intake-0")],
                          capture_output=True, text=True, check=True)
    return {event["case_id"] for event in (json.loads(line)["event"] for line in done.stdout.splitlines()) if "case_id" in event}


def overload(system, said, rounds):
    """Twice as many requests as can be carried, from 1,000 connections. Accepted is what was answered 201; it must all be there."""
    usual, accepted, shares, late, answered = [], [], [], 0, set()
    request, listed = submission(system), os.path.join(system.folder, "answered")
    load(system, 64, 0.3, request)
    system.settle()
    for _ in range(rounds):
        calm = load(system, 64, LOAD_S, request)
        system.settle()
        crowd = load(system, 1000, LOAD_S, request, 2 * calm["per_second"], listed, refused=True)
        system.settle()
        with open(listed) as f:
            answered |= {line.split()[1] for line in f}
        others = {status: n for status, n in crowd["statuses"].items() if status not in ("201", "503")}
        if others:
            raise RuntimeError(f"neither accepted nor asked to come again: {others}")
        late += crowd["without_retry_after"]
        usual.append(calm["p99_us"] / 1e3)
        accepted.append(crowd["p99_us"] / 1e3)
        shares.append(100 * crowd["good"] / sum(crowd["statuses"].values()))
    system.stop()
    lost = answered - registered(system)
    if lost or not answered:
        raise RuntimeError(f"of {len(answered)} that were accepted {len(lost)} are not there")
    yield Row(f"p99 of accepted requests at twice the load that can be carried{said}", accepted, "ms", usual, "64 connections", "P19 <= 5 x",
          lambda _, ratio: ratio <= 5)
    yield Row(f"accepted; the others got 503{said}", shares, "%")
    yield Row(f"of those without Retry-After{said}", [late], "answers", goal="P19: 0", holds=lambda v, _: v == 0)


def measure_overload(folder, rounds):
    with each_disk(folder, "overload") as systems:
        for system, said in systems:
            yield from overload(system, said, rounds)
