#include "eventlog/eventlog.h"

#include "base/key.h"
#include "message/message.h"

#include <inttypes.h>
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

const struct eventlog_driver eventlog_local = {.append = local_append};

static enum append simulated_append(void *context, struct store_txn *txn, store_table table, uint64_t after,
                                    const struct bytes *events, unsigned count)
{
    struct eventlog_simulated *log = context;
    enum append answer = log->next;
    log->next = APPEND_DONE;
    log->full = log->full || answer == APPEND_FULL;
    log->failed += answer != APPEND_DONE;
    if (answer == APPEND_FULL || answer == APPEND_FENCED)
        return answer;
    enum append done = local_append(NULL, txn, table, after, events, count);
    return done == APPEND_DONE ? answer : done;
}

static bool simulated_room(void *context)
{
    return !((const struct eventlog_simulated *)context)->full;
}

struct eventlog_driver eventlog_simulated(struct eventlog_simulated *log)
{
    return (struct eventlog_driver){.append = simulated_append, .room = simulated_room, .context = log};
}

enum err append_err(enum append answer)
{
    switch (answer) {
    case APPEND_DONE:
        return ERR_NONE;
    case APPEND_FENCED:
        return ERR_DENIED;
    case APPEND_FULL:
        return ERR_FULL;
    case APPEND_UNKNOWN:
        break;
    }
    return ERR_IO;
}

enum append eventlog_append(const struct eventlog_driver *driver, struct store_txn *txn, store_table table,
                            uint64_t after, const struct bytes *events, unsigned count)
{
    return driver->append(driver->context, txn, table, after, events, count);
}

/* The key of a row; 0 when it is none of an offset: the file was damaged, and no event fits there. */
static uint64_t offset_of(struct bytes key)
{
    return key.size == 8 ? bytes_get_u64(key.data) : 0;
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
        if (!batch || size + 4 + event.size > room) {
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
        *last_out = offset_of(key);
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
    return store_last(txn, table, (struct bytes){0}, arena, &key, NULL) ? offset_of(key) : 0;
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

bool eventlog_names(struct bytes stored, const uint8_t hash[EVENTLOG_HASH_BYTES])
{
    struct arena arena;
    ProtobufCMessage *message;
    char *why;
    arena_init(&arena);
    bool names = message_load(&hb__event__descriptor, stored, &arena, &message, &why) == ERR_NONE &&
                 bytes_equal(bytes_of(((const Hb__Event *)message)->previous_hash.data,
                                      ((const Hb__Event *)message)->previous_hash.len),
                             bytes_of(hash, EVENTLOG_HASH_BYTES));
    arena_fini(&arena);
    return names;
}

static const char missing[] = "an offset is missing";
static const char wrong_hash[] = "the hash of the event before does not fit";

/* What is wrong with the next event of the chain; NULL: nothing. */
static const char *wrong_event(const struct eventlog_walk *walk, uint64_t offset, struct bytes stored,
                               struct arena *arena, int64_t *recorded_out)
{
    ProtobufCMessage *message;
    char *why;
    if (offset != walk->offset + 1)
        return missing;
    if (message_load(&hb__event__descriptor, stored, arena, &message, &why))
        return "the event cannot be decoded";
    const Hb__Event *event = (const Hb__Event *)message;
    *recorded_out = event->recorded_ms;
    if (event->offset != offset)
        return "the event bears another offset";
    if (!bytes_equal(bytes_of(event->previous_hash.data, event->previous_hash.len),
                     bytes_of(walk->hash, sizeof walk->hash)))
        return wrong_hash;
    return event->recorded_ms < walk->recorded_ms ? "the recorded time goes back" : NULL;
}

bool eventlog_disorder(struct store_txn *txn, store_table table, char *why_out, size_t why_size)
{
    struct arena arena;
    struct bytes key, next;
    arena_init(&arena);
    bool found = store_disorder(txn, table, &arena, &key, &next);
    if (found)
        snprintf(why_out, why_size, "offset %" PRIu64 " lies before offset %" PRIu64 ": one of the two was altered",
                 offset_of(key), offset_of(next));
    arena_fini(&arena);
    return found;
}

enum err eventlog_walk_from(struct store_txn *txn, store_table table, uint64_t after, struct eventlog_walk *walk_out)
{
    *walk_out = (struct eventlog_walk){.offset = after};
    struct arena arena;
    struct bytes stored;
    arena_init(&arena);
    bool there = after == 0 || eventlog_get(txn, table, after, &arena, &stored);
    if (there && after)
        eventlog_hash(stored, walk_out->hash);
    arena_fini(&arena);
    return there ? ERR_NONE : ERR_NOT_FOUND;
}

enum err eventlog_walk_on(struct store_txn *txn, store_table table, struct eventlog_walk *walk, unsigned events_max,
                          bool *end_out, char *why_out, size_t why_size)
{
    struct store_scan scan;
    struct key from = key_u64(walk->offset + 1);
    store_scan_open(&scan, txn, table, (struct bytes){0}, key_bytes(&from));
    struct arena arena;
    arena_init(&arena);
    struct bytes key, stored;
    const char *wrong = NULL;
    *end_out = false;
    while (events_max-- && !wrong && !*end_out) {
        int64_t recorded_ms = walk->recorded_ms;
        *end_out = !store_scan_next(&scan, &arena, &key, &stored);
        if (*end_out)
            break;
        wrong = wrong_event(walk, offset_of(key), stored, &arena, &recorded_ms);
        eventlog_hash(stored, walk->hash);
        walk->offset++;
        if (wrong == wrong_hash &&
            (!store_scan_next(&scan, &arena, &key, &stored) || eventlog_names(stored, walk->hash))) {
            wrong = "it was altered: the next event names another hash of it";
            walk->offset--;
        }
        walk->recorded_ms = recorded_ms;
        arena_reset(&arena);
    }
    enum err err = store_error(txn);
    if (wrong)
        err = ERR_CORRUPT;
    bool passed = (wrong == missing || (err && !wrong)) && eventlog_disorder(txn, table, why_out, why_size);
    if (err && !passed)
        snprintf(why_out, why_size, "offset %" PRIu64 ": %s", walk->offset + !wrong, wrong ? wrong : err_text(err));
    arena_fini(&arena);
    return err;
}

enum err eventlog_verify(struct store_txn *txn, store_table table, char *why_out, size_t why_size)
{
    struct eventlog_walk walk = {0};
    bool end = false;
    enum err err = ERR_NONE;
    while (!err && !end)
        err = eventlog_walk_on(txn, table, &walk, 1000, &end, why_out, why_size);
    return err;
}
