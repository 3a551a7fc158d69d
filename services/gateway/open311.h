/* Open311 GeoReport v2 (https://wiki.open311.org/GeoReport_v2): for apps and cities' other systems. A site is a
   jurisdiction; what it opens to the public are its services; an API token is an API key. */
#ifndef HEARBACK_GATEWAY_OPEN311_H
#define HEARBACK_GATEWAY_OPEN311_H

#include "http.h"

/* Handlers of routes.c, all open. */
void open311_discovery(struct http_request *request);
void open311_services(struct http_request *request);
void open311_definition(struct http_request *request);
void open311_requests(struct http_request *request);
void open311_request(struct http_request *request);
void open311_token(struct http_request *request);
void open311_updates(struct http_request *request);
void open311_submit(struct http_request *request);
void open311_update(struct http_request *request);

/* Is this a path of Open311? Then a refusal is said as the specification says errors. */
bool open311_speaks(const struct http_request *request);
void open311_refuse(struct http_request *request, const Hb__Refusal *refusal);
/* The same where a refusal may be missing. */
void open311_fail(struct http_request *request, unsigned status, const Hb__Refusal *refusal);

#endif
