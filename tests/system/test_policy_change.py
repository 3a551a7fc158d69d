"""A policy is changed by the people it is for (PROP-11 with GEN-FRAME-15, -16): registered as a case, commented by the departments, approved by
the general manager, published with `policy publish --case`, learnt by those it concerns; by real processes, without the operator's key."""

import datetime
import os
import shutil

import harness

system = None
SITE = "haitang"
HERE = os.path.dirname(os.path.abspath(__file__))
PACKS = os.path.join(HERE, "..", "..", "services", "directory", "policies")


def ask(who, method, path, body=None, status=200):
    reply = system.http(method, f"/api/v1{path}", body, token[who])
    assert reply.status == status, (who, path, reply)
    system.settle()
    return reply.json()


def act(who, number, step, status=200, **fields):
    return ask(who, "POST", f"/cases/{number}/actions/{step}?site={SITE}", {"fields": fields}, status)


def file_of(number):
    return ask("manager", "GET", f"/cases/{number}?site={SITE}")


def publish(folder, *more, who="owner"):
    return system.run("policy", "publish", SITE, folder, *more, check=False, env={**os.environ, "LANG": "en_US.UTF-8", "HEARBACK_TOKEN": token[who]})


def refused(done, *says):
    assert done.returncode != 0, done.stdout
    for words in says:
        assert words in done.stderr, (words, done.stderr)


def changed_pack():
    """PROP-11 with small repairs in twelve hours instead of twenty-four."""
    folder = os.path.join(system.folder, "PROP-11")
    shutil.copytree(os.path.join(PACKS, "PROP-11"), folder)
    with open(os.path.join(folder, "pack.yaml"), encoding="utf-8") as f:
        text = f.read()
    assert "value: 24 h, " in text
    with open(os.path.join(folder, "pack.yaml"), "w", encoding="utf-8") as f:
        f.write(text.replace("value: 24 h, ", "value: 12 h, ", 1))
    return folder


def founded():
    """Somebody who owns the policy and may publish it, beside whom the demonstration has."""
    global token
    post = {"post": "policy_owner", "department": "management_office", "site": SITE}
    body = {"people": [{"id": "bian_ce", "name": "卞策", "posts": [post], "email": "bian.ce@example.org"}],
            "accounts": [{"id": "owner", "person": "bian_ce", "scopes": ["read", "act", "submit", "policy"], "sites": [SITE]}]}
    assert system.http("PUT", "/api/v1/organisation", body, token=system.operator_token()).status == 200
    token = {**system.tokens(), "owner": system.run("token", "owner").stdout.strip()}
    system.settle()


def version():
    (one,) = [policy for policy in ask("owner", "GET", "/policies")["policies"] if policy["site"] == SITE]
    return one["version"]


def approved_and_published():
    folder, before = changed_pack(), version()
    number = ask("owner", "POST", "/cases", {"site": SITE, "kind": "policy_change", "fields": {"subject": "零修改为十二小时"}}, 201)["number"]
    case = file_of(number)["case_id"]
    refused(publish(folder), "policy_change")  # nobody changes it past its own way
    refused(publish(folder, "--case", case), "does not approve")
    act("owner", number, "circulate", 422)  # without its draft
    draft = system.http("POST", f"/api/v1/cases/{number}/attachments?site={SITE}&name=draft.txt", "零修十二小时".encode(), token["owner"],
                        headers={"Content-Type": "text/plain"})
    assert draft.status == 201, draft
    draft = draft.json()["id"]
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=7)).isoformat(timespec="seconds")
    act("owner", number, "circulate", draft=draft, comments_by=until)
    comments = ask("manager", "GET", f"/cases?site={SITE}&kind=comment")["rows"]
    assert [one["handler"] for one in comments] == ["gao_yuan"], comments  # the heads of departments
    refused(publish(folder, "--case", case), "does not approve")
    assert "GEN-FRAME-15" in act("manager", number, "approve", 409)["clauses"]  # a comment is outstanding
    act("head", comments[0]["number"], "finish", findings="同意")
    act("head", number, "approve", 403)  # the general manager alone
    act("owner", number, "approve", 403)
    act("manager", number, "approve")
    refused(publish(folder, "--case", case, who="manager"), "may not publish")  # an approval gives nobody the right to publish
    done = publish(folder, "--case", case)
    assert done.returncode == 0, done.stderr
    system.settle()
    assert version() == before + 1
    refused(publish(folder, "--case", case), "does not approve")  # once
    told = ask("owner", "GET", f"/policies/{SITE}/sources")
    assert told["version"] == before + 1 and any("value: 12 h" in source["text"] for source in told["sources"]), told["version"]
    act("owner", number, "finish", readers="engineering_department", read_by=until)
    readings = ask("manager", "GET", f"/cases?site={SITE}&kind=reading")["rows"]
    assert {one["handler"] for one in readings} == {"gao_yuan", "zhou_qiang"}, readings  # who is to learn it
    assert file_of(number)["stage"] == "done"


def all_of_it():
    global system
    with harness.System("--demo") as system:
        founded()
        approved_and_published()


if __name__ == "__main__":
    harness.main([all_of_it])
