/* Schemas of the API: of messages by their descriptors, of answers that the gateway puts together by hand. Every object
   is closed: what is not described is not given, and is refused when it is sent. */
#include "openapi.h"

#include "cases.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- messages ---- */

/* What travels packed inside and is unpacked for the API. */
static const struct {
    const ProtobufCMessageDescriptor *message;
    const char *field;
    const ProtobufCMessageDescriptor *means;
} unpacked[] = {
    {&casework__case_file__descriptor, "party", &intake__party__descriptor},
    {&casework__timeline__descriptor, "events", &hb__event__descriptor},
};

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
    json_t *one = inner     ? openapi_reference(schemas, inner)
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

/* All but `other` and `another`, which an answer has otherwise than its message; NULL: all. */
static json_t *properties_but(json_t *schemas, const ProtobufCMessageDescriptor *message, const char *other,
                              const char *another)
{
    json_t *properties = json_object();
    for (unsigned i = 0; i < message->n_fields; i++) {
        bool instant;
        const char *name = json_field_name(&message->fields[i], &instant);
        if ((!other || strcmp(name, other) != 0) && (!another || strcmp(name, another) != 0))
            json_object_set_new(properties, name, field_schema(schemas, message, &message->fields[i], instant));
    }
    return properties;
}

static json_t *properties_of(json_t *schemas, const ProtobufCMessageDescriptor *message)
{
    return properties_but(schemas, message, NULL, NULL);
}

static json_t *closed(json_t *properties)
{
    return json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
}

static json_t *message_schema(json_t *schemas, const ProtobufCMessageDescriptor *message)
{
    json_t *object = closed(properties_of(schemas, message));
    if (message != &hb__personal__descriptor)
        return object;
    return json_pack("{s:[o, {s:s}]}", "anyOf", object, "type", "string");
}

/* A reference to the schema of a message, which is made with all it needs when it is asked for the first time. */
json_t *openapi_reference(json_t *schemas, const ProtobufCMessageDescriptor *message)
{
    char path[256];
    snprintf(path, sizeof path, "#/components/schemas/%s", message->name);
    if (!json_object_get(schemas, message->name)) {
        json_object_set_new(schemas, message->name, json_object()); /* it is being made */
        json_object_set_new(schemas, message->name, message_schema(schemas, message));
    }
    return json_pack("{s:s}", "$ref", path);
}

/* ---- by hand ---- */

static json_t *type(const char *name)
{
    return json_pack("{s:s}", "type", name);
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *instant(void)
{
    return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
}

static json_t *problem(void)
{
    return json_pack("{s:s}", "$ref", "#/components/schemas/Problem");
}

/* `properties` and what follows: names and schemas, ended by NULL. A name that ends in '?' need not be there. */
static json_t *object(json_t *properties, ...) __attribute__((sentinel));
static json_t *object(json_t *properties, ...)
{
    json_t *required = json_array();
    const char *name;
    char plain[64];
    va_list pairs;
    va_start(pairs, properties);
    while ((name = va_arg(pairs, const char *))) {
        size_t size = strcspn(name, "?");
        snprintf(plain, sizeof plain, "%.*s", (int)size, name);
        json_object_set_new(properties, plain, va_arg(pairs, json_t *));
        if (!name[size])
            json_array_append_new(required, json_string(plain));
    }
    va_end(pairs);
    json_t *schema = closed(properties);
    if (json_array_size(required))
        json_object_set(schema, "required", required);
    json_decref(required);
    return schema;
}

json_t *openapi_problem(void)
{
    json_t *part = object(json_object(), "field?", type("string"), "clause?", type("string"), "detail?", type("string"),
                          "zh?", type("string"), "en?", type("string"), NULL);
    return object(json_object(), "type", type("string"), "title", type("string"), "status", type("integer"), "code",
                  type("string"), "detail", type("string"), "zh", type("string"), "en", type("string"), "field?",
                  type("string"), "accepted?", list_of(type("string")), "clauses?", list_of(type("string")), "next?",
                  list_of(type("string")), "problems?", list_of(part), "retry_after?", type("integer"), "instance?",
                  type("string"), NULL);
}

/* ---- bodies ---- */

json_t *openapi_submission(json_t *schemas)
{
    return object(properties_of(schemas, &intake__submit__descriptor), "site", type("string"), NULL);
}

json_t *openapi_import(json_t *schemas)
{
    json_t *rows = list_of(openapi_reference(schemas, &intake__import__descriptor));
    json_object_set_new(rows, "maxItems", json_integer(CASES_IMPORT_ROWS_MAX));
    return object(json_object(), "site", type("string"), "rows", rows, NULL);
}

/* ---- answers ---- */

json_t *openapi_live(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "status", type("string"), NULL);
}

json_t *openapi_ready(json_t *schemas)
{
    (void)schemas;
    json_t *services = json_pack("{s:s, s:{s:s}}", "type", "object", "additionalProperties", "type", "string");
    return object(json_object(), "status", type("string"), "services", services, NULL);
}

/* ---- signing in ---- */

json_t *openapi_about(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "name", type("string"), "demonstration", type("boolean"), NULL);
}

json_t *openapi_nothing(json_t *schemas)
{
    (void)schemas;
    return closed(json_object());
}

json_t *openapi_tokens_ended(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "tokens_ended", type("integer"), NULL);
}

json_t *openapi_tokens_left(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "tokens_left", type("integer"), NULL);
}

json_t *openapi_sign_in(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "account", type("string"), "password", type("string"), "code?", type("string"), NULL);
}

json_t *openapi_session(json_t *schemas)
{
    return object(json_object(), "account", type("string"), "person", type("string"), "name", type("string"), "posts",
                  list_of(openapi_reference(schemas, &directory__post__descriptor)), "sites", list_of(type("string")),
                  "scopes", list_of(type("string")), "language", type("string"), "second_factor", type("boolean"),
                  "second_factor_needed", type("boolean"), "demonstration", type("boolean"), "until?", instant(),
                  "csrf?", type("string"), NULL);
}

json_t *openapi_password(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "old", type("string"), "password", type("string"), NULL);
}

json_t *openapi_setup(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "account", type("string"), "code", type("string"), "password", type("string"), NULL);
}

json_t *openapi_setup_code(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "account", type("string"), "code", type("string"), "link", type("string"), "until",
                  instant(), NULL);
}

json_t *openapi_totp(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "secret", type("string"), "uri", type("string"), "qr", type("string"), NULL);
}

json_t *openapi_code(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "code", type("string"), NULL);
}

json_t *openapi_recovery(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "recovery_codes", list_of(type("string")), NULL);
}

json_t *openapi_tokens(json_t *schemas)
{
    return object(json_object(), "tokens", list_of(openapi_reference(schemas, &directory__token__descriptor)), NULL);
}

json_t *openapi_make_token(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "account?", type("string"), "name", type("string"), "scopes", list_of(type("string")),
                  "sites?", list_of(type("string")), "expires_at", instant(), NULL);
}

json_t *openapi_token_made(json_t *schemas)
{
    return object(properties_of(schemas, &directory__token__descriptor), "token", type("string"), NULL);
}

json_t *openapi_view(json_t *schemas)
{
    return openapi_reference(schemas, &directory__view__descriptor);
}

json_t *openapi_views(json_t *schemas)
{
    return object(json_object(), "views", list_of(openapi_view(schemas)), NULL);
}

json_t *openapi_make_view(json_t *schemas)
{
    return object(json_object(), "site", type("string"), "name", openapi_reference(schemas, &hb__label__descriptor),
                  "list?", type("string"), "filter?",
                  list_of(openapi_reference(schemas, &directory__view_filter__descriptor)), "shared?", type("string"),
                  "department?", type("string"), NULL);
}

/* What describes itself: by the document that describes it. */
json_t *openapi_document(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "openapi", type("string"), "info", type("object"), "paths", type("object"),
                  "components", type("object"), "security", type("array"), "servers", type("array"), NULL);
}

json_t *openapi_submitted(json_t *schemas)
{
    json_t *slip = object(json_object(), "track", type("string"), "proof", type("string"), "qr", type("string"), NULL);
    return object(properties_of(schemas, &intake__submitted__descriptor), "case_id", type("string"), "site",
                  type("string"), "repeated_command?", type("boolean"), "slip?", slip, NULL);
}

json_t *openapi_held(json_t *schemas)
{
    return object(properties_but(schemas, &intake__held_list__descriptor, "rows", "waiting"), "rows",
                  list_of(openapi_reference(schemas, &intake__held__descriptor)), "waiting", type("integer"),
                  "unopened?", problem(), "masked?", type("boolean"), NULL);
}

json_t *openapi_refuse_held(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "reason", type("string"), NULL);
}

json_t *openapi_imported(json_t *schemas)
{
    json_t *refused = object(json_object(), "row", type("integer"), "problem", problem(), NULL);
    json_t *taken = object(properties_of(schemas, &intake__submitted__descriptor), "row", type("integer"), "case_id",
                           type("string"), "site", type("string"), "repeated_command?", type("boolean"), NULL);
    json_t *hidden = object(json_object(), "row", type("integer"), "hidden", type("boolean"), NULL);
    return object(json_object(), "results", list_of(json_pack("{s:[o, o, o]}", "anyOf", taken, hidden, refused)),
                  "imported", type("integer"), "existed", type("integer"), "differing", type("integer"), "refused",
                  type("integer"), NULL);
}

json_t *openapi_acted(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "case_id", type("string"), "version", type("string"), "stage", type("string"),
                  "repeated_command?", type("boolean"), NULL);
}

json_t *openapi_attached(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "id", type("string"), "case_id", type("string"), "name", type("string"), "type",
                  type("string"), "size", type("string"), "sha256", type("string"), "may_name_author", type("boolean"),
                  NULL);
}

json_t *openapi_attachments(json_t *schemas)
{
    json_t *row = properties_but(schemas, &casework__attachment__descriptor, "file", "file_name");
    return object(
        json_object(), "case_id", type("string"), "attachments",
        list_of(object(row, "id", type("string"), "name?", type("string"), "may_name_author", type("boolean"), NULL)),
        "may_attach", type("boolean"), "unopened?", problem(), NULL);
}

static json_t *timeline_event(json_t *schemas)
{
    return object(properties_of(schemas, &hb__event__descriptor), "withheld_fields?", list_of(type("string")), NULL);
}

json_t *openapi_file(json_t *schemas)
{
    json_t *page = properties_but(schemas, &casework__timeline__descriptor, "events", "withheld"); /* that: with each */
    json_t *timeline = object(page, "events", list_of(timeline_event(schemas)), NULL);
    return object(properties_of(schemas, &casework__case_file__descriptor), "timeline?", timeline, "unopened?",
                  problem(), "masked?", type("boolean"), NULL);
}

json_t *openapi_timeline(json_t *schemas)
{
    json_t *page = properties_but(schemas, &casework__timeline__descriptor, "events", "withheld");
    return object(page, "events?", list_of(timeline_event(schemas)), "case_id", type("string"), "unopened?", problem(),
                  "masked?", type("boolean"), NULL);
}

json_t *openapi_explained(json_t *schemas)
{
    json_t *routed = object(properties_of(schemas, &routing__case_routed__descriptor), "at?", instant(),
                            "rule_clauses?", list_of(type("string")), "department?", type("string"), NULL);
    json_t *routing = object(json_object(), "routed", list_of(routed), "clauses", list_of(type("string")), NULL);
    json_t *notice = object(properties_of(schemas, &notification__notice_state__descriptor), "label?",
                            openapi_reference(schemas, &hb__label__descriptor), "clauses?", list_of(type("string")),
                            "rule_clauses?", list_of(type("string")), "department?", type("string"), NULL);
    json_t *level =
        object(properties_of(schemas, &escalation__level_reached__descriptor), "at?", instant(), "acknowledged",
               type("boolean"), "cancelled", type("boolean"), "clauses?", list_of(type("string")), NULL);
    json_t *figure = object(json_object(), "field", type("string"), "is", type("string"), "clauses",
                            list_of(type("string")), "label?", openapi_reference(schemas, &hb__label__descriptor),
                            "value?", openapi_reference(schemas, &hb__value__descriptor), "state?", type("string"),
                            "indicator?", type("string"), "counts?", type("string"), "where?", type("string"),
                            "indicator_clauses?", list_of(type("string")), NULL);
    json_t *away = json_pack("{s:s, s:o}", "type", "object", "additionalProperties", problem());
    return object(json_object(), "case_id", type("string"), "number", type("string"), "site", type("string"),
                  "policy_version", type("integer"), "versions_taken?",
                  list_of(openapi_reference(schemas, &casework__version_taken__descriptor)), "routing?", routing,
                  "clocks?", list_of(openapi_reference(schemas, &watchdog__clock_state__descriptor)), "notices?",
                  list_of(notice), "levels?", list_of(level), "figures?", list_of(figure), "unavailable?", away, NULL);
}

json_t *openapi_documents(json_t *schemas)
{
    json_t *form = object(properties_of(schemas, &policy__document_def__descriptor), "issued",
                          list_of(openapi_reference(schemas, &casework__issued__descriptor)), NULL);
    return object(json_object(), "case_id", type("string"), "documents", list_of(form), NULL);
}

/* In both languages. */
static json_t *pair(void)
{
    return object(json_object(), "zh", type("string"), "en", type("string"), NULL);
}

json_t *openapi_form(json_t *schemas)
{
    (void)schemas;
    json_t *row = object(json_object(), "name", type("string"), "label", pair(), "value",
                         json_pack("{s:[o, o]}", "anyOf", type("string"), pair()), "at?", instant(), "sealed?",
                         type("boolean"), "withheld?", type("boolean"), NULL);
    json_t *block = object(json_object(), "name", type("string"), "title", pair(), "rows", list_of(row), NULL);
    return object(json_object(), "document", type("string"), "name", pair(), "code", type("string"), "class",
                  type("string"), "number", type("string"), "version", type("integer"), "draft", type("boolean"),
                  "letter", type("boolean"), "copies", list_of(pair()), "clauses", list_of(type("string")), "blocks",
                  list_of(block), "issued_at?", instant(), "masked?", type("boolean"), "unopened?", problem(), NULL);
}

json_t *openapi_changes(json_t *schemas)
{
    /* its place in the rings of all partitions, not its number in one */
    json_t *change = object(properties_of(schemas, &analytics__change__descriptor), "id", type("string"), NULL);
    return object(json_object(), "changes", list_of(change), "next", type("string"), "reset?", type("boolean"),
                  "stale?", type("boolean"), NULL);
}

json_t *openapi_kpi(json_t *schemas)
{
    return object(properties_of(schemas, &analytics__kpi__descriptor), "stale?", type("boolean"), NULL);
}

json_t *openapi_count(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "count", type("integer"), "stale?", type("boolean"), NULL);
}

json_t *openapi_definitions(json_t *schemas)
{
    json_t *one =
        object(json_object(), "name", type("string"), "definition", openapi_reference(schemas, &hb__label__descriptor),
               "unit", type("string"), "part", type("string"), "among?", type("string"), NULL);
    return object(json_object(), "figures", list_of(one), NULL);
}

json_t *openapi_changed(json_t *schemas)
{
    return object(json_object(), "site?", type("string"), "policy_version?", type("integer"), "coming?",
                  openapi_reference(schemas, &directory__coming_policy__descriptor), "warnings?",
                  list_of(openapi_reference(schemas, &hb__problem__descriptor)), "repeated_command?", type("boolean"),
                  NULL);
}

/* Of the command: site and version; of a preview the cases as well. */
json_t *openapi_moved(json_t *schemas)
{
    json_t *one = object(properties_of(schemas, &casework__moving_case__descriptor), "clocks",
                         list_of(openapi_reference(schemas, &watchdog__moved_clock__descriptor)), NULL);
    return object(json_object(), "site", type("string"), "policy_version", type("integer"), "repeated_command?",
                  type("boolean"), "dry_run?", type("boolean"), "cases?", list_of(one), "next?", type("string"), NULL);
}

json_t *openapi_indicators(json_t *schemas)
{
    return object(properties_of(schemas, &analytics__indicators__descriptor), "stale?", type("boolean"), NULL);
}

json_t *openapi_audit(json_t *schemas)
{
    return object(json_object(), "entries", list_of(openapi_reference(schemas, &analytics__audit_entry__descriptor)),
                  "cursor?", type("string"), "stale?", type("boolean"), NULL);
}

json_t *openapi_chains(json_t *schemas)
{
    json_t *log = object(properties_of(schemas, &hb__chain__descriptor), "service", type("string"), "partition",
                         type("integer"), "unavailable?", problem(), NULL);
    return object(json_object(), "logs", list_of(log), NULL);
}

json_t *openapi_year(json_t *schemas)
{
    return object(properties_of(schemas, &directory__year_published__descriptor), "repeated_command?", type("boolean"),
                  NULL);
}

json_t *openapi_labels(json_t *schemas)
{
    (void)schemas;
    json_t *label = object(json_object(), "place", type("string"), "address", type("string"), NULL);
    return object(json_object(), "labels", list_of(label), NULL);
}

json_t *openapi_holidays(json_t *schemas)
{
    (void)schemas;
    json_t *day =
        object(json_object(), "date", type("string"), "isOffDay", type("boolean"), "name?", type("string"), NULL);
    return object(json_object(), "year", type("integer"), "days", list_of(day), "papers?", type("array"), "$schema?",
                  type("string"), "$id?", type("string"), NULL);
}

/* As `hearback policy` prints it. */
static json_t *mistake(const char *more, json_t *schema)
{
    return object(json_object(), "file", type("string"), "line", type("integer"), "field", type("string"), "zh",
                  type("string"), "en", type("string"), more, schema, NULL);
}

json_t *openapi_checked(json_t *schemas)
{
    (void)schemas;
    return object(json_object(), "sound", type("boolean"), "mistakes", list_of(mistake("warning", type("boolean"))),
                  NULL);
}

json_t *openapi_differs(json_t *schemas)
{
    (void)schemas;
    json_t *item = object(json_object(), "what", type("string"), "path", type("string"), "item", type("string"), "text",
                          type("string"), "loosens", type("boolean"), NULL);
    return object(json_object(), "items", list_of(item), "version", type("integer"), "kept", type("boolean"), NULL);
}

json_t *openapi_rehearsed(json_t *schemas)
{
    (void)schemas;
    json_t *difference = object(json_object(), "line", type("integer"), "field", type("string"), "zh", type("string"),
                                "en", type("string"), NULL);
    json_t *run = object(json_object(), "clauses", list_of(type("string")), "zh", type("string"), "en", type("string"),
                         "row", type("string"), "file", type("string"), "line", type("integer"), "as_expected",
                         type("boolean"), "difference?", difference, NULL);
    return object(json_object(), "runs", list_of(run), "rehearsed", type("integer"), "different", type("integer"),
                  "mistakes",
                  list_of(object(json_object(), "file", type("string"), "line", type("integer"), "field",
                                 type("string"), "zh", type("string"), "en", type("string"), NULL)),
                  NULL);
}

json_t *openapi_policies(json_t *schemas)
{
    return object(json_object(), "policies", list_of(openapi_reference(schemas, &directory__site_policy__descriptor)),
                  NULL);
}
