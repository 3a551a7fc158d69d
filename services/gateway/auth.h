/* Who is asking: the bearer token, checked by directory. The gateway only finds out whose it is; what they may do is
   said by the service that owns the thing. */
#ifndef HEARBACK_GATEWAY_AUTH_H
#define HEARBACK_GATEWAY_AUTH_H

#include "http.h"

#define AUTH_FRESH_MS 30000          /* a token that was ended works at most so long */
#define AUTH_STALE_MS (15 * 60000ll) /* while directory does not answer, nobody can end a token either */
#define AUTH_ENTRIES 1024u

struct auth *auth_open(struct gateway *gateway);

/* Sets request->actor and calls `then`, or answers 401 or 503. */
void auth_check(struct http_request *request, void (*then)(struct http_request *request));

#endif
