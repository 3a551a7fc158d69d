"""An auditor's day: finds who looked at a case and what for, narrows the list, opens the case, exports it, has the logs verified
and sees it go on; who may not audit has no such page."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main

SITE = "haitang"


def traces(system):
    """Somebody registers, somebody looks, masked and in full, and takes a step."""
    tokens = system.tokens()
    reply = system.http("POST", "/api/v1/cases", {"site": SITE, "kind": "complaint", "category": "noise", "text": "夜间施工噪声",
                                                  "party": {"name": "欧阳测试", "phone": "13912345678"}}, token=tokens["reception"])
    assert reply.status == 201, reply
    path = f"/api/v1/cases/{reply.json()['case_id']}"
    system.settle()
    for purpose in ("", "?purpose=%E7%94%B5%E8%AF%9D%E8%81%94%E7%B3%BB"):
        assert system.http("GET", path + purpose, token=tokens["coordinator"]).status == 200
    assert system.http("POST", path + "/actions/accept", {}, token=tokens["coordinator"]).status == 200
    system.run("account", "password", "handler")
    other = next(row for row in system.http("GET", f"/api/v1/cases?site={SITE}", token=tokens["coordinator"]).json()["rows"] if row["case_id"] != reply.json()["case_id"])
    assert system.http("GET", f"/api/v1/cases/{other['case_id']}", token=system.operator_token()).status == 200
    system.settle()
    return reply.json()


def page(console):
    console.script("document.activeElement?.blur()")
    console.key("g")
    console.key("u")
    console.there("table.audit tbody tr")


def rows(console):
    return console.script("return [...document.querySelectorAll('table.audit tbody tr')].map(one => one.innerText)")


def narrows(console, case):
    console.fill("input[name=case]", case["number"])
    console.key("Enter")
    console.wait("return location.search.includes('case=') && document.querySelectorAll('table.audit tbody tr').length === 4")
    seen = rows(console)
    assert "电话联系" in seen[1] and "陈晨" in seen[1] and "李静" in seen[3], seen
    assert "欧阳" not in "".join(seen) and "1391234" not in "".join(seen), seen
    console.look("audit-case")
    console.pick("select[name=what]", "looked")
    console.wait("return document.querySelectorAll('table.audit tbody tr').length === 2")
    console.pick("select[name=who]", "li_jing")
    console.there(".state.empty")
    console.look("audit-empty")
    console.pick("select[name=who]", "")
    console.there("table.audit tbody tr")
    console.press("table.audit a.number")
    console.wait("return location.pathname.startsWith('/console/case/')")
    console.shows(case["number"])
    console.call("POST", "/back", {})
    console.there("table.audit tbody tr")


def verifies(console):
    console.press("button.verify")
    console.wait("return document.querySelectorAll('.chains .tag.good').length === 8", timeout_s=60)
    console.wait("return document.querySelectorAll('table.audit .tag.good').length === document.querySelectorAll('table.audit tbody tr').length")
    console.script("document.querySelector('.chains details').open = true")
    console.look("audit-verified")


def test_audit():
    with System("--demo") as system:
        case = traces(system)
        with Console(system, "zh-CN") as console:
            console.sign_in("auditor")
            page(console)
            console.shows("运维人员", "table.audit tbody th")
            assert "operator" not in "".join(rows(console)), rows(console)
            console.look("audit")
            narrows(console, case)
            verifies(console)
        with Console(system, "en", phone=True) as phone:
            phone.sign_in("admin")
            phone.go("/audit")
            phone.there("table.audit tbody tr")
            phone.look("audit")
            phone.pick("select[name=of]", "system")
            phone.wait("return [...document.querySelectorAll('table.audit tbody tr')].some(one => one.innerText.includes('Account'))")
            phone.shows("Code to set the password of account handler", "table.audit")
            phone.look("audit-system")
        with Console(system, "en") as other:
            other.sign_in("coordinator")
            assert not other.script("return [...document.querySelectorAll('nav a')].some(one => one.pathname === '/console/audit')")
            other.go("/audit")
            other.there(".el-alert--error")
            other.look("audit-refused", error=True)
        pid = system.pids("analytics")[0]
        with Console(system, "zh-CN", phone=True) as broken:
            broken.sign_in("auditor")
            os.kill(pid, 19)  # SIGSTOP
            try:
                broken.go("/audit")
                broken.there(".el-alert--error")
                broken.look("audit-error", error=True)
            finally:
                os.kill(pid, 18)
            broken.press(".state .el-button")
            broken.there("table.audit tbody tr")


if __name__ == "__main__":
    main([test_audit])
