/* The description of the API (OpenAPI 3.1), made from the table of routes and from the descriptors of the messages, so
   that it cannot drift from what the gateway does. */
#include "openapi.h"

#include "routes.h"
#include "json/json.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- schemas ---- */

/* What travels packed inside and is unpacked for the API. */
static const struct {
    const ProtobufCMessageDescriptor *message;
    const char *field;
    const ProtobufCMessageDescriptor *means;
} unpacked[] = {
    {&casework__case_file__descriptor, "party", &intake__party__descriptor},
    {&casework__timeline__descriptor, "events", &hb__event__descriptor},
};

static json_t *reference(json_t *schemas, const ProtobufCMessageDescriptor *message);

static json_t *enum_schema(const ProtobufCEnumDescriptor *descriptor)
{
    json_t *names = json_array();
    for (unsigned i = 0; i < descriptor->n_values; i++)
        json_array_append_new(names, json_string(descriptor->values[i].name));
    return json_pack("{s:s, s:o}", "type", "string", "enum", names);
}

static json_t *scalar_schema(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case PROTOBUF_C_TYPE_ENUM:
        return enum_schema(field->descriptor);
    case PROTOBUF_C_TYPE_BYTES:
        return json_pack("{s:s, s:s}", "type", "string", "contentEncoding", "base64");
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return json_pack("{s:s}", "type", "string");
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", "^-?[0-9]+$");
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_pack("{s:s, s:i}", "type", "integer", "minimum", 0);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_pack("{s:s}", "type", "integer");
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return json_pack("{s:s}", "type", "number");
    }
    return json_object();
}

static json_t *field_schema(json_t *schemas, const ProtobufCMessageDescriptor *message,
                            const ProtobufCFieldDescriptor *field, bool instant)
{
    const ProtobufCMessageDescriptor *inner = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
    for (size_t i = 0; i < sizeof unpacked / sizeof *unpacked; i++)
        if (unpacked[i].message == message && strcmp(unpacked[i].field, field->name) == 0)
            inner = unpacked[i].means;
    json_t *one = inner     ? reference(schemas, inner)
                  : instant ? json_pack("{s:s, s:s}", "type", "string", "format", "date-time")
                            : scalar_schema(field);
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return one;
    json_t *list = json_pack("{s:s, s:o}", "type", "array", "items", one);
    if (inner != &hb__field__descriptor)
        return list;
    /* the short form of requests: an object of names and values */
    return json_pack("{s:[o, {s:s}]}", "anyOf", list, "type", "object");
}

static json_t *message_schema(json_t *schemas, const ProtobufCMessageDescriptor *message)
{
    json_t *properties = json_object();
    for (unsigned i = 0; i < message->n_fields; i++) {
        bool instant;
        const char *name = json_field_name(&message->fields[i], &instant);
        json_object_set_new(properties, name, field_schema(schemas, message, &message->fields[i], instant));
    }
    json_t *object = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
    if (message != &hb__personal__descriptor)
        return object;
    return json_pack("{s:[o, {s:s}]}", "anyOf", object, "type", "string");
}

/* A reference to the schema of a message, which is made with all it needs when it is asked for the first time. */
static json_t *reference(json_t *schemas, const ProtobufCMessageDescriptor *message)
{
    char path[256];
    snprintf(path, sizeof path, "#/components/schemas/%s", message->name);
    if (!json_object_get(schemas, message->name)) {
        json_object_set_new(schemas, message->name, json_object()); /* it is being made */
        json_object_set_new(schemas, message->name, message_schema(schemas, message));
    }
    return json_pack("{s:s}", "$ref", path);
}

static json_t *problem_schema(void)
{
    static const char *const texts[] = {"type", "title", "detail", "zh", "en", "code", "field", "instance", NULL};
    static const char *const lists[] = {"accepted", "clauses", "next", NULL};
    json_t *properties = json_object();
    for (size_t i = 0; texts[i]; i++)
        json_object_set_new(properties, texts[i], json_pack("{s:s}", "type", "string"));
    for (size_t i = 0; lists[i]; i++)
        json_object_set_new(properties, lists[i],
                            json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string"));
    json_object_set_new(properties, "status", json_pack("{s:s}", "type", "integer"));
    json_object_set_new(properties, "retry_after", json_pack("{s:s}", "type", "integer"));
    json_object_set_new(properties, "problems",
                        json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "object"));
    return json_pack("{s:s, s:o, s:[s, s, s]}", "type", "object", "properties", properties, "required", "type", "title",
                     "status");
}

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
        bool id = strcmp(name, "id") == 0;
        json_array_append_new(list, parameter(name, "path", id ? "案件标识或编号 / case id or number" : name, true));
    }
    for (const struct route_parameter *one = route->query; one->name; one++)
        json_array_append_new(list, parameter(one->name, "query", one->about, false));
    if (is_write(route))
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

/* An import is a list of its message; a submission also names its site. */
static json_t *body_schema(json_t *schemas, const struct route *route)
{
    json_t *one = reference(schemas, route->takes);
    if (route->takes == &intake__import__descriptor)
        return json_pack("{s:s, s:{s:{s:s}, s:{s:s, s:i, s:o}}, s:[s, s]}", "type", "object", "properties", "site",
                         "type", "string", "rows", "type", "array", "maxItems", 500, "items", one, "required", "site",
                         "rows");
    if (route->takes == &intake__submit__descriptor)
        return json_pack("{s:[o, {s:s, s:{s:{s:s}}, s:[s]}]}", "allOf", one, "type", "object", "properties", "site",
                         "type", "string", "required", "site");
    return one;
}

static json_t *responses_of(json_t *schemas, const struct route *route)
{
    json_t *content = json_object(), *schema = route->gives ? reference(schemas, route->gives) : json_object();
    bool text_only = route->gives_type && !route->gives;
    if (text_only)
        json_decref(schema);
    else
        json_object_set_new(content, "application/json", json_pack("{s:o}", "schema", schema));
    if (route->gives_type)
        json_object_set_new(content, route->gives_type, json_pack("{s:{s:s}}", "schema", "type", "string"));
    const char *status = route->takes == &intake__submit__descriptor ? "201" : "200";
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
    if (route->takes)
        json_object_set_new(json, "requestBody",
                            json_pack("{s:b, s:{s:{s:o}}}", "required", (int)!strstr(route->pattern, "/actions/"),
                                      "content", "application/json", "schema", body_schema(schemas, route)));
    if (route->open)
        json_object_set_new(json, "security", json_array());
    return json;
}

static json_t *document(void)
{
    json_t *paths = json_object(), *schemas = json_pack("{s:o}", "Problem", problem_schema());
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
    return json_pack("{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:{s:{s:s, s:s}}}, s:[{s:[]}]}", "openapi", "3.1.0", "info",
                     "title", "Hearback", "version", "1", "description",
                     "投诉、报修、咨询与建议的受理、流转、督办与回访 / Every complaint gets an answer", "paths", paths,
                     "components", "schemas", schemas, "securitySchemes", "bearer", "type", "http", "scheme", "bearer",
                     "security", "bearer");
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
