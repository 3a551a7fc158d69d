/* What the complainant sees of what the staff writes: the policy says it, `may: {who: complainant, do: see, what:
   FIELD}`, and takes it back with `never`. He is told of his case by these rules (own.c); whoever is about to write is
   told beforehand. */
#include "casework.h"
#include "organisation/fields.h"
#include "policy/facts.h"
#include "policy/lookup.h"

/* Whether it is taken back: what cannot be judged is. */
static bool withheld(const struct case_view *view, Policy__Never *const *list, size_t count, const char *field)
{
    for (size_t i = 0; i < count; i++)
        if (policy_hides_from_complainant(list[i], field) && case_holds(view, list[i]->condition, NULL) != TRUTH_NO)
            return true;
    return false;
}

static bool taken_back(const struct casework_case *one, const struct case_view *view, const char *field)
{
    return withheld(view, one->kind->never, one->kind->n_never, field) ||
           withheld(view, one->policy->never, one->policy->n_never, field);
}

static bool has_condition(const Policy__May *may)
{
    return may->condition && may->condition->n_nodes;
}

/* The permission by which it is seen as the case stands, one without a condition before all others; NULL: none.
   `ever_out`: there is one, at some time. */
static const Policy__May *seen_by(const struct casework_case *one, const struct case_view *view, const char *field,
                                  bool *ever_out)
{
    const Policy__May *by = NULL;
    *ever_out = false;
    for (size_t i = 0; i < one->kind->n_may; i++) {
        const Policy__May *may = one->kind->may[i];
        if (!policy_lets_complainant_see(may, field))
            continue;
        *ever_out = true;
        if ((!by || !has_condition(may)) && case_holds(view, may->condition, NULL) == TRUTH_YES)
            by = may;
    }
    return by && !taken_back(one, view, field) ? by : NULL;
}

bool casework_shows(const struct casework_case *one, const char *field, bool *conditional_out)
{
    bool ever;
    const Policy__May *by = seen_by(one, &one->view, field, &ever);
    *conditional_out = by && has_condition(by);
    return by != NULL;
}

static void add_field(const struct casework_case *one, const struct case_view *view, char *field, Casework__Seen *seen)
{
    bool ever;
    if (seen_by(one, view, field, &ever))
        TURN_ADD(view->turn, seen->now, seen->n_now, field);
    else if (ever)
        TURN_ADD(view->turn, seen->later, seen->n_later, field);
}

Casework__Seen *casework_seen(const struct casework_case *one)
{
    Casework__Seen *seen = TURN_NEW(one->view.turn, Casework__Seen, casework__seen__init);
    for (size_t i = 0; i < one->kind->n_fields; i++)
        add_field(one, &one->view, one->kind->fields[i]->name, seen);
    return seen;
}

/* The case as it will be: in the stage the step leads to, with what the step sets. */
Casework__Seen *casework_seen_after(const struct casework_case *one, const Policy__Step *step,
                                    const Casework__Allowed *allowed)
{
    struct turn *turn = one->view.turn;
    struct arena *arena = turn_arena(turn);
    Casework__Seen *seen = TURN_NEW(turn, Casework__Seen, casework__seen__init);
    struct facts after = {0};
    struct case_view view = one->view;
    facts_fold(arena, &after, one->facts.list, one->facts.count);
    facts_fold(arena, &after, step->set, step->n_set);
    const Policy__Stage *stage = step->back ? NULL : policy_stage(one->kind, step->to);
    if (stage) {
        facts_set(arena, &after, "stage", value_text(turn, stage->name));
        facts_set(arena, &after, "phase", value_number(turn, stage->phase));
    }
    view.facts = &after;
    for (size_t i = 0; i < allowed->n_needs; i++)
        add_field(one, &view, allowed->needs[i], seen);
    for (size_t i = 0; i < allowed->n_offers; i++)
        add_field(one, &view, allowed->offers[i], seen);
    return seen;
}
