/* Connections that bring no request: slow ones, half ones, idle ones. Each has a time in which a request must have come
   whole; when the room for connections runs short the time is short, so that whoever has something to say finds room.
 */
#include "http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define REAP_EVERY_S 1.

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void http_on_connection(void *context, struct MHD_Connection *connection, void **connection_at,
                        enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    struct http_connection *one = *connection_at;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *connection_at = one = calloc(1, sizeof *one);
        bug_unless(one);
        one->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        one->since_ms = clock_ms();
        one->next = server->connections;
        if (one->next)
            one->next->before = &one->next;
        one->before = &server->connections;
        server->connections = one;
        server->counts.connections++;
        return;
    }
    *one->before = one->next;
    if (one->next)
        one->next->before = one->before;
    free(one);
    server->counts.connections--;
    /* With no room left libmicrohttpd stops listening, and looks whether there is some only when it is run: without
       this whoever waits to be let in would wait for the next event of somebody who is in. */
    http_wake(server->gateway);
}

void http_connection_answering(struct MHD_Connection *connection, bool answering)
{
    struct http_connection *one =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    one->answering = answering;
    one->uploading = false;
    one->received = 0;
    one->since_ms = clock_ms();
}

void http_connection_received(struct MHD_Connection *connection, size_t bytes)
{
    struct http_connection *one =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    one->uploading = true;
    one->received += bytes;
}

/* How much longer than others it may take: a large body that keeps coming is nobody who holds a connection for nothing.
 */
static int64_t more_ms(const struct http_connection *one)
{
    return one->uploading ? (int64_t)(one->received * 1000 / HTTP_UPLOAD_PACE) : 0;
}

/* The other end has closed. With half a request sent libmicrohttpd would wait for the rest until its time-out, with a
   whole one for our answer. */
static bool gone(const struct http_connection *one)
{
    char byte;
    ssize_t size = recv(one->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
}

bool http_gone(const struct http_request *request)
{
    return !request->connection ||
           gone(MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
}

/* libmicrohttpd sees the end of the stream and closes. */
static void on_reap(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct http_server *server = watcher->data;
    bool crowded = server->counts.connections > HTTP_CONNECTIONS_MAX / 4 * 3;
    int64_t before_ms = clock_ms() - (crowded ? HTTP_RECEIVE_CROWDED_MS : HTTP_RECEIVE_MS);
    for (struct http_connection *one = server->connections; one; one = one->next)
        if (!one->answering && one->since_ms != INT64_MAX && (one->since_ms + more_ms(one) < before_ms || gone(one))) {
            server->counts.reaped += one->since_ms + more_ms(one) < before_ms;
            shutdown(one->fd, SHUT_RDWR);
            one->since_ms = INT64_MAX; /* once is enough */
        }
}

void http_reap_start(struct http_server *server)
{
    ev_timer_init(&server->reaping, on_reap, REAP_EVERY_S, REAP_EVERY_S);
    server->reaping.data = server;
    ev_timer_start(server->gateway->loop, &server->reaping);
}
