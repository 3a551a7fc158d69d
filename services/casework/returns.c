/* A case may be given back (a step that `gives_back`) only so often (`returns: {at_most, to}`): whoever tries once more
   is refused under the clause, and the case goes to whom the clause names, who decides (HOSP-PRICE-10-03: no shirking).
 */
#include "casework.h"

#define RETURNS_RULE "returns"

static bool used_up(const struct casework_case *one)
{
    return one->kind->returns_at_most && one->record->returns >= one->kind->returns_at_most;
}

void casework_check_returns(const struct casework_case *one, const Policy__Step *step, Hb__Refusal **refusal)
{
    struct turn *turn = one->view.turn;
    struct arena *arena = turn_arena(turn);
    const Policy__Kind *kind = one->kind;
    if (!policy_gives_back(step->gives_back, step->name) || !used_up(one))
        return;
    const char *zh = arena_printf(arena, "已退单 %u 次，不得再退", (unsigned)kind->returns_at_most);
    const char *en =
        arena_printf(arena, "it was given back %u time(s) already: not again", (unsigned)kind->returns_at_most);
    if (!*refusal)
        *refusal = turn_refuse(turn, 409, "guard", zh, en);
    for (size_t i = 0; i < kind->n_returns_clauses; i++)
        refusal_clause(turn, *refusal, kind->returns_clauses[i]);
    refusal_problem(turn, *refusal, "", kind->n_returns_clauses ? kind->returns_clauses[0] : "", zh, en);
}

static bool is_return(const struct casework_case *one, const char *name)
{
    const Policy__Step *step = policy_step(one->kind, name);
    return step && policy_gives_back(step->gives_back, step->name);
}

/* The trace of the refusal is the event that this follows from; routing says who is responsible then. */
void casework_returns_react(const struct casework_case *one, const Hb__Event *event)
{
    struct turn *turn = one->view.turn;
    bool tried = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
                 event->casework->kind_case == CASEWORK__EVENT__KIND_ACTION_REFUSED &&
                 is_return(one, event->casework->action_refused->step) &&
                 strcmp(event->casework->action_refused->refusal->code, "guard") == 0;
    if (!tried || !used_up(one) || !one->kind->returns_to)
        return;
    Hb__Position *source = event_position(turn, event);
    const char *to = casework_named(one, one->kind->returns_to);
    bool there =
        strcmp(facts_text(&one->facts, "handler"), to) == 0 || strcmp(facts_text(&one->facts, "lead"), to) == 0;
    if (!*to || there || casework_fired(turn, one->id, RETURNS_RULE, source))
        return;
    Casework__AssignRequested *request = TURN_NEW(turn, Casework__AssignRequested, casework__assign_requested__init);
    request->rule = RETURNS_RULE;
    request->to = (char *)(uintptr_t)to;
    request->source = source;
    Hb__Event *said = casework_event(turn, one, CASEWORK__EVENT__KIND_ASSIGN_REQUESTED, request);
    event_clauses(turn, said, one->kind->returns_clauses, one->kind->n_returns_clauses);
    turn_say(turn, said);
}
