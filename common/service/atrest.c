#include "service/atrest.h"

#include "base/key.h"
#include "config/config.h"
#include "eventlog/eventlog.h"
#include "hearback/record/runtime.pb-c.h"
#include "service/row.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

struct rest {
    struct store *store;
    struct store_txn *txn;
    struct arena *arena;
    store_table meta, log, cursors, waiting, jobs;
    Record__Head *head;
    char *why;
    size_t why_size;
};

static enum err open_tables(struct rest *rest)
{
    const struct {
        const char *name;
        store_table *table;
    } tables[] = {{"meta", &rest->meta},
                  {"log", &rest->log},
                  {"cursors", &rest->cursors},
                  {"waiting", &rest->waiting},
                  {"jobs", &rest->jobs}};
    enum err err = ERR_NONE;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && !err; i++)
        err = store_table_open(rest->store, tables[i].name, tables[i].table);
    return err;
}

/* A service that has not committed a turn yet has no head: what it would begin with. */
static Record__Head *head_new(struct arena *arena)
{
    Record__Head *head = arena_alloc(arena, sizeof *head);
    record__head__init(head);
    head->epoch = 1;
    head->hash = (ProtobufCBinaryData){EVENTLOG_HASH_BYTES, arena_zero(arena, EVENTLOG_HASH_BYTES)};
    head->outcome_key = (ProtobufCBinaryData){32, arena_alloc(arena, 32)};
    randombytes_buf(head->outcome_key.data, 32);
    return head;
}

static enum err load_head(struct rest *rest)
{
    struct key key = key_text("head");
    struct bytes value;
    ProtobufCMessage *message;
    char *why;
    if (!store_get(rest->txn, rest->meta, key_bytes(&key), rest->arena, &value)) {
        rest->head = head_new(rest->arena);
        return store_error(rest->txn);
    }
    if (row_load(&record__head__descriptor, key_bytes(&key), value, rest->arena, &message, &why)) {
        snprintf(rest->why, rest->why_size, "table meta, the head record: %s", why);
        return ERR_CORRUPT;
    }
    rest->head = (Record__Head *)message;
    return ERR_NONE;
}

static enum err rest_open(struct rest *rest, const char *folder, bool write)
{
    struct store_options options = {.read_only = !write};
    *rest->why = 0;
    enum err err = store_open(folder, &options, &rest->store);
    if (!err)
        err = open_tables(rest);
    if (!err) {
        rest->txn = store_begin(rest->store, write);
        err = load_head(rest);
    }
    if (err && !*rest->why)
        snprintf(rest->why, rest->why_size, "%s: %s", folder, err_text(err));
    return err;
}

/* Ends the transaction, keeping what was written only when all went well. */
static enum err rest_close(struct rest *rest, enum err err)
{
    if (rest->txn && !err) {
        err = store_commit(rest->txn);
        if (err)
            snprintf(rest->why, rest->why_size, "%s", err_text(err));
    } else if (rest->txn) {
        store_abort(rest->txn);
    }
    store_close(rest->store);
    return err;
}

/* ---- reading ---- */

static Hb__LogId *log_of(struct arena *arena, uint64_t cell, Hb__Service service, uint32_t partition, uint32_t epoch)
{
    Hb__LogId *log = arena_alloc(arena, sizeof *log);
    hb__log_id__init(log);
    log->cell = cell;
    log->service = service;
    log->partition = partition;
    log->epoch = epoch;
    return log;
}

static enum err read_cursors(struct rest *rest, Bus__PositionReport *report)
{
    struct store_scan scan;
    struct bytes key, value;
    store_scan_open(&scan, rest->txn, rest->cursors, (struct bytes){0}, (struct bytes){0});
    while (store_scan_next(&scan, rest->arena, &key, &value)) {
        ProtobufCMessage *message;
        char *why;
        if (row_load(&record__cursor__descriptor, key, value, rest->arena, &message, &why)) {
            snprintf(rest->why, rest->why_size, "table cursors: %s", why);
            return ERR_CORRUPT;
        }
        const Record__Cursor *cursor = (const Record__Cursor *)message;
        if (!cursor->log) {
            snprintf(rest->why, rest->why_size, "a cursor names no log");
            return ERR_CORRUPT;
        }
        Hb__Position *position = arena_alloc(rest->arena, sizeof *position);
        hb__position__init(position);
        position->log = cursor->log;
        position->offset = cursor->offset;
        report->cursors = arena_grow(rest->arena, report->cursors, report->n_cursors, sizeof *report->cursors);
        report->cursors[report->n_cursors++] = position;
    }
    return store_error(rest->txn);
}

/* The chain, and that it ends as the head says. */
static enum err check_log(struct rest *rest)
{
    uint8_t hash[EVENTLOG_HASH_BYTES] = {0};
    struct bytes last;
    enum err err = eventlog_verify(rest->txn, rest->log, rest->why, rest->why_size);
    if (err)
        return err;
    uint64_t end = eventlog_end(rest->txn, rest->log, rest->arena);
    if (end && eventlog_get(rest->txn, rest->log, end, rest->arena, &last))
        eventlog_hash(last, hash);
    if (end == rest->head->offset &&
        bytes_equal(bytes_of(rest->head->hash.data, rest->head->hash.len), bytes_of(hash, sizeof hash)))
        return store_error(rest->txn);
    snprintf(rest->why, rest->why_size,
             "offset %" PRIu64 ": the log does not end here as its head says, but at offset %" PRIu64,
             rest->head->offset, end);
    return ERR_CORRUPT;
}

enum err atrest_position(const char *folder, Hb__Service service, uint32_t partition, struct arena *arena,
                         Bus__PositionReport *report_out, int64_t *recorded_ms_out, char *why_out, size_t why_size)
{
    struct rest rest = {.arena = arena, .why = why_out, .why_size = why_size};
    bus__position_report__init(report_out);
    enum err err = rest_open(&rest, folder, false);
    if (!err)
        err = check_log(&rest);
    if (!err)
        err = read_cursors(&rest, report_out);
    if (!err) {
        report_out->log = log_of(arena, rest.head->cell, service, partition, rest.head->epoch);
        report_out->end = rest.head->offset;
        report_out->end_hash = rest.head->hash;
        report_out->waiting = store_count(rest.txn, rest.waiting);
        report_out->jobs = store_count(rest.txn, rest.jobs);
        *recorded_ms_out = rest.head->recorded_ms;
    }
    return rest_close(&rest, err);
}

/* ---- a new epoch ---- */

static const Hb__Position *end_of(const struct atrest_restore *restore, Hb__Service service, uint32_t partition)
{
    for (size_t i = 0; i < restore->ends_count; i++)
        if (restore->ends[i]->log->service == service && restore->ends[i]->log->partition == partition)
            return restore->ends[i];
    return NULL;
}

static void put_message(struct rest *rest, store_table table, const struct key *key, const ProtobufCMessage *message)
{
    row_put(rest->txn, table, key_bytes(key), message, rest->arena);
}

static enum err follow(struct rest *rest, const struct atrest_restore *restore, const Bus__PositionReport *report)
{
    for (size_t i = 0; i < report->n_cursors; i++) {
        Hb__LogId *log = report->cursors[i]->log;
        if (log->cell != restore->cell)
            continue; /* a log of another cell, which was not restored */
        const Hb__Position *end = end_of(restore, log->service, log->partition);
        if (!end || report->cursors[i]->offset > end->offset) {
            snprintf(rest->why, rest->why_size,
                     "the cursor of %s-%" PRIu32 " (offset %" PRIu64 ") is ahead of that log: this is no cut",
                     config_service_name(log->service), log->partition, report->cursors[i]->offset);
            return ERR_CORRUPT;
        }
        struct key key = {.size = 0};
        key_add_u32(&key, (uint32_t)log->service);
        key_add_u32(&key, log->partition);
        struct bytes value;
        ProtobufCMessage *message;
        char *why;
        Record__Cursor *cursor = NULL;
        if (store_get(rest->txn, rest->cursors, key_bytes(&key), rest->arena, &value) &&
            row_load(&record__cursor__descriptor, key_bytes(&key), value, rest->arena, &message, &why) == ERR_NONE)
            cursor = (Record__Cursor *)message;
        if (!cursor || !cursor->log) {
            snprintf(rest->why, rest->why_size, "the cursor of %s-%" PRIu32 " does not stand under its own key",
                     config_service_name(log->service), log->partition);
            return ERR_CORRUPT;
        }
        cursor->log->epoch = end->log->epoch;
        put_message(rest, rest->cursors, &key, &cursor->base);
    }
    return store_error(rest->txn);
}

enum err atrest_begin_epoch(const char *folder, Hb__Service service, uint32_t partition,
                            const struct atrest_restore *restore, char *why_out, size_t why_size)
{
    struct arena arena;
    arena_init(&arena);
    struct rest rest = {.arena = &arena, .why = why_out, .why_size = why_size};
    Bus__PositionReport report = BUS__POSITION_REPORT__INIT;
    const Hb__Position *own = end_of(restore, service, partition);
    enum err err = own ? rest_open(&rest, folder, true) : ERR_NOT_FOUND;
    if (!own)
        snprintf(why_out, why_size, "the cut does not name this log");
    if (!err)
        err = read_cursors(&rest, &report);
    if (!err)
        err = follow(&rest, restore, &report);
    if (!err) {
        struct key key = key_text("head");
        rest.head->cell = restore->cell;
        rest.head->epoch = own->log->epoch;
        rest.head->restored_ms = restore->now_ms;
        rest.head->numbers_skip = restore->numbers_skip;
        put_message(&rest, rest.meta, &key, &rest.head->base);
    }
    err = rest_close(&rest, err);
    arena_fini(&arena);
    return err;
}

/* ---- erased keys ---- */

enum err atrest_erased(const char *vault_folder, struct arena *arena, uint64_t **key_ids_out, size_t *count_out)
{
    struct store_options options = {.read_only = true};
    struct store *store;
    store_table erased;
    *key_ids_out = NULL;
    *count_out = 0;
    enum err err = store_open(vault_folder, &options, &store);
    if (err)
        return err;
    err = store_table_open(store, "erased", &erased);
    if (!err) {
        struct store_txn *txn = store_begin(store, false);
        struct store_scan scan;
        struct bytes key;
        store_scan_open(&scan, txn, erased, (struct bytes){0}, (struct bytes){0});
        while (store_scan_next(&scan, arena, &key, NULL)) {
            *key_ids_out = arena_grow(arena, *key_ids_out, *count_out, sizeof **key_ids_out);
            (*key_ids_out)[(*count_out)++] = bytes_get_u64(key.data);
        }
        err = store_error(txn);
        store_abort(txn);
    }
    store_close(store);
    return err;
}
