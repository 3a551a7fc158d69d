/* A watchdog that was away for a year in which duties came again: when it is back, every occasion of every schedule is
   opened once, in order, with the instant at which it was due, its case is registered once, and what nobody did is
   missed once; though it is killed again and again while it catches up. The occasions are counted here on a calendar of
   our own: a row for each day, with the days off and on as the file of the calendar lists them. */
#include "story.h"

#include "calendar/calendar.h"

#include <inttypes.h>

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */
#define DAY (24 * HOUR)
#define DAYS 364
#define OCCASIONS_MAX 1200u

static const char pack[] =
    "pack: AGAIN\n"
    "name: [周期, Again]\n"
    "extends: GEN-FRAME\n"
    "schedules:\n"
    "  daily:     {clause: GEN-FRAME-17, every: day, open: report, to: coordinator, opens: 08:00, due: same day "
    "18:00}\n"
    "  working:   {clause: GEN-FRAME-17, every: working day, open: report, to: coordinator, opens: 07:30, due: same "
    "day 18:00}\n"
    "  weekly:    {clause: GEN-FRAME-17, every: week, open: report, to: coordinator, due: friday of week 18:00}\n"
    "  half:      {clause: GEN-FRAME-17, every: half month, open: report, to: coordinator, opens: 06:00, due: same day "
    "18:00}\n"
    "  monthly:   {clause: GEN-FRAME-17, every: month, open: report, to: coordinator, opens: day 8 of month 09:00, "
    "due: end of month}\n"
    "  quarterly: {clause: GEN-FRAME-17, every: quarter, open: report, to: coordinator, due: end of quarter}\n"
    "  yearly:    {clause: GEN-FRAME-17, every: year, open: report, to: coordinator, opens: 1 october 09:00, due: end "
    "of year}\n";

struct occasion {
    char schedule[16], period[40];
    int64_t opens_ms;
    bool opens_a_case;
    unsigned opened, due, registered, missed;
    uint64_t case_id;
};

struct tale {
    struct occasion occasions[OCCASIONS_MAX];
    unsigned count;
    int64_t back_ms, last_opens_ms;
    const Calendar__Calendar *calendar;
};

/* ---- what is due, day by day ---- */

static bool works(const Calendar__Calendar *calendar, int32_t date)
{
    for (size_t i = 0; i < calendar->n_exceptions; i++)
        if (calendar->exceptions[i]->date == date)
            return calendar->exceptions[i]->works;
    return (date + 3) % 7 < 5; /* 1970-01-01 was a Thursday */
}

static void expect(struct tale *tale, const char *schedule, const char *period, int64_t opens_ms, bool opens_a_case)
{
    if (opens_ms < START_MS || opens_ms > tale->back_ms)
        return;
    assert_true(tale->count < OCCASIONS_MAX);
    struct occasion *occasion = &tale->occasions[tale->count++];
    snprintf(occasion->schedule, sizeof occasion->schedule, "%s", schedule);
    snprintf(occasion->period, sizeof occasion->period, "%s", period);
    occasion->opens_ms = opens_ms;
    occasion->opens_a_case = opens_a_case;
}

static int month_length(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

static void expect_year(struct tale *tale)
{
    int year = 2025, month = 3, day = 10;
    bool began = true; /* the quarter's first working day is over */
    for (int32_t date = 20157; date <= 20157 + DAYS + 1; date++) {
        int64_t midnight = (int64_t)date * DAY - 8 * HOUR;
        char iso[40], month_name[40], quarter[40], checked[40], year_name[40];
        snprintf(iso, sizeof iso, "%04d-%02d-%02d", year, month, day);
        snprintf(month_name, sizeof month_name, "%04d-%02d", year, month);
        snprintf(quarter, sizeof quarter, "%04d-Q%d", year, (month + 2) / 3);
        snprintf(checked, sizeof checked, "%04d-Q%d", year - (month < 4), month < 4 ? 4 : (month - 1) / 3);
        snprintf(year_name, sizeof year_name, "%04d", year);
        expect(tale, "daily", iso, midnight + 8 * HOUR, true);
        if (works(tale->calendar, date))
            expect(tale, "working", iso, midnight + 7 * HOUR + 30 * MINUTE, true);
        if ((date + 3) % 7 == 0) {
            expect(tale, "weekly", iso, midnight, true);
            expect(tale, "sampling", iso, midnight + 8 * HOUR, false); /* nothing was closed in the week before */
        }
        if (day == 1 || day == 16)
            expect(tale, "half", iso, midnight + 6 * HOUR, true);
        if (day == 8)
            expect(tale, "monthly", month_name, midnight + 9 * HOUR, true);
        if (day == 1 && month % 3 == 1) {
            expect(tale, "quarterly", quarter, midnight, true);
            began = false;
        }
        if (!began && works(tale->calendar, date)) {
            expect(tale, "compliance", checked, midnight + 9 * HOUR, true);
            began = true;
        }
        if (month == 10 && day == 1)
            expect(tale, "yearly", year_name, midnight + 9 * HOUR, true);
        if (month == 3 && day == 1)
            expect(tale, "evaluation", year_name, midnight + 9 * HOUR, true);
        if (++day > month_length(year, month)) {
            day = 1;
            year += month == 12;
            month = month % 12 + 1;
        }
    }
}

/* ---- what was said ---- */

static struct occasion *occasion_of(struct tale *tale, const char *schedule, const char *period)
{
    for (unsigned i = 0; i < tale->count; i++)
        if (strcmp(tale->occasions[i].schedule, schedule) == 0 && strcmp(tale->occasions[i].period, period) == 0)
            return &tale->occasions[i];
    print_message("%s of %s was not due\n", schedule, period);
    fail();
    return NULL;
}

static bool note_opened(void *context, const Hb__Event *event)
{
    struct tale *tale = context;
    const Watchdog__Event *said = event->watchdog;
    if (said->kind_case == WATCHDOG__EVENT__KIND_DUTY_DUE) {
        struct occasion *occasion = occasion_of(tale, said->duty_due->schedule, said->duty_due->period);
        assert_int_equal(event->occurred_ms, occasion->opens_ms);
        assert_int_equal(occasion->opened, 1);
        occasion->due++;
    }
    if (said->kind_case != WATCHDOG__EVENT__KIND_SCHEDULE_OPENED)
        return true;
    struct occasion *occasion = occasion_of(tale, said->schedule_opened->schedule, said->schedule_opened->period);
    assert_int_equal(said->schedule_opened->opens_ms, occasion->opens_ms);
    assert_int_equal(event->occurred_ms, occasion->opens_ms);
    assert_true(event->recorded_ms >= tale->back_ms);
    assert_true(occasion->opens_ms >= tale->last_opens_ms); /* in order, of whatever schedule */
    tale->last_opens_ms = occasion->opens_ms;
    occasion->opened++;
    return true;
}

static const char *fact(const Hb__Event *event, const char *name)
{
    for (size_t i = 0; i < event->n_facts; i++)
        if (strcmp(event->facts[i]->name, name) == 0)
            return event->facts[i]->value->text;
    return "";
}

static bool note_registered(void *context, const Hb__Event *event)
{
    if (event->intake->kind_case != INTAKE__EVENT__KIND_REGISTERED || !*fact(event, "schedule"))
        return true;
    struct occasion *occasion = occasion_of(context, fact(event, "schedule"), fact(event, "period"));
    occasion->registered++;
    occasion->case_id = event->case_id;
    return true;
}

static bool note_missed(void *context, const Hb__Event *event)
{
    struct tale *tale = context;
    if (event->watchdog->kind_case != WATCHDOG__EVENT__KIND_MISSED)
        return true;
    for (unsigned i = 0; i < tale->count; i++)
        if (tale->occasions[i].case_id == event->case_id) {
            assert_int_equal(event->occurred_ms, event->watchdog->missed->due_ms);
            assert_true(event->watchdog->missed->due_ms > tale->occasions[i].opens_ms);
            tale->occasions[i].missed++;
        }
    return true;
}

static void check(struct tale *tale)
{
    unsigned missed = 0, cases = 0;
    for (unsigned i = 0; i < tale->count; i++) {
        const struct occasion *occasion = &tale->occasions[i];
        bool right = occasion->opened == 1 && occasion->due == occasion->opens_a_case &&
                     occasion->registered == occasion->opens_a_case && occasion->missed <= 1;
        if (!right)
            print_message("%s of %s: opened %u times, %u duties, %u cases, %u misses\n", occasion->schedule,
                          occasion->period, occasion->opened, occasion->due, occasion->registered, occasion->missed);
        assert_true(right);
        /* what was to be done on its day and was not: all but the last ones */
        if (strcmp(occasion->schedule, "daily") == 0 && occasion->opens_ms < tale->back_ms - DAY)
            assert_int_equal(occasion->missed, 1);
        missed += occasion->missed;
        cases += occasion->registered;
    }
    assert_int_equal(cases - missed,
                     6); /* due later: the last daily, working, weekly, monthly, quarterly, evaluation */
    print_message("%u occasions of ten schedules in a year, each opened once: %u cases, %u missed\n", tale->count,
                  cases, missed);
}

static void every_occasion_of_the_year_is_opened_once(void **state)
{
    (void)state;
    struct group group;
    static struct tale tale;
    Calendar__Calendar *calendar;
    char *why;
    group_open(&group, story_folder(), 5, START_MS, (struct simulation_faults){0});
    assert_int_equal(calendar_load(CALENDARS "/cn.json", &group.arena, &calendar, &why), ERR_NONE);
    tale.calendar = calendar;
    group_found(&group, "GEN-FRAME");
    group_publish(&group, "AGAIN", pack);
    simulation_down(group.simulation, HB__SERVICE__WATCHDOG);
    for (int day = 0; day < DAYS; day++)
        simulation_run(group.simulation, simulation_now(group.simulation) + DAY);
    tale.back_ms = simulation_now(group.simulation);
    expect_year(&tale);
    story_catch_up(&group);
    simulation_events(group.simulation, HB__SERVICE__WATCHDOG, 0, note_opened, &tale);
    simulation_events(group.simulation, HB__SERVICE__INTAKE, 0, note_registered, &tale);
    simulation_events(group.simulation, HB__SERVICE__WATCHDOG, 0, note_missed, &tale);
    check(&tale);
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_occasion_of_the_year_is_opened_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
