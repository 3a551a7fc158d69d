/* Hearing: one feed per log. A consumer pulls; the next fetch goes out while the last batch is still being folded; what
   is fetched waits in a bounded buffer. A mismatch of epoch or hash stops that feed with an alarm, never skips. */
#include "message/message.h"
#include "service/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void feed_open(struct feed *feed, struct instance *instance, const struct instance_feed_options *options)
{
    *feed = (struct feed){.instance = instance, .service = options->service, .partition = options->partition};
    hb__log_id__init(&feed->log);
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
    return key;
}

void feed_load(struct feed *feed, struct store_txn *txn, struct arena *arena)
{
    struct key key = cursor_key(feed);
    struct bytes value;
    if (!store_get(txn, feed->instance->runtime_tables[RUNTIME_CURSORS], key_bytes(&key), arena, &value))
        return;
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&record__cursor__descriptor, value, arena, &message, &why) == ERR_NONE);
    const Record__Cursor *cursor = (const Record__Cursor *)message;
    feed->log.cell = cursor->log->cell;
    feed->log.epoch = cursor->log->epoch;
    feed->cursor = feed->received = cursor->offset;
    bug_unless(cursor->hash.len == sizeof feed->hash);
    memcpy(feed->hash, cursor->hash.data, sizeof feed->hash);
    memcpy(feed->received_hash, feed->hash, sizeof feed->hash);
}

void feed_save(struct feed *feed, struct store_txn *txn, struct arena *arena)
{
    if (feed->log.epoch == 0)
        return;
    Record__Cursor cursor = RECORD__CURSOR__INIT;
    cursor.log = &feed->log;
    cursor.offset = feed->cursor;
    cursor.hash = (ProtobufCBinaryData){sizeof feed->hash, feed->hash};
    struct key key = cursor_key(feed);
    store_put(txn, feed->instance->runtime_tables[RUNTIME_CURSORS], key_bytes(&key),
              message_pack(message_of(&cursor), arena));
}

bool feed_has(const struct feed *feed)
{
    return feed->buffer_at < feed->buffer_size;
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
        if (instance->feeds[i].service == service && instance->feeds[i].partition == partition)
            return &instance->feeds[i];
    return NULL;
}

void feed_stop(struct feed *feed, uint64_t offset, const char *why)
{
    char name[80];
    snprintf(name, sizeof name, "%s-%" PRIu32, config_service_name(feed->service), feed->partition);
    feed->stopped = true;
    NOTE(feed->instance->log, NOTE_FEED_STOPPED, LOG_TEXT("feed", name), LOG_NUMBER("offset", offset),
         LOG_TEXT("why", why));
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
        eventlog_hash(stored, feed->received_hash);
    }
    if (err)
        stop(feed, "the batch is malformed");
}

int64_t feed_as_of(const struct feed *feed)
{
    bool drained = !feed_has(feed) && feed->cursor == feed->received;
    return drained && feed->told_as_of > feed->as_of && feed->cursor >= feed->end ? feed->told_as_of : feed->as_of;
}

static void on_fetched(struct feed *feed, const Bus__Fetched *fetched, uint64_t after)
{
    switch (fetched->problem) {
    case BUS__FETCHED__PROBLEM__NONE:
        break;
    case BUS__FETCHED__PROBLEM__EPOCH_MISMATCH:
        stop(feed, "the producer's log has another epoch: it was restored from a backup; restore this service from the "
                   "same cut, or refold it");
        return;
    case BUS__FETCHED__PROBLEM__HASH_MISMATCH:
        stop(feed, "the producer holds another event at our cursor: one of the two logs was altered");
        return;
    case BUS__FETCHED__PROBLEM__BEYOND_END:
        stop(feed, "the producer's log ends before our cursor: it lost events or was restored");
        return;
    }
    if (!fetched->log) {
        stop(feed, "the reply names no log");
        return;
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
    if (!feed_has(feed) && feed->received >= fetched->end)
        feed->caught_up_once = true;
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
    feed->instance->env->ask(feed->instance->env->context, feed->service, feed->partition, &request,
                             (uint32_t)(feed->instance->options.idle_ms + 10000), on_reply, asked);
}

void feed_ask(struct feed *feed)
{
    bool room = feed->buffer_size - feed->buffer_at < FETCH_BYTES_MAX;
    if (!feed->stopped && !feed->asking && room && instance_boot(feed->instance) >= feed->retry_boot_ms)
        ask(feed, false);
}

void instance_ask_all(struct instance *instance, bool urgent)
{
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        struct feed *feed = &instance->feeds[i];
        feed_ask(feed);
        if (urgent && !feed->stopped && !feed->urgent)
            ask(feed, true);
    }
}

/* Those whose word on what happened up to then is still missing, at once. */
void instance_ask_behind(struct instance *instance, int64_t due_ms)
{
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        struct feed *feed = &instance->feeds[i];
        if (!feed->stopped && !feed->urgent && feed_as_of(feed) <= due_ms &&
            instance_boot(instance) >= feed->retry_boot_ms)
            ask(feed, true);
    }
}

int64_t instance_horizon(const struct instance *instance, int64_t now)
{
    int64_t horizon = now + 1; /* nobody to wait for: everything up to now */
    for (unsigned i = 0; i < instance->feeds_count; i++) {
        int64_t as_of = feed_as_of(&instance->feeds[i]);
        if (as_of < horizon)
            horizon = as_of;
    }
    return horizon > now - HORIZON_GRACE_MS ? horizon : now - HORIZON_GRACE_MS;
}
