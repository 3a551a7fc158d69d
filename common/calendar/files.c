/* The product's own calendar files (JSON) and the holiday-cn format. */
#include "calendar/calendar.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const weekdays[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

static enum err malformed(struct arena *arena, char **why_out, const char *what, const char *where)
{
    *why_out = arena_printf(arena, "%s: %s", where, what);
    return ERR_MALFORMED;
}

static bool time_parse(const char *text, uint32_t *minute_out)
{
    unsigned hour, minute;
    int used = 0;
    if (!text || sscanf(text, "%2u:%2u%n", &hour, &minute, &used) != 2 || used != 5 || text[5] || minute > 59 ||
        hour * 60 + minute > 1440)
        return false;
    *minute_out = hour * 60 + minute;
    return true;
}

/* Pairs of times: ["08:30", "12:00", "13:30", "18:00"]. */
static bool shifts_parse(json_t *list, struct arena *arena, Calendar__Shift ***shifts_out, size_t *count_out)
{
    size_t size = json_array_size(list);
    if (!json_is_array(list) || size % 2)
        return false;
    *shifts_out = arena_alloc(arena, (size / 2 + 1) * sizeof **shifts_out);
    *count_out = 0;
    uint32_t last = 0;
    for (size_t i = 0; i < size; i += 2) {
        Calendar__Shift *shift = arena_alloc(arena, sizeof *shift);
        calendar__shift__init(shift);
        if (!time_parse(json_string_value(json_array_get(list, i)), &shift->from_min) ||
            !time_parse(json_string_value(json_array_get(list, i + 1)), &shift->to_min) || shift->from_min < last ||
            shift->to_min <= shift->from_min)
            return false;
        last = shift->to_min;
        (*shifts_out)[(*count_out)++] = shift;
    }
    return true;
}

static enum err week_parse(json_t *week, struct arena *arena, Calendar__Calendar *calendar, char **why_out)
{
    calendar->week = arena_alloc(arena, 7 * sizeof *calendar->week);
    for (int i = 0; i < 7; i++) {
        Calendar__Day *day = calendar->week[calendar->n_week++] = arena_alloc(arena, sizeof *day);
        calendar__day__init(day);
        json_t *shifts = json_object_get(week, weekdays[i]);
        if (shifts && !shifts_parse(shifts, arena, &day->shifts, &day->n_shifts))
            return malformed(arena, why_out, "pairs of times in order are accepted, as [\"08:30\", \"18:00\"]", weekdays[i]);
    }
    return ERR_NONE;
}

static int by_date(const void *a, const void *b)
{
    const Calendar__Exception *x = *(Calendar__Exception *const *)a, *y = *(Calendar__Exception *const *)b;
    return x->date < y->date ? -1 : x->date > y->date;
}

static void sort_exceptions(Calendar__Calendar *calendar)
{
    if (calendar->n_exceptions)
        qsort(calendar->exceptions, calendar->n_exceptions, sizeof *calendar->exceptions, by_date);
}

/* Adds or replaces: the later notice counts. */
static Calendar__Exception *exception_at(Calendar__Calendar *calendar, int32_t date, struct arena *arena)
{
    for (size_t i = 0; i < calendar->n_exceptions; i++)
        if (calendar->exceptions[i]->date == date)
            return calendar->exceptions[i];
    Calendar__Exception *exception = arena_alloc(arena, sizeof *exception);
    calendar__exception__init(exception);
    exception->date = date;
    Calendar__Exception **grown = arena_alloc(arena, (calendar->n_exceptions + 1) * sizeof *grown);
    if (calendar->n_exceptions)
        memcpy(grown, calendar->exceptions, calendar->n_exceptions * sizeof *grown);
    grown[calendar->n_exceptions++] = exception;
    calendar->exceptions = grown;
    return exception;
}

static enum err exceptions_parse(json_t *list, struct arena *arena, Calendar__Calendar *calendar, char **why_out)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        const char *text = json_string_value(json_object_get(item, "date"));
        int32_t date;
        if (!text || !date_parse(text, &date))
            return malformed(arena, why_out, "a date is accepted as 2025-10-01", text ? text : "exceptions");
        Calendar__Exception *exception = exception_at(calendar, date, arena);
        exception->works = json_is_true(json_object_get(item, "works"));
        const char *name = json_string_value(json_object_get(item, "name"));
        exception->name = arena_strdup(arena, name);
        json_t *shift = json_object_get(item, "shift");
        if (shift && !shifts_parse(shift, arena, &exception->shifts, &exception->n_shifts))
            return malformed(arena, why_out, "the shift is not pairs of times", text);
    }
    sort_exceptions(calendar);
    return ERR_NONE;
}

static void year_add(Calendar__Calendar *calendar, uint32_t year, struct arena *arena)
{
    for (size_t i = 0; i < calendar->n_years; i++)
        if (calendar->years[i] == year)
            return;
    uint32_t *grown = arena_alloc(arena, (calendar->n_years + 1) * sizeof *grown);
    if (calendar->n_years)
        memcpy(grown, calendar->years, calendar->n_years * sizeof *grown);
    grown[calendar->n_years++] = year;
    calendar->years = grown;
}

static json_t *parse(struct bytes json, struct arena *arena, char **why_out)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &error);
    if (!root || !json_is_object(root))
        *why_out = arena_printf(arena, "line %d: %s", error.line, root ? "an object is accepted" : error.text);
    return root;
}

static const char *const known_keys[] = {"name", "zone", "week", "years", "source", "exceptions", "no_holidays"};

static enum err known_only(json_t *root, struct arena *arena, char **why_out)
{
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        bool known = false;
        for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++)
            known = known || strcmp(key, known_keys[i]) == 0;
        if (!known)
            return malformed(arena, why_out, "unknown; accepted: name zone week years source exceptions no_holidays", key);
    }
    return ERR_NONE;
}

enum err calendar_parse(struct bytes json, struct arena *arena, Calendar__Calendar **calendar_out, char **why_out)
{
    json_t *root = parse(json, arena, why_out);
    if (!json_is_object(root)) {
        json_decref(root);
        return ERR_MALFORMED;
    }
    Calendar__Calendar *calendar = *calendar_out = arena_alloc(arena, sizeof *calendar);
    calendar__calendar__init(calendar);
    calendar->name = arena_strdup(arena, json_string_value(json_object_get(root, "name")));
    calendar->zone = arena_strdup(arena, json_string_value(json_object_get(root, "zone")));
    calendar->source = arena_strdup(arena, json_string_value(json_object_get(root, "source")));
    calendar->no_holidays = json_is_true(json_object_get(root, "no_holidays"));
    size_t i;
    json_t *year;
    json_array_foreach(json_object_get(root, "years"), i, year)
        year_add(calendar, (uint32_t)json_integer_value(year), arena);
    enum err err = known_only(root, arena, why_out);
    if (!err && (!*calendar->name || !*calendar->zone))
        err = malformed(arena, why_out, "a name and an IANA zone are needed", "calendar");
    if (!err)
        err = week_parse(json_object_get(root, "week"), arena, calendar, why_out);
    if (!err)
        err = exceptions_parse(json_object_get(root, "exceptions"), arena, calendar, why_out);
    json_decref(root);
    return err;
}

enum err calendar_load(const char *path, struct arena *arena, Calendar__Calendar **calendar_out, char **why_out)
{
    FILE *file = fopen(path, "rbe");
    if (!file) {
        *why_out = arena_printf(arena, "%s: cannot be opened", path);
        return ERR_NOT_FOUND;
    }
    size_t room = 1 << 20;
    uint8_t *text = arena_alloc(arena, room);
    size_t size = fread(text, 1, room, file);
    bool bad = ferror(file) || size == room;
    fclose(file);
    if (bad) {
        *why_out = arena_printf(arena, "%s: cannot be read, or is over 1 MB", path);
        return ERR_IO;
    }
    enum err err = calendar_parse(bytes_of(text, size), arena, calendar_out, why_out);
    if (err)
        *why_out = arena_printf(arena, "%s: %s", path, *why_out);
    return err;
}

enum err calendar_add_holiday_cn(Calendar__Calendar *calendar, struct bytes json, struct arena *arena, char **why_out)
{
    json_t *root = parse(json, arena, why_out), *day;
    if (!json_is_object(root)) {
        json_decref(root);
        return ERR_MALFORMED;
    }
    json_t *days = json_object_get(root, "days");
    size_t i;
    enum err err = ERR_NONE;
    json_array_foreach(days, i, day) {
        int32_t date;
        const char *text = json_string_value(json_object_get(day, "date"));
        if (!text || !date_parse(text, &date) || !json_is_boolean(json_object_get(day, "isOffDay"))) {
            err = malformed(arena, why_out, "a day needs date and isOffDay", text ? text : "days");
            break;
        }
        Calendar__Exception *exception = exception_at(calendar, date, arena);
        exception->works = !json_is_true(json_object_get(day, "isOffDay"));
        exception->name = arena_strdup(arena, json_string_value(json_object_get(day, "name")));
    }
    if (!err && json_array_size(days))
        year_add(calendar, (uint32_t)json_integer_value(json_object_get(root, "year")), arena);
    sort_exceptions(calendar);
    json_decref(root);
    return err;
}
