/* A ladder that pages people until somebody acknowledges (HOSP-PROPERTY-LIFT-21): who is paged, when, and what ends it.
 */
#include "story.h"

#define START_MS 1740981660000ll /* Monday 2025-03-03 14:01 in Shanghai */

static const char pack[] =
    "pack: LIFT\n"
    "name: [困梯, Entrapment]\n"
    "extends: GEN-FRAME\n"
    "ladders:\n"
    "  entrapment:\n"
    "    clause: HOSP-PROPERTY-LIFT-21\n"
    "    rows:\n"
    "      - {at: start, page: [property_supervisor, department_head], acknowledge: 2 min}\n"
    "      - {at: unacknowledged, page: coordinator}\n"
    "      - {at: unacknowledged, page: general_manager, acknowledge: 1 min}\n"
    "  safety:\n"
    "    clause: HOSP-PROVINCIAL-15\n"
    "    rows: [{at: start, page: coordinator, acknowledge: 5 min}, {at: unacknowledged, page: "
    "general_manager}]\n"
    "  leaders:\n"
    "    clause: HOSP-8-03\n"
    "    rows: [{at: start, page: general_manager, repeat: {every: 10 min, at_most: 4}}]\n"
    "kinds:\n"
    "  complaint:\n"
    "    clocks:\n"
    "      calming: {clause: HOSP-PROPERTY-LIFT-21, name: [安抚, Calming], start: registered, stop: "
    "accepted, limit: 30 min, warn: none, ladder: entrapment}\n"
    "    rules:\n"
    "      danger: {clause: HOSP-PROVINCIAL-15, when: severity, if: {severity: major}, then: "
    "{escalate: safety}}\n"
    "      leaders: {clause: HOSP-8-03, when: priority, if: {priority: urgent}, then: {escalate: leaders}}\n"
    "    steps:\n"
    "      urge:  {clause: HOSP-8-03, name: [催办, Urge], from: [accepted], by: employee, set: {priority: urgent}}\n";

struct paged {
    unsigned count;
    struct {
        char ladder[32], told[64];
        uint32_t row, repeat;
        int64_t at_ms;
    } rows[16];
    unsigned acknowledged, points, problems;
};

static bool collect(void *context, const Hb__Event *event)
{
    struct paged *paged = context;
    if (event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG)
        paged->points += event->watchdog->kind_case == WATCHDOG__EVENT__KIND_POINT;
    if (event->payload_case != HB__EVENT__PAYLOAD_ESCALATION)
        return true;
    paged->problems += event->escalation->kind_case == ESCALATION__EVENT__KIND_PROBLEM;
    paged->acknowledged += event->escalation->kind_case == ESCALATION__EVENT__KIND_ACKNOWLEDGED;
    if (event->escalation->kind_case != ESCALATION__EVENT__KIND_REACHED ||
        strcmp(event->escalation->reached->ladder, "default") == 0)
        return true;
    const Escalation__LevelReached *reached = event->escalation->reached;
    assert_true(paged->count < 16);
    snprintf(paged->rows[paged->count].ladder, sizeof paged->rows[0].ladder, "%s", reached->ladder);
    for (size_t i = 0; i < reached->n_told; i++) {
        size_t size = strlen(paged->rows[paged->count].told);
        snprintf(paged->rows[paged->count].told + size, sizeof paged->rows[0].told - size, "%s ", reached->told[i]);
    }
    paged->rows[paged->count].row = reached->row;
    paged->rows[paged->count].repeat = reached->repeat;
    paged->rows[paged->count++].at_ms = event->recorded_ms;
    return true;
}

static struct paged paged_of(struct group *group)
{
    struct paged paged = {0};
    simulation_events(group->simulation, HB__SERVICE__ESCALATION, 0, collect, &paged);
    simulation_events(group->simulation, HB__SERVICE__WATCHDOG, 0, collect, &paged);
    return paged;
}

static uint64_t open_story(struct group *group)
{
    group_open(group, story_folder(), 4, START_MS, (struct simulation_faults){0});
    group_found(group, "GEN-FRAME");
    group_publish(group, "LIFT", pack);
    const Hb__CommandReply *reply = group_submit(group, "complaint", "service", "困在电梯里", NULL);
    OK(reply);
    assert_int_equal(paged_of(group).count, 1);
    return reply->case_id;
}

static void run_until(struct group *group, int64_t after_ms)
{
    simulation_run(group->simulation, paged_of(group).rows[0].at_ms + after_ms);
}

/* A row is said as soon as all that could stop it has been heard: within the second of its instant here. */
static void is_row(const struct paged *paged, unsigned index, const char *told, uint32_t row, int64_t after_ms)
{
    assert_true(index < paged->count);
    assert_string_equal(paged->rows[index].told, told);
    assert_int_equal(paged->rows[index].row, row);
    int64_t at = paged->rows[0].at_ms + after_ms;
    assert_in_range(paged->rows[index].at_ms, at, at + 1000);
}

static void nobody_acknowledges(void **state)
{
    (void)state;
    struct group group;
    open_story(&group);
    run_until(&group, 2 * MINUTE - 1000);
    assert_int_equal(paged_of(&group).count, 1);
    run_until(&group, 20 * MINUTE);
    struct paged paged = paged_of(&group);
    assert_int_equal(paged.count, 3);
    is_row(&paged, 0, "sun gao ", 0, 0);
    is_row(&paged, 1, "chen ", 1, 2 * MINUTE);
    is_row(&paged, 2, "wu ", 2, 4 * MINUTE); /* the span of the row before it, which has none of its own */
    story_close(&group);
}

static void the_first_acknowledgement_ends_it(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    run_until(&group, 2 * MINUTE - 1000);
    OK(group_act(&group, id, "gao", "acknowledge", NULL));
    run_until(&group, 20 * MINUTE);
    assert_int_equal(paged_of(&group).count, 1);
    assert_int_equal(paged_of(&group).acknowledged, 1);
    story_close(&group);
}

/* Late, but the last row is still to come: whoever was paged first takes note of the whole chain. */
static void a_late_one_spares_the_rows_to_come(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    run_until(&group, 3 * MINUTE);
    assert_int_equal(paged_of(&group).count, 2);
    OK(group_act(&group, id, "sun", "acknowledge", NULL));
    run_until(&group, 20 * MINUTE);
    assert_int_equal(paged_of(&group).count, 2);
    story_close(&group);
}

static void somebody_else_cannot_acknowledge(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    story_refused(group_act(&group, id, "li", "acknowledge", NULL), 409, "not_escalated"); /* she was told nothing */
    run_until(&group, 20 * MINUTE);
    assert_int_equal(paged_of(&group).count, 3);
    assert_int_equal(paged_of(&group).acknowledged, 0);
    story_close(&group);
}

static void the_end_of_the_run_ends_it(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    run_until(&group, MINUTE);
    OK(group_act(&group, id, "bai", "accept", NULL));
    run_until(&group, 20 * MINUTE);
    assert_int_equal(paged_of(&group).count, 1);
    story_close(&group);
}

static void a_ladder_climbed_by_a_rule(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    OK(group_act(&group, id, "bai", "accept", NULL)); /* the clock's ladder is out of the way */
    OK(group_act(&group, id, "li", "amend", FIELDS("severity", "major")));
    struct paged paged = paged_of(&group);
    assert_int_equal(paged.count, 2);
    assert_string_equal(paged.rows[1].ladder, "safety");
    simulation_run(group.simulation, paged.rows[1].at_ms + 20 * MINUTE);
    paged = paged_of(&group);
    assert_int_equal(paged.count, 3);
    assert_string_equal(paged.rows[2].told, "wu ");
    assert_in_range(paged.rows[2].at_ms, paged.rows[1].at_ms + 5 * MINUTE, paged.rows[1].at_ms + 5 * MINUTE + 1000);
    story_close(&group);
}

static void a_closed_case_pages_nobody(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    OK(group_act(&group, id, "bai", "accept", NULL));
    OK(group_act(&group, id, "li", "amend", FIELDS("severity", "major")));
    OK(group_act(&group, id, "complainant", "withdraw", NULL));
    run_until(&group, 20 * MINUTE);
    assert_int_equal(paged_of(&group).count, 2);
    story_close(&group);
}

/* Watchdog is away while it is acknowledged, or while a row comes due. */
static void down_and_up_again(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    simulation_down(group.simulation, HB__SERVICE__WATCHDOG);
    OK(group_act(&group, id, "gao", "acknowledge", NULL));
    run_until(&group, 10 * MINUTE);
    simulation_up(group.simulation, HB__SERVICE__WATCHDOG);
    run_until(&group, 20 * MINUTE);
    assert_int_equal(paged_of(&group).count, 1);
    story_close(&group);
    open_story(&group);
    simulation_idle_set(group.simulation, 20000); /* who asks a service that is down asks again */
    run_until(&group, MINUTE);
    simulation_down(group.simulation, HB__SERVICE__WATCHDOG);
    run_until(&group, 10 * MINUTE);
    simulation_up(group.simulation, HB__SERVICE__WATCHDOG);
    run_until(&group, 20 * MINUTE);
    struct paged paged = paged_of(&group);
    assert_int_equal(paged.count, 3); /* each once, however late */
    assert_int_equal(paged.points, 3);
    story_close(&group);
}

/* ---- a row that is said again ---- */

/* Accepted, so that the clock's own ladder is out of the way; then urged: the ladder `leaders`, row 1 of what was
 * paged. */
static uint64_t open_urged(struct group *group)
{
    uint64_t id = open_story(group);
    OK(group_act(group, id, "bai", "accept", NULL));
    OK(group_act(group, id, "li", "urge", NULL));
    struct paged paged = paged_of(group);
    assert_int_equal(paged.count, 2);
    assert_string_equal(paged.rows[1].ladder, "leaders");
    return id;
}

static void run_until_urged(struct group *group, int64_t after_ms)
{
    simulation_run(group->simulation, paged_of(group).rows[1].at_ms + after_ms);
}

static void is_repeat(const struct paged *paged, uint32_t repeat, int64_t after_ms)
{
    unsigned index = 1 + repeat;
    assert_true(index < paged->count);
    assert_string_equal(paged->rows[index].told, "wu ");
    assert_int_equal(paged->rows[index].row, 0);
    assert_int_equal(paged->rows[index].repeat, repeat);
    int64_t at = paged->rows[1].at_ms + after_ms;
    assert_in_range(paged->rows[index].at_ms, at, at + 5000); /* each a span after the last was said */
}

/* As often as the policy says; then it is a problem on the case, and nothing more is said. */
static void it_is_said_again_until_its_bound(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_urged(&group);
    run_until_urged(&group, 10 * MINUTE - 1000);
    assert_int_equal(paged_of(&group).count, 2);
    run_until_urged(&group, 45 * MINUTE);
    struct paged paged = paged_of(&group);
    assert_int_equal(paged.count, 6);
    for (uint32_t n = 1; n <= 4; n++)
        is_repeat(&paged, n, 10 * MINUTE * n);
    assert_int_equal(paged.problems, 0);
    run_until_urged(&group, 10 * HOUR);
    paged = paged_of(&group);
    assert_int_equal(paged.count, 6);
    assert_int_equal(paged.problems, 1);
    const Casework__CaseFile *file = group_case(&group, id, "chen");
    assert_string_equal(file->problems[file->n_problems - 1]->text->zh, "已重复告知4次，仍无人确认");
    story_close(&group);
}

static void an_acknowledgement_ends_it(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_urged(&group);
    run_until_urged(&group, 25 * MINUTE);
    assert_int_equal(paged_of(&group).count, 4);
    OK(group_act(&group, id, "wu", "acknowledge", NULL));
    run_until_urged(&group, 10 * HOUR);
    assert_int_equal(paged_of(&group).count, 4);
    assert_int_equal(paged_of(&group).problems, 0);
    story_close(&group);
}

static void a_closed_case_says_nothing_again(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_urged(&group);
    run_until_urged(&group, 15 * MINUTE);
    OK(group_act(&group, id, "complainant", "withdraw", NULL));
    run_until_urged(&group, 10 * HOUR);
    assert_int_equal(paged_of(&group).count, 3);
    assert_int_equal(paged_of(&group).problems, 0);
    story_close(&group);
}

/* Watchdog, then escalation, away while it comes due: it is said once when they are back, and goes on from there. */
static void each_time_once_over_an_outage(void **state)
{
    (void)state;
    static const Hb__Service away[] = {HB__SERVICE__WATCHDOG, HB__SERVICE__ESCALATION};
    for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
        struct group group;
        open_urged(&group);
        int64_t from_ms = paged_of(&group).rows[1].at_ms;
        simulation_idle_set(group.simulation, 20000);
        run_until_urged(&group, 5 * MINUTE);
        simulation_down(group.simulation, away[i]);
        simulation_run(group.simulation, from_ms + 35 * MINUTE);
        simulation_up(group.simulation, away[i]);
        run_until_urged(&group, 40 * MINUTE);
        struct paged paged = paged_of(&group);
        assert_int_equal(paged.count, 3); /* not for every span that passed */
        assert_int_equal(paged.rows[2].repeat, 1);
        run_until_urged(&group, 10 * HOUR);
        paged = paged_of(&group);
        assert_int_equal(paged.count, 6);
        assert_int_equal(paged.problems, 1);
        story_close(&group);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_acknowledges),
                                       cmocka_unit_test(the_first_acknowledgement_ends_it),
                                       cmocka_unit_test(a_late_one_spares_the_rows_to_come),
                                       cmocka_unit_test(somebody_else_cannot_acknowledge),
                                       cmocka_unit_test(the_end_of_the_run_ends_it),
                                       cmocka_unit_test(a_ladder_climbed_by_a_rule),
                                       cmocka_unit_test(a_closed_case_pages_nobody),
                                       cmocka_unit_test(down_and_up_again),
                                       cmocka_unit_test(it_is_said_again_until_its_bound),
                                       cmocka_unit_test(an_acknowledgement_ends_it),
                                       cmocka_unit_test(a_closed_case_says_nothing_again),
                                       cmocka_unit_test(each_time_once_over_an_outage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
