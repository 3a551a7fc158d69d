#include "policy/condition.h"

#include <stdio.h>

struct evaluation {
    const Policy__Condition *condition;
    const struct facts *facts, *own; /* of the case or item looked at; of the case */
    const struct condition_context *context;
    const char *missing;
    char
        item[96]; /* "points.2." while the operands of an item are evaluated: what their facts are called in the case */
};

static const Hb__Value *fact(const struct evaluation *evaluation, const char *name)
{
    char full[256];
    const struct condition_context *context = evaluation->context;
    if (!*evaluation->item) {
        const Hb__Value *own = facts_get(evaluation->facts, name);
        bool outside = !own && evaluation->facts == evaluation->own && context->named && strchr(name, '.');
        return outside ? context->named(context->context, name) : own;
    }
    int size = snprintf(full, sizeof full, "%s%s", evaluation->item, name);
    return size > 0 && (size_t)size < sizeof full ? facts_get(evaluation->facts, full) : NULL;
}

static enum truth of(bool yes)
{
    return yes ? TRUTH_YES : TRUTH_NO;
}

static enum truth unknown_fact(struct evaluation *evaluation, const char *fact)
{
    evaluation->missing = fact;
    return TRUTH_UNKNOWN;
}

static enum truth equal(struct evaluation *evaluation, const Policy__Node *node, const Hb__Value *value)
{
    if (!value)
        return unknown_fact(evaluation, node->fact);
    if (value->kind_case == HB__VALUE__KIND_PRESENT)
        return unknown_fact(evaluation, node->fact); /* sealed: nobody here may read it */
    for (size_t i = 0; i < node->n_values; i++)
        if (value_equal(value, node->values[i]))
            return TRUTH_YES;
    return TRUTH_NO;
}

static enum truth compare(struct evaluation *evaluation, const Policy__Node *node, const Hb__Value *value)
{
    int order;
    if (!value || node->n_values == 0 || !value_compare(value, node->values[0], &order))
        return unknown_fact(evaluation, node->fact);
    switch (node->op) {
    case POLICY__NODE__OP__OVER:
        return of(order > 0);
    case POLICY__NODE__OP__UNDER:
        return of(order < 0);
    case POLICY__NODE__OP__AT_LEAST:
        return of(order >= 0);
    default:
        return of(order <= 0);
    }
}

/* The bound itself is not "after". */
static enum truth compare_time(struct evaluation *evaluation, const Policy__Node *node, const Hb__Value *value)
{
    const struct condition_context *context = evaluation->context;
    if (!value || value->kind_case != HB__VALUE__KIND_TIME_MS || !node->term)
        return unknown_fact(evaluation, node->fact);
    int64_t at = value->time_ms, bound;
    if (node->term->unit == POLICY__TERM__UNIT__TIME_OF_DAY) {
        if (!context->minute_of_day)
            return unknown_fact(evaluation, node->fact);
        int64_t seconds_in_minute = at % 60000;
        at = (int64_t)context->minute_of_day(context->context, at) * 60000 +
             (seconds_in_minute < 0 ? 0 : seconds_in_minute);
        bound = (int64_t)node->term->minute_of_day * 60000;
    } else if (!context->term_instant || !context->term_instant(context->context, node->term, &bound)) {
        return unknown_fact(evaluation, node->fact);
    }
    return of(node->op == POLICY__NODE__OP__AFTER ? at > bound : at < bound);
}

static enum truth over_linked(struct evaluation *evaluation, const Policy__Node *node)
{
    const struct condition_context *context = evaluation->context;
    const char *dot = strchr(node->fact, '.');
    if (!context->linked || !dot)
        return unknown_fact(evaluation, node->fact);
    char link[128];
    size_t size = (size_t)(dot - node->fact);
    if (size >= sizeof link)
        return unknown_fact(evaluation, node->fact);
    memcpy(link, node->fact, size);
    link[size] = 0;
    bool all = true, any = false;
    const struct facts *facts;
    for (size_t i = 0; (facts = context->linked(context->context, link, i)); i++) {
        const Hb__Value *value = facts_get(facts, dot + 1);
        bool holds = false;
        for (size_t v = 0; value && v < node->n_values; v++)
            holds = holds || value_equal(value, node->values[v]);
        all = all && holds;
        any = any || holds;
    }
    return of(node->op == POLICY__NODE__OP__SOME_LINKED    ? any
              : node->op == POLICY__NODE__OP__EVERY_LINKED ? all
                                                           : !any);
}

static enum truth leaf(struct evaluation *evaluation, const Policy__Node *node)
{
    const struct condition_context *context = evaluation->context;
    const Hb__Value *value = fact(evaluation, node->fact);
    const Hb__Value *other;
    switch (node->op) {
    case POLICY__NODE__OP__EQUAL:
        return equal(evaluation, node, value);
    case POLICY__NODE__OP__MISSING:
        return of(!value);
    case POLICY__NODE__OP__PRESENT:
        return of(value != NULL);
    case POLICY__NODE__OP__OVER:
    case POLICY__NODE__OP__UNDER:
    case POLICY__NODE__OP__AT_LEAST:
    case POLICY__NODE__OP__AT_MOST:
        return compare(evaluation, node, value);
    case POLICY__NODE__OP__AFTER:
    case POLICY__NODE__OP__BEFORE:
        return compare_time(evaluation, node, value);
    case POLICY__NODE__OP__PASSED:
        if (!value || value->kind_case != HB__VALUE__KIND_TIME_MS)
            return unknown_fact(evaluation, node->fact);
        return of(context->now_ms > value->time_ms);
    case POLICY__NODE__OP__SAME_AS:
        other = fact(evaluation, node->other);
        return value && other ? of(value_equal(value, other))
                              : unknown_fact(evaluation, value ? node->other : node->fact);
    case POLICY__NODE__OP__SOME_LINKED:
    case POLICY__NODE__OP__EVERY_LINKED:
    case POLICY__NODE__OP__NONE_LINKED:
        return over_linked(evaluation, node);
    case POLICY__NODE__OP__TOLD:
        return context->told ? context->told(context->context, node->fact) : unknown_fact(evaluation, node->fact);
    case POLICY__NODE__OP__ALL:
    case POLICY__NODE__OP__ANY:
    case POLICY__NODE__OP__NOT:
    case POLICY__NODE__OP__SOME:
    case POLICY__NODE__OP__EVERY:
    case POLICY__NODE__OP__NONE:
    case POLICY__NODE__OP__HOW_MANY:
        break;
    }
    return TRUTH_UNKNOWN;
}

static enum truth expression(struct evaluation *evaluation, size_t *at);

/* ---- over parts and linked cases ---- */

static enum truth both(enum truth a, enum truth b)
{
    return a == TRUTH_NO || b == TRUTH_NO             ? TRUTH_NO
           : a == TRUTH_UNKNOWN || b == TRUTH_UNKNOWN ? TRUTH_UNKNOWN
                                                      : TRUTH_YES;
}

/* Moves past the operands of the node at *at - 1 without asking them. */
static void skip(const Policy__Condition *condition, size_t *at)
{
    size_t left = condition->nodes[*at - 1]->count;
    while (left > 0 && *at < condition->n_nodes) {
        left--;
        left += condition->nodes[(*at)++]->count;
    }
}

static enum truth operands(struct evaluation *evaluation, const Policy__Node *node, size_t *at)
{
    enum truth result = TRUTH_YES;
    for (uint32_t i = 0; i < node->count; i++)
        result = both(result, expression(evaluation, at));
    return result;
}

/* The facts of the index-th item, from 0; false after the last. */
static bool item_of(struct evaluation *inner, const struct evaluation *outer, const Policy__Node *node, size_t index)
{
    const struct condition_context *context = outer->context;
    *inner = *outer;
    if (node->parts) {
        if ((int64_t)index >= facts_number(outer->facts, node->fact))
            return false;
        int size = snprintf(inner->item, sizeof inner->item, "%s.%zu.", node->fact, index + 1);
        return size > 0 && (size_t)size < sizeof inner->item;
    }
    inner->facts = context->linked ? context->linked(context->context, node->fact, index) : NULL;
    return inner->facts != NULL;
}

static enum truth how_many(const Policy__Node *node, int64_t yes, int64_t unknown)
{
    bool atleast = node->compare == POLICY__NODE__OP__AT_LEAST || node->compare == POLICY__NODE__OP__OVER;
    int64_t bound = node->n_values ? node->values[0]->number : 0;
    bound += node->compare == POLICY__NODE__OP__OVER;
    bound -= node->compare == POLICY__NODE__OP__UNDER;
    bool now = atleast ? yes >= bound : yes <= bound;
    bool then = atleast ? yes + unknown >= bound : yes + unknown <= bound;
    return now == then ? of(now) : TRUTH_UNKNOWN;
}

static enum truth over_items(struct evaluation *evaluation, const Policy__Node *node, size_t *at)
{
    struct evaluation inner;
    int64_t yes = 0, no = 0, unknown = 0;
    size_t first = *at;
    if (!node->parts && !evaluation->context->linked) {
        skip(evaluation->condition, at);
        return unknown_fact(evaluation, node->fact);
    }
    for (size_t i = 0; item_of(&inner, evaluation, node, i); i++) {
        size_t place = first;
        enum truth one = operands(&inner, node, &place);
        yes += one == TRUTH_YES;
        no += one == TRUTH_NO;
        unknown += one == TRUTH_UNKNOWN;
        if (one == TRUTH_UNKNOWN)
            evaluation->missing = inner.missing;
    }
    skip(evaluation->condition, at);
    if (node->op == POLICY__NODE__OP__HOW_MANY)
        return how_many(node, yes, unknown);
    if (node->op == POLICY__NODE__OP__EVERY)
        return no ? TRUTH_NO : unknown ? TRUTH_UNKNOWN : TRUTH_YES;
    enum truth some = yes ? TRUTH_YES : unknown ? TRUTH_UNKNOWN : TRUTH_NO;
    return node->op == POLICY__NODE__OP__SOME ? some : some == TRUTH_UNKNOWN ? some : of(some == TRUTH_NO);
}

/* Evaluates the sub-expression at *at and moves past it; every operand is walked so that the position is right. */
static enum truth expression(struct evaluation *evaluation, size_t *at)
{
    if (*at >= evaluation->condition->n_nodes)
        return TRUTH_UNKNOWN; /* compiled conditions are whole; a cut one holds nowhere */
    const Policy__Node *node = evaluation->condition->nodes[(*at)++];
    if (node->op >= POLICY__NODE__OP__SOME)
        return over_items(evaluation, node, at);
    bool group =
        node->op == POLICY__NODE__OP__ALL || node->op == POLICY__NODE__OP__ANY || node->op == POLICY__NODE__OP__NOT;
    if (!group)
        return leaf(evaluation, node);
    enum truth result = node->op == POLICY__NODE__OP__ANY ? TRUTH_NO : TRUTH_YES;
    for (uint32_t i = 0; i < node->count; i++) {
        enum truth one = expression(evaluation, at);
        if (node->op == POLICY__NODE__OP__ANY)
            result = result == TRUTH_YES || one == TRUTH_YES ? TRUTH_YES
                     : one == TRUTH_UNKNOWN                  ? TRUTH_UNKNOWN
                                                             : result;
        else /* NOT negates the conjunction of its operands */
            result = result == TRUTH_NO || one == TRUTH_NO ? TRUTH_NO : one == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : result;
    }
    if (node->op == POLICY__NODE__OP__NOT && result != TRUTH_UNKNOWN)
        result = of(result == TRUTH_NO);
    return result;
}

enum truth condition_holds(const Policy__Condition *condition, const struct facts *facts,
                           const struct condition_context *context, const char **missing_out)
{
    struct evaluation evaluation = {.condition = condition, .facts = facts, .own = facts, .context = context};
    enum truth result = TRUTH_YES;
    size_t at = 0;
    while (condition && at < condition->n_nodes) { /* several at the top: all must hold */
        enum truth one = expression(&evaluation, &at);
        result = result == TRUTH_NO || one == TRUTH_NO ? TRUTH_NO : one == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : result;
    }
    if (missing_out)
        *missing_out = result == TRUTH_UNKNOWN ? evaluation.missing : NULL;
    return result;
}
