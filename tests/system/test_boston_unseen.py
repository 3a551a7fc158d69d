"""Another file of the same shape, which has not been seen. The rules of the pack are found anew, in the requests of the first
week alone and by the text of the data's README, with no code of ours: they are the pack's. So the second week is new to them,
and it is imported as other people's programs would write it; dates and flags must be reproduced in it as in the whole."""

import collections
import csv
import datetime
import os
import shutil
import tempfile

import yaml

import harness
from test_boston import DATA, check_dates, check_figures, check_flags, local, once, read, run_once

PACK = os.path.join(harness.SOURCE, "services/directory/policies/boston-311/pack.yaml")
SECOND_WEEK = "2011-08-08"
DAY = datetime.timedelta(days=1)


def next_weekday(time):
    while time.weekday() > 4:
        time += DAY
    return time


def started(time):
    """At the week-end: on Monday, at the same time; from 17:00: at 08:30 of the next weekday."""
    time = next_weekday(time)
    return next_weekday((time + DAY).replace(hour=8, minute=30, second=0)) if time.hour >= 17 else time


def due(time, unit, amount):
    if unit == "days":
        return time + amount * DAY
    time = started(time)
    for _ in range(amount):
        time = next_weekday(time + DAY)
    return time


def limits_of(row):
    """Which limits give the date that the city promised, within three minutes."""
    opened, promised = local(row["open_dt"]), local(row["target_dt"])
    days = (promised - opened).days
    first, weekdays = started(opened), 0
    while first.date() < promised.date():
        first += DAY
        weekdays += first.weekday() < 5
    return [limit for limit in (("working days", weekdays), ("days", days), ("days", days + 1))
            if limit[1] > 0 and abs(due(opened, *limit) - promised) <= datetime.timedelta(minutes=3)]


def found_in(rows):
    """For each type the limit that gives most of the dates."""
    counts = collections.defaultdict(collections.Counter)
    for row in rows:
        if row["target_dt"]:
            counts[row["type"]].update(limits_of(row))
    return {kind: max(sorted(limits), key=lambda limit, of=limits: of[limit]) for kind, limits in counts.items() if limits}


def often(rows, least):
    counts = collections.Counter(row["type"] for row in rows if row["target_dt"])
    return {kind for kind, count in counts.items() if count >= least}


def pack_limits():
    with open(PACK, encoding="utf-8") as f:
        clock = yaml.safe_load(f)["kinds"]["request"]["clocks"]["promise"]
    limits = {row["if"]["category"]: row["is"] for row in clock["limit"]}
    assert clock["if"]["category"] == list(limits), "a type stands in one of the two lists only"
    return limits


def write_otherwise(path, rows):
    """Byte order mark, CRLF, all quoted, columns in another order, without what the mapping does not read, with what it does
    not know, newest first."""
    columns = [name for name in sorted(rows[0], reverse=True) if name not in ("target_dt", "ontime", "case_status", "ward", "subject")]
    with open(path, "w", newline="", encoding="utf-8-sig") as f:
        writer = csv.DictWriter(f, ["submittedphoto", *columns, "fire_district"], quoting=csv.QUOTE_ALL, lineterminator="\r\n",
                                extrasaction="ignore", restval="7, or 8")
        writer.writeheader()
        writer.writerows(reversed(rows))


def the_second_week():
    rows = read(DATA)
    seen, unseen = [[r for r in rows if (r["open_dt"] < SECOND_WEEK) == first] for first in (True, False)]
    found, limits = found_in(seen), pack_limits()
    tried = often(unseen, 15)
    assert len(tried) > 20 and len(unseen) > 1900, (len(tried), len(unseen))
    for kind in tried:
        unit, amount = found[kind]
        assert limits[kind] == f"{amount} {unit}", (kind, found[kind], limits[kind])
    folder = tempfile.mkdtemp(prefix="hearback-boston-", dir=harness.memory_folder())
    try:
        path, export = os.path.join(folder, "second.csv"), os.path.join(folder, "export.csv")
        write_otherwise(path, unseen)
        kpi, said = run_once(os.path.join(folder, "data"), path, export)
        assert f"{len(unseen)} of {len(unseen)} rows, {len(unseen)} new, 0 known (0 differing), 0 refused" in said, said
        cases = {case["external_id"]: case for case in read(export)}
        assert set(cases) == {row["case_enquiry_id"] for row in unseen}
        check_dates(unseen, cases)
        check_flags(unseen, cases)
        check_figures(kpi, cases)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def a_column_is_missing():
    """What the mapping reads must be there: the file is refused whole, each column that is missing named."""
    folder = tempfile.mkdtemp(prefix="hearback-boston-", dir=harness.memory_folder())
    try:
        path, rows = os.path.join(folder, "short.csv"), read(DATA)[:20]
        with open(path, "w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, [name for name in rows[0] if name not in ("type", "closed_dt")], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        done = once(os.path.join(folder, "data"), path)
        assert done.returncode != 0 and not done.stdout, done
        for name in ("type", "closed_dt"):
            assert f'the file has no column "{name}", which the mapping reads' in done.stderr, done.stderr
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if not os.path.exists(DATA):
        print("skipped: shared/data/boston311-2011-08.csv is missing")
        raise SystemExit(harness.SKIP)
    harness.main([the_second_week, a_column_is_missing])
