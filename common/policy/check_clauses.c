/* The catalogue of clauses against the items that name them. Only systems that have a catalogue are looked at: a pack
   may come without one. */
#include "policy/check.h"

/* "PROP-11" of "PROP-11-08". */
static size_t system_size(const char *clause)
{
    const char *dash = strrchr(clause, '-');
    return dash ? (size_t)(dash - clause) : strlen(clause);
}

static bool same_system(const char *a, const char *b)
{
    size_t size = system_size(a);
    return size == system_size(b) && strncmp(a, b, size) == 0;
}

static const struct policy_use *use_of(const struct policy_result *result, const char *clause)
{
    for (size_t i = 0; i < result->uses_count; i++)
        if (strcmp(result->uses[i].clause, clause) == 0)
            return &result->uses[i];
    return NULL;
}

static void check_carried(struct check *check, const Policy__Clause *clause)
{
    const char *field = arena_printf(check->arena, "clauses.%s", clause->id);
    const struct policy_use *use = use_of(check->result, clause->id);
    if (clause->carried == POLICY__CLAUSE__CARRIED__BY_RULES && !use)
        check_found(check, CHECK_WARNING, field, "没有规则执行此条款；可在 built_in 或 organisational 中说明由何承担",
                    "no rule carries this clause; \"built_in\" or \"organisational\" may say what does");
    if (clause->carried == POLICY__CLAUSE__CARRIED__ORGANISATIONAL && use)
        check_found(check, CHECK_WARNING, field, "列为组织事项，却有规则 %s", "called organisational, yet %s names it",
                    use->field);
}

static void check_known(struct check *check, const struct policy_use *use)
{
    const Policy__Policy *policy = check->policy;
    bool catalogued = false;
    for (size_t i = 0; i < policy->n_clauses; i++) {
        if (strcmp(policy->clauses[i]->id, use->clause) == 0)
            return;
        catalogued = catalogued || same_system(policy->clauses[i]->id, use->clause);
    }
    if (!catalogued)
        return;
    const char **ids = arena_alloc(check->arena, policy->n_clauses * sizeof *ids);
    for (size_t i = 0; i < policy->n_clauses; i++)
        ids[i] = policy->clauses[i]->id;
    check_found(check, CHECK_MISTAKE, use->field, "没有条款 \"%s\"", "there is no clause \"%s\"", use->clause);
    check_suggest(check, use->clause, ids, policy->n_clauses);
}

void check_clauses(struct check *check)
{
    for (size_t i = 0; i < check->policy->n_clauses; i++)
        check_carried(check, check->policy->clauses[i]);
    for (size_t i = 0; i < check->result->uses_count; i++)
        check_known(check, &check->result->uses[i]);
}
