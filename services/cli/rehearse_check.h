/* Comparing what was said with what the scenario expects. */
#ifndef HEARBACK_CLI_REHEARSE_CHECK_H
#define HEARBACK_CLI_REHEARSE_CHECK_H

#include "rehearse_world.h"

/* What is different, in both languages; line 0: nothing. */
struct difference {
    unsigned line;
    const char *field;
    const char *zh, *en;
};

/* The expectation holds among the entries from `first` on, or about the cases as they stand now. */
bool check_expectation(struct world *world, const struct expectation *expectation, size_t first,
                       struct difference *difference_out);
/* An instant, or "-"; a plain value as a scenario writes it, "missing" for none. */
const char *check_time_text(struct world *world, int64_t ms);
const char *check_value_text(struct world *world, const Hb__Value *value);
/* Is it what the scenario says? Times are compared to the minute as a person writes them: 2025-03-10 12:00 is 12:00:00.
 */
bool check_same_value(struct world *world, const Hb__Value *value, const char *said);
bool check_same_clock(const Watchdog__Instance *instance, const char *clock);
bool check_among(const char *words, const char *word); /* words with blanks between them */
/* False, and says so. */
bool check_differs_from(struct world *world, const struct expectation *expectation, const char *now,
                        struct difference *difference_out);
/* rehearse_sees.c, rehearse_forms.c */
bool check_sees(struct world *world, const struct expectation *expectation, struct difference *difference_out);
bool check_form(struct world *world, const struct expectation *expectation, struct difference *difference_out);
/* rehearse_indicators.c */
bool check_indicator(struct world *world, const struct expectation *expectation, struct difference *difference_out);
/* It did not happen at all so far. */
bool check_never(struct world *world, const struct expectation *expectation, struct difference *difference_out);
/* Every warning, late, opened and problem under the named clauses among entries [first, end) is written or ignored. */
bool check_strict(struct world *world, size_t first, unsigned line, struct difference *difference_out);
/* A step went as its line says. */
bool check_reply(struct world *world, const struct scenario_line *line, const Hb__CommandReply *reply,
                 struct difference *difference_out);

#endif
