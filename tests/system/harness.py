"""A real system for tests: `hearback up` with all its processes on loopback, in a folder of its own; HTTP from outside; a
real SMTP server. Python's standard library, and aiosmtpd (package python3-aiosmtpd) for the mail server."""

import contextlib
import glob
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import openapi

PROGRAMS = os.environ.get("HEARBACK_BIN") or os.path.join(os.path.dirname(__file__), "../../build/bin")
SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SKIP = 77
os.environ.setdefault("LSAN_OPTIONS", f"suppressions={SOURCE}/tests/system/leaks.supp:print_suppressions=0")


def sanitized():
    """A build with sanitizers takes more memory, and is not what is deployed."""
    with open(os.path.join(PROGRAMS, "hearback"), "rb") as f:
        return b"__asan_init" in f.read()


def needs_a_build_without_sanitizers(why):
    if sanitized():
        print(f"skipped: needs a build without sanitizers: {why}")
        raise SystemExit(SKIP)


def free_port():
    """Below the ports the kernel gives to clients: one of those is soon somebody's own end of a connection."""
    for _ in range(1000):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", random.randrange(12000, 32000)))
                return s.getsockname()[1]
            except OSError:
                pass
    raise RuntimeError("no free port between 12000 and 32000")


def memory_folder():
    """Fast and out of the way; a test of durability against power cuts would take a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def eventually(what, check, seconds=15, looks=float("inf")):
    """Waits until check() is true of something, and returns that; so long, and so often, may be looked."""
    until, looked = time.monotonic() + seconds, 0
    while not (found := check()):
        looked += 1
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        assert looked < looks, f"not within {looks} looks: {what}"
        time.sleep(0.1)
    return found


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:2000]!r}"


class Disturbances(list):
    """When a system was stopped or hurt: (from, to), in seconds since 1970. What it owes within a time it owes so much later."""

    since = None

    def begin(self):
        self.since = time.time()

    def end(self):
        if self.since:
            self.append((self.since, time.time()))
        self.since = None

    @contextlib.contextmanager
    def meanwhile(self):
        """Until what stands below it is done: that a system is well again is for it to wait for."""
        began = time.time()
        try:
            yield
        finally:
            self.append((began, time.time()))


class Door:
    """The gateway's HTTP door at .port; .api: its own description, once something was asked."""

    port = api = None

    def http(self, method, path, body=None, token=None, headers=None, timeout=30):
        """`body`: bytes as they are, anything else as JSON."""
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            answer = Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            connection.close()
        self.check_answer(method, path, answer)
        return answer

    def check_answer(self, method, path, answer):
        """Every answer of the API is as its own description says."""
        if not path.split("?")[0].startswith(("/api/", "/healthz", "/readyz", "/metrics")):
            return
        if not self.api:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("GET", "/api/v1/openapi.json")
                self.api = openapi.Api(json.loads(connection.getresponse().read()))
            finally:
                connection.close()
        self.api.check(method, path, answer)


class System(Door):
    """with System("--demo") as system: ..."""

    def __init__(self, *options, folder=None):
        self.own = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="hearback-test-", dir=memory_folder())
        self.port = free_port()
        self.options = options
        self.process = None
        self.disturbed = Disturbances()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        if self.process:
            self.stop()
        if kind:
            self.print_logs()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def program(self, name):
        return os.path.join(PROGRAMS, name)

    def start(self, timeout_s=90):
        self.output = open(os.path.join(self.folder, "up.out"), "a+")
        before = self.output.tell()
        self.process = subprocess.Popen(
            [self.program("hearback"), "--data", self.folder, "up", "--port", str(self.port), *self.options],
            stdout=self.output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.reporting())
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            with open(self.output.name) as f:
                f.seek(before)
                text = f.read()
            if f"ready http://127.0.0.1:{self.port}" in text:
                self.disturbed.end()
                return
            if self.process.poll() is not None:
                raise RuntimeError(f"hearback up ended with {self.process.returncode}:\n{text}")
            time.sleep(0.02)
        raise RuntimeError(f"not ready within {timeout_s} s:\n{text}")

    def reporting(self):
        """Where a build with sanitizers writes what it finds: a service that ends with it is started again and nobody the wiser."""
        reports = f"log_path={self.folder}/sanitizer"
        return {**os.environ, "ASAN_OPTIONS": reports, "UBSAN_OPTIONS": f"{reports}:print_stacktrace=1"}

    def stop(self, how=signal.SIGTERM):
        self.disturbed.begin()
        self.process.send_signal(how)
        self.process.wait(30)
        self.process = None
        self.output.close()
        for path in glob.glob(f"{self.folder}/sanitizer.*"):
            with open(path, errors="replace") as f:
                raise AssertionError(f.read())

    def print_logs(self):
        folder = os.path.join(self.folder, "log")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), errors="replace") as f:
                lines = f.readlines()[-8:]
            if lines:
                print(f"--- {name}\n{''.join(lines)}")

    def pids(self, service):
        """Of the running processes of one service: children of `hearback up`."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            children = f.read().split()
        found = []
        for pid in children:
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if f.read().split(b"\0")[0].endswith(f"/hearback-{service}".encode()):
                        found.append(int(pid))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def run(self, *arguments, check=True, timeout=300, **options):
        """The hearback command, on this system."""
        done = subprocess.run([self.program("hearback"), "--data", self.folder, *arguments], capture_output=True, text=True,
                              timeout=timeout, **options)
        if check and done.returncode:
            raise AssertionError(f"hearback {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def tokens(self):
        """Account -> bearer token, of the demonstration organisation."""
        with open(os.path.join(self.folder, "demo-accounts.json")) as f:
            return {entry["account"]: entry["token"] for entry in json.load(f)}

    def requests_logged(self, *ids):
        """The lines of the gateway's log; those of these requests are there, which are written when the answer has gone."""
        def lines():
            with open(os.path.join(self.folder, "log", "gateway-0.log")) as f:
                return [json.loads(line) for line in f if line.endswith("\n")]
        eventually(f"lines of {ids}", lambda: set(ids) <= {line.get("id") for line in lines()})
        return lines()

    def passwords(self):
        """Account -> password, of the demonstration organisation."""
        with open(os.path.join(self.folder, "demo-accounts.json")) as f:
            return {entry["account"]: entry["password"] for entry in json.load(f)}

    def operator_token(self):
        with open(os.path.join(self.folder, "token")) as f:
            return f.read().strip()

    def settle(self):
        self.run("wait", "settled", "--timeout", "120")

    def folders(self):
        return [self.folder]


class Mail:
    """A real SMTP server; the mails that arrived are in .messages, as email.message objects. `login`: the (user, password)
    it wants, without which it takes no mail; .logins has those that were tried. `refused`: addresses it does not know."""

    def __init__(self, login=None, refused=()):
        try:
            from aiosmtpd.controller import Controller
            from aiosmtpd.handlers import Message
            from aiosmtpd.smtp import AuthResult
        except ImportError:
            print("skipped: python3-aiosmtpd is missing")
            raise SystemExit(SKIP)
        self.messages, self.logins = [], []
        messages, logins = self.messages, self.logins

        class Keep(Message):
            def handle_message(self, message):
                messages.append(message)

            async def handle_RCPT(self, server, session, envelope, address, options):
                if address in refused:
                    return "550 no such user"
                envelope.rcpt_tos.append(address)
                return "250 OK"

        def authenticate(server, session, envelope, mechanism, data):
            logins.append((data.login.decode(), data.password.decode()))
            return AuthResult(success=logins[-1] == login, handled=False)

        options = dict(authenticator=authenticate, auth_required=True, auth_require_tls=False) if login else {}
        self.port = free_port()
        self.controller = Controller(Keep(), hostname="127.0.0.1", port=self.port, **options)
        self.url = f"smtp://127.0.0.1:{self.port}"

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()

    def wait(self, wanted, timeout_s=30):
        """The first mail for which wanted(mail) holds."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            for message in list(self.messages):
                if wanted(message):
                    return message
            time.sleep(0.05)
        raise AssertionError(f"no such mail within {timeout_s} s; arrived: {[(m['To'], m['Subject']) for m in self.messages]}")


def main(tests):
    """Runs the functions one after the other; the first that fails ends it."""
    for test in tests:
        began = time.monotonic()
        test()
        print(f"passed  {test.__name__}  {time.monotonic() - began:.1f} s", flush=True)
