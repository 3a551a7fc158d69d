/* Reading a log over the bus and checking each event against the one before: the chain, the envelope, the cause. */
#include "verify.h"

#include "config/config.h"
#include "eventlog/eventlog.h"
#include "message/message.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define ASK_MS 15000u
#define SILENT_S 300
#define POSITION_MS 5000u
#define BATCH_BYTES (1u << 20)
#define HOPS_MAX 64u

/* ---- positions ---- */

static bool no_answer(const struct reader *reader)
{
    cli_fail("%s does not answer. The logs are read from the running services: start the system (`hearback up`), then "
             "verify again; if it does not start, its log file says why",
             reader->name);
    return false;
}

static int64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

const Bus__Reply *verify_ask(struct verify *verify, const struct reader *reader, Bus__Request *request)
{
    const Config__Instance *instance = reader->instance;
    for (int64_t began_s = now_s(), silent_s = 0; silent_s < SILENT_S; silent_s = now_s() - began_s) {
        if (silent_s)
            cli_progress(false, "verify: %s is asked again, it has not answered for %" PRId64 " s", reader->name,
                         silent_s);
        const Bus__Reply *reply = cli_ask(verify->cli, instance->service, instance->partition, request, ASK_MS);
        if (reply)
            return reply;
        nanosleep(&(struct timespec){1, 0}, NULL); /* who is not there is refused at once */
    }
    cli_fail("%s has answered nothing for %d s: nothing is verified. `hearback status` and its log file say more; when "
             "it is ready, or has less to do, verify again",
             reader->name, SILENT_S);
    return NULL;
}

bool verify_ask_position(struct verify *verify, struct reader *reader)
{
    const Bus__ControlReply *reply =
        cli_control(verify->cli, reader->instance, BUS__CONTROL__WHAT__POSITION, NULL, POSITION_MS);
    const Bus__PositionReport *report = reply ? reply->position : NULL;
    if (!report)
        return no_answer(reader);
    reader->epoch = report->log->epoch;
    reader->end = reader->final_end = report->end;
    reader->waiting = report->waiting;
    reader->cursors_count = 0;
    for (size_t i = 0; i < report->n_cursors && i < VERIFY_LOGS_MAX; i++)
        reader->cursors[reader->cursors_count++] = report->cursors[i];
    return true;
}

/* ---- one event ---- */

static void find_plain(ProtobufCMessage *message, void *context)
{
    bool *plain = context;
    if (message->descriptor == &hb__personal__descriptor)
        *plain = *plain || ((Hb__Personal *)message)->kind_case == HB__PERSONAL__KIND_PLAIN;
}

/* Whose events carry which payload. */
static Hb__Service owner_of(Hb__Event__PayloadCase payload)
{
    switch (payload) {
    case HB__EVENT__PAYLOAD_DIRECTORY:
        return HB__SERVICE__DIRECTORY;
    case HB__EVENT__PAYLOAD_INTAKE:
        return HB__SERVICE__INTAKE;
    case HB__EVENT__PAYLOAD_ROUTING:
        return HB__SERVICE__ROUTING;
    case HB__EVENT__PAYLOAD_CASEWORK:
        return HB__SERVICE__CASEWORK;
    case HB__EVENT__PAYLOAD_WATCHDOG:
        return HB__SERVICE__WATCHDOG;
    case HB__EVENT__PAYLOAD_ESCALATION:
        return HB__SERVICE__ESCALATION;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        return HB__SERVICE__NOTIFICATION;
    case HB__EVENT__PAYLOAD_ANALYTICS:
        return HB__SERVICE__ANALYTICS;
    case HB__EVENT__PAYLOAD_LOG_FORKED: /* whichever was divided */
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        break;
    }
    return HB__SERVICE__SERVICE_NONE;
}

/* The beginning of a log that was divided off another is that one's. */
static bool may_stand_in(const struct verify *verify, const struct reader *reader, const Hb__Event *event)
{
    const Config__Instance *instance = reader->instance;
    return event->offset <=
           config_shared(verify->cli->config, instance->service, event->partition, instance->partition);
}

static const char wrong_hash[] = "the hash of the event before does not fit: one of the two was altered";

/* Of two neighbours that do not fit together: the one that its own successor names is sound. */
static bool is_named(struct bytes stored, struct bytes next)
{
    uint8_t hash[EVENTLOG_HASH_BYTES];
    eventlog_hash(stored, hash);
    return next.size && eventlog_names(next, hash);
}

/* False: the chain is broken here, and what follows means nothing. */
static bool check_chain(struct verify *verify, struct reader *reader, const Hb__Event *event, uint64_t offset,
                        struct bytes stored, struct bytes next)
{
    const char *what = event->offset != offset ? "the event bears another offset"
                       : !bytes_equal(bytes_of(event->previous_hash.data, event->previous_hash.len),
                                      bytes_of(reader->hash, sizeof reader->hash))
                           ? wrong_hash
                       : event->recorded_ms < reader->recorded_ms ? "the recorded time goes back"
                       : event->epoch < reader->last_epoch || event->epoch > reader->epoch
                           ? "the epoch is not that of this log"
                       : event->service != reader->instance->service || !may_stand_in(verify, reader, event)
                           ? "the event belongs to another log"
                           : NULL;
    if (what == wrong_hash && is_named(stored, next))
        verify_find(verify, reader, offset - 1, "chain", ADVICE_RESTORE,
                    "it was altered: the next event names another hash of it");
    else if (what)
        verify_find(verify, reader, offset, "chain", ADVICE_RESTORE, "%s", what);
    return !what;
}

static void check_envelope(struct verify *verify, struct reader *reader, const Hb__Event *event)
{
    bool plain = false;
    message_visit((ProtobufCMessage *)(uintptr_t)event, find_plain, &plain);
    if (plain)
        verify_find(verify, reader, event->offset, "plain", ADVICE_REPORT,
                    "a personal text stands in the log unsealed: it cannot be erased");
    Hb__Service owner = owner_of(event->payload_case);
    bool runtime = event->payload_case == HB__EVENT__PAYLOAD_LOG_FORKED;
    if (owner != reader->instance->service && !runtime && event->payload_case != HB__EVENT__PAYLOAD__NOT_SET)
        verify_find(verify, reader, event->offset, "payload", ADVICE_REPORT, "%s says what only %s may say",
                    reader->name, config_service_name(owner));
    if (event->hops > HOPS_MAX)
        verify_find(verify, reader, event->offset, "hops", ADVICE_REPORT,
                    "a chain of %" PRIu32 " causes: at most %u are allowed", event->hops, HOPS_MAX);
}

/* ---- causes ---- */

static uint64_t cause_key(const Hb__Cause *cause)
{
    const uint64_t numbers[] = {cause->kind_case == HB__CAUSE__KIND_EFFECT ? cause->effect->attempt : 0};
    switch (cause->kind_case) {
    case HB__CAUSE__KIND_EVENT:
        return verify_position(cause->event);
    case HB__CAUSE__KIND_COMMAND:
        return identity_of("command", (const char *[]){cause->command->account, cause->command->id}, 2, NULL, 0);
    case HB__CAUSE__KIND_EFFECT:
        return identity_of("effect", (const char *[]){cause->effect->id}, 1, numbers, 1);
    case HB__CAUSE__KIND_TIMER: /* these come again and again */
    case HB__CAUSE__KIND_JOB:
    case HB__CAUSE__KIND_BOOT:
    case HB__CAUSE__KIND__NOT_SET:
        break;
    }
    return 0;
}

static void note_cause(struct verify *verify, struct reader *reader, const Hb__Event *event)
{
    const Hb__Position *position = event->cause->event;
    struct reader *producer =
        position->log ? verify_reader(verify, position->log->service, position->log->partition) : NULL;
    if (!producer)
        return; /* of another cell */
    size_t which = (size_t)(producer - verify->readers);
    if (producer == reader && position->offset >= event->offset)
        verify_find(verify, reader, event->offset, "cause", ADVICE_REPORT,
                    "its cause, offset %" PRIu64 " of the same log, comes after it", position->offset);
    if (position->offset > reader->caused[which].offset) {
        reader->caused[which].offset = position->offset;
        reader->caused[which].by = event->offset;
    }
}

/* Outcomes of refused commands are not kept (design: repeated commands): the same command may be refused, say so, and
   be carried out when it is sent again. */
static bool refused_only(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
           event->casework->kind_case == CASEWORK__EVENT__KIND_ACTION_REFUSED;
}

/* What one cause led to in one log is said in one go; when it comes up again, something was handled twice. */
static void check_cause(struct verify *verify, struct reader *reader, const Hb__Event *event)
{
    const Hb__Cause *cause = event->cause;
    if (!cause || cause->kind_case == HB__CAUSE__KIND__NOT_SET) {
        verify_find(verify, reader, event->offset, "cause", ADVICE_REPORT, "an event without a cause");
        return;
    }
    uint64_t key = refused_only(event) ? 0 : cause_key(cause);
    if (key && key != reader->cause) {
        bool new;
        struct slot *slot = map_put(&reader->causes, key, &new);
        if (!new)
            verify_find(verify, reader, event->offset, "twice", ADVICE_REPORT,
                        "what led to offset %" PRIu64 " was carried out a second time", slot->a);
        slot->a = event->offset;
    }
    reader->cause = key;
    if (cause->kind_case == HB__CAUSE__KIND_EVENT)
        note_cause(verify, reader, event);
}

/* ---- batches ---- */

void verify_event(struct verify *verify, struct reader *reader, struct bytes stored, struct bytes next)
{
    ProtobufCMessage *message;
    char *why;
    uint64_t offset = reader->at + 1;
    if (message_load(&hb__event__descriptor, stored, &verify->batch, &message, &why)) {
        verify_find(verify, reader, offset, "chain", ADVICE_RESTORE, "the event cannot be decoded: %s", why);
        reader->broken = true;
        return;
    }
    const Hb__Event *event = (const Hb__Event *)message;
    reader->broken = !check_chain(verify, reader, event, offset, stored, next);
    if (reader->broken)
        return;
    eventlog_hash(stored, reader->hash);
    reader->recorded_ms = event->recorded_ms;
    reader->last_epoch = event->epoch;
    reader->at = offset;
    check_cause(verify, reader, event);
    if (offset <= reader->instance->forked_at)
        return; /* looked at in the log it was divided off */
    check_envelope(verify, reader, event);
    verify_said(verify, reader, event);
    verify->events++;
}

static const Bus__Fetched *fetch(struct verify *verify, struct reader *reader)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch fetch = BUS__FETCH__INIT;
    Hb__LogId log = HB__LOG_ID__INIT;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &fetch;
    log.service = reader->instance->service;
    log.partition = reader->instance->partition;
    log.epoch = reader->epoch;
    fetch.log = &log;
    fetch.after = reader->at;
    fetch.bytes_max = BATCH_BYTES;
    const Bus__Reply *reply = verify_ask(verify, reader, &request);
    if (reply && reply->kind_case != BUS__REPLY__KIND_FETCHED)
        cli_fail("%s does not give its log: %s", reader->name,
                 reply->kind_case == BUS__REPLY__KIND_REFUSED && reply->refused->text ? reply->refused->text->en : "");
    return reply && reply->kind_case == BUS__REPLY__KIND_FETCHED ? reply->fetched : NULL;
}

static bool take_batch(struct verify *verify, struct reader *reader, const Bus__Fetched *fetched)
{
    struct bytes batch = bytes_of(fetched->events.data, fetched->events.len), stored, next;
    uint64_t before = reader->at;
    enum err err = ERR_NONE;
    if (fetched->problem != BUS__FETCHED__PROBLEM__NONE) {
        verify_find(verify, reader, reader->at, "chain", ADVICE_RESTORE,
                    "the log was replaced while it was read, or is shorter than it was");
        return false;
    }
    while (reader->at < reader->end && !reader->broken && eventlog_batch_next(&batch, &stored, &err)) {
        struct bytes rest = batch;
        enum err none;
        verify_event(verify, reader, stored, eventlog_batch_next(&rest, &next, &none) ? next : (struct bytes){0});
        arena_reset(&verify->batch);
    }
    if (reader->at == before && !reader->broken) {
        verify_find(verify, reader, reader->at + 1, "chain", ADVICE_RESTORE,
                    "the log says it ends at %" PRIu64 ", but gives no event after %" PRIu64, reader->end, before);
        return false;
    }
    return !reader->broken;
}

bool verify_read(struct verify *verify, struct reader *reader)
{
    while (reader->at < reader->end && !reader->broken) {
        struct arena_mark mark = arena_mark(&verify->cli->arena);
        const Bus__Fetched *fetched = fetch(verify, reader);
        if (!fetched)
            return false;
        bool more = take_batch(verify, reader, fetched);
        arena_return(&verify->cli->arena, mark);
        cli_progress(false, "verify: %s, offset %" PRIu64 " of %" PRIu64, reader->name, reader->at, reader->end);
        if (!more)
            reader->broken = true;
    }
    return true;
}
