"""Every screen there is: the routes of the console's router, as its source names them, so that a new one fails until it stands here."""

import os
import re

from harness import SOURCE

CONSOLE = os.path.join(SOURCE, "services/gateway/console/src")
BOTH = [(language, phone) for language in ("zh-CN", "en") for phone in (True, False)]


def read(path):
    with open(path) as f:
        return f.read()


def named(path, name):
    """The words of a list in a source: export const name = ["a", "b"]."""
    return re.findall(r'"(\w+)"', re.search(rf"export const {name} = \[(.*?)\]", read(os.path.join(CONSOLE, path)))[1])


# Where each route of the router is looked at. {case}: one that is there.
SCREENS = {
    "signin": ["/signin"],
    "cases": [f"/{one}" for one in named("lib/filter.ts", "lists")],
    "case": ["/case/{case}"],
    "elsewhere": ["/elsewhere/00000000000000ff/1"],  # no such case; test_headquarters.py sees one
    "thing": ["/thing/none-such"],  # no such entry: the demonstration's registers are empty
    "reception": ["/reception"],
    "held": ["/held"],
    "dispatch": ["/dispatch"],
    "figures": ["/figures"],
    "policies": ["/policies"],
    "audit": ["/audit"],
    "organisation": [f"/organisation/{one}" for one in named("lib/organisation.ts", "parts")],
    "account": ["/account"],
    "unknown": ["/nothing-here"],
}
NOBODYS = ("elsewhere", "thing")  # their addresses name what is not there


def routes():
    found = re.findall(r'{ path: ["`](.*?)["`], (?:name: "(\w+)"|redirect)', read(os.path.join(CONSOLE, "router.ts")))
    assert len(found) == read(os.path.join(CONSOLE, "router.ts")).count("path: "), found
    return [name for _, name in found if name]


def screens(case, without=()):
    """(name of the route, address), of all."""
    assert sorted(SCREENS) == sorted(routes()), "a route of the router that no test looks at, or one that is no more"
    return [(name, address.format(case=case)) for name in SCREENS if name not in without for address in SCREENS[name]]


def a_case(system):
    system.settle()
    reply = system.http("GET", "/api/v1/cases?site=haitang&kind=complaint&limit=1", token=system.tokens()["coordinator"])
    return reply.json()["rows"][0]["case_id"]


def shows_something(console):
    """A title, and below it what there is, or that there is nothing."""
    console.wait("""const shown = one => one.getClientRects().length > 0, main = document.querySelector("main");
        const title = [...main.querySelectorAll("h1")].find(shown)?.innerText.trim() ?? "";
        return title && main.innerText.replace(title, "").trim() && document.title && !document.querySelector(".el-skeleton") &&
          [...main.querySelectorAll("table, .state.empty, .state .el-alert, form, section, dl, a")].some(shown)""")


def leaves(console):
    console.press("header .tools button:last-of-type")
    console.there("input[name=account]")
