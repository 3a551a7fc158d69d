"""What a service manager is told (sd_notify(3)): every program, started by itself as a unit of systemd would, on a real
datagram socket."""

import os
import signal
import socket
import subprocess
import time

import harness

SERVICES = ["directory", "intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics"]
WATCHDOG_S = 1.0

system = None


class Unit:
    """One program under a manager that listens."""

    def __init__(self, service, abstract=False, watchdog=True, notify=True):
        self.service, self.said = service, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = os.path.join(system.folder, f"notify-{service}")
        name = f"hearback-test-{os.getpid()}-{service}"
        self.socket.bind(f"\0{name}" if abstract else path)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("NOTIFY_", "WATCHDOG_"))}
        if notify:
            environment["NOTIFY_SOCKET"] = f"@{name}" if abstract else path
        if watchdog:
            environment["WATCHDOG_USEC"] = str(int(WATCHDOG_S * 1e6))
        self.path = None if abstract else path
        self.process = subprocess.Popen([system.program(f"hearback-{service}"), "--config",
                                         os.path.join(system.folder, "hearback.yaml")],
                                        env=environment, stderr=subprocess.DEVNULL)
        started.append(self.process)

    def listen(self, seconds, until=None):
        """What comes within this time, with the second it came at; until `until` has come."""
        began, came = time.monotonic(), []
        while time.monotonic() - began < seconds:
            self.socket.settimeout(max(0.001, seconds - (time.monotonic() - began)))
            try:
                text = self.socket.recv(4096).decode()
            except socket.timeout:
                break
            came.append((time.monotonic(), text))
            if text == until:
                break
        self.said += [text for _, text in came]
        return came

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        code = self.process.wait(20)
        self.listen(0.2)
        self.socket.close()
        if self.path:
            os.unlink(self.path)
        return code


def texts(came):
    return [text for _, text in came]


def ready_is_said_when_it_is():
    """A service that has not heard the others yet is not ready; with all of them there each says so, once."""
    alone = Unit("casework")
    came = texts(alone.listen(2))
    assert "READY=1" not in came and came.count("WATCHDOG=1") >= 3, came
    others = [Unit(service) for service in SERVICES if service != "casework"]
    for unit in [alone, *others]:
        came = unit.listen(30, until="READY=1")
        assert texts(came)[-1:] == ["READY=1"], (unit.service, came)
    gateway = Unit("gateway", abstract=True)
    assert "READY=1" in texts(gateway.listen(10, until="READY=1"))
    assert system.http("GET", "/healthz").status == 200  # it listens at once, not soon
    for unit in [alone, *others, gateway]:
        unit.listen(0.1)
        assert unit.said.count("READY=1") == 1, (unit.service, unit.said)
    units.extend([alone, *others, gateway])


def the_watchdog_hears_a_loop_that_turns():
    """Twice in its time, busy or idle; nothing while the process stands still, and again when it goes on."""
    for unit in units:
        unit.listen(0.001)
    for unit in units:
        came = [at for at, text in unit.listen(2.2) if text == "WATCHDOG=1"]
        gaps = [b - a for a, b in zip(came, came[1:])]
        assert len(came) >= 4 and max(gaps[-3:]) < WATCHDOG_S, (unit.service, gaps)
    held = units[0]
    held.process.send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    held.listen(0.1)
    assert texts(held.listen(2)) == []
    held.process.send_signal(signal.SIGCONT)
    assert "WATCHDOG=1" in texts(held.listen(2, until="WATCHDOG=1"))


def a_manager_who_does_not_listen_stops_nobody():
    """Its socket takes a few datagrams more; then they are lost, and the service goes on."""
    time.sleep(8)  # more than the ten that a socket of Linux holds by default
    for service in SERVICES:
        reply = system.http("GET", f"/metrics/{service}")
        assert reply.status == 200, (service, reply)


def stopping_is_said_before_the_end():
    for unit in reversed(units):
        unit.listen(0.001)
        while unit.listen(0.001):
            pass
        unit.said.clear()
        assert unit.stop() == 0, unit.service
        assert unit.said.count("STOPPING=1") == 1 and unit.said[-1] == "STOPPING=1", (unit.service, unit.said)


def nobody_is_told_who_did_not_ask():
    """Without WATCHDOG_USEC no watchdog is fed; without NOTIFY_SOCKET nothing is sent anywhere."""
    unwatched, silent = Unit("directory", watchdog=False), Unit("intake", notify=False)
    assert texts(unwatched.listen(3)) == []  # not ready either: it is alone
    assert silent.listen(0.1) == []
    assert unwatched.stop() == 0 and silent.stop() == 0
    assert silent.said == [] and unwatched.said == ["STOPPING=1"], (silent.said, unwatched.said)


units, started = [], []


def main():
    global system
    with harness.System("--demo") as system:
        system.settle()
        system.stop()  # the folder, the keys and some events are there; now each runs by itself
        try:
            harness.main([ready_is_said_when_it_is, the_watchdog_hears_a_loop_that_turns,
                          a_manager_who_does_not_listen_stops_nobody, stopping_is_said_before_the_end,
                          nobody_is_told_who_did_not_ask])
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()


if __name__ == "__main__":
    main()
