/* Names that are read as they come, and figures that are never full: a misspelt one would do nothing, in silence. */
#include "policy/check.h"

#include "base/nearest.h"
#include "message/message.h"

#include <stdlib.h>

static void check_suggest_field(struct check *check, const char *word)
{
    const char **names = NULL;
    size_t count = 0;
    for (size_t i = 0; i < check->kind->n_fields; i++)
        CHECK_ADD(check, names, count, check->kind->fields[i]->name);
    for (size_t i = 0; i < check->kind->n_steps; i++)
        CHECK_ADD(check, names, count, check->kind->steps[i]->name);
    check_suggest(check, word, names, count);
}

/* ---- fields that are set ---- */

struct asked { /* facts that conditions of a kind ask for, in order */
    struct arena *arena;
    const char **list;
    size_t count;
};

static void ask(ProtobufCMessage *message, void *context)
{
    struct asked *asked = context;
    const Policy__Node *node = (const Policy__Node *)message;
    if (message->descriptor != &policy__node__descriptor)
        return;
    CHECK_ADD(asked, asked->list, asked->count, node->fact);
    CHECK_ADD(asked, asked->list, asked->count, node->other);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A step may note what only conditions ask for. */
static bool is_asked(struct check *check, const char *fact)
{
    if (check->asked_of != check->kind) {
        struct asked asked = {.arena = check->arena};
        message_visit((ProtobufCMessage *)(uintptr_t)&check->kind->base, ask, &asked);
        if (asked.count)
            qsort(asked.list, asked.count, sizeof *asked.list, by_name);
        check->asked = asked.list;
        check->asked_count = asked.count;
        check->asked_of = check->kind;
    }
    return check->asked_count && bsearch(&fact, check->asked, check->asked_count, sizeof fact, by_name);
}

static void check_set(struct check *check, const char *field, const Hb__Fact *fact)
{
    if (policy_field_of_fact(check->kind, fact->name) || check_common_fact(fact->name) || is_asked(check, fact->name) ||
        check_broken_field(check, fact->name))
        return;
    check_found(check, CHECK_MISTAKE, field, "set：%s 没有字段 \"%s\"，也没有条件问它",
                "set: %s has no field \"%s\", and nothing asks for it", check->kind->name, fact->name);
    check_suggest_field(check, fact->name);
}

/* ---- what cases are opened, told and given for ---- */

static bool is_link(const struct check *check, const char *name)
{
    return check_any_link(check, name) || check_gathers_link(check->policy, name);
}

static void check_each(struct check *check, const char *field, const Policy__Action *action)
{
    const char *each = action->each, *dot = strchr(each, '.'); /* FIELD.LINK: of the case that the field names */
    if (!*each || action->each_who || policy_field(check->kind, each) || strcmp(each, "joint") == 0 ||
        is_link(check, dot ? dot + 1 : each) || check_broken_field(check, each))
        return;
    const char **names = NULL;
    size_t count = 0;
    for (size_t i = 0; i < check->kind->n_fields; i++)
        if (check->kind->fields[i]->type == POLICY__FIELD_DEF__TYPE__PARTS)
            CHECK_ADD(check, names, count, check->kind->fields[i]->name);
    check_found(check, CHECK_MISTAKE, field, "each：\"%s\" 不是 %s 的字段，没有以此名关联的案件，也不指任何人",
                "each: \"%s\" is no field of %s, no case is linked by it, and it names nobody", each,
                check->kind->name);
    check_suggest(check, each, names, count);
}

/* "{batch}" in `with` is copied from the case at hand. */
static void check_copied(struct check *check, const char *field, const Hb__Fact *fact)
{
    const char *text = fact->value && fact->value->kind_case == HB__VALUE__KIND_TEXT ? fact->value->text : "";
    size_t size = strlen(text);
    const char *name =
        size > 2 && text[0] == '{' && text[size - 1] == '}' ? arena_text(check->arena, text + 1, size - 2) : "kind";
    bool taker = strncmp(name, "taker.", 6) == 0 && policy_step(check->kind, name + 6);
    if (!taker && strcmp(name, "number") != 0)
        check_fact_known(check, field, name);
}

static void check_actions(struct check *check, const char *field, const Policy__Rule *rule)
{
    for (size_t a = 0; a < rule->n_then; a++) {
        const Policy__Action *action = rule->then[a];
        if (action->type == POLICY__ACTION__TYPE__SET)
            check_set(check, field, action->set);
        check_each(check, field, action);
        for (size_t i = 0; i < action->n_with; i++)
            check_copied(check, field, action->with[i]);
    }
}

/* ---- figures ---- */

static bool counts(const struct check *check, const char *name)
{
    const Policy__FieldDef *def = policy_field(check->kind, name);
    return def && (def->figure || def->type == POLICY__FIELD_DEF__TYPE__NUMBER ||
                   def->type == POLICY__FIELD_DEF__TYPE__MONEY || def->type == POLICY__FIELD_DEF__TYPE__DURATION);
}

static void check_operand(struct check *check, const char *field, const char *name)
{
    if (counts(check, name) || check_broken_field(check, name))
        return;
    check_found(check, CHECK_MISTAKE, field, "is：%s 没有数字、金额或时长字段 \"%s\"",
                "is: %s has no field of number, money or duration \"%s\"", check->kind->name, name);
    check_suggest_field(check, name);
}

/* LINK.FIELD: whatever kind is linked under this name, one has such a field. */
static bool counts_linked(const struct check *check, const char *name)
{
    const char *dot = strchr(name, '.');
    if (!dot || !is_link(check, arena_text(check->arena, name, (size_t)(dot - name))))
        return false;
    for (size_t i = 0; i < check->policy->n_kinds; i++) {
        const Policy__FieldDef *def = policy_field(check->policy->kinds[i], dot + 1);
        if (def && (def->type == POLICY__FIELD_DEF__TYPE__NUMBER || def->type == POLICY__FIELD_DEF__TYPE__MONEY ||
                    def->type == POLICY__FIELD_DEF__TYPE__DURATION))
            return true;
    }
    return false;
}

static void check_figure(struct check *check, const char *field, const Policy__Figure *figure)
{
    const Policy__FieldDef *of;
    switch (figure->op) {
    case POLICY__FIGURE__OP__FIGURE_NONE:
    case POLICY__FIGURE__OP__INDICATOR: /* check_words.c */
        return;
    case POLICY__FIGURE__OP__COUNT:
        if (policy_step(check->kind, figure->a) || policy_field(check->kind, figure->a) || is_link(check, figure->a))
            return;
        check_found(check, CHECK_MISTAKE, field,
                    "count of：\"%s\" 不是 %s 的步骤或有部分的字段，也没有以此名关联的案件",
                    "count of: \"%s\" is no step of %s and no field of parts, and no case is linked by it", figure->a,
                    check->kind->name);
        check_suggest_field(check, figure->a);
        return;
    case POLICY__FIGURE__OP__SUM:
    case POLICY__FIGURE__OP__MEAN:
        of = policy_field(check->kind, figure->a);
        if (check_broken_field(check, figure->a) || (strchr(figure->a, '.') && of && counts(check, figure->a)) ||
            counts_linked(check, figure->a))
            return;
        check_found(
            check, CHECK_MISTAKE, field,
            "sum、mean：\"%s\" 不是各部分或所关联案件的数字、金额或时长；可用：部分.字段、关联.字段，如 points.cost",
            "sum, mean: \"%s\" is no number, money or duration of parts or linked cases; accepted: PARTS.FIELD, "
            "LINK.FIELD, as points.cost",
            figure->a);
        return;
    case POLICY__FIGURE__OP__PLUS:
    case POLICY__FIGURE__OP__MINUS:
    case POLICY__FIGURE__OP__QUOTIENT:
        check_operand(check, field, figure->b);
        check_operand(check, field, figure->a);
        return;
    case POLICY__FIGURE__OP__PERCENT_OF:
        check_operand(check, field, figure->a);
        return;
    }
}

/* ---- rights ---- */

/* What may be done besides steps. */
static bool is_act(const char *act)
{
    static const char *const acts[] = {"see", "any", "register", "unseal", "attach_file", "extend"};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (strcmp(acts[i], act) == 0)
            return true;
    return false;
}

static bool any_step(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->policy->n_kinds; i++)
        if (policy_step(check->policy->kinds[i], name))
            return true;
    return false;
}

/* `check->kind` NULL: of any kind. */
static void check_acts(struct check *check, const char *field, char *const *acts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool known = check->kind ? policy_step(check->kind, acts[i]) != NULL : any_step(check, acts[i]);
        const char **names = NULL;
        size_t names_count = 0;
        if (known || is_act(acts[i]))
            continue;
        for (size_t s = 0; check->kind && s < check->kind->n_steps; s++)
            CHECK_ADD(check, names, names_count, check->kind->steps[s]->name);
        check_found(check, CHECK_MISTAKE, field,
                    "do：没有步骤 \"%s\"（也可用：see register unseal attach_file extend any）",
                    "do: there is no step \"%s\" (also accepted: see register unseal attach_file extend any)", acts[i]);
        check_suggest(check, acts[i], names, names_count);
    }
}

/* Who must decide an amount must be able to take the step: of a step for posts alone those are known. */
static bool takes(const struct check *check, const Policy__Step *step, const Policy__Post *post)
{
    for (size_t i = 0; i < step->n_by; i++) {
        const Policy__Who *who = step->by[i];
        bool named = who->n_of == 0 && policy_post(check->policy, who->root);
        bool handler = who->n_of == 0 && strcmp(who->root, "handler") == 0;
        if (named ? strcmp(who->root, post->name) == 0 : !(handler && post->handles_nothing))
            return true;
    }
    for (size_t i = 0; i < check->kind->n_may; i++)
        for (size_t a = 0; a < check->kind->may[i]->n_acts; a++)
            if (strcmp(check->kind->may[i]->acts[a], step->name) == 0)
                return true;
    return step->override || step->n_department_by;
}

static void check_limits(struct check *check, const char *base)
{
    for (size_t i = 0; i < check->kind->n_limits; i++) {
        const Policy__Limits *limits = check->kind->limits[i];
        const Policy__Step *step = policy_step(check->kind, limits->step);
        for (size_t r = 0; step && r < limits->n_rows; r++) {
            const Policy__Post *post = policy_post(check->policy, limits->rows[r]->post);
            if (post && step->n_by && !takes(check, step, post))
                check_found(
                    check, CHECK_MISTAKE, arena_printf(check->arena, "%s.limits.%s", base, limits->name),
                    "%s 不在步骤 %s 的 by 中：轮到该岗位的金额无人可办；请写入 by，或从 limits 去掉",
                    "%s is not among those who take %s (by): an amount that is for this post waits for ever; add "
                    "it to `by`, or leave it out here",
                    post->name, step->name);
        }
    }
}

/* ---- numbers ---- */

/* {n}, {nnn}: as wide as there are letters. */
static bool is_running(const char *name)
{
    return *name && strspn(name, "n") == strlen(name);
}

static void check_number(struct check *check, const char *field, const char *pattern, const char *const *words,
                         size_t count, const char *accepted)
{
    const char *open, *close;
    for (; (open = strchr(pattern, '{')) && (close = strchr(open, '}')); pattern = close + 1) {
        const char *name = arena_text(check->arena, open + 1, (size_t)(close - open - 1));
        bool known = is_running(name);
        for (size_t i = 0; i < count; i++)
            known = known || strcmp(words[i], name) == 0;
        if (known)
            continue;
        check_found(check, CHECK_MISTAKE, field, "number：没有可填入 {%s} 的内容（可用：%s）",
                    "number: nothing fills {%s} (accepted: %s)", name, accepted);
        check_suggest(check, name, words, count);
    }
}

void check_kind_names(struct check *check)
{
    static const char *const words[] = {"date", "month", "kind", "site"};
    const Policy__Kind *kind = check->kind;
    const char *base = arena_printf(check->arena, "kinds.%s", kind->name);
    check_number(check, arena_printf(check->arena, "%s.number", base), kind->number, words, 4,
                 "{date} {month} {kind} {site} {nnn}");
    check_who(check, arena_printf(check->arena, "%s.returns", base), kind->returns_to);
    for (size_t i = 0; i < kind->n_fields; i++)
        if (kind->fields[i]->figure)
            check_figure(check, arena_printf(check->arena, "%s.fields.%s", base, kind->fields[i]->name),
                         kind->fields[i]->figure);
    for (size_t i = 0; i < kind->n_steps; i++)
        for (size_t s = 0; s < kind->steps[i]->n_set; s++)
            check_set(check, arena_printf(check->arena, "%s.steps.%s", base, kind->steps[i]->name),
                      kind->steps[i]->set[s]);
    for (size_t i = 0; i < kind->n_rules; i++)
        check_actions(check, arena_printf(check->arena, "%s.rules.%s", base, kind->rules[i]->name), kind->rules[i]);
    for (size_t i = 0; i < kind->n_may; i++)
        check_acts(check, arena_printf(check->arena, "%s.may.%s", base, kind->may[i]->name), kind->may[i]->acts,
                   kind->may[i]->n_acts);
    for (size_t i = 0; i < kind->n_never; i++)
        check_acts(check, arena_printf(check->arena, "%s.never.%s", base, kind->never[i]->name), kind->never[i]->acts,
                   kind->never[i]->n_acts);
    check_limits(check, base);
}

/* ---- notices, documents, posts ---- */

static bool is_way(const char *word)
{
    bool known = strcmp(word, "portal") == 0;
    for (size_t i = 0; policy_channels[i]; i++)
        known = known || strcmp(word, policy_channels[i]) == 0;
    return known;
}

static void check_ways(struct check *check, const char *field, const Policy__Notice *notice)
{
    const char **names = NULL;
    size_t count = 0;
    bool portal = notice->n_by > 0;
    CHECK_ADD(check, names, count, "portal");
    for (size_t i = 0; policy_channels[i]; i++)
        CHECK_ADD(check, names, count, policy_channels[i]);
    for (size_t i = 0; i < notice->n_by; i++) {
        portal = portal && strcmp(notice->by[i], "portal") == 0;
        if (is_way(notice->by[i]))
            continue;
        if (nearest_word(notice->by[i], names, count))
            check_found(
                check, CHECK_MISTAKE, field, "没有渠道 \"%s\"（可用：email portal phone sms wechat app letter）",
                "there is no channel \"%s\" (accepted: email portal phone sms wechat app letter)", notice->by[i]);
        else
            check_found(check, CHECK_WARNING, field, "渠道 \"%s\" 没有程序发送：由人告知",
                        "no program sends by \"%s\": a person has to tell it", notice->by[i]);
        check_suggest(check, notice->by[i], names, count);
    }
    for (size_t i = 0; portal && i < notice->n_to; i++)
        if (strcmp(notice->to[i]->root, "complainant") != 0 && *notice->to[i]->root)
            check_found(check, CHECK_WARNING, field, "门户（portal）只有投诉人可看：%s 收不到；可加 email",
                        "only the complainant reads the portal: %s is not told; `by` may say email as well",
                        notice->to[i]->root);
}

static bool is_somebody(const Policy__FieldDef *def)
{
    switch (def->type) {
    case POLICY__FIELD_DEF__TYPE__PERSON:
    case POLICY__FIELD_DEF__TYPE__DEPARTMENT:
    case POLICY__FIELD_DEF__TYPE__PLACE:
    case POLICY__FIELD_DEF__TYPE__THING:
    case POLICY__FIELD_DEF__TYPE__CHOICE: /* departments */
    case POLICY__FIELD_DEF__TYPE__PARTS:
        return true;
    case POLICY__FIELD_DEF__TYPE__TEXT:
    case POLICY__FIELD_DEF__TYPE__YES_NO:
    case POLICY__FIELD_DEF__TYPE__NUMBER:
    case POLICY__FIELD_DEF__TYPE__MONEY:
    case POLICY__FIELD_DEF__TYPE__TIME:
    case POLICY__FIELD_DEF__TYPE__DURATION:
    case POLICY__FIELD_DEF__TYPE__FILE:
    case POLICY__FIELD_DEF__TYPE__NAME:
    case POLICY__FIELD_DEF__TYPE__CHECKLIST:
        break;
    }
    return false;
}

/* A field that holds a person or a department in some kind. */
static void check_addressee(struct check *check, const char *field, const Policy__Who *who)
{
    bool field_named = false, somebody = check_role(who->root) || policy_post(check->policy, who->root) ||
                                         policy_roster(check->policy, who->root);
    for (size_t i = 0; i < check->policy->n_kinds && !somebody; i++) {
        const Policy__FieldDef *def = policy_field(check->policy->kinds[i], who->root);
        field_named = field_named || def;
        somebody = def && is_somebody(def);
    }
    if (field_named && !somebody && !(who->n_of && strcmp(who->of[who->n_of - 1], "taker") == 0))
        check_found(check, CHECK_MISTAKE, field, "字段 \"%s\" 不指任何人：须为 type: person 或 department",
                    "the field \"%s\" names nobody: one of type: person or department is accepted", who->root);
}

static void check_notice_names(struct check *check, const Policy__Notice *notice)
{
    const char *field = arena_printf(check->arena, "notices.%s", notice->name);
    check_ways(check, field, notice);
    for (size_t i = 0; i < notice->n_to; i++)
        check_addressee(check, field, notice->to[i]);
}

static void check_document_names(struct check *check, const Policy__DocumentDef *document)
{
    static const char *const words[] = {"case", "code"};
    const char *field = arena_printf(check->arena, "documents.%s", document->name);
    check_number(check, field, document->number, words, 2, "{case} {code} {n}");
    for (size_t i = 0; i < document->n_copies; i++) {
        Policy__Who who = POLICY__WHO__INIT;
        who.root = document->copies[i];
        if (check_who_known(check, &who))
            continue;
        check_found(check, CHECK_WARNING, field, "copies：\"%s\" 不是本制度的岗位：站点须有同名部门",
                    "copies: \"%s\" is no post of this policy: a department of the site must bear that name", who.root);
        check_suggest_post(check, who.root);
    }
}

/* Each circle once: of the post in it that stands first. */
static void check_superiors(struct check *check)
{
    for (size_t i = 0; i < check->policy->n_posts; i++) {
        const Policy__Post *first = check->policy->posts[i], *post = first;
        const char *way = first->name;
        bool earlier = false;
        for (size_t steps = 0; post && *post->superior && steps <= check->policy->n_posts && !earlier; steps++) {
            post = policy_post(check->policy, post->superior);
            way = post && steps < 8 ? arena_printf(check->arena, "%s → %s", way, post->name) : way;
            for (size_t e = 0; e < i; e++)
                earlier = earlier || post == check->policy->posts[e];
            if (post != first || earlier)
                continue;
            check_found(check, CHECK_MISTAKE, arena_printf(check->arena, "posts.%s", first->name), "上级成环：%s",
                        "superiors in a circle: %s", way);
            break;
        }
    }
}

void check_policy_names(struct check *check)
{
    check->kind = NULL;
    for (size_t i = 0; i < check->policy->n_notices; i++)
        check_notice_names(check, check->policy->notices[i]);
    for (size_t i = 0; i < check->policy->n_documents; i++)
        check_document_names(check, check->policy->documents[i]);
    for (size_t i = 0; i < check->policy->n_never; i++)
        check_acts(check, arena_printf(check->arena, "never.%s", check->policy->never[i]->name),
                   check->policy->never[i]->acts, check->policy->never[i]->n_acts);
    check_superiors(check);
}
