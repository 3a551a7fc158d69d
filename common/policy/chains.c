/* Approvals. A chain of links is written once; what follows from it are steps, clocks and rules of its kind like any
   others: `sign` and `refuse`, a clock CHAIN.LINK for each link, the rules that ask for it and that its end causes.
   How it stands are facts: CHAIN (asked, approved, refused), CHAIN.LINK.asked, CHAIN.LINK.signed, CHAIN.LINK.refused.
 */
#include "policy/internal.h"

#include <stdlib.h>

static Policy__Kind *kind_at_hand(struct compile *compile)
{
    return (Policy__Kind *)(uintptr_t)compile->kind;
}

/* ---- the chain itself ---- */

static void links_of(struct compile *compile, json_t *list, Policy__Chain *chain)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        Policy__ChainLink *link = POLICY_NEW(compile, Policy__ChainLink, POLICY__CHAIN_LINK__INIT);
        unsigned same = 1;
        link->who = who_of(compile, item);
        for (size_t l = 0; l < chain->n_links; l++)
            same += strcmp(chain->links[l]->who->root, link->who->root) == 0;
        link->name = same > 1 ? arena_printf(compile->arena, "%s_%u", link->who->root, same) : link->who->root;
        POLICY_ADD(compile, chain->links, chain->n_links, link);
    }
    if (chain->n_links == 0)
        mistake(compile, list, "须有 links：依次签署的岗位，如 [supervisor, manager]",
                "\"links\" is missing: who signs, in order, as [supervisor, manager]");
}

void chain_of(struct compile *compile, const char *name, json_t *map, Policy__Chain *chain)
{
    ONLY_KEYS(compile, map, "clause", "name", "links", "in_order", "each", "start_at", "refusal", "unless", "instead",
              "needs", "then", "of");
    chain->name = arena_strdup(compile->arena, name);
    clauses_of(compile, map, &chain->clauses, &chain->n_clauses, true);
    label_of(compile, map, "name", &chain->label, false);
    if (!*chain->label->zh)
        chain->label->zh = chain->label->en = chain->name;
    links_of(compile, json_object_get(map, "links"), chain);
    const char *order = text_of(compile, json_object_get(map, "in_order"));
    chain->any_order = strcmp(order, "any") == 0 || strcmp(order, "no") == 0;
    if (*order && !chain->any_order && strcmp(order, "yes") != 0)
        mistake(compile, json_object_get(map, "in_order"), "可用：yes 或 any", "yes or any is accepted");
    texts_of(compile, json_object_get(map, "needs"), &chain->needs, &chain->n_needs);
    for (size_t i = 0; i < chain->n_needs; i++)
        if (!policy_field(compile->kind, chain->needs[i]))
            mistake(compile, json_object_get(map, "needs"), "\"%s\" 不是 %s 的字段", "\"%s\" is no field of %s",
                    chain->needs[i], compile->kind->name);
    chain->of = (char *)(uintptr_t)text_of(compile, json_object_get(map, "of"));
    const Policy__FieldDef *approved = policy_field(compile->kind, chain->of);
    if (*chain->of && (!approved || approved->type != POLICY__FIELD_DEF__TYPE__TEXT))
        mistake(compile, json_object_get(map, "of"), "\"%s\" 不是 %s 的文本字段", "\"%s\" is no text field of %s",
                chain->of, compile->kind->name);
    const char *refusal = text_of(compile, json_object_get(map, "refusal"));
    if (*refusal && strncmp(refusal, "back to ", 8) != 0)
        mistake(compile, json_object_get(map, "refusal"), "可用：back to 某人", "accepted: back to W");
    if (policy_field(compile->kind, name))
        mistake(compile, map, "\"%s\" 已是字段：请改名", "\"%s\" is a field already: rename the chain", name);
}

/* ---- steps: sign and refuse ---- */

static Policy__FieldDef *field_needed(struct compile *compile, const char *name, const char *zh, const char *en,
                                      Policy__FieldDef__Type type)
{
    const Policy__FieldDef *known = policy_field(compile->kind, name);
    if (known)
        return NULL;
    Policy__FieldDef *field = POLICY_NEW(compile, Policy__FieldDef, POLICY__FIELD_DEF__INIT);
    field->name = arena_strdup(compile->arena, name);
    field->type = type;
    field->label = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
    field->label->zh = arena_strdup(compile->arena, zh);
    field->label->en = arena_strdup(compile->arena, en);
    POLICY_ADD(compile, kind_at_hand(compile)->fields, kind_at_hand(compile)->n_fields, field);
    return field;
}

static void add_step(struct compile *compile, const char *name, const char *zh, const char *en, bool reason)
{
    Policy__Kind *kind = kind_at_hand(compile);
    if (policy_step(kind, name))
        mistake(compile, NULL, "有审批链的事项不得另有步骤 \"%s\"",
                "a kind with chains has no step of its own called \"%s\"", name);
    Policy__Step *step = POLICY_NEW(compile, Policy__Step, POLICY__STEP__INIT);
    step->name = arena_strdup(compile->arena, name);
    step->label = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
    step->label->zh = arena_strdup(compile->arena, zh);
    step->label->en = arena_strdup(compile->arena, en);
    for (size_t i = 0; i < kind->n_stages; i++)
        if (kind->stages[i]->phase != POLICY__PHASE__CLOSED && kind->stages[i]->phase != POLICY__PHASE__ARCHIVED)
            POLICY_ADD(compile, step->from, step->n_from, kind->stages[i]->name);
    for (size_t c = 0; c < kind->n_chains; c++) {
        const Policy__Chain *chain = kind->chains[c];
        for (size_t l = 0; l < chain->n_links; l++)
            POLICY_ADD(compile, step->by, step->n_by, chain->links[l]->who);
        for (size_t i = 0; i < chain->n_clauses; i++)
            POLICY_ADD(compile, step->clauses, step->n_clauses, chain->clauses[i]);
    }
    POLICY_ADD(compile, step->fields, step->n_fields, arena_strdup(compile->arena, "chain"));
    if (reason) {
        Policy__Need *need = POLICY_NEW(compile, Policy__Need, POLICY__NEED__INIT);
        need->name = arena_strdup(compile->arena, "refusal_reason");
        need->anew = true; /* each refusal has its own */
        POLICY_ADD(compile, step->needs, step->n_needs, need);
    }
    POLICY_ADD(compile, kind->steps, kind->n_steps, step);
}

void chains_steps(struct compile *compile)
{
    if (compile->kind->n_chains == 0)
        return;
    /* That somebody is asked for an approval is a step of this name: what follows from one would from the other. */
    if (policy_step(compile->kind, "ask"))
        mistake(compile, NULL, "有审批链的事项不得另有步骤 \"%s\"",
                "a kind with chains has no step of its own called \"%s\"", "ask");
    (void)!field_needed(compile, "chain", "审批", "Approval", POLICY__FIELD_DEF__TYPE__NAME);
    (void)!field_needed(compile, "refusal_reason", "不同意的理由", "Reason of the refusal",
                        POLICY__FIELD_DEF__TYPE__TEXT);
    add_step(compile, "sign", "签署", "Sign", false);
    add_step(compile, "refuse", "不同意", "Refuse", true);
}

/* ---- clocks and rules ---- */

/* What is wrong with it is found at the chain. */
static void stands_at_chain(struct compile *compile, const char *section, const char *name)
{
    struct policy_place here = {arena_printf(compile->arena, "kinds.%s.%s.%s", compile->kind->name, section, name),
                                compile->file, compile->line};
    POLICY_ADD(compile, compile->result->places, compile->result->places_count, here);
}

static void add_trigger(struct compile *compile, Policy__Trigger ***list, size_t *count, Policy__Trigger__Type type,
                        char *name)
{
    Policy__Trigger *trigger = POLICY_NEW(compile, Policy__Trigger, POLICY__TRIGGER__INIT);
    trigger->type = type;
    trigger->name = name;
    POLICY_ADD(compile, *list, *count, trigger);
}

static void add_clock(struct compile *compile, json_t *map, const Policy__Chain *chain, const Policy__ChainLink *link)
{
    Policy__Kind *kind = kind_at_hand(compile);
    const Policy__Post *post = policy_post(compile->policy, link->who->root);
    Policy__Clock *clock = POLICY_NEW(compile, Policy__Clock, POLICY__CLOCK__INIT);
    struct arena *arena = compile->arena;
    clock->name = arena_printf(arena, "%s.%s", chain->name, link->name);
    stands_at_chain(compile, "clocks", clock->name);
    clock->clauses = chain->clauses;
    clock->n_clauses = chain->n_clauses;
    clock->label = POLICY_NEW(compile, Hb__Label, HB__LABEL__INIT);
    clock->label->zh = arena_printf(arena, "%s：%s", chain->label->zh, post ? post->label->zh : link->name);
    clock->label->en = arena_printf(arena, "%s: %s", chain->label->en, post ? post->label->en : link->name);
    add_trigger(compile, &clock->start, &clock->n_start, POLICY__TRIGGER__TYPE__FIELD,
                arena_printf(arena, "%s.%s.asked", chain->name, link->name));
    add_trigger(compile, &clock->stop, &clock->n_stop, POLICY__TRIGGER__TYPE__FIELD,
                arena_printf(arena, "%s.%s.signed", chain->name, link->name));
    add_trigger(compile, &clock->stop, &clock->n_stop, POLICY__TRIGGER__TYPE__REFUSED, chain->name);
    Policy__LimitRow *row = POLICY_NEW(compile, Policy__LimitRow, POLICY__LIMIT_ROW__INIT);
    POLICY_ADD(compile, row->terms, row->n_terms, term_of(compile, json_object_get(map, "each")));
    POLICY_ADD(compile, clock->limit, clock->n_limit, row);
    clock->warn_default = true;
    clock->ladder = compile->policy->defaults->ladder;
    POLICY_ADD(compile, clock->late, clock->n_late, link->who);
    POLICY_ADD(compile, kind->clocks, kind->n_clocks, clock);
}

static Policy__Rule *add_rule(struct compile *compile, const Policy__Chain *chain, const char *what,
                              Policy__Trigger__Type type, const char *name)
{
    Policy__Kind *kind = kind_at_hand(compile);
    Policy__Rule *rule = POLICY_NEW(compile, Policy__Rule, POLICY__RULE__INIT);
    rule->name = arena_printf(compile->arena, "%s.%s", chain->name, what);
    stands_at_chain(compile, "rules", rule->name);
    rule->clauses = chain->clauses;
    rule->n_clauses = chain->n_clauses;
    rule->when = POLICY_NEW(compile, Policy__Trigger, POLICY__TRIGGER__INIT);
    rule->when->type = type;
    rule->when->name = arena_strdup(compile->arena, name);
    POLICY_ADD(compile, kind->rules, kind->n_rules, rule);
    return rule;
}

static void then_of(struct compile *compile, json_t *then, Policy__Rule *rule)
{
    size_t i;
    json_t *item;
    if (json_is_array(then))
        json_array_foreach(then, i, item)
            actions_of(compile, item, rule);
    else if (then)
        actions_of(compile, then, rule);
}

static void add_start(struct compile *compile, json_t *map, const Policy__Chain *chain)
{
    json_t *start = json_object_get(map, "start_at");
    const char *stage = text_of(compile, start);
    if (!start)
        return;
    if (!policy_stage(compile->kind, stage))
        mistake(compile, start, "\"%s\" 不是 %s 的阶段", "\"%s\" is no stage of %s", stage, compile->kind->name);
    Policy__Rule *rule = add_rule(compile, chain, "asked", POLICY__TRIGGER__TYPE__STAGE, stage);
    Policy__Action *ask = POLICY_NEW(compile, Policy__Action, POLICY__ACTION__INIT);
    ask->type = POLICY__ACTION__TYPE__ASK;
    ask->name = chain->name;
    POLICY_ADD(compile, rule->then, rule->n_then, ask);
}

static void add_refusal(struct compile *compile, json_t *map, const Policy__Chain *chain)
{
    const char *refusal = text_of(compile, json_object_get(map, "refusal"));
    if (!*refusal)
        return;
    json_t *back = json_string(refusal + 8);
    json_array_append_new(compile->made, back);
    yaml_places_add(&compile->places, back, yaml_place_of(&compile->places, json_object_get(map, "refusal")));
    Policy__Rule *rule = add_rule(compile, chain, "refusal", POLICY__TRIGGER__TYPE__REFUSED, chain->name);
    Policy__Action *assign = POLICY_NEW(compile, Policy__Action, POLICY__ACTION__INIT);
    assign->type = POLICY__ACTION__TYPE__ASSIGN;
    assign->to = who_of(compile, back);
    POLICY_ADD(compile, rule->then, rule->n_then, assign);
    if (policy_notice(compile->policy, "approval_refused")) {
        Policy__Action *tell = POLICY_NEW(compile, Policy__Action, POLICY__ACTION__INIT);
        tell->type = POLICY__ACTION__TYPE__TELL;
        tell->name = arena_strdup(compile->arena, "approval_refused");
        POLICY_ADD(compile, rule->then, rule->n_then, tell);
    }
}

void chains_rules(struct compile *compile, json_t *chains)
{
    for (size_t i = 0; i < compile->kind->n_chains; i++) {
        Policy__Chain *chain = compile->kind->chains[i];
        json_t *map = json_object_get(chains, chain->name);
        const char *before = path_enter(compile, arena_printf(compile->arena, "chains.%s", chain->name), map);
        for (size_t l = 0; json_object_get(map, "each") && l < chain->n_links; l++)
            add_clock(compile, map, chain, chain->links[l]);
        chain->unless = condition_of(compile, json_object_get(map, "unless"));
        add_start(compile, map, chain);
        add_refusal(compile, map, chain);
        if (json_object_get(map, "then"))
            then_of(compile, json_object_get(map, "then"),
                    add_rule(compile, chain, "approved", POLICY__TRIGGER__TYPE__APPROVED, chain->name));
        if (json_object_get(map, "instead")) {
            if (!chain->unless)
                mistake(compile, json_object_get(map, "instead"), "instead 须与 unless 同用",
                        "\"instead\" goes with \"unless\"");
            then_of(compile, json_object_get(map, "instead"),
                    add_rule(compile, chain, "instead", POLICY__TRIGGER__TYPE__FIELD,
                             arena_printf(compile->arena, "%s.skipped", chain->name)));
        }
        compile->path = before;
    }
}

/* ---- limits: who may decide how much ---- */

static bool amount_of(struct compile *compile, json_t *node, Policy__LimitByPost *row)
{
    const char *word = json_object_get(node, "at_most") ? "at_most" : "under";
    json_t *bound = json_object_get(node, word);
    if (json_is_string(node)) {
        row->any = strcmp(text_of(compile, node), "any") == 0;
        return row->any;
    }
    Hb__Value *value = value_of(compile, "", bound);
    row->under = *word == 'u';
    row->at_most_fen = value->money_fen;
    return bound && value->kind_case == HB__VALUE__KIND_MONEY_FEN;
}

void limits_of(struct compile *compile, json_t *map)
{
    const char *name, *post;
    json_t *item, *value;
    Policy__Kind *kind = kind_at_hand(compile);
    const char *section = path_enter(compile, "limits", map);
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        Policy__Limits *limits = POLICY_NEW(compile, Policy__Limits, POLICY__LIMITS__INIT);
        limits->name = arena_strdup(compile->arena, name);
        clauses_of(compile, item, &limits->clauses, &limits->n_clauses, true);
        limits->step = (char *)(uintptr_t)text_of(compile, json_object_get(item, "step"));
        limits->field = (char *)(uintptr_t)text_of(compile, json_object_get(item, "amount"));
        if (!*limits->step)
            limits->step = limits->name;
        if (!*limits->field)
            limits->field = arena_strdup(compile->arena, "amount");
        const Policy__FieldDef *field = policy_field(kind, limits->field);
        if (!policy_step(kind, limits->step))
            mistake(compile, item, "%s 没有步骤 \"%s\"（step）", "%s has no step \"%s\" (step)", kind->name,
                    limits->step);
        if (!field || field->type != POLICY__FIELD_DEF__TYPE__MONEY)
            mistake(compile, item, "%s 没有金额字段 \"%s\"（amount）", "%s has no field of money \"%s\" (amount)",
                    kind->name, limits->field);
        const char *over = text_of(compile, json_object_get(item, "over"));
        limits->over_refuse = strcmp(over, "refuse") == 0;
        if (*over && !limits->over_refuse && strcmp(over, "superior") != 0)
            mistake(compile, json_object_get(item, "over"), "可用：superior 或 refuse",
                    "superior or refuse is accepted");
        json_object_foreach(item, post, value) {
            static const char *const own[] = {"clause", "step", "amount", "over", "name"};
            bool word = false;
            for (size_t i = 0; i < sizeof own / sizeof *own; i++)
                word = word || strcmp(own[i], post) == 0;
            if (word)
                continue;
            Policy__LimitByPost *row = POLICY_NEW(compile, Policy__LimitByPost, POLICY__LIMIT_BY_POST__INIT);
            row->post = arena_strdup(compile->arena, post);
            if (!policy_post(compile->policy, post) || !amount_of(compile, value, row))
                mistake(compile, value, "须为 岗位: {at_most: 1000 yuan}、{under: ..} 或 any",
                        "accepted: POST: {at_most: 1000 yuan}, {under: ..} or any");
            POLICY_ADD(compile, limits->rows, limits->n_rows, row);
        }
        POLICY_ADD(compile, kind->limits, kind->n_limits, limits);
        compile->path = before;
    }
    compile->path = section;
}
