/* One event more of a case: folded into what the storm itself knows of that case, and checked against what it knew. */
#include "storm.h"

#include "policy/lookup.h"

#include <inttypes.h>
#include <stdlib.h>

static struct storm_case *must_know(struct storm *storm, const Hb__Event *event)
{
    struct storm_case *one = storm_case_of(storm, event->case_id);
    if (!one)
        storm_fail(storm, "nothing is said of an unknown case", "service %d offset %" PRIu64 " case %" PRIx64,
                   event->service, event->offset, event->case_id);
    else
        STORM_ADD(storm, one->events, one->events_count, (Hb__Event *)(uintptr_t)event);
    return one;
}

/* ---- intake ---- */

static void check_number(struct storm *storm, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    uint64_t expected = 1;
    for (size_t i = 0; i < storm->cases_count; i++) {
        const Hb__Event *other = storm->cases[i]->registered;
        bool same_site = strcmp(other->site, event->site) == 0;
        if (same_site && strcmp(other->intake->registered->number, registered->number) == 0)
            storm_fail(storm, "numbers are unique", "%s at %s", registered->number, event->site);
        expected += same_site && strcmp(other->intake->registered->counter, registered->counter) == 0;
        if (!*registered->held && other->case_id >= event->case_id &&
            case_id_bucket(other->case_id) == case_id_bucket(event->case_id))
            storm_fail(storm, "case ids ascend", "%" PRIx64 " after %" PRIx64, event->case_id, other->case_id);
        if (same_site && *registered->external_id &&
            strcmp(other->intake->registered->external_id, registered->external_id) == 0 &&
            strcmp(other->intake->registered->source, registered->source) == 0)
            storm_fail(storm, "nothing is imported twice", "%s %s", registered->source, registered->external_id);
    }
    if (registered->count != expected)
        storm_fail(storm, "numbers have no gaps",
                   "%s at %s is number %" PRIu64 " of its counter, %" PRIu64 " was expected", registered->number,
                   event->site, registered->count, expected);
}

/* Let in, it has the id it was held under, and was received then. */
static void check_held(struct storm *storm, const Hb__Event *event)
{
    const struct storm_log *log = &storm->logs[HB__SERVICE__INTAKE];
    const Intake__CaseRegistered *registered = event->intake->registered;
    const Hb__Event *held = NULL;
    for (size_t i = 0; i < log->count && !held; i++)
        if (log->list[i]->intake->kind_case == INTAKE__EVENT__KIND_HELD &&
            log->list[i]->intake->held->held == event->case_id)
            held = log->list[i];
    if ((held != NULL) != (*registered->held != 0) ||
        (held &&
         (event->occurred_ms != held->recorded_ms || strcmp(registered->held, held->intake->held->number) != 0 ||
          registered->content_key != held->intake->held->submit->content_key)))
        storm_fail(storm, "what was held is let in as it came", "%s, held as %s", registered->number, registered->held);
}

/* The first 10 bits of a case id are the bucket of its site, by which it is found on any partition. */
static void check_bucket(struct storm *storm, const Hb__Event *event)
{
    const struct storm_log *log = &storm->logs[HB__SERVICE__DIRECTORY];
    for (size_t i = 0; i < log->count; i++) {
        const Directory__Event *said = log->list[i]->directory;
        bool defines =
            said->kind_case == DIRECTORY__EVENT__KIND_SITE_DEFINED && strcmp(said->site_defined->id, event->site) == 0;
        if (defines && event->case_id >> 54 != said->site_defined->bucket)
            storm_fail(storm, "a case lies in the bucket of its site", "%" PRIx64 " of %s, which has bucket %u",
                       event->case_id, event->site, said->site_defined->bucket);
    }
}

static void take_version(struct storm *storm, struct storm_case *one, uint32_t version)
{
    one->policy = storm_policy_of(storm, one->registered->site, version);
    one->kind = one->policy ? policy_kind(one->policy, one->registered->intake->registered->kind) : NULL;
    STORM_ADD(storm, one->versions, one->versions_count, ((struct storm_version){version, one->policy, one->kind}));
}

static void case_registered(struct storm *storm, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    if (storm_case_of(storm, event->case_id)) {
        storm_fail(storm, "a case is registered once", "%" PRIx64, event->case_id);
        return;
    }
    check_number(storm, event);
    check_bucket(storm, event);
    check_held(storm, event);
    struct storm_case *one = arena_zero(&storm->arena, sizeof *one);
    one->id = event->case_id;
    one->registered = event;
    take_version(storm, one, event->policy_version);
    one->stage = registered->stage;
    one->stage_before = "";
    one->phase = registered->phase;
    one->round = one->version = 1;
    one->lead = "";
    if (!one->kind)
        storm_fail(storm, "a case has a policy and a kind", "%s %s version %u", registered->number, registered->kind,
                   event->policy_version);
    STORM_ADD(storm, storm->cases, storm->cases_count, one);
    STORM_ADD(storm, one->events, one->events_count, (Hb__Event *)(uintptr_t)event);
}

/* ---- casework ---- */

static void step_taken(struct storm *storm, struct storm_case *one, const Hb__Event *event)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    const Policy__Step *step = policy_step(one->kind, taken->step);
    const Policy__Stage *stage = policy_stage(one->kind, taken->stage);
    const char *number = one->registered->intake->registered->number;
    if (taken->version != one->version + 1)
        storm_fail(storm, "versions count up by one", "%s: %s made version %" PRIu64 " after %" PRIu64, number,
                   taken->step, taken->version, one->version);
    if (strcmp(taken->from, one->stage) != 0)
        storm_fail(storm, "a step starts where the case stands", "%s: %s from %s, but it was at %s", number,
                   taken->step, taken->from, one->stage);
    if (step && step->n_from && !policy_step_from(step, taken->from))
        storm_fail(storm, "only moves of the table are made", "%s: %s from %s", number, taken->step, taken->from);
    if (step && strcmp(taken->stage, step->back ? one->stage_before : *step->to ? step->to : taken->from) != 0)
        storm_fail(storm, "only moves of the table are made", "%s: %s to %s", number, taken->step, taken->stage);
    if (!stage || (uint32_t)stage->phase != taken->phase)
        storm_fail(storm, "the phase is that of the stage", "%s: %s is in phase %u", number, taken->stage,
                   taken->phase);
    if (taken->round != one->round + (step && step->round_next))
        storm_fail(storm, "rounds count up", "%s: %s made round %u after %u", number, taken->step, taken->round,
                   one->round);
    if (strcmp(taken->stage, one->stage) != 0)
        one->stage_before = step && step->back ? "" : one->stage;
    one->stage = taken->stage;
    one->phase = taken->phase;
    one->round = taken->round;
    one->version = taken->version;
}

static void case_moved(struct storm *storm, struct storm_case *one, const Casework__CaseMoved *said)
{
    const char *number = one->registered->intake->registered->number;
    if (said->from != one->versions[one->versions_count - 1].version || said->to <= said->from)
        storm_fail(storm, "a case is moved from the version it goes by to a newer one",
                   "%s: from %u to %u, it was at %u", number, said->from, said->to,
                   one->versions[one->versions_count - 1].version);
    if (one->phase == POLICY__PHASE__CLOSED || one->phase == POLICY__PHASE__ARCHIVED)
        storm_fail(storm, "only open cases are moved", "%s is at %s", number, one->stage);
    take_version(storm, one, said->to);
    storm->tally.moved++;
}

static void casework_event(struct storm *storm, struct storm_case *one, const Hb__Event *event)
{
    if (event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED)
        case_moved(storm, one, event->casework->case_moved);
    if (event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVE_REFUSED) /* nothing is taken away between two */
        storm_fail(storm, "a case that fits is moved", "%s: %s", one->registered->intake->registered->number,
                   event->casework->case_move_refused->problems[0]->text->en);
    if (event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN)
        step_taken(storm, one, event);
    if (event->casework->kind_case == CASEWORK__EVENT__KIND_HISTORY_ENDED) {
        if (one->history_ended || !one->registered->intake->registered->historic)
            storm_fail(storm, "a history ends once", "%s", one->registered->intake->registered->number);
        one->history_ended = true;
    }
}

/* ---- routing ---- */

static void routing_event(struct storm *storm, struct storm_case *one, const Hb__Event *event)
{
    if (event->routing->kind_case != ROUTING__EVENT__KIND_ROUTED)
        return;
    const Routing__CaseRouted *routed = event->routing->routed;
    if (routed->times != one->routed + 1)
        storm_fail(storm, "routings count up", "%s: %u after %u", one->registered->intake->registered->number,
                   routed->times, one->routed);
    if (!*routed->lead)
        storm_fail(storm, "every case is owned", "%s is given to nobody", one->registered->intake->registered->number);
    one->routed = routed->times;
    one->lead = routed->lead;
}

/* ---- watchdog ---- */

static struct storm_run *run_of(struct storm *storm, struct storm_case *one, const Watchdog__Instance *instance,
                                bool may_begin)
{
    uint32_t part = (uint32_t)strtoul(instance->part, NULL, 10);
    for (size_t i = 0; i < one->runs_count; i++)
        if (one->runs[i].round == instance->round && one->runs[i].part == part &&
            strcmp(one->runs[i].clock, instance->clock) == 0)
            return &one->runs[i];
    if (!may_begin)
        return NULL; /* a ladder that a rule climbs has no run */
    struct storm_run fresh = {.clock = instance->clock, .round = instance->round, .part = part};
    STORM_ADD(storm, one->runs, one->runs_count, fresh);
    return &one->runs[one->runs_count - 1];
}

static void armed(struct storm_run *run, const Hb__Event *event)
{
    const Watchdog__ClockArmed *said = event->watchdog->armed;
    if (!run->armed_ms)
        run->armed_ms = event->recorded_ms;
    run->armed_last_ms = event->recorded_ms;
    run->said = STORM_RUNNING;
    run->start_ms = said->start_ms;
    run->due_ms = said->due_ms;
    run->main = said->main;
}

#define PROMPT_MS 30000ll

/* While all are up and nothing is disturbed a miss is said within 30 s, and nobody is unheard. */
static void check_promptness(struct storm *storm, const struct storm_case *one, const struct storm_run *run,
                             const Hb__Event *event)
{
    const Watchdog__DeadlineMissed *said = event->watchdog->missed;
    bool undisturbed = storm->calm_from && said->due_ms > storm->calm_from && run->armed_last_ms < said->due_ms;
    if (undisturbed && (event->recorded_ms > said->due_ms + PROMPT_MS || said->n_unheard))
        storm_fail(storm, "a miss is said in time", "%s %s/%u: %" PRId64 " ms after it was due, %zu unheard",
                   one->registered->intake->registered->number, run->clock, run->round,
                   event->recorded_ms - said->due_ms, said->n_unheard);
}

static void missed(struct storm *storm, struct storm_case *one, struct storm_run *run, const Hb__Event *event)
{
    const Watchdog__DeadlineMissed *said = event->watchdog->missed;
    const char *number = one->registered->intake->registered->number;
    if (run->missed)
        storm_fail(storm, "a deadline is missed once", "%s %s/%u due %" PRId64 ", again %" PRId64, number, run->clock,
                   run->round, run->missed_due_ms, said->due_ms);
    if (event->recorded_ms <= said->due_ms)
        storm_fail(storm, "no deadline is missed early", "%s %s/%u: said %" PRId64 " ms before it was due", number,
                   run->clock, run->round, said->due_ms - event->recorded_ms);
    if (event->occurred_ms != said->due_ms)
        storm_fail(storm, "a miss bears its own time", "%s %s/%u", number, run->clock, run->round);
    check_promptness(storm, one, run, event);
    run->missed = true;
    run->missed_due_ms = said->due_ms;
    run->misses++;
    storm->tally.missed++;
}

static void withdrawn(struct storm *storm, struct storm_case *one, struct storm_run *run, const Hb__Event *event)
{
    if (!run->missed || run->missed_due_ms != event->watchdog->miss_withdrawn->due_ms)
        storm_fail(storm, "only what was said is withdrawn", "%s %s/%u", one->registered->intake->registered->number,
                   run->clock, run->round);
    run->missed = false;
    for (unsigned i = 0; i < 32; i++) /* who was told that it is late is told that it is not */
        if (run->row_due_ms[i] == run->missed_due_ms)
            run->rows &= ~(1u << i);
    storm->tally.withdrawn++;
}

static void point(struct storm *storm, struct storm_case *one, struct storm_run *run, const Hb__Event *event)
{
    const Watchdog__ClockPointReached *said = event->watchdog->point;
    const char *number = one->registered->intake->registered->number;
    bool warning = said->point == WATCHDOG__CLOCK_POINT_REACHED__POINT__WARNING;
    bool start = said->at_ms == run->start_ms; /* may bear the time of a producer whose clock is ahead by seconds */
    if ((event->recorded_ms < said->at_ms && !start) || event->occurred_ms != said->at_ms)
        storm_fail(storm, "no warning comes early", "%s %s/%u: recorded %" PRId64 " of %" PRId64, number, run->clock,
                   run->round, event->recorded_ms, said->at_ms);
    if (said->repeat) { /* storm_repeat.c */
        storm->tally.rows++;
        return;
    }
    if (!warning && run->rows & 1u << said->index)
        storm_fail(storm, "a ladder row is reached once", "%s %s/%u row %u", number, run->clock, run->round,
                   said->index);
    for (size_t i = 0; warning && i < run->warnings_count; i++)
        if (run->warnings[i].index == said->index && run->warnings[i].due_ms == said->due_ms)
            storm_fail(storm, "a warning is sent once per due date", "%s %s/%u warning %u of %" PRId64, number,
                       run->clock, run->round, said->index, said->due_ms);
    if (warning)
        STORM_ADD(storm, run->warnings, run->warnings_count,
                  ((struct storm_warning){said->index, said->due_ms, said->at_ms}));
    else
        run->row_due_ms[said->index] = said->due_ms;
    run->rows |= warning ? 0 : 1u << said->index;
    storm->tally.warned += warning;
    storm->tally.rows += !warning;
}

static void watchdog_event(struct storm *storm, struct storm_case *one, const Hb__Event *event)
{
    const Watchdog__Event *said = event->watchdog;
    struct storm_run *run = said->kind_case == WATCHDOG__EVENT__KIND__NOT_SET
                                ? NULL
                                : run_of(storm, one, said->armed->instance, /* the first field of all arms */
                                         said->kind_case != WATCHDOG__EVENT__KIND_POINT);
    if (!run)
        return;
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_ARMED:
        armed(run, event);
        return;
    case WATCHDOG__EVENT__KIND_PAUSED:
        run->said = STORM_PAUSED;
        return;
    case WATCHDOG__EVENT__KIND_MET:
        run->said = STORM_MET;
        run->met_ms = said->met->at_ms;
        run->met_due_ms = said->met->due_ms;
        run->met_late = said->met->late;
        run->ended_ms = event->occurred_ms;
        return;
    case WATCHDOG__EVENT__KIND_CANCELLED:
        run->said = STORM_CANCELLED;
        run->ended_ms = event->occurred_ms;
        return;
    case WATCHDOG__EVENT__KIND_MISSED:
        missed(storm, one, run, event);
        return;
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
        withdrawn(storm, one, run, event);
        return;
    case WATCHDOG__EVENT__KIND_POINT:
        point(storm, one, run, event);
        return;
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        return;
    }
}

/* ---- escalation ---- */

static void level_cancelled(struct storm_case *one, const char *key)
{
    for (size_t i = 0; i < one->levels_count; i++)
        if (strcmp(one->levels[i], key) == 0)
            one->levels[i] = ""; /* it may be reached again */
}

static void escalation_event(struct storm *storm, struct storm_case *one, const Hb__Event *event)
{
    if (event->escalation->kind_case == ESCALATION__EVENT__KIND_CANCELLED)
        level_cancelled(one, event->escalation->cancelled->key);
    if (event->escalation->kind_case != ESCALATION__EVENT__KIND_REACHED)
        return;
    const char *key = event->escalation->reached->key;
    for (size_t i = 0; i < one->levels_count; i++)
        if (strcmp(one->levels[i], key) == 0)
            storm_fail(storm, "each escalation step is taken once", "%s %s",
                       one->registered->intake->registered->number, key);
    STORM_ADD(storm, one->levels, one->levels_count, key);
    one->levels_reached++;
    storm->tally.levels++;
}

/* ---- notification ---- */

static void notice_queued(struct storm *storm, struct storm_case *one, const Hb__Event *event)
{
    const Notification__NoticeQueued *queued = event->notification->queued;
    for (size_t i = 0; i < one->notices_count; i++) {
        const Notification__NoticeQueued *other = one->notices[i].queued;
        bool same = other->source->offset == queued->source->offset &&
                    other->source->log->service == queued->source->log->service &&
                    strcmp(other->notice, queued->notice) == 0 && strcmp(other->person, queued->person) == 0 &&
                    other->complainant == queued->complainant && strcmp(other->channel, queued->channel) == 0;
        if (same || other->notice_id == queued->notice_id)
            storm_fail(storm, "nobody is told twice", "%s %s to %s", one->registered->intake->registered->number,
                       queued->notice, queued->complainant ? "the complainant" : queued->person);
    }
    struct storm_notice fresh = {.queued = queued, .queued_ms = event->recorded_ms, .id = queued->notice_id};
    STORM_ADD(storm, one->notices, one->notices_count, fresh);
}

static void notice_moves(struct storm *storm, struct storm_case *one, uint64_t id, uint32_t attempt, bool last,
                         bool delivered)
{
    struct storm_notice *notice = NULL;
    for (size_t i = 0; i < one->notices_count; i++)
        notice = one->notices[i].id == id ? &one->notices[i] : notice;
    if (!notice || strcmp(notice->queued->status, "queued") != 0 || notice->state != NOTICE_WAITS ||
        attempt != notice->attempts + 1) {
        storm_fail(storm, "each notice ends once", "%s notice %" PRIx64 " attempt %u%s",
                   one->registered->intake->registered->number, id, attempt, last ? " (the last)" : "");
        return;
    }
    notice->attempts = attempt;
    notice->state = !last ? NOTICE_WAITS : delivered ? NOTICE_DELIVERED : NOTICE_FAILED;
}

static void notification_event(struct storm *storm, struct storm_case *one, const Hb__Event *event)
{
    const Notification__Event *said = event->notification;
    switch (said->kind_case) {
    case NOTIFICATION__EVENT__KIND_QUEUED:
        notice_queued(storm, one, event);
        return;
    case NOTIFICATION__EVENT__KIND_ATTEMPT_FAILED:
        notice_moves(storm, one, said->attempt_failed->notice_id, said->attempt_failed->attempt, false, false);
        return;
    case NOTIFICATION__EVENT__KIND_DELIVERED:
        notice_moves(storm, one, said->delivered->notice_id, said->delivered->attempt, true, true);
        return;
    case NOTIFICATION__EVENT__KIND_FAILED:
        notice_moves(storm, one, said->failed->notice_id, said->failed->attempts, true, false);
        for (size_t i = 0; i < one->notices_count; i++)
            if (one->notices[i].id == said->failed->notice_id)
                one->notices[i].failed = event;
        return;
    case NOTIFICATION__EVENT__KIND_TOLD:
        storm->tally.told++;
        return;
    case NOTIFICATION__EVENT__KIND__NOT_SET:
        return;
    }
}

void storm_event(struct storm *storm, const Hb__Event *event)
{
    if (event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
        event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED) {
        case_registered(storm, event);
        return;
    }
    struct storm_case *one = event->case_id ? must_know(storm, event) : NULL;
    if (!one || storm->failed)
        return;
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_ROUTING:
        routing_event(storm, one, event);
        return;
    case HB__EVENT__PAYLOAD_CASEWORK:
        casework_event(storm, one, event);
        return;
    case HB__EVENT__PAYLOAD_WATCHDOG:
        watchdog_event(storm, one, event);
        return;
    case HB__EVENT__PAYLOAD_ESCALATION:
        escalation_event(storm, one, event);
        return;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        notification_event(storm, one, event);
        return;
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}
