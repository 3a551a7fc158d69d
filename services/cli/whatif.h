/* `hearback policy whatif`: the past, as the logs tell it, lived twice by the services' own code: once under the
   policies that were in force, once under another one from a date on. What a case lived is compared, case by case. */
#ifndef HEARBACK_CLI_WHATIF_H
#define HEARBACK_CLI_WHATIF_H

#include "cli.h"
#include "verify.h"

#include "calendar/zone.h"
#include "hearback/policy.pb-c.h"
#include "rehearse_scenario.h"

/* ---- whatif_past.c: the logs, in order of time ---- */

struct past_log {
    Hb__Service service;
    uint32_t partition;
    const char *name;   /* "intake-0" */
    const char *folder; /* at rest; NULL: over the bus */
    uint32_t epoch;     /* over the bus */
    uint64_t at, end;   /* last offset taken; last offset there is */
    struct arena arena; /* of the batch at hand */
    struct bytes batch; /* what is left of it */
    const Hb__Event *next;
};
struct past {
    struct cli *cli;
    struct past_log logs[VERIFY_LOGS_MAX];
    size_t count;
    uint64_t events, total;
    int64_t end_ms; /* when the past ends: now for a running system, else the last that was said */
};
/* Of the running system, of the stopped one, or of the folder `logs` with a store for each service (NULL: the
   system's). `services`: a bit set of those wanted. False after saying why. */
bool past_open(struct past *past, struct cli *cli, const char *logs, uint32_t services);
/* The next of all logs, valid until the next call. NULL: there is no more, or `*good_out` false: it cannot be read, and
   it was said why. */
const Hb__Event *past_next(struct past *past, bool *good_out);
void past_close(struct past *past);

/* ---- what a case lived ---- */

enum aspect { ASPECT_STEP, ASPECT_OWNER, ASPECT_CLOCK, ASPECT_LEVEL, ASPECT_NOTICE, ASPECT_OTHER };

enum clock_end { CLOCK_RUNNING, CLOCK_PAUSED, CLOCK_MET, CLOCK_MET_LATE, CLOCK_LATE, CLOCK_CANCELLED };

struct lived {
    enum aspect aspect;
    const char *key;  /* what it is: "accept 1", "late 2", "reply complainant email" */
    const char *name; /* of the policy: a clock, a ladder, a notice, a step */
    const char *zh, *en;
    int64_t at_ms; /* CLOCK: due; LEVEL: when */
    unsigned count;
    bool missed; /* CLOCK */
    enum clock_end end;
};

#define LIVES 2u /* under what was in force; under NEW */

struct story { /* of one case in one life */
    struct lived *list;
    size_t count;
    const char *kind, *lead, *handler, *number;
    uint64_t case_id;            /* there; 0: it is not */
    const char *not_zh, *not_en; /* why it was not registered */
    bool of_new;                 /* registered under NEW, or moved to it */
    unsigned owners;
};
struct record {
    const char *number; /* in the past; NULL: it was not there */
    int64_t at_ms;
    uint64_t past_id;
    size_t parent;    /* + 1; 0: none */
    const char *rule; /* opened by; "" */
    uint32_t version; /* of the policy it was registered under */
    struct story stories[LIVES];
};

/* ---- whatif_life.c: one life ---- */

struct whatif;
struct life {
    struct whatif *whatif;
    unsigned which; /* 0 old, 1 new */
    struct simulation *simulation;
    char folder[64];
    uint64_t heard[HB__SERVICE__GATEWAY];
    struct map cases;   /* case id there -> a: record */
    struct map opened;  /* (opener, rule) -> a: how many */
    struct arena arena; /* of one input */
    uint64_t commands;
};

struct whatif {
    struct cli *cli;
    bool english;
    const char *site, *logs;
    struct scenario_places places; /* of packs */
    const Directory__Site *about;  /* the site */
    struct zone *zone;
    int64_t since_ms;
    char **packs;
    size_t packs_count;
    const Policy__Policy *fresh; /* NEW */
    struct bytes fresh_packed;
    Calendar__Calendar **calendars; /* that NEW needs and the past did not have */
    size_t calendars_count;
    const Policy__Policy **versions; /* of the site, by version; NULL: none */
    size_t versions_count;
    struct map parts; /* hash of a PolicyPart -> a: index in part_bytes */
    struct bytes *part_bytes;
    size_t parts_count;
    Directory__PolicyPublished *in_force; /* as said last, of the site */
    bool turned;                          /* DATE has come: NEW is in force in the second life */
    uint32_t shift;                       /* of version numbers, by the publication at DATE */
    struct life lives[LIVES];
    struct arena kept;
    struct record *records;
    size_t records_count;
    struct map past_cases; /* case id in the logs -> a: record */
    struct map past_opened;
    struct map keys;     /* identity of a case that a rule opened -> a: record + 1 */
    struct map accounts; /* person -> a: index in account_ids */
    const char **account_ids;
    size_t accounts_count;
    unsigned cases;             /* since DATE */
    unsigned deeds, unrepeated; /* registrations and steps of people; those that even the first life refused */
    const char *unrepeated_zh, *unrepeated_en; /* the first */
};

bool life_open(struct life *life, struct whatif *whatif, unsigned which, int64_t start_ms);
void life_close(struct life *life);
/* Everything up to this instant. */
void life_run(struct life *life, int64_t at_ms);
/* Directory says it, as it did. */
void life_say(struct life *life, const Hb__Event *event);
/* NULL: no answer. In the life's arena, until its next command. */
const Hb__CommandReply *life_send(struct life *life, Hb__Service service, Hb__Command *command);
/* Takes what was said into the stories. */
void life_collect(struct life *life);

/* ---- whatif_policy.c: which policy is in force in which life ---- */

void relive_part(struct whatif *whatif, const Directory__PolicyPart *part);
void relive_published(struct whatif *whatif, const Directory__PolicyPublished *published);
/* At DATE, and at the end of a past that ends before it. */
void relive_turn(struct whatif *whatif);
const Policy__Policy *whatif_version(const struct whatif *whatif, uint32_t version); /* of then; NULL: none */

/* ---- whatif_relive.c: what was said once, as commands again ---- */

void relive(struct whatif *whatif, const Hb__Event *event);

/* ---- whatif_lived.c ---- */

size_t record_new(struct whatif *whatif);
/* The record of a case that a rule opened, found or made; counts itself. */
size_t record_opened(struct whatif *whatif, struct map *counts, size_t parent,
                     const Intake__CaseRegistered *registered);
void lived_take(struct life *life, const Hb__Event *event);
void lived_step_refused(struct whatif *whatif, unsigned which, size_t record, const char *step, int64_t at_ms,
                        const Hb__Refusal *refusal);

/* ---- whatif_report.c: prints; returns how many cases differ ---- */

unsigned whatif_report(struct whatif *whatif);

#define WHATIF_NEW(life, type, init)                                                                                   \
    ({                                                                                                                 \
        type *made_ = arena_alloc(&(life)->arena, sizeof(type));                                                       \
        init(made_);                                                                                                   \
        made_;                                                                                                         \
    })
#define WHATIF_ADD(arena, list, count, item)                                                                           \
    do {                                                                                                               \
        (list) = arena_grow((arena), (list), (count), sizeof *(list));                                                 \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

#endif
