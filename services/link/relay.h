/* link: the door between cells. It relays fetches and what they bring, keeps nothing and understands little: cursors
   and hashes are whose hears, so a link may be killed, restarted or cut off at any moment. The site dials out, to the
   link of the cell above; both directions go over that one connection. */
#ifndef HEARBACK_RELAY_H
#define HEARBACK_RELAY_H

#include "bus/bus.h"
#include "config/config.h"
#include "log/log.h"

#define LINK_FETCH_BYTES_MAX (512u << 10) /* a Deliver, with what is around it, is one request: at most 1 MiB */
#define LINK_ASK_MS 30000u                /* a producer parks a fetch for up to 20 s */
#define LINK_POLL_PARK_MS 2000            /* then a Poll is answered with nothing */
#define LINK_POLL_MS 8000u                /* without an answer for so long the link above is gone */
#define LINK_RETRY_MS 1000
#define LINK_RUN_MS 6000 /* a link not seen for so long has ended: another of the same cell may come */

struct ev_loop;
struct link;

/* The link as its parts share it. */
struct link {
    struct arena arena;   /* for the life of the process */
    struct arena passing; /* of the message at hand */
    struct ev_loop *loop;
    Config__Config *config;
    uint64_t cell;
    struct bus *bus;
    struct log *log;
    struct metrics *metrics;
    struct {
        const Config__Instance *instance;
        struct bus_peer *peer;
    } locals[CONFIG_INSTANCES_MAX];
    unsigned locals_count;
    struct above *above; /* NULL: no cell above */
    struct below *below; /* the cells below, as configured; NULL: none */
};

int64_t link_boot_ms(void);
uint64_t link_cell_id(const Config__Cell *cell);
void link_refuse(const struct bus_call *call, uint32_t status, const char *code, const char *zh, const char *en);

/* Fetches at a producer of this cell. `done` exactly once, never from inside; false: there is no such instance. */
bool link_fetch_here(struct link *link, const Bus__Fetch *fetch, const char *reader, bus_done_fn *done, void *context);

/* What was fetched, or a refusal: nothing else is passed on as the answer to a fetch, least of all to another cell. */
bool link_answers_fetch(const Bus__Reply *reply);

/* Every request that comes in, from services here and from cells below. */
void link_serve(void *context, const struct bus_call *call, const Bus__Request *request, struct bytes stored);

/* above.c: dials the cell above, answers what it wants, asks it what our services want to hear. */
enum err above_open(struct link *link) MUST_CHECK;
uint64_t above_cell(const struct link *link);                                              /* 0: none */
void above_fetch(struct link *link, const struct bus_call *call, const Bus__Fetch *fetch); /* from a service here */
void above_report(const struct link *link, struct arena *arena, Bus__PositionReport *report);

/* below.c: the cells below: what is wanted of them waits until they poll. */
void below_open(struct link *link);
void below_look(struct link *link); /* twice a second: who has not been heard of, what has waited too long */
bool below_knows(const struct link *link, uint64_t cell);
void below_want(struct link *link, const struct bus_call *call, const Bus__Fetch *fetch);  /* from a service here */
void below_fetch(struct link *link, const struct bus_call *call, const Bus__Fetch *fetch); /* from a cell below */
void below_poll(struct link *link, const struct bus_call *call, const Bus__Poll *poll);
void below_deliver(struct link *link, const struct bus_call *call, const Bus__Deliver *deliver);
void below_report(const struct link *link, struct arena *arena, Bus__PositionReport *report);

/* withhold.c: what the cell below may see of our logs. The others become their place and their hash. */
bool withhold_hears(Hb__Service service); /* of this service anything at all? */
struct bytes withhold(struct bytes events, uint64_t cell, struct arena *arena);

#endif
