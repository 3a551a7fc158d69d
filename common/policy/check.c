/* What a reader of a policy cannot see. Works on the compiled form. */
#include "policy/compile.h"
#include "policy/lookup.h"

struct check {
    struct policy_result *result;
    struct arena *arena;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
};

static void found(struct check *check, bool warning, const char *field, const char *message)
{
    struct policy_result *result = check->result;
    result->mistakes = arena_grow(check->arena, result->mistakes, result->count, sizeof *result->mistakes);
    result->mistakes[result->count++] =
        (struct policy_mistake){.file = "", .field = field, .message = message, .warning = warning};
}

static bool reached(const struct check *check, const char *stage)
{
    const Policy__Stage *first = policy_first_stage(check->kind);
    if (first && strcmp(first->name, stage) == 0)
        return true;
    for (size_t i = 0; i < check->kind->n_steps; i++)
        if (strcmp(check->kind->steps[i]->to, stage) == 0)
            return true;
    return false;
}

static bool left(const struct check *check, const char *stage)
{
    for (size_t i = 0; i < check->kind->n_steps; i++) {
        const Policy__Step *step = check->kind->steps[i];
        if (policy_step_from(step, stage) && *step->to && strcmp(step->to, stage) != 0)
            return true;
    }
    return false;
}

static void check_stages(struct check *check)
{
    for (size_t i = 0; i < check->kind->n_stages; i++) {
        const Policy__Stage *stage = check->kind->stages[i];
        const char *field = arena_printf(check->arena, "kinds.%s.stages.%s", check->kind->name, stage->name);
        bool ended = stage->phase == POLICY__PHASE__CLOSED || stage->phase == POLICY__PHASE__ARCHIVED;
        if (!reached(check, stage->name))
            found(check, true, field, "no step leads to this stage");
        else if (!ended && !left(check, stage->name))
            found(check, false, field,
                  "a dead end: no step leads out of this stage, and it is neither closed nor archived");
    }
}

static bool may_happen(const struct check *check, const Policy__Trigger *trigger)
{
    if (trigger->type == POLICY__TRIGGER__TYPE__STAGE)
        return reached(check, trigger->name);
    if (trigger->type == POLICY__TRIGGER__TYPE__TOLD) {
        for (size_t i = 0; i < check->kind->n_rules; i++)
            for (size_t a = 0; a < check->kind->rules[i]->n_then; a++)
                if (check->kind->rules[i]->then[a]->type == POLICY__ACTION__TYPE__TELL &&
                    strcmp(check->kind->rules[i]->then[a]->name, trigger->name) == 0)
                    return true;
        return false;
    }
    return true;
}

static void check_clocks(struct check *check)
{
    unsigned mains = 0;
    for (size_t i = 0; i < check->kind->n_clocks; i++) {
        const Policy__Clock *clock = check->kind->clocks[i];
        const char *field = arena_printf(check->arena, "kinds.%s.clocks.%s", check->kind->name, clock->name);
        bool stops = false;
        for (size_t s = 0; s < clock->n_stop; s++)
            stops = stops || may_happen(check, clock->stop[s]);
        if (!stops)
            found(check, false, field, "nothing ever stops this clock: no stage, step or notice it names can happen");
        mains += clock->main && (!clock->condition || clock->condition->n_nodes == 0);
    }
    if (mains > 1)
        found(check, false, arena_printf(check->arena, "kinds.%s.clocks", check->kind->name),
              "more than one main clock applies to every case");
}

static void check_route(struct check *check)
{
    const Policy__Kind *kind = check->kind;
    const Policy__RouteRow *last = kind->n_route ? kind->route[kind->n_route - 1] : NULL;
    const char *field = arena_printf(check->arena, "kinds.%s.route", kind->name);
    if (!last || (last->condition && last->condition->n_nodes))
        found(check, false, field, "not total: the last row must have no \"if\"");
    for (size_t i = 0; i + 1 < kind->n_route; i++)
        if (!kind->route[i]->condition || kind->route[i]->condition->n_nodes == 0)
            found(check, true, field, "rows after one without \"if\" are never reached");
}

/* A rule on a stage that takes a step back into that stage, without anybody in between. */
static void check_loops(struct check *check)
{
    for (size_t i = 0; i < check->kind->n_rules; i++) {
        const Policy__Rule *rule = check->kind->rules[i];
        for (size_t a = 0; a < rule->n_then; a++) {
            if (rule->then[a]->type != POLICY__ACTION__TYPE__STEP || !rule->when)
                continue;
            const Policy__Step *step = policy_step(check->kind, rule->then[a]->name);
            bool again =
                step &&
                ((rule->when->type == POLICY__TRIGGER__TYPE__STAGE && strcmp(step->to, rule->when->name) == 0) ||
                 (rule->when->type == POLICY__TRIGGER__TYPE__STEP && strcmp(step->name, rule->when->name) == 0));
            if (again)
                found(check, false, arena_printf(check->arena, "kinds.%s.rules.%s", check->kind->name, rule->name),
                      "this rule causes itself: a cycle without a person's step");
        }
    }
}

static bool who_known(const struct check *check, const Policy__Who *who)
{
    static const char *const roles[] = {"complainant", "filer", "handler", "lead",     "first_contact", "respondent",
                                        "actor",       "owner", "anyone",  "employee", "category",      "joint"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i], who->root) == 0)
            return true;
    return policy_post(check->policy, who->root) || policy_roster(check->policy, who->root);
}

static void check_ladders_and_notices(struct check *check)
{
    for (size_t i = 0; i < check->policy->n_ladders; i++)
        for (size_t r = 0; r < check->policy->ladders[i]->n_rows; r++)
            for (size_t w = 0; w < check->policy->ladders[i]->rows[r]->n_tell; w++)
                if (!who_known(check, check->policy->ladders[i]->rows[r]->tell[w]))
                    found(check, true, arena_printf(check->arena, "ladders.%s", check->policy->ladders[i]->name),
                          arena_printf(check->arena,
                                       "\"%s\" is no post of this policy: a department must bear that name",
                                       check->policy->ladders[i]->rows[r]->tell[w]->root));
    for (size_t i = 0; i < check->policy->n_notices; i++) {
        const Policy__Notice *notice = check->policy->notices[i];
        const char *field = arena_printf(check->arena, "notices.%s", notice->name);
        bool of_ladder = strcmp(notice->name, "warning") == 0 || strcmp(notice->name, "late") == 0 ||
                         strcmp(notice->name, "withdrawn") == 0 ||
                         strcmp(notice->name, "extension_notice") == 0; /* to whom the clause names */
        if (notice->n_to == 0 && !of_ladder)
            found(check, false, field, "told to nobody: \"to\" is missing");
        if (!*notice->text->en)
            found(check, true, field, "the text has no English");
    }
}

void policy_check(struct policy_result *result, struct arena *arena)
{
    if (!result->policy)
        return;
    struct check check = {result, arena, result->policy, NULL};
    for (size_t i = 0; i < result->policy->n_kinds; i++) {
        check.kind = result->policy->kinds[i];
        check_stages(&check);
        check_clocks(&check);
        check_route(&check);
        check_loops(&check);
    }
    check_ladders_and_notices(&check);
    for (size_t i = 0; i < result->count; i++)
        if (!result->mistakes[i].warning)
            result->policy = NULL;
}
