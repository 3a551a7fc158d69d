/* Clocks that run on after the case is over, limits that hold for some cases only, rules that refuse always or are
   there twice. */
#include "policy/check.h"

#include "message/message.h"

#include <stdlib.h>

/* ---- clocks that run on ---- */

static bool is_over(const Policy__Stage *stage)
{
    return stage->phase == POLICY__PHASE__CLOSED || stage->phase == POLICY__PHASE__ARCHIVED;
}

static bool stops_by(const Policy__Clock *clock, const Policy__Step *step)
{
    for (size_t i = 0; i < clock->n_stop; i++) {
        const Policy__Trigger *stop = clock->stop[i];
        if ((stop->type == POLICY__TRIGGER__TYPE__STAGE && strcmp(stop->name, step->to) == 0) ||
            (stop->type == POLICY__TRIGGER__TYPE__STEP && strcmp(stop->name, step->name) == 0))
            return true;
    }
    return false;
}

/* A clock that waits for a notice, a field or a signature stops by what this does not know. */
static bool stops_by_steps(const Policy__Clock *clock)
{
    for (size_t i = 0; i < clock->n_stop; i++)
        if (clock->stop[i]->type != POLICY__TRIGGER__TYPE__STAGE && clock->stop[i]->type != POLICY__TRIGGER__TYPE__STEP)
            return false;
    return clock->n_stop > 0;
}

static size_t stage_index(const Policy__Kind *kind, const char *name)
{
    size_t i = 0;
    while (i < kind->n_stages && strcmp(kind->stages[i]->name, name) != 0)
        i++;
    return i;
}

/* The stages in which it starts. */
static void mark_starts(const Policy__Kind *kind, const Policy__Clock *clock, bool *runs)
{
    for (size_t i = 0; i < clock->n_start; i++) {
        const Policy__Trigger *start = clock->start[i];
        const Policy__Step *step = start->type == POLICY__TRIGGER__TYPE__STEP ? policy_step(kind, start->name) : NULL;
        if (start->type == POLICY__TRIGGER__TYPE__STAGE)
            runs[stage_index(kind, start->name)] = true;
        else if (step && *step->to)
            runs[stage_index(kind, step->to)] = true;
        else if (start->type == POLICY__TRIGGER__TYPE__TIME_FIELD && kind->n_stages &&
                 (strcmp(start->name, "received_at") == 0 || strcmp(start->name, "registered_at") == 0))
            runs[stage_index(kind, policy_first_stage(kind)->name)] = true;
    }
}

/* The stages in which the case is over and the clock still runs; "": none that can be told. */
static const char *runs_on(const struct check *check, const Policy__Clock *clock)
{
    const Policy__Kind *kind = check->kind;
    bool *runs = arena_alloc(check->arena, kind->n_stages + 1), more = true;
    const char *over = "";
    memset(runs, 0, kind->n_stages + 1);
    mark_starts(kind, clock, runs);
    for (size_t s = 0; s < kind->n_stages; s++)
        if (runs[s] && is_over(kind->stages[s])) /* it is meant for then */
            return over;
    while (more) {
        more = false;
        for (size_t i = 0; i < kind->n_steps; i++) {
            const Policy__Step *step = kind->steps[i];
            size_t to = stage_index(kind, step->to);
            if (to == kind->n_stages || runs[to] || stops_by(clock, step))
                continue;
            for (size_t s = 0; s < kind->n_stages; s++)
                runs[to] =
                    runs[to] || (runs[s] && !is_over(kind->stages[s]) && policy_step_from(step, kind->stages[s]->name));
            more = more || runs[to];
        }
    }
    for (size_t s = 0; s < kind->n_stages; s++)
        if (runs[s] && is_over(kind->stages[s]))
            over = arena_printf(check->arena, "%s%s%s", over, *over ? ", " : "", kind->stages[s]->name);
    return over;
}

static void check_running(struct check *check, const char *field, const Policy__Clock *clock)
{
    const char *over = stops_by_steps(clock) ? runs_on(check, clock) : "";
    if (*over)
        check_found(check, CHECK_WARNING, field, "案件到 %s 已经结束，此时钟仍在走，会超期：可写入 stop",
                    "the case is over in %s, and this clock runs on and will be late: `stop` may name that", over);
}

/* ---- limits that hold for some cases only ---- */

static const Policy__Node *one_line(const Policy__Condition *condition)
{
    if (condition->n_nodes == 2 && condition->nodes[0]->op == POLICY__NODE__OP__ALL &&
        condition->nodes[1]->op == POLICY__NODE__OP__EQUAL)
        return condition->nodes[1];
    return NULL;
}

static bool has_text(const Policy__Node *node, const char *text)
{
    for (size_t i = 0; i < node->n_values; i++)
        if (node->values[i]->kind_case == HB__VALUE__KIND_TEXT && strcmp(node->values[i]->text, text) == 0)
            return true;
    return false;
}

/* Does one of the rows ask for this choice of the field? */
static bool a_row_has(const Policy__Clock *clock, const char *fact, const char *choice)
{
    for (size_t r = 0; r < clock->n_limit; r++) {
        const Policy__Node *line = one_line(clock->limit[r]->condition);
        if (line && strcmp(line->fact, fact) == 0 && has_text(line, choice))
            return true;
    }
    return false;
}

/* The clock itself may be for some choices only. */
static bool clock_asks(const Policy__Clock *clock, const char *fact, const char *choice)
{
    for (size_t i = 0; clock->condition && i < clock->condition->n_nodes; i++) {
        const Policy__Node *node = clock->condition->nodes[i];
        if (node->op == POLICY__NODE__OP__ANY || node->op == POLICY__NODE__OP__NOT)
            return true;
        if (node->op == POLICY__NODE__OP__EQUAL && strcmp(node->fact, fact) == 0 && !has_text(node, choice))
            return false;
    }
    return true;
}

/* Told only where it is sure: rows by the choices of one field, and a choice that none has. */
static void check_total(struct check *check, const char *field, const Policy__Clock *clock)
{
    const Policy__Node *first = NULL;
    for (size_t r = 0; r < clock->n_limit; r++) {
        const Policy__Condition *condition = clock->limit[r]->condition;
        const Policy__Node *line = condition && condition->n_nodes ? one_line(condition) : NULL;
        if (!line || (first && strcmp(first->fact, line->fact) != 0))
            return;
        first = line;
    }
    const Policy__FieldDef *def = first ? policy_field(check->kind, first->fact) : NULL;
    for (size_t i = 0; def && i < def->n_one_of; i++) {
        const char *choice = def->one_of[i]->name;
        if (a_row_has(clock, def->name, choice) || !clock_asks(clock, def->name, choice))
            continue;
        check_found(check, CHECK_WARNING, field,
                    "limit 不完备：%s 为 %s 时没有一行，此时钟便无到期时间；可加一行没有 if 的",
                    "limit: not total: there is no row for %s %s, and the clock is never due then; a row without `if` "
                    "may be added",
                    def->name, choice);
        return;
    }
}

/* ---- rules that refuse always, or are there twice ---- */

static void check_refusal(struct check *check, const char *base, const Policy__Rule *rule)
{
    bool always = *rule->before && (!rule->condition || rule->condition->n_nodes == 0) && !rule->override;
    if (always)
        check_found(
            check, CHECK_WARNING, arena_printf(check->arena, "%s.rules.%s", base, rule->name),
            "没有 if：步骤 %s 永远被拒绝；可写 if 或 override，或去掉该步骤（removed）",
            "without `if` the step %s is refused always; accepted: an `if`, an `override`, or the step `removed`",
            rule->before);
}

struct same {
    const Policy__Rule *rule;
    struct bytes bytes; /* without its name and clauses */
    size_t at;
};

static int by_bytes(const void *a, const void *b)
{
    const struct same *x = a, *y = b;
    size_t size = x->bytes.size < y->bytes.size ? x->bytes.size : y->bytes.size;
    int order = size ? memcmp(x->bytes.data, y->bytes.data, size) : 0;
    if (order == 0 && x->bytes.size != y->bytes.size)
        order = x->bytes.size < y->bytes.size ? -1 : 1;
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Of a guard also the words that refuse are left out: the first one is what is read. */
static void check_twice(struct check *check, const char *base)
{
    size_t count = check->kind->n_rules;
    struct same *list = arena_alloc(check->arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        Policy__Rule bare = *check->kind->rules[i];
        bare.name = bare.department = (char *)(uintptr_t) "";
        bare.n_clauses = 0;
        bare.refuse = NULL;
        list[i] = (struct same){check->kind->rules[i], message_pack(&bare.base, check->arena), i};
    }
    qsort(list, count, sizeof *list, by_bytes);
    for (size_t i = 1; i < count; i++)
        if (bytes_equal(list[i - 1].bytes, list[i].bytes))
            check_found(check, CHECK_WARNING, arena_printf(check->arena, "%s.rules.%s", base, list[i].rule->name),
                        "与规则 %s 相同：只留一条", "the same as rule %s: keep one of them", list[i - 1].rule->name);
}

void check_runs(struct check *check)
{
    const char *base = arena_printf(check->arena, "kinds.%s", check->kind->name);
    for (size_t i = 0; i < check->kind->n_clocks; i++) {
        const char *field = arena_printf(check->arena, "%s.clocks.%s", base, check->kind->clocks[i]->name);
        check_running(check, field, check->kind->clocks[i]);
        check_total(check, field, check->kind->clocks[i]);
    }
    for (size_t i = 0; i < check->kind->n_rules; i++)
        check_refusal(check, base, check->kind->rules[i]);
    check_twice(check, base);
}
