/* HTTP for the handlers: a request that is already whole, and ways to answer it, now or later. libmicrohttpd stands
   behind it, driven by the gateway's libev loop; nobody else includes its header.

   A handler is called once, when the body is there. It must see to it that exactly one http_respond or http_stream
   follows, from the handler or from any later callback of the loop. The request lives until it is answered and sent,
   and as long as somebody holds it; a client that goes away in between changes nothing for the handler. */
#ifndef HEARBACK_GATEWAY_HTTP_H
#define HEARBACK_GATEWAY_HTTP_H

#include "gateway.h"
#include "hearback/envelope.pb-c.h"
#include "hearback/policy.pb-c.h"

#include <jansson.h>

#define HTTP_BODY_BYTES_MAX (1u << 20)  /* more is 413 */
#define HTTP_DRAIN_BYTES_MAX (8u << 20) /* of a body that is too large: read to its end, to be able to say so */
#define HTTP_PAIRS_MAX 200u             /* query parameters, form fields or headers */
#define HTTP_PARAMETERS_MAX 4u          /* {names} of a path */
#define HTTP_CONNECTIONS_MAX 4096u
#define HTTP_AT_WORK_MAX 256u /* requests whose answer is waited for; more are 503: they would only wait longer */
#define HTTP_IDLE_S 60u
#define HTTP_RECEIVE_MS 60000             /* in which a request must have come whole, or the next one have begun */
#define HTTP_RECEIVE_CROWDED_MS 5000      /* the same when three quarters of the connections are taken */
#define HTTP_BODIES_BYTES_MAX (64u << 20) /* of all requests that are coming in; more gets 503 */
#define HTTP_UPLOADS_BYTES_MAX                                                                                         \
    (128u << 20)               /* the same, of routes that take larger bodies, which crowd none of the others out */
#define HTTP_UPLOAD_PACE 8192u /* bytes a second: so much more time such a body has for what has come of it */

struct call;
struct route;
struct multipart_part;
struct http_stream;
struct MHD_Connection;
struct MHD_Response;

struct http_pair {
    char *name, *value; /* decoded, valid UTF-8 without NUL (headers: as they came) */
};
struct http_pairs {
    struct http_pair *list;
    size_t count;
};

struct http_request {
    struct gateway *gateway;
    struct arena arena;  /* until the request is over */
    const char *method;  /* "GET" for HEAD too */
    const char *path;    /* as it came, without the query */
    char id[33];         /* X-Request-Id */
    const char *address; /* of the client; of the one before the proxy when that runs on this machine */
    bool english;        /* Accept-Language; ?lang=en or zh goes before it */
    struct http_pairs headers, query;
    struct bytes body;
    int64_t came_ms, came_boot_ms;
    const struct route *route; /* NULL: no such path */

    /* Who asks and what they have already seen: every question to the cell carries both. A handler of an open route
       sets `actor` itself (the portal: complainant), signed-in routes find it set. */
    int64_t known_until_ms; /* the session or token of the actor is good so long; 0: for good */
    Hb__Actor *actor;
    struct call *call;   /* of open311*.c */
    const char *session; /* the cookie's secret, when that is how it is signed in; NULL: by a token */
    Hb__Position **after;
    size_t n_after;
    uint32_t answer_within_ms; /* of what services are asked now; 0: CELL_TIMEOUT_MS (cell.h) */

    /* ---- of http*.c and routes.c only ---- */
    struct http_pair parameters[HTTP_PARAMETERS_MAX];
    size_t parameters_count;
    struct http_pairs form;
    struct multipart_part *parts; /* of a form with files: all its parts */
    size_t parts_count;
    struct http_pairs answer_headers;
    struct MHD_Connection *connection; /* NULL: the client has gone */
    struct MHD_Response *response;
    struct http_stream *stream;
    uint8_t *body_room;
    size_t body_size, body_total, body_bytes; /* kept, come, room */
    size_t body_max, body_said;               /* what the route takes; Content-Length, 0: not said */
    unsigned status, holds;
    struct http_request *next, **before; /* of all open requests */
    bool begun, dispatched, at_work, answered, queued, suspended, head, malformed, crowded_out;
};

/* Are more at work than is good for any of them, with this one? Then it has been answered. */
bool http_refuse_busy(struct http_request *request);

/* How many of the others that are not over are like this one. */
typedef bool http_like_fn(const struct http_request *other, const struct http_request *request);
unsigned http_count_others(const struct http_request *request, http_like_fn *like);

/* ---- reading: NULL when there is no such thing ---- */

const char *http_header(const struct http_request *request, const char *name);
const char *http_query(const struct http_request *request, const char *name);
const char *http_param(const struct http_request *request, const char *name); /* {name} of the pattern; never NULL */
const char *http_cookie(struct http_request *request, const char *name);
/* A field of a form: application/x-www-form-urlencoded, or multipart/form-data where the route takes larger bodies. */
const char *http_form(const struct http_request *request, const char *name);
/* Reads the form. False: it was none or is malformed, and has been answered with a problem. */
bool http_form_read(struct http_request *request);
/* The JSON body, a new reference. NULL: it was none or is malformed, and has been answered with a problem. */
json_t *http_json_read(struct http_request *request);
/* Does the Accept header take this media type ("text/csv")? No header takes all. */
bool http_accepts(const struct http_request *request, const char *type);

/* ---- answering ---- */

/* A header of the answer; the last value counts (Set-Cookie: all do). The usual ones are set without asking. */
void http_set(struct http_request *request, const char *name, const char *value);

/* `body` lies in the request's arena or is constant. */
void http_respond(struct http_request *request, unsigned status, const char *type, struct bytes body);
/* Takes the reference. */
void http_respond_json(struct http_request *request, unsigned status, json_t *json);
void http_redirect(struct http_request *request, const char *location); /* 303 */

/* A body of any length. `pull` is called from the loop whenever all that was written has been sent: it must see to it
   that http_stream_write, _end or _fail follows, now or later. After the client has gone `gone` is called once (may be
   NULL) and `pull` never again; what is written then is dropped. */
typedef void http_stream_fn(void *context);
void http_stream(struct http_request *request, unsigned status, const char *type, http_stream_fn *pull,
                 http_stream_fn *gone, void *context);
void http_stream_write(struct http_request *request, struct bytes bytes); /* copied */
void http_stream_end(struct http_request *request);
/* Breaks the connection off, so that nobody takes half a body for a whole one. */
void http_stream_fail(struct http_request *request);
bool http_stream_gone(const struct http_request *request);

/* Has the client closed its end, while it waits for an answer? */
bool http_gone(const struct http_request *request);

/* Keeps the request alive over a question to the outside. */
void http_hold(struct http_request *request);
void http_release(struct http_request *request);

/* ---- the server ---- */

/* Listens where the configuration says. ERR_IO: `why_out` says what and what to do. */
enum err http_open(struct gateway *gateway, struct http_server **server_out, char **why_out) MUST_CHECK;
/* Takes no new connection, ends the streams; `done` is called when all else is answered, or after 6 s. */
void http_stop(struct http_server *server, void (*done)(struct gateway *gateway));
unsigned http_port(const struct http_server *server);

#endif
