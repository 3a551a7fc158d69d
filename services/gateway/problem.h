/* RFC 9457 problem documents: what is wrong, in which field, what would be accepted, under which clause, what may be
   done next; in the language the client asks for, with both at hand. */
#ifndef HEARBACK_GATEWAY_PROBLEM_H
#define HEARBACK_GATEWAY_PROBLEM_H

#include "http.h"

/* A refusal in the request's arena, to be filled in further. */
Hb__Refusal *problem_new(struct http_request *request, unsigned status, const char *code, const char *zh,
                         const char *en);
void problem_accepts(struct http_request *request, Hb__Refusal *refusal, const char *accepted);

/* Answers with it: status, headers (Retry-After, WWW-Authenticate) and document. */
void problem_respond(struct http_request *request, const Hb__Refusal *refusal);
void problem_say(struct http_request *request, unsigned status, const char *code, const char *zh, const char *en);
/* For walks over many pages: has the client gone? Then it is answered, for the log, and nothing is asked any more. */
bool problem_when_gone(struct http_request *request);
/* The document alone (a row of an import). */
json_t *problem_json(const struct http_request *request, const Hb__Refusal *refusal);
const char *problem_title(unsigned status, bool english);

#endif
