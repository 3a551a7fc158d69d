"""Open311 GeoReport v2 as its clients use it: the specification's requests, in both formats, and every error it names."""

import datetime
import json
import re
import urllib.parse
import xml.etree.ElementTree as xml

import harness
import test_attachments
import test_portal
import test_problems
from test_portal import portal

system = None


def call(method, path, fields=None, expect=200, multipart=False, address="203.0.113.9"):
    """As a program: no cookies, no Accept. Gives the reply's body, read."""
    headers, body = {"X-Forwarded-For": address}, None
    if fields is not None and multipart:
        body, headers["Content-Type"] = portal.multipart(fields, None, None)
    elif fields is not None:
        body = urllib.parse.urlencode(fields).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
    reply = system.http(method, f"/open311/{path}", body, headers=headers)
    assert reply.status == expect, (path, reply)
    kind = reply.headers["content-type"]
    if path.split("?")[0].endswith(".json"):
        assert kind == "application/json; charset=utf-8", kind
        return reply.json()
    assert kind == "text/xml; charset=utf-8", kind
    text = reply.body.decode()
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>') and "type=" not in text and "xmlns" not in text, text[:200]
    return xml.fromstring(text)


def error(method, path, expect, says, fields=None, **more):
    (one,) = call(method, path, fields, expect, **more) if ".json" in path else [{"code": int(e.find("code").text), "description": e.find("description").text}
                                                                                  for e in call(method, path, fields, expect, **more).findall("error")]
    assert one["code"] == expect and says in one["description"], one


def key(account="reception"):
    return system.tokens()[account]


def discovery():
    found = call("GET", "discovery.json")
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2" and endpoint["type"] == "production"
    assert endpoint["formats"] == ["text/xml", "application/json"] and endpoint["url"].endswith("/open311/v2"), endpoint
    root = call("GET", "discovery.xml")
    assert root.tag == "discovery" and [f.text for f in root.findall("endpoints/endpoint/formats/format")] == ["text/xml", "application/json"]
    assert root.find("changeset") is not None and root.find("key_service").text and root.find("contact").text


def services():
    listed = call("GET", "v2/services.json?jurisdiction_id=haitang&lang=en")
    (noise,) = [one for one in listed if one["service_code"] == "complaint:noise"]
    assert noise == {"service_code": "complaint:noise", "service_name": "Complaint: Noise", "description": "Complaint: Noise", "metadata": False,
                     "type": "realtime", "keywords": "Complaint", "group": "Complaint"}, noise
    assert {one["service_code"] for one in listed if one["metadata"]} >= {"repair:lift"}
    assert not [one for one in listed if one["service_code"].startswith(("revisit", "cluster", "sanction"))]  # not open to the public
    root = call("GET", "v2/services.xml?jurisdiction_id=haitang")
    assert root.tag == "services" and len(root.findall("service")) == len(listed)
    assert "投诉：噪音" in [one.find("service_name").text for one in root]
    error("GET", "v2/services.xml", 400, "jurisdiction_id")
    error("GET", "v2/services.json?jurisdiction_id=", 400, "jurisdiction_id")  # empty is none
    error("GET", "v2/services.json?jurisdiction_id=nowhere", 404, "jurisdiction_id")
    error("GET", "v2/services.xml?jurisdiction_id=nowhere&lang=en", 404, "was not found")


def definitions():
    found = call("GET", "v2/services/repair:lift.json?jurisdiction_id=haitang&lang=en")
    assert found["service_code"] == "repair:lift"
    (asked,) = [one for one in found["attributes"] if one["code"] == "class"]
    assert asked["required"] is True and asked["variable"] is True and asked["datatype"] == "singlevaluelist" and asked["order"] == 1
    assert {"key": "small", "name": "Small"} in asked["values"], asked
    root = call("GET", "v2/services/repair%3Alift.xml?jurisdiction_id=haitang")
    assert root.tag == "service_definition" and root.find("attributes/attribute/values/value/key").text == "small"
    assert call("GET", "v2/services/complaint:noise.json?jurisdiction_id=haitang")["attributes"] == []
    for code in ("nothing", "complaint", "complaint:nothing", "revisit", "cluster:lift", "%3Cscript%3E"):
        error("GET", f"v2/services/{code}.xml?jurisdiction_id=haitang", 404, "service_code")


def file_of(number):
    system.settle()
    reply = system.http("GET", f"/api/v1/cases/{number}?site=haitang&purpose=test", token=key("coordinator"))
    assert reply.status == 200, reply
    return reply


def a_request_is_created():
    """The specification's example request."""
    fields = {"api_key": key(), "jurisdiction_id": "haitang", "service_code": "repair:lift", "lat": "37.76524078", "long": "-122.4212043",
              "address_string": "1234 5th street", "email": "smit333@example.org", "device_id": "tt222111", "account_id": "123456",
              "first_name": "john", "last_name": "smith", "phone": "111111111", "description": "A large sinkhole is destroying the street",
              "media_url": "http://farm3.static.flickr.example/2002/2212426634_5ed477a060.jpg", "attribute[class]": "small"}
    root = call("POST", "v2/requests.xml", fields, expect=201)
    assert root.tag == "service_requests" and len(root.findall("request")) == 1
    number = root.find("request/service_request_id").text
    assert re.fullmatch(r"\d{8}-repair-\d{3}", number) and root.find("request/token") is None and root.find("request/account_id") is not None
    reply = file_of(number)
    for kept in ("john smith", "smit333@example.org", "sinkhole", "1234 5th street (37.76524078,-122.4212043)", "2212426634_5ed477a060.jpg"):
        assert kept in reply.body.decode(), kept
    facts = {fact["name"]: fact.get("value") for fact in reply.json()["facts"]}
    assert facts["class"] == {"text": "small"} and facts["category"] == {"text": "lift"} and facts["filer"] == {"text": "li_jing"}, facts
    (made,) = call("POST", "v2/requests.json", {**fields, "description": "第二件"}, expect=201, multipart=True)
    assert made["service_request_id"] != number and made["account_id"] is None and made["service_notice"], made
    elsewhere = {name: value for name, value in fields.items() if name != "jurisdiction_id"}
    call("POST", "v2/requests.json?jurisdiction_id=haitang", elsewhere, expect=201)  # as node-open311 sends it
    (made,) = call("POST", "v2/requests.json?lang=en", {name: value for name, value in fields.items() if name != "description"}, expect=201)
    body = file_of(made["service_request_id"]).body.decode()
    assert "Repair request: Lift" in body, body  # what the service is called, then
    anonymous = {name: fields[name] for name in ("api_key", "jurisdiction_id", "service_code", "address_string", "description", "attribute[class]")}
    (made,) = call("POST", "v2/requests.json", anonymous, expect=201)
    assert {f["name"]: f.get("value") for f in file_of(made["service_request_id"]).json()["facts"]}["anonymous"] == {"yes": True}
    return fields, number


def files_come_along(fields):
    """Photos in the form itself, in whatever field: what some clients do beside media_url. One that is not taken keeps nobody from anything."""
    body, kind = portal.multipart(fields, "media", [("a.png", test_attachments.png(), "image/png"), ("x.svg", b"<svg/>", "image/svg+xml")])
    reply = system.http("POST", "/open311/v2/requests.json", body, headers={"X-Forwarded-For": "203.0.113.9", "Content-Type": kind})
    (made,) = reply.json()
    assert reply.status == 201 and "x.svg" in made["service_notice"], reply
    files = file_of(made["service_request_id"]).json()["attachments"]
    assert [one["type"] for one in files] == ["image/png"], files


def an_update_is_posted(number):
    """As FixMyStreet's Open311 extension sends it: what its user has to add, by whoever registered the request, and once."""
    path = "v2/servicerequestupdates"
    fields = {"api_key": key(), "jurisdiction_id": "haitang", "service_request_id": number, "update_id": "248", "updated_datetime": "2026-11-01T10:00:00Z",
              "status": "CLOSED", "description": "It is larger by now & <wet>", "email": "smit333@example.org", "last_name": "smith", "title": "Mr",
              "media_url": "http://farm3.static.flickr.example/now.jpg", "public_anonymity_required": "TRUE"}
    stage = file_of(number).json()["stage"]
    root = call("POST", f"{path}.xml", fields, expect=201)
    assert root.tag == "service_request_updates" and root.find("request_update/update_id").text.startswith(number), root
    (again,) = call("POST", f"{path}.json", fields, expect=201)
    assert again["update_id"] == root.find("request_update/update_id").text, again
    file = file_of(number)
    assert "It is larger by now & <wet>\\n\\nhttp://farm3.static.flickr.example/now.jpg" in file.body.decode(), file
    assert file.json()["stage"] == stage  # what a client says of the status is not a complainant's to say
    told = system.http("GET", f"/api/v1/cases/{number}/timeline?site=haitang&limit=200", token=key("coordinator")).json()["events"]
    (added,) = [one for one in told if one.get("casework", {}).get("step_taken", {}).get("step") == "add"]
    assert added["actor"]["account"] == "reception" and added["actor"]["complainant"] and not added["actor"].get("person"), added
    body, kind = portal.multipart({**fields, "update_id": "249", "description": "a photo"}, "media", [("b.png", test_attachments.png(), "image/png")])
    reply = system.http("POST", f"/open311/{path}.json", body, headers={"X-Forwarded-For": "203.0.113.9", "Content-Type": kind})
    assert reply.status == 201 and [one["type"] for one in file_of(number).json()["attachments"]] == ["image/png"], reply

    def without(*names, **other):
        return {**{name: value for name, value in fields.items() if name not in names}, "update_id": "250", **other}
    error("POST", f"{path}.xml", 403, "api_key", without("api_key"))
    error("POST", f"{path}.xml", 403, "", without(api_key="hb_nonsense"))
    error("POST", f"{path}.xml", 400, "jurisdiction_id", without("jurisdiction_id"))
    error("POST", f"{path}.xml", 400, "service_request_id", without("service_request_id"))
    error("POST", f"{path}.json", 400, "description", without("description"))
    error("POST", f"{path}.xml", 404, "service_request_id", without(service_request_id=f"{number}0"))
    error("POST", f"{path}.xml", 403, "", without(api_key=key("coordinator")))  # may act, but has not registered it
    error("POST", f"{path}.xml", 404, "", without(api_key=key("renhe-reception")))  # may not even see it
    reply = system.http("POST", f"/api/v1/cases/{number}/actions/decline?site=haitang", {"fields": {"reason": "重复"}}, token=key("coordinator"))
    assert reply.status == 200, reply
    system.settle()
    error("POST", f"{path}.xml", 400, "", without())  # over: the portal takes nothing more, either


def what_cannot_be_created(fields):
    def without(*names, **other):
        return {**{name: value for name, value in fields.items() if name not in names}, **other}
    path = "v2/requests.xml"
    error("POST", path, 403, "api_key", without("api_key"))
    error("POST", path, 403, "", without(api_key="hb_nonsense"))
    error("POST", path, 403, "", without(api_key=key("handler")))  # may not register
    error("POST", path, 400, "jurisdiction_id", without("jurisdiction_id"))
    error("POST", path, 404, "jurisdiction_id", without(jurisdiction_id="nowhere"))
    error("POST", path, 403, "", without(jurisdiction_id="renhe", service_code="complaint:other"))  # the key's account is of another site
    error("POST", path, 400, "service_code", without("service_code"))
    error("POST", path, 404, "service_code", without(service_code="repair:nothing"))
    error("POST", path, 404, "service_code", without(service_code="sanction"))
    error("POST", path, 400, "lat", without("address_string", "lat", "long"))
    error("POST", path, 400, "lat", without("address_string", "lat"))
    error("POST", path, 400, "lat", without(lat="north"))
    error("POST", path, 400, "attribute[class]", without("attribute[class]"))
    error("POST", path, 400, "class", without(**{"attribute[class]": "enormous"}))
    error("POST", "v2/requests.json", 403, "api_key", {})
    reply = system.http("POST", "/open311/v2/requests.xml", b"{}", headers={"Content-Type": "application/json"})
    assert reply.status == 400 and b"<errors><error><code>400</code><description>" in reply.body, reply
    error("POST", path, 413, "", without(description="x" * (1 << 20)))
    # paths that are not there, methods that are not taken
    error("GET", "v2/nothing.xml", 404, "")
    error("GET", "v2/nothing.json", 404, "")
    error("GET", "v2/services.html?jurisdiction_id=haitang", 404, "xml")
    error("POST", "v2/services.xml", 405, "", {})


def requests_are_listed(number):
    mine = f"jurisdiction_id=haitang&api_key={key('coordinator')}"
    system.settle()
    listed = call("GET", f"v2/requests.json?{mine}")
    assert [one for one in listed if one["service_request_id"] == number] and len(listed) >= 3
    one = [one for one in listed if one["service_request_id"] == number][0]
    assert one["status"] == "open" and one["service_code"] == "repair:lift" and one["description"] is None, one
    assert one["agency_responsible"] and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", one["requested_datetime"]), one
    assert "sinkhole" not in json.dumps(listed) and "john" not in json.dumps(listed)
    root = call("GET", f"v2/requests.xml?{mine}")
    assert root.tag == "service_requests" and len(root.findall("request")) == len(listed)
    assert call("GET", f"v2/requests/{number}.json?{mine}") == [one]
    assert call("GET", f"v2/requests/{number}.xml?{mine}").find("request/service_request_id").text == number
    assert call("GET", f"v2/tokens/{number}.json?{mine}") == [{"service_request_id": number, "token": number}]
    error("GET", f"v2/requests/{number}0.xml?{mine}", 404, "service_request_id")
    error("GET", f"v2/tokens/{number}0.json?{mine}", 404, "token")
    two = call("GET", f"v2/requests.json?{mine}&service_request_id={listed[0]['service_request_id']},{number},nothing&status=closed&start_date=bad")
    assert [one["service_request_id"] for one in two] == [listed[0]["service_request_id"], number]  # overrides all else
    # filters
    assert {one["service_code"] for one in call("GET", f"v2/requests.json?{mine}&service_code=repair:lift")} == {"repair:lift"}
    both = call("GET", f"v2/requests.json?{mine}&service_code=repair:lift,complaint:noise")
    assert {one["service_code"] for one in both} == {"repair:lift", "complaint:noise"}
    closed = call("GET", f"v2/requests.json?{mine}&status=closed")
    opened = call("GET", f"v2/requests.json?{mine}&status=open")
    assert {one["status"] for one in closed} <= {"closed"} and {one["status"] for one in opened} == {"open"}
    assert len(closed) + len(opened) == len(listed) == len(call("GET", f"v2/requests.json?{mine}&status=open,closed"))
    now = datetime.datetime.now(datetime.timezone.utc)
    at = lambda days: (now + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert call("GET", f"v2/requests.json?{mine}&start_date={at(-200)}&end_date={at(-120)}") == []
    assert len(call("GET", f"v2/requests.json?{mine}&start_date={at(-1)}&end_date={at(1)}")) == len(listed)
    assert len(call("GET", f"v2/requests.json?{mine}&start_date={at(-1)}")) == len(listed)
    error("GET", f"v2/requests.xml?{mine}&start_date={at(-91)}&end_date={at(1)}", 400, "90")
    error("GET", f"v2/requests.xml?{mine}&start_date=yesterday", 400, "start_date")
    error("GET", f"v2/requests.xml?{mine}&status=pending", 400, "status")
    # pages
    pages = [call("GET", f"v2/requests.json?{mine}&page_size=2&page={page}") for page in range(1, (len(listed) + 1) // 2 + 2)]
    assert [one for page in pages for one in page] == listed and pages[-1] == []
    for wrong in ("page_size=0", "page_size=1001", "page=0", "page=x"):
        error("GET", f"v2/requests.xml?{mine}&{wrong}", 400, "page")
    error("GET", "v2/requests.xml?jurisdiction_id=haitang&api_key=nonsense", 403, "")
    error("GET", f"v2/requests.xml?jurisdiction_id=renhe&api_key={key('coordinator')}", 404, "")


def the_public_sees_public_problems():
    """What the portal lists, and nothing else: no department, no date due."""
    assert call("GET", "v2/requests.json?jurisdiction_id=haitang") == []
    token, number = test_problems.a_widespread_complaint()
    (one,) = call("GET", "v2/requests.json?jurisdiction_id=haitang")
    assert one["service_request_id"] == number and one["agency_responsible"] is None and one["expected_datetime"] is None, one
    assert one["status_notes"] == "已确认" and one["status"] == "open", one
    assert call("GET", f"v2/requests/{number}.json?jurisdiction_id=haitang") == [one]
    hidden = [row["number"] for row in test_problems.rows(token) if row["number"] != number]
    assert hidden
    for other in hidden[:3]:
        error("GET", f"v2/requests/{other}.xml?jurisdiction_id=haitang", 404, "service_request_id")
        error("GET", f"v2/tokens/{other}.xml?jurisdiction_id=haitang", 404, "token")
    return token, number


def updates_are_told(token, number):
    (update,) = call("GET", "v2/servicerequestupdates.json?jurisdiction_id=haitang")
    assert update["service_request_id"] == number and update["status"] == "open" and update["description"] == "已确认", update
    for step, fields in (("post", {"measures": "更换", "boards": "大堂"}), ("close", {})):
        reply = system.http("POST", f"/api/v1/cases/{number}/actions/{step}?site=haitang", {"fields": fields}, token=token)
        assert reply.status == 200, reply
    system.settle()
    root = call("GET", "v2/servicerequestupdates.xml?jurisdiction_id=haitang")
    assert root.tag == "service_request_updates" and root.find("request_update/status").text == "closed"
    assert root.find("request_update/update_id").text != update["update_id"]
    (closed,) = call("GET", f"v2/requests/{number}.json?jurisdiction_id=haitang")
    assert closed["status"] == "closed" and closed["updated_datetime"] == root.find("request_update/updated_datetime").text
    assert call("GET", "v2/servicerequestupdates.json?jurisdiction_id=haitang&start_date=2020-01-01T00:00:00Z") == []


def hostile_input_is_data():
    nasty = "</description><script>alert(1)</script>&\x08\"'"
    fields = {"api_key": key(), "jurisdiction_id": "haitang", "service_code": "complaint:noise", "address_string": nasty, "description": nasty}
    root = call("POST", "v2/requests.xml", fields, expect=201)
    assert root.find("request/service_request_id").text
    quoted = urllib.parse.quote(nasty)
    call("GET", f"v2/services/{quoted}.xml?jurisdiction_id={quoted}", expect=404)
    call("GET", f"v2/requests.xml?jurisdiction_id=haitang&service_code={quoted}")


def too_many_are_told_to_wait():
    statuses = [system.http("GET", "/open311/v2/services.xml?jurisdiction_id=haitang", headers={"X-Forwarded-For": "203.0.113.77"}) for _ in range(140)]
    assert statuses[0].status == 200 and statuses[-1].status == 429 and int(statuses[-1].headers["retry-after"]) > 0
    assert b"<errors><error><code>429</code>" in statuses[-1].body


def services_that_are_away():
    with test_portal.away("analytics"):
        error("GET", "v2/requests.xml?jurisdiction_id=haitang", 503, "")
    with test_portal.away("intake"):
        error("POST", "v2/requests.json", 503, "", {"api_key": key(), "jurisdiction_id": "haitang", "service_code": "complaint:noise",
                                                    "address_string": "x", "description": "y"}, address="203.0.113.10")


def all_of_it():
    global system
    with harness.System("--demo") as started:
        system = test_portal.system = test_problems.system = started
        discovery()
        services()
        definitions()
        fields, number = a_request_is_created()
        files_come_along(fields)
        an_update_is_posted(call("POST", "v2/requests.json", fields, expect=201)[0]["service_request_id"])
        what_cannot_be_created(fields)
        requests_are_listed(number)
        updates_are_told(*the_public_sees_public_problems())
        hostile_input_is_data()
        too_many_are_told_to_wait()
        services_that_are_away()


if __name__ == "__main__":
    harness.main([all_of_it])
