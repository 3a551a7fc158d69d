"""`hearback policy whatif` on real systems: over the bus while one runs, from its stores when it does not, without the keys of
its vault; a policy that is not changed changes nothing, one edited figure the cases of that figure and no others."""

import csv
import json
import os
import shutil
import subprocess
import tempfile

import harness

DATA = os.path.join(harness.SOURCE, "../shared/data/boston311-2011-08.csv")
PACKS = os.path.join(harness.SOURCE, "services/directory/policies")


def whatif(run, *arguments, expect=0):
    done = run("--json", "policy", "whatif", "--language", "en", *arguments, check=False)
    assert done.returncode == expect, (done.returncode, done.stdout[:2000], done.stderr)
    return json.loads(done.stdout) if expect < 2 else done.stderr


def edited(folder, pack, old, new, file="pack.yaml"):
    """A copy of a shipped pack in which one thing is another."""
    copy = os.path.join(folder, pack)
    shutil.copytree(os.path.join(PACKS, pack), copy)
    path = os.path.join(copy, file)
    with open(path) as f:
        text = f.read()
    assert text.count(old) == 1, (old, text.count(old))
    with open(path, "w") as f:
        f.write(text.replace(old, new))
    return copy


def a_running_system():
    with harness.System("--demo") as system:
        tokens = system.tokens()
        system.settle()
        rows = system.http("GET", "/api/v1/cases?site=haitang", token=tokens["coordinator"]).json()["rows"]
        rows = [row for row in rows if row["department"] == "customer_service_centre" and row["kind"] != "inquiry"]
        for step in ("accept", "contact"):
            reply = system.http("POST", f"/api/v1/cases/{rows[0]['case_id']}/actions/{step}",
                                {"fields": {"contact_by": "phone"} if step == "contact" else {}, "note": "私下的话"}, tokens["coordinator"])
            assert reply.status == 200, reply
        system.settle()
        packs = {"haitang": "PROP-11", "lanhu": "PROP-11", "yunqi": "PROP-11", "renhe": "RENHE"}

        def nothing_changes(cases):
            for site, pack in packs.items():
                said = whatif(system.run, "--site", site, pack, "--since", "2020-01-01")
                assert said["cases"] and said["different"] == 0 and said["unrepeated"] == 0, said
                cases -= said["cases"]
            assert cases == 0

        nothing_changes(24)
        assert "haitang, lanhu, yunqi, renhe" in whatif(system.run, "PROP-11", "--since", "2020-01-01", expect=2)

        # The general frame's limit for accepting: every case that has this clock, at this site and no other.
        new = edited(system.folder, "RENHE", "\nposts:", "\nsettings: {accept_within: {clause: GEN-FRAME-10, value: 3 h}}\n\nposts:")
        said = whatif(system.run, "--site", "renhe", new, "--since", "2020-01-01", expect=1)
        assert said["cases"] == said["different"] == said["by"]["other_date"], said
        assert all("(accept)" in one["what"] for case in said["list"] for one in case["differences"]
                   if one["effect"] == "other_date"), said

        # Stopped, and without what opens sealed texts: the same.
        system.stop()
        shutil.rmtree(os.path.join(system.folder, "epoch-keys"))
        nothing_changes(24)


def the_boston_sample():
    if not os.path.exists(DATA):
        print("the sample is not there")
        return
    folder = tempfile.mkdtemp(prefix="hearback-test-", dir=harness.memory_folder())
    try:
        export = os.path.join(folder, "cases.csv")
        done = subprocess.run([os.path.join(harness.PROGRAMS, "hearback"), "--data", folder, "up", "--port", str(harness.free_port()),
                               "--input", DATA, "--mapping", "boston311", "--once", "--export", export],
                              capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        run = harness.System(folder=folder).run
        with open(export, newline="", encoding="utf-8") as f:
            rows = [row for row in csv.DictReader(f) if row["due_at"]]
        said = whatif(run, "boston-311", "--since", "2011-01-01")
        assert said["cases"] > 4000 and said["different"] == 0 and said["unrepeated"] == 0, said

        # One category's limit: its cases and no others, those of the days before the date left out.
        new = edited(folder, "boston-311", '{if: {category: "Abandoned Vehicles"}, is: 20 working days}',
                     '{if: {category: "Abandoned Vehicles"}, is: 3 working days}')
        said = whatif(run, new, "--since", "2011-08-05", expect=1)
        wanted = {row["case_number"] for row in rows
                  if row["category"] == "Abandoned Vehicles" and row["received_at"][:10] >= "2011-08-05"}
        assert len(wanted) > 10 and {case["number"] for case in said["list"]} == wanted, said
        assert said["by"]["late"] and said["by"]["late"] + said["by"]["other_date"] == len(wanted), said["by"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


harness.main([a_running_system, the_boston_sample])
