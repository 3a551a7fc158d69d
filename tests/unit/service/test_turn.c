/* The promises of the turn (design.md 3 and 4), one by one, with two small services. */
#include "../support/heard.h"
#include "../support/scribe.h"

#include "store/store.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG

static unsigned said_text(struct world *world, Hb__Service service, const char *text)
{
    const struct world_last *said = world_said(world, service);
    unsigned count = 0;
    for (unsigned i = 0; i < said->count; i++)
        count += said->events[i]->toy.len == strlen(text) && memcmp(said->events[i]->toy.data, text, strlen(text)) == 0;
    return count;
}

/* ---- commands ---- */

static void a_repeated_command_has_its_first_outcome(void **state)
{
    struct world *world = *state;
    const char *id = "1741572000000-same";
    const Hb__CommandReply *first = scribe_tell(world, 1, "open", id);
    assert_null(first->refused);
    assert_false(first->repeated_command);
    for (unsigned i = 0; i < 3; i++) {
        simulation_run(world->simulation, simulation_now(world->simulation) + PUPPET_HOUR_MS);
        const Hb__CommandReply *again = scribe_tell(world, 1, "open", id);
        assert_null(again->refused);
        assert_true(again->repeated_command);
        assert_int_equal(again->version, first->version); /* made again from what was said then */
    }
    assert_int_equal(world_said(world, PING)->count, 1);
    const Hb__CommandReply *other = scribe_tell(world, 1, "another body", id);
    assert_int_equal(other->refused->status, 422);
    assert_string_equal(other->refused->code, "body_mismatch");
    other = scribe_tell(world, 2, "open", id); /* another case is another body too */
    assert_int_equal(other->refused->status, 422);
    simulation_down(world->simulation, PING);
    simulation_up(world->simulation, PING);
    assert_true(scribe_tell(world, 1, "open", id)->repeated_command); /* it is on disk */
    /* after seven days it is forgotten, and would be a new one: ids are time-ordered, so nobody sends it */
    simulation_run(world->simulation, simulation_now(world->simulation) + 7 * 24 * PUPPET_HOUR_MS);
    scribe_tell(world, 3, "open", "");
    assert_false(scribe_tell(world, 1, "open", id)->repeated_command);
}

static void a_refusal_is_not_an_outcome(void **state)
{
    struct world *world = *state;
    const char *id = "1741572000000-no";
    assert_int_equal(scribe_tell(world, 1, "refuse", id)->refused->status, 409);
    assert_int_equal(world_said(world, PING)->count, 0);
    assert_null(scribe_tell(world, 1, "open", id)->refused); /* the same id is free still */
    const Hb__CommandReply *reply =
        scribe_tell(world, 1, "x", "0000000000000-more-than-sixty-four-characters-are-no-id-of-a-command-anywhere");
    assert_int_equal(reply->refused->status, 422);
}

/* A reply carries where it is: with it a query waits until that is folded here. */
static void what_you_wrote_you_read(void **state)
{
    struct world *world = *state;
    simulation_faults_set(world->simulation, (struct simulation_faults){.delay_ms_max = 300});
    for (uint64_t id = 1; id <= 10; id++) {
        const Hb__CommandReply *reply = scribe_tell(world, id, "open", "");
        assert_int_equal(reply->n_after, 1);
        Hb__Query query = HB__QUERY__INIT;
        query.case_id = id;
        query.after = reply->after;
        query.n_after = reply->n_after;
        const Hb__QueryReply *answer = simulation_query(world->simulation, PONG, &query, &world->arena);
        assert_non_null(answer);
        assert_null(answer->refused);
        assert_int_equal(answer->toy.len, strlen("open "));
    }
    simulation_faults_set(world->simulation, (struct simulation_faults){0});
}

struct asked {
    const Bus__Reply *reply;
    struct world *world;
    bool done;
};

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asked *asked = context;
    asked->done = true;
    asked->reply = err ? NULL : (const Bus__Reply *)message_copy(&reply->base, &asked->world->arena);
}

static void who_waits_in_vain_is_told_after_two_seconds(void **state)
{
    struct world *world = *state;
    Hb__Position after = HB__POSITION__INIT, *afters[] = {&after};
    Hb__LogId log = HB__LOG_ID__INIT;
    Hb__Query query = HB__QUERY__INIT;
    Bus__Request request = BUS__REQUEST__INIT;
    struct asked asked = {.world = world};
    log.service = PING;
    after.log = &log;
    after.offset = 1000;
    query.after = afters;
    query.n_after = 1;
    request.kind_case = BUS__REQUEST__KIND_QUERY;
    request.query = &query;
    int64_t began = simulation_now(world->simulation);
    simulation_ask(world->simulation, PONG, &request, 60000, on_reply, &asked);
    while (!asked.done && simulation_step(world->simulation, INT64_MAX - 1))
        ;
    assert_int_equal(asked.reply->kind_case, BUS__REPLY__KIND_REFUSED);
    assert_int_equal(asked.reply->refused->status, 503);
    assert_true(asked.reply->refused->retry_after_s > 0);
    assert_in_range(simulation_now(world->simulation) - began, 2000, 2100);
}

/* ---- chains, jobs, timers ---- */

static void a_chain_of_causes_ends_visibly(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    scribe_speak(world, 1, "loop");
    const struct world_last *said = world_said(world, PONG);
    uint32_t deepest = 0;
    for (unsigned i = 0; i < said->count; i++)
        deepest = said->events[i]->hops > deepest ? said->events[i]->hops : deepest;
    assert_int_equal(said_text(world, PONG, "deep"), 1);
    assert_int_equal(deepest, TURN_HOPS_MAX);
    unsigned loops = said_text(world, PONG, "loop");
    assert_in_range(loops, TURN_HOPS_MAX - 3, TURN_HOPS_MAX);
    scribe_speak(world, 1, "loop"); /* a command begins a new chain */
    assert_int_equal(said_text(world, PONG, "loop"), 2 * loops);
}

/* A million keys, a hundred at a time, after all other input: who asks meanwhile is not held up. */
static void a_job_works_in_small_steps(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    scribe_steps = scribe_step_most = 0;
    scribe_tell(world, 1, "job 1000000", "");
    unsigned answered = 0;
    while (said_text(world, PONG, "counted 1000000") == 0) {
        unsigned before = scribe_steps;
        scribe_tell(world, 1, "echo", "");
        for (unsigned i = 0; i < 20 && said_text(world, PONG, "echoed") == answered; i++)
            simulation_step(world->simulation, INT64_MAX - 1);
        if (said_text(world, PONG, "counted 1000000") == 0)
            assert_int_equal(said_text(world, PONG, "echoed"), answered + 1);
        assert_true(scribe_steps - before <= 40);
        answered = said_text(world, PONG, "echoed");
        if (answered == 5) { /* a restart goes on where the last step ended */
            simulation_down(world->simulation, PONG);
            simulation_up(world->simulation, PONG);
        }
        if (answered >= 10)
            break;
    }
    assert_true(answered >= 10);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(said_text(world, PONG, "counted 1000000"), 1);
    assert_int_equal(scribe_steps, 10000);
    assert_int_equal(scribe_step_most, 100);
}

static void a_timer_rings_once_at_its_time(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    scribe_tell(world, 1, "timer 90000", "");
    int64_t told = simulation_now(world->simulation);
    simulation_run(world->simulation, told + 89000);
    assert_int_equal(said_text(world, PONG, "rang"), 0);
    simulation_down(world->simulation, PONG);
    simulation_run(world->simulation, told + 200000);
    simulation_up(world->simulation, PONG); /* late, because it was away */
    simulation_run(world->simulation, told + 300000);
    assert_int_equal(said_text(world, PONG, "rang"), 1);
}

/* A turn takes up to 1,024 inputs; what one of them needed is forgotten before the next. */
static void an_input_leaves_no_memory_behind(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    simulation_down(world->simulation, PONG);
    for (uint64_t id = 1; id <= 50; id++)
        scribe_tell(world, 1, "spend 1000000", "");
    simulation_up(world->simulation, PONG);
    scribe_found_most = 0;
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_in_range(scribe_found_most, 1, 100000);
}

/* ---- what a producer promises with an empty reply ---- */

struct promise {
    struct world *world;
    int64_t as_of_ms;
    uint64_t end;
    bool done;
};

static void on_promise(void *context, enum err err, const Bus__Reply *reply)
{
    struct promise *promise = context;
    assert_int_equal(err, ERR_NONE);
    assert_int_equal(reply->kind_case, BUS__REPLY__KIND_FETCHED);
    promise->as_of_ms = reply->fetched->as_of_ms;
    promise->end = reply->fetched->end;
    promise->done = true;
}

static struct promise promise_now(struct world *world)
{
    struct promise promise = {.world = world};
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch fetch = BUS__FETCH__INIT;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &fetch;
    fetch.after = world_said(world, PING)->count;
    simulation_ask(world->simulation, PING, &request, 60000, on_promise, &promise);
    while (!promise.done && simulation_step(world->simulation, INT64_MAX - 1))
        ;
    return promise;
}

/* "No later event of this log will bear an earlier recorded time": while it works, after restarts, when the clock of
   the machine goes back. */
static void as_of_is_kept(void **state)
{
    struct world *world = *state;
    struct promise promises[60];
    unsigned count = 0;
    scribe_tell(world, 1, "open", "");
    for (unsigned i = 0; i < 20; i++) {
        promises[count++] = promise_now(world);
        simulation_run(world->simulation, simulation_now(world->simulation) + (int64_t)(i * 137 % 900));
        if (i % 5 == 4) {
            simulation_down(world->simulation, PING);
            simulation_up(world->simulation, PING);
        }
        if (i == 9) { /* half an hour back: nothing is recorded until it is accepted or over */
            simulation_clock_jump(world->simulation, -PUPPET_HOUR_MS / 2);
            promises[count++] = promise_now(world);
            assert_string_equal(scribe_tell(world, 1, "x", "")->refused->code, "clock_suspect");
            promises[count++] = promise_now(world);
            simulation_clock_jump(world->simulation, PUPPET_HOUR_MS / 2);
            simulation_run(world->simulation, simulation_now(world->simulation) + 3000);
        }
        if (i == 12) { /* the clock is set back while it is away: less than a jump, more than it was down */
            promises[count++] = promise_now(world);
            simulation_down(world->simulation, PING);
            simulation_clock_jump(world->simulation, -40000);
            simulation_up(world->simulation, PING);
            promises[count++] = promise_now(world);
        }
        if (i == 14) { /* ten seconds back are no jump, but time must not go back either */
            simulation_clock_jump(world->simulation, -10000);
            promises[count++] = promise_now(world);
        }
        assert_null(scribe_tell(world, 1, "x", "")->refused);
    }
    const struct world_last *said = world_said(world, PING);
    int64_t last = 0;
    for (unsigned i = 0; i < said->count; i++) {
        assert_true(said->events[i]->recorded_ms >= last);
        last = said->events[i]->recorded_ms;
        for (unsigned p = 0; p < count; p++)
            if (said->events[i]->offset > promises[p].end)
                assert_true(said->events[i]->recorded_ms >= promises[p].as_of_ms);
    }
}

/* ---- a full disk ---- */

static void a_full_disk_refuses_writes_and_reads_go_on(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    scribe_speak(world, 1, "timer 1000");
    simulation_full_set(world->simulation, PING, true);
    simulation_full_set(world->simulation, PONG, true);
    simulation_run(world->simulation, simulation_now(world->simulation) + 5000);
    assert_string_equal(scribe_tell(world, 1, "x", "")->refused->code, "full");
    assert_string_equal(scribe_page(world, 1), "open timer 1000 "); /* queries are answered */
    assert_int_equal(promise_now(world).end, 2);                    /* and fetches */
    assert_int_equal(said_text(world, PONG, "rang"), 0);            /* but nothing new is said */
    simulation_full_set(world->simulation, PING, false);
    simulation_full_set(world->simulation, PONG, false);
    simulation_run(world->simulation, simulation_now(world->simulation) + 5000);
    scribe_speak(world, 1, "x");
    assert_string_equal(scribe_page(world, 1), "open timer 1000 rang x "); /* nothing was lost meanwhile */
}

/* ---- cursors that moved alone ---- */

static const struct service listener = {.name = "pong", /* what it hears changes nothing */
                                        .id = PONG,
                                        .hears = 1u << PING,
                                        .evolve = speaker_evolve};

static uint64_t listener_heard(struct world *world)
{
    return simulation_instance(world->simulation, PONG)->counts.events_heard;
}

static uint64_t cursor_commits(struct world *world)
{
    return simulation_instance(world->simulation, PONG)->counts.commits_cursor_only;
}

static uint64_t listener_commits(struct world *world)
{
    return store_commits(instance_store(simulation_instance(world->simulation, PONG)));
}

/* Says so many events, all within this instant, and waits until the listener has heard them. */
static void speak_at_once(struct world *world, unsigned count)
{
    int64_t now = simulation_now(world->simulation);
    uint64_t heard = listener_heard(world) + count;
    for (unsigned left = count, some; left; left -= some) {
        some = left < 50 ? left : 50;
        assert_null(scribe_tell(world, 1, arena_printf(&world->arena, "many %u", some), "")->refused);
    }
    simulation_run(world->simulation, now + 10);
    assert_int_equal(listener_heard(world), heard);
}

static void wait_ms(struct world *world, int64_t ms)
{
    simulation_run(world->simulation, simulation_now(world->simulation) + ms);
}

/* One commit for all that was heard within a second, or for a thousand events when they come sooner. */
static void cursors_alone_are_committed_now_and_then(void **state)
{
    (void)state;
    static const struct service *const services[] = {&speaker, &listener};
    struct world world;
    world_open(&world, services, 2, 7);
    speak_at_once(&world, 1);
    wait_ms(&world, PUPPET_HOUR_MS);
    uint64_t commits = listener_commits(&world);
    for (unsigned i = 0; i < 9; i++) {
        speak_at_once(&world, 3);
        wait_ms(&world, 90);
    }
    assert_int_equal(listener_commits(&world), commits);
    simulation_down(world.simulation, PONG); /* they were in memory only */
    simulation_up(world.simulation, PONG);
    wait_ms(&world, 900);
    assert_int_equal(listener_heard(&world), 27);
    assert_int_equal(listener_commits(&world), commits);
    assert_int_equal(cursor_commits(&world), 0);
    wait_ms(&world, 110); /* the second is over */
    assert_int_equal(listener_commits(&world), ++commits);
    wait_ms(&world, PUPPET_HOUR_MS);
    assert_int_equal(listener_commits(&world), commits);
    speak_at_once(&world, 999);
    assert_int_equal(listener_commits(&world), commits);
    speak_at_once(&world, 1);
    assert_int_equal(listener_commits(&world), ++commits);
    speak_at_once(&world, 1); /* and another second begins */
    wait_ms(&world, 900);
    assert_int_equal(listener_commits(&world), commits);
    wait_ms(&world, 110);
    assert_int_equal(listener_commits(&world), ++commits);
    assert_int_equal(cursor_commits(&world), 3);
    world_close(&world);
}

/* ---- a damaged log ---- */

static void put_event(struct world *world, uint64_t offset, struct bytes stored)
{
    char folder[300];
    store_table table;
    struct store *store;
    snprintf(folder, sizeof folder, "%s/ping-0", world->folder);
    assert_int_equal(store_open(folder, &(struct store_options){.no_sync = true}, &store), ERR_NONE);
    assert_int_equal(store_table_open(store, "log", &table), ERR_NONE);
    struct store_txn *txn = store_begin(store, true);
    struct key key = key_u64(offset);
    if (stored.data)
        store_put(txn, table, key_bytes(&key), stored);
    else
        store_delete(txn, table, key_bytes(&key));
    assert_int_equal(store_commit(txn), ERR_NONE);
    store_close(store);
}

static int64_t some_time(void *context)
{
    (void)context;
    return PUPPET_START_MS + 1000 * PUPPET_HOUR_MS;
}

static void zeros(void *context, uint8_t *out, size_t size)
{
    (void)context;
    memset(out, 0, size);
}

/* Why it does not start; "" when it does. */
static const char *start(struct world *world)
{
    static char why[300];
    char folder[300];
    struct env env = {.now = some_time, .boot = some_time, .random = zeros};
    snprintf(folder, sizeof folder, "%s/ping-0", world->folder);
    struct instance_options options = {.folder = folder, .cell = 0x5eedull, .no_sync = true};
    struct instance *instance = simulation_instance(world->simulation, PONG);
    Bus__PositionReport report;
    instance_position(instance, &world->arena, &report);
    options.cell = report.cursors[0]->log->cell;
    *why = 0;
    enum err err = instance_open(&speaker, &options, &env, &instance, why, sizeof why);
    if (!err)
        instance_close(instance);
    assert_true(err ? *why : !*why);
    assert_true(!err || err == ERR_CORRUPT);
    return why;
}

static void a_damaged_log_refuses_to_start(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 20; i++)
        scribe_speak(world, 1, i ? "x" : "open");
    struct bytes last, middle;
    assert_true(instance_log_get(simulation_instance(world->simulation, PING), 20, &world->arena, &last));
    assert_true(instance_log_get(simulation_instance(world->simulation, PING), 10, &world->arena, &middle));
    simulation_down(world->simulation, PING);
    assert_string_equal(start(world), "");
    char *altered = arena_text(&world->arena, (const char *)middle.data, middle.size);
    altered[middle.size - 1] ^= 1;
    put_event(world, 10, bytes_of(altered, middle.size));
    assert_non_null(strstr(
        start(world), "offset 10: it was altered: the next event names another hash of it: restore from a backup"));
    put_event(world, 10, middle);
    altered = arena_text(&world->arena, (const char *)last.data, last.size);
    altered[last.size - 1] ^= 1;
    put_event(world, 20, bytes_of(altered, last.size));
    assert_non_null(strstr(start(world), "offset 20: "));
    put_event(world, 20, (struct bytes){0}); /* the end is lost */
    const char *why = start(world);
    assert_non_null(strstr(why, "offset 20: the log does not end here as its head says, but at offset 19"));
    assert_non_null(strstr(why, "restore from a backup"));
    put_event(world, 20, last);
    assert_string_equal(start(world), "");
    simulation_up(world->simulation, PING);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, scribe_setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(a_repeated_command_has_its_first_outcome),
                                       WITH_WORLD(a_refusal_is_not_an_outcome),
                                       WITH_WORLD(what_you_wrote_you_read),
                                       WITH_WORLD(who_waits_in_vain_is_told_after_two_seconds),
                                       WITH_WORLD(a_chain_of_causes_ends_visibly),
                                       WITH_WORLD(a_job_works_in_small_steps),
                                       WITH_WORLD(a_timer_rings_once_at_its_time),
                                       WITH_WORLD(an_input_leaves_no_memory_behind),
                                       WITH_WORLD(as_of_is_kept),
                                       WITH_WORLD(a_full_disk_refuses_writes_and_reads_go_on),
                                       cmocka_unit_test(cursors_alone_are_committed_now_and_then),
                                       WITH_WORLD(a_damaged_log_refuses_to_start)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
