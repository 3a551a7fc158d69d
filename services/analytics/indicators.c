/* Indicators of the policy, counted as cases change. What a case has reached, and when, is kept with it, as far as an
   indicator of its policy asks; what it adds to each indicator follows from that alone, and is kept too, so that it can
   be taken out again whatever has changed since. */
#include "analytics.h"
#include "calendar/calendar.h"
#include "organisation/conditions.h"

#include <stdlib.h>

static const Policy__Policy *policy_of(struct turn *turn, const Anarec__Case *one)
{
    return organisation_policy(turn, one->row->site, one->policy_version);
}

static bool concerns(const Policy__Indicator *indicator, const char *kind)
{
    for (size_t i = 0; i < indicator->n_of; i++)
        if (strcmp(indicator->of[i], kind) == 0)
            return true;
    return indicator->n_of == 0;
}

static bool counts(const Policy__Policy *policy, const char *kind)
{
    for (size_t i = 0; policy && i < policy->n_indicators; i++)
        if (concerns(policy->indicators[i], kind))
            return true;
    return false;
}

/* Facts are kept with a case only where a condition or a field is asked for, who may see it, or who signs. */
static bool reads_facts(const Policy__Policy *policy, const char *kind)
{
    const Policy__Kind *known = policy ? policy_kind(policy, kind) : NULL;
    if (known && (analytics_may_hide(policy, known) || analytics_published_asks(policy, kind) ||
                  analytics_approvals_kept(policy, kind) || known->public_notice || known->urgent))
        return true;
    for (size_t i = 0; policy && i < policy->n_indicators; i++) {
        const Policy__Indicator *one = policy->indicators[i];
        bool field = one->figure == POLICY__INDICATOR__FIGURE__MEAN || one->figure == POLICY__INDICATOR__FIGURE__SUM;
        if ((field || one->condition) && concerns(one, kind))
            return true;
    }
    return false;
}

/* ---- what was reached ---- */

/* `met X` asks for `missed X` as well: late once is late for good. */
static const char *clock_met(const char *name)
{
    return strncmp(name, "met ", 4) == 0 ? name + 4 : NULL;
}

static bool is_asked(const char *what, const char *name)
{
    const char *clock = clock_met(what);
    return strcmp(what, name) == 0 || (clock && strncmp(name, "missed ", 7) == 0 && strcmp(clock, name + 7) == 0);
}

static bool asked_for(const Policy__Policy *policy, const char *kind, const char *name)
{
    for (size_t i = 0; i < policy->n_indicators; i++) {
        const Policy__Indicator *indicator = policy->indicators[i];
        if (concerns(indicator, kind) && (is_asked(indicator->what, name) || is_asked(indicator->among, name)))
            return true;
    }
    return false;
}

static Anarec__Reached *reached(const Anarec__Case *one, const char *name)
{
    for (size_t i = 0; i < one->n_reached; i++)
        if (strcmp(one->reached[i]->name, name) == 0)
            return one->reached[i];
    return NULL;
}

static bool reach(struct turn *turn, const Policy__Policy *policy, Anarec__Case *one, const char *name, int64_t at_ms)
{
    if (!*name || !asked_for(policy, one->row->kind, name))
        return false;
    Anarec__Reached *there = reached(one, name);
    if (!there) {
        there = TURN_NEW(turn, Anarec__Reached, anarec__reached__init);
        there->name = arena_strdup(turn_arena(turn), name);
        there->first_ms = at_ms;
        one->reached = arena_grow(turn_arena(turn), one->reached, one->n_reached, sizeof *one->reached);
        one->reached[one->n_reached++] = there;
    }
    there->times++;
    return true;
}

static bool unreach(Anarec__Case *one, const char *name)
{
    for (size_t i = 0; i < one->n_reached; i++) {
        if (strcmp(one->reached[i]->name, name) != 0)
            continue;
        if (--one->reached[i]->times == 0)
            one->reached[i] = one->reached[--one->n_reached];
        return true;
    }
    return false;
}

static char *of_clock(struct turn *turn, const char *what, const Watchdog__Instance *instance)
{
    return arena_printf(turn_arena(turn), "%s %s", what, instance->clock);
}

/* A pause in the last quarter of the time that the main clock gives. */
static bool paused_late(const Anarec__Case *one, int64_t since_ms)
{
    int64_t start_ms = 0;
    for (size_t i = 0; i < one->n_mains; i++)
        if (one->mains[i]->start_ms > start_ms)
            start_ms = one->mains[i]->start_ms;
    return one->row->due_ms && since_ms - start_ms >= (one->row->due_ms - start_ms) / 4 * 3;
}

static bool hear_watchdog(struct turn *turn, const Policy__Policy *policy, Anarec__Case *one,
                          const Watchdog__Event *said, int64_t at_ms)
{
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_MET:
        return !said->met->late && reach(turn, policy, one, of_clock(turn, "met", said->met->instance), at_ms);
    case WATCHDOG__EVENT__KIND_MISSED:
        return reach(turn, policy, one, of_clock(turn, "missed", said->missed->instance), at_ms);
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
        return unreach(one, of_clock(turn, "missed", said->miss_withdrawn->instance));
    case WATCHDOG__EVENT__KIND_PAUSED:
        return said->paused->main && paused_late(one, said->paused->since_ms) &&
               reach(turn, policy, one, "paused late", at_ms);
    case WATCHDOG__EVENT__KIND_ARMED:
    case WATCHDOG__EVENT__KIND_CANCELLED:
    case WATCHDOG__EVENT__KIND_POINT:
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        return false;
    }
    return false;
}

/* ---- time in stages ---- */

static bool asks_dwell(const Policy__Policy *policy, const char *kind)
{
    for (size_t i = 0; i < policy->n_indicators; i++)
        if (policy->indicators[i]->figure == POLICY__INDICATOR__FIGURE__DWELL && concerns(policy->indicators[i], kind))
            return true;
    return false;
}

static void leave_stage(struct turn *turn, const Policy__Policy *policy, Anarec__Case *one, const char *stage,
                        int64_t at_ms)
{
    if (!asks_dwell(policy, one->row->kind))
        return;
    int64_t ms = at_ms > one->stage_since_ms ? at_ms - one->stage_since_ms : 0;
    one->stage_since_ms = at_ms;
    for (size_t i = 0; i < one->n_dwell; i++)
        if (strcmp(one->dwell[i]->stage, stage) == 0) {
            one->dwell[i]->ms += ms;
            return;
        }
    Anarec__Dwell *dwell = TURN_NEW(turn, Anarec__Dwell, anarec__dwell__init);
    dwell->stage = arena_strdup(turn_arena(turn), stage);
    dwell->ms = ms;
    one->dwell = arena_grow(turn_arena(turn), one->dwell, one->n_dwell, sizeof *one->dwell);
    one->dwell[one->n_dwell++] = dwell;
}

void analytics_indicators_registered(struct turn *turn, Anarec__Case *one, const Hb__Event *event)
{
    const Policy__Policy *policy = policy_of(turn, one);
    if (reads_facts(policy, one->row->kind))
        facts_list_fold(turn_arena(turn), &one->facts, &one->n_facts, event);
    if (!counts(policy, one->row->kind))
        return;
    one->stage_since_ms = asks_dwell(policy, one->row->kind) ? one->row->received_ms : 0;
    reach(turn, policy, one, "register", event->occurred_ms);
    reach(turn, policy, one, one->row->stage, event->occurred_ms);
    reach(turn, policy, one, event->intake->registered->settled_step, event->occurred_ms);
}

bool analytics_indicators_hear(struct turn *turn, const Anarec__Case *before, Anarec__Case *one, const Hb__Event *event)
{
    const Policy__Policy *policy = policy_of(turn, one);
    bool heard = event->n_facts > 0 && reads_facts(policy, one->row->kind);
    if (heard)
        facts_list_fold(turn_arena(turn), &one->facts, &one->n_facts, event);
    if (!counts(policy, one->row->kind))
        return heard;
    if (event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG)
        return (int)hear_watchdog(turn, policy, one, event->watchdog, event->occurred_ms) | (int)heard;
    if (event->payload_case != HB__EVENT__PAYLOAD_CASEWORK ||
        event->casework->kind_case != CASEWORK__EVENT__KIND_STEP_TAKEN)
        return heard;
    const Casework__StepTaken *taken = event->casework->step_taken;
    reach(turn, policy, one, taken->step, event->occurred_ms);
    if (policy_gives_back(taken->gave_back, taken->step))
        reach(turn, policy, one, "given back", event->occurred_ms);
    if (strcmp(taken->stage, before->row->stage) != 0)
        leave_stage(turn, policy, one, before->row->stage, event->occurred_ms);
    if (strcmp(taken->stage, before->row->stage) != 0 && strcmp(taken->stage, taken->step) != 0 && !taken->back)
        reach(turn, policy, one, taken->stage, event->occurred_ms);
    if (strcmp(one->row->category, before->row->category) != 0)
        reach(turn, policy, one, "reclassified", event->occurred_ms);
    return true;
}

/* ---- what a case adds ---- */

static bool missed(const Anarec__Case *one, const char *clock)
{
    for (size_t i = 0; i < one->n_reached; i++)
        if (strncmp(one->reached[i]->name, "missed ", 7) == 0 && strcmp(one->reached[i]->name + 7, clock) == 0)
            return true;
    return false;
}

/* How often, and when first; false: not reached. */
static bool when(const Anarec__Case *one, const char *name, int64_t *at_ms, uint32_t *times)
{
    const Analytics__CaseRow *row = one->row;
    const Anarec__Reached *there = reached(one, name);
    bool on_time = strcmp(name, "on time") == 0 && strcmp(row->on_time, "true") == 0;
    bool overdue = strcmp(name, "overdue") == 0 && strcmp(row->on_time, "false") == 0;
    *times = 1;
    *at_ms = row->received_ms;
    if (strcmp(name, "received") == 0 || on_time || overdue)
        return true;
    bool rated = strcmp(name, "rated") == 0;    /* closed, and on time or not */
    if (rated || strcmp(name, "closed") == 0) { /* reopened, it is closed no more */
        *at_ms = row->closed_ms;
        return row->closed_ms != 0 && (!rated || *row->on_time);
    }
    if (there && clock_met(name) && missed(one, clock_met(name)))
        return false;
    if (there) {
        *at_ms = there->first_ms;
        *times = there->times;
    }
    return there != NULL;
}

/* In thousandths. Of a choice the number that its label is: a grade. */
static bool number_of(const Policy__Kind *kind, const Anarec__Case *one, const char *name, int64_t *out)
{
    struct facts facts = {one->facts, one->n_facts};
    const Hb__Value *value = facts_get(&facts, name);
    const Policy__FieldDef *field = kind ? policy_field(kind, name) : NULL;
    bool number = value && value->kind_case == HB__VALUE__KIND_NUMBER;
    bool money = value && value->kind_case == HB__VALUE__KIND_MONEY_FEN;
    if (number || money)
        *out = number ? value->number * 1000 : value->money_fen * 10;
    if (number || money || !value || !field || value->kind_case != HB__VALUE__KIND_TEXT)
        return number || money;
    for (size_t i = 0; i < field->n_one_of; i++)
        if (strcmp(field->one_of[i]->name, value->text) == 0) {
            *out = (int64_t)(strtod(field->one_of[i]->label->zh, NULL) * 1000);
            return true;
        }
    return false;
}

static bool figure(const Policy__Policy *policy, const Policy__Indicator *indicator, const Anarec__Case *one,
                   Anarec__Counted *out)
{
    int64_t at_ms, other_ms;
    uint32_t times;
    bool what = when(one, indicator->what, &at_ms, &times);
    switch (indicator->figure) {
    case POLICY__INDICATOR__FIGURE__COUNT:
    case POLICY__INDICATOR__FIGURE__PER_THING:
        out->at_ms = at_ms;
        out->hits = indicator->times ? times : 1;
        return what;
    case POLICY__INDICATOR__FIGURE__SHARE:
        out->hits = what;
        out->among = when(one, indicator->among, &out->at_ms, &times);
        out->lacks = !what;
        return out->among;
    case POLICY__INDICATOR__FIGURE__TIME:
        out->among = when(one, indicator->among, &other_ms, &times) && what && other_ms >= at_ms;
        out->at_ms = other_ms;
        out->sum = other_ms - at_ms;
        return out->among;
    case POLICY__INDICATOR__FIGURE__MEAN:
    case POLICY__INDICATOR__FIGURE__SUM:
        out->among = when(one, indicator->among, &out->at_ms, &times) &&
                     number_of(policy_kind(policy, one->row->kind), one, indicator->what, &out->sum);
        return out->among;
    case POLICY__INDICATOR__FIGURE__DWELL:  /* of each stage by itself */
    case POLICY__INDICATOR__FIGURE__WEIGHT: /* of others, when asked for */
    case POLICY__INDICATOR__FIGURE__VETO:
        return false;
    }
    return false;
}

/* Without a clock of its own: what a condition says of a case must not change while nothing happens. */
static bool holds(struct turn *turn, const Policy__Policy *policy, const Policy__Indicator *indicator,
                  const Anarec__Case *one)
{
    struct facts facts = {one->facts, one->n_facts};
    struct case_view view = {
        .turn = turn, .site = one->row->site, .policy = policy, .facts = &facts, .now_ms = one->row->received_ms};
    return !indicator->condition || case_holds(&view, indicator->condition, NULL) == TRUTH_YES;
}

static void complete(struct turn *turn, const Policy__Indicator *indicator, const Anarec__Case *one,
                     Anarec__Counted *counted)
{
    counted->indicator = indicator->name;
    counted->spread = indicator->percent != 0;
    counted->who = indicator->per == POLICY__INDICATOR__PER__DEPARTMENT      ? one->row->department
                   : indicator->per == POLICY__INDICATOR__PER__HANDLER       ? one->row->handler
                   : indicator->per == POLICY__INDICATOR__PER__FIRST_CONTACT ? one->first_contact
                   : indicator->per == POLICY__INDICATOR__PER__CATEGORY      ? one->row->category
                                                                             : counted->who;
    for (size_t i = 0; i < indicator->n_periods; i++) {
        counted->periods = arena_grow(turn_arena(turn), counted->periods, counted->n_periods, sizeof *counted->periods);
        counted->periods[counted->n_periods++] =
            analytics_period_text(turn, one->row->site, counted->at_ms, indicator->periods[i]);
    }
}

static void keep_counted(struct turn *turn, Anarec__Case *one, Anarec__Counted *counted)
{
    one->counted = arena_grow(turn_arena(turn), one->counted, one->n_counted, sizeof *one->counted);
    one->counted[one->n_counted++] = counted;
}

/* Of a closed case what each stage took, and under "" all of them. */
static void count_dwell(struct turn *turn, const Policy__Indicator *indicator, Anarec__Case *one)
{
    int64_t all = 0, closed_ms;
    uint32_t times;
    if (!when(one, "closed", &closed_ms, &times))
        return;
    for (size_t i = 0; i <= one->n_dwell; i++) {
        Anarec__Counted *counted = TURN_NEW(turn, Anarec__Counted, anarec__counted__init);
        bool last = i == one->n_dwell;
        counted->at_ms = closed_ms;
        counted->among = true;
        counted->who = last ? counted->who : one->dwell[i]->stage;
        counted->sum = last ? all : one->dwell[i]->ms;
        all += last ? 0 : one->dwell[i]->ms;
        complete(turn, indicator, one, counted);
        keep_counted(turn, one, counted);
    }
}

static void count_now(struct turn *turn, const Policy__Policy *policy, const Policy__Indicator *indicator,
                      Anarec__Case *one)
{
    if (!concerns(indicator, one->row->kind) || !holds(turn, policy, indicator, one))
        return;
    if (indicator->figure == POLICY__INDICATOR__FIGURE__DWELL) {
        count_dwell(turn, indicator, one);
        return;
    }
    Anarec__Counted *counted = TURN_NEW(turn, Anarec__Counted, anarec__counted__init);
    if (!figure(policy, indicator, one, counted))
        return;
    complete(turn, indicator, one, counted);
    keep_counted(turn, one, counted);
}

/* ---- tallies ---- */

struct key analytics_tally_key(const char *site, const char *indicator, const char *period, const char *who)
{
    struct key key = key_text(site);
    key_add_text(&key, indicator);
    key_add_text(&key, period);
    if (who)
        key_add_text(&key, who);
    return key;
}

static void add(struct turn *turn, const Anarec__Case *one, const Anarec__Counted *counted, const char *period, bool in)
{
    struct key key = analytics_tally_key(one->row->site, counted->indicator, period, counted->who);
    Anarec__Tally none = ANAREC__TALLY__INIT;
    Anarec__Tally *tally = state_load(turn, ANALYTICS_TALLY, key_bytes(&key), &anarec__tally__descriptor);
    tally = tally ? tally : &none;
    tally->hits += in ? counted->hits : -counted->hits;
    tally->among += in ? (uint64_t)counted->among : -(uint64_t)counted->among;
    tally->sum += in ? counted->sum : -counted->sum;
    if (counted->spread) {
        tally->spread += in ? 1 : -(uint64_t)1;
        analytics_spread_add(turn, &key, counted->sum, in);
    }
    state_save(turn, ANALYTICS_TALLY, key_bytes(&key), &tally->base);
    if (!counted->lacks)
        return;
    key_add_u64(&key, one->row->case_id);
    if (in)
        state_put(turn, ANALYTICS_LACKING, key_bytes(&key), (struct bytes){0});
    else
        state_delete(turn, ANALYTICS_LACKING, key_bytes(&key));
}

static void add_all(struct turn *turn, const Anarec__Case *one, bool in)
{
    for (size_t i = 0; i < one->n_counted; i++)
        for (size_t p = 0; p < one->counted[i]->n_periods; p++)
            add(turn, one, one->counted[i], one->counted[i]->periods[p], in);
}

void analytics_indicators_move(struct turn *turn, Anarec__Case *one)
{
    const Policy__Policy *policy = policy_of(turn, one);
    if (!counts(policy, one->row->kind) && !one->n_counted) /* a case that was moved may be counted no more */
        return;
    add_all(turn, one, false);
    one->n_counted = 0;
    one->counted = NULL;
    for (size_t i = 0; i < policy->n_indicators; i++)
        count_now(turn, policy, policy->indicators[i], one);
    add_all(turn, one, true);
}
