/* A historic case: all its steps with their own times, and CaseHistoryEnded, in one turn (design.md 4, History). */
#include "casework.h"

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
