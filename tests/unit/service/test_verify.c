/* Control VERIFY finds what was altered behind the service's back, names it, and says nothing of what is sound. */
#include "../support/folder.h"
#include "../support/scribe.h"

#include "hearback/record/runtime.pb-c.h"
#include "log/log.h"
#include "service/internal.h"
#include "store/store.h"

#include <inttypes.h>

#define PING HB__SERVICE__TOY_PING
#define PONG HB__SERVICE__TOY_PONG

/* Puts a row into a table of the running scribe, as a failing disk or a hand would. */
static void tamper(struct world *world, Hb__Service service, const char *name, struct bytes key, const char *value)
{
    struct store *store = instance_store(simulation_instance(world->simulation, service));
    store_table table;
    assert_int_equal(store_table_open(store, name, &table), ERR_NONE);
    struct store_txn *txn = store_begin(store, true);
    if (value)
        store_put(txn, table, key, bytes_of_text(value));
    else
        store_delete(txn, table, key);
    assert_int_equal(store_commit(txn), ERR_NONE);
}

/* Flips a bit of the first row's value in a table: `at` bytes before its end. Returns the place of the row. */
static const char *flip(struct world *world, Hb__Service service, const char *name, size_t at)
{
    struct store *store = instance_store(simulation_instance(world->simulation, service));
    store_table table;
    struct store_scan scan;
    struct bytes key, value;
    assert_int_equal(store_table_open(store, name, &table), ERR_NONE);
    struct store_txn *txn = store_begin(store, true);
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    assert_true(store_scan_next(&scan, &world->arena, &key, &value) && at < value.size);
    ((uint8_t *)(uintptr_t)value.data)[value.size - 1 - at] ^= 4;
    store_put(txn, table, key, value);
    assert_int_equal(store_commit(txn), ERR_NONE);
    return store_place(&world->arena, name, key);
}

static int setup(void **state)
{
    scribe_setup(state);
    struct world *world = *state;
    for (uint64_t id = 1; id <= 3; id++) {
        scribe_speak(world, id, "open");
        scribe_speak(world, id, "echo");
        scribe_speak(world, id, "timer 500");
    }
    scribe_speak(world, 9, "lost"); /* waits for its case */
    scribe_speak(world, 1, "job 250");
    simulation_run(world->simulation, simulation_now(world->simulation) + 2000);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    return 0;
}

/* The tampered world is thrown away unchecked: its state is not what its log says. */
static int teardown_tampered(void **state)
{
    struct world *world = *state;
    simulation_free(world->simulation);
    assert_true(folder_remove(world->folder));
    arena_fini(&world->arena);
    free(world);
    return 0;
}

static void a_sound_service_says_nothing(void **state)
{
    struct world *world = *state;
    assert_string_equal(scribe_verify(world, PING), "");
    assert_string_equal(scribe_verify(world, PONG), "");
    scribe_speak(world, 1, "later");
    assert_string_equal(scribe_verify(world, PONG), ""); /* it can be asked again */
    char path[320];
    snprintf(path, sizeof path, "%s/pong-0/verify", world->folder);
    assert_int_not_equal(access(path, F_OK), 0); /* nothing is left behind */
}

static void an_altered_row_is_named(void **state)
{
    struct world *world = *state;
    struct key key = key_u64(2);
    tamper(world, PONG, "s_pages", key_bytes(&key), "open echo forged ");
    const char *found = scribe_verify(world, PONG);
    assert_non_null(strstr(found, "table s_pages at key "));
    assert_non_null(strstr(found, "0000000000000002"));
}

static const Hb__QueryReply *ask_page(struct world *world, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    query.case_id = case_id;
    const Hb__QueryReply *reply = simulation_query(world->simulation, PONG, &query, &world->arena);
    assert_non_null(reply);
    return reply;
}

static const Hb__CommandReply *write_page(struct world *world, uint64_t case_id, const char *id)
{
    Hb__Command command = HB__COMMAND__INIT;
    command.account = "test";
    command.id = (char *)(uintptr_t)id;
    command.case_id = case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    const Hb__CommandReply *reply = simulation_command(world->simulation, PONG, &command, &world->arena);
    assert_non_null(reply);
    return reply;
}

static void assert_damaged(const Hb__Refusal *refused, const char *place)
{
    assert_non_null(refused);
    assert_int_equal(refused->status, 500);
    assert_string_equal(refused->code, "damaged");
    assert_non_null(strstr(refused->text->zh, place));
    assert_non_null(strstr(refused->text->en, place));
}

static struct store *beside;

static void begin_beside(struct turn *turn)
{
    turn_beside(turn, store_begin(beside, true));
}

/* What an answer had begun in another store ends with it: a second writer there would wait for good. */
static void nothing_is_left_open_beside(void **state)
{
    struct world *world = *state;
    struct key key = key_u64(2);
    char folder[320];
    snprintf(folder, sizeof folder, "%s/beside", world->folder);
    assert_int_equal(store_open(folder, &(struct store_options){.no_sync = true}, &beside), ERR_NONE);
    tamper(world, PONG, "s_pages", key_bytes(&key), "open echo forged ");
    scribe_begins = begin_beside;
    for (unsigned i = 0; i < 2; i++)
        assert_damaged(ask_page(world, 2)->refused, "table s_pages");
    scribe_begins = NULL;
    assert_int_equal(store_commit(store_begin(beside, true)), ERR_NONE);
    store_close(beside);
}

/* Queries, commands, repeated ones; told once for each place. */
static void a_damaged_row_denies_itself_alone(void **state)
{
    struct world *world = *state;
    const char *page = "pong: a row is damaged, an operator must restore it: table s_pages at key 0000000000000002";
    struct key key = key_u64(2);
    struct instance *instance = simulation_instance(world->simulation, PONG);
    assert_null(write_page(world, 1, "w-1")->refused);
    uint64_t end = 0;
    struct bytes stored;
    while (instance_log_get(instance, end + 1, &world->arena, &stored))
        end++;
    tamper(world, PONG, "s_pages", key_bytes(&key), "open echo forged ");
    for (unsigned i = 0; i < 2; i++) {
        assert_damaged(ask_page(world, 2)->refused, strstr(page, "table"));
        assert_string_equal(ask_page(world, 2)->refused->text->en, page);
        assert_int_equal(ask_page(world, 2)->payload_case, HB__QUERY_REPLY__PAYLOAD__NOT_SET);
        assert_damaged(write_page(world, 2, "w-2")->refused, strstr(page, "table"));
    }
    assert_int_equal(log_counted(instance_log(instance), NOTE_DAMAGED), 1);
    assert_false(instance_log_get(instance, end + 1, &world->arena, &stored)); /* what it had said is taken back */
    assert_null(write_page(world, 3, "w-3")->refused);
    assert_non_null(strstr(scribe_page(world, 3), "written "));
    const char *place = flip(world, PONG, "outcomes", 0);
    assert_damaged(write_page(world, 1, "w-1")->refused, place);
    assert_int_equal(log_counted(instance_log(instance), NOTE_DAMAGED), 2);
    assert_ptr_equal(instance, simulation_instance(world->simulation, PONG)); /* it never ended */
}

/* A program of another format wrote it: whatever stands in the tables, they are made anew from what was heard and said.
 */
static void rows_of_an_older_format_are_made_anew(void **state)
{
    struct world *world = *state;
    struct key page = key_u64(2), key = key_text("head");
    struct bytes value;
    ProtobufCMessage *message;
    char *why;
    tamper(world, PONG, "s_pages", key_bytes(&page), "of long ago");
    assert_string_not_equal(scribe_verify(world, PONG), "");
    struct store *store = instance_store(simulation_instance(world->simulation, PONG));
    store_table meta;
    assert_int_equal(store_table_open(store, "meta", &meta), ERR_NONE);
    struct store_txn *txn = store_begin(store, true);
    assert_true(store_get(txn, meta, key_bytes(&key), &world->arena, &value));
    assert_int_equal(row_load(&record__head__descriptor, key_bytes(&key), value, &world->arena, &message, &why),
                     ERR_NONE);
    ((Record__Head *)message)->state_format = 1;
    row_put(txn, meta, key_bytes(&key), message, &world->arena);
    assert_int_equal(store_commit(txn), ERR_NONE);
    simulation_down(world->simulation, PONG);
    simulation_up(world->simulation, PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_verify(world, PONG), "");
}

static void a_missing_row_is_named(void **state)
{
    struct world *world = *state;
    struct key key = key_u64(3);
    tamper(world, PONG, "s_pages", key_bytes(&key), NULL);
    assert_non_null(strstr(scribe_verify(world, PONG), "table s_pages at key "));
}

static void an_altered_event_is_named_by_its_offset(void **state)
{
    struct world *world = *state;
    struct key key = key_u64(2);
    struct arena *arena = &world->arena;
    struct bytes stored;
    assert_true(instance_log_get(simulation_instance(world->simulation, PING), 2, arena, &stored));
    char *altered = arena_text(arena, (const char *)stored.data, stored.size);
    uint8_t *place = memmem(altered, stored.size, "echo", 4);
    assert_non_null(place);
    *place = 'E';
    struct store *store = instance_store(simulation_instance(world->simulation, PING));
    store_table table;
    assert_int_equal(store_table_open(store, "log", &table), ERR_NONE);
    struct store_txn *txn = store_begin(store, true);
    store_put(txn, table, key_bytes(&key), bytes_of(altered, stored.size));
    assert_int_equal(store_commit(txn), ERR_NONE);
    assert_string_equal(scribe_verify(world, PING),
                        "own log, offset 2: it was altered: the next event names another hash of it\n");
    /* and whoever folded the true event finds that the producer says something else now */
    assert_non_null(strstr(scribe_verify(world, PONG), "table s_pages at key "));
}

static void an_event_gone_from_the_producer_is_found(void **state)
{
    struct world *world = *state;
    struct key key = key_u64(5);
    tamper(world, PING, "log", key_bytes(&key), NULL);
    assert_non_null(strstr(scribe_verify(world, PING), "own log, offset 5: an offset is missing\n"));
}

static void tables_must_agree(void **state)
{
    struct world *world = *state;
    struct key key = key_text("case/0000000000000077");
    key_add_u64(&key, 0x77);
    tamper(world, PONG, "waiting_for", key_bytes(&key), "");
    assert_string_equal(scribe_verify(world, PONG),
                        arena_printf(&world->arena, "%s: nothing waits there\n",
                                     store_place(&world->arena, "waiting_for", key_bytes(&key))));
    key = key_u64(5);
    key_add_text(&key, "nobody");
    key_add_text(&key, "1");
    tamper(world, PING, "outcomes_age", key_bytes(&key), "");
    assert_string_equal(scribe_verify(world, PING), "table outcomes_age at key 00000000000000056e6f626f6479003100: "
                                                    "table outcomes at key 6e6f626f6479003100 is missing\n");
}

/* These rows no fold makes again: any bit of them, and of the check itself. */
static void what_is_not_folded_bears_a_check(void **state)
{
    struct world *world = *state;
    static const struct {
        Hb__Service service;
        const char *table, *found;
    } rows[] = {{PING, "outcomes", ": it was altered\n"},
                {PONG, "waiting", ": it was altered\n"},
                {PONG, "waiting_for", ": it was altered\n"},
                {PONG, "heard", ", turn 1: its check does not fit: it was altered\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t at = 0; at < 4 || (at < 12 && strcmp(rows[i].table, "waiting_for") != 0); at++) {
            const char *place = flip(world, rows[i].service, rows[i].table, at);
            assert_string_equal(scribe_verify(world, rows[i].service),
                                arena_printf(&world->arena, "%s%s", place, rows[i].found));
            flip(world, rows[i].service, rows[i].table, at);
            assert_string_equal(scribe_verify(world, rows[i].service), "");
        }
}

static uint64_t ping_end(struct world *world)
{
    uint64_t end = 0;
    struct bytes stored;
    while (instance_log_get(simulation_instance(world->simulation, PING), end + 1, &world->arena, &stored))
        end++;
    return end;
}

static void a_cursor_stands_where_heard_says(void **state)
{
    struct world *world = *state;
    struct key key = {.size = 0};
    key_add_u32(&key, PING);
    key_add_u32(&key, 0);
    tamper(world, PONG, "cursors", key_bytes(&key), NULL);
    char found[200];
    snprintf(found, sizeof found,
             "table cursors at key 0000000b00000000: ping-0 was heard up to offset %" PRIu64 ", its cursor is lost\n",
             ping_end(world));
    assert_string_equal(scribe_verify(world, PONG), found);
}

static void a_producer_that_is_down_is_told_of(void **state)
{
    struct world *world = *state;
    simulation_down(world->simulation, PING);
    struct scribe_asked asked = {.world = world};
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__VERIFY;
    const char *found = NULL;
    for (unsigned asks = 0; asks < 60 && !found; asks++) { /* "verifying" every ten seconds until it gives up */
        asked.done = false;
        simulation_ask(world->simulation, PONG, &request, 60000, scribe_answered, &asked);
        while (!asked.done && simulation_step(world->simulation, INT64_MAX - 1))
            ;
        if (asked.reply->kind_case == BUS__REPLY__KIND_CONTROL)
            found = asked.reply->control->text;
        else
            assert_string_equal(asked.reply->refused->code, "verifying");
    }
    assert_non_null(found);
    assert_non_null(strstr(found, "not checked: ping-0 does not answer"));
    simulation_up(world->simulation, PING);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_string_equal(scribe_verify(world, PONG), "");
}

/* While it runs, commands are answered and events are folded; it ends sound all the same. */
static void the_service_goes_on_meanwhile(void **state)
{
    struct world *world = *state;
    struct scribe_asked asked = {.world = world};
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    for (unsigned i = 0; i < 3; i++)
        scribe_tell(world, 1, "many 20", "");
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__VERIFY;
    simulation_ask(world->simulation, PONG, &request, 60000, scribe_answered, &asked);
    for (unsigned i = 0; i < 5; i++)
        scribe_tell(world, 2, "more", "");
    while (!asked.done && simulation_step(world->simulation, INT64_MAX - 1))
        ;
    assert_string_equal(asked.reply->control->text, "");
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_non_null(strstr(scribe_page(world, 2), "more more more more more"));
    scribe_verify(world, PONG); /* what fails after it is not its fault */
    assert_string_equal(simulation_instance(world->simulation, PONG)->input_name, "");
}

#define SOUND(test) cmocka_unit_test_setup_teardown(test, setup, scribe_teardown)
#define TAMPERED(test) cmocka_unit_test_setup_teardown(test, setup, teardown_tampered)

int main(void)
{
    const struct CMUnitTest tests[] = {SOUND(a_sound_service_says_nothing),
                                       TAMPERED(an_altered_row_is_named),
                                       TAMPERED(a_damaged_row_denies_itself_alone),
                                       TAMPERED(nothing_is_left_open_beside),
                                       SOUND(rows_of_an_older_format_are_made_anew),
                                       TAMPERED(a_missing_row_is_named),
                                       TAMPERED(an_altered_event_is_named_by_its_offset),
                                       TAMPERED(an_event_gone_from_the_producer_is_found),
                                       TAMPERED(tables_must_agree),
                                       SOUND(what_is_not_folded_bears_a_check),
                                       TAMPERED(a_cursor_stands_where_heard_says),
                                       SOUND(a_producer_that_is_down_is_told_of),
                                       SOUND(the_service_goes_on_meanwhile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
