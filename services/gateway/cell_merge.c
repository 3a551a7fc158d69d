/* One answer of several: what the partitions of a service say to a question that is of no one site. */
#include "cell.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists: in the same order as each partition's, cut to the wanted length ---- */

/* As analytics puts them: what has no date comes last. */
static uint64_t due_place(const Analytics__CaseRow *row)
{
    return (uint64_t)(row->open_due_ms ? row->open_due_ms : INT64_MAX);
}

static int by_receipt(const void *a, const void *b)
{
    const Analytics__CaseRow *x = *(Analytics__CaseRow *const *)a, *y = *(Analytics__CaseRow *const *)b;
    if (x->received_ms != y->received_ms)
        return x->received_ms < y->received_ms ? -1 : 1;
    if (x->case_id != y->case_id)
        return x->case_id < y->case_id ? -1 : 1;
    return strcmp(x->cell, y->cell);
}

static int by_due(const void *a, const void *b)
{
    const Analytics__CaseRow *x = *(Analytics__CaseRow *const *)a, *y = *(Analytics__CaseRow *const *)b;
    uint64_t at = due_place(x), other = due_place(y);
    if (at != other)
        return at < other ? -1 : 1;
    if (x->case_id != y->case_id)
        return x->case_id < y->case_id ? -1 : 1;
    return strcmp(x->cell, y->cell);
}

static int by_urgency(const void *a, const void *b)
{
    const Analytics__CaseRow *x = *(Analytics__CaseRow *const *)a, *y = *(Analytics__CaseRow *const *)b;
    return x->urgent != y->urgent ? y->urgent - x->urgent : by_due(a, b);
}

static int by_receipt_down(const void *a, const void *b)
{
    return by_receipt(b, a);
}

/* As analytics writes it: where the page ended (received or due, case, cell). */
static char *cursor_at(struct arena *arena, const Analytics__CaseRow *row, const Analytics__ListCases *wanted)
{
    bool due = wanted->by_due;
    const char *word = !due ? "" : !wanted->urgent_first ? "due-" : row->urgent ? "urgent-" : "rest-";
    unsigned long long at = due ? due_place(row) : (unsigned long long)row->received_ms, id = row->case_id;
    return arena_printf(arena, *row->cell ? "%s%llx-%llx-%s" : "%s%llx-%llx", word, at, id, row->cell);
}

static void merge_lists(struct arena *arena, const Analytics__ListCases *wanted, Analytics__Reply *const *replies,
                        size_t count)
{
    Analytics__CaseList *list = replies[0]->list;
    size_t limit = wanted->limit, rows = 0;
    bool more = false;
    for (size_t i = 0; i < count; i++)
        rows += replies[i]->list->n_rows;
    Analytics__CaseRow **all = arena_alloc(arena, (rows + 1) * sizeof *all);
    rows = 0;
    for (size_t i = 0; i < count; i++) {
        const Analytics__CaseList *other = replies[i]->list;
        for (size_t r = 0; r < other->n_rows; r++)
            all[rows++] = other->rows[r];
        more = more || *other->cursor;
        list->stale = list->stale || other->stale;
    }
    list->rows = all;
    if (rows)
        qsort(list->rows, rows, sizeof *list->rows,
              wanted->urgent_first   ? by_urgency
              : wanted->by_due       ? by_due
              : wanted->oldest_first ? by_receipt
                                     : by_receipt_down);
    list->n_rows = limit && rows > limit ? limit : rows;
    more = more || list->n_rows < rows;
    list->cursor =
        more && list->n_rows ? cursor_at(arena, list->rows[list->n_rows - 1], wanted) : arena_strdup(arena, "");
}

/* ---- figures: added up, key by key ---- */

void cell_add_figures(Analytics__Figures *sum, const Analytics__Figures *more)
{
    const ProtobufCMessageDescriptor *descriptor = &analytics__figures__descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        char *to = (char *)sum + descriptor->fields[i].offset;
        const char *from = (const char *)more + descriptor->fields[i].offset;
        if (descriptor->fields[i].type == PROTOBUF_C_TYPE_UINT32)
            *(uint32_t *)(void *)to += *(const uint32_t *)(const void *)from;
        else if (descriptor->fields[i].type == PROTOBUF_C_TYPE_UINT64)
            *(uint64_t *)(void *)to += *(const uint64_t *)(const void *)from;
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(Analytics__Figures *const *)a)->key, (*(Analytics__Figures *const *)b)->key);
}

static void add_group(struct arena *arena, Analytics__Figures ***list, size_t *count, Analytics__Figures *const *more,
                      size_t more_count)
{
    Analytics__Figures **all = arena_alloc(arena, (*count + more_count + 1) * sizeof *all);
    if (*count)
        memcpy(all, *list, *count * sizeof *all);
    *list = all;
    for (size_t m = 0; m < more_count; m++) {
        size_t at = 0;
        while (at < *count && strcmp((*list)[at]->key, more[m]->key) != 0)
            at++;
        if (at < *count) {
            cell_add_figures((*list)[at], more[m]);
            continue;
        }
        (*list)[(*count)++] = more[m];
    }
    if (*count)
        qsort(*list, *count, sizeof **list, by_key);
}

/* Every partition knows every site and cell; only one has figures of a site. */
static void add_sites(Analytics__Kpi *kpi, const Analytics__Kpi *more)
{
    for (size_t i = 0; i < more->n_sites; i++)
        for (size_t at = 0; at < kpi->n_sites; at++)
            if (strcmp(kpi->sites[at]->site, more->sites[i]->site) == 0 &&
                strcmp(kpi->sites[at]->cell, more->sites[i]->cell) == 0)
                cell_add_figures(kpi->sites[at]->total, more->sites[i]->total);
    for (size_t i = 0; i < more->n_cells; i++)
        for (size_t at = 0; at < kpi->n_cells; at++)
            if (strcmp(kpi->cells[at]->cell, more->cells[i]->cell) == 0)
                cell_add_figures(kpi->cells[at]->total, more->cells[i]->total);
}

static void merge_figures(struct arena *arena, Analytics__Reply *const *replies, size_t count)
{
    Analytics__Kpi *kpi = replies[0]->kpi;
    for (size_t i = 1; i < count; i++) {
        const Analytics__Kpi *more = replies[i]->kpi;
        cell_add_figures(kpi->total, more->total);
        add_group(arena, &kpi->categories, &kpi->n_categories, more->categories, more->n_categories);
        add_group(arena, &kpi->kinds, &kpi->n_kinds, more->kinds, more->n_kinds);
        add_group(arena, &kpi->departments, &kpi->n_departments, more->departments, more->n_departments);
        add_group(arena, &kpi->periods, &kpi->n_periods, more->periods, more->n_periods);
        add_sites(kpi, more);
    }
}

/* ---- how far other cells are heard: as far as the slowest ---- */

static void merge_cells(Analytics__Reply *const *replies, size_t count)
{
    Analytics__Cells *cells = replies[0]->cells;
    for (size_t i = 1; i < count; i++)
        for (size_t c = 0; c < cells->n_cells && c < replies[i]->cells->n_cells; c++)
            if (replies[i]->cells->cells[c]->as_of_ms < cells->cells[c]->as_of_ms)
                cells->cells[c] = replies[i]->cells->cells[c];
}

void cell_merge(struct arena *arena, const Hb__Query *query, Hb__QueryReply *const *answers, size_t count)
{
    Analytics__Reply **replies = arena_alloc(arena, (count + 1) * sizeof *replies);
    for (size_t i = 0; i < count; i++) {
        replies[i] = answers[i]->analytics;
        answers[0]->stale = answers[0]->stale || answers[i]->stale;
    }
    if (query->payload_case != HB__QUERY__PAYLOAD_ANALYTICS)
        return; /* whoever has it has answered (cell_all.c) */
    switch (query->analytics->kind_case) {
    case ANALYTICS__QUERY__KIND_LIST:
        merge_lists(arena, query->analytics->list, replies, count);
        return;
    case ANALYTICS__QUERY__KIND_KPI:
        merge_figures(arena, replies, count);
        return;
    case ANALYTICS__QUERY__KIND_CELLS:
        merge_cells(replies, count);
        return;
    case ANALYTICS__QUERY__KIND_COUNT:
        for (size_t i = 1; i < count; i++)
            replies[0]->count->count += replies[i]->count->count;
        return;
    case ANALYTICS__QUERY__KIND_AUDIT:      /* of no site: every partition has it all */
    case ANALYTICS__QUERY__KIND_INDICATORS: /* of one site */
    case ANALYTICS__QUERY__KIND_FIGURES:
    case ANALYTICS__QUERY__KIND_NOTICES:
    case ANALYTICS__QUERY__KIND_CHANGES: /* each has a ring of its own (events.c) */
    case ANALYTICS__QUERY__KIND__NOT_SET:
        return;
    }
}
