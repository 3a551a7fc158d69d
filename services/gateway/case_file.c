/* GET /cases/{id}: the case file, its texts opened for those who may read them. With ?with=timeline a page of what
   happened comes along: who reads a case reads both, and that is one opening, not two. */
#include "cases.h"

#include "message/message.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#include <inttypes.h>

struct reading {
    uint64_t case_id;
    Casework__CaseFile *file;
    Intake__Party *party; /* NULL: none */
    bool with_timeline;
    const struct case_timeline *timeline; /* NULL: not asked for */
    const Hb__Refusal *unopened;
    bool masked;
};

void case_file_ask(struct http_request *request, uint64_t case_id, cell_query_fn *done, void *context)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetCase get = CASEWORK__GET_CASE__INIT;
    query.case_id = get.case_id = case_id;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_GET;
    casework.get = &get;
    cell_query(request, HB__SERVICE__CASEWORK, &query, done, context);
}

static void give_file(struct http_request *request, void *context)
{
    const struct reading *reading = context;
    const struct zone *zone = sites_zone(request->gateway, reading->file->site);
    reading->file->party = (ProtobufCBinaryData){0};
    json_t *json = json_from_message(&reading->file->base, zone);
    if (reading->party)
        json_object_set_new(json, "party", json_from_message(&reading->party->base, zone));
    if (reading->timeline)
        json_object_set_new(json, "timeline", case_timeline_json(request, reading->timeline));
    if (reading->masked)
        json_object_set_new(json, "masked", json_true());
    if (reading->unopened)
        json_object_set_new(json, "unopened", problem_json(request, reading->unopened));
    http_respond_json(request, 200, json);
}

static void on_opened(struct http_request *request, void *context, const Hb__Refusal *unopened, bool masked)
{
    struct reading *reading = context;
    reading->unopened = unopened;
    reading->masked = masked;
    sites_know(request, reading->file->site, give_file, reading);
}

static void open_file(struct http_request *request, struct reading *reading)
{
    const struct case_timeline *timeline = reading->timeline;
    size_t events = timeline ? timeline->count : 0, count = 0;
    ProtobufCMessage **messages = arena_alloc(&request->arena, (events + 2) * sizeof *messages), *party;
    char *why;
    messages[count++] = &reading->file->base;
    if (reading->file->party.len &&
        message_unpack(&intake__party__descriptor, bytes_of(reading->file->party.data, reading->file->party.len),
                       &request->arena, &party, &why) == ERR_NONE) {
        messages[count++] = party;
        reading->party = (Intake__Party *)party;
    }
    for (size_t i = 0; i < events; i++)
        messages[count++] = timeline->events[i];
    case_open_texts(request, reading->case_id, messages, count, on_opened, reading);
}

static void on_timeline(struct http_request *request, void *context, const Hb__Refusal *refused,
                        const struct case_timeline *timeline)
{
    struct reading *reading = context;
    reading->timeline = timeline;
    if (refused)
        problem_respond(request, refused);
    else
        open_file(request, reading);
}

static void on_file(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct reading *reading = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    reading->file = reply->casework->file;
    const char *etag = arena_printf(&request->arena, "\"%" PRIu64 "\"", reading->file->version);
    const char *known = http_header(request, "If-None-Match");
    http_set(request, "ETag", etag);
    if (reading->with_timeline) /* which grows without a new version of the case */
        case_timeline_ask(request, reading->case_id, on_timeline, reading);
    else if (known && strcmp(known, etag) == 0)
        http_respond(request, 304, NULL, (struct bytes){0});
    else
        open_file(request, reading);
}

static void on_found(struct http_request *request, uint64_t case_id)
{
    static const char *const choices[] = {"timeline", NULL};
    struct reading *reading = arena_zero(&request->arena, sizeof *reading);
    unsigned with = 1;
    if (!parameter_choice(request, "with", choices, &with))
        return;
    reading->with_timeline = with == 0;
    reading->case_id = case_id;
    case_file_ask(request, case_id, on_file, reading);
}

void cases_file(struct http_request *request)
{
    case_ref_find(request, on_found);
}
