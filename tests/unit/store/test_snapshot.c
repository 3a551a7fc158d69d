/* A snapshot holds what was there when it was opened, whatever is written, changed and deleted while it is copied. */
#include "../support/folder.h"
#include "base/key.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 500u

struct world {
    struct arena arena;
    char folder[64];
    struct store *store;
    store_table few, many;
};

static struct bytes value_of(struct world *world, unsigned row, unsigned generation)
{
    size_t size = row % 10 == 0 ? 9000 : 20 + row % 100; /* some on overflow pages */
    char *text = arena_alloc(&world->arena, size);
    memset(text, (int)('a' + (row + generation) % 26), size);
    return bytes_of(text, size);
}

static void fill(struct world *world, unsigned from, unsigned to, unsigned generation)
{
    struct store_txn *txn = store_begin(world->store, true);
    for (unsigned row = from; row < to; row++) {
        struct key key = key_u64(row);
        store_put(txn, world->many, key_bytes(&key), value_of(world, row, generation));
    }
    struct key key = key_text("generation");
    store_put(txn, world->few, key_bytes(&key), bytes_of(&generation, sizeof generation));
    assert_int_equal(store_commit(txn), ERR_NONE);
}

static int setup(void **state)
{
    struct world *world = *state = calloc(1, sizeof *world);
    arena_init(&world->arena);
    strcpy(world->folder, "/tmp/hearback-snapshot-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    struct store_options options = {.map_bytes = 64u << 20};
    char *from = arena_printf(&world->arena, "%s/from", world->folder);
    assert_int_equal(store_open(from, &options, &world->store), ERR_NONE);
    assert_int_equal(store_table_open(world->store, "few", &world->few), ERR_NONE);
    assert_int_equal(store_table_open(world->store, "many", &world->many), ERR_NONE);
    fill(world, 0, ROWS, 1);
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    store_close(world->store);
    arena_fini(&world->arena);
    bool gone = folder_remove(world->folder);
    free(world);
    return gone ? 0 : 1;
}

/* Everything else goes on between two steps: rows change, vanish and are added, and a table is made. */
static void disturb(struct world *world, unsigned round)
{
    fill(world, 0, ROWS / 2, 2 + round);
    fill(world, ROWS + round * 10, ROWS + round * 10 + 10, 2 + round);
    struct store_txn *txn = store_begin(world->store, true);
    struct key key = key_u64(ROWS - 1 - round);
    store_delete(txn, world->many, key_bytes(&key));
    assert_int_equal(store_commit(txn), ERR_NONE);
    store_table later;
    assert_int_equal(store_table_open(world->store, "later", &later), ERR_NONE);
}

static void check_copy(struct world *world, const char *folder)
{
    struct store *copy;
    store_table few, many;
    struct store_options options = {.map_bytes = 64u << 20, .read_only = true};
    assert_int_equal(store_open(folder, &options, &copy), ERR_NONE);
    assert_int_equal(store_table_open(copy, "few", &few), ERR_NONE);
    assert_int_equal(store_table_open(copy, "many", &many), ERR_NONE);
    struct store_txn *txn = store_begin(copy, false);
    assert_int_equal(store_count(txn, many), ROWS);
    for (unsigned row = 0; row < ROWS; row++) {
        struct key key = key_u64(row);
        struct bytes value;
        assert_true(store_get(txn, many, key_bytes(&key), &world->arena, &value));
        assert_true(bytes_equal(value, value_of(world, row, 1)));
    }
    struct key key = key_text("generation");
    struct bytes generation;
    unsigned one = 1;
    assert_true(store_get(txn, few, key_bytes(&key), &world->arena, &generation));
    assert_true(bytes_equal(generation, bytes_of(&one, sizeof one)));
    store_abort(txn);
    store_close(copy);
}

static void copies_what_was_there(void **state)
{
    struct world *world = *state;
    struct store_snapshot *snapshot;
    char *folder = arena_printf(&world->arena, "%s/a/b/copy", world->folder);
    assert_int_equal(store_snapshot_open(world->store, folder, &snapshot), ERR_NONE);
    enum err err;
    uint64_t rows, total;
    unsigned steps = 0;
    disturb(world, 0);
    while (store_snapshot_step(snapshot, 8192, &err))
        disturb(world, ++steps % 50);
    assert_int_equal(err, ERR_NONE);
    assert_true(steps > 20); /* it was a little at a time */
    store_snapshot_rows(snapshot, &rows, &total);
    assert_int_equal(rows, ROWS + 1);
    assert_int_equal(total, ROWS + 1);
    store_snapshot_close(snapshot);
    check_copy(world, folder);
}

static void refuses_a_folder_in_use(void **state)
{
    struct world *world = *state;
    struct store_snapshot *snapshot;
    char *folder = arena_printf(&world->arena, "%s/from", world->folder);
    assert_int_equal(store_snapshot_open(world->store, folder, &snapshot), ERR_EXISTS);
    assert_int_equal(store_snapshot_open(world->store, "/proc/nowhere/copy", &snapshot), ERR_NOT_FOUND);
}

/* Given up half-way, it leaves the store as usable as before. */
static void can_be_given_up(void **state)
{
    struct world *world = *state;
    struct store_snapshot *snapshot;
    enum err err;
    char *folder = arena_printf(&world->arena, "%s/half", world->folder);
    assert_int_equal(store_snapshot_open(world->store, folder, &snapshot), ERR_NONE);
    assert_true(store_snapshot_step(snapshot, 4096, &err));
    store_snapshot_close(snapshot);
    disturb(world, 3);
}

/* Whoever asked for it has failed elsewhere and taken the folder away: it is not made again. */
static void does_not_come_back(void **state)
{
    struct world *world = *state;
    struct store_snapshot *snapshot;
    enum err err;
    char *folder = arena_printf(&world->arena, "%s/gone", world->folder);
    assert_int_equal(store_snapshot_open(world->store, folder, &snapshot), ERR_NONE);
    assert_int_equal(rmdir(folder), 0);
    assert_false(store_snapshot_step(snapshot, 4096, &err));
    assert_int_equal(err, ERR_NOT_FOUND);
    store_snapshot_close(snapshot);
    assert_int_not_equal(access(folder, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(copies_what_was_there, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_folder_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(can_be_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(does_not_come_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
