/* A producer that is not the one who was heard before is not heard: its log was put back, and has gone another way
   since, or bears a new epoch. The feed stops and says so; it never skips, and never goes back. And one that never
   falls silent is caught up with all the same. */
#include "../support/scribe.h"

#include "service/atrest.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG

static void shell(struct world *world, const char *format)
{
    char command[1024];
    snprintf(command, sizeof command, format, world->folder, world->folder, world->folder);
    assert_int_equal(system(command), 0);
}

static const char *health(struct world *world)
{
    return instance_health(simulation_instance(world->simulation, PONG));
}

static void save(struct world *world)
{
    simulation_down(world->simulation, PING);
    shell(world, "cp -r %s/ping-0 %s/saved");
    simulation_up(world->simulation, PING);
}

static void put_back(struct world *world)
{
    simulation_down(world->simulation, PING);
    shell(world, "rm -r %s/ping-0 && cp -r %s/saved %s/ping-0");
}

static void hear_again(struct world *world)
{
    simulation_up(world->simulation, PING);
    simulation_run(world->simulation, simulation_now(world->simulation) + PUPPET_HOUR_MS);
}

static void one_that_lost_its_end_is_not_heard(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    save(world);
    scribe_speak(world, 1, "after");
    put_back(world);
    hear_again(world);
    assert_string_equal(health(world), "feed_stopped");
    assert_string_equal(scribe_page(world, 1), "open after ");
}

static void one_that_went_another_way_is_not_heard(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    save(world);
    scribe_speak(world, 1, "after");
    simulation_down(world->simulation, PONG);
    put_back(world);
    simulation_up(world->simulation, PING);
    for (unsigned i = 0; i < 3; i++)
        assert_null(scribe_tell(world, 1, "instead", "")->refused);
    simulation_up(world->simulation, PONG);
    hear_again(world);
    assert_string_equal(health(world), "feed_stopped");
    assert_string_equal(scribe_page(world, 1), "open after ");
}

/* Restored at the very place where the listener is: only the epoch tells. */
static void one_of_another_epoch_is_not_heard(void **state)
{
    struct world *world = *state;
    char folder[300], why[256];
    scribe_speak(world, 1, "open");
    save(world);
    put_back(world);
    Hb__Position end = HB__POSITION__INIT;
    Hb__LogId log = HB__LOG_ID__INIT;
    Hb__Position *ends[] = {&end};
    snprintf(folder, sizeof folder, "%s/ping-0", world->folder);
    Bus__PositionReport report;
    int64_t recorded_ms;
    assert_int_equal(atrest_position(folder, PING, 0, &world->arena, &report, &recorded_ms, why, sizeof why), ERR_NONE);
    log = *report.log;
    log.epoch++;
    end.log = &log;
    end.offset = report.end;
    struct atrest_restore restore = {
        .cell = log.cell, .ends = ends, .ends_count = 1, .now_ms = recorded_ms, .numbers_skip = 10};
    assert_int_equal(atrest_begin_epoch(folder, PING, 0, &restore, why, sizeof why), ERR_NONE);
    hear_again(world);
    assert_null(scribe_tell(world, 1, "after", "")->refused);
    hear_again(world);
    assert_string_equal(health(world), "feed_stopped");
    assert_string_equal(scribe_page(world, 1), "open ");
}

static void not_waited_for(void *context, enum err err, const Bus__Reply *reply)
{
    (void)context;
    (void)err;
    (void)reply;
}

static void say_on(struct world *world)
{
    Hb__Command command = HB__COMMAND__INIT;
    Bus__Request request = BUS__REQUEST__INIT;
    char text[] = "on";
    command.account = text;
    command.id =
        arena_printf(&world->arena, "%013lld-s%u", (long long)simulation_now(world->simulation), world->commands++);
    command.case_id = 1;
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = &command;
    simulation_ask(world->simulation, PING, &request, 10000, not_waited_for, NULL);
}

/* Something new with every answer; who was away is ready as soon as it has heard what there was when it asked. */
static void one_that_never_falls_silent_is_caught_up_with(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    simulation_down(world->simulation, PONG);
    scribe_tell(world, 1, "missed", "");
    simulation_faults_set(world->simulation, (struct simulation_faults){.delay_ms_max = 20});
    simulation_up(world->simulation, PONG);
    assert_string_equal(health(world), "catching_up");
    for (unsigned ms = 0; ms < 300; ms++) {
        say_on(world);
        simulation_run(world->simulation, simulation_now(world->simulation) + 1);
    }
    assert_string_equal(health(world), "ready");
    assert_memory_equal(scribe_page(world, 1), "open missed on ", 15);
}

/* What was heard of the producer that is no more is in no log: a fresh fold cannot be made, and is not tried. */
static int teardown(void **state)
{
    struct world *world = *state;
    simulation_free(world->simulation);
    shell(world, "rm -rf %s");
    arena_fini(&world->arena);
    free(world);
    return 0;
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, scribe_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(one_that_lost_its_end_is_not_heard), WITH_WORLD(one_that_went_another_way_is_not_heard),
        WITH_WORLD(one_of_another_epoch_is_not_heard), WITH_WORLD(one_that_never_falls_silent_is_caught_up_with)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
