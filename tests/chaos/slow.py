"""Somebody is slow, and nobody else is held up: consumers stopped while their producers say tens of thousands of events, one that
comes back after a hundred thousand, a service
whose disk makes 20 flushes a second or none at all, a mail server that answers after 30 s. That nobody is held up is asserted by what
is done while the slow one still waits, not by a time; the times are printed beside those with nobody slow.
`slow.py [STORY...] [--seed N] [--events N] [--seconds N] [--behind N]`"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

import harness
from checker import at_rest, read_log
from harness import eventually
from histories import histories
from load import Load

SLOW_DISK = os.path.abspath(os.path.join(harness.PROGRAMS, "../tests/bench/libbench_slow_disk.so"))
GROWS_MB = 64  # the memory of its own that a producer may take more, whatever it says
MOST_MB = 256  # that any service may have in all
FLUSH_US = 50000  # 20 a second


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("stories", nargs="*")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=40000, help="said while the consumers are stopped")
    parser.add_argument("--seconds", type=int, default=0, help="that they are stopped at the least, however soon those events are said")
    parser.add_argument("--behind", type=int, default=100000, help="events that a consumer which was away has to hear")
    return parser.parse_args()


chosen = options()


def own_mb(system, service):
    """Memory that is not the file's."""
    with open(f"/proc/{system.pids(service)[0]}/status") as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1)) / 1024


class BoundedMemory(threading.Thread):
    """What each service had at the most, looked at twice a second while somebody is slow."""

    def __init__(self, system):
        super().__init__(daemon=True)
        self.system, self.most, self.over = system, {}, threading.Event()

    def look(self):
        for service in (*OTHERS, "analytics", "gateway"):
            try:
                self.most[service] = max(self.most.get(service, 0), own_mb(self.system, service))
            except (FileNotFoundError, ProcessLookupError, IndexError, AttributeError):
                pass  # it is being started again

    def run(self):
        while not self.over.wait(0.5):
            self.look()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, failed, *_):
        self.over.set()
        self.join()
        self.look()
        assert failed or max(self.most.values()) < MOST_MB, self.most


def figure(system, service, name):
    text = system.http("GET", f"/metrics/{service}", token=system.operator_token()).body.decode()
    return int(re.search(rf"^{name}{{[^}}]*}} (\d+)", text, re.M).group(1))


def said(system, *services):
    return sum(figure(system, service, "hearback_log_end") for service in services)


def sound(system):
    found = json.loads(system.run("--json", "verify", check=False).stdout)
    assert found["sound"], json.dumps(found, indent=1)


@contextlib.contextmanager
def place_for(events):
    """A folder on the disk for what is too much for one in memory, where systems usually lie (None)."""
    if events <= 100000:
        yield None
        return
    folder = tempfile.mkdtemp(prefix="hearback-slow-", dir=os.path.dirname(os.path.abspath(harness.PROGRAMS)))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---- consumers that are stopped ----

PRODUCERS = ("intake", "routing", "casework")
STOPPED = ("watchdog", "analytics")
OTHERS = ("directory", "intake", "routing", "casework", "watchdog", "escalation", "notification")


def stopped_consumers():
    """Watchdog and analytics are stopped while the others say forty thousand events (`--events N`: a million at night; `--seconds N`: and
    for so long, ten minutes at night), which cost the producers no memory, and people are served all the while. They go on where they stopped, and the checker finds nothing."""
    with place_for(chosen.events) as folder, harness.System("--demo", folder=folder) as system, BoundedMemory(system):
        system.settle()
        token, most = system.operator_token(), {}
        before = {service: own_mb(system, service) for service in PRODUCERS}
        begun, processes = said(system, *PRODUCERS), {service: system.pids(service) for service in OTHERS}
        stopped = [system.pids(service)[0] for service in STOPPED]
        began = time.monotonic()
        with system.disturbed.meanwhile(), Load(system.port, system.tokens(), seed=chosen.seed, clients=2, pause_s=0.2) as load:
            try:
                for pid in stopped:
                    os.kill(pid, signal.SIGSTOP)
                imported = import_until(system, token, begun + chosen.events, before, most)
                while time.monotonic() - began < chosen.seconds:
                    time.sleep(1)
                    grow(system, before, most)
                eventually("who is not stopped has heard it", lambda: figure(system, "casework", "hearback_log_end") >= 32 * imported, 300)
                served, events = len(load.ledger.answered()), said(system, *PRODUCERS) - begun
            finally:
                for pid in stopped:
                    os.kill(pid, signal.SIGCONT)
            took, began = time.monotonic() - began, time.monotonic()
            load.stop()
            system.run("wait", "settled", "--timeout", str(60 + chosen.events // 500), timeout=60 + chosen.events // 400)
        back = time.monotonic() - began
        assert served >= took / 2, f"only {served} commands were answered in {took:.0f} s"
        assert max(most.values()) < GROWS_MB, f"while nobody heard it a producer grew: {most}"
        assert {service: system.pids(service) for service in OTHERS} == processes, "somebody was restarted"
        heard, all_said = figure(system, "analytics", "hearback_events_heard_total"), said(system, *OTHERS)
        assert heard == all_said, f"analytics has heard {heard} events of {all_said}"
        grown = ", ".join(f"{service} {mb:+.1f} MB" for service, mb in most.items())
        print(f"  {events} events said in {took:.0f} s while {' and '.join(STOPPED)} were stopped ({grown}), {served} commands answered meanwhile; "
              f"{heard} heard once each, {back:.1f} s after", flush=True)
        checker = at_rest(system, load.ledger, verify_s=300 + chosen.events // 200)
        print(f"  of them {checker.size()} events, {checker.count('watchdog', 'missed')} missed dates: the checker finds nothing", flush=True)


def import_until(system, token, end, before, most):
    """So many events; how much the producers have grown meanwhile, at the most."""
    imported = 0
    while said(system, *PRODUCERS) < end:
        reply = system.http("POST", "/api/v1/imports", {"site": "renhe", "rows": histories(imported, 200)}, token)
        assert reply.status in (200, 503), reply
        answer = reply.json() if reply.status == 200 else {"imported": 0, "existed": 0}
        if answer["imported"] + answer["existed"] == 200:  # else again: rows that could not be answered for now
            imported += 200
        grow(system, before, most)
    return imported


def grow(system, before, most):
    for service in PRODUCERS:
        most[service] = max(most.get(service, 0), own_mb(system, service) - before[service])


# ---- a consumer that was away for very many events ----

EVENTS_A_CASE = 4


def a_consumer_far_behind():
    """Analytics was away while a hundred thousand events were said (`--behind N`: a million at night); with it back, each case is
    in its figures once, and no producer takes memory for it. The cases are copies made by the services' own code
    (tests/bench/fill.c): to send them would take an hour."""
    cases = chosen.behind // EVENTS_A_CASE
    with place_for(float("inf")) as folder:
        with harness.System("--demo", folder=folder) as system:
            system.settle()
            token = system.tokens()["renhe-reception"]
            numbers = []
            for key in ("first", "second"):
                reply = system.http("POST", "/api/v1/cases", submission(key), token, {"Idempotency-Key": key})
                assert reply.status == 201, reply
                numbers.append(reply.json()["number"])
            system.settle()
            before = registered(system)
            begun = {service: own_mb(system, service) for service in PRODUCERS}
            system.stop()
            made = subprocess.run([os.path.join(harness.PROGRAMS, "bench_fill"), "--behind", "analytics", folder, str(cases), *numbers],
                                  capture_output=True, text=True, timeout=1800)
            assert made.returncode == 0, made.stderr
            began = time.monotonic()
            with BoundedMemory(system) as memory:
                system.start(timeout_s=1800)  # ready is who has heard all there was
                took, caught_up = time.monotonic() - began, figure(system, "analytics", "hearback_events_heard_total")
                system.run("wait", "settled", "--timeout", "300")
            assert caught_up > chosen.behind // 2, f"it was only {caught_up} events behind: nothing was shown"
            assert registered(system) == before + cases, f"{registered(system)} cases in the figures, not {before} and {cases}"
            grown = {service: memory.most[service] - mb for service, mb in begun.items()}
            assert max(grown.values()) < GROWS_MB, f"a producer grew by what it gave out: {grown}"
    print(f"  {caught_up} events heard in {took:.0f} s by a consumer that was away ({', '.join(f'{name} {mb:+.1f} MB' for name, mb in grown.items())})",
          flush=True)


def registered(system):
    return int(system.http("GET", "/api/v1/reports/kpi?site=renhe", token=system.operator_token()).json()["total"]["registered"])


# ---- a disk that is slow ----

def submission(key, **more):
    return {"site": "renhe", "kind": "inquiry", "category": "service", "channel": "phone", "text": {"plain": "内容"}, "place": key,
            **more}


def answers_ms(system, count, what):
    """How long each of so many submissions took that came one after the other."""
    token, took = system.tokens()["renhe-reception"], []
    for i in range(count):
        began = time.monotonic()
        reply = system.http("POST", "/api/v1/cases", submission(f"{what} {i}"), token, {"Idempotency-Key": f"{what} {i}"})
        assert reply.status == 201, reply
        took.append((time.monotonic() - began) * 1000)
    return took


def beside(took, usual):
    """Of 50: the median and the p99 (their largest but one), and both beside nobody being slow."""
    (p50, p99), (usual50, usual99) = ((statistics.median(each), sorted(each)[-2]) for each in (took, usual))
    return f"p50 {p50:.1f}, p99 {p99:.1f} ms ({p50 / usual50:.2f} x, {p99 / usual99:.2f} x nobody slow)"


def restart_with_slow_disk(system, **more):
    environment = {"LD_PRELOAD": SLOW_DISK, "SLOW_DISK_OF": "hearback-casework", "SLOW_DISK_US": str(FLUSH_US), **more}
    system.stop()
    os.environ.update(environment)
    try:
        system.start()
    finally:
        for name in environment:
            del os.environ[name]


def slow_disk():
    assert os.path.exists(SLOW_DISK), f"{SLOW_DISK} is missing: build it"
    with harness.System("--demo") as system, BoundedMemory(system):
        system.settle()
        with Load(system.port, system.tokens(), seed=chosen.seed, clients=4):
            time.sleep(1)
            usual = answers_ms(system, 50, "beside a usual disk")
        system.settle()
        restart_with_slow_disk(system)
        system.settle()
        with Load(system.port, system.tokens(), seed=chosen.seed + 1, clients=4) as load:
            eventually("casework is at work", lambda: len([c for c in load.ledger.answered() if c.case]) >= 5, 60)
            took = answers_ms(system, 50, "beside a slow disk")
            eventually("casework goes on", lambda: len([c for c in load.ledger.answered() if c.case]) >= 15, 60)
        steps = [c for c in load.ledger.answered() if c.case]
        system.settle()
        sound(system)
    print(f"  casework's disk takes {FLUSH_US // 1000} ms for each flush: {len(steps)} steps; a submission beside them {beside(took, usual)}",
          flush=True)


def held_disk():
    """A flush of casework does not end. Whoever waited for it would wait until it is let go, at the end."""
    assert os.path.exists(SLOW_DISK), f"{SLOW_DISK} is missing: build it"
    with harness.System("--demo") as system, BoundedMemory(system):
        system.settle()
        usual = answers_ms(system, 50, "beside a usual disk")
        system.settle()
        held = os.path.join(system.folder, "held")
        restart_with_slow_disk(system, SLOW_DISK_HELD=held)
        system.settle()
        before, routed = figure(system, "casework", "hearback_log_end"), figure(system, "routing", "hearback_log_end")
        with open(held, "w"):
            took = answers_ms(system, 50, "beside a disk that is held")
        eventually("routing decides on", lambda: figure(system, "routing", "hearback_log_end") >= routed + 50, 60)
        reply = system.http("GET", "/api/v1/cases?site=renhe&limit=1", token=system.operator_token())
        assert reply.status == 200, reply
        assert len(read_log(system.folder, "casework")) == before, "its disk was not held: nothing was shown"
        os.remove(held)
        system.settle()
        assert figure(system, "casework", "hearback_log_end") > before, "it had nothing to flush: nothing was shown"
        sound(system)
    print(f"  casework's flush does not end: 50 submissions meanwhile, {beside(took, usual)}", flush=True)


# ---- a mail server that is slow ----

class SlowMail(harness.Mail):
    """Takes a mail, and says so only after a while, and not before it may."""

    def __init__(self):
        super().__init__()
        self.taken = self.answers_after_s = 0
        self.may = threading.Event()
        handler, keep = self.controller.handler, self.controller.handler.handle_DATA

        async def handle_data(server, session, envelope):
            self.taken += 1
            await asyncio.sleep(self.answers_after_s)
            for _ in range(200):  # 20 s: whoever sends waits for 60
                if self.may.is_set():
                    break
                await asyncio.sleep(0.1)
            return await keep(server, session, envelope)

        handler.handle_DATA = handle_data


def slow_mail(answers_after_s=30, mails=20):
    with SlowMail() as mail, harness.System("--demo", "--smtp", mail.url) as system, BoundedMemory(system):
        system.settle()
        usual = answers_ms(system, 50, "beside a usual mail server")
        system.settle()
        mail.answers_after_s, mail.taken = answers_after_s, 0
        mail.messages.clear()
        token = system.tokens()["renhe-reception"]
        for i in range(mails):
            body = submission(f"mail {i}", party={"name": {"plain": "来电人"}, "email": {"plain": f"person{i}@example.org"}})
            reply = system.http("POST", "/api/v1/cases", body, token, {"Idempotency-Key": f"mail {i}"})
            assert reply.status == 201, reply
        eventually("mails are under way", lambda: mail.taken >= 8, 60)
        took = answers_ms(system, 50, "beside a slow mail server")
        eventually("notification hears on", lambda: figure(system, "notification", "hearback_events_heard_total") >= said(
            system, "directory", "intake", "routing", "casework", "watchdog", "escalation"), 30)
        assert not mail.messages, "all of that should be done while the first mail still waits"
        mail.may.set()
        eventually("each has arrived", lambda: len(addresses(mail)) == mails, 60 + 3 * answers_after_s)
        system.run("wait", "settled", "--timeout", "120")
        arrived = [m["Message-ID"] for m in mail.messages]
        assert len(arrived) == len(set(arrived)), "a mail that was taken slowly was sent twice"
        sound(system)
    print(f"  {len(arrived)} mails, each answered after {answers_after_s} s, once each; a submission meanwhile {beside(took, usual)}", flush=True)


def addresses(mail):
    return {m["To"] for m in list(mail.messages) if "person" in m["To"]}


if __name__ == "__main__":
    stories = (stopped_consumers, a_consumer_far_behind, slow_disk, held_disk, slow_mail)
    harness.main([story for story in stories if not chosen.stories or story.__name__ in chosen.stories])
