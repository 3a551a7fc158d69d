"""`hearback verify` on a living system: sound while everything is in motion, clear when the system is not there, and every
finding names its place. What it finds in damaged logs: tests/chaos/faults.py and tests/unit/cli."""

import json
import os
import pty
import signal
import subprocess
import time

import harness
from load import Load


def sound_under_load():
    with harness.System("--demo") as system:
        with Load(system.port, system.tokens(), seed=5, clients=4, pause_s=0.05, mails=0.2):
            for _ in range(3):
                time.sleep(1)
                done = system.run("--json", "verify", check=False)
                found = json.loads(done.stdout)
                assert done.returncode == 0 and found["sound"], json.dumps(found, indent=1, ensure_ascii=False)
        system.settle()
        found = json.loads(system.run("--json", "verify").stdout)
        assert found["sound"] and found["events"] > 500 and found["cases"] > 50, found
        text = system.run("verify").stdout
        assert f"8 logs, {found['events']} events, {found['cases']} cases: sound" in text, text
        print(f"{found['events']} events, {found['cases']} cases")


def says_what_is_missing():
    with harness.System() as system:
        pid = system.pids("watchdog")[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            done = system.run("verify", check=False)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert done.returncode == 1 and "watchdog-0 does not answer" in done.stderr and "hearback up" in done.stderr, done.stderr
        assert system.run("verify", "now", check=False).returncode == 2
        done = system.run("release", "routing", "poison/intake-0/17", check=False)
        assert done.returncode == 1 and "quarantined" in done.stderr, done.stderr
        assert "no service" in system.run("release", "router", "x", check=False).stderr


def stopped_system():
    system = harness.System()
    with system:
        pass
    done = system.run("verify", check=False)
    assert done.returncode == 1 and "there is no system" in done.stderr, done.stderr


def until(terminal, word, limit_s=60):
    """What was said on it until that word came, or it was closed."""
    said, limit = "", time.monotonic() + limit_s
    while word not in said and time.monotonic() < limit:
        try:
            said += os.read(terminal, 4096).decode(errors="replace")
        except OSError:
            break
    return said


def verified_with_a_stop(system):
    """What verify said on the terminal while analytics, the last to be asked, stood still; analytics may have been asked before."""
    terminal, inside = pty.openpty()
    verify = subprocess.Popen([system.program("hearback"), "--data", system.folder, "verify"], stdout=subprocess.PIPE, stderr=inside, text=True)
    os.close(inside)
    pid = system.pids("analytics")[0]
    said = until(terminal, "directory-0 looks at itself")
    os.kill(pid, signal.SIGSTOP)
    try:
        said += until(terminal, "asked again")
    finally:
        os.kill(pid, signal.SIGCONT)
    said += until(terminal, "events read")
    os.close(terminal)
    found = verify.communicate(timeout=60)[0]
    assert verify.returncode == 0 and "sound" in found, (found, said)
    return said


def a_busy_service_is_waited_for():
    """Who answers nothing, for longer than a connection is held to be alive, is asked again, and the terminal says so."""
    with harness.System("--demo") as system:
        system.settle()
        assert any("analytics-0 is asked again" in verified_with_a_stop(system) for _ in range(20)), "it was never stopped in time"


harness.main([sound_under_load, says_what_is_missing, stopped_system, a_busy_service_is_waited_for])
