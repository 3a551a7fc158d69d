/* What one input may say has limits. Whoever goes beyond them is told so and nothing aborts: a command is refused as a
   whole, an effect becomes a problem on its case. */
#include "../support/scribe.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG

static unsigned count_texts(struct world *world, Hb__Service service, const char *text)
{
    const struct world_last *said = world_said(world, service);
    unsigned count = 0;
    for (unsigned i = 0; i < said->count; i++)
        count += said->events[i]->toy.len == strlen(text) && memcmp(said->events[i]->toy.data, text, strlen(text)) == 0;
    return count;
}

static void a_command_says_at_most_64_events(void **state)
{
    struct world *world = *state;
    const Hb__CommandReply *reply = scribe_tell(world, 1, "many 65", "");
    assert_int_equal(reply->refused->status, 413);
    assert_int_equal(world_said(world, PING)->count, 0); /* not the first 64 either */
    reply = scribe_tell(world, 1, "many 64", "");
    assert_null(reply->refused);
    assert_int_equal(world_said(world, PING)->count, 64); /* offsets and hashes go on as if nothing had been */
}

static void what_follows_from_one_event_is_bounded(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    scribe_speak(world, 1, "burst 1024");
    assert_int_equal(count_texts(world, PONG, "b"), 1024);
    assert_int_equal(count_texts(world, PONG, "deep"), 0);
    scribe_speak(world, 1, "burst 1025");
    assert_int_equal(count_texts(world, PONG, "b"), 2048);
    assert_int_equal(count_texts(world, PONG, "deep"), 1);
    scribe_speak(world, 1, "echo"); /* and life goes on */
    assert_int_equal(count_texts(world, PONG, "echoed"), 1);
}

static void an_event_too_large_is_said_to_be_so(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    scribe_speak(world, 1, "large 130000");
    assert_int_equal(count_texts(world, PONG, "deep"), 0);
    unsigned before = world_said(world, PONG)->count;
    scribe_speak(world, 1, "large 131073");
    assert_int_equal(count_texts(world, PONG, "deep"), 1);
    assert_int_equal(world_said(world, PONG)->count, before + 1);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, scribe_setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(a_command_says_at_most_64_events),
                                       WITH_WORLD(what_follows_from_one_event_is_bounded),
                                       WITH_WORLD(an_event_too_large_is_said_to_be_so)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
