#include "routes.h"

#include "health.h"
#include "http_internal.h"
#include "portal.h"
#include "problem.h"

const struct route routes[] = {
    {"GET", "/healthz", health_live, "进程在运行 / The process is up", .open = true},
    {"GET", "/readyz", health_ready, "每个服务都能应答 / Every service answers", .open = true},

    /* the public portal: pages for people, no part of the API */
    {"GET", "/", portal_home, .open = true},
    {"GET", "/submit", portal_submit, .open = true},
    {"POST", "/submit", portal_submit_sent, .open = true},
    {"GET", "/receipt", portal_receipt, .open = true},
    {"GET", "/track", portal_track, .open = true},
    {"POST", "/track", portal_track_sent, .open = true},
    {"GET", "/case", portal_case, .open = true},
    {"POST", "/case", portal_case_sent, .open = true},
    {"POST", "/leave", portal_leave, .open = true},
    {"GET", "/static/portal.css", portal_style, .open = true},
};
const size_t routes_count = sizeof routes / sizeof *routes;

/* ---- finding ---- */

/* "/api/v1/cases/{id}" against a path; the names are decoded. */
static bool matches(struct http_request *request, const char *pattern, const char *path)
{
    request->parameters_count = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t name = strcspn(pattern, "}"), value = strcspn(path, "/");
        char *decoded = value ? http_decode(&request->arena, path, value, false) : NULL;
        if (!decoded)
            return false;
        bug_unless(request->parameters_count < HTTP_PARAMETERS_MAX);
        request->parameters[request->parameters_count++] =
            (struct http_pair){arena_text(&request->arena, pattern + 1, name - 1), decoded};
        pattern += name + 1;
        path += value;
    }
    return *path == 0;
}

/* A literal pattern goes before one with {names}: the table lists it first. */
static const struct route *find(struct http_request *request, const char *method)
{
    for (size_t i = 0; i < routes_count; i++)
        if ((!method || strcmp(routes[i].method, method) == 0) && matches(request, routes[i].pattern, request->path))
            return &routes[i];
    return NULL;
}

static void add_method(struct http_request *request, const char *method, char **allow, Hb__Refusal *refusal)
{
    *allow = **allow ? arena_printf(&request->arena, "%s, %s", *allow, method) : arena_strdup(&request->arena, method);
    problem_accepts(request, refusal, method);
}

/* The path is known but not this method: says which ones are. */
static void refuse_method(struct http_request *request)
{
    char *allow = arena_strdup(&request->arena, "");
    Hb__Refusal *refusal =
        problem_new(request, 405, "method", "该路径不支持此方法", "this path does not take the method");
    for (size_t i = 0; i < routes_count; i++)
        if (matches(request, routes[i].pattern, request->path)) {
            add_method(request, routes[i].method, &allow, refusal);
            if (strcmp(routes[i].method, "GET") == 0)
                add_method(request, "HEAD", &allow, refusal);
        }
    http_set(request, "Allow", allow);
    problem_respond(request, refusal);
}

/* ---- checks before the handler ---- */

/* A misspelt parameter would silently show something else than what was asked for. To the addresses of pages messengers
   and search engines add parameters of their own: those are let through. */
static bool query_known(struct http_request *request, const struct route *route)
{
    if (!route->about)
        return true;
    for (size_t i = 0; i < request->query.count; i++) {
        const char *name = request->query.list[i].name;
        bool known = strcmp(name, "lang") == 0;
        for (const struct route_parameter *parameter = route->query; parameter->name && !known; parameter++)
            known = strcmp(parameter->name, name) == 0;
        if (known)
            continue;
        Hb__Refusal *refusal =
            problem_new(request, 400, "unknown_parameter", "没有这个查询参数", "there is no such query parameter");
        refusal->field = arena_strdup(&request->arena, name);
        for (const struct route_parameter *parameter = route->query; parameter->name; parameter++)
            problem_accepts(request, refusal, parameter->name);
        problem_accepts(request, refusal, "lang");
        problem_respond(request, refusal);
        return false;
    }
    return true;
}

void routes_dispatch(struct http_request *request)
{
    if (request->malformed) {
        problem_say(request, 400, "malformed", "地址无法解析：须为 UTF-8",
                    "the address cannot be read: it must be UTF-8");
        return;
    }
    request->route = find(request, request->method);
    if (request->route) {
        if (query_known(request, request->route))
            request->route->handler(request);
    } else if (find(request, NULL)) {
        refuse_method(request);
    } else {
        problem_say(request, 404, "unknown_path", "没有这个路径", "there is no such path");
    }
}
