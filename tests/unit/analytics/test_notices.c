/* Public notices: however many are over, a page looks at so many of them and the cursor goes on from there. */
#include "../support/puppet.h"

#include "analytics.h"

#define OVER 250u /* more than one page looks at */
#define A_COMMAND 50u

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_casework, "casework", HB__SERVICE__CASEWORK);

/* So many notices; "1" ends in a year, all others in an hour. */
static void register_many(struct turn *turn, const Hb__Command *command)
{
    unsigned from, count;
    bug_unless(sscanf((const char *)command->toy.data, "%u %u", &from, &count) == 2);
    for (unsigned i = from; i < from + count; i++) {
        Hb__Event *event = turn_event(turn, "garden", i);
        Intake__CaseRegistered *registered = TURN_NEW(turn, Intake__CaseRegistered, intake__case_registered__init);
        event->policy_version = 1;
        event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
        event->intake = TURN_NEW(turn, Intake__Event, intake__event__init);
        event->intake->kind_case = INTAKE__EVENT__KIND_REGISTERED;
        event->intake->registered = registered;
        event->occurred_ms = PUPPET_START_MS - PUPPET_HOUR_MS + i;
        registered->number = arena_printf(turn_arena(turn), "G-%04u", i);
        registered->kind = "announcement";
        registered->stage = "registered";
        Hb__Fact *fact = TURN_NEW(turn, Hb__Fact, hb__fact__init);
        fact->name = "ends_at";
        fact->value = TURN_NEW(turn, Hb__Value, hb__value__init);
        fact->value->kind_case = HB__VALUE__KIND_TIME_MS;
        fact->value->time_ms = PUPPET_START_MS + (i == 1 ? 365 * 24 : 1) * PUPPET_HOUR_MS;
        TURN_ADD(turn, event->facts, event->n_facts, fact);
        turn_say(turn, event);
    }
}

static const struct service puppet_intake = {
    .name = "intake", .id = HB__SERVICE__INTAKE, .decide = register_many, .evolve = puppet_evolve};

static void publish(struct world *world)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "announcement";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW));
    kind->fields =
        LIST(world, Policy__FieldDef *, &kind->n_fields, world_field(world, "ends_at", POLICY__FIELD_DEF__TYPE__TIME));
    kind->public_notice = MAKE(world, Policy__PublicNotice, POLICY__PUBLIC_NOTICE__INIT);
    kind->public_notice->stages = LIST(world, char *, &kind->public_notice->n_stages, "registered");
    kind->public_notice->until_field = "ends_at";
    Policy__Policy policy = POLICY__POLICY__INIT;
    policy.site = "garden";
    policy.version = 1;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    world_publish(world, &policy);
}

static void notices(struct world *world, unsigned from, unsigned count)
{
    Hb__Command command = HB__COMMAND__INIT;
    char *text = arena_printf(&world->arena, "%u %u", from, count);
    command.account = "test";
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){strlen(text) + 1, (uint8_t *)text};
    assert_null(world_command(world, HB__SERVICE__INTAKE, &command)->refused);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &puppet_intake, &puppet_casework,
                                                     &analytics_service};
    world_open(world, services, 4, 11);
    world_site(world, "garden");
    publish(world);
    for (unsigned i = 1; i <= OVER; i += A_COMMAND)
        notices(world, i, A_COMMAND);
    simulation_run(world->simulation, PUPPET_START_MS + 24 * PUPPET_HOUR_MS);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

static const Analytics__PublicNotices *page(struct world *world, char *cursor)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListNotices list = ANALYTICS__LIST_NOTICES__INIT;
    query.site = "garden";
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_NOTICES;
    analytics.notices = &list;
    list.cursor = cursor;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__ANALYTICS, &query, &world->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    return reply->analytics->notices;
}

static void of_those_that_are_over_a_page_looks_at_so_many(void **state)
{
    struct world *world = *state;
    const Analytics__PublicNotices *first = page(world, "");
    assert_int_equal(first->n_notices, 0);
    assert_string_not_equal(first->cursor, "");
    const Analytics__PublicNotices *second = page(world, first->cursor);
    assert_int_equal(second->n_notices, 1);
    assert_string_equal(second->notices[0]->number, "G-0001");
    assert_string_equal(second->cursor, "");
}

static size_t over_so_far(struct world *world)
{
    const struct world_last *said = world_said(world, HB__SERVICE__ANALYTICS);
    size_t count = 0;
    for (unsigned i = 0; i < said->count; i++)
        if (said->events[i]->analytics->kind_case == ANALYTICS__EVENT__KIND_NOTICES_OVER)
            count += said->events[i]->analytics->notices_over->n_cases;
    return count;
}

/* "2" ends later than it was to. */
static void make_longer(struct world *world)
{
    Hb__Event event = HB__EVENT__INIT;
    Casework__Event casework = CASEWORK__EVENT__INIT;
    Casework__StepTaken taken = CASEWORK__STEP_TAKEN__INIT;
    Hb__Fact fact = HB__FACT__INIT, *facts[1] = {&fact};
    Hb__Value value = HB__VALUE__INIT;
    value.kind_case = HB__VALUE__KIND_TIME_MS;
    value.time_ms = PUPPET_START_MS + 48 * PUPPET_HOUR_MS;
    fact.name = "ends_at";
    fact.value = &value;
    event.site = "garden";
    event.case_id = 2;
    event.policy_version = 1;
    event.facts = facts;
    event.n_facts = 1;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &casework;
    casework.kind_case = CASEWORK__EVENT__KIND_STEP_TAKEN;
    casework.step_taken = &taken;
    taken.step = "amend";
    taken.stage = "registered";
    puppet_say(world, HB__SERVICE__CASEWORK, &event);
}

/* Each that enters takes out those that are over, at most so many; what is made longer is shown again, where it was. */
static void they_leave_when_others_enter(void **state)
{
    struct world *world = *state;
    char why[200] = "";
    notices(world, OVER + 1, 1);
    assert_int_equal(over_so_far(world), 200);
    const Analytics__PublicNotices *all = page(world, "");
    assert_int_equal(all->n_notices, 1);
    assert_string_equal(all->cursor, "");
    notices(world, OVER + 2, 1);
    assert_int_equal(over_so_far(world), OVER + 1); /* all but "1" */
    notices(world, OVER + 3, 1);
    assert_int_equal(over_so_far(world), OVER + 2); /* itself, and none twice */
    make_longer(world);
    all = page(world, "");
    assert_int_equal(all->n_notices, 2);
    assert_string_equal(all->notices[0]->number, "G-0002");
    assert_string_equal(all->notices[1]->number, "G-0001");
    assert_int_equal(simulation_check(world->simulation, why, sizeof why), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_those_that_are_over_a_page_looks_at_so_many, setup, teardown),
        cmocka_unit_test_setup_teardown(they_leave_when_others_enter, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
