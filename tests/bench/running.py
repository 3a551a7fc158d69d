"""A system under measurement: the harness of the system tests, started with a precise clock, and what the kernel knows of its processes."""

import glob
import os
import subprocess
import time

import harness

SERVICES = ("directory", "intake", "routing", "casework", "watchdog", "escalation", "notification", "analytics", "gateway")
BOSTON = os.path.join(harness.SOURCE, "../shared/data/boston311-2011-08.csv")


SLOW_DISK = os.path.abspath(os.path.join(harness.PROGRAMS, "../tests/bench/libbench_slow_disk.so"))


def on_disk(flush_ms, count=None):
    """Environment of a program whose flushes take so much longer, and are counted in a file of 8 bytes."""
    environment = dict(os.environ)
    if flush_ms or count:
        environment |= {"LD_PRELOAD": SLOW_DISK, "SLOW_DISK_US": str(int(flush_ms * 1000))}
    if count:
        environment["FLUSH_COUNT"] = count
    return environment


class Running(harness.System):
    """Its folder is kept between starts; `started_s` is the time from `hearback up` to the line `ready`."""

    def __init__(self, folder, *options, flush_ms=0, count=None):
        os.makedirs(folder, exist_ok=True)
        super().__init__(*options, folder=folder)
        self.flush_ms = flush_ms
        self.environment = on_disk(flush_ms, count)

    def start(self, timeout_s=90):
        self.output = open(os.path.join(self.folder, "up.err"), "a+")
        began = time.monotonic()
        self.process = subprocess.Popen(
            [self.program("hearback"), "--data", self.folder, "up", "--port", str(self.port), *self.options],
            env=self.environment, stdout=subprocess.PIPE, stderr=self.output, stdin=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.started_s = time.monotonic() - began
                return
        raise RuntimeError(f"hearback up ended with {self.process.wait()}, see {self.output.name}")

    def __enter__(self):
        """What one account and one address may ask for is no part of the measurement: the first start is followed by one without."""
        super().__enter__()
        with open(os.path.join(self.folder, "hearback.yaml"), "a+") as f:
            f.seek(0)
            limited = "\nlimits:" not in f.read()
            if limited:
                f.write("limits: {reads: 1000000, writes: 1000000, address: 1000000}\n")
        if limited:
            first_s, options = self.started_s, self.options
            self.stop()
            self.options = ()  # what it was to do it has done
            self.start()
            self.started_s, self.options = first_s, options
        return self

    def pid(self, service):
        return self.pids(service)[0]

    def memory(self, service):
        """PSS and anonymous memory, in bytes."""
        found = {}
        with open(f"/proc/{self.pid(service)}/smaps_rollup") as f:
            for line in f:
                name, _, rest = line.partition(":")
                if name in ("Pss", "Anonymous"):
                    found[name] = int(rest.split()[0]) * 1024
        return found["Pss"], found["Anonymous"]

    def processor_s(self):
        """Processor time of all nine so far, by the scheduler's nanoseconds."""
        total = 0
        for service in SERVICES:
            for path in glob.glob(f"/proc/{self.pid(service)}/task/*/schedstat"):
                with open(path) as f:
                    total += int(f.read().split()[0])
        return total / 1e9

    def figures(self, service):
        """/metrics of one service: name -> number, labels left out."""
        text = self.http("GET", f"/metrics/{service}", token=self.operator_token()).body.decode()
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name.split("{")[0]: float(number) for name, number in lines}

    def state_bytes(self):
        """What the environments of all services have grown to, the disk reserved ahead left out."""
        return sum(os.path.getsize(path) for path in glob.glob(os.path.join(self.folder, "data/*/data.mdb")))

    def total(self, figure):
        """Of one figure, over the eight services with a log."""
        return sum(self.figures(service).get(figure, 0) for service in SERVICES if service != "gateway")
