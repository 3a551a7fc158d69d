/* The events that rows of `heard` name, read again from their producers: for a fresh fold, to compare with (verify.c)
   or to go on with (fork.c). One request at a time, beside the instance's other work. */
#include "service/internal.h"

#include <stdlib.h>

#define ASK_MS 5000
#define TRIES_MAX 10u
#define LATE_BYTES (64u << 10) /* of a batch for released events */

/* Events of one producer, a batch at a time. `heard` names them in order but for those released later than they were
   heard: for these each producer has a second source, a smaller one, which may go back within its batch. */
struct source {
    struct source *next_source;
    Hb__LogId log; /* cell 0: our own */
    bool released;
    uint64_t first, next; /* offsets of the batch's first event, and of the one at `at` */
    uint8_t *buffer;
    size_t size, at;
};

struct gathered {
    const Hb__LogId *log;
    uint64_t offset;
    struct bytes stored;
};

struct asked {
    struct gather *gather; /* NULL: nobody waits for it any more */
    struct source *source; /* NULL: about a cursor */
    uint64_t after;
};

struct gather {
    struct instance *instance;
    struct source *sources;
    /* the row that is being gathered */
    struct gathered *gathered; /* in the refold's arena */
    size_t gathered_count, gathered_read;
    const Record__Heard *row;
    bool asking, missing;
    unsigned tries;
    int64_t ask_boot_ms;
    struct asked *asked; /* the one request under way; it outlives us */
    gather_cursor_fn *cursor_told;
    void *cursor_context;
};

struct gather *gather_new(struct instance *instance)
{
    struct gather *gather = calloc(1, sizeof *gather);
    bug_unless(gather);
    gather->instance = instance;
    return gather;
}

void gather_free(struct gather *gather)
{
    if (!gather)
        return;
    if (gather->asked)
        gather->asked->gather = NULL;
    while (gather->sources) {
        struct source *next = gather->sources->next_source;
        free(gather->sources->buffer);
        free(gather->sources);
        gather->sources = next;
    }
    free(gather);
}

bool gather_busy(const struct gather *gather, int64_t boot)
{
    return gather->asking || boot < gather->ask_boot_ms;
}

bool gather_failed(const struct gather *gather)
{
    return gather->tries >= TRIES_MAX;
}

void gather_retry(struct gather *gather)
{
    gather->tries = 0;
}

int64_t gather_next(const struct gather *gather)
{
    return gather->ask_boot_ms;
}

/* ---- asking a producer ---- */

static void take_batch(struct source *source, uint64_t after, struct bytes batch)
{
    free(source->buffer);
    source->buffer = malloc(batch.size ? batch.size : 1);
    bug_unless(source->buffer);
    if (batch.size)
        memcpy(source->buffer, batch.data, batch.size);
    source->size = batch.size;
    source->at = 0;
    source->first = source->next = after + 1;
}

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asked *asked = context;
    struct gather *gather = asked->gather;
    if (gather) {
        struct instance *instance = gather->instance;
        const Bus__Fetched *fetched = !err && reply->kind_case == BUS__REPLY__KIND_FETCHED ? reply->fetched : NULL;
        gather->asking = false;
        gather->asked = NULL;
        gather->tries = fetched ? 0 : gather->tries + 1;
        gather->ask_boot_ms = fetched ? 0 : instance_boot(instance) + 1000;
        if (fetched && !asked->source)
            gather->cursor_told(gather->cursor_context, fetched);
        else if (fetched && fetched->problem == BUS__FETCHED__PROBLEM__NONE && fetched->events.len)
            take_batch(asked->source, asked->after, bytes_of(fetched->events.data, fetched->events.len));
        else if (fetched)
            gather->missing = true; /* its log ends before the event */
        instance->env->wake(instance->env->context);
    }
    free(asked);
}

static void ask(struct gather *gather, const Hb__LogId *log, struct source *source, uint64_t after, struct bytes hash,
                uint32_t bytes_max)
{
    struct asked *asked = malloc(sizeof *asked);
    bug_unless(asked);
    *asked = (struct asked){gather, source, after};
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch fetch = BUS__FETCH__INIT;
    Hb__LogId any = HB__LOG_ID__INIT; /* of any epoch */
    any.cell = log->cell;
    any.service = log->service;
    any.partition = log->partition;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &fetch;
    fetch.log = &any;
    fetch.after = after;
    fetch.hash = (ProtobufCBinaryData){hash.size, (uint8_t *)(uintptr_t)hash.data};
    fetch.bytes_max = bytes_max;
    gather->asking = true;
    gather->asked = asked;
    const struct env *env = gather->instance->env;
    Hb__Service service = log->cell ? HB__SERVICE__LINK : log->service;
    env->ask(env->context, service, log->cell ? 0 : log->partition, &request, ASK_MS, on_reply, asked);
}

void gather_cursor(struct gather *gather, const struct feed *feed, gather_cursor_fn *told, void *context)
{
    Hb__LogId log = feed->log;
    log.cell = feed->cell;
    gather->cursor_told = told;
    gather->cursor_context = context;
    ask(gather, &log, NULL, feed->cursor, bytes_of(feed->hash, sizeof feed->hash), 1);
}

/* ---- gathering what a row of `heard` names ---- */

/* A log that is heard; or one of ours that was divided since, and of which a half or an ancestor is heard. */
static bool within_reach(const struct instance *instance, const Hb__LogId *log)
{
    const Config__Config *config = instance->options.config;
    for (unsigned i = 0; i < instance->feeds_count; i++)
        if (feed_means(&instance->feeds[i], log))
            return true;
    return !cell_elsewhere(instance, log->cell) && config && config_instance(config, log->service, log->partition);
}

/* NULL: a log this instance does not hear any more. */
static struct source *source_of(struct gather *gather, const Hb__LogId *log, bool released)
{
    uint64_t cell = log->cell ? cell_elsewhere(gather->instance, log->cell) : 0;
    for (struct source *source = gather->sources; source; source = source->next_source)
        if (source->log.cell == cell && source->log.service == log->service &&
            source->log.partition == log->partition && source->released == released)
            return source;
    if (!within_reach(gather->instance, log))
        return NULL;
    struct source *source = calloc(1, sizeof *source);
    bug_unless(source);
    source->next_source = gather->sources;
    source->log = *log;
    source->log.cell = cell;
    source->released = released;
    return gather->sources = source;
}

static bool buffered(struct source *source, uint64_t offset, struct bytes *stored_out)
{
    enum err err;
    if (offset < source->next && offset >= source->first) {
        source->at = 0;
        source->next = source->first;
    }
    while (source->at < source->size && source->next <= offset) {
        struct bytes rest = bytes_of(source->buffer + source->at, source->size - source->at);
        if (!eventlog_batch_next(&rest, stored_out, &err))
            return false;
        source->at = source->size - rest.size;
        if (source->next++ == offset)
            return true;
    }
    return false;
}

/* False: it has been asked for. What its producer does not have is gathered as an empty event. */
static bool take(struct gather *gather, const Hb__LogId *log, bool released, uint64_t offset, size_t index,
                 struct arena *arena)
{
    struct bytes stored = {0};
    if (index < gather->gathered_count)
        return true;
    struct source *source = source_of(gather, log, released);
    if (source && !buffered(source, offset, &stored) && !gather->missing) {
        if (!gather->asking && instance_boot(gather->instance) >= gather->ask_boot_ms)
            ask(gather, &source->log, source, offset - 1, (struct bytes){0}, released ? LATE_BYTES : FETCH_BYTES_MAX);
        return false;
    }
    gather->missing = false;
    gather->gathered = arena_grow(arena, gather->gathered, gather->gathered_count, sizeof *gather->gathered);
    gather->gathered[gather->gathered_count++] = (struct gathered){log, offset, arena_copy(arena, stored)};
    return true;
}

bool gather_ready(void *context, const Record__Heard *row, struct arena *arena)
{
    struct gather *gather = context;
    if (gather->row != row || gather->gathered_read) {
        gather->row = row;
        gather->gathered = NULL;
        gather->gathered_count = gather->gathered_read = 0;
    }
    size_t index = 0;
    for (size_t i = 0; i < row->n_inputs; i++) {
        const Record__Input *input = row->inputs[i];
        if (input->kind_case == RECORD__INPUT__KIND_RELEASED &&
            !take(gather, input->released->log, true, input->released->offset, index++, arena))
            return false;
        if (input->kind_case != RECORD__INPUT__KIND_HEARD)
            continue;
        for (uint64_t offset = input->heard->from; offset <= input->heard->to; offset++)
            if (heard_folds(input->heard, offset) && !take(gather, input->heard->log, false, offset, index++, arena))
                return false;
    }
    return true;
}

bool gather_read(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena, struct bytes *event_out)
{
    struct gather *gather = context;
    (void)arena;
    bug_unless(gather->gathered_read < gather->gathered_count);
    const struct gathered *next = &gather->gathered[gather->gathered_read++];
    bug_unless(next->offset == offset && next->log->service == log->service);
    *event_out = next->stored;
    return next->stored.size > 0;
}
