/* The shipped calendars against the data they were made of, which lie beside the checkout. */
#include "../support/almanac.h"
#include "../support/skip.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DATA SOURCE_DIR "/../shared/data/"
#define ENGLAND DATA "holidays-uk/england-and-wales.json"

static char *whole_file(struct world *world, const char *path, size_t *size_out)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return NULL;
    char *text = arena_alloc(&world->arena, 1 << 20);
    *size_out = fread(text, 1, 1 << 20, file);
    fclose(file);
    return text;
}

/* Importing the year files gives the shipped file: every date of twenty years agrees. */
static void china_equals_its_sources(void **state)
{
    (void)state;
    struct world cn;
    world_open(&cn, "cn");
    Calendar__Calendar imported = *cn.definition;
    imported.n_exceptions = imported.n_years = 0;
    imported.exceptions = NULL;
    imported.years = NULL;
    for (int year = FIRST_YEAR; year <= LAST_YEAR; year++) {
        char *why = "";
        size_t size = 0;
        char *text = whole_file(&cn, arena_printf(&cn.arena, DATA "holidays-cn/%d.json", year), &size);
        if (!text)
            fail_msg("holidays-cn/%d.json is missing", year);
        if (calendar_add_holiday_cn(&imported, bytes_of(text, size), &cn.arena, &why))
            fail_msg("%s", why);
    }
    assert_int_equal(imported.n_exceptions, cn.definition->n_exceptions);
    assert_int_equal(imported.n_years, cn.definition->n_years);
    for (size_t i = 0; i < imported.n_exceptions; i++) {
        assert_int_equal(imported.exceptions[i]->date, cn.definition->exceptions[i]->date);
        assert_int_equal(imported.exceptions[i]->works, cn.definition->exceptions[i]->works);
        assert_string_equal(imported.exceptions[i]->name, cn.definition->exceptions[i]->name);
    }
    char *why = "", empty[] = "{\"year\": 2027, \"papers\": [], \"days\": []}";
    assert_int_equal(calendar_add_holiday_cn(&imported, bytes_of_text(empty), &cn.arena, &why), ERR_NONE);
    assert_int_equal(imported.n_years, cn.definition->n_years); /* trap 3: an empty file publishes nothing */
    world_close(&cn);
}

static void england_equals_its_source(void **state)
{
    (void)state;
    struct world uk;
    world_open(&uk, "uk-england");
    json_t *root = json_load_file(ENGLAND, 0, NULL), *list, *item;
    assert_non_null(root);
    const char *year;
    size_t i, total = 0;
    json_object_foreach(json_object_get(root, "years"), year, list) {
        assert_true(calendar_published(uk.calendar, day(arena_printf(&uk.arena, "%s-06-01", year))));
        json_array_foreach(list, i, item) {
            assert_false(calendar_works(uk.calendar, day(json_string_value(json_object_get(item, "date")))));
            total++;
        }
    }
    assert_int_equal(total, uk.definition->n_exceptions);
    assert_false(calendar_published(uk.calendar, day("2029-01-02")));
    json_decref(root);
    world_close(&uk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(china_equals_its_sources),
                                       cmocka_unit_test(england_equals_its_source)};
    if (skip_without(DATA "holidays-cn") || skip_without(ENGLAND))
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
