/* What the parts of http*.c share. */
#ifndef HEARBACK_GATEWAY_HTTP_INTERNAL_H
#define HEARBACK_GATEWAY_HTTP_INTERNAL_H

#include "config/network.h"
#include "http.h"

#include <ev.h>
#include <microhttpd.h>

/* Somebody connected. Nobody may hold a connection by sending little, or nothing. */
struct http_connection {
    struct http_connection *next, **before;
    int fd;
    int64_t since_ms; /* on the clock that never jumps: it waits for a whole request since then */
    bool answering, uploading;
    uint64_t received; /* of a large body */
};

struct http_server {
    struct gateway *gateway;
    struct MHD_Daemon *daemon;
    int listening; /* its socket; -1 when it takes no more */
    ev_io io;
    ev_timer timer, stopping, reaping;
    ev_idle idle;
    ev_prepare prepare;
    unsigned port;
    struct network *proxies; /* whose X-Forwarded-For is believed */
    size_t proxies_count;
    struct http_request *open; /* every request that is not over */
    struct http_connection *connections;
    uint64_t bodies_bytes, uploads_bytes; /* kept of bodies that are not over */
    void (*stopped)(struct gateway *gateway);
    struct {
        uint64_t requests, refused, failed, streams, open, at_work, too_large, busy, connections, reaped, crowded_out;
    } counts;
};

/* http_receive.c: who asks, by what the proxies that we trust say, and what libmicrohttpd calls. */
char *http_client_address(const struct http_request *request, const uint8_t peer[16], struct arena *arena);
void *http_on_target(void *context, const char *target, struct MHD_Connection *connection);
enum MHD_Result http_on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *data, size_t *size, void **request_at);
void http_on_completed(void *context, struct MHD_Connection *connection, void **request_at,
                       enum MHD_RequestTerminationCode code);

/* http_connection.c */
void http_on_connection(void *context, struct MHD_Connection *connection, void **connection_at,
                        enum MHD_ConnectionNotificationCode code);
void http_connection_answering(struct MHD_Connection *connection, bool answering);
void http_connection_received(struct MHD_Connection *connection, size_t bytes); /* of a large body */
void http_reap_start(struct http_server *server);

void http_wake(struct gateway *gateway);
void http_too_large(struct http_request *request, size_t most);

/* http_request.c: method, path, query, headers, language. What is malformed is noted and answered by the dispatch. */
void http_request_read(struct http_request *request);
const char *http_path_logged(const struct http_request *request);
/* Decodes %XX (and, in forms, '+'). NULL: malformed, not UTF-8, or with NUL. */
char *http_decode(struct arena *arena, const char *text, size_t size, bool form);

/* http_response.c */
void http_stream_over(struct http_request *request); /* the connection has gone */
void http_stream_free(struct http_request *request);

#endif
