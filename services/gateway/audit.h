#ifndef HEARBACK_GATEWAY_AUDIT_H
#define HEARBACK_GATEWAY_AUDIT_H

#include "http.h"

void audit_list(struct http_request *request);   /* GET /audit */
void audit_chain(struct http_request *request);  /* GET /audit/chain */
void audit_verify(struct http_request *request); /* POST /audit/chain */

#endif
