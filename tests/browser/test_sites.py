"""Whoever has several sites: the address says of which one a list is, so that it can be sent, kept and opened in another tab; a number that two
sites have opens the right case; what a figure of another site counts is listed there."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main

SITE = "return new URLSearchParams(location.search).get('site')"


def coordinator_of_two(system):
    admin = system.tokens()["admin"]
    known = next(one for one in system.http("GET", "/api/v1/organisation?all=true", token=admin).json()["accounts"] if one["id"] == "coordinator")
    reply = system.http("PUT", "/api/v1/organisation", {"accounts": [{**known, "sites": ["haitang", "lanhu"]}]}, token=admin)
    assert reply.status == 200, reply


def twins(system):
    """Cases of the same number at two sites."""
    rows = {site: system.http("GET", f"/api/v1/cases?site={site}&limit=200", token=system.tokens()["admin"]).json()["rows"] for site in ("haitang", "lanhu")}
    number = sorted({row["number"] for row in rows["haitang"]} & {row["number"] for row in rows["lanhu"]})[0]
    return number, {site: next(row["case_id"] for row in rows[site] if row["number"] == number) for site in rows}


def shown_at(console, site):
    console.wait(f"{SITE} === arguments[0]", site)
    console.wait("return document.querySelector('select[name=site]').value === arguments[0]", site)


def test_addresses_name_the_site():
    with System("--demo") as system:
        system.settle()
        coordinator_of_two(system)
        number, cases = twins(system)
        with Console(system, "en") as console:
            console.sign_in("coordinator")
            console.go("/all", "table.cases")
            shown_at(console, "haitang")
            console.pick("select[name=site]", "lanhu")
            shown_at(console, "lanhu")
            console.there(f"a.number[href$='{cases['lanhu']}']")
            console.press("nav a[href^='/console/dispatch']")
            console.wait("return location.pathname === '/console/dispatch'")
            shown_at(console, "lanhu")
            console.go("/all?kind=complaint&site=haitang", "table.cases")  # as somebody sent it
            shown_at(console, "haitang")
            console.there(f"a.number[href$='{cases['haitang']}']")
            console.gone(f"a.number[href$='{cases['lanhu']}']")
            console.call("POST", "/back", {})
            console.wait("return location.pathname === '/console/dispatch'")
            shown_at(console, "lanhu")
            for site, case in cases.items():
                console.go(f"/case/{number}?site={site}", ".case-head")
                name = {"haitang": "Haitang", "lanhu": "Lanhu"}[site]
                console.shows(name, ".case-head")
            console.go("/figures?site=haitang", ".cards")
            count = console.wait("return document.querySelector(\"[aria-labelledby=sites] tbody tr a[href*='site=lanhu']\")?.innerText")
            console.press("[aria-labelledby=sites] tbody tr a[href*='site=lanhu']")
            shown_at(console, "lanhu")
            console.shows(count, "h1 .count")
            console.look("other-site")
            console.go("/reception?site=haitang", "textarea[name=text]")
            console.fill("textarea[name=text]", "没写完")
            console.script("const one = document.querySelector('select[name=site]'); one.value = 'lanhu'; one.dispatchEvent(new Event('change'))")
            console.alert_text()
            console.answer_alert(False)
            shown_at(console, "haitang")
            assert console.value("textarea[name=text]") == "没写完"


if __name__ == "__main__":
    main([test_addresses_name_the_site])
