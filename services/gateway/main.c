/* The gateway's program: one loop, the bus to the services, HTTP to the world. */
#include "account_limit.h"
#include "auth.h"
#include "cell.h"
#include "events.h"
#include "http.h"
#include "inspection.h"
#include "policies.h"
#include "policy_tool.h"
#include "portal.h"
#include "process/process.h"
#include "sites.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int fail(enum err err, const char *what, const char *why)
{
    json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:s}", "level", "error", "service", "gateway", "event",
                             "start_refused", "what", what, "why", why);
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    fprintf(stderr, "%s\n", text ? text : why);
    free(text);
    json_decref(line);
    return process_start_failed(err);
}

static void stopped(struct gateway *gateway)
{
    policy_tools_close(gateway->policy_tools);
    ev_break(gateway->loop, EVBREAK_ALL);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop;
    (void)events;
    struct gateway *gateway = watcher->data;
    process_notify("STOPPING=1");
    http_stop(gateway->http, stopped);
}

static void on_watchdog(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
    process_notify("WATCHDOG=1");
}

static int open_all(struct gateway *gateway, const char *config_path)
{
    char *why = NULL;
    if (config_load(config_path, &gateway->arena, &gateway->config, &why))
        return fail(ERR_MALFORMED, "configuration", why ? why : config_path);
    if (!config_instance(gateway->config, HB__SERVICE__GATEWAY, 0))
        return fail(ERR_NOT_FOUND, "configuration", "it names no instance of the service gateway");
    enum err err = bus_open(gateway->loop, gateway->config, "gateway-0", &gateway->bus);
    if (err)
        return fail(err, "bus",
                    err == ERR_NOT_FOUND ? "there is no secret key of gateway-0: run hearback up once" : err_text(err));
    err = cell_open(gateway, &gateway->cell, &why);
    if (err)
        return fail(err, "bus", why);
    gateway->sites = sites_open(gateway);
    gateway->auth = auth_open(gateway);
    gateway->account_limits = account_limits_open(gateway);
    gateway->policies = policies_open(gateway);
    gateway->events = events_open(gateway);
    gateway->inspections = inspections_open(gateway);
    gateway->policy_tools = policy_tools_open(gateway);
    err = portal_open(gateway, &gateway->portal);
    if (err)
        return fail(err, "portal", err_text(err));
    err = http_open(gateway, &gateway->http, &why);
    return err ? fail(err, "http", why) : 0;
}

int main(int argc, char **argv)
{
    static struct gateway gateway;
    ev_signal terminate, interrupt;
    ev_timer alive;
    uint32_t partition;
    const char *config = process_arguments(argc, argv, &partition);
    if (!config || partition) { /* whoever starts us starts all services alike */
        fprintf(stderr, "usage: hearback-gateway --config FILE\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    process_follow_supervisor();
    arena_init(&gateway.arena);
    gateway.loop = ev_default_loop(EVFLAG_NOENV);
    gateway.metrics = metrics_new();
    int failed = open_all(&gateway, config);
    if (failed)
        return failed;
    ev_signal_init(&terminate, on_signal, SIGTERM);
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_timer_init(&alive, on_watchdog, process_watchdog_s(), process_watchdog_s());
    terminate.data = interrupt.data = &gateway;
    ev_signal_start(gateway.loop, &terminate);
    ev_signal_start(gateway.loop, &interrupt);
    if (process_watchdog_s() > 0)
        ev_timer_start(gateway.loop, &alive);
    fprintf(stderr, "{\"level\":\"info\",\"service\":\"gateway\",\"event\":\"listening\",\"port\":%u}\n",
            http_port(gateway.http));
    process_notify("READY=1");
    ev_run(gateway.loop, 0);
    return 0; /* the bus is never closed before exit (pitfalls.md 5), and nothing here is to be saved */
}
