#!/usr/bin/python3
"""`hearback split`: every service but directory and the gateway is divided, under whatever has happened before; what people see
stays the same, and what the logs say is sound. A kill in the middle leaves the old system or the new one."""

import json
import os
import re
import subprocess
import sys
import time

import harness
import load

SPLIT = ("intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics")


def bucket(case_id):
    return int(case_id) >> 54


def rows(system, query=""):
    found, cursor = [], ""
    while True:
        page = system.http("GET", f"/api/v1/cases?limit=7{query}{'&cursor=' + cursor if cursor else ''}",
                           token=system.operator_token())
        assert page.status == 200, page
        page = page.json()
        found += page["rows"]
        cursor = page.get("cursor")
        if not cursor:
            return found


def seen(system):
    """What people see, all sites and each by itself."""
    token = system.operator_token()
    figures = system.http("GET", "/api/v1/reports/kpi", token=token)
    assert figures.status == 200, figures
    csv = system.http("GET", "/api/v1/cases?format=csv", token=token)
    assert csv.status == 200, csv
    figures = {name: sorted(group, key=lambda one: one["key"]) if isinstance(group, list) else group
               for name, group in figures.json().items()}
    return {"newest": rows(system), "oldest": rows(system, "&order=oldest"), "figures": figures, "csv": csv.body,
            "one": [rows(system, f"&site={site}") for site in ("haitang", "renhe")]}


def work(system, seconds, seed):
    with load.Load(system.port, system.tokens(), seed=seed, clients=3) as running:
        time.sleep(seconds)
    assert len(running.ledger.answered()) > 10
    return running.ledger


def submit(system, key):
    body = {"site": "renhe", "kind": "complaint", "category": "service", "channel": "phone", "text": {"plain": "内容"},
            "party": {"name": {"plain": "来电人"}, "phone": {"plain": "021-55500999"}}}
    reply = system.http("POST", "/api/v1/cases", body, token=system.tokens()["renhe-reception"], headers={"Idempotency-Key": key})
    assert reply.status == 201, reply
    return reply.json()


def split_all(system, partition, at):
    system.stop()
    for service in SPLIT:
        text = system.run("split", service, str(partition), "--at", str(at)).stdout
        assert f"{service}-{partition} keeps the buckets" in text, text
    system.start()


def check(system):
    system.settle()
    found = json.loads(system.run("verify", "--json", check=False).stdout)
    assert found["sound"], found
    status = json.loads(system.run("status", "--json").stdout)
    assert all(one["health"] == "ready" for one in status), status
    return {(one["service"], one.get("partition", 0)): one for one in status}


def both_sides(system):
    """A bucket between those of the demonstration's sites that have cases."""
    used = sorted({bucket(row["case_id"]) for row in rows(system)})
    assert len(used) >= 2, "the demonstration has cases in one bucket only"
    return used, (used[0] + used[-1] + 1) // 2


def everything_is_divided():
    with harness.System("--demo") as system:
        work(system, 2, 1)
        system.settle()
        used, at = both_sides(system)
        before = seen(system)
        first = submit(system, "kept-over-the-split")
        system.settle()
        before = seen(system)
        split_all(system, 0, at)
        status = check(system)
        for service in SPLIT:
            assert (status[service, 0]["buckets_to"], status[service, 1]["buckets_from"]) == (at, at), status
        now = seen(system)
        for name in before:
            assert now[name] == before[name], f"{name}: {str(before[name])[:2000]}\n{str(now[name])[:2000]}"
        # a key used before the split is the same command after it, whichever half has it
        again = submit(system, "kept-over-the-split")
        assert (again["number"], again["tracking_code"]) == (first["number"], first["tracking_code"]), (again, first)
        # sealed texts are opened by the half that has the case, and by tracking code
        for row in rows(system)[:30]:
            file = system.http("GET", f"/api/v1/cases/{row['case_id']}?purpose=split", token=system.operator_token())
            assert file.status == 200 and "unopened" not in file.json(), file
        ledger = work(system, 2, 2)
        for command in ledger.answered("/api/v1/cases"):
            found = system.http("GET", f"/api/v1/cases/{command.answer['number']}", token=system.operator_token())
            assert found.status == 200, (command.answer, found)
        check(system)
        events_of_both_halves(system, used)
        again_and_deeper(system, used)


def events_of_both_halves(system, used):
    token = system.operator_token()
    changes, after = [], "0"
    while True:
        page = system.http("GET", f"/api/v1/events?after={after}&limit=50", token=token).json()
        changes += page["changes"]
        assert re.fullmatch(r"\d+\.\d+", page["next"]), page["next"]
        if page["next"] == after:
            break
        after = page["next"]
    assert {bucket(change["case_id"]) for change in changes} == set(used), changes[:3]
    assert len({change["id"] for change in changes}) == len(changes)
    assert system.http("GET", "/api/v1/events?after=5", token=token).json()["reset"] is True  # a place of one ring


def again_and_deeper(system, used):
    """The new halves are divided in turn, and one of them not: ranges of different services need not coincide."""
    system.stop()
    at = used[-1] + 1 if used[-1] < 1023 else used[-1]
    for service in ("casework", "watchdog", "analytics"):
        system.run("split", service, "1", "--at", str(at))
    system.start()
    before = seen(system)
    work(system, 1.5, 3)
    check(system)
    assert len(seen(system)["newest"]) > len(before["newest"])


def refusals():
    with harness.System("--demo") as system:
        def refused(*arguments, code=1):
            done = system.run("split", *arguments, check=False)
            assert done.returncode == code, done
            return done.stderr + done.stdout
        assert "in use: stop casework-0 first" in refused("casework", "0", "--at", "512")
        assert "accepted: intake routing" in refused("directory", "0", "--at", "512")
        assert "names no partition 7" in refused("casework", "7", "--at", "512")
        assert "a number between" in refused("casework", "0", "--at", "1024")
        assert "hearback split SERVICE" in refused("casework", "0", code=2)
        system.stop()
        stray = os.path.join(system.folder, "data", "casework-1")
        os.makedirs(stray)
        assert "is in the way" in refused("casework", "0", "--at", "512")
        os.rmdir(stray) if not os.listdir(stray) else subprocess.run(["rm", "-r", stray], check=True)
        system.run("split", "casework", "0", "--at", "512")
        # the old configuration on the new folder is refused, and says what to do
        path = os.path.join(system.folder, "hearback.yaml")
        with open(path) as f:
            new = f.read()
        system.start()
        system.settle()
        system.stop()
        with open(path, "w") as f:
            f.write("".join(line.replace(", buckets_from: 0, buckets_to: 512", "") for line in new.splitlines(True)
                            if "partition: 1" not in line))
        done = subprocess.run([system.program("hearback-casework"), "--config", path], capture_output=True, text=True, timeout=30)
        assert done.returncode == 2 and "take the configuration that it wrote" in done.stderr, done


def a_kill_leaves_old_or_new():
    """Killed after 0, 1, 2 ... milliseconds, then ever later, until one attempt is not reached: each time the system is
    whole."""
    with harness.System("--demo") as system:
        work(system, 2, 4)
        system.settle()
        before = seen(system)
        system.stop()
        config = os.path.join(system.folder, "hearback.yaml")
        with open(config) as f:
            old = f.read()
        killed = {"old": 0, "new": 0}
        for attempt in range(300):
            wait_ms = attempt if attempt < 100 else 100 * 1.05 ** (attempt - 100)
            process = subprocess.Popen([system.program("hearback"), "--data", system.folder, "split", "intake", "0", "--at", "512"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(wait_ms / 1000)
            process.kill()
            process.wait()
            with open(config) as f:
                now = f.read()
            killed["old" if now == old else "new"] += 1
            if now != old:
                break
        assert killed["old"] and killed["new"], killed
        system.start()
        check(system)
        assert seen(system)["newest"] == before["newest"]
        # and each half, killed while it takes up its share, goes on
        system.stop()
        system.run("split", "casework", "0", "--at", "512")
        for _ in range(6):
            half = subprocess.Popen([system.program("hearback-casework"), "--config", config, "--partition", "1"],
                                    stderr=subprocess.DEVNULL)
            time.sleep(0.03)
            half.kill()
            half.wait()
        system.start()
        check(system)
        assert seen(system)["newest"] == before["newest"]
        print(f"killed: {killed}")


if __name__ == "__main__":
    sys.exit(harness.main([everything_is_divided, refusals, a_kill_leaves_old_or_new]))
