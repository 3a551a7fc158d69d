/* Rows that an earlier one always takes first, conditions that never hold, and rules that would contradict each other.
   What cannot be told from the words alone is left alone: only plain lines, all of which must hold, are compared. */
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

/* Of a condition that did not compile some lines are missing. */
static bool row_broken(const struct check *check, const char *section, const char *name)
{
    return check->compiled &&
           check_broken(check, arena_printf(check->arena, "kinds.%s.%s.%s", check->kind->name, section, name));
}

static void check_route_rows(struct check *check)
{
    const Policy__Kind *kind = check->kind;
    for (size_t j = 1; j < kind->n_route; j++)
        for (size_t i = 0; i < j; i++) {
            const Policy__RouteRow *first = kind->route[i], *row = kind->route[j];
            if (!shadows(check, first->condition, row->condition) || row_broken(check, "route", first->name))
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
            if (first->pack != row->pack || row_broken(check, "clocks", clock->name) ||
                !(always || shadows(check, first->condition, row->condition)))
                continue;
            check_found(check, CHECK_WARNING,
                        arena_printf(check->arena, "kinds.%s.clocks.%s.limit", check->kind->name, clock->name),
                        "第 %zu 行永不生效：第 %zu 行总是先符合",
                        "row %zu is never reached: row %zu always holds before it", j + 1, i + 1);
            break;
        }
}

/* ---- two lines that never hold together ---- */

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

static bool is_bound(const Policy__Node *node)
{
    return node->op >= POLICY__NODE__OP__OVER && node->op <= POLICY__NODE__OP__AT_MOST && node->n_values == 1 &&
           node->values[0]->kind_case != HB__VALUE__KIND_TEXT;
}

static int64_t bound_of(const Policy__Node *node)
{
    const Hb__Value *value = node->values[0];
    switch (value->kind_case) {
    case HB__VALUE__KIND_MONEY_FEN:
        return value->money_fen;
    case HB__VALUE__KIND_DURATION_MS:
        return value->duration_ms;
    case HB__VALUE__KIND_TIME_MS:
        return value->time_ms;
    case HB__VALUE__KIND_NUMBER:
    case HB__VALUE__KIND_TEXT:
    case HB__VALUE__KIND_YES:
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        break;
    }
    return value->number;
}

/* More than 5 and less than 3. */
static bool no_room(const Policy__Node *low, const Policy__Node *high)
{
    bool lower = low->op == POLICY__NODE__OP__OVER || low->op == POLICY__NODE__OP__AT_LEAST;
    bool upper = high->op == POLICY__NODE__OP__UNDER || high->op == POLICY__NODE__OP__AT_MOST;
    bool both = low->op == POLICY__NODE__OP__AT_LEAST && high->op == POLICY__NODE__OP__AT_MOST;
    if (!is_bound(low) || !is_bound(high) || !lower || !upper ||
        low->values[0]->kind_case != high->values[0]->kind_case)
        return false;
    return both ? bound_of(low) > bound_of(high) : bound_of(low) >= bound_of(high);
}

/* A fact of several values: the joint departments, the posts and certificates of a person. */
static bool is_many(const char *fact)
{
    const char *dot = strrchr(fact, '.');
    return strcmp(fact, "joint") == 0 || (dot && (strcmp(dot, ".post") == 0 || strcmp(dot, ".certificate") == 0));
}

/* Surely, of a fact with one value. */
static bool contradicts(struct check *check, const Policy__Node *a, const Policy__Node *b)
{
    if (strcmp(a->fact, b->fact) != 0 || is_many(a->fact))
        return false;
    if (a->op == POLICY__NODE__OP__MISSING)
        return b->op != POLICY__NODE__OP__MISSING && b->op != POLICY__NODE__OP__SAME_AS;
    bool equal = a->op == POLICY__NODE__OP__EQUAL && b->op == POLICY__NODE__OP__EQUAL;
    return (equal && exclude(check, a, b)) || no_room(a, b);
}

/* Plain lines, in however many `all` they stand. */
static bool all_lines(struct check *check, const Policy__Condition *condition, struct lines *out)
{
    Policy__Node **list = NULL;
    size_t count = 0;
    for (size_t i = 0; condition && i < condition->n_nodes; i++) {
        Policy__Node *node = condition->nodes[i];
        if (node->op == POLICY__NODE__OP__ANY || node->op == POLICY__NODE__OP__NOT ||
            node->op >= POLICY__NODE__OP__SOME_LINKED)
            return false;
        if (node->op != POLICY__NODE__OP__ALL)
            CHECK_ADD(check, list, count, node);
    }
    *out = (struct lines){list, count};
    return true;
}

/* NULL: it may hold, as far as can be told; else the fact by which it never does. */
static const char *never_holds(struct check *check, const Policy__Condition *condition)
{
    struct lines lines;
    if (!all_lines(check, condition, &lines))
        return NULL;
    for (size_t i = 0; i < lines.count; i++)
        for (size_t j = 0; j < lines.count; j++)
            if (i != j && contradicts(check, lines.list[i], lines.list[j]))
                return lines.list[i]->fact;
    return NULL;
}

static void check_holds(struct check *check, const char *part, const char *name, const Policy__Condition *condition)
{
    const char *fact = never_holds(check, condition);
    if (fact)
        check_found(check, CHECK_WARNING, arena_printf(check->arena, "kinds.%s.%s.%s", check->kind->name, part, name),
                    "永不生效：条件对 \"%s\" 的要求互相矛盾",
                    "never reached: what its condition asks of \"%s\" cannot hold together", fact);
}

/* A guard of a step that is not taken in any of the stages it asks for. */
static void check_guard(struct check *check, const Policy__Rule *rule)
{
    const Policy__Step *step = *rule->before ? policy_step(check->kind, rule->before) : NULL;
    struct lines lines;
    if (!step || !step->n_from || !all_lines(check, rule->condition, &lines))
        return;
    for (size_t i = 0; i < lines.count; i++) {
        bool may = lines.list[i]->op != POLICY__NODE__OP__EQUAL || strcmp(lines.list[i]->fact, "stage") != 0;
        for (size_t v = 0; v < lines.list[i]->n_values && !may; v++)
            may = lines.list[i]->values[v]->kind_case != HB__VALUE__KIND_TEXT ||
                  policy_step_from(step, lines.list[i]->values[v]->text);
        if (!may)
            check_found(check, CHECK_WARNING,
                        arena_printf(check->arena, "kinds.%s.rules.%s", check->kind->name, rule->name),
                        "永不生效：步骤 %s 不在条件所写的阶段办理",
                        "never reached: %s is not taken in the stage it asks for", step->name);
    }
}

static void check_conditions(struct check *check)
{
    const Policy__Kind *kind = check->kind;
    for (size_t i = 0; i < kind->n_rules; i++) {
        check_holds(check, "rules", kind->rules[i]->name, kind->rules[i]->condition);
        check_guard(check, kind->rules[i]);
    }
    for (size_t i = 0; i < kind->n_route; i++)
        check_holds(check, "route", kind->route[i]->name, kind->route[i]->condition);
    for (size_t i = 0; i < kind->n_clocks; i++) {
        check_holds(check, "clocks", kind->clocks[i]->name, kind->clocks[i]->condition);
        for (size_t r = 0; r < kind->clocks[i]->n_limit; r++)
            check_holds(check, "clocks", kind->clocks[i]->name, kind->clocks[i]->limit[r]->condition);
        for (size_t w = 0; w < kind->clocks[i]->n_warn; w++)
            check_holds(check, "clocks", kind->clocks[i]->name, kind->clocks[i]->warn[w]->condition);
    }
}

/* ---- rules that set one field to two values ---- */

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
    if (set && !never_together(check, one->condition, other->condition) && !row_broken(check, "rules", one->name) &&
        !row_broken(check, "rules", other->name))
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
    check_conditions(check);
    check_rules(check);
}
