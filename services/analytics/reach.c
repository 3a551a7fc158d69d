/* Whose cases and figures: this cell's own and, at headquarters, those of the cells below. A site of another cell is
   not ours, whatever its id: nobody sees it by a post here, only accounts that reach all sites ("*"). */
#include "analytics.h"

static bool refuse_unknown(struct turn *turn, const char *zh, const char *en)
{
    refusal_field(turn, turn_refuse(turn, 404, "unknown_cell", zh, en), "cell");
    return false;
}

bool analytics_reach(struct turn *turn, const Hb__Query *query, struct reach *reach_out)
{
    unsigned known;
    const struct instance_cell *cells = turn_cells(turn, &known);
    bool own = query->cell == turn_cell(turn);
    reach_out->cells = arena_alloc(turn_arena(turn), (known + 1) * sizeof *reach_out->cells);
    reach_out->count = 0;
    if (own || !query->cell)
        reach_out->cells[reach_out->count++] = 0;
    for (unsigned i = 0; i < known && !(own || (*query->site && !query->cell)); i++)
        if (!cells[i].above && (!query->cell || query->cell == cells[i].cell))
            reach_out->cells[reach_out->count++] = cells[i].cell;
    return reach_out->count || refuse_unknown(turn, "没有这个系统", "no such cell is heard here");
}

bool analytics_may_see(struct turn *turn, const Hb__Query *query, const char *scope, uint64_t cell, const char *site)
{
    const char *name = cell ? arena_printf(turn_arena(turn), "%s/%s", analytics_cell_text(turn, cell), site) : site;
    if (!query->actor)
        return true;
    uint64_t looked = turn_look_at(turn, 0); /* accounts are ours */
    bool may = rights_may(turn, query->actor, scope, name);
    turn_look_at(turn, looked);
    return may;
}

bool analytics_may_see_figures(struct turn *turn, const Hb__Query *query, uint64_t cell, const char *site)
{
    return analytics_may_see(turn, query, "report", cell, site) || analytics_may_see(turn, query, "read", cell, site);
}

char *analytics_cell_name(struct turn *turn, uint64_t cell)
{
    const struct instance_cell *known = turn_cell_known(turn, cell);
    return arena_strdup(turn_arena(turn), known ? known->name : "");
}

Analytics__CaseRow *analytics_row(struct turn *turn, uint64_t case_id)
{
    const Anarec__Case *one = analytics_load(turn, case_id);
    uint64_t cell = turn_looks_at(turn);
    if (!one || !cell)
        return one ? one->row : NULL;
    const Directory__Site *site = organisation_site(turn, one->row->site);
    one->row->cell = analytics_cell_text(turn, cell);
    one->row->cell_name = analytics_cell_name(turn, cell);
    if (site)
        one->row->zone = site->zone;
    return one->row;
}

/* ---- how far the cells below are heard ---- */

static Analytics__Cell *cell_told(struct turn *turn, uint64_t cell)
{
    Analytics__Cell *told = TURN_NEW(turn, Analytics__Cell, analytics__cell__init);
    struct cell_heard heard = turn_cell_heard(turn, cell);
    told->cell = analytics_cell_text(turn, cell);
    told->name = analytics_cell_name(turn, cell);
    told->heard = heard.events;
    told->behind = heard.behind;
    told->as_of_ms = heard.as_of_ms;
    told->problem = arena_strdup(turn_arena(turn), heard.problem);
    return told;
}

void analytics_answer_cells(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    unsigned known;
    const struct instance_cell *cells = turn_cells(turn, &known);
    reply->kind_case = ANALYTICS__REPLY__KIND_CELLS;
    reply->cells = TURN_NEW(turn, Analytics__Cells, analytics__cells__init);
    reply->cells->cells = arena_alloc(turn_arena(turn), (known + 1) * sizeof *reply->cells->cells);
    for (unsigned i = 0; i < known; i++)
        if (!cells[i].above && analytics_may_see_figures(turn, query, cells[i].cell, ""))
            reply->cells->cells[reply->cells->n_cells++] = cell_told(turn, cells[i].cell);
}
