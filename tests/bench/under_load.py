"""What the system carries: the door, the whole chain of services, an import."""

import contextlib
import csv
import os
import time

from baselines import measure_bus, measure_disk
from load import disks, http_request, load, submission, submit
from running import BOSTON, SERVICES, Running
from table import Row

DOOR_S, PIPELINE_S, READ_S = 1.0, 2.0, 0.5
PIPELINE_CONNECTIONS = 64
HOPS = 7  # services that commit because of a case: intake, routing, casework, watchdog, escalation, notification, analytics
IMPORT_ROWS = 1000
RT_PER_SECOND = 22.6  # tickets of Request Tracker 5 (SQLite, one process) on such a machine; not measured in this run
KB, MB = 1e3, 1e6


@contextlib.contextmanager
def each_disk(folder, name, *options):
    """A system on the disk as it is, one whose flushes take a millisecond more; both with the demonstration, at rest."""
    with contextlib.ExitStack() as stack:
        systems = [stack.enter_context(Running(os.path.join(folder, f"{name}-{ms}"), "--demo", *options, flush_ms=ms)) for ms, _ in disks()]
        for system in systems:
            system.settle()
        yield [(system, said) for system, (_, said) in zip(systems, disks())]


def measure_intake(folder, rounds):
    """A submission is answered when it is on disk. The baseline commits as many events at once as there are connections."""
    with each_disk(folder, "intake") as systems:
        for connections in (1, 16, 64):
            for system, said in systems:
                request, disk, door = submission(system), [], []
                load(system, connections, 0.3, request)
                system.settle()
                for _ in range(rounds):
                    disk.append(measure_disk(folder, connections, system.flush_ms))
                    door.append(load(system, connections, DOOR_S, request))
                    system.settle()
                title = f"intake, {connections} connection{'s' if connections > 1 else ''}{said}"
                yield Row(f"{title}", [d["per_second"] for d in door], "cases/s", [d["events_per_second"] for d in disk], "raw LMDB")
                for share in ("p50", "p99"):
                    yield Row(f"{title}, {share}", [d[f"{share}_us"] / 1e3 for d in door], "ms",
                              [d[f"{share}_us"] / 1e3 for d in disk], "raw commit")


def measure_parse(folder, rounds):
    """What the gateway alone takes: the same body with one member that it does not know. It is read whole and refused, and nobody
    is asked."""
    with Running(os.path.join(folder, "parse"), "--demo") as system:
        system.settle()
        good, bad = submission(system), submission(system, unknown_member="1")
        parsed, carried = [], []
        for _ in range(rounds):
            found = load(system, 64, DOOR_S, bad, refused=True)
            parsed.append(sum(found["statuses"].values()) / found["seconds"])
            if found["good"]:
                raise RuntimeError("a member that nobody knows was accepted: nothing was measured")
            carried.append(load(system, 64, DOOR_S, good)["per_second"])
            system.settle()
    yield Row("gateway alone, 64 connections: body read and refused", parsed, "per s")
    yield Row("intake, 64 connections", carried, "cases/s", parsed, "gateway alone", "P3 >= 0.7 x", lambda _, ratio: ratio >= 0.7)


def measure_read(folder, rounds):
    """One case file over HTTP, one at a time: a question to casework and one to intake, which opens what is sealed."""
    bus, read = [], []
    with Running(os.path.join(folder, "read"), "--demo") as system:
        request = http_request(system, "GET", f"/api/v1/cases/{submit(system)['case_id']}", "renhe-coordinator")
        system.settle()
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
        seconds = time.monotonic() - began
        after = self.standing()
        self.rates.append(cases / seconds)
        self.processor_us.append((after[0] - processor) * 1e6 / (after[1] - heard))
        self.batches.append((after[2] - said) / (after[3] - turns))
        self.bytes.append((after[4] - size) / cases / KB)

    def standing(self):
        system = self.system
        names = ("hearback_events_heard_total", "hearback_events_said_total", "hearback_turns_total")
        return system.processor_s(), *map(system.total, names), system.state_bytes()


def measure_pipeline(folder, rounds):
    with each_disk(folder, "pipeline") as systems:
        before = {name: systems[0][0].memory(name)[1] for name in SERVICES}
        chains, disk = [Chain(system) for system, _ in systems], [[] for _ in systems]
        for _ in range(rounds):
            for chain, baseline in zip(chains, disk):
                baseline.append(measure_disk(folder, 256, chain.system.flush_ms)["events_per_second"] * os.cpu_count() / HOPS)
                chain.round()
        grown = {name: (systems[0][0].memory(name)[1] - before[name]) / MB for name in SERVICES}
    for chain, baseline, (_, said) in zip(chains, disk, systems):
        yield Row(f"pipeline{said}", chain.rates, "cases/s", baseline, "raw LMDB x cores / hops", "P4 >= 0.75 x",
                  lambda _, ratio: ratio >= 0.75)
        yield Row(f"pipeline{said}, beside Request Tracker's 22.6 tickets/s", chain.rates, "cases/s", [RT_PER_SECOND], "RT",
                  "P5 >= 1000 x", lambda _, ratio: ratio >= 1000)
    yield Row("pipeline, +1 ms a flush", chains[1].rates, "cases/s", chains[0].rates, "pipeline", "P6 >= 0.5 x",
              lambda _, ratio: ratio >= 0.5)
    chain = chains[0]
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
    path = os.path.join(folder, "rows.csv")
    with each_disk(folder, "import", "--input", BOSTON, "--mapping", "boston311") as systems:
        for system, said in systems:
            disk, rows, settled = [], [], []
            for mark in range(rounds):
                rows_of_boston(path, mark)
                disk.append(measure_disk(folder, 250, system.flush_ms)["events_per_second"])
                began = time.monotonic()
                system.run("import", path, "--mapping", "boston311")
                rows.append(IMPORT_ROWS / (time.monotonic() - began))
                system.settle()
                settled.append(IMPORT_ROWS / (time.monotonic() - began))
            yield Row(f"import{said}", rows, "rows/s", disk, "raw LMDB, batch 250")
            yield Row(f"import, until all is carried out{said}", settled, "rows/s", disk, "raw LMDB, batch 250")
