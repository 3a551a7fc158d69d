/* How much one account may ask for: whoever walks through everything, or leaves a program running that does, keeps none
   of the others waiting. Counted in this gateway's memory, answered 429 with Retry-After. */
#ifndef HEARBACK_GATEWAY_ACCOUNT_LIMIT_H
#define HEARBACK_GATEWAY_ACCOUNT_LIMIT_H

#include "http.h"

#define ACCOUNT_LISTS_MAX 32u /* lists, counts and figures of an account at once: of HTTP_AT_WORK_MAX of all */
#define ACCOUNT_FILES_MAX 4u  /* exports of an account at once */

enum account_what { ACCOUNT_SEARCHES, ACCOUNT_FILES, ACCOUNT_WHATS };

/* What is counted of accounts (struct gateway). */
struct limit *account_limits_open(struct gateway *gateway);

/* May its account have one more of these just now? It is counted then: ask when all else that it says is checked. No:
   answered. */
bool account_may(struct http_request *request, enum account_what what);
/* It came to nothing, and nothing was recorded. */
void account_give_back(struct http_request *request, enum account_what what);

/* Of a route that looks through many cases (routes.h, `wide`): may its account have one more? No: answered. */
bool account_may_look(struct http_request *request);

#endif
