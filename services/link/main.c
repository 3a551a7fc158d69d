/* The link's program: one loop, one bus, no store. */
#include "relay.h"

#include "metrics/metrics.h"
#include "process/process.h"

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const struct link *link, enum err err, const char *where, const char *why)
{
    NOTE(link->log, NOTE_START_REFUSED, LOG_TEXT("where", where), LOG_TEXT("why", why));
    return process_start_failed(err);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)watcher;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void on_watchdog(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
    process_notify("WATCHDOG=1");
}

static int open_all(struct link *link, const char *path)
{
    char *why = NULL;
    if (config_load(path, &link->arena, &link->config, &why))
        return fail(link, ERR_MALFORMED, "configuration", why ? why : path);
    const Config__Instance *me = config_instance(link->config, HB__SERVICE__LINK, 0);
    if (!me)
        return fail(link, ERR_NOT_FOUND, "configuration", "it names no instance of the service link");
    link->cell = strtoull(link->config->cell, NULL, 16);
    enum err err = bus_open(link->loop, link->config, "link-0", &link->bus);
    if (err)
        return fail(link, err, "bus",
                    err == ERR_NOT_FOUND ? "there is no secret key of link-0: run hearback up once" : err_text(err));
    below_open(link);
    const char *within = *me->listen ? me->listen : me->endpoint; /* of this system; the other cells are below */
    err = bus_serve(link->bus, within, link_serve, link);
    if (err)
        return fail(link, err, within,
                    err == ERR_DENIED ? "an unknown key was not refused: the bus is not safe" : err_text(err));
    const char *listen = link->config->link_listen;
    if (*listen && (err = bus_serve_also(link->bus, listen)))
        return fail(link, err, listen, "the address is in use, or is none of this machine's");
    bus_log(link->bus, link->log);
    err = above_open(link);
    return err ? fail(link, err, "the cell above", err_text(err)) : 0;
}

int main(int argc, char **argv)
{
    static struct link link;
    ev_signal terminate, interrupt;
    ev_timer alive;
    uint32_t partition;
    const char *config = process_arguments(argc, argv, &partition);
    if (!config || partition) { /* whoever starts us starts all services alike */
        fprintf(stderr, "usage: hearback-link --config FILE\n");
        return 2;
    }
    link.log = log_new("link-0", STDERR_FILENO, NULL, NULL);
    link.metrics = metrics_new();
    log_metrics(link.log, link.metrics, "service=\"link\",partition=\"0\"");
    process_follow_supervisor();
    signal(SIGPIPE, SIG_IGN);
    arena_init(&link.arena);
    arena_init(&link.passing);
    link.loop = ev_default_loop(EVFLAG_NOENV);
    int failed = open_all(&link, config);
    if (failed)
        return failed;
    ev_signal_init(&terminate, on_signal, SIGTERM);
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_timer_init(&alive, on_watchdog, 1., 1.);
    ev_signal_start(link.loop, &terminate);
    ev_signal_start(link.loop, &interrupt);
    ev_timer_start(link.loop, &alive);
    NOTE(link.log, NOTE_READY, LOG_TEXT("endpoint", config_instance(link.config, HB__SERVICE__LINK, 0)->endpoint));
    process_notify("READY=1");
    ev_run(link.loop, 0);
    NOTE(link.log, NOTE_STOPPED, LOG_NUMBER("pid", getpid()));
    return 0; /* the bus is never closed before exit (pitfalls.md 5), and nothing here is to be saved */
}
