/* Frames on the bus, over real sockets with CURVE: a client that sends anything, and a server that answers anything.
   The bus answers every single-frame request once, passes over what has more frames, and goes on serving; whoever asks
   is called back exactly once. */
#include "fuzz.h"

#include "bus/bus.h"
#include "config/config.h"
#include "message/message.h"

#include <ev.h>
#include <stdio.h>
#include <sys/stat.h>
#include <zmq.h>

#define MEMORY_MAX (16u << 20) /* libzmq keeps buffers of its sockets; an input has 64 KiB at most */
#define PROBE_ID 0x70726f6265ull
#define FRAMES_MAX 4u
#define ROUNDS_MAX 20000 /* of a millisecond: the other side has gone */

static struct ev_loop *loop;
static struct bus *bus;
static struct bus_peer *peer;
static void *client, *server; /* raw sockets: what asks the bus, and what the bus asks */
static unsigned served;

static void serve(void *context, const struct bus_call *call, const Bus__Request *request, struct bytes stored)
{
    (void)context;
    must(call->rights == (BUS_RIGHT_QUERY | BUS_RIGHT_CONTROL) && strcmp(call->user, "gateway-0") == 0);
    must(call->request_id == request->id && stored.size <= BUS_REQUEST_BYTES_MAX);
    Bus__Reply reply = BUS__REPLY__INIT;
    Bus__ControlReply control = BUS__CONTROL_REPLY__INIT;
    reply.kind_case = BUS__REPLY__KIND_CONTROL;
    reply.control = &control;
    bus_reply(call, &reply);
    served += request->id != PROBE_ID;
}

/* ---- opening ---- */

static Config__Instance *instance(Config__Config *config, Hb__Service service, const char *endpoint,
                                  struct arena *arena)
{
    static char *rights[] = {(char *)(uintptr_t) "query", (char *)(uintptr_t) "control"};
    Config__Instance *made = arena_alloc(arena, sizeof *made);
    config__instance__init(made);
    made->service = service;
    made->endpoint = arena_printf(arena, "ipc://%s/%s", fuzz_folder(), endpoint);
    made->rights = rights;
    made->n_rights = 2;
    config->instances = arena_grow(arena, config->instances, config->n_instances, sizeof *config->instances);
    config->instances[config->n_instances++] = made;
    return made;
}

static void *raw_socket(void *context, int type, const Config__Config *config, const char *name)
{
    char secret[41], public_key[41];
    int zero = 0;
    must(config_secret(config, name, secret) == ERR_NONE && zmq_curve_public(public_key, secret) == 0);
    void *socket = zmq_socket(context, type);
    must(socket && zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero) == 0);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, 41);
    if (type == ZMQ_DEALER)
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, 41);
    return socket;
}

static void open_all(void)
{
    static struct arena arena;
    static Config__Config config = CONFIG__CONFIG__INIT;
    int on = 1;
    config.secrets = arena_printf(&arena, "%s/secrets", fuzz_folder());
    Config__Instance *own = instance(&config, HB__SERVICE__CASEWORK, "own", &arena);
    instance(&config, HB__SERVICE__GATEWAY, "unused", &arena);
    Config__Instance *other = instance(&config, HB__SERVICE__INTAKE, "other", &arena);
    bool changed;
    must(config_keys_create(&config, &arena, &changed) == ERR_NONE);
    loop = ev_default_loop(EVFLAG_NOENV);
    must(bus_open(loop, &config, "casework-0", &bus) == ERR_NONE);
    must(bus_serve(bus, own->endpoint, serve, NULL) == ERR_NONE);
    void *context = zmq_ctx_new();
    client = raw_socket(context, ZMQ_DEALER, &config, "gateway-0");
    zmq_setsockopt(client, ZMQ_CURVE_SERVERKEY, own->public_key, 41);
    must(zmq_connect(client, own->endpoint) == 0);
    server = raw_socket(context, ZMQ_ROUTER, &config, "intake-0");
    zmq_setsockopt(server, ZMQ_CURVE_SERVER, &on, sizeof on);
    must(zmq_bind(server, other->endpoint) == 0);
    must(bus_connect(bus, other, &peer) == ERR_NONE);
}

/* ---- sending ---- */

static void send_frames(void *socket, struct bytes *frames, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        must(zmq_send(socket, frames[i].data, frames[i].size, i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
}

/* The input, cut into frames: one as a rule, up to four. */
static unsigned cut(struct draw *draw, struct bytes *frames)
{
    unsigned count = draw_below(draw, 8), made = 0;
    count = count < FRAMES_MAX ? count : 0;
    while (made < count)
        frames[made++] = draw_bytes(draw, 255);
    frames[made++] = bytes_of(draw->at, (size_t)(draw->end - draw->at));
    return made;
}

static bool received(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    for (int round = 0; round < ROUNDS_MAX; round++) {
        ev_run(loop, EVRUN_NOWAIT);
        if (zmq_poll(&item, 1, round > 100) > 0)
            return true;
    }
    return false;
}

/* ---- a client that sends anything ---- */

static Bus__Reply *next_reply(struct arena *arena)
{
    zmq_msg_t message;
    ProtobufCMessage *reply;
    char *why;
    must(received(client) && zmq_msg_init(&message) == 0 && zmq_msg_recv(&message, client, 0) >= 0);
    must(!zmq_msg_more(&message));
    struct bytes stored = arena_copy(arena, bytes_of(zmq_msg_data(&message), zmq_msg_size(&message)));
    zmq_msg_close(&message);
    must(message_unpack(&bus__reply__descriptor, stored, arena, &reply, &why) == ERR_NONE);
    return (Bus__Reply *)reply;
}

static void probe(struct arena *arena)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.id = PROBE_ID;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    struct bytes packed = message_pack((ProtobufCMessage *)&request, arena);
    send_frames(client, &packed, 1);
}

static void check_client(struct bytes *frames, unsigned count, struct arena *arena)
{
    ProtobufCMessage *message;
    char *why;
    bool sound = count == 1 && message_unpack(&bus__request__descriptor, frames[0], arena, &message, &why) == ERR_NONE;
    if (sound && ((Bus__Request *)message)->id == PROBE_ID)
        return;
    served = 0;
    send_frames(client, frames, count);
    probe(arena);
    if (count == 1) {
        Bus__Reply *reply = next_reply(arena);
        must(reply->kind_case == (sound ? BUS__REPLY__KIND_CONTROL : BUS__REPLY__KIND_REFUSED));
        must(sound ? reply->id == ((Bus__Request *)message)->id
                   : reply->refused->status == 400 || reply->refused->status == 413);
        if (!sound && frames[0].size > 1 && frames[0].data[0] == 0x08 && frames[0].data[1] < 0x80)
            must(reply->id == frames[0].data[1]); /* whoever asked can tell which of its requests it was */
    }
    Bus__Reply *reply = next_reply(arena);
    must(reply->id == PROBE_ID && served == sound);
}

/* ---- a server that answers anything ---- */

struct outcome {
    unsigned times;
    enum err err;
};

static void on_done(void *context, enum err err, const Bus__Reply *reply)
{
    struct outcome *outcome = context;
    must((err == ERR_NONE) == (reply != NULL));
    outcome->times++;
    outcome->err = err;
}

static void check_server(struct bytes *frames, unsigned count, struct arena *arena)
{
    struct outcome outcome = {0};
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    Bus__Reply reply = BUS__REPLY__INIT;
    Bus__ControlReply answer = BUS__CONTROL_REPLY__INIT;
    uint8_t route[64], body[256];
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    bus_request(peer, &request, 10000, on_done, &outcome);
    must(received(server));
    int route_size = zmq_recv(server, route, sizeof route, 0);
    must(route_size > 0 && zmq_recv(server, body, sizeof body, 0) > 0);
    must(zmq_send(server, route, (size_t)route_size, ZMQ_SNDMORE) >= 0);
    send_frames(server, frames, count);
    reply.id = request.id;
    reply.kind_case = BUS__REPLY__KIND_CONTROL;
    reply.control = &answer;
    struct bytes packed = message_pack((ProtobufCMessage *)&reply, arena);
    must(zmq_send(server, route, (size_t)route_size, ZMQ_SNDMORE) >= 0);
    send_frames(server, &packed, 1);
    for (int round = 0; round < ROUNDS_MAX && !outcome.times; round++) {
        ev_run(loop, EVRUN_NOWAIT);
        if (round > 100)
            ev_sleep(0.001);
    }
    must(outcome.times == 1 && outcome.err == ERR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes frames[FRAMES_MAX];
    struct arena arena;
    struct draw draw = draw_of(data, size);
    if (!bus)
        open_all();
    fuzz_memory_begin();
    arena_init(&arena);
    unsigned side = draw_below(&draw, 2), count = cut(&draw, frames);
    if (side)
        check_server(frames, count, &arena);
    else
        check_client(frames, count, &arena);
    arena_fini(&arena);
    fuzz_memory_end_within(MEMORY_MAX);
    return 0;
}
