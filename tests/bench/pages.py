"""What a person waits for at 100,000 cases: the main pages of the portal and of the console, and the queries that the console's screens
make; one at a time over one connection, until the answer is there whole. And live updates with a thousand browsers that listen."""

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
        "count of all open ones": f"/api/v1/cases/count?{site}&phase=open",
        "case file": f"/api/v1/cases/{case}", "time line": f"/api/v1/cases/{case}/timeline", "explain": f"/api/v1/cases/{case}/explain",
        "figures": f"/api/v1/reports/kpi?{site}", "indicators": f"/api/v1/reports/indicators?{site}", "organisation": "/api/v1/organisation",
        "policy": "/api/v1/policies/renhe",
    }


def measure_pages(folder, rounds):
    with Running(filled(folder, CASES)) as system:
        asked = {what: http_request(system, "GET", path, ACCOUNT) for what, path in paths(system).items()}
        times = {what: [] for what in asked}
        for _ in range(rounds):
            for what, request in asked.items():
                times[what].append(load(system, 1, QUERY_S, request)["p50_us"] / 1e3)
    for what, values in times.items():
        yield Row(f"{CASES:,} cases: {what}, p50", values, "ms", goal="< 200 ms", holds=lambda value, _: value < 200)


# ---- live updates ----

class Browsers:
    """So many that listen, with the tokens of a few accounts that see the site."""

    def __init__(self, system, count):
        tokens = [system.tokens()[account] for account in ("renhe-coordinator", "renhe-reception", "admin")]
        self.selector, self.all = selectors.DefaultSelector(), []
        for i in range(count):
            browser = socket.create_connection(("127.0.0.1", system.port))
            browser.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
                            f"Authorization: Bearer {tokens[i % len(tokens)]}\r\n\r\n".encode())
            self.all.append(browser)
        for browser in self.all:  # it listens when its head is there
            head = browser.recv(4096)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"no stream: {head!r}")
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


def heard_after_ms(system, browsers):
    """Of each browser and change: from the answer to the submission. Changes are apart by no whole number of looks."""
    took = []
    for i in range(ROUNDS_OF_LIVE):
        time.sleep(0.3 + 0.13 * i)
        case, at = submit(system)["case_id"], time.monotonic()
        took += [(heard - at) * 1000 for heard in browsers.hear(case)]
    return sorted(took)


def measure_live(folder, rounds):
    few, many, grown = [], [], []
    with Running(f"{folder}/live", "--demo") as system:
        system.settle()
        submit(system)
        for _ in range(rounds):
            for count, times in ((1, few), (BROWSERS, many)):
                before = system.memory("gateway")[1]
                browsers = Browsers(system, count)
                times.append(heard_after_ms(system, browsers))
                if count == BROWSERS:
                    grown.append((system.memory("gateway")[1] - before) / count / 1024)
                browsers.close()
                system.settle()
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        of = lambda times: [each[int((len(each) - 1) * share)] for each in times]
        yield Row(f"a change heard by {BROWSERS:,} browsers, {name}", of(many), "ms", of(few), "one browser",
                  f"<= {2 * LOOK_MS} ms", lambda value, _: value <= 2 * LOOK_MS)
    yield Row(f"anonymous memory of the gateway for each of {BROWSERS:,} browsers", [max(grown)], "kB")
