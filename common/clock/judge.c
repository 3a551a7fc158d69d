#include "clock/judge.h"

/* A run while the history is walked. */
struct live {
    struct run run;
    bool open;             /* started and not yet stopped */
    bool active;           /* the clock's `if` holds */
    bool was_active;
    struct due due;
    bool has_due;
    struct due_rules due_rules;
    int64_t pauses[64][2]; /* closed pauses of this run */
    unsigned pauses_count;
    int64_t paused_since;  /* 0: not paused */
    int64_t extended_due;
};

struct judge {
    const struct judge_rules *rules;
    const struct happening *happenings;
    size_t upto;
    struct arena *arena;
    struct run *runs;
    size_t runs_count;
    struct live live;
    uint32_t round;
    uint32_t part;
    bool time_field_used; /* a time field starts one run a round */
};

static bool resolve(void *context, const char *name, int64_t *ms_out)
{
    struct judge *judge = context;
    if (judge->rules->instant(judge->rules->context, name, judge->upto, ms_out))
        return true;
    for (size_t i = judge->upto + 1; i-- > 0;) { /* "from accepted": the last time that stage or step was reached */
        const struct happening *happening = &judge->happenings[i];
        if ((happening->stage && strcmp(happening->stage, name) == 0) || (happening->step && strcmp(happening->step, name) == 0)) {
            *ms_out = happening->at_ms;
            return true;
        }
    }
    return false;
}

static enum truth holds(const struct judge *judge, const Policy__Condition *condition, int64_t at_ms)
{
    if (!condition || condition->n_nodes == 0)
        return TRUTH_YES;
    return judge->rules->holds(judge->rules->context, condition, judge->upto, at_ms);
}

static bool row_due(struct judge *judge, const Policy__LimitRow *row, int64_t start_ms, struct due *due_out,
                    struct due_rules *rules_out)
{
    const Policy__Clock *clock = judge->rules->clock;
    const Policy__TimeOptions *options = row->has_options && row->options ? row->options : clock->options;
    const char *name = options && *options->calendar ? options->calendar : "";
    *rules_out = (struct due_rules){judge->rules->calendar(judge->rules->context, name), options,
                                    judge->rules->defaults && judge->rules->defaults->close_of_business_min
                                        ? judge->rules->defaults->close_of_business_min
                                        : 1080,
                                    resolve, judge, judge->rules->explain};
    bool found = false;
    for (size_t i = 0; i < row->n_terms; i++) {
        struct due due;
        if (due_compute(rules_out, row->terms[i], start_ms, judge->arena, &due) && (!found || due.at_ms < due_out->at_ms)) {
            *due_out = due;
            found = true;
        }
    }
    return found;
}

/* The first row that holds; of rows that may hold, the shortest that comes before it. */
static bool limit_due(struct judge *judge, int64_t start_ms, int64_t at_ms, struct due *due_out, struct due_rules *rules_out)
{
    const Policy__Clock *clock = judge->rules->clock;
    bool found = false;
    for (size_t i = 0; i < clock->n_limit; i++) {
        enum truth truth = holds(judge, clock->limit[i]->condition, at_ms);
        struct due due;
        struct due_rules rules;
        if (truth == TRUTH_NO)
            continue;
        if (row_due(judge, clock->limit[i], start_ms, &due, &rules) && (!found || due.at_ms < due_out->at_ms)) {
            *due_out = due;
            *rules_out = rules;
            found = true;
        }
        if (truth == TRUTH_YES)
            break;
    }
    return found;
}

static void recompute(struct judge *judge, int64_t at_ms)
{
    struct live *live = &judge->live;
    if (!live->open)
        return;
    live->has_due = limit_due(judge, live->run.start_ms, at_ms, &live->due, &live->due_rules);
    if (!live->has_due)
        return;
    live->run.first_due_ms = live->due.at_ms;
    for (unsigned i = 0; i < live->pauses_count; i++)
        due_add_pause(&live->due_rules, &live->due, live->pauses[i][0], live->pauses[i][1]);
    if (live->extended_due > live->due.at_ms)
        live->due.at_ms = live->extended_due;
    live->run.due_ms = live->due.at_ms;
    live->run.provisional = live->due.provisional;
    live->run.in_days = live->due.in_days;
    live->run.notes = live->due.notes;
    live->run.notes_count = live->due.notes_count;
}

/* The due instant has passed unmet: it counts from its own time, whatever is learned later. */
static void look_for_miss(struct judge *judge, int64_t before_ms)
{
    struct live *live = &judge->live;
    bool counts = live->open && live->active && live->has_due && !live->paused_since && !live->run.missed;
    if (counts && live->due.at_ms < before_ms) {
        live->run.missed = true;
        live->run.missed_due_ms = live->due.at_ms;
    }
}

/* ---- warnings ---- */

static void add_warning(struct run *run, int64_t at_ms)
{
    bool fits = run->warn_count < sizeof run->warn_ms / sizeof *run->warn_ms;
    if (fits && at_ms > run->start_ms && at_ms < run->due_ms)
        run->warn_ms[run->warn_count++] = at_ms;
}

static void add_warnings(struct judge *judge, struct run *run, const struct due_rules *due_rules)
{
    const Policy__Clock *clock = judge->rules->clock;
    const Policy__Defaults *defaults = judge->rules->defaults;
    int64_t limit = run->first_due_ms - run->start_ms;
    if (clock->warn_default && defaults) {
        if (run->in_days && defaults->warn_days_min)
            add_warning(run, last_working_day_before(due_rules->calendar, run->due_ms, defaults->warn_days_min));
        else if (!run->in_days && defaults->warn_hours_permille && limit > 5 * MINUTE_MS)
            add_warning(run, run->due_ms - limit * (1000 - (int64_t)defaults->warn_hours_permille) / 1000);
        return;
    }
    for (size_t i = 0; i < clock->n_warn; i++) {
        const Policy__Warn *warn = clock->warn[i];
        int32_t due_date = date_of(due_rules->calendar, run->due_ms - 1);
        int64_t span = warn->before ? (int64_t)warn->before->amount : 0;
        switch (warn->type) {
        case POLICY__WARN__TYPE__PERMILLE:
            if (warn->permille)
                add_warning(run, run->due_ms - limit * (1000 - (int64_t)warn->permille) / 1000);
            break;
        case POLICY__WARN__TYPE__BEFORE:
            if (warn->before)
                add_warning(run, run->due_ms - span * (warn->before->unit == POLICY__TERM__UNIT__MINUTES ? MINUTE_MS
                                                       : warn->before->unit == POLICY__TERM__UNIT__HOURS ? HOUR_MS
                                                                                                         : DAY_MS));
            break;
        case POLICY__WARN__TYPE__LAST_WORKING_DAY:
            add_warning(run, last_working_day_before(due_rules->calendar, run->due_ms, warn->minute_of_day));
            break;
        case POLICY__WARN__TYPE__DUE_DAY:
            add_warning(run, instant_of(due_rules->calendar, due_date, (int)warn->minute_of_day));
            break;
        case POLICY__WARN__TYPE__DAYS_BEFORE:
            add_warning(run, instant_of(due_rules->calendar, due_date - (int32_t)span, (int)warn->minute_of_day));
            break;
        }
    }
}

/* ---- starting and ending runs ---- */

static void close_run(struct judge *judge, enum run_state state, int64_t at_ms)
{
    struct live *live = &judge->live;
    live->run.state = state;
    live->run.ended_ms = at_ms;
    if (live->has_due)
        add_warnings(judge, &live->run, &live->due_rules);
    bool ever_mattered = live->active || live->was_active;
    if (ever_mattered) {
        judge->runs = arena_grow(judge->arena, judge->runs, judge->runs_count, sizeof *judge->runs);
        judge->runs[judge->runs_count++] = live->run;
    }
    live->open = false;
}

static void open_run(struct judge *judge, int64_t start_ms, int64_t at_ms)
{
    judge->live = (struct live){.open = true};
    judge->live.run.round = judge->round;
    judge->live.run.part = judge->part++;
    judge->live.run.start_ms = start_ms;
    judge->live.active = holds(judge, judge->rules->clock->condition, at_ms) == TRUTH_YES;
    judge->live.was_active = judge->live.active;
    recompute(judge, at_ms);
}

static bool fact_filled(const struct happening *happening, const char *name)
{
    for (size_t i = 0; i < happening->facts_count; i++)
        if (strcmp(happening->facts[i]->name, name) == 0 && happening->facts[i]->value)
            return true;
    return false;
}

static bool triggers(const Policy__Trigger *trigger, const struct happening *happening)
{
    switch (trigger->type) {
    case POLICY__TRIGGER__TYPE__STAGE:
        return happening->stage && strcmp(happening->stage, trigger->name) == 0;
    case POLICY__TRIGGER__TYPE__STEP:
        return happening->step && strcmp(happening->step, trigger->name) == 0;
    case POLICY__TRIGGER__TYPE__FIELD:
    case POLICY__TRIGGER__TYPE__TIME_FIELD:
        return fact_filled(happening, trigger->name);
    case POLICY__TRIGGER__TYPE__TOLD:
        return happening->told && strcmp(happening->told, trigger->name) == 0;
    case POLICY__TRIGGER__TYPE__LATE:
    case POLICY__TRIGGER__TYPE__APPROVED:
    case POLICY__TRIGGER__TYPE__REFUSED:
    case POLICY__TRIGGER__TYPE__LINKED:
        return false;
    }
    return false;
}

static bool any_triggers(Policy__Trigger *const *list, size_t count, const struct happening *happening)
{
    for (size_t i = 0; i < count; i++)
        if (triggers(list[i], happening))
            return true;
    return false;
}

/* When the clock starts by this happening; a time field starts it at the instant it names, even in the past. */
static bool starts(struct judge *judge, const struct happening *happening, int64_t *start_out)
{
    const Policy__Clock *clock = judge->rules->clock;
    for (size_t i = 0; i < clock->n_start; i++) {
        const Policy__Trigger *trigger = clock->start[i];
        if (!triggers(trigger, happening))
            continue;
        if (trigger->type != POLICY__TRIGGER__TYPE__TIME_FIELD) {
            *start_out = happening->at_ms;
            return true;
        }
        if (!judge->time_field_used &&
            judge->rules->instant(judge->rules->context, trigger->name, judge->upto, start_out)) {
            judge->time_field_used = true;
            return true;
        }
    }
    return false;
}

/* ---- pausing ---- */

static bool pauses_now(const struct judge *judge, const struct happening *happening, bool *resumes_out)
{
    const Policy__Clock *clock = judge->rules->clock;
    *resumes_out = false;
    switch (clock->pause) {
    case POLICY__CLOCK__PAUSE__PAUSE_NONE:
        return false;
    case POLICY__CLOCK__PAUSE__PAUSE_WAITING:
        *resumes_out = happening->phase != POLICY__PHASE__PHASE_NONE && happening->phase != POLICY__PHASE__WAITING;
        return happening->phase == POLICY__PHASE__WAITING;
    case POLICY__CLOCK__PAUSE__PAUSE_TRIGGERS:
        *resumes_out = any_triggers(clock->resume_at, clock->n_resume_at, happening);
        return any_triggers(clock->pause_at, clock->n_pause_at, happening);
    }
    return false;
}

static void pause_or_resume(struct judge *judge, const struct happening *happening)
{
    struct live *live = &judge->live;
    bool resumes, pauses = pauses_now(judge, happening, &resumes);
    if (!live->open)
        return;
    if (pauses && !live->paused_since && !live->run.missed) {
        live->paused_since = happening->at_ms;
    } else if (resumes && live->paused_since) {
        if (live->pauses_count < 64) {
            live->pauses[live->pauses_count][0] = live->paused_since;
            live->pauses[live->pauses_count++][1] = happening->at_ms;
        }
        live->paused_since = 0;
    }
}

/* ---- the walk ---- */

static void extend(struct judge *judge, const struct happening *happening)
{
    struct live *live = &judge->live;
    const Policy__Clock *clock = judge->rules->clock;
    if (!happening->extends || strcmp(happening->extends, clock->name) != 0 || !live->open || !live->has_due)
        return;
    bool must_tell = clock->extend && clock->extend->told;
    bool in_time = happening->at_ms <= live->due.at_ms &&
                   (!must_tell || (happening->extension_told_ms && happening->extension_told_ms <= live->due.at_ms));
    if (in_time && happening->extended_due_ms > live->extended_due)
        live->extended_due = happening->extended_due_ms;
}

static void next_round(struct judge *judge, const struct happening *happening)
{
    if (happening->round == 0 || happening->round == judge->round)
        return;
    bool began = judge->live.open || judge->part > 0;
    if (judge->live.open)
        close_run(judge, RUN_CANCELLED, happening->at_ms);
    judge->round = happening->round;
    judge->part = 0;
    if (began) /* a new round starts every clock that had started before */
        open_run(judge, happening->at_ms, happening->at_ms);
}

static void walk_one(struct judge *judge, const struct happening *happening)
{
    struct live *live = &judge->live;
    const Policy__Clock *clock = judge->rules->clock;
    look_for_miss(judge, happening->at_ms);
    if (live->open && any_triggers(clock->stop, clock->n_stop, happening))
        close_run(judge, live->active ? RUN_MET : RUN_CANCELLED, happening->at_ms);
    next_round(judge, happening);
    int64_t start;
    if (!live->open && starts(judge, happening, &start))
        open_run(judge, start, happening->at_ms);
    if (live->open) {
        enum truth truth = holds(judge, clock->condition, happening->at_ms);
        live->active = truth == TRUTH_YES;
        live->was_active |= live->active;
    }
    pause_or_resume(judge, happening);
    extend(judge, happening);
    if (happening->facts_count || happening->extends || live->pauses_count || happening->step)
        recompute(judge, happening->at_ms);
}

static void finish(struct judge *judge, int64_t horizon_ms)
{
    struct live *live = &judge->live;
    look_for_miss(judge, horizon_ms);
    if (!live->open)
        return;
    live->run.paused_since_ms = live->paused_since;
    close_run(judge, !live->active ? RUN_CANCELLED : live->paused_since ? RUN_PAUSED : RUN_RUNNING, 0);
}

struct run *clock_judge(const struct judge_rules *rules, const struct happening *happenings, size_t count, int64_t horizon_ms,
                        struct arena *arena, size_t *runs_out)
{
    struct judge *judge = arena_zero(arena, sizeof *judge);
    judge->rules = rules;
    judge->happenings = happenings;
    judge->arena = arena;
    judge->round = 1;
    for (size_t i = 0; i < count; i++) {
        judge->upto = i;
        walk_one(judge, &happenings[i]);
    }
    finish(judge, horizon_ms);
    *runs_out = judge->runs_count;
    return judge->runs;
}

int64_t clock_row_ms(const struct run *run, const Policy__LadderRow *row, const struct calendar *calendar,
                     const Policy__Defaults *defaults, struct arena *arena)
{
    if (row->at == POLICY__LADDER_ROW__AT__PERMILLE)
        return run->due_ms + (run->first_due_ms - run->start_ms) * ((int64_t)row->permille - 1000) / 1000;
    if (row->at != POLICY__LADDER_ROW__AT__AFTER || !row->after)
        return run->due_ms;
    struct due_rules rules = {.calendar = calendar,
                              .close_of_business_min = defaults ? defaults->close_of_business_min : 1080};
    struct due due;
    return due_compute(&rules, row->after, run->due_ms, arena, &due) ? due.at_ms : run->due_ms;
}
