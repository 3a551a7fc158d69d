/* One running instance of a service: its store, log, cursors and queues, driven from outside. The real program
   (main.c) drives it from libev and ZeroMQ, the simulation from a seeded queue under a virtual clock. */
#ifndef HEARBACK_SERVICE_INSTANCE_H
#define HEARBACK_SERVICE_INSTANCE_H

#include "bus/bus.h"
#include "config/config.h"
#include "eventlog/eventlog.h"
#include "service/service.h"

struct computation;
struct log;
struct metrics;
struct vault;

/* The world as an instance reaches it: real or simulated. */
struct env {
    void *context;
    int64_t (*now)(void *context);  /* wall clock, ms UTC */
    int64_t (*boot)(void *context); /* ms since boot, counts through suspend */
    void (*random)(void *context, uint8_t *out, size_t size);
    /* Asks another instance; `done` exactly once, never from inside. NULL peer in the configuration: times out. */
    void (*ask)(void *context, Hb__Service service, uint32_t partition, Bus__Request *request, uint32_t timeout_ms,
                bus_done_fn *done, void *done_context);
    void (*reply)(void *context, const struct bus_call *call, Bus__Reply *reply);
    void (*wake)(void *context); /* there is something to do: step soon */
    void (*effect_start)(void *context, const char *id, uint32_t attempt, struct bytes payload,
                         struct effect_done *done);
    /* Runs computation_run on a thread, then, from the loop, computation_done. NULL: done on the spot. */
    void (*compute)(void *context, struct computation *computation);
    /* A place where the simulation may crash the instance ("before_commit", "after_commit"): true means dead. */
    bool (*crash_here)(void *context, const char *place);
};

/* One log this instance hears: every partition of every service it names whose buckets meet its own; of another cell
   those the service declares (hears_below, hears_above), asked for at the link. */
struct instance_feed_options {
    Hb__Service service;
    uint32_t partition;
    uint64_t cell; /* 0: our own */
};

struct instance_options {
    const char *folder; /* state: <folder>/data.mdb; vault in <folder>/vault */
    uint64_t cell;
    uint32_t partition;
    uint32_t bucket_from, bucket_to; /* [from, to); 0 and 0: all */
    const struct instance_feed_options *feeds;
    unsigned feeds_count;
    const struct instance_cell *cells; /* other cells that are heard; they outlive the instance */
    unsigned cells_count;
    const Config__Config *config; /* who has which buckets, and what was divided; NULL: there is one of each */
    bool no_sync;                 /* simulation */
    uint64_t map_bytes;           /* 0: the default */
    const char *policies_folder;
    const char *calendars_folder;
    const char *zones_folder; /* NULL: the system's */
    const char *epoch_keys_folder;
    const struct eventlog_driver *eventlog;
    struct log *log;  /* may be NULL: notes are counted only */
    int64_t build_ms; /* a wall clock before this is suspect; 0: not checked */
    int64_t idle_ms;  /* a parked fetch is answered after this at the latest; 0: 20 s. A rehearsal of years says more */
};

extern const int64_t instance_build_ms; /* when this program was built, or what it was built from was committed */

/* Opens tables, checks the end of the log, reads cursors. On failure *why_out (static storage in the instance or a
   literal) says what and how to mend it. ERR_CORRUPT: the service must not start. */
enum err instance_open(const struct service *service, const struct instance_options *options, const struct env *env,
                       struct instance **instance_out, char *why_out, size_t why_size) MUST_CHECK;
void instance_close(struct instance *instance);

/* A request came in over the bus (or the simulation's). */
void instance_serve(struct instance *instance, const struct bus_call *call, const Bus__Request *request,
                    struct bytes stored);

/* Of an answer that takes long computing (compute.c): on a thread of its own; afterwards on the loop. */
void computation_run(struct computation *computation);
void computation_done(struct computation *computation);

/* Runs at most one turn, sends what it has to send. True when more work is ready at once. After ERR in *fatal_out
   (a failed commit, a fenced log) the process must exit: crash-only. */
bool instance_step(struct instance *instance, enum err *fatal_out);
/* Wall time at which to step even if nothing arrives. */
int64_t instance_next(const struct instance *instance);

/* "ready", "catching_up", "full", "clock_suspect", "feed_stopped" */
bool instance_stopping(const struct instance *instance); /* the operator's key asked it to stop */
bool instance_dead(const struct instance *instance);     /* env->crash_here said so */
const char *instance_health(const struct instance *instance);
struct metrics *instance_metrics(struct instance *instance);
void instance_counters_bus(struct instance *instance, const uint64_t *undelivered); /* shown with its own counters */
/* Which partition of a service has a bucket. */
uint32_t instance_partition_of(const struct instance *instance, Hb__Service service, uint32_t bucket);
const struct service *instance_service(const struct instance *instance);
const struct env *instance_env(const struct instance *instance);
struct store *instance_store(struct instance *instance);
struct vault *instance_vault(struct instance *instance);
struct store *instance_files(struct instance *instance);            /* NULL: it keeps none */
struct log *instance_log(struct instance *instance);                /* never NULL */
void instance_idle_set(struct instance *instance, int64_t idle_ms); /* simulation: long waits need few polls */
void instance_position(struct instance *instance, struct arena *arena, Bus__PositionReport *report_out);

/* ---- checking (simulation, hearback verify) ---- */

/* BLAKE2b-256 over all tables that evolve writes: the service's, the organisation's, timers, effects, jobs. */
enum err instance_state_hash(struct instance *instance, uint8_t hash_out[32]) MUST_CHECK;

/* One event's stored bytes of this instance's own log; and its chain from the first event on. */
bool instance_log_get(struct instance *instance, uint64_t offset, struct arena *arena, struct bytes *event_out);
enum err instance_log_verify(struct instance *instance, char *why_out, size_t why_size) MUST_CHECK;

/* Reads one event of another log for a refold; false when it is not there. */
typedef bool instance_read_fn(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena,
                              struct bytes *event_out);
/* A fresh fold: opens an empty instance in `folder`, walks this one's `heard` and folds every input and the own events
   it caused in that order, then compares. ERR_CORRUPT with a text when the state differs or the causes do not fit.
   `going` (may be NULL) keeps the fold between checks of one instance, over its restarts too: then each folds only what
   came since the last. refold_close ends it. */
struct refold;
enum err instance_check_fold(struct instance *instance, const char *folder, struct refold **going,
                             instance_read_fn *read, void *context, char *why_out, size_t why_size) MUST_CHECK;
void refold_close(struct refold *refold); /* NULL: nothing; the folder stays */

#endif
