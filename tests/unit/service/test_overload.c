/* More than a service can take: what waits is bounded in number and in bytes, the rest is told at once to come again,
   and when those have gone there is room for others. */
#include "../support/scribe.h"

#include "metrics/metrics.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG
#define ASKED_MAX 400u

/* The scribe, who hears and so can be made to wait, takes commands here too. */
static const struct service deciding = {.name = "pong",
                                        .id = PONG,
                                        .hears = 1u << PING,
                                        .tables = scribe_tables,
                                        .tables_count = SCRIBE_TABLES,
                                        .decide = speaker_decide,
                                        .evolve = speaker_evolve,
                                        .answer = scribe_answer};

static struct asked {
    bool done;
    uint32_t status, retry_after_s;
    char code[32];
} asked[ASKED_MAX];
static unsigned asked_count;

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asked *one = context;
    const Hb__Refusal *refused = reply && reply->kind_case == BUS__REPLY__KIND_REFUSED   ? reply->refused
                                 : reply && reply->kind_case == BUS__REPLY__KIND_COMMAND ? reply->command->refused
                                                                                         : NULL;
    assert_int_equal(err, ERR_NONE);
    one->done = true;
    one->status = refused ? refused->status : 200;
    one->retry_after_s = refused ? refused->retry_after_s : 0;
    snprintf(one->code, sizeof one->code, "%s", refused ? refused->code : "");
}

static struct asked *ask(struct world *world, Bus__Request *request)
{
    struct asked *one = &asked[asked_count++];
    assert_true(asked_count <= ASKED_MAX);
    simulation_ask(world->simulation, PONG, request, 60000, on_reply, one);
    return one;
}

/* A command or query that waits for what will not come: two seconds long. */
static struct asked *ask_in_vain(struct world *world, bool query, size_t size)
{
    Hb__Position after = HB__POSITION__INIT, *afters[] = {&after};
    Hb__LogId log = HB__LOG_ID__INIT;
    Hb__Query asked_query = HB__QUERY__INIT;
    Hb__Command command = HB__COMMAND__INIT;
    Bus__Request request = BUS__REQUEST__INIT;
    char *text = arena_zero(&world->arena, size + 1);
    memset(text, 'x', size);
    log.service = PING;
    after.log = &log;
    after.offset = 1000;
    if (query) {
        request.kind_case = BUS__REQUEST__KIND_QUERY;
        request.query = &asked_query;
        asked_query.after = afters;
        asked_query.n_after = 1;
        asked_query.payload_case = HB__QUERY__PAYLOAD_TOY;
        asked_query.toy = (ProtobufCBinaryData){size, (uint8_t *)text};
    } else {
        request.kind_case = BUS__REQUEST__KIND_COMMAND;
        request.command = &command;
        command.account = "test";
        command.id =
            arena_printf(&world->arena, "%013lld-o%u", (long long)simulation_now(world->simulation), world->commands++);
        command.after = afters;
        command.n_after = 1;
        command.payload_case = HB__COMMAND__PAYLOAD_TOY;
        command.toy = (ProtobufCBinaryData){size, (uint8_t *)text};
    }
    return ask(world, &request);
}

static unsigned count_code(const char *code)
{
    unsigned count = 0;
    for (unsigned i = 0; i < asked_count; i++)
        count += asked[i].done && strcmp(asked[i].code, code) == 0;
    return count;
}

static uint64_t figure(struct world *world, const char *name)
{
    const char *text = metrics_print(instance_metrics(simulation_instance(world->simulation, PONG)), &world->arena);
    const char *line = strstr(text, arena_printf(&world->arena, "\n%s{", name));
    assert_non_null(line);
    return strtoull(strchr(line, '}') + 1, NULL, 10);
}

static void run_ms(struct world *world, int64_t ms)
{
    simulation_run(world->simulation, simulation_now(world->simulation) + ms);
}

static void forget(void)
{
    memset(asked, 0, sizeof asked);
    asked_count = 0;
}

/* `many` at once: `taken` of them wait and are answered when their time is over, the others at once; then there is room
   again. */
static void check_crowd(struct world *world, bool query, unsigned many, size_t size, unsigned taken,
                        const char *refused_figure)
{
    uint64_t before = figure(world, refused_figure);
    forget();
    for (unsigned i = 0; i < many; i++)
        ask_in_vain(world, query, size);
    run_ms(world, 100);
    assert_int_equal(count_code("overloaded"), many - taken);
    assert_int_equal(asked[many - 1].status, 503);
    assert_true(asked[many - 1].retry_after_s > 0);
    assert_false(asked[taken - 1].done);
    assert_int_equal(figure(world, refused_figure), before + many - taken);
    run_ms(world, 2000);
    assert_int_equal(count_code("catching_up"), taken);
    forget();
    ask_in_vain(world, query, 1);
    run_ms(world, 2100);
    assert_string_equal(asked[0].code, "catching_up");
}

static void commands_beyond_256_come_again(void **state)
{
    check_crowd(*state, false, 300, 10, 256, "hearback_overloaded_commands_total");
    assert_int_equal(figure(*state, "hearback_door_commands"), 0);
    assert_int_equal(figure(*state, "hearback_door_bytes"), 0);
}

static void large_commands_have_less_room(void **state)
{
    check_crowd(*state, false, 60, 500000, 17,
                "hearback_overloaded_commands_total"); /* a copy takes twice its size: 16 are not yet 16 MiB */
}

static void queries_beyond_256_come_again(void **state)
{
    check_crowd(*state, true, 300, 10, 256, "hearback_overloaded_queries_total");
    check_crowd(*state, true, 60, 500000, 5, "hearback_overloaded_queries_total");
}

/* Who need not wait is answered beside those that wait for him: reading goes on. */
static void whoever_need_not_wait_does_not(void **state)
{
    struct world *world = *state;
    forget();
    for (unsigned i = 0; i < 300; i++)
        ask_in_vain(world, true, 10);
    run_ms(world, 100);
    assert_string_equal(scribe_page(world, 1), "");
    assert_int_equal(count_code("catching_up"), 0);
    run_ms(world, 2000);
}

/* One parked fetch for each connection, of so many connections. */
static void fetches_beyond_256_connections_come_again(void **state)
{
    struct world *world = *state;
    struct instance *instance = simulation_instance(world->simulation, PONG);
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch fetch = BUS__FETCH__INIT;
    Hb__LogId log = HB__LOG_ID__INIT;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &fetch;
    fetch.log = &log;
    fetch.wait = true;
    log.epoch = 1;
    struct bus_call call = {.rights = BUS_RIGHT_FETCH, .route_size = 8};
    memset(call.route, 0xff, 4); /* nobody: the client of the simulator has no use for these answers */
    for (unsigned i = 0; i < 3 * 256; i++) {
        bytes_put_u32(call.route + 4, i % 256);
        instance_serve(instance, &call, &request, (struct bytes){0});
    }
    assert_int_equal(figure(world, "hearback_overloaded_fetches_total"), 0); /* the newer one takes the older's place */
    bytes_put_u32(call.route + 4, 256);
    instance_serve(instance, &call, &request, (struct bytes){0});
    assert_int_equal(figure(world, "hearback_overloaded_fetches_total"), 1);
}

static int setup(void **state)
{
    static const struct service *const services[] = {&speaker, &deciding};
    struct world *world = calloc(1, sizeof *world);
    world_open(world, services, 2, 3);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    *state = world;
    return 0;
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(commands_beyond_256_come_again), WITH_WORLD(large_commands_have_less_room),
        WITH_WORLD(queries_beyond_256_come_again), WITH_WORLD(whoever_need_not_wait_does_not),
        WITH_WORLD(fetches_beyond_256_connections_come_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
