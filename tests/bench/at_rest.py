"""What the system costs when nothing happens: memory, start, processor time."""

import os
import time

import redis
from load import disks
from postgres import Postgres, programs
from register import filled
from running import BOSTON, SERVICES, Running
from table import Row
from trouble import killed_until_ready_ms

MB = 1e6
EVENTS = 1_000_000
IDLE_S = 10


def measure_memory(folder, rounds):
    """PSS depends on who else maps the same libraries: the nine share them, as they always do. After the first start the policies
    have just been compiled and the sample cases made; what a service keeps of that goes at the next start."""
    where = os.path.join(folder, "memory")
    pss, anonymous = {name: [] for name in SERVICES}, {name: [] for name in SERVICES}
    with Running(where, "--demo") as system:
        system.settle()
        time.sleep(1)
        made = [sum(system.memory(name)[0] for name in SERVICES) / MB]
    for _ in range(rounds):
        with Running(where) as system:
            system.settle()
            time.sleep(0.5)
            for name in SERVICES:
                shared, own = system.memory(name)
                pss[name].append(shared / MB)
                anonymous[name].append(own / MB)
    for name in SERVICES:
        yield Row(f"memory {name}, PSS", pss[name], "MB", goal="P11 <= 3", holds=lambda v, _: v <= 3)
        yield Row(f"memory {name}, anonymous", anonymous[name], "MB", goal="P11 <= 2", holds=lambda v, _: v <= 2)
    total = [sum(each) for each in zip(*pss.values())]
    yield Row("memory all nine, PSS", total, "MB", goal="P11 <= 30", holds=lambda v, _: v <= 30)
    yield Row("memory all nine, anonymous", [sum(each) for each in zip(*anonymous.values())], "MB")
    if programs():
        yield Row("memory all nine, PSS, beside PostgreSQL's", total, "MB", idle_postgres(folder, rounds), "PostgreSQL, idle", "P11 <= 1 x",
                  lambda _, ratio: ratio <= 1)
    yield Row("memory all nine, PSS, after the demonstration was made", made, "MB")


def idle_postgres(folder, rounds):
    found = []
    for _ in range(rounds):
        with Postgres(folder, 0) as server:
            time.sleep(0.5)
            found.append(server.idle_bytes() / MB)
    return found


def measure_start(folder, rounds, cases=EVENTS // 6):
    """Empty: keys and folder exist, no event. A first start, which makes them, is the first of all. All services start at once, so each
    is measured by itself when it is started again beside the others, which have nothing to do."""
    empty, full = os.path.join(folder, "empty"), filled(folder, cases)
    with Running(empty) as system:
        first = [system.started_s * 1000]
    yield Row("start, the first: makes keys and folders", first, "ms")
    beside = redis.loaded_ms(folder, EVENTS, rounds)
    alone = {service: [] for service in SERVICES if service != "gateway"}
    for flush_ms, said in disks():
        times = {empty: [], full: []}
        for _ in range(rounds):
            for where in times:
                with Running(where, flush_ms=flush_ms) as system:
                    times[where].append(system.started_s * 1000)
                    events = system.total("hearback_log_end")
                    for service, took in alone.items() if where == full and not flush_ms else ():
                        took.append(killed_until_ready_ms(system, service))
        yield Row(f"start, empty{said}", times[empty], "ms", goal="P13 <= 150", holds=lambda v, _: v <= 150)
        yield Row(f"start, with {events:,.0f} events in the logs{said}", times[full], "ms", times[empty], "empty",
                  "P13 <= 150, <= 1.5 x", lambda v, ratio: v <= 150 and ratio <= 1.5)
        if beside and not flush_ms:
            yield Row(f"start, with {events:,.0f} events in the logs, beside Redis", times[full], "ms", beside,
                      f"Redis loading {EVENTS:,} entries", "P13 <= 0.2 x", lambda _, ratio: ratio <= 0.2)

    for service, took in alone.items():
        yield Row(f"start of {service} by itself, with {events:,.0f} events in the logs", took, "ms", goal="P13 <= 25", holds=lambda v, _: v <= 25)


def measure_idle(folder, rounds):
    """Processor time of all nine while nothing happens, as a share of one core."""
    empty, full = os.path.join(folder, "empty"), boston(folder)
    shares = {empty: [], full: []}
    for where in shares:
        if where:
            with Running(where) as system:
                system.settle()
                time.sleep(1)
                for _ in range(rounds):
                    before, began = system.processor_s(), time.monotonic()
                    time.sleep(IDLE_S / rounds)
                    shares[where].append((system.processor_s() - before) / (time.monotonic() - began) * 1000)
    yield Row("idle, empty", shares[empty], "ms CPU/s")
    if full:
        yield Row("idle, with Boston's open deadlines", shares[full], "ms CPU/s", shares[empty], "empty")


def boston(folder):
    """A folder with the Boston import in it, made once; None: the data is not there."""
    path = os.path.join(folder, "boston")
    if not os.path.exists(BOSTON):
        print("left out: ../shared/data/boston311-2011-08.csv is missing beside the checkout")
        return None
    if not os.path.exists(path):
        with Running(path, "--demo", "--input", BOSTON, "--mapping", "boston311") as system:
            system.settle()
    return path
