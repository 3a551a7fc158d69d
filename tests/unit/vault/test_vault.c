/* The vault: sealing, tampering, destroying, restarts, the pool of keys, the epoch key file. */
#include "../support/folder.h"
#include "base/key.h"
#include "store/store.h"
#include "vault/cache.h"
#include "vault/epoch.h"
#include "vault/vault.h"

#include <ctype.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct arena arena;
    struct vault *vault;
    char folder[256]; /* of this test */
    uint64_t seed;    /* of the repeatable randomness */
};

static void seeded(void *context, void *out, size_t size)
{
    struct world *world = context;
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++) {
        world->seed = world->seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(world->seed >> 56);
    }
}

static enum err open_vault(struct world *world, vault_random_fn *random, unsigned keys_ahead, const char **why_out)
{
    char *folder = arena_printf(&world->arena, "%s/data/vault", world->folder);
    char *epoch = arena_printf(&world->arena, "%s/epoch/intake-0", world->folder);
    struct vault_options options = {.folder = folder,
                                    .epoch_path = epoch,
                                    .random = random,
                                    .random_context = world,
                                    .map_bytes = 64u << 20,
                                    .keys_ahead = keys_ahead,
                                    .cache_keys = 8};
    world->vault = NULL;
    return vault_open_dir(&options, &world->arena, &world->vault, why_out);
}

static void must_open(struct world *world)
{
    const char *why = "";
    assert_int_equal(open_vault(world, NULL, 16, &why), ERR_NONE);
    assert_string_equal(why, "");
}

static void reopen(struct world *world)
{
    vault_close(world->vault);
    must_open(world);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    arena_init(&world->arena);
    const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    snprintf(world->folder, sizeof world->folder, "%s/hearback-vault-XXXXXX", base);
    assert_non_null(mkdtemp(world->folder));
    must_open(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    vault_close(world->vault);
    bool gone = folder_remove(world->folder);
    arena_fini(&world->arena);
    free(world);
    return gone ? 0 : 1;
}

static uint64_t take(struct world *world)
{
    uint64_t key = 0;
    assert_int_equal(vault_take(world->vault, &key), ERR_NONE);
    assert_true(key != 0);
    return key;
}

static Hb__Sealed *seal(struct world *world, uint64_t key, const char *field, const char *text)
{
    Hb__Sealed *sealed = NULL;
    assert_int_equal(vault_seal(world->vault, key, field, text, &world->arena, &sealed), ERR_NONE);
    return sealed;
}

static void assert_opens(struct world *world, const Hb__Sealed *sealed, const char *text)
{
    char *got = NULL;
    assert_int_equal(vault_open(world->vault, sealed, &world->arena, &got), ERR_NONE);
    assert_string_equal(got, text);
}

static void assert_opens_not(struct world *world, const Hb__Sealed *sealed, enum err want)
{
    char *got = NULL;
    assert_int_equal(vault_open(world->vault, sealed, &world->arena, &got), want);
}

static void seals_and_opens(void **state)
{
    struct world *world = *state;
    uint64_t key = take(world);
    assert_opens(world, seal(world, key, "party.name", "王小明"), "王小明");
    assert_opens(world, seal(world, key, "text", ""), "");
    Hb__Sealed *one = seal(world, key, "text", "same"), *two = seal(world, key, "text", "same");
    assert_int_equal(one->box.len, 24 + 4 + 16);
    assert_memory_not_equal(one->box.data, two->box.data, one->box.len);
}

static void refuses_a_box_altered_or_moved(void **state)
{
    struct world *world = *state;
    uint64_t key = take(world), other = take(world);
    Hb__Sealed *sealed = seal(world, key, "party.phone", "13800000000");
    for (size_t i = 0; i < sealed->box.len; i++) {
        sealed->box.data[i] ^= 1;
        assert_opens_not(world, sealed, ERR_CORRUPT);
        sealed->box.data[i] ^= 1;
    }
    Hb__Sealed moved = *sealed;
    moved.field = "party.name";
    assert_opens_not(world, &moved, ERR_CORRUPT);
    moved = *sealed;
    moved.key_id = other;
    assert_opens_not(world, &moved, ERR_CORRUPT);
    moved = *sealed;
    moved.box.len = 39;
    assert_opens_not(world, &moved, ERR_CORRUPT);
    moved.box.len = 0;
    assert_opens_not(world, &moved, ERR_CORRUPT);
    assert_opens(world, sealed, "13800000000");
}

static void refuses_what_is_too_long(void **state)
{
    struct world *world = *state;
    Hb__Sealed *sealed;
    char *text = arena_alloc(&world->arena, VAULT_TEXT_BYTES_MAX + 2);
    memset(text, 'x', VAULT_TEXT_BYTES_MAX + 1);
    text[VAULT_TEXT_BYTES_MAX + 1] = 0;
    uint64_t key = take(world);
    assert_int_equal(vault_seal(world->vault, key, "text", text, &world->arena, &sealed), ERR_TOO_LARGE);
    text[VAULT_TEXT_BYTES_MAX] = 0;
    assert_opens(world, seal(world, key, "text", text), text);
    text[VAULT_FIELD_BYTES_MAX + 1] = 0;
    assert_int_equal(vault_seal(world->vault, key, text, "x", &world->arena, &sealed), ERR_TOO_LARGE);
}

static void a_destroyed_key_opens_nothing(void **state)
{
    struct world *world = *state;
    uint64_t keys[2] = {take(world), take(world)};
    uint64_t living = take(world);
    Hb__Sealed *gone = seal(world, keys[0], "text", "gone"), *kept = seal(world, living, "text", "kept");
    assert_int_equal(vault_destroy(world->vault, keys, 2), ERR_NONE);
    assert_int_equal(vault_destroy(world->vault, keys, 2), ERR_NONE); /* safe to repeat */
    assert_opens_not(world, gone, ERR_NOT_FOUND);
    assert_opens(world, kept, "kept");
    assert_true(vault_erased(world->vault, keys[0]));
    assert_false(vault_erased(world->vault, living));
    Hb__Sealed *sealed;
    assert_int_equal(vault_seal(world->vault, keys[1], "text", "new", &world->arena, &sealed), ERR_NOT_FOUND);
    reopen(world);
    assert_opens_not(world, gone, ERR_NOT_FOUND);
    assert_true(vault_erased(world->vault, keys[0]));
    assert_opens(world, kept, "kept");
}

static void survives_a_restart_and_gives_no_key_twice(void **state)
{
    struct world *world = *state;
    enum { ROUNDS = 5, EACH = 40 };
    uint64_t seen[ROUNDS * EACH];
    Hb__Sealed *boxes[ROUNDS];
    unsigned count = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < EACH; i++) {
            seen[count] = take(world);
            for (unsigned j = 0; j < count; j++)
                assert_true(seen[j] != seen[count]);
            count++;
        }
        boxes[round] = seal(world, seen[count - 1], "text", "kept over restarts");
        /* Also when every row of the last keys is gone, their ids do not come back. */
        if (round == 2)
            assert_int_equal(vault_destroy(world->vault, seen, count - 1), ERR_NONE);
        reopen(world);
    }
    assert_opens(world, boxes[ROUNDS - 1], "kept over restarts");
    assert_opens_not(world, boxes[0], ERR_NOT_FOUND);
}

static void the_pool_is_filled_before_it_is_empty(void **state)
{
    struct world *world = *state;
    uint64_t first = take(world); /* makes 16 */
    for (unsigned i = 1; i < 9; i++)
        assert_int_equal(take(world), first + i);
    assert_int_equal(vault_make_ahead(world->vault), ERR_NONE); /* 7 left: under half, 16 more */
    assert_int_equal(vault_make_ahead(world->vault), ERR_NONE); /* 23 left: nothing to do */
    /* The last of them is on disk before it is taken: it opens after a crash (no close of ours matters). */
    assert_opens(world, seal(world, first + 31, "text", "ahead"), "ahead");
    Hb__Sealed *sealed;
    assert_int_equal(vault_seal(world->vault, first + 32, "text", "x", &world->arena, &sealed), ERR_NOT_FOUND);
}

static void copy_file(struct world *world, const char *from, const char *to)
{
    assert_true(folder_copy_file(arena_printf(&world->arena, "%s/%s", world->folder, from),
                                 arena_printf(&world->arena, "%s/%s", world->folder, to)));
}

static void the_epoch_key_file_is_private(void **state)
{
    struct world *world = *state;
    char *path = arena_printf(&world->arena, "%s/epoch/intake-0", world->folder);
    struct stat stat_of;
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    vault_close(world->vault);
    assert_int_equal(chmod(path, 0640), 0);
    const char *why;
    assert_int_equal(open_vault(world, NULL, 16, &why), ERR_DENIED);
    assert_non_null(strstr(why, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    must_open(world);
}

static void a_missing_or_wrong_epoch_key_is_told(void **state)
{
    struct world *world = *state;
    Hb__Sealed *sealed = seal(world, take(world), "text", "kept");
    vault_close(world->vault);
    char *path = arena_printf(&world->arena, "%s/epoch/intake-0", world->folder);
    copy_file(world, "epoch/intake-0", "epoch/right");
    const char *why;

    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_vault(world, NULL, 16, &why), ERR_DENIED);
    assert_non_null(strstr(why, "missing"));
    assert_int_not_equal(access(path, F_OK), 0); /* and no new one was put in its place */

    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    fputs("HBEK", file);
    fclose(file);
    assert_int_equal(open_vault(world, NULL, 16, &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "damaged"));

    /* The key of another vault. */
    assert_int_equal(unlink(path), 0);
    char *data = arena_printf(&world->arena, "%s/data", world->folder);
    char *aside = arena_printf(&world->arena, "%s/aside", world->folder);
    assert_int_equal(rename(data, aside), 0);
    must_open(world);
    vault_close(world->vault);
    assert_true(folder_remove(data));
    assert_int_equal(rename(aside, data), 0);
    assert_int_equal(open_vault(world, NULL, 16, &why), ERR_DENIED);
    assert_non_null(strstr(why, "not the key of this vault"));

    copy_file(world, "epoch/right", "epoch/intake-0");
    must_open(world);
    assert_opens(world, sealed, "kept");
}

static void a_vault_without_its_check_is_not_begun_anew(void **state)
{
    struct world *world = *state;
    store_table meta;
    const char *why;
    take(world);
    assert_int_equal(store_table_open(vault_store(world->vault), "meta", &meta), ERR_NONE);
    struct store_txn *txn = store_begin(vault_store(world->vault), true);
    assert_true(store_delete(txn, meta, bytes_of_text("check")));
    assert_int_equal(store_commit(txn), ERR_NONE);
    vault_close(world->vault);
    assert_int_equal(open_vault(world, NULL, 16, &why), ERR_CORRUPT);
    assert_non_null(strstr(why, "table meta at key 636865636b is missing"));
}

static const char *wrong_rows(struct world *world)
{
    struct vault_check *check = vault_check_open(world->vault);
    const char *wrong, *found = "";
    while (vault_check_step(check, 7, &world->arena, &wrong))
        if (wrong)
            found = arena_printf(&world->arena, "%s%s\n", found, wrong);
    vault_check_close(check);
    return found;
}

/* One bit of a row, as a failing disk would; again: it is as it was. */
static void alter(struct world *world, const char *name, struct bytes row)
{
    store_table table;
    struct bytes box;
    assert_int_equal(store_table_open(vault_store(world->vault), name, &table), ERR_NONE);
    struct store_txn *txn = store_begin(vault_store(world->vault), true);
    assert_true(store_get(txn, table, row, &world->arena, &box));
    ((uint8_t *)(uintptr_t)box.data)[box.size / 2] ^= 16;
    store_put(txn, table, row, box);
    assert_int_equal(store_commit(txn), ERR_NONE);
}

/* Each in a transaction of its own. */
static enum err secret_put(struct world *world, const char *name, struct bytes secret)
{
    struct store_txn *txn = store_begin(vault_store(world->vault), true);
    enum err err = vault_secret_put(world->vault, txn, name, secret);
    enum err committed = store_commit(txn);
    return err ? err : committed;
}

static enum err secret_get(struct world *world, const char *name, struct bytes *secret_out)
{
    struct store_txn *txn = store_begin(vault_store(world->vault), false);
    enum err err = vault_secret_get(world->vault, txn, name, &world->arena, secret_out);
    store_abort(txn);
    return err;
}

static enum err secret_delete(struct world *world, const char *name)
{
    struct store_txn *txn = store_begin(vault_store(world->vault), true);
    enum err err = vault_secret_delete(world->vault, txn, name);
    enum err committed = store_commit(txn);
    return err ? err : committed;
}

static void an_altered_row_is_found(void **state)
{
    struct world *world = *state;
    uint64_t lives = take(world), gone = take(world);
    assert_int_equal(vault_destroy(world->vault, &gone, 1), ERR_NONE);
    assert_int_equal(secret_put(world, "a", bytes_of_text("account")), ERR_NONE);
    assert_string_equal(wrong_rows(world), "");
    assert_int_equal(vault_rotate(world->vault), ERR_NONE);
    assert_string_equal(wrong_rows(world), "");
    assert_true(vault_erased(world->vault, gone));
    struct key key = key_u64(lives), erased = key_u64(gone);
    const struct {
        const char *table;
        struct bytes row;
        const char *found;
    } rows[] = {{"keys", key_bytes(&key),
                 arena_printf(&world->arena, "table keys at key %016" PRIx64 ": it was altered\n", lives)},
                {"erased", key_bytes(&erased),
                 arena_printf(&world->arena, "table erased at key %016" PRIx64 ": it was altered\n", gone)},
                {"secrets", bytes_of_text("secret/a"), "table secrets at key 7365637265742f61: it was altered\n"},
                {"meta", bytes_of_text("check"), "table meta at key 636865636b: it was altered\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        alter(world, rows[i].table, rows[i].row);
        assert_string_equal(wrong_rows(world), rows[i].found);
        alter(world, rows[i].table, rows[i].row);
    }
    assert_string_equal(wrong_rows(world), "");
}

static void rotation_keeps_the_living_and_forgets_the_old_key(void **state)
{
    struct world *world = *state;
    Hb__Sealed *kept = seal(world, take(world), "text", "kept");
    char before[9], after[9];
    vault_tracking_code(world->vault, 77, before);
    assert_int_equal(secret_put(world, "token/a", bytes_of_text("account")), ERR_NONE);
    copy_file(world, "epoch/intake-0", "epoch/old");
    assert_int_equal(vault_rotate(world->vault), ERR_NONE);
    assert_opens(world, kept, "kept");
    reopen(world);
    assert_opens(world, kept, "kept");
    vault_tracking_code(world->vault, 77, after);
    assert_string_equal(before, after);
    struct bytes secret;
    assert_int_equal(secret_get(world, "token/a", &secret), ERR_NONE);
    assert_true(bytes_equal(secret, bytes_of_text("account")));
    vault_close(world->vault);
    copy_file(world, "epoch/intake-0", "epoch/new");
    copy_file(world, "epoch/old", "epoch/intake-0");
    const char *why;
    assert_int_equal(open_vault(world, NULL, 16, &why), ERR_DENIED);
    copy_file(world, "epoch/new", "epoch/intake-0");
    must_open(world);
}

/* A crash between the two writings of the key file leaves both keys in it, before or after the rows changed over. */
static void a_crash_within_a_rotation_leaves_a_vault_that_opens(void **state)
{
    struct world *world = *state;
    Hb__Sealed *kept = seal(world, take(world), "text", "kept");
    char *path = arena_printf(&world->arena, "%s/epoch/intake-0", world->folder);
    for (unsigned right = 0; right < 2; right++) {
        vault_close(world->vault);
        struct epoch_keys one, both = {.count = 2}, left;
        assert_int_equal(epoch_load(path, &one), ERR_NONE);
        assert_int_equal(one.count, 1);
        memset(both.keys[1 - right], 0x55, EPOCH_KEY_BYTES);
        memcpy(both.keys[right], one.keys[0], EPOCH_KEY_BYTES);
        assert_int_equal(epoch_save(path, &both), ERR_NONE);
        must_open(world);
        assert_opens(world, kept, "kept");
        assert_int_equal(epoch_load(path, &left), ERR_NONE);
        assert_int_equal(left.count, 1);
        assert_memory_equal(left.keys[0], one.keys[0], EPOCH_KEY_BYTES);
    }
    /* The first writing fails (a folder in its way): nothing has changed. */
    char *blocked = arena_printf(&world->arena, "%s.new", path);
    assert_int_equal(mkdir(blocked, 0700), 0);
    assert_int_not_equal(vault_rotate(world->vault), ERR_NONE);
    assert_opens(world, kept, "kept");
    assert_int_equal(rmdir(blocked), 0);
    reopen(world);
    assert_opens(world, kept, "kept");
}

static void tracking_codes(void **state)
{
    struct world *world = *state;
    char code[9], other[9], lower[9];
    vault_tracking_code(world->vault, 0x123456789abcdef0u, code);
    vault_tracking_code(world->vault, 0x123456789abcdef1u, other);
    assert_string_not_equal(code, other);
    assert_int_equal(strlen(code), 8);
    assert_int_equal(strspn(code, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 8);
    for (unsigned i = 0; i < 9; i++)
        lower[i] = (char)(code[i] == '0' ? 'o' : code[i] == '1' ? 'l' : tolower(code[i]));
    assert_true(vault_tracking_matches(world->vault, 0x123456789abcdef0u, code));
    assert_true(vault_tracking_matches(world->vault, 0x123456789abcdef0u, lower));
    assert_false(vault_tracking_matches(world->vault, 0x123456789abcdef0u, other));
    assert_false(vault_tracking_matches(world->vault, 0x123456789abcdef0u, "1234567"));
    assert_false(vault_tracking_matches(world->vault, 0x123456789abcdef0u, ""));
    reopen(world);
    assert_true(vault_tracking_matches(world->vault, 0x123456789abcdef0u, code));
}

static void blind_indexes(void **state)
{
    struct world *world = *state;
    uint8_t one[VAULT_BLIND_BYTES], same[VAULT_BLIND_BYTES], other[VAULT_BLIND_BYTES], scoped[VAULT_BLIND_BYTES];
    vault_blind(world->vault, "phone", "13800000000", one);
    vault_blind(world->vault, "phone", "13800000001", other);
    vault_blind(world->vault, "email", "13800000000", scoped);
    reopen(world);
    vault_blind(world->vault, "phone", "13800000000", same);
    assert_memory_equal(one, same, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
    assert_memory_not_equal(one, scoped, sizeof one);
}

static void secrets(void **state)
{
    struct world *world = *state;
    struct bytes got;
    assert_int_equal(secret_get(world, "token/x", &got), ERR_NOT_FOUND);
    assert_int_equal(secret_put(world, "token/x", bytes_of_text("one")), ERR_NONE);
    assert_int_equal(secret_put(world, "token/x", bytes_of_text("two")), ERR_NONE);
    reopen(world);
    assert_int_equal(secret_get(world, "token/x", &got), ERR_NONE);
    assert_true(bytes_equal(got, bytes_of_text("two")));
    struct store_txn *given_up = store_begin(vault_store(world->vault), true);
    assert_int_equal(vault_secret_put(world->vault, given_up, "token/x", bytes_of_text("three")), ERR_NONE);
    store_abort(given_up);
    assert_int_equal(secret_get(world, "token/x", &got), ERR_NONE);
    assert_true(bytes_equal(got, bytes_of_text("two")));
    char *longest = arena_alloc(&world->arena, 258);
    memset(longest, 'x', 257);
    longest[257] = 0;
    assert_int_equal(secret_put(world, longest, bytes_of_text("one")), ERR_TOO_LARGE);
    assert_int_equal(secret_delete(world, "token/x"), ERR_NONE);
    assert_int_equal(secret_get(world, "token/x", &got), ERR_NOT_FOUND);
}

/* A wrapped row copied over another one is noticed: table and key are part of what is authenticated. */
static void a_row_in_another_place_is_noticed(void **state)
{
    struct world *world = *state;
    assert_int_equal(secret_put(world, "a", bytes_of_text("of a")), ERR_NONE);
    assert_int_equal(secret_put(world, "b", bytes_of_text("of b")), ERR_NONE);
    vault_close(world->vault);
    struct store *store;
    store_table table;
    char *folder = arena_printf(&world->arena, "%s/data/vault", world->folder);
    assert_int_equal(store_open(folder, &(struct store_options){.map_bytes = 64u << 20}, &store), ERR_NONE);
    assert_int_equal(store_table_open(store, "secrets", &table), ERR_NONE);
    struct store_txn *txn = store_begin(store, true);
    struct bytes box;
    assert_true(store_get(txn, table, bytes_of_text("secret/a"), &world->arena, &box));
    assert_null(memmem(box.data, box.size, "of a", 4));
    store_put(txn, table, bytes_of_text("secret/b"), box);
    assert_int_equal(store_commit(txn), ERR_NONE);
    store_close(store);
    must_open(world);
    struct bytes got;
    assert_int_equal(secret_get(world, "b", &got), ERR_CORRUPT);
    assert_int_equal(secret_get(world, "a", &got), ERR_NONE);
}

static void one_seed_gives_one_history(void **state)
{
    struct world *world = *state;
    uint64_t keys[2];
    uint8_t boxes[2][64];
    char codes[2][9];
    for (unsigned i = 0; i < 2; i++) {
        vault_close(world->vault);
        assert_true(folder_remove(arena_printf(&world->arena, "%s/data", world->folder)));
        assert_true(folder_remove(arena_printf(&world->arena, "%s/epoch", world->folder)));
        world->seed = 42;
        assert_int_equal(open_vault(world, seeded, 16, NULL), ERR_NONE);
        keys[i] = take(world);
        Hb__Sealed *sealed = seal(world, keys[i], "text", "simulated");
        memcpy(boxes[i], sealed->box.data, sealed->box.len);
        vault_tracking_code(world->vault, 5, codes[i]);
    }
    assert_int_equal(keys[0], keys[1]);
    assert_memory_equal(boxes[0], boxes[1], 24 + 9 + 16);
    assert_string_equal(codes[0], codes[1]);
}

/* The cache against a plain model: a key is there unless at least `keys_max` others were used since. */
static void the_cache_keeps_the_most_recent(void **state)
{
    (void)state;
    enum { KEYS_MAX = 7, IDS = 20, STEPS = 20000 };
    struct vault_cache *cache = vault_cache_new(KEYS_MAX);
    uint64_t order[IDS];
    unsigned count = 0, random = 1;
    for (unsigned step = 0; step < STEPS; step++) {
        random = random * 1103515245u + 12345u;
        uint64_t id = (uint64_t)((random >> 16) % IDS) << 32 | 7;
        unsigned at = 0;
        while (at < count && order[at] != id)
            at++;
        const uint8_t *key = vault_cache_get(cache, id);
        assert_int_equal(key != NULL, at < count);
        if (key)
            assert_int_equal(key[31], (uint8_t)(id >> 32));
        if (at < count)
            memmove(order + at, order + at + 1, (--count - at) * sizeof *order);
        if ((random >> 8) % 8 == 0) {
            vault_cache_drop(cache, id);
            continue;
        }
        if (!key) {
            uint8_t fresh[VAULT_KEY_BYTES];
            memset(fresh, (int)(id >> 32), sizeof fresh);
            vault_cache_put(cache, id, fresh);
        }
        if (count == KEYS_MAX)
            memmove(order, order + 1, --count * sizeof *order);
        order[count++] = id;
    }
    vault_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seals_and_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_box_altered_or_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(a_destroyed_key_opens_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(an_altered_row_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_vault_without_its_check_is_not_begun_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_a_restart_and_gives_no_key_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(the_pool_is_filled_before_it_is_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(the_epoch_key_file_is_private, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_or_wrong_epoch_key_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(rotation_keeps_the_living_and_forgets_the_old_key, setup, teardown),
        cmocka_unit_test_setup_teardown(a_crash_within_a_rotation_leaves_a_vault_that_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(tracking_codes, setup, teardown),
        cmocka_unit_test_setup_teardown(blind_indexes, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_in_another_place_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(one_seed_gives_one_history, setup, teardown),
        cmocka_unit_test(the_cache_keeps_the_most_recent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
