/* The door between cells: what the links of two cells below ask and bring, what services here want of them, what the
   cell above wants and answers, with time passing and answers that are lost. Every request is answered once, a fetch
   with what was delivered for it; a cell below is never shown what does not concern it; nothing is kept for ever.
   The link's own code is the real one; the bus under it is this file's. */
#include "fuzz.h"

#include "eventlog/eventlog.h"
#include "message/message.h"
#include "metrics/metrics.h"
#include "relay.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMORY_MAX (16u << 20) /* what it keeps for cells below and services here */
#define CALLS_MAX 256u
#define PENDING_MAX 4096u
#define CELLS 4u

static const char *const cells[CELLS] = {"00000000000000a1", "00000000000000b2", "00000000000000c3",
                                         "00000000000000d4"}; /* below, below, above, of nobody */
#define HERE 0xabull

struct bus_peer {
    const Config__Instance *instance;
};
struct pending {
    const struct bus_peer *peer;
    Bus__Request *request;
    bus_done_fn *done;
    void *context;
};

static struct world {
    struct arena arena;
    struct link link;
    int64_t now_ms;
    unsigned calls;
    unsigned answered[CALLS_MAX];
    bool from_cell[CALLS_MAX];
    unsigned wanted_by[2][CALLS_MAX + 1]; /* 1 + the call a Wanted of a cell below is for, as told in a Polled */
    const Bus__Fetched *passing;          /* what is being delivered or answered just now ... */
    unsigned passing_to;                  /* ... and to which call; CALLS_MAX: whichever asked above */
    struct pending pending[PENDING_MAX];
    unsigned pending_count;
} world;

/* ---- instead of the clock and the bus ---- */

int64_t __wrap_link_boot_ms(void); /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's */
int64_t __wrap_link_boot_ms(void)  /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
{
    return world.now_ms;
}

/* All that a cell below may see of a log of ours. */
static void check_given(const Bus__Fetched *fetched)
{
    struct bytes events = bytes_of(fetched->events.data, fetched->events.len), stored;
    enum err err;
    while (eventlog_batch_next(&events, &stored, &err)) {
        ProtobufCMessage *message;
        char *why;
        must(message_load(&hb__event__descriptor, stored, &world.arena, &message, &why) == ERR_NONE);
        const Hb__Event *event = (const Hb__Event *)message;
        bool directory = event->payload_case == HB__EVENT__PAYLOAD_DIRECTORY;
        bool casework = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK;
        must(event->payload_case == HB__EVENT__PAYLOAD__NOT_SET ? event->withheld.len == EVENTLOG_HASH_BYTES
                                                                : directory || casework);
        must(!directory || (event->directory->kind_case != DIRECTORY__EVENT__KIND_PERSON_DEFINED &&
                            event->directory->kind_case != DIRECTORY__EVENT__KIND_ACCOUNT_DEFINED));
        must(!casework || event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_REQUESTED);
    }
    must(err == ERR_NONE);
}

/* Whoever wants something is named as its reader, and each call here has a name of its own. */
static void note_wanted(unsigned below, const Bus__Polled *polled)
{
    for (size_t i = 0; i < polled->n_wanted; i++) {
        const Bus__Wanted *wanted = polled->wanted[i];
        unsigned long by = strtoul(wanted->fetch->reader + strlen("analytics-"), NULL, 10);
        must(wanted->id >= 1 && wanted->id <= CALLS_MAX && by < world.calls && !world.from_cell[by]);
        world.wanted_by[below][wanted->id] = (unsigned)by + 1;
    }
}

void bus_reply(const struct bus_call *call, Bus__Reply *reply)
{
    unsigned which = (unsigned)call->request_id;
    must(which < world.calls && world.answered[which]++ == 0 && reply->kind_case != BUS__REPLY__KIND__NOT_SET);
    message_pack(&reply->base, &world.arena); /* whole enough to be sent */
    if (reply->kind_case == BUS__REPLY__KIND_POLLED && world.from_cell[which])
        note_wanted(strcmp(call->user, cells[1]) == 0, reply->polled);
    if (reply->kind_case != BUS__REPLY__KIND_FETCHED)
        return;
    if (world.from_cell[which])
        check_given(reply->fetched);
    else
        must(world.passing && (world.passing_to == which || world.passing_to == CALLS_MAX) &&
             fuzz_same(&reply->fetched->base, &world.passing->base, &world.arena));
}

void bus_refuse(const struct bus_call *call, uint32_t status, const char *code, const char *zh, const char *en)
{
    Bus__Reply reply = BUS__REPLY__INIT;
    Hb__Refusal refusal = HB__REFUSAL__INIT;
    must(status >= 400 && status < 600 && *code && *zh && *en);
    reply.kind_case = BUS__REPLY__KIND_REFUSED;
    reply.refused = &refusal;
    bus_reply(call, &reply);
}

enum err bus_connect(struct bus *bus, const Config__Instance *instance, struct bus_peer **peer_out)
{
    (void)bus;
    *peer_out = arena_alloc(&world.arena, sizeof **peer_out);
    (*peer_out)->instance = instance;
    return ERR_NONE;
}

bool bus_peer_refuses(const struct bus_peer *peer)
{
    (void)peer;
    return world.now_ms & 1;
}

void bus_request(struct bus_peer *peer, Bus__Request *request, uint32_t timeout_ms, bus_done_fn *done, void *context)
{
    must(timeout_ms > 0 && world.pending_count < PENDING_MAX);
    Bus__Request *copy = (Bus__Request *)message_copy(&request->base, &world.arena);
    must(message_pack(&copy->base, &world.arena).size <= BUS_REQUEST_BYTES_MAX);
    world.pending[world.pending_count++] = (struct pending){peer, copy, done, context};
}

/* ---- the cell ---- */

static Config__Cell *cell(const char *id, bool above)
{
    Config__Cell *made = arena_alloc(&world.arena, sizeof *made);
    config__cell__init(made);
    made->cell = arena_strdup(&world.arena, id);
    made->name = made->cell;
    made->above = above;
    return made;
}

static void open_link(void)
{
    static struct log *log;
    static struct metrics *metrics;
    Config__Config *config = arena_alloc(&world.arena, sizeof *config);
    config__config__init(config);
    config->instances = arena_alloc(&world.arena, 2 * sizeof *config->instances);
    for (unsigned i = 0; i < 2; i++) {
        Config__Instance *instance = config->instances[config->n_instances++] =
            arena_alloc(&world.arena, sizeof *instance);
        config__instance__init(instance);
        instance->service = i ? HB__SERVICE__CASEWORK : HB__SERVICE__DIRECTORY;
    }
    config->cells = arena_alloc(&world.arena, 3 * sizeof *config->cells);
    for (; config->n_cells < 3; config->n_cells++)
        config->cells[config->n_cells] = cell(cells[config->n_cells], config->n_cells == 2);
    if (!log) {
        metrics = metrics_new();
        log = log_new("link-0", -1, NULL, NULL);
    }
    world.now_ms = 1000000;
    world.link = (struct link){.config = config, .cell = HERE, .log = log, .metrics = metrics};
    arena_init(&world.link.arena);
    arena_init(&world.link.passing);
    world.link.loop = ev_loop_new(EVFLAG_NOENV);
    must(world.link.loop);
    below_open(&world.link);
    must(above_open(&world.link) == ERR_NONE);
}

/* ---- what comes in ---- */

static uint64_t draw_cell(struct draw *draw)
{
    unsigned which = draw_below(draw, CELLS + 2);
    return which < CELLS ? strtoull(cells[which], NULL, 16) : which == CELLS ? HERE : draw_u64(draw);
}

static Hb__LogId *draw_log(struct draw *draw)
{
    Hb__LogId *log = arena_alloc(&world.arena, sizeof *log);
    hb__log_id__init(log);
    log->cell = draw_cell(draw);
    log->service = draw_below(draw, 4) ? draw_below(draw, 2) ? HB__SERVICE__CASEWORK : HB__SERVICE__DIRECTORY
                                       : (Hb__Service)(int8_t)draw_byte(draw);
    log->partition = draw_below(draw, 8) ? 0 : draw_byte(draw);
    return log;
}

static Bus__Fetch *draw_fetch(struct draw *draw)
{
    Bus__Fetch *fetch = (Bus__Fetch *)draw_message(draw, &bus__fetch__descriptor, NULL, &world.arena);
    fetch->log = draw_below(draw, 16) ? draw_log(draw) : NULL;
    return fetch;
}

static void fetch_to(struct draw *draw, Bus__Request *request)
{
    request->kind_case = BUS__REQUEST__KIND_FETCH;
    request->fetch = draw_fetch(draw);
}

static void poll_to(struct draw *draw, Bus__Request *request)
{
    Bus__Poll *poll = arena_alloc(&world.arena, sizeof *poll);
    bus__poll__init(poll);
    request->kind_case = BUS__REQUEST__KIND_POLL;
    request->poll = poll;
    poll->cell = draw_cell(draw);
    poll->run = draw_below(draw, 4);
    poll->n_in_hand = draw_below(draw, 5);
    poll->in_hand = arena_alloc(&world.arena, (poll->n_in_hand + 1) * sizeof *poll->in_hand);
    for (size_t i = 0; i < poll->n_in_hand; i++)
        poll->in_hand[i] = draw_below(draw, 8);
}

/* Events as a producer here has them; every arm that must be withheld comes up. */
static struct bytes draw_batch(struct draw *draw)
{
    size_t size = 0;
    uint8_t *out = arena_alloc(&world.arena, 64 << 10);
    for (unsigned left = draw_below(draw, 4); left; left--) {
        Hb__Event *event = (Hb__Event *)draw_message(draw, &hb__event__descriptor, NULL, &world.arena);
        event->withheld.len = 0;
        struct bytes stored = message_pack(&event->base, &world.arena);
        if (size + 4 + stored.size > 64 << 10)
            break;
        bytes_put_u32(out + size, (uint32_t)stored.size);
        memcpy(out + size + 4, stored.data, stored.size);
        size += 4 + stored.size;
    }
    return bytes_of(out, size);
}

static Bus__Fetched *draw_fetched(struct draw *draw)
{
    Bus__Fetched *fetched = (Bus__Fetched *)draw_message(draw, &bus__fetched__descriptor, NULL, &world.arena);
    struct bytes events = draw_batch(draw);
    fetched->events = (ProtobufCBinaryData){events.size, (uint8_t *)(uintptr_t)events.data};
    return fetched;
}

static void deliver_to(struct draw *draw, Bus__Request *request)
{
    Bus__Deliver *deliver = arena_alloc(&world.arena, sizeof *deliver);
    bus__deliver__init(deliver);
    request->kind_case = BUS__REQUEST__KIND_DELIVER;
    request->deliver = deliver;
    deliver->cell = draw_cell(draw);
    deliver->run = draw_below(draw, 4);
    deliver->id = draw_below(draw, 8);
    if (draw_below(draw, 4))
        deliver->fetched = draw_fetched(draw);
}

static void call(struct draw *draw)
{
    struct bus_call made = {.request_id = world.calls};
    Bus__Request *request = arena_alloc(&world.arena, sizeof *request);
    unsigned how = draw_below(draw, 8);
    if (world.calls == CALLS_MAX)
        return;
    bus__request__init(request);
    bool from_cell = how < 5;
    made.rights = from_cell ? BUS_RIGHT_CELL : how < 7 ? BUS_RIGHT_FETCH : draw_byte(draw) & ~(unsigned)BUS_RIGHT_CELL;
    unsigned below = draw_below(draw, 2);
    if (from_cell)
        snprintf(made.user, sizeof made.user, "%s", cells[below]);
    else
        snprintf(made.user, sizeof made.user, "analytics-%u", world.calls);
    world.from_cell[world.calls] = from_cell;
    if (how < 2)
        poll_to(draw, request);
    else if (how == 2)
        deliver_to(draw, request);
    else if (how == 3 || how == 5 || how == 6)
        fetch_to(draw, request);
    else
        request = (Bus__Request *)draw_message(draw, &bus__request__descriptor, NULL, &world.arena);
    world.calls++;
    if (from_cell && request->kind_case == BUS__REQUEST__KIND_DELIVER) {
        world.passing = request->deliver->fetched;
        unsigned by = request->deliver->id <= CALLS_MAX ? world.wanted_by[below][request->deliver->id] : 0;
        world.passing_to = by ? by - 1 : CALLS_MAX; /* what it was not told of it may guess: the reader checks it */
    }
    link_serve(&world.link, &made, request, (struct bytes){0});
    world.passing = NULL;
}

/* ---- what the others answer ---- */

static void answer(unsigned which, enum err err, const Bus__Reply *reply)
{
    struct pending done = world.pending[which];
    world.pending[which] = world.pending[--world.pending_count];
    world.passing = !err && reply->kind_case == BUS__REPLY__KIND_FETCHED ? reply->fetched : NULL;
    world.passing_to = CALLS_MAX;
    done.done(done.context, err, reply);
    world.passing = NULL;
}

static void polled_to(struct draw *draw, Bus__Reply *reply)
{
    Bus__Polled *polled = arena_alloc(&world.arena, sizeof *polled);
    bus__polled__init(polled);
    reply->kind_case = BUS__REPLY__KIND_POLLED;
    reply->polled = polled;
    polled->n_wanted = draw_below(draw, 4);
    polled->wanted = arena_alloc(&world.arena, (polled->n_wanted + 1) * sizeof *polled->wanted);
    for (size_t i = 0; i < polled->n_wanted; i++) {
        Bus__Wanted *wanted = polled->wanted[i] = arena_alloc(&world.arena, sizeof *wanted);
        bus__wanted__init(wanted);
        wanted->id = draw_below(draw, 8);
        if (draw_below(draw, 8))
            wanted->fetch = draw_fetch(draw);
    }
}

static void answer_some(struct draw *draw)
{
    if (!world.pending_count)
        return;
    unsigned which = draw_below(draw, world.pending_count);
    Bus__Reply *reply = arena_alloc(&world.arena, sizeof *reply);
    bus__reply__init(reply);
    switch (draw_below(draw, 6)) {
    case 0:
        answer(which, ERR_TIMEOUT, NULL);
        return;
    case 1: /* anything: a producer here may answer late or wrongly, but what it fetches it has */
        reply = (Bus__Reply *)draw_message(draw, &bus__reply__descriptor, NULL, &world.arena);
        if (reply->kind_case == BUS__REPLY__KIND_FETCHED)
            reply->fetched = draw_fetched(draw);
        if (reply->kind_case == BUS__REPLY__KIND__NOT_SET) /* the bus lets no such reply through */
            polled_to(draw, reply);
        break;
    case 2:
    case 3:
        polled_to(draw, reply);
        break;
    default:
        reply->kind_case = BUS__REPLY__KIND_FETCHED;
        reply->fetched = draw_fetched(draw);
        break;
    }
    answer(which, ERR_NONE, reply);
}

/* ---- the end: what waits is answered, and nothing is kept ---- */

static void close_link(void)
{
    while (world.pending_count) /* a poll that fails is tried again by a timer, which does not run here */
        answer(world.pending_count - 1, ERR_TIMEOUT, NULL);
    world.now_ms += 2 * (int64_t)LINK_ASK_MS;
    below_look(&world.link);
    for (unsigned i = 0; i < world.calls; i++)
        must(world.answered[i] == 1);
    ev_loop_destroy(world.link.loop);
    arena_fini(&world.link.arena);
    arena_fini(&world.link.passing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw draw = draw_of(data, size);
    memset(&world, 0, sizeof world);
    fuzz_memory_begin();
    arena_init(&world.arena);
    open_link();
    while (draw_more(&draw)) {
        unsigned what = draw_below(&draw, 8);
        if (what < 5) {
            call(&draw);
        } else if (what < 7) {
            answer_some(&draw);
        } else {
            world.now_ms += draw_below(&draw, 2) ? draw_byte(&draw) * 10 : draw_byte(&draw) * 200;
            below_look(&world.link);
        }
    }
    close_link();
    arena_fini(&world.arena);
    fuzz_memory_end_within(MEMORY_MAX);
    return 0;
}
