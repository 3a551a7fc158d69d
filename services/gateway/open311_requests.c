/* GET requests, one of them, tokens and updates. Without a key: public problems, as the portal lists them; with one:
   what its account may read. No text: those are sealed, and opened one by one for a purpose. */
#include "open311_call.h"

#include "policy/lookup.h"
#include "json/json.h"

#include <stdlib.h>

#define DAY_MS (24 * 60 * 60 * 1000ll)
#define SPAN_MS (90 * DAY_MS)
#define REQUESTS_MAX 1000u   /* of one answer, as the specification says */
#define ASKED_MAX 20u        /* times that analytics is asked for one answer: some 200,000 cases are looked at */
#define LOOKED_AT_MAX 20000u /* rows it may give for that; where that is not all, who asks is told to ask for less */
#define IDS_MAX 50u

struct asking {
    struct call *call;
    bool updates;           /* as updates, by when they changed */
    bool one;               /* a single number, which must be there */
    const char *token;      /* asked for by a token, which here is the number itself */
    int64_t from_ms, to_ms; /* 0: no bound */
    bool open, closed;      /* neither: both */
    char *codes[IDS_MAX];   /* none: all */
    size_t codes_count;
    char *ids[IDS_MAX]; /* these alone, one after the other */
    size_t ids_count, ids_at;
    size_t skip, limit, looked;
    unsigned asked;
    const char *cursor;
    json_t *list;
};

/* ---- one row ---- */

static bool is_closed(const Analytics__CaseRow *row)
{
    return row->phase >= POLICY__PHASE__CLOSED;
}

static int64_t changed_ms(const Analytics__CaseRow *row)
{
    return row->closed_ms ? row->closed_ms : row->changed_ms ? row->changed_ms : row->received_ms;
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *request_of(const struct asking *asking, const Analytics__CaseRow *row, const Policy__Kind *kind)
{
    const struct call *call = asking->call;
    const Policy__Stage *stage = policy_stage(kind, row->stage);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:n, s:o, s:n}", "service_request_id", row->number, "status",
                             is_closed(row) ? "closed" : "open", "status_notes",
                             stage ? portal_label(call->visit->language, stage->label) : row->stage, "service_name",
                             call_service_name(call, kind, row->category), "service_code",
                             call_service_code(call, row->kind, row->category), "description", "agency_responsible",
                             text_or_null(visit_department(call->visit, row->department)), "service_notice");
    json_object_set_new(json, "requested_datetime", call_time(call, row->received_ms));
    json_object_set_new(json, "updated_datetime", call_time(call, changed_ms(row)));
    json_object_set_new(json, "expected_datetime", call_time(call, row->due_ms));
    json_object_set_new(json, "address", text_or_null(row->place));
    static const char *const unknown[] = {"address_id", "zipcode", "lat", "long", "media_url"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        json_object_set_new(json, unknown[i], json_null());
    return json;
}

/* A case is told as it stands: changes between two looks are one. The id differs with each change. */
static json_t *update_of(const struct asking *asking, const Analytics__CaseRow *row, const Policy__Kind *kind)
{
    const struct call *call = asking->call;
    const Policy__Stage *stage = policy_stage(kind, row->stage);
    return json_pack("{s:o, s:s, s:s, s:o, s:s, s:n}", "update_id",
                     json_sprintf("%s-%llu", row->number, (unsigned long long)row->version), "service_request_id",
                     row->number, "status", is_closed(row) ? "closed" : "open", "updated_datetime",
                     call_time(call, changed_ms(row)), "description",
                     stage ? portal_label(call->visit->language, stage->label) : row->stage, "media_url");
}

static bool has_code(const struct asking *asking, const Analytics__CaseRow *row)
{
    for (size_t i = 0; i < asking->codes_count; i++)
        if (strcmp(asking->codes[i], call_service_code(asking->call, row->kind, row->category)) == 0)
            return true;
    return asking->codes_count == 0;
}

static bool fits(const struct asking *asking, const Analytics__CaseRow *row)
{
    if (asking->ids_count)
        return strcmp(row->number, asking->ids[asking->ids_at]) == 0;
    if (asking->updates && (changed_ms(row) < asking->from_ms || (asking->to_ms && changed_ms(row) > asking->to_ms)))
        return false;
    return has_code(asking, row) &&
           (!(asking->open || asking->closed) || (is_closed(row) ? asking->closed : asking->open));
}

static void take(struct asking *asking, const Analytics__CaseRow *row)
{
    const Policy__Kind *kind = policy_kind(asking->call->visit->policy, row->kind);
    if (!kind || !fits(asking, row) || json_array_size(asking->list) >= asking->limit)
        return;
    if (asking->skip) {
        asking->skip--;
        return;
    }
    json_array_append_new(
        asking->list, asking->token ? json_pack("{s:s, s:s}", "service_request_id", row->number, "token", asking->token)
                      : asking->updates ? update_of(asking, row, kind)
                                        : request_of(asking, row, kind));
}

/* ---- asking analytics, page by page ---- */

static void ask(struct asking *asking);

static void finish(struct asking *asking)
{
    struct http_request *request = asking->call->request;
    bool full = json_array_size(asking->list) >= asking->limit;
    bool none = asking->one && json_array_size(asking->list) == 0;
    if (none) {
        json_decref(asking->list);
        call_fail(request, 404, asking->token ? "没有这个 token" : "没有这个 service_request_id",
                  asking->token ? "token was not found" : "service_request_id was not found");
    } else if (!asking->ids_count && !full && *asking->cursor) { /* a part would look like the whole */
        json_decref(asking->list);
        call_fail(request, 400, "案件过多：请缩短 start_date 至 end_date，或只查一个 service_code",
                  "too many cases: give a shorter span of start_date and end_date, or one service_code");
    } else if (asking->updates) {
        call_answer(request, 200, "service_request_updates", "request_update", asking->list);
    } else {
        call_answer(request, 200, "service_requests", "request", asking->list);
    }
}

static void on_list(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct asking *asking = context;
    if (refused) {
        json_decref(asking->list);
        open311_refuse(request, refused);
        return;
    }
    const Analytics__CaseList *list = reply->analytics->list;
    for (size_t i = 0; i < list->n_rows; i++)
        take(asking, list->rows[i]);
    asking->looked += list->n_rows;
    asking->cursor = list->cursor;
    bool enough =
        json_array_size(asking->list) >= asking->limit || asking->looked >= LOOKED_AT_MAX ||
        ++asking->asked >= ASKED_MAX; /* where nothing is public a page has no rows, and there may be very many */
    if (asking->ids_count ? ++asking->ids_at < asking->ids_count : !enough && *asking->cursor)
        ask(asking);
    else
        finish(asking);
}

static uint32_t phases_open[] = {POLICY__PHASE__NEW, POLICY__PHASE__WORKING, POLICY__PHASE__WAITING,
                                 POLICY__PHASE__DONE};
static uint32_t phases_closed[] = {POLICY__PHASE__CLOSED, POLICY__PHASE__ARCHIVED};

/* One code names a kind and a category, several a kind where it is the same of all. */
static void take_codes(const struct asking *asking, Analytics__Filter *filter)
{
    struct arena *arena = &asking->call->request->arena;
    for (size_t i = 0; i < asking->codes_count; i++) {
        size_t size = strcspn(asking->codes[i], ":");
        if (strncmp(asking->codes[0], asking->codes[i], size) != 0 || strcspn(asking->codes[0], ":") != size)
            return;
    }
    if (!asking->codes_count)
        return;
    size_t size = strcspn(asking->codes[0], ":");
    filter->kind = arena_text(arena, asking->codes[0], size);
    if (asking->codes_count == 1 && asking->codes[0][size])
        filter->category = asking->codes[0] + size + 1;
}

/* What is asked for is looked for there: of what is tried here, page by page, much would have to come. */
static void take_filter(const struct asking *asking, Analytics__Filter *filter)
{
    int64_t before_ms = asking->to_ms ? asking->to_ms + 1 : 0;
    take_codes(asking, filter);
    if (asking->open != asking->closed) {
        filter->phases = asking->open ? phases_open : phases_closed;
        filter->n_phases =
            asking->open ? sizeof phases_open / sizeof *phases_open : sizeof phases_closed / sizeof *phases_closed;
    }
    *(asking->updates ? &filter->changed_from_ms : &filter->received_from_ms) = asking->from_ms;
    *(asking->updates ? &filter->changed_to_ms : &filter->received_to_ms) = before_ms;
}

static void ask(struct asking *asking)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    Analytics__Filter filter = ANALYTICS__FILTER__INIT;
    query.site = asking->call->visit->site->id;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &list;
    list.filter = &filter;
    list.limit = REQUESTS_MAX;
    list.cursor = asking->ids_count ? "" : (char *)(uintptr_t)asking->cursor;
    if (asking->ids_count)
        filter.number = asking->ids[asking->ids_at];
    else
        take_filter(asking, &filter);
    cell_query(asking->call->request, HB__SERVICE__ANALYTICS, &query, on_list, asking);
}

/* ---- what was asked ---- */

static bool bad(struct asking *asking, const char *zh, const char *en)
{
    json_decref(asking->list);
    call_fail(asking->call->request, 400, zh, en);
    return false;
}

static bool words(struct asking *asking, const char *text, char **list, size_t *count)
{
    for (const char *at = text; at && *at;) {
        size_t size = strcspn(at, ",");
        if (size && *count == IDS_MAX)
            return bad(asking, "一次最多 50 个", "at most 50 at once");
        if (size)
            list[(*count)++] = arena_text(&asking->call->request->arena, at, size);
        at += size + (at[size] == ',');
    }
    return true;
}

static bool time_of(struct asking *asking, const char *name, int64_t *ms_out)
{
    const char *text = call_value(asking->call, name);
    if (!text || json_time_parse(text, asking->call->visit->page.zone, ms_out))
        return true;
    return bad(asking, "start_date、end_date 的格式如 2010-01-01T00:00:00Z",
               "start_date and end_date are written as 2010-01-01T00:00:00Z");
}

/* One bound gives the other; none is the last 90 days. */
static bool span(struct asking *asking)
{
    if (!time_of(asking, "start_date", &asking->from_ms) || !time_of(asking, "end_date", &asking->to_ms))
        return false;
    if (!asking->to_ms)
        asking->to_ms = asking->from_ms ? asking->from_ms + SPAN_MS : asking->call->request->came_ms;
    if (!asking->from_ms)
        asking->from_ms = asking->to_ms - SPAN_MS;
    return asking->to_ms - asking->from_ms <= SPAN_MS || bad(asking, "start_date 至 end_date 不得超过 90 天",
                                                             "start_date to end_date may not span more than 90 days");
}

static bool statuses(struct asking *asking)
{
    char *list[IDS_MAX];
    size_t count = 0;
    if (!words(asking, call_value(asking->call, "status"), list, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool open = strcmp(list[i], "open") == 0, closed = strcmp(list[i], "closed") == 0;
        if (!open && !closed)
            return bad(asking, "status 可为 open、closed", "status is open or closed");
        asking->open |= open;
        asking->closed |= closed;
    }
    return true;
}

static bool number_of(struct asking *asking, const char *name, size_t least, size_t most, size_t *out)
{
    const char *text = call_value(asking->call, name);
    char *end = NULL;
    unsigned long long value = text ? strtoull(text, &end, 10) : *out;
    if (text && (*end || *text < '0' || *text > '9' || value < least || value > most))
        return bad(asking, "page 从 1 起，page_size 为 1 至 1000", "page begins with 1, page_size is 1 to 1000");
    *out = (size_t)value;
    return true;
}

static bool page(struct asking *asking)
{
    size_t number = 1;
    if (!number_of(asking, "page_size", 1, REQUESTS_MAX, &asking->limit) ||
        !number_of(asking, "page", 1, LOOKED_AT_MAX, &number))
        return false;
    asking->skip = (number - 1) * asking->limit;
    return true;
}

static struct asking *asking_new(struct call *call)
{
    struct asking *asking = arena_zero(&call->request->arena, sizeof *asking);
    asking->call = call;
    asking->limit = REQUESTS_MAX;
    asking->cursor = "";
    asking->list = json_array();
    return asking;
}

/* service_request_id overrides all else. */
static void many(struct asking *asking)
{
    if (!words(asking, call_value(asking->call, "service_request_id"), asking->ids, &asking->ids_count))
        return;
    if (asking->ids_count ||
        (span(asking) && statuses(asking) && page(asking) &&
         words(asking, call_value(asking->call, "service_code"), asking->codes, &asking->codes_count)))
        ask(asking);
}

static void requests(struct call *call)
{
    many(asking_new(call));
}

static void updates(struct call *call)
{
    struct asking *asking = asking_new(call);
    asking->updates = true;
    many(asking);
}

static struct asking *one_of(struct call *call)
{
    struct asking *asking = asking_new(call);
    asking->one = true;
    asking->ids[asking->ids_count++] = (char *)(uintptr_t)call->name;
    return asking;
}

static void one(struct call *call)
{
    ask(one_of(call));
}

static void token(struct call *call)
{
    struct asking *asking = one_of(call);
    asking->token = call->name;
    ask(asking);
}

void open311_requests(struct http_request *request)
{
    call_begin(request, http_param(request, "format"), &request->gateway->portal->viewing, false, requests);
}

void open311_updates(struct http_request *request)
{
    call_begin(request, http_param(request, "format"), &request->gateway->portal->viewing, false, updates);
}

void open311_request(struct http_request *request)
{
    call_begin(request, http_param(request, "id"), &request->gateway->portal->viewing, false, one);
}

void open311_token(struct http_request *request)
{
    call_begin(request, http_param(request, "token"), &request->gateway->portal->viewing, false, token);
}
