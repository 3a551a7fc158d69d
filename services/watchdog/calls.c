/* A level that must be acknowledged: when nobody does in time, the ladder's next row (`unacknowledged`) comes; and one
   that is said again after a span (`repeat`), so often as the policy says, and once more: then it is a problem. The
   span runs from when the level was said; what stops it is casework's EscalationAcknowledged, heard directly, so that
   one given in time counts however late escalation repeats it. An acknowledgement ends the whole chain of such rows,
   and so does the end of the clock's run, a withdrawn miss, or the case being closed. */
#include "watchdog.h"

#include "base/planted.h"

static struct key timer_key(uint64_t case_id, size_t index)
{
    struct key key = key_u64(case_id);
    key_add_text(&key, "");
    key_add_u32(&key, (uint32_t)index);
    return key;
}

static void clear(struct turn *turn, uint64_t case_id, Watchrec__Case *record, size_t index)
{
    struct key key = timer_key(case_id, index);
    if (!record->calls[index]->over)
        turn_timer_clear(turn, record->calls[index]->at_ms, key_bytes(&key));
    record->calls[index]->over = true;
}

/* The rows of one chain follow each other: whoever acknowledges one of them has taken note of all. */
static bool same_chain(const Watchrec__Call *a, const Watchrec__Call *b)
{
    return a->round == b->round && a->due_ms == b->due_ms && strcmp(a->ladder, b->ladder) == 0 &&
           strcmp(a->clock, b->clock) == 0 && strcmp(a->part, b->part) == 0;
}

static bool listed(const Watchrec__Case *record, const char *key)
{
    for (size_t i = 0; i < record->n_acknowledged; i++)
        if (strcmp(record->acknowledged[i], key) == 0)
            return true;
    return false;
}

/* Casework's acknowledgement may be heard before escalation's level. */
static bool acknowledged(const Watchrec__Case *record, const Watchrec__Call *call)
{
    for (size_t i = 0; i < record->n_calls; i++)
        if (same_chain(record->calls[i], call) && listed(record, record->calls[i]->key))
            return true;
    return listed(record, call->key);
}

static void call_add(struct turn *turn, const Hb__Event *event, Watchrec__Case *record, uint32_t row, uint32_t repeat,
                     int64_t at_ms)
{
    const Escalation__LevelReached *reached = event->escalation->reached;
    uint64_t case_id = event->case_id;
    Watchrec__Call *call = TURN_NEW(turn, Watchrec__Call, watchrec__call__init);
    call->key = reached->key;
    call->ladder = reached->ladder;
    call->clock = reached->clock;
    call->round = reached->round;
    call->part = reached->part;
    call->due_ms = reached->due_ms;
    call->row = row;
    call->repeat = repeat;
    call->at_ms = at_ms;
    call->version = event->policy_version;
    call->over = acknowledged(record, call);
    struct key key = timer_key(case_id, record->n_calls);
    if (!call->over)
        turn_timer_set(turn, call->at_ms, key_bytes(&key));
    TURN_ADD(turn, record->calls, record->n_calls, call);
}

void watchdog_call_reached(struct turn *turn, const Hb__Event *event, Watchrec__Case *record)
{
    const Escalation__LevelReached *reached = event->escalation->reached;
    if (reached->unacknowledged_row)
        call_add(turn, event, record, reached->unacknowledged_row, 0, reached->acknowledge_by_ms);
    if (reached->repeat_at_ms && !planted("lose_repeat"))
        call_add(turn, event, record, reached->row, reached->repeat + 1, reached->repeat_at_ms);
}

void watchdog_call_acknowledged(struct turn *turn, uint64_t case_id, Watchrec__Case *record, const char *key)
{
    TURN_ADD(turn, record->acknowledged, record->n_acknowledged, (char *)(uintptr_t)key);
    for (size_t i = 0; i < record->n_calls; i++)
        if (acknowledged(record, record->calls[i]))
            clear(turn, case_id, record, i);
}

void watchdog_call_cancelled(struct turn *turn, uint64_t case_id, Watchrec__Case *record, const char *key)
{
    for (size_t i = 0; i < record->n_calls; i++)
        if (strcmp(record->calls[i]->key, key) == 0)
            clear(turn, case_id, record, i);
}

void watchdog_call_said(struct turn *turn, uint64_t case_id, Watchrec__Case *record,
                        const Watchdog__ClockPointReached *point)
{
    for (size_t i = 0; i < record->n_calls; i++) {
        const Watchrec__Call *call = record->calls[i];
        bool meant = call->row == point->index && call->repeat == point->repeat &&
                     call->round == point->instance->round && call->due_ms == point->due_ms &&
                     strcmp(call->ladder, point->ladder) == 0 && strcmp(call->clock, point->instance->clock) == 0 &&
                     strcmp(call->part, point->instance->part) == 0;
        if (meant)
            clear(turn, case_id, record, i);
    }
}

/* ---- what is due ---- */

static bool closed(const Watchrec__Case *record)
{
    uint32_t phase = 0;
    for (size_t i = 0; i < record->n_happenings; i++)
        phase = record->happenings[i]->phase ? record->happenings[i]->phase : phase;
    return phase == POLICY__PHASE__CLOSED || phase == POLICY__PHASE__ARCHIVED;
}

/* A ladder that a rule climbs has no run. */
static bool run_ended(Watchrec__Case *record, const Watchrec__Call *call)
{
    const Watchrec__Said *said = watchdog_said(record, call->clock, call->round, watchdog_part_parse(call->part));
    return said && (said->met || said->cancelled);
}

static void say_row(struct turn *turn, const struct watchdog_case *one, const Watchrec__Call *call)
{
    Watchdog__ClockPointReached *reached =
        TURN_NEW(turn, Watchdog__ClockPointReached, watchdog__clock_point_reached__init);
    reached->instance = TURN_NEW(turn, Watchdog__Instance, watchdog__instance__init);
    reached->instance->clock = call->clock;
    reached->instance->round = call->round;
    reached->instance->part = call->part;
    reached->point = WATCHDOG__CLOCK_POINT_REACHED__POINT__ROW;
    reached->index = call->row;
    reached->repeat = call->repeat;
    reached->ladder = call->ladder;
    reached->due_ms = call->due_ms;
    reached->at_ms = call->at_ms;
    uint32_t version = call->version ? call->version : one->record->policy_version;
    const Policy__Policy *policy = organisation_policy(turn, one->record->site, version);
    const Policy__Ladder *ladder = policy ? policy_ladder(policy, call->ladder) : NULL;
    Hb__Event *event = turn_event(turn, one->record->site, one->id);
    event->policy_version = version;
    event->occurred_ms = call->at_ms;
    event->payload_case = HB__EVENT__PAYLOAD_WATCHDOG;
    event->watchdog = TURN_NEW(turn, Watchdog__Event, watchdog__event__init);
    event->watchdog->kind_case = WATCHDOG__EVENT__KIND_POINT;
    event->watchdog->point = reached;
    if (ladder)
        event_clauses(turn, event, ladder->clauses, ladder->n_clauses);
    turn_say(turn, event);
}

void watchdog_look_at_calls(struct turn *turn, uint64_t case_id)
{
    struct watchdog_case one;
    if (!watchdog_open(turn, case_id, &one) || one.record->n_calls == 0 || closed(one.record))
        return;
    int64_t horizon = turn_horizon(turn);
    for (size_t i = 0; i < one.record->n_calls; i++) {
        const Watchrec__Call *call = one.record->calls[i];
        if (!call->over && call->at_ms < horizon && !run_ended(one.record, call))
            say_row(turn, &one, call);
    }
}
