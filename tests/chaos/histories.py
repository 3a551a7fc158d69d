"""Cases of an old system with 31 steps each: what says most events in the shortest time."""


def histories(first, count):
    steps = [{"step": "accept", "occurred_ms": "2026-03-10T09:00:00+08:00"}]
    steps += [{"step": "contact", "occurred_ms": f"2026-03-10T10:{minute:02}:00+08:00", "fields": {"contact_by": "phone"}}
              for minute in range(30)]
    return [{"submit": {"kind": "complaint", "category": "service", "channel": "phone", "text": "旧系统记录"},
             "received_ms": "2026-03-09T20:00:00+08:00", "source": "old", "external_id": f"h{first + i}",
             "history": {"steps": steps}} for i in range(count)]
