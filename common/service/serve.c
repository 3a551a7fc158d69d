/* Requests from the bus: fetches answered from the log or parked until there is something, queries on committed state,
   commands handed to the door, Seal for intake, and what the operator's key may ask. */
#include "base/planted.h"
#include "message/message.h"
#include "metrics/metrics.h"
#include "service/internal.h"
#include "vault/vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

Bus__Reply *reply_new(struct arena *arena)
{
    return NEW(arena, Bus__Reply, BUS__REPLY__INIT);
}

void reply_refuse(struct instance *instance, const struct bus_call *call, uint32_t status, const char *code,
                  const char *zh, const char *en)
{
    Bus__Reply reply = BUS__REPLY__INIT;
    Hb__Refusal refusal = HB__REFUSAL__INIT;
    Hb__Label text = HB__LABEL__INIT;
    text.zh = (char *)(uintptr_t)zh;
    text.en = (char *)(uintptr_t)en;
    refusal.status = status;
    refusal.code = (char *)(uintptr_t)code;
    refusal.text = &text;
    refusal.retry_after_s = status == 503 ? 2 : 0;
    reply.kind_case = BUS__REPLY__KIND_REFUSED;
    reply.refused = &refusal;
    instance->env->reply(instance->env->context, call, &reply);
}

/* ---- fetches ---- */

static void own_log(const struct instance *instance, Hb__LogId *log)
{
    hb__log_id__init(log);
    log->cell = instance->options.cell;
    log->service = instance->service->id;
    log->partition = instance->options.partition;
    log->epoch = instance->head.epoch;
}

/* What we promise with an empty reply: every later turn takes a later `now` (last_now never goes back), those of the
   next process too. */
static int64_t as_of_end(struct instance *instance)
{
    if (instance->suspect)
        return instance->head.recorded_ms;
    int64_t promised = promise_give(instance, instance->last_now) + (planted("as_of_ahead") ? 30000 : 0);
    return promised > instance->head.recorded_ms ? promised : instance->head.recorded_ms;
}

static Bus__Fetched__Problem cursor_problem(struct instance *instance, struct store_txn *txn, const Bus__Fetch *fetch)
{
    if (fetch->log && fetch->log->epoch && fetch->log->epoch != instance->head.epoch && !planted("accept_epoch"))
        return BUS__FETCHED__PROBLEM__EPOCH_MISMATCH;
    if (fetch->after > instance->head.offset)
        return BUS__FETCHED__PROBLEM__BEYOND_END;
    struct bytes stored;
    uint8_t hash[EVENTLOG_HASH_BYTES];
    if (fetch->after == 0 || fetch->hash.len == 0)
        return BUS__FETCHED__PROBLEM__NONE;
    if (!eventlog_get(txn, instance->runtime_tables[RUNTIME_LOG], fetch->after, &instance->arena, &stored))
        return BUS__FETCHED__PROBLEM__BEYOND_END;
    eventlog_hash(stored, hash);
    return planted("accept_fork") ||
                   bytes_equal(bytes_of(hash, sizeof hash), bytes_of(fetch->hash.data, fetch->hash.len))
               ? BUS__FETCHED__PROBLEM__NONE
               : BUS__FETCHED__PROBLEM__HASH_MISMATCH;
}

/* 0: it cannot be decoded. Whoever hears it finds that too, and stops there. */
static int64_t recorded_of_last(struct instance *instance, struct bytes batch, uint64_t last)
{
    struct bytes stored = {0}, next;
    enum err err;
    while (eventlog_batch_next(&batch, &next, &err))
        stored = next;
    ProtobufCMessage *message;
    char *why;
    if (!stored.size || message_load(&hb__event__descriptor, stored, &instance->arena, &message, &why)) {
        damage_note(instance, arena_printf(&instance->arena, "own log, offset %" PRIu64 ": an event is damaged", last));
        return 0;
    }
    return ((Hb__Event *)message)->recorded_ms;
}

/* What could not be read is not missing: whoever asks asks again, and keeps hearing this log. */
static void refuse_unread(struct instance *instance, const struct bus_call *call, enum err err)
{
    damage_note(instance, arena_printf(&instance->arena, "own log: %s: %s", instance->options.folder, err_text(err)));
    reply_refuse(instance, call, 503, "unread", "暂时无法读取本服务的日志", "the log cannot be read for now");
    arena_reset(&instance->arena);
}

static void answer_fetch(struct instance *instance, const struct bus_call *call, uint64_t after, uint32_t bytes_max,
                         Bus__Fetched__Problem problem)
{
    struct store_txn *txn = store_begin(instance->store, false);
    Bus__Reply reply = BUS__REPLY__INIT;
    Bus__Fetched fetched = BUS__FETCHED__INIT;
    Hb__LogId log;
    own_log(instance, &log);
    reply.kind_case = BUS__REPLY__KIND_FETCHED;
    reply.fetched = &fetched;
    fetched.log = &log;
    fetched.end = instance->head.offset;
    fetched.problem = problem;
    if (problem == BUS__FETCHED__PROBLEM__NONE) {
        uint64_t last;
        size_t most = bytes_max && bytes_max < FETCH_BYTES_MAX ? bytes_max : FETCH_BYTES_MAX;
        struct bytes batch =
            eventlog_read(txn, instance->runtime_tables[RUNTIME_LOG], after, most, &instance->arena, &last);
        fetched.events = (ProtobufCBinaryData){batch.size, (uint8_t *)(uintptr_t)batch.data};
        fetched.as_of_ms =
            last == instance->head.offset ? as_of_end(instance) : recorded_of_last(instance, batch, last);
    }
    enum err err = store_error(txn);
    store_abort(txn);
    if (err) {
        refuse_unread(instance, call, err);
        return;
    }
    instance->env->reply(instance->env->context, call, &reply);
    arena_reset(&instance->arena);
}

static void fetch_free(struct instance *instance, struct parked_fetch *parked)
{
    crowd_leave(&instance->fetch_crowd, sizeof *parked);
    free(parked);
}

static void unpark(struct instance *instance, const struct bus_call *call, const char *reader)
{
    struct parked_fetch **at = &instance->parked_fetches;
    while (*at) {
        struct parked_fetch *parked = *at;
        bool same = parked->call.route_size == call->route_size &&
                    memcmp(parked->call.route, call->route, call->route_size) == 0 &&
                    strcmp(parked->reader, reader) == 0;
        if (same) {
            *at = parked->next;
            fetch_free(instance, parked);
        } else {
            at = &parked->next;
        }
    }
}

/* Whoever asks says what he has heard, and nothing else counts: an answer to him may have been lost on the way. */
static uint64_t read_after(const struct instance *instance, const struct bus_call *call, uint64_t after)
{
    bool says = after < instance->head.offset;
    return after +
           (says && planted_again("said_once", call->route, call->route_size, after ^ (uintptr_t)instance << 20));
}

static void serve_fetch(struct instance *instance, const struct bus_call *call, const Bus__Fetch *fetch)
{
    struct store_txn *txn = store_begin(instance->store, false);
    Bus__Fetched__Problem problem = cursor_problem(instance, txn, fetch);
    enum err err = store_error(txn);
    store_abort(txn);
    if (err) {
        refuse_unread(instance, call, err);
        return;
    }
    bool nothing_new = fetch->after == instance->head.offset;
    if (problem == BUS__FETCHED__PROBLEM__NONE && fetch->wait && nothing_new && fetch->log && fetch->log->epoch) {
        unpark(instance, call, fetch->reader); /* one parked fetch per reader: the newer one counts */
        if (!crowd_enter(instance, &instance->fetch_crowd, call, PARKED_FETCHES_MAX, UINT64_MAX))
            return;
        struct parked_fetch *parked = calloc(1, sizeof *parked);
        bug_unless(parked);
        crowd_add(&instance->fetch_crowd, sizeof *parked);
        *parked = (struct parked_fetch){.next = instance->parked_fetches,
                                        .call = *call,
                                        .after = fetch->after,
                                        .bytes_max = fetch->bytes_max,
                                        .until_boot_ms = instance_boot(instance) + instance->options.idle_ms};
        snprintf(parked->reader, sizeof parked->reader, "%s", fetch->reader);
        instance->parked_fetches = parked;
        return;
    }
    uint64_t after = fetch->wait ? read_after(instance, call, fetch->after) : fetch->after;
    answer_fetch(instance, call, after, fetch->bytes_max, problem);
}

/* ---- queries ---- */

struct answering {
    const Hb__Query *query;
    Hb__QueryReply *reply;
};

static void answer(struct turn *turn, void *context)
{
    struct instance *instance = turn->instance;
    const struct answering *answering = context;
    const Hb__Query *query = answering->query;
    if (query->payload_case == HB__QUERY__PAYLOAD_CHAIN)
        chain_answer(turn, query, answering->reply);
    else if (instance->service->answer &&
             (cell_elsewhere(instance, query->cell ? query->cell : instance->options.cell) ||
              !refuse_foreign(turn, query->case_id, query->site)))
        instance->service->answer(turn, query, answering->reply);
}

void serve_query(struct instance *instance, const struct bus_call *call, const Hb__Query *query, bool stale)
{
    struct store_txn *txn = store_begin(instance->store, false);
    struct turn turn;
    turn_begin(&turn, instance, txn, &instance->arena, instance->last_now);
    turn_clear_input(&turn);
    turn.actor = query->actor;
    Bus__Reply *reply = reply_new(&instance->arena);
    reply->kind_case = BUS__REPLY__KIND_QUERY;
    reply->query = NEW(&instance->arena, Hb__QueryReply, HB__QUERY_REPLY__INIT);
    reply->query->stale = stale;
    if (!turn_read(&turn, answer, &(struct answering){query, reply->query})) {
        hb__query_reply__init(reply->query); /* nothing half done is shown */
        reply->query->stale = stale;
    }
    if (turn.refusal)
        reply->query->refused = turn.refusal;
    store_abort(txn);
    if (turn.computation && !turn.refusal)
        computation_start(turn.computation, call, query);
    else
        instance->env->reply(instance->env->context, call, reply);
    if (turn.computation && turn.refusal)
        computation_drop(turn.computation);
    arena_reset(&instance->arena);
}

static void take_query(struct instance *instance, const struct bus_call *call, const Hb__Query *query)
{
    if (query->actor && !(call->rights & BUS_RIGHT_ACTOR) && !(call->rights & BUS_RIGHT_CONTROL)) {
        reply_refuse(instance, call, 403, "not_allowed", "该密钥不得代表他人", "this key may not name an actor");
        return;
    }
    if (instance->rebuilding) {
        reply_refuse(instance, call, 503, "catching_up", "系统正在追赶，请稍后再试",
                     "this half of a divided partition makes its tables anew; try again shortly");
        return;
    }
    if (after_reached(instance, query->after, query->n_after)) {
        serve_query(instance, call, query, false);
        return;
    }
    if (!crowd_enter(instance, &instance->query_crowd, call, PARKED_QUERIES_MAX, PARKED_QUERIES_BYTES_MAX))
        return;
    struct parked_query *parked = calloc(1, sizeof *parked);
    bug_unless(parked);
    arena_init(&parked->arena);
    parked->call = *call;
    parked->until_boot_ms = instance_boot(instance) + AFTER_PARK_MS;
    parked->query = (Hb__Query *)message_copy(message_of(query), &parked->arena);
    parked->bytes = sizeof *parked + parked->arena.used;
    crowd_add(&instance->query_crowd, parked->bytes);
    parked->next = instance->parked_queries;
    instance->parked_queries = parked;
    instance_ask_all(instance, true);
}

void serve_parked(struct instance *instance)
{
    int64_t boot = instance_boot(instance);
    struct parked_query **at = &instance->parked_queries;
    while (*at) {
        struct parked_query *parked = *at;
        bool reached = after_reached(instance, parked->query->after, parked->query->n_after);
        if (!reached && boot < parked->until_boot_ms) {
            at = &parked->next;
            continue;
        }
        *at = parked->next;
        if (reached || instance->service->id == HB__SERVICE__ANALYTICS) /* lists are served, marked stale */
            serve_query(instance, &parked->call, parked->query, !reached);
        else
            reply_refuse(instance, &parked->call, 503, "catching_up", "系统正在追赶，请稍后再试",
                         "this service is catching up; try again shortly");
        crowd_leave(&instance->query_crowd, parked->bytes);
        arena_fini(&parked->arena);
        free(parked);
    }
    struct parked_fetch **fetch_at = &instance->parked_fetches;
    while (*fetch_at) {
        struct parked_fetch *parked = *fetch_at;
        if (instance->head.offset == parked->after && boot < parked->until_boot_ms) {
            fetch_at = &parked->next;
            continue;
        }
        *fetch_at = parked->next;
        answer_fetch(instance, &parked->call, parked->after, parked->bytes_max, BUS__FETCHED__PROBLEM__NONE);
        fetch_free(instance, parked);
    }
}

/* ---- seal: answered at once, writes nothing, works while intake is full or its clock is suspect ---- */

static void serve_seal(struct instance *instance, const struct bus_call *call, const Bus__Seal *seal)
{
    Bus__Reply *reply = reply_new(&instance->arena);
    reply->kind_case = BUS__REPLY__KIND_SEAL;
    reply->seal = NEW(&instance->arena, Bus__SealReply, BUS__SEAL_REPLY__INIT);
    reply->seal->sealed = arena_alloc(&instance->arena, (seal->n_items + 1) * sizeof *reply->seal->sealed);
    for (size_t i = 0; i < seal->n_items; i++) {
        Hb__Sealed *sealed;
        enum err err = vault_seal(instance->vault, seal->items[i]->key_id, seal->items[i]->field, seal->items[i]->plain,
                                  &instance->arena, &sealed);
        if (err) {
            arena_reset(&instance->arena);
            reply_refuse(instance, call, err == ERR_NOT_FOUND ? 410 : 503, err == ERR_NOT_FOUND ? "erased" : "vault",
                         "密钥不可用", "the key is not there: the data was erased, or the vault cannot be read");
            return;
        }
        reply->seal->sealed[reply->seal->n_sealed++] = sealed;
    }
    instance->env->reply(instance->env->context, call, reply);
    arena_reset(&instance->arena);
}

/* ---- control ---- */

static void count_table(struct instance *instance, enum runtime_table table, uint64_t *count_out)
{
    struct store_txn *txn = store_begin(instance->store, false);
    *count_out = store_count(txn, instance->runtime_tables[table]);
    store_abort(txn);
}

void instance_position(struct instance *instance, struct arena *arena, Bus__PositionReport *report)
{
    bus__position_report__init(report);
    report->log = NEW(arena, Hb__LogId, HB__LOG_ID__INIT);
    own_log(instance, report->log);
    report->end = instance->head.offset;
    report->end_hash = (ProtobufCBinaryData){sizeof instance->head_hash, instance->head_hash};
    report->cursors = arena_alloc(arena, (instance->feeds_count + 1) * sizeof *report->cursors);
    report->cells = arena_alloc(arena, (instance->feeds_count + 1) * sizeof *report->cells);
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        if (instance->feeds[i].cell) {
            report->cells[report->n_cells++] = feed_report(&instance->feeds[i], arena);
            continue;
        }
        Hb__Position *position = NEW(arena, Hb__Position, HB__POSITION__INIT);
        position->log = &instance->feeds[i].log;
        position->offset = instance->feeds[i].cursor;
        report->cursors[report->n_cursors++] = position;
    }
    report->waiting = instance->waiting_count;
    count_table(instance, RUNTIME_JOBS, &report->jobs);
    int64_t now = instance->env->now(instance->env->context);
    report->timers_due = instance->service->fire && instance->timer_next <= now;
    report->effects_due = instance->effect_next <= now;
    for (struct pending *p = instance->door; p; p = p->next)
        report->parked++;
    for (struct pending *p = instance->commands; p; p = p->next)
        report->parked++;
    report->holding = instance->holding;
    report->snapshot = snapshot_report(instance, arena);
    report->health = (char *)(uintptr_t)instance_health(instance);
}

static void control_text(struct instance *instance, Bus__ControlReply *answer)
{
    answer->text = metrics_print(instance_metrics(instance), &instance->arena);
}

/* Not held, the services would copy states that do not fit together. */
static bool take_snapshot(struct instance *instance, const struct bus_call *call, const char *folder)
{
    if (!*folder) {
        snapshot_free(instance);
        return true;
    }
    enum err err = instance->holding ? snapshot_start(instance, folder) : ERR_NONE;
    if (!instance->holding)
        reply_refuse(instance, call, 409, "not_held", "须先暂停各服务的接收，再做快照",
                     "services must hold before a snapshot: ask all of them to HOLD first");
    else if (err == ERR_EXISTS)
        reply_refuse(instance, call, 409, "exists", "该文件夹中已有数据", "that folder holds a store already");
    else if (err)
        reply_refuse(instance, call, err == ERR_FULL ? 507 : 500, "io", "无法写入快照",
                     "the snapshot cannot be written into that folder");
    return instance->holding && !err;
}

/* The next turn folds it. A key under which nothing is quarantined is refused with those there are. */
static void serve_release(struct instance *instance, const struct bus_call *call, const char *key)
{
    char *keys[20];
    unsigned count;
    Bus__Reply *reply = reply_new(&instance->arena);
    if (waiting_under(instance, key, keys, &count, sizeof keys / sizeof *keys)) {
        free(instance->release_key);
        instance->release_key = strdup(key);
        instance->env->wake(instance->env->context);
        reply->kind_case = BUS__REPLY__KIND_CONTROL;
        reply->control = NEW(&instance->arena, Bus__ControlReply, BUS__CONTROL_REPLY__INIT);
        reply->control->position = arena_alloc(&instance->arena, sizeof *reply->control->position);
        instance_position(instance, &instance->arena, reply->control->position);
    } else {
        reply->kind_case = BUS__REPLY__KIND_REFUSED;
        Hb__Refusal *refusal = reply->refused = NEW(&instance->arena, Hb__Refusal, HB__REFUSAL__INIT);
        Hb__Label *text = refusal->text = NEW(&instance->arena, Hb__Label, HB__LABEL__INIT);
        refusal->status = 404;
        refusal->code = "not_found";
        refusal->field = "key";
        refusal->accepted = keys;
        refusal->n_accepted = count;
        text->zh = "没有以此编号隔离的事件";
        text->en = "no event is quarantined under this key";
    }
    instance->env->reply(instance->env->context, call, reply);
    arena_reset(&instance->arena);
}

static void serve_control(struct instance *instance, const struct bus_call *call, const Bus__Control *control)
{
    if (control->what == BUS__CONTROL__WHAT__VERIFY) { /* answered when it is done */
        verify_take(instance, call);
        return;
    }
    if (control->what == BUS__CONTROL__WHAT__RELEASE) {
        serve_release(instance, call, control->key);
        return;
    }
    Bus__Reply *reply = reply_new(&instance->arena);
    reply->kind_case = BUS__REPLY__KIND_CONTROL;
    Bus__ControlReply *answer = reply->control = NEW(&instance->arena, Bus__ControlReply, BUS__CONTROL_REPLY__INIT);
    uint8_t *hash = arena_alloc(&instance->arena, 32);
    switch (control->what) {
    case BUS__CONTROL__WHAT__HOLD:
        instance->holding = true;
        instance->hold_until = instance->env->boot(instance->env->context) + HOLD_MS_MAX;
        break;
    case BUS__CONTROL__WHAT__RESUME:
        instance->holding = false;
        instance->env->wake(instance->env->context);
        break;
    case BUS__CONTROL__WHAT__ACCEPT_CLOCK:
        instance->clock_accepted = true;
        instance->env->wake(instance->env->context);
        break;
    case BUS__CONTROL__WHAT__SNAPSHOT:
        if (!take_snapshot(instance, call, control->path)) {
            arena_reset(&instance->arena);
            return;
        }
        break;
    case BUS__CONTROL__WHAT__STATUS:
        control_text(instance, answer);
        break;
    case BUS__CONTROL__WHAT__STATE_HASH:
        if (instance_state_hash(instance, hash) == ERR_NONE)
            answer->hash = (ProtobufCBinaryData){32, hash};
        break;
    case BUS__CONTROL__WHAT__POSITION:
    case BUS__CONTROL__WHAT__RELEASE:
    case BUS__CONTROL__WHAT__VERIFY:
    case BUS__CONTROL__WHAT__STOP:
        break;
    }
    answer->position = arena_alloc(&instance->arena, sizeof *answer->position);
    instance_position(instance, &instance->arena, answer->position);
    instance->env->reply(instance->env->context, call, reply);
    if (control->what == BUS__CONTROL__WHAT__STOP)
        instance->stopping = true;
    arena_reset(&instance->arena);
}

/* ---- all of them ---- */

static uint32_t right_of(const Bus__Request *request)
{
    switch (request->kind_case) {
    case BUS__REQUEST__KIND_FETCH:
        return BUS_RIGHT_FETCH;
    case BUS__REQUEST__KIND_COMMAND:
        return BUS_RIGHT_COMMAND;
    case BUS__REQUEST__KIND_QUERY:
        return BUS_RIGHT_QUERY;
    case BUS__REQUEST__KIND_SEAL:
        return BUS_RIGHT_SEAL;
    case BUS__REQUEST__KIND_CONTROL:
        return BUS_RIGHT_CONTROL;
    case BUS__REQUEST__KIND_POLL: /* the link's */
    case BUS__REQUEST__KIND_DELIVER:
    case BUS__REQUEST__KIND__NOT_SET:
        break;
    }
    return 0;
}

void instance_serve(struct instance *instance, const struct bus_call *call, const Bus__Request *request,
                    struct bytes stored)
{
    (void)stored;
    int64_t now;
    (void)clock_look(instance, &now); /* what is promised, or written by an answer, is of a time that is trusted */
    uint32_t right = right_of(request);
    bool position =
        request->kind_case == BUS__REQUEST__KIND_CONTROL && (request->control->what == BUS__CONTROL__WHAT__POSITION ||
                                                             request->control->what == BUS__CONTROL__WHAT__STATUS);
    if (right == 0) {
        reply_refuse(instance, call, 400, "not_understood", "无法理解该请求",
                     "this request is of a kind not known here");
        return;
    }
    /* health and metrics are for whoever may query; where a log ends, for whoever may fetch it */
    bool end = position && request->control->what == BUS__CONTROL__WHAT__POSITION && (call->rights & BUS_RIGHT_FETCH);
    if (!(call->rights & right) && !end && !(position && (call->rights & BUS_RIGHT_QUERY))) {
        reply_refuse(instance, call, 403, "not_allowed", "该密钥无此权限", "this key has no right to do that");
        return;
    }
    switch (request->kind_case) {
    case BUS__REQUEST__KIND_FETCH:
        serve_fetch(instance, call, request->fetch);
        break;
    case BUS__REQUEST__KIND_COMMAND:
        if (instance->service->decide)
            door_take(instance, call, request->command);
        else
            reply_refuse(instance, call, 400, "not_understood", "该服务不接受命令", "this service takes no commands");
        break;
    case BUS__REQUEST__KIND_QUERY:
        take_query(instance, call, request->query);
        break;
    case BUS__REQUEST__KIND_SEAL:
        if (instance->service->seals)
            serve_seal(instance, call, request->seal);
        else
            reply_refuse(instance, call, 400, "not_understood", "该服务不密封文字", "this service seals no texts");
        break;
    case BUS__REQUEST__KIND_CONTROL:
        serve_control(instance, call, request->control);
        break;
    case BUS__REQUEST__KIND_POLL:
    case BUS__REQUEST__KIND_DELIVER:
    case BUS__REQUEST__KIND__NOT_SET:
        break;
    }
}
