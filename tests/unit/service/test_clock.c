/* A clock that jumps becomes nobody's time, whoever looks first: a fetch, a query, a command. And what an operator
   accepts is the time from then on. */
#include "../support/scribe.h"

#include "service/internal.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG
#define YEARS_MS (10 * 365 * 24 * PUPPET_HOUR_MS)

struct asked {
    bool done;
    int64_t as_of_ms;
};

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asked *asked = context;
    assert_int_equal(err, ERR_NONE);
    asked->done = true;
    asked->as_of_ms = reply->kind_case == BUS__REPLY__KIND_FETCHED ? reply->fetched->as_of_ms : 0;
}

static struct asked ask(struct world *world, Hb__Service service, Bus__Request *request)
{
    struct asked asked = {0};
    simulation_ask(world->simulation, service, request, 60000, on_reply, &asked);
    while (!asked.done && simulation_step(world->simulation, INT64_MAX - 1))
        ;
    assert_true(asked.done);
    return asked;
}

/* What is promised to somebody who has heard all and does not wait. */
static int64_t promised(struct world *world)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch fetch = BUS__FETCH__INIT;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &fetch;
    fetch.after = world_said(world, PING)->count;
    return ask(world, PING, &request).as_of_ms;
}

static void accept_clock(struct world *world, Hb__Service service)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__ACCEPT_CLOCK;
    ask(world, service, &request);
}

static void run(struct world *world, int64_t ms)
{
    simulation_run(world->simulation, simulation_now(world->simulation) + ms);
}

static const char *health(struct world *world, Hb__Service service)
{
    return instance_health(simulation_instance(world->simulation, service));
}

static int64_t recorded_last(struct world *world)
{
    const struct world_last *said = world_said(world, PING);
    return said->events[said->count - 1]->recorded_ms;
}

static void a_glitch_is_not_promised(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    run(world, 5000);
    simulation_clock_jump(world->simulation, YEARS_MS);
    assert_true(promised(world) < simulation_now(world->simulation) + 1000);
    simulation_clock_jump(world->simulation, -YEARS_MS);
    run(world, 3000);
    assert_string_equal(health(world, PING), "ready"); /* by itself */
    scribe_speak(world, 1, "x");
    assert_true(recorded_last(world) < simulation_now(world->simulation) + 1000);
}

static int64_t answered_at;

static void note_now(struct turn *turn)
{
    answered_at = turn_now(turn);
}

static void a_glitch_is_no_answer_s_time(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    run(world, 5000);
    simulation_clock_jump(world->simulation, YEARS_MS);
    scribe_begins = note_now;
    scribe_page(world, 1);
    scribe_begins = NULL;
    assert_in_range(answered_at, PUPPET_START_MS, simulation_now(world->simulation) + 1000);
    simulation_clock_jump(world->simulation, -YEARS_MS);
}

/* The machine starts with its clock ahead, says nothing, and is set right. */
static void what_is_accepted_is_the_time(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    simulation_down(world->simulation, PING);
    simulation_down(world->simulation, PONG);
    simulation_clock_jump(world->simulation, YEARS_MS);
    simulation_up(world->simulation, PING);
    simulation_up(world->simulation, PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_true(promised(world) >
                simulation_now(world->simulation) + YEARS_MS / 2); /* nothing tells that it is wrong */
    simulation_clock_jump(world->simulation, -YEARS_MS);
    run(world, 3000);
    assert_string_equal(health(world, PING), "clock_suspect");
    accept_clock(world, PING);
    accept_clock(world, PONG);
    run(world, 3000);
    assert_string_equal(health(world, PING), "ready");
    assert_string_equal(health(world, PONG), "ready");
    scribe_speak(world, 1, "x");
    assert_true(recorded_last(world) < simulation_now(world->simulation) + 1000);
    assert_true(promised(world) < simulation_now(world->simulation) + 1000);
    const struct instance *pong = simulation_instance(world->simulation, PONG);
    assert_true(feed_as_of(&pong->feeds[0]) < simulation_now(world->simulation) + 1000);
}

/* Accepted without need, nothing that was promised is broken. */
static void a_clock_in_order_is_accepted_for_nothing(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    int64_t before = promised(world);
    simulation_clock_jump(world->simulation, -30000); /* not enough to be noticed */
    accept_clock(world, PING);
    scribe_speak(world, 1, "x");
    assert_true(recorded_last(world) >= before);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, scribe_setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(a_glitch_is_not_promised), WITH_WORLD(a_glitch_is_no_answer_s_time),
                                       WITH_WORLD(what_is_accepted_is_the_time),
                                       WITH_WORLD(a_clock_in_order_is_accepted_for_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
