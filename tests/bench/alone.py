"""What is measured without running processes: the judge of the clocks, the policy, the fold of the logs, watchdog with ten million
deadlines. By processor time, where nothing else is said."""

import os
import shutil
import tempfile

import harness
from at_rest import boston
from baselines import measure_disk, run_program
from large_pack import KINDS, RULES, write_pack
from load import submit
from running import Running, on_disk
from table import Row

PACKS = os.path.join(harness.SOURCE, "services/directory/policies")
FEW, DUE = 10_000, 100_000


def measure_judge(folder, rounds):
    pairs = run_program("bench_judge", rounds)
    yield Row("judge", [p["judgements_per_second"] for p in pairs], "per CPU s", [p["hashes_per_second"] for p in pairs], "BLAKE2b")


def measure_policy(folder, rounds):
    """Of a decision each rule of one kind is asked, 26 of them here."""
    with tempfile.TemporaryDirectory(dir=folder) as packs:
        found = run_program("bench_policy", packs, PACKS, write_pack(packs), rounds)
    if found[0]["kinds"] < KINDS or found[0]["rules"] < RULES:
        raise RuntimeError(f"the pack is smaller than it should be: {found[0]}")
    size = f"{found[0]['kinds']} kinds, {found[0]['rules']} rules"
    yield Row(f"policy, compiled and checked: {size}", [f["check_ms"] for f in found], "ms", goal="< 1000", holds=lambda v, _: v < 1000)
    yield Row("policy, one decision", [1e6 / f["decisions_per_second"] for f in found], "us", [1e6 / f["hashes_per_second"] for f in found],
              "BLAKE2b")


def measure_decode(folder, rounds):
    """256 events, as many as a batch has: into an arena that is taken back after each, and by protobuf-c with malloc and free."""
    system = boston(folder)
    if not system:
        return
    found = run_program("bench_decode", system, rounds)
    yield Row("decode, an event of a batch of 256", [1e6 / f["arena_per_second"] for f in found], "us",
              [1e6 / f["malloc_per_second"] for f in found], "protobuf-c with malloc", "P17 <= 0.67 x", lambda _, ratio: ratio <= 1 / 1.5)


# ---- deadlines ----

def fill_deadlines(folder, many, rounds, flush_ms=0):
    """A system made for it, whose watchdog is then given so many."""
    where = os.path.join(folder, f"deadlines-{many}")
    with Running(where, "--demo") as system:
        submit(system)
        system.settle()
    try:
        return run_program("bench_deadlines", where, many, DUE, rounds, timeout=200, env=on_disk(flush_ms))[0]
    finally:
        shutil.rmtree(where)


def measure_deadlines(folder, rounds, many=10_000_000):
    """Ten thousand and ten million, each filled once: opening, ticks and the sweep are repeated. Only the sweep flushes, and
    it is the same with few and many: with +1 ms it is measured with few, once."""
    few, much = (fill_deadlines(folder, count, rounds) for count in (FEW, many))
    slow = fill_deadlines(folder, FEW, 1, flush_ms=1)
    flush = measure_disk(folder, 0)["p50_us"] / 1e3
    title = f"{many / 1e6:g} million open deadlines"
    yield Row(f"{title}: idle tick", much["tick_ns"], "ns", few["tick_ns"], "10 thousand", "P9 <= 1000, <= 2 x",
              lambda v, ratio: v <= 1000 and ratio <= 2)
    yield Row(f"{title}: opened cold, first due found", much["cold_ms"], "ms", few["cold_ms"], "10 thousand", "P9 <= 3 x",
              lambda _, ratio: ratio <= 3)
    yield Row(f"{title}: {much['swept']} timers due swept, {much['said']} events said", much["sweep_s"], "s", few["sweep_s"],
              "10 thousand", "P9 <= 2", lambda v, _: v <= 2)
    yield Row(f"10 thousand open deadlines: {slow['swept']} timers due swept, +1 ms a flush", slow["sweep_s"], "s", few["sweep_s"], "without")
    yield Row(f"{title}: turns of that sweep", [much["turns"]], "commits", [s * 1e3 / flush for s in much["sweep_s"]], "flushes of its time")
    timers = much["timers"] / much["deadlines"]
    yield Row(f"{title}: disk per deadline ({timers:.1f} timers)", [much["timer_bytes"] * timers], "bytes", goal="P10 <= 40",
              holds=lambda v, _: v <= 40)
    yield Row(f"{title}: anonymous memory of watchdog's own code", [max(much["anonymous_mb"], much["anonymous_swept_mb"])], "MB",
              [max(few["anonymous_mb"], few["anonymous_swept_mb"])], "10 thousand", "P10 <= 8", lambda v, _: v <= 8)


# ---- fold ----

def fold_anew(folder, system):
    """Into an empty folder each time."""
    with tempfile.TemporaryDirectory(dir=folder) as into:
        return {line["service"]: line for line in run_program("bench_fold", system, into)}


def measure_fold(folder, rounds):
    system = boston(folder)
    if not system:
        return
    runs = [fold_anew(folder, system) for _ in range(rounds)]

    def rates(chosen, seconds):
        return [sum(run[name]["events"] for name in chosen) / sum(run[name][seconds] for name in chosen) for run in runs]

    def row(title, chosen):
        return Row(title, rates(chosen, "seconds"), "events/CPU s", rates(chosen, "hash_seconds"), "BLAKE2b", "P15 >= 150000",
                   lambda v, _: v >= 150000)

    yield row("fold, all eight", list(runs[0]))
    slowest = min(runs[0], key=lambda name: row("", [name]).median)
    yield row(f"fold, slowest: {slowest}", [slowest])
