#!/usr/bin/python3
"""The units of scripts/systemd pass systemd's own checks, of their words and of how much they confine."""

import os
import shutil
import subprocess
import sys
import tempfile

import harness


def the_units_are_sound():
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd-analyze is missing (package systemd): the units of scripts/systemd are not checked")
        sys.exit(harness.SKIP)
    source = os.path.join(harness.SOURCE, "scripts/systemd")
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(source):
            with open(os.path.join(source, name)) as f:
                text = f.read().replace("/usr/bin/hearback", os.path.join(os.path.abspath(harness.PROGRAMS), "hearback"))
            for to in [name, name.replace("@.", "@casework-0.")]:
                with open(os.path.join(folder, to), "w") as f:
                    f.write(text)
        unit = os.path.join(folder, "hearback@casework-0.service")
        environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
        for check in (["verify", unit], ["security", "--offline=true", "--threshold=20", unit]):
            done = subprocess.run(["systemd-analyze", *check], capture_output=True, text=True, env=environment)
            assert done.returncode == 0, (check, done.stdout[-2000:], done.stderr)


if __name__ == "__main__":
    sys.exit(harness.main([the_units_are_sound]))
