#include "analytics.h"

#include <stdio.h>
#include <stdlib.h>

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

/* ---- lists: each site's cases in order of receipt, several sites merged; the cursor is where the page before ended.
   That is (received, case id, cell), which means the same place in every site's order: case ids of two cells may be
   equal ---- */

struct place {
    uint64_t received, id, cell;
};

/* One site's cases, from the cursor on in the wanted direction. */
struct line {
    uint64_t cell;
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
    if (a.received != b.received)
        return a.received < b.received;
    return a.id < b.id || (a.id == b.id && a.cell < b.cell);
}

static struct place place_of(const struct line *line, struct bytes key)
{
    return (struct place){bytes_get_u64(key.data + line->prefix.size), bytes_get_u64(key.data + line->prefix.size + 8),
                          line->cell};
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
    turn_look_at(listing->turn, line->cell);
    line->more = listing->wanted->oldest_first
                     ? state_scan_next(line->scan, &key, &value)
                     : state_before(listing->turn, ANALYTICS_ORDER, key_bytes(&line->prefix), key_bytes(&before), &key);
    if (line->more)
        line->next = place_of(line, key);
}

/* A case of the same time and id in another cell comes before or after the one the page ended with. */
static void line_open(const struct listing *listing, struct line *line, struct place from)
{
    bool begun = *listing->wanted->cursor != 0;
    line->prefix = key_text(line->site);
    line->next = from;
    turn_look_at(listing->turn, line->cell);
    if (!listing->wanted->oldest_first && begun && line->cell < from.cell)
        line->next.id++;
    if (listing->wanted->oldest_first) {
        struct key key = key_at(line, (struct place){from.received, from.id + (begun && line->cell <= from.cell), 0});
        line->scan = state_scan_open(listing->turn, ANALYTICS_ORDER, key_bytes(&line->prefix), key_bytes(&key));
    }
    line_step(listing, line);
}

static bool cursor_parse(const char *text, struct place *place_out)
{
    unsigned long long received, id, cell = 0;
    int used = 0, whole = 0;
    if (sscanf(text, "%llx-%llx%n-%llx%n", &received, &id, &used, &cell, &whole) < 2 || text[whole ? whole : used])
        return false;
    *place_out = (struct place){received, id, cell};
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
        turn_look_at(listing->turn, line->cell);
        Analytics__CaseRow *row = analytics_row(listing->turn, line->next.id);
        last = line->next;
        if (row && fits(listing->wanted->filter, row))
            list->rows[list->n_rows++] = row;
        line_step(listing, line);
    }
    if (list->n_rows == listing->limit)
        list->cursor =
            arena_printf(turn_arena(listing->turn), last.cell ? "%llx-%llx-%llx" : "%llx-%llx",
                         (unsigned long long)last.received, (unsigned long long)last.id, (unsigned long long)last.cell);
}

/* ---- by a case number or an external id: the index says which cases, or that there are none ---- */

static bool add_indexed(const struct listing *listing, unsigned table, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < listing->count; i++) {
        struct key key = key_text(listing->lines[i].site);
        struct bytes id;
        key_add_text(&key, name);
        turn_look_at(listing->turn, listing->lines[i].cell);
        if (!state_get(listing->turn, table, key_bytes(&key), &id))
            continue;
        found = true;
        Analytics__CaseRow *row = analytics_row(listing->turn, bytes_get_u64(id.data));
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
        turn_look_at(listing->turn, listing->lines[i].cell);
        struct state_scan *scan = state_scan_open(listing->turn, ANALYTICS_NUMBER, key_bytes(&key), (struct bytes){0});
        if (state_scan_next(scan, &found, &value))
            return true;
    }
    return false;
}

static void add_case(const struct listing *listing, uint64_t case_id)
{
    for (size_t i = 0; i < listing->count && listing->list->n_rows < listing->limit; i++) {
        turn_look_at(listing->turn, listing->lines[i].cell);
        Analytics__CaseRow *row = analytics_row(listing->turn, case_id);
        if (row && strcmp(row->site, listing->lines[i].site) == 0 && fits(listing->wanted->filter, row))
            listing->list->rows[listing->list->n_rows++] = row;
    }
}

/* A whole case number goes before all that begin with it. */
static bool by_index(const struct listing *listing)
{
    const Analytics__Filter *filter = listing->wanted->filter;
    if (!filter || strlen(filter->external_id) > ANALYTICS_NAME_MAX || strlen(filter->number) > ANALYTICS_NAME_MAX)
        return filter != NULL;
    if (filter->case_id) {
        add_case(listing, filter->case_id);
        return true;
    }
    if (*filter->external_id) {
        add_indexed(listing, ANALYTICS_EXTERNAL, filter->external_id);
        return true;
    }
    return *filter->number &&
           (add_indexed(listing, ANALYTICS_NUMBER, filter->number) || !begins_any(listing, filter->number));
}

/* ---- which sites ---- */

static void add_line(struct listing *listing, uint64_t cell, const char *site)
{
    listing->lines = arena_grow(turn_arena(listing->turn), listing->lines, listing->count, sizeof *listing->lines);
    listing->lines[listing->count++] = (struct line){.cell = cell, .site = site};
}

static void add_lines(struct listing *listing, const Hb__Query *query, const struct reach *reach)
{
    for (size_t i = 0; i < reach->count; i++) {
        turn_look_at(listing->turn, reach->cells[i]);
        if (*query->site)
            add_line(listing, reach->cells[i], query->site);
        for (const Directory__Site **site = organisation_sites(listing->turn); !*query->site && *site; site++)
            if (analytics_may_see(listing->turn, query, "read", reach->cells[i], (*site)->id))
                add_line(listing, reach->cells[i], (*site)->id);
    }
}

static void answer_list(struct turn *turn, const Hb__Query *query, const struct reach *reach, Analytics__Reply *reply)
{
    struct listing listing = {.turn = turn, .wanted = query->analytics->list};
    uint32_t limit = listing.wanted->limit ? listing.wanted->limit : ANALYTICS_LIST_DEFAULT;
    struct place from = listing.wanted->oldest_first ? (struct place){0} : (struct place){UINT64_MAX, UINT64_MAX, 0};
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
    add_lines(&listing, query, reach);
    if (by_index(&listing))
        return;
    for (size_t i = 0; i < listing.count; i++)
        line_open(&listing, &listing.lines[i], from);
    walk(&listing);
}

static void answer_count(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    reply->kind_case = ANALYTICS__REPLY__KIND_COUNT;
    reply->count = ANALYTICS_NEW(turn, Analytics__Count, analytics__count__init);
    struct key prefix = key_text(query->site);
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_ORDER, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    while (state_scan_next(scan, &key, &value)) {
        const Analytics__CaseRow *row = analytics_row(turn, bytes_get_u64(key.data + prefix.size + 8));
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

static void name_change(struct turn *turn, Analytics__Change *change, uint64_t cell)
{
    if (!cell || !turn_cell_known(turn, cell))
        return;
    turn_look_at(turn, cell);
    const Directory__Site *site = organisation_site(turn, change->site);
    change->cell_name = analytics_cell_name(turn, cell);
    if (site)
        change->zone = site->zone;
    turn_look_at(turn, 0);
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
        uint64_t cell = strtoull(change->cell, NULL, 16);
        if (!analytics_may_see(turn, query, "read", cell, change->site))
            continue;
        name_change(turn, change, cell);
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
    struct reach reach;
    bool figures = query->analytics->kind_case == ANALYTICS__QUERY__KIND_KPI;
    bool all = query->analytics->kind_case == ANALYTICS__QUERY__KIND_CHANGES ||
               query->analytics->kind_case == ANALYTICS__QUERY__KIND_CELLS ||
               ((figures || query->analytics->kind_case == ANALYTICS__QUERY__KIND_LIST) &&
                !*query->site); /* each site is asked for */
    if (!analytics_reach(turn, query, &reach))
        return;
    uint64_t cell = reach.cells[0];
    turn_look_at(turn, cell);
    if (!all && (!organisation_site(turn, query->site) ||
                 !(figures ? analytics_may_see_figures(turn, query, cell, query->site)
                           : analytics_may_see(turn, query, "read", cell, query->site)))) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_ANALYTICS;
    reply->analytics = ANALYTICS_NEW(turn, Analytics__Reply, analytics__reply__init);
    switch (query->analytics->kind_case) {
    case ANALYTICS__QUERY__KIND_LIST:
        answer_list(turn, query, &reach, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_KPI:
        analytics_answer_kpi(turn, query, &reach, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_CHANGES:
        turn_look_at(turn, 0);
        answer_changes(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_COUNT:
        answer_count(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_CELLS:
        turn_look_at(turn, 0);
        analytics_answer_cells(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND__NOT_SET:
        break;
    }
    turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
}
