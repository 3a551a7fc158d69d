"""The console for tests: a browser that waits for what the screen shows, types and presses keys as a person does, and looks at
each screen on the way: axe-core finds nothing, no text is untranslated, nothing was refused by the Content-Security-Policy, nothing
scrolls sideways."""

import base64
import json
import os
import time

from browser import ELEMENT, Browser
from harness import SKIP, SOURCE

AXE = os.path.join(SOURCE, "services/gateway/console/node_modules/axe-core/axe.min.js")
WIDE = (1920, 1080)

# What README shows: name, language, phone. HEARBACK_PICTURES=FOLDER writes them there, anew with each run.
PICTURES = {("reception", "zh-CN", False): "reception", ("day-dispatch", "zh-CN", False): "coordination", ("day-extended", "zh-CN", False): "case",
            ("day-figures", "zh-CN", False): "figures", ("organisation-roster", "zh-CN", False): "roster", ("day-answer", "en", True): "portal"}

LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", event => window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
window.addEventListener("error", event => window.refused.push(`error ${event.message}`));
window.addEventListener("unhandledrejection", event => window.refused.push(`rejected ${event.reason}`));
const complain = console.error;
console.error = (...said) => { window.refused.push(`console: ${said.join(" ")}`); complain(...said); };
"""

# What the server told, in the words that a reader of each language is to see of it: a text in both languages in his, one that lacks it as it is.
# window.fault breaks what is asked: "refused", "silent" (no network) or "slow" (until window.heal()), but what window.spared holds.
OVERHEAR = """
window.told = {"zh-CN": [], en: []};
function keep(value, list, own, other) {
  if (typeof value === "string") list.push(value);
  else if (value && typeof value === "object") for (const [name, one] of Object.entries(value)) if (name !== other || !value[own]) keep(one, list, own, other);
}
document.addEventListener("input", event => { for (const list of Object.values(window.told)) list.push(event.target.value); }, true);
const healed = new Promise(done => { window.heal = () => { window.fault = ""; done(); }; });
const ask = window.fetch;
window.fetch = async (address, asked) => {
  const path = String(address).replace(/^[/]api[/]v1/, "");
  if (window.fault && path !== String(address) && !window.spared.includes(path)) {
    if (window.fault === "refused") return new Response(JSON.stringify({code: "internal", zh: "出错了", en: "Something broke", title: "x"}), {status: 500, headers: {"Content-Type": "application/problem+json"}});
    if (window.fault === "silent") throw new TypeError("Failed to fetch");
    await healed;
  }
  const reply = await ask(address, asked);
  if ((reply.headers.get("content-type") ?? "").includes("json")) {
    const said = await reply.clone().json().catch(() => undefined);
    keep(said, window.told["zh-CN"], "zh", "en");
    keep(said, window.told.en, "en", "zh");
  }
  return reply;
};
"""

# Words on the screen that are neither of its language nor data: Chinese in English, two English words in a row in Chinese.
STRANGE = """
const language = document.documentElement.lang, told = window.told[language].join("\\n").replace(/\\s+/g, " ");
const strange = language === "en" ? /\\p{Script=Han}+/gu : /[A-Za-z]{2,}(?: [A-Za-z]{2,})+/g;
const texts = [document.title];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, {acceptNode: node =>
  node.nodeType === 1 && (["SCRIPT", "STYLE"].includes(node.tagName) || node.lang && node.lang !== language) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT});
for (let node = walker.currentNode; node; node = walker.nextNode())
  texts.push(...(node.nodeType === 3 ? [node.nodeValue] : ["aria-label", "title", "placeholder", "alt"].map(name => node.getAttribute(name) ?? "")));
return [...new Set(texts.flatMap(text => text.replace(/\\s+/g, " ").match(strange) ?? []))].filter(words => !told.includes(words)).map(words => `is that ${language}? ${words}`);
"""

LOOK = """
const wrong = [...(window.refused || [])];
const root = document.documentElement;
if (root.dataset.missing) wrong.push(`untranslated:${root.dataset.missing}`);
if (root.scrollWidth > window.innerWidth) wrong.push(`scrolls sideways: ${root.scrollWidth} > ${window.innerWidth}`);
const titles = [...document.querySelectorAll("h1")].filter(one => one.getClientRects().length);
if (titles.length !== 1) wrong.push(`${titles.length} h1`);
if (document.querySelector(".el-skeleton")) wrong.push("still loading");
if (!arguments[0]) for (const one of document.querySelectorAll(".el-alert--error")) wrong.push(`an error is shown: ${one.innerText}`);
return wrong;
"""

RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], rules: {region: {enabled: false}}}).then(
  found => done(found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 160) + " " + (node.any[0] || node.all[0] || node.none[0] || {}).message).join(" | ")}`)),
  fault => done([String(fault)]));
"""


class Console(Browser):
    """with Console(system, "zh-CN", phone=True) as console: console.sign_in("handler")"""

    def __init__(self, system, language="zh-CN", phone=False):
        if not os.path.exists(AXE):
            print(f"skipped: {AXE} is missing: the console was not built (scripts/test says why)")
            raise SystemExit(SKIP)
        super().__init__(language=language, **({} if phone else {"width": WIDE[0], "height": WIDE[1]}))
        self.system, self.phone, self.pictures, self.fault = system, phone, os.environ.get("HEARBACK_SCREENSHOTS"), None

    def capabilities(self):
        capabilities = super().capabilities()
        if not self.phone:
            options = capabilities["goog:chromeOptions"]
            del options["mobileEmulation"]
            options["args"].append(f"--window-size={self.width},{self.height}")
        return capabilities

    def __enter__(self):
        super().__enter__()
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source=LISTEN + OVERHEAR)
        with open(AXE) as f:
            self.axe = f.read()
        return self

    def wait(self, script, *arguments, timeout_s=30):
        """Until it gives something true, which is given back."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            found = self.script(script, *arguments)
            if found:
                return found
            time.sleep(0.03)
        raise AssertionError(f"{self.url()}: in vain: {script} {arguments}\nthe page says:\n{self.text('body')}")

    def shows(self, text, selector="body"):
        self.wait("return [...document.querySelectorAll(arguments[0])].some(one => one.innerText.includes(arguments[1]))", selector, text)

    def there(self, selector):
        self.wait("return [...document.querySelectorAll(arguments[0])].some(one => one.getClientRects().length > 0)", selector)

    def gone(self, selector):
        self.wait("return !document.querySelector(arguments[0])", selector)

    def go(self, page, selector="h1"):
        self.open(f"http://127.0.0.1:{self.system.port}/console{page}")
        self.there(selector)
        self.gone(".el-skeleton")

    def press(self, selector):
        self.there(selector)
        self.click(selector)

    def fill(self, selector, text):
        """Typed over what is there."""
        self.there(selector)
        self.script("const one = arguments[0]; one.focus(); if (one.select) one.select();", {ELEMENT: self.find(selector)})
        self.devtools("Input.insertText", text=text)
        self.wait("return document.querySelector(arguments[0]).value === arguments[1]", selector, text)

    def pick(self, selector, value):
        self.wait("""const one = document.querySelector(arguments[0]);
            if (!one || ![...one.options].some(option => option.value === arguments[1])) return false;
            one.value = arguments[1]; one.dispatchEvent(new Event("change", {bubbles: true})); return true;""", selector, value)

    def choose_in(self, name, value):
        """Of Reception's form: by its button, or in the list beside the buttons."""
        self.wait("""const radio = document.querySelector(`input[type=radio][name='${arguments[0]}'][value='${arguments[1]}']`);
            if (radio) { radio.focus(); radio.click(); return true; }
            const list = document.querySelector(`select[name=other_${arguments[0]}], select[name=${arguments[0]}]`);
            if (!list || ![...list.options].some(option => option.value === arguments[1])) return false;
            list.value = arguments[1]; list.dispatchEvent(new Event("change", {bubbles: true})); return true;""", name, value)

    KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40, "Space": 32, "F2": 113, "F4": 115, "Delete": 46}

    def key(self, key, ctrl=False, text=None):
        code = self.KEYS.get(key, ord(key.upper()[0]))
        event = {"key": " " if key == "Space" else key, "windowsVirtualKeyCode": code, "modifiers": 2 if ctrl else 0}
        text = text or (key if len(key) == 1 else {"Enter": "\r", "Space": " "}.get(key))
        self.devtools("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text and not ctrl else {}))
        self.devtools("Input.dispatchKeyEvent", type="keyUp", **event)

    def letter(self, letter):
        """As key shows, but any character; the key that makes it does not matter."""
        for kind in ("keyDown", "keyUp"):
            self.devtools("Input.dispatchKeyEvent", type=kind, key=letter, **({"text": letter} if kind == "keyDown" else {}))

    def sign_in(self, account):
        self.go("/")
        self.fill("input[name=account]", account)
        self.fill("input[name=password]", self.system.passwords()[account])
        self.key("Enter")
        self.there("nav" if not self.phone else ".menu")
        self.gone(".el-skeleton")

    def alert_text(self):
        """What the browser's own question says, once it is asked."""
        until = time.monotonic() + 30
        while True:
            try:
                return self.call("GET", "/alert/text")
            except AssertionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.03)

    def answer_alert(self, yes):
        self.call("POST", "/alert/accept" if yes else "/alert/dismiss")

    def broken(self, how, spared=()):
        """From the next page on, until heal(): what it asks is "refused", "silent" or "slow"."""
        self.mend()
        source = f"window.fault = {json.dumps(how)}; window.spared = {json.dumps(list(spared))};"
        self.fault = self.devtools("Page.addScriptToEvaluateOnNewDocument", source=source)["identifier"]

    def heal(self):
        self.mend()
        self.script("window.heal()")

    def mend(self):
        if self.fault:
            self.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=self.fault)
        self.fault = None

    def look(self, name, error=False, words=False):
        """What every screen must be, and a picture of it; words: is all of it in the reader's language?"""
        self.gone(".el-skeleton")
        wrong = self.script(LOOK, error) + (self.script(STRANGE) if words else [])
        self.script(f"if (!window.axe) {{ {self.axe}\n; window.axe = axe; }}")
        wrong += self.call("POST", "/execute/async", {"script": RUN_AXE, "args": []})
        language = self.script("return document.documentElement.lang")
        if self.pictures:
            self.screenshot(os.path.join(self.pictures, f"console-{name}-{language}-{self.width}.png"))
        picture = PICTURES.get((name, language, self.phone))
        if picture and os.environ.get("HEARBACK_PICTURES"):
            self.take(os.path.join(os.environ["HEARBACK_PICTURES"], f"{picture}.png"))
        if wrong:
            raise AssertionError(f"{self.url()} ({name}):\n  " + "\n  ".join(wrong))

    def take(self, path):
        """Small: what is seen without scrolling, at half the size."""
        height = self.script("scrollTo(0, 0); return innerHeight")
        data = self.devtools("Page.captureScreenshot", format="png", clip={"x": 0, "y": 0, "width": self.width, "height": height, "scale": 0.5})["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def screenshot(self, path):
        height = min(4000, max(self.height, self.script("return document.documentElement.scrollHeight")))
        scale = 2 if self.phone else 1
        for view in (height, self.height):
            self.devtools("Emulation.setDeviceMetricsOverride", width=self.width, height=view, deviceScaleFactor=scale, mobile=self.phone)
            if view == height:
                time.sleep(0.1)
                with open(path, "wb") as f:
                    f.write(base64.b64decode(self.call("GET", "/screenshot")))


def json_of(text):
    return json.loads(text)
