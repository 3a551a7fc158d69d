/* The log: appended after a known offset or not at all, read in batches, and every alteration found at its offset. */
#include "../support/folder.h"
#include "base/key.h"
#include "eventlog/eventlog.h"
#include "message/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS 50u

struct world {
    struct arena arena;
    char folder[64];
    struct store *store;
    store_table log;
    uint8_t hash[EVENTLOG_HASH_BYTES]; /* of the last event */
};

static struct bytes event(struct world *world, uint64_t offset, int64_t recorded_ms)
{
    Hb__Event made = HB__EVENT__INIT;
    made.offset = offset;
    made.recorded_ms = recorded_ms;
    made.site = "garden";
    made.previous_hash = (ProtobufCBinaryData){sizeof world->hash, world->hash};
    struct bytes stored = message_pack(&made.base, &world->arena);
    eventlog_hash(stored, world->hash);
    return stored;
}

static enum append append(struct world *world, struct store_txn *txn, uint64_t after, unsigned count)
{
    struct bytes events[EVENTS];
    for (unsigned i = 0; i < count; i++)
        events[i] = event(world, after + 1 + i, 1000 + (int64_t)(after + i));
    return eventlog_append(&eventlog_local, txn, world->log, after, events, count);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    arena_init(&world->arena);
    snprintf(world->folder, sizeof world->folder, "/dev/shm/hearback-log-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(
        store_open(world->folder, &(struct store_options){.no_sync = true, .map_bytes = 1u << 28}, &world->store),
        ERR_NONE);
    assert_int_equal(store_table_open(world->store, "log", &world->log), ERR_NONE);
    struct store_txn *txn = store_begin(world->store, true);
    assert_int_equal(append(world, txn, 0, EVENTS), APPEND_DONE);
    assert_int_equal(store_commit(txn), ERR_NONE);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    store_close(world->store);
    assert_true(folder_remove(world->folder));
    arena_fini(&world->arena);
    free(world);
    return 0;
}

/* Another writer that believes to own the log is fenced, wherever it believes the log ends. */
static void it_is_appended_at_its_end_only(void **state)
{
    struct world *world = *state;
    struct store_txn *txn = store_begin(world->store, true);
    assert_int_equal(append(world, txn, EVENTS - 1, 1), APPEND_FENCED);
    assert_int_equal(append(world, txn, EVENTS + 1, 1), APPEND_FENCED);
    assert_int_equal(append(world, txn, 0, 1), APPEND_FENCED);
    assert_int_equal(eventlog_end(txn, world->log, &world->arena), EVENTS);
    assert_int_equal(append(world, txn, EVENTS, 3), APPEND_DONE);
    assert_int_equal(eventlog_end(txn, world->log, &world->arena), EVENTS + 3);
    store_abort(txn);
}

static void it_is_read_in_batches(void **state)
{
    struct world *world = *state;
    struct store_txn *txn = store_begin(world->store, false);
    uint64_t after = 0, seen = 0, last;
    unsigned batches = 0;
    while (after < EVENTS) {
        struct bytes batch = eventlog_read(txn, world->log, after, 400, &world->arena, &last), stored;
        enum err err;
        assert_true(last > after && batch.size <= 400);
        while (eventlog_batch_next(&batch, &stored, &err)) {
            struct bytes alone;
            assert_true(eventlog_get(txn, world->log, ++seen, &world->arena, &alone));
            assert_true(bytes_equal(alone, stored));
        }
        assert_int_equal(err, ERR_NONE);
        assert_int_equal(seen, last);
        after = last;
        batches++;
    }
    assert_true(batches > 5);
    struct bytes one = eventlog_read(txn, world->log, 0, 1, &world->arena, &last); /* one at least, however large */
    assert_true(one.size > 1 && last == 1);
    assert_int_equal(eventlog_read(txn, world->log, EVENTS, 400, &world->arena, &last).size, 0);
    assert_int_equal(last, EVENTS);
    store_abort(txn);
}

static void a_malformed_batch_ends_with_a_fault(void **state)
{
    (void)state;
    static const uint8_t beyond[] = {0, 0, 0, 9, 'x'}, cut[] = {0, 0, 0};
    struct bytes batch = bytes_of(beyond, sizeof beyond), stored;
    enum err err;
    assert_false(eventlog_batch_next(&batch, &stored, &err));
    assert_int_equal(err, ERR_MALFORMED);
    batch = bytes_of(cut, sizeof cut);
    assert_false(eventlog_batch_next(&batch, &stored, &err));
    assert_int_equal(err, ERR_MALFORMED);
}

static const char *verify(struct world *world)
{
    static char why[200];
    struct store_txn *txn = store_begin(world->store, false);
    *why = 0;
    enum err err = eventlog_verify(txn, world->log, why, sizeof why);
    store_abort(txn);
    assert_true(err == ERR_NONE ? !*why : err == ERR_CORRUPT && *why);
    return why;
}

static void replace(struct world *world, uint64_t offset, const struct bytes *stored)
{
    struct store_txn *txn = store_begin(world->store, true);
    struct key key = key_u64(offset);
    if (stored)
        store_put(txn, world->log, key_bytes(&key), *stored);
    else
        store_delete(txn, world->log, key_bytes(&key));
    assert_int_equal(store_commit(txn), ERR_NONE);
}

static struct bytes stored_at(struct world *world, uint64_t offset)
{
    struct store_txn *txn = store_begin(world->store, false);
    struct bytes stored;
    assert_true(eventlog_get(txn, world->log, offset, &world->arena, &stored));
    store_abort(txn);
    return stored;
}

static struct bytes repacked(struct world *world, struct bytes stored, uint64_t offset, int64_t recorded_ms)
{
    ProtobufCMessage *message;
    char *why;
    assert_int_equal(message_load(&hb__event__descriptor, stored, &world->arena, &message, &why), ERR_NONE);
    Hb__Event *changed = (Hb__Event *)message;
    changed->offset = offset;
    changed->recorded_ms = recorded_ms;
    return message_pack(message, &world->arena);
}

static void every_alteration_is_named_by_its_offset(void **state)
{
    struct world *world = *state;
    assert_string_equal(verify(world), "");
    struct bytes twenty = stored_at(world, 20), last = stored_at(world, EVENTS);
    uint8_t *bytes = memcpy(arena_alloc(&world->arena, twenty.size), twenty.data, twenty.size);
    uint8_t *site = memmem(bytes, twenty.size, "garden", 6);
    *site = 'G'; /* it reads well: only the hash in the next event tells */
    struct bytes altered = bytes_of(bytes, twenty.size);
    replace(world, 20, &altered);
    assert_string_equal(verify(world), "offset 20: it was altered: the next event names another hash of it");
    struct bytes half = bytes_of(twenty.data, twenty.size / 2);
    replace(world, 20, &half);
    assert_string_equal(verify(world), "offset 20: the event cannot be decoded");
    replace(world, 20, NULL);
    assert_string_equal(verify(world), "offset 20: an offset is missing");
    struct bytes moved = repacked(world, twenty, 19, 1019);
    replace(world, 20, &moved);
    assert_string_equal(verify(world), "offset 20: the event bears another offset");
    replace(world, 20, &twenty);
    assert_string_equal(verify(world), "");
    struct bytes back = repacked(world, last, EVENTS, 900);
    replace(world, EVENTS, &back);
    assert_string_equal(verify(world), "offset 50: the recorded time goes back");
    struct bytes first = stored_at(world, 2);
    replace(world, 1, &first);
    assert_string_equal(verify(world), "offset 1: the event bears another offset");
}

static void a_walk_may_be_interrupted(void **state)
{
    struct world *world = *state;
    struct eventlog_walk walk;
    char why[200];
    bool end = false;
    unsigned steps = 0;
    struct store_txn *txn = store_begin(world->store, false);
    assert_int_equal(eventlog_walk_from(txn, world->log, 0, &walk), ERR_NONE);
    store_abort(txn);
    while (!end) {
        txn = store_begin(world->store, steps == 2); /* the log grows meanwhile */
        if (steps == 2)
            assert_int_equal(append(world, txn, EVENTS, 10), APPEND_DONE);
        assert_int_equal(eventlog_walk_on(txn, world->log, &walk, 7, &end, why, sizeof why), ERR_NONE);
        if (steps++ == 2)
            assert_int_equal(store_commit(txn), ERR_NONE);
        else
            store_abort(txn);
    }
    assert_int_equal(walk.offset, EVENTS + 10);
    assert_int_equal(steps, 60 / 7 + 1);
    txn = store_begin(world->store, false);
    assert_int_equal(eventlog_walk_from(txn, world->log, 55, &walk), ERR_NONE); /* the tail alone */
    assert_int_equal(eventlog_walk_on(txn, world->log, &walk, 100, &end, why, sizeof why), ERR_NONE);
    assert_true(end && walk.offset == 60);
    assert_int_equal(eventlog_walk_from(txn, world->log, 61, &walk), ERR_NOT_FOUND);
    store_abort(txn);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(it_is_appended_at_its_end_only), WITH_WORLD(it_is_read_in_batches),
                                       WITH_WORLD(a_malformed_batch_ends_with_a_fault),
                                       WITH_WORLD(every_alteration_is_named_by_its_offset),
                                       WITH_WORLD(a_walk_may_be_interrupted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
