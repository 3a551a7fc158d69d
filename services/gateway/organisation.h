/* /api/v1/organisation and /api/v1/policies: what directory knows and takes. */
#ifndef HEARBACK_GATEWAY_ORGANISATION_H
#define HEARBACK_GATEWAY_ORGANISATION_H

#include "http.h"

void organisation_show(struct http_request *request);
void organisation_change(struct http_request *request);
void calendars_publish(struct http_request *request); /* POST /calendars/{calendar}/years */
void calendars_moved(struct http_request *request);   /* GET /calendars/moved */
void policies_list(struct http_request *request);
void policies_show(struct http_request *request);
void policies_publish(struct http_request *request);
void policies_withdraw(struct http_request *request); /* DELETE /policies/{site}/coming */
/* policy_move.c */
void policies_move(struct http_request *request);   /* POST /policies/{site}/move */
void policies_moving(struct http_request *request); /* GET likewise */

#endif
