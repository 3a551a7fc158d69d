/* A fresh fold equals the state: walk `heard` and fold each input and the own events it caused, in exactly that order,
   into an empty instance; then compare all tables that evolve writes. */
#include "message/message.h"
#include "organisation/organisation.h"
#include "service/internal.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

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

/* Calls `visit` for every table evolve writes, in one order. */
static const char *folded_table(struct instance *instance, unsigned index, store_table *table_out)
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
    return NULL;
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

struct walk {
    struct instance *from; /* the instance under check */
    struct store_txn *from_txn;
    struct instance *into; /* the empty one */
    struct turn turn;
    instance_read_fn *read;
    void *read_context;
    uint64_t own_next;
    char *why;
    size_t why_size;
};

static enum err fail(struct walk *walk, const char *what, uint64_t number)
{
    snprintf(walk->why, walk->why_size, "%s %" PRIu64, what, number);
    return ERR_CORRUPT;
}

static enum err fold_stored(struct walk *walk, struct bytes stored)
{
    ProtobufCMessage *message;
    char *why;
    if (message_load(&hb__event__descriptor, stored, walk->turn.arena, &message, &why))
        return fail(walk, "an event cannot be decoded near own offset", walk->own_next);
    walk->turn.now = ((Hb__Event *)message)->recorded_ms;
    turn_fold(&walk->turn, (const Hb__Event *)message);
    walk->turn.known_count = 0;
    return ERR_NONE;
}

static enum err fold_other(struct walk *walk, const Hb__LogId *log, uint64_t offset)
{
    struct bytes stored;
    if (!walk->read(walk->read_context, log, offset, walk->turn.arena, &stored))
        return fail(walk, "a heard event is not in its producer's log: offset", offset);
    return fold_stored(walk, stored);
}

static enum err fold_own(struct walk *walk, const Record__Input *input)
{
    for (uint64_t offset = input->first_own; offset && offset <= input->last_own; offset++) {
        if (offset != walk->own_next)
            return fail(walk, "an own event has no cause in heard: offset", walk->own_next);
        struct bytes stored;
        if (!eventlog_get(walk->from_txn, walk->from->runtime_tables[RUNTIME_LOG], offset, walk->turn.arena, &stored))
            return fail(walk, "an own event is missing: offset", offset);
        enum err err = fold_stored(walk, stored);
        if (err)
            return err;
        walk->own_next++;
    }
    return ERR_NONE;
}

static bool is_among(uint64_t offset, const uint64_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == offset)
            return true;
    return false;
}

static enum err fold_input(struct walk *walk, const Record__Input *input)
{
    struct turn *turn = &walk->turn;
    enum err err = ERR_NONE;
    switch (input->kind_case) {
    case RECORD__INPUT__KIND_HEARD:
        for (uint64_t offset = input->heard->from; offset <= input->heard->to && !err; offset++)
            if (!is_among(offset, input->heard->waits, input->heard->n_waits))
                err = fold_other(walk, input->heard->log, offset);
        break;
    case RECORD__INPUT__KIND_RELEASED:
        err = fold_other(walk, input->released->log, input->released->offset);
        break;
    case RECORD__INPUT__KIND_TIMER:
        turn->phase = PHASE_EVOLVE;
        turn_timer_clear(turn, input->timer->due_ms, bytes_of(input->timer->key.data, input->timer->key.len));
        break;
    case RECORD__INPUT__KIND_JOB: /* the runtime moves the row after the step's events are folded */
        err = fold_own(walk, input);
        turn->phase = PHASE_EVOLVE;
        if (!err && input->job->done) {
            job_delete(turn, input->job->id);
        } else if (!err) {
            uint64_t id;
            Record__Job *job;
            if (!job_first(turn, &id, &job) || id != input->job->id)
                return fail(walk, "a job step names a job that is not there:", input->job->id);
            job->next = input->job->next;
            job_save(turn, id, job);
        }
        return err;
    case RECORD__INPUT__KIND_COMMAND:
    case RECORD__INPUT__KIND_EFFECT:
    case RECORD__INPUT__KIND_QUARANTINED:
    case RECORD__INPUT__KIND__NOT_SET:
        break;
    }
    return err ? err : fold_own(walk, input);
}

static enum err fold_all(struct walk *walk)
{
    struct store_scan scan;
    struct arena *arena = walk->turn.arena;
    struct arena rows;
    arena_init(&rows);
    store_scan_open(&scan, walk->from_txn, walk->from->runtime_tables[RUNTIME_HEARD], (struct bytes){0},
                    (struct bytes){0});
    struct bytes key, value;
    enum err err = ERR_NONE;
    uint64_t turn = 0;
    while (!err && store_scan_next(&scan, &rows, &key, &value)) {
        ProtobufCMessage *message;
        char *why;
        if (bytes_get_u64(key.data) != ++turn)
            err = fail(walk, "a row of heard is missing: turn", turn);
        else if (message_load(&record__heard__descriptor, value, &rows, &message, &why))
            err = fail(walk, "a row of heard cannot be decoded: turn", turn);
        for (size_t i = 0; !err && i < ((Record__Heard *)message)->n_inputs; i++) {
            err = fold_input(walk, ((Record__Heard *)message)->inputs[i]);
            arena_reset(arena);
            walk->turn.said = NULL;
            walk->turn.known = NULL;
        }
        arena_reset(&rows);
    }
    arena_fini(&rows);
    if (!err && walk->own_next != walk->from->head.offset + 1)
        err = fail(walk, "an own event has no cause in heard: offset", walk->own_next);
    return err;
}

static enum err compare(struct walk *walk)
{
    store_table from_table, into_table;
    const char *name;
    for (unsigned i = 0; (name = folded_table(walk->from, i, &from_table)); i++) {
        folded_table(walk->into, i, &into_table);
        uint8_t a[32], b[32];
        if (hash_one(walk->from, from_table, name, a) || hash_one(walk->into, into_table, name, b) ||
            memcmp(a, b, sizeof a) != 0) {
            snprintf(walk->why, walk->why_size, "%s: a fresh fold differs from the state in table %s",
                     walk->from->service->name, name);
            return ERR_CORRUPT;
        }
    }
    return ERR_NONE;
}

enum err instance_check_fold(struct instance *instance, const char *folder, instance_read_fn *read, void *context,
                             char *why_out, size_t why_size)
{
    struct walk walk = {
        .from = instance, .read = read, .read_context = context, .own_next = 1, .why = why_out, .why_size = why_size};
    struct instance_options options = instance->options;
    options.folder = folder;
    options.no_sync = true;
    options.feeds_count = 0;
    options.map_bytes = 0;
    struct service bare = *instance->service; /* the vault and secrets are not folded */
    bare.keeps_vault = bare.keeps_secrets = false;
    enum err err = instance_open(&bare, &options, instance->env, &walk.into, why_out, why_size);
    if (err)
        return err;
    walk.from_txn = store_begin(instance->store, false);
    struct store_txn *into_txn = store_begin(walk.into->store, true);
    struct arena arena;
    arena_init(&arena);
    turn_begin(&walk.turn, walk.into, into_txn, &arena, 0);
    err = fold_all(&walk);
    enum err committed = err ? (store_abort(into_txn), err) : store_commit(into_txn);
    if (!err && committed)
        err = fail(&walk, "the fold could not be stored", 0);
    if (!err)
        err = compare(&walk);
    store_abort(walk.from_txn);
    arena_fini(&arena);
    instance_close(walk.into);
    return err;
}
