/* A request for a notice, or a level reached, becomes one NoticeQueued per addressee. A complainant without an e-mail
   address has the portal: what stands there counts as delivered. In a history nothing is sent, and it is said so. */
#include "calendar/calendar.h"
#include "message/message.h"
#include "notification.h"

#include <inttypes.h>
#include <stdlib.h>

struct asking {
    struct turn *turn;
    const Hb__Event *event;
    Noterec__Case *record;
    const Policy__Policy *policy;
    const Policy__Notice *notice; /* NULL: the policy has no such text; the name is told all the same */
    const char *name;
    Hb__Position *source;
    const char *clock;
    int64_t due_ms;
    uint32_t level;
    unsigned index; /* of the addressee: part of the notice's id */
};

static Hb__Event *own_event(const struct asking *asking, Notification__Event__KindCase kind, void *payload)
{
    Hb__Event *event = turn_event(asking->turn, asking->event->site, asking->event->case_id);
    event->policy_version = asking->record->policy_version;
    event->payload_case = HB__EVENT__PAYLOAD_NOTIFICATION;
    event->notification = NOTIFICATION_NEW(asking->turn, Notification__Event, notification__event__init);
    event->notification->kind_case = kind;
    event->notification->queued = payload; /* all arms share one pointer */
    if (asking->notice)
        event_clauses(asking->turn, event, asking->notice->clauses, asking->notice->n_clauses);
    return event;
}

/* ---- texts: {number} {clock} {due} {level} {site}, and the facts of the case by name ---- */

static char *local_time(const struct asking *asking, int64_t ms)
{
    int64_t local = zone_local_ms(organisation_zone(asking->turn, asking->event->site), ms);
    int year, month, day;
    date_split(date_of_local(local), &year, &month, &day);
    int minute = (int)((local - (int64_t)date_of_local(local) * DAY_MS) / MINUTE_MS);
    return arena_printf(turn_arena(asking->turn), "%04d-%02d-%02d %02d:%02d", year, month, day, minute / 60,
                        minute % 60);
}

static const Policy__Clock *clock_of(const struct asking *asking)
{
    const Policy__Kind *kind = asking->policy ? policy_kind(asking->policy, asking->record->kind) : NULL;
    return kind ? policy_clock(kind, asking->clock) : NULL;
}

static const char *either(bool english, const char *zh, const char *en)
{
    return english && *en ? en : zh;
}

/* A choice is called what the policy calls it. */
static const char *choice_text(const struct asking *asking, const char *name, const char *choice, bool english)
{
    const Policy__Kind *kind = asking->policy ? policy_kind(asking->policy, asking->record->kind) : NULL;
    const Policy__FieldDef *field = kind ? policy_field(kind, name) : NULL;
    for (size_t i = 0; field && i < field->n_one_of; i++)
        if (strcmp(field->one_of[i]->name, choice) == 0 && field->one_of[i]->label)
            return either(english, field->one_of[i]->label->zh, field->one_of[i]->label->en);
    return choice;
}

/* A fact of the case; NULL when there is none, or only word that it was given: sealed texts never stand in a notice. */
static const char *fact_text(const struct asking *asking, const char *name, bool english)
{
    struct arena *arena = turn_arena(asking->turn);
    struct facts facts = {asking->record->facts, asking->record->n_facts};
    const Hb__Value *value = facts_get(&facts, name);
    if (!value)
        return NULL;
    switch (value->kind_case) {
    case HB__VALUE__KIND_TEXT:
        return choice_text(asking, name, value->text, english);
    case HB__VALUE__KIND_NUMBER:
        return arena_printf(arena, "%" PRId64, value->number);
    case HB__VALUE__KIND_YES:
        return value->yes ? either(english, "是", "yes") : either(english, "否", "no");
    case HB__VALUE__KIND_TIME_MS:
        return local_time(asking, value->time_ms);
    case HB__VALUE__KIND_DURATION_MS:
        return arena_printf(arena, "%" PRId64 " %s", (int64_t)(value->duration_ms / MINUTE_MS),
                            either(english, "分钟", "min"));
    case HB__VALUE__KIND_MONEY_FEN:
        return arena_printf(arena, "%" PRId64 ".%02" PRId64, value->money_fen / 100, value->money_fen % 100);
    case HB__VALUE__KIND_TEXTS:
    case HB__VALUE__KIND_PRESENT:
    case HB__VALUE__KIND__NOT_SET:
        break;
    }
    return NULL;
}

/* NULL: there is no such thing to fill in. */
static const char *value_of(const struct asking *asking, const char *name, bool english)
{
    const Policy__Clock *clock = clock_of(asking);
    if (strcmp(name, "number") == 0)
        return asking->record->number;
    if (strcmp(name, "clock") == 0)
        return clock ? either(english, clock->label->zh, clock->label->en) : asking->clock;
    if (strcmp(name, "due") == 0)
        return asking->due_ms ? local_time(asking, asking->due_ms) : "";
    if (strcmp(name, "level") == 0)
        return arena_printf(turn_arena(asking->turn), "%" PRIu32, asking->level);
    if (strcmp(name, "site") == 0)
        return asking->event->site;
    return fact_text(asking, name, english);
}

static char *fill(const struct asking *asking, const char *text, bool english)
{
    struct arena *arena = turn_arena(asking->turn);
    char *out = arena_strdup(arena, "");
    while (*text) {
        const char *open = strchr(text, '{'), *close = open ? strchr(open, '}') : NULL;
        if (!close)
            return arena_printf(arena, "%s%s", out, text);
        const char *value = value_of(asking, arena_text(arena, open + 1, (size_t)(close - open - 1)), english);
        out = value ? arena_printf(arena, "%s%.*s%s", out, (int)(open - text), text, value)
                    : arena_printf(arena, "%s%.*s", out, (int)(close + 1 - text), text);
        text = close + 1;
    }
    return out;
}

/* ---- one addressee ---- */

static uint64_t notice_id(const struct asking *asking)
{
    return (uint64_t)asking->source->log->service << 56 | (asking->source->offset & 0xffffffffffull) << 12 |
           (asking->index & 0xfff);
}

static const Hb__Sealed *address_of(const struct asking *asking)
{
    if (asking->record->party.len == 0)
        return NULL;
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&intake__party__descriptor, bytes_of(asking->record->party.data, asking->record->party.len),
                            turn_arena(asking->turn), &message, &why) == ERR_NONE);
    const Intake__Party *party = (const Intake__Party *)message;
    return party->email && party->email->kind_case == HB__PERSONAL__KIND_SEALED ? party->email->sealed : NULL;
}

static void queue(struct asking *asking, const char *person, bool complainant, const char *channel, const char *status,
                  const char *reason)
{
    struct turn *turn = asking->turn;
    Notification__NoticeQueued *queued =
        NOTIFICATION_NEW(turn, Notification__NoticeQueued, notification__notice_queued__init);
    queued->notice_id = notice_id(asking);
    asking->index++;
    queued->notice = (char *)(uintptr_t)asking->name;
    queued->channel = (char *)(uintptr_t)channel;
    queued->person = (char *)(uintptr_t)person;
    queued->complainant = complainant;
    queued->source = asking->source;
    queued->status = (char *)(uintptr_t)status;
    queued->reason = (char *)(uintptr_t)reason;
    /* with the epoch: after a restore another event stands where a lost one, told of in a mail, stood */
    queued->message_id = arena_printf(turn_arena(turn), "<%016" PRIx64 ".%" PRIu32 ".%" PRIx64 "@hearback>",
                                      queued->notice_id, asking->source->log->epoch, turn_cell(turn));
    const Policy__Notice *notice = asking->notice;
    bool subject = notice && notice->subject && *notice->subject->zh;
    queued->subject = label_new(turn, fill(asking, subject ? notice->subject->zh : "{number}", false),
                                fill(asking, subject ? notice->subject->en : "{number}", true));
    queued->text =
        notice ? label_new(turn, fill(asking, notice->text->zh, false), fill(asking, notice->text->en, true)) : NULL;
    Hb__Event *event = own_event(asking, NOTIFICATION__EVENT__KIND_QUEUED, queued);
    if (strcmp(status, "not_sent") != 0)
        event->occurred_ms = turn_now(turn);
    turn_say(turn, event);
}

static void queue_person(struct asking *asking, const Directory__Person *person)
{
    if (asking->event->history)
        queue(asking, person->id, false, "email", "not_sent", "history");
    else if (!*person->email)
        queue(asking, person->id, false, "log", "due", "no address");
    else
        queue(asking, person->id, false, "email", "queued", "");
}

static void queue_complainant(struct asking *asking)
{
    if (asking->event->history)
        queue(asking, "", true, "portal", "not_sent", "history");
    else if (address_of(asking))
        queue(asking, "", true, "email", "queued", "");
    else
        queue(asking, "", true, "portal", "published", "");
}

/* ---- told: every addressee of one request has it ---- */

static void say_told_when_complete(struct asking *asking)
{
    bool all = true, any = false;
    for (size_t i = 0; i < asking->record->n_notices; i++) {
        const Noterec__Notice *row = notification_notice(asking->turn, asking->record->notices[i]);
        bool mine = row && row->queued->source->offset == asking->source->offset &&
                    row->queued->source->log->service == asking->source->log->service;
        any = any || mine;
        all = all && (!mine || strcmp(row->status, "delivered") == 0 || strcmp(row->status, "published") == 0);
    }
    if (!any || !all)
        return;
    Notification__NoticeTold *told =
        NOTIFICATION_NEW(asking->turn, Notification__NoticeTold, notification__notice_told__init);
    told->notice = (char *)(uintptr_t)asking->name;
    told->source = asking->source;
    turn_say(asking->turn, own_event(asking, NOTIFICATION__EVENT__KIND_TOLD, told));
}

/* ---- requests ---- */

static bool begin(struct asking *asking, struct turn *turn, const Hb__Event *event, const char *name)
{
    *asking =
        (struct asking){.turn = turn, .event = event, .name = name, .clock = "", .source = event_position(turn, event)};
    asking->record = notification_case(turn, event->case_id);
    if (!asking->record || notification_asked(turn, asking->source, name))
        return false;
    asking->policy = organisation_policy(turn, asking->record->site, asking->record->policy_version);
    asking->notice = asking->policy ? policy_notice(asking->policy, name) : NULL;
    return true;
}

/* The notice of an extension goes to whom the clock's clause names, unless the notice itself says to whom. */
static Policy__Who *told_by_clause(const struct asking *asking)
{
    const Policy__Clock *clock = clock_of(asking);
    return clock && clock->extend ? clock->extend->told : NULL;
}

static void react_casework(struct turn *turn, const Hb__Event *event)
{
    struct asking asking;
    const Casework__NoticeRequested *request = event->casework->notice_requested;
    if (event->casework->kind_case != CASEWORK__EVENT__KIND_NOTICE_REQUESTED ||
        !begin(&asking, turn, event, request->notice) || !asking.notice)
        return;
    asking.clock = request->clock;
    asking.due_ms = request->due_ms;
    struct facts facts = {asking.record->facts, asking.record->n_facts};
    bool complainant;
    Policy__Who **to = asking.notice->to, *told = told_by_clause(&asking);
    size_t to_count = asking.notice->n_to;
    if (to_count == 0 && told) {
        to = &told;
        to_count = 1;
    }
    const Directory__Person **persons = who_persons(turn, event->site, to, to_count, &facts, &complainant);
    for (; *persons; persons++)
        queue_person(&asking, *persons);
    if (complainant)
        queue_complainant(&asking);
}

static void tell_persons(struct asking *asking, char *const *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Directory__Person *person = organisation_person(asking->turn, ids[i]);
        if (person)
            queue_person(asking, person);
    }
}

static void react_escalation(struct turn *turn, const Hb__Event *event)
{
    struct asking asking;
    const Escalation__Event *said = event->escalation;
    if (said->kind_case == ESCALATION__EVENT__KIND_REACHED && begin(&asking, turn, event, said->reached->notice)) {
        asking.clock = said->reached->clock;
        asking.due_ms = said->reached->due_ms;
        asking.level = said->reached->level;
        tell_persons(&asking, said->reached->told, said->reached->n_told);
    } else if (said->kind_case == ESCALATION__EVENT__KIND_CANCELLED && begin(&asking, turn, event, "withdrawn")) {
        asking.clock = said->cancelled->clock;
        tell_persons(&asking, said->cancelled->told, said->cancelled->n_told);
    }
}

/* Own: what is published or delivered may complete its request. */
static void react_own(struct turn *turn, const Hb__Event *event)
{
    const Notification__Event *said = event->notification;
    bool published =
        said->kind_case == NOTIFICATION__EVENT__KIND_QUEUED && strcmp(said->queued->status, "published") == 0;
    uint64_t id = published                                                ? said->queued->notice_id
                  : said->kind_case == NOTIFICATION__EVENT__KIND_DELIVERED ? said->delivered->notice_id
                                                                           : 0;
    const Noterec__Notice *row = id ? notification_notice(turn, id) : NULL;
    if (!row)
        return;
    struct asking asking = {
        .turn = turn, .event = event, .name = row->queued->notice, .clock = "", .source = row->queued->source};
    asking.record = notification_case(turn, event->case_id);
    if (asking.record)
        say_told_when_complete(&asking);
}

void notification_react(struct turn *turn, const Hb__Event *event)
{
    if (event->case_id == 0)
        return;
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_CASEWORK:
        react_casework(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ESCALATION:
        react_escalation(turn, event);
        return;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        react_own(turn, event);
        return;
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}

/* ---- results of sending: "250 ..." delivered, "5.." failed for good, anything else is tried again ---- */

static int64_t backoff(uint32_t attempt)
{
    int64_t wait = NOTIFICATION_RETRY_FIRST_MS;
    while (attempt-- > 1 && wait < NOTIFICATION_RETRY_MAX_MS)
        wait *= 2;
    return wait < NOTIFICATION_RETRY_MAX_MS ? wait : NOTIFICATION_RETRY_MAX_MS;
}

void notification_effect_done(struct turn *turn, const char *id, uint32_t attempt, struct bytes result)
{
    uint64_t number = strtoull(id, NULL, 16);
    const Noterec__Notice *row = notification_notice(turn, number);
    if (!row)
        return;
    Hb__Event about = HB__EVENT__INIT;
    about.site = row->site;
    about.case_id = row->case_id;
    struct asking asking = {
        .turn = turn, .event = &about, .name = row->queued->notice, .clock = "", .source = row->queued->source};
    asking.record = notification_case(turn, row->case_id);
    char *text = arena_text(turn_arena(turn), (const char *)result.data, result.size);
    if (!utf8_valid(text, result.size))
        text = arena_strdup(turn_arena(turn), "the answer was not text");
    bool delivered = strncmp(text, "250", 3) == 0;
    bool final = !delivered && (text[0] == '5' || attempt >= NOTIFICATION_ATTEMPTS_MAX);
    if (delivered) {
        Notification__NoticeDelivered *said =
            NOTIFICATION_NEW(turn, Notification__NoticeDelivered, notification__notice_delivered__init);
        said->notice_id = number;
        said->attempt = attempt;
        said->proof = text;
        turn_say(turn, own_event(&asking, NOTIFICATION__EVENT__KIND_DELIVERED, said));
    } else if (final) {
        Notification__NoticeFailed *said =
            NOTIFICATION_NEW(turn, Notification__NoticeFailed, notification__notice_failed__init);
        said->notice_id = number;
        said->attempts = attempt;
        said->error = text;
        turn_say(turn, own_event(&asking, NOTIFICATION__EVENT__KIND_FAILED, said));
    } else {
        Notification__NoticeAttemptFailed *said =
            NOTIFICATION_NEW(turn, Notification__NoticeAttemptFailed, notification__notice_attempt_failed__init);
        said->notice_id = number;
        said->attempt = attempt;
        said->error = text;
        said->next_ms = turn_now(turn) + backoff(attempt);
        turn_say(turn, own_event(&asking, NOTIFICATION__EVENT__KIND_ATTEMPT_FAILED, said));
    }
}
