"""The gateway's HTTP API from outside: a whole demonstration system on loopback, every kind of request and every kind of
mistake, a service that is away, clients that go away."""

import csv
import http.client
import io
import json
import os
import re
import select
import signal
import socket
import threading
import time
import urllib.parse

import harness

SERVICES = ["directory", "intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics"]
COLUMNS = "external_id,case_number,kind,category,department,handler,stage,received_at,due_at,closed_at,on_time"
COMPLAINT = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone",
             "text": "楼上深夜装修", "party": {"name": "王小明", "phone": "021-55500999"}}

system = None
tokens = {}


def call(method, path, body=None, account="reception", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return system.http(method, path, body, tokens.get(account), names)


def get(path, account="reception", **headers):
    reply = call("GET", path, None, account, **headers)
    assert reply.status == 200, reply
    return reply.json()


def refused(reply, status, code, field=None):
    """A problem document, whole and in both languages."""
    assert reply.status == status, reply
    assert reply.headers["content-type"] == "application/problem+json", reply.headers
    problem = reply.json()
    assert problem["status"] == status and problem["code"] == code, problem
    assert problem["type"].endswith(code) and problem["title"], problem
    assert problem["zh"] and problem["en"] and problem["detail"] in (problem["zh"], problem["en"]), problem
    assert re.search("[\u4e00-\u9fff]", problem["zh"]), problem
    assert problem["instance"] == reply.headers["x-request-id"], problem
    if field is not None:
        assert problem.get("field") == field, problem
    return problem


def submit(body=None, **headers):
    reply = call("POST", "/api/v1/cases", body or COMPLAINT, **headers)
    assert reply.status == 201, reply
    return reply.json()


def eventually(check, timeout_s=10):
    until = time.monotonic() + timeout_s
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < until, f"not within {timeout_s} s"
        time.sleep(0.05)


def all_rows(query="", account="reception", limit=7):
    rows, cursor = [], ""
    while True:
        page = get(f"/api/v1/cases?limit={limit}&cursor={cursor}{query}", account)
        rows += page["rows"]
        cursor = page.get("cursor")
        if not cursor:
            return rows


# ---- health ----

def health_and_metrics():
    assert get("/healthz", None) == {"status": "up"}
    assert get("/api/v1/about", None)["demonstration"] is True
    ready = get("/readyz", None)
    assert ready["status"] == "ready" and sorted(ready["services"]) == sorted(f"{s}-0" for s in SERVICES), ready
    own = call("GET", "/metrics", account=None)
    assert own.headers["content-type"].startswith("text/plain"), own.headers
    assert re.search(rb'^hearback_http_requests_total\{service="gateway",partition="0"\} [1-9]', own.body, re.M), own
    for service in SERVICES:
        reply = call("GET", f"/metrics/{service}", account=None)
        assert f'hearback_commands_total{{service="{service}"'.encode() in reply.body, reply
    assert "casework" in refused(call("GET", "/metrics/nothing"), 404, "not_found")["accepted"]


def description_is_sound():
    reply = call("GET", "/api/v1/openapi.json", account=None)
    api = reply.json()
    assert api["openapi"].startswith("3.1") and api["info"]["title"], api["info"]
    schemas = api["components"]["schemas"]

    def check_references(node):
        if isinstance(node, dict):
            if "$ref" in node:
                assert node["$ref"].split("/")[-1] in schemas, node
            for value in node.values():
                check_references(value)
        elif isinstance(node, list):
            for value in node:
                check_references(value)

    check_references(api)
    ids = [op["operationId"] for path in api["paths"].values() for op in path.values()]
    assert len(ids) == len(set(ids)) and len(ids) >= 18, ids
    for path, operations in api["paths"].items():
        for method, operation in operations.items():
            named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), (path, named)
            assert operation["summary"] and operation["responses"]["default"], (path, method)
            if operation.get("security", api["security"]):  # what it calls closed is closed
                assert call(method.upper(), re.sub(r"{\w+}", "1", path), account=None).status == 401, path


def answers_are_as_described():
    """Every answer of this whole run was held against its description (harness.System.http); here: that each operation
    that gives JSON was among them."""
    described = {(method.upper(), path) for path, operations in system.http("GET", "/api/v1/openapi.json").json()["paths"].items()
                 for method, operation in operations.items()
                 if "application/json" in list(operation["responses"].values())[0]["content"]}
    elsewhere = {("GET", "/api/v1/cells/{cell}/cases/{id}")}  # needs a second cell
    elsewhere |= {one for one in described if one[1].startswith(("/api/v1/session", "/api/v1/tokens"))}  # test_session
    elsewhere |= {one for one in described if one[1].endswith("/attachments")}  # test_attachments
    elsewhere |= {one for one in described if one[1].endswith("/move")}  # test_policy_move
    elsewhere |= {one for one in described if one[1].endswith(("/notices", "/sent", "/reports/figures"))}  # test_lists
    elsewhere |= {one for one in described if one[1].startswith("/api/v1/held")}  # test_held
    elsewhere |= {one for one in described if one[1].endswith(("/public-notices", "/definitions"))}  # test_problems, test_rights
    elsewhere |= {one for one in described if one[1].endswith("/history")}  # test_openapi
    unseen = described - set(system.api.checked) - elsewhere
    assert len(described) >= 17 and not unseen, sorted(unseen)
    assert not [path for path, operations in system.http("GET", "/api/v1/openapi.json").json()["paths"].items()
                for operation in operations.values() for content in list(operation["responses"].values())[0]["content"].values()
                if not content["schema"]]


# ---- who is asking ----

revoked = {}


def tokens_are_checked():
    problem = refused(call("GET", "/api/v1/cases", account=None), 401, "not_signed_in", "Authorization")
    assert problem["accepted"] == ["Bearer TOKEN"]
    reply = system.http("GET", "/api/v1/cases", None, "nonsense")
    refused(reply, 401, "not_signed_in")
    assert reply.headers["www-authenticate"].startswith("Bearer"), reply.headers
    reply = system.http("GET", "/api/v1/cases", None, None, {"Authorization": "Basic " + tokens["reception"]})
    refused(reply, 401, "not_signed_in")
    assert call("GET", "/api/v1/cases", account="auditor").status == 200
    revoked.update(token=tokens["auditor"], at=time.monotonic())
    tokens["auditor"] = system.run("token", "auditor").stdout.strip()
    assert call("GET", "/api/v1/cases", account="auditor").status == 200


def ended_tokens_end():
    """Looked at last: directory's word is kept for 30 s."""
    time.sleep(max(0, revoked["at"] + 30.5 - time.monotonic()))
    refused(system.http("GET", "/api/v1/cases", None, revoked["token"]), 401, "not_signed_in")


def services_authorise():
    get("/api/v1/cells", "admin")
    case_id = submit()["case_id"]
    eventually(lambda: call("GET", f"/api/v1/cases/{case_id}").status == 200)
    for path in ("", "/timeline", "/explain"):
        refused(call("GET", f"/api/v1/cases/{case_id}{path}", account="renhe-handler"), 404, "not_found")
    refused(call("GET", "/api/v1/cases?site=haitang", account="renhe-handler"), 404, "unknown_site")
    assert {row["site"] for row in all_rows(account="renhe-manager")} <= {"renhe"}
    refused(call("POST", "/api/v1/cases", COMPLAINT, account="auditor"), 403, "not_allowed")
    refused(call("POST", f"/api/v1/cases/{case_id}/actions/accept", account="auditor"), 403, "not_allowed")
    refused(call("POST", "/api/v1/imports", {"site": "haitang", "rows": []}, account=None), 401, "not_signed_in")
    rows = [{"source": "x", "external_id": "1", "submit": {k: v for k, v in COMPLAINT.items() if k != "site"}}]
    result = call("POST", "/api/v1/imports", {"site": "haitang", "rows": rows}).json()["results"][0]
    assert result["problem"]["status"] == 403, result
    refused(call("PUT", "/api/v1/organisation", {"departments": []}), 403, "not_allowed")
    refused(call("POST", "/api/v1/policies", {"site": "haitang", "packs": ["PROP-11"]}), 403, "not_allowed")
    sealed = get(f"/api/v1/cases/{case_id}", "auditor")
    assert '"plain"' not in json.dumps(sealed["text"]) and '"box"' not in json.dumps(sealed), sealed
    assert '"plain"' not in json.dumps(sealed["party"]) and sealed["unopened"]["code"] == "not_allowed", sealed
    part = get(f"/api/v1/cases/{case_id}")  # nobody has said what for
    assert part["text"] == {"plain": COMPLAINT["text"]} and "unopened" not in part and part["masked"], part
    assert part["party"]["name"] == {"plain": "王**"} and part["party"]["phone"] == {"plain": "021-****0999"}, part
    timeline = call("GET", f"/api/v1/cases/{case_id}/timeline").body.decode()
    assert "王小明" not in timeline and "55500999" not in timeline and '"masked":true' in timeline, timeline
    opened = get(f"/api/v1/cases/{case_id}?purpose=call+back")
    assert opened["text"] == {"plain": COMPLAINT["text"]} and "unopened" not in opened and "masked" not in opened, opened
    assert opened["party"]["name"] == {"plain": "王小明"} and opened["party"]["phone"] == {"plain": "021-55500999"}
    assert "王小明" in call("GET", f"/api/v1/cases/{case_id}/timeline?purpose=call+back").body.decode()
    said = [event["intake"]["opened"] for event in get(f"/api/v1/cases/{case_id}/timeline?limit=200")["events"] if "opened" in event.get("intake", {})]
    assert {(one["purpose"], one.get("masked", False)) for one in said} >= {("case file", True), ("call back", False)}, said
    assert all(one.get("masked") for one in said if one["purpose"] == "case file"), said


# ---- bad requests ----

def raw(data, wait_s=10):
    """Bytes as they are on a connection of their own; all that comes back until it is closed or idle."""
    answer = b""
    with socket.create_connection(("127.0.0.1", system.port), timeout=wait_s) as s:
        try:
            s.sendall(data)
            while more := s.recv(65536):
                answer += more
        except OSError:  # slow, or cut off: what came until then counts
            pass
    return answer


def bad_requests_are_explained():
    post = lambda body, **headers: call("POST", "/api/v1/cases", body, **{"Content_Type": "application/json", **headers})
    assert "line 2" in refused(post(b'{"site": "haitang",\n "kind": }'), 400, "malformed")["en"]
    assert "duplicate" in refused(post(b'{"site": "a", "site": "b"}'), 400, "malformed")["en"]
    refused(post(b"[1]"), 400, "malformed")
    refused(post(b""), 400, "malformed")
    refused(post(b"\xff\xfe"), 400, "malformed")
    refused(post(b'{"text": "a\\u0000b"}'), 400, "malformed")
    refused(post(b"[" * 500 + b"]" * 500), 400, "malformed")
    assert "kind" in refused(post({**COMPLAINT, "kid": 1}), 400, "malformed", "kid")["en"]
    refused(post({**COMPLAINT, "party": {"name": 7}}), 400, "malformed", "party.name")
    refused(post({**COMPLAINT, "party": {"naem": "x"}}), 400, "malformed", "party.naem")
    refused(post({**COMPLAINT, "site": 7}), 400, "malformed", "site")
    problem = refused(post({**COMPLAINT, "kind": "gripe"}), 422, "unknown_kind", "kind")
    assert "complaint" in problem["accepted"], problem
    refused(post({**COMPLAINT, "site": "atlantis"}), 404, "unknown_site")
    long_name = refused(post({**COMPLAINT, "fields": {"长" * 200: "x"}}), 422, "bad_field")["field"]
    assert long_name.startswith("fields.长") and len(long_name.encode()) <= 300, long_name  # cut between two characters
    assert "noise" in refused(post({**COMPLAINT, "category": "ufo"}), 422, "bad_field", "category")["accepted"]
    problem = refused(post({"site": "haitang", "kind": "repair", "category": "water", "text": "水管漏水"}), 422, "missing_field")
    assert problem["problems"][0]["field"] == "class" and problem["clauses"], problem
    reply = post(json.dumps(COMPLAINT).encode(), Content_Type="text/plain")
    assert refused(reply, 415, "unsupported_type")["accepted"] == ["application/json"]
    assert reply.headers["accept-post"] == "application/json"
    reply = call("DELETE", "/api/v1/cases")
    refused(reply, 405, "method")
    assert set(reply.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}, reply.headers
    refused(call("GET", "/api/v1/nothing"), 404, "unknown_path")
    refused(call("GET", "/api/v1/cases", Accept="image/png"), 406, "not_acceptable", "Accept")
    refused(call("GET", "/api/v1/cases", Accept="application/json;q=0"), 406, "not_acceptable")
    assert call("GET", "/api/v1/cases", Accept="text/html, application/*;q=0.5").status == 200
    assert "stage" in refused(call("GET", "/api/v1/cases?stge=open"), 400, "unknown_parameter", "stge")["accepted"]
    for query, field in (("limit=1&limit=2", "limit"), ("site=haitang&phase=open&site=renhe", "site"), ("lang=en&lang=zh", "lang"), ("limit=0", "limit"), ("limit=1001", "limit"), ("phase=odd", "phase"), ("on_time=maybe", "on_time"),
                         ("received_from=yesterday", "received_from"), ("order=random", "order"), ("format=xls", "format")):
        assert refused(call("GET", f"/api/v1/cases?{query}"), 400, "bad_parameter", field)["accepted"], query
    refused(call("GET", "/api/v1/cases?cursor=zzz"), 422, "bad_field", "cursor")
    for path in ("/api/v1/cases/%ff", "/api/v1/cases/%0", "/api/v1/cases?site=%00", "/api/v1/cases/%00"):
        refused(call("GET", path), 400, "malformed")
    refused(call("GET", "/api/v1/cases", Hearback_After="!!"), 400, "bad_field", "Hearback-After")
    refused(call("GET", "/api/v1/cases", Hearback_After="AAAA"), 400, "bad_field", "Hearback-After")
    english = call("GET", "/api/v1/nothing", Accept_Language="fr, en-GB;q=0.8, zh;q=0.5")
    assert refused(english, 404, "unknown_path")["detail"] == "there is no such path"
    assert english.headers["content-language"] == "en"
    assert refused(call("GET", "/api/v1/nothing?lang=zh", Accept_Language="en"), 404, "unknown_path")["title"] == "没有找到"


def large_bodies_are_refused():
    text = json.dumps({**COMPLAINT, "text": "x" * (1 << 20)}).encode()
    assert refused(call("POST", "/api/v1/cases", text, Content_Type="application/json"), 413, "too_large")["accepted"] == ["1048576"]
    head = (f"POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens['reception']}\r\n"
            "Content-Type: application/json\r\nConnection: close\r\n").encode()
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20 + b"0\r\n\r\n").startswith(b"HTTP/1.1 413 ")
    assert raw(head + b"Content-Length: 99999999999\r\n\r\n" + b"x" * 1000).startswith(b"HTTP/1.1 413 ")
    long_text = {**COMPLAINT, "text": "长" * 20001}
    refused(call("POST", "/api/v1/cases", long_text), 413, "too_large", "text")
    assert call("POST", "/api/v1/cases", {**COMPLAINT, "text": "长" * 20000}).status == 201


def a_request_has_one_end():
    """What could be read as one request or as two is refused, and the connection closed: nothing is smuggled behind a proxy."""
    behind = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: behind\r\n\r\n"
    head = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    for framing, body in ((b"Content-Length: 2\r\nContent-Length: %d" % (len(behind) + 2), b"{}"),
                          (b"Content-Length: 0\r\nContent-Length: %d" % len(behind), b""),
                          (b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n"),
                          (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"2\r\n{}\r\n0\r\n\r\n"),
                          (b"Transfer-Encoding: xchunked", b"2\r\n{}\r\n0\r\n\r\n"),
                          (b"Content-Length : %d" % (len(behind) + 2), b"{}")):
        answer = raw(head + framing + b"\r\n\r\n" + body + behind)
        assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1 and b"behind" not in answer, (framing, answer)
    for framing, body in ((b"Content-Length: 2", b"{}"), (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n")):
        answer = raw(head + framing + b"\r\n\r\n" + body + behind, 2)
        assert answer.count(b"HTTP/1.1 ") == 2 and b"behind" in answer, (framing, answer)  # one after the other, as it should be


def odd_clients_do_no_harm():
    for data in (b"\r\n\r\n", b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"/" * 70000 + b" HTTP/1.1\r\n\r\n",
                 b"POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n"):
        raw(data, 2)
    for _ in range(20):  # gone while the answer is on its way
        s = socket.create_connection(("127.0.0.1", system.port))
        s.sendall(f"GET /api/v1/cases?format=csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens['admin']}\r\n\r\n".encode())
        s.close()
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=10)
    for _ in range(50):  # one connection for many requests
        connection.request("GET", "/api/v1/cases?limit=1", headers={"Authorization": f"Bearer {tokens['reception']}"})
        assert connection.getresponse().read().startswith(b'{"rows"')
    connection.close()
    reply = call("HEAD", "/api/v1/cases")
    assert reply.status == 200 and reply.body == b"" and int(reply.headers["content-length"]) > 10, reply.headers
    assert call("GET", "/healthz", account=None).status == 200


def every_answer_is_dressed():
    for path in ("/healthz", "/api/v1/cases", "/api/v1/nothing", "/api/v1/openapi.json"):
        headers = call("GET", path, X_Request_Id="my-id.7").headers
        assert headers["x-request-id"] == "my-id.7", headers
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY", headers
        policy = headers["content-security-policy"]
        assert all(f"{one} 'none'" in policy for one in ("default-src", "base-uri", "form-action", "frame-ancestors")), headers
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin", headers
        assert headers["cache-control"] and "strict-transport-security" not in headers, headers  # this one speaks http
        assert "server" not in headers and "microhttpd" not in str(headers).lower(), headers
    assert call("GET", "/healthz", X_Request_Id="bad id\t").headers["x-request-id"] != "bad id\t"
    call("GET", "/healthz", X_Request_Id="my-id.8")
    lines = system.requests_logged("my-id.8")
    mine = [line for line in lines if line.get("id") == "my-id.7"]
    assert {line["path"] for line in mine} >= {"/healthz", "/api/v1/cases"}, mine
    assert all(line["status"] and line["ms"] >= 0 for line in mine)
    assert tokens["reception"] not in json.dumps(lines)


# ---- writing ----

def submissions_are_answered():
    reply = call("POST", "/api/v1/cases", COMPLAINT)
    body = reply.json()
    assert reply.headers["location"] == f"/api/v1/cases/{body['case_id']}", reply.headers
    assert body["tracking_code"].startswith(body["number"]) and body["stage"] == "registered", body
    assert re.fullmatch(r"\d{8}-complaint-\d{3}", body["number"]), body
    due = body["promised"][0]
    assert due["clauses"] and due["label"]["zh"] and due["due_at"].endswith("+08:00"), due
    long_form = {**COMPLAINT, "text": {"plain": COMPLAINT["text"]}, "party": {"name": {"plain": "王小明"}}}
    case_id = submit(long_form)["case_id"]
    read = get(f"/api/v1/cases/{case_id}", Hearback_After=call("POST", "/api/v1/cases", COMPLAINT).headers["hearback-after"])
    assert read["text"] == {"plain": COMPLAINT["text"]}
    repair = {"site": "haitang", "kind": "repair", "category": "water", "text": "漏水", "fields": {"class": "daily"}}
    given = call("POST", "/api/v1/cases", repair)
    if given.status == 422:  # the policy's own word for it
        repair["fields"]["class"] = given.json()["accepted"][0]
        given = call("POST", "/api/v1/cases", repair)
    assert given.status == 201, given
    long_fields = [{"name": "class", "text": {"plain": repair["fields"]["class"]}}]
    assert call("POST", "/api/v1/cases", {**repair, "fields": long_fields}).status == 201


once = {}


def same_key_is_the_same_command():
    first = call("POST", "/api/v1/cases", COMPLAINT, Idempotency_Key="once")
    again = call("POST", "/api/v1/cases", COMPLAINT, Idempotency_Key="once")
    once.update(first.json())
    assert (first.status, again.status) == (201, 201), (first, again)
    assert again.json() == {**first.json(), "repeated_command": True}, (first, again)
    other = call("POST", "/api/v1/cases", {**COMPLAINT, "text": "另一件"}, Idempotency_Key="once")
    refused(other, 422, "body_mismatch")
    mine = call("POST", "/api/v1/cases", COMPLAINT, account="coordinator", Idempotency_Key="once")
    assert mine.status == 201 and mine.json()["case_id"] != first.json()["case_id"], mine
    assert submit()["case_id"] != submit()["case_id"]


def writes_are_read():
    """Hearback-After: the next request, to any service, knows of the write before."""
    for _ in range(30):
        reply = call("POST", "/api/v1/cases", COMPLAINT)
        after = {"Hearback_After": reply.headers["hearback-after"]}
        case = reply.json()
        get(f"/api/v1/cases/{case['case_id']}", **after)
        rows = get(f"/api/v1/cases?site=haitang&number={case['number']}", **after)["rows"]
        assert [row["case_id"] for row in rows] == [case["case_id"]], rows
        assert get(f"/api/v1/cases/{case['number']}?site=haitang", **after)["case_id"] == case["case_id"]


def cases_are_found_by_id_and_number():
    case = submit()
    number, case_id = case["number"], case["case_id"]
    eventually(lambda: call("GET", f"/api/v1/cases/{number}?site=haitang").status == 200)
    reply = call("GET", f"/api/v1/cases/{case_id}")
    assert reply.headers["etag"] == f'"{reply.json()["version"]}"', reply.headers
    assert reply.json()["number"] == number
    assert call("GET", f"/api/v1/cases/{case_id}", If_None_Match=reply.headers["etag"]).status == 304
    assert get(f"/api/v1/cases/{int(case_id):016x}")["number"] == number
    for unknown in ("1", str(int(case_id) + 1), "ffffffffffffffff", "99999999999999999999", "no-such-number", "x" * 300):
        refused(call("GET", f"/api/v1/cases/{unknown}"), 404, "not_found")
    other = submit({**COMPLAINT, "site": "lanhu"})
    numbers = {row["number"] for row in all_rows("&site=haitang")} & {row["number"] for row in all_rows("&site=lanhu")}
    if numbers:  # the same number at two sites
        assert len(refused(call("GET", f"/api/v1/cases/{min(numbers)}"), 409, "ambiguous", "site")["accepted"]) >= 2
    assert other["case_id"] != case_id


def new_case(**more):
    """A complaint that is at its department: (id, its file)."""
    reply = call("POST", "/api/v1/cases", dict(COMPLAINT, **more))
    assert reply.status == 201, reply
    after = {"Hearback_After": reply.headers["hearback-after"]}
    case_id = reply.json()["case_id"]
    file = eventually(lambda: (lambda f: f if f.get("lead") else None)(get(f"/api/v1/cases/{case_id}", **after)))
    return case_id, file


def steps_are_taken():
    case_id, file = new_case()
    path = f"/api/v1/cases/{case_id}/actions"
    offered = {allowed["step"]: allowed for allowed in get(f"/api/v1/cases/{case_id}", "coordinator")["allowed"]}
    assert "decline" in offered and offered["decline"]["needs"] == ["reason"], offered
    problem = refused(call("POST", f"{path}/fly", account="coordinator"), 404, "unknown_step")
    assert "accept" in problem["next"], problem
    refused(call("POST", f"{path}/close", account="coordinator"), 409, "wrong_stage")
    problem = refused(call("POST", f"{path}/accept", account="handler"), 403, "not_allowed")
    assert problem["clauses"], problem
    stale = refused(call("POST", f"{path}/accept", account="coordinator", If_Match='"99"'), 412, "stale_version")
    assert stale["accepted"] == [file["version"]], stale
    refused(call("POST", f"{path}/accept", account="coordinator", If_Match="seven"), 400, "bad_parameter", "If-Match")
    refused(call("POST", f"{path}/accept", {"step": 1, "colour": 2}, account="coordinator"), 400, "malformed", "colour")
    accepted = call("POST", f"{path}/accept", account="coordinator", If_Match=f'"{file["version"]}"', Idempotency_Key="acc")
    assert accepted.status == 200 and accepted.json()["stage"] == "accepted", accepted
    assert accepted.headers["etag"] == f'"{accepted.json()["version"]}"', accepted.headers
    again = call("POST", f"{path}/accept", account="coordinator", If_Match=f'"{file["version"]}"', Idempotency_Key="acc")
    assert again.json() == {**accepted.json(), "repeated_command": True}, again
    refused(call("POST", f"{path}/investigate", account="coordinator"), 422, "missing_field")
    refused(call("POST", f"{path}/investigate", {"fields": {"finding": "x", "moon": "y"}}, account="coordinator"), 422, "bad_field", "fields.moon")
    refused(call("POST", f"{path}/investigate", {"fields": {"长" * 200: "x"}}, account="coordinator"), 422, "bad_field")
    done = call("POST", f"{path}/investigate", {"fields": {"finding": "夜间施工属实"}, "note": "已与住户谈话"}, account="coordinator",
                Hearback_After=accepted.headers["hearback-after"])
    assert done.status == 200 and int(done.json()["version"]) > int(accepted.json()["version"]), done
    read = get(f"/api/v1/cases/{case_id}", Hearback_After=done.headers["hearback-after"])
    assert read["stage"] == "handling" and read["version"] == done.json()["version"], read
    assert {text["name"]: text["text"] for text in read["texts"]}["finding"] == {"plain": "夜间施工属实"}, read["texts"]


def refusals_leave_no_event():
    """What is not allowed, stale, unknown or malformed leaves no event; a refusal for want of a right is said, and changes nothing."""
    case_id, file = new_case()
    path = f"/api/v1/cases/{case_id}/actions"
    system.settle()

    def said():
        return {i["service"]: i["events"] for i in json.loads(system.run("--json", "status").stdout) if i["service"] in ("intake", "casework")}

    before = said()
    refused(call("POST", f"{path}/fly", account="coordinator"), 404, "unknown_step")
    refused(call("POST", f"{path}/close", account="coordinator"), 409, "wrong_stage")
    refused(call("POST", f"{path}/accept", account="coordinator", If_Match='"99"'), 412, "stale_version")
    refused(call("POST", f"{path}/decline", account="coordinator"), 422, "missing_field")
    refused(call("POST", "/api/v1/cases/999999/actions/accept", account="coordinator"), 404, "not_found")
    refused(call("POST", "/api/v1/cases", {**COMPLAINT, "kind": "gripe"}), 422, "unknown_kind")
    refused(call("POST", "/api/v1/cases", {**COMPLAINT, "text": "长" * 20001}), 413, "too_large", "text")
    system.settle()
    assert said() == before, (said(), before)
    refused(call("POST", f"{path}/accept", account="handler"), 403, "not_allowed")
    assert said() == {**before, "casework": before["casework"] + 1}, (said(), before)
    assert get(f"/api/v1/cases/{case_id}")["version"] == file["version"]


def a_confidential_identity_is_for_few():
    """The receptionist and the handler may open texts here; who complained is for the coordinator, by the policy."""
    case_id = submit({**COMPLAINT, "party": {"name": "王小明", "phone": "021-55500999", "confidential": True}})["case_id"]
    system.settle()
    for account in ("reception", "handler", "admin"):
        file = get(f"/api/v1/cases/{case_id}?purpose=look", account)
        assert "王小明" not in json.dumps(file, ensure_ascii=False) and "sealed" in file["party"]["name"], file
        assert file["unopened"]["code"] == "identity_withheld" and file["unopened"]["clauses"] == ["GEN-FRAME-12"], file
        assert file["unopened"]["accepted"] == ["coordinator"] and file["text"]["plain"] == COMPLAINT["text"], file
        timeline = call("GET", f"/api/v1/cases/{case_id}/timeline", account=account).body.decode()
        assert "王小明" not in timeline and "021-55500999" not in timeline, timeline
    file = get(f"/api/v1/cases/{case_id}?purpose=call+back", "coordinator")
    assert file["party"]["name"] == {"plain": "王小明"} and "unopened" not in file, file
    system.settle()
    opened = [event["intake"]["opened"] for event in get(f"/api/v1/cases/{case_id}/timeline?limit=100", "coordinator")["events"]
              if "opened" in event.get("intake", {})]
    assert any("name" in event.get("withheld", []) for event in opened), opened
    assert any(event.get("purpose") == "call back" and "name" in event["fields"] for event in opened), opened


def everything_is_shown_and_explained():
    case_id, file = new_case()
    call("POST", f"/api/v1/cases/{case_id}/actions/accept", {"note": "马上处理"}, account="coordinator")
    eventually(lambda: any(n["notice"]["notice"] == "acknowledgement" for n in
                           get(f"/api/v1/cases/{case_id}/explain").get("notices", [])))
    whole = get(f"/api/v1/cases/{case_id}/timeline?limit=200")
    first = whole["events"][0]
    assert first["intake"]["registered"]["number"] == file["number"], first
    assert first["intake"]["registered"]["text"] == {"plain": COMPLAINT["text"]}, first
    assert first["actor"]["account"] == "reception" and first["recorded_at"].endswith("+08:00"), first
    steps = [e["casework"]["step_taken"] for e in whole["events"] if "step_taken" in e.get("casework", {})]
    assert steps[0]["step"] == "accept" and steps[0]["note"] == {"plain": "马上处理"}, steps
    paged, after = [], 0
    while True:
        page = get(f"/api/v1/cases/{case_id}/timeline?limit=2&after={after}")
        paged += page["events"]
        after = page.get("next")
        if not after:
            break
    assert paged[:len(whole["events"])] == whole["events"], (len(paged), len(whole["events"]))
    sealed = call("GET", f"/api/v1/cases/{case_id}/timeline", account="auditor").json()
    assert '"plain"' not in json.dumps(sealed["events"]) and sealed["unopened"]["code"] == "not_allowed"
    why = get(f"/api/v1/cases/{case_id}/explain")
    assert "unavailable" not in why, why["unavailable"]
    assert why["routing"]["routed"][0]["lead"] == file["lead"] and why["routing"]["clauses"], why["routing"]
    clock = next(c for c in why["clocks"] if c["instance"]["clock"] == "accept")
    assert clock["clauses"] and clock["days"][0]["reason"]["zh"] and clock["state"] == "met", clock
    notice = next(n for n in why["notices"] if n["notice"]["notice"] == "acknowledgement")
    assert notice["clauses"] and notice["status"], notice
    assert isinstance(why["levels"], list)


def a_long_history_is_printed_whole():
    """casework gives a part of it at a time, and each look at the sealed texts is in it too."""
    case_id, _ = new_case()
    path = f"/api/v1/cases/{case_id}/documents/acceptance_form"
    for _ in range(205):
        assert call("GET", f"/api/v1/cases/{case_id}?purpose=to+test", account="coordinator").status == 200
    assert call("POST", f"/api/v1/cases/{case_id}/actions/accept", account="coordinator").status == 200
    rows = next(block["rows"] for block in get(path, "coordinator")["blocks"] if block["name"] == "steps")
    assert rows[-1]["name"] == "accept", rows[-3:]


# ---- lists, exports, imports ----

def forms_are_filled_in():
    """A form as data and on paper; what the reader may not open is sealed on it; an injected text stays a text."""
    nasty = "<script>alert(1)</script>"
    case_id, case = new_case(text=nasty, fields=[{"name": "valid", "value": {"yes": True}}])
    path = f"/api/v1/cases/{case_id}/documents"
    listed = {d["name"]: d for d in get(path, "coordinator")["documents"]}
    assert [i["number"] for i in listed["acceptance_form"]["issued"]] == [case["number"]], listed
    form = get(f"{path}/acceptance_form", "coordinator")
    assert form["number"] == case["number"] and not form["draft"] and form["clauses"] == ["PROP-11-04", "PROP-11-14"], form
    blocks = {b["name"]: {r["name"]: r for r in b["rows"]} for b in form["blocks"]}
    assert blocks["party"]["phone"]["value"] == "021-****0999" and blocks["case"]["text"]["value"] == nasty, blocks
    assert blocks["dispatch"]["lead"]["value"]["zh"] == "客户服务中心" and blocks["result"]["valid"]["value"]["en"] == "yes", blocks
    whole = get(f"{path}/acceptance_form?purpose=to+send+it", "coordinator")
    assert "021-55500999" in [row["value"] for block in whole["blocks"] for row in block["rows"]], whole
    assert form["masked"] and "masked" not in whole
    page = call("GET", f"{path}/acceptance_form?format=html", None, "coordinator")
    text = page.body.decode()
    assert page.status == 200 and page.headers["content-type"].startswith("text/html"), page
    assert "投诉受理登记表" in text and "&lt;script&gt;" in text and "<script" not in text, text
    assert "已部分遮盖" in text, text  # on each copy
    english = call("GET", f"{path}/acceptance_form?format=html&lang=en", None, "coordinator").body.decode()
    assert "Complaint acceptance form" in english and "Registration" in english and "partly masked" in english, english
    full = call("GET", f"{path}/acceptance_form?format=html&purpose=to+send+it", None, "coordinator").body.decode()
    assert "遮盖" not in full and "021-55500999" in full, full
    # a member of staff without the scope `open` gets the form without the complainant's words
    closed = get(f"{path}/acceptance_form", "auditor")
    sealed = {r["name"]: r for b in closed["blocks"] for r in b["rows"]}
    assert sealed["phone"].get("sealed") and sealed["phone"]["value"] == "" and closed["unopened"]["status"] == 403, closed
    draft, _ = new_case()
    assert get(f"/api/v1/cases/{draft}/documents/acceptance_form", "coordinator")["draft"]
    unknown = refused(call("GET", f"{path}/nonsense", None, "coordinator"), 404, "not_found")
    assert "acceptance_form" in unknown["accepted"], unknown
    refused(call("GET", f"{path}/acceptance_form?format=pdf", None, "coordinator"), 400, "bad_parameter", "format")
    refused(call("GET", f"{path}/acceptance_form", None, "renhe-manager"), 404, "not_found")


def views_are_kept():
    """Whose they are: test_views."""
    body = {"site": "haitang", "name": {"zh": "噪声"}, "filter": [{"name": "category", "value": "noise"}]}
    kept = call("POST", "/api/v1/views", body)
    assert kept.status == 201, kept
    path = f"/api/v1/views/{kept.json()['id']}"
    assert call("PUT", path, {**body, "name": {"en": "Noise"}}).json()["name"]["en"] == "Noise"
    assert [one["id"] for one in get("/api/v1/views?site=haitang")["views"]] == [kept.json()["id"]]
    assert call("DELETE", path).status == 200 and get("/api/v1/views")["views"] == []


def rows_of(count, prefix, **changes):
    submission = {"kind": "complaint", "category": "noise", "channel": "phone", "text": "旧系统记录"}
    return [{"source": "old", "external_id": f"{prefix}{i}", "received_ms": f"2026-03-{i % 28 + 1:02}T09:00:00+08:00",
             "submit": {**submission, **changes}} for i in range(count)]


def imports_go_on_after_a_bad_row():
    rows = rows_of(6, 'a,"b"\n')
    rows[1]["submit"]["kind"] = "gripe"
    rows[2]["sumbit"] = {}
    rows[3] = "no row"
    reply = call("POST", "/api/v1/imports", {"site": "haitang", "rows": rows}, account="admin")
    body = reply.json()
    assert reply.status == 200 and (body["imported"], body["existed"], body["refused"]) == (3, 0, 3), body
    assert [r["row"] for r in body["results"]] == list(range(6))
    assert body["results"][1]["problem"]["code"] == "unknown_kind", body
    assert body["results"][2]["problem"]["field"] == "rows[2].sumbit", body
    assert body["results"][3]["problem"]["field"] == "rows[3]", body
    assert body["results"][0]["number"] and body["results"][0]["case_id"], body
    again = call("POST", "/api/v1/imports", {"site": "haitang", "rows": rows}, account="admin").json()
    assert (again["imported"], again["existed"], again["refused"]) == (0, 3, 3), again
    assert again["results"][0]["existed"] and again["results"][0]["case_id"] == body["results"][0]["case_id"], again
    assert again["differing"] == 0 and not any(result.get("differs") for result in again["results"]), again
    rows[0]["submit"]["category"] = "staff"
    again = call("POST", "/api/v1/imports", {"site": "haitang", "rows": rows}, account="admin").json()
    assert (again["imported"], again["existed"], again["differing"]) == (0, 3, 1), again
    (told,) = again["results"][0]["differs"]
    assert (told["field"], told["was"], told["now"]) == ("category", {"text": "noise"}, {"text": "staff"}), told
    refused(call("POST", "/api/v1/imports", {"site": "haitang", "rows": rows_of(501, "x")}, account="admin"), 413, "too_large", "rows")
    refused(call("POST", "/api/v1/imports", {"site": "haitang", "rows": {}}, account="admin"), 400, "malformed", "rows")
    refused(call("POST", "/api/v1/imports", {"site": "haitang"}, account="admin"), 400, "malformed", "rows")
    refused(call("POST", "/api/v1/imports", {"site": "haitang", "rows": [], "x": 1}, account="admin"), 400, "bad_parameter", "x")


def what_nobody_accepts_is_overdue():
    """Until acceptance the clock `accept` stands for the case in lists and figures; then the reply does, though it was
    accepted late."""
    rows = rows_of(2, "main", category="staff")
    steps = [("accept", "11T09:00"), ("handle", "11T11:00"), ("answer", "11T12:00"), ("close", "11T17:00")]
    fields = {"handle": {"result": "已处理"}, "answer": {"reply_text": "已处理，致歉。"}}
    for row in rows:
        row["received_ms"] = "2026-03-09T20:00:00+08:00"
    rows[1]["history"] = {"steps": [{"step": step, "occurred_ms": f"2026-03-{at}:00+08:00", "fields": fields.get(step, {})}
                                    for step, at in steps]}
    system.settle()  # what the last test imported
    before = get("/api/v1/reports/kpi?site=haitang", "manager")["total"]
    reply = call("POST", "/api/v1/imports", {"site": "haitang", "rows": rows}, account="admin").json()
    assert reply["imported"] == 2, reply
    system.settle()
    found = {row.get("external_id"): row for row in all_rows("&site=haitang&category=staff", "coordinator")}
    untouched, answered = found["main0"], found["main1"]
    assert untouched["on_time"] == "false" and untouched["due_at"] == "2026-03-10T20:00:00+08:00", untouched
    assert answered["on_time"] == "true" and answered["due_at"] == "2026-03-16T18:00:00+08:00", answered
    after = get("/api/v1/reports/kpi?site=haitang", "manager")["total"]
    assert int(after["overdue"]) == int(before["overdue"]) + 1 and int(after["on_time"]) == int(before["on_time"]) + 1, after


def counts_are_exact():
    """A count is what the list with the same filter has, for each filter and each who asks."""
    def counted(query, account="reception"):
        return get(f"/api/v1/cases/count?site=haitang&{query}", account)["count"]

    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    filters = ("", "phase=open", "phase=closed,archived", "kind=complaint", "category=noise&phase=open", "overdue=true", "on_time=true", "on_time=false",
               "department=customer_service_centre&phase=open", "handler=nobody", "number=2026", f"due_to={soon}", f"due_from={soon}")
    for query in filters:
        rows = all_rows(f"&site=haitang&{query}")
        assert counted(query) == len(rows), (query, len(rows))
    due = all_rows(f"&site=haitang&due_to={soon}")
    assert due and all(row["due_at"] and row.get("on_time", "") == "" and "closed_at" not in row for row in due), due[:3]
    assert counted(f"due_to={soon}") + counted(f"due_from={soon}") == len([row for row in all_rows("&site=haitang") if row.get("due_at") and row.get("on_time", "") == "" and "closed_at" not in row])
    refused(call("GET", "/api/v1/cases/count"), 400, "bad_parameter", "site")
    like = {"kind": "complaint", "category": "noise", "place": "nowhere"}
    refused(call("POST", "/api/v1/cases/alike", like), 400, "bad_parameter", "site")
    assert call("POST", "/api/v1/cases/alike?site=haitang", like).json()["rows"] == []
    refused(call("GET", "/api/v1/cases/kinds"), 400, "bad_parameter", "site")
    kinds = {one["kind"]: one for one in get("/api/v1/cases/kinds?site=haitang")["kinds"]}
    assert "phone" in kinds["complaint"]["channels"] and kinds["complaint"].get("settle") and "sanction" not in kinds, kinds
    refused(call("GET", "/api/v1/cases/count?site=renhe"), 404, "unknown_site")
    (label,) = get("/api/v1/labels?site=haitang&places=A1&format=json")["labels"]  # test_places
    assert label["place"] == "A1" and "/s/" in label["address"], label
    refused(call("GET", "/api/v1/cases/count?site=haitang&due_to=soon"), 400, "bad_parameter", "due_to")


def lists_and_exports_agree():
    for part in range(3):
        body = call("POST", "/api/v1/imports", {"site": "yunqi", "rows": rows_of(400, f"big{part}-")}, account="admin").json()
        assert body["imported"] == 400, body["results"][:3]
    eventually(lambda: len(all_rows("&site=yunqi", "admin", 1000)) >= 1200, 30)
    system.settle()
    for order in ("newest", "oldest"):
        rows = all_rows(f"&order={order}", "admin", 100)
        places = [(row["received_at"], int(row["case_id"])) for row in rows]
        assert len(set(places)) == len(places) >= 1200
        assert [p[0] for p in places] == sorted((p[0] for p in places), reverse=order == "newest")
        assert {row["site"] for row in rows} >= {"haitang", "yunqi", "renhe"}
    rows = all_rows("&site=yunqi&order=oldest", "admin", 500)
    for reply in (call("GET", "/api/v1/cases?site=yunqi&format=csv", account="admin"),
                  call("GET", "/api/v1/cases?site=yunqi", account="admin", Accept="text/csv")):
        assert reply.status == 200 and reply.headers["content-type"].startswith("text/csv"), reply.headers
        assert reply.body.decode("utf-8-sig").splitlines()[0] == COLUMNS and reply.body.count(b"\r\n") == len(rows) + 1
        table = list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"), newline="")))
        assert [line["case_number"] for line in table] == [row["number"] for row in rows]
        for line, row in zip(table, rows):
            assert [line[n] for n in ("external_id", "kind", "category", "department", "handler", "stage", "received_at", "due_at",
                                      "closed_at", "on_time")] == \
                [row.get(n, "") for n in ("external_id", "kind", "category", "department", "handler", "stage", "received_at",
                                          "due_at", "closed_at", "on_time")], (line, row)
    quoted = call("GET", "/api/v1/cases?site=haitang&format=csv&kind=complaint", account="admin").body.decode("utf-8-sig")
    names = {line["external_id"] for line in csv.DictReader(io.StringIO(quoted, newline=""))}
    assert 'a,"b"\n0' in names, sorted(names)[:5]
    for query, wanted in (("external_id=big0-7", lambda r: r.get("external_id") == "big0-7"),
                          ("phase=open&kind=complaint", lambda r: r["phase"] in (1, 2, 3, 4)),
                          ("stage=registered", lambda r: r["stage"] == "registered"),
                          ("received_from=2026-03-05&received_to=2026-03-06", lambda r: r["received_at"].startswith("2026-03-05"))):
        found = all_rows(f"&site=yunqi&{query}", "admin", 500)
        expected = [r for r in all_rows("&site=yunqi", "admin", 500) if wanted(r) and (r["kind"] == "complaint" or "kind" not in query)]
        assert found == expected and found, (query, len(found), len(expected))
    kpi = get("/api/v1/reports/kpi?site=yunqi", "manager")
    assert int(kpi["total"]["registered"]) == len(rows) and kpi["site"] == "yunqi", kpi["total"]
    everywhere = get("/api/v1/reports/kpi", "manager")["total"]["registered"]
    sites = [get(f"/api/v1/reports/kpi?site={site}", "manager")["total"]["registered"] for site in ("haitang", "lanhu", "yunqi")]
    assert int(everywhere) == sum(map(int, sites)) > int(kpi["total"]["registered"]), (everywhere, sites)
    refused(call("GET", "/api/v1/reports/kpi?site=renhe", account="manager"), 404, "unknown_site")


# ---- live updates ----

class Follower(threading.Thread):
    def __init__(self, account, last=None):
        super().__init__(daemon=True)
        self.events, self.comments, self.status = [], 0, None
        headers = {"Authorization": f"Bearer {tokens[account]}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        self.connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=60)
        self.connection.request("GET", "/api/v1/events", headers=headers)
        self.reply = self.connection.getresponse()
        self.status, self.type = self.reply.status, self.reply.headers["Content-Type"]
        self.start()

    def run(self):
        event = {}
        try:
            for line in self.reply:
                line = line.decode().rstrip("\n")
                if line.startswith(":"):
                    self.comments += 1
                elif not line:
                    self.events.append(event) if event else None
                    event = {}
                else:
                    name, value = line.split(": ", 1)
                    event[name] = value
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass

    def cases(self):
        return [json.loads(e["data"])["case_id"] for e in list(self.events) if e.get("event") == "case"]

    def last_id(self):
        return [e["id"] for e in self.events if "id" in e][-1]

    def stop(self):
        self.connection.sock and self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.join(10)


def changes_are_told_live():
    system.settle()
    page = get("/api/v1/events?limit=3")
    assert len(page["changes"]) == 3 and int(page["next"]) >= int(page["changes"][-1]["id"]), page
    rest = get(f"/api/v1/events?after={page['next']}&limit=500")["changes"]
    assert int(rest[0]["id"]) > int(page["changes"][-1]["id"]), rest[0]
    assert get("/api/v1/events?after=99999999")["reset"] is True
    here, elsewhere = Follower("handler"), Follower("renhe-handler")
    assert here.status == 200 and here.type.startswith("text/event-stream"), (here.status, here.type)
    eventually(lambda: here.events and here.events[0]["event"] == "ready")
    first = submit()["case_id"]
    eventually(lambda: first in here.cases())
    change = next(json.loads(e["data"]) for e in here.events if e.get("event") == "case" and first in e["data"])
    assert change["site"] == "haitang" and change["what"] and change["at"].endswith("+08:00"), change
    last = here.last_id()
    here.stop()
    missed = submit()["case_id"]
    again = Follower("handler", last)
    eventually(lambda: missed in again.cases())
    later = submit()["case_id"]
    eventually(lambda: later in again.cases())
    ids = [int(e["id"]) for e in again.events if e.get("event") == "case"]
    assert ids == sorted(set(ids)) and ids[0] > int(last), (ids, last)
    assert not set(elsewhere.cases()) & {first, missed, later}
    for follower in (again, elsewhere):
        follower.stop()
    old = Follower("handler", "999999999")
    eventually(lambda: any(e.get("event") == "reset" for e in old.events))
    old.stop()
    refused(call("GET", "/api/v1/events", Accept="text/event-stream", Last_Event_ID="x"), 400, "bad_parameter", "Last-Event-ID")


def an_account_follows_so_often_and_no_more():
    """One that ends makes room; others are not concerned."""
    followers = [Follower("renhe-manager") for _ in range(64)]
    assert {one.status for one in followers} == {200}
    refused_one = system.http("GET", "/api/v1/events", None, tokens["renhe-manager"], {"Accept": "text/event-stream"})
    problem = refused(refused_one, 429, "too_many_streams")
    assert refused_one.headers["retry-after"] == str(problem["retry_after"]), refused_one.headers
    assert get("/api/v1/events?limit=1", "renhe-manager")["changes"]
    other = Follower("handler")
    assert other.status == 200
    other.stop()
    followers.pop().stop()

    def again():
        one = Follower("renhe-manager")
        one.stop()
        return one.status == 200

    eventually(again, 45)  # the gateway sees that one has gone when it next writes, within 15 s, or at the time after
    for one in followers:
        one.stop()


# ---- organisation and policies ----

CHANGES = {  # of each kind: what two people make of it
    "sites": ({"code": "HX"}, {"code": "HY"}), "departments": ({"head": "li_jing"}, {"head": "zhou_qiang"}),
    "people": ({"email": "a@example.org"}, {"email": "b@example.org"}), "calendars": ({"source": "mine"}, {"source": "theirs"}),
    "accounts": ({"scopes": ["read"]}, {"scopes": ["read", "import"]}),
}


def nobody_writes_over_what_he_has_not_seen():
    """What is new, what is already so, and what nobody changed since it was read goes through."""
    refused(call("GET", "/api/v1/organisation?site=haitang&all=true"), 403, "not_allowed")
    refused(call("GET", "/api/v1/organisation?all=maybe", account="admin"), 400, "bad_parameter")
    assert "accounts" not in get("/api/v1/organisation?site=haitang", "admin")
    read = lambda: get("/api/v1/organisation?site=haitang&all=true", "admin")
    put = lambda kind, one, *seen: call("PUT", "/api/v1/organisation", {kind: [one], "seen": {kind: list(seen)}}, account="admin")
    before = read()
    for kind, (mine, theirs) in CHANGES.items():
        at = next(at for at, one in enumerate(before[kind]) if one.get("id") != "admin")
        was = before[kind][at]
        assert put(kind, {**was, **theirs}, was).status == 200, kind
        refused(put(kind, {**was, **mine}, was), 412, "stale_version")
        refused(put(kind, {**was, **mine}), 412, "stale_version")  # it is not new
        assert put(kind, {**was, **theirs}, was).status == 200, kind  # it is so already
        assert put(kind, was, read()[kind][at]).status == 200, kind
    plan = {"site": "haitang", "roster": "desk", "from_ms": "1893427200000", "to_ms": "1893513600000",
            "shifts": [{"person": "li_jing", "from_ms": "1893427200000", "to_ms": "1893513600000"}]}
    later = {**plan, "shifts": [{**plan["shifts"][0], "person": "zhou_qiang"}]}
    assert put("rosters", plan).status == 200
    assert read()["rosters"] == [plan], read()["rosters"]
    refused(put("rosters", later, later), 412, "stale_version")
    assert put("rosters", later, plan).status == 200 and read()["rosters"] == [later]



def organisation_and_policies():
    mine = get("/api/v1/organisation?site=haitang")
    assert [site["id"] for site in mine["sites"]] == ["haitang"] and mine["people"] and mine["departments"], mine
    refused(call("GET", "/api/v1/organisation?site=renhe"), 403, "not_allowed")
    refused(call("GET", "/api/v1/organisation?site=atlantis"), 404, "unknown_site")
    site = {"id": "new-york", "name": {"zh": "纽约", "en": "New York"}, "zone": "America/New_York", "code": "NY"}
    office = {"id": "office", "site": "new-york", "name": {"zh": "办公室", "en": "Office"}}
    bad = call("PUT", "/api/v1/organisation", {"sites": [{**site, "zone": "Mars/Base"}]}, account="admin")
    refused(bad, 422, "bad_field", "sites[0].zone")
    changed = call("PUT", "/api/v1/organisation", {"sites": [site], "departments": [office]}, account="admin")
    assert changed.status == 200, changed
    nobody_writes_over_what_he_has_not_seen()
    assert call("POST", "/api/v1/accounts/auditor/setup", account="admin").json()["account"] == "auditor"  # more: test_session
    refused(call("POST", "/api/v1/policies", {"site": "new-york", "packs": ["NO-SUCH"]}, account="admin"), 422, "policy_mistakes")
    broken = {"site": "new-york", "packs": ["MINE"],
              "sources": [{"path": "MINE/pack.yaml", "text": "pack: MINE\nname: [我的, Mine]\nextends: GEN-FRAME\nkindz: {}\n"}]}
    problem = call("POST", "/api/v1/policies", broken, account="admin").json()
    assert problem["status"] == 422 and "MINE/pack.yaml" in json.dumps(problem), problem
    # small as written, too large as compiled; more packs than a site has: neither is published (the first one below has version 1)
    choices = ", ".join(f"c{n}: [{'选' * 20}{n}, {'choice ' * 5}{n}]" for n in range(400))
    wide = "pack: WIDE\nname: [宽, Wide]\nextends: GEN-FRAME\nkinds:\n  wide:\n    like: report\n    clause: WIDE-1\n    name: [宽, Wide]\n    fields:\n" \
           f"      choice: {{clause: WIDE-1, name: [选, Choice], one_of: {{{choices}}}}}\n"
    wide += "".join(f"  k{n}: {{like: wide, clause: WIDE-1, name: [类{n}, Kind {n}]}}\n" for n in range(60))
    too_wide = {"site": "new-york", "packs": ["WIDE"], "sources": [{"path": "WIDE/pack.yaml", "text": wide}]}
    assert "2 MiB" in refused(call("POST", "/api/v1/policies", too_wide, account="admin"), 413, "too_large")["detail"]
    refused(call("POST", "/api/v1/policies", {"site": "new-york", "packs": ["PROP-11"] * 17}, account="admin"), 413, "too_large", "packs")
    refused(call("DELETE", "/api/v1/policies/new-york/coming", account="admin"), 404, "not_found")
    later = call("POST", "/api/v1/policies", {"site": "new-york", "packs": ["boston-311"], "from": "2099-01-01"}, account="admin").json()
    assert later["coming"]["day"] == "2099-01-01" and "policy_version" not in later, later
    assert call("DELETE", "/api/v1/policies/new-york/coming", account="admin").status == 200
    done = call("POST", "/api/v1/policies", {"site": "new-york", "packs": ["PROP-11"]}, account="admin",
                Hearback_After=changed.headers["hearback-after"])
    said = done.json()
    assert done.status == 200 and (said["site"], said["policy_version"]) == ("new-york", 1), done
    assert {one["field"] for one in said["warnings"]} >= {"ladders.default"}, done  # nobody has a post there yet
    assert [p for p in get("/api/v1/policies", "admin")["policies"] if p["site"] == "new-york"][0]["version"] == 1
    policy = get("/api/v1/policies/new-york", "admin")
    assert policy["site"] == "new-york" and any(kind["name"] == "complaint" for kind in policy["kinds"])
    refused(call("GET", "/api/v1/policies/new-york?version=9", account="admin"), 404, "no_policy")
    refused(call("GET", "/api/v1/policies/renhe"), 403, "not_allowed")
    reply = call("POST", "/api/v1/imports", {"site": "new-york", "rows": rows_of(1, "ny")}, account="admin",
                 Hearback_After=done.headers["hearback-after"])
    assert reply.json()["imported"] == 1, reply
    after = {"Hearback_After": reply.headers["hearback-after"]}
    file = get(f"/api/v1/cases/{reply.json()['results'][0]['case_id']}", "admin", **after)
    assert file["received_at"] == "2026-02-28T20:00:00-05:00", file["received_at"]  # as people there read it


def calendars_and_indicators():
    """Shown in full by test_calendar and test_indicators; here who may."""
    year = {"year": 2099, "days": [{"date": "2099-01-01", "name": "元旦", "isOffDay": True}]}
    refused(call("POST", "/api/v1/calendars/cn/years", year, account="reception"), 403, "not_allowed")
    done = call("POST", "/api/v1/calendars/cn/years", year, account="admin", Idempotency_Key="year")
    assert done.status == 200 and done.json()["year"] == 2099, done
    again = call("POST", "/api/v1/calendars/cn/years", year, account="admin", Idempotency_Key="year")
    assert again.json() == {**done.json(), "repeated_command": True}, again
    moved = get("/api/v1/calendars/moved?site=haitang&since=2025-01-01T00:00:00Z", "admin", Hearback_After=done.headers["hearback-after"])
    assert moved.get("clocks", []) == [], moved
    refused(call("GET", "/api/v1/calendars/moved?site=renhe", account="handler"), 404, "unknown_site")
    names = {one["name"] for one in get("/api/v1/reports/indicators?site=haitang", "manager")["indicators"]}
    assert {"on_time_closure", "revisit_rate"} <= names, names
    refused(call("GET", "/api/v1/reports/indicators?site=renhe", account="manager"), 404, "unknown_site")


NOTES = """pack: NOTES
name: [便条, Notes {i}]
in_force: 2025-01-01
posts:
  clerk: {{clause: NOTES-1, name: [职员, Clerk], in: desk}}
kinds:
  note:
    clause: NOTES-1
    name: [便条, Note]
    stages: {{open: new, closed: closed}}
    stage_names: {{open: [未办, Open], closed: [已办, Closed]}}
    steps:
      register: {{clause: NOTES-1, name: [登记, Register], to: open, by: anyone}}
      close: {{clause: NOTES-1, name: [办结, Close], from: open, to: closed, by: employee}}
    route: {{otherwise: {{clause: NOTES-1, to: clerk}}}}
"""


def who_did_and_who_looked():
    """Shown in full by test_audit; here who may."""
    assert get("/api/v1/audit?site=haitang&limit=1", "auditor")["entries"]
    assert len(get("/api/v1/audit/chain?site=haitang", "auditor")["logs"]) == 8
    assert call("POST", "/api/v1/audit/chain?site=haitang", account="auditor").status == 200
    refused(call("GET", "/api/v1/audit?site=haitang", account="manager"), 404, "unknown_site")
    refused(call("POST", "/api/v1/audit/chain", account="auditor"), 400, "bad_parameter")


def policies_are_tried():
    """Shown in full by test_policies; here who may."""
    body = {"site": "haitang", "packs": ["PROP-11"]}
    assert get("/api/v1/policies/haitang/sources", "admin")["kept"]
    for what, more in (("check", {}), ("diff", {}), ("rehearse", {"scenarios": [{"path": "a.yaml", "text": "scenario: X\n"}]})):
        assert call("POST", f"/api/v1/policies/{what}", {**body, **more}, account="admin").status == 200
        refused(call("POST", f"/api/v1/policies/{what}", {**body, **more}, account="manager"), 403, "not_allowed")


def what_is_published_holds_at_once():
    """The next submission, by another account that brings no Hearback-After, is registered under the new policy. Where a kind of
    the policy approves policies people cannot publish past it, whatever it is called."""
    tokens["operator"] = system.operator_token()
    refused(call("POST", "/api/v1/policies", {"site": "haitang", "packs": ["PROP-11"]}, account="admin"), 409, "guard")
    site = {"sites": [{"id": "notes", "name": {"zh": "便条", "en": "Notes"}, "zone": "Asia/Shanghai"}],
            "departments": [{"id": "desk", "site": "notes", "name": {"zh": "前台", "en": "Desk"}}]}
    assert call("PUT", "/api/v1/organisation", site, account="operator").status == 200
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)

    def quick(path, body, account):
        headers = {"Authorization": f"Bearer {tokens[account]}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        reply = connection.getresponse()
        answer = json.loads(reply.read())
        assert reply.status in (200, 201), answer
        return answer

    registered = []
    for i in range(20):
        sources = [{"path": "NOTES/pack.yaml", "text": NOTES.format(i=i)}]
        version = quick("/api/v1/policies", {"site": "notes", "packs": ["NOTES"], "sources": sources}, "admin")["policy_version"]
        registered.append((version, quick("/api/v1/cases", {"site": "notes", "kind": "note"}, "operator")["case_id"]))
    kind = NOTES.format(i=20) + ("  rule_change:\n    clause: NOTES-1\n    name: [改规, Change of the rules]\n    like: note\n    approves: policy\n")
    quick("/api/v1/policies", {"site": "notes", "packs": ["NOTES"], "sources": [{"path": "NOTES/pack.yaml", "text": kind}]}, "admin")
    problem = refused(call("POST", "/api/v1/policies", {"site": "notes", "packs": ["NOTES"], "sources": [{"path": "NOTES/pack.yaml", "text": NOTES.format(i=21)}]}, account="admin"), 409, "guard")
    assert "rule_change" in str(problem), problem
    connection.close()
    system.settle()
    found = [(get(f"/api/v1/cases/{case_id}", "operator")["policy_version"], case_id) for _, case_id in registered]
    assert len({version for version, _ in registered}) == 20 and found == registered, (found, registered)


# ---- services that are away ----

class Stopped:
    """A service that does not answer: stopped, so that nobody starts it anew."""

    def __init__(self, service):
        self.pids = system.pids(service)
        assert self.pids, service

    def __enter__(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *_):
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)


def down(reply, service):
    problem = refused(reply, 503, "service_down", service)
    assert int(reply.headers["retry-after"]) >= 1 and problem["retry_after"] >= 1, reply.headers


def more_than_can_be_answered_are_asked_to_come_again():
    """With analytics hanging, so many wait for it (of lists an account may have fewer: test_limits); one more is refused at once, and whoever
    watches is answered."""
    most, more = 256, 20
    request = f"GET /api/v1/events?limit=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens['reception']}\r\n\r\n".encode()
    call("GET", "/api/v1/events?limit=1", account="reception")  # who asks is known now
    with Stopped("analytics"):
        waiting = [socket.create_connection(("127.0.0.1", system.port)) for _ in range(most + more)]
        for s in waiting:
            s.sendall(request)
        began, refusals = time.monotonic(), []
        while len(refusals) < more and time.monotonic() - began < 3:
            refusals = select.select(waiting, [], [], 0.1)[0]
        texts = [s.recv(4096).decode() for s in refusals]
        assert len(texts) == more and all(t.startswith("HTTP/1.1 503 ") and '"busy"' in t and "Retry-After: " in t for t in texts), texts[:2]
        for path in ("/healthz", "/metrics", "/api/v1/openapi.json"):
            assert call("GET", path, account=None).status == 200, path
        refused(call("GET", "/api/v1/public-notices?site=haitang", account=None), 503, "busy")
    for s in waiting:
        s.close()
    eventually(lambda: call("GET", "/api/v1/cases?limit=1", account="reception").status == 200, 10)


def one_service_away_the_others_work():
    case_id, file = new_case()
    path = f"/api/v1/cases/{case_id}"
    with Stopped("casework"):
        began = time.monotonic()
        down(call("POST", f"{path}/actions/accept", account="coordinator", Idempotency_Key="while-away"), "casework")
        assert 4 < time.monotonic() - began < 8
        reply = call("GET", "/readyz")
        problem = refused(reply, 503, "not_ready")
        assert [p["field"] for p in problem["problems"]] == ["casework-0"], problem
        assert submit()["number"] and get("/api/v1/cases?limit=1")["rows"]
        assert call("GET", "/metrics/intake").status == 200
        down(call("GET", "/metrics/casework"), "casework")
    eventually(lambda: call("GET", "/readyz").status == 200)
    done = call("POST", f"{path}/actions/accept", account="coordinator", Idempotency_Key="while-away")
    assert done.status == 200 and done.json()["stage"] == "accepted", done  # the first outcome, or done now: once
    steps = [e["casework"]["step_taken"]["step"] for e in get(f"{path}/timeline")["events"] if "step_taken" in e.get("casework", {})]
    assert steps.count("accept") == 1, steps
    with Stopped("intake"):
        down(call("POST", "/api/v1/cases", COMPLAINT), "intake")
        file = get(path)
        assert file["stage"] == "accepted" and file["unopened"]["code"] == "service_down", file
        assert '"plain"' not in json.dumps(file["text"]), file
        reply = call("POST", "/api/v1/imports", {"site": "haitang", "rows": rows_of(3, "away")}, account="admin")
        refused(reply, 503, "service_down")
        done = call("POST", f"{path}/actions/contact", {"fields": {"contact_by": "phone"}}, account="coordinator")
        assert done.status == 200, done  # nothing personal in it
    with Stopped("watchdog"):
        why = get(f"{path}/explain")
        assert list(why["unavailable"]) == ["watchdog"] and why["routing"]["routed"] and "clocks" not in why, why
    with Stopped("directory"):  # tokens seen before still open the door
        assert get(path)["stage"] == "handling"
    with Stopped("analytics"):
        down(call("GET", "/api/v1/cases"), "analytics")
        down(call("GET", "/api/v1/events"), "analytics")
        assert get(path)["stage"] == "handling"
    eventually(lambda: call("GET", "/readyz").status == 200)


def lists_behind_what_was_seen_say_so():
    """Somebody acts, and casework stops before analytics has heard of it: lists, figures, changes and exports are served from what
    is known, marked stale, to whoever has seen more; once casework is back nothing is marked."""
    case_id, file = new_case()
    system.settle()
    listed = f"/api/v1/cases?site=haitang&number={file['number']}"
    changes = f"/api/v1/events?after={get('/api/v1/events')['next']}"
    hearer, = system.pids("analytics")
    os.kill(hearer, signal.SIGSTOP)
    done = call("POST", f"/api/v1/cases/{case_id}/actions/accept", account="coordinator")
    assert done.status == 200, done
    seen = {"Hearback_After": done.headers["hearback-after"]}
    with Stopped("casework"):
        os.kill(hearer, signal.SIGKILL)  # what was under way to it is lost; `hearback up` starts it anew
        eventually(lambda: call("GET", listed).status == 200, 30)

        def served(path, marked, **headers):
            reply = call("GET", path, **headers)
            assert reply.status == 200 and reply.headers.get("hearback-stale") == ("true" if marked else None), reply
            return reply

        for path in (listed, "/api/v1/reports/kpi?site=haitang", changes):
            assert "stale" not in served(path, False).json()
            assert served(path, True, **seen).json()["stale"] is True
        assert [row["stage"] for row in served(listed, True, **seen).json()["rows"]] == ["registered"]
        assert "registered" in served(listed + "&format=csv", True, **seen).body.decode("utf-8-sig")
        served(listed + "&format=csv", False)
    eventually(lambda: call("GET", "/readyz").status == 200, 30)
    reply = eventually(lambda: (lambda r: r if "hearback-stale" not in r.headers else None)(call("GET", listed, **seen)), 30)
    assert [row["stage"] for row in reply.json()["rows"]] == ["accepted"] and "stale" not in reply.json(), reply


def killed_services_come_back():
    for service in ("intake", "casework", "analytics", "directory"):
        for pid in system.pids(service):
            os.kill(pid, signal.SIGKILL)
        key = f"killed-{service}"
        reply = eventually(lambda: (lambda r: r if r.status == 201 else None)(
            call("POST", "/api/v1/cases", COMPLAINT, Idempotency_Key=key)), 30)
        eventually(lambda: call("GET", f"/api/v1/cases/{reply.json()['case_id']}").status == 200, 30)
        eventually(lambda: call("GET", "/readyz").status == 200, 30)


def many_at_once():
    results = []

    def work(n):
        for i in range(10):
            reply = call("POST", "/api/v1/cases", COMPLAINT, Idempotency_Key=f"many-{n}-{i}")
            results.append((reply.status, reply.json().get("number")))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 200 and {status for status, _ in results} == {201}, results[:5]
    assert len({number for _, number in results}) == 200


def stops_in_order():
    """A stop ends the live updates and lets what is under way be answered."""
    follower = Follower("handler")
    eventually(lambda: follower.events)
    pids = system.pids("gateway")
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    follower.join(8)
    assert not follower.is_alive(), "the live updates were not ended"
    eventually(lambda: system.pids("gateway") and system.pids("gateway") != pids)  # `hearback up` starts it again
    eventually(answers, 20)
    reply = call("POST", "/api/v1/cases", COMPLAINT, Idempotency_Key="once")  # known beyond the gateway's own life
    assert reply.json() == {**once, "repeated_command": True}, (reply, once)


def answers():
    try:
        return call("GET", "/readyz", account=None).status == 200
    except OSError:
        return False


gateway, quiet = [], []


def note_processes():
    gateway.extend(system.pids("gateway"))
    system.settle()  # the sample cases have been told
    quiet.append(Follower("renhe-handler"))


def the_gateway_never_ended():
    assert system.pids("gateway") == gateway and len(gateway) == 1, (gateway, system.pids("gateway"))


def quiet_followers_are_kept():
    """Nothing happened at the hospital all the time, analytics was away and killed: the connection lives by comments."""
    eventually(lambda: quiet[0].comments >= 2, 35)
    assert quiet[0].is_alive() and quiet[0].events[0]["event"] == "ready" and not quiet[0].cases(), quiet[0].events[:3]
    quiet[0].stop()


def main():
    global system
    with harness.System("--demo") as system:
        tokens.update(system.tokens())
        harness.main([note_processes, health_and_metrics, tokens_are_checked, description_is_sound, services_authorise,
                      bad_requests_are_explained, large_bodies_are_refused, a_request_has_one_end, odd_clients_do_no_harm, every_answer_is_dressed,
                      submissions_are_answered, same_key_is_the_same_command, writes_are_read,
                      cases_are_found_by_id_and_number, steps_are_taken, refusals_leave_no_event, a_confidential_identity_is_for_few, everything_is_shown_and_explained, views_are_kept, a_long_history_is_printed_whole, forms_are_filled_in,
                      imports_go_on_after_a_bad_row, what_nobody_accepts_is_overdue, lists_and_exports_agree, counts_are_exact, changes_are_told_live,
                      organisation_and_policies, calendars_and_indicators, who_did_and_who_looked, policies_are_tried, what_is_published_holds_at_once,
                      more_than_can_be_answered_are_asked_to_come_again, one_service_away_the_others_work,
                      lists_behind_what_was_seen_say_so, killed_services_come_back, many_at_once, ended_tokens_end, quiet_followers_are_kept, an_account_follows_so_often_and_no_more,
                      the_gateway_never_ended, answers_are_as_described, stops_in_order])


if __name__ == "__main__":
    main()
