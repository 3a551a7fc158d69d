/* The index of words: whoever may hold a word is found, in order, and few others; what was altered is not lost; without
   the key it tells nothing. */
#include "../support/folder.h"
#include "base/key.h"
#include "store/store.h"
#include "vault/vault.h"
#include "vault/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
    struct arena arena;
    struct vault *vault;
    struct words *words;
    char folder[256];
    uint64_t seed; /* of the repeatable randomness: which word passes by mistake depends on the key */
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

static struct vault *open_vault(struct world *world, const char *name)
{
    char *folder = arena_printf(&world->arena, "%s/%s/vault", world->folder, name);
    char *epoch = arena_printf(&world->arena, "%s/%s-epoch/intake-0", world->folder, name);
    struct vault_options options = {.folder = folder,
                                    .epoch_path = epoch,
                                    .random = seeded,
                                    .random_context = world,
                                    .map_bytes = 16u << 20,
                                    .keys_ahead = 4};
    struct vault *vault;
    const char *why = "";
    assert_int_equal(vault_open_dir(&options, &world->arena, &vault, &why), ERR_NONE);
    return vault;
}

static void open_words(struct world *world, const char *of)
{
    char *folder = arena_printf(&world->arena, "%s/words", world->folder);
    words_close(world->words);
    assert_int_equal(words_open(folder, world->vault, of, &world->words), ERR_NONE);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    arena_init(&world->arena);
    const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    snprintf(world->folder, sizeof world->folder, "%s/hearback-words-XXXXXX", base);
    assert_non_null(mkdtemp(world->folder));
    world->vault = open_vault(world, "one");
    open_words(world, "a");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    words_close(world->words);
    vault_close(world->vault);
    folder_remove(world->folder);
    arena_fini(&world->arena);
    free(world);
    return 0;
}

static struct words_marks marks_of(struct world *world, const char *text)
{
    struct words_marks marks = {0};
    words_mark(world->words, WORDS_OF_ANY, text, &world->arena, &marks);
    return marks;
}

static void put(struct world *world, const char *site, uint64_t received, uint64_t id, const char *text)
{
    struct words_marks marks = marks_of(world, text);
    words_put(world->words, site, (struct words_place){received, id}, &marks);
}

/* The ids found, newest or oldest first, a few rows at a time. */
static char *found(struct world *world, const char *site, const char *word, bool newest_first, size_t rows)
{
    struct words_marks marks = marks_of(world, word);
    uint64_t end = newest_first ? UINT64_MAX : 0;
    struct words_look look = {.site = site, .marks = &marks, .from = {end, end}, .newest_first = newest_first};
    struct words_place places[2];
    char *ids = "";
    while (!look.end) {
        look.rows_max = rows;
        size_t count = words_find(world->words, &look, places, 2);
        for (size_t i = 0; i < count; i++)
            ids = arena_printf(&world->arena, "%s%d ", ids, (int)places[i].case_id);
    }
    return ids;
}

static void finds_in_order(void **state)
{
    struct world *world = *state;
    words_begin(world->words);
    put(world, "a", 100, 7, "三号楼电梯异响");
    put(world, "a", 200, 5, "地下车库漏水");
    put(world, "a", 200, 6, "电梯停运");
    put(world, "ab", 150, 8, "电梯");
    put(world, "a", 300, 4, "x");
    put(world, "a", 400, 9, "客梯、电梯");
    assert_int_equal(words_commit(world->words, 6), ERR_NONE);
    for (size_t rows = 1; rows < 8; rows++) {
        assert_string_equal(found(world, "a", "电梯", true, rows), "9 6 7 ");
        assert_string_equal(found(world, "a", "电梯", false, rows), "7 6 9 ");
        assert_string_equal(found(world, "ab", "电梯", true, rows), "8 ");
        assert_string_equal(found(world, "a", "车库漏", true, rows), "5 ");
        assert_string_equal(found(world, "b", "电梯", true, rows), "");
        assert_string_equal(found(world, "a", "", true, rows), "9 4 6 5 7 "); /* nothing asked: all */
    }
    words_begin(world->words);
    put(world, "a", 300, 4, "x 电梯");
    assert_int_equal(words_commit(world->words, 7), ERR_NONE);
    assert_string_equal(found(world, "a", "电梯", true, 100), "9 4 6 7 ");
}

static void lets_few_pass_by_mistake(void **state)
{
    struct world *world = *state;
    char text[400];
    words_begin(world->words);
    for (unsigned i = 0; i < 5000; i++) { /* 60 characters of 5,000, none of which is asked for */
        size_t size = 0;
        for (unsigned c = 0; c < 60; c++) {
            unsigned rune = 0x5000 + (i * 61 + c * 977) % 5000;
            text[size++] = (char)(0xe0 | rune >> 12);
            text[size++] = (char)(0x80 | (rune >> 6 & 63));
            text[size++] = (char)(0x80 | (rune & 63));
        }
        text[size] = 0;
        put(world, "a", i + 1, i + 1, text);
    }
    assert_int_equal(words_commit(world->words, 5000), ERR_NONE);
    size_t passed = 0;
    for (const char *ids = found(world, "a", "鿋鿌", true, 10000); *ids; ids++)
        passed += *ids == ' ';
    assert_in_range(passed, 0, 15); /* 3 expected: six of ten thousand */
}

/* "id:held ", best first, of those not older than `until`. */
static char *ranked(struct world *world, const char *text, size_t least, uint64_t until, size_t rows, size_t most)
{
    struct words_marks marks = marks_of(world, text);
    words_marks_distinct(&marks, 64);
    struct words_look look = {
        .site = "a", .marks = &marks, .from = {UINT64_MAX, UINT64_MAX}, .newest_first = true, .rows_max = rows};
    struct words_ranked list[4];
    char *all = "";
    size_t count = words_rank(world->words, &look, (struct words_place){until, 0}, least, list, most);
    for (size_t i = 0; i < count; i++)
        all = arena_printf(&world->arena, "%s%d:%zu ", all, (int)list[i].place.case_id, list[i].held);
    return all;
}

static void ranks_by_what_is_shared(void **state)
{
    struct world *world = *state;
    words_begin(world->words);
    put(world, "a", 100, 1, "三号楼电梯上行时异响");
    put(world, "a", 200, 2, "地下车库漏水");
    put(world, "a", 300, 3, "电梯异响");
    put(world, "b", 350, 4, "三号楼电梯上行时异响");
    put(world, "a", 400, 5, "三号楼电梯上行异常");
    assert_int_equal(words_commit(world->words, 5), ERR_NONE);
    assert_string_equal(ranked(world, "三号楼电梯异响", 1, 0, 100, 4),
                        "1:5 5:4 3:3 "); /* of six pairs: 梯异 is in 3 alone */
    assert_string_equal(ranked(world, "三号楼电梯异响", 4, 0, 100, 4), "1:5 5:4 ");
    assert_string_equal(ranked(world, "三号楼电梯异响", 1, 0, 100, 1), "1:5 ");
    assert_string_equal(ranked(world, "三号楼电梯异响", 1, 250, 100, 4), "5:4 3:3 ");
    assert_string_equal(ranked(world, "三号楼电梯异响", 1, 0, 2, 4), "5:4 3:3 "); /* no more rows than that */
    assert_string_equal(ranked(world, "电梯电梯电梯", 2, 0, 100, 4), ""); /* 梯电 is in none, and 电梯 counts once */
}

static void stays_and_begins_anew(void **state)
{
    struct world *world = *state;
    words_begin(world->words);
    put(world, "a", 1, 1, "电梯");
    assert_int_equal(words_commit(world->words, 42), ERR_NONE);
    open_words(world, "a");
    assert_int_equal(words_end(world->words), 42);
    assert_string_equal(found(world, "a", "电梯", true, 10), "1 ");
    open_words(world, "b");
    assert_int_equal(words_end(world->words), 0);
    assert_string_equal(found(world, "a", "电梯", true, 10), "");
}

/* Every row, or the first one, as it lies on disk, with the first bit of its last byte turned over: of its value, or of
 * its key. */
static void alter(struct world *world, const char *name, bool in_key)
{
    struct store_options options = {0};
    struct store *store;
    store_table table;
    char *folder = arena_printf(&world->arena, "%s/words", world->folder);
    words_close(world->words);
    world->words = NULL;
    assert_int_equal(store_open(folder, &options, &store), ERR_NONE);
    assert_int_equal(store_table_open(store, name, &table), ERR_NONE);
    struct store_txn *txn = store_begin(store, true);
    struct store_scan scan;
    struct bytes key, value;
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    while (store_scan_next(&scan, &world->arena, &key, &value)) {
        struct bytes *part = in_key ? &key : &value;
        struct bytes before = key;
        *part = arena_copy(&world->arena, *part);
        ((uint8_t *)(uintptr_t)part->data)[part->size - 1] ^= 0x80;
        if (in_key)
            store_delete(txn, table, before);
        store_put(txn, table, key, value);
        if (in_key || strcmp(name, "meta") == 0)
            break; /* a key may come again; of meta it is `end` alone */
    }
    assert_int_equal(store_commit(txn), ERR_NONE);
    store_close(store);
}

static void what_was_altered_is_not_lost(void **state)
{
    struct world *world = *state;
    words_begin(world->words);
    put(world, "a", 1, 1, "电梯");
    assert_int_equal(words_commit(world->words, 1), ERR_NONE);
    assert_string_equal(found(world, "a", "车库", true, 10), "");
    alter(world, "words", false);
    open_words(world, "a");
    assert_string_equal(found(world, "a", "电梯", true, 10), "1 ");
    assert_string_equal(found(world, "a", "车库", true, 10), "1 "); /* a candidate: it will be opened */
}

/* Up to where the texts were read: one that was altered is not believed. */
static void an_altered_end_begins_anew(void **state)
{
    struct world *world = *state;
    words_begin(world->words);
    put(world, "a", 1, 1, "电梯");
    assert_int_equal(words_commit(world->words, 42), ERR_NONE);
    alter(world, "meta", false);
    open_words(world, "a");
    assert_int_equal(words_end(world->words), 0);
    assert_string_equal(found(world, "a", "电梯", true, 10), "");
}

static const char *check(struct world *world)
{
    struct words_check *check = words_check_open(world->words);
    const char *wrong, *first = NULL;
    for (bool more = true; more; first = first ? first : wrong)
        more = words_check_step(check, 1, &world->arena, &wrong);
    words_check_close(check);
    return first;
}

/* The case is not found where it lay: whoever sees the row, in a search or in VERIFY, has all of it made anew. */
static void an_altered_key_is_told(void **state)
{
    struct world *world = *state;
    for (unsigned seen_by = 0; seen_by < 2; seen_by++) {
        open_words(world, seen_by ? "a" : "b");
        words_begin(world->words);
        put(world, "a", 1, 1, "电梯");
        put(world, "a", 2, 2, "车库");
        assert_int_equal(words_commit(world->words, 2), ERR_NONE);
        assert_null(check(world));
        assert_false(words_damaged(world->words));
        alter(world, "words", true);
        open_words(world, seen_by ? "a" : "b");
        assert_int_equal(words_end(world->words), 2);
        if (seen_by)
            found(world, "a", "车库", true, 10);
        else
            assert_string_equal(check(world),
                                "table words at key 610000000000000000010000000000000081: it was altered");
        assert_true(words_damaged(world->words));
        assert_int_equal(words_end(world->words), 0);
        words_begin(world->words);
        put(world, "a", 1, 1, "电梯");
        assert_int_equal(words_commit(world->words, 1), ERR_NONE);
        assert_false(words_damaged(world->words));
        assert_string_equal(found(world, "a", "电梯", true, 10), "1 ");
        assert_null(check(world));
    }
}

/* Under another key the same words have other marks; a value as a whole is no pair, and each scope has its own. */
static void is_keyed(void **state)
{
    struct world *world = *state;
    struct words_marks ours = marks_of(world, "电梯"), whole = {0};
    struct vault *vault = open_vault(world, "other");
    struct words *words;
    struct words_marks theirs = {0};
    assert_int_equal(words_open(arena_printf(&world->arena, "%s/words2", world->folder), vault, "a", &words), ERR_NONE);
    words_mark(words, WORDS_OF_ANY, "电梯", &world->arena, &theirs);
    assert_int_equal(ours.count, 1);
    assert_int_equal(theirs.count, 1);
    assert_true(ours.list[0] != theirs.list[0]);
    words_mark_whole(world->words, "phone", "13800001234", &world->arena, &whole);
    words_mark_whole(world->words, "other", "13800001234", &world->arena, &whole);
    assert_int_equal(whole.count, 2);
    assert_true(whole.list[0] != whole.list[1]);
    words_close(words);
    vault_close(vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(lets_few_pass_by_mistake, setup, teardown),
        cmocka_unit_test_setup_teardown(ranks_by_what_is_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(stays_and_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_altered_is_not_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(an_altered_end_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(an_altered_key_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(is_keyed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
