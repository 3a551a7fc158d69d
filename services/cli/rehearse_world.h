/* The world of one run: the services' own code under a virtual clock, an organisation made for the policy, and all that
   was said, in order. */
#ifndef HEARBACK_CLI_REHEARSE_WORLD_H
#define HEARBACK_CLI_REHEARSE_WORLD_H

#include "rehearse_scenario.h"
#include "simulation/simulation.h"

#define WORLD_SERVICES 8u
#define WORLD_SITE "rehearsal"

struct world_case {
    const char *name;
    uint64_t id;
    const char *tracking_code; /* ""; of one that a rule opened nobody has any */
};

/* One thing that was said: an event of some log, or a step that was refused. */
struct entry {
    Hb__Event *event;
    bool written; /* the scenario expects it */
};

struct published_year {
    const char *name;
    int year; /* 0: all */
};

struct world {
    struct simulation *simulation;
    const struct scenario *scenario;
    const struct scenario_places *places;
    struct arena arena;
    char folder[512];
    bool english;
    bool quiet; /* the timeline is not printed */
    struct world_case *cases;
    size_t cases_count;
    struct entry *entries;
    size_t entries_count;
    uint64_t heard[WORLD_SERVICES]; /* offset of the last event taken from each log */
    uint32_t away;                  /* bit set of services told to be down */
    unsigned commands;
    struct published_year *published; /* years of calendars, when the scenario names them */
    size_t published_count;
    const char **complainants; /* people of the scenario who are the complainant */
    size_t complainants_count;
    Directory__Thing **things; /* as told to directory last */
    size_t things_count;
    Directory__Person **people;
    size_t people_count;
    size_t checked;  /* entries before it have been checked for what is not written */
    size_t now_line; /* index of the line at hand: proofs named by later lines are held back */
};

extern const Hb__Service world_services[WORLD_SERVICES];

/* Founds the organisation and publishes the policy. False: refused, and said why on standard error. */
bool world_open(struct world *world, const struct scenario *scenario, const struct scenario_places *places,
                bool english);
void world_close(struct world *world);
void world_run(struct world *world, int64_t until_ms); /* and takes what was said */

uint64_t world_case(const struct world *world, const char *name); /* 0: not registered so far */
const char *world_case_name(struct world *world, uint64_t id);    /* its number when the scenario has no name for it */
void world_case_add(struct world *world, const char *name, uint64_t id, const char *tracking_code);
bool world_is_complainant(const struct world *world, const char *person);

char *world_copy(struct world *world, const char *text);

/* rehearse_commands.c: commands and queries; NULL: the service is away. `person` NULL: the operator. A case that is
   registered gets the name, "" none. Everything at the instant is done then; the clock does not move. */
Hb__Command *world_command_new(struct world *world, const char *person);
/* That intake open something of the case for the person (NULL: the operator); what, is added to `intake->open`. */
Hb__Command *world_open_new(struct world *world, const char *person, uint64_t case_id);
const Hb__CommandReply *world_send(struct world *world, Hb__Service service, const Hb__Command *command,
                                   const char *case_name);
const Hb__CommandReply *world_submit(struct world *world, const struct scenario_line *line);
const Hb__CommandReply *world_act(struct world *world, const struct scenario_line *line);
const Hb__CommandReply *world_give(struct world *world, const struct scenario_case *one);
/* Who complained, as this person may open it: "" withheld; NULL: no such case, or nobody named. */
const char *world_identity(struct world *world, uint64_t case_id, const char *person);
/* Does an event of the case bear a value of the field for this person? */
bool world_tells(struct world *world, uint64_t case_id, const char *person, const char *field);
const Casework__CaseFile *world_file(struct world *world, uint64_t case_id, const char *person);
const Casework__ThingHistory *world_history(struct world *world, const char *thing); /* as the operator sees it */
const Analytics__PublicNotices *world_notices(struct world *world);                  /* what everybody is shown */
const Analytics__Indicators *world_indicators(struct world *world, const char *period);
/* What its complainant is told of it; NULL: nothing. And one of its texts as intake opens it for him; "" it does not.
 */
const Casework__OwnCase *world_own(struct world *world, uint64_t case_id);
const char *world_own_text(struct world *world, uint64_t case_id, Hb__Sealed *box);
const Watchdog__Clocks *world_clocks(struct world *world, uint64_t case_id, const char *person);
/* "cn-2026": one more year; "cn": all years. False: there is no such calendar. */
bool world_calendar(struct world *world, const char *name);
/* Publishes another version, with these settings. False: refused, and said why on standard error. */
bool world_settings(struct world *world, const struct scenario_line *line);
/* rehearse_proof.c: the outside, as the simulation asks it (simulation_effect_fn). */
struct bytes world_on_effect(void *context, Hb__Service service, const char *id, uint32_t attempt, struct bytes payload,
                             struct arena *arena);
/* Ends what is held back of a notice of a case. False: nothing of it is under way. */
bool world_proof(struct world *world, const char *notice, uint64_t case_id, bool failed);

const Hb__CommandReply *world_organise(struct world *world, Directory__Organise *what);
/* rehearse_things.c */
const Hb__CommandReply *world_things(struct world *world, const struct scenario_thing *things, size_t things_count,
                                     const struct scenario_shift *shifts, size_t shifts_count);
const Hb__CommandReply *world_delegate(struct world *world, const struct scenario_line *line);
/* The person holds these posts from now on, and no others. */
const Hb__CommandReply *world_posts(struct world *world, const char *name, char *const *posts, size_t count);
const Hb__CommandReply *world_absent(struct world *world, const char *name, bool absent);

/* rehearse_files.c: a file of that name is brought to the case; its id, else what was written; "kept", "deleted" (and
   nobody is given its content), "missing". */
const Hb__CommandReply *world_attach(struct world *world, const struct scenario_line *line);
const char *world_file_named(struct world *world, uint64_t case_id, const char *name);
const char *world_file_state(struct world *world, uint64_t case_id, const char *name);

/* rehearse_organisation.c: departments and posts that the policy names, one person for each. */
Directory__Organise *world_organisation(struct world *world);

/* rehearse_timeline.c */
void timeline_take(struct world *world);
void timeline_print(struct world *world, const struct entry *entry);
void timeline_refused(struct world *world, const struct scenario_line *line, const Hb__Refusal *refusal);
void timeline_note(struct world *world, int64_t at_ms, const char *zh, const char *en);
/* What it says, in words, without its time: "r1  late  Repaired, due 2025-03-04 00:00:00". */
const char *timeline_text(struct world *world, const Hb__Event *event);

#define WORLD_NEW(world, type, init)                                                                                   \
    ({                                                                                                                 \
        type *made_ = arena_alloc(&(world)->arena, sizeof(type));                                                      \
        init(made_);                                                                                                   \
        made_;                                                                                                         \
    })
#define WORLD_ADD(world, list, count, item)                                                                            \
    do {                                                                                                               \
        (list) = arena_grow(&(world)->arena, (list), (count), sizeof *(list));                                         \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

#endif
