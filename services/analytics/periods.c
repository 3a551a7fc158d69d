/* Periods of indicators by name: "2025", "2025-Q1", "2025-03"; a half month by its first day, "2025-03-01" or
   "2025-03-16". */
#include "analytics.h"
#include "calendar/calendar.h"

#include <stdlib.h>

#define HALF 16 /* the day on which the second half begins */

static bool half_parse(const char *text)
{
    return text[4] == '-' && text[7] == '-' && (strcmp(text + 8, "01") == 0 || strcmp(text + 8, "16") == 0) &&
           strspn(text + 5, "0123456789") == 2;
}

bool analytics_period_parse(const char *text, int *year_out, int *month_out, Policy__Term__Period *period_out)
{
    size_t size = strlen(text), digits = strspn(text, "0123456789");
    char *end;
    bool half = size == 10 && half_parse(text);
    if (digits != 4 || (size != 4 && !half && (size != 7 || text[4] != '-')))
        return false;
    *year_out = (int)strtol(text, NULL, 10);
    *month_out = 1;
    *period_out = POLICY__TERM__PERIOD__YEAR;
    if (size == 4)
        return true;
    bool quarter = text[5] == 'Q';
    *period_out = half      ? POLICY__TERM__PERIOD__HALF_MONTH
                  : quarter ? POLICY__TERM__PERIOD__QUARTER
                            : POLICY__TERM__PERIOD__MONTH;
    long number = strtol(text + 5 + quarter, &end, 10);
    *month_out = (int)(quarter ? (number - 1) * 3 + 1 : number);
    return (*end == 0 || half) && number >= 1 && number <= (quarter ? 4 : 12);
}

char *analytics_period_earlier(struct arena *arena, const char *text, int by)
{
    int year, month;
    Policy__Term__Period period;
    if (!analytics_period_parse(text, &year, &month, &period))
        return NULL;
    bool half = period == POLICY__TERM__PERIOD__HALF_MONTH, second = half && text[8] == '1' && text[9] == '6';
    int months = half ? !second /* before the second half comes the first of the same month */
                 : period == POLICY__TERM__PERIOD__MONTH   ? 1
                 : period == POLICY__TERM__PERIOD__QUARTER ? 3
                                                           : 12;
    int all = year * 12 + month - 1 - (by ? by : months);
    if (all < 0)
        return NULL;
    if (half)
        return arena_printf(arena, "%04d-%02d-%02d", all / 12, all % 12 + 1, second == (by != 0) ? HALF : 1);
    if (period == POLICY__TERM__PERIOD__MONTH)
        return arena_printf(arena, "%04d-%02d", all / 12, all % 12 + 1);
    if (period == POLICY__TERM__PERIOD__QUARTER)
        return arena_printf(arena, "%04d-Q%d", all / 12, all % 12 / 3 + 1);
    return arena_printf(arena, "%04d", all / 12);
}

int analytics_period_month(const char *text)
{
    int year = 0, month = 1;
    Policy__Term__Period period;
    return analytics_period_parse(text, &year, &month, &period) ? year * 12 + month : 0;
}

char *analytics_period_text(struct turn *turn, const char *site, int64_t at_ms, Policy__Term__Period period)
{
    int year, month, day;
    date_split(date_of_local(zone_local_ms(organisation_zone(turn, site), at_ms)), &year, &month, &day);
    if (period == POLICY__TERM__PERIOD__HALF_MONTH)
        return arena_printf(turn_arena(turn), "%04d-%02d-%02d", year, month, day < HALF ? 1 : HALF);
    if (period == POLICY__TERM__PERIOD__MONTH)
        return arena_printf(turn_arena(turn), "%04d-%02d", year, month);
    if (period == POLICY__TERM__PERIOD__QUARTER)
        return arena_printf(turn_arena(turn), "%04d-Q%d", year, (month - 1) / 3 + 1);
    return arena_printf(turn_arena(turn), "%04d", year);
}
