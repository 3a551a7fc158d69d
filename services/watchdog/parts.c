/* `each: milestones`: a clock runs for every part of a field, over the part's own facts: milestones.by is
   milestones.2.by for the second. A run's number holds both: the part above, the run of the clock below. */
#include "watchdog.h"

#include <stdio.h>

#define PART_SHIFT 16

uint32_t watchdog_part_number(uint32_t part, uint32_t run)
{
    return part << PART_SHIFT | run;
}

/* "", "1", "2" are runs of a clock; "#2", "#2.1" those of the second part. */
char *watchdog_part_text(struct turn *turn, uint32_t number)
{
    uint32_t part = number >> PART_SHIFT, run = number & ((1u << PART_SHIFT) - 1);
    if (!part)
        return run ? arena_printf(turn_arena(turn), "%u", run) : (char *)(uintptr_t) "";
    return run ? arena_printf(turn_arena(turn), "#%u.%u", part, run) : arena_printf(turn_arena(turn), "#%u", part);
}

uint32_t watchdog_part_parse(const char *text)
{
    unsigned part = 0, run = 0;
    if (*text == '#')
        (void)!sscanf(text, "#%9u.%9u", &part, &run);
    else
        (void)!sscanf(text, "%9u", &run);
    return watchdog_part_number(part, run);
}

struct renaming {
    struct turn *turn;
    const char *field; /* "milestones" */
    uint32_t part;
};

/* "milestones.by" -> "milestones.2.by"; other names stay. */
static char *renamed(const struct renaming *renaming, char *name)
{
    size_t size = strlen(renaming->field);
    if (strncmp(name, renaming->field, size) != 0 || name[size] != '.')
        return name;
    return arena_printf(turn_arena(renaming->turn), "%s.%u%s", renaming->field, renaming->part, name + size);
}

static Policy__Trigger **rename_triggers(const struct renaming *renaming, Policy__Trigger **list, size_t count)
{
    Policy__Trigger **copies = arena_alloc(turn_arena(renaming->turn), (count + 1) * sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i] = arena_alloc(turn_arena(renaming->turn), sizeof **copies);
        *copies[i] = *list[i];
        copies[i]->name = renamed(renaming, list[i]->name);
    }
    return copies;
}

static Policy__Condition *rename_condition(const struct renaming *renaming, const Policy__Condition *condition)
{
    struct arena *arena = turn_arena(renaming->turn);
    if (!condition)
        return NULL;
    Policy__Condition *copy = arena_alloc(arena, sizeof *copy);
    *copy = *condition;
    copy->nodes = arena_alloc(arena, (condition->n_nodes + 1) * sizeof *copy->nodes);
    for (size_t i = 0; i < condition->n_nodes; i++) {
        copy->nodes[i] = arena_alloc(arena, sizeof **copy->nodes);
        *copy->nodes[i] = *condition->nodes[i];
        copy->nodes[i]->fact = renamed(renaming, condition->nodes[i]->fact);
    }
    return copy;
}

static Policy__LimitRow *rename_row(const struct renaming *renaming, const Policy__LimitRow *row)
{
    struct arena *arena = turn_arena(renaming->turn);
    Policy__LimitRow *copy = arena_alloc(arena, sizeof *copy);
    *copy = *row;
    copy->condition = rename_condition(renaming, row->condition);
    copy->terms = arena_alloc(arena, (row->n_terms + 1) * sizeof *copy->terms);
    for (size_t i = 0; i < row->n_terms; i++) {
        copy->terms[i] = arena_alloc(arena, sizeof **copy->terms);
        *copy->terms[i] = *row->terms[i];
        copy->terms[i]->field = renamed(renaming, row->terms[i]->field);
    }
    return copy;
}

const Policy__Clock *watchdog_clock_of_part(struct turn *turn, const Policy__Clock *clock, uint32_t part)
{
    struct renaming renaming = {turn, clock->each, part};
    if (!part)
        return clock;
    Policy__Clock *copy = arena_alloc(turn_arena(turn), sizeof *copy);
    *copy = *clock;
    copy->condition = rename_condition(&renaming, clock->condition);
    copy->start = rename_triggers(&renaming, clock->start, clock->n_start);
    copy->stop = rename_triggers(&renaming, clock->stop, clock->n_stop);
    copy->pause_at = rename_triggers(&renaming, clock->pause_at, clock->n_pause_at);
    copy->resume_at = rename_triggers(&renaming, clock->resume_at, clock->n_resume_at);
    copy->limit = arena_alloc(turn_arena(turn), (clock->n_limit + 1) * sizeof *copy->limit);
    for (size_t i = 0; i < clock->n_limit; i++)
        copy->limit[i] = rename_row(&renaming, clock->limit[i]);
    return copy;
}

uint32_t watchdog_parts(const struct watchdog_case *one, const char *clock)
{
    int64_t most = 0;
    for (size_t i = 0; i < one->versions_count && one->count; i++) {
        const Policy__Clock *own = policy_clock(one->versions[i].kind, clock);
        int64_t parts = own && *own->each ? facts_number(&one->facts[one->count - 1], own->each) : 0;
        most = parts > most ? parts : most;
    }
    return most > POLICY_PARTS_MAX ? POLICY_PARTS_MAX : (uint32_t)most;
}
