"""Our door beside PostgreSQL doing the same work: a ticket, its event, its deadline, the load of who gets it, in one transaction and one
round trip, durable before the answer. A cluster of its own in a temporary folder on the same disk, over a unix socket."""

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

from load import disks, load, submission
from running import SLOW_DISK, on_disk
from table import Row
from under_load import each_disk

SECONDS = 1
CLIENTS = (1, 16, 64)
JUDGED = 16  # the goals are about so many
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB", "max_connections": "200", "wal_sync_method": "fdatasync",
            "checkpoint_timeout": "30min", "listen_addresses": ""}
TEXT = "I was charged twice for order 991234 on Monday. I wrote on Monday and again on Wednesday and nobody answered. Please refund the " \
       "second charge and confirm by mail. This is the third time this happens with you this year."
SCHEMA = """
drop table if exists ticket, event, due, agent;
create table ticket (id bigserial primary key, site text, channel text, customer text, subject text, body text, created timestamptz default now());
create table event (id bigserial primary key, ticket bigint, type text, payload text, at timestamptz default now());
create table due (ticket bigint primary key, due_at timestamptz);
create index on due (due_at);
create table agent (id int primary key, open int);
insert into agent select i, 0 from generate_series(0, 999) i;
"""
INSERT = f"insert into ticket (site, channel, customer, subject, body) values ('renhe', 'phone', '021-55500999', 'Charged twice', '{TEXT}')"
TICKET = f"""with t as ({INSERT} returning id),
 e as (insert into event (ticket, type, payload) select id, 'received', repeat('e', 300) from t),
 d as (insert into due (ticket, due_at) select id, now() + interval '4 hours' from t)
 update agent set open = open + 1 where id = (select id % 1000 from t);
"""


def programs():
    """Its folder of programs; None: PostgreSQL is not installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    return os.path.dirname(found[-1]) if found and os.path.exists(os.path.join(os.path.dirname(found[-1]), "pgbench")) else None


def as_user():
    """PostgreSQL does not run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


class Postgres:
    def __init__(self, folder, flush_ms):
        self.bin, self.flush_ms = programs(), flush_ms
        self.folder = tempfile.mkdtemp(prefix="postgres-", dir=folder)
        self.scripts = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, program, *arguments, **options):
        done = subprocess.run([*as_user(), os.path.join(self.bin, program), *arguments], capture_output=True, text=True, cwd="/", timeout=120,
                              **options)
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def client(self):
        return ["-h", self.folder, "postgres"]

    def __enter__(self):
        shutil.copy(SLOW_DISK, self.path("slow_disk.so"))
        for name, text in (("schema", SCHEMA), ("insert", INSERT + ";\n"), ("ticket", TICKET)):
            self.scripts[name] = self.path(f"{name}.sql")
            with open(self.scripts[name], "w") as f:
                f.write(text)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            for path in (self.folder, *glob.glob(os.path.join(self.folder, "*"))):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self.run("initdb", "-D", self.path("data"), "-A", "trust", "-N")
        environment = on_disk(self.flush_ms)
        if self.flush_ms:
            environment["LD_PRELOAD"] = self.path("slow_disk.so")
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self.log = open(self.path("log"), "w")
        self.server = subprocess.Popen([*as_user(), os.path.join(self.bin, "postgres"), "-D", self.path("data"), "-k", self.folder, *settings],
                                       env=environment, stdout=self.log, stderr=self.log, cwd="/")
        until = time.monotonic() + 30
        while subprocess.run([os.path.join(self.bin, "pg_isready"), "-h", self.folder], capture_output=True).returncode:
            if time.monotonic() > until or self.server.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start, see {self.log.name}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        """The server itself, not who started it: that one would only pass some signals on."""
        with contextlib.suppress(FileNotFoundError), open(self.path("data/postmaster.pid")) as f:
            os.kill(int(f.readline()), signal.SIGINT)
        self.server.wait(30)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def idle_bytes(self):
        """PSS of all its processes."""
        with open(self.path("data/postmaster.pid")) as f:
            parent = f.readline().strip()
        with open(f"/proc/{parent}/task/{parent}/children") as f:
            pids = [parent, *f.read().split()]
        total = 0
        for pid in pids:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024
        return total

    def per_second(self, script, clients=JUDGED):
        """Into empty tables."""
        self.run("psql", "-q", *self.client()[:-1], "-f", self.scripts["schema"], "postgres")
        said = self.run("pgbench", "-n", "-M", "prepared", "-f", self.scripts[script], "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(SECONDS),
                        *self.client())
        found = re.search(r"^tps = ([0-9.]+)", said, re.M)
        if not found:
            raise RuntimeError(f"pgbench says nothing of its rate: {said}")
        return float(found.group(1))


def measure_postgres(folder, rounds):
    if not programs():
        print("left out: PostgreSQL is not installed (apt-get install postgresql)")
        return
    with each_disk(folder, "beside-postgres") as systems, contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Postgres(folder, ms)) for ms, _ in disks()]
        figures = {(clients, said): {"door": [], "ticket": [], "insert": []} for clients in CLIENTS for _, said in systems}
        for (system, _), server in zip(systems, servers):
            load(system, JUDGED, 0.3, submission(system))
            system.settle()
            server.per_second("ticket")
        for clients, _ in ((clients, i) for clients in CLIENTS for i in range(rounds)):
            for (system, said), server in zip(systems, servers):
                found = figures[clients, said]
                found["door"].append(load(system, clients, SECONDS, submission(system))["per_second"])
                system.settle()
                for script in ("ticket", "insert"):
                    found[script].append(server.per_second(script, clients))
    for (clients, said), found in figures.items():
        yield from beside(clients, said, found)


def beside(clients, said, found):
    for script, name, goal, limit in (("ticket", "PostgreSQL, one statement", "P1", 1.3),
                                      ("insert", "PostgreSQL, one row", "P2", 0.75 if said else 0.7)):
        yield Row(f"{name}, {clients} clients{said}", found[script], "per s")
        goals = (f"{goal} >= {limit} x", lambda _, ratio, limit=limit: ratio >= limit) if clients == JUDGED else ()
        yield Row(f"intake, {clients} connections{said}", found["door"], "cases/s", found[script], name, *goals)
