"""`hearback up` as whoever starts it sees it: the addresses, and keys for what was added to hearback.yaml by hand."""

import os
import re

import harness


def where_everything_is():
    with harness.System() as system:
        with open(system.output.name) as f:
            lines = f.read().splitlines()
        here = f"http://127.0.0.1:{system.port}"
        assert lines[-1] == f"ready {here}", lines  # read by programs: to the letter
        said = "\n".join(lines[:-1])
        portal = re.search(r"^门户 portal +(\S+)$", said, re.M).group(1)
        api = re.search(r"^接口 API +(\S+)", said, re.M).group(1)
        state = re.search(r"^数据 state +(.+)$", said, re.M).group(1)
        assert portal == here + "/" and api == here + "/api/v1/", said
        assert os.path.exists(os.path.join(state, "hearback.yaml")), state
        assert system.http("GET", "/").status == 200
        assert system.http("GET", "/api/v1/openapi.json").status == 200


def a_key_added_by_hand():
    with harness.System() as system:
        path = os.path.join(system.folder, "hearback.yaml")
        with open(path) as f:
            before = f.read()
        system.stop()
        with open(path, "a") as f:
            f.write("  - {name: archive, rights: [fetch]}\n")
        system.start()
        with open(path) as f:
            after = f.read()
        assert os.path.getsize(os.path.join(system.folder, "secrets", "archive.secret")) == 40
        assert re.search(r'name: "archive", public_key: "[^ ]{40}"', after), after
        assert after.startswith(before.rstrip("\n")), "everybody else keeps theirs"
        system.stop()
        unchanged = os.stat(path).st_mtime_ns
        system.start()
        assert os.stat(path).st_mtime_ns == unchanged, "written again without need"


harness.main([where_everything_is, a_key_added_by_hand])
