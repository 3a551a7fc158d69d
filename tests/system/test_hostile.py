"""Slow, half and hostile input at every socket, from this machine only: HTTP, the bus over tcp and ipc, and the port of the link, at which other
cells are heard. Whoever behaves
goes on being served, memory stays bounded, and what was left hanging is closed."""

import os
import re
import resource
import select
import socket
import struct
import threading
import time

import harness

COMPLAINT = {"site": "haitang", "kind": "complaint", "category": "noise", "channel": "phone", "text": "楼上深夜装修"}
PATIENCE_S = 3.0  # of somebody who behaves, on a machine that is busy with the others
ZMTP_NULL = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)
ZMTP_CURVE = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"CURVE".ljust(20, b"\0") + b"\0" + bytes(31)

system = None
tokens = {}
bus_port, link_port = harness.free_port(), harness.free_port()
DOORS = {"casework": bus_port, "link": link_port}  # who listens at tcp


# ---- those who behave, and what it costs ----

def good_client():
    """Registers a case and finds it: through gateway, intake and casework. How long it took."""
    began = time.monotonic()
    reply = system.http("POST", "/api/v1/cases", COMPLAINT, tokens["reception"])
    assert reply.status == 201, reply
    after = {"Hearback-After": reply.headers["hearback-after"]}
    read = system.http("GET", f"/api/v1/cases/{reply.json()['case_id']}", None, tokens["reception"], after)
    assert read.status == 200, read
    return time.monotonic() - began


def served(what, times=5):
    worst = max(good_client() for _ in range(times))
    assert worst < PATIENCE_S, f"{what}: somebody who behaves waited {worst:.1f} s"


def memory_mb(service):
    with open(f"/proc/{system.pids(service)[0]}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024


def figure(name, service="gateway"):
    text = system.http("GET", f"/metrics/{service}").body.decode()
    return int(re.search(rf"^{name}{{[^}}]*}} (\d+)", text, re.M).group(1))


def connect(port=None, path=None):
    s = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    s.settimeout(10)
    for _ in range(500):
        try:
            s.connect(path or ("127.0.0.1", port or system.port))
            return s
        except BlockingIOError:  # of a socket in the file system: others wait to be let in
            time.sleep(0.01)
    raise AssertionError(f"{path} lets nobody in")


def send(s, data):
    """False: the other end has closed."""
    try:
        s.sendall(data)
        return True
    except OSError:
        return False


def closed(sockets, within_s):
    """How many of them are still open after this time."""
    until, open_ = time.monotonic() + within_s, set(sockets)
    poll = select.poll()
    by_number = {s.fileno(): s for s in sockets}
    for s in sockets:
        poll.register(s, select.POLLIN | select.POLLHUP | select.POLLERR)
    while open_ and time.monotonic() < until:
        for number, _ in poll.poll(200):
            s = by_number[number]
            try:
                gone = not s.recv(65536)
            except OSError:
                gone = True
            if gone:
                poll.unregister(number)
                open_.discard(s)
    return len(open_)


def close_all(sockets):
    for s in sockets:
        s.close()


# ---- HTTP ----

slow = []  # opened first, looked at last: their minute runs while the others are at work


def slow_senders_begin():
    """A byte now and then, never a whole request: in the head, in the body, and not even one."""
    slow.append((connect(), b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "))
    slow.append((connect(), b"POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n"))
    slow.append((connect(), b""))
    for s, head in slow:
        send(s, head)
    slow_began.append(time.monotonic())
    threading.Thread(target=drip, daemon=True).start()


slow_began = []


def drip():
    while any([send(s, b"x") for s, head in slow if head]):
        time.sleep(1)


def slow_senders_are_ended():
    left = closed([s for s, _ in slow], 140 - (time.monotonic() - slow_began[0]))
    assert left == 0, f"{left} of {len(slow)} slow senders are still there"
    assert figure("hearback_http_reaped_total") >= 1


def many_slow_heads():
    sockets = [connect() for _ in range(500)]
    for s in sockets:
        send(s, b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
    for _ in range(3):
        for s in sockets:
            send(s, b"a")
        served("500 slow heads", 2)
    close_all(sockets)


def slow_bodies_have_a_budget():
    """150 bodies of which nearly 1 MiB has come: kept up to 64 MiB; whoever finds no room is told so, then."""
    before, sockets = memory_mb("gateway"), []
    body = b'{"site": "' + b"x" * 1000000
    for _ in range(150):
        s = connect()
        head = f"POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body) + 2}\r\n\r\n"
        assert send(s, head.encode() + body)
        sockets.append(s)
    served_small = system.http("GET", "/healthz")
    assert served_small.status == 200
    grown, kept = memory_mb("gateway") - before, figure("hearback_http_bodies_bytes")
    assert kept <= 64 << 20, (kept, grown)
    harness_wait(lambda: figure("hearback_http_crowded_out_total") >= 80, 10)
    assert grown < 110 or harness.sanitized(), f"the gateway grew by {grown:.0f} MB"
    answers = []
    for s in sockets:
        send(s, b'"}')
        answers.append(s.recv(65536))
    told = [a for a in answers if a.startswith(b"HTTP/1.1 503") and b"Retry-After:" in a and b"overloaded" in a]
    kept = [a for a in answers if a.startswith(b"HTTP/1.1 401")]  # nobody signed in
    assert len(told) >= 80 and len(told) + len(kept) == len(sockets), (len(told), len(kept), answers[0][:200])
    close_all(sockets)
    harness_wait(lambda: figure("hearback_http_bodies_bytes") <= 4096, 10)  # of the slow sender
    served("after slow bodies")


def harness_wait(check, timeout_s):
    until = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < until, f"not within {timeout_s} s"
        time.sleep(0.05)


def a_crowd_that_says_nothing():
    """More connections than there is room for: the silent ones are ended within seconds, and others find room."""
    before, sockets = memory_mb("gateway"), []
    for _ in range(4400):  # some knock once more only after seconds
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", system.port))
        sockets.append(s)
    time.sleep(1)
    began = time.monotonic()
    while True:  # somebody who behaves, and tries again as browsers do
        try:
            if system.http("GET", "/healthz", timeout=15).status == 200:
                break
        except OSError:
            pass
        assert time.monotonic() - began < 40, "nobody is served beside 4,400 silent connections"
    grown = memory_mb("gateway") - before
    assert grown < 200 or harness.sanitized(), f"the gateway grew by {grown:.0f} MB"
    harness_wait(lambda: figure("hearback_http_connections") <= 3072, 20)
    close_all(sockets)
    harness_wait(lambda: figure("hearback_http_connections") < 50, 20)
    served("after the crowd")


def half_open_and_broken_off():
    for how in ("shut", "reset", "close"):
        for text in (b"", b"GET /heal", b"POST /api/v1/cases HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"):
            sockets = [connect() for _ in range(50)]
            for s in sockets:
                send(s, text)
                if how == "reset":
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if how == "shut":
                    s.shutdown(socket.SHUT_WR)
                else:
                    s.close()
            if how == "shut":
                assert closed(sockets, 10) == 0, text
                close_all(sockets)
    served("half-open connections")
    harness_wait(lambda: figure("hearback_http_connections") <= len(slow) + 2, 10)


def pipelines_are_answered_in_order():
    s = connect()
    send(s, b"".join(f"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: p{i}\r\n\r\n".encode() for i in range(500)))
    got, until = b"", time.monotonic() + 20
    while got.count(b"HTTP/1.1 200") < 500 and time.monotonic() < until:
        got += s.recv(65536)
    assert re.findall(rb"X-Request-Id: p(\d+)", got, re.I) == [str(i).encode() for i in range(500)], got[-300:]
    s.close()


def giant_heads_are_refused():
    before = memory_mb("gateway")
    heads = {"a value": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (4 << 20), "a target": b"GET /" + b"a" * (4 << 20),
             "names": b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(200000)),
             "no line": b"\0" * (4 << 20), "a chunk": b"POST /submit HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * (1 << 20)}
    for what, head in heads.items():
        s = connect()
        send(s, head)
        assert closed([s], 10) == 0, what
        s.close()
    assert memory_mb("gateway") - before < 32
    served("giant heads")


# ---- the bus ----

def connect_all(count):
    """So many connections to each."""
    return [connect(port) for port in DOORS.values() for _ in range(count)]


def memories():
    return {service: memory_mb(service) for service in DOORS}


def grew_less_than(mb, before):
    for service, now in memories().items():
        assert now - before[service] < mb, f"{service} grew by {now - before[service]:.0f} MB"


def everyone_is_served_beside(what, sockets, end_within_s):
    before = memories()
    served(what)
    left = closed(sockets, end_within_s)
    assert left == 0, f"{what}: {left} of {len(sockets)} connections are still there"
    close_all(sockets)
    grew_less_than(64, before)


def garbage_at_the_bus():
    sockets = connect_all(100)
    for i, s in enumerate(sockets):
        send(s, os.urandom(1 + i * 25))
    everyone_is_served_beside("garbage", sockets, 20)


def plain_connections_are_refused():
    """A greeting without CURVE, and the commands of that mechanism."""
    ready = b"\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
    sockets = connect_all(100)
    for s in sockets:
        send(s, ZMTP_NULL + ready + b"\x00\x05hello")
    everyone_is_served_beside("plain connections", sockets, 20)


def handshakes_that_never_end():
    sockets = connect_all(400)
    for i, s in enumerate(sockets):
        send(s, ZMTP_CURVE[:i % 64 + 1] if i % 2 else ZMTP_CURVE)
    everyone_is_served_beside("endless handshakes", sockets, 20)


def frames_without_end():
    """A command of 2^62 bytes, one of 3 MB that comes, more than the limit; before anybody has shown a key."""
    before, sockets = memories(), connect_all(30)
    for i, s in enumerate(sockets):
        size = [1 << 62, 3 << 20, 5 << 20][i % 3]
        send(s, ZMTP_CURVE + b"\x06" + struct.pack(">Q", size))
    for _ in range(10):
        for s in sockets:
            s.settimeout(0.2)
            send(s, b"x" * 100000)
    grew_less_than(10 * 4 + 16, before)  # 4 MB at most for each of ten
    everyone_is_served_beside("frames without end", sockets, 20)


def thousands_of_connections():
    before, sockets = memories(), connect_all(1500)
    for s in sockets[::2]:
        send(s, ZMTP_CURVE)
    grew_less_than(200, before)
    served("3,000 connections")
    left = closed(sockets, 30)
    assert left == 0, f"{left} of 3,000 connections are still there"
    close_all(sockets)


def the_same_over_ipc():
    with open(os.path.join(system.folder, "hearback.yaml")) as f:
        path = re.search(r"ipc://(\S*intake-0\.ipc)", f.read()).group(1).strip('"')
    sockets = [connect(path=path) for _ in range(200)]
    for i, s in enumerate(sockets):
        send(s, [os.urandom(100), ZMTP_NULL, ZMTP_CURVE, ZMTP_CURVE + b"\x06" + struct.pack(">Q", 1 << 62)][i % 4])
    served("garbage over ipc")
    assert closed(sockets, 20) == 0
    close_all(sockets)


processes = {}


def nobody_has_ended():
    now = {service: system.pids(service) for service in processes}
    assert now == processes, (processes, now)
    assert system.http("GET", "/readyz").status == 200
    assert "sound" in system.run("verify").stdout


def listen_on_tcp():
    """casework's endpoint becomes one that a network could reach."""
    path = os.path.join(system.folder, "hearback.yaml")
    with open(path) as f:
        text = f.read()
    changed = re.sub(r"ipc://\S*casework-0\.ipc", f"tcp://127.0.0.1:{bus_port}", text)
    assert changed != text
    with open(path, "w") as f:
        f.write(changed)


def be_a_headquarters():
    """So that a link listens, to a cell that never comes."""
    with harness.System() as other:
        paper = other.run("cell", "apply", "--name", "远方").stdout
    path = os.path.join(system.folder, "application")
    with open(path, "w") as f:
        f.write(paper)
    system.run("cell", "accept", path, "--name", "总部", "--address", f"tcp://127.0.0.1:{link_port}", "--listen", f"tcp://127.0.0.1:{link_port}")


def main():
    global system
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 8192:
        print("skipped: fewer than 8192 file descriptors are allowed")
        raise SystemExit(harness.SKIP)
    with harness.System("--demo") as system:
        system.settle()
        system.stop()
        listen_on_tcp()
        be_a_headquarters()
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, hard))
        system.start()
        tokens.update(system.tokens())
        system.settle()
        processes.update({service: system.pids(service) for service in ("gateway", "intake", "casework", "analytics", "link")})
        harness.main([slow_senders_begin, many_slow_heads, half_open_and_broken_off, pipelines_are_answered_in_order,
                      giant_heads_are_refused, slow_bodies_have_a_budget, a_crowd_that_says_nothing, garbage_at_the_bus, plain_connections_are_refused,
                      handshakes_that_never_end, frames_without_end, thousands_of_connections, the_same_over_ipc,
                      slow_senders_are_ended, nobody_has_ended])


if __name__ == "__main__":
    main()
