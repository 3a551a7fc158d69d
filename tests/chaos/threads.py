"""The threads of notification (one for each mail) and of directory (one for each password) under the thread sanitizer, in a real
system under a short load of mails and of people who sign in at once.

Builds of these two are sanitized (preset `threads`), all other processes are the release build's. Their libraries are not: calls
inside of libzmq and libcurl are left out (SUPPRESSED), so this looks at our own accesses and at the memory that goes through
libcurl, not at those libraries. First controls: without the lock that the threads share (HEARBACK_PLANT) a race must be told
where that lock is. Then, whole: none."""

import asyncio
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import harness

SANITIZED = {name: os.path.join(os.environ.get("HEARBACK_THREADS_BIN", ""), f"hearback-{name}") for name in ("notification", "directory")}
CONTROLS = {"mail_unlocked": "smtp.c", "beside_unlocked": "main.c"}  # what is planted -> where the race is
# A message from the bus was written by libzmq's thread, or by libsodium in it: they hand it over by means that are not seen.
SUPPRESSED = "race:libzmq.so\nrace:libsodium.so\ncalled_from_lib:libzmq.so\ncalled_from_lib:libcurl.so\n"
MAILS = 60
PEOPLE = 8  # who sign in at once, three times each


class SlowMail(harness.Mail):
    """Each mail takes a while, so that up to sixteen are on their way at once; every seventh is put off, every eleventh refused."""

    def __init__(self):
        super().__init__()
        keep, self.taken, self.on_their_way, self.most = self.controller.handler, 0, 0, 0

        async def handle_DATA(server, session, envelope, old=keep.handle_DATA):
            self.taken += 1
            n = self.taken
            self.on_their_way += 1
            self.most = max(self.most, self.on_their_way)
            await asyncio.sleep(0.2)
            self.on_their_way -= 1
            return "451 later" if n % 7 == 0 else "550 never" if n % 11 == 0 else await old(server, session, envelope)

        keep.handle_DATA = handle_DATA


def programs(folder):
    """The release build's, but for the sanitized ones; `hearback` is a copy, for it looks for the others beside itself."""
    for path in glob.glob(os.path.join(os.path.abspath(harness.PROGRAMS), "hearback*")):
        name = os.path.basename(path)
        if name == "hearback":
            shutil.copy(path, folder)
        else:
            os.symlink(SANITIZED.get(name.removeprefix("hearback-"), path), os.path.join(folder, name))


def sign_in(system, whole):
    """Several at once; each password is looked at by a thread of its own. Without its lock directory may lose one, or crash."""
    done = []

    def one(account, password):
        for _ in range(3):
            try:
                done.append(system.http("POST", "/api/v1/session", {"account": account, "password": password}).status)
            except OSError:
                done.append(0)

    people = [threading.Thread(target=one, args=person) for person in list(system.passwords().items())[:PEOPLE]]
    for person in people:
        person.start()
    for person in people:
        person.join()
    # 503: more at once than are looked at
    assert not whole or (set(done) <= {200, 503} and done.count(200) > PEOPLE), done


def send(system, mail, count):
    token = system.tokens()["reception"]
    for i in range(count):
        body = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": "测试",
                "party": {"email": f"resident{i}@example.org"}}
        assert system.http("POST", "/api/v1/cases", body, token).status == 201
    until = time.monotonic() + 120
    while mail.taken < count:
        assert time.monotonic() < until, f"{mail.taken} of {count} mails in two minutes"
        time.sleep(0.2)
    assert mail.most > 1, "never two at once: nothing could be found"
    for i in range(16):  # and it ends while mails are on their way
        body["party"] = {"email": f"last{i}@example.org"}
        system.http("POST", "/api/v1/cases", body, token)
    print(f"{mail.taken} mails, up to {mail.most} at once", flush=True)


def load(place, plant):
    """The reports of one run, as text. Without a lock a service may well crash and be started again: its reports tell enough."""
    reports, whole = os.path.join(place, plant), plant == "none"
    os.environ["TSAN_OPTIONS"] = f"log_path={reports} suppressions={place}/suppressed halt_on_error=0 exitcode=0"
    os.environ["HEARBACK_PLANT"] = plant
    with SlowMail() as mail, harness.System("--demo", "--smtp", mail.url) as system:
        pids = {name: system.pids(name) for name in SANITIZED}
        if plant != "mail_unlocked":
            sign_in(system, whole)
        if plant != "beside_unlocked":
            send(system, mail, MAILS)
        assert not whole or {name: system.pids(name) for name in SANITIZED} == pids, "somebody was restarted"
        system.stop()
    text = ""
    for path in glob.glob(f"{reports}.*"):
        with open(path, errors="replace") as f:
            text += f.read()
    return text


def main():
    if not all(os.path.exists(path) for path in SANITIZED.values()):
        print("skipped: no sanitized build (cmake --preset threads && cmake --build --preset threads --target hearback-notification "
              "hearback-directory), HEARBACK_THREADS_BIN names its bin")
        return harness.SKIP
    usage = subprocess.run([SANITIZED["notification"]], capture_output=True, text=True)
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
        for plant, where in CONTROLS.items():
            control = load(place, plant)
            assert "data race" in control and where in control, f"without the lock no race was told: {control[:2000]}"
            print(f"{plant}: {control.count('WARNING: ThreadSanitizer')} reports without the lock", flush=True)
        found = load(place, "none")
        assert "ThreadSanitizer" not in found, found[:6000]
        print("whole: no report", flush=True)
    return 0


sys.exit(main())
