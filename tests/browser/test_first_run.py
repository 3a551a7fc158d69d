"""A system as it is installed, without a demonstration: how the first person gets in, every screen while there is no site, and from nothing to
the first case, in the browser alone: site, policy, department, person, account; then a call is registered."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, eventually, main

PASSWORD = "three unrelated words"
SCREENS = ("work", "department", "near", "all", "reception", "held", "dispatch", "figures", "policies", "audit")
PARTS = ("departments", "people", "accounts", "things", "rosters", "calendars", "sites")


def gets_in(console, system):
    """The sign-in page says who lets the first person in; the link does."""
    console.go("/signin")
    console.shows("hearback account password operator", ".first-run")
    console.look("first-sign-in")
    link = re.search(r"http://\S+/console/signin#\S+", system.run("account", "password", "operator").stdout).group()
    console.go(link.split("/console", 1)[1])  # into the address bar of the same page
    console.wait("return location.hash === ''")
    console.fill("input[name=password]", PASSWORD)
    console.key("Enter")
    console.there("nav" if not console.phone else ".menu")


def finds_nothing(console):
    """Each screen says that there is no site, and leads to where the first one is made."""
    for screen in SCREENS:
        console.go(f"/{screen}")
        if screen != "audit":
            console.there(".no-site a[href$='/organisation/sites']")
        console.look(f"no-site-{screen}", words=True)
    for part in PARTS:
        console.go(f"/organisation/{part}")
        console.look(f"no-site-organisation-{part}", words=True)


def begins_new(console, part, **filled):
    console.go(f"/organisation/{part}")
    console.press(".fresh")
    for name, text in filled.items():
        console.fill(f"input[name='{name.replace('_', '.')}']", text)


def keeps(console, one):
    console.key("Enter", ctrl=True)
    console.gone("form.entity")
    console.there(f"[data-id={one}]")


def publishes(console, site):
    """The first policy: named alone, checked, published; before it the site is found here, and nowhere else."""
    console.go(f"/policies?site={site}")
    console.there(".first-policy")
    assert console.find_all("table.cases tr.on"), "the site that the address names is the one that is shown"
    console.look(f"first-policy-{site}", words=True)
    console.fill("input[name=packs]", "PROP-11")
    console.press("button.check")
    console.wait("return !document.querySelector('button.publish').disabled")
    console.press("button.publish")
    console.press("button.really")
    console.there(".el-alert--success")
    console.wait("return [...document.querySelectorAll('table.cases tr.on td')].some(one => one.innerText.trim() === '1')")


def registers(console, site):
    console.go(f"/reception?site={site}")
    console.fill("textarea[name=text]", "三号楼电梯停了")
    console.script("for (const one of document.querySelectorAll('.reception form select:required')) if (!one.value && one.options.length > 1) { one.value = one.options[1].value; one.dispatchEvent(new Event('change', {bubbles: true})); }"
                   " for (const one of document.querySelectorAll('.reception form input[type=radio]:required')) if (!document.querySelector(`input[name=${one.name}]:checked`)) one.click();")
    console.key("Enter", ctrl=True)
    console.there(".slip .big")
    return console.text(".slip .big")


def test_first_run():
    with System() as system:
        with Console(system, "zh-CN") as console:
            gets_in(console, system)
            finds_nothing(console)
            console.press(".no-site a") if console.find_all(".no-site a") else None
            begins_new(console, "sites", id="jia", name_zh="嘉园", name_en="Jia Court", zone="Asia/Shanghai", code="JIA")
            keeps(console, "jia")
            console.go("/work")
            console.there(".no-site a[href$='/policies']")  # now a policy lacks
            publishes(console, "jia")
            begins_new(console, "departments", id="customer_service_centre", name_zh="客服中心", name_en="Service desk")
            keeps(console, "customer_service_centre")
            begins_new(console, "people", id="first", name="何新")
            console.pick("select[name='posts[0].post']", "receptionist")
            console.pick("select[name='posts[0].department']", "customer_service_centre")
            keeps(console, "first")
            begins_new(console, "accounts", id="first")
            console.pick("select[name=person]", "first")
            for scope in ("act", "submit", "open", "policy"):
                console.press(f"[data-input=scopes] input[value={scope}]")
            keeps(console, "first")
            console.press("[data-id=first]")
            console.press(".offer")
            console.there(".setup .code")
            code = console.text(".setup .code")
            assert system.http("POST", "/api/v1/session/setup", {"account": "first", "code": code, "password": PASSWORD}).status == 200
            second_site_in_english(system)
        with Console(system, "en", phone=True) as console:
            signs_in(console, "first")
            number = registers(console, "jia")
        eventually("the case at the command line, by the folder's own token", lambda: number in system.run("case", "list").stdout)


def signs_in(console, account):
    console.go("/")
    console.fill("input[name=account]", account)
    console.fill("input[name=password]", PASSWORD)
    console.key("Enter")
    console.there(".menu")


def second_site_in_english(system):
    """Beside a site that works another new one gets its first policy; a screen of cases does not show it before."""
    with Console(system, "en", phone=True) as console:
        signs_in(console, "operator")
        begins_new(console, "sites", id="neu", name_zh="新园", name_en="New Court", zone="Asia/Shanghai", code="NEU")
        keeps(console, "neu")
        publishes(console, "neu")
        console.go("/organisation/sites")
        begins_new(console, "sites", id="drei", name_zh="三园", name_en="Third Court", zone="Asia/Shanghai")
        keeps(console, "drei")
        console.go("/policies?site=drei")
        console.there(".first-policy")
        console.go("/all")
        console.wait("return new URLSearchParams(location.search).get('site') !== 'drei'")
        assert not console.find_all("select[name=site] option[value=drei]")


if __name__ == "__main__":
    main([test_first_run])
