/* The gateway: the one open door. It speaks HTTP outside and asks the services inside; it owns nothing, keeps nothing
   and authorises nothing: it says who is asking, and the services decide. This header is what its parts share. */
#ifndef HEARBACK_GATEWAY_H
#define HEARBACK_GATEWAY_H

#include "bus/bus.h"
#include "config/config.h"
#include "metrics/metrics.h"

struct ev_loop;
struct cell;
struct http_server;
struct portal;

struct gateway {
    struct arena arena; /* for the whole life of the process */
    Config__Config *config;
    struct ev_loop *loop;
    struct bus *bus;
    struct cell *cell;
    struct http_server *http;
    struct portal *portal;
    struct metrics *metrics;
    char build[32]; /* of the API, in openapi.json */
};

/* Wall clock, ms UTC. */
int64_t gateway_now_ms(void);

#endif
