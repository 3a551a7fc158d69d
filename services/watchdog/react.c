/* Says what the judgement is and has not been said: level-triggered, so the order in which facts are heard does not
   matter. Everything said for an instant before the end of a history bears that instant and the mark `history`. */
#include "watchdog.h"

#include "base/planted.h"

struct looking {
    struct turn *turn;
    struct watchdog_case *one;
    const struct watchdog_version *version; /* under which the run stands, or stood at its end */
    const Policy__Clock *clock;
    const struct run *run;
    const Watchrec__Said *said; /* NULL: nothing yet */
    int64_t happened_ms;        /* what is looked at now; INT64_MAX: nothing new */
    bool moving;                /* the case was moved to another version of the policy */
    bool over;                  /* and nothing new: what was said at its end stands */
};

static Watchdog__Instance *instance_of(const struct looking *looking)
{
    Watchdog__Instance *instance = TURN_NEW(looking->turn, Watchdog__Instance, watchdog__instance__init);
    instance->clock = looking->clock->name;
    instance->round = looking->run->round;
    instance->part = watchdog_part_text(looking->turn, looking->run->part);
    return instance;
}

static void say(const struct looking *looking, Watchdog__Event__KindCase kind, void *payload, int64_t occurred_ms)
{
    struct turn *turn = looking->turn;
    const Watchrec__Case *record = looking->one->record;
    Hb__Event *event = turn_event(turn, record->site, looking->one->id);
    event->policy_version = looking->version->version;
    event->payload_case = HB__EVENT__PAYLOAD_WATCHDOG;
    event->watchdog = TURN_NEW(turn, Watchdog__Event, watchdog__event__init);
    event->watchdog->kind_case = kind;
    event->watchdog->armed = payload; /* all arms share one pointer */
    event->history = record->as_of_ms && occurred_ms && occurred_ms < record->as_of_ms;
    event->occurred_ms = occurred_ms ? occurred_ms : turn_now(turn);
    char **clauses;
    size_t count;
    watchdog_limit_clauses(looking->clock, looking->run, &clauses, &count);
    event_clauses(turn, event, clauses, count);
    turn_say(turn, event);
}

static const Policy__Ladder *ladder_of(const struct looking *looking)
{
    return *looking->clock->ladder ? policy_ladder(looking->version->policy, looking->clock->ladder) : NULL;
}

/* Instants of the rows that come by time; 0 for those that do not. */
static void add_rows(const struct looking *looking, Watchdog__ClockArmed *armed)
{
    struct turn *turn = looking->turn;
    const Policy__Ladder *ladder = ladder_of(looking);
    const struct calendar *calendar = watchdog_calendar(turn, looking->one, looking->clock);
    for (size_t i = 0; ladder && i < ladder->n_rows && i < WATCHDOG_ROWS_MAX; i++) {
        const Policy__LadderRow *row = ladder->rows[i];
        bool timed = row->at == POLICY__LADDER_ROW__AT__AFTER || row->at == POLICY__LADDER_ROW__AT__PERMILLE;
        int64_t at =
            timed ? clock_row_ms(looking->run, row, calendar, looking->version->policy->defaults, turn_arena(turn)) : 0;
        TURN_ADD(turn, armed->row_ms, armed->n_row_ms, at);
    }
}

static Watchdog__ClockArmed *armed_now(const struct looking *looking)
{
    Watchdog__ClockArmed *armed = TURN_NEW(looking->turn, Watchdog__ClockArmed, watchdog__clock_armed__init);
    const struct run *run = looking->run;
    armed->instance = instance_of(looking);
    armed->start_ms = run->start_ms;
    armed->due_ms = run->due_ms;
    armed->provisional = run->provisional;
    armed->main = looking->clock->main;
    armed->moved_from_ms = looking->said && looking->said->due_ms != run->due_ms ? looking->said->due_ms : 0;
    armed->ladder = looking->clock->ladder;
    for (unsigned i = 0; i < run->warn_count; i++)
        TURN_ADD(looking->turn, armed->warn_ms, armed->n_warn_ms, run->warn_ms[i]);
    add_rows(looking, armed);
    return armed;
}

static void say_armed(const struct looking *looking, Watchdog__ClockArmed *armed, const char *reason)
{
    bool historic = !looking->said && looking->one->record->as_of_ms;
    armed->reason = (char *)(uintptr_t)reason;
    say(looking, WATCHDOG__EVENT__KIND_ARMED, armed, historic ? looking->run->start_ms : 0);
}

static void say_point(const struct looking *looking, Watchdog__ClockPointReached__Point point, uint32_t index,
                      int64_t at_ms)
{
    Watchdog__ClockPointReached *reached =
        TURN_NEW(looking->turn, Watchdog__ClockPointReached, watchdog__clock_point_reached__init);
    reached->instance = instance_of(looking);
    reached->point = point;
    reached->index = index;
    reached->ladder = looking->clock->ladder;
    reached->due_ms = looking->over && looking->said ? looking->said->due_ms : looking->run->due_ms;
    reached->at_ms = at_ms;
    reached->main = looking->clock->main;
    say(looking, WATCHDOG__EVENT__KIND_POINT, reached, at_ms);
}

static void add_unheard(const struct looking *looking, Watchdog__DeadlineMissed *missed)
{
    static const struct {
        Hb__Service service;
        const char *name;
    } producers[] = {{HB__SERVICE__INTAKE, "intake"},
                     {HB__SERVICE__CASEWORK, "casework"},
                     {HB__SERVICE__NOTIFICATION, "notification"}};
    for (size_t i = 0; i < sizeof producers / sizeof *producers; i++)
        if (turn_as_of(looking->turn, producers[i].service) <= missed->due_ms)
            TURN_ADD(looking->turn, missed->unheard, missed->n_unheard, (char *)(uintptr_t)producers[i].name);
}

static void say_missed(const struct looking *looking)
{
    Watchdog__DeadlineMissed *missed =
        TURN_NEW(looking->turn, Watchdog__DeadlineMissed, watchdog__deadline_missed__init);
    missed->instance = instance_of(looking);
    missed->due_ms = looking->run->missed_due_ms;
    missed->main = looking->clock->main;
    missed->ladder = looking->clock->ladder;
    add_unheard(looking, missed);
    say(looking, WATCHDOG__EVENT__KIND_MISSED, missed, missed->due_ms);
}

static void say_withdrawn(const struct looking *looking)
{
    Watchdog__DeadlineMissWithdrawn *withdrawn =
        TURN_NEW(looking->turn, Watchdog__DeadlineMissWithdrawn, watchdog__deadline_miss_withdrawn__init);
    withdrawn->instance = instance_of(looking);
    withdrawn->due_ms = looking->said->missed_due_ms;
    withdrawn->main = looking->clock->main;
    withdrawn->because = (char *)(uintptr_t) "a fact heard later";
    say(looking, WATCHDOG__EVENT__KIND_MISS_WITHDRAWN, withdrawn, 0);
}

/* When a row that comes by time is reached; INT64_MAX: it is not. Of a run that is over as it was armed last. */
static int64_t row_ms(const struct looking *looking, size_t index, const Policy__LadderRow *row,
                      const struct calendar *calendar)
{
    const Watchrec__Said *as_said = looking->over ? looking->said : NULL;
    bool timed = row->at == POLICY__LADDER_ROW__AT__AFTER || row->at == POLICY__LADDER_ROW__AT__PERMILLE;
    if (!timed || !(as_said ? as_said->missed && index < as_said->n_row_ms : looking->run->missed))
        return INT64_MAX;
    return as_said ? as_said->row_ms[index]
                   : clock_row_ms(looking->run, row, calendar, looking->version->policy->defaults,
                                  turn_arena(looking->turn));
}

static void look_at_points(const struct looking *looking, int64_t horizon_ms, bool withdrawn)
{
    const struct run *run = looking->run;
    const Watchrec__Said *said = looking->said;
    uint32_t warned = said ? watchdog_warned(said, run->due_ms) : 0;
    uint32_t rows = !said ? 0 : withdrawn ? watchdog_rows_but(said, said->missed_due_ms) : said->rows;
    if (rows)
        rows = watchdog_rows_in(looking->turn, looking->one->record, looking->clock->name, said->rows_version,
                                looking->version->version, rows);
    int64_t armed_ms = said ? said->armed_ms : turn_now(looking->turn);
    int64_t end = run->ended_ms ? run->ended_ms : run->state == RUN_PAUSED ? run->paused_since_ms : INT64_MAX;
    for (unsigned i = 0; i < run->warn_count; i++)
        if (!(warned & 1u << i) && run->warn_ms[i] < horizon_ms && run->warn_ms[i] >= armed_ms && !run->ended_ms)
            say_point(looking, WATCHDOG__CLOCK_POINT_REACHED__POINT__WARNING, i, run->warn_ms[i]);
    const Policy__Ladder *ladder = ladder_of(looking);
    const struct calendar *calendar = watchdog_calendar(looking->turn, looking->one, looking->clock);
    for (size_t i = 0; ladder && i < ladder->n_rows && i < WATCHDOG_ROWS_MAX; i++) {
        const Policy__LadderRow *row = ladder->rows[i];
        if (rows & 1u << i)
            continue;
        if (row->at == POLICY__LADDER_ROW__AT__START && !said)
            say_point(looking, WATCHDOG__CLOCK_POINT_REACHED__POINT__ROW, (uint32_t)i, run->start_ms);
        int64_t at = row_ms(looking, i, row, calendar);
        if (at < horizon_ms && at < end)
            say_point(looking, WATCHDOG__CLOCK_POINT_REACHED__POINT__ROW, (uint32_t)i, at);
    }
}

static void say_met(const struct looking *looking)
{
    const struct run *run = looking->run;
    Watchdog__ClockMet *met = TURN_NEW(looking->turn, Watchdog__ClockMet, watchdog__clock_met__init);
    met->instance = instance_of(looking);
    met->at_ms = run->ended_ms;
    met->due_ms = run->due_ms;
    met->main = looking->clock->main;
    met->late = run->missed;
    say(looking, WATCHDOG__EVENT__KIND_MET, met, run->ended_ms);
}

static void say_cancelled(const struct looking *looking)
{
    const struct run *run = looking->run;
    Watchdog__ClockCancelled *cancelled =
        TURN_NEW(looking->turn, Watchdog__ClockCancelled, watchdog__clock_cancelled__init);
    cancelled->instance = instance_of(looking);
    cancelled->main = looking->clock->main;
    cancelled->gone = run->gone;
    cancelled->because = (char *)(uintptr_t)(run->gone           ? "the policy that it goes by now has no such clock"
                                             : run->by_condition ? "its condition no longer holds"
                                                                 : "a new round, or stopped while it did not apply");
    say(looking, WATCHDOG__EVENT__KIND_CANCELLED, cancelled, run->ended_ms);
}

static void say_paused(const struct looking *looking)
{
    const struct run *run = looking->run;
    Watchdog__ClockPaused *paused = TURN_NEW(looking->turn, Watchdog__ClockPaused, watchdog__clock_paused__init);
    paused->instance = instance_of(looking);
    paused->since_ms = run->paused_since_ms;
    paused->main = looking->clock->main;
    say(looking, WATCHDOG__EVENT__KIND_PAUSED, paused, run->paused_since_ms);
}

/* Is what was said last still how the run stands? */
static bool ended_as_said(const struct run *run, const Watchrec__Said *said)
{
    bool alike = (run->state == RUN_MET && said->met) || (run->state == RUN_CANCELLED && said->cancelled);
    return alike && run->ended_ms == said->ended_ms;
}

static bool instants_as_said(const Watchdog__ClockArmed *armed, const Watchrec__Said *said)
{
    bool alike = armed->n_warn_ms == said->n_warn_ms && armed->n_row_ms == said->n_row_ms;
    for (size_t i = 0; alike && i < armed->n_warn_ms; i++)
        alike = armed->warn_ms[i] == said->warn_ms[i];
    for (size_t i = 0; alike && i < armed->n_row_ms; i++)
        alike = armed->row_ms[i] == said->row_ms[i];
    return alike;
}

static bool missed_as_said(const struct run *run, const Watchrec__Said *said)
{
    return run->missed == said->missed && (!run->missed || run->missed_due_ms == said->missed_due_ms);
}

/* Heard after the end, but it counts: the run ended under another due than was said. An extension told in time, or what
   makes the end late or no longer late. */
static bool ended_otherwise(const struct run *run, const Watchrec__Said *said)
{
    return run->state == RUN_MET && ended_as_said(run, said) && run->due_ms != said->due_ms &&
           (run->extended || !missed_as_said(run, said));
}

/* Does the version taken now make it the main clock, or no longer that, or give it another ladder? */
static bool meant_otherwise(const struct looking *looking)
{
    const struct watchdog_case *one = looking->one;
    const struct watchdog_version *now = &one->versions[one->versions_count - 1];
    if (!looking->moving || one->versions_count < 2 || looking->version != now)
        return false;
    const Policy__Clock *before = policy_clock(now[-1].kind, looking->clock->name);
    return before && (before->main != looking->clock->main || strcmp(before->ladder, looking->clock->ladder) != 0);
}

/* True when the run is armed anew: whatever was said of its standing no longer holds. A run that is over is not, but
   for what counted and was heard only then. */
static bool look_at_due(const struct looking *looking)
{
    const struct run *run = looking->run;
    const Watchrec__Said *said = looking->said;
    bool live = run->state == RUN_RUNNING || run->state == RUN_PAUSED;
    Watchdog__ClockArmed *armed = armed_now(looking);
    const char *reason = NULL;
    if (!said)
        reason = run->begun_by_move ? "policy" : "started";
    else if ((live && (said->due_ms != run->due_ms || said->provisional != run->provisional)) ||
             ended_otherwise(run, said))
        reason = looking->moving ? "policy" : run->extended ? "extended" : "moved";
    else if (live && (said->met || said->cancelled || (said->paused && run->state == RUN_RUNNING)))
        reason = "resumed";
    else if (run->state == RUN_RUNNING && !instants_as_said(armed, said))
        reason = looking->moving ? "policy" : "calendar";
    else if (live && meant_otherwise(looking))
        reason = "policy";
    if (reason)
        say_armed(looking, armed, reason);
    return reason != NULL;
}

/* A miss names the due that passed: when a calendar has moved that, the first word is taken back. True when it is. */
static bool look_at_miss(const struct looking *looking)
{
    const struct run *run = looking->run;
    bool missed = looking->said && looking->said->missed;
    bool withdrawn = missed && (!run->missed || run->missed_due_ms != looking->said->missed_due_ms);
    if (withdrawn && !planted("keep_miss"))
        say_withdrawn(looking);
    if (run->missed && (!missed || withdrawn || planted("miss_twice")))
        say_missed(looking);
    return withdrawn;
}

static void look_at_standing(const struct looking *looking, bool armed)
{
    const struct run *run = looking->run;
    const Watchrec__Said *said = looking->said;
    switch (run->state) {
    case RUN_RUNNING:
        return;
    case RUN_PAUSED:
        if (armed || !said->paused)
            say_paused(looking);
        return;
    case RUN_MET:
        if (armed || !ended_as_said(run, said) || !missed_as_said(run, said)) /* it says whether it was late */
            say_met(looking);
        return;
    case RUN_CANCELLED:
        if (armed || !ended_as_said(run, said))
            say_cancelled(looking);
        return;
    }
}

/* A run that is over is judged again only upon hearing of something that happened before its end: a calendar published
   later changes nothing for it. */
static void look_at_run(struct looking *looking, int64_t horizon_ms)
{
    const Watchrec__Said *said = looking->said;
    looking->over = said && ended_as_said(looking->run, said) && looking->happened_ms >= said->ended_ms;
    if (!looking->run->due_ms)
        return;
    bool armed = !looking->over && look_at_due(looking);
    bool withdrawn = !looking->over && look_at_miss(looking);
    look_at_points(looking, horizon_ms, withdrawn);
    if (!looking->over)
        look_at_standing(looking, armed);
}

/* Up to when everything has been heard. What a miss was said upon was heard for good, also when this process has begun
   anew since and has not yet asked the others how far their logs reach. */
static int64_t heard_until(const struct turn *turn, const Watchrec__Case *record)
{
    int64_t horizon = turn_horizon(turn);
    for (size_t i = 0; i < record->n_said; i++)
        if (record->said[i]->missed && record->said[i]->missed_due_ms >= horizon)
            horizon = record->said[i]->missed_due_ms + 1;
    return horizon;
}

static void look_at_clock(struct turn *turn, struct watchdog_case *one, const char *clock, uint32_t part,
                          int64_t happened_ms, bool moving)
{
    int64_t horizon = heard_until(turn, one->record) + (planted("fire_early") ? 3600000 : 0);
    size_t count;
    struct run *runs = watchdog_judge(turn, one, clock, part, horizon, false, &count);
    for (size_t i = 0; i < count; i++) {
        runs[i].part = watchdog_part_number(part, runs[i].part);
        struct looking looking = {.turn = turn,
                                  .one = one,
                                  .version = &one->versions[runs[i].version],
                                  .clock = runs[i].clock,
                                  .run = &runs[i],
                                  .said = watchdog_said(one->record, clock, runs[i].round, runs[i].part),
                                  .happened_ms = happened_ms,
                                  .moving = moving};
        look_at_run(&looking, horizon);
    }
}

static void look(struct turn *turn, uint64_t case_id, int64_t happened_ms, bool moving)
{
    struct watchdog_case one;
    if (!watchdog_open(turn, case_id, &one) || one.record->collecting)
        return;
    size_t count;
    const char **clocks = watchdog_clocks(turn, &one, &count);
    for (size_t c = 0; c < count; c++)
        for (uint32_t part = 0, parts = watchdog_parts(&one, clocks[c]); part <= parts; part++)
            look_at_clock(turn, &one, clocks[c], part, happened_ms, moving);
}

void watchdog_look(struct turn *turn, uint64_t case_id, int64_t happened_ms)
{
    look(turn, case_id, happened_ms, false);
}

/* Is it one of the happenings that clocks are judged by (evolve.c)? That somebody is written to is none, say. */
static bool is_happening(const Hb__Event *event)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_INTAKE:
        return event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
    case HB__EVENT__PAYLOAD_ROUTING:
        return event->n_facts > 0;
    case HB__EVENT__PAYLOAD_CASEWORK:
        return event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN ||
               event->casework->kind_case == CASEWORK__EVENT__KIND_EXTENSION_GRANTED ||
               event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED ||
               event->casework->kind_case == CASEWORK__EVENT__KIND_HISTORY_ENDED;
    default:
        return event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION &&
               event->notification->kind_case == NOTIFICATION__EVENT__KIND_TOLD;
    }
}

/* Clocks of linked cases may wait for what happens in this one. */
static void look_upon(struct turn *turn, const Hb__Event *event)
{
    int64_t occurred = event->occurred_ms < event->recorded_ms ? event->occurred_ms : event->recorded_ms;
    int64_t happened = is_happening(event) ? occurred : INT64_MAX;
    look(turn, event->case_id, happened,
         event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
             event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED);
    const Watchrec__Case *record = watchdog_load(turn, event->case_id);
    for (size_t i = 0; record && i < record->n_links; i++)
        watchdog_look(turn, record->links[i], happened);
}

void watchdog_react(struct turn *turn, const Hb__Event *event)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_CASEWORK:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        if (event->case_id)
            look_upon(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ESCALATION: /* heard late, its row may be due already */
        if (event->case_id)
            watchdog_look_at_calls(turn, event->case_id);
        return;
    case HB__EVENT__PAYLOAD_WATCHDOG: /* own: what it changes has been said with it */
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}
