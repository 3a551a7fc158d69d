/* Poison (design-review A7): an event that made the service abort twice is set aside, its case waits behind it, all
   else goes on; the operator lets it go. */
#include "../support/scribe.h"

#include <fcntl.h>

/* What the assertion handler leaves behind after two aborts at this event. */
static void poison(struct world *world, const char *input)
{
    char path[320], page[256] = {0};
    snprintf(path, sizeof path, "%s/pong-0/poison", world->folder);
    snprintf(page, sizeof page, "2 %s", input);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, page, sizeof page, 0), sizeof page);
    close(fd);
}

static uint64_t waiting(struct world *world)
{
    return scribe_control(world, HB__SERVICE__TOY_PONG, BUS__CONTROL__WHAT__POSITION, "")->control->position->waiting;
}

/* Case 1: open, a (poison), b. Case 2: open, c. */
static void quarantine(struct world *world)
{
    simulation_down(world->simulation, HB__SERVICE__TOY_PONG);
    scribe_tell(world, 1, "open", "");
    scribe_tell(world, 2, "open", "");
    scribe_tell(world, 1, "a", "");
    scribe_tell(world, 1, "b", "");
    scribe_tell(world, 2, "c", "");
    poison(world, "event ping-0 3");
    simulation_up(world->simulation, HB__SERVICE__TOY_PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
}

static void its_case_waits_and_the_others_go_on(void **state)
{
    struct world *world = *state;
    quarantine(world);
    assert_string_equal(scribe_page(world, 1), "open ");
    assert_string_equal(scribe_page(world, 2), "open c ");
    assert_int_equal(waiting(world), 2);
    scribe_speak(world, 1, "d");
    assert_string_equal(scribe_page(world, 1), "open "); /* behind it, in order */
    simulation_down(world->simulation, HB__SERVICE__TOY_PONG);
    simulation_up(world->simulation, HB__SERVICE__TOY_PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(waiting(world), 3); /* a restart does not let it go */
    assert_string_equal(scribe_verify(world, HB__SERVICE__TOY_PONG), "");
}

static void the_operator_lets_it_go(void **state)
{
    struct world *world = *state;
    quarantine(world);
    const Bus__Reply *reply =
        scribe_control(world, HB__SERVICE__TOY_PONG, BUS__CONTROL__WHAT__RELEASE, "poison/ping-0/4");
    assert_int_equal(reply->kind_case, BUS__REPLY__KIND_REFUSED);
    assert_int_equal(reply->refused->status, 404);
    assert_int_equal(reply->refused->n_accepted, 1);
    assert_string_equal(reply->refused->accepted[0], "poison/ping-0/3");
    reply = scribe_control(world, HB__SERVICE__TOY_PONG, BUS__CONTROL__WHAT__RELEASE, "poison/ping-0/3");
    assert_int_equal(reply->kind_case, BUS__REPLY__KIND_CONTROL);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_page(world, 1), "open a b ");
    assert_int_equal(waiting(world), 0);
    scribe_speak(world, 1, "d");
    assert_string_equal(scribe_page(world, 1), "open a b d ");
    /* the release stands in `heard`: a fresh fold, from the producers' logs, ends in the same state */
    assert_string_equal(scribe_verify(world, HB__SERVICE__TOY_PONG), "");
    reply = scribe_control(world, HB__SERVICE__TOY_PONG, BUS__CONTROL__WHAT__RELEASE, "poison/ping-0/3");
    assert_int_equal(reply->refused->status, 404); /* once */
}

/* Two of one case: the second stays where it is until it is named itself. */
static void each_is_let_go_by_its_name(void **state)
{
    struct world *world = *state;
    quarantine(world);
    simulation_down(world->simulation, HB__SERVICE__TOY_PONG);
    scribe_tell(world, 1, "d", "");
    scribe_tell(world, 1, "e", "");
    poison(world, "event ping-0 6");
    simulation_up(world->simulation, HB__SERVICE__TOY_PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(waiting(world), 4);
    scribe_control(world, HB__SERVICE__TOY_PONG, BUS__CONTROL__WHAT__RELEASE, "poison/ping-0/3");
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_page(world, 1), "open a b ");
    scribe_control(world, HB__SERVICE__TOY_PONG, BUS__CONTROL__WHAT__RELEASE, "poison/ping-0/6");
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_page(world, 1), "open a b d e ");
    assert_string_equal(scribe_verify(world, HB__SERVICE__TOY_PONG), "");
}

static void restart(struct world *world, const char *input)
{
    simulation_down(world->simulation, HB__SERVICE__TOY_PONG);
    poison(world, input);
    simulation_up(world->simulation, HB__SERVICE__TOY_PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
}

/* It waited, and aborts when it is let go: it is the poison then, not what let it go. */
static void it_may_have_waited_before(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "a");
    scribe_speak(world, 1, "b");
    scribe_speak(world, 2, "c");
    restart(world, "event ping-0 1");
    scribe_speak(world, 1, "open");
    scribe_speak(world, 2, "open");
    assert_string_equal(scribe_page(world, 1), "open ");
    assert_string_equal(scribe_page(world, 2), "open c ");
    assert_int_equal(waiting(world), 2);
    scribe_speak(world, 1, "d");
    assert_int_equal(waiting(world), 3);
    assert_string_equal(scribe_verify(world, HB__SERVICE__TOY_PONG), "");
    scribe_control(world, HB__SERVICE__TOY_PONG, BUS__CONTROL__WHAT__RELEASE, "poison/ping-0/1");
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_page(world, 1), "open a b d ");
    assert_int_equal(waiting(world), 0);
    assert_string_equal(scribe_verify(world, HB__SERVICE__TOY_PONG), "");
}

/* Let go, and it aborts again: it is set aside again, and not tried without end. */
static void it_may_be_set_aside_again(void **state)
{
    struct world *world = *state;
    quarantine(world);
    restart(world, "event ping-0 3");
    scribe_control(world, HB__SERVICE__TOY_PONG, BUS__CONTROL__WHAT__RELEASE, "poison/ping-0/3");
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_page(world, 1), "open ");
    assert_int_equal(waiting(world), 2);
    scribe_control(world, HB__SERVICE__TOY_PONG, BUS__CONTROL__WHAT__RELEASE, "poison/ping-0/3");
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_page(world, 1), "open a b ");
    assert_string_equal(scribe_verify(world, HB__SERVICE__TOY_PONG), "");
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, scribe_setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(its_case_waits_and_the_others_go_on),
                                       WITH_WORLD(the_operator_lets_it_go), WITH_WORLD(each_is_let_go_by_its_name),
                                       WITH_WORLD(it_may_have_waited_before), WITH_WORLD(it_may_be_set_aside_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
