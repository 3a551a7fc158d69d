/* Since when an indicator is counted as it is: a version that brings it, changes what it counts, or left it out. */
#include "../support/puppet.h"

#include "analytics.h"

#define DAY_MS (24 * PUPPET_HOUR_MS)

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);

static Policy__Indicator *indicator_of(struct world *world, const char *name, const char *what)
{
    Policy__Indicator *indicator = MAKE(world, Policy__Indicator, POLICY__INDICATOR__INIT);
    indicator->name = arena_strdup(&world->arena, name);
    indicator->what = arena_strdup(&world->arena, what);
    indicator->periods = LIST(world, Policy__Term__Period, &indicator->n_periods, POLICY__TERM__PERIOD__MONTH);
    return indicator;
}

/* So many days after the start. */
static void publish(struct world *world, unsigned day, uint32_t version, Policy__Indicator **indicators, size_t count)
{
    Policy__Policy policy = POLICY__POLICY__INIT;
    simulation_run(world->simulation, PUPPET_START_MS + day * DAY_MS);
    policy.site = "garden";
    policy.version = version;
    policy.indicators = indicators;
    policy.n_indicators = count;
    world_publish(world, &policy);
}

static const char *since(struct world *world, const char *name)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetIndicators get = ANALYTICS__GET_INDICATORS__INIT;
    query.site = "garden";
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_INDICATORS;
    analytics.indicators = &get;
    get.name = (char *)(uintptr_t)name;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__ANALYTICS, &query, &world->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    assert_int_equal(reply->analytics->indicators->n_indicators, 1);
    return reply->analytics->indicators->indicators[0]->since;
}

static int setup(void **state)
{
    static struct world world;
    static const struct service *const services[] = {&puppet_directory, &analytics_service};
    world = (struct world){0};
    world_open(&world, services, 2, 3);
    world_site(&world, "garden");
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    return 0;
}

static void test_a_version_begins_it(void **state)
{
    struct world *world = *state;
    Policy__Indicator *closed = indicator_of(world, "closed", "closed"), *late = indicator_of(world, "late", "overdue"),
                      *score = indicator_of(world, "score", "");
    Policy__Share *whole = MAKE(world, Policy__Share, POLICY__SHARE__INIT);
    Policy__Target *target = MAKE(world, Policy__Target, POLICY__TARGET__INIT);
    whole->indicator = "late";
    score->figure = POLICY__INDICATOR__FIGURE__VETO;
    score->parts = LIST(world, Policy__Share *, &score->n_parts, whole);
    publish(world, 0, 1, (Policy__Indicator *[]){closed}, 1); /* Monday 10 March 2025, 10:00 */
    assert_string_equal(since(world, "closed"), "2025-03-10");
    publish(world, 1, 2, (Policy__Indicator *[]){closed, late}, 2);
    assert_string_equal(since(world, "closed"), "2025-03-10");
    assert_string_equal(since(world, "late"), "2025-03-11");
    target->value = 3000; /* what is aimed at does not change what is counted */
    closed->targets = LIST(world, Policy__Target *, &closed->n_targets, target);
    publish(world, 2, 3, (Policy__Indicator *[]){closed, late}, 2);
    assert_string_equal(since(world, "closed"), "2025-03-10");
    closed->what = "received"; /* that does */
    publish(world, 3, 4, (Policy__Indicator *[]){closed}, 1);
    assert_string_equal(since(world, "closed"), "2025-03-13");
    publish(world, 4, 5, (Policy__Indicator *[]){closed, late, score}, 3); /* it was left out for a day */
    assert_string_equal(since(world, "closed"), "2025-03-13");
    assert_string_equal(since(world, "late"), "2025-03-14");
    late->where = "x";
    publish(world, 5, 6, (Policy__Indicator *[]){closed, late, score}, 3);
    assert_string_equal(since(world, "late"), "2025-03-14"); /* words alone: the condition is what counts */
    late->condition = world_condition(world, "grade", "x");
    publish(world, 6, 7, (Policy__Indicator *[]){closed, late, score}, 3);
    assert_string_equal(since(world, "late"), "2025-03-16");
    assert_string_equal(since(world, "score"), "2025-03-16"); /* of what it is made of */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_a_version_begins_it, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
