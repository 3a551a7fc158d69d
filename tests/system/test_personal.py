"""Nothing personal lies plain anywhere: distinctive names, telephones, addresses and texts come in by every way in, and are
then looked for in the data folder, the logs, a backup, what the processes print, and the metrics."""

import json
import os
import tempfile

import harness
import portal

SECRETS = {
    "name": ["欧阳铃木", "Zebulon Quicksilver"],
    "phone": ["13977758246", "021-99887766"],
    "email": ["zebulon.quicksilver@example.net"],
    "address": ["棕榈巷七十九号", "79 Palmetto Crescent"],
    "place": ["听涛阁西侧第三信箱旁", "Behind Foghorn Pillar 12"],
    "text": ["夜半钢琴声震落吊灯", "A marmalade flood in the stairwell"],
    "step": ["已致歉并赠送橙色蜡烛", "内部备注紫色雨伞", "复查发现青铜门环松动"],
}


def planted():
    return [text for texts in SECRETS.values() for text in texts]


def plant(system, mail):
    """By the portal, the API, the command, an import with history, and steps."""
    tokens = system.tokens()
    phone = portal.Browser(system.port)
    page = phone.send(phone.get("/submit?site=haitang&kind=complaint").form_at("/submit"), category="noise",
                      text=SECRETS["text"][0], place=SECRETS["place"][0], name=SECRETS["name"][0], phone=SECRETS["phone"][0],
                      email=SECRETS["email"][0], address=SECRETS["address"][0])
    assert "complaint-" in page.text, page.text
    party = {"name": SECRETS["name"][1], "phone": SECRETS["phone"][1], "address": SECRETS["address"][1]}
    body = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": SECRETS["text"][1],
            "place": SECRETS["place"][1], "party": party}
    case = system.http("POST", "/api/v1/cases", body, tokens["reception"]).json()
    system.settle()
    alike = system.http("POST", "/api/v1/cases", body, tokens["reception"]).json()
    assert case["number"] in alike["alike"], alike  # sealed, and still found to be the same place
    system.run("--as", "reception", "submit", "--site", "haitang", "--kind", "complaint", "--category", "noise", "--text",
               SECRETS["text"][0], "--name", SECRETS["name"][0], "--phone", SECRETS["phone"][0], "--place", SECRETS["place"][0])
    submission = {name: body[name] for name in ("kind", "category", "channel", "text", "place", "party")}
    row = {"source": "old", "external_id": "p1", "received_ms": "2026-03-09T09:00:00+08:00", "submit": submission,
           "history": {"steps": [{"step": "accept", "occurred_ms": "2026-03-09T10:00:00+08:00"},
                                 {"step": "handle", "occurred_ms": "2026-03-09T11:00:00+08:00",
                                  "fields": {"result": SECRETS["step"][0]}}]}}
    done = system.http("POST", "/api/v1/imports", {"site": "haitang", "rows": [row]}, tokens["admin"]).json()
    assert done["imported"] == 1, done
    system.settle()
    for step, fields, note in (("accept", {}, SECRETS["step"][1]), ("investigate", {"finding": SECRETS["step"][2]}, ""),
                               ("handle", {"result": SECRETS["step"][0]}, ""),
                               ("answer", {"reply_text": SECRETS["step"][0]}, "")):
        path = f"/api/v1/cases/{case['case_id']}/actions/{step}"
        reply = system.http("POST", path, {"fields": fields, **({"note": note} if note else {})}, tokens["coordinator"])
        assert reply.status == 200, (step, reply)
    refused = system.http("POST", "/api/v1/cases", {**body, "kind": SECRETS["name"][0]}, tokens["reception"])
    assert refused.status == 422, refused
    mail.wait(lambda m: SECRETS["email"][0] in m["To"])
    return tokens, case["case_id"]


def found_in(folder):
    """Every secret in every file, as UTF-8 and as JSON would escape it."""
    wanted = [(text, form) for text in planted() for form in {text.encode(), json.dumps(text)[1:-1].encode()}]
    for path, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            if not os.path.isfile(file):
                continue  # sockets
            with open(file, "rb") as f:
                content = f.read()
            for text, form in wanted:
                if form in content:
                    yield f"{text} in {file}"


def nothing_personal_lies_plain():
    with harness.Mail() as mail, harness.System("--demo", "--smtp", mail.url) as system, \
            tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        tokens, case_id = plant(system, mail)
        system.settle()
        # whoever may, reads all of it: it is there
        read = "".join(system.http("GET", f"/api/v1/cases/{case_id}{part}", token=tokens["coordinator"]).body.decode()
                       for part in ("?purpose=test", "/timeline?purpose=test&limit=200"))
        for text in (SECRETS["name"][1], SECRETS["phone"][1], SECRETS["address"][1], SECRETS["place"][1], *SECRETS["step"]):
            assert text in read, text
        system.run("backup", os.path.join(place, "backups"), "--with-keys", os.path.join(place, "keys"))
        shown = "".join(system.http("GET", f"/metrics{name}").body.decode()
                        for name in ("", "/intake", "/casework", "/notification", "/analytics"))
        verified = system.run("verify")
        with open(os.path.join(place, "shown"), "w") as f:
            f.write(shown + verified.stdout + verified.stderr + system.run("--json", "status").stdout)
        found = [*found_in(system.folder), *found_in(place)]
        assert not found, "\n".join(found)
        with open(os.path.join(place, "control"), "w") as f:  # the search itself finds what lies there
            f.write(SECRETS["place"][0])
        assert len(list(found_in(place))) == 1


if __name__ == "__main__":
    harness.main([nothing_personal_lies_plain])
