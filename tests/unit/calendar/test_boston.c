/* A real city as an oracle: the promised dates of Boston 311, August 2011, follow one of two rules per type of request
   (shared data README). The best rule and N of each type must reproduce at least 98.5 % of them within three minutes.
   Prints the table as `type,rule,N,rows,right`; with BOSTON_RULES_FILE set, writes it there too. */
#include "../support/skip.h"
#include "calendar/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DATA SOURCE_DIR "/../shared/data/boston311-2011-08.csv"
#define COLUMNS 21
#define TYPES_MAX 200
#define ROWS_PER_TYPE_MIN 15
#define TRIES 3
#define AMOUNT_MAX 1000

enum column { OPEN = 1, TARGET = 2, CLOSED = 3, ONTIME = 4, TYPE = 10 };

struct row {
    int64_t open_ms, target_ms, closed_ms;
    int ontime; /* -1 not rated */
};

struct type {
    char *name;
    struct row *rows;
    size_t count;
};

struct city {
    struct arena arena;
    struct zone *zone;
    struct calendar *calendar;
    Policy__TimeOptions working, natural;
    struct type types[TYPES_MAX];
    size_t count;
};

/* One record with quoted fields; returns the place after it, NULL at the end. */
static char *read_record(char *at, char *columns[COLUMNS])
{
    if (!*at)
        return NULL;
    for (int i = 0; i < COLUMNS; i++)
        columns[i] = "";
    for (int column = 0; column < COLUMNS; column++) {
        bool quoted = *at == '"';
        char *to = at += quoted;
        columns[column] = at;
        for (; *at && (quoted || (*at != ',' && *at != '\n')); at++) {
            if (quoted && *at == '"' && *++at != '"')
                break;
            *to++ = *at;
        }
        at += *at == '\r';
        char end = *at;
        at += end != 0;
        *to = 0;
        if (end != ',')
            break;
    }
    return at;
}

/* "2011-08-01 06:10:58", local; 0 when empty */
static int64_t time_of(const struct city *city, const char *text)
{
    char date[11];
    int32_t day;
    snprintf(date, sizeof date, "%.10s", text);
    if (!date_parse(date, &day))
        return 0;
    int64_t seconds = atoi(text + 11) * 3600 + atoi(text + 14) * 60 + atoi(text + 17);
    return zone_utc_ms(city->zone, day * DAY_MS + seconds * 1000);
}

static struct type *type_of(struct city *city, const char *name)
{
    for (size_t i = 0; i < city->count; i++)
        if (strcmp(city->types[i].name, name) == 0)
            return &city->types[i];
    assert_true(city->count < TYPES_MAX);
    city->types[city->count].name = arena_strdup(&city->arena, name);
    return &city->types[city->count++];
}

static void add_row(struct city *city, char *columns[COLUMNS])
{
    if (!*columns[TARGET])
        return;
    struct type *type = type_of(city, columns[TYPE]);
    type->rows = arena_grow(&city->arena, type->rows, type->count, sizeof *type->rows);
    type->rows[type->count++] =
        (struct row){time_of(city, columns[OPEN]), time_of(city, columns[TARGET]), time_of(city, columns[CLOSED]),
                     !*columns[ONTIME] ? -1 : strcmp(columns[ONTIME], "ONTIME") == 0};
}

static bool city_read(struct city *city)
{
    FILE *file = fopen(DATA, "rbe");
    if (!file)
        return false;
    size_t room = 8u << 20;
    char *text = arena_alloc(&city->arena, room), *columns[COLUMNS] = {0};
    text[fread(text, 1, room - 1, file)] = 0;
    fclose(file);
    char *at = read_record(text, columns);
    assert_string_equal(columns[TARGET], "target_dt");
    while (at && (at = read_record(at, columns)))
        add_row(city, columns);
    return true;
}

static void city_open(struct city *city)
{
    Calendar__Calendar *definition;
    char *why = "";
    *city = (struct city){0};
    arena_init(&city->arena);
    if (calendar_load(SOURCE_DIR "/services/directory/calendars/us-plain.json", &city->arena, &definition, &why))
        fail_msg("%s", why);
    assert_int_equal(zone_load(NULL, definition->zone, &city->zone), ERR_NONE);
    city->calendar = calendar_new(definition, city->zone);
    policy__time_options__init(&city->working);
    city->working.ends = POLICY__TIME_OPTIONS__ENDS__SAME_TIME;
    city->natural = city->working;
    city->working.start_roll_keep_time = city->working.after_hours_next_opening = true;
    city->natural.roll = POLICY__TIME_OPTIONS__ROLL__NO_ROLL;
}

static int64_t due_of(struct city *city, int64_t open_ms, bool working, unsigned amount)
{
    struct due_rules rules = {.calendar = city->calendar,
                              .options = working ? &city->working : &city->natural,
                              .close_of_business_min = 1020};
    Policy__Term term = POLICY__TERM__INIT;
    struct due due;
    term.unit = working ? POLICY__TERM__UNIT__WORKING_DAYS : POLICY__TERM__UNIT__NATURAL_DAYS;
    term.amount = amount;
    assert_true(due_compute(&rules, &term, open_ms, &city->arena, &due));
    return due.at_ms;
}

static size_t right_of(struct city *city, const struct type *type, bool working, unsigned amount)
{
    size_t right = 0;
    for (size_t i = 0; i < type->count; i++)
        right += llabs(due_of(city, type->rows[i].open_ms, working, amount) - type->rows[i].target_ms) <= 3 * MINUTE_MS;
    return right;
}

/* The amounts that occur most often between open and target, tried in turn. */
static unsigned span_of(struct city *city, const struct row *row, bool working)
{
    int64_t open = working ? due_of(city, row->open_ms, true, 0) : row->open_ms;
    int32_t from = date_of(city->calendar, open), to = date_of(city->calendar, row->target_ms);
    unsigned span = 0;
    for (int32_t date = from + 1; date <= to && span < AMOUNT_MAX - 1; date++)
        span += !working || calendar_works(city->calendar, date);
    return span;
}

static size_t best_amount(struct city *city, const struct type *type, bool working, unsigned *amount_out)
{
    unsigned votes[AMOUNT_MAX] = {0};
    size_t best = 0;
    for (size_t i = 0; i < type->count; i++)
        votes[span_of(city, &type->rows[i], working)]++;
    for (int try = 0; try < TRIES; try++) {
        unsigned most = 0;
        for (unsigned amount = 0; amount < AMOUNT_MAX; amount++)
            most = votes[amount] > votes[most] ? amount : most;
        votes[most] = 0;
        size_t right = right_of(city, type, working, most);
        if (right > best) {
            best = right;
            *amount_out = most;
        }
    }
    return best;
}

static void count_flags(struct city *city, const struct type *type, bool working, unsigned amount, size_t *rated,
                        size_t *agree)
{
    for (size_t i = 0; i < type->count; i++) {
        const struct row *row = &type->rows[i];
        if (row->ontime < 0 || !row->closed_ms)
            continue;
        (*rated)++;
        *agree += (row->closed_ms <= due_of(city, row->open_ms, working, amount)) == (row->ontime == 1);
    }
}

static void promised_dates_are_reproduced(void **state)
{
    (void)state;
    static struct city city;
    city_open(&city);
    assert_true(city_read(&city));
    const char *path = getenv("BOSTON_RULES_FILE");
    FILE *table = path ? fopen(path, "we") : NULL;
    size_t rows = 0, right = 0, types = 0, working_types = 0, rated = 0, agree = 0;
    for (size_t i = 0; i < city.count; i++) {
        const struct type *type = &city.types[i];
        unsigned days = 0, natural_days = 0;
        if (type->count < ROWS_PER_TYPE_MIN)
            continue;
        size_t by_working = best_amount(&city, type, true, &days);
        size_t by_natural = best_amount(&city, type, false, &natural_days);
        bool working = by_working >= by_natural;
        size_t best = working ? by_working : by_natural;
        const char *line =
            arena_printf(&city.arena, "\"%s\",%s,%u,%zu,%zu\n", type->name, working ? "working" : "natural",
                         working ? days : natural_days, type->count, best);
        print_message("%s", line);
        if (table)
            fputs(line, table);
        types++;
        working_types += working;
        rows += type->count;
        right += best;
        count_flags(&city, type, working, working ? days : natural_days, &rated, &agree);
    }
    if (table)
        fclose(table);
    print_message("%zu types (%zu in working days), %zu of %zu rows (%.2f %%), on time agrees on %zu of %zu\n", types,
                  working_types, right, rows, 100.0 * (double)right / (double)rows, agree, rated);
    assert_int_equal(types, 35);
    assert_true(right * 1000 >= rows * 985);
    assert_true(agree * 1000 >= rated * 990);
    arena_fini(&city.arena);
    zone_free(city.zone);
    calendar_free(city.calendar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(promised_dates_are_reproduced)};
    return skip_without(DATA) ? SKIPPED : cmocka_run_group_tests(tests, NULL, NULL);
}
