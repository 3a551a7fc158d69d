/* A calendar published after the fact moves the due that was missed: the miss is said anew, the rows of the due that
   stands are not (storm seed 368). */
#include "story.h"

#define START_MS 1741570200000ll                      /* Monday 2025-03-10 09:30 in Shanghai */
#define FIRST_MS (START_MS + 32 * HOUR + 30 * MINUTE) /* Tuesday 18:00: the next working day */
#define LATER_MS (START_MS + 60 * HOUR)               /* Wednesday 21:30 */
#define ROW_MS (LATER_MS + HOUR)

static const char pack[] =
    "pack: MOVED\n"
    "name: [期限变动, A due that moves]\n"
    "extends: GEN-FRAME\n"
    "ladders:\n"
    "  hourly: {clause: HOSP-8-03, rows: [{at: late, tell: coordinator}, {at: +1 h, tell: general_manager}]}\n"
    "kinds:\n"
    "  complaint:\n"
    "    clocks:\n"
    "      visit:\n"
    "        clause: HOSP-8-10\n"
    "        name: [面谈, Visit]\n"
    "        start: registered\n"
    "        stop: [accepted, closed]\n"
    "        limit: [{if: {severity: major}, is: 60 h}, {is: 1 working days}]\n"
    "        ladder: hourly\n";

struct said {
    unsigned misses, withdrawn, rows;
    int64_t missed_ms, row_ms;
};

static bool collect(void *context, const Hb__Event *event)
{
    struct said *said = context;
    const Watchdog__Event *own = event->watchdog;
    if (own->kind_case == WATCHDOG__EVENT__KIND_MISSED && strcmp(own->missed->instance->clock, "visit") == 0) {
        said->misses++;
        said->missed_ms = own->missed->due_ms;
    }
    said->withdrawn += own->kind_case == WATCHDOG__EVENT__KIND_MISS_WITHDRAWN &&
                       strcmp(own->miss_withdrawn->instance->clock, "visit") == 0;
    if (own->kind_case == WATCHDOG__EVENT__KIND_POINT && strcmp(own->point->instance->clock, "visit") == 0 &&
        own->point->point == WATCHDOG__CLOCK_POINT_REACHED__POINT__ROW) {
        said->rows++;
        said->row_ms = own->point->at_ms;
    }
    return true;
}

static struct said said_so_far(struct group *group)
{
    struct said said = {0};
    simulation_events(group->simulation, HB__SERVICE__WATCHDOG, 0, collect, &said);
    return said;
}

static void a_row_of_the_due_that_stands_is_said_once(void **state)
{
    (void)state;
    struct group group;
    group_open(&group, story_folder(), 7, START_MS, (struct simulation_faults){0});
    group_found(&group, "GEN-FRAME");
    group_publish(&group, "MOVED", pack);
    const Hb__CommandReply *reply = group_submit(&group, "complaint", "service", "大堂无人接待", NULL);
    OK(reply);
    uint64_t id = reply->case_id;
    simulation_run(group.simulation, FIRST_MS + HOUR / 2);
    assert_int_equal(said_so_far(&group).missed_ms, FIRST_MS);
    OK(group_act(&group, id, "li", "amend", FIELDS("severity", "major"))); /* later than its due: the miss stays */
    simulation_run(group.simulation, ROW_MS + 2 * HOUR);
    assert_int_equal(said_so_far(&group).withdrawn, 0);
    assert_int_equal(said_so_far(&group).rows, 1);
    assert_int_equal(said_so_far(&group).row_ms, ROW_MS);
    group_day_off(&group, "2025-03-11"); /* then what was missed is the later due: it was changed in time */
    simulation_run(group.simulation, simulation_now(group.simulation) + HOUR);
    assert_int_equal(said_so_far(&group).withdrawn, 1);
    assert_int_equal(said_so_far(&group).misses, 2);
    assert_int_equal(said_so_far(&group).missed_ms, LATER_MS);
    assert_int_equal(said_so_far(&group).rows, 1);
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_row_of_the_due_that_stands_is_said_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
