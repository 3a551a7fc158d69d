#include "body.h"

#include "problem.h"
#include "json/json.h"

/* ---- the short form ---- */

static json_t *wrap(const char *name, json_t *inner)
{
    json_t *outer = json_object();
    json_object_set(outer, name, inner);
    return outer;
}

static json_t *wrap_value(const char *kind, json_t *inner)
{
    json_t *value = wrap(kind, inner), *outer = wrap("value", value);
    json_decref(value);
    return outer;
}

static json_t *text_list(json_t *array)
{
    json_t *list = wrap("text", array), *outer = wrap_value("texts", list);
    json_decref(list);
    return outer;
}

/* One field: text goes as a form sends it, and the service types it by the policy. */
static json_t *field_of(const char *name, json_t *content)
{
    char number[32];
    json_t *field;
    if (json_is_string(content)) {
        json_t *text = wrap("plain", content);
        field = wrap("text", text);
        json_decref(text);
    } else if (json_is_boolean(content)) {
        field = wrap_value("yes", content);
    } else if (json_is_integer(content)) {
        field = wrap_value("number", content);
    } else if (json_is_real(content)) { /* an amount of money */
        snprintf(number, sizeof number, "%.2f", json_real_value(content));
        field = json_pack("{s:{s:s}}", "text", "plain", number);
    } else if (json_is_array(content)) {
        field = text_list(content);
    } else if (json_is_object(content)) {
        field = json_copy(content);
    } else {
        field = json_object(); /* null: the field is emptied */
    }
    json_object_set_new(field, "name", json_string(name));
    return field;
}

static json_t *fields_of(json_t *object)
{
    const char *name;
    json_t *content, *list = json_array();
    json_object_foreach(object, name, content)
        json_array_append_new(list, field_of(name, content));
    return list;
}

static json_t *expand(json_t *json, const ProtobufCMessageDescriptor *descriptor);

static json_t *expand_field(json_t *value, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *inner = field->descriptor;
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return expand(value, inner);
    if (inner == &hb__field__descriptor && json_is_object(value)) {
        json_t *list = fields_of(value);
        return list;
    }
    json_t *list = json_array(), *item;
    size_t i;
    if (!json_is_array(value)) { /* the reader will say that a list is accepted */
        json_decref(list);
        return json_incref(value);
    }
    json_array_foreach(value, i, item)
        json_array_append_new(list, expand(item, inner));
    return list;
}

/* A new reference. Only as deep as the messages are, which are not recursive. */
static json_t *expand(json_t *json, const ProtobufCMessageDescriptor *descriptor)
{
    const char *name;
    json_t *value;
    if (descriptor == &hb__personal__descriptor && json_is_string(json))
        return wrap("plain", json);
    if (!json_is_object(json))
        return json_incref(json);
    json_t *whole = json_object();
    json_object_foreach(json, name, value) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(descriptor, name);
        if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
            json_object_set_new(whole, name, expand_field(value, field));
        else
            json_object_set(whole, name, value);
    }
    return whole;
}

/* ---- bodies ---- */

static const Hb__Refusal *malformed(struct http_request *request, const char *path, const char *where, const char *why)
{
    struct arena *arena = &request->arena;
    bool both = *path && where && *where;
    char *field = arena_printf(arena, "%s%s%s", path, both ? "." : "", where ? where : "");
    Hb__Refusal *refusal = problem_new(request, 400, "malformed", arena_printf(arena, "%s 处无法理解：%s", field, why),
                                       arena_printf(arena, "at \"%s\": %s", field, why));
    refusal->field = field;
    return refusal;
}

ProtobufCMessage *body_message(struct http_request *request, json_t *json, const ProtobufCMessageDescriptor *descriptor,
                               const char *path, const Hb__Refusal **refused_out)
{
    ProtobufCMessage *message = NULL;
    char *where = NULL, *why = NULL;
    json_t *whole = expand(json, descriptor);
    enum err err = json_to_message(whole, descriptor, &request->arena, &message, &where, &why);
    json_decref(whole);
    json_decref(json);
    if (!err)
        return message;
    *refused_out = malformed(request, path, where, why ? why : err_text(err));
    return NULL;
}

json_t *body_object(struct http_request *request, bool may_be_absent)
{
    if (may_be_absent && request->body.size == 0)
        return json_object();
    json_t *json = http_json_read(request);
    if (!json || json_is_object(json))
        return json;
    json_decref(json);
    problem_say(request, 400, "malformed", "请求正文须为 JSON 对象", "the body must be a JSON object");
    return NULL;
}

const char *body_take_text(struct http_request *request, json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (value && !json_is_string(value)) {
        problem_respond(request, malformed(request, "", name, "a text is accepted"));
        return NULL;
    }
    char *text = arena_strdup(&request->arena, json_string_value(value));
    json_object_del(object, name);
    return text;
}
