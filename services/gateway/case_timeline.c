/* GET /cases/{id}/timeline: every event of the case as casework heard or said it, oldest first, page by page. */
#include "cases.h"

#include "message/message.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX 200u /* casework gives no more at once */

/* ---- a page ---- */

struct asking {
    struct case_timeline timeline;
    case_timeline_fn *done;
    void *context;
};

static void add_withheld(json_t *json, const Casework__Withheld *withheld)
{
    json_t *fields = withheld ? json_array() : NULL;
    for (size_t i = 0; withheld && i < withheld->n_fields; i++)
        json_array_append_new(fields, json_string(withheld->fields[i]));
    if (fields)
        json_object_set_new(json, "withheld_fields", fields);
}

static const Casework__Withheld *withheld_of(const Casework__Timeline *timeline, size_t event)
{
    for (size_t i = 0; i < timeline->n_withheld; i++)
        if (timeline->withheld[i]->event == event)
            return timeline->withheld[i];
    return NULL;
}

json_t *case_timeline_json(struct http_request *request, const struct case_timeline *timeline)
{
    json_t *events = json_array();
    for (size_t i = 0; i < timeline->count; i++) {
        const Hb__Event *event = (const Hb__Event *)timeline->events[i];
        json_t *json = json_from_message(&event->base, sites_zone(request->gateway, event->site));
        json_object_del(json, "previous_hash");
        add_withheld(json, timeline->withheld[i]);
        json_array_append_new(events, json);
    }
    json_t *page = json_pack("{s:o}", "events", events);
    if (timeline->next)
        json_object_set_new(page, "next", json_integer(timeline->next));
    return page;
}

/* Likely duplicates are told by POST /cases/alike, and there to those who see them. */
static void drop_alike(const ProtobufCMessage *message)
{
    const Hb__Event *event = (const Hb__Event *)message;
    if (event->payload_case == HB__EVENT__PAYLOAD_INTAKE && event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED)
        event->intake->registered->n_alike = 0;
}

/* An event of a newer version that cannot be read here is left out rather than hiding all the others. */
static void unpack(struct http_request *request, struct case_timeline *page, const Casework__Timeline *timeline)
{
    char *why;
    page->next = timeline->next;
    page->events = arena_alloc(&request->arena, (timeline->n_events + 1) * sizeof *page->events);
    page->withheld = arena_alloc(&request->arena, (timeline->n_events + 1) * sizeof(const Casework__Withheld *));
    for (size_t i = 0; i < timeline->n_events; i++)
        if (message_unpack(&hb__event__descriptor, bytes_of(timeline->events[i].data, timeline->events[i].len),
                           &request->arena, &page->events[page->count], &why) == ERR_NONE) {
            page->withheld[page->count] = withheld_of(timeline, i);
            drop_alike(page->events[page->count++]);
        }
}

static void on_timeline(struct http_request *request, void *context, const Hb__Refusal *refused,
                        const Hb__QueryReply *reply)
{
    struct asking *asking = context;
    if (!refused)
        unpack(request, &asking->timeline, reply->casework->timeline);
    asking->done(request, asking->context, refused, &asking->timeline);
}

void case_timeline_ask(struct http_request *request, uint64_t case_id, case_timeline_fn *done, void *context)
{
    struct asking *asking = arena_zero(&request->arena, sizeof *asking);
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetTimeline get = CASEWORK__GET_TIMELINE__INIT;
    uint64_t after = 0, limit = LIMIT_DEFAULT;
    if (!parameter_number(request, "after", 0, UINT32_MAX - 1, &after) ||
        !parameter_number(request, "limit", 1, LIMIT_MAX, &limit))
        return;
    asking->done = done;
    asking->context = context;
    query.case_id = get.case_id = case_id;
    get.after = (uint32_t)after;
    get.limit = (uint32_t)limit;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_TIMELINE;
    casework.timeline = &get;
    cell_query(request, HB__SERVICE__CASEWORK, &query, on_timeline, asking);
}

/* ---- by itself ---- */

struct reading {
    uint64_t case_id;
    const struct case_timeline *timeline;
    const Hb__Refusal *unopened;
    bool masked;
};

static void give_page(struct http_request *request, void *context)
{
    const struct reading *reading = context;
    json_t *page = case_timeline_json(request, reading->timeline);
    json_object_set_new(page, "case_id", json_string(case_id_text(request, reading->case_id)));
    if (reading->masked)
        json_object_set_new(page, "masked", json_true());
    if (reading->unopened)
        json_object_set_new(page, "unopened", problem_json(request, reading->unopened));
    http_respond_json(request, 200, page);
}

static void on_opened(struct http_request *request, void *context, const Hb__Refusal *unopened, bool masked)
{
    struct reading *reading = context;
    const struct case_timeline *timeline = reading->timeline;
    reading->unopened = unopened;
    reading->masked = masked;
    sites_know(request, timeline->count ? ((Hb__Event *)timeline->events[0])->site : "", give_page, reading);
}

static void on_page(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const struct case_timeline *timeline)
{
    struct reading *reading = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    reading->timeline = timeline;
    case_open_texts(request, reading->case_id, timeline->events, timeline->count, on_opened, reading);
}

static void on_found(struct http_request *request, uint64_t case_id)
{
    struct reading *reading = arena_zero(&request->arena, sizeof *reading);
    reading->case_id = case_id;
    case_timeline_ask(request, case_id, on_page, reading);
}

void cases_timeline(struct http_request *request)
{
    case_ref_find(request, on_found);
}
