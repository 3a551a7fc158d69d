"""Figures of the real system: `bench.py [--data DIR] [--rounds N] [NAME...]`; scripts/bench builds first and then calls this.
What each figure means is in README.md."""

import argparse
import os
import platform
import shutil
import subprocess
import tempfile

import harness
from alone import measure_fold, measure_judge
from at_rest import measure_idle, measure_memory, measure_start
from baselines import measure_disk
from table import print_table
from under_load import measure_import, measure_intake, measure_pipeline, measure_read

FIGURES = {"judge": measure_judge, "fold": measure_fold, "memory": measure_memory, "start": measure_start, "idle": measure_idle,
           "intake": measure_intake, "read": measure_read, "pipeline": measure_pipeline, "import": measure_import}


def options():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {' '.join(FIGURES)}; none: all")
    parser.add_argument("--data", default=os.path.join(harness.SOURCE, "build/bench"), help="where state lies meanwhile")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in FIGURES]
    if unknown:
        parser.error(f"there is no figure {unknown[0]!r}; accepted: {' '.join(FIGURES)}")
    if chosen.rounds < 1:
        parser.error("--rounds: 1 or more is accepted")
    return chosen


def said_by(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=harness.SOURCE).stdout.strip()


def print_place(folder):
    """Where and when: without it the figures mean nothing."""
    load = os.getloadavg()[0]
    print(f"commit {said_by('git', 'describe', '--always', '--dirty')}, Linux {platform.release()}, {os.cpu_count()} cores, "
          f"load {load:.1f}, {said_by('stat', '-f', '-c', '%T', folder)}, one flush {measure_disk(folder, 0)['p50_us']:.0f} us")
    if load > 0.5:
        print("other work is running: ratios mean more than figures, and both less than on a quiet machine")


def main():
    chosen = options()
    os.makedirs(chosen.data, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="run-", dir=chosen.data)
    rows, failed = [], []
    try:
        print_place(folder)
        for name in dict.fromkeys(chosen.names or FIGURES):
            print(f"measuring {name} ...", flush=True)
            try:
                rows += FIGURES[name](folder, chosen.rounds)
            except (RuntimeError, AssertionError) as failure:  # said by a program; the other figures are still worth having
                failed.append(f"{name} could not be measured: {failure}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_table(rows)
    print("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
