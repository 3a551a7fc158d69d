"""Codes on paper: labels of places and where they lead, receipts and whether they are true."""

import base64
import re

import harness
import test_portal
from test_portal import Phone

system = None


def labels(query, account="reception", expect=200):
    reply = system.http("GET", f"/api/v1/labels?{query}", token=system.tokens()[account])
    assert reply.status == expect, reply
    return reply


def quote(text):
    return test_portal.portal.urllib.parse.quote(text)


def altered(text, at):
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


# ---- places ----

def a_code_leads_to_the_form_of_its_place():
    (one,) = labels(f"site=haitang&kind=repair&places={quote('3号楼2单元电梯')}&format=json").json()["labels"]
    assert one["place"] == "3号楼2单元电梯" and re.fullmatch(r"http://[^/]+/s/[\w-]+", one["address"]), one
    path = one["address"].split("/", 3)[3]
    phone = Phone()
    form = phone.get(f"/{path}").form_at("/submit")
    assert form["fields"]["place"] == "3号楼2单元电梯" and form["fields"]["kind"] == "repair" and form["fields"]["site"] == "haitang", form
    choice = next(iter(set(form["choices"]["f.class"]) & {"small"}))
    page = phone.send(form, category="lift", text="按钮失灵", **{"f.class": choice})
    number = re.search(r"\d{8}-repair-\d{3}", page.text).group()
    system.settle()
    file = system.http("GET", f"/api/v1/cases/{number}?site=haitang", token=system.operator_token())
    assert "3号楼2单元电梯" in file.body.decode(), file
    # a place without a kind: the kinds first, and the place is not lost on the way, nor in the other language
    (one,) = labels(f"site=haitang&places={quote('地下车库B1')}&format=json").json()["labels"]
    text = phone.request("GET", "/" + one["address"].split("/", 3)[3])[1]
    assert "地下车库B1" in text
    link = re.search(r'href="(/submit\?place=[^"]+kind=complaint)"', text).group(1).replace("&amp;", "&")
    form = phone.get(link).form_at("/submit")
    assert form["fields"]["place"] == "地下车库B1"
    english = phone.raw("POST", "/submit", {**form["fields"], "lang": "en"})
    assert english.status == 200 and "地下车库B1".encode() in english.body
    return path


def a_forged_code_is_refused_clearly(path):
    token = path.split("/")[1]
    for wrong in (altered(token, 0), altered(token, len(token) - 2), token + "A", token[:20], "x", "%00", "A" * 5000):
        reply = Phone().raw("GET", f"/s/{wrong}")
        assert reply.status in (400, 404) and "place" not in re.findall(r'name="(\w+)"', reply.body.decode()), (wrong, reply)
    assert "这个二维码不是我们的" in Phone().raw("GET", f"/s/{altered(token, 0)}").body.decode()
    assert "not ours" in Phone("en").raw("GET", f"/submit?place={altered(token, 3)}").body.decode()


def a_sheet_of_labels():
    places = "\n".join(f"{n}号楼大堂 <b>" for n in range(1, 23))
    text = labels(f"site=haitang&places={quote(places)}").body.decode()
    assert text.count("<svg") == 22 and text.count('<ul class="labels">') == 2, text[:500]
    assert "3号楼大堂 &lt;b&gt;" in text and "海棠苑" in text and "<script" not in text and "style=" not in text
    assert "Scan to report" in labels(f"site=haitang&lang=en&places={quote('一，二, 三')}").body.decode()
    assert [one["place"] for one in labels(f"site=haitang&format=json&places={quote('一，二, 三 ,')}").json()["labels"]] == ["一", "二", "三"]
    run = system.run("--as", "reception", "labels", "--site", "haitang", "大门", "电梯")
    assert run.stdout.count("<svg") == 2, run


def who_may_print_labels():
    labels("site=haitang&places=x", account="handler", expect=403)  # may not register
    labels("site=renhe&places=x", account="reception", expect=404)
    labels("site=nowhere&places=x", expect=404)
    labels("site=haitang", expect=422)
    labels("places=x", expect=422)
    labels("site=haitang&places=x&format=pdf", expect=422)
    labels("site=haitang&places=" + "x" * 201, expect=422)
    labels("site=haitang&places=" + ",".join("x" * 501), expect=422)
    assert system.http("GET", "/api/v1/labels?site=haitang&places=x").status == 401


# ---- receipts ----

def a_receipt_can_be_checked():
    phone = Phone()
    number, code = phone.submit(name="王五", phone="13900001111")
    text = phone.request("GET", "/receipt")[1]
    assert 'class="qr"' in text
    path = re.search(r'href="(/r/[\w-]+)"', text).group(1)
    entry = base64.urlsafe_b64decode(path[3:])
    assert number.encode() not in entry and code.encode() not in entry
    page = Phone().get(path)
    assert "回执属实" in page.text and number in page.text and "海棠苑" in page.text, page.text
    assert code not in page.text and "王五" not in page.text
    offset, digest = int.from_bytes(entry[8:16], "big"), entry[16:].hex()
    assert f"intake {offset} {digest}" in page.text
    other = Phone()
    other.submit()
    second = re.search(r'href="(/r/[\w-]+)"', other.request("GET", "/receipt")[1]).group(1)
    mixed = base64.urlsafe_b64encode(base64.urlsafe_b64decode(second[3:])[:16] + entry[16:]).decode()
    for wrong in (path[3:-4] + "AAAA", altered(path[3:], 4), altered(path[3:], 20), mixed, path[3:20], "x", "A" * 300):
        reply = Phone().raw("GET", f"/r/{wrong}")
        assert reply.status == 404 and number.encode() not in reply.body and "查不到这份回执".encode() in reply.body, (wrong, reply)
    assert "This receipt is true" in Phone("en").get(path).text
    with test_portal.away("intake"):
        assert phone.raw("GET", "/receipt").status == 200  # the receipt itself needs no service
        assert 'class="qr"' not in phone.request("GET", "/receipt")[1]
    return path


def all_of_it():
    global system
    with harness.System("--demo") as started:
        system = test_portal.system = started
        path = a_code_leads_to_the_form_of_its_place()
        for test in (lambda: a_forged_code_is_refused_clearly(path), a_sheet_of_labels, who_may_print_labels, a_receipt_can_be_checked):
            test()


if __name__ == "__main__":
    harness.main([all_of_it])
