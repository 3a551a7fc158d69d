"""openapi.json is what it says it is: an OpenAPI 3.1 document by the published schema and by rules of our own; every path of the
gateway's table that is no page stands in it; and every operation in it is called in a real system, gives what it describes, and
refuses with a problem document who is not signed in and what it does not know."""

import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import shutil
import struct
import time
import warnings

import harness
import portal
from cells import Cell, Loopback, caught_up, join

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is missing")
    raise SystemExit(harness.SKIP)

# The schema of OpenAPI 3.1 itself: schemas/v3.1 of github.com/OAI/OpenAPI-Specification (Apache-2.0), as of 2026-08-03, as the npm
# package @seriousme/openapi-schema-validator 2.11.0 carries it. It leaves Schema Objects alone: those are JSON Schema 2020-12.
WITH_SCHEMA = os.path.join(os.path.dirname(__file__), "openapi-3.1.json")
PAGES = ("/open311/", "/console", "/static/", "/s/", "/r/", "/case", "/problem", "/notices")  # for people, or described by another specification
PAGES_EXACT = {"/", "/submit", "/receipt", "/held", "/track", "/leave"}
SITE = "yard"
PACK = """pack: YARD
name: [大院, Yard]
extends: GEN-FRAME
in_force: 2025-01-01
categories: {other: {to: desk}}
notices:
  call:
    clause: YARD-1
    name: [电话告知, Told by telephone]
    to: complainant
    by: [phone]
    subject: ["{number} 已办", "{number} is done"]
    text: ["{number} 已经办结。", "{number} is done."]
kinds:
  request:
    clause: YARD-1
    name: [请求, Request]
    stages: {open: new, closed: closed}
    stage_names: {open: [未办, Open], closed: [已办, Closed]}
    fields: {category: {name: [类别, Category], type: name}}
    steps:
      register: {clause: YARD-1, name: [登记, Register], to: open, by: employee}
      close: {clause: YARD-1, name: [办结, Close], from: open, to: closed, by: employee}
    route: {otherwise: {clause: YARD-1, to: department of category}}
    rules:
      call: {clause: YARD-1, when: close, then: {tell: call}}
"""
SCENARIO = "scenario: X\n"  # not a sound one: what is wrong is told


# ---- the document ----

def document_of(system):
    reply = system.http("GET", "/api/v1/openapi.json")
    assert reply.status == 200 and reply.headers["content-type"] == "application/json", reply
    return reply.json()


def schemas_in(node, path="#"):
    """Every Schema Object, with its place: what stands under `schema`, and the components."""
    if isinstance(node, dict):
        for name, inner in node.items():
            if name == "schema" or path == "#/components/schemas":
                yield f"{path}/{name}", inner
            else:
                yield from schemas_in(inner, f"{path}/{name}")
    elif isinstance(node, list):
        for n, inner in enumerate(node):
            yield from schemas_in(inner, f"{path}/{n}")


def references_in(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    for inner in node if isinstance(node, list) else []:
        yield from references_in(inner)


def operations_in(document):
    for template, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), template, operation


def misfits(document):
    """What of it is no OpenAPI 3.1, by the published schema."""
    with open(WITH_SCHEMA, encoding="utf-8") as f:
        validator = jsonschema.Draft202012Validator(json.load(f))
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in validator.iter_errors(document)]


def is_openapi(document):
    wrong = misfits(document)
    assert not wrong, "\n".join(wrong)
    found = list(schemas_in(document))
    assert len(found) > len(document["components"]["schemas"]) > 50, len(found)
    for where, schema in found:
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema != {} or where.endswith("requestBody/content/*/*/schema"), where  # what is attached may be anything


def lint(document):
    """What a schema cannot say; each rule as (place, what is wrong)."""
    schemas, used = document["components"]["schemas"], set()
    for reference in references_in(document):
        name = reference.removeprefix("#/components/schemas/")
        if name not in schemas:
            yield reference, "resolves to nothing"
        used.add(name)
    for name in set(schemas) - used:
        yield f"schema {name}", "is used nowhere"
    shapes, ids = {}, {}
    for method, template, operation in operations_in(document):
        where = f"{method} {template}"
        other = ids.setdefault(operation["operationId"], where)
        if other != where:
            yield where, f"has the operationId of {other}"
        if not re.fullmatch(r"[a-z0-9_]+", operation["operationId"]):
            yield where, "has an operationId that is no name"
        other = shapes.setdefault((method, re.sub(r"{\w+}", "{}", template)), where)
        if other != where:
            yield where, f"cannot be told from {other}"
        yield from lint_operation(document, where, template, operation)
    for where, schema in schemas_in(document):
        yield from lint_schema(where, schema)


def lint_operation(document, where, template, operation):
    if not re.fullmatch(r"[^/]*[\u4e00-\u9fff].* / .*[a-z].*", operation["summary"]):
        yield where, "is not summed up in both languages"
    named = [(one["in"], one["name"]) for one in operation["parameters"]]
    if len(named) != len(set(named)):
        yield where, "has a parameter twice"
    if sorted(name for place, name in named if place == "path") != sorted(re.findall(r"{(\w+)}", template)):
        yield where, "does not declare the parameters of its path"
    for one in operation["parameters"]:
        if not one["description"] or (one["in"] == "path") != one["required"]:
            yield where, f"has a parameter {one['name']} that is not described, or not required as it should be"
    for need in operation.get("security", document["security"]):
        if set(need) - set(document["components"]["securitySchemes"]):
            yield where, "wants a sign-in that is not described"
    refused = operation["responses"].get("default", {}).get("content", {})
    if refused != {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}:
        yield where, "does not refuse with a problem document"
    good = [status for status in operation["responses"] if status.startswith("2")]
    if len(good) != 1 or not operation["responses"][good[0]].get("content"):
        yield where, "does not say what it gives"


def lint_schema(where, schema):
    if isinstance(schema, dict):
        unknown = set(schema.get("required", [])) - set(schema.get("properties", {}))
        if unknown:
            yield where, f"requires {sorted(unknown)}, which it does not describe"
        if "properties" in schema and schema.get("additionalProperties") is not False:
            yield where, "is not closed"
        if "enum" in schema and len(schema["enum"]) != len(set(schema["enum"])):
            yield where, "has a value twice"
        inner = list(schema.get("properties", {}).items()) + list(enumerate(schema.get("anyOf", []))) + [("items", schema.get("items"))]
        for name, one in inner:
            yield from lint_schema(f"{where}/{name}", one)


def is_linted(document):
    wrong = [f"{where} {what}" for where, what in lint(document)]
    assert not wrong, "\n".join(wrong)


def what_is_wrong_is_found(document):
    """The schema and the rules see a document that is spoilt."""
    def spoilt(spoil):
        copy = json.loads(json.dumps(document))
        spoil(copy, copy["paths"]["/api/v1/cases/{id}"]["get"])
        return copy
    for spoil in (lambda whole, one: whole.update(openapi="3.0.0"), lambda whole, one: whole.pop("info"),
                  lambda whole, one: one.update(responses={}), lambda whole, one: one.update(takes="x"),
                  lambda whole, one: one["parameters"][0].update({"in": "body"})):
        assert misfits(spoilt(spoil))
    for spoil in (lambda whole, one: whole["components"]["schemas"].pop("Problem"), lambda whole, one: one["responses"].pop("200"),
                  lambda whole, one: one.update(operationId="get_cases"), lambda whole, one: one["parameters"].pop(0),
                  lambda whole, one: one["responses"].pop("default"), lambda whole, one: one.update(summary="The case file"),
                  lambda whole, one: whole["components"]["schemas"]["Problem"]["required"].append("x")):
        assert list(lint(spoilt(spoil)))


def every_route_is_described(document):
    """The table the gateway dispatches by, as its source has it."""
    with open(os.path.join(harness.SOURCE, "services/gateway/routes.c"), encoding="utf-8") as f:
        table = re.findall(r'^    {"([A-Z]+)", "(/[^"]*)", \w+', f.read(), re.MULTILINE)
    assert len(table) > 80 and len(table) == len(set(table)), len(table)
    pages = {one for one in table if one[1] in PAGES_EXACT or one[1].startswith(PAGES)}
    described = {(method, template) for method, template, _ in operations_in(document)}
    assert not pages & described and set(table) - pages == described, sorted((set(table) - pages) ^ described)


# ---- every operation ----

class Walk:
    """Calls operations by their templates; keeps which were answered as described."""

    def __init__(self, system, document):
        self.system, self.document = system, document
        self.operations = {(method, template): operation for method, template, operation in operations_in(document)}
        self.answered, self.asked_with = set(), {}

    def fits(self, value, schema, where):
        whole = {**schema, "components": self.document["components"]}
        errors = sorted(jsonschema.Draft202012Validator(whole).iter_errors(value), key=lambda error: -len(error.absolute_path))
        assert not errors, f"{where}: {'/'.join(map(str, errors[0].absolute_path))}: {errors[0].message[:500]}"

    def ask(self, method, template, parts=None, query="", body=None, token=None, headers=None, system=None, **more):
        """A success, which is held against its description. `body`: as the harness takes it. Gives the reply."""
        operation = self.operations[method, template]
        path = re.sub(r"{(\w+)}", lambda found: str((parts or more)[found[1]]), template)
        if body is not None and not isinstance(body, bytes):
            self.fits(body, operation["requestBody"]["content"]["application/json"]["schema"], f"{method} {template}: what is sent")
        reply = (system or self.system).http(method, path + query, body, token, headers)
        where = f"{method} {template}"
        assert str(reply.status) in operation["responses"] and reply.status < 300, f"{where}: {reply}"
        content = operation["responses"][str(reply.status)]["content"]
        kind = reply.headers["content-type"].split(";")[0]
        assert kind in content or "*/*" in content, f"{where}: {kind}"
        if kind in content and kind == "application/json":
            self.fits(reply.json(), content[kind]["schema"], where)
        self.answered.add((method, template))
        self.asked_with.setdefault((method, template), (path, body, token, headers, system or self.system))
        return reply

    def refused(self, method, template, reply, status, code=None, field=None):
        where = f"{method} {template}: {reply}"
        assert reply.status == status and reply.headers["content-type"] == "application/problem+json", where
        problem = reply.json()
        self.fits(problem, {"$ref": "#/components/schemas/Problem"}, where)
        assert problem["status"] == status and problem["type"] == f"urn:hearback:problem:{problem['code']}", where
        assert re.search("[\u4e00-\u9fff]", problem["zh"]) and problem["en"] and problem["title"] and problem["instance"], where
        assert code in (None, problem["code"]) and field in (None, problem.get("field")), where


def instant(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def one_time_code(secret, steps_on=0):
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + steps_on), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


def signs_in(walk, account, password):
    reply = walk.ask("POST", "/api/v1/session", body={"account": account, "password": password})
    return {"Cookie": reply.headers["set-cookie"].split(";")[0], "X-CSRF-Token": reply.json()["csrf"]}


def what_is_open(walk):
    for template in ("/healthz", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/v1/about"):
        walk.ask("GET", template)
    walk.ask("GET", "/metrics/{service}", service="intake")


def a_site_is_made(walk, admin):
    label = lambda zh, en: {"zh": zh, "en": en}
    walk.ask("PUT", "/api/v1/organisation", token=admin, body={
        "sites": [{"id": SITE, "public": True, "name": label("大院", "Yard"), "zone": "Asia/Shanghai"}],
        "departments": [{"id": "desk", "site": SITE, "name": label("前台", "Desk")}],
        "people": [{"id": "lin", "name": "林", "posts": [{"post": "handler_post", "department": "desk", "site": SITE}]}],
        "accounts": [{"id": "lin", "person": "lin", "scopes": ["read", "act", "submit", "open", "import", "report"]}]})
    publish = {"site": SITE, "packs": ["YARD"], "sources": [{"path": "YARD/pack.yaml", "text": PACK}]}
    walk.ask("POST", "/api/v1/policies/check", body=publish, token=admin)
    walk.ask("POST", "/api/v1/policies/rehearse", body={**publish, "scenarios": [{"path": "a.yaml", "text": SCENARIO}]}, token=admin)
    walk.ask("POST", "/api/v1/policies", body=publish, token=admin)
    walk.system.settle()
    walk.ask("POST", "/api/v1/policies/diff", body=publish, token=admin)
    walk.ask("GET", "/api/v1/organisation", token=admin, query=f"?site={SITE}&all=true")
    walk.ask("GET", "/api/v1/policies", token=admin, query=f"?site={SITE}")
    walk.ask("GET", "/api/v1/policies/{site}", token=admin, site=SITE)
    walk.ask("GET", "/api/v1/policies/{site}/sources", token=admin, site=SITE)
    walk.ask("POST", "/api/v1/calendars/{calendar}/years", token=admin, calendar="cn", body={
        "year": 2099, "days": [{"date": "2099-01-01", "name": "元旦", "isOffDay": True}]})
    walk.ask("GET", "/api/v1/calendars/moved", token=admin, query=f"?site={SITE}&since={instant(-1)}")


def a_policy_is_coming(walk, admin):
    """At a site whose policy people publish themselves: one of a later day is kept, and withdrawn."""
    walk.ask("PUT", "/api/v1/organisation", token=admin, body={
        "sites": [{"id": "school", "name": {"zh": "学校", "en": "School"}, "zone": "Asia/Shanghai"}]})
    later = "pack: SCHOOL\nname: [学校, School]\nextends: boston-311\nin_force: 2099-01-01\n"
    for more in ({"packs": ["boston-311"]}, {"packs": ["SCHOOL"], "sources": [{"path": "SCHOOL/pack.yaml", "text": later}]}):
        walk.ask("POST", "/api/v1/policies", token=admin, body={"site": "school", **more})
        walk.system.settle()
    walk.ask("DELETE", "/api/v1/policies/{site}/coming", token=admin, site="school")


def somebody_signs_in(walk, admin):
    """A newcomer: a password by a setup code, an authenticator, tokens, out again."""
    given = walk.ask("POST", "/api/v1/accounts/{account}/setup", token=admin, account="lin").json()
    first, second = "three unrelated words", "four other words again"
    walk.ask("POST", "/api/v1/session/setup", body={"account": "lin", "code": given["code"], "password": first})
    session = signs_in(walk, "lin", first)
    walk.ask("GET", "/api/v1/session", headers=session)
    walk.ask("PUT", "/api/v1/session/password", headers=session, body={"old": first, "password": second})
    secret = walk.ask("POST", "/api/v1/session/totp", headers=session).json()["secret"]
    recovery = walk.ask("PUT", "/api/v1/session/totp", headers=session, body={"code": one_time_code(secret)}).json()["recovery_codes"]
    walk.ask("DELETE", "/api/v1/session/totp", headers=session, body={"code": recovery[0]})
    made = walk.ask("POST", "/api/v1/tokens", headers=session, body={"name": "walk", "scopes": ["read"], "expires_at": instant(1)})
    walk.ask("GET", "/api/v1/tokens", headers=session)
    walk.ask("DELETE", "/api/v1/tokens/{id}", headers=session, id=made.json()["id"])
    walk.ask("DELETE", "/api/v1/session", headers=session)
    walk.ask("DELETE", "/api/v1/sessions", headers=signs_in(walk, "lin", second))
    return signs_in(walk, "lin", second)


def a_case_is_worked_on(walk, lin):
    query = f"?site={SITE}"
    kinds = walk.ask("GET", "/api/v1/cases/kinds", token=lin, query=query).json()
    assert "request" in json.dumps(kinds), kinds
    case = walk.ask("POST", "/api/v1/cases", token=lin, body={
        "site": SITE, "kind": "request", "category": "other", "text": "门坏了", "place": "东门",
        "party": {"name": "某某", "phone": "021-55500999"}}).json()["case_id"]
    walk.system.settle()
    walk.ask("POST", "/api/v1/cases/alike", token=lin, query=query, body={"kind": "request", "category": "other", "place": "东门", "text": "门坏了，打不开"})
    for rest in ("", "/timeline", "/explain"):
        walk.ask("GET", f"/api/v1/cases/{{id}}{rest}", token=lin, id=case, query=query)
    walk.ask("POST", "/api/v1/cases/{id}/actions/{action}", token=lin, parts={"id": case, "action": "close"}, query=query, body={"note": "修好了"})
    walk.system.settle()
    walk.ask("GET", "/api/v1/public-notices", query=query)
    due = walk.ask("GET", "/api/v1/notices", token=lin, query=query).json()["notices"]
    walk.ask("POST", "/api/v1/cases/{id}/notices/{notice}/sent", token=lin, query=query,
             parts={"id": case, "notice": due[0]["notice"]["notice_id"]})
    return case


def what_is_held(walk, reception):
    """As a program sends it: at once, without the puzzle."""
    for text in ("抢购", "停电"):
        phone = portal.Browser(walk.system.port)
        form = phone.get("/submit?site=haitang&kind=complaint").form_at("/submit")
        assert "待人工核对" in phone.send(form, category="noise", text=text, work="").text
    one, other = walk.ask("GET", "/api/v1/held", token=reception, query="?site=haitang").json()["rows"]
    walk.ask("POST", "/api/v1/held/{held}/refuse", token=reception, parts={"held": one["id"]}, body={"reason": "广告"})
    walk.ask("POST", "/api/v1/held/{held}/register", token=reception, parts={"held": other["id"]})
    walk.ask("GET", "/api/v1/held", token=reception, query="?site=haitang&refused=true")


def a_thing_has_its_history(walk, tokens):
    """A lift of the demonstration, whose maintenance is due since long."""
    lift = {"id": "lift-1", "site": "haitang", "of": "asset", "name": {"zh": "一号梯"}, "holders": [{"post": "asset_owner", "person": "zhou_qiang"}],
            "facts": [{"name": "interval", "value": {"text": "30 days"}}, {"name": "last_done", "value": {"text": instant(-40)[:10]}}]}
    walk.ask("PUT", "/api/v1/organisation", token=tokens["admin"], body={"things": [lift]})
    walk.system.settle()
    history = walk.ask("GET", "/api/v1/things/{thing}/history", token=tokens["coordinator"], thing="lift-1", query="?site=haitang&limit=5").json()
    assert [case["kind"] for case in history["cases"]] == ["maintenance"], history


def files_and_forms(walk, tokens):
    """Of a complaint of the demonstration: GEN-FRAME has forms, and lets who works on it attach files."""
    query, complaint = "?site=haitang", {"site": "haitang", "kind": "complaint", "category": "noise", "text": "噪声"}
    made = walk.ask("POST", "/api/v1/cases", token=tokens["reception"], query="?slip=true", body=complaint).json()
    assert made["slip"]["proof"].startswith("http") and made["slip"]["qr"].startswith("data:image/svg+xml;base64,"), made
    case = made["case_id"]
    walk.system.settle()
    made = walk.ask("POST", "/api/v1/cases/{id}/attachments", token=tokens["reception"], id=case, query=query + "&name=a.txt", body=b"a text\n")
    walk.ask("GET", "/api/v1/cases/{id}/attachments", token=tokens["reception"], id=case, query=query)
    got = walk.ask("GET", "/api/v1/cases/{id}/attachments/{file}", token=tokens["reception"], query=query + "&purpose=walk",
                   parts={"id": case, "file": made.json()["id"]})
    assert got.body == b"a text\n", got
    forms = walk.ask("GET", "/api/v1/cases/{id}/documents", token=tokens["reception"], id=case, query=query).json()["documents"]
    for kind in ("json", "html"):
        walk.ask("GET", "/api/v1/cases/{id}/documents/{document}", token=tokens["reception"], query=f"{query}&format={kind}",
                 parts={"id": case, "document": forms[0]["name"]})


def lists_and_figures(walk, lin, tokens):
    query = f"?site={SITE}"
    for kind in ("json", "csv", "xlsx"):
        walk.ask("GET", "/api/v1/cases", token=lin, query=f"{query}&format={kind}")
    walk.ask("GET", "/api/v1/cases/count", token=lin, query=query)
    walk.ask("GET", "/api/v1/events", token=lin)
    walk.ask("GET", "/api/v1/reports/definitions", token=lin)
    for report in ("kpi", "figures", "indicators"):
        walk.ask("GET", f"/api/v1/reports/{report}", token=lin, query=query + ("&by=kind" if report == "figures" else ""))
    for kind in ("json", "csv"):
        walk.ask("GET", "/api/v1/audit", token=tokens["admin"], query=f"{query}&format={kind}")
    walk.ask("GET", "/api/v1/audit/chain", token=tokens["auditor"], query="?site=haitang")
    walk.ask("POST", "/api/v1/audit/chain", token=tokens["auditor"], query="?site=haitang")
    walk.ask("GET", "/api/v1/labels", token=tokens["reception"], query="?site=haitang&format=json&places=A")
    mine = walk.ask("POST", "/api/v1/views", token=lin, body={"site": SITE, "name": {"zh": "未结", "en": "Open"},
                                                            "filter": [{"name": "phase", "value": "open"}]}).json()
    walk.ask("GET", "/api/v1/views", token=lin, query=query)
    walk.ask("PUT", "/api/v1/views/{id}", token=lin, id=mine["id"], body={"site": SITE, "name": {"zh": "未办", "en": "To do"}})
    walk.ask("DELETE", "/api/v1/views/{id}", token=lin, id=mine["id"])
    walk.ask("POST", "/api/v1/imports", token=tokens["admin"], body={"site": SITE, "rows": [
        {"source": "walk", "external_id": "1", "received_at": "2026-03-01T09:00:00+08:00",
         "submit": {"kind": "request", "category": "other", "text": "旧记录"}}]})


def open_cases_are_moved(walk, admin):
    """To the second version of the policy, which the operator publishes: GEN-FRAME has people change it by a case."""
    folder = os.path.join(walk.system.folder, "YARD")
    os.mkdir(folder)
    with open(os.path.join(folder, "pack.yaml"), "w", encoding="utf-8") as f:
        f.write(PACK.replace("Told by telephone", "By telephone"))
    walk.system.run("policy", "publish", SITE, folder, "--operator")
    walk.system.settle()
    walk.ask("POST", "/api/v1/policies/{site}/move", token=admin, site=SITE, query="?dry_run=true", body={})
    walk.ask("POST", "/api/v1/policies/{site}/move", token=admin, site=SITE, body={"version": 2})
    walk.ask("GET", "/api/v1/policies/{site}/move", token=admin, site=SITE)


def of_another_cell(walk, headquarters, case):
    token = headquarters.operator_token()
    walk.ask("GET", "/api/v1/cells", token=token, system=headquarters)
    walk.ask("GET", "/api/v1/cells/{cell}/cases/{id}", token=token, system=headquarters, parts={"cell": walk.system.id, "id": case})


def every_operation_is_answered(walk):
    assert walk.answered == set(walk.operations), sorted(set(walk.operations) - walk.answered)


def every_operation_refuses(walk):
    """Each of them, as it was answered before: without a sign-in, with a parameter that there is not, with a body that is none."""
    closed = with_body = 0
    for (method, template), operation in walk.operations.items():
        path, body, token, headers, system = walk.asked_with[method, template]
        unknown = system.http(method, f"{path}?no_such_parameter=1", body, token, headers)
        walk.refused(method, template, unknown, 400, "unknown_parameter", "no_such_parameter")
        if operation.get("security", walk.document["security"]):
            walk.refused(method, template, system.http(method, path, body), 401, "not_signed_in")
            walk.refused(method, template, system.http(method, path, body, "hb_nonsense"), 401)
            closed += 1
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            halved = system.http(method, path, b'{"half": ', token, {**(headers or {}), "Content-Type": "application/json"})
            walk.refused(method, template, halved, 400, "malformed")
            with_body += 1
    assert closed > 50 and with_body > 15, (closed, with_body)


def every_operation():
    site_port = harness.free_port()
    with Loopback() as ground:
        headquarters, site = Cell(ground, "总部"), Cell(ground, "海棠", "--demo")
        try:
            for cell in (headquarters, site):
                cell.found()
            join(site, headquarters, site_port)
            for cell in (headquarters, site):
                cell.start()
            walk_through(site, headquarters)
        except BaseException:
            for cell in (headquarters, site):
                cell.print_logs()
            raise
        finally:
            for cell in (headquarters, site):
                if cell.process:
                    cell.stop()
                shutil.rmtree(cell.folder, ignore_errors=True)


def walk_through(site, headquarters):
    document = document_of(site)
    is_openapi(document)
    is_linted(document)
    what_is_wrong_is_found(document)
    every_route_is_described(document)
    assert document_of(headquarters) == document
    walk, tokens = Walk(site, document), site.tokens()
    what_is_open(walk)
    a_site_is_made(walk, tokens["admin"])
    a_policy_is_coming(walk, tokens["admin"])
    session = somebody_signs_in(walk, tokens["admin"])
    lin = walk.system.run("token", "lin").stdout.strip()
    case = a_case_is_worked_on(walk, lin)
    a_thing_has_its_history(walk, tokens)
    files_and_forms(walk, tokens)
    what_is_held(walk, tokens["reception"])
    lists_and_figures(walk, lin, tokens)
    open_cases_are_moved(walk, tokens["admin"])
    caught_up(headquarters, [site])
    of_another_cell(walk, headquarters, case)
    every_operation_is_answered(walk)
    # sessions ended meanwhile: what needs one is asked with the last
    for operation, (path, body, token, headers, system) in walk.asked_with.items():
        if headers:
            walk.asked_with[operation] = (path, body, token, session, system)
    every_operation_refuses(walk)


if __name__ == "__main__":
    harness.needs_a_build_without_sanitizers("files are attached, and hearback-inspect shuts itself in more tightly than they allow")
    harness.main([every_operation])
