/* Partitions. Which bucket something is of; which logs share a beginning; and how a partition that was divided
   (hearback split) takes up its share.

   `hearback split` only copies a folder and writes the configuration. At its next start each half finds that the
   configuration gives it fewer buckets than its folder holds. In one transaction it says LogForked, empties the tables
   that evolve writes and drops what waited for foreign cases. Then it makes the tables anew by folding its share of
   what was heard and said (`heard` is whole in both halves): so no service need know how to divide its rows, and a
   fresh fold equals the state by construction. A kill at any instruction leaves either the whole or a half that goes
   on.

   The logs of both halves are one up to the fork. A consumer hears the common beginning once (feed.c).

   In the same way a program whose rows are of another format than the folder's makes the tables anew: nothing of them
   is read before. */
#include "message/message.h"
#include "organisation/organisation.h"
#include "service/internal.h"
#include "vault/vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- ranges ---- */

static struct range range_of(uint32_t from, uint32_t to)
{
    return (struct range){from, to ? to : CONFIG_BUCKETS};
}

struct range instance_range(const struct instance *instance)
{
    return range_of(instance->options.bucket_from, instance->options.bucket_to);
}

bool instance_has_bucket(const struct instance *instance, uint32_t bucket)
{
    struct range range = instance_range(instance);
    return range.from <= bucket && bucket < range.to;
}

static uint32_t site_bucket(struct turn *turn, const char *site)
{
    bool knows = turn->instance->service->keeps_organisation && *site;
    const Directory__Site *known = knows ? organisation_site(turn, site) : NULL;
    return known ? known->bucket : CONFIG_BUCKETS;
}

/* Directory's events concern all, and what is of no case is its site's. */
static bool asks_here(const struct turn *turn, const Hb__Event *event)
{
    return event->cell != turn->instance->options.cell && event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
           event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_REQUESTED && event->casework->case_requested->cell;
}

bool event_ours(struct turn *turn, const Hb__Event *event)
{
    struct range range = instance_range(turn->instance);
    if ((range.from == 0 && range.to == CONFIG_BUCKETS) || event->service == HB__SERVICE__DIRECTORY)
        return true;
    if (asks_here(turn, event)) /* of the cell above: it is the site here that counts */
        return instance_has_bucket(turn->instance, site_bucket(turn, event->casework->case_requested->site));
    uint64_t looked = turn_look_at(turn, cell_elsewhere(turn->instance, event->cell));
    uint32_t bucket = event->case_id ? case_id_bucket(event->case_id) : site_bucket(turn, event->site);
    turn_look_at(turn, looked);
    return bucket == CONFIG_BUCKETS || instance_has_bucket(turn->instance, bucket);
}

/* Whoever asks with an old configuration is told so, instead of hearing that there is no such case. */
bool refuse_foreign(struct turn *turn, uint64_t case_id, const char *site)
{
    uint32_t bucket = case_id ? case_id_bucket(case_id) : site_bucket(turn, site);
    if (turn->instance->service->id == HB__SERVICE__DIRECTORY || bucket == CONFIG_BUCKETS ||
        instance_has_bucket(turn->instance, bucket))
        return false;
    Hb__Refusal *refusal = turn_refuse(turn, 503, "wrong_partition", "该案件属于另一分区，请稍后再试",
                                       "another partition has this case or site: whoever asked has an old "
                                       "configuration; give it the new one and start it again");
    refusal->retry_after_s = 2;
    return true;
}

uint32_t instance_partition_of(const struct instance *instance, Hb__Service service, uint32_t bucket)
{
    const Config__Config *config = instance->options.config;
    const Config__Instance *found = config ? config_instance_of_bucket(config, service, bucket) : NULL;
    return found ? found->partition : 0;
}

/* Of another cell nobody here knows where the log of the other half begins: it is not heard on (ARCHITECTURE.md, not
   built yet). */
bool fork_known(struct instance *instance, const struct feed *feed, const Hb__Event *event)
{
    const Hb__LogForked *forked = event->log_forked;
    struct range range = instance_range(instance);
    bool concerns = range.from < forked->to_bucket && forked->at_bucket < range.to;
    return !feed->cell && (!concerns || feed_of(instance, forked->service, forked->into_partition));
}

/* ---- dividing ---- */

struct dividing {
    struct instance *instance;
    struct store_txn *txn;
    const Config__Instance *fork; /* the upper half */
    Record__Head *head;
    struct range range; /* what is left of the folder's */
};

static void put(struct dividing *dividing, const char *name, const ProtobufCMessage *message)
{
    struct key key = key_text(name);
    row_put(dividing->txn, dividing->instance->runtime_tables[RUNTIME_META], key_bytes(&key), message,
            &dividing->instance->arena);
}

static void say_forked(struct dividing *dividing)
{
    struct instance *instance = dividing->instance;
    Record__Head *head = dividing->head;
    Hb__Event event = HB__EVENT__INIT;
    Hb__Cause cause = HB__CAUSE__INIT;
    Hb__LogForked forked = HB__LOG_FORKED__INIT;
    int64_t now = instance->env->now(instance->env->context);
    cause.kind_case = HB__CAUSE__KIND_BOOT;
    cause.boot = true;
    forked.service = instance->service->id;
    forked.from_partition = dividing->fork->forked_from;
    forked.into_partition = dividing->fork->partition;
    forked.at_bucket = dividing->fork->bucket_from;
    forked.to_bucket = head->bucket_to ? head->bucket_to : CONFIG_BUCKETS;
    forked.offset = head->offset;
    event.cell = instance->options.cell;
    event.service = instance->service->id;
    event.partition = instance->options.partition;
    event.epoch = head->epoch;
    event.offset = head->offset + 1;
    event.recorded_ms = event.occurred_ms = now > head->recorded_ms ? now : head->recorded_ms;
    event.cause = &cause;
    event.hops = 1;
    event.previous_hash = head->hash;
    event.must_understand = true;
    event.payload_case = HB__EVENT__PAYLOAD_LOG_FORKED;
    event.log_forked = &forked;
    struct bytes stored = message_pack(message_of(&event), &instance->arena);
    bug_unless(eventlog_append(&eventlog_local, dividing->txn, instance->runtime_tables[RUNTIME_LOG], head->offset,
                               &stored, 1) == APPEND_DONE);
    head->offset++;
    head->recorded_ms = event.recorded_ms;
    head->hash.data = arena_alloc(&instance->arena, EVENTLOG_HASH_BYTES);
    eventlog_hash(stored, head->hash.data);
}

static void add_heard(struct dividing *dividing)
{
    Record__Heard heard = RECORD__HEARD__INIT;
    Record__Input input = RECORD__INPUT__INIT, *inputs = &input;
    input.kind_case = RECORD__INPUT__KIND_FORKED;
    input.forked = true;
    input.first_own = input.last_own = dividing->head->offset;
    heard.inputs = &inputs;
    heard.n_inputs = 1;
    heard.recorded_ms = dividing->head->recorded_ms;
    struct key key = key_u64(++dividing->head->turns);
    row_append(dividing->txn, dividing->instance->runtime_tables[RUNTIME_HEARD], key_bytes(&key), message_of(&heard),
               &dividing->instance->arena);
}

/* `at`: where in the key the case is; from its end when negative. */
static void drop_foreign(struct dividing *dividing, store_table table, int at)
{
    struct store_scan scan;
    struct bytes key;
    store_scan_open(&scan, dividing->txn, table, (struct bytes){0}, (struct bytes){0});
    while (store_scan_next(&scan, &dividing->instance->arena, &key, NULL)) {
        uint32_t bucket = case_id_bucket(bytes_get_u64(at < 0 ? key.data + key.size + at : key.data + at));
        if (bucket < dividing->range.from || bucket >= dividing->range.to)
            store_delete(dividing->txn, table, key);
    }
}

/* What waits, and what for; of other cells behind the id of the cell. */
static void drop_waiting(struct dividing *dividing)
{
    struct instance *instance = dividing->instance;
    drop_foreign(dividing, instance->runtime_tables[RUNTIME_WAITING], 0);
    drop_foreign(dividing, instance->runtime_tables[RUNTIME_WAITING_FOR], -8);
    if (instance->options.cells_count)
        drop_foreign(dividing, instance->cells_waiting, 8);
}

static enum err begin_anew(struct dividing *dividing)
{
    Record__Rebuild rebuild = RECORD__REBUILD__INIT;
    store_table table;
    for (unsigned i = 0; folded_table(dividing->instance, i, &table); i++)
        store_clear(dividing->txn, table);
    dividing->head->state_format = STATE_FORMAT;
    put(dividing, "head", message_of(dividing->head));
    rebuild.until = dividing->head->turns;
    put(dividing, "rebuild", message_of(&rebuild));
    return store_commit(dividing->txn);
}

static enum err divide(struct dividing *dividing)
{
    dividing->txn = store_begin(dividing->instance->store, true);
    say_forked(dividing);
    add_heard(dividing);
    drop_waiting(dividing);
    dividing->head->bucket_from = dividing->range.from;
    dividing->head->bucket_to = dividing->range.to;
    return begin_anew(dividing);
}

/* The fork that explains why the configuration gives this folder `mine` of the `held` buckets. */
static const Config__Instance *fork_between(const struct instance *instance, struct range held, struct range mine)
{
    const Config__Config *config = instance->options.config;
    uint32_t me = instance->options.partition;
    for (size_t i = 0; config && i < config->n_instances; i++) {
        const Config__Instance *fork = config->instances[i];
        bool lower = fork->forked_from == me && mine.from == held.from && mine.to == fork->bucket_from;
        bool upper = fork->partition == me && mine.from == fork->bucket_from && mine.to == held.to;
        if (fork->forked && fork->service == instance->service->id && (lower || upper))
            return fork;
    }
    return NULL;
}

/* NULL: a new folder, or one that head_load refuses. */
static Record__Head *head_of(struct instance *instance)
{
    struct key key = key_text("head");
    struct bytes value;
    ProtobufCMessage *message;
    char *why;
    struct store_txn *txn = store_begin(instance->store, false);
    bool found = store_get(txn, instance->runtime_tables[RUNTIME_META], key_bytes(&key), &instance->arena, &value);
    store_abort(txn);
    bool good = found && !row_load(&record__head__descriptor, key_bytes(&key), value, &instance->arena, &message, &why);
    return good ? (Record__Head *)message : NULL;
}

enum err format_take_up(struct instance *instance)
{
    struct dividing dividing = {.instance = instance, .head = head_of(instance)};
    if (!dividing.head || dividing.head->state_format == STATE_FORMAT)
        return ERR_NONE;
    dividing.txn = store_begin(instance->store, true);
    enum err err = begin_anew(&dividing);
    arena_reset(&instance->arena);
    return err;
}

enum err fork_take_up(struct instance *instance, char *why_out, size_t why_size)
{
    struct dividing dividing = {.instance = instance, .head = head_of(instance), .range = instance_range(instance)};
    const Record__Head *head = dividing.head;
    if (!head)
        return ERR_NONE;
    struct range held = range_of(head->bucket_from, head->bucket_to), mine = dividing.range;
    if (held.from == mine.from && held.to == mine.to)
        return ERR_NONE;
    dividing.fork = fork_between(instance, held, mine);
    enum err err = ERR_DENIED;
    if (!dividing.fork)
        snprintf(why_out, why_size,
                 "this folder holds the buckets %" PRIu32 " to %" PRIu32 ", the configuration gives it %" PRIu32
                 " to %" PRIu32 ": ranges change by `hearback split` only; take the configuration that it wrote",
                 held.from, held.to, mine.from, mine.to);
    else if (dividing.fork->forked_at != head->offset)
        snprintf(why_out, why_size,
                 "this partition was divided at offset %" PRIu64 ", but its log ends at %" PRIu64
                 ": it was run with the old configuration afterwards, and the new partition lacks what it said then; "
                 "take the old configuration again, remove the new partition's folder, and split once more",
                 dividing.fork->forked_at, head->offset);
    else
        err = divide(&dividing);
    arena_reset(&instance->arena);
    return err;
}

/* ---- making the tables anew ---- */

struct rebuilding {
    struct gather *gather;
    struct refold *refold;
};

enum err rebuild_open(struct instance *instance, struct store_txn *txn)
{
    struct key key = key_text("rebuild");
    struct bytes value;
    ProtobufCMessage *message;
    char *why;
    if (!store_get(txn, instance->runtime_tables[RUNTIME_META], key_bytes(&key), &instance->arena, &value))
        return store_error(txn);
    if (row_load(&record__rebuild__descriptor, key_bytes(&key), value, &instance->arena, &message, &why))
        return ERR_CORRUPT;
    struct rebuilding *rebuilding = calloc(1, sizeof *rebuilding);
    bug_unless(rebuilding);
    rebuilding->gather = gather_new(instance);
    struct refold_reader reader = {gather_ready, gather_read, rebuilding->gather};
    rebuilding->refold = refold_go_on(instance, &reader, (const Record__Rebuild *)message);
    instance->rebuilding = rebuilding;
    return ERR_NONE;
}

void rebuild_close(struct instance *instance)
{
    if (!instance->rebuilding)
        return;
    refold_close(instance->rebuilding->refold);
    gather_free(instance->rebuilding->gather);
    free(instance->rebuilding);
    instance->rebuilding = NULL;
}

static bool keeps_key(void *context, uint64_t key_id)
{
    struct turn *turn = context;
    bool keeps = turn->instance->service->keeps_key(turn, key_id);
    arena_reset(turn->arena);
    return keeps;
}

/* The keys of foreign cases go, and with a new epoch key their old pages become unreadable: the other half can erase
   them for good. */
static enum err divide_vault(struct instance *instance, int64_t now)
{
    struct store_txn *txn = store_begin(instance->store, false);
    struct turn turn;
    turn_begin(&turn, instance, txn, &instance->arena, now);
    enum err err = vault_keep(instance->vault, keeps_key, &turn);
    store_abort(txn);
    arena_reset(&instance->arena);
    return err;
}

static enum err rebuilt(struct instance *instance, int64_t now)
{
    struct key key = key_text("rebuild");
    enum err err = instance->vault ? divide_vault(instance, now) : ERR_NONE;
    if (err)
        return err;
    struct store_txn *txn = store_begin(instance->store, true);
    store_delete(txn, instance->runtime_tables[RUNTIME_META], key_bytes(&key));
    instance->jobs_open = store_count(txn, instance->runtime_tables[RUNTIME_JOBS]) > 0;
    err = store_commit(txn);
    instance->timer_next = instance->effect_next = 0; /* look anew */
    NOTE(instance->log, NOTE_REBUILT, LOG_NUMBER("turns", refold_walked(instance->rebuilding->refold)));
    rebuild_close(instance);
    return err;
}

bool rebuild_wants(const struct instance *instance)
{
    return instance->rebuilding && !gather_busy(instance->rebuilding->gather, instance_boot(instance));
}

enum err rebuild_step(struct instance *instance, int64_t now)
{
    struct rebuilding *rebuilding = instance->rebuilding;
    const char *why;
    if (gather_busy(rebuilding->gather, instance_boot(instance)))
        return ERR_NONE;
    gather_retry(rebuilding->gather); /* a producer that is down is waited for */
    poison_name(instance, "rebuild", "", refold_walked(rebuilding->refold));
    switch (refold_step(rebuilding->refold, &why)) {
    case REFOLD_MORE:
    case REFOLD_WAITS:
        return ERR_NONE;
    case REFOLD_SAME:
        return rebuilt(instance, now);
    case REFOLD_DIFFERS:
    case REFOLD_FAILED:
        break;
    }
    NOTE(instance->log, NOTE_REBUILD_FAILED, LOG_TEXT("why", why));
    return ERR_CORRUPT;
}

int64_t rebuild_next(const struct instance *instance)
{
    return instance->rebuilding ? gather_next(instance->rebuilding->gather) : 0;
}
