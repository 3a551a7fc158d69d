/* Imported history ends in the same state as if the system had been running then (issue 2, 4). One life of five cases
   is lived under the virtual clock, each step at its time; then what was recorded of it is imported into another system
   that begins afterwards. Rows of the list, figures, clocks with what came of each, and levels are compared row by row.
   Both systems then go on alike, and are compared once more. */
#include "story.h"

#include "json/json.h"

#define DAY (24 * HOUR)
#define WEDNESDAY_MS 1743523200000ll /* 2025-04-02 00:00 in Shanghai; Friday 4 to Sunday 6: Qingming */
#define AT(day, hour, minute) (WEDNESDAY_MS + ((day)-2) * DAY + (hour)*HOUR + (minute)*MINUTE) /* of April */
#define IMPORTED_MS AT(16, 12, 0)
#define LATER_MS AT(22, 12, 0)
#define CASES 5u
#define STEPS_MAX 16u

static const char pack[] =
    "pack: TWICE\n"
    "name: [同样的事情两次, The same life twice]\n"
    "extends: GEN-FRAME\n"
    "kinds:\n"
    "  request:\n"
    "    clause: TWICE-01\n"
    "    name: [请求, Request]\n"
    "    stages: {registered: new, handling: working, waiting: waiting, replied: done, closed: closed}\n"
    "    stage_names: {registered: [已登记, Registered], handling: [办理中, Being handled], waiting: [待补, Waiting], "
    "replied: [已答复, Replied], closed: [已办结, Closed]}\n"
    "    fields:\n"
    "      category: {name: [类别, Category], one_of: $categories, needed: always}\n"
    "      satisfied: {name: [满意度, Satisfied], one_of: {satisfied: [满意, Satisfied], dissatisfied: [不满意, "
    "Dissatisfied]}}\n"
    "      found: {name: [属实, Found], one_of: {yes: [是, Yes], no: [否, No]}}\n"
    "    steps:\n"
    "      register: {clause: TWICE-01, name: [登记, Register], to: registered, by: employee}\n"
    "      accept: {clause: TWICE-01, name: [受理, Accept], from: registered, to: handling, by: employee, "
    "fields: [found]}\n"
    "      ask: {clause: TWICE-01, name: [请补, Ask], from: handling, to: waiting, by: employee}\n"
    "      resume: {clause: TWICE-01, name: [已补, Resume], from: waiting, to: handling, by: employee}\n"
    "      reply: {clause: TWICE-01, name: [答复, Reply], from: handling, to: replied, by: employee}\n"
    "      close: {clause: TWICE-01, name: [办结, Close], from: replied, to: closed, by: employee, fields: "
    "[satisfied]}\n"
    "      reopen: {clause: TWICE-01, name: [重办, Reopen], from: closed, to: handling, by: employee, round: next}\n"
    "    route:\n"
    "      otherwise: {clause: TWICE-01, to: department of category}\n"
    "    clocks:\n"
    "      accept: {clause: TWICE-01, name: [受理, Accept], start: registered, stop: handling, limit: 4 h}\n"
    "      receipt: {clause: TWICE-01, name: [回执, Receipt], start: registered, stop: told receipt, limit: 12 days}\n"
    "      reply: {clause: TWICE-01, name: [答复, Reply], main: yes, start: [registered, reopen], stop: told answer, "
    "limit: 3 working days}\n"
    "      thanks: {clause: TWICE-01, name: [致谢, Thanks], start: replied, stop: told thanks, limit: 10 days}\n"
    "    rules:\n"
    "      received: {clause: TWICE-01, when: registered, then: {tell: receipt}}\n"
    "      answered: {clause: TWICE-01, when: replied, if: {found: yes}, then: {tell: answer}}\n"
    "      thanked: {clause: TWICE-01, when: satisfied, if: {told answer: present}, then: {tell: thanks}}\n"
    "      unanswered: {clause: TWICE-01, before: close, if: {told answer: missing}, refuse: [尚未答复, Not "
    "answered]}\n"
    "notices:\n"
    "  answer: {clause: TWICE-01, name: [答复, Answer], to: complainant, by: [portal], subject: [答复, Answer], text: "
    "[已答复, Answered]}\n"
    "  receipt: {clause: TWICE-01, name: [回执, Receipt], to: complainant, by: [portal], subject: [回执, Receipt], "
    "text: "
    "[已收到, Received]}\n"
    "  thanks: {clause: TWICE-01, name: [致谢, Thanks], to: complainant, by: [portal], subject: [致谢, Thanks], text: "
    "[谢谢, Thank you]}\n"
    "categories:\n"
    "  noise: {name: [噪音, Noise], to: customer_service_centre}\n"
    "  water: {name: [漏水, Water], to: engineering_department}\n";

/* ---- the life ---- */

struct deed {
    int64_t at_ms;
    unsigned which;   /* case */
    const char *step; /* "register" or a step */
    const char *const *fields;
};
static const char *const satisfied[] = {"satisfied", "satisfied", NULL};
static const char *const found[] = {"found", "yes", NULL};
static const char *const dissatisfied[] = {"satisfied", "dissatisfied", NULL};
static const struct deed life[] = {
    {AT(2, 9, 0), 0, "register", NULL},  /* 0: met */
    {AT(2, 9, 30), 1, "register", NULL}, /* 1: both missed, level 1 */
    {AT(2, 10, 0), 0, "accept", found},
    {AT(2, 11, 0), 2, "register", NULL}, /* 2: nobody touches it: levels 1 and 2 */
    {AT(2, 15, 0), 1, "accept", found},
    {AT(3, 9, 0), 3, "register", NULL}, /* 3: met thanks to a pause over the holiday; again in a second round, missed */
    {AT(3, 9, 20), 3, "accept", found},
    {AT(3, 14, 0), 3, "ask", NULL},
    {AT(3, 15, 0), 0, "reply", NULL},
    {AT(3, 16, 0), 0, "close", satisfied},
    {AT(8, 10, 0), 3, "resume", NULL},
    {AT(9, 10, 0), 1, "reply", NULL},
    {AT(9, 11, 0), 3, "reply", NULL},
    {AT(9, 11, 30), 1, "close", dissatisfied},
    {AT(9, 12, 0), 3, "close", dissatisfied},
    {AT(9, 15, 0), 3, "reopen", NULL},
    {AT(15, 10, 0), 4, "register", NULL}, /* 4: its clock goes on after the import */
};
/* What happens after the import, in both systems. */
static const struct deed later[] = {{AT(16, 14, 0), 2, "accept", found},
                                    {AT(17, 9, 0), 4, "accept", found},
                                    {AT(17, 10, 0), 3, "reply", NULL},
                                    {AT(17, 11, 0), 2, "reply", NULL},
                                    {AT(18, 9, 0), 3, "close", satisfied}};
#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char *category_of(unsigned which)
{
    return which % 2 ? "water" : "noise";
}

static const Hb__CommandReply *import(struct group *group, unsigned which, int64_t received_ms,
                                      Intake__History *history)
{
    Hb__Command command;
    group_submit_fill(group, &command, "request", category_of(which), "同一件事", NULL);
    Intake__Import *import = arena_alloc(&group->arena, sizeof *import);
    intake__import__init(import);
    import->submit = command.intake->submit;
    import->received_ms = received_ms;
    import->source = "life";
    import->external_id = arena_printf(&group->arena, "case-%u", which);
    import->history = history;
    command.intake->kind_case = INTAKE__COMMAND__KIND_IMPORT;
    command.intake->import = import;
    const Hb__CommandReply *reply = simulation_command(group->simulation, HB__SERVICE__INTAKE, &command, &group->arena);
    OK(reply);
    assert_true(simulation_settle(group->simulation, 10000));
    return reply;
}

/* An import of what comes in just now is an ordinary case: so the cases of both systems have an external id. */
static void live(struct group *group, const struct deed *deeds, size_t count, uint64_t *ids)
{
    for (size_t i = 0; i < count; i++) {
        const struct deed *deed = &deeds[i];
        simulation_run(group->simulation, deed->at_ms);
        if (strcmp(deed->step, "register") == 0)
            ids[deed->which] = import(group, deed->which, 0, NULL)->case_id;
        else
            OK(group_act(group, ids[deed->which], deed->which % 2 ? "zhou" : "bai", deed->step, deed->fields));
    }
}

/* ---- what was recorded of it, imported ---- */

struct recorded {
    struct group *from, *into;
    const uint64_t *ids;
    int64_t received_ms[CASES];
    Intake__History *history[CASES];
};

static unsigned which_of(const uint64_t *ids, uint64_t case_id)
{
    unsigned which = 0;
    while (which < CASES && ids[which] != case_id)
        which++;
    return which;
}

static bool take_received(void *context, const Hb__Event *event)
{
    struct recorded *recorded = context;
    unsigned which = which_of(recorded->ids, event->case_id);
    if (which < CASES && event->payload_case == HB__EVENT__PAYLOAD_INTAKE)
        recorded->received_ms[which] = event->occurred_ms;
    return true;
}

static const char *const *fields_of(unsigned which, const char *step)
{
    for (size_t i = 0; i < COUNT(life); i++)
        if (life[i].which == which && strcmp(life[i].step, step) == 0)
            return life[i].fields;
    return NULL;
}

static bool take_step(void *context, const Hb__Event *event)
{
    struct recorded *recorded = context;
    struct arena *arena = &recorded->into->arena;
    unsigned which = which_of(recorded->ids, event->case_id);
    if (which == CASES || event->payload_case != HB__EVENT__PAYLOAD_CASEWORK ||
        event->casework->kind_case != CASEWORK__EVENT__KIND_STEP_TAKEN)
        return true;
    Intake__HistoricStep *step = arena_alloc(arena, sizeof *step);
    intake__historic_step__init(step);
    step->step = arena_strdup(arena, event->casework->step_taken->step);
    step->occurred_ms = event->occurred_ms;
    Hb__Command filled;
    group_act_fill(recorded->into, &filled, 1, "bai", step->step, fields_of(which, step->step));
    step->fields = filled.casework->act->fields;
    step->n_fields = filled.casework->act->n_fields;
    Intake__History *history = recorded->history[which];
    history->steps = arena_grow(arena, history->steps, history->n_steps, sizeof *history->steps);
    history->steps[history->n_steps++] = step;
    return true;
}

static void import_all(struct group *from, const uint64_t *from_ids, struct group *into, uint64_t *ids)
{
    struct recorded recorded = {.from = from, .into = into, .ids = from_ids};
    for (unsigned which = 0; which < CASES; which++) {
        recorded.history[which] = arena_alloc(&into->arena, sizeof(Intake__History));
        intake__history__init(recorded.history[which]);
    }
    simulation_events(from->simulation, HB__SERVICE__INTAKE, 0, take_received, &recorded);
    simulation_events(from->simulation, HB__SERVICE__CASEWORK, 0, take_step, &recorded);
    simulation_run(into->simulation, IMPORTED_MS);
    for (unsigned which = 0; which < CASES; which++)
        ids[which] = import(into, which, recorded.received_ms[which], recorded.history[which])->case_id;
}

/* ---- comparing ---- */

static const Hb__QueryReply *ask(struct group *group, Hb__Service service, Hb__Query *query)
{
    Hb__Actor actor = HB__ACTOR__INIT;
    actor.account = actor.person = "wu";
    query->actor = &actor;
    query->site = "haitang";
    const Hb__QueryReply *reply = simulation_query(group->simulation, service, query, &group->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    return reply;
}

static const Analytics__Reply *ask_analytics(struct group *group, Analytics__Query *analytics)
{
    Hb__Query query = HB__QUERY__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = analytics;
    return ask(group, HB__SERVICE__ANALYTICS, &query)->analytics;
}

/* One line of the file of all that is compared. */
static void line(struct group *group, char **text, const char *what, json_t *json)
{
    char *dumped = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    *text = arena_printf(&group->arena, "%s%s %s\n", *text, what, dumped);
    free(dumped);
    json_decref(json);
}

/* What cannot be equal: ids, and that a row was imported; its version counts the rules that did not run. Of a history
   that has ended nobody is made the handler who never was (services/routing). */
static void add_rows(struct group *group, char **text)
{
    Analytics__Query query = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    query.kind_case = ANALYTICS__QUERY__KIND_LIST;
    query.list = &list;
    list.oldest_first = true;
    const Analytics__CaseList *rows = ask_analytics(group, &query)->list;
    assert_int_equal(rows->n_rows, CASES);
    for (size_t i = 0; i < rows->n_rows; i++) {
        json_t *row = json_from_message(&rows->rows[i]->base, NULL);
        json_object_del(row, "case_id");
        json_object_del(row, "historic");
        json_object_del(row, "version");
        if (rows->rows[i]->closed_ms)
            json_object_del(row, "handler");
        line(group, text, "row", row);
    }
}

static void add_figures(struct group *group, char **text)
{
    Analytics__Query query = ANALYTICS__QUERY__INIT;
    Analytics__GetKpi get = ANALYTICS__GET_KPI__INIT;
    query.kind_case = ANALYTICS__QUERY__KIND_KPI;
    query.kpi = &get;
    line(group, text, "figures", json_from_message(&ask_analytics(group, &query)->kpi->base, NULL));
}

static void add_clocks(struct group *group, uint64_t id, char **text)
{
    const Watchdog__Clocks *clocks = group_clocks(group, id);
    assert_non_null(clocks);
    for (size_t i = 0; i < clocks->n_clocks; i++) {
        clocks->clocks[i]->remaining_ms = 0; /* of the moment asked */
        line(group, text, "clock", json_from_message(&clocks->clocks[i]->base, NULL));
    }
}

/* The instant of a level, to the second: live it is told within milliseconds. Of what was past when it was imported
   nobody is reminded (level 0, services/watchdog), so these are left out. */
static void add_levels(struct group *group, uint64_t id, char **text)
{
    Hb__Query query = HB__QUERY__INIT;
    Escalation__Query escalation = ESCALATION__QUERY__INIT;
    Escalation__GetLevels get = ESCALATION__GET_LEVELS__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_ESCALATION;
    query.escalation = &escalation;
    escalation.kind_case = ESCALATION__QUERY__KIND_LEVELS;
    escalation.levels = &get;
    get.case_id = id;
    const Escalation__Levels *levels = ask(group, HB__SERVICE__ESCALATION, &query)->escalation->levels;
    for (size_t i = 0; levels && i < levels->n_levels; i++)
        if (levels->levels[i]->level > 0 || levels->at_ms[i] > IMPORTED_MS)
            line(group, text, levels->cancelled[i] ? "level cancelled" : "level",
                 json_pack("{s:o, s:I}", "level", json_from_message(&levels->levels[i]->base, NULL), "at_s",
                           (json_int_t)(levels->at_ms[i] / 1000)));
}

struct misses {
    struct group *group;
    uint64_t id;
    char **text;
};

static bool add_miss(void *context, const Hb__Event *event)
{
    struct misses *misses = context;
    if (event->case_id != misses->id || event->payload_case != HB__EVENT__PAYLOAD_WATCHDOG)
        return true;
    if (event->watchdog->kind_case == WATCHDOG__EVENT__KIND_MISS_WITHDRAWN)
        line(misses->group, misses->text, "withdrawn", json_from_message(&event->watchdog->miss_withdrawn->base, NULL));
    if (event->watchdog->kind_case == WATCHDOG__EVENT__KIND_MISSED)
        line(misses->group, misses->text, "missed",
             json_pack("{s:o, s:I}", "miss", json_from_message(&event->watchdog->missed->base, NULL), "occurred",
                       (json_int_t)event->occurred_ms));
    return true;
}

static char *state_of(struct group *group, const uint64_t *ids)
{
    char *text = arena_strdup(&group->arena, "");
    add_rows(group, &text);
    add_figures(group, &text);
    for (unsigned which = 0; which < CASES; which++) {
        text = arena_printf(&group->arena, "%scase %u\n", text, which);
        add_clocks(group, ids[which], &text);
        struct misses misses = {group, ids[which], &text};
        simulation_events(group->simulation, HB__SERVICE__WATCHDOG, 0, add_miss, &misses);
        add_levels(group, ids[which], &text);
    }
    return text;
}

/* Shows the first line that differs, and all of them on demand: they are worth reading. */
static void assert_same(const char *lived, const char *imported)
{
    if (getenv("HEARBACK_SHOW"))
        puts(lived);
    while (*lived || *imported) {
        size_t a = strcspn(lived, "\n"), b = strcspn(imported, "\n");
        if (a != b || memcmp(lived, imported, a) != 0)
            fail_msg("lived:    %.*s\nimported: %.*s", (int)a, lived, (int)b, imported);
        lived += a + (lived[a] != 0);
        imported += b + (imported[b] != 0);
    }
}

/* What the life is made of, so that equal emptiness is no success. */
static void check_life(struct group *group, const uint64_t *ids)
{
    Analytics__Query query = ANALYTICS__QUERY__INIT;
    Analytics__GetKpi get = ANALYTICS__GET_KPI__INIT;
    query.kind_case = ANALYTICS__QUERY__KIND_KPI;
    query.kpi = &get;
    const Analytics__Figures *total = ask_analytics(group, &query)->kpi->total;
    assert_int_equal(total->registered, CASES);
    assert_int_equal(total->closed, 2);
    assert_int_equal(total->reopened, 1);
    assert_true(total->on_time >= 1 && total->overdue >= 2 && total->escalated >= 2);
    const Watchdog__Clocks *clocks = group_clocks(group, ids[2]);
    bool seen = false;
    for (size_t i = 0; i < clocks->n_clocks; i++)
        if (strcmp(clocks->clocks[i]->instance->clock, "reply") == 0) {
            seen = true;
            assert_string_equal(clocks->clocks[i]->state, "missed");
            assert_int_equal(clocks->clocks[i]->due_ms,
                             AT(8, 18, 0)); /* 3, 7 and 8 April: the holiday does not count */
        }
    assert_true(seen);
}

static void open_story(struct group *group, uint64_t seed, int64_t start_ms)
{
    group_open_cell(group, story_folder(), seed, start_ms, (struct simulation_options){.calendars_folder = CALENDARS});
    group_found(group, "GEN-FRAME");
    group_publish(group, "TWICE", pack);
}

static void the_same_life_twice(void **state)
{
    (void)state;
    struct group lived, imported;
    uint64_t lived_ids[CASES] = {0}, imported_ids[CASES] = {0};
    open_story(&lived, 21, AT(2, 8, 0));
    live(&lived, life, COUNT(life), lived_ids);
    simulation_run(lived.simulation, IMPORTED_MS + MINUTE);
    check_life(&lived, lived_ids);
    open_story(&imported, 22, AT(16, 8, 0));
    import_all(&lived, lived_ids, &imported, imported_ids);
    simulation_run(imported.simulation, IMPORTED_MS + MINUTE);
    assert_same(state_of(&lived, lived_ids), state_of(&imported, imported_ids));
    live(&lived, later, COUNT(later), lived_ids);
    live(&imported, later, COUNT(later), imported_ids);
    simulation_run(lived.simulation, LATER_MS);
    simulation_run(imported.simulation, LATER_MS);
    assert_same(state_of(&lived, lived_ids), state_of(&imported, imported_ids));
    story_close(&lived);
    story_close(&imported);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_life_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
