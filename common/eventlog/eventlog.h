/* The append-only, hash-chained log of one instance, as an interface (layer 3): a turn appends its said events
   as one batch after a known offset, inside the turn's transaction. The `local` driver keeps the log in the
   instance's own LMDB environment; `simulated` is the simulator's: `local`, but it can be told to fail as only a
   replicated one can. That publishes first and lets the transaction commit when the append is safe: it fits the same
   call. */
#ifndef HEARBACK_EVENTLOG_EVENTLOG_H
#define HEARBACK_EVENTLOG_EVENTLOG_H

#include "hearback/envelope.pb-c.h"
#include "store/store.h"

#define EVENTLOG_HASH_BYTES 32

enum append {
    APPEND_DONE,    /* safe as soon as the transaction commits */
    APPEND_FENCED,  /* the log does not end at `after`: another writer owns it; exit */
    APPEND_UNKNOWN, /* nobody knows whether it is there; exit and read */
    APPEND_FULL,    /* no room; nothing was appended */
};

/* Whatever is not APPEND_DONE ends the process, and nothing of the turn is committed or answered: what is then in the
   log is read at the next start, and whoever got no answer asks again under the same id. Before a turn the log is asked
   for `room` (NULL: the store's is all it needs); without it there are no turns until there is. */
struct eventlog_driver {
    enum append (*append)(void *context, struct store_txn *txn, store_table table, uint64_t after,
                          const struct bytes *events, unsigned count);
    bool (*room)(void *context);
    void *context;
};
extern const struct eventlog_driver eventlog_local;

/* All 0: as `local`. Its UNKNOWN is always "not there": the log lies in the store whose transaction the turn then
   aborts, so it cannot be there alone. "It is there" with such a log means that the whole turn is and nobody was
   answered: that is a crash after the commit, which the simulator draws too. In either case the process ends, reads at
   its next start and is asked again under the same id. */
struct eventlog_simulated {
    enum append next; /* what the next append answers: FULL or FENCED without, UNKNOWN after having written */
    unsigned failed;  /* how many it failed so */
    bool full;        /* so it is from an answer of FULL on, until somebody makes room */
};
struct eventlog_driver eventlog_simulated(struct eventlog_simulated *log);

enum err append_err(enum append answer); /* what ends the process */

enum append eventlog_append(const struct eventlog_driver *driver, struct store_txn *txn, store_table table,
                            uint64_t after, const struct bytes *events, unsigned count);

/* Stored bytes of events after `after`, in order, as repeated (u32 big-endian size, event), at most `bytes_max` but at
   least one event when there is one. `last_out` is the last offset returned (`after` when none). */
struct bytes eventlog_read(struct store_txn *txn, store_table table, uint64_t after, size_t bytes_max,
                           struct arena *arena, uint64_t *last_out);

/* One event's stored bytes; false when the log has no such offset. */
bool eventlog_get(struct store_txn *txn, store_table table, uint64_t offset, struct arena *arena,
                  struct bytes *event_out);

/* Last offset, 0 when empty. */
uint64_t eventlog_end(struct store_txn *txn, store_table table, struct arena *arena);

/* BLAKE2b-256 of an event's stored bytes: what the next event names as previous_hash. */
void eventlog_hash(struct bytes event, uint8_t hash_out[EVENTLOG_HASH_BYTES]);

/* Splits a batch as eventlog_read makes it. Returns false at its end; a malformed batch ends it with
 *err_out = ERR_MALFORMED. */
bool eventlog_batch_next(struct bytes *batch, struct bytes *event_out, enum err *err_out);

/* Does this stored event name that hash as its predecessor's? Of two neighbours that do not fit together the first was
   altered when the one after the second names the second rightly. */
bool eventlog_names(struct bytes stored, const uint8_t hash[EVENTLOG_HASH_BYTES]);

/* Says in `why` which two events lie out of order, because an offset was altered on disk; false: none do. */
bool eventlog_disorder(struct store_txn *txn, store_table table, char *why_out, size_t why_size);

/* A walk along the chain that may be interrupted: what was checked stays so, for the log only grows. */
struct eventlog_walk {
    uint64_t offset; /* of the last event checked */
    uint8_t hash[EVENTLOG_HASH_BYTES];
    int64_t recorded_ms;
};
/* Begins after this offset, whose event is taken as it is. ERR_NOT_FOUND: there is no such event. */
enum err eventlog_walk_from(struct store_txn *txn, store_table table, uint64_t after,
                            struct eventlog_walk *walk_out) MUST_CHECK;
/* Checks at most so many events more; *end_out at the end of the log. ERR_CORRUPT with a text naming the first offset
   that was altered or is missing. */
enum err eventlog_walk_on(struct store_txn *txn, store_table table, struct eventlog_walk *walk, unsigned events_max,
                          bool *end_out, char *why_out, size_t why_size) MUST_CHECK;
/* The whole chain from the first event on. */
enum err eventlog_verify(struct store_txn *txn, store_table table, char *why_out, size_t why_size) MUST_CHECK;

#endif
