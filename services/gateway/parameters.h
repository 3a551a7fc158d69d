/* Query parameters as what they mean. False: the value means nothing here, and has been answered with a problem that
   says what is accepted; an absent one leaves the default. */
#ifndef HEARBACK_GATEWAY_PARAMETERS_H
#define HEARBACK_GATEWAY_PARAMETERS_H

#include "http.h"

struct zone;

char *parameter_text(const struct http_request *request, const char *name); /* "" when absent */
bool parameter_choice(struct http_request *request, const char *name, const char *const *accepted, unsigned *index_out);
bool parameter_number(struct http_request *request, const char *name, uint64_t least, uint64_t most, uint64_t *out);
/* Without an offset: in the zone, NULL is UTC. */
bool parameter_time(struct http_request *request, const char *name, const struct zone *zone, int64_t *ms_out);
void parameter_refuse(struct http_request *request, const char *name, const char *const *accepted);
/* 406 unless the Accept header takes this type; `other` is what else this path has, NULL nothing. */
bool parameter_accepts(struct http_request *request, const char *type, const char *other);

#endif
