#include "calendar/calendar.h"

#include "base/planted.h"

#include <stdio.h>
#include <stdlib.h>

#define SEARCH_DAYS_MAX 4000 /* a calendar without a single working day must not hang the search */

struct calendar {
    const Calendar__Calendar *definition;
    const struct zone *zone;
};

struct calendar *calendar_new(const Calendar__Calendar *definition, const struct zone *zone)
{
    struct calendar *calendar = calloc(1, sizeof *calendar);
    bug_unless(calendar);
    *calendar = (struct calendar){definition, zone};
    return calendar;
}

void calendar_free(struct calendar *calendar)
{
    free(calendar);
}

const struct zone *calendar_zone(const struct calendar *calendar)
{
    return calendar->zone;
}

uint32_t calendar_version(const struct calendar *calendar)
{
    return calendar->definition ? calendar->definition->version : 0;
}

/* ---- dates ---- */

int32_t date_of_local(int64_t local_ms)
{
    return (int32_t)(local_ms / DAY_MS - (local_ms % DAY_MS < 0));
}

int32_t date_of(const struct calendar *calendar, int64_t utc_ms)
{
    return date_of_local(zone_local_ms(calendar->zone, utc_ms));
}

static int64_t ms_of_day(const struct calendar *calendar, int64_t utc_ms)
{
    int64_t local = zone_local_ms(calendar->zone, utc_ms);
    return local - (int64_t)date_of_local(local) * DAY_MS;
}

int minute_of(const struct calendar *calendar, int64_t utc_ms)
{
    return (int)(ms_of_day(calendar, utc_ms) / MINUTE_MS);
}

static int64_t instant_at(const struct calendar *calendar, int32_t date, int64_t ms)
{
    return zone_utc_ms(calendar->zone, (int64_t)date * DAY_MS + ms);
}

int64_t instant_of(const struct calendar *calendar, int32_t date, int minute)
{
    return instant_at(calendar, date, minute * MINUTE_MS);
}

int date_weekday(int32_t date)
{
    return (int)(((date + 3) % 7 + 7) % 7);
}

int32_t date_from(int year, int month, int day)
{
    int y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int32_t)(era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468);
}

void date_split(int32_t date, int *year_out, int *month_out, int *day_out)
{
    int z = date + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (5 * doy + 2) / 153;
    *day_out = doy - (153 * mp + 2) / 5 + 1;
    *month_out = mp < 10 ? mp + 3 : mp - 9;
    *year_out = yoe + era * 400 + (*month_out <= 2);
}

static int month_days(int year, int month)
{
    return (int)(date_from(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) - date_from(year, month, 1));
}

bool date_parse(const char *text, int32_t *date_out)
{
    for (int i = 0; i < 10; i++) /* stops at a NUL too: it is neither */
        if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    int year, month, day;
    if (text[10] || sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3)
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    *date_out = date_from(year, month, day);
    return true;
}

static int32_t add_months(int32_t date, int months)
{
    int year, month, day;
    date_split(date, &year, &month, &day);
    int total = year * 12 + month - 1 + months;
    year = total / 12;
    month = total % 12 + 1;
    int most = month_days(year, month);
    return date_from(year, month, day < most ? day : most);
}

/* ---- working days ---- */

static const Calendar__Exception *exception_of(const struct calendar *calendar, int32_t date)
{
    const Calendar__Calendar *definition = calendar->definition;
    size_t low = 0, high = definition ? definition->n_exceptions : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (definition->exceptions[middle]->date < date)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = definition && low < definition->n_exceptions && definition->exceptions[low]->date == date;
    return found ? definition->exceptions[low] : NULL;
}

static size_t weekly_shifts(const Calendar__Calendar *definition, int weekday, Calendar__Shift *const **shifts_out)
{
    static Calendar__Shift office = {PROTOBUF_C_MESSAGE_INIT(&calendar__shift__descriptor), 510, 1080};
    static Calendar__Shift *const office_list[] = {&office};
    if (definition && definition->n_week == 7) {
        *shifts_out = definition->week[weekday]->shifts;
        return definition->week[weekday]->n_shifts;
    }
    *shifts_out = office_list;
    return weekday < 5;
}

static size_t shifts_of(const struct calendar *calendar, int32_t date, Calendar__Shift *const **shifts_out)
{
    const Calendar__Exception *exception = exception_of(calendar, date);
    size_t count = weekly_shifts(calendar->definition, date_weekday(date), shifts_out);
    if (!exception)
        return count;
    if (!exception->works)
        return 0;
    if (exception->n_shifts) {
        *shifts_out = exception->shifts;
        return exception->n_shifts;
    }
    /* A worked day off follows the first day of the week that has hours, Monday as a rule. */
    for (int weekday = 0; weekday < 7 && count == 0; weekday++)
        count = weekly_shifts(calendar->definition, weekday, shifts_out);
    return count;
}

bool calendar_works(const struct calendar *calendar, int32_t date)
{
    Calendar__Shift *const *shifts;
    return shifts_of(calendar, date, &shifts) > 0;
}

const char *calendar_day_name(const struct calendar *calendar, int32_t date)
{
    const Calendar__Exception *exception = exception_of(calendar, date);
    return exception ? exception->name : "";
}

static bool year_published(const Calendar__Calendar *definition, int year)
{
    for (size_t i = 0; i < definition->n_years; i++)
        if ((int)definition->years[i] == year)
            return true;
    return false;
}

bool calendar_published(const struct calendar *calendar, int32_t date)
{
    const Calendar__Calendar *definition = calendar->definition;
    if (!definition || definition->no_holidays || planted("work_on_holidays"))
        return true;
    int year, month, day;
    date_split(date, &year, &month, &day);
    bool next_too = definition->december_from && month == 12 && day >= (int)definition->december_from;
    return year_published(definition, year) && (!next_too || year_published(definition, year + 1));
}

int calendar_opening(const struct calendar *calendar, int32_t date)
{
    Calendar__Shift *const *shifts;
    return shifts_of(calendar, date, &shifts) ? (int)shifts[0]->from_min : -1;
}

int calendar_closing(const struct calendar *calendar, int32_t date)
{
    Calendar__Shift *const *shifts;
    size_t count = shifts_of(calendar, date, &shifts);
    return count ? (int)shifts[count - 1]->to_min : -1;
}

static int32_t next_working(const struct calendar *calendar, int32_t date)
{
    for (int i = 0; i < SEARCH_DAYS_MAX && !calendar_works(calendar, date); i++)
        date++;
    return date;
}

int32_t calendar_next_working(const struct calendar *calendar, int32_t date)
{
    return next_working(calendar, date);
}

int32_t calendar_add_working_days(const struct calendar *calendar, int32_t date, unsigned days)
{
    while (days--)
        date = next_working(calendar, date + 1);
    return date;
}

static int32_t previous_working(const struct calendar *calendar, int32_t date)
{
    for (int i = 0; i < SEARCH_DAYS_MAX && !calendar_works(calendar, date); i++)
        date--;
    return date;
}

int64_t calendar_working_ms(const struct calendar *calendar, int64_t from_ms, int64_t to_ms)
{
    int64_t total = 0;
    int32_t last = from_ms < to_ms ? date_of(calendar, to_ms) : INT32_MIN;
    for (int32_t date = date_of(calendar, from_ms); date <= last; date++) {
        Calendar__Shift *const *shifts;
        size_t count = shifts_of(calendar, date, &shifts);
        for (size_t i = 0; i < count; i++) {
            int64_t begin = instant_of(calendar, date, (int)shifts[i]->from_min);
            int64_t end = instant_of(calendar, date, (int)shifts[i]->to_min);
            begin = begin > from_ms ? begin : from_ms;
            end = end < to_ms ? end : to_ms;
            total += end > begin ? end - begin : 0;
        }
    }
    return total;
}

int64_t calendar_add_working_ms(const struct calendar *calendar, int64_t from_ms, int64_t working_ms)
{
    int32_t date = date_of(calendar, from_ms);
    for (int i = 0; working_ms > 0 && i < SEARCH_DAYS_MAX; i++, date++) {
        Calendar__Shift *const *shifts;
        size_t count = shifts_of(calendar, date, &shifts);
        for (size_t s = 0; s < count; s++) {
            int64_t begin = instant_of(calendar, date, (int)shifts[s]->from_min);
            int64_t end = instant_of(calendar, date, (int)shifts[s]->to_min);
            begin = begin > from_ms ? begin : from_ms;
            if (end <= begin)
                continue;
            if (end - begin >= working_ms)
                return begin + working_ms;
            working_ms -= end - begin;
        }
    }
    return from_ms;
}

int64_t last_working_day_before(const struct calendar *calendar, int64_t due_ms, unsigned minute)
{
    int32_t due = date_of(calendar, due_ms - 1); /* 24:00 belongs to the day it ends */
    return instant_of(calendar, previous_working(calendar, due - 1), (int)minute);
}

/* ---- due dates ---- */

struct counting {
    const struct due_rules *rules;
    struct arena *arena;
    struct due *due;
};

/* The result depends on whether this day is worked. */
static bool works(struct counting *counting, int32_t date)
{
    if (!calendar_published(counting->rules->calendar, date))
        counting->due->provisional = true;
    return calendar_works(counting->rules->calendar, date);
}

static void note(struct counting *counting, int32_t date, enum day_what what, const char *zh, const char *en)
{
    if (!counting->rules->explain)
        return;
    struct due *due = counting->due;
    due->notes = arena_grow(counting->arena, due->notes, due->notes_count, sizeof *due->notes);
    due->notes[due->notes_count++] = (struct day_note){date, what, zh, en};
}

static void note_off(struct counting *counting, int32_t date, enum day_what what)
{
    const char *name = calendar_day_name(counting->rules->calendar, date);
    bool weekend = date_weekday(date) > 4;
    if (!counting->rules->explain)
        return;
    if (*name)
        note(counting, date, what, name, arena_printf(counting->arena, "holiday: %s", name));
    else
        note(counting, date, what, weekend ? "周末" : "休息日", weekend ? "weekend" : "not a working day");
}

static void note_worked(struct counting *counting, int32_t date)
{
    const Calendar__Exception *exception = exception_of(counting->rules->calendar, date);
    bool made_up = exception && exception->works && date_weekday(date) > 4;
    note(counting, date, DAY_COUNTED, made_up ? "调休上班" : "工作日", made_up ? "made-up working day" : "working day");
}

/* Where the count begins: a start on a non-working day may move on at the same clock time; one at or after closing may
   move to the next working day's opening (policy-language.md 1). */
static int64_t roll_start(struct counting *counting, int64_t start_ms)
{
    const struct due_rules *rules = counting->rules;
    const struct calendar *calendar = rules->calendar;
    int32_t date = date_of(calendar, start_ms);
    note(counting, date, DAY_START, "起算", "start");
    if (rules->options && rules->options->start_roll_keep_time && !works(counting, date)) {
        int64_t of_day = ms_of_day(calendar, start_ms);
        for (int i = 0; i < SEARCH_DAYS_MAX && !works(counting, date); i++)
            note_off(counting, date++, DAY_ROLLED);
        start_ms = instant_at(calendar, date, of_day);
    }
    if (rules->options && rules->options->after_hours_next_opening && works(counting, date) &&
        minute_of(calendar, start_ms) >= calendar_closing(calendar, date)) {
        note(counting, date++, DAY_ROLLED, "下班后", "after closing");
        for (int i = 0; i < SEARCH_DAYS_MAX && !works(counting, date); i++)
            note_off(counting, date++, DAY_ROLLED);
        start_ms = instant_of(calendar, date, calendar_opening(calendar, date));
    }
    return start_ms;
}

static int64_t end_on(const struct due_rules *rules, const Policy__Term *term, int32_t date, int64_t start_ms)
{
    if (term->minute_given)
        return instant_of(rules->calendar, date, (int)term->minute_of_day);
    switch (rules->options ? rules->options->ends : POLICY__TIME_OPTIONS__ENDS__CLOSE_OF_BUSINESS) {
    case POLICY__TIME_OPTIONS__ENDS__CLOSE_OF_BUSINESS:
        return instant_of(rules->calendar, date, (int)rules->close_of_business_min);
    case POLICY__TIME_OPTIONS__ENDS__MIDNIGHT:
        return instant_of(rules->calendar, date, 1440);
    case POLICY__TIME_OPTIONS__ENDS__SAME_TIME:
        break;
    }
    return instant_at(rules->calendar, date, ms_of_day(rules->calendar, start_ms));
}

static bool due_rolls(const struct due_rules *rules)
{
    return !rules->options || rules->options->roll == POLICY__TIME_OPTIONS__ROLL__NEXT_WORKING_DAY;
}

static int32_t roll_end(struct counting *counting, int32_t date)
{
    if (!due_rolls(counting->rules))
        return date;
    for (int i = 0; i < SEARCH_DAYS_MAX && !works(counting, date); i++)
        note_off(counting, date++, DAY_ROLLED);
    return date;
}

static void count_natural(struct counting *counting, const Policy__Term *term, int32_t first, int32_t last,
                          int64_t start_ms)
{
    struct due *due = counting->due;
    for (int32_t date = first; date <= last; date++)
        note(counting, date, DAY_COUNTED, "自然日", "natural day");
    due->unrolled_ms = end_on(counting->rules, term, last, start_ms);
    last = roll_end(counting, last);
    note(counting, last, DAY_DUE, "到期", "due");
    due->at_ms = end_on(counting->rules, term, last, start_ms);
}

static void count_working(struct counting *counting, const Policy__Term *term, int32_t first, int64_t start_ms)
{
    int32_t date = first - 1;
    unsigned left = term->amount;
    for (int idle = 0; left && idle < SEARCH_DAYS_MAX;) {
        if (works(counting, ++date)) {
            note_worked(counting, date);
            left--;
            idle = 0;
        } else {
            note_off(counting, date, DAY_SKIPPED);
            idle++;
        }
    }
    if (term->amount == 0)
        date = date_of(counting->rules->calendar, start_ms);
    note(counting, date, DAY_DUE, "到期", "due");
    counting->due->at_ms = counting->due->unrolled_ms = end_on(counting->rules, term, date, start_ms);
}

static int32_t natural_shift(const Policy__Term *term, int32_t date, int sign)
{
    int amount = sign * (int)term->amount;
    return term->unit == POLICY__TERM__UNIT__WEEKS    ? date + 7 * amount
           : term->unit == POLICY__TERM__UNIT__MONTHS ? add_months(date, amount)
                                                      : date + amount;
}

static void days_after(struct counting *counting, const Policy__Term *term, int64_t start_ms)
{
    const struct due_rules *rules = counting->rules;
    start_ms = roll_start(counting, start_ms);
    int32_t date = date_of(rules->calendar, start_ms);
    bool first_counts = rules->options && rules->options->first_day_counts && term->amount;
    counting->due->in_days = true;
    counting->due->in_working_days = term->unit == POLICY__TERM__UNIT__WORKING_DAYS;
    if (counting->due->in_working_days)
        count_working(counting, term, date + !first_counts, start_ms);
    else
        count_natural(counting, term, date + !first_counts, natural_shift(term, date, 1) - first_counts, start_ms);
}

/* "14 days before 09:00", "2 working days before work_from": the same clock time unless a minute is given; never rolls.
 */
static void days_before(struct counting *counting, const Policy__Term *term, int64_t from_ms)
{
    const struct calendar *calendar = counting->rules->calendar;
    int32_t date = date_of(calendar, from_ms);
    counting->due->in_days = true;
    counting->due->in_working_days = term->unit == POLICY__TERM__UNIT__WORKING_DAYS;
    if (!counting->due->in_working_days)
        date = natural_shift(term, date, -1);
    for (unsigned i = 0; counting->due->in_working_days && i < term->amount; i++) {
        date = previous_working(calendar, date - 1);
        works(counting, date);
    }
    note(counting, date, DAY_DUE, "到期", "due");
    counting->due->at_ms = term->minute_given ? instant_of(calendar, date, (int)term->minute_of_day)
                                              : instant_at(calendar, date, ms_of_day(calendar, from_ms));
    counting->due->unrolled_ms = counting->due->at_ms;
}

static void span(struct counting *counting, const Policy__Term *term, int64_t unit_ms, int64_t start_ms)
{
    if (!*term->field)
        start_ms = roll_start(counting, start_ms);
    counting->due->at_ms = start_ms + (term->before ? -1 : 1) * (int64_t)term->amount * unit_ms;
    note(counting, date_of(counting->rules->calendar, counting->due->at_ms - 1), DAY_DUE, "到期", "due");
}

static void end_of_day(struct counting *counting, const Policy__Term *term, int32_t date)
{
    int minute = term->minute_given ? (int)term->minute_of_day : 1440;
    note(counting, date, DAY_DUE, "到期", "due");
    counting->due->at_ms = instant_of(counting->rules->calendar, date, minute);
}

static bool too_long(const Policy__Term *term)
{
    unsigned days = term->unit == POLICY__TERM__UNIT__MONTHS ? 31 : term->unit == POLICY__TERM__UNIT__WEEKS ? 7 : 1;
    return term->amount > DUE_DAYS_MAX / days;
}

/* ---- periods ---- */

struct period period_of(const struct calendar *calendar, Policy__Term__Period period, int64_t at_ms)
{
    int year, month, day;
    int32_t date = date_of(calendar, at_ms), first = date, next = date + 1;
    date_split(date, &year, &month, &day);
    switch (period) {
    case POLICY__TERM__PERIOD__DAY:
        break;
    case POLICY__TERM__PERIOD__WEEK:
        first = date - date_weekday(date);
        next = first + 7;
        break;
    case POLICY__TERM__PERIOD__HALF_MONTH:
        first = date_from(year, month, day < 16 ? 1 : 16);
        next = day < 16 ? date_from(year, month, 16) : add_months(date_from(year, month, 1), 1);
        break;
    case POLICY__TERM__PERIOD__MONTH:
        first = date_from(year, month, 1);
        next = add_months(first, 1);
        break;
    case POLICY__TERM__PERIOD__QUARTER:
        first = date_from(year, (month - 1) / 3 * 3 + 1, 1);
        next = add_months(first, 3);
        break;
    case POLICY__TERM__PERIOD__YEAR:
        first = date_from(year, 1, 1);
        next = date_from(year + 1, 1, 1);
        break;
    }
    return (struct period){first, next, instant_of(calendar, first, 0), instant_of(calendar, next, 0)};
}

/* The day of the period that the term means; each look at a day's work may make the date provisional. */
static int32_t day_in(struct counting *counting, const Policy__Term *term, const struct period *period)
{
    int32_t date = period->first;
    int year, month, day;
    switch (term->place) {
    case POLICY__TERM__PLACE__END:
        return period->next - 1 - (int32_t)term->amount;
    case POLICY__TERM__PLACE__NTH_DAY:
        return date + (int32_t)term->amount - 1;
    case POLICY__TERM__PLACE__WEEKDAY:
        return date + (int32_t)term->amount;
    case POLICY__TERM__PLACE__MONTH_DAY:
        date_split(date, &year, &month, &day);
        return date_from(year, (int)(term->amount / 100), (int)(term->amount % 100));
    case POLICY__TERM__PLACE__LAST_WORKING_DAY:
        date = period->next - 1;
        for (int i = 0; i < SEARCH_DAYS_MAX && !works(counting, date); i++)
            date--;
        return date;
    case POLICY__TERM__PLACE__NTH_WORKING_DAY:
        break;
    }
    unsigned left = term->amount ? term->amount : 1;
    date--;
    for (int i = 0; left && i < SEARCH_DAYS_MAX; i++)
        left -= works(counting, ++date);
    return date;
}

static void in_period(struct counting *counting, const Policy__Term *term, int64_t start_ms)
{
    const struct calendar *calendar = counting->rules->calendar;
    struct period period = period_of(calendar, term->period, start_ms);
    if (term->next)
        period = period_of(calendar, term->period, period.to_ms);
    if (term->last)
        period = period_of(calendar, term->period, period.from_ms - 1);
    int32_t date = day_in(counting, term, &period);
    counting->due->in_days = true;
    end_of_day(counting, term, date);
    counting->due->unrolled_ms = counting->due->at_ms;
}

bool due_compute(const struct due_rules *rules, const Policy__Term *term, int64_t start_ms, struct arena *arena,
                 struct due *due_out)
{
    struct counting counting = {rules, arena, due_out};
    *due_out = (struct due){0};
    if (*term->field && (!rules->resolve || !rules->resolve(rules->context, term->field, &start_ms)))
        return false;
    switch (term->unit) {
    case POLICY__TERM__UNIT__MINUTES:
        span(&counting, term, MINUTE_MS, start_ms);
        return true;
    case POLICY__TERM__UNIT__HOURS:
        span(&counting, term, HOUR_MS, start_ms);
        return true;
    case POLICY__TERM__UNIT__NATURAL_DAYS:
    case POLICY__TERM__UNIT__WEEKS:
    case POLICY__TERM__UNIT__MONTHS:
    case POLICY__TERM__UNIT__WORKING_DAYS:
        if (too_long(term))
            return false;
        if (term->before)
            days_before(&counting, term, start_ms);
        else
            days_after(&counting, term, start_ms);
        return true;
    case POLICY__TERM__UNIT__SAME_DAY:
        end_of_day(&counting, term, date_of(rules->calendar, start_ms));
        return true;
    case POLICY__TERM__UNIT__NEXT_DAY:
        end_of_day(&counting, term, date_of(rules->calendar, start_ms) + 1);
        return true;
    case POLICY__TERM__UNIT__FIELD:
        due_out->at_ms = start_ms;
        return *term->field;
    case POLICY__TERM__UNIT__DATE:
        due_out->at_ms = term->at_ms;
        return true;
    case POLICY__TERM__UNIT__PERIOD:
        in_period(&counting, term, start_ms);
        return true;
    case POLICY__TERM__UNIT__UNIT_NONE:
    case POLICY__TERM__UNIT__TIME_OF_DAY:
    case POLICY__TERM__UNIT__NOW:
        return false;
    }
    return false;
}

/* The same time of day on the next working day; 24:00 belongs to the day it ends. */
static int64_t roll_instant(const struct calendar *calendar, int64_t at_ms)
{
    int32_t date = date_of(calendar, at_ms - 1);
    int64_t of_day = zone_local_ms(calendar->zone, at_ms) - (int64_t)date * DAY_MS;
    return calendar_works(calendar, date) ? at_ms : instant_at(calendar, next_working(calendar, date), of_day);
}

/* A pause within the days the due had rolled over is added to the rolled due: the clock still ran there. */
static void pause_natural(const struct due_rules *rules, struct due *due, int64_t from_ms, int64_t to_ms)
{
    int64_t base = from_ms <= due->unrolled_ms ? due->unrolled_ms : due->at_ms;
    due->unrolled_ms = base + (to_ms - from_ms);
    int64_t rolled = due_rolls(rules) ? roll_instant(rules->calendar, due->unrolled_ms) : due->unrolled_ms;
    due->at_ms = rolled > due->at_ms ? rolled : due->at_ms;
}

void due_add_pause(const struct due_rules *rules, struct due *due, int64_t from_ms, int64_t to_ms)
{
    const struct calendar *calendar = rules->calendar;
    if (to_ms <= from_ms)
        return;
    if (due->in_working_days) {
        int64_t working = calendar_working_ms(calendar, from_ms, to_ms);
        due->at_ms = working ? calendar_add_working_ms(calendar, due->at_ms, working) : due->at_ms;
    } else if (due->in_days) {
        pause_natural(rules, due, from_ms, to_ms);
    } else {
        due->at_ms += to_ms - from_ms;
    }
    if (due->in_days && !calendar_published(calendar, date_of(calendar, due->at_ms - 1)))
        due->provisional = true;
}
