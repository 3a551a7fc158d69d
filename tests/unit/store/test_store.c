/* LMDB behind one door: sticky errors, copies, scans that survive changes. */
#include "../support/folder.h"
#include "base/key.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    struct arena arena;
    char folder[64];
    struct store *store;
    store_table table, other;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct store_options options = {.map_bytes = 1u << 30};
    arena_init(&world->arena);
    snprintf(world->folder, sizeof world->folder, "/dev/shm/hearback-store-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(store_open(world->folder, &options, &world->store), ERR_NONE);
    assert_int_equal(store_table_open(world->store, "one", &world->table), ERR_NONE);
    assert_int_equal(store_table_open(world->store, "other", &world->other), ERR_NONE);
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

static void put(struct world *world, struct store_txn *txn, uint64_t number, const char *value)
{
    struct key key = key_u64(number);
    store_put(txn, world->table, key_bytes(&key), bytes_of_text(value));
}

static const char *get(struct world *world, struct store_txn *txn, uint64_t number)
{
    struct key key = key_u64(number);
    struct bytes value;
    return store_get(txn, world->table, key_bytes(&key), &world->arena, &value)
               ? arena_text(&world->arena, (const char *)value.data, value.size)
               : NULL;
}

/* LMDB's memory changes under you at the next put (design-review A9). */
static void what_was_read_does_not_change(void **state)
{
    struct world *world = *state;
    struct store_txn *txn = store_begin(world->store, true);
    for (uint64_t i = 0; i < 500; i++)
        put(world, txn, i, "first value, long enough to be worth moving about in a page of the tree");
    const char *before = get(world, txn, 250);
    for (uint64_t i = 0; i < 500; i++)
        put(world, txn, i, "x");
    assert_string_equal(before, "first value, long enough to be worth moving about in a page of the tree");
    assert_string_equal(get(world, txn, 250), "x");
    assert_int_equal(store_commit(txn), ERR_NONE);
}

static void readers_see_what_was_committed_when_they_began(void **state)
{
    struct world *world = *state;
    struct store_txn *txn = store_begin(world->store, true);
    put(world, txn, 1, "old");
    assert_int_equal(store_commit(txn), ERR_NONE);
    struct store_txn *reader = store_begin(world->store, false);
    txn = store_begin(world->store, true);
    put(world, txn, 1, "new");
    assert_string_equal(get(world, reader, 1), "old");
    assert_int_equal(store_commit(txn), ERR_NONE);
    assert_string_equal(get(world, reader, 1), "old");
    store_abort(reader);
    reader = store_begin(world->store, false);
    assert_string_equal(get(world, reader, 1), "new");
    store_abort(reader);
    txn = store_begin(world->store, true);
    put(world, txn, 1, "never");
    store_abort(txn);
    reader = store_begin(world->store, false);
    assert_string_equal(get(world, reader, 1), "new");
    store_abort(reader);
}

/* After the first failure nothing is written and nothing is found; one check at the end tells. */
static void the_first_error_stays(void **state)
{
    struct world *world = *state;
    struct store_options options = {.map_bytes = 1u << 20};
    struct store *small;
    store_table table;
    char folder[128];
    snprintf(folder, sizeof folder, "%s/small", world->folder);
    assert_int_equal(store_open(folder, &options, &small), ERR_NONE);
    assert_int_equal(store_table_open(small, "one", &table), ERR_NONE);
    struct store_txn *txn = store_begin(small, true);
    char page[4000];
    memset(page, 'x', sizeof page);
    uint64_t written = 0;
    while (store_error(txn) == ERR_NONE && written < 1000) {
        struct key key = key_u64(written++);
        store_put(txn, table, key_bytes(&key), bytes_of(page, sizeof page));
    }
    assert_int_equal(store_error(txn), ERR_FULL);
    struct key first = key_u64(0);
    struct bytes value;
    assert_false(store_get(txn, table, key_bytes(&first), &world->arena, &value));
    assert_false(store_has(txn, table, key_bytes(&first)));
    assert_false(store_delete(txn, table, key_bytes(&first)));
    struct store_scan scan;
    struct bytes key;
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    assert_false(store_scan_next(&scan, &world->arena, &key, &value));
    assert_int_equal(store_commit(txn), ERR_FULL);
    txn = store_begin(small, true); /* nothing of it is there, and life goes on */
    assert_int_equal(store_count(txn, table), 0);
    store_put(txn, table, key_bytes(&first), bytes_of_text("y"));
    assert_int_equal(store_commit(txn), ERR_NONE);
    assert_int_equal(store_reserve(small, 2u << 20), ERR_FULL); /* the map itself has no such room */
    assert_int_equal(store_reserve(small, 64u << 10), ERR_NONE);
    store_close(small);
}

static void a_scan_survives_what_is_put_and_deleted_meanwhile(void **state)
{
    struct world *world = *state;
    struct store_txn *txn = store_begin(world->store, true);
    for (uint64_t i = 0; i < 100; i += 2)
        put(world, txn, i, "even");
    struct store_scan scan;
    struct bytes key, value;
    store_scan_open(&scan, txn, world->table, (struct bytes){0}, (struct bytes){0});
    uint64_t seen = 0, last = 0;
    while (store_scan_next(&scan, &world->arena, &key, &value)) {
        uint64_t at = bytes_get_u64(key.data);
        assert_true(seen == 0 || at > last);
        last = at;
        seen++;
        store_delete(txn, world->table, key); /* its own row */
        if (at % 2 == 0)
            put(world, txn, at + 1, "odd"); /* the next one to come */
    }
    assert_int_equal(seen, 100);
    assert_int_equal(store_count(txn, world->table), 0);
    store_abort(txn);
}

static void text_row(struct world *world, struct store_txn *txn, const char *a, uint64_t b)
{
    struct key key = key_text(a);
    key_add_u64(&key, b);
    store_put(txn, world->table, key_bytes(&key), (struct bytes){0});
}

static void a_prefix_holds_its_own_rows_only(void **state)
{
    struct world *world = *state;
    struct store_txn *txn = store_begin(world->store, true);
    for (uint64_t i = 0; i < 5; i++) {
        text_row(world, txn, "ab", i);
        text_row(world, txn, "a", i);
        text_row(world, txn, "b", i);
    }
    struct key prefix = key_text("a"), from = key_text("a"), none = key_text("aa");
    key_add_u64(&from, 3);
    struct store_scan scan;
    struct bytes key;
    unsigned seen = 0;
    store_scan_open(&scan, txn, world->table, key_bytes(&prefix), (struct bytes){0});
    while (store_scan_next(&scan, &world->arena, &key, NULL))
        assert_int_equal(bytes_get_u64(key.data + 2), seen++);
    assert_int_equal(seen, 5);
    store_scan_open(&scan, txn, world->table, key_bytes(&prefix), key_bytes(&from));
    assert_true(store_scan_next(&scan, &world->arena, &key, NULL));
    assert_int_equal(bytes_get_u64(key.data + 2), 3);
    assert_true(store_last(txn, world->table, key_bytes(&prefix), &world->arena, &key, NULL));
    assert_int_equal(bytes_get_u64(key.data + 2), 4);
    assert_false(store_last(txn, world->table, key_bytes(&none), &world->arena, &key, NULL));
    assert_true(store_before(txn, world->table, key_bytes(&prefix), key_bytes(&from), &world->arena, &key));
    assert_int_equal(bytes_get_u64(key.data + 2), 2);
    struct key first = key_text("a");
    key_add_u64(&first, 0);
    assert_false(store_before(txn, world->table, key_bytes(&prefix), key_bytes(&first), &world->arena, &key));
    uint8_t high[2] = {0xff, 0xff};
    store_put(txn, world->other, bytes_of(high, 2), bytes_of_text("top"));
    assert_true(
        store_last(txn, world->other, bytes_of(high, 1), &world->arena, &key, NULL)); /* nothing lies above 0xff */
    store_abort(txn);
}

static void a_read_only_store_writes_nothing(void **state)
{
    struct world *world = *state;
    struct store_options options = {.map_bytes = 1u << 30, .read_only = true};
    struct store *reader;
    store_table table;
    struct store_txn *txn = store_begin(world->store, true);
    put(world, txn, 1, "x");
    assert_int_equal(store_commit(txn), ERR_NONE);
    store_close(world->store);
    assert_int_equal(store_open(world->folder, &options, &reader), ERR_NONE);
    assert_int_equal(store_table_open(reader, "one", &table), ERR_NONE);
    assert_int_equal(store_table_open(reader, "nowhere", &table), ERR_NOT_FOUND);
    store_close(reader);
    assert_int_not_equal(store_open("/dev/null/nowhere", &options, &reader), ERR_NONE);
    assert_int_equal(store_open(world->folder, &(struct store_options){.map_bytes = 1u << 30}, &world->store),
                     ERR_NONE);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(what_was_read_does_not_change),
                                       WITH_WORLD(readers_see_what_was_committed_when_they_began),
                                       WITH_WORLD(the_first_error_stays),
                                       WITH_WORLD(a_scan_survives_what_is_put_and_deleted_meanwhile),
                                       WITH_WORLD(a_prefix_holds_its_own_rows_only),
                                       WITH_WORLD(a_read_only_store_writes_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
