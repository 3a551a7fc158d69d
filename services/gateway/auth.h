/* Who is asking: the bearer token, checked by directory. The gateway only finds out whose it is; what they may do is
   said by the service that owns the thing. */
#ifndef HEARBACK_GATEWAY_AUTH_H
#define HEARBACK_GATEWAY_AUTH_H

#include "http.h"

#define AUTH_FRESH_MS 30000          /* a token that was ended works at most so long */
#define AUTH_STALE_MS (15 * 60000ll) /* while directory does not answer, nobody can end a token either */
#define AUTH_ENTRIES 1024u

struct auth *auth_open(struct gateway *gateway);

#define AUTH_SECRET_CHARACTERS 43u /* of a session: 256 bits in base64 */
#define AUTH_HASH_BYTES 32u

/* Sets request->actor and calls `then`, or answers 401, 403 (a write by cookie without its CSRF token) or 503. A bearer
   token goes before a cookie, which no browser sends by itself with one. */
void auth_check(struct http_request *request, void (*then)(struct http_request *request));

/* The same with a token that came in another way. */
void auth_token(struct http_request *request, const char *token, void (*then)(struct http_request *request));

/* The token of the Authorization header; NULL: none. */
const char *auth_bearer(const struct http_request *request);

/* The cookie: `__Host-session` where the gateway is reached by https; without the prefix, which demands it, else. */
const char *auth_cookie_name(const struct http_request *request);
void auth_cookie_set(struct http_request *request, const char *secret); /* "": taken away */

/* What directory knows of the secret of a session. Other than of a token: neither is good for the other. */
void auth_session_hash(const char *secret, uint8_t hash_out[AUTH_HASH_BYTES]);
void auth_token_hash(const char *token, uint8_t hash_out[AUTH_HASH_BYTES]);
/* Known to whoever holds the session, and to no page of elsewhere. */
char *auth_csrf(struct http_request *request, const char *secret);
/* Sessions or tokens of this account were ended: nothing of it is taken for granted any more, and who follows changes
   in its name comes again. */
void auth_forget(struct gateway *gateway, const char *account);

#endif
