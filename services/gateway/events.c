#include "events.h"

#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdlib.h>

#define PAGE_DEFAULT 100u

/* ---- a page ---- */

struct page {
    events_page_fn *done;
    void *context;
    const Analytics__Changes *changes;
    bool stale;
};

static void on_sites(struct http_request *request, void *context)
{
    const struct page *page = context;
    page->done(request, page->context, NULL, page->changes, page->stale);
}

static void on_changes(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    struct page *page = context;
    if (refused) {
        page->done(request, page->context, refused, NULL, false);
        return;
    }
    page->changes = reply->analytics->changes;
    page->stale = reply->stale;
    const char **sites = arena_alloc(&request->arena, (page->changes->n_changes + 1) * sizeof *sites);
    size_t count = 0;
    for (size_t i = 0; i < page->changes->n_changes; i++)
        if (!*page->changes->changes[i]->cell)
            sites[count++] = page->changes->changes[i]->site;
    sites_know_all(request, sites, count, on_sites, page);
}

void events_ask(struct http_request *request, uint64_t after, uint32_t limit, events_page_fn *done, void *context)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetChanges get = ANALYTICS__GET_CHANGES__INIT;
    struct page *page = arena_zero(&request->arena, sizeof *page);
    page->done = done;
    page->context = context;
    get.after = after;
    get.limit = limit;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_CHANGES;
    analytics.changes = &get;
    cell_query(request, HB__SERVICE__ANALYTICS, &query, on_changes, page);
}

json_t *events_json(const struct http_request *request, const Analytics__Change *change)
{
    return json_from_message(&change->base, *change->cell ? sites_zone_named(request->gateway, change->zone)
                                                          : sites_zone(request->gateway, change->site));
}

bool events_forgotten(uint64_t after, const Analytics__Changes *changes)
{
    return (after && changes->oldest > after + 1) || after > changes->newest;
}

/* ---- GET /events ---- */

static void give_page(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Analytics__Changes *changes, bool stale)
{
    const uint64_t *after = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < changes->n_changes; i++)
        json_array_append_new(list, events_json(request, changes->changes[i]));
    /* A cursor of another ring (a restored system) would never be reached again: go on from the newest. */
    uint64_t next = *after > changes->newest ? changes->newest : changes->next;
    json_t *page = json_pack("{s:o, s:s}", "changes", list, "next", arena_printf(&request->arena, "%" PRIu64, next));
    if (events_forgotten(*after, changes))
        json_object_set_new(page, "reset", json_true());
    if (stale)
        json_object_set_new(page, "stale", json_true());
    http_respond_json(request, 200, page);
}

static bool take_after(struct http_request *request, bool live, uint64_t *after, bool *given)
{
    const char *last = live ? http_header(request, "Last-Event-ID") : NULL;
    char *end;
    *given = last || http_query(request, "after");
    if (!last)
        return parameter_number(request, "after", 0, UINT64_MAX - 1, after);
    *after = strtoull(last, &end, 10);
    if (*last >= '0' && *last <= '9' && !*end)
        return true;
    static const char *const accepted[] = {"the id of an event", NULL};
    parameter_refuse(request, "Last-Event-ID", accepted);
    return false;
}

void events_get(struct http_request *request)
{
    uint64_t *after = arena_zero(&request->arena, sizeof *after), limit = PAGE_DEFAULT;
    bool live = http_header(request, "Accept") && http_accepts(request, "text/event-stream") &&
                !http_accepts(request, "application/json");
    bool given;
    if (!take_after(request, live, after, &given) || !parameter_number(request, "limit", 1, EVENTS_PAGE_MAX, &limit))
        return;
    if (live)
        events_follow(request, *after, !given);
    else if (parameter_accepts(request, "application/json", "text/event-stream"))
        events_ask(request, *after, (uint32_t)limit, give_page, after);
}
