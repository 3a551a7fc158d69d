/* A condition said to people: the labels of fields and choices, and a word for each comparison. */
#include "policy/words.h"

#include "policy/lookup.h"

#include <inttypes.h>
#include <string.h>

struct saying {
    struct arena *arena;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
    const Policy__Condition *condition;
    bool english;
    size_t at; /* the node that is next */
};

const char *policy_fact_text(struct arena *arena, const Policy__Kind *kind, const char *fact, bool english)
{
    static const struct {
        const char *fact, *zh, *en;
    } words[] = {{"category", "类别", "category"},
                 {"channel", "渠道", "channel"},
                 {"due_at", "期限", "date due"},
                 {"first_contact", "首接人", "first contact"},
                 {"handler", "经办人", "handler"},
                 {"kind", "事项", "kind"},
                 {"lead", "主办部门", "lead department"},
                 {"phase", "状态", "state"},
                 {"place", "地点", "place"},
                 {"received_at", "收到时间", "time of receipt"},
                 {"registered_at", "登记时间", "time of registration"},
                 {"round", "轮次", "round"},
                 {"satisfied", "满意度", "satisfaction"},
                 {"schedule", "定期任务", "recurring duty"},
                 {"stage", "阶段", "stage"}};
    const Policy__FieldDef *field = kind ? policy_field_of_fact(kind, fact) : NULL;
    const char *label = field ? policy_label_text(field->label, english) : "";
    for (size_t i = 0; !*label && i < sizeof words / sizeof *words; i++)
        label = strcmp(words[i].fact, fact) == 0 ? (english ? words[i].en : words[i].zh) : label;
    return *label ? label : arena_printf(arena, english ? "\"%s\"" : "“%s”", fact);
}

/* What the policy calls a name that the fact may have. */
static const Hb__Label *name_label(const struct saying *saying, const char *fact, const char *name)
{
    const Policy__FieldDef *field = saying->kind ? policy_field_of_fact(saying->kind, fact) : NULL;
    const Policy__Kind *kind = strcmp(fact, "kind") == 0 ? policy_kind(saying->policy, name) : NULL;
    const Policy__Category *category = strcmp(fact, "category") == 0 ? policy_category(saying->policy, name) : NULL;
    const Policy__Stage *stage = strcmp(fact, "stage") == 0 && saying->kind ? policy_stage(saying->kind, name) : NULL;
    for (size_t i = 0; field && i < field->n_one_of; i++)
        if (strcmp(field->one_of[i]->name, name) == 0)
            return field->one_of[i]->label;
    for (size_t i = 0; strcmp(fact, "schedule") == 0 && i < saying->policy->n_schedules; i++)
        if (strcmp(saying->policy->schedules[i]->name, name) == 0)
            return saying->policy->schedules[i]->label;
    return kind ? kind->label : category ? category->label : stage ? stage->label : NULL;
}

static const char *value_text(const struct saying *saying, const char *fact, const Hb__Value *value)
{
    struct arena *arena = saying->arena;
    bool english = saying->english;
    const char *label;
    switch (value->kind_case) {
    case HB__VALUE__KIND_TEXT:
        label = policy_label_text(name_label(saying, fact, value->text), english);
        return *label ? label : arena_printf(arena, english ? "\"%s\"" : "“%s”", value->text);
    case HB__VALUE__KIND_NUMBER:
        return arena_printf(arena, "%" PRId64, value->number);
    case HB__VALUE__KIND_YES:
        return value->yes ? (english ? "yes" : "是") : english ? "no" : "否";
    case HB__VALUE__KIND_MONEY_FEN:
        return arena_printf(arena, english ? "%" PRId64 ".%02" PRId64 " yuan" : "%" PRId64 ".%02" PRId64 " 元",
                            value->money_fen / 100, value->money_fen % 100);
    case HB__VALUE__KIND_DURATION_MS:
        return arena_printf(arena, english ? "%" PRId64 " min" : "%" PRId64 " 分钟", value->duration_ms / 60000);
    case HB__VALUE__KIND_TIME_MS:
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        break;
    }
    return english ? "what the policy says" : "制度所定的值";
}

static const char *values_text(const struct saying *saying, const Policy__Node *node)
{
    const char *text = "";
    for (size_t i = 0; i < node->n_values; i++)
        text = arena_printf(saying->arena, "%s%s%s", text,
                            i == 0            ? ""
                            : saying->english ? " or "
                                              : "或",
                            value_text(saying, node->fact, node->values[i]));
    return text;
}

static const char *term_text(const struct saying *saying, const Policy__Term *term)
{
    if (term && term->unit == POLICY__TERM__UNIT__TIME_OF_DAY)
        return arena_printf(saying->arena, "%02u:%02u", term->minute_of_day / 60, term->minute_of_day % 60);
    if (term && term->unit == POLICY__TERM__UNIT__NOW)
        return saying->english ? "now" : "现在";
    if (term && term->unit == POLICY__TERM__UNIT__FIELD)
        return policy_fact_text(saying->arena, saying->kind, term->field, saying->english);
    return saying->english ? "the time that the policy says" : "制度所定的时间";
}

static const char *notice_text(const struct saying *saying, const char *name)
{
    const Policy__Notice *notice = policy_notice(saying->policy, name);
    const char *label = notice ? policy_label_text(notice->label, saying->english) : "";
    return *label ? label : name;
}

static const char *next_text(struct saying *saying, bool inner);

static const char *joined(struct saying *saying, uint32_t count, bool any, bool inner)
{
    const char *text = "";
    for (uint32_t i = 0; i < count; i++)
        text = arena_printf(saying->arena, "%s%s%s", text,
                            i == 0            ? ""
                            : saying->english ? (any ? " or " : " and ")
                            : any             ? "，或"
                                              : "，且",
                            next_text(saying, true));
    return inner && count > 1 ? arena_printf(saying->arena, saying->english ? "(%s)" : "（%s）", text) : text;
}

/* Over the parts of a field or the linked cases, whose own facts are meant. */
static const char *each_text(struct saying *saying, const Policy__Node *node)
{
    bool english = saying->english;
    const char *of = policy_fact_text(saying->arena, saying->kind, node->fact, english);
    const char *holds = joined(saying, node->count, false, false);
    const char *how = node->op == POLICY__NODE__OP__SOME    ? (english ? "one" : "有一项")
                      : node->op == POLICY__NODE__OP__EVERY ? (english ? "each" : "每一项")
                      : node->op == POLICY__NODE__OP__NONE  ? (english ? "none" : "没有一项")
                                                            : (english ? "as many as wanted" : "所定数目的项");
    return arena_printf(saying->arena, english ? "of %s %s: %s" : "%s中%s：%s", of, how, holds);
}

static const char *compared(struct saying *saying, const Policy__Node *node, const char *zh, const char *en)
{
    return arena_printf(saying->arena, saying->english ? "%s %s %s" : "%s%s%s",
                        policy_fact_text(saying->arena, saying->kind, node->fact, saying->english),
                        saying->english ? en : zh,
                        node->term ? term_text(saying, node->term) : values_text(saying, node));
}

static const char *said_of(struct saying *saying, const Policy__Node *node, const char *zh, const char *en)
{
    return arena_printf(saying->arena, saying->english ? "%s %s" : "%s%s",
                        policy_fact_text(saying->arena, saying->kind, node->fact, saying->english),
                        saying->english ? en : zh);
}

static const char *next_text(struct saying *saying, bool inner)
{
    if (saying->at >= saying->condition->n_nodes)
        return "";
    const Policy__Node *node = saying->condition->nodes[saying->at++];
    switch (node->op) {
    case POLICY__NODE__OP__ALL:
    case POLICY__NODE__OP__ANY:
        return joined(saying, node->count, node->op == POLICY__NODE__OP__ANY, inner);
    case POLICY__NODE__OP__NOT:
        return arena_printf(saying->arena, saying->english ? "not (%s)" : "并非（%s）",
                            joined(saying, node->count, false, false));
    case POLICY__NODE__OP__EQUAL:
    case POLICY__NODE__OP__SOME_LINKED:
        return compared(saying, node, "为", "is");
    case POLICY__NODE__OP__EVERY_LINKED:
        return compared(saying, node, "均为", "is always");
    case POLICY__NODE__OP__NONE_LINKED:
        return compared(saying, node, "均不为", "is never");
    case POLICY__NODE__OP__MISSING:
        return said_of(saying, node, "未填写", "is not filled in");
    case POLICY__NODE__OP__PRESENT:
        return said_of(saying, node, "已填写", "is filled in");
    case POLICY__NODE__OP__OVER:
        return compared(saying, node, "大于", "is over");
    case POLICY__NODE__OP__UNDER:
        return compared(saying, node, "小于", "is under");
    case POLICY__NODE__OP__AT_LEAST:
        return compared(saying, node, "不少于", "is at least");
    case POLICY__NODE__OP__AT_MOST:
        return compared(saying, node, "不超过", "is at most");
    case POLICY__NODE__OP__AFTER:
        return compared(saying, node, "晚于", "is after");
    case POLICY__NODE__OP__BEFORE:
        return compared(saying, node, "早于", "is before");
    case POLICY__NODE__OP__PASSED:
        return said_of(saying, node, "已过", "has passed");
    case POLICY__NODE__OP__SAME_AS:
        return arena_printf(saying->arena, saying->english ? "%s is the same as %s" : "%s与%s相同",
                            policy_fact_text(saying->arena, saying->kind, node->fact, saying->english),
                            policy_fact_text(saying->arena, saying->kind, node->other, saying->english));
    case POLICY__NODE__OP__TOLD:
        return arena_printf(saying->arena, saying->english ? "\"%s\" was delivered" : "“%s”已送达",
                            notice_text(saying, node->fact));
    case POLICY__NODE__OP__SOME:
    case POLICY__NODE__OP__EVERY:
    case POLICY__NODE__OP__NONE:
    case POLICY__NODE__OP__HOW_MANY:
        return each_text(saying, node);
    }
    return "";
}

const char *policy_condition_text(struct arena *arena, const Policy__Policy *policy, const Policy__Kind *kind,
                                  const Policy__Condition *condition, bool english)
{
    struct saying saying = {arena, policy, kind, condition, english, 0};
    const char *text = "";
    while (condition && saying.at < condition->n_nodes)
        text = arena_printf(arena, "%s%s%s", text, !*text ? "" : english ? " and " : "，且", next_text(&saying, false));
    return text;
}
