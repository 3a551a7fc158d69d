#include "clock/judge.h"

#include "base/planted.h"

#include <stdlib.h>

/* A time in which the clock stands still. The list is that of the case, whatever runs there are. */
struct pause {
    int64_t from_ms, to_ms;
    bool open; /* not yet ended; to_ms means nothing */
};

/* A happening in the place where it counts for this clock. */
struct moment {
    int64_t at_ms;
    size_t index;
    uint32_t round; /* that begins here; 0: none */
};

/* The run that is open while the history is walked. */
struct live {
    struct run run;
    bool open;   /* started and not yet stopped */
    bool active; /* the clock's `if` holds */
    bool was_active;
    int64_t active_since; /* when it became known that the clock runs */
    int64_t inactive_since;
    struct due due; /* with pauses and extension */
    bool has_due;
    bool frozen; /* in a pause that began before the due */
    struct due_rules due_rules;
    const char *unmet; /* clock whose passed due began this run, or NULL */
    int64_t extended_due, extended_at;
    unsigned extended_count;
    int64_t moved_ms;         /* when the case was moved last while it ran; 0: it was not */
    struct run before_moving; /* its due and warnings then */
};

struct judge {
    const struct judge_rules *rules;
    const struct judge_version *versions; /* the first, then those moved to */
    uint32_t version;                     /* of the walk so far */
    const Policy__Clock *clock;           /* of that version */
    const Policy__Defaults *defaults;
    const struct happening *happenings;
    const uint32_t *version_at; /* by which version a happening was recorded */
    size_t upto;                /* facts are those after this happening */
    struct arena *arena;
    struct pause *pauses;
    size_t pauses_count;
    int64_t pauses_until_ms; /* what the case waited for after this does not concern a run that is over */
    int64_t known_ms;        /* what began or ended after this is not known */
    struct run *runs;
    size_t runs_count;
    struct live live;
    uint32_t round;
    uint32_t part;
    bool time_field_used; /* a time field starts one run a round */
};

static bool same(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

static int64_t occurred(const struct happening *happening)
{
    return happening->occurred_ms ? happening->occurred_ms : happening->at_ms;
}

/* ---- triggers ---- */

static bool fact_filled(const struct happening *happening, const char *name)
{
    for (size_t i = 0; i < happening->facts_count; i++)
        if (strcmp(happening->facts[i]->name, name) == 0 && happening->facts[i]->value)
            return true;
    return false;
}

/* How an approval stands is a fact of the case, named like its chain. */
static bool fact_is(const struct happening *happening, const char *name, const char *text)
{
    for (size_t i = 0; i < happening->facts_count; i++) {
        const Hb__Value *value = happening->facts[i]->value;
        if (strcmp(happening->facts[i]->name, name) == 0 && value && value->kind_case == HB__VALUE__KIND_TEXT &&
            strcmp(value->text, text) == 0)
            return true;
    }
    return false;
}

static bool triggers(const Policy__Trigger *trigger, const struct happening *happening)
{
    switch (trigger->type) {
    case POLICY__TRIGGER__TYPE__STAGE:
        return same(happening->stage, trigger->name);
    case POLICY__TRIGGER__TYPE__STEP:
        return same(happening->step, trigger->name);
    case POLICY__TRIGGER__TYPE__FIELD:
    case POLICY__TRIGGER__TYPE__TIME_FIELD:
        return fact_filled(happening, trigger->name);
    case POLICY__TRIGGER__TYPE__TOLD:
        return same(happening->told, trigger->name);
    case POLICY__TRIGGER__TYPE__LATE:
        return same(happening->late, trigger->name);
    case POLICY__TRIGGER__TYPE__APPROVED:
        return same(happening->approved, trigger->name) || fact_is(happening, trigger->name, "approved");
    case POLICY__TRIGGER__TYPE__REFUSED:
        return same(happening->refused, trigger->name) || fact_is(happening, trigger->name, "refused");
    case POLICY__TRIGGER__TYPE__LINKED:
        return same(happening->linked_stage, trigger->name) && same(happening->linked_kind, trigger->other);
    }
    return false;
}

static const Policy__Trigger *find_trigger(Policy__Trigger *const *list, size_t count,
                                           const struct happening *happening)
{
    for (size_t i = 0; i < count; i++)
        if (triggers(list[i], happening))
            return list[i];
    return NULL;
}

static bool stops(const Policy__Clock *clock, const struct happening *happening)
{
    return find_trigger(clock->stop, clock->n_stop, happening) != NULL;
}

/* The clock by which a happening is placed. Before a version that newly has the clock it is that one's. */
static const Policy__Clock *clock_at(const struct judge *judge, size_t index)
{
    uint32_t version = judge->version_at[index];
    while (!judge->versions[version].clock && version < judge->rules->moved_count)
        version++;
    return judge->versions[version].clock;
}

/* Starts count when they occurred, stops when they were recorded unless the clock allows back-dating. A time field
   carries its own instant and is known from its recording on. */
static int64_t counts_at(const Policy__Clock *clock, const struct happening *happening)
{
    if (!clock)
        return happening->at_ms;
    if (stops(clock, happening))
        return clock->backdating ? occurred(happening) : happening->at_ms;
    const Policy__Trigger *start = find_trigger(clock->start, clock->n_start, happening);
    return start && start->type != POLICY__TRIGGER__TYPE__TIME_FIELD ? occurred(happening) : happening->at_ms;
}

static int by_moment(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* A new round begins when it was recorded, whatever else the happening starts: rounds never overlap. */
static struct moment *moments_of(const struct judge *judge, size_t count)
{
    struct moment *moments = arena_alloc(judge->arena, (count + 1) * sizeof *moments);
    uint32_t round = judge->round;
    for (size_t i = 0; i < count; i++) {
        const struct happening *happening = &judge->happenings[i];
        bool begins = happening->round > round;
        moments[i] = (struct moment){begins ? happening->at_ms : counts_at(clock_at(judge, i), happening), i,
                                     begins ? happening->round : 0};
        round = begins ? happening->round : round;
    }
    if (count)
        qsort(moments, count, sizeof *moments, by_moment);
    return moments;
}

/* ---- pauses ---- */

/* `phase`: of the case after the happening. */
static bool pauses_here(const Policy__Clock *clock, const struct happening *happening, Policy__Phase phase, bool before)
{
    if (!clock)
        return false;
    switch (clock->pause) {
    case POLICY__CLOCK__PAUSE__PAUSE_NONE:
        return false;
    case POLICY__CLOCK__PAUSE__PAUSE_WAITING:
        return phase == POLICY__PHASE__WAITING;
    case POLICY__CLOCK__PAUSE__PAUSE_TRIGGERS:
        if (find_trigger(clock->resume_at, clock->n_resume_at, happening))
            return false;
        return before || find_trigger(clock->pause_at, clock->n_pause_at, happening);
    }
    return before;
}

/* A pause that begins at the instant the last one ended goes on with it. */
static void begin_pause(struct judge *judge, int64_t at_ms)
{
    if (judge->pauses_count && judge->pauses[judge->pauses_count - 1].to_ms == at_ms) {
        judge->pauses[judge->pauses_count - 1].open = true;
        return;
    }
    judge->pauses = arena_grow(judge->arena, judge->pauses, judge->pauses_count, sizeof *judge->pauses);
    judge->pauses[judge->pauses_count++] = (struct pause){.from_ms = at_ms, .open = true};
}

/* Pauses follow recorded time and are known in full before any run is judged: one that begins after a due instant does
   not move it, so looking ahead changes nothing. But for extensions, which are asked what was known then
   (`known_ms`). */
static void find_pauses(struct judge *judge, size_t count)
{
    bool paused = false;
    Policy__Phase phase = POLICY__PHASE__PHASE_NONE;
    for (size_t i = 0; i < count; i++) {
        const struct happening *happening = &judge->happenings[i];
        phase = happening->phase == POLICY__PHASE__PHASE_NONE ? phase : happening->phase;
        bool now = pauses_here(clock_at(judge, i), happening, phase, paused);
        if (now && !paused)
            begin_pause(judge, happening->at_ms);
        if (!now && paused) {
            judge->pauses[judge->pauses_count - 1].to_ms = happening->at_ms;
            judge->pauses[judge->pauses_count - 1].open = false;
        }
        paused = now;
    }
}

/* The pause as far as it lies after `since_ms` and before the run is over; false when none of it does. */
static bool pause_after(const struct judge *judge, size_t index, int64_t since_ms, struct pause *pause_out)
{
    struct pause *pause = pause_out;
    *pause = judge->pauses[index];
    if (pause->from_ms > judge->known_ms)
        return false;
    if (pause->to_ms > judge->known_ms) {
        pause->open = true;
        pause->to_ms = INT64_MAX;
    }
    if (pause->open || pause->to_ms > judge->pauses_until_ms) {
        pause->open = pause->open && judge->pauses_until_ms == INT64_MAX;
        pause->to_ms = judge->pauses_until_ms;
    }
    pause->from_ms = pause->from_ms > since_ms ? pause->from_ms : since_ms;
    return pause->to_ms > pause->from_ms;
}

/* Moves the due by all pauses after `since_ms` that begin at or before it. True when the last of them is still open. */
static bool add_pauses(const struct judge *judge, const struct due_rules *rules, struct due *due, int64_t since_ms)
{
    for (size_t i = 0; i < judge->pauses_count; i++) {
        struct pause pause;
        if (planted("no_pause") || !pause_after(judge, i, since_ms, &pause))
            continue;
        if (pause.from_ms > due->at_ms)
            return false;
        if (pause.open)
            return true;
        due_add_pause(rules, due, pause.from_ms, pause.to_ms);
    }
    return false;
}

/* Milliseconds of [from, to) taken out so far; a pause still open has moved nothing yet. */
static int64_t paused_ms(const struct judge *judge, int64_t from_ms, int64_t to_ms)
{
    int64_t total = 0;
    for (size_t i = 0; i < judge->pauses_count; i++) {
        struct pause pause;
        if (!pause_after(judge, i, from_ms, &pause) || pause.open)
            continue;
        int64_t to = pause.to_ms > to_ms ? to_ms : pause.to_ms;
        total += to > pause.from_ms ? to - pause.from_ms : 0;
    }
    return total;
}

/* ---- the due instant ---- */

static bool resolve(void *context, const char *name, int64_t *ms_out)
{
    struct judge *judge = context;
    if (judge->rules->instant(judge->rules->context, name, judge->upto, ms_out))
        return true;
    for (size_t i = judge->upto + 1; i-- > 0;) { /* "from accepted": the last time that stage or step was reached */
        const struct happening *happening = &judge->happenings[i];
        if (same(happening->stage, name) || same(happening->step, name)) {
            *ms_out = occurred(happening);
            return true;
        }
    }
    return false;
}

static enum truth holds(const struct judge *judge, const Policy__Condition *condition, int64_t at_ms)
{
    if (!condition || condition->n_nodes == 0)
        return TRUTH_YES;
    return judge->rules->holds(judge->rules->context, condition, judge->upto, judge->version, at_ms);
}

static unsigned close_of_business(const Policy__Defaults *defaults)
{
    return defaults && defaults->close_of_business_min ? defaults->close_of_business_min : CLOSE_OF_BUSINESS_DEFAULT;
}

static bool row_due(struct judge *judge, const Policy__LimitRow *row, int64_t start_ms, struct due *due_out,
                    struct due_rules *rules_out)
{
    const Policy__TimeOptions *options = row->has_options && row->options ? row->options : judge->clock->options;
    const char *name = options && *options->calendar ? options->calendar : "";
    *rules_out = (struct due_rules){judge->rules->calendar(judge->rules->context, name),
                                    options,
                                    close_of_business(judge->defaults),
                                    resolve,
                                    judge,
                                    judge->rules->explain};
    bool found = false;
    for (size_t i = 0; i < row->n_terms; i++) {
        struct due due;
        if (due_compute(rules_out, row->terms[i], start_ms, judge->arena, &due) &&
            (!found || due.at_ms < due_out->at_ms)) {
            *due_out = due;
            found = true;
        }
    }
    return found;
}

/* The first row that holds; but of rows before it that may hold, the shortest. Where several packs limit the clock, so
   for each of them, and of these the shortest. */
static bool limit_due(struct judge *judge, int64_t at_ms)
{
    const Policy__Clock *clock = judge->clock;
    struct live *live = &judge->live;
    const Policy__LimitRow *held = NULL;
    live->run.limit_row = -1;
    for (size_t i = 0; i < clock->n_limit; i++) {
        if (held && held->pack == clock->limit[i]->pack)
            continue;
        enum truth truth = holds(judge, clock->limit[i]->condition, at_ms);
        struct due due;
        struct due_rules rules;
        if (truth == TRUTH_NO)
            continue;
        if (row_due(judge, clock->limit[i], live->run.start_ms, &due, &rules) &&
            (live->run.limit_row < 0 || due.at_ms < live->due.at_ms)) {
            live->due = due;
            live->due_rules = rules;
            live->run.limit_row = (int)i;
        }
        if (truth == TRUTH_YES)
            held = clock->limit[i];
    }
    return live->run.limit_row >= 0;
}

/* The extended date stands, moved by what pauses follow its grant, unless the limit itself ends later. */
static void apply_extension(struct judge *judge)
{
    struct live *live = &judge->live;
    if (!live->extended_count)
        return;
    struct due extended = live->due;
    extended.at_ms = extended.unrolled_ms = live->extended_due;
    bool frozen = add_pauses(judge, &live->due_rules, &extended, live->extended_at);
    if (extended.at_ms <= live->due.at_ms)
        return;
    live->due.at_ms = extended.at_ms;
    live->run.extended = true;
    live->frozen = frozen;
}

static void explain(struct judge *judge, int64_t at_ms, enum day_what what, const char *zh, const char *en)
{
    struct due *due = &judge->live.due;
    int32_t date = date_of(judge->live.due_rules.calendar, at_ms);
    due->notes = arena_grow(judge->arena, due->notes, due->notes_count, sizeof *due->notes);
    due->notes[due->notes_count++] = (struct day_note){date, what, zh, en};
}

/* The days were counted to where the limit ended: what moved the due from there is said behind them. */
static void explain_moves(struct judge *judge)
{
    struct live *live = &judge->live;
    if (!live->due_rules.explain || live->due.at_ms == live->run.first_due_ms)
        return;
    for (size_t i = 0; i < live->due.notes_count; i++)
        if (live->due.notes[i].what == DAY_DUE)
            live->due.notes[i] =
                (struct day_note){live->due.notes[i].date, DAY_COUNTED, "原到期日", "due until it moved"};
    for (size_t i = 0; i < judge->pauses_count; i++) {
        struct pause pause;
        if (!pause_after(judge, i, live->run.start_ms, &pause) || pause.open || pause.from_ms > live->due.at_ms)
            continue;
        explain(judge, pause.from_ms, DAY_SKIPPED, "暂停", "paused");
        explain(judge, pause.to_ms, DAY_SKIPPED, "恢复", "resumed");
    }
    if (live->run.extended)
        explain(judge, live->extended_at, DAY_COUNTED, "延期", "extended");
    explain(judge, live->due.at_ms - 1, DAY_DUE, "到期", "due");
}

/* What begins at the latest when another clock is over says so where it did not begin by what was done. */
static void explain_start(struct judge *judge)
{
    struct due *due = &judge->live.due;
    struct arena *arena = judge->arena;
    if (!judge->live.due_rules.explain || !judge->live.unmet)
        return;
    const char *zh = arena_printf(arena, "起算：%s 到期未完成", judge->live.unmet);
    const char *en = arena_printf(arena, "start: %s was over, undone", judge->live.unmet);
    int32_t date = date_of(judge->live.due_rules.calendar, judge->live.run.start_ms);
    bool there = due->notes_count && due->notes[0].what == DAY_START;
    struct day_note *notes = arena_alloc(arena, (due->notes_count + 1) * sizeof *notes);
    notes[0] = (struct day_note){date, DAY_START, zh, en};
    for (size_t i = there; i < due->notes_count; i++)
        notes[i + !there] = due->notes[i];
    due->notes = notes;
    due->notes_count += !there;
}

/* Everything about the due is computed again from the start, the facts now and the pauses; nothing is patched. */
static void recompute(struct judge *judge, int64_t at_ms)
{
    struct live *live = &judge->live;
    struct run *run = &live->run;
    live->frozen = false;
    live->has_due = limit_due(judge, at_ms);
    run->due_ms = run->first_due_ms = run->limit_ms = 0;
    run->provisional = run->in_days = run->extended = false;
    run->notes = NULL;
    run->notes_count = 0;
    if (!live->has_due)
        return;
    run->first_due_ms = live->due.at_ms;
    explain_start(judge);
    live->frozen = add_pauses(judge, &live->due_rules, &live->due, run->start_ms);
    apply_extension(judge);
    explain_moves(judge);
    run->due_ms = live->due.at_ms;
    run->limit_ms = run->due_ms - run->start_ms - paused_ms(judge, run->start_ms, run->due_ms);
    run->provisional = live->due.provisional;
    run->in_days = live->due.in_days;
    run->notes = live->due.notes;
    run->notes_count = live->due.notes_count;
}

/* The due instant has passed unmet: it counts from its own time, whatever is learned later. */
static void look_for_miss(struct judge *judge, int64_t before_ms)
{
    struct live *live = &judge->live;
    struct run *run = &live->run;
    bool counts = live->open && live->active && live->has_due && !live->frozen && !run->missed;
    if (!counts || live->due.at_ms >= before_ms)
        return;
    run->missed = true;
    run->missed_due_ms = live->due.at_ms;
    run->missed_known_ms = live->active_since > live->due.at_ms ? live->active_since : 0;
}

/* ---- warnings ---- */

static void add_warning(struct run *run, int64_t at_ms)
{
    bool in_run = at_ms > run->start_ms && at_ms < run->due_ms && (!run->ended_ms || at_ms < run->ended_ms);
    bool frozen = run->paused_since_ms && at_ms >= run->paused_since_ms;
    unsigned place = run->warn_count;
    if (!in_run || frozen || place == sizeof run->warn_ms / sizeof *run->warn_ms)
        return;
    for (; place > 0 && run->warn_ms[place - 1] > at_ms; place--)
        run->warn_ms[place] = run->warn_ms[place - 1];
    run->warn_ms[place] = at_ms;
    run->warn_count++;
}

/* The instant at which this share of the running time has run. */
static int64_t share_ms(struct judge *judge, const struct run *run, uint32_t permille)
{
    struct due at = {.at_ms = run->start_ms + run->limit_ms / 1000 * permille + run->limit_ms % 1000 * permille / 1000};
    struct due_rules hours = {.calendar = judge->live.due_rules.calendar};
    add_pauses(judge, &hours, &at, run->start_ms);
    return at.at_ms;
}

/* A span before the due instant, or days before its day at a given minute. */
static int64_t before_due(struct judge *judge, const struct run *run, const Policy__Warn *warn)
{
    const struct calendar *calendar = judge->live.due_rules.calendar;
    Policy__Term term = *warn->before;
    struct due_rules rules = {.calendar = calendar};
    struct due due;
    term.before = true;
    term.field = (char *)protobuf_c_empty_string;
    if (warn->type == POLICY__WARN__TYPE__DAYS_BEFORE) {
        term.minute_of_day = warn->before->minute_given ? warn->before->minute_of_day : warn->minute_of_day;
        term.minute_given = true;
    }
    int64_t from =
        warn->type == POLICY__WARN__TYPE__DAYS_BEFORE ? run->due_ms - 1 : run->due_ms; /* 24:00: the day it ends */
    return due_compute(&rules, &term, from, judge->arena, &due) ? due.at_ms : run->due_ms;
}

static int64_t warn_at(struct judge *judge, const struct run *run, const Policy__Warn *warn)
{
    const struct calendar *calendar = judge->live.due_rules.calendar;
    switch (warn->type) {
    case POLICY__WARN__TYPE__PERMILLE:
        return share_ms(judge, run, warn->permille);
    case POLICY__WARN__TYPE__BEFORE:
    case POLICY__WARN__TYPE__DAYS_BEFORE:
        return warn->before ? before_due(judge, run, warn) : run->due_ms;
    case POLICY__WARN__TYPE__LAST_WORKING_DAY:
        return last_working_day_before(calendar, run->due_ms, warn->minute_of_day);
    case POLICY__WARN__TYPE__DUE_DAY:
        return instant_of(calendar, date_of(calendar, run->due_ms - 1), (int)warn->minute_of_day);
    }
    return run->due_ms;
}

static void add_own_warnings(struct judge *judge, struct run *run)
{
    const Policy__Clock *clock = judge->clock;
    const Policy__Defaults *defaults = judge->defaults;
    bool row_held = false;
    for (size_t i = 0; i < clock->n_warn; i++) {
        const Policy__Warn *warn = clock->warn[i];
        if (warn->row && (row_held || holds(judge, warn->condition, run->start_ms) != TRUTH_YES))
            continue;
        int64_t at_ms = warn_at(judge, run, warn);
        row_held = row_held || (warn->row && at_ms > run->start_ms);
        add_warning(run, at_ms);
    }
    if (clock->n_warn || !clock->warn_default || !defaults)
        return;
    if (run->in_days && defaults->warn_days_min)
        add_warning(run, last_working_day_before(judge->live.due_rules.calendar, run->due_ms, defaults->warn_days_min));
    else if (!run->in_days && defaults->warn_hours_permille)
        add_warning(run, share_ms(judge, run, defaults->warn_hours_permille));
}

/* Where the case was moved and the due has stayed, what lay before that is as it was then: each is warned of once. */
static void add_warnings(struct judge *judge, struct run *run)
{
    const struct live *live = &judge->live;
    const struct run *before = &live->before_moving;
    struct run own = *run;
    add_own_warnings(judge, live->moved_ms && before->due_ms == run->due_ms ? &own : run);
    if (!live->moved_ms || before->due_ms != run->due_ms)
        return;
    for (unsigned i = 0; i < before->warn_count; i++)
        if (before->warn_ms[i] < live->moved_ms)
            add_warning(run, before->warn_ms[i]);
    for (unsigned i = 0; i < own.warn_count; i++)
        if (own.warn_ms[i] >= live->moved_ms)
            add_warning(run, own.warn_ms[i]);
}

/* ---- starting and ending runs ---- */

static void close_run(struct judge *judge, enum run_state state, int64_t at_ms)
{
    struct live *live = &judge->live;
    live->open = false;
    live->run.state = state;
    live->run.ended_ms = at_ms;
    live->run.clock = judge->clock;
    live->run.version = judge->version;
    if (!live->was_active)
        return;
    if (live->has_due)
        add_warnings(judge, &live->run);
    judge->runs = arena_grow(judge->arena, judge->runs, judge->runs_count, sizeof *judge->runs);
    judge->runs[judge->runs_count++] = live->run;
}

/* A clock whose `if` no longer holds was cancelled by the change that made it so, not by what came after. */
static void end_run(struct judge *judge, enum run_state state, int64_t at_ms)
{
    struct live *live = &judge->live;
    live->run.by_condition = !live->active;
    if (!live->active) {
        state = RUN_CANCELLED;
        at_ms = live->inactive_since;
    }
    if (at_ms) { /* over: its due stays what it was then */
        judge->pauses_until_ms = at_ms;
        recompute(judge, at_ms);
    }
    close_run(judge, state, at_ms);
    judge->pauses_until_ms = INT64_MAX;
}

static void look_at_condition(struct judge *judge, int64_t at_ms)
{
    struct live *live = &judge->live;
    bool active = holds(judge, judge->clock->condition, at_ms) == TRUTH_YES;
    if (active && !live->active)
        live->active_since = at_ms;
    if (!active && live->active)
        live->inactive_since = at_ms;
    live->active = active;
    live->was_active |= active;
}

static void open_run(struct judge *judge, int64_t start_ms)
{
    judge->live = (struct live){.open = true};
    judge->live.run.round = judge->round;
    judge->live.run.part = judge->part++;
    judge->live.run.start_ms = start_ms;
}

/* When the clock starts by this happening; a time field starts it at the instant it names, even in the past. */
static bool starts(struct judge *judge, const struct moment *moment, int64_t *start_out, const char **unmet_out)
{
    const Policy__Clock *clock = judge->clock;
    const struct happening *happening = &judge->happenings[moment->index];
    for (size_t i = 0; i < clock->n_start; i++) {
        const Policy__Trigger *trigger = clock->start[i];
        if (!triggers(trigger, happening))
            continue;
        if (trigger->type != POLICY__TRIGGER__TYPE__TIME_FIELD) {
            *start_out = moment->at_ms;
            *unmet_out = trigger->end ? trigger->name : NULL;
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

/* ---- the walk ---- */

/* Was the due as it stood at an instant, by the pauses known then, not over? */
static bool in_time(struct judge *judge, const struct happening *happening, int64_t known_ms, int64_t *due_out)
{
    judge->known_ms = known_ms;
    recompute(judge, happening->at_ms);
    judge->known_ms = INT64_MAX;
    *due_out = judge->live.due.at_ms;
    return judge->live.has_due && (judge->live.frozen || known_ms <= *due_out);
}

/* Counts only when granted, and told where that is asked for, at or before the due instant as it stood. */
static void extend(struct judge *judge, const struct happening *happening)
{
    struct live *live = &judge->live;
    const Policy__Extend *rule = judge->clock->extend;
    if (!same(happening->extends, judge->clock->name) || !live->has_due)
        return;
    int64_t told = rule && rule->told ? happening->extension_told_ms : happening->at_ms, due, due_then;
    bool too_often = rule && rule->times && !rule->more && live->extended_count >= rule->times;
    if (told == 0 || too_often || live->run.missed || !in_time(judge, happening, happening->at_ms, &due) ||
        !in_time(judge, happening, told, &due_then) || happening->extended_due_ms <= due)
        return;
    live->extended_due = happening->extended_due_ms;
    live->extended_at = happening->at_ms;
    live->extended_count++;
}

/* A new round ends what runs, and begins every clock again that had begun before. */
static void next_round(struct judge *judge, const struct moment *moment)
{
    if (moment->round == 0)
        return;
    bool began = judge->live.open || judge->part > 0;
    if (judge->live.open)
        end_run(judge, RUN_CANCELLED, moment->at_ms);
    judge->round = moment->round;
    judge->part = 0;
    if (began && judge->clock)
        open_run(judge, moment->at_ms);
}

/* Did a run of an earlier version, after it was begun then, end as done by this instant? It is not to be done again. */
static bool was_met(const struct judge *judge, int64_t start_ms, int64_t by_ms)
{
    for (size_t i = 0; i < judge->runs_count; i++) {
        const struct run *run = &judge->runs[i];
        bool since = run->ended_ms > start_ms || run->start_ms == start_ms;
        if (run->state == RUN_MET && since && run->ended_ms <= by_ms)
            return true;
    }
    return false;
}

/* A clock that the case newly has, or has again: does it run by what happened so far, and since when? */
static void begin_late(struct judge *judge, const struct moment *moments, size_t count)
{
    bool open = false, began = false;
    int64_t start_ms = 0, found_ms;
    const char *unmet = NULL, *found;
    for (size_t i = 0; i < count; i++) {
        const struct moment *moment = &moments[i];
        open =
            open && !stops(judge->clock, &judge->happenings[moment->index]) && !was_met(judge, start_ms, moment->at_ms);
        if (moment->round)
            open = began;
        if (moment->round && began)
            start_ms = moment->at_ms;
        found = NULL;
        if (open || !starts(judge, moment, &found_ms, &found))
            continue;
        open = began = true;
        start_ms = found_ms;
        unmet = found;
    }
    if (!open || was_met(judge, start_ms, INT64_MAX))
        return;
    open_run(judge, start_ms);
    judge->live.run.begun_by_move = true;
    judge->live.unmet = unmet;
}

static void switch_to(struct judge *judge, uint32_t version)
{
    judge->version = version;
    judge->clock = judge->versions[version].clock;
    judge->defaults = judge->versions[version].defaults;
}

/* The case goes by another version from here on. */
static void move(struct judge *judge, const struct moment *moments, size_t index)
{
    const struct moment *moment = &moments[index];
    uint32_t version = judge->happenings[moment->index].moved;
    struct live *live = &judge->live;
    bool had = judge->clock != NULL;
    if (live->open && !judge->versions[version].clock) {
        live->run.gone = live->active;
        end_run(judge, RUN_CANCELLED, moment->at_ms);
    }
    if (live->open) {
        struct run then = live->run;
        then.warn_count = 0;
        if (live->has_due)
            add_warnings(judge, &then);
        live->before_moving = then;
        live->moved_ms = moment->at_ms;
    }
    switch_to(judge, version);
    if (judge->clock && !had)
        begin_late(judge, moments, index);
}

static void walk_one(struct judge *judge, const struct moment *moments, size_t index)
{
    const struct moment *moment = &moments[index];
    const struct happening *happening = &judge->happenings[moment->index];
    int64_t start;
    const char *unmet = NULL;
    look_for_miss(judge, moment->at_ms);
    if (judge->live.open && stops(judge->clock, happening))
        end_run(judge, RUN_MET, moment->at_ms);
    judge->upto = moment->index > judge->upto ? moment->index : judge->upto;
    next_round(judge, moment);
    if (happening->moved)
        move(judge, moments, index);
    if (!judge->live.open && judge->clock && starts(judge, moment, &start, &unmet)) {
        open_run(judge, start);
        judge->live.unmet = unmet;
    }
    if (!judge->live.open)
        return;
    look_at_condition(judge, moment->at_ms);
    recompute(judge, moment->at_ms);
    extend(judge, happening);
    if (happening->extends)
        recompute(judge, moment->at_ms);
}

static void finish(struct judge *judge, int64_t horizon_ms)
{
    struct live *live = &judge->live;
    look_for_miss(judge, horizon_ms);
    const struct pause *last = judge->pauses_count ? &judge->pauses[judge->pauses_count - 1] : NULL;
    bool paused = last && last->open && (live->frozen || !live->has_due);
    if (!live->open)
        return;
    if (paused && live->active)
        live->run.paused_since_ms = last->from_ms > live->run.start_ms ? last->from_ms : live->run.start_ms;
    end_run(judge, paused ? RUN_PAUSED : RUN_RUNNING, 0);
}

/* What is late only by a happening beyond the horizon may yet turn out otherwise. */
static void wait_for_horizon(struct judge *judge, int64_t horizon_ms)
{
    for (size_t i = 0; i < judge->runs_count; i++) {
        struct run *run = &judge->runs[i];
        if (!run->missed || run->missed_due_ms < horizon_ms)
            continue;
        run->missed = false;
        run->missed_due_ms = run->missed_known_ms = 0;
        if (run->state != RUN_MET && run->state != RUN_CANCELLED)
            continue;
        run->state = RUN_RUNNING;
        run->ended_ms = 0;
        run->by_condition = run->gone = false;
    }
}

static void list_versions(struct judge *judge, size_t count)
{
    const struct judge_rules *rules = judge->rules;
    struct judge_version *versions = arena_alloc(judge->arena, (rules->moved_count + 1) * sizeof *versions);
    uint32_t *version_at = arena_alloc(judge->arena, (count + 1) * sizeof *version_at), version = 0;
    versions[0] = (struct judge_version){rules->clock, rules->defaults};
    for (size_t i = 0; i < rules->moved_count; i++)
        versions[i + 1] = rules->moved[i];
    for (size_t i = 0; i < count; i++)
        version_at[i] = version = judge->happenings[i].moved ? judge->happenings[i].moved : version;
    judge->versions = versions;
    judge->version_at = version_at;
    switch_to(judge, 0);
}

struct run *clock_judge(const struct judge_rules *rules, const struct happening *happenings, size_t count,
                        int64_t horizon_ms, struct arena *arena, size_t *runs_out)
{
    struct judge *judge = arena_zero(arena, sizeof *judge);
    judge->rules = rules;
    judge->happenings = happenings;
    judge->arena = arena;
    list_versions(judge, count);
    judge->round = 1;
    judge->pauses_until_ms = judge->known_ms = INT64_MAX;
    find_pauses(judge, count);
    const struct moment *moments = moments_of(judge, count);
    for (size_t i = 0; i < count; i++)
        walk_one(judge, moments, i);
    finish(judge, horizon_ms);
    wait_for_horizon(judge, horizon_ms);
    *runs_out = judge->runs_count;
    return judge->runs;
}

int64_t clock_row_ms(const struct run *run, const Policy__LadderRow *row, const struct calendar *calendar,
                     const Policy__Defaults *defaults, struct arena *arena)
{
    struct due_rules rules = {.calendar = calendar, .close_of_business_min = close_of_business(defaults)};
    struct due due;
    switch (row->at) {
    case POLICY__LADDER_ROW__AT__START:
        return run->start_ms;
    case POLICY__LADDER_ROW__AT__PERMILLE:
        return run->due_ms + run->limit_ms * ((int64_t)row->permille - 1000) / 1000;
    case POLICY__LADDER_ROW__AT__AFTER:
        return row->after && due_compute(&rules, row->after, run->due_ms, arena, &due) ? due.at_ms : run->due_ms;
    case POLICY__LADDER_ROW__AT__WARNING:
    case POLICY__LADDER_ROW__AT__LATE:
    case POLICY__LADDER_ROW__AT__UNACKNOWLEDGED:
        break;
    }
    return run->due_ms;
}
