"""A year of holidays comes into a running system: open clocks are judged anew, what was moved or settled is listed, also for whoever
asks the API; what is wrong with a file is told, and what was published is not changed in passing. The year is the one after that of
the machine, and made up; the dates are worked out here once more, day by day."""

import datetime
import json
import os

import harness

ZONE = datetime.timezone(datetime.timedelta(hours=8))
TODAY = datetime.datetime.now(ZONE).date()
YEAR = TODAY.year + 1
PACK = """
pack: YEARS
name: [跨年, Across the year]
extends: GEN-FRAME
calendar: local
categories: {other: {to: desk}}
kinds:
  request:
    clause: YEARS-01
    name: [请求, Request]
    stages: {open: new, closed: closed}
    stage_names: {open: [未办, Open], closed: [已办, Closed]}
    fields: {category: {name: [类别, Category], type: name}}
    steps:
      register: {clause: YEARS-01, name: [登记, Register], to: open, by: employee}
      close: {clause: YEARS-01, name: [办结, Close], from: open, to: closed, by: employee}
    route: {otherwise: {clause: YEARS-01, to: department of category}}
    clocks:
      long: {clause: YEARS-01, name: [长期, Long], main: yes, start: received_at, stop: closed, limit: LONG working days}
      longer: {clause: YEARS-01, name: [更长, Longer], start: received_at, stop: closed, limit: 700 working days}
      short: {clause: YEARS-01, name: [短期, Short], start: received_at, stop: closed, limit: 1 h}
  sanction:
    clause: YEARS-01
    name: [处分, Sanction]
    stages: {open: new, closed: closed}
    stage_names: {open: [未办, Open], closed: [已办, Closed]}
    fields: {category: {name: [类别, Category], type: name}}
    steps:
      register: {clause: YEARS-01, name: [登记, Register], to: open, by: employee}
      close: {clause: YEARS-01, name: [办结, Close], from: open, to: closed, by: employee}
    never: {others: {clause: YEARS-01, who: anyone, except: [hr], do: see}}
    route: {otherwise: {clause: YEARS-01, to: department of category}}
    clocks:
      long: {clause: YEARS-01, name: [长期, Long], main: yes, start: received_at, stop: closed, limit: LONG working days}
"""


def weekday(day):
    while day.weekday() > 4:
        day += datetime.timedelta(days=1)
    return day


# Days off on weekdays of January and February, and a worked week-end.
OFF = sorted({weekday(datetime.date(YEAR, 1, 4) + datetime.timedelta(days=9 * n)) for n in range(5)})
WORKED = next(d for d in (datetime.date(YEAR, 3, 1) + datetime.timedelta(days=n) for n in range(7)) if d.weekday() == 5)


def holidays(off=tuple(OFF), worked=(WORKED,), year=YEAR):
    days = [{"name": "岁首", "date": str(d), "isOffDay": True} for d in off]
    days += [{"name": "岁首", "date": str(d), "isOffDay": False} for d in worked]
    return {"$schema": "x", "year": year, "papers": [], "days": sorted(days, key=lambda d: d["date"])}


def due_after(start, days, off, worked):
    """The working day `days` after the day of receipt."""
    day = start
    while days:
        day += datetime.timedelta(days=1)
        days -= day not in off and (day.weekday() < 5 or day in worked)
    return day


def working_days(start, end):
    """From the day after `start` to `end`, while no holiday is known."""
    return sum((start + datetime.timedelta(days=n)).weekday() < 5 for n in range(1, (end - start).days + 1))


def found(system):
    """A site with a calendar of its own that knows this year only."""
    week = [{"shifts": [{"from_min": 510, "to_min": 1080}]}] * 5 + [{}] * 2
    body = {"sites": [{"id": "yard", "name": {"zh": "大院", "en": "Yard"}, "zone": "Asia/Shanghai"}],
            "departments": [{"id": "desk", "site": "yard", "name": {"zh": "前台", "en": "Desk"}}],
            "people": [{"id": "lin", "name": "林", "posts": [{"post": "handler_post", "department": "desk", "site": "yard"}]},
                       {"id": "ren", "name": "任", "posts": [{"post": "hr", "department": "desk", "site": "yard"}]}],
            "accounts": [{"id": "lin", "person": "lin", "scopes": ["*"]}, {"id": "ren", "person": "ren", "scopes": ["*"]}],
            "calendars": [{"name": "local", "zone": "Asia/Shanghai", "week": week, "years": [TODAY.year]},
                          {"name": "plain", "zone": "Asia/Shanghai", "week": week, "no_holidays": True}]}
    reply = system.http("PUT", "/api/v1/organisation", body, token=system.operator_token())
    assert reply.status == 200, reply
    folder = os.path.join(system.folder, "YEARS")
    os.mkdir(folder)
    with open(os.path.join(folder, "pack.yaml"), "w", encoding="utf-8") as f:
        f.write(PACK.replace("LONG", str(working_days(TODAY, datetime.date(YEAR, 6, 15)))))
    system.run("policy", "publish", "yard", folder)
    return [system.run("token", one).stdout.strip() for one in ("lin", "ren")]


def register(system, kind="request", by=None):
    made = system.http("POST", "/api/v1/cases", {"site": "yard", "kind": kind, "category": "other"}, token=by or lin)
    assert made.status == 201, made
    return made.json()


def clocks(system, case_id):
    explained = system.http("GET", f"/api/v1/cases/{case_id}/explain", token=system.operator_token()).json()
    return {c["instance"]["clock"]: (c["due_at"], bool(c.get("provisional"))) for c in explained["clocks"]}


def write(system, content, name="year.json"):
    path = os.path.join(system.folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2))
    return path


def publish(system, content, *options, check=True):
    return system.run("--json", "calendar", "import", write(system, content), "--calendar", "local", *options, check=check)


def moved_of(done):
    return {(m["number"], m["instance"]["clock"]): m for m in json.loads(done.stdout)["moved"]}


def wrong_files_are_told():
    def told(content, *words, calendar="local", code=1):
        done = system.run("calendar", "import", write(system, content), "--calendar", calendar, check=False)
        assert done.returncode == code and all(word in done.stderr for word in words), (done.returncode, done.stderr, words)

    good = holidays()
    told('{"year": 2027,\n"days": [}', "year.json:2")
    told("external_id,opened\n1,2\n", "year.json:1")
    told({"name": "cn", "week": {}}, "holiday-cn", "year and days")
    told({"year": YEAR, "days": []}, "not published yet")
    told({"year": YEAR, "days": [{"date": f"{YEAR}-02-30", "isOffDay": True}]}, f"{YEAR}-02-30")
    told({"year": YEAR, "days": [{"date": f"{YEAR + 2}-02-03", "isOffDay": True}]}, f"{YEAR + 2}-02-03", "the file's year")
    told({"year": YEAR, "days": good["days"] + good["days"][:1]}, good["days"][0]["date"], "twice")
    told(good, "no such calendar", "local", calendar="elsewhere")
    told(good, "no holidays", calendar="plain")
    missing = system.run("calendar", "import", os.path.join(system.folder, "missing.json"), check=False)
    assert missing.returncode == 1 and "missing.json cannot be read" in missing.stderr, missing
    assert system.run("calendar", "import", check=False).returncode == 2
    path = "/api/v1/calendars/local/years"
    assert system.http("POST", path, good).status == 401
    assert system.http("POST", f"{path}?replace=perhaps", good, token=system.operator_token()).status == 400
    assert system.http("GET", "/api/v1/calendars/moved", token=system.operator_token()).status == 400
    assert clocks(system, first["case_id"]) == before, "nothing of this has changed a date"


def a_year_moves_what_is_open():
    done = publish(system, holidays())
    year, moved = json.loads(done.stdout), moved_of(done)
    assert (year["calendar"], year["year"], year["version"], year["unchanged"]) == ("local", YEAR, 2, False), year
    after = clocks(system, first["case_id"])
    expected = due_after(received, long_days, OFF, [WORKED])
    assert after["long"] == (f"{expected}T18:00:00+08:00", False), (after, expected)
    assert before["long"][1] and after["longer"][1] and after["longer"] != before["longer"], (before, after)
    changed = {clock for clock in after if after[clock] != before[clock]}
    assert set(moved) == {(n, c) for n in (first["number"], second["number"]) for c in changed}, (changed, moved)
    for (number, clock), move in moved.items():
        if number == first["number"]:
            assert (move["moved_from"], move["was_provisional"]) == before[clock], (move, before)
            assert (move["due_at"], move["provisional"]) == after[clock], (move, after)
    system.settle()
    row = system.http("GET", f"/api/v1/cases?site=yard&case_id={first['case_id']}", token=system.operator_token()).json()["rows"][0]
    assert row["due_at"] == after["long"][0] and not row["provisional"], row
    listed = system.run("calendar", "list").stdout
    assert f"version 2, Asia/Shanghai: {TODAY.year}-{YEAR}" in listed, listed


def the_same_year_again():
    again = json.loads(publish(system, holidays()).stdout)
    assert again["unchanged"] and again["version"] == 2 and again["moved"] == [], again
    text = system.run("calendar", "import", write(system, holidays()), "--calendar", "local").stdout
    assert "published so already" in text, text
    other = holidays(off=OFF[:-1] + [weekday(OFF[-1] + datetime.timedelta(days=1))])
    refused = publish(system, other, check=False)
    assert refused.returncode == 1 and "replace" in refused.stderr and str(OFF[-1]) in refused.stderr, refused
    after = clocks(system, first["case_id"])
    fewer = holidays(off=OFF[:-1])
    moved = moved_of(publish(system, fewer, "--replace"))
    assert set(moved) == {(n, c) for n in (first["number"], second["number"]) for c in ("long", "longer")}, moved
    expected = due_after(received, long_days, OFF[:-1], [WORKED])
    assert clocks(system, first["case_id"])["long"] == (f"{expected}T18:00:00+08:00", False)
    assert moved[(first["number"], "long")]["moved_from"] == after["long"][0], (moved, after)
    assert "sound" in system.run("verify").stdout


def hidden_cases_are_not_listed():
    since = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def listed(token):
        reply = system.http("GET", f"/api/v1/calendars/moved?site=yard&since={since}", token=token)
        assert reply.status == 200, reply
        return {clock["case_id"] for clock in reply.json()["clocks"]}

    open_cases = {first["case_id"], second["case_id"]}
    assert listed(ren) == open_cases | {secret["case_id"]}
    assert listed(lin) == open_cases
    assert system.http("GET", f"/api/v1/cases/{secret['case_id']}", token=lin).status == 404


if __name__ == "__main__":
    with harness.System() as system:
        lin, ren = found(system)
        first, second, closed = register(system), register(system), register(system)
        secret = register(system, "sanction", ren)
        system.settle()
        done = system.http("POST", f"/api/v1/cases/{closed['case_id']}/actions/close", {}, token=lin)
        assert done.status == 200, done
        system.settle()
        before = clocks(system, first["case_id"])
        (row,) = system.http("GET", f"/api/v1/cases?site=yard&case_id={first['case_id']}", token=system.operator_token()).json()["rows"]
        received = datetime.datetime.fromisoformat(row["received_at"]).astimezone(ZONE).date()
        long_days = working_days(received, datetime.datetime.fromisoformat(before["long"][0]).date())
        harness.main([wrong_files_are_told, a_year_moves_what_is_open, the_same_year_again, hidden_cases_are_not_listed])
