/* More time for a clock (HOSP-8-05, HOSP-8-06): only before it is due, only with a reason, only once, and it counts
   only when the complainant was told beforehand with proof. */
#include "story.h"

#define START_MS 1740963600000ll                      /* Monday 2025-03-03 09:00 in Shanghai */
#define DUE_MS (START_MS + 14 * 24 * HOUR + 9 * HOUR) /* Monday 2025-03-17 18:00 */
#define EXTENDED_MS (DUE_MS + 14 * 24 * HOUR)         /* Monday 2025-03-31 18:00 */

static const char pack[] =
    "pack: HOSP-8\n"
    "name: [医疗投诉管理, Complaints about care]\n"
    "extends: GEN-FRAME\n"
    "kinds:\n"
    "  complaint:\n"
    "    clocks:\n"
    "      answer:\n"
    "        clause: [HOSP-8-05, HOSP-8-06]\n"
    "        name: [答复期限, Answer]\n"
    "        start: received_at\n"
    "        stop: [told reply, closed, withdrawn, declined]\n"
    "        limit: 14 days\n"
    "        extend: {by: coordinator, told: complainant, add: 14 days, times: 1, needs: reason}\n"
    "      visit:\n"
    "        clause: HOSP-8-10\n"
    "        name: [面谈, Visit]\n"
    "        start: registered\n"
    "        stop: [accepted, closed]\n"
    "        limit: 24 h\n"
    "        extend: {by: [coordinator], add: 6 h, times: 1, more: general_manager}\n";

/* The mail server: every mail but those to the complainant goes out at once. */
struct outside {
    char held[64]; /* the effect of the complainant's mail */
};

static struct bytes answer(void *context, Hb__Service service, const char *id, uint32_t attempt, struct bytes payload,
                           struct arena *arena)
{
    struct outside *outside = context;
    (void)service;
    (void)attempt;
    (void)payload;
    (void)arena;
    snprintf(outside->held, sizeof outside->held, "%s", id);
    return (struct bytes){0};
}

/* Those who are not reached by mail are not told at all. */
static const char mail_only[] = "notices:\n"
                                "  extension_notice: {by: [email]}\n";

static void open_story_with(struct group *group, struct outside *outside, const char *more)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%s", pack, more);
    *outside = (struct outside){0};
    group_open_outside(group, story_folder(), 5, START_MS, answer, outside);
    group_found(group, "GEN-FRAME");
    group_publish(group, "HOSP-8", text);
}

static void open_story(struct group *group, struct outside *outside)
{
    open_story_with(group, outside, "");
}

/* By a complainant with an e-mail address: what is sent there needs the proof of the mail server. */
static uint64_t submit(struct group *group)
{
    Hb__Command command;
    group_submit_fill(group, &command, "complaint", "service", "等候过久", NULL);
    Intake__Party party = INTAKE__PARTY__INIT;
    Hb__Personal email = HB__PERSONAL__INIT;
    email.kind_case = HB__PERSONAL__KIND_PLAIN;
    email.plain = "wang@example.org";
    party.email = &email;
    command.intake->submit->party = &party;
    const Hb__CommandReply *reply = simulation_command(group->simulation, HB__SERVICE__INTAKE, &command, &group->arena);
    OK(reply);
    assert_true(simulation_settle(group->simulation, 10000));
    return reply->case_id;
}

static const Watchdog__ClockState *clock_state(struct group *group, uint64_t id, const char *name)
{
    const Watchdog__Clocks *clocks = group_clocks(group, id);
    assert_non_null(clocks);
    for (size_t i = 0; i < clocks->n_clocks; i++)
        if (strcmp(clocks->clocks[i]->instance->clock, name) == 0)
            return clocks->clocks[i];
    fail_msg("no clock %s", name);
    return NULL;
}

static const Casework__Allowed *allowed_extend(struct group *group, uint64_t id, const char *who)
{
    const Casework__CaseFile *file = group_case(group, id, who);
    for (size_t i = 0; i < file->n_allowed; i++)
        if (strcmp(file->allowed[i]->step, "extend") == 0)
            return file->allowed[i];
    return NULL;
}

static void deliver(struct group *group, struct outside *outside, const char *result)
{
    assert_true(
        simulation_effect_end(group->simulation, HB__SERVICE__NOTIFICATION, outside->held, bytes_of_text(result)));
    assert_true(simulation_settle(group->simulation, 10000));
}

/* HOSP-8-06, the three rows of policy-language.md 6. */
static void it_counts_when_told_beforehand(void **state)
{
    (void)state;
    static const struct {
        int64_t ask, told, due;
    } rows[] = {{DUE_MS - HOUR, DUE_MS - HOUR / 2, EXTENDED_MS},
                {DUE_MS - MINUTE, DUE_MS, EXTENDED_MS},
                {DUE_MS - MINUTE, DUE_MS + MINUTE, DUE_MS}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct group group;
        struct outside outside;
        open_story(&group, &outside);
        uint64_t id = submit(&group);
        simulation_run(group.simulation, rows[i].ask);
        assert_int_equal(clock_state(&group, id, "answer")->due_ms, DUE_MS);
        OK(group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "reason", "病情复杂")));
        assert_int_equal(clock_state(&group, id, "answer")->due_ms, DUE_MS); /* nobody is told yet */
        simulation_run(group.simulation, rows[i].told);
        deliver(&group, &outside, "250 ok");
        simulation_run(group.simulation, DUE_MS + 2 * MINUTE);
        const Watchdog__ClockState *clock = clock_state(&group, id, "answer");
        assert_int_equal(clock->due_ms, rows[i].due);
        assert_string_equal(clock->state, rows[i].due == DUE_MS ? "missed" : "running");
        const Hb__CommandReply *reply =
            group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "reason", "再延"));
        assert_true(story_names_clause(story_refused(reply, 409, "guard"), "HOSP-8-06"));
        story_close(&group);
    }
}

struct said {
    unsigned notices, grants, refused;
    char text[200];
    uint64_t version;
};

static bool collect(void *context, const Hb__Event *event)
{
    struct said *said = context;
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK) {
        said->grants += event->casework->kind_case == CASEWORK__EVENT__KIND_EXTENSION_GRANTED;
        said->refused += event->casework->kind_case == CASEWORK__EVENT__KIND_ACTION_REFUSED;
    }
    bool queued = event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION &&
                  event->notification->kind_case == NOTIFICATION__EVENT__KIND_QUEUED &&
                  strcmp(event->notification->queued->notice, "extension_notice") == 0;
    if (queued) {
        assert_true(event->notification->queued->complainant);
        said->notices++;
        snprintf(said->text, sizeof said->text, "%s", event->notification->queued->text->zh);
    }
    return true;
}

static struct said said_so_far(struct group *group)
{
    struct said said = {0};
    simulation_events(group->simulation, HB__SERVICE__CASEWORK, 0, collect, &said);
    simulation_events(group->simulation, HB__SERVICE__NOTIFICATION, 0, collect, &said);
    return said;
}

static void who_may_and_what_is_needed(void **state)
{
    (void)state;
    struct group group;
    struct outside outside;
    open_story(&group, &outside);
    uint64_t id = submit(&group);
    const Hb__Refusal *refusal = story_refused(
        group_act(&group, id, "bai", "extend", FIELDS("clock", "answer", "reason", "忙")), 403, "not_allowed");
    assert_true(story_names_clause(refusal, "HOSP-8-05"));
    refusal = story_refused(group_act(&group, id, "chen", "extend", NULL), 422, "missing_field");
    assert_int_equal(refusal->n_problems, 2); /* which clock, and why */
    refusal = story_refused(group_act(&group, id, "chen", "extend", FIELDS("clock", "reply", "reason", "忙")), 422,
                            "bad_field");
    assert_string_equal(refusal->field, "fields.clock");
    assert_true(story_accepts(refusal, "answer") && story_accepts(refusal, "visit"));
    refusal = story_refused(group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "cause", "delay")), 422,
                            "bad_field");
    assert_true(story_accepts(refusal, "reason"));
    assert_int_equal(said_so_far(&group).grants, 0);
    assert_non_null(allowed_extend(&group, id, "chen"));
    assert_int_equal(allowed_extend(&group, id, "chen")->n_clocks, 2);
    assert_null(allowed_extend(&group, id, "bai"));
    uint64_t version = group_case(&group, id, "chen")->version;
    OK(group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "reason", "会诊")));
    const Casework__CaseFile *file = group_case(&group, id, "chen");
    assert_int_equal(file->version, version + 1);
    assert_int_equal(file->texts[0]->text->kind_case, HB__PERSONAL__KIND_SEALED);
    for (size_t i = 0; i < file->n_facts; i++) /* it is no fact of the case: `decline` still needs its own reason */
        assert_string_not_equal(file->facts[i]->name, "reason");
    assert_int_equal(said_so_far(&group).notices, 1);
    assert_non_null(strstr(said_so_far(&group).text, "2025-03-31 18:00"));
    OK(group_act(&group, id, "bai", "accept", NULL));
    refusal =
        story_refused(group_act(&group, id, "chen", "extend", FIELDS("clock", "visit", "reason", "忙")), 409, "guard");
    assert_true(story_names_clause(refusal, "HOSP-8-10")); /* met: no longer running */
    story_close(&group);
}

/* Nobody need be told: it counts at once; the second time only a superior may. */
static void more_is_for_a_superior(void **state)
{
    (void)state;
    struct group group;
    struct outside outside;
    open_story(&group, &outside);
    uint64_t id = submit(&group);
    int64_t due = clock_state(&group, id, "visit")->due_ms;
    OK(group_act(&group, id, "chen", "extend", FIELDS("clock", "visit", "reason", "改期")));
    assert_int_equal(clock_state(&group, id, "visit")->due_ms, due + 6 * HOUR);
    const Hb__Refusal *refusal = story_refused(
        group_act(&group, id, "chen", "extend", FIELDS("clock", "visit", "reason", "再改")), 403, "not_allowed");
    assert_true(story_names_clause(refusal, "HOSP-8-10"));
    OK(group_act(&group, id, "wu", "extend", FIELDS("clock", "visit", "reason", "再改")));
    assert_int_equal(clock_state(&group, id, "visit")->due_ms, due + 12 * HOUR);
    story_close(&group);
}

/* A notice that failed in every channel tells nobody: it is granted again, and told again. */
static void a_bounced_notice_frees_the_extension(void **state)
{
    (void)state;
    struct group group;
    struct outside outside;
    open_story_with(&group, &outside, mail_only);
    uint64_t id = submit(&group);
    OK(group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "reason", "会诊")));
    story_refused(group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "reason", "会诊")), 409, "guard");
    deliver(&group, &outside, "550 no such mailbox");
    OK(group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "reason", "会诊")));
    deliver(&group, &outside, "250 ok");
    assert_int_equal(clock_state(&group, id, "answer")->due_ms, EXTENDED_MS);
    assert_int_equal(said_so_far(&group).grants, 2);
    assert_int_equal(said_so_far(&group).refused, 1);
    story_close(&group);
}

/* One that bounced and stands on the portal then has told him. */
static void a_bounced_notice_is_followed_by_the_portal(void **state)
{
    (void)state;
    struct group group;
    struct outside outside;
    open_story(&group, &outside);
    uint64_t id = submit(&group);
    OK(group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "reason", "会诊")));
    assert_int_equal(clock_state(&group, id, "answer")->due_ms, DUE_MS);
    deliver(&group, &outside, "550 no such mailbox");
    assert_int_equal(clock_state(&group, id, "answer")->due_ms, EXTENDED_MS);
    assert_int_equal(said_so_far(&group).notices, 2);
    assert_int_equal(group_case(&group, id, "chen")->n_problems, 0);
    story_refused(group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "reason", "会诊")), 409, "guard");
    story_close(&group);
}

struct ended {
    int64_t armed_ms, met_due_ms; /* said last of the clock `answer` */
};

static bool collect_ends(void *context, const Hb__Event *event)
{
    struct ended *ended = context;
    const Watchdog__Event *said = event->watchdog;
    if (said->kind_case == WATCHDOG__EVENT__KIND_ARMED && strcmp(said->armed->instance->clock, "answer") == 0)
        ended->armed_ms = said->armed->due_ms;
    if (said->kind_case == WATCHDOG__EVENT__KIND_MET && strcmp(said->met->instance->clock, "answer") == 0)
        ended->met_due_ms = said->met->due_ms;
    return true;
}

/* Storm seeds 577 and 905: told in time, but watchdog hears of the answer first. It ended under the due that stood. */
static void proof_heard_after_the_end_still_counts(void **state)
{
    (void)state;
    struct group group;
    struct outside outside;
    open_story(&group, &outside);
    uint64_t id = submit(&group);
    OK(group_act(&group, id, "chen", "extend", FIELDS("clock", "answer", "reason", "会诊")));
    assert_true(simulation_settle(group.simulation, 10000));
    simulation_down(group.simulation, HB__SERVICE__WATCHDOG);
    deliver(&group, &outside, "250 ok");
    simulation_down(group.simulation, HB__SERVICE__NOTIFICATION);
    simulation_run(group.simulation, START_MS + MINUTE);
    OK(group_act(&group, id, "chen", "decline", FIELDS("reason", "非本院")));
    simulation_up(group.simulation, HB__SERVICE__WATCHDOG);
    simulation_run(group.simulation, simulation_now(group.simulation) + 5 * MINUTE);
    const Watchdog__ClockState *clock = clock_state(&group, id, "answer");
    assert_string_equal(clock->state, "met");
    assert_int_equal(clock->due_ms, DUE_MS);
    simulation_up(group.simulation, HB__SERVICE__NOTIFICATION);
    assert_true(simulation_settle(group.simulation, 10000));
    assert_int_equal(clock_state(&group, id, "answer")->due_ms, EXTENDED_MS);
    struct ended ended = {0};
    simulation_events(group.simulation, HB__SERVICE__WATCHDOG, 0, collect_ends, &ended);
    assert_int_equal(ended.armed_ms, EXTENDED_MS);
    assert_int_equal(ended.met_due_ms, EXTENDED_MS);
    story_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_counts_when_told_beforehand),
                                       cmocka_unit_test(who_may_and_what_is_needed),
                                       cmocka_unit_test(more_is_for_a_superior),
                                       cmocka_unit_test(a_bounced_notice_frees_the_extension),
                                       cmocka_unit_test(a_bounced_notice_is_followed_by_the_portal),
                                       cmocka_unit_test(proof_heard_after_the_end_still_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
