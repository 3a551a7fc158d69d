/* follow FOLDER SERVICE: hears one service's log from its present end on, as any service would, and prints for each
   event about a case when it came (CLOCK_MONOTONIC ns, as http_load does) and of which case it speaks: it is on disk
   then. "ready" comes first. Ends when its standard input does. */
#include "bus/bus.h"
#include "config/config.h"
#include "eventlog/eventlog.h"
#include "measure.h"
#include "message/message.h"

#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct following {
    struct ev_loop *loop;
    struct bus_peer *peer;
    struct arena arena;
    Hb__LogId log;
    uint64_t after;
    uint8_t hash[EVENTLOG_HASH_BYTES];
    bool ready; /* the end it began at is known */
};

static void ask(struct following *following);

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "follow: %s: %s\n", what, why);
    exit(1);
}

static void print_events(struct following *following, const Bus__Fetched *fetched, uint64_t now)
{
    struct bytes batch = bytes_of(fetched->events.data, fetched->events.len), stored;
    enum err err = ERR_NONE;
    while (eventlog_batch_next(&batch, &stored, &err)) {
        ProtobufCMessage *message;
        char *why;
        if (message_load(&hb__event__descriptor, stored, &following->arena, &message, &why))
            fail("an event", why);
        const Hb__Event *event = (const Hb__Event *)message;
        following->after = event->offset;
        eventlog_hash(stored, following->hash);
        if (following->ready && event->case_id)
            printf("%" PRIu64 " %" PRIu64 "\n", now, event->case_id);
        arena_reset(&following->arena);
    }
    fflush(stdout);
}

static void heard(void *context, enum err err, const Bus__Reply *reply)
{
    struct following *following = context;
    uint64_t now = now_ns();
    if (err || reply->kind_case != BUS__REPLY__KIND_FETCHED || reply->fetched->problem)
        fail("the log", "cannot be followed");
    following->log = *reply->fetched->log;
    print_events(following, reply->fetched, now);
    if (!following->ready && following->after >= reply->fetched->end) {
        following->ready = true;
        printf("ready\n");
        fflush(stdout);
    }
    ask(following);
}

static void ask(struct following *following)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch fetch = BUS__FETCH__INIT;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &fetch;
    fetch.log = &following->log;
    fetch.after = following->after;
    fetch.hash = (ProtobufCBinaryData){following->after ? sizeof following->hash : 0, following->hash};
    fetch.bytes_max = 1u << 20;
    fetch.wait = following->ready;
    bus_request(following->peer, &request, 60000, heard, following);
}

static void end(struct ev_loop *loop, ev_io *io, int events)
{
    char rest[64];
    (void)events;
    if (read(io->fd, rest, sizeof rest) <= 0)
        ev_break(loop, EVBREAK_ALL);
}

int main(int argc, char **argv)
{
    static struct following following;
    static ev_io input;
    struct arena arena;
    Config__Config *config;
    struct bus *bus;
    char path[4200], *why = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: follow FOLDER SERVICE\n");
        return 2;
    }
    arena_init(&arena);
    arena_init(&following.arena);
    signal(SIGPIPE, SIG_IGN);
    snprintf(path, sizeof path, "%s/hearback.yaml", argv[1]);
    if (config_load(path, &arena, &config, &why))
        fail(path, why ? why : "cannot be read");
    const Config__Instance *instance = NULL;
    for (size_t i = 0; i < config->n_instances; i++)
        if (strcmp(config_service_name(config->instances[i]->service), argv[2]) == 0)
            instance = config->instances[i];
    following.loop = ev_default_loop(EVFLAG_NOENV);
    following.log = (Hb__LogId)HB__LOG_ID__INIT;
    if (!instance || bus_open(following.loop, config, "operator", &bus) || bus_connect(bus, instance, &following.peer))
        fail(argv[2], "cannot be reached");
    following.log.cell = strtoull(config->cell, NULL, 16);
    following.log.service = instance->service;
    ev_io_init(&input, end, 0, EV_READ);
    ev_io_start(following.loop, &input);
    ask(&following);
    ev_run(following.loop, 0);
    return 0;
}
