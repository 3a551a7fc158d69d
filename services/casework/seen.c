/* What the complainant sees of what the staff writes: the policy says it, `may: {who: complainant, do: see, what:
   FIELD}`, and takes it back with `never`. The portal goes by the same rules (services/gateway/portal_case_story.c);
   here they are told beforehand, to whoever is about to write. */
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

static void add_field(const struct casework_case *one, const struct case_view *view, char *field, Casework__Seen *seen)
{
    bool ever = false, now = false;
    for (size_t i = 0; i < one->kind->n_may; i++) {
        const Policy__May *may = one->kind->may[i];
        if (!policy_lets_complainant_see(may, field))
            continue;
        ever = true;
        now = now || case_holds(view, may->condition, NULL) == TRUTH_YES;
    }
    now = now && !withheld(view, one->kind->never, one->kind->n_never, field) &&
          !withheld(view, one->policy->never, one->policy->n_never, field);
    if (now)
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
