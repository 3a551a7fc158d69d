/* What a service is, and what its code may see of the world (layer 4).

   A service declares one `struct service`: decide, react, evolve, answer and its tables. The
   runtime (turn.c) does all the rest: the turn, the log, the door, the bus, the room on disk. The same
   declaration runs live, in replay and in simulation, so these functions touch no clock, network,
   file, key or randomness of their own, and keep no state but their tables. */
#ifndef HEARBACK_SERVICE_SERVICE_H
#define HEARBACK_SERVICE_SERVICE_H

#include "base/arena.h"
#include "base/key.h"
#include "hearback/envelope.pb-c.h"

struct turn;
struct instance;
struct facts;
struct store;
struct words;
struct store_txn;
typedef struct Config__Config Config__Config;

#define TURN_HOPS_MAX 64u      /* chain of causes; above it an effect is refused visibly */
#define TURN_SAID_MAX 64u      /* events that one command decides; more refuses it */
#define TURN_FOLLOWS_MAX 1024u /* events from one input, all that follows included; what is more is refused visibly */
#define TURN_FOLLOWS_BYTES_MAX (4u << 20) /* of them together */
#define TURN_EVENT_BYTES_MAX (128u << 10) /* one stored event; a larger one likewise */
#define TURN_TARGETS_MAX 16u              /* an action with more targets must become a job */

/* Where a look through the files that are kept beside the log has come to; the runtime keeps it between two steps. */
struct files_look {
    struct store_txn *txn; /* the store of files as it was when the look began */
    unsigned part;
    struct key at;
    uint64_t rows, chunks;
    bool wrong;
};

struct service {
    const char *name; /* "casework": also the name of its folder and log */
    Hb__Service id;
    uint32_t hears;            /* bit set: 1u << HB__SERVICE__INTAKE | ... ; never itself */
    uint32_t hears_below;      /* of every cell below: a bit set again, all of them kept apart by cell */
    uint32_t hears_above;      /* of the cell above */
    const char *const *tables; /* names; the index in this array is the `table` argument below */
    unsigned tables_count;
    bool keeps_organisation;   /* the runtime folds directory's events into common/organisation's tables */
    bool keeps_vault;          /* intake, directory: turn_vault */
    bool seals;                /* intake: keys for texts are made ahead, Seal requests are answered */
    bool keeps_files;          /* intake: turn_files */
    bool timers_await_horizon; /* watchdog: a timer fires only when all producers are past its due instant */

    /* The door, before the turn, on committed state: types fields by the policy, derives tags,
       checks shape; may call turn_refuse. Runs before Personal texts are sealed. May change the
       command. NULL: nothing to do. */
    void (*prepare)(struct turn *turn, Hb__Command *command);
    /* The vault key a Personal text of this command is sealed under (identity: field of a Party).
       0 refuses the command (the case is unknown). NULL: this service takes no personal text. */
    uint64_t (*seal_key)(struct turn *turn, const Hb__Command *command, bool identity);

    /* Is anything wrong in the tables that the service keeps beside the vault's own? NULL: no, or it keeps none. */
    const char *(*wrong_secret)(struct store *store, struct arena *arena);

    /* Reads some of the texts that words_end does not cover yet into the index of words (turn_words), and commits it;
       `*more_out`: there are more. Beside the turns, on committed state. NULL: it keeps no such index. */
    enum err (*index)(struct turn *turn, bool *more_out);

    /* For services that keep files. Drops some of what is over, behind the key `at`, which it moves on; once a minute.
     */
    void (*tidy)(struct turn *turn, struct key *at);
    /* Control VERIFY: looks at some more. False: at all. `*wrong_out` (in `arena`): what is wrong; NULL: nothing yet.
     */
    bool (*check_files)(struct turn *turn, struct files_look *look, struct arena *arena, const char **wrong_out);

    /* Does this vault key seal texts of a case known here? For services that seal. */
    bool (*keeps_key)(struct turn *turn, uint64_t key_id);

    /* May this be done, and what then happened? Reads, then turn_say or turn_refuse. */
    void (*decide)(struct turn *turn, const Hb__Command *command);
    /* The reply to an accepted command, recomputed from the events it said (first time and when repeated). */
    void (*reply)(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                  Hb__CommandReply *reply);
    /* What follows from an event, heard or own? Runs after evolve. Level-triggered: looks at the state and says
       what is due and not yet said. */
    void (*react)(struct turn *turn, const Hb__Event *event);
    /* The only code that changes state (state_put, timers, effects, jobs). Cannot refuse. */
    void (*evolve)(struct turn *turn, const Hb__Event *event);
    void (*answer)(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);
    /* A query that needs long computing (a password's hash): `answer` has called turn_compute. `compute` runs on a
       thread beside the loop and touches its work only; then `computed` answers, on the state of that moment. */
    void (*compute)(void *work);
    void (*computed)(struct turn *turn, const Hb__Query *query, void *work, Hb__QueryReply *reply);

    /* A timer set by evolve came due (or, where that had made the process abort twice, comes again); the runtime
       removes it. Says what follows. */
    void (*fire)(struct turn *turn, struct bytes key, int64_t due_ms);
    /* An effect on the outside ended. Says what follows; evolve of that removes or retries the effect. */
    void (*effect_done)(struct turn *turn, const char *id, uint32_t attempt, struct bytes result);
    /* What follows from it made the process abort twice, whatever the outside has answered: the runtime has cleared the
       row. Says what follows instead. NULL: nothing. */
    void (*effect_passed_over)(struct turn *turn, const char *id, uint32_t attempt);
    /* One step of a job: at most `keys_max` keys from `next` on. Says what follows; returns the next key, or an
       empty one when the job is done. */
    struct bytes (*job_step)(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                             unsigned keys_max);
    /* A step of a job made the process abort twice: the job ends with it. Says what follows; what the step has said and
       not committed was never said. NULL: nothing follows. */
    void (*job_passed_over)(struct turn *turn, const char *what, struct bytes payload);
    /* An event waits until what it needs is known here. Sites, policies and calendars are looked after by the runtime
       for services that keep the organisation; a service says which events need their case, and which cases it
       knows. NULL: none. */
    bool (*needs_case)(const Hb__Event *event);
    bool (*knows_case)(struct turn *turn, uint64_t case_id);
    /* An effect refused because the chain of causes is too deep, or has too many or too large events: say it as a
       problem on the case. */
    void (*too_deep)(struct turn *turn, const Hb__Event *cause);
};

/* ---- what a function of a service may use ---- */

struct arena *turn_arena(struct turn *turn); /* until the end of this input */
#define TURN_NEW(turn, type, init)                                                                                     \
    ({                                                                                                                 \
        type *made_ = arena_alloc(turn_arena(turn), sizeof(type));                                                     \
        init(made_);                                                                                                   \
        made_;                                                                                                         \
    })
/* The list is copied: that of a decoded message has no room, as arena_grow would believe. */
#define TURN_ADD(turn, list, count, item)                                                                              \
    do {                                                                                                               \
        void *grown_ = arena_alloc(turn_arena(turn), ((count) + 1) * sizeof *(list));                                  \
        if (count)                                                                                                     \
            memcpy(grown_, (list), (count) * sizeof *(list));                                                          \
        (list) = grown_;                                                                                               \
        (list)[(count)++] = (item);                                                                                    \
    } while (0)
int64_t turn_now(const struct turn *turn);                      /* ms UTC: recorded time of this input */
void turn_random(struct turn *turn, uint8_t *out, size_t size); /* at most 32 bytes per input, fresh for each */
int64_t turn_horizon(const struct turn *turn); /* smallest as_of of all logs heard, at least now - 60 s */
const struct instance *turn_instance(const struct turn *turn);
uint64_t turn_cell(const struct turn *turn);
/* Tables of the service and of the organisation are kept for each cell apart, under one code: while an event of another
   cell is folded and reacted to, state_* and organisation_* mean that cell's rows; everywhere else our own. Here one
   may look, or write, elsewhere: 0 is our own cell. Returns where one was. */
uint64_t turn_look_at(struct turn *turn, uint64_t cell);
uint64_t turn_looks_at(const struct turn *turn);
/* The other cells that are heard, in the configuration's order. */
struct instance_cell {
    uint64_t cell;
    const char *name; /* as people here call it */
    bool above;       /* else below */
};
const struct instance_cell *turn_cells(const struct turn *turn, unsigned *count_out);
const struct instance_cell *turn_cell_known(const struct turn *turn, uint64_t cell); /* NULL: not heard */
struct cell_heard {
    uint64_t events, behind; /* folded; known to be there and not yet folded */
    int64_t as_of_ms;        /* everything said there up to then is folded */
    const char *problem;     /* "": none */
};
struct cell_heard turn_cell_heard(const struct turn *turn, uint64_t cell);
uint32_t turn_partition(const struct turn *turn);
bool turn_has_bucket(const struct turn *turn, uint32_t bucket); /* is it of this partition? */
/* Since the log's epoch began by a restore (at_ms 0: it never was restored), up to `numbers_skip` numbers of every
   counter may have been given out that this log knows nothing of. */
struct restored {
    uint32_t epoch;
    int64_t at_ms;
    uint32_t numbers_skip;
};
struct restored turn_restored(const struct turn *turn);
/* The producer's horizon alone (watchdog names the logs not heard from). */
int64_t turn_as_of(const struct turn *turn, Hb__Service service);

/* State. Reads anywhere; puts and deletes in evolve only (a bug elsewhere). Values are copies in the turn's arena. */
bool state_get(struct turn *turn, unsigned table, struct bytes key, struct bytes *value_out);
bool state_has(struct turn *turn, unsigned table, struct bytes key);
void state_put(struct turn *turn, unsigned table, struct bytes key, struct bytes value);
void state_delete(struct turn *turn, unsigned table, struct bytes key);
/* One protobuf record per row. NULL when absent; one that cannot be unpacked is damaged. */
void *state_load(struct turn *turn, unsigned table, struct bytes key, const ProtobufCMessageDescriptor *descriptor);
/* A row of our own cannot be what evolve wrote. In prepare, decide, answer and index this ends the function at hand,
   and what it was asked is refused with 500 `damaged` and `what`, which begins with the place; all else goes on. While
   an event is folded or reacted to it ends the process. So no function here may hold what an arena does not free, but
   for a transaction in another store, of which it tells (turn_beside; NULL: it is over). */
char *state_place(struct turn *turn, unsigned table, struct bytes key);
_Noreturn void state_damaged(struct turn *turn, const char *what);
/* The same of a row that another one names, and that is not there: its key, or one beside it, was altered. */
_Noreturn void state_missing(struct turn *turn, unsigned table, struct bytes key);
struct store_txn;
void turn_beside(struct turn *turn, struct store_txn *txn);
void state_save(struct turn *turn, unsigned table, struct bytes key, const ProtobufCMessage *record);
/* Scans rows whose key begins with `prefix`, in key order, from `from` on ({0}: the first). */
struct state_scan;
struct state_scan *state_scan_open(struct turn *turn, unsigned table, struct bytes prefix, struct bytes from);
bool state_scan_next(struct state_scan *scan, struct bytes *key_out, struct bytes *value_out);
/* The last row with the prefix. */
bool state_last(struct turn *turn, unsigned table, struct bytes prefix, struct bytes *key_out, struct bytes *value_out);
/* The last key with the prefix that is smaller than `before`: for walking backwards. */
bool state_before(struct turn *turn, unsigned table, struct bytes prefix, struct bytes before, struct bytes *key_out);
uint64_t state_count(struct turn *turn, unsigned table);

/* A new event about a case (0: none) of a site, in the turn's arena: fill payload, facts, clauses, occurred_ms (0:
   now), then turn_say. In decide the actor is the command's unless set; set policy_version to the case's. Everything
   else of the envelope (log, offset, recorded time, cause, hops, hash) is the runtime's. What is beyond the limits
   above is refused: the whole command in decide, this one effect elsewhere. */
Hb__Event *turn_event(struct turn *turn, const char *site, uint64_t case_id);
void turn_say(struct turn *turn, Hb__Event *event);
/* In react: what this input has said and the state does not know yet, from index 0; NULL after the last. */
const Hb__Event *turn_unfolded(const struct turn *turn, unsigned index);
void event_clause(struct turn *turn, Hb__Event *event, const char *clause);
void event_clauses(struct turn *turn, Hb__Event *event, char *const *clauses, size_t count);
void event_fact(struct turn *turn, Hb__Event *event, const char *name, Hb__Value *value);      /* NULL value: removed */
void event_fact_text(struct turn *turn, Hb__Event *event, const char *name, const char *text); /* "" removes */
void event_fact_time(struct turn *turn, Hb__Event *event, const char *name, int64_t ms);
void event_fact_number(struct turn *turn, Hb__Event *event, const char *name, int64_t number);
/* The place of an event: identity of what follows from it (a rule fires once per source event). */
Hb__Position *event_position(struct turn *turn, const Hb__Event *event);
bool event_own(const struct turn *turn, const Hb__Event *event); /* said by this very log */
bool event_needs_case(const Hb__Event *event);                   /* for `needs_case`: of whatever is no registration */
/* An event of the own log; NULL: there is none. Decide, reply and answer only: a fold has its log elsewhere. */
Hb__Event *turn_own_event(struct turn *turn, uint64_t offset);
#define TURN_HASH_BYTES 32u
/* The hash that the entry after it bears (BLAKE2b-256 of what is stored). False: there is none. Answer only. */
bool turn_own_hash(struct turn *turn, uint64_t offset, uint8_t hash_out[TURN_HASH_BYTES]);

/* Refusals (decide, prepare, answer). The first one counts; fields may be added to the returned one. */
Hb__Refusal *turn_refuse(struct turn *turn, uint32_t status, const char *code, const char *zh, const char *en);
bool turn_refused(const struct turn *turn);
#define REFUSAL_FIELD_BYTES_MAX 300u /* a longer path is cut */
void refusal_field(struct turn *turn, Hb__Refusal *refusal, const char *field);
void refusal_accepts(struct turn *turn, Hb__Refusal *refusal, const char *accepted);
void refusal_clause(struct turn *turn, Hb__Refusal *refusal, const char *clause);
void refusal_next(struct turn *turn, Hb__Refusal *refusal, const char *step);
void refusal_problem(struct turn *turn, Hb__Refusal *refusal, const char *field, const char *clause, const char *zh,
                     const char *en);

/* Timers, effects, jobs: rows that evolve writes. A timer's key is the service's own; (due, key) is its identity. */
void turn_timer_set(struct turn *turn, int64_t due_ms, struct bytes key);
void turn_timer_clear(struct turn *turn, int64_t due_ms, struct bytes key);
void turn_effect_set(struct turn *turn, const char *id, int64_t due_ms, uint32_t attempt, struct bytes payload);
void turn_effect_clear(struct turn *turn, const char *id);
void turn_job_add(struct turn *turn, const char *what, const char *cause, struct bytes payload);
bool turn_job_open(struct turn *turn, const char *what); /* is there one that is not done? */
/* evolve says that a case is known now: events waiting for it are handed over in this same turn. */
void turn_case_known(struct turn *turn, uint64_t case_id);

/* The vault, and the tables a service keeps in its store, live outside the folded state: prepare, reply and answer
   only; react may take keys of the vault for a case that nobody's command asked for. */
struct vault *turn_vault(struct turn *turn);
struct words *
turn_words(struct turn *turn); /* prepare, reply, answer and index only; NULL: none is kept (simulation) */
struct store *turn_files(struct turn *turn); /* likewise, answer only */
/* Answer only: the reply is computed beside the loop. `bytes` of zeros, for compute and computed, wiped afterwards.
   NULL: too many wait already; it has been refused. */
void *turn_compute(struct turn *turn, size_t bytes);
const Config__Config *turn_config(const struct turn *turn); /* NULL in the simulation */
const char *turn_policies_folder(const struct turn *turn);  /* NULL when not configured */
const char *turn_calendars_folder(const struct turn *turn);
const char *turn_zones_folder(const struct turn *turn);
void **turn_organisation_cache(struct turn *turn); /* of common/organisation; freed at close */

/* Ids: bucket 10 bits, recorded ms 42 bits, sequence 12 bits (design.md 5). The last id is a row of intake. */
uint64_t case_id_make(uint32_t bucket, int64_t recorded_ms, uint64_t last_id);
uint32_t case_id_bucket(uint64_t case_id);
uint64_t case_id_first(uint32_t bucket); /* every id of the bucket is above it; of the one behind the last: 0 */

/* Labels and values in the turn's arena. */
Hb__Label *label_new(struct turn *turn, const char *zh, const char *en);
Hb__Value *value_text(struct turn *turn, const char *text);
Hb__Value *value_number(struct turn *turn, int64_t number);
Hb__Value *value_yes(struct turn *turn, bool yes);
Hb__Value *value_time(struct turn *turn, int64_t ms);

/* ---- the whole program ---- */

struct effect_done;
struct ev_loop;
struct Config__Config;
/* Works outside the turn, in the real process only; the simulation has its own. Start one attempt; call
   effect_done_call exactly once, from the loop. */
struct effect_driver {
    void *(*open)(struct instance *instance, struct ev_loop *loop, const struct Config__Config *config);
    void (*start)(void *driver, const char *id, uint32_t attempt, struct bytes payload, struct effect_done *done);
};
void effect_done_call(struct effect_done *done, struct bytes result);

/* main() of a service: reads --config FILE --partition N, opens everything, runs until SIGTERM. */
int service_main(int argc, char **argv, const struct service *service, const struct effect_driver *driver);

#endif
