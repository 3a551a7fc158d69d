#include "analytics.h"

#include <stdio.h>
#include <stdlib.h>

static bool may_see(struct turn *turn, const Hb__Query *query, const char *scope, const char *site)
{
    return !query->actor || rights_may(turn, query->actor, scope, site);
}

static bool may_see_figures(struct turn *turn, const Hb__Query *query, const char *site)
{
    return may_see(turn, query, "report", site) || may_see(turn, query, "read", site);
}

static bool differs(const char *wanted, const char *have)
{
    return *wanted && strcmp(wanted, have) != 0;
}

static bool fits(const Analytics__Filter *filter, const Analytics__CaseRow *row)
{
    if (!filter)
        return true;
    if (differs(filter->department, row->department) || differs(filter->handler, row->handler) ||
        differs(filter->kind, row->kind) || differs(filter->category, row->category) ||
        differs(filter->stage, row->stage) || differs(filter->on_time, row->on_time) ||
        differs(filter->external_id, row->external_id))
        return false;
    if (*filter->number && strncmp(filter->number, row->number, strlen(filter->number)) != 0)
        return false;
    if (filter->overdue && (strcmp(row->on_time, "false") != 0 || row->closed_ms))
        return false;
    if ((filter->received_from_ms && row->received_ms < filter->received_from_ms) ||
        (filter->received_to_ms && row->received_ms >= filter->received_to_ms))
        return false;
    bool phase = filter->n_phases == 0;
    for (size_t i = 0; i < filter->n_phases; i++)
        phase = phase || filter->phases[i] == row->phase;
    return phase;
}

static Analytics__CaseRow *row_of(struct turn *turn, uint64_t case_id)
{
    const Anarec__Case *one = analytics_load(turn, case_id);
    return one ? one->row : NULL;
}

/* ---- lists: each site's cases in order of receipt, several sites merged; the cursor is where the page before ended.
   That is (received, case id), which means the same place in every site's order ---- */

struct place {
    uint64_t received, id;
};

/* One site's cases, from the cursor on in the wanted direction. */
struct line {
    const char *site;
    struct key prefix;
    struct state_scan *scan; /* oldest first */
    struct place next;
    bool more;
};

struct listing {
    struct turn *turn;
    const Analytics__ListCases *wanted;
    struct line *lines;
    size_t count;
    uint32_t limit;
    Analytics__CaseList *list;
};

static bool earlier(struct place a, struct place b)
{
    return a.received < b.received || (a.received == b.received && a.id < b.id);
}

static struct place place_of(const struct line *line, struct bytes key)
{
    return (struct place){bytes_get_u64(key.data + line->prefix.size), bytes_get_u64(key.data + line->prefix.size + 8)};
}

static struct key key_at(const struct line *line, struct place place)
{
    struct key key = line->prefix;
    key_add_u64(&key, place.received);
    key_add_u64(&key, place.id);
    return key;
}

static void line_step(const struct listing *listing, struct line *line)
{
    struct bytes key, value;
    struct key before = key_at(line, line->next);
    line->more = listing->wanted->oldest_first
                     ? state_scan_next(line->scan, &key, &value)
                     : state_before(listing->turn, ANALYTICS_ORDER, key_bytes(&line->prefix), key_bytes(&before), &key);
    if (line->more)
        line->next = place_of(line, key);
}

static void line_open(const struct listing *listing, struct line *line, struct place from)
{
    line->prefix = key_text(line->site);
    line->next = from;
    if (listing->wanted->oldest_first) {
        struct key key = key_at(line, (struct place){from.received, from.id + (*listing->wanted->cursor != 0)});
        line->scan = state_scan_open(listing->turn, ANALYTICS_ORDER, key_bytes(&line->prefix), key_bytes(&key));
    }
    line_step(listing, line);
}

static bool cursor_parse(const char *text, struct place *place_out)
{
    unsigned long long received, id;
    int used = 0;
    if (sscanf(text, "%llx-%llx%n", &received, &id, &used) != 2 || text[used])
        return false;
    *place_out = (struct place){received, id};
    return true;
}

static struct line *next_line(const struct listing *listing)
{
    struct line *next = NULL;
    for (size_t i = 0; i < listing->count; i++) {
        struct line *line = &listing->lines[i];
        if (!line->more)
            continue;
        bool before = !next || (listing->wanted->oldest_first ? earlier(line->next, next->next)
                                                              : earlier(next->next, line->next));
        next = before ? line : next;
    }
    return next;
}

static void walk(struct listing *listing)
{
    struct place last = {0};
    struct line *line;
    Analytics__CaseList *list = listing->list;
    while (list->n_rows < listing->limit && (line = next_line(listing))) {
        Analytics__CaseRow *row = row_of(listing->turn, line->next.id);
        last = line->next;
        if (row && fits(listing->wanted->filter, row))
            list->rows[list->n_rows++] = row;
        line_step(listing, line);
    }
    if (list->n_rows == listing->limit)
        list->cursor = arena_printf(turn_arena(listing->turn), "%llx-%llx", (unsigned long long)last.received,
                                    (unsigned long long)last.id);
}

/* ---- by a case number or an external id: the index says which cases, or that there are none ---- */

static bool add_indexed(const struct listing *listing, unsigned table, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < listing->count; i++) {
        struct key key = key_text(listing->lines[i].site);
        struct bytes id;
        key_add_text(&key, name);
        if (!state_get(listing->turn, table, key_bytes(&key), &id))
            continue;
        found = true;
        Analytics__CaseRow *row = row_of(listing->turn, bytes_get_u64(id.data));
        if (row && fits(listing->wanted->filter, row) && listing->list->n_rows < listing->limit)
            listing->list->rows[listing->list->n_rows++] = row;
    }
    return found;
}

static bool begins_any(const struct listing *listing, const char *number)
{
    for (size_t i = 0; i < listing->count; i++) {
        struct key key = key_text(listing->lines[i].site);
        struct bytes found, value;
        key_add(&key, number, strlen(number));
        struct state_scan *scan = state_scan_open(listing->turn, ANALYTICS_NUMBER, key_bytes(&key), (struct bytes){0});
        if (state_scan_next(scan, &found, &value))
            return true;
    }
    return false;
}

/* A whole case number goes before all that begin with it. */
static bool by_index(const struct listing *listing)
{
    const Analytics__Filter *filter = listing->wanted->filter;
    if (!filter || strlen(filter->external_id) > ANALYTICS_NAME_MAX || strlen(filter->number) > ANALYTICS_NAME_MAX)
        return filter != NULL;
    if (*filter->external_id) {
        add_indexed(listing, ANALYTICS_EXTERNAL, filter->external_id);
        return true;
    }
    return *filter->number &&
           (add_indexed(listing, ANALYTICS_NUMBER, filter->number) || !begins_any(listing, filter->number));
}

/* ---- which sites ---- */

static void add_line(struct listing *listing, const char *site)
{
    listing->lines = arena_grow(turn_arena(listing->turn), listing->lines, listing->count, sizeof *listing->lines);
    listing->lines[listing->count++] = (struct line){.site = site};
}

static void answer_list(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    struct listing listing = {.turn = turn, .wanted = query->analytics->list};
    uint32_t limit = listing.wanted->limit ? listing.wanted->limit : ANALYTICS_LIST_DEFAULT;
    struct place from = listing.wanted->oldest_first ? (struct place){0} : (struct place){UINT64_MAX, UINT64_MAX};
    listing.limit = limit < ANALYTICS_LIST_MAX ? limit : ANALYTICS_LIST_MAX;
    reply->kind_case = ANALYTICS__REPLY__KIND_LIST;
    listing.list = reply->list = ANALYTICS_NEW(turn, Analytics__CaseList, analytics__case_list__init);
    listing.list->rows = arena_alloc(turn_arena(turn), listing.limit * sizeof *listing.list->rows);
    if (*listing.wanted->cursor && !cursor_parse(listing.wanted->cursor, &from)) {
        Hb__Refusal *refusal =
            turn_refuse(turn, 422, "bad_field", "翻页游标无效", "this cursor was not given by a list");
        refusal_field(turn, refusal, "cursor");
        return;
    }
    if (*query->site)
        add_line(&listing, query->site);
    for (const Directory__Site **site = organisation_sites(turn); !*query->site && *site; site++)
        if (may_see(turn, query, "read", (*site)->id))
            add_line(&listing, (*site)->id);
    if (by_index(&listing))
        return;
    for (size_t i = 0; i < listing.count; i++)
        line_open(&listing, &listing.lines[i], from);
    walk(&listing);
}

/* ---- figures ---- */

struct figures_list {
    Analytics__Figures **list;
    size_t count;
};

static Analytics__Figures *figures_under(struct turn *turn, struct figures_list *under, char *name)
{
    for (size_t i = 0; i < under->count; i++)
        if (strcmp(under->list[i]->key, name) == 0)
            return under->list[i];
    Analytics__Figures *fresh = ANALYTICS_NEW(turn, Analytics__Figures, analytics__figures__init);
    fresh->key = name;
    under->list = arena_grow(turn_arena(turn), under->list, under->count, sizeof *under->list);
    return under->list[under->count++] = fresh;
}

static void add_dimension(struct turn *turn, const char *site, const char *dimension, struct figures_list *under)
{
    struct key prefix = key_text(site);
    key_add_text(&prefix, dimension);
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_FIGURES, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    while (state_scan_next(scan, &key, &value)) {
        const Analytics__Figures *figures = state_load(turn, ANALYTICS_FIGURES, key, &analytics__figures__descriptor);
        if (figures->registered)
            analytics_figures_add(figures_under(turn, under, figures->key), figures);
    }
}

static void answer_kpi(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    static const char *const dimensions[] = {"total", "category", "kind", "department", "period"};
    struct figures_list under[5] = {{0}};
    reply->kind_case = ANALYTICS__REPLY__KIND_KPI;
    Analytics__Kpi *kpi = reply->kpi = ANALYTICS_NEW(turn, Analytics__Kpi, analytics__kpi__init);
    kpi->site = query->site;
    for (const Directory__Site **site = organisation_sites(turn); *site; site++)
        if (*query->site ? strcmp((*site)->id, query->site) == 0 : may_see_figures(turn, query, (*site)->id))
            for (size_t i = 0; i < 5; i++)
                add_dimension(turn, (*site)->id, dimensions[i], &under[i]);
    kpi->total = figures_under(turn, &under[0], (char *)(uintptr_t) "");
    kpi->categories = under[1].list;
    kpi->n_categories = under[1].count;
    kpi->kinds = under[2].list;
    kpi->n_kinds = under[2].count;
    kpi->departments = under[3].list;
    kpi->n_departments = under[3].count;
    kpi->periods = under[4].list;
    kpi->n_periods = under[4].count;
}

static void answer_count(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    reply->kind_case = ANALYTICS__REPLY__KIND_COUNT;
    reply->count = ANALYTICS_NEW(turn, Analytics__Count, analytics__count__init);
    struct key prefix = key_text(query->site);
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_ORDER, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    while (state_scan_next(scan, &key, &value)) {
        const Analytics__CaseRow *row = row_of(turn, bytes_get_u64(key.data + prefix.size + 8));
        reply->count->count += row && fits(query->analytics->count->filter, row);
    }
}

/* The oldest or the newest id of the ring, 0 while it is empty. */
static uint64_t ring_end(struct turn *turn, bool oldest)
{
    struct bytes key, value;
    if (oldest) {
        struct state_scan *scan = state_scan_open(turn, ANALYTICS_CHANGES, (struct bytes){0}, (struct bytes){0});
        return state_scan_next(scan, &key, &value) ? bytes_get_u64(key.data) : 0;
    }
    return state_last(turn, ANALYTICS_CHANGES, (struct bytes){0}, &key, NULL) ? bytes_get_u64(key.data) : 0;
}

static void answer_changes(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    const Analytics__GetChanges *wanted = query->analytics->changes;
    reply->kind_case = ANALYTICS__REPLY__KIND_CHANGES;
    Analytics__Changes *changes = reply->changes = ANALYTICS_NEW(turn, Analytics__Changes, analytics__changes__init);
    uint32_t limit = wanted->limit && wanted->limit < 500 ? wanted->limit : 500;
    struct key from = key_u64(wanted->after + 1);
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_CHANGES, (struct bytes){0}, key_bytes(&from));
    struct bytes key, value;
    changes->next = wanted->after;
    changes->oldest = ring_end(turn, true);
    changes->newest = ring_end(turn, false);
    while (changes->n_changes < limit && state_scan_next(scan, &key, &value)) {
        Analytics__Change *change = state_load(turn, ANALYTICS_CHANGES, key, &analytics__change__descriptor);
        changes->next = change->id;
        if (!may_see(turn, query, "read", change->site))
            continue;
        changes->changes = arena_grow(turn_arena(turn), changes->changes, changes->n_changes, sizeof *changes->changes);
        changes->changes[changes->n_changes++] = change;
    }
}

void analytics_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    if (query->payload_case != HB__QUERY__PAYLOAD_ANALYTICS) {
        turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
        return;
    }
    bool figures = query->analytics->kind_case == ANALYTICS__QUERY__KIND_KPI;
    bool all = query->analytics->kind_case == ANALYTICS__QUERY__KIND_CHANGES ||
               ((figures || query->analytics->kind_case == ANALYTICS__QUERY__KIND_LIST) &&
                !*query->site); /* each site is asked for */
    if (!all && (!organisation_site(turn, query->site) ||
                 !(figures ? may_see_figures(turn, query, query->site) : may_see(turn, query, "read", query->site)))) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_ANALYTICS;
    reply->analytics = ANALYTICS_NEW(turn, Analytics__Reply, analytics__reply__init);
    switch (query->analytics->kind_case) {
    case ANALYTICS__QUERY__KIND_LIST:
        answer_list(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_KPI:
        answer_kpi(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_CHANGES:
        answer_changes(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_COUNT:
        answer_count(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND__NOT_SET:
        turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
        return;
    }
}
