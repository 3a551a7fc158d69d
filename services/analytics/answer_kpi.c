/* Figures: each site's, added up; at headquarters also of each cell and site by itself. */
#include "analytics.h"

#define DIMENSIONS 5u
static const char *const dimensions[DIMENSIONS] = {"total", "category", "kind", "department", "period"};

struct figures_list {
    Analytics__Figures **list;
    size_t count;
};

static Analytics__Figures *figures_under(struct turn *turn, struct figures_list *under, char *name)
{
    for (size_t i = 0; i < under->count; i++)
        if (strcmp(under->list[i]->key, name) == 0)
            return under->list[i];
    Analytics__Figures *fresh = TURN_NEW(turn, Analytics__Figures, analytics__figures__init);
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

/* ---- what is hidden from the asker is not counted for him ---- */

/* A group in which nothing else is goes, and the others stay in their order: not even that there is such a thing is
   told. `whole`: the total, which stands also when there is nothing. */
static void take_out(struct figures_list *under, const char *name, const Anarec__Case *one, bool whole)
{
    size_t at = 0;
    while (at < under->count && strcmp(under->list[at]->key, name) != 0)
        at++;
    if (at == under->count)
        return;
    analytics_figures_contribute(under->list[at], one->row, -1);
    if (under->list[at]->registered || whole)
        return;
    under->count--;
    memmove(&under->list[at], &under->list[at + 1], (under->count - at) * sizeof *under->list);
}

static void take_out_all(struct figures_list *under, const Anarec__Case *one)
{
    const char *const names[DIMENSIONS] = {"", one->row->category, one->row->kind, one->row->department, one->period};
    for (size_t i = 0; i < DIMENSIONS; i++)
        take_out(&under[i], names[i], one, i == 0);
}

static void leave_out_hidden(struct turn *turn, const Hb__Query *query, const char *site, struct figures_list *under)
{
    struct analytics_hidden_cases hidden;
    if (analytics_hidden_cases(turn, site, query->actor, &hidden))
        for (size_t i = 0; i < hidden.count; i++)
            take_out_all(under, hidden.cases[i]);
}

static void add_site(struct turn *turn, Analytics__Kpi *kpi, uint64_t cell, const Directory__Site *site,
                     Analytics__Figures *total)
{
    Analytics__SiteFigures *one = TURN_NEW(turn, Analytics__SiteFigures, analytics__site_figures__init);
    one->cell = analytics_cell_text(turn, cell);
    one->cell_name = analytics_cell_name(turn, cell);
    one->site = site->id;
    one->name = site->name;
    one->total = total;
    kpi->sites = arena_grow(turn_arena(turn), kpi->sites, kpi->n_sites, sizeof *kpi->sites);
    kpi->sites[kpi->n_sites++] = one;
}

static Analytics__CellFigures *add_cell(struct turn *turn, Analytics__Kpi *kpi, uint64_t cell)
{
    Analytics__CellFigures *one = TURN_NEW(turn, Analytics__CellFigures, analytics__cell_figures__init);
    one->cell = analytics_cell_text(turn, cell);
    one->name = analytics_cell_name(turn, cell);
    one->total = TURN_NEW(turn, Analytics__Figures, analytics__figures__init);
    kpi->cells = arena_grow(turn_arena(turn), kpi->cells, kpi->n_cells, sizeof *kpi->cells);
    return kpi->cells[kpi->n_cells++] = one;
}

static void add_sites(struct turn *turn, const Hb__Query *query, uint64_t cell, bool apart, Analytics__Kpi *kpi,
                      struct figures_list *under)
{
    Analytics__CellFigures *sum = apart ? add_cell(turn, kpi, cell) : NULL;
    for (const Directory__Site **site = organisation_sites(turn); *site; site++) {
        if (*query->site ? strcmp((*site)->id, query->site) != 0
                         : !analytics_may_see_figures(turn, query, cell, (*site)->id))
            continue;
        struct figures_list own[DIMENSIONS] = {{0}};
        for (size_t i = 0; i < DIMENSIONS; i++)
            add_dimension(turn, (*site)->id, dimensions[i], &own[i]);
        leave_out_hidden(turn, query, (*site)->id, own);
        for (size_t i = 0; i < DIMENSIONS; i++)
            for (size_t f = 0; f < own[i].count; f++)
                analytics_figures_add(figures_under(turn, &under[i], own[i].list[f]->key), own[i].list[f]);
        if (!apart)
            continue;
        add_site(turn, kpi, cell, *site, figures_under(turn, &own[0], arena_strdup(turn_arena(turn), "")));
        analytics_figures_add(sum->total, kpi->sites[kpi->n_sites - 1]->total);
    }
}

void analytics_answer_kpi(struct turn *turn, const Hb__Query *query, const struct reach *reach, Analytics__Reply *reply)
{
    struct figures_list under[DIMENSIONS] = {{0}};
    unsigned others;
    turn_cells(turn, &others);
    reply->kind_case = ANALYTICS__REPLY__KIND_KPI;
    Analytics__Kpi *kpi = reply->kpi = TURN_NEW(turn, Analytics__Kpi, analytics__kpi__init);
    kpi->site = query->site;
    for (size_t i = 0; i < reach->count; i++) {
        turn_look_at(turn, reach->cells[i]);
        add_sites(turn, query, reach->cells[i], others > 0, kpi, under);
    }
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
