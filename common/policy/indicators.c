/* Indicators: figures with targets, counted by analytics. What a figure may count: stages and steps of the kinds, and a
   few words that every case knows. */
#include "policy/internal.h"

#include <stdlib.h>

/* What is counted of every case, whatever its policy. The last two are what a figure would be dressed up by. */
static const char *const words[] = {"received", "closed",     "rated",        "on time",
                                    "overdue",  "given back", "reclassified", "paused late"};
#define WORDS (sizeof words / sizeof *words)

static bool begins_with(const char **text, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(*text, word, size) != 0)
        return false;
    *text += size;
    return true;
}

static bool known_to(const Policy__Kind *kind, const char *name)
{
    const char *clock = name;
    if (begins_with(&clock, "met ") || begins_with(&clock, "missed "))
        return policy_clock(kind, clock) != NULL;
    return policy_stage(kind, name) || policy_step(kind, name);
}

static bool is_word(const char *name)
{
    for (size_t i = 0; i < WORDS; i++)
        if (strcmp(words[i], name) == 0)
            return true;
    return false;
}

/* Of named kinds each must know it; where none is named, one. */
static void check_name(struct compile *compile, json_t *node, const Policy__Indicator *indicator, const char *name)
{
    const Policy__Policy *policy = compile->policy;
    bool known = is_word(name);
    for (size_t i = 0; !known && !indicator->n_of && i < policy->n_kinds; i++)
        known = known_to(policy->kinds[i], name);
    if (!indicator->n_of && !known)
        mistake(compile, node,
                "没有可计数的 \"%s\"：阶段、步骤、met 时限、missed 时限，或 received closed rated on time overdue "
                "given back reclassified paused late",
                "nothing is called \"%s\": a stage, a step, met CLOCK, missed CLOCK are counted, and received, closed, "
                "on time, "
                "overdue, given back, reclassified, paused late",
                name);
    for (size_t i = 0; !known && i < indicator->n_of; i++) {
        const Policy__Kind *kind = policy_kind(policy, indicator->of[i]);
        if (!kind || known_to(kind, name))
            continue;
        mistake(compile, node,
                "%s 没有阶段、步骤或时限 \"%s\"（也可用 received closed rated on time overdue given back reclassified "
                "paused late）",
                "%s has no stage, step or clock \"%s\" (also counted: received, closed, rated, on time, overdue, "
                "given back, reclassified, paused "
                "late)",
                kind->name, name);
        SUGGEST(compile, name, kind->stages, kind->n_stages);
    }
}

/* Grades: a choice whose labels are numbers counts as that number. */
static bool is_grade(const Policy__FieldDef *field)
{
    char *end;
    for (size_t i = 0; i < field->n_one_of; i++) {
        const char *zh = field->one_of[i]->label ? field->one_of[i]->label->zh : "";
        (void)!strtod(zh, &end);
        if (!*zh || *end)
            return false;
    }
    return field->n_one_of > 0;
}

static void check_field(struct compile *compile, json_t *node, const Policy__Indicator *indicator, const char *name)
{
    for (size_t i = 0; i < indicator->n_of; i++) {
        const Policy__Kind *kind = policy_kind(compile->policy, indicator->of[i]);
        const Policy__FieldDef *field = kind ? policy_field(kind, name) : NULL;
        bool counts = field && (field->type == POLICY__FIELD_DEF__TYPE__NUMBER || field->figure ||
                                field->type == POLICY__FIELD_DEF__TYPE__MONEY || is_grade(field));
        if (kind && !counts)
            mistake(compile, node, "%s 没有数字、金额或分数字段 \"%s\"",
                    "%s has no field of number, money or grades \"%s\"", kind->name, name);
    }
    if (!indicator->n_of)
        mistake(compile, node, "mean、sum 须写明 of：哪些事项", "mean and sum need \"of\": cases of which kinds");
}

/* ---- figure ---- */

static char *before_slash(struct compile *compile, const char *text, const char **after_out)
{
    const char *slash = strstr(text, " / ");
    *after_out = slash ? slash + 3 : NULL;
    return slash ? arena_text(compile->arena, text, (size_t)(slash - text)) : arena_strdup(compile->arena, text);
}

static bool figure_count(struct compile *compile, json_t *node, const char *text, Policy__Indicator *indicator)
{
    const char *share;
    indicator->times = begins_with(&text, "times ");
    indicator->what = before_slash(compile, text, &share);
    if (!share)
        indicator->figure = POLICY__INDICATOR__FIGURE__COUNT;
    else if (indicator->times || !begins_with(&share, "count of "))
        return false;
    else
        indicator->figure = policy_thing(compile->policy, share) ? POLICY__INDICATOR__FIGURE__PER_THING
                                                                 : POLICY__INDICATOR__FIGURE__SHARE;
    indicator->among = arena_strdup(compile->arena, share ? share : "");
    check_name(compile, node, indicator, indicator->what);
    if (share && indicator->figure == POLICY__INDICATOR__FIGURE__SHARE)
        check_name(compile, node, indicator, indicator->among);
    return true;
}

/* "median of", "90th percentile of"; 0 and `text` as it was: neither. */
static uint32_t percent_of(const char **text)
{
    const char *rest = *text;
    if (begins_with(text, "median of "))
        return 50;
    size_t digits = strspn(rest, "0123456789");
    uint32_t percent = digits >= 1 && digits <= 2 ? (uint32_t)strtoul(rest, NULL, 10) : 0;
    rest += digits;
    bool ordinal = begins_with(&rest, "st ") || begins_with(&rest, "nd ") || begins_with(&rest, "rd ") ||
                   begins_with(&rest, "th ");
    if (!percent || !ordinal || !begins_with(&rest, "percentile of "))
        return 0;
    *text = rest;
    return percent;
}

static bool figure_time(struct compile *compile, json_t *node, const char *text, Policy__Indicator *indicator)
{
    const char *to = strstr(text, " to ");
    if (!to)
        return false;
    indicator->figure = POLICY__INDICATOR__FIGURE__TIME;
    indicator->what = arena_text(compile->arena, text, (size_t)(to - text));
    indicator->among = arena_strdup(compile->arena, to + 4);
    check_name(compile, node, indicator, indicator->what);
    check_name(compile, node, indicator, indicator->among);
    return true;
}

/* "mean of rating", "sum of cost in closed"; without `in` of closed cases. */
static bool figure_field(struct compile *compile, json_t *node, const char *text, Policy__Indicator *indicator,
                         Policy__Indicator__Figure figure)
{
    const char *in = strstr(text, " in ");
    indicator->figure = figure;
    indicator->what = in ? arena_text(compile->arena, text, (size_t)(in - text)) : arena_strdup(compile->arena, text);
    indicator->among = arena_strdup(compile->arena, in ? in + 4 : "closed");
    check_field(compile, node, indicator, indicator->what);
    check_name(compile, node, indicator, indicator->among);
    return true;
}

/* "share of time": of the time from receipt to closing, what each stage took. */
static bool figure_dwell(const char *text, Policy__Indicator *indicator)
{
    if (*text)
        return false;
    indicator->figure = POLICY__INDICATOR__FIGURE__DWELL;
    return true;
}

static void figure_of_indicator(struct compile *compile, json_t *node, Policy__Indicator *indicator)
{
    const char *text = text_of(compile, node);
    indicator->text = arena_strdup(compile->arena, text);
    indicator->percent = percent_of(&text);
    bool good =
        indicator->percent && begins_with(&text, "time from ") ? figure_time(compile, node, text, indicator)
        : indicator->percent ? figure_field(compile, node, text, indicator, POLICY__INDICATOR__FIGURE__MEAN)
        : begins_with(&text, "count of ")          ? figure_count(compile, node, text, indicator)
        : begins_with(&text, "mean of time from ") ? figure_time(compile, node, text, indicator)
        : begins_with(&text, "share of time")      ? figure_dwell(text, indicator)
        : begins_with(&text, "mean of ") ? figure_field(compile, node, text, indicator, POLICY__INDICATOR__FIGURE__MEAN)
        : begins_with(&text, "sum of ")  ? figure_field(compile, node, text, indicator, POLICY__INDICATOR__FIGURE__SUM)
                                         : false;
    if (!good)
        mistake(compile, node,
                "不是指标：可用 count of A、count of times A、count of A / count of B、mean of time from A to B、mean "
                "of FIELD、sum of FIELD、share of time；mean 处亦可用 median、90th percentile（1 至 99）",
                "this is no figure of an indicator: count of A, count of times A, count of A / count of B, mean of "
                "time from A to B, mean of FIELD, sum of FIELD, share of time are accepted; for mean also median, 90th "
                "percentile (1 to 99)");
}

/* ---- of other indicators ---- */

static const Policy__Indicator *indicator_named(const struct compile *compile, const char *name)
{
    for (size_t i = 0; i < compile->policy->n_indicators; i++)
        if (strcmp(compile->policy->indicators[i]->name, name) == 0)
            return compile->policy->indicators[i];
    return NULL;
}

static void add_part(struct compile *compile, json_t *node, Policy__Indicator *indicator, const char *name,
                     uint32_t permille)
{
    const Policy__Indicator *other = indicator_named(compile, name);
    Policy__Share *part = POLICY_NEW(compile, Policy__Share, POLICY__SHARE__INIT);
    part->indicator = arena_strdup(compile->arena, name);
    part->permille = permille;
    POLICY_ADD(compile, indicator->parts, indicator->n_parts, part);
    if (!other) {
        mistake(compile, node, "之前没有指标 \"%s\"", "there is no indicator \"%s\" before this one", name);
        SUGGEST(compile, name, compile->policy->indicators, compile->policy->n_indicators);
    } else if (indicator->figure == POLICY__INDICATOR__FIGURE__WEIGHT &&
               other->figure != POLICY__INDICATOR__FIGURE__SHARE) {
        mistake(compile, node, "只有比率可以加权：\"%s\" 不是", "only shares can be weighted; \"%s\" is none", name);
    } else if (indicator->figure == POLICY__INDICATOR__FIGURE__VETO && !other->n_targets) {
        mistake(compile, node, "\"%s\" 没有目标，无从否决", "\"%s\" has no target that could be missed", name);
    }
}

/* "97.8 %" in permille; false: it is none. */
static bool percent_parse(const char *text, int64_t *permille_out)
{
    char *end;
    double value = strtod(text, &end);
    while (*end == ' ')
        end++;
    *permille_out = (int64_t)(value * 10 + 0.5);
    return end != text && strcmp(end, "%") == 0 && value >= 0 && value <= 100000;
}

static void parts_of(struct compile *compile, json_t *item, Policy__Indicator *indicator)
{
    json_t *weight = json_object_get(item, "weight"), *veto = json_object_get(item, "veto"), *node;
    const char *name;
    int64_t permille, all = 0;
    size_t i;
    indicator->figure = weight ? POLICY__INDICATOR__FIGURE__WEIGHT : POLICY__INDICATOR__FIGURE__VETO;
    indicator->text = json_dumps(weight ? weight : veto, JSON_COMPACT | JSON_ENCODE_ANY);
    char *kept = arena_printf(compile->arena, "%s %s", weight ? "weight" : "veto", indicator->text);
    free(indicator->text);
    indicator->text = kept;
    json_object_foreach(weight, name, node) {
        if (!percent_parse(text_of(compile, node), &permille))
            mistake(compile, node, "须为百分比，如 40 %%", "a percentage is accepted, as 40 %%");
        add_part(compile, node, indicator, name, (uint32_t)permille);
        all += permille;
    }
    json_array_foreach(veto, i, node)
        add_part(compile, node, indicator, text_of(compile, node), 0);
    if (weight && all != 1000)
        mistake(compile, weight, "权重之和须为 100 %%", "the weights must add up to 100 %%");
    if (!indicator->n_parts)
        mistake(compile, item, "weight 须为指标及百分比，veto 须为指标列表",
                "weight takes indicators with percentages, veto a list of indicators");
}

/* ---- targets ---- */

static bool target_number(const char *text, double scale, int64_t *out)
{
    char *end;
    double value = strtod(text, &end);
    *out = (int64_t)(value * scale + 0.5);
    return end != text && *end == 0 && value >= 0 && value < 1e12;
}

static bool span_of(const char *text, int64_t *ms_out)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"min", 60000}, {"h", 3600000}, {"day", 86400000}, {"days", 86400000}};
    char *end;
    double value = strtod(text, &end);
    while (*end == ' ')
        end++;
    for (size_t i = 0; end != text && i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0) {
            *ms_out = (int64_t)(value * (double)units[i].ms + 0.5);
            return value >= 0;
        }
    return false;
}

static void target_value(struct compile *compile, json_t *node, const Policy__Indicator *indicator,
                         Policy__Target *target)
{
    const char *text = text_of(compile, node);
    bool share = indicator->figure == POLICY__INDICATOR__FIGURE__SHARE ||
                 indicator->figure == POLICY__INDICATOR__FIGURE__PER_THING ||
                 indicator->figure == POLICY__INDICATOR__FIGURE__DWELL ||
                 indicator->figure == POLICY__INDICATOR__FIGURE__WEIGHT;
    bool good = share                                                  ? percent_parse(text, &target->value)
                : indicator->figure == POLICY__INDICATOR__FIGURE__TIME ? span_of(text, &target->value)
                                                                       : target_number(text, 1000, &target->value);
    target->text = arena_printf(compile->arena, "%s %s", target->at_most ? "<=" : ">=", text);
    if (!good)
        mistake(compile, node, "目标须为 %s", "a target as %s is accepted",
                share                                                  ? "95 %"
                : indicator->figure == POLICY__INDICATOR__FIGURE__TIME ? "48 h"
                                                                       : "4.5");
}

/* "2025", "2025-Q1", "2025-03". */
static bool is_period(const char *text)
{
    size_t size = strlen(text), digits = strspn(text, "0123456789");
    if (digits != 4 || (size != 4 && (size != 7 || text[4] != '-')))
        return false;
    if (size == 4 || text[5] == 'Q')
        return size == 4 || (text[6] >= '1' && text[6] <= '4');
    int month = strspn(text + 5, "0123456789") == 2 ? (int)strtol(text + 5, NULL, 10) : 0;
    return month >= 1 && month <= 12;
}

static char *first_quarter(struct compile *compile)
{
    const Policy__Policy *policy = compile->policy;
    const char *date = policy->n_packs ? policy->packs[policy->n_packs - 1]->in_force : "";
    int month = strlen(date) == 10 ? (int)strtol(date + 5, NULL, 10) : 0;
    return month ? arena_printf(compile->arena, "%.4s-Q%d", date, (month - 1) / 3 + 1) : NULL;
}

static char *target_period(struct compile *compile, json_t *node)
{
    const char *text = node ? text_of(compile, node) : "";
    if (strcmp(text, "first quarter in force") == 0) {
        char *quarter = first_quarter(compile);
        if (!quarter)
            mistake(compile, node, "制度未写明 in_force", "the pack does not say in_force");
        return quarter ? quarter : "";
    }
    if (*text && !is_period(text))
        mistake(compile, node, "不是期间，如 2025、2025-Q1、2025-03 或 first quarter in force",
                "this is no period; 2025, 2025-Q1, 2025-03, first quarter in force are accepted");
    return arena_strdup(compile->arena, text);
}

/* `falls: previous`, `rises: last year`: against the period before, or the same a year ago. */
static void target_change(struct compile *compile, json_t *node, const Policy__Indicator *indicator,
                          Policy__Target *target)
{
    const char *text = text_of(compile, node);
    bool previous = strcmp(text, "previous") == 0;
    target->than = previous ? POLICY__TARGET__THAN__PREVIOUS : POLICY__TARGET__THAN__LAST_YEAR;
    target->text = arena_printf(compile->arena, "%s %s", target->at_most ? "<" : ">", text);
    if (!previous && strcmp(text, "last year") != 0)
        mistake(compile, node, "须为 previous 或 last year", "previous or \"last year\" is accepted");
    if (indicator->figure == POLICY__INDICATOR__FIGURE__VETO)
        mistake(compile, node, "veto 依各指标判定，不能有目标", "a veto is judged by its parts, and takes no target");
}

static void target_of(struct compile *compile, json_t *node, Policy__Indicator *indicator)
{
    ONLY_KEYS(compile, node, "at_least", "at_most", "falls", "rises", "for", "since");
    Policy__Target *target = POLICY_NEW(compile, Policy__Target, POLICY__TARGET__INIT);
    json_t *least = json_object_get(node, "at_least"), *most = json_object_get(node, "at_most");
    json_t *falls = json_object_get(node, "falls"), *rises = json_object_get(node, "rises");
    target->at_most = most || falls;
    if (!least + !most + !falls + !rises != 3)
        mistake(compile, node, "须为 at_least、at_most、falls、rises 之一",
                "at_least, at_most, falls or rises is needed, one of them");
    else if (falls || rises)
        target_change(compile, falls ? falls : rises, indicator, target);
    else
        target_value(compile, most ? most : least, indicator, target);
    target->only = target_period(compile, json_object_get(node, "for"));
    target->since = target_period(compile, json_object_get(node, "since"));
    POLICY_ADD(compile, indicator->targets, indicator->n_targets, target);
}

static void targets_of(struct compile *compile, json_t *node, Policy__Indicator *indicator)
{
    json_t *one;
    size_t i;
    if (json_is_array(node))
        json_array_foreach(node, i, one)
            target_of(compile, one, indicator);
    else if (node)
        target_of(compile, node, indicator);
}

/* ---- the rest ---- */

static void periods_of(struct compile *compile, json_t *node, Policy__Indicator *indicator)
{
    char **names = NULL;
    size_t count = 0;
    texts_of(compile, node, &names, &count);
    for (size_t i = 0; i < count; i++) {
        int period = period_parse(names[i]);
        if (period < POLICY__TERM__PERIOD__HALF_MONTH)
            mistake(compile, node, "期间须为 half month、month、quarter 或 year",
                    "a period is half month, month, quarter or year");
        POLICY_ADD(compile, indicator->periods, indicator->n_periods, (Policy__Term__Period)period);
    }
    if (!count)
        POLICY_ADD(compile, indicator->periods, indicator->n_periods, POLICY__TERM__PERIOD__MONTH);
}

static void per_of(struct compile *compile, json_t *node, Policy__Indicator *indicator)
{
    static const char *const names[] = {"site", "department", "handler", "stage", "category", "first_contact"};
    const char *text = node ? text_of(compile, node) : "site";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], text) == 0) {
            indicator->per = (Policy__Indicator__Per)i;
            return;
        }
    mistake(compile, node, "per 须为 site、department、handler、first_contact、category 或 stage",
            "per is site, department, handler, first_contact, category or stage");
}

static void kinds_known(struct compile *compile, json_t *node, const Policy__Indicator *indicator)
{
    for (size_t i = 0; i < indicator->n_of; i++)
        if (!policy_kind(compile->policy, indicator->of[i])) {
            mistake(compile, node, "没有事项 \"%s\"", "there is no kind \"%s\"", indicator->of[i]);
            SUGGEST(compile, indicator->of[i], compile->policy->kinds, compile->policy->n_kinds);
        }
}

static void where_of(struct compile *compile, json_t *node, Policy__Indicator *indicator)
{
    if (!node)
        return;
    compile->kind = indicator->n_of ? policy_kind(compile->policy, indicator->of[0]) : NULL;
    if (!compile->kind)
        mistake(compile, node, "where 须写明 of：哪些事项", "\"where\" needs \"of\": cases of which kinds");
    else
        indicator->condition = condition_of(compile, node);
    compile->kind = NULL;
    char *text = json_dumps(node, JSON_COMPACT | JSON_ENCODE_ANY);
    indicator->where = arena_strdup(compile->arena, text);
    free(text);
}

/* "lowest 5 %", "highest 10 %": of all whom the indicator is about. */
static void rank_of(struct compile *compile, json_t *node, Policy__Indicator *indicator)
{
    const char *text = node ? text_of(compile, node) : "";
    int64_t permille = 0;
    if (!node)
        return;
    indicator->ranked = true;
    indicator->highest = begins_with(&text, "highest ");
    if ((!indicator->highest && !begins_with(&text, "lowest ")) || !percent_parse(text, &permille) || permille < 1 ||
        permille > 1000)
        mistake(compile, node, "可用：lowest 5 %%、highest 10 %%", "accepted: lowest 5 %%, highest 10 %%");
    if (indicator->per == POLICY__INDICATOR__PER__SITE || indicator->per == POLICY__INDICATOR__PER__STAGE)
        mistake(compile, node, "排名须有 per: department、handler、first_contact 或 category",
                "a rank needs per: department, handler, first_contact or category");
    indicator->rank_permille = (uint32_t)permille;
}

static void indicator_of(struct compile *compile, const char *name, json_t *item)
{
    ONLY_KEYS(compile, item, "clause", "name", "of", "where", "figure", "target", "period", "per", "weight", "veto",
              "in_a_row", "trend", "rank", "see");
    Policy__Indicator *indicator = POLICY_NEW(compile, Policy__Indicator, POLICY__INDICATOR__INIT);
    json_t *figure = json_object_get(item, "figure"), *row = json_object_get(item, "in_a_row");
    json_t *trend = json_object_get(item, "trend");
    bool parts = json_object_get(item, "weight") || json_object_get(item, "veto");
    indicator->name = arena_strdup(compile->arena, name);
    label_of(compile, item, "name", &indicator->label, true);
    clauses_of(compile, item, &indicator->clauses, &indicator->n_clauses, true);
    texts_of(compile, json_object_get(item, "of"), &indicator->of, &indicator->n_of);
    kinds_known(compile, json_object_get(item, "of"), indicator);
    where_of(compile, json_object_get(item, "where"), indicator);
    if (parts == (figure != NULL))
        mistake(compile, item, "须有 figure、weight、veto 之一", "figure, weight or veto is needed, one of them");
    else if (parts)
        parts_of(compile, item, indicator);
    else
        figure_of_indicator(compile, figure, indicator);
    targets_of(compile, json_object_get(item, "target"), indicator);
    periods_of(compile, json_object_get(item, "period"), indicator);
    per_of(compile, json_object_get(item, "per"), indicator);
    rank_of(compile, json_object_get(item, "rank"), indicator);
    whos_of(compile, json_object_get(item, "see"), &indicator->see, &indicator->n_see);
    if ((indicator->figure == POLICY__INDICATOR__FIGURE__DWELL) != (indicator->per == POLICY__INDICATOR__PER__STAGE))
        mistake(compile, item, "share of time 与 per: stage 须同用",
                "\"share of time\" and \"per: stage\" go together");
    if (indicator->figure == POLICY__INDICATOR__FIGURE__PER_THING && indicator->per != POLICY__INDICATOR__PER__SITE)
        mistake(compile, json_object_get(item, "per"), "以登记册为分母的只能按 site",
                "of a register's entries: per site only");
    indicator->in_a_row = row ? (uint32_t)strtoul(text_of(compile, row), NULL, 10) : 0;
    if (row && (indicator->in_a_row < 2 || indicator->in_a_row > 36))
        mistake(compile, row, "in_a_row 为 2 至 36", "in_a_row is 2 to 36");
    indicator->trend = trend ? (uint32_t)strtoul(text_of(compile, trend), NULL, 10) : 0;
    if (trend && (indicator->trend < 2 || indicator->trend > 36))
        mistake(compile, trend, "trend 为 2 至 36 个期间", "trend is 2 to 36 periods");
    POLICY_ADD(compile, compile->policy->indicators, compile->policy->n_indicators, indicator);
}

void indicators_of(struct compile *compile, json_t *map)
{
    const char *name;
    json_t *item;
    json_object_foreach(map, name, item) {
        const char *before = path_enter(compile, name, item);
        indicator_of(compile, name, item);
        compile->path = before;
    }
}
