/* A clock that begins while nothing says until when (its limit is a field that is empty, say) runs for nobody: it
   stands as a problem on the case until watchdog arms it. Clocks of parts begin with their own field, and are not
   asked. */
#include "casework.h"

static const char *problem_name(struct turn *turn, const char *clock)
{
    return arena_printf(turn_arena(turn), "clock %s", clock); /* no rule is called so */
}

static bool begins(const Policy__Clock *clock, const Hb__Event *event)
{
    for (size_t i = 0; i < clock->n_start; i++)
        if (casework_triggers(clock->start[i], event))
            return true;
    return false;
}

static bool row_has_due(const struct casework_case *one, const Policy__Clock *clock, const Policy__LimitRow *row)
{
    const Policy__TimeOptions *options = row->has_options ? row->options : clock->options;
    int64_t due_ms;
    for (size_t i = 0; i < row->n_terms; i++)
        if (case_instant_from(&one->view, row->terms[i], options, one->view.now_ms, &due_ms))
            return true;
    return false;
}

/* As the judge finds it (common/clock): of each pack the first row that holds, and those before it that may. */
static bool has_due(const struct casework_case *one, const Policy__Clock *clock)
{
    const Policy__LimitRow *held = NULL;
    for (size_t i = 0; i < clock->n_limit; i++) {
        const Policy__LimitRow *row = clock->limit[i];
        enum truth truth = case_holds(&one->view, row->condition, NULL);
        if (truth == TRUTH_NO || (held && held->pack == row->pack))
            continue;
        if (row_has_due(one, clock, row))
            return true;
        held = truth == TRUTH_YES ? row : held;
    }
    return false;
}

void casework_note_undated(struct turn *turn, const struct casework_case *one, const Hb__Event *event,
                           Hb__Position *source)
{
    for (size_t i = 0; i < one->kind->n_clocks; i++) {
        const Policy__Clock *clock = one->kind->clocks[i];
        const char *name = problem_name(turn, clock->name);
        if (*clock->each || !begins(clock, event) || case_holds(&one->view, clock->condition, NULL) != TRUTH_YES ||
            has_due(one, clock) || casework_fired(turn, one->id, name, source))
            continue;
        casework_note_problem(turn, one, name, clock->clauses, clock->n_clauses, source,
                              arena_printf(turn_arena(turn), "时限“%s”已开始，但无从得知何时到期", clock->label->zh),
                              arena_printf(turn_arena(turn),
                                           "the clock \"%s\" has begun, and nothing says when it is due",
                                           *clock->label->en ? clock->label->en : clock->label->zh));
    }
}

void casework_dated(struct turn *turn, Caserec__Case *record, const Watchdog__Event *said)
{
    if (said->kind_case == WATCHDOG__EVENT__KIND_ARMED)
        casework_settle_problems(record, problem_name(turn, said->armed->instance->clock), NULL);
}
