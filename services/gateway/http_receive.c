/* The life of a request between the connection and its handler: it begins, its body comes in, it is handed on, it
   sleeps until its answer is there, it is over. */
#include "http_internal.h"

#include "config/network.h"
#include "problem.h"
#include "routes.h"
#include "json/json.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- a request begins ---- */

/* The first thing we hear of a request: its target as it came. What is returned stays with the connection. */
void *http_on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct http_server *server = context;
    struct http_request *request = calloc(1, sizeof *request);
    bug_unless(request);
    arena_init(&request->arena);
    request->gateway = server->gateway;
    request->connection = connection;
    request->holds = 1; /* the connection's */
    request->came_ms = gateway_now_ms();
    request->came_boot_ms = gateway_boot_ms();
    request->path = arena_strdup(&request->arena, target);
    http_connection_answering(connection, false); /* its time begins anew: the connection may have been idle */
    request->next = server->open;
    if (server->open)
        server->open->before = &request->next;
    request->before = &server->open;
    server->open = request;
    server->counts.open++;
    return request;
}

/* The address the connection comes from, as numbers. */
static bool peer_of(struct http_request *request, uint8_t address_out[16])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN + 16] = "";
    if (info && info->client_addr)
        getnameinfo(info->client_addr,
                    info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
                    text, sizeof text, NULL, 0, NI_NUMERICHOST);
    text[strcspn(text, "%")] = 0; /* the interface of a link-local one */
    return address_read(text, address_out);
}

static bool trusted(const struct http_server *server, const uint8_t address[16])
{
    for (size_t i = 0; i < server->proxies_count; i++)
        if (network_has(&server->proxies[i], address))
            return true;
    return false;
}

/* Each proxy adds behind what it was given who has asked it: a header of its own, or one more in the last. So they are
   read from the end, as long as whoever says it is one of ours. What stands before may be the client's invention. */
char *http_client_address(const struct http_request *request, const uint8_t peer[16], struct arena *arena)
{
    uint8_t address[16], before[16];
    memcpy(address, peer, sizeof address);
    for (size_t i = request->headers.count; i-- > 0;) {
        const struct http_pair *header = &request->headers.list[i];
        char *list = strcasecmp(header->name, "X-Forwarded-For") == 0 ? arena_strdup(arena, header->value) : NULL;
        while (list && trusted(request->gateway->http, address)) {
            char *comma = strrchr(list, ','), *last = comma ? comma + 1 : list;
            last += strspn(last, " \t");
            last[strcspn(last, " \t")] = 0;
            if (!address_read(last, before))
                return address_text(address, arena); /* it says nothing that could be believed */
            memcpy(address, before, sizeof address);
            if (comma)
                *comma = 0;
            list = comma ? list : NULL;
        }
    }
    return address_text(address, arena);
}

static void take_address(struct http_request *request)
{
    uint8_t peer[16];
    request->address = peer_of(request, peer) ? http_client_address(request, peer, &request->arena)
                                              : arena_strdup(&request->arena, "");
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

/* Where its end could be understood in two ways, whoever stands before us may have understood the other one, and what
   follows would be taken for a request of somebody else's (RFC 9112, 6.3 and 5.1). */
static bool is_ambiguous(const struct http_request *request)
{
    unsigned ends = 0;
    bool odd = false;
    for (size_t i = 0; i < request->headers.count; i++) {
        const struct http_pair *header = &request->headers.list[i];
        bool encoding = strcasecmp(header->name, "Transfer-Encoding") == 0;
        ends += encoding || strcasecmp(header->name, "Content-Length") == 0;
        odd = odd || strpbrk(header->name, " \t") || (encoding && strcasecmp(header->value, "chunked") != 0);
    }
    return odd || ends > 1;
}

static void refuse_ambiguous(struct http_request *request)
{
    http_set(request, "Connection", "close");
    problem_say(
        request, 400, "malformed", "请求的长度不明确：只接受一个 Content-Length，或 Transfer-Encoding: chunked",
        "how long the request is, is not clear: one Content-Length, or Transfer-Encoding: chunked, and no blank "
        "before a colon");
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
    request->body_max = routes_body_max(request);
    request->body_said = length ? strtoull(length, NULL, 10) : 0;
    if (is_ambiguous(request))
        refuse_ambiguous(request);
    else if (request->body_said > request->body_max + HTTP_DRAIN_BYTES_MAX)
        http_too_large(request, request->body_max);
}

void http_too_large(struct http_request *request, size_t most)
{
    request->gateway->http->counts.too_large++;
    Hb__Refusal *refusal =
        problem_new(request, 413, "too_large", arena_printf(&request->arena, "请求正文不得超过 %zu MiB", most >> 20),
                    arena_printf(&request->arena, "a body has at most %zu MiB", most >> 20));
    problem_accepts(request, refusal, arena_printf(&request->arena, "%zu", most));
    problem_respond(request, refusal);
}

/* ---- its body ---- */

/* Large bodies have room of their own: a form without files does not wait for those who send pictures. */
static uint64_t *room_of(const struct http_request *request, uint64_t *most_out)
{
    struct http_server *server = request->gateway->http;
    bool small = request->body_said && request->body_said <= HTTP_BODY_BYTES_MAX;
    bool large = request->body_max > HTTP_BODY_BYTES_MAX && !small;
    *most_out = large ? HTTP_UPLOADS_BYTES_MAX : HTTP_BODIES_BYTES_MAX;
    return large ? &server->uploads_bytes : &server->bodies_bytes;
}

static void drop_body(struct http_request *request)
{
    uint64_t most;
    *room_of(request, &most) -= request->body_bytes;
    free(request->body_room);
    request->body_room = NULL;
    request->body_size = request->body_bytes = 0;
}

static bool grow_body(struct http_request *request)
{
    uint64_t most, *used = room_of(request, &most);
    size_t room = request->body_bytes ? request->body_bytes : 4096;
    while (room < request->body_total)
        room *= 2;
    if (room > HTTP_BODY_BYTES_MAX && request->body_said >= request->body_total && request->body_said < room)
        room = request->body_said;
    if (*used + room - request->body_bytes > most)
        return false;
    *used += room - request->body_bytes;
    request->body_bytes = room;
    request->body_room = realloc(request->body_room, room);
    bug_unless(request->body_room);
    return true;
}

static bool take_body(struct http_request *request, const char *data, size_t size)
{
    request->body_total += size;
    if (request->body_max > HTTP_BODY_BYTES_MAX)
        http_connection_received(request->connection, size);
    if (request->body_total > request->body_max ||
        request->crowded_out) { /* read on, keep nothing, say so at the end */
        drop_body(request);
        return request->body_total <= request->body_max + HTTP_DRAIN_BYTES_MAX;
    }
    if (!grow_body(request)) {
        request->crowded_out = true;
        request->gateway->http->counts.crowded_out++;
        drop_body(request);
        return true;
    }
    memcpy(request->body_room + request->body_size, data, size);
    request->body_size += size;
    return true;
}

static void dispatch(struct http_request *request)
{
    request->dispatched = request->at_work = true;
    request->gateway->http->counts.at_work++;
    request->body = bytes_of(request->body_room, request->body_size);
    http_connection_answering(request->connection, true);
    if (request->body_total > request->body_max)
        http_too_large(request, request->body_max);
    else if (request->crowded_out)
        problem_say(request, 503, "overloaded", "请求过多，请稍后再试",
                    "more comes than this gateway can take; try again shortly");
    else
        routes_dispatch(request);
}

bool http_refuse_busy(struct http_request *request)
{
    struct http_server *server = request->gateway->http;
    if (server->counts.at_work <= HTTP_AT_WORK_MAX)
        return false;
    server->counts.busy++;
    problem_say(request, 503, "busy", "请求过多，请稍后再试", "too many requests at once: come again in a moment");
    return true;
}

unsigned http_count_others(const struct http_request *request, http_like_fn *like)
{
    unsigned count = 0;
    for (const struct http_request *other = request->gateway->http->open; other; other = other->next)
        count += other != request && like(other, request);
    return count;
}

static enum MHD_Result queue(struct http_request *request)
{
    request->queued = true;
    enum MHD_Result queued = MHD_queue_response(request->connection, request->status, request->response);
    MHD_destroy_response(request->response);
    request->response = NULL;
    return queued;
}

enum MHD_Result http_on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
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

static void log_access(struct http_request *request)
{
    const struct route *route = request->route;
    int64_t now_ms = gateway_now_ms();
    /* The path of a page may be somebody's tracking code: of what is not the API only the pattern is written. */
    bool api = strncmp(request->path, "/api/", 5) == 0;
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:s}", "time",
                  json_time_text(NULL, now_ms, &request->arena), "level", "info", "service", "gateway", "event",
                  "request", "id", request->id, "method", request->head ? "HEAD" : request->method, "path",
                  api || !route ? http_path_logged(request) : route->pattern, "status", (int)request->status, "ms",
                  (json_int_t)(now_ms - request->came_ms), "account", request->actor ? request->actor->account : "");
    if (line && api) /* of staff and programs; complainants leave none */
        json_object_set_new(line, "address", json_string(request->address));
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

void http_on_completed(void *context, struct MHD_Connection *connection, void **request_at,
                       enum MHD_RequestTerminationCode code)
{
    (void)code;
    struct http_server *server = context;
    http_connection_answering(connection, false);
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
    drop_body(request);
    arena_fini(&request->arena);
    free(request);
}
