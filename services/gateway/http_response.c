/* Answering a request: at once or later, whole or as a stream. */
#include "http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct http_stream {
    http_stream_fn *pull, *gone;
    void *context;
    uint8_t *data;
    size_t size, sent, room;
    bool pulling, ended, failed;
};

/* ---- headers ---- */

void http_set(struct http_request *request, const char *name, const char *value)
{
    struct http_pairs *pairs = &request->answer_headers;
    bool many = strcasecmp(name, "Set-Cookie") == 0;
    for (size_t i = 0; i < pairs->count && !many; i++)
        if (strcasecmp(pairs->list[i].name, name) == 0) {
            pairs->list[i].value = arena_strdup(&request->arena, value);
            return;
        }
    pairs->list = arena_grow(&request->arena, pairs->list, pairs->count, sizeof *pairs->list);
    pairs->list[pairs->count++] =
        (struct http_pair){arena_strdup(&request->arena, name), arena_strdup(&request->arena, value)};
}

static bool is_set(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->answer_headers.count; i++)
        if (strcasecmp(request->answer_headers.list[i].name, name) == 0)
            return true;
    return false;
}

/* What every answer carries unless the handler says otherwise: nothing may be framed, sniffed, cached or run. */
static const struct http_pair defaults[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy", "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

/* A browser that has been here once by https never comes by http again. Said over http it would count for nothing. */
static void add_strict_transport(struct http_request *request)
{
    if (strncmp(request->gateway->config->http->public_url, "https://", 8) == 0)
        http_set(request, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
}

static void add_headers(struct http_request *request, const char *type)
{
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!is_set(request, defaults[i].name))
            http_set(request, defaults[i].name, defaults[i].value);
    add_strict_transport(request);
    http_set(request, "X-Request-Id", request->id);
    if (type)
        http_set(request, "Content-Type", type);
    for (size_t i = 0; i < request->answer_headers.count; i++)
        MHD_add_response_header(request->response, request->answer_headers.list[i].name,
                                request->answer_headers.list[i].value);
}

static void resume(struct http_request *request)
{
    if (!request->suspended || !request->connection)
        return;
    request->suspended = false;
    MHD_resume_connection(request->connection);
    http_wake(request->gateway);
}

static void give(struct http_request *request, unsigned status, const char *type, struct MHD_Response *response)
{
    bug_unless(!request->answered);
    bug_unless(response);
    request->answered = true;
    request->gateway->http->counts.at_work -= request->at_work;
    request->at_work = false;
    request->status = status;
    request->response = response;
    add_headers(request, type);
    if (!request->connection) { /* nobody is there any more to read it */
        MHD_destroy_response(response);
        request->response = NULL;
        return;
    }
    resume(request);
}

/* ---- whole answers ---- */

void http_respond(struct http_request *request, unsigned status, const char *type, struct bytes body)
{
    give(request, status, type,
         MHD_create_response_from_buffer(body.size, (void *)(uintptr_t)body.data, MHD_RESPMEM_PERSISTENT));
}

void http_respond_json(struct http_request *request, unsigned status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    bug_unless(text);
    json_decref(json);
    struct bytes body = arena_copy(&request->arena, bytes_of_text(text));
    free(text);
    http_respond(request, status, "application/json", body);
}

void http_redirect(struct http_request *request, const char *location)
{
    http_set(request, "Location", location);
    http_respond(request, 303, NULL, (struct bytes){0});
}

/* ---- streams ---- */

static ssize_t take(struct http_stream *stream, char *buffer, size_t most)
{
    size_t size = stream->size - stream->sent < most ? stream->size - stream->sent : most;
    memcpy(buffer, stream->data + stream->sent, size);
    stream->sent += size;
    if (stream->sent == stream->size)
        stream->sent = stream->size = 0;
    return (ssize_t)size;
}

/* libmicrohttpd wants more: what is written already, or the owner is asked and the connection sleeps until it comes. */
static ssize_t on_read(void *context, uint64_t position, char *buffer, size_t most)
{
    (void)position;
    struct http_request *request = context;
    struct http_stream *stream = request->stream;
    if (stream->size == 0 && !stream->pulling && !stream->ended && !stream->failed) {
        stream->pulling = true;
        stream->pull(stream->context);
    }
    if (stream->size)
        return take(stream, buffer, most);
    if (stream->failed)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (stream->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return 0;
}

void http_stream(struct http_request *request, unsigned status, const char *type, http_stream_fn *pull,
                 http_stream_fn *gone, void *context)
{
    struct http_stream *stream = request->stream = calloc(1, sizeof *stream);
    bug_unless(stream);
    stream->pull = pull;
    stream->gone = gone;
    stream->context = context;
    if (!request->connection)
        http_stream_over(request);
    give(request, status, type, MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32u << 10, on_read, request, NULL));
}

void http_stream_write(struct http_request *request, struct bytes bytes)
{
    struct http_stream *stream = request->stream;
    stream->pulling = false;
    if (!request->connection)
        return;
    size_t room = stream->room ? stream->room : 4096;
    while (room < stream->size + bytes.size)
        room *= 2;
    if (room > stream->room) {
        stream->data = realloc(stream->data, room);
        bug_unless(stream->data);
        stream->room = room;
    }
    memcpy(stream->data + stream->size, bytes.data, bytes.size);
    stream->size += bytes.size;
    resume(request);
}

void http_stream_end(struct http_request *request)
{
    request->stream->ended = true;
    resume(request);
}

void http_stream_fail(struct http_request *request)
{
    request->stream->failed = true;
    resume(request);
}

bool http_stream_gone(const struct http_request *request)
{
    return !request->connection;
}

void http_stream_over(struct http_request *request)
{
    struct http_stream *stream = request->stream;
    if (stream && stream->gone) {
        http_stream_fn *gone = stream->gone;
        stream->gone = NULL;
        gone(stream->context);
    }
}

void http_stream_free(struct http_request *request)
{
    if (request->stream)
        free(request->stream->data);
    free(request->stream);
}
