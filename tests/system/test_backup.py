"""Backup and restore of a living system: a cut under load, everything acknowledged before it is there afterwards, numbers are
never given twice, and a damaged backup is refused."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import harness
from load import Load


ERASED_NAME = "欧阳不复还"


def submit(system, token, key):
    reply = system.http("POST", "/api/v1/cases", {"site": "renhe", "kind": "complaint", "category": "service", "channel": "phone",
                                                  "text": {"plain": "新的"}, "place": key}, token, {"Idempotency-Key": key})
    assert reply.status == 201, reply
    return reply.json()


def cases_of(system):
    rows, cursor = {}, ""
    while True:
        page = system.http("GET", f"/api/v1/cases?site=renhe&limit=1000&cursor={cursor}", token=system.operator_token()).json()
        for row in page.get("rows", []):
            rows[row["case_id"]] = row
        cursor = page.get("cursor", "")
        if not cursor:
            return rows


def count_files(folder):
    return sum(len(files) for _, _, files in os.walk(folder))


def backup_under_load():
    with harness.System("--demo") as system, tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        target, keys = os.path.join(place, "backups"), os.path.join(place, "epoch.keys")
        tokens = system.tokens()
        erased = plant(system, tokens)
        with Load(system.port, tokens, seed=7) as load:
            time.sleep(3)
            began = time.time()
            made = json.loads(system.run("--json", "backup", target, "--with-keys", keys).stdout)
            ended = time.time()
            time.sleep(1.5)
        before = [c for c in load.ledger.answered() if c.answered_at < began]
        after = [c for c in load.ledger.answered("/api/v1/cases") if c.answered_at > ended]
        assert len(before) > 50 and len(after) > 20, (len(before), len(after))
        assert any(began < c.answered_at < ended for c in load.ledger.answered()), "no command was taken while the backup ran"
        erase(system, target, erased)
        print(f"{len(load.ledger.commands)} commands; held {made['held_ms']} ms; {made['events']} events in the backup")
        system.stop(signal.SIGKILL)
        time.sleep(0.5)
        restore_and_compare(system, target, keys, before, after, load, erased)
        refuse_damaged(system, place, target, keys)


def file_of(system, case_id):
    reply = system.http("GET", f"/api/v1/cases/{case_id}?purpose=test", token=system.tokens()["renhe-coordinator"])
    assert reply.status == 200, reply
    return reply.json()


def plant(system, tokens):
    body = {"site": "renhe", "kind": "complaint", "category": "service", "channel": "phone", "text": {"plain": "内容"},
            "party": {"name": {"plain": ERASED_NAME}}}
    reply = system.http("POST", "/api/v1/cases", body, tokens["renhe-reception"], {"Idempotency-Key": "planted"})
    assert reply.status == 201, reply
    return reply.json()["case_id"]


def erase(system, target, case_id):
    """An erasure after the backup: the key of one person's data is destroyed. The next backup notes it at the backups' place, and the
    older one does not bring it back."""
    file = file_of(system, case_id)
    assert file["party"]["name"]["plain"] == ERASED_NAME, file
    system.stop()
    home = os.path.join(system.folder, "data", "intake-0", "vault")
    (key,) = os.listdir(os.path.join(system.folder, "epoch-keys", "intake"))
    subprocess.run([os.path.join(harness.PROGRAMS, "destroy_key"), home, os.path.join(system.folder, "epoch-keys", "intake", key),
                    file["identity_key"]], check=True)
    system.start()
    (older,) = [name for name in os.listdir(target) if name.startswith("20")]
    system.run("backup", target, "--with-keys", os.path.join(os.path.dirname(target), "later.keys"))
    with open(os.path.join(target, "erasures")) as f:
        assert f.readline() == f"{int(file['identity_key']):016x}\n", "the backup noted no erasure"
    (later,) = [name for name in os.listdir(target) if name.startswith("20") and name != older]
    shutil.rmtree(os.path.join(target, later))


def restore_and_compare(system, target, keys, before, after, load, erased):
    folder = os.path.join(os.path.dirname(target), "restored")
    done = system.run("restore", target, "--data", folder, check=False)
    assert done.returncode == 1 and "--keys" in done.stderr, done.stderr  # without keys it says what is missing
    assert not os.path.exists(folder)
    old = system.folder
    system.folder = folder
    try:
        # more numbers than this load gives out in a second or two
        done = json.loads(system.run("--json", "restore", target, "--keys", keys, "--skip", "5000").stdout)
        assert done["erasures"] == 1 and done["rotated"], done
        shutil.copy(os.path.join(old, "demo-accounts.json"), folder)
        again = harness.System(folder=folder)
        with again:
            check_restored(again, before, after, load)
            check_erased(again, erased, before)
        check_unreadable(folder)
    finally:
        system.folder = old


def check_restored(again, before, after, load):
    again.settle()
    found = json.loads(again.run("--json", "verify").stdout)
    assert found["sound"], found
    rows = cases_of(again)
    for command in before:
        assert command.answer["case_id"] in rows, f"{command.path} was acknowledged before the backup and is lost"
    lost = [c for c in after if c.answer["case_id"] not in rows]
    assert lost, "nothing is lost: the test does not show what it should"
    numbers = {row["number"] for row in rows.values()} | {c.answer["number"] for c in load.ledger.answered("/api/v1/cases")}
    token = again.tokens()["renhe-reception"]
    body = {"account": "renhe-reception", "password": again.passwords()["renhe-reception"]}
    assert again.http("POST", "/api/v1/session", body).status == 200, "passwords are in the backup"
    for i in range(5):
        fresh = submit(again, token, f"fresh-{i}")
        assert fresh["number"] not in numbers, f"{fresh['number']} is given a second time"
        numbers.add(fresh["number"])
    again.settle()
    found = json.loads(again.run("--json", "verify").stdout)
    assert found["sound"] and len(found["numbers_skipped"]) == 1 and found["numbers_skipped"][0]["reason"] == "restore", found
    # a command of before the backup is known, one that was lost can be sent again under its key
    first = next(c for c in before if c.path == "/api/v1/cases")
    reply = again.http("POST", first.path, first.body, again.tokens()[first.account], {"Idempotency-Key": first.key})
    assert reply.json()["case_id"] == first.answer["case_id"] and reply.json()["repeated_command"], reply
    reply = again.http("POST", lost[0].path, lost[0].body, again.tokens()[lost[0].account], {"Idempotency-Key": lost[0].key})
    assert reply.status == 201 and reply.json()["number"] not in numbers, reply


def check_erased(again, erased, before):
    """Whose data was erased after the backup is not brought back by it; all others' is."""
    file = file_of(again, erased)
    assert "plain" not in file["party"].get("name", {}), file
    assert file["text"]["plain"] == "内容", file  # of another class, under another key
    assert file_of(again, before[-1].answer["case_id"])["party"]["name"]["plain"] == "来电人"


def check_unreadable(folder):
    """The name stands in no byte of what was restored and ran: no log, no vault, no index of words, no output."""
    words = [ERASED_NAME.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")]
    for path, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            if os.path.isfile(file):
                with open(file, "rb") as f:
                    data = f.read()
                assert not any(word in data for word in words), f"{file} holds the name of an erased person"
    assert count_files(folder) > 20, "nothing was looked through"


def refuse_erasures(system, target, keys):
    """A digit that changed would let an erased person's data come back: every bit, every cut, every missing line is refused."""
    path = os.path.join(target, "erasures")
    with open(path, "rb") as f:
        whole = f.read()
    lines = whole.splitlines(keepends=True)
    assert len(lines) == 2, whole
    wrong = [whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1:] for at in range(0, len(whole), 5)]
    wrong += [lines[0], lines[1], b"", whole[:-1], whole + b"\n", whole + lines[0]]
    for text in wrong:
        with open(path, "wb") as f:
            f.write(text)
        done = system.run("restore", target, "--keys", keys, check=False)
        assert done.returncode == 1 and f"{path} is damaged" in done.stderr, (text, done.stderr)
    with open(path, "wb") as f:
        f.write(whole)


def refuse_damaged(system, place, target, keys):
    """One flipped bit anywhere, a missing file, missing erasures: said before anything is made."""
    name = next(n for n in os.listdir(target) if n.startswith("20"))
    folder = os.path.join(place, "never")
    store = os.path.join(target, name, "data", "routing-0", "data.mdb")
    with open(store, "r+b") as f:
        f.seek(os.path.getsize(store) // 2)
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 4]))
    old, system.folder = system.folder, folder
    try:
        refuse_erasures(system, target, keys)
        done = system.run("restore", target, "--keys", keys, check=False)
        assert done.returncode == 1 and "routing-0/data.mdb" in done.stderr, done.stderr
        os.rename(os.path.join(target, "erasures"), os.path.join(target, "elsewhere"))
        done = system.run("restore", target, "--keys", keys, check=False)
        assert done.returncode == 1 and "erasures" in done.stderr, done.stderr
        os.remove(os.path.join(target, name, "manifest.json"))
        done = system.run("restore", target, "--keys", keys, check=False)
        assert done.returncode == 1 and "manifest.json" in done.stderr, done.stderr
        assert not os.path.exists(folder)
    finally:
        system.folder = old


def backup_is_refused_clearly():
    with harness.System() as system, tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        target = os.path.join(place, "backups")
        done = system.run("backup", target, "--with-keys", os.path.join(target, "keys"), check=False)
        assert done.returncode == 1 and "lies within" in done.stderr, done.stderr
        pid = system.pids("routing")[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            done = system.run("backup", target, check=False)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert done.returncode == 1 and "routing does not answer" in done.stderr, done.stderr
        assert [n for n in os.listdir(target) if n.startswith("20")] == [], "a backup that failed was left"
        system.run("backup", target)  # a stopped one does not leave the others deaf
        assert len([n for n in os.listdir(target) if n.startswith("20")]) == 1


def hearback(folder, *arguments):
    return [os.path.join(harness.PROGRAMS, "hearback"), "--data", folder, *arguments]


def stopped_at_work(command, folder):
    """A restore that stands still (SIGSTOP) while its mark is there; None when it was over before."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.nice(19))
    while not os.path.exists(os.path.join(folder, "restoring")) and process.poll() is None:
        pass
    process.send_signal(signal.SIGSTOP)
    if process.poll() is None and os.path.exists(os.path.join(folder, "restoring")):
        return process
    process.send_signal(signal.SIGCONT)
    assert process.wait(60) == 0
    return None


def files_of(folder):
    return {os.path.join(path, name) for path, _, names in os.walk(folder) for name in names}


def one_restore_at_a_time():
    """The mark of one that is at work looks like that of one that was cut off: the second must not clear it away. And with the mark no command takes what
    is there for a system."""
    with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        backup, keys = os.path.join(place, "backups"), os.path.join(place, "keys")
        with harness.System() as system:
            system.run("backup", backup, "--with-keys", keys)
        for n in range(20):  # one may be too quick to be caught
            folder = os.path.join(place, f"restored-{n}")
            process = stopped_at_work(hearback(folder, "restore", backup, "--keys", keys), folder)
            if process:
                break
        assert process, "no restore could be stopped at work"
        before = files_of(folder)
        for command in (("restore", backup, "--keys", keys), ("up", "--once"), ("init", "--endpoint", "tcp://127.0.0.1:{port}")):
            done = subprocess.run(hearback(folder, *command), capture_output=True, text=True, timeout=60)
            assert done.returncode == 1 and "is in use" in done.stderr, (command, done)
        assert files_of(folder) == before, "what a restore at work had made was removed"
        process.send_signal(signal.SIGCONT)
        assert process.wait(60) == 0
        marked_is_no_system(folder)
        again = subprocess.run(hearback(folder, "restore", backup, "--keys", keys), capture_output=True, text=True, timeout=60)
        assert again.returncode == 0 and "the system of" in again.stdout, again  # cut off, by its mark: it begins anew
        again = subprocess.run(hearback(folder, "restore", backup, "--keys", keys), capture_output=True, text=True, timeout=60)
        assert again.returncode == 1 and "is not empty" in again.stderr, again
        with harness.System(folder=folder) as restored:
            assert "sound" in restored.run("verify").stdout
        other = os.path.join(place, "other")
        os.mkdir(other)
        open(os.path.join(other, "restoring.txt"), "w").close()  # somebody's, not the mark
        done = subprocess.run(hearback(other, "restore", backup, "--keys", keys), capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "is not empty" in done.stderr, done


def marked_is_no_system(folder):
    assert os.path.exists(os.path.join(folder, "hearback.yaml"))
    open(os.path.join(folder, "restoring"), "w").close()
    for command, code in ((("run", "casework"), 2), (("health", "casework"), 1), (("split", "casework", "0", "--at", "5"), 1), (("status",), 1),
                          (("up", "--once"), 1)):
        done = subprocess.run(hearback(folder, *command), capture_output=True, text=True, timeout=60)
        assert done.returncode == code and "was cut off" in done.stderr, (command, done)


def one_init_at_a_time():
    """Two that make keys at once would each write what the other's file does not say."""
    with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as folder:
        command = hearback(folder, "init", "--endpoint", "tcp://127.0.0.1:{port}")
        with open(os.path.join(folder, "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert done.returncode == 1 and "is in use" in done.stderr, done
        assert os.listdir(folder) == ["lock"], os.listdir(folder)
        several = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
        said = [one.communicate(timeout=60) for one in several]
        assert sorted(one.returncode for one in several) == [0, 1, 1, 1], said


harness.main([backup_under_load, backup_is_refused_clearly, one_restore_at_a_time, one_init_at_a_time])
