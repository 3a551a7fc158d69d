/* Two cells and their headquarters, each a whole system with its own virtual clock. The test is the link between them:
   it passes fetches on to the real producers, and loses them while a cell is cut off. */
#include "story.h"

#define START_MS 1740981660000ll /* Monday 2025-03-03 14:01 in Shanghai */
#define DAY (24 * HOUR)
#define TICK 200ll /* how far one world runs ahead of the others */
#define A 0xa1a1a1a1a1a1a1a1ull
#define B 0xb2b2b2b2b2b2b2b2ull
#define HQ 0xc3c3c3c3c3c3c3c3ull

static const struct instance_cell below[] = {{A, "海棠", false}, {B, "玉兰", false}};
static const struct instance_cell above[] = {{HQ, "集团", true}};

static struct world {
    struct group group;
    uint64_t id;
    char folder[64];
    bool cut;
} a, b, hq;

static struct world *world_of(uint64_t cell)
{
    return cell == A ? &a : cell == B ? &b : &hq;
}

/* ---- the link ---- */

struct passing {
    struct world *to, *from;
    uint64_t ask;
};

static void on_told(void *context, enum err err, const Bus__Reply *reply)
{
    struct passing *passing = context;
    if (!err && !passing->to->cut && !passing->from->cut)
        simulation_link_answer(passing->to->group.simulation, passing->ask, reply);
    free(passing);
}

static void pass_on(void *context, uint64_t ask, const Bus__Request *request)
{
    struct world *asker = context, *asked = world_of(request->fetch->log->cell);
    if (asker->cut || asked->cut || !asked->group.simulation)
        return;
    struct passing *passing = malloc(sizeof *passing);
    assert_non_null(passing);
    *passing = (struct passing){asker, asked, ask};
    Bus__Request passed = *request;
    simulation_ask(asked->group.simulation, request->fetch->log->service, &passed, 30000, on_told, passing);
}

static bool read_elsewhere(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena,
                           struct bytes *event_out)
{
    (void)context;
    struct instance *producer = simulation_instance(world_of(log->cell)->group.simulation, log->service);
    return producer && instance_log_get(producer, offset, arena, event_out);
}

/* ---- the worlds ---- */

static void world_open(struct world *world, uint64_t id, const struct instance_cell *cells, unsigned count)
{
    *world = (struct world){.id = id};
    snprintf(world->folder, sizeof world->folder, "%s", story_folder());
    group_open_cell(&world->group, world->folder, 7, START_MS,
                    (struct simulation_options){.cell = id,
                                                .cells = cells,
                                                .cells_count = count,
                                                .link = pass_on,
                                                .read_elsewhere = read_elsewhere,
                                                .link_context = world,
                                                .idle_ms = 20000});
}

static void worlds_open(void)
{
    a = b = hq = (struct world){0};
    world_open(&hq, HQ, below, 2);
    world_open(&a, A, above, 1);
    world_open(&b, B, above, 1);
    group_found(&a.group, "GEN-FRAME");
    group_found(&b.group, "GEN-FRAME");
}

static int64_t latest(void)
{
    int64_t now = simulation_now(hq.group.simulation);
    struct world *const sites[] = {&a, &b};
    for (unsigned i = 0; i < 2; i++)
        if (simulation_now(sites[i]->group.simulation) > now)
            now = simulation_now(sites[i]->group.simulation);
    return now;
}

static void run_all(int64_t for_ms, int64_t tick)
{
    int64_t until = latest() + for_ms;
    for (int64_t at = latest(); at <= until; at += tick) {
        simulation_run(a.group.simulation, at);
        simulation_run(b.group.simulation, at);
        simulation_run(hq.group.simulation, at);
    }
}

static void worlds_close(void)
{
    char why[512] = "", command[600];
    struct world *const worlds[] = {&hq, &a, &b};
    for (unsigned i = 0; i < 3; i++) {
        enum err err = simulation_check(worlds[i]->group.simulation, why, sizeof why);
        if (err)
            print_message("%s\n", why);
        assert_int_equal(err, ERR_NONE);
    }
    for (unsigned i = 0; i < 3; i++) {
        group_close(&worlds[i]->group);
        worlds[i]->group.simulation = NULL;
        snprintf(command, sizeof command, "rm -rf '%s'", worlds[i]->folder);
        assert_int_equal(system(command), 0);
    }
}

/* ---- what is seen ---- */

static const Analytics__Reply *ask(struct world *world, uint64_t cell, Analytics__Query *analytics)
{
    Hb__Query query = HB__QUERY__INIT;
    query.cell = cell;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = analytics;
    const Hb__QueryReply *reply =
        simulation_query(world->group.simulation, HB__SERVICE__ANALYTICS, &query, &world->group.arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    return reply->analytics;
}

static const Analytics__Figures *figures(struct world *world, uint64_t cell)
{
    Analytics__Query query = ANALYTICS__QUERY__INIT;
    Analytics__GetKpi get = ANALYTICS__GET_KPI__INIT;
    query.kind_case = ANALYTICS__QUERY__KIND_KPI;
    query.kpi = &get;
    return ask(world, cell, &query)->kpi->total;
}

static const Analytics__CaseList *list(struct world *world, uint64_t cell, const char *cursor, uint32_t limit)
{
    Analytics__Query query = ANALYTICS__QUERY__INIT;
    Analytics__ListCases get = ANALYTICS__LIST_CASES__INIT;
    query.kind_case = ANALYTICS__QUERY__KIND_LIST;
    query.list = &get;
    get.cursor = (char *)(uintptr_t)cursor;
    get.limit = limit;
    return ask(world, cell, &query)->list;
}

static void same_figures(const Analytics__Figures *x, const Analytics__Figures *y)
{
    assert_int_equal(x->registered, y->registered);
    assert_int_equal(x->closed, y->closed);
    assert_int_equal(x->overdue, y->overdue);
    assert_int_equal(x->on_time, y->on_time);
    assert_int_equal(x->escalated, y->escalated);
    assert_int_equal(x->response_ms_sum, y->response_ms_sum);
}

static void same_rows(struct world *site)
{
    const Analytics__CaseList *there = list(site, 0, "", 1000), *here = list(&hq, site->id, "", 1000);
    assert_int_equal(there->n_rows, here->n_rows);
    for (size_t i = 0; i < there->n_rows; i++) {
        assert_int_equal(there->rows[i]->case_id, here->rows[i]->case_id);
        assert_int_equal(there->rows[i]->version, here->rows[i]->version);
        assert_int_equal(there->rows[i]->due_ms, here->rows[i]->due_ms);
        assert_string_equal(there->rows[i]->stage, here->rows[i]->stage);
        assert_string_equal(there->rows[i]->on_time, here->rows[i]->on_time);
        assert_true(*here->rows[i]->cell && !*there->rows[i]->cell);
    }
}

static void same_as_the_sites_own(void)
{
    const Analytics__Figures *of_a = figures(&a, 0), *of_b = figures(&b, 0), *all = figures(&hq, 0);
    same_figures(figures(&hq, A), of_a);
    same_figures(figures(&hq, B), of_b);
    assert_int_equal(all->registered, of_a->registered + of_b->registered);
    assert_int_equal(all->overdue, of_a->overdue + of_b->overdue);
    same_rows(&a);
    same_rows(&b);
}

static uint64_t submit(struct world *world)
{
    const Hb__CommandReply *reply = group_submit(&world->group, "complaint", "service", "夜间施工", NULL);
    OK(reply);
    return reply->case_id;
}

/* ---- stories ---- */

/* At the same instant two cells give one id, and one number. Headquarters keeps them apart, in lists page by page too.
 */
static void ids_of_two_cells_collide(void **state)
{
    (void)state;
    worlds_open();
    run_all(1000, TICK);
    uint64_t first = submit(&a), same = submit(&b);
    assert_int_equal(first, same);
    run_all(1000, TICK);
    assert_int_equal(submit(&a), submit(&b));
    OK(group_act(&a.group, first, "chen", "accept", NULL));
    run_all(2000, TICK);
    same_as_the_sites_own();
    const Analytics__CaseList *all = list(&hq, 0, "", 1000);
    assert_int_equal(all->n_rows, 4);
    unsigned twins = 0;
    for (size_t i = 0; i < all->n_rows; i++)
        for (size_t j = i + 1; j < all->n_rows; j++)
            if (all->rows[i]->case_id == all->rows[j]->case_id) {
                assert_string_equal(all->rows[i]->number, all->rows[j]->number);
                assert_string_not_equal(all->rows[i]->cell, all->rows[j]->cell);
                twins++;
            }
    assert_int_equal(twins, 2);
    assert_int_equal(figures(&hq, A)->response_count + figures(&hq, B)->response_count, 1);
    const char *cursor = ""; /* a page of one: none is left out between twins, none comes twice */
    for (size_t i = 0; i < 4; i++) {
        const Analytics__CaseList *page = list(&hq, 0, cursor, 1);
        assert_int_equal(page->n_rows, 1);
        assert_int_equal(page->rows[0]->case_id, all->rows[i]->case_id);
        assert_string_equal(page->rows[0]->cell, all->rows[i]->cell);
        cursor = page->cursor;
    }
    assert_int_equal(list(&hq, 0, cursor, 1)->n_rows, 0);
    worlds_close();
}

static const Analytics__Cell *cell_seen(uint64_t cell)
{
    Analytics__Query query = ANALYTICS__QUERY__INIT;
    Analytics__GetCells get = ANALYTICS__GET_CELLS__INIT;
    query.kind_case = ANALYTICS__QUERY__KIND_CELLS;
    query.cells = &get;
    const Analytics__Cells *cells = ask(&hq, 0, &query)->cells;
    for (size_t i = 0; i < cells->n_cells; i++)
        if (strtoull(cells->cells[i]->cell, NULL, 16) == cell)
            return cells->cells[i];
    fail_msg("headquarters does not know the cell");
    return NULL;
}

/* Silent for a day: nobody waits for it, its deadlines run on at its place, and afterwards all of it is heard once. */
static void a_cell_is_silent_for_a_day(void **state)
{
    (void)state;
    worlds_open();
    submit(&a);
    submit(&b);
    run_all(5000, TICK);
    same_as_the_sites_own();
    uint64_t heard = cell_seen(A)->heard;
    a.cut = true;
    for (unsigned hour = 0; hour < 24; hour++) {
        uint64_t one = submit(&a);
        submit(&b);
        if (hour % 3 == 0)
            OK(group_act(&a.group, one, "chen", "accept", NULL));
        if (hour == 12) { /* headquarters is killed meanwhile */
            simulation_down(hq.group.simulation, HB__SERVICE__ANALYTICS);
            run_all(MINUTE, 1000);
            simulation_up(hq.group.simulation, HB__SERVICE__ANALYTICS);
        }
        run_all(HOUR, 30 * 1000);
        assert_int_equal(cell_seen(A)->heard, heard);
        assert_int_equal(figures(&hq, B)->registered, figures(&b, 0)->registered);
    }
    assert_int_equal(figures(&hq, A)->registered, 1);
    assert_int_equal(figures(&a, 0)->registered, 25);
    assert_int_equal(figures(&a, 0)->response_count, 8);
    assert_string_equal(instance_health(simulation_instance(hq.group.simulation, HB__SERVICE__ANALYTICS)), "ready");
    a.cut = false;
    run_all(2 * MINUTE, 1000);
    same_as_the_sites_own();
    assert_true(simulation_now(hq.group.simulation) - cell_seen(A)->as_of_ms <= MINUTE);
    worlds_close();
}

/* Cut and mended, and its hearer killed, at random: what is heard in the end is what was said, once. */
static void cut_again_and_again(void **state)
{
    (void)state;
    worlds_open();
    struct simulation *there = hq.group.simulation;
    for (unsigned i = 0; i < 150; i++) {
        a.cut = simulation_random(there, 3) == 0;
        if (simulation_random(there, 4) == 0)
            submit(&a);
        if (simulation_random(there, 6) == 0)
            submit(&b);
        if (simulation_random(there, 10) == 0) {
            simulation_down(there, HB__SERVICE__ANALYTICS);
            simulation_up(there, HB__SERVICE__ANALYTICS);
        }
        run_all((int64_t)simulation_random(there, 4000), 100);
    }
    a.cut = false;
    run_all(2 * MINUTE, 1000);
    same_as_the_sites_own();
    worlds_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_two_cells_collide),
        cmocka_unit_test(a_cell_is_silent_for_a_day),
        cmocka_unit_test(cut_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
