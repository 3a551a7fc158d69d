/* A whole system restored from a cut: no case number is given out twice, whatever was given out after the cut; what is
   skipped is said once for each counter; and the work of before goes on. */
#include "story.h"

#include "cut.h"

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */
#define SKIP 100u

static const struct service *const all[] = {&directory_service,    &intake_service,   &routing_service,
                                            &casework_service,     &watchdog_service, &escalation_service,
                                            &notification_service, &analytics_service};

/* An inquiry counts on from year to year. */
static const char pack[] = "pack: COUNTS\n"
                           "name: [编号, Counts]\n"
                           "extends: GEN-FRAME\n"
                           "kinds:\n"
                           "  inquiry:\n"
                           "    number: \"Q-{nnnn}\"\n";

struct story {
    struct group group;
    struct cut cut;
    char target[600];
};

static void open_world(struct story *story)
{
    group_open(&story->group, story_folder(), 11, START_MS, (struct simulation_faults){0});
    group_found(&story->group, "GEN-FRAME");
    group_publish(&story->group, "COUNTS", pack);
    snprintf(story->target, sizeof story->target, "%s/copy", story->group.folder);
    story->cut =
        (struct cut){story->group.simulation, all, sizeof all / sizeof *all, story->group.folder, story->target};
}

static uint64_t submit(struct story *story, const char *kind, const char *number)
{
    const Hb__CommandReply *reply = group_submit(&story->group, kind, "service", "一件事", NULL);
    OK(reply);
    assert_string_equal(reply->submitted->number, number);
    return reply->case_id;
}

struct skips {
    unsigned count;
    char counter[4][64];
    uint64_t from[4], to[4];
};

static bool note_skip(void *context, const Hb__Event *event)
{
    struct skips *skips = context;
    if (event->intake->kind_case != INTAKE__EVENT__KIND_NUMBERS_SKIPPED)
        return true;
    const Intake__NumbersSkipped *said = event->intake->numbers_skipped;
    assert_true(skips->count < 4);
    assert_string_equal(said->reason, "restore");
    assert_int_equal(event->epoch, 2);
    snprintf(skips->counter[skips->count], sizeof *skips->counter, "%s", said->counter);
    skips->from[skips->count] = said->from;
    skips->to[skips->count++] = said->to;
    return true;
}

static struct skips skips_of(struct story *story)
{
    struct skips skips = {0};
    simulation_events(story->group.simulation, HB__SERVICE__INTAKE, 0, note_skip, &skips);
    return skips;
}

static void cut_and_lose(struct story *story)
{
    submit(story, "complaint", "20250310-complaint-001");
    submit(story, "complaint", "20250310-complaint-002");
    submit(story, "inquiry", "Q-0001");
    assert_true(cut_take(&story->cut));
    submit(story, "complaint", "20250310-complaint-003"); /* lost with what comes after the cut */
    submit(story, "suggestion", "20250310-suggestion-001");
    submit(story, "inquiry", "Q-0002");
    cut_restore(&story->cut, SKIP);
    assert_true(simulation_settle(story->group.simulation, 60000));
}

static void no_number_twice(void **state)
{
    (void)state;
    struct story story;
    open_world(&story);
    cut_and_lose(&story);
    submit(&story, "complaint", "20250310-complaint-103");
    submit(&story, "complaint", "20250310-complaint-104");   /* skipped once */
    submit(&story, "suggestion", "20250310-suggestion-101"); /* a counter that the cut knows nothing of */
    struct skips skips = skips_of(&story);
    assert_int_equal(skips.count, 2);
    assert_string_equal(skips.counter[0], "20250310-complaint-{n3}");
    assert_int_equal(skips.from[0], 3);
    assert_int_equal(skips.to[0], 102);
    assert_int_equal(skips.from[1], 1);
    assert_int_equal(skips.to[1], 100);
    story_close(&story.group);
}

static void the_day_after(void **state)
{
    (void)state;
    struct story story;
    open_world(&story);
    cut_and_lose(&story);
    simulation_run(story.group.simulation, START_MS + 24 * HOUR);
    submit(&story, "complaint", "20250311-complaint-001"); /* of a day on which nothing can have been lost */
    submit(&story, "inquiry", "Q-0102");                   /* but this one counts on */
    assert_int_equal(skips_of(&story).count, 1);
    story_close(&story.group);
}

static void work_goes_on(void **state)
{
    (void)state;
    struct story story;
    open_world(&story);
    uint64_t id = submit(&story, "complaint", "20250310-complaint-001");
    OK(group_act(&story.group, id, "bai", "accept", NULL));
    assert_true(cut_take(&story.cut));
    OK(group_act(&story.group, id, "bai", "contact", FIELDS("contact_by", "phone")));
    cut_restore(&story.cut, SKIP);
    assert_true(simulation_settle(story.group.simulation, 60000));
    const Casework__CaseFile *file = group_case(&story.group, id, "li");
    assert_string_equal(file->stage, "accepted");
    OK(group_act(&story.group, id, "bai", "contact", FIELDS("contact_by", "visit")));
    OK(group_act(&story.group, id, "bai", "handle", FIELDS("result", "已处理"))); /* the vault opens and seals */
    const Watchdog__Clocks *clocks = group_clocks(&story.group, id);
    assert_int_equal(clocks->n_clocks, 2);
    simulation_run(story.group.simulation, START_MS + 8 * 24 * HOUR); /* clocks of before are still running */
    clocks = group_clocks(&story.group, id);
    unsigned missed = 0;
    for (size_t i = 0; i < clocks->n_clocks; i++)
        missed += strcmp(clocks->clocks[i]->state, "missed") == 0;
    assert_int_equal(missed, 1);
    story_close(&story.group);
}

/* A second restore of the same cut, and one of a restored system. */
static void restored_again(void **state)
{
    (void)state;
    struct story story;
    open_world(&story);
    cut_and_lose(&story);
    submit(&story, "complaint", "20250310-complaint-103");
    assert_true(cut_take(&story.cut)); /* of the second epoch */
    submit(&story, "complaint", "20250310-complaint-104");
    cut_restore(&story.cut, SKIP);
    assert_true(simulation_settle(story.group.simulation, 60000));
    submit(&story, "complaint", "20250310-complaint-204");
    submit(&story, "complaint", "20250310-complaint-205");
    story_close(&story.group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_number_twice),
        cmocka_unit_test(the_day_after),
        cmocka_unit_test(work_goes_on),
        cmocka_unit_test(restored_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
