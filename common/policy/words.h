/* What a policy names, said to people: posts by their labels, roles by their words, "head of lead" as 主办部门的负责人.
 */
#ifndef HEARBACK_POLICY_WORDS_H
#define HEARBACK_POLICY_WORDS_H

#include "base/arena.h"
#include "hearback/policy.pb-c.h"

/* The text lives in the arena. */
const char *policy_who_text(struct arena *arena, const Policy__Policy *policy, const Policy__Who *who, bool english);
const char *policy_whos_text(struct arena *arena, const Policy__Policy *policy, Policy__Who *const *whos, size_t count,
                             bool english);

#endif
