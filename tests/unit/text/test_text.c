/* Texts as people mean them: what is the same however it was typed, and which numbers are in it. */
#include "text/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

static void test_folded(void **state)
{
    static const char *const same[][2] = {
        {"ＡＢＣ１２３", "abc123"},  {"Straße", "STRASSE"}, {" 电梯\n\t 异响 ", "电梯 异响"},
        {"电梯　异响", "电梯 异响"}, {"é", "e\xcc\x81"},    {"", " \n "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_string_equal(text_folded(&arena, same[i][0]), text_folded(&arena, same[i][1]));
    assert_string_equal(text_folded(&arena, "\xff\xfe"), "\xff\xfe");
    assert_int_equal(text_characters("电梯 ab"), 5);
    assert_int_equal(text_characters(""), 0);
}

static void assert_phones(const char *text, const char *joined)
{
    char *phones[TEXT_PHONES_MAX];
    size_t count = text_phones(&arena, text, phones);
    assert_string_equal(arena_join(&arena, (const char *const *)phones, count, ","), joined);
}

static void test_phones(void **state)
{
    (void)state;
    assert_phones("+86 138-0000-1234", "13800001234");
    assert_phones("0086 13800001234", "13800001234");
    assert_phones("（021）6437-0000", "02164370000");
    assert_phones("１３８００００１２３４", "13800001234");
    assert_phones("021-64370000 / 13800001234，分机 12", "02164370000,13800001234");
    assert_phones("110", "");
    assert_phones("", "");
    assert_phones("8612345678901", "12345678901");
    assert_phones("1111111;2222222;3333333;4444444;5555555", "1111111,2222222,3333333,4444444");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_phones, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
