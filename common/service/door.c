/* The door: what happens to a command before its turn, asynchronously: it waits for what its sender has already seen
   (`after`), is typed and checked by the service (prepare), and its personal texts are sealed: by intake's own vault,
   or by asking intake. Commands on one case leave the door in the order they came. */
#include "base/planted.h"
#include "message/message.h"
#include "service/internal.h"
#include "vault/vault.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

void pending_free(struct pending *pending)
{
    crowd_leave(&pending->instance->door_crowd, pending->bytes);
    arena_fini(&pending->arena);
    free(pending);
}

static void reply_refusal(struct pending *pending, Hb__Refusal *refusal)
{
    Bus__Reply *reply = reply_new(&pending->arena);
    reply->kind_case = BUS__REPLY__KIND_COMMAND;
    reply->command = NEW(&pending->arena, Hb__CommandReply, HB__COMMAND_REPLY__INIT);
    reply->command->refused = refusal;
    pending->instance->env->reply(pending->instance->env->context, &pending->call, reply);
    pending->instance->counts.refusals++;
    pending->gone = true;
}

void pending_refuse(struct pending *pending, uint32_t status, const char *code, const char *zh, const char *en)
{
    Hb__Refusal *refusal = NEW(&pending->arena, Hb__Refusal, HB__REFUSAL__INIT);
    Hb__Label *text = NEW(&pending->arena, Hb__Label, HB__LABEL__INIT);
    text->zh = (char *)(uintptr_t)zh;
    text->en = (char *)(uintptr_t)en;
    refusal->status = status;
    refusal->code = (char *)(uintptr_t)code;
    refusal->text = text;
    if (status == 503)
        refusal->retry_after_s = 2;
    reply_refusal(pending, refusal);
}

/* What was seen of a log in an epoch before the present one was folded, or was lost with a restore: waiting for it
   would be in vain. */
static bool reached(const struct feed *feed, const Hb__Position *after)
{
    bool past = after->log->epoch && after->log->epoch < feed->log.epoch;
    return past || feed->cursor >= after->offset;
}

bool after_reached(const struct instance *instance, Hb__Position *const *after, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Hb__LogId *log = after[i]->log;
        if (!log || (log->cell && log->cell != instance->options.cell))
            continue;
        for (unsigned f = 0; f < instance->feeds_count; f++) {
            const struct feed *feed = &instance->feeds[f];
            if (feed_means(feed, log) && !reached(feed, after[i]))
                return false;
        }
    }
    return true;
}

/* The identity of a command's content: without what a repetition may change, and keyed, since texts are still plain. */
static void body_hash(struct instance *instance, const Hb__Command *command, struct arena *arena, uint8_t out[32])
{
    Hb__Command bare = *command;
    bare.n_after = 0;
    bare.trace = (char *)(uintptr_t) "";
    bare.actor = NULL;
    struct arena_mark mark = arena_mark(arena);
    struct bytes body = message_pack(message_of(&bare), arena);
    crypto_generichash(out, 32, body.data, body.size, instance->head_key, sizeof instance->head_key);
    arena_return(arena, mark);
}

void door_take(struct instance *instance, const struct bus_call *call, const Hb__Command *command)
{
    if (!crowd_enter(instance, &instance->door_crowd, call, DOOR_COMMANDS_MAX, DOOR_BYTES_MAX))
        return;
    struct pending *pending = calloc(1, sizeof *pending);
    bug_unless(pending);
    arena_init(&pending->arena);
    pending->instance = instance;
    pending->call = *call;
    pending->came_boot_ms = instance_boot(instance);
    pending->command = (Hb__Command *)message_copy(message_of(command), &pending->arena);
    pending->bytes = sizeof *pending + pending->arena.used;
    crowd_add(&instance->door_crowd, pending->bytes);
    if (!(call->rights & BUS_RIGHT_ACTOR) && pending->command->actor) {
        pending_refuse(pending, 403, "not_allowed", "该密钥不得代表他人", "this key may not name an actor");
        pending_free(pending);
        return;
    }
    if ((call->rights & BUS_RIGHT_CONTROL) &&
        !(call->rights & BUS_RIGHT_ACTOR)) { /* the operator's key speaks for itself */
        pending->command->actor = NEW(&pending->arena, Hb__Actor, HB__ACTOR__INIT);
        pending->command->actor->operator_ = true;
    }
    if (!*command->id || strlen(command->id) > 64 || strlen(command->account) > 64) {
        pending_refuse(pending, 422, "bad_field", "请求编号须为 1 至 64 个字符", "id must have 1 to 64 characters");
        pending_free(pending);
        return;
    }
    body_hash(instance, pending->command, &pending->arena, pending->body_hash);
    *instance->door_tail = pending;
    instance->door_tail = &pending->next;
    instance->env->wake(instance->env->context);
}

/* ---- sealing ---- */

struct plains {
    struct pending *pending;
    Hb__Personal **list;
    const char **fields;
    bool *identity;
    unsigned count;
};

/* A Party's fields are of the identity class; what a field is called is bound into its box. */
static void find_plain(ProtobufCMessage *message, void *context)
{
    struct plains *plains = context;
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    struct arena *arena = &plains->pending->arena;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->descriptor != &hb__personal__descriptor ||
            field->label == PROTOBUF_C_LABEL_REPEATED)
            continue;
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            int which;
            memcpy(&which, (const char *)message + field->quantifier_offset, sizeof which);
            if (which != (int)field->id)
                continue;
        }
        Hb__Personal *personal;
        memcpy(&personal, (const char *)message + field->offset, sizeof personal);
        if (!personal || personal->kind_case != HB__PERSONAL__KIND_PLAIN)
            continue;
        unsigned n = plains->count++;
        plains->list = arena_grow(arena, plains->list, n, sizeof *plains->list);
        plains->fields = arena_grow(arena, plains->fields, n, sizeof *plains->fields);
        plains->identity = arena_grow(arena, plains->identity, n, sizeof *plains->identity);
        plains->list[n] = personal;
        bool named = descriptor == &hb__field__descriptor;
        plains->fields[n] = named ? ((Hb__Field *)message)->name : field->name;
        plains->identity[n] = descriptor == &intake__party__descriptor;
    }
}

static void seal_with(Hb__Personal *personal, Hb__Sealed *sealed)
{
    personal->kind_case = HB__PERSONAL__KIND_SEALED;
    personal->sealed = sealed;
}

static bool seal_here(struct pending *pending, const struct plains *plains, const uint64_t keys[2])
{
    for (unsigned i = 0; i < plains->count; i++) {
        Hb__Sealed *sealed;
        if (vault_seal(pending->instance->vault, keys[plains->identity[i]], plains->fields[i], plains->list[i]->plain,
                       &pending->arena, &sealed)) {
            pending_refuse(pending, 503, "vault", "保密库暂不可用", "the vault cannot seal now");
            return false;
        }
        if (!planted("leak_plain"))
            seal_with(plains->list[i], sealed);
    }
    return true;
}

struct seal_asked {
    struct pending *pending;
    struct plains plains;
};

static void on_sealed(void *context, enum err err, const Bus__Reply *reply)
{
    struct seal_asked *asked = context; /* in the pending command's arena */
    struct pending *pending = asked->pending;
    struct instance *instance = pending->instance;
    instance->sealing--;
    pending->sealing = false;
    const Bus__SealReply *seal = !err && reply->kind_case == BUS__REPLY__KIND_SEAL ? reply->seal : NULL;
    if (!seal || seal->refused || seal->n_sealed != asked->plains.count) {
        pending_refuse(pending, 503, "service_down", "登记服务暂不可用，含个人文字的请求稍后再试",
                       "intake is down: requests with personal text must wait; all others work");
    } else {
        for (unsigned i = 0; i < asked->plains.count; i++) {
            Hb__Sealed *copy = NEW(&pending->arena, Hb__Sealed, HB__SEALED__INIT);
            copy->key_id = seal->sealed[i]->key_id;
            copy->field = arena_strdup(&pending->arena, seal->sealed[i]->field);
            struct bytes box =
                arena_copy(&pending->arena, bytes_of(seal->sealed[i]->box.data, seal->sealed[i]->box.len));
            copy->box = (ProtobufCBinaryData){box.size, (uint8_t *)(uintptr_t)box.data};
            seal_with(asked->plains.list[i], copy);
        }
        pending->ready = true;
    }
    instance->env->wake(instance->env->context);
}

static void seal_by_intake(struct pending *pending, const struct plains *plains, const uint64_t keys[2])
{
    struct arena *arena = &pending->arena;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Seal seal = BUS__SEAL__INIT;
    request.kind_case = BUS__REQUEST__KIND_SEAL;
    request.seal = &seal;
    seal.items = arena_alloc(arena, plains->count * sizeof *seal.items);
    for (unsigned i = 0; i < plains->count; i++) {
        Bus__SealItem *item = NEW(arena, Bus__SealItem, BUS__SEAL_ITEM__INIT);
        item->key_id = keys[plains->identity[i]];
        item->field = (char *)(uintptr_t)plains->fields[i];
        item->plain = plains->list[i]->plain;
        seal.items[seal.n_items++] = item;
    }
    struct seal_asked *asked = arena_alloc(arena, sizeof *asked);
    *asked = (struct seal_asked){pending, *plains};
    pending->sealing = true;
    pending->instance->sealing++;
    struct instance *instance = pending->instance;
    uint32_t partition =
        instance_partition_of(instance, HB__SERVICE__INTAKE, case_id_bucket(pending->command->case_id));
    instance->env->ask(instance->env->context, HB__SERVICE__INTAKE, partition, &request, 5000, on_sealed, asked);
}

/* ---- through the door ---- */

static bool answered_before(struct turn *turn, struct pending *pending)
{
    Record__Outcome *outcome;
    if (!outcome_find(turn, pending->command, &outcome))
        return false;
    bool same = bytes_equal(bytes_of(outcome->body_hash.data, outcome->body_hash.len),
                            bytes_of(pending->body_hash, sizeof pending->body_hash));
    if (!same && !planted("accept_other_body")) {
        pending_refuse(pending, 422, "body_mismatch", "同一编号的请求内容不同",
                       "another request was made under this id");
        return true;
    }
    Bus__Reply *reply = reply_new(turn->arena);
    reply->kind_case = BUS__REPLY__KIND_COMMAND;
    reply->command = NEW(turn->arena, Hb__CommandReply, HB__COMMAND_REPLY__INIT);
    command_reply_fill(turn, pending->command, outcome->first, outcome->last, true, reply);
    pending->instance->env->reply(pending->instance->env->context, &pending->call, reply);
    pending->gone = true;
    return true;
}

static void seal(struct turn *turn, struct pending *pending)
{
    const struct service *service = turn->instance->service;
    struct plains plains = {.pending = pending};
    message_visit(message_of(pending->command), find_plain, &plains);
    uint64_t keys[2] = {0, 0};
    for (unsigned i = 0; i < plains.count && service->seal_key; i++)
        if (keys[plains.identity[i]] == 0)
            keys[plains.identity[i]] = service->seal_key(turn, pending->command, plains.identity[i]);
    bool keyed = true;
    for (unsigned i = 0; i < plains.count; i++)
        keyed = keyed && keys[plains.identity[i]] != 0;
    if (!keyed)
        pending_refuse(pending, 404, "not_found", "没有这个案件", "there is no such case");
    else if (plains.count == 0)
        pending->ready = true;
    else if (service->seals)
        pending->ready = seal_here(pending, &plains, keys);
    else
        seal_by_intake(pending, &plains, keys);
}

/* Types, checks and seals, on committed state. */
static void prepare(struct turn *turn, void *context)
{
    struct pending *pending = context;
    const struct service *service = turn->instance->service;
    if (answered_before(turn, pending))
        return;
    bool foreign = refuse_foreign(turn, pending->command->case_id, pending->command->site);
    if (service->prepare && !foreign)
        service->prepare(turn, pending->command);
    if (turn->refusal)
        reply_refusal(pending, turn->refusal);
    else
        seal(turn, pending);
}

static void pass(struct pending *pending, int64_t now)
{
    struct instance *instance = pending->instance;
    struct store_txn *txn = store_begin(instance->store, false);
    struct turn turn;
    turn_begin(&turn, instance, txn, &pending->arena, now);
    turn_clear_input(&turn);
    turn.phase = PHASE_PREPARE;
    turn.actor = pending->command->actor;
    pending->prepared = true;
    if (!turn_read(&turn, prepare, pending) && !pending->gone && !pending->sealing)
        reply_refusal(pending, turn.refusal);
    store_abort(txn);
}

static bool organisation_heard(struct instance *instance)
{
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        const struct feed *feed = &instance->feeds[i];
        if (feed->service == HB__SERVICE__DIRECTORY && !feed->cell && !feed->caught_up_once && feed->cursor == 0)
            return false;
    }
    return true;
}

static void look_at(struct pending *pending, int64_t now)
{
    struct instance *instance = pending->instance;
    if (pending->prepared || pending->gone)
        return;
    if (instance->rebuilding)
        pending_refuse(pending, 503, "catching_up", "系统正在追赶，请稍后再试",
                       "this half of a divided partition makes its tables anew; try again shortly");
    else if (instance->suspect)
        pending_refuse(pending, 503, "clock_suspect", "系统时钟可疑，暂不接受写入",
                       "the clock is suspect: no writes until it is trusted");
    else if (instance->full)
        pending_refuse(pending, 503, "full", "存储空间不足，暂不接受写入", "no room on disk: no writes until there is");
    else if (after_reached(instance, pending->command->after, pending->command->n_after) &&
             organisation_heard(instance))
        pass(pending, now);
    else if (instance_boot(instance) - pending->came_boot_ms >= AFTER_PARK_MS)
        pending_refuse(pending, 503, "catching_up", "系统正在追赶，请稍后再试",
                       "this service is catching up; try again shortly");
}

/* Moves what is ready from the door to the queue of commands, never past an earlier one of the same case. */
void door_move(struct instance *instance, int64_t now)
{
    for (struct pending *pending = instance->door; pending; pending = pending->next)
        look_at(pending, now);
    struct pending **at = &instance->door;
    while (*at) {
        struct pending *pending = *at;
        bool blocked = false;
        if (pending->ready && pending->command->case_id)
            for (struct pending *earlier = instance->door; earlier != pending; earlier = earlier->next)
                blocked = blocked || (earlier->command->case_id == pending->command->case_id && !earlier->gone);
        bool leaves = pending->gone || (pending->ready && !blocked);
        if (!leaves) {
            at = &pending->next;
            continue;
        }
        *at = pending->next;
        pending->next = NULL;
        if (pending->gone) {
            if (!pending->sealing)
                pending_free(pending);
        } else {
            *instance->commands_tail = pending;
            instance->commands_tail = &pending->next;
        }
    }
    instance->door_tail = at;
}

/* ---- the reply ---- */

/* Of the input at hand, said earlier in this turn, or in the log. */
Hb__Event *turn_own_event(struct turn *turn, uint64_t offset)
{
    const struct instance *instance = turn->instance;
    struct bytes stored;
    ProtobufCMessage *message;
    char *why;
    if (offset > instance->head.offset) {
        uint64_t index = offset - instance->head.offset - 1;
        if (index >= turn->said_count)
            return NULL;
        if (index >= turn->input_first)
            return turn->said[index].event;
        stored = turn->said[index].stored;
    } else if (!eventlog_get(turn->txn, instance->runtime_tables[RUNTIME_LOG], offset, turn->arena, &stored)) {
        return NULL;
    }
    if (message_load(&hb__event__descriptor, stored, turn->arena, &message, &why))
        log_damaged(turn, offset);
    return (Hb__Event *)message;
}

bool turn_own_hash(struct turn *turn, uint64_t offset, uint8_t hash_out[TURN_HASH_BYTES])
{
    const struct instance *instance = turn->instance;
    struct bytes stored;
    if (!offset || offset > instance->head.offset ||
        !eventlog_get(turn->txn, instance->runtime_tables[RUNTIME_LOG], offset, turn->arena, &stored))
        return false;
    eventlog_hash(stored, hash_out);
    return true;
}

static Hb__Event **said_between(struct turn *turn, uint64_t first, uint64_t last, unsigned *count_out)
{
    Hb__Event **events = NULL, *event;
    unsigned count = 0;
    for (uint64_t offset = first; offset && offset <= last && (event = turn_own_event(turn, offset)); offset++) {
        events = arena_grow(turn->arena, events, count, sizeof *events);
        events[count++] = event;
    }
    *count_out = count;
    return events;
}

void command_reply_fill(struct turn *turn, const Hb__Command *command, uint64_t first, uint64_t last, bool repeated,
                        Bus__Reply *reply)
{
    struct instance *instance = turn->instance;
    unsigned count = 0;
    Hb__Event **events = said_between(turn, first, last, &count);
    Hb__CommandReply *answer = reply->command;
    answer->repeated_command = repeated;
    answer->case_id = command->case_id;
    if (count && events[0]->case_id)
        answer->case_id = events[0]->case_id;
    turn->phase = PHASE_READ;
    if (instance->service->reply)
        instance->service->reply(turn, command, events, count, answer);
    Hb__Position *after = NEW(turn->arena, Hb__Position, HB__POSITION__INIT);
    after->log = NEW(turn->arena, Hb__LogId, HB__LOG_ID__INIT);
    after->log->cell = instance->options.cell;
    after->log->service = instance->service->id;
    after->log->partition = instance->options.partition;
    after->log->epoch = instance->head.epoch;
    after->offset = last ? last : instance->head.offset;
    answer->after = arena_grow(turn->arena, answer->after, answer->n_after, sizeof *answer->after);
    answer->after[answer->n_after++] = after;
}
