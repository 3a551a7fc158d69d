/* "No class of input takes more than half a turn while another waits" (design.md 3): events, timers, effects, commands
   and a job all flood one service, and each gets on in every turn. What a turn took stands in its row of `heard`. */
#include "../support/heard.h"
#include "../support/scribe.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG
#define TIMERS 3000u
#define EFFECTS 40u
#define ATTEMPTS 6u
#define CLIENTS 256u /* as many commands as the door lets wait */
#define TURNS 4u     /* looked at: all classes flood for that long */

static unsigned busy_says[5]; /* bytes said to each input, by its class */
enum input_class { EVENT, TIMER, EFFECT, COMMAND, JOB, CLASSES };

/* ---- a service that has everything to do: each event of at most 100 kB ---- */

static void say(struct turn *turn, enum input_class which)
{
    for (unsigned left = busy_says[which], size; left; left -= size) {
        size = left < 100000 ? left : 100000;
        char *text = arena_alloc(turn_arena(turn), size + 1);
        memset(text, 'x', size);
        text[size] = 0;
        scribe_say(turn, 1, text);
    }
}

static void busy_decide(struct turn *turn, const Hb__Command *command)
{
    (void)command;
    scribe_say(turn, 1, "command");
    say(turn, COMMAND);
}

static void busy_evolve(struct turn *turn, const Hb__Event *event)
{
    const char *text = arena_text(turn_arena(turn), (const char *)event->toy.data, event->toy.len);
    unsigned number, at;
    if (scribe_number(text, "load ", &number)) {
        for (unsigned i = 0; i < TIMERS; i++) {
            struct key key = key_u64(i);
            turn_timer_set(turn, event->recorded_ms + number, key_bytes(&key));
        }
        for (unsigned i = 0; i < EFFECTS; i++)
            turn_effect_set(turn, arena_printf(turn_arena(turn), "effect %u", i), event->recorded_ms + number, 1,
                            (struct bytes){0});
    }
    if (scribe_number(text, "job ", &number))
        turn_job_add(turn, "count", text, bytes_of_text(text));
    if (scribe_number(text, "again ", &at)) { /* an effect that ended is wanted once more */
        turn_effect_clear(turn, strchr(text, '/') + 1);
        if (at < ATTEMPTS)
            turn_effect_set(turn, strchr(text, '/') + 1, event->recorded_ms, at + 1, (struct bytes){0});
    }
}

static void busy_react(struct turn *turn, const Hb__Event *event)
{
    if (!event_own(turn, event))
        say(turn, EVENT);
}

static void busy_fire(struct turn *turn, struct bytes key, int64_t due_ms)
{
    (void)key;
    (void)due_ms;
    say(turn, TIMER);
}

static void busy_effect_done(struct turn *turn, const char *id, uint32_t attempt, struct bytes result)
{
    (void)result;
    say(turn, EFFECT);
    scribe_say(turn, 1, arena_printf(turn_arena(turn), "again %u/%s", attempt, id));
}

static struct bytes busy_job_step(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                                  unsigned keys_max)
{
    say(turn, JOB);
    return scribe_job_step(turn, what, payload, next, keys_max);
}

static const struct service busy = {.name = "pong",
                                    .id = PONG,
                                    .hears = 1u << PING,
                                    .decide = busy_decide,
                                    .react = busy_react,
                                    .evolve = busy_evolve,
                                    .fire = busy_fire,
                                    .effect_done = busy_effect_done,
                                    .job_step = busy_job_step};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&speaker, &busy};
    memset(busy_says, 0, sizeof busy_says);
    world_open(world, services, 2, 17);
    *state = world;
    return 0;
}

/* ---- the flood ---- */

struct flood {
    struct world *world;
    unsigned sent;
    bool over;
} flood;

static void send_command(void);
static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    (void)context;
    (void)reply;
    if (!err && !flood.over)
        send_command();
}

/* Whoever has an answer asks again at once. */
static void send_command(void)
{
    Hb__Command command = HB__COMMAND__INIT;
    Bus__Request request = BUS__REQUEST__INIT;
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = &command;
    command.account = "test";
    command.id = arena_printf(&flood.world->arena, "%013lld-f%u", (long long)simulation_now(flood.world->simulation),
                              flood.sent++);
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    simulation_ask(flood.world->simulation, PONG, &request, 600000, on_reply, NULL);
}

static void begin(struct world *world, unsigned events, const char *event)
{
    flood = (struct flood){.world = world};
    scribe_speak(world, 1, "load 3600000");
    simulation_down(world->simulation, PONG);
    scribe_tell(world, 1, "job 2000", "");
    for (unsigned i = 0; i < events; i++)
        assert_null(scribe_tell(world, 1, event, "")->refused);
    simulation_run(world->simulation, simulation_now(world->simulation) + 2 * PUPPET_HOUR_MS);
    simulation_up(world->simulation, PONG);
    for (unsigned i = 0; i < CLIENTS; i++)
        send_command();
}

/* ---- what a turn took ---- */

struct taken {
    unsigned inputs[CLASSES];
    size_t said[CLASSES];
};

static enum input_class class_of(const Record__Input *input)
{
    switch (input->kind_case) {
    case RECORD__INPUT__KIND_HEARD:
        return EVENT;
    case RECORD__INPUT__KIND_TIMER:
        return TIMER;
    case RECORD__INPUT__KIND_EFFECT:
        return EFFECT;
    case RECORD__INPUT__KIND_COMMAND:
        return COMMAND;
    case RECORD__INPUT__KIND_JOB:
    case RECORD__INPUT__KIND_RELEASED:
    case RECORD__INPUT__KIND_QUARANTINED:
    case RECORD__INPUT__KIND_FORKED:
    case RECORD__INPUT__KIND__NOT_SET:
        break;
    }
    assert_int_equal(input->kind_case, RECORD__INPUT__KIND_JOB); /* nothing else happens here */
    return JOB;
}

static struct taken count_row(struct world *world, const Record__Heard *row)
{
    struct taken taken = {0};
    for (size_t i = 0; i < row->n_inputs; i++) {
        const Record__Input *input = row->inputs[i];
        enum input_class which = class_of(input);
        taken.inputs[which] += which == EVENT ? (unsigned)(input->heard->to - input->heard->from + 1) : 1;
        taken.said[which] += heard_said_bytes(world, PONG, input);
    }
    return taken;
}

/* Those after the first in which events were heard: it made the job. */
static void count_turns(struct world *world, struct taken out[TURNS])
{
    struct heard_rows rows = heard_rows(world, PONG, 1, SIZE_MAX); /* the first was "load" */
    size_t at = 0;
    while (at < rows.count && !count_row(world, rows.rows[at]).inputs[EVENT])
        at++;
    assert_true(at + TURNS < rows.count);
    for (unsigned i = 0; i < TURNS; i++)
        out[i] = count_row(world, rows.rows[++at]);
}

static void run_flood(struct world *world, struct taken turns[TURNS])
{
    struct instance *instance = simulation_instance(world->simulation, PONG);
    uint64_t before = instance->counts.turns;
    while (instance->counts.turns < before + TURNS + 4)
        assert_true(simulation_step(world->simulation, INT64_MAX - 1));
    count_turns(world, turns);
    flood.over = true; /* and all of it comes to rest: nothing was forgotten */
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    Bus__PositionReport report;
    instance_position(instance, &world->arena, &report);
    assert_false(report.timers_due || report.effects_due || report.jobs);
    for (unsigned i = 0; i < TURNS; i++)
        print_message("turn %u: events %u timers %u effects %u commands %u job %u, kB said %zu %zu %zu %zu %zu\n", i,
                      turns[i].inputs[EVENT], turns[i].inputs[TIMER], turns[i].inputs[EFFECT], turns[i].inputs[COMMAND],
                      turns[i].inputs[JOB], turns[i].said[EVENT] >> 10, turns[i].said[TIMER] >> 10,
                      turns[i].said[EFFECT] >> 10, turns[i].said[COMMAND] >> 10, turns[i].said[JOB] >> 10);
}

/* Each class has some, none more than half of the turn, nor of what it may say, but for its last input. */
static void check_shares(const struct taken turns[TURNS])
{
    for (unsigned i = 0; i < TURNS; i++) {
        unsigned all = 0;
        for (enum input_class which = 0; which < CLASSES; which++) {
            assert_in_range(turns[i].inputs[which], 1, TURN_INPUTS_MAX / 2);
            if (turns[i].inputs[which] > 1)
                assert_true(turns[i].said[which] <= TURN_OUT_BYTES_MAX / 2 + busy_says[which] + 1000);
            all += turns[i].inputs[which];
        }
        assert_true(all <= TURN_INPUTS_MAX);
    }
}

/* ---- the claims ---- */

static void none_takes_over_half_of_the_inputs(void **state)
{
    struct taken turns[TURNS];
    begin(*state, 60, "many 64");
    run_flood(*state, turns);
    check_shares(turns);
    for (unsigned i = 0; i < TURNS; i++) /* and the turn is not left empty either */
        assert_true(turns[i].inputs[EVENT] > 400 && turns[i].inputs[TIMER] > 200 && turns[i].inputs[COMMAND] > 100);
}

static void none_says_over_half(void **state)
{
    struct taken turns[TURNS];
    for (enum input_class which = 0; which < CLASSES; which++)
        busy_says[which] = 2000;
    begin(*state, 20, "many 64");
    run_flood(*state, turns);
    check_shares(turns);
    for (unsigned i = 0; i < TURNS; i++)
        assert_true(turns[i].inputs[EVENT] > 40 && turns[i].inputs[TIMER] > 20 && turns[i].inputs[COMMAND] > 10);
}

/* What one input says may be more than a turn shall say: the others come all the same. */
static void one_that_says_too_much_stops_nobody(void **state)
{
    struct taken turns[TURNS];
    busy_says[EVENT] = busy_says[TIMER] = 400000;
    begin(*state, 10, "many 2");
    run_flood(*state, turns);
    check_shares(turns);
    for (unsigned i = 0; i < TURNS; i++)
        assert_int_equal(turns[i].inputs[EVENT], 1);
}

static void large_events_leave_room(void **state)
{
    struct taken turns[TURNS];
    char text[60001] = "many 8";
    memset(text + 6, ' ', sizeof text - 7);
    begin(*state, 12, text);
    run_flood(*state, turns);
    check_shares(turns);
    for (unsigned i = 0; i < TURNS; i++) /* of 60 kB each: half a megabyte, and the one that goes beyond it */
        assert_in_range(turns[i].inputs[EVENT], 1, (TURN_IN_BYTES_MAX / 2) / 60000 + 1);
}

/* Where nobody else waits there is no half. */
static void who_is_alone_has_the_whole_turn(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    simulation_down(world->simulation, PONG);
    for (unsigned i = 0; i < 32; i++)
        scribe_tell(world, 1, "many 64", "");
    simulation_up(world->simulation, PONG);
    struct instance *instance = simulation_instance(world->simulation, PONG);
    for (uint64_t heard = 0; heard == 0; heard = instance->counts.events_heard) {
        assert_true(simulation_step(world->simulation, INT64_MAX - 1));
        if (instance->counts.events_heard)
            assert_int_equal(instance->counts.events_heard, TURN_INPUTS_MAX);
    }
}

/* What waited for a case is more than a turn can take, and a timer is due: it may be what stops the clock. */
static void no_timer_fires_before_what_waited_is_let_go(void **state)
{
    struct world *world = *state;
    simulation_down(world->simulation, PONG);
    for (unsigned i = 0; i < 2 * TURN_INPUTS_MAX; i++)
        scribe_tell(world, 1, "a", "");
    scribe_tell(world, 2, "open", "");
    scribe_tell(world, 2, "timer 1000", "");
    scribe_tell(world, 1, "open", "");
    simulation_run(world->simulation, simulation_now(world->simulation) + PUPPET_HOUR_MS);
    simulation_up(world->simulation, PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_page(world, 2), "open timer 1000 rang ");
    struct heard_rows rows = heard_rows(world, PONG, 0, SIZE_MAX);
    unsigned released = 0, released_before = 0;
    for (size_t r = 0; r < rows.count; r++)
        for (size_t i = 0; i < rows.rows[r]->n_inputs; i++) {
            Record__Input__KindCase kind = rows.rows[r]->inputs[i]->kind_case;
            released += kind == RECORD__INPUT__KIND_RELEASED;
            if (kind == RECORD__INPUT__KIND_TIMER)
                released_before = released;
        }
    assert_int_equal(released, 2 * TURN_INPUTS_MAX);
    assert_int_equal(released_before, released);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(none_takes_over_half_of_the_inputs),
        WITH_WORLD(none_says_over_half),
        WITH_WORLD(one_that_says_too_much_stops_nobody),
        WITH_WORLD(large_events_leave_room),
        WITH_WORLD(who_is_alone_has_the_whole_turn),
        cmocka_unit_test_setup_teardown(no_timer_fires_before_what_waited_is_let_go, scribe_setup, scribe_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
