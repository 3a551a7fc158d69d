"""release.py PLANTED RELEASE: no program of the release build knows of planted bugs; those of the planted build do."""

import os
import sys


def knows(path):
    with open(path, "rb") as f:
        return b"HEARBACK_PLANT" in f.read()


def main():
    planted, release = sys.argv[1:]
    programs = [name for name in sorted(os.listdir(planted)) if name.startswith("hearback")]
    missing = [name for name in programs if not os.path.exists(os.path.join(release, name))]
    if len(missing) == len(programs):
        print(f"skipped: there is no release build in {release} (scripts/test planted makes one)")
        return 77
    assert any(knows(os.path.join(planted, name)) for name in programs), "this would find nothing"
    found = [name for name in programs if name not in missing and knows(os.path.join(release, name))]
    if found:
        print(f"the release build has planted bugs: {', '.join(found)}")
        return 1
    print(f"none of {len(programs) - len(missing)} programs knows of planted bugs")
    return 0


sys.exit(main())
