/* Every date explains itself, day by day. */
#include "watchdog.h"

static const char *state_text(const struct run *run)
{
    switch (run->state) {
    case RUN_RUNNING:
        return run->missed ? "missed" : "running";
    case RUN_PAUSED:
        return "paused";
    case RUN_MET:
        return run->missed ? "missed" : "met";
    case RUN_CANCELLED:
        return "cancelled";
    }
    return "";
}

static const char *what_text(enum day_what what)
{
    switch (what) {
    case DAY_START:
        return "start";
    case DAY_COUNTED:
        return "counted";
    case DAY_SKIPPED:
        return "skipped";
    case DAY_ROLLED:
        return "rolled";
    case DAY_DUE:
        return "due";
    }
    return "";
}

static void add_days(struct turn *turn, const struct run *run, Watchdog__ClockState *state)
{
    for (size_t i = 0; i < run->notes_count; i++) {
        int year, month, day;
        Watchdog__DayNote *note = TURN_NEW(turn, Watchdog__DayNote, watchdog__day_note__init);
        date_split(run->notes[i].date, &year, &month, &day);
        note->date = arena_printf(turn_arena(turn), "%04d-%02d-%02d", year, month, day);
        note->what = (char *)(uintptr_t)what_text(run->notes[i].what);
        note->reason = label_new(turn, run->notes[i].zh, run->notes[i].en);
        TURN_ADD(turn, state->days, state->n_days, note);
    }
}

static void add_clock(struct turn *turn, struct watchdog_case *one, const char *name, uint32_t part,
                      Watchdog__Clocks *clocks)
{
    size_t count;
    const struct run *runs = watchdog_judge(turn, one, name, part, turn_now(turn), true, &count);
    for (size_t i = 0; i < count; i++) {
        const Policy__Clock *clock = runs[i].clock;
        Watchdog__ClockState *state = TURN_NEW(turn, Watchdog__ClockState, watchdog__clock_state__init);
        state->instance = TURN_NEW(turn, Watchdog__Instance, watchdog__instance__init);
        state->instance->clock = clock->name;
        state->instance->round = runs[i].round;
        state->instance->part = watchdog_part_text(turn, watchdog_part_number(part, runs[i].part));
        state->label = clock->label;
        watchdog_limit_clauses(clock, &runs[i], &state->clauses, &state->n_clauses);
        state->department = watchdog_limit_department(clock, &runs[i]);
        state->state = (char *)(uintptr_t)state_text(&runs[i]);
        state->start_ms = runs[i].start_ms;
        state->due_ms = runs[i].due_ms;
        state->met_ms = runs[i].state == RUN_MET ? runs[i].ended_ms : 0;
        state->provisional = runs[i].provisional;
        state->main = clock->main;
        bool live = runs[i].state == RUN_RUNNING || runs[i].state == RUN_PAUSED;
        state->remaining_ms = live && runs[i].due_ms ? runs[i].due_ms - turn_now(turn) : 0;
        add_days(turn, &runs[i], state);
        TURN_ADD(turn, clocks->clocks, clocks->n_clocks, state);
    }
}

static bool of_last_round(const Watchdog__Clocks *clocks, const Watchdog__ClockState *clock)
{
    for (size_t i = 0; i < clocks->n_clocks; i++)
        if (strcmp(clocks->clocks[i]->instance->clock, clock->instance->clock) == 0 &&
            clocks->clocks[i]->instance->round > clock->instance->round)
            return false;
    return true;
}

/* What a complainant is told: the dates that stand, not whose they are to keep. */
static void keep_promises(struct turn *turn, Watchdog__Clocks *clocks)
{
    Watchdog__ClockState **kept = arena_alloc(turn_arena(turn), (clocks->n_clocks + 1) * sizeof *kept);
    size_t count = 0;
    for (size_t i = 0; i < clocks->n_clocks; i++)
        if (clocks->clocks[i]->due_ms && strcmp(clocks->clocks[i]->state, "cancelled") != 0 &&
            of_last_round(clocks, clocks->clocks[i]))
            kept[count++] = clocks->clocks[i];
    for (size_t i = 0; i < count; i++)
        kept[i]->department = (char *)(uintptr_t) "";
    clocks->clocks = kept;
    clocks->n_clocks = count;
}

static void answer_clocks(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    uint64_t case_id = query->watchdog->clocks->case_id;
    struct watchdog_case one;
    bool own = query->actor && query->actor->complainant && query->case_id == case_id;
    if (!watchdog_open(turn, case_id, &one) ||
        !(own || !query->actor || rights_may(turn, query->actor, "read", one.record->site)) ||
        watchdog_hidden(&one, query->actor)) {
        turn_refuse(turn, 404, "not_found", "没有这个案件", "there is no such case");
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_WATCHDOG;
    reply->watchdog = TURN_NEW(turn, Watchdog__Reply, watchdog__reply__init);
    reply->watchdog->kind_case = WATCHDOG__REPLY__KIND_CLOCKS;
    reply->watchdog->clocks = TURN_NEW(turn, Watchdog__Clocks, watchdog__clocks__init);
    size_t count;
    const char **names = watchdog_clocks(turn, &one, &count);
    for (size_t i = 0; i < count; i++)
        for (uint32_t part = 0, parts = watchdog_parts(&one, names[i]); part <= parts; part++)
            add_clock(turn, &one, names[i], part, reply->watchdog->clocks);
    if (own)
        keep_promises(turn, reply->watchdog->clocks);
}

void watchdog_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    if (query->payload_case == HB__QUERY__PAYLOAD_WATCHDOG) {
        switch (query->watchdog->kind_case) {
        case WATCHDOG__QUERY__KIND_CLOCKS:
            answer_clocks(turn, query, reply);
            return;
        case WATCHDOG__QUERY__KIND_MOVED:
            watchdog_answer_moved(turn, query, reply);
            return;
        case WATCHDOG__QUERY__KIND_PREVIEW:
            watchdog_answer_preview(turn, query, reply);
            return;
        case WATCHDOG__QUERY__KIND__NOT_SET:
            break;
        }
    }
    turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
}
