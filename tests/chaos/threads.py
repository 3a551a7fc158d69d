"""The threads of notification (one for each mail) under the thread sanitizer, in a real system under a short load of mail.

A build of hearback-notification alone is sanitized (preset `threads`), all other processes are the release build's. Its
libraries are not: calls inside of libzmq and libcurl are left out (SUPPRESSED), so this looks at our own accesses and at the
memory that goes through libcurl, not at those libraries. First a control: without the lock that the threads share
(HEARBACK_PLANT=mail_unlocked) a race must be told. Then, whole: none."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

import harness

SANITIZED = os.path.join(os.environ.get("HEARBACK_THREADS_BIN", ""), "hearback-notification")
# A message from the bus was written by libzmq's thread, or by libsodium in it: they hand it over by means that are not seen.
SUPPRESSED = "race:libzmq.so\nrace:libsodium.so\ncalled_from_lib:libzmq.so\ncalled_from_lib:libcurl.so\n"
MAILS = 60


class SlowMail(harness.Mail):
    """Each mail takes a while, so that up to sixteen are on their way at once; every seventh is put off, every eleventh refused."""

    def __init__(self):
        super().__init__()
        keep, self.taken, self.on_their_way, self.most = self.controller.handler, 0, 0, 0

        async def handle_DATA(server, session, envelope, old=keep.handle_DATA):
            import asyncio
            self.taken += 1
            n = self.taken
            self.on_their_way += 1
            self.most = max(self.most, self.on_their_way)
            await asyncio.sleep(0.2)
            self.on_their_way -= 1
            return "451 later" if n % 7 == 0 else "550 never" if n % 11 == 0 else await old(server, session, envelope)

        keep.handle_DATA = handle_DATA


def programs(folder):
    """The release build's, but for notification; `hearback` is a copy, for it looks for the others beside itself."""
    for path in glob.glob(os.path.join(os.path.abspath(harness.PROGRAMS), "hearback*")):
        if os.path.basename(path) == "hearback":
            shutil.copy(path, folder)
        elif os.path.basename(path) != "hearback-notification":
            os.symlink(path, os.path.join(folder, os.path.basename(path)))
    os.symlink(SANITIZED, os.path.join(folder, "hearback-notification"))


def load(place, name, plant):
    """The reports of one run, as text."""
    reports = os.path.join(place, name)
    os.environ["TSAN_OPTIONS"] = f"log_path={reports} suppressions={place}/suppressed halt_on_error=0 exitcode=0"
    os.environ["HEARBACK_PLANT"] = plant
    with SlowMail() as mail, harness.System("--demo", "--smtp", mail.url) as system:
        pids = system.pids("notification")
        token = system.tokens()["reception"]
        for i in range(MAILS):
            body = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": "测试",
                    "party": {"email": f"resident{i}@example.org"}}
            assert system.http("POST", "/api/v1/cases", body, token).status == 201
        until = time.monotonic() + 120
        while mail.taken < MAILS:
            assert time.monotonic() < until, f"{mail.taken} of {MAILS} mails in two minutes"
            time.sleep(0.2)
        assert mail.most > 1, "never two at once: nothing could be found"
        if plant == "none":  # without its lock it may well crash and be started again: its reports tell enough
            assert len(pids) == 1 and system.pids("notification") == pids, "it was restarted"
        for i in range(16):  # and it ends while mails are on their way
            body["party"] = {"email": f"last{i}@example.org"}
            system.http("POST", "/api/v1/cases", body, token)
        system.stop()
        print(f"{mail.taken} mails, up to {mail.most} at once", flush=True)
    text = ""
    for path in glob.glob(f"{reports}.*"):
        with open(path, errors="replace") as f:
            text += f.read()
    return text


def main():
    if not os.path.exists(SANITIZED):
        print("skipped: no sanitized build (cmake --preset threads && cmake --build --preset threads --target hearback-notification), HEARBACK_THREADS_BIN names its bin")
        return harness.SKIP
    usage = subprocess.run([SANITIZED], capture_output=True, text=True)
    if "usage" not in usage.stderr:
        print(f"skipped: the thread sanitizer does not start here: {usage.stderr[:300]}")
        return harness.SKIP
    with tempfile.TemporaryDirectory(prefix="hearback-threads-", dir=harness.memory_folder()) as place:
        with open(os.path.join(place, "suppressed"), "w") as f:
            f.write(SUPPRESSED)
        bin = os.path.join(place, "bin")
        os.mkdir(bin)
        programs(bin)
        harness.PROGRAMS = bin
        control = load(place, "control", "mail_unlocked")
        assert "data race" in control and "smtp.c" in control, f"without the lock no race was told: {control[:2000]}"
        print(f"control: {control.count('WARNING: ThreadSanitizer')} reports without the lock", flush=True)
        found = load(place, "whole", "none")
        assert "ThreadSanitizer" not in found, found[:6000]
        print("whole: no report", flush=True)
    return 0


sys.exit(main())
