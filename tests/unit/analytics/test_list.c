/* Lists: whatever is asked, in whatever pages, they are what a look at every case says. */
#include "../support/puppet.h"

#include "analytics.h"

#define CASES 300u
#define CROWD 10500u /* more than one page may look up */
#define CROWD_A_COMMAND 60u
#define LATE 7u
#define FIRST_ID 1000u

PUPPET(puppet_directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(puppet_routing, "routing", HB__SERVICE__ROUTING);
PUPPET(puppet_casework, "casework", HB__SERVICE__CASEWORK);
PUPPET(puppet_watchdog, "watchdog", HB__SERVICE__WATCHDOG);
PUPPET(puppet_escalation, "escalation", HB__SERVICE__ESCALATION);

static const char *const kinds[] = {"complaint", "repair"}, *const categories[] = {"noise", "lift", "water"},
                         *const departments[] = {"service", "engineering"},
                         *const handlers[] = {"li", "bai", "gao", "wu"},
                         *const helpers[] = {"guards", "garden", "pool"};
#define PICK(list, number) ((char *)(uintptr_t)(list)[(number) % (sizeof(list) / sizeof *(list))])

/* Numbers that look random and are the same in each run. */
static unsigned scattered(unsigned i, unsigned what)
{
    uint64_t x = (i * 7919ull + what) * 0x9e3779b97f4a7c15ull;
    return (unsigned)(x >> 40);
}

/* Says so many registrations at once; every third shares its time of receipt with the one before. */
static void register_many(struct turn *turn, const Hb__Command *command)
{
    unsigned from, count;
    bug_unless(sscanf((const char *)command->toy.data, "%u %u", &from, &count) == 2);
    for (unsigned i = from; i < from + count; i++) {
        Hb__Event *event = turn_event(turn, i % 5 == 0 ? "park" : "garden", FIRST_ID + i);
        Intake__CaseRegistered *registered = TURN_NEW(turn, Intake__CaseRegistered, intake__case_registered__init);
        event->policy_version = 0;
        event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
        event->intake = TURN_NEW(turn, Intake__Event, intake__event__init);
        event->intake->kind_case = INTAKE__EVENT__KIND_REGISTERED;
        event->intake->registered = registered;
        event->occurred_ms = PUPPET_START_MS - (int64_t)(scattered(i - i % 3, 1) % 100000) * 1000;
        registered->number = arena_printf(turn_arena(turn), "G-%04u", i);
        registered->kind = PICK(kinds, scattered(i, 2));
        registered->category = PICK(categories, scattered(i, 3));
        registered->stage = "registered";
        registered->phase = POLICY__PHASE__NEW;
        if (scattered(i, 11) % 4 == 0) {
            registered->party = TURN_NEW(turn, Intake__Party, intake__party__init);
            registered->party->confidential = true;
        }
        if (scattered(i, 12) % 5 == 0) {
            registered->requested_by = TURN_NEW(turn, Hb__Position, hb__position__init);
            registered->requested_by->log = TURN_NEW(turn, Hb__LogId, hb__log_id__init);
            registered->requested_by->log->service =
                scattered(i, 12) % 2 ? HB__SERVICE__WATCHDOG : HB__SERVICE__CASEWORK;
            registered->rule = "sampling";
        }
        turn_say(turn, event);
    }
}

static const struct service puppet_intake = {
    .name = "intake", .id = HB__SERVICE__INTAKE, .decide = register_many, .evolve = puppet_evolve};

static void register_cases(struct world *world, unsigned from, unsigned count)
{
    Hb__Command command = HB__COMMAND__INIT;
    char *text = arena_printf(&world->arena, "%u %u", from, count);
    command.account = "test";
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){strlen(text) + 1, (uint8_t *)text};
    assert_null(world_command(world, HB__SERVICE__INTAKE, &command)->refused);
}

static void say(struct world *world, unsigned i, Hb__Service service, Hb__Event *event)
{
    event->site = i % 5 == 0 ? "park" : "garden";
    event->case_id = FIRST_ID + i;
    puppet_say(world, service, event);
}

static void route_to(struct world *world, unsigned i, unsigned joint_count)
{
    Hb__Event event = HB__EVENT__INIT;
    Routing__Event payload = ROUTING__EVENT__INIT;
    Routing__CaseRouted routed = ROUTING__CASE_ROUTED__INIT;
    event.payload_case = HB__EVENT__PAYLOAD_ROUTING;
    event.routing = &payload;
    payload.kind_case = ROUTING__EVENT__KIND_ROUTED;
    payload.routed = &routed;
    routed.lead = PICK(departments, scattered(i, 4));
    routed.handler = PICK(handlers, scattered(i, 5));
    char *joint[] = {PICK(helpers, scattered(i, 13)), PICK(helpers, scattered(i, 13) + 1)};
    routed.joint = joint;
    routed.n_joint = joint_count;
    say(world, i, HB__SERVICE__ROUTING, &event);
}

static void route(struct world *world, unsigned i)
{
    route_to(world, i, scattered(i, 14) % 3);
}

static void step(struct world *world, unsigned i, const char *stage, Policy__Phase phase)
{
    Hb__Event event = HB__EVENT__INIT;
    Casework__Event payload = CASEWORK__EVENT__INIT;
    Casework__StepTaken taken = CASEWORK__STEP_TAKEN__INIT;
    event.payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event.casework = &payload;
    payload.kind_case = CASEWORK__EVENT__KIND_STEP_TAKEN;
    payload.step_taken = &taken;
    taken.stage = (char *)(uintptr_t)stage;
    taken.phase = phase;
    say(world, i, HB__SERVICE__CASEWORK, &event);
}

static void miss(struct world *world, unsigned i)
{
    Hb__Event event = HB__EVENT__INIT;
    Watchdog__Event payload = WATCHDOG__EVENT__INIT;
    Watchdog__DeadlineMissed missed = WATCHDOG__DEADLINE_MISSED__INIT;
    Watchdog__Instance instance = WATCHDOG__INSTANCE__INIT;
    event.payload_case = HB__EVENT__PAYLOAD_WATCHDOG;
    event.watchdog = &payload;
    payload.kind_case = WATCHDOG__EVENT__KIND_MISSED;
    payload.missed = &missed;
    missed.instance = &instance;
    missed.main = true;
    instance.clock = "reply";
    instance.round = 1;
    say(world, i, HB__SERVICE__WATCHDOG, &event);
}

static void say_clock(struct world *world, unsigned i, Watchdog__Event *payload)
{
    Hb__Event event = HB__EVENT__INIT;
    event.payload_case = HB__EVENT__PAYLOAD_WATCHDOG;
    event.watchdog = payload;
    say(world, i, HB__SERVICE__WATCHDOG, &event);
}

static void arm(struct world *world, unsigned i, int64_t due_ms)
{
    Watchdog__Event payload = WATCHDOG__EVENT__INIT;
    Watchdog__ClockArmed armed = WATCHDOG__CLOCK_ARMED__INIT;
    Watchdog__Instance instance = WATCHDOG__INSTANCE__INIT;
    payload.kind_case = WATCHDOG__EVENT__KIND_ARMED;
    payload.armed = &armed;
    armed.instance = &instance;
    armed.main = true;
    armed.due_ms = due_ms;
    instance.clock = "reply";
    instance.round = 1;
    say_clock(world, i, &payload);
}

static void meet(struct world *world, unsigned i)
{
    Watchdog__Event payload = WATCHDOG__EVENT__INIT;
    Watchdog__ClockMet met = WATCHDOG__CLOCK_MET__INIT;
    Watchdog__Instance instance = WATCHDOG__INSTANCE__INIT;
    payload.kind_case = WATCHDOG__EVENT__KIND_MET;
    payload.met = &met;
    met.instance = &instance;
    met.main = true;
    instance.clock = "reply";
    instance.round = 1;
    say_clock(world, i, &payload);
}

static void live(struct world *world, unsigned i)
{
    if (scattered(i, 6) % 10)
        route(world, i);
    if (scattered(i, 7) % 4 == 0)
        miss(world, i);
    if (scattered(i, 8) % 3)
        step(world, i, "handling", POLICY__PHASE__WORKING);
    if (scattered(i, 9) % 3 == 0)
        step(world, i, "closed", POLICY__PHASE__CLOSED);
    if (scattered(i, 10) % 20 == 0)
        step(world, i, "handling", POLICY__PHASE__WORKING); /* again */
}

static void open_with(void **state, unsigned cases)
{
    static struct world world;
    static const struct service *const services[] = {&puppet_directory, &puppet_intake,   &puppet_routing,
                                                     &puppet_casework,  &puppet_watchdog, &puppet_escalation,
                                                     &analytics_service};
    world = (struct world){0};
    world_open(&world, services, 7, 11);
    world_site(&world, "garden");
    world_site(&world, "park");
    for (unsigned i = 0; i < cases; i += CROWD_A_COMMAND)
        register_cases(&world, i, cases - i < CROWD_A_COMMAND ? cases - i : CROWD_A_COMMAND);
    *state = &world;
}

static int setup(void **state)
{
    open_with(state, CASES);
    for (unsigned i = 0; i < CASES; i++)
        live(*state, i);
    return 0;
}

static int setup_crowd(void **state)
{
    open_with(state, CROWD);
    for (unsigned i = 0; i < LATE; i++)
        miss(*state, i * (CROWD / LATE));
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    return 0;
}

/* ---- asking ---- */

static Hb__Actor *asking; /* NULL: the operator */
static bool by_due;

static Analytics__CaseList *page(struct world *world, const char *site, const Analytics__Filter *filter, bool oldest,
                                 uint32_t limit, const char *cursor)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    query.site = (char *)(uintptr_t)site;
    query.actor = asking;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &list;
    list.filter = (Analytics__Filter *)(uintptr_t)filter;
    list.oldest_first = oldest;
    list.by_due = by_due;
    list.limit = limit;
    list.cursor = (char *)(uintptr_t)cursor;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__ANALYTICS, &query, &world->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    return reply->analytics->list;
}

static const Analytics__Kpi *figures(struct world *world, const char *site)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetKpi kpi = ANALYTICS__GET_KPI__INIT;
    query.site = (char *)(uintptr_t)site;
    query.actor = asking;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_KPI;
    analytics.kpi = &kpi;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__ANALYTICS, &query, &world->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    return reply->analytics->kpi;
}

static const Analytics__GroupedFigures *grouped(struct world *world, const char *site, Analytics__Filter *filter,
                                                char *by)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetFigures get = ANALYTICS__GET_FIGURES__INIT;
    query.site = (char *)(uintptr_t)site;
    query.actor = asking;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_FIGURES;
    analytics.figures = &get;
    get.filter = filter;
    get.by = by;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__ANALYTICS, &query, &world->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    return reply->analytics->figures;
}

static unsigned registered(Analytics__Figures *const *list, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i]->key, key) == 0)
            return list[i]->registered;
    return 0;
}

struct rows {
    Analytics__CaseRow *list[CROWD];
    unsigned count, pages;
};

static void all_pages(struct world *world, const char *site, const Analytics__Filter *filter, bool oldest,
                      uint32_t limit, struct rows *rows)
{
    const char *cursor = "";
    rows->count = rows->pages = 0;
    do {
        const Analytics__CaseList *list = page(world, site, filter, oldest, limit, cursor);
        assert_true(list->n_rows <= limit);
        for (size_t i = 0; i < list->n_rows; i++)
            rows->list[rows->count++] = list->rows[i];
        cursor = list->cursor;
        assert_true(rows->pages++ <= CASES);
    } while (*cursor);
}

static bool later(const Analytics__CaseRow *a, const Analytics__CaseRow *b)
{
    return a->received_ms > b->received_ms || (a->received_ms == b->received_ms && a->case_id > b->case_id);
}

/* The cases that fit, of all there are, in order. */
static void compare(struct world *world, const char *site, const Analytics__Filter *filter, bool oldest, uint32_t limit)
{
    static struct rows all, found;
    unsigned at = 0;
    all_pages(world, site, NULL, oldest, 1000, &all);
    all_pages(world, site, filter, oldest, limit, &found);
    for (unsigned i = 0; i < all.count; i++) {
        if (i > 0)
            assert_true(later(all.list[oldest ? i : i - 1], all.list[oldest ? i - 1 : i]));
        if (!analytics_fits(filter, all.list[i]))
            continue;
        assert_true(at < found.count);
        assert_int_equal(found.list[at]->case_id, all.list[i]->case_id);
        at++;
    }
    assert_int_equal(found.count, at);
}

static void fill(Analytics__Filter *filter, unsigned mask, uint32_t *phases)
{
    analytics__filter__init(filter);
    if (mask & 1)
        filter->department = "engineering";
    if (mask & 2)
        filter->handler = "gao";
    if (mask & 4)
        filter->kind = "repair";
    if (mask & 8)
        filter->stage = "handling";
    if (mask & 16)
        filter->overdue = true;
    if (mask & 32) {
        phases[0] = mask & 64 ? POLICY__PHASE__CLOSED : POLICY__PHASE__NEW;
        phases[1] = POLICY__PHASE__WORKING;
        filter->phases = phases;
        filter->n_phases = 2;
    }
    if (mask & 64)
        filter->category = "lift";
    if (mask & 128) {
        filter->received_from_ms = PUPPET_START_MS - 80000000;
        filter->received_to_ms = PUPPET_START_MS - 20000000;
    }
}

static void test_every_filter(void **state)
{
    static const uint32_t limits[] = {1, 7, 1000};
    for (unsigned mask = 0; mask < 256; mask++) {
        Analytics__Filter filter;
        uint32_t phases[2];
        fill(&filter, mask, phases);
        compare(*state, mask % 3 ? "garden" : "", &filter, mask & 1, limits[mask % 3]);
        compare(*state, mask % 3 ? "" : "park", &filter, !(mask & 1), limits[(mask + 1) % 3]);
    }
}

static void test_joint_sealed_and_duties(void **state)
{
    static const char *const joint[] = {"", "*", "guards", "pool", "nobody"};
    static struct rows found;
    unsigned some = 0;
    for (unsigned mask = 0; mask < 20; mask++) {
        Analytics__Filter filter = ANALYTICS__FILTER__INIT;
        filter.joint = (char *)(uintptr_t)joint[mask / 4];
        filter.sealed = mask & 1;
        filter.duty = mask & 2;
        filter.department = mask % 3 ? "" : "engineering";
        compare(*state, mask % 2 ? "garden" : "", &filter, mask & 1, 5);
        all_pages(*state, "", &filter, true, 1000, &found);
        some += found.count > 0 && found.count < CASES;
        assert_true(found.count > 0 || mask / 4 == 4 || mask % 4 == 3);
    }
    assert_true(some > 8);
    for (unsigned i = 0; i < CASES; i++) /* who helped helps no more, and the index says so */
        if (scattered(i, 15) % 3 == 0)
            route_to(*state, i, 0);
    Analytics__Filter filter = ANALYTICS__FILTER__INIT;
    filter.joint = "*";
    all_pages(*state, "", &filter, true, 1000, &found);
    for (unsigned i = 0; i < found.count; i++)
        assert_true(scattered((unsigned)(found.list[i]->case_id - FIRST_ID), 15) % 3 && found.list[i]->n_joint);
    compare(*state, "", &filter, true, 7);
}

/* ---- who has to acknowledge ---- */

static void escalate(struct world *world, unsigned i, Escalation__Event__KindCase kind, char *key, uint32_t level)
{
    Hb__Event event = HB__EVENT__INIT;
    Escalation__Event payload = ESCALATION__EVENT__INIT;
    Escalation__LevelReached reached = ESCALATION__LEVEL_REACHED__INIT;
    Escalation__Acknowledged acknowledged = ESCALATION__ACKNOWLEDGED__INIT;
    Escalation__LevelCancelled cancelled = ESCALATION__LEVEL_CANCELLED__INIT;
    char *told[] = {"gao", "head"};
    event.payload_case = HB__EVENT__PAYLOAD_ESCALATION;
    event.escalation = &payload;
    payload.kind_case = kind;
    reached.key = acknowledged.key = cancelled.key = key;
    reached.level = level;
    reached.told = told;
    reached.n_told = level > 1 ? 2 : 1;
    if (kind == ESCALATION__EVENT__KIND_REACHED)
        payload.reached = &reached;
    else if (kind == ESCALATION__EVENT__KIND_ACKNOWLEDGED)
        payload.acknowledged = &acknowledged;
    else
        payload.cancelled = &cancelled;
    say(world, i, HB__SERVICE__ESCALATION, &event);
}

static unsigned count_told(struct world *world, char *person, bool escalated)
{
    static struct rows found;
    Analytics__Filter filter = ANALYTICS__FILTER__INIT;
    filter.escalated_to = person;
    filter.escalated = escalated;
    compare(world, "", &filter, true, 5);
    all_pages(world, "", &filter, true, 1000, &found);
    return found.count;
}

static void test_whom_levels_wait_for(void **state)
{
    static struct rows all;
    unsigned open = 0;
    all_pages(*state, "", NULL, true, 1000, &all);
    for (unsigned at = 0; open < 6; at++) {
        unsigned i = (unsigned)(all.list[at]->case_id - FIRST_ID);
        if (all.list[at]->closed_ms)
            continue;
        open++;
        escalate(*state, i, ESCALATION__EVENT__KIND_REACHED, "warned", 0); /* need not be acknowledged */
        if (open > 4)
            continue;
        escalate(*state, i, ESCALATION__EVENT__KIND_REACHED, "first", 1);
        escalate(*state, i, ESCALATION__EVENT__KIND_REACHED, "second", 2);
        escalate(*state, i, ESCALATION__EVENT__KIND_REACHED, "second", 2);
        if (open <= 2)
            escalate(*state, i, ESCALATION__EVENT__KIND_ACKNOWLEDGED, "second", 0);
        if (open == 1)
            escalate(*state, i, ESCALATION__EVENT__KIND_CANCELLED, "first", 0);
    }
    assert_int_equal(count_told(*state, "gao", false), 3);
    assert_int_equal(count_told(*state, "head", false), 2);
    assert_int_equal(count_told(*state, "nobody", false), 0);
    assert_int_equal(count_told(*state, "", true), 4);
    assert_int_equal(count_told(*state, "head", true), 2);
}

/* ---- in order of the dates due ---- */

/* Every other one shares its date with another; some are met, some in time, some late. */
static void set_dates(struct world *world)
{
    for (unsigned i = 0; i < CASES; i++) {
        if (scattered(i, 20) % 4 == 0)
            continue;
        arm(world, i, PUPPET_START_MS + (int64_t)(scattered(i / 2, 21) % 1000) * 60000);
        if (scattered(i, 22) % 5 == 0)
            meet(world, i);
        if (scattered(i, 22) % 7 == 0) /* another date, before or after the first */
            arm(world, i, PUPPET_START_MS + (int64_t)(scattered(i, 23) % 1000) * 60000);
    }
}

static int sooner(const void *a, const void *b)
{
    const Analytics__CaseRow *x = *(Analytics__CaseRow *const *)a, *y = *(Analytics__CaseRow *const *)b;
    int64_t due = x->open_due_ms ? x->open_due_ms : INT64_MAX, other = y->open_due_ms ? y->open_due_ms : INT64_MAX;
    if (due != other)
        return due < other ? -1 : 1;
    return x->case_id < y->case_id ? -1 : x->case_id > y->case_id;
}

/* The open cases that fit, as a look at all says; page by page. */
static unsigned compare_due(struct world *world, const char *site, const Analytics__Filter *filter, uint32_t limit)
{
    static struct rows all, found;
    unsigned fit = 0;
    all_pages(world, site, NULL, true, 1000, &all);
    for (unsigned i = 0; i < all.count; i++)
        if (analytics_fits(filter, all.list[i]))
            all.list[fit++] = all.list[i];
    qsort(all.list, fit, sizeof all.list[0], sooner);
    by_due = true;
    all_pages(world, site, filter, false, limit, &found);
    by_due = false;
    assert_int_equal(found.count, fit);
    for (unsigned i = 0; i < fit; i++)
        assert_int_equal(found.list[i]->case_id, all.list[i]->case_id);
    return fit;
}

static void test_what_is_due_first_comes_first(void **state)
{
    static const uint32_t limits[] = {1, 7, 1000};
    unsigned dated = 0, some = 0;
    set_dates(*state);
    for (unsigned mask = 0; mask < 64; mask++) {
        Analytics__Filter filter;
        uint32_t open[] = {POLICY__PHASE__NEW, POLICY__PHASE__WORKING, POLICY__PHASE__WAITING, POLICY__PHASE__DONE};
        fill(&filter, mask & 31, NULL);
        filter.phases = open;
        filter.n_phases = mask & 16 ? 0 : 4; /* what is late is open anyway */
        if (mask & 32) {
            filter.due_from_ms = PUPPET_START_MS + 100 * 60000;
            filter.due_to_ms = PUPPET_START_MS + 700 * 60000;
        }
        some += compare_due(*state, mask % 2 ? "" : "garden", &filter, limits[mask % 3]) > 3;
        dated += mask & 32 && compare_due(*state, "", &filter, 5) > 3;
    }
    assert_true(some > 8 && dated > 2);
}

static const Hb__Refusal *refused_due(struct world *world, const Analytics__Filter *filter, const char *cursor)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &list;
    list.filter = (Analytics__Filter *)(uintptr_t)filter;
    list.by_due = true;
    list.cursor = (char *)(uintptr_t)cursor;
    return simulation_query(world->simulation, HB__SERVICE__ANALYTICS, &query, &world->arena)->refused;
}

static void test_only_open_cases_have_that_order(void **state)
{
    Analytics__Filter filter = ANALYTICS__FILTER__INIT;
    uint32_t phases[] = {POLICY__PHASE__WORKING, POLICY__PHASE__CLOSED};
    filter.kind = "repair";
    assert_string_equal(refused_due(*state, &filter, "")->field, "order");
    filter.phases = phases;
    filter.n_phases = 2;
    assert_string_equal(refused_due(*state, &filter, "")->field, "order");
    filter.n_phases = 1;
    assert_null(refused_due(*state, &filter, ""));
    assert_string_equal(refused_due(*state, &filter, "1a-2b")->field, "cursor"); /* of another order */
}

static void test_there_are_all(void **state)
{
    static struct rows all;
    all_pages(*state, "", NULL, true, 1000, &all);
    assert_int_equal(all.count, CASES);
    all_pages(*state, "park", NULL, false, 3, &all);
    assert_int_equal(all.count, CASES / 5);
}

static void test_a_value_longer_than_any_fits_nothing(void **state)
{
    Analytics__Filter filter = ANALYTICS__FILTER__INIT;
    char handler[1000];
    memset(handler, 'x', sizeof handler - 1);
    handler[sizeof handler - 1] = 0;
    filter.handler = handler;
    assert_int_equal(page(*state, "garden", &filter, false, 10, "")->n_rows, 0);
}

/* ---- what is hidden ---- */

static Policy__Kind *kind_of(struct world *world, const char *name)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = arena_strdup(&world->arena, name);
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "registered", POLICY__PHASE__NEW));
    return kind;
}

/* Repairs are shown to their handler only. */
static void hide_repairs(struct world *world)
{
    Policy__Policy policy = POLICY__POLICY__INIT;
    Policy__Kind *repair = kind_of(world, "repair");
    Policy__Never *never = MAKE(world, Policy__Never, POLICY__NEVER__INIT);
    never->name = "others";
    never->who = LIST(world, Policy__Who *, &never->n_who, world_who(world, "anyone"));
    never->except = LIST(world, Policy__Who *, &never->n_except, world_who(world, "handler"));
    never->acts = LIST(world, char *, &never->n_acts, arena_strdup(&world->arena, "see"));
    repair->never = LIST(world, Policy__Never *, &repair->n_never, never);
    policy.site = "garden";
    policy.version = 1;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind_of(world, "complaint"), repair);
    world_department(world, "office", "");
    world_person(world, "li", "clerk", "office", false);
    world_account(world, "li", "*");
    world_publish(world, &policy);
}

static void test_what_nobody_else_may_see_is_on_no_list(void **state)
{
    static struct rows all, shown;
    unsigned hidden = 0, own = 0, at = 0;
    Hb__Actor li = HB__ACTOR__INIT;
    li.account = "a-li";
    li.person = "li";
    hide_repairs(*state);
    all_pages(*state, "garden", NULL, true, 1000, &all);
    asking = &li;
    all_pages(*state, "garden", NULL, true, 7, &shown);
    for (unsigned i = 0; i < all.count; i++) {
        Analytics__Filter filter = ANALYTICS__FILTER__INIT;
        bool repair = strcmp(all.list[i]->kind, "repair") == 0, his = strcmp(all.list[i]->handler, "li") == 0;
        own += repair && his;
        hidden += repair && !his;
        filter.number = all.list[i]->number;
        assert_int_equal(page(*state, "garden", &filter, true, 1, "")->n_rows, !repair || his);
        if (!repair || his)
            assert_int_equal(shown.list[at++]->case_id, all.list[i]->case_id);
    }
    assert_true(own && hidden);
    assert_int_equal(shown.count, at);
    const Analytics__Kpi *told = figures(*state, "garden"); /* nor in any count */
    assert_int_equal(told->total->registered, shown.count);
    assert_int_equal(registered(told->kinds, told->n_kinds, "repair"), own);
    for (size_t i = 0; i < told->n_departments; i++) {
        unsigned of_department = 0;
        for (unsigned r = 0; r < shown.count; r++)
            of_department += strcmp(shown.list[r]->department, told->departments[i]->key) == 0;
        assert_int_equal(told->departments[i]->registered, of_department);
    }
    const Analytics__GroupedFigures *counted = grouped(*state, "garden", NULL, "kind");
    assert_int_equal(counted->total->registered, shown.count);
    assert_int_equal(registered(counted->groups, counted->n_groups, "repair"), own);
    asking = NULL;
    assert_int_equal(figures(*state, "garden")->total->registered, all.count);
    assert_int_equal(grouped(*state, "garden", NULL, "")->total->registered, all.count);
}

/* Few fit, and no index says so: a page ends early, and the next goes on where it ended. */
static void test_a_page_looks_at_so_many(void **state)
{
    static struct rows rows;
    Analytics__Filter none = ANALYTICS__FILTER__INIT, late = ANALYTICS__FILTER__INIT;
    none.on_time = "true";
    late.on_time = "false";
    for (unsigned oldest = 0; oldest < 2; oldest++) {
        all_pages(*state, "", &none, oldest, 50, &rows);
        assert_int_equal(rows.count, 0);
        assert_int_equal(rows.pages, 2);
        all_pages(*state, "", &late, oldest, 50, &rows);
        assert_int_equal(rows.count, LATE);
        assert_int_equal(rows.pages, 2);
        compare(*state, "", &late, oldest, 3);
    }
}

int main(void)
{
    const struct CMUnitTest lists[] = {cmocka_unit_test(test_there_are_all),
                                       cmocka_unit_test(test_every_filter),
                                       cmocka_unit_test(test_joint_sealed_and_duties),
                                       cmocka_unit_test(test_whom_levels_wait_for),
                                       cmocka_unit_test(test_a_value_longer_than_any_fits_nothing),
                                       cmocka_unit_test(test_what_is_due_first_comes_first),
                                       cmocka_unit_test(test_only_open_cases_have_that_order),
                                       cmocka_unit_test(test_what_nobody_else_may_see_is_on_no_list)};
    const struct CMUnitTest crowd[] = {cmocka_unit_test(test_a_page_looks_at_so_many)};
    return cmocka_run_group_tests(lists, setup, teardown) + cmocka_run_group_tests(crowd, setup_crowd, teardown);
}
