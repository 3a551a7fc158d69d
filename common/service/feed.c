/* Hearing: one feed per log. A consumer pulls; the next fetch goes out while the last batch is still being folded; what
   is fetched waits in a bounded buffer. A mismatch of epoch or hash stops that feed with an alarm, never skips. */
#include "base/planted.h"
#include "message/message.h"
#include "service/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void feed_open(struct feed *feed, struct instance *instance, const struct instance_feed_options *options)
{
    *feed = (struct feed){
        .instance = instance, .service = options->service, .partition = options->partition, .cell = options->cell};
    hb__log_id__init(&feed->log);
    feed->log.cell = options->cell;
    feed->log.service = options->service;
    feed->log.partition = options->partition;
}

void feed_close(struct feed *feed)
{
    free(feed->buffer);
}

static struct key cursor_key(const struct feed *feed)
{
    struct key key = {.size = 0};
    key_add_u32(&key, (uint32_t)feed->service);
    key_add_u32(&key, feed->partition);
    if (feed->cell)
        key_add_u64(&key, feed->cell);
    return key;
}

struct key cursor_key_of(const struct instance *instance, const Hb__LogId *log)
{
    const struct feed feed = {.service = log->service,
                              .partition = log->partition,
                              .cell = log->cell ? cell_elsewhere(instance, log->cell) : 0};
    return cursor_key(&feed);
}

/* Checked at the start, all of them (cursors_check). */
static const Record__Cursor *cursor_of(struct bytes key, struct bytes value, struct arena *arena)
{
    ProtobufCMessage *message;
    char *why;
    bug_unless(row_load(&record__cursor__descriptor, key, value, arena, &message, &why) == ERR_NONE);
    return (const Record__Cursor *)message;
}

enum err cursors_check(struct instance *instance, struct store_txn *txn, char *why_out, size_t why_size)
{
    store_table table = instance->runtime_tables[RUNTIME_CURSORS];
    struct store_scan scan;
    struct bytes key, value;
    ProtobufCMessage *message;
    char *why;
    const char *wrong = NULL;
    uint64_t rows = 0;
    enum err err = ERR_NONE;
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    for (; !err && store_scan_next(&scan, &instance->arena, &key, &value); rows++) {
        err = row_load(&record__cursor__descriptor, key, value, &instance->arena, &message, &why);
        if (err)
            wrong = arena_printf(&instance->arena, "%s: %s", store_place(&instance->arena, "cursors", key), why);
    }
    if (!err && rows == store_count(txn, table))
        return store_error(txn);
    if (!wrong)
        wrong = store_disorder_text(txn, table, "cursors", &instance->arena);
    if (!wrong)
        wrong = "table cursors cannot be read";
    snprintf(why_out, why_size, "%s: restore from a backup (hearback restore)", wrong);
    return ERR_CORRUPT;
}

static void set_cursor(struct feed *feed, const Record__Cursor *cursor)
{
    feed->log.cell = cursor->log->cell;
    feed->log.epoch = cursor->log->epoch;
    feed->cursor = feed->received = cursor->offset;
    bug_unless(cursor->hash.len == sizeof feed->hash);
    memcpy(feed->hash, cursor->hash.data, sizeof feed->hash);
    memcpy(feed->received_hash, feed->hash, sizeof feed->hash);
}

void feed_load(struct feed *feed, struct store_txn *txn, struct arena *arena)
{
    struct key key = cursor_key(feed);
    struct bytes value;
    if (store_get(txn, feed->instance->runtime_tables[RUNTIME_CURSORS], key_bytes(&key), arena, &value))
        set_cursor(feed, cursor_of(key_bytes(&key), value, arena));
}

/* ---- logs that begin alike ---- */

static void begin_with(struct feed *feed, const struct feed *other)
{
    feed->log.cell = other->log.cell;
    feed->log.epoch = other->log.epoch;
    feed->cursor = feed->received = other->cursor;
    memcpy(feed->hash, other->hash, sizeof feed->hash);
    memcpy(feed->received_hash, other->hash, sizeof feed->hash);
    feed->begins_after = NULL;
}

/* It has heard all that had been said when it first asked. Were it to wait for an answer without anything new, it would
   be ready by chance under a steady load. */
static void look_if_caught_up(struct feed *feed)
{
    if (feed->end_told && feed->cursor >= feed->end_first)
        feed->caught_up_once = true;
}

void feed_moved(struct feed *feed)
{
    struct instance *instance = feed->instance;
    look_if_caught_up(feed);
    for (unsigned i = 0; i < instance->feeds_count; i++)
        if (instance->feeds[i].begins_after == feed && instance->feeds[i].begins_at == feed->cursor)
            begin_with(&instance->feeds[i], feed);
}

/* The cursor of a log that is not heard any more: what its half has in common with it has been heard. */
static const Record__Cursor *cursor_before(struct feed *feed, struct store_txn *txn, struct arena *arena)
{
    struct instance *instance = feed->instance;
    const Record__Cursor *furthest = NULL;
    struct store_scan scan;
    struct bytes key, value;
    struct key prefix = {.size = 0};
    key_add_u32(&prefix, (uint32_t)feed->service);
    store_scan_open(&scan, txn, instance->runtime_tables[RUNTIME_CURSORS], key_bytes(&prefix), (struct bytes){0});
    while (store_scan_next(&scan, arena, &key, &value)) {
        const Record__Cursor *cursor = cursor_of(key, value, arena);
        uint64_t shared =
            config_shared(instance->options.config, feed->service, feed->partition, cursor->log->partition);
        bool gone =
            !cell_elsewhere(instance, cursor->log->cell) && !feed_of(instance, feed->service, cursor->log->partition);
        if (gone && cursor->offset <= shared && (!furthest || cursor->offset > furthest->offset))
            furthest = cursor;
    }
    return furthest;
}

/* What two logs have in common is heard by way of that with the lower number. Nobody is beyond a fork whose other half
   he should hear: LogForked stops him (turn.c). */
enum err feed_begin(struct feed *feed, struct store_txn *txn, struct arena *arena, char *why_out, size_t why_size)
{
    struct instance *instance = feed->instance;
    if (feed->cell || feed->log.epoch || !instance->options.config)
        return ERR_NONE;
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        const struct feed *other = &instance->feeds[i];
        if (other->cell || other->service != feed->service || other->partition >= feed->partition)
            continue;
        uint64_t shared = config_shared(instance->options.config, feed->service, feed->partition, other->partition);
        if (shared > feed->begins_at) {
            feed->begins_after = other;
            feed->begins_at = shared;
        }
    }
    const Record__Cursor *before = cursor_before(feed, txn, arena);
    if (before && before->offset >= feed->begins_at) {
        set_cursor(feed, before);
        feed->begins_after = NULL;
    } else if (feed->begins_after && feed->begins_after->cursor == feed->begins_at) {
        begin_with(feed, feed->begins_after);
    } else if (feed->begins_after && feed->begins_after->cursor > feed->begins_at) {
        snprintf(why_out, why_size,
                 "%s-%" PRIu32 " was divided at offset %" PRIu64
                 ", but more of it has been heard: the configuration is "
                 "not that of this system",
                 config_service_name(feed->service), feed->begins_after->partition, feed->begins_at);
        return ERR_DENIED;
    }
    return ERR_NONE;
}

void feed_save(struct feed *feed, struct store_txn *txn, struct arena *arena)
{
    if (feed->log.epoch == 0 || planted("drop_cursor"))
        return;
    Record__Cursor cursor = RECORD__CURSOR__INIT;
    cursor.log = &feed->log;
    cursor.offset = feed->cursor + planted_each("cursor_ahead", 50);
    cursor.hash = (ProtobufCBinaryData){sizeof feed->hash, feed->hash};
    struct key key = cursor_key(feed);
    row_put(txn, feed->instance->runtime_tables[RUNTIME_CURSORS], key_bytes(&key), message_of(&cursor), arena);
}

bool feed_has(const struct feed *feed)
{
    return feed->buffer_at < feed->buffer_size;
}

bool feeds_wait(const struct instance *instance)
{
    for (unsigned i = 0; i < instance->feeds_count; i++)
        if (!instance->feeds[i].stopped && feed_has(&instance->feeds[i]))
            return true;
    return false;
}

bool feed_next(struct feed *feed, struct bytes *event_out)
{
    if (!feed_has(feed))
        return false;
    struct bytes batch = bytes_of(feed->buffer + feed->buffer_at, feed->buffer_size - feed->buffer_at);
    enum err err;
    if (!eventlog_batch_next(&batch, event_out, &err)) {
        bug_unless(err == ERR_NONE); /* checked when it was received */
        return false;
    }
    feed->buffer_at = feed->buffer_size - batch.size;
    return true;
}

struct feed *feed_of(struct instance *instance, Hb__Service service, uint32_t partition)
{
    for (unsigned i = 0; i < instance->feeds_count; i++)
        if (!instance->feeds[i].cell && instance->feeds[i].service == service &&
            instance->feeds[i].partition == partition)
            return &instance->feeds[i];
    return NULL;
}

Bus__CellPosition *feed_report(const struct feed *feed, struct arena *arena)
{
    Bus__CellPosition *position = NEW(arena, Bus__CellPosition, BUS__CELL_POSITION__INIT);
    position->log = (Hb__LogId *)message_copy(message_of(&feed->log), arena);
    position->offset = feed->cursor;
    position->end = feed->end > feed->cursor ? feed->end : feed->cursor;
    position->as_of_ms = feed_as_of(feed);
    position->problem = (char *)(uintptr_t)(feed->problem ? feed->problem : "");
    return position;
}

bool feed_above(const struct feed *feed)
{
    for (unsigned i = 0; feed->cell && i < feed->instance->options.cells_count; i++)
        if (feed->instance->options.cells[i].cell == feed->cell)
            return feed->instance->options.cells[i].above;
    return false;
}

uint64_t cell_elsewhere(const struct instance *instance, uint64_t cell)
{
    return cell == instance->options.cell ? 0 : cell;
}

bool feed_means(const struct feed *feed, const Hb__LogId *log)
{
    return feed->service == log->service && feed->partition == log->partition &&
           feed->cell == (log->cell ? cell_elsewhere(feed->instance, log->cell) : 0);
}

void log_name(const struct instance *instance, const Hb__LogId *log, char name_out[64])
{
    int size = snprintf(name_out, 40, "%s-%" PRIu32, config_service_name(log->service), log->partition);
    if (log->cell && log->cell != instance->options.cell)
        snprintf(name_out + size, 64 - (size_t)size, "@%016" PRIx64, log->cell);
}

void feed_stop(struct feed *feed, uint64_t offset, const char *why)
{
    char name[64];
    log_name(feed->instance, &feed->log, name);
    feed->stopped = true;
    feed->problem = why;
    NOTE(feed->instance->log, feed->cell ? NOTE_CELL_STOPPED : NOTE_FEED_STOPPED, LOG_TEXT("feed", name),
         LOG_NUMBER("offset", offset), LOG_TEXT("why", why));
}

static void feed_note(struct feed *feed, enum log_note note)
{
    char name[64];
    log_name(feed->instance, &feed->log, name);
    NOTE(feed->instance->log, note, LOG_TEXT("feed", name), LOG_NUMBER("epoch", feed->log.epoch));
}

static void stop(struct feed *feed, const char *why)
{
    feed_stop(feed, feed->received + 1, why);
}

static void buffer_add(struct feed *feed, struct bytes stored)
{
    if (feed->buffer_at == feed->buffer_size)
        feed->buffer_at = feed->buffer_size = 0;
    if (feed->buffer_at > (feed->buffer_size >> 1)) {
        memmove(feed->buffer, feed->buffer + feed->buffer_at, feed->buffer_size - feed->buffer_at);
        feed->buffer_size -= feed->buffer_at;
        feed->buffer_at = 0;
    }
    size_t need = feed->buffer_size + 4 + stored.size;
    if (need > feed->buffer_room) {
        feed->buffer_room = need + (need >> 1) + 4096;
        feed->buffer = realloc(feed->buffer, feed->buffer_room);
        bug_unless(feed->buffer);
    }
    bytes_put_u32(feed->buffer + feed->buffer_size, (uint32_t)stored.size);
    memcpy(feed->buffer + feed->buffer_size + 4, stored.data, stored.size);
    feed->buffer_size += 4 + stored.size;
}

/* What the cell above withholds bears the hash of the true event. */
static void event_hash(struct feed *feed, struct bytes stored)
{
    eventlog_hash(stored, feed->received_hash);
    if (!feed_above(feed))
        return;
    ProtobufCMessage *message;
    char *why;
    struct arena arena;
    arena_init(&arena);
    if (message_load(&hb__event__descriptor, stored, &arena, &message, &why) == ERR_NONE &&
        ((Hb__Event *)message)->withheld.len == EVENTLOG_HASH_BYTES)
        memcpy(feed->received_hash, ((Hb__Event *)message)->withheld.data, EVENTLOG_HASH_BYTES);
    arena_fini(&arena);
}

/* Offset of a stored event without unpacking all of it would save time; correctness first: the batch names its first
   offset through the fetch it answers, and every event is checked again when it is heard. */
static void receive_events(struct feed *feed, struct bytes batch, uint64_t after)
{
    struct bytes stored;
    enum err err;
    uint64_t offset = after;
    while (eventlog_batch_next(&batch, &stored, &err)) {
        offset++;
        if (offset <= feed->received)
            continue; /* came with an urgent fetch already */
        if (offset != feed->received + 1) {
            stop(feed, "the producer left out an event");
            return;
        }
        buffer_add(feed, stored);
        feed->received = offset;
        event_hash(feed, stored);
    }
    if (err)
        stop(feed, "the batch is malformed");
}

int64_t feed_as_of(const struct feed *feed)
{
    if (planted("lose_as_of"))
        return feed->as_of - 120000;
    bool drained = !feed_has(feed) && feed->cursor == feed->received;
    return drained && feed->told_as_of > feed->as_of && feed->cursor >= feed->end ? feed->told_as_of : feed->as_of;
}

/* Of whom nothing was heard, any log will do: one that was begun anew (analytics' folder was removed). Another cell is
   restored by itself: what we heard of it stands when its log still holds our last event, for the hash of one event
   binds all before it. So it is asked again, under the new epoch, and its answer decides. */
static bool takes_new_epoch(struct feed *feed, const Bus__Fetched *fetched)
{
    if (!feed->cell && fetched->log && feed->cursor == 0 && feed->received == 0) {
        bool another = fetched->log->epoch != feed->log.epoch; /* else it would be asked the same again */
        feed->log.epoch = fetched->log->epoch;
        return another;
    }
    if (!feed->cell || !fetched->log || fetched->log->epoch <= feed->log.epoch)
        return false;
    feed->log.epoch = fetched->log->epoch;
    feed->new_epoch = true;
    return true;
}

static const char *lost(const struct feed *feed, const char *otherwise)
{
    return feed->new_epoch ? "that cell was restored from a backup older than what was heard of it: remove the data "
                             "folder of this service here, and it hears that cell anew from the beginning"
                           : otherwise;
}

static void on_fetched(struct feed *feed, const Bus__Fetched *fetched, uint64_t after)
{
    switch (fetched->problem) {
    case BUS__FETCHED__PROBLEM__NONE:
        break;
    case BUS__FETCHED__PROBLEM__EPOCH_MISMATCH:
        if (!takes_new_epoch(feed, fetched))
            stop(feed, feed->instance->head.offset
                           ? "the producer's log has another epoch: it was restored from a backup; restore this "
                             "service from the same cut"
                           : "the producer's log has another epoch: it was restored from a backup; this service has "
                             "said nothing of its own: remove its data folder, and it hears all anew");
        return;
    case BUS__FETCHED__PROBLEM__HASH_MISMATCH:
        stop(feed, lost(feed, feed->cell ? "that cell holds another event at our cursor: its log was altered, or two "
                                           "systems use the id of one cell"
                                         : "the producer holds another event at our cursor: one of the two logs was "
                                           "altered"));
        return;
    case BUS__FETCHED__PROBLEM__BEYOND_END:
        stop(feed, lost(feed, "the producer's log ends before our cursor: it lost events or was restored"));
        return;
    }
    if (!fetched->log) {
        stop(feed, "the reply names no log");
        return;
    }
    if (feed->cell && fetched->log->cell != feed->cell) {
        stop(feed, "the reply is about another cell's log");
        return;
    }
    if (feed->new_epoch) {
        feed->new_epoch = false;
        feed_note(feed, NOTE_CELL_RESTORED);
    }
    if (feed->log.epoch == 0) {
        feed->log.cell = fetched->log->cell;
        feed->log.epoch = fetched->log->epoch;
    }
    feed->as_of = feed_as_of(feed); /* the horizon never goes back */
    receive_events(feed, bytes_of(fetched->events.data, fetched->events.len), after);
    feed->end = fetched->end;
    if (fetched->as_of_ms > feed->told_as_of)
        feed->told_as_of = fetched->as_of_ms;
    if (!feed->end_told)
        feed->end_first = fetched->end;
    feed->end_told = true;
    look_if_caught_up(feed);
}

struct asked {
    struct feed *feed;
    uint64_t after;
    bool urgent;
};

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asked *asked = context;
    struct feed *feed = asked->feed;
    int64_t boot = instance_boot(feed->instance);
    if (asked->urgent)
        feed->urgent = false;
    else
        feed->asking = false;
    if (!err && reply->kind_case == BUS__REPLY__KIND_FETCHED)
        on_fetched(feed, reply->fetched, asked->after);
    else if (!err)
        feed->retry_boot_ms = boot + 1000; /* refused: full, no right, not ready */
    else
        feed->retry_boot_ms = boot + 100;
    free(asked);
    feed->instance->env->wake(feed->instance->env->context);
}

static void ask(struct feed *feed, bool urgent)
{
    struct asked *asked = malloc(sizeof *asked);
    bug_unless(asked);
    *asked = (struct asked){feed, feed->received, urgent};
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch fetch = BUS__FETCH__INIT;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &fetch;
    fetch.log = &feed->log;
    fetch.after = feed->received;
    if (feed->received)
        fetch.hash = (ProtobufCBinaryData){sizeof feed->received_hash, feed->received_hash};
    fetch.bytes_max = FETCH_BYTES_MAX;
    fetch.wait = !urgent && feed->caught_up_once; /* the first answer says where the end is */
    if (urgent)
        feed->urgent = true;
    else
        feed->asking = true;
    Hb__Service service = feed->cell ? HB__SERVICE__LINK : feed->service;
    feed->instance->env->ask(feed->instance->env->context, service, feed->cell ? 0 : feed->partition, &request,
                             (uint32_t)(feed->instance->options.idle_ms + 10000), on_reply, asked);
}

void feed_ask(struct feed *feed)
{
    bool room = feed->buffer_size - feed->buffer_at < FETCH_BYTES_MAX;
    if (!feed->stopped && !feed->begins_after && !feed->asking && room &&
        instance_boot(feed->instance) >= feed->retry_boot_ms)
        ask(feed, false);
}

void instance_ask_all(struct instance *instance, bool urgent)
{
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        struct feed *feed = &instance->feeds[i];
        feed_ask(feed);
        if (urgent && !feed->stopped && !feed->begins_after && !feed->urgent && !feed->cell)
            ask(feed, true);
    }
}

/* Those whose word on what happened up to then is still missing, at once. */
void instance_ask_behind(struct instance *instance, int64_t due_ms)
{
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        struct feed *feed = &instance->feeds[i];
        if (!feed->stopped && !feed->begins_after && !feed->urgent && !feed->cell && feed_as_of(feed) <= due_ms &&
            instance_boot(instance) >= feed->retry_boot_ms)
            ask(feed, true);
    }
}

int64_t instance_horizon(const struct instance *instance, int64_t now)
{
    int64_t horizon = now; /* by our own clock this millisecond is not over, however far the others are */
    bool asked = instance_boot(instance) - instance->opened_boot_ms >= HORIZON_GRACE_MS, heard = true;
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        const struct feed *feed = &instance->feeds[i];
        if (feed->cell) /* a cell silent for days holds nobody up */
            continue;
        heard = heard && feed->caught_up_once;
        if (feed_as_of(feed) < horizon)
            horizon = feed_as_of(feed);
    }
    /* The grace is for a producer that was asked and does not answer: whoever was away himself asks first. */
    bool grace = (asked || heard) && horizon < now - HORIZON_GRACE_MS;
    return grace ? now - HORIZON_GRACE_MS : horizon;
}
