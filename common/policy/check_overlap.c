/* Rows that an earlier one always takes first, and rules that would contradict each other. What cannot be told from the
   words alone is left alone: only plain lines, all of which must hold, are compared. */
#include "check.h"

#include "message/message.h"

/* ---- conditions of plain lines ---- */

struct lines {
    Policy__Node *const *list;
    size_t count;
};

/* False: it has an `any`, a `not`, or parts of its own. */
static bool plain_lines(const Policy__Condition *condition, struct lines *out)
{
    *out = (struct lines){condition ? condition->nodes : NULL, condition ? condition->n_nodes : 0};
    if (out->count && out->list[0]->op == POLICY__NODE__OP__ALL && out->list[0]->count == out->count - 1) {
        out->list++;
        out->count--;
    }
    for (size_t i = 0; i < out->count; i++)
        if (out->list[i]->op <= POLICY__NODE__OP__NOT || out->list[i]->op >= POLICY__NODE__OP__SOME_LINKED)
            return false;
    return true;
}

static bool same_message(struct check *check, const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    return bytes_equal(message_pack(a, check->arena), message_pack(b, check->arena));
}

static bool same_value(struct check *check, const Hb__Value *a, const Hb__Value *b)
{
    if (a->kind_case == HB__VALUE__KIND_TEXT && b->kind_case == HB__VALUE__KIND_TEXT)
        return strcmp(a->text, b->text) == 0;
    return a->kind_case == b->kind_case && same_message(check, &a->base, &b->base);
}

static bool has_value(struct check *check, const Policy__Node *node, const Hb__Value *value)
{
    for (size_t i = 0; i < node->n_values; i++)
        if (same_value(check, node->values[i], value))
            return true;
    return false;
}

static bool implies(struct check *check, const Policy__Node *node, const Policy__Node *other)
{
    if (node->op != other->op || strcmp(node->fact, other->fact) != 0)
        return false;
    if (node->op != POLICY__NODE__OP__EQUAL)
        return same_message(check, &node->base, &other->base);
    for (size_t i = 0; i < node->n_values; i++)
        if (!has_value(check, other, node->values[i]))
            return false;
    return true;
}

/* Whatever `later` holds for, `earlier` holds for as well. */
static bool shadows(struct check *check, const Policy__Condition *earlier, const Policy__Condition *later)
{
    struct lines first, second;
    if (!plain_lines(earlier, &first) || !plain_lines(later, &second) || first.count == 0)
        return false; /* one without `if` is told of elsewhere */
    for (size_t i = 0; i < first.count; i++) {
        bool implied = false;
        for (size_t j = 0; j < second.count && !implied; j++)
            implied = implies(check, second.list[j], first.list[i]);
        if (!implied)
            return false;
    }
    return true;
}

/* ---- rows ---- */

static void check_route_rows(struct check *check)
{
    const Policy__Kind *kind = check->kind;
    for (size_t j = 1; j < kind->n_route; j++)
        for (size_t i = 0; i < j; i++) {
            const Policy__RouteRow *first = kind->route[i], *row = kind->route[j];
            if (!shadows(check, first->condition, row->condition))
                continue;
            check_found(check, CHECK_WARNING, arena_printf(check->arena, "kinds.%s.route.%s", kind->name, row->name),
                        "此行永不生效：凡符合它的都先符合 %s", "never reached: whatever it takes, %s takes before it",
                        first->name);
            break;
        }
}

static void check_limit_rows(struct check *check, const Policy__Clock *clock)
{
    for (size_t j = 1; j < clock->n_limit; j++)
        for (size_t i = 0; i < j; i++) {
            const Policy__LimitRow *first = clock->limit[i], *row = clock->limit[j];
            bool always = !first->condition || first->condition->n_nodes == 0;
            if (first->pack != row->pack || !(always || shadows(check, first->condition, row->condition)))
                continue;
            check_found(check, CHECK_WARNING,
                        arena_printf(check->arena, "kinds.%s.clocks.%s.limit", check->kind->name, clock->name),
                        "第 %zu 行永不生效：第 %zu 行总是先符合",
                        "row %zu is never reached: row %zu always holds before it", j + 1, i + 1);
            break;
        }
}

/* ---- rules that set one field to two values ---- */

static bool exclude(struct check *check, const Policy__Node *a, const Policy__Node *b)
{
    bool missing = (a->op == POLICY__NODE__OP__MISSING && b->op == POLICY__NODE__OP__PRESENT) ||
                   (a->op == POLICY__NODE__OP__PRESENT && b->op == POLICY__NODE__OP__MISSING);
    if (strcmp(a->fact, b->fact) != 0)
        return false;
    if (a->op != POLICY__NODE__OP__EQUAL || b->op != POLICY__NODE__OP__EQUAL) /* a bound: who knows */
        return missing || a->op != b->op || a->op >= POLICY__NODE__OP__OVER;
    for (size_t i = 0; i < a->n_values; i++)
        if (has_value(check, b, a->values[i]))
            return false;
    return true;
}

/* True where it cannot be told. */
static bool never_together(struct check *check, const Policy__Condition *one, const Policy__Condition *other)
{
    struct lines a, b;
    if (!plain_lines(one, &a) || !plain_lines(other, &b))
        return true;
    for (size_t i = 0; i < a.count; i++)
        for (size_t j = 0; j < b.count; j++)
            if (exclude(check, a.list[i], b.list[j]))
                return true;
    return false;
}

static const Hb__Fact *sets_otherwise(struct check *check, const Policy__Rule *one, const Policy__Rule *other)
{
    for (size_t i = 0; i < one->n_then; i++)
        for (size_t j = 0; j < other->n_then; j++) {
            const Policy__Action *a = one->then[i], *b = other->then[j];
            bool both = a->type == POLICY__ACTION__TYPE__SET && b->type == POLICY__ACTION__TYPE__SET && a->set &&
                        b->set && a->set->value && b->set->value && strcmp(a->set->name, b->set->name) == 0;
            if (both && !same_value(check, a->set->value, b->set->value))
                return a->set;
        }
    return NULL;
}

static bool same_trigger(const Policy__Trigger *a, const Policy__Trigger *b)
{
    return a && b && a->type == b->type && a->end == b->end && strcmp(a->name, b->name) == 0 &&
           strcmp(a->other, b->other) == 0;
}

static bool sets(const Policy__Rule *rule)
{
    for (size_t i = 0; rule->when && i < rule->n_then; i++)
        if (rule->then[i]->type == POLICY__ACTION__TYPE__SET)
            return true;
    return false;
}

static void check_two(struct check *check, const Policy__Rule *one, const Policy__Rule *other)
{
    const Hb__Fact *set = same_trigger(one->when, other->when) ? sets_otherwise(check, one, other) : NULL;
    if (set && !never_together(check, one->condition, other->condition))
        check_found(check, CHECK_MISTAKE,
                    arena_printf(check->arena, "kinds.%s.rules.%s", check->kind->name, other->name),
                    "与规则 %s 同时生效，却把 %s 设为不同的值",
                    "acts together with rule %s, but sets %s to another value", one->name, set->name);
}

static void check_rules(struct check *check)
{
    const Policy__Rule **setting = NULL;
    size_t count = 0;
    for (size_t i = 0; i < check->kind->n_rules; i++)
        if (sets(check->kind->rules[i])) {
            for (size_t k = 0; k < count; k++)
                check_two(check, setting[k], check->kind->rules[i]);
            CHECK_ADD(check, setting, count, check->kind->rules[i]);
        }
}

void check_overlap(struct check *check)
{
    check_route_rows(check);
    for (size_t i = 0; i < check->kind->n_clocks; i++)
        check_limit_rows(check, check->kind->clocks[i]);
    check_rules(check);
}
