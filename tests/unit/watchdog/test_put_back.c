/* A machine's clock that is put back, or one that is behind another's: what is done to a case may bear an earlier time
   than its registration. It was done to a registered case all the same. */
#include "../support/puppet.h"

#include "watchdog.h"

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_intake, "intake", HB__SERVICE__INTAKE);
PUPPET(puppet_casework, "casework", HB__SERVICE__CASEWORK);

#define CASE 1u
#define AHEAD_MS 30000 /* a step of up to 60 s passes unseen */

/* Each round: two hours from its beginning until the case is closed. */
static Policy__Clock *answer_clock(struct world *world)
{
    Policy__Clock *clock = MAKE(world, Policy__Clock, POLICY__CLOCK__INIT);
    Policy__Trigger *registered = MAKE(world, Policy__Trigger, POLICY__TRIGGER__INIT);
    Policy__Trigger *reopened = MAKE(world, Policy__Trigger, POLICY__TRIGGER__INIT);
    Policy__Trigger *closed = MAKE(world, Policy__Trigger, POLICY__TRIGGER__INIT);
    Policy__Term *term = MAKE(world, Policy__Term, POLICY__TERM__INIT);
    Policy__LimitRow *limit = MAKE(world, Policy__LimitRow, POLICY__LIMIT_ROW__INIT);
    registered->name = "registered";
    reopened->type = POLICY__TRIGGER__TYPE__STEP;
    reopened->name = "reopen";
    closed->name = "closed";
    term->unit = POLICY__TERM__UNIT__HOURS;
    term->amount = 2;
    limit->terms = LIST(world, Policy__Term *, &limit->n_terms, term);
    clock->name = "answer";
    clock->main = true;
    clock->clauses = LIST(world, char *, &clock->n_clauses, "TEST-1");
    clock->start = LIST(world, Policy__Trigger *, &clock->n_start, registered, reopened);
    clock->stop = LIST(world, Policy__Trigger *, &clock->n_stop, closed);
    clock->limit = LIST(world, Policy__LimitRow *, &clock->n_limit, limit);
    return clock;
}

static void publish(struct world *world)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW),
                        world_stage(world, "handling", POLICY__PHASE__WORKING),
                        world_stage(world, "closed", POLICY__PHASE__CLOSED));
    kind->steps = LIST(world, Policy__Step *, &kind->n_steps, world_step(world, "settle", "registered", "closed"),
                       world_step(world, "reopen", "closed", "handling"));
    kind->clocks = LIST(world, Policy__Clock *, &kind->n_clocks, answer_clock(world));
    Policy__Policy policy = POLICY__POLICY__INIT;
    policy.site = "garden";
    policy.version = 1;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    world_publish(world, &policy);
}

static void take(struct world *world, const char *step, const char *from, const char *stage, Policy__Phase phase,
                 uint32_t round)
{
    Hb__Event event = HB__EVENT__INIT;
    Casework__Event payload = CASEWORK__EVENT__INIT;
    Casework__StepTaken taken = CASEWORK__STEP_TAKEN__INIT;
    event.site = "garden";
    event.case_id = CASE;
    event.policy_version = 1;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &payload;
    payload.kind_case = CASEWORK__EVENT__KIND_STEP_TAKEN;
    payload.step_taken = &taken;
    taken.step = (char *)(uintptr_t)step;
    taken.from = (char *)(uintptr_t)from;
    taken.stage = (char *)(uintptr_t)stage;
    taken.phase = phase;
    taken.round = round;
    puppet_tell(world, HB__SERVICE__CASEWORK, &event);
}

static int64_t first_recorded_ms(struct world *world, Hb__Service service)
{
    const struct world_last *said = world_said(world, service);
    assert_true(said->count > 0);
    return said->events[0]->recorded_ms;
}

/* "armed:1 met:1 armed:2": what watchdog said of the rounds of the case. */
static const char *said(struct world *world)
{
    const struct world_last *list = world_said(world, HB__SERVICE__WATCHDOG);
    const char *text = "";
    for (unsigned i = 0; i < list->count; i++) {
        const Watchdog__Event *one = list->events[i]->watchdog;
        const char *what = "";
        const Watchdog__Instance *run = NULL;
        if (one->kind_case == WATCHDOG__EVENT__KIND_ARMED)
            what = "armed", run = one->armed->instance;
        if (one->kind_case == WATCHDOG__EVENT__KIND_MET)
            what = "met", run = one->met->instance;
        if (one->kind_case == WATCHDOG__EVENT__KIND_CANCELLED)
            what = "cancelled", run = one->cancelled->instance;
        if (one->kind_case == WATCHDOG__EVENT__KIND_MISSED)
            what = "missed", run = one->missed->instance;
        if (run)
            text = arena_printf(&world->arena, "%s%s%s:%u", text, *text ? " " : "", what, run->round);
    }
    return text;
}

/* Casework stands still while intake's clock is ahead, so that nothing it promised keeps it from the earlier time. */
static void settled_before_it_was_registered(void **state)
{
    (void)state;
    static const struct service *const services[] = {&puppet_directory, &puppet_intake, &puppet_casework,
                                                     &watchdog_service};
    struct world world = {0};
    world_open(&world, services, 4, 26);
    world_site(&world, "garden");
    publish(&world);
    simulation_down(world.simulation, HB__SERVICE__CASEWORK);
    simulation_clock_jump(world.simulation, AHEAD_MS);
    puppet_tell(&world, HB__SERVICE__INTAKE, world_registered(&world, CASE, "repair"));
    simulation_clock_jump(world.simulation, -AHEAD_MS);
    simulation_up(world.simulation, HB__SERVICE__CASEWORK);
    take(&world, "settle", "registered", "closed", POLICY__PHASE__CLOSED, 1);
    assert_true(first_recorded_ms(&world, HB__SERVICE__CASEWORK) < first_recorded_ms(&world, HB__SERVICE__INTAKE));
    take(&world, "reopen", "closed", "handling", POLICY__PHASE__WORKING, 2);
    simulation_run(world.simulation, simulation_now(world.simulation) + PUPPET_HOUR_MS);
    assert_string_equal(said(&world), "armed:1 met:1 armed:2");
    simulation_run(world.simulation, simulation_now(world.simulation) + 3 * PUPPET_HOUR_MS);
    assert_string_equal(said(&world), "armed:1 met:1 armed:2 missed:2");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(settled_before_it_was_registered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
