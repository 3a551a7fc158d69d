"""What a figure is compared with, measured in the same run: the disk and the bus without us."""

import json
import os
import shutil
import subprocess
import tempfile

import harness
from running import on_disk

SECONDS = 0.5


def run_program(name, *arguments, timeout=120, **options):
    """One line of JSON per line of output. The programs are built with the tests."""
    done = subprocess.run([os.path.join(harness.PROGRAMS, name), *map(str, arguments)], capture_output=True, timeout=timeout, **options)
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def measure_disk(folder, batch, flush_ms=0):
    """Raw LMDB group commits of so many events, with its flush, where the system's state lies; 0: one page and a flush."""
    path = os.path.join(folder, "disk")
    try:
        return run_program("bench_disk_baseline", path, batch, SECONDS, env=on_disk(flush_ms))[0]
    finally:
        shutil.rmtree(path, ignore_errors=True)


def measure_bus():
    """Raw ZeroMQ round trips with CURVE; the socket lies where a path is short enough for one."""
    with tempfile.TemporaryDirectory(prefix="hearback-bench-") as path:
        return run_program("bench_bus_baseline", os.path.join(path, "socket"), SECONDS)[0]
