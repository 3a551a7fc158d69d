#include "message/message.h"

#include <inttypes.h>

/* ---- the scan before unpacking ---- */

struct scan {
    const uint8_t *start;
    unsigned fields;
    struct arena *arena;
    char **why_out;
};

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

static enum err wrong(struct scan *scan, const uint8_t *at, const char *what)
{
    *scan->why_out = arena_printf(scan->arena, "byte %zu: %s", (size_t)(at - scan->start), what);
    return ERR_MALFORMED;
}

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value_out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

static enum err scan_message(struct scan *scan, const ProtobufCMessageDescriptor *descriptor, const uint8_t *at,
                             const uint8_t *end, unsigned depth);

static enum err scan_bytes(struct scan *scan, const ProtobufCFieldDescriptor *field, const uint8_t *at, size_t size,
                           unsigned depth)
{
    if (field && field->type == PROTOBUF_C_TYPE_STRING && !utf8_valid((const char *)at, size))
        return wrong(scan, at, "a text is not UTF-8 without NUL");
    if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
        return scan_message(scan, field->descriptor, at, at + size, depth + 1);
    return ERR_NONE;
}

static enum err scan_message(struct scan *scan, const ProtobufCMessageDescriptor *descriptor, const uint8_t *at,
                             const uint8_t *end, unsigned depth)
{
    if (depth > MESSAGE_DEPTH_MAX)
        return wrong(scan, at, "nested deeper than 16");
    while (at < end) {
        const uint8_t *tag_at = at;
        uint64_t tag, size;
        if (!read_varint(&at, end, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
            return wrong(scan, tag_at, "no field tag");
        if (++scan->fields > MESSAGE_FIELDS_MAX)
            return wrong(scan, tag_at, "more than 65536 fields");
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(descriptor, (unsigned)(tag >> 3));
        switch (tag & 7) {
        case WIRE_VARINT:
            if (!read_varint(&at, end, &size))
                return wrong(scan, tag_at, "a number is cut off or too long");
            break;
        case WIRE_FIXED64:
        case WIRE_FIXED32:
            size = (tag & 7) == WIRE_FIXED64 ? 8 : 4;
            if ((size_t)(end - at) < size)
                return wrong(scan, tag_at, "a number is cut off");
            at += size;
            break;
        case WIRE_BYTES: {
            if (!read_varint(&at, end, &size) || size > (size_t)(end - at))
                return wrong(scan, tag_at, "a length goes beyond the end");
            enum err err = scan_bytes(scan, field, at, size, depth);
            if (err)
                return err;
            at += size;
            break;
        }
        default:
            return wrong(scan, tag_at, "groups are not known");
        }
    }
    return ERR_NONE;
}

/* ---- unpacking into an arena with a cap ---- */

struct room {
    struct arena *arena;
    bool full; /* something was asked for that the cap does not allow */
};

static void *allocate(void *context, size_t size)
{
    struct room *room = context;
    void *memory = arena_try(room->arena, size);
    room->full = room->full || !memory;
    return memory;
}

static void keep(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

static enum err unpack(const ProtobufCMessageDescriptor *descriptor, struct bytes stored, size_t bytes_max,
                       struct arena *arena, ProtobufCMessage **message_out, char **why_out)
{
    struct scan scan = {stored.data, 0, arena, why_out};
    *why_out = NULL;
    enum err err = scan_message(&scan, descriptor, stored.data, stored.data + stored.size, 1);
    if (err)
        return err;
    size_t cap_before = arena->cap, cap = arena->used + bytes_max;
    if (cap_before == 0 || cap < cap_before)
        arena->cap = cap;
    struct room room = {arena, false};
    ProtobufCAllocator allocator = {allocate, keep, &room};
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, stored.size, stored.data);
    arena->cap = cap_before;
    if (!message) {
        *why_out =
            arena_printf(arena, room.full ? "it takes too much memory" : "it is not a %s", descriptor->short_name);
        return room.full ? ERR_TOO_LARGE : ERR_MALFORMED;
    }
    *message_out = message;
    return ERR_NONE;
}

enum err message_unpack(const ProtobufCMessageDescriptor *descriptor, struct bytes stored, struct arena *arena,
                        ProtobufCMessage **message_out, char **why_out)
{
    return unpack(descriptor, stored, stored.size * MESSAGE_CAP_FACTOR + MESSAGE_CAP_EXTRA, arena, message_out,
                  why_out);
}

enum err message_load(const ProtobufCMessageDescriptor *descriptor, struct bytes stored, struct arena *arena,
                      ProtobufCMessage **message_out, char **why_out)
{
    return unpack(descriptor, stored, MESSAGE_LOAD_BYTES_MAX, arena, message_out, why_out);
}

struct bytes message_pack(const ProtobufCMessage *message, struct arena *arena)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = arena_alloc(arena, size);
    protobuf_c_message_pack(message, packed);
    return bytes_of(packed, size);
}

ProtobufCMessage *message_copy(const ProtobufCMessage *message, struct arena *arena)
{
    struct bytes packed = message_pack(message, arena);
    struct room room = {arena, false};
    ProtobufCAllocator allocator = {allocate, keep, &room};
    ProtobufCMessage *copy = protobuf_c_message_unpack(message->descriptor, &allocator, packed.size, packed.data);
    bug_unless(copy);
    return copy;
}

/* ---- walking ---- */

bool message_field_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *base = (const char *)message;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count;
        memcpy(&count, base + field->quantifier_offset, sizeof count);
        return count > 0;
    }
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        int arm;
        memcpy(&arm, base + field->quantifier_offset, sizeof arm);
        return arm == (int)field->id;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING) {
        const char *pointer;
        memcpy(&pointer, base + field->offset, sizeof pointer);
        return pointer && (field->type == PROTOBUF_C_TYPE_MESSAGE || *pointer);
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData data;
        memcpy(&data, base + field->offset, sizeof data);
        return data.len > 0;
    }
    uint64_t value = 0;
    bool wide = field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_SINT64 ||
                field->type == PROTOBUF_C_TYPE_SFIXED64 || field->type == PROTOBUF_C_TYPE_UINT64 ||
                field->type == PROTOBUF_C_TYPE_FIXED64 || field->type == PROTOBUF_C_TYPE_DOUBLE;
    memcpy(&value, base + field->offset, wide ? 8 : 4);
    return value != 0;
}

void message_visit(ProtobufCMessage *message, message_visit_fn *visit, void *context)
{
    visit(message, context);
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || !message_field_set(message, field))
            continue;
        char *at = (char *)message + field->offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count;
            ProtobufCMessage **list;
            memcpy(&count, (char *)message + field->quantifier_offset, sizeof count);
            memcpy(&list, at, sizeof list);
            for (size_t n = 0; n < count; n++)
                message_visit(list[n], visit, context);
        } else {
            ProtobufCMessage *one;
            memcpy(&one, at, sizeof one);
            message_visit(one, visit, context);
        }
    }
}
