"""Half-open connections: what lies between two services, or two cells, falls mute. Nothing goes through any more, and neither end is
told: no reset, no data, and whoever connects anew is let in and hears nothing. Both ends notice by their heartbeats and give the
connection up; the others work on; when it speaks again they connect by themselves, and nothing is lost or doubled. On loopback,
each service behind a relay of this process.
`mute.py [STORY...] [--seed N] [--long]`"""

import argparse
import json
import os
import re
import time

import harness
from cells import Cell, Loopback, Relay, caught_up, given_up, join
from checker import SERVICES, at_rest
from harness import eventually
from histories import Importer
from load import Load

MUTE_S = 8  # a heartbeat may take as long
NOTICED_S = 30  # heartbeats: 2 s + 6 s; the machine may be busy


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("stories", nargs="*")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--long", action="store_true", help="every service in turn, and longer")
    return parser.parse_args()


chosen = options()


def both_ends_give_up(name, pairs):
    """Of every connection there was."""
    assert pairs, f"nobody was connected to {name}"
    eventually(f"who was connected to {name} gives up", lambda: all(given_up(near) for near, _ in pairs), NOTICED_S)
    eventually(f"{name} gives up who was connected", lambda: all(given_up(far) for _, far in pairs), NOTICED_S)


# ---- between services ----

def behind_relays(system):
    """Every service binds to one port and is known under another: what lies between is ours."""
    path, relays = os.path.join(system.folder, "hearback.yaml"), {}
    with open(path) as f:
        text = f.read()

    def place(found):
        port = harness.free_port()
        while port in {relay.to for relay in relays.values()}:
            port = harness.free_port()
        relays[found.group(1)] = Relay(port)
        return (f'{{service: {found.group(1)}, partition: 0, endpoint: "tcp://127.0.0.1:{relays[found.group(1)].port}", '
                f'listen: "tcp://127.0.0.1:{port}",')

    text = re.sub(r'\{service: (\w+), partition: 0, endpoint: "[^"]*",', place, text)
    assert len(relays) == 9, relays
    with open(path, "w") as f:
        f.write(text)
    return relays


def services():
    with harness.System("--demo") as system:
        system.settle()
        system.stop()
        relays = behind_relays(system)
        system.start()
        system.settle()
        processes = {name: system.pids(name) for name in relays}
        with Load(system.port, system.tokens(), seed=chosen.seed, clients=3, pause_s=0.01) as load, Importer(system, system.operator_token()):
            for name in ("casework", "intake") if not chosen.long else ("casework", "intake", *SERVICES):
                time.sleep(1)
                with system.disturbed.meanwhile():
                    one_falls_mute(system, name, relays[name], load)
        system.settle()
        assert {name: system.pids(name) for name in relays} == processes, "somebody was restarted: none needs to be"
        at_rest(system, load.ledger)
        acknowledged = len(load.ledger.answered())
    assert acknowledged >= 100, f"only {acknowledged} commands were acknowledged"
    print(f"  {acknowledged} commands acknowledged, {load.ledger.refusals} refused meanwhile; 0 lost, 0 doubled", flush=True)


def one_falls_mute(system, name, relay, load):
    pairs, began = relay.mute(), time.monotonic()
    both_ends_give_up(name, pairs)
    noticed = time.monotonic() - began
    assert system.http("GET", "/healthz").status == 200
    health = system.http("GET", "/readyz")
    assert health.status == 503 and name in health.body.decode(), health
    time.sleep(max(0, (30 if chosen.long else MUTE_S) - noticed))
    relay.speak()
    done, began = len(load.ledger.answered()), time.monotonic()
    eventually(f"{name} is reached again", lambda: system.http("GET", "/readyz").status == 200, 30)
    back = time.monotonic() - began
    eventually("commands are acknowledged again", lambda: len(load.ledger.answered()) > done + 10, 30)
    print(f"  {name}: {len(pairs)} connections mute; all ends had given up after {noticed:.1f} s; ready {back:.1f} s after it spoke "
          "again", flush=True)


# ---- between cells ----

def cells():
    with Loopback() as ground:
        headquarters, site = Cell(ground, "集团"), Cell(ground, "海棠", "--demo")
        try:
            a_site_falls_mute(headquarters, site)
        except BaseException:
            for cell in (headquarters, site):
                print(f"=== {cell.name}")
                cell.print_logs()
            raise
        finally:
            for cell in (headquarters, site):
                cell.__exit__(None, None, None)


def a_site_falls_mute(headquarters, site):
    port = harness.free_port()
    for cell in (headquarters, site):
        cell.found()
    join(site, headquarters, port)
    headquarters.start()
    site.start()
    load_for(site, 2, chosen.seed)
    caught_up(headquarters, [site])
    pairs = site.space.mute()
    both_ends_give_up("the link", pairs)
    headquarters.noted("link", "cell_away", site.id)
    site.noted("link", "cell_away", headquarters.id)
    done = load_for(site, 3, chosen.seed + 1)
    heard = int(headquarters.get("/api/v1/cells")["cells"][0]["heard"])
    said = sum(int(row.get("events", 0)) for row in json.loads(site.run("--json", "status").stdout))
    assert heard < said, (heard, said)
    site.space.speak()
    began = time.monotonic()
    caught_up(headquarters, [site])
    print(f"  a mute link: {done} commands meanwhile; all heard {time.monotonic() - began:.1f} s after it spoke again", flush=True)
    own = site.get("/api/v1/reports/kpi")["total"]["registered"]
    at_headquarters = headquarters.get(f"/api/v1/reports/kpi?cell={site.id}")["total"]["registered"]
    assert own == at_headquarters, (own, at_headquarters)
    for cell in (headquarters, site):
        cell.settle()
        found = json.loads(cell.run("--json", "verify", check=False).stdout)
        assert found["sound"], json.dumps(found, indent=1)


def load_for(cell, seconds, seed):
    with Load(cell.port, cell.tokens(), seed=seed, clients=3) as load:
        time.sleep(seconds)
    return len(load.ledger.answered())


if __name__ == "__main__":
    harness.main([story for story in (services, cells) if not chosen.stories or story.__name__ in chosen.stories])
