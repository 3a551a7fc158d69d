/* What a file is and what of it is kept: found out by hearback-inspect, one confined process to a file, so that no byte
   of a stranger's file is read in here. */
#ifndef HEARBACK_GATEWAY_INSPECTION_H
#define HEARBACK_GATEWAY_INSPECTION_H

#include "http.h"

#define INSPECTION_AT_ONCE 2u
#define INSPECTION_WAITING_MAX 32u
#define INSPECTION_MS 10000

struct inspections *inspections_open(struct gateway *gateway);

/* `content` and `type` in the request's arena. */
typedef void inspection_fn(struct http_request *request, void *context, const Hb__Refusal *refused, const char *type,
                           struct bytes content);
/* `file` must stay until `done`, which is called once, from the loop. */
void inspection_ask(struct http_request *request, struct bytes file, const char *claimed, const char *extension,
                    inspection_fn *done, void *context);

#endif
