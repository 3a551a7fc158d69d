"""A client that others wrote, as the npm registry has it (open311 0.0.12, by Code for America), finds our services, asks for their
questions, registers a request, follows it by token and number and lists with filters, in JSON and in XML. Not a line of it is changed;
of what it needs, two readers of XML can be had no more and are stood in for (open311_client/)."""

import json
import os
import shutil
import subprocess
import tempfile

import harness
import test_portal
import test_problems

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "open311_client")
SITE = "haitang"

system = None


def skip(why):
    print(f"skipped: {why}")
    raise SystemExit(harness.SKIP)


def installed(folder):
    if not shutil.which("node") or not shutil.which("npm"):
        skip("nodejs and npm are not installed: the client runs in it")
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder,
                          capture_output=True, text=True, timeout=300)
    if done.returncode:
        skip(f"npm could not fetch the client: {done.stderr.strip()[:500]}")


class Client:
    def __init__(self, folder, form, **settings):
        self.folder, self.settings = folder, {"format": form, "jurisdiction": SITE, **settings}

    def call(self, *calls):
        """What each called back with; none with an error."""
        answers = self.answers(*calls)
        for call, (error, data) in zip(calls, answers):
            assert not error, (call, error, data)
        return [data for _, data in answers]

    def answers(self, *calls):
        said = json.dumps({"settings": self.settings, "calls": calls})
        done = subprocess.run(["node", "drive.js"], cwd=self.folder, input=said, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def is_found(folder, form):
    """By its discovery the client learns where to ask."""
    discovery = {"discovery": f"http://127.0.0.1:{system.port}/open311/discovery.{form}"}
    if form == "json":  # of XML it looks for the formats among what it has read as a list
        found, services = Client(folder, form, **discovery).call(["serviceDiscovery", {"cache": True}], ["serviceList"])
        assert [one["service_code"] for one in services], services
    else:
        (found,) = Client(folder, form, **discovery).call(["serviceDiscovery"])
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2" and endpoint["type"] == "production", found
    return endpoint["url"] + "/"


def a_life(folder, form):
    endpoint = is_found(folder, form)
    client = Client(folder, form, endpoint=endpoint, apiKey=system.tokens()["reception"])
    services, lift = client.call(["serviceList"], ["serviceDefinition", "repair:lift"])
    codes = {one["service_code"]: one for one in services}
    assert {"repair:lift", "complaint:noise"} <= set(codes) and codes["repair:lift"]["service_name"], services
    (asked,) = [one for one in lift["attributes"] if one["code"] == "class"]
    values = {value["key"] for value in asked["values"]}
    assert "small" in values and str(asked["required"]).lower() == "true", asked
    (made,), = client.call(["submitRequest", {
        "service_code": "repair:lift", "lat": 31.2304, "long": 121.4737, "address_string": "3-2 电梯", "description": "电梯不停一楼 & <响>",
        "first_name": "小明", "last_name": "王", "email": "wang@example.org", "attributes": {"class": "small"}}])
    number = made["service_request_id"]
    system.settle()
    file = system.http("GET", f"/api/v1/cases/{number}?site={SITE}&purpose=test", token=system.tokens()["coordinator"])
    for kept in ("电梯不停一楼 & <响>", "3-2 电梯 (31.2304,121.4737)", "小明 王", "wang@example.org"):
        assert kept in file.body.decode(), (kept, file)
    return client, number


def is_followed(client, number):
    """The account of the key reads what it registered; the client sends no key when it reads, so it is given as a parameter."""
    key = {"api_key": system.tokens()["coordinator"]}
    (one,), (same,), lists, closed, others, early = client.call(
        ["serviceRequests", number, key], ["serviceRequest", number, key],
        ["serviceRequests", {**key, "service_code": "repair:lift,complaint:noise", "status": "open"}],
        ["serviceRequests", {**key, "service_code": "repair:lift", "status": "closed"}],
        ["serviceRequests", [number, "nothing"], key],
        ["serviceRequests", {**key, "start_date": "2020-01-01T00:00:00Z", "end_date": "2020-02-01T00:00:00Z"}])
    assert one == same and one["service_request_id"] == number and one["status"] == "open", one
    assert one["requested_datetime"] and one["updated_datetime"] and one["service_code"] == "repair:lift", one
    assert number in [row["service_request_id"] for row in lists], lists
    assert number not in [row["service_request_id"] for row in closed or []], closed
    assert [row["service_request_id"] for row in others] == [number] and not early, (others, early)


def a_token_is_its_number(client, public, private):
    """The client asks for it without a key: of what the public sees it is told, of anything else it is not there."""
    known, unknown = client.answers(["token", public], ["token", private])
    assert known == [None, [{"service_request_id": public, "token": public}]] and unknown[0], (known, unknown)


def mistakes_are_told(folder, form, endpoint):
    """As errors, with the status that the client hands on."""
    nobody = Client(folder, form, endpoint=endpoint, apiKey="hb_nonsense")
    wrong, unknown = nobody.answers(["submitRequest", {"service_code": "repair:lift", "description": "x"}], ["serviceDefinition", "nothing"])
    assert wrong[0] == 403 and "403" in wrong[1] and unknown[0], (wrong, unknown)


def the_client_works():
    global system
    with tempfile.TemporaryDirectory(dir=harness.memory_folder()) as folder:
        installed(folder)
        with harness.System("--demo") as started:
            system = test_portal.system = test_problems.system = started
            system.settle()
            _, public = test_problems.a_widespread_complaint()
            for form in ("json", "xml"):
                client, number = a_life(folder, form)
                is_followed(client, number)
                a_token_is_its_number(client, public, number)
                mistakes_are_told(folder, form, client.settings["endpoint"])


if __name__ == "__main__":
    harness.main([the_client_works])
