#include "portal_time.h"

#include "calendar/calendar.h"

static const char *const weekdays_zh[] = {"周一", "周二", "周三", "周四", "周五", "周六", "周日"};
static const char *const weekdays_en[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const months_en[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};

static char *day_words(int32_t date, bool with_year, enum language language, struct arena *arena)
{
    int year, month, day, weekday = date_weekday(date);
    date_split(date, &year, &month, &day);
    switch (language) {
    case LANGUAGE_ZH:
        return with_year ? arena_printf(arena, "%d年%d月%d日（%s）", year, month, day, weekdays_zh[weekday])
                         : arena_printf(arena, "%d月%d日（%s）", month, day, weekdays_zh[weekday]);
    case LANGUAGE_EN:
        return with_year ? arena_printf(arena, "%s %d %s %d", weekdays_en[weekday], day, months_en[month - 1], year)
                         : arena_printf(arena, "%s %d %s", weekdays_en[weekday], day, months_en[month - 1]);
    }
    return "";
}

static int year_of(int32_t date)
{
    int year, month, day;
    date_split(date, &year, &month, &day);
    return year;
}

static char *words(const struct zone *zone, int64_t ms, int64_t now_ms, bool deadline, enum language language,
                   struct arena *arena)
{
    int64_t local = zone_local_ms(zone, ms);
    int32_t date = date_of_local(local), today = date_of_local(zone_local_ms(zone, now_ms));
    int minute = (int)((local - date * DAY_MS) / MINUTE_MS);
    bool ends_day = deadline && local == date * DAY_MS;
    if (ends_day)
        date--;
    char *day = day_words(date, year_of(date) != year_of(today), language, arena);
    switch (language) {
    case LANGUAGE_ZH:
        return ends_day ? arena_printf(arena, "%s24:00", day)
                        : arena_printf(arena, "%s%02d:%02d", day, minute / 60, minute % 60);
    case LANGUAGE_EN:
        return ends_day ? arena_printf(arena, "midnight at the end of %s", day)
                        : arena_printf(arena, "%s, %02d:%02d", day, minute / 60, minute % 60);
    }
    return "";
}

char *time_words(const struct zone *zone, int64_t ms, int64_t now_ms, enum language language, struct arena *arena)
{
    return words(zone, ms, now_ms, false, language, arena);
}

char *deadline_words(const struct zone *zone, int64_t ms, int64_t now_ms, enum language language, struct arena *arena)
{
    return words(zone, ms, now_ms, true, language, arena);
}

char *date_words(const char *date, enum language language, struct arena *arena)
{
    int32_t parsed;
    return date_parse(date, &parsed) ? day_words(parsed, false, language, arena) : arena_strdup(arena, date);
}
