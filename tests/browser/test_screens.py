"""Every screen of the console (screens.py), in both languages, on a phone and on a wide screen, light and dark: nothing scrolls sideways, axe-core
finds nothing, there is one title, no word is in the other language, nothing went wrong unseen, and something is there to read."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from console import Console
from harness import System, main
from screens import BOTH, NOBODYS, a_case, leaves, screens, shows_something


def looks_at(console, name, address, error=False):
    console.go(address)
    shows_something(console)
    look = f"screen-{address.strip('/').replace('/', '-')}"
    console.look(look, error=error, words=True)
    console.emulated(prefers_color_scheme="dark")
    console.wait("return document.documentElement.classList.contains('dark')")
    console.look(f"{look}-dark", error=error)
    console.emulated()


def test_every_screen():
    with System("--demo") as system:
        case = a_case(system)
        for language, phone in BOTH:
            with Console(system, language, phone) as console:
                looks_at(console, "signin", "/signin")
                console.fill("input[name=account]", "admin")
                console.fill("input[name=password]", "wrong-wrong-wrong")
                console.key("Enter")
                console.there(".el-alert--error")
                console.look("screen-refused", error=True, words=True)
                console.sign_in("admin")
                for name, address in screens(case, without={"signin"}):
                    looks_at(console, name, address, error=name in NOBODYS)
                leaves(console)
                console.sign_in("coordinator")  # who may act has more to see than who may read
                for page in ("work", "all", "dispatch", "reception", f"case/{case}"):
                    console.go(f"/{page}")
                    shows_something(console)
                    console.look(f"screen-acting-{page.split('/')[0]}", words=True)
                console.press(".check input")  # the time line with what programs did
                console.look("screen-case-all", words=True)


if __name__ == "__main__":
    main([test_every_screen])
