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

static void postman_effect_done(struct turn *turn, const char *id, uint32_t attempt, struct bytes result)
{
    (void)attempt;
    (void)result;
    scribe_say(turn, 9, arena_printf(turn_arena(turn), "sent: %s", id));
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

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(what_has_ended_is_not_done_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
