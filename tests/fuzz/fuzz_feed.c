/* What a producer answers to fetches: sound chains of events, batches cut or altered, other epochs, hashes that do not
   fit, events of newer versions, silence. The runtime itself hears them, with a restart now and then. It hears exactly
   the sound events, in order, each once; the first that does not fit stops the feed with an alarm; the state is that of
   a fresh fold. */
#include "fuzz.h"

#include "message/message.h"
#include "service/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MEMORY_MAX (16u << 20) /* a whole service with its log: 7.0 MB over the corpus */
#define EVENTS_MAX 64u
#define BATCH_BYTES_MAX (16u << 10)
#define START_MS 1741570200000ll

/* ---- a service that listens ---- */

static const char *const tables[] = {"heard"};

static bool echoes(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_TOY && event->toy.len && event->toy.data[0] & 1;
}

static void ear_evolve(struct turn *turn, const Hb__Event *event)
{
    struct key key = key_u64(event->case_id);
    struct bytes old;
    uint8_t row[40] = {0};
    if (state_get(turn, 0, key_bytes(&key), &old))
        memcpy(row, old.data, sizeof row);
    struct bytes packed = message_pack((const ProtobufCMessage *)event, turn_arena(turn));
    uint8_t hash[EVENTLOG_HASH_BYTES];
    eventlog_hash(packed, hash);
    for (unsigned i = 0; i < sizeof hash; i++) /* order matters */
        row[i] = (uint8_t)(row[i] * 31 + hash[i]);
    bytes_put_u64(row + 32, bytes_get_u64(row + 32) + 1);
    state_put(turn, 0, key_bytes(&key), bytes_of(row, sizeof row));
}

static void ear_react(struct turn *turn, const Hb__Event *event)
{
    if (event_own(turn, event) || !echoes(event))
        return;
    Hb__Event *echo = turn_event(turn, "toy", event->case_id);
    echo->payload_case = HB__EVENT__PAYLOAD_TOY;
    turn_say(turn, echo);
}

static const struct service ear = {.name = "ping",
                                   .id = HB__SERVICE__TOY_PING,
                                   .hears = 1u << HB__SERVICE__TOY_PONG,
                                   .tables = tables,
                                   .tables_count = 1,
                                   .react = ear_react,
                                   .evolve = ear_evolve};

/* ---- the world around it ---- */

struct world {
    struct arena arena;
    struct instance *instance;
    char *folder;
    int64_t now;
    bus_done_fn *done; /* of the one fetch under way */
    void *done_context;
    uint64_t asked_after;
    struct bytes events[EVENTS_MAX]; /* the producer's log */
    unsigned count;
    /* what must have been heard, told by the rules of the feed and apart from its code. An altered event may fit what
       came before it: then it is heard, and the hash of the next fetch gives it away. */
    struct bytes heard[EVENTS_MAX];
    unsigned heard_count;
    bool broken;      /* something was answered that does not fit */
    bool knows_epoch; /* of the log: from the first answer that names it */
};

static int64_t world_now(void *context)
{
    return ((struct world *)context)->now;
}

static void world_random(void *context, uint8_t *out, size_t size)
{
    (void)context;
    memset(out, 7, size);
}

static void world_ask(void *context, Hb__Service service, uint32_t partition, Bus__Request *request,
                      uint32_t timeout_ms, bus_done_fn *done, void *done_context)
{
    struct world *world = context;
    must(service == HB__SERVICE__TOY_PONG && partition == 0 && timeout_ms > 0 && !world->done);
    must(request->kind_case == BUS__REQUEST__KIND_FETCH && request->fetch->after == world->heard_count);
    world->asked_after = request->fetch->after;
    if (world->asked_after) { /* whoever goes on names what it heard last */
        uint8_t hash[EVENTLOG_HASH_BYTES];
        eventlog_hash(world->heard[world->asked_after - 1], hash);
        must(bytes_equal(bytes_of(hash, sizeof hash), bytes_of(request->fetch->hash.data, request->fetch->hash.len)));
    }
    world->done = done;
    world->done_context = done_context;
}

static void world_reply(void *context, const struct bus_call *call, Bus__Reply *reply)
{
    (void)context;
    (void)call;
    (void)reply;
}

static void world_wake(void *context)
{
    (void)context;
}

static void start(struct world *world, struct env *env)
{
    static const struct instance_feed_options feed = {HB__SERVICE__TOY_PONG, 0};
    struct instance_options options = {
        .folder = world->folder, .cell = 9, .feeds = &feed, .feeds_count = 1, .no_sync = true, .map_bytes = 64u << 20};
    char why[512];
    enum err err = instance_open(&ear, &options, env, &world->instance, why, sizeof why);
    if (err)
        fprintf(stderr, "%s\n", why);
    must(err == ERR_NONE);
}

static void step(struct world *world)
{
    enum err fatal = ERR_NONE;
    for (unsigned i = 0; i < 100 && instance_step(world->instance, &fatal); i++)
        ;
    must(fatal == ERR_NONE);
    world->now += 20;
}

/* ---- what the producer answers ---- */

static struct bytes new_event(struct world *world, struct draw *draw)
{
    Hb__Event event = HB__EVENT__INIT;
    uint8_t previous[EVENTLOG_HASH_BYTES] = {0}, toy[4];
    if (world->count)
        eventlog_hash(world->events[world->count - 1], previous);
    event.cell = 9;
    event.service = HB__SERVICE__TOY_PONG;
    event.epoch = 1;
    event.offset = world->count + 1;
    event.recorded_ms = event.occurred_ms = START_MS + (int64_t)event.offset;
    event.case_id = draw_below(draw, 3);
    event.site = (char *)(uintptr_t) "toy";
    event.previous_hash = (ProtobufCBinaryData){sizeof previous, previous};
    toy[0] = draw_byte(draw);
    event.toy = (ProtobufCBinaryData){sizeof toy, toy};
    memset(toy + 1, 0, sizeof toy - 1);
    if (toy[0] % 8) /* else of a version that knows more: no payload we know */
        event.payload_case = HB__EVENT__PAYLOAD_TOY;
    return message_pack((ProtobufCMessage *)&event, &world->arena);
}

static size_t put(uint8_t *batch, size_t size, struct bytes event)
{
    bytes_put_u32(batch + size, (uint32_t)event.size);
    memcpy(batch + size + 4, event.data, event.size);
    return size + 4 + event.size;
}

/* All the producer has after what was asked for, and some more. */
static size_t sound_batch(struct world *world, struct draw *draw, uint8_t *batch)
{
    size_t size = 0;
    for (unsigned left = draw_below(draw, 6); left && world->count < EVENTS_MAX; left--) {
        world->events[world->count] = new_event(world, draw);
        world->count++;
    }
    for (uint64_t i = world->asked_after; i < world->count; i++) /* nothing when asked for more than there is */
        size = put(batch, size, world->events[i]);
    return size;
}

static void damage(struct draw *draw, uint8_t *batch, size_t *size)
{
    size_t at = *size ? draw_below(draw, (unsigned)*size) : 0;
    switch (draw_below(draw, 4)) {
    case 0:
        *size = at;
        return;
    case 1:
        if (*size)
            batch[at] ^= (uint8_t)(1u << draw_below(draw, 8));
        return;
    case 2: {
        struct bytes raw = draw_bytes(draw, 255);
        memcpy(batch, raw.data, raw.size);
        *size = raw.size;
        return;
    }
    default: /* the first event left out */
        if (*size >= 4) {
            size_t first = 4 + bytes_get_u32(batch);
            memmove(batch, batch + first, *size - first);
            *size -= first;
        }
        return;
    }
}

static bool follows(struct world *world, struct bytes stored)
{
    ProtobufCMessage *message;
    char *why;
    uint8_t previous[EVENTLOG_HASH_BYTES] = {0};
    if (message_unpack(&hb__event__descriptor, stored, &world->arena, &message, &why))
        return false;
    const Hb__Event *event = (const Hb__Event *)message;
    if (world->heard_count)
        eventlog_hash(world->heard[world->heard_count - 1], previous);
    return event->offset == world->heard_count + 1 && (event->cell == 9 || event->cell == 0) && /* of this cell */
           bytes_equal(bytes_of(previous, sizeof previous),
                       bytes_of(event->previous_hash.data, event->previous_hash.len)) &&
           !(event->payload_case == HB__EVENT__PAYLOAD__NOT_SET && event->must_understand);
}

static bool whole(struct bytes batch)
{
    enum err err;
    struct bytes stored;
    while (eventlog_batch_next(&batch, &stored, &err))
        ;
    return err == ERR_NONE;
}

static void expect(struct world *world, struct bytes batch)
{
    enum err err;
    struct bytes stored;
    world->broken = world->broken || !whole(batch); /* of half a batch nothing is heard */
    while (!world->broken && eventlog_batch_next(&batch, &stored, &err)) {
        world->broken = world->heard_count == EVENTS_MAX || !follows(world, stored);
        if (!world->broken)
            world->heard[world->heard_count++] = arena_copy(&world->arena, stored);
    }
}

static Bus__Fetched__Problem problem_of(const struct world *world)
{
    if (world->asked_after > world->count)
        return BUS__FETCHED__PROBLEM__BEYOND_END;
    bool same = world->asked_after == 0 ||
                bytes_equal(world->heard[world->asked_after - 1], world->events[world->asked_after - 1]);
    return same ? BUS__FETCHED__PROBLEM__NONE : BUS__FETCHED__PROBLEM__HASH_MISMATCH;
}

static void answer(struct world *world, struct draw *draw)
{
    static uint8_t batch[BATCH_BYTES_MAX];
    Bus__Reply reply = BUS__REPLY__INIT;
    Bus__Fetched fetched = BUS__FETCHED__INIT;
    Hb__LogId log = HB__LOG_ID__INIT;
    unsigned how = draw_below(draw, 16);
    size_t size = sound_batch(world, draw, batch);
    if (how == 1)
        damage(draw, batch, &size);
    log.cell = 9;
    log.service = HB__SERVICE__TOY_PONG;
    log.epoch = 1;
    reply.kind_case = BUS__REPLY__KIND_FETCHED;
    reply.fetched = &fetched;
    fetched.log = how == 2 ? NULL : &log;
    fetched.problem = how == 3 ? (Bus__Fetched__Problem)(1 + draw_below(draw, 3)) : problem_of(world);
    fetched.events = (ProtobufCBinaryData){size, batch};
    fetched.end = how == 4 ? draw_u64(draw) : world->count;
    fetched.as_of_ms = how == 5 ? (int64_t)draw_u64(draw) : world->now;
    bool silent = how == 6;
    bool first = !world->knows_epoch && world->asked_after == 0 && world->heard_count == 0 && fetched.log;
    bool taken = first && fetched.problem == BUS__FETCHED__PROBLEM__EPOCH_MISMATCH; /* any log will do, once */
    if (!silent && !taken && (how == 2 || fetched.problem != BUS__FETCHED__PROBLEM__NONE))
        world->broken = true;
    else if (!silent && !taken)
        expect(world, bytes_of(batch, size));
    world->knows_epoch = world->knows_epoch || (!silent && fetched.log);
    bus_done_fn *done = world->done;
    world->done = NULL;
    done(world->done_context, silent ? ERR_TIMEOUT : ERR_NONE, silent ? NULL : &reply);
    if (silent)
        world->now += 200; /* it asks again after a while */
}

/* ---- what must hold ---- */

struct told {
    uint64_t cursor, end;
    bool knows_epoch;
};

static struct told told(struct world *world)
{
    Bus__PositionReport report;
    instance_position(world->instance, &world->arena, &report);
    must(report.n_cursors == 1);
    return (struct told){report.cursors[0]->offset, report.end, report.cursors[0]->log->epoch != 0};
}

static bool read_event(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena,
                       struct bytes *event_out)
{
    struct world *world = context;
    if (log->service != HB__SERVICE__TOY_PONG || offset == 0 || offset > world->heard_count)
        return false;
    *event_out = arena_copy(arena, world->heard[offset - 1]);
    return true;
}

static void check(struct world *world)
{
    struct told now = told(world);
    unsigned echoed = 0;
    bool stopped = strcmp(instance_health(world->instance), "feed_stopped") == 0;
    must(stopped == world->broken);
    must(now.cursor == world->heard_count);
    for (unsigned i = 0; i < world->heard_count; i++) {
        ProtobufCMessage *message;
        char *why;
        must(message_unpack(&hb__event__descriptor, world->heard[i], &world->arena, &message, &why) == ERR_NONE);
        echoed += echoes((Hb__Event *)message);
    }
    must(now.end == echoed);
}

static void check_at_end(struct world *world)
{
    char why[512];
    char *fresh = arena_printf(&world->arena, "%s/fresh", fuzz_folder());
    world->now += 2000; /* cursors that moved alone are committed too */
    step(world);
    must(instance_log_verify(world->instance, why, sizeof why) == ERR_NONE);
    mkdir(fresh, 0700);
    enum err err = instance_check_fold(world->instance, fresh, NULL, read_event, world, why, sizeof why);
    if (err)
        fprintf(stderr, "%s\n", why);
    must(err == ERR_NONE);
    remove(arena_printf(&world->arena, "%s/data.mdb", fresh));
    remove(arena_printf(&world->arena, "%s/lock.mdb", fresh));
    remove(arena_printf(&world->arena, "%s/poison", fresh));
    remove(arena_printf(&world->arena, "%s/promised", fresh));
}

/* As kill -9 would: what was not committed is heard again. The fetch under way is answered to nobody. */
static void restart(struct world *world, struct env *env)
{
    if (world->done)
        world->done(world->done_context, ERR_TIMEOUT, NULL);
    world->done = NULL;
    instance_close(world->instance);
    world->broken = false;
    start(world, env);
    world->heard_count = (unsigned)told(world).cursor;
    world->knows_epoch = told(world).knows_epoch; /* unless it went with what was not committed */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw draw = draw_of(data, size);
    struct world world = {.now = START_MS + 1000};
    struct env env = {&world, world_now, world_now, world_random, world_ask, world_reply, world_wake, NULL, NULL};
    fuzz_memory_begin();
    arena_init(&world.arena);
    world.folder = arena_printf(&world.arena, "%s/ear", fuzz_folder());
    mkdir(world.folder, 0700);
    start(&world, &env);
    step(&world);
    for (unsigned i = 0; i < 40 && draw_more(&draw); i++) {
        if (draw_below(&draw, 12) == 11)
            restart(&world, &env);
        else if (world.done)
            answer(&world, &draw);
        step(&world);
        check(&world);
    }
    check_at_end(&world);
    if (world.done)
        world.done(world.done_context, ERR_TIMEOUT, NULL);
    instance_close(world.instance);
    remove(arena_printf(&world.arena, "%s/data.mdb", world.folder));
    remove(arena_printf(&world.arena, "%s/lock.mdb", world.folder));
    remove(arena_printf(&world.arena, "%s/poison", world.folder));
    remove(arena_printf(&world.arena, "%s/promised", world.folder));
    arena_fini(&world.arena);
    fuzz_memory_end_within(MEMORY_MAX);
    return 0;
}
