"""Load with a ledger: clients that register cases and take steps on them over HTTP, repeat every command until it is
answered (and some answered ones on purpose), and write down what they were promised. The ledger is what a checker holds the logs
against: whatever was acknowledged must be there once, whatever was not at most once."""

import hashlib
import http.client
import json
import random
import threading
import time

# What takes a case of GEN-FRAME from its registration to its end: account, step, fields.
STEPS = [
    ("renhe-coordinator", "accept", {}),
    ("renhe-coordinator", "contact", {"contact_by": {"value": {"text": "phone"}}}),
    ("renhe-coordinator", "handle", {"result": {"text": {"plain": "已处理"}}}),
    ("renhe-coordinator", "answer", {"reply_text": {"text": {"plain": "已答复"}}}),
    ("renhe-coordinator", "close", {}),
]
KINDS = ("complaint", "repair", "inquiry", "suggestion")
CATEGORIES = ("service",)  # of the coordinator's own department
RETRIED = (429, 500, 502, 503, 504, 507)


class Broken(AssertionError):
    """A promise was broken, seen at once by a client."""


class Command:
    """One thing a client wants done: sent again under the same key until somebody answers."""

    def __init__(self, key, account, path, body, case=None, headers=None):
        self.key, self.account, self.path, self.body, self.case = key, account, path, body, case
        self.headers = headers or {}
        self.id = command_id(account, key)  # stands in the cause of every event it makes
        self.sends = 0
        self.status = None  # of the answer that counts; None: nobody knows
        self.answer = None
        self.answered_at = None


def command_id(account, key):
    """What the gateway makes of an Idempotency-Key (services/gateway/cell.c): it stands in the cause of every event."""
    text = account.encode() + b"\0" + bytes(4) + key.encode()
    return "0000000000000-" + hashlib.blake2b(text, digest_size=16).hexdigest()


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.commands = []
        self.refusals = 0  # 503 and its like, dropped connections: nothing was promised
        self.repeats = 0   # of commands already answered
        self.beside = []   # ids of commands that the test itself sends meanwhile

    def add(self, command):
        with self.lock:
            self.commands.append(command)

    def answered(self, path=None):
        with self.lock:
            return [c for c in self.commands if c.status in (200, 201) and (path is None or c.path == path)]


class Client(threading.Thread):
    """One person at a keyboard: cases of its own, one thing after the other."""

    def __init__(self, load, seed):
        super().__init__(daemon=True)
        self.load, self.random = load, random.Random(seed)
        self.open = []  # [case_id, steps taken, what was seen of it (Hearback-After)]
        self.connection = None
        self.failure = None
        self.after = None
        self.too_early = 0

    def run(self):
        try:
            while not self.load.stopping.is_set():
                self.turn()
                if self.load.pause_s:
                    time.sleep(self.load.pause_s)
        except Exception as failure:  # noqa: told by Load.stop
            self.failure = failure

    def turn(self):
        case = self.random.choice(self.open) if self.open and self.random.random() < self.load.steps else None
        command = self.step(case) if case else self.submission()
        self.load.ledger.add(command)
        if not self.until_answered(command):
            if case:
                self.open.remove(case)  # where it stands is not known
            return
        self.learn(command, case)
        if command.status in (200, 201) and self.random.random() < 0.1:
            self.repeat(command)

    def submission(self):
        key = f"key-{self.random.getrandbits(64):016x}"
        if self.random.random() < self.load.elsewhere:
            return Command(key, "reception", "/api/v1/cases",
                           {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "place": key,
                            "text": {"plain": "内容"}, "party": {"name": {"plain": "来电人"}, "phone": {"plain": "021-55500999"}}})
        body = {"site": "renhe", "kind": self.random.choice(KINDS), "category": self.random.choice(CATEGORIES),
                "channel": "phone", "text": {"plain": "内容"},
                "party": {"name": {"plain": "来电人"}, "phone": {"plain": "021-55500999"}}}
        if self.random.random() < self.load.mails:
            body["party"]["email"] = {"plain": f"{key}@example.org"}
        return Command(key, "renhe-reception", "/api/v1/cases", body)

    def step(self, case):
        account, step, fields = STEPS[case[1]]
        body = {"fields": [{"name": name, **content} for name, content in fields.items()]}
        return Command(f"key-{self.random.getrandbits(64):016x}", account, f"/api/v1/cases/{case[0]}/actions/{step}", body, case[0],
                       {"Hearback-After": case[2]})

    def learn(self, command, case):
        if case and command.answer.get("code") in ("not_allowed", "guard"):
            self.too_early += 1  # it has no owner yet, or the complainant has not been told: nobody clicks that fast
            if self.too_early > 100:
                raise Broken(f"{command.path} is refused again and again: {command.answer}")
            return
        self.too_early = 0
        if command.status not in (200, 201):
            raise Broken(f"{command.path} was answered with {command.status}: {command.answer}")
        if case is None and command.body["site"] == "renhe":
            self.open.append([command.answer["case_id"], 0, self.after])
        elif case:
            case[1] += 1
            case[2] = self.after
            if case[1] == len(STEPS):
                self.open.remove(case)

    def until_answered(self, command):
        while True:
            status, answer = self.send(command)
            if status not in RETRIED and status is not None:
                command.status, command.answer, command.answered_at = status, answer, time.time()
                return True
            self.load.ledger.refusals += 1
            if self.load.stopping.is_set() and time.monotonic() > self.load.give_up_at:
                return False
            time.sleep(0.03 + 0.05 * self.random.random())

    def repeat(self, command):
        """What was answered once is answered the same again, and carried out once."""
        status, answer = self.send(command)
        if status is None or status in RETRIED:
            return
        self.load.ledger.repeats += 1
        same = all(answer.get(name) == command.answer.get(name) for name in ("case_id", "number", "tracking_code", "version"))
        if status not in (200, 201) or not same:
            raise Broken(f"{command.path} repeated under its key: {status} {answer}, first {command.answer}")

    def send(self, command):
        command.sends += 1
        try:
            if not self.connection:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.load.port, timeout=10)
            headers = {"Authorization": f"Bearer {self.load.tokens[command.account]}", "Content-Type": "application/json",
                       "Idempotency-Key": command.key, **command.headers}
            self.connection.request("POST", command.path, json.dumps(command.body).encode(), headers)
            reply = self.connection.getresponse()
            body = reply.read()
            self.after = reply.getheader("Hearback-After")
            if reply.status == 503 and not reply.getheader("Retry-After"):
                raise Broken(f"{command.path}: 503 without Retry-After: {body}")
            return reply.status, json.loads(body)
        except (OSError, http.client.HTTPException, ValueError):
            if self.connection:
                self.connection.close()
            self.connection = None
            return None, None


class Load:
    """with Load(port, tokens, seed) as load: ... ; afterwards load.ledger holds all that was promised."""

    def __init__(self, port, tokens, seed=1, clients=4, pause_s=0.0, steps=0.55, mails=0.0, elsewhere=0.0):
        self.port, self.tokens, self.pause_s = port, tokens, pause_s
        self.steps = steps  # how many of the commands are steps on a case; the others register one
        self.elsewhere = elsewhere  # how many of the cases are of another site, which lives in another bucket
        self.mails = mails  # how many of the complainants have an address, and are written to
        self.ledger = Ledger()
        self.stopping = threading.Event()
        self.give_up_at = float("inf")
        self.clients = [Client(self, seed * 1000 + i) for i in range(clients)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, patience_s=30):
        """Lets every client have its last answer; one that gets none for so long gives up."""
        self.give_up_at = time.monotonic() + patience_s
        self.stopping.set()
        for client in self.clients:
            client.join(patience_s + 30)
        for client in self.clients:
            if client.failure:
                raise client.failure
            if client.is_alive():
                raise AssertionError("a client hangs")
