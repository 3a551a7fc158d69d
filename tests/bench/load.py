"""Requests to a system under measurement. They come from a C client (http_load.c): one in Python would take more of the machine than
the system does."""

import json

from baselines import run_program

NUMBER = "#" * 16  # http_load writes another one at each sending


def http_request(system, method, path, account, body=None):
    content = json.dumps(body, ensure_ascii=False).encode() if body else b""
    head = (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {system.tokens()[account]}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: bench-{NUMBER}\r\nContent-Length: {len(content)}\r\n\r\n")
    return head.encode() + content


def complaint(**more):
    """By telephone, about 300 bytes, with three personal texts to seal; each from a place of its own."""
    return {"site": "renhe", "kind": "complaint", "category": "service", "channel": "phone", "place": NUMBER,
            "text": {"plain": "在窗口等了两个小时，没有人说明原因，问了三次才有人回答，态度也不好。"},
            "party": {"name": {"plain": "来电人"}, "phone": {"plain": "021-55500999"}}} | more


def submission(system, **more):
    return http_request(system, "POST", "/api/v1/cases", "renhe-reception", complaint(**more))


def submit(system):
    """One complaint; what the system answered."""
    reply = system.http("POST", "/api/v1/cases", complaint(place="3-2-501"), system.tokens()["renhe-reception"])
    if reply.status != 201:
        raise RuntimeError(f"a complaint was refused: {reply}")
    return reply.json()


def load(system, connections, seconds, request, rate=None, cases=None, refused=False):
    """`rate` requests a second, come what may; `cases`: a file for what was answered when. `refused`: may be."""
    paced = [rate, cases] if cases else [rate] if rate else []
    found = run_program("bench_http_load", system.port, connections, seconds, *paced, input=request)[0]
    others = {status: n for status, n in found["statuses"].items() if not status.startswith("2")}
    if others and not refused:
        raise RuntimeError(f"the system refused requests of the benchmark: {others}")
    return found


def disks():
    """A flush as it is, and with a millisecond more; how a row says so."""
    return (0, ""), (1, ", +1 ms a flush")
