/* Search in sealed texts: intake, which alone can open them, says which cases match; analytics, which of those the
   account sees and the rest of the filter lets pass. A page goes on until it is full or nothing is left, so that
   neither its length nor its cursor tells of cases that match and are hidden. */
#include "cases.h"

#include "account_limit.h"
#include "body.h"
#include "parameters.h"
#include "problem.h"

#include <inttypes.h>

#define ALIKE_SHOWN_MAX 5u
#define MATCHES_MAX 500u /* of intake, to one question */

struct searching {
    struct case_list *wanted;
    struct case_list found; /* the same filter, of the cases that match */
    uint32_t limit, ask;
    const char *after; /* where intake goes on */
    Analytics__CaseList *page;
    bool stale;
    cell_query_fn *done;
    void *context;
};

static void ask_intake(struct http_request *request, struct searching *searching);

/* ---- a page ---- */

static void finish(struct http_request *request, struct searching *searching)
{
    Hb__QueryReply *reply = arena_alloc(&request->arena, sizeof *reply);
    Analytics__Reply *analytics = arena_alloc(&request->arena, sizeof *analytics);
    Analytics__CaseList *page = searching->page;
    hb__query_reply__init(reply);
    analytics__reply__init(analytics);
    reply->stale = searching->stale;
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_ANALYTICS;
    reply->analytics = analytics;
    analytics->kind_case = ANALYTICS__REPLY__KIND_LIST;
    analytics->list = page;
    if (page->n_rows == searching->limit) {
        const Analytics__CaseRow *last = page->rows[page->n_rows - 1];
        page->cursor =
            arena_printf(&request->arena, "%" PRIx64 "-%" PRIx64, (uint64_t)last->received_ms, last->case_id);
    }
    searching->done(request, searching->context, NULL, reply);
}

static void go_on(struct http_request *request, struct searching *searching)
{
    if (searching->page->n_rows < searching->limit && *searching->after && request->connection) /* somebody waits */
        ask_intake(request, searching);
    else
        finish(request, searching);
}

static void on_rows(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct searching *searching = context;
    Analytics__CaseList *page = searching->page;
    if (refused) {
        searching->done(request, searching->context, refused, NULL);
        return;
    }
    searching->stale = searching->stale || reply->stale;
    const Analytics__CaseList *rows = reply->analytics->list;
    for (size_t i = 0; i < rows->n_rows && page->n_rows < searching->limit; i++)
        page->rows[page->n_rows++] = rows->rows[i];
    go_on(request, searching);
}

static void on_found(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__CommandReply *reply)
{
    struct searching *searching = context;
    if (refused || reply->payload_case != HB__COMMAND_REPLY__PAYLOAD_FOUND) {
        if (!refused)
            refused = cell_refuse_down(request, HB__SERVICE__INTAKE);
        if (!*searching->after) /* at its very beginning: nothing was opened, and nothing recorded */
            account_give_back(request, ACCOUNT_SEARCHES);
        searching->done(request, searching->context, refused, NULL);
        return;
    }
    const Intake__Found *found = reply->found;
    searching->after = arena_strdup(&request->arena, found->next);
    searching->ask = MATCHES_MAX; /* what was found so far is not enough: few of those that match are seen */
    if (!found->n_case_ids) {
        go_on(request, searching);
        return;
    }
    searching->found.filter.case_ids = found->case_ids;
    searching->found.filter.n_case_ids = found->n_case_ids;
    case_list_ask(request, &searching->found, (uint32_t)found->n_case_ids, on_rows, searching);
}

static void ask_intake(struct http_request *request, struct searching *searching)
{
    const struct case_list *wanted = searching->wanted;
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    Intake__Search search = INTAKE__SEARCH__INIT;
    char id[CELL_COMMAND_ID_CHARACTERS + 1];
    search.text = (char *)(uintptr_t)wanted->text;
    search.phone = (char *)(uintptr_t)wanted->phone;
    search.after = (char *)(uintptr_t)searching->after;
    search.limit = searching->ask;
    search.oldest_first = wanted->oldest_first;
    search.received_from_ms = wanted->filter.received_from_ms;
    search.received_to_ms = wanted->filter.received_to_ms;
    cell_command_id_new(id);
    command.id = id;
    command.site = (char *)(uintptr_t)wanted->site;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_SEARCH;
    intake.search = &search;
    cell_command(request, HB__SERVICE__INTAKE, &command, 0, on_found, searching);
}

void case_search_ask(struct http_request *request, struct case_list *list, uint32_t limit, cell_query_fn *done,
                     void *context)
{
    struct searching *searching = arena_zero(&request->arena, sizeof *searching);
    *searching = (struct searching){
        .wanted = list, .found = *list, .limit = limit, .after = list->cursor, .done = done, .context = context};
    searching->ask = limit < MATCHES_MAX ? limit : MATCHES_MAX;
    searching->found.cursor = "";
    searching->page = arena_alloc(&request->arena, sizeof *searching->page);
    analytics__case_list__init(searching->page);
    searching->page->rows = arena_alloc(&request->arena, (limit + 1) * sizeof(Analytics__CaseRow *));
    ask_intake(request, searching);
}

/* ---- likely duplicates ---- */

/* The likeliest first, as intake has them: of those the account sees. */
static void on_alike_rows(struct http_request *request, void *context, const Hb__Refusal *refused,
                          const Hb__QueryReply *reply)
{
    const Analytics__Filter *filter = &((const struct case_list *)context)->filter;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    Analytics__CaseList *list = reply->analytics->list;
    Analytics__CaseRow *rows[ALIKE_SHOWN_MAX];
    size_t count = 0;
    for (size_t i = 0; i < filter->n_case_ids; i++)
        for (size_t r = 0; r < list->n_rows && count < ALIKE_SHOWN_MAX; r++)
            if (list->rows[r]->case_id == filter->case_ids[i])
                rows[count++] = list->rows[r];
    for (size_t i = 0; i < count; i++)
        list->rows[i] = rows[i];
    list->n_rows = count;
    list->stale = list->stale || reply->stale;
    list->cursor = "";
    case_list_give(request, list);
}

static void on_alike(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    struct case_list *list = context;
    if (refused) {
        if (*list->text)
            account_give_back(request, ACCOUNT_SEARCHES);
        problem_respond(request, refused);
        return;
    }
    const Intake__Alike *alike = reply->intake->alike;
    if (!alike->n_case_ids) {
        Analytics__CaseList *none = arena_alloc(&request->arena, sizeof *none);
        analytics__case_list__init(none);
        case_list_give(request, none);
        return;
    }
    list->filter.case_ids = alike->case_ids;
    list->filter.n_case_ids = alike->n_case_ids;
    case_list_ask(request, list, (uint32_t)alike->n_case_ids, on_alike_rows, list);
}

/* What is being typed comes as a body: addresses are written down on their way. */
void cases_alike(struct http_request *request)
{
    struct case_list *list = arena_zero(&request->arena, sizeof *list);
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    const Hb__Refusal *wrong = NULL;
    json_t *body = body_object(request, false);
    if (!body)
        return;
    intake.kind_case = INTAKE__QUERY__KIND_ALIKE;
    intake.alike = (Intake__FindAlike *)body_message(request, body, &intake__find_alike__descriptor, "", &wrong);
    if (wrong) {
        problem_respond(request, wrong);
        return;
    }
    list->site = query.site = parameter_text(request, "site");
    list->text = intake.alike->text;
    list->phone = list->cursor = "";
    analytics__filter__init(&list->filter);
    if (!*list->site) {
        case_list_refuse_no_site(request);
        return;
    }
    if (*list->text && !account_may(request, ACCOUNT_SEARCHES))
        return;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    cell_query(request, HB__SERVICE__INTAKE, &query, on_alike, list);
}
