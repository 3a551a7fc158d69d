/* Rows of a ladder that are said again: each time once, in order, a span after the one before, not oftener than the
   policy says; and none is left out unless somebody acknowledged, or what it is about was over. */
#include "storm.h"

#include "policy/lookup.h"

#include <inttypes.h>

#define HEARD_BY_MS 120000ll /* a row is said that much after its instant at the latest, when all are up again */

static bool is_level(const Hb__Event *event, Escalation__Event__KindCase kind)
{
    return event->payload_case == HB__EVENT__PAYLOAD_ESCALATION && event->escalation->kind_case == kind;
}

static bool same_chain(const Escalation__LevelReached *a, const Escalation__LevelReached *b)
{
    return a->round == b->round && a->due_ms == b->due_ms && strcmp(a->ladder, b->ladder) == 0 &&
           strcmp(a->clock, b->clock) == 0 && strcmp(a->part, b->part) == 0;
}

static bool of_chain(const struct storm_case *one, const Escalation__LevelReached *level, const char *key)
{
    for (size_t i = 0; i < one->events_count; i++)
        if (is_level(one->events[i], ESCALATION__EVENT__KIND_REACHED) &&
            strcmp(one->events[i]->escalation->reached->key, key) == 0 &&
            same_chain(one->events[i]->escalation->reached, level))
            return true;
    return false;
}

/* Somebody acknowledged, the level was taken back, the clock's run ended, or the case was closed at some time. */
static bool over(const struct storm_case *one, const Escalation__LevelReached *level)
{
    for (size_t i = 0; i < one->runs_count; i++) {
        const struct storm_run *run = &one->runs[i];
        if (strcmp(run->clock, level->clock) == 0 && run->round == level->round && run->ended_ms &&
            (run->said == STORM_MET || run->said == STORM_CANCELLED))
            return true;
    }
    for (size_t i = 0; i < one->events_count; i++) {
        const Hb__Event *event = one->events[i];
        if (is_level(event, ESCALATION__EVENT__KIND_CANCELLED) &&
            strcmp(event->escalation->cancelled->key, level->key) == 0)
            return true;
        if (event->payload_case != HB__EVENT__PAYLOAD_CASEWORK)
            continue;
        if (event->casework->kind_case == CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED &&
            of_chain(one, level, event->casework->escalation_acknowledged->key))
            return true;
        if (event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN &&
            event->casework->step_taken->phase >= POLICY__PHASE__CLOSED)
            return true;
    }
    return false;
}

/* A date that moved may move back to where it was: then the same row is reached a second time, maybe under another
 * version of the policy, which its key then names. When it is, after `event`. */
static int64_t reached_again_ms(const struct storm_case *one, const Hb__Event *event)
{
    const Escalation__LevelReached *level = event->escalation->reached;
    int64_t again = INT64_MAX;
    for (size_t i = 0; i < one->events_count; i++) {
        const Hb__Event *other = one->events[i];
        if (!is_level(other, ESCALATION__EVENT__KIND_REACHED) || other->offset <= event->offset)
            continue;
        const Escalation__LevelReached *later = other->escalation->reached;
        if (same_chain(later, level) && later->row == level->row && later->repeat == level->repeat &&
            other->recorded_ms < again)
            again = other->recorded_ms;
    }
    return again;
}

/* The point at which watchdog said this row for the time after the one that `reached` tells; counts them. */
static const Hb__Event *next_of(const struct storm_case *one, const Hb__Event *reached, unsigned *count)
{
    const Escalation__LevelReached *level = reached->escalation->reached;
    const Hb__Event *found = NULL;
    int64_t until = reached_again_ms(one, reached);
    *count = 0;
    for (size_t i = 0; i < one->events_count; i++) {
        const Hb__Event *event = one->events[i];
        if (event->payload_case != HB__EVENT__PAYLOAD_WATCHDOG ||
            event->watchdog->kind_case != WATCHDOG__EVENT__KIND_POINT || event->recorded_ms < reached->recorded_ms ||
            event->recorded_ms >= until)
            continue;
        const Watchdog__ClockPointReached *point = event->watchdog->point;
        if (point->repeat != level->repeat + 1 || point->index != level->row || point->due_ms != level->due_ms ||
            point->instance->round != level->round || strcmp(point->ladder, level->ladder) != 0 ||
            strcmp(point->instance->clock, level->clock) != 0 || strcmp(point->instance->part, level->part) != 0)
            continue;
        found = event;
        (*count)++;
    }
    return found;
}

static void check_level(struct storm *storm, const struct storm_case *one, const Hb__Event *event, int64_t now_ms)
{
    const Escalation__LevelReached *level = event->escalation->reached;
    const Policy__Ladder *ladder = *level->ladder ? policy_ladder(one->policy, level->ladder) : NULL;
    const Policy__LadderRow *row = ladder && level->row < ladder->n_rows ? ladder->rows[level->row] : NULL;
    const char *number = one->registered->intake->registered->number;
    unsigned count;
    const Hb__Event *next = next_of(one, event, &count);
    if (level->repeat > (row ? row->repeat_at_most : 0))
        storm_fail(storm, "a row is said again so often as the policy says", "%s %s: %" PRIu32, number, level->key,
                   level->repeat);
    if (!level->repeat_at_ms) {
        if (row && row->repeat && !event->history)
            storm_fail(storm, "a row that repeats says when", "%s %s", number, level->key);
        if (count)
            storm_fail(storm, "only what repeats is said again", "%s %s", number, level->key);
        return;
    }
    if (level->repeat_at_ms <= event->occurred_ms)
        storm_fail(storm, "a row comes again after its span", "%s %s", number, level->key);
    if (next && next->watchdog->point->at_ms != level->repeat_at_ms)
        storm_fail(storm, "a row comes again when it said", "%s %s: %" PRId64 ", was to be %" PRId64, number,
                   level->key, next->watchdog->point->at_ms, level->repeat_at_ms);
    bool cancelled = !next && over(one, level);
    if (!next && !cancelled && level->repeat_at_ms < now_ms - HEARD_BY_MS)
        storm_fail(storm, "a row that nobody answers is said again", "%s %s, due again at %" PRId64, number, level->key,
                   level->repeat_at_ms);
}

void storm_check_repeats(struct storm *storm, const struct storm_case *one, int64_t now_ms)
{
    for (size_t i = 0; i < one->events_count && !storm->failed; i++)
        if (is_level(one->events[i], ESCALATION__EVENT__KIND_REACHED))
            check_level(storm, one, one->events[i], now_ms);
}
