"""Cases of an old system with 31 steps each: what says most events in the shortest time. Their dates have passed: so clocks are
missed and ladders climbed in a test that lasts minutes."""

import http.client
import threading


class Importer(threading.Thread):
    """Imports ten cases a second as the operator, whatever happens to the services; what gets no answer is sent again."""

    def __init__(self, system, token, imported=0):
        super().__init__(daemon=True)
        self.system, self.token, self.imported = system, token, imported
        self.began_at, self.stopping = imported, threading.Event()
        self.failure = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(60)
        assert not self.failure, self.failure
        assert self.imported > self.began_at, "nothing was imported meanwhile"

    def run(self):
        while not self.stopping.wait(1):
            try:
                reply = self.system.http("POST", "/api/v1/imports", {"site": "renhe", "rows": histories(self.imported, 10)}, self.token)
            except (OSError, http.client.HTTPException):
                continue
            if reply.status == 200 and reply.json()["imported"] + reply.json()["existed"] == 10:
                self.imported += 10
            elif reply.status not in (200, 429, 503):  # of 200: rows that could not be asked about for now; 429: too often
                self.failure = reply


def histories(first, count):
    steps = [{"step": "accept", "occurred_ms": "2026-03-10T09:00:00+08:00"}]
    steps += [{"step": "contact", "occurred_ms": f"2026-03-10T10:{minute:02}:00+08:00", "fields": {"contact_by": "phone"}}
              for minute in range(30)]
    return [{"submit": {"kind": "complaint", "category": "service", "channel": "phone", "text": "旧系统记录"},
             "received_ms": "2026-03-09T20:00:00+08:00", "source": "old", "external_id": f"h{first + i}",
             "history": {"steps": steps}} for i in range(count)]
