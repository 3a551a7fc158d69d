"""Very many cases in the register: are list, submission and report as fast as with a thousand? The cases are copies of two, made by
fill.c with the services' own code; the state is made once per run, and used by `start`, too."""

import os

from baselines import run_program
from load import http_request, load, submission, submit
from running import Running
from table import Row

QUERY_S = 0.4
FEW, MANY = 1000, 300_000
TIMEOUT_S = 1200
SITE = "/api/v1/cases?site=renhe"
QUERIES = {
    "list, newest 50": f"{SITE}&limit=50",
    "list, oldest 50": f"{SITE}&limit=50&order=oldest",
    "list, open ones": f"{SITE}&limit=50&phase=open",
    "list, of one department and stage": f"{SITE}&limit=50&department=patient_relations_office&stage=registered",
    "list, nothing fits: late and open": f"{SITE}&limit=50&overdue=true",
    "list, nothing fits: of somebody without cases": f"{SITE}&limit=50&handler=nobody",
    "list, by number": f"{SITE}&number=nothing-of-the-kind",
    "report": "/api/v1/reports/kpi?site=renhe",
}


def filled(folder, cases):
    """A system that is stopped, with so many cases; made once."""
    path = os.path.join(folder, f"register-{cases}")
    if os.path.exists(path):
        return path
    with Running(path, "--demo") as system:
        system.settle()
        numbers = [submit(system)["number"] for _ in range(2)]
        system.settle()
        system.run("--as", "renhe-coordinator", "case", "act", numbers[1], "settle", "explanation=当场解决")
        system.settle()
    run_program("bench_fill", path, cases, *numbers, timeout=TIMEOUT_S)
    return path


class Register:
    def __init__(self, system):
        self.system = system
        self.times = {name: [] for name in (*QUERIES, "submission")}

    def round(self):
        """p50 of each, one at a time over one connection."""
        for name, path in QUERIES.items():
            request = http_request(self.system, "GET", path, "renhe-coordinator")
            self.times[name].append(load(self.system, 1, QUERY_S, request)["p50_us"] / 1e3)
        self.times["submission"].append(load(self.system, 1, QUERY_S, submission(self.system))["p50_us"] / 1e3)
        self.system.settle()


def measure_register(folder, rounds, many=MANY):
    with Running(filled(folder, FEW)) as few, Running(filled(folder, many)) as much:
        registers = [Register(few), Register(much)]
        for _ in range(rounds):
            for register in registers:
                register.round()
    for name, values in registers[1].times.items():
        yield Row(f"{many:,} cases: {name}, p50", values, "ms", registers[0].times[name], f"{FEW:,} cases", "<= 2 x",
                  lambda _, ratio: ratio <= 2)
