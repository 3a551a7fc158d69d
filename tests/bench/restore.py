"""A lost machine: how long until the system of a backup is ready, with very many cases. Measured once, for it takes minutes."""

import os
import subprocess
import time

from register import MANY, TIMEOUT_S, filled
from running import Running
from table import Row

GOAL_OF = 1_000_000  # cases: of fewer it says nothing


def measure_restore(folder, _, many=MANY):
    backup, keys, new = (os.path.join(folder, name) for name in ("backup", "keys", "restored"))
    with Running(filled(folder, many)) as system:
        system.settle()
        began = time.monotonic()
        system.run("backup", backup, "--with-keys", keys, timeout=TIMEOUT_S)
        backup_s = time.monotonic() - began
        command = [system.program("hearback"), "--data", new, "restore", backup, "--keys", keys]
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)
    restore_s = time.monotonic() - began
    bytes_in_all = sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(backup) for name in names)
    with Running(new) as system:
        ready_s = system.started_s
        system.settle()
    title = f"{many:,} cases"
    yield Row(f"{title}: backup", [backup_s], "s")
    yield Row(f"{title}: its size", [bytes_in_all / 1e9], "GB")
    yield Row(f"{title}: restore", [restore_s], "s")
    yield Row(f"{title}: first start until ready", [ready_s], "s")
    goal = {"goal": "<= 900", "holds": lambda v, _: v <= 900} if many >= GOAL_OF else {}
    yield Row(f"{title}: restore until ready (RTO)", [restore_s + ready_s], "s", **goal)
