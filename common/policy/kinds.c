/* Kinds: stages, steps, routes, rules. Their fields are read in fields.c, their clocks in clocks.c. */
#include "policy/internal.h"

#include <stdlib.h>

/* ---- steps ---- */

void notice_known(struct compile *compile, const json_t *node, const char *name)
{
    if (policy_notice(compile->policy, name))
        return;
    mistake(compile, node, "没有通知 \"%s\"", "there is no notice \"%s\"", name);
    SUGGEST(compile, name, compile->policy->notices, compile->policy->n_notices);
}

static void chain_known(struct compile *compile, const json_t *node, const char *name)
{
    for (size_t i = 0; i < compile->kind->n_chains; i++)
        if (strcmp(compile->kind->chains[i]->name, name) == 0)
            return;
    mistake(compile, node, "%s 没有审批链 \"%s\"", "%s has no chain \"%s\"", compile->kind->name, name);
    SUGGEST(compile, name, compile->kind->chains, compile->kind->n_chains);
}

static Policy__Need *need_of(struct compile *compile, json_t *node)
{
    Policy__Need *need = POLICY_NEW(compile, Policy__Need, POLICY__NEED__INIT);
    const char *text = text_of(compile, node);
    if (strncmp(text, "told ", 5) == 0) {
        need->type = POLICY__NEED__TYPE__TOLD;
        need->name = arena_strdup(compile->arena, text + 5);
        notice_known(compile, node, need->name);
    } else if (strncmp(text, "every ", 6) == 0) {
        const Policy__FieldDef *field = policy_field(compile->kind, text + 6);
        need->type = POLICY__NEED__TYPE__EVERY;
        need->name = arena_strdup(compile->arena, text + 6);
        if (!field || (!strchr(text + 6, '.') && field->type != POLICY__FIELD_DEF__TYPE__CHECKLIST))
            mistake(compile, node, "\"%s\" 不是某字段各部分的内容，也不是核对表",
                    "\"%s\" is no field of parts, as points.finding, and no checklist", text + 6);
    } else if (strncmp(text, "approved ", 9) == 0) {
        need->type = POLICY__NEED__TYPE__APPROVED;
        need->name = arena_strdup(compile->arena, text + 9);
        chain_known(compile, node, need->name);
    } else {
        need->anew = strncmp(text, "new ", 4) == 0;
        need->name = arena_strdup(compile->arena, text + (need->anew ? 4 : 0));
        if (!policy_field(compile->kind, need->name)) {
            mistake(
                compile, node, "\"%s\" 不是 %s 的字段（也可用：new 字段、told 通知、approved 审批、every 部分）",
                "\"%s\" is no field of %s (also accepted: new FIELD, told NOTICE, approved CHAIN, every PARTS.FIELD)",
                need->name, compile->kind->name);
            SUGGEST(compile, need->name, compile->kind->fields, compile->kind->n_fields);
        }
    }
    return need;
}

/* "{severity}": the asking case's own. Of two choices this one has to know what the other may be. */
static Hb__Value *copied_of(struct compile *compile, const Policy__Kind *asking, const char *name, json_t *node)
{
    const char *text = json_is_string(node) ? json_string_value(node) : "";
    size_t size = strlen(text);
    if (!asking || size <= 2 || text[0] != '{' || text[size - 1] != '}')
        return NULL;
    const Policy__FieldDef *from = policy_field_of_fact(asking, arena_text(compile->arena, text + 1, size - 2)),
                           *to = fact_field(compile, name);
    for (size_t i = 0; from && to && to->n_one_of && i < from->n_one_of; i++) {
        bool known = false;
        for (size_t k = 0; k < to->n_one_of; k++)
            known = known || strcmp(from->one_of[i]->name, to->one_of[k]->name) == 0;
        if (!known)
            mistake(compile, node, "%s 可能为 \"%s\"，它不是 %s 的选项", "%s may be \"%s\", which is no choice of %s",
                    from->name, from->one_of[i]->name, to->name);
    }
    Hb__Value *value = POLICY_NEW(compile, Hb__Value, HB__VALUE__INIT);
    value->kind_case = HB__VALUE__KIND_TEXT;
    value->text = arena_strdup(compile->arena, text);
    return value;
}

/* `asking`: whose facts may be copied; NULL: nothing is. */
static void facts_of(struct compile *compile, json_t *map, const Policy__Kind *asking, Hb__Fact ***list, size_t *count)
{
    const char *key;
    json_t *value;
    if (map && !json_is_object(map))
        mistake(compile, map, "须为键值对，如 {outcome: on_spot}", "a map is accepted, as {outcome: on_spot}");
    json_object_foreach(map, key, value) {
        Hb__Fact *fact = POLICY_NEW(compile, Hb__Fact, HB__FACT__INIT);
        fact->name = arena_strdup(compile->arena, key);
        fact->value = copied_of(compile, asking, key, value);
        if (!fact->value)
            fact->value = value_of(compile, key, value);
        POLICY_ADD(compile, *list, *count, fact);
    }
}

static void stage_known(struct compile *compile, json_t *node, const char *stage)
{
    if (!*stage || policy_stage(compile->kind, stage))
        return;
    mistake(compile, node, "\"%s\" 不是 %s 的阶段", "\"%s\" is no stage of %s", stage, compile->kind->name);
    SUGGEST(compile, stage, compile->kind->stages, compile->kind->n_stages);
}

/* `link: {leading: duplicates}`: the field names the other case, the link is called duplicates. */
static char *link_of(struct compile *compile, json_t *map, const char *word, Policy__Step *step)
{
    json_t *node = json_object_get(map, word);
    void *at = json_object_iter(node);
    if (!node)
        return (char *)(uintptr_t) "";
    const Policy__FieldDef *field = at ? policy_field(compile->kind, json_object_iter_key(at)) : NULL;
    if (!field || !field->names_case || json_object_size(node) != 1)
        mistake(compile, node, "须为 {字段: 内容}，其字段为 type: case，如 {leading: duplicates}",
                "accepted: {FIELD: ..} with a field of type: case, as {leading: duplicates}");
    else if (*step->case_field && strcmp(step->case_field, field->name) != 0)
        mistake(compile, node, "link、unlink、copy 须用同一字段", "link, unlink and copy name the same field");
    else
        step->case_field = field->name;
    json_t *value = at ? json_object_iter_value(at) : NULL;
    return json_is_string(value) ? (char *)(uintptr_t)text_of(compile, value) : (char *)(uintptr_t) "";
}

/* `copy: {leading: [reply_text]}` */
static void copy_of(struct compile *compile, json_t *map, Policy__Step *step)
{
    json_t *node = json_object_get(map, "copy");
    link_of(compile, map, "copy", step);
    if (*step->case_field)
        texts_of(compile, json_object_get(node, step->case_field), &step->copy, &step->n_copy);
    for (size_t i = 0; i < step->n_copy; i++)
        if (!policy_field(compile->kind, step->copy[i])) {
            mistake(compile, node, "\"%s\" 不是 %s 的字段", "\"%s\" is no field of %s", step->copy[i],
                    compile->kind->name);
            SUGGEST(compile, step->copy[i], compile->kind->fields, compile->kind->n_fields);
        }
}

static void linking_of(struct compile *compile, json_t *map, Policy__Step *step)
{
    step->link = link_of(compile, map, "link", step);
    step->unlink = link_of(compile, map, "unlink", step);
    copy_of(compile, map, step);
    if (*step->link && *step->unlink)
        mistake(compile, map, "一个步骤只能有 link 或 unlink 之一", "a step has either link or unlink");
}

static Policy__Step__Does does_of(struct compile *compile, json_t *node)
{
    static const struct {
        const char *word;
        Policy__Step__Does does;
    } words[] = {{"settle", POLICY__STEP__DOES__SETTLE},
                 {"assign", POLICY__STEP__DOES__ASSIGN},
                 {"answer", POLICY__STEP__DOES__ANSWER},
                 {"note", POLICY__STEP__DOES__NOTE}};
    const char *word = text_of(compile, node);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i].word) == 0)
            return words[i].does;
    if (node)
        mistake(compile, node, "可用：settle（当场办结）、assign（派给）、answer（答复）、note（记录）",
                "accepted: settle (on the spot), assign, answer, note");
    return POLICY__STEP__DOES__OTHER;
}

/* Whoever registers takes it with the registration: it must be clear which. */
static void one_settles(struct compile *compile, json_t *map, const Policy__Kind *kind)
{
    const Policy__Step *first = policy_settling(kind);
    for (size_t i = 0; i < kind->n_steps; i++)
        if (kind->steps[i]->does == POLICY__STEP__DOES__SETTLE && kind->steps[i] != first)
            mistake(compile, map, "%s 与 %s 都是 does: settle：只能有一个", "%s and %s: one step only has does: settle",
                    first->name, kind->steps[i]->name);
}

/* Made of what the departments say (departments.c). */
static void department_by_of(struct compile *compile, json_t *map, Policy__Step *step)
{
    const char *department;
    json_t *item, *made = json_object_get(map, "department by");
    if (made && yaml_place_of(&compile->places, made).line)
        mistake(compile, made, "此处不可写", "this is not written by hand");
    json_object_foreach(made, department, item) {
        Policy__StepBy *own = POLICY_NEW(compile, Policy__StepBy, POLICY__STEP_BY__INIT);
        own->department = arena_strdup(compile->arena, department);
        whos_of(compile, json_object_get(item, "by"), &own->by, &own->n_by);
        clauses_of(compile, item, &own->clauses, &own->n_clauses, false);
        POLICY_ADD(compile, step->department_by, step->n_department_by, own);
    }
}

/* "any stage"; "any open": from every stage in which the case is not closed or archived. */
static void from_of(struct compile *compile, json_t *node, Policy__Step *step)
{
    char **names = NULL;
    size_t count = 0;
    texts_of(compile, node, &names, &count);
    for (size_t i = 0; i < count; i++) {
        bool open = strcmp(names[i], "any open") == 0, all = strcmp(names[i], "any stage") == 0;
        if (!open && !all) {
            stage_known(compile, node, names[i]);
            POLICY_ADD(compile, step->from, step->n_from, names[i]);
        }
        for (size_t s = 0; (open || all) && s < compile->kind->n_stages; s++) {
            const Policy__Stage *stage = compile->kind->stages[s];
            bool over = stage->phase == POLICY__PHASE__CLOSED || stage->phase == POLICY__PHASE__ARCHIVED;
            if ((all || !over) && !policy_step_from(step, stage->name))
                POLICY_ADD(compile, step->from, step->n_from, stage->name);
        }
    }
}

/* `deletes: [recording]`: what these fields name is over with the step. */
static void deletes_of(struct compile *compile, json_t *node, Policy__Step *step)
{
    texts_of(compile, node, &step->deletes, &step->n_deletes);
    for (size_t i = 0; i < step->n_deletes; i++) {
        const Policy__FieldDef *field = policy_field(compile->kind, step->deletes[i]);
        if (field && field->type == POLICY__FIELD_DEF__TYPE__FILE)
            continue;
        mistake(compile, node, "\"%s\" 不是 %s 的文件字段", "\"%s\" is no field of %s of type file", step->deletes[i],
                compile->kind->name);
        if (!field)
            SUGGEST(compile, step->deletes[i], compile->kind->fields, compile->kind->n_fields);
    }
}

/* A case that is registered has no stage, no approval, no notice yet: what its form asks for is said of the fields. */
static void register_of(struct compile *compile, json_t *map)
{
    static const char *const keys[] = {"needs", "set",        "from", "round",  "override", "link",
                                       "copy",  "gives_back", "does", "unlink", "deletes"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_object_get(map, keys[i]))
            mistake(
                compile, json_object_get(map, keys[i]),
                "登记没有 %s；可用：字段的 needed: always 或 needed: at register、default，或规则 when: register",
                "\"register\" has no %s; accepted: needed: always or needed: at register of the field, its default, or "
                "a rule when: register",
                keys[i]);
}

static void step_of(struct compile *compile, const char *name, json_t *map, Policy__Step *step)
{
    ONLY_KEYS(compile, map, "clause", "name", "from", "to", "by", "needs", "set", "round", "override", "fields", "link",
              "unlink", "copy", "gives_back", "does", "deletes", "department by", "needs clause");
    step->name = arena_strdup(compile->arena, name);
    if (strcmp(name, "extend") == 0)
        mistake(compile, map, "\"extend\" 是有 extend 条款的时钟所用步骤：请改名",
                "\"extend\" is the step of clocks with an `extend` clause: name this one otherwise");
    if (strcmp(name, "register") == 0)
        register_of(compile, map);
    clauses_of(compile, map, &step->clauses, &step->n_clauses, false);
    label_of(compile, map, "name", &step->label, true);
    from_of(compile, json_object_get(map, "from"), step);
    step->to = (char *)(uintptr_t)text_of(compile, json_object_get(map, "to"));
    step->back = strcmp(step->to, "back") == 0 && !policy_stage(compile->kind, "back");
    if (step->back)
        step->to = (char *)(uintptr_t) "";
    stage_known(compile, json_object_get(map, "to"), step->to);
    linking_of(compile, map, step);
    whos_of(compile, json_object_get(map, "by"), &step->by, &step->n_by);
    if (step->n_by == 0)
        mistake(compile, map, "缺少 by：谁可办理此步骤？", "\"by\" is missing: who may take this step?");
    department_by_of(compile, map, step);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(map, "needs"), i, item) {
        Policy__Need *need = need_of(compile, item);
        json_t *clause = json_object_get(json_object_get(map, "needs clause"), text_of(compile, item));
        texts_of(compile, clause ? clause : json_object_get(map, "clause"), &need->clauses, &need->n_clauses);
        POLICY_ADD(compile, step->needs, step->n_needs, need);
    }
    facts_of(compile, json_object_get(map, "set"), NULL, &step->set, &step->n_set);
    texts_of(compile, json_object_get(map, "fields"), &step->fields, &step->n_fields);
    for (size_t f = 0; f < step->n_fields; f++)
        if (!policy_field(compile->kind, step->fields[f])) {
            mistake(compile, json_object_get(map, "fields"), "\"%s\" 不是 %s 的字段", "\"%s\" is no field of %s",
                    step->fields[f], compile->kind->name);
            SUGGEST(compile, step->fields[f], compile->kind->fields, compile->kind->n_fields);
        }
    deletes_of(compile, json_object_get(map, "deletes"), step);
    bool gives_back = yes_of(compile, json_object_get(map, "gives_back"));
    step->gives_back = gives_back ? HB__GIVES_BACK__RETURNS : HB__GIVES_BACK__KEEPS;
    step->does = does_of(compile, json_object_get(map, "does"));
    const char *round = text_of(compile, json_object_get(map, "round"));
    step->round_next = strcmp(round, "next") == 0;
    if (*round && !step->round_next)
        mistake(compile, json_object_get(map, "round"), "可用：next", "next is accepted");
    if (json_object_get(map, "override"))
        step->override = who_of(compile, json_object_get(map, "override"));
}

/* ---- rules ---- */

static Policy__Action *action_new(struct compile *compile, Policy__Action__Type type, json_t *node)
{
    Policy__Action *action = POLICY_NEW(compile, Policy__Action, POLICY__ACTION__INIT);
    action->type = type;
    if (json_is_string(node))
        action->name = (char *)(uintptr_t)text_of(compile, node);
    return action;
}

static void set_actions(struct compile *compile, json_t *map, Policy__Rule *rule)
{
    Hb__Fact **facts = NULL;
    size_t count = 0;
    facts_of(compile, map, NULL, &facts, &count);
    for (size_t i = 0; i < count; i++) {
        Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__SET, NULL);
        json_t *value = json_object_get(map, facts[i]->name);
        const Policy__FieldDef *field = policy_field(compile->kind, facts[i]->name);
        bool person = field && field->type == POLICY__FIELD_DEF__TYPE__PERSON;
        action->set = facts[i];
        if (person && json_is_string(value) && strncmp(json_string_value(value), "taker of ", 9) == 0)
            action->to = who_of(compile, value);
        POLICY_ADD(compile, rule->then, rule->n_then, action);
    }
}

static void document_known(struct compile *compile, const json_t *node, const char *name)
{
    if (policy_document(compile->policy, name))
        return;
    mistake(compile, node, "没有文书 \"%s\"", "there is no document \"%s\"", name);
    SUGGEST(compile, name, compile->policy->documents, compile->policy->n_documents);
}

/* For each part of a field, each value of a fact, each case of a link, or each person. */
static void each_of(struct compile *compile, json_t *node, Policy__Action *action)
{
    const char *text = text_of(compile, node);
    if (!*text)
        return;
    action->each = (char *)(uintptr_t)text;
    if (!policy_field(compile->kind, text) && action->type == POLICY__ACTION__TYPE__OPEN &&
        (strchr(text, ' ') || policy_post(compile->policy, text) || strcmp(text, "employee") == 0))
        action->each_who = who_of(compile, node);
    const char *dot = strchr(text, '.');
    const Policy__FieldDef *list =
        dot ? policy_field(compile->kind, arena_text(compile->arena, text, (size_t)(dot - text))) : NULL;
    if (dot && !action->each_who && (action->type != POLICY__ACTION__TYPE__TELL || !list || !list->names_case))
        mistake(compile, node, "each: \"%s\" 只用于 tell，点前须为 type: case 的字段",
                "each: \"%s\" is for `tell` only, and what stands before the dot is a field of type: case", text);
}

/* `each: points, if: {..}`: only for those parts. */
static void only_some_of(struct compile *compile, json_t *node, Policy__Action *action)
{
    const Policy__FieldDef *field = *action->each ? policy_field(compile->kind, action->each) : NULL;
    if (!node)
        return;
    if (field && field->type == POLICY__FIELD_DEF__TYPE__PARTS)
        action->each_if = condition_of_part(compile, action->each, node);
    else
        mistake(compile, node, "此处的 if 只用于 each 所列字段的各部分；规则的 if 写在 then 之外",
                "`if` here is of the parts of a field, with `each: FIELD`; that of the rule stands outside of `then`");
}

/* `open: points.kind`: each part says itself what becomes of it, in a choice of kinds. */
static void kind_of_part(struct compile *compile, json_t *node, const Policy__Action *action)
{
    const Policy__FieldDef *field = policy_field(compile->kind, action->name);
    size_t size = strlen(action->each);
    if (!field || !size || strncmp(action->name, action->each, size) != 0 || action->name[size] != '.')
        mistake(compile, node, "\"%s\" 须为 each 所列字段各部分的一项内容，如 each: points",
                "\"%s\" has to be a field of the parts that `each` names, as each: points", action->name);
    for (size_t i = 0; field && i < field->n_one_of; i++)
        if (!json_object_get(json_object_get(compile->root, "kinds"), field->one_of[i]->name))
            mistake(compile, node, "没有事项 \"%s\"", "there is no kind \"%s\"", field->one_of[i]->name);
}

/* "at: {cell: FIELD, site: FIELD}": headquarters has it opened at a site below. */
static void elsewhere(struct compile *compile, json_t *map, Policy__Action *action)
{
    ONLY_KEYS(compile, map, "cell", "site");
    action->at_cell = (char *)(uintptr_t)text_of(compile, json_object_get(map, "cell"));
    action->at_site = (char *)(uintptr_t)text_of(compile, json_object_get(map, "site"));
    const char *named[] = {action->at_cell, action->at_site};
    for (size_t i = 0; i < 2; i++)
        if (!policy_field(compile->kind, named[i]))
            mistake(compile, map, "at 须给出 cell 与 site 两个字段，它们是 %s 的字段",
                    "at needs cell and site, two fields of %s", compile->kind->name);
}

static void open_action(struct compile *compile, json_t *map, json_t *node, Policy__Rule *rule)
{
    Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__OPEN, node);
    action->link = (char *)(uintptr_t)text_of(compile, json_object_get(map, "link"));
    if (json_object_get(map, "to"))
        action->to = who_of(compile, json_object_get(map, "to"));
    if (json_object_get(map, "not_by"))
        action->not_by = who_of(compile, json_object_get(map, "not_by"));
    if (json_object_get(map, "due"))
        action->due = term_of(compile, json_object_get(map, "due"));
    const Policy__Kind *asking = compile->kind;
    compile->kind = policy_kind(compile->policy, action->name); /* what it is given is typed as its own fields */
    facts_of(compile, json_object_get(map, "with"), asking, &action->with, &action->n_with);
    compile->kind = asking;
    if (json_object_get(map, "at"))
        elsewhere(compile, json_object_get(map, "at"), action);
    each_of(compile, json_object_get(map, "each"), action);
    only_some_of(compile, json_object_get(map, "if"), action);
    if (strchr(action->name, '.')) {
        kind_of_part(compile, node, action);
    } else if (!json_object_get(json_object_get(compile->root, "kinds"), action->name)) {
        mistake(compile, node, "没有事项 \"%s\"", "there is no kind \"%s\"", action->name);
        SUGGEST(compile, action->name, compile->policy->kinds, compile->policy->n_kinds);
    }
    POLICY_ADD(compile, rule->then, rule->n_then, action);
}

/* What cases may say of a person beside what the organisation does. */
static bool marks_person(const Policy__FieldDef *field, const char *mark)
{
    return field && field->type == POLICY__FIELD_DEF__TYPE__PERSON && strcmp(mark, "trainee") == 0;
}

/* {asset: out_of_service}, {asset: not stopped}, {every lift: stopped}, {who: not trainee} */
static void mark_actions(struct compile *compile, json_t *map, Policy__Rule *rule)
{
    const char *key;
    json_t *value;
    if (!json_is_object(map))
        mistake(compile, map, "须为 {字段: 标记} 或 {every 登记册: 标记}",
                "accepted: {FIELD: MARK} or {every REGISTER: MARK}");
    json_object_foreach(map, key, value) {
        Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__MARK, NULL);
        const char *text = text_of(compile, value);
        bool off = strncmp(text, "not ", 4) == 0, all = strncmp(key, "every ", 6) == 0;
        const Policy__FieldDef *field = all ? NULL : policy_field(compile->kind, key);
        const char *of = all ? key + 6 : field ? field->thing : "";
        action->name = arena_strdup(compile->arena, key);
        action->set = POLICY_NEW(compile, Hb__Fact, HB__FACT__INIT);
        action->set->name = (char *)(uintptr_t)(off ? text + 4 : text);
        if (!off) {
            action->set->value = POLICY_NEW(compile, Hb__Value, HB__VALUE__INIT);
            action->set->value->kind_case = HB__VALUE__KIND_YES;
            action->set->value->yes = true;
        }
        bool register_known =
            all ? policy_thing(compile->policy, of) != NULL : field && field->type == POLICY__FIELD_DEF__TYPE__THING;
        if (field && field->type == POLICY__FIELD_DEF__TYPE__PERSON && !marks_person(field, action->set->name))
            mistake(compile, value, "人员没有标记 \"%s\"：可用 trainee、not trainee",
                    "a person has no mark \"%s\": accepted: trainee, not trainee", action->set->name);
        else if (!register_known && !marks_person(field, action->set->name))
            mistake(compile, value, "\"%s\" 不是指向登记册或人员的字段",
                    "\"%s\" is no field that names a thing or a person", key);
        else if (*of && !policy_thing_has(compile->policy, of, action->set->name))
            mistake(compile, value, "登记册 %s 没有标记 \"%s\"", "the register %s has no mark \"%s\"", of,
                    action->set->name);
        POLICY_ADD(compile, rule->then, rule->n_then, action);
    }
}

static void step_action(struct compile *compile, json_t *node, Policy__Rule *rule)
{
    Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__STEP, node);
    if (!policy_step(compile->kind, action->name)) {
        mistake(compile, node, "\"%s\" 不是 %s 的步骤", "\"%s\" is no step of %s", action->name, compile->kind->name);
        SUGGEST(compile, action->name, compile->kind->steps, compile->kind->n_steps);
    }
    POLICY_ADD(compile, rule->then, rule->n_then, action);
}

static void escalate_action(struct compile *compile, json_t *node, Policy__Rule *rule)
{
    Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__ESCALATE, node);
    if (!policy_ladder(compile->policy, action->name)) {
        mistake(compile, node, "没有升级梯 \"%s\"", "there is no ladder \"%s\"", action->name);
        SUGGEST(compile, action->name, compile->policy->ladders, compile->policy->n_ladders);
    }
    POLICY_ADD(compile, rule->then, rule->n_then, action);
}

void actions_of(struct compile *compile, json_t *map, Policy__Rule *rule)
{
    json_t *node;
    ONLY_KEYS(compile, map, "open", "at", "link", "to", "not_by", "due", "with", "each", "set", "step", "tell",
              "escalate", "issue", "assign", "mark", "ask", "if");
    if (json_object_get(map, "if") && !json_object_get(map, "open"))
        mistake(compile, json_object_get(map, "if"), "if 写在 then 之外；只有 open .. each 可另有 if",
                "`if` stands outside of `then`; only open .. each may have one of its own");
    if ((node = json_object_get(map, "ask"))) {
        Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__ASK, node);
        chain_known(compile, node, action->name);
        POLICY_ADD(compile, rule->then, rule->n_then, action);
    }
    if ((node = json_object_get(map, "mark")))
        mark_actions(compile, node, rule);
    if ((node = json_object_get(map, "open")))
        open_action(compile, map, node, rule);
    else if ((node = json_object_get(map, "link"))) {
        Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__LINK, NULL);
        action->link = (char *)(uintptr_t)text_of(compile, node);
        POLICY_ADD(compile, rule->then, rule->n_then, action);
    }
    if ((node = json_object_get(map, "set")))
        set_actions(compile, node, rule);
    if ((node = json_object_get(map, "step")))
        step_action(compile, node, rule);
    if ((node = json_object_get(map, "tell"))) {
        Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__TELL, node);
        notice_known(compile, node, action->name);
        if (!json_object_get(map, "open"))
            each_of(compile, json_object_get(map, "each"), action);
        POLICY_ADD(compile, rule->then, rule->n_then, action);
    }
    if ((node = json_object_get(map, "escalate")))
        escalate_action(compile, node, rule);
    if ((node = json_object_get(map, "issue"))) {
        Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__ISSUE, node);
        document_known(compile, node, action->name);
        POLICY_ADD(compile, rule->then, rule->n_then, action);
    }
    if ((node = json_object_get(map, "assign"))) {
        Policy__Action *action = action_new(compile, POLICY__ACTION__TYPE__ASSIGN, NULL);
        action->to = who_of(compile, node);
        POLICY_ADD(compile, rule->then, rule->n_then, action);
    }
}

static void rule_of(struct compile *compile, const char *name, json_t *map, Policy__Rule *rule)
{
    ONLY_KEYS(compile, map, "clause", "before", "when", "if", "refuse", "override", "then", "at_most", "name",
              "of department");
    rule->department = department_of(compile, map);
    rule->name = arena_strdup(compile->arena, name);
    clauses_of(compile, map, &rule->clauses, &rule->n_clauses, true);
    rule->condition = condition_of(compile, json_object_get(map, "if"));
    json_t *before = json_object_get(map, "before"), *when = json_object_get(map, "when"),
           *then = json_object_get(map, "then"), *item;
    size_t i;
    if (!before == !when)
        mistake(compile, map, "规则须有 before: 步骤 或 when: 事件 之一",
                "a rule has either \"before: STEP\" or \"when: EVENT\"");
    if (before) {
        rule->before = (char *)(uintptr_t)text_of(compile, before);
        if (!policy_step(compile->kind, rule->before)) {
            mistake(compile, before, "\"%s\" 不是 %s 的步骤", "\"%s\" is no step of %s", rule->before,
                    compile->kind->name);
            SUGGEST(compile, rule->before, compile->kind->steps, compile->kind->n_steps);
        }
        label_of(compile, map, "refuse", &rule->refuse, true);
    }
    if (when) {
        rule->when = trigger_of(compile, when, false);
        if (json_is_array(then))
            json_array_foreach(then, i, item)
                actions_of(compile, item, rule);
        else if (then)
            actions_of(compile, then, rule);
        if (rule->n_then == 0)
            mistake(compile, map, "缺少 then：其后如何？", "\"then\" is missing: what follows?");
        for (i = 0; i < rule->n_then; i++)
            if (rule->then[i]->type == POLICY__ACTION__TYPE__LINK)
                mistake(compile, then, "link 单独使用只限 patterns；规则可用：open ... link",
                        "link by itself is for patterns; of a rule is accepted: open ... link");
    }
    if (json_object_get(map, "override"))
        rule->override = who_of(compile, json_object_get(map, "override"));
    rule->at_most = number_of(compile, json_object_get(map, "at_most"), 0);
}

/* ---- routes, rights ---- */

static void route_of(struct compile *compile, const char *name, json_t *map, Policy__RouteRow *row)
{
    ONLY_KEYS(compile, map, "clause", "if", "to", "joint", "never", "name", "holding", "co_owner");
    row->name = arena_strdup(compile->arena, name);
    label_of(compile, map, "name", &row->label, false);
    clauses_of(compile, map, &row->clauses, &row->n_clauses, true);
    row->condition = condition_of(compile, json_object_get(map, "if"));
    if (json_object_get(map, "to"))
        row->to = who_of(compile, json_object_get(map, "to"));
    else
        mistake(compile, map, "缺少 to：由谁负责？", "\"to\" is missing: who is responsible?");
    whos_of(compile, json_object_get(map, "joint"), &row->joint, &row->n_joint);
    if (json_object_get(map, "never"))
        row->never = who_of(compile, json_object_get(map, "never"));
    texts_of(compile, json_object_get(map, "holding"), &row->holding, &row->n_holding);
    json_t *co = json_object_get(map, "co_owner"), *is = json_is_object(co) ? json_object_get(co, "is") : co;
    if (json_is_object(co)) {
        ONLY_KEYS(compile, co, "if", "is");
        row->co_owner_if = condition_of(compile, json_object_get(co, "if"));
    }
    if (co)
        row->co_owner = who_of(compile, is);
}

/* A misspelt field would silently stay hidden from whom it is meant for. */
static void seen_field_known(struct compile *compile, json_t *map, const Policy__May *may)
{
    bool see = false;
    for (size_t i = 0; i < may->n_acts; i++)
        see = see || strcmp(may->acts[i], "see") == 0;
    if (see && *may->what && !policy_field(compile->kind, may->what)) {
        mistake(compile, json_object_get(map, "what"), "\"%s\" 不是 %s 的字段", "\"%s\" is no field of %s", may->what,
                compile->kind->name);
        SUGGEST(compile, may->what, compile->kind->fields, compile->kind->n_fields);
    }
}

static void may_of(struct compile *compile, const char *name, json_t *map, Policy__May *may)
{
    ONLY_KEYS(compile, map, "clause", "who", "do", "what", "if");
    may->name = arena_strdup(compile->arena, name);
    clauses_of(compile, map, &may->clauses, &may->n_clauses, true);
    whos_of(compile, json_object_get(map, "who"), &may->who, &may->n_who);
    texts_of(compile, json_object_get(map, "do"), &may->acts, &may->n_acts);
    may->what = (char *)(uintptr_t)text_of(compile, json_object_get(map, "what"));
    may->condition = condition_of(compile, json_object_get(map, "if"));
    seen_field_known(compile, map, may);
}

void nevers_of(struct compile *compile, json_t *map, Policy__Never ***list, size_t *count)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        ONLY_KEYS(compile, item, "clause", "who", "except", "do", "what", "if");
        Policy__Never *never = POLICY_NEW(compile, Policy__Never, POLICY__NEVER__INIT);
        never->name = arena_strdup(compile->arena, name);
        clauses_of(compile, item, &never->clauses, &never->n_clauses, true);
        whos_of(compile, json_object_get(item, "who"), &never->who, &never->n_who);
        whos_of(compile, json_object_get(item, "except"), &never->except, &never->n_except);
        texts_of(compile, json_object_get(item, "do"), &never->acts, &never->n_acts);
        never->what = (char *)(uintptr_t)text_of(compile, json_object_get(item, "what"));
        never->condition = condition_of(compile, json_object_get(item, "if"));
        POLICY_ADD(compile, *list, *count, never);
        compile->path = before;
    }
}

/* ---- one kind: first what can be named, then what names it ---- */

#define EACH(compile, map, section, type, init, list, count, fill)                                                     \
    do {                                                                                                               \
        const char *name_, *section_path_ = path_enter(compile, section, json_object_get(map, section));               \
        json_t *item_;                                                                                                 \
        map_or_none(compile, json_object_get(map, section));                                                           \
        json_object_foreach(json_object_get(map, section), name_, item_) {                                             \
            const char *before_ = path_enter(compile, name_, item_);                                                   \
            type *made_ = arena_alloc((compile)->arena, sizeof *made_);                                                \
            init(made_);                                                                                               \
            POLICY_ADD(compile, list, count, made_);                                                                   \
            fill(compile, name_, item_, made_);                                                                        \
            (compile)->path = before_;                                                                                 \
        }                                                                                                              \
        (compile)->path = section_path_;                                                                               \
    } while (0)

static void stages_of(struct compile *compile, json_t *map, json_t *names, Policy__Kind *kind)
{
    const char *name;
    json_t *value;
    const char *section = path_enter(compile, "stages", map);
    json_object_foreach(map, name, value) {
        const char *before = path_enter(compile, name, value);
        Policy__Stage *stage = POLICY_NEW(compile, Policy__Stage, POLICY__STAGE__INIT);
        int phase = phase_of(text_of(compile, value));
        stage->name = arena_strdup(compile->arena, name);
        stage->phase = phase < 0 ? POLICY__PHASE__NEW : (Policy__Phase)phase;
        label_of(compile, names, name, &stage->label, false);
        if (!*stage->label->zh)
            stage->label->zh = stage->label->en = stage->name;
        if (phase < 0)
            mistake(compile, value, "\"%s\" 不是阶段类别；可用：new working waiting done closed archived",
                    "\"%s\" is no phase; accepted: new working waiting done closed archived", text_of(compile, value));
        POLICY_ADD(compile, kind->stages, kind->n_stages, stage);
        compile->path = before;
    }
    compile->path = section;
    json_object_foreach(names, name, value)
        if (!policy_stage(kind, name)) {
            mistake(compile, value, "stage_names：没有阶段 \"%s\"", "stage_names: there is no stage \"%s\"", name);
            SUGGEST(compile, name, kind->stages, kind->n_stages);
        }
    if (kind->n_stages == 0)
        mistake(compile, map, "事项须有 stages，如 {registered: new, closed: closed}",
                "a kind needs stages, as {registered: new, closed: closed}");
}

static void returns_of(struct compile *compile, json_t *map, Policy__Kind *kind)
{
    if (!map)
        return;
    const char *before = path_enter(compile, "returns", map);
    ONLY_KEYS(compile, map, "clause", "at_most", "to");
    clauses_of(compile, map, &kind->returns_clauses, &kind->n_returns_clauses, true);
    kind->returns_at_most = number_of(compile, json_object_get(map, "at_most"), 0);
    if (json_object_get(map, "to"))
        kind->returns_to = who_of(compile, json_object_get(map, "to"));
    compile->path = before;
}

/* Whoever has the same problem is no party to the case: he may take this step of it and no other. */
static void public_problem_of(struct compile *compile, json_t *value, Policy__Kind *kind)
{
    const char *name = text_of(compile, value);
    const Policy__Step *step = *name ? policy_step(kind, name) : NULL;
    bool by = false;
    for (size_t i = 0; step && i < step->n_by; i++)
        by = by || strcmp(step->by[i]->root, "complainant") == 0;
    kind->public_problem = (char *)(uintptr_t)name;
    if (*name && (!by || !step->n_from || *step->to))
        mistake(compile, value, "public_problem 须写一个步骤：by 含 complainant，有 from，无 to",
                "public_problem names a step `by: complainant`, with `from` and without `to`");
}

/* "policy in STAGE": there the case approves one change of the policy. "policy": the operator makes it. */
static void approves_of(struct compile *compile, json_t *value, Policy__Kind *kind)
{
    static const char in[] = "policy in ";
    const char *text = text_of(compile, value);
    bool staged = strncmp(text, in, sizeof in - 1) == 0;
    const char *stage = staged ? text + sizeof in - 1 : "";
    kind->approves_policy = staged || strcmp(text, "policy") == 0;
    kind->approved_in = arena_strdup(compile->arena, stage);
    if (staged && !policy_stage(kind, stage)) {
        mistake(compile, value, "没有阶段 \"%s\"", "there is no stage \"%s\"", stage);
        SUGGEST(compile, stage, kind->stages, kind->n_stages);
    } else if (*text && !kind->approves_policy && strcmp(text, "nothing") != 0) {
        mistake(
            compile, value, "可用：policy in 阶段（制度须经此类案件修改，在该阶段发布）、policy、nothing",
            "accepted: policy in STAGE (the policy is changed by such a case, and published in that stage), policy, "
            "nothing");
    }
}

/* What everybody may read is not sealed, and about nobody. */
static bool may_be_published(const Policy__FieldDef *def)
{
    bool sealed = strcmp(def->name, "place") == 0 && !def->n_one_of;
    return !def->n_read && !sealed &&
           (def->type == POLICY__FIELD_DEF__TYPE__NAME || def->type == POLICY__FIELD_DEF__TYPE__CHOICE ||
            def->type == POLICY__FIELD_DEF__TYPE__YES_NO || def->type == POLICY__FIELD_DEF__TYPE__NUMBER ||
            def->type == POLICY__FIELD_DEF__TYPE__TIME);
}

static void published_fields(struct compile *compile, const json_t *node, const Policy__Kind *kind)
{
    const Policy__PublicNotice *notice = kind->public_notice;
    for (size_t i = 0; i < notice->n_fields; i++) {
        const Policy__FieldDef *def = policy_field(kind, notice->fields[i]);
        if (!def) {
            mistake(compile, node, "没有字段 \"%s\"", "there is no field \"%s\"", notice->fields[i]);
            SUGGEST(compile, notice->fields[i], kind->fields, kind->n_fields);
        } else if (!may_be_published(def)) {
            mistake(compile, node,
                    "字段 \"%s\" 不能公示；可用类型：open_text name one_of yes_no number time，且未限定 read",
                    "the field \"%s\" cannot be published; accepted are those of type open_text, name, one_of, yes_no, "
                    "number or time, without `read`",
                    notice->fields[i]);
        }
    }
}

/* `until`: a clock of the kind, or a time field. */
static void published_until(struct compile *compile, json_t *node, const Policy__Kind *kind)
{
    const char *until = text_of(compile, node);
    const Policy__FieldDef *def = *until ? policy_field(kind, until) : NULL;
    if (def && def->type == POLICY__FIELD_DEF__TYPE__TIME)
        kind->public_notice->until_field = arena_strdup(compile->arena, until);
    else if (*until && policy_clock(kind, until))
        kind->public_notice->until_clock = arena_strdup(compile->arena, until);
    else if (*until)
        mistake(compile, node, "\"%s\" 既非本事项的时钟，也非时间字段",
                "\"%s\" is no clock of this kind and no time field", until);
}

static void public_notice_of(struct compile *compile, json_t *map, Policy__Kind *kind)
{
    if (!map)
        return;
    const char *before = path_enter(compile, "public_notice", map);
    ONLY_KEYS(compile, map, "in", "fields", "until", "if", "latest");
    Policy__PublicNotice *notice = kind->public_notice =
        POLICY_NEW(compile, Policy__PublicNotice, POLICY__PUBLIC_NOTICE__INIT);
    json_t *in = json_object_get(map, "in"), *fields = json_object_get(map, "fields");
    texts_of(compile, in, &notice->stages, &notice->n_stages);
    texts_of(compile, fields, &notice->fields, &notice->n_fields);
    notice->condition = condition_of(compile, json_object_get(map, "if"));
    notice->latest = yes_of(compile, json_object_get(map, "latest"));
    for (size_t i = 0; i < notice->n_stages; i++)
        if (!policy_stage(kind, notice->stages[i])) {
            mistake(compile, in, "没有阶段 \"%s\"", "there is no stage \"%s\"", notice->stages[i]);
            SUGGEST(compile, notice->stages[i], kind->stages, kind->n_stages);
        }
    if (!notice->n_stages)
        mistake(compile, map, "须写明在哪些阶段公示，如 in: posted", "in which stages is it public? As `in: posted`");
    published_fields(compile, fields, kind);
    published_until(compile, json_object_get(map, "until"), kind);
    compile->path = before;
}

static const char *const kind_keys[] = {"like", "clause", "name", "number", "returns", "accept", "public", "unpromised",
                                        "identity", "approves", "public_problem", "public_notice", "urgent",
                                        /* sections */
                                        "fields", "stages", "stage_names", "steps", "route", "clocks", "rules", "may",
                                        "never", "chains", "limits", "departments"};
#define KIND_KEYS (sizeof kind_keys / sizeof *kind_keys)
#define KIND_HEADS 13u

void kind_sections_of(struct compile *compile, json_t *map)
{
    sections_of(compile, map, kind_keys, KIND_KEYS, KIND_HEADS);
}

void kind_compile(struct compile *compile, const char *name, json_t *map, Policy__Kind *kind)
{
    only_keys(compile, map, kind_keys, KIND_KEYS);
    NOT_CARRIED_OUT(compile, map, "accept");
    const char *identity = text_of(compile, json_object_get(map, "identity"));
    kind->identity_restricted = strcmp(identity, "restricted") == 0;
    if (*identity && !kind->identity_restricted)
        mistake(compile, json_object_get(map, "identity"), "可用：restricted（只向 may .. unseal 所列人员开放）",
                "\"restricted\" is accepted: it opens to those alone whom may .. unseal names");
    compile->kind = kind;
    kind->name = arena_strdup(compile->arena, name);
    clauses_of(compile, map, &kind->clauses, &kind->n_clauses, true);
    label_of(compile, map, "name", &kind->label, true);
    compile->path = path_enter(compile, "number", json_object_get(map, "number")); /* a place of its own */
    kind->number = (char *)(uintptr_t)text_of(compile, json_object_get(map, "number"));
    kind->public_ = yes_of(compile, json_object_get(map, "public"));
    const char *unpromised = text_of(compile, json_object_get(map, "unpromised"));
    kind->unpromised_on_time = strcmp(unpromised, "on time") == 0;
    if (*unpromised && !kind->unpromised_on_time)
        mistake(compile, json_object_get(map, "unpromised"), "可用：on time（没有主时钟的案件视为按时）",
                "\"on time\" is accepted: a case without a main clock counts as on time");
    stages_of(compile, json_object_get(map, "stages"), json_object_get(map, "stage_names"), kind);
    EACH(compile, map, "fields", Policy__FieldDef, policy__field_def__init, kind->fields, kind->n_fields, field_of);
    EACH(compile, map, "chains", Policy__Chain, policy__chain__init, kind->chains, kind->n_chains, chain_of);
    EACH(compile, map, "steps", Policy__Step, policy__step__init, kind->steps, kind->n_steps, step_of);
    one_settles(compile, json_object_get(map, "steps"), kind);
    chains_steps(compile);
    public_problem_of(compile, json_object_get(map, "public_problem"), kind);
    approves_of(compile, json_object_get(map, "approves"), kind);
    limits_of(compile, json_object_get(map, "limits"));
    returns_of(compile, json_object_get(map, "returns"), kind);
}

void kind_compile_rules(struct compile *compile, json_t *map, Policy__Kind *kind)
{
    compile->kind = kind;
    EACH(compile, map, "route", Policy__RouteRow, policy__route_row__init, kind->route, kind->n_route, route_of);
    EACH(compile, map, "clocks", Policy__Clock, policy__clock__init, kind->clocks, kind->n_clocks, clock_of);
    clocks_ends(compile);
    EACH(compile, map, "rules", Policy__Rule, policy__rule__init, kind->rules, kind->n_rules, rule_of);
    chains_rules(compile, json_object_get(map, "chains"));
    EACH(compile, map, "may", Policy__May, policy__may__init, kind->may, kind->n_may, may_of);
    public_notice_of(compile, json_object_get(map, "public_notice"), kind);
    json_t *urgent = json_object_get(map, "urgent");
    const char *before = path_enter(compile, "urgent", urgent);
    if (urgent)
        kind->urgent = condition_of(compile, urgent);
    compile->path = before;
    before = path_enter(compile, "never", json_object_get(map, "never"));
    nevers_of(compile, json_object_get(map, "never"), &kind->never, &kind->n_never);
    compile->path = before;
}
