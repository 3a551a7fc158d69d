/* A scenario as written (policy-language.md 6), one row of its `for:`, checked against the policy it rehearses. */
#ifndef HEARBACK_CLI_REHEARSE_SCENARIO_H
#define HEARBACK_CLI_REHEARSE_SCENARIO_H

#include "base/arena.h"
#include "calendar/calendar.h"
#include "hearback/policy.pb-c.h"
#include "policy/compile.h"

#include <jansson.h>

#define SCENARIO_ROWS_MAX 100u

/* What is wrong with a file, in both languages. */
struct scenario_mistake {
    const char *file;
    unsigned line;
    const char *field; /* "run[2].expect.late" */
    const char *zh, *en;
};
struct scenario_mistakes {
    struct arena *arena;
    struct scenario_mistake *list;
    size_t count;
};

struct scenario_pair { /* name: value, as written */
    const char *name, *value;
    unsigned line;
};

struct scenario_person {
    const char *name;
    char **posts; /* posts, departments, "head of D", "deputy of P", roles */
    size_t posts_count;
};

struct scenario_case { /* given: it is there before the run */
    const char *name, *kind, *stage;
    struct scenario_pair *with;
    size_t with_count;
    int64_t at_ms;
};

enum expect_what {
    EXPECT_STAGE,
    EXPECT_FIELD,
    EXPECT_DUE,
    EXPECT_MET,
    EXPECT_WARNING,
    EXPECT_LATE,
    EXPECT_OPENED,
    EXPECT_LINK,
    EXPECT_HANDLER,
    EXPECT_TOLD,
    EXPECT_MOVED,
    EXPECT_PROBLEM,
    EXPECT_HIDDEN,
    EXPECT_MASKED,
    EXPECT_WITHHELD,
    EXPECT_ISSUED,
    EXPECT_MARK,
    EXPECT_WAITS,
    EXPECT_INDICATOR,
    EXPECT_SEES,
    EXPECT_FORM,
    EXPECT_PUBLIC,
    EXPECT_FILE,
    EXPECT_HISTORY,
};
const char *expect_word(enum expect_what what);

struct expectation {
    enum expect_what what;
    unsigned line;
    const char *field;     /* path, for messages */
    const char *case_name; /* "": any */
    const char *name;      /* clock, field, notice or kind; "": the main clock, any notice */
    const char *value;     /* stage, person, case, text */
    const char *channel;   /* of what was told; "": any */
    const char *clause;    /* that the event names; NULL: any */
    int64_t at_ms;         /* of a due */
    bool absent;           /* none: no such due, nothing opened */
    bool provisional, provisional_given;
};

struct scenario_thing { /* an entry of a register */
    const char *name, *of, *within;
    struct scenario_pair *with, *holders;
    size_t with_count, holders_count;
    unsigned line;
};
struct scenario_shift {
    const char *roster, *thing, *person, *deputy;
    int64_t from_ms, to_ms;
};

enum line_what {
    LINE_DO,
    LINE_EXPECT,
    LINE_NEVER,
    LINE_DELIVERED,
    LINE_CALENDAR,
    LINE_SETTINGS,
    LINE_DOWN,
    LINE_UP,
    LINE_THINGS,
    LINE_ROSTER,
    LINE_ABSENT,
    LINE_POSTS,
    LINE_DELEGATE,
};

struct scenario_line {
    enum line_what what;
    unsigned line;
    const char *field;
    int64_t at_ms;
    const char *by, *step, *kind, *case_name, *clock; /* do; `register` has a kind */
    struct scenario_pair *with;                       /* fields, or settings */
    size_t with_count;
    bool refused;
    char **refused_clauses;
    size_t refused_clauses_count;
    const char *says; /* "" anything */
    const char *as;   /* the post it is done in; "" any */
    const char *lent; /* whose rights it is done with, or who lends them; "" one's own */
    char **next;
    size_t next_count;
    struct expectation *expect;
    size_t expect_count;
    const char *notice; /* delivered, failed: case_name, too */
    bool failed;
    const char *name;       /* of the calendar, the service or the person */
    int64_t from_ms, to_ms; /* delegate */
    char **posts;           /* that the person holds from now on */
    size_t posts_count;
    struct scenario_thing *things;
    size_t things_count;
    struct scenario_shift *shifts;
    size_t shifts_count;
};

struct scenario {
    const char *file;
    unsigned line;
    const char *row; /* " [in 15:00, due 24:00]", "" without `for:` */
    char **clauses;
    size_t clauses_count;
    const char *zh, *en; /* title */
    char **packs;        /* the last one replaces the settings that are given, if any are */
    size_t packs_count;
    struct policy_source *sources;
    size_t sources_count;
    const Policy__Policy *policy;
    struct zone *zone;
    const char *zone_name;
    struct scenario_person *people;
    size_t people_count;
    char **calendars; /* published from the start; none: all that ship */
    size_t calendars_count;
    struct scenario_case *cases;
    size_t cases_count;
    struct scenario_thing *things;
    size_t things_count;
    struct scenario_shift *shifts;
    size_t shifts_count;
    uint32_t ignore; /* bit set of expect_what */
    bool strict;
    struct scenario_line *lines;
    size_t lines_count;
};

struct scenario_places { /* where packs and calendars are looked for */
    const char *folders[3];
    size_t folders_count;
    const char *calendars;
    const char *keep; /* where the stores of the run stay; NULL: nowhere */
};

/* Reads all documents and rows of one file. What is wrong is added to `mistakes`; then nothing of the file may be run.
   Everything lives in the arena of `mistakes` but the zones (scenario_free). */
void scenario_read(const char *path, const struct scenario_places *places, struct scenario_mistakes *mistakes,
                   struct scenario **scenarios_out, size_t *count_out);
/* One more pack on top that replaces values of settings. */
struct policy_source scenario_settings_pack(struct arena *arena, const char *name, const struct scenario_pair *settings,
                                            size_t count);
void scenario_free(struct scenario *scenarios, size_t count);

/* ---- rehearse_time.c ---- */

/* What is written before counts: the day of the last date, and the last line with a clock time. */
struct scenario_clock {
    const struct zone *zone;
    bool has_date;
    int32_t date;
    int64_t base_ms; /* of the last clock time */
};
/* "2025-03-03 15:00", "15:00", "24:00", "09:59:59", "+7 min 30 s". False: it is no such time. */
bool scenario_time_parse(struct scenario_clock *clock, const char *text, int64_t *ms_out);
/* "2025-03-03 15:00:00", milliseconds only where there are any. */
const char *scenario_time_text(struct arena *arena, const struct zone *zone, int64_t ms);

#endif
