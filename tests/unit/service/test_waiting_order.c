/* Waiting (design-review A3): a registration that waits itself, for its policy, does not wait behind those that wait
 * for it. */
#include "../support/puppet.h"

#define CASE 77u

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_intake, "intake", HB__SERVICE__INTAKE);
PUPPET(puppet_casework, "casework", HB__SERVICE__CASEWORK);

/* A listener that writes down what it folds of a case: "2.1 4.1 " is the first event of intake, then that of casework.
 */
static const char *const tables[] = {"folded"};

static bool registers(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
           event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
}

static bool needs_case(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_CASEWORK;
}

static bool knows_case(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, 0, key_bytes(&key));
}

static void evolve(struct turn *turn, const Hb__Event *event)
{
    struct key key = key_u64(event->case_id);
    struct bytes before = {0};
    if (!event->case_id)
        return;
    state_get(turn, 0, key_bytes(&key), &before);
    char *text = arena_printf(turn_arena(turn), "%.*s%d.%d ", (int)before.size, (const char *)before.data,
                              (int)event->service, (int)event->offset);
    state_put(turn, 0, key_bytes(&key), bytes_of_text(text));
    if (registers(event))
        turn_case_known(turn, event->case_id);
}

static void answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    struct key key = key_u64(query->case_id);
    struct bytes folded = {0};
    state_get(turn, 0, key_bytes(&key), &folded);
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_TOY;
    reply->toy = (ProtobufCBinaryData){folded.size, (uint8_t *)(uintptr_t)folded.data};
}

static const struct service listener = {.name = "pong",
                                        .id = HB__SERVICE__TOY_PONG,
                                        .hears = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE |
                                                 1u << HB__SERVICE__CASEWORK,
                                        .tables = tables,
                                        .tables_count = 1,
                                        .keeps_organisation = true,
                                        .evolve = evolve,
                                        .answer = answer,
                                        .needs_case = needs_case,
                                        .knows_case = knows_case};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&puppet_directory, &puppet_intake, &puppet_casework, &listener};
    world_open(world, services, 4, 11);
    world_site(world, "garden");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

static void publish(struct world *world)
{
    Policy__Policy policy = POLICY__POLICY__INIT;
    policy.site = "garden";
    policy.version = 1;
    world_publish(world, &policy);
}

static void step(struct world *world)
{
    Hb__Event event = HB__EVENT__INIT;
    Casework__Event payload = CASEWORK__EVENT__INIT;
    Casework__CaseHistoryEnded ended = CASEWORK__CASE_HISTORY_ENDED__INIT;
    event.site = "garden";
    event.case_id = CASE;
    event.policy_version = 1;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &payload;
    payload.kind_case = CASEWORK__EVENT__KIND_HISTORY_ENDED;
    payload.history_ended = &ended;
    puppet_say(world, HB__SERVICE__CASEWORK, &event);
}

static void say_intake(struct world *world, Intake__Event__KindCase kind, void *arm)
{
    Hb__Event event = HB__EVENT__INIT;
    Intake__Event payload = INTAKE__EVENT__INIT;
    event.site = "garden";
    event.case_id = CASE;
    event.policy_version = 1;
    event.payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event.intake = &payload;
    payload.kind_case = kind;
    payload.registered = arm;
    puppet_say(world, HB__SERVICE__INTAKE, &event);
}

static void register_case(struct world *world)
{
    Intake__CaseRegistered registered = INTAKE__CASE_REGISTERED__INIT;
    say_intake(world, INTAKE__EVENT__KIND_REGISTERED, &registered);
}

/* Of the case, but not in need of it: it may come before. */
static void open_data(struct world *world)
{
    Intake__DataOpened opened = INTAKE__DATA_OPENED__INIT;
    say_intake(world, INTAKE__EVENT__KIND_OPENED, &opened);
}

static const char *folded(struct world *world)
{
    Hb__Query query = HB__QUERY__INIT;
    query.case_id = CASE;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__TOY_PONG, &query, &world->arena);
    assert_non_null(reply);
    return arena_text(&world->arena, (const char *)reply->toy.data, reply->toy.len);
}

static uint64_t waiting(struct world *world)
{
    Bus__PositionReport report;
    instance_position(simulation_instance(world->simulation, HB__SERVICE__TOY_PONG), &world->arena, &report);
    return report.waiting;
}

static void a_step_waits_for_its_case(void **state)
{
    struct world *world = *state;
    publish(world);
    step(world);
    step(world);
    assert_int_equal(waiting(world), 2);
    register_case(world);
    assert_string_equal(folded(world), "2.1 4.1 4.2 ");
    assert_int_equal(waiting(world), 0);
}

static void a_registration_waits_for_its_policy(void **state)
{
    struct world *world = *state;
    register_case(world);
    step(world);
    assert_int_equal(waiting(world), 2);
    publish(world);
    assert_string_equal(folded(world), "2.1 4.1 ");
    assert_int_equal(waiting(world), 0);
}

/* The step is heard first, and both need the policy: the registration must not wait behind what waits for it. */
static void a_registration_does_not_wait_behind_its_steps(void **state)
{
    struct world *world = *state;
    step(world);
    register_case(world);
    open_data(world);
    open_data(world);
    step(world);
    assert_int_equal(waiting(world), 5);
    simulation_down(world->simulation, HB__SERVICE__TOY_PONG); /* a restart counts what it finds */
    simulation_up(world->simulation, HB__SERVICE__TOY_PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(waiting(world), 5);
    publish(world);
    assert_string_equal(folded(world), "2.1 2.2 2.3 4.1 4.2 ");
    assert_int_equal(waiting(world), 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(a_step_waits_for_its_case),
                                       WITH_WORLD(a_registration_waits_for_its_policy),
                                       WITH_WORLD(a_registration_does_not_wait_behind_its_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
