/* CURVE without a ZAP handler accepts any client key (pitfalls.md 5): so the handler starts before any bind, and the
   start-up self-test proves that a throw-away key is refused. RFC 27 (ZAP). */
#include "bus/internal.h"

#include "log/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

struct zap {
    void *socket;
    const struct bus_keys *keys;
    _Atomic(struct log *) log;
};
static struct zap zap; /* one bus per process, as long as it lives */

static const struct bus_key *find_public(const struct bus_keys *keys, const uint8_t *public_key)
{
    for (unsigned i = 0; i < keys->count; i++)
        if (memcmp(keys->list[i].public_key, public_key, 32) == 0)
            return &keys->list[i];
    return NULL;
}

const struct bus_key *bus_key_find(const struct bus_keys *keys, const char *name)
{
    for (unsigned i = 0; i < keys->count; i++)
        if (strcmp(keys->list[i].name, name) == 0)
            return &keys->list[i];
    return NULL;
}

/* version, request id, domain, address, identity, mechanism, credentials */
static void copy_text(zmq_msg_t *message, char *out, size_t room)
{
    size_t size = zmq_msg_size(message) < room ? zmq_msg_size(message) : room - 1;
    memcpy(out, zmq_msg_data(message), size);
    out[size] = 0;
}

/* Without this thread nobody is let in: a signal must not end it, and what else can fail would leave the socket in a
   state of which nothing more comes. */
static void receive_frame(void *socket, zmq_msg_t *message)
{
    zmq_msg_init(message);
    while (zmq_msg_recv(message, socket, 0) < 0)
        bug_unless(errno == EINTR);
}

static void send_frame(void *socket, const void *data, size_t size, int flags)
{
    while (zmq_send(socket, data, size, flags) < 0)
        bug_unless(errno == EINTR);
}

static void receive(void *socket, uint8_t *request_id, size_t *id_size, char mechanism[16], char from[64],
                    uint8_t key[32])
{
    int more = 1;
    for (int frame = 0; more; frame++) {
        zmq_msg_t message;
        receive_frame(socket, &message);
        size_t size = zmq_msg_size(&message);
        if (frame == 1 && size <= 64) {
            memcpy(request_id, zmq_msg_data(&message), size);
            *id_size = size;
        }
        if (frame == 3)
            copy_text(&message, from, 64);
        if (frame == 5)
            copy_text(&message, mechanism, 16);
        if (frame == 6 && size == 32)
            memcpy(key, zmq_msg_data(&message), 32);
        more = zmq_msg_more(&message);
        zmq_msg_close(&message);
    }
}

static _Noreturn void *run(void *context)
{
    (void)context;
    for (;;) {
        uint8_t id[64], key[32] = {0};
        char mechanism[16] = "", from[64] = "";
        size_t id_size = 0;
        receive(zap.socket, id, &id_size, mechanism, from, key);
        const struct bus_key *known = strcmp(mechanism, "CURVE") == 0 ? find_public(zap.keys, key) : NULL;
        if (!known)
            NOTE(atomic_load(&zap.log), NOTE_KEY_REFUSED, LOG_TEXT("mechanism", mechanism), LOG_TEXT("from", from));
        const char *status = known ? "200" : "400", *text = known ? "OK" : "unknown key",
                   *user = known ? known->name : "";
        send_frame(zap.socket, "1.0", 3, ZMQ_SNDMORE);
        send_frame(zap.socket, id, id_size, ZMQ_SNDMORE);
        send_frame(zap.socket, status, 3, ZMQ_SNDMORE);
        send_frame(zap.socket, text, strlen(text), ZMQ_SNDMORE);
        send_frame(zap.socket, user, strlen(user), ZMQ_SNDMORE);
        send_frame(zap.socket, "", 0, 0);
    }
}

enum err zap_start(void *context, const struct bus_keys *keys)
{
    zap.socket = zmq_socket(context, ZMQ_REP);
    zap.keys = keys;
    pthread_t thread;
    if (!zap.socket || TEMP_FAILURE_RETRY(zmq_bind(zap.socket, "inproc://zeromq.zap.01")) ||
        pthread_create(&thread, NULL, run, NULL))
        return ERR_IO;
    pthread_detach(thread);
    return ERR_NONE;
}

void zap_log(struct log *log)
{
    atomic_store(&zap.log, log);
}

/* ---- the self-test ---- */

/* ERR_DENIED: it was let in. ERR_TIMEOUT: neither was seen, the machine may be slow. */
static enum err refused(void *monitor, void *server, int wait_ms)
{
    zmq_pollitem_t items[2] = {{.socket = monitor, .events = ZMQ_POLLIN}, {.socket = server, .events = ZMQ_POLLIN}};
    for (int waited = 0; waited < wait_ms; waited += 50) {
        (void)TEMP_FAILURE_RETRY(zmq_poll(items, 2, 50));
        if (items[1].revents & ZMQ_POLLIN)
            return ERR_DENIED; /* its message came through */
        if (!(items[0].revents & ZMQ_POLLIN))
            continue;
        uint8_t frame[8] = {0};
        int size = TEMP_FAILURE_RETRY(zmq_recv(monitor, frame, sizeof frame, 0));
        char address[256];
        (void)TEMP_FAILURE_RETRY(zmq_recv(monitor, address, sizeof address, 0));
        uint16_t event;
        memcpy(&event, frame, sizeof event);
        if (size >= 2 && event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            return ERR_NONE;
    }
    return ERR_TIMEOUT;
}

enum err zap_self_test(void *context, const char server_public[41], const char server_secret[41])
{
    char client_public[41], client_secret[41], endpoint[128], monitor_name[64];
    size_t size = sizeof endpoint;
    int on = 1, linger = 0;
    void *server = zmq_socket(context, ZMQ_ROUTER), *client = zmq_socket(context, ZMQ_DEALER),
         *monitor = zmq_socket(context, ZMQ_PAIR);
    snprintf(monitor_name, sizeof monitor_name, "inproc://hearback-self-test");
    bool ready = server && client && monitor && zmq_curve_keypair(client_public, client_secret) == 0 &&
                 zmq_setsockopt(server, ZMQ_CURVE_SERVER, &on, sizeof on) == 0 &&
                 zmq_setsockopt(server, ZMQ_CURVE_SECRETKEY, server_secret, 41) == 0 &&
                 TEMP_FAILURE_RETRY(zmq_bind(server, "tcp://127.0.0.1:*")) == 0 &&
                 zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0 &&
                 TEMP_FAILURE_RETRY(zmq_socket_monitor(server, monitor_name, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)) == 0 &&
                 TEMP_FAILURE_RETRY(zmq_connect(monitor, monitor_name)) == 0 &&
                 zmq_setsockopt(client, ZMQ_CURVE_SERVERKEY, server_public, 41) == 0 &&
                 zmq_setsockopt(client, ZMQ_CURVE_PUBLICKEY, client_public, 41) == 0 &&
                 zmq_setsockopt(client, ZMQ_CURVE_SECRETKEY, client_secret, 41) == 0 &&
                 TEMP_FAILURE_RETRY(zmq_connect(client, endpoint)) == 0;
    enum err err = ERR_IO;
    if (ready) {
        (void)TEMP_FAILURE_RETRY(zmq_send(client, "x", 1, ZMQ_DONTWAIT));
        err = refused(monitor, server, 3000);
    }
    void *sockets[] = {client, server, monitor};
    if (server)
        zmq_socket_monitor(server, NULL, 0);
    for (size_t i = 0; i < 3; i++)
        if (sockets[i]) {
            zmq_setsockopt(sockets[i], ZMQ_LINGER, &linger, sizeof linger);
            zmq_close(sockets[i]);
        }
    return err;
}
