/* The life of one complaint through all services, and of another that nobody touches (issue: "The life of one
 * complaint"). */
#include "story.h"

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */

static void open_world(struct group *group, const char *pack)
{
    group_open(group, story_folder(), 7, START_MS, (struct simulation_faults){0});
    group_found(group, pack);
}

struct tally {
    unsigned warnings, missed, unheard, level[4], notices_queued, told_reply, gm_copy;
    bool notification_unheard;
    int64_t warned_at, missed_at, level_at[4];
};

static bool tally_events(void *context, const Hb__Event *event)
{
    struct tally *tally = context;
    if (event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG &&
        event->watchdog->kind_case == WATCHDOG__EVENT__KIND_POINT && event->watchdog->point->main &&
        event->watchdog->point->point == WATCHDOG__CLOCK_POINT_REACHED__POINT__WARNING) {
        tally->warnings++;
        tally->warned_at = event->occurred_ms;
    }
    if (event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG &&
        event->watchdog->kind_case == WATCHDOG__EVENT__KIND_MISSED && event->watchdog->missed->main) {
        tally->missed++;
        tally->missed_at = event->occurred_ms;
        tally->unheard = (unsigned)event->watchdog->missed->n_unheard;
        for (size_t i = 0; i < tally->unheard; i++)
            tally->notification_unheard |= strcmp(event->watchdog->missed->unheard[i], "notification") == 0;
    }
    if (event->payload_case == HB__EVENT__PAYLOAD_ESCALATION &&
        event->escalation->kind_case == ESCALATION__EVENT__KIND_REACHED &&
        strcmp(event->escalation->reached->clock, "reply") == 0) {
        uint32_t level = event->escalation->reached->level;
        assert_true(level < 4);
        tally->level[level]++;
        tally->level_at[level] = event->recorded_ms;
    }
    if (event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION) {
        tally->notices_queued += event->notification->kind_case == NOTIFICATION__EVENT__KIND_QUEUED;
        if (event->notification->kind_case == NOTIFICATION__EVENT__KIND_TOLD)
            tally->told_reply += strcmp(event->notification->told->notice, "reply") == 0;
        if (event->notification->kind_case == NOTIFICATION__EVENT__KIND_QUEUED)
            tally->gm_copy += strcmp(event->notification->queued->notice, "gm_copy") == 0;
    }
    return true;
}

static struct tally tally_of(struct group *group)
{
    struct tally tally = {0};
    simulation_events(group->simulation, HB__SERVICE__WATCHDOG, 0, tally_events, &tally);
    simulation_events(group->simulation, HB__SERVICE__ESCALATION, 0, tally_events, &tally);
    simulation_events(group->simulation, HB__SERVICE__NOTIFICATION, 0, tally_events, &tally);
    return tally;
}

static void handle(struct group *group, uint64_t id)
{
    OK(group_act(group, id, "bai", "investigate", FIELDS("finding", "夜间施工属实")));
    OK(group_act(group, id, "bai", "propose", FIELDS("solution", "限时施工")));
    OK(group_act(group, id, "chen", "approve", NULL));
    OK(group_act(group, id, "bai", "answer", FIELDS("reply_text", "已限时施工")));
}

/* Registered and accepted: the number, the department, and who and what is refused on the way. */
static uint64_t begin_life(struct group *group)
{
    const Hb__CommandReply *reply = group_submit(group, "complaint", "noise", "楼上半夜装修", NULL);
    OK(reply);
    uint64_t id = reply->case_id;
    assert_string_equal(reply->submitted->number, "20250310-complaint-001");
    assert_int_equal(strlen(reply->submitted->tracking_code), strlen(reply->submitted->number) + 9);
    const Casework__CaseFile *file = group_case(group, id, "li");
    assert_non_null(file);
    assert_string_equal(file->lead, "customer_service_centre");
    OK(group_act(group, id, "bai", "accept", NULL));
    reply = group_act(group, id, "zhou", "contact", FIELDS("contact_by", "phone"));
    assert_non_null(reply->refused); /* another department */
    assert_int_equal(reply->refused->status, 403);
    OK(group_act(group, id, "bai", "contact", FIELDS("contact_by", "phone")));
    reply = group_act(group, id, "bai", "propose", NULL);
    assert_int_equal(reply->refused->status, 422);
    assert_int_equal(reply->refused->n_problems, 2); /* all that is missing, together */
    return id;
}

/* The revisit that the second answer has opened. */
static uint64_t revisit_of(struct group *group, uint64_t id)
{
    const Casework__CaseFile *file = group_case(group, id, "li");
    for (size_t i = 0; i < file->n_links; i++)
        if (strcmp(file->links[i]->kind, "revisit") == 0)
            return file->links[i]->case_id;
    fail_msg("no revisit was opened");
    return 0;
}

static void a_complaint_lives(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, "PROP-11");
    uint64_t id = begin_life(&group);
    handle(&group, id);
    assert_int_equal(tally_of(&group).told_reply, 1);
    OK(group_act(&group, id, "complainant", "follow_up", FIELDS("satisfied", "dissatisfied", "opinion", "仍然很吵")));
    const Casework__CaseFile *file = group_case(&group, id, "li");
    assert_string_equal(file->stage, "handling"); /* the rule has reopened it */
    assert_int_equal(file->round, 2);
    assert_int_equal(tally_of(&group).gm_copy, 1);
    assert_int_equal(group_act(&group, id, "li", "close", NULL)->refused->status, 409);
    handle(&group, id);
    OK(group_act(&group, id, "li", "follow_up", FIELDS("satisfied", "satisfied")));
    assert_int_equal(group_act(&group, id, "li", "close", NULL)->refused->status, 409); /* handled again: revisited */
    OK(group_act(&group, revisit_of(&group, id), "li", "record", FIELDS("by", "revisit_phone", "opinion", "满意")));
    OK(group_act(&group, id, "li", "close", NULL));
    OK(group_act(&group, id, "chen", "archive", NULL));
    file = group_case(&group, id, "li");
    assert_string_equal(file->stage, "archived");
    story_close(&group);
}

static void nobody_touches_it(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, "GEN-FRAME");
    const Hb__CommandReply *reply = group_submit(&group, "complaint", "service", "没有人管", NULL);
    OK(reply);
    simulation_run(group.simulation, START_MS + 8 * 24 * HOUR);
    struct tally tally = tally_of(&group);
    assert_int_equal(tally.warnings, 1);
    assert_int_equal(tally.warned_at,
                     START_MS + 48 * HOUR - HOUR / 2); /* 09:00 of Wednesday, the last working day before */
    assert_int_equal(tally.missed, 1);
    assert_int_equal(tally.unheard, 0); /* who has nothing to say has been heard all the same */
    assert_int_equal(tally.missed_at,
                     START_MS + 80 * HOUR + HOUR / 2); /* Thursday 18:00: three working days, close of business */
    assert_int_equal(tally.level[0], 1);
    assert_int_equal(tally.level[1], 1);
    assert_int_equal(tally.level[2], 1); /* 150 % */
    assert_true(tally.level_at[1] >= tally.missed_at && tally.level_at[1] < tally.missed_at + 61000);
    assert_true(tally.level_at[2] > tally.level_at[1]);
    story_close(&group);
}

static bool count_withdrawn(void *context, const Hb__Event *event)
{
    *(unsigned *)context += event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG &&
                            event->watchdog->kind_case == WATCHDOG__EVENT__KIND_MISS_WITHDRAWN;
    return true;
}

/* After a restart watchdog does not know how far the logs reach, while one of them is not heard; what it has said upon
   what it had heard before is true all the same. */
static void a_miss_outlives_a_restart(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, "GEN-FRAME");
    const Hb__CommandReply *reply = group_submit(&group, "complaint", "service", "没有人管", NULL);
    OK(reply);
    uint64_t id = reply->case_id;
    simulation_run(group.simulation, START_MS + 80 * HOUR + HOUR / 2 + 1000);
    assert_int_equal(tally_of(&group).missed, 1);
    simulation_idle_set(group.simulation, 20000);
    simulation_down(group.simulation, HB__SERVICE__NOTIFICATION);
    simulation_down(group.simulation, HB__SERVICE__WATCHDOG);
    simulation_up(group.simulation, HB__SERVICE__WATCHDOG);
    OK(group_act(&group, id, "bai", "accept", NULL));
    simulation_run(group.simulation, simulation_now(group.simulation) + 5000);
    unsigned count = 0;
    simulation_events(group.simulation, HB__SERVICE__WATCHDOG, 0, count_withdrawn, &count);
    assert_int_equal(count, 0);
    simulation_up(group.simulation, HB__SERVICE__NOTIFICATION);
    assert_true(simulation_settle(group.simulation, HOUR));
    story_close(&group);
}

/* Whoever reads of the miss sees whose word it had to do without. */
static void a_miss_names_who_was_not_heard(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, "GEN-FRAME");
    const Hb__CommandReply *reply = group_submit(&group, "complaint", "service", "没有人管", NULL);
    OK(reply);
    simulation_run(group.simulation, START_MS + 80 * HOUR);
    simulation_idle_set(group.simulation, 20000);
    simulation_down(group.simulation, HB__SERVICE__NOTIFICATION);
    simulation_run(group.simulation, START_MS + 82 * HOUR);
    struct tally tally = {0};
    simulation_events(group.simulation, HB__SERVICE__WATCHDOG, 0, tally_events, &tally);
    assert_int_equal(tally.missed, 1);
    assert_int_equal(tally.unheard, 1);
    assert_true(tally.notification_unheard);
    simulation_up(group.simulation, HB__SERVICE__NOTIFICATION);
    assert_true(simulation_settle(group.simulation, HOUR));
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_complaint_lives), cmocka_unit_test(nobody_touches_it),
                                       cmocka_unit_test(a_miss_outlives_a_restart),
                                       cmocka_unit_test(a_miss_names_who_was_not_heard)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
