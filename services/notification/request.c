/* A request for a notice, or a level reached: to whom it goes and in which channel. Up to 16 addressees are told at
   once; more are a job that tells 16 in every step (design.md 3). The list is made when the request is heard: nobody is
   told twice, whoever joins or leaves meanwhile. */
#include "message/message.h"
#include "notification.h"

#include <inttypes.h>

#define PARTITION_SHIFT 54

/* ---- reading a request ---- */

static const Policy__Clock *clock_of(const struct notification_request *request)
{
    const Policy__Kind *kind = request->policy ? policy_kind(request->policy, request->record->kind) : NULL;
    return kind ? policy_clock(kind, request->clock) : NULL;
}

/* That under which it was asked for: the case may have been moved to another since, or not yet. */
static uint32_t version_of(const struct notification_request *request)
{
    return request->event->policy_version ? request->event->policy_version : request->record->policy_version;
}

static bool begin(struct notification_request *request, struct turn *turn, const Hb__Event *event, const char *name)
{
    *request = (struct notification_request){
        .turn = turn, .event = event, .name = name, .rule = "", .clock = "", .source = event_position(turn, event)};
    request->record = notification_case(turn, event->case_id);
    if (!request->record)
        return false;
    request->policy = organisation_policy(turn, request->record->site, version_of(request));
    request->notice = request->policy ? policy_notice(request->policy, name) : NULL;
    return true;
}

/* To whom the notice's `to` means; that of an extension, where it names nobody, to whom the clock's clause names. */
static void whom_it_means(struct notification_request *request)
{
    const Policy__Clock *clock = clock_of(request);
    Policy__Who *told = clock && clock->extend ? clock->extend->told : NULL;
    bool named = request->notice && request->notice->n_to;
    Policy__Who **to = named ? request->notice->to : &told;
    size_t count = named ? request->notice->n_to : told ? 1 : 0;
    struct facts facts = {request->record->facts, request->record->n_facts};
    const Directory__Person **persons =
        who_persons(request->turn, request->event->site, to, count, &facts, &request->complainant);
    for (; *persons; persons++)
        TURN_ADD(request->turn, request->persons, request->persons_count, (*persons)->id);
}

bool notification_request_read(struct notification_request *request, struct turn *turn, const Hb__Event *event)
{
    bool casework = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
                    event->casework->kind_case == CASEWORK__EVENT__KIND_NOTICE_REQUESTED;
    const Escalation__Event *level = event->payload_case == HB__EVENT__PAYLOAD_ESCALATION ? event->escalation : NULL;
    if (casework && begin(request, turn, event, event->casework->notice_requested->notice)) {
        request->rule = event->casework->notice_requested->rule;
        request->round = event->casework->notice_requested->round;
        request->clock = event->casework->notice_requested->clock;
        request->due_ms = event->casework->notice_requested->due_ms;
        request->letter = event->casework->notice_requested->letter;
        if (event->casework->notice_requested->tells)
            request->tells = notification_case(turn, event->casework->notice_requested->tells);
        whom_it_means(request);
        return true;
    }
    if (level && level->kind_case == ESCALATION__EVENT__KIND_REACHED &&
        begin(request, turn, event, level->reached->notice)) {
        request->clock = level->reached->clock;
        request->round = level->reached->round;
        request->due_ms = level->reached->due_ms;
        request->level = level->reached->level;
        request->persons = level->reached->told;
        request->persons_count = level->reached->n_told;
        return true;
    }
    if (level && level->kind_case == ESCALATION__EVENT__KIND_CANCELLED && begin(request, turn, event, "withdrawn")) {
        request->clock = level->cancelled->clock;
        request->persons = level->cancelled->told;
        request->persons_count = level->cancelled->n_told;
        return true;
    }
    return false;
}

size_t notification_addressees(const struct notification_request *request)
{
    return request->persons_count + request->complainant;
}

/* ---- in which channel: the first of the policy's `by` that reaches the addressee, and after a failure the next ----
 */

struct way {
    const char *channel, *status, *reason;
    char **passed; /* do not reach him */
    size_t passed_count;
};

struct ways {
    char *const *by;
    size_t count;
};

static struct ways ways_of(const Policy__Notice *notice)
{
    static char *const usual[] = {(char *)(uintptr_t) "email", (char *)(uintptr_t) "portal"};
    return notice && notice->n_by ? (struct ways){notice->by, notice->n_by}
                                  : (struct ways){usual, sizeof usual / sizeof *usual};
}

static bool complainant_has_address(const struct notification_request *request)
{
    if (request->record->party.len == 0)
        return false;
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&intake__party__descriptor,
                            bytes_of(request->record->party.data, request->record->party.len),
                            turn_arena(request->turn), &message, &why) == ERR_NONE);
    const Intake__Party *party = (const Intake__Party *)message;
    return party->email && party->email->kind_case == HB__PERSONAL__KIND_SEALED;
}

/* Nobody but the complainant reads the portal, and of a case that a rule opened for nobody there is none with a code to
   look with; what no program sends, a person must do. `person` NULL: the complainant. Channels from `from` on. */
static struct way way_to(const struct notification_request *request, const Directory__Person *person, size_t from)
{
    struct ways ways = ways_of(request->notice);
    bool address = person ? *person->email != 0 : complainant_has_address(request);
    struct way way = {.channel = "log", .status = "due", .reason = "no address"};
    for (size_t i = from; i < ways.count; i++) {
        bool email = strcmp(ways.by[i], "email") == 0, portal = strcmp(ways.by[i], "portal") == 0;
        if (email ? address : !portal || (!person && !request->record->nobody_waits))
            return (struct way){ways.by[i],
                                email    ? "queued"
                                : portal ? "published"
                                         : "due",
                                email || portal ? "" : "by a person", way.passed, way.passed_count};
        TURN_ADD(request->turn, way.passed, way.passed_count, ways.by[i]);
    }
    return way;
}

/* ---- saying ---- */

/* Rows are in order of their ids, which begin with the partition: no two logs of a cell give the same. */
static uint64_t next_id(struct turn *turn)
{
    uint64_t first = (uint64_t)turn_partition(turn) << PARTITION_SHIFT;
    struct key before = key_u64(first | ((1ull << PARTITION_SHIFT) - 1));
    struct bytes last;
    bool any = state_before(turn, NOTIFICATION_NOTICE, (struct bytes){0}, key_bytes(&before), &last) &&
               bytes_get_u64(last.data) >= first;
    return (any ? bytes_get_u64(last.data) : first) + 1;
}

Hb__Event *notification_event(const struct notification_request *request, Notification__Event__KindCase kind,
                              void *payload)
{
    Hb__Event *event = turn_event(request->turn, request->event->site, request->event->case_id);
    event->policy_version = version_of(request);
    event->generation = request->event->generation;
    if (request->event->history) { /* a job has no event at hand that would tell */
        event->history = true;
        event->occurred_ms = request->event->occurred_ms;
    }
    event->payload_case = HB__EVENT__PAYLOAD_NOTIFICATION;
    event->notification = TURN_NEW(request->turn, Notification__Event, notification__event__init);
    event->notification->kind_case = kind;
    event->notification->queued = payload; /* all arms share one pointer */
    if (request->notice)
        event_clauses(request->turn, event, request->notice->clauses, request->notice->n_clauses);
    return event;
}

static Hb__Label *subject_of(const struct notification_request *request)
{
    const Policy__Notice *notice = request->notice;
    bool subject = notice && notice->subject && *notice->subject->zh;
    return label_new(request->turn, notification_fill(request, subject ? notice->subject->zh : "{number}", false),
                     notification_fill(request, subject ? notice->subject->en : "{number}", true));
}

static Notification__NoticeQueued *queued_new(const struct notification_request *request, uint64_t id, struct way way)
{
    struct turn *turn = request->turn;
    int64_t from_ms = notification_within_hours(turn, request->event->site, request->notice, turn_now(turn));
    Notification__NoticeQueued *queued = TURN_NEW(turn, Notification__NoticeQueued, notification__notice_queued__init);
    queued->notice_id = id;
    queued->channel = (char *)(uintptr_t)way.channel;
    queued->status = (char *)(uintptr_t)way.status;
    queued->reason = (char *)(uintptr_t)way.reason;
    queued->passed = way.passed;
    queued->n_passed = way.passed_count;
    if (strcmp(way.status, "queued") == 0 && from_ms > turn_now(turn))
        queued->not_before_ms = from_ms;
    /* with the epoch: after a restore another notice stands where a lost one, sent already, stood */
    queued->message_id = arena_printf(turn_arena(turn), "<%016" PRIx64 ".%" PRIu32 ".%" PRIx64 "@hearback>", id,
                                      turn_restored(turn).epoch, turn_cell(turn));
    return queued;
}

static void queue(const struct notification_request *request, uint64_t id, const char *person, bool complainant,
                  struct way way, size_t more)
{
    struct turn *turn = request->turn;
    const Policy__Notice *notice = request->notice;
    Notification__NoticeQueued *queued = queued_new(request, id, way);
    queued->notice = (char *)(uintptr_t)request->name;
    queued->person = (char *)(uintptr_t)person;
    queued->complainant = complainant;
    queued->source = request->source;
    queued->more = (uint32_t)more;
    queued->round = request->round;
    queued->rule = (char *)(uintptr_t)request->rule;
    queued->letter = request->letter;
    queued->subject = subject_of(request);
    queued->text = notice ? label_new(turn, notification_fill(request, notice->text->zh, false),
                                      notification_fill(request, notice->text->en, true))
                          : NULL;
    turn_say(turn, notification_event(request, NOTIFICATION__EVENT__KIND_QUEUED, queued));
}

Notification__NoticeQueued *notification_next_way(const struct notification_request *about,
                                                  const Notification__NoticeQueued *failed)
{
    struct turn *turn = about->turn;
    struct ways ways = ways_of(about->notice);
    const Directory__Person *person = failed->complainant ? NULL : organisation_person(turn, failed->person);
    size_t tried = 0;
    while (tried < ways.count && strcmp(ways.by[tried], failed->channel) != 0)
        tried++;
    if (tried == ways.count || (!failed->complainant && !person))
        return NULL;
    struct way way = way_to(about, person, tried + 1);
    if (strcmp(way.channel, "log") == 0)
        return NULL;
    Notification__NoticeQueued *next = queued_new(about, next_id(turn), way);
    next->notice = failed->notice;
    next->person = failed->person;
    next->complainant = failed->complainant;
    next->source = failed->source;
    next->round = failed->round;
    next->rule = failed->rule;
    next->subject = failed->subject;
    next->text = failed->text;
    next->letter = failed->letter;
    next->after = failed->notice_id;
    return next;
}

static void queue_one(const struct notification_request *request, uint64_t id, size_t index)
{
    size_t more = notification_addressees(request) - index - 1;
    bool complainant = index == request->persons_count;
    const char *name = complainant ? "" : request->persons[index];
    const Directory__Person *person = complainant ? NULL : organisation_person(request->turn, name);
    struct way way = complainant || person
                         ? way_to(request, person, 0)
                         : (struct way){.channel = "log", .status = "not_sent", .reason = "not known"};
    if (request->event->history)
        way.status = "not_sent", way.reason = "history";
    queue(request, id, name, complainant, way, more);
}

/* Addressees from `from` on, at most `most`. */
static void tell(const struct notification_request *request, size_t from, size_t most)
{
    uint64_t id = next_id(request->turn);
    for (size_t i = 0; i < most && from + i < notification_addressees(request); i++)
        queue_one(request, id + i, from + i);
}

void notification_request_meet(const struct notification_request *request)
{
    bool asked = notification_asked(request->turn, request->source, request->name) != NULL; /* a job does it */
    bool casework = request->event->payload_case == HB__EVENT__PAYLOAD_CASEWORK;
    if (!asked && notification_addressees(request))
        tell(request, 0, TURN_TARGETS_MAX);
    else if (!asked && casework) /* escalation says itself when a level has nobody to tell */
        queue(request, next_id(request->turn), "", false,
              (struct way){.channel = "log",
                           .status = "not_sent",
                           .reason = request->event->history ? "history" : "nobody to tell"},
              0);
}

/* ---- many addressees ---- */

void notification_evolve_request(struct turn *turn, const Hb__Event *event)
{
    struct notification_request request;
    if (!notification_request_read(&request, turn, event) || notification_addressees(&request) <= TURN_TARGETS_MAX)
        return;
    Noterec__Asked asked = NOTEREC__ASKED__INIT;
    asked.more = true;
    notification_asked_save(turn, request.source, request.name, &asked);
    struct bytes packed = message_pack(&event->base, turn_arena(turn));
    Noterec__Telling telling = NOTEREC__TELLING__INIT;
    telling.event = (ProtobufCBinaryData){packed.size, (uint8_t *)(uintptr_t)packed.data};
    telling.persons = request.persons;
    telling.n_persons = request.persons_count;
    telling.complainant = request.complainant;
    turn_job_add(turn, "tell", request.name, message_pack(&telling.base, turn_arena(turn)));
}

static void *unpack(struct turn *turn, const ProtobufCMessageDescriptor *descriptor, struct bytes packed)
{
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(descriptor, packed, turn_arena(turn), &message, &why) == ERR_NONE); /* our own row */
    return message;
}

struct bytes notification_job_step(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                                   unsigned keys_max)
{
    (void)what;
    const Noterec__Telling *telling = unpack(turn, &noterec__telling__descriptor, payload);
    const Hb__Event *event = unpack(turn, &hb__event__descriptor, bytes_of(telling->event.data, telling->event.len));
    struct notification_request request;
    bug_unless(notification_request_read(&request, turn, event));
    request.persons = telling->persons;
    request.persons_count = telling->n_persons;
    request.complainant = telling->complainant;
    size_t from = next.size ? bytes_get_u32(next.data) : 0;
    size_t most = keys_max < TURN_TARGETS_MAX ? keys_max : TURN_TARGETS_MAX;
    tell(&request, from, most);
    struct key key = {.size = 0};
    key_add_u32(&key, (uint32_t)(from + most));
    return from + most < notification_addressees(&request) ? arena_copy(turn_arena(turn), key_bytes(&key))
                                                           : (struct bytes){0};
}
