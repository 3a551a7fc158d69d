"""What a person waits for at 100,000 cases: the main pages of the portal and of the console, and the queries that the console's screens
make; one at a time over one connection, until its first byte and until it is there whole. And live updates with a thousand browsers that listen."""

import datetime
import json
import re
import selectors
import socket
import time

from load import http_request, load, submit
from register import filled
from running import Running
from table import Row

CASES = 100_000
QUERY_S = 0.4
ACCOUNT = "renhe-coordinator"
BROWSERS = 1000
OF_AN_ACCOUNT = 60  # the gateway allows 64 (events.c)
ROUNDS_OF_LIVE = 4  # changes that each browser waits for, in a round
LOOK_MS = 500       # how often the gateway asks for changes (events_follow.c)


def paths(system):
    """What it is -> where, on a system with many cases."""
    found = system.http("GET", "/api/v1/cases?site=renhe&limit=1", token=system.tokens()[ACCOUNT])
    case = json.loads(found.body)["rows"][0]["case_id"]
    script = re.search(r'src="(/console/assets/[^"]+\.js)"', system.http("GET", "/console/").body.decode()).group(1)
    site = "site=renhe"
    return {
        "portal: home": "/", "portal: form": "/submit?site=renhe&kind=complaint", "portal: track": "/track",
        "console: page": "/console/", "console: first script": script,
        "session": "/api/v1/session", "list": f"/api/v1/cases?{site}&limit=50",
        "list: open ones of a department": f"/api/v1/cases?{site}&limit=50&phase=open&department=patient_relations_office",
        "list: of a kind, received on a day": f"/api/v1/cases?{site}&limit=50&kind=complaint&received_from=2025-03-01&received_to=2025-03-02",
        "list: past their date": f"/api/v1/cases?{site}&limit=50&overdue=true",
        "list: what is due first": f"/api/v1/cases?{site}&limit=50&phase=open&order=due",
        "list: of a department, what is due first": f"/api/v1/cases?{site}&limit=50&phase=open&order=due&department=patient_relations_office",
        "figures of the open cases, by handler": f"/api/v1/reports/figures?{site}&by=handler&phase=open",
        "count of all open ones": f"/api/v1/cases/count?{site}&phase=open",
        "case file": f"/api/v1/cases/{case}", "time line": f"/api/v1/cases/{case}/timeline", "explain": f"/api/v1/cases/{case}/explain",
        "figures": f"/api/v1/reports/kpi?{site}", "indicators": f"/api/v1/reports/indicators?{site}", "organisation": "/api/v1/organisation",
        "policy": "/api/v1/policies/renhe",
    }


def measure_pages(folder, rounds):
    with Running(filled(folder, CASES)) as system:
        asked = {what: http_request(system, "GET", path, ACCOUNT) for what, path in paths(system).items()}
        times = {(what, until): [] for what in asked for until in ("first_byte_p50_us", "p50_us")}
        for _ in range(rounds):
            for what, request in asked.items():
                found = load(system, 1, QUERY_S, request)
                for until in ("first_byte_p50_us", "p50_us"):
                    times[what, until].append(found[until] / 1e3)
    for (what, until), values in times.items():
        whole = "first byte, " if until.startswith("first") else ""
        yield Row(f"{CASES:,} cases: {what}, {whole}p50", values, "ms", goal="< 200 ms", holds=lambda value, _: value < 200)


# ---- live updates ----

class Browsers:
    """So many that listen, of accounts that see the site."""

    def __init__(self, system, count, tokens):
        self.selector, self.all = selectors.DefaultSelector(), []
        for i in range(count):
            browser = socket.create_connection(("127.0.0.1", system.port))
            browser.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
                            f"Authorization: Bearer {tokens[i % len(tokens)]}\r\n\r\n".encode())
            head = browser.recv(4096)  # it listens when that is there
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"no stream: {head!r}")
            self.all.append(browser)
            browser.setblocking(False)
            self.selector.register(browser, selectors.EVENT_READ)

    def hear(self, case_id, timeout_s=60):
        """When each has heard of the case: seconds of the monotonic clock."""
        wanted, heard, until = f'"{case_id}"'.encode(), {}, time.monotonic() + timeout_s
        while len(heard) < len(self.all):
            for key, _ in self.selector.select(1):
                try:
                    said = key.fileobj.recv(65536)
                except BlockingIOError:
                    continue
                if not said:
                    raise RuntimeError("a stream ended")
                if wanted in said:
                    heard.setdefault(key.fileobj, time.monotonic())
            if time.monotonic() > until:
                raise RuntimeError(f"{len(heard)} of {len(self.all)} browsers heard within {timeout_s} s")
        return list(heard.values())

    def close(self):
        self.selector.close()
        for browser in self.all:
            browser.close()


def accounts(system, count):
    """Tokens of as many accounts as so many browsers need."""
    needed = -(-count // OF_AN_ACCOUNT)
    people = [{"id": f"listener{i}", "name": f"听众{i}", "posts": [{"post": "coordinator", "department": "patient_relations_office", "site": "renhe"}]}
              for i in range(needed)]
    made = [{"id": f"listener{i}", "person": f"listener{i}", "sites": ["renhe"], "scopes": ["read"]} for i in range(needed)]
    operator = system.operator_token()
    reply = system.http("PUT", "/api/v1/organisation", {"people": people, "accounts": made}, operator)
    if reply.status != 200:
        raise RuntimeError(f"accounts cannot be made: {reply}")
    system.settle()
    tokens, expires = [], (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).isoformat(timespec="seconds")
    for one in made:
        reply = system.http("POST", "/api/v1/tokens", {"account": one["id"], "name": "bench", "sites": ["renhe"], "scopes": ["read"],
                                                         "expires_at": expires}, operator)
        if reply.status not in (200, 201):
            raise RuntimeError(f"a token cannot be made: {reply}")
        tokens.append(reply.json()["token"])
    return tokens


def heard_after_ms(system, browsers):
    """Of each browser and change: from the answer to the submission. Changes are apart by no whole number of looks."""
    took = []
    for i in range(ROUNDS_OF_LIVE):
        time.sleep(0.3 + 0.13 * i)
        case, at = submit(system)["case_id"], time.monotonic()
        took += [(heard - at) * 1000 for heard in browsers.hear(case)]
    return sorted(took)


def measure_live(folder, rounds):
    few, many = [], []
    with Running(f"{folder}/live", "--demo") as system:
        system.settle()
        submit(system)
        tokens = accounts(system, BROWSERS + 1)
        one = Browsers(system, 1, tokens[-1:])
        few = [heard_after_ms(system, one) for _ in range(rounds)]
        one.close()
        before = system.memory("gateway")[1]
        browsers = Browsers(system, BROWSERS, tokens[:-1])  # a stream that is closed counts until the next heartbeat: they stay
        many = [heard_after_ms(system, browsers) for _ in range(rounds)]
        grown = (system.memory("gateway")[1] - before) / BROWSERS / 1024
        browsers.close()
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        of = lambda times: [each[int((len(each) - 1) * share)] for each in times]
        yield Row(f"a change heard by {BROWSERS:,} browsers, {name}", of(many), "ms", of(few), "one browser",
                  f"<= {2 * LOOK_MS} ms", lambda value, _: value <= 2 * LOOK_MS)
    yield Row(f"anonymous memory of the gateway for each of {BROWSERS:,} browsers", [grown], "kB")
