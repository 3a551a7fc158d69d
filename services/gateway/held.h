/* /api/v1/held: submissions of the public that look like a program's, until somebody lets them in or refuses them. */
#ifndef HEARBACK_GATEWAY_HELD_H
#define HEARBACK_GATEWAY_HELD_H

#include "http.h"

void held_list(struct http_request *request);
void held_register(struct http_request *request);
void held_refuse(struct http_request *request);

#endif
