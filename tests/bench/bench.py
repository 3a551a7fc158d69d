"""Figures of the real system: `bench.py [--list] [--data DIR] [--rounds N] [--cases N] [--deadlines N] [NAME...]`; scripts/bench builds
first and then calls this. What each figure means is in README.md."""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import harness
from alone import measure_deadlines, measure_decode, measure_fold, measure_judge, measure_policy
from at_rest import measure_idle, measure_memory, measure_start
from baselines import measure_disk
from latency import measure_flushes, measure_lateness, measure_latency
from pages import measure_live, measure_pages
from postgres import measure_postgres
from register import measure_register
from restore import measure_restore
from search import measure_search
from table import print_table
from trouble import measure_outage, measure_overload, measure_resume, measure_stopped
from under_load import measure_import, measure_intake, measure_parse, measure_pipeline, measure_read

FIGURES = {
    "judge": (measure_judge, "the judge of the clocks, alone"),
    "policy": (measure_policy, "a large policy: checking it, deciding by it"),
    "decode": (measure_decode, "an event taken apart (P17)"),
    "fold": (measure_fold, "every service's state made anew from the logs (P15)"),
    "deadlines": (measure_deadlines, "ten thousand and ten million open deadlines (P9, P10)"),
    "memory": (measure_memory, "of each process and of all, idle (P11)"),
    "start": (measure_start, "until ready, empty and with a million events (P13)"),
    "idle": (measure_idle, "processor time while nothing happens"),
    "intake": (measure_intake, "submissions over HTTP at 1, 16, 64 connections"),
    "parse": (measure_parse, "the gateway alone beside the whole door (P3)"),
    "postgres": (measure_postgres, "submissions beside PostgreSQL doing the same work (P1, P2)"),
    "read": (measure_read, "one case file over HTTP"),
    "pipeline": (measure_pipeline, "through all services until all is carried out (P4, P5, P6, P12, P16, P17)"),
    "latency": (measure_latency, "answered to assigned and clocks armed (P7)"),
    "lateness": (measure_lateness, "how late a date that passes is noticed under load (P9)"),
    "flushes": (measure_flushes, "flushes per registration, events per commit (P8)"),
    "import": (measure_import, "rows of the Boston data"),
    "register": (measure_register, "very many cases: list, submission, report"),
    "restore": (measure_restore, "a backup of very many cases until it is ready elsewhere"),
    "search": (measure_search, "Chinese search in sealed texts at 100,000 cases"),
    "pages": (measure_pages, "what a person waits for at 100,000 cases"),
    "live": (measure_live, "live updates with a thousand browsers"),
    "outage": (measure_outage, "catching up after one service was away (P14)"),
    "resume": (measure_resume, "a service that is killed under load until it is there again (P14)"),
    "stopped": (measure_stopped, "a consumer that does not move (P18)"),
    "overload": (measure_overload, "twice as many requests as can be carried (P19)"),
}

ONLY_BY_NAME = ("restore",)  # it takes as long as half of the others together


def options():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"figures, see --list; none: all but {' '.join(ONLY_BY_NAME)}")
    parser.add_argument("--list", action="store_true", help="says which figures there are")
    parser.add_argument("--data", default=os.path.join(harness.SOURCE, "build/bench"), help="where state lies meanwhile")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    parser.add_argument("--cases", type=int, default=300_000, help="in the register, and in what is restored")
    parser.add_argument("--deadlines", type=int, default=10_000_000, help="open ones, of `deadlines`")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in FIGURES]
    if unknown:
        parser.error(f"there is no figure {unknown[0]!r}; accepted: {' '.join(FIGURES)}")
    for name, least in (("rounds", 1), ("cases", 1000), ("deadlines", 10_000)):
        if getattr(chosen, name) < least:
            parser.error(f"--{name}: {least} or more is accepted")
    return chosen


def measure(name, folder, chosen):
    more = {"register": {"many": chosen.cases}, "restore": {"many": chosen.cases}, "deadlines": {"many": chosen.deadlines}}
    return list(FIGURES[name][0](folder, chosen.rounds, **more.get(name, {})))


def said_by(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=harness.SOURCE).stdout.strip()


def print_place(folder):
    """Where and when: without it the figures mean nothing."""
    load = os.getloadavg()[0]
    print(f"commit {said_by('git', 'describe', '--always', '--dirty')}, Linux {platform.release()}, {os.cpu_count()} cores, "
          f"load {load:.1f}, {said_by('stat', '-f', '-c', '%T', folder)}, one flush {measure_disk(folder, 0)['p50_us']:.0f} us")
    if load > 0.5:
        print("other work is running: ratios mean more than figures, and both less than on a quiet machine")


def measure_all(names, folder, chosen):
    """What was measured, and what was said by a program that could not: the other figures are still worth having."""
    rows, failed = [], []
    for name in names:
        began = time.monotonic()
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            rows += measure(name, folder, chosen)
        except (RuntimeError, AssertionError, OSError, subprocess.SubprocessError) as failure:
            failed.append(f"{name} could not be measured: {failure}")
        print(f"measuring {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return rows, failed


def main():
    chosen = options()
    if chosen.list:
        print("\n".join(f"{name:10} {what}" for name, (_, what) in FIGURES.items()))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped, and its state removed
    os.makedirs(chosen.data, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="run-", dir=chosen.data)
    os.chmod(folder, 0o711)  # PostgreSQL's user has a folder of its own in it
    try:
        print_place(folder)
        rows, failed = measure_all(dict.fromkeys(chosen.names or [name for name in FIGURES if name not in ONLY_BY_NAME]), folder, chosen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_table(rows)
    if failed:
        print("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
