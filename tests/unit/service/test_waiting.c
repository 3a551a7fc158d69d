/* An event about what is not known here yet waits; later ones of its case behind it, all in order; other cases are not
   held up (design.md 3, Unknown case, policy, calendar, site). */
#include "../support/clerk.h"

static void publish(struct world *world, uint32_t version)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "a", POLICY__PHASE__NEW));
    Policy__Policy policy = POLICY__POLICY__INIT;
    policy.site = "garden";
    policy.version = version;
    policy.calendar = version == 1 ? "one" : "two";
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    world_publish(world, &policy);
}

static void each_waits_for_what_it_needs(void **state)
{
    struct world *world = *state;
    clerk_tell(world, 1, "garden", 1, "open");
    clerk_tell(world, 1, "garden", 1, "a");
    clerk_tell(world, 2, "elsewhere", 0, "open");
    assert_int_equal(clerk_waiting(world), 3);
    assert_string_equal(clerk_page(world, 1), "");
    world_site(world, "garden"); /* its policy is still unknown */
    assert_int_equal(clerk_waiting(world), 3);
    clerk_tell(world, 1, "garden", 2, "b"); /* behind them, though its policy may come first */
    publish(world, 2);
    assert_int_equal(clerk_waiting(world), 4);
    assert_string_equal(clerk_page(world, 1), "");
    publish(world, 1);
    assert_string_equal(clerk_page(world, 1), "open a b ");
    assert_int_equal(clerk_waiting(world), 1); /* the other site's */
    world_site(world, "elsewhere");
    assert_string_equal(clerk_page(world, 2), "open ");
    assert_int_equal(clerk_waiting(world), 0);
}

static void others_are_not_held_up(void **state)
{
    struct world *world = *state;
    world_site(world, "garden");
    publish(world, 1);
    clerk_tell(world, 1, "garden", 1, "early"); /* before its own beginning */
    clerk_tell(world, 2, "garden", 1, "open");
    clerk_tell(world, 1, "garden", 1, "second");
    clerk_tell(world, 2, "garden", 1, "x");
    assert_string_equal(clerk_page(world, 2), "open x ");
    assert_string_equal(clerk_page(world, 1), "");
    clerk_tell(world, 1, "garden", 1, "open"); /* what makes a case known does not queue behind those that need it */
    assert_string_equal(clerk_page(world, 1), "open early second ");
    clerk_tell(world, 1, "garden", 1, "third");
    assert_string_equal(clerk_page(world, 1), "open early second third ");
}

/* The next one of the case needs something else: it waits on, under its new key, and those behind it with it. */
static void one_need_after_the_other(void **state)
{
    struct world *world = *state;
    world_site(world, "garden");
    clerk_tell(world, 1, "garden", 0, "early");
    clerk_tell(world, 1, "garden", 1, "needs_one");
    clerk_tell(world, 1, "garden", 2, "needs_two");
    clerk_tell(world, 1, "garden", 0, "last");
    clerk_tell(world, 1, "garden", 0, "open");
    assert_string_equal(clerk_page(world, 1), "open early ");
    publish(world, 1);
    assert_string_equal(clerk_page(world, 1), "open early needs_one ");
    assert_int_equal(clerk_waiting(world), 2);
    publish(world, 2);
    assert_string_equal(clerk_page(world, 1), "open early needs_one needs_two last ");
}

static void a_restart_forgets_nobody_who_waits(void **state)
{
    struct world *world = *state;
    world_site(world, "garden");
    clerk_tell(world, 1, "garden", 1, "open");
    clerk_tell(world, 1, "garden", 1, "a");
    simulation_down(world->simulation, HB__SERVICE__TOY_PONG);
    simulation_up(world->simulation, HB__SERVICE__TOY_PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(clerk_waiting(world), 2);
    clerk_tell(world, 1, "garden", 1, "b");
    publish(world, 1);
    assert_string_equal(clerk_page(world, 1), "open a b ");
}

/* A crowd: what became known lets all of them go in that same turn, each case in its own order. */
static void a_crowd_is_let_go_at_once(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 3; i++)
        for (uint64_t id = 1; id <= 40; id++)
            clerk_tell(world, id, "garden", 0, i == 0 ? "open" : i == 1 ? "a" : "b");
    assert_int_equal(clerk_waiting(world), 120);
    world_site(world, "garden");
    assert_int_equal(clerk_waiting(world), 0);
    for (uint64_t id = 1; id <= 40; id++)
        assert_string_equal(clerk_page(world, id), "open a b ");
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, clerk_setup, clerk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(each_waits_for_what_it_needs), WITH_WORLD(others_are_not_held_up),
                                       WITH_WORLD(one_need_after_the_other),
                                       WITH_WORLD(a_restart_forgets_nobody_who_waits),
                                       WITH_WORLD(a_crowd_is_let_go_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
