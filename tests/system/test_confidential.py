"""A confidential case, over every path on which texts leave: not one of them comes out before it is said what for, not in part either,
to nobody of the staff; with a purpose it opens, is on record as one opening, and who complained stays with those whom the policy
names. The complainant reads his own case as ever."""

import io
import re
import urllib.parse
import zipfile

import harness
import portal
import test_held
import test_portal
import test_rights

system = None
SITE = "haitang"
SAID = {name: f"赤鳞{what}" for name, what in {
    "name": "生", "text": "夜里偷倒废油", "place": "阁后门", "result": "已约谈", "letter": "函已查实", "reply_text": "答复如函", "note": "勿外传",
    "file_name": "账本.txt", "file": "记了三个月", "held": "报复过我"}.items()}
PARTY = {"name": SAID["name"], "phone": "13700001111", "email": "chi@lin.example", "address": f"{SAID['place']}左边"}
MARKS = ("赤", PARTY["phone"], "137****1111", "lin.example")  # "赤**" is a part of it, too
STAFF = ("reception", "handler", "head", "coordinator", "manager", "auditor", "admin", "operator")


def token(who):
    return system.operator_token() if who == "operator" else system.tokens()[who]


def ask(who, method, path, body=None, status=200, **headers):
    reply = system.http(method, path, body, token=token(who), headers=headers or None)
    assert reply.status == status, (who, path, reply)
    return reply


def leaks(content):
    if content.startswith(b"PK"):  # a workbook
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            content = b"".join(book.read(name) for name in book.namelist())
    return [mark for mark in MARKS if mark.encode() in content]


class World:
    def __init__(self):
        self.made = ask("reception", "POST", "/api/v1/cases", {
            "site": SITE, "kind": "complaint", "category": "water", "channel": "phone", "text": SAID["text"], "place": SAID["place"],
            "party": {**PARTY, "confidential": True}}, 201).json()
        self.path = f"/api/v1/cases/{self.made['case_id']}"
        system.settle()
        name = urllib.parse.quote(SAID["file_name"])
        self.file = ask("reception", "POST", f"{self.path}/attachments?name={name}", SAID["file"].encode(), 201).json()["id"]
        for who, step, body in (("handler", "accept", {"note": SAID["note"]}), ("handler", "handle", {"fields": {"result": SAID["result"]}}),
                                ("handler", "draft_letter", {"fields": {"letter": SAID["letter"]}}), ("head", "sign", {}),
                                ("handler", "answer", {"fields": {"reply_text": SAID["reply_text"]}})):
            ask(who, "POST", f"{self.path}/actions/{step}", body)
            system.settle()
        documents = ask("admin", "GET", f"{self.path}/documents").json()["documents"]
        self.forms = [one["name"] for one in documents]
        self.letters = [one["name"] for one in documents if one.get("of") and one["issued"]]
        assert self.forms and self.letters, documents
        page = test_held.sent(test_held.Phone(), work="", text=SAID["held"], contact="confidential", name=SAID["name"], phone=PARTY["phone"])[1]
        self.held = test_held.number_of(page)[0]


def addresses(world):
    """Every operation that reads, of the case where it is of one; and what these give in other forms."""
    parts = {**test_rights.PARTS, "document": world.forms[0], "file": world.file}
    for method, template in test_rights.operations():
        if method == "GET" and template.startswith("/api/") and not template.endswith("{file}"):
            yield test_rights.address_of(method, template, world.made["case_id"], parts)
    yield f"{world.path}?with=timeline&limit=200"
    yield f"{world.path}?purpose=%20"
    yield f"{world.path}/timeline?limit=200&purpose="
    for form in world.forms:
        yield f"{world.path}/documents/{form}"
        yield f"{world.path}/documents/{form}?format=html"
    for letter in world.letters:
        yield f"{world.path}/documents/{letter}?issue=1"
        yield f"{world.path}/documents/{letter}?issue=1&format=html&lang=en"
    words = urllib.parse.quote(SAID["text"])
    for list_of in (f"number={world.made['number']}", "sealed=true", f"text={words}", f"phone={PARTY['phone']}"):
        for form in ("json", "csv", "xlsx"):
            yield f"/api/v1/cases?site={SITE}&{list_of}&format={form}"
    yield f"/api/v1/cases?site={SITE}&sealed=true&format=csv&lang=zh-CN"
    yield f"/api/v1/audit?site={SITE}&case={world.made['number']}"
    yield f"/api/v1/audit?site={SITE}&format=csv"


def nothing_leaves_without_a_purpose(world):
    read = list(addresses(world))
    told = [(who, path, found) for who in STAFF for path in read
            for found in [leaks(system.http("GET", path, token=token(who)).body)] if found]
    assert not told, told
    for who in STAFF:
        problem = system.http("GET", f"{world.path}/attachments/{world.file}", token=token(who))
        assert problem.status in (403, 422) and not leaks(problem.body), (who, problem)
    alike = {"kind": "complaint", "category": "water", "place": SAID["place"], "text": SAID["text"]}
    assert not leaks(ask("reception", "POST", f"/api/v1/cases/alike?site={SITE}", alike).body)
    for query in (f"requests/{world.made['number']}.json?jurisdiction_id={SITE}", f"requests.xml?jurisdiction_id={SITE}", f"requests.json?jurisdiction_id={SITE}"):
        for key in ("", f"&api_key={token('coordinator')}"):
            assert not leaks(system.http("GET", f"/open311/v2/{query}{key}").body), query
    for page in ("/", "/problems", "/track"):
        assert not leaks(system.http("GET", page, headers={"Accept": "text/html"}).body), page


def nor_by_the_command(world):
    number = world.made["number"]
    for who in ("coordinator", "handler"):
        for words in (["case", "show", number], ["case", "show", number, "--timeline"], ["--json", "case", "show", number], ["--json", "case", "show", number, "--timeline"],
                      ["case", "show", number, "--explain"], *(["case", "documents", number, form, *more] for form in world.forms for more in ([], ["--html"]))):
            assert not leaks(system.run("--as", who, *words).stdout.encode()), words
    assert "purpose_needed" in system.run("--as", "handler", "case", "show", number).stdout
    shown = system.run("--as", "handler", "case", "show", number, "--purpose", "to check").stdout
    assert SAID["text"] in shown and SAID["name"] not in shown and "identity_withheld" in shown, shown


def it_is_told_that_it_is_closed(world):
    for who in ("handler", "coordinator"):
        for path in ("", "/timeline", "/attachments", f"/documents/{world.forms[0]}", "?with=timeline"):
            answer = ask(who, "GET", world.path + path).json()
            assert answer["unopened"]["code"] == "purpose_needed" and answer["unopened"]["field"] == "purpose" and not answer.get("masked"), answer
    file = ask("handler", "GET", world.path).json()
    assert "sealed" in file["text"] and "sealed" in file["party"]["name"], file
    assert "保密事项" in ask("handler", "GET", f"{world.path}/documents/{world.forms[0]}?format=html").body.decode()
    assert "Confidential" in ask("handler", "GET", f"{world.path}/documents/{world.letters[0]}?issue=1&format=html&lang=en").body.decode()
    assert ask("auditor", "GET", world.path).json()["unopened"]["code"] == "not_allowed"  # for no purpose either
    found = ask("handler", "GET", f"/api/v1/cases?site={SITE}&text={urllib.parse.quote(SAID['text'])}").json()["rows"]
    assert [row["number"] for row in found] == [world.made["number"]]  # that it matches, whoever searches is told, on record


def with_one_it_opens(world):
    def texts(who, path):
        return ask(who, "GET", f"{world.path}{path}{'&' if '?' in path else '?'}purpose=to%20check").body.decode()

    for who, names in (("handler", False), ("coordinator", True)):
        file, line = texts(who, ""), texts(who, "/timeline?limit=200")
        for name in ("text", "place", "result", "letter", "reply_text", "file_name"):
            assert SAID[name] in file and SAID[name] in line, (who, name)
        assert SAID["note"] in line and SAID["file_name"] in texts(who, "/attachments"), who
        assert SAID["text"] in texts(who, "/documents/acceptance_form") and SAID["letter"] in texts(who, f"/documents/{world.letters[0]}?issue=1&format=html"), who
        assert texts(who, f"/attachments/{world.file}") == SAID["file"], who
        for path in ("", "/timeline?limit=200", "/documents/acceptance_form", "?with=timeline"):
            assert all((PARTY[name] in texts(who, path)) == names for name in ("name", "phone")), (who, path)


def audit(who="coordinator"):
    system.settle()
    person = ask("admin", "GET", "/api/v1/organisation?all=true").json()["accounts"]
    person = next(one["person"] for one in person if one["id"] == who)
    return ask("auditor", "GET", f"/api/v1/audit?site={SITE}&what=looked&who={person}&limit=500").json()["entries"]


def one_opening_is_one_record(world):
    """Who reads a case reads what happened as well: one row, which says what was opened; so of one that stayed closed."""
    before = len(audit())
    ask("coordinator", "GET", f"{world.path}?with=timeline&limit=200&purpose=call%20back")
    ask("coordinator", "GET", f"{world.path}?with=timeline&limit=200")
    closed, opened = audit()[:2]
    assert len(audit()) == before + 2
    assert opened["purpose"] == "call back" and not opened.get("masked") and "withheld" not in opened, opened
    assert set(opened["fields"]) >= {"name", "phone", "email", "address", "text", "place", "note", "result", "letter", "reply_text", "file_name"}, opened
    assert closed["masked"] and "fields" not in closed and set(closed["withheld"]) == set(opened["fields"]), closed
    whole = ask("coordinator", "GET", f"{world.path}?with=timeline&limit=200").json()
    line = ask("coordinator", "GET", f"{world.path}/timeline?limit=200").json()
    assert whole["timeline"]["events"] == line["events"][:len(whole["timeline"]["events"])]
    first = ask("coordinator", "GET", f"{world.path}?with=timeline&limit=3").json()["timeline"]
    then = ask("coordinator", "GET", f"{world.path}?with=timeline&limit=3&after={first['next']}").json()["timeline"]
    assert first["events"] + then["events"] == line["events"][:6]
    etag = ask("coordinator", "GET", world.path).headers["etag"]
    ask("coordinator", "GET", f"{world.path}?with=timeline", None, 200, **{"If-None-Match": etag})  # what happened grows without a version
    assert ask("coordinator", "GET", f"{world.path}?with=all", None, 400).json()["accepted"] == ["timeline"]


def what_is_held_as_well(world):
    def row(query):
        page = ask("reception", "GET", f"/api/v1/held?site={SITE}&limit=16{query}").json()
        return page, next(one for one in page["rows"] if one["number"] == world.held)

    page, closed = row("")
    assert page["unopened"]["code"] == "purpose_needed" and "sealed" in closed["text"] and not leaks(str(page).encode()), page
    page, opened = row("&purpose=check")
    assert opened["text"]["plain"] == SAID["held"] and "unopened" not in page and PARTY["phone"] not in str(page), page


def the_complainant_reads_it_as_ever(world):
    browser = portal.Browser(system.port)
    page = browser.send(browser.get("/track").form_at("/track"), number=world.made["number"], code=world.made["tracking_code"].rsplit("-", 1)[1])
    for name in ("text", "reply_text"):
        assert SAID[name] in page.text, (name, page.text)
    status, text = browser.request("GET", f"/case/letters/{world.letters[0]}/1")
    assert status == 200 and SAID["letter"] in text, text
    assert SAID["note"] not in page.text and SAID["result"] not in page.text


def others_are_masked_as_ever(world):
    made = ask("reception", "POST", "/api/v1/cases", {"site": SITE, "kind": "complaint", "category": "water", "channel": "phone", "text": SAID["text"],
                                                      "party": PARTY}, 201).json()
    system.settle()
    file = ask("handler", "GET", f"/api/v1/cases/{made['case_id']}?with=timeline").json()
    assert file["text"]["plain"] == SAID["text"] and file["party"]["name"]["plain"] == "赤**" and file["masked"] and "unopened" not in file, file


def test_confidential():
    global system
    with harness.System("--demo") as system:
        test_rights.system = test_held.system = test_portal.system = system
        world = World()
        nothing_leaves_without_a_purpose(world)
        nor_by_the_command(world)
        it_is_told_that_it_is_closed(world)
        with_one_it_opens(world)
        one_opening_is_one_record(world)
        what_is_held_as_well(world)
        the_complainant_reads_it_as_ever(world)
        others_are_masked_as_ever(world)


if __name__ == "__main__":
    harness.needs_a_build_without_sanitizers("a file is attached, and hearback-inspect shuts itself in more tightly than they allow")
    harness.main([test_confidential])
