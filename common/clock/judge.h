/* A clock is a pure function of the history: judge(definition, what happened, calendar, horizon) says for each run
   whether it is running (due when), paused, met or missed. Run again on every new fact, never patched (design.md 4,
   Late facts; policy-language.md 5). Layer 1. */
#ifndef HEARBACK_CLOCK_JUDGE_H
#define HEARBACK_CLOCK_JUDGE_H

#include "base/truth.h"
#include "calendar/calendar.h"

/* One thing that happened in a case, in order of `at_ms`, then of cause. Several may share an instant. The judge itself
   brings what counts at its occurred time into its place. */
struct happening {
    int64_t at_ms;                          /* recorded time; in a history, when it happened */
    int64_t occurred_ms;                    /* 0: at_ms. Starts count here, and stops of a clock with `backdating` */
    const char *stage;                      /* entered, or NULL */
    const char *step;                       /* taken, or NULL */
    const char *told;                       /* notice proved delivered, or NULL */
    const char *late;                       /* clock missed, or NULL */
    const char *approved;                   /* chain approved, or NULL */
    const char *refused;                    /* chain refused, or NULL */
    const char *linked_kind, *linked_stage; /* a linked case entered a stage, or NULL */
    const char *extends;                    /* clock extended, or NULL; with extended_due_ms, told_ms (0: not told) */
    int64_t extended_due_ms, extension_told_ms;
    Policy__Phase phase; /* after it; PHASE_NONE: unchanged */
    uint32_t round;      /* after it; 0: unchanged */
    uint32_t moved;      /* the case takes this version of its policy, counted from 1 (judge_rules); 0: it does not */
    Hb__Fact **facts;    /* that changed */
    size_t facts_count;
};

/* The case's facts as they stood when the clock looks: folded from the happenings so far by the judge's caller-supplied
   functions, so that the judge knows nothing of how conditions are evaluated. */
/* A run keeps its start when the case is moved to another version of the policy, and goes by the limits of that version
   from there on; what ended before stays as it was. Of a clock that the version does not have the run is cancelled; one
   that it newly has begins where it would have begun, unless it would be over by then. */
struct judge_version {
    const Policy__Clock *clock; /* NULL: this version has none of the name */
    const Policy__Defaults *defaults;
};

struct judge_rules {
    const Policy__Clock *clock; /* at first; NULL as above */
    const Policy__Defaults *defaults;
    const struct judge_version *moved; /* of happenings with `moved`, in their order */
    size_t moved_count;
    const struct calendar *(*calendar)(void *context, const char *name); /* "": the policy's */
    /* Does it hold when the facts are those after happening `upto` (index into the happenings, inclusive)? By
       `version`, as in happenings: what is told late of a time before a move is judged by the version that held then.
     */
    enum truth (*holds)(void *context, const Policy__Condition *condition, size_t upto, uint32_t version,
                        int64_t at_ms);
    /* The instant in a time field after happening `upto`. */
    bool (*instant)(void *context, const char *name, size_t upto, int64_t *ms_out);
    void *context;
    bool explain;
};

enum run_state { RUN_RUNNING, RUN_PAUSED, RUN_MET, RUN_CANCELLED };

struct run {
    const Policy__Clock *clock; /* by which it stands, or stood at its end */
    uint32_t version;           /* the same, as in happenings; 0: the first */
    uint32_t round;
    uint32_t part; /* runs within a round, from 0 */
    enum run_state state;
    int64_t start_ms;
    int64_t due_ms;       /* as it stands; 0 when no limit could be computed */
    int64_t first_due_ms; /* before pauses and extensions */
    int64_t paused_since_ms;
    int64_t ended_ms; /* met or cancelled at; 0 while running or paused */
    bool missed;      /* a due instant before the horizon passed before the stop; stays true when met later */
    int64_t missed_due_ms;
    int64_t missed_known_ms; /* not 0: the clock's `if` or its late-recorded start made the miss known only then */
    bool begun_by_move;      /* the version that the case was moved to newly has the clock */
    bool by_condition;       /* cancelled because the clock's `if` no longer held at ended_ms, not by a new round */
    bool gone;               /* cancelled because the case was moved to a version that has no such clock */
    bool provisional;        /* the due depends on a year that is not published */
    bool in_days;
    bool extended;      /* the due is that of an extension */
    int limit_row;      /* index into the clock's limit; -1: none could be computed */
    int64_t limit_ms;   /* running time from start to due, pauses taken out: what `75 %` and `150 %` are of */
    int64_t warn_ms[4]; /* instants as the due stands, ascending; none in a pause, before the start or after the end */
    unsigned warn_count;
    struct day_note *notes;
    size_t notes_count;
};

/* All runs of the clock, oldest first, in the arena; none: not started. A due instant is missed when it lies before the
   stop and before `horizon_ms`, until which everything has been heard. A run whose stop or cancelling came too late,
   but whose due is not yet before the horizon, is still RUN_RUNNING: an earlier stop may yet be heard. Pauses follow
   the whole history, so the order in which facts were heard does not matter. */
struct run *clock_judge(const struct judge_rules *rules, const struct happening *happenings, size_t count,
                        int64_t horizon_ms, struct arena *arena, size_t *runs_out);

/* Instant of a ladder row: START, LATE (the due), AFTER (`+4 h`), PERMILLE (`150 %` of limit_ms). The instants of
   WARNING are in the run, that of UNACKNOWLEDGED is the ladder's own: for both the due is given. */
int64_t clock_row_ms(const struct run *run, const Policy__LadderRow *row, const struct calendar *calendar,
                     const Policy__Defaults *defaults, struct arena *arena);

#endif
