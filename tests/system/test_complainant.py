"""What leaves the services for a complainant, asked over the bus as a gateway asks (as_complainant.c): his own case without
anything that is the staff's own, to nobody but whoever proves that it is his. And the portal shows no more."""

import json
import os
import struct
import subprocess
import zlib

import harness
import portal

system = None
SITE = "haitang"
# Planted: what only the staff wrote, was given or decided. None of it may be in an answer, sealed or open.
NOTE, RESULT, DRAFT, FILE_NAME, SECOND_NOTE = "内部备注：此人多次投诉", "内部查明：施工队违规", "内部草稿：赔付三百元", "内部现场照片.png", "内部：已约谈"
INTERNAL = [NOTE, RESULT, DRAFT, FILE_NAME[:-4], SECOND_NOTE]
HIS = {"text": "楼上深夜装修", "place": "三号楼二层"}


def api(who, method, path, body=None, expect=200, **headers):
    reply = system.http(method, f"/api/v1{path}", body, system.tokens()[who], headers=headers or None)
    assert reply.status == expect, (who, path, reply)
    return reply


def act(who, case, step, note=None, **fields):
    api(who, "POST", f"/cases/{case}/actions/{step}", {"fields": fields, **({"note": note} if note else {})})
    system.settle()


def submit(**more):
    body = {"site": SITE, "kind": "complaint", "category": "water", "channel": "phone", **HIS,
            "party": {"name": "孙悦", "phone": "13812345678"}, **more}
    made = api("reception", "POST", "/cases", body, 201).json()
    system.settle()
    return made["case_id"], made["number"], made["tracking_code"]


def ask(what, case, code=None):
    done = subprocess.run([os.path.join(harness.PROGRAMS, "as_complainant"), system.folder, what, case, *([code] if code is not None else [])],
                          capture_output=True, text=True, timeout=60, check=True)
    answer, *opened = done.stdout.splitlines()
    return json.loads(answer), opened


def picture():
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(4 * 5))) + chunk(b"IEND", b""))


def worked_on():
    """A case with all that the staff may write: a note to a step, a finding, a draft, a file, a case linked to it."""
    case, number, code = submit()
    act("handler", case, "accept", note=NOTE)
    act("handler", case, "handle", note=SECOND_NOTE, result=RESULT)
    act("handler", case, "draft_letter", letter=DRAFT)
    name = portal.urllib.parse.quote(FILE_NAME)
    api("handler", "POST", f"/cases/{case}/attachments?name={name}", picture(), 201, **{"Content-Type": "image/png"})
    system.settle()
    return case, number, code


def handler_of(case):
    return api("coordinator", "GET", f"/cases/{case}").json()["handler"]


def holds_nothing_internal(answer, opened, case):
    told = json.dumps(answer, ensure_ascii=False)
    said = {line.split(": ", 1)[0]: line.split(": ", 1)[1] for line in opened}
    for planted in INTERNAL:
        assert planted not in told and planted not in "".join(opened), (planted, told, opened)
    for name in ('"handler"', f'"{handler_of(case)}"', '"result"', '"letter"', '"note"', '"valid"', '"party"', '"links"', '"problems"',
                 '"events"', '"withheld"', '"person"', '"account"'):
        assert name not in told, (name, told)
    return said


def his_own_case_and_no_more():
    case, number, code = worked_on()
    answer, opened = ask("own", case, code)
    said = holds_nothing_internal(answer, opened, case)
    assert said == HIS, said
    own = answer["casework"]["own"]
    assert own["number"] == number and own["stage"] == "handled", own
    assert [fact["name"] for fact in own.get("facts", [])] == [] and own.get("files", []) == [], own
    for planted in (NOTE, RESULT, DRAFT):  # it is there to be withheld: the staff has it
        assert planted in str(api("coordinator", "GET", f"/cases/{case}/timeline?purpose=check").json()), planted
    return case, number, code


def what_was_answered_is_told(case, code):
    act("head", case, "sign")
    act("handler", case, "answer", reply_text="已责令停工")
    answer, opened = ask("own", case, code)
    assert {line.split(": ", 1)[1] for line in opened} == {*HIS.values(), "已责令停工", DRAFT}, opened  # the draft is the letter now
    told = json.dumps(answer, ensure_ascii=False)
    for planted in (NOTE, RESULT, SECOND_NOTE, FILE_NAME):
        assert planted not in told + "".join(opened), planted


def the_file_is_the_staffs(case):
    for what in ("file", "timeline"):
        answer, opened = ask(what, case)
        assert answer["refused"]["status"] == 404 and "casework" not in answer, answer


def proved_by_the_code(case, code):
    """Whoever says that a case is his has its text opened only with its code."""
    other, _, others_code = submit(text="另一件事")
    for wrong in ("", "20260310-complaint-001-4F7K2M9P", others_code):
        _, opened = ask("own", case, wrong)
        assert opened == ["refused not_allowed tracking_code"], opened
    _, opened = ask("own", other, others_code)
    assert {line.split(": ", 1)[1] for line in opened} == {"另一件事", HIS["place"]}, opened


def the_page_is_drawn_from_it(number, code):
    browser = portal.Browser(system.port)
    page = browser.send(browser.get("/track").form_at("/track"), number=number, code=code)
    assert all(text in page.text for text in HIS.values()) and "已责令停工" in page.text, page.text
    for planted in (NOTE, RESULT, SECOND_NOTE, FILE_NAME):
        assert planted not in page.text, planted


def only_dates_that_stand(case):
    """Reopened, the case has its clocks anew: of those of the first round he is told no more, the staff is."""
    act("coordinator", case, "reopen", reason="又吵")
    clocks = ask("clocks", case)[0]["watchdog"]["clocks"]["clocks"]
    told = [clock["instance"]["clock"] for clock in clocks]
    assert told and len(set(told)) == len(told), clocks
    staff = [clock["instance"]["clock"] for clock in api("coordinator", "GET", f"/cases/{case}/explain").json()["clocks"]]
    assert len(set(staff)) < len(staff), staff
    assert all(clock["due_at"] and clock["state"] != "cancelled" and "department" not in clock for clock in clocks), clocks


def complainants():
    global system
    with harness.System("--demo") as system:
        case, number, code = his_own_case_and_no_more()
        the_file_is_the_staffs(case)
        proved_by_the_code(case, code)
        what_was_answered_is_told(case, code)
        the_page_is_drawn_from_it(number, code)
        only_dates_that_stand(case)


harness.main([complainants])
