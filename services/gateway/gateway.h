/* The gateway: the one open door. It speaks HTTP outside and asks the services inside; it owns nothing, keeps nothing
   and authorises nothing: it says who is asking, and the services decide. This header is what its parts share. */
#ifndef HEARBACK_GATEWAY_H
#define HEARBACK_GATEWAY_H

#include "bus/bus.h"
#include "config/config.h"
#include "metrics/metrics.h"

struct ev_loop;
struct auth;
struct cell;
struct events;
struct http_server;
struct inspections;
struct policy_tools;
struct limit;
struct policies;
struct portal;
struct sites;

struct gateway {
    struct arena arena; /* for the whole life of the process */
    Config__Config *config;
    struct ev_loop *loop;
    struct bus *bus;
    struct cell *cell;
    struct sites *sites;
    struct auth *auth;
    struct policies *policies;
    struct events *events;
    struct inspections *inspections;
    struct policy_tools *policy_tools;
    struct limit *account_limits; /* account_limit.h */
    struct http_server *http;
    struct portal *portal;
    struct metrics *metrics;
};

/* Wall clock, ms UTC. */
int64_t gateway_now_ms(void);
/* Since the machine was booted: for what is counted and waited for. A clock that was ahead and is set back would else
   keep people out for as long as it was ahead. */
int64_t gateway_boot_ms(void);

#endif
