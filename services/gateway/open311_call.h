/* One call of Open311: what its handlers share (internal to open311*.c). */
#ifndef HEARBACK_GATEWAY_OPEN311_CALL_H
#define HEARBACK_GATEWAY_OPEN311_CALL_H

#include "open311.h"
#include "portal_visit.h"

/* By which its requests come in: a kind whose policy does not take it is no service here. */
#define OPEN311_CHANNEL "app"

struct call;
typedef void call_fn(struct call *call);

struct call {
    struct http_request *request;
    struct visit *visit; /* site, policy, language; as the public sees them */
    const char *name;    /* of the path, without its ending; "" */
    bool keyed;          /* the actor is the account of an API key, else the public */
    call_fn *then;
    void *context;
};

/* Finds jurisdiction, policy and API key, then goes on; or answers with an error. `key_needed`: not without a key. */
void call_begin(struct http_request *request, const char *name, struct limit *limit, bool key_needed, call_fn *then);

/* A value of the form or of the query; an empty one counts as none. NULL: there is none. */
const char *call_value(const struct call *call, const char *name);

/* Takes `body`. An array: `root` with an `item` for each; an object: `root` alone (`item` NULL). Within, the items of
   "values" are called "value". */
void call_answer(struct http_request *request, unsigned status, const char *root, const char *item, json_t *body);
void call_fail(struct http_request *request, unsigned status, const char *zh, const char *en);

/* What was written, with the link of `media_url`: what is at a foreign address is not fetched. */
char *call_text(const struct call *call, const char *description);
Hb__Personal *call_personal(const struct call *call, const char *text);

json_t *call_time(const struct call *call, int64_t ms);
/* "kind" or "kind:category", as the services are called. */
char *call_service_code(const struct call *call, const char *kind, const char *category);
char *call_service_name(const struct call *call, const Policy__Kind *kind, const char *category);
/* False: no such service. `category_out` is "" when the kind has no categories. */
bool call_service(const struct call *call, const char *code, const Policy__Kind **kind_out, const char **category_out);

#endif
