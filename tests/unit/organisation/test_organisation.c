/* Who is meant, who may, and what the organisation says today. */
#include "../support/clerk.h"

#include "calendar/calendar.h"
#include "policy/lookup.h"

static Policy__Post *post(struct world *world, const char *name, const char *superior, const char *deputy)
{
    Policy__Post *made = MAKE(world, Policy__Post, POLICY__POST__INIT);
    made->name = arena_strdup(&world->arena, name);
    made->superior = arena_strdup(&world->arena, superior);
    made->deputy = arena_strdup(&world->arena, deputy);
    return made;
}

static void publish(struct world *world, uint32_t version, const char *calendar)
{
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    kind->name = "repair";
    kind->stages = LIST(world, Policy__Stage *, &kind->n_stages, world_stage(world, "a", POLICY__PHASE__NEW));
    Policy__Roster *duty = MAKE(world, Policy__Roster, POLICY__ROSTER__INIT);
    duty->name = "duty";
    duty->posts = LIST(world, char *, &duty->n_posts, "technician");
    Policy__Policy policy = POLICY__POLICY__INIT;
    policy.site = "garden";
    policy.version = version;
    policy.calendar = (char *)(uintptr_t)calendar;
    policy.kinds = LIST(world, Policy__Kind *, &policy.n_kinds, kind);
    policy.posts = LIST(world, Policy__Post *, &policy.n_posts, post(world, "technician", "engineer_head", ""),
                        post(world, "engineer_head", "manager", "technician"), post(world, "manager", "", ""));
    policy.rosters = LIST(world, Policy__Roster *, &policy.n_rosters, duty);
    policy.categories =
        LIST(world, Policy__Category *, &policy.n_categories, world_category(world, "lift", "engineering"));
    world_publish(world, &policy);
}

static int setup(void **state)
{
    clerk_setup(state);
    struct world *world = *state;
    world_site(world, "garden");
    world_department(world, "engineering", "hao");
    world_department(world, "service", "");
    world_person(world, "hao", "engineer_head", "engineering", false);
    world_person(world, "wang", "technician", "engineering", false);
    world_person_deputy(world, "zhang", "technician", "engineering", true, "wang");
    world_person(world, "lin", "clerk", "service", false);
    world_person(world, "qian", "manager", "", false);
    world_account(world, "hao", "act");
    world_account(world, "lin", "*");
    world_account(world, "qian", "read");
    publish(world, 1, "");
    return 0;
}

/* ---- who ---- */

static Policy__Who who_of(const char *root, char **of, size_t count)
{
    Policy__Who who = POLICY__WHO__INIT;
    who.root = (char *)(uintptr_t)root;
    who.of = of;
    who.n_of = count;
    return who;
}

static struct facts facts_of(struct turn *turn)
{
    struct facts facts = {0};
    facts_set(turn_arena(turn), &facts, "lead", value_text(turn, "engineering"));
    facts_set(turn_arena(turn), &facts, "handler", value_text(turn, "zhang"));
    facts_set(turn_arena(turn), &facts, "category", value_text(turn, "lift"));
    return facts;
}

/* "hao qian ", and "complainant " when that is meant too. */
static const char *meant(struct turn *turn, const char *root, const char *of1, const char *of2)
{
    char *of[2] = {(char *)(uintptr_t)of1, (char *)(uintptr_t)of2};
    Policy__Who who = who_of(root, of, of2 ? 2 : of1 ? 1 : 0), *list[] = {&who};
    struct facts facts = facts_of(turn);
    bool complainant;
    const Directory__Person **persons = who_persons(turn, "garden", list, 1, &facts, &complainant);
    char *text = arena_strdup(turn_arena(turn), "");
    for (; *persons; persons++)
        text = arena_printf(turn_arena(turn), "%s%s ", text, (*persons)->id);
    return complainant ? arena_printf(turn_arena(turn), "%scomplainant ", text) : text;
}

static void probe_who(struct turn *turn)
{
    assert_string_equal(meant(turn, "wang", NULL, NULL), "");         /* a person is no word of a policy */
    assert_string_equal(meant(turn, "handler", NULL, NULL), "wang "); /* zhang is away: the deputy */
    assert_string_equal(meant(turn, "lead", NULL, NULL), "hao ");     /* a department is told through its head */
    assert_string_equal(meant(turn, "lead", "head", NULL), "hao ");
    assert_string_equal(meant(turn, "lead", "superior", "head"), "qian "); /* read right to left */
    assert_string_equal(meant(turn, "service", NULL, NULL), "lin ");       /* without a head: all its members */
    assert_string_equal(meant(turn, "engineering", "members", NULL), "hao wang ");
    assert_string_equal(meant(turn, "duty", NULL, NULL), "wang "); /* a roster: who holds its posts, once each */
    assert_string_equal(meant(turn, "manager", NULL, NULL), "qian ");
    assert_string_equal(meant(turn, "category", NULL, NULL), "hao ");
    assert_string_equal(meant(turn, "complainant", NULL, NULL), "complainant ");
    assert_string_equal(meant(turn, "nobody_has_this", NULL, NULL), "");
    assert_string_equal(meant(turn, "employee", NULL, NULL), "lin hao qian wang ");
}

static void who_is_meant(void **state)
{
    clerk_look(*state, probe_who);
}

static void probe_duty(struct turn *turn)
{
    assert_string_equal(meant(turn, "duty", "duty", NULL), "wang ");
    assert_string_equal(meant(turn, "duty", "deputy", "duty"), "lin "); /* whom the shift names, not wang's own */
}

static void the_deputy_of_a_shift_stands_in_the_plan(void **state)
{
    struct world *world = *state;
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__RosterPlan plan = DIRECTORY__ROSTER_PLAN__INIT;
    Directory__Shift shift = DIRECTORY__SHIFT__INIT, *shifts[] = {&shift};
    world_person_deputy(world, "wang", "technician", "engineering", false, "zhang");
    shift.person = "wang";
    shift.deputy = "lin";
    shift.from_ms = plan.from_ms = PUPPET_START_MS - PUPPET_HOUR_MS;
    shift.to_ms = plan.to_ms = PUPPET_START_MS + 24 * PUPPET_HOUR_MS;
    plan.site = "garden";
    plan.roster = "duty";
    plan.shifts = shifts;
    plan.n_shifts = 1;
    payload.kind_case = DIRECTORY__EVENT__KIND_ROSTER_PLANNED;
    payload.roster_planned = &plan;
    world_directory(world, &payload);
    clerk_look(world, probe_duty);
}

static bool included(struct turn *turn, const char *root, const char *person, bool complainant)
{
    Policy__Who who = who_of(root, NULL, 0), *list[] = {&who};
    struct facts facts = facts_of(turn);
    Hb__Actor actor = HB__ACTOR__INIT;
    actor.person = (char *)(uintptr_t)person;
    actor.complainant = complainant;
    return who_includes(turn, "garden", list, 1, &facts, &actor);
}

static void probe_included(struct turn *turn)
{
    assert_true(included(turn, "handler", "zhang", false)); /* the one named, and who stands in */
    assert_true(included(turn, "handler", "wang", false));
    assert_false(included(turn, "handler", "lin", false));
    assert_true(included(turn, "lead", "wang", false)); /* a department means its members */
    assert_false(included(turn, "lead", "lin", false));
    assert_true(included(turn, "employee", "lin", false));
    assert_false(included(turn, "employee", "stranger", false));
    assert_false(included(turn, "employee", "", true));
    assert_true(included(turn, "complainant", "", true));
    assert_false(included(turn, "complainant", "lin", false));
    assert_true(included(turn, "anyone", "", false));
    Policy__Who who = who_of("anyone", NULL, 0), *list[] = {&who};
    struct facts none = {0};
    assert_false(who_includes(turn, "garden", list, 1, &none, NULL)); /* nobody acts */
    /* while no handler is named the members of the lead stand in */
    facts_set(turn_arena(turn), &none, "lead", value_text(turn, "engineering"));
    Hb__Actor actor = HB__ACTOR__INIT;
    actor.person = "wang";
    who = who_of("handler", NULL, 0);
    assert_true(who_includes(turn, "garden", list, 1, &none, &actor));
}

static bool filed_by(struct turn *turn, const char *filer, const char *person, const char *account)
{
    Policy__Who who = who_of("filer", NULL, 0), *list[] = {&who};
    struct facts facts = {0};
    Hb__Actor actor = HB__ACTOR__INIT;
    actor.person = (char *)(uintptr_t)person;
    actor.account = (char *)(uintptr_t)account;
    if (*filer)
        facts_set(turn_arena(turn), &facts, "filer", value_text(turn, filer));
    return who_includes(turn, "garden", list, 1, &facts, &actor);
}

/* Who registered it: a person, or the account of a program, which may be called as a person is. */
static void probe_filer(struct turn *turn)
{
    Hb__Actor actor = HB__ACTOR__INIT;
    assert_string_equal(who_filer(turn, &actor), "");
    actor.account = "zhang";
    assert_string_equal(who_filer(turn, &actor), "account:zhang");
    actor.person = "lin";
    assert_string_equal(who_filer(turn, &actor), "lin");
    actor.complainant = true;
    assert_string_equal(who_filer(turn, &actor), "");
    assert_true(filed_by(turn, "lin", "lin", "a"));
    assert_false(filed_by(turn, "lin", "wang", "a"));
    assert_false(filed_by(turn, "", "lin", "a"));
    assert_true(filed_by(turn, "account:zhang", "", "zhang"));
    assert_false(filed_by(turn, "account:zhang", "zhang", "zhang"));
    assert_false(filed_by(turn, "zhang", "", "zhang"));
    assert_false(filed_by(turn, "", "", ""));
}

static void who_filed_it(void **state)
{
    clerk_look(*state, probe_filer);
}

static void who_is_among_them(void **state)
{
    clerk_look(*state, probe_included);
}

/* ---- rights ---- */

static bool may(struct turn *turn, const char *account, const char *scope, const char *site)
{
    Hb__Actor actor = HB__ACTOR__INIT;
    actor.account = (char *)(uintptr_t)account;
    return rights_may(turn, &actor, scope, site);
}

static void probe_rights(struct turn *turn)
{
    assert_true(may(turn, "a-hao", "act", "garden"));
    assert_false(may(turn, "a-hao", "read", "garden"));
    assert_false(may(turn, "a-hao", "act", "elsewhere")); /* holds no post there */
    assert_true(may(turn, "a-lin", "anything", "garden"));
    assert_false(may(turn, "a-lin", "anything", "elsewhere"));
    assert_false(may(turn, "a-nobody", "act", "garden"));
    assert_false(may(turn, "", "act", "garden"));
    assert_false(rights_may(turn, NULL, "act", "garden"));
    Hb__Actor operator= HB__ACTOR__INIT;
    operator.operator_ = true;
    assert_true(rights_may(turn, &operator, "organise", "elsewhere"));
}

static void what_an_account_may(void **state)
{
    clerk_look(*state, probe_rights);
}

/* Who leaves a post loses what came with it, at once. */
static void probe_left(struct turn *turn)
{
    assert_false(may(turn, "a-hao", "act", "garden"));
    assert_string_equal(meant(turn, "engineer_head", NULL, NULL), "");
}

static void who_leaves_is_no_longer_meant(void **state)
{
    struct world *world = *state;
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__Person person = DIRECTORY__PERSON__INIT;
    person.id = "hao";
    person.name = "hao"; /* and no post */
    payload.kind_case = DIRECTORY__EVENT__KIND_PERSON_DEFINED;
    payload.person_defined = &person;
    world_directory(world, &payload);
    clerk_look(world, probe_left);
}

/* ---- policies and calendars ---- */

static void probe_first_version(struct turn *turn)
{
    assert_int_equal(organisation_policy(turn, "garden", 0)->version, 1);
}

static void probe_versions(struct turn *turn)
{
    assert_int_equal(organisation_policy_version(turn, "garden"), 2);
    const Policy__Policy *first = organisation_policy(turn, "garden", 1), *now = organisation_policy(turn, "garden", 0);
    assert_int_equal(first->version, 1); /* a case keeps the version of its registration */
    assert_int_equal(now->version, 2);
    assert_string_equal(first->calendar, "");
    assert_string_equal(now->calendar, "night");
    assert_null(organisation_policy(turn, "garden", 3));
    assert_null(organisation_policy(turn, "elsewhere", 0));
    assert_ptr_equal(organisation_policy(turn, "garden", 1), first); /* unpacked once */
    char *longest = arena_alloc(turn_arena(turn), 1000);
    memset(longest, 'x', 999);
    longest[999] = 0;
    assert_null(organisation_site(turn, longest)); /* nothing has a longer id than a key can hold */
    assert_null(organisation_person(turn, longest));
    assert_null(organisation_department(turn, "garden", longest));
}

static void a_case_keeps_its_version(void **state)
{
    struct world *world = *state;
    clerk_look(world, probe_first_version);
    publish(world, 2, "night");
    clerk_look(world, probe_versions);
}

static int32_t worked_day;

static void probe_weekdays(struct turn *turn)
{
    int32_t date;
    assert_true(date_parse("2025-03-15", &date)); /* a Saturday */
    const struct calendar *calendar = organisation_calendar(turn, "garden", "");
    assert_int_equal(calendar_works(calendar, date), worked_day == date);
    assert_true(calendar_works(calendar, date - 1));
    size_t used = turn_arena(turn)->used;
    assert_ptr_equal(organisation_calendar(turn, "garden", ""), calendar);
    assert_int_equal(turn_arena(turn)->used, used); /* found again without reading it */
}

static void calendars_are_always_todays(void **state)
{
    struct world *world = *state;
    publish(world, 2, "night");
    worked_day = 0;
    clerk_look(world, probe_weekdays); /* none is defined: Monday to Friday */
    Calendar__Calendar calendar = CALENDAR__CALENDAR__INIT;
    Calendar__Day days[7], *week[7];
    Calendar__Shift shift = CALENDAR__SHIFT__INIT, *shifts[] = {&shift};
    shift.from_min = 540;
    shift.to_min = 1080;
    for (unsigned i = 0; i < 7; i++) {
        calendar__day__init(&days[i]);
        week[i] = &days[i];
        days[i].shifts = shifts;
        days[i].n_shifts = i < 6; /* Saturdays too */
    }
    calendar.name = "night";
    calendar.zone = "Asia/Shanghai";
    calendar.week = week;
    calendar.n_week = 7;
    calendar.no_holidays = true;
    calendar.version = 1;
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    payload.kind_case = DIRECTORY__EVENT__KIND_CALENDAR_DEFINED;
    payload.calendar_defined = &calendar;
    world_directory(world, &payload);
    assert_true(date_parse("2025-03-15", &worked_day));
    clerk_look(world, probe_weekdays);
    days[5].n_shifts = 0; /* published anew: the cache must not keep the old one */
    calendar.version = 2;
    world_directory(world, &payload);
    worked_day = 0;
    clerk_look(world, probe_weekdays);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, clerk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_WORLD(who_is_meant),
                                       WITH_WORLD(the_deputy_of_a_shift_stands_in_the_plan),
                                       WITH_WORLD(who_is_among_them),
                                       WITH_WORLD(who_filed_it),
                                       WITH_WORLD(what_an_account_may),
                                       WITH_WORLD(who_leaves_is_no_longer_meant),
                                       WITH_WORLD(a_case_keeps_its_version),
                                       WITH_WORLD(calendars_are_always_todays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
