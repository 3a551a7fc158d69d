/* Signing in and out, one's password, second factor and API tokens. Secrets are made here and shown once; directory
   keeps hashes. */
#ifndef HEARBACK_GATEWAY_SESSION_H
#define HEARBACK_GATEWAY_SESSION_H

#include "http.h"

void session_sign_in(struct http_request *request);      /* POST /api/v1/session */
void session_show(struct http_request *request);         /* GET */
void session_sign_out(struct http_request *request);     /* DELETE */
void sessions_end(struct http_request *request);         /* DELETE /api/v1/sessions */
void session_password(struct http_request *request);     /* PUT /api/v1/session/password */
void session_setup(struct http_request *request);        /* POST /api/v1/session/setup */
void session_totp_begin(struct http_request *request);   /* POST /api/v1/session/totp */
void session_totp_confirm(struct http_request *request); /* PUT */
void session_totp_end(struct http_request *request);     /* DELETE */
void tokens_list(struct http_request *request);          /* GET /api/v1/tokens */
void tokens_make(struct http_request *request);          /* POST */
void tokens_end(struct http_request *request);           /* DELETE /api/v1/tokens/{id} */
void accounts_setup(struct http_request *request);       /* POST /api/v1/accounts/{account}/setup */
void about_show(struct http_request *request);           /* GET /api/v1/about */

#endif
