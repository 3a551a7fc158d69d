/* Figures are kept by taking a case's old contribution out and putting its new one in: they always equal a full
 * recount. */
#include "analytics.h"

static Analytics__Figures *figures_load(struct turn *turn, const struct key *key, const char *name)
{
    Analytics__Figures *figures = state_load(turn, ANALYTICS_FIGURES, key_bytes(key), &analytics__figures__descriptor);
    if (figures)
        return figures;
    figures = TURN_NEW(turn, Analytics__Figures, analytics__figures__init);
    figures->key = (char *)(uintptr_t)name;
    return figures;
}

static void add(uint32_t *to, int sign, bool counts)
{
    *to = sign > 0 ? *to + counts : *to - counts;
}

static void add_span(uint64_t *to, int sign, int64_t span_ms)
{
    *to = sign > 0 ? *to + (uint64_t)span_ms : *to - (uint64_t)span_ms;
}

void analytics_figures_contribute(Analytics__Figures *figures, const Analytics__CaseRow *row, int sign)
{
    bool on_time = strcmp(row->on_time, "true") == 0, overdue = strcmp(row->on_time, "false") == 0;
    add(&figures->registered, sign, true);
    add(row->closed_ms ? &figures->closed : &figures->open, sign, true);
    add(&figures->rated, sign, on_time || overdue);
    add(&figures->on_time, sign, on_time);
    add(&figures->overdue, sign, overdue);
    add(&figures->reopened, sign, row->round > 1);
    add(&figures->escalated, sign, row->level > 0);
    add(&figures->returned, sign, row->returned);
    add(&figures->satisfied, sign, strcmp(row->satisfied, "satisfied") == 0);
    add(&figures->dissatisfied, sign, strcmp(row->satisfied, "dissatisfied") == 0);
    if (row->responded_ms) {
        add(&figures->response_count, sign, true);
        add_span(&figures->response_ms_sum, sign, row->responded_ms - row->received_ms);
    }
    if (row->closed_ms) {
        add(&figures->resolution_count, sign, true);
        add_span(&figures->resolution_ms_sum, sign, row->closed_ms - row->received_ms);
    }
}

void analytics_figures_add(Analytics__Figures *to, const Analytics__Figures *figures)
{
    to->registered += figures->registered;
    to->closed += figures->closed;
    to->open += figures->open;
    to->rated += figures->rated;
    to->on_time += figures->on_time;
    to->overdue += figures->overdue;
    to->reopened += figures->reopened;
    to->escalated += figures->escalated;
    to->satisfied += figures->satisfied;
    to->dissatisfied += figures->dissatisfied;
    to->response_ms_sum += figures->response_ms_sum;
    to->response_count += figures->response_count;
    to->resolution_ms_sum += figures->resolution_ms_sum;
    to->resolution_count += figures->resolution_count;
    to->returned += figures->returned;
}

static void count_under(struct turn *turn, const Anarec__Case *one, const char *dimension, const char *name, int sign)
{
    struct key key = key_text(one->row->site);
    key_add_text(&key, dimension);
    key_add_text(&key, name);
    Analytics__Figures *figures = figures_load(turn, &key, name);
    analytics_figures_contribute(figures, one->row, sign);
    state_save(turn, ANALYTICS_FIGURES, key_bytes(&key), &figures->base);
}

void analytics_count(struct turn *turn, const Anarec__Case *one, int sign)
{
    count_under(turn, one, "total", "", sign);
    count_under(turn, one, "category", one->row->category, sign);
    count_under(turn, one, "kind", one->row->kind, sign);
    count_under(turn, one, "department", one->row->department, sign);
    count_under(turn, one, "period", one->period, sign);
}
