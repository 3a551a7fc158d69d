"""Faults one by one, each as design.md 9 promises: a service that hangs, a full disk, a damaged log, a clock that jumps.
`faults.py [STORY...] [--cycles=N]`"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import harness
from checker import at_rest, read_log
from harness import eventually
from histories import Importer
from load import Load, command_id

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
CYCLES = next((int(a.split("=")[1]) for a in sys.argv if a.startswith("--cycles=")), 5)  # of a disk that is full, and freed
skipped = []


def submission(key):
    return {"site": "renhe", "kind": "inquiry", "category": "service", "channel": "phone", "text": {"plain": "内容"}, "place": key}


def submit(system, token, key, timeout=15):
    return system.http("POST", "/api/v1/cases", submission(key), token, {"Idempotency-Key": key}, timeout)


def assert_refused_for_now(reply, code=None):
    """503 (or 507), with a reason and when to come again."""
    assert reply.status in (503, 507), reply
    assert int(reply.headers.get("retry-after", 0)) > 0, reply.headers
    problem = reply.json()
    assert problem["detail"] and problem["zh"] and problem["en"], problem
    assert code is None or problem["code"] == code, problem


def verify(system):
    system.settle()
    found = json.loads(system.run("--json", "verify", check=False).stdout)
    assert found["sound"], json.dumps(found, indent=1)


GOES_ON_LOOKS = 50  # a tenth of a second apart: five seconds of looks; a machine that is busy takes longer for each


def within_looks(what, check):
    """What was promised in seconds holds for a machine that does other things as well. Returns how long it took."""
    began = time.monotonic()
    eventually(what, check, 120, GOES_ON_LOOKS)
    return time.monotonic() - began


# ---- a service that hangs ----

def a_service_hangs():
    with harness.System("--demo") as system:
        tokens = system.tokens()
        desk, staff = tokens["renhe-reception"], tokens["renhe-coordinator"]
        case = submit(system, desk, "first").json()["case_id"]
        system.settle()
        pid = system.pids("casework")[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            accept = ("POST", f"/api/v1/cases/{case}/actions/accept", {}, staff, {"Idempotency-Key": "accept-1"})
            began = time.monotonic()
            assert_refused_for_now(system.http(*accept))
            assert time.monotonic() - began < 8, "a hanging service holds its callers up"
            # all others work on
            reply = submit(system, desk, "while it hangs")
            assert reply.status == 201, reply
            fresh = reply.json()["case_id"]
            eventually("the new case is in the list", lambda: any(
                row["case_id"] == fresh for row in
                system.http("GET", "/api/v1/cases?site=renhe", token=staff).json()["rows"]))
            assert system.http("GET", "/api/v1/reports/kpi?site=renhe", token=tokens["renhe-manager"]).status == 200
            assert_refused_for_now(system.http("GET", f"/api/v1/cases/{case}", token=staff))
            assert system.http("GET", "/healthz").status == 200
        finally:
            os.kill(pid, signal.SIGCONT)
        reply = eventually("casework answers again", lambda: (lambda r: r if r.status == 200 else None)(system.http(*accept)))
        assert reply.json()["stage"] == "accepted", reply
        assert system.http(*accept).json()["repeated_command"]
        assert system.pids("casework") == [pid], "it was restarted: a hang needs no restart"
        verify(system)


HANGS_S = 30
# All nine. Who is asked for work hangs beside those who hear of it, so that there is something that was missed.
HANG_TOGETHER = (("watchdog", "casework", "routing"), ("intake", "directory", "escalation"), ("gateway", "notification", "analytics"))


def hang(processes, names):
    stopped = [pid for name in names for pid in processes[name]]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(HANGS_S)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def services_hang_under_load():
    """Every service, three at a time, over dates that pass meanwhile: with no idea of the time they missed."""
    with harness.System("--demo") as system:
        system.settle()
        processes = {name: system.pids(name) for names in HANG_TOGETHER for name in names}
        assert all(len(pids) == 1 for pids in processes.values()), processes
        with Load(system.port, system.tokens(), seed=1, clients=3, pause_s=0.05) as load, Importer(system, system.operator_token()):
            for names in HANG_TOGETHER:
                time.sleep(1)
                with system.disturbed.meanwhile():
                    hang(processes, names)
                    done = len(load.ledger.answered())
                    eventually("commands are acknowledged again", lambda done=done: len(load.ledger.answered()) > done + 10, 60)
        system.settle()
        assert {name: system.pids(name) for name in processes} == processes, "somebody was restarted: a hang needs no restart"
        checker = at_rest(system, load.ledger)
    print(f"  {len(load.ledger.answered())} commands acknowledged, {load.ledger.refusals} refused meanwhile, "
          f"{checker.count('watchdog', 'missed')} dates missed", flush=True)


# ---- a full disk ----

def fill(folder):
    """Takes all the room there is."""
    path = os.path.join(folder, "ballast")
    with open(path, "wb", buffering=0) as f:
        for size in (1 << 20, 4096):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass
    return path


def a_full_disk():
    place = tempfile.mkdtemp(prefix="hearback-full-")
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", place]).returncode:
        os.rmdir(place)
        skipped.append("a full disk: needs root and mount, for a small file system")
        return
    try:
        with harness.Mail() as mail, harness.System("--demo", "--smtp", mail.url, folder=place) as system:
            ledger = full_and_free_again(system)
            full_from_the_start(system)
            checker = at_rest(system, ledger)
            sent, again, _ = checker.check_mails([message["Message-ID"] for message in mail.messages])
        assert not checker.findings, checker.findings[:10]
        steps = checker.count("casework", "step_taken")
        assert sent and not again and steps, (sent, again, steps)
    finally:
        subprocess.run(["umount", "-l", place])
        os.rmdir(place)


def full_and_free_again(system):
    tokens = system.tokens()
    desk, staff = tokens["renhe-reception"], tokens["renhe-coordinator"]
    known = submit(system, desk, "known").json()["case_id"]
    system.settle()
    accept = f"/api/v1/cases/{known}/actions/accept"
    assert system.http("POST", accept, {}, staff, {"Idempotency-Key": "known-accept"}).status == 200
    pids = {service: system.pids(service) for service in STORED}
    with Load(system.port, tokens, seed=3, clients=4, mails=0.1) as load, Importer(system, system.operator_token()):
        load.ledger.beside.append(command_id("renhe-coordinator", "known-accept"))

        def register(key):
            load.ledger.beside.append(command_id("renhe-reception", key))
            return submit(system, desk, key)

        def accept_again(key):  # not allowed: so it leaves nothing
            return system.http("POST", accept, {}, staff, {"Idempotency-Key": key})

        commands = {"intake": (register, 201), "casework": (accept_again, 409)}
        for cycle in range(CYCLES):
            done = len(load.ledger.answered())
            eventually("the load is at work", lambda: len(load.ledger.answered()) > done + 20, 30)
            with system.disturbed.meanwhile():
                one_cycle(system, cycle, known, staff, commands)
    assert load.ledger.refusals >= CYCLES
    assert {service: system.pids(service) for service in pids} == pids, "a full disk made a service restart"
    verify(system)
    return load.ledger


STORED = ("directory", "intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics")


def full_services(system):
    """As the services say themselves."""
    return {line.split()[0] for line in system.run("status", check=False).stdout.splitlines() if re.search(r"\bfull\b", line)}


def give_back_reserve(folder):
    """What the services took ahead lies behind the end of their files."""
    for path in (os.path.join(path, "data.mdb") for path, _, files in os.walk(os.path.join(folder, "data")) if "data.mdb" in files):
        size = os.path.getsize(path)
        subprocess.run(["fallocate", "--punch-hole", "--keep-size", "--offset", str(size), "--length", str(64 << 20), path], check=True)


def full_from_the_start(system):
    """Every service finds no room when it begins: it is full, answers questions, and goes on by itself."""
    system.stop()
    give_back_reserve(system.folder)
    ballast = fill(system.folder)
    start = threading.Thread(target=system.start)
    start.start()
    try:
        eventually("all are full", lambda: full_services(system) == set(STORED), 60)
    finally:
        os.remove(ballast)
        start.join()
    within_looks("all go on", lambda: not full_services(system))


def first_full(commands):
    """Which of them refuses for want of room, and its answer."""
    for name, (command, usual) in commands.items():
        reply = command(f"probe-{time.monotonic()}")
        if reply.status != usual:
            return name, reply
    return None


def one_cycle(system, cycle, known, staff, commands):
    began = time.monotonic()
    ballast = fill(system.folder)
    first, reply = eventually("somebody is full", lambda: first_full(commands), 120)
    assert_refused_for_now(reply, "full")
    full_after = time.monotonic() - began
    # reading goes on
    assert system.http("GET", f"/api/v1/cases/{known}", token=staff).status == 200
    assert system.http("GET", "/api/v1/cases?site=renhe", token=staff).status == 200
    full = full_services(system)
    assert first in full, full
    if cycle == 0:
        done = system.run("backup", os.path.join(system.folder, "backups"), check=False)
        assert done.returncode == 1 and ("has room for" in done.stderr or "cannot be made" in done.stderr), done.stderr
    time.sleep(1)
    os.remove(ballast)
    command, usual = commands[first]
    went_on = within_looks(f"{first} goes on by itself", lambda: command(f"after-{cycle}-{time.monotonic()}").status == usual)
    all_on = within_looks("so do all others", lambda: not full_services(system))
    print(f"  {', '.join(sorted(full))} full {full_after:.1f} s after there was no room; {went_on:.1f} s after there was some it went on, all others by "
          f"{went_on + all_on:.1f} s (promised: 5)", flush=True)


# ---- a full map ----

SMALL_MAP = {"LD_PRELOAD": os.path.abspath(os.path.join(harness.PROGRAMS, "small_map.so")),
             "HEARBACK_MAP_BYTES": str(20 << 20)}  # a turn wants 16 MiB to be free


def a_full_map():
    """Full as with a disk, until it is started with a larger map."""
    os.environ.update(SMALL_MAP)
    try:
        with harness.System("--demo") as system:
            full_and_larger_again(system)
    finally:
        for name in SMALL_MAP:
            os.environ.pop(name, None)


def full_and_larger_again(system):
    tokens = system.tokens()
    known = submit(system, tokens["renhe-reception"], "known").json()["case_id"]
    pids = {service: system.pids(service) for service in STORED}
    began = time.time()  # when exactly each is full nobody knows
    with Load(system.port, tokens, seed=6, clients=4) as load:
        load.ledger.beside.append(command_id("renhe-reception", "known"))
        with Importer(system, system.operator_token()):
            eventually("a map is full", lambda: full_services(system), 60)
        eventually("commands are refused", lambda: load.ledger.refusals)
        full = full_services(system)
        assert full and system.http("GET", f"/api/v1/cases/{known}", token=tokens["renhe-coordinator"]).status == 200
        assert {service: system.pids(service) for service in STORED} == pids, "a full map made a service restart"
        system.stop()
        for name in SMALL_MAP:
            del os.environ[name]
        system.start()
        system.disturbed.append((began, time.time()))
        done = len(load.ledger.answered())
        eventually("it goes on", lambda: len(load.ledger.answered()) > done + 20, 60)
    assert not full_services(system)
    at_rest(system, load.ledger)
    print(f"  {', '.join(sorted(full))} full; {len(load.ledger.answered())} commands acknowledged, {load.ledger.refusals} refused meanwhile",
          flush=True)


# ---- a damaged log ----

def damage(folder, service, offset):
    """Flips one bit in the middle of an event, wherever the file has it."""
    log = read_log(folder, service)
    stored = base64.b64decode(log[offset - 1]["stored"])
    path = os.path.join(folder, "data", f"{service}-0", "data.mdb")
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at, found = data.find(stored), 0
    while at >= 0:
        data[at + len(stored) // 2] ^= 16
        found += 1
        at = data.find(stored, at + 1)
    assert found, "the event is not in the file"
    with open(path, "wb") as f:
        f.write(data)
    return len(log)


def a_damaged_log():
    with harness.System("--demo") as system:
        with Load(system.port, system.tokens(), seed=4, clients=4):
            time.sleep(3)
        system.settle()
        with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
            system.run("backup", os.path.join(place, "b"), "--with-keys", os.path.join(place, "keys"))
            system.stop()
            copy = os.path.join(place, "damaged")
            shutil.copytree(system.folder, copy, ignore=shutil.ignore_patterns("run"))
            denies_itself_alone(system, cases_with_steps(system))
            refuses_to_start(system.folder)
            found_by_verify(system, copy)
            restored = os.path.join(place, "restored")
            subprocess.run([system.program("hearback"), "--data", restored, "restore", os.path.join(place, "b"), "--keys",
                            os.path.join(place, "keys")], check=True, capture_output=True)
            with harness.System(folder=restored) as again:
                verify(again)
        system.process = None


def cases_with_steps(system):
    """Two of one site."""
    events = [line["event"] for line in read_log(system.folder, "casework")]
    return list(dict.fromkeys(e["case_id"] for e in events if e["site"] == "renhe" and e["casework"].get("step_taken")))[:2]


def denies_itself_alone(system, cases):
    """A flipped bit in one row: who needs it is refused and told which it is, twice; the service and all others work on."""
    damaged, sound = cases
    flip = [system.program("flip"), os.path.join(system.folder, "data", "casework-0"), "7", "s_case", f"{int(damaged):016x}"]
    place = f"table s_case at key {int(damaged):016x}"
    subprocess.run(flip, check=True, capture_output=True)
    with harness.System(folder=system.folder) as again:
        tokens = again.tokens()
        staff = tokens["renhe-coordinator"]
        pids = again.pids("casework")
        for number in range(2):
            for reply in (again.http("GET", f"/api/v1/cases/{damaged}", token=staff),
                          again.http("POST", f"/api/v1/cases/{damaged}/actions/amend", {}, staff,
                                     {"Idempotency-Key": f"damaged-{number}"})):
                problem = reply.json()
                assert reply.status == 500 and problem["code"] == "damaged", reply
                assert "casework: " in problem["en"] and place in problem["en"] and place in problem["zh"], problem
        assert again.http("GET", f"/api/v1/cases/{sound}", token=staff).status == 200
        reply = submit(again, tokens["renhe-reception"], "beside a damaged row")
        assert reply.status == 201, reply
        accept = ("POST", f"/api/v1/cases/{reply.json()['case_id']}/actions/accept", {}, staff, {"Idempotency-Key": "beside"})
        eventually("a step beside it", lambda: again.http(*accept).status == 200)
        assert again.pids("casework") == pids, "one damaged row ended the service"
        with open(os.path.join(again.folder, "log", "casework-0.log")) as f:
            told = [line for line in f if '"event":"damaged"' in line]
        assert len(told) == 1 and place in told[0], told
    subprocess.run(flip, check=True, capture_output=True)  # the same bit again: as it was


def refuses_to_start(folder):
    """Near the end of the log: seen at once, named, and the supervisor says how to go on."""
    end = damage(folder, "casework", len(read_log(folder, "casework")) - 5)
    system = harness.System(folder=folder)
    try:
        system.start(30)
    except RuntimeError as refusal:
        said = str(refusal)
        assert re.search(rf"\boffset {end - 5}\b", said), said
        assert "casework" in said and "hearback restore" in said, said
    else:
        system.stop()
        raise AssertionError("a service started on a damaged log")


def found_by_verify(system, folder):
    """Long ago in the log: found by verify, which names the place."""
    damage(system.folder, "directory", 1)  # so that nobody can start the first one by mistake
    rename = os.path.join(folder, "hearback.yaml")
    with open(rename) as f:
        text = f.read().replace(system.folder, folder)
    with open(rename, "w") as f:
        f.write(text)
    os.mkdir(os.path.join(folder, "run"))
    damage(folder, "watchdog", 20)
    with harness.System(folder=folder) as again:
        done = again.run("--json", "verify", check=False)
        found = json.loads(done.stdout)
        assert done.returncode == 1 and not found["sound"]
        assert any(f["log"] == "watchdog-0" and f["offset"] == 20 and f["code"] == "chain" and f["advice"] == "restore"
                   for f in found["findings"]), found


# ---- a clock that jumps ----

def a_clock_that_jumps():
    if not os.path.exists(FAKETIME):
        skipped.append("a clock that jumps: package faketime is missing")
        return
    with tempfile.NamedTemporaryFile("w", prefix="hearback-clock-") as clock:
        set_clock(clock, "+0")
        os.environ.update(LD_PRELOAD=FAKETIME, FAKETIME_TIMESTAMP_FILE=clock.name, DONT_FAKE_MONOTONIC="1", FAKETIME_NO_CACHE="1")
        try:
            with harness.System("--demo") as system:
                clock_jumps(system, clock)
        finally:
            for name in ("LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE", "DONT_FAKE_MONOTONIC", "FAKETIME_NO_CACHE"):
                del os.environ[name]


def set_clock(clock, offset):
    clock.seek(0)
    clock.truncate()
    clock.write(offset + "\n")
    clock.flush()


def missed(system):
    return [e for e in (line["event"] for line in read_log(system.folder, "watchdog")) if "missed" in e["watchdog"]]


def clock_jumps(system, clock):
    tokens = system.tokens()
    desk, staff = tokens["renhe-reception"], tokens["renhe-coordinator"]
    case = submit(system, desk, "before").json()["case_id"]
    system.settle()
    set_clock(clock, "+6h")  # more than the four hours to accept a case
    reply = eventually("the clock is doubted", lambda: (lambda r: r if r.status == 503 else None)(submit(system, desk, "jumped")))
    assert_refused_for_now(reply, "clock_suspect")
    assert system.http("GET", f"/api/v1/cases/{case}", token=staff).status == 200  # reading goes on
    assert "clock_suspect" in system.run("status", check=False).stdout
    time.sleep(3)
    assert missed(system) == [], "a suspect clock fired a deadline"
    set_clock(clock, "+0")
    eventually("the time is back", lambda: submit(system, desk, "back").status == 201)
    system.settle()
    assert missed(system) == []
    set_clock(clock, "+6h")
    eventually("the clock is doubted again", lambda: submit(system, desk, "again").status == 503)
    said = system.run("accept-clock").stdout
    assert said.count("accepts the clock") == 8, said
    eventually("it goes on", lambda: submit(system, desk, "accepted").status == 201)
    eventually("what is due is missed now", lambda: len(missed(system)) > 0)
    verify(system)
    keys = [(e["case_id"], e["watchdog"]["missed"]["instance"]["clock"]) for e in missed(system)]
    assert len(keys) == len(set(keys)), "a deadline was missed twice"


if __name__ == "__main__":
    tests = [a_service_hangs, services_hang_under_load, a_full_disk, a_full_map, a_damaged_log, a_clock_that_jumps]
    asked = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    harness.main([test for test in tests if not asked or test.__name__ in asked])
    for text in skipped:
        print("skipped:", text)
    if skipped:
        sys.exit(harness.SKIP)
