#include "json/json.h"

#include "base/json_text.h"
#include "calendar/calendar.h"
#include "message/message.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- instants ---- */

static const struct {
    const char *proto, *json;
} instants[] = {
    {"at_ms", "at"},
    {"time_ms", "time"},
    {"as_of_ms", "as_of"},
    {"received_ms", "received_at"},
    {"received_from_ms", "received_from"},
    {"received_to_ms", "received_to"},
    {"registered_ms", "registered_at"},
    {"refused_ms", "refused_at"},
    {"oldest_ms", "oldest_at"},
    {"closed_ms", "closed_at"},
    {"due_ms", "due_at"},
    {"open_due_ms", "open_due_at"},
    {"responded_ms", "responded_at"},
    {"start_ms", "start_at"},
    {"met_ms", "met_at"},
    {"queued_ms", "queued_at"},
    {"done_ms", "done_at"},
    {"recorded_ms", "recorded_at"},
    {"occurred_ms", "occurred_at"},
    {"since_ms", "since"},
    {"next_ms", "next_at"},
    {"moved_from_ms", "moved_from"},
    {"begun_ms", "begun_at"},
    {"ended_ms", "ended_at"},
    {"token_expires_ms", "token_expires_at"},
    {"created_ms", "created_at"},
    {"verified_ms", "verified_at"},
    {"expires_ms", "expires_at"},
};
#define INSTANTS (sizeof instants / sizeof *instants)

static const char *json_name(const char *proto)
{
    for (size_t i = 0; i < INSTANTS; i++)
        if (strcmp(instants[i].proto, proto) == 0)
            return instants[i].json;
    return NULL;
}

/* Years 1 to 9999, less a day either way for the offset. Beyond, no RFC 3339 text can tell the instant. */
#define TELLABLE_FROM_MS (-62135510400000ll)
#define TELLABLE_TO_MS 253402214400000ll

static bool tellable(int64_t ms)
{
    return ms >= TELLABLE_FROM_MS && ms < TELLABLE_TO_MS;
}

const char *json_field_name(const ProtobufCFieldDescriptor *field, bool *instant_out)
{
    const char *name = json_name(field->name);
    *instant_out = name != NULL;
    return name ? name : field->name;
}

char *json_time_text(const struct zone *zone, int64_t ms, struct arena *arena)
{
    ms = ms < TELLABLE_FROM_MS ? TELLABLE_FROM_MS : ms >= TELLABLE_TO_MS ? TELLABLE_TO_MS - 1 : ms;
    /* Local mean times have seconds in their offset and RFC 3339 has none: shown is the clock of the whole minutes, so
       that the instant stays exact. */
    int32_t offset = zone_offset_s(zone, ms) / 60;
    int64_t local = ms + offset * MINUTE_MS;
    int32_t date = date_of_local(local);
    int year, month, day, of_day = (int)(local - (int64_t)date * DAY_MS), second = of_day / 1000;
    date_split(date, &year, &month, &day);
    char *text = arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, second / 3600, second / 60 % 60,
                              second % 60);
    if (of_day % 1000)
        text = arena_printf(arena, "%s.%03d", text, of_day % 1000);
    if (offset == 0)
        return arena_printf(arena, "%sZ", text);
    int away = offset < 0 ? -offset : offset;
    return arena_printf(arena, "%s%c%02d:%02d", text, offset < 0 ? '-' : '+', away / 60, away % 60);
}

/* Two digits from 00 to `most`. */
static bool read_two(const char **at, int most, int64_t *out)
{
    for (int i = 0; i < 2; i++)
        if ((*at)[i] < '0' || (*at)[i] > '9')
            return false;
    *out = ((*at)[0] - '0') * 10 + (*at)[1] - '0';
    *at += 2;
    return *out <= most;
}

/* hh:mm[:ss[.fraction]] in ms of the day */
static bool read_clock(const char **at, int64_t *ms_out)
{
    int64_t hour, minute, second = 0, scale = 100, fraction = 0;
    if (!read_two(at, 23, &hour) || *(*at)++ != ':' || !read_two(at, 59, &minute))
        return false;
    if (**at == ':') {
        (*at)++;
        if (!read_two(at, 59, &second))
            return false;
        if (**at == '.' && (*at)[1] >= '0' && (*at)[1] <= '9')
            for ((*at)++; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
                fraction += (**at - '0') * scale;
    }
    *ms_out = hour * HOUR_MS + minute * MINUTE_MS + second * 1000 + fraction;
    return true;
}

bool json_time_parse(const char *text, const struct zone *zone, int64_t *ms_out)
{
    int64_t of_day = 0, away_hours, away_minutes;
    int32_t date;
    char head[11] = "";
    if (strlen(text) < 10)
        return false;
    memcpy(head, text, 10);
    if (!date_parse(head, &date))
        return false;
    const char *at = text + 10;
    if (*at == 'T' || *at == ' ') {
        at++;
        if (!read_clock(&at, &of_day))
            return false;
    }
    int64_t local = (int64_t)date * DAY_MS + of_day;
    if (!*at) {
        *ms_out = zone_utc_ms(zone, local);
        return true;
    }
    if (strcmp(at, "Z") == 0) {
        *ms_out = local;
        return true;
    }
    int sign = *at == '-' ? -1 : *at == '+' ? 1 : 0;
    at++;
    if (!sign || !read_two(&at, 23, &away_hours) || *at++ != ':' || !read_two(&at, 59, &away_minutes) || *at)
        return false;
    *ms_out = local - sign * (away_hours * HOUR_MS + away_minutes * MINUTE_MS);
    return true;
}

/* ---- message -> JSON ---- */

static bool is_wide(ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_SINT64 || type == PROTOBUF_C_TYPE_SFIXED64;
}

static bool is_unsigned_wide(ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_FIXED64;
}

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static json_t *wide_text(int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    return json_string(text);
}

static json_t *scalar(const ProtobufCFieldDescriptor *field, const void *at, const struct zone *zone)
{
    char text[24];
    if (is_wide(field->type) || (field->type == PROTOBUF_C_TYPE_FIXED64 && json_name(field->name))) {
        int64_t value;
        memcpy(&value, at, sizeof value);
        if (!json_name(field->name) || !tellable(value))
            return wide_text(value);
        struct arena arena;
        arena_init(&arena);
        json_t *time = json_string(json_time_text(zone, value, &arena));
        arena_fini(&arena);
        return time;
    }
    if (is_unsigned_wide(field->type)) {
        uint64_t value;
        memcpy(&value, at, sizeof value);
        snprintf(text, sizeof text, "%" PRIu64, value);
        return json_string(text);
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL: {
        protobuf_c_boolean value;
        memcpy(&value, at, sizeof value);
        return json_boolean(value);
    }
    case PROTOBUF_C_TYPE_ENUM: {
        int value;
        memcpy(&value, at, sizeof value);
        const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(field->descriptor, value);
        return known ? json_string(known->name) : json_integer(value);
    }
    case PROTOBUF_C_TYPE_STRING: {
        const char *value;
        memcpy(&value, at, sizeof value);
        return json_string(value ? value : "");
    }
    case PROTOBUF_C_TYPE_BYTES: {
        ProtobufCBinaryData value;
        memcpy(&value, at, sizeof value);
        size_t room = sodium_base64_ENCODED_LEN(value.len, sodium_base64_VARIANT_ORIGINAL);
        char *encoded = malloc(room);
        bug_unless(encoded);
        sodium_bin2base64(encoded, room, value.data, value.len, sodium_base64_VARIANT_ORIGINAL);
        json_t *json = json_string(encoded);
        free(encoded);
        return json;
    }
    case PROTOBUF_C_TYPE_MESSAGE: {
        const ProtobufCMessage *value;
        memcpy(&value, at, sizeof value);
        return json_from_message(value, zone);
    }
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: {
        uint32_t value;
        memcpy(&value, at, sizeof value);
        return json_integer(value);
    }
    default: {
        int32_t value;
        memcpy(&value, at, sizeof value);
        return json_integer(value);
    }
    }
}

/* A count that is 0 and a condition that is no are said: a reader should not have to know which names there are. */
static bool said_when_zero(const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED || field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ||
        json_name(field->name))
        return false;
    return field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_UINT64 ||
           field->type == PROTOBUF_C_TYPE_BOOL;
}

json_t *json_from_message(const ProtobufCMessage *message, const struct zone *zone)
{
    json_t *json = json_object();
    for (unsigned i = 0; message && i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *name = json_name(field->name);
        if (!message_field_set(message, field) && !said_when_zero(field))
            continue;
        const char *at = (const char *)message + field->offset;
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            json_object_set_new(json, name ? name : field->name, scalar(field, at, zone));
            continue;
        }
        size_t count;
        const char *items;
        memcpy(&count, (const char *)message + field->quantifier_offset, sizeof count);
        memcpy(&items, at, sizeof items);
        json_t *list = json_array();
        for (size_t n = 0; n < count; n++)
            json_array_append_new(list, scalar(field, items + n * size_of(field->type), zone));
        json_object_set_new(json, name ? name : field->name, list);
    }
    return json;
}

/* ---- JSON -> message ---- */

struct reading {
    struct arena *arena;
    char *path, *why;
};

static enum err wrong(struct reading *reading, const char *path, const char *why)
{
    reading->path = arena_strdup(reading->arena, path);
    reading->why = arena_strdup(reading->arena, why);
    return ERR_MALFORMED;
}

static enum err read_message(struct reading *reading, json_t *json, const ProtobufCMessageDescriptor *descriptor,
                             const char *path, unsigned depth, ProtobufCMessage **out);

/* A whole number as JSON or as text, of the 64 bits with or without sign. */
static bool read_integer(json_t *json, bool natural, int64_t *out)
{
    if (json_is_integer(json)) {
        *out = json_integer_value(json);
        return !natural || *out >= 0;
    }
    const char *text = json_string_value(json);
    bool minus = text && *text == '-';
    char *end;
    if (!text || text[minus] < '0' || text[minus] > '9' || (natural && minus))
        return false;
    errno = 0;
    *out = natural ? (int64_t)strtoull(text, &end, 10) : strtoll(text, &end, 10);
    return !*end && errno == 0;
}

static enum err read_bytes(struct reading *reading, json_t *json, const char *path, void *at)
{
    const char *text = json_string_value(json);
    size_t room = text ? strlen(text) : 0, size;
    ProtobufCBinaryData value = {0, arena_alloc(reading->arena, room + 1)};
    if (!text || sodium_base642bin(value.data, room + 1, text, room, NULL, &size, NULL, sodium_base64_VARIANT_ORIGINAL))
        return wrong(reading, path, "base64 text is accepted");
    value.len = size;
    memcpy(at, &value, sizeof value);
    return ERR_NONE;
}

static enum err read_enum(struct reading *reading, json_t *json, const ProtobufCFieldDescriptor *field,
                          const char *path, void *at)
{
    const ProtobufCEnumDescriptor *descriptor = field->descriptor;
    const char *text = json_string_value(json);
    const ProtobufCEnumValue *value = text ? protobuf_c_enum_descriptor_get_value_by_name(descriptor, text) : NULL;
    json_int_t number = json_integer_value(json);
    if (!value && json_is_integer(json) && number >= INT_MIN && number <= INT_MAX)
        value = protobuf_c_enum_descriptor_get_value(descriptor, (int)number);
    if (!value) {
        char *all = arena_strdup(reading->arena, "accepted:");
        for (unsigned i = 0; i < descriptor->n_values; i++)
            all = arena_printf(reading->arena, "%s %s", all, descriptor->values[i].name);
        return wrong(reading, path, all);
    }
    memcpy(at, &value->value, sizeof value->value);
    return ERR_NONE;
}

static enum err read_number(struct reading *reading, json_t *json, const ProtobufCFieldDescriptor *field,
                            const char *path, void *at)
{
    int64_t value;
    bool named = json_name(field->name), wide = size_of(field->type) == 8;
    bool natural = is_unsigned_wide(field->type) || field->type == PROTOBUF_C_TYPE_UINT32 ||
                   field->type == PROTOBUF_C_TYPE_FIXED32;
    bool instant = named && json_is_string(json) && json_time_parse(json_string_value(json), NULL, &value);
    if (!instant && !read_integer(json, natural && wide && !named, &value))
        return wrong(reading, path,
                     named     ? "a time is accepted, as 2025-03-10T17:00:00+08:00"
                     : natural ? "a whole number from 0 is accepted"
                               : "a whole number is accepted");
    if (wide) {
        memcpy(at, &value, 8);
        return ERR_NONE;
    }
    if (value < (natural ? 0 : INT32_MIN) || value > (natural ? (int64_t)UINT32_MAX : INT32_MAX))
        return wrong(reading, path,
                     natural ? "a number from 0 to 4294967295 is accepted" : "a 32-bit number is accepted");
    uint32_t narrow = (uint32_t)value;
    memcpy(at, &narrow, 4);
    return ERR_NONE;
}

static enum err read_scalar(struct reading *reading, json_t *json, const ProtobufCFieldDescriptor *field,
                            const char *path, unsigned depth, void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL: {
        protobuf_c_boolean value = json_is_true(json);
        if (!json_is_boolean(json))
            return wrong(reading, path, "true or false is accepted");
        memcpy(at, &value, sizeof value);
        return ERR_NONE;
    }
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(reading, json, field, path, at);
    case PROTOBUF_C_TYPE_STRING: {
        if (!json_is_string(json) || strlen(json_string_value(json)) != json_string_length(json))
            return wrong(reading, path, "a text is accepted");
        char *value = arena_strdup(reading->arena, json_string_value(json));
        memcpy(at, &value, sizeof value);
        return ERR_NONE;
    }
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(reading, json, path, at);
    case PROTOBUF_C_TYPE_MESSAGE: {
        ProtobufCMessage *value;
        enum err err = read_message(reading, json, field->descriptor, path, depth + 1, &value);
        if (!err)
            memcpy(at, &value, sizeof value);
        return err;
    }
    default:
        return read_number(reading, json, field, path, at);
    }
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor, const char *key)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const char *name = json_name(descriptor->fields[i].name);
        if (strcmp(descriptor->fields[i].name, key) == 0 || (name && strcmp(name, key) == 0))
            return &descriptor->fields[i];
    }
    return NULL;
}

static enum err unknown(struct reading *reading, const ProtobufCMessageDescriptor *descriptor, const char *path)
{
    char *all = arena_strdup(reading->arena, "not known here; accepted:");
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const char *name = json_name(descriptor->fields[i].name);
        all = arena_printf(reading->arena, "%s %s", all, name ? name : descriptor->fields[i].name);
    }
    return wrong(reading, path, all);
}

static enum err read_field(struct reading *reading, json_t *json, const ProtobufCFieldDescriptor *field,
                           const char *path, unsigned depth, ProtobufCMessage *message)
{
    char *at = (char *)message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = json_array_size(json), each = size_of(field->type);
        if (!json_is_array(json))
            return wrong(reading, path, "a list is accepted");
        char *items = arena_zero(reading->arena, (count + 1) * each);
        for (size_t i = 0; i < count; i++) {
            enum err err = read_scalar(reading, json_array_get(json, i), field,
                                       arena_printf(reading->arena, "%s[%zu]", path, i), depth, items + i * each);
            if (err)
                return err;
        }
        memcpy(at, &items, sizeof items);
        memcpy((char *)message + field->quantifier_offset, &count, sizeof count);
        return ERR_NONE;
    }
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        int arm;
        memcpy(&arm, (char *)message + field->quantifier_offset, sizeof arm);
        if (arm)
            return wrong(reading, path, "only one of the alternatives is accepted");
        arm = (int)field->id;
        memcpy((char *)message + field->quantifier_offset, &arm, sizeof arm);
    }
    return read_scalar(reading, json, field, path, depth, at);
}

static enum err read_message(struct reading *reading, json_t *json, const ProtobufCMessageDescriptor *descriptor,
                             const char *path, unsigned depth, ProtobufCMessage **out)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        return wrong(reading, path, "an object is accepted");
    if (depth > MESSAGE_DEPTH_MAX)
        return wrong(reading, path, "nested too deep");
    ProtobufCMessage *message = arena_alloc(reading->arena, descriptor->sizeof_message);
    descriptor->message_init(message);
    json_object_foreach(json, key, value) {
        const ProtobufCFieldDescriptor *field = find_field(descriptor, key);
        char *inner = *path ? arena_printf(reading->arena, "%s.%s", path, key) : arena_strdup(reading->arena, key);
        enum err err = !field                ? unknown(reading, descriptor, inner)
                       : json_is_null(value) ? ERR_NONE
                                             : read_field(reading, value, field, inner, depth, message);
        if (err)
            return err;
    }
    *out = message;
    return ERR_NONE;
}

enum err json_to_message(json_t *json, const ProtobufCMessageDescriptor *descriptor, struct arena *arena,
                         ProtobufCMessage **message_out, char **path_out, char **why_out)
{
    struct reading reading = {.arena = arena};
    enum err err = read_message(&reading, json, descriptor, "", 1, message_out);
    *path_out = reading.path;
    *why_out = reading.why;
    return err;
}

enum err json_parse(struct bytes text, struct arena *arena, json_t **json_out, char **why_out)
{
    json_error_t error;
    unsigned line;
    const char *what;
    if (!json_text_bounded(text, &line, &what)) {
        *why_out = arena_printf(arena, "line %u: %s", line, what);
        return ERR_MALFORMED;
    }
    json_t *json = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        *why_out = arena_printf(arena, "line %d, column %d: %s", error.line, error.column, error.text);
        return ERR_MALFORMED;
    }
    *json_out = json;
    return ERR_NONE;
}
