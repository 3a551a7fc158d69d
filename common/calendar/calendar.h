/* All time arithmetic: working days and hours, holidays and made-up working days (调休), due dates that explain
   themselves day by day (layer 1). Dates are days since 1970-01-01 in the calendar's zone; instants are ms UTC. */
#ifndef HEARBACK_CALENDAR_CALENDAR_H
#define HEARBACK_CALENDAR_CALENDAR_H

#include "base/arena.h"
#include "calendar/zone.h"
#include "hearback/calendar.pb-c.h"
#include "hearback/policy.pb-c.h"

#define MINUTE_MS 60000ll
#define HOUR_MS 3600000ll
#define DAY_MS 86400000ll

struct calendar;

/* `definition` and `zone` must outlive it. NULL definition: Monday to Friday 08:30 to 18:00, no holidays. */
struct calendar *calendar_new(const Calendar__Calendar *definition, const struct zone *zone);
void calendar_free(struct calendar *calendar);
const struct zone *calendar_zone(const struct calendar *calendar);
uint32_t calendar_version(const struct calendar *calendar);

int32_t date_of_local(int64_t local_ms);
int32_t date_of(const struct calendar *calendar, int64_t utc_ms);
int minute_of(const struct calendar *calendar, int64_t utc_ms);                /* of the local day */
int64_t instant_of(const struct calendar *calendar, int32_t date, int minute); /* 1440: 00:00 of the next day */
int date_weekday(int32_t date);                                                /* 0 Monday ... 6 Sunday */
int32_t date_from(int year, int month, int day);
void date_split(int32_t date, int *year_out, int *month_out, int *day_out);
bool date_parse(const char *text, int32_t *date_out); /* "2025-03-10" */

bool calendar_works(const struct calendar *calendar, int32_t date);
const char *calendar_day_name(const struct calendar *calendar, int32_t date); /* "国庆节", "" */
bool calendar_published(const struct calendar *calendar, int32_t date);       /* false: the date is provisional */
int calendar_opening(const struct calendar *calendar, int32_t date);          /* minute of the first shift; -1 */
int calendar_closing(const struct calendar *calendar, int32_t date);
int64_t calendar_working_ms(const struct calendar *calendar, int64_t from_ms, int64_t to_ms);
int64_t calendar_add_working_ms(const struct calendar *calendar, int64_t from_ms, int64_t working_ms);
/* The date itself when it is worked. */
int32_t calendar_next_working(const struct calendar *calendar, int32_t date);
int32_t calendar_add_working_days(const struct calendar *calendar, int32_t date, unsigned days);

enum day_what { DAY_START, DAY_COUNTED, DAY_SKIPPED, DAY_ROLLED, DAY_DUE };
struct day_note {
    int32_t date;
    enum day_what what;
    const char *zh, *en; /* why, with the name of the holiday; in the arena or constant */
};

struct due {
    int64_t at_ms;
    int64_t unrolled_ms; /* natural days: before the roll to a working day, which comes after pauses */
    bool provisional;    /* depends on a day whose year is not published */
    bool in_days;        /* natural or working days: warnings come by the day, pauses by the rule of their unit */
    bool in_working_days;
    struct day_note *notes; /* when asked for */
    size_t notes_count;
};

/* The instant of a named field, stage or step; false when there is none. */
typedef bool due_resolve_fn(void *context, const char *name, int64_t *ms_out);

struct due_rules {
    const struct calendar *calendar;
    const Policy__TimeOptions *options; /* NULL: none */
    unsigned close_of_business_min;
    due_resolve_fn *resolve;
    void *context;
    bool explain; /* fill in notes */
};

/* Longest span in days, weeks or months together that is computed at all: 100 years. */
#define DUE_DAYS_MAX 36600u
#define CLOSE_OF_BUSINESS_DEFAULT 1080u /* minutes after midnight, where the policy gives none */

/* The instant that `term` after `start_ms` means (policy-language.md 1, "Time"). False when it cannot be computed: a
   field without value, a span over DUE_DAYS_MAX, or a term that is no instant (a time of day). */
bool due_compute(const struct due_rules *rules, const Policy__Term *term, int64_t start_ms, struct arena *arena,
                 struct due *due_out);
/* The period that an instant lies in: its first day, and the first of the next. */
struct period {
    int32_t first, next;
    int64_t from_ms, to_ms;
};
struct period period_of(const struct calendar *calendar, Policy__Term__Period period, int64_t at_ms);
/* Takes a pause [from, to) out of the running time by the rule of the limit's unit (design.md 4, Pauses). Pauses are
   given oldest first; one that begins after the due instant is the caller's to leave out. A pause never makes a due
   earlier. */
void due_add_pause(const struct due_rules *rules, struct due *due, int64_t from_ms, int64_t to_ms);

/* `minute` of the last working day before the day of `due_ms`. */
int64_t last_working_day_before(const struct calendar *calendar, int64_t due_ms, unsigned minute);

/* ---- the product's own calendar files, and holiday-cn ---- */

/* JSON: {"name", "zone", "week": {"monday": ["08:30","18:00"], ...}, "years": [2025], "source",
   "exceptions": [{"date", "works", "name", "shift": ["08:30","12:00"]}], "no_holidays": true, "december_from": 28}.
   A weekday left out is not worked. ERR_MALFORMED: *why_out (in the arena) says which place and what is accepted. */
enum err calendar_parse(struct bytes json, struct arena *arena, Calendar__Calendar **calendar_out,
                        char **why_out) MUST_CHECK;
enum err calendar_load(const char *path, struct arena *arena, Calendar__Calendar **calendar_out,
                       char **why_out) MUST_CHECK;
/* Adds one year file of github.com/NateScarlet/holiday-cn. Its year is that of the notice: December dates may be
   changed by the next year's file (so add files in order of year: the later notice counts); ordinary weekends are not
   listed and follow their weekday; a file without days publishes nothing. */
enum err calendar_add_holiday_cn(Calendar__Calendar *calendar, struct bytes json, struct arena *arena,
                                 char **why_out) MUST_CHECK;

#endif
