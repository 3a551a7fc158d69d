/* A calendar published after the fact moves the due that was missed: the miss is said anew, the rows of the due that
   stands are not (storm seed 368). And one that moves the due while the clock is paused and not everything has been
   heard: the warning that lay before the pause comes under the due that stands (storm seed 702). */
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
    "        ladder: hourly\n"
    "      answer:\n"
    "        clause: HOSP-8-10\n"
    "        name: [书面答复, Written answer]\n"
    "        start: registered\n"
    "        stop: closed\n"
    "        limit: 2 working days\n"
    "        ladder: none\n";

#define MORNING_MS (START_MS + 23 * HOUR + 30 * MINUTE) /* Tuesday 09:00 */

struct said {
    unsigned misses, withdrawn, rows, warnings;
    int64_t missed_ms, row_ms, warned_ms, warned_due_ms, armed_due_ms;
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
    if (own->kind_case == WATCHDOG__EVENT__KIND_POINT && strcmp(own->point->instance->clock, "answer") == 0) {
        said->warnings++;
        said->warned_due_ms = own->point->due_ms;
        said->warned_ms = own->point->at_ms;
    }
    if (own->kind_case == WATCHDOG__EVENT__KIND_ARMED && strcmp(own->armed->instance->clock, "answer") == 0)
        said->armed_due_ms = own->armed->due_ms;
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

static void a_warning_from_before_the_pause_comes_under_the_due_that_stands(void **state)
{
    (void)state;
    struct group group;
    group_open(&group, story_folder(), 8, START_MS, (struct simulation_faults){0});
    group_found(&group, "GEN-FRAME");
    group_publish(&group, "MOVED", pack);
    const Hb__CommandReply *reply = group_submit(&group, "complaint", "service", "大堂无人接待", NULL);
    OK(reply);
    uint64_t id = reply->case_id;
    OK(group_act(&group, id, "li", "accept", NULL));
    simulation_run(group.simulation, MORNING_MS + HOUR);
    assert_int_equal(said_so_far(&group).warnings, 1);
    assert_int_equal(said_so_far(&group).warned_due_ms, START_MS + 56 * HOUR + 30 * MINUTE); /* Wednesday 18:00 */
    OK(group_act(&group, id, "li", "ask_papers", FIELDS("missing", "发票")));
    simulation_run(group.simulation, simulation_now(group.simulation) + HOUR);
    simulation_down(group.simulation, HB__SERVICE__WATCHDOG);
    group_day_off(&group, "2025-03-12");
    simulation_cut_set(group.simulation, HB__SERVICE__CASEWORK, HB__SERVICE__WATCHDOG, true);
    simulation_up(group.simulation, HB__SERVICE__WATCHDOG);
    simulation_run(group.simulation, simulation_now(group.simulation) + HOUR);
    int64_t thursday = START_MS + 80 * HOUR + 30 * MINUTE;
    assert_int_equal(said_so_far(&group).armed_due_ms, thursday);
    simulation_cut_set(group.simulation, HB__SERVICE__CASEWORK, HB__SERVICE__WATCHDOG, false);
    simulation_run(group.simulation, simulation_now(group.simulation) + HOUR);
    assert_int_equal(said_so_far(&group).warnings, 2);
    assert_int_equal(said_so_far(&group).warned_due_ms, thursday);
    assert_int_equal(said_so_far(&group).warned_ms, MORNING_MS);
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_the_due_that_stands_is_said_once),
        cmocka_unit_test(a_warning_from_before_the_pause_comes_under_the_due_that_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
