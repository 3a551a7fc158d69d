"""Very many cases in the register: are list, submission and report as fast as with a thousand? The cases are copies of two, made by
fill.c with the services' own code; the state is made once per run, and used by `start`, too."""

import os

from baselines import run_program
from load import disks, http_request, load, submission, submit
from running import SERVICES, Running
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


def p50_ms(system, request):
    """One at a time over one connection."""
    return load(system, 1, QUERY_S, request)["p50_us"] / 1e3


def measure_lists(systems, rounds):
    """Of each system the p50 of each query, round by round; they flush nothing."""
    times = [{name: [] for name in QUERIES} for _ in systems]
    for _ in range(rounds):
        for system, found in zip(systems, times):
            for name, path in QUERIES.items():
                found[name].append(p50_ms(system, http_request(system, "GET", path, "renhe-coordinator")))
    return times


def measure_submissions(systems, rounds):
    times = [[] for _ in systems]
    for _ in range(rounds):
        for system, found in zip(systems, times):
            found.append(p50_ms(system, submission(system)))
            system.settle()
    return times


def measure_register(folder, rounds, many=MANY):
    title, small = f"{many:,} cases", f"{FEW:,} cases"
    for flush_ms, said in disks():
        with Running(filled(folder, FEW), flush_ms=flush_ms) as few, Running(filled(folder, many), flush_ms=flush_ms) as much:
            for system in (few, much):
                system.settle()
            grown = {name: (much.memory(name)[1] - few.memory(name)[1]) / 1e6 for name in SERVICES}
            lists = measure_lists((few, much), 0 if flush_ms else rounds)
            submissions = measure_submissions((few, much), rounds)
        if not flush_ms:
            for name, values in lists[1].items():
                yield Row(f"{title}: {name}, p50", values, "ms", lists[0][name], small, "<= 2 x", lambda _, ratio: ratio <= 2)
            most = max(grown, key=grown.get)
            yield Row(f"{title}: anonymous memory after the start beyond that with {small}, most: {most}", [grown[most]], "MB",
                      goal="P12 <= 4", holds=lambda v, _: v <= 4)
        yield Row(f"{title}: submission, p50{said}", submissions[1], "ms", submissions[0], small, "<= 2 x", lambda _, ratio: ratio <= 2)
