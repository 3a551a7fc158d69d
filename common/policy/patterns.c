/* Patterns: like cases within a time, looked for by analytics, which sees all cases of a site. */
#include "policy/internal.h"

#include <stdlib.h>

static bool fact_of_kind(const Policy__Kind *kind, const char *fact)
{
    static const char *const common[] = {"category", "place", "channel", "kind", "lead", "handler", "joint"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (strcmp(common[i], fact) == 0)
            return true;
    return policy_field(kind, fact) != NULL;
}

static void kinds_known(struct compile *compile, json_t *map, const Policy__Pattern *pattern)
{
    for (size_t i = 0; i < pattern->n_of; i++) {
        const Policy__Kind *kind = policy_kind(compile->policy, pattern->of[i]);
        if (!kind) {
            mistake(compile, json_object_get(map, "of"), "没有事项 \"%s\"", "there is no kind \"%s\"", pattern->of[i]);
            SUGGEST(compile, pattern->of[i], compile->policy->kinds, compile->policy->n_kinds);
            continue;
        }
        for (size_t f = 0; f < pattern->n_same; f++)
            if (!fact_of_kind(kind, pattern->same[f]))
                mistake(compile, json_object_get(map, "same"), "%s 没有字段 \"%s\"", "%s has no field \"%s\"",
                        kind->name, pattern->same[f]);
    }
    if (pattern->n_of == 0)
        mistake(compile, map, "缺少 of：哪些事项", "\"of\" is missing: cases of which kinds?");
}

static void after_known(struct compile *compile, json_t *map, Policy__Pattern *pattern)
{
    bool known = false;
    pattern->after = (char *)(uintptr_t)text_of(compile, json_object_get(map, "after"));
    for (size_t i = 0; i < pattern->n_of; i++)
        known = known || strcmp(pattern->of[i], pattern->after) == 0;
    if (*pattern->after && (!known || pattern->n_of < 2))
        mistake(compile, json_object_get(map, "after"), "after 须是 of 中的一类，of 另有其他",
                "\"after\" is one of the kinds of \"of\", which names others too");
}

static void pattern_then(struct compile *compile, json_t *then, Policy__Pattern *pattern)
{
    Policy__Rule rule = POLICY__RULE__INIT;
    size_t i;
    json_t *item;
    if (json_is_array(then))
        json_array_foreach(then, i, item)
            actions_of(compile, item, &rule);
    else if (then)
        actions_of(compile, then, &rule);
    for (i = 0; i < rule.n_then; i++)
        if (rule.then[i]->type != POLICY__ACTION__TYPE__OPEN && rule.then[i]->type != POLICY__ACTION__TYPE__STEP &&
            rule.then[i]->type != POLICY__ACTION__TYPE__SET && rule.then[i]->type != POLICY__ACTION__TYPE__LINK)
            mistake(compile, then, "可用：open、step、set、link", "open, step, set and link are accepted");
    pattern->then = rule.then;
    pattern->n_then = rule.n_then;
    if (rule.n_then == 0)
        mistake(compile, then, "缺少 then：其后如何？", "\"then\" is missing: what follows?");
}

void patterns_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "clause", "name", "of", "same", "within", "count", "after", "if", "then");
        Policy__Pattern *pattern = POLICY_NEW(compile, Policy__Pattern, POLICY__PATTERN__INIT);
        pattern->name = arena_strdup(compile->arena, name);
        label_of(compile, item, "name", &pattern->label, false);
        clauses_of(compile, item, &pattern->clauses, &pattern->n_clauses, true);
        texts_of(compile, json_object_get(item, "of"), &pattern->of, &pattern->n_of);
        texts_of(compile, json_object_get(item, "same"), &pattern->same, &pattern->n_same);
        kinds_known(compile, item, pattern);
        after_known(compile, item, pattern);
        compile->kind = pattern->n_of ? policy_kind(compile->policy, pattern->of[0]) : NULL;
        pattern->within = term_of(compile, json_object_get(item, "within"));
        pattern->count = number_of(compile, json_object_get(item, "count"), 0);
        if (!pattern->within->amount || *pattern->within->field || pattern->within->before)
            mistake(compile, item, "缺少 within 或不是时长，如 7 days", "\"within\" is missing or no span, as 7 days");
        if (pattern->count < 1)
            mistake(compile, item, "缺少 count：多少件", "\"count\" is missing: of how many cases?");
        if (compile->kind) {
            pattern->condition = condition_of(compile, json_object_get(item, "if"));
            pattern_then(compile, json_object_get(item, "then"), pattern);
        }
        compile->kind = NULL;
        POLICY_ADD(compile, compile->policy->patterns, compile->policy->n_patterns, pattern);
        compile->path = before;
    }
}
