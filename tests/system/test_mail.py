"""Mail to a server that wants a login, and mail that does not arrive: signed in with the password of the file, which is told
to nobody and never leaves the machine in the clear; what fails for good stands on its case."""

import os
import time

import harness

PASSWORD = "korrekt-Pferd-ä"


def configure(system, url, password):
    """As an operator would: stop, edit hearback.yaml, start."""
    path = os.path.join(system.folder, "hearback.yaml")
    system.stop()
    secret = os.path.join(system.folder, "mail-password")
    with open(secret, "w") as f:
        f.write(password + "\n")
    with open(path) as f:
        text = f.read()
    changed = text.replace('user: "", password_file: ""', f'user: "desk", password_file: "{secret}"')
    assert changed != text, text
    with open(path, "w") as f:
        f.write(changed)
    system.options = ("--demo", "--smtp", url)
    system.start()


def submit(system, email, category="noise"):
    body = {"site": "haitang", "kind": "complaint", "category": category, "channel": "phone", "text": "测试",
            "party": {"email": email}}
    reply = system.http("POST", "/api/v1/cases", body, system.tokens()["reception"])
    assert reply.status == 201, reply
    return reply.json()["case_id"]


def notices(system, case_id):
    reply = system.http("GET", f"/api/v1/cases/{case_id}/explain", token=system.tokens()["coordinator"])
    assert reply.status == 200, reply
    return [n for n in reply.json().get("notices", []) if n["notice"].get("complainant")]


def wait_for(what, seen, timeout_s=20):
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(seen())


def password_nowhere(system):
    for folder, _, names in os.walk(os.path.join(system.folder, "log")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                assert PASSWORD.encode() not in f.read(), name
    with open(os.path.join(system.folder, "hearback.yaml"), "rb") as f:
        assert PASSWORD.encode() not in f.read()


def signed_in():
    with harness.Mail(login=("desk", PASSWORD)) as mail, harness.System() as system:
        configure(system, mail.url, PASSWORD)
        case_id = submit(system, "sun.yue@example.org")
        mail.wait(lambda m: m["To"] == "<sun.yue@example.org>")
        assert set(mail.logins) == {("desk", PASSWORD)}, mail.logins
        wait_for(lambda: [n for n in notices(system, case_id) if n["status"] == "delivered"], lambda: notices(system, case_id))
        password_nowhere(system)


def not_let_in():
    """A wrong password is the operator's to mend: the mail waits meanwhile."""
    with harness.Mail(login=("desk", "another")) as mail, harness.System() as system:
        configure(system, mail.url, PASSWORD)
        case_id = submit(system, "sun.yue@example.org")
        tried = wait_for(lambda: [n for n in notices(system, case_id) if n.get("attempts")], lambda: notices(system, case_id))
        assert tried[0]["status"] == "queued" and tried[0]["error"].startswith("451 "), tried
        assert ("desk", PASSWORD) in mail.logins and not mail.messages
        password_nowhere(system)


def not_in_the_clear():
    """0.0.0.0 reaches this machine as well, but says nothing of it: as good as any other host."""
    with harness.Mail(login=("desk", PASSWORD)) as mail, harness.System() as system:
        configure(system, f"smtp://0.0.0.0:{mail.port}", PASSWORD)
        case_id = submit(system, "sun.yue@example.org")
        tried = wait_for(lambda: [n for n in notices(system, case_id) if n.get("attempts")], lambda: notices(system, case_id))
        assert tried[0]["status"] == "queued" and tried[0]["error"].startswith("451 "), tried
        assert not mail.logins and not mail.messages, mail.logins


def no_such_user():
    """Refused for good: the next channel of the policy is tried, and the proof of both is kept."""
    with harness.Mail(refused={"gone@example.org"}) as mail, harness.System("--demo", "--smtp", mail.url) as system:
        case_id = submit(system, "gone@example.org")
        both = wait_for(lambda: [n for n in notices(system, case_id)] if len(notices(system, case_id)) == 2 else None,
                        lambda: notices(system, case_id))
        first, then = both
        assert first["status"] == "failed" and first["error"].startswith("550 "), first
        assert first["notice"]["channel"] == "email" and first["attempts"] == 1, first
        assert then["notice"]["channel"] == "portal" and then["status"] == "published", then
        assert then["notice"]["after"] == first["notice"]["notice_id"], both
        token = system.tokens()["coordinator"]
        file = system.http("GET", f"/api/v1/cases/{case_id}", token=token).json()
        assert not file.get("problems"), file["problems"]
        explained = system.run("case", "show", file["number"], "--explain").stdout
        assert "by email: failed (550" in explained and "by portal: published, after the channel before failed" in explained, explained


def nobody_is_reached():
    """No channel is left: it stands on the case, with the clause of the notice, and in the lists."""
    with harness.Mail(refused={"chen.chen@example.org"}) as mail, harness.System("--demo", "--smtp", mail.url) as system:
        case_id = submit(system, "sun.yue@example.org", "hazard")
        token = system.tokens()["coordinator"]
        row = wait_for(lambda: [r for r in system.http("GET", "/api/v1/cases?site=haitang&limit=1000", token=token).json()["rows"]
                                if r["case_id"] == case_id and r.get("problems")], lambda: "no problem in the list")
        file = system.http("GET", f"/api/v1/cases/{case_id}", token=token).json()
        texts = [p["text"]["zh"] for p in file["problems"]]
        assert row[0]["problems"] == len(texts), (row, texts)
        assert any("未能送达陈晨（email）：550" in t for t in texts), texts
        timeline = system.http("GET", f"/api/v1/cases/{case_id}/timeline", token=token).json()
        noted = [e for e in timeline["events"] if "未能送达陈晨" in str(e)]
        assert noted and "GEN-FRAME-05" in noted[0]["clauses"], timeline


harness.main([signed_in, not_let_in, not_in_the_clear, no_such_user, nobody_is_reached])
