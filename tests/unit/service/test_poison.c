/* Poison (design.md 3) that is no event: the result of an effect, a timer. And what poison mode, one input to a turn,
   must not do to those who wait. */
#include "../support/scribe.h"

#include "service/internal.h"

#include <fcntl.h>

#define PONG HB__SERVICE__TOY_PONG

/* ---- a scribe that sends: "mail 1" is an effect of that name ---- */

static struct {
    unsigned started;
    bool held;
} outside;

static struct bytes send(void *context, Hb__Service service, const char *id, uint32_t attempt, struct bytes payload,
                         struct arena *arena)
{
    (void)context;
    (void)service;
    (void)id;
    (void)attempt;
    (void)payload;
    (void)arena;
    outside.started++;
    return outside.held ? (struct bytes){0} : bytes_of_text("250");
}

static void postman_evolve(struct turn *turn, const Hb__Event *event)
{
    const char *text = scribe_text(turn, event);
    unsigned number;
    scribe_evolve(turn, event);
    if (scribe_number(text, "mail ", &number))
        turn_effect_set(turn, text, event->recorded_ms, 1, (struct bytes){0});
    if (strncmp(text, "sent: ", 6) == 0)
        turn_effect_clear(turn, text + 6);
}

static void postman_effect_passed_over(struct turn *turn, const char *id, uint32_t attempt)
{
    scribe_say(turn, 9, arena_printf(turn_arena(turn), "given up: %s/%u", id, attempt));
}

static void postman_effect_done(struct turn *turn, const char *id, uint32_t attempt, struct bytes result)
{
    (void)attempt;
    (void)result;
    scribe_say(turn, 9, arena_printf(turn_arena(turn), "sent: %s", id));
}

static int64_t fired_for;

static void postman_fire(struct turn *turn, struct bytes key, int64_t due_ms)
{
    fired_for = due_ms;
    scribe_fire(turn, key, due_ms);
}

/* ---- a world whose service died ---- */

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static struct service postman;
    static const struct service *const services[] = {&speaker, &postman};
    postman = scribe;
    postman.evolve = postman_evolve;
    postman.effect_done = postman_effect_done;
    postman.fire = postman_fire;
    postman.effect_passed_over = postman_effect_passed_over;
    memset(&outside, 0, sizeof outside);
    outside.held = true;
    world_open_to(world, services, 2, 3, send);
    *state = world;
    return 0;
}

/* It is started again and finds that it aborted so many times at this input. */
static void restart(struct world *world, unsigned times, const char *input)
{
    char path[320], page[256] = {0};
    simulation_down(world->simulation, PONG);
    snprintf(path, sizeof path, "%s/pong-0/poison", world->folder);
    snprintf(page, sizeof page, "%u %s", times, input);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, page, sizeof page, 0), sizeof page);
    close(fd);
    simulation_up(world->simulation, PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
}

static struct instance *pong(struct world *world)
{
    return simulation_instance(world->simulation, PONG);
}

/* ---- the claims ---- */

/* Two answers at once, one input to a turn: the second must not be sent again while its result waits. */
static void what_has_ended_is_not_done_again(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 9, "open");
    scribe_speak(world, 9, "mail 1");
    scribe_speak(world, 9, "mail 2");
    restart(world, 1, "event ping-0 99");
    assert_int_equal(pong(world)->poison_count, 1);
    assert_int_equal(outside.started, 4);
    assert_true(simulation_effect_end(world->simulation, PONG, "mail 1", bytes_of_text("250")));
    assert_true(simulation_effect_end(world->simulation, PONG, "mail 2", bytes_of_text("250")));
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(outside.started, 4);
    assert_string_equal(scribe_page(world, 9), "open mail 1 mail 2 sent: mail 1 sent: mail 2 ");
}

static void set_aside(struct world *world, uint64_t quarantined)
{
    Bus__PositionReport report;
    instance_position(pong(world), &world->arena, &report);
    assert_false(report.timers_due || report.effects_due);
    assert_int_equal(pong(world)->counts.quarantined, quarantined);
    assert_int_equal(pong(world)->poison_count, 0);
    assert_string_equal(scribe_verify(world, PONG), ""); /* a fresh fold ends in the same state */
}

/* Its row is cleared, or it would be sent again and again; the service says what follows, and it is not sent to be
   thrown away. */
static void an_effect_is_given_up(void **state)
{
    struct world *world = *state;
    outside.held = false;
    scribe_speak(world, 9, "open");
    simulation_down(world->simulation, PONG);
    scribe_tell(world, 9, "mail 1", "");
    scribe_tell(world, 9, "mail 2", "");
    restart(world, 2, "effect mail 1 1");
    assert_string_equal(scribe_page(world, 9), "open mail 1 given up: mail 1/1 mail 2 sent: mail 2 ");
    assert_int_equal(outside.started, 1);
    set_aside(world, 1);
    simulation_down(world->simulation, PONG);
    simulation_up(world->simulation, PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(outside.started, 1);
}

/* Where what the service says of it aborts as well, it says nothing. */
static void the_third_time_nothing_is_said(void **state)
{
    struct world *world = *state;
    outside.held = false;
    scribe_speak(world, 9, "open");
    simulation_down(world->simulation, PONG);
    scribe_tell(world, 9, "mail 1", "");
    restart(world, 3, "effect mail 1 1");
    assert_string_equal(scribe_page(world, 9), "open mail 1 ");
    set_aside(world, 1);
}

static const char *timer_name(struct world *world, uint64_t case_id, int64_t due_ms)
{
    struct key key = key_u64(case_id);
    poison_name_timer(pong(world), key_bytes(&key), due_ms);
    const char *name = arena_strdup(&world->arena, pong(world)->input_name);
    pong(world)->input_name[0] = 0;
    return name;
}

/* Three timers of one instant, and the one in the middle is poison. */
static void a_timer_is_passed_over_and_told(void **state)
{
    struct world *world = *state;
    simulation_down(world->simulation, PONG);
    for (uint64_t id = 1; id <= 3; id++) {
        scribe_tell(world, id, "open", "");
        scribe_tell(world, id, "timer 5000", "");
    }
    int64_t due = simulation_now(world->simulation) + 5000; /* of a world without delays */
    simulation_run(world->simulation, due + 1000);
    simulation_up(world->simulation, PONG);
    restart(world, 2, timer_name(world, 2, due));
    assert_string_equal(scribe_page(world, 1), "open timer 5000 rang ");
    assert_string_equal(scribe_page(world, 2), "open timer 5000 ");
    assert_string_equal(scribe_page(world, 3), "open timer 5000 rang ");
    set_aside(world, 1);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    simulation_run(world->simulation, due + PUPPET_HOUR_MS);
    assert_string_equal(scribe_page(world, 2), "open timer 5000 ");
    simulation_run(world->simulation, due + PUPPET_HOUR_MS + 60000);
    assert_string_equal(scribe_page(world, 2), "open timer 5000 rang "); /* the service was mended meanwhile */
    assert_string_equal(scribe_page(world, 1), "open timer 5000 rang ");
    set_aside(world, 1);
}

/* Not mended, it is passed over again, and comes less and less often, at last once a day; of what it was set for it
   knows still. */
static int64_t again_of(struct world *world)
{
    return pong(world)->timer_next;
}

static void a_timer_that_is_no_better_comes_less_often(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    simulation_down(world->simulation, PONG);
    scribe_tell(world, 1, "timer 5000", "");
    int64_t due = simulation_now(world->simulation) + 5000, again = due, waits = 0;
    for (unsigned i = 1; i <= 8; i++) {
        simulation_run(world->simulation, again + 1000);
        simulation_up(world->simulation, PONG);
        restart(world, 2, timer_name(world, 1, again));
        int64_t next = again_of(world), waits_now = next - simulation_now(world->simulation);
        set_aside(world, 1); /* counted by each process */
        assert_in_range(waits_now, i == 1 ? PUPPET_HOUR_MS - 60000 : waits, 24 * PUPPET_HOUR_MS);
        again = next;
        waits = waits_now;
        simulation_down(world->simulation, PONG);
    }
    assert_in_range(waits, 23 * PUPPET_HOUR_MS, 24 * PUPPET_HOUR_MS);
    simulation_run(world->simulation, again + 1000);
    simulation_up(world->simulation, PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_page(world, 1), "open timer 5000 rang ");
    assert_int_equal(fired_for, due);
}

/* Those of its instant that come before it do not stand for it: it is not past, and what it did is not forgotten. */
static void another_of_its_instant_is_another(void **state)
{
    struct world *world = *state;
    simulation_down(world->simulation, PONG);
    for (uint64_t id = 1; id <= 2; id++) {
        scribe_tell(world, id, "open", "");
        scribe_tell(world, id, "timer 5000", "");
    }
    int64_t due = simulation_now(world->simulation) + 5000;
    simulation_run(world->simulation, due + 1000);
    simulation_up(world->simulation, PONG);
    restart(world, 1, timer_name(world, 7, due));
    assert_string_equal(scribe_page(world, 2), "open timer 5000 rang ");
    assert_int_equal(pong(world)->poison_count, 1);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(what_has_ended_is_not_done_again),
                                       WITH_WORLD(an_effect_is_given_up),
                                       WITH_WORLD(the_third_time_nothing_is_said),
                                       WITH_WORLD(a_timer_is_passed_over_and_told),
                                       WITH_WORLD(a_timer_that_is_no_better_comes_less_often),
                                       WITH_WORLD(another_of_its_instant_is_another)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
