/* GET /events: what changed, page by page, or live as Server-Sent Events. */
#ifndef HEARBACK_GATEWAY_EVENTS_H
#define HEARBACK_GATEWAY_EVENTS_H

#include "http.h"

#define EVENTS_LOOK_S 0.5 /* how often analytics is asked whether anything changed, for all followers together */
#define EVENTS_KEEP_ALIVE_MS 15000
#define EVENTS_PAGE_MAX 500u

struct events *events_open(struct gateway *gateway);
void events_get(struct http_request *request);

/* events_follow.c */
void events_follow(struct http_request *request, uint64_t after, bool from_now);
/* One page for this account: asks analytics, and sees to it that the sites' zones are known. `context` of the callback
   is the caller's. */
typedef void events_page_fn(struct http_request *request, void *context, const Hb__Refusal *refused,
                            const Analytics__Changes *changes, bool stale);
void events_ask(struct http_request *request, uint64_t after, uint32_t limit, events_page_fn *done, void *context);
/* The ring no longer has all that came after this id, or began anew. */
bool events_forgotten(uint64_t after, const Analytics__Changes *changes);
json_t *events_json(const struct http_request *request, const Analytics__Change *change);

#endif
