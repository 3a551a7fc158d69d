/* How much one account and one address may ask for: whoever walks through everything, or leaves a program running that
   does, keeps none of the others waiting. Counted in this gateway's memory, answered 429 with Retry-After. */
#ifndef HEARBACK_GATEWAY_ACCOUNT_LIMIT_H
#define HEARBACK_GATEWAY_ACCOUNT_LIMIT_H

#include "http.h"

#define ACCOUNT_LISTS_MAX 32u /* lists, counts and figures of an account at once: of HTTP_AT_WORK_MAX of all */
#define ACCOUNT_FILES_MAX 4u  /* exports of an account at once */

/* Each second, unless the configuration says otherwise (`limits`); a minute's worth may come at once. */
#define ACCOUNT_READS_DEFAULT 100u
#define ACCOUNT_WRITES_DEFAULT 100u
#define ADDRESS_CALLS_DEFAULT 500u /* an office behind one address is many people */

enum account_what { ACCOUNT_READS, ACCOUNT_WRITES, ACCOUNT_SEARCHES, ACCOUNT_FILES, ADDRESS_CALLS, ACCOUNT_WHATS };

/* What is counted of accounts and addresses (struct gateway). */
struct limit *account_limits_open(struct gateway *gateway);

/* May its address have one more answer of the API, signed in or not? No: answered. What comes from this machine itself
   is not counted: programs of the operator's, or a proxy that does not say for whom it asks. */
bool account_address_may(struct http_request *request);
/* May its account read or write once more? No: answered. */
bool account_may_ask(struct http_request *request);

/* May its account have one more of these just now? It is counted then: ask when all else that it says is checked. No:
   answered. */
bool account_may(struct http_request *request, enum account_what what);
/* It came to nothing, and nothing was recorded. */
void account_give_back(struct http_request *request, enum account_what what);

/* Of a route that looks through many cases (routes.h, `wide`): may its account have one more? No: answered. */
bool account_may_look(struct http_request *request);

#endif
