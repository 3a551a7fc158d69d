/* Public notices: however many are over, a page looks at so many of them and the cursor goes on from there. */
#include "../support/puppet.h"

#include "analytics.h"

#define OVER 250u /* more than one page looks at */
#define A_COMMAND 50u

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);

/* So many notices; "1" ends in a year, all others have ended. */
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
        fact->value->time_ms = PUPPET_START_MS + (i == 1 ? 365 * 24 : -1) * PUPPET_HOUR_MS;
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

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &puppet_intake, &analytics_service};
    world_open(world, services, 3, 11);
    world_site(world, "garden");
    publish(world);
    for (unsigned i = 1; i <= OVER; i += A_COMMAND) {
        Hb__Command command = HB__COMMAND__INIT;
        char *text = arena_printf(&world->arena, "%u %u", i, A_COMMAND);
        command.account = "test";
        command.payload_case = HB__COMMAND__PAYLOAD_TOY;
        command.toy = (ProtobufCBinaryData){strlen(text) + 1, (uint8_t *)text};
        assert_null(world_command(world, HB__SERVICE__INTAKE, &command)->refused);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_those_that_are_over_a_page_looks_at_so_many, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
