/* Arena, keys and text: what everything above takes for granted. */
#include "base/arena.h"
#include "base/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In every block. */
static void what_is_wiped_is_gone(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *first = arena_strdup(&arena, "a password"), *second = arena_alloc(&arena, 200000);
    memset(second, 'x', 200000);
    arena_wipe(&arena);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(first[i], 0);
    for (size_t i = 0; i < 200000; i++)
        assert_int_equal(second[i], 0);
    arena_fini(&arena);
}

static void what_is_allocated_is_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    uint8_t *before = NULL;
    for (size_t size = 1; size < 3000; size += 7) {
        uint8_t *here = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)here % 16, 0);
        memset(here, 0xaa, size);
        if (before)
            assert_true(before[0] == 0xaa);
        before = here;
    }
    uint8_t *zero = arena_zero(&arena, 5000);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(zero[i], 0);
    arena_reset(&arena);
    zero = arena_zero(&arena, 3000); /* of memory used before */
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(zero[i], 0);
    arena_fini(&arena);
}

static void over_the_cap_only_try_says_no(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    arena.cap = 10000;
    assert_non_null(arena_try(&arena, 9000));
    assert_null(arena_try(&arena, 2000));
    assert_non_null(arena_try(&arena, 500)); /* what fits still fits */
    arena.cap = 0;
    assert_non_null(arena_try(&arena, 1 << 20));
    arena_fini(&arena);
}

static void a_mark_forgets_what_came_after(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *kept = arena_strdup(&arena, "kept");
    struct arena_mark mark = arena_mark(&arena);
    size_t used = arena.used;
    for (unsigned i = 0; i < 100; i++)
        memset(arena_alloc(&arena, 10000), 'x', 10000);
    arena_return(&arena, mark);
    assert_int_equal(arena.used, used);
    assert_string_equal(kept, "kept");
    arena_fini(&arena);
}

static void a_list_grows_and_keeps_what_it_held(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    unsigned *list = NULL;
    for (unsigned i = 0; i < 1000; i++) {
        list = arena_grow(&arena, list, i, sizeof *list);
        list[i] = i;
    }
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(list[i], i);
    assert_true(arena.used < 1000 * sizeof *list * 8);
    arena_fini(&arena);
}

static int order(const struct key *a, const struct key *b)
{
    size_t size = a->size < b->size ? a->size : b->size;
    int difference = memcmp(a->data, b->data, size);
    return difference ? difference : (int)a->size - (int)b->size;
}

/* Order on disk is order in meaning. */
static void texts_are_joined(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    static const char *const texts[] = {"a", "", "bc"};
    assert_string_equal(arena_join(&arena, texts, 3, ", "), "a, , bc");
    assert_string_equal(arena_join(&arena, texts, 1, ", "), "a");
    assert_string_equal(arena_join(&arena, texts, 0, ", "), "");
    arena_fini(&arena);
}

static void keys_sort_as_their_parts_do(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 255, 256, 65535, 1ull << 32, (1ull << 63) - 1, UINT64_MAX};
    for (size_t i = 0; i + 1 < sizeof numbers / sizeof *numbers; i++) {
        struct key a = key_u64(numbers[i]), b = key_u64(numbers[i + 1]);
        assert_true(order(&a, &b) < 0);
        assert_true(bytes_get_u64(a.data) == numbers[i]);
    }
    /* the zero byte keeps "a" + "bc" apart from "ab" + "c", and "a" before "ab" */
    struct key a = key_text("a"), ab = key_text("ab");
    key_add_text(&a, "bc");
    key_add_text(&ab, "c");
    assert_true(order(&a, &ab) < 0);
    struct key first = key_text("garden"), second = key_text("garden");
    key_add_u32(&first, 9);
    key_add_u32(&second, 10);
    assert_true(order(&first, &second) < 0);
}

static void only_utf8_without_nul_is_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        bool valid;
    } rows[] = {
        {"", 0, true},
        {"plain", 5, true},
        {"投诉", 6, true},
        {"\xf0\x9f\x98\x80", 4, true},  /* beyond the basic plane */
        {"a\0b", 3, false},             /* NUL */
        {"\x80", 1, false},             /* a continuation alone */
        {"\xe6\x8a", 2, false},         /* cut off */
        {"\xc0\xaf", 2, false},         /* overlong "/" */
        {"\xe0\x80\xaf", 3, false},     /* overlong */
        {"\xed\xa0\x80", 3, false},     /* a surrogate */
        {"\xf4\x90\x80\x80", 4, false}, /* beyond U+10FFFF */
        {"\xff", 1, false},
        {"\xe6\x8a\x95\xe8\xaf", 5, false}, /* sound, then cut off */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(utf8_valid(rows[i].text, rows[i].size), rows[i].valid);
}

/* An assertion stays on in release: the handler runs, then the process aborts before anything is committed. */
static void on_bug(void *context)
{
    (void)!write(*(int *)context, "handled", 7);
}

static void a_failed_assertion_tells_and_aborts(void **state)
{
    (void)state;
    int told[2], lines[2];
    assert_int_equal(pipe(told), 0);
    assert_int_equal(pipe(lines), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(lines[1], STDERR_FILENO);
        bug_handler_set(on_bug, &told[1]);
        bug_unless(told[0] < 0 && "quoted");
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    char text[600] = "";
    close(told[1]);
    close(lines[1]);
    assert_int_equal(read(told[0], text, sizeof text), 7);
    memset(text, 0, sizeof text);
    assert_true(read(lines[0], text, sizeof text - 1) > 0);
    assert_non_null(strstr(text, "\"event\":\"bug\""));
    assert_non_null(strstr(text, "\\\"quoted\\\"")); /* a line of JSON like all others */
    close(told[0]);
    close(lines[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_wiped_is_gone),
                                       cmocka_unit_test(what_is_allocated_is_aligned_and_apart),
                                       cmocka_unit_test(over_the_cap_only_try_says_no),
                                       cmocka_unit_test(a_mark_forgets_what_came_after),
                                       cmocka_unit_test(a_list_grows_and_keeps_what_it_held),
                                       cmocka_unit_test(texts_are_joined),
                                       cmocka_unit_test(keys_sort_as_their_parts_do),
                                       cmocka_unit_test(only_utf8_without_nul_is_text),
                                       cmocka_unit_test(a_failed_assertion_tells_and_aborts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
