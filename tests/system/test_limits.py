"""How much one account may ask for: so many lists, counts and exports at once, so many exports, reads and writes in a time; how much one
address; it is told to wait, and no other account or address is kept waiting."""

import contextlib
import http.client
import itertools
import os
import select
import signal
import tempfile
import time

import harness

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
LIST, FILE = "/api/v1/cases?site=haitang&limit=1", "/api/v1/cases?site=haitang&format=csv"

system = None


def ask(path, account):
    return system.http("GET", path, token=system.tokens()[account])


def is_told_to_wait(reply, code, at_most_s):
    problem = reply.json()
    assert reply.status == 429 and problem["code"] == code and problem["zh"] and problem["en"], reply
    assert 1 <= problem["retry_after"] <= at_most_s and reply.headers["retry-after"] == str(problem["retry_after"]), reply.headers


@contextlib.contextmanager
def away(service):
    """Stopped, not ended: `hearback up` would start it again."""
    pids = system.pids(service)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


class Waiting:
    """Requests sent, whose answers are not read yet."""

    def __init__(self, path, account, count):
        self.connections = []
        for _ in range(count):
            connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)
            connection.request("GET", path, headers={"Authorization": f"Bearer {system.tokens()[account]}"})
            self.connections.append(connection)

    def answered_now(self, count):
        """The first so many that are answered; the others go on waiting."""
        answers, until = [], time.monotonic() + 30
        while len(answers) < count and time.monotonic() < until:
            ready, _, _ = select.select([one.sock for one in self.connections], [], [], 1)
            for connection in [one for one in self.connections if one.sock in ready]:
                self.connections.remove(connection)
                reply = connection.getresponse()
                answers.append(harness.Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()))
                connection.close()
        assert len(answers) == count, (len(answers), count)
        return answers


def an_account_looks_at_so_much_at_once():
    """While analytics does not answer, what is asked waits (5 s at most): more than 4 exports, more than 32 in all are refused at once."""
    assert ask(LIST, "head").status == ask(LIST, "handler").status == 200  # who they are is known
    with away("analytics"):
        files = Waiting(FILE, "head", 6)
        refused = files.answered_now(2)
        lists = Waiting(LIST, "head", 40)
        refused += lists.answered_now(12)
        others = Waiting(LIST, "handler", 1)
    for reply in refused:
        is_told_to_wait(reply, "too_many_at_once", 1)
    answered = files.answered_now(4) + lists.answered_now(28) + others.answered_now(1)
    assert {one.status for one in answered} == {200}, answered
    assert ask(LIST, "head").status == 200  # there is room again


def an_account_exports_so_often():
    """60 at once, and one more for each 10 s that went by meanwhile; one that asks for what there is not is none."""
    for wrong in ("/api/v1/cases?site=haitang&format=csv&overdue=perhaps", "/api/v1/cases?site=haitang&format=csv&order=due",
                  "/api/v1/reports/indicators?format=csv", "/api/v1/audit?site=haitang&format=csv&from=soon"):
        assert ask(wrong, "coordinator").status == 400, wrong
    statuses, began = [], time.monotonic()
    while len(statuses) < 100 and 429 not in statuses:
        reply = ask(FILE, "coordinator")
        statuses.append(reply.status)
    assert set(statuses[:-1]) == {200} and 60 <= len(statuses) - 1 <= 60 + (time.monotonic() - began) // 10, statuses
    is_told_to_wait(reply, "too_many_exports", 10)
    refused = system.http("GET", "/api/v1/cases?site=haitang", token=system.tokens()["coordinator"], headers={"Accept": "text/csv"})
    is_told_to_wait(refused, "too_many_exports", 10)
    assert ask(LIST, "coordinator").status == 200
    assert ask(FILE, "handler").status == 200


def restart(limits):
    system.stop()
    path = os.path.join(system.folder, "hearback.yaml")
    with open(path) as f:
        lines = [line for line in f if not line.startswith("limits:")]
    with open(path, "w") as f:
        f.writelines([*lines, f"limits: {limits}\n"])
    system.start()


def until_refused(ask_once, burst, each_second):
    """The refusal: after so many at once, and those that came back meanwhile."""
    began, answered = time.monotonic(), 0
    while (reply := ask_once()).status != 429:
        answered += 1
        assert answered <= burst + (time.monotonic() - began) * each_second + 1, (answered, reply)
    assert answered >= burst, (answered, reply)
    return reply


def an_account_reads_and_writes_so_often():
    """One each second here, sixty at once, by token and by session together. What it reads takes nothing from what it writes."""
    signed_in = system.http("POST", "/api/v1/session", {"account": "coordinator", "password": system.passwords()["coordinator"]})
    ways = itertools.cycle([{"Authorization": f"Bearer {system.tokens()['coordinator']}"},
                            {"Cookie": signed_in.headers["set-cookie"].split(";")[0]}])
    read = lambda: system.http("GET", "/api/v1/session", headers=next(ways))
    is_told_to_wait(until_refused(read, 60, 1), "too_many_reads", 1)
    body = {"site": "haitang", "kind": "complaint", "category": "noise", "text": "噪声"}
    write = lambda: system.http("POST", "/api/v1/cases", body, system.tokens()["coordinator"])
    assert write().status == 201
    is_told_to_wait(until_refused(write, 59, 1), "too_many_writes", 1)
    assert system.http("POST", "/api/v1/cases", body, system.tokens()["reception"]).status == 201
    assert ask(LIST, "head").status == 200


def an_address_asks_so_often():
    """Two each second here: whoever asks from there, signed in, with a wrong token or without any; pages have limits of their own."""
    def from_there(address="2001:db8:1:2::7", token=None, path="/api/v1/session"):
        return system.http("GET", path, token=token, headers={"X-Forwarded-For": address})
    assert from_there(token=system.tokens()["handler"]).status == 200 and from_there(path="/api/v1/about").status == 200
    is_told_to_wait(until_refused(lambda: from_there(token="hb_nonsense"), 118, 2), "too_many_requests", 1)
    is_told_to_wait(until_refused(lambda: from_there("2001:db8:1:2::8"), 0, 2), "too_many_requests", 1)  # of the same household
    assert from_there(path="/").status == 200
    notices = lambda: system.http("GET", "/api/v1/public-notices?site=haitang")  # of the limit of case pages, from this machine, too
    is_told_to_wait(until_refused(notices, 120, 1), "too_many_requests", 1)
    assert from_there("2001:db8:1:3::7").status == 401 and from_there("203.0.113.7").status == 401
    statuses = {system.http("GET", "/api/v1/session").status for _ in range(200)}  # of this machine
    assert statuses == {401}, statuses


def a_clock_that_is_set_fools_no_limit(set_clock):
    """Nothing comes back sooner by a clock that is set forward, nor later by one that is set back."""
    read = lambda: system.http("GET", "/api/v1/session", token=system.tokens()["handler"])
    until_refused(read, 60, 1)
    for offset in ("+50", "-50", "+0"):  # no service doubts it
        set_clock(offset)
        is_told_to_wait(until_refused(read, 0, 1), "too_many_reads", 1)


@contextlib.contextmanager
def clock_of_its_own():
    """Of all that is started meanwhile; it is set by what is given. None: package faketime is missing."""
    if not os.path.exists(FAKETIME):
        yield None
        return
    with tempfile.NamedTemporaryFile("w", prefix="hearback-clock-") as clock:
        def set_clock(offset):
            clock.seek(0)
            clock.truncate()
            clock.write(offset + "\n")
            clock.flush()
        set_clock("+0")
        given = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": clock.name, "DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1"}
        os.environ.update(given)
        try:
            yield set_clock
        finally:
            for name in given:
                del os.environ[name]


def all_of_it():
    global system
    with harness.System("--demo") as started:
        system = started
        system.settle()
        for test in (an_account_looks_at_so_much_at_once, an_account_exports_so_often):
            test()
            print(f"  {test.__name__}", flush=True)
        restart("{reads: 1, writes: 1, address: 2}")
        for test in (an_account_reads_and_writes_so_often, an_address_asks_so_often):
            test()
            print(f"  {test.__name__}", flush=True)
        with clock_of_its_own() as set_clock:
            if not set_clock:
                print("  without a clock that is set: package faketime is missing")
                return
            restart("{reads: 1, writes: 1, address: 2}")
            a_clock_that_is_set_fools_no_limit(set_clock)
            print("  a_clock_that_is_set_fools_no_limit", flush=True)


if __name__ == "__main__":
    harness.main([all_of_it])
