/* What the log answers to "append this batch after offset N" other than "appended" (design.md 4), by the driver
   `simulated`: the process ends without an answer, and starts again with what the log holds. Each way nothing is
   acknowledged that is not there, and what was sent again under its id is there once. */
#include "../support/scribe.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG

static void open_world(struct world *world)
{
    static const struct service *const services[] = {&speaker, &scribe};
    world_open(world, services, 2, 7);
}

static unsigned said_by(struct world *world, Hb__Service service)
{
    return world_said(world, service)->count;
}

/* A command that is asked, and not waited for. */
struct asked {
    bool done, accepted;
    char code[32];
};

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asked *asked = context;
    asked->done = true;
    asked->accepted = !err && reply->kind_case == BUS__REPLY__KIND_COMMAND && !reply->command->refused;
    if (!err && !asked->accepted)
        snprintf(asked->code, sizeof asked->code, "%s", reply->command->refused->code);
}

static struct asked ask(struct world *world, const char *id)
{
    struct asked asked = {0};
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Command command = HB__COMMAND__INIT;
    command.account = "test";
    command.id = (char *)(uintptr_t)id;
    command.case_id = 1;
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){4, (uint8_t *)(uintptr_t) "open"};
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = &command;
    simulation_ask(world->simulation, PING, &request, 2000, on_reply, &asked);
    simulation_run(world->simulation, simulation_now(world->simulation) + 3000);
    assert_true(asked.done);
    return asked;
}

/* Nobody knows whether it is there; or another writer owns the log: exit and read. */
static void the_process_ends_and_reads(void **state)
{
    (void)state;
    const enum append answers[] = {APPEND_UNKNOWN, APPEND_FENCED};
    for (unsigned i = 0; i < 2; i++) {
        struct world world;
        open_world(&world);
        uint32_t life = simulation_life(world.simulation, PING);
        simulation_append_set(world.simulation, PING, answers[i]);
        assert_false(ask(&world, "1741572000000-a").accepted);
        assert_int_equal(simulation_life(world.simulation, PING), life + 1);
        assert_int_equal(said_by(&world, PING), 0); /* although the driver had written it: the turn was not committed */
        assert_true(ask(&world, "1741572000000-a").accepted);
        assert_true(ask(&world, "1741572000000-a").accepted); /* the first outcome again */
        assert_int_equal(said_by(&world, PING), 1);
        assert_int_equal(simulation_life(world.simulation, PING), life + 1);
        world_close(&world);
    }
}

/* A consumer whose append fails hears again what it had heard, and says what follows once. */
static void what_was_heard_is_heard_again(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    assert_non_null(scribe_tell(&world, 1, "open", ""));
    assert_true(simulation_settle(world.simulation, PUPPET_HOUR_MS));
    uint32_t life = simulation_life(world.simulation, PONG);
    simulation_append_set(world.simulation, PONG, APPEND_UNKNOWN);
    assert_non_null(scribe_tell(&world, 1, "echo", ""));
    assert_true(simulation_settle(world.simulation, PUPPET_HOUR_MS));
    assert_int_equal(simulation_life(world.simulation, PONG), life + 1);
    assert_int_equal(said_by(&world, PONG), 1);
    world_close(&world);
}

/* The first append that finds no room ends the process, too; from then on the service is full as with a full disk: what
   is asked of it is refused with the reason, what reads goes on, and it goes on by itself when there is room. */
static void a_full_log_makes_a_full_service(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    assert_true(ask(&world, "1741572000000-a").accepted);
    uint32_t life = simulation_life(world.simulation, PING);
    simulation_append_set(world.simulation, PING, APPEND_FULL);
    assert_false(ask(&world, "1741572000000-b").accepted);
    assert_int_equal(simulation_life(world.simulation, PING), life + 1);
    for (unsigned i = 0; i < 3; i++)
        assert_string_equal(ask(&world, "1741572000000-b").code, "full");
    assert_string_equal(instance_health(simulation_instance(world.simulation, PING)), "full");
    assert_int_equal(simulation_life(world.simulation, PING), life + 1); /* no turn was tried */
    assert_int_equal(said_by(&world, PING), 1);
    Hb__Query query = HB__QUERY__INIT;
    query.case_id = 1;
    assert_non_null(simulation_query(world.simulation, PONG, &query, &world.arena)); /* pong has heard it meanwhile */
    simulation_append_set(world.simulation, PING, APPEND_DONE);
    simulation_run(world.simulation, simulation_now(world.simulation) + 1500); /* tried again each second */
    assert_string_equal(instance_health(simulation_instance(world.simulation, PING)), "ready");
    assert_true(ask(&world, "1741572000000-b").accepted);
    assert_int_equal(said_by(&world, PING), 2);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_process_ends_and_reads),
                                       cmocka_unit_test(what_was_heard_is_heard_again),
                                       cmocka_unit_test(a_full_log_makes_a_full_service)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
