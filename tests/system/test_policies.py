"""Policies through the API: the files of what is in force, what is said of others before they are published (check, diff, rehearse:
as the command says it), publishing them, who may, and what nobody may send."""

import concurrent.futures
import glob
import json
import os
import signal
import socket
import tempfile
import time

import harness

system = None
SITE = "school"  # whose policy no case changes
PACK = """pack: SCHOOL
name: [学校, School]
extends: boston-311
"""


def ask(who, method, path, body=None, status=200):
    reply = system.http(method, f"/api/v1/policies{path}", body, token=system.tokens()[who])
    assert reply.status == status, (who, method, path, reply)
    return reply.json()


def founded():
    site = {"id": SITE, "name": {"zh": "学校", "en": "School"}, "zone": "Asia/Shanghai"}
    reply = system.http("PUT", "/api/v1/organisation", {"sites": [site]}, token=system.tokens()["admin"])
    assert reply.status == 200, reply
    none = ask("admin", "GET", f"/{SITE}/sources")
    assert none["site"] == SITE and none.get("version", 0) == 0 and not none.get("sources") and not none.get("kept"), none
    assert ask("admin", "POST", "/diff", {"site": SITE, "packs": ["boston-311"]}, 409)["code"] == "no_policy"
    ask("admin", "POST", "", {"site": SITE, "packs": ["boston-311"]})
    system.settle()


def files_of(site):
    told = ask("admin", "GET", f"/{site}/sources")
    assert told["kept"] and told["version"] == 1 and told["since"], told
    return told


def what_is_in_force_is_there():
    """Each file as it was compiled: of the packs, and of all that they extend."""
    told = files_of("haitang")
    shipped = os.path.join(harness.SOURCE, "services/directory/policies")
    paths = sorted(one["path"] for one in told["sources"])
    assert paths == sorted(os.path.relpath(path, shipped) for pack in ("PROP-11", "GEN-FRAME") for path in glob.glob(f"{shipped}/{pack}/*.yaml")), paths
    for one in told["sources"]:
        with open(os.path.join(shipped, one["path"]), encoding="utf-8") as f:
            assert f.read() == one["text"], one["path"]
    assert told["approved_in"] == "approved"
    assert told["changed_by"] and ask("admin", "POST", "", {"site": "haitang", "packs": ["PROP-11", "boston-311"]}, 409)["code"] == "guard"
    assert "changed_by" not in files_of(SITE) or not files_of(SITE)["changed_by"]
    return told["sources"]


def checked(sources):
    """Every mistake with its place, in both languages: what `hearback policy check` prints."""
    good = {"site": "haitang", "packs": ["PROP-11"], "sources": sources}
    sound = ask("admin", "POST", "/check", good)
    assert sound["sound"] and not [one for one in sound["mistakes"] if not one["warning"]], sound
    assert ask("admin", "POST", "/check", {"site": "haitang", "packs": ["PROP-11"]}) == sound, "shipped ones by their names"
    spoiled = [dict(one) for one in sources]
    pack = next(one for one in spoiled if one["path"] == "PROP-11/pack.yaml")
    pack["text"] = pack["text"].replace("working days", "workng days")
    wrong = ask("admin", "POST", "/check", {**good, "sources": spoiled})
    mistakes = [one for one in wrong["mistakes"] if not one["warning"]]
    assert not wrong["sound"] and mistakes, wrong
    lines = pack["text"].split("\n")
    for one in mistakes:
        assert one["file"] == "PROP-11/pack.yaml" and one["field"] and one["zh"] and one["en"], one
    assert any("workng" in lines[one["line"] - 1] for one in mistakes), mistakes
    assert any("working day" in one["en"] for one in mistakes), mistakes
    with tempfile.TemporaryDirectory() as folder:
        for one in spoiled:
            os.makedirs(os.path.join(folder, os.path.dirname(one["path"])), exist_ok=True)
            with open(os.path.join(folder, one["path"]), "w", encoding="utf-8") as f:
                f.write(one["text"])
        said = system.run("--json", "policy", "check", "--together", "--packs", folder, "PROP-11", check=False)
        assert json.loads(said.stdout)[0]["mistakes"] == wrong["mistakes"]
    no_pack = ask("admin", "POST", "/check", {"site": "haitang", "packs": ["NOWHERE"]})
    assert not no_pack["sound"] and any("NOWHERE" in one["en"] for one in no_pack["mistakes"]), no_pack
    return spoiled


def compared(sources, spoiled):
    body = {"site": "haitang", "packs": ["PROP-11"], "sources": sources}
    same = ask("admin", "POST", "/diff", body)
    assert same == {"items": [], "version": 1, "kept": True}, same
    more = {"site": "haitang", "packs": ["PROP-11", "NIGHT"], "sources": sources + [
        {"path": "NIGHT/pack.yaml", "text": "pack: NIGHT\nname: [夜, Night]\nextends: PROP-11\ncategories:\n  stars: {name: [星, Stars], clause: NIGHT-1}\n"}]}
    items = ask("admin", "POST", "/diff", more)["items"]
    assert [one for one in items if one["what"] == "added" and "stars" in one["path"] and "星" in one["item"]], items
    english = system.http("POST", "/api/v1/policies/diff", more, token=system.tokens()["admin"], headers={"Accept-Language": "en"})
    assert english.status == 200 and "Stars" in json.dumps(english.json()["items"]), english
    routed = [{**one, "text": one["text"].replace("if: {severity: major}, to: property_supervisor}", "if: {severity: major}, to: general_manager}")} for one in sources]
    (item,) = ask("admin", "POST", "/diff", {**body, "sources": routed})["items"]  # a route has no name: people are told its place, not its id
    assert item["item"] == "事项 投诉 › 派单 第 1 条 › 至" and item["text"] == "物业主管 → 总经理" and item["path"].endswith(".route.major.to"), item
    assert ask("admin", "POST", "/diff", {**body, "sources": [{"path": "PROP-11/pack.yaml", "text": "kinds: ["}]}, 422)["code"] == "policy_mistakes"


def rehearsed(sources):
    with open(os.path.join(harness.SOURCE, "tests/scenario/boston-311.yaml"), encoding="utf-8") as f:
        scenario = f.read()
    body = {"site": SITE, "packs": [], "sources": [], "scenarios": [{"path": "night.yaml", "text": scenario}]}
    good = ask("admin", "POST", "/rehearse", body)
    assert good["rehearsed"] > 0 and good["different"] == 0 and good["mistakes"] == [], good
    assert all(one["file"] == "night.yaml" and one["as_expected"] for one in good["runs"]), good
    boston = [dict(one) for one in files_of(SITE)["sources"]]
    for one in boston:
        one["text"] = one["text"].replace("closed: closed", "closed: done")
    spoiled = ask("admin", "POST", "/rehearse", {**body, "sources": boston})
    assert spoiled["different"] or spoiled["mistakes"], spoiled
    odd = ask("admin", "POST", "/rehearse", {**body, "scenarios": [{"path": "odd.yaml", "text": "scenario: [x, x]\nrun: 3\n"}]})
    assert odd["runs"] == [] and odd["mistakes"] and odd["mistakes"][0]["file"] == "odd.yaml" and odd["mistakes"][0]["zh"], odd


def published():
    """What was checked is published, and its files are those in force; the audit knows who did it."""
    sources = [{"path": "SCHOOL/pack.yaml", "text": PACK}]
    body = {"site": SITE, "packs": ["SCHOOL"], "sources": sources}
    assert ask("admin", "POST", "/check", body)["sound"]
    assert ask("admin", "POST", "", body)["policy_version"] == 2
    system.settle()
    told = ask("admin", "GET", f"/{SITE}/sources")
    assert told["version"] == 2 and told["packs"] == ["SCHOOL"] and sources[0] in told["sources"], told
    before = ask("admin", "GET", f"/{SITE}/sources?version=1")
    assert before["version"] == 1 and before["packs"] == ["boston-311"] and before["kept"], before
    ask("admin", "GET", f"/{SITE}/sources?version=9", status=404)
    audit = system.http("GET", f"/api/v1/audit?site={SITE}&what=published", token=system.tokens()["admin"]).json()["entries"]
    assert [(one["version"], one["name"], one["person"]) for one in audit] == [(2, "SCHOOL", "qiu_shi"), (1, "boston-311", "qiu_shi")], audit
    system.stop()
    system.start()
    assert ask("admin", "GET", f"/{SITE}/sources") == told
    assert json.loads(system.run("--json", "verify").stdout)["sound"]


def what_was_published_stays_as_it_was_written():
    """Published again with other comments it compiles to the same; between the two another was in force."""
    first = ask("admin", "GET", f"/{SITE}/sources?version=2")
    body = {"site": SITE, "packs": ["SCHOOL"]}
    commented = [{"path": "SCHOOL/pack.yaml", "text": PACK + "# of the new term\n"}]
    assert ask("admin", "POST", "", {"site": SITE, "packs": ["boston-311"]})["policy_version"] == 4
    assert ask("admin", "POST", "", {**body, "sources": commented})["policy_version"] == 5
    system.settle()
    assert ask("admin", "GET", f"/{SITE}/sources?version=2") == first


def nobody_undoes_what_he_has_not_seen():
    """Published with the version that it was made from: refused once another is in force. What is in force already is no conflict."""
    night = {"site": SITE, "packs": ["SCHOOL"], "sources": [{"path": "SCHOOL/pack.yaml", "text": PACK.replace("[学校, School]", "[夜校, Night school]")}]}
    refused = ask("admin", "POST", "", {**night, "base_version": 4}, 412)
    assert refused["code"] == "stale_version" and refused["field"] == "base_version" and refused["accepted"] == ["5"], refused
    assert "第 5 版" in refused["zh"] and "version 5" in refused["en"], refused
    for _ in range(2):
        assert ask("admin", "POST", "", {**night, "base_version": 5})["policy_version"] == 6
    assert ask("admin", "GET", f"/{SITE}/sources")["version"] == 6


def only_names_are_published():
    """What is kept is written into a folder whenever others are compared with it: nothing that leads out of it, and nothing that
    no pack is made of. Chinese names are names."""
    one = {"path": "学校/制度.yaml", "text": PACK.replace("SCHOOL", "学校")}
    for path in ("../../x/pack.yaml", "学校/../../../tmp/x.yaml", "/etc/pack.yaml", "学校/a/b.yaml", "x.yaml", "学校/x", ".x/pack.yaml", "学校/.yaml", "a b/x.yaml"):
        refused = ask("admin", "POST", "", {"site": SITE, "packs": ["学校"], "sources": [one, {"path": path, "text": ""}]}, 422)
        assert refused["field"] == "sources[1].path" and refused["detail"], (path, refused)
    body = {"site": SITE, "packs": ["学校"], "sources": [one, {"path": "OTHER/pack.yaml", "text": "pack: OTHER\n"}]}
    assert ask("admin", "POST", "", body)["policy_version"] == 3
    system.settle()
    kept = ask("admin", "GET", f"/{SITE}/sources")
    assert kept["packs"] == ["学校"] and {one["path"].split("/")[0] for one in kept["sources"]} == {"学校", "boston-311"}, kept
    assert ask("admin", "POST", "/diff", {"site": SITE, "packs": ["学校"], "sources": kept["sources"]})["items"] == []


def nothing_outside_is_read():
    scenario = {"path": "a.yaml", "text": "scenario: X-1\npacks: [OUT]\ntitle: [外, Outside]\nrun: []\n"}
    out = {"path": "OUT/pack.yaml", "text": PACK.replace("SCHOOL", "OUT") + "calendar: ../../../etc/x\n"}
    said = ask("admin", "POST", "/rehearse", {"site": SITE, "packs": [], "sources": [out], "scenarios": [scenario]})
    assert said["rehearsed"] == 0 and [one for one in said["mistakes"] if "there is no calendar" in one["en"]], said


def columns_cannot_grow_without_end():
    text = json.dumps({"scenario": "X-1", "title": ["长", "Long"], "packs": ["boston-311"], "given": {"for": [{"x": "a" * 100000}]},
                       "run": [{"at": "$x" * 20}]})
    said = ask("admin", "POST", "/rehearse", {"site": SITE, "packs": [], "sources": [], "scenarios": [{"path": "long.yaml", "text": text}]})
    assert [one for one in said["mistakes"] if "1 MiB" in one["en"] and "1 MiB" in one["zh"]], str(said)[:2000]


def deny_by_default():
    body = {"site": "haitang", "packs": ["PROP-11"]}
    for who, status in (("reception", 403), ("manager", 403), ("auditor", 403), ("renhe-admin", 404)):
        ask(who, "GET", "/haitang/sources", status=status)
        ask(who, "POST", "/check", body, status)
        ask(who, "POST", "/diff", body, status)
        ask(who, "POST", "/rehearse", {**body, "scenarios": [{"path": "a.yaml", "text": "x"}]}, status)


def what_nobody_may_send():
    base = {"site": "haitang", "packs": ["PROP-11"]}
    for path in ("../pack.yaml", "PROP-11/../pack.yaml", "/etc/pack.yaml", "pack.yaml", "PROP-11/pack.txt", ".x/pack.yaml", "PROP-11/.pack.yaml", "-x/pack.yaml", "a b/pack.yaml"):
        assert ask("admin", "POST", "/check", {**base, "sources": [{"path": path, "text": ""}]}, 422)["field"] == "sources[0].path", path
    for name in ("../x", "/etc", "--packs", "a b", "a,b", ""):
        assert ask("admin", "POST", "/check", {**base, "packs": [name]}, 422)["field"].startswith("packs"), name
    for path in ("a/b.yaml", "../b.yaml", "--keep.yaml", "b.txt"):
        assert ask("admin", "POST", "/rehearse", {**base, "scenarios": [{"path": path, "text": ""}]}, 422)["field"] == "scenarios[0].path", path
    twice = [{"path": "A/pack.yaml", "text": ""}] * 2
    assert ask("admin", "POST", "/check", {**base, "sources": twice}, 422)["field"] == "sources[1].path"
    many = [{"path": f"A/p{i}.yaml", "text": ""} for i in range(201)]
    assert ask("admin", "POST", "/check", {**base, "sources": many}, 413)["field"] == "sources"
    assert ask("admin", "POST", "/rehearse", {**base, "scenarios": [{"path": f"p{i}.yaml", "text": ""} for i in range(41)]}, 413)["field"] == "scenarios"
    assert ask("admin", "POST", "/rehearse", base, 422)["field"] == "scenarios"
    assert ask("admin", "POST", "/check", {"packs": ["PROP-11"]}, 422)["field"] == "site"
    ask("admin", "POST", "/check", {**base, "colour": "red"}, 400)
    bomb = "a: &a [" + "x," * 50 + "]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [" + f"*{chr(97 + i)}," * 50 + "]\n" for i in range(8))
    assert not ask("admin", "POST", "/check", {**base, "packs": ["A"], "sources": [{"path": "A/pack.yaml", "text": bomb}]})["sound"]


def tools():
    """Of the gateway: process -> the folder it stands in."""
    found = {}
    for gateway in system.pids("gateway"):
        with open(f"/proc/{gateway}/task/{gateway}/children") as f:
            for pid in f.read().split():
                try:
                    folder = os.readlink(f"/proc/{pid}/cwd")
                except OSError:
                    continue
                if os.path.basename(folder).startswith(f"hearback-policy-{gateway}-"):
                    found[int(pid)] = folder
    return found


def until(what):
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, what
        time.sleep(0.002)


def held(pool, who="admin"):
    """A rehearsal that is stopped in the middle: it holds its place until it may go on."""
    with open(os.path.join(harness.SOURCE, "tests/scenario/boston-311.yaml"), encoding="utf-8") as f:
        text = f.read()
    before = set(tools())
    body = {"site": SITE, "packs": [], "sources": [], "scenarios": [{"path": f"s{i}.yaml", "text": text} for i in range(10)]}
    asked = pool.submit(system.http, "POST", "/api/v1/policies/rehearse", body, system.tokens()[who])
    limited = []

    def seen():
        for pid in set(tools()) - before:
            with open(f"/proc/{pid}/limits") as f:
                told = {line[:25].strip(): line[26:46].strip() for line in f}
            limited[:] = [pid, told]
            return told["Max open files"] == "256"
        assert not asked.done(), asked.result()
        return False

    until(seen)
    os.kill(limited[0], signal.SIGSTOP)
    assert limited[0] in tools(), "it was over too soon"
    return asked, *limited


def sanitized():
    """Then it reserves far more memory than it uses."""
    with open(system.program("hearback"), "rb") as f:
        text = f.read()
    return b"__asan_init" in text or b"__tsan_init" in text


def one_of_each_account():
    """One runs, two wait, whoever comes then is told to come again; others are answered meanwhile; who has gone holds no place."""
    body = {"site": "haitang", "packs": ["PROP-11"]}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked, pid, limits = held(pool)
        try:
            assert limits["Max data size"] == ("unlimited" if sanitized() else str(1 << 30)), limits
            assert limits["Max cpu time"] == "60" and limits["Max file size"] == str(256 << 20), limits
            gone(body)
            three = [pool.submit(system.http, "POST", "/api/v1/policies/check", body, system.tokens()["admin"]) for _ in range(3)]
            done, waiting = concurrent.futures.wait(three, 10, concurrent.futures.FIRST_COMPLETED)
            refused = done.pop().result()
            assert refused.status == 503 and refused.json()["code"] == "busy" and len(waiting) == 2, refused
            assert system.http("POST", "/api/v1/policies/check", body, system.tokens()["manager"]).status == 200
            assert not any(one.done() for one in waiting), "one after the other"
        finally:
            os.kill(pid, signal.SIGCONT)
        assert asked.result().status == 200
        assert all(one.result().status == 200 for one in waiting)


def gone(body):
    """Asks, and does not wait for the answer."""
    text = json.dumps(body)
    with socket.create_connection(("127.0.0.1", system.port)) as one:
        one.sendall(f"POST /api/v1/policies/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {system.tokens()['admin']}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
    ask("admin", "GET", f"/{SITE}/sources")  # goes the same way, behind it


def places_are_limited():
    """Two at once, whoever asks."""
    body = {"site": "haitang", "packs": ["PROP-11"]}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        both = [held(pool), held(pool, "manager")]
        try:
            third = pool.submit(system.http, "POST", "/api/v1/policies/check", body, system.tokens()["coordinator"])
            assert system.http("GET", "/api/v1/cases?site=haitang", token=system.tokens()["manager"]).status == 200
            ask("admin", "GET", f"/{SITE}/sources")
            assert not third.done() and len(tools()) == 2, tools()
        finally:
            for _, pid, _ in both:
                os.kill(pid, signal.SIGCONT)
        assert [asked.result().status for asked, _, _ in both] == [200, 200] and third.result().status == 200


def is_there(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends_with_the_gateway():
    """Killed, it takes its children along, and the next one removes what they left; stopped, it does so itself."""
    for how in (signal.SIGKILL, signal.SIGTERM):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked, pid, _ = held(pool)
            folder = tools()[pid]
            if how == signal.SIGKILL:
                os.kill(system.pids("gateway")[0], how)
                until(lambda: not is_there(pid) and not os.path.exists(folder))
            else:
                system.stop()
                assert not is_there(pid) and not os.path.exists(folder), folder
            assert asked.exception() or asked.result().status >= 500
            if how == signal.SIGKILL:
                until(lambda: ready())
    system.start()


def ready():
    try:
        return system.http("GET", "/readyz").status == 200
    except OSError:
        return False


def more_may():
    """Others who may try policies, from here on."""
    roles = [{"id": who, "person": person, "scopes": ["read", "policy"], "sites": ["haitang", SITE]} for who, person in (("manager", "wu_guodong"), ("coordinator", "chen_chen"))]
    reply = system.http("PUT", "/api/v1/organisation", {"accounts": roles}, token=system.tokens()["admin"])
    assert reply.status == 200, reply
    system.settle()


RULES = """pack: RULES
name: [规则, Rules {i}]
posts:
  clerk: {{clause: RULES-1, name: [职员, Clerk], in: desk}}
  chief: {{clause: RULES-1, name: [主管, Chief], in: desk}}
kinds:
  change:
    clause: RULES-1
    name: [改规, Change of the rules]
    approves: policy in agreed
    stages: {{open: new, agreed: working, issued: closed}}
    stage_names: {{open: [拟稿, Draft], agreed: [已批准, Agreed], issued: [已发布, Issued]}}
    steps:
      register: {{clause: RULES-1, name: [登记, Register], to: open, by: clerk}}
      agree: {{clause: RULES-1, name: [批准, Agree], from: open, to: agreed, by: chief}}
      note: {{clause: RULES-1, name: [备注, Note], from: agreed, by: clerk}}
      issue: {{clause: RULES-1, name: [发布, Issue], from: agreed, to: issued, by: clerk}}
      again: {{clause: RULES-1, name: [退回, Back], from: agreed, to: open, by: chief}}
    route: {{otherwise: {{clause: RULES-1, to: clerk}}}}
"""


def rules(i, case_id=None, **more):
    body = {"site": "rules", "packs": ["RULES"], "sources": [{"path": "RULES/pack.yaml", "text": RULES.format(i=i)}], **more}
    return {**body, "case_id": case_id} if case_id else body


def changed_by_a_case():
    """While a case of the kind that changes the policy is approved, whoever may publish does so by it, once, also for a later day."""
    people = [{"id": f"r_{post}", "name": post, "posts": [{"post": post, "department": "desk", "site": "rules"}]} for post in ("clerk", "chief")]
    body = {"sites": [{"id": "rules", "name": {"zh": "规则", "en": "Rules"}, "zone": "Asia/Shanghai"}],
            "departments": [{"id": "desk", "site": "rules", "name": {"zh": "前台", "en": "Desk"}}], "people": people,
            "accounts": [{"id": one["id"], "person": one["id"], "scopes": ["read", "act", "submit"]} for one in people]}
    assert system.http("PUT", "/api/v1/organisation", body, token=system.tokens()["admin"]).status == 200
    assert ask("admin", "POST", "", rules(1))["policy_version"] == 1
    token = {one["id"][2:]: system.run("token", one["id"]).stdout.strip() for one in people}

    def case():
        return system.http("POST", "/api/v1/cases", {"site": "rules", "kind": "change"}, token=token["clerk"]).json()["case_id"]

    def take(who, case_id, step):
        reply = system.http("POST", f"/api/v1/cases/{case_id}/actions/{step}", {}, token=token[who])
        assert reply.status == 200, reply
        system.settle()

    system.settle()
    one, other = case(), case()
    system.settle()
    told = ask("admin", "GET", "/rules/sources")
    assert (told["changed_by"], told["approved_in"]) == ("change", "agreed"), told
    for refused in (rules(2), rules(2, one), rules(2, "12345")):
        assert ask("admin", "POST", "", refused, 409)["code"] == "guard"  # no case, one that is not approved, none
    take("chief", one, "agree")
    take("clerk", one, "note")  # it stays approved
    assert ask("admin", "POST", "", {**rules(2, one), "site": SITE}, 409)["code"] == "guard"  # of another site
    reply = system.http("POST", "/api/v1/policies", rules(2, one), token=token["chief"])
    assert reply.status == 403, reply  # it gives nobody the right to publish
    assert ask("admin", "POST", "", rules(2, one))["policy_version"] == 2
    assert ask("admin", "POST", "", rules(3, one), 409)["code"] == "guard"  # it was published by it
    os.kill(system.pids("directory")[0], signal.SIGKILL)
    system.settle()
    assert ask("admin", "POST", "", rules(3, one), 409)["code"] == "guard"
    take("chief", other, "agree")
    take("chief", other, "again")
    assert ask("admin", "POST", "", rules(3, other), 409)["code"] == "guard"  # taken back
    take("chief", other, "agree")
    assert ask("admin", "POST", "", rules(3, other, **{"from": "2099-01-01"}))["coming"]["day"] == "2099-01-01"
    assert ask("admin", "POST", "", rules(4, other), 409)["code"] == "guard"
    assert ask("admin", "DELETE", "/rules/coming", status=409)["code"] == "guard"  # the operator's


def left_over(gateways):
    return [one for pid in gateways for one in glob.glob(f"/tmp/hearback-policy-{pid}-*")]


def test_policies():
    global system
    with harness.System("--demo") as system:
        founded()
        deny_by_default()
        sources = what_is_in_force_is_there()
        spoiled = checked(sources)
        compared(sources, spoiled)
        rehearsed(sources)
        published()
        only_names_are_published()
        what_was_published_stays_as_it_was_written()
        nobody_undoes_what_he_has_not_seen()
        nothing_outside_is_read()
        columns_cannot_grow_without_end()
        what_nobody_may_send()
        changed_by_a_case()
        more_may()
        one_of_each_account()
        places_are_limited()
        ends_with_the_gateway()
        ask("admin", "POST", "/check", {"site": "haitang", "packs": ["PROP-11"]})
        assert not left_over(system.pids("gateway"))


if __name__ == "__main__":
    harness.main([test_policies])
