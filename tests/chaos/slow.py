"""Somebody is slow, and nobody else is held up: consumers stopped while their producers say tens of thousands of events, a service
whose disk takes 1 to 50 ms for each flush, a mail server that answers after 20 s.
`slow.py [STORY...] [--seed N] [--events N]`"""

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import time

import harness
from histories import histories
from load import Load

SLOW_DISK = os.path.abspath(os.path.join(harness.PROGRAMS, "../tests/bench/libbench_slow_disk.so"))
GROWS_MB = 64  # the memory of its own that a producer may take more, whatever it says (reliability.md: 256 MB in all)
HELD_UP_MS = 500  # what a service that works waits for a slow one is at least this; it answers in a few ms


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("stories", nargs="*")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=40000, help="said while the consumers are stopped")
    return parser.parse_args()


chosen = options()


def until(what, check, within_s):
    end = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        time.sleep(0.1)


def own_mb(system, service):
    """Memory that is not the file's."""
    with open(f"/proc/{system.pids(service)[0]}/status") as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1)) / 1024


def figure(system, service, name):
    text = system.http("GET", f"/metrics/{service}", token=system.operator_token()).body.decode()
    return int(re.search(rf"^{name}{{[^}}]*}} (\d+)", text, re.M).group(1))


def said(system, *services):
    return sum(figure(system, service, "hearback_log_end") for service in services)


def sound(system):
    found = json.loads(system.run("--json", "verify", check=False).stdout)
    assert found["sound"], json.dumps(found, indent=1)


# ---- consumers that are stopped ----

PRODUCERS = ("intake", "routing", "casework")
STOPPED = ("watchdog", "analytics")
OTHERS = ("directory", "intake", "routing", "casework", "watchdog", "escalation", "notification")


def stopped_consumers():
    with harness.System("--demo") as system:
        system.settle()
        token, imported, most = system.operator_token(), 0, {}
        before = {service: own_mb(system, service) for service in PRODUCERS}
        begun, processes = said(system, *PRODUCERS), {service: system.pids(service) for service in OTHERS}
        stopped = [system.pids(service)[0] for service in STOPPED]
        began = time.monotonic()
        try:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            while said(system, *PRODUCERS) - begun < chosen.events:
                reply = system.http("POST", "/api/v1/imports", {"site": "renhe", "rows": histories(imported, 200)}, token)
                assert reply.status == 200 and reply.json()["imported"] == 200, reply
                imported += 200
                for service in PRODUCERS:
                    most[service] = max(most.get(service, 0), own_mb(system, service) - before[service])
            until("who is not stopped has heard it", lambda: figure(system, "casework", "hearback_log_end") >= 32 * imported, 300)
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        took, events = time.monotonic() - began, said(system, *PRODUCERS) - begun
        began = time.monotonic()
        system.run("wait", "settled", "--timeout", str(60 + chosen.events // 500))
        back = time.monotonic() - began
        assert max(most.values()) < GROWS_MB, f"while nobody heard it a producer grew: {most}"
        assert {service: system.pids(service) for service in OTHERS} == processes, "somebody was restarted"
        heard, all_said = figure(system, "analytics", "hearback_events_heard_total"), said(system, *OTHERS)
        assert heard == all_said, f"analytics has heard {heard} events of {all_said}"
        total = system.http("GET", "/api/v1/reports/kpi?site=renhe", token=token).json()["total"]
        rows = system.http("GET", "/api/v1/cases?site=renhe&limit=1", token=token).json()
        assert int(total["registered"]) >= imported and "rows" in rows, total
        sound(system)
    grown = ", ".join(f"{service} {mb:+.1f} MB" for service, mb in most.items())
    print(f"  {events} events said in {took:.0f} s while {' and '.join(STOPPED)} were stopped ({grown}); {heard} heard once each, "
          f"{back:.1f} s after", flush=True)


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


def slow_disk():
    assert os.path.exists(SLOW_DISK), f"{SLOW_DISK} is missing: build it"
    with harness.System("--demo") as system:
        system.settle()
        system.stop()
        os.environ.update(LD_PRELOAD=SLOW_DISK, SLOW_DISK_OF="hearback-casework", SLOW_DISK_US="1000-50000")
        try:
            system.start()
        finally:
            for name in ("LD_PRELOAD", "SLOW_DISK_OF", "SLOW_DISK_US"):
                del os.environ[name]
        system.settle()
        with Load(system.port, system.tokens(), seed=chosen.seed, clients=4) as load:
            until("casework is at work", lambda: len([c for c in load.ledger.answered() if c.case]) >= 5, 60)
            took = answers_ms(system, 50, "beside a slow disk")
            time.sleep(3)
        steps = [c for c in load.ledger.answered() if c.case]
        system.settle()
        sound(system)
    assert len(steps) >= 10, "casework does nothing any more"
    assert statistics.median(took) < HELD_UP_MS, f"who does not write to the slow disk is held up: {took}"
    print(f"  casework's disk takes 1 to 50 ms for each flush: {len(steps)} steps, a submission beside them {statistics.median(took):.1f} ms "
          f"(worst of 50: {max(took):.0f} ms)", flush=True)


# ---- a mail server that is slow ----

class SlowMail(harness.Mail):
    """Takes a mail, and says so only after a while."""

    def __init__(self):
        super().__init__()
        self.taken = self.answers_after_s = 0
        handler, keep = self.controller.handler, self.controller.handler.handle_DATA

        async def handle_data(server, session, envelope):
            self.taken += 1
            await asyncio.sleep(self.answers_after_s)
            return await keep(server, session, envelope)

        handler.handle_DATA = handle_data


def slow_mail(answers_after_s=20, mails=20):
    with SlowMail() as mail, harness.System("--demo", "--smtp", mail.url) as system:
        system.settle()
        mail.answers_after_s, mail.taken = answers_after_s, 0
        mail.messages.clear()
        token = system.tokens()["renhe-reception"]
        began = time.monotonic()
        for i in range(mails):
            body = submission(f"mail {i}", party={"name": {"plain": "来电人"}, "email": {"plain": f"person{i}@example.org"}})
            reply = system.http("POST", "/api/v1/cases", body, token, {"Idempotency-Key": f"mail {i}"})
            assert reply.status == 201, reply
        until("mails are under way", lambda: mail.taken >= 8, 60)
        took = answers_ms(system, 50, "beside a slow mail server")
        until("notification hears on", lambda: figure(system, "notification", "hearback_events_heard_total") >= said(
            system, "directory", "intake", "routing", "casework", "watchdog", "escalation"), 30)
        assert not mail.messages, "the mail server was not slow enough to see anything"
        assert time.monotonic() - began < answers_after_s, "all of that should be done while the first mail still waits"
        until("each has arrived", lambda: len(addresses(mail)) == mails, 60 + 3 * answers_after_s)
        system.run("wait", "settled", "--timeout", "120")
        arrived = [m["Message-ID"] for m in mail.messages]
        assert len(arrived) == len(set(arrived)), "a mail that was taken slowly was sent twice"
        sound(system)
    assert statistics.median(took) < HELD_UP_MS, f"submissions are held up: {took}"
    print(f"  {len(arrived)} mails, each answered after {answers_after_s} s, once each; a submission meanwhile "
          f"{statistics.median(took):.1f} ms (worst of 50: {max(took):.0f} ms)", flush=True)


def addresses(mail):
    return {m["To"] for m in list(mail.messages) if "person" in m["To"]}


if __name__ == "__main__":
    stories = (stopped_consumers, slow_disk, slow_mail)
    harness.main([story for story in stories if not chosen.stories or story.__name__ in chosen.stories])
