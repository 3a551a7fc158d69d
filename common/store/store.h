/* LMDB behind one door (layer 2). One environment per instance; the map is one fixed size and never
   grows (design.md 3, Room). A transaction carries a sticky error: after the first failure writes
   are no-ops and reads find nothing; check once, after commit. Every value read is copied into an
   arena, because LMDB's memory changes under you at the next put (design-review A9). */
#ifndef HEARBACK_STORE_STORE_H
#define HEARBACK_STORE_STORE_H

#include "base/arena.h"

#define STORE_MAP_BYTES_DEFAULT (64ull << 30)
#define STORE_KEY_BYTES_MAX 511u
#define STORE_TABLES_MAX 96u /* most: a headquarters' analytics, its own and the organisation's twice */

struct store;
struct store_txn;
typedef unsigned store_table; /* from store_table_open */

struct store_options {
    uint64_t map_bytes; /* 0: STORE_MAP_BYTES_DEFAULT */
    bool no_sync;       /* simulation only: a power cut may lose everything */
    bool read_only;
    bool folder_exists; /* it is not made when it is missing: somebody has taken it away */
};

enum err store_open(const char *folder, const struct store_options *options, struct store **store_out) MUST_CHECK;
void store_close(struct store *store);

/* Opens (creates) a table; call before the first transaction of the loop. */
enum err store_table_open(struct store *store, const char *name, store_table *table_out) MUST_CHECK;

/* Reserves disk ahead for `bytes` more (fallocate KEEP_SIZE) and checks the map: ERR_FULL when
   there is no room. Called before each turn. */
enum err store_reserve(struct store *store, uint64_t bytes) MUST_CHECK;
/* Is a tenth of the disk free, or 1 GiB? What may grow without measure and can be refused asks first, and leaves the
   rest to the logs. */
bool store_disk_is_spare(const struct store *store);
/* A commit failed, and not for want of room alone: whoever has it open ends, and opens it anew. */
bool store_failed(const struct store *store);
/* Simulation only: from now on the disk has no room (store_reserve says so), until told otherwise. */
void store_full_set(struct store *store, bool full);

/* One write transaction at a time; read transactions see what was committed when they began. */
struct store_txn *store_begin(struct store *store, bool write);
enum err store_commit(struct store_txn *txn) MUST_CHECK; /* the sticky error, or that of the commit */
void store_abort(struct store_txn *txn);
enum err store_error(const struct store_txn *txn); /* the sticky error so far */

/* False when the key is absent. The value is a copy in `arena`. */
bool store_get(struct store_txn *txn, store_table table, struct bytes key, struct arena *arena,
               struct bytes *value_out);
bool store_has(struct store_txn *txn, store_table table, struct bytes key);
void store_put(struct store_txn *txn, store_table table, struct bytes key, struct bytes value);
void store_append(struct store_txn *txn, store_table table, struct bytes key,
                  struct bytes value);                                         /* key above all others */
bool store_delete(struct store_txn *txn, store_table table, struct bytes key); /* false: was not there */

void store_clear(struct store_txn *txn, store_table table); /* all rows */

/* A scan in key order; survives puts and deletes in between (each step seeks anew after the last key).
   `prefix` ends it at the first key that does not begin so; from the first key at or after `from`. */
struct store_scan {
    struct store_txn *txn;
    store_table table;
    struct bytes prefix;
    uint8_t last[STORE_KEY_BYTES_MAX + 1];
    size_t last_size;
    bool started, done;
};
void store_scan_open(struct store_scan *scan, struct store_txn *txn, store_table table, struct bytes prefix,
                     struct bytes from);
bool store_scan_next(struct store_scan *scan, struct arena *arena, struct bytes *key_out, struct bytes *value_out);
/* The last key with the prefix, and its value. */
bool store_last(struct store_txn *txn, store_table table, struct bytes prefix, struct arena *arena,
                struct bytes *key_out, struct bytes *value_out);
/* The last key with the prefix that is smaller than `before`. */
bool store_before(struct store_txn *txn, store_table table, struct bytes prefix, struct bytes before,
                  struct arena *arena, struct bytes *key_out);
uint64_t store_count(struct store_txn *txn, store_table table);
/* All rows with the prefix, in key order from the first key at or after `from` on, or backwards from the last key below
   it, until `each` says false. Nothing is copied: key and value lie in the map, and `each` puts nothing. For walking
   through very many rows of which few are wanted. */
typedef bool store_each_fn(void *context, struct bytes key, struct bytes value);
void store_walk(struct store_txn *txn, store_table table, struct bytes prefix, struct bytes from, bool backwards,
                store_each_fn *each, void *context);

/* How messages name a row: "table cursors at key 0000000400000000". */
char *store_place(struct arena *arena, const char *table, struct bytes key);
/* A search passes by a row whose key was altered on disk, and others near it. This walks along the pages as they are:
   the first two neighbours out of order; false: there are none. Works in a transaction that has failed, too. */
bool store_disorder(struct store_txn *txn, store_table table, struct arena *arena, struct bytes *key_out,
                    struct bytes *next_out);
char *store_disorder_text(struct store_txn *txn, store_table table, const char *name,
                          struct arena *arena); /* or NULL */

/* A snapshot: everything as it was when it was opened, copied into an environment of its own in `folder`, a little at
   a time, while the store is used on. As long as it is open no page of that state is used anew, so the file grows by
   what is written meanwhile. The copy is not synced: whoever asked for it syncs the file. ERR_EXISTS: there is a store
   in `folder` already. Tables made after the snapshot was opened are not in it. */
struct store_snapshot;
enum err store_snapshot_open(struct store *store, const char *folder, struct store_snapshot **snapshot_out) MUST_CHECK;
/* Copies about `bytes_max` more. False at the end, with `*err_out` when it failed. */
bool store_snapshot_step(struct store_snapshot *snapshot, size_t bytes_max, enum err *err_out);
void store_snapshot_rows(const struct store_snapshot *snapshot, uint64_t *done_out, uint64_t *total_out);
void store_snapshot_close(struct store_snapshot *snapshot); /* NULL is fine; what was copied so far stays */

uint64_t store_used_bytes(struct store *store);
/* Counts the commits that wrote something, over all lives of the folder. */
uint64_t store_commits(struct store *store);

#endif
