/* Timers, effects, jobs and outcomes: rows that turns write and the runtime works through. */
#include "base/planted.h"
#include "message/message.h"
#include "service/internal.h"

#include <stdlib.h>

/* ---- timers: key = due BE64, then the service's own key; value: of one that was put off, the instant it was set for,
   BE64 ---- */

static struct key timer_key(int64_t due_ms, struct bytes key)
{
    struct key full = key_u64((uint64_t)due_ms);
    key_add(&full, key.data, key.size);
    return full;
}

void turn_timer_set(struct turn *turn, int64_t due_ms, struct bytes key)
{
    bug_unless(turn->phase == PHASE_EVOLVE && due_ms >= 0);
    struct key full = timer_key(due_ms, key);
    turn->dirty = true;
    store_put(turn->txn, turn->instance->runtime_tables[RUNTIME_TIMERS], key_bytes(&full), (struct bytes){0});
    if (due_ms < turn->instance->timer_next)
        turn->instance->timer_next = due_ms;
}

void turn_timer_clear(struct turn *turn, int64_t due_ms, struct bytes key)
{
    bug_unless(turn->phase == PHASE_EVOLVE && due_ms >= 0);
    struct key full = timer_key(due_ms, key);
    turn->dirty = true;
    store_delete(turn->txn, turn->instance->runtime_tables[RUNTIME_TIMERS], key_bytes(&full));
}

void timer_put_off(struct turn *turn, int64_t due_ms, struct bytes key, int64_t again_ms)
{
    struct key before = timer_key(due_ms, key), after = timer_key(again_ms, key), due = key_u64((uint64_t)due_ms);
    store_table timers = turn->instance->runtime_tables[RUNTIME_TIMERS];
    struct bytes set_for;
    if (!store_get(turn->txn, timers, key_bytes(&before), turn->arena, &set_for) || set_for.size == 0)
        set_for = key_bytes(&due);
    turn_timer_clear(turn, due_ms, key);
    store_put(turn->txn, timers, key_bytes(&after), set_for);
    if (again_ms < turn->instance->timer_next)
        turn->instance->timer_next = again_ms;
}

/* The first timer; also notes when it is due, so that an idle loop need not look. */
bool timer_first(struct turn *turn, int64_t *due_out, int64_t *set_for_out, struct bytes *key_out)
{
    struct store_scan scan;
    store_scan_open(&scan, turn->txn, turn->instance->runtime_tables[RUNTIME_TIMERS], (struct bytes){0},
                    (struct bytes){0});
    struct bytes key, value;
    if (!store_scan_next(&scan, turn->arena, &key, &value)) {
        turn->instance->timer_next = INT64_MAX;
        return false;
    }
    *due_out = turn->instance->timer_next = (int64_t)bytes_get_u64(key.data);
    *set_for_out = value.size ? (int64_t)bytes_get_u64(value.data) : *due_out;
    *key_out = bytes_of(key.data + 8, key.size - 8);
    return true;
}

/* ---- effects ---- */

static Record__Effect *effect_load(struct turn *turn, const char *id)
{
    struct key key = key_text(id);
    struct bytes value;
    if (!store_get(turn->txn, turn->instance->runtime_tables[RUNTIME_EFFECTS], key_bytes(&key), turn->arena, &value))
        return NULL;
    ProtobufCMessage *message;
    char *why;
    if (message_load(&record__effect__descriptor, value, turn->arena, &message, &why))
        state_damaged(turn, store_place(turn->arena, "effects", key_bytes(&key)));
    return (Record__Effect *)message;
}

static struct key effect_due_key(int64_t due_ms, const char *id)
{
    struct key key = key_u64((uint64_t)due_ms);
    key_add_text(&key, id);
    return key;
}

void turn_effect_clear(struct turn *turn, const char *id)
{
    bug_unless(turn->phase == PHASE_EVOLVE);
    Record__Effect *old = effect_load(turn, id);
    if (!old)
        return;
    struct key due = effect_due_key(old->due_ms, id), key = key_text(id);
    turn->dirty = true;
    store_delete(turn->txn, turn->instance->runtime_tables[RUNTIME_EFFECTS_DUE], key_bytes(&due));
    store_delete(turn->txn, turn->instance->runtime_tables[RUNTIME_EFFECTS], key_bytes(&key));
}

void turn_effect_set(struct turn *turn, const char *id, int64_t due_ms, uint32_t attempt, struct bytes payload)
{
    turn_effect_clear(turn, id);
    Record__Effect effect = RECORD__EFFECT__INIT;
    effect.due_ms = due_ms;
    effect.attempt = attempt;
    effect.payload = (ProtobufCBinaryData){payload.size, (uint8_t *)(uintptr_t)payload.data};
    struct key due = effect_due_key(due_ms, id), key = key_text(id);
    turn->dirty = true;
    store_put(turn->txn, turn->instance->runtime_tables[RUNTIME_EFFECTS], key_bytes(&key),
              message_pack(message_of(&effect), turn->arena));
    store_put(turn->txn, turn->instance->runtime_tables[RUNTIME_EFFECTS_DUE], key_bytes(&due), (struct bytes){0});
    if (due_ms < turn->instance->effect_next)
        turn->instance->effect_next = due_ms;
}

bool effect_current(struct turn *turn, const char *id, uint32_t attempt)
{
    Record__Effect *effect = effect_load(turn, id);
    return effect && effect->attempt == attempt;
}

static bool effect_running(const struct instance *instance, const char *id)
{
    for (unsigned i = 0; i < instance->effects_running_count; i++)
        if (strcmp(instance->effects_running[i], id) == 0)
            return true;
    return false;
}

struct due {
    struct bytes key;
    const Record__Effect *effect;
};

static void load_due(struct turn *turn, void *context)
{
    struct due *due = context;
    due->effect = effect_load(turn, (const char *)due->key.data + 8);
    if (!due->effect)
        state_damaged(turn, store_place(turn->arena, "effects_due", due->key));
}

/* Starts what is due and not under way, outside any turn; the row stays until evolve says otherwise. One that has ended
   is under way until its result is taken: else it would be done again meanwhile. A damaged one is left alone. */
void effects_start_due(struct instance *instance, int64_t now)
{
    if (instance->effect_next > now || instance->effects_running_count >= EFFECTS_RUNNING_MAX)
        return;
    instance->effect_next = INT64_MAX;
    struct store_txn *txn = store_begin(instance->store, false);
    struct turn turn;
    turn_begin(&turn, instance, txn, &instance->arena, now);
    struct store_scan scan;
    store_scan_open(&scan, txn, instance->runtime_tables[RUNTIME_EFFECTS_DUE], (struct bytes){0}, (struct bytes){0});
    struct bytes key;
    while (store_scan_next(&scan, &instance->arena, &key, NULL)) {
        int64_t due = (int64_t)bytes_get_u64(key.data);
        const char *id = (const char *)key.data + 8;
        if (due > now) {
            instance->effect_next = due;
            break;
        }
        if (effect_running(instance, id) && !planted("double_start"))
            continue;
        if (instance->effects_running_count >= EFFECTS_RUNNING_MAX) {
            instance->effect_next = due;
            break;
        }
        struct due found = {.key = key};
        if (!turn_read(&turn, load_due, &found))
            continue;
        const Record__Effect *effect = found.effect;
        struct effect_done *done = calloc(1, sizeof *done);
        bug_unless(done);
        *done = (struct effect_done){.instance = instance, .id = strdup(id), .attempt = effect->attempt};
        instance->effects_running[instance->effects_running_count++] = done->id;
        if (poison_names_effect(instance, id, effect->attempt)) { /* whatever came of it, it would be passed over */
            effect_done_call(done, (struct bytes){0});
            continue;
        }
        instance->env->effect_start(instance->env->context, id, effect->attempt,
                                    bytes_of(effect->payload.data, effect->payload.len), done);
    }
    store_abort(txn);
    arena_reset(&instance->arena);
}

void effect_done_call(struct effect_done *done, struct bytes result)
{
    struct instance *instance = done->instance;
    done->result = malloc(result.size ? result.size : 1);
    bug_unless(done->result);
    if (result.size)
        memcpy(done->result, result.data, result.size);
    done->result_size = result.size;
    done->next = NULL;
    *instance->effects_done_tail = done;
    instance->effects_done_tail = &done->next;
    instance->env->wake(instance->env->context);
}

struct effect_done *effect_pop(struct instance *instance)
{
    struct effect_done *done = instance->effects_done;
    if (!done)
        return NULL;
    instance->effects_done = done->next;
    if (!instance->effects_done)
        instance->effects_done_tail = &instance->effects_done;
    for (unsigned i = 0; i < instance->effects_running_count; i++)
        if (instance->effects_running[i] == done->id)
            instance->effects_running[i] = instance->effects_running[--instance->effects_running_count];
    instance->effect_next = 0; /* look again: a place became free */
    return done;
}

/* ---- jobs ---- */

void turn_job_add(struct turn *turn, const char *what, const char *cause, struct bytes payload)
{
    bug_unless(turn->phase == PHASE_EVOLVE);
    struct bytes last;
    store_table table = turn->instance->runtime_tables[RUNTIME_JOBS];
    uint64_t id =
        store_last(turn->txn, table, (struct bytes){0}, turn->arena, &last, NULL) ? bytes_get_u64(last.data) : 0;
    Record__Job job = RECORD__JOB__INIT;
    job.what = (char *)(uintptr_t)what;
    job.cause = (char *)(uintptr_t)cause;
    job.payload = (ProtobufCBinaryData){payload.size, (uint8_t *)(uintptr_t)payload.data};
    job.case_id = turn->folding;
    job_save(turn, id + 1, &job);
    turn->instance->jobs_open = true;
}

bool job_first(struct turn *turn, uint64_t *id_out, Record__Job **job_out)
{
    struct store_scan scan;
    store_scan_open(&scan, turn->txn, turn->instance->runtime_tables[RUNTIME_JOBS], (struct bytes){0},
                    (struct bytes){0});
    struct bytes key, value;
    if (!store_scan_next(&scan, turn->arena, &key, &value))
        return false;
    ProtobufCMessage *message;
    char *why;
    if (message_load(&record__job__descriptor, value, turn->arena, &message, &why))
        state_damaged(turn, store_place(turn->arena, "jobs", key));
    *id_out = bytes_get_u64(key.data);
    *job_out = (Record__Job *)message;
    return true;
}

bool turn_job_open(struct turn *turn, const char *what)
{
    struct store_scan scan;
    struct bytes key, value;
    store_scan_open(&scan, turn->txn, turn->instance->runtime_tables[RUNTIME_JOBS], (struct bytes){0},
                    (struct bytes){0});
    while (store_scan_next(&scan, turn->arena, &key, &value)) {
        ProtobufCMessage *message;
        char *why;
        if (message_load(&record__job__descriptor, value, turn->arena, &message, &why))
            state_damaged(turn, store_place(turn->arena, "jobs", key));
        if (strcmp(((Record__Job *)message)->what, what) == 0)
            return true;
    }
    return false;
}

void job_save(struct turn *turn, uint64_t id, const Record__Job *job)
{
    struct key key = key_u64(id);
    turn->dirty = true;
    store_put(turn->txn, turn->instance->runtime_tables[RUNTIME_JOBS], key_bytes(&key),
              message_pack(message_of(job), turn->arena));
}

void job_delete(struct turn *turn, uint64_t id)
{
    struct key key = key_u64(id);
    turn->dirty = true;
    store_delete(turn->txn, turn->instance->runtime_tables[RUNTIME_JOBS], key_bytes(&key));
}

/* ---- outcomes of accepted commands ---- */

static struct key outcome_key(const char *account, const char *id)
{
    struct key key = {.size = 0};
    key_add_text(&key, account);
    key_add_text(&key, id);
    return key;
}

bool outcome_find(struct turn *turn, const Hb__Command *command, Record__Outcome **outcome_out)
{
    if (planted("no_dedup"))
        return false;
    struct key key = outcome_key(command->account, command->id);
    struct bytes value;
    if (!store_get(turn->txn, turn->instance->runtime_tables[RUNTIME_OUTCOMES], key_bytes(&key), turn->arena, &value))
        return false;
    ProtobufCMessage *message;
    char *why;
    if (row_load(&record__outcome__descriptor, key_bytes(&key), value, turn->arena, &message, &why))
        state_damaged(turn, store_place(turn->arena, "outcomes", key_bytes(&key)));
    *outcome_out = (Record__Outcome *)message;
    return true;
}

void outcome_save(struct turn *turn, const Hb__Command *command, const uint8_t body_hash[32], uint64_t first,
                  uint64_t last)
{
    Record__Outcome outcome = RECORD__OUTCOME__INIT;
    outcome.first = first + planted("wrong_outcome");
    outcome.last = last;
    outcome.recorded_ms = turn->now;
    outcome.body_hash = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)body_hash};
    struct key key = outcome_key(command->account, command->id);
    struct key age = key_u64((uint64_t)turn->now);
    key_add(&age, key.data, key.size);
    row_put(turn->txn, turn->instance->runtime_tables[RUNTIME_OUTCOMES], key_bytes(&key), message_of(&outcome),
            turn->arena);
    store_put(turn->txn, turn->instance->runtime_tables[RUNTIME_OUTCOMES_AGE], key_bytes(&age), (struct bytes){0});
}

void outcomes_expire(struct turn *turn, unsigned most)
{
    struct store_scan scan;
    store_table ages = turn->instance->runtime_tables[RUNTIME_OUTCOMES_AGE];
    store_scan_open(&scan, turn->txn, ages, (struct bytes){0}, (struct bytes){0});
    struct bytes key;
    while (most-- && store_scan_next(&scan, turn->arena, &key, NULL)) {
        if ((int64_t)bytes_get_u64(key.data) > turn->now - OUTCOMES_KEPT_MS)
            break;
        store_delete(turn->txn, turn->instance->runtime_tables[RUNTIME_OUTCOMES], bytes_of(key.data + 8, key.size - 8));
        store_delete(turn->txn, ages, key);
    }
}
