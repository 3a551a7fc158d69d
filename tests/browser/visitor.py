"""Who visits the portal: a browser that checks, weighs and pictures each page."""

import os
import re
import time

from console import AXE, RUN_AXE

PAGE_BYTES_MAX = 60_000  # page, style sheet and script, as they are sent

# An old phone inside WeChat: its engine is that of Chromium 86, of October 2020.
WECHAT = ("Mozilla/5.0 (Linux; Android 8.1.0; PBAM00 Build/OPM1.171019.026; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/86.0.4240.99 "
          "XWEB/3185 MMWEBSDK/20220303 Mobile Safari/537.36 MicroMessenger/8.0.21.2120(0x28001557) WeChat/arm64 Weixin NetType/4G Language/zh_CN ABI/arm64")
FROM_WECHAT = "from=singlemessage&isappinstalled=0"  # what it adds to the address of a page that is passed on

WEIGH = """
const parts = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map(one => [one.name, one.encodedBodySize]);
const wanted = [...document.querySelectorAll("link[rel=stylesheet], script[src], img[src]")].map(one => one.href || one.src);
return [parts, wanted];
"""

SAYS = {
    "zh-CN": {"site": "海棠苑", "kind": "投诉", "registered": "已登记", "reply": "答复", "handling": "办理中", "wrong": "不正确",
              "needed": "情况说明", "reopen": "重新办理", "follow": "查询进度", "department": "客户服务中心", "by": "00",
              "date": r"\d+月\d+日（周[一二三四五六日]）\d\d:\d\d"},
    "en": {"site": "Haitang Garden", "kind": "Complaint", "registered": "Registered", "reply": "Reply", "handling": "Being handled",
           "wrong": "not right", "needed": "What happened?", "reopen": "Reopen", "follow": "Follow a case",
           "department": "Customer service centre", "by": "00", "date": r"\w+day \d+ \w+, \d\d:\d\d"},
}


def write_slowly(browser):
    """Nobody fills in a form within two seconds, but a program (services/gateway/portal_guard.h). Where scripts run the puzzle is solved meanwhile."""
    until = time.monotonic() + (60 if browser.javascript else 2.1)
    while time.monotonic() < until and not browser.value("input[name=work]"):
        time.sleep(0.05)


class Visitor:
    """One browser on one system, who checks and pictures each page."""

    def __init__(self, system, browser, name):
        self.system, self.browser, self.name, self.pictures = system, browser, name, 0
        self.says = SAYS[browser.language]
        self.folder = os.environ.get("HEARBACK_SCREENSHOTS")

    def open(self, path):
        passed_on = f"{'&' if '?' in path else '?'}{FROM_WECHAT}" if self.browser.agent == WECHAT else ""
        self.browser.open(f"http://127.0.0.1:{self.system.port}{path}{passed_on}")

    def at(self, path):
        found = self.browser.url().split("/", 3)[3].replace(f"?{FROM_WECHAT}", "")
        assert f"/{found}".split("?")[0] == path, f"at /{found}, not at {path}:\n{self.browser.text('body')}"

    def look(self, what, status_error=False):
        self.browser.check_page(self.browser.language)
        self.weigh(what)
        if self.browser.javascript and os.path.exists(AXE):
            with open(AXE) as f:
                self.browser.script(f"if (!window.axe) {{ {f.read()}\n; window.axe = axe; }}")
            self.ask_axe(what)
            light = self.colours()
            self.browser.emulated(prefers_color_scheme="dark")
            assert sum(self.colours()[0]) < 150 < 600 < sum(light[0]) and sum(self.colours()[1]) > sum(light[1]), (what, light, self.colours())
            self.ask_axe(f"{what}, dark")
            if self.folder:
                self.browser.screenshot(os.path.join(self.folder, f"{self.name}-{self.pictures + 1:02}-{what}-dark.png"))
            self.browser.emulated()
        assert "broken" not in self.browser.title()
        if self.folder:
            self.pictures += 1
            self.browser.screenshot(os.path.join(self.folder, f"{self.name}-{self.pictures:02}-{what}.png"))

    def colours(self):
        """Of what stands behind the page, and of its words: red, green, blue."""
        both = self.browser.script("const body = getComputedStyle(document.body); return [body.backgroundColor, body.color]")
        return [[int(one) for one in re.findall(r"\d+", colour)[:3]] for colour in both]

    def ask_axe(self, what):
        wrong = self.browser.call("POST", "/execute/async", {"script": RUN_AXE, "args": []})
        assert not wrong, f"{self.browser.url()} ({what}):\n  " + "\n  ".join(wrong)

    def weigh(self, what):
        parts, wanted = self.browser.script(WEIGH)
        fetched = {name for name, size in parts if size}  # scripts that are switched off are not
        assert fetched >= {one for one in wanted if self.browser.javascript or "/portal.js" not in one}, (what, parts, wanted)
        assert sum(size for _, size in parts) < PAGE_BYTES_MAX, (what, parts)

    def says_in(self, selector, wanted):
        text = self.browser.text(selector)
        assert wanted in text, f"{wanted!r} is not in {selector}:\n{text}"
