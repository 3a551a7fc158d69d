/* What rules cause must end. The graph: a rule causes events (a step taken, a stage entered, a field set, a notice
   told, a case of another kind registered), and an event makes rules fire. A person's step is no edge, so every cycle
   is one without a person; only a clock that runs for a day or more may close one. */
#include "policy/check.h"

#define DAY_MINUTES 1440u

struct node { /* one rule that acts */
    const Policy__Kind *kind;
    const Policy__Rule *rule;
    bool done, on_path;
};

struct graph {
    struct check *check;
    struct node *nodes;
    size_t count;
    const struct node **path;
    size_t path_count;
};

/* ---- does an event make a rule fire? ---- */

static bool on_stage(const struct node *node, const Policy__Kind *kind, const char *stage)
{
    const Policy__Trigger *when = node->rule->when;
    if (when->type == POLICY__TRIGGER__TYPE__LINKED && when->by_field)
        return false; /* it follows a case that does not follow it: that has an end */
    const Policy__Stage *entered = when->phase ? policy_stage(kind, stage) : NULL;
    if (when->phase) /* of a case that a link of another kind's leads to */
        return node->kind != kind && entered && entered->phase == when->phase;
    if (when->type == POLICY__TRIGGER__TYPE__LINKED) /* of any linked case */
        return strcmp(when->other, kind->name) == 0 && strcmp(when->name, stage) == 0;
    return node->kind == kind && when->type == POLICY__TRIGGER__TYPE__STAGE && strcmp(when->name, stage) == 0;
}

static bool on_field(const struct node *node, const Policy__Kind *kind, const char *field)
{
    const Policy__Trigger *when = node->rule->when;
    bool filled = when->type == POLICY__TRIGGER__TYPE__FIELD || when->type == POLICY__TRIGGER__TYPE__TIME_FIELD;
    return node->kind == kind && filled && strcmp(when->name, field) == 0;
}

static bool on_facts(const struct node *node, const Policy__Kind *kind, Hb__Fact *const *facts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (on_field(node, kind, facts[i]->name))
            return true;
    return false;
}

static bool on_step(const struct node *node, const Policy__Kind *kind, const Policy__Step *step)
{
    const Policy__Trigger *when = node->rule->when;
    bool taken = node->kind == kind && when->type == POLICY__TRIGGER__TYPE__STEP && strcmp(when->name, step->name) == 0;
    return taken || (*step->to && on_stage(node, kind, step->to)) || on_facts(node, kind, step->set, step->n_set);
}

static bool on_registration(const struct node *node, const Policy__Kind *kind, const Policy__Action *action)
{
    const Policy__Stage *first = policy_first_stage(kind);
    const Policy__Trigger *when = node->rule->when;
    bool registers =
        node->kind == kind && when->type == POLICY__TRIGGER__TYPE__STEP && strcmp(when->name, "register") == 0;
    return registers || (first && on_stage(node, kind, first->name)) ||
           on_facts(node, kind, action->with, action->n_with);
}

/* A limit that may be shorter than a day gives no time to notice. */
static bool shorter_than_a_day(const Policy__Term *term)
{
    switch (term->unit) {
    case POLICY__TERM__UNIT__MINUTES:
        return term->amount < DAY_MINUTES;
    case POLICY__TERM__UNIT__HOURS:
        return term->amount < DAY_MINUTES / 60;
    case POLICY__TERM__UNIT__NATURAL_DAYS:
    case POLICY__TERM__UNIT__WORKING_DAYS:
    case POLICY__TERM__UNIT__WEEKS:
    case POLICY__TERM__UNIT__MONTHS:
        return term->amount == 0;
    case POLICY__TERM__UNIT__UNIT_NONE:
    case POLICY__TERM__UNIT__SAME_DAY:
    case POLICY__TERM__UNIT__NEXT_DAY:
    case POLICY__TERM__UNIT__FIELD:
    case POLICY__TERM__UNIT__DATE:
    case POLICY__TERM__UNIT__PERIOD:
    case POLICY__TERM__UNIT__TIME_OF_DAY:
    case POLICY__TERM__UNIT__NOW:
        break;
    }
    return true;
}

static bool is_quick(const Policy__Clock *clock)
{
    for (size_t r = 0; r < clock->n_limit; r++)
        for (size_t t = 0; t < clock->limit[r]->n_terms; t++)
            if (shorter_than_a_day(clock->limit[r]->terms[t]))
                return true;
    return false;
}

static bool starts_by(const Policy__Clock *clock, const Policy__Step *step, const char *first_stage)
{
    for (size_t i = 0; i < clock->n_start; i++) {
        const Policy__Trigger *start = clock->start[i];
        bool stage = start->type == POLICY__TRIGGER__TYPE__STAGE &&
                     strcmp(start->name, step && *step->to ? step->to : first_stage) == 0;
        bool taken = step && start->type == POLICY__TRIGGER__TYPE__STEP && strcmp(start->name, step->name) == 0;
        bool time = !step && start->type == POLICY__TRIGGER__TYPE__TIME_FIELD;
        if (stage || taken || time)
            return true;
    }
    return false;
}

/* `late CLOCK`, where the clock starts by what was just caused and is over within a day. */
static bool on_lateness(const struct node *node, const Policy__Kind *kind, const Policy__Step *step,
                        const char *first_stage)
{
    const Policy__Trigger *when = node->rule->when;
    const Policy__Clock *clock =
        node->kind == kind && when->type == POLICY__TRIGGER__TYPE__LATE ? policy_clock(kind, when->name) : NULL;
    return clock && is_quick(clock) && starts_by(clock, step, first_stage);
}

static bool causes(const struct graph *graph, const struct node *from, const Policy__Action *action,
                   const struct node *to)
{
    const Policy__Policy *policy = graph->check->policy;
    const Policy__Step *step;
    const Policy__Kind *opened;
    const Policy__Stage *first;
    switch (action->type) {
    case POLICY__ACTION__TYPE__STEP:
        step = policy_step(from->kind, action->name);
        return step && (on_step(to, from->kind, step) || on_lateness(to, from->kind, step, ""));
    case POLICY__ACTION__TYPE__SET:
        return on_field(to, from->kind, action->set->name);
    case POLICY__ACTION__TYPE__TELL:
        return to->kind == from->kind && to->rule->when->type == POLICY__TRIGGER__TYPE__TOLD &&
               strcmp(to->rule->when->name, action->name) == 0;
    case POLICY__ACTION__TYPE__OPEN:
        opened = policy_kind(policy, action->name);
        first = opened ? policy_first_stage(opened) : NULL; /* none where the kind did not compile */
        return opened && (on_registration(to, opened, action) || (first && on_lateness(to, opened, NULL, first->name)));
    case POLICY__ACTION__TYPE__ESCALATE:
    case POLICY__ACTION__TYPE__ISSUE:
    case POLICY__ACTION__TYPE__ASSIGN:
    case POLICY__ACTION__TYPE__MARK:
    case POLICY__ACTION__TYPE__LINK:
    case POLICY__ACTION__TYPE__ASK: /* a person's signature comes between */
        break;
    }
    return false;
}

/* ---- looking for a way back ---- */

static void say_cycle(struct graph *graph, size_t from)
{
    struct check *check = graph->check;
    const char *way = "";
    for (size_t i = from; i < graph->path_count; i++)
        way = arena_printf(check->arena, "%s%s.%s → ", way, graph->path[i]->kind->name, graph->path[i]->rule->name);
    const struct node *first = graph->path[from];
    way = arena_printf(check->arena, "%s%s.%s", way, first->kind->name, first->rule->name);
    check_found(check, CHECK_MISTAKE,
                arena_printf(check->arena, "kinds.%s.rules.%s", first->kind->name, first->rule->name),
                "规则循环：%s，其中既无人的步骤，也无一天以上的间隔",
                "a cycle of rules with neither a person's step nor a delay of a day: %s", way);
}

static void walk(struct graph *graph, struct node *node);

static void walk_to(struct graph *graph, struct node *next)
{
    if (next->on_path) {
        size_t from = graph->path_count;
        while (from > 0 && graph->path[from - 1] != next)
            from--;
        say_cycle(graph, from - 1);
    } else if (!next->done) {
        walk(graph, next);
    }
}

/* Depth first; the path is as long as there are rules at most. */
static void walk(struct graph *graph, struct node *node)
{
    node->on_path = true;
    graph->path[graph->path_count++] = node;
    for (size_t i = 0; i < graph->count; i++) {
        bool follows = false;
        for (size_t a = 0; a < node->rule->n_then; a++)
            follows = follows || causes(graph, node, node->rule->then[a], &graph->nodes[i]);
        if (follows)
            walk_to(graph, &graph->nodes[i]);
    }
    graph->path_count--;
    node->on_path = false;
    node->done = true;
}

/* A rule that begins a new round by itself could do so for ever, each time through a person's step. */
static void check_rounds(struct check *check, const Policy__Kind *kind, const Policy__Rule *rule)
{
    for (size_t a = 0; a < rule->n_then; a++) {
        const Policy__Step *step =
            rule->then[a]->type == POLICY__ACTION__TYPE__STEP ? policy_step(kind, rule->then[a]->name) : NULL;
        if (step && step->round_next && !rule->at_most)
            check_found(check, CHECK_WARNING, arena_printf(check->arena, "kinds.%s.rules.%s", kind->name, rule->name),
                        "规则可无限次开始新一轮：请写明 at_most（轮数）",
                        "this rule may begin new rounds for ever: say at_most (rounds)");
    }
}

void check_loops(struct check *check)
{
    struct graph graph = {.check = check};
    for (size_t k = 0; k < check->policy->n_kinds; k++)
        for (size_t r = 0; r < check->policy->kinds[k]->n_rules; r++) {
            struct node node = {.kind = check->policy->kinds[k], .rule = check->policy->kinds[k]->rules[r]};
            if (!node.rule->when)
                continue;
            check_rounds(check, node.kind, node.rule);
            CHECK_ADD(check, graph.nodes, graph.count, node);
        }
    if (graph.count > POLICY_RULES_MAX) {
        check_found(check, CHECK_MISTAKE, "kinds", "有作用的规则最多 %u 条", "at most %u rules that act",
                    POLICY_RULES_MAX);
        return;
    }
    graph.path = arena_alloc(check->arena, (graph.count + 1) * sizeof *graph.path);
    for (size_t i = 0; i < graph.count; i++)
        if (!graph.nodes[i].done)
            walk(&graph, &graph.nodes[i]);
}
