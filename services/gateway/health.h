/* Is this process up, do the services answer, what do they count? */
#ifndef HEARBACK_GATEWAY_HEALTH_H
#define HEARBACK_GATEWAY_HEALTH_H

#include "http.h"

void health_live(struct http_request *request);
void health_ready(struct http_request *request);
void health_metrics(struct http_request *request);         /* of the gateway */
void health_service_metrics(struct http_request *request); /* /metrics/{service} */

#endif
