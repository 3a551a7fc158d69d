/* Control VERIFY: is what this instance keeps what its log and the logs it heard say? Its own hash chain; its cursors,
   which the producers are asked about; a fresh fold of everything heard, read again from the producers; whether the
   runtime's own tables agree with each other; whether the keys of its vault open; and whether a row of
   its index of words was altered.

   It works in steps of a few milliseconds between turns, so that the service goes on meanwhile; a forked child would be
   simpler, but neither LMDB nor ZeroMQ survives a fork (pitfalls 5 and 6.1). Only the comparison of the tables holds a
   snapshot for longer. The caller waits at most VERIFY_PARK_MS and is then told how far it is, and asks again. */
#include "message/message.h"
#include "service/internal.h"
#include "vault/vault.h"
#include "vault/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VERIFY_PARK_MS 10000
#define VERIFY_KEPT_MS 600000 /* findings that nobody waited for */
#define VERIFY_FINDINGS_MAX 100u
#define VERIFY_KEYS 1000u   /* of the vault in one step */
#define VERIFY_EVENTS 2000u /* of the chain, and rows of a table, in one step */

struct parked_verify {
    struct parked_verify *next;
    struct bus_call call;
    int64_t until_boot_ms;
};

enum verify_phase {
    VERIFY_CHAIN,
    VERIFY_CURSORS,
    VERIFY_FOLD,
    VERIFY_TABLES,
    VERIFY_VAULT,
    VERIFY_SECRETS,
    VERIFY_FILES,
    VERIFY_WORDS,
    VERIFY_DONE
};

struct verify {
    struct instance *instance;
    enum verify_phase phase;
    struct parked_verify *parked;
    struct arena arena; /* findings */
    char *findings;
    unsigned findings_count;
    struct eventlog_walk chain;
    unsigned feed; /* whose cursor is being asked about */
    struct refold *refold;
    char folder[4300];
    struct gather *gather;
    unsigned table;
    struct store_scan scan;
    uint64_t rows; /* of the table, looked at so far */
    bool scanning;
    struct vault_check *vault;
    struct files_look files;
    struct words_check *words;
    int64_t done_boot_ms;
};

static void find(struct verify *verify, const char *text)
{
    verify->findings_count++;
    if (verify->findings_count <= VERIFY_FINDINGS_MAX)
        verify->findings = arena_printf(&verify->arena, "%s%s\n", verify->findings, text);
}

/* ---- cursors ---- */

static const char *problem_text(Bus__Fetched__Problem problem)
{
    switch (problem) {
    case BUS__FETCHED__PROBLEM__NONE:
        break;
    case BUS__FETCHED__PROBLEM__EPOCH_MISMATCH:
        return "its log has another epoch";
    case BUS__FETCHED__PROBLEM__HASH_MISMATCH:
        return "it holds another event at our cursor";
    case BUS__FETCHED__PROBLEM__BEYOND_END:
        return "its log ends before our cursor";
    }
    return "";
}

static const char *name_of(struct verify *verify, const struct feed *feed)
{
    char name[64];
    log_name(verify->instance, &feed->log, name);
    return arena_strdup(&verify->arena, name);
}

static void on_cursor_told(void *context, const Bus__Fetched *fetched)
{
    struct verify *verify = context;
    const struct feed *feed = &verify->instance->feeds[verify->feed];
    if (fetched->problem != BUS__FETCHED__PROBLEM__NONE)
        find(verify, arena_printf(&verify->arena, "cursor at %s offset %" PRIu64 ": %s", name_of(verify, feed),
                                  feed->cursor, problem_text(fetched->problem)));
    verify->feed++;
}

/* ---- the runtime's tables agree with each other ---- */

static bool has(struct verify *verify, struct store_txn *txn, enum runtime_table table, struct bytes key)
{
    return store_has(txn, verify->instance->runtime_tables[table], key);
}

static void *unpacked(struct verify *verify, const ProtobufCMessageDescriptor *descriptor, struct bytes value)
{
    ProtobufCMessage *message;
    char *why;
    return message_load(descriptor, value, &verify->instance->arena, &message, &why) ? NULL : message;
}

static void *loaded(struct verify *verify, const ProtobufCMessageDescriptor *descriptor, struct bytes key,
                    struct bytes value)
{
    ProtobufCMessage *message;
    char *why;
    return row_load(descriptor, key, value, &verify->instance->arena, &message, &why) ? NULL : message;
}

/* Of a row that another one names: it is not there. */
static const char *missing(struct verify *verify, const char *table, struct bytes key)
{
    return arena_printf(&verify->instance->arena, "%s is missing", store_place(&verify->instance->arena, table, key));
}

static const char *wrong_effect(struct verify *verify, struct store_txn *txn, struct bytes key, struct bytes value)
{
    const Record__Effect *effect = unpacked(verify, &record__effect__descriptor, value);
    if (!effect)
        return "it cannot be decoded";
    struct key due = key_u64((uint64_t)effect->due_ms);
    key_add(&due, key.data, key.size);
    bool there = has(verify, txn, RUNTIME_EFFECTS_DUE, key_bytes(&due));
    return there ? NULL : missing(verify, "effects_due", key_bytes(&due));
}

/* A row of an order by time: the time, then the key of what is ordered. */
static const char *wrong_order(struct verify *verify, struct store_txn *txn, enum runtime_table of, const char *name,
                               struct bytes key)
{
    if (key.size <= 8)
        return "the key is too short";
    struct bytes named = bytes_of(key.data + 8, key.size - 8);
    return has(verify, txn, of, named) ? NULL : missing(verify, name, named);
}

static const char *wrong_outcome(struct verify *verify, struct store_txn *txn, struct bytes key, struct bytes value)
{
    const Record__Outcome *outcome = loaded(verify, &record__outcome__descriptor, key, value);
    if (!outcome)
        return "it was altered";
    if (outcome->first > outcome->last || outcome->last > verify->instance->head.offset)
        return "it names events beyond the log";
    struct key age = key_u64((uint64_t)outcome->recorded_ms);
    key_add(&age, key.data, key.size);
    bool there = has(verify, txn, RUNTIME_OUTCOMES_AGE, key_bytes(&age));
    return there ? NULL : missing(verify, "outcomes_age", key_bytes(&age));
}

static const char *wrong_waiting(struct verify *verify, struct bytes key, struct bytes value)
{
    const Record__Waiting *waiting = loaded(verify, &record__waiting__descriptor, key, value);
    const Hb__Event *event =
        waiting ? unpacked(verify, &hb__event__descriptor, bytes_of(waiting->event.data, waiting->event.len)) : NULL;
    if (!event)
        return "it was altered";
    bool lies = key.size >= 16 && event->case_id == bytes_get_u64(key.data + key.size - 16);
    return lies ? NULL : "it lies under another case";
}

static const char *wrong_waiting_for(struct verify *verify, struct store_txn *txn, struct bytes key, struct bytes value)
{
    struct store_scan scan;
    struct bytes first;
    if (key.size < 9)
        return "the key is too short";
    const struct instance *instance = verify->instance;
    uint64_t cell = waiting_cell((const char *)key.data);
    struct key prefix = {.size = 0};
    if (cell && !instance->options.cells_count)
        return NULL; /* of a cell that is not heard any more */
    if (cell)
        key_add_u64(&prefix, cell);
    key_add(&prefix, key.data + key.size - 8, 8);
    store_scan_open(&scan, txn, cell ? instance->cells_waiting : instance->runtime_tables[RUNTIME_WAITING],
                    key_bytes(&prefix), (struct bytes){0});
    if (!store_scan_next(&scan, &verify->instance->arena, &first, NULL))
        return "nothing waits there";
    return row_mark_sound(key, value) ? NULL : "it was altered";
}

static const enum runtime_table checked[] = {RUNTIME_EFFECTS,      RUNTIME_EFFECTS_DUE, RUNTIME_OUTCOMES,
                                             RUNTIME_OUTCOMES_AGE, RUNTIME_WAITING,     RUNTIME_WAITING_FOR,
                                             RUNTIME_KNOWN};
static const char *const checked_names[] = {"effects", "effects_due", "outcomes", "outcomes_age",
                                            "waiting", "waiting_for", "known"};
#define CHECKED_COUNT (sizeof checked / sizeof *checked)

static const char *wrong_row(struct verify *verify, struct store_txn *txn, unsigned table, struct bytes key,
                             struct bytes value)
{
    switch (table < CHECKED_COUNT ? checked[table] : RUNTIME_WAITING) {
    case RUNTIME_EFFECTS:
        return wrong_effect(verify, txn, key, value);
    case RUNTIME_EFFECTS_DUE:
        return wrong_order(verify, txn, RUNTIME_EFFECTS, "effects", key);
    case RUNTIME_OUTCOMES:
        return wrong_outcome(verify, txn, key, value);
    case RUNTIME_OUTCOMES_AGE:
        return wrong_order(verify, txn, RUNTIME_OUTCOMES, "outcomes", key);
    case RUNTIME_WAITING:
        return wrong_waiting(verify, key, value);
    case RUNTIME_WAITING_FOR:
        return wrong_waiting_for(verify, txn, key, value);
    case RUNTIME_KNOWN:
        return row_mark_sound(key, value) ? NULL : "it was altered";
    case RUNTIME_META:
    case RUNTIME_LOG:
    case RUNTIME_CURSORS:
    case RUNTIME_HEARD:
    case RUNTIME_TIMERS:
    case RUNTIME_JOBS:
    case RUNTIME_TABLES:
        break;
    }
    return NULL;
}

/* The tables above, and what waits of other cells; NULL after the last. */
static const char *checked_table(const struct verify *verify, unsigned index, store_table *table_out)
{
    const struct instance *instance = verify->instance;
    if (index < CHECKED_COUNT) {
        *table_out = instance->runtime_tables[checked[index]];
        return checked_names[index];
    }
    *table_out = instance->cells_waiting;
    return index == CHECKED_COUNT && instance->options.cells_count ? "c_waiting" : NULL;
}

static void find_passed_by(struct verify *verify, struct store_txn *txn, store_table table, const char *name)
{
    char *text = store_disorder_text(txn, table, name, &verify->arena);
    find(verify, text ? text : arena_printf(&verify->arena, "table %s cannot be read", name));
}

/* True when all tables have been looked through. */
static bool check_tables(struct verify *verify, struct store_txn *txn)
{
    struct instance *instance = verify->instance;
    store_table table;
    const char *name = checked_table(verify, verify->table, &table);
    if (!name)
        return true;
    if (!verify->scanning) {
        store_scan_open(&verify->scan, txn, table, (struct bytes){0}, (struct bytes){0});
        verify->rows = 0;
    }
    verify->scanning = true;
    struct bytes key, value;
    for (unsigned rows = 0; rows < VERIFY_EVENTS; rows++, verify->rows++) {
        if (!store_scan_next(&verify->scan, &instance->arena, &key, &value)) {
            if (verify->rows != store_count(txn, table))
                find_passed_by(verify, txn, table, name);
            verify->scanning = false;
            verify->table++;
            break;
        }
        const char *wrong = wrong_row(verify, txn, verify->table, key, value);
        if (wrong)
            find(verify, arena_printf(&verify->arena, "%s: %s", store_place(&verify->arena, name, key), wrong));
        arena_reset(&instance->arena);
    }
    return false;
}

/* ---- the phases ---- */

static void step_chain(struct verify *verify)
{
    struct instance *instance = verify->instance;
    struct store_txn *txn = store_begin(instance->store, false);
    char why[200];
    bool end = false;
    enum err err = eventlog_walk_on(txn, instance->runtime_tables[RUNTIME_LOG], &verify->chain, VERIFY_EVENTS, &end,
                                    why, sizeof why);
    store_abort(txn);
    if (err)
        find(verify, arena_printf(&verify->arena, "own log, %s", why));
    else if (end && verify->chain.offset < instance->head.offset)
        find(verify, arena_printf(&verify->arena, "own log, offset %" PRIu64 ": the log ends before its head",
                                  verify->chain.offset + 1));
    if (err || end)
        verify->phase = VERIFY_CURSORS;
}

/* A producer that does not answer is told of: what it heard of it could not be checked. */
static bool gives_up(struct verify *verify, const struct feed *feed)
{
    if (!gather_failed(verify->gather))
        return false;
    find(verify, arena_printf(&verify->arena, "not checked: %s does not answer", name_of(verify, feed)));
    gather_retry(verify->gather);
    return true;
}

static void step_cursors(struct verify *verify, int64_t boot)
{
    struct instance *instance = verify->instance;
    if (gather_busy(verify->gather, boot))
        return;
    while (verify->feed < instance->feeds_count && instance->feeds[verify->feed].cursor == 0)
        verify->feed++;
    if (verify->feed == instance->feeds_count) {
        verify->phase = VERIFY_FOLD;
        return;
    }
    const struct feed *feed = &instance->feeds[verify->feed];
    if (gives_up(verify, feed)) {
        verify->feed++;
        return;
    }
    gather_cursor(verify->gather, feed, on_cursor_told, verify);
}

static void remove_folder(const struct verify *verify)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "poison", "promised"};
    char path[4400];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", verify->folder, files[i]);
        unlink(path);
    }
    rmdir(verify->folder);
}

static bool begin_fold(struct verify *verify)
{
    struct refold_reader reader = {gather_ready, gather_read, verify->gather};
    char why[300];
    remove_folder(verify); /* of a run that was cut off */
    if (refold_open(verify->instance, verify->folder, &reader, &verify->refold, why, sizeof why) == ERR_NONE)
        return true;
    find(verify, arena_printf(&verify->arena, "not checked: no room for a fresh fold: %s", why));
    verify->phase = VERIFY_VAULT;
    return false;
}

static void step_fold(struct verify *verify, int64_t boot)
{
    const char *why;
    if (gather_busy(verify->gather, boot) || (!verify->refold && !begin_fold(verify)))
        return;
    if (gather_failed(verify->gather)) {
        find(verify, "not checked: a fresh fold, because a producer does not answer");
        verify->phase = VERIFY_VAULT;
        return;
    }
    switch (refold_step(verify->refold, &why)) {
    case REFOLD_MORE:
    case REFOLD_WAITS:
        return;
    case REFOLD_SAME:
        verify->phase = VERIFY_TABLES;
        return;
    case REFOLD_DIFFERS:
        find(verify, why);
        verify->phase = refold_snapshot(verify->refold) ? VERIFY_TABLES : VERIFY_VAULT;
        return;
    case REFOLD_FAILED:
        find(verify, arena_printf(&verify->arena, "not checked: %s", why));
        verify->phase = VERIFY_VAULT;
        return;
    }
}

static void step_tables(struct verify *verify)
{
    if (check_tables(verify, refold_snapshot(verify->refold)))
        verify->phase = VERIFY_VAULT;
}

/* Rows of the vault that no longer open: what is sealed under them cannot be read, and is not to be had but from a
 * backup. */
static void step_vault(struct verify *verify)
{
    struct vault *vault = verify->instance->vault;
    const char *wrong;
    if (vault && !verify->vault)
        verify->vault = vault_check_open(vault);
    if (vault && vault_check_step(verify->vault, VERIFY_KEYS, &verify->arena, &wrong)) {
        if (wrong)
            find(verify, arena_printf(&verify->arena, "vault: %s: restore from a backup", wrong));
        return;
    }
    verify->phase = VERIFY_SECRETS;
}

static void step_secrets(struct verify *verify)
{
    struct instance *instance = verify->instance;
    const char *wrong = instance->service->wrong_secret
                            ? instance->service->wrong_secret(vault_store(instance->vault), &verify->arena)
                            : NULL;
    if (wrong)
        find(verify, arena_printf(&verify->arena, "secrets: %s", wrong));
    verify->phase = VERIFY_FILES;
}

static void close_files(struct verify *verify)
{
    if (verify->files.txn)
        store_abort(verify->files.txn);
    verify->files = (struct files_look){0};
}

struct files_looking {
    struct files_look *look;
    const char *wrong;
    bool more;
};

static void look_at_file(struct turn *turn, void *context)
{
    struct files_looking *looking = context;
    looking->more = turn->instance->service->check_files(turn, looking->look, &turn->instance->arena, &looking->wrong);
}

/* One file at a time. A damaged row is found by the comparison of the tables; what follows in its table is not looked
   at before it is restored. */
static void step_files(struct verify *verify)
{
    struct instance *instance = verify->instance;
    struct files_looking looking = {.look = &verify->files};
    if (!instance->files) {
        verify->phase = VERIFY_WORDS;
        return;
    }
    if (!verify->files.txn)
        verify->files.txn = store_begin(instance->files, false);
    struct store_txn *txn = store_begin(instance->store, false);
    struct turn turn;
    turn_begin(&turn, instance, txn, &instance->arena, instance->env->now(instance->env->context));
    turn_clear_input(&turn);
    if (!turn_read(&turn, look_at_file, &looking))
        looking = (struct files_looking){.wrong = turn.refusal->text->en};
    store_abort(txn);
    if (looking.wrong)
        find(verify, arena_printf(&verify->arena, "files: %s", looking.wrong));
    if (!looking.more) {
        close_files(verify);
        verify->phase = VERIFY_WORDS;
    }
    arena_reset(&instance->arena);
}

/* Nothing is in it that is not elsewhere: it is made anew. */
static void step_words(struct verify *verify)
{
    struct words *words = verify->instance->words;
    const char *wrong;
    if (words && !verify->words)
        verify->words = words_check_open(words);
    bool more = words && words_check_step(verify->words, VERIFY_KEYS, &verify->arena, &wrong);
    if (words && wrong)
        find(verify, arena_printf(&verify->arena, "words: %s: the index is made anew", wrong));
    if (!more)
        verify->phase = VERIFY_DONE;
}

/* ---- answering ---- */

static void reply_findings(const struct verify *verify, const struct bus_call *call)
{
    struct instance *instance = verify->instance;
    Bus__Reply *reply = reply_new(&instance->arena);
    reply->kind_case = BUS__REPLY__KIND_CONTROL;
    reply->control = NEW(&instance->arena, Bus__ControlReply, BUS__CONTROL_REPLY__INIT);
    reply->control->text = verify->findings;
    if (verify->findings_count > VERIFY_FINDINGS_MAX)
        reply->control->text = arena_printf(&instance->arena, "%s... and %u more\n", verify->findings,
                                            verify->findings_count - VERIFY_FINDINGS_MAX);
    reply->control->position = arena_alloc(&instance->arena, sizeof *reply->control->position);
    instance_position(instance, &instance->arena, reply->control->position);
    instance->env->reply(instance->env->context, call, reply);
    arena_reset(&instance->arena);
}

static void reply_progress(const struct verify *verify, const struct bus_call *call)
{
    uint64_t rows = verify->refold ? refold_walked(verify->refold) : 0, turns = verify->instance->head.turns;
    char zh[160], en[160];
    snprintf(zh, sizeof zh, "正在核对：日志 %" PRIu64 " 条，重放 %" PRIu64 "/%" PRIu64, verify->chain.offset, rows,
             turns);
    snprintf(en, sizeof en, "verifying: %" PRIu64 " events of the chain, %" PRIu64 " of %" PRIu64 " turns folded",
             verify->chain.offset, rows, turns);
    reply_refuse(verify->instance, call, 503, "verifying", zh, en);
}

/* Who has waited long enough is told how far it is; in the end all are told the findings. */
static void answer_parked(struct verify *verify, int64_t boot)
{
    struct parked_verify **at = &verify->parked;
    while (*at) {
        struct parked_verify *parked = *at;
        bool done = verify->phase == VERIFY_DONE;
        if (!done && boot < parked->until_boot_ms) {
            at = &parked->next;
            continue;
        }
        if (done)
            reply_findings(verify, &parked->call);
        else
            reply_progress(verify, &parked->call);
        *at = parked->next;
        free(parked);
    }
}

void verify_close(struct instance *instance)
{
    struct verify *verify = instance->verify;
    if (!verify)
        return;
    instance->verify = NULL;
    while (verify->parked) {
        struct parked_verify *next = verify->parked->next;
        free(verify->parked);
        verify->parked = next;
    }
    refold_close(verify->refold);
    vault_check_close(verify->vault);
    words_check_close(verify->words);
    close_files(verify);
    remove_folder(verify);
    gather_free(verify->gather);
    arena_fini(&verify->arena);
    free(verify);
}

static struct verify *verify_new(struct instance *instance)
{
    struct verify *verify = calloc(1, sizeof *verify);
    bug_unless(verify);
    verify->instance = instance;
    verify->gather = gather_new(instance);
    arena_init(&verify->arena);
    verify->findings = arena_strdup(&verify->arena, "");
    snprintf(verify->folder, sizeof verify->folder, "%s/verify", instance->options.folder);
    return verify;
}

void verify_start(struct instance *instance)
{
    if (instance->verify && instance->verify->phase == VERIFY_DONE && !instance->verify->parked)
        verify_close(instance);
    if (!instance->verify)
        instance->verify = verify_new(instance);
    instance->env->wake(instance->env->context);
}

void verify_progress(const struct instance *instance, Hb__Chain *chain)
{
    static const char *const names[] = {
        [VERIFY_CHAIN] = "chain",   [VERIFY_CURSORS] = "cursors", [VERIFY_FOLD] = "fold",
        [VERIFY_TABLES] = "tables", [VERIFY_VAULT] = "vault",     [VERIFY_SECRETS] = "secrets",
        [VERIFY_FILES] = "files",   [VERIFY_WORDS] = "words",     [VERIFY_DONE] = ""};
    const struct verify *verify = instance->verify;
    if (!verify || verify->phase == VERIFY_DONE)
        return;
    chain->phase = (char *)(uintptr_t)names[verify->phase];
    chain->chained = verify->chain.offset;
    chain->folded = verify->refold ? refold_walked(verify->refold) : 0;
    chain->turns = instance->head.turns;
}

void verify_take(struct instance *instance, const struct bus_call *call)
{
    int64_t boot = instance_boot(instance);
    if (instance->full) {
        reply_refuse(instance, call, 503, "full", "存储空间不足，无法核对", "no room on disk for a fresh fold");
        return;
    }
    if (instance->verify && instance->verify->phase == VERIFY_DONE &&
        boot - instance->verify->done_boot_ms > VERIFY_KEPT_MS)
        verify_close(instance);
    if (!instance->verify)
        instance->verify = verify_new(instance);
    struct parked_verify *parked = calloc(1, sizeof *parked);
    bug_unless(parked);
    *parked = (struct parked_verify){instance->verify->parked, *call, boot + VERIFY_PARK_MS};
    instance->verify->parked = parked;
    instance->env->wake(instance->env->context);
}

bool verify_wants(const struct instance *instance)
{
    const struct verify *verify = instance->verify;
    if (!verify || verify->phase == VERIFY_DONE)
        return verify && verify->parked;
    return !gather_busy(verify->gather, instance_boot(instance));
}

int64_t verify_next(const struct instance *instance)
{
    const struct verify *verify = instance->verify;
    int64_t next = INT64_MAX;
    if (!verify)
        return next;
    for (const struct parked_verify *parked = verify->parked; parked; parked = parked->next)
        next = parked->until_boot_ms < next ? parked->until_boot_ms : next;
    int64_t ask = gather_next(verify->gather);
    return ask && ask < next ? ask : next;
}

static void finish(struct verify *verify, int64_t boot)
{
    refold_close(verify->refold); /* and with it the snapshot */
    verify->refold = NULL;
    vault_check_close(verify->vault);
    verify->vault = NULL;
    words_check_close(verify->words);
    verify->words = NULL;
    remove_folder(verify);
    verify->done_boot_ms = boot;
    chain_keep(verify->instance, verify->chain.offset, verify->findings_count, verify->findings);
}

void verify_step(struct instance *instance)
{
    int64_t boot = instance_boot(instance);
    struct verify *verify = instance->verify;
    if (!verify)
        return;
    bool was_done = verify->phase == VERIFY_DONE;
    poison_name(instance, "verify", "", 0); /* an assertion in here is no fault of the input before */
    switch (verify->phase) {
    case VERIFY_CHAIN:
        step_chain(verify);
        break;
    case VERIFY_CURSORS:
        step_cursors(verify, boot);
        break;
    case VERIFY_FOLD:
        step_fold(verify, boot);
        break;
    case VERIFY_TABLES:
        step_tables(verify);
        break;
    case VERIFY_VAULT:
        step_vault(verify);
        break;
    case VERIFY_SECRETS:
        step_secrets(verify);
        break;
    case VERIFY_FILES:
        step_files(verify);
        break;
    case VERIFY_WORDS:
        step_words(verify);
        break;
    case VERIFY_DONE:
        break;
    }
    if (!was_done && verify->phase == VERIFY_DONE)
        finish(verify, boot);
    bool told = verify->phase == VERIFY_DONE && verify->parked;
    answer_parked(verify, boot);
    instance->input_name[0] = 0;
    if (told)
        verify_close(instance); /* the next one begins anew; a result nobody waits for is kept until asked for */
}
