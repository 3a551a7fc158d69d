"""Every operation of openapi.json, asked by everybody: by nobody, by each role of the site, by a foreign site, by tokens that
were narrowed; on an open case, and on one that the policy hides from all but the general manager. The answers are held against
the table below: an operation that has no line there fails."""

import datetime
import http.client
import os
import re
import tempfile
import urllib.parse

import harness

system = None

SITE = "haitang"
ROLES = ["nobody", "reception", "handler", "head", "coordinator", "manager", "auditor", "admin", "renhe-coordinator",
         "narrow-scope", "narrow-site"]

# One status for all, or one for each of ROLES. `narrow-scope` is admin's token for `report` alone, `narrow-site` admin's for lanhu.
ALL = 200
SIGNED_IN = [401] + [200] * 10
READERS = [401] + [200] * 7 + [404] * 3        # a site or a case that is not theirs is not there
MEMBERS = [401] + [200] * 7 + [403] * 3        # sites and policies in force are no secret, what stands in them is
REPORTERS = [401] + [200] * 7 + [404, 200, 404]
SESSIONS = [401] + [403] * 10                  # all of ROLES have tokens, and this needs a session (test_session)
EXPECTED = {
    ("GET", "/healthz"): ALL, ("GET", "/readyz"): ALL, ("GET", "/metrics"): ALL, ("GET", "/metrics/{service}"): ALL,
    ("GET", "/api/v1/openapi.json"): ALL, ("GET", "/api/v1/about"): ALL,
    ("POST", "/api/v1/session"): 401, ("POST", "/api/v1/session/setup"): 403,  # wrong ones, whoever asks
    ("GET", "/api/v1/session"): SIGNED_IN, ("DELETE", "/api/v1/session"): SESSIONS, ("DELETE", "/api/v1/sessions"): SESSIONS,
    ("PUT", "/api/v1/session/password"): SESSIONS, ("POST", "/api/v1/session/totp"): SESSIONS,
    ("PUT", "/api/v1/session/totp"): SESSIONS, ("DELETE", "/api/v1/session/totp"): SESSIONS,
    ("GET", "/api/v1/tokens"): SIGNED_IN, ("POST", "/api/v1/tokens"): SESSIONS, ("DELETE", "/api/v1/tokens/{id}"): SESSIONS,
    ("GET", "/api/v1/views"): SIGNED_IN, ("POST", "/api/v1/views"): [401] + [201] * 7 + [404] * 3,  # of a site that one reads
    ("PUT", "/api/v1/views/{id}"): [401] + [404] * 10, ("DELETE", "/api/v1/views/{id}"): [401] + [404] * 10,  # nobody's: whose they are: test_views
    ("POST", "/api/v1/accounts/{account}/setup"): [401, 403, 403, 403, 403, 403, 403, 200, 403, 403, 403],
    #                             nobody recep hand  head  coord mana  audit admin renhe scope site
    ("POST", "/api/v1/cases"):    [401,  201,  403,  403,  201,  201,  403,  201,  403,  403,  403],
    ("POST", "/api/v1/imports"):  [401,  403,  403,  403,  403,  403,  403,  201,  403,  403,  403],
    ("POST", "/api/v1/cases/{id}/actions/{action}"): [401, 409, 409, 409, 409, 409, 403, 409, 404, 404, 404],
    ("POST", "/api/v1/cases/{id}/attachments"): [401, 201, 403, 403, 201, 403, 403, 403, 404, 404, 404],  # GEN-FRAME files_attached: who works on it
    ("GET", "/api/v1/cases/{id}/attachments/{file}"): [401, 200, 200, 200, 200, 403, 403, 200, 404, 404, 404],  # scope open
    ("PUT", "/api/v1/organisation"): [401, 403, 403, 403, 403, 403, 403, 200, 403, 403, 403],
    ("POST", "/api/v1/policies"): [401,  403,  403,  403,  403,  403,  403,  409,  403,  403,  403],
    ("DELETE", "/api/v1/policies/{site}/coming"): [401, 403, 403, 403, 403, 403, 403, 409, 403, 403, 403],  # a case changes it there
    ("POST", "/api/v1/policies/{site}/move"): [401, 403, 403, 403, 403, 403, 403, 409, 404, 404, 404],
    ("GET", "/api/v1/policies/{site}/move"): [401, 403, 403, 403, 403, 403, 403, 200, 404, 404, 404],
    ("POST", "/api/v1/policies/check"):    [401, 403, 403, 403, 403, 403, 403, 200, 404, 404, 404],  # scope policy
    ("POST", "/api/v1/policies/diff"):     [401, 403, 403, 403, 403, 403, 403, 200, 404, 404, 404],
    ("POST", "/api/v1/policies/rehearse"): [401, 403, 403, 403, 403, 403, 403, 200, 404, 404, 404],
    ("GET", "/api/v1/policies/{site}/sources"): [401, 403, 403, 403, 403, 403, 403, 200, 404, 404, 404],
    ("POST", "/api/v1/calendars/{calendar}/years"): [401, 403, 403, 403, 403, 403, 403, 422, 403, 403, 403],
    ("POST", "/api/v1/cases/alike"): [401, 200,  403,  403,  200,  200,  403,  200,  403,  403,  403],
    ("GET", "/api/v1/cases/kinds"): [401, 200,  403,  403,  200,  200,  403,  200,  403,  403,  403],
    ("GET", "/api/v1/labels"):      [401, 200,  403,  403,  200,  200,  403,  200,  404,  404,  404],
    ("GET", "/api/v1/cases"): READERS, ("GET", "/api/v1/cases/count"): READERS, ("GET", "/api/v1/cases/{id}"): READERS, ("GET", "/api/v1/cases/{id}/timeline"): READERS,
    ("GET", "/api/v1/things/{thing}/history"): READERS, ("GET", "/api/v1/cases/{id}/explain"): READERS, ("GET", "/api/v1/cases/{id}/documents"): READERS,
    ("GET", "/api/v1/cases/{id}/attachments"): READERS,
    ("GET", "/api/v1/cases/{id}/documents/{document}"): READERS, ("GET", "/api/v1/calendars/moved"): READERS,
    ("GET", "/api/v1/events"): SIGNED_IN, ("GET", "/api/v1/cells"): SIGNED_IN,  # of what one may see: below
    ("GET", "/api/v1/cells/{cell}/cases/{id}"): [401] + [404] * 10,  # there is no other cell here: test_cells
    ("GET", "/api/v1/held"):        [401, 200,  403,  403,  200,  200,  403,  200,  403,  403,  403],
    ("POST", "/api/v1/held/{held}/register"): [401] + [404] * 10, ("POST", "/api/v1/held/{held}/refuse"): [401] + [404] * 10,  # there is none: who may: test_held
    ("GET", "/api/v1/public-notices"): ALL,
    ("GET", "/api/v1/reports/definitions"): SIGNED_IN,  # words alone
    ("GET", "/api/v1/reports/figures"): READERS, ("GET", "/api/v1/notices"): READERS,
    ("POST", "/api/v1/cases/{id}/notices/{notice}/sent"): [401] + [404] * 10,  # there is none: who may: test_lists
    ("GET", "/api/v1/reports/kpi"): REPORTERS, ("GET", "/api/v1/reports/indicators"): REPORTERS,
    ("GET", "/api/v1/audit"):        [401, 404,  404,  404,  404,  404,  200,  200,  404,  404,  404],  # scope audit
    ("GET", "/api/v1/audit/chain"):  [401, 404,  404,  404,  404,  404,  200,  200,  404,  404,  404],
    ("POST", "/api/v1/audit/chain"): [401, 404,  404,  404,  404,  404,  200,  200,  404,  404,  404],
    ("GET", "/api/v1/organisation"): MEMBERS, ("GET", "/api/v1/policies"): MEMBERS, ("GET", "/api/v1/policies/{site}"): MEMBERS,
}


def status_of(row, role):
    return row if isinstance(row, int) else row[ROLES.index(role)]


class World:
    """What the operations are asked about."""

    def __init__(self):
        self.tokens = dict(system.tokens())
        self.admin = self.tokens["admin"]
        manager = {"id": "manager", "person": "wu_guodong", "scopes": ["read", "act", "report", "submit"], "sites":
                   ["haitang", "lanhu", "yunqi"]}
        organisation = self.ask("GET", "/api/v1/organisation", self.admin).json()
        manager["person"] = next(p["id"] for p in organisation["people"] if p["name"] == "吴国栋")
        asset = {"id": "lift-1", "site": SITE, "of": "asset", "name": {"zh": "一号梯"}, "holders": [{"post": "asset_owner", "person": "zhou_qiang"}],
                 "facts": [{"name": "interval", "value": {"text": "365 days"}}]}
        self.ask("PUT", "/api/v1/organisation", self.admin, {"accounts": [manager], "things": [asset]}, 200)
        session = self.ask("POST", "/api/v1/session", None, {"account": "admin", "password": system.passwords()["admin"]}, 200)
        self.session = {"Cookie": session.headers["set-cookie"].split(";")[0], "X-CSRF-Token": session.json()["csrf"]}
        self.tokens["narrow-scope"] = self.token({"scopes": ["report"]})
        self.tokens["narrow-site"] = self.token({"scopes": ["*"], "sites": ["lanhu"]})
        self.open = self.ask("POST", "/api/v1/cases", self.tokens["reception"], {
            "site": SITE, "kind": "complaint", "category": "noise", "text": "噪声", "party": {"name": "某某"}}, 201).json()
        self.hidden = self.ask("POST", "/api/v1/cases", self.tokens["manager"], {
            "site": SITE, "kind": "sanction", "text": "处罚"}, 201).json()
        system.settle()
        documents = self.ask("GET", f"/api/v1/cases/{self.open['case_id']}/documents", self.admin).json()["documents"]
        PARTS["document"] = documents[0]["name"]
        path = f"/api/v1/cases/{self.open['case_id']}/attachments?name=a.txt"
        PARTS["file"] = self.ask("POST", path, self.tokens["reception"], b"a\n", 201).json()["id"]

    def ask(self, method, path, token, body=None, status=None, **headers):
        reply = system.http(method, path, body, token, {name.replace("_", "-"): value for name, value in headers.items()})
        assert status in (None, reply.status), reply
        return reply

    def token(self, narrowed):
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        body = {"name": "walk", "expires_at": until.strftime("%Y-%m-%dT%H:%M:%SZ"), **narrowed}
        return self.ask("POST", "/api/v1/tokens", None, body, 201, **self.session).json()["token"]


BODIES = {  # what is in order but for the right to do it, or refused only after the rights were looked at
    ("POST", "/api/v1/session"): lambda role: {"account": f"walk-{role}", "password": "x"},
    ("POST", "/api/v1/session/setup"): lambda role: {"account": f"walk-{role}", "code": "x", "password": "three unrelated words"},
    ("PUT", "/api/v1/session/password"): lambda role: {"old": "x", "password": "three unrelated words"},
    ("PUT", "/api/v1/session/totp"): lambda role: {"code": "000000"},
    ("DELETE", "/api/v1/session/totp"): lambda role: {"code": "000000"},
    ("POST", "/api/v1/tokens"): lambda role: {"name": "x", "scopes": ["read"]},
    ("POST", "/api/v1/views"): lambda role: {"site": SITE, "name": {"zh": "噪声"}, "filter": [{"name": "category", "value": "noise"}]},
    ("PUT", "/api/v1/views/{id}"): lambda role: {"site": SITE if role not in ROLES[8:] else "lanhu" if role == "narrow-site" else "renhe", "name": {"zh": "噪声"}},
    ("POST", "/api/v1/cases"): lambda role: {"site": SITE, "kind": "complaint", "category": "noise", "text": "噪声"},
    ("POST", "/api/v1/cases/{id}/actions/{action}"): lambda role: {"fields": {"solution": "x"}},
    ("POST", "/api/v1/cases/{id}/attachments"): lambda role: b"a text\n",
    ("POST", "/api/v1/imports"): lambda role: {"site": SITE, "rows": [{
        "source": "walk", "external_id": role, "received_ms": "2026-03-01T09:00:00+08:00",
        "submit": {"kind": "complaint", "category": "noise", "text": "旧记录"}}]},
    ("PUT", "/api/v1/organisation"): lambda role: {"sites": []},
    ("POST", "/api/v1/calendars/{calendar}/years"): lambda role: {"year": 2030, "days": []},
    ("POST", "/api/v1/policies"): lambda role: {"site": SITE, "packs": ["PROP-11"]},
    ("POST", "/api/v1/policies/{site}/move"): lambda role: {"version": 999},
    ("POST", "/api/v1/held/{held}/refuse"): lambda role: {"reason": "广告"},
    ("POST", "/api/v1/cases/alike"): lambda role: {"kind": "complaint", "category": "noise"},
    ("POST", "/api/v1/policies/check"): lambda role: {"site": SITE, "packs": ["PROP-11"]},
    ("POST", "/api/v1/policies/diff"): lambda role: {"site": SITE, "packs": ["PROP-11"]},
    ("POST", "/api/v1/policies/rehearse"): lambda role: {"site": SITE, "scenarios": [{"path": "a.yaml", "text": "scenario: X\n"}]},
}
QUERIES = {"held", "public-notices", "cases", "cases/count", "cases/kinds", "reports/kpi", "reports/indicators", "organisation", "policies", "calendars/moved", "labels", "audit", "audit/chain", "notices", "reports/figures"}  # of a site, when read
PARTS = {"service": "intake", "account": "reception", "action": "propose", "cell": "00000000000000ff", "calendar": "cn", "notice": "1", "held": "1",
         "thing": "lift-1",
         "site": SITE}


def address_of(method, template, case, parts=PARTS):
    path = re.sub(r"{(\w+)}", lambda found: case if found[1] == "id" else parts[found[1]], template)
    query = f"?site={SITE}" if method == "GET" and (template.removeprefix("/api/v1/") in QUERIES or "/things/" in template) else ""
    query += f"?site={SITE}" if method == "POST" and template in ("/api/v1/audit/chain", "/api/v1/cases/alike") else ""
    query += "?purpose=walk" if method == "GET" and template.endswith("{file}") else ""
    query += "?name=a.txt" if method == "POST" and template.endswith("/attachments") else ""
    return path + query + ("&since=2026-01-01T00:00:00Z" if template.endswith("calendars/moved") else "&places=x" if template.endswith("/labels") else "")


def ask(world, role, method, template, case):
    body = BODIES.get((method, template))
    reply = world.ask(method, address_of(method, template, case), world.tokens.get(role), body(role) if body else None,
                      X_Forwarded_For=f"10.8.{ROLES.index(role)}.1")
    rows = reply.json()["results"] if template == "/api/v1/imports" and reply.status == 200 else []
    return rows[0].get("problem", {"status": 201})["status"] if rows else reply.status


def operations():
    paths = system.http("GET", "/api/v1/openapi.json").json()["paths"]
    return sorted((method.upper(), template) for template, methods in paths.items() for method in methods)


def everything_is_asked_by_everybody(world):
    wrong = []
    for method, template in operations():
        row = EXPECTED.get((method, template))
        if row is None:
            wrong.append(f"{method} {template}: no expectation")
        got = [ask(world, role, method, template, world.open["case_id"]) for role in ROLES]
        expected = [row and status_of(row, role) for role in ROLES]
        if got != expected:
            wrong.append(f"{method} {template}: {got}, expected {expected}")
    assert not wrong, "\n".join(wrong)
    assert set(EXPECTED) == set(operations()), set(EXPECTED) - set(operations())


EACH_ANEW = {"date", "x-request-id", "hearback-after"}


def exactly(reply, name):
    """All that an answer says, but for the name under which the case was asked for, and that of the request."""
    body = re.sub(rb'"instance":"[0-9a-f]{16}"', b"", reply.body)
    return reply.status, {k: v for k, v in reply.headers.items() if k not in EACH_ANEW}, body.replace(name.encode(), b"NAME")


def and_one_that_never_was(world):
    """Two names of the hidden case, each with one like it that nothing has."""
    return [(world.hidden["case_id"], str(0x6fffffffffffffff)), (world.hidden["number"], "2099" + world.hidden["number"][4:])]


def differing(one, other):
    return "; ".join(f"{a} / {b}" for a, b in zip(one, other) if a != b)[:1000]


def acts(world):
    """Steps of the hidden case's kind and others, each in order, with mistakes, and with an old version in hand."""
    policy = world.ask("GET", f"/api/v1/policies/{SITE}", world.admin, None, 200).json()
    kind = next((kind for kind in policy["kinds"] if kind["name"] == world.hidden["number"].split("-")[1]), None)
    steps = [step["name"] for step in kind["steps"]] if kind else []
    for action in [*steps[1:4], "extend", "propose", "nothing_of_this_name"]:
        yield action, {"fields": {}}, {}
        yield action, {"fields": {"finding": "密", "no_such_field": "x"}, "note": "密"}, {}
        yield action, {"note": "密"}, {"If_Match": '"999"'}


def variants(world, method, template, role):
    if template.endswith("/actions/{action}"):
        for action, body, headers in acts(world):
            yield {**PARTS, "action": action}, body, headers
        yield PARTS, {"fields": {}, "for_person": "nobody"}, {}
        yield PARTS, {"note": "密" * 21000}, {}
    else:
        body = BODIES.get((method, template))
        yield PARTS, body(role) if body else None, {}


def told_of(world, role, method, template, variant, name):
    parts, body, headers = variant
    path = address_of(method, template, name, parts)
    return exactly(world.ask(method, path, world.tokens[role], body, X_Forwarded_For=f"10.8.{ROLES.index(role)}.1", **headers), name)


def a_hidden_case_is_not_there(world):
    """To all but the general manager each answer about it, read or acted upon, is byte for byte that about a case that never was."""
    told = set()
    for method, template in operations():
        if "cases/{id}" not in template or "/cells/" in template:
            continue
        for role in ROLES[1:]:
            if role == "manager":
                continue
            for names in and_one_that_never_was(world):
                for variant in variants(world, method, template, role):
                    of_hidden, of_none = (told_of(world, role, method, template, variant, name) for name in names)
                    if of_hidden != of_none:
                        told.add((method, template, variant[0].get("action"), role, differing(of_hidden, of_none)))
                    assert of_none[0] in (404, 413, 422), (method, template, role, of_none)  # before it is asked which case is meant
        if method == "GET" and not template.endswith("{file}"):  # this one has no file
            assert ask(world, "manager", method, template, world.hidden["case_id"]) == 200, template
    assert not told, f"{len(told)} answers tell that there is one, such as:\n" + "\n".join(str(one) for one in sorted(told)[:5])


def named_elsewhere(world):
    """Wherever else a case is named: by parameters of the OpenAPI document, in bodies, in fields."""
    document = system.http("GET", "/api/v1/openapi.json").json()
    for template, methods in sorted(document["paths"].items()):
        for parameter in methods.get("get", {}).get("parameters", []):
            if parameter["in"] == "query" and parameter["name"] in ("number", "case_id", "case", "text", "external_id"):
                for at in range(2):
                    yield "GET", lambda name, t=template, p=parameter["name"]: (f"{t}?site={SITE}&{p}={name}", None), at
    for dry in ("true", "false"):
        yield "POST", lambda name, dry=dry: (f"/api/v1/policies/{SITE}/move?dry_run={dry}", {"version": 999, "cases": [name]}), 0
    case = world.open["case_id"]
    for step in ("merge", "unmerge", "propose"):
        yield "POST", lambda name, step=step: (f"/api/v1/cases/{case}/actions/{step}", {"fields": {"leading": name}}), 1


def nor_where_it_is_named(world):
    told = set()
    for method, request, at in named_elsewhere(world):
        for role in ROLES[1:]:
            if role == "manager":
                continue
            answers = []
            for name in and_one_that_never_was(world)[at]:
                path, body = request(name)
                answers.append(exactly(world.ask(method, path, world.tokens[role], body), name))
            if answers[0] != answers[1]:
                told.add((method, path, role, differing(*answers)))
    assert not told, "\n".join(str(one) for one in sorted(told)[:5])


def nor_where_it_is_imported(world):
    """Who may import, but not see what he imports, is answered alike whether it was there: with nothing. Who sees it is told."""
    def imported(token, external_id, **more):
        row = {"source": "secret", "external_id": external_id, "received_ms": "2026-03-01T09:00:00+08:00", "submit": {"kind": "sanction", "text": "处罚", **more}}
        return world.ask("POST", "/api/v1/imports", token, {"site": SITE, "rows": [row]}, 200).json()

    said = {"results": [{"row": 0, "hidden": True}], "imported": 1, "existed": 0, "differing": 0, "refused": 0}
    answers = [imported(world.admin, external_id, **more) for external_id, more in (("1", {}), ("1", {}), ("2", {}), ("1", {"text": "别的"}))]
    assert answers == [said] * 4, answers
    wrong = [imported(world.admin, external_id, fields={"no_such": "x"}) for external_id in ("1", "3")]
    assert wrong[0] == wrong[1] and wrong[0]["refused"] == 1, wrong
    accounts = world.ask("GET", "/api/v1/organisation?all=true", world.admin).json()["accounts"]
    manager = next(one for one in accounts if one["id"] == "manager")
    world.ask("PUT", "/api/v1/organisation", world.admin, {"accounts": [{**manager, "scopes": [*manager["scopes"], "import"]}]}, 200)
    system.settle()
    known, new = imported(world.tokens["manager"], "1"), imported(world.tokens["manager"], "4")
    assert known["existed"] == 1 and known["results"][0]["existed"] and known["results"][0]["number"] and known["results"][0]["tracking_code"], known
    assert new["imported"] == 1 and new["results"][0]["number"] != known["results"][0]["number"], new
    world.ask("PUT", "/api/v1/organisation", world.admin, {"accounts": [manager]}, 200)


def it_is_in_no_list_and_no_search(world):
    searches = ["", f"&kind={world.hidden['number'].split('-')[1]}", f"&number={world.hidden['number']}", f"&case_id={world.hidden['case_id']}", "&overdue=false",
                "&phase=open"]
    for search in searches:
        for role in ROLES[1:]:
            reply = world.ask("GET", f"/api/v1/cases?site={SITE}&limit=1000{search}", world.tokens[role])
            rows = [row["number"] for row in reply.json()["rows"]] if reply.status == 200 else []
            assert (world.hidden["number"] in rows) == (role == "manager"), (search, role, rows)
            csv = world.ask("GET", f"/api/v1/cases?site={SITE}&format=csv{search}", world.tokens[role])
            assert (world.hidden["number"].encode() in csv.body) == (role == "manager"), (search, role)
    for role in ROLES[1:]:
        after, seen = "", []
        while True:
            page = world.ask("GET", f"/api/v1/events?limit=500{after}", world.tokens[role]).json()
            seen += [change.get("case_id") for change in page["changes"]]
            if not page["changes"]:
                break
            after = f"&after={page['next']}"
        assert (world.hidden["case_id"] in seen) == (role == "manager"), role


def nor_is_it_told_live(world):
    """Of two changes, of a hidden case and of an open one, whoever follows is told the second alone."""
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)
    connection.request("GET", "/api/v1/events", headers={"Accept": "text/event-stream", "Authorization": f"Bearer {world.tokens['coordinator']}"})
    live = connection.getresponse()
    assert live.status == 200, live.status
    hidden, seen = (world.ask("POST", "/api/v1/cases", world.tokens["manager"], {
        "site": SITE, "kind": kind, "category": "noise", "text": "处罚"}, 201).json()["case_id"] for kind in ("sanction", "complaint"))
    told = ""
    while seen not in told:
        told += live.readline().decode()
    connection.close()
    assert hidden not in told, told


def nor_in_counts(world):
    system.settle()
    registered = {}
    for role in ROLES[1:]:
        reply = world.ask("GET", f"/api/v1/reports/kpi?site={SITE}", world.tokens[role])
        registered[role] = reply.json()["total"]["registered"] if reply.status == 200 else None
    others = {count for role, count in registered.items() if role != "manager" and count is not None}
    assert len(others) == 1 and registered["manager"] == others.pop() + 1, registered
    for role in ROLES[1:]:
        reply = world.ask("GET", f"/api/v1/cases/count?site={SITE}&kind=sanction", world.tokens[role])
        assert reply.status == 404 or int(reply.json()["count"]) == (role == "manager"), (role, reply)


def nor_as_an_empty_group(world):
    """A hidden case of no category leaves no row of zeros behind, and the others stand as they stood."""
    def shown():
        system.settle()
        replies = {role: world.ask("GET", f"/api/v1/reports/kpi?site={SITE}", world.tokens[role]) for role in ROLES[1:] if role != "manager"}
        return {role: reply.json() if reply.status == 200 else reply.status for role, reply in replies.items()}
    before = shown()
    world.ask("POST", "/api/v1/cases", world.tokens["manager"], {"site": SITE, "kind": "sanction", "text": "处罚"}, 201)
    assert shown() == before


def who_may_only_read_is_offered_no_step(world):
    """Whatever the person's post could do."""
    case = world.ask("POST", "/api/v1/cases", world.tokens["reception"], {"site": SITE, "kind": "complaint", "category": "noise", "text": "夜里施工"}, 201).json()["case_id"]
    system.settle()
    assert world.ask("GET", f"/api/v1/cases/{case}", world.tokens["coordinator"], status=200).json()["allowed"]
    assert not world.ask("GET", f"/api/v1/cases/{case}", world.tokens["auditor"], status=200).json().get("allowed")


def nor_by_its_words(world):
    """Of two cases of the same words whoever types them is shown the one that is open to him."""
    words = "夜里顶楼的水箱有怪声，一直响到天亮"
    hushed, other = (world.ask("POST", "/api/v1/cases", world.tokens["manager"], {
        "site": SITE, "kind": kind, "category": "noise", "text": words}, 201).json()["number"] for kind in ("hushed", "complaint"))
    system.settle()
    for role in ("reception", "coordinator"):
        def shown(role=role):
            reply = world.ask("POST", f"/api/v1/cases/alike?site={SITE}", world.tokens[role], {"kind": "hushed", "text": words}, 200)
            return [row["number"] for row in reply.json()["rows"]]
        assert hushed not in harness.eventually("the index of words has it", lambda shown=shown: other in shown() and shown()), role


OTHERS_NEVER = """    never:
      others: {clause: HUSH-1, who: anyone, except: general_manager, do: see}
"""
HUSHED = f"""pack: HUSH
name: [密, Hush]
extends: PROP-11
kinds:
  hushed:
    like: complaint
    clause: HUSH-1
    name: [密, Hushed]
{OTHERS_NEVER}  loud:
    like: complaint
    clause: HUSH-1
    name: [响, Loud]
    rules:
      hush: {{clause: HUSH-1, when: register, then: {{open: hushed, link: hushed, with: {{category: noise}}}}}}
  joining:
    like: complaint
    clause: HUSH-1
    name: [并, Joining]
    may:
      join: {{clause: HUSH-1, who: general_manager, do: merge}}
"""
# The kind that was open to all is hidden, and the one that was hidden is gone.
TIGHTENED = f"""pack: HUSH
name: [密, Hush]
extends: PROP-11
kinds:
  loud:
    like: complaint
    clause: HUSH-1
    name: [响, Loud]
{OTHERS_NEVER}"""


def publish(pack):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "HUSH"))
        with open(os.path.join(folder, "HUSH", "pack.yaml"), "w", encoding="utf-8") as f:
            f.write(pack)
        system.run("policy", "publish", SITE, os.path.join(folder, "HUSH"), "--operator")
    system.settle()  # every service has heard of it


def nor_as_likely_duplicates(world):
    """Whoever may register a case like it is not told, by that, that there is one."""
    publish(HUSHED)
    body = {"site": SITE, "kind": "hushed", "category": "noise", "place": "听涛阁西侧", "text": "密"}
    first = world.ask("POST", "/api/v1/cases", world.tokens["manager"], body, 201).json()
    system.settle()
    for role in ("reception", "coordinator", "manager"):
        reply = world.ask("POST", "/api/v1/cases", world.tokens[role], body, 201).json()
        assert (first["number"] in reply.get("alike", [])) == (role == "manager"), (role, reply)
        system.settle()
    timeline = world.ask("GET", f"/api/v1/cases/{reply['case_id']}/timeline", world.tokens["manager"], None, 200)
    assert '"registered"' in timeline.body.decode() and '"alike"' not in timeline.body.decode(), timeline
    a_link_to_it_is_not_there(world, body)
    nor_by_its_words(world)


def a_link_to_it_is_not_there(world, body):
    """Neither where a rule opened it, nor where somebody who sees it has named it: in the file, in all that happened, in no answer."""
    loud = world.ask("POST", "/api/v1/cases", world.tokens["manager"], {**body, "kind": "loud"}, 201).json()["case_id"]
    system.settle()
    linked = world.ask("GET", f"/api/v1/cases/{loud}", world.tokens["manager"], None, 200).json()["links"]
    assert [link["kind"] for link in linked] == ["hushed"], linked
    other = world.ask("POST", "/api/v1/cases", world.tokens["coordinator"], {**body, "kind": "joining"}, 201).json()["case_id"]
    system.settle()
    world.ask("POST", f"/api/v1/cases/{other}/actions/merge", world.tokens["manager"], {"fields": {"leading": linked[0]["number"]}}, 200)
    system.settle()
    for case, role in ((case, role) for case in (loud, other) for role in ("coordinator", "manager")):
        for template in (template for method, template in operations() if method == "GET" and "cases/{id}" in template
                         and not template.endswith("{file}") and "/cells/" not in template):
            if template.endswith("{document}"):
                continue
            reply = world.ask("GET", address_of("GET", template, case), world.tokens[role], None, 200)
            told = [word for word in (linked[0]["case_id"], linked[0]["number"], '"hushed"') if word in reply.body.decode()]
            assert not told or role == "manager", (template, case == loud, told, reply.body.decode())
            assert told or role != "manager" or template.endswith(("explain", "documents", "attachments")), (template, case == loud)


def nor_by_another_version(world):
    """What is hidden the policy of today says; where it has no such kind, that of the case."""
    hushed, loud = (world.ask("POST", "/api/v1/cases", world.tokens["manager"], {
        "site": SITE, "kind": kind, "category": "noise", "text": kind}, 201).json() for kind in ("hushed", "loud"))
    system.settle()
    path = f"/api/v1/cases/{loud['case_id']}/attachments?name=a.txt"
    PARTS["file"] = world.ask("POST", path, world.tokens["reception"], b"a\n", 201).json()["id"]
    publish(TIGHTENED)
    for world.hidden in (hushed, loud):
        a_hidden_case_is_not_there(world)
        nor_where_it_is_named(world)
        it_is_in_no_list_and_no_search(world)


def who_may_add_files(world):
    """By what the pack says of the post: the recording is the duty officer's to add, the proof of payment finance's; nobody else's of that department."""
    organisation = world.ask("GET", "/api/v1/organisation", world.admin, None, 200).json()
    handler = next(person for person in organisation["people"] if person["id"] == "zhou_qiang")

    def added_by(post, case):
        posts = [{"post": post, "department": "engineering_department", "site": SITE}]
        world.ask("PUT", "/api/v1/organisation", world.admin, {"people": [{**handler, "posts": posts}]}, 200)
        system.settle()
        return world.ask("POST", f"/api/v1/cases/{case}/attachments?name={post}.txt", world.tokens["handler"], b"a\n").status

    for pack, post in (("PROP-11", "duty_officer"), ("PROP-CO", "finance")):
        system.run("policy", "publish", SITE, pack, "--operator")
        system.settle()
        case = world.ask("POST", "/api/v1/cases", world.tokens["reception"], {
            "site": SITE, "kind": "complaint", "channel": "phone", "category": "other", "text": "走廊", "party": {"name": "某某"}}, 201).json()["case_id"]
        system.settle()
        assert world.ask("GET", f"/api/v1/cases/{case}", world.admin, None, 200).json()["lead"] != "engineering_department"
        answers = {name: added_by(name, case) for name in ("auditor", post, "safety_officer")}
        assert answers == {"auditor": 403, post: 201, "safety_officer": 403}, (pack, answers)


def test_rights():
    global system
    with harness.System("--demo") as system:
        world = World()
        everything_is_asked_by_everybody(world)
        it_is_in_no_list_and_no_search(world)
        a_hidden_case_is_not_there(world)
        nor_where_it_is_named(world)
        nor_in_counts(world)
        nor_as_an_empty_group(world)
        who_may_only_read_is_offered_no_step(world)
        nor_is_it_told_live(world)
        nor_as_likely_duplicates(world)
        nor_where_it_is_imported(world)
        nor_by_another_version(world)
        who_may_add_files(world)


if __name__ == "__main__":
    harness.needs_a_build_without_sanitizers("files are attached, and hearback-inspect shuts itself in more tightly than they allow")
    harness.main([test_rights])
