/* Conditions: flat arrays in prefix order, three-valued, over the facts of a case (policy-language.md 1 and 5).
 * Layer 1. */
#ifndef HEARBACK_POLICY_CONDITION_H
#define HEARBACK_POLICY_CONDITION_H

#include "base/truth.h"
#include "hearback/policy.pb-c.h"
#include "policy/facts.h"

struct condition_context {
    int64_t now_ms;
    void *context;
    int (*minute_of_day)(void *context, int64_t ms); /* in the site's zone */
    /* The instant of a term ("3 working days from accepted"); false: unknown. */
    bool (*term_instant)(void *context, const Policy__Term *term, int64_t *ms_out);
    enum truth (*told)(void *context, const char *notice);
    /* What no fact of the case says: "asset.stopped", of a thing or person a fact names. NULL: unknown. */
    const Hb__Value *(*named)(void *context, const char *fact);
    /* Facts of the cases linked under a name: the index-th, NULL after the last. */
    const struct facts *(*linked)(void *context, const char *link, size_t index);
};

/* An empty or NULL condition holds. Callbacks may be NULL: what needs them is then unknown. `missing_out` (may be NULL)
   gets the name of a fact whose absence made the result unknown. */
enum truth condition_holds(const Policy__Condition *condition, const struct facts *facts,
                           const struct condition_context *context, const char **missing_out);

#endif
