#include "analytics.h"

#include <stdio.h>
#include <stdlib.h>

static bool may_see(struct turn *turn, const Hb__Query *query, const char *scope, const char *site)
{
    return !query->actor || rights_may(turn, query->actor, scope, site);
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

/* ---- one row by its number or external id ---- */

static Analytics__CaseRow *row_of(struct turn *turn, uint64_t case_id)
{
    const Anarec__Case *one = analytics_load(turn, case_id);
    return one ? one->row : NULL;
}

static bool by_index(struct turn *turn, const char *site, const Analytics__Filter *filter, Analytics__CaseList *list)
{
    bool external = filter && *filter->external_id;
    if (!external)
        return false;
    struct key key = key_text(site);
    key_add_text(&key, filter->external_id);
    struct bytes id;
    if (state_get(turn, ANALYTICS_EXTERNAL, key_bytes(&key), &id)) {
        Analytics__CaseRow *row = row_of(turn, bytes_get_u64(id.data));
        if (row && fits(filter, row)) {
            list->rows = arena_alloc(turn_arena(turn), sizeof *list->rows);
            list->rows[list->n_rows++] = row;
        }
    }
    return true;
}

/* ---- lists: newest first, page by page; the cursor is the key of the last row ---- */

static char *cursor_of(struct turn *turn, struct bytes key, size_t prefix)
{
    return arena_printf(turn_arena(turn), "%llx-%llx", (unsigned long long)bytes_get_u64(key.data + prefix),
                        (unsigned long long)bytes_get_u64(key.data + prefix + 8));
}

static bool cursor_parse(const char *text, uint64_t *received_out, uint64_t *id_out)
{
    unsigned long long received, id;
    int used = 0;
    if (sscanf(text, "%llx-%llx%n", &received, &id, &used) != 2 || text[used])
        return false;
    *received_out = received;
    *id_out = id;
    return true;
}

static void list_site(struct turn *turn, const char *site, const Analytics__ListCases *query, Analytics__CaseList *list)
{
    struct key prefix = key_text(site);
    uint32_t limit = query->limit ? query->limit : ANALYTICS_LIST_DEFAULT;
    if (limit > ANALYTICS_LIST_MAX)
        limit = ANALYTICS_LIST_MAX;
    struct key from = prefix;
    uint64_t received, id;
    if (*query->cursor) {
        if (!cursor_parse(query->cursor, &received, &id)) {
            turn_refuse(turn, 422, "bad_field", "翻页游标无效", "this cursor was not given by a list");
            return;
        }
        key_add_u64(&from, received);
        key_add_u64(&from, id + 1);
    }
    list->rows = arena_alloc(turn_arena(turn), limit * sizeof *list->rows);
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_ORDER, key_bytes(&prefix), key_bytes(&from));
    struct bytes key, value, last = {0};
    while (list->n_rows < limit && state_scan_next(scan, &key, &value)) {
        Analytics__CaseRow *row = row_of(turn, bytes_get_u64(key.data + prefix.size + 8));
        if (row && fits(query->filter, row))
            list->rows[list->n_rows++] = row;
        last = key;
    }
    list->cursor = (char *)(uintptr_t)(list->n_rows == limit && last.size ? cursor_of(turn, last, prefix.size) : "");
}

static void list_newest(struct turn *turn, const char *site, const Analytics__ListCases *query,
                        Analytics__CaseList *list)
{
    struct key prefix = key_text(site);
    uint32_t limit = query->limit ? query->limit : ANALYTICS_LIST_DEFAULT;
    if (limit > ANALYTICS_LIST_MAX)
        limit = ANALYTICS_LIST_MAX;
    list->rows = arena_alloc(turn_arena(turn), limit * sizeof *list->rows);
    uint64_t received = UINT64_MAX, id = UINT64_MAX;
    if (*query->cursor && !cursor_parse(query->cursor, &received, &id)) {
        turn_refuse(turn, 422, "bad_field", "翻页游标无效", "this cursor was not given by a list");
        return;
    }
    struct bytes key = {0};
    struct key before = prefix;
    key_add_u64(&before, received);
    key_add_u64(&before, id);
    while (list->n_rows < limit && state_before(turn, ANALYTICS_ORDER, key_bytes(&prefix), key_bytes(&before), &key)) {
        Analytics__CaseRow *row = row_of(turn, bytes_get_u64(key.data + prefix.size + 8));
        if (row && fits(query->filter, row))
            list->rows[list->n_rows++] = row;
        before.size = 0;
        key_add(&before, key.data, key.size);
    }
    list->cursor = (char *)(uintptr_t)(list->n_rows == limit && key.size ? cursor_of(turn, key, prefix.size) : "");
}

static void answer_list(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    const Analytics__ListCases *wanted = query->analytics->list;
    reply->kind_case = ANALYTICS__REPLY__KIND_LIST;
    reply->list = ANALYTICS_NEW(turn, Analytics__CaseList, analytics__case_list__init);
    if (by_index(turn, query->site, wanted->filter, reply->list))
        return;
    if (wanted->oldest_first)
        list_site(turn, query->site, wanted, reply->list);
    else
        list_newest(turn, query->site, wanted, reply->list);
}

/* ---- figures ---- */

static void add_dimension(struct turn *turn, const char *site, const char *dimension, Analytics__Figures ***list,
                          size_t *count)
{
    struct key prefix = key_text(site);
    key_add_text(&prefix, dimension);
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_FIGURES, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    while (state_scan_next(scan, &key, &value)) {
        Analytics__Figures *figures = state_load(turn, ANALYTICS_FIGURES, key, &analytics__figures__descriptor);
        if (!figures->registered)
            continue;
        *list = arena_grow(turn_arena(turn), *list, *count, sizeof **list);
        (*list)[(*count)++] = figures;
    }
}

static void answer_kpi(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    reply->kind_case = ANALYTICS__REPLY__KIND_KPI;
    Analytics__Kpi *kpi = reply->kpi = ANALYTICS_NEW(turn, Analytics__Kpi, analytics__kpi__init);
    Analytics__Figures **total = NULL;
    size_t count = 0;
    kpi->site = query->site;
    add_dimension(turn, query->site, "total", &total, &count);
    kpi->total = count ? total[0] : ANALYTICS_NEW(turn, Analytics__Figures, analytics__figures__init);
    add_dimension(turn, query->site, "category", &kpi->categories, &kpi->n_categories);
    add_dimension(turn, query->site, "kind", &kpi->kinds, &kpi->n_kinds);
    add_dimension(turn, query->site, "department", &kpi->departments, &kpi->n_departments);
    add_dimension(turn, query->site, "period", &kpi->periods, &kpi->n_periods);
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
    bool changes = query->analytics->kind_case == ANALYTICS__QUERY__KIND_CHANGES;
    const char *scope = query->analytics->kind_case == ANALYTICS__QUERY__KIND_KPI ? "report" : "read";
    if (!changes && (!organisation_site(turn, query->site) ||
                     !(may_see(turn, query, scope, query->site) || may_see(turn, query, "read", query->site)))) {
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
