/* Reads what is new in every log, once, and keeps it: each event is checked as it appears, and sorted to its case. */
#include "storm.h"

#include "message/message.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

static const char *const names[STORM_SERVICES] = {"",         "directory",  "intake",       "routing",  "casework",
                                                  "watchdog", "escalation", "notification", "analytics"};

/* ---- policies and calendars, put together from directory's own events ---- */

static const Directory__PolicyPart *part_of(const struct storm *storm, const ProtobufCBinaryData *hash)
{
    const struct storm_log *log = &storm->logs[HB__SERVICE__DIRECTORY];
    for (size_t i = 0; i < log->count; i++) {
        const Directory__Event *event = log->list[i]->directory;
        if (event->kind_case == DIRECTORY__EVENT__KIND_POLICY_PART && event->policy_part->hash.len == hash->len &&
            memcmp(event->policy_part->hash.data, hash->data, hash->len) == 0)
            return event->policy_part;
    }
    return NULL;
}

static void policy_published(struct storm *storm, const Directory__PolicyPublished *published)
{
    uint8_t *packed = NULL;
    size_t size = 0;
    for (size_t i = 0; i < published->n_parts; i++) {
        const Directory__PolicyPart *part = part_of(storm, &published->parts[i]);
        if (!part) {
            storm_fail(storm, "a policy is published whole", "%s version %u: part %zu is missing", published->site,
                       published->version, i);
            return;
        }
        uint8_t *more = arena_alloc(&storm->arena, size + part->data.len + 1);
        if (size)
            memcpy(more, packed, size);
        memcpy(more + size, part->data.data, part->data.len);
        packed = more;
        size += part->data.len;
    }
    ProtobufCMessage *policy;
    char *why;
    if (message_unpack(&policy__policy__descriptor, bytes_of(packed, size), &storm->arena, &policy, &why)) {
        storm_fail(storm, "a policy is published whole", "%s version %u: %s", published->site, published->version, why);
        return;
    }
    bug_unless(storm->policies_count < STORM_VERSIONS_MAX);
    storm->policies[storm->policies_count++] =
        (struct storm_policy){published->site, published->version, (const Policy__Policy *)policy};
}

const Policy__Policy *storm_policy_of(struct storm *storm, const char *site, uint32_t version)
{
    const Policy__Policy *found = NULL;
    for (size_t i = 0; i < storm->policies_count; i++)
        if (strcmp(storm->policies[i].site, site) == 0 && (!version || storm->policies[i].version == version))
            found = storm->policies[i].policy;
    return found;
}

static void directory_event(struct storm *storm, const Hb__Event *event)
{
    if (event->directory->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
        policy_published(storm, event->directory->policy_published);
    if (event->directory->kind_case == DIRECTORY__EVENT__KIND_CALENDAR_DEFINED &&
        strcmp(event->directory->calendar_defined->name, "cn") == 0) {
        storm->calendar = event->directory->calendar_defined;
        storm->calendar_at = event->recorded_ms;
        STORM_ADD(storm, storm->calendars, storm->calendars_count, storm->calendar);
    }
}

/* ---- the envelope ---- */

static struct storm_command *command_of(struct storm *storm, Hb__Service service, const Hb__CommandRef *ref)
{
    for (size_t i = storm->commands_count; i-- > 0;) {
        struct storm_command *one = storm->commands[i];
        if (!one->twin && one->to == service && strcmp(one->command->id, ref->id) == 0 &&
            strcmp(one->command->account, ref->account) == 0)
            return one;
    }
    return NULL;
}

static bool is_refusal(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
           event->casework->kind_case == CASEWORK__EVENT__KIND_ACTION_REFUSED;
}

/* What a command said stands together; said again it would stand elsewhere. */
static void check_command(struct storm *storm, const Hb__Event *event)
{
    struct storm_command *one = command_of(storm, event->service, event->cause->command);
    if (!one) {
        storm_fail(storm, "every event has its cause", "%s %" PRIu64 ": nobody sent command %s", names[event->service],
                   event->offset, event->cause->command->id);
        return;
    }
    if (is_refusal(event))
        return;
    bool again = one->first && storm->logs[event->service].list[one->last - 1]->recorded_ms != event->recorded_ms;
    if (again)
        storm_fail(storm, "every command takes effect once", "%s: at offsets %" PRIu64 " and %" PRIu64,
                   one->command->id, one->first, event->offset);
    if (!one->first)
        one->first = event->offset;
    one->last = event->offset;
}

static void check_cause(struct storm *storm, const Hb__Event *event)
{
    const Hb__Cause *cause = event->cause;
    if (cause->kind_case == HB__CAUSE__KIND_COMMAND) {
        check_command(storm, event);
    } else if (cause->kind_case == HB__CAUSE__KIND_EVENT) {
        const Hb__LogId *log = cause->event->log;
        struct instance *producer = simulation_instance(storm->simulation, log->service);
        Bus__PositionReport report;
        if (!producer)
            return; /* it is down and will be read when it is back */
        instance_position(producer, &storm->scratch, &report);
        if (cause->event->offset > report.end)
            storm_fail(storm, "no cause is lost", "%s %" PRIu64 " follows from %s %" PRIu64 ", which ends at %" PRIu64,
                       names[event->service], event->offset, names[log->service], cause->event->offset, report.end);
        arena_reset(&storm->scratch);
    }
}

static void check_envelope(struct storm *storm, const struct storm_log *log, const Hb__Event *event)
{
    const Hb__Event *before = log->count ? log->list[log->count - 1] : NULL;
    if (event->offset != log->count + 1)
        storm_fail(storm, "offsets are dense", "%s %" PRIu64 " after %zu", names[event->service], event->offset,
                   log->count);
    if (before && event->recorded_ms < before->recorded_ms)
        storm_fail(storm, "recorded time never goes back", "%s %" PRIu64, names[event->service], event->offset);
    int64_t latest = storm_misled(storm, event->service) ? storm->wall_max : storm->wall_true + 2 * STORM_UNSEEN_MS;
    if (event->recorded_ms > latest)
        storm_fail(storm, "nothing is recorded in the future", "%s %" PRIu64 " by %" PRId64 " ms",
                   names[event->service], event->offset, event->recorded_ms - latest);
    if (!event->cause || event->cause->kind_case == HB__CAUSE__KIND__NOT_SET)
        storm_fail(storm, "every event has its cause", "%s %" PRIu64 " has none", names[event->service], event->offset);
}

/* Looked for byte by byte: whatever field it may have slipped into. */
static void check_secrets(struct storm *storm, const Hb__Event *event, struct bytes stored)
{
    for (const char *const *secret = storm_secrets; *secret; secret++)
        if (memmem(stored.data, stored.size, *secret, strlen(*secret)))
            storm_fail(storm, "no personal text stands in a log", "%s %" PRIu64 ": %s", names[event->service],
                       event->offset, *secret);
}

/* ---- reading ---- */

static void add_event(struct storm *storm, struct storm_log *log, struct bytes stored)
{
    ProtobufCMessage *message;
    char *why;
    if (message_unpack(&hb__event__descriptor, stored, &storm->arena, &message, &why)) {
        storm_fail(storm, "a log can be read", "offset %zu: %s", log->count + 1, why);
        return;
    }
    Hb__Event *event = (Hb__Event *)message;
    check_envelope(storm, log, event);
    check_secrets(storm, event, stored);
    size_t count = log->count;
    STORM_ADD(storm, log->stored, count, stored);
    STORM_ADD(storm, log->list, log->count, event);
    if (storm->failed)
        return;
    check_cause(storm, event);
    if (event->service == HB__SERVICE__DIRECTORY)
        directory_event(storm, event);
    else
        storm_event(storm, event);
}

void storm_read(struct storm *storm)
{
    storm_note_wall(storm);
    if (!simulation_instance(storm->simulation, HB__SERVICE__DIRECTORY) ||
        !simulation_instance(storm->simulation, HB__SERVICE__INTAKE))
        return; /* without their logs those of the others mean nothing */
    for (unsigned s = HB__SERVICE__DIRECTORY; s < STORM_SERVICES; s++) {
        struct instance *instance = simulation_instance(storm->simulation, (Hb__Service)s);
        struct storm_log *log = &storm->logs[s];
        struct bytes stored;
        while (instance && !storm->failed && instance_log_get(instance, log->count + 1, &storm->arena, &stored))
            add_event(storm, log, stored);
    }
}

struct storm_case *storm_case_of(struct storm *storm, uint64_t case_id)
{
    for (size_t i = storm->cases_count; i-- > 0;)
        if (storm->cases[i]->id == case_id)
            return storm->cases[i];
    return NULL;
}

/* ---- cursors ---- */

void storm_check_cursors(struct storm *storm)
{
    uint64_t ends[STORM_SERVICES] = {0};
    Bus__PositionReport reports[STORM_SERVICES];
    for (unsigned s = HB__SERVICE__DIRECTORY; s < STORM_SERVICES; s++) {
        struct instance *instance = simulation_instance(storm->simulation, (Hb__Service)s);
        bus__position_report__init(&reports[s]);
        if (instance)
            instance_position(instance, &storm->scratch, &reports[s]);
        ends[s] = instance ? reports[s].end : UINT64_MAX;
        if (reports[s].waiting > storm->tally.waits_max)
            storm->tally.waits_max = (unsigned)reports[s].waiting;
    }
    for (unsigned s = HB__SERVICE__DIRECTORY; s < STORM_SERVICES; s++)
        for (size_t i = 0; i < reports[s].n_cursors; i++)
            if (reports[s].cursors[i]->offset > ends[reports[s].cursors[i]->log->service])
                storm_fail(storm, "cursors are never ahead of logs",
                           "%s is at %" PRIu64 " of %s, which ends at %" PRIu64, names[s],
                           reports[s].cursors[i]->offset, names[reports[s].cursors[i]->log->service],
                           ends[reports[s].cursors[i]->log->service]);
    arena_reset(&storm->scratch);
}

/* ---- all logs as one number ---- */

void storm_hash(struct storm *storm, uint8_t hash_out[32])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, 32);
    for (unsigned s = HB__SERVICE__DIRECTORY; s < STORM_SERVICES; s++)
        for (size_t i = 0; i < storm->logs[s].count; i++)
            crypto_generichash_update(&state, storm->logs[s].stored[i].data, storm->logs[s].stored[i].size);
    crypto_generichash_final(&state, hash_out, 32);
}
