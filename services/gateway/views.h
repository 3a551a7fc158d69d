/* Saved views (/api/v1/views): directory keeps them, and says whose they are. */
#ifndef HEARBACK_GATEWAY_VIEWS_H
#define HEARBACK_GATEWAY_VIEWS_H

#include "http.h"

void views_list(struct http_request *request);   /* GET */
void views_make(struct http_request *request);   /* POST */
void views_change(struct http_request *request); /* PUT /{id} */
void views_drop(struct http_request *request);   /* DELETE /{id} */

#endif
