#ifndef HEARBACK_GATEWAY_REPORTS_H
#define HEARBACK_GATEWAY_REPORTS_H

#include "http.h"

void reports_definitions(struct http_request *request); /* GET /reports/definitions: figures.c */
void reports_kpi(struct http_request *request);         /* GET /reports/kpi */
void reports_indicators(struct http_request *request);  /* GET /reports/indicators */

#endif
