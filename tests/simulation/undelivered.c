/* A notice that does not arrive: whoever opens the case, or its list, sees that somebody was not told, of what and why.
 */
#include "story.h"

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */

static struct bytes refuse(void *context, Hb__Service service, const char *id, uint32_t attempt, struct bytes payload,
                           struct arena *arena)
{
    (void)context;
    (void)service;
    (void)id;
    (void)attempt;
    (void)payload;
    (void)arena;
    return bytes_of_text("550 mailbox is full for good");
}

static const Analytics__CaseRow *row_of(struct group *group)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    query.site = "haitang";
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &list;
    const Hb__QueryReply *reply = simulation_query(group->simulation, HB__SERVICE__ANALYTICS, &query, &group->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    assert_int_equal(reply->analytics->list->n_rows, 1);
    return reply->analytics->list->rows[0];
}

/* The safety officer's post is not held by anybody here, the coordinator's mail is refused. */
static const char pack[] =
    "pack: MAIL\n"
    "name: [通知, Notices]\n"
    "extends: GEN-FRAME\n"
    "notices:\n"
    "  heads_up: {clause: MAIL-01, name: [提醒主管, Heads-up], to: coordinator, by: [email],\n"
    "             text: [\"请看 {number}\", \"See {number}\"]}\n"
    "  to_nobody: {clause: MAIL-02, name: [提醒安全员, Safety], to: safety_officer, by: [email],\n"
    "              text: [\"请看 {number}\", \"See {number}\"]}\n"
    "kinds:\n"
    "  complaint:\n"
    "    rules:\n"
    "      heads_up:  {clause: MAIL-01, when: registered, then: {tell: heads_up}}\n"
    "      to_nobody: {clause: MAIL-02, when: accepted, then: {tell: to_nobody}}\n";

static void it_stands_on_the_case(void **state)
{
    (void)state;
    struct group group;
    group_open_outside(&group, story_folder(), 3, START_MS, refuse, NULL);
    group_found(&group, "GEN-FRAME");
    group_publish(&group, "MAIL", pack);
    const Hb__CommandReply *reply = group_submit(&group, "complaint", "service", "没有人管", NULL);
    OK(reply);
    const Casework__CaseFile *file = group_case(&group, reply->case_id, "li");
    assert_int_equal(file->n_problems, 1);
    assert_string_equal(file->problems[0]->text->zh,
                        "通知“提醒主管”未能送达陈晨（email）：550 mailbox is full for good");
    assert_string_equal(file->problems[0]->text->en,
                        "notice \"Heads-up\" to 陈晨 could not be delivered (email): 550 mailbox is full for good");
    assert_int_equal(row_of(&group)->problems, 1);
    OK(group_act(&group, reply->case_id, "bai", "accept", NULL));
    file = group_case(&group, reply->case_id, "li");
    assert_int_equal(file->n_problems, 2);
    assert_string_equal(file->problems[1]->text->zh, "通知“提醒安全员”未能送达（log）：没有可告知的人");
    assert_int_equal(row_of(&group)->problems, 2);
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_stands_on_the_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
