/* What the operator is told of: once when it begins, once when it ends, never over and over. */
#include "../support/scribe.h"

#include "log/log.h"
#include "metrics/metrics.h"
#include "store/store.h"
#include "vault/vault.h"

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG

static uint64_t counted(struct world *world, Hb__Service service, enum log_note note)
{
    return log_counted(instance_log(simulation_instance(world->simulation, service)), note);
}

static void run(struct world *world, int64_t ms)
{
    simulation_run(world->simulation, simulation_now(world->simulation) + ms);
}

static void a_full_disk(void **state)
{
    struct world *world = *state;
    simulation_full_set(world->simulation, PING, true);
    for (unsigned i = 0; i < 10; i++) {
        const Hb__CommandReply *reply = scribe_tell(world, 1, "open", "");
        assert_string_equal(reply->refused->code, "full");
        assert_int_equal(reply->refused->status, 503);
        run(world, 1500);
    }
    assert_int_equal(counted(world, PING, NOTE_FULL), 1);
    assert_int_equal(counted(world, PING, NOTE_ROOM_AGAIN), 0);
    simulation_full_set(world->simulation, PING, false);
    run(world, 1500);
    assert_int_equal(counted(world, PING, NOTE_ROOM_AGAIN), 1);
    scribe_speak(world, 1, "open");
}

/* Of a service with a vault, whose folder may be full by itself: it takes no turns either, and looks once a second. */
static void a_full_vault(void **state)
{
    (void)state;
    struct world world = {.commands = 0};
    static const struct service sealer = {.name = "ping",
                                          .id = PING,
                                          .decide = speaker_decide,
                                          .reply = speaker_reply,
                                          .evolve = speaker_evolve,
                                          .keeps_vault = true,
                                          .seals = true};
    static const struct service *const services[] = {&sealer, &scribe};
    world_open(&world, services, 2, 3);
    scribe_speak(&world, 1, "open");
    struct vault *vault = instance_vault(simulation_instance(world.simulation, PING));
    uint64_t key;
    for (unsigned i = 0; i < 40; i++) /* of 64 */
        assert_int_equal(vault_take(vault, &key), ERR_NONE);
    store_full_set(vault_store(vault), true);
    for (unsigned i = 0; i < 10; i++) {
        run(&world, 1500);
        assert_string_equal(scribe_tell(&world, 1, "x", "")->refused->code, "full");
    }
    assert_int_equal(counted(&world, PING, NOTE_FULL), 1);
    assert_int_equal(counted(&world, PING, NOTE_ROOM_AGAIN), 0);
    store_full_set(vault_store(vault), false);
    run(&world, 1500);
    assert_int_equal(counted(&world, PING, NOTE_ROOM_AGAIN), 1);
    scribe_speak(&world, 1, "y");
    world_close(&world);
}

static void a_clock_that_jumped(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    simulation_clock_jump(world->simulation, 2 * PUPPET_HOUR_MS);
    run(world, 5000);
    assert_int_equal(counted(world, PING, NOTE_CLOCK_SUSPECT), 1);
    assert_string_equal(scribe_tell(world, 1, "a", "")->refused->code, "clock_suspect");
    simulation_clock_jump(world->simulation, -2 * PUPPET_HOUR_MS);
    run(world, 5000);
    assert_int_equal(counted(world, PING, NOTE_CLOCK_TRUSTED), 1);
    assert_int_equal(counted(world, PING, NOTE_CLOCK_SUSPECT), 1);
    scribe_speak(world, 1, "b");
}

static void events_that_wait_for_too_long(void **state)
{
    struct world *world = *state;
    simulation_idle_set(world->simulation, 20000);
    scribe_speak(world, 7, "early"); /* its case is not known */
    run(world, 200000);
    assert_int_equal(counted(world, PONG, NOTE_WAITING_LONG), 0);
    run(world, 240000);
    uint64_t told = counted(world, PONG, NOTE_WAITING_LONG);
    assert_in_range(told, 1, 3); /* once a minute */
    scribe_speak(world, 7, "open");
    assert_string_equal(scribe_page(world, 7), "open early ");
    told = counted(world, PONG, NOTE_WAITING_LONG);
    run(world, 400000);
    assert_int_equal(counted(world, PONG, NOTE_WAITING_LONG), told);
}

/* The producer's log was altered behind our cursor: the feed stops, and says so once. */
static void a_feed_that_stopped(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    struct store *store = instance_store(simulation_instance(world->simulation, PING));
    store_table table;
    assert_int_equal(store_table_open(store, "log", &table), ERR_NONE);
    struct bytes stored;
    assert_true(instance_log_get(simulation_instance(world->simulation, PING), 1, &world->arena, &stored));
    struct key key = key_u64(1);
    struct store_txn *txn = store_begin(store, true);
    char *altered = arena_text(&world->arena, (const char *)stored.data, stored.size);
    altered[stored.size - 1] ^= 1;
    store_put(txn, table, key_bytes(&key), bytes_of(altered, stored.size));
    assert_int_equal(store_commit(txn), ERR_NONE);
    simulation_down(world->simulation, PONG); /* a parked fetch is answered without looking back */
    simulation_up(world->simulation, PONG);
    run(world, 10000);
    assert_int_equal(counted(world, PONG, NOTE_FEED_STOPPED), 1);
    assert_string_equal(instance_health(simulation_instance(world->simulation, PONG)), "feed_stopped");
    txn = store_begin(store, true);
    store_put(txn, table, key_bytes(&key), stored);
    assert_int_equal(store_commit(txn), ERR_NONE);
}

static void they_stand_among_the_metrics(void **state)
{
    struct world *world = *state;
    scribe_speak(world, 1, "open");
    const char *text = scribe_control(world, PONG, BUS__CONTROL__WHAT__STATUS, "")->control->text;
    assert_non_null(strstr(text, "hearback_notes_total{service=\"pong\",partition=\"0\",note=\"feed_stopped\"} 0"));
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, scribe_setup, scribe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(a_full_disk),         cmocka_unit_test(a_full_vault),
                                       WITH_WORLD(a_clock_that_jumped), WITH_WORLD(events_that_wait_for_too_long),
                                       WITH_WORLD(a_feed_that_stopped), WITH_WORLD(they_stand_among_the_metrics)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
