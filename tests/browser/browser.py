"""A real browser for tests: chromium without a window, as a phone, driven by WebDriver over plain HTTP. Python's standard
library; Debian's packages chromium and chromium-driver."""

import base64
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../system"))
from harness import SKIP, free_port

WIDTH, HEIGHT = 360, 740  # an old phone
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

CHECK_PAGE = """
const wrong = [];
const root = document.documentElement;
if (root.scrollWidth > window.innerWidth) wrong.push(`scrolls sideways: ${root.scrollWidth} > ${window.innerWidth}`);
if (!root.lang) wrong.push("html has no lang");
if (!document.title) wrong.push("no title");
if (!document.querySelector("meta[name=viewport]")) wrong.push("no viewport");
if (document.querySelectorAll("h1").length !== 1) wrong.push(`${document.querySelectorAll("h1").length} h1`);
let level = 0;
for (const heading of document.querySelectorAll("h1,h2,h3,h4,h5,h6")) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1) wrong.push(`heading ${heading.tagName} "${heading.textContent}" after level ${level}`);
  level = own;
}
const ids = new Set();
for (const element of document.querySelectorAll("[id]")) {
  if (ids.has(element.id)) wrong.push(`id ${element.id} twice`);
  ids.add(element.id);
}
for (const input of document.querySelectorAll("input:not([type=hidden]),select,textarea")) {
  if (!input.labels || !input.labels.length || !input.labels[0].textContent.trim()) wrong.push(`no label: ${input.name}`);
  for (const id of (input.getAttribute("aria-describedby") || "").split(" ").filter(Boolean))
    if (!ids.has(id)) wrong.push(`${input.name} is described by ${id}, which is not there`);
}
for (const group of document.querySelectorAll("fieldset"))
  if (!group.querySelector("legend")) wrong.push("a fieldset without legend");
for (const link of document.querySelectorAll("a[href^='#']"))
  if (!document.getElementById(link.getAttribute("href").slice(1))) wrong.push(`link to ${link.getAttribute("href")}, which is not there`);
const visible = element => element.getClientRects().length > 0 && !element.closest("details:not([open]) > div");
for (const target of document.querySelectorAll("main a.button, main a.choose, button, summary, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), select, .option label, header a")) {
  const box = target.getBoundingClientRect();
  if (visible(target) && box.height < 43.5) wrong.push(`too small to touch (${box.height}): ${target.textContent || target.name}`);
}
if (document.querySelector("script:not([src^='/static/portal.js?v=']), [onclick], [style]")) wrong.push("script or inline style");
return wrong;
"""


class Browser:
    """with Browser(javascript=False, language="zh-CN") as browser: ..."""

    def __init__(self, javascript=True, language="zh-CN", width=WIDTH, height=HEIGHT, agent=None):
        self.driver_program = shutil.which("chromedriver")
        self.program = shutil.which("chromium")
        if not self.driver_program or not self.program:
            print("skipped: the packages chromium and chromium-driver are missing")
            raise SystemExit(SKIP)
        self.javascript, self.language, self.width, self.height, self.agent = javascript, language, width, height, agent

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="hearback-browser-")
        self.port = free_port()
        self.log = open(os.path.join(self.folder, "driver.log"), "w")
        self.driver = subprocess.Popen([self.driver_program, f"--port={self.port}"], stdout=self.log, stderr=self.log)
        try:
            self.wait_for_driver()
            self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": self.capabilities()}})["sessionId"]
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        if getattr(self, "session", None):
            try:
                self.ask("DELETE", f"/session/{self.session}")
            except (OSError, AssertionError):
                pass  # it is ended below
        self.driver.terminate()
        self.driver.wait(20)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def capabilities(self):
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     f"--user-data-dir={self.folder}/profile", f"--lang={self.language}"]
        preferences = {"intl.accept_languages": self.language}
        if not self.javascript:
            preferences["profile.managed_default_content_settings.javascript"] = 2
        phone = {"deviceMetrics": {"width": self.width, "height": self.height, "pixelRatio": 2.0}, **({"userAgent": self.agent} if self.agent else {})}
        options = {"args": arguments, "binary": self.program, "prefs": preferences, "mobileEmulation": phone}
        return {"browserName": "chrome", "goog:chromeOptions": options}

    def wait_for_driver(self):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if self.ask("GET", "/status")["ready"]:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("chromedriver does not answer")

    # ---- WebDriver ----

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, json.dumps(body if body is not None else {}) if method == "POST" else None,
                               {"Content-Type": "application/json"})
            reply = connection.getresponse()
            value = json.loads(reply.read())["value"]
            if reply.status != 200:
                raise AssertionError(f"{method} {path}: {value.get('error')}: {value.get('message')}")
            return value
        finally:
            connection.close()

    def call(self, method, path, body=None):
        return self.ask(method, f"/session/{self.session}{path}", body)

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def url(self):
        return self.call("GET", "/url")

    def title(self):
        return self.call("GET", "/title")

    def source(self):
        return self.call("GET", "/source")

    def script(self, text, *arguments):
        return self.call("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def cookies(self):
        return {cookie["name"]: cookie for cookie in self.call("GET", "/cookie")}

    def find_all(self, selector):
        found = self.call("POST", "/elements", {"using": "css selector", "value": selector})
        return [element[ELEMENT] for element in found]

    def find(self, selector):
        found = self.find_all(selector)
        if not found:
            raise AssertionError(f"{self.url()}: there is no {selector}; the page says:\n{self.text('body')}")
        return found[0]

    def text(self, selector):
        return self.call("GET", f"/element/{self.find(selector)}/text")

    def value(self, selector):
        return self.call("GET", f"/element/{self.find(selector)}/property/value")

    # ---- hands: by coordinates, since chromedriver's own clicks hang when the page may run no script ----

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def touch(self, element):
        """A finger on its middle, once it lies still and nothing lies over it: a page that is still loading moves things."""
        until, before = time.monotonic() + 30, None
        while True:
            x, y, hits = self.script("""const one = arguments[0];
                one.scrollIntoView({block: "center", behavior: "instant"});
                const box = one.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
                const hit = document.elementFromPoint(x, y);
                return [x, y, Boolean(hit) && (one.contains(hit) || hit.contains(one))];""", {ELEMENT: element})
            if (x, y, hits) == before and (hits or time.monotonic() > until):
                break
            before = (x, y, hits)
            time.sleep(0.02)
        for what in ("mousePressed", "mouseReleased"):
            self.devtools("Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", clickCount=1)

    def click(self, selector):
        """What stays on the page: a radio button, a text field, a fold."""
        self.touch(self.find(selector))

    def follow(self, selector):
        """What leads to another page."""
        self.leave(lambda: self.touch(self.find(selector)))

    def follow_link(self, text):
        found = self.call("POST", "/elements", {"using": "partial link text", "value": text})
        if not found:
            raise AssertionError(f"{self.url()}: there is no link {text!r}; the page says:\n{self.text('body')}")
        self.leave(lambda: self.touch(found[0][ELEMENT]))

    def leave(self, how, timeout_s=20):
        """Does it, and waits until another page is there."""
        self.script("window.left = true")
        how()
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if self.script("return !window.left && document.readyState === 'complete'"):
                return
            time.sleep(0.02)
        raise AssertionError(f"{self.url()}: no other page came; this one says:\n{self.text('body')}")

    def type(self, selector, text):
        element = self.find(selector)
        self.script("arguments[0].value = ''", {ELEMENT: element})
        self.touch(element)
        self.devtools("Input.insertText", text=text)
        assert self.value(selector) == text

    def choose(self, selector, value):
        """One of several radio buttons, by its label: the button itself is small."""
        self.click(f"{selector}[value='{value}'] + label")
        assert self.find_all(f"{selector}[value='{value}']:checked")

    def screenshot(self, path):
        """Of the whole page, for people to look at."""
        height = self.script("return document.documentElement.scrollHeight")
        for view in (height, self.height):
            self.devtools("Emulation.setDeviceMetricsOverride", width=self.width, height=view, deviceScaleFactor=2,
                          mobile=True)
            if view == height:
                with open(path, "wb") as f:
                    f.write(base64.b64decode(self.call("GET", "/screenshot")))

    # ---- light and dark ----

    def emulated(self, media="", **features):
        self.devtools("Emulation.setEmulatedMedia", media=media, features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    # ---- what every page must be ----

    def check_page(self, language=None):
        wrong = self.script(CHECK_PAGE)
        if language:
            found = self.script("return document.documentElement.lang")
            wrong += [f"lang is {found}, not {language}"] if found != language else []
        if wrong:
            raise AssertionError(f"{self.url()}:\n  " + "\n  ".join(wrong))
