/* GET /cases: a page of the list, or all of it as CSV or XLSX; GET /cases/count: how many a site has of it. */
#include "case_export.h"

#include "account_limit.h"
#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#define LIMIT_DEFAULT 50u
#define LIMIT_MAX 1000u

/* ---- the query parameters ---- */

static const struct {
    const char *name;
    uint32_t phases[4];
} phases[] = {
    {"new", {POLICY__PHASE__NEW}},
    {"working", {POLICY__PHASE__WORKING}},
    {"waiting", {POLICY__PHASE__WAITING}},
    {"done", {POLICY__PHASE__DONE}},
    {"closed", {POLICY__PHASE__CLOSED}},
    {"archived", {POLICY__PHASE__ARCHIVED}},
    {"open", {POLICY__PHASE__NEW, POLICY__PHASE__WORKING, POLICY__PHASE__WAITING, POLICY__PHASE__DONE}},
};
#define PHASES (sizeof phases / sizeof *phases)

static void add_phase(struct arena *arena, Analytics__Filter *filter, uint32_t phase)
{
    filter->phases = arena_grow(arena, filter->phases, filter->n_phases, sizeof *filter->phases);
    filter->phases[filter->n_phases++] = phase;
}

static bool take_phase(struct http_request *request, const char *name, size_t size, Analytics__Filter *filter)
{
    for (size_t i = 0; i < PHASES; i++)
        if (strlen(phases[i].name) == size && strncmp(phases[i].name, name, size) == 0) {
            for (size_t p = 0; p < 4 && phases[i].phases[p]; p++)
                add_phase(&request->arena, filter, phases[i].phases[p]);
            return true;
        }
    const char *accepted[PHASES + 1] = {0};
    for (size_t i = 0; i < PHASES; i++)
        accepted[i] = phases[i].name;
    parameter_refuse(request, "phase", accepted);
    return false;
}

/* "phase=new,working" */
static bool take_phases(struct http_request *request, Analytics__Filter *filter)
{
    const char *list = http_query(request, "phase");
    while (list && *list) {
        size_t size = strcspn(list, ",");
        if (!take_phase(request, list, size, filter))
            return false;
        list += size + (list[size] == ',');
    }
    return true;
}

bool case_list_filter(struct http_request *request, struct case_list *list)
{
    static const char *const orders[] = {"newest", "oldest", "due", "urgent", NULL},
                             *const truths[] = {"true", "false", NULL}, *const rated[] = {"true", "false", "*", NULL},
                             *const numbers[] = {"hits", "among", "lacking", NULL},
                             *const approvals[] = {"mine", "any", NULL};
    Analytics__Filter *filter = &list->filter;
    unsigned order = 0, overdue = 1, on_time = 3, counted = 0, extended = 1, sealed = 1, duty = 1, approval = 2,
             escalated = 1, reopened = 1, returned = 1, responded = 1, late = 1;
    analytics__filter__init(filter);
    const struct zone *zone = sites_zone(request->gateway, list->site);
    list->cursor = parameter_text(request, "cursor");
    list->text = parameter_text(request, "text");
    list->phone = parameter_text(request, "phone");
    filter->department = parameter_text(request, "department");
    filter->handler = parameter_text(request, "handler");
    filter->escalated_to = parameter_text(request, "escalated_to");
    filter->kind = parameter_text(request, "kind");
    filter->category = parameter_text(request, "category");
    filter->stage = parameter_text(request, "stage");
    filter->number = parameter_text(request, "number");
    filter->joint = parameter_text(request, "joint");
    filter->step = parameter_text(request, "step");
    filter->satisfied = parameter_text(request, "satisfied");
    filter->place = parameter_text(request, "place");
    filter->indicator = parameter_text(request, "indicator");
    filter->period = parameter_text(request, "period");
    filter->who = parameter_text(request, "who");
    uint64_t case_id = 0;
    if (!parameter_number(request, "case_id", 1, UINT64_MAX - 1, &case_id))
        return false;
    filter->case_id = case_id;
    filter->external_id = parameter_text(request, "external_id");
    if (!take_phases(request, filter) || !parameter_choice(request, "order", orders, &order) ||
        !parameter_choice(request, "overdue", truths, &overdue) || !parameter_choice(request, "late", truths, &late) ||
        !parameter_choice(request, "on_time", rated, &on_time) ||
        !parameter_choice(request, "sealed", truths, &sealed) || !parameter_choice(request, "duty", truths, &duty) ||
        !parameter_choice(request, "approval", approvals, &approval) ||
        !parameter_choice(request, "escalated", truths, &escalated) ||
        !parameter_choice(request, "reopened", truths, &reopened) ||
        !parameter_choice(request, "returned", truths, &returned) ||
        !parameter_choice(request, "responded", truths, &responded) ||
        !parameter_choice(request, "extended", truths, &extended) ||
        !parameter_choice(request, "counted", numbers, &counted) ||
        !parameter_time(request, "received_from", zone, &filter->received_from_ms) ||
        !parameter_time(request, "received_to", zone, &filter->received_to_ms) ||
        !parameter_time(request, "due_from", zone, &filter->due_from_ms) ||
        !parameter_time(request, "due_to", zone, &filter->due_to_ms) ||
        !parameter_number(request, "limit", 1, LIMIT_MAX, &list->limit))
        return false;
    list->oldest_first = order == 1;
    list->by_due = order >= 2;
    list->urgent_first = order == 3;
    filter->overdue = overdue == 0;
    filter->late = late == 0;
    filter->sealed = sealed == 0;
    filter->duty = duty == 0;
    filter->reopened = reopened == 0;
    filter->returned = returned == 0;
    filter->responded = responded == 0;
    filter->extended = extended == 0;
    filter->counted = (char *)(uintptr_t)numbers[counted];
    filter->escalated = escalated == 0;
    filter->approval = (char *)(uintptr_t)(approval < 2 ? approvals[approval] : "");
    filter->on_time = (char *)(uintptr_t)(on_time < 3 ? rated[on_time] : "");
    return true;
}

void case_list_refuse_no_site(struct http_request *request)
{
    Hb__Refusal *refusal = problem_new(request, 400, "bad_parameter", "须指明站点", "name the site");
    refusal->field = arena_strdup(&request->arena, "site");
    problem_respond(request, refusal);
}

/* ---- asking ---- */

void case_list_ask(struct http_request *request, struct case_list *list, uint32_t limit, cell_query_fn *done,
                   void *context)
{
    if (list->text && (*list->text || *list->phone) && !list->filter.n_case_ids) {
        case_search_ask(request, list, limit, done, context);
        return;
    }
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases cases = ANALYTICS__LIST_CASES__INIT;
    query.site = (char *)(uintptr_t)list->site;
    query.cell = list->cell;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &cases;
    cases.filter = &list->filter;
    cases.cursor = (char *)(uintptr_t)list->cursor;
    cases.limit = limit;
    cases.oldest_first = list->oldest_first;
    cases.by_due = list->by_due;
    cases.urgent_first = list->urgent_first;
    cell_query(request, HB__SERVICE__ANALYTICS, &query, done, context);
}

void case_list_know_sites(struct http_request *request, const Analytics__CaseList *list, sites_done_fn *done,
                          void *context)
{
    const char **sites = arena_alloc(&request->arena, (list->n_rows + 1) * sizeof *sites);
    size_t count = 0;
    for (size_t i = 0; i < list->n_rows; i++)
        if (!*list->rows[i]->cell) /* another cell's row bears its zone itself */
            sites[count++] = list->rows[i]->site;
    sites_know_all(request, sites, count, done, context);
}

const struct zone *case_list_zone(struct http_request *request, const Analytics__CaseRow *row)
{
    return *row->cell ? sites_zone_named(request->gateway, row->zone) : sites_zone(request->gateway, row->site);
}

/* ---- one page as JSON ---- */

static void give_page(struct http_request *request, void *context)
{
    const Analytics__CaseList *list = context;
    json_t *rows = json_array();
    for (size_t i = 0; i < list->n_rows; i++)
        json_array_append_new(rows, json_from_message(&list->rows[i]->base, case_list_zone(request, list->rows[i])));
    json_t *page = json_pack("{s:o}", "rows", rows);
    if (*list->cursor)
        json_object_set_new(page, "cursor", json_string(list->cursor));
    cell_mark_stale(request, list->stale, page);
    http_respond_json(request, 200, page);
}

void case_list_give(struct http_request *request, Analytics__CaseList *list)
{
    case_list_know_sites(request, list, give_page, list);
}

static uint32_t page_rows(const struct case_list *list)
{
    return (uint32_t)(list->limit ? list->limit : LIMIT_DEFAULT);
}

static void on_page(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    Analytics__CaseList *list = reply->analytics->list;
    struct case_list *wanted = context;
    if (list->n_rows == 0 && *list->cursor) { /* so much was looked at in vain: on from there */
        if (problem_when_gone(request))
            return;
        wanted->cursor = arena_strdup(&request->arena, list->cursor);
        case_list_ask(request, wanted, page_rows(wanted), on_page, wanted);
        return;
    }
    list->stale = list->stale || reply->stale;
    case_list_give(request, list);
}

/* By the date due there are pages only: while a file is being made dates move, and what is found in texts comes by
 * receipt. */
static bool check_order(struct http_request *request, const struct case_list *list, bool file)
{
    static const char *const steady[] = {"newest", "oldest", NULL};
    if (!list->by_due || (!file && !*list->text && !*list->phone))
        return true;
    parameter_refuse(request, "order", steady);
    return false;
}

/* Texts are searched at one site, whose intake holds their keys. */
static bool check_search(struct http_request *request, const struct case_list *list)
{
    if (!*list->text && !*list->phone)
        return true;
    if (*list->site)
        return account_may(request, ACCOUNT_SEARCHES);
    case_list_refuse_no_site(request);
    return false;
}

void case_list_of_site(struct http_request *request, struct case_list *list, sites_done_fn *done, void *context)
{
    list->site = parameter_text(request, "site");
    if (!*list->site)
        case_list_refuse_no_site(request);
    else if (cells_parameter(request, &list->cell))
        sites_know(request, list->site, done, context);
}

/* With the site's zone at hand: times in the parameters may be local ones. */
static void on_site(struct http_request *request, void *context)
{
    static const char *const formats[] = {"json", "csv", "xlsx", NULL};
    struct case_list *list = context;
    unsigned format = !http_accepts(request, "application/json") && http_accepts(request, "text/csv");
    if (!parameter_choice(request, "format", formats, &format) || !case_list_filter(request, list) ||
        !check_order(request, list, format != 0) || !check_search(request, list) ||
        (format && !account_may(request, ACCOUNT_FILES)))
        return;
    if (format)
        case_export_stream(request, list, format == 1 ? &case_csv : &case_xlsx);
    else if (parameter_accepts(request, "application/json", "text/csv"))
        case_list_ask(request, list, page_rows(list), on_page, list);
}

void cases_list(struct http_request *request)
{
    struct case_list *list = arena_zero(&request->arena, sizeof *list);
    if (!cells_parameter(request, &list->cell))
        return;
    list->site = parameter_text(request, "site");
    sites_know(request, list->site, on_site, list);
}

/* ---- how many ---- */

struct counting {
    struct case_list list;
    uint64_t count;
    bool stale;
};

static void ask_count(struct http_request *request, struct counting *counting);

/* A part of a large count says where to go on. */
static void on_count(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    struct counting *counting = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const Analytics__Count *count = reply->analytics->count;
    counting->count += count->count;
    counting->stale = counting->stale || reply->stale;
    if (*count->cursor) {
        if (problem_when_gone(request))
            return;
        counting->list.cursor = arena_strdup(&request->arena, count->cursor);
        ask_count(request, counting);
        return;
    }
    json_t *json = json_pack("{s:I}", "count", (json_int_t)counting->count);
    if (counting->stale)
        json_object_set_new(json, "stale", json_true());
    http_respond_json(request, 200, json);
}

static void ask_count(struct http_request *request, struct counting *counting)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__CountCases cases = ANALYTICS__COUNT_CASES__INIT;
    query.site = (char *)(uintptr_t)counting->list.site;
    query.cell = counting->list.cell;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_COUNT;
    analytics.count = &cases;
    cases.filter = &counting->list.filter;
    cases.cursor = (char *)(uintptr_t)counting->list.cursor;
    cell_query(request, HB__SERVICE__ANALYTICS, &query, on_count, counting);
}

static void on_site_counted(struct http_request *request, void *context)
{
    struct counting *counting = context;
    if (case_list_filter(request, &counting->list))
        ask_count(request, counting);
}

void cases_count(struct http_request *request)
{
    struct counting *counting = arena_zero(&request->arena, sizeof *counting);
    case_list_of_site(request, &counting->list, on_site_counted, counting);
}
