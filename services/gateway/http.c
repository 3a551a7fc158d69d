/* The server: libmicrohttpd with an epoll descriptor of its own, run from the gateway's loop. A request whose answer is
   not there yet is suspended and resumed later; so one thread serves thousands of waiting clients. */
#include "http_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STOP_S 6.0

/* ---- the loop ---- */

static void run(struct http_server *server)
{
    MHD_run(server->daemon);
}

static void on_io(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    run(watcher->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    run(watcher->data);
}

static void on_idle(struct ev_loop *loop, ev_idle *watcher, int events)
{
    (void)events;
    ev_idle_stop(loop, watcher);
    run(watcher->data);
}

/* Before the loop sleeps: does libmicrohttpd want to be run again, and when? */
static void on_prepare(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)events;
    struct http_server *server = watcher->data;
    MHD_UNSIGNED_LONG_LONG wait_ms;
    ev_timer_stop(loop, &server->timer);
    if (MHD_get_timeout(server->daemon, &wait_ms) != MHD_YES)
        return;
    if (wait_ms == 0) {
        ev_idle_start(loop, &server->idle);
        return;
    }
    ev_timer_set(&server->timer, (double)wait_ms / 1000.0, 0.);
    ev_timer_start(loop, &server->timer);
}

void http_wake(struct gateway *gateway)
{
    ev_idle_start(gateway->loop, &gateway->http->idle);
}

/* ---- opening ---- */

static enum err listen_at(const char *address, uint32_t port, int *fd_out, char **why_out, struct arena *arena)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found;
    char service[8];
    int one = 1;
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(address, service, &hints, &found)) {
        *why_out = arena_printf(arena, "http.address \"%s\": an IP address is accepted, as 127.0.0.1 or ::1", address);
        return ERR_MALFORMED;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1024) == 0;
    freeaddrinfo(found);
    *fd_out = fd;
    if (good)
        return ERR_NONE;
    *why_out = arena_printf(arena, "cannot listen on %s port %u: %s", address, port, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ERR_IO;
}

static unsigned port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } bound = {.six = {0}};
    socklen_t size = sizeof bound;
    if (getsockname(fd, &bound.any, &size))
        return 0;
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.six.sin6_port : bound.four.sin_port);
}

static void add_metrics(struct http_server *server)
{
    struct metrics *metrics = server->gateway->metrics;
    static const char labels[] = "service=\"gateway\",partition=\"0\"";
    metrics_add(metrics, METRIC_COUNTER, "hearback_http_requests_total", "HTTP requests answered", labels,
                &server->counts.requests);
    metrics_add(metrics, METRIC_COUNTER, "hearback_http_refused_total", "HTTP requests answered with 4xx", labels,
                &server->counts.refused);
    metrics_add(metrics, METRIC_COUNTER, "hearback_http_failed_total", "HTTP requests answered with 5xx", labels,
                &server->counts.failed);
    metrics_add(metrics, METRIC_COUNTER, "hearback_http_streams_total", "Exports and live updates ended", labels,
                &server->counts.streams);
    metrics_add(metrics, METRIC_COUNTER, "hearback_http_too_large_total", "Bodies over the limit", labels,
                &server->counts.too_large);
    metrics_add(metrics, METRIC_COUNTER, "hearback_http_busy_total", "Requests refused because too many were at work",
                labels, &server->counts.busy);
    metrics_add(metrics, METRIC_GAUGE, "hearback_http_at_work", "HTTP requests whose answer is waited for", labels,
                &server->counts.at_work);
    metrics_add(metrics, METRIC_GAUGE, "hearback_http_connections", "Connections", labels, &server->counts.connections);
    metrics_add(metrics, METRIC_COUNTER, "hearback_http_reaped_total",
                "Connections closed that brought no request in time", labels, &server->counts.reaped);
    metrics_add(metrics, METRIC_GAUGE, "hearback_http_bodies_bytes", "Memory of bodies coming in", labels,
                &server->bodies_bytes);
    metrics_add(metrics, METRIC_COUNTER, "hearback_http_crowded_out_total", "Bodies there was no memory for", labels,
                &server->counts.crowded_out);
    metrics_add(metrics, METRIC_GAUGE, "hearback_http_open", "HTTP requests not answered yet", labels,
                &server->counts.open);
}

static void watch(struct http_server *server)
{
    struct ev_loop *loop = server->gateway->loop;
    ev_io_init(&server->io, on_io, MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, EV_READ);
    ev_init(&server->timer, on_timer);
    ev_idle_init(&server->idle, on_idle);
    ev_prepare_init(&server->prepare, on_prepare);
    server->io.data = server->timer.data = server->idle.data = server->prepare.data = server;
    ev_io_start(loop, &server->io);
    ev_prepare_start(loop, &server->prepare);
}

enum err http_open(struct gateway *gateway, struct http_server **server_out, char **why_out)
{
    struct http_server *server = calloc(1, sizeof *server);
    const Config__Http *http = gateway->config->http;
    bug_unless(server);
    server->gateway = gateway;
    server->proxies = arena_alloc(&gateway->arena, http->n_trusted_proxies * sizeof *server->proxies);
    for (; server->proxies_count < http->n_trusted_proxies; server->proxies_count++)
        bug_unless(network_read(http->trusted_proxies[server->proxies_count], &server->proxies[server->proxies_count]));
    const char *address = *http->address ? http->address : "127.0.0.1";
    enum err err = listen_at(address, http->port, &server->listening, why_out, &gateway->arena);
    if (err) {
        free(server);
        return err;
    }
    server->port = port_of(server->listening);
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, http_on_access, server, MHD_OPTION_LISTEN_SOCKET,
        server->listening, MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        HTTP_IDLE_S, MHD_OPTION_URI_LOG_CALLBACK, http_on_target, server, MHD_OPTION_NOTIFY_COMPLETED,
        http_on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, server, MHD_OPTION_END);
    if (!server->daemon) {
        *why_out = arena_strdup(&gateway->arena, "the HTTP server could not be started");
        close(server->listening);
        free(server);
        return ERR_IO;
    }
    add_metrics(server);
    watch(server);
    http_reap_start(server);
    *server_out = server;
    return ERR_NONE;
}

unsigned http_port(const struct http_server *server)
{
    return server->port;
}

/* ---- stopping ---- */

static void on_stopping(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct http_server *server = watcher->data;
    ev_timer_stop(loop, watcher);
    server->stopped(server->gateway);
}

void http_stop(struct http_server *server, void (*done)(struct gateway *gateway))
{
    if (server->stopped)
        return;
    server->stopped = done;
    server->listening = MHD_quiesce_daemon(server->daemon);
    if (server->listening >= 0)
        close(server->listening);
    ev_timer_init(&server->stopping, on_stopping, server->open ? STOP_S : 0.001, 0.);
    server->stopping.data = server;
    ev_timer_start(server->gateway->loop, &server->stopping);
    for (struct http_request *request = server->open; request; request = request->next)
        if (request->stream)
            http_stream_end(request);
}
