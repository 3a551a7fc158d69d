/* A watchdog that was away for a year: when it is back, every deadline of that year is missed once, with the instant at
   which it was due, and every ladder climbed once, though it is killed again and again while it catches up. */
#include "story.h"

#include <inttypes.h>

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */
#define WEEK (7 * 24 * HOUR)
#define WEEKS 52u
#define CASES (2 * WEEKS)
#define RUNS_MAX 16u /* clocks of a case */
#define OPENED_MAX 512u

struct seen {
    uint64_t case_id;
    char keys[RUNS_MAX][96];
    unsigned keys_count, main_misses;
};

struct tale {
    struct seen cases[CASES], opened[OPENED_MAX]; /* submitted; opened by schedules of the policy meanwhile */
    unsigned misses, levels;
    int64_t back_ms;
    char levels_seen[4096][128];
};

static struct seen *case_seen(struct tale *tale, uint64_t case_id)
{
    for (unsigned i = 0; i < CASES; i++)
        if (tale->cases[i].case_id == case_id)
            return &tale->cases[i];
    unsigned i = 0;
    while (i < OPENED_MAX && tale->opened[i].case_id && tale->opened[i].case_id != case_id)
        i++;
    assert_true(i < OPENED_MAX);
    tale->opened[i].case_id = case_id;
    return &tale->opened[i];
}

static bool note_miss(void *context, const Hb__Event *event)
{
    struct tale *tale = context;
    if (event->watchdog->kind_case != WATCHDOG__EVENT__KIND_MISSED)
        return true;
    const Watchdog__DeadlineMissed *missed = event->watchdog->missed;
    struct seen *seen = case_seen(tale, event->case_id);
    char key[96];
    snprintf(key, sizeof key, "%s/%u/%s/%" PRId64, missed->instance->clock, missed->instance->round,
             missed->instance->part, missed->due_ms);
    for (unsigned i = 0; i < seen->keys_count; i++)
        assert_string_not_equal(seen->keys[i], key);
    assert_true(seen->keys_count < RUNS_MAX);
    memcpy(seen->keys[seen->keys_count++], key, sizeof key);
    assert_int_equal(event->occurred_ms, missed->due_ms);
    assert_true(event->recorded_ms > missed->due_ms);
    assert_true(event->recorded_ms >= tale->back_ms);
    seen->main_misses += missed->main;
    tale->misses++;
    return true;
}

static bool note_level(void *context, const Hb__Event *event)
{
    struct tale *tale = context;
    if (event->escalation->kind_case != ESCALATION__EVENT__KIND_REACHED)
        return true;
    char key[128];
    snprintf(key, sizeof key, "%" PRIx64 " %s", event->case_id, event->escalation->reached->key);
    for (unsigned i = 0; i < tale->levels; i++)
        assert_string_not_equal(tale->levels_seen[i], key);
    assert_true(tale->levels < sizeof tale->levels_seen / sizeof *tale->levels_seen);
    memcpy(tale->levels_seen[tale->levels++], key, sizeof key);
    return true;
}

static void a_year_passes(struct group *group, struct tale *tale)
{
    for (unsigned i = 0; i < CASES; i++) {
        const Hb__CommandReply *reply = group_submit(group, "complaint", "service", "一件事", NULL);
        OK(reply);
        tale->cases[i].case_id = reply->case_id;
        if (i % 2)
            simulation_run(group->simulation, simulation_now(group->simulation) + WEEK);
    }
}

static void every_deadline_of_the_year_is_missed_once(void **state)
{
    (void)state;
    struct group group;
    static struct tale tale;
    group_open(&group, story_folder(), 3, START_MS, (struct simulation_faults){0});
    group_found(&group, "GEN-FRAME");
    simulation_down(group.simulation, HB__SERVICE__WATCHDOG);
    a_year_passes(&group, &tale);
    tale.back_ms = simulation_now(group.simulation);
    story_catch_up(&group);
    simulation_events(group.simulation, HB__SERVICE__WATCHDOG, 0, note_miss, &tale);
    simulation_events(group.simulation, HB__SERVICE__ESCALATION, 0, note_level, &tale);
    for (unsigned i = 0; i + 2 < CASES; i++) /* those of the last week are not due yet */
        assert_int_equal(tale.cases[i].main_misses, 1);
    assert_true(tale.levels > tale.misses); /* each miss climbs its ladder */
    print_message("%u cases, %u deadlines missed, %u levels reached after a year\n", CASES, tale.misses, tale.levels);
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_deadline_of_the_year_is_missed_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
