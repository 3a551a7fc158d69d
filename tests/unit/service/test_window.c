/* The gather window: commands wait a tenth of a commit for others to join them, where that helps and only there. */
#include "service/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t clock_us = 1000000;

static int64_t some_micros(void *context)
{
    (void)context;
    return clock_us;
}

static const struct env env = {.micros = some_micros};
static struct instance instance;

static int setup(void **state)
{
    (void)state;
    instance = (struct instance){.env = &env};
    return 0;
}

/* A batch of as many commands as wait, in a commit that takes so long. */
static void commit(uint64_t commands, int64_t takes_us)
{
    int64_t began_us = window_now_us(&instance);
    clock_us += takes_us;
    window_committed(&instance, commands, began_us);
}

static void slow_disk(int64_t takes_us)
{
    for (unsigned i = 0; i < 50; i++)
        commit(0, takes_us); /* its own commits: nobody waited */
}

static void nobody_waits_on_a_fast_disk(void **state)
{
    (void)state;
    slow_disk(200);
    commit(8, 200);
    commit(8, 200);
    instance.door_crowd.count = 8;
    assert_int_equal(window_wait_us(&instance), 0);
}

static void two_cohorts_become_one(void **state)
{
    (void)state;
    slow_disk(2000);
    commit(8, 2000);
    commit(8, 2000);
    instance.door_crowd.count = 8;
    assert_in_range(window_wait_us(&instance), 150, 210); /* a tenth */
    clock_us += 50;
    instance.door_crowd.count = 12; /* the others begin to come */
    assert_in_range(window_wait_us(&instance), 100, 160);
    instance.door_crowd.count = 16; /* as many as the last two held: nobody else is to be expected */
    assert_int_equal(window_wait_us(&instance), 0);
    commit(16, 2000);
    instance.door_crowd.count = 16;
    assert_true(window_wait_us(&instance) > 0); /* 24 would end it at once */
    clock_us += 250;
    assert_int_equal(window_wait_us(&instance), 0);
}

static void who_comes_alone_is_hardly_held_up(void **state)
{
    (void)state;
    slow_disk(2000);
    unsigned held = 0;
    for (unsigned i = 0; i < 1000; i++) {
        instance.door_crowd.count = 1;
        if (window_wait_us(&instance)) {
            held++;
            clock_us += 1000;
            assert_int_equal(window_wait_us(&instance), 0);
        }
        commit(1, 2000);
    }
    assert_in_range(held, 5, 30); /* tried again now and then */
}

static void without_a_clock_nobody_waits(void **state)
{
    static const struct env none;
    (void)state;
    instance.env = &none;
    instance.door_crowd.count = 1;
    commit(1, 5000);
    assert_int_equal(window_wait_us(&instance), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(nobody_waits_on_a_fast_disk, setup),
                                       cmocka_unit_test_setup(two_cohorts_become_one, setup),
                                       cmocka_unit_test_setup(who_comes_alone_is_hardly_held_up, setup),
                                       cmocka_unit_test_setup(without_a_clock_nobody_waits, setup)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
