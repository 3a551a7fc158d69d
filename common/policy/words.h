/* What a policy names, said to people: posts by their labels, roles by their words, "head of lead" as 主办部门的负责人;
   what it alone cannot name, a department of the site, as the site calls it. */
#ifndef HEARBACK_POLICY_WORDS_H
#define HEARBACK_POLICY_WORDS_H

#include "base/arena.h"
#include "hearback/policy.pb-c.h"

/* What the site calls a department; NULL: it has none of that id, which then stands in quotes. */
struct policy_departments {
    const Hb__Label *(*name)(void *context, const char *department);
    void *context;
};

/* The text lives in the arena. `departments` may be NULL: only the policy is at hand. */
const char *policy_whos_text(struct arena *arena, const Policy__Policy *policy, Policy__Who *const *whos, size_t count,
                             bool english, const struct policy_departments *departments);

const char *policy_label_text(const Hb__Label *label, bool english); /* "": there is none */
/* A fact of a case: by the label of its field, or what every case has by its word; else its name in quotes. `kind` may
   be NULL. */
const char *policy_fact_text(struct arena *arena, const Policy__Kind *kind, const char *fact, bool english);
/* What must hold, of a case of that kind; "" where nothing must. */
const char *policy_condition_text(struct arena *arena, const Policy__Policy *policy, const Policy__Kind *kind,
                                  const Policy__Condition *condition, bool english);
/* What the indicator counts, of which cases. */
const char *policy_indicator_text(struct arena *arena, const Policy__Policy *policy, const Policy__Indicator *indicator,
                                  bool english);
/* What it is to be: "至少 95 %", "below the period before". */
const char *policy_target_text(struct arena *arena, const Policy__Indicator *indicator, const Policy__Target *target,
                               bool english);

#endif
