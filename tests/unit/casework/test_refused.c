/* ActionRefused is the trace of who wanted what he may not: at most one per account, case, step and minute, so that a
   button pressed in anger does not fill the log. */
#include "../support/puppet.h"

#include "casework.h"

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_intake, "intake", HB__SERVICE__INTAKE);

static Policy__Step *coordinators(struct world *world, Policy__Step *step)
{
    step->label = world_label(world, step->name, step->name);
    step->by = LIST(world, Policy__Who *, &step->n_by, world_who(world, "coordinator"));
    step->clauses = LIST(world, char *, &step->n_clauses, arena_printf(&world->arena, "TEST-%s", step->name));
    return step;
}

static void publish(struct world *world)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW),
                        world_stage(world, "handling", POLICY__PHASE__WORKING),
                        world_stage(world, "closed", POLICY__PHASE__CLOSED));
    for (size_t i = 0; i < kind->n_stages; i++)
        kind->stages[i]->label = world_label(world, kind->stages[i]->name, kind->stages[i]->name);
    kind->steps = LIST(world, Policy__Step *, &kind->n_steps,
                       coordinators(world, world_step(world, "accept", "registered", "handling")),
                       coordinators(world, world_step(world, "settle", "registered", "closed")),
                       coordinators(world, world_step(world, "close", "handling", "closed")));
    Policy__StepBy *own = MAKE(world, Policy__StepBy, POLICY__STEP_BY__INIT); /* of accept, where `service` leads */
    own->department = "service";
    own->by = LIST(world, Policy__Who *, &own->n_by, world_who(world, "coordinator"));
    own->clauses = LIST(world, char *, &own->n_clauses, arena_strdup(&world->arena, "TEST-own"));
    kind->steps[0]->department_by = LIST(world, Policy__StepBy *, &kind->steps[0]->n_department_by, own);
    Policy__Rule *guard = MAKE(world, Policy__Rule, POLICY__RULE__INIT); /* nothing is settled on the spot */
    guard->name = "no_settling";
    guard->before = "settle";
    guard->condition = world_condition(world, "never_given", NULL);
    guard->clauses = LIST(world, char *, &guard->n_clauses, arena_strdup(&world->arena, "TEST-guard"));
    guard->refuse = world_label(world, "不行", "no");
    kind->rules = LIST(world, Policy__Rule *, &kind->n_rules, guard);
    Policy__Policy policy = POLICY__POLICY__INIT;
    policy.site = "garden";
    policy.version = 1;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    world_publish(world, &policy);
}

static void register_case(struct world *world, uint64_t case_id, const char *lead)
{
    Hb__Event *event = world_registered(world, case_id, "repair");
    if (lead)
        world_fact_add(world, event, "lead", lead);
    puppet_say(world, HB__SERVICE__INTAKE, event);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &puppet_intake, &casework_service};
    world_open(world, services, 3, 11);
    world_site(world, "garden");
    world_department(world, "service", "lin");
    world_person(world, "qian", "coordinator", "service", false);
    world_person(world, "wang", "technician", "service", false);
    world_person(world, "zhang", "technician", "service", false);
    world_person(world, "lin", "coordinator", "service", false);
    world_account(world, "lin", "*");
    world_account(world, "qian", "act");
    world_account(world, "wang", "act");
    world_account(world, "zhang", "act");
    publish(world);
    register_case(world, 1, NULL);
    register_case(world, 2, NULL);
    register_case(world, 3, "service");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

/* The status of what is answered; 0: taken. */
static unsigned act(struct world *world, const char *person, uint64_t case_id, const char *step)
{
    Hb__Command command = HB__COMMAND__INIT;
    Casework__Command payload = CASEWORK__COMMAND__INIT;
    Casework__Act taken = CASEWORK__ACT__INIT;
    command.actor = world_actor(world, person);
    command.account = command.actor->account;
    command.case_id = case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command.casework = &payload;
    payload.kind_case = CASEWORK__COMMAND__KIND_ACT;
    payload.act = &taken;
    taken.step = (char *)(uintptr_t)step;
    const Hb__CommandReply *reply = world_command(world, HB__SERVICE__CASEWORK, &command);
    return reply->refused ? reply->refused->status : 0;
}

static unsigned told(struct world *world)
{
    const struct world_last *said = world_said(world, HB__SERVICE__CASEWORK);
    unsigned count = 0;
    for (unsigned i = 0; i < said->count; i++)
        count += said->events[i]->casework->kind_case == CASEWORK__EVENT__KIND_ACTION_REFUSED;
    return count;
}

static void wait_until(struct world *world, int64_t ms)
{
    simulation_run(world->simulation, ms);
    assert_int_equal(simulation_now(world->simulation), ms);
}

static void once_a_minute_per_account_case_and_step(void **state)
{
    struct world *world = *state;
    int64_t first = simulation_now(world->simulation);
    assert_int_equal(act(world, "wang", 1, "accept"), 403);
    assert_int_equal(told(world), 1);
    const struct world_last *said = world_said(world, HB__SERVICE__CASEWORK);
    const Hb__Event *event = said->events[said->count - 1];
    assert_int_equal(event->case_id, 1);
    assert_string_equal(event->actor->account, "a-wang");
    assert_string_equal(event->casework->action_refused->step, "accept");
    assert_string_equal(event->clauses[0], "TEST-accept");
    for (unsigned i = 0; i < 5; i++) /* each is refused, none is told */
        assert_int_equal(act(world, "wang", 1, "accept"), 403);
    assert_int_equal(told(world), 1);
    assert_int_equal(act(world, "zhang", 1, "accept"), 403);
    assert_int_equal(told(world), 2);
    assert_int_equal(act(world, "wang", 2, "accept"), 403);
    assert_int_equal(told(world), 3);
    assert_int_equal(act(world, "wang", 1, "settle"), 403);
    assert_int_equal(told(world), 4);
    wait_until(world, first + CASEWORK_REFUSAL_THROTTLE_MS - 1);
    assert_int_equal(act(world, "wang", 1, "accept"), 403);
    assert_int_equal(told(world), 4);
    wait_until(world, first + CASEWORK_REFUSAL_THROTTLE_MS);
    assert_int_equal(act(world, "wang", 1, "accept"), 403);
    assert_int_equal(told(world), 5);
    wait_until(world, first + 2 * CASEWORK_REFUSAL_THROTTLE_MS - 1); /* the minute counts from what was told last */
    assert_int_equal(act(world, "wang", 1, "accept"), 403);
    assert_int_equal(told(world), 5);
}

/* A crash in the minute does not let it be told again. */
static void a_restart_forgets_nothing(void **state)
{
    struct world *world = *state;
    assert_int_equal(act(world, "wang", 1, "accept"), 403);
    simulation_down(world->simulation, HB__SERVICE__CASEWORK);
    simulation_up(world->simulation, HB__SERVICE__CASEWORK);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(act(world, "wang", 1, "accept"), 403);
    assert_int_equal(told(world), 1);
}

/* Under a guard with a clause it is told as well, for want of the right stage it is not. */
static void a_guard_leaves_a_trace_a_stage_does_not(void **state)
{
    struct world *world = *state;
    assert_int_equal(act(world, "qian", 1, "settle"), 409);
    assert_int_equal(act(world, "qian", 1, "settle"), 409);
    assert_int_equal(told(world), 1);
    assert_int_equal(act(world, "qian", 1, "close"), 409); /* not at that stage */
    assert_int_equal(told(world), 1);
    assert_int_equal(act(world, "qian", 1, "accept"), 0);
    assert_int_equal(told(world), 1);
}

static const char *shown_under(struct world *world, uint64_t case_id, const char *step)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query payload = CASEWORK__QUERY__INIT;
    Casework__GetCase get = CASEWORK__GET_CASE__INIT;
    query.actor = world_actor(world, "lin");
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &payload;
    payload.kind_case = CASEWORK__QUERY__KIND_GET;
    payload.get = &get;
    get.case_id = case_id;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__CASEWORK, &query, &world->arena);
    const Casework__CaseFile *file = reply->casework->file;
    for (size_t i = 0; i < file->n_allowed; i++)
        if (strcmp(file->allowed[i]->step, step) == 0)
            return file->allowed[i]->clauses[0];
    return "";
}

/* Whom a department names for a step stands under the department's clause wherever that is said. */
static void what_a_department_says_stands_under_its_clause(void **state)
{
    struct world *world = *state;
    assert_string_equal(shown_under(world, 1, "accept"), "TEST-accept");
    assert_string_equal(shown_under(world, 3, "accept"), "TEST-own");
    assert_int_equal(act(world, "wang", 3, "accept"), 403);
    const struct world_last *said = world_said(world, HB__SERVICE__CASEWORK);
    assert_string_equal(said->events[said->count - 1]->clauses[0], "TEST-own");
    assert_int_equal(act(world, "qian", 3, "accept"), 0);
    said = world_said(world, HB__SERVICE__CASEWORK);
    const Hb__Event *taken = said->events[said->count - 1];
    assert_int_equal(taken->casework->kind_case, CASEWORK__EVENT__KIND_STEP_TAKEN);
    assert_int_equal(taken->n_clauses, 1);
    assert_string_equal(taken->clauses[0], "TEST-own");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(once_a_minute_per_account_case_and_step, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_forgets_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_guard_leaves_a_trace_a_stage_does_not, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_department_says_stands_under_its_clause, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
