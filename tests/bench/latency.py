"""How long a complaint takes from its answer until somebody is responsible for it and its clocks run. Seen as another service would: by
hearing the logs of routing and watchdog; so what is seen is on disk. And how late a date is noticed that passes meanwhile."""

import concurrent.futures
import datetime
import json
import os
import statistics
import struct
import subprocess
import threading
import time

import harness
from baselines import measure_disk
from load import disks, load, submission, submit
from running import SERVICES, Running
from table import Row
from under_load import each_disk

RATES = ((50, 3.0), (1000, 1.5))
PIPE_BYTES = 1 << 20  # the most anybody may ask for: 1,500 cases are spoken of in half of it
QUICK = """
pack: QUICK
name: [一分钟, One minute]
extends: GEN-FRAME
source: made by the bench
in_force: 2025-01-01
clauses: {QUICK-1: [一分钟内受理, Accepted within a minute]}
kinds:
  complaint:
    clocks:
      accept: {main: no}
      reply: {main: no}
      quick: {clause: QUICK-1, name: [快速, Quick], main: yes, start: registered, stop: [accepted, closed, withdrawn, declined],
              limit: [{if: {channel: walk_in}, is: 1 min}, {is: 30 days}]}
"""
DUE_SHARE = 20  # every twentieth comes in person
HOPS = 3  # intake, routing and casework beside each other, watchdog


class Follower:
    """When each case was first spoken of in one service's log. What it prints is read when the load is over: the pipe holds all of it,
    or it would stand still until then."""

    def __init__(self, system, service):
        self.process = subprocess.Popen([os.path.join(harness.PROGRAMS, "bench_follow"), system.folder, service], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, pipesize=PIPE_BYTES)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the log of {service} cannot be followed")

    def cases(self, count, timeout_s=60):
        """Case -> ns of its first event, as soon as there are so many."""
        found = {}
        guard = threading.Timer(timeout_s, self.process.kill)
        guard.start()
        while len(found) < count and (line := self.process.stdout.readline()):
            at, case = map(int, line.split())
            found.setdefault(case, at)
        guard.cancel()
        self.process.communicate(timeout=30)
        if len(found) < count:
            raise RuntimeError(f"{len(found)} of {count} cases were carried out within {timeout_s} s")
        return found


def percentile(values, share):
    values = sorted(values)
    return values[int((len(values) - 1) * share)]


def delays_ms(folder, system, rate, seconds):
    """From the answer to the later of the two: routing's decision, the first clocks."""
    answered = os.path.join(folder, "answered")
    followers = [Follower(system, service) for service in ("routing", "watchdog")]
    load(system, 64, seconds, submission(system), rate, answered)
    with open(answered) as f:
        lines = [tuple(map(int, line.split())) for line in f]
    seen = [follower.cases(len(lines)) for follower in followers]
    system.settle()
    return [max(0, max(cases[case] for cases in seen) - at) / 1e6 for at, case in lines]


def measure_latency(folder, rounds):
    """Limit of P7: 1.5 x (two flushes a hop) + 3 ms."""
    with each_disk(folder, "latency") as systems:
        for system, said in systems:
            for rate, seconds in RATES:
                flush, delays = [], []
                load(system, 16, 0.3, submission(system))
                system.settle()
                for _ in range(rounds):
                    flush.append(measure_disk(folder, 0, system.flush_ms)["p50_us"] / 1e3)
                    delays.append(delays_ms(folder, system, rate, seconds))
                one = statistics.median(flush)
                limit = 1.5 * 2 * HOPS * one + 3
                p50, p99 = ([percentile(each, share) for each in delays] for share in (0.5, 0.99))
                title = f"answered to assigned and clocks armed, {rate}/s{said}"
                yield Row(f"{title}, p50", p50, "ms", flush, "flush")
                yield Row(f"{title}, p99", p99, "ms", flush, "flush", f"P7 <= {limit:.1f} ms", lambda v, _, limit=limit: v <= limit)


def missed(system):
    """Of each miss in watchdog's log, the stopped system's: when it was due, how long after that it was written (ms)."""
    done = subprocess.run([os.path.join(harness.PROGRAMS, "print_log"), os.path.join(system.folder, "data/watchdog-0")],
                          capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        if '"missed"' in line:
            event = json.loads(line)["event"]
            said = event["watchdog"].get("missed")
            if said:
                due, recorded = (datetime.datetime.fromisoformat(at).timestamp() * 1e3 for at in (said["due_at"], event["recorded_at"]))
                yield due, recorded - due


def measure_lateness(folder, rounds):
    for flush_ms, said in disks():
        yield from lateness(os.path.join(folder, f"lateness-{flush_ms}"), rounds, flush_ms, said)


def lateness(folder, rounds, flush_ms, said):
    """Every twentieth complaint is due in a minute, and nobody touches any; so from the second minute on, while as many come in, every
    twentieth falls due. A round is three seconds of these. Half the load: of what is carried through when it comes as fast as it can."""
    with Running(folder, "--demo", flush_ms=flush_ms) as system:
        system.settle()
        pack = os.path.join(system.folder, "QUICK")
        os.mkdir(pack)
        with open(os.path.join(pack, "pack.yaml"), "w", encoding="utf-8") as f:
            f.write(QUICK)
        began = time.monotonic()
        cases = load(system, 64, 1.5, submission(system))["good"]
        system.settle()
        rate = int(cases / (time.monotonic() - began) / 2)
        system.run("policy", "publish", "renhe", pack, "--operator")
        flush = [measure_disk(folder, 0, flush_ms)["p50_us"] / 1e3]
        seconds, in_person = 60 + 3 * rounds + 1, rate // DUE_SHARE
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            due = pool.submit(load, system, 8, seconds, submission(system, channel="walk_in"), in_person)
            load(system, 56, seconds, submission(system), rate - in_person)
            due.result()
        system.run("wait", "settled", "--timeout", "300")  # what fell due is told, however late
        flush.append(measure_disk(folder, 0, flush_ms)["p50_us"] / 1e3)
    found = list(missed(system))
    first = min(due for due, _ in found)
    late = [[by for due, by in found if int((due - first) / 3000) == i] for i in range(rounds)]
    limit = 2 * statistics.median(flush) + 20
    title = f"how late a date that passes is noticed, {rate} cases/s coming in, {in_person}/s falling due{said}"
    yield Row(f"{title}, p50", [percentile(each, 0.5) for each in late], "ms", flush, "flush")
    yield Row(f"{title}, p99", [percentile(each, 0.99) for each in late], "ms", flush, "flush", f"P9 <= {limit:.1f} ms",
              lambda v, _, limit=limit: v <= limit)


def measure_flushes(folder, rounds):
    """Counted by the preloaded shim, in all processes together; a commit is two."""
    counter = os.path.join(folder, "flushes")
    with open(counter, "wb") as f:
        f.write(bytes(8))

    def counted():
        with open(counter, "rb") as f:
            return struct.unpack("=Q", f.read())[0]

    def standing(system):
        return [counted(), *(system.figures("intake")[f"hearback_{name}_total"] for name in ("turns", "events_said"))]

    alone, crowded, single, batch = [], [], [], []
    with Running(os.path.join(folder, "flushes-system"), "--demo", flush_ms=1, count=counter) as system:
        system.settle()
        submit(system)
        system.settle()
        for _ in range(rounds):
            before = standing(system)
            for _ in range(5):
                submit(system)
                time.sleep(0.05)
            system.settle()
            after = standing(system)
            alone.append((after[0] - before[0]) / 5)
            single.append((after[2] - before[2]) / (after[1] - before[1]))
            before = standing(system)
            cases = load(system, 64, 1.5, submission(system), 1000)["good"]
            system.settle()
            after = standing(system)
            crowded.append((after[0] - before[0]) / cases)
            batch.append((after[2] - before[2]) / (after[1] - before[1]))
    yield Row(f"flushes per registration, one after the other, all {len(SERVICES)} processes", alone, "flushes")
    yield Row("flushes per registration, 1000/s", crowded, "flushes")
    yield Row("events per commit of intake, 20/s, +1 ms a flush", single, "events", goal="P8 = 1", holds=lambda v, _: v == 1)
    yield Row("events per commit of intake, 1000/s, +1 ms a flush", batch, "events", goal="P8 >= 2", holds=lambda v, _: v >= 2)
