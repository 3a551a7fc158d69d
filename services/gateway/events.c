#include "events.h"

#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdlib.h>

#define PAGE_DEFAULT 100u
#define NOWHERE (UINT64_MAX - 1) /* beyond every ring: one goes on from its newest */

/* ---- places ---- */

char *events_place_text(struct arena *arena, const struct events_place *place)
{
    char *text = arena_strdup(arena, "");
    for (unsigned i = 0; i < place->count; i++)
        text = arena_printf(arena, "%s%s%" PRIu64, text, i ? "." : "", place->ids[i]);
    return text;
}

static bool place_parse(const char *text, struct events_place *place)
{
    *place = (struct events_place){.count = 0};
    do {
        char *end;
        text += place->count && *text == '.';
        if (*text < '0' || *text > '9' || place->count == EVENTS_RINGS_MAX)
            return false;
        uint64_t id = strtoull(text, &end, 10);
        place->ids[place->count++] = id < NOWHERE ? id : NOWHERE;
        text = end;
    } while (*text == '.');
    return !*text;
}

/* The beginning, however many rings there are. */
static bool from_start(const struct events_place *place)
{
    return place->count == 0 || (place->count == 1 && place->ids[0] == 0);
}

/* ---- a page ---- */

struct asking {
    events_page_fn *done;
    void *context;
    struct events_place after;
    struct events_page page;
    const Analytics__Changes *rings[EVENTS_RINGS_MAX];
    const Hb__Refusal *refused;
    uint32_t limit;
    unsigned left;
};
struct ring {
    struct asking *asking;
    unsigned index;
};

static void on_sites(struct http_request *request, void *context)
{
    const struct asking *asking = context;
    asking->done(request, asking->context, NULL, &asking->page);
}

/* The rings of partitions have no order among them but that of the clock. */
static void merge(struct http_request *request, struct asking *asking)
{
    struct events_page *page = &asking->page;
    struct events_place place = asking->after;
    size_t taken[EVENTS_RINGS_MAX] = {0}, room = 0;
    for (unsigned i = 0; i < place.count; i++)
        room += asking->rings[i]->n_changes;
    page->changes = arena_alloc(&request->arena, (room + 1) * sizeof *page->changes);
    page->places = arena_alloc(&request->arena, (room + 1) * sizeof *page->places);
    while (page->count < asking->limit) {
        unsigned from = place.count;
        for (unsigned i = 0; i < place.count; i++)
            if (taken[i] < asking->rings[i]->n_changes &&
                (from == place.count ||
                 asking->rings[i]->changes[taken[i]]->at_ms < asking->rings[from]->changes[taken[from]]->at_ms))
                from = i;
        if (from == place.count)
            break;
        page->changes[page->count] = asking->rings[from]->changes[taken[from]++];
        place.ids[from] = page->changes[page->count]->id;
        page->places[page->count++] = place;
    }
    page->next = page->newest = place;
    for (unsigned i = 0; i < place.count; i++) {
        const Analytics__Changes *ring = asking->rings[i];
        uint64_t end =
            ring->next < ring->newest ? ring->next : ring->newest; /* a place beyond it was of another ring */
        page->newest.ids[i] = ring->newest;
        page->next.ids[i] = taken[i] == ring->n_changes ? end : place.ids[i];
        page->more = page->more || page->next.ids[i] < ring->newest;
        page->forgotten = page->forgotten || (asking->after.ids[i] && ring->oldest > asking->after.ids[i] + 1) ||
                          asking->after.ids[i] > ring->newest;
    }
}

static void on_changes(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    const struct ring *ring = context;
    struct asking *asking = ring->asking;
    if (refused)
        asking->refused = refused;
    else
        asking->rings[ring->index] = reply->analytics->changes;
    asking->page.stale = asking->page.stale || (reply && reply->stale);
    if (--asking->left)
        return;
    if (asking->refused) {
        asking->done(request, asking->context, asking->refused, NULL);
        return;
    }
    merge(request, asking);
    const char **sites = arena_alloc(&request->arena, (asking->page.count + 1) * sizeof *sites);
    size_t count = 0;
    for (size_t i = 0; i < asking->page.count; i++)
        if (!*asking->page.changes[i]->cell)
            sites[count++] = asking->page.changes[i]->site;
    sites_know_all(request, sites, count, on_sites, asking);
}

static void ask_ring(struct http_request *request, struct asking *asking, unsigned index)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetChanges get = ANALYTICS__GET_CHANGES__INIT;
    struct ring *ring = arena_alloc(&request->arena, sizeof *ring);
    *ring = (struct ring){asking, index};
    get.after = asking->after.ids[index];
    get.limit = asking->limit;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_CHANGES;
    analytics.changes = &get;
    cell_query_at(request, HB__SERVICE__ANALYTICS, index, &query, on_changes, ring);
}

/* A place of fewer or more rings is of before a partition was divided. */
void events_ask(struct http_request *request, const struct events_place *after, uint32_t limit, events_page_fn *done,
                void *context)
{
    struct asking *asking = arena_zero(&request->arena, sizeof *asking);
    size_t rings = cell_partitions(request->gateway, HB__SERVICE__ANALYTICS);
    asking->done = done;
    asking->context = context;
    asking->limit = limit;
    asking->left = asking->after.count = rings < 1 ? 1 : rings < EVENTS_RINGS_MAX ? (unsigned)rings : EVENTS_RINGS_MAX;
    if (after->count == asking->after.count)
        asking->after = *after;
    for (unsigned i = 0; i < asking->after.count && after->count != asking->after.count && !from_start(after); i++)
        asking->after.ids[i] = NOWHERE;
    for (unsigned i = 0; i < asking->after.count; i++)
        ask_ring(request, asking, i);
}

json_t *events_json(struct http_request *request, const Analytics__Change *change, const struct events_place *place)
{
    struct gateway *gateway = request->gateway;
    json_t *json = json_from_message(&change->base, *change->cell ? sites_zone_named(gateway, change->zone)
                                                                  : sites_zone(gateway, change->site));
    json_object_set_new(json, "id", json_string(events_place_text(&request->arena, place)));
    return json;
}

/* ---- GET /events ---- */

static void give_page(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const struct events_page *page)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < page->count; i++)
        json_array_append_new(list, events_json(request, page->changes[i], &page->places[i]));
    json_t *answer = json_pack("{s:o, s:s}", "changes", list, "next", events_place_text(&request->arena, &page->next));
    if (page->forgotten)
        json_object_set_new(answer, "reset", json_true());
    cell_mark_stale(request, page->stale, answer);
    http_respond_json(request, 200, answer);
}

static bool take_after(struct http_request *request, bool live, struct events_place *after, bool *given)
{
    const char *last = live ? http_header(request, "Last-Event-ID") : NULL, *query = http_query(request, "after");
    static const char *const accepted[] = {"the id of an event", NULL};
    *given = last || query;
    *after = (struct events_place){.count = 0};
    if (!*given || place_parse(last ? last : query, after))
        return true;
    parameter_refuse(request, last ? "Last-Event-ID" : "after", accepted);
    return false;
}

void events_get(struct http_request *request)
{
    struct events_place *after = arena_alloc(&request->arena, sizeof *after);
    uint64_t limit = PAGE_DEFAULT;
    bool live = http_header(request, "Accept") && http_accepts(request, "text/event-stream") &&
                !http_accepts(request, "application/json");
    bool given;
    if (!take_after(request, live, after, &given) || !parameter_number(request, "limit", 1, EVENTS_PAGE_MAX, &limit))
        return;
    if (live)
        events_follow(request, after, !given);
    else if (parameter_accepts(request, "application/json", "text/event-stream"))
        events_ask(request, after, (uint32_t)limit, give_page, NULL);
}
