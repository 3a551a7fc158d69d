/* What a reader of a policy cannot see. Works on the compiled form. */
#include "policy/check.h"

#include "base/nearest.h"
#include "policy/internal.h"

#include <stdarg.h>

/* ---- telling ---- */

/* The innermost item that the field path lies in: "kinds.a.rules.r" for "kinds.a.rules.r.if". */
static struct policy_place place_of(const struct check *check, const char *field)
{
    struct policy_place best = {"", "", 0};
    size_t best_size = 0;
    for (size_t i = 0; i < check->result->places_count; i++) {
        const struct policy_place *place = &check->result->places[i];
        size_t size = strlen(place->field);
        bool inside = strncmp(place->field, field, size) == 0 && (field[size] == '.' || field[size] == 0);
        if (inside && size >= best_size) {
            best = *place;
            best_size = size;
        }
    }
    return best;
}

void check_found(struct check *check, enum check_weight weight, const char *field, const char *zh, const char *en, ...)
{
    struct policy_result *result = check->result;
    if (result->count >= POLICY_MISTAKES_MAX) {
        check->said = false;
        check->wrong = check->wrong || weight == CHECK_MISTAKE;
        return;
    }
    struct policy_place place = place_of(check, field);
    struct policy_mistake mistake = {
        .file = place.file, .line = place.line, .field = field, .warning = weight == CHECK_WARNING};
    va_list list;
    va_start(list, en);
    mistake.zh = arena_vprintf(check->arena, zh, list);
    va_end(list);
    va_start(list, en);
    mistake.message = arena_vprintf(check->arena, en, list);
    va_end(list);
    check->wrong = check->wrong || weight == CHECK_MISTAKE;
    check->said = !said_of_another_kind(result, &mistake);
    if (check->said)
        CHECK_ADD(check, result->mistakes, result->count, mistake);
}

/* ".clocks.reply" of "kinds.repair.clocks.reply"; NULL: of no kind. */
static const char *within_kind(const char *field)
{
    return strncmp(field, "kinds.", 6) == 0 ? strchr(field + 6, '.') : NULL;
}

/* A kind that takes up what others have has their mistakes, too: they are told once, of the other. */
static bool takes_up(const struct check *check, const char *item)
{
    size_t size = within_kind(item) ? (size_t)(within_kind(item) - item) - 6 : 0;
    for (size_t i = 0; size && i < check->result->likes_count; i++)
        if (strlen(check->result->likes[i]) == size && strncmp(item + 6, check->result->likes[i], size) == 0)
            return true;
    return false;
}

static bool broken(const struct check *check, const char *item, bool within)
{
    bool any_kind = takes_up(check, item);
    const char *wanted = any_kind ? within_kind(item) : item;
    size_t size = strlen(wanted);
    for (size_t i = 0; i < check->compiled; i++) {
        const struct policy_mistake *mistake = &check->result->mistakes[i];
        const char *field = any_kind ? within_kind(mistake->field) : mistake->field;
        if (field && !mistake->warning && !mistake->stands && strncmp(field, wanted, size) == 0 &&
            (!field[size] || (within && field[size] == '.')))
            return true;
    }
    return false;
}

bool check_broken(const struct check *check, const char *item)
{
    return broken(check, item, true);
}

bool check_broken_itself(const struct check *check, const char *item)
{
    return broken(check, item, false);
}

static bool section_broken(const struct check *check, const char *section)
{
    return check->compiled &&
           check_broken_itself(check, arena_printf(check->arena, "kinds.%s.%s", check->kind->name, section));
}

static bool item_broken(const struct check *check, const char *section, const char *name)
{
    return check->compiled &&
           check_broken(check, arena_printf(check->arena, "kinds.%s.%s.%s", check->kind->name, section, name));
}

void check_suggest(struct check *check, const char *word, const char *const *words, size_t count)
{
    const char *near = check->said ? nearest_word(word, words, count) : NULL;
    if (!near)
        return;
    struct policy_mistake *last = &check->result->mistakes[check->result->count - 1];
    last->zh = arena_printf(check->arena, "%s；是否指 \"%s\"？", last->zh, near);
    last->message = arena_printf(check->arena, "%s; did you mean \"%s\"?", last->message, near);
}

/* ---- stages ---- */

static bool reached(const struct check *check, const char *stage)
{
    const Policy__Stage *first = policy_first_stage(check->kind);
    if (first && strcmp(first->name, stage) == 0)
        return true;
    for (size_t i = 0; i < check->kind->n_steps; i++)
        if (strcmp(check->kind->steps[i]->to, stage) == 0)
            return true;
    return false;
}

static bool left(const struct check *check, const char *stage)
{
    for (size_t i = 0; i < check->kind->n_steps; i++) {
        const Policy__Step *step = check->kind->steps[i];
        if (policy_step_from(step, stage) && (step->back || (*step->to && strcmp(step->to, stage) != 0)))
            return true;
    }
    return false;
}

/* A step from or to a stage that there is not may mean any of those there are. */
static bool all_stages_known(const struct check *check)
{
    for (size_t i = 0; i < check->kind->n_steps; i++) {
        const Policy__Step *step = check->kind->steps[i];
        bool known = !*step->to || policy_stage(check->kind, step->to);
        for (size_t s = 0; s < step->n_from; s++)
            known = known && policy_stage(check->kind, step->from[s]);
        if (!known)
            return false;
    }
    return !section_broken(check, "stages") && !section_broken(check, "steps");
}

static void check_stages(struct check *check)
{
    if (!all_stages_known(check))
        return;
    for (size_t i = 0; i < check->kind->n_stages; i++) {
        const Policy__Stage *stage = check->kind->stages[i];
        const char *field = arena_printf(check->arena, "kinds.%s.stages.%s", check->kind->name, stage->name);
        bool ended = stage->phase == POLICY__PHASE__CLOSED || stage->phase == POLICY__PHASE__ARCHIVED;
        if (!reached(check, stage->name))
            check_found(check, CHECK_WARNING, field, "没有步骤通向此阶段", "no step leads to this stage");
        else if (!ended && !left(check, stage->name))
            check_found(check, CHECK_MISTAKE, field, "死胡同：没有步骤离开此阶段，而它既未办结也未归档",
                        "a dead end: no step leads out of this stage, and it is neither closed nor archived");
    }
}

/* ---- clocks ---- */

static bool told_by_a_rule(const struct check *check, const char *notice)
{
    for (size_t i = 0; i < check->kind->n_rules; i++)
        for (size_t a = 0; a < check->kind->rules[i]->n_then; a++)
            if (check->kind->rules[i]->then[a]->type == POLICY__ACTION__TYPE__TELL &&
                strcmp(check->kind->rules[i]->then[a]->name, notice) == 0)
                return true;
    return false;
}

static bool may_happen(const struct check *check, const Policy__Trigger *trigger)
{
    if (trigger->type == POLICY__TRIGGER__TYPE__STAGE) /* one that there is not is told by the compiler */
        return !policy_stage(check->kind, trigger->name) || reached(check, trigger->name);
    return trigger->type != POLICY__TRIGGER__TYPE__TOLD || told_by_a_rule(check, trigger->name);
}

static bool always_main(const Policy__Clock *clock)
{
    return clock->main && (!clock->condition || clock->condition->n_nodes == 0);
}

/* Does it start with nothing but what stops the other? Then the two never run at the same time. */
static bool takes_over(const Policy__Clock *clock, const Policy__Clock *from)
{
    for (size_t i = 0; i < clock->n_start; i++) {
        bool stops = false;
        for (size_t j = 0; j < from->n_stop; j++)
            stops = stops || (clock->start[i]->type == from->stop[j]->type &&
                              strcmp(clock->start[i]->name, from->stop[j]->name) == 0);
        if (!stops)
            return false;
    }
    return clock->n_start != 0;
}

static void check_mains(struct check *check)
{
    const Policy__Kind *kind = check->kind;
    for (size_t i = 0; i < kind->n_clocks; i++)
        for (size_t j = i + 1; j < kind->n_clocks; j++) {
            const Policy__Clock *one = kind->clocks[i], *other = kind->clocks[j];
            if (!always_main(one) || !always_main(other) || takes_over(one, other) || takes_over(other, one) ||
                item_broken(check, "clocks", one->name) || item_broken(check, "clocks", other->name))
                continue;
            check_found(check, CHECK_MISTAKE, arena_printf(check->arena, "kinds.%s.clocks", kind->name),
                        "每个案件有不止一个主时钟：%s 与 %s 同时计时；须各有 if，或一个由停止另一个的事件起算",
                        "more than one main clock applies to every case: %s and %s run at the same time; "
                        "give them an \"if\", or start one by what stops the other",
                        one->name, other->name);
            return;
        }
}

/* What starts when the case is over does not wait for a signature. */
static bool waits_for_somebody(const struct check *check, const Policy__Clock *clock)
{
    for (size_t i = 0; i < clock->n_start; i++) {
        const Policy__Stage *stage = clock->start[i]->type == POLICY__TRIGGER__TYPE__STAGE
                                         ? policy_stage(check->kind, clock->start[i]->name)
                                         : NULL;
        if (!stage || (stage->phase != POLICY__PHASE__CLOSED && stage->phase != POLICY__PHASE__ARCHIVED))
            return true;
    }
    return false;
}

/* Whoever does not sign would never start what follows. */
static void check_signing(struct check *check, const Policy__Clock *signing)
{
    for (size_t i = 0; i < check->kind->n_clocks; i++) {
        const Policy__Clock *clock = check->kind->clocks[i];
        if (clock != signing && takes_over(clock, signing) && waits_for_somebody(check, clock))
            check_found(check, CHECK_MISTAKE,
                        arena_printf(check->arena, "kinds.%s.clocks.%s", check->kind->name, clock->name),
                        "不签收则永不起算：%s 是签收时钟，此时钟只由其停止事件起算；可用：start: end of %s",
                        "whoever does not sign never starts it: it starts only by what stops the signing clock %s; "
                        "accepted: start: end of %s",
                        signing->name, signing->name);
    }
}

static const Policy__Clock *begins_at_end_of(const struct check *check, const Policy__Clock *clock)
{
    for (size_t i = 0; i < clock->n_start; i++)
        if (clock->start[i]->end)
            return policy_clock(check->kind, clock->start[i]->name);
    return NULL;
}

static void check_ends(struct check *check, const char *field, const Policy__Clock *clock)
{
    const Policy__Clock *other = begins_at_end_of(check, clock);
    size_t steps = 0;
    if (other && *other->each)
        check_found(check, CHECK_MISTAKE, field, "end of %s：该时钟逐部分计时（each），没有一个终点",
                    "end of %s: that clock runs for each part, it has no one end", other->name);
    for (; other && other != clock && steps < check->kind->n_clocks; steps++)
        other = begins_at_end_of(check, other);
    if (other == clock)
        check_found(check, CHECK_MISTAKE, field, "end of 成环：此时钟由自身的终点起算，永不开始",
                    "\"end of\" in a circle: it would start at its own end, and never does");
}

static void check_clocks(struct check *check)
{
    for (size_t i = 0; i < check->kind->n_clocks; i++) {
        const Policy__Clock *clock = check->kind->clocks[i];
        const char *field = arena_printf(check->arena, "kinds.%s.clocks.%s", check->kind->name, clock->name);
        bool stops = false;
        for (size_t s = 0; s < clock->n_stop; s++)
            stops = stops || may_happen(check, clock->stop[s]);
        if (!stops && clock->n_stop && all_stages_known(check))
            check_found(check, CHECK_MISTAKE, field, "此时钟永不停止：所列阶段、步骤、通知都不会发生",
                        "nothing ever stops this clock: no stage, step or notice it names can happen");
        if (clock->signing)
            check_signing(check, clock);
        check_ends(check, field, clock);
    }
    check_mains(check);
}

/* ---- routes ---- */

static bool takes_all(const Policy__RouteRow *row)
{
    return !row->condition || row->condition->n_nodes == 0;
}

static void check_route(struct check *check)
{
    const Policy__Kind *kind = check->kind;
    const char *field = arena_printf(check->arena, "kinds.%s.route", kind->name);
    bool total = false;
    if (check->compiled && check_broken_itself(check, field))
        return;
    for (size_t i = 0; i < kind->n_route; i++)
        total = total || takes_all(kind->route[i]);
    if (!total)
        check_found(check, CHECK_MISTAKE, field, "分派规则不完备：最后一行不得有 if",
                    "not total: the last row must have no \"if\"");
    for (size_t i = 0; i + 1 < kind->n_route && !(check->compiled && check_broken(check, field)); i++)
        if (takes_all(kind->route[i]))
            check_found(check, CHECK_WARNING, field, "没有 if 的行之后各行永不生效",
                        "rows after one without \"if\" are never reached");
}

static bool asks_acknowledgement(const struct check *check, const char *ladder)
{
    const Policy__Ladder *found = policy_ladder(check->policy, ladder);
    for (size_t i = 0; found && i < found->n_rows; i++)
        if (found->rows[i]->acknowledge || found->rows[i]->repeat)
            return true;
    return false;
}

/* A ladder climbs as long as the case is open, and pages on whoever cannot answer. */
static void check_acknowledged_from(struct check *check, const Policy__Step *acknowledge)
{
    for (size_t i = 0; i < check->kind->n_stages; i++) {
        const Policy__Stage *stage = check->kind->stages[i];
        if (stage->phase != POLICY__PHASE__CLOSED && stage->phase != POLICY__PHASE__ARCHIVED &&
            !policy_step_from(acknowledge, stage->name))
            check_found(check, CHECK_WARNING,
                        arena_printf(check->arena, "kinds.%s.steps.acknowledge", check->kind->name),
                        "阶段 %s 中无法确认升级：from 可写 any open",
                        "in the stage %s nobody can acknowledge: `from` may say any open", stage->name);
    }
}

/* Who is asked to acknowledge must have a step for it. */
static void check_acknowledge(struct check *check)
{
    const Policy__Kind *kind = check->kind;
    bool asks = false;
    for (size_t i = 0; i < kind->n_clocks; i++)
        asks = asks || asks_acknowledgement(check, kind->clocks[i]->ladder);
    for (size_t i = 0; i < kind->n_rules; i++)
        for (size_t a = 0; a < kind->rules[i]->n_then; a++)
            asks = asks || (kind->rules[i]->then[a]->type == POLICY__ACTION__TYPE__ESCALATE &&
                            asks_acknowledgement(check, kind->rules[i]->then[a]->name));
    if (asks && policy_step(kind, "acknowledge"))
        check_acknowledged_from(check, policy_step(kind, "acknowledge"));
    if (asks && !policy_step(kind, "acknowledge") && !section_broken(check, "steps"))
        check_found(check, CHECK_MISTAKE, arena_printf(check->arena, "kinds.%s.steps", kind->name),
                    "升级阶梯要求确认，但该类事项没有步骤 acknowledge",
                    "a ladder of this kind must be acknowledged, but there is no step \"acknowledge\"");
}

static void check_kind(struct check *check, const Policy__Kind *kind)
{
    check->kind = kind;
    check_stages(check);
    check_clocks(check);
    check_route(check);
    check_overlap(check);
    check_kind_words(check);
    check_kind_names(check);
    check_runs(check);
    check_acknowledge(check);
}

/* Looks at whatever compiled: a mistake of the compiler hides nothing but what would follow from it. */
void policy_check(struct policy_result *result, struct arena *arena)
{
    if (!result->begun)
        return;
    struct check check = {.result = result, .arena = arena, .policy = result->begun};
    for (size_t i = 0; i < result->count; i++)
        check.compiled = result->mistakes[i].warning ? check.compiled : i + 1;
    Policy__Kind **kinds = kinds_in_order(result, check.policy, arena);
    for (size_t i = 0; i < check.policy->n_kinds; i++)
        if (!check.compiled || kinds[i]->n_stages ||
            !check_broken_itself(&check, arena_printf(arena, "kinds.%s", kinds[i]->name)))
            check_kind(&check, kinds[i]);
    check_policy_words(&check);
    check_policy_names(&check);
    check_uses(&check);
    check_clauses(&check);
    check_loops(&check);
    if (check.wrong)
        result->policy = NULL;
}
