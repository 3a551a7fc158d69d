/* What the portal remembers between two pages, all of it in the browser: a short-lived session cookie that only this
   gateway can read or make, and form tokens that make sending a form twice the same command. Both keys are derived from
   the gateway's own secret key, so that a restart signs nobody out and doubles no submission. */
#ifndef HEARBACK_GATEWAY_PORTAL_SESSION_H
#define HEARBACK_GATEWAY_PORTAL_SESSION_H

#include "base/arena.h"
#include "hearback/record/gateway.pb-c.h"

#define SESSION_MS_MAX (60 * 60 * 1000ll)         /* since the last page */
#define SESSION_TEXT_BYTES_MAX 3800u              /* a cookie has at most 4096 bytes with its name and attributes */
#define FORM_TOKEN_MS_MAX (24 * 60 * 60 * 1000ll) /* outcomes of commands are kept for 7 days */
#define FORM_TOKEN_CHARACTERS 56u
#define COMMAND_ID_CHARACTERS 46u

struct portal_keys {
    uint8_t session[32];
    uint8_t form[32];
    uint8_t place[32];
    uint8_t origin[32];
};

/* From the gateway's secret key on the bus (Z85). */
void portal_keys_derive(const char *secret, struct portal_keys *keys_out);

/* The cookie's value; promised dates that do not fit are left out, the last first. */
char *session_seal(const struct portal_keys *keys, Gatewayrec__Session *session, struct arena *arena);
/* NULL: none, not ours, altered, or older than SESSION_MS_MAX. */
Gatewayrec__Session *session_open(const struct portal_keys *keys, const char *cookie, int64_t now_ms,
                                  struct arena *arena);

/* `purpose` says what the form does and to which case: a token serves no other form. */
char *form_token_make(const struct portal_keys *keys, const char *purpose, int64_t now_ms, struct arena *arena);
/* The id of the command this form is: the same for the same form, however often it is sent. False: not ours, of
   another purpose, or older than FORM_TOKEN_MS_MAX. */
bool form_token_check(const struct portal_keys *keys, const char *purpose, const char *token, int64_t now_ms,
                      char command_id_out[COMMAND_ID_CHARACTERS + 1]);

#endif
