"""Saved views: who keeps, sees, changes and deletes one; what may be kept; that they outlive a restart; and that a count beside
one is asked with the rights of whoever looks."""

import harness

system = None
SITE = "haitang"
NOISE = {"site": SITE, "name": {"zh": "噪声"}, "list": "all", "filter": [{"name": "category", "value": "noise"}]}


def ask(who, method, path="", body=None, status=None):
    reply = system.http(method, f"/api/v1/views{path}", body, token=system.tokens()[who])
    assert status is None or reply.status == status, (who, method, path, body, reply)
    return reply.json()


def make(who, **more):
    return ask(who, "POST", body={**NOISE, **more}, status=201)


def seen(who, site=f"?site={SITE}"):
    return {view["id"]: view for view in ask(who, "GET", site, status=200)["views"]}


def one_is_kept_and_changed(of):
    view = make("head")
    assert view["own"] and view["owner"] == "head" and view["filter"] == NOISE["filter"], view
    assert seen("head")[view["id"]] == view
    assert view["id"] not in seen("manager") and view["id"] not in seen("admin"), "one's own are nobody else's"
    changed = {**NOISE, "name": {"en": "Noise, open"}, "filter": NOISE["filter"] + [{"name": "phase", "value": "open"}]}
    told = ask("head", "PUT", f"/{view['id']}", changed, 200)
    assert told["id"] == view["id"] and told["name"]["en"] == "Noise, open" and len(told["filter"]) == 2, told
    for who in ("manager", "admin", "renhe-coordinator"):  # what is not shown is not there
        ask(who, "PUT", f"/{view['id']}", changed, 404 if who != "renhe-coordinator" else 404)
        ask(who, "DELETE", f"/{view['id']}", status=404)
    assert seen("head")[view["id"]] == told
    return view["id"]


def a_department_shares(posts):
    """With a department where the owner works; its members see it."""
    view = make("head", shared="department", department=posts["head"])
    for who in ("head", "handler", "coordinator", "manager", "auditor"):
        assert (view["id"] in seen(who)) == (posts[who] == posts["head"]), (who, posts)
    other = next(one for one in posts.values() if one and one != posts["head"])
    ask("head", "POST", body={**NOISE, "shared": "department", "department": other}, status=403)
    ask("head", "POST", body={**NOISE, "shared": "department", "department": "nowhere"}, status=422)
    member = next(who for who in ("handler", "coordinator", "manager", "auditor") if posts[who] == posts["head"])
    assert not seen(member)[view["id"]].get("own")
    ask(member, "PUT", f"/{view['id']}", NOISE, 403)
    ask(member, "DELETE", f"/{view['id']}", status=403)


def a_site_shares():
    view = make("manager", shared="site")
    for who in ("head", "handler", "reception", "auditor", "admin"):
        assert view["id"] in seen(who), who
    assert view["id"] not in seen("renhe-coordinator", "") and view["id"] not in seen("renhe-coordinator")
    ask("head", "PUT", f"/{view['id']}", NOISE, 403)
    ask("head", "DELETE", f"/{view['id']}", status=403)
    ask("admin", "PUT", f"/{view['id']}", NOISE, 403)  # whoever organises takes it away, but makes nobody say something else
    ask("admin", "DELETE", f"/{view['id']}", status=200)
    assert view["id"] not in seen("head")
    ask("manager", "PUT", f"/{view['id']}", NOISE, 404)
    return make("manager", shared="site")["id"]


def what_may_be_kept():
    wrong = [({"name": {}}, "name"), ({"name": {"zh": "长" * 100}}, "name"), ({"list": "A b"}, "list"), ({"shared": "all"}, "shared"),
             ({"department": "fm"}, "department"), ({"filter": [{"name": "text", "value": "电梯"}]}, "filter[0].name"),
             ({"filter": [{"name": "phone", "value": "1"}]}, "filter[0].name"), ({"filter": [{"name": "kind"}]}, "filter[0].value"),
             ({"filter": NOISE["filter"] * 2}, "filter[1].name"), ({"filter": [{"name": f"x{i}", "value": "1"} for i in range(17)]}, "filter")]
    for more, field in wrong:
        reply = ask("head", "POST", body={**NOISE, **more}, status=422)
        assert field == reply["field"] or field in [one["field"] for one in reply.get("problems", [])], (more, reply)
    ask("head", "POST", body={**NOISE, "site": "renhe"}, status=404)
    ask("head", "POST", body={**NOISE, "colour": "red"}, status=400)
    for bad in ("x", "0011223344556677", "g" * 16, "00112233445566778899"):
        ask("head", "PUT", f"/{bad}", NOISE, 404)
        ask("head", "DELETE", f"/{bad}", status=404)


def there_are_not_too_many():
    kept = [make("auditor")["id"] for _ in range(64)]
    reply = ask("auditor", "POST", body=NOISE, status=409)
    assert reply["code"] == "too_many_views", reply
    for one in kept:
        ask("auditor", "DELETE", f"/{one}", status=200)
    assert not [one for one in seen("auditor").values() if one.get("own")]


def counts_are_the_viewers(view):
    """A hidden case is in the count of whoever may see it, and of nobody else."""
    counts = {}
    for who in ("manager", "head"):
        given = seen(who)[view]
        query = "".join(f"&{one['name']}={one['value']}" for one in given["filter"])
        reply = system.http("GET", f"/api/v1/cases/count?site={given['site']}{query}", token=system.tokens()[who])
        listed = system.http("GET", f"/api/v1/cases?site={given['site']}{query}&limit=1000", token=system.tokens()[who])
        counts[who] = int(reply.json()["count"])
        assert counts[who] == len(listed.json()["rows"]) > 0, (who, reply)


def test_views():
    global system
    with harness.System("--demo") as system:
        people = system.http("GET", "/api/v1/organisation", token=system.tokens()["admin"]).json()["people"]
        posts = {}
        for who in ("head", "handler", "coordinator", "manager", "auditor", "reception"):
            me = system.http("GET", "/api/v1/session", token=system.tokens()[who]).json()["person"]
            person = next(one for one in people if one["id"] == me)
            posts[who] = next((post.get("department", "") for post in person.get("posts", []) if post["site"] == SITE), "")
        own = one_is_kept_and_changed(people)
        a_department_shares(posts)
        shared = a_site_shares()
        what_may_be_kept()
        there_are_not_too_many()
        counts_are_the_viewers(shared)
        before = seen("head")
        system.stop()
        system.start()
        assert seen("head") == before and own in before and shared in before
        ask("head", "DELETE", f"/{own}", status=200)
        ask("head", "DELETE", f"/{own}", status=404)


if __name__ == "__main__":
    harness.main([test_views])
