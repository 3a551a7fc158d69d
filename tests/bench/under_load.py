"""What the system carries: the door, the whole chain of services, an import. Requests come from a C client (http_load.c), for a client in
Python would take more of the machine than the system does."""

import csv
import json
import os
import time

from baselines import measure_bus, measure_disk, run_program
from running import BOSTON, SERVICES, Running
from table import Row

NUMBER = "#" * 16  # http_load writes another one at each sending
DOOR_S, PIPELINE_S, READ_S = 1.0, 2.0, 0.5
PIPELINE_CONNECTIONS = 64
HOPS = 7  # services that commit because of a case: intake, routing, casework, watchdog, escalation, notification, analytics
IMPORT_ROWS = 1000
KB, MB = 1e3, 1e6


def http_request(system, method, path, account, body=None):
    content = json.dumps(body, ensure_ascii=False).encode() if body else b""
    head = (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {system.tokens()[account]}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: bench-{NUMBER}\r\nContent-Length: {len(content)}\r\n\r\n")
    return head.encode() + content


def submission(system):
    """A complaint by telephone, about 300 bytes, with three personal texts to seal; each from a place of its own."""
    return http_request(system, "POST", "/api/v1/cases", "renhe-reception", {
        "site": "renhe", "kind": "complaint", "category": "service", "channel": "phone", "place": NUMBER,
        "text": {"plain": "在窗口等了两个小时，没有人说明原因，问了三次才有人回答，态度也不好。"},
        "party": {"name": {"plain": "来电人"}, "phone": {"plain": "021-55500999"}}})


def load(system, connections, seconds, request):
    found = run_program("bench_http_load", system.port, connections, seconds, input=request)[0]
    refused = {status: n for status, n in found["statuses"].items() if not status.startswith("2")}
    if refused:
        raise RuntimeError(f"the system refused requests of the benchmark: {refused}")
    return found


def measure_intake(folder, rounds):
    """A submission is answered when it is on disk. The baseline commits as many events at once as there are connections."""
    with Running(os.path.join(folder, "intake"), "--demo") as system:
        request = submission(system)
        load(system, 1, 0.3, request)
        for connections in (1, 16):
            disk, door = [], []
            for _ in range(rounds):
                disk.append(measure_disk(folder, connections))
                door.append(load(system, connections, DOOR_S, request))
                system.settle()
            title = f"intake, {connections} connection{'s' if connections > 1 else ''}"
            yield Row(f"{title}", [d["per_second"] for d in door], "cases/s", [d["events_per_second"] for d in disk], "raw LMDB")
            for share in ("p50", "p99"):
                yield Row(f"{title}, {share}", [d[f"{share}_us"] / 1e3 for d in door], "ms", [d[f"{share}_us"] / 1e3 for d in disk],
                          "raw commit")


def measure_read(folder, rounds):
    """One case file over HTTP, one at a time: a question to casework and one to intake, which opens what is sealed."""
    bus, read = [], []
    with Running(os.path.join(folder, "intake"), "--demo") as system:
        load(system, 1, 0.1, submission(system))
        system.settle()
        listed = system.http("GET", "/api/v1/cases?site=renhe&limit=1", token=system.operator_token()).json()
        request = http_request(system, "GET", f"/api/v1/cases/{listed['rows'][0]['case_id']}", "renhe-coordinator")
        for _ in range(rounds):
            bus.append(measure_bus())
            read.append(load(system, 1, READ_S, request))
            system.settle()
    yield Row("read a case, 1 connection", [r["per_second"] for r in read], "per s", [b["per_second"] for b in bus], "raw CURVE")
    yield Row("read a case, 1 connection, p50", [r["p50_us"] / 1e3 for r in read], "ms", [b["p50_us"] / 1e3 for b in bus], "raw CURVE")


# ---- the whole chain ----

class Chain:
    """What one system carried, round by round."""

    def __init__(self, system):
        self.system, self.request = system, submission(system)
        self.rates, self.processor_us, self.bytes, self.batches = [], [], [], []

    def round(self):
        """Cases a second from the first submission until all services have carried out everything."""
        system = self.system
        processor, heard, said, turns, size = self.standing()
        began = time.monotonic()
        cases = load(system, PIPELINE_CONNECTIONS, PIPELINE_S, self.request)["good"]
        system.settle()
        self.rates.append(cases / (time.monotonic() - began))
        after = self.standing()
        self.processor_us.append((after[0] - processor) * 1e6 / (after[1] - heard))
        self.batches.append((after[2] - said) / (after[3] - turns))
        self.bytes.append((after[4] - size) / cases / KB)

    def standing(self):
        system = self.system
        names = ("hearback_events_heard_total", "hearback_events_said_total", "hearback_turns_total")
        return system.processor_s(), *map(system.total, names), system.state_bytes()


def measure_pipeline(folder, rounds):
    disk = []
    with Running(os.path.join(folder, "pipeline"), "--demo") as system, \
            Running(os.path.join(folder, "slow"), "--demo", flush_ms=1) as slow:
        system.settle()
        slow.settle()
        chain, slowed = Chain(system), Chain(slow)
        before = {name: system.memory(name)[1] for name in SERVICES}
        for _ in range(rounds):
            disk.append(measure_disk(folder, 256)["events_per_second"] * os.cpu_count() / HOPS)
            chain.round()
            slowed.round()
        grown = {name: (system.memory(name)[1] - before[name]) / MB for name in SERVICES}
    yield Row("pipeline", chain.rates, "cases/s", disk, "raw LMDB / hops", "P4 >= 0.5 x", lambda _, ratio: ratio >= 0.5)
    yield Row("pipeline, each flush 1 ms longer", slowed.rates, "cases/s", chain.rates, "pipeline", "P6 >= 0.5 x",
              lambda _, ratio: ratio >= 0.5)
    yield Row("pipeline, processor per event heard", chain.processor_us, "us", goal="P17 <= 6", holds=lambda v, _: v <= 6)
    yield Row("pipeline, events said per commit", chain.batches, "events")
    yield Row("pipeline, disk per case", chain.bytes, "kB", goal="P16 <= 4", holds=lambda v, _: v <= 4)
    most = max(grown, key=grown.get)
    yield Row(f"pipeline, memory grown, most: {most}", [grown[most]], "MB", goal="P12 <= 4", holds=lambda v, _: v <= 4)


# ---- import ----

def rows_of_boston(path, mark):
    """The first rows, each under an identity of this round, for one that is known is not imported again."""
    with open(BOSTON, newline="", encoding="utf-8") as source, open(path, "w", newline="", encoding="utf-8") as target:
        reader, writer = csv.reader(source), csv.writer(target)
        writer.writerow(next(reader))
        for _, row in zip(range(IMPORT_ROWS), reader):
            writer.writerow([f"{mark}-{row[0]}", *row[1:]])


def measure_import(folder, rounds):
    if not os.path.exists(BOSTON):
        print("left out: ../shared/data/boston311-2011-08.csv is missing beside the checkout")
        return
    disk, rows, settled = [], [], []
    with Running(os.path.join(folder, "import"), "--demo", "--input", BOSTON, "--mapping", "boston311") as system:
        system.settle()
        path = os.path.join(folder, "rows.csv")
        for mark in range(rounds):
            rows_of_boston(path, mark)
            disk.append(measure_disk(folder, 250)["events_per_second"])
            began = time.monotonic()
            system.run("import", path, "--mapping", "boston311")
            rows.append(IMPORT_ROWS / (time.monotonic() - began))
            system.settle()
            settled.append(IMPORT_ROWS / (time.monotonic() - began))
    yield Row("import", rows, "rows/s", disk, "raw LMDB, batch 250")
    yield Row("import, until all is carried out", settled, "rows/s", disk, "raw LMDB, batch 250")
