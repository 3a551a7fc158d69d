/* One year of holidays comes into a calendar that is in use: all open clocks are judged anew by it (watchdog's job).
   What was published of that year already is not changed in passing: other days are told, and taken only when asked
   for. */
#include "calendar/calendar.h"
#include "directory.h"
#include "message/message.h"

static Hb__Refusal *bad(struct turn *turn, uint32_t status, const char *code, const char *field, const char *zh,
                        const char *en)
{
    Hb__Refusal *refusal = turn_refuse(turn, status, code, zh, en);
    refusal_field(turn, refusal, field);
    return refusal;
}

static const Calendar__Calendar *known_calendar(struct turn *turn, const char *name)
{
    const Calendar__Calendar *known = organisation_calendar_definition(turn, name);
    if (known && !known->no_holidays)
        return known;
    Hb__Refusal *refusal =
        known ? bad(turn, 409, "no_holidays", "calendar", "该日历不含节假日", "this calendar has no holidays")
              : bad(turn, 404, "unknown_calendar", "calendar", "没有这份日历", "there is no such calendar");
    for (const Calendar__Calendar **one = organisation_calendars(turn); *one; one++)
        if (!(*one)->no_holidays)
            refusal_accepts(turn, refusal, (*one)->name);
    return NULL;
}

/* The file by itself: its year and its days. */
static Calendar__Calendar *read_file(struct turn *turn, const char *text)
{
    struct arena *arena = turn_arena(turn);
    Calendar__Calendar *file = arena_alloc(arena, sizeof *file);
    calendar__calendar__init(file);
    char *why = "";
    if (strlen(text) > DIRECTORY_YEAR_BYTES_MAX) {
        bad(turn, 413, "too_large", "holidays", "节假日文件最大 64 KiB", "a file of holidays has at most 64 KiB");
        return NULL;
    }
    if (calendar_add_holiday_cn(file, bytes_of_text(text), arena, &why)) {
        bad(turn, 422, "bad_field", "holidays", arena_printf(arena, "不是 holiday-cn 格式的年度文件：%s", why),
            arena_printf(arena, "this is no year of holiday-cn: %s", why));
        return NULL;
    }
    if (file->n_years)
        return file;
    bad(turn, 422, "bad_field", "holidays.days", "该年度尚未公布：文件没有任何日期",
        "this year is not published yet: the file has no days");
    return NULL;
}

static bool is_published(const Calendar__Calendar *calendar, int year)
{
    for (size_t i = 0; i < calendar->n_years; i++)
        if ((int)calendar->years[i] == year)
            return true;
    return false;
}

/* Is this day the year's own to decide? The end of December may be that of the next notice. */
static bool decided_by(const Calendar__Calendar *calendar, int32_t date, int year)
{
    int its_year, month, day;
    date_split(date, &its_year, &month, &day);
    bool end = calendar->december_from && month == 12 && day >= (int)calendar->december_from;
    return its_year == year && !(end && is_published(calendar, year + 1));
}

static const Calendar__Exception *exception_of(const Calendar__Calendar *calendar, int32_t date)
{
    for (size_t i = 0; i < calendar->n_exceptions; i++)
        if (calendar->exceptions[i]->date == date)
            return calendar->exceptions[i];
    return NULL;
}

/* The calendar without what it had of a year that was published before, and with the file. */
static Calendar__Calendar *with_year(struct turn *turn, const Calendar__Calendar *known, const char *text, int year)
{
    struct arena *arena = turn_arena(turn);
    char *why = "";
    Calendar__Calendar *fresh = arena_alloc(arena, sizeof *fresh);
    *fresh = *known;
    fresh->n_exceptions = fresh->n_years = 0; /* both lists grow further below: made as arena_grow makes them */
    for (size_t i = 0; i < known->n_exceptions; i++) {
        if (is_published(known, year) && decided_by(known, known->exceptions[i]->date, year))
            continue;
        Calendar__Exception *kept = arena_alloc(arena, sizeof *kept);
        *kept = *known->exceptions[i];
        fresh->exceptions = arena_grow(arena, fresh->exceptions, fresh->n_exceptions, sizeof kept);
        fresh->exceptions[fresh->n_exceptions++] = kept;
    }
    for (size_t i = 0; i < known->n_years; i++) {
        fresh->years = arena_grow(arena, fresh->years, fresh->n_years, sizeof *fresh->years);
        fresh->years[fresh->n_years++] = known->years[i];
    }
    bug_unless(calendar_add_holiday_cn(fresh, bytes_of_text(text), arena, &why) == ERR_NONE); /* read before */
    return fresh;
}

static const char *day_text(struct turn *turn, const Calendar__Exception *day, bool zh)
{
    if (!day)
        return zh ? "照常" : "as its weekday";
    const char *what = day->works ? (zh ? "上班" : "worked") : (zh ? "休" : "off");
    return day->name[0] ? arena_printf(turn_arena(turn), "%s %s", what, day->name) : what;
}

static void tell_day(struct turn *turn, Hb__Refusal *refusal, int32_t date, const Calendar__Exception *was,
                     const Calendar__Exception *now)
{
    int year, month, day;
    if (refusal->n_problems >= DIRECTORY_PROBLEMS_MAX)
        return;
    struct arena *arena = turn_arena(turn);
    date_split(date, &year, &month, &day);
    const char *text = arena_printf(arena, "%04d-%02d-%02d", year, month, day);
    refusal_problem(
        turn, refusal, text, "",
        arena_printf(arena, "原为%s，文件为%s", day_text(turn, was, true), day_text(turn, now, true)),
        arena_printf(arena, "was %s, is %s in the file", day_text(turn, was, false), day_text(turn, now, false)));
}

static bool same_day(const Calendar__Exception *a, const Calendar__Exception *b)
{
    return a && b && a->works == b->works && strcmp(a->name, b->name) == 0 && a->n_shifts == b->n_shifts;
}

static void refuse_other_days(struct turn *turn, const Calendar__Calendar *known, const Calendar__Calendar *fresh,
                              int year)
{
    struct arena *arena = turn_arena(turn);
    Hb__Refusal *refusal = bad(
        turn, 409, "year_differs", "holidays", arena_printf(arena, "%d 年已公布且内容不同；确要替换请加 replace", year),
        arena_printf(arena, "%d is published already with other days; to put these in their place say replace", year));
    refusal_accepts(turn, refusal, "replace=true");
    for (size_t i = 0; i < fresh->n_exceptions; i++)
        if (!same_day(exception_of(known, fresh->exceptions[i]->date), fresh->exceptions[i]))
            tell_day(turn, refusal, fresh->exceptions[i]->date, exception_of(known, fresh->exceptions[i]->date),
                     fresh->exceptions[i]);
    for (size_t i = 0; i < known->n_exceptions; i++)
        if (!exception_of(fresh, known->exceptions[i]->date))
            tell_day(turn, refusal, known->exceptions[i]->date, known->exceptions[i], NULL);
}

void directory_decide_year(struct turn *turn, const Directory__PublishYear *publish)
{
    const Calendar__Calendar *known = known_calendar(turn, publish->calendar);
    Calendar__Calendar *file = known ? read_file(turn, publish->holidays) : NULL;
    if (!file)
        return;
    int year = (int)file->years[0];
    Calendar__Calendar *fresh = with_year(turn, known, publish->holidays, year);
    if (bytes_equal(message_pack(&known->base, turn_arena(turn)), message_pack(&fresh->base, turn_arena(turn))))
        return; /* it is so already */
    if (is_published(known, year) && !publish->replace) {
        refuse_other_days(turn, known, fresh, year);
        return;
    }
    fresh->version = known->version + 1;
    directory_say(turn, "", DIRECTORY__EVENT__KIND_CALENDAR_DEFINED, &fresh->base);
}

Directory__YearPublished *directory_reply_year(struct turn *turn, const Directory__PublishYear *publish,
                                               Hb__Event *const *said, unsigned count)
{
    struct arena *arena = turn_arena(turn);
    Directory__YearPublished *reply = arena_alloc(arena, sizeof *reply);
    directory__year_published__init(reply);
    Calendar__Calendar file = CALENDAR__CALENDAR__INIT;
    char *why = "";
    reply->calendar = publish->calendar;
    if (calendar_add_holiday_cn(&file, bytes_of_text(publish->holidays), arena, &why) == ERR_NONE && file.n_years)
        reply->year = file.years[0];
    const Calendar__Calendar *known = organisation_calendar_definition(turn, publish->calendar);
    reply->version = known ? known->version : 0;
    reply->unchanged = count == 0;
    if (count) {
        reply->version = said[0]->directory->calendar_defined->version;
        reply->recorded_ms = said[0]->recorded_ms;
    }
    return reply;
}
