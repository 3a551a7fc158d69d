"""The main job on real input: `hearback up --input boston311-2011-08.csv --mapping boston311`, as scripts/run does it. Every row
becomes a case, the promised dates and on-time flags of the city are reproduced, a second run imports nothing twice."""

import collections
import csv
import datetime
import glob
import json
import os
import shutil
import subprocess
import tempfile
import zoneinfo

import harness

DATA = os.path.join(harness.SOURCE, "../shared/data/boston311-2011-08.csv")
COLUMNS = "external_id,case_number,kind,category,department,handler,stage,received_at,due_at,closed_at,on_time".split(",")


def once(folder, path, *options):
    """One whole run, which may fail."""
    return subprocess.run([os.path.join(harness.PROGRAMS, "hearback"), "--data", folder, "up", "--demo", "--port", str(harness.free_port()),
                           "--input", path, "--mapping", "boston311", "--once", *options],
                          capture_output=True, text=True, timeout=600)


def run_once(folder, path, export):
    """One whole run; returns its figures and what it said."""
    done = once(folder, path, "--export", export)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout), done.stderr


def read(path):
    with open(path, newline="", encoding="utf-8-sig") as f:
        return list(csv.DictReader(f))


def local(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=None) if text else None


def check_dates(rows, cases):
    """Types with 15 rows or more: the promised date within three minutes."""
    types = {}
    for row in rows:
        if row["target_dt"]:
            types.setdefault(row["type"], []).append(row)
    dated = [row for list_ in types.values() if len(list_) >= 15 for row in list_]
    good = 0
    for row in dated:
        due = local(cases[row["case_enquiry_id"]]["due_at"])
        good += due is not None and abs(due - local(row["target_dt"])) <= datetime.timedelta(minutes=3)
    share = good / len(dated)
    print(f"promised dates: {good} of {len(dated)} = {share:.2%}")
    assert share >= 0.985


def check_flags(rows, cases):
    rated = [row for row in rows if row["ontime"]]
    good = sum(cases[row["case_enquiry_id"]]["on_time"] == ("true" if row["ontime"] == "ONTIME" else "false") for row in rated)
    print(f"on-time flags: {good} of {len(rated)} = {good / len(rated):.2%}")
    assert good / len(rated) >= 0.995


def check_difference(rows, cases, kpi):
    """The city rates 4,341 and finds 642 overdue, the report 4,352 and 659: the rows in which they differ, all explained."""
    flags, differ = collections.Counter(row["ontime"] for row in rows), collections.Counter()
    for row in rows:
        case = cases[row["case_enquiry_id"]]
        if case["on_time"] != {"ONTIME": "true", "OVERDUE": "false"}.get(row["ontime"]):
            city, ours = local(row["target_dt"]), local(case["due_at"])
            date = "no date" if not city else "our date" if abs(city - ours) <= datetime.timedelta(minutes=3) else "other date"
            differ[row["ontime"], date, case["on_time"]] += 1
    assert differ == {("", "our date", "false"): 11,
                      ("ONTIME", "no date", "false"): 4, ("ONTIME", "other date", "false"): 7,
                      ("OVERDUE", "other date", "true"): 5}, differ
    assert all(local(row["closed_dt"]) > local(row["target_dt"]) for row in rows if not row["ontime"])
    assert (flags["OVERDUE"], flags["ONTIME"] + flags["OVERDUE"]) == (642, 4341), flags
    assert (kpi["total"]["overdue"], kpi["total"]["rated"]) == (642 + 11 + 4 + 7 - 5, 4341 + 11), kpi["total"]


def check_figures(kpi, cases):
    """The report agrees with a recount of the export, in total and per category."""
    def count(rows):
        return [len(rows), sum(c["on_time"] != "" for c in rows), sum(c["on_time"] == "true" for c in rows),
                sum(c["on_time"] == "false" for c in rows)]

    def said(figures):
        return [int(figures[name]) for name in ("registered", "rated", "on_time", "overdue")]

    assert said(kpi["total"]) == count(list(cases.values())), (kpi["total"], count(list(cases.values())))
    for figures in kpi["categories"]:
        assert said(figures) == count([c for c in cases.values() if c["category"] == figures["key"]]), figures["key"]
    assert sum(int(f["registered"]) for f in kpi["categories"]) == len(cases)


def said_in(folder, service):
    """Every event of a service that is not running."""
    done = subprocess.run([os.path.join(harness.PROGRAMS, "print_log"), os.path.join(folder, "data", f"{service}-0")],
                          capture_output=True, text=True, check=True)
    return [json.loads(line)["event"] for line in done.stdout.splitlines()]


def five_days_later(due):
    """The pack's second row, `+5 days`: at the end of business of that day, or of Monday."""
    day = due + datetime.timedelta(days=5)
    while day.weekday() > 4:
        day += datetime.timedelta(days=1)
    return day.replace(hour=18, minute=0, second=0)


def check_levels(folder, kpi, cases):
    """Each case that was late climbed the pack's ladder at its own times, as long as it was open, and no other did: the coordinator
    is told at the due instant, the general manager five days later. Nobody is sent a mail about what is over."""
    expected = {}
    for case in cases.values():
        due, closed = local(case["due_at"]), local(case["closed_at"])
        if due and (not closed or closed > due):
            expected[case["case_number"], 0] = (due, "boston-coordinator")
            if not closed or closed > five_days_later(due):
                expected[case["case_number"], 1] = (five_days_later(due), "boston-general-manager")
    numbers = {event["case_id"]: event["intake"]["registered"]["number"] for event in said_in(folder, "intake")
               if "registered" in event.get("intake", {})}
    zone, reached = zoneinfo.ZoneInfo("America/New_York"), {}
    for event in said_in(folder, "escalation"):
        level = event["escalation"]["reached"]  # nothing was cancelled, there is somebody to tell
        at = datetime.datetime.fromisoformat(event["occurred_at"]).astimezone(zone).replace(tzinfo=None)
        assert (numbers[event["case_id"]], level["row"]) not in reached, event
        reached[numbers[event["case_id"]], level["row"]] = (at, *level["told"])
    wrong = sorted(set(expected.items()) ^ set(reached.items()))
    assert not wrong, (len(wrong), wrong[:6])
    late = sum(row == 0 for _, row in expected)
    print(f"late: {late}, levels: {len(reached)}")
    assert int(kpi["total"]["escalated"]) == late == sum(case["on_time"] == "false" for case in cases.values())
    notices = [event["notification"]["queued"] for event in said_in(folder, "notification")]
    assert len(notices) == len(reached) and all((n["status"], n["reason"]) == ("not_sent", "history") for n in notices)


def main_job():
    folder = tempfile.mkdtemp(prefix="hearback-boston-", dir=harness.memory_folder())
    try:
        export = os.path.join(folder, "export.csv")
        kpi, said = run_once(folder, DATA, export)
        rows, listed = read(DATA), read(export)
        assert list(listed[0]) == COLUMNS, list(listed[0])
        cases = {case["external_id"]: case for case in listed}
        assert len(cases) == len(listed) == len(rows) == 4352, (len(cases), len(listed), len(rows))
        assert len({case["case_number"] for case in listed}) == len(rows)
        for row in rows:
            case = cases[row["case_enquiry_id"]]
            assert local(case["received_at"]) == local(row["open_dt"]), (row, case)
            assert local(case["closed_at"]) == local(row["closed_dt"]), (row, case)
            assert case["department"] == row["department"].lower(), (row, case)
        check_dates(rows, cases)
        check_flags(rows, cases)
        check_difference(rows, cases, kpi)
        check_figures(kpi, cases)
        check_levels(folder, kpi, cases)
        again, said = run_once(folder, DATA, export)
        assert again == kpi, (again["total"], kpi["total"])
        assert read(export) == listed
        assert "4352 known (0 differing)" in said, said
        check_changed(folder, rows, listed, again)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_changed(path, rows, external_id, **changes):
    with open(path, "w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, **changes} if row["case_enquiry_id"] == external_id else row for row in rows)


def differing(folder):
    """What the last import listed as known with other content; each import that finds any writes one file."""
    path = max(glob.glob(os.path.join(folder, "imports/differing-boston311-*.csv")))
    assert os.stat(path).st_mode & 0o777 == 0o600
    return read(path)


def check_changed(folder, rows, listed, kpi):
    """The whole file once more, one row of it changed: told with line, field, what was and what is; nothing is imported."""
    at = next(i for i, row in enumerate(rows) if i > 2000 and row["closed_dt"])
    row, path, export = rows[at], os.path.join(folder, "changed.csv"), os.path.join(folder, "changed-export.csv")
    later = str(local(row["closed_dt"]) + datetime.timedelta(days=1))
    write_changed(path, rows, row["case_enquiry_id"], closed_dt=later, department="NASA")
    again, said = run_once(folder, path, export)
    assert "4352 known (1 differing)" in said and f"changed.csv:{at + 2}: known, and differs: department" in said, said
    told = {line["field"]: line for line in differing(folder)}
    assert set(told) == {"department", "history.steps[0].occurred_ms"}, told
    for line in told.values():
        assert (line["line"], line["external_id"]) == (str(at + 2), row["case_enquiry_id"]), line
    assert (told["department"]["was"], told["department"]["now"]) == (row["department"].lower(), "nasa"), told
    times = told["history.steps[0].occurred_ms"]
    assert (local(times["was"]), local(times["now"])) == (local(row["closed_dt"]), local(later)), times
    assert again == kpi and read(export) == listed


def what_import_says():
    """Exit codes and the JSON of `hearback import`: 0 also when all is known, 3 when a known row differs; of what people
    wrote only that it differs is told."""
    rows = read(DATA)[:20]
    with harness.System() as system:
        path, external_id = os.path.join(system.folder, "rows.csv"), rows[7]["case_enquiry_id"]

        def imported(**changes):
            write_changed(path, rows, external_id, **changes)
            done = system.run("--json", "import", path, "--mapping", "boston311", check=False)
            return done.returncode, json.loads(done.stdout)

        counts = {"rows": 20, "imported": 20, "existed": 0, "differing": 0, "refused": 0}
        assert imported() == (0, counts)
        counts.update(imported=0, existed=20)
        assert imported() == (0, counts)
        counts.update(differing=1)
        assert imported(case_title="Somebody wrote this") == (3, counts)
        (line,) = differing(system.folder)
        assert (line["field"], line["was"], line["now"]) == ("text", "(sealed)", "(sealed)"), line


def beside_what_is_there():
    """Into a folder that was started before, with its samples: report and export of that run are of the mapping's site alone, and
    what was there stays."""
    folder = tempfile.mkdtemp(prefix="hearback-boston-", dir=harness.memory_folder())
    try:
        path, export = os.path.join(folder, "rows.csv"), os.path.join(folder, "export.csv")

        def registered():
            with harness.System("--demo", folder=os.path.join(folder, "data")) as system:
                system.settle()
                return int(json.loads(system.run("--json", "report", "kpi").stdout)["total"]["registered"])

        os.mkdir(os.path.join(folder, "data"))
        samples = registered()
        assert samples > 10, samples
        rows = read(DATA)[:200]
        write_changed(path, rows, "")
        kpi, said = run_once(os.path.join(folder, "data"), path, export)
        cases = {case["external_id"]: case for case in read(export)}
        assert set(cases) == {row["case_enquiry_id"] for row in rows}, (len(cases), said)
        check_figures(kpi, cases)
        assert registered() == samples + len(rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def another_file_with_bad_rows():
    """Rows that cannot be read are listed with line and reason; the others become cases; an unknown type and an unknown
    department are taken as they are."""
    folder = tempfile.mkdtemp(prefix="hearback-boston-", dir=harness.memory_folder())
    try:
        path, export = os.path.join(folder, "other.csv"), os.path.join(folder, "export.csv")
        with open(DATA, newline="", encoding="utf-8") as f:
            lines = [next(csv.reader([line])) for line in f.readlines()[:4]]
        header, row = lines[0], lines[1]

        def other(n, **changes):
            values = list(row)
            values[0] = f"9000{n}"
            for name, value in changes.items():
                values[header.index(name)] = value
            return values

        with open(path, "w", newline="", encoding="utf-8") as f:
            writer = csv.writer(f)
            writer.writerow(header)
            writer.writerow(other(1))
            writer.writerow(other(2, open_dt="yesterday"))
            writer.writerow(other(3, type="Moon Rock Removal", department="NASA"))
            writer.writerow(other(4)[:5])
            writer.writerow(other(5, closed_dt="2011-07-01 00:00:00"))  # closed before it was opened
            writer.writerow(other(6, closed_dt="", case_title='A "quoted", multi\nline title'))
            f.write('90007,"never closed\n')
        kpi, said = run_once(folder, path, export)
        cases = {case["external_id"]: case for case in read(export)}
        assert set(cases) >= {"90001", "90003", "90006"}, cases
        assert "90002" not in cases and "90004" not in cases and "90007" not in cases
        assert cases["90003"]["department"] == "nasa" and cases["90003"]["category"] == "Moon Rock Removal"
        assert cases["90003"]["due_at"] == ""
        assert cases["90006"]["closed_at"] == "" and cases["90006"]["stage"] == "open"
        (refusals,) = glob.glob(os.path.join(folder, "imports/refused-boston311-*.csv"))
        assert os.stat(refusals).st_mode & 0o777 == 0o600
        refused = read(refusals)
        assert {r["refused_line"] for r in refused} >= {"3", "5"}, refused
        assert all(r["refused_reason"] for r in refused), refused
        assert int(kpi["total"]["registered"]) == len(cases)
        assert len(cases) + len(refused) == 7, (cases, refused)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def shifted_into_winter():
    """Every time moved by 14 weeks, across the end of daylight saving and, with long limits, new years; as another
    program would have written the file: byte order mark, CRLF, every field quoted, other order of columns. Weekdays stay
    what they were and no holiday counts, so each promised date moves by the same 14 weeks of local time."""
    shift = datetime.timedelta(weeks=14)
    folder = tempfile.mkdtemp(prefix="hearback-boston-", dir=harness.memory_folder())
    try:
        path, export = os.path.join(folder, "winter.csv"), os.path.join(folder, "export.csv")
        run_once(os.path.join(folder, "summer"), DATA, export)
        summer = {case["external_id"]: case for case in read(export)}
        rows = read(DATA)
        columns = sorted(rows[0], reverse=True)
        with open(path, "w", newline="", encoding="utf-8-sig") as f:
            writer = csv.DictWriter(f, columns, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
            writer.writeheader()
            for row in rows:
                for name in ("open_dt", "target_dt", "closed_dt"):
                    row[name] = str(local(row[name]) + shift) if row[name] else ""
                writer.writerow(row)
        run_once(os.path.join(folder, "winter"), path, export)
        winter = {case["external_id"]: case for case in read(export)}
        assert len(winter) == len(rows)
        for row in rows:
            before, after = summer[row["case_enquiry_id"]], winter[row["case_enquiry_id"]]
            assert local(after["received_at"]) == local(row["open_dt"]), after
            if before["due_at"]:
                assert local(after["due_at"]) == local(before["due_at"]) + shift, (before, after)
            else:
                assert not after["due_at"], after
        check_dates(rows, winter)
        check_flags(rows, winter)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if not os.path.exists(DATA):
        print("skipped: shared/data/boston311-2011-08.csv is missing")
        raise SystemExit(harness.SKIP)
    harness.main([main_job, beside_what_is_there, what_import_says, another_file_with_bad_rows, shifted_into_winter])
