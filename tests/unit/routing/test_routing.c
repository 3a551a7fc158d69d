/* Routing alone in the simulator, with puppets for those it hears: who leads, who handles, and who is given back what.
 */
#include "../support/puppet.h"

#include "routing.h"

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_intake, "intake", HB__SERVICE__INTAKE);
PUPPET(puppet_casework, "casework", HB__SERVICE__CASEWORK);
PUPPET(puppet_escalation, "escalation", HB__SERVICE__ESCALATION);

static void publish(struct world *world)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW),
                        world_stage(world, "handling", POLICY__PHASE__WORKING),
                        world_stage(world, "closed", POLICY__PHASE__CLOSED));
    kind->steps =
        LIST(world, Policy__Step *, &kind->n_steps, world_step(world, "accept", "registered", "handling"),
             world_step(world, "close", "handling", "closed"), world_step(world, "reopen", "closed", "handling"));
    Policy__RouteRow *joint = world_route(world, "joint", "severity", "major", "engineering");
    joint->joint =
        LIST(world, Policy__Who *, &joint->n_joint, world_who(world, "service"), world_who(world, "engineering"));
    /* `trade` is known of no case here: this row can never be judged */
    kind->route = LIST(world, Policy__RouteRow *, &kind->n_route, joint,
                       world_route(world, "electric", "trade", "electric", "engineering"),
                       world_route(world, "long", NULL, NULL, "service"));
    kind->route[2]->condition = world_later(world, "promised_at", 3, "received_at");
    Policy__Policy policy = POLICY__POLICY__INIT;
    policy.site = "garden";
    policy.version = 1;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    policy.categories = LIST(world, Policy__Category *, &policy.n_categories,
                             world_category(world, "lift", "engineering"), world_category(world, "billing", "service"));
    world_publish(world, &policy);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &puppet_intake, &puppet_casework,
                                                     &puppet_escalation, &routing_service};
    world_open(world, services, 5, 7);
    world_site(world, "garden");
    world_department(world, "engineering", "hao");
    world_department(world, "service", "lin");
    world_person(world, "hao", "engineering_head", "engineering", false);
    world_person(world, "wang", "technician", "engineering", false);
    world_person(world, "zhang", "technician", "engineering", false);
    world_person(world, "lin", "service_head", "service", false);
    world_person(world, "qian", "coordinator", "service", false);
    world_account(world, "qian", "read");
    publish(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

/* ---- what the puppets say ---- */

static Hb__Event *new_registered(struct world *world, uint64_t case_id, const char *category)
{
    Hb__Event *event = world_registered(world, case_id, "repair");
    event->intake->registered->category = (char *)(uintptr_t)category;
    world_fact_add(world, event, "kind", "repair");
    world_fact_add(world, event, "category", category);
    return event;
}

static void register_case(struct world *world, uint64_t case_id, const char *category)
{
    puppet_say(world, HB__SERVICE__INTAKE, new_registered(world, case_id, category));
}

static void step_event(struct world *world, uint64_t case_id, const char *step, Policy__Phase phase)
{
    Hb__Event event = HB__EVENT__INIT;
    Casework__Event payload = CASEWORK__EVENT__INIT;
    Casework__StepTaken taken = CASEWORK__STEP_TAKEN__INIT;
    event.site = "garden";
    event.case_id = case_id;
    event.policy_version = 1;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &payload;
    payload.kind_case = CASEWORK__EVENT__KIND_STEP_TAKEN;
    payload.step_taken = &taken;
    taken.step = (char *)(uintptr_t)step;
    taken.phase = phase;
    puppet_say(world, HB__SERVICE__CASEWORK, &event);
}

static void level_event(struct world *world, uint64_t case_id, const char *hand_to, bool history)
{
    Hb__Event event = HB__EVENT__INIT;
    Escalation__Event payload = ESCALATION__EVENT__INIT;
    Escalation__LevelReached reached = ESCALATION__LEVEL_REACHED__INIT;
    event.site = "garden";
    event.case_id = case_id;
    event.history = history;
    event.payload_case = HB__EVENT__PAYLOAD_ESCALATION;
    event.escalation = &payload;
    payload.kind_case = ESCALATION__EVENT__KIND_REACHED;
    payload.reached = &reached;
    reached.hand_to = (char *)(uintptr_t)hand_to;
    puppet_say(world, HB__SERVICE__ESCALATION, &event);
}

/* ---- what routing said ---- */

static unsigned routed_count(struct world *world, uint64_t case_id)
{
    const struct world_last *said = world_said(world, HB__SERVICE__ROUTING);
    unsigned count = 0;
    for (unsigned i = 0; i < said->count; i++)
        count +=
            said->events[i]->case_id == case_id && said->events[i]->routing->kind_case == ROUTING__EVENT__KIND_ROUTED;
    return count;
}

static const Hb__Event *last_event(struct world *world, uint64_t case_id, Routing__Event__KindCase kind)
{
    const struct world_last *said = world_said(world, HB__SERVICE__ROUTING);
    const Hb__Event *last = NULL;
    for (unsigned i = 0; i < said->count; i++)
        if (said->events[i]->case_id == case_id && said->events[i]->routing->kind_case == kind)
            last = said->events[i];
    return last;
}

static const Routing__CaseRouted *last_routed(struct world *world, uint64_t case_id)
{
    const Hb__Event *event = last_event(world, case_id, ROUTING__EVENT__KIND_ROUTED);
    assert_non_null(event);
    return event->routing->routed;
}

static unsigned open_of(struct world *world, const char *department, const char *person)
{
    Hb__Query query = HB__QUERY__INIT;
    Routing__Query payload = ROUTING__QUERY__INIT;
    Routing__Workload workload = ROUTING__WORKLOAD__INIT;
    query.site = "garden";
    query.actor = world_actor(world, "qian");
    query.payload_case = HB__QUERY__PAYLOAD_ROUTING;
    query.routing = &payload;
    payload.kind_case = ROUTING__QUERY__KIND_WORKLOAD;
    payload.workload = &workload;
    workload.department = (char *)(uintptr_t)department;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__ROUTING, &query, &world->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    const Routing__Loads *loads = reply->routing->loads;
    for (size_t i = 0; i < loads->n_loads; i++)
        if (strcmp(loads->loads[i]->person, person) == 0)
            return loads->loads[i]->open;
    fail_msg("%s is no member of %s", person, department);
    return 0;
}

/* ---- the tests ---- */

static void the_category_decides_when_no_row_does(void **state)
{
    struct world *world = *state;
    register_case(world, 1, "lift");
    const Routing__CaseRouted *routed = last_routed(world, 1);
    assert_string_equal(routed->lead, "engineering");
    assert_string_equal(routed->row, "category");
    assert_string_equal(routed->handler, "wang"); /* not the head; of two with nothing to do the first by id */
    assert_string_equal(routed->first_contact, "engineering");
    assert_int_equal(routed->times, 1);
    /* the row that could not be judged is told of */
    const Hb__Event *problem = last_event(world, 1, ROUTING__EVENT__KIND_PROBLEM);
    assert_non_null(problem);
    assert_string_equal(problem->routing->problem->row, "electric");
    const Hb__Event *event = last_event(world, 1, ROUTING__EVENT__KIND_ROUTED);
    assert_string_equal(world_fact(event, "lead")->text, "engineering");
    assert_string_equal(world_fact(event, "handler")->text, "wang");
    assert_int_equal(event->policy_version, 1);
}

static void the_first_row_that_holds_leads(void **state)
{
    struct world *world = *state;
    Hb__Event *event = new_registered(world, 2, "billing");
    world_fact_add(world, event, "severity", "major");
    event->actor = world_actor(world, "qian");
    puppet_say(world, HB__SERVICE__INTAKE, event);
    const Routing__CaseRouted *routed = last_routed(world, 2);
    assert_string_equal(routed->row, "joint");
    assert_string_equal(routed->lead, "engineering");
    assert_int_equal(routed->n_joint, 1); /* the lead itself is not joint */
    assert_string_equal(routed->joint[0], "service");
    assert_string_equal(routed->first_contact, "qian"); /* who took the call */
    const Hb__Event *said = last_event(world, 2, ROUTING__EVENT__KIND_ROUTED);
    assert_int_equal(said->n_clauses, 1);
    assert_string_equal(said->clauses[0], "TEST-joint");
}

static void add_time(struct world *world, Hb__Event *event, const char *name, int64_t ms)
{
    world_fact_add(world, event, name, "");
    Hb__Value *value = event->facts[event->n_facts - 1]->value;
    value->kind_case = HB__VALUE__KIND_TIME_MS;
    value->time_ms = ms;
}

/* Received on Monday at 10:00: three working days end on Thursday at 18:00, in 80 hours. */
static void a_row_counts_working_days_from_a_fact(void **state)
{
    struct world *world = *state;
    int64_t close = PUPPET_START_MS + 80 * PUPPET_HOUR_MS;
    Hb__Event *event = new_registered(world, 8, "lift");
    add_time(world, event, "received_at", PUPPET_START_MS);
    add_time(world, event, "promised_at", close);
    puppet_say(world, HB__SERVICE__INTAKE, event);
    assert_string_equal(last_routed(world, 8)->row, "category");
    event = new_registered(world, 9, "lift");
    add_time(world, event, "received_at", PUPPET_START_MS);
    add_time(world, event, "promised_at", close + 1);
    puppet_say(world, HB__SERVICE__INTAKE, event);
    assert_string_equal(last_routed(world, 9)->row, "long");
    assert_string_equal(last_routed(world, 9)->lead, "service");
}

static void nobody_is_left_without_an_owner(void **state)
{
    struct world *world = *state;
    register_case(world, 3, "unheard_of");
    const Routing__CaseRouted *routed = last_routed(world, 3);
    assert_string_equal(routed->row, "fallback");
    assert_string_equal(routed->lead, "service"); /* the coordinator's */
    assert_string_equal(routed->handler, "qian");
    const Hb__Event *problem = last_event(world, 3, ROUTING__EVENT__KIND_PROBLEM);
    assert_string_equal(problem->routing->problem->row, "fallback");
}

static void a_named_department_is_adopted_if_it_exists(void **state)
{
    struct world *world = *state;
    Hb__Event *event = new_registered(world, 4, "lift");
    event->intake->registered->department = "service";
    event->intake->registered->source = "boston";
    event->intake->registered->external_id = "101";
    puppet_say(world, HB__SERVICE__INTAKE, event);
    assert_string_equal(last_routed(world, 4)->lead, "service");
    assert_string_equal(last_routed(world, 4)->row, "import");
    event = new_registered(world, 5, "lift");
    event->intake->registered->department = "no_such";
    puppet_say(world, HB__SERVICE__INTAKE, event);
    assert_string_equal(last_routed(world, 5)->lead, "engineering");
    assert_string_equal(last_routed(world, 5)->row, "category");
    event = new_registered(world, 6, "lift"); /* a rule may name a person */
    event->intake->registered->department = "zhang";
    event->intake->registered->requested_by = MAKE(world, Hb__Position, HB__POSITION__INIT);
    puppet_say(world, HB__SERVICE__INTAKE, event);
    assert_string_equal(last_routed(world, 6)->lead, "engineering");
    assert_string_equal(last_routed(world, 6)->handler, "zhang");
    assert_string_equal(last_routed(world, 6)->row, "request");
    world_person_deputy(world, "zhang", "technician", "engineering", true, "hao");
    event = new_registered(world, 7, "lift");
    event->intake->registered->department = "zhang";
    puppet_say(world, HB__SERVICE__INTAKE, event);
    assert_string_equal(last_routed(world, 7)->handler, "hao"); /* the deputy */
}

static void work_is_spread_over_those_present(void **state)
{
    struct world *world = *state;
    for (uint64_t id = 10; id < 14; id++)
        register_case(world, id, "lift");
    assert_string_equal(last_routed(world, 10)->handler, "wang");
    assert_string_equal(last_routed(world, 11)->handler, "zhang");
    assert_string_equal(last_routed(world, 12)->handler, "wang");
    assert_string_equal(last_routed(world, 13)->handler, "zhang");
    assert_int_equal(open_of(world, "engineering", "wang"), 2);
    step_event(world, 11, "accept", POLICY__PHASE__WORKING);
    step_event(world, 11, "close", POLICY__PHASE__CLOSED);
    assert_int_equal(open_of(world, "engineering", "zhang"), 1);
    register_case(world, 14, "lift");
    assert_string_equal(last_routed(world, 14)->handler, "zhang");
    world_person(world, "wang", "technician", "engineering", true);
    register_case(world, 15, "lift");
    assert_string_equal(last_routed(world, 15)->handler, "zhang");
    world_person(world, "zhang", "technician", "engineering", true);
    register_case(world, 16, "lift");
    assert_string_equal(last_routed(world, 16)->handler, "hao"); /* only the head is there */
    world_person(world, "hao", "engineering_head", "engineering", true);
    register_case(world, 17, "lift");
    assert_string_equal(last_routed(world, 17)->handler, ""); /* the department owns it */
    assert_string_equal(last_routed(world, 17)->lead, "engineering");
}

static void who_must_not_handle_it_does_not(void **state)
{
    struct world *world = *state;
    Hb__Event *event = new_registered(world, 20, "lift");
    event->intake->registered->not_by = "wang";
    puppet_say(world, HB__SERVICE__INTAKE, event);
    assert_string_equal(last_routed(world, 20)->handler, "zhang");
}

static void a_returned_case_goes_to_the_coordinator(void **state)
{
    struct world *world = *state;
    register_case(world, 30, "lift");
    assert_int_equal(open_of(world, "engineering", "wang"), 1);
    step_event(world, 30, "return_case", POLICY__PHASE__NEW);
    const Routing__CaseRouted *routed = last_routed(world, 30);
    assert_string_equal(routed->row, "returned");
    assert_string_equal(routed->lead, "service");
    assert_string_equal(routed->handler, "qian");
    assert_int_equal(routed->times, 2);
    assert_string_equal(routed->first_contact, "engineering"); /* whoever was first stays so */
    assert_int_equal(open_of(world, "engineering", "wang"), 0);
    assert_int_equal(open_of(world, "service", "qian"), 1);
    step_event(world, 30, "accept", POLICY__PHASE__WORKING);
    assert_int_equal(routed_count(world, 30), 2); /* once only */
}

static void withdraw(struct world *world, const char *person, const char *post_name, const char *department)
{
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__PostWithdrawn withdrawn = DIRECTORY__POST_WITHDRAWN__INIT;
    Directory__Post post = DIRECTORY__POST__INIT;
    post.post = (char *)(uintptr_t)post_name;
    post.department = (char *)(uintptr_t)department;
    post.site = "garden";
    withdrawn.person = (char *)(uintptr_t)person;
    withdrawn.post = &post;
    payload.kind_case = DIRECTORY__EVENT__KIND_POST_WITHDRAWN;
    payload.post_withdrawn = &withdrawn;
    world_directory(world, &payload);
}

/* More than a step of the job gives back: all that are open of this department, and nothing else. */
static void who_loses_the_post_gives_all_of_it_back(void **state)
{
    struct world *world = *state;
    for (uint64_t id = 100; id < 180; id++)
        register_case(world, id, "lift");
    assert_int_equal(open_of(world, "engineering", "wang"), 40);
    step_event(world, 100, "accept", POLICY__PHASE__WORKING);
    step_event(world, 100, "close", POLICY__PHASE__CLOSED);
    world_person(world, "wang", "coordinator", "service", false);
    world_person(world, "qian", "coordinator", "service", true);
    register_case(world, 180, "unheard_of");
    assert_string_equal(last_routed(world, 180)->handler, "wang");
    withdraw(world, "wang", "technician", "engineering");
    assert_int_equal(open_of(world, "engineering", "zhang"), 79);
    assert_int_equal(open_of(world, "service", "wang"), 1);
    assert_int_equal(routed_count(world, 100), 1);
    assert_int_equal(routed_count(world, 180), 1);
    const Hb__Event *event = last_event(world, 178, ROUTING__EVENT__KIND_ROUTED);
    assert_string_equal(event->routing->routed->row, "post_withdrawn");
    assert_string_equal(event->routing->routed->lead, "engineering");
    assert_string_equal(event->routing->routed->handler, "zhang");
    assert_string_equal(world_fact(event, "post_withdrawn")->text, "technician");
    world_person(world, "zhang", "technician", "engineering", false);
    withdraw(world, "zhang", "technician", "engineering"); /* has it again meanwhile: nothing is given back */
    assert_int_equal(open_of(world, "engineering", "zhang"), 79);
}

static void an_escalation_hands_the_case_over(void **state)
{
    struct world *world = *state;
    register_case(world, 40, "lift");
    level_event(world, 40, "hao", true); /* of a history nobody takes over */
    assert_int_equal(routed_count(world, 40), 1);
    level_event(world, 40, "hao", false);
    const Routing__CaseRouted *routed = last_routed(world, 40);
    assert_string_equal(routed->row, "escalation");
    assert_string_equal(routed->handler, "hao");
    assert_string_equal(routed->lead, "engineering");
    level_event(world, 40, "hao", false); /* has it already */
    level_event(world, 40, "", false);
    assert_int_equal(routed_count(world, 40), 2);
    assert_int_equal(open_of(world, "engineering", "hao"), 1);
    assert_int_equal(open_of(world, "engineering", "wang"), 0);
}

static void reopened_it_comes_back_to_its_handler(void **state)
{
    struct world *world = *state;
    register_case(world, 50, "lift");
    step_event(world, 50, "close", POLICY__PHASE__CLOSED);
    assert_int_equal(open_of(world, "engineering", "wang"), 0);
    step_event(world, 50, "reopen", POLICY__PHASE__WORKING);
    assert_int_equal(routed_count(world, 50), 1);
    assert_int_equal(open_of(world, "engineering", "wang"), 1);
    step_event(world, 50, "close", POLICY__PHASE__CLOSED);
    world_person(world, "wang", "technician", "engineering", true);
    step_event(world, 50, "reopen", POLICY__PHASE__WORKING);
    assert_string_equal(last_routed(world, 50)->handler, "zhang");
    assert_string_equal(last_routed(world, 50)->row, "reopened");
    assert_int_equal(open_of(world, "engineering", "wang"), 0);
    assert_int_equal(open_of(world, "engineering", "zhang"), 1);
}

static void history_bears_its_own_time_and_burdens_nobody(void **state)
{
    struct world *world = *state;
    const int64_t long_ago = PUPPET_START_MS - 1000 * PUPPET_HOUR_MS;
    Hb__Event *event = new_registered(world, 60, "lift");
    event->history = true;
    event->occurred_ms = long_ago;
    Intake__History *history = MAKE(world, Intake__History, INTAKE__HISTORY__INIT);
    Intake__HistoricStep *accept = MAKE(world, Intake__HistoricStep, INTAKE__HISTORIC_STEP__INIT);
    Intake__HistoricStep *close = MAKE(world, Intake__HistoricStep, INTAKE__HISTORIC_STEP__INIT);
    accept->step = "accept";
    close->step = "close";
    history->steps = LIST(world, Intake__HistoricStep *, &history->n_steps, accept, close);
    event->intake->registered->history = history;
    event->intake->registered->historic = true;
    puppet_say(world, HB__SERVICE__INTAKE, event);
    const Hb__Event *routed = last_event(world, 60, ROUTING__EVENT__KIND_ROUTED);
    assert_true(routed->history);
    assert_int_equal(routed->occurred_ms, long_ago);
    assert_string_equal(routed->routing->routed->lead, "engineering");
    assert_string_equal(routed->routing->routed->handler, "");
    assert_int_equal(open_of(world, "engineering", "wang"), 0);
}

static void steps_wait_for_the_case(void **state)
{
    struct world *world = *state;
    step_event(world, 70, "return_case", POLICY__PHASE__NEW); /* heard before its registration */
    assert_int_equal(routed_count(world, 70), 0);
    register_case(world, 70, "lift");
    assert_int_equal(routed_count(world, 70), 2);
    assert_string_equal(last_routed(world, 70)->row, "returned");
}

static void it_says_why(void **state)
{
    struct world *world = *state;
    register_case(world, 80, "lift");
    step_event(world, 80, "return_case", POLICY__PHASE__NEW);
    Hb__Query query = HB__QUERY__INIT;
    Routing__Query payload = ROUTING__QUERY__INIT;
    Routing__WhyRouted why = ROUTING__WHY_ROUTED__INIT;
    query.site = "garden";
    query.actor = world_actor(world, "qian");
    query.payload_case = HB__QUERY__PAYLOAD_ROUTING;
    query.routing = &payload;
    payload.kind_case = ROUTING__QUERY__KIND_WHY;
    payload.why = &why;
    why.case_id = 80;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__ROUTING, &query, &world->arena);
    assert_null(reply->refused);
    assert_int_equal(reply->routing->why->n_routed, 2);
    assert_string_equal(reply->routing->why->routed[0]->row, "category");
    assert_string_equal(reply->routing->why->routed[1]->row, "returned");
    why.case_id = 81;
    reply = simulation_query(world->simulation, HB__SERVICE__ROUTING, &query, &world->arena);
    assert_int_equal(reply->refused->status, 404);
    why.case_id = 80;
    query.actor = world_actor(world, "wang"); /* has no account */
    reply = simulation_query(world->simulation, HB__SERVICE__ROUTING, &query, &world->arena);
    assert_int_equal(reply->refused->status, 403);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_category_decides_when_no_row_does),
        WITH_WORLD(the_first_row_that_holds_leads),
        WITH_WORLD(a_row_counts_working_days_from_a_fact),
        WITH_WORLD(nobody_is_left_without_an_owner),
        WITH_WORLD(a_named_department_is_adopted_if_it_exists),
        WITH_WORLD(work_is_spread_over_those_present),
        WITH_WORLD(who_must_not_handle_it_does_not),
        WITH_WORLD(a_returned_case_goes_to_the_coordinator),
        WITH_WORLD(who_loses_the_post_gives_all_of_it_back),
        WITH_WORLD(an_escalation_hands_the_case_over),
        WITH_WORLD(reopened_it_comes_back_to_its_handler),
        WITH_WORLD(history_bears_its_own_time_and_burdens_nobody),
        WITH_WORLD(steps_wait_for_the_case),
        WITH_WORLD(it_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
