/* An event about what is not known here yet waits; later ones of its case behind it, all in order; other cases are not
   held up (design.md 3, Unknown case, policy, calendar, site). */
#include "../support/clerk.h"
#include "../support/heard.h"

#include <fcntl.h>

static void publish(struct world *world, uint32_t version)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "a", POLICY__PHASE__NEW));
    Policy__Policy policy = POLICY__POLICY__INIT;
    policy.site = "garden";
    policy.version = version;
    policy.calendar = version == 1 ? "one" : "two";
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    world_publish(world, &policy);
}

static void each_waits_for_what_it_needs(void **state)
{
    struct world *world = *state;
    clerk_tell(world, 1, "garden", 1, "open");
    clerk_tell(world, 1, "garden", 1, "a");
    clerk_tell(world, 2, "elsewhere", 0, "open");
    assert_int_equal(clerk_waiting(world), 3);
    assert_string_equal(clerk_page(world, 1), "");
    world_site(world, "garden"); /* its policy is still unknown */
    assert_int_equal(clerk_waiting(world), 3);
    clerk_tell(world, 1, "garden", 2, "b"); /* behind them, though its policy may come first */
    publish(world, 2);
    assert_int_equal(clerk_waiting(world), 4);
    assert_string_equal(clerk_page(world, 1), "");
    publish(world, 1);
    assert_string_equal(clerk_page(world, 1), "open a b ");
    assert_int_equal(clerk_waiting(world), 1); /* the other site's */
    world_site(world, "elsewhere");
    assert_string_equal(clerk_page(world, 2), "open ");
    assert_int_equal(clerk_waiting(world), 0);
}

static void others_are_not_held_up(void **state)
{
    struct world *world = *state;
    world_site(world, "garden");
    publish(world, 1);
    clerk_tell(world, 1, "garden", 1, "early"); /* before its own beginning */
    clerk_tell(world, 2, "garden", 1, "open");
    clerk_tell(world, 1, "garden", 1, "second");
    clerk_tell(world, 2, "garden", 1, "x");
    assert_string_equal(clerk_page(world, 2), "open x ");
    assert_string_equal(clerk_page(world, 1), "");
    clerk_tell(world, 1, "garden", 1, "open"); /* what makes a case known does not queue behind those that need it */
    assert_string_equal(clerk_page(world, 1), "open early second ");
    clerk_tell(world, 1, "garden", 1, "third");
    assert_string_equal(clerk_page(world, 1), "open early second third ");
}

/* The next one of the case needs something else: it waits on, under its new key, and those behind it with it. */
static void one_need_after_the_other(void **state)
{
    struct world *world = *state;
    world_site(world, "garden");
    clerk_tell(world, 1, "garden", 0, "early");
    clerk_tell(world, 1, "garden", 1, "needs_one");
    clerk_tell(world, 1, "garden", 2, "needs_two");
    clerk_tell(world, 1, "garden", 0, "last");
    clerk_tell(world, 1, "garden", 0, "open");
    assert_string_equal(clerk_page(world, 1), "open early ");
    publish(world, 1);
    assert_string_equal(clerk_page(world, 1), "open early needs_one ");
    assert_int_equal(clerk_waiting(world), 2);
    publish(world, 2);
    assert_string_equal(clerk_page(world, 1), "open early needs_one needs_two last ");
}

static void a_restart_forgets_nobody_who_waits(void **state)
{
    struct world *world = *state;
    world_site(world, "garden");
    clerk_tell(world, 1, "garden", 1, "open");
    clerk_tell(world, 1, "garden", 1, "a");
    simulation_down(world->simulation, HB__SERVICE__TOY_PONG);
    simulation_up(world->simulation, HB__SERVICE__TOY_PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(clerk_waiting(world), 2);
    clerk_tell(world, 1, "garden", 1, "b");
    publish(world, 1);
    assert_string_equal(clerk_page(world, 1), "open a b ");
}

/* A crowd: what became known lets all of them go in that same turn, each case in its own order. */
static void a_crowd_is_let_go_at_once(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 3; i++)
        for (uint64_t id = 1; id <= 40; id++)
            clerk_tell(world, id, "garden", 0, i == 0 ? "open" : i == 1 ? "a" : "b");
    assert_int_equal(clerk_waiting(world), 120);
    world_site(world, "garden");
    assert_int_equal(clerk_waiting(world), 0);
    for (uint64_t id = 1; id <= 40; id++)
        assert_string_equal(clerk_page(world, id), "open a b ");
}

/* ---- more than one turn can take ---- */

static struct instance *pong(struct world *world)
{
    return simulation_instance(world->simulation, HB__SERVICE__TOY_PONG);
}

/* Cases, each of which has said "open" and "a" and waits for its site. */
static void crowd(struct world *world, uint64_t cases)
{
    Hb__Event event = HB__EVENT__INIT;
    event.site = "garden";
    event.payload_case = HB__EVENT__PAYLOAD_TOY;
    for (unsigned i = 0; i < 2; i++)
        for (event.case_id = 1; event.case_id <= cases; event.case_id++) {
            event.toy = (ProtobufCBinaryData){i ? 1 : 4, (uint8_t *)(i ? "a" : "open")};
            puppet_tell(world, HB__SERVICE__INTAKE, &event);
        }
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(clerk_waiting(world), 2 * cases);
}

static unsigned largest_turn(struct world *world, uint64_t after)
{
    struct heard_rows rows = heard_rows(world, HB__SERVICE__TOY_PONG, after, SIZE_MAX);
    size_t most = 0;
    for (size_t i = 0; i < rows.count; i++)
        most = rows.rows[i]->n_inputs > most ? rows.rows[i]->n_inputs : most;
    return (unsigned)most;
}

static void until_some_went(struct world *world)
{
    Hb__Event event = HB__EVENT__INIT;
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__Site site = DIRECTORY__SITE__INIT;
    site.id = "garden";
    site.name = world_label(world, "花园", "Garden");
    payload.kind_case = DIRECTORY__EVENT__KIND_SITE_DEFINED;
    payload.site_defined = &site;
    event.payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event.directory = &payload;
    puppet_tell(world, HB__SERVICE__DIRECTORY, &event);
    while (pong(world)->counts.released == 0)
        assert_true(simulation_step(world->simulation, INT64_MAX - 1));
}

/* No turn takes more than its share, however many wait; killed between two turns it goes on where it was. */
static void what_is_too_much_for_a_turn_goes_in_the_next(void **state)
{
    struct world *world = *state;
    crowd(world, 1200);
    uint64_t turns = pong(world)->head.turns;
    until_some_went(world);
    assert_in_range(clerk_waiting(world), 2400 - TURN_INPUTS_MAX, 2399);
    Hb__Event late = HB__EVENT__INIT;
    late.site = "garden";
    late.case_id = 1200;
    late.payload_case = HB__EVENT__PAYLOAD_TOY;
    late.toy = (ProtobufCBinaryData){4, (uint8_t *)"late"};
    puppet_tell(world, HB__SERVICE__INTAKE, &late); /* behind those of its case */
    simulation_down(world->simulation, HB__SERVICE__TOY_PONG);
    simulation_up(world->simulation, HB__SERVICE__TOY_PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    assert_int_equal(clerk_waiting(world), 0);
    assert_in_range(largest_turn(world, turns), TURN_INPUTS_MAX / 2, TURN_INPUTS_MAX);
    for (uint64_t id = 1; id < 1200; id++)
        assert_string_equal(clerk_page(world, id), "open a ");
    assert_string_equal(clerk_page(world, 1200), "open a late ");
}

/* After an abort a turn has one input, also of those that are let go: what one of them did is kept before the next. */
static void after_an_abort_each_has_a_turn(void **state)
{
    struct world *world = *state;
    crowd(world, 20);
    char path[320], page[256] = "1 event intake-0 999";
    simulation_down(world->simulation, HB__SERVICE__TOY_PONG);
    snprintf(path, sizeof path, "%s/pong-0/poison", world->folder);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, page, sizeof page, 0), sizeof page);
    close(fd);
    simulation_up(world->simulation, HB__SERVICE__TOY_PONG);
    assert_true(simulation_settle(world->simulation, PUPPET_HOUR_MS));
    uint64_t turns = pong(world)->head.turns;
    world_site(world, "garden");
    assert_int_equal(clerk_waiting(world), 0);
    assert_int_equal(largest_turn(world, turns), 1);
}

/* ---- a row that a disk altered ---- */

static void alter_first(struct world *world)
{
    struct store_txn *txn = store_begin(instance_store(pong(world)), true);
    store_table table = pong(world)->runtime_tables[RUNTIME_WAITING];
    struct store_scan scan;
    struct bytes key, value;
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    assert_true(store_scan_next(&scan, &world->arena, &key, &value));
    ((uint8_t *)(uintptr_t)value.data)[0] ^= 4;
    store_put(txn, table, key, value);
    assert_int_equal(store_commit(txn), ERR_NONE);
}

/* Its case stays where it is; nobody else does, and nothing ends. */
static void an_altered_row_holds_its_own_case_up(void **state)
{
    struct world *world = *state;
    crowd(world, 3);
    alter_first(world);
    simulation_run(world->simulation, simulation_now(world->simulation) + PUPPET_HOUR_MS); /* it is looked at */
    world_site(world, "garden");
    assert_string_equal(clerk_page(world, 1), "");
    assert_string_equal(clerk_page(world, 2), "open a ");
    assert_string_equal(clerk_page(world, 3), "open a ");
    clerk_tell(world, 1, "garden", 0, "b");
    assert_string_equal(clerk_page(world, 1), "");
    assert_int_equal(clerk_waiting(world), 3);
    assert_int_equal(pong(world)->damaged_told_count, 1);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, clerk_setup, clerk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(each_waits_for_what_it_needs),   WITH_WORLD(others_are_not_held_up),
        WITH_WORLD(one_need_after_the_other),       WITH_WORLD(a_restart_forgets_nobody_who_waits),
        WITH_WORLD(a_crowd_is_let_go_at_once),      WITH_WORLD(what_is_too_much_for_a_turn_goes_in_the_next),
        WITH_WORLD(after_an_abort_each_has_a_turn), WITH_WORLD(an_altered_row_holds_its_own_case_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
