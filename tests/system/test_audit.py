"""The audit: who did and who looked, with the purpose; who may ask, and what stays hidden from him; filters, pages and CSV; what
organising and publishing leave; and the chain of every log, verified by whoever audits, also where somebody altered it."""

import csv
import io
import json
import os
import time

import harness

system = None
SITE = "haitang"


def ask(who, path="", status=200, method="GET"):
    reply = system.http(method, f"/api/v1/audit{path}", token=system.tokens()[who])
    assert reply.status == status, (who, path, reply)
    return reply


def entries(who, query="", site=f"?site={SITE}"):
    """All of them, over its pages."""
    found, cursor = [], ""
    while True:
        page = ask(who, f"{site}{query}{cursor}").json()
        found += page["entries"]
        if not page.get("cursor"):
            return found
        cursor = f"&cursor={page['cursor']}"


def write(who, method, path, body, status):
    reply = system.http(method, path, body, token=system.tokens()[who])
    assert reply.status == status, reply
    return reply.json()


def acts(found):
    return [(one["what"], one["act"], one.get("person", ""), one.get("purpose", "")) for one in found]


def did_and_looked():
    """One case from its registration on: what each did and looked at stands there, newest first, and nothing of who complained."""
    case = write("reception", "POST", "/api/v1/cases", {
        "site": SITE, "kind": "complaint", "category": "noise", "text": "夜间施工噪声扰民",
        "party": {"name": "欧阳测试", "phone": "13912345678"}}, 201)
    path = f"/api/v1/cases/{case['case_id']}"
    system.settle()
    for who, purpose in (("coordinator", ""), ("coordinator", "?purpose=call%20back")):
        assert system.http("GET", path + purpose, token=system.tokens()[who]).status == 200
    write("coordinator", "POST", path + "/actions/accept", {}, 200)
    assert system.http("POST", path + "/actions/accept", {}, token=system.tokens()["auditor"]).status == 403
    system.settle()
    found = entries("auditor", f"&case={case['number']}")
    assert acts(found)[-4:] == [("did", "step", "chen_chen", ""), ("looked", "opened", "chen_chen", "call back"),
                                ("looked", "opened", "chen_chen", "case file"), ("did", "registered", "li_jing", "")], acts(found)
    assert found[-4]["name"] == "accept" and found[-4]["kind"] == "complaint" and found[-4]["number"] == case["number"]
    assert found[-2]["masked"] and not found[-3].get("masked") and "phone" in found[-3]["fields"], found
    assert found == entries("auditor", f"&case={case['case_id']}") and found == entries("auditor", f"&case={case['number']}&limit=1")
    text = json.dumps(found, ensure_ascii=False)
    assert "欧阳" not in text and "139" not in text.replace(case["number"], "") and "噪声扰民" not in text, text
    return case


def refused_is_told(case):
    """Who acts may not do this just now: it is refused under a clause, and stands there."""
    reply = system.http("POST", f"/api/v1/cases/{case['case_id']}/actions/close", {}, token=system.tokens()["handler"])
    assert reply.status in (403, 409, 422), reply
    system.settle()
    refused = entries("auditor", f"&case={case['number']}&what=refused")
    told = system.http("GET", f"/api/v1/cases/{case['case_id']}/timeline", token=system.tokens()["admin"]).json()["events"]
    events = [one for one in told if "action_refused" in one.get("casework", {})]
    assert [one["name"] for one in refused] == [one["casework"]["action_refused"]["step"] for one in reversed(events)], (refused, events)


def filters(case):
    system.settle()  # what the last test looked at stands there too
    everything = entries("auditor", "&limit=500")
    paged = entries("auditor", "&limit=7")
    assert everything == paged, ([one for one in everything if one not in paged], [one for one in paged if one not in everything])
    assert [one["at"] for one in everything] == sorted((one["at"] for one in everything), reverse=True)
    places = [(one["service"], one.get("partition", 0), one["offset"]) for one in everything]
    assert len(set(places)) == len(places)
    for what in ("did", "looked", "published"):
        assert entries("auditor", f"&what={what}") == [one for one in everything if one["what"] == what] != [], what
    for who in ("chen_chen", "li_jing"):
        assert entries("auditor", f"&who={who}") == [one for one in everything if one.get("person") == who] != [], who
        assert entries("auditor", f"&who={who}&case={case['number']}") == [
            one for one in everything if one.get("person") == who and one.get("number") == case["number"]] != []
    middle = everything[3]["at"]
    later, earlier = (entries("auditor", f"&{name}={middle.replace('+', '%2B')}") for name in ("from", "to"))
    assert later + earlier == everything and later and earlier
    assert entries("auditor", "&who=nobody") == [] and entries("auditor", "&case=20990101-complaint-001") == []
    assert ask("auditor", f"?site={SITE}&cursor=x", 422).json()["field"] == "cursor"
    assert ask("auditor", f"?site={SITE}&what=x", 400).json()["accepted"] == ["did", "looked", "refused", "organised", "published", "exported"]
    reply = ask("auditor", f"?site={SITE}&format=csv")
    rows = list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))
    system.settle()
    exported = entries("auditor", "&what=exported")
    assert [(row["at"], row["what"], row["person"], row["offset"]) for row in rows if row["what"] != "exported"] == [
        (one["at"], one["what"], one.get("person", ""), one["offset"]) for one in everything]
    assert [(one["name"], one["person"]) for one in exported] == [("audit csv", "tang_wen")], exported


def exports_are_recorded():
    """Before the first row goes out: which list, by which filter, as what; not the words looked for in sealed texts."""
    for query in ("&phase=open&kind=complaint&format=csv", "&format=xlsx", "&text=施工&format=csv"):
        path = f"/api/v1/cases?site={SITE}{query}".replace("施工", "%E6%96%BD%E5%B7%A5")
        assert system.http("GET", path, token=system.tokens()["coordinator"]).status == 200
    assert system.http("GET", "/api/v1/cases?format=csv", token=system.tokens()["manager"]).status == 200
    assert system.http("GET", f"/api/v1/cases?site={SITE}&format=csv", token=system.tokens()["renhe-admin"]).status == 404
    system.settle()
    told = [one["name"] for one in entries("auditor", "&what=exported&who=chen_chen")]
    assert told == ["cases csv", "cases xlsx", "cases csv phase=open kind=complaint"], told
    assert [one["person"] for one in entries("admin", "&what=exported", "?who=")] == ["wu_guodong"]
    assert not [one for one in entries("admin", "&what=exported&who=ding_ning")]
    for path in (f"/api/v1/audit?site={SITE}&format=csv", f"/api/v1/cases?site={SITE}&format=csv&category={'x' * 700}"):
        for _ in range(2):
            reply = system.http("GET", path, token=system.tokens()["handler"], headers={"Idempotency-Key": "once"})
            assert reply.status == (404 if "audit" in path else 200), reply
    system.settle()
    told = [one for one in entries("auditor", "&what=exported") if one["account"] == "handler"]
    assert [one["name"] for one in told] == ["cases csv ..."] * 2, "each time, though the key is the same; none that was refused"


def deny_by_default():
    for who in ("reception", "handler", "head", "coordinator", "manager", "renhe-auditor", "renhe-admin"):
        for path in ("", "/chain"):
            ask(who, f"{path}?site={SITE}", 404)
        ask(who, f"/chain?site={SITE}", 404, "POST")
    ask("auditor", "?site=renhe", 404)
    ask("auditor", "?site=nowhere", 404)
    ask("auditor", "", 404)  # what concerns the whole cell is for whoever audits all sites
    assert system.http("GET", f"/api/v1/audit?site={SITE}").status == 401


def hidden_stays_hidden():
    """A sanction is the general manager's alone: also what was done with it."""
    body = {"id": "manager", "person": "wu_guodong", "scopes": ["read", "act", "report", "submit", "open", "audit"], "sites": [SITE]}
    write("admin", "PUT", "/api/v1/organisation", {"accounts": [body]}, 200)
    system.settle()
    hidden = write("manager", "POST", "/api/v1/cases", {"site": SITE, "kind": "sanction", "text": "处罚"}, 201)
    system.settle()
    for name in (hidden["number"], hidden["case_id"]):
        assert [one["act"] for one in entries("manager", f"&case={name}")] == ["registered"]
        for who in ("auditor", "admin"):
            assert entries(who, f"&case={name}") == [], who
    for who in ("auditor", "admin"):
        assert not [one for one in entries(who, "&who=wu_guodong") if one.get("case_id") == hidden["case_id"]]
        assert hidden["number"].encode() not in ask(who, f"?site={SITE}&format=csv").body
    assert [one for one in entries("manager", "&who=wu_guodong") if one.get("case_id") == hidden["case_id"]]


def organised_and_published():
    whole = entries("admin", "&limit=500", "?x=".replace("x", "who"))
    assert ("organised", "account", "qiu_shi") in [(one["what"], one["act"], one.get("person")) for one in whole], whole[:3]
    mine = [one for one in entries("auditor", "&what=organised") if one["act"] == "account"]
    assert ("manager", "qiu_shi") in [(one["name"], one.get("person")) for one in mine], mine
    assert "renhe-auditor" not in [one["name"] for one in mine] and "renhe-auditor" in [one["name"] for one in whole]
    published = entries("auditor", "&what=published")
    assert published and published[0]["version"] == 1 and published[0]["name"].split(), published


def chain(who="auditor", method="GET"):
    return {one["service"]: one for one in ask(who, f"/chain?site={SITE}", 200, method).json()["logs"]}


def verified(who="auditor"):
    """Until the verification that somebody began has come to its end at every log."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        logs = chain(who)
        if not any(one.get("phase") for one in logs.values()):
            return logs
        time.sleep(0.1)
    raise AssertionError(logs)


def chain_is_verified():
    logs = chain()
    assert len(logs) == 8 and all(int(one["verified"]) == 0 and "verified_at" not in one for one in logs.values()), logs
    begun = chain(method="POST")
    assert any(one.get("phase") for one in begun.values()), begun
    logs = verified()
    assert all(one["verified"] == one["end"] and one["verified_at"] and one["findings_count"] == 0 for one in logs.values()), logs
    assert int(logs["intake"]["verified"]) > 0
    write("reception", "POST", "/api/v1/cases", {"site": SITE, "kind": "complaint", "category": "noise", "text": "x"}, 201)
    grown = chain()
    assert int(grown["intake"]["end"]) > int(grown["intake"]["verified"]) == int(logs["intake"]["verified"])
    system.stop()
    system.start()
    again = chain()
    assert all(again[name]["verified_at"] == logs[name]["verified_at"] and again[name]["verified"] == logs[name]["verified"] for name in logs)


def chain_finds_what_was_altered(case):
    """Somebody with a hand in the store changes one letter of an entry that was verified before: for what purpose it was looked."""
    path = f"/api/v1/cases/{case['case_id']}"
    assert system.http("GET", path + "?purpose=curiosity-of-one", token=system.tokens()["coordinator"]).status == 200
    for _ in range(300):  # at its start a service looks at its last 256 events, and would stop there
        assert system.http("GET", path, token=system.tokens()["coordinator"]).status == 200
    for _ in range(2):  # whoever hears it has written down that he has
        write("reception", "POST", "/api/v1/cases", {"site": SITE, "kind": "complaint", "category": "noise", "text": "x"}, 201)
        system.settle()
    offset = next(int(one["offset"]) for one in entries("auditor", "&what=looked") if one.get("purpose") == "curiosity-of-one")
    chain(method="POST")
    assert verified()["intake"]["findings_count"] == 0
    system.stop()
    store = os.path.join(system.folder, "data/intake-0/data.mdb")
    with open(store, "rb") as f:
        rows = f.read()
    assert b"curiosity-of-one" in rows
    with open(store, "wb") as f:
        f.write(rows.replace(b"curiosity-of-one", b"curiosity-of-two"))
    system.start()
    assert chain()["intake"]["findings_count"] == 0  # so it was found the last time
    chain(method="POST")
    found = verified()["intake"]
    assert found["findings_count"] > 0 and "findings" not in found and int(found["verified"]) <= offset < int(found["end"]), found
    told = verified("admin")["intake"]["findings"]
    assert any(line.startswith("own log") and f"offset {offset}:" in line for line in told), (offset, told)


def test_audit():
    global system
    with harness.System("--demo") as system:
        deny_by_default()
        case = did_and_looked()
        refused_is_told(case)
        filters(case)
        exports_are_recorded()
        hidden_stays_hidden()
        organised_and_published()
        chain_is_verified()
        chain_finds_what_was_altered(case)


if __name__ == "__main__":
    harness.main([test_audit])
