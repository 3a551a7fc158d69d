#include "watchdog.h"

#include "base/planted.h"

/* ---- what happened ---- */

static Watchrec__Happening *happen(struct turn *turn, Watchrec__Case *record, const Hb__Event *event)
{
    Watchrec__Happening *row = TURN_NEW(turn, Watchrec__Happening, watchrec__happening__init);
    row->at_ms = event->history ? event->occurred_ms : event->recorded_ms;
    row->occurred_ms = event->occurred_ms;
    row->service = event->service;
    row->facts = event->facts;
    row->n_facts = event->n_facts;
    TURN_ADD(turn, record->happenings, record->n_happenings, row);
    return row;
}

static void link_add(struct turn *turn, Watchrec__Case *record, uint64_t case_id)
{
    for (size_t i = 0; i < record->n_links; i++)
        if (record->links[i] == case_id)
            return; /* under two names */
    TURN_ADD(turn, record->links, record->n_links, case_id);
}

static void link_end(Watchrec__Case *record, uint64_t case_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < record->n_links; i++)
        if (record->links[i] != case_id)
            record->links[kept++] = record->links[i];
    record->n_links = kept;
}

static void link_back(struct turn *turn, uint64_t case_id, uint64_t other_id)
{
    Watchrec__Case *other = watchdog_load(turn, other_id);
    if (!other)
        return;
    link_add(turn, other, case_id);
    watchdog_save(turn, other_id, other);
}

/* A stage that a case enters is a happening of the cases linked with it. */
static void tell_links(struct turn *turn, const Hb__Event *event, const Watchrec__Case *record, char *stage)
{
    for (size_t i = 0; i < record->n_links; i++) {
        Watchrec__Case *other = watchdog_load(turn, record->links[i]);
        if (!other)
            continue;
        Watchrec__Happening *row = happen(turn, other, event);
        row->facts = NULL; /* those of the other case */
        row->n_facts = 0;
        row->linked_kind = record->kind;
        row->linked_stage = stage;
        watchdog_save(turn, record->links[i], other);
    }
}

static void evolve_registered(struct turn *turn, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    Watchrec__Case record = WATCHREC__CASE__INIT;
    record.site = event->site;
    record.kind = registered->kind;
    record.policy_version = record.first_version = event->policy_version;
    record.collecting = registered->historic;
    Watchrec__Happening *row = happen(turn, &record, event);
    row->stage = registered->stage;
    row->step = *registered->settled_step ? registered->settled_step : (char *)(uintptr_t) "register";
    row->phase = registered->phase;
    row->round = 1;
    for (size_t i = 0; i < registered->n_links; i++)
        link_add(turn, &record, registered->links[i]->case_id);
    watchdog_save(turn, event->case_id, &record);
    watchdog_schedules_case(turn, event->case_id, &record, 0, registered->phase, event->occurred_ms);
    for (size_t i = 0; i < registered->n_links; i++)
        link_back(turn, event->case_id, registered->links[i]->case_id);
    tell_links(turn, event, &record, registered->stage);
    turn_case_known(turn, event->case_id);
}

static uint32_t phase_of(const Watchrec__Case *record)
{
    for (size_t i = record->n_happenings; i-- > 0;)
        if (record->happenings[i]->phase)
            return record->happenings[i]->phase;
    return 0;
}

/* Of a history: what counts as told when something else happened. */
static void told_then(struct turn *turn, Watchrec__Case *record, const Hb__Event *event,
                      const Watchrec__Happening *then, char **notices, size_t count)
{
    int64_t at_ms = then->at_ms, occurred_ms = then->occurred_ms;
    for (size_t i = 0; i < count; i++) {
        Watchrec__Happening *told = happen(turn, record, event);
        told->at_ms = at_ms;
        told->occurred_ms = occurred_ms;
        told->facts = NULL; /* those are of the other row */
        told->n_facts = 0;
        told->told = notices[i];
    }
}

static void evolve_casework(struct turn *turn, const Hb__Event *event)
{
    Watchrec__Case *record = watchdog_load(turn, event->case_id);
    if (!record)
        return;
    if (event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN) {
        const Casework__StepTaken *taken = event->casework->step_taken;
        Watchrec__Happening *row = happen(turn, record, event);
        row->step = taken->step;
        row->stage = strcmp(taken->from, taken->stage) != 0 && !taken->back ? taken->stage : (char *)(uintptr_t) "";
        uint32_t before = phase_of(record);
        row->phase = taken->phase;
        row->round = taken->round;
        told_then(turn, record, event, row, taken->told, taken->n_told);
        watchdog_schedules_case(turn, event->case_id, record, before, taken->phase, event->occurred_ms);
        if (*row->stage)
            tell_links(turn, event, record, row->stage);
    } else if (event->casework->kind_case == CASEWORK__EVENT__KIND_EXTENSION_GRANTED) {
        Watchrec__Happening *row = happen(turn, record, event);
        row->extends = event->casework->extension_granted->clock;
        row->extended_due_ms = event->casework->extension_granted->due_ms;
        row->notice = event->casework->extension_granted->notice;
    } else if (event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED) {
        record->first_version = watchdog_first_version(record);
        record->policy_version = event->casework->case_moved->to;
        happen(turn, record, event)->moved_to = event->casework->case_moved->to;
    } else if (event->casework->kind_case == CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED) {
        watchdog_call_acknowledged(turn, event->case_id, record, event->casework->escalation_acknowledged->key);
    } else if (event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_LINKED) {
        if (!event->casework->case_linked->ended)
            link_add(turn, record, event->casework->case_linked->case_id);
        else if (event->casework->case_linked->apart)
            link_end(record, event->casework->case_linked->case_id);
    } else if (event->casework->kind_case == CASEWORK__EVENT__KIND_HISTORY_ENDED) {
        record->collecting = false;
        record->as_of_ms = event->casework->history_ended->as_of_ms;
        told_then(turn, record, event, record->happenings[0], event->casework->history_ended->told,
                  event->casework->history_ended->n_told); /* the first is the registration */
    } else {
        return;
    }
    watchdog_save(turn, event->case_id, record);
}

static void evolve_facts(struct turn *turn, const Hb__Event *event)
{
    Watchrec__Case *record = watchdog_load(turn, event->case_id);
    if (!record || event->n_facts == 0)
        return;
    happen(turn, record, event);
    watchdog_save(turn, event->case_id, record);
}

static void evolve_level(struct turn *turn, const Hb__Event *event)
{
    Watchrec__Case *record = watchdog_load(turn, event->case_id);
    if (!record)
        return;
    switch (event->escalation->kind_case) {
    case ESCALATION__EVENT__KIND_REACHED:
        watchdog_call_reached(turn, event, record);
        break;
    case ESCALATION__EVENT__KIND_CANCELLED:
        watchdog_call_cancelled(turn, event->case_id, record, event->escalation->cancelled->key);
        break;
    case ESCALATION__EVENT__KIND_ACKNOWLEDGED: /* heard from casework already */
    case ESCALATION__EVENT__KIND_PROBLEM:
    case ESCALATION__EVENT__KIND__NOT_SET:
        return;
    }
    watchdog_save(turn, event->case_id, record);
}

static void evolve_told(struct turn *turn, const Hb__Event *event)
{
    Watchrec__Case *record = watchdog_load(turn, event->case_id);
    if (!record || event->notification->kind_case != NOTIFICATION__EVENT__KIND_TOLD)
        return;
    Watchrec__Happening *row = happen(turn, record, event);
    row->told = event->notification->told->notice;
    row->notice = event->notification->told->source;
    row->told_round = event->notification->told->round;
    watchdog_save(turn, event->case_id, record);
}

/* ---- what was said ---- */

static Watchrec__Said *said_of(struct turn *turn, Watchrec__Case *record, const Watchdog__Instance *instance)
{
    Watchrec__Said *said = watchdog_said(record, instance->clock, instance->round, watchdog_part_parse(instance->part));
    if (said)
        return said;
    said = TURN_NEW(turn, Watchrec__Said, watchrec__said__init);
    said->clock = instance->clock;
    said->round = instance->round;
    said->part = watchdog_part_parse(instance->part);
    TURN_ADD(turn, record->said, record->n_said, said);
    return said;
}

/* Several runs of a case may share an instant: the key tells them apart. */
static struct key timer_key(uint64_t case_id, const Watchrec__Said *said)
{
    struct key key = key_u64(case_id);
    key_add_text(&key, said->clock);
    key_add_u32(&key, said->round);
    key_add_u32(&key, said->part);
    return key;
}

static void clear_timers(struct turn *turn, uint64_t case_id, Watchrec__Said *said)
{
    struct key key = timer_key(case_id, said);
    for (size_t i = 0; i < said->n_timers; i++)
        turn_timer_clear(turn, said->timers[i], key_bytes(&key));
    said->n_timers = 0;
}

static void set_timer(struct turn *turn, uint64_t case_id, Watchrec__Said *said, int64_t at_ms)
{
    if (at_ms <= 0)
        return;
    for (size_t i = 0; i < said->n_timers; i++)
        if (said->timers[i] == at_ms)
            return;
    struct key key = timer_key(case_id, said);
    turn_timer_set(turn, at_ms, key_bytes(&key));
    TURN_ADD(turn, said->timers, said->n_timers, at_ms);
}

static void move_warned(struct turn *turn, Watchrec__Said *said, int64_t due_ms)
{
    uint32_t warned = watchdog_warned(said, due_ms);
    if (said->warned) {
        Watchrec__Warned *before = TURN_NEW(turn, Watchrec__Warned, watchrec__warned__init);
        before->due_ms = said->due_ms;
        before->bits = said->warned;
        TURN_ADD(turn, said->warned_before, said->n_warned_before, before);
    }
    said->warned = warned;
}

/* The rows reached so far, as those of the ladder of a newer version. */
static void count_rows_in(struct turn *turn, const Watchrec__Case *record, Watchrec__Said *said, uint32_t version)
{
    said->rows = watchdog_rows_in(turn, record, said->clock, said->rows_version, version, said->rows);
    for (size_t i = 0; i < said->n_rows_of; i++)
        said->rows_of[i]->bits =
            watchdog_rows_in(turn, record, said->clock, said->rows_version, version, said->rows_of[i]->bits);
    said->rows_version = version;
}

static void reach_row(struct turn *turn, const Hb__Event *event, const Watchrec__Case *record, Watchrec__Said *said)
{
    const Watchdog__ClockPointReached *point = event->watchdog->point;
    Watchrec__Warned *of = NULL;
    if (event->policy_version > said->rows_version)
        count_rows_in(turn, record, said, event->policy_version);
    uint32_t row =
        watchdog_rows_in(turn, record, said->clock, event->policy_version, said->rows_version, 1u << point->index);
    for (size_t i = 0; i < said->n_rows_of && !of; i++)
        if (said->rows_of[i]->due_ms == point->due_ms)
            of = said->rows_of[i];
    if (!of) {
        of = TURN_NEW(turn, Watchrec__Warned, watchrec__warned__init);
        of->due_ms = point->due_ms;
        TURN_ADD(turn, said->rows_of, said->n_rows_of, of);
    }
    of->bits |= row;
    said->rows |= row;
}

/* Whoever was told of this due is told that it was not so; should it be so again, he is told again. */
static void forget_rows(Watchrec__Said *said, int64_t due_ms)
{
    said->rows = watchdog_rows_but(said, due_ms);
    for (size_t i = 0; i < said->n_rows_of; i++)
        if (said->rows_of[i]->due_ms == due_ms)
            said->rows_of[i]->bits = 0;
}

static bool recounts(const Hb__Event *event)
{
    const Hb__Cause *cause = event->cause;
    return cause && cause->kind_case == HB__CAUSE__KIND_JOB &&
           strncmp(cause->job, WATCHDOG_RECOUNT "/", sizeof WATCHDOG_RECOUNT) == 0;
}

/* Armed anew by the job that a published calendar set going, or because the case was moved to another version of the
   policy: `hearback calendar import` and `hearback policy move` list these. */
static void note_recount(const Hb__Event *event, Watchrec__Said *said)
{
    const Watchdog__ClockArmed *armed = event->watchdog->armed;
    if (strcmp(armed->reason, "policy") != 0 && !(said->due_ms && recounts(event)))
        return;
    if (said->due_ms == armed->due_ms && said->provisional == armed->provisional && !said->gone)
        return; /* only a warning or a row, say */
    said->recounted_ms = event->recorded_ms;
    said->recounted_from_ms = said->gone ? 0 : said->due_ms;
    said->recounted_provisional = said->provisional;
}

static void evolve_armed(struct turn *turn, const Hb__Event *event, Watchrec__Said *said)
{
    const Watchdog__ClockArmed *armed = event->watchdog->armed;
    bool undecided = said->due_ms && said->due_ms <= event->recorded_ms && !said->missed; /* whether it was missed */
    clear_timers(turn, event->case_id, said);
    note_recount(event, said);
    if (said->due_ms != armed->due_ms)
        move_warned(turn, said, armed->due_ms);
    if (!said->armed_ms)
        said->armed_ms = event->recorded_ms;
    said->start_ms = armed->start_ms;
    said->due_ms = armed->due_ms;
    said->provisional = armed->provisional;
    said->warn_ms = armed->warn_ms;
    said->n_warn_ms = armed->n_warn_ms;
    said->row_ms = armed->row_ms;
    said->n_row_ms = armed->n_row_ms;
    said->paused = said->met = said->cancelled = said->gone = false;
    /* What lies before the arming is looked at with it, as far as everything up to it has been heard, and once more
       when that is so up to the arming; so is the due before, which passed while nobody could say so (a move of the
       policy came first). Only the future needs a timer for each instant, and the last minutes. */
    int64_t from = event->recorded_ms - 120000;
    bool past = armed->due_ms < from || undecided;
    for (size_t i = 0; i < armed->n_warn_ms; i++) {
        past = past || armed->warn_ms[i] < from; /* the due may lie ahead all the same: after a pause, say */
        if (armed->warn_ms[i] >= from)
            set_timer(turn, event->case_id, said, armed->warn_ms[i]);
    }
    if (armed->due_ms >= from && !planted("forget_timer"))
        set_timer(turn, event->case_id, said, armed->due_ms);
    for (size_t i = 0; i < armed->n_row_ms; i++) {
        past = past || (armed->row_ms[i] && armed->row_ms[i] < from);
        if (armed->row_ms[i] >= from)
            set_timer(turn, event->case_id, said, armed->row_ms[i]);
    }
    if (past)
        set_timer(turn, event->case_id, said, event->recorded_ms);
}

/* What came due before a run ended or was paused keeps its timer until the horizon has passed it; so does the look at
   what lay before the arming, as far as the run went. */
static void clear_timers_from(struct turn *turn, const Hb__Event *event, Watchrec__Said *said, int64_t from_ms)
{
    struct key key = timer_key(event->case_id, said);
    size_t kept = 0;
    bool look = false;
    for (size_t i = 0; i < said->n_timers; i++) {
        if (said->timers[i] < from_ms) {
            said->timers[kept++] = said->timers[i];
            continue;
        }
        look = look || said->timers[i] <= event->recorded_ms;
        if (!planted("forget_to_cancel"))
            turn_timer_clear(turn, said->timers[i], key_bytes(&key));
    }
    said->n_timers = kept;
    if (look)
        set_timer(turn, event->case_id, said, from_ms - 1);
}

static void end(struct turn *turn, const Hb__Event *event, Watchrec__Said *said)
{
    said->ended_ms = event->occurred_ms;
    said->paused = false;
    clear_timers_from(turn, event, said, said->ended_ms);
}

/* It stands still before its due: what lies after that moves with it, and is armed anew when it runs again. */
static void stand_still(struct turn *turn, const Hb__Event *event, Watchrec__Said *said)
{
    int64_t since_ms = event->watchdog->paused->since_ms;
    said->paused = true;
    for (size_t i = 0; i < said->n_row_ms; i++)
        if (said->row_ms[i] >= since_ms)
            said->row_ms[i] = INT64_MAX;
    clear_timers_from(turn, event, said, since_ms);
}

/* It was not late after all: what the lateness started has not begun. */
static void forget_late(Watchrec__Case *record, const Watchdog__DeadlineMissWithdrawn *withdrawn)
{
    for (size_t i = 0; i < record->n_happenings; i++) {
        Watchrec__Happening *row = record->happenings[i];
        if (strcmp(row->late, withdrawn->instance->clock) == 0 && row->occurred_ms == withdrawn->due_ms)
            row->late = (char *)(uintptr_t) "";
    }
}

static bool waits_for_late(Policy__Trigger *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->type == POLICY__TRIGGER__TYPE__LATE)
            return true;
    return false;
}

/* Clocks that lateness starts or stops are looked at once all that was said with it is folded. */
static void look_again(struct turn *turn, const Hb__Event *event, const Watchrec__Case *record)
{
    const Policy__Policy *policy = organisation_policy(turn, record->site, record->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, record->kind) : NULL;
    struct key key = key_u64(event->case_id);
    key_add_text(&key, "late");
    for (size_t i = 0; kind && i < kind->n_clocks; i++)
        if (waits_for_late(kind->clocks[i]->start, kind->clocks[i]->n_start) ||
            waits_for_late(kind->clocks[i]->stop, kind->clocks[i]->n_stop)) {
            turn_timer_set(turn, event->recorded_ms, key_bytes(&key));
            return;
        }
}

static void evolve_own(struct turn *turn, const Hb__Event *event)
{
    const Watchdog__Event *own = event->watchdog;
    if (own->kind_case == WATCHDOG__EVENT__KIND_SCHEDULE_OPENED)
        watchdog_schedule_opened(turn, event);
    Watchrec__Case *record = watchdog_load(turn, event->case_id);
    Watchrec__Said *said;
    if (!record)
        return;
    switch (own->kind_case) {
    case WATCHDOG__EVENT__KIND_ARMED:
        evolve_armed(turn, event, said_of(turn, record, own->armed->instance));
        break;
    case WATCHDOG__EVENT__KIND_PAUSED:
        stand_still(turn, event, said_of(turn, record, own->paused->instance));
        break;
    case WATCHDOG__EVENT__KIND_MET:
        said = said_of(turn, record, own->met->instance);
        said->met = true;
        said->cancelled = false;
        end(turn, event, said);
        break;
    case WATCHDOG__EVENT__KIND_CANCELLED:
        said = said_of(turn, record, own->cancelled->instance);
        said->cancelled = true;
        said->met = false;
        if ((said->gone = own->cancelled->gone)) {
            said->recounted_ms = event->recorded_ms;
            said->recounted_from_ms = said->due_ms;
        }
        end(turn, event, said);
        break;
    case WATCHDOG__EVENT__KIND_MISSED:
        said = said_of(turn, record, own->missed->instance);
        said->missed = true;
        said->missed_due_ms = own->missed->due_ms;
        happen(turn, record, event)->late = own->missed->instance->clock;
        look_again(turn, event, record);
        break;
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
        said = said_of(turn, record, own->miss_withdrawn->instance);
        said->missed = false;
        forget_late(record, own->miss_withdrawn);
        look_again(turn, event, record);
        forget_rows(said, own->miss_withdrawn->due_ms);
        break;
    case WATCHDOG__EVENT__KIND_POINT:
        watchdog_call_said(turn, event->case_id, record, own->point);
        said = watchdog_said(record, own->point->instance->clock, own->point->instance->round,
                             watchdog_part_parse(own->point->instance->part));
        if (!said)
            break; /* a ladder that a rule climbs has no run */
        if (own->point->point == WATCHDOG__CLOCK_POINT_REACHED__POINT__WARNING)
            said->warned |= 1u << own->point->index;
        else if (!own->point->repeat)
            reach_row(turn, event, record, said);
        break;
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        return;
    }
    watchdog_save(turn, event->case_id, record);
}

void watchdog_evolve(struct turn *turn, const Hb__Event *event)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_INTAKE:
        if (event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED)
            evolve_registered(turn, event);
        return;
    case HB__EVENT__PAYLOAD_CASEWORK:
        evolve_casework(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ROUTING:
        evolve_facts(turn, event);
        return;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        evolve_told(turn, event);
        return;
    case HB__EVENT__PAYLOAD_WATCHDOG:
        evolve_own(turn, event);
        return;
    case HB__EVENT__PAYLOAD_DIRECTORY:
        watchdog_schedules_directory(turn, event);
        if (event->directory->kind_case == DIRECTORY__EVENT__KIND_CALENDAR_DEFINED && state_count(turn, WATCHDOG_CASE))
            turn_job_add(turn, WATCHDOG_RECOUNT, event->directory->calendar_defined->name, (struct bytes){0});
        return;
    case HB__EVENT__PAYLOAD_ESCALATION:
        evolve_level(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}
