"""The console of a headquarters: cases of two cells that have one number stand beside its own, each is told apart, opens as what it is and
is changed nowhere but where it is; and how far the cells are heard. On loopback: what is tried is the console."""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console  # which knows where the modules of the system tests lie
from cells import Cell, Loopback, caught_up, join
from harness import free_port, main

OWN = "table.cases tbody tr:not([data-cell])"


def of(cell):
    return f"table.cases tr[data-cell='{cell.id}']"


def register(system):
    reply = system.http("POST", "/api/v1/cases", {"site": "renhe", "kind": "complaint", "category": "service", "channel": "phone", "text": "等了很久"},
                        token=system.tokens()["renhe-reception"])
    assert reply.status == 201, reply
    system.settle()
    return reply.json()


def accept(system, case):
    reply = system.http("POST", f"/api/v1/cases/{case['case_id']}/actions/accept", {}, token=system.tokens()["renhe-coordinator"])
    assert reply.status == 200, reply


def finds(console, number):
    console.fill("input[name=text]", number)
    console.key("Enter")
    console.wait("return location.search.includes('number=')")
    console.gone(".el-skeleton")


def rows_told_apart(console, headquarters, a, b, twins):
    """Three cases of one number; only this system's own can be ticked."""
    console.go("/all")
    assert not console.find_all("table.cases [data-cell]"), "cases of other cells without having been asked for"
    console.pick("select[name=cell]", "all")
    console.wait("return location.search.includes('cell=all')")
    finds(console, twins[headquarters.id]["number"])
    console.wait("return document.querySelectorAll('table.cases tbody tr').length === 3")
    for cell in (a, b):
        console.shows(cell.name, f"{of(cell)} .tag.cell")
        assert not console.find_all(f"{of(cell)} input"), "a case of another cell can be ticked"
        received = headquarters.get(f"/api/v1/cells/{cell.id}/cases/{twins[cell.id]['case_id']}")["row"]["received_at"]
        assert received.endswith("+08:00")
        console.shows(received[11:16], of(cell))  # on the clocks of its site
    console.look("headquarters-list")
    if not console.phone:
        console.press("thead .tick input")
        console.wait("return document.querySelector('.together')?.innerText.match(/\\d+/)[0] === '1'")
    console.press(f"{OWN} a.number")
    console.wait("return location.pathname === arguments[0]", f"/console/case/{twins[headquarters.id]['case_id']}")
    console.there(".case-head")


def opens_the_right_one(console, headquarters, a, b, twins):
    for cell in (a, b):
        console.go("/all?cell=all&number=" + twins[cell.id]["number"])
        console.press(f"{of(cell)} a.number")
        console.wait("return location.pathname === arguments[0]", f"/console/elsewhere/{cell.id}/{twins[cell.id]['case_id']}")
        console.shows(twins[cell.id]["number"], "h1")
        console.shows(cell.name, ".case-head .tag.cell")
        console.shows(cell.name, ".texts .el-alert__title")  # where its texts are sealed
        console.shows(headquarters.get(f"/api/v1/cells/{cell.id}/cases/{twins[cell.id]['case_id']}")["row"]["stage"], ".facts")
        assert not console.find_all("form.action, [data-step]"), "a step is offered for a case of another cell"
        console.look(f"elsewhere-{'a' if cell is a else 'b'}")
    console.go(f"/elsewhere/{a.id}/1", ".el-alert--error")
    console.look("elsewhere-unknown", error=True)


def narrows_to_one_cell(console, a):
    console.go("/late?number=x")
    console.pick("select[name=cell]", a.id)
    console.wait("return location.search.includes(arguments[0])", a.id)
    console.go(f"/all?cell={a.id}/renhe")
    console.there("h1 .count")
    shown = int(console.text("h1 .count").split()[0])
    assert shown == console.script("return document.querySelectorAll(arguments[0]).length", of(a)) > 1, shown
    assert not console.find_all(OWN) and not console.find_all("thead input")


def hears_its_cells(console, a, b):
    console.go("/figures", ".cells")
    for cell in (a, b):
        console.shows(cell.name, f".cells tr[data-cell='{cell.id}']")
        console.there(f".cells tr[data-cell='{cell.id}'] time")
        console.there(f".cells tr[data-cell='{cell.id}'] .tag.good")
    console.look("headquarters-figures")


def is_told_what_happens_there(console, headquarters, b, twins):
    console.go(f"/elsewhere/{b.id}/{twins[b.id]['case_id']}", ".facts")
    before = console.text(".facts")
    accept(b, twins[b.id])
    console.wait("return document.querySelector('.facts')?.innerText !== arguments[0]", before)
    console.shows(headquarters.get(f"/api/v1/cells/{b.id}/cases/{twins[b.id]['case_id']}")["row"]["stage"], ".facts")


def hears_nobody(console, a):
    """At a cell that hears no other nothing of it is offered."""
    console.system = a
    console.sign_in("renhe-coordinator")
    console.go("/all", "table.cases")
    assert not console.find_all("select[name=cell]")


def test_headquarters():
    with Loopback() as ground:
        everything = headquarters, a, b = [Cell(ground, name, "--demo") for name in ("集团", "海棠", "玉兰")]
        port = free_port()
        try:
            with ThreadPoolExecutor() as pool:
                list(pool.map(Cell.found, everything))
                for cell in (a, b):
                    join(cell, headquarters, port)
                list(pool.map(Cell.start, everything))
                twins = {cell.id: case for cell, case in zip(everything, pool.map(register, everything))}
            accept(a, twins[a.id])
            caught_up(headquarters, [a, b])
            assert len({case["number"] for case in twins.values()}) == 1, twins
            for language, phone in (("zh-CN", False), ("en", True)):
                with Console(headquarters, language, phone) as console:
                    console.sign_in("admin")
                    rows_told_apart(console, headquarters, a, b, twins)
                    opens_the_right_one(console, headquarters, a, b, twins)
                    hears_its_cells(console, a, b)
                    if not phone:
                        narrows_to_one_cell(console, a)
                        is_told_what_happens_there(console, headquarters, b, twins)
                    else:
                        hears_nobody(console, a)
        except BaseException:
            for cell in everything:
                print(f"=== {cell.name}")
                cell.print_logs()
            raise
        finally:
            for cell in everything:
                if cell.process:
                    cell.stop()
                shutil.rmtree(cell.folder, ignore_errors=True)


if __name__ == "__main__":
    main([test_headquarters])
