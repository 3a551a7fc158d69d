"""Two sites and their headquarters, each a system of its own, over tcp + CURVE: headquarters hears both exactly once, also after one
was cut off for a day by their clocks while thousands of events came together; it holds no personal data; a wrong key, a copy of a cell and a restored cell get
a clear word. Runs in network namespaces, or says that it cannot; then on loopback too."""

import csv
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from cells import Cell, Ground, Loopback, caught_up, join
from harness import PROGRAMS, SKIP, free_port, main, memory_folder
from load import Load

PORT = 7400
SEEDS = itertools.count(1)  # a client's keys are made from it
PLANTED_NAMES = [f"欧阳{a}{b}" for a in "壹贰叁肆" for b in "甲乙丙丁"]
PLANTED_PHONES = [f"1399900{n:04d}" for n in range(len(PLANTED_NAMES))]
PLANTED_MAILS = [f"ouyang{n}@example.org" for n in range(len(PLANTED_NAMES))]
PLANTED_PLACES = [f"枫林路{n}号后院" for n in range(len(PLANTED_NAMES))]
PLANTED_TEXTS = [f"井盖松动夜里响个不停-{n}" for n in range(len(PLANTED_NAMES))]
LOADS_PHONE = "021-55500999"


def plant(cell, first):
    """Cases of people with names nobody else bears, worked on with texts nobody else writes."""
    token = cell.tokens()["renhe-coordinator"]
    cases = []
    for n in range(first, first + 4):
        made = cell.http("POST", "/api/v1/cases", {
            "site": "renhe", "kind": "complaint", "category": "service", "channel": "phone",
            "text": {"plain": PLANTED_TEXTS[n]},
            "place": PLANTED_PLACES[n],
            "party": {"name": {"plain": PLANTED_NAMES[n]}, "phone": {"plain": PLANTED_PHONES[n]}, "email": {"plain": PLANTED_MAILS[n]}}},
            token=cell.tokens()["renhe-reception"])
        assert made.status == 201, made
        cases.append(made.json()["case_id"])
        cell.settle()
        taken = cell.http("POST", f"/api/v1/cases/{cases[-1]}/actions/accept",
                          {"fields": [], "note": {"plain": PLANTED_TEXTS[n]}}, token=token)
        assert taken.status in (200, 201), taken
    return cases


def busy(cell, seconds, clients=3):
    """Load as the chaos tests make it; the number of commands that were acknowledged."""
    with cell.space.inside(), Load(cell.port, cell.tokens(), seed=next(SEEDS), clients=clients) as load:
        time.sleep(seconds)
    return len(load.ledger.answered())


def rows_of(system, query=""):
    reply = system.http("GET", f"/api/v1/cases?format=csv{query}", token=system.operator_token(),
                        headers={"Accept": "text/csv"})
    assert reply.status == 200, reply
    return list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"))))


def figures(kpi):
    return {name: int(value) for name, value in kpi.items() if name != "key" and int(value)}


def added(*all_figures):
    total = {}
    for one in all_figures:
        for name, value in one.items():
            total[name] = total.get(name, 0) + value
    return {name: value for name, value in total.items() if value}


def same_as_the_sites_own(headquarters, cells):
    """Lists, figures, exports: what headquarters shows of each cell is what that cell shows of itself, each case once."""
    kpi = headquarters.get("/api/v1/reports/kpi")
    own = {cell.id: figures(cell.get("/api/v1/reports/kpi")["total"]) for cell in cells}
    shown = {one["cell"]: one for one in kpi["cells"] if one.get("cell")}
    exported = rows_of(headquarters)
    home = [row for row in exported if row["cell"] not in own]  # headquarters' own cases
    at_home = figures(headquarters.get(f"/api/v1/reports/kpi?cell={headquarters.id}")["total"])
    assert at_home.get("registered", 0) == len(home), (at_home, len(home))
    assert figures(kpi["total"]) == added(at_home, *own.values()), (kpi["total"], at_home, own)
    assert len({(row["cell"], row["case_id"]) for row in exported}) == len(exported), "a case is exported twice"
    for cell in cells:
        assert figures(shown[cell.id]["total"]) == own[cell.id] and shown[cell.id]["name"] == cell.name, shown
        assert figures(headquarters.get(f"/api/v1/reports/kpi?cell={cell.id}")["total"]) == own[cell.id]
        theirs = {row["case_number"] + row["stage"] + row["handler"] + row["due_at"] for row in rows_of(cell)}
        mine = [row for row in exported if row["cell"] == cell.id]
        assert {row["case_number"] + row["stage"] + row["handler"] + row["due_at"] for row in mine} == theirs
        assert len(mine) == own[cell.id]["registered"] and {row["cell_name"] for row in mine} == {cell.name}
    assert len(exported) == len(home) + sum(one["registered"] for one in own.values())
    sites = {(one.get("cell", ""), one["site"]): figures(one["total"]) for one in kpi["sites"]}
    assert added(*sites.values()) == figures(kpi["total"])
    return exported


def holds(folder, text):
    """The files under a folder that have the text in them, in any encoding a program might choose."""
    forms = [text.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")] + [json.dumps(text)[1:-1].encode()]
    found = []
    for path, _, names in os.walk(folder):
        for name in filter(lambda name: not name.endswith(".ipc"), names):
            with open(os.path.join(path, name), "rb") as f:
                data = f.read()
            if any(form in data for form in forms):
                found.append(os.path.join(path, name))
    return found


def no_personal_data(headquarters, cell, case):
    """The search finds what is there: the site opens the text for who may read it, and plain facts lie in both folders."""
    opened = cell.http("GET", f"/api/v1/cases/{case}?purpose=test", token=cell.tokens()["renhe-coordinator"])
    assert opened.status == 200 and PLANTED_NAMES[0] in json.dumps(opened.json(), ensure_ascii=False), opened
    assert holds(headquarters.folder, "renhe-coordinator"), "the search finds nothing at all"
    output = headquarters.http("GET", f"/api/v1/cells/{cell.id}/cases/{case}", token=headquarters.operator_token())
    assert output.status == 200 and output.json()["row"]["cell_name"] == cell.name, output
    assert output.json()["texts"]["en"] == f"sealed, at the site: {cell.name}", output
    answers = [output.body.decode(), json.dumps(rows_of(headquarters)), *(
        headquarters.http("GET", path, token=headquarters.operator_token()).body.decode()
        for path in ("/api/v1/cases?limit=1000", "/api/v1/reports/kpi", "/api/v1/events?limit=500", "/api/v1/cells",
                     "/metrics/analytics", "/metrics/link"))]
    for text in [*PLANTED_NAMES[:8], *PLANTED_PHONES[:8], *PLANTED_TEXTS[:8], *PLANTED_MAILS[:8], *PLANTED_PLACES[:8], LOADS_PHONE]:
        assert not holds(headquarters.folder, text), f"{text} lies at headquarters: {holds(headquarters.folder, text)}"
        assert not any(text in answer for answer in answers), f"headquarters shows {text}"
    # no vault keys of another cell, and none that would open them
    gone = headquarters.http("GET", f"/api/v1/cases/{case}?purpose=x", token=headquarters.operator_token())
    assert gone.status == 404, gone


def hints_name_the_cell(headquarters, cells):
    page = headquarters.get("/api/v1/events?limit=500&after=0")
    newest = page["next"] if not page.get("reset") else headquarters.get("/api/v1/events?limit=1")["next"]
    assert newest and page["changes"], page
    assert {change["cell"] for change in page["changes"]} <= {cell.id for cell in cells}
    assert all(change["cell_name"] for change in page["changes"])


class Clock:
    """Of all three machines: it can be put on by a day, as after a suspend, while all of them work on (chaos/asleep.c)."""

    def __init__(self):
        self.ahead = tempfile.NamedTemporaryFile(prefix="hearback-ahead-", buffering=0)
        self.ahead.write(bytes(8))
        os.environ.update(LD_PRELOAD=os.path.join(PROGRAMS, "asleep.so"), HEARBACK_SLEPT=self.ahead.name)

    def put_on(self, seconds):
        os.pwrite(self.ahead.fileno(), (seconds * 1000).to_bytes(8, "little"), 0)


def missed_by(cell):
    return figures(cell.get("/api/v1/reports/kpi")["total"]).get("overdue", 0)


def one_is_cut_off(headquarters, a, b, clock):
    """For a day by everybody's clock, in which it works on and dates pass."""
    before = headquarters.get("/api/v1/cells")["cells"]
    a.space.cut()
    headquarters.noted("link", "cell_away", a.id)
    done = busy(a, 2)
    a.settle()
    missed_before = missed_by(a)
    clock.put_on(86400)
    until("what fell due in the day is missed", lambda: missed_by(a) > missed_before, 30)
    done += busy(a, 2)
    done_b = busy(b, 1, clients=1)
    caught_up(headquarters, [b])  # who is silent holds nobody up
    state = {row["cell"]: row for row in headquarters.get("/api/v1/cells")["cells"]}
    heard_before = {row["cell"]: int(row["heard"]) for row in before}
    assert int(state[a.id]["heard"]) == heard_before[a.id], "events came over a cut cable"
    status = headquarters.run("status")
    assert "its link has not been heard of for some seconds" in status.stdout and status.returncode == 0, status.stdout
    a.noted("link", "cell_away", headquarters.id)
    a.space.mend()
    began = time.monotonic()
    said = caught_up(headquarters, [a, b])
    missed = said[a.id] - heard_before[a.id]
    assert missed >= 2000, f"only {missed} events came together while the cell was cut off"
    assert missed_by(headquarters) >= missed_by(a) > missed_before
    print(f"  cut off for a day: {done} commands, {missed} events; heard {time.monotonic() - began:.1f} s after the cable was mended; "
          f"{done_b} commands at the other meanwhile")


GROUP = """
pack: GROUP
name: [集团制度, Group policy]
extends: GEN-FRAME
kinds:
  order:
    like: complaint
    clause: GROUP-1
    name: [督办令, Supervision order]
    fields:
      at_cell: {clause: GROUP-1, name: [系统, Cell], type: name}
      at_site: {clause: GROUP-1, name: [站点, Site], type: name}
    rules:
      ordered: {clause: GROUP-1, when: registered, then: {open: supervision, at: {cell: at_cell, site: at_site}}}
  supervision:
    like: complaint
    clause: GROUP-2
    name: [督办, Supervision]
"""


def publish(headquarters, text):
    """As the operator: GEN-FRAME has people change it by a case."""
    folder = tempfile.mkdtemp()
    os.mkdir(os.path.join(folder, "GROUP"))
    with open(os.path.join(folder, "GROUP", "pack.yaml"), "w", encoding="utf-8") as f:
        f.write(text)
    headquarters.run("policy", "publish", "group", "GEN-FRAME", os.path.join(folder, "GROUP"), "--operator")
    shutil.rmtree(folder)


def until(what, wanted, timeout_s=20):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = wanted()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {timeout_s} s: {what}")


def packs_of(cell, site):
    organisation = cell.get(f"/api/v1/organisation?site={site}")
    return [(one["version"], one["packs"]) for one in organisation.get("policies", []) if one["site"] == site]


def the_group_decides(headquarters, a, b):
    """A site that follows takes over what headquarters publishes, and is asked to open a case by a rule there."""
    def organise(cell, things):
        done = cell.http("PUT", "/api/v1/organisation", things, token=cell.operator_token())
        assert done.status == 200, done

    def people(site):
        return {"people": [{"id": "zhao", "name": "赵", "posts": [{"post": "coordinator", "department": "office", "site": site}]}],
                "accounts": [{"id": "zhao", "person": "zhao", "scopes": ["*"]}]}

    zone = {"zone": "Asia/Shanghai", "language": "zh-CN"}
    office = {"id": "office", "name": {"zh": "办公室", "en": "Office"}}
    organise(headquarters, {"sites": [{"id": "group", "name": {"zh": "集团", "en": "Group"}, **zone}],
                            "departments": [{**office, "site": "group"}], **people("group")})
    organise(a, {"sites": [{"id": "xiyuan", "name": {"zh": "西园", "en": "West Garden"}, "follows": "group", **zone}],
                 "departments": [{**office, "site": "xiyuan"}], **people("xiyuan")})
    publish(headquarters, GROUP)
    until("the policy of the group", lambda: packs_of(a, "xiyuan") == [(1, ["GEN-FRAME", "GROUP"])])
    publish(headquarters, GROUP.replace("督办令", "集团督办令"))
    until("its second version", lambda: packs_of(a, "xiyuan") == [(2, ["GEN-FRAME", "GROUP"])])
    assert packs_of(a, "renhe")[0][1] != ["GEN-FRAME", "GROUP"], "others do not follow"
    refused = a.http("POST", "/api/v1/policies", {"site": "xiyuan", "packs": ["GEN-FRAME"]}, token=a.operator_token())
    assert refused.status == 409 and refused.json()["code"] == "follows", refused
    tokens = [cell.run("token", "zhao").stdout.strip() for cell in (headquarters, a)]
    asked = headquarters.http("POST", "/api/v1/cases", {
        "site": "group", "kind": "order", "category": "service", "channel": "phone", "text": {"plain": PLANTED_TEXTS[-1]},
        "fields": [{"name": "at_cell", "value": {"text": a.id}}, {"name": "at_site", "value": {"text": "xiyuan"}}],
        "party": {"name": {"plain": PLANTED_NAMES[-1]}}}, token=tokens[0])
    assert asked.status == 201, asked
    until("the case at the site", lambda: a.get("/api/v1/cases?site=xiyuan&kind=supervision")["rows"])
    a.settle()  # registered is not yet routed
    opened = a.get("/api/v1/cases?site=xiyuan&kind=supervision")["rows"]
    assert len(opened) == 1 and opened[0]["department"] == "office", opened
    taken = a.http("POST", f"/api/v1/cases/{opened[0]['case_id']}/actions/amend",
                   {"fields": [{"name": "category", "value": {"text": "other"}}], "note": {"plain": "本站补充的文字"}},
                   token=tokens[1])
    assert taken.status == 200, taken  # it has keys of its own: texts may be written on it
    assert not b.get("/api/v1/cases?kind=supervision")["rows"]
    for text in (PLANTED_TEXTS[-1], PLANTED_NAMES[-1]):
        assert not holds(a.folder, text) and not holds(b.folder, text), "a text of headquarters came to a site"
    caught_up(headquarters, [a, b])
    assert headquarters.get(f"/api/v1/cells/{a.id}/cases/{opened[0]['case_id']}")["row"]["kind"] == "supervision"


def verify_knows_the_cells(headquarters, a):
    told = headquarters.run("verify")
    assert "sound" in told.stdout, told.stdout
    a.run("verify")
    for service in ("analytics", "link"):  # killed at any moment: nothing is lost, nothing twice
        for pid in headquarters.pids(service):
            os.kill(pid, signal.SIGKILL)
    a_link = a.pids("link")
    os.kill(a_link[0], signal.SIGKILL)


def a_wrong_key_is_refused(ground, headquarters):
    with Cell(ground, "陌生", "--demo") as stranger:
        stranger.stop()
        stranger.run("cell", "apply", "--name", "陌生")
        paper = {"hearback": "acceptance", "cell": headquarters.id, "name": "集团", "for": stranger.id,
                 "logs": ["directory-0", "casework-0"],
                 "endpoint": stranger.space.way_to(headquarters.space, headquarters.link_port),
                 "public_key": link_key(headquarters)}
        answer = os.path.join(stranger.folder, "answer")
        with open(answer, "w") as f:
            json.dump(paper, f)
        stranger.run("cell", "join", answer)
        stranger.start()
        headquarters.noted("link", "key_refused")
        stranger.noted("link", "cell_away", "it does not know our key")
        assert "it does not know our key" in stranger.run("status").stdout
        assert {row["name"] for row in headquarters.get("/api/v1/cells")["cells"]} == {"海棠", "玉兰"}


def link_key(system):
    with open(os.path.join(system.folder, "hearback.yaml")) as f:
        return next(line for line in f if "service: link" in line).split('public_key: "')[1].split('"')[0]


def ground_is_apart(ground):
    return isinstance(ground, Ground)


def a_copy_is_refused(ground, headquarters, b):
    """The folder of a running cell, copied and started elsewhere: the same id, the same keys."""
    place = tempfile.mkdtemp(prefix="hearback-copy-", dir=memory_folder())
    try:
        folder = os.path.join(place, "copy")
        shutil.copytree(b.folder, folder, ignore=shutil.ignore_patterns("lock", "*.ipc", "log"))
        with open(os.path.join(folder, "hearback.yaml")) as f:
            text = f.read().replace(b.folder, folder)
        with open(os.path.join(folder, "hearback.yaml"), "w") as f:
            f.write(text)
        with Cell(ground, b.name, folder=folder) as copy:
            if not ground_is_apart(ground):
                copy.space.relay = b.space.relay
            copy.noted("link", "cell_refused", "two systems with the same id and key")
            headquarters.noted("link", "cell_refused", b.id)
            done = headquarters.run("cell", "accept", application_of(copy, place), "--address", "tcp://127.0.0.1:1")
            assert done.returncode == 0  # the very same paper says nothing new
    finally:
        shutil.rmtree(place, ignore_errors=True)


def application_of(cell, place):
    path = os.path.join(place, "application")
    with open(path, "w") as f:
        f.write(cell.run("cell", "apply", "--name", cell.name).stdout)
    return path


def a_restored_cell(ground, headquarters, a, b):
    """Restored without a loss it is heard on; restored from before what was heard of it, headquarters stops and says why, and hears it
    anew from the beginning once its read models are made anew."""
    place = tempfile.mkdtemp(prefix="hearback-restore-", dir=memory_folder())
    try:
        backups, keys = os.path.join(place, "backups"), os.path.join(place, "keys")
        a.run("backup", backups, "--with-keys", keys)
        busy(a, 1.5, clients=2)
        caught_up(headquarters, [a, b])
        a.stop()
        folder = os.path.join(place, "restored")
        subprocess.run([a.program("hearback"), "--data", folder, "restore", backups, "--keys", keys], check=True,
                       capture_output=True)
        a.folder, lost = folder, a.folder
        shutil.copy(os.path.join(lost, "demo-accounts.json"), folder)
        headquarters.stop()
        refused = join(a, headquarters, headquarters.link_port, check=False)
        assert refused.returncode == 1 and "with another key" in refused.stderr and "--again" in refused.stderr, refused.stderr
        join(a, headquarters, headquarters.link_port, "--again")
        headquarters.start()
        a.start()
        busy(a, 1, clients=2)
        headquarters.noted("analytics", "cell_stopped", "restored from a backup older than what was heard of it", 30)
        state = {row["cell"]: row for row in headquarters.get("/api/v1/cells")["cells"]}
        assert "restored" in state[a.id]["problem"] and not state[b.id].get("problem"), state
        assert "STOPPED" in headquarters.run("status").stdout
        headquarters.stop()
        shutil.rmtree(os.path.join(headquarters.folder, "data", "analytics-0"))  # as the message says
        headquarters.start()
        caught_up(headquarters, [a, b])
        same_as_the_sites_own(headquarters, [a, b])
        # and a cell that lost nothing that was heard goes on by itself
        a.run("backup", backups, "--with-keys", keys)
        a.stop()
        again = os.path.join(place, "again")
        subprocess.run([a.program("hearback"), "--data", again, "restore", backups, "--keys", keys], check=True,
                       capture_output=True)
        a.folder = again
        shutil.copy(os.path.join(lost, "demo-accounts.json"), again)
        headquarters.stop()
        join(a, headquarters, headquarters.link_port, "--again")
        headquarters.start()
        a.start()
        busy(a, 1, clients=2)
        headquarters.noted("analytics", "cell_restored", a.id, 30)
        caught_up(headquarters, [a, b])
        same_as_the_sites_own(headquarters, [a, b])
        a.folder = lost
    finally:
        shutil.rmtree(place, ignore_errors=True)


def story(ground):
    clock = Clock()
    headquarters, a, b = Cell(ground, "集团"), Cell(ground, "海棠", "--demo"), Cell(ground, "玉兰", "--demo")
    headquarters.link_port = PORT if ground_is_apart(ground) else free_port()
    everything = [headquarters, a, b]
    try:
        for cell in everything:
            cell.found()
        for cell in (a, b):
            join(cell, headquarters, headquarters.link_port)
        for cell in everything:
            cell.start()
        planted = plant(a, 0)
        plant(b, 4)
        busy(a, 2)
        busy(b, 2)
        caught_up(headquarters, [a, b])
        exported = same_as_the_sites_own(headquarters, [a, b])
        numbers = [row["case_number"] for row in exported if row["site"] == "renhe"]
        assert len(set(numbers)) < len(numbers), "both cells should have cases of one number"
        no_personal_data(headquarters, a, planted[0])
        hints_name_the_cell(headquarters, [a, b])
        the_group_decides(headquarters, a, b)
        if "--short" in sys.argv:
            return
        one_is_cut_off(headquarters, a, b, clock)
        same_as_the_sites_own(headquarters, [a, b])
        verify_knows_the_cells(headquarters, a)
        caught_up(headquarters, [a, b])
        same_as_the_sites_own(headquarters, [a, b])
        no_personal_data(headquarters, a, planted[0])
        a_wrong_key_is_refused(ground, headquarters)
        a_copy_is_refused(ground, headquarters, b)
        a_restored_cell(ground, headquarters, a, b)
    except BaseException:
        for cell in everything:
            print(f"=== {cell.name}")
            cell.print_logs()
        raise
    finally:
        for cell in everything:
            if cell.process:
                cell.stop()
            shutil.rmtree(cell.folder, ignore_errors=True)


def in_namespaces():
    with Ground() as ground:
        story(ground)


def on_loopback():
    with Loopback() as ground:
        story(ground)


if __name__ == "__main__":
    why = "asked for" if "--loopback" in sys.argv else Ground.permitted()
    if why:
        print(f"no network namespaces here ({why}): the same on loopback")
        main([on_loopback])
        print("skipped: cells apart in network namespaces")
        sys.exit(SKIP)
    main([in_namespaces])
