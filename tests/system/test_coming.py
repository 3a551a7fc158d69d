"""A policy that takes effect on a later day, through API and command: listed, replaced knowingly, withdrawn, by whom; and put in force once
when its day has come, although directory was killed before and the clock went over the start of that day (package faketime)."""

import datetime
import json
import os
import signal
import sys
import tempfile

import harness

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
SITE = "school"
system = None


def noon():
    """Seconds until the next noon at the site: no day begins while the test runs. And the day after that."""
    now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
    then = now.replace(hour=12, minute=0, second=0, microsecond=0)
    then += datetime.timedelta(days=then < now)
    return int((then - now).total_seconds()), (then + datetime.timedelta(days=1)).date().isoformat()


def ask(who, method, path, body=None, status=200):
    reply = system.http(method, f"/api/v1/policies{path}", body, token=system.tokens()[who])
    assert reply.status == status, (who, method, path, reply)
    return reply.json()


def pack(name, **head):
    text = "".join(f"{key}: {value}\n" for key, value in {"pack": name, "name": "[学校, School]", "extends": "boston-311", **head}.items())
    return {"site": SITE, "packs": [name], "sources": [{"path": f"{name}/pack.yaml", "text": text}]}


def at_school():
    system.settle()
    return next(one for one in ask("admin", "GET", "")["policies"] if one["site"] == SITE)


def founded():
    site = {"id": SITE, "name": {"zh": "学校", "en": "School"}, "zone": "Asia/Shanghai"}
    assert system.http("PUT", "/api/v1/organisation", {"sites": [site]}, token=system.tokens()["admin"]).status == 200
    assert ask("admin", "POST", "", {"site": SITE, "packs": ["boston-311"]})["policy_version"] == 1


def kept_until_its_day(day):
    said = ask("admin", "POST", "", pack("SCHOOL", in_force=day))
    assert said["coming"] == {"day": day, "packs": ["SCHOOL"], "base_version": 1} and "policy_version" not in said, said
    one = at_school()
    assert one["version"] == 1 and one["coming"]["day"] == day, one
    files = ask("admin", "GET", f"/{SITE}/sources?coming=true")
    assert files["packs"] == ["SCHOOL"] and any("SCHOOL" in one["path"] for one in files["sources"])
    assert datetime.datetime.fromisoformat(files["since"]) == datetime.datetime.fromisoformat(f"{day}T00:00:00+08:00"), files["since"]
    assert ask("admin", "GET", f"/{SITE}/sources")["packs"] == ["boston-311"]
    listed = system.run("policy", "list").stdout
    assert f"from {day}" in listed and "version 1" in listed, listed


def nobody_else_may(day):
    assert ask("renhe-coordinator", "DELETE", f"/{SITE}/coming", status=403)["code"] == "not_allowed"
    assert ask("admin", "DELETE", "/nowhere/coming", status=404)["code"] == "unknown_site"
    assert ask("admin", "DELETE", "/haitang/coming", status=409)["code"] == "guard"  # a case changes it there
    assert ask("admin", "POST", "", {**pack("SCHOOL"), "coming": {"day": day}}, 422)["code"] == "bad_field"
    assert "coming" not in json.dumps(system.http("GET", "/api/v1/policies").json())


def replaced_and_withdrawn(day):
    later = {**pack("OTHER"), "from": "2099-01-01"}
    refused = ask("admin", "POST", "", later, 409)
    assert refused["code"] == "policy_coming" and day in refused["detail"], refused
    assert ask("admin", "POST", "", {**later, "replace": True})["coming"]["day"] == "2099-01-01"
    ask("admin", "DELETE", f"/{SITE}/coming")
    assert ask("admin", "DELETE", f"/{SITE}/coming", status=404)["code"] == "not_found"
    assert "coming" not in at_school()


def published_by_command(day):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "SCHOOL")
        os.mkdir(path)
        with open(os.path.join(path, "pack.yaml"), "w", encoding="utf-8") as f:
            f.write(pack("SCHOOL")["sources"][0]["text"])
        said = system.run("policy", "publish", SITE, path, "--from", day, "--operator").stdout
        first, *warnings = said.splitlines()
        assert first == f"{SITE}: takes effect on {day}", said
        assert warnings and all(line.startswith("warning: ladders.default: nobody at school holds the post ") for line in warnings), said
        system.run("policy", "withdraw", SITE, "--operator")
        assert "coming" not in at_school()
        system.run("policy", "publish", SITE, path, "--from", day, "--operator")
    assert at_school()["coming"]["day"] == day


def its_day_comes(clock, offset):
    for service in ("directory", "directory"):  # killed, and once more as soon as it is back
        pid = system.pids(service)[0]
        os.kill(pid, signal.SIGKILL)
        harness.eventually("directory is started again", lambda pid=pid: system.pids("directory") not in ([], [pid]))
    assert at_school()["version"] == 1
    set_clock(clock, f"+{offset + 86400}")
    harness.eventually("the clock is doubted", lambda: system.http("PUT", "/api/v1/organisation", {}, token=system.tokens()["admin"]).status == 503)
    assert system.http("GET", f"/api/v1/policies/{SITE}?version=2", token=system.tokens()["admin"]).status == 404, "a suspect clock put it in force"
    system.run("accept-clock")
    harness.eventually("it is in force", lambda: at_school()["version"] == 2)
    one = at_school()
    assert one["packs"] == ["SCHOOL"] and "coming" not in one, one
    os.kill(system.pids("directory")[0], signal.SIGKILL)
    assert at_school()["version"] == 2
    assert system.http("GET", f"/api/v1/policies/{SITE}?version=3", token=system.tokens()["admin"]).status == 404, "it was put in force twice"
    said = system.run("verify", check=False)
    assert said.returncode == 0, said.stdout


def set_clock(clock, offset):
    clock.seek(0)
    clock.truncate()
    clock.write(offset + "\n")
    clock.flush()


def told_in_the_audit():
    told = system.http("GET", f"/api/v1/audit?site={SITE}&what=published", token=system.tokens()["admin"]).json()["entries"]
    acts = [one["act"] for one in told]
    assert acts.count("scheduled") == 4 and acts.count("withdrawn") == 2 and acts.count("policy") == 1, acts


def test_coming():
    global system
    offset, day = noon()
    with tempfile.NamedTemporaryFile("w", prefix="hearback-clock-") as clock:
        set_clock(clock, f"+{offset}")
        os.environ.update(LD_PRELOAD=FAKETIME, FAKETIME_TIMESTAMP_FILE=clock.name, DONT_FAKE_MONOTONIC="1", FAKETIME_NO_CACHE="1")
        with harness.System("--demo") as system:
            founded()
            kept_until_its_day(day)
            nobody_else_may(day)
            replaced_and_withdrawn(day)
            published_by_command(day)
            told_in_the_audit()
            its_day_comes(clock, offset)


if __name__ == "__main__":
    if not os.path.exists(FAKETIME):
        print("skipped: package faketime is missing")
        sys.exit(harness.SKIP)
    harness.needs_a_build_without_sanitizers("libfaketime is preloaded")
    harness.main([test_coming])
