/* Committed means on disk. LMDB's own calls end here, in this program, instead of in the C library: so it shows when
   the disk is told to keep what was written, and what a disk does that refuses. */
#include "base/key.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned syncs;
static int refuses; /* an errno; 0: it does not */

int fdatasync(int fd)
{
    syncs++;
    if (refuses) {
        errno = refuses;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

struct world {
    char folder[64];
    struct store *store;
    store_table table;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct store_options options = {.map_bytes = 1u << 30};
    snprintf(world->folder, sizeof world->folder, "/dev/shm/hearback-sync-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(store_open(world->folder, &options, &world->store), ERR_NONE);
    assert_int_equal(store_table_open(world->store, "one", &world->table), ERR_NONE);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char command[128];
    refuses = 0;
    store_close(world->store);
    snprintf(command, sizeof command, "rm -rf %s", world->folder);
    assert_int_equal(system(command), 0);
    free(world);
    return 0;
}

static enum err put(struct world *world, uint64_t number)
{
    struct key key = key_u64(number);
    struct store_txn *txn = store_begin(world->store, true);
    store_put(txn, world->table, key_bytes(&key), bytes_of_text("value"));
    return store_commit(txn);
}

static void each_commit_is_one_sync(void **state)
{
    for (uint64_t i = 0; i < 5; i++) {
        unsigned before = syncs;
        assert_int_equal(put(*state, i), ERR_NONE);
        assert_int_equal(syncs, before + 1);
    }
}

static void a_sync_that_fails_is_a_commit_that_fails(void **state)
{
    refuses = EIO;
    assert_int_equal(put(*state, 1), ERR_IO);
    refuses = ENOSPC;
    assert_int_equal(put(*state, 2), ERR_FULL);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(each_commit_is_one_sync),
                                       WITH_WORLD(a_sync_that_fails_is_a_commit_that_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
