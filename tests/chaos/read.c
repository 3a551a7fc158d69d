#include "read.h"

#include "message/message.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_BYTES 16u

static void say_digest(struct bytes shown)
{
    uint8_t digest[DIGEST_BYTES];
    char text[2 * DIGEST_BYTES + 1];
    crypto_generichash(digest, sizeof digest, shown.data, shown.size, NULL, 0);
    printf("%s\n", sodium_bin2hex(text, sizeof text, digest, sizeof digest));
}

/* A field's place in a message; NULL: it is one of several of which another is there. */
static const void *member(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *base = (const char *)message;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF && *(const uint32_t *)(base + field->quantifier_offset) != field->id)
        return NULL;
    return base + field->offset;
}

/* What an answer lists, each by itself: an answer may have less, and nothing that another has not. */
static void say_items(struct group *group, const ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const void *place = member(message, field);
        if (!place || (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_BYTES))
            continue;
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            const ProtobufCMessage *inner = *(ProtobufCMessage *const *)place;
            if (field->type == PROTOBUF_C_TYPE_MESSAGE && inner)
                say_items(group, inner);
            continue;
        }
        size_t count = *(const size_t *)((const char *)message + field->quantifier_offset);
        for (size_t n = 0; n < count; n++) {
            printf(" %s ", field->name);
            if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                say_digest(message_pack((*(ProtobufCMessage * *const *)place)[n], &group->arena));
            } else {
                const ProtobufCBinaryData *bytes = &(*(ProtobufCBinaryData *const *)place)[n];
                say_digest((struct bytes){bytes->data, bytes->len});
            }
        }
    }
}

/* One line: who was asked what, and a digest of the answer, or why there is none; then a line for each thing it lists.
 */
static void ask(struct group *group, Hb__Service service, const char *what, uint64_t case_id, Hb__Query *query)
{
    struct arena_mark mark = arena_mark(&group->arena);
    query->case_id = case_id;
    const Hb__QueryReply *reply = simulation_query(group->simulation, service, query, &group->arena);
    printf("%s %" PRIu64 " ", what, case_id);
    if (!reply) {
        printf("no answer\n");
    } else if (reply->refused) {
        printf("refused %s\n", reply->refused->code);
    } else {
        say_digest(message_pack(&reply->base, &group->arena));
        say_items(group, &reply->base);
    }
    fflush(stdout);
    arena_return(&group->arena, mark);
}

/* Who may read and open what he asks for. */
static Hb__Actor *coordinator(struct group *group)
{
    Hb__Command command;
    group_act_fill(group, &command, 0, "chen", "", NULL);
    return command.actor;
}

static void read_casework(struct group *group, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetCase get = CASEWORK__GET_CASE__INIT;
    Casework__GetTimeline timeline = CASEWORK__GET_TIMELINE__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    get.case_id = timeline.case_id = case_id;
    casework.kind_case = CASEWORK__QUERY__KIND_GET;
    casework.get = &get;
    ask(group, HB__SERVICE__CASEWORK, "file", case_id, &query);
    casework.kind_case = CASEWORK__QUERY__KIND_TIMELINE;
    casework.timeline = &timeline;
    ask(group, HB__SERVICE__CASEWORK, "timeline", case_id, &query);
}

static void read_routing(struct group *group, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    Routing__Query routing = ROUTING__QUERY__INIT;
    Routing__WhyRouted why = ROUTING__WHY_ROUTED__INIT;
    query.actor = coordinator(group);
    query.payload_case = HB__QUERY__PAYLOAD_ROUTING;
    query.routing = &routing;
    why.case_id = case_id;
    routing.kind_case = ROUTING__QUERY__KIND_WHY;
    routing.why = &why;
    ask(group, HB__SERVICE__ROUTING, "owner", case_id, &query);
}

static void read_watchdog(struct group *group, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetClocks get = WATCHDOG__GET_CLOCKS__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    get.case_id = case_id;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_CLOCKS;
    watchdog.clocks = &get;
    ask(group, HB__SERVICE__WATCHDOG, "clocks", case_id, &query);
}

static void read_escalation(struct group *group, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    Escalation__Query escalation = ESCALATION__QUERY__INIT;
    Escalation__GetLevels get = ESCALATION__GET_LEVELS__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_ESCALATION;
    query.escalation = &escalation;
    get.case_id = case_id;
    escalation.kind_case = ESCALATION__QUERY__KIND_LEVELS;
    escalation.levels = &get;
    ask(group, HB__SERVICE__ESCALATION, "levels", case_id, &query);
}

static void read_notification(struct group *group, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    Notification__Query notification = NOTIFICATION__QUERY__INIT;
    Notification__GetNotices get = NOTIFICATION__GET_NOTICES__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_NOTIFICATION;
    query.notification = &notification;
    get.case_id = case_id;
    notification.kind_case = NOTIFICATION__QUERY__KIND_NOTICES;
    notification.notices = &get;
    ask(group, HB__SERVICE__NOTIFICATION, "notices", case_id, &query);
}

/* The list with this case alone; without one the site's figures. */
static void read_analytics(struct group *group, uint64_t case_id)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    Analytics__Filter filter = ANALYTICS__FILTER__INIT;
    Analytics__GetKpi kpi = ANALYTICS__GET_KPI__INIT;
    query.site = "haitang";
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    filter.case_id = case_id;
    list.filter = &filter;
    analytics.kind_case = case_id ? ANALYTICS__QUERY__KIND_LIST : ANALYTICS__QUERY__KIND_KPI;
    if (case_id)
        analytics.list = &list;
    else
        analytics.kpi = &kpi;
    ask(group, HB__SERVICE__ANALYTICS, case_id ? "row" : "figures", case_id, &query);
}

static void read_directory(struct group *group)
{
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetOrganisation get = DIRECTORY__GET_ORGANISATION__INIT;
    Directory__GetPolicy policy = DIRECTORY__GET_POLICY__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_ORGANISATION;
    directory.organisation = &get;
    ask(group, HB__SERVICE__DIRECTORY, "organisation", 0, &query);
    policy.site = "haitang";
    directory.kind_case = DIRECTORY__QUERY__KIND_POLICY;
    directory.policy = &policy;
    ask(group, HB__SERVICE__DIRECTORY, "policy", 0, &query);
}

/* The text of a case and its first file, by whoever may open them. */
static const Hb__CommandReply *open_sealed(struct group *group, const Casework__CaseFile *file, const char *attached)
{
    Hb__Command command;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    Intake__Open open = INTAKE__OPEN__INIT;
    group_act_fill(group, &command, file->case_id, "chen", "", NULL);
    command.id = arena_printf(&group->arena, "0000000000001-o%" PRIu64, file->case_id);
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_OPEN;
    intake.open = &open;
    open.purpose = "call back";
    open.n_boxes = 1;
    open.boxes = &file->text->sealed;
    open.n_files = attached ? 1 : 0;
    open.files = (char **)(uintptr_t)&attached;
    return simulation_command(group->simulation, HB__SERVICE__INTAKE, &command, &group->arena);
}

static void read_content(struct group *group, uint64_t case_id, const char *file, uint64_t opened_at)
{
    for (uint32_t chunk = 0; chunk < 2; chunk++) {
        Hb__Query query = HB__QUERY__INIT;
        Intake__Query intake = INTAKE__QUERY__INIT;
        Intake__ReadFile read = INTAKE__READ_FILE__INIT;
        query.actor = coordinator(group);
        query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
        query.intake = &intake;
        intake.kind_case = INTAKE__QUERY__KIND_READ_FILE;
        intake.read_file = &read;
        read.file = (char *)(uintptr_t)file;
        read.chunk = chunk;
        read.opened_at = opened_at;
        ask(group, HB__SERVICE__INTAKE, chunk ? "content_end" : "content", case_id, &query);
    }
}

static void read_intake(struct group *group, uint64_t case_id)
{
    struct arena_mark mark = arena_mark(&group->arena);
    const Casework__CaseFile *file = group_case(group, case_id, "chen");
    if (!file || !file->text || file->text->kind_case != HB__PERSONAL__KIND_SEALED)
        return;
    const char *attached = file->n_attachments ? file->attachments[0]->file : NULL;
    const Hb__CommandReply *reply = open_sealed(group, file, attached);
    printf("text %" PRIu64 " ", case_id);
    if (!reply || reply->refused) {
        printf("refused %s\n", reply ? reply->refused->code : "no answer");
    } else if (reply->opened->n_gone || reply->opened->unopened) {
        printf("gone\n");
    } else {
        const char *text = reply->opened->texts[0];
        say_digest((struct bytes){(const uint8_t *)text, strlen(text)});
        if (attached)
            read_content(group, case_id, attached, reply->opened->opened_at);
    }
    fflush(stdout);
    arena_return(&group->arena, mark);
}

void read_all(struct group *group, const uint64_t *cases, size_t count)
{
    read_directory(group);
    read_analytics(group, 0);
    for (size_t i = 0; i < count; i++) {
        read_casework(group, cases[i]);
        read_routing(group, cases[i]);
        read_watchdog(group, cases[i]);
        read_escalation(group, cases[i]);
        read_notification(group, cases[i]);
        read_analytics(group, cases[i]);
    }
}

void open_all(struct group *group, const uint64_t *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        read_intake(group, cases[i]);
}
