/* What one event says by itself, and against what the events before it said. Events arrive log by log: directory,
   intake, routing, casework, watchdog, escalation, notification, analytics. */
#include "verify.h"

#include "service/service.h"

#include <inttypes.h>
#include <string.h>

struct at {
    struct verify *verify;
    struct reader *reader;
    const Hb__Event *event;
};

#define TEXTS(...) ((const char *[]){__VA_ARGS__}), sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)
#define NUMBERS(...) ((const uint64_t[]){__VA_ARGS__}), sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

static char *keep(const struct at *at, const char *text)
{
    return arena_strdup(&at->verify->kept, text);
}

/* What must not come twice. */
static void once(const struct at *at, uint64_t identity, const char *code, const char *what)
{
    bool new;
    struct slot *slot = map_put(&at->verify->once, identity, &new);
    if (new)
        slot->a = at->event->offset;
    else
        verify_find(at->verify, at->reader, at->event->offset, code, ADVICE_REPORT,
                    "%s, as at offset %" PRIu64 " before (case %" PRIu64 ")", what, slot->a, at->event->case_id);
}

/* ---- directory ---- */

static void said_directory(const struct at *at, const Directory__Event *said)
{
    if (said->kind_case != DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
        return;
    const Directory__PolicyPublished *policy = said->policy_published;
    once(at, identity_of("policy", TEXTS(policy->site), NUMBERS(policy->version)), "policy",
         "this version of the policy was published");
}

/* ---- intake ---- */

static uint64_t site_of(const struct at *at, const char *site)
{
    struct verify *verify = at->verify;
    for (size_t i = verify->sites_count; i-- > 0;)
        if (strcmp(verify->sites[i], site) == 0)
            return i;
    bug_unless(verify->sites_count < VERIFY_SITES_MAX);
    verify->sites = arena_grow(&verify->kept, verify->sites, verify->sites_count, sizeof *verify->sites);
    verify->site_buckets =
        arena_grow(&verify->kept, verify->site_buckets, verify->sites_count, sizeof *verify->site_buckets);
    verify->site_buckets[verify->sites_count] = case_id_bucket(at->event->case_id);
    verify->sites[verify->sites_count] = keep(at, site);
    return verify->sites_count++;
}

/* Numbers of one counter come one after the other, and what is left out is said before. */
static void count(const struct at *at, const char *counter, uint64_t from, uint64_t to)
{
    bool new;
    struct slot *slot =
        map_put(&at->verify->counters, identity_of("counter", TEXTS(at->event->site, counter), NULL, 0), &new);
    if (from != slot->a + 1)
        verify_find(at->verify, at->reader, at->event->offset, "number", ADVICE_REPORT,
                    "%s at site %s: number %" PRIu64 " follows %" PRIu64, counter, at->event->site, from, slot->a);
    slot->a = to;
}

static void skipped(const struct at *at, const Intake__NumbersSkipped *said)
{
    struct verify *verify = at->verify;
    count(at, said->counter, said->from, said->to);
    verify->skipped = arena_grow(&verify->kept, verify->skipped, verify->skipped_count, sizeof *verify->skipped);
    verify->skipped[verify->skipped_count++] = (struct skipped){keep(at, at->event->site), keep(at, said->counter),
                                                                said->from, said->to, keep(at, said->reason)};
}

static void answered(const struct at *at, const Hb__Position *request)
{
    bool new;
    if (!request)
        return;
    struct slot *slot = map_put(&at->verify->answered, verify_position(request), &new);
    if (!new)
        verify_find(at->verify, at->reader, at->event->offset, "twice", ADVICE_REPORT,
                    "a request for a case was answered at offset %" PRIu64 " already", slot->a);
    slot->a = at->event->offset;
}

static void registered(const struct at *at, const Intake__CaseRegistered *said)
{
    const Hb__Event *event = at->event;
    bool new;
    struct slot *slot = map_put(&at->verify->cases, event->case_id, &new);
    if (!new)
        verify_find(at->verify, at->reader, event->offset, "case", ADVICE_REPORT,
                    "case %" PRIu64 " was registered at offset %" PRIu64 " already", event->case_id, slot->a);
    slot->a = event->offset;
    slot->b = identity_of("stage", TEXTS(said->stage), NULL, 0);
    slot->c = site_of(at, event->site) << CASE_SITE_SHIFT | (uint64_t)(at->reader - at->verify->readers)
                                                                << CASE_READER_SHIFT;
    once(at, identity_of("number", TEXTS(event->site, said->number), NULL, 0), "number",
         arena_printf(&at->verify->batch, "number %s was given out", said->number));
    count(at, said->counter, said->count, said->count);
    if (*said->external_id)
        once(at, identity_of("import", TEXTS(event->site, said->source, said->external_id), NULL, 0), "import",
             arena_printf(&at->verify->batch, "%s of %s was imported", said->external_id, said->source));
    answered(at, said->requested_by);
}

static void said_intake(const struct at *at, const Intake__Event *said)
{
    switch (said->kind_case) {
    case INTAKE__EVENT__KIND_REGISTERED:
        registered(at, said->registered);
        return;
    case INTAKE__EVENT__KIND_REQUEST_REFUSED:
        answered(at, said->request_refused->requested_by);
        return;
    case INTAKE__EVENT__KIND_NUMBERS_SKIPPED:
        skipped(at, said->numbers_skipped);
        return;
    case INTAKE__EVENT__KIND_OPENED:
    case INTAKE__EVENT__KIND_HELD:
    case INTAKE__EVENT__KIND_HELD_REGISTERED:
    case INTAKE__EVENT__KIND_HELD_REFUSED:
    case INTAKE__EVENT__KIND__NOT_SET:
        return;
    }
}

/* ---- routing, casework ---- */

/* NULL: registered after intake's log was read, or never; verify_across tells which. */
static struct slot *case_of(const struct at *at)
{
    struct slot *slot = map_find(&at->verify->cases, at->event->case_id);
    bool new;
    if (slot || !at->event->case_id)
        return slot;
    struct slot *unknown = map_put(&at->verify->unknown, at->event->case_id, &new);
    if (new) {
        unknown->a = (uint64_t)(at->reader - at->verify->readers);
        unknown->b = at->event->offset;
    }
    return NULL;
}

static void said_routing(const struct at *at, const Routing__Event *said)
{
    struct slot *slot = case_of(at);
    if (!slot && at->event->case_id) /* registered since intake's log was read */
        slot = map_find(&at->verify->unknown, at->event->case_id);
    if (slot && said->kind_case == ROUTING__EVENT__KIND_ROUTED)
        slot->c |= CASE_ROUTED;
    if (said->kind_case == ROUTING__EVENT__KIND_ROUTED && !*said->routed->lead)
        verify_find(at->verify, at->reader, at->event->offset, "owner", ADVICE_REPORT,
                    "case %" PRIu64 " was given to no department", at->event->case_id);
}

static void step_taken(const struct at *at, const Casework__StepTaken *said)
{
    struct slot *slot = case_of(at);
    if (!slot)
        return;
    uint64_t version = slot->c >> CASE_VERSION_SHIFT;
    if (said->version <= version)
        verify_find(at->verify, at->reader, at->event->offset, "version", ADVICE_REPORT,
                    "case %" PRIu64 ": version %" PRIu64 " after %" PRIu64, at->event->case_id, said->version, version);
    if (identity_of("stage", TEXTS(said->from), NULL, 0) != slot->b)
        verify_find(at->verify, at->reader, at->event->offset, "stage", ADVICE_REPORT,
                    "case %" PRIu64 ": step %s starts from stage %s, where the case was not", at->event->case_id,
                    said->step, said->from);
    slot->b = identity_of("stage", TEXTS(said->stage), NULL, 0);
    slot->c = (slot->c & ((1ull << CASE_VERSION_SHIFT) - 1)) | said->version << CASE_VERSION_SHIFT;
}

static uint64_t source(const Hb__Position *position)
{
    return position ? verify_position(position) : 0;
}

/* To be followed by another service. */
static void asked_for(const struct at *at, struct map *map)
{
    const Hb__Event *event = at->event;
    bool new;
    struct slot *slot =
        map_put(map,
                identity_of("position", NULL, 0,
                            NUMBERS(event->cell, (uint64_t)event->service, event->partition, event->offset)),
                &new);
    slot->a = event->offset;
    slot->b = (uint64_t)(at->reader - at->verify->readers);
    slot->c = event->case_id;
}

/* A rule fires once for one event. */
static void said_casework(const struct at *at, const Casework__Event *said)
{
    uint64_t of = at->event->case_id;
    switch (said->kind_case) {
    case CASEWORK__EVENT__KIND_STEP_TAKEN:
        step_taken(at, said->step_taken);
        return;
    case CASEWORK__EVENT__KIND_CASE_REQUESTED: {
        const Casework__CaseRequested *asked = said->case_requested;
        once(at,
             identity_of("case requested", TEXTS(asked->rule, asked->kind, asked->link, asked->to, asked->site),
                         NUMBERS(of, source(asked->source), asked->cell)),
             "twice", "the same rule asked for the same case upon the same event");
        if (!asked->cell) /* else another cell answers */
            asked_for(at, &at->verify->requests);
        return;
    }
    case CASEWORK__EVENT__KIND_NOTICE_REQUESTED: {
        const Casework__NoticeRequested *asked = said->notice_requested;
        once(at, identity_of("notice requested", TEXTS(asked->rule, asked->notice), NUMBERS(of, source(asked->source))),
             "twice", "the same rule asked for the same notice upon the same event");
        return;
    }
    case CASEWORK__EVENT__KIND_ESCALATION_REQUESTED: {
        const Casework__EscalationRequested *asked = said->escalation_requested;
        once(at,
             identity_of("escalation requested", TEXTS(asked->rule, asked->ladder), NUMBERS(of, source(asked->source))),
             "twice", "the same rule asked for the same escalation upon the same event");
        return;
    }
    case CASEWORK__EVENT__KIND_ASSIGN_REQUESTED: {
        const Casework__AssignRequested *asked = said->assign_requested;
        once(at, identity_of("assign requested", TEXTS(asked->rule, asked->to), NUMBERS(of, source(asked->source))),
             "twice", "the same rule asked for the same assignment upon the same event");
        return;
    }
    case CASEWORK__EVENT__KIND_MARK_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED:
    case CASEWORK__EVENT__KIND_DOCUMENT_ISSUED:
    case CASEWORK__EVENT__KIND_FILE_ATTACHED:
    case CASEWORK__EVENT__KIND_CASE_LINKED:
    case CASEWORK__EVENT__KIND_ACTION_REFUSED:
    case CASEWORK__EVENT__KIND_PROBLEM_NOTED:
    case CASEWORK__EVENT__KIND_PROBLEMS_SETTLED:
    case CASEWORK__EVENT__KIND_HISTORY_ENDED:
    case CASEWORK__EVENT__KIND_EXTENSION_GRANTED:
    case CASEWORK__EVENT__KIND_CASE_MOVED:
    case CASEWORK__EVENT__KIND_CASE_MOVE_REFUSED:
    case CASEWORK__EVENT__KIND__NOT_SET:
        case_of(at);
        return;
    case CASEWORK__EVENT__KIND_MOVE_BEGUN: /* of a site */
    case CASEWORK__EVENT__KIND_MOVE_ENDED:
        return;
    }
}

/* ---- watchdog ---- */

static struct slot *clock_of(const struct at *at, const Watchdog__Instance *instance)
{
    bool new;
    return map_put(
        &at->verify->clocks,
        identity_of("clock", TEXTS(instance->clock, instance->part), NUMBERS(at->event->case_id, instance->round)),
        &new);
}

static void missed(const struct at *at, const Watchdog__DeadlineMissed *said)
{
    const Hb__Event *event = at->event;
    struct slot *slot = clock_of(at, said->instance);
    if (event->recorded_ms < said->due_ms)
        verify_find(at->verify, at->reader, event->offset, "early", ADVICE_REPORT,
                    "case %" PRIu64 ": clock %s was called missed %" PRId64 " ms before it was due", event->case_id,
                    said->instance->clock, said->due_ms - event->recorded_ms);
    if (slot->c && slot->b == (uint64_t)said->due_ms)
        verify_find(at->verify, at->reader, event->offset, "twice", ADVICE_REPORT,
                    "case %" PRIu64 ": clock %s was missed at offset %" PRIu64 " already, for the same due date",
                    event->case_id, said->instance->clock, slot->c);
    slot->b = (uint64_t)said->due_ms;
    slot->c = event->offset;
}

static void withdrawn(const struct at *at, const Watchdog__DeadlineMissWithdrawn *said)
{
    struct slot *slot = clock_of(at, said->instance);
    if (!slot->c || slot->b != (uint64_t)said->due_ms)
        verify_find(at->verify, at->reader, at->event->offset, "withdrawn", ADVICE_REPORT,
                    "case %" PRIu64 ": clock %s was not missed for this due date", at->event->case_id,
                    said->instance->clock);
    slot->c = 0;
}

static void point(const struct at *at, const Watchdog__ClockPointReached *said)
{
    const Hb__Event *event = at->event;
    if (event->recorded_ms < said->at_ms)
        verify_find(at->verify, at->reader, event->offset, "early", ADVICE_REPORT,
                    "case %" PRIu64 ": a point of clock %s was reached before its time", event->case_id,
                    said->instance->clock);
    once(at,
         identity_of("point", TEXTS(said->instance->clock, said->instance->part),
                     NUMBERS(event->case_id, said->instance->round, (uint64_t)said->point, said->index,
                             (uint64_t)said->due_ms, said->repeat)),
         "twice", "the same point of the same clock was reached");
}

static void said_watchdog(const struct at *at, const Watchdog__Event *said)
{
    case_of(at);
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_MISSED:
        missed(at, said->missed);
        return;
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
        withdrawn(at, said->miss_withdrawn);
        return;
    case WATCHDOG__EVENT__KIND_POINT:
        point(at, said->point);
        return;
    case WATCHDOG__EVENT__KIND_ARMED:
    case WATCHDOG__EVENT__KIND_PAUSED:
    case WATCHDOG__EVENT__KIND_MET:
    case WATCHDOG__EVENT__KIND_CANCELLED:
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        return;
    }
}

/* ---- escalation ---- */

static void said_escalation(const struct at *at, const Escalation__Event *said)
{
    uint64_t of = at->event->case_id;
    case_of(at);
    switch (said->kind_case) {
    case ESCALATION__EVENT__KIND_REACHED:
        once(at, identity_of("level", TEXTS(said->reached->key), NUMBERS(of)), "twice",
             "this step of the ladder was taken");
        if (said->reached->n_told)
            asked_for(at, &at->verify->levels);
        return;
    case ESCALATION__EVENT__KIND_CANCELLED:
        once(at, identity_of("level cancelled", TEXTS(said->cancelled->key), NUMBERS(of)), "twice",
             "this step of the ladder was cancelled");
        if (!map_find(&at->verify->once, identity_of("level", TEXTS(said->cancelled->key), NUMBERS(of))))
            verify_find(at->verify, at->reader, at->event->offset, "level", ADVICE_REPORT,
                        "case %" PRIu64 ": a step of the ladder that was not taken is cancelled", of);
        return;
    case ESCALATION__EVENT__KIND_ACKNOWLEDGED:
        once(at, identity_of("level acknowledged", TEXTS(said->acknowledged->key), NUMBERS(of)), "twice",
             "this step of the ladder was acknowledged");
        return;
    case ESCALATION__EVENT__KIND_PROBLEM:
    case ESCALATION__EVENT__KIND__NOT_SET:
        return;
    }
}

/* ---- notification ---- */

enum sender { BY_PROGRAM = 1, BY_HAND };

static void queued(const struct at *at, const Notification__NoticeQueued *said)
{
    bool new;
    struct slot *slot = map_put(&at->verify->notices, said->notice_id, &new);
    if (!new)
        verify_find(at->verify, at->reader, at->event->offset, "notice", ADVICE_REPORT,
                    "notice %" PRIu64 " was queued at offset %" PRIu64 " already", said->notice_id, slot->a);
    slot->a = at->event->offset;
    slot->c = strcmp(said->status, "queued") == 0 ? BY_PROGRAM : strcmp(said->status, "due") == 0 ? BY_HAND : 0;
    once(at,
         identity_of("notice", TEXTS(said->notice, said->person, said->channel),
                     NUMBERS(at->event->case_id, source(said->source), (uint64_t)said->complainant)),
         "twice", "the same person is told of the same thing in the same way");
    if (said->source)
        map_put(&at->verify->told, verify_position(said->source), &new)->a++;
}

static void sent(const struct at *at, uint64_t notice_id, bool final)
{
    struct slot *slot = map_find(&at->verify->notices, notice_id);
    bool by_hand = at->event->cause && at->event->cause->kind_case == HB__CAUSE__KIND_COMMAND;
    if (!slot || slot->c != (by_hand ? BY_HAND : BY_PROGRAM))
        verify_find(at->verify, at->reader, at->event->offset, "notice", ADVICE_REPORT,
                    "notice %" PRIu64 " was sent, but not queued to be sent", notice_id);
    else if (slot->b)
        verify_find(at->verify, at->reader, at->event->offset, "twice", ADVICE_REPORT,
                    "notice %" PRIu64 " was finished at offset %" PRIu64 " already", notice_id, slot->b);
    else if (final)
        slot->b = at->event->offset;
}

static void said_notification(const struct at *at, const Notification__Event *said)
{
    case_of(at);
    switch (said->kind_case) {
    case NOTIFICATION__EVENT__KIND_QUEUED:
        queued(at, said->queued);
        return;
    case NOTIFICATION__EVENT__KIND_ATTEMPT_FAILED:
        sent(at, said->attempt_failed->notice_id, false);
        return;
    case NOTIFICATION__EVENT__KIND_DELIVERED:
        sent(at, said->delivered->notice_id, true);
        return;
    case NOTIFICATION__EVENT__KIND_FAILED:
        sent(at, said->failed->notice_id, true);
        return;
    case NOTIFICATION__EVENT__KIND_TOLD:
        once(at,
             identity_of("told", TEXTS(said->told->notice), NUMBERS(at->event->case_id, source(said->told->source))),
             "twice", "everyone was told of the same thing");
        return;
    case NOTIFICATION__EVENT__KIND__NOT_SET:
        return;
    }
}

/* Both halves name the same event before it. */
static void said_forked(const struct at *at, const Hb__LogForked *said)
{
    bool new;
    uint64_t hash = bytes_get_u64(at->event->previous_hash.data);
    uint64_t key = identity_of(
        "fork", NULL, 0, NUMBERS((uint64_t)said->service, said->from_partition, said->into_partition, said->offset));
    struct slot *slot = map_put(&at->verify->once, key, &new);
    if (!new && slot->a != hash)
        verify_find(at->verify, at->reader, at->event->offset, "fork", ADVICE_RESTORE,
                    "the logs of partitions %" PRIu32 " and %" PRIu32 " differ before they were divided",
                    said->from_partition, said->into_partition);
    slot->a = hash;
}

void verify_said(struct verify *verify, struct reader *reader, const Hb__Event *event)
{
    const struct at at = {verify, reader, event};
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_DIRECTORY:
        said_directory(&at, event->directory);
        return;
    case HB__EVENT__PAYLOAD_INTAKE:
        said_intake(&at, event->intake);
        return;
    case HB__EVENT__PAYLOAD_ROUTING:
        said_routing(&at, event->routing);
        return;
    case HB__EVENT__PAYLOAD_CASEWORK:
        said_casework(&at, event->casework);
        return;
    case HB__EVENT__PAYLOAD_WATCHDOG:
        said_watchdog(&at, event->watchdog);
        return;
    case HB__EVENT__PAYLOAD_ESCALATION:
        said_escalation(&at, event->escalation);
        return;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        said_notification(&at, event->notification);
        return;
    case HB__EVENT__PAYLOAD_LOG_FORKED:
        said_forked(&at, event->log_forked);
        return;
    case HB__EVENT__PAYLOAD_ANALYTICS: /* published figures: nothing that others could contradict */
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET: /* of a newer version: kept, not understood */
        return;
    }
}
