#include "bus/internal.h"

#include "config/config.h"
#include "log/log.h"
#include "message/message.h"

#include <errno.h>
#include <ev.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#define DRAIN_MAX 64
#define ASKS_BUCKETS 1024u
#define REDIAL_S 1.

struct asked {
    struct asked *next, *unsent_next;
    uint64_t id;
    struct bus_peer *peer;
    bus_done_fn *done;
    void *context;
    ev_timer until;
    uint8_t *bytes; /* kept until it is sent */
    size_t size;
};

struct bus_socket {
    struct bus *bus;
    void *socket;
    ev_io io;
};

struct bus_peer {
    struct bus *bus;
    struct bus_peer *next;
    struct bus_socket dealer, monitor;
    struct asked *unsent, **unsent_tail;
    char *endpoint;
    ev_timer redial;
    bool refused; /* our key, when we last knocked */
};

struct bus {
    struct ev_loop *loop;
    void *context;
    struct bus_keys keys;
    char public_key[41], secret_key[41];
    struct bus_socket router;
    bus_serve_fn *serve;
    void *serve_context;
    struct bus_peer *peers;
    struct asked *asks[ASKS_BUCKETS];
    uint64_t next_id, undelivered;
    ev_prepare prepare;
    ev_check check;
    ev_idle idle;
    struct arena arena;
    struct log *log; /* NULL: nothing is noted yet */
};

/* Any call of libzmq may be ended by a signal that is handled (ours end the service with what it has begun), also
   between the frames of one message: the frame is asked for again, else whatever comes next would be taken for it.
   Hence TEMP_FAILURE_RETRY all over this file. */

/* ---- ZeroMQ in a libev loop: ZMQ_FD is edge-triggered, so the loop asks ZMQ_EVENTS before it sleeps ---- */

static int events_of(const struct bus_socket *socket)
{
    int events = 0;
    size_t size = sizeof events;
    if (socket->socket)
        (void)TEMP_FAILURE_RETRY(zmq_getsockopt(socket->socket, ZMQ_EVENTS, &events, &size));
    return events;
}

static bool anything(const struct bus *bus)
{
    if (events_of(&bus->router) & ZMQ_POLLIN)
        return true;
    for (const struct bus_peer *peer = bus->peers; peer; peer = peer->next) {
        int events = events_of(&peer->dealer);
        if ((events & ZMQ_POLLIN) || (peer->unsent && (events & ZMQ_POLLOUT)) ||
            (events_of(&peer->monitor) & ZMQ_POLLIN))
            return true;
    }
    return false;
}

static void nothing(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
}

static void nothing_idle(struct ev_loop *loop, ev_idle *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
}

static void on_prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)events;
    struct bus *bus = watcher->data;
    if (anything(bus))
        ev_idle_start(loop, &bus->idle);
}

static void watch(struct bus *bus, struct bus_socket *socket, void *zmq)
{
    int fd;
    size_t size = sizeof fd;
    socket->bus = bus;
    socket->socket = zmq;
    zmq_getsockopt(zmq, ZMQ_FD, &fd, &size);
    ev_io_init(&socket->io, nothing, fd, EV_READ);
    ev_io_start(bus->loop, &socket->io);
}

/* ---- requests of ours ---- */

static struct asked *take_asked(struct bus *bus, uint64_t id)
{
    for (struct asked **at = &bus->asks[id % ASKS_BUCKETS]; *at; at = &(*at)->next)
        if ((*at)->id == id) {
            struct asked *asked = *at;
            *at = asked->next;
            return asked;
        }
    return NULL;
}

static void drop_unsent(struct asked *asked)
{
    struct bus_peer *peer = asked->peer;
    for (struct asked **at = &peer->unsent; *at; at = &(*at)->unsent_next)
        if (*at == asked) {
            *at = asked->unsent_next;
            break;
        }
    peer->unsent_tail = &peer->unsent;
    while (*peer->unsent_tail)
        peer->unsent_tail = &(*peer->unsent_tail)->unsent_next;
}

static void finish(struct asked *asked, enum err err, const Bus__Reply *reply)
{
    ev_timer_stop(asked->peer->bus->loop, &asked->until);
    if (asked->bytes)
        drop_unsent(asked);
    asked->done(asked->context, err, reply);
    free(asked->bytes);
    free(asked);
}

static void send_unsent(struct bus_peer *peer)
{
    for (int i = 0; i < DRAIN_MAX && peer->unsent; i++) {
        struct asked *asked = peer->unsent;
        if (TEMP_FAILURE_RETRY(zmq_send(peer->dealer.socket, asked->bytes, asked->size, ZMQ_DONTWAIT)) < 0)
            return; /* not connected, or full: the loop tries again */
        peer->unsent = asked->unsent_next;
        if (!peer->unsent)
            peer->unsent_tail = &peer->unsent;
        free(asked->bytes);
        asked->bytes = NULL;
    }
}

static void receive_replies(struct bus_peer *peer)
{
    struct bus *bus = peer->bus;
    for (int i = 0; i < DRAIN_MAX && (events_of(&peer->dealer) & ZMQ_POLLIN); i++) {
        zmq_msg_t message;
        zmq_msg_init(&message);
        if (TEMP_FAILURE_RETRY(zmq_msg_recv(&message, peer->dealer.socket, ZMQ_DONTWAIT)) < 0)
            return;
        ProtobufCMessage *unpacked;
        char *why;
        bool whole = !zmq_msg_more(&message) &&
                     message_load(&bus__reply__descriptor, bytes_of(zmq_msg_data(&message), zmq_msg_size(&message)),
                                  &bus->arena, &unpacked, &why) == ERR_NONE;
        struct asked *asked = whole ? take_asked(bus, ((Bus__Reply *)unpacked)->id) : NULL;
        if (asked)
            finish(asked, ERR_NONE, (Bus__Reply *)unpacked);
        zmq_msg_close(&message);
        arena_reset(&bus->arena);
    }
}

/* A peer that went away will not answer what was sent to it: say so at once instead of waiting for the time-out. */
static void fail_sent(struct bus_peer *peer)
{
    struct bus *bus = peer->bus;
    for (unsigned b = 0; b < ASKS_BUCKETS; b++)
        for (struct asked *asked = bus->asks[b]; asked; asked = asked->next)
            if (asked->peer == peer && !asked->bytes)
                ev_feed_event(bus->loop, &asked->until, EV_TIMER);
}

/* libzmq connects again by itself after most losses, but never after what it takes for a breach of the protocol: some
   refusals of our key (libzmq issue 3519), a message that is too long. Nothing tells which it was. So whoever was lost
   and is not back after a second is dialled anew; until that connection comes about or is lost, it is libzmq's. */
static void on_redial(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct bus_peer *peer = watcher->data;
    fail_sent(peer);
    (void)TEMP_FAILURE_RETRY(zmq_disconnect(peer->dealer.socket, peer->endpoint));
    if (TEMP_FAILURE_RETRY(zmq_connect(peer->dealer.socket, peer->endpoint))) {
        ev_timer_set(watcher, REDIAL_S, 0.);
        ev_timer_start(loop, watcher);
    }
}

static void lost(struct bus_peer *peer)
{
    if (ev_is_active(&peer->redial))
        return;
    ev_timer_set(&peer->redial, REDIAL_S, 0.);
    ev_timer_start(peer->bus->loop, &peer->redial);
}

static void read_monitor(struct bus_peer *peer)
{
    while (events_of(&peer->monitor) & ZMQ_POLLIN) {
        uint8_t frame[8] = {0};
        char address[256];
        if (TEMP_FAILURE_RETRY(zmq_recv(peer->monitor.socket, frame, sizeof frame, ZMQ_DONTWAIT)) < 0)
            return;
        (void)TEMP_FAILURE_RETRY(zmq_recv(peer->monitor.socket, address, sizeof address, ZMQ_DONTWAIT));
        uint16_t event;
        memcpy(&event, frame, sizeof event);
        switch (event) {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
            peer->refused = false;
            ev_timer_stop(peer->bus->loop, &peer->redial);
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            peer->refused = true;
            lost(peer);
            break;
        case ZMQ_EVENT_DISCONNECTED:
            fail_sent(peer);
            lost(peer);
            break;
        }
    }
}

static void on_late(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct asked *asked = watcher->data;
    take_asked(asked->peer->bus, asked->id);
    finish(asked, ERR_TIMEOUT, NULL);
}

void bus_request(struct bus_peer *peer, Bus__Request *request, uint32_t timeout_ms, bus_done_fn *done, void *context)
{
    struct bus *bus = peer->bus;
    struct asked *asked = calloc(1, sizeof *asked);
    bug_unless(asked);
    request->id = ++bus->next_id;
    *asked = (struct asked){.id = request->id, .peer = peer, .done = done, .context = context};
    ev_timer_init(&asked->until, on_late, timeout_ms / 1000.0, 0.);
    asked->until.data = asked;
    ev_timer_start(bus->loop, &asked->until);
    asked->size = bus__request__get_packed_size(request);
    asked->bytes = malloc(asked->size ? asked->size : 1);
    bug_unless(asked->bytes);
    bus__request__pack(request, asked->bytes);
    asked->next = bus->asks[asked->id % ASKS_BUCKETS];
    bus->asks[asked->id % ASKS_BUCKETS] = asked;
    *peer->unsent_tail = asked;
    peer->unsent_tail = &asked->unsent_next;
    send_unsent(peer);
}

/* ---- requests to us ---- */

/* The id of a request that is refused unread, so that whoever asked hears it at once: the first field, as packed by us.
 */
static uint64_t id_of(struct bytes stored)
{
    uint64_t id = 0;
    if (stored.size < 2 || stored.data[0] != 0x08)
        return 0;
    for (size_t i = 1; i < stored.size && i <= 10; i++) {
        id |= (uint64_t)(stored.data[i] & 0x7f) << (7 * (i - 1));
        if (!(stored.data[i] & 0x80))
            return id;
    }
    return 0;
}

static void take_request(struct bus_call *call, struct bytes stored)
{
    struct bus *bus = call->bus;
    ProtobufCMessage *message;
    char *why;
    call->request_id = id_of(stored);
    if (stored.size > BUS_REQUEST_BYTES_MAX) {
        bus_refuse(call, 413, "too_large", "请求超过 1 MB", "a request has at most 1 MB");
        return;
    }
    switch (message_unpack(&bus__request__descriptor, stored, &bus->arena, &message, &why)) {
    case ERR_NONE:
        call->request_id = ((Bus__Request *)message)->id;
        bus->serve(bus->serve_context, call, (Bus__Request *)message, stored);
        return;
    case ERR_TOO_LARGE:
        bus_refuse(call, 413, "too_large", "请求包含的项过多", "a request of so many items takes too much memory");
        return;
    default:
        bus_refuse(call, 400, "malformed", "无法解析该请求", why);
        return;
    }
}

static void receive_request(struct bus *bus)
{
    zmq_msg_t route, body;
    zmq_msg_init(&route);
    zmq_msg_init(&body);
    struct bus_call call = {.bus = bus};
    bool whole = TEMP_FAILURE_RETRY(zmq_msg_recv(&route, bus->router.socket, ZMQ_DONTWAIT)) >= 0 &&
                 zmq_msg_more(&route) && TEMP_FAILURE_RETRY(zmq_msg_recv(&body, bus->router.socket, ZMQ_DONTWAIT)) >= 0;
    bool single = whole && !zmq_msg_more(&body);
    while (whole && !single && zmq_msg_more(&body)) { /* more frames than we know: read past them, answer nothing */
        zmq_msg_close(&body);
        zmq_msg_init(&body);
        if (TEMP_FAILURE_RETRY(zmq_msg_recv(&body, bus->router.socket, ZMQ_DONTWAIT)) < 0)
            break;
    }
    call.route_size = whole ? zmq_msg_size(&route) : 0;
    if (single && call.route_size <= sizeof call.route) {
        memcpy(call.route, zmq_msg_data(&route), call.route_size);
        const char *user =
            zmq_msg_gets(&body, "User-Id"); /* of a payload frame: the first one loses it (pitfalls.md 5) */
        const struct bus_key *key = user ? bus_key_find(&bus->keys, user) : NULL;
        call.rights = key ? key->rights : 0;
        snprintf(call.user, sizeof call.user, "%s", user ? user : "");
        struct bytes stored = bytes_of(zmq_msg_data(&body), zmq_msg_size(&body));
        take_request(&call, stored);
        arena_reset(&bus->arena);
    }
    zmq_msg_close(&route);
    zmq_msg_close(&body);
}

static void on_check(struct ev_loop *loop, ev_check *watcher, int events)
{
    (void)events;
    struct bus *bus = watcher->data;
    ev_idle_stop(loop, &bus->idle);
    for (int i = 0; i < DRAIN_MAX && (events_of(&bus->router) & ZMQ_POLLIN); i++)
        receive_request(bus);
    for (struct bus_peer *peer = bus->peers; peer; peer = peer->next) {
        read_monitor(peer);
        send_unsent(peer);
        receive_replies(peer);
    }
}

void bus_reply(const struct bus_call *call, Bus__Reply *reply)
{
    reply->id = call->request_id;
    size_t size = bus__reply__get_packed_size(reply);
    if (size > BUS_REPLY_BYTES_MAX) { /* it would end the connection of whoever asked */
        bus_refuse(call, 500, "answer_too_large", "答复超过 4 MB，无法发送",
                   "the answer is over 4 MB and cannot be sent");
        return;
    }
    zmq_msg_t body;
    if (zmq_msg_init_size(&body, size))
        return;
    bus__reply__pack(reply, zmq_msg_data(&body));
    /* ROUTER_MANDATORY: an unknown peer is EHOSTUNREACH, a full one EAGAIN; whoever asked will ask again */
    void *router = call->bus->router.socket;
    if (TEMP_FAILURE_RETRY(zmq_send(router, call->route, call->route_size, ZMQ_SNDMORE | ZMQ_DONTWAIT)) < 0 ||
        TEMP_FAILURE_RETRY(zmq_msg_send(&body, router, ZMQ_DONTWAIT)) < 0) {
        if (errno == EAGAIN)
            NOTE(call->bus->log, NOTE_ANSWER_DROPPED, LOG_TEXT("peer", call->user));
        zmq_msg_close(&body);
        call->bus->undelivered++;
    }
}

const uint64_t *bus_undelivered(const struct bus *bus)
{
    return &bus->undelivered;
}

void bus_refuse(const struct bus_call *call, uint32_t status, const char *code, const char *zh, const char *en)
{
    Bus__Reply reply = BUS__REPLY__INIT;
    Hb__Refusal refusal = HB__REFUSAL__INIT;
    Hb__Label text = HB__LABEL__INIT;
    text.zh = (char *)(uintptr_t)zh;
    text.en = (char *)(uintptr_t)en;
    refusal.status = status;
    refusal.code = (char *)(uintptr_t)code;
    refusal.text = &text;
    reply.kind_case = BUS__REPLY__KIND_REFUSED;
    reply.refused = &refusal;
    bus_reply(call, &reply);
}

void bus_log(struct bus *bus, struct log *log)
{
    bus->log = log;
    zap_log(log);
}

/* ---- opening ---- */

static const struct {
    const char *name;
    uint32_t right;
} rights[] = {{"fetch", BUS_RIGHT_FETCH}, {"query", BUS_RIGHT_QUERY}, {"command", BUS_RIGHT_COMMAND},
              {"actor", BUS_RIGHT_ACTOR}, {"seal", BUS_RIGHT_SEAL},   {"control", BUS_RIGHT_CONTROL}};

static uint32_t rights_of(char *const *names, size_t count)
{
    uint32_t all = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < sizeof rights / sizeof *rights; r++)
            if (strcmp(names[i], rights[r].name) == 0)
                all |= rights[r].right;
    return all;
}

static void add_key(struct bus_keys *keys, const char *name, const char *z85, uint32_t all)
{
    struct bus_key *key = &keys->list[keys->count];
    if (strlen(z85) != 40 || !zmq_z85_decode(key->public_key, z85))
        return;
    snprintf(key->name, sizeof key->name, "%s", name);
    key->rights = all;
    keys->count++;
}

/* Other cells reach our link and nothing else. */
static void add_cells(struct bus *bus, const Config__Config *config)
{
    for (size_t i = 0; i < config->n_cells; i++)
        if (!config->cells[i]->above)
            add_key(&bus->keys, config->cells[i]->cell, config->cells[i]->public_key, BUS_RIGHT_CELL);
}

static void load_keys(struct bus *bus, const Config__Config *config, bool link)
{
    bus->keys.list = calloc(config->n_instances + config->n_keys + config->n_cells + 1, sizeof *bus->keys.list);
    bug_unless(bus->keys.list);
    for (size_t i = 0; i < config->n_instances; i++) {
        const Config__Instance *instance = config->instances[i];
        char name[BUS_NAME_MAX];
        snprintf(name, sizeof name, "%s-%u", config_service_name(instance->service), instance->partition);
        add_key(&bus->keys, name, instance->public_key, rights_of(instance->rights, instance->n_rights));
    }
    for (size_t i = 0; i < config->n_keys; i++)
        add_key(&bus->keys, config->keys[i]->name, config->keys[i]->public_key,
                rights_of(config->keys[i]->rights, config->keys[i]->n_rights));
    if (link)
        add_cells(bus, config);
}

enum err bus_open(struct ev_loop *loop, const Config__Config *config, const char *name, struct bus **bus_out)
{
    struct rlimit files = {65536, 65536};
    if (setrlimit(RLIMIT_NOFILE, &files)) { /* as many as we are allowed */
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (sodium_init() < 0)
        return ERR_IO;
    struct bus *bus = calloc(1, sizeof *bus);
    bug_unless(bus);
    arena_init(&bus->arena);
    bus->loop = loop;
    enum err err = config_secret(config, name, bus->secret_key);
    if (err || zmq_curve_public(bus->public_key, bus->secret_key)) {
        free(bus);
        return err ? err : ERR_DENIED;
    }
    bus->context = zmq_ctx_new();
    load_keys(bus, config, strcmp(name, "link-0") == 0);
    err = bus->context ? zap_start(bus->context, &bus->keys) : ERR_IO;
    ev_prepare_init(&bus->prepare, on_prepare);
    ev_check_init(&bus->check, on_check);
    ev_idle_init(&bus->idle, nothing_idle);
    bus->prepare.data = bus->check.data = bus;
    ev_prepare_start(loop, &bus->prepare);
    ev_check_start(loop, &bus->check);
    *bus_out = bus;
    return err;
}

static void tune(void *socket)
{
    int zero = 0, hwm = 64, beat = 2000, timeout = 6000, handshake = 5000, one = 1, reconnect = 20, reconnect_max = 500;
    int64_t most = BUS_MESSAGE_BYTES_MAX;
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    zmq_setsockopt(socket, ZMQ_HEARTBEAT_IVL, &beat, sizeof beat);
    zmq_setsockopt(socket, ZMQ_HEARTBEAT_TIMEOUT, &timeout, sizeof timeout);
    zmq_setsockopt(socket, ZMQ_HEARTBEAT_TTL, &timeout, sizeof timeout);
    zmq_setsockopt(socket, ZMQ_HANDSHAKE_IVL, &handshake, sizeof handshake);
    zmq_setsockopt(socket, ZMQ_IMMEDIATE, &one, sizeof one);
    zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &reconnect, sizeof reconnect);
    zmq_setsockopt(socket, ZMQ_RECONNECT_IVL_MAX, &reconnect_max, sizeof reconnect_max);
}

/* What is no address is not tried again; one that is in use, or not up yet, may be free or up soon. */
static enum err bind_at(void *socket, const char *endpoint)
{
    if (TEMP_FAILURE_RETRY(zmq_bind(socket, endpoint)) == 0)
        return ERR_NONE;
    return errno == EINVAL || errno == EPROTONOSUPPORT || errno == ENAMETOOLONG ? ERR_MALFORMED : ERR_IO;
}

enum err bus_serve(struct bus *bus, const char *endpoint, bus_serve_fn *serve, void *context)
{
    enum err err = zap_self_test(bus->context, bus->public_key, bus->secret_key);
    if (err)
        return err;
    void *socket = zmq_socket(bus->context, ZMQ_ROUTER);
    int one = 1, hwm = 512;
    if (!socket)
        return ERR_IO;
    tune(socket);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(socket, ZMQ_ROUTER_MANDATORY, &one, sizeof one);
    zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof one);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, bus->secret_key, 41);
    err = bind_at(socket, endpoint);
    if (err) {
        zmq_close(socket);
        return err;
    }
    bus->serve = serve;
    bus->serve_context = context;
    watch(bus, &bus->router, socket);
    return ERR_NONE;
}

enum err bus_serve_also(struct bus *bus, const char *endpoint)
{
    return bind_at(bus->router.socket, endpoint);
}

bool bus_peer_refuses(const struct bus_peer *peer)
{
    return peer->refused;
}

/* Whoever cannot connect tries again later: nothing may be left of it. */
static enum err abandon(struct bus_peer *peer, void *socket, void *monitor)
{
    if (monitor)
        zmq_close(monitor);
    if (socket)
        zmq_close(socket);
    free(peer->endpoint);
    free(peer);
    return ERR_IO;
}

enum err bus_connect(struct bus *bus, const Config__Instance *instance, struct bus_peer **peer_out)
{
    struct bus_peer *peer = calloc(1, sizeof *peer);
    bug_unless(peer);
    peer->endpoint = strdup(instance->endpoint);
    bug_unless(peer->endpoint);
    void *socket = zmq_socket(bus->context, ZMQ_DEALER), *monitor = zmq_socket(bus->context, ZMQ_PAIR);
    char monitor_name[64];
    snprintf(monitor_name, sizeof monitor_name, "inproc://monitor-%p", (void *)peer);
    if (!socket || !monitor)
        return abandon(peer, socket, monitor);
    tune(socket);
    zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, instance->public_key, strlen(instance->public_key) + 1);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, bus->public_key, 41);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, bus->secret_key, 41);
    int told = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    if (TEMP_FAILURE_RETRY(zmq_socket_monitor(socket, monitor_name, told)) ||
        TEMP_FAILURE_RETRY(zmq_connect(monitor, monitor_name)) ||
        TEMP_FAILURE_RETRY(zmq_connect(socket, instance->endpoint)))
        return abandon(peer, socket, monitor);
    peer->bus = bus;
    peer->unsent_tail = &peer->unsent;
    ev_init(&peer->redial, on_redial);
    peer->redial.data = peer;
    watch(bus, &peer->dealer, socket);
    watch(bus, &peer->monitor, monitor);
    peer->next = bus->peers;
    bus->peers = peer;
    *peer_out = peer;
    return ERR_NONE;
}
