/* What a cell below gets of the log of headquarters: of what does not concern it the place and the hash, and nothing
   that it says; of all else every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay.h"

#include "eventlog/eventlog.h"
#include "message/message.h"

#define CELL 4711u
#define OTHER_CELL 4712u
#define NAME "秦岳"

struct world {
    struct arena arena;
    struct bytes batch;
};

static void add(struct world *world, Hb__Event *event)
{
    struct bytes stored = message_pack(&event->base, &world->arena);
    uint8_t *grown = arena_alloc(&world->arena, world->batch.size + 4 + stored.size);
    if (world->batch.size)
        memcpy(grown, world->batch.data, world->batch.size);
    bytes_put_u32(grown + world->batch.size, (uint32_t)stored.size);
    memcpy(grown + world->batch.size + 4, stored.data, stored.size);
    world->batch = bytes_of(grown, world->batch.size + 4 + stored.size);
}

static void begin(Hb__Event *event, Hb__Service service, uint64_t offset)
{
    static uint8_t before[EVENTLOG_HASH_BYTES] = {7};
    hb__event__init(event);
    event->cell = 1;
    event->service = service;
    event->epoch = 3;
    event->offset = offset;
    event->recorded_ms = 1741572000000;
    event->previous_hash = (ProtobufCBinaryData){sizeof before, before};
}

static void say_person(struct world *world)
{
    Hb__Event event;
    Directory__Event said = DIRECTORY__EVENT__INIT;
    Directory__Person person = DIRECTORY__PERSON__INIT;
    begin(&event, HB__SERVICE__DIRECTORY, 1);
    person.id = "qin";
    person.name = NAME;
    said.kind_case = DIRECTORY__EVENT__KIND_PERSON_DEFINED;
    said.person_defined = &person;
    event.payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event.directory = &said;
    add(world, &event);
}

static void say_site(struct world *world)
{
    Hb__Event event;
    Directory__Event said = DIRECTORY__EVENT__INIT;
    Directory__Site site = DIRECTORY__SITE__INIT;
    begin(&event, HB__SERVICE__DIRECTORY, 2);
    site.id = "haitang";
    said.kind_case = DIRECTORY__EVENT__KIND_SITE_DEFINED;
    said.site_defined = &site;
    event.payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event.directory = &said;
    add(world, &event);
}

static void say_requested(struct world *world, uint64_t offset, uint64_t cell)
{
    Hb__Event event;
    Casework__Event said = CASEWORK__EVENT__INIT;
    Casework__CaseRequested requested = CASEWORK__CASE_REQUESTED__INIT;
    begin(&event, HB__SERVICE__CASEWORK, offset);
    requested.cell = cell;
    requested.kind = NAME;
    said.kind_case = CASEWORK__EVENT__KIND_CASE_REQUESTED;
    said.case_requested = &requested;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &said;
    add(world, &event);
}

/* The events of both batches, side by side. */
static bool next(struct bytes *ours, struct bytes *theirs, struct bytes *ours_out, struct bytes *theirs_out)
{
    enum err err;
    bool more = eventlog_batch_next(ours, ours_out, &err);
    assert_int_equal(err, ERR_NONE);
    assert_true(eventlog_batch_next(theirs, theirs_out, &err) == more);
    assert_int_equal(err, ERR_NONE);
    return more;
}

static void assert_withheld(struct world *world, struct bytes ours, struct bytes theirs)
{
    ProtobufCMessage *message;
    char *why;
    uint8_t hash[EVENTLOG_HASH_BYTES];
    assert_int_equal(message_load(&hb__event__descriptor, theirs, &world->arena, &message, &why), ERR_NONE);
    const Hb__Event *event = (const Hb__Event *)message;
    eventlog_hash(ours, hash);
    assert_int_equal(event->withheld.len, sizeof hash);
    assert_memory_equal(event->withheld.data, hash, sizeof hash);
    assert_int_equal(event->payload_case, HB__EVENT__PAYLOAD__NOT_SET);
    assert_int_equal(event->epoch, 3);
    assert_int_equal(event->previous_hash.data[0], 7);
    assert_null(memmem(theirs.data, theirs.size, NAME, sizeof NAME - 1));
}

static void what_does_not_concern_a_cell_is_withheld(void **state)
{
    struct world world = {.batch = {0}};
    static const bool given[] = {false, true, true, false};
    struct bytes ours, theirs, left, all;
    unsigned at = 0;
    (void)state;
    arena_init(&world.arena);
    say_person(&world);
    say_site(&world);
    say_requested(&world, 3, CELL);
    say_requested(&world, 4, OTHER_CELL);
    all = world.batch;
    left = withhold(world.batch, CELL, &world.arena);
    for (; next(&all, &left, &ours, &theirs); at++) {
        if (given[at]) {
            assert_int_equal(ours.size, theirs.size);
            assert_memory_equal(ours.data, theirs.data, ours.size);
        } else {
            assert_withheld(&world, ours, theirs);
        }
    }
    assert_int_equal(at, sizeof given / sizeof *given);
    arena_fini(&world.arena);
}

/* The rest of the services' logs is none of its business at all. */
static void two_services_are_heard(void **state)
{
    (void)state;
    for (int service = HB__SERVICE__DIRECTORY; service <= HB__SERVICE__GATEWAY; service++)
        assert_true(withhold_hears((Hb__Service)service) ==
                    (service == HB__SERVICE__DIRECTORY || service == HB__SERVICE__CASEWORK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_concern_a_cell_is_withheld),
        cmocka_unit_test(two_services_are_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
