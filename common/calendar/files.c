/* The product's own calendar files (JSON) and the holiday-cn format. */
#include "calendar/calendar.h"

#include "base/file.h"
#include "base/json_text.h"

#include <jansson.h>
#include <stdlib.h>

#define HOLIDAY_CN_DAYS_MAX 366u
#define CALENDAR_BYTES_MAX (1u << 20)

static const char *const weekdays[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday",    NULL};

static enum err malformed(struct arena *arena, char **why_out, const char *what, const char *where)
{
    *why_out = arena_printf(arena, "%s: %s", where, what);
    return ERR_MALFORMED;
}

static bool time_parse(const char *text, uint32_t *minute_out)
{
    if (!text || strlen(text) != 5 || text[2] != ':')
        return false;
    for (int i = 0; i < 5; i++)
        if (i != 2 && (text[i] < '0' || text[i] > '9'))
            return false;
    unsigned hour = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    unsigned minute = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
    *minute_out = hour * 60 + minute;
    return minute < 60 && *minute_out <= 1440;
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

static enum err known_only(json_t *object, const char *const *known, const char *accepted, struct arena *arena,
                           char **why_out)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        size_t i = 0;
        while (known[i] && strcmp(key, known[i]) != 0)
            i++;
        if (!known[i])
            return malformed(arena, why_out, arena_printf(arena, "unknown; accepted: %s", accepted), key);
    }
    return ERR_NONE;
}

static enum err week_parse(json_t *week, struct arena *arena, Calendar__Calendar *calendar, char **why_out)
{
    size_t worked = 0;
    if (!json_is_object(week))
        return malformed(arena, why_out, "an object of weekdays is needed, as {\"monday\": [\"08:30\", \"18:00\"]}",
                         "week");
    enum err err =
        known_only(week, weekdays, "monday tuesday wednesday thursday friday saturday sunday", arena, why_out);
    if (err)
        return err;
    calendar->week = arena_alloc(arena, 7 * sizeof *calendar->week);
    for (int i = 0; i < 7; i++) {
        Calendar__Day *day = calendar->week[calendar->n_week++] = arena_alloc(arena, sizeof *day);
        calendar__day__init(day);
        json_t *shifts = json_object_get(week, weekdays[i]);
        if (shifts && !shifts_parse(shifts, arena, &day->shifts, &day->n_shifts))
            return malformed(arena, why_out, "pairs of times in order are accepted, as [\"08:30\", \"18:00\"]",
                             weekdays[i]);
        worked += day->n_shifts;
    }
    return worked ? ERR_NONE : malformed(arena, why_out, "at least one weekday must have hours", "week");
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
    calendar->exceptions =
        arena_grow(arena, calendar->exceptions, calendar->n_exceptions, sizeof *calendar->exceptions);
    calendar->exceptions[calendar->n_exceptions++] = exception;
    return exception;
}

static const char *const exception_keys[] = {"date", "works", "name", "shift", NULL};

static enum err exception_parse(json_t *item, struct arena *arena, Calendar__Calendar *calendar, char **why_out)
{
    const char *text = json_string_value(json_object_get(item, "date"));
    json_t *works = json_object_get(item, "works"), *name = json_object_get(item, "name");
    json_t *shift = json_object_get(item, "shift");
    int32_t date;
    if (!text || !date_parse(text, &date))
        return malformed(arena, why_out, "a date is accepted as 2025-10-01", text ? text : "exceptions");
    if (!json_is_boolean(works))
        return malformed(arena, why_out, "works must be true (a worked day) or false (a day off)", text);
    if (name && !json_is_string(name))
        return malformed(arena, why_out, "the name must be a text", text);
    if (known_only(item, exception_keys, "date works name shift", arena, why_out))
        return malformed(arena, why_out, *why_out, text);
    size_t before = calendar->n_exceptions;
    Calendar__Exception *exception = exception_at(calendar, date, arena);
    if (calendar->n_exceptions == before)
        return malformed(arena, why_out, "this date stands twice", text);
    exception->works = json_is_true(works);
    exception->name = arena_strdup(arena, json_string_value(name));
    if (shift && (!shifts_parse(shift, arena, &exception->shifts, &exception->n_shifts) || !exception->works))
        return malformed(arena, why_out, "the shift is pairs of times, of a worked day only", text);
    return ERR_NONE;
}

static enum err exceptions_parse(json_t *list, struct arena *arena, Calendar__Calendar *calendar, char **why_out)
{
    size_t i;
    json_t *item;
    enum err err =
        list && !json_is_array(list) ? malformed(arena, why_out, "a list is accepted", "exceptions") : ERR_NONE;
    json_array_foreach(list, i, item) {
        if (!err)
            err = exception_parse(item, arena, calendar, why_out);
    }
    sort_exceptions(calendar);
    return err;
}

static void year_add(Calendar__Calendar *calendar, uint32_t year, struct arena *arena)
{
    for (size_t i = 0; i < calendar->n_years; i++)
        if (calendar->years[i] == year)
            return;
    calendar->years = arena_grow(arena, calendar->years, calendar->n_years, sizeof *calendar->years);
    calendar->years[calendar->n_years++] = year;
}

static enum err years_parse(json_t *list, struct arena *arena, Calendar__Calendar *calendar, char **why_out)
{
    size_t i;
    json_t *year;
    if (list && !json_is_array(list))
        return malformed(arena, why_out, "a list is accepted, as [2025, 2026]", "years");
    json_array_foreach(list, i, year) {
        json_int_t value = json_integer_value(year);
        if (!json_is_integer(year) || value < 1900 || value > 9999)
            return malformed(arena, why_out, "a year is a number from 1900 to 9999", "years");
        year_add(calendar, (uint32_t)value, arena);
    }
    return ERR_NONE;
}

static json_t *parse(struct bytes json, struct arena *arena, char **why_out)
{
    json_error_t error;
    unsigned line;
    const char *what;
    if (!json_text_bounded(json, &line, &what)) {
        *why_out = arena_printf(arena, "line %u: %s", line, what);
        return NULL;
    }
    json_t *root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        *why_out = arena_printf(arena, "line %d: %s", error.line, error.text);
    else if (!json_is_object(root))
        *why_out = arena_strdup(arena, "line 1: an object is accepted");
    return root;
}

static const char *const known_keys[] = {"name",       "zone",        "week",          "years", "source",
                                         "exceptions", "no_holidays", "december_from", NULL};

static enum err head_parse(json_t *root, struct arena *arena, Calendar__Calendar *calendar, char **why_out)
{
    json_t *december = json_object_get(root, "december_from"), *none = json_object_get(root, "no_holidays");
    json_int_t from = json_integer_value(december);
    calendar->name = arena_strdup(arena, json_string_value(json_object_get(root, "name")));
    calendar->zone = arena_strdup(arena, json_string_value(json_object_get(root, "zone")));
    calendar->source = arena_strdup(arena, json_string_value(json_object_get(root, "source")));
    calendar->no_holidays = json_is_true(none);
    if (!*calendar->name || !*calendar->zone)
        return malformed(arena, why_out, "a name and an IANA zone are needed", "calendar");
    if (none && !json_is_boolean(none))
        return malformed(arena, why_out, "true or false is accepted", "no_holidays");
    if (december && (!json_is_integer(december) || from < 1 || from > 31))
        return malformed(arena, why_out, "a day of December, 1 to 31, is accepted", "december_from");
    calendar->december_from = (uint32_t)from;
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
    enum err err = known_only(root, known_keys, "name zone week years source exceptions no_holidays december_from",
                              arena, why_out);
    if (!err)
        err = head_parse(root, arena, calendar, why_out);
    if (!err)
        err = years_parse(json_object_get(root, "years"), arena, calendar, why_out);
    if (!err)
        err = week_parse(json_object_get(root, "week"), arena, calendar, why_out);
    if (!err)
        err = exceptions_parse(json_object_get(root, "exceptions"), arena, calendar, why_out);
    json_decref(root);
    return err;
}

enum err calendar_load(const char *path, struct arena *arena, Calendar__Calendar **calendar_out, char **why_out)
{
    struct bytes text;
    enum err err = file_read(path, CALENDAR_BYTES_MAX, arena, &text);
    if (err) {
        *why_out = arena_printf(
            arena, err == ERR_NOT_FOUND ? "%s: cannot be opened" : "%s: cannot be read, or is over 1 MB", path);
        return err == ERR_NOT_FOUND ? err : ERR_IO;
    }
    err = calendar_parse(text, arena, calendar_out, why_out);
    if (err)
        *why_out = arena_printf(arena, "%s: %s", path, *why_out);
    return err;
}

/* A notice decides about its own year and the December before it. */
static bool of_notice(int32_t date, json_int_t year)
{
    int its_year, month, day;
    date_split(date, &its_year, &month, &day);
    return its_year == year || (its_year == year - 1 && month == 12);
}

static bool told_before(json_t *days, size_t at, const char *date)
{
    for (size_t i = 0; i < at; i++) {
        const char *other = json_string_value(json_object_get(json_array_get(days, i), "date"));
        if (other && strcmp(other, date) == 0)
            return true;
    }
    return false;
}

static enum err holiday_cn_day(json_t *day, json_int_t year, struct arena *arena, Calendar__Calendar *calendar,
                               char **why_out)
{
    int32_t date;
    const char *text = json_string_value(json_object_get(day, "date"));
    json_t *off = json_object_get(day, "isOffDay");
    if (!text || !date_parse(text, &date) || !json_is_boolean(off))
        return malformed(arena, why_out, "a day needs a date, as 2025-10-01, and isOffDay", text ? text : "days");
    if (!of_notice(date, year))
        return malformed(arena, why_out, "a day of the file's year, or of the December before it, is accepted", text);
    Calendar__Exception *exception = exception_at(calendar, date, arena);
    exception->works = json_is_false(off);
    exception->n_shifts = 0;
    exception->name = arena_strdup(arena, json_string_value(json_object_get(day, "name")));
    return ERR_NONE;
}

enum err calendar_add_holiday_cn(Calendar__Calendar *calendar, struct bytes json, struct arena *arena, char **why_out)
{
    json_t *root = parse(json, arena, why_out), *day;
    json_t *days = json_object_get(root, "days");
    json_int_t year = json_integer_value(json_object_get(root, "year"));
    enum err err = json_is_object(root) ? ERR_NONE : ERR_MALFORMED;
    if (err)
        malformed(arena, why_out, "an object with year and days is accepted", "holiday-cn");
    if (!err && (!json_is_array(days) || year < 1900 || year > 9999 || json_array_size(days) > HOLIDAY_CN_DAYS_MAX))
        err = malformed(arena, why_out, "year and days (at most 366) are needed", "holiday-cn");
    size_t i;
    json_array_foreach(days, i, day) {
        const char *date = json_string_value(json_object_get(day, "date"));
        if (!err && date && told_before(days, i, date))
            err = malformed(arena, why_out, "the day stands there twice", date);
        if (!err)
            err = holiday_cn_day(day, year, arena, calendar, why_out);
    }
    if (!err && json_array_size(days))
        year_add(calendar, (uint32_t)year, arena);
    sort_exceptions(calendar);
    json_decref(root);
    return err;
}
