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

static Analytics__Figures *total_of(struct turn *turn, const char *site)
{
    struct figures_list total = {0};
    add_dimension(turn, site, dimensions[0], &total);
    return figures_under(turn, &total, arena_strdup(turn_arena(turn), ""));
}

static void add_site(struct turn *turn, Analytics__Kpi *kpi, uint64_t cell, const Directory__Site *site)
{
    Analytics__SiteFigures *one = ANALYTICS_NEW(turn, Analytics__SiteFigures, analytics__site_figures__init);
    one->cell = analytics_cell_text(turn, cell);
    one->cell_name = analytics_cell_name(turn, cell);
    one->site = site->id;
    one->name = site->name;
    one->total = total_of(turn, site->id);
    kpi->sites = arena_grow(turn_arena(turn), kpi->sites, kpi->n_sites, sizeof *kpi->sites);
    kpi->sites[kpi->n_sites++] = one;
}

static Analytics__CellFigures *add_cell(struct turn *turn, Analytics__Kpi *kpi, uint64_t cell)
{
    Analytics__CellFigures *one = ANALYTICS_NEW(turn, Analytics__CellFigures, analytics__cell_figures__init);
    one->cell = analytics_cell_text(turn, cell);
    one->name = analytics_cell_name(turn, cell);
    one->total = ANALYTICS_NEW(turn, Analytics__Figures, analytics__figures__init);
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
        for (size_t i = 0; i < DIMENSIONS; i++)
            add_dimension(turn, (*site)->id, dimensions[i], &under[i]);
        if (!apart)
            continue;
        add_site(turn, kpi, cell, *site);
        analytics_figures_add(sum->total, kpi->sites[kpi->n_sites - 1]->total);
    }
}

void analytics_answer_kpi(struct turn *turn, const Hb__Query *query, const struct reach *reach, Analytics__Reply *reply)
{
    struct figures_list under[DIMENSIONS] = {{0}};
    unsigned others;
    turn_cells(turn, &others);
    reply->kind_case = ANALYTICS__REPLY__KIND_KPI;
    Analytics__Kpi *kpi = reply->kpi = ANALYTICS_NEW(turn, Analytics__Kpi, analytics__kpi__init);
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
