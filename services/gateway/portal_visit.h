/* One visit of a page: what every handler of the portal needs and shares (internal to portal_*.c and page_*.c). */
#ifndef HEARBACK_GATEWAY_PORTAL_VISIT_H
#define HEARBACK_GATEWAY_PORTAL_VISIT_H

#include "cell.h"
#include "page.h"
#include "portal.h"
#include "portal_limit.h"
#include "portal_session.h"

#define PORTAL_CASE_COOKIE "case"
#define PORTAL_LANGUAGE_COOKIE "lang"
#define PORTAL_BROWSER_COOKIE "browser"

struct portal_cache;

struct portal {
    struct gateway *gateway;
    struct portal_keys keys;
    bool secure; /* reached by https: cookies say so */
    struct limit tracking, submitting, worked, viewing;
    struct limit few, few_worked, same; /* portal_guard.c: beyond these a submission is held */
    struct portal_cache *cache;
};

struct cached_organisation;
struct cached_policy;

struct visit {
    struct http_request *request;
    struct portal *portal;
    enum language language;
    bool language_chosen; /* by the address or the cookie; else a site's own language goes before the browser's */
    struct page page;
    Gatewayrec__Session *session; /* NULL: none */
    Gatewayrec__Session *held;    /* the same of a submission that is no case: portal_held.c; NULL: none */
    const char *proof;            /* portal_proof.h */
    const char *browser;          /* the word of its cookie; NULL: not asked for yet */

    /* Held until the answer. */
    struct cached_organisation *held_organisation;
    struct cached_policy *held_policy;
    const Directory__Organisation *organisation; /* what is open to the public */
    const Directory__Site *site;
    const Policy__Policy *policy; /* of `site` */
};

struct visit *visit_begin(struct http_request *request);
struct arena *visit_arena(struct visit *visit);
const char *visit_text(const struct visit *visit, enum text_id id);

/* The only ways a visit ends. */
void visit_answer(struct visit *visit, unsigned status); /* with its page */
void visit_redirect(struct visit *visit, const char *path);
/* A page that says why there is no other: 404, 429, 503 ... `refusal` may be NULL. */
void visit_fail(struct visit *visit, unsigned status, const Hb__Refusal *refusal);

void visit_session_set(struct visit *visit, Gatewayrec__Session *session); /* NULL: forget it */

/* portal_held.c: takes up the session of what was tracked, a case or a submission that is held, and goes to its page.
   `code`: as it was given, the tracking code at its end. */
void held_follow(struct visit *visit, const Intake__Tracked *tracked, const char *code);

/* What a form does that only the browser may send to which we gave it: a purpose for its token (portal_session.h), with
   a random word of a cookie in it. Whoever fetches a token of such a form himself has it for his own browser. */
const char *visit_browser_purpose(struct visit *visit, const char *what);

/* Turns to a site, its zone and its language. */
void visit_site(struct visit *visit, const Directory__Site *site);

/* Counts one more against the visitor's address. False: too many, and the visit has ended with 429. */
bool visit_may(struct visit *visit, struct limit *limit);

/* portal_problems.c: does the policy of the visit's site know public problems? */
bool portal_has_problems(const struct visit *visit);
/* portal_notices.c: does it know notices that everybody may read? */
bool portal_has_notices(const struct visit *visit);

/* ---- portal_cache.c: public organisation and policies, asked of directory and kept ---- */

typedef void visit_then_fn(struct visit *visit, void *context);

enum err portal_cache_open(struct gateway *gateway, struct portal_cache **cache_out) MUST_CHECK;
/* Goes on with visit->organisation set, or ends the visit with 503. */
void visit_organisation(struct visit *visit, visit_then_fn *then, void *context);
/* Goes on with visit->policy set: of visit->site, version 0 the one in force (NULL when none is). Or ends the visit. */
void visit_policy(struct visit *visit, uint32_t version, visit_then_fn *then, void *context);
void visit_let_go(struct visit *visit);
const struct zone *portal_zone(struct portal *portal, const char *name);

/* NULL: no such site that is open to the public. */
const Directory__Site *visit_find_site(const struct visit *visit, const char *id);
const char *visit_department(const struct visit *visit, const char *id); /* its name at visit->site; "" */
struct page_choice *visit_departments(struct visit *visit, size_t *count_out);

#endif
