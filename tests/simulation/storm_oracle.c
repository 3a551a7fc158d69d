/* What the clocks of a case should have said by now, worked out from the logs alone and in another way than the judge
   does: first the runs, from what starts and stops them; then for each run the due dates as they were known at each
   moment; then whether one of them passed before the next moment. */
#include "storm.h"

#include "policy/lookup.h"
#include "storm_days.h"

#include <inttypes.h>
#include <stdlib.h>

#define MINUTE_MS 60000ll

/* ---- what happened ---- */

struct fact {
    int64_t at_ms, occurred_ms; /* at: recorded, in a history occurred */
    const Hb__Event *event;
    const char *stage, *step, *told, *extends; /* NULL: none */
    int64_t extended_ms, extension_told_ms;
    uint32_t phase, round; /* 0: unchanged */
    bool moved;            /* the case takes the next of its versions */
};

struct oracle {
    struct storm *storm;
    const struct storm_case *one;
    const Policy__Clock *clock; /* of the version at hand: all have the same, with other limits */
    const Policy__Policy *policy;
    const Calendar__Calendar *calendar;
    struct fact *facts; /* in order of time */
    size_t count;
    int64_t now_ms;
    int64_t told_until_ms; /* extensions told later do not count; INT64_MAX: all do */
};

static void fact_add(struct oracle *oracle, struct fact fact)
{
    struct arena *arena = &oracle->storm->scratch;
    oracle->facts = arena_grow(arena, oracle->facts, oracle->count, sizeof *oracle->facts);
    oracle->facts[oracle->count++] = fact;
}

static bool same_place(const Hb__Position *a, const Hb__Position *b)
{
    return a && b && a->offset == b->offset && a->log->service == b->log->service;
}

/* 0: never told. */
static int64_t extension_told_ms(const struct storm_case *one, const Hb__Event *granted)
{
    const Hb__Position *notice = granted->casework->extension_granted->notice;
    for (size_t i = 0; notice && i < one->events_count; i++) {
        const Hb__Event *event = one->events[i];
        if (event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION &&
            event->notification->kind_case == NOTIFICATION__EVENT__KIND_TOLD &&
            same_place(event->notification->told->source, notice))
            return event->recorded_ms;
    }
    return notice ? 0 : granted->recorded_ms;
}

static void registered_facts(struct oracle *oracle, struct fact fact)
{
    const Intake__CaseRegistered *registered = fact.event->intake->registered;
    fact.stage = registered->stage;
    fact.step = *registered->settled_step ? registered->settled_step : "register";
    fact.phase = registered->phase;
    fact.round = 1;
    fact_add(oracle, fact);
}

/* A proof is of the round in which casework asked: how often the case had begun anew before that place in the log. */
static uint32_t told_round(const struct storm_case *one, const Notification__NoticeTold *told)
{
    uint32_t round = 1;
    for (size_t i = 0; i < one->events_count; i++) {
        const Hb__Event *event = one->events[i];
        bool step = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
                    event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN &&
                    told->source->log->service == HB__SERVICE__CASEWORK && event->offset < told->source->offset;
        if (step && event->casework->step_taken->round > round)
            round = event->casework->step_taken->round;
    }
    return round;
}

/* Of a round that is over it tells nothing. */
static void forget_old_proofs(struct oracle *oracle)
{
    uint32_t round = 1;
    for (size_t i = 0; i < oracle->count; i++) {
        struct fact *fact = &oracle->facts[i];
        bool said = fact->event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION;
        round = fact->round > round ? fact->round : round;
        if (said && fact->told && fact->event->notification->told->source->log->service == HB__SERVICE__CASEWORK &&
            told_round(oracle->one, fact->event->notification->told) < round)
            fact->told = NULL;
    }
}

/* Of a history: what counts as told then. */
static void told_facts(struct oracle *oracle, struct fact then, char *const *notices, size_t count)
{
    struct fact told = {.at_ms = then.at_ms, .occurred_ms = then.occurred_ms, .event = then.event};
    for (size_t i = 0; i < count; i++) {
        told.told = notices[i];
        fact_add(oracle, told);
    }
}

static void casework_facts(struct oracle *oracle, struct fact fact)
{
    const Casework__Event *said = fact.event->casework;
    if (said->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN) {
        const Casework__StepTaken *taken = said->step_taken;
        fact.step = taken->step;
        fact.stage =
            strcmp(taken->from, taken->stage) != 0 && !taken->back ? taken->stage : NULL; /* back: not entered */
        fact.phase = taken->phase;
        fact.round = taken->round;
        fact_add(oracle, fact);
        told_facts(oracle, fact, taken->told, taken->n_told);
    } else if (said->kind_case == CASEWORK__EVENT__KIND_HISTORY_ENDED) {
        fact.at_ms = fact.occurred_ms = oracle->one->registered->occurred_ms;
        told_facts(oracle, fact, said->history_ended->told, said->history_ended->n_told);
    } else if (said->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED) {
        fact.moved = true;
        fact_add(oracle, fact);
    } else if (said->kind_case == CASEWORK__EVENT__KIND_EXTENSION_GRANTED) {
        fact.extends = said->extension_granted->clock;
        fact.extended_ms = said->extension_granted->due_ms;
        fact.extension_told_ms = extension_told_ms(oracle->one, fact.event);
        fact_add(oracle, fact);
    }
}

static int64_t at_ms_of(const Hb__Event *event)
{
    return event->history ? event->occurred_ms : event->recorded_ms;
}

/* Nothing happens before the registration, whatever the clock of who acted says. */
static void gather(struct oracle *oracle, const Hb__Event *event)
{
    int64_t at_ms = at_ms_of(event), registered_ms = at_ms_of(oracle->one->registered);
    struct fact fact = {
        .at_ms = at_ms > registered_ms ? at_ms : registered_ms, .occurred_ms = event->occurred_ms, .event = event};
    if (event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
        event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED) {
        registered_facts(oracle, fact);
    } else if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK) {
        casework_facts(oracle, fact);
    } else if (event->payload_case == HB__EVENT__PAYLOAD_ROUTING && event->n_facts) {
        fact_add(oracle, fact);
    } else if (event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION &&
               event->notification->kind_case == NOTIFICATION__EVENT__KIND_TOLD) {
        fact.told = event->notification->told->notice;
        fact_add(oracle, fact);
    }
}

/* By time; at one instant by service and place in its log. */
static int by_time(const void *a, const void *b)
{
    const struct fact *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    if (x->event->service != y->event->service)
        return x->event->service < y->event->service ? -1 : 1;
    if (x->event->offset != y->event->offset)
        return x->event->offset < y->event->offset ? -1 : 1;
    return (x->told != NULL) - (y->told != NULL); /* a step, then what was told upon it */
}

/* ---- conditions on the facts known up to one of them ---- */

static const Hb__Value *value_at(const struct oracle *oracle, size_t upto, const char *name)
{
    for (size_t i = upto + 1; i-- > 0;) {
        const Hb__Event *event = oracle->facts[i].event;
        for (size_t f = event->n_facts; f-- > 0;)
            if (strcmp(event->facts[f]->name, name) == 0)
                return event->facts[f]->value;
    }
    return NULL;
}

static bool value_is(const Hb__Value *value, const Hb__Value *wanted)
{
    if (value->kind_case != wanted->kind_case)
        return false;
    switch (value->kind_case) {
    case HB__VALUE__KIND_TEXT:
        return strcmp(value->text, wanted->text) == 0;
    case HB__VALUE__KIND_YES:
        return value->yes == wanted->yes;
    case HB__VALUE__KIND_NUMBER:
        return value->number == wanted->number;
    case HB__VALUE__KIND_TIME_MS:
    case HB__VALUE__KIND_DURATION_MS:
    case HB__VALUE__KIND_MONEY_FEN:
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        break;
    }
    return false;
}

enum answer { NO, YES, PERHAPS };

static enum answer ask(const struct oracle *oracle, const Policy__Node *node, size_t upto)
{
    const Hb__Value *value = value_at(oracle, upto, node->fact);
    if (node->op == POLICY__NODE__OP__PRESENT || node->op == POLICY__NODE__OP__MISSING)
        return (value != NULL) == (node->op == POLICY__NODE__OP__PRESENT) ? YES : NO;
    if (!value)
        return PERHAPS;
    if (node->op == POLICY__NODE__OP__EQUAL) {
        for (size_t i = 0; i < node->n_values; i++)
            if (value_is(value, node->values[i]))
                return YES;
        return NO;
    }
    bool after = node->op == POLICY__NODE__OP__AFTER && node->term->unit == POLICY__TERM__UNIT__TIME_OF_DAY &&
                 value->kind_case == HB__VALUE__KIND_TIME_MS;
    if (!after)
        storm_fail(oracle->storm, "oracle", "the condition of %s is of a kind it does not know", oracle->clock->name);
    int64_t of_day = value->time_ms - days_instant(days_date(value->time_ms), 0);
    return of_day > node->term->minute_of_day * MINUTE_MS ? YES : NO;
}

static enum answer ask_group(const struct oracle *oracle, const Policy__Condition *condition, size_t *at, size_t upto);

static enum answer ask_next(const struct oracle *oracle, const Policy__Condition *condition, size_t *at, size_t upto)
{
    const Policy__Node *node = condition->nodes[*at];
    bool group =
        node->op == POLICY__NODE__OP__ALL || node->op == POLICY__NODE__OP__ANY || node->op == POLICY__NODE__OP__NOT;
    if (group)
        return ask_group(oracle, condition, at, upto);
    (*at)++;
    return ask(oracle, node, upto);
}

static enum answer ask_group(const struct oracle *oracle, const Policy__Condition *condition, size_t *at, size_t upto)
{
    const Policy__Node *group = condition->nodes[(*at)++];
    unsigned count[3] = {0};
    for (uint32_t i = 0; i < group->count; i++)
        count[ask_next(oracle, condition, at, upto)]++;
    if (group->op == POLICY__NODE__OP__ANY)
        return count[YES] ? YES : count[PERHAPS] ? PERHAPS : NO;
    enum answer all = count[NO] ? NO : count[PERHAPS] ? PERHAPS : YES;
    return group->op == POLICY__NODE__OP__ALL || all == PERHAPS ? all : all == YES ? NO : YES;
}

static enum answer holds(const struct oracle *oracle, const Policy__Condition *condition, size_t upto)
{
    unsigned count[3] = {0};
    for (size_t at = 0; condition && at < condition->n_nodes;)
        count[ask_next(oracle, condition, &at, upto)]++;
    return count[NO] ? NO : count[PERHAPS] ? PERHAPS : YES;
}

/* ---- triggers ---- */

static bool is(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

static bool pulls(const Policy__Trigger *trigger, const struct fact *fact)
{
    if (trigger->type == POLICY__TRIGGER__TYPE__STAGE)
        return is(fact->stage, trigger->name);
    if (trigger->type == POLICY__TRIGGER__TYPE__STEP)
        return is(fact->step, trigger->name);
    if (trigger->type == POLICY__TRIGGER__TYPE__TOLD)
        return is(fact->told, trigger->name);
    for (size_t i = 0; i < fact->event->n_facts; i++) /* a field */
        if (is(fact->event->facts[i]->name, trigger->name) && fact->event->facts[i]->value)
            return true;
    return false;
}

static bool stops(const Policy__Clock *clock, const struct fact *fact)
{
    for (size_t i = 0; i < clock->n_stop; i++)
        if (pulls(clock->stop[i], fact))
            return true;
    return false;
}

static const Policy__Trigger *starter(const Policy__Clock *clock, const struct fact *fact)
{
    for (size_t i = 0; i < clock->n_start; i++)
        if (pulls(clock->start[i], fact))
            return clock->start[i];
    return NULL;
}

/* ---- the moments, in the order in which they count for this clock ---- */

struct moment {
    int64_t at_ms;
    size_t fact;
    uint32_t round; /* that begins; 0: none */
};

static int by_moment(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->fact < y->fact ? -1 : x->fact > y->fact;
}

static struct moment *moments_of(const struct oracle *oracle)
{
    struct moment *moments = arena_alloc(&oracle->storm->scratch, (oracle->count + 1) * sizeof *moments);
    uint32_t round = 1;
    for (size_t i = 0; i < oracle->count; i++) {
        const struct fact *fact = &oracle->facts[i];
        const Policy__Trigger *start = starter(oracle->clock, fact);
        bool begins = fact->round > round;
        bool occurred =
            !begins && (stops(oracle->clock, fact) ? oracle->clock->backdating
                                                   : start && start->type != POLICY__TRIGGER__TYPE__TIME_FIELD);
        moments[i] = (struct moment){occurred ? fact->occurred_ms : fact->at_ms, i, begins ? fact->round : 0};
        round = begins ? fact->round : round;
    }
    qsort(moments, oracle->count, sizeof *moments, by_moment);
    return moments;
}

/* ---- the runs ---- */

struct point { /* a moment of a run, the latest fact known then, and by which version the case went after it */
    int64_t at_ms;
    size_t known, fact, version;
};

struct run {
    uint32_t round, part;
    int64_t start_ms, end_ms; /* end 0: open */
    enum storm_said end;
    struct point *points;
    size_t points_count;
    /* what follows from it */
    bool ever, has_due, frozen, missed;
    enum storm_said state;
    int64_t ended_ms, due_ms, missed_due_ms, limit_ms;
    int64_t moved_ms, due_before_moving_ms; /* the last time; 0: never */
    enum days_kind kind;
};

struct runs {
    struct run *list;
    size_t count;
};

static struct run *run_begin(const struct oracle *oracle, struct runs *runs, uint32_t round, uint32_t part,
                             int64_t start_ms)
{
    struct run fresh = {.round = round, .part = part, .start_ms = start_ms};
    runs->list = arena_grow(&oracle->storm->scratch, runs->list, runs->count, sizeof *runs->list);
    runs->list[runs->count++] = fresh;
    return &runs->list[runs->count - 1];
}

static struct runs runs_of(const struct oracle *oracle)
{
    const struct moment *moments = moments_of(oracle);
    struct runs runs = {0};
    struct run *open = NULL;
    uint32_t round = 1, part = 0;
    size_t known = 0, version = 0;
    bool by_field = false; /* a time field starts it once */
    for (size_t i = 0; i < oracle->count; i++) {
        const struct moment *moment = &moments[i];
        const struct fact *fact = &oracle->facts[moment->fact];
        bool again = false;
        if (open && (stops(oracle->clock, fact) || moment->round)) {
            open->end_ms = moment->at_ms;
            open->end = stops(oracle->clock, fact) ? STORM_MET : STORM_CANCELLED;
            again = moment->round != 0;
            open = NULL;
        }
        known = moment->fact > known ? moment->fact : known;
        version += fact->moved;
        if (moment->round) {
            again = again || part > 0;
            round = moment->round;
            part = 0;
        }
        const Policy__Trigger *start = open || again ? NULL : starter(oracle->clock, fact);
        const Hb__Value *field =
            start && start->type == POLICY__TRIGGER__TYPE__TIME_FIELD ? value_at(oracle, known, start->name) : NULL;
        if (again || (start && start->type != POLICY__TRIGGER__TYPE__TIME_FIELD))
            open = run_begin(oracle, &runs, round, part++, moment->at_ms);
        else if (field && !by_field && field->kind_case == HB__VALUE__KIND_TIME_MS)
            open = run_begin(oracle, &runs, round, part++, field->time_ms);
        by_field = by_field || (field && open);
        if (!open)
            continue;
        open->points = arena_grow(&oracle->storm->scratch, open->points, open->points_count, sizeof *open->points);
        open->points[open->points_count++] = (struct point){moment->at_ms, known, moment->fact, version};
    }
    return runs;
}

/* ---- pauses ---- */

struct pause {
    int64_t from_ms, to_ms; /* to INT64_MAX: not over */
};

struct pauses {
    struct pause *list;
    size_t count;
};

static struct pauses pauses_of(const struct oracle *oracle)
{
    struct pauses pauses = {0};
    bool waiting = false;
    if (oracle->clock->pause == POLICY__CLOCK__PAUSE__PAUSE_TRIGGERS)
        storm_fail(oracle->storm, "oracle", "the pauses of %s are of a kind it does not know", oracle->clock->name);
    for (size_t i = 0; oracle->clock->pause == POLICY__CLOCK__PAUSE__PAUSE_WAITING && i < oracle->count; i++) {
        const struct fact *fact = &oracle->facts[i];
        bool waits = fact->phase ? fact->phase == POLICY__PHASE__WAITING : waiting;
        struct pause *last = pauses.count ? &pauses.list[pauses.count - 1] : NULL;
        if (waits && !waiting && last && last->to_ms == fact->at_ms) {
            last->to_ms = INT64_MAX;
        } else if (waits && !waiting) {
            pauses.list = arena_grow(&oracle->storm->scratch, pauses.list, pauses.count, sizeof *pauses.list);
            pauses.list[pauses.count++] = (struct pause){fact->at_ms, INT64_MAX};
        } else if (!waits && waiting) {
            last->to_ms = fact->at_ms;
        }
        waiting = waits;
    }
    return pauses;
}

static struct pauses pauses_until(const struct oracle *oracle, const struct pauses *pauses, int64_t until_ms)
{
    struct pauses before = {0};
    for (size_t i = 0; i < pauses->count && pauses->list[i].from_ms < until_ms; i++) {
        struct pause pause = pauses->list[i];
        pause.to_ms = pause.to_ms < until_ms ? pause.to_ms : until_ms;
        before.list = arena_grow(&oracle->storm->scratch, before.list, before.count, sizeof pause);
        before.list[before.count++] = pause;
    }
    return before;
}

/* As the case stood at an instant: what began later is not known, and what ended later is not over. */
static struct pauses pauses_as_of(const struct oracle *oracle, const struct pauses *pauses, int64_t at_ms)
{
    struct pauses known = {0};
    for (size_t i = 0; i < pauses->count && pauses->list[i].from_ms <= at_ms; i++) {
        struct pause pause = pauses->list[i];
        pause.to_ms = pause.to_ms > at_ms ? INT64_MAX : pause.to_ms;
        known.list = arena_grow(&oracle->storm->scratch, known.list, known.count, sizeof pause);
        known.list[known.count++] = pause;
    }
    return known;
}

/* True: a pause that is not over keeps it from coming due. */
static bool wait_out(const struct oracle *oracle, const struct pauses *pauses, struct days_due *due, int64_t since_ms)
{
    for (size_t i = 0; i < pauses->count; i++) {
        const struct pause *pause = &pauses->list[i];
        int64_t from = pause->from_ms > since_ms ? pause->from_ms : since_ms;
        if (pause->to_ms <= since_ms)
            continue;
        if (from > due->at_ms)
            return false;
        if (pause->to_ms == INT64_MAX)
            return true;
        days_pause(oracle->calendar, due, from, pause->to_ms);
    }
    return false;
}

static int64_t waited_ms(const struct pauses *pauses, int64_t from_ms, int64_t to_ms)
{
    int64_t total = 0;
    for (size_t i = 0; i < pauses->count && pauses->list[i].to_ms != INT64_MAX; i++) {
        int64_t from = pauses->list[i].from_ms > from_ms ? pauses->list[i].from_ms : from_ms;
        int64_t to = pauses->list[i].to_ms < to_ms ? pauses->list[i].to_ms : to_ms;
        total += to > from ? to - from : 0;
    }
    return total;
}

/* ---- dues ---- */

static uint32_t close_min(const struct oracle *oracle)
{
    const Policy__Defaults *defaults = oracle->policy->defaults;
    return defaults && defaults->close_of_business_min ? defaults->close_of_business_min : 18 * 60;
}

static bool term_due(const struct oracle *oracle, const Policy__Term *term, const Policy__TimeOptions *options,
                     int64_t start_ms, size_t known, struct days_due *due)
{
    if (term->unit == POLICY__TERM__UNIT__FIELD) {
        const Hb__Value *value = value_at(oracle, known, term->field);
        *due = (struct days_due){.at_ms = value ? value->time_ms : 0};
        return value && value->kind_case == HB__VALUE__KIND_TIME_MS;
    }
    if (days_due(oracle->calendar, term, options, close_min(oracle), start_ms, due))
        return true;
    storm_fail(oracle->storm, "oracle", "the limit of %s is of a kind it does not know", oracle->clock->name);
    return false;
}

/* Of the rows up to the first that surely holds, those that may hold: the shortest. */
static bool limit_due(const struct oracle *oracle, int64_t start_ms, size_t known, struct days_due *due_out)
{
    const Policy__Clock *clock = oracle->clock;
    bool found = false, over = false;
    for (size_t i = 0; i < clock->n_limit; i++) {
        const Policy__LimitRow *row = clock->limit[i];
        over = over && i && row->pack == clock->limit[i - 1]->pack;
        if (over)
            continue;
        enum answer answer = holds(oracle, row->condition, known);
        struct days_due due;
        for (size_t t = 0; answer != NO && t < row->n_terms; t++)
            if (term_due(oracle, row->terms[t], row->has_options ? row->options : clock->options, start_ms, known,
                         &due) &&
                (!found || due.at_ms < due_out->at_ms)) {
                *due_out = due;
                found = true;
            }
        over = answer == YES;
    }
    return found;
}

struct extension {
    int64_t due_ms, at_ms;
    unsigned count;
};

/* The due as known at a point; `frozen` when a pause without end holds it. */
static bool due_at(const struct oracle *oracle, const struct pauses *pauses, const struct run *run, size_t known,
                   const struct extension *extension, struct days_due *due, bool *frozen)
{
    *frozen = false;
    if (!limit_due(oracle, run->start_ms, known, due))
        return false;
    *frozen = wait_out(oracle, pauses, due, run->start_ms);
    if (extension->count) {
        struct days_due extended = *due;
        extended.at_ms = extended.unrolled_ms = extension->due_ms;
        bool held = wait_out(oracle, pauses, &extended, extension->at_ms);
        if (extended.at_ms > due->at_ms) {
            due->at_ms = extended.at_ms;
            *frozen = held;
        }
    }
    return true;
}

/* The due as it stood at an instant, by what was known then; 0: none. INT64_MAX: a pause held it. */
static int64_t due_then(const struct oracle *oracle, const struct pauses *pauses, const struct run *run, size_t known,
                        const struct extension *extension, int64_t at_ms, int64_t *until_out)
{
    struct pauses then = pauses_as_of(oracle, pauses, at_ms);
    struct days_due due;
    bool frozen;
    if (!due_at(oracle, &then, run, known, extension, &due, &frozen))
        return 0;
    *until_out = frozen ? INT64_MAX : due.at_ms;
    return due.at_ms;
}

static bool extends(const struct oracle *oracle, const struct pauses *pauses, const struct run *run,
                    const struct point *point, const struct extension *extension)
{
    const struct fact *fact = &oracle->facts[point->fact];
    const Policy__Extend *rule = oracle->clock->extend;
    if (!is(fact->extends, oracle->clock->name) || run->missed)
        return false;
    int64_t told = rule && rule->told ? fact->extension_told_ms : fact->at_ms, until = 0, told_until = 0;
    int64_t due_ms = due_then(oracle, pauses, run, point->known, extension, fact->at_ms, &until);
    bool again = rule && rule->times && !rule->more && extension->count >= rule->times;
    if (!due_ms || !told || again || told > oracle->told_until_ms || fact->at_ms > until)
        return false;
    due_then(oracle, pauses, run, point->known, extension, told, &told_until);
    return told <= told_until && fact->extended_ms > due_ms;
}

static void go_by(struct oracle *oracle, size_t version)
{
    oracle->policy = oracle->one->versions[version].policy;
    oracle->clock = policy_clock(oracle->one->versions[version].kind, oracle->clock->name);
}

/* Walks the points of one run. */
static void work_out(struct oracle *oracle, const struct pauses *pauses, struct run *run)
{
    struct extension extension = {0};
    struct days_due due = {0};
    bool active = false;
    int64_t inactive_since = 0;
    for (size_t i = 0; i < run->points_count; i++) {
        const struct point *point = &run->points[i];
        if (oracle->facts[point->fact].moved && i) {
            run->moved_ms = point->at_ms;
            run->due_before_moving_ms = run->has_due ? due.at_ms : 0;
        }
        go_by(oracle, point->version);
        bool now_active = holds(oracle, oracle->clock->condition, point->known) == YES;
        inactive_since = active && !now_active ? point->at_ms : inactive_since;
        active = now_active;
        run->ever = run->ever || active;
        const struct fact *fact = &oracle->facts[point->fact];
        if (extends(oracle, pauses, run, point, &extension))
            extension = (struct extension){fact->extended_ms, fact->at_ms, extension.count + 1};
        run->has_due = due_at(oracle, pauses, run, point->known, &extension, &due, &run->frozen);
        int64_t until = i + 1 < run->points_count ? run->points[i + 1].at_ms
                        : run->end_ms             ? run->end_ms
                                                  : oracle->now_ms;
        if (active && run->has_due && !run->frozen && !run->missed && due.at_ms < until) {
            run->missed = true;
            run->missed_due_ms = due.at_ms;
        }
    }
    bool held = pauses->count && pauses->list[pauses->count - 1].to_ms == INT64_MAX && (run->frozen || !run->has_due);
    run->state = !active ? STORM_CANCELLED : run->end_ms ? run->end : held ? STORM_PAUSED : STORM_RUNNING;
    run->ended_ms = active ? run->end_ms : inactive_since;
    if (run->ended_ms && run->has_due) { /* what the case waited for afterwards does not concern it */
        struct pauses before = pauses_until(oracle, pauses, run->ended_ms);
        bool frozen;
        due_at(oracle, &before, run, run->points[run->points_count - 1].known, &extension, &due, &frozen);
    }
    run->due_ms = run->has_due ? due.at_ms : 0;
    run->kind = due.kind;
    run->limit_ms = run->due_ms - run->start_ms - waited_ms(pauses, run->start_ms, run->due_ms);
}

/* ---- comparing ---- */

static const char *const said_names[] = {"running", "paused", "met", "cancelled"};

static const struct storm_run *said_of(const struct oracle *oracle, const struct run *run)
{
    const struct storm_case *one = oracle->one;
    for (size_t i = 0; i < one->runs_count; i++)
        if (one->runs[i].round == run->round && one->runs[i].part == run->part &&
            strcmp(one->runs[i].clock, oracle->clock->name) == 0)
            return &one->runs[i];
    return NULL;
}

/* The pause before the end as if nobody had heard yet that it was over; or that it was. */
static struct pauses pauses_unheard(const struct oracle *oracle, const struct pauses *pauses, int64_t end_ms, bool all)
{
    struct pauses unheard = pauses_until(oracle, pauses, end_ms);
    if (unheard.count && !all)
        unheard.list[unheard.count - 1].to_ms = end_ms;
    unheard.count -= unheard.count && all;
    return unheard;
}

/* The points as if nobody had heard yet that the case was moved to the version it goes by at the last of them. */
static struct point *points_unmoved(const struct oracle *oracle, const struct run *run)
{
    size_t moved = run->points_count - 1;
    while (moved && !oracle->facts[run->points[moved].fact].moved)
        moved--;
    struct point *unmoved = arena_alloc(&oracle->storm->scratch, run->points_count * sizeof *unmoved);
    memcpy(unmoved, run->points, run->points_count * sizeof *unmoved);
    for (size_t i = moved; moved && i < run->points_count; i++)
        unmoved[i].version--;
    return unmoved;
}

/* A run that is over keeps the word said at its end: neither a calendar published later changes it nor the proof, come
   only then or in that very millisecond, that an extension was told, nor that the case had begun or ceased to wait, or
   was moved to another version, a little before. */
static bool agrees_as_of_then(struct oracle *oracle, const struct pauses *pauses, const struct run *run,
                              const struct storm_run *said)
{
    const Calendar__Calendar *today = oracle->calendar;
    bool agrees = false;
    const int64_t told_until[] = {INT64_MAX, run->end_ms ? run->end_ms : INT64_MAX,
                                  run->end_ms ? run->end_ms - 1 : INT64_MAX};
    struct pauses heard[] = {*pauses, pauses_unheard(oracle, pauses, run->end_ms, false),
                             pauses_unheard(oracle, pauses, run->end_ms, true)};
    struct point *points[] = {run->points, points_unmoved(oracle, run)};
    for (size_t i = 0; i < 18 * oracle->storm->calendars_count && !agrees; i++) {
        struct run then = {.round = run->round,
                           .part = run->part,
                           .start_ms = run->start_ms,
                           .end_ms = run->end_ms,
                           .end = run->end,
                           .points = points[i / 9 % 2],
                           .points_count = run->points_count};
        oracle->calendar = oracle->storm->calendars[i / 18];
        oracle->told_until_ms = told_until[i % 3];
        work_out(oracle, &heard[i / 3 % 3], &then);
        agrees = then.missed == said->missed && (!said->missed || then.missed_due_ms == said->missed_due_ms) &&
                 (said->said != STORM_MET || then.due_ms == said->met_due_ms);
    }
    oracle->calendar = today;
    oracle->told_until_ms = INT64_MAX;
    return agrees;
}

static void compare_miss(struct oracle *oracle, const struct pauses *pauses, const struct run *run,
                         const struct storm_run *said)
{
    struct storm *storm = oracle->storm;
    const char *name = oracle->clock->name, *number = oracle->one->registered->intake->registered->number;
    bool over = run->state == STORM_MET || run->state == STORM_CANCELLED;
    if (over && agrees_as_of_then(oracle, pauses, run, said))
        return;
    if (over)
        storm_fail(storm, "a clock that is over was judged rightly",
                   "%s %s/%u.%u: said %s %" PRId64 ", %s under due %" PRId64 "; should be %s %" PRId64
                   ", %s under due %" PRId64 " (%zu calendars)",
                   number, name, run->round, run->part, said->missed ? "missed" : "not missed",
                   said->missed ? said->missed_due_ms : 0, said_names[said->said],
                   said->said == STORM_MET ? said->met_due_ms : said->due_ms, run->missed ? "missed" : "not missed",
                   run->missed ? run->missed_due_ms : 0, said_names[run->state], run->due_ms,
                   oracle->storm->calendars_count);
    if (said->due_ms != run->due_ms)
        storm_fail(storm, "a due date is right", "%s %s/%u.%u: said %" PRId64 ", should be %" PRId64, number, name,
                   run->round, run->part, said->due_ms, run->due_ms);
    if (said->missed != run->missed)
        storm_fail(storm, run->missed ? "every deadline that passed is missed" : "no deadline is missed wrongly",
                   "%s %s/%u.%u due %" PRId64, number, name, run->round, run->part,
                   run->missed ? run->missed_due_ms : said->missed_due_ms);
    if (said->missed && said->missed_due_ms != run->missed_due_ms)
        storm_fail(storm, "a miss names the due date that passed", "%s %s/%u.%u: said %" PRId64 ", should be %" PRId64,
                   number, name, run->round, run->part, said->missed_due_ms, run->missed_due_ms);
}

static void compare_run(struct oracle *oracle, const struct pauses *pauses, const struct run *run,
                        const struct storm_run *said)
{
    struct storm *storm = oracle->storm;
    const char *name = oracle->clock->name, *number = oracle->one->registered->intake->registered->number;
    if (!said) {
        storm_fail(storm, "every clock that should run is armed", "%s %s/%u.%u due %" PRId64, number, name, run->round,
                   run->part, run->due_ms);
        return;
    }
    if (said->start_ms != run->start_ms)
        storm_fail(storm, "a clock starts when it should", "%s %s/%u.%u: said %" PRId64 ", should be %" PRId64, number,
                   name, run->round, run->part, said->start_ms, run->start_ms);
    if (said->said != run->state)
        storm_fail(storm, "a clock stands as it should", "%s %s/%u.%u: said %s, should be %s", number, name, run->round,
                   run->part, said_names[said->said], said_names[run->state]);
    if (run->state == STORM_MET && said->met_ms != run->ended_ms)
        storm_fail(storm, "a clock is met when it should", "%s %s/%u.%u: said %" PRId64 ", should be %" PRId64, number,
                   name, run->round, run->part, said->met_ms, run->ended_ms);
    if (run->state == STORM_MET && said->met_late != said->missed)
        storm_fail(storm, "an end is late when its deadline was missed", "%s %s/%u.%u: said %s, and %s", number, name,
                   run->round, run->part, said->met_late ? "late" : "in time", said->missed ? "missed" : "not missed");
    compare_miss(oracle, pauses, run, said);
}

/* ---- warnings ---- */

static int64_t share_ms(const struct oracle *oracle, const struct pauses *pauses, const struct run *run,
                        uint32_t permille)
{
    struct days_due at = {.at_ms =
                              run->start_ms + run->limit_ms / 1000 * permille + run->limit_ms % 1000 * permille / 1000};
    wait_out(oracle, pauses, &at, run->start_ms);
    return at.at_ms;
}

static int64_t warning_ms(const struct oracle *oracle, const struct pauses *pauses, const struct run *run,
                          const Policy__Warn *warn)
{
    const Calendar__Calendar *calendar = oracle->calendar;
    static const Policy__Term none = POLICY__TERM__INIT;
    const Policy__Term *before = warn->before ? warn->before : &none;
    bool hours = before->unit == POLICY__TERM__UNIT__HOURS || before->unit == POLICY__TERM__UNIT__MINUTES;
    switch (warn->type) {
    case POLICY__WARN__TYPE__PERMILLE:
        return share_ms(oracle, pauses, run, warn->permille);
    case POLICY__WARN__TYPE__BEFORE:
        return hours ? run->due_ms -
                           before->amount * (before->unit == POLICY__TERM__UNIT__HOURS ? DAYS_HOUR_MS : MINUTE_MS)
                     : days_before(calendar, before, run->due_ms, -1);
    case POLICY__WARN__TYPE__DAYS_BEFORE:
        return days_before(calendar, before, run->due_ms - 1, (int)before->minute_of_day);
    case POLICY__WARN__TYPE__LAST_WORKING_DAY:
        return days_instant(days_previous_worked(calendar, days_date(run->due_ms - 1) - 1),
                            warn->minute_of_day * MINUTE_MS);
    case POLICY__WARN__TYPE__DUE_DAY:
        return days_instant(days_date(run->due_ms - 1), warn->minute_of_day * MINUTE_MS);
    }
    return 0;
}

/* Once per due date. It lay where it lies now, unless a calendar or a fact has moved it since. */
static void check_warning(const struct oracle *oracle, const struct pauses *pauses, const struct run *run,
                          const struct storm_run *said, int64_t at_ms)
{
    bool moved = oracle->storm->calendars_count > 1 || run->points_count > 1;
    const struct pause *last = pauses->count ? &pauses->list[pauses->count - 1] : NULL;
    int64_t frozen_ms = run->state == STORM_PAUSED && last ? last->from_ms : INT64_MAX;
    bool expected = at_ms > run->start_ms && at_ms < run->due_ms && at_ms < frozen_ms && at_ms >= said->armed_ms &&
                    at_ms < oracle->now_ms;
    if (run->moved_ms && at_ms < run->moved_ms && run->due_before_moving_ms == run->due_ms)
        expected = false; /* of a version that it did not go by then */
    for (size_t i = 0; expected && i < said->warnings_count; i++)
        if (said->warnings[i].due_ms == run->due_ms && (said->warnings[i].at_ms == at_ms || moved))
            return;
    if (expected)
        storm_fail(oracle->storm, "every warning comes",
                   "%s %s/%u.%u due %" PRId64 ": warning of %" PRId64 " is missing",
                   oracle->one->registered->intake->registered->number, oracle->clock->name, run->round, run->part,
                   run->due_ms, at_ms);
}

static void check_warnings(const struct oracle *oracle, const struct pauses *pauses, const struct run *run,
                           const struct storm_run *said)
{
    const Policy__Clock *clock = oracle->clock;
    const Policy__Defaults *defaults = oracle->policy->defaults;
    Policy__Warn warn = POLICY__WARN__INIT;
    bool row_held = false;
    for (size_t i = 0; i < clock->n_warn; i++) {
        const Policy__Warn *one = clock->warn[i];
        int64_t at_ms = warning_ms(oracle, pauses, run, one);
        if (one->row && (row_held || at_ms <= run->start_ms ||
                         holds(oracle, one->condition, run->points[run->points_count - 1].known) != YES))
            continue;
        row_held = row_held || one->row;
        check_warning(oracle, pauses, run, said, at_ms);
    }
    if (!clock->warn_default || !defaults)
        return;
    warn.type = run->kind == DAYS_HOURS ? POLICY__WARN__TYPE__PERMILLE : POLICY__WARN__TYPE__LAST_WORKING_DAY;
    warn.permille = defaults->warn_hours_permille;
    warn.minute_of_day = defaults->warn_days_min;
    if (run->kind == DAYS_HOURS ? warn.permille : warn.minute_of_day)
        check_warning(oracle, pauses, run, said, warning_ms(oracle, pauses, run, &warn));
}

/* ---- ladder rows that come by time ---- */

/* While the case waits a clock stands still: what lies after that has not come, as with warnings. */
static void check_rows(const struct oracle *oracle, const struct pauses *pauses, const struct run *run,
                       const struct storm_run *said)
{
    const Policy__Ladder *ladder = *oracle->clock->ladder ? policy_ladder(oracle->policy, oracle->clock->ladder) : NULL;
    int64_t until = run->ended_ms && run->ended_ms < oracle->now_ms ? run->ended_ms : oracle->now_ms;
    if (run->state == STORM_PAUSED && pauses->count)
        until = pauses->list[pauses->count - 1].from_ms;
    for (size_t i = 0; ladder && i < ladder->n_rows; i++) {
        const Policy__LadderRow *row = ladder->rows[i];
        struct days_due due = {.at_ms = INT64_MAX};
        if (row->at == POLICY__LADDER_ROW__AT__PERMILLE)
            due.at_ms = run->due_ms + run->limit_ms * ((int64_t)row->permille - 1000) / 1000;
        else if (row->at == POLICY__LADDER_ROW__AT__AFTER)
            days_due(oracle->calendar, row->after, NULL, close_min(oracle), run->due_ms, &due);
        if (due.at_ms < until && !(said->rows & 1u << i))
            storm_fail(oracle->storm, "every ladder row is reached", "%s %s/%u.%u row %zu of %" PRId64,
                       oracle->one->registered->intake->registered->number, oracle->clock->name, run->round, run->part,
                       i, due.at_ms);
    }
}

/* ---- all clocks of a case ---- */

static void check_clock(struct oracle *oracle)
{
    struct runs runs = runs_of(oracle);
    struct pauses pauses = pauses_of(oracle);
    size_t expected = 0, have = 0;
    for (size_t i = 0; i < runs.count && !oracle->storm->failed; i++) {
        struct run *run = &runs.list[i];
        work_out(oracle, &pauses, run);
        const struct storm_run *said = said_of(oracle, run);
        expected += said != NULL && run->ever;
        if (!run->ever || !run->due_ms)
            continue;
        compare_run(oracle, &pauses, run, said);
        bool live = run->state == STORM_RUNNING || run->state == STORM_PAUSED;
        if (said && live)
            check_warnings(oracle, &pauses, run, said);
        if (said && run->missed && (live || oracle->storm->calendars_count == 1))
            check_rows(oracle, &pauses, run, said);
    }
    for (size_t i = 0; i < oracle->one->runs_count; i++)
        have += strcmp(oracle->one->runs[i].clock, oracle->clock->name) == 0;
    if (have != expected)
        storm_fail(oracle->storm, "no clock runs that should not", "%s %s: %zu runs, %zu expected",
                   oracle->one->registered->intake->registered->number, oracle->clock->name, have, expected);
}

void storm_check_clocks(struct storm *storm, struct storm_case *one, int64_t now_ms)
{
    struct oracle oracle = {
        .storm = storm, .one = one, .calendar = storm->calendar, .now_ms = now_ms, .told_until_ms = INT64_MAX};
    for (size_t i = 0; i < one->events_count; i++)
        gather(&oracle, one->events[i]);
    if (oracle.count)
        qsort(oracle.facts, oracle.count, sizeof *oracle.facts, by_time);
    forget_old_proofs(&oracle);
    for (size_t i = 0; i < one->kind->n_clocks && !storm->failed; i++) {
        oracle.clock = one->kind->clocks[i];
        oracle.policy = one->policy;
        check_clock(&oracle);
    }
    arena_reset(&storm->scratch);
}
