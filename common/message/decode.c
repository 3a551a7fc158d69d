/* The wire form of proto3, read once along the descriptor: what is checked and what is built come from the same bytes.
   protobuf-c's own reader has no recursion limit, accepts what is not UTF-8, and reads everything twice with scratch
   memory for each field: it was a third of all processor time. The structs are protobuf-c's; a message field that comes
   twice is read on into the same message, which is the merging that protobuf asks for. */
#include "message/internal.h"

#include <inttypes.h>

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct decoder {
    const uint8_t *start;
    struct arena *arena;
    unsigned fields;
    enum err err; /* the first one; its text is in *why_out */
    char **why_out;
};

/* One field on the wire: a number, or bytes. */
struct raw {
    const uint8_t *at; /* its tag */
    uint32_t id;
    enum wire wire;
    uint64_t number;
    struct bytes bytes, whole; /* whole: with the length before it */
};

/* The cap is for the message: what is wrong with it can be said though nothing is left of that. */
static bool wrong_field(struct decoder *decoder, const uint8_t *at, const char *field, const char *what)
{
    if (decoder->err)
        return false;
    size_t cap = decoder->arena->cap;
    decoder->arena->cap = 0;
    *decoder->why_out = arena_printf(decoder->arena, "byte %zu: %s%s", (size_t)(at - decoder->start), field, what);
    decoder->arena->cap = cap;
    decoder->err = ERR_MALFORMED;
    return false;
}

static bool wrong(struct decoder *decoder, const uint8_t *at, const char *what)
{
    return wrong_field(decoder, at, "", what);
}

/* Within the cap; NULL: it takes too much memory. */
static void *take(struct decoder *decoder, size_t size)
{
    void *memory = arena_try(decoder->arena, size);
    if (!memory && !decoder->err)
        decoder->err = ERR_TOO_LARGE;
    return memory;
}

/* ---- the wire ---- */

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value_out)
{
    uint64_t value = 0;
    if (*at < end && !(**at & 0x80)) { /* most are short */
        *value_out = *(*at)++;
        return true;
    }
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

static bool read_fixed(const uint8_t **at, const uint8_t *end, unsigned size, uint64_t *value_out)
{
    if ((size_t)(end - *at) < size)
        return false;
    *value_out = 0;
    for (unsigned i = 0; i < size; i++)
        *value_out |= (uint64_t)(*at)[i] << (8 * i);
    *at += size;
    return true;
}

static bool read_raw(struct decoder *decoder, const uint8_t **at, const uint8_t *end, struct raw *raw)
{
    uint64_t tag;
    *raw = (struct raw){.at = *at};
    if (!read_varint(at, end, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        return wrong(decoder, raw->at, "no field tag");
    if (++decoder->fields > MESSAGE_FIELDS_MAX)
        return wrong(decoder, raw->at, "more than 65536 fields");
    raw->id = (uint32_t)(tag >> 3);
    raw->wire = (enum wire)(tag & 7);
    const uint8_t *from = *at;
    switch (tag & 7) {
    case WIRE_VARINT:
        if (!read_varint(at, end, &raw->number))
            return wrong(decoder, raw->at, "a number is cut off or too long");
        break;
    case WIRE_FIXED64:
    case WIRE_FIXED32:
        if (!read_fixed(at, end, raw->wire == WIRE_FIXED64 ? 8 : 4, &raw->number))
            return wrong(decoder, raw->at, "a number is cut off");
        break;
    case WIRE_BYTES:
        if (!read_varint(at, end, &raw->number) || raw->number > (size_t)(end - *at))
            return wrong(decoder, raw->at, "a length goes beyond the end");
        raw->bytes = bytes_of(*at, raw->number);
        *at += raw->number;
        break;
    default:
        return wrong(decoder, raw->at, "groups are not known");
    }
    raw->whole = bytes_of(from, (size_t)(*at - from));
    return true;
}

/* ---- values ---- */

static enum wire wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_FIXED32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_FIXED64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
        break;
    }
    return WIRE_VARINT;
}

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return 8;
}

static void put_number(ProtobufCType type, uint64_t number, void *place)
{
    uint32_t low = (uint32_t)number;
    protobuf_c_boolean yes = number != 0;
    if (type == PROTOBUF_C_TYPE_SINT32)
        low = (low >> 1) ^ -(low & 1);
    if (type == PROTOBUF_C_TYPE_SINT64)
        number = (number >> 1) ^ -(number & 1);
    if (type == PROTOBUF_C_TYPE_BOOL)
        memcpy(place, &yes, sizeof yes);
    else if (size_of(type) == 4)
        memcpy(place, &low, sizeof low);
    else
        memcpy(place, &number, sizeof number);
}

static bool put_text(struct decoder *decoder, const struct raw *raw, char **place)
{
    if (!utf8_valid((const char *)raw->bytes.data, raw->bytes.size))
        return wrong(decoder, raw->bytes.data, "a text is not UTF-8 without NUL");
    char *text = take(decoder, raw->bytes.size + 1);
    if (!text)
        return false;
    if (raw->bytes.size)
        memcpy(text, raw->bytes.data, raw->bytes.size);
    text[raw->bytes.size] = 0;
    *place = text;
    return true;
}

static bool put_bytes(struct decoder *decoder, struct bytes bytes, ProtobufCBinaryData *place)
{
    uint8_t *copy = bytes.size ? take(decoder, bytes.size) : NULL;
    if (bytes.size && !copy)
        return false;
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    *place = (ProtobufCBinaryData){bytes.size, copy};
    return true;
}

static ProtobufCMessage *message_new(struct decoder *decoder, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = take(decoder, descriptor->sizeof_message);
    if (message)
        descriptor->message_init(message);
    return message;
}

/* ---- fields ---- */

static bool read_message(struct decoder *decoder, ProtobufCMessage *message, struct bytes stored, unsigned depth);

/* Whether the field is there already: only a message is then read on. */
static bool put_value(struct decoder *decoder, const ProtobufCFieldDescriptor *field, const struct raw *raw,
                      void *place, bool there, unsigned depth)
{
    ProtobufCMessage *message = NULL;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return put_text(decoder, raw, place);
    case PROTOBUF_C_TYPE_BYTES:
        return put_bytes(decoder, raw->bytes, place);
    case PROTOBUF_C_TYPE_MESSAGE:
        if (there)
            memcpy(&message, place, sizeof message);
        if (!message && !(message = message_new(decoder, field->descriptor)))
            return false;
        memcpy(place, &message, sizeof message);
        return read_message(decoder, message, raw->bytes, depth + 1);
    default:
        put_number(field->type, raw->number, place);
        return true;
    }
}

/* The place of one more element. */
static void *append(struct decoder *decoder, const ProtobufCFieldDescriptor *field, char *base)
{
    size_t count, size = size_of(field->type);
    char *list;
    memcpy(&count, base + field->quantifier_offset, sizeof count);
    memcpy(&list, base + field->offset, sizeof list);
    if ((count & (count - 1)) == 0) { /* a power of two: the room is used up */
        char *grown = take(decoder, (count ? count * 2 : 1) * size);
        if (!grown)
            return NULL;
        if (count)
            memcpy(grown, list, count * size);
        list = grown;
        memcpy(base + field->offset, &list, sizeof list);
    }
    char *place = list + count++ * size;
    memset(place, 0, size);
    memcpy(base + field->quantifier_offset, &count, sizeof count);
    return place;
}

static bool read_packed(struct decoder *decoder, const ProtobufCFieldDescriptor *field, const struct raw *raw,
                        char *base)
{
    const uint8_t *at = raw->bytes.data, *end = at + raw->bytes.size;
    enum wire wire = wire_of(field->type);
    while (at < end) {
        uint64_t number;
        bool whole = wire == WIRE_VARINT ? read_varint(&at, end, &number)
                                         : read_fixed(&at, end, wire == WIRE_FIXED64 ? 8 : 4, &number);
        if (!whole)
            return wrong(decoder, raw->at, "a number is cut off or too long");
        void *place = append(decoder, field, base);
        if (!place)
            return false;
        put_number(field->type, number, place);
    }
    return true;
}

static bool read_repeated(struct decoder *decoder, const ProtobufCFieldDescriptor *field, const struct raw *raw,
                          char *base, unsigned depth)
{
    if (raw->wire == WIRE_BYTES && wire_of(field->type) != WIRE_BYTES)
        return read_packed(decoder, field, raw, base);
    void *place = append(decoder, field, base);
    return place && put_value(decoder, field, raw, place, false, depth);
}

/* The last arm on the wire counts, and only what it says, as with protobuf-c. */
static bool read_oneof(struct decoder *decoder, const ProtobufCFieldDescriptor *field, const struct raw *raw,
                       char *base, unsigned depth)
{
    memcpy(base + field->quantifier_offset, &field->id, sizeof field->id);
    memset(base + field->offset, 0, size_of(field->type));
    return put_value(decoder, field, raw, base + field->offset, false, depth);
}

/* Kept as they are, and packed again so. */
static bool keep_unknown(struct decoder *decoder, const struct raw *raw, ProtobufCMessage *message)
{
    unsigned count = message->n_unknown_fields;
    ProtobufCMessageUnknownField *list = message->unknown_fields;
    if ((count & (count - 1)) == 0) {
        list = take(decoder, (count ? count * 2 : 1) * sizeof *list);
        if (!list)
            return false;
        if (count)
            memcpy(list, message->unknown_fields, count * sizeof *list);
        message->unknown_fields = list;
    }
    ProtobufCBinaryData copy;
    if (!put_bytes(decoder, raw->whole, &copy))
        return false;
    list[count] = (ProtobufCMessageUnknownField){raw->id, (ProtobufCWireType)raw->wire, copy.len, copy.data};
    message->n_unknown_fields = count + 1;
    return true;
}

/* Fields come in the order of their numbers mostly: look at the last one and the one after it first. */
static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *descriptor, uint32_t id,
                                                unsigned *next)
{
    for (unsigned i = *next; i < descriptor->n_fields && i < *next + 2; i++)
        if (descriptor->fields[i].id == id)
            return &descriptor->fields[*next = i];
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(descriptor, id);
    if (field)
        *next = (unsigned)(field - descriptor->fields);
    return field;
}

static bool read_field(struct decoder *decoder, const ProtobufCFieldDescriptor *field, const struct raw *raw,
                       ProtobufCMessage *message, unsigned depth)
{
    char *base = (char *)message;
    bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    bool fits = raw->wire == wire_of(field->type) || (repeated && raw->wire == WIRE_BYTES);
    if (!fits)
        return wrong_field(decoder, raw->at, field->name, " is of another type");
    if (repeated)
        return read_repeated(decoder, field, raw, base, depth);
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return read_oneof(decoder, field, raw, base, depth);
    return put_value(decoder, field, raw, base + field->offset, true, depth);
}

static bool read_message(struct decoder *decoder, ProtobufCMessage *message, struct bytes stored, unsigned depth)
{
    const uint8_t *at = stored.data, *end = at + stored.size;
    unsigned next = 0;
    if (depth > MESSAGE_DEPTH_MAX)
        return wrong(decoder, at, "nested deeper than 16");
    while (at < end) {
        struct raw raw;
        if (!read_raw(decoder, &at, end, &raw))
            return false;
        const ProtobufCFieldDescriptor *field = field_of(message->descriptor, raw.id, &next);
        bool read = field ? read_field(decoder, field, &raw, message, depth) : keep_unknown(decoder, &raw, message);
        if (!read)
            return false;
    }
    return true;
}

enum err message_decode(const ProtobufCMessageDescriptor *descriptor, struct bytes stored, struct arena *arena,
                        ProtobufCMessage **message_out, char **why_out)
{
    struct decoder decoder = {.start = stored.data, .arena = arena, .why_out = why_out};
    *why_out = NULL;
    ProtobufCMessage *message = message_new(&decoder, descriptor);
    if (message && read_message(&decoder, message, stored, 1))
        *message_out = message;
    return decoder.err;
}
