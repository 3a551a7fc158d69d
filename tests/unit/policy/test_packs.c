/* The shipped packs compile and check without a mistake; the traps of the notation come out as meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/compile.h"
#include "policy/lookup.h"

#include <stdio.h>

static const Policy__Policy *compile_pack(struct arena *arena, const char *pack)
{
    struct policy_source *sources;
    size_t count;
    struct policy_result result;
    const char *const packs[] = {pack};
    assert_int_equal(policy_read_folder(SOURCE_DIR "/services/directory/policies", packs, 1, arena, &sources, &count),
                     ERR_NONE);
    policy_compile(sources, count, packs, 1, arena, &result);
    policy_check(&result, arena);
    size_t found = 0; /* clauses that no rule carries yet are counted by `hearback clauses` */
    for (size_t i = 0; i < result.count; i++) {
        print_message("%s:%u: %s: %s\n", result.mistakes[i].file, result.mistakes[i].line, result.mistakes[i].field,
                      result.mistakes[i].message);
        found += strncmp(result.mistakes[i].field, "clauses.", 8) != 0;
    }
    assert_non_null(result.policy);
    assert_int_equal(found, 0);
    return result.policy;
}

static void shipped_packs_are_sound(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    compile_pack(&arena, "GEN-FRAME");
    const Policy__Policy *policy = compile_pack(&arena, "PROP-11");
    const Policy__Kind *complaint = policy_kind(policy, "complaint"), *repair = policy_kind(policy, "repair");
    assert_non_null(complaint);
    assert_non_null(repair);
    assert_non_null(policy_step(repair, "arrive"));
    assert_null(policy_step(complaint, "arrive"));
    assert_int_equal(policy_clock(complaint, "reply")->n_limit, 2);
    assert_true(policy_clock(complaint, "reply")->main);
    assert_false(policy_clock(repair, "reply")->main);
    assert_string_equal(complaint->route[0]->name, "major"); /* rows of the lower layer come first */
    assert_string_equal(complaint->route[complaint->n_route - 1]->name, "otherwise");
    assert_int_equal(policy_clock(complaint, "reply")->start[0]->type, POLICY__TRIGGER__TYPE__STAGE);
    assert_int_equal(policy_clock(repair, "on_site")->stop[0]->type, POLICY__TRIGGER__TYPE__STEP);
    assert_int_equal(policy_field(complaint, "category")->n_one_of, policy->n_categories);
    policy = compile_pack(&arena, "PROP-FEEDBACK");
    assert_string_equal(policy_document(policy, "repair_record")->code, "JXWY7.5.1-K02-03-F2"); /* $prefix filled in */
    const Policy__FieldDef *reply = policy_field(policy_kind(policy, "complaint"), "reply_text");
    assert_int_equal(reply->n_forbidden, 4); /* a setting that is a list */
    assert_int_equal(reply->n_forbidden_unless, 1);
    arena_fini(&arena);
}

/* The only comparison of a condition: category is one of the values. */
static const Policy__Node *categories_of(const Policy__Condition *condition)
{
    assert_non_null(condition);
    assert_int_equal(condition->n_nodes, 2);
    assert_int_equal(condition->nodes[0]->op, POLICY__NODE__OP__ALL);
    assert_int_equal(condition->nodes[1]->op, POLICY__NODE__OP__EQUAL);
    assert_string_equal(condition->nodes[1]->fact, "category");
    return condition->nodes[1];
}

static unsigned times_named(const Policy__Node *node, const char *category)
{
    unsigned times = 0;
    for (size_t i = 0; i < node->n_values; i++) {
        assert_int_equal(node->values[i]->kind_case, HB__VALUE__KIND_TEXT);
        times += strcmp(node->values[i]->text, category) == 0;
    }
    return times;
}

/* boston-311 names its types twice, in `if` and in `limit`: the same ones, each once. A type in `if` alone would have a
   clock that never comes due; one in `limit` alone would have none. */
static void boston_promises_what_it_limits(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const Policy__Clock *clock = policy_clock(policy_kind(compile_pack(&arena, "boston-311"), "request"), "promise");
    const Policy__Node *promised = categories_of(clock->condition);
    unsigned wrong = 0;
    for (size_t i = 0; i < clock->n_limit; i++) {
        const Policy__Node *limited = categories_of(clock->limit[i]->condition);
        assert_int_equal(limited->n_values, 1);
        if (times_named(promised, limited->values[0]->text) != 1 && ++wrong)
            print_message("`if` does not name once: %s\n", limited->values[0]->text);
    }
    for (size_t i = 0; i < promised->n_values; i++) {
        unsigned rows = 0;
        for (size_t r = 0; r < clock->n_limit; r++)
            rows += times_named(categories_of(clock->limit[r]->condition), promised->values[i]->text);
        if (rows != 1 && ++wrong)
            print_message("`limit` has %u rows for: %s\n", rows, promised->values[i]->text);
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(clock->n_limit, 94);
    arena_fini(&arena);
}

struct wrong {
    const char *text, *line, *says;
};

#define HEAD "pack: X\nname: [甲, X]\nkinds:\n  k:\n    clause: C\n    name: [甲, K]\n"
#define STAGES "    stages: {a: new, b: closed}\n"
#define CLOCK "    clocks: {t: {clause: C, name: [甲, T], start: a, stop: b, limit: 3 days, extend: "
#define ROUTE "    route: {o: {clause: C, to: x}}\n"

static const struct wrong wrongs[] = {
    {HEAD STAGES "    stepps: {}\n", ":8", "did you mean \"steps\""},
    {HEAD "    stages: {a: nwe, b: closed}\n", ":7", "no phase"},
    {HEAD STAGES "    steps: {go: {name: [去, Go], from: a, to: c, by: x}}\n", ":8", "no stage of k"},
    {HEAD STAGES "    steps: {go: {name: [去, Go], from: a, to: b}}\n", ":8", "\"by\" is missing"},
    {HEAD STAGES "    clocks: {t: {clause: C, name: [甲, T], start: a, stop: b, limit: 3 wroking days}}\n", ":8",
     "is no time"},
    {HEAD STAGES "    clocks: {t: {clause: C, name: [甲, T], start: aa, stop: b, limit: 3 days}}\n", ":8",
     "no stage, step or field"},
    {HEAD STAGES "    clocks: {t: {name: [甲, T], start: a, stop: b, limit: 3 days}}\n", ":8", "\"clause\" is missing"},
    {HEAD STAGES "    clocks: {t: {clause: C, name: [甲, T], start: a, stop: b, limit: $nope}}\n", ":8",
     "there is no setting"},
    {HEAD STAGES CLOCK "{add: 3 days}}}\n", ":8", "\"by\" is missing: who may extend"},
    {HEAD STAGES CLOCK "{by: x, add: same day}}}\n", ":8", "no span of time"},
    {HEAD STAGES CLOCK "{by: x}}}\n", ":8", "no span of time"},
    {HEAD STAGES CLOCK "{by: x, add: 3 days, told: complainant}}}\n", ":8", "there is no notice \"extension_notice\""},
    {HEAD STAGES "    steps: {extend: {name: [延, E], from: a, to: b, by: x}}\n", ":8", "name this one otherwise"},
    {HEAD STAGES "    rules: {r: {clause: C, when: a, then: {tell: nobody}}}\n", ":8", "there is no notice"},
    {HEAD STAGES "    rules: {r: {clause: C, then: {set: {x: y}}}}\n", ":8", "either"},
    {HEAD STAGES "    rules: {r: {clause: C, when: a, then: {step: fly}}}\n", ":8", "no step of k"},
    {HEAD STAGES "    fields: {f: {name: [甲, F], type: txet}}\n", ":8", "is no type"},
    {HEAD STAGES "    steps: {go: {name: [去, Go], from: a, to: b, by: x, needs: [ff]}}\n", ":8", "no field of k"},
    {HEAD STAGES "    route: {o: {clause: C, to: x, if: {f: {oevr: 1}}}}\n", ":8", "no comparison"},
    {HEAD STAGES "    may: {m: {clause: C, who: complainant, do: see, what: ff}}\n", ":8", "no field of k"},
    {"pack: X\nname: [甲, X]\nkinds: &a\n  k: *a\n", ":3", "anchors"},
    {"pack: X\nname: [甲, X]\npack: Y\n", ":3", "twice"},
    {"pack: X\nname: [甲\n", ":3", ""},
    {"pack: X\nname: [甲, X]\nextends: NOPE\n", "NOPE", "there is no pack"},
};

static void mistakes_name_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct arena arena;
        arena_init(&arena);
        struct policy_source source = {"X/pack.yaml", bytes_of_text(wrongs[i].text)};
        const char *const packs[] = {"X"};
        struct policy_result result;
        policy_compile(&source, 1, packs, 1, &arena, &result);
        bool found = false;
        for (size_t m = 0; m < result.count; m++) {
            char *line = arena_printf(&arena, "%s:%u: %s", result.mistakes[m].file, result.mistakes[m].line,
                                      result.mistakes[m].message);
            found = found || (strstr(line, wrongs[i].line) && strstr(line, wrongs[i].says));
        }
        if (!found)
            for (size_t m = 0; m < result.count; m++)
                print_message("case %zu said %s:%u: %s: %s\n", i, result.mistakes[m].file, result.mistakes[m].line,
                              result.mistakes[m].field, result.mistakes[m].message);
        assert_true(found);
        assert_null(result.policy);
        arena_fini(&arena);
    }
}

/* Two packs of a site limit one clock: both are named, with the setting that chooses one; a pack that says nothing of
   it cannot be chosen. */
static void limits_of_several_packs(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct policy_source own = {"OWN/pack.yaml",
                                bytes_of_text("pack: OWN\nname: [自, Own]\nextends: GEN-FRAME\nsettings:\n"
                                              "  complaint_accept_limit: {clause: X, value: SITE-B, "
                                              "name: [依, Whose]}\n")};
    static const char *const folders[] = {SOURCE_DIR "/tests/scenario/packs",
                                          SOURCE_DIR "/services/directory/policies"};
    const char *const packs[] = {"SITE-A", "SITE-C", "OWN"};
    struct policy_source *sources;
    struct policy_result result;
    size_t count, named = 0, refused = 0;
    assert_int_equal(policy_read_folders(folders, 2, packs, 2, &arena, &sources, &count), ERR_NONE);
    sources = arena_grow(&arena, sources, count, sizeof *sources);
    sources[count++] = own;
    policy_compile(sources, count, packs, 3, &arena, &result);
    for (size_t i = 0; i < result.count; i++) {
        const struct policy_mistake *one = &result.mistakes[i];
        named += one->warning && strcmp(one->field, "kinds.complaint.clocks.accept.limit") == 0 &&
                 strcmp(one->file, "SITE-C/pack.yaml") == 0 && one->line &&
                 strstr(one->message, "SITE-A/pack.yaml:8") && strstr(one->message, "complaint_accept_limit");
        refused += !one->warning && strcmp(one->file, "OWN/pack.yaml") == 0 && one->line == 5 &&
                   strstr(one->message, "\"SITE-B\" says nothing of this limit; accepted: SITE-A, SITE-C");
    }
    assert_int_equal(named, 1);
    assert_int_equal(refused, 1);
    assert_null(result.policy);
    arena_fini(&arena);
}

/* What one pack removes the other only changes: the order is named in which both go. */
static void an_order_that_is_accepted(void **state)
{
    (void)state;
    struct arena arena;
    struct policy_source *sources;
    struct policy_result result;
    size_t count, named = 0, others = 0;
    const char *const wrong[] = {"PROP-REVISIT", "PROP-11"}, *const right[] = {"PROP-11", "PROP-REVISIT"};
    arena_init(&arena);
    assert_int_equal(policy_read_folder(SOURCE_DIR "/services/directory/policies", wrong, 2, &arena, &sources, &count),
                     ERR_NONE);
    policy_compile(sources, count, wrong, 2, &arena, &result);
    for (size_t i = 0; i < result.count; i++) {
        const struct policy_mistake *one = &result.mistakes[i];
        bool it = strcmp(one->field, "kinds.complaint.clocks.accept") == 0 && strncmp(one->file, "PROP-11/", 8) == 0 &&
                  one->line && strstr(one->message, "PROP-REVISIT/pack.yaml:") &&
                  strstr(one->message, "list this pack before PROP-REVISIT") &&
                  strstr(one->zh, "列在 PROP-REVISIT 之前");
        named += it && !one->warning;
        others += !it && !one->warning;
    }
    assert_int_equal(named, 1);
    assert_int_equal(others, 0);
    assert_null(result.policy);
    policy_compile(sources, count, right, 2, &arena, &result);
    assert_non_null(result.policy);
    arena_fini(&arena);
}

/* Where a case goes, and what a kind says once: both places are named. */
static void routes_and_single_words_of_several_packs(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct policy_source *sources;
    struct policy_result result;
    size_t count, rows = 0, last = 0, returns = 0;
    struct policy_source own[] = {
        {"ONE/pack.yaml", bytes_of_text("pack: ONE\nname: [甲, One]\nextends: GEN-FRAME\nkinds:\n  complaint:\n"
                                        "    returns: {clause: X, at_most: 3, to: coordinator}\n"
                                        "    route: {otherwise: {clause: X, to: coordinator}}\n")},
        {"TWO/pack.yaml", bytes_of_text("pack: TWO\nname: [乙, Two]\nextends: GEN-FRAME\nkinds:\n  complaint:\n"
                                        "    returns: {clause: Y, at_most: 5, to: coordinator}\n"
                                        "    route: {otherwise: {clause: Y, to: receptionist}}\n")},
        {"THREE/pack.yaml", bytes_of_text("pack: THREE\nname: [丙, Three]\nextends: GEN-FRAME\nkinds:\n"
                                          "  complaint:\n    route: {rest: {clause: Z, to: auditor}}\n")}};
    const char *const packs[] = {"ONE", "TWO", "THREE"};
    assert_int_equal(policy_read_folder(SOURCE_DIR "/services/directory/policies", (const char *const[]){"GEN-FRAME"},
                                        1, &arena, &sources, &count),
                     ERR_NONE);
    for (size_t i = 0; i < 3; i++) {
        sources = arena_grow(&arena, sources, count, sizeof *sources);
        sources[count++] = own[i];
    }
    policy_compile(sources, count, packs, 3, &arena, &result);
    for (size_t i = 0; i < result.count; i++) {
        const struct policy_mistake *one = &result.mistakes[i];
        rows +=
            strcmp(one->field, "kinds.complaint.route.otherwise.to") == 0 && strstr(one->message, "ONE/pack.yaml:7");
        returns += strcmp(one->field, "kinds.complaint.returns") == 0 && strstr(one->message, "ONE/pack.yaml:6");
        last += strcmp(one->field, "kinds.complaint.route.rest") == 0 && strstr(one->message, "TWO/pack.yaml:7");
    }
    assert_int_equal(rows, 1);
    assert_int_equal(returns, 1);
    assert_int_equal(last, 1);
    arena_fini(&arena);
}

/* What was written before it could be said is known by the name it had. */
static void who_gives_back(void **state)
{
    (void)state;
    assert_true(policy_gives_back(HB__GIVES_BACK__BY_NAME, "return_case"));
    assert_false(policy_gives_back(HB__GIVES_BACK__BY_NAME, "accept"));
    assert_false(policy_gives_back(HB__GIVES_BACK__KEEPS, "return_case"));
    assert_true(policy_gives_back(HB__GIVES_BACK__RETURNS, "pass_on"));
}

/* The mark says it, whatever the step is called; the name alone only where nothing could be said yet. */
static void which_step_settles(void **state)
{
    (void)state;
    Policy__Step named = POLICY__STEP__INIT, marked = POLICY__STEP__INIT, *steps[] = {&named, &marked};
    Policy__Kind kind = POLICY__KIND__INIT;
    named.name = "settle";
    marked.name = "explain_at_once";
    kind.steps = steps;
    kind.n_steps = 2;
    assert_ptr_equal(policy_settling(&kind), &named);
    named.does = POLICY__STEP__DOES__OTHER;
    assert_null(policy_settling(&kind));
    marked.does = POLICY__STEP__DOES__SETTLE;
    assert_ptr_equal(policy_settling(&kind), &marked);
}

/* Whom a department names stands under its own clause; without one, under that of the step. */
static void who_takes_a_step_and_under_which_clause(void **state)
{
    (void)state;
    char *site[] = {"SITE"}, *own[] = {"OWN"};
    Policy__StepBy with = POLICY__STEP_BY__INIT, bare = POLICY__STEP_BY__INIT, *all[] = {&with, &bare};
    Policy__Step step = POLICY__STEP__INIT;
    step.clauses = site;
    step.n_clauses = 1;
    step.department_by = all;
    step.n_department_by = 2;
    with.department = "a";
    with.clauses = own;
    with.n_clauses = 1;
    bare.department = "b";
    assert_string_equal(policy_step_by(&step, "a").clauses[0], "OWN");
    assert_string_equal(policy_step_by(&step, "b").clauses[0], "SITE");
    assert_string_equal(policy_step_by(&step, "").clauses[0], "SITE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shipped_packs_are_sound),
                                       cmocka_unit_test(boston_promises_what_it_limits),
                                       cmocka_unit_test(mistakes_name_their_line),
                                       cmocka_unit_test(limits_of_several_packs),
                                       cmocka_unit_test(an_order_that_is_accepted),
                                       cmocka_unit_test(routes_and_single_words_of_several_packs),
                                       cmocka_unit_test(who_gives_back),
                                       cmocka_unit_test(which_step_settles),
                                       cmocka_unit_test(who_takes_a_step_and_under_which_clause)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
