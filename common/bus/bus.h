/* The bus: one ROUTER endpoint per instance, one DEALER per peer, CURVE on ipc:// and tcp:// alike.
   Requests carry an id, time out, and are never resent by the bus: whoever asks decides. Nothing
   relies on high-water marks; flow control is that data is pulled (design.md 4). */
#ifndef HEARBACK_BUS_BUS_H
#define HEARBACK_BUS_BUS_H

#include "base/arena.h"
#include "hearback/bus.pb-c.h"
#include "hearback/config.pb-c.h"

struct ev_loop;
struct bus;
struct bus_peer;

/* What a key may do (config: rights). */
enum bus_right {
    BUS_RIGHT_FETCH = 1,
    BUS_RIGHT_QUERY = 2,
    BUS_RIGHT_COMMAND = 4,
    BUS_RIGHT_ACTOR = 8, /* may name an actor: the gateway only */
    BUS_RIGHT_SEAL = 16,
    BUS_RIGHT_CONTROL = 32,
    BUS_RIGHT_CELL = 64, /* another cell's link, at ours only; its name is the cell's id */
};

#define BUS_MESSAGE_BYTES_MAX (4u << 20) /* ZMQ_MAXMSGSIZE: a longer message closes the connection */
#define BUS_REQUEST_BYTES_MAX (1u << 20) /* a longer request is refused with 413 */
#define BUS_REPLY_BYTES_MAX                                                                                            \
    (BUS_MESSAGE_BYTES_MAX - 1024u) /* CURVE adds some; a longer reply becomes a refusal, 500                          \
                                     */

/* Opens the bus: context, ZAP handler with every key of the configuration, and the start-up
   self-test that a throw-away key is refused (ERR_DENIED: it was let in; ERR_TIMEOUT: nothing was seen). `name` is
   whose secret key this process uses: "casework-0", "operator". One bus per process, never closed before exit
   (pitfalls.md 5). */
enum err bus_open(struct ev_loop *loop, const Config__Config *config, const char *name,
                  struct bus **bus_out) MUST_CHECK;

/* One request that came in. Keep a copy to reply later; replying to a peer that has gone is no error. */
struct bus_call {
    struct bus *bus;
    uint8_t route[64]; /* ZeroMQ routing id */
    size_t route_size;
    uint64_t request_id;
    uint32_t rights; /* of the key that asked */
    char user[48];   /* its name: "gateway-0" */
};
typedef void bus_serve_fn(void *context, const struct bus_call *call, const Bus__Request *request, struct bytes stored);

/* Binds `endpoint` and hands every well-formed request to `serve`; malformed ones are refused by
   the bus. The request lives in an arena until serve returns; `stored` is its bytes. ERR_MALFORMED: that is no address;
   ERR_IO: it is in use, or not up yet. */
enum err bus_serve(struct bus *bus, const char *endpoint, bus_serve_fn *serve, void *context) MUST_CHECK;
/* The same requests also by another door: the link's, where other cells arrive. After bus_serve. */
enum err bus_serve_also(struct bus *bus, const char *endpoint) MUST_CHECK;
/* Fills reply->id. A reply over BUS_REPLY_BYTES_MAX becomes a refusal. */
void bus_reply(const struct bus_call *call, Bus__Reply *reply);
/* How many replies had nowhere to go: whoever asked has gone, or does not read. */
const uint64_t *bus_undelivered(const struct bus *bus);
void bus_refuse(const struct bus_call *call, uint32_t status, const char *code, const char *zh, const char *en);

/* From now on keys that are refused, and answers that are dropped, are noted here. */
struct log;
void bus_log(struct bus *bus, struct log *log);

/* Connects to an instance by configuration, and again whenever the connection is lost or our key was refused. */
enum err bus_connect(struct bus *bus, const Config__Instance *instance, struct bus_peer **peer_out) MUST_CHECK;

/* The peer knows no such key as ours: since the last time it was reached, it refused us. */
bool bus_peer_refuses(const struct bus_peer *peer);

/* Asks. `done` is called exactly once, from the loop, never from inside this call: ERR_NONE with a
   reply (valid until done returns), or ERR_TIMEOUT. */
typedef void bus_done_fn(void *context, enum err err, const Bus__Reply *reply);
void bus_request(struct bus_peer *peer, Bus__Request *request, uint32_t timeout_ms, bus_done_fn *done, void *context);

#endif
