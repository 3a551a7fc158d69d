"""How long Redis takes to load as many entries as our logs have events: a stream, from its own dump, over a unix socket."""

import os
import shutil
import subprocess
import tempfile
import time

PAYLOAD = "e" * 300
CHUNK = 1000


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in map(str.encode, words))


class Redis:
    def __init__(self, folder):
        self.folder, self.socket = folder, os.path.join(folder, "socket")

    def __enter__(self):
        """Until it answers: while it loads it says LOADING."""
        began = time.monotonic()
        self.process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--save", ""],
                                        stdout=subprocess.DEVNULL)
        while self.ask("PING") != "PONG":
            if self.process.poll() is not None or time.monotonic() > began + 60:
                raise RuntimeError("Redis did not start")
            time.sleep(0.002)
        self.started_ms = (time.monotonic() - began) * 1000
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def ask(self, *words, **options):
        return subprocess.run(["redis-cli", "-s", self.socket, *words], capture_output=True, **options).stdout.decode().strip()


def loaded_ms(folder, entries, rounds):
    """Of each round; None: Redis is not installed."""
    if not shutil.which("redis-server"):
        print("left out: Redis is not installed (apt-get install redis-server)")
        return None
    with tempfile.TemporaryDirectory(prefix="redis-") as place:
        with Redis(place) as server:
            chunk = command("XADD", "log", "*", "event", PAYLOAD) * CHUNK
            with subprocess.Popen(["redis-cli", "-s", server.socket, "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as pipe:
                for _ in range(entries // CHUNK):
                    pipe.stdin.write(chunk)
                pipe.stdin.close()
            if server.ask("XLEN", "log") != str(entries) or server.ask("SAVE") != "OK":
                raise RuntimeError("Redis did not take the entries")
        times = []
        for _ in range(rounds):
            with Redis(place) as server:
                times.append(server.started_ms)
        return times
