"""Cases by e-mail (PROP-CO-06): hearback-mailbox as the pipe of a mail server and at a real IMAP server. Every mail becomes exactly one case,
whatever it is made of, and whenever somebody kills hearback-mailbox."""

import base64
import datetime
import email.message
import email.policy
import json
import os
import re
import signal
import subprocess
import time

import harness
import imap

SITE = "garden"
TAKEN, AGAIN, NEVER = 0, 75, 65


class World:
    def __init__(self, system):
        self.system = system
        self.operator = system.operator_token()
        posts = [{"post": "receptionist", "department": "customer_relations_department", "site": SITE}]
        body = {"sites": [{"id": SITE, "name": {"zh": "花园", "en": "Garden"}, "zone": "Asia/Shanghai", "code": "GA"}],
                "departments": [{"id": d, "site": SITE, "name": {"zh": d, "en": d}}
                                for d in ("customer_relations_department", "engineering_department", "management_office")],
                "people": [{"id": "you", "name": "邮箱", "posts": posts}, {"id": "ren", "name": "任", "posts": posts}],
                "accounts": [{"id": "mailbox", "person": "you", "scopes": ["submit", "receive", "read", "act"]},
                             {"id": "ren", "person": "ren", "scopes": ["*"]}]}
        assert system.http("PUT", "/api/v1/organisation", body, token=self.operator).status == 200
        system.run("policy", "publish", SITE, "PROP-CO", "--operator")
        system.settle()  # every service has heard of it
        self.file("token", system.run("token", "mailbox").stdout)
        self.ren = system.run("token", "ren").stdout.strip()
        os.mkdir(self.path("aside"))
        self.known = 0
        self.attaches = "/api/v1/cases/{id}/attachments" in system.http("GET", "/api/v1/openapi.json").json()["paths"]
        # without attachments the original stays where people see it, and the mail counts as put aside
        self.done, self.where = ("mail_taken", "Hearback-taken") if self.attaches else ("mail_aside", "Hearback-aside")

    def path(self, name):
        return os.path.join(self.system.folder, "mailbox-" + name)

    def file(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def config(self, port=None, more=""):
        return self.file("config.yaml", f"""gateway: http://127.0.0.1:{port or self.system.port}
token_file: {self.path("token")}
site: {SITE}
kind: complaint
category: other
aside: {self.path("aside")}
answers: {{step: give_evidence, field: evidence}}
{more}""")

    def take(self, mail, config=None, **options):
        done = subprocess.run([self.system.program("hearback-mailbox"), "take", "--config", config or self.config()], input=mail,
                              capture_output=True, timeout=120, **options)
        return done.returncode, done.stderr.decode()

    def count(self):
        reply = self.system.http("GET", f"/api/v1/cases/count?site={SITE}", token=self.operator)
        return int(reply.json()["count"])

    def more(self, by):
        """So many cases are more than when it was asked last."""
        self.system.settle()
        now, self.known = self.count(), self.known + by
        assert now == self.known, f"{now} cases, expected {self.known}"

    def case(self, said):
        """The case file that a message of hearback-mailbox names, its texts opened."""
        self.system.settle()
        number = re.search(r"case ([0-9A-Za-z-]+)", said).group(1)
        reply = self.system.http("GET", f"/api/v1/cases/{number}?site={SITE}&purpose=test", token=self.ren)
        assert reply.status == 200, reply
        return reply.json()


    def files(self, case):
        """The files of a case, by name."""
        path = f"/api/v1/cases/{case['case_id']}/attachments"
        listed = self.system.http("GET", f"{path}?purpose=test", token=self.ren)
        assert listed.status == 200, listed
        return {one["name"]: self.system.http("GET", f"{path}/{one['id']}?purpose=test", token=self.ren).body
                for one in listed.json()["attachments"]}

    def original(self, case):
        """The mail as it came, put together again where it was kept in pieces."""
        files = self.files(case)
        if "original.eml" in files:
            return files["original.eml"]
        pieces = sorted(name for name in files if re.fullmatch(r"original-\d+-of-\d+\.eml", name))
        return b"".join(email.message_from_bytes(files[name]).get_payload(decode=True) for name in pieces)


def plain(personal):
    return (personal or {}).get("plain", "")


def facts(case):
    return {fact["name"]: next(iter(fact["value"].values())) for fact in case["facts"]}


def mail(text="楼道灯不亮", subject="投诉", sender="王小明 <wang@example.org>", **headers):
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender, "complaints@example.org", subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def received(seconds_ago=120):
    at = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(seconds=seconds_ago)
    return at, f"from sender.example.org by mx.example.org with ESMTP id 1; {at.strftime('%a, %d %b %Y %H:%M:%S +0000')}"


# ---- what a mail is made of ----

def header(text, charset):
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def encoded(text, charset, python=None):
    """A mail of that charset, as its programs write it."""
    python = python or charset
    words = base64.encodebytes(text.encode(python)).decode()
    return (f"From: {header('王小明', 'gb2312')} <wang@example.org>\r\nSubject: {header('路灯', 'gb2312')}\r\nDate: {charset}\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n{words}").encode()


def nested(levels):
    lines = ["From: a@example.org", "Subject: nested", "MIME-Version: 1.0"]
    for i in range(levels):
        lines += [f"Content-Type: multipart/mixed; boundary=b{i}", "", f"--b{i}"]
    return "\r\n".join(lines + ["Content-Type: text/plain", "", "the innermost words", ""]).encode()


def many_parts(count):
    part = "--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF\r\n"
    return ("From: a@example.org\r\nSubject: many\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nfive thousand parts\r\n"
            + part * count + "--b--\r\n").encode()


def with_files():
    message = mail("图片和录音见附件", Message_ID="<files@example.org>")
    message.add_alternative("<html><body><p>图片和录音见附件</p></body></html>", subtype="html")
    message.add_attachment(PNG, maintype="image", subtype="png", filename="楼道 照片.png")
    message.add_attachment("被转发的邮件\n", filename="说明.txt")
    inner = mail("原来的邮件", subject="内层")
    message.add_attachment(inner)
    return message.as_bytes()


def large():
    message = mail("large", Message_ID="<large@example.org>")
    message.add_attachment(bytes(range(256)) * 60000, maintype="application", subtype="octet-stream", filename="large.bin")
    return message.as_bytes()


PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
HTML = ("<html><head><title>x</title><style>p{}</style></head><body><p>电梯&nbsp;停运 &lt;3&gt; 天</p><div>请<b>尽快</b>修<br>谢谢</div>"
        "<script>alert(1)</script><a href=\"https://example.org/photo\">照片</a></body></html>")


def what_mails_say(world):
    """Each becomes one case, and its words are readable."""
    html = mail("x")
    html.set_content(HTML, subtype="html", charset="gb18030", cte="base64")
    mails = {
        "gb18030": (encoded("楼道灯不亮，三栋二单元，㐂镕", "gb18030"), "三栋二单元，㐂镕"),
        "gb2312 that is gbk": (encoded("朱镕基路", "gb2312", "gbk"), "朱镕基路"),
        "big5": (encoded("電梯停止運轉", "big5"), "電梯停止運轉"),
        "iso-2022-jp": (encoded("エレベーターが止まっています", "iso-2022-jp"), "エレベーターが止まっています"),
        "utf-8": (encoded("🛗 停了", "utf-8"), "🛗 停了"),
        "a charset of nobody": (encoded("plain words", "x-nobody", "ascii"), "plain words"),
        "html": (html.as_bytes(), "电梯 停运 <3> 天\n\n请尽快修\n谢谢\n照片 <https://example.org/photo>".split("\n")[0]),
        "raw 8 bit": ("From: a@example.org\r\nSubject: 路灯\r\n\r\n不亮".encode("gb18030"), "路灯\n\n不亮"),
        "no Message-ID, no subject": (b"From: a@example.org\n\nnothing but words", "nothing but words"),
        "no words": (b"From: a@example.org\nDate: 1\n\n", "original.eml"),
        "truncated": (b"From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ncut off in the mid", "cut off in the mid"),
        "zero bytes": (b"From: a@example.org\r\nSubject: nul\r\n\r\nbe\0fore and after", "fore and after"),
        "200 levels": (nested(200), "nested"),
        "5000 parts": (many_parts(5000), "five thousand parts"),
        "long": (mail("长" * 30000).as_bytes(), "original.eml"),
        "files": (with_files(), "图片和录音见附件"),
        "20 MB": (large(), "large"),
    }
    for name, (raw, words) in mails.items():
        code, said = world.take(raw)
        assert code == TAKEN and "case " in said, (name, code, said)
        case = world.case(said)
        assert words in plain(case["text"]), (name, plain(case["text"])[-300:])
        assert facts(case)["channel"] == "email", name
        if name in ("gb18030", "big5"):
            assert plain(case["party"]["name"]) == "王小明" and plain(case["party"]["email"]) == "wang@example.org", case["party"]
            assert plain(case["text"]).startswith("路灯\n\n"), name
        if world.attaches:
            assert world.original(case) == raw, name
        if world.attaches and name == "files":
            assert set(world.files(case)) == {"original.eml", "楼道 照片.png", "说明.txt", "内层.eml"}, set(world.files(case))
            assert "被转发的邮件" in world.files(case)["说明.txt"].decode()
        if name == "html":
            assert "alert" not in plain(case["text"]) and "照片 <https://example.org/photo>" in plain(case["text"]), plain(case["text"])
    world.more(len(mails))
    for name, (raw, _) in mails.items():  # the same again is the same case
        code, said = world.take(raw)
        assert code == TAKEN, (name, said)
    world.more(0)


def pipe(world):
    """PROP-CO-06 by the pipe: received when the first server of ours had it, and what a mail server is told otherwise."""
    at, line = received()
    code, said = world.take(mail(Received=line, Message_ID="<one@example.org>").as_bytes())
    assert code == TAKEN, said
    case = world.case(said)
    told = facts(case)
    assert told["channel"] == "email" and datetime.datetime.fromisoformat(told["received_at"]) == at, told
    assert datetime.datetime.fromisoformat(told["registered_at"]) > at, told
    world.more(1)
    later = received(30)[1]  # by another way, a minute later
    assert world.take(mail(Received=later, Message_ID="<one@example.org>").as_bytes())[0] == TAKEN
    world.more(0)
    code, said = world.take(mail("另一件事", Received=line, Message_ID="<one@example.org>").as_bytes())  # the same id, and not the same mail
    assert code == TAKEN, said
    world.more(1)
    code, said = world.take(b"no mail at all")
    assert code == NEVER and "From: name@example.org" in said, said
    code, said = world.take(b"X" * (33 << 20))
    assert code == NEVER and "32 MiB" in said, said
    code, said = world.take(mail().as_bytes(), config=world.config(port=1))
    assert code == AGAIN and "does not answer" in said, said
    world.file("token", "hb_wrong")
    code, said = world.take(mail().as_bytes())
    assert code == AGAIN and "401" in said, said
    world.file("token", world.system.run("token", "mailbox").stdout)
    world.more(0)


def aside(world):
    """What no person wrote becomes no case and is kept."""
    before = set(os.listdir(world.path("aside")))
    _, old = received(40 * 86400)
    mails = [mail(subject="自动回复: 您好"), mail(Auto_Submitted="auto-replied"), mail(Precedence="bulk"), mail(List_Id="<l.example.org>"), mail(Return_Path="<>"),
             mail(Message_ID="<0000000000000001.1.ff@hearback>"), mail(sender="MAILER-DAEMON@example.org"), mail(Received=old)]
    report = b"From: postmaster@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nundelivered\r\n--b--\r\n"
    raws = [one.as_bytes() for one in mails] + [report]
    for raw in raws + raws[:1]:
        code, said = world.take(raw)
        assert code == TAKEN and "not made a case" in said, (raw, said)
    kept = set(os.listdir(world.path("aside"))) - before
    contents = []
    for name in kept:
        with open(os.path.join(world.path("aside"), name), "rb") as f:
            contents.append(f.read())
    assert sorted(contents) == sorted(raws)
    assert world.take(mail(Auto_Submitted="no").as_bytes())[0] == TAKEN
    world.more(1)
    os.rename(world.path("aside"), world.path("away"))
    code, said = world.take(raws[0])
    assert code == AGAIN and "mailbox-aside" in said, said
    os.rename(world.path("away"), world.path("aside"))


def answers(world):
    """An answer to a notice is part of that case where the policy lets it be, else a case of its own."""
    code, said = world.take(mail("灯不亮", Date="answers").as_bytes())
    assert code == TAKEN, said
    world.more(1)
    number = re.search(r"case ([0-9A-Za-z-]+)", said).group(1)
    answer = mail("照片如下", subject=f"回复：{number} 请补充证据", In_Reply_To="<0000000000000007.1.ff@hearback>")
    asked = world.system.http("POST", f"/api/v1/cases/{number}/actions/ask_evidence?site={SITE}", {"fields": {"missing": "照片"}}, token=world.ren)
    assert asked.status == 200, asked
    code, said = world.take(answer.as_bytes())
    assert code == TAKEN and f"added to case {number}" in said, said
    case = world.case(said)
    assert case["stage"] == "handling", case["stage"]
    world.more(0)
    assert world.take(answer.as_bytes())[0] == TAKEN  # once more
    world.more(0)
    code, said = world.take(mail("再问一次", subject=f"Re: {number}", Date="second").as_bytes())  # nothing is asked for any more
    assert code == TAKEN and "added" not in said, said
    world.more(1)


def mailbox(server, port=None):
    return f"""imap:
  url: imap://127.0.0.1:{port or server.port}
  user: {server.user}
  password_file: {{password}}
  every: 1
"""


def poll(world, config, once=True, counter=None):
    """Exit code and notes; with a counter that kills it, whatever it had said by then."""
    process = subprocess.Popen([world.system.program("hearback-mailbox"), "poll", "--config", config, *(["--once"] if once else [])],
                               stderr=subprocess.PIPE, text=True)
    if counter:
        counter.process = process
    said = process.stderr.read()
    return process.wait(60), [json.loads(line) for line in said.splitlines()]


def imap_config(world, server, port=None, gateway=None):
    world.file("password", server.password + "\n")
    return world.config(port=gateway, more=mailbox(server, port).format(password=world.path("password")))


def at_a_mailbox(world):
    """PROP-CO-06 by IMAP: received 22:13 is received_at, whenever it is read; then it lies in another folder."""
    with imap.Imap() as server:
        at = int(time.time()) - 120
        one = mail(Message_ID="<imap-1@example.org>").as_bytes()
        server.put(one, at)
        server.put(mail(Auto_Submitted="auto-replied").as_bytes())
        away = imap_config(world, server, gateway=1)
        code, notes = poll(world, away)
        assert code == AGAIN and [n["event"] for n in notes] == ["mail_waits", "mail_aside"], notes
        assert len(server.folder("INBOX")) == 1 and server.seen("INBOX") == 0  # there still, and unread
        code, notes = poll(world, imap_config(world, server))
        assert code == TAKEN and [n["event"] for n in notes] == [world.done], notes
        case = world.case(notes[0]["why"])
        assert not world.attaches or world.original(case) == one
        told = facts(case)
        assert datetime.datetime.fromisoformat(told["received_at"]).timestamp() == at and told["channel"] == "email", told
        assert server.folder("INBOX") == [] and one in server.folder(world.where)
        assert len(server.folder("Hearback-aside")) == (1 if world.attaches else 2)
        world.more(1)
        world.file("password", "wrong")
        process = subprocess.Popen([world.system.program("hearback-mailbox"), "poll", "--config", world.path("config.yaml")],
                                   stderr=subprocess.PIPE, text=True)
        assert json.loads(process.stderr.readline())["event"] == "mailbox_away"
        server.put(mail("later", Date="later").as_bytes())
        world.file("password", server.password)
        wanted = {world.done, "mailbox_here"}
        for line in process.stderr:  # it may say for another reason that it is away, before it has the new password
            wanted.discard(json.loads(line)["event"])
            if not wanted:
                break
        assert not wanted, wanted
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
        process.stderr.close()
        world.more(1)


def killed_anywhere(world):
    """kill -9 before every piece of data that passes between it and the two servers: each mail is one case."""
    with imap.Imap() as server:
        at, kills = 1, 0
        while True:
            counter = imap.Killer(at)
            doors = [imap.Proxy(server.port, counter), imap.Proxy(world.system.port, counter)]
            config = imap_config(world, server, doors[0].port, doors[1].port)
            server.put(mail(f"killed at {at}", Message_ID=f"<kill-{at}@example.org>").as_bytes())
            code, notes = poll(world, config, counter=counter)
            again, notes_again = poll(world, imap_config(world, server))
            for door in doors:
                door.close()
            assert again == TAKEN, (at, notes, notes_again)
            assert server.folder("INBOX") == [], at
            if code != -signal.SIGKILL:
                assert code == TAKEN and counter.count < at, (code, counter.count, at)
                break
            kills, at = kills + 1, at + 1
        assert kills > 15, kills
        assert len(server.folder(world.where)) == at
        world.more(at)


def configuration(world):
    """Every mistake has its line, and says what is accepted."""
    good = ["gateway: http://127.0.0.1:8311", "token_file: /t", "site: s", "kind: k", "aside: /a"]
    imap_lines = ["imap:", "  url: imaps://mail.example.org", "  user: u", "  password_file: /p"]
    wrong = [
        (good + ["sites: s"], 6, '"sites" is not known here; accepted: gateway'), (good[1:] + ["gateway: ftp://x"], 5, "accepted is http://127.0.0.1:8311"),
        (good[:2] + good[3:], 1, "site is missing"), (good + ["imap: x"], 6, "a map is accepted here"),
        (good[1:] + ["gateway: http://desk.example.org"], 5, "https:// is accepted"), (good[:4], 1, "aside is missing"),
        (good + imap_lines[:1] + ["  url: imap://mail.example.org"] + imap_lines[2:], 7, "imaps:// is accepted"),
        (good + imap_lines + ["  every: 0"], 10, "from 1 to 86400"), (good + imap_lines + ["  taken: INBOX"], 7, "another folder"),
        (good + imap_lines + ['  taken: "a\\"b"'], 10, "in ASCII is accepted"), (good + ["fields: {a: [b]}"], 6, "fields.a: a text is accepted"),
        (good + ["answers: {field: x}"], 6, "step is missing"), (["- x"], 1, "a map is accepted"),
    ]

    def check(lines):
        path = world.file("wrong.yaml", "\n".join(lines) + "\n")
        done = subprocess.run([world.system.program("hearback-mailbox"), "check", "--config", path], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr, path

    assert check(good + imap_lines)[0] == 0, check(good + imap_lines)
    for lines, line, what in wrong:
        code, said, path = check(lines)
        assert code == 2 and f"{path}:{line}: " in said and what in said, (lines, line, what, said)
    code, said = world.take(mail().as_bytes(), config=world.path("wrong.yaml"))
    assert code == AGAIN, said  # a mistake of the operator costs nobody a mail


def main():
    harness.needs_a_build_without_sanitizers("what reads a mail shuts itself in more tightly than they allow")
    with harness.System() as system:
        world = World(system)
        for test in (what_mails_say, pipe, aside, answers, at_a_mailbox, killed_anywhere, configuration):
            began = time.monotonic()
            test(world)
            print(f"passed  {test.__name__}  {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
