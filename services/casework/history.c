/* A historic case: all its steps with their own times, and CaseHistoryEnded, in one turn (design.md 4, History). */
#include "casework.h"

#include "policy/facts.h"

/* What the rules tell upon a step that was taken long ago was told then, as far as anybody can know: a clock that stops
   at `told reply` stopped, and a case may be closed for which it is asked. Nothing is sent. */
static void add_told(struct turn *turn, const struct casework_case *one, Hb__Event *said)
{
    Casework__StepTaken *taken = said->casework->step_taken;
    struct facts after = one->facts;
    struct case_view view = one->view;
    bool entered = strcmp(taken->from, taken->stage) != 0;
    facts_fold(turn_arena(turn), &after, said->facts, said->n_facts);
    view.facts = &after;
    view.now_ms = said->occurred_ms;
    for (size_t i = 0; i < one->kind->n_rules; i++) {
        const Policy__Rule *rule = one->kind->rules[i];
        const Policy__Trigger *when = rule->when;
        bool fires =
            when && ((when->type == POLICY__TRIGGER__TYPE__STAGE && entered && strcmp(when->name, taken->stage) == 0) ||
                     (when->type == POLICY__TRIGGER__TYPE__STEP && strcmp(when->name, taken->step) == 0));
        if (!fires || case_holds(&view, rule->condition, NULL) != TRUTH_YES)
            continue;
        for (size_t a = 0; a < rule->n_then; a++)
            if (rule->then[a]->type == POLICY__ACTION__TYPE__TELL && !*rule->then[a]->each)
                CASEWORK_ADD(turn, taken->told, taken->n_told, rule->then[a]->name);
    }
}

void casework_say_history(struct turn *turn, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    struct casework_case one;
    if (!casework_open(turn, event->case_id, &one) || one.record->version > 1)
        return;
    const Intake__History *history = registered->history;
    for (size_t i = 0; history && i < history->n_steps; i++) {
        const Policy__Step *step = policy_step(one.kind, history->steps[i]->step);
        if (!step)
            continue; /* intake has checked it against the same table of moves */
        Hb__Event *said =
            casework_step_event(&one, step, history->steps[i]->fields, history->steps[i]->n_fields, NULL, "");
        said->history = true;
        said->occurred_ms = history->steps[i]->occurred_ms;
        said->casework->step_taken->historic = true;
        add_told(turn, &one, said);
        casework_say_step(&one, said);
    }
    Casework__CaseHistoryEnded *ended =
        CASEWORK_NEW(turn, Casework__CaseHistoryEnded, casework__case_history_ended__init);
    ended->as_of_ms = history && history->as_of_ms ? history->as_of_ms : event->recorded_ms;
    Hb__Event *end = casework_event(turn, &one, CASEWORK__EVENT__KIND_HISTORY_ENDED, ended);
    end->history = true;
    end->occurred_ms = ended->as_of_ms;
    turn_say(turn, end);
}
