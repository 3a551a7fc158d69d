"""Files of cases: what comes in is looked at, stripped, sealed, and given only to whoever may open it; what is hostile, doubled,
cut off or killed in the middle leaves nothing half; a backup has the content of every file it says is attached."""

import concurrent.futures
import hashlib
import io
import json
import os
import signal
import struct
import subprocess
import tempfile
import time
import urllib.parse
import xml.etree.ElementTree as xml
import zipfile
import zlib

import harness
import portal

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

SECRET = b"Canon of Zebulon, 31.2304N 121.4737E"


# ---- files ----

def jpeg(width=8, height=8, exif=b"", comment=b"", tail=b""):
    def segment(mark, data):
        return struct.pack(">BBH", 0xff, mark, len(data) + 2) + data
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return (b"\xff\xd8" + segment(0xe0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + (segment(0xe1, b"Exif\0\0" + exif) if exif else b"")
            + (segment(0xfe, comment) if comment else b"") + segment(0xdb, b"\0" + bytes([1] * 64)) + segment(0xc0, frame)
            + segment(0xc4, b"\x00" + bytes([0, 1] + [0] * 14) + b"\0") + segment(0xda, b"\1\1\0\0\x3f\0")
            + b"\x55\xff\x00\x12" * 3 + b"\xff\xd9" + tail)


def exif(orientation, secret):
    """A directory with the orientation and a maker's name that stands for all that tells who and where."""
    entries = struct.pack(">HHIHH", 0x112, 3, 1, orientation, 0) + struct.pack(">HHII", 0x10f, 2, len(secret), 38)
    return b"MM\0*" + struct.pack(">I", 8) + struct.pack(">H", 2) + entries + b"\0\0\0\0" + secret


def png(width=4, height=4, *more):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    pixels = zlib.compress(b"".join(b"\0" + bytes(4) for _ in range(4)))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + b"".join(chunk(name, data) for name, data in more) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def webp(*more):
    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)
    inner = chunk(b"VP8X", b"\x0c\0\0\0" + b"\x03\0\0\x03\0\0") + chunk(b"VP8L", b"\x2f" + bytes(9)) + b"".join(
        chunk(name, data) for name, data in more)
    return b"RIFF" + struct.pack("<I", len(inner) + 4) + b"WEBP" + inner


def box(name, *inner):
    data = b"".join(inner)
    return struct.pack(">I", len(data) + 8) + name + data


def film(secret):
    return (box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41") + box(b"moov", box(b"mvhd", bytes(100)), box(b"udta", box(b"\xa9xyz", secret)))
            + box(b"mdat", b"x" * 50))


def heic(secret):
    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    infos = box(b"iinf", b"\0\0\0\0\0\2", box(b"infe", b"\2\0\0\0\0\1\0\0hvc1\0"), box(b"infe", b"\2\0\0\0\0\2\0\0Exif\0"))

    def meta(at):
        places = struct.pack(">IBBHHHHIIHHHII", 0, 0x44, 0, 2, 1, 0, 1, at, 8, 2, 0, 1, at + 8, len(secret))
        return box(b"meta", b"\0\0\0\0", infos, box(b"iloc", places))
    at = len(head) + len(meta(0)) + 8
    return head + meta(at) + box(b"mdat", b"P" * 8 + secret)


def office(member="word/document.xml", content=b"<w:document/>", more=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(member, content)
        for name, data in more:
            archive.writestr(name, data)
    return out.getvalue()


class Unseekable(io.BytesIO):
    """As a program that writes to a pipe: the sizes stand behind each member."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation


def with_properties(how=zipfile.ZIP_DEFLATED, out=None):
    """An office file that says who wrote it, and a folder's worth of what it is itself."""
    out = out or io.BytesIO()
    core = ("<cp:coreProperties xmlns:cp='http://schemas.openxmlformats.org/package/2006/metadata/core-properties' "
            f"xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:creator>{SECRET.decode()}</dc:creator></cp:coreProperties>")
    with zipfile.ZipFile(out, "w", how) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("docProps/core.xml", core)
        archive.writestr("docProps/app.xml", core.replace("creator", "Company"))
        archive.writestr("word/document.xml", "<w:document/>" * 10)
    return out.getvalue()


def says_nothing_of_its_author(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None and archive.read("word/document.xml") == b"<w:document/>" * 10
        for name in ("docProps/core.xml", "docProps/app.xml"):
            root = xml.fromstring(archive.read(name))
            assert len(root) == 0 and not root.text, name


def with_labels():
    label = b"\0" + SECRET
    before = b"ID3\4\0\0" + bytes([0, 0, 0, len(label)]) + label
    ape = SECRET + b"APETAGEX" + struct.pack("<IIII", 2000, 32 + len(SECRET), 1, 0) + bytes(8)
    return before + FRAMES + ape + b"TAG" + SECRET.ljust(125, b"\0")


def wave(*pieces):
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    inner = form + b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1) for name, data in pieces)
    return b"RIFF" + struct.pack("<I", len(inner) + 4) + b"WAVE" + inner


FRAMES = (b"\xff\xfb\x90\x00" + bytes(413)) * 4
DATA = (b"data", b"\x80" * 25)
AUTHORED = (b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Metadata 3 0 R>>\nendobj\n2 0 obj\n<</Author(" + SECRET.replace(b",", b"\\(,\\)(x)") + b")/Title <"
            + SECRET.hex().encode() + b"> /Producer (a)>>\nendobj\n12 0 obj\n(kept)\nendobj\n3 0 obj\n<</Type/Metadata/Length 60>>\nstream\n<x:xmpmeta><dc:creator>"
            + SECRET + b"</dc:creator></x:xmpmeta>\nendstream\nendobj\ntrailer\n<</Root 1 0 R/Info 2 0 R>>\n%%EOF\n")
PDF = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
MAIL = "Return-Path: <a@example.org>\r\nDelivered-To: desk@example.org\r\nFrom: 甲 <a@example.org>\r\nSubject: 漏水\r\n\r\n<html>楼上漏水\r\n".encode()


# ---- the desk ----

seen = {}  # what the newest registration has told: casework must have heard it before it answers

def new_case(system, token, text="水管漏水"):
    body = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": text}
    reply = system.http("POST", "/api/v1/cases", body, token)
    assert reply.status == 201, reply
    seen["after"] = reply.headers["hearback-after"]
    return reply.json()["case_id"]


def attach(system, token, case_id, name, content, claimed="application/octet-stream", key=None):
    headers = {"Content-Type": claimed, "Hearback-After": seen["after"], **({"Idempotency-Key": key} if key else {})}
    return system.http("POST", f"/api/v1/cases/{case_id}/attachments?name={urllib.parse.quote(name)}", content, token, headers)


def files_of(system, token, case_id):
    reply = system.http("GET", f"/api/v1/cases/{case_id}/attachments?purpose=check", token=token)
    assert reply.status == 200, reply
    return reply.json()["attachments"]


def content_of(system, token, case_id, file_id):
    return system.http("GET", f"/api/v1/cases/{case_id}/attachments/{file_id}?purpose=look%20at%20it", token=token)


def taken(reply):
    assert reply.status == 201, reply
    return reply.json()


# ---- what is taken, and what becomes of it ----

def kinds_are_known(system, tokens):
    case_id = new_case(system, tokens["reception"])
    good = [
        ("漏水.jpg", jpeg(exif=exif(6, SECRET), comment=SECRET, tail=b"<?php " + SECRET), "image/jpeg", "漏水.jpg"),
        ("a.png", png(4, 4, (b"tEXt", b"Comment\0" + SECRET), (b"eXIf", SECRET), (b"prVt", SECRET)), "image/png", "a.png"),
        ("a.webp", webp((b"EXIF", SECRET), (b"XMP ", SECRET)), "image/webp", "a.webp"),
        ("a.heic", heic(SECRET), "image/heic", "a.heic"),
        ("film.mp4", film(SECRET), "video/mp4", "film.mp4"),
        ("a.gif", b"GIF89a\4\0\4\0\x80\0\0" + bytes(6) + b"!\xfe" + bytes([len(SECRET)]) + SECRET + b"\0,\0\0\0\0\4\0\4\0\0\2\2\x84\x51\0;" + SECRET,
         "image/gif", "a.gif"),
        ("报告.pdf", PDF, "application/pdf", "报告.pdf"),
        ("说明.txt", "晚上十点还在装修\n".encode(), "text/plain", "说明.txt"),
        ("表.csv", "日期,楼层\n3月1日,5\n3月2日,6\n".encode(), "text/csv", "表.csv"),
        ("信.docx", office(), WORD, "信.docx"),
        ("来信.eml", MAIL, "message/rfc822", "来信.eml"),
        ("rec.wav", b"RIFF" + struct.pack("<I", 60) + b"WAVEfmt \x10\0\0\0\1\0\1\0@\x1f\0\0@\x1f\0\0\1\0\x08\0data" + struct.pack("<I", 24) + b"\x80" * 24,
         "audio/wav", "rec.wav"),
        ("author.pdf", AUTHORED, "application/pdf", "author.pdf"),
        ("author.docx", with_properties(), WORD, "author.docx"),
        ("stored.docx", with_properties(zipfile.ZIP_STORED), WORD, "stored.docx"),
        ("piped.docx", with_properties(out=Unseekable()), WORD, "piped.docx"),
        ("a.mp3", with_labels(), "audio/mpeg", "a.mp3"),
        ("labelled.wav", wave((b"LIST", b"INFOIART" + SECRET), DATA, (b"bext", SECRET)), "audio/wav", "labelled.wav"),
        # whatever it is called, it is what it is
        ("invoice.exe", jpeg(), "image/jpeg", "invoice.exe.jpg"),
        ("../../etc/passwd", b"root\n", "text/plain", "passwd.txt"),
        ("C:\\x\\photo\u202egpj.exe\u0007", png(), "image/png", "photogpj.exe.png"),
        ("好" * 200 + ".png", png(), "image/png", None),
    ]
    for name, content, kind, called in good:
        claimed = "message/rfc822" if kind == "message/rfc822" else "application/x-anything"
        done = taken(attach(system, tokens["reception"], case_id, name, content, claimed))
        assert done["type"] == kind and called in (done["name"], None), (name, done)
        assert len(done["name"].encode()) <= 150 and done["name"].endswith(".png" if called is None else called), done
        got = content_of(system, tokens["coordinator"], case_id, done["id"])
        assert got.status == 200 and got.headers["content-type"].split(";")[0] == kind, got
        assert hashlib.sha256(got.body).hexdigest() == done["sha256"] and len(got.body) == int(done["size"]), name
        assert SECRET not in got.body and b"Zebulon" not in got.body, name
        assert got.headers["content-disposition"].startswith("attachment; filename=\""), got.headers
        assert got.headers["x-content-type-options"] == "nosniff" and "sandbox" in got.headers["content-security-policy"], got.headers
        assert got.headers["cache-control"] == "no-store", got.headers
        if kind == "image/jpeg" and name == "漏水.jpg":
            assert b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06" in got.body and got.body.endswith(b"\xff\xd9"), "which way up it is"
            assert "filename*=UTF-8''%E6%BC%8F%E6%B0%B4.jpg" in got.headers["content-disposition"], got.headers
        if name in ("报告.pdf", "信.docx") or kind in ("text/plain", "text/csv", "message/rfc822"):
            assert got.body == content, name
        if name == "author.pdf":
            assert len(got.body) == len(content) and SECRET.hex().encode() not in got.body and b"(kept)" in got.body, got.body
        elif name.endswith(".docx") and name != "信.docx":
            says_nothing_of_its_author(got.body)
        elif name == "a.mp3":
            assert got.body == FRAMES, got.body[-200:]
        elif name == "labelled.wav":
            assert got.body == wave(DATA), got.body
        assert done["may_name_author"] == (kind in ("application/pdf", WORD)), done
    listed = files_of(system, tokens["coordinator"], case_id)
    assert len(listed) == len(good) and listed[0]["name"] == "漏水.jpg" and listed[0]["type"] == "image/jpeg", listed
    return case_id, listed


def hostile_is_refused(system, tokens):
    case_id = new_case(system, tokens["reception"])
    bomb = office(content=bytes(60 << 20))
    outside = office(more=[("../../evil", b"x")])
    polyglot = b"GIF89a" + office()
    bad = [
        ("x.svg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415, "unsupported_type"),
        ("x.txt", b"<!DOCTYPE html><html><script>alert(1)</script></html>", 415, "unsupported_type"),
        ("x.exe", b"MZ" + bytes(200), 415, "unsupported_type"),
        ("x.jpg", b"\x7fELF\2\1\1" + bytes(200), 415, "unsupported_type"),
        ("x.zip", office(member="readme.txt"), 415, "unsupported_type"),
        ("x.eml", b"MZ\0\0" + bytes(100), 415, "unsupported_type"),
        ("x.txt", b"hello\x1b]0;owned\x07", 415, "unsupported_type"),
        ("bomb.docx", bomb, 413, "too_large"),
        ("out.docx", outside, 422, "damaged_file"),
        ("macro.docx", office(more=[("word/vbaProject.bin", b"x")]), 415, "active_file"),
        ("cut.docx", office()[:-30], 422, "damaged_file"),
        ("before.docx", b"PK\3\4" + office(), 422, "damaged_file"),
        ("huge.png", png(60000, 60000), 413, "too_large"),
        ("huge.jpg", jpeg(65000, 65000), 413, "too_large"),
        ("cut.png", png()[:-20], 422, "damaged_file"),
        ("cut.jpg", jpeg()[:40], 422, "damaged_file"),
        ("two.pdf", PDF + office(), 415, "mixed_file"),
        ("gifar.gif", polyglot, 422, "damaged_file"),
        ("tail.mp4", film(b"x") + b"<script>", 422, "damaged_file"),
        ("empty.png", b"", 422, "missing_field"),
        ("big.bin", bytes((10 << 20) + 1), 413, "too_large"),
    ]
    assert len(bomb) < 1 << 20
    for name, content, status, code in bad:
        reply = attach(system, tokens["reception"], case_id, name, content)
        assert reply.status == status and reply.json()["code"] == code, (name, reply)
        assert code != "unsupported_type" or "image/jpeg" in reply.json()["accepted"], reply
    assert files_of(system, tokens["reception"], case_id) == []
    reply = system.http("POST", f"/api/v1/cases/{case_id}/attachments", png(), tokens["reception"])
    assert reply.status == 422 and reply.json()["field"] == "name", reply


def rights_decide(system, tokens, case_id, file_id):
    other = tokens["renhe-reception"]
    for reply in (attach(system, other, case_id, "a.png", png()), content_of(system, other, case_id, file_id),
                  system.http("GET", f"/api/v1/cases/{case_id}/attachments", token=other)):
        assert reply.status == 404 and reply.json()["code"] == "not_found", reply  # no such case there
    for who in ("manager", "auditor"):  # may see the case, and neither open nor add
        reply = content_of(system, tokens[who], case_id, file_id)
        assert reply.status == 403, (who, reply)
        reply = attach(system, tokens[who], case_id, "a.png", png())
        assert reply.status == 403 and reply.json()["code"] == "not_allowed", (who, reply)
        rows = files_of(system, tokens[who], case_id)
        assert rows and "name" not in rows[0], rows
    assert content_of(system, tokens["coordinator"], case_id, "0" * 32).status == 404
    for purpose in ("", "?purpose=", "?purpose=%20%09"):
        reply = system.http("GET", f"/api/v1/cases/{case_id}/attachments/{file_id}{purpose}", token=tokens["coordinator"])
        assert reply.status == 422 and reply.json()["field"] == "purpose", reply  # it cannot be masked, and is not opened
    assert attach(system, tokens["coordinator"], "999999999999999999", "a.png", png()).status == 404
    system.settle()
    timeline = system.http("GET", f"/api/v1/cases/{case_id}/timeline?limit=200", token=tokens["coordinator"]).json()
    opened = [event for event in timeline["events"] if file_id in event.get("intake", {}).get("opened", {}).get("files", [])]
    assert {event["actor"]["account"] for event in opened} == {"coordinator"}, opened
    assert all(event["intake"]["opened"]["purpose"] == "look at it" for event in opened), opened
    attached = [event for event in timeline["events"] if "file_attached" in event.get("casework", {})]
    assert len(attached) == 22 and attached[0]["casework"]["file_attached"]["type"] == "image/jpeg", attached


def the_same_again_is_once(system, tokens):
    case_id, token = new_case(system, tokens["reception"]), tokens["reception"]
    photo = jpeg(comment=b"one")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: attach(system, token, case_id, "a.jpg", photo, key="k1"), range(4)))
    assert len({taken(reply)["id"] for reply in replies}) == 1, replies
    again = attach(system, token, case_id, "a.jpg", jpeg(16, 16), key="k1")
    assert again.status == 422 and again.json()["code"] == "body_mismatch", again
    rows = files_of(system, token, case_id)
    assert len(rows) == 1, rows
    assert hashlib.sha256(content_of(system, token, case_id, rows[0]["id"]).body).hexdigest() == replies[0].json()["sha256"]


def bounds_hold(system, tokens):
    case_id, token = new_case(system, tokens["reception"]), tokens["reception"]
    large = b"".join(b"%063d\n" % n for n in range((10 << 20) // 64 - 2))
    for n in range(10):
        done = taken(attach(system, token, case_id, f"{n}.txt", large))
    got = content_of(system, token, case_id, done["id"])
    assert got.body == large, len(got.body)
    full = attach(system, token, case_id, "more.txt", large)
    assert full.status == 413 and full.json()["accepted"] == ["104857600"], full
    for n in range(40):
        taken(attach(system, token, case_id, f"small{n}.txt", b"small %d\n" % n))
    full = attach(system, token, case_id, "last.txt", b"small\n")
    assert full.status == 413 and full.json()["accepted"] == ["50"], full


def killed_in_the_middle(system, tokens):
    """Intake and the gateway's inspector die while files come in: what was answered is there, what was not comes again."""
    case_id, token = new_case(system, tokens["reception"]), tokens["reception"]
    content = [b"".join(b"%d %060d\n" % (n, line) for line in range(60000)) for n in range(4)]

    def send(n):
        for _ in range(60):
            try:
                reply = attach(system, token, case_id, f"{n}.txt", content[n], key=f"kill{n}")
                if reply.status == 201:
                    return reply.json()
                assert reply.status == 503, reply
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError("never taken")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(send, n) for n in range(4)]
        for service in ("intake", "casework", "intake"):
            time.sleep(0.05)
            for pid in system.pids(service):
                os.kill(pid, signal.SIGKILL)
        done = [one.result() for one in sent]
    rows = {row["id"] for row in files_of(system, token, case_id)}
    assert rows == {one["id"] for one in done}, (rows, done)
    for n, one in enumerate(done):
        assert content_of(system, token, case_id, one["id"]).body == content[n]


def by_the_portal(system, tokens):
    """Without an account and without JavaScript: photos come with the submission and later; one that is refused loses nothing."""
    phone = portal.Browser(system.port)
    page = phone.get("/submit?site=haitang&kind=complaint")
    photo = jpeg(exif=exif(6, SECRET))
    page = phone.send(page.form_at("/submit"), category="noise", text="楼上漏水\n已两天", place="3栋1201", attach=[
        ('漏"水".jpg', photo, "image/jpeg"), ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        ("cut.png", png()[:-20], "image/png")])
    assert "complaint-" in page.text and "已附上文件数：1" in page.text, page.text
    assert "x.svg：不接受该类文件" in page.text and "cut.png：文件不完整" in page.text, page.text
    page = phone.get("/case")
    assert "漏_水_.jpg" in page.text and "x.svg：" in page.text, page.text
    page = phone.get("/case")
    assert "x.svg" not in page.text, "said once"
    page = phone.send(page.form_at("/case/files"), attach=[("再来.png", png(), "image/png"), ("n.txt", "夜里\n".encode(), "text/plain")])
    assert "已附上文件数：2" in page.text and "再来.png" in page.text, page.text
    page = phone.send(page.form_at("/case/files"), attach=[(f"{n}.txt", b"%d\n" % n, "text/plain") for n in range(7)])
    assert "已附上文件数：5" in page.text and "5.txt：一次最多 5 个文件" in page.text, page.text
    # back again: only one's own
    system.settle()
    case_id = system.http("GET", "/api/v1/cases?site=haitang&limit=1", token=tokens["coordinator"]).json()["rows"][0]["case_id"]
    rows = files_of(system, tokens["coordinator"], case_id)
    assert len(rows) == 8 and rows[0]["complainant"] and rows[0]["name"] == "漏_水_.jpg", rows
    status, answer = phone.request("GET", f"/case/files/{rows[2]['id']}")
    assert status == 200 and answer == "夜里\n", answer
    stranger = portal.Browser(system.port)
    status, answer = stranger.request("GET", f"/case/files/{rows[2]['id']}")
    assert "夜里" not in answer, answer
    given_with_the_answer(system, tokens, phone, case_id)
    # a form that is none
    connection = system.http("POST", "/submit", b"--x\r\nnothing", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert connection.status == 400, connection


def given_with_the_answer(system, tokens, phone, case_id):
    """A file that the answer names is the complainant's to fetch once it is given; all else of the staff stays inside."""
    inside, letter = (taken(attach(system, tokens["coordinator"], case_id, name, f"{name}\n".encode(), "text/plain"))["id"] for name in ("inside.txt", "letter.txt"))
    system.settle()
    assert phone.request("GET", f"/case/files/{letter}")[0] == 404
    for step, fields in (("accept", {}), ("investigate", {"finding": "属实"}), ("handle", {"result": "已修"}), ("answer", {"reply_text": "已修好，见附件。", "reply_file": letter})):
        reply = system.http("POST", f"/api/v1/cases/{case_id}/actions/{step}", {"fields": fields}, tokens["coordinator"])
        assert reply.status == 200, (step, reply)
    system.settle()
    page = phone.get("/case")
    assert "给您的文件" in page.text and "letter.txt" in page.text and "inside.txt" not in page.text and page.text.count(letter) <= 1, page.text
    assert phone.request("GET", f"/case/files/{letter}") == (200, "letter.txt\n")
    assert phone.request("GET", f"/case/files/{inside}")[0] == 404
    assert portal.Browser(system.port).request("GET", f"/case/files/{letter}")[1] != "letter.txt\n"


def confined(system):
    """The inspector can neither open nor connect, and says so by being killed."""
    program = system.program("hearback-inspect")
    with subprocess.Popen([program, "", ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        status = ""
        until = time.monotonic() + 10
        while "Seccomp:\t2" not in status and time.monotonic() < until:
            with open(f"/proc/{process.pid}/status") as f:
                status = f.read()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status, status
        answer, _ = process.communicate(PDF)
    assert answer.startswith(b"ok application/pdf ") and answer.endswith(PDF), answer
    said = subprocess.run([program, "", ""], input=b"", capture_output=True).stdout
    assert said.startswith(b"no damaged"), said


def api():
    with harness.System("--demo") as system:
        tokens = system.tokens()
        confined(system)
        case_id, rows = kinds_are_known(system, tokens)
        hostile_is_refused(system, tokens)
        rights_decide(system, tokens, case_id, rows[0]["id"])
        the_same_again_is_once(system, tokens)
        bounds_hold(system, tokens)
        killed_in_the_middle(system, tokens)
        by_the_portal(system, tokens)
        kept = {row["id"]: content_of(system, tokens["coordinator"], case_id, row["id"]).body for row in rows}
        backup_has_them(system, tokens, case_id, kept)


# ---- a backup under load, and what is altered ----

def backup_has_them(system, tokens, case_id, kept):
    with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as place:
        keys = os.path.join(place, "keys")
        cases = [new_case(system, tokens["reception"]) for _ in range(3)]
        stop, came = False, [0, 0, 0]

        def load(n):
            while not stop and came[n] < 45:
                taken(attach(system, tokens["reception"], cases[n], f"{n}-{came[n]}.txt", b"%d of %d\n" % (came[n], n)))
                came[n] += 1
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            running = [pool.submit(load, n) for n in range(3)]
            while min(came) < 3 and not any(one.done() for one in running):
                time.sleep(0.01)
            made = json.loads(system.run("--json", "backup", os.path.join(place, "backups"), "--with-keys", keys).stdout)
            stop = True
            for one in running:
                one.result()
        system.run("verify")
        system.stop()
        restored = harness.System(folder=os.path.join(place, "restored"))
        restored.port = harness.free_port()
        restored.run("restore", made["path"], "--keys", keys)
        with restored:
            restored.run("verify")
            found = 0
            for n, one in enumerate(cases):
                for row in files_of(restored, tokens["coordinator"], one):
                    body = content_of(restored, tokens["coordinator"], one, row["id"]).body
                    assert body == b"%s of %d\n" % (row["name"].split("-")[1].split(".")[0].encode(), n), row
                    found += 1
            assert found >= 9, found
            for file_id, content in kept.items():
                assert content_of(restored, tokens["coordinator"], case_id, file_id).body == content, file_id
            print(f"{found} files came while the backup began")
        altered_is_found(restored)


def altered_is_found(system):
    """One bit of one row of the files: whichever it is, it is named."""
    flip = system.program("flip")
    store = os.path.join(system.folder, "data", "intake-0", "files")
    done = subprocess.run([flip, store, "7"], capture_output=True, text=True)
    assert done.returncode == 0, done
    table, _, key = done.stdout.split()[:3]
    system.start()
    try:
        said = system.run("verify", check=False)
        assert said.returncode == 1 and "files: " in said.stdout + said.stderr, (done.stdout, said)
        assert key in said.stdout + said.stderr, (done.stdout, said)
    finally:
        system.stop()


if __name__ == "__main__":
    harness.needs_a_build_without_sanitizers("hearback-inspect shuts itself in more tightly than they allow")
    harness.main([api])
