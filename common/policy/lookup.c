#include "policy/lookup.h"

/* All these lists hold messages that begin with base and name. */
#define FIND(list, count, wanted)                                                                                      \
    do {                                                                                                               \
        for (size_t i_ = 0; i_ < (count); i_++)                                                                        \
            if (strcmp((list)[i_]->name, (wanted)) == 0)                                                               \
                return (list)[i_];                                                                                     \
        return NULL;                                                                                                   \
    } while (0)

const Policy__Kind *policy_kind(const Policy__Policy *policy, const char *name)
{
    FIND(policy->kinds, policy->n_kinds, name);
}

const Policy__Notice *policy_notice(const Policy__Policy *policy, const char *name)
{
    FIND(policy->notices, policy->n_notices, name);
}

const Policy__DocumentDef *policy_document(const Policy__Policy *policy, const char *name)
{
    FIND(policy->documents, policy->n_documents, name);
}

const Policy__Ladder *policy_ladder(const Policy__Policy *policy, const char *name)
{
    FIND(policy->ladders, policy->n_ladders, name);
}

const Policy__Category *policy_category(const Policy__Policy *policy, const char *name)
{
    FIND(policy->categories, policy->n_categories, name);
}

const Policy__Post *policy_post(const Policy__Policy *policy, const char *name)
{
    FIND(policy->posts, policy->n_posts, name);
}

const Policy__Roster *policy_roster(const Policy__Policy *policy, const char *name)
{
    FIND(policy->rosters, policy->n_rosters, name);
}

const Policy__Stage *policy_stage(const Policy__Kind *kind, const char *name)
{
    FIND(kind->stages, kind->n_stages, name);
}

const Policy__Step *policy_step(const Policy__Kind *kind, const char *name)
{
    FIND(kind->steps, kind->n_steps, name);
}

const Policy__FieldDef *policy_field(const Policy__Kind *kind, const char *name)
{
    FIND(kind->fields, kind->n_fields, name);
}

const Policy__Clock *policy_clock(const Policy__Kind *kind, const char *name)
{
    FIND(kind->clocks, kind->n_clocks, name);
}

const Policy__Stage *policy_first_stage(const Policy__Kind *kind)
{
    const Policy__Step *step = policy_step(kind, "register");
    const Policy__Stage *stage = step ? policy_stage(kind, step->to) : NULL;
    return stage ? stage : kind->n_stages ? kind->stages[0] : NULL;
}

bool policy_step_from(const Policy__Step *step, const char *stage)
{
    for (size_t i = 0; i < step->n_from; i++)
        if (strcmp(step->from[i], stage) == 0)
            return true;
    return false;
}
