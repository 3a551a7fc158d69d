/* The promised dates: the clocks that start at registration, judged over the registration alone. Watchdog adopts them
   and judges on (design-review B4). */
#include "intake.h"

#include "clock/judge.h"
#include "organisation/organisation.h"
#include "policy/facts.h"
#include "policy/lookup.h"

struct promise {
    struct turn *turn;
    const struct intake_new *fresh;
};

static const struct calendar *calendar_by_name(void *context, const char *name)
{
    const struct promise *promise = context;
    return organisation_calendar(promise->turn, promise->fresh->site->id, name);
}

/* The registration is all there is: the facts are the same after each of its happenings. */
static enum truth holds(void *context, const Policy__Condition *condition, size_t upto, uint32_t version, int64_t at_ms)
{
    (void)upto;
    (void)version;
    (void)at_ms;
    const struct promise *promise = context;
    return intake_holds(promise->turn, promise->fresh, condition, NULL);
}

static bool instant(void *context, const char *name, size_t upto, int64_t *ms_out)
{
    (void)upto;
    const struct promise *promise = context;
    const Hb__Value *value = facts_get(promise->fresh->facts, name);
    if (!value || value->kind_case != HB__VALUE__KIND_TIME_MS)
        return false;
    *ms_out = value->time_ms;
    return true;
}

static size_t happenings_of(struct turn *turn, const struct intake_new *fresh, struct happening out[2])
{
    const Intake__CaseRegistered *registered = fresh->registered;
    const Policy__Stage *first = policy_stage(fresh->kind, fresh->first_stage);
    out[0] = (struct happening){.at_ms = fresh->event->history ? fresh->received_ms : turn_now(turn),
                                .occurred_ms = fresh->received_ms,
                                .stage = fresh->first_stage,
                                .step = "register",
                                .phase = first ? first->phase : POLICY__PHASE__NEW,
                                .round = 1,
                                .facts = fresh->event->facts,
                                .facts_count = fresh->event->n_facts};
    if (!registered->settled_step[0])
        return 1;
    out[1] = (struct happening){.at_ms = turn_now(turn),
                                .stage = registered->stage,
                                .step = registered->settled_step,
                                .phase = (Policy__Phase)registered->phase,
                                .round = 1};
    return 2;
}

static void add_promised(struct turn *turn, struct intake_new *fresh, const Policy__Clock *clock, const struct run *run)
{
    Intake__CaseRegistered *registered = fresh->registered;
    Intake__Promised *promised = arena_alloc(turn_arena(turn), sizeof *promised);
    intake__promised__init(promised);
    promised->clock = clock->name;
    promised->label = clock->label;
    promised->due_ms = run->due_ms;
    promised->provisional = run->provisional;
    promised->main = clock->main;
    promised->clauses = clock->clauses;
    promised->n_clauses = clock->n_clauses;
    registered->promised =
        arena_grow(turn_arena(turn), registered->promised, registered->n_promised, sizeof *registered->promised);
    registered->promised[registered->n_promised++] = promised;
}

/* Clocks that have met their stop already (settled on the spot) promise nothing. */
static void promise_clock(struct turn *turn, struct intake_new *fresh, const Policy__Clock *clock,
                          const struct happening *happenings, size_t count)
{
    struct promise context = {turn, fresh};
    struct judge_rules rules = {.clock = clock,
                                .defaults = fresh->policy->defaults,
                                .calendar = calendar_by_name,
                                .holds = holds,
                                .instant = instant,
                                .context = &context};
    size_t runs_count = 0;
    const struct run *runs = clock_judge(&rules, happenings, count, turn_now(turn), turn_arena(turn), &runs_count);
    const struct run *run = runs_count ? &runs[runs_count - 1] : NULL;
    if (run && run->due_ms && (run->state == RUN_RUNNING || run->state == RUN_PAUSED))
        add_promised(turn, fresh, clock, run);
}

void intake_promise(struct turn *turn, struct intake_new *fresh)
{
    struct happening happenings[2];
    size_t count = happenings_of(turn, fresh, happenings);
    for (size_t i = 0; i < fresh->kind->n_clocks && fresh->registered->n_promised < INTAKE_PROMISED_MAX; i++)
        if (!*fresh->kind->clocks[i]->each) /* those of parts are staff's */
            promise_clock(turn, fresh, fresh->kind->clocks[i], happenings, count);
}
