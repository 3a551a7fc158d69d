/* Room is asked for ahead: on a disk that is really full, a small tmpfs of our own, which only root may mount. */
#include "../support/skip.h"
#include "base/key.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>

static char folder[] = "/dev/shm/hearback-room-XXXXXX";

static void room_is_refused_before_it_is_missed(void **state)
{
    (void)state;
    struct store *store;
    store_table table;
    struct arena arena;
    char ballast[160];
    arena_init(&arena);
    snprintf(ballast, sizeof ballast, "%s/ballast", folder);
    assert_int_equal(store_open(folder, &(struct store_options){.map_bytes = 1u << 30}, &store), ERR_NONE);
    assert_int_equal(store_table_open(store, "one", &table), ERR_NONE);
    assert_int_equal(store_reserve(store, 16u << 20), ERR_NONE);
    assert_true(store_disk_is_spare(store)); /* 4 MB of 24 are left */
    struct store_txn *txn = store_begin(store, true);
    struct key key = key_u64(1);
    store_put(txn, table, key_bytes(&key), bytes_of_text("kept"));
    assert_int_equal(store_commit(txn), ERR_NONE);
    int fd = open(ballast, O_RDWR | O_CREAT, 0600);
    char block[1 << 16] = {1};
    while (write(fd, block, sizeof block) > 0) /* somebody else takes all that is left */
        ;
    assert_int_equal(store_reserve(store, 20u << 20), ERR_FULL);
    assert_false(store_disk_is_spare(store));
    txn = store_begin(store, false); /* reading goes on */
    struct bytes value;
    assert_true(store_get(txn, table, key_bytes(&key), &arena, &value));
    store_abort(txn);
    txn = store_begin(store, true); /* what was reserved before is there: this commit does not fail */
    char big[2000] = {2};
    for (uint64_t i = 2; i < 2000; i++) {
        key = key_u64(i);
        store_put(txn, table, key_bytes(&key), bytes_of(big, sizeof big));
    }
    assert_int_equal(store_commit(txn), ERR_NONE);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(store_reserve(store, 8u << 20), ERR_NONE); /* and goes on by itself when there is room */
    close(fd);
    store_close(store);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(room_is_refused_before_it_is_missed)};
    if (!mkdtemp(folder))
        return perror(folder), 1;
    bool mounted = mount("hearback-test", folder, "tmpfs", 0, "size=24m") == 0;
    if (!mounted)
        printf("skipped: mounting a small tmpfs needs root\n");
    int failed = mounted ? cmocka_run_group_tests(tests, NULL, NULL) : SKIPPED;
    if (mounted && umount2(folder, MNT_DETACH))
        perror(folder);
    rmdir(folder);
    return failed;
}
