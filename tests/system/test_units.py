#!/usr/bin/python3
"""The units of scripts/systemd pass systemd's own checks, of their words and of how much they confine, for every instance that a
configuration names."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import harness


def instances():
    """As the configuration that `hearback init` writes names them."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.path.join(harness.PROGRAMS, "hearback"), "--data", os.path.join(folder, "system"), "init", "--endpoint",
                               "tcp://{service}.example.org:{port}"], capture_output=True, text=True)
        assert done.returncode == 0, done
        with open(os.path.join(folder, "system", "hearback.yaml")) as f:
            found = re.findall(r"service: (\w+), partition: (\d+)", f.read())
    assert len(found) == 9, found
    return [f"{service}-{partition}" for service, partition in found]


def faults_of(names, change=lambda text: text):
    """What systemd says of the units, as they would be on a machine with all these instances."""
    source = os.path.join(harness.SOURCE, "scripts/systemd")
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(source):
            with open(os.path.join(source, name)) as f:
                text = change(f.read().replace("/usr/bin/hearback", os.path.join(os.path.abspath(harness.PROGRAMS), "hearback")))
            for to in {name, *(name.replace("@.", f"@{instance}.") for instance in names)}:
                with open(os.path.join(folder, to), "w") as f:
                    f.write(text)
        units = [os.path.join(folder, f"hearback@{instance}.service") for instance in names]
        environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
        said = []
        mailbox = os.path.join(folder, "hearback-mailbox.service")
        for check in (["verify", *units, os.path.join(folder, "hearback.target"), mailbox],
                      ["security", "--offline=true", "--threshold=13", units[0]],  # of 100; README.md there says it
                      ["security", "--offline=true", "--threshold=14", mailbox]):
            done = subprocess.run(["systemd-analyze", *check], capture_output=True, text=True, env=environment)
            if done.returncode or done.stderr:
                said.append(f"{check[0]}: {done.returncode}: {done.stderr or done.stdout[-500:]}")
    return said


def the_units_are_sound():
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd-analyze is missing (package systemd): the units of scripts/systemd are not checked")
        sys.exit(harness.SKIP)
    names = instances()
    assert not faults_of(names), faults_of(names)
    for was, wrong in (("ProtectSystem=", "ProtectSytem="), ("hearback --data", "hearbakc --data"), ("NoNewPrivileges=true", ""),
                       ("PrivateDevices=true", ""), ("Type=notify", "Type=notfy")):
        said = faults_of(names[:1], lambda text: text.replace(was, wrong))
        assert said, f"{was!r} became {wrong!r}, and nobody saw it"


def what_may_pass_is_started_again():
    """Exit code 2 says that something must be mended first; 3, as of an address that is not up yet, may pass by itself."""
    for name in ("hearback@.service", "hearback-mailbox.service"):
        with open(os.path.join(harness.SOURCE, "scripts/systemd", name)) as f:
            settings = dict(line.strip().split("=", 1) for line in f if "=" in line and not line.startswith("#"))
        assert settings["Restart"] == "always", settings["Restart"]
        assert settings["RestartPreventExitStatus"].split() == ["2"], settings["RestartPreventExitStatus"]
        assert settings["StartLimitIntervalSec"] == "0", "systemd would give up after five starts"


if __name__ == "__main__":
    sys.exit(harness.main([what_may_pass_is_started_again, the_units_are_sound]))
