/* Why is this department responsible, and who has how much to do? */
#include "routing.h"

#include "message/message.h"
#include "organisation/conditions.h"

Routing__CaseRouted *routing_routed(struct turn *turn, const Routerec__Routed *row)
{
    ProtobufCMessage *message;
    char *why;
    enum err err = message_load(&routing__case_routed__descriptor, bytes_of(row->event.data, row->event.len),
                                turn_arena(turn), &message, &why);
    bug_unless(err == ERR_NONE); /* our own bytes */
    return (Routing__CaseRouted *)message;
}

static void clause_add(struct turn *turn, Routing__Why *why, char *clause)
{
    for (size_t i = 0; i < why->n_clauses; i++)
        if (strcmp(why->clauses[i], clause) == 0)
            return;
    why->clauses = arena_grow(turn_arena(turn), why->clauses, why->n_clauses, sizeof *why->clauses);
    why->clauses[why->n_clauses++] = clause;
}

static bool may_read(struct turn *turn, const Hb__Query *query, const char *site)
{
    if (query->actor && rights_may(turn, query->actor, "read", site))
        return true;
    turn_refuse(turn, 403, "not_allowed", "无权查看该站点", "no right to read at this site");
    return false;
}

static bool hidden(struct turn *turn, const Routerec__Case *record, const Hb__Actor *actor)
{
    const struct facts facts = {record->facts, record->n_facts};
    const struct case_view view = {.turn = turn, .site = record->site, .facts = &facts, .now_ms = turn_now(turn)};
    return case_hidden(&view, record->kind, record->policy_version, actor);
}

static void answer_why(struct turn *turn, const Hb__Query *query, uint64_t case_id, Routing__Reply *reply)
{
    const Routerec__Case *record = routing_case_load(turn, case_id);
    if (!record || hidden(turn, record, query->actor)) {
        turn_refuse(turn, 404, "not_found", "没有该案件", "there is no such case");
        return;
    }
    if (!may_read(turn, query, record->site))
        return;
    Routing__Why *why = arena_alloc(turn_arena(turn), sizeof *why);
    routing__why__init(why);
    for (uint32_t times = 1; times <= record->times; times++) {
        const Routerec__Routed *row = routing_history(turn, case_id, times);
        size_t count = why->n_routed;
        why->routed = arena_grow(turn_arena(turn), why->routed, count, sizeof *why->routed);
        why->at_ms = arena_grow(turn_arena(turn), why->at_ms, count, sizeof *why->at_ms);
        why->routed[count] = routing_routed(turn, row);
        why->at_ms[count] = row->at_ms;
        why->n_routed = why->n_at_ms = count + 1;
        for (size_t i = 0; i < row->n_clauses; i++)
            clause_add(turn, why, row->clauses[i]);
    }
    reply->kind_case = ROUTING__REPLY__KIND_WHY;
    reply->why = why;
}

static void answer_workload(struct turn *turn, const Hb__Query *query, const char *department, Routing__Reply *reply)
{
    if (strlen(query->site) > ROUTING_NAME_BYTES_MAX || !organisation_site(turn, query->site)) {
        turn_refuse(turn, 404, "unknown_site", "没有该站点", "there is no such site");
        return;
    }
    if (!may_read(turn, query, query->site))
        return;
    if (strlen(department) > ROUTING_NAME_BYTES_MAX || !organisation_department(turn, query->site, department)) {
        Hb__Refusal *refusal = turn_refuse(turn, 404, "not_found", "没有该部门", "there is no such department");
        refusal_field(turn, refusal, "department");
        return;
    }
    Routing__Loads *loads = arena_alloc(turn_arena(turn), sizeof *loads);
    routing__loads__init(loads);
    const Directory__Person **members = organisation_members(turn, query->site, department);
    for (; *members; members++) {
        Routing__Load *load = arena_alloc(turn_arena(turn), sizeof *load);
        routing__load__init(load);
        load->person = (*members)->id;
        load->open = routing_load(turn, (*members)->id)->open;
        loads->loads = arena_grow(turn_arena(turn), loads->loads, loads->n_loads, sizeof *loads->loads);
        loads->loads[loads->n_loads++] = load;
    }
    reply->kind_case = ROUTING__REPLY__KIND_LOADS;
    reply->loads = loads;
}

static void nothing_asked(struct turn *turn)
{
    turn_refuse(turn, 400, "bad_field", "查询不明", "the query is not one of routing's");
}

void routing_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    if (query->payload_case != HB__QUERY__PAYLOAD_ROUTING) {
        nothing_asked(turn);
        return;
    }
    Routing__Reply *answer = arena_alloc(turn_arena(turn), sizeof *answer);
    routing__reply__init(answer);
    switch (query->routing->kind_case) {
    case ROUTING__QUERY__KIND_WHY:
        answer_why(turn, query, query->routing->why->case_id, answer);
        break;
    case ROUTING__QUERY__KIND_WORKLOAD:
        answer_workload(turn, query, query->routing->workload->department, answer);
        break;
    case ROUTING__QUERY__KIND__NOT_SET:
        nothing_asked(turn);
        break;
    }
    if (turn_refused(turn))
        return;
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_ROUTING;
    reply->routing = answer;
}
