/* Instants as people say them, in the site's zone. */
#ifndef HEARBACK_GATEWAY_PORTAL_TIME_H
#define HEARBACK_GATEWAY_PORTAL_TIME_H

#include "calendar/zone.h"
#include "portal_text.h"

/* "11月27日（周五）18:00", "Friday 27 November, 18:00"; with the year when it is not that of `now_ms`. An instant by
   which something must be done says midnight by the day that ends: "24:00", "midnight at the end of". */
char *time_words(const struct zone *zone, int64_t ms, int64_t now_ms, enum language language, struct arena *arena);
char *deadline_words(const struct zone *zone, int64_t ms, int64_t now_ms, enum language language, struct arena *arena);
/* "2026-11-27" as "11月27日（周五）", "Friday 27 November"; the text itself when it is no date. */
char *date_words(const char *date, enum language language, struct arena *arena);

#endif
