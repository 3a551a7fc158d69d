/* The description of the API (OpenAPI 3.1), made from the table of routes and from the descriptors of the messages, so
   that it cannot drift from what the gateway does. */
#include "openapi.h"

#include "routes.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- operations ---- */

static json_t *parameter(const char *name, const char *in, const char *about, bool required)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:{s:s}}", "name", name, "in", in, "description", about, "required",
                     (int)required, "schema", "type", "string");
}

static bool is_write(const struct route *route)
{
    return strcmp(route->method, "GET") != 0;
}

static json_t *parameters_of(const struct route *route)
{
    json_t *list = json_array();
    for (const char *at = strchr(route->pattern, '{'); at; at = strchr(at + 1, '{')) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        bool id = strcmp(name, "id") == 0 && strstr(route->pattern, "/cases/");
        json_array_append_new(list, parameter(name, "path", id ? "案件标识或编号 / case id or number" : name, true));
    }
    for (const struct route_parameter *one = route->query; one->name; one++)
        json_array_append_new(list, parameter(one->name, "query", one->about, false));
    if (is_write(route) && !route->unkept)
        json_array_append_new(list, parameter("Idempotency-Key", "header",
                                              "同一键的请求只执行一次 / the same key within 7 days is the same command",
                                              false));
    if (strstr(route->pattern, "/actions/"))
        json_array_append_new(list, parameter("If-Match", "header", "所见的版本 / the version seen (ETag)", false));
    if (!route->open)
        json_array_append_new(list, parameter("Hearback-After", "header",
                                              "先前应答中的值 / from an earlier answer: read your writes", false));
    return list;
}

static json_t *responses_of(json_t *schemas, const struct route *route)
{
    json_t *content = json_object();
    bug_unless(route->gives || route->gives_schema || route->gives_type); /* every answer is described */
    if (route->gives || route->gives_schema)
        json_object_set_new(
            content, "application/json",
            json_pack("{s:o}", "schema",
                      route->gives_schema ? route->gives_schema(schemas) : openapi_reference(schemas, route->gives)));
    if (route->gives_type)
        json_object_set_new(content, route->gives_type, json_pack("{s:{s:s}}", "schema", "type", "string"));
    if (route->gives_file)
        json_object_set_new(content, route->gives_file,
                            json_pack("{s:{s:s, s:s}}", "schema", "type", "string", "format", "binary"));
    bool makes = route->takes_schema == openapi_make_token || route->gives_schema == openapi_submitted ||
                 route->gives_schema == openapi_attached ||
                 (route->takes_schema == openapi_make_view && strcmp(route->method, "POST") == 0);
    const char *status = makes ? "201" : "200";
    return json_pack("{s:{s:s, s:o}, s:{s:s, s:{s:{s:{s:s}}}}}", status, "description", "成功 / done", "content",
                     content, "default", "description", "未受理，附原因 / refused, and why", "content",
                     "application/problem+json", "schema", "$ref", "#/components/schemas/Problem");
}

/* "get_cases_id_timeline" */
static json_t *operation_id(const struct route *route)
{
    char id[128];
    size_t size = 0;
    const char *path = strncmp(route->pattern, "/api/v1", 7) == 0 ? route->pattern + 7 : route->pattern;
    for (const char *at = route->method; *at; at++)
        id[size++] = (char)tolower((unsigned char)*at);
    for (; *path && size + 1 < sizeof id; path++)
        if (isalnum((unsigned char)*path))
            id[size++] = *path;
        else if (size && id[size - 1] != '_')
            id[size++] = '_';
    while (size && id[size - 1] == '_')
        size--;
    return json_stringn(id, size);
}

static json_t *operation(json_t *schemas, const struct route *route)
{
    json_t *json = json_pack("{s:o, s:s, s:o, s:o}", "operationId", operation_id(route), "summary", route->about,
                             "parameters", parameters_of(route), "responses", responses_of(schemas, route));
    json_t *body = route->takes_schema ? route->takes_schema(schemas)
                   : route->takes      ? openapi_reference(schemas, route->takes)
                                       : NULL;
    if (body)
        json_object_set_new(json, "requestBody",
                            json_pack("{s:b, s:{s:{s:o}}}", "required", (int)!strstr(route->pattern, "/actions/"),
                                      "content", "application/json", "schema", body));
    if (route->takes_type)
        json_object_set_new(json, "requestBody",
                            json_pack("{s:b, s:{s:{s:{}}}}", "required", 1, "content", route->takes_type, "schema"));
    if (route->open)
        json_object_set_new(json, "security", json_array());
    return json;
}

static json_t *document(void)
{
    json_t *paths = json_object(), *schemas = json_pack("{s:o}", "Problem", openapi_problem());
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes[i];
        char method[16] = "";
        if (!route->about)
            continue;
        for (size_t c = 0; route->method[c] && c + 1 < sizeof method; c++)
            method[c] = (char)tolower((unsigned char)route->method[c]);
        if (!json_object_get(paths, route->pattern))
            json_object_set_new(paths, route->pattern, json_object());
        json_object_set_new(json_object_get(paths, route->pattern), method, operation(schemas, route));
    }
    return json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:o, s:{s:o, s:{s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s}}}, "
        "s:[{s:[]}, {s:[]}]}",
        "openapi", "3.1.0", "info", "title", "Hearback", "version", "1", "description",
        "投诉、报修、咨询与建议的受理、流转、督办与回访 / Every complaint gets an answer", "license", "name",
        "Apache License 2.0", "identifier", "Apache-2.0", "servers", "url", "/", "paths", paths, "components",
        "schemas", schemas, "securitySchemes", "bearer", "type", "http", "scheme", "bearer", "session", "type",
        "apiKey", "in", "cookie", "name", "__Host-session", "description",
        "写入须带 X-CSRF-Token；不经 https 时名为 session / writes need X-CSRF-Token; called `session` where "
        "the gateway is not reached by https",
        "security", "bearer", "session");
}

void openapi_get(struct http_request *request)
{
    static char *text; /* the same as long as the program runs */
    if (!text) {
        json_t *json = document();
        text = json_dumps(json, JSON_COMPACT);
        bug_unless(text);
        json_decref(json);
    }
    http_set(request, "Cache-Control", "max-age=300");
    http_respond(request, 200, "application/json", bytes_of_text(text));
}
