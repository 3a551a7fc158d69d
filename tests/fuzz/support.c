#include "../unit/support/folder.h"
#include "fuzz.h"

#include "hearback/bus.pb-c.h"
#include "hearback/calendar.pb-c.h"
#include "hearback/policy.pb-c.h"
#include "message/message.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void fuzz_failed(const char *file, int line, const char *what)
{
    dprintf(2, "%s:%d: must hold: %s\n", file, line, what); /* a target may have its own use for stderr */
    abort();
}

/* jansson draws the seed of its hash tables from the system: the same input would take another way each time. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    json_object_seed(1);
    return 0;
}

/* ---- a folder ---- */

static char folder[64];
static pid_t owner;

static void remove_folder(void)
{
    if (getpid() != owner)
        return;
    if (!folder_remove(folder))
        fprintf(stderr, "%s could not be removed\n", folder);
}

const char *fuzz_folder(void)
{
    if (!*folder) {
        snprintf(folder, sizeof folder, "%s/hearback-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        must(mkdtemp(folder));
        owner = getpid();
        atexit(remove_folder);
    }
    return folder;
}

/* ---- memory ---- */

#define MEMORY_FACTOR 16u
#define YAML_MEMORY_FACTOR 30u /* common/yaml/yaml.h */
#define MEMORY_EXTRA (1u << 20)

/* Of gcc's and clang's sanitizers alike; NULL without them.
   NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *)) __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *at) __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static atomic_llong held, held_most; /* since the hooks are there; libzmq has threads of its own */
static long long held_at_first;
static _Thread_local long long
    held_by_me; /* only to see that the hooks are called: libzmq's threads are no part of it */

static void on_malloc(const volatile void *at, size_t size)
{
    (void)at;
    held_by_me += (long long)size;
    long long now = atomic_fetch_add(&held, (long long)size) + (long long)size, seen = atomic_load(&held_most);
    while (now > seen && !atomic_compare_exchange_weak(&held_most, &seen, now))
        ;
}

static void on_free(const volatile void *at)
{
    long long size = (long long)__sanitizer_get_allocated_size(at);
    held_by_me -= size;
    atomic_fetch_sub(&held, size);
}

void fuzz_memory_begin(void)
{
    static bool hooked;
    if (!__sanitizer_install_malloc_and_free_hooks)
        return;
    if (!hooked) {
        must(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free));
        void *volatile probe = malloc(1234);
        must(held_by_me == 1234); /* a hook that is not called would check nothing */
        free(probe);
        must(held_by_me == 0);
        hooked = true;
    }
    held_at_first = atomic_load(&held);
    atomic_store(&held_most, held_at_first);
}

void fuzz_memory_end_within(size_t most_bytes)
{
    long long taken = atomic_load(&held_most) - held_at_first;
    if (!__sanitizer_install_malloc_and_free_hooks || taken <= (long long)most_bytes)
        return;
    dprintf(2, "it took %lld bytes of memory; at most %zu are granted\n", taken, most_bytes);
    must(!"memory within its bound");
}

void fuzz_memory_end(size_t input_bytes)
{
    fuzz_memory_end_within(input_bytes * MEMORY_FACTOR + MEMORY_EXTRA);
}

void fuzz_memory_end_yaml(size_t input_bytes)
{
    fuzz_memory_end_within(input_bytes * YAML_MEMORY_FACTOR + MEMORY_EXTRA);
}

/* ---- drawing ---- */

uint8_t draw_byte(struct draw *draw)
{
    return draw->at < draw->end ? *draw->at++ : 0;
}

uint64_t draw_u64(struct draw *draw)
{
    uint64_t value = 0;
    for (unsigned left = draw_byte(draw) & 15; left > 0; left--)
        value = value << 8 | draw_byte(draw);
    return value;
}

unsigned draw_below(struct draw *draw, unsigned limit)
{
    unsigned value = draw_byte(draw);
    if (limit > 256)
        value = value << 8 | draw_byte(draw);
    return value % limit;
}

bool draw_more(const struct draw *draw)
{
    return draw->at < draw->end;
}

struct bytes draw_bytes(struct draw *draw, size_t most)
{
    size_t size = draw_byte(draw), left = (size_t)(draw->end - draw->at);
    size = size < most ? size : most;
    size = size < left ? size : left;
    struct bytes bytes = bytes_of(draw->at, size);
    draw->at += size;
    return bytes;
}

char *draw_text(struct draw *draw, const char *const *words, size_t most, struct arena *arena)
{
    size_t count = 0;
    while (words && words[count])
        count++;
    unsigned choice = draw_byte(draw);
    if (count && choice < 224)
        return arena_strdup(arena, words[choice % count]);
    struct bytes raw = draw_bytes(draw, most);
    char *text = arena_text(arena, (const char *)raw.data, raw.size);
    if (!utf8_valid(text, raw.size))
        for (size_t i = 0; i < raw.size; i++)
            text[i] = (char)(text[i] & 0x7f ? text[i] & 0x7f : '0');
    return text;
}

/* ---- messages ---- */

static void draw_scalar(struct draw *draw, const ProtobufCFieldDescriptor *field, const char *const *words,
                        struct arena *arena, void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE: {
        ProtobufCMessage *inner = draw_message(draw, field->descriptor, words, arena);
        memcpy(at, &inner, sizeof inner);
        return;
    }
    case PROTOBUF_C_TYPE_STRING: {
        char *text = draw_text(draw, words, 24, arena);
        memcpy(at, &text, sizeof text);
        return;
    }
    case PROTOBUF_C_TYPE_BYTES: {
        struct bytes copy = arena_copy(arena, draw_bytes(draw, 40));
        ProtobufCBinaryData data = {copy.size, (uint8_t *)(uintptr_t)copy.data};
        memcpy(at, &data, sizeof data);
        return;
    }
    case PROTOBUF_C_TYPE_ENUM: {
        const ProtobufCEnumDescriptor *known = field->descriptor;
        int value = known->values[draw_below(draw, known->n_values)].value;
        memcpy(at, &value, sizeof value);
        return;
    }
    case PROTOBUF_C_TYPE_BOOL: {
        protobuf_c_boolean value = draw_byte(draw) & 1;
        memcpy(at, &value, sizeof value);
        return;
    }
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: {
        uint64_t value = draw_u64(draw);
        memcpy(at, &value, sizeof value);
        return;
    }
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT: {
        uint32_t value = (uint32_t)draw_u64(draw);
        memcpy(at, &value, sizeof value);
        return;
    }
    }
}

static size_t scalar_bytes(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return 8;
    }
    return 8;
}

static void draw_field(struct draw *draw, const ProtobufCFieldDescriptor *field, const char *const *words,
                       struct arena *arena, ProtobufCMessage *message)
{
    char *at = (char *)message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = draw_below(draw, 4), each = scalar_bytes(field->type);
        char *items = arena_zero(arena, (count + 1) * each);
        for (size_t i = 0; i < count; i++)
            draw_scalar(draw, field, words, arena, items + i * each);
        memcpy(at, &items, sizeof items);
        memcpy((char *)message + field->quantifier_offset, &count, sizeof count);
        return;
    }
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        int arm;
        memcpy(&arm, (char *)message + field->quantifier_offset, sizeof arm);
        if (arm)
            return; /* another arm was drawn already */
        arm = (int)field->id;
        memcpy((char *)message + field->quantifier_offset, &arm, sizeof arm);
    }
    draw_scalar(draw, field, words, arena, at);
}

ProtobufCMessage *draw_message(struct draw *draw, const ProtobufCMessageDescriptor *descriptor,
                               const char *const *words, struct arena *arena)
{
    ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);
    descriptor->message_init(message);
    for (unsigned i = 0; draw_more(draw) && i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        bool arm =
            field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF; /* less likely, or the first one would nearly always win */
        if (arm ? draw_byte(draw) % 4 == 1 : draw_byte(draw) % 3 != 0)
            draw_field(draw, field, words, arena, message);
    }
    return message;
}

const ProtobufCMessageDescriptor *const fuzz_messages[FUZZ_MESSAGES] = {
    &hb__event__descriptor,       &hb__command__descriptor,    &hb__query__descriptor,
    &bus__request__descriptor,    &bus__reply__descriptor,     &hb__command_reply__descriptor,
    &hb__query_reply__descriptor, &policy__policy__descriptor, &calendar__calendar__descriptor};

bool fuzz_same(const ProtobufCMessage *a, const ProtobufCMessage *b, struct arena *arena)
{
    return a->descriptor == b->descriptor && bytes_equal(message_pack(a, arena), message_pack(b, arena));
}
