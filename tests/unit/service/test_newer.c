/* An event of a newer version: kept and passed on with all its fields; one that must be understood holds the feed and
   says so, and nothing after it is taken for heard (design.md 9). */
#include "../support/scribe.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG

/* Field 900 of a later proto/hearback: "future". */
static uint8_t future_bytes[] = "future";
static ProtobufCMessageUnknownField future_field = {.tag = 900,
                                                    .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                                    .len = 7,
                                                    .data = (uint8_t[]){6, 'f', 'u', 't', 'u', 'r', 'e'}};

/* "future" and "must understand" are said as a newer version would; all else as ever. */
static void newer_decide(struct turn *turn, const Hb__Command *command)
{
    const char *text = arena_text(turn_arena(turn), (const char *)command->toy.data, command->toy.len);
    bool must = strcmp(text, "must understand") == 0;
    if (!must && strcmp(text, "future") != 0) {
        speaker_decide(turn, command);
        return;
    }
    Hb__Event *event = turn_event(turn, "", 0);
    event->must_understand = must;
    event->base.n_unknown_fields = 1;
    event->base.unknown_fields = &future_field;
    turn_say(turn, event);
}

static const struct service newer = {.name = "ping",
                                     .id = HB__SERVICE__TOY_PING,
                                     .decide = newer_decide,
                                     .reply = speaker_reply,
                                     .evolve = speaker_evolve};

/* What the scribe does with what it does not know: nothing. */
static void older_evolve(struct turn *turn, const Hb__Event *event)
{
    if (event->payload_case == HB__EVENT__PAYLOAD_TOY)
        scribe_evolve(turn, event);
}

static void older_react(struct turn *turn, const Hb__Event *event)
{
    if (event->payload_case == HB__EVENT__PAYLOAD_TOY)
        scribe_react(turn, event);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static struct service older;
    static const struct service *services[] = {&newer, &older};
    older = scribe;
    older.evolve = older_evolve;
    older.react = older_react;
    older.needs_case = NULL;
    world_open(world, services, 2, 1);
    *state = world;
    return 0;
}

static uint64_t heard(struct world *world)
{
    Bus__PositionReport report;
    instance_position(simulation_instance(world->simulation, PONG), &world->arena, &report);
    return report.cursors[0]->offset;
}

static void it_is_kept_and_passed_on(void **state)
{
    struct world *world = *state;
    char why[512] = "";
    scribe_speak(world, 1, "open");
    scribe_speak(world, 0, "future");
    scribe_speak(world, 1, "after");
    assert_int_equal(heard(world), 3);
    assert_non_null(strstr(scribe_page(world, 1), "after"));
    const Hb__Event *kept = world_said(world, PING)->events[1];
    assert_int_equal(kept->base.n_unknown_fields, 1);
    assert_int_equal(kept->base.unknown_fields[0].tag, 900);
    assert_memory_equal(kept->base.unknown_fields[0].data + 1, future_bytes, 6);
    assert_int_equal(simulation_check(world->simulation, why, sizeof why), ERR_NONE);
}

static void one_that_must_be_understood_holds_the_feed(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    scribe_tell(world, 0, "must understand", "");
    scribe_tell(world, 1, "after", "");
    simulation_run(world->simulation, simulation_now(world->simulation) + PUPPET_HOUR_MS);
    assert_int_equal(heard(world), 1);
    assert_null(strstr(scribe_page(world, 1), "after"));
    assert_string_equal(instance_health(simulation_instance(world->simulation, PONG)), "feed_stopped");
    assert_string_equal(instance_health(simulation_instance(world->simulation, PING)),
                        "ready"); /* the others work on */
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(it_is_kept_and_passed_on),
                                       WITH_WORLD(one_that_must_be_understood_holds_the_feed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
