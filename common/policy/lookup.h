/* Finding things in a compiled policy by name. NULL when there is no such thing (layer 1). */
#ifndef HEARBACK_POLICY_LOOKUP_H
#define HEARBACK_POLICY_LOOKUP_H

#include "base/arena.h"
#include "hearback/policy.pb-c.h"

const Policy__Kind *policy_kind(const Policy__Policy *policy, const char *name);
const Policy__Notice *policy_notice(const Policy__Policy *policy, const char *name);
const Policy__DocumentDef *policy_document(const Policy__Policy *policy, const char *name);
const Policy__Ladder *policy_ladder(const Policy__Policy *policy, const char *name);
const Policy__Category *policy_category(const Policy__Policy *policy, const char *name);
const Policy__Post *policy_post(const Policy__Policy *policy, const char *name);
const Policy__Roster *policy_roster(const Policy__Policy *policy, const char *name);

const Policy__Stage *policy_stage(const Policy__Kind *kind, const char *name);
const Policy__Step *policy_step(const Policy__Kind *kind, const char *name);
const Policy__FieldDef *policy_field(const Policy__Kind *kind, const char *name);
const Policy__Clock *policy_clock(const Policy__Kind *kind, const char *name);

/* Where a case of this kind begins: the stage `register` leads to, else the first stage. */
const Policy__Stage *policy_first_stage(const Policy__Kind *kind);
bool policy_step_from(const Policy__Step *step, const char *stage);

#endif
