/* What conditions, people, notices and events name must be there, and known when it is asked for. */
#include "policy/check.h"

/* ---- facts ---- */

/* Facts that every service folds alike, whatever the kind (proto/hearback/README.md). */
static const char *const common_facts[] = {"kind",
                                           "category",
                                           "channel",
                                           "place",
                                           "external_ref",
                                           "received_at",
                                           "registered_at",
                                           "filer",
                                           "stage",
                                           "phase",
                                           "round",
                                           "lead",
                                           "handler",
                                           "first_contact",
                                           "joint",
                                           "co_owner",
                                           "post_withdrawn",
                                           "due_at",
                                           "schedule",
                                           "period",
                                           "anonymous",
                                           "confidential",
                                           "text",
                                           "complainant_name",
                                           "complainant_phone",
                                           "complainant_email",
                                           "complainant_address"};
#define COMMON_FACTS (sizeof common_facts / sizeof *common_facts)

/* Of these a case may have none. */
static bool may_lack(const char *fact)
{
    static const char *const optional[] = {"place",  "external_ref", "filer",    "handler", "joint",
                                           "due_at", "category",     "schedule", "period",  "post_withdrawn"};
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (strcmp(optional[i], fact) == 0)
            return true;
    return false;
}

bool check_common_fact(const char *fact)
{
    for (size_t i = 0; i < COMMON_FACTS; i++)
        if (strcmp(common_facts[i], fact) == 0)
            return true;
    return false;
}

static bool is_set(const struct check *check, const char *fact)
{
    for (size_t i = 0; i < check->kind->n_steps; i++)
        for (size_t s = 0; s < check->kind->steps[i]->n_set; s++)
            if (strcmp(check->kind->steps[i]->set[s]->name, fact) == 0)
                return true;
    return false;
}

/* What a fact with a dot is of: "handler" in "handler.trainee". NULL when there is no dot. */
static const char *root_of(const struct check *check, const char *fact)
{
    const char *dot = strchr(fact, '.');
    return dot ? arena_text(check->arena, fact, (size_t)(dot - fact)) : NULL;
}

/* "asset.running": what the thing has that the field names. */
static bool of_thing(const struct check *check, const char *fact)
{
    const char *root = root_of(check, fact);
    const Policy__FieldDef *def = root ? policy_field(check->kind, root) : NULL;
    return def && def->type == POLICY__FIELD_DEF__TYPE__THING &&
           (!*def->thing || policy_thing_has(check->policy, def->thing, strchr(fact, '.') + 1));
}

/* "actor.certificate": what is known of a person (common/organisation/conditions.c). */
static bool of_person(const struct check *check, const char *fact)
{
    static const char *const known[] = {"trainee", "post", "certificate"};
    const char *root = root_of(check, fact);
    const Policy__FieldDef *def = root ? policy_field(check->kind, root) : NULL;
    bool person =
        root && (strcmp(root, "actor") == 0 || strcmp(root, "handler") == 0 || strcmp(root, "first_contact") == 0 ||
                 strcmp(root, "co_owner") == 0 || (def && def->type == POLICY__FIELD_DEF__TYPE__PERSON));
    for (size_t i = 0; person && i < sizeof known / sizeof *known; i++)
        if (strcmp(strchr(fact, '.') + 1, known[i]) == 0)
            return true;
    return false;
}

static bool has_chain(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->kind->n_chains; i++)
        if (strcmp(check->kind->chains[i]->name, name) == 0)
            return true;
    for (size_t i = 0; i < check->kind->n_limits; i++)
        if (strcmp(check->kind->limits[i]->name, name) == 0)
            return true;
    return false;
}

/* A field that did not compile may have parts and choices, be needed or have a default. */
bool check_broken_field(const struct check *check, const char *fact)
{
    const char *root = root_of(check, fact);
    return check->compiled &&
           (check_broken(check,
                         arena_printf(check->arena, "kinds.%s.fields.%s", check->kind->name, root ? root : fact)) ||
            check_broken_itself(check, arena_printf(check->arena, "kinds.%s.fields", check->kind->name)));
}

bool check_fact_known(struct check *check, const char *field, const char *fact)
{
    if (check_broken_field(check, fact) || check_common_fact(fact) || policy_field_of_fact(check->kind, fact) ||
        is_set(check, fact) || of_thing(check, fact) || of_person(check, fact) || has_chain(check, fact))
        return true;
    const char **names = NULL;
    size_t count = 0;
    for (size_t i = 0; i < check->kind->n_fields; i++)
        CHECK_ADD(check, names, count, check->kind->fields[i]->name);
    for (size_t i = 0; i < COMMON_FACTS; i++)
        CHECK_ADD(check, names, count, common_facts[i]);
    check_found(check, CHECK_MISTAKE, field, "\"%s\" 不是 %s 的字段，也不是案件的事实",
                "\"%s\" is no field of %s and no fact of every case", fact, check->kind->name);
    check_suggest(check, fact, names, count);
    return false;
}

static bool asks(const Policy__Node *node)
{
    switch (node->op) {
    case POLICY__NODE__OP__EQUAL:
    case POLICY__NODE__OP__OVER:
    case POLICY__NODE__OP__UNDER:
    case POLICY__NODE__OP__AT_LEAST:
    case POLICY__NODE__OP__AT_MOST:
    case POLICY__NODE__OP__AFTER:
    case POLICY__NODE__OP__BEFORE:
    case POLICY__NODE__OP__PASSED:
    case POLICY__NODE__OP__SAME_AS:
        return true;
    case POLICY__NODE__OP__ALL:
    case POLICY__NODE__OP__ANY:
    case POLICY__NODE__OP__NOT:
    case POLICY__NODE__OP__MISSING:
    case POLICY__NODE__OP__PRESENT:
    case POLICY__NODE__OP__SOME_LINKED:
    case POLICY__NODE__OP__EVERY_LINKED:
    case POLICY__NODE__OP__NONE_LINKED:
    case POLICY__NODE__OP__TOLD:
    case POLICY__NODE__OP__SOME:
    case POLICY__NODE__OP__EVERY:
    case POLICY__NODE__OP__NONE:
    case POLICY__NODE__OP__HOW_MANY:
        break;
    }
    return false;
}

static bool tests_for(const Policy__Condition *condition, const char *fact)
{
    for (size_t i = 0; i < condition->n_nodes; i++) {
        const Policy__Node *node = condition->nodes[i];
        if ((node->op == POLICY__NODE__OP__MISSING || node->op == POLICY__NODE__OP__PRESENT) &&
            strcmp(node->fact, fact) == 0)
            return true;
    }
    return false;
}

static bool step_needs(const Policy__Step *step, const char *fact)
{
    for (size_t i = 0; i < step->n_needs; i++)
        if (step->needs[i]->type == POLICY__NEED__TYPE__FIELD && strcmp(step->needs[i]->name, fact) == 0)
            return true;
    return false;
}

/* A published figure is entered together with what else is known of it: F, F.state, F.missed. */
static bool comes_with(const struct check *check, const char *field, const char *fact)
{
    const Policy__FieldDef *def = policy_field(check->kind, field);
    size_t size = strlen(field);
    return def && def->figure && def->figure->op == POLICY__FIGURE__OP__INDICATOR && strncmp(fact, field, size) == 0 &&
           fact[size] == '.';
}

/* Every step that can be the one at hand needs it: the step `before`, or those that lead to the event of `when`. */
static bool needed_before(const struct check *check, const Policy__Rule *rule, const char *fact)
{
    bool any = false;
    if (!rule)
        return false;
    if (rule->when && rule->when->type == POLICY__TRIGGER__TYPE__FIELD &&
        (strcmp(rule->when->name, fact) == 0 || comes_with(check, rule->when->name, fact)))
        return true;
    for (size_t i = 0; i < check->kind->n_steps; i++) {
        const Policy__Step *step = check->kind->steps[i];
        bool meant =
            *rule->before                                                    ? strcmp(step->name, rule->before) == 0
            : rule->when && rule->when->type == POLICY__TRIGGER__TYPE__STEP  ? strcmp(step->name, rule->when->name) == 0
            : rule->when && rule->when->type == POLICY__TRIGGER__TYPE__STAGE ? strcmp(step->to, rule->when->name) == 0
                                                                             : false;
        if (meant && !step_needs(step, fact))
            return false;
        any = any || meant;
    }
    return any;
}

static bool always_there(const struct check *check, const char *fact)
{
    if (check_broken_field(check, fact))
        return true;
    const Policy__FieldDef *def = policy_field(check->kind, fact);
    if (def && (def->needed == POLICY__FIELD_DEF__NEEDED__ALWAYS || def->default_value))
        return true;
    if (def && def->figure && def->figure->op == POLICY__FIGURE__OP__COUNT)
        return true;
    if (strncmp(fact, "actor.", 6) == 0)
        return true;
    if (of_thing(check, fact) || of_person(check, fact)) /* what is known of them hangs on whether one is named */
        return always_there(check, root_of(check, fact));
    return check_common_fact(fact) && !may_lack(fact);
}

/* A field of the kind of which a case may have no value when the rule acts. `rule` NULL: at any time. Whoever opens a
   case says when it is due: that is looked at there. */
static bool may_be_empty(const struct check *check, const char *fact, const Policy__Condition *condition,
                         const Policy__Rule *rule)
{
    return policy_field(check->kind, fact) && strcmp(fact, "due_at") != 0 && !always_there(check, fact) &&
           !(condition && tests_for(condition, fact)) && !needed_before(check, rule, fact);
}

/* What is asked of parts has to be a field of theirs; of linked cases only those know what they have. Returns the index
   of the last node of the operand. */
static size_t check_items(struct check *check, const char *field, const Policy__Condition *condition, size_t at)
{
    const Policy__Node *over = condition->nodes[at];
    size_t left = over->count;
    while (left && at + 1 < condition->n_nodes) {
        const Policy__Node *node = condition->nodes[++at];
        bool named = asks(node) || node->op == POLICY__NODE__OP__MISSING || node->op == POLICY__NODE__OP__PRESENT;
        left += node->count;
        left--;
        if (over->parts && named && !check_broken_field(check, over->fact) &&
            !policy_field(check->kind, arena_printf(check->arena, "%s.%s", over->fact, node->fact)))
            check_found(check, CHECK_MISTAKE, field, "%s 的各部分没有 \"%s\"", "the parts of %s have no \"%s\"",
                        over->fact, node->fact);
    }
    return at;
}

/* "actor.post: clerk": of a post that there is not it never holds. */
static void check_post_asked(struct check *check, const char *field, const Policy__Node *node)
{
    const char *dot = strrchr(node->fact, '.');
    if (!dot || strcmp(dot, ".post") != 0 || !of_person(check, node->fact) || !check->policy->n_posts)
        return;
    for (size_t i = 0; i < node->n_values; i++) {
        const char *post = node->values[i]->kind_case == HB__VALUE__KIND_TEXT ? node->values[i]->text : "";
        if (!*post || policy_post(check->policy, post))
            continue;
        check_found(check, CHECK_WARNING, field, "本制度没有岗位 \"%s\"：无人可担任",
                    "this policy has no post \"%s\": nobody can hold it", post);
        check_suggest_post(check, post);
    }
}

/* A condition over what may be unknown decides nothing: a rule waits with a problem, a guard refuses, a route row is
   passed over. The writer has to say what is meant. */
static void check_known(struct check *check, const char *field, const Policy__Condition *condition,
                        const Policy__Rule *rule, enum check_weight unknown)
{
    for (size_t i = 0; condition && i < condition->n_nodes; i++) {
        const Policy__Node *node = condition->nodes[i];
        bool named = asks(node) || node->op == POLICY__NODE__OP__MISSING || node->op == POLICY__NODE__OP__PRESENT;
        if (node->op == POLICY__NODE__OP__TOLD && !policy_notice(check->policy, node->fact))
            check_found(check, CHECK_MISTAKE, field, "没有通知 \"%s\"", "there is no notice \"%s\"", node->fact);
        if (node->op >= POLICY__NODE__OP__SOME && !node->parts && *node->fact && !check_any_link(check, node->fact) &&
            !check_gathers_link(check->policy, node->fact) && !check_broken_field(check, node->fact))
            check_found(check, CHECK_MISTAKE, field, "\"%s\" 不是有部分的字段，也没有以此名关联的案件",
                        "\"%s\" is no field of parts, and no case is linked by it", node->fact);
        if (node->op >= POLICY__NODE__OP__SOME)
            i = check_items(check, field, condition, i);
        if (!named)
            continue;
        bool there = check_fact_known(check, field, node->fact);
        check_post_asked(check, field, node);
        if (node->op == POLICY__NODE__OP__SAME_AS)
            check_fact_known(check, field, node->other);
        const char *root = root_of(check, node->fact);
        bool known = always_there(check, node->fact) || tests_for(condition, node->fact) ||
                     (root && tests_for(condition, root)) || needed_before(check, rule, node->fact) || !there;
        if (asks(node) && !known)
            check_found(
                check, unknown, field, "此时 \"%s\" 可能未知：请给默认值、设为必填，或同时判断 missing/present",
                "\"%s\" may be unknown here: give it a default, make it needed, or test missing/present as well",
                node->fact);
    }
}

static void check_condition(struct check *check, const char *field, const Policy__Condition *condition,
                            const Policy__Rule *rule)
{
    check_known(check, field, condition, rule, CHECK_WARNING);
}

/* ---- people ---- */

static bool department_named(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->policy->n_posts; i++)
        if (strcmp(check->policy->posts[i]->department, name) == 0)
            return true;
    for (size_t i = 0; i < check->policy->n_categories; i++)
        if (strcmp(check->policy->categories[i]->department, name) == 0)
            return true;
    return false;
}

bool check_role(const char *word)
{
    static const char *const roles[] = {"complainant", "filer", "handler", "lead",   "first_contact",
                                        "respondent",  "actor", "owner",   "anyone", "employee",
                                        "category",    "joint", "co_owner"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i], word) == 0)
            return true;
    return false;
}

static bool any_field(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->policy->n_kinds; i++)
        if (policy_field(check->policy->kinds[i], name))
            return true;
    return false;
}

bool check_who_known(const struct check *check, const Policy__Who *who)
{
    const char *root = who ? who->root : "";
    bool of_step = who && who->n_of && strcmp(who->of[who->n_of - 1], "taker") == 0;
    return !*root || of_step || check_role(root) || policy_post(check->policy, root) ||
           policy_roster(check->policy, root) || department_named(check, root) ||
           (check->kind ? policy_field(check->kind, root) != NULL : any_field(check, root));
}

void check_suggest_post(struct check *check, const char *word)
{
    const char **names = NULL;
    size_t count = 0;
    for (size_t i = 0; i < check->policy->n_posts; i++)
        CHECK_ADD(check, names, count, check->policy->posts[i]->name);
    check_suggest(check, word, names, count);
}

/* "superior of owner": of a post that stands under none it is nobody. Read from the right, as long as it is told by
   posts alone. */
static void check_superior(struct check *check, const char *field, const Policy__Who *who)
{
    const Policy__Post *post = who ? policy_post(check->policy, who->root) : NULL;
    for (size_t i = who ? who->n_of : 0; post && i-- > 0;) {
        if (strcmp(who->of[i], "superior") != 0)
            return;
        if (!*post->superior)
            check_found(check, CHECK_MISTAKE, field, "岗位 %s 没有上级（superior）：superior of %s 不指任何人",
                        "the post %s has no superior: \"superior of %s\" is nobody", post->name, post->name);
        post = policy_post(check->policy, post->superior);
    }
}

void check_who(struct check *check, const char *field, const Policy__Who *who)
{
    check_superior(check, field, who);
    if (check_who_known(check, who))
        return;
    const char *root = who->root;
    check_found(check, CHECK_WARNING, field, "\"%s\" 不是本制度的岗位或值班表：站点须有同名部门",
                "\"%s\" is no post and no roster of this policy: a department of the site must bear that name", root);
    check_suggest_post(check, root);
}

static void check_whos(struct check *check, const char *field, Policy__Who *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_who(check, field, list[i]);
}

/* ---- events ---- */

static bool any_stage(const struct check *check, const char *stage)
{
    for (size_t i = 0; i < check->policy->n_kinds; i++)
        if (policy_stage(check->policy->kinds[i], stage))
            return true;
    return false;
}

static bool opens_link(const Policy__Kind *kind, const char *link)
{
    for (size_t i = 0; i < kind->n_rules; i++)
        for (size_t a = 0; a < kind->rules[i]->n_then; a++)
            if (kind->rules[i]->then[a]->type == POLICY__ACTION__TYPE__OPEN &&
                strcmp(kind->rules[i]->then[a]->link, link) == 0)
                return true;
    return false;
}

/* Do cases of any kind get linked under this name? */
bool check_any_link(const struct check *check, const char *link)
{
    for (size_t i = 0; i < check->policy->n_kinds; i++) {
        const Policy__Kind *kind = check->policy->kinds[i];
        for (size_t s = 0; s < kind->n_steps; s++)
            if (strcmp(kind->steps[s]->link, link) == 0)
                return true;
        if (opens_link(kind, link))
            return true;
    }
    for (size_t i = 0; i < check->policy->n_schedules; i++)
        if (strcmp(check->policy->schedules[i]->link, link) == 0)
            return true;
    return false;
}

static void check_trigger(struct check *check, const char *field, const Policy__Trigger *trigger)
{
    const Policy__Kind *other =
        trigger->type == POLICY__TRIGGER__TYPE__LINKED ? policy_kind(check->policy, trigger->other) : NULL;
    switch (trigger->type) {
    case POLICY__TRIGGER__TYPE__TOLD:
        if (!policy_notice(check->policy, trigger->name))
            check_found(check, CHECK_MISTAKE, field, "没有通知 \"%s\"", "there is no notice \"%s\"", trigger->name);
        return;
    case POLICY__TRIGGER__TYPE__LATE:
        if (!policy_clock(check->kind, trigger->name))
            check_found(check, CHECK_MISTAKE, field, "%s 没有时钟 \"%s\"", "%s has no clock \"%s\"", check->kind->name,
                        trigger->name);
        return;
    case POLICY__TRIGGER__TYPE__APPROVED:
    case POLICY__TRIGGER__TYPE__REFUSED:
        if (!has_chain(check, trigger->name))
            check_found(check, CHECK_MISTAKE, field, "%s 没有审批链 \"%s\"", "%s has no chain \"%s\"",
                        check->kind->name, trigger->name);
        return;
    case POLICY__TRIGGER__TYPE__LINKED:
        if (trigger->by_field && !any_stage(check, trigger->name))
            check_found(check, CHECK_MISTAKE, field, "没有事项有阶段 \"%s\"", "no kind has a stage \"%s\"",
                        trigger->name);
        else if (trigger->phase && !check_any_link(check, trigger->other))
            check_found(check, CHECK_MISTAKE, field, "没有事项 \"%s\"，也没有规则或步骤以此名关联",
                        "there is no kind \"%s\", and no rule or step links cases under this name", trigger->other);
        else if (!trigger->by_field && !trigger->phase && (!other || !policy_stage(other, trigger->name)))
            check_found(check, CHECK_MISTAKE, field, "没有事项 \"%s\"，或它没有阶段 \"%s\"",
                        "there is no kind \"%s\", or it has no stage \"%s\"", trigger->other, trigger->name);
        return;
    case POLICY__TRIGGER__TYPE__STAGE:
    case POLICY__TRIGGER__TYPE__STEP:
    case POLICY__TRIGGER__TYPE__FIELD:
    case POLICY__TRIGGER__TYPE__TIME_FIELD:
        return; /* the compiler has looked them up */
    }
}

static void check_triggers(struct check *check, const char *field, Policy__Trigger *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_trigger(check, field, list[i]);
        if (list[i]->by_field || list[i]->phase)
            check_found(check, CHECK_MISTAKE, field, "时钟不能等待 \"%s %s\"：请由规则办理步骤",
                        "a clock cannot wait for \"%s %s\": let a rule take a step", list[i]->other, list[i]->name);
    }
}

/* ---- one kind ---- */

/* The same case, asked later, may answer otherwise: `passed`, and times counted from now. */
static bool looks_at_now(const Policy__Node *node)
{
    if (node->op == POLICY__NODE__OP__PASSED)
        return true;
    bool compares = node->op == POLICY__NODE__OP__AFTER || node->op == POLICY__NODE__OP__BEFORE;
    return compares && node->term && !*node->term->field && node->term->unit != POLICY__TERM__UNIT__DATE &&
           node->term->unit != POLICY__TERM__UNIT__TIME_OF_DAY;
}

/* What stands on a case is judged when something happens to it: time by itself would make it true, and nobody would see
   it before the next event. */
static void check_timeless(struct check *check, const char *field, const Policy__Condition *condition)
{
    for (size_t i = 0; condition && i < condition->n_nodes; i++)
        if (looks_at_now(condition->nodes[i]))
            check_found(
                check, CHECK_MISTAKE, field,
                "此处不能问 \"%s\" "
                "距今如何：时间自行经过，案件上无事发生，便无人重新判断；可用：另立时钟，到时由规则（when: late "
                "时钟）以 set 记入字段；或与本案的时间相比，如 3 days from registered",
                "\"%s\" cannot be compared with now here: time passes by itself, and this is judged when something "
                "happens to the case; accepted: a field that a rule sets when a clock says so (when: late CLOCK), "
                "or a time of the case, as 3 days from registered",
                condition->nodes[i]->fact);
}

/* A clock is a function of its own case's history: what linked cases are like it has to be told by a rule. One that
   asks for what may be unknown would not run, and nobody would be told of it: no problem stands on a case for that. */
static void check_own(struct check *check, const char *field, const Policy__Condition *condition)
{
    check_known(check, field, condition, NULL, CHECK_MISTAKE);
    check_timeless(check, field, condition);
    for (size_t i = 0; condition && i < condition->n_nodes; i++)
        if (asks(condition->nodes[i]) && strncmp(condition->nodes[i]->fact, "actor.", 6) == 0)
            check_found(check, CHECK_MISTAKE, field, "时钟没有办理人，不能询问 \"%s\"",
                        "nobody acts when a clock runs: it cannot ask \"%s\"", condition->nodes[i]->fact);
    for (size_t i = 0; condition && i < condition->n_nodes; i++)
        if (condition->nodes[i]->op >= POLICY__NODE__OP__SOME && !condition->nodes[i]->parts)
            check_found(check, CHECK_MISTAKE, field, "时钟不能询问关联案件 \"%s\"：请以规则 set 记入本案",
                        "a clock cannot ask linked cases (\"%s\"): let a rule `set` it in this case",
                        condition->nodes[i]->fact);
}

/* Is it there whenever the clock begins? */
static bool begins_with(const struct check *check, const Policy__Clock *clock, const char *fact)
{
    for (size_t i = 0; i < clock->n_start; i++) {
        Policy__Rule begun = POLICY__RULE__INIT;
        begun.when = clock->start[i];
        bool itself = begun.when->type == POLICY__TRIGGER__TYPE__TIME_FIELD && strcmp(begun.when->name, fact) == 0;
        if (!itself && !needed_before(check, &begun, fact))
            return false;
    }
    return true;
}

/* A limit that is a field is a time or a span of it. */
static bool is_time(struct check *check, const char *field, const Policy__Term *term)
{
    const Policy__FieldDef *def = policy_field(check->kind, term->field);
    bool alone = term->unit == POLICY__TERM__UNIT__FIELD;
    if (!*term->field ||
        (def && (def->type == POLICY__FIELD_DEF__TYPE__TIME || def->type == POLICY__FIELD_DEF__TYPE__DURATION)) ||
        check_broken_field(check, term->field) || strcmp(term->field, "due_at") == 0 || (!def && !alone))
        return true;
    check_found(check, CHECK_MISTAKE, field, "limit：\"%s\" 不是 %s 的时间（time）或时长（duration）字段",
                "limit: \"%s\" is no field of %s of type time or duration", term->field, check->kind->name);
    return false;
}

/* A limit that is an empty field is none: the clock runs and is never due. */
static void check_limit_fields(struct check *check, const char *field, const Policy__Clock *clock)
{
    for (size_t r = 0; r < clock->n_limit && !*clock->each; r++) {
        const Policy__LimitRow *row = clock->limit[r];
        const char *fact = row->n_terms == 1 ? row->terms[0]->field : "";
        bool times = true;
        for (size_t t = 0; t < row->n_terms; t++)
            times = is_time(check, field, row->terms[t]) && times;
        if (times && may_be_empty(check, fact, row->condition, NULL) &&
            !(clock->condition && tests_for(clock->condition, fact)) && !begins_with(check, clock, fact))
            check_found(check, CHECK_WARNING, field,
                        "\"%s\" 可能未填，时钟便无到期时间：请设为必填，或另给一行（if: {%s: present}）",
                        "\"%s\" may be empty, and the clock is never due then: make it needed, or give another row "
                        "(if: {%s: present})",
                        fact, fact);
    }
}

static void check_clock_words(struct check *check, const char *base)
{
    for (size_t i = 0; i < check->kind->n_clocks; i++) {
        const Policy__Clock *clock = check->kind->clocks[i];
        const char *field = arena_printf(check->arena, "%s.clocks.%s", base, clock->name);
        check_own(check, field, clock->condition);
        check_triggers(check, field, clock->start, clock->n_start);
        check_triggers(check, field, clock->stop, clock->n_stop);
        check_triggers(check, field, clock->pause_at, clock->n_pause_at);
        check_triggers(check, field, clock->resume_at, clock->n_resume_at);
        check_whos(check, field, clock->late, clock->n_late);
        check_limit_fields(check, field, clock);
        for (size_t r = 0; r < clock->n_limit; r++)
            check_own(check, field, clock->limit[r]->condition);
        for (size_t w = 0; w < clock->n_warn; w++)
            check_own(check, field, clock->warn[w]->condition);
    }
}

static bool counts_by_due(const Policy__Kind *kind)
{
    for (size_t i = 0; i < kind->n_clocks; i++)
        for (size_t r = 0; r < kind->clocks[i]->n_limit; r++)
            for (size_t t = 0; t < kind->clocks[i]->limit[r]->n_terms; t++)
                if (strcmp(kind->clocks[i]->limit[r]->terms[t]->field, "due_at") == 0)
                    return true;
    return false;
}

bool check_gathers_link(const Policy__Policy *policy, const char *link)
{
    for (size_t i = 0; i < policy->n_patterns; i++)
        for (size_t a = 0; a < policy->patterns[i]->n_then; a++)
            if (strcmp(policy->patterns[i]->then[a]->link, link) == 0)
                return true;
    return false;
}

static bool is_block(const struct check *check, const char *word)
{
    static const char *const own[] = {"case", "party", "dispatch", "result", "steps"};
    bool known = check_common_fact(word) || check_gathers_link(check->policy, word);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        known = known || strcmp(word, own[i]) == 0;
    for (size_t i = 0; i < check->policy->n_kinds; i++)
        known = known || policy_field(check->policy->kinds[i], word) || opens_link(check->policy->kinds[i], word);
    return known;
}

/* A form may serve several kinds: what a kind does not have is left out when it is printed. */
static void check_document(struct check *check, const Policy__DocumentDef *document)
{
    const char *field = arena_printf(check->arena, "documents.%s.blocks", document->name);
    for (size_t i = 0; i < document->n_blocks; i++)
        if (!is_block(check, document->blocks[i]))
            check_found(check, CHECK_MISTAKE, field,
                        "\"%s\" 不是任何事项的字段或关联，也不是 case、party、dispatch、result、steps",
                        "\"%s\" is no field or link of any kind, nor case, party, dispatch, result, steps",
                        document->blocks[i]);
    bool text = !*document->of;
    for (size_t i = 0; i < check->policy->n_kinds; i++) {
        const Policy__FieldDef *of = policy_field(check->policy->kinds[i], document->of);
        text = text || (of && of->type == POLICY__FIELD_DEF__TYPE__TEXT);
    }
    if (!text)
        check_found(check, CHECK_MISTAKE, arena_printf(check->arena, "documents.%s.of", document->name),
                    "\"%s\" 不是任何事项的文本字段", "\"%s\" is no text field of any kind", document->of);
}

/* A mail can carry a text, not a form. */
static void check_letter(struct check *check, const Policy__Notice *notice)
{
    const Policy__DocumentDef *letter = policy_document(check->policy, notice->letter);
    if (*notice->letter && (!letter || !*letter->of))
        check_found(check, CHECK_MISTAKE, arena_printf(check->arena, "notices.%s.letter", notice->name),
                    "\"%s\" 不是以文本为内容（of）的文书", "\"%s\" is no document that is a text (`of`)",
                    notice->letter);
}

/* Notices whose addressees are named by ladders and clauses. */
bool check_told_elsewhere(const char *name)
{
    static const char *const names[] = {"warning", "late", "escalated", "withdrawn", "extension_notice"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void check_action_words(struct check *check, const char *field, const Policy__Action *action)
{
    const Policy__Kind *opened =
        action->type == POLICY__ACTION__TYPE__OPEN ? policy_kind(check->policy, action->name) : NULL;
    check_who(check, field, action->to);
    check_who(check, field, action->not_by);
    if (opened && action->due && !counts_by_due(opened))
        check_found(check, CHECK_WARNING, field, "%s 没有以 due_at 为限的时钟：此期限无人看守",
                    "no clock of %s has the limit due_at: nobody watches this due", opened->name);
    const Policy__Notice *notice =
        action->type == POLICY__ACTION__TYPE__TELL ? policy_notice(check->policy, action->name) : NULL;
    if (notice && notice->n_to == 0 && check_told_elsewhere(notice->name))
        check_found(check, CHECK_WARNING, field, "通知 \"%s\" 没有 to：由规则发出时无人可告知",
                    "the notice \"%s\" has no \"to\": a rule tells it to nobody", notice->name);
    for (size_t i = 0; opened && i < action->n_with; i++)
        if (!check_common_fact(action->with[i]->name) && !policy_field(opened, action->with[i]->name))
            check_found(check, CHECK_MISTAKE, field, "%s 没有字段 \"%s\"", "%s has no field \"%s\"", opened->name,
                        action->with[i]->name);
}

/* To whom, and until when: of an empty field it is nobody, and no limit. */
static void check_filled(struct check *check, const char *field, const Policy__Rule *rule, const Policy__Action *action)
{
    bool field_alone = action->to && !check_role(action->to->root); /* a role falls back on others */
    const char *facts[] = {field_alone ? action->to->root : "", action->due ? action->due->field : ""};
    for (size_t i = *action->each ? 1 : 0; i < 2; i++) /* each may name its own */
        if (may_be_empty(check, facts[i], rule->condition, rule))
            check_found(check, CHECK_WARNING, field, "\"%s\" 可能未填：%s", "\"%s\" may be empty here: %s", facts[i],
                        i ? "due" : "to");
}

static void check_rule_words(struct check *check, const char *base)
{
    for (size_t i = 0; i < check->kind->n_rules; i++) {
        const Policy__Rule *rule = check->kind->rules[i];
        const char *field = arena_printf(check->arena, "%s.rules.%s", base, rule->name);
        check_condition(check, field, rule->condition, rule);
        check_who(check, field, rule->override);
        if (rule->when)
            check_trigger(check, field, rule->when);
        for (size_t a = 0; a < rule->n_then; a++) {
            check_action_words(check, field, rule->then[a]);
            check_filled(check, field, rule, rule->then[a]);
            check_condition(check, field, rule->then[a]->each_if, NULL);
        }
    }
}

/* What lists and pages go by is judged from the case alone. */
static void check_shown(struct check *check, const char *field, const Policy__Condition *condition)
{
    check_condition(check, field, condition, NULL);
    check_timeless(check, field, condition);
    for (size_t i = 0; condition && i < condition->n_nodes; i++) {
        const Policy__Node *node = condition->nodes[i];
        bool linked = node->op >= POLICY__NODE__OP__SOME_LINKED && node->op != POLICY__NODE__OP__TOLD && !node->parts;
        if (node->op == POLICY__NODE__OP__TOLD || linked || strncmp(node->fact, "actor.", 6) == 0)
            check_found(check, CHECK_MISTAKE, field,
                        "此处不能询问 \"%s\"（通知、办理人、关联案件）；可用：本案的字段，由规则以 set 记入",
                        "\"%s\" (a notice, who acts, linked cases) cannot be asked here; accepted: fields of the case, "
                        "which a rule may `set`",
                        node->fact);
    }
}

static void check_rights_words(struct check *check, const char *base)
{
    check_shown(check, arena_printf(check->arena, "%s.urgent", base), check->kind->urgent);
    if (check->kind->public_notice)
        check_shown(check, arena_printf(check->arena, "%s.public_notice", base), check->kind->public_notice->condition);
    for (size_t i = 0; i < check->kind->n_may; i++) {
        const char *field = arena_printf(check->arena, "%s.may.%s", base, check->kind->may[i]->name);
        check_condition(check, field, check->kind->may[i]->condition, NULL);
        check_whos(check, field, check->kind->may[i]->who, check->kind->may[i]->n_who);
    }
    for (size_t i = 0; i < check->kind->n_never; i++) {
        const Policy__Never *never = check->kind->never[i];
        const char *field = arena_printf(check->arena, "%s.never.%s", base, never->name);
        check_condition(check, field, never->condition, NULL);
        check_whos(check, field, never->who, never->n_who);
        check_whos(check, field, never->except, never->n_except);
    }
}

static const Policy__Indicator *indicator_named(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->policy->n_indicators; i++)
        if (strcmp(check->policy->indicators[i]->name, name) == 0)
            return check->policy->indicators[i];
    return NULL;
}

static bool counted_by(const Policy__Indicator *indicator, Policy__Term__Period period)
{
    for (size_t i = 0; i < indicator->n_periods; i++)
        if (indicator->periods[i] == period)
            return true;
    return false;
}

/* `is: indicator NAME of last month for FIELD`. */
static void check_published(struct check *check, const char *field, const Policy__FieldDef *def)
{
    const Policy__Figure *figure = def->figure;
    const Policy__Indicator *indicator = indicator_named(check, figure->a);
    bool number = def->type == POLICY__FIELD_DEF__TYPE__NUMBER;
    if (!indicator) {
        const char **names = NULL;
        size_t count = 0;
        for (size_t i = 0; i < check->policy->n_indicators; i++)
            CHECK_ADD(check, names, count, check->policy->indicators[i]->name);
        check_found(check, CHECK_MISTAKE, field, "没有指标 \"%s\"", "there is no indicator \"%s\"", figure->a);
        check_suggest(check, figure->a, names, count);
        return;
    }
    bool one = indicator->per == POLICY__INDICATOR__PER__SITE || indicator->per == POLICY__INDICATOR__PER__STAGE;
    if (!counted_by(indicator, figure->period))
        check_found(check, CHECK_MISTAKE, field, "指标 %s 不按此期间统计，须写入其 period",
                    "%s is not counted by that period; its `period` has to say so", figure->a);
    if (*figure->b && one)
        check_found(check, CHECK_MISTAKE, field, "指标 %s 不分部门、人员或类别，不能写 for",
                    "%s is not counted per department, handler or category, and takes no `for`", figure->a);
    else if (*figure->b)
        check_fact_known(check, field, figure->b);
    if (!number && def->type != POLICY__FIELD_DEF__TYPE__NAME)
        check_found(check, CHECK_MISTAKE, field, "指标字段的类型为 name 或 number",
                    "a field of a figure is of the type name or number");
    if (number && (indicator->figure != POLICY__INDICATOR__FIGURE__COUNT || (!one && !*figure->b)))
        check_found(check, CHECK_MISTAKE, field, "只有 count of .. 的单个指标可作 number",
                    "only one figure of count of .. can be a number");
}

/* Whoever is misspelt here would never read it. */
static void check_read(struct check *check, const char *field, const Policy__FieldDef *def)
{
    const char *place = arena_printf(check->arena, "%s.read", field);
    if (def->n_read && check_common_fact(def->name))
        check_found(
            check, CHECK_MISTAKE, place, "%s 在每份清单上：不能限定谁可看（可用 never: {.. do: see} 隐去整个案件）",
            "%s stands in every list and is shown to whoever sees the case (never: {.. do: see} hides the case)",
            def->name);
    for (size_t i = 0; i < def->n_read; i++) {
        if (check_who_known(check, def->read[i]))
            continue;
        check_found(check, CHECK_MISTAKE, place, "\"%s\" 不是角色、岗位、值班表或本制度提到的部门",
                    "\"%s\" is no role, post or roster, and no department that this policy names", def->read[i]->root);
        check_suggest_post(check, def->read[i]->root);
    }
}

void check_kind_words(struct check *check)
{
    const char *base = arena_printf(check->arena, "kinds.%s", check->kind->name);
    for (size_t i = 0; i < check->kind->n_fields; i++) {
        const Policy__FieldDef *def = check->kind->fields[i];
        const char *field = arena_printf(check->arena, "%s.fields.%s", base, def->name);
        check_condition(check, field, def->needed_if, NULL);
        check_whos(check, field, def->write, def->n_write);
        check_read(check, field, def);
        if (def->figure && def->figure->op == POLICY__FIGURE__OP__INDICATOR)
            check_published(check, field, def);
    }
    for (size_t i = 0; i < check->kind->n_steps; i++) {
        const Policy__Step *step = check->kind->steps[i];
        bool of_chain = check->kind->n_chains && (strcmp(step->name, "sign") == 0 || strcmp(step->name, "refuse") == 0);
        if (!of_chain)
            check_whos(check, arena_printf(check->arena, "%s.steps.%s", base, step->name), step->by, step->n_by);
        for (size_t d = 0; d < step->n_department_by; d++) {
            const Policy__StepBy *own = step->department_by[d];
            check_whos(check,
                       arena_printf(check->arena, "%s.departments.%s.steps.%s", base, own->department, step->name),
                       own->by, own->n_by);
        }
    }
    for (size_t i = 0; i < check->kind->n_chains; i++)
        for (size_t l = 0; l < check->kind->chains[i]->n_links; l++)
            check_who(check, arena_printf(check->arena, "%s.chains.%s", base, check->kind->chains[i]->name),
                      check->kind->chains[i]->links[l]->who);
    for (size_t i = 0; i < check->kind->n_route; i++) {
        const Policy__RouteRow *row = check->kind->route[i];
        const char *field = arena_printf(check->arena, "%s.route.%s", base, row->name);
        check_condition(check, field, row->condition, NULL);
        check_who(check, field, row->to);
        check_who(check, field, row->never);
        check_whos(check, field, row->joint, row->n_joint);
    }
    check_clock_words(check, base);
    check_rule_words(check, base);
    check_rights_words(check, base);
}

/* ---- notices and ladders ---- */

/* "{lift.inspection_until}": of the thing that a field of some kind names. */
static bool any_thing_has(const struct check *check, const char *name)
{
    struct check one = *check;
    bool has = false;
    for (size_t i = 0; i < check->policy->n_kinds && !has; i++) {
        one.kind = check->policy->kinds[i];
        has = of_thing(&one, name);
    }
    return has;
}

/* The kind in which this field is shown to some only; NULL: none. */
static const Policy__Kind *withholding_kind(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->policy->n_kinds; i++) {
        const Policy__FieldDef *def = policy_field_of_fact(check->policy->kinds[i], name);
        if (def && def->n_read)
            return check->policy->kinds[i];
    }
    return NULL;
}

/* What stands in braces is filled in by notification: its own words, facts of the case that are not sealed, and what
   the register knows of a thing. */
static void check_holes(struct check *check, const char *field, const char *text)
{
    static const char *const own[] = {"number", "clock", "due", "level", "site"};
    const char *open, *close;
    for (; (open = strchr(text, '{')) && (close = strchr(open, '}')); text = close + 1) {
        const char *name = arena_text(check->arena, open + 1, (size_t)(close - open - 1));
        bool known = check_common_fact(name) || any_field(check, name) || any_thing_has(check, name);
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            known = known || strcmp(own[i], name) == 0;
        const Policy__Kind *withholding = withholding_kind(check, name);
        if (withholding)
            check_found(check, CHECK_MISTAKE, field,
                        "{%s} 在 %s 中只给部分人看（read），而告知的内容凡见到案件者都能看到",
                        "{%s} is shown to some only (`read`, in %s), and a notice to whoever sees the case", name,
                        withholding->name);
        if (known)
            continue;
        check_found(check, CHECK_MISTAKE, field, "没有可填入 {%s} 的内容（可用：number clock due level site 及字段名）",
                    "nothing fills {%s} (accepted: number clock due level site, and fields)", name);
        check_suggest(check, name, own, sizeof own / sizeof *own);
    }
}

static void check_notice(struct check *check, const Policy__Notice *notice)
{
    const char *field = arena_printf(check->arena, "notices.%s", notice->name);
    if (notice->n_to == 0 && !check_told_elsewhere(notice->name))
        check_found(check, CHECK_MISTAKE, field, "无人可告知：缺少 to", "told to nobody: \"to\" is missing");
    if (*notice->text->zh && !*notice->text->en)
        check_found(check, CHECK_WARNING, field, "正文没有英文", "the text has no English");
    check_whos(check, field, notice->to, notice->n_to);
    check_holes(check, field, notice->text->zh);
    check_holes(check, field, notice->text->en);
    if (notice->subject) {
        check_holes(check, field, notice->subject->zh);
        check_holes(check, field, notice->subject->en);
    }
}

/* An entry without the field that its duty is counted by never has one. */
static void check_schedule(struct check *check, const Policy__Schedule *schedule)
{
    const Policy__ThingDef *thing = policy_thing(check->policy, schedule->thing);
    const char *name = schedule->kind == POLICY__SCHEDULE__KIND__BEFORE_DATE  ? schedule->field
                       : schedule->kind == POLICY__SCHEDULE__KIND__SINCE_LAST ? schedule->span_field
                                                                              : "";
    for (size_t i = 0; thing && i < thing->n_fields; i++)
        if (*name && strcmp(thing->fields[i]->name, name) == 0 &&
            thing->fields[i]->needed != POLICY__FIELD_DEF__NEEDED__ALWAYS)
            check_found(check, CHECK_WARNING, arena_printf(check->arena, "schedules.%s.every", schedule->name),
                        "%s 的 \"%s\" 可能未填，该项便永不到期：请在登记册写 needed: always",
                        "an entry of %s without \"%s\" is never due: say needed: always in the register", thing->name,
                        name);
}

void check_policy_words(struct check *check)
{
    check->kind = NULL;
    for (size_t i = 0; i < check->policy->n_schedules; i++)
        check_schedule(check, check->policy->schedules[i]);
    for (size_t i = 0; i < check->policy->n_ladders; i++) {
        const Policy__Ladder *ladder = check->policy->ladders[i];
        const char *field = arena_printf(check->arena, "ladders.%s", ladder->name);
        for (size_t r = 0; r < ladder->n_rows; r++) {
            check_whos(check, field, ladder->rows[r]->tell, ladder->rows[r]->n_tell);
            check_who(check, field, ladder->rows[r]->hand_to);
        }
    }
    for (size_t i = 0; i < check->policy->n_indicators; i++) {
        const Policy__Indicator *indicator = check->policy->indicators[i];
        const char *field = arena_printf(check->arena, "indicators.%s", indicator->name);
        check_whos(check, field, indicator->see, indicator->n_see);
        check_timeless(check, field, indicator->condition);
    }
    for (size_t i = 0; i < check->policy->n_notices; i++) {
        check_notice(check, check->policy->notices[i]);
        check_letter(check, check->policy->notices[i]);
    }
    for (size_t i = 0; i < check->policy->n_documents; i++)
        check_document(check, check->policy->documents[i]);
}
