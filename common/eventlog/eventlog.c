#include "eventlog/eventlog.h"

#include "base/key.h"
#include "message/message.h"

#include <sodium.h>
#include <stdio.h>

static enum append local_append(void *context, struct store_txn *txn, store_table table, uint64_t after,
                                const struct bytes *events, unsigned count)
{
    (void)context;
    struct key last = key_u64(after);
    struct key next = key_u64(after + 1);
    bool ends_here =
        (after == 0 || store_has(txn, table, key_bytes(&last))) && !store_has(txn, table, key_bytes(&next));
    if (!ends_here)
        return store_error(txn) ? APPEND_UNKNOWN : APPEND_FENCED;
    for (unsigned i = 0; i < count; i++) {
        struct key key = key_u64(after + 1 + i);
        store_append(txn, table, key_bytes(&key), events[i]);
    }
    enum err err = store_error(txn);
    return err == ERR_NONE ? APPEND_DONE : err == ERR_FULL ? APPEND_FULL : APPEND_UNKNOWN;
}

const struct eventlog_driver eventlog_local = {local_append, NULL};

enum append eventlog_append(const struct eventlog_driver *driver, struct store_txn *txn, store_table table,
                            uint64_t after, const struct bytes *events, unsigned count)
{
    return driver->append(driver->context, txn, table, after, events, count);
}

struct bytes eventlog_read(struct store_txn *txn, store_table table, uint64_t after, size_t bytes_max,
                           struct arena *arena, uint64_t *last_out)
{
    struct key from = key_u64(after + 1);
    struct store_scan scan;
    store_scan_open(&scan, txn, table, (struct bytes){0}, key_bytes(&from));
    struct arena scratch;
    arena_init(&scratch);
    uint8_t *batch = NULL;
    size_t size = 0, room = 0;
    *last_out = after;
    struct bytes key, event;
    for (;;) {
        arena_reset(&scratch);
        if (!store_scan_next(&scan, &scratch, &key, &event))
            break;
        if (size > 0 && size + 4 + event.size > bytes_max)
            break;
        if (size + 4 + event.size > room) {
            size_t more = (size + 4 + event.size) * 2;
            uint8_t *grown = arena_alloc(arena, more);
            if (size)
                memcpy(grown, batch, size);
            batch = grown;
            room = more;
        }
        bytes_put_u32(batch + size, (uint32_t)event.size);
        memcpy(batch + size + 4, event.data, event.size);
        size += 4 + event.size;
        *last_out = bytes_get_u64(key.data);
    }
    arena_fini(&scratch);
    return bytes_of(batch, size);
}

bool eventlog_get(struct store_txn *txn, store_table table, uint64_t offset, struct arena *arena,
                  struct bytes *event_out)
{
    struct key key = key_u64(offset);
    return store_get(txn, table, key_bytes(&key), arena, event_out);
}

uint64_t eventlog_end(struct store_txn *txn, store_table table, struct arena *arena)
{
    struct bytes key;
    return store_last(txn, table, (struct bytes){0}, arena, &key, NULL) ? bytes_get_u64(key.data) : 0;
}

void eventlog_hash(struct bytes event, uint8_t hash_out[EVENTLOG_HASH_BYTES])
{
    crypto_generichash(hash_out, EVENTLOG_HASH_BYTES, event.data, event.size, NULL, 0);
}

bool eventlog_batch_next(struct bytes *batch, struct bytes *event_out, enum err *err_out)
{
    *err_out = ERR_NONE;
    if (batch->size == 0)
        return false;
    uint32_t size = batch->size >= 4 ? bytes_get_u32(batch->data) : 0;
    if (batch->size < 4 || size > batch->size - 4) {
        *err_out = ERR_MALFORMED;
        return false;
    }
    *event_out = bytes_of(batch->data + 4, size);
    batch->data += 4 + size;
    batch->size -= 4 + size;
    return true;
}

enum err eventlog_verify(struct store_txn *txn, store_table table, char *why_out, size_t why_size)
{
    struct store_scan scan;
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    struct arena arena;
    arena_init(&arena);
    uint8_t previous[EVENTLOG_HASH_BYTES] = {0};
    uint64_t expected = 1;
    int64_t recorded = 0;
    enum err err = ERR_NONE;
    struct bytes key, stored;
    const char *what = NULL;
    while (!what && store_scan_next(&scan, &arena, &key, &stored)) {
        ProtobufCMessage *message;
        char *why;
        if (bytes_get_u64(key.data) != expected)
            what = "an offset is missing";
        else if (message_load(&hb__event__descriptor, stored, &arena, &message, &why))
            what = "the event cannot be decoded";
        else {
            const Hb__Event *event = (const Hb__Event *)message;
            if (event->offset != expected)
                what = "the event bears another offset";
            else if (!bytes_equal(bytes_of(event->previous_hash.data, event->previous_hash.len),
                                  bytes_of(previous, sizeof previous)))
                what = "the hash of the event before does not fit";
            else if (event->recorded_ms < recorded)
                what = "the recorded time goes back";
            recorded = event->recorded_ms;
        }
        eventlog_hash(stored, previous);
        expected++;
        arena_reset(&arena);
    }
    if (what) {
        snprintf(why_out, why_size, "offset %llu: %s", (unsigned long long)(expected - 1), what);
        err = ERR_CORRUPT;
    } else if (store_error(txn)) {
        snprintf(why_out, why_size, "offset %llu: %s", (unsigned long long)expected, err_text(store_error(txn)));
        err = store_error(txn);
    }
    arena_fini(&arena);
    return err;
}
