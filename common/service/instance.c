/* One instance: opening, stepping, the clock it trusts, the room it has. */
#include "base/planted.h"
#include "config/config.h"
#include "message/message.h"
#include "organisation/organisation.h"
#include "service/internal.h"
#include "vault/vault.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const runtime_table_names[RUNTIME_TABLES] = {
    "meta",        "log",   "cursors", "heard",   "outcomes",    "outcomes_age", "waiting",
    "waiting_for", "known", "timers",  "effects", "effects_due", "jobs",
};

/* ---- opening ---- */

/* Where the rows of other cells lie. */
static enum err open_cells_tables(struct instance *instance)
{
    char name[80];
    enum err err = store_table_open(instance->store, "c_waiting", &instance->cells_waiting);
    for (unsigned i = 0; i < instance->service->tables_count && !err; i++) {
        snprintf(name, sizeof name, "cs_%s", instance->service->tables[i]);
        err = store_table_open(instance->store, name, &instance->cells_tables[i]);
    }
    for (unsigned i = 0; i < organisation_tables_count && !err; i++) {
        snprintf(name, sizeof name, "co_%s", organisation_tables[i]);
        err = store_table_open(instance->store, name, &instance->cells_organisation_tables[i]);
    }
    return err;
}

static enum err open_tables(struct instance *instance)
{
    enum err err = ERR_NONE;
    char name[80];
    for (unsigned i = 0; i < RUNTIME_TABLES && !err; i++)
        err = store_table_open(instance->store, runtime_table_names[i], &instance->runtime_tables[i]);
    for (unsigned i = 0; i < instance->service->tables_count && !err; i++) {
        snprintf(name, sizeof name, "s_%s", instance->service->tables[i]);
        err = store_table_open(instance->store, name, &instance->tables[i]);
    }
    for (unsigned i = 0; instance->service->keeps_organisation && i < organisation_tables_count && !err; i++) {
        snprintf(name, sizeof name, "o_%s", organisation_tables[i]);
        err = store_table_open(instance->store, name, &instance->organisation_tables[i]);
    }
    if (!err && instance->options.cells_count)
        err = open_cells_tables(instance);
    return err;
}

static void head_new(struct instance *instance)
{
    record__head__init(&instance->head);
    instance->head.cell = instance->options.cell;
    instance->head.epoch = 1;
    instance->head.state_format = STATE_FORMAT;
    instance->head.bucket_from = instance_range(instance).from;
    instance->head.bucket_to = instance_range(instance).to;
    instance->env->random(instance->env->context, instance->head_key, sizeof instance->head_key);
}

/* The last events of the log are where a failing disk tells first. The whole chain is checked by Control VERIFY. */
static enum err tail_check(struct instance *instance, struct store_txn *txn, char *why_out, size_t why_size)
{
    store_table log = instance->runtime_tables[RUNTIME_LOG];
    uint64_t end = instance->head.offset, after = end > TAIL_CHECKED_EVENTS ? end - TAIL_CHECKED_EVENTS : 0;
    struct eventlog_walk walk;
    char what[200];
    bool at_end;
    enum err err = eventlog_walk_from(txn, log, after, &walk);
    if (err)
        snprintf(what, sizeof what, "offset %" PRIu64 ": an offset is missing", after);
    else
        err = eventlog_walk_on(txn, log, &walk, TAIL_CHECKED_EVENTS + 1, &at_end, what, sizeof what);
    if (err)
        snprintf(why_out, why_size, "%s: restore from a backup (hearback restore)", what);
    return err ? ERR_CORRUPT : ERR_NONE;
}

/* Reads the head and checks that the log ends as it says: whatever was lost or altered at the end is found here. */
static enum err head_load(struct instance *instance, struct store_txn *txn, char *why_out, size_t why_size)
{
    struct arena *arena = &instance->arena;
    struct key key = key_text("head");
    struct bytes value, stored;
    ProtobufCMessage *message;
    char *why;
    store_table log = instance->runtime_tables[RUNTIME_LOG];
    uint64_t end = eventlog_end(txn, log, arena);
    if (!store_get(txn, instance->runtime_tables[RUNTIME_META], key_bytes(&key), arena, &value)) {
        head_new(instance);
        if (end == 0 && store_count(txn, instance->runtime_tables[RUNTIME_META]) == 0)
            return store_error(txn);
        snprintf(why_out, why_size,
                 "table meta at key 6865616400: there is no head, but there are %" PRIu64
                 " events in the log: restore from a backup (hearback restore)",
                 end);
        return ERR_CORRUPT;
    }
    if (row_load(&record__head__descriptor, key_bytes(&key), value, arena, &message, &why)) {
        snprintf(why_out, why_size,
                 "table meta at key 6865616400, the head: %s: restore from a backup (hearback restore)", why);
        return ERR_CORRUPT;
    }
    const Record__Head *head = (const Record__Head *)message;
    if (head->hash.len != EVENTLOG_HASH_BYTES || head->outcome_key.len != sizeof instance->head_key) {
        snprintf(why_out, why_size,
                 "table meta at key 6865616400, the head: it is damaged: restore from a backup (hearback restore)");
        return ERR_CORRUPT;
    }
    instance->head = *head;
    memcpy(instance->head_hash, head->hash.data, sizeof instance->head_hash);
    memcpy(instance->head_key, head->outcome_key.data, sizeof instance->head_key);
    uint8_t hash[EVENTLOG_HASH_BYTES] = {0};
    if (end && eventlog_get(txn, log, end, arena, &stored))
        eventlog_hash(stored, hash);
    if (end != head->offset || memcmp(hash, instance->head_hash, sizeof hash) != 0) {
        char what[200];
        bool disorder = eventlog_disorder(txn, log, what, sizeof what);
        if (!disorder && end == head->offset)
            snprintf(what, sizeof what, "offset %" PRIu64 ": it was altered: the head names another hash of it", end);
        else if (!disorder)
            snprintf(what, sizeof what,
                     "offset %" PRIu64 ": the log does not end here as its head says, but at offset %" PRIu64,
                     head->offset, end);
        snprintf(why_out, why_size, "%s: restore from a backup (hearback restore)", what);
        return ERR_CORRUPT;
    }
    if (tail_check(instance, txn, why_out, why_size))
        return ERR_CORRUPT;
    if (head->cell != instance->options.cell) {
        snprintf(why_out, why_size, "this folder belongs to cell %016" PRIx64 ", the configuration names %016" PRIx64,
                 head->cell, instance->options.cell);
        return ERR_DENIED;
    }
    return store_error(txn);
}

static enum err load_state(struct instance *instance, char *why_out, size_t why_size)
{
    struct store_txn *txn = store_begin(instance->store, false);
    enum err err = head_load(instance, txn, why_out, why_size);
    instance->head.hash = (ProtobufCBinaryData){sizeof instance->head_hash, instance->head_hash};
    instance->head.outcome_key = (ProtobufCBinaryData){sizeof instance->head_key, instance->head_key};
    if (!err)
        err = cursors_check(instance, txn, why_out, why_size);
    for (unsigned i = 0; i < instance->feeds_count && !err; i++)
        feed_load(&instance->feeds[i], txn, &instance->arena);
    for (unsigned i = 0; i < instance->feeds_count && !err; i++)
        err = feed_begin(&instance->feeds[i], txn, &instance->arena, why_out, why_size);
    if (!err)
        err = rebuild_open(instance, txn);
    if (!err) {
        instance->waiting_count = store_count(txn, instance->runtime_tables[RUNTIME_WAITING]);
        if (instance->options.cells_count)
            instance->waiting_count += store_count(txn, instance->cells_waiting);
        instance->known_open = store_count(txn, instance->runtime_tables[RUNTIME_KNOWN]) > 0;
        instance->jobs_open = store_count(txn, instance->runtime_tables[RUNTIME_JOBS]) > 0;
        err = store_error(txn);
    }
    store_abort(txn);
    arena_reset(&instance->arena);
    return err;
}

static void random_for_vault(void *context, void *out, size_t size)
{
    const struct env *env = context;
    env->random(env->context, out, size);
}

static enum err open_vault(struct instance *instance, char *why_out, size_t why_size)
{
    char folder[4200], epoch[CONFIG_EPOCH_PATH_MAX];
    snprintf(folder, sizeof folder, "%s/vault", instance->options.folder);
    config_epoch_path(epoch, instance->options.epoch_keys_folder, instance->service->id, instance->options.partition);
    struct vault_options options = {.folder = folder,
                                    .epoch_path = epoch,
                                    .random = instance->options.no_sync ? random_for_vault : NULL,
                                    .random_context = (void *)(uintptr_t)instance->env,
                                    .keys_ahead = instance->options.no_sync ? 64 : 0,
                                    .no_sync = instance->options.no_sync};
    const char *why = NULL;
    enum err err = vault_open_dir(&options, &instance->arena, &instance->vault, &why);
    if (err)
        snprintf(why_out, why_size, "vault: %s", why && *why ? why : err_text(err));
    return err;
}

/* With its tables: what looks through it opens none. */
static enum err open_files(struct instance *instance, char *why_out, size_t why_size)
{
    char folder[4200];
    store_table table;
    snprintf(folder, sizeof folder, "%s/files", instance->options.folder);
    struct store_options options = {.no_sync = instance->options.no_sync,
                                    .map_bytes = instance->options.no_sync ? 1ull << 30 : 1ull << 40};
    enum err err = store_open(folder, &options, &instance->files);
    if (!err)
        err = store_table_open(instance->files, "files", &table);
    if (!err)
        err = store_table_open(instance->files, "chunks", &table);
    if (err)
        snprintf(why_out, why_size, "%s: %s", folder, err_text(err));
    return err;
}

static int64_t machine_now(const struct instance *instance)
{
    return instance->env->now(instance->env->context);
}

int64_t instance_boot(const struct instance *instance)
{
    return instance->env->boot(instance->env->context);
}

/* A wall clock is trusted while it runs beside the boot clock and is past the last recorded event and our own build. */
static void clock_start(struct instance *instance)
{
    int64_t wall = machine_now(instance);
    instance->clock_offset = wall - instance->env->boot(instance->env->context);
    int64_t kept = promise_kept_ms(instance);
    instance->suspect = wall < kept - CLOCK_STEP_MS || wall < instance->options.build_ms;
    instance->started_suspect = instance->suspect;
    instance->last_now = wall > kept ? wall : kept;
    instance->started_ms = wall;
}

/* What LMDB itself finds damaged has no offset to name. */
static void say_damaged(const char *folder, enum err err, char *why_out, size_t why_size)
{
    if (!*why_out)
        snprintf(why_out, why_size, "%s: %s%s", folder, err_text(err),
                 err == ERR_CORRUPT ? ": restore from a backup (hearback restore)" : "");
}

enum err instance_open(const struct service *service, const struct instance_options *options, const struct env *env,
                       struct instance **instance_out, char *why_out, size_t why_size)
{
    struct instance *instance = calloc(1, sizeof *instance);
    bug_unless(instance);
    instance->service = service;
    instance->options = *options;
    instance->env = env;
    instance->poison_fd = instance->promise_fd = -1;
    instance->door_tail = &instance->door;
    instance->commands_tail = &instance->commands;
    instance->effects_done_tail = &instance->effects_done;
    instance->pending_heard = (Record__Heard)RECORD__HEARD__INIT;
    if (!instance->options.idle_ms)
        instance->options.idle_ms = IDLE_MS_DEFAULT;
    if (!instance->options.eventlog)
        instance->options.eventlog = &eventlog_local;
    arena_init(&instance->arena);
    arena_init(&instance->kept);
    arena_init(&instance->pending_arena);
    instance->log = options->log ? options->log : log_new(service->name, -1, NULL, NULL);
    *why_out = 0;
    struct store_options store_options = {.map_bytes = options->map_bytes, .no_sync = options->no_sync};
    enum err err = store_open(options->folder, &store_options, &instance->store);
    if (!err)
        err = open_tables(instance);
    instance->feeds_count = options->feeds_count;
    instance->feeds = calloc(options->feeds_count + 1, sizeof *instance->feeds);
    bug_unless(instance->feeds);
    for (unsigned i = 0; i < instance->feeds_count; i++)
        feed_open(&instance->feeds[i], instance, &options->feeds[i]);
    if (!err)
        err = fork_take_up(instance, why_out, why_size);
    if (!err)
        err = format_take_up(instance);
    if (!err)
        err = load_state(instance, why_out, why_size);
    if (!err && service->keeps_vault)
        err = open_vault(instance, why_out, why_size);
    if (!err)
        err = index_open(instance, why_out, why_size);
    if (!err && service->keeps_files)
        err = open_files(instance, why_out, why_size);
    if (!err && (err = poison_open(instance)))
        snprintf(why_out, why_size, "%s/poison: %s", options->folder, err_text(err));
    if (!err && (err = promise_open(instance)))
        snprintf(why_out, why_size, "%s/promised: %s", options->folder, err_text(err));
    if (err) {
        say_damaged(options->folder, err, why_out, why_size);
        instance_close(instance);
        return err;
    }
    if (instance->poison_count)
        NOTE(instance->log, NOTE_ABORTED, LOG_TEXT("input", instance->poison_name),
             LOG_NUMBER("times", instance->poison_count));
    clock_start(instance);
    instance->opened_boot_ms = instance_boot(instance);
    instance_counters_open(instance);
    *instance_out = instance;
    return ERR_NONE;
}

static void free_pendings(struct pending *pending)
{
    while (pending) {
        struct pending *next = pending->next;
        pending_free(pending);
        pending = next;
    }
}

void instance_close(struct instance *instance)
{
    if (!instance)
        return;
    snapshot_free(instance);
    free_pendings(instance->door);
    free_pendings(instance->commands);
    computing_close(instance);
    for (struct parked_query *p = instance->parked_queries, *next; p; p = next) {
        next = p->next;
        arena_fini(&p->arena);
        free(p);
    }
    for (struct parked_fetch *p = instance->parked_fetches, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    for (struct effect_done *d = instance->effects_done, *next; d; d = next) {
        next = d->next;
        free(d->id);
        free(d->result);
        free(d);
    }
    for (unsigned i = 0; i < instance->feeds_count; i++)
        feed_close(&instance->feeds[i]);
    free(instance->feeds);
    free(instance->release_key);
    verify_close(instance);
    rebuild_close(instance);
    if (instance->organisation_cache)
        organisation_cache_free(instance->organisation_cache);
    instance_counters_close(instance);
    if (instance->log != instance->options.log)
        log_free(instance->log);
    index_close(instance);
    vault_close(instance->vault);
    store_close(instance->files);
    store_close(instance->store);
    if (instance->poison_fd >= 0)
        close(instance->poison_fd);
    if (instance->promise_fd >= 0)
        close(instance->promise_fd);
    arena_fini(&instance->arena);
    arena_fini(&instance->kept);
    arena_fini(&instance->pending_arena);
    free(instance);
}

/* ---- stepping ---- */

static void note_clock(struct instance *instance, bool suspect, int64_t wall)
{
    NOTE(instance->log, suspect ? NOTE_CLOCK_SUSPECT : NOTE_CLOCK_TRUSTED, LOG_NUMBER("wall_ms", wall),
         LOG_NUMBER("last_recorded_ms", instance->head.recorded_ms));
    instance->suspect_noted = suspect;
}

/* An operator takes the clock as it is. What was promised by the one before binds no more, and what others promised by
   it is asked for anew. */
static void accept_clock(struct instance *instance, int64_t wall)
{
    int64_t recorded = instance->head.recorded_ms;
    promise_forget(instance);
    instance->last_now = wall > recorded ? wall : recorded;
    for (unsigned i = 0; i < instance->feeds_count; i++)
        instance->feeds[i].as_of = instance->feeds[i].told_as_of = 0;
}

bool clock_look(struct instance *instance, int64_t *now_out)
{
    int64_t wall = machine_now(instance);
    int64_t offset = wall - instance_boot(instance);
    bool stepped = llabs(offset - instance->clock_offset) > CLOCK_STEP_MS;
    bool early = wall < promise_kept_ms(instance) - CLOCK_STEP_MS || wall < instance->options.build_ms;
    if (instance->clock_accepted || (instance->started_suspect && !early)) {
        /* an operator said so, or the step that ends a suspect start: not itself a step */
        if (instance->clock_accepted && (stepped || early))
            accept_clock(instance, wall);
        instance->clock_offset = offset;
        instance->started_suspect = instance->clock_accepted = false;
        stepped = false;
        early = wall < promise_kept_ms(instance) - CLOCK_STEP_MS;
    }
    if (!stepped) /* a slow drift is followed */
        instance->clock_offset = offset;
    bool suspect = (stepped || early) && !planted("trust_clock");
    if (suspect != instance->suspect || (suspect && !instance->suspect_noted))
        note_clock(instance, suspect, wall);
    instance->suspect = suspect;
    bool trusted = !instance->suspect;
    if (trusted && wall > instance->last_now) /* a glitch must not become the time of later events */
        instance->last_now = wall;
    *now_out = instance->last_now;
    return trusted;
}

static bool work_waits(const struct instance *instance, int64_t now)
{
    if (instance->effects_done || instance->commands || instance->release_key || instance->known_open)
        return true;
    if (instance->holding)
        return false;
    if (instance->jobs_open || feeds_wait(instance))
        return true;
    if (instance->service->fire && instance->timer_next <= now &&
        (!instance->service->timers_await_horizon || instance->timer_next < instance_horizon(instance, now)))
        return true;
    return instance->cursors_moved && instance_boot(instance) - instance->cursors_moved_boot_ms >= CURSOR_ONLY_MS;
}

static void full_set(struct instance *instance, bool full)
{
    if (full != instance->full)
        NOTE(instance->log, full ? NOTE_FULL : NOTE_ROOM_AGAIN, LOG_TEXT("folder", instance->options.folder),
             LOG_NUMBER("used_bytes", store_used_bytes(instance->store)));
    instance->full = full;
    if (full)
        instance->full_retry_boot_ms = instance_boot(instance) + 1000;
}

static bool has_room(struct instance *instance)
{
    if (instance->full && instance_boot(instance) < instance->full_retry_boot_ms)
        return false;
    const struct eventlog_driver *log = instance->options.eventlog;
    full_set(instance, store_reserve(instance->store, TURN_ROOM_BYTES) || (log->room && !log->room(log->context)) ||
                           (instance->service->seals && vault_reserve(instance->vault)));
    return !instance->full;
}

/* A hold ends by itself: the backup that asked for it may have been killed. */
static void hold_look(struct instance *instance)
{
    if (instance->holding && instance_boot(instance) >= instance->hold_until)
        instance->holding = false;
}

static void tidy_some(struct turn *turn, void *context)
{
    (void)context;
    turn->instance->service->tidy(turn, &turn->instance->tidy_at);
}

/* Once a minute, in whatever state it is then. */
static void tidy(struct instance *instance, int64_t now)
{
    if (!instance->files || instance_boot(instance) < instance->tidy_boot_ms)
        return;
    instance->tidy_boot_ms = instance_boot(instance) + TIDY_MS;
    struct store_txn *txn = store_begin(instance->store, false);
    struct turn turn;
    turn_begin(&turn, instance, txn, &instance->arena, now);
    turn_clear_input(&turn);
    (void)!turn_read(&turn, tidy_some, NULL); /* what rests on a damaged row is kept */
    store_abort(txn);
    arena_reset(&instance->arena);
}

static bool horizon_lags(const struct instance *instance, int64_t now)
{
    return instance->service->fire && instance->service->timers_await_horizon && instance->timer_next <= now &&
           instance->timer_next >= instance_horizon(instance, now);
}

/* A due timer that awaits the horizon: whoever is behind is asked at once, and again, ever less often: he may be down.
 */
static void hurry(struct instance *instance, int64_t now)
{
    int64_t boot = instance_boot(instance);
    if (!horizon_lags(instance, now)) {
        instance->urgent_wait_ms = instance->urgent_boot_ms = 0;
        return;
    }
    if (boot < instance->urgent_boot_ms)
        return;
    int64_t wait = instance->urgent_wait_ms ? 2 * instance->urgent_wait_ms : URGENT_MS_MIN;
    instance->urgent_wait_ms = wait < URGENT_MS_MAX ? wait : URGENT_MS_MAX;
    instance->urgent_boot_ms = boot + instance->urgent_wait_ms;
    instance_ask_behind(instance, instance->timer_next);
}

/* A commit that fails ends the process, whichever store it was of: after it LMDB may refuse for good. */
static bool stores_beside_failed(const struct instance *instance)
{
    return (instance->vault && store_failed(vault_store(instance->vault))) ||
           (instance->files && store_failed(instance->files));
}

bool instance_step(struct instance *instance, enum err *fatal_out)
{
    int64_t now;
    *fatal_out = ERR_NONE;
    hold_look(instance);
    bool trusted = clock_look(instance, &now);
    if (!trusted && planted("fire_suspect")) {
        trusted = true;
        now = machine_now(instance);
    }
    bool room = has_room(instance);
    door_move(instance, now);
    bool turned = false;
    if (instance->rebuilding) { /* nothing else is true before it is done; whoever asks is served from the log */
        *fatal_out = room ? rebuild_step(instance, now) : ERR_NONE;
        serve_parked(instance);
        snapshot_step(instance);
        return rebuild_wants(instance);
    }
    if (trusted && room && work_waits(instance, now)) {
        turned = true;
        *fatal_out = instance_turn(instance, now);
        if (*fatal_out || instance->dead)
            return false;
        door_move(instance, now); /* what they wait for may be folded now */
    }
    if (trusted && room && !instance->holding)
        instance_ask_all(instance, false);
    if (trusted && room)
        hurry(instance, now);
    serve_parked(instance);
    verify_step(instance);
    waiting_look(instance, now);
    if (trusted && room)
        effects_start_due(instance, now);
    if (instance->service->seals && !turned && room && vault_make_ahead(instance->vault))
        full_set(instance, true);
    bool reads = room && index_step(instance, now);
    if (trusted && room && !turned)
        tidy(instance, now);
    if (stores_beside_failed(instance))
        *fatal_out = ERR_IO;
    snapshot_step(instance);
    return (trusted && room && turned && work_waits(instance, now)) || verify_wants(instance) || reads;
}

static void at_most(int64_t *next, int64_t candidate)
{
    if (candidate < *next)
        *next = candidate;
}

/* The first thing that is waited for by the boot clock, as a time from now. */
static int64_t wait_by_boot(const struct instance *instance)
{
    int64_t boot = instance_boot(instance);
    int64_t next = boot + instance->options.idle_ms; /* clock steps and suspends are noticed at least then */
    bool works = !instance->full && !instance->suspect;
    if (instance->full)
        at_most(&next, instance->full_retry_boot_ms);
    if (instance->suspect)
        at_most(&next, boot + 1000);
    if (snapshot_under_way(instance))
        at_most(&next, boot + 1);
    at_most(&next, verify_next(instance));
    if (works)
        at_most(&next, index_next(instance));
    if (rebuild_next(instance))
        at_most(&next, rebuild_next(instance));
    if (instance->holding)
        at_most(&next, instance->hold_until);
    if (instance->cursors_moved && works)
        at_most(&next, instance->cursors_moved_boot_ms + CURSOR_ONLY_MS);
    for (const struct pending *p = instance->door; p; p = p->next)
        if (!p->sealing)
            at_most(&next, p->came_boot_ms + AFTER_PARK_MS);
    for (const struct parked_query *p = instance->parked_queries; p; p = p->next)
        at_most(&next, p->until_boot_ms);
    for (const struct parked_fetch *p = instance->parked_fetches; p; p = p->next)
        at_most(&next, p->until_boot_ms);
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        const struct feed *feed = &instance->feeds[i];
        if (!feed->stopped && !feed->asking && feed->retry_boot_ms > boot)
            at_most(&next, feed->retry_boot_ms);
    }
    return next - boot;
}

int64_t instance_next(const struct instance *instance)
{
    int64_t now = machine_now(instance), next = now + wait_by_boot(instance);
    bool works = !instance->full && !instance->suspect;
    if (instance->service->fire && !instance->holding && works) {
        bool lags = horizon_lags(instance, now);
        at_most(&next, lags ? now + instance->urgent_boot_ms - instance_boot(instance) : instance->timer_next);
        if (lags)
            at_most(&next, instance->timer_next + HORIZON_GRACE_MS + 1);
    }
    if (works && instance->effects_running_count < EFFECTS_RUNNING_MAX)
        at_most(&next, instance->effect_next);
    return next > now ? next : now + 1;
}

const char *instance_health(const struct instance *instance)
{
    if (instance->suspect)
        return "clock_suspect";
    if (instance->full)
        return "full";
    for (unsigned i = 0; i < instance->feeds_count; i++)
        if (instance->feeds[i].stopped && !instance->feeds[i].cell)
            return "feed_stopped";
    if (instance->rebuilding)
        return "catching_up";
    for (unsigned i = 0; i < instance->feeds_count; i++) /* a cell that is silent holds nobody up */
        if (!instance->feeds[i].caught_up_once && !instance->feeds[i].cell)
            return "catching_up";
    return "ready";
}

const struct service *instance_service(const struct instance *instance)
{
    return instance->service;
}

const struct env *instance_env(const struct instance *instance)
{
    return instance->env;
}

struct store *instance_store(struct instance *instance)
{
    return instance->store;
}

struct log *instance_log(struct instance *instance)
{
    return instance->log;
}

struct vault *instance_vault(struct instance *instance)
{
    return instance->vault;
}

struct store *instance_files(struct instance *instance)
{
    return instance->files;
}

void instance_idle_set(struct instance *instance, int64_t idle_ms)
{
    instance->options.idle_ms = idle_ms;
}

bool instance_stopping(const struct instance *instance)
{
    return instance->stopping;
}

bool instance_dead(const struct instance *instance)
{
    return instance->dead;
}

bool instance_log_get(struct instance *instance, uint64_t offset, struct arena *arena, struct bytes *event_out)
{
    struct store_txn *txn = store_begin(instance->store, false);
    bool found = eventlog_get(txn, instance->runtime_tables[RUNTIME_LOG], offset, arena, event_out);
    store_abort(txn);
    return found;
}

enum err instance_log_verify(struct instance *instance, char *why_out, size_t why_size)
{
    struct store_txn *txn = store_begin(instance->store, false);
    enum err err = eventlog_verify(txn, instance->runtime_tables[RUNTIME_LOG], why_out, why_size);
    store_abort(txn);
    return err;
}
