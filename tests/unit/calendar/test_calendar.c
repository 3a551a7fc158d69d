/* Golden cases of policy-language.md 1, 6 and 7; fixed points of the shipped calendars. */
#include "../support/almanac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* "2025-03-10 18:00" or "... 24:00" local. */
static int64_t at(const struct world *world, const char *text)
{
    char date[11];
    snprintf(date, sizeof date, "%.10s", text);
    return instant_of(world->calendar, day(date), atoi(text + 11) * 60 + atoi(text + 14));
}

static const char *shown(struct world *world, int64_t ms)
{
    int year, month, of_month, minute = minute_of(world->calendar, ms);
    date_split(date_of(world->calendar, ms), &year, &month, &of_month);
    return arena_printf(&world->arena, "%04d-%02d-%02d %02d:%02d", year, month, of_month, minute / 60, minute % 60);
}

static Policy__Term term(Policy__Term__Unit unit, unsigned amount)
{
    Policy__Term made = POLICY__TERM__INIT;
    made.unit = unit;
    made.amount = amount;
    return made;
}

static struct due due_of(struct world *world, const char *start, Policy__Term term, const Policy__TimeOptions *options)
{
    struct due_rules rules = {world->calendar, options, 1080, NULL, NULL, true};
    struct due due;
    assert_true(due_compute(&rules, &term, at(world, start), &world->arena, &due));
    return due;
}

static void expect_due(struct world *world, const char *start, Policy__Term term, const Policy__TimeOptions *options,
                       const char *expected)
{
    struct due due = due_of(world, start, term, options);
    if (due.at_ms != at(world, expected))
        fail_msg("from %s: %s, not %s", start, shown(world, due.at_ms), expected);
}

#define DAYS(n) term(POLICY__TERM__UNIT__NATURAL_DAYS, n)
#define WORKING(n) term(POLICY__TERM__UNIT__WORKING_DAYS, n)
#define HOURS(n) term(POLICY__TERM__UNIT__HOURS, n)

/* ---- golden cases ---- */

static void documented_examples(void **state)
{
    (void)state;
    struct world cn;
    world_open(&cn, "cn");
    expect_due(&cn, "2025-09-29 10:00", WORKING(5), NULL, "2025-10-13 18:00");  /* HOSP-PROVINCIAL-17 */
    expect_due(&cn, "2025-09-29 10:00", WORKING(10), NULL, "2025-10-20 18:00"); /* HOSP-PROVINCIAL-18 */
    expect_due(&cn, "2025-12-29 10:00", WORKING(5), NULL, "2026-01-06 18:00");  /* SHOP-5-07, 2026 published */
    expect_due(&cn, "2025-03-03 09:00", DAYS(14), NULL, "2025-03-17 18:00");    /* HOSP-8-06 */
    expect_due(&cn, "2025-03-17 18:00", DAYS(14), NULL, "2025-03-31 18:00");
    expect_due(&cn, "2025-03-06 10:00", WORKING(2), NULL, "2025-03-10 18:00"); /* NURSING-HOME-26 */
    expect_due(&cn, "2025-03-10 09:00", WORKING(2), NULL, "2025-03-12 18:00");
    expect_due(&cn, "2025-03-03 10:00", DAYS(7), NULL, "2025-03-10 18:00");    /* PROP-FEEDBACK-16 */
    expect_due(&cn, "2025-03-04 16:00", DAYS(3), NULL, "2025-03-07 18:00");    /* CAR-DEALER-19 */
    expect_due(&cn, "2025-03-05 16:00", DAYS(3), NULL, "2025-03-10 18:00");    /* Saturday rolls */
    expect_due(&cn, "2025-04-24 16:00", DAYS(3), NULL, "2025-04-27 18:00");    /* a worked Sunday does not */
    expect_due(&cn, "2025-03-06 09:00", WORKING(3), NULL, "2025-03-11 18:00"); /* PROP-11-11 */
    expect_due(&cn, "2025-03-07 15:10", DAYS(3), NULL, "2025-03-10 18:00");    /* PROP-11-14 */
    expect_due(&cn, "2025-03-03 20:01", HOURS(4), NULL, "2025-03-04 00:01");   /* PROP-11-09 */
    expect_due(&cn, "2025-03-03 15:00", term(POLICY__TERM__UNIT__SAME_DAY, 0), NULL, "2025-03-03 24:00");
    expect_due(&cn, "2025-03-08 23:50", term(POLICY__TERM__UNIT__MINUTES, 30), NULL, "2025-03-09 00:20");
    world_close(&cn);
}

static void units_and_options(void **state)
{
    (void)state;
    struct world cn;
    world_open(&cn, "cn");
    Policy__TimeOptions first = POLICY__TIME_OPTIONS__INIT, same = first, midnight = first, stay = first;
    first.first_day_counts = true;
    same.ends = POLICY__TIME_OPTIONS__ENDS__SAME_TIME;
    midnight.ends = POLICY__TIME_OPTIONS__ENDS__MIDNIGHT;
    stay.roll = POLICY__TIME_OPTIONS__ROLL__NO_ROLL;
    expect_due(&cn, "2025-03-03 10:00", DAYS(5), &first, "2025-03-07 18:00");
    expect_due(&cn, "2025-03-03 10:00", WORKING(5), &first, "2025-03-07 18:00");
    expect_due(&cn, "2025-03-08 10:00", WORKING(1), &first, "2025-03-10 18:00"); /* a Saturday is not counted */
    expect_due(&cn, "2025-03-03 10:07", DAYS(7), &same, "2025-03-10 10:07");
    expect_due(&cn, "2025-03-03 10:07", DAYS(5), &same, "2025-03-10 10:07"); /* Saturday rolls and keeps the time */
    expect_due(&cn, "2025-03-03 10:00", DAYS(2), &midnight, "2025-03-05 24:00");
    expect_due(&cn, "2025-03-03 10:00", DAYS(5), &stay, "2025-03-08 18:00");
    expect_due(&cn, "2025-03-03 10:00", term(POLICY__TERM__UNIT__WEEKS, 1), NULL, "2025-03-10 18:00");
    expect_due(&cn, "2025-03-03 10:00", term(POLICY__TERM__UNIT__WEEKS, 2), NULL, "2025-03-17 18:00");
    expect_due(&cn, "2025-01-31 10:00", term(POLICY__TERM__UNIT__MONTHS, 1), NULL, "2025-02-28 18:00");
    expect_due(&cn, "2024-08-31 10:00", term(POLICY__TERM__UNIT__MONTHS, 6), NULL, "2025-02-28 18:00");
    Policy__Term next = term(POLICY__TERM__UNIT__NEXT_DAY, 0);
    next.minute_of_day = 720;
    next.minute_given = true;
    expect_due(&cn, "2025-03-03 19:00", next, NULL, "2025-03-04 12:00");
    Policy__Term noon = WORKING(3);
    noon.minute_of_day = 720;
    noon.minute_given = true;
    expect_due(&cn, "2025-03-06 19:00", noon, NULL, "2025-03-11 12:00");
    Policy__Term date = term(POLICY__TERM__UNIT__DATE, 0);
    date.at_ms = at(&cn, "2025-05-01 08:00");
    expect_due(&cn, "2025-03-06 19:00", date, NULL, "2025-05-01 08:00");
    assert_int_equal(calendar_add_working_days(cn.calendar, day("2025-03-06"), 2900),
                     date_of(cn.calendar, due_of(&cn, "2025-03-06 10:00", WORKING(2900), NULL).at_ms));
    world_close(&cn);
}

/* start_roll: keep time comes first, then after_hours: next opening; an earlier start is left alone. */
static void start_rolls(void **state)
{
    (void)state;
    struct world us;
    world_open(&us, "us-plain");
    Policy__TimeOptions both = POLICY__TIME_OPTIONS__INIT;
    both.start_roll_keep_time = both.after_hours_next_opening = true;
    both.ends = POLICY__TIME_OPTIONS__ENDS__SAME_TIME;
    expect_due(&us, "2011-08-01 06:10", WORKING(2), &both, "2011-08-03 06:10"); /* before opening: left alone */
    expect_due(&us, "2011-08-01 16:59", WORKING(2), &both, "2011-08-03 16:59");
    expect_due(&us, "2011-08-01 17:00", WORKING(2), &both, "2011-08-04 08:30");
    expect_due(&us, "2011-08-05 17:30", WORKING(2), &both, "2011-08-10 08:30"); /* Friday evening */
    expect_due(&us, "2011-08-06 11:11", WORKING(2), &both, "2011-08-10 11:11"); /* Saturday keeps its time */
    expect_due(&us, "2011-08-07 20:00", WORKING(2), &both,
               "2011-08-11 08:30"); /* Sunday evening: Monday, then Tuesday */
    expect_due(&us, "2011-09-02 10:00", WORKING(1), &both, "2011-09-05 10:00"); /* no holidays: Labor Day counts */
    world_close(&us);
}

static bool resolve(void *context, const char *name, int64_t *ms_out)
{
    struct world *world = context;
    *ms_out = at(world, "2025-03-10 08:00");
    return strcmp(name, "work_from") == 0;
}

static void terms_from_fields(void **state)
{
    (void)state;
    struct world cn;
    world_open(&cn, "cn");
    struct due_rules rules = {cn.calendar, NULL, 1080, resolve, &cn, false};
    struct due due;
    Policy__Term half_hour = term(POLICY__TERM__UNIT__MINUTES, 30);
    half_hour.field = "work_from";
    half_hour.before = true;
    assert_true(due_compute(&rules, &half_hour, 0, &cn.arena, &due));
    assert_string_equal(shown(&cn, due.at_ms), "2025-03-10 07:30");
    Policy__Term days = WORKING(3);
    days.field = "work_from";
    assert_true(due_compute(&rules, &days, 0, &cn.arena, &due));
    assert_string_equal(shown(&cn, due.at_ms), "2025-03-13 18:00");
    days.before = true;
    assert_true(due_compute(&rules, &days, 0, &cn.arena, &due));
    assert_string_equal(shown(&cn, due.at_ms), "2025-03-05 08:00");
    Policy__Term field = term(POLICY__TERM__UNIT__FIELD, 0);
    field.field = "elsewhere";
    assert_false(due_compute(&rules, &field, 0, &cn.arena, &due));
    Policy__Term endless = DAYS(4000000000u), clock = term(POLICY__TERM__UNIT__TIME_OF_DAY, 0);
    assert_false(due_compute(&rules, &endless, 0, &cn.arena, &due));
    assert_false(due_compute(&rules, &clock, 0, &cn.arena, &due));
    world_close(&cn);
}

static void explains_every_day(void **state)
{
    (void)state;
    struct world cn;
    world_open(&cn, "cn");
    struct due due = due_of(&cn, "2025-09-29 10:00", WORKING(5), NULL);
    int counted = 0, skipped = 0;
    for (size_t i = 0; i < due.notes_count; i++) {
        const struct day_note *note = &due.notes[i];
        counted += note->what == DAY_COUNTED;
        skipped += note->what == DAY_SKIPPED;
        if (note->date == day("2025-10-01"))
            assert_non_null(strstr(note->zh, "国庆节"));
        if (note->date == day("2025-10-11"))
            assert_string_equal(note->zh, "调休上班");
        if (note->date == day("2025-10-12"))
            assert_string_equal(note->en, "weekend");
    }
    assert_int_equal(counted, 5);
    assert_int_equal(skipped, 9); /* 1 to 8 October, Sunday 12 */
    assert_int_equal(due.notes[0].what, DAY_START);
    assert_int_equal(due.notes[due.notes_count - 1].what, DAY_DUE);
    due = due_of(&cn, "2025-03-05 16:00", DAYS(3), NULL);
    assert_int_equal(due.notes_count, 1 + 3 + 2 + 1); /* start, three days, Saturday and Sunday rolled, due */
    due = due_of(&cn, "2025-03-03 20:01", HOURS(4), NULL);
    assert_int_equal(due.notes_count, 2); /* hours: where they begin and where they end */
    assert_int_equal(due.notes[1].what, DAY_DUE);
    assert_int_equal(due.notes[1].date, day("2025-03-04"));
    world_close(&cn);
}

static void unpublished_years_are_provisional(void **state)
{
    (void)state;
    struct world cn;
    world_open(&cn, "cn");
    assert_false(due_of(&cn, "2025-12-29 10:00", WORKING(5), NULL).provisional);
    size_t kept = 0; /* as known at the end of 2025: without the notice of 2026 */
    for (size_t i = 0; i < cn.definition->n_exceptions; i++)
        if (cn.definition->exceptions[i]->date < day("2026-01-01"))
            kept++;
    cn.definition->n_exceptions = kept;
    cn.definition->n_years--;
    struct due due = due_of(&cn, "2025-12-29 10:00", WORKING(5), NULL);
    assert_true(due.provisional);
    assert_string_equal(shown(&cn, due.at_ms), "2026-01-05 18:00");
    assert_false(due_of(&cn, "2025-12-22 10:00", WORKING(3), NULL).provisional);
    assert_true(
        due_of(&cn, "2025-12-29 10:00", WORKING(2), NULL).provisional); /* 2026's notice may change 31 December */
    assert_true(due_of(&cn, "2025-12-25 10:00", DAYS(10), NULL).provisional);
    assert_false(due_of(&cn, "2026-02-25 10:00", HOURS(10), NULL).provisional); /* hours ask no calendar */
    world_close(&cn);
}

/* ---- pauses ---- */

static void pause(struct world *world, struct due *due, const Policy__TimeOptions *options, const char *from,
                  const char *to)
{
    struct due_rules rules = {world->calendar, options, 1080, NULL, NULL, false};
    due_add_pause(&rules, due, at(world, from), at(world, to));
}

static void pauses_by_unit(void **state)
{
    (void)state;
    struct world cn;
    world_open(&cn, "cn");
    struct due hours = due_of(&cn, "2025-03-03 09:30", HOURS(24), NULL);
    pause(&cn, &hours, NULL, "2025-03-03 10:00", "2025-03-04 09:00");
    assert_string_equal(shown(&cn, hours.at_ms), "2025-03-05 08:30");
    struct due working = due_of(&cn, "2025-03-03 10:00", WORKING(3), NULL); /* Thursday 18:00 */
    pause(&cn, &working, NULL, "2025-03-04 17:00", "2025-03-05 09:30");     /* two working hours */
    assert_string_equal(shown(&cn, working.at_ms), "2025-03-07 10:30");
    pause(&cn, &working, NULL, "2025-03-05 19:00", "2025-03-06 08:00"); /* nobody worked */
    assert_string_equal(shown(&cn, working.at_ms), "2025-03-07 10:30");
    struct due natural = due_of(&cn, "2025-03-05 10:00", DAYS(3), NULL); /* Saturday, rolled to Monday 10 */
    pause(&cn, &natural, NULL, "2025-03-06 10:00", "2025-03-07 10:00");  /* Sunday, rolls to Monday */
    assert_string_equal(shown(&cn, natural.at_ms), "2025-03-10 18:00");
    pause(&cn, &natural, NULL, "2025-03-07 10:00",
          "2025-03-08 16:00"); /* Tuesday 00:00 = Monday 24:00: a working day */
    assert_string_equal(shown(&cn, natural.at_ms), "2025-03-11 00:00");
    struct due rolled = due_of(&cn, "2025-03-05 10:00", DAYS(3), NULL);
    pause(&cn, &rolled, NULL, "2025-03-09 10:00", "2025-03-10 20:00"); /* within the roll: added to Monday */
    assert_string_equal(shown(&cn, rolled.at_ms), "2025-03-12 04:00");
    world_close(&cn);
}

static void working_time(void **state)
{
    (void)state;
    struct world cn;
    world_open(&cn, "cn");
    int64_t friday = at(&cn, "2025-03-07 17:00"), monday = at(&cn, "2025-03-10 10:00");
    assert_int_equal(calendar_working_ms(cn.calendar, friday, monday), 150 * MINUTE_MS);
    assert_int_equal(calendar_add_working_ms(cn.calendar, friday, 150 * MINUTE_MS), monday);
    assert_int_equal(calendar_working_ms(cn.calendar, monday, friday), 0);
    assert_string_equal(shown(&cn, last_working_day_before(cn.calendar, at(&cn, "2025-10-20 18:00"), 540)),
                        "2025-10-17 09:00");
    assert_string_equal(shown(&cn, last_working_day_before(cn.calendar, at(&cn, "2025-10-09 18:00"), 540)),
                        "2025-09-30 09:00");
    assert_string_equal(shown(&cn, last_working_day_before(cn.calendar, at(&cn, "2025-03-04 24:00"), 540)),
                        "2025-03-03 09:00");
    world_close(&cn);
}

/* ---- daylight saving ---- */

static void daylight_saving(void **state)
{
    (void)state;
    struct world us;
    world_open(&us, "us-plain");
    Policy__TimeOptions same = POLICY__TIME_OPTIONS__INIT;
    same.ends = POLICY__TIME_OPTIONS__ENDS__SAME_TIME;
    same.roll = POLICY__TIME_OPTIONS__ROLL__NO_ROLL;
    expect_due(&us, "2011-08-01 10:00", DAYS(120), &same, "2011-11-29 10:00"); /* keeps the clock time */
    struct due due = due_of(&us, "2011-08-01 10:00", DAYS(120), &same);
    assert_int_equal(due.at_ms - at(&us, "2011-08-01 10:00"), 120 * DAY_MS + HOUR_MS);
    /* 2025-03-09 02:30 does not exist: forward; 2025-11-02 01:30 happens twice: the first */
    assert_int_equal(at(&us, "2025-03-09 02:30"), at(&us, "2025-03-09 01:30") + HOUR_MS);
    assert_string_equal(shown(&us, at(&us, "2025-03-09 02:30")), "2025-03-09 03:30");
    assert_int_equal(at(&us, "2025-11-02 01:30"), at(&us, "2025-11-02 00:30") + HOUR_MS);
    assert_int_equal(at(&us, "2025-11-02 02:30"), at(&us, "2025-11-02 01:30") + 2 * HOUR_MS);
    expect_due(&us, "2025-03-08 02:30", DAYS(1), &same, "2025-03-09 03:30");
    expect_due(&us, "2025-03-08 12:00", HOURS(24), NULL, "2025-03-09 13:00"); /* hours are hours */
    /* after the table of the file, by the rule in its footer: 2060 still has daylight saving */
    assert_int_equal(zone_offset_s(us.zone, at(&us, "2060-07-01 12:00")), -4 * 3600);
    assert_int_equal(zone_offset_s(us.zone, at(&us, "2060-01-15 12:00")), -5 * 3600);
    assert_int_equal(at(&us, "2060-03-14 02:30"), at(&us, "2060-03-14 01:30") + HOUR_MS);
    world_close(&us);
}

/* Every hour of forty years agrees with the C library. */
static void zones_agree_with_libc(void **state)
{
    (void)state;
    static const char *const names[] = {"America/New_York",  "Asia/Shanghai",       "Europe/London",
                                        "Europe/Dublin",     "Australia/Lord_Howe", "America/Sao_Paulo",
                                        "Africa/Casablanca", "Pacific/Auckland",    "Asia/Kathmandu"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct zone *zone;
        assert_int_equal(zone_load(NULL, names[n], &zone), ERR_NONE);
        setenv("TZ", names[n], 1);
        tzset();
        for (time_t t = 1000000000; t < 2140000000; t += 11 * 3600 + 60) {
            struct tm tm;
            localtime_r(&t, &tm);
            if (tm.tm_gmtoff != zone_offset_s(zone, (int64_t)t * 1000))
                fail_msg("%s at %lld", names[n], (long long)t);
            int64_t local = zone_local_ms(zone, (int64_t)t * 1000), back = zone_utc_ms(zone, local);
            assert_true(back == (int64_t)t * 1000 || zone_local_ms(zone, back) == local);
        }
        zone_free(zone);
    }
    unsetenv("TZ");
    tzset();
}

/* A damaged zone file is refused or read, never followed out of its bytes (run under the sanitizers). */
static void damaged_zones(void **state)
{
    (void)state;
    FILE *file = fopen(ZONE_FOLDER_DEFAULT "/America/New_York", "rbe");
    assert_non_null(file); /* of the package tzdata, without which nothing runs */
    uint8_t whole[8192], bytes[8192];
    size_t size = fread(whole, 1, sizeof whole, file);
    fclose(file);
    uint64_t seed = 20250303;
    for (int turn = 0; turn < 20000; turn++) {
        memcpy(bytes, whole, size);
        size_t length = turn % 3 == 0 ? (size_t)(seed >> 33) % (size + 1) : size;
        for (int i = 0; i < 1 + turn % 8; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[turn % 2 ? (seed >> 40) % size : (seed >> 40) % 60] = (uint8_t)(seed >> 32);
            if (turn % 5 == 0)
                bytes[size - 1 - (seed >> 50) % 24] = (uint8_t)(seed >> 20);
        }
        uint8_t *exact = malloc(length ? length : 1);
        memcpy(exact, bytes, length);
        struct zone *zone;
        if (zone_parse(bytes_of(exact, length), &zone) == ERR_NONE) {
            zone_utc_ms(zone, 1741500000000);
            zone_local_ms(zone, 4102444800000);
            zone_free(zone);
        }
        free(exact);
    }
    struct zone *zone;
    assert_int_equal(zone_load(NULL, "../../etc/passwd", &zone), ERR_MALFORMED);
    assert_int_equal(zone_load(NULL, "/etc/passwd", &zone), ERR_MALFORMED);
    assert_int_equal(zone_load(NULL, "Mars/Olympus", &zone), ERR_NOT_FOUND);
    assert_int_equal(zone_load(NULL, "zone.tab", &zone), ERR_MALFORMED);
}

/* ---- the shipped calendars ---- */

static void china_has_its_fixed_points(void **state)
{
    (void)state;
    struct world cn;
    world_open(&cn, "cn");
    static const char *const worked[] = {"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09",
                                         "2026-09-20", "2026-10-10", "2018-12-29"};
    static const char *const off[] = {"2022-12-31", "2018-12-31", "2007-12-31",
                                      "2025-10-08", "2025-10-12", "2026-01-03"};
    for (size_t i = 0; i < sizeof worked / sizeof *worked; i++) {
        assert_true(calendar_works(cn.calendar, day(worked[i])));
        assert_true(date_weekday(day(worked[i])) > 4);
        assert_int_equal(calendar_opening(cn.calendar, day(worked[i])), 510); /* the hours of Monday */
    }
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        assert_false(calendar_works(cn.calendar, day(off[i])));
    assert_true(calendar_published(cn.calendar, day("2026-12-27")));
    assert_false(calendar_published(cn.calendar, day("2026-12-28"))); /* trap 1: the notice of 2027 decides too */
    assert_false(calendar_published(cn.calendar, day("2027-01-04")));
    assert_int_equal(cn.definition->n_years, LAST_YEAR - FIRST_YEAR + 1);
    world_close(&cn);
}

static void refusals_are_precise(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{", "line 1"},
        {"[]", "an object is accepted"},
        {"{\"name\": \"x\"}", "IANA zone"},
        {"{\"name\": \"x\", \"zone\": \"UTC\", \"wek\": {}}", "wek"},
        {"{\"name\": \"x\", \"zone\": \"UTC\"}", "week"},
        {"{\"name\": \"x\", \"zone\": \"UTC\", \"week\": {}}", "at least one weekday"},
        {"{\"name\": \"x\", \"zone\": \"UTC\", \"week\": {\"mondey\": []}}", "mondey"},
        {"{\"name\": \"x\", \"zone\": \"UTC\", \"week\": {\"monday\": [\"8:30\", \"17:00\"]}}", "monday"},
        {"{\"name\": \"x\", \"zone\": \"UTC\", \"week\": {\"monday\": [\"17:00\", \"08:30\"]}}", "monday"},
        {"{\"name\": \"x\", \"zone\": \"UTC\", \"week\": {\"monday\": [\"08:30\", \"17:00\"]}, \"years\": [\"2025\"]}",
         "years"},
        {"{\"name\": \"x\", \"zone\": \"UTC\", \"week\": {\"monday\": [\"08:30\", \"17:00\"]}, \"exceptions\": "
         "[{\"date\": "
         "\"2025-02-29\", \"works\": false}]}",
         "2025-02-29"},
        {"{\"name\": \"x\", \"zone\": \"UTC\", \"week\": {\"monday\": [\"08:30\", \"17:00\"]}, \"exceptions\": "
         "[{\"date\": "
         "\"2025-10-01\"}]}",
         "works must be"},
        {"{\"name\": \"x\", \"zone\": \"UTC\", \"week\": {\"monday\": [\"08:30\", \"17:00\"]}, \"exceptions\": "
         "[{\"date\": "
         "\"2025-10-01\", \"works\": false}, {\"date\": \"2025-10-01\", \"works\": true}]}",
         "twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        Calendar__Calendar *calendar;
        char *why = "";
        arena_init(&arena);
        assert_int_equal(calendar_parse(bytes_of_text(cases[i][0]), &arena, &calendar, &why), ERR_MALFORMED);
        if (!strstr(why, cases[i][1]))
            fail_msg("case %zu: %s", i, why);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_examples),  cmocka_unit_test(units_and_options),
        cmocka_unit_test(start_rolls),          cmocka_unit_test(terms_from_fields),
        cmocka_unit_test(explains_every_day),   cmocka_unit_test(unpublished_years_are_provisional),
        cmocka_unit_test(pauses_by_unit),       cmocka_unit_test(working_time),
        cmocka_unit_test(daylight_saving),      cmocka_unit_test(zones_agree_with_libc),
        cmocka_unit_test(damaged_zones),        cmocka_unit_test(china_has_its_fixed_points),
        cmocka_unit_test(refusals_are_precise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
