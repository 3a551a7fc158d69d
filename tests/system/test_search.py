"""Search in sealed texts, the caller's earlier cases, and likely duplicates: what is found, by whom, page by page; what is not
there for somebody is not found by him either; and that a search is recorded without its words."""

import datetime
import os
import tempfile
import urllib.parse

import harness

system = None
tokens = {}
SITE = "haitang"


def ask(method, path, body=None, account="reception", status=None):
    reply = system.http(method, path, body, tokens[account])
    assert status in (None, reply.status), reply
    return reply


def submit(account="reception", **fields):
    body = {"site": SITE, "kind": "complaint", "category": "noise", "channel": "phone", **fields}
    case = ask("POST", "/api/v1/cases", body, account, 201).json()
    system.settle()
    return case


def search(account="reception", status=200, **query):
    reply = ask("GET", f"/api/v1/cases?{urllib.parse.urlencode({'site': SITE, **query})}", None, account, status)
    return reply.json() if status == 200 else reply


def found(account="reception", **query):
    return [row["number"] for row in search(account, **query)["rows"]]


def finds_what_was_written():
    """Any part of any text, however it was typed; not what only looks like it."""
    case = submit(text="三号楼缆车夜间异响，\n 像 ＨＯＷＬＩＮＧ 一样 Straße", place="听涛阁 西侧", party={
        "name": "欧阳铃木", "phone": "+86 139-7775-8246", "email": "Zebulon@example.net", "address": "棕榈巷七十九号"})
    number = case["number"]
    for text in ("缆车", "车夜间异", "异响, 像", "howling", "HOWL", "ｈｏｗｌｉｎｇ", "strasse", "异响 缆车", "铃木", "欧阳铃木", "听涛阁", "棕榈巷",
                 "zebulon@EXAMPLE", "7775-8246", number, number[-9:], "西侧 铃木 缆车"):
        assert found(text=text) == [number], (text, number, found(text=text))
    for text in ("车缆", "缆车间", "缆车 大门", "howlinh", "阁听", "三号楼缆车夜间异响。"):
        assert found(text=text) == [], text
    system.settle()
    for step, fields, note in (("accept", {}, "内部备注紫色雨伞"), ("investigate", {"finding": "青铜门环松动"}, "")):
        body = {"fields": fields, **({"note": note} if note else {})}
        ask("POST", f"/api/v1/cases/{case['case_id']}/actions/{step}", body, "coordinator", 200)
    system.settle()
    for text in ("紫色雨伞", "门环松动", "青铜 紫色 缆车"):
        assert found(text=text) == [number], (text, number, found(text=text))
    return case


def refuses_what_says_too_little():
    for query, field in (({"text": "车"}, "text"), ({"text": " 缆 车 "}, "text"), ({"text": "。" * 201}, "text"),
                         ({"text": "缆车", "phone": "13977758246"}, "text"), ({"phone": "1397"}, "phone"),
                         ({"text": "缆车", "cursor": "nonsense"}, "cursor"), ({"text": " ".join(["缆车"] * 9)}, "text")):
        problem = search(status=None, **query)
        assert problem.status in (413, 422) and problem.json()["field"] == field, problem
        assert problem.json()["zh"] and problem.json()["en"], problem
    problem = ask("GET", f"/api/v1/cases?text={urllib.parse.quote('缆车')}", status=400).json()
    assert problem["field"] == "site", problem


def pages_and_other_filters():
    """The order of the list, its cursor, and whatever else it is filtered by."""
    numbers = [submit(text=f"地下车库漏水 {i}", category="noise" if i % 2 else "cleaning")["number"] for i in range(5)]
    for order, expected in (("newest", numbers[::-1]), ("oldest", numbers)):
        cursor, got, pages = "", [], 0
        while pages == 0 or cursor:
            page = search(text="车库漏水", order=order, limit=2, **({"cursor": cursor} if cursor else {}))
            got, cursor, pages = got + [row["number"] for row in page["rows"]], page.get("cursor", ""), pages + 1
            assert pages <= 4 and len(page["rows"]) <= 2, page
        assert got == expected, (order, got, expected)
    assert found(text="车库漏水", category="cleaning") == numbers[::2][::-1]
    assert found(text="车库漏水", phase="closed") == found(text="车库漏水", received_to="2020-01-01") == []
    assert found(text="车库漏水", received_from="2020-01-01", received_to="2099-01-01") == numbers[::-1]
    csv = ask("GET", f"/api/v1/cases?site={SITE}&format=csv&text={urllib.parse.quote('车库漏水')}", status=200).body.decode()
    assert [line.split(",")[1] for line in csv.splitlines()[1:]] == numbers, csv


def what_is_not_theirs_is_not_found():
    """A case that the policy hides, a site of others, an identity that is withheld, an account that opens nothing."""
    hidden = submit("manager", kind="sanction", category="", channel="other", text="考勤弄虚作假处分")
    kept = submit(text="物业经理索要红包", party={"name": "司马青衫", "phone": "13611112222", "confidential": True})
    assert found("manager", text="弄虚作假") == [hidden["number"]]
    for account in ("reception", "handler", "head", "coordinator", "admin"):
        page = search(account, text="弄虚作假", limit=1)
        assert page["rows"] == [] and "cursor" not in page, (account, page)
        assert found(account, text="索要红包") == [kept["number"]], account
        withheld = account != "coordinator"
        assert (found(account, text="司马青衫") == []) == withheld, account
        assert (found(account, phone="13611112222") == []) == withheld, account
    for account, status in (("auditor", 403), ("renhe-coordinator", 403)):
        for query in ({"text": "索要红包"}, {"phone": "13611112222"}):
            problem = search(account, status, **query)
            assert problem.json()["code"] == "not_allowed", problem


def knows_the_caller(case):
    for phone in ("13977758246", "+86 139 7775 8246", "0086-13977758246", "１３９７７７５８２４６"):
        assert found(phone=phone) == [case["number"]], phone
    assert found(phone="13977758247") == found(phone="3977758246") == []
    two = submit(text="楼道灯坏了", party={"phone": "021-64370000 / 13977758246"})["number"]
    assert found(phone="13977758246") == [two, case["number"]] and found(phone="02164370000") == [two]


def asks_alike(account="reception", status=200, **typed):
    return ask("POST", f"/api/v1/cases/alike?site={SITE}", typed, account, status).json()


def alike(account="reception", **typed):
    return [row["number"] for row in asks_alike(account, **typed)["rows"]]


def finds_what_is_alike(case):
    place = {"kind": "complaint", "category": "noise"}
    assert alike(**place, place="听涛阁西侧") == [case["number"]]
    assert alike(**place, place="别处") == []
    assert ask("GET", f"/api/v1/cases/alike?site={SITE}&kind=complaint&text=x", status=400).json()["code"] == "unknown_parameter"  # what is typed is in no address


def the_same_matter_comes_first():
    """Of the same place and kind, of which the text says most; by words alone where no place is given; not to who may not open texts."""
    typed = "二期西门道闸抬不起来，车辆排队进不了小区"
    other = submit(text="二期西门的灯不亮", place="二期西门", category="other")["number"]
    same = submit(text="西门道闸抬不起来了，很多车辆排队进不去", place="二期西门", category="other")["number"]
    elsewhere = submit(text="东门道闸抬不起来，车辆排队", place="东门", category="other")["number"]
    secret = submit(text=typed, place="密处", category="other", party={"name": "某", "confidential": True})["number"]
    for i in range(6):  # newer ones of the place do not push it out
        last = submit(text=f"垃圾桶满了 {i}", place="二期西门", category="other")["number"]
    system.settle()
    query = {"kind": "complaint", "category": "other", "place": "二期西门"}
    assert alike(**query, text=typed)[0] == same and len(alike(**query, text=typed)) == 5, (same, alike(**query, text=typed))
    assert same not in alike(**query) and alike(**query)[0] == last, alike(**query)
    assert alike(kind="complaint", text=typed)[:2] == [same, elsewhere], alike(kind="complaint", text=typed)
    assert secret not in alike(kind="complaint", text=typed)  # whose complainant asked for it is found by its place alone
    assert other not in alike(kind="complaint", text=typed)
    assert alike(kind="complaint", text="西门") == []  # too little to say what it is
    assert asks_alike(status=413, kind="complaint", text="字" * 3000)["field"] == "text"
    session = system.http("POST", "/api/v1/session", {"account": "reception", "password": system.passwords()["reception"]})
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    made = system.http("POST", "/api/v1/tokens", {"name": "x", "scopes": ["read", "submit"], "expires_at": until.strftime("%Y-%m-%dT%H:%M:%SZ")},
                       headers={"Cookie": session.headers["set-cookie"].split(";")[0], "X-CSRF-Token": session.json()["csrf"]})
    tokens["without open"] = made.json()["token"]
    assert alike("without open", kind="complaint", text=typed) == [] and last in alike("without open", **query, text=typed)


def who_complained_is_not_among_the_words():
    """Name, address and number of whoever complained, and what a step brought, make no case alike: else they could be tried out, unrecorded."""
    text = "厨房下水管道反味，物业一直没有来人处理"
    party = {"name": "Maximilian Featherstonehaugh", "phone": "13866667777", "email": "featherstonehaugh@example.net", "address": "槐荫路一百二十三弄四十五号九零二室"}
    case = submit(text=text, category="other", party=party)
    note = "值班经理当面致歉并安排抽查井盖"
    ask("POST", f"/api/v1/cases/{case['case_id']}/actions/accept", {"fields": {}, "note": note}, "coordinator", 200)
    system.settle()
    harness.eventually("the index of words has it", lambda: alike(kind="complaint", text=text)[:1] == [case["number"]])
    for probe in (*party.values(), note):
        assert alike(kind="complaint", text=probe) == [], probe
        assert probe == party["phone"] or found(text=probe) == [case["number"]], probe  # a search has it, and is recorded


def files_hold(text):
    wanted = text.encode()
    for path, _, names in os.walk(system.folder):
        for name in names:
            file = os.path.join(path, name)
            if os.path.isfile(file):
                with open(file, "rb") as f:
                    if wanted in f.read():
                        yield file


def is_recorded_without_its_words():
    """One record for a search, and none for its being gone on with inside of it; the words lie nowhere."""
    counted = lambda: ask("GET", "/metrics/intake", status=200).body.decode()
    said = lambda: float(next(line.split()[-1] for line in counted().splitlines() if line.startswith("hearback_events_said_total")))
    system.settle()
    before = said()
    assert found(text="无人写过的孔雀石") == []
    assert said() == before + 1
    assert not list(files_hold("孔雀石"))


def walking_through_all_numbers_is_slow():
    """Whoever asks for one number after another is told to wait, and leaves no record then; others go on."""
    statuses = []
    while len(statuses) < 1000 and 429 not in statuses:
        reply = ask("GET", f"/api/v1/cases?site={SITE}&phone=1390000{len(statuses):04}", None, "manager")
        statuses.append(reply.status)
    assert statuses[-1] == 429 and set(statuses[:-1]) == {200} and len(statuses) > 100, statuses  # some of 120 were used above
    problem = reply.json()
    assert problem["code"] == "too_many_searches" and problem["zh"] and problem["en"], problem
    assert 1 <= problem["retry_after"] <= 3 and reply.headers["retry-after"] == str(problem["retry_after"]), reply.headers
    assert ask("GET", f"/api/v1/cases?site={SITE}", None, "manager").status == 200
    assert ask("GET", f"/api/v1/cases?site={SITE}&text=x", None, "coordinator").status == 422  # no search: not counted
    assert found("coordinator", text="无人写过的孔雀石") == []
    typed = {"kind": "complaint", "category": "noise"}
    assert asks_alike("manager", 429, **typed, text="无人写过的孔雀石")["code"] == "too_many_searches"  # what is being typed is looked for, too
    asks_alike("manager", **typed)
    asks_alike("coordinator", **typed, text="无人写过的孔雀石")


READ = """pack: READ
name: [限定可看, For some to read]
extends: PROP-11
clauses: {READ-1: [处理结论与损失只给协调员看, Finding and loss are for the coordinator]}
kinds:
  complaint:
    fields:
      finding: {read: coordinator}
      loss: {clause: READ-1, name: [损失, Loss], type: money, read: coordinator}
      report: {clause: READ-1, name: [鉴定报告, Report], type: file, read: coordinator}
    steps:
      investigate: {fields: [cause, loss, report]}
"""


def what_some_only_may_read():
    """In the file, the time line, forms, lists, exports, the explanation and a search: for the coordinator, and for no one else."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/READ")
        with open(f"{folder}/READ/pack.yaml", "w", encoding="utf-8") as f:
            f.write(READ)
        system.run("policy", "publish", SITE, f"{folder}/READ", "--operator")
    system.settle()
    case = submit(text="天台积水")
    path = f"/api/v1/cases/{case['case_id']}"
    file = system.http("POST", f"{path}/attachments?name=report.txt", "鉴定书".encode(), tokens["coordinator"], {"Content-Type": "text/plain"})
    assert file.status == 201, file
    for step, fields in (("accept", {}), ("investigate", {"finding": "排水口由七号楼封堵", "loss": "98765.43", "report": file.json()["id"]})):
        ask("POST", f"{path}/actions/{step}", {"fields": fields}, "coordinator", 200)
    system.settle()
    secrets = ("七号楼封堵", "9876543", "98765.43", file.json()["id"], "report.txt")
    places = (f"{path}?purpose=x", f"{path}/timeline?purpose=x", f"{path}/explain", f"{path}/attachments?purpose=x", f"/api/v1/cases?site={SITE}&format=csv", f"/api/v1/cases?site={SITE}",
              f"{path}/documents/acceptance_form?format=html&purpose=x", f"{path}/documents/acceptance_form?purpose=x")
    for account in ("coordinator", "reception", "handler", "head"):
        shown = "".join(ask("GET", place, None, account, 200).body.decode() for place in places)
        told = [secret for secret in secrets if secret in shown]
        assert told == (list(secrets) if account == "coordinator" else []), (account, told)
        assert found(account, text="七号楼封堵") == ([case["number"]] if account == "coordinator" else []), account
        reply = ask("GET", f"{path}/attachments/{file.json()['id']}?purpose=x", None, account)
        assert reply.status == (200 if account == "coordinator" else 404), (account, reply)
    own = ask("GET", path, None, "handler", 200).json()
    assert own["withheld"] == ["finding", "loss", "report"], own
    steps = [event for event in ask("GET", f"{path}/timeline", None, "handler", 200).json()["events"] if "finding" in event.get("withheld_fields", [])]
    assert len(steps) == 1 and steps[0]["casework"]["step_taken"]["step"] == "investigate", steps
    assert "finding: (withheld)" in system.run("--as", "handler", "case", "show", case["number"]).stdout


def stays_found_after_a_restart(case):
    """With the index, where it was taken away, and where it was damaged."""
    for gone in ("", "data.mdb lock.mdb", "damaged"):
        system.stop()
        index = os.path.join(system.folder, "data", "intake-0", "words")
        assert os.path.isdir(index), os.listdir(os.path.dirname(index))
        for name in gone.split() if gone != "damaged" else []:
            os.remove(os.path.join(index, name))
        if gone == "damaged":
            with open(os.path.join(index, "data.mdb"), "r+b") as f:
                f.write(b"\x55" * 8192)  # both of its heads
        system.start()
        for text in ("夜间异响", "紫色雨伞"):
            assert found(text=text) == [case["number"]], text
        assert len(found(phone="13977758246")) == 2


def test_search():
    global system
    with harness.System("--demo") as system:
        tokens.update(system.tokens())
        manager = {"id": "manager", "person": "wu_guodong", "scopes": ["read", "act", "report", "submit", "open"]}
        ask("PUT", "/api/v1/organisation", {"accounts": [manager]}, "admin", 200)
        case = finds_what_was_written()
        refuses_what_says_too_little()
        pages_and_other_filters()
        what_is_not_theirs_is_not_found()
        finds_what_is_alike(case)
        the_same_matter_comes_first()
        who_complained_is_not_among_the_words()
        knows_the_caller(case)
        is_recorded_without_its_words()
        what_some_only_may_read()
        walking_through_all_numbers_is_slow()
        stays_found_after_a_restart(case)
        verified = system.run("verify", check=False)
        assert verified.returncode == 0, verified.stdout + verified.stderr


if __name__ == "__main__":
    harness.needs_a_build_without_sanitizers("files are attached, and hearback-inspect shuts itself in more tightly than they allow")
    harness.main([test_search])
