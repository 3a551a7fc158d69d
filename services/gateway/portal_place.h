/* Places with a QR code: a token that names site, kind and place, signed by the gateway, so that nobody can hang up a
   code that leads elsewhere in our name. It says nothing secret and never ends: it stands on paper. */
#ifndef HEARBACK_GATEWAY_PORTAL_PLACE_H
#define HEARBACK_GATEWAY_PORTAL_PLACE_H

#include "portal_session.h"

#define PLACE_TOKEN_CHARACTERS_MAX 400u

char *place_token_make(const struct portal_keys *keys, const Gatewayrec__Place *place, struct arena *arena);
/* NULL: not ours, or altered. */
Gatewayrec__Place *place_token_read(const struct portal_keys *keys, const char *token, struct arena *arena);

#endif
