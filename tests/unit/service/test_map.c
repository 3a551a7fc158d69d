/* A map that is full, while the disk is not: the service is full as with a full disk. Commands are refused with the
   reason before one is lost, nothing is heard any more; queries and fetches are answered; with a larger map it goes on.
 */
#include "../support/scribe.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG
#define SMALL_MAP (24u << 20) /* a turn wants 16 MiB to be free */
#define LARGE_BYTES 60000u
#define MANY 1000u

static void restart_with_map(struct world *world, Hb__Service service, uint64_t map_bytes)
{
    simulation_map_set(world->simulation, map_bytes);
    simulation_down(world->simulation, service);
    simulation_up(world->simulation, service);
    simulation_run(world->simulation, simulation_now(world->simulation) + 5000);
}

static const char *health(struct world *world, Hb__Service service)
{
    return instance_health(simulation_instance(world->simulation, service));
}

/* Large events until the speaker is full; each of a case of its own. Returns how many were accepted. */
static unsigned fill(struct world *world)
{
    char *text = arena_zero(&world->arena, LARGE_BYTES + 1);
    memcpy(memset(text, 'x', LARGE_BYTES), "open", 4);
    for (unsigned i = 0; i < MANY; i++) {
        const Hb__CommandReply *reply = scribe_tell(world, i + 1, text, "");
        assert_non_null(reply);
        if (!reply->refused)
            continue;
        assert_int_equal(reply->refused->status, 503);
        assert_string_equal(reply->refused->code, "full");
        assert_true(reply->refused->retry_after_s > 0);
        return i;
    }
    return MANY;
}

static void a_full_map_refuses_and_loses_nothing(void **state)
{
    struct world *world = *state;
    restart_with_map(world, PING, SMALL_MAP);
    unsigned accepted = fill(world);
    assert_in_range(accepted, 20, MANY - 1);
    assert_string_equal(health(world, PING), "full");
    assert_string_equal(health(world, PONG), "ready");
    assert_int_equal(world_said(world, PING)->count, accepted);
    simulation_run(world->simulation, simulation_now(world->simulation) + 60000);
    for (unsigned i = 0; i < accepted; i++) /* all of it is told to who asks */
        assert_int_equal(strlen(scribe_page(world, i + 1)), LARGE_BYTES + 1);
    const Hb__CommandReply *reply = scribe_tell(world, MANY, "open", "");
    assert_int_equal(reply->refused->status, 503); /* it does not come and go */
    restart_with_map(world, PING, 0);
    assert_string_equal(health(world, PING), "ready");
    scribe_speak(world, MANY, "open");
    assert_string_equal(scribe_page(world, MANY), "open ");
    assert_int_equal(world_said(world, PING)->count, accepted + 1);
}

static void who_is_full_answers_and_hears_later(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    restart_with_map(world, PONG, 17u << 20);
    for (unsigned i = 2; strcmp(health(world, PONG), "full") != 0; i++) {
        assert_true(i < MANY);
        char *text = arena_zero(&world->arena, LARGE_BYTES + 1);
        memcpy(memset(text, 'x', LARGE_BYTES), "open", 4);
        assert_null(scribe_tell(world, i, text, "")->refused);
        simulation_run(world->simulation, simulation_now(world->simulation) + 2000);
    }
    assert_null(scribe_tell(world, 1, "meanwhile", "")->refused);
    simulation_run(world->simulation, simulation_now(world->simulation) + 60000);
    assert_string_equal(health(world, PING), "ready"); /* whom it hears works on */
    assert_string_equal(scribe_page(world, 1), "open ");
    restart_with_map(world, PONG, 0);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(health(world, PONG), "ready");
    assert_string_equal(scribe_page(world, 1), "open meanwhile ");
    assert_string_equal(scribe_verify(world, PONG), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_map_refuses_and_loses_nothing, scribe_setup, scribe_teardown),
        cmocka_unit_test_setup_teardown(who_is_full_answers_and_hears_later, scribe_setup, scribe_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
