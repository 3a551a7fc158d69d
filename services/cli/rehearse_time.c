/* Times as they are written in a scenario, in the zone of the policy's calendar. */
#include "rehearse_scenario.h"

#include <stdio.h>
#include <stdlib.h>

static bool clock_time_parse(const char *text, int64_t *ms_out)
{
    unsigned hour, minute, second = 0;
    int used = 0;
    if (sscanf(text, "%2u:%2u%n", &hour, &minute, &used) != 2)
        return false;
    if (text[used] == ':' && sscanf(text + used + 1, "%2u", &second) == 1)
        used += 1 + (int)strspn(text + used + 1, "0123456789");
    int64_t ms = hour * HOUR_MS + minute * MINUTE_MS + second * 1000ll;
    *ms_out = ms;
    return !text[used] && minute < 60 && second < 60 && ms <= DAY_MS;
}

/* "7 min 30 s" */
static bool span_parse(const char *text, int64_t *ms_out)
{
    static const struct {
        const char *word;
        int64_t ms;
    } units[] = {{"days", DAY_MS}, {"day", DAY_MS}, {"min", MINUTE_MS}, {"ms", 1}, {"h", HOUR_MS}, {"s", 1000}};
    int64_t total = 0;
    do {
        char *end;
        long amount = strtol(text, &end, 10);
        size_t i = 0, count = sizeof units / sizeof *units;
        bool spaced = end != text && *end == ' ' && amount >= 0 && amount < 1000000;
        text = spaced ? end + 1 : "";
        while (i < count && strncmp(text, units[i].word, strlen(units[i].word)) != 0)
            i++;
        if (i == count)
            return false;
        total += amount * units[i].ms;
        text += strlen(units[i].word);
        if (*text && *text != ' ')
            return false;
        text += *text == ' ';
    } while (*text);
    *ms_out = total;
    return true;
}

bool scenario_time_parse(struct scenario_clock *clock, const char *text, int64_t *ms_out)
{
    int64_t ms;
    if (*text == '+') {
        if (!clock->has_date || !span_parse(text + 1, &ms))
            return false;
        *ms_out = clock->base_ms + ms;
        return true;
    }
    char day[11] = {0};
    int32_t date;
    const char *rest = text;
    strncpy(day, text, 10);
    bool dated = strlen(text) > 11 && text[10] == ' ' && date_parse(day, &date);
    if (dated) {
        clock->date = date;
        clock->has_date = true;
        rest = text + 11;
    }
    if (!clock->has_date || !clock_time_parse(rest, &ms))
        return false;
    *ms_out = clock->base_ms = zone_utc_ms(clock->zone, (int64_t)clock->date * DAY_MS + ms);
    return true;
}

const char *scenario_time_text(struct arena *arena, const struct zone *zone, int64_t ms)
{
    int64_t local = zone_local_ms(zone, ms);
    int year, month, day;
    date_split(date_of_local(local), &year, &month, &day);
    int64_t in_day = local - (int64_t)date_of_local(local) * DAY_MS;
    int second = (int)(in_day / 1000), millisecond = (int)(in_day % 1000);
    const char *text = arena_printf(arena, "%04d-%02d-%02d %02d:%02d:%02d", year, month, day, second / 3600,
                                    second / 60 % 60, second % 60);
    return millisecond ? arena_printf(arena, "%s.%03d", text, millisecond) : text;
}
