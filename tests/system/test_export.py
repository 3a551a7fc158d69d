"""The list as a workbook: a sound ZIP that says what the CSV says, row by row, over several pages; texts stay texts, and times are
dates of the site's clock."""

import csv
import datetime
import io
import socket
import urllib.parse
import xml.etree.ElementTree as xml
import zipfile

import harness

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
HOSTILE = ["=HYPERLINK(\"http://x\")", "<a>&\"'\x0b]]>", " 空格 ", "+1-2", "第一行\n第二行"]
ROWS = 1100  # three pages of the export
TIMES = ("received_at", "due_at", "closed_at")


def fill(system, admin):
    for first in range(0, ROWS, 500):
        rows = [{"source": "old", "external_id": HOSTILE[i] if i < len(HOSTILE) else f"e{i}", "received_ms": "2025-03-09T09:00:00+08:00",
                 "submit": {"kind": "complaint", "category": "noise", "text": "旧记录"}} for i in range(first, min(first + 500, ROWS))]
        done = system.http("POST", "/api/v1/imports", {"site": "haitang", "rows": rows}, admin, timeout=60).json()
        assert done["imported"] == len(rows), done
    system.settle()


def rows_of(content):
    """Of the first sheet, found as a spreadsheet finds it; a time is the local one."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        names = set(book.namelist())
        types = {"/" + name for name in names if not name.endswith(".rels") and name != "[Content_Types].xml"}
        told = {one.get("PartName") for one in xml.fromstring(book.read("[Content_Types].xml")) if one.get("PartName")}
        assert told == types, (told, types)
        start = xml.fromstring(book.read("_rels/.rels"))[0].get("Target")
        links = {one.get("Id"): one.get("Target") for one in xml.fromstring(book.read("xl/_rels/workbook.xml.rels"))}
        sheets = xml.fromstring(book.read(start)).findall(f"{MAIN}sheets/{MAIN}sheet")
        assert len(sheets) == 1 and {"xl/" + target for target in links.values()} <= names
        for row in xml.fromstring(book.read("xl/" + links[sheets[0].get(RELATION)])).iter(f"{MAIN}row"):
            cells = []
            for cell in row:
                value = cell.find(f"{MAIN}v")
                text = "".join(cell.itertext())
                assert not cell.findall(f".//{MAIN}f")
                if value is not None:
                    assert cell.get("s") == "1"
                    text = datetime.datetime(1899, 12, 30) + datetime.timedelta(days=float(text))
                cells.append(text)
            yield cells


def same(sheet, line, columns):
    for name, cell, text in zip(columns, sheet, line, strict=True):
        if name in TIMES and text:
            told = datetime.datetime.fromisoformat(text).replace(tzinfo=None)
            assert abs((cell - told).total_seconds()) < 1, (name, cell, text)
        else:
            assert cell == (text[1:] if text[:2] in ("'=", "'+") else text).replace("\x0b", ""), (name, cell, text)


def test_export():
    with harness.System("--demo") as system:
        tokens = system.tokens()
        fill(system, tokens["admin"])
        ask = lambda query: system.http("GET", f"/api/v1/cases?site=haitang&{query}", token=tokens["coordinator"])
        book, text = ask("format=xlsx"), ask("format=csv").body
        assert text.startswith(b"\xef\xbb\xbf") and text.count(b"\xef\xbb\xbf") == 1, "spreadsheets know UTF-8 by its mark"
        assert book.status == 200 and book.headers["content-type"].endswith("spreadsheetml.sheet"), book.headers
        assert 'filename="cases.xlsx"' in book.headers["content-disposition"], book.headers
        lines = list(csv.reader(io.StringIO(ask("format=csv").body.decode("utf-8-sig"), newline="")))
        sheet = list(rows_of(book.body))
        assert len(sheet) == len(lines) > ROWS, (len(sheet), len(lines))
        assert sheet[0] == lines[0]
        for cells, line in zip(sheet[1:], lines[1:], strict=True):
            same(cells, line, lines[0])
        assert {line[0] for line in lines} > {"'" + id if id[0] in "=+" else id for id in HOSTILE}
        words = list(csv.DictReader(io.StringIO(ask("format=csv&lang=zh-CN").body.decode("utf-8-sig"), newline="")))
        assert ("投诉", "噪音") in {(row["事项"], row["类别"]) for row in words} and len(words) == len(lines) - 1, words[0]
        english = list(rows_of(ask("format=xlsx&lang=en").body))
        assert english[0][:4] == ["External number", "Number", "Kind", "Category"] and "Complaint" in {line[2] for line in english}, english[:2]
        # of a search too, which is a command and moves what the client has seen from page to page
        sought = csv.reader(io.StringIO(ask(f"format=csv&text={urllib.parse.quote('旧记录')}").body.decode("utf-8-sig"), newline=""))
        assert len([line for line in sought if line != lines[0]]) == ROWS, "three pages"
        none = list(rows_of(ask("format=xlsx&kind=none").body))
        assert none == [lines[0]], none
        assert ask("format=xls").status == 400
        with socket.create_connection(("127.0.0.1", system.port)) as s:  # one who goes away in the middle harms nobody
            s.sendall(f"GET /api/v1/cases?format=xlsx HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens['admin']}\r\n\r\n".encode())
            s.recv(1000)
        assert ask("format=xlsx").body == book.body


if __name__ == "__main__":
    harness.main([test_export])
