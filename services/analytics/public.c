/* What everybody may see of a site: the cases of kinds that the policy calls public problems, once they can be joined
   and, where they could be, after; never one whose complainant asked to be kept confidential. Who handles it, and how
   late it is, stays inside. */
#include "analytics.h"

bool analytics_is_visitor(struct turn *turn, const Hb__Query *query)
{
    const Directory__Site *site = *query->site ? organisation_site(turn, query->site) : NULL;
    return query->actor && query->actor->complainant && turn_looks_at(turn) == 0 && site && site->public_ &&
           query->analytics->kind_case == ANALYTICS__QUERY__KIND_LIST;
}

static bool can_be_joined(const Policy__Kind *kind, const char *stage)
{
    const Policy__Step *step = policy_step(kind, kind->public_problem);
    for (size_t i = 0; step && i < step->n_from; i++)
        if (strcmp(step->from[i], stage) == 0)
            return true;
    return false;
}

/* At its stage, by its own version of the policy. */
bool analytics_can_be_joined(struct turn *turn, const Anarec__Case *one)
{
    const Policy__Policy *policy = organisation_policy(turn, one->row->site, one->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, one->row->kind) : NULL;
    return kind && *kind->public_problem && can_be_joined(kind, one->row->stage);
}

bool analytics_is_public(struct turn *turn, const Analytics__CaseRow *row)
{
    const Policy__Policy *policy = organisation_policy(turn, row->site, 0);
    const Policy__Kind *kind = policy ? policy_kind(policy, row->kind) : NULL;
    if (!kind || !*kind->public_problem || (row->phase < POLICY__PHASE__DONE && !can_be_joined(kind, row->stage)))
        return false;
    const Anarec__Case *one = analytics_load(turn, row->case_id);
    return one && !one->confidential && (row->phase < POLICY__PHASE__DONE || one->was_public); /* else it was dropped */
}

/* By what is not shown nothing is filtered either. */
const Analytics__ListCases *analytics_public_wanted(struct turn *turn, const Analytics__ListCases *wanted)
{
    Analytics__ListCases *shown = TURN_NEW(turn, Analytics__ListCases, analytics__list_cases__init);
    *shown = *wanted;
    shown->by_due = shown->urgent_first = false;
    if (!wanted->filter)
        return shown;
    shown->filter = TURN_NEW(turn, Analytics__Filter, analytics__filter__init);
    *shown->filter = *wanted->filter;
    shown->filter->department = shown->filter->handler = shown->filter->external_id = shown->filter->on_time = "";
    shown->filter->joint = shown->filter->approval = shown->filter->escalated_to = "";
    shown->filter->overdue = shown->filter->late = shown->filter->sealed = shown->filter->duty = false;
    shown->filter->step = shown->filter->satisfied = shown->filter->indicator = "";
    shown->filter->extended = false;
    shown->filter->escalated = shown->filter->reopened = shown->filter->returned = shown->filter->responded = false;
    shown->filter->due_from_ms = shown->filter->due_to_ms = 0;
    return shown;
}

Analytics__CaseRow *analytics_public_row(struct turn *turn, const Analytics__CaseRow *row)
{
    Analytics__CaseRow *shown = TURN_NEW(turn, Analytics__CaseRow, analytics__case_row__init);
    shown->case_id = row->case_id;
    shown->site = row->site;
    shown->number = row->number;
    shown->kind = row->kind;
    shown->category = row->category;
    shown->place = row->place;
    shown->stage = row->stage;
    shown->phase = row->phase;
    shown->received_ms = row->received_ms;
    shown->closed_ms = row->closed_ms;
    shown->changed_ms = row->changed_ms;
    shown->joined = row->joined;
    shown->version = row->version;
    return shown;
}
