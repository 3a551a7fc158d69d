#include "storm_days.h"

#include <stddef.h>
#include <time.h>

#define ZONE_MS (8 * DAYS_HOUR_MS)
#define MINUTE_MS 60000ll

int32_t days_date(int64_t ms)
{
    return (int32_t)((ms + ZONE_MS) / DAYS_DAY_MS); /* nothing here is before 1970 */
}

int64_t days_instant(int32_t date, int64_t of_day_ms)
{
    return date * DAYS_DAY_MS + of_day_ms - ZONE_MS;
}

static int64_t of_day(int64_t ms)
{
    return (ms + ZONE_MS) % DAYS_DAY_MS;
}

/* ---- hours of a day ---- */

struct hours {
    size_t count;
    Calendar__Shift **list;
};

static struct hours weekly(const Calendar__Calendar *calendar, int weekday)
{
    return (struct hours){calendar->week[weekday]->n_shifts, calendar->week[weekday]->shifts};
}

static struct hours hours_of(const Calendar__Calendar *calendar, int32_t date)
{
    int weekday = (date + 3) % 7; /* 1 January 1970 was a Thursday; Monday is 0 */
    for (size_t i = 0; i < calendar->n_exceptions; i++) {
        const Calendar__Exception *exception = calendar->exceptions[i];
        if (exception->date != date)
            continue;
        if (!exception->works)
            return (struct hours){0, NULL};
        if (exception->n_shifts)
            return (struct hours){exception->n_shifts, exception->shifts};
        for (int other = weekly(calendar, weekday).count ? weekday : 0; other < 7; other++)
            if (weekly(calendar, other).count)
                return weekly(calendar, other);
    }
    return weekly(calendar, weekday);
}

bool days_worked(const Calendar__Calendar *calendar, int32_t date)
{
    return hours_of(calendar, date).count > 0;
}

int32_t days_next_worked(const Calendar__Calendar *calendar, int32_t date)
{
    while (!days_worked(calendar, date))
        date++;
    return date;
}

int32_t days_previous_worked(const Calendar__Calendar *calendar, int32_t date)
{
    while (!days_worked(calendar, date))
        date--;
    return date;
}

/* The part of a shift that lies after `from_ms`; false: none. */
static bool shift_after(const struct hours *hours, size_t i, int32_t date, int64_t from_ms, int64_t *begin_out,
                        int64_t *end_out)
{
    *begin_out = days_instant(date, hours->list[i]->from_min * MINUTE_MS);
    *end_out = days_instant(date, hours->list[i]->to_min * MINUTE_MS);
    if (*begin_out < from_ms)
        *begin_out = from_ms;
    return *end_out > *begin_out;
}

int64_t days_working_ms(const Calendar__Calendar *calendar, int64_t from_ms, int64_t to_ms)
{
    int64_t total = 0, begin, end;
    for (int32_t date = days_date(from_ms); date <= days_date(to_ms); date++) {
        struct hours hours = hours_of(calendar, date);
        for (size_t i = 0; i < hours.count; i++)
            if (shift_after(&hours, i, date, from_ms, &begin, &end) && begin < to_ms)
                total += (end < to_ms ? end : to_ms) - begin;
    }
    return total;
}

int64_t days_after_working_ms(const Calendar__Calendar *calendar, int64_t from_ms, int64_t working_ms)
{
    int64_t begin, end;
    if (working_ms == 0)
        return from_ms;
    for (int32_t date = days_date(from_ms);; date++) {
        struct hours hours = hours_of(calendar, date);
        for (size_t i = 0; i < hours.count; i++) {
            if (!shift_after(&hours, i, date, from_ms, &begin, &end))
                continue;
            if (working_ms <= end - begin)
                return begin + working_ms;
            working_ms -= end - begin;
        }
    }
}

/* ---- dues ---- */

static int64_t begin_of(const Calendar__Calendar *calendar, const Policy__TimeOptions *options, int64_t start_ms)
{
    int32_t date = days_date(start_ms);
    if (options && options->start_roll_keep_time && !days_worked(calendar, date)) {
        int64_t time = of_day(start_ms);
        date = days_next_worked(calendar, date);
        start_ms = days_instant(date, time);
    }
    struct hours hours = hours_of(calendar, date);
    bool closed = hours.count && of_day(start_ms) / MINUTE_MS >= hours.list[hours.count - 1]->to_min;
    if (options && options->after_hours_next_opening && closed) {
        date = days_next_worked(calendar, date + 1);
        start_ms = days_instant(date, hours_of(calendar, date).list[0]->from_min * MINUTE_MS);
    }
    return start_ms;
}

static int64_t ending(const Policy__Term *term, const Policy__TimeOptions *options, uint32_t close_min, int32_t date,
                      int64_t start_ms)
{
    if (term->minute_given)
        return days_instant(date, term->minute_of_day * MINUTE_MS);
    if (options && options->ends == POLICY__TIME_OPTIONS__ENDS__MIDNIGHT)
        return days_instant(date + 1, 0);
    if (options && options->ends == POLICY__TIME_OPTIONS__ENDS__SAME_TIME)
        return days_instant(date, of_day(start_ms));
    return days_instant(date, close_min * MINUTE_MS);
}

static void due_in_days(const Calendar__Calendar *calendar, const Policy__Term *term,
                        const Policy__TimeOptions *options, uint32_t close_min, int64_t start_ms, struct days_due *due)
{
    start_ms = begin_of(calendar, options, start_ms);
    bool first = options && options->first_day_counts && term->amount;
    uint32_t left = term->amount * (term->unit == POLICY__TERM__UNIT__WEEKS ? 7 : 1);
    int32_t date = days_date(start_ms) - first;
    due->kind = term->unit == POLICY__TERM__UNIT__WORKING_DAYS ? DAYS_WORKING : DAYS_NATURAL;
    if (due->kind == DAYS_NATURAL) {
        date += (int32_t)left;
        due->unrolled_ms = ending(term, options, close_min, date, start_ms);
        date = due->rolls ? days_next_worked(calendar, date) : date;
    } else {
        for (; left; left--)
            date = days_next_worked(calendar, date + 1);
    }
    due->at_ms = ending(term, options, close_min, date, start_ms);
    if (due->kind == DAYS_WORKING)
        due->unrolled_ms = due->at_ms;
}

/* "day 1 of next month 00:00", wherever it falls. */
static bool due_in_month(const Policy__Term *term, int64_t start_ms, struct days_due *due)
{
    if (term->period != POLICY__TERM__PERIOD__MONTH || term->place != POLICY__TERM__PLACE__NTH_DAY || term->last ||
        !term->minute_given || due->rolls)
        return false;
    struct tm day;
    int32_t first = days_date(start_ms);
    time_t utc = first * 86400ll;
    gmtime_r(&utc, &day);
    first -= day.tm_mday - 1;
    if (term->next)
        for (int month = day.tm_mon; day.tm_mon == month;) {
            utc = ++first * 86400ll;
            gmtime_r(&utc, &day);
        }
    due->at_ms = days_instant(first + (int32_t)term->amount - 1, term->minute_of_day * MINUTE_MS);
    return true;
}

bool days_due(const Calendar__Calendar *calendar, const Policy__Term *term, const Policy__TimeOptions *options,
              uint32_t close_min, int64_t start_ms, struct days_due *due)
{
    bool next_day = term->unit == POLICY__TERM__UNIT__NEXT_DAY;
    *due = (struct days_due){.rolls = !options || options->roll == POLICY__TIME_OPTIONS__ROLL__NEXT_WORKING_DAY};
    if (*term->field || (options && *options->calendar))
        return false;
    switch (term->unit) {
    case POLICY__TERM__UNIT__MINUTES:
    case POLICY__TERM__UNIT__HOURS:
        due->at_ms = begin_of(calendar, options, start_ms) +
                     term->amount * (term->unit == POLICY__TERM__UNIT__HOURS ? DAYS_HOUR_MS : MINUTE_MS);
        return true;
    case POLICY__TERM__UNIT__NATURAL_DAYS:
    case POLICY__TERM__UNIT__WORKING_DAYS:
    case POLICY__TERM__UNIT__WEEKS:
        due_in_days(calendar, term, options, close_min, start_ms, due);
        return true;
    case POLICY__TERM__UNIT__SAME_DAY:
    case POLICY__TERM__UNIT__NEXT_DAY:
        due->at_ms =
            days_instant(days_date(start_ms) + next_day, (term->minute_given ? term->minute_of_day : 1440) * MINUTE_MS);
        return true;
    case POLICY__TERM__UNIT__PERIOD:
        return due_in_month(term, start_ms, due);
    case POLICY__TERM__UNIT__UNIT_NONE:
    case POLICY__TERM__UNIT__MONTHS:
    case POLICY__TERM__UNIT__FIELD:
    case POLICY__TERM__UNIT__DATE:
    case POLICY__TERM__UNIT__TIME_OF_DAY:
    case POLICY__TERM__UNIT__NOW:
        return false;
    }
    return false;
}

void days_pause(const Calendar__Calendar *calendar, struct days_due *due, int64_t from_ms, int64_t to_ms)
{
    int64_t length = to_ms - from_ms, rolled;
    if (length <= 0)
        return;
    switch (due->kind) {
    case DAYS_HOURS:
        due->at_ms += length;
        return;
    case DAYS_WORKING:
        due->at_ms = days_after_working_ms(calendar, due->at_ms, days_working_ms(calendar, from_ms, to_ms));
        return;
    case DAYS_NATURAL:
        due->unrolled_ms = (from_ms <= due->unrolled_ms ? due->unrolled_ms : due->at_ms) + length;
        rolled = due->unrolled_ms;
        while (due->rolls && !days_worked(calendar, days_date(rolled - 1)))
            rolled += DAYS_DAY_MS;
        due->at_ms = rolled > due->at_ms ? rolled : due->at_ms;
        return;
    }
}

int64_t days_before(const Calendar__Calendar *calendar, const Policy__Term *term, int64_t from_ms, int minute)
{
    int32_t date = days_date(from_ms);
    if (term->unit == POLICY__TERM__UNIT__WORKING_DAYS)
        for (uint32_t i = 0; i < term->amount; i++)
            date = days_previous_worked(calendar, date - 1);
    else
        date -= (int32_t)term->amount * (term->unit == POLICY__TERM__UNIT__WEEKS ? 7 : 1);
    return days_instant(date, minute < 0 ? of_day(from_ms) : minute * MINUTE_MS);
}
