/* GET /events: what changed, page by page, or live as Server-Sent Events. */
#ifndef HEARBACK_GATEWAY_EVENTS_H
#define HEARBACK_GATEWAY_EVENTS_H

#include "http.h"

#define EVENTS_LOOK_S 0.5 /* how often analytics is asked whether anything changed, for all followers together */
#define EVENTS_KEEP_ALIVE_MS 15000
#define EVENTS_LIFE_MS                                                                                                 \
    (5 * 60000) /* of a stream: then the client comes again, with what it has seen, and is asked who it is */
#define EVENTS_FOLLOWERS_MAX 64u /* streams of one account; more are 429 */
#define EVENTS_PAGE_MAX 500u

struct events *events_open(struct gateway *gateway);
void events_get(struct http_request *request);

/* A place in the rings of changes: analytics has one in each partition. Written as the last id of each, "120.43"; with
   one partition as a number. */
#define EVENTS_RINGS_MAX 64u
struct events_place {
    uint64_t ids[EVENTS_RINGS_MAX];
    unsigned count;
};
struct events_page {
    const Analytics__Change **changes;
    struct events_place *places; /* of each change: what to go on after */
    size_t count;
    struct events_place next, newest;
    bool forgotten; /* the rings no longer have all that came after the place, or began anew, or are others */
    bool more;      /* there is more than fitted */
    bool stale;
};

/* events_follow.c */
/* Ends the streams of an account; the clients come again, if they may. */
void events_end_of(struct gateway *gateway, const char *account);
void events_follow(struct http_request *request, const struct events_place *after, bool from_now);
/* One page for this account: asks analytics, and sees to it that the sites' zones are known. `context` of the callback
   is the caller's. */
typedef void events_page_fn(struct http_request *request, void *context, const Hb__Refusal *refused,
                            const struct events_page *page);
void events_ask(struct http_request *request, const struct events_place *after, uint32_t limit, events_page_fn *done,
                void *context);
char *events_place_text(struct arena *arena, const struct events_place *place);
json_t *events_json(struct http_request *request, const Analytics__Change *change, const struct events_place *place);

#endif
