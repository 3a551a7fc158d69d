/* Small histories written in one line each, and a caller of the judge that knows one-node conditions. */
#ifndef HEARBACK_TEST_CLOCK_FIXTURE_H
#define HEARBACK_TEST_CLOCK_FIXTURE_H

#include "clock/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HAPPENINGS_MAX 32

struct world {
    struct arena arena;
    struct zone *zone;
    Calendar__Calendar *definition;
    struct calendar *calendar;
    Policy__Defaults defaults;
    Policy__Clock clock;
    struct happening list[HAPPENINGS_MAX];
    size_t count;
    uint32_t first_asked; /* by which version the first condition was asked */
    bool asked;
};

static inline void world_open(struct world *world)
{
    char *why = "";
    *world = (struct world){0};
    arena_init(&world->arena);
    if (calendar_load(SOURCE_DIR "/services/directory/calendars/cn.json", &world->arena, &world->definition, &why))
        fail_msg("%s", why);
    assert_int_equal(zone_load(NULL, world->definition->zone, &world->zone), ERR_NONE);
    world->calendar = calendar_new(world->definition, world->zone);
    policy__defaults__init(&world->defaults);
    world->defaults.close_of_business_min = 1080;
    world->defaults.warn_hours_permille = 750;
    world->defaults.warn_days_min = 540;
    policy__clock__init(&world->clock);
    world->clock.name = "answer";
    world->clock.warn_default = true;
}

static inline void world_close(struct world *world)
{
    calendar_free(world->calendar);
    zone_free(world->zone);
    arena_fini(&world->arena);
}

/* ---- the definition ---- */

static inline void trigger_add(struct world *world, Policy__Trigger ***list, size_t *count, Policy__Trigger__Type type,
                               const char *name)
{
    Policy__Trigger *trigger = arena_alloc(&world->arena, sizeof *trigger);
    policy__trigger__init(trigger);
    trigger->type = type;
    trigger->name = arena_strdup(&world->arena, name);
    *list = arena_grow(&world->arena, *list, *count, sizeof **list);
    (*list)[(*count)++] = trigger;
}

#define START(world, type, name)                                                                                       \
    trigger_add(world, &(world)->clock.start, &(world)->clock.n_start, POLICY__TRIGGER__TYPE__##type, name)
#define STOP(world, type, name)                                                                                        \
    trigger_add(world, &(world)->clock.stop, &(world)->clock.n_stop, POLICY__TRIGGER__TYPE__##type, name)

/* "fact = value", or "fact" alone: it has a value. */
static inline Policy__Condition *condition_of(struct world *world, const char *fact, const char *value)
{
    Policy__Condition *condition = arena_alloc(&world->arena, sizeof *condition);
    Policy__Node *node = arena_alloc(&world->arena, sizeof *node);
    policy__condition__init(condition);
    policy__node__init(node);
    node->op = value ? POLICY__NODE__OP__EQUAL : POLICY__NODE__OP__PRESENT;
    node->fact = arena_strdup(&world->arena, fact);
    node->other = arena_strdup(&world->arena, value);
    condition->nodes = arena_alloc(&world->arena, sizeof *condition->nodes);
    condition->nodes[condition->n_nodes++] = node;
    return condition;
}

static inline Policy__LimitRow *limit_add(struct world *world, Policy__Condition *condition, Policy__Term__Unit unit,
                                          unsigned amount)
{
    Policy__LimitRow *row = arena_alloc(&world->arena, sizeof *row);
    Policy__Term *term = arena_alloc(&world->arena, sizeof *term);
    policy__limit_row__init(row);
    policy__term__init(term);
    term->unit = unit;
    term->amount = amount;
    row->condition = condition;
    row->terms = arena_alloc(&world->arena, sizeof *row->terms);
    row->terms[row->n_terms++] = term;
    world->clock.limit =
        arena_grow(&world->arena, world->clock.limit, world->clock.n_limit, sizeof *world->clock.limit);
    return world->clock.limit[world->clock.n_limit++] = row;
}

/* ---- the history ---- */

/* "2025-03-10 18:00" or "... 24:00" local */
static inline int64_t at(const struct world *world, const char *text)
{
    char date[11];
    int32_t day;
    snprintf(date, sizeof date, "%.10s", text);
    if (!date_parse(date, &day))
        fail_msg("%s is no date", text);
    return instant_of(world->calendar, day, atoi(text + 11) * 60 + atoi(text + 14));
}

static inline struct happening *add(struct world *world, int64_t at_ms)
{
    assert_true(world->count < HAPPENINGS_MAX);
    struct happening *happening = &world->list[world->count++];
    *happening = (struct happening){.at_ms = at_ms};
    return happening;
}

static inline struct happening *stage(struct world *world, const char *when, const char *name, Policy__Phase phase)
{
    struct happening *happening = add(world, at(world, when));
    happening->stage = name;
    happening->phase = phase;
    return happening;
}

static inline struct happening *step(struct world *world, const char *when, const char *name)
{
    struct happening *happening = add(world, at(world, when));
    happening->step = name;
    return happening;
}

static inline Hb__Value *fact(struct world *world, struct happening *happening, const char *name)
{
    Hb__Fact *made = arena_alloc(&world->arena, sizeof *made);
    Hb__Value *value = arena_alloc(&world->arena, sizeof *value);
    hb__fact__init(made);
    hb__value__init(value);
    made->name = arena_strdup(&world->arena, name);
    made->value = value;
    happening->facts = arena_grow(&world->arena, happening->facts, happening->facts_count, sizeof *happening->facts);
    happening->facts[happening->facts_count++] = made;
    return value;
}

static inline void fact_text(struct world *world, struct happening *happening, const char *name, const char *text)
{
    Hb__Value *value = fact(world, happening, name);
    value->kind_case = HB__VALUE__KIND_TEXT;
    value->text = arena_strdup(&world->arena, text);
}

static inline void fact_time(struct world *world, struct happening *happening, const char *name, int64_t ms)
{
    Hb__Value *value = fact(world, happening, name);
    value->kind_case = HB__VALUE__KIND_TIME_MS;
    value->time_ms = ms;
}

static inline const Hb__Value *fact_now(const struct world *world, const char *name, size_t upto)
{
    for (size_t i = upto + 1; i-- > 0;)
        for (size_t f = 0; f < world->list[i].facts_count; f++)
            if (strcmp(world->list[i].facts[f]->name, name) == 0)
                return world->list[i].facts[f]->value;
    return NULL;
}

/* ---- the caller ---- */

static inline const struct calendar *calendar_named(void *context, const char *name)
{
    (void)name;
    return ((struct world *)context)->calendar;
}

static inline enum truth holds(void *context, const Policy__Condition *condition, size_t upto, uint32_t version,
                               int64_t at_ms)
{
    struct world *world = context;
    (void)at_ms;
    world->first_asked = world->asked ? world->first_asked : version;
    world->asked = true;
    const Policy__Node *node = condition->nodes[0];
    const Hb__Value *value = fact_now(context, node->fact, upto);
    if (node->op == POLICY__NODE__OP__PRESENT)
        return value ? TRUTH_YES : TRUTH_NO;
    if (!value)
        return TRUTH_UNKNOWN;
    return strcmp(value->text, node->other) == 0 ? TRUTH_YES : TRUTH_NO;
}

static inline bool instant(void *context, const char *name, size_t upto, int64_t *ms_out)
{
    const Hb__Value *value = fact_now(context, name, upto);
    if (!value || value->kind_case != HB__VALUE__KIND_TIME_MS)
        return false;
    *ms_out = value->time_ms;
    return true;
}

/* All runs of the first `count` happenings. */
static inline struct run *judge_first(struct world *world, size_t count, int64_t horizon_ms, size_t *runs_out)
{
    struct judge_rules rules = {.clock = &world->clock,
                                .explain = true,
                                .defaults = &world->defaults,
                                .calendar = calendar_named,
                                .holds = holds,
                                .instant = instant,
                                .context = world};
    return clock_judge(&rules, world->list, count, horizon_ms, &world->arena, runs_out);
}

#endif
