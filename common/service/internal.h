/* The runtime's own structures, shared by its files only. */
#ifndef HEARBACK_SERVICE_INTERNAL_H
#define HEARBACK_SERVICE_INTERNAL_H

#include "hearback/record/runtime.pb-c.h"
#include "log/log.h"
#include "service/instance.h"
#include "service/row.h"

#include <setjmp.h>

#define TURN_INPUTS_MAX 1024u
#define TURN_IN_BYTES_MAX (1u << 20)
#define TURN_OUT_BYTES_MAX (256u << 10)
#define TURN_ROOM_BYTES (16u << 20) /* disk reserved before a turn: twice the largest turn */
#define FETCH_BYTES_MAX (1u << 20)
#define IDLE_MS_DEFAULT 20000
#define AFTER_PARK_MS 2000
/* What may wait here at once. More gets 503 and tries again: so memory is bounded, and whoever is let in is answered
   soon: 256 commands are four times what 64 busy connections keep under way. */
#define DOOR_COMMANDS_MAX 256u
#define DOOR_BYTES_MAX (16u << 20) /* checked before the next one: beyond it by one command at most */
#define PARKED_QUERIES_MAX 256u
#define PARKED_QUERIES_BYTES_MAX (4u << 20)
#define PARKED_FETCHES_MAX 256u /* one for each connection of a peer that hears this log */
#define CURSOR_ONLY_MS 1000     /* a cursor that moved alone is committed after this */
#define CURSOR_ONLY_EVENTS 1000u
#define HORIZON_GRACE_MS 60000
#define URGENT_MS_MIN 5
#define URGENT_MS_MAX 1000
#define CLOCK_STEP_MS 60000
#define WAITING_ALARM_MS 300000
#define WAITING_LOOK_MS 60000
#define WAITING_LOOKED_AT 1000u /* rows, each time */
#define OUTCOMES_KEPT_MS (7ll * 24 * 3600 * 1000)
#define JOB_STEP_KEYS 100u
#define DAMAGED_TOLD_MAX 64u
#define TIDY_MS 60000
#define EFFECTS_RUNNING_MAX 16u
#define TAIL_CHECKED_EVENTS 256u /* of the own log, at start */
#define ORGANISATION_TABLES_MAX 16u
#define HOLD_MS_MAX 5000                 /* whoever asked for it may be gone: then hearing goes on by itself */
#define SNAPSHOT_STEP_BYTES (256u << 10) /* copied at once: about a millisecond */

enum runtime_table {
    RUNTIME_META,
    RUNTIME_LOG,
    RUNTIME_CURSORS,
    RUNTIME_HEARD,
    RUNTIME_OUTCOMES,
    RUNTIME_OUTCOMES_AGE, /* recorded BE64, account, id -> "" : oldest first */
    RUNTIME_WAITING,
    RUNTIME_WAITING_FOR,
    RUNTIME_KNOWN,
    RUNTIME_TIMERS,
    RUNTIME_EFFECTS,
    RUNTIME_EFFECTS_DUE,
    RUNTIME_JOBS,
    RUNTIME_TABLES,
};

struct range {
    uint32_t from, to; /* [from, to) */
};

struct feed {
    struct instance *instance;
    Hb__Service service;
    uint32_t partition;
    uint64_t cell; /* 0: our own */
    const struct feed
        *begins_after; /* its log begins as that one's does: heard from there on, once that was heard so far */
    uint64_t begins_at;
    Hb__LogId log; /* as last told; epoch 0: not known yet */
    uint64_t cursor;
    uint8_t hash[EVENTLOG_HASH_BYTES]; /* of the event at the cursor */
    uint64_t received;                 /* last offset in the buffer */
    uint8_t received_hash[EVENTLOG_HASH_BYTES];
    uint8_t *buffer; /* malloc: batches fetched and not yet heard */
    size_t buffer_size, buffer_at, buffer_room;
    int64_t as_of;      /* of everything heard: valid when the buffer is empty, else of the last heard event */
    int64_t told_as_of; /* from the last reply, valid once the buffer is drained */
    bool asking, urgent, stopped, end_told, caught_up_once; /* once: all that had been said when it was first asked */
    int64_t retry_boot_ms;
    uint64_t end;        /* of the producer's log, as last told */
    uint64_t end_first;  /* as first told since this start */
    const char *problem; /* why it is stopped; static */
    bool new_epoch;      /* its producer was restored: asked anew whether it still holds what we heard */
};

/* What waits in one place, and how often there was no room for more. */
struct crowd {
    uint64_t count, bytes, refused;
    bool full; /* somebody was refused since it was empty */
};

/* A command between the wire and its turn. */
struct pending {
    struct pending *next;
    struct instance *instance;
    struct arena arena;
    struct bus_call call;
    Hb__Command *command;
    uint8_t body_hash[32];
    int64_t came_boot_ms;
    size_t bytes; /* as counted in the crowd at the door */
    bool prepared, sealing, ready, gone;
};
/* A query or command that waits for `after`. */
struct parked_query {
    struct parked_query *next;
    struct arena arena;
    struct bus_call call;
    Hb__Query *query;
    size_t bytes;
    int64_t until_boot_ms;
};
struct parked_fetch {
    struct parked_fetch *next;
    struct bus_call call;
    uint64_t after;
    uint32_t bytes_max;
    int64_t until_boot_ms;
    char reader[64]; /* whom a link asks for; "": whoever is connected */
};
struct effect_done {
    struct effect_done *next;
    struct instance *instance;
    char *id;
    uint32_t attempt;
    uint8_t *result;
    size_t result_size;
};

enum turn_phase { PHASE_READ, PHASE_PREPARE, PHASE_DECIDE, PHASE_REACT, PHASE_EVOLVE };

struct said {
    Hb__Event *event;    /* in the arena of its input: of the input at hand only */
    struct bytes stored; /* kept until the commit */
};

struct turn {
    struct instance *instance;
    struct store_txn *txn;
    struct arena *arena; /* of the input at hand */
    struct arena *kept;  /* until the turn ends: what it said, its replies */
    int64_t now;
    enum turn_phase phase;
    bool dirty;    /* evolve wrote something */
    uint64_t cell; /* whose rows the state is now: 0 our own */

    /* the input at hand */
    Hb__Cause *cause;
    uint32_t hops;
    bool history;
    const Hb__Actor *actor;
    uint8_t random[32];
    bool random_drawn;
    struct computation *computation; /* of an answer that comes later */
    Hb__Refusal *refusal;
    jmp_buf *damaged;         /* where to go from a damaged row; NULL: nothing can go on */
    struct store_txn *beside; /* open in another store meanwhile: it ends there, too */
    const Hb__Event *at;      /* the event being reacted to */
    uint64_t folding;         /* case of the event being folded */

    /* said by this turn, by offset without a gap from head.offset + 1 on */
    struct said *said;
    unsigned said_count;
    size_t said_bytes;
    unsigned input_first; /* index in said[] of the first event of this input */
    unsigned unfolded;    /* index in said[] of the first that this input has said and that is not folded yet */
    size_t input_bytes;   /* said_bytes when it began */
    bool too_deep;        /* an effect was refused; the service has not been told yet */
    bool excusing;        /* it is being told: the event that makes it visible passes all limits */

    char **known; /* keys that became known in this input, for `waiting` */
    unsigned known_count;
    uint64_t next_offset;
    uint8_t last_hash[EVENTLOG_HASH_BYTES];
};

struct reply_out {
    struct bus_call call;
    Bus__Reply *reply;
};

#define COMPUTING_MAX 2u          /* at one time */
#define COMPUTING_WAITING_MAX 16u /* for one of them to end: 0.4 s at 40 ms each */

struct instance {
    unsigned computing_count; /* those waiting too */
    struct computation *computing_waiting;
    const struct service *service;
    struct instance_options options;
    const struct env *env;
    struct store *store;
    struct vault *vault;
    struct words *words;              /* index.c; NULL: none is kept */
    uint64_t words_turns;             /* how many turns there had been when it was last read into */
    int64_t words_boot_ms;            /* not before */
    bool words_behind, words_stopped; /* stopped: reading a text into it aborted the process twice */
    struct store *files;
    struct key tidy_at;
    int64_t tidy_boot_ms; /* when next */
    void *organisation_cache;
    struct metrics *metrics;
    struct log *log;                         /* never NULL */
    uint64_t damaged_told[DAMAGED_TOLD_MAX]; /* hashes of the places that were told */
    unsigned damaged_told_count;
    int64_t waiting_look_boot_ms;
    store_table runtime_tables[RUNTIME_TABLES];
    store_table tables[STORE_TABLES_MAX];
    store_table organisation_tables[ORGANISATION_TABLES_MAX];
    /* the same of other cells, opened when there are any: the id of the cell goes before every key */
    store_table cells_tables[STORE_TABLES_MAX];
    store_table cells_organisation_tables[ORGANISATION_TABLES_MAX];
    store_table cells_waiting;

    Record__Head head; /* in memory as committed; strings point into head_hash / head_key */
    uint8_t head_hash[EVENTLOG_HASH_BYTES];
    uint8_t head_key[32];

    struct feed *feeds;
    unsigned feeds_count, feed_turn; /* round robin */
    struct pending *door, **door_tail;
    struct pending *commands, **commands_tail;
    struct crowd door_crowd, query_crowd, fetch_crowd; /* commands until they are decided; parked queries and fetches */
    struct parked_query *parked_queries;
    struct parked_fetch *parked_fetches;
    struct effect_done *effects_done, **effects_done_tail;
    char *effects_running[EFFECTS_RUNNING_MAX]; /* ids in flight, until their results are taken; owned by effect_done */
    unsigned effects_running_count;
    uint64_t sealing; /* seal requests under way */

    /* inputs folded without effect, to be named in the next committed heard row */
    Record__Heard pending_heard;
    struct arena pending_arena;
    unsigned cursors_moved;
    int64_t cursors_moved_boot_ms;

    int64_t hold_until; /* on the boot clock, while holding */
    struct snapshot *snapshot;
    bool holding, full, suspect, dead, jobs_open, stopping, clock_accepted;
    bool known_open;               /* something is known now that others may wait for */
    struct rebuilding *rebuilding; /* NULL: the tables are what they should be */
    struct verify *verify;         /* under way, or its result not yet fetched; NULL */
    char *release_key;             /* malloc: an operator released what waits under it */
    bool started_suspect, suspect_noted;
    int64_t full_retry_boot_ms;
    int64_t urgent_boot_ms, urgent_wait_ms; /* when those behind a due timer are asked again, and how long that was */
    int64_t clock_offset;                   /* wall - boot when last trusted */
    int64_t last_now;
    int64_t started_ms;
    int64_t timer_next; /* due of the first timer, INT64_MAX none */
    int64_t effect_next;
    struct {
        uint64_t turns, events_heard, events_said, commands, refusals, commits_cursor_only, quarantined, released,
            waits, effects_refused;
    } counts;
    uint64_t waiting_count;

    int64_t opened_boot_ms; /* when this process began to hear */
    int promise_fd;         /* promise.c */
    int64_t promised_ms;

    /* poison (design.md 3): the name of the input at hand, written out by the bug handler */
    int poison_fd;
    char labels[80];
    char input_name[160];
    char poison_name[160];
    unsigned poison_count, poison_others;
    struct arena arena; /* of one input, query or step */
    struct arena kept;  /* of the turn */
};

/* instance.c: what is waited for is waited for by the boot clock, whatever the wall clock does meanwhile. */
int64_t instance_boot(const struct instance *instance);
/* One `now` for what follows, and in last_now: while the clock is suspect the last that was trusted, and false. */
bool clock_look(struct instance *instance, int64_t *now_out);

/* turn.c */
enum err instance_turn(struct instance *instance, int64_t now) MUST_CHECK;
void turn_begin(struct turn *turn, struct instance *instance, struct store_txn *txn, struct arena *arena, int64_t now);
void turn_fold(struct turn *turn, const Hb__Event *event);
void turn_settle(struct turn *turn); /* fold and react to everything said, first in first out */
void turn_clear_input(struct turn *turn);
void turn_unsay(struct turn *turn);     /* what the command at hand decided, before anything of it is folded */
void turn_end_input(struct turn *turn); /* forgets all that lies in its arena */

/* feed.c */
void feed_open(struct feed *feed, struct instance *instance, const struct instance_feed_options *options);
void feed_close(struct feed *feed);
/* At the start: every row is sound and found where it should lie; a log whose cursor is lost would be heard anew. */
enum err cursors_check(struct instance *instance, struct store_txn *txn, char *why_out, size_t why_size) MUST_CHECK;
struct key cursor_key_of(const struct instance *instance, const Hb__LogId *log);
void feed_load(struct feed *feed, struct store_txn *txn, struct arena *arena);
/* After all are loaded: where one begins whose log was divided off another, or whose ancestor was heard before. */
enum err feed_begin(struct feed *feed, struct store_txn *txn, struct arena *arena, char *why_out, size_t why_size);
void feed_moved(struct feed *feed); /* whoever waited for it to come so far begins */
void feed_save(struct feed *feed, struct store_txn *txn, struct arena *arena);
void feed_ask(struct feed *feed);
bool feed_has(const struct feed *feed);
bool feeds_wait(const struct instance *instance); /* is an event of any of them here, not heard yet? */
bool feed_next(struct feed *feed, struct bytes *event_out);
int64_t feed_as_of(const struct feed *feed); /* up to when everything of this log has been heard */
/* For good: nothing is skipped. `offset` is the event that does not follow. */
void feed_stop(struct feed *feed, uint64_t offset, const char *why);
struct feed *feed_of(struct instance *instance, Hb__Service service, uint32_t partition); /* of our own cell */
Bus__CellPosition *feed_report(const struct feed *feed, struct arena *arena);
bool feed_above(const struct feed *feed);                                /* of the cell above */
bool feed_means(const struct feed *feed, const Hb__LogId *log);          /* this log, of whatever epoch */
uint64_t cell_elsewhere(const struct instance *instance, uint64_t cell); /* 0 when it is our own */
int64_t instance_horizon(const struct instance *instance, int64_t now);
void instance_ask_all(struct instance *instance, bool urgent);
void instance_ask_behind(struct instance *instance, int64_t due_ms);

/* waiting.c */
char *waiting_needs(struct turn *turn, const Hb__Event *event); /* NULL: nothing is missing */
bool waiting_behind(struct turn *turn, uint64_t case_id);
void waiting_put(struct turn *turn, const Hb__Event *event, struct bytes stored, const char *needs, bool ahead);
void turn_known(struct turn *turn, const char *key);
/* Writes down what became known by the input at hand, where something waits for it, until all of that was let go. */
void waiting_keep_known(struct turn *turn);
struct waiting_found {
    Hb__Event *event;
    size_t bytes;
    Record__Waiting *row;
    struct bytes key, mark; /* where it lies; where it was found */
};
enum waiting_next { WAITING_NONE, WAITING_STAYS, WAITING_GOES };
/* Looks at the next case that waited for what is known. NONE: nothing that is known is waited for any more. STAYS: its
   first event needs something else as well. GOES: it is let go (waiting_go) or set aside. */
enum waiting_next waiting_next(struct turn *turn, struct waiting_found *found_out) MUST_CHECK;
void waiting_go(struct turn *turn, const struct waiting_found *found);
void waiting_set_aside(struct turn *turn, const struct waiting_found *found, const char *needs); /* first of its case */
uint64_t waiting_cell(const char *needs); /* whose events wait for this; 0: our own */
/* Notes, once a minute at most, that events have waited for too long. */
void waiting_look(struct instance *instance, int64_t now);
/* Is a quarantined event waiting under this key? The keys there are, in the instance's arena. */
bool waiting_under(struct instance *instance, const char *key, char **keys_out, unsigned *count, unsigned count_max);

/* damage.c: an event of our own log cannot be read; as state_damaged. */
_Noreturn void log_damaged(struct turn *turn, uint64_t offset);
/* Runs what only reads or decides. False: it met a damaged row and ended there, and the turn has the refusal (500
   `damaged`). What it said until then is the caller's to take back. */
bool turn_read(struct turn *turn, void (*read)(struct turn *turn, void *context), void *context) MUST_CHECK;
void damage_note(struct instance *instance, const char *what); /* once for each place */

/* rows.c: timers, effects, jobs, outcomes */
bool timer_first(struct turn *turn, int64_t *due_out, int64_t *set_for_out, struct bytes *key_out);
/* It comes again then, as the one that it was set for. */
void timer_put_off(struct turn *turn, int64_t due_ms, struct bytes key, int64_t again_ms);
bool outcome_find(struct turn *turn, const Hb__Command *command, Record__Outcome **outcome_out);
void outcome_save(struct turn *turn, const Hb__Command *command, const uint8_t body_hash[32], uint64_t first,
                  uint64_t last);
void outcomes_expire(struct turn *turn, unsigned most);
bool job_first(struct turn *turn, uint64_t *id_out, Record__Job **job_out);
void job_save(struct turn *turn, uint64_t id, const Record__Job *job);
void job_delete(struct turn *turn, uint64_t id);
void effects_start_due(struct instance *instance, int64_t now);
bool effect_current(struct turn *turn, const char *id, uint32_t attempt);
struct effect_done *
effect_pop(struct instance *instance); /* the next result, the caller's to free; NULL: there is none */

/* crowd.c */
/* Room for one more? False: it was refused with 503 and counted. */
bool crowd_enter(struct instance *instance, struct crowd *crowd, const struct bus_call *call, uint64_t count_max,
                 uint64_t bytes_max);
void crowd_add(struct crowd *crowd, size_t bytes);
void crowd_leave(struct crowd *crowd, size_t bytes);

/* door.c */
void door_take(struct instance *instance, const struct bus_call *call, const Hb__Command *command);
void door_move(struct instance *instance, int64_t now);
bool after_reached(const struct instance *instance, Hb__Position *const *after, size_t count);
void pending_free(struct pending *pending);
void pending_refuse(struct pending *pending, uint32_t status, const char *code, const char *zh, const char *en);
void command_reply_fill(struct turn *turn, const Hb__Command *command, uint64_t first, uint64_t last, bool repeated,
                        Bus__Reply *reply);

/* serve.c */
void serve_parked(struct instance *instance);
void serve_query(struct instance *instance, const struct bus_call *call, const Hb__Query *query, bool stale);
void computation_start(struct computation *computation, const struct bus_call *call, const Hb__Query *query);
void computation_drop(struct computation *computation);
void computing_close(struct instance *instance);
Bus__Reply *reply_new(struct arena *arena);
void reply_refuse(struct instance *instance, const struct bus_call *call, uint32_t status, const char *code,
                  const char *zh, const char *en);

/* snapshot.c: a copy of this instance's folder for a backup, taken at once and written a little in every step */
enum err snapshot_start(struct instance *instance, const char *folder) MUST_CHECK;
bool snapshot_under_way(const struct instance *instance);
void snapshot_step(struct instance *instance);
Bus__SnapshotReport *snapshot_report(const struct instance *instance, struct arena *arena); /* NULL: none yet */
void snapshot_free(struct instance *instance);

/* counters.c */
void instance_counters_open(struct instance *instance);
void instance_counters_close(struct instance *instance);

/* refold.c: a fresh fold of an instance's `heard` into an empty one, then a comparison, in steps that may lie apart
   while the instance works on. */
struct refold;
struct refold_reader {
    /* Is all that this row of `heard` names at hand? False: ask again later. */
    bool (*ready)(void *context, const Record__Heard *row, struct arena *arena);
    /* The next event, in the order in which the row names them. False: its log has no such event. */
    bool (*read)(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena, struct bytes *event_out);
    void *context;
};
/* Every table that evolve writes, in one order; NULL after the last. */
const char *folded_table(struct instance *instance, unsigned index, store_table *table_out);
enum refold_state { REFOLD_MORE, REFOLD_WAITS, REFOLD_SAME, REFOLD_DIFFERS, REFOLD_FAILED };
enum err refold_open(struct instance *instance, const char *folder, const struct refold_reader *reader,
                     struct refold **refold_out, char *why_out, size_t why_size) MUST_CHECK;
/* Into the instance itself, whose tables were emptied, from where an earlier run came to. */
struct refold *refold_go_on(struct instance *instance, const struct refold_reader *reader,
                            const Record__Rebuild *rebuild);
/* One step of a few milliseconds (one row of `heard` at least). *why says what differs or failed. */
enum refold_state refold_step(struct refold *refold, const char **why_out);
/* While the tables are compared: the snapshot they are compared in; NULL before. */
struct store_txn *refold_snapshot(struct refold *refold);
/* Was this event of the range folded then? It waited, or is of a foreign bucket, otherwise. */
bool heard_folds(const Record__HeardRange *range, uint64_t offset);
uint64_t refold_walked(const struct refold *refold); /* rows of `heard` folded so far */

/* gather.c: reads again what rows of `heard` name */
struct gather;
typedef void gather_cursor_fn(void *context, const Bus__Fetched *fetched);
struct gather *gather_new(struct instance *instance);
void gather_free(struct gather *gather);                     /* NULL is fine */
bool gather_busy(const struct gather *gather, int64_t boot); /* a request is under way, or a pause after a failed one */
int64_t gather_next(const struct gather *gather);            /* boot ms of the end of that pause, 0 none */
bool gather_failed(const struct gather *gather);             /* ten times in a row */
void gather_retry(struct gather *gather);
void gather_cursor(struct gather *gather, const struct feed *feed, gather_cursor_fn *told, void *context);
bool gather_ready(void *context, const Record__Heard *row, struct arena *arena); /* a struct refold_reader */
bool gather_read(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena, struct bytes *event_out);

/* fork.c: partitions */
struct range instance_range(const struct instance *instance);
bool instance_has_bucket(const struct instance *instance, uint32_t bucket);
bool event_ours(struct turn *turn, const Hb__Event *event);
/* Refuses what is of a bucket of another partition. */
bool refuse_foreign(struct turn *turn, uint64_t case_id, const char *site);
/* Of a LogForked: false when its other half should be heard as well, and is not. */
bool fork_known(struct instance *instance, const struct feed *feed, const Hb__Event *event);
enum err fork_take_up(struct instance *instance, char *why_out, size_t why_size) MUST_CHECK; /* at start */
/* Of the rows that evolve writes, in any service: to be counted up when an older row would be read or folded otherwise
   than one written today. 2: each row ends with a check; 3: intake knows which version a case goes by, analytics has
   `due`; 4: analytics keeps which cases were given back, and since when an indicator is counted so; 5: analytics keeps
   who had it first, casework settles what a rule waited for when it does not apply, a proof is of the round in which
   its notice was asked for, and notification knows which cases nobody waits for; 6: analytics knows the clocks beside
   the main one, and which notices are over; 7: watchdog looks once more at a date that had passed undecided when its
   clock was armed anew. */
#define STATE_FORMAT 7u
enum err format_take_up(struct instance *instance) MUST_CHECK; /* at start */
enum err rebuild_open(struct instance *instance, struct store_txn *txn) MUST_CHECK;
void rebuild_close(struct instance *instance);
bool rebuild_wants(const struct instance *instance);
enum err rebuild_step(struct instance *instance, int64_t now) MUST_CHECK;
int64_t rebuild_next(const struct instance *instance);

/* chain.c: hb.ChainQuery; and what a verification found, for it. */
void chain_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply);
void chain_keep(struct instance *instance, uint64_t offset, uint32_t findings_count, const char *findings);

/* verify.c: Control VERIFY */
void verify_take(struct instance *instance, const struct bus_call *call);
void verify_start(struct instance *instance); /* without anybody waiting for it; one that is under way goes on */
void verify_progress(const struct instance *instance, Hb__Chain *chain); /* nothing where none is under way */
bool verify_wants(const struct instance *instance);                      /* there is work to be done at once */
void verify_step(struct instance *instance);
int64_t verify_next(const struct instance *instance); /* boot ms at which to look again at the latest */
void verify_close(struct instance *instance);

/* "casework-1", and of another cell "casework-1@<cell>": for people and for keys. */
void log_name(const struct instance *instance, const Hb__LogId *log, char name_out[64]);

/* promise.c */
enum err promise_open(struct instance *instance) MUST_CHECK;
/* What may be given out as `as_of`: this, or what was promised before when it cannot be written down. */
int64_t promise_give(struct instance *instance, int64_t as_of_ms);
int64_t promise_kept_ms(const struct instance *instance); /* nothing may be recorded before it */
void promise_forget(struct instance *instance);           /* an operator accepts a clock that stands before it */

/* poison.c */
enum err poison_open(struct instance *instance);
void poison_name(struct instance *instance, const char *kind, const char *name, uint64_t number);
void poison_name_event(struct instance *instance, const char *log, uint64_t offset);
void poison_name_timer(struct instance *instance, struct bytes key, int64_t due_ms);
bool poison_quarantines(const struct instance *instance); /* the input just named aborted the process twice */
bool poison_names_effect(struct instance *instance, const char *id,
                         uint32_t attempt); /* between turns: did its result? */
/* Of one that does: may the service say what follows? Once: that, too, may be what aborts. */
bool poison_lets_say(const struct instance *instance);
/* Notes and counts the input just named. `which`: more of it than its name tells; "". */
void poison_passed_over(struct instance *instance, const char *which);
void poison_passed(struct instance *instance);

#define message_of(pointer) ((ProtobufCMessage *)(pointer))
#define NEW(arena, type, init_value)                                                                                   \
    ({                                                                                                                 \
        type *new_message_ = arena_alloc((arena), sizeof(type));                                                       \
        *new_message_ = (type)init_value;                                                                              \
        new_message_;                                                                                                  \
    })

/* index.c */
enum err index_open(struct instance *instance, char *why_out, size_t why_size) MUST_CHECK;
void index_close(struct instance *instance);
bool index_step(struct instance *instance, int64_t now); /* true: there is more to read */
int64_t index_next(const struct instance *instance);     /* on the boot clock; INT64_MAX: nothing waits */

#endif
