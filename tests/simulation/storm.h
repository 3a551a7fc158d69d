/* The storm: a whole system under random people, faults, crashes and changes, one seed after the other, and everything
   that must hold whatever happens (README.md). A seed draws the whole story, so it replays exactly. */
#ifndef HEARBACK_TESTS_STORM_H
#define HEARBACK_TESTS_STORM_H

#include "hearback/policy.pb-c.h"
#include "simulation/simulation.h"

#define STORM_SERVICES 9u /* directory .. analytics by their number; 0 unused */
#define STORM_VERSIONS_MAX 16u
#define STORM_UNSEEN_MS 60000         /* a step of the clock that nobody need doubt */
#define STORM_ZONE_MS (8 * 3600000ll) /* the sites are in China: no summer time */

struct storm;

struct storm_options {
    unsigned cases, deeds;
    bool calm; /* no faults at all: for shrinking */
    bool cuts; /* no faults but services that do not reach each other */
    bool trace;
    const char *pack; /* NULL: drawn */
};

/* ---- what clients sent ---- */

enum storm_fate { STORM_OPEN, STORM_ACCEPTED, STORM_REFUSED };

struct storm_command {
    struct storm *storm;
    Hb__Service to;
    Hb__Command *command;
    enum storm_fate fate;
    unsigned asked, under_way;
    bool doubled; /* it may have come twice, though it was asked once */
    bool twin;    /* an id that was used with another body: must be refused */
    bool existed; /* an import that was there already */
    uint32_t status;
    const char *code;
    const Hb__CommandReply *reply;
    uint64_t first, last; /* own offsets of what it said; 0: nothing seen */
};

/* ---- what the logs say ---- */

struct storm_log {
    Hb__Event **list; /* list[0] has offset 1 */
    struct bytes *stored;
    size_t count;
};

/* What watchdog has said of one run of a clock. */
enum storm_said { STORM_RUNNING, STORM_PAUSED, STORM_MET, STORM_CANCELLED };
struct storm_warning {
    uint32_t index;
    int64_t due_ms, at_ms;
};
struct storm_run {
    const char *clock;
    uint32_t round, part;
    enum storm_said said;
    int64_t start_ms, due_ms, met_ms, met_due_ms, armed_ms, armed_last_ms, ended_ms;
    bool missed, met_late, main;
    int64_t missed_due_ms;
    unsigned misses;
    uint32_t rows;          /* bit set of ladder rows reached */
    int64_t row_due_ms[32]; /* the due each was reached under */
    struct storm_warning *warnings;
    size_t warnings_count;
};

struct storm_notice {
    const Hb__Event *failed; /* NULL: it has not */
    const Notification__NoticeQueued *queued;
    int64_t queued_ms;
    uint64_t id;
    uint32_t attempts;
    enum { NOTICE_WAITS, NOTICE_DELIVERED, NOTICE_FAILED } state;
};

/* A version of the policy that a case has gone by. */
struct storm_version {
    uint32_t version;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
};

struct storm_case {
    uint64_t id;
    const Hb__Event *registered;
    const Policy__Policy *policy; /* as it goes by now */
    const Policy__Kind *kind;
    struct storm_version *versions; /* oldest first */
    size_t versions_count;
    Hb__Event **events; /* of all logs, each log in its order */
    size_t events_count;
    const char *stage, *stage_before;
    uint32_t phase, round;
    uint64_t version;
    const char *lead;
    uint32_t routed;
    bool history_ended;
    struct storm_run *runs;
    size_t runs_count;
    struct storm_notice *notices;
    size_t notices_count;
    const char **levels; /* keys of ladder rows reached and not cancelled */
    size_t levels_count;
    unsigned levels_reached;
};

/* An attempt that was handed to the outside, and in which life of the service. */
struct storm_handed {
    char id[64];
    uint32_t attempt, life;
};

struct storm_policy {
    const char *site;
    uint32_t version;
    const Policy__Policy *policy;
};

struct storm {
    struct storm_options options;
    uint64_t seed, random;
    struct simulation *simulation;
    struct arena arena;   /* lives as long as the seed */
    struct arena scratch; /* of one check */
    char folder[256];
    struct simulation_faults faults; /* of bursts */
    const char *pack;
    bool loud; /* packs of the seed open more cases than people do */

    struct storm_command **commands;
    size_t commands_count;
    unsigned flows; /* questions under way */
    unsigned deeds;
    Hb__Command *first_organise;
    unsigned calendar_changes, policy_changes, moves;
    int64_t back_at[STORM_SERVICES];                  /* when a service that was taken down comes back; 0: it is up */
    int64_t room_at[STORM_SERVICES];                  /* when its disk has room again */
    int64_t heals_at[STORM_SERVICES][STORM_SERVICES]; /* when what the one sends reaches the other again; 0: it does */
    uint64_t network;                                 /* draws the cuts, apart from the story's randomness */
    uint64_t appends;                                 /* draws the appends that fail, apart from both */
    int64_t jumped_ms, jump_back_at, accept_at;
    int64_t wall_max, wall_true;           /* the latest the clocks showed; the same without what was put back since */
    uint32_t lives_before[STORM_SERVICES]; /* of each service, when the clock jumped */
    bool down_before[STORM_SERVICES];
    bool misled[STORM_SERVICES]; /* started while the clock was off, in this burst */
    int64_t calm_from;           /* wall time since when nothing is disturbed and all are up; 0: not now */
    struct storm_handed *handed; /* to the outside */
    size_t handed_count;

    struct storm_log logs[STORM_SERVICES];
    struct storm_case **cases;
    size_t cases_count, owned_count; /* of them the first so many are somebody's */
    struct storm_policy policies[STORM_VERSIONS_MAX];
    size_t policies_count;
    const Calendar__Calendar *calendar;   /* cn, as defined last */
    const Calendar__Calendar **calendars; /* all it was, oldest first */
    size_t calendars_count;
    int64_t calendar_at; /* recorded time of its last change */
    struct {
        unsigned missed, withdrawn, warned, rows, levels, told, accepted, refused, crashes, cuts, one_way, waits_max,
            moved;
        unsigned steps, folds[STORM_SERVICES]; /* at steps at which it and all it hears were up */
    } tally;

    bool failed;
    char why[2048];
    const struct storm_case *about; /* the case looked at: shown with --trace */
};

extern const char *const storm_people[];
extern const unsigned storm_people_count;
extern const char *const storm_secrets[]; /* what complainants and notes say: must stand in no log; ends with NULL */

/* ---- storm_world.c: the organisation, the packs, and what changes in them ---- */
void storm_open(struct storm *storm, uint64_t seed, const char *base, const struct storm_options *options);
void storm_close(struct storm *storm);
void storm_found(struct storm *storm);
void storm_change_calendar(struct storm *storm);
void storm_change_policy(struct storm *storm);
void storm_change_person(struct storm *storm);
void storm_move_cases(struct storm *storm); /* to the version in force */

/* ---- storm_deeds.c: what people do ---- */
void storm_deed(struct storm *storm);
const char *storm_site(struct storm *storm);
Hb__Actor *storm_actor(struct storm *storm, const char *person);

/* ---- storm_faults.c: what happens to the machines ---- */
void storm_mood(struct storm *storm);
void storm_mishap(struct storm *storm);
void storm_note_wall(struct storm *storm);
bool storm_misled(const struct storm *storm, unsigned service); /* the clock it started by is, or was, off */
/* Between two services, in one direction or both, now and then; for a second to an hour, at most until `at_most_ms`. */
bool storm_cut(struct storm *storm, unsigned permille, int64_t at_most_ms);
/* The next append of some log is of unknown outcome, or finds no room for a while. */
void storm_fail_append(struct storm *storm, unsigned permille);
void storm_heal(struct storm *storm);    /* all cuts */
void storm_recover(struct storm *storm); /* whatever is over by now */
void storm_calm(struct storm *storm);    /* everything comes back; no more faults */

/* ---- storm_ledger.c: commands sent, retried, answered ---- */
struct storm_command *storm_send(struct storm *storm, Hb__Service to, Hb__Command *command);
void storm_send_again(struct storm_command *one);
void storm_retry(struct storm *storm);  /* those without an answer, now and then */
bool storm_finish(struct storm *storm); /* until every command has its answer and all is at rest */
void storm_check_commands(struct storm *storm);
char *storm_command_id(struct storm *storm);

/* ---- storm_log.c: reads what is new in the logs and checks each event ---- */
void storm_read(struct storm *storm);
struct storm_case *storm_case_of(struct storm *storm, uint64_t case_id);
const Policy__Policy *storm_policy_of(struct storm *storm, const char *site, uint32_t version); /* 0: the last */
void storm_check_cursors(struct storm *storm);
void storm_hash(struct storm *storm, uint8_t hash_out[32]);
/* storm_event.c: one event more of a case */
void storm_event(struct storm *storm, const Hb__Event *event);

/* ---- storm_oracle.c: what the clocks of a case should have said, by code that shares nothing with common/clock and
   common/calendar ---- */
void storm_check_repeats(struct storm *storm, const struct storm_case *one, int64_t now_ms); /* storm_repeat.c */
void storm_check_clocks(struct storm *storm, struct storm_case *one, int64_t now_ms);

/* ---- storm_rest.c: what must hold after every step, and when everything has come to rest ---- */
void storm_check_step(struct storm *storm);
void storm_check_rest(struct storm *storm, bool whole);
void storm_check_end(struct storm *storm);
/* storm_count.c: the figures, counted again */
void storm_check_figures(struct storm *storm);

/* ---- all of them ---- */
uint64_t storm_draw_of(uint64_t *stream, uint64_t below);
uint64_t storm_draw(struct storm *storm, uint64_t below); /* of the story, apart from the world's own */
bool storm_chance(struct storm *storm, unsigned permille);
/* The first thing that is wrong; the seed ends. Later ones are ignored. */
void storm_fail(struct storm *storm, const char *invariant, const char *format, ...) PRINTF_LIKE(3, 4);
void storm_tell(struct storm *storm, const char *format, ...) PRINTF_LIKE(2, 3); /* with --trace */
void storm_show(struct storm *storm); /* storm_show.c: every event of the case a check failed on */

#define STORM_NEW(storm, type, init)                                                                                   \
    ({                                                                                                                 \
        type *made_ = arena_alloc(&(storm)->arena, sizeof(type));                                                      \
        init(made_);                                                                                                   \
        made_;                                                                                                         \
    })
#define STORM_ADD(storm, list, count, item)                                                                            \
    do {                                                                                                               \
        (list) = arena_grow(&(storm)->arena, (list), (count), sizeof *(list));                                         \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)

#endif
