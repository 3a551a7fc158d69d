/* The storm's own idea of days and hours: from the calendar as published, counted on the fingers. Shares no code with
   common/calendar. China only: no summer time. */
#ifndef HEARBACK_TESTS_STORM_DAYS_H
#define HEARBACK_TESTS_STORM_DAYS_H

#include "hearback/calendar.pb-c.h"
#include "hearback/policy.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

#define DAYS_HOUR_MS 3600000ll
#define DAYS_DAY_MS 86400000ll

int32_t days_date(int64_t ms); /* days since 1970-01-01, local */
int64_t days_instant(int32_t date, int64_t of_day_ms);
bool days_worked(const Calendar__Calendar *calendar, int32_t date);
int32_t days_next_worked(const Calendar__Calendar *calendar, int32_t date);     /* itself, when worked */
int32_t days_previous_worked(const Calendar__Calendar *calendar, int32_t date); /* itself, when worked */
int64_t days_working_ms(const Calendar__Calendar *calendar, int64_t from_ms, int64_t to_ms);
int64_t days_after_working_ms(const Calendar__Calendar *calendar, int64_t from_ms, int64_t working_ms);

/* A due instant, and what a pause does to it. */
enum days_kind { DAYS_HOURS, DAYS_NATURAL, DAYS_WORKING };
struct days_due {
    int64_t at_ms, unrolled_ms;
    enum days_kind kind;
    bool rolls;
};
/* False: this storm does not know the term. */
bool days_due(const Calendar__Calendar *calendar, const Policy__Term *term, const Policy__TimeOptions *options,
              uint32_t close_min, int64_t start_ms, struct days_due *due_out);
void days_pause(const Calendar__Calendar *calendar, struct days_due *due, int64_t from_ms, int64_t to_ms);
/* Days before an instant, at a minute of that day; minute -1: at the same time. */
int64_t days_before(const Calendar__Calendar *calendar, const Policy__Term *term, int64_t from_ms, int minute);

#endif
