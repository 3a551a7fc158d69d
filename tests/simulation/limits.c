/* What a policy and the house allow a person to enter and to give back: fields of others, sizes, boxes of elsewhere,
   returns; and what a rule may assign. */
#include "story.h"

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */

static const char pack[] =
    "pack: LIMITS\n"
    "name: [界限, Limits]\n"
    "extends: GEN-FRAME\n"
    "kinds:\n"
    "  complaint:\n"
    "    fields:\n"
    "      at_fault: {clause: PROP-11-10, name: [责任人, Person responsible], type: person, "
    "write: property_supervisor}\n"
    "      urgent: {name: [加急, Urgent], type: yes_no, default: no}\n"
    "      source: {clause: PROP-11-10, name: [出处, Source], type: case}\n"
    "    steps:\n"
    "      cite: {clause: PROP-11-10, name: [引用, Cite], from: [registered, dispatched], by: coordinator, "
    "needs: [source], link: {source: cited}}\n"
    "      amend: {fields: [category, severity, at_fault, urgent, opinion, finding]}\n"
    "    returns: {clause: HOSP-PRICE-10-03, at_most: 2, to: general_manager}\n"
    "    rules:\n"
    "      grave:  {clause: PROP-11-05, when: severity, if: {severity: major}, then: {assign: "
    "property_supervisor}}\n"
    "      hurry:  {clause: PROP-11-06, before: accept, if: {urgent: yes}, refuse: [加急件由主管受理, "
    "Urgent ones are for the supervisor]}\n"
    "      office: {clause: PROP-11-07, when: at_fault, then: {assign: management_office}}\n"
    "      stuck:  {clause: PROP-11-08, when: accepted, then: [{tell: gm_copy}, {step: archive}]}\n"
    "      later:  {clause: PROP-11-09, when: accepted, if: {cause: delay}, then: {tell: hazard}}\n";

static uint64_t open_story(struct group *group)
{
    group_open(group, story_folder(), 9, START_MS, (struct simulation_faults){0});
    group_found(group, "GEN-FRAME");
    group_publish(group, "LIMITS", pack);
    const Hb__CommandReply *reply = group_submit(group, "complaint", "service", "大堂无人接待", NULL);
    OK(reply);
    return reply->case_id;
}

struct counted {
    unsigned refused, routed, assigned, told, told_later;
    char row[32], clause[64];
};

static bool count(void *context, const Hb__Event *event)
{
    struct counted *counted = context;
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK) {
        counted->refused += event->casework->kind_case == CASEWORK__EVENT__KIND_ACTION_REFUSED;
        counted->assigned += event->casework->kind_case == CASEWORK__EVENT__KIND_ASSIGN_REQUESTED;
        bool notice = event->casework->kind_case == CASEWORK__EVENT__KIND_NOTICE_REQUESTED;
        counted->told += notice && strcmp(event->casework->notice_requested->rule, "stuck") == 0;
        counted->told_later += notice && strcmp(event->casework->notice_requested->rule, "later") == 0;
    }
    if (event->payload_case == HB__EVENT__PAYLOAD_ROUTING && event->routing->kind_case == ROUTING__EVENT__KIND_ROUTED) {
        counted->routed++;
        snprintf(counted->row, sizeof counted->row, "%s", event->routing->routed->row);
        snprintf(counted->clause, sizeof counted->clause, "%s", event->n_clauses ? event->clauses[0] : "");
    }
    return true;
}

static struct counted counted_of(struct group *group)
{
    struct counted counted = {0};
    simulation_events(group->simulation, HB__SERVICE__CASEWORK, 0, count, &counted);
    simulation_events(group->simulation, HB__SERVICE__ROUTING, 0, count, &counted);
    return counted;
}

static bool offered(struct group *group, uint64_t id, const char *who, const char *field)
{
    const Casework__CaseFile *file = group_case(group, id, who);
    for (size_t i = 0; i < file->n_allowed; i++)
        for (size_t f = 0; strcmp(file->allowed[i]->step, "amend") == 0 && f < file->allowed[i]->n_offers; f++)
            if (strcmp(file->allowed[i]->offers[f], field) == 0)
                return true;
    return false;
}

static const Hb__Value *fact(const Casework__CaseFile *file, const char *name)
{
    for (size_t i = 0; i < file->n_facts; i++)
        if (strcmp(file->facts[i]->name, name) == 0)
            return file->facts[i]->value;
    return NULL;
}

static void a_field_is_written_by_whom_the_policy_names(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    const Hb__Refusal *refusal =
        story_refused(group_act(&group, id, "chen", "amend", FIELDS("at_fault", "bai")), 403, "not_allowed");
    assert_string_equal(refusal->field, "fields.at_fault");
    assert_true(story_names_clause(refusal, "PROP-11-10"));
    assert_non_null(strstr(refusal->text->en, "Person responsible"));
    assert_int_equal(counted_of(&group).refused, 1); /* clauses demand the trace */
    assert_null(fact(group_case(&group, id, "chen"), "at_fault"));
    assert_false(offered(&group, id, "chen", "at_fault"));
    assert_true(offered(&group, id, "chen", "severity"));
    OK(group_act(&group, id, "chen", "amend", FIELDS("at_fault", ""))); /* left empty it is not filled in */
    story_close(&group);
}

static void defaults_stand_until_something_else_does(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    const Hb__Value *urgent = fact(group_case(&group, id, "chen"), "urgent");
    assert_non_null(urgent);
    assert_false(urgent->yes);
    OK(group_act(&group, id, "chen", "amend", FIELDS("urgent", "yes")));
    const Hb__CommandReply *reply = group_act(&group, id, "bai", "accept", NULL);
    assert_true(story_names_clause(story_refused(reply, 409, "guard"), "PROP-11-06"));
    OK(group_act(&group, id, "chen", "amend", FIELDS("urgent", "no")));
    OK(group_act(&group, id, "bai", "accept", NULL));
    story_close(&group);
}

static char *long_text(struct group *group, size_t bytes)
{
    char *text = arena_alloc(&group->arena, bytes + 1);
    memset(text, 'a', bytes);
    text[bytes] = 0;
    return text;
}

static const Hb__CommandReply *send(struct group *group, Hb__Command *command)
{
    const Hb__CommandReply *reply =
        simulation_command(group->simulation, HB__SERVICE__CASEWORK, command, &group->arena);
    assert_true(simulation_settle(group->simulation, 10000));
    return reply;
}

static void too_much_is_refused_with_the_limit_named(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    const Hb__Refusal *refusal = story_refused(
        group_act(&group, id, "chen", "amend", FIELDS("opinion", long_text(&group, 60001))), 413, "too_large");
    assert_string_equal(refusal->field, "fields.opinion");
    refusal = story_refused(group_act(&group, id, "chen", "amend",
                                      FIELDS("opinion", long_text(&group, 60000), "finding", long_text(&group, 40000))),
                            413, "too_large");
    assert_non_null(strstr(refusal->text->en, "96 KiB"));
    OK(group_act(&group, id, "chen", "amend",
                 FIELDS("opinion", long_text(&group, 60000), "finding", long_text(&group, 37000))));
    Hb__Command command;
    group_act_fill(&group, &command, id, "chen", "amend", FIELDS("opinion", "a", "opinion", "b"));
    assert_string_equal(story_refused(send(&group, &command), 422, "bad_field")->field, "fields.opinion");
    const char *pairs[2 * 65 + 1] = {0};
    for (unsigned i = 0; i < 65; i++) {
        pairs[2 * i] = "opinion";
        pairs[2 * i + 1] = "x";
    }
    group_act_fill(&group, &command, id, "chen", "amend", pairs);
    assert_non_null(strstr(story_refused(send(&group, &command), 413, "too_large")->text->en, "64"));
    group_act_fill(&group, &command, id, "chen", "amend", NULL);
    Hb__Personal note = HB__PERSONAL__INIT;
    note.kind_case = HB__PERSONAL__KIND_PLAIN;
    note.plain = long_text(&group, 60001);
    command.casework->act->note = &note;
    assert_string_equal(story_refused(send(&group, &command), 413, "too_large")->field, "note");
    story_close(&group);
}

/* A box sealed for another case, put where a text belongs, would be opened with that other case's rights. */
static void a_box_of_elsewhere_is_refused(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    OK(group_act(&group, id, "chen", "amend", FIELDS("opinion", "另案内容")));
    Hb__Personal *box = group_case(&group, id, "chen")->texts[0]->text;
    assert_int_equal(box->kind_case, HB__PERSONAL__KIND_SEALED);
    uint64_t other = group_submit(&group, "complaint", "service", "另一件", NULL)->case_id;
    Hb__Command command;
    group_act_fill(&group, &command, other, "chen", "amend", FIELDS("opinion", "x"));
    command.casework->act->fields[0]->text = box;
    assert_string_equal(story_refused(send(&group, &command), 422, "bad_field")->field, "fields.opinion");
    group_act_fill(&group, &command, other, "chen", "amend", NULL);
    command.casework->act->note = box;
    assert_string_equal(story_refused(send(&group, &command), 422, "bad_field")->field, "note");
    story_close(&group);
}

static void a_rule_assigns_a_person_or_a_department(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    assert_string_equal(group_case(&group, id, "chen")->lead, "customer_service_centre");
    OK(group_act(&group, id, "chen", "amend", FIELDS("severity", "major")));
    const Casework__CaseFile *file = group_case(&group, id, "chen");
    assert_string_equal(file->handler, "sun");
    assert_string_equal(file->lead, "management_office");
    struct counted counted = counted_of(&group);
    assert_string_equal(counted.row, "assigned");
    assert_string_equal(counted.clause, "PROP-11-05");
    assert_int_equal(counted.assigned, 1);
    OK(group_act(&group, id, "sun", "amend", FIELDS("at_fault", "bai"))); /* it is there already: nothing is said */
    assert_int_equal(counted_of(&group).assigned, 2);
    assert_int_equal(counted_of(&group).routed, counted.routed);
    story_close(&group);
}

/* HOSP-PRICE-10-03: the third time is refused under the clause, and it goes to whom the clause names. */
static void a_case_is_given_back_only_so_often(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    for (unsigned i = 0; i < 2; i++)
        OK(group_act(&group, id, group_case(&group, id, "wu")->handler, "return_case", FIELDS("reason", "不归我部门")));
    uint64_t version = group_case(&group, id, "wu")->version;
    assert_string_equal(group_case(&group, id, "wu")->handler, "wu");
    assert_int_equal(counted_of(&group).assigned, 0);
    /* the coordinator gives it to another meanwhile */
    OK(group_act(&group, id, "chen", "amend", FIELDS("severity", "major")));
    assert_string_equal(group_case(&group, id, "wu")->handler, "sun");
    const Hb__Refusal *refusal =
        story_refused(group_act(&group, id, "sun", "return_case", FIELDS("reason", "也不归我")), 409, "guard");
    assert_true(story_names_clause(refusal, "HOSP-PRICE-10-03"));
    const Casework__CaseFile *file = group_case(&group, id, "wu");
    assert_int_equal(file->version, version + 1); /* the amendment only */
    assert_string_equal(file->handler, "wu");
    assert_string_equal(counted_of(&group).clause, "HOSP-PRICE-10-03");
    for (size_t i = 0; i < file->n_allowed; i++)
        if (strcmp(file->allowed[i]->step, "return_case") == 0)
            assert_int_equal(file->allowed[i]->n_blocked, 1);
    story_close(&group);
}

/* Each of those who follow takes a step when the leading case is answered: there are so many at most. */
static void a_case_leads_only_so_many(void **state)
{
    (void)state;
    struct group group;
    uint64_t lead = open_story(&group);
    const char *number = group_case(&group, lead, "wu")->number;
    for (unsigned i = 0; i <= 64; i++) {
        const Hb__CommandReply *made = group_submit(&group, "complaint", "service", "同一件事", NULL);
        OK(made);
        const Hb__CommandReply *merged = group_act(&group, made->case_id, "chen", "merge", FIELDS("leading", number));
        if (i < 64)
            OK(merged);
        else
            story_refused(merged, 409, "too_many_follow");
    }
    story_close(&group);
}

static void behind_the_last_event_there_is_none(void **state)
{
    (void)state;
    struct group group;
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetTimeline timeline = CASEWORK__GET_TIMELINE__INIT;
    query.case_id = timeline.case_id = open_story(&group);
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_TIMELINE;
    casework.timeline = &timeline;
    timeline.after = UINT32_MAX;
    const Hb__QueryReply *reply = simulation_query(group.simulation, HB__SERVICE__CASEWORK, &query, &group.arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    assert_int_equal(reply->casework->timeline->n_events, 0);
    story_close(&group);
}

/* However long the texts are, a page of the history is a message that the bus takes; the next page goes on behind it.
 */
static void a_history_of_long_texts_comes_in_pages(void **state)
{
    (void)state;
    struct group group;
    static char addition[60001];
    uint64_t id = open_story(&group);
    memset(addition, 'x', sizeof addition - 1);
    for (unsigned i = 0; i < 24; i++)
        OK(group_act(&group, id, "complainant", "add", FIELDS("addition", addition)));
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetTimeline get = CASEWORK__GET_TIMELINE__INIT;
    query.case_id = get.case_id = id;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_TIMELINE;
    casework.timeline = &get;
    unsigned added = 0, pages = 0;
    do {
        const Hb__QueryReply *reply = simulation_query(group.simulation, HB__SERVICE__CASEWORK, &query, &group.arena);
        assert_non_null(reply);
        assert_null(reply->refused);
        const Casework__Timeline *page = reply->casework->timeline;
        size_t bytes = 0;
        for (size_t i = 0; i < page->n_events; i++) {
            bytes += page->events[i].len;
            added += page->events[i].len > 60000;
        }
        assert_true(bytes < 1u << 20);
        get.after = page->next;
        pages++;
    } while (get.after);
    assert_int_equal(added, 24);
    assert_true(pages >= 3);
    story_close(&group);
}

static void a_case_is_cited_only_so_often(void **state)
{
    (void)state;
    struct group group;
    uint64_t cited = open_story(&group);
    const char *number = group_case(&group, cited, "wu")->number;
    for (unsigned i = 0; i <= 1000; i++) {
        const Hb__CommandReply *made = group_submit(&group, "complaint", "service", "同一件事", NULL);
        OK(made);
        const Hb__CommandReply *cites = group_act(&group, made->case_id, "chen", "cite", FIELDS("source", number));
        if (i < 1000)
            OK(cites);
        else
            story_refused(cites, 409, "too_many_cite");
    }
    story_close(&group);
}

/* A rule fires once per source event: one that told and then met a problem has told; one that could not be decided is
   tried again when its fact is there, once. */
static void a_rule_acts_once(void **state)
{
    (void)state;
    struct group group;
    uint64_t id = open_story(&group);
    OK(group_act(&group, id, "bai", "accept", NULL));
    assert_int_equal(counted_of(&group).told, 1);
    assert_int_equal(counted_of(&group).told_later, 0);
    assert_int_equal(group_case(&group, id, "chen")->n_problems, 2);
    OK(group_act(&group, id, "chen", "amend", FIELDS("urgent", "yes")));
    OK(group_act(&group, id, "bai", "investigate", FIELDS("finding", "属实", "cause", "delay")));
    OK(group_act(&group, id, "chen", "amend", FIELDS("urgent", "no")));
    assert_int_equal(counted_of(&group).told, 1);
    assert_int_equal(counted_of(&group).told_later, 1);
    assert_int_equal(group_case(&group, id, "chen")->n_problems, 1); /* what cannot be done is still to be seen */
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_field_is_written_by_whom_the_policy_names),
                                       cmocka_unit_test(defaults_stand_until_something_else_does),
                                       cmocka_unit_test(too_much_is_refused_with_the_limit_named),
                                       cmocka_unit_test(a_box_of_elsewhere_is_refused),
                                       cmocka_unit_test(a_rule_assigns_a_person_or_a_department),
                                       cmocka_unit_test(a_case_is_given_back_only_so_often),
                                       cmocka_unit_test(a_case_leads_only_so_many),
                                       cmocka_unit_test(a_case_is_cited_only_so_often),
                                       cmocka_unit_test(behind_the_last_event_there_is_none),
                                       cmocka_unit_test(a_history_of_long_texts_comes_in_pages),
                                       cmocka_unit_test(a_rule_acts_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
