/* What comes from outside is checked as it is read: depth, count, lengths, text, memory (pitfalls 6.3); and what is
   read is what protobuf-c reads. */
#include "hearback/envelope.pb-c.h"
#include "hearback/record/runtime.pb-c.h"
#include "message/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static enum err unpack(const ProtobufCMessageDescriptor *descriptor, struct bytes stored, const char **why_out)
{
    ProtobufCMessage *message = NULL;
    char *why = NULL;
    enum err err = message_unpack(descriptor, stored, &arena, &message, &why);
    assert_true(err == ERR_NONE ? message != NULL : why != NULL);
    *why_out = why ? why : "";
    return err;
}

/* ---- a message that holds itself: no schema of ours does, nobody may rely on it ---- */

struct nest {
    ProtobufCMessage base;
    struct nest *child;
};
static const ProtobufCFieldDescriptor nest_fields[];
static const ProtobufCMessageDescriptor nest_descriptor;
static void nest_init(ProtobufCMessage *message)
{
    *(struct nest *)message = (struct nest){.base = {.descriptor = &nest_descriptor}};
}
static const unsigned nest_names[] = {0};
static const ProtobufCIntRange nest_ranges[] = {{1, 0}, {0, 1}};
static const ProtobufCMessageDescriptor nest_descriptor = {.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
                                                           .name = "Nest",
                                                           .short_name = "Nest",
                                                           .c_name = "Nest",
                                                           .package_name = "",
                                                           .sizeof_message = sizeof(struct nest),
                                                           .n_fields = 1,
                                                           .fields = nest_fields,
                                                           .fields_sorted_by_name = nest_names,
                                                           .n_field_ranges = 1,
                                                           .field_ranges = nest_ranges,
                                                           .message_init = nest_init};
static const ProtobufCFieldDescriptor nest_fields[] = {{.name = "child",
                                                        .id = 1,
                                                        .label = PROTOBUF_C_LABEL_OPTIONAL,
                                                        .type = PROTOBUF_C_TYPE_MESSAGE,
                                                        .offset = offsetof(struct nest, child),
                                                        .descriptor = &nest_descriptor}};

/* `depth` messages one in the other, innermost empty. */
static struct bytes nested(unsigned depth)
{
    size_t room = (size_t)depth * 6 + 16, at = room;
    uint8_t *bytes = malloc(room);
    assert_non_null(bytes);
    for (unsigned i = 1; i < depth; i++) {
        size_t size = room - at;
        uint8_t length[10];
        unsigned digits = 0;
        do {
            length[digits++] = (uint8_t)(size & 0x7f) | (size > 0x7f ? 0x80 : 0);
            size >>= 7;
        } while (size);
        at -= digits;
        memcpy(bytes + at, length, digits);
        bytes[--at] = 0x0a;
    }
    struct bytes copy = arena_copy(&arena, bytes_of(bytes + at, room - at));
    free(bytes);
    return copy;
}

static void deep_nesting_is_refused_unread(void **state)
{
    (void)state;
    const char *why;
    assert_int_equal(unpack(&nest_descriptor, nested(MESSAGE_DEPTH_MAX), &why), ERR_NONE);
    assert_int_equal(unpack(&nest_descriptor, nested(MESSAGE_DEPTH_MAX + 1), &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "nested deeper than 16"));
    assert_int_equal(unpack(&nest_descriptor, nested(226387), &why), ERR_MALFORMED); /* crashed protobuf-c (E-14) */
}

static struct bytes packed_event(const char *site)
{
    Hb__Event event = HB__EVENT__INIT;
    event.site = (char *)(uintptr_t)site;
    event.offset = 7;
    return message_pack(&event.base, &arena);
}

static void too_many_fields_are_refused(void **state)
{
    (void)state;
    const char *why;
    static const char field[] = "\x4a\x14twenty characters ..";
    size_t each = sizeof field - 1;
    assert_int_equal(each, 2 + 20);
    uint8_t *many = arena_alloc(&arena, each * (MESSAGE_FIELDS_MAX + 1));
    for (size_t i = 0; i <= MESSAGE_FIELDS_MAX; i++)
        memcpy(many + each * i, field, each); /* site, again and again */
    assert_int_equal(unpack(&hb__event__descriptor, bytes_of(many, each * MESSAGE_FIELDS_MAX), &why), ERR_NONE);
    assert_int_equal(unpack(&hb__event__descriptor, bytes_of(many, each * (MESSAGE_FIELDS_MAX + 1)), &why),
                     ERR_MALFORMED);
    assert_non_null(strstr(why, "65536"));
}

static void every_text_must_be_utf8(void **state)
{
    (void)state;
    const char *why;
    assert_int_equal(unpack(&hb__event__descriptor, packed_event("花园"), &why), ERR_NONE);
    assert_int_equal(unpack(&hb__event__descriptor, packed_event("\xff"), &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "UTF-8"));
    assert_non_null(strstr(why, "byte ")); /* and where */
    /* deep inside: a text in a value in a fact in an event; and one of a list */
    Hb__Event event = HB__EVENT__INIT;
    Hb__Fact fact = HB__FACT__INIT, *facts[] = {&fact};
    Hb__Value value = HB__VALUE__INIT;
    Hb__TextList list = HB__TEXT_LIST__INIT;
    char *texts[] = {"good", "b\xe6\x8a"};
    event.facts = facts;
    event.n_facts = 1;
    fact.name = "joint";
    fact.value = &value;
    value.kind_case = HB__VALUE__KIND_TEXTS;
    value.texts = &list;
    list.text = texts;
    list.n_text = 2;
    assert_int_equal(unpack(&hb__event__descriptor, message_pack(&event.base, &arena), &why), ERR_MALFORMED);
    /* a NUL cannot come from packing a C text: put there by hand */
    struct bytes stored = packed_event("garden");
    uint8_t *place = memmem(stored.data, stored.size, "garden", 6);
    place[3] = 0;
    assert_int_equal(unpack(&hb__event__descriptor, stored, &why), ERR_MALFORMED);
    /* bytes are not text */
    Hb__Event toy = HB__EVENT__INIT;
    toy.payload_case = HB__EVENT__PAYLOAD_TOY;
    toy.toy = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t) "\xff\x00"};
    assert_int_equal(unpack(&hb__event__descriptor, message_pack(&toy.base, &arena), &why), ERR_NONE);
}

/* An empty message is two bytes and takes some hundred: a small input may not take the machine's memory. */
static void a_small_input_takes_little_memory(void **state)
{
    (void)state;
    const char *why;
    size_t size = 60000;
    uint8_t *many = arena_alloc(&arena, size);
    static const uint8_t empty_fact[] = {0x8a, 0x01, 0x00};
    size_t used = 0;
    for (; used + 3 < size; used += 3)
        memcpy(many + used, empty_fact, sizeof empty_fact);
    size_t before = arena.used;
    assert_int_equal(unpack(&hb__event__descriptor, bytes_of(many, used), &why), ERR_TOO_LARGE);
    assert_non_null(strstr(why, "memory"));
    assert_true(arena.used - before <= used * MESSAGE_CAP_FACTOR + MESSAGE_CAP_EXTRA + 4096);
    /* what a service of ours stored is read back whatever it takes */
    ProtobufCMessage *message;
    char *why_not;
    assert_int_equal(message_load(&hb__event__descriptor, bytes_of(many, used), &arena, &message, &why_not), ERR_NONE);
    assert_int_equal(((Hb__Event *)message)->n_facts, used / 3);
}

static void what_is_cut_off_is_refused_at_every_byte(void **state)
{
    (void)state;
    Hb__Event event = HB__EVENT__INIT;
    Hb__Actor actor = HB__ACTOR__INIT;
    Hb__Cause cause = HB__CAUSE__INIT;
    event.site = "garden";
    event.case_id = 0x1122334455667788ull;
    event.recorded_ms = 1741572000000;
    event.actor = &actor;
    actor.account = "li";
    event.cause = &cause;
    cause.kind_case = HB__CAUSE__KIND_TIMER;
    cause.timer = "ab";
    struct bytes whole = message_pack(&event.base, &arena);
    const char *why;
    unsigned sound = 0;
    for (size_t size = 0; size < whole.size; size++)
        sound += unpack(&hb__event__descriptor, bytes_of(whole.data, size), &why) == ERR_NONE;
    assert_in_range(sound, 1, 6); /* between two fields what came so far is a message; never inside one */
    assert_int_equal(unpack(&hb__event__descriptor, bytes_of((const uint8_t *)"\x0b\x0c", 2), &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "group"));
    assert_int_equal(unpack(&hb__event__descriptor, bytes_of((const uint8_t *)"\x00\x01", 2), &why), ERR_MALFORMED);
    static const uint8_t endless[] = {0x60, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    assert_int_equal(unpack(&hb__event__descriptor, bytes_of(endless, sizeof endless), &why), ERR_MALFORMED);
}

/* An event from a newer version passes through an older service and loses nothing (design.md 4). */
static void unknown_fields_survive(void **state)
{
    (void)state;
    struct bytes stored = packed_event("garden");
    uint8_t *newer = arena_alloc(&arena, stored.size + 16);
    memcpy(newer, stored.data, stored.size);
    static const uint8_t unknown[] = {0xc2, 0x3e, 3, 'n', 'e', 'w', 0xc8, 0x3e, 42}; /* fields 1000 and 1001 */
    memcpy(newer + stored.size, unknown, sizeof unknown);
    struct bytes all = bytes_of(newer, stored.size + sizeof unknown);
    ProtobufCMessage *message;
    char *why;
    assert_int_equal(message_unpack(&hb__event__descriptor, all, &arena, &message, &why), ERR_NONE);
    assert_int_equal(message->n_unknown_fields, 2);
    struct bytes again = message_pack(message, &arena);
    assert_int_equal(again.size, all.size);
    assert_non_null(memmem(again.data, again.size, unknown, sizeof unknown));
    ProtobufCMessage *copy = message_copy(message, &arena);
    assert_int_equal(copy->n_unknown_fields, 2);
}

/* ---- beside protobuf-c's own reader ---- */

static uint64_t random_state = 1;

static uint64_t draw(uint64_t below)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (random_state >> 33) % below;
}

static struct bytes rich_event(void)
{
    Hb__Event event = HB__EVENT__INIT;
    Hb__Actor actor = HB__ACTOR__INIT;
    Hb__Cause cause = HB__CAUSE__INIT;
    Hb__CommandRef command = HB__COMMAND_REF__INIT;
    Hb__Fact facts[4], *fact_list[4];
    Hb__Value values[4];
    Hb__TextList texts = HB__TEXT_LIST__INIT;
    Escalation__Event payload = ESCALATION__EVENT__INIT;
    Escalation__LevelReached level = ESCALATION__LEVEL_REACHED__INIT;
    char *words[] = {"engineering", "", "服务中心"}, *clauses[] = {"PROP-11-01", "GEN-FRAME-10"};
    texts.text = words;
    texts.n_text = 3;
    for (unsigned i = 0; i < 4; i++) {
        hb__fact__init(&facts[i]);
        hb__value__init(&values[i]);
        facts[i].name = words[i % 3];
        facts[i].value = i < 3 ? &values[i] : NULL;
        fact_list[i] = &facts[i];
    }
    values[0].kind_case = HB__VALUE__KIND_TEXTS;
    values[0].texts = &texts;
    values[1].kind_case = HB__VALUE__KIND_NUMBER;
    values[1].number = -300;
    values[2].kind_case = HB__VALUE__KIND_YES;
    event.cell = 0xfedcba9876543210ull;
    event.site = "garden";
    event.case_id = 0x1122334455667788ull;
    event.recorded_ms = 1741572000000;
    event.hops = 300;
    event.history = true;
    event.actor = &actor;
    actor.account = "li";
    event.cause = &cause;
    cause.kind_case = HB__CAUSE__KIND_COMMAND;
    cause.command = &command;
    command.account = "li";
    event.facts = fact_list;
    event.n_facts = 4;
    event.clauses = clauses;
    event.n_clauses = 2;
    event.previous_hash = (ProtobufCBinaryData){4, (uint8_t *)(uintptr_t) "\xff\x00\x01\x02"};
    event.payload_case = HB__EVENT__PAYLOAD_ESCALATION;
    event.escalation = &payload;
    payload.kind_case = ESCALATION__EVENT__KIND_REACHED;
    payload.reached = &level;
    level.due_ms = -1;
    return message_pack(&event.base, &arena);
}

static struct bytes rich_heard(void)
{
    Record__Heard heard = RECORD__HEARD__INIT;
    Record__Input input = RECORD__INPUT__INIT, *inputs[] = {&input, &input};
    Record__HeardRange range = RECORD__HEARD_RANGE__INIT;
    uint64_t waits[] = {1, 300, 1ull << 40, UINT64_MAX, 0};
    heard.inputs = inputs;
    heard.n_inputs = 2;
    input.kind_case = RECORD__INPUT__KIND_HEARD;
    input.heard = &range;
    range.waits = waits;
    range.n_waits = 5;
    return message_pack(&heard.base, &arena);
}

static struct bytes rich_levels(void)
{
    Escalation__Levels levels = ESCALATION__LEVELS__INIT;
    int64_t at_ms[] = {-1, 0, 1741572000000, INT64_MIN};
    protobuf_c_boolean yes[] = {true, false, true};
    levels.at_ms = at_ms;
    levels.n_at_ms = 4;
    levels.acknowledged = yes;
    levels.n_acknowledged = 3;
    return message_pack(&levels.base, &arena);
}

/* A byte changed, one cut out, some put in twice, the end cut off. */
static struct bytes mutated(struct bytes stored)
{
    uint8_t *bytes = arena_alloc(&arena, 2 * stored.size);
    size_t at = draw(stored.size), size = stored.size, twice = draw(stored.size - at) + 1;
    memcpy(bytes, stored.data, size);
    switch (draw(4)) {
    case 0:
        bytes[at] = (uint8_t)draw(256);
        break;
    case 1:
        memmove(bytes + at, bytes + at + 1, --size - at);
        break;
    case 2:
        memcpy(bytes + at + twice, stored.data + at, stored.size - at);
        size += twice;
        break;
    default:
        size = at;
    }
    return bytes_of(bytes, size);
}

static void *take(void *context, size_t size)
{
    (void)context;
    return arena_alloc(&arena, size);
}

static void leave(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

/* Both read the same; where only one reads it, we are the stricter, and say why. */
static bool read_alike(const ProtobufCMessageDescriptor *descriptor, struct bytes stored)
{
    ProtobufCAllocator allocator = {take, leave, NULL}; /* it leaks what it gives up halfway */
    ProtobufCMessage *ours = NULL;
    ProtobufCMessage *theirs = protobuf_c_message_unpack(descriptor, &allocator, stored.size, stored.data);
    char *why = NULL;
    enum err err = message_load(descriptor, stored, &arena, &ours, &why);
    if (err) {
        bool stricter = strstr(why, "UTF-8") || strstr(why, "a number") || strstr(why, "no field tag") ||
                        strstr(why, "of another type"); /* a yes of 4 bytes is one to it */
        assert_true(!theirs || stricter);
    } else {
        assert_non_null(theirs);
        struct bytes one = message_pack(ours, &arena), other = message_pack(theirs, &arena);
        assert_int_equal(one.size, other.size);
        assert_memory_equal(one.data, other.data, one.size);
    }
    return err == ERR_NONE;
}

static void it_reads_what_protobuf_c_reads(void **state)
{
    (void)state;
    const struct {
        const ProtobufCMessageDescriptor *descriptor;
        struct bytes stored;
    } rich[] = {{&hb__event__descriptor, rich_event()},
                {&record__heard__descriptor, rich_heard()},
                {&escalation__levels__descriptor, rich_levels()}};
    for (unsigned kind = 0; kind < 3; kind++) {
        unsigned sound = 0;
        assert_true(read_alike(rich[kind].descriptor, rich[kind].stored));
        for (unsigned i = 0; i < 20000; i++) {
            struct arena_mark mark = arena_mark(&arena);
            struct bytes stored = mutated(rich[kind].stored);
            if (draw(2))
                stored = stored.size ? mutated(stored) : stored;
            sound += read_alike(rich[kind].descriptor, stored);
            arena_return(&arena, mark);
        }
        assert_in_range(sound, 1000, 19000);
    }
}

static void count_facts(ProtobufCMessage *message, void *context)
{
    *(unsigned *)context += message->descriptor == &hb__fact__descriptor;
}

static void a_visit_comes_to_every_message(void **state)
{
    (void)state;
    Hb__Event event = HB__EVENT__INIT;
    Hb__Fact one = HB__FACT__INIT, two = HB__FACT__INIT, inner = HB__FACT__INIT, *facts[] = {&one, &two},
             *with[] = {&inner};
    Casework__Event payload = CASEWORK__EVENT__INIT;
    Casework__CaseRequested request = CASEWORK__CASE_REQUESTED__INIT;
    event.facts = facts;
    event.n_facts = 2;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &payload;
    payload.kind_case = CASEWORK__EVENT__KIND_CASE_REQUESTED;
    payload.case_requested = &request;
    request.with = with;
    request.n_with = 1;
    unsigned count = 0;
    message_visit(&event.base, count_facts, &count);
    assert_int_equal(count, 3);
    payload.kind_case = CASEWORK__EVENT__KIND__NOT_SET; /* an arm that is not set is not looked into */
    count = 0;
    message_visit(&event.base, count_facts, &count);
    assert_int_equal(count, 2);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_ARENA(deep_nesting_is_refused_unread),
                                       WITH_ARENA(too_many_fields_are_refused),
                                       WITH_ARENA(every_text_must_be_utf8),
                                       WITH_ARENA(a_small_input_takes_little_memory),
                                       WITH_ARENA(what_is_cut_off_is_refused_at_every_byte),
                                       WITH_ARENA(unknown_fields_survive),
                                       WITH_ARENA(it_reads_what_protobuf_c_reads),
                                       WITH_ARENA(a_visit_comes_to_every_message)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
