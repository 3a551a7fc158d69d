#include "message/internal.h"

static enum err unpack(const ProtobufCMessageDescriptor *descriptor, struct bytes stored, size_t bytes_max,
                       struct arena *arena, ProtobufCMessage **message_out, char **why_out)
{
    size_t cap_before = arena->cap, cap = arena->used + bytes_max;
    if (cap_before == 0 || cap < cap_before)
        arena->cap = cap;
    enum err err = message_decode(descriptor, stored, arena, message_out, why_out);
    arena->cap = cap_before;
    if (err == ERR_TOO_LARGE)
        *why_out = arena_printf(arena, "it takes too much memory");
    return err;
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
    ProtobufCMessage *copy;
    char *why;
    bug_unless(message_decode(message->descriptor, message_pack(message, arena), arena, &copy, &why) == ERR_NONE);
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
