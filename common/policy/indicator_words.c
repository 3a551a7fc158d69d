/* An indicator said to people: what is counted, of which cases, and what it is to be. */
#include "policy/words.h"

#include "policy/lookup.h"

#include <string.h>

struct saying {
    struct arena *arena;
    const Policy__Policy *policy;
    const Policy__Indicator *indicator;
    bool english;
};

static const char *pick(bool english, const Hb__Label *label, const char *otherwise)
{
    const char *text = policy_label_text(label, english);
    return *text ? text : otherwise;
}

/* Of the kinds it is about, or of all, what the first calls it that knows it. */
static const Hb__Label *label_of(const struct saying *saying, const char *name, bool clock)
{
    const Policy__Policy *policy = saying->policy;
    const Policy__Indicator *indicator = saying->indicator;
    size_t count = indicator->n_of ? indicator->n_of : policy->n_kinds;
    for (size_t i = 0; i < count; i++) {
        const Policy__Kind *kind = indicator->n_of ? policy_kind(policy, indicator->of[i]) : policy->kinds[i];
        const Policy__Clock *timed = kind && clock ? policy_clock(kind, name) : NULL;
        const Policy__Stage *stage = kind && !clock ? policy_stage(kind, name) : NULL;
        const Policy__Step *step = kind && !clock ? policy_step(kind, name) : NULL;
        if (timed || stage || step)
            return timed ? timed->label : stage ? stage->label : step->label;
    }
    return NULL;
}

static bool is_stage(const struct saying *saying, const char *name)
{
    const Policy__Policy *policy = saying->policy;
    for (size_t i = 0; i < policy->n_kinds; i++)
        if (policy_stage(policy->kinds[i], name))
            return true;
    return false;
}

/* What befalls a case: "收到"; "were received", or, of a time, "receipt". */
static const char *what_text(const struct saying *saying, const char *what, bool of_time)
{
    static const struct {
        const char *what, *zh, *en, *noun;
    } words[] = {{"received", "收到", "received", "receipt"},
                 {"closed", "办结", "closed", "closing"},
                 {"rated", "办结且主期限已有结果（按期或超期）", "closed, on time or overdue", "closing"},
                 {"on time", "主期限按期", "on time by the main deadline", "the main deadline met"},
                 {"overdue", "主期限超期", "overdue by the main deadline", "the main deadline missed"},
                 {"given back", "退单", "given back", "being given back"},
                 {"reclassified", "改变类别", "given another category", "another category"},
                 {"paused late", "临近到期时暂停计时", "paused shortly before they were due", "a late pause"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].what, what) == 0)
            return !saying->english ? words[i].zh : of_time ? words[i].noun : words[i].en;
    bool met = strncmp(what, "met ", 4) == 0, missed = strncmp(what, "missed ", 7) == 0;
    const char *name = met ? what + 4 : missed ? what + 7 : what;
    const char *label = pick(saying->english, label_of(saying, name, met || missed), name);
    const char *zh = met                      ? "“%s”按期完成"
                     : missed                 ? "“%s”超期"
                     : is_stage(saying, what) ? "进入“%s”阶段"
                                              : "办理“%s”步骤";
    const char *en = met                      ? (of_time ? "\"%s\" met in time" : "that met \"%s\" in time")
                     : missed                 ? (of_time ? "\"%s\" missed" : "that missed \"%s\"")
                     : is_stage(saying, what) ? (of_time ? "the stage \"%s\"" : "that came to the stage \"%s\"")
                     : of_time                ? "the step \"%s\""
                                              : "that went through the step \"%s\"";
    return arena_printf(saying->arena, saying->english ? en : zh, label);
}

static const char *count_text(const struct saying *saying, const char *what)
{
    return arena_printf(saying->arena, saying->english ? "cases %s" : "%s的件数", what_text(saying, what, false));
}

/* The mean, or the percentile that is asked for. */
static const char *of_all(const struct saying *saying)
{
    uint32_t percent = saying->indicator->percent;
    if (percent == 0)
        return saying->english ? "mean" : "平均值";
    if (percent == 50)
        return saying->english ? "median" : "中位数";
    return arena_printf(saying->arena, saying->english ? "%uth percentile" : "第 %u 百分位数", percent);
}

static const char *field_text(const struct saying *saying, const char *which)
{
    const Policy__Indicator *indicator = saying->indicator;
    const Policy__Kind *kind = indicator->n_of ? policy_kind(saying->policy, indicator->of[0]) : NULL;
    return arena_printf(saying->arena, saying->english ? "%s of \"%s\", of cases %s" : "“%s”的%s，限%s的案件",
                        saying->english ? which : policy_fact_text(saying->arena, kind, indicator->what, false),
                        saying->english ? policy_fact_text(saying->arena, kind, indicator->what, true) : which,
                        what_text(saying, indicator->among, false));
}

static const char *parts_text(const struct saying *saying)
{
    const Policy__Indicator *indicator = saying->indicator;
    bool english = saying->english, weight = indicator->figure == POLICY__INDICATOR__FIGURE__WEIGHT;
    const char *text = "";
    for (size_t i = 0; i < indicator->n_parts; i++) {
        const Policy__Indicator *part = policy_indicator(saying->policy, indicator->parts[i]->indicator);
        const char *name = pick(english, part ? part->label : NULL, indicator->parts[i]->indicator);
        const char *share = weight ? arena_printf(saying->arena, " × %u.%u %%", indicator->parts[i]->permille / 10,
                                                  indicator->parts[i]->permille % 10)
                                   : "";
        text = arena_printf(saying->arena, english ? "%s%s\"%s\"%s" : "%s%s“%s”%s", text,
                            i == 0    ? ""
                            : weight  ? " + "
                            : english ? ", "
                                      : "、",
                            name, share);
    }
    return weight ? text
                  : arena_printf(saying->arena, english ? "how many of these were missed: %s" : "其中未达标的项数：%s",
                                 text);
}

static const char *figure_text(const struct saying *saying)
{
    const Policy__Indicator *indicator = saying->indicator;
    bool english = saying->english;
    const Policy__ThingDef *thing;
    switch (indicator->figure) {
    case POLICY__INDICATOR__FIGURE__COUNT:
        return indicator->times ? arena_printf(saying->arena, english ? "how many times: %s" : "%s的次数",
                                               what_text(saying, indicator->what, true))
                                : count_text(saying, indicator->what);
    case POLICY__INDICATOR__FIGURE__SHARE:
        return arena_printf(saying->arena, "%s ÷ %s", count_text(saying, indicator->what),
                            count_text(saying, indicator->among));
    case POLICY__INDICATOR__FIGURE__PER_THING:
        thing = policy_thing(saying->policy, indicator->among);
        return arena_printf(saying->arena, english ? "%s ÷ entries of the register \"%s\"" : "%s ÷ 登记册“%s”的条目数",
                            count_text(saying, indicator->what),
                            pick(english, thing ? thing->label : NULL, indicator->among));
    case POLICY__INDICATOR__FIGURE__TIME:
        return arena_printf(saying->arena, english ? "time from %s to %s, %s" : "从%s到%s的时间，取%s",
                            what_text(saying, indicator->what, true), what_text(saying, indicator->among, true),
                            of_all(saying));
    case POLICY__INDICATOR__FIGURE__MEAN:
        return field_text(saying, of_all(saying));
    case POLICY__INDICATOR__FIGURE__SUM:
        return field_text(saying, english ? "sum" : "合计");
    case POLICY__INDICATOR__FIGURE__WEIGHT:
    case POLICY__INDICATOR__FIGURE__VETO:
        return parts_text(saying);
    case POLICY__INDICATOR__FIGURE__DWELL:
        return english ? "of the time from receipt to closing, the share of each stage"
                       : "从收到到办结的时间中，各阶段所占的比例";
    }
    return "";
}

const char *policy_indicator_text(struct arena *arena, const Policy__Policy *policy, const Policy__Indicator *indicator,
                                  bool english)
{
    const struct saying saying = {arena, policy, indicator, english};
    const char *text = figure_text(&saying), *kinds = "";
    const Policy__Kind *first = indicator->n_of ? policy_kind(policy, indicator->of[0]) : NULL;
    const char *where = policy_condition_text(arena, policy, first, indicator->condition, english);
    for (size_t i = 0; i < indicator->n_of; i++) {
        const Policy__Kind *kind = policy_kind(policy, indicator->of[i]);
        kinds = arena_printf(arena, "%s%s%s", kinds,
                             i == 0    ? ""
                             : english ? ", "
                                       : "、",
                             pick(english, kind ? kind->label : NULL, indicator->of[i]));
    }
    if (*kinds)
        text = arena_printf(arena, english ? "%s; of: %s" : "%s；事项：%s", text, kinds);
    return *where ? arena_printf(arena, english ? "%s; where %s" : "%s；条件：%s", text, where) : text;
}

const char *policy_target_text(struct arena *arena, const Policy__Indicator *indicator, const Policy__Target *target,
                               bool english)
{
    const char *bound = english ? (target->at_most ? "at most" : "at least") : target->at_most ? "至多" : "至少";
    if (target->than) {
        bool year = target->than == POLICY__TARGET__THAN__LAST_YEAR;
        if (english)
            return arena_printf(arena, "%s %s", target->at_most ? "below" : "above",
                                year ? "a year ago" : "the period before");
        return arena_printf(arena, "%s%s", target->at_most ? "低于" : "高于", year ? "去年同期" : "上期");
    }
    if (indicator->figure == POLICY__INDICATOR__FIGURE__TIME)
        return arena_printf(arena, english ? "%s %.4g h" : "%s %.4g 小时", bound, (double)target->value / 3600000);
    const char *number = strchr(target->text, ' '); /* ">= 95 %", as it is written */
    return arena_printf(arena, "%s%s", bound, number ? number : "");
}
