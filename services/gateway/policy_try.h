#ifndef HEARBACK_GATEWAY_POLICY_TRY_H
#define HEARBACK_GATEWAY_POLICY_TRY_H

#include "http.h"

void policies_sources(struct http_request *request);  /* GET /policies/{site}/sources */
void policies_check(struct http_request *request);    /* POST /policies/check */
void policies_diff(struct http_request *request);     /* POST /policies/diff */
void policies_rehearse(struct http_request *request); /* POST /policies/rehearse */

#endif
