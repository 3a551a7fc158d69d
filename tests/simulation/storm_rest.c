/* What must hold after every step, when everything has come to rest, and at the very end. */
#include "storm.h"

#include "hearback/record/runtime.pb-c.h"
#include "policy/lookup.h"
#include "service/row.h"

#include <inttypes.h>
#include <stdio.h>

#define NOTICE_ENDS_MS (3 * 3600000ll)

static const char *number_of(const struct storm_case *one)
{
    return one->registered->intake->registered->number;
}

/* ---- owners ---- */

static void check_owner(struct storm *storm, const struct storm_case *one)
{
    if (!one->routed || !*one->lead)
        storm_fail(storm, "every case is owned", "%s is nobody's", number_of(one));
    if (one->registered->intake->registered->historic && !one->history_ended)
        storm_fail(storm, "every history ends", "%s", number_of(one));
}

/* Routing has folded this registration, so it has said who owns the case: at once, and for good. */
static void check_owned(struct storm *storm)
{
    struct instance *routing = simulation_instance(storm->simulation, HB__SERVICE__ROUTING);
    Bus__PositionReport report;
    uint64_t heard = 0;
    if (!routing)
        return;
    instance_position(routing, &storm->scratch, &report);
    for (size_t i = 0; i < report.n_cursors; i++)
        if (report.cursors[i]->log->service == HB__SERVICE__INTAKE)
            heard = report.waiting ? 0 : report.cursors[i]->offset; /* what waits is heard and not folded */
    for (; storm->owned_count < storm->cases_count; storm->owned_count++) {
        const struct storm_case *one = storm->cases[storm->owned_count];
        if (!one->routed && one->registered->offset > heard)
            break;
        if (!one->routed)
            storm_fail(storm, "every case is owned", "%s is nobody's", number_of(one));
    }
    arena_reset(&storm->scratch);
}

static void check_fold(struct storm *storm, Hb__Service service)
{
    char why[512];
    bool folded;
    if (storm->failed)
        return;
    if (simulation_check_fold(storm->simulation, service, &folded, why, sizeof why))
        storm_fail(storm, "a fresh fold equals the state", "%s", why);
    storm->tally.folds[service] += folded;
}

static void check_folds(struct storm *storm)
{
    storm->tally.steps++;
    for (unsigned s = HB__SERVICE__DIRECTORY; s < STORM_SERVICES; s++)
        check_fold(storm, (Hb__Service)s);
}

void storm_check_step(struct storm *storm)
{
    storm_check_cursors(storm);
    if (simulation_instance(storm->simulation, HB__SERVICE__DIRECTORY) &&
        simulation_instance(storm->simulation, HB__SERVICE__INTAKE)) { /* else nothing was read */
        storm_check_commands(storm);
        check_owned(storm);
    }
    check_folds(storm);
}

/* ---- ladders: what watchdog said, row by row ---- */

static unsigned rows_at(const struct storm_case *one, const char *ladder_name, Policy__LadderRow__At at)
{
    const Policy__Ladder *ladder = *ladder_name ? policy_ladder(one->policy, ladder_name) : NULL;
    unsigned count = 0;
    for (size_t i = 0; ladder && i < ladder->n_rows; i++)
        count += ladder->rows[i]->at == at;
    return count;
}

static unsigned levels_of_miss(const struct storm_case *one, const Watchdog__DeadlineMissed *missed)
{
    const Policy__Clock *clock = policy_clock(one->kind, missed->instance->clock);
    unsigned rows = rows_at(one, missed->ladder, POLICY__LADDER_ROW__AT__LATE);
    return rows ? rows : clock && clock->n_late ? 1 : 0;
}

static unsigned levels_of(const struct storm_case *one, size_t index)
{
    const Hb__Event *event = one->events[index];
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
        event->casework->kind_case == CASEWORK__EVENT__KIND_ESCALATION_REQUESTED)
        return rows_at(one, event->casework->escalation_requested->ladder, POLICY__LADDER_ROW__AT__START);
    if (event->payload_case != HB__EVENT__PAYLOAD_WATCHDOG)
        return 0;
    const Watchdog__Event *said = event->watchdog;
    if (said->kind_case == WATCHDOG__EVENT__KIND_MISSED)
        return levels_of_miss(one, said->missed);
    if (said->kind_case != WATCHDOG__EVENT__KIND_POINT || !*said->point->ladder)
        return 0;
    if (said->point->point == WATCHDOG__CLOCK_POINT_REACHED__POINT__WARNING)
        return rows_at(one, said->point->ladder, POLICY__LADDER_ROW__AT__WARNING);
    const Policy__Ladder *ladder = policy_ladder(one->policy, said->point->ladder);
    return said->point->repeat <= ladder->rows[said->point->index]->repeat_at_most; /* once more: nobody answered */
}

static void check_levels(struct storm *storm, const struct storm_case *one)
{
    unsigned expected = 0;
    for (size_t i = 0; i < one->events_count; i++)
        expected += levels_of(one, i);
    if (expected != one->levels_reached)
        storm_fail(storm, "each ladder step is taken", "%s: %u levels reached, %u were due", number_of(one),
                   one->levels_reached, expected);
}

/* Whoever a ladder hands a case to is its handler from then on, unless he is already. */
static void check_handed(struct storm *storm, const struct storm_case *one)
{
    for (size_t i = 0; i < one->events_count; i++) {
        const Hb__Event *event = one->events[i];
        bool hands = event->payload_case == HB__EVENT__PAYLOAD_ESCALATION && !event->history &&
                     event->escalation->kind_case == ESCALATION__EVENT__KIND_REACHED &&
                     *event->escalation->reached->hand_to;
        bool handled = !hands;
        for (size_t r = 0; r < one->events_count && !handled; r++)
            handled = one->events[r]->payload_case == HB__EVENT__PAYLOAD_ROUTING &&
                      one->events[r]->routing->kind_case == ROUTING__EVENT__KIND_ROUTED &&
                      strcmp(one->events[r]->routing->routed->handler, event->escalation->reached->hand_to) == 0;
        if (!handled)
            storm_fail(storm, "who takes over handles the case", "%s: %s does not", number_of(one),
                       event->escalation->reached->hand_to);
    }
}

/* ---- notices: told when every addressee has it, and only then ---- */

static bool of_source(const struct storm_notice *notice, const Hb__Position *source)
{
    return notice->queued->source->offset == source->offset &&
           notice->queued->source->log->service == source->log->service;
}

static const struct storm_notice *next_of(const struct storm_case *one, const struct storm_notice *failed)
{
    for (size_t i = 0; i < one->notices_count; i++)
        if (one->notices[i].queued->after == failed->id)
            return &one->notices[i];
    return NULL;
}

/* In this channel or, that having failed, in one after it. */
static bool arrived(const struct storm_case *one, const struct storm_notice *notice)
{
    while (notice && notice->failed)
        notice = next_of(one, notice);
    return notice && (notice->state == NOTICE_DELIVERED || strcmp(notice->queued->status, "published") == 0);
}

static bool noted(const struct storm_case *one, const Hb__Event *failed)
{
    for (size_t i = 0; i < one->events_count; i++) {
        const Hb__Event *event = one->events[i];
        if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
            event->casework->kind_case == CASEWORK__EVENT__KIND_PROBLEM_NOTED &&
            strcmp(event->casework->problem_noted->rule, "undelivered") == 0 &&
            event->casework->problem_noted->source->offset == failed->offset &&
            event->casework->problem_noted->source->log->service == failed->service)
            return true;
    }
    return false;
}

/* What failed goes on in the channel it names, or somebody sees it on the case. */
static void check_failed(struct storm *storm, const struct storm_case *one)
{
    for (size_t i = 0; i < one->notices_count; i++) {
        const struct storm_notice *notice = &one->notices[i], *next = next_of(one, notice);
        if (!notice->failed && next)
            storm_fail(storm, "the next channel only after a failure", "%s %s by %s", number_of(one),
                       notice->queued->notice, next->queued->channel);
        if (!notice->failed)
            continue;
        const char *named = notice->failed->notification->failed->next;
        if (strcmp(next ? next->queued->channel : "", named) != 0 ||
            (next && strcmp(next->queued->person, notice->queued->person) != 0))
            storm_fail(storm, "what failed goes on in the next channel", "%s %s: next is %s, queued %s", number_of(one),
                       notice->queued->notice, named, next ? next->queued->channel : "none");
        if (noted(one, notice->failed) != (*named == 0))
            storm_fail(storm, "what reached nobody stands on the case", "%s %s by %s, next \"%s\"", number_of(one),
                       notice->queued->notice, notice->queued->channel, named);
    }
}

static unsigned told_count(const struct storm_case *one, const Hb__Position *source)
{
    unsigned count = 0;
    for (size_t i = 0; i < one->events_count; i++) {
        const Hb__Event *event = one->events[i];
        if (event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION &&
            event->notification->kind_case == NOTIFICATION__EVENT__KIND_TOLD)
            count += event->notification->told->source->offset == source->offset &&
                     event->notification->told->source->log->service == source->log->service;
    }
    return count;
}

static void check_told(struct storm *storm, const struct storm_case *one)
{
    for (size_t i = 0; i < one->notices_count; i++) {
        const Hb__Position *source = one->notices[i].queued->source;
        bool all = true;
        for (size_t n = 0; n < one->notices_count; n++)
            all = all && (!of_source(&one->notices[n], source) || one->notices[n].queued->after ||
                          arrived(one, &one->notices[n]));
        if (told_count(one, source) != (all ? 1u : 0u))
            storm_fail(storm, "told when all have it, once", "%s %s: told %u times, %s", number_of(one),
                       one->notices[i].queued->notice, told_count(one, source),
                       all ? "all have it" : "not all have it");
    }
}

/* ---- dates promised at registration are those the watchdog counts by ---- */

static void check_promised(struct storm *storm, const struct storm_case *one)
{
    const Intake__CaseRegistered *registered = one->registered->intake->registered;
    for (size_t i = 0; i < registered->n_promised && !registered->historic; i++) {
        const Hb__Event *first = NULL;
        for (size_t e = 0; e < one->events_count && !first; e++) {
            const Hb__Event *event = one->events[e];
            bool arms = event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG &&
                        event->watchdog->kind_case == WATCHDOG__EVENT__KIND_ARMED &&
                        strcmp(event->watchdog->armed->instance->clock, registered->promised[i]->clock) == 0;
            first = arms ? event : NULL;
        }
        bool counted_alike =
            first && (storm->calendar_at < one->registered->recorded_ms || storm->calendar_at > first->recorded_ms) &&
            storm->calendar_changes == 0;
        if (!first || (counted_alike && first->watchdog->armed->due_ms != registered->promised[i]->due_ms))
            storm_fail(storm, "promised dates are counted by", "%s %s: promised %" PRId64 ", armed %" PRId64,
                       number_of(one), registered->promised[i]->clock, registered->promised[i]->due_ms,
                       first ? first->watchdog->armed->due_ms : 0);
    }
}

/* ---- nothing is left lying ---- */

/* What the first event that waits is waiting for. */
static const char *first_need(struct storm *storm, struct instance *instance)
{
    store_table table;
    struct store_scan scan;
    struct bytes key, value;
    ProtobufCMessage *waiting = NULL, *event;
    char *why;
    if (store_table_open(instance_store(instance), "waiting", &table))
        return "?";
    struct store_txn *txn = store_begin(instance_store(instance), false);
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    bool found = store_scan_next(&scan, &storm->scratch, &key, &value) &&
                 !row_load(&record__waiting__descriptor, key, value, &storm->scratch, &waiting, &why);
    store_abort(txn);
    const Record__Waiting *row = (const Record__Waiting *)waiting;
    if (!found || message_unpack(&hb__event__descriptor, bytes_of(row->event.data, row->event.len), &storm->scratch,
                                 &event, &why))
        return "";
    return arena_printf(&storm->scratch, ", the first, %d:%" PRIu64 " of case %" PRIx64 ", for \"%s\"",
                        ((Hb__Event *)event)->service, ((Hb__Event *)event)->offset, ((Hb__Event *)event)->case_id,
                        row->needs);
}

static void check_positions(struct storm *storm)
{
    for (unsigned s = 1; s < STORM_SERVICES && !storm->failed; s++) {
        struct instance *instance = simulation_instance(storm->simulation, (Hb__Service)s);
        Bus__PositionReport report;
        instance_position(instance, &storm->scratch, &report);
        if (report.waiting || report.jobs || report.parked || strcmp(report.health, "ready") != 0)
            storm_fail(storm, "nothing is left lying",
                       "service %u is %s: %" PRIu64 " waiting%s, %" PRIu64 " jobs, %" PRIu64 " parked", s,
                       report.health, report.waiting, first_need(storm, instance), report.jobs, report.parked);
        arena_reset(&storm->scratch);
    }
}

/* Key of a timer of watchdog: due, case, clock and NUL, round, part; the clock is "" for calls of a ladder. */
static void check_timer(struct storm *storm, struct bytes key)
{
    const struct storm_case *one = storm_case_of(storm, bytes_get_u64(key.data + 8));
    const char *clock = (const char *)key.data + 16;
    const uint8_t *rest = key.data + 16 + strlen(clock) + 1;
    int64_t due_ms = (int64_t)bytes_get_u64(key.data);
    for (size_t i = 0; *clock && one && i < one->runs_count; i++) {
        const struct storm_run *run = &one->runs[i];
        bool over = run->said == STORM_MET || run->said == STORM_CANCELLED;
        if (over && strcmp(run->clock, clock) == 0 && run->round == bytes_get_u32(rest) &&
            run->part == bytes_get_u32(rest + 4) && due_ms >= run->ended_ms)
            storm_fail(storm, "no timer outlives its clock", "%s %s/%u.%u ended %" PRId64 ", timer of %" PRId64,
                       number_of(one), clock, run->round, run->part, run->ended_ms, due_ms);
    }
}

static void check_timers(struct storm *storm)
{
    struct instance *watchdog = simulation_instance(storm->simulation, HB__SERVICE__WATCHDOG);
    store_table table;
    struct store_scan scan;
    struct bytes key;
    if (store_table_open(instance_store(watchdog), "timers", &table))
        return storm_fail(storm, "watchdog has its timers", "the table cannot be opened");
    struct store_txn *txn = store_begin(instance_store(watchdog), false);
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    while (store_scan_next(&scan, &storm->scratch, &key, NULL))
        check_timer(storm, key);
    store_abort(txn);
    arena_reset(&storm->scratch);
}

void storm_check_rest(struct storm *storm, bool whole)
{
    char why[512];
    int64_t now = simulation_wall(storm->simulation);
    check_positions(storm);
    storm_check_commands(storm);
    for (size_t i = 0; i < storm->cases_count && !storm->failed; i++) {
        struct storm_case *one = storm->cases[i];
        storm->about = one;
        check_owner(storm, one);
        check_levels(storm, one);
        check_handed(storm, one);
        check_told(storm, one);
        check_failed(storm, one);
        storm_check_repeats(storm, one, now);
        check_promised(storm, one);
        storm_check_clocks(storm, one, now);
    }
    if (storm->failed)
        return;
    storm->about = NULL;
    check_timers(storm);
    storm_check_figures(storm);
    check_folds(storm);
    if (whole && !storm->failed && simulation_check(storm->simulation, why, sizeof why))
        storm_fail(storm, "a fresh fold equals the state", "%s", why);
}

/* The eighth attempt comes about an hour after the first. */
void storm_check_end(struct storm *storm)
{
    int64_t long_ago_ms = simulation_wall(storm->simulation) - NOTICE_ENDS_MS;
    for (size_t i = 0; i < storm->cases_count && !storm->failed; i++) {
        const struct storm_case *one = storm->cases[i];
        for (size_t n = 0; n < one->notices_count; n++)
            if (strcmp(one->notices[n].queued->status, "queued") == 0 && one->notices[n].state == NOTICE_WAITS &&
                one->notices[n].queued_ms < long_ago_ms)
                storm_fail(storm, "every notice ends", "%s %s to %s after %u attempts", number_of(one),
                           one->notices[n].queued->notice, one->notices[n].queued->person, one->notices[n].attempts);
    }
}
