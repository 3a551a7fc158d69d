"""What is measured without running processes: the judge of the clocks, and the fold of the logs. By processor time."""

import tempfile

from at_rest import boston
from baselines import run_program
from table import Row


def measure_judge(folder, rounds):
    pairs = run_program("bench_judge", rounds)
    yield Row("judge", [p["judgements_per_second"] for p in pairs], "per CPU s", [p["hashes_per_second"] for p in pairs], "BLAKE2b")


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
