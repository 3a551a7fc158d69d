/* A historic case: all its steps with their own times, and CaseHistoryEnded, in one turn (design.md 4, History). */
#include "casework.h"

#include "policy/facts.h"

/* What the rules tell upon something that happened long ago was told then, as far as anybody can know: a clock that
   stops at `told reply` stopped, and a case may be closed for which it is asked. Nothing is sent. Of the registration
   the facts are the case's already; those of a step, and what was told, are added to it for what follows. */
static void add_told(struct turn *turn, struct casework_case *one, const Hb__Event *happened, char ***told,
                     size_t *count)
{
    facts_fold(turn_arena(turn), &one->facts, happened->facts, happened->n_facts);
    one->view.now_ms = happened->occurred_ms;
    size_t before = *count;
    for (size_t i = 0; i < one->kind->n_rules; i++) {
        const Policy__Rule *rule = one->kind->rules[i];
        if (!casework_triggers(rule->when, happened) || case_holds(&one->view, rule->condition, NULL) != TRUTH_YES)
            continue;
        for (size_t a = 0; a < rule->n_then; a++)
            if (rule->then[a]->type == POLICY__ACTION__TYPE__TELL && !*rule->then[a]->each)
                TURN_ADD(turn, *told, *count, rule->then[a]->name);
    }
    for (size_t i = before; i < *count; i++)
        casework_told_add(turn, one->record, (*told)[i], one->record->round, happened->occurred_ms);
}

void casework_say_history(struct turn *turn, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    struct casework_case one;
    if (!casework_open(turn, event->case_id, &one) || one.record->version > 1)
        return;
    const Intake__History *history = registered->history;
    Casework__CaseHistoryEnded *ended = TURN_NEW(turn, Casework__CaseHistoryEnded, casework__case_history_ended__init);
    add_told(turn, &one, event, &ended->told, &ended->n_told);
    for (size_t i = 0; history && i < history->n_steps; i++) {
        const Policy__Step *step = policy_step(one.kind, history->steps[i]->step);
        if (!step)
            continue; /* intake has checked it against the same table of moves */
        Hb__Event *said =
            casework_step_event(&one, step, history->steps[i]->fields, history->steps[i]->n_fields, NULL, "");
        said->history = true;
        said->occurred_ms = history->steps[i]->occurred_ms;
        said->casework->step_taken->historic = true;
        Casework__StepTaken *taken = said->casework->step_taken;
        one.record->round = taken->round;
        add_told(turn, &one, said, &taken->told, &taken->n_told);
        casework_say_step(&one, said);
    }
    ended->as_of_ms = history && history->as_of_ms ? history->as_of_ms : event->recorded_ms;
    Hb__Event *end = casework_event(turn, &one, CASEWORK__EVENT__KIND_HISTORY_ENDED, ended);
    end->history = true;
    end->occurred_ms = ended->as_of_ms;
    turn_say(turn, end);
}
