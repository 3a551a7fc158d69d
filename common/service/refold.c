/* A fresh fold equals the state: walk `heard` and fold each input and the own events it caused, in exactly that order,
   into an empty instance; then compare all tables that evolve writes. The walk goes in steps between the turns of the
   instance, in short transactions, for `heard` and the log only grow; when it has caught up, the tables are compared in
   one snapshot, held as long as the comparison takes. The same walk makes the tables of a divided partition anew, in
   place (fork.c). */
#include "message/message.h"
#include "organisation/organisation.h"
#include "service/internal.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static void hash_table(crypto_generichash_state *state, struct store_txn *txn, store_table table, const char *name,
                       struct arena *arena)
{
    struct store_scan scan;
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    crypto_generichash_update(state, (const uint8_t *)name, strlen(name) + 1);
    struct bytes key, value;
    while (store_scan_next(&scan, arena, &key, &value)) {
        uint8_t sizes[8];
        bytes_put_u32(sizes, (uint32_t)key.size);
        bytes_put_u32(sizes + 4, (uint32_t)value.size);
        crypto_generichash_update(state, sizes, sizeof sizes);
        crypto_generichash_update(state, key.data, key.size);
        crypto_generichash_update(state, value.data, value.size);
        arena_reset(arena);
    }
}

static const enum runtime_table folded[] = {RUNTIME_TIMERS, RUNTIME_EFFECTS, RUNTIME_EFFECTS_DUE, RUNTIME_JOBS};
#define FOLDED_COUNT (sizeof folded / sizeof *folded)

const char *folded_table(struct instance *instance, unsigned index, store_table *table_out)
{
    static const char *const names[FOLDED_COUNT] = {"timers", "effects", "effects_due", "jobs"};
    if (index < FOLDED_COUNT) {
        *table_out = instance->runtime_tables[folded[index]];
        return names[index];
    }
    index -= FOLDED_COUNT;
    if (index < instance->service->tables_count) {
        *table_out = instance->tables[index];
        return instance->service->tables[index];
    }
    index -= instance->service->tables_count;
    if (instance->service->keeps_organisation && index < organisation_tables_count) {
        *table_out = instance->organisation_tables[index];
        return organisation_tables[index];
    }
    index -= instance->service->keeps_organisation ? organisation_tables_count : 0;
    if (!instance->options.cells_count)
        return NULL;
    if (index < instance->service->tables_count) {
        *table_out = instance->cells_tables[index];
        return instance->service->tables[index];
    }
    index -= instance->service->tables_count;
    if (instance->service->keeps_organisation && index < organisation_tables_count) {
        *table_out = instance->cells_organisation_tables[index];
        return organisation_tables[index];
    }
    return NULL;
}

/* What the table's name begins with in the store (open_tables). */
static const char *folded_prefix(const struct instance *instance, unsigned index)
{
    static const char *const prefixes[] = {"", "s_", "o_", "cs_", "co_"};
    const unsigned own = instance->service->tables_count,
                   organisation = instance->service->keeps_organisation ? organisation_tables_count : 0,
                   counts[] = {FOLDED_COUNT, own, organisation, own};
    unsigned kind = 0;
    while (kind < sizeof counts / sizeof *counts && index >= counts[kind])
        index -= counts[kind++];
    return prefixes[kind];
}

static enum err hash_one(struct instance *instance, store_table table, const char *name, uint8_t hash_out[32])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, 32);
    struct store_txn *txn = store_begin(instance->store, false);
    struct arena arena;
    arena_init(&arena);
    hash_table(&state, txn, table, name, &arena);
    enum err err = store_error(txn);
    store_abort(txn);
    arena_fini(&arena);
    crypto_generichash_final(&state, hash_out, 32);
    return err;
}

enum err instance_state_hash(struct instance *instance, uint8_t hash_out[32])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, 32);
    store_table table;
    const char *name;
    for (unsigned i = 0; (name = folded_table(instance, i, &table)); i++) {
        uint8_t one[32];
        enum err err = hash_one(instance, table, name, one);
        if (err)
            return err;
        crypto_generichash_update(&state, one, sizeof one);
    }
    crypto_generichash_final(&state, hash_out, 32);
    return ERR_NONE;
}

/* ---- the walk ---- */

/* What one step takes, so that it stays well under 100 ms: events folded, rows compared. */
#define WALK_STEP_BYTES (256u << 10)
#define COMPARE_STEP_BYTES (1u << 20)
#define COMPARE_STEP_ROWS 2000u

/* How far `heard` says that a log was heard: the cursor must stand there. */
struct reached {
    struct reached *next;
    Hb__LogId log;
    uint64_t to;
};

struct refold {
    struct instance *from; /* the instance under check */
    struct instance *into; /* the empty one */
    struct service bare;   /* the vault is not folded */
    struct refold_reader reader;
    struct store_txn *from_txn; /* of this step; while comparing, the snapshot */
    struct turn turn;           /* of `into` */
    struct arena arena, rows;
    struct reached *reached; /* by the rows walked */
    Record__Heard *row;      /* decoded, waiting to be folded; in `rows` */
    uint64_t walked;         /* rows folded */
    uint64_t own_next;
    size_t step_bytes;
    unsigned table; /* being compared */
    bool comparing, comparing_table;
    uint64_t until; /* in place: the last row to fold; 0: all there are, then the tables are compared */
    struct store_scan from_scan, into_scan;
    char why[2400]; /* two keys in hex */
};

static enum err fail(struct refold *refold, const char *what, uint64_t number)
{
    snprintf(refold->why, sizeof refold->why, "%s %" PRIu64, what, number);
    return ERR_CORRUPT;
}

static enum err fold_stored(struct refold *refold, struct bytes stored)
{
    ProtobufCMessage *message;
    char *why;
    if (message_load(&hb__event__descriptor, stored, refold->turn.arena, &message, &why))
        return fail(refold, "an event cannot be decoded near own offset", refold->own_next);
    refold->step_bytes += stored.size;
    refold->turn.now = ((Hb__Event *)message)->recorded_ms;
    if (event_ours(&refold->turn, (const Hb__Event *)message)) /* a divided partition folds its share of the whole */
        turn_fold(&refold->turn, (const Hb__Event *)message);
    refold->turn.known_count = 0;
    return ERR_NONE;
}

static enum err fold_other(struct refold *refold, const Hb__LogId *log, uint64_t offset)
{
    struct bytes stored;
    if (!refold->reader.read(refold->reader.context, log, offset, refold->turn.arena, &stored)) {
        char name[64];
        log_name(refold->from, log, name);
        snprintf(refold->why, sizeof refold->why, "a heard event is not in the log of %s: offset %" PRIu64, name,
                 offset);
        return ERR_CORRUPT;
    }
    return fold_stored(refold, stored);
}

static enum err fold_own(struct refold *refold, const Record__Input *input)
{
    for (uint64_t offset = input->first_own; offset && offset <= input->last_own; offset++) {
        if (offset != refold->own_next)
            return fail(refold, "an own event has no cause in heard: offset", refold->own_next);
        struct bytes stored;
        if (!eventlog_get(refold->from_txn, refold->from->runtime_tables[RUNTIME_LOG], offset, refold->turn.arena,
                          &stored))
            return fail(refold, "an own event is missing: offset", offset);
        enum err err = fold_stored(refold, stored);
        if (err)
            return err;
        refold->own_next++;
    }
    return ERR_NONE;
}

bool heard_folds(const Record__HeardRange *range, uint64_t offset)
{
    for (size_t i = 0; i < range->n_waits; i++)
        if (range->waits[i] == offset)
            return false;
    return true;
}

/* The runtime moves the row of a job after the step's events are folded. */
static enum err fold_job(struct refold *refold, const Record__Input *input)
{
    struct turn *turn = &refold->turn;
    enum err err = fold_own(refold, input);
    uint64_t case_id = input->job->case_id, id;
    Record__Job *job;
    turn->phase = PHASE_EVOLVE;
    if (err || (case_id && !instance_has_bucket(refold->into, case_id_bucket(case_id))))
        return err; /* a job of the other half */
    if (!job_first(turn, &id, &job) || job->case_id != case_id)
        return fail(refold, "a job step names a job that is not there:", input->job->id);
    if (input->job->done) {
        job_delete(turn, id);
        return ERR_NONE;
    }
    job->next = input->job->next;
    job_save(turn, id, job);
    return ERR_NONE;
}

static void reach(struct refold *refold, const Hb__LogId *log, uint64_t to)
{
    struct reached *reached = refold->reached;
    while (reached && (reached->log.cell != log->cell || reached->log.service != log->service ||
                       reached->log.partition != log->partition))
        reached = reached->next;
    if (!reached) {
        reached = calloc(1, sizeof *reached);
        bug_unless(reached);
        *reached = (struct reached){refold->reached, *log, 0};
        refold->reached = reached;
    }
    reached->to = to > reached->to ? to : reached->to;
}

/* Of a divided log the common beginning was heard by way of the other half. */
static bool divided(const struct instance *instance, Hb__Service service)
{
    const Config__Config *config = instance->options.config;
    for (size_t i = 0; config && i < config->n_instances; i++)
        if (config->instances[i]->forked && config->instances[i]->service == service)
            return true;
    return false;
}

static enum err check_cursor(struct refold *refold, const struct reached *reached)
{
    struct key key = cursor_key_of(refold->from, &reached->log);
    struct bytes value;
    ProtobufCMessage *message;
    char *why, name[64];
    bool found = store_get(refold->from_txn, refold->from->runtime_tables[RUNTIME_CURSORS], key_bytes(&key),
                           &refold->rows, &value) &&
                 !row_load(&record__cursor__descriptor, key_bytes(&key), value, &refold->rows, &message, &why);
    uint64_t offset = found ? ((const Record__Cursor *)message)->offset : 0;
    if (offset == reached->to || (offset > reached->to && divided(refold->from, reached->log.service)))
        return ERR_NONE;
    log_name(refold->from, &reached->log, name);
    snprintf(refold->why, sizeof refold->why, "%s: %s was heard up to offset %" PRIu64 ", its cursor %s",
             store_place(&refold->rows, "cursors", key_bytes(&key)), name, reached->to,
             found ? "stands elsewhere" : "is lost");
    return ERR_CORRUPT;
}

/* All rows are walked, in this very snapshot: do the runtime's own say the same? */
static enum err check_walked(struct refold *refold)
{
    enum err err = ERR_NONE;
    uint64_t rows = store_count(refold->from_txn, refold->from->runtime_tables[RUNTIME_HEARD]);
    if (refold->own_next != refold->from->head.offset + 1)
        return fail(refold, "an own event has no cause in heard: offset", refold->own_next);
    if (refold->until)
        return ERR_NONE;
    if (rows != refold->walked) {
        char *passed =
            store_disorder_text(refold->from_txn, refold->from->runtime_tables[RUNTIME_HEARD], "heard", &refold->rows);
        snprintf(refold->why, sizeof refold->why, "table heard: %" PRIu64 " rows for %" PRIu64 " turns%s%s", rows,
                 refold->walked, passed ? ": " : "", passed ? passed : "");
        return ERR_CORRUPT;
    }
    for (const struct reached *reached = refold->reached; reached && !err; reached = reached->next)
        err = check_cursor(refold, reached);
    return err;
}

static enum err fold_input(struct refold *refold, const Record__Input *input)
{
    struct turn *turn = &refold->turn;
    enum err err = ERR_NONE;
    switch (input->kind_case) {
    case RECORD__INPUT__KIND_HEARD:
        reach(refold, input->heard->log, input->heard->to);
        for (uint64_t offset = input->heard->from; offset <= input->heard->to && !err; offset++)
            if (heard_folds(input->heard, offset))
                err = fold_other(refold, input->heard->log, offset);
        break;
    case RECORD__INPUT__KIND_RELEASED:
        err = fold_other(refold, input->released->log, input->released->offset);
        break;
    case RECORD__INPUT__KIND_TIMER:
        turn->phase = PHASE_EVOLVE;
        if (input->timer->again_ms)
            timer_put_off(turn, input->timer->due_ms, bytes_of(input->timer->key.data, input->timer->key.len),
                          input->timer->again_ms);
        else
            turn_timer_clear(turn, input->timer->due_ms, bytes_of(input->timer->key.data, input->timer->key.len));
        break;
    case RECORD__INPUT__KIND_EFFECT:
        turn->phase = PHASE_EVOLVE;
        if (input->effect->passed_over)
            turn_effect_clear(turn, input->effect->id);
        break;
    case RECORD__INPUT__KIND_JOB:
        return fold_job(refold, input);
    case RECORD__INPUT__KIND_COMMAND:
    case RECORD__INPUT__KIND_QUARANTINED:
    case RECORD__INPUT__KIND_FORKED:
    case RECORD__INPUT__KIND__NOT_SET:
        break;
    }
    return err ? err : fold_own(refold, input);
}

static enum err fail_heard(struct refold *refold, const struct key *key, const char *what)
{
    snprintf(refold->why, sizeof refold->why, "%s, turn %" PRIu64 ": %s",
             store_place(&refold->rows, "heard", key_bytes(key)), refold->walked + 1, what);
    return ERR_CORRUPT;
}

/* A row whose key was altered hides others: then it is that one that is named. */
static const char *missing_row(struct refold *refold)
{
    char *passed =
        store_disorder_text(refold->from_txn, refold->from->runtime_tables[RUNTIME_HEARD], "heard", &refold->rows);
    return passed ? arena_printf(&refold->rows, "is not found: %s", passed) : "is missing";
}

/* The next row of `heard`. False with ERR_NONE: all rows are folded. */
static bool next_row(struct refold *refold, enum err *err_out)
{
    struct key key = key_u64(refold->walked + 1);
    struct bytes value;
    ProtobufCMessage *message;
    char *why;
    *err_out = ERR_NONE;
    if (refold->row)
        return true;
    arena_reset(&refold->rows);
    if (!store_get(refold->from_txn, refold->from->runtime_tables[RUNTIME_HEARD], key_bytes(&key), &refold->rows,
                   &value)) {
        *err_out = store_error(refold->from_txn);
        if (!*err_out && refold->walked < refold->from->head.turns)
            *err_out = fail_heard(refold, &key, missing_row(refold));
        return false;
    }
    if (row_load(&record__heard__descriptor, key_bytes(&key), value, &refold->rows, &message, &why)) {
        *err_out = fail_heard(refold, &key, why);
        return false;
    }
    refold->row = (Record__Heard *)message;
    return true;
}

static enum err fold_row(struct refold *refold)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; !err && i < refold->row->n_inputs; i++) {
        err = fold_input(refold, refold->row->inputs[i]);
        arena_reset(&refold->arena);
        arena_reset(refold->turn.kept);
        refold->turn.known = NULL;
    }
    refold->row = NULL;
    refold->walked++;
    return err;
}

/* In place the rows folded so far are known in the same transaction as what they made. */
static void save_progress(struct refold *refold, struct store_txn *txn)
{
    struct key key = key_text("rebuild");
    Record__Rebuild rebuild = RECORD__REBUILD__INIT;
    rebuild.rows = refold->walked;
    rebuild.own = refold->own_next - 1;
    rebuild.until = refold->until;
    row_put(txn, refold->into->runtime_tables[RUNTIME_META], key_bytes(&key), message_of(&rebuild), &refold->arena);
}

/* Rows until enough was read. All folded: the comparison begins, in a snapshot of this very moment. */
static enum refold_state walk(struct refold *refold)
{
    enum err err = ERR_NONE;
    bool more = true, ready = true;
    refold->from_txn = store_begin(refold->from->store, false);
    struct store_txn *into_txn = store_begin(refold->into->store, true);
    turn_begin(&refold->turn, refold->into, into_txn, &refold->arena, 0);
    refold->step_bytes = 0;
    while (!err && more && ready && refold->step_bytes < WALK_STEP_BYTES) {
        more = (!refold->until || refold->walked < refold->until) && next_row(refold, &err);
        ready =
            more && (!refold->reader.ready || refold->reader.ready(refold->reader.context, refold->row, &refold->rows));
        if (ready)
            err = fold_row(refold);
    }
    if (refold->until)
        save_progress(refold, into_txn);
    enum err committed = err ? (store_abort(into_txn), ERR_NONE) : store_commit(into_txn);
    if (committed)
        snprintf(refold->why, sizeof refold->why, "the fold could not be stored: %s", err_text(committed));
    if (!err && !committed && !more)
        err = check_walked(refold);
    bool all = !err && !committed && !more;
    refold->comparing = all && !refold->until;
    if (!refold->comparing) {
        store_abort(refold->from_txn);
        refold->from_txn = NULL;
    }
    return committed              ? REFOLD_FAILED
           : err                  ? REFOLD_DIFFERS
           : all && refold->until ? REFOLD_SAME
           : more && !ready       ? REFOLD_WAITS
                                  : REFOLD_MORE;
}

/* ---- the comparison ---- */

/* `made`: the row of a fresh fold. Empty: there is none. */
static enum refold_state differs(struct refold *refold, const char *table, struct bytes kept, struct bytes made)
{
    char *place = store_place(&refold->arena, table, kept.data ? kept : made);
    const char *other = !kept.data                ? "is missing: a fresh fold has it"
                        : !made.data              ? "a fresh fold has no such row"
                        : bytes_equal(kept, made) ? "a fresh fold has another value"
                                                  : NULL;
    if (other)
        snprintf(refold->why, sizeof refold->why, "%s: %s", place, other);
    else
        snprintf(refold->why, sizeof refold->why, "%s: a fresh fold has, instead, %s", place,
                 store_place(&refold->arena, table, made));
    return REFOLD_DIFFERS;
}

/* Where a key was altered the scan passes others by: the place is where the order breaks. */
static enum refold_state differs_or_passed(struct refold *refold, store_table from_table, const char *table,
                                           struct bytes kept, struct bytes made)
{
    char *name = arena_printf(&refold->arena, "%s%s", folded_prefix(refold->from, refold->table), table);
    char *passed = store_disorder_text(refold->from_txn, from_table, name, &refold->arena);
    if (!passed)
        return differs(refold, name, kept, made);
    snprintf(refold->why, sizeof refold->why, "%s", passed);
    return REFOLD_DIFFERS;
}

/* A page whose count of rows was altered, or another key on the way to this one: who asks for it is told that there is
   none. */
static enum refold_state not_found(struct refold *refold, store_table from_table, const char *table, struct bytes key)
{
    char *name = arena_printf(&refold->arena, "%s%s", folded_prefix(refold->from, refold->table), table);
    char *passed = store_disorder_text(refold->from_txn, from_table, name, &refold->arena);
    if (passed)
        snprintf(refold->why, sizeof refold->why, "%s", passed);
    else
        snprintf(refold->why, sizeof refold->why, "%s: it is there, and is not found by its key",
                 store_place(&refold->arena, name, key));
    return REFOLD_DIFFERS;
}

static enum refold_state compare(struct refold *refold)
{
    store_table from_table, into_table;
    const char *name = folded_table(refold->from, refold->table, &from_table);
    struct store_txn *into_txn = store_begin(refold->into->store, false);
    enum refold_state state = name ? REFOLD_MORE : REFOLD_SAME;
    if (name && !refold->comparing_table) {
        bug_unless(folded_table(refold->into, refold->table, &into_table));
        store_scan_open(&refold->from_scan, refold->from_txn, from_table, (struct bytes){0}, (struct bytes){0});
        store_scan_open(&refold->into_scan, into_txn, into_table, (struct bytes){0}, (struct bytes){0});
        refold->comparing_table = true;
    }
    refold->into_scan.txn = into_txn;
    size_t bytes = 0;
    for (unsigned rows = 0; name && state == REFOLD_MORE && rows < COMPARE_STEP_ROWS && bytes < COMPARE_STEP_BYTES;
         rows++) {
        struct bytes a = {0}, b = {0}, a_value = {0}, b_value = {0};
        bool one = store_scan_next(&refold->from_scan, &refold->arena, &a, &a_value);
        bool other = store_scan_next(&refold->into_scan, &refold->arena, &b, &b_value);
        bytes += a.size + a_value.size;
        if (!one && !other) {
            refold->comparing_table = false;
            refold->table++;
            break;
        }
        if (one != other || !bytes_equal(a, b) || !bytes_equal(a_value, b_value))
            state = differs_or_passed(refold, from_table, name, a, b);
        else if (!store_has(refold->from_txn, from_table, a))
            state = not_found(refold, from_table, name, a);
        arena_reset(&refold->arena);
    }
    bool failed = store_error(refold->from_txn) || store_error(into_txn);
    if (failed && !(name && store_disorder_text(refold->from_txn, from_table, name, &refold->arena))) {
        snprintf(refold->why, sizeof refold->why, "the tables cannot be read");
        state = REFOLD_FAILED;
    }
    store_abort(into_txn);
    return state;
}

enum refold_state refold_step(struct refold *refold, const char **why_out)
{
    *why_out = refold->why;
    return refold->comparing ? compare(refold) : walk(refold);
}

struct store_txn *refold_snapshot(struct refold *refold)
{
    return refold->comparing ? refold->from_txn : NULL;
}

uint64_t refold_walked(const struct refold *refold)
{
    return refold->walked;
}

enum err refold_open(struct instance *instance, const char *folder, const struct refold_reader *reader,
                     struct refold **refold_out, char *why_out, size_t why_size)
{
    struct refold *refold = calloc(1, sizeof *refold);
    bug_unless(refold);
    refold->from = instance;
    refold->reader = *reader;
    refold->own_next = 1;
    refold->bare = *instance->service;
    refold->bare.keeps_vault = refold->bare.keeps_files = false;
    struct instance_options options = instance->options;
    options.folder = folder;
    options.no_sync = true;
    options.feeds_count = 0;
    options.log = NULL;
    options.map_bytes = 0;
    enum err err = instance_open(&refold->bare, &options, instance->env, &refold->into, why_out, why_size);
    if (err) {
        free(refold);
        return err;
    }
    arena_init(&refold->arena);
    arena_init(&refold->rows);
    *refold_out = refold;
    return ERR_NONE;
}

struct refold *refold_go_on(struct instance *instance, const struct refold_reader *reader,
                            const Record__Rebuild *rebuild)
{
    struct refold *refold = calloc(1, sizeof *refold);
    bug_unless(refold);
    refold->from = refold->into = instance;
    refold->reader = *reader;
    refold->walked = rebuild->rows;
    refold->own_next = rebuild->own + 1;
    refold->until = rebuild->until;
    arena_init(&refold->arena);
    arena_init(&refold->rows);
    return refold;
}

void refold_close(struct refold *refold)
{
    if (!refold)
        return;
    if (refold->from_txn)
        store_abort(refold->from_txn);
    arena_fini(&refold->arena);
    arena_fini(&refold->rows);
    while (refold->reached) {
        struct reached *next = refold->reached->next;
        free(refold->reached);
        refold->reached = next;
    }
    if (refold->into != refold->from)
        instance_close(refold->into);
    free(refold);
}

/* ---- all at once (simulation) ---- */

struct at_once {
    instance_read_fn *read;
    void *context;
};

static bool read_at_once(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena,
                         struct bytes *event_out)
{
    const struct at_once *at_once = context;
    return at_once->read(at_once->context, log, offset, arena, event_out);
}

/* The same instance, perhaps after a restart: what was folded stays, for `heard` only grows. */
static void go_on(struct refold *refold, struct instance *instance, const struct refold_reader *reader)
{
    refold->from = instance;
    refold->reader = *reader;
    refold->table = 0;
    refold->comparing = refold->comparing_table = false;
}

enum err instance_check_fold(struct instance *instance, const char *folder, struct refold **going,
                             instance_read_fn *read, void *context, char *why_out, size_t why_size)
{
    struct at_once at_once = {read, context};
    struct refold_reader reader = {NULL, read_at_once, &at_once};
    struct refold *refold = going ? *going : NULL;
    if (refold) {
        go_on(refold, instance, &reader);
    } else {
        enum err err = refold_open(instance, folder, &reader, &refold, why_out, why_size);
        if (err)
            return err;
    }
    const char *why;
    enum refold_state state;
    while ((state = refold_step(refold, &why)) == REFOLD_MORE)
        ;
    if (state != REFOLD_SAME)
        snprintf(why_out, why_size, "%s", why);
    if (refold->from_txn)
        store_abort(refold->from_txn);
    refold->from_txn = NULL;
    if (going)
        *going = refold;
    else
        refold_close(refold);
    return state == REFOLD_SAME ? ERR_NONE : ERR_CORRUPT;
}
