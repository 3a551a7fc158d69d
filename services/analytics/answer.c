#include "analytics.h"

#include <stdlib.h>

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

/* Who looks through what is held is told of it; but where the policy hides some of the kind from some, nobody is: that
   there is one would tell of it. */
static bool tells_of_held(struct turn *turn, const Hb__Query *query, const Analytics__Change *change)
{
    const Policy__Policy *policy = organisation_policy(turn, change->site, 0);
    const Policy__Kind *kind = policy ? policy_kind(policy, change->kind) : NULL;
    return kind && !analytics_may_hide(policy, kind) && analytics_may_see(turn, query, "submit", 0, change->site);
}

static void answer_changes(struct turn *turn, const Hb__Query *query, Analytics__Reply *reply)
{
    const Analytics__GetChanges *wanted = query->analytics->changes;
    reply->kind_case = ANALYTICS__REPLY__KIND_CHANGES;
    Analytics__Changes *changes = reply->changes = TURN_NEW(turn, Analytics__Changes, analytics__changes__init);
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
        if (!change->case_id ? !tells_of_held(turn, query, change)
                             : !analytics_may_see(turn, query, "read", cell, change->site))
            continue;
        turn_look_at(turn, cell);
        const Analytics__CaseRow *row = analytics_row(turn, change->case_id);
        bool hidden = row && analytics_hidden(turn, row, query->actor);
        turn_look_at(turn, 0);
        if (hidden)
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
    if (query->analytics->kind_case == ANALYTICS__QUERY__KIND_AUDIT) { /* has a scope of its own */
        reply->payload_case = HB__QUERY_REPLY__PAYLOAD_ANALYTICS;
        reply->analytics = TURN_NEW(turn, Analytics__Reply, analytics__reply__init);
        analytics_answer_audit(turn, query, reply->analytics);
        return;
    }
    if (query->analytics->kind_case == ANALYTICS__QUERY__KIND_NOTICES) { /* anybody may ask */
        reply->payload_case = HB__QUERY_REPLY__PAYLOAD_ANALYTICS;
        reply->analytics = TURN_NEW(turn, Analytics__Reply, analytics__reply__init);
        analytics_answer_notices(turn, query, reply->analytics);
        return;
    }
    struct reach reach;
    bool figures = query->analytics->kind_case == ANALYTICS__QUERY__KIND_KPI ||
                   query->analytics->kind_case == ANALYTICS__QUERY__KIND_INDICATORS;
    bool all = query->analytics->kind_case == ANALYTICS__QUERY__KIND_CHANGES ||
               query->analytics->kind_case == ANALYTICS__QUERY__KIND_CELLS ||
               ((query->analytics->kind_case == ANALYTICS__QUERY__KIND_KPI ||
                 query->analytics->kind_case == ANALYTICS__QUERY__KIND_LIST) &&
                !*query->site); /* each site is asked for */
    if (!analytics_reach(turn, query, &reach))
        return;
    uint64_t cell = reach.cells[0];
    turn_look_at(turn, cell);
    if (!all && (!organisation_site(turn, query->site) ||
                 !(analytics_is_visitor(turn, query) ||
                   (figures ? analytics_may_see_figures(turn, query, cell, query->site)
                            : analytics_may_see(turn, query, "read", cell, query->site))))) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_ANALYTICS;
    reply->analytics = TURN_NEW(turn, Analytics__Reply, analytics__reply__init);
    switch (query->analytics->kind_case) {
    case ANALYTICS__QUERY__KIND_LIST:
        analytics_answer_list(turn, query, &reach, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_KPI:
        analytics_answer_kpi(turn, query, &reach, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_INDICATORS:
        analytics_answer_indicators(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_CHANGES:
        turn_look_at(turn, 0);
        answer_changes(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_COUNT:
        analytics_answer_count(turn, query, &reach, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_FIGURES:
        analytics_answer_figures(turn, query, &reach, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_CELLS:
        turn_look_at(turn, 0);
        analytics_answer_cells(turn, query, reply->analytics);
        return;
    case ANALYTICS__QUERY__KIND_AUDIT: /* above */
    case ANALYTICS__QUERY__KIND_NOTICES:
    case ANALYTICS__QUERY__KIND__NOT_SET:
        break;
    }
    turn_refuse(turn, 400, "not_understood", "无法理解该查询", "this query is of a kind not known here");
}
