/* Open deadlines cost nothing while nothing is due (issue 2, chapter 3): a hundred times as many make watchdog wake no
   oftener and read no row more. Counted, not timed; the figures of ten million stand in tests/bench. */
#include "../support/heard.h"

#include "watchdog.h"

#define FEW 1000u
#define MANY 100000u
#define TICK_MS 20000

/* Every row that is read goes through one of these two (tests/CMakeLists.txt wraps them). */
static uint64_t rows_read;

int __real_mdb_get(void *txn, unsigned table, void *key, void *value);
int __wrap_mdb_get(void *txn, unsigned table, void *key, void *value);
int __wrap_mdb_get(void *txn, unsigned table, void *key, void *value)
{
    rows_read++;
    return __real_mdb_get(txn, table, key, value);
}

int __real_mdb_cursor_get(void *cursor, void *key, void *value, unsigned what);
int __wrap_mdb_cursor_get(void *cursor, void *key, void *value, unsigned what);
int __wrap_mdb_cursor_get(void *cursor, void *key, void *value, unsigned what)
{
    rows_read++;
    return __real_mdb_cursor_get(cursor, key, value, what);
}

static void put_timer(struct instance *instance, struct store_txn *txn, int64_t due_ms, uint64_t case_id)
{
    static const char clock[] = "handle\0\0\0\0\1\0\0\0"; /* and round 1, part 0 */
    struct key key = key_u64((uint64_t)due_ms);
    key_add_u64(&key, case_id);
    key_add(&key, clock, sizeof clock);
    store_put(txn, instance->runtime_tables[RUNTIME_TIMERS], key_bytes(&key), (struct bytes){0});
}

/* So many cases with a deadline in a month, and one, of no case any more, in two hours. */
static void put_deadlines(struct world *world, unsigned count)
{
    struct instance *instance = simulation_instance(world->simulation, HB__SERVICE__WATCHDOG);
    struct store_txn *txn = store_begin(instance_store(instance), true);
    for (unsigned i = 1; i <= count; i++) {
        struct key key = key_u64(i);
        store_put(txn, instance->tables[WATCHDOG_CASE], key_bytes(&key), bytes_of_text("not read"));
        put_timer(instance, txn, PUPPET_START_MS + 30 * 24 * PUPPET_HOUR_MS + i, i);
    }
    put_timer(instance, txn, PUPPET_START_MS + 2 * PUPPET_HOUR_MS, count + 1);
    assert_int_equal(store_commit(txn), ERR_NONE);
}

struct cost {
    uint64_t rows, steps;
};

static struct cost cost_until(struct world *world, int64_t until_ms)
{
    struct cost cost = {0};
    rows_read = 0;
    while (simulation_step(world->simulation, until_ms))
        cost.steps++;
    cost.rows = rows_read;
    return cost;
}

/* The start with its first look, an hour in which nothing is due, and an hour in which one deadline is. */
static void costs_with(unsigned count, struct cost costs_out[3])
{
    static const struct service *const services[] = {&watchdog_service};
    struct world world;
    world_open(&world, services, 1, 7);
    simulation_idle_set(world.simulation, TICK_MS);
    put_deadlines(&world, count);
    simulation_down(world.simulation, HB__SERVICE__WATCHDOG);
    rows_read = 0;
    simulation_up(world.simulation, HB__SERVICE__WATCHDOG);
    uint64_t opening = rows_read;
    costs_out[0] = cost_until(&world, PUPPET_START_MS + PUPPET_HOUR_MS / 4);
    costs_out[0].rows += opening;
    costs_out[1] = cost_until(&world, PUPPET_START_MS + PUPPET_HOUR_MS / 4 + PUPPET_HOUR_MS);
    costs_out[2] = cost_until(&world, PUPPET_START_MS + PUPPET_HOUR_MS / 4 + 2 * PUPPET_HOUR_MS);
    struct instance *instance = simulation_instance(world.simulation, HB__SERVICE__WATCHDOG);
    struct store_txn *txn = store_begin(instance_store(instance), false);
    assert_int_equal(store_count(txn, instance->runtime_tables[RUNTIME_TIMERS]), count); /* the due one is gone */
    store_abort(txn);
    simulation_free(world.simulation); /* not world_close: these rows come of no event */
    assert_true(folder_remove(world.folder));
    arena_fini(&world.arena);
}

static void open_deadlines_cost_nothing_while_idle(void **state)
{
    (void)state;
    struct cost few[3], many[3];
    costs_with(FEW, few);
    costs_with(MANY, many);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(many[i].steps, few[i].steps);
        assert_int_equal(many[i].rows, few[i].rows);
    }
    assert_in_range(many[1].steps, PUPPET_HOUR_MS / TICK_MS - 1, PUPPET_HOUR_MS / TICK_MS + 1); /* it did tick */
    assert_int_equal(many[1].rows, 0);
    assert_true(many[2].rows > 0); /* rows are counted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(open_deadlines_cost_nothing_while_idle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
