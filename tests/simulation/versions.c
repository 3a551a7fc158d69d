/* Open cases are moved to a newer version of the policy: what moves and what stays, each with its instant. */
#include "versions.h"

static void publishing_moves_nothing_and_a_move_moves_what_was_shown_before(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 21);
    uint64_t id = complaint(&group);
    struct said before = said_of(&group, id, "visit");
    simulation_run(group.simulation, START_MS + 2 * HOUR);
    OK(group_act(&group, id, "li", "note", FIELDS("mark", "a")));
    char clocks[2048];
    snprintf(clocks, sizeof clocks, "%s%s", clocks_2, clock_over);
    publish(&group, rows_2, kind, clocks);
    simulation_run(group.simulation, START_MS + 3 * HOUR);
    assert_int_equal(said_of(&group, id, "visit").due_ms, before.due_ms);
    assert_int_equal(said_of(&group, id, "visit").armed, 1);

    const Casework__Moving *shown = moving(&group, true);
    assert_int_equal(shown->version, 3);
    assert_int_equal(shown->n_cases, 1);
    assert_int_equal(shown->cases[0]->case_id, id);
    assert_int_equal(shown->cases[0]->from, 2);
    assert_int_equal(shown->cases[0]->n_problems, 0);
    const Watchdog__Moved *dates = moved(&group, id, 3, 0);
    assert_int_equal(dates->n_clocks, 3);
    expect_listed(dates, id);
    assert_int_equal(moving(&group, false)->begun_ms, 0); /* shown only */
    assert_int_equal(said_of(&group, id, "visit").armed, 1);

    int64_t at_ms = simulation_now(group.simulation);
    story_refused(move(&group, 2), 409, "stale_version");
    move_all(&group);
    assert_int_equal(moving(&group, false)->moved, 1);
    assert_int_equal(group_case(&group, id, "li")->policy_version, 3);
    assert_int_equal(group_case(&group, id, "li")->n_versions_taken, 1);
    struct said visit = said_of(&group, id, "visit"), call = said_of(&group, id, "call"),
                paper = said_of(&group, id, "paper");
    assert_int_equal(visit.start_ms, before.start_ms);
    assert_int_equal(visit.due_ms, before.start_ms + 48 * HOUR);
    assert_string_equal(visit.reason, "policy");
    assert_int_equal(call.gone, 1);
    assert_true(call.ended_ms >= at_ms && call.ended_ms < at_ms + MINUTE);
    assert_int_equal(paper.start_ms, before.start_ms);
    assert_int_equal(paper.due_ms, before.start_ms + 100 * HOUR);
    assert_string_equal(paper.reason, "policy");
    assert_int_equal(said_of(&group, id, "done_by_then").armed, 0); /* it would be over */
    expect_listed(moved(&group, 0, 0, at_ms), id);
    assert_int_equal(moved(&group, 0, 0, at_ms)->n_clocks, 3);

    simulation_run(group.simulation, before.start_ms + 47 * HOUR);
    assert_int_equal(said_of(&group, id, "visit").misses, 0);
    OK(group_act(&group, id, "li", "accept", NULL)); /* moved in time, met in time */
    assert_int_equal(said_of(&group, id, "visit").met, 1);
    simulation_run(group.simulation, before.start_ms + 101 * HOUR);
    assert_int_equal(said_of(&group, id, "paper").missed_ms, before.start_ms + 100 * HOUR);
    assert_int_equal(said_of(&group, id, "call").misses, 0);
    story_close(&group);
}

static void assert_visit_met_once(struct group *group, uint64_t id)
{
    struct said said = said_of(group, id, "visit");
    assert_int_equal(said.armed, 1);
    assert_int_equal(said.met, 1);
    assert_int_equal(said.misses, 0);
}

static void what_was_met_stays_met(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 22);
    uint64_t id = complaint(&group);
    OK(group_act(&group, id, "li", "accept", NULL));
    struct said before = said_of(&group, id, "visit");
    assert_int_equal(before.met, 1);
    publish(&group, rows_2, kind,
            "      visit: {clause: HOSP-8-10, name: [面谈, Visit], start: registered, stop: closed, limit: 1 min}\n");
    simulation_run(group.simulation, START_MS + 5 * HOUR);
    move_all(&group);
    simulation_run(group.simulation, START_MS + 60 * HOUR);
    assert_visit_met_once(&group, id);
    story_close(&group);
}

static void what_was_met_stays_met_when_a_version_between_lacked_it(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 25);
    uint64_t id = complaint(&group);
    OK(group_act(&group, id, "li", "accept", NULL));
    assert_int_equal(said_of(&group, id, "visit").met, 1);
    publish(&group, rows_2, kind, clock_over);
    simulation_run(group.simulation, START_MS + HOUR);
    move_all(&group);
    publish(&group, rows_2, kind,
            "      visit: {clause: HOSP-8-10, name: [面谈, Visit], start: registered, stop: closed, limit: 1 min}\n");
    simulation_run(group.simulation, START_MS + 2 * HOUR);
    move_all(&group);
    simulation_run(group.simulation, START_MS + 60 * HOUR);
    assert_visit_met_once(&group, id);
    story_close(&group);
}

static void levels_climbed_are_not_climbed_again(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 23);
    uint64_t id = complaint(&group);
    int64_t due_ms = said_of(&group, id, "visit").due_ms;
    simulation_run(group.simulation, due_ms + 90 * MINUTE);
    struct said before = said_of(&group, id, "visit");
    assert_int_equal(before.levels, 2); /* late, +1 h */
    publish(&group, rows_2, kind, clocks_1);
    simulation_run(group.simulation, due_ms + 100 * MINUTE);
    move_all(&group);
    assert_int_equal(said_of(&group, id, "visit").armed, 2); /* its rows */
    assert_int_equal(moved(&group, 0, 0, due_ms)->n_clocks, 0);
    struct said after = said_of(&group, id, "visit");
    assert_int_equal(after.misses, 1);
    assert_int_equal(after.due_ms, due_ms);
    assert_int_equal(after.levels, 3); /* the one between, which was not there before */
    simulation_run(group.simulation, due_ms + 6 * HOUR);
    after = said_of(&group, id, "visit");
    assert_int_equal(after.levels, 4);
    assert_string_equal(after.told[3], "wu"); /* +3 h */
    assert_int_equal(after.row_ms, due_ms + 3 * HOUR);
    assert_int_equal(after.misses, 1);
    story_close(&group);
}

static void other_words_and_other_people_change_no_date(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 24);
    uint64_t id = complaint(&group);
    struct said before = said_of(&group, id, "visit");
    simulation_run(group.simulation, before.start_ms + 20 * HOUR); /* warned */
    publish(&group, "      - {at: late, tell: general_manager}\n      - {at: +1 h, tell: coordinator}\n", kind,
            clocks_words);
    assert_int_equal(moved(&group, id, 3, 0)->n_clocks, 0);
    uint64_t said_before = simulation_events(group.simulation, HB__SERVICE__WATCHDOG, 0, note_clock, &before);
    move_all(&group);
    struct said none = {.case_id = 0};
    assert_int_equal(simulation_events(group.simulation, HB__SERVICE__WATCHDOG, 0, note_clock, &none), said_before);
    simulation_run(group.simulation, before.start_ms + 30 * HOUR);
    struct said after = said_of(&group, id, "visit");
    assert_int_equal(after.armed, 1);
    assert_int_equal(after.missed_ms, before.start_ms + 24 * HOUR);
    assert_int_equal(after.levels, 2); /* told to those of the new version */
    assert_string_equal(after.told[0], "wu");
    assert_string_equal(after.told[1], "chen");
    story_close(&group);
}

static void a_case_that_does_not_fit_is_listed_with_why_and_goes_on(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 25);
    uint64_t marked = complaint(&group), plain = complaint(&group);
    OK(group_act(&group, marked, "li", "note", FIELDS("mark", "a")));
    publish(&group, rows_2, "kinds:\n  complaint:\n    clause: HOSP-8-10\n    clocks:\n", clocks_2);
    const Casework__Moving *shown = moving(&group, true);
    assert_int_equal(shown->n_cases, 2);
    assert_int_equal(shown->cases[0]->n_problems, 1);
    assert_int_equal(shown->cases[1]->n_problems, 0);
    move_all(&group);
    const Casework__Moving *now = moving(&group, false);
    assert_int_equal(now->moved, 1);
    assert_int_equal(now->refused, 1);
    assert_int_equal(now->n_cases, 1);
    assert_int_equal(now->cases[0]->case_id, marked);
    assert_string_equal(now->cases[0]->problems[0]->field, "fields.mark");
    assert_int_equal(group_case(&group, marked, "li")->policy_version, 2);
    assert_int_equal(group_case(&group, plain, "li")->policy_version, 3);
    struct said visit = said_of(&group, marked, "visit");
    simulation_run(group.simulation, visit.start_ms + 26 * HOUR);
    assert_int_equal(said_of(&group, marked, "visit").missed_ms, visit.start_ms + 24 * HOUR);
    assert_int_equal(said_of(&group, plain, "visit").misses, 0);
    story_close(&group);
}

#define MANY 70u

static bool count_moved(void *context, const Hb__Event *event)
{
    unsigned *count = context;
    *count += event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED;
    return true;
}

static void a_move_goes_on_where_casework_died(void **state)
{
    (void)state;
    struct group group;
    uint64_t ids[MANY];
    open_world(&group, 26);
    for (unsigned i = 0; i < MANY; i++)
        ids[i] = complaint(&group);
    publish(&group, rows_2, kind, clocks_2);
    unsigned count = 0;
    uint32_t lives = simulation_life(group.simulation, HB__SERVICE__CASEWORK);
    simulation_faults_set(group.simulation, (struct simulation_faults){.crash = 300, .down_ms_max = 20});
    while (!move(&group, 3)) /* whoever got no answer asks again */
        simulation_run(group.simulation, simulation_now(group.simulation) + 1000);
    simulation_run(group.simulation, simulation_now(group.simulation) + MINUTE);
    simulation_faults_set(group.simulation, (struct simulation_faults){0});
    settle(&group);
    assert_true(simulation_life(group.simulation, HB__SERVICE__CASEWORK) > lives + 1);
    assert_true(moving(&group, false)->ended_ms > 0);
    simulation_events(group.simulation, HB__SERVICE__CASEWORK, 0, count_moved, &count);
    assert_int_equal(count, MANY);
    for (unsigned i = 0; i < MANY; i++)
        assert_string_equal(said_of(&group, ids[i], "visit").reason, "policy");
    story_close(&group);
}

/* Begins a move of MANY and stops casework in the midst of it. */
static void begin_move(struct group *group)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MANY; i++)
        complaint(group);
    publish(group, rows_2, kind, clocks_2);
    OK(move(group, 3));
    simulation_down(group->simulation, HB__SERVICE__CASEWORK);
    simulation_events(group->simulation, HB__SERVICE__CASEWORK, 0, count_moved, &count);
    assert_true(count < MANY);
}

static void a_move_takes_no_case_back(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 27);
    begin_move(&group);
    publish(&group, rows_1, kind, clocks_1);
    uint64_t id = complaint(&group);
    simulation_up(group.simulation, HB__SERVICE__CASEWORK);
    settle(&group);
    assert_int_equal(moving(&group, false)->moved, MANY);
    const Casework__CaseFile *file = group_case(&group, id, "li");
    assert_int_equal(file->policy_version, 4);
    assert_int_equal(file->n_versions_taken, 0);
    story_close(&group);
}

/* What the assertion handler leaves behind after two aborts at this step. */
static void poison(const struct group *group, const char *input)
{
    char path[600], page[256] = {0};
    snprintf(path, sizeof path, "%s/casework-0/poison", group->folder);
    snprintf(page, sizeof page, "2 %s", input);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fwrite(page, sizeof page, 1, file), 1);
    fclose(file);
}

static void a_move_whose_step_aborts_for_ever_is_replaced_by_the_next(void **state)
{
    (void)state;
    struct group group;
    unsigned count = 0;
    open_world(&group, 28);
    begin_move(&group);
    poison(&group, "job move 1");
    simulation_up(group.simulation, HB__SERVICE__CASEWORK);
    settle(&group);
    assert_true(moving(&group, false)->passed_over && moving(&group, false)->ended_ms > 0);
    assert_true(moving(&group, false)->moved < MANY);
    move_all(&group);
    assert_false(moving(&group, false)->passed_over);
    simulation_events(group.simulation, HB__SERVICE__CASEWORK, 0, count_moved, &count);
    assert_int_equal(count, MANY);
    story_close(&group);
}

static const char kind_counts[] = "kinds:\n"
                                  "  complaint:\n"
                                  "    clause: HOSP-8-10\n"
                                  "    fields:\n"
                                  "      mark: {clause: HOSP-8-10, name: [标记, Mark], type: name}\n"
                                  "      notes: {clause: HOSP-8-10, name: [记数, Notes], is: count of note}\n"
                                  "    steps:\n"
                                  "      note: {clause: HOSP-8-10, name: [记, Note], from: [registered, accepted], by: "
                                  "[receptionist], needs: [mark]}\n"
                                  "    clocks:\n";

static const Hb__Value *fact(const Casework__CaseFile *file, const char *name)
{
    for (size_t i = 0; i < file->n_facts; i++)
        if (strcmp(file->facts[i]->name, name) == 0)
            return file->facts[i]->value;
    return NULL;
}

static void what_the_new_version_computes_is_there(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 29);
    uint64_t id = complaint(&group);
    OK(group_act(&group, id, "li", "note", FIELDS("mark", "a")));
    publish(&group, rows_1, kind_counts, clocks_1);
    move_all(&group);
    assert_non_null(fact(group_case(&group, id, "li"), "notes"));
    story_close(&group);
}

static const char kind_hides[] =
    "kinds:\n"
    "  complaint:\n"
    "    clause: HOSP-8-10\n"
    "    never: {others: {clause: HOSP-8-10, who: anyone, except: [receptionist, handler], "
    "do: see}}\n"
    "    fields:\n"
    "      mark: {clause: HOSP-8-10, name: [标记, Mark], type: name}\n"
    "    steps:\n"
    "      note: {clause: HOSP-8-10, name: [记, Note], from: [registered, accepted], by: "
    "[receptionist], needs: [mark]}\n"
    "    clocks:\n";

static void a_hidden_case_cannot_be_named(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 30);
    publish(&group, rows_1, kind_hides, clocks_1);
    uint64_t id = complaint(&group);
    publish(&group, rows_2, kind_hides, clocks_2);
    assert_int_equal(moving(&group, true)->n_cases, 0);
    story_refused(move_case(&group, 0, id), 422, "unknown_case");
    move_all(&group); /* it is moved like all others */
    assert_int_equal(group_case(&group, id, "li")->policy_version, 4);
    story_close(&group);
}

static const char kind_secret[] = "kinds:\n"
                                  "  secret:\n"
                                  "    like: complaint\n"
                                  "    clause: HOSP-8-10\n"
                                  "    name: [密, Secret]\n";
static const char others_never[] =
    "    never: {others: {clause: HOSP-8-10, who: anyone, except: [coordinator], do: see}}\n";

static uint64_t secret(struct group *group)
{
    const Hb__CommandReply *reply = group_submit(group, "secret", "service", "密", NULL);
    OK(reply);
    return reply->case_id;
}

static Hb__Query asked_by(Hb__Actor *actor, const char *person)
{
    Hb__Query query = HB__QUERY__INIT;
    hb__actor__init(actor);
    actor->account = actor->person = (char *)(uintptr_t)person;
    query.actor = actor;
    query.site = "haitang";
    return query;
}

static unsigned status_of(struct group *group, Hb__Service service, const Hb__Query *query)
{
    const Hb__QueryReply *reply = simulation_query(group->simulation, service, query, &group->arena);
    assert_non_null(reply);
    return reply->refused ? reply->refused->status : 200;
}

/* Each service by itself, as if the gateway had not asked casework first. */
static void expect_of_all(struct group *group, uint64_t id, const char *person, unsigned status)
{
    Hb__Actor actor;
    Hb__Query query = asked_by(&actor, person);
    Routing__Query routing = ROUTING__QUERY__INIT;
    Routing__WhyRouted why = ROUTING__WHY_ROUTED__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetClocks clocks = WATCHDOG__GET_CLOCKS__INIT;
    Escalation__Query escalation = ESCALATION__QUERY__INIT;
    Escalation__GetLevels levels = ESCALATION__GET_LEVELS__INIT;
    Notification__Query notification = NOTIFICATION__QUERY__INIT;
    Notification__GetNotices notices = NOTIFICATION__GET_NOTICES__INIT;
    why.case_id = clocks.case_id = levels.case_id = notices.case_id = id;
    assert_int_equal(group_case(group, id, person) != NULL, status == 200);

    query.payload_case = HB__QUERY__PAYLOAD_ROUTING;
    query.routing = &routing;
    routing.kind_case = ROUTING__QUERY__KIND_WHY;
    routing.why = &why;
    assert_int_equal(status_of(group, HB__SERVICE__ROUTING, &query), status);
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_CLOCKS;
    watchdog.clocks = &clocks;
    assert_int_equal(status_of(group, HB__SERVICE__WATCHDOG, &query), status);
    query.payload_case = HB__QUERY__PAYLOAD_ESCALATION;
    query.escalation = &escalation;
    escalation.kind_case = ESCALATION__QUERY__KIND_LEVELS;
    escalation.levels = &levels;
    assert_int_equal(status_of(group, HB__SERVICE__ESCALATION, &query), status);
    query.payload_case = HB__QUERY__PAYLOAD_NOTIFICATION;
    query.notification = &notification;
    notification.kind_case = NOTIFICATION__QUERY__KIND_NOTICES;
    notification.notices = &notices;
    assert_int_equal(status_of(group, HB__SERVICE__NOTIFICATION, &query), status);
}

/* In a list, and in the figures. */
static void expect_counted(struct group *group, const char *person, unsigned cases)
{
    Hb__Actor actor;
    Hb__Query query = asked_by(&actor, person);
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    Analytics__GetKpi kpi = ANALYTICS__GET_KPI__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &list;
    const Hb__QueryReply *reply = simulation_query(group->simulation, HB__SERVICE__ANALYTICS, &query, &group->arena);
    assert_true(reply && !reply->refused);
    assert_int_equal(reply->analytics->list->n_rows, cases);
    analytics.kind_case = ANALYTICS__QUERY__KIND_KPI;
    analytics.kpi = &kpi;
    reply = simulation_query(group->simulation, HB__SERVICE__ANALYTICS, &query, &group->arena);
    assert_true(reply && !reply->refused);
    assert_int_equal(reply->analytics->kpi->total->registered, cases);
}

static void what_is_hidden_the_policy_of_today_says_to_all_services_alike(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 33);
    publish(&group, rows_1, kind_secret, "");
    uint64_t older = secret(&group);
    expect_of_all(&group, older, "li", 200);
    expect_counted(&group, "li", 1);

    publish(&group, rows_1, kind_secret, others_never);
    uint64_t newer = secret(&group);
    expect_of_all(&group, older, "li", 404);
    expect_of_all(&group, newer, "li", 404);
    expect_of_all(&group, older, "chen", 200);
    expect_counted(&group, "li", 0);
    expect_counted(&group, "chen", 2);

    publish(&group, rows_1, kind, clocks_1); /* without the kind: each case goes by its own version */
    expect_of_all(&group, older, "li", 200);
    expect_of_all(&group, newer, "li", 404);
    expect_of_all(&group, newer, "chen", 200);
    expect_counted(&group, "li", 1);
    expect_counted(&group, "chen", 2);
    story_close(&group);
}

/* As casework's preview: who only reads is refused. */
static void dates_are_previewed_to_whoever_may_move(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 32);
    uint64_t id = complaint(&group);
    char read[] = "read", *scopes[] = {read}, li[] = "li";
    Hb__Actor reader = HB__ACTOR__INIT;
    Hb__Query query = HB__QUERY__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__PreviewMoved preview = WATCHDOG__PREVIEW_MOVED__INIT;
    reader.account = reader.person = li;
    reader.scopes = scopes;
    reader.n_scopes = 1;
    query.actor = &reader;
    query.site = "haitang";
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_PREVIEW;
    watchdog.preview = &preview;
    preview.version = 2;
    preview.cases = &id;
    preview.n_cases = 1;
    const Hb__QueryReply *reply = simulation_query(group.simulation, HB__SERVICE__WATCHDOG, &query, &group.arena);
    assert_non_null(reply);
    assert_non_null(reply->refused);
    assert_int_equal(reply->refused->status, 403);
    reader.n_scopes = 0; /* all that the account has */
    reply = simulation_query(group.simulation, HB__SERVICE__WATCHDOG, &query, &group.arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    story_close(&group);
}

static int64_t due_in_the_list(struct group *group)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &list;
    const Hb__QueryReply *reply = simulation_query(group->simulation, HB__SERVICE__ANALYTICS, &query, &group->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    assert_int_equal(reply->analytics->list->n_rows, 1);
    return reply->analytics->list->rows[0]->due_ms;
}

static const char clocks_none_main[] = "      reply: {clause: HOSP-8-10, main: no}\n"
                                       "      visit: {clause: HOSP-8-10, name: [面谈, Visit], start: registered, stop: "
                                       "[accepted, closed], limit: 24 h, ladder: hourly}\n";
static const char clocks_visit_main[] = "      reply: {clause: HOSP-8-10, main: no}\n"
                                        "      visit: {clause: HOSP-8-10, name: [面谈, Visit], main: yes, start: "
                                        "registered, stop: [accepted, closed], limit: 24 h, ladder: hourly}\n";

static void the_main_clock_is_another(void **state)
{
    (void)state;
    struct group group;
    open_world(&group, 31);
    uint64_t id = complaint(&group);
    int64_t visit_ms = said_of(&group, id, "visit").due_ms, reply_ms = said_of(&group, id, "reply").due_ms;
    assert_true(visit_ms != reply_ms);
    assert_int_equal(due_in_the_list(&group), reply_ms);
    publish(&group, rows_1, kind, clocks_visit_main);
    move_all(&group);
    assert_int_equal(due_in_the_list(&group), visit_ms);
    publish(&group, rows_1, kind, clocks_none_main);
    move_all(&group);
    assert_int_equal(due_in_the_list(&group), 0);
    publish(&group, rows_1, kind, clocks_1);
    move_all(&group);
    assert_int_equal(due_in_the_list(&group), reply_ms);
    const Watchdog__Moved *list = moved(&group, 0, 0, START_MS);
    for (size_t i = 0; i < list->n_clocks; i++) /* that another is the main one changes no date */
        assert_string_equal(list->clocks[i]->instance->clock, "call");
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishing_moves_nothing_and_a_move_moves_what_was_shown_before),
        cmocka_unit_test(what_was_met_stays_met),
        cmocka_unit_test(what_was_met_stays_met_when_a_version_between_lacked_it),
        cmocka_unit_test(levels_climbed_are_not_climbed_again),
        cmocka_unit_test(other_words_and_other_people_change_no_date),
        cmocka_unit_test(a_case_that_does_not_fit_is_listed_with_why_and_goes_on),
        cmocka_unit_test(a_move_goes_on_where_casework_died),
        cmocka_unit_test(a_move_takes_no_case_back),
        cmocka_unit_test(a_move_whose_step_aborts_for_ever_is_replaced_by_the_next),
        cmocka_unit_test(what_the_new_version_computes_is_there),
        cmocka_unit_test(a_hidden_case_cannot_be_named),
        cmocka_unit_test(what_is_hidden_the_policy_of_today_says_to_all_services_alike),
        cmocka_unit_test(dates_are_previewed_to_whoever_may_move),
        cmocka_unit_test(the_main_clock_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
