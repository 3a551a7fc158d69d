#include "escalation.h"

#include "organisation/conditions.h"

static bool may_see(struct turn *turn, const Hb__Actor *actor, const Escrec__Case *record)
{
    const struct facts facts = {record->facts, record->n_facts};
    const struct case_view view = {.turn = turn, .site = record->site, .facts = &facts, .now_ms = turn_now(turn)};
    return (!actor || rights_may(turn, actor, "read", record->site)) &&
           !case_hidden(&view, record->kind, record->policy_version, actor);
}

void escalation_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    bool understood = query->payload_case == HB__QUERY__PAYLOAD_ESCALATION &&
                      query->escalation->kind_case == ESCALATION__QUERY__KIND_LEVELS;
    const Escrec__Case *record = understood ? escalation_load(turn, query->escalation->levels->case_id) : NULL;
    if (!record || !may_see(turn, query->actor, record)) {
        turn_refuse(turn, 404, "not_found", "没有这个案件", "there is no such case");
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_ESCALATION;
    reply->escalation = TURN_NEW(turn, Escalation__Reply, escalation__reply__init);
    reply->escalation->kind_case = ESCALATION__REPLY__KIND_LEVELS;
    Escalation__Levels *levels = reply->escalation->levels =
        TURN_NEW(turn, Escalation__Levels, escalation__levels__init);
    for (size_t i = 0; i < record->n_levels; i++) {
        TURN_ADD(turn, levels->levels, levels->n_levels, record->levels[i]->reached);
        TURN_ADD(turn, levels->at_ms, levels->n_at_ms, record->levels[i]->at_ms);
        TURN_ADD(turn, levels->acknowledged, levels->n_acknowledged, *record->levels[i]->acknowledged_by != 0);
        TURN_ADD(turn, levels->cancelled, levels->n_cancelled, record->levels[i]->cancelled);
    }
}
