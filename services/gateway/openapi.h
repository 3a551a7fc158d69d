#ifndef HEARBACK_GATEWAY_OPENAPI_H
#define HEARBACK_GATEWAY_OPENAPI_H

#include "http.h"

void openapi_get(struct http_request *request); /* GET /openapi.json */

#endif
