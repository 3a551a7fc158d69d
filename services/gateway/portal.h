/* The public portal: complainants submit and follow their cases without an account. Server-rendered, no script, made
   for an old phone first. It asks the services as `actor.complainant` and shows only what they answer. */
#ifndef HEARBACK_GATEWAY_PORTAL_H
#define HEARBACK_GATEWAY_PORTAL_H

#include "http.h"

struct portal;

/* ERR_DENIED, ERR_NOT_FOUND: the gateway's secret key cannot be read. */
enum err portal_open(struct gateway *gateway, struct portal **portal_out) MUST_CHECK;

/* Handlers of routes.c, all open. */
void portal_home(struct http_request *request);
void portal_submit(struct http_request *request);
void portal_submit_sent(struct http_request *request);
void portal_receipt(struct http_request *request);
void portal_held(struct http_request *request);
void portal_track(struct http_request *request);
void portal_track_sent(struct http_request *request);
void portal_case(struct http_request *request);
void portal_case_sent(struct http_request *request);
void portal_case_files_sent(struct http_request *request);
void portal_case_file(struct http_request *request);
void portal_letter(struct http_request *request); /* portal_letter.c */
void portal_leave(struct http_request *request);
void portal_place(struct http_request *request);
void portal_proof(struct http_request *request);
void portal_style(struct http_request *request);
void portal_script(struct http_request *request);
void portal_problems(struct http_request *request);
void portal_notices(struct http_request *request);
void portal_notices_list(struct http_request *request); /* of the API, and nobody need sign in */
void portal_problem(struct http_request *request);
void portal_problem_sent(struct http_request *request);

/* Where the portal is from outside, without a slash at the end: for what is printed. */
const char *portal_base(struct http_request *request);

/* Is this a person with a browser, on no path of the API? Then a refusal is a page: portal_refuse answers it. */
bool portal_speaks(struct http_request *request);
void portal_refuse(struct http_request *request, const Hb__Refusal *refusal);

#endif
