/* The server: libmicrohttpd with an epoll descriptor of its own, run from the gateway's loop. A request whose answer is
   not there yet is suspended and resumed later; so one thread serves thousands of waiting clients. */
#include "http_internal.h"

#include "problem.h"
#include "routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <netdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STOP_S 6.0

struct http_server {
    struct gateway *gateway;
    struct MHD_Daemon *daemon;
    int listening; /* its socket; -1 when it takes no more */
    ev_io io;
    ev_timer timer, stopping;
    ev_idle idle;
    ev_prepare prepare;
    unsigned port;
    struct http_request *open; /* every request that is not over */
    void (*stopped)(struct gateway *gateway);
    struct {
        uint64_t requests, refused, failed, streams, open, too_large;
    } counts;
};

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

/* ---- a request begins ---- */

/* The first thing we hear of a request: its target as it came. What is returned stays with the connection. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct http_server *server = context;
    struct http_request *request = calloc(1, sizeof *request);
    bug_unless(request);
    arena_init(&request->arena);
    request->gateway = server->gateway;
    request->connection = connection;
    request->holds = 1; /* the connection's */
    request->came_ms = gateway_now_ms();
    request->path = arena_strdup(&request->arena, target);
    request->next = server->open;
    if (server->open)
        server->open->before = &request->next;
    request->before = &server->open;
    server->open = request;
    server->counts.open++;
    return request;
}

static void take_address(struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN + 8] = "";
    if (info && info->client_addr)
        getnameinfo(info->client_addr,
                    info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
                    text, sizeof text, NULL, 0, NI_NUMERICHOST);
    bool local = strncmp(text, "127.", 4) == 0 || strcmp(text, "::1") == 0;
    const char *forwarded = local ? http_header(request, "X-Forwarded-For") : NULL;
    const char *last = forwarded ? strrchr(forwarded, ',') : NULL; /* what our own proxy has added */
    last = last ? last + 1 : forwarded;
    while (last && *last == ' ')
        last++;
    bool sound = last && *last && strlen(last) < 64 && strspn(last, "0123456789abcdefABCDEF.:") == strlen(last);
    request->address = arena_strdup(&request->arena, sound ? last : text);
}

static void take_id(struct http_request *request)
{
    const char *given = http_header(request, "X-Request-Id");
    static const char sound[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    uint8_t random[8];
    if (given && *given && strlen(given) < sizeof request->id && strspn(given, sound) == strlen(given)) {
        snprintf(request->id, sizeof request->id, "%s", given);
        return;
    }
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(request->id, sizeof request->id, random, sizeof random);
}

static void begin(struct http_request *request, const char *method)
{
    request->begun = true;
    request->head = strcmp(method, "HEAD") == 0;
    request->method = arena_strdup(&request->arena, request->head ? "GET" : method);
    http_request_read(request);
    take_address(request);
    take_id(request);
    const char *length = http_header(request, "Content-Length");
    if (length && strtoull(length, NULL, 10) > HTTP_DRAIN_BYTES_MAX)
        http_too_large(request);
}

void http_too_large(struct http_request *request)
{
    request->gateway->http->counts.too_large++;
    Hb__Refusal *refusal = problem_new(request, 413, "too_large", "请求正文不得超过 1 MiB", "a body has at most 1 MiB");
    problem_accepts(request, refusal, "1048576");
    problem_respond(request, refusal);
}

/* ---- its body ---- */

static bool take_body(struct http_request *request, const char *data, size_t size)
{
    request->body_total += size;
    if (request->body_total > HTTP_BODY_BYTES_MAX) { /* read on, keep nothing, say so at the end */
        free(request->body_room);
        request->body_room = NULL;
        request->body_size = 0;
        return request->body_total <= HTTP_DRAIN_BYTES_MAX;
    }
    size_t room = 4096;
    while (room < request->body_total)
        room *= 2;
    request->body_room = realloc(request->body_room, room);
    bug_unless(request->body_room);
    memcpy(request->body_room + request->body_size, data, size);
    request->body_size += size;
    return true;
}

static void dispatch(struct http_request *request)
{
    request->dispatched = true;
    request->body = bytes_of(request->body_room, request->body_size);
    if (request->body_total > HTTP_BODY_BYTES_MAX)
        http_too_large(request);
    else
        routes_dispatch(request);
}

static enum MHD_Result queue(struct http_request *request)
{
    request->queued = true;
    enum MHD_Result queued = MHD_queue_response(request->connection, request->status, request->response);
    MHD_destroy_response(request->response);
    request->response = NULL;
    return queued;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *data, size_t *size, void **request_at)
{
    (void)context;
    (void)connection;
    (void)url;
    (void)version;
    struct http_request *request = *request_at;
    if (!request->begun) {
        begin(request, method);
        return request->response ? queue(request) : MHD_YES;
    }
    if (*size) {
        bool good = take_body(request, data, *size);
        *size = 0;
        return good ? MHD_YES : MHD_NO;
    }
    if (!request->dispatched)
        dispatch(request);
    if (request->response)
        return queue(request);
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

/* ---- it is over ---- */

static void log_access(const struct http_request *request)
{
    const struct route *route = request->route;
    /* The path of a page may be somebody's tracking code: of what is not the API only the pattern is written. */
    bool api = strncmp(request->path, "/api/", 5) == 0;
    json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:s}", "level", "info", "service", "gateway",
                             "event", "request", "id", request->id, "method", request->head ? "HEAD" : request->method,
                             "path", api || !route ? http_path_logged(request) : route->pattern, "status",
                             (int)request->status, "ms", (json_int_t)(gateway_now_ms() - request->came_ms), "account",
                             request->actor ? request->actor->account : "");
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (text)
        fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(line);
}

static void count(struct http_server *server, const struct http_request *request)
{
    server->counts.requests++;
    server->counts.refused += request->status >= 400 && request->status < 500;
    server->counts.failed += request->status >= 500;
    server->counts.streams += request->stream != NULL;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_at,
                         enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct http_server *server = context;
    struct http_request *request = *request_at;
    *request_at = NULL;
    if (!request)
        return;
    if (request->begun) {
        count(server, request);
        log_access(request);
    }
    request->connection = NULL;
    if (request->response)
        MHD_destroy_response(request->response);
    request->response = NULL;
    *request->before = request->next;
    if (request->next)
        request->next->before = request->before;
    server->counts.open--;
    http_stream_over(request);
    http_release(request);
    if (server->stopped && !server->open)
        ev_feed_event(server->gateway->loop, &server->stopping, EV_TIMER);
}

void http_hold(struct http_request *request)
{
    request->holds++;
}

void http_release(struct http_request *request)
{
    if (--request->holds)
        return;
    http_stream_free(request);
    free(request->body_room);
    arena_fini(&request->arena);
    free(request);
}

/* ---- opening ---- */

static int listen_at(const char *address, uint32_t port, char **why_out, struct arena *arena)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found;
    char service[8];
    int one = 1;
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(address, service, &hints, &found)) {
        *why_out = arena_printf(arena, "http.address \"%s\": an IP address is accepted, as 127.0.0.1 or ::1", address);
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1024) == 0;
    freeaddrinfo(found);
    if (good)
        return fd;
    *why_out = arena_printf(arena, "cannot listen on %s port %u: %s", address, port, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &size))
        return 0;
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
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
    server->listening = listen_at(*http->address ? http->address : "127.0.0.1", http->port, why_out, &gateway->arena);
    if (server->listening < 0) {
        free(server);
        return ERR_IO;
    }
    server->port = port_of(server->listening);
    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, server,
                         MHD_OPTION_LISTEN_SOCKET, server->listening, MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_S, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
    if (!server->daemon) {
        *why_out = arena_strdup(&gateway->arena, "the HTTP server could not be started");
        close(server->listening);
        free(server);
        return ERR_IO;
    }
    add_metrics(server);
    watch(server);
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
