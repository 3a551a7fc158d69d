#!/usr/bin/python3
"""Deployed apart, under load: machines in network namespaces, tcp and CURVE between them. A partition is divided and its
half moved to another machine, which is cut off and let back; a partition moves to another machine; a backup taken under load
is restored. The checker holds the logs of all machines against what the clients were promised."""

import copy
import json
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../system"))
import apart  # noqa: E402
import harness  # noqa: E402
import load  # noqa: E402
from checker import at_rest  # noqa: E402
from histories import Importer  # noqa: E402

PLACES = {
    apart.HERE: ["gateway-0"],
    "front": ["directory-0", "intake-0", "routing-0"],
    "back": ["casework-0", "watchdog-0", "escalation-0"],
    "far": ["notification-0", "analytics-0"],
}


def begin(system, seed):
    return load.Load(system.port, system.tokens(), seed=seed, clients=3, pause_s=0.01, elsewhere=0.3)


def divide(system, service):
    """`service` of the machine "back", by the middle of the buckets in use; the new half goes to the machine "far". It is started
    first, while nobody knows its key, and never again: whoever was refused must be let in later. Returns the first bucket of that half."""
    used = {int(command.answer["case_id"]) >> 54 for command in system.ledger.answered("/api/v1/cases")}
    assert len(used) == 2, used
    at = sum(used) // 2 + 1
    system.machines["back"].stop(f"{service}-0")
    port = 7420 + PLACES["back"].index(f"{service}-0")
    text = system.run("split", service, "0", "--at", str(at), "--endpoint", f"tcp://{system.machines['far'].address}:{port}",
                      machine="back").stdout
    assert f"{service}-1 has {at} to 1024" in text, text
    system.move(f"{service}-1", "back", "far")
    system.hand_out_from("back")
    system.machines["far"].start(service, 1)
    system.machines["back"].start(service)
    system.restart(but=f"{service}-1")
    return at


class Probe:
    """A case at one site, which nobody but the test acts on."""

    def __init__(self, system, site, account, category):
        self.system, self.token, self.key = system, system.tokens()[account], f"probe-{site}"
        system.ledger.beside.append(load.command_id(account, self.key))
        body = {"site": site, "kind": "complaint", "category": category, "channel": "phone", "text": {"plain": "内容"},
                "party": {"name": {"plain": "来电人"}, "phone": {"plain": "021-55500999"}}}
        reply = self.post("/api/v1/cases", body)
        assert reply.status == 201, reply
        self.case, self.after = reply.json()["case_id"], reply.headers["hearback-after"]

    def post(self, path, body):
        return self.system.http("POST", path, body, self.token, {"Idempotency-Key": self.key})

    def bucket(self):
        return int(self.case) >> 54

    def dispatch(self):
        headers = {"Idempotency-Key": f"{self.key}-dispatch", "Hearback-After": self.after}
        return self.system.http("POST", f"/api/v1/cases/{self.case}/actions/dispatch", {}, self.token, headers)


class System(apart.Apart):
    def hand_out_from(self, machine):
        """The machine on which the partition was divided wrote the new configuration."""
        for name, place in self.places.items():
            source = os.path.join(self.machines[place].folder, "secrets", f"{name}.secret")
            target = os.path.join(self.here.folder, "secrets", f"{name}.secret")
            if not os.path.exists(target):
                with open(source) as f, open(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600), "w") as g:
                    g.write(f.read())
        self.hand_out(machine)


def check(system, ledger):
    checker = at_rest(system, ledger)
    print(f"  {checker.count('watchdog', 'missed')} missed dates, {len(ledger.answered())} commands answered, "
          f"{ledger.refusals} sends without an answer, {ledger.repeats} repeated: nothing lost, nothing doubled", flush=True)


def a_half_is_cut_off_and_comes_back():
    """The cases of the other half are acted on meanwhile; those of the half that is away are refused for now, not lost."""
    with System(PLACES) as system:
        with begin(system, 1) as running, Importer(system, system.operator_token()):
            system.ledger = running.ledger
            time.sleep(2)
            with system.disturbed.meanwhile():
                at = divide(system, "casework")
                system.run("wait", "ready")
            probes = [Probe(system, "haitang", "reception", "noise"), Probe(system, "renhe", "renhe-reception", "service")]
            here, there = sorted(probes, key=Probe.bucket)
            assert here.bucket() < at <= there.bucket(), (here.bucket(), at, there.bucket())
            time.sleep(2)
            with system.disturbed.meanwhile():
                system.machines["far"].cut()
                reply = here.dispatch()
                assert reply.status == 200, f"the half that is there does not answer: {reply}"
                reply = there.dispatch()
                assert reply.status == 503 and "retry-after" in reply.headers, f"of the half that was cut off: {reply}"
                time.sleep(4)
                system.machines["far"].mend()
                until = time.monotonic() + 30
                while (reply := there.dispatch()).status == 503 and time.monotonic() < until:
                    time.sleep(0.2)
            assert reply.status == 200, f"the half that came back does not answer: {reply}"
            time.sleep(2)
        check(system, running.ledger)


SILENCE_S = 10  # heartbeats every 2 s, given up after 6 s without one (bus.c)


def every_machine_is_cut_off():
    """Each in its turn, for longer than a connection is held to be alive; then one that hears the others and is not heard."""
    with System(PLACES) as system:
        with begin(system, 5) as running, Importer(system, system.operator_token()):
            system.ledger = running.ledger
            time.sleep(1)
            far = system.machines["far"]
            cuts = [(one.cut, one.mend, one) for name, one in system.machines.items() if name != apart.HERE]
            for cut, mend, machine in [*cuts, (far.mute, far.unmute, far)]:
                before = machine.connections()
                with system.disturbed.meanwhile():
                    cut()
                    time.sleep(SILENCE_S)
                    mend()
                    system.run("wait", "ready")
                after = machine.connections()
                assert before and after and not before & after, f"{machine.name}: a connection outlived the cut: {before & after} of {before}"
            time.sleep(1)
        check(system, running.ledger)


def a_partition_moves_to_another_machine():
    with System(PLACES) as system:
        with begin(system, 2) as running, Importer(system, system.operator_token()):
            system.ledger = running.ledger
            time.sleep(2)
            system.disturbed.begin()
            system.machines["back"].stop("casework-0")
            system.move("casework-0", "back", "far")
            path = os.path.join(system.here.folder, "hearback.yaml")
            with open(path) as f:
                text = f.read()
            with open(path, "w") as f:
                f.write("".join(line.replace(system.machines["back"].address, system.machines["far"].address)
                                if "service: casework" in line else line for line in text.splitlines(True)))
            system.hand_out()
            system.machines["far"].start("casework")
            system.restart()
            system.run("wait", "ready")
            system.disturbed.end()
            time.sleep(2)
        check(system, running.ledger)


def a_backup_under_load_is_restored():
    """Of a system in partitions. What was acknowledged before it began is in it; every number after it is another one."""
    with System(PLACES) as system:
        with begin(system, 3) as running, Importer(system, system.operator_token()):
            system.ledger = running.ledger
            time.sleep(2)
            with system.disturbed.meanwhile():
                divide(system, "casework")
                divide(system, "watchdog")
                system.run("wait", "ready")
            time.sleep(1)
            taken_at = time.time()
            backups, keys = os.path.join(system.root, "backups"), os.path.join(system.root, "keys")
            for machine in system.machines.values():  # epoch keys are where intake is
                if machine is not system.here:
                    shutil.copytree(os.path.join(machine.folder, "epoch-keys"), os.path.join(system.here.folder, "epoch-keys"),
                                    dirs_exist_ok=True)
            system.run("backup", backups, "--with-keys", keys)
            time.sleep(1)
        system.settle()
        system.stop()
        restored = os.path.join(system.root, "restored")
        harness.System.run(apart.Command(restored), "restore", backups, "--keys", keys)
        local(restored, system.port)
        again = harness.System(folder=restored)
        with again:
            disturbed = [*system.disturbed, (taken_at, time.time())]  # from the backup on there was none
            again.settle()
            found = json.loads(again.run("verify", "--json", check=False).stdout)
            assert found["sound"], found["findings"]
            status = json.loads(again.run("status", "--json").stdout)
            assert sum(one["service"] == "casework" for one in status) == 2, status
            with load.Load(again.port, system.tokens(), seed=4, clients=2, elsewhere=0.3) as after:
                time.sleep(2)
            kept = load.Ledger()
            for command in running.ledger.commands:
                seen = copy.copy(command)
                if command.answered_at is None or command.answered_at >= taken_at:
                    seen.status = None  # it may be there or not, but not twice
                kept.commands.append(seen)
            kept.commands += after.ledger.commands
            at_rest(again, kept, disturbed=disturbed)
        print(f"  {len(kept.answered())} commands of before the backup and after the restore: all there, once", flush=True)


def local(folder, port):
    """Endpoints of other machines become sockets here: a copy that is looked at on one machine."""
    path = os.path.join(folder, "hearback.yaml")
    with open(path) as f:
        lines = f.read().splitlines(True)
    with open(path, "w") as f:
        for line in lines:
            if "endpoint: \"tcp://" in line:
                name = line.split("service: ")[1].split(",")[0] + "-" + line.split("partition: ")[1].split(",")[0]
                before, _, rest = line.partition('endpoint: "')
                line = f'{before}endpoint: "ipc://{folder}/run/{name}.ipc{rest[rest.index(chr(34)):]}'
            f.write(line)


if __name__ == "__main__":
    apart.enter()
    names = sys.argv[1:]
    tests = [a_half_is_cut_off_and_comes_back, every_machine_is_cut_off, a_partition_moves_to_another_machine, a_backup_under_load_is_restored]
    sys.exit(harness.main([test for test in tests if not names or test.__name__ in names]))
