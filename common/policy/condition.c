#include "policy/condition.h"

struct evaluation {
    const Policy__Condition *condition;
    const struct facts *facts;
    const struct condition_context *context;
    const char *missing;
};

static enum truth of(bool yes)
{
    return yes ? TRUTH_YES : TRUTH_NO;
}

static enum truth unknown(struct evaluation *evaluation, const char *fact)
{
    evaluation->missing = fact;
    return TRUTH_UNKNOWN;
}

static enum truth equal(struct evaluation *evaluation, const Policy__Node *node, const Hb__Value *value)
{
    if (!value)
        return unknown(evaluation, node->fact);
    if (value->kind_case == HB__VALUE__KIND_PRESENT)
        return unknown(evaluation, node->fact); /* sealed: nobody here may read it */
    for (size_t i = 0; i < node->n_values; i++)
        if (value_equal(value, node->values[i]))
            return TRUTH_YES;
    return TRUTH_NO;
}

static enum truth compare(struct evaluation *evaluation, const Policy__Node *node, const Hb__Value *value)
{
    int order;
    if (!value || node->n_values == 0 || !value_compare(value, node->values[0], &order))
        return unknown(evaluation, node->fact);
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
        return unknown(evaluation, node->fact);
    int64_t at = value->time_ms, bound;
    if (node->term->unit == POLICY__TERM__UNIT__TIME_OF_DAY) {
        if (!context->minute_of_day)
            return unknown(evaluation, node->fact);
        int64_t seconds_in_minute = at % 60000;
        at = (int64_t)context->minute_of_day(context->context, at) * 60000 +
             (seconds_in_minute < 0 ? 0 : seconds_in_minute);
        bound = (int64_t)node->term->minute_of_day * 60000;
    } else if (!context->term_instant || !context->term_instant(context->context, node->term, &bound)) {
        return unknown(evaluation, node->fact);
    }
    return of(node->op == POLICY__NODE__OP__AFTER ? at > bound : at < bound);
}

static enum truth over_linked(struct evaluation *evaluation, const Policy__Node *node)
{
    const struct condition_context *context = evaluation->context;
    const char *dot = strchr(node->fact, '.');
    if (!context->linked || !dot)
        return unknown(evaluation, node->fact);
    char link[128];
    size_t size = (size_t)(dot - node->fact);
    if (size >= sizeof link)
        return unknown(evaluation, node->fact);
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
    const Hb__Value *value = facts_get(evaluation->facts, node->fact);
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
            return unknown(evaluation, node->fact);
        return of(context->now_ms > value->time_ms);
    case POLICY__NODE__OP__SAME_AS:
        other = facts_get(evaluation->facts, node->other);
        return value && other ? of(value_equal(value, other)) : unknown(evaluation, value ? node->other : node->fact);
    case POLICY__NODE__OP__SOME_LINKED:
    case POLICY__NODE__OP__EVERY_LINKED:
    case POLICY__NODE__OP__NONE_LINKED:
        return over_linked(evaluation, node);
    case POLICY__NODE__OP__TOLD:
        return context->told ? context->told(context->context, node->fact) : unknown(evaluation, node->fact);
    case POLICY__NODE__OP__ALL:
    case POLICY__NODE__OP__ANY:
    case POLICY__NODE__OP__NOT:
        break;
    }
    return TRUTH_UNKNOWN;
}

/* Evaluates the sub-expression at *at and moves past it; every operand is walked so that the position is right. */
static enum truth expression(struct evaluation *evaluation, size_t *at)
{
    if (*at >= evaluation->condition->n_nodes)
        return TRUTH_UNKNOWN; /* compiled conditions are whole; a cut one holds nowhere */
    const Policy__Node *node = evaluation->condition->nodes[(*at)++];
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
    struct evaluation evaluation = {condition, facts, context, NULL};
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
