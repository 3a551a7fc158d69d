"""Signing in, as a browser does it: cookies, CSRF, delays after wrong tries, second factor, setup codes, API tokens; sessions
outlive the processes. Delays and lives are set short: nothing here waits for a clock longer than it must."""

import base64
import datetime
import hashlib
import hmac
import http.client
import http.cookies
import json
import os
import re
import signal
import struct
import threading
import time

import harness

system = None


class Browser:
    """Keeps its cookie, sends the CSRF token it was told."""

    def __init__(self):
        self.cookie, self.csrf, self.last = None, None, None

    def ask(self, method, path, body=None, csrf=True, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            headers["Cookie"] = f"lang=en; session={self.cookie}"
        if csrf and self.csrf and method != "GET":
            headers["X-CSRF-Token"] = self.csrf
        reply = system.http(method, path, body, None, headers)
        for name, morsel in http.cookies.SimpleCookie(reply.headers.get("set-cookie", "")).items():
            if name == "session":
                self.cookie = morsel.value or None
        return reply

    def sign_in(self, account, password, code=None):
        body = {"account": account, "password": password}
        if code is not None:
            body["code"] = code
        reply = self.ask("POST", "/api/v1/session", body)
        if reply.status == 200:
            self.csrf = reply.json()["csrf"]
        return reply

    def at(self, address):
        """Speaks from there, as the proxy before the gateway says."""
        ask = self.ask
        self.ask = lambda *given, **headers: ask(*given, **{"X_Forwarded_For": address, **headers})
        return self


def signed_in(account="coordinator", code=None):
    browser = Browser()
    reply = browser.sign_in(account, system.passwords()[account], code)
    assert reply.status == 200, reply
    return browser


def refused(reply, status, code):
    assert reply.status == status, reply
    problem = reply.json()
    assert problem["code"] == code and re.search("[\u4e00-\u9fff]", problem["zh"]) and problem["en"], problem
    return problem


def eventually(check, timeout_s=20):
    until = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < until, f"not within {timeout_s} s"
        time.sleep(0.05)


# ---- in and out ----

def who_one_is():
    assert system.http("GET", "/api/v1/about").json() == {"name": "", "demonstration": True}
    assert "演示系统" in system.http("GET", "/").body.decode()
    refused(system.http("GET", "/api/v1/session"), 401, "not_signed_in")
    browser = Browser()
    reply = browser.sign_in("coordinator", system.passwords()["coordinator"])
    attributes = reply.headers["set-cookie"].split("; ")
    assert sorted(attributes[1:]) == ["HttpOnly", "Path=/", "SameSite=Strict"], attributes
    assert reply.headers["cache-control"] == "no-store", reply.headers
    me = reply.json()
    assert me["account"] == "coordinator" and me["person"] == "chen_chen" and me["name"] == "陈晨", me
    assert me["sites"] == ["haitang"] and "act" in me["scopes"] and me["language"] == "zh-CN", me
    assert {"post": "coordinator", "department": "customer_service_centre", "site": "haitang"} in me["posts"], me
    assert me["demonstration"] is True and me["second_factor"] is False, me
    again = browser.ask("GET", "/api/v1/session").json()
    assert {**again, "until": 0} == {**me, "until": 0} and again["until"] >= me["until"], (again, me)
    token = system.http("GET", "/api/v1/session", token=system.tokens()["auditor"]).json()
    assert token["account"] == "auditor" and "csrf" not in token and token["scopes"] == ["read", "report", "audit"], token
    assert len(token["sites"]) == 3, token
    admin = system.http("GET", "/api/v1/session", token=system.tokens()["admin"]).json()
    assert len(admin["sites"]) == 4, admin


def a_cookie_is_no_token_and_a_token_no_cookie():
    browser = signed_in()
    refused(system.http("GET", "/api/v1/session", token=browser.cookie), 401, "not_signed_in")
    thief = Browser()
    thief.cookie = system.tokens()["coordinator"]
    refused(thief.ask("GET", "/api/v1/session"), 401, "not_signed_in")
    thief.cookie = browser.cookie[:-1] + ("A" if browser.cookie[-1] != "A" else "E")
    refused(thief.ask("GET", "/api/v1/session"), 401, "not_signed_in")
    first, second = signed_in(), signed_in()
    assert first.cookie != second.cookie and first.csrf != second.csrf


def writes_need_the_csrf_token():
    browser = signed_in()
    case = {"site": "haitang", "kind": "complaint", "category": "noise", "text": "噪声"}
    assert refused(browser.ask("POST", "/api/v1/cases", case, csrf=False), 403, "csrf")["field"] == "X-CSRF-Token"
    refused(browser.ask("POST", "/api/v1/cases", case, csrf=False, X_CSRF_Token=signed_in().csrf), 403, "csrf")
    refused(browser.ask("DELETE", "/api/v1/session", csrf=False), 403, "csrf")
    assert browser.ask("GET", "/api/v1/cases?limit=1").status == 200
    assert browser.ask("POST", "/api/v1/cases", case).status == 201
    assert system.http("POST", "/api/v1/cases", case, system.tokens()["coordinator"]).status == 201  # a token needs none


def malformed_sign_ins():
    browser = Browser()
    password = system.passwords()["coordinator"]
    form = system.http("POST", "/api/v1/session", f"account=coordinator&password={password}".encode(), None,
                       {"Content-Type": "application/x-www-form-urlencoded"})
    refused(form, 415, "unsupported_type")  # what a form of another site could send
    assert refused(browser.ask("POST", "/api/v1/session", {"account": "a", "password": "b", "hash": "c"}), 400,
                   "malformed")["field"] == "hash"
    refused(browser.ask("POST", "/api/v1/session", {"account": 3, "password": "b"}), 400, "malformed")
    refused(browser.ask("POST", "/api/v1/session", {"account": "x" * 5000, "password": "b"}), 401, "wrong_sign_in")
    refused(browser.ask("POST", "/api/v1/session", {"account": "x", "password": "b" * 5000}), 422, "bad_field")
    refused(browser.ask("POST", "/api/v1/session", {}), 401, "wrong_sign_in")


def signing_out():
    one, two, other = signed_in("reception"), signed_in("reception"), signed_in("coordinator")
    kept = one.cookie
    reply = one.ask("DELETE", "/api/v1/session")
    assert reply.status == 200 and "Max-Age=0" in reply.headers["set-cookie"], reply.headers
    one.cookie = kept
    refused(one.ask("GET", "/api/v1/session"), 401, "not_signed_in")
    refused(one.ask("GET", "/api/v1/cases?limit=1"), 401, "not_signed_in")
    assert two.ask("GET", "/api/v1/cases?limit=1").status == 200
    three, given = signed_in("reception"), system.tokens()["reception"]
    made = three.ask("POST", "/api/v1/tokens", {"name": "x", "scopes": ["read"], "expires_at": instant(1)}).json()["token"]
    refused(system.http("DELETE", "/api/v1/sessions", token=given), 403, "session_needed")
    assert all(system.http("GET", "/api/v1/session", token=token).status == 200 for token in (given, made))
    assert three.ask("DELETE", "/api/v1/sessions").json() == {"tokens_ended": 2}
    refused(two.ask("GET", "/api/v1/cases?limit=1"), 401, "not_signed_in")
    for token in (given, made):
        refused(system.http("GET", "/api/v1/cases?limit=1", token=token), 401, "not_signed_in")
    assert other.ask("GET", "/api/v1/cases?limit=1").status == 200


def who_signs_in_is_logged():
    """Who and from where, whether it was let in; of complainants no address."""
    password = system.passwords()["coordinator"]
    for given, key in ((password, "tried-right"), ("wrong", "tried-wrong")):
        system.http("POST", "/api/v1/session", {"account": "coordinator", "password": given}, None,
                    {"X-Forwarded-For": "10.5.5.5", "X-Request-Id": key})
    system.http("GET", "/track", headers={"X-Forwarded-For": "10.5.5.5", "X-Request-Id": "tried-portal"})
    lines = {line.get("id"): line for line in system.requests_logged("tried-right", "tried-wrong", "tried-portal")}
    right, wrong = lines["tried-right"], lines["tried-wrong"]
    assert abs(datetime.datetime.fromisoformat(right["time"].replace("Z", "+00:00")).timestamp() - time.time()) < 300, right
    assert (right["status"], right["account"], right["address"]) == (200, "coordinator", "10.5.5.5"), right
    assert (wrong["status"], wrong["account"], wrong["address"]) == (401, "", "10.5.5.5"), wrong
    assert "address" not in lines["tried-portal"], lines["tried-portal"]


# ---- wrong tries ----

def wrong_tries_are_delayed():
    known, unknown = Browser(), Browser()
    right = system.passwords()["renhe-handler"]
    for browser, account in ((known, "renhe-handler"), (unknown, "nobody-at-all")):
        texts = {refused(browser.sign_in(account, f"wrong {n}"), 401, "wrong_sign_in")["en"] for n in range(5)}
        reply = browser.sign_in(account, "wrong")
        problem = refused(reply, 429, "too_many_tries")
        assert len(texts) == 1 and reply.headers["retry-after"] == str(problem["retry_after"]) and problem["retry_after"] >= 1
    refused(known.sign_in("renhe-handler", right), 429, "too_many_tries")  # nor does the right one help
    assert Browser().sign_in("renhe-head", system.passwords()["renhe-head"]).status == 200  # others go on
    assert Browser().at("10.7.7.1").sign_in("renhe-handler", right).status == 200  # as does who it is, at another place
    code = re.search(r"code=(\S+)", system.run("account", "password", "renhe-handler").stdout)[1]
    setup = lambda code: Browser().ask("POST", "/api/v1/session/setup", {"account": "renhe-handler", "code": code, "password": right})
    for n in range(5):  # nor does guessing at the one close the other
        refused(setup(f"wrong {n}"), 403, "wrong_code")
    refused(setup(code), 429, "too_many_tries")
    assert Browser().at("10.7.7.2").sign_in("renhe-handler", right).status == 200
    for pid in system.pids("directory"):
        os.kill(pid, signal.SIGKILL)  # a restart forgets nothing
    eventually(lambda: system.http("GET", "/readyz").status == 200)
    refused(known.sign_in("renhe-handler", right), 429, "too_many_tries")
    restart("{delay_ms: 1}")
    assert known.sign_in("renhe-handler", right).status == 200  # as long as told has passed
    for n in range(5):  # signed in: counted anew
        refused(known.sign_in("renhe-handler", f"wrong {n}"), 401, "wrong_sign_in")
    restart("{delay_ms: 60000}")


def an_address_is_delayed_too():
    browser = Browser()
    def sign_in(n, address):
        return browser.ask("POST", "/api/v1/session", {"account": f"guess-{n}", "password": "wrong"}, X_Forwarded_For=address)
    statuses = [sign_in(n, f"2001:db8::{n:x}").status for n in range(25)]  # one /64
    assert statuses[:20] == [401] * 20 and 429 in statuses[20:22], statuses
    assert sign_in(99, "2001:db8:0:1::1").status == 401


def many_at_once_are_bounded():
    """Each takes 64 MiB and two are computed at once; what does not find room is told so, and all else is answered."""
    statuses, lock = [], threading.Lock()

    def one(n):
        reply = system.http("POST", "/api/v1/session", {"account": f"crowd-{n}", "password": "wrong"}, None,
                            {"X-Forwarded-For": f"10.9.{n}.1"})
        with lock:
            statuses.append((reply.status, reply.headers.get("retry-after")))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    assert system.http("GET", "/api/v1/organisation", token=system.tokens()["admin"]).status == 200
    for thread in threads:
        thread.join()
    answers = {status for status, _ in statuses}
    assert answers <= {401, 503} and 401 in answers, statuses
    assert all(after for status, after in statuses if status == 503), statuses
    with open(f"/proc/{system.pids('directory')[0]}/status") as f:
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", f.read())[1])
    assert peak < 400 * 1024, peak  # sixteen of them together would need a gigabyte
    assert signed_in().ask("GET", "/api/v1/session").status == 200


# ---- what outlives what ----

def sessions_outlive_the_processes():
    browser = signed_in()
    for service in ("gateway", "directory"):
        for pid in system.pids(service):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: all_ready())
        assert browser.ask("GET", "/api/v1/session").status == 200
        assert browser.ask("POST", "/api/v1/cases", {"site": "haitang", "kind": "complaint", "category": "noise",
                                                     "text": "噪声"}).status == 201
    return browser


class Stream(threading.Thread):
    """Live updates with the cookie of a browser, until the gateway ends them."""

    def __init__(self, browser):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)
        self.connection.request("GET", "/api/v1/events", headers={"Accept": "text/event-stream", "Cookie": f"session={browser.cookie}"})
        self.reply, self.ended = self.connection.getresponse(), threading.Event()
        assert self.reply.status == 200, self.reply.status
        assert self.reply.readline().startswith(b"retry:")
        self.start()

    def run(self):
        try:
            while self.reply.readline():
                pass
            self.ended.set()
        except OSError:
            pass


def streams_end_with_their_session():
    """Also those of other devices come again, and are asked who they are."""
    browser, other, elsewhere = signed_in("reception"), signed_in("reception"), signed_in("coordinator")
    streams, kept = [Stream(browser), Stream(other)], Stream(elsewhere)
    assert browser.ask("DELETE", "/api/v1/session").status == 200
    assert all(stream.ended.wait(20) for stream in streams)
    assert Stream(other).is_alive() and kept.is_alive() and not kept.ended.is_set()


def streams_keep_no_session_alive():
    """Its tab lies open, nobody is there: it ends as if nothing had been asked."""
    browser = signed_in("coordinator")
    stream = Stream(browser)
    assert stream.ended.wait(20)
    eventually(lambda: browser.ask("GET", "/api/v1/events?limit=1").status == 401, 30)


def all_ready():
    try:
        return system.http("GET", "/readyz").status == 200
    except OSError:
        return False


def sessions_end_when_idle_or_old(setting, live):
    """`live`: what is done meanwhile."""
    began = time.monotonic()  # before it: the session begins while the answer is on its way
    browser = signed_in("manager")
    eventually(lambda: live(browser) == 401, 60)
    assert time.monotonic() - began >= setting - 0.1, "too early"
    refused(browser.ask("GET", "/api/v1/session"), 401, "not_signed_in")


# ---- passwords ----

def passwords_are_changed():
    browser, other = signed_in("head"), signed_in("head")
    old, new = system.passwords()["head"], "三只猫 in the 图书馆"
    change = lambda **body: browser.ask("PUT", "/api/v1/session/password", body)
    refused(change(old="wrong", password=new), 403, "wrong_password")
    for bad in ("short", "elevenchars", "passwordpassword", "P@ssw0rd12345", "aaaaaaaaaaaaaaaa", "1234567890123", "head-head-head",
                "abcdefghijklmnop", "hearback2026!", "x" * 300):
        reply = change(old=old, password=bad)
        assert reply.status == 422, (bad, reply)
        assert refused(reply, 422, "bad_password")["field"] == "password", bad
    refused(system.http("PUT", "/api/v1/session/password", {"old": old, "password": new}, system.tokens()["head"]), 403,
            "session_needed")
    assert browser.ask("POST", "/api/v1/tokens", {"name": "x", "scopes": ["read"], "expires_at": instant(1)}).status == 201
    assert change(old=old, password=new).json() == {"tokens_left": 1}
    assert browser.ask("GET", "/api/v1/cases?limit=1").status == 200, "its own session goes on"
    refused(other.ask("GET", "/api/v1/cases?limit=1"), 401, "not_signed_in")
    refused(Browser().sign_in("head", old), 401, "wrong_sign_in")
    assert Browser().sign_in("head", new).status == 200
    planted_nowhere(new, "elevenchars")


def planted_nowhere(*secrets):
    """Nothing of it lies in the folder, but for what the demonstration prints."""
    for folder, _, names in os.walk(system.folder):
        for name in names:
            path = os.path.join(folder, name)
            if name in ("up.out", "demo-accounts.json") or not os.path.isfile(path):
                continue
            with open(path, "rb") as f:
                data = f.read()
            for secret in secrets:
                assert (secret if isinstance(secret, bytes) else secret.encode()) not in data, (path, secret)


def setup_codes():
    account = {"accounts": [{"id": "newcomer", "person": "li_jing", "scopes": ["read"]}]}
    assert system.http("PUT", "/api/v1/organisation", account, system.tokens()["admin"]).status == 200
    browser = Browser()
    refused(browser.sign_in("newcomer", ""), 401, "wrong_sign_in")  # no password is not the empty one
    assert "no such account" in system.run("account", "password", "nobody", check=False).stderr
    text = system.run("account", "password", "newcomer").stdout
    link, code = re.search(r"(http\S+/console/signin#account=newcomer&code=(\S+))", text).groups()
    assert f"code: {code}\n" in text and "until" in text, text
    use = lambda password, code=code, account="newcomer": browser.ask("POST", "/api/v1/session/setup", {
        "account": account, "code": code, "password": password})
    refused(use("short"), 422, "bad_password")
    refused(use("a perfectly good one", code="A" * 27), 403, "wrong_code")
    refused(use("a perfectly good one", account="reception"), 403, "wrong_code")
    assert use("a perfectly good one").json() == {"tokens_ended": 0}
    refused(use("another good enough"), 403, "wrong_code")  # once
    assert browser.sign_in("newcomer", "a perfectly good one").status == 200
    second = re.search(r"code=(\S+)", system.run("account", "password", "newcomer").stdout)[1]
    token = browser.ask("POST", "/api/v1/tokens", {"name": "x", "scopes": ["read"], "expires_at": instant(1)}).json()["token"]
    assert use("the next good password", second).json() == {"tokens_ended": 1}
    refused(browser.ask("GET", "/api/v1/session"), 401, "not_signed_in")  # a new password ends the sessions
    refused(system.http("GET", "/api/v1/session", token=token), 401, "not_signed_in")  # and what was made in them
    planted_nowhere("a perfectly good one", "the next good password", code)


def setup_codes_from_the_console():
    """As the operator's command gives them: for whoever may organise, one's own not by a token."""
    admin, offer = system.tokens()["admin"], "/api/v1/accounts/newcomer/setup"
    reply = system.http("POST", offer, token=admin)
    given = reply.json()
    assert reply.status == 200 and given["account"] == "newcomer" and given["link"].endswith(f"/console/signin#account=newcomer&code={given['code']}"), given
    refused(system.http("POST", offer, token=system.tokens()["coordinator"]), 403, "not_allowed")
    refused(system.http("POST", "/api/v1/accounts/nobody/setup", token=admin), 404, "not_found")
    refused(system.http("POST", "/api/v1/accounts/admin/setup", token=admin), 403, "session_needed")
    use = lambda: Browser().ask("POST", "/api/v1/session/setup", {"account": "newcomer", "code": given["code"], "password": "the fourth good password"})
    assert use().status == 200 and Browser().sign_in("newcomer", "the fourth good password").status == 200
    refused(use(), 403, "wrong_code")
    planted_nowhere(given["code"])
    codes_given_out_are_told(admin)


def codes_given_out_are_told(auditor):
    """Who gave one out for whom, newest first; a refused one was none."""
    system.settle()
    for site in ("", "&site=haitang"):  # the cell's, and where the account's person has a post
        entries = system.http("GET", f"/api/v1/audit?what=organised&limit=500{site}", token=auditor).json()["entries"]
        used = [one["account"] for one in entries if one["act"] == "setup_used" and one["name"] == "newcomer"]
        assert used == ["newcomer"] * 3, used  # by whoever had it, in the name of the account; a wrong code was none
        given = [(one["name"], one.get("account", "")) for one in entries if one["act"] == "setup" and one["name"] in ("newcomer", "nobody")]
        assert given[0] == ("newcomer", "admin") and len(given) == 3 and {name for name, _ in given} == {"newcomer"}, given


# ---- second factor ----

def totp(secret, step):
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


def now_step():
    return int(time.time()) // 30


def second_factors():
    browser = signed_in("manager")
    password = system.passwords()["manager"]
    confirm = lambda code: browser.ask("PUT", "/api/v1/session/totp", {"code": code})
    refused(confirm("123456"), 409, "not_begun")
    begun = browser.ask("POST", "/api/v1/session/totp").json()
    secret = begun["secret"]
    assert begun["uri"].startswith(f"otpauth://totp/Hearback:manager?secret={secret}&issuer=Hearback"), begun
    assert begun["qr"].startswith("data:image/svg+xml;base64,") and b"<path" in base64.b64decode(begun["qr"].split(",")[1]), begun
    assert Browser().sign_in("manager", password).status == 200, "not yet asked"
    wrong = f"{(int(totp(secret, now_step())) + 1) % 1000000:06d}"
    refused(confirm(wrong), 403, "wrong_code")
    step = now_step()
    codes = confirm(totp(secret, step)).json()["recovery_codes"]
    planted_nowhere(secret, base64.b32decode(secret))  # wrapped under a key outside of the data
    assert len(set(codes)) == 10 and all(re.fullmatch(r"([0-9A-Z]{4}-){5}[0-9A-Z]{4}", code) for code in codes), codes
    refused(browser.ask("POST", "/api/v1/session/totp"), 409, "enrolled")
    assert browser.ask("GET", "/api/v1/session").json()["second_factor"] is True
    for _ in range(8):  # a code that is not given is no wrong one
        assert refused(Browser().sign_in("manager", password), 401, "code_needed")["field"] == "code"
    refused(Browser().sign_in("manager", "wrong password", totp(secret, step + 1)), 401, "wrong_sign_in")
    refused(Browser().sign_in("manager", password, totp(secret, step)), 401, "wrong_code")  # it confirmed the enrolment
    assert Browser().sign_in("manager", password, totp(secret, step + 1)).status == 200  # the next one is taken already
    refused(Browser().sign_in("manager", password, totp(secret, step + 1)), 401, "wrong_code")  # once
    assert Browser().sign_in("manager", password, codes[0].lower().replace("-", " ")).status == 200
    refused(Browser().sign_in("manager", password, codes[0]), 401, "wrong_code")
    end = lambda code: browser.ask("DELETE", "/api/v1/session/totp", {"code": code})
    refused(end(codes[0]), 403, "wrong_code")
    assert end(codes[1]).status == 200
    refused(end(codes[2]), 409, "not_enrolled")
    assert Browser().sign_in("manager", password).status == 200


# ---- API tokens ----

def instant(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def api_tokens():
    browser = signed_in("coordinator")
    make = lambda token=None, **body: (browser.ask("POST", "/api/v1/tokens", body) if token is None
                                       else system.http("POST", "/api/v1/tokens", body, token))
    good = {"name": "夜间导出", "scopes": ["read"], "expires_at": instant(30)}
    for wrong, field in (({"name": ""}, "name"), ({"scopes": []}, "scopes"), ({"scopes": ["organise"]}, "scopes[0]"),
                         ({"scopes": ["*"]}, "scopes[0]"), ({"sites": ["lanhu"]}, "sites[0]"), ({"sites": ["*"]}, "sites[0]"),
                         ({"expires_at": instant(400)}, "expires_at"), ({"expires_at": instant(-1)}, "expires_at")):
        assert refused(make(**{**good, **wrong}), 422, "bad_field")["field"] == field, wrong
    assert refused(make(name="x", scopes=["read"]), 422, "bad_field")["field"] == "expires_at"
    reply = make(**good)
    assert reply.status == 201, reply
    token, name = reply.json()["token"], reply.json()["id"]
    assert token.startswith("hb_") and reply.json()["expires_at"] == good["expires_at"], reply
    assert system.http("GET", "/api/v1/cases?limit=1", token=token).status == 200
    case = {"site": "haitang", "kind": "complaint", "category": "noise", "text": "噪声"}
    refused(system.http("POST", "/api/v1/cases", case, token), 403, "not_allowed")  # submit was left out
    assert system.http("GET", "/api/v1/session", token=token).json()["scopes"] == ["read"]
    for stolen in (token, system.tokens()["coordinator"]):  # makes itself no successors, and ends none of the others
        refused(make(stolen, **good), 403, "session_needed")
        refused(make(stolen, **good, account="coordinator"), 403, "session_needed")
        refused(system.http("DELETE", f"/api/v1/tokens/{name}", token=stolen), 403, "session_needed")
        refused(system.http("DELETE", f"/api/v1/tokens/{name}?account=coordinator", token=stolen), 403, "session_needed")
        refused(system.http("DELETE", "/api/v1/sessions", token=stolen), 403, "session_needed")
    assert make(**good).status == 201
    listed = browser.ask("GET", "/api/v1/tokens").json()["tokens"]
    assert len(listed) == 2 and all("token" not in one for one in listed), listed
    assert not system.http("GET", "/api/v1/tokens", token=system.tokens()["handler"]).json()["tokens"]
    refused(system.http("GET", "/api/v1/tokens?account=coordinator", token=system.tokens()["handler"]), 403, "not_allowed")
    refused(signed_in("handler").ask("DELETE", f"/api/v1/tokens/{name}"), 404, "not_found")
    refused(signed_in("handler").ask("DELETE", f"/api/v1/tokens/{name}?account=coordinator"), 403, "not_allowed")
    admin = system.tokens()["admin"]
    assert len(system.http("GET", "/api/v1/tokens?account=coordinator", token=admin).json()["tokens"]) == 2
    ours = make(admin, **good, account="handler", sites=["haitang"])
    assert ours.status == 201 and ours.json()["account"] == "handler", ours
    assert system.http("GET", "/api/v1/session", token=ours.json()["token"]).json()["sites"] == ["haitang"]
    assert system.http("DELETE", f"/api/v1/tokens/{name}?account=coordinator", token=admin).status == 200
    refused(system.http("GET", "/api/v1/cases?limit=1", token=token), 401, "not_signed_in")  # at once
    planted_nowhere(token)


def narrowed_tokens_change_no_secrets():
    """Who may organise the one thing cannot give himself, or anybody, the rest."""
    admin = signed_in("admin")
    organisation = lambda token, **body: system.http("PUT", "/api/v1/organisation", body, token)
    taken = {"account": "head", "token_hash": base64.b64encode(bytes(32)).decode()}
    account = {"id": "accomplice", "person": "li_jing", "scopes": ["*"], "sites": ["*"]}
    for narrow in ({"scopes": ["organise"]}, {"scopes": ["*"]}, {"scopes": ["*"], "sites": ["*"]}):
        token = admin.ask("POST", "/api/v1/tokens", {"name": "x", "expires_at": instant(1), **narrow}).json()["token"]
        assert organisation(token, departments=[]).status == 200, narrow
        refused(organisation(token, secrets=[taken]), 403, "not_allowed")
        refused(organisation(token, secrets=[{"account": "head"}]), 403, "not_allowed")  # nor ends one
        refused(organisation(token, accounts=[account]), 403, "not_allowed")
        refused(system.http("POST", "/api/v1/tokens", {"name": "x", "account": "head", "scopes": ["read"], "expires_at":
                                                       instant(1)}, token), 403, "not_allowed")
        refused(system.http("DELETE", "/api/v1/tokens/0123456789abcdef?account=head", token=token), 403, "not_allowed")
        for one in admin.ask("GET", "/api/v1/tokens").json()["tokens"]:
            assert admin.ask("DELETE", f"/api/v1/tokens/{one['id']}").status == 200
    # nor does the whole account become another by a token it made itself: that would be told nowhere
    refused(admin.ask("PUT", "/api/v1/organisation", {"secrets": [taken]}), 403, "not_allowed")
    refused(organisation(system.tokens()["admin"], secrets=[taken]), 403, "not_allowed")
    assert system.http("GET", "/api/v1/session", token=system.tokens()["head"]).status == 200


def tokens_give_no_more_than_their_maker_has():
    """Whoever may organise everywhere, and read at one site, gives nobody a token to read at another."""
    admin = system.tokens()["admin"]
    accounts = [{"id": "organiser", "scopes": ["organise"], "sites": ["*"]}]
    assert system.http("PUT", "/api/v1/organisation", {"accounts": accounts}, admin).status == 200
    organiser = system.run("token", "organiser").stdout.strip()
    make = lambda **body: system.http("POST", "/api/v1/tokens", {"name": "x", "expires_at": instant(1), **body}, organiser)
    assert refused(make(account="handler", scopes=["read"], sites=["haitang"]), 422, "bad_field")["field"] == "sites[0]"
    assert refused(make(account="handler", scopes=["read"]), 422, "bad_field")["field"] == "sites"
    assert make(account="admin", scopes=["organise"]).status == 201


def narrowed_sites():
    admin = system.tokens()["admin"]
    reply = signed_in("auditor").ask("POST", "/api/v1/tokens", {"name": "one site", "scopes": ["read"], "sites": ["lanhu"],
                                                                "expires_at": instant(1)})
    token = reply.json()["token"]
    of = lambda who: {row["site"] for row in system.http("GET", "/api/v1/cases?limit=1000", token=who).json()["rows"]}
    assert of(token) == {"lanhu"} and "haitang" in of(system.tokens()["auditor"]) and of(admin) > {"lanhu"}
    refused(system.http("GET", "/api/v1/cases?site=haitang", token=token), 404, "unknown_site")


def everything_is_sound():
    """And every operation of these was answered as described."""
    described = {(method, template) for method, _, template, _ in system.api.operations
                 if template.startswith(("/api/v1/session", "/api/v1/tokens", "/api/v1/about"))}
    assert len(described) >= 13 and not described - set(system.api.checked), described - set(system.api.checked)
    system.settle()
    assert "sound" in system.run("verify").stdout


def test_sessions():
    global system
    with harness.System("--demo") as system:
        who_one_is()
        a_cookie_is_no_token_and_a_token_no_cookie()
        writes_need_the_csrf_token()
        streams_end_with_their_session()
        signing_out()
        who_signs_in_is_logged()
        malformed_sign_ins()
        sessions_outlive_the_processes()
        passwords_are_changed()
        setup_codes()
        setup_codes_from_the_console()
        second_factors()
        api_tokens()
        narrowed_sites()
        narrowed_tokens_change_no_secrets()
        tokens_give_no_more_than_their_maker_has()
        changes_of_credentials_are_told()
        everything_is_sound()


def changes_of_credentials_are_told():
    """To whoever audits: who changed what an account signs in with; each once, and no refused one."""
    system.settle()
    told = system.http("GET", "/api/v1/audit?what=organised&limit=500", token=system.tokens()["admin"]).json()["entries"]
    acts = lambda name: [(one["act"], one.get("account")) for one in reversed(told) if one["name"] == name and one["act"] not in ("account", "setup", "setup_used")]
    assert acts("manager") == [("factor_enrolled", "manager"), ("factor_given_up", "manager")], acts("manager")
    assert ("token_made", "coordinator") in acts("coordinator"), acts("coordinator")
    seen = {one["act"] for one in told}
    assert {"password", "all_ended", "token_ended"} <= seen, seen


def restart(settings):
    """With other settings of signing in."""
    system.stop()
    path = os.path.join(system.folder, "hearback.yaml")
    with open(path) as f:
        lines = [line for line in f if not line.startswith("sign_in:")]
    with open(path, "w") as f:
        f.writelines([*lines, f"sign_in: {settings}\n"])
    system.start()


def test_wrong_tries():
    global system
    with harness.System("--demo") as system:
        restart("{delay_ms: 60000}")
        wrong_tries_are_delayed()
        an_address_is_delayed_too()
        many_at_once_are_bounded()


def demand(scopes, site="haitang"):
    """Of whoever has one of these scopes there."""
    admin = system.tokens()["admin"]
    known = next(one for one in system.http("GET", "/api/v1/organisation", token=admin).json()["sites"] if one["id"] == site)
    reply = system.http("PUT", "/api/v1/organisation", {"sites": [{**known, "second_factor": scopes}]}, admin)
    assert reply.status == 200, reply


def nothing_else_is_open(browser):
    for method, path in (("GET", "/api/v1/cases?limit=1"), ("GET", "/api/v1/organisation"), ("GET", "/api/v1/events"), ("GET", "/api/v1/tokens"),
                         ("POST", "/api/v1/cases"), ("POST", "/api/v1/tokens"), ("DELETE", "/api/v1/session/totp")):
        refused(browser.ask(method, path, {} if method != "GET" else None), 403, "second_factor_needed")


def enrol(browser, steps_on=0):
    """No step is taken twice, whichever secret it is of."""
    secret = browser.ask("POST", "/api/v1/session/totp").json()["secret"]
    return browser.ask("PUT", "/api/v1/session/totp", {"code": totp(secret, now_step() + steps_on)}).json()["recovery_codes"]


def second_factors_are_demanded():
    before, free = signed_in("coordinator"), signed_in("handler")
    assert before.ask("GET", "/api/v1/cases?limit=1").status == 200
    wrong = system.http("PUT", "/api/v1/organisation", {"sites": [{"id": "haitang", "name": {"zh": "x"}, "zone": "UTC", "second_factor": ["cook"]}]},
                        system.tokens()["admin"])
    assert refused(wrong, 422, "bad_field")["field"] == "sites[0].second_factor", wrong
    demand(["report", "organise"])
    browser = Browser()
    me = browser.sign_in("coordinator", system.passwords()["coordinator"]).json()
    assert me["second_factor"] is False and me["second_factor_needed"] is True, me
    nothing_else_is_open(browser)
    assert browser.ask("GET", "/api/v1/session").json()["second_factor_needed"] is True
    assert free.ask("GET", "/api/v1/session").json()["second_factor_needed"] is False  # has none of these scopes
    assert free.ask("GET", "/api/v1/cases?limit=1").status == 200
    assert signed_in("renhe-manager").ask("GET", "/api/v1/cases?limit=1").status == 200  # of another site
    eventually(lambda: before.ask("GET", "/api/v1/cases?limit=1").status == 403)  # who was signed in already, too
    assert system.http("GET", "/api/v1/cases?limit=1", token=system.tokens()["coordinator"]).status == 200  # a token is a program's
    codes = enrol(browser)
    assert browser.ask("GET", "/api/v1/cases?limit=1").status == 200 and before.ask("GET", "/api/v1/cases?limit=1").status == 200  # at once
    assert browser.ask("GET", "/api/v1/session").json()["second_factor_needed"] is False
    refused(Browser().sign_in("coordinator", system.passwords()["coordinator"]), 401, "code_needed")
    assert browser.ask("DELETE", "/api/v1/session/totp", {"code": codes[0]}).status == 200  # for another telephone
    nothing_else_is_open(browser)
    enrol(browser, 1)
    assert browser.ask("GET", "/api/v1/cases?limit=1").status == 200
    admin = signed_in("admin")  # "*" is every scope
    nothing_else_is_open(admin)
    assert admin.ask("DELETE", "/api/v1/session").status == 200
    demand([])
    assert signed_in("admin").ask("GET", "/api/v1/cases?limit=1").status == 200


def test_second_factors_demanded():
    """Sessions are looked at anew every 5 s here: a quarter of their life unused."""
    global system
    with harness.System("--demo") as system:
        restart("{idle_s: 20}")
        second_factors_are_demanded()


def behind_https():
    """The gateway is told that it is reached by https: the cookie is bound to it."""
    system.stop()
    path = os.path.join(system.folder, "hearback.yaml")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(re.sub(r'(http: {[^}]*)}', r'\1, public_url: "https://desk.example.org"}', re.sub(r', public_url: "[^"]*"', "", text)))
    system.start()
    body = {"account": "coordinator", "password": system.passwords()["coordinator"]}
    reply = system.http("POST", "/api/v1/session", body)
    value, *attributes = reply.headers["set-cookie"].split("; ")
    assert value.startswith("__Host-session=") and sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"], value
    assert system.http("GET", "/api/v1/session", headers={"Cookie": value}).status == 200
    for path in ("/", "/api/v1/about", "/api/v1/cases", "/console/", "/nothing"):
        headers = system.http("GET", path).headers
        assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains", (path, headers)
    own = system.http("GET", "/track", headers={"Accept": "text/html"}).headers["set-cookie"]  # of the portal
    assert re.match(r"__Host-browser=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Strict; Secure$", own), own
    planted = value.replace("__Host-session=", "session=")  # what a neighbour of the domain could set
    refused(system.http("GET", "/api/v1/session", headers={"Cookie": planted}), 401, "not_signed_in")


def test_ends():
    global system
    with harness.System("--demo") as system:
        restart("{idle_s: 2}")
        sessions_end_when_idle_or_old(2, lambda browser: time.sleep(2.1) or browser.ask("GET", "/api/v1/cases?limit=1").status)
        streams_keep_no_session_alive()
        browser, until = signed_in("manager"), time.monotonic() + 4
        while time.monotonic() < until:  # one that is used goes on
            assert browser.ask("GET", "/api/v1/cases?limit=1").status == 200
            time.sleep(0.1)
        restart("{idle_s: 60, most_s: 2}")
        sessions_end_when_idle_or_old(2, lambda browser: time.sleep(0.1) or browser.ask("GET", "/api/v1/cases?limit=1").status)
        behind_https()


if __name__ == "__main__":
    harness.main([test_sessions, test_wrong_tries, test_second_factors_demanded, test_ends])
