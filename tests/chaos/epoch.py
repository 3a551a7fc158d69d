"""A producer that comes back from an old backup while its consumers do not: `epoch.py`. Real processes.

A system is backed up and goes on; then intake alone is put back. Restored (`hearback restore`: a new epoch), or as the bare
files of the backup lie there (the old epoch, a shorter log): whoever heard of it what it has lost stops hearing it, says why
and what to do, and takes nothing of what it says from then on. Then what the operator does about it works: all from the same
cut; or, for a service that keeps nothing of its own, its folder away."""

import json
import os
import shutil
import sys
import tempfile
import time

import harness
from checker import at_rest
from load import Ledger

CONSUMERS = ("routing", "casework", "watchdog", "escalation", "notification", "analytics")  # of intake


def submit(system, key, token):
    body = {"site": "renhe", "kind": "complaint", "category": "service", "channel": "phone", "text": {"plain": "内容"}, "place": key}
    return system.http("POST", "/api/v1/cases", body, token, {"Idempotency-Key": key})


def fill(system, name, count):
    """Cases, of which all have heard."""
    numbers = []
    for i in range(count):
        reply = submit(system, f"{name}-{i}", system.tokens()["renhe-reception"])
        assert reply.status == 201, reply
        numbers.append(reply.json()["number"])
    system.settle()
    return numbers


def whys(system, service):
    """Why this service does not hear intake any more, as its own log says it."""
    with open(os.path.join(system.folder, "log", f"{service}-0.log")) as f:
        entries = [json.loads(line) for line in f if '"feed_stopped"' in line]
    return [entry["why"] for entry in entries if entry["feed"] == "intake-0"]


def put_together(place, name, base, others):
    """A copy of the system `base`, in which some folders of data are those of other places."""
    folder = os.path.join(place, name)
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns("run", "log"))
    for service, whose in others.items():
        shutil.rmtree(os.path.join(folder, "data", f"{service}-0"))
        shutil.copytree(os.path.join(whose, "data", f"{service}-0"), os.path.join(folder, "data", f"{service}-0"))
    path = os.path.join(folder, "hearback.yaml")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace(base, folder))
    return folder


class Unready(harness.System):
    """Is up, and never ready: some of its services hear somebody no more."""

    def __init__(self, folder, services):
        super().__init__(folder=folder)
        self.services = services

    def start(self):
        shutil.rmtree(os.path.join(self.folder, "log"), ignore_errors=True)  # what counts is what is said this time
        try:
            super().start(4)
        except RuntimeError as not_ready:
            assert "not ready within" in str(not_ready), not_ready
        else:
            raise AssertionError("it became ready although its services do not fit together")
        until = time.monotonic() + 60
        while not all(whys(self, service) for service in self.services):
            assert time.monotonic() < until, {service: whys(self, service) for service in self.services}
            time.sleep(0.1)

    def ends(self):
        """Service -> (how it is, events in its log)."""
        return {one["service"]: (one["health"], one["events"]) for one in json.loads(self.run("status", "--json", check=False).stdout)
                if one["service"] in self.services}


def numbers_of(system):
    page = system.http("GET", "/api/v1/cases?site=renhe&limit=1000", token=system.tokens()["renhe-manager"]).json()
    return {row["number"] for row in page.get("rows", [])}


def at_rest_of_its_own(system):
    """Its ends, once what came due while it was down has been said."""
    def rests():
        before = system.ends()
        time.sleep(2)
        return before if system.ends() == before else None
    return harness.eventually("what came due has been said", rests, 60)


def refused(folder, why):
    """All say `why`, none takes anything of what intake says from now on, and VERIFY says to restore."""
    with Unready(folder, CONSUMERS) as system:
        before, listed = at_rest_of_its_own(system), numbers_of(system)
        for service in CONSUMERS:
            assert all(why in said for said in whys(system, service)), (service, whys(system, service))
        assert all(health == "feed_stopped" for health, _ in before.values()), before
        reply = submit(system, f"refused-{os.path.basename(folder)}", system.tokens()["renhe-reception"])
        assert reply.status == 201, reply  # intake itself is well
        time.sleep(2)
        after = system.ends()
        assert after == before, f"somebody went on with a log that is not the one it heard: {before}, then {after}"
        assert numbers_of(system) == listed
        done = system.run("--json", "verify", check=False)
        found = json.loads(done.stdout)["findings"]
        for service in CONSUMERS:
            assert done.returncode == 1 and any(one["log"] == f"{service}-0" and one["advice"] == "restore" for one in found), (service, found)
    print(f"{os.path.basename(folder)}: {len(CONSUMERS)} services say: {why}", flush=True)


def restored_together(new, before, after):
    """What they say to do: all of the same cut."""
    with harness.System(folder=new) as system:
        system.settle()
        numbers = numbers_of(system)
        assert numbers >= set(before) and not numbers & set(after), numbers
        fresh = fill(system, "fresh", 3)
        assert not set(fresh) & {*before, *after}, "a number was given a second time"
        numbers = numbers_of(system)
        at_rest(system, Ledger(), dates=False)
        return numbers


def heard_anew(place, new, ours, numbers):
    """What analytics says to do, which has nothing of its own: its folder away."""
    folder = put_together(place, "analytics", new, {"analytics": ours})
    with Unready(folder, ["analytics"]) as system:
        assert all("remove its data folder" in said for said in whys(system, "analytics")), whys(system, "analytics")
    shutil.rmtree(os.path.join(folder, "data", "analytics-0"))
    with harness.System(folder=folder) as system:
        system.settle()
        assert numbers_of(system) == numbers
        at_rest(system, Ledger(), dates=False)


def main():
    with tempfile.TemporaryDirectory(prefix="hearback-epoch-", dir=harness.memory_folder()) as place:
        target, keys, new, ours = (os.path.join(place, name) for name in ("b", "keys", "new", "ours"))
        os.mkdir(ours)
        with harness.System("--demo", folder=ours) as system:
            before = fill(system, "before", 5)
            system.run("backup", target, "--with-keys", keys)
            after = fill(system, "after", 5)
            system.stop()
            system.run("restore", target, "--keys", keys, "--data", new)
            shutil.copy(os.path.join(ours, "demo-accounts.json"), new)
        backup = os.path.join(target, next(name for name in os.listdir(target) if name.startswith("20")))
        refused(put_together(place, "restored", new, {service: ours for service in ("directory", *CONSUMERS)}),
                "the producer's log has another epoch")
        bare = put_together(place, "bare", ours, {"intake": backup})
        refused(bare, "the producer's log ends before our cursor")
        with Unready(bare, CONSUMERS) as system:
            for i in range(10):  # beyond where they were, with other events
                submit(system, f"beyond-{i}", system.tokens()["renhe-reception"])
        refused(bare, "the producer holds another event at our cursor")
        numbers = restored_together(new, before, after)
        heard_anew(place, new, ours, numbers)
        print("all restored from the same cut, and analytics heard anew: sound, no number twice", flush=True)


sys.exit(main())
