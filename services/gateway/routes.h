/* Every path of the gateway, in one table: who may call it, what it takes and gives; the dispatch and openapi.json both
   read it. */
#ifndef HEARBACK_GATEWAY_ROUTES_H
#define HEARBACK_GATEWAY_ROUTES_H

#include "openapi.h"

typedef void route_handler_fn(struct http_request *request);

struct route_parameter {
    const char *name;
    const char *about; /* "中文 / English" */
};

#define ROUTE_PARAMETERS_MAX 48u
struct route {
    const char *method;
    const char *pattern; /* "/api/v1/cases/{id}" */
    route_handler_fn *handler;
    const char *about; /* "登记一件事项 / Register a case"; NULL: not part of the API, left out of openapi.json */
    bool unkept;       /* a write of which no outcome is kept: it takes no Idempotency-Key */
    bool watches;      /* a client asks for it by itself, over and over: that keeps no session alive */
    bool wide;         /* it looks through many cases or records: an account has so many at once (account_limit.h) */
    bool enrols;       /* also for whoever must enrol an authenticator first */
    bool spared;       /* answered also while too many wait: to whoever watches over the system */
    bool open;         /* nobody need sign in; else the request has an actor when the handler is called */
    const ProtobufCMessageDescriptor *takes, *gives;    /* JSON bodies; NULL: none, or described by what follows */
    openapi_schema_fn *takes_schema, *gives_schema;     /* of bodies that are no message alone */
    const char *gives_type;                             /* "text/csv": beside JSON, or alone */
    const char *takes_type;                             /* of a body that is no JSON */
    size_t body_max;                                    /* of its body; 0: HTTP_BODY_BYTES_MAX */
    const char *gives_file;                             /* the media type of a file that it gives as well; NULL: none */
    struct route_parameter query[ROUTE_PARAMETERS_MAX]; /* ends with a NULL name */
};

extern const struct route routes[];
extern const size_t routes_count;

/* How large a body may be that is coming in. */
size_t routes_body_max(struct http_request *request);
/* Finds the route, checks what can be checked before the handler, calls it. */
void routes_dispatch(struct http_request *request);

#endif
