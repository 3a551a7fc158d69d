"""A real IMAP server for tests: dovecot (package dovecot-imapd) with its own configuration in a folder of its own, on loopback, as whoever
runs the test. And a proxy that counts what passes, to kill somebody in the middle of it."""

import getpass
import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness import SKIP, free_port, memory_folder

CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{folder}/mail
mail_fsync = never
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


class Imap:
    """with Imap() as imap: ...; .url, .user, .password; put() a mail, folder() to see one."""

    def __init__(self):
        self.program = shutil.which("dovecot", path="/usr/sbin:/usr/bin")
        if not self.program:
            print("skipped: dovecot-imapd is missing")
            raise SystemExit(SKIP)
        self.folder_path = tempfile.mkdtemp(prefix="hearback-imap-", dir=memory_folder())
        self.port = free_port()
        self.url = f"imap://127.0.0.1:{self.port}"
        self.user, self.password = "complaints@example.org", "geheim-und-lang"

    def __enter__(self):
        user = getpass.getuser() if os.getuid() else "nobody"  # dovecot reads no mail as root
        account = pwd.getpwnam(user)
        group = grp.getgrgid(account.pw_gid).gr_name
        config = os.path.join(self.folder_path, "dovecot.conf")
        for name in ("run", "home", "mail"):
            os.mkdir(os.path.join(self.folder_path, name))
        if not os.getuid():
            os.chmod(self.folder_path, 0o755)
            for name in ("home", "mail"):
                os.chown(os.path.join(self.folder_path, name), account.pw_uid, account.pw_gid)
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(folder=self.folder_path, user=user, group=group, uid=account.pw_uid, gid=account.pw_gid, port=self.port,
                                  password=self.password))
        self.process = subprocess.Popen([self.program, "-F", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while True:
            try:
                self.client = imaplib.IMAP4("127.0.0.1", self.port)
                self.client.login(self.user, self.password)
                return self
            except (OSError, imaplib.IMAP4.error) as error:
                if time.monotonic() > until or self.process.poll() is not None:
                    self.__exit__(error, None, None)
                    raise
                time.sleep(0.05)

    def __exit__(self, kind, value, trace):
        if not kind:
            self.client.logout()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        if kind:
            with open(os.path.join(self.folder_path, "dovecot.log"), errors="replace") as f:
                print("--- dovecot\n" + "".join(f.readlines()[-10:]))
        shutil.rmtree(self.folder_path, ignore_errors=True)

    def put(self, mail, at=None, folder="INBOX"):
        """As if the server had received it at that instant (seconds since 1970)."""
        done = self.client.append(folder, None, imaplib.Time2Internaldate(at or time.time()), mail)
        assert done[0] == "OK", done

    def folder(self, name):
        """The mails of a folder, as bytes; [] when there is no such folder."""
        if self.client.select(name, readonly=True)[0] != "OK":
            return []
        numbers = self.client.search(None, "UNDELETED")[1][0].split()
        return [self.client.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in numbers]

    def seen(self, name):
        self.client.select(name, readonly=True)
        return len(self.client.search(None, "SEEN")[1][0].split())


class Proxy:
    """Between somebody and a server. hook(n) is called before the n-th piece of data passes, in either direction, counted
    over all proxies that share the counter."""

    def __init__(self, port, counter):
        self.to, self.counter = port, counter
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to), 10)
            except OSError:
                client.close()
                continue
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        try:
            while data := one.recv(1 << 16):
                self.counter.passes()
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.socket.close()


class Killer:
    """Counts pieces; kills `process` just before piece `at`."""

    def __init__(self, at):
        self.at, self.count, self.process = at, 0, None
        self.lock = threading.Lock()

    def passes(self):
        with self.lock:
            self.count += 1
            if self.count == self.at and self.process:
                self.process.kill()
                self.process.wait()
