/* Bytes of a peer as every top-level message: the scan, the unpacking into an arena with a cap, and that what was
   accepted is sound: UTF-8 in every text, depth within the limit, memory within the cap, and one fixed form when packed
   again. */
#include "fuzz.h"

#include "message/message.h"

static void check_texts(ProtobufCMessage *message, void *context)
{
    (void)context;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *text, *const *list;
        size_t count = 1;
        if (field->type != PROTOBUF_C_TYPE_STRING || !message_field_set(message, field))
            continue;
        memcpy(&text, (char *)message + field->offset, sizeof text);
        list = &text;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&list, (char *)message + field->offset, sizeof list);
            memcpy(&count, (char *)message + field->quantifier_offset, sizeof count);
        }
        for (size_t n = 0; n < count; n++)
            must(utf8_valid(list[n], strlen(list[n])));
    }
}

static void count_messages(ProtobufCMessage *message, void *context)
{
    must(message->descriptor);
    (*(size_t *)context)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const ProtobufCMessageDescriptor *type = fuzz_messages[data[0] % FUZZ_MESSAGES];
    struct bytes stored = bytes_of(data + 1, size - 1);
    struct arena arena;
    arena_init(&arena);
    ProtobufCMessage *message, *again;
    char *why = NULL;
    fuzz_memory_begin();
    enum err err = message_unpack(type, stored, &arena, &message, &why);
    fuzz_memory_end(stored.size);
    must(arena.cap == 0 && arena.used <= stored.size * MESSAGE_CAP_FACTOR + MESSAGE_CAP_EXTRA + 256);
    must(err == ERR_NONE || err == ERR_MALFORMED || err == ERR_TOO_LARGE);
    must((err != ERR_NONE) == (why != NULL));
    if (!err) {
        size_t messages = 0;
        message_visit(message, check_texts, NULL);
        message_visit(message, count_messages, &messages);
        must(messages >= 1 && messages <= stored.size + 1);
        struct bytes packed = message_pack(message, &arena);
        err = message_unpack(type, packed, &arena, &again, &why);
        /* the cap follows the input, so a shorter form of what nearly filled it may not fit */
        must(err == ERR_NONE || (err == ERR_TOO_LARGE && packed.size < stored.size));
        must(err || fuzz_same(message, again, &arena));
        must(fuzz_same(message, message_copy(message, &arena), &arena));
    }
    arena_fini(&arena);
    return 0;
}
