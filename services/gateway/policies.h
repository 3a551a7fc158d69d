/* Policies as compiled, by site and version: they never change, so the last few are kept. For what the gateway explains
   and shows; who may see it is decided before, by the service asked first. */
#ifndef HEARBACK_GATEWAY_POLICIES_H
#define HEARBACK_GATEWAY_POLICIES_H

#include "http.h"

#define POLICIES_KEPT 8u

struct policies *policies_open(struct gateway *gateway);

/* `policy` is NULL when there is none, or directory does not answer; valid until `done` returns. */
typedef void policies_done_fn(struct http_request *request, void *context, const Policy__Policy *policy);
void policies_get(struct http_request *request, const char *site, uint32_t version, policies_done_fn *done,
                  void *context);

#endif
