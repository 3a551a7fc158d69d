/* GET /cases/{id}/explain: why this department, why these dates day by day, which notices went where, which levels were
   reached; each with the clause it rests on. What a service that is away would have said is named as missing. */
#include "cases.h"

#include "policies.h"
#include "policy/facts.h"
#include "policy/lookup.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

struct explaining {
    uint64_t case_id;
    const Casework__CaseFile *file;
    const struct zone *zone;
    const Routing__Why *routing;
    const Watchdog__Clocks *clocks;
    const Notification__Notices *notices;
    const Escalation__Levels *levels;
    json_t *unavailable; /* service -> problem */
    unsigned awaited;
};

/* ---- what each says, as JSON ---- */

static json_t *texts_json(char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

static void set_time(struct http_request *request, json_t *json, const char *name, const struct zone *zone, int64_t ms)
{
    json_object_set_new(json, name, json_string(json_time_text(zone, ms, &request->arena)));
}

static void set_text(json_t *json, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(json, name, json_string(text));
}

/* Under which clauses the rule stands, and whose it is where a department has it otherwise. */
static void add_rule(json_t *json, const struct explaining *one, const Policy__Policy *policy, const char *name)
{
    const Policy__Kind *kind = policy ? policy_kind(policy, one->file->kind) : NULL;
    for (size_t i = 0; *name && kind && i < kind->n_rules; i++) {
        const Policy__Rule *rule = kind->rules[i];
        if (strcmp(rule->name, name) != 0)
            continue;
        json_object_set_new(json, "rule_clauses", texts_json(rule->clauses, rule->n_clauses));
        set_text(json, "department", rule->department);
    }
}

static json_t *routing_json(struct http_request *request, const struct explaining *one, const Policy__Policy *policy)
{
    json_t *times = json_array();
    for (size_t i = 0; i < one->routing->n_routed; i++) {
        json_t *routed = json_from_message(&one->routing->routed[i]->base, one->zone);
        if (i < one->routing->n_at_ms)
            set_time(request, routed, "at", one->zone, one->routing->at_ms[i]);
        add_rule(routed, one, policy, one->routing->routed[i]->rule);
        json_array_append_new(times, routed);
    }
    return json_pack("{s:o, s:o}", "routed", times, "clauses",
                     texts_json(one->routing->clauses, one->routing->n_clauses));
}

static json_t *clocks_json(const struct explaining *one)
{
    json_t *list = json_array();
    for (size_t i = 0; i < one->clocks->n_clocks; i++)
        json_array_append_new(list, json_from_message(&one->clocks->clocks[i]->base, one->zone));
    return list;
}

static void add_label(json_t *json, const Hb__Label *label)
{
    if (label && !json_object_get(json, "label"))
        json_object_set_new(json, "label", json_from_message(&label->base, NULL));
}

static json_t *notices_json(const struct explaining *one, const Policy__Policy *policy)
{
    json_t *list = json_array();
    for (size_t i = 0; i < one->notices->n_notices; i++) {
        const Notification__NoticeState *state = one->notices->notices[i];
        json_t *json = json_from_message(&state->base, one->zone);
        const Policy__Notice *notice = policy && state->notice ? policy_notice(policy, state->notice->notice) : NULL;
        if (notice) {
            add_label(json, notice->label);
            json_object_set_new(json, "clauses", texts_json(notice->clauses, notice->n_clauses));
        }
        add_rule(json, one, policy, state->notice ? state->notice->rule : "");
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *levels_json(struct http_request *request, const struct explaining *one, const Policy__Policy *policy)
{
    json_t *list = json_array();
    const Escalation__Levels *levels = one->levels;
    for (size_t i = 0; i < levels->n_levels; i++) {
        json_t *json = json_from_message(&levels->levels[i]->base, one->zone);
        const Policy__Ladder *ladder = policy ? policy_ladder(policy, levels->levels[i]->ladder) : NULL;
        if (i < levels->n_at_ms)
            set_time(request, json, "at", one->zone, levels->at_ms[i]);
        json_object_set_new(json, "acknowledged", json_boolean(i < levels->n_acknowledged && levels->acknowledged[i]));
        json_object_set_new(json, "cancelled", json_boolean(i < levels->n_cancelled && levels->cancelled[i]));
        if (ladder)
            json_object_set_new(json, "clauses", texts_json(ladder->clauses, ladder->n_clauses));
        json_array_append_new(list, json);
    }
    return list;
}

/* What an indicator means, as the policy of the case has it. */
static void add_indicator(json_t *json, const Policy__Policy *policy, const Policy__Figure *figure)
{
    for (size_t i = 0; i < policy->n_indicators; i++) {
        const Policy__Indicator *indicator = policy->indicators[i];
        if (figure->op != POLICY__FIGURE__OP__INDICATOR || strcmp(indicator->name, figure->a) != 0)
            continue;
        set_text(json, "indicator", indicator->name);
        set_text(json, "counts", indicator->text);
        set_text(json, "where", indicator->where);
        json_object_set_new(json, "indicator_clauses", texts_json(indicator->clauses, indicator->n_clauses));
    }
}

/* Fields that are computed or counted, with what of: as far as this account is shown them. */
static json_t *figures_json(struct http_request *request, const struct explaining *one, const Policy__Policy *policy)
{
    json_t *list = json_array();
    const Policy__Kind *kind = policy ? policy_kind(policy, one->file->kind) : NULL;
    const struct facts facts = {one->file->facts, one->file->n_facts};
    for (size_t i = 0; kind && i < kind->n_fields; i++) {
        const Policy__FieldDef *field = kind->fields[i];
        const Hb__Value *value = facts_get(&facts, field->name);
        if (!field->figure)
            continue;
        json_t *json = json_pack("{s:s, s:s, s:o}", "field", field->name, "is", field->figure->text, "clauses",
                                 texts_json(field->clauses, field->n_clauses));
        add_label(json, field->label);
        if (value)
            json_object_set_new(json, "value", json_from_message(&value->base, one->zone));
        set_text(json, "state", facts_text(&facts, arena_printf(&request->arena, "%s.state", field->name)));
        add_indicator(json, policy, field->figure);
        json_array_append_new(list, json);
    }
    return list;
}

/* Since it was registered. */
static json_t *versions_json(const struct explaining *one)
{
    json_t *list = json_array();
    for (size_t i = 0; i < one->file->n_versions_taken; i++)
        json_array_append_new(list, json_from_message(&one->file->versions_taken[i]->base, one->zone));
    return list;
}

static void give(struct http_request *request, void *context, const Policy__Policy *policy)
{
    struct explaining *one = context;
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:i}", "case_id", case_id_text(request, one->case_id), "number", one->file->number,
                  "site", one->file->site, "policy_version", (int)one->file->policy_version);
    if (one->file->n_versions_taken)
        json_object_set_new(json, "versions_taken", versions_json(one));
    if (one->routing)
        json_object_set_new(json, "routing", routing_json(request, one, policy));
    if (one->clocks)
        json_object_set_new(json, "clocks", clocks_json(one));
    if (one->notices)
        json_object_set_new(json, "notices", notices_json(one, policy));
    if (one->levels)
        json_object_set_new(json, "levels", levels_json(request, one, policy));
    json_t *figures = figures_json(request, one, policy);
    if (json_array_size(figures))
        json_object_set(json, "figures", figures);
    json_decref(figures);
    if (json_object_size(one->unavailable))
        json_object_set(json, "unavailable", one->unavailable);
    json_decref(one->unavailable);
    http_respond_json(request, 200, json);
}

/* ---- asking the four ---- */

static void came(struct http_request *request, struct explaining *one)
{
    if (--one->awaited == 0)
        policies_get(request, one->file->site, one->file->policy_version, give, one);
}

/* Services fold the case one after the other: one that has not heard of it yet has nothing to explain. */
static bool missing(struct http_request *request, struct explaining *one, const char *service,
                    const Hb__Refusal *refused)
{
    if (refused)
        json_object_set_new(one->unavailable, service, problem_json(request, refused));
    return refused != NULL;
}

static void on_routing(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    struct explaining *one = context;
    if (!missing(request, one, "routing", refused))
        one->routing = reply->routing->why;
    came(request, one);
}

static void on_clocks(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    struct explaining *one = context;
    if (!missing(request, one, "watchdog", refused))
        one->clocks = reply->watchdog->clocks;
    came(request, one);
}

static void on_notices(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    struct explaining *one = context;
    if (!missing(request, one, "notification", refused))
        one->notices = reply->notification->notices;
    came(request, one);
}

static void on_levels(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    struct explaining *one = context;
    if (!missing(request, one, "escalation", refused))
        one->levels = reply->escalation->levels;
    came(request, one);
}

static void ask_routing(struct http_request *request, struct explaining *one)
{
    Hb__Query query = HB__QUERY__INIT;
    Routing__Query routing = ROUTING__QUERY__INIT;
    Routing__WhyRouted why = ROUTING__WHY_ROUTED__INIT;
    query.case_id = why.case_id = one->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_ROUTING;
    query.routing = &routing;
    routing.kind_case = ROUTING__QUERY__KIND_WHY;
    routing.why = &why;
    cell_query(request, HB__SERVICE__ROUTING, &query, on_routing, one);
}

static void ask_watchdog(struct http_request *request, struct explaining *one)
{
    Hb__Query query = HB__QUERY__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetClocks get = WATCHDOG__GET_CLOCKS__INIT;
    query.case_id = get.case_id = one->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_CLOCKS;
    watchdog.clocks = &get;
    cell_query(request, HB__SERVICE__WATCHDOG, &query, on_clocks, one);
}

static void ask_notification(struct http_request *request, struct explaining *one)
{
    Hb__Query query = HB__QUERY__INIT;
    Notification__Query notification = NOTIFICATION__QUERY__INIT;
    Notification__GetNotices get = NOTIFICATION__GET_NOTICES__INIT;
    query.case_id = get.case_id = one->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_NOTIFICATION;
    query.notification = &notification;
    notification.kind_case = NOTIFICATION__QUERY__KIND_NOTICES;
    notification.notices = &get;
    cell_query(request, HB__SERVICE__NOTIFICATION, &query, on_notices, one);
}

static void ask_escalation(struct http_request *request, struct explaining *one)
{
    Hb__Query query = HB__QUERY__INIT;
    Escalation__Query escalation = ESCALATION__QUERY__INIT;
    Escalation__GetLevels get = ESCALATION__GET_LEVELS__INIT;
    query.case_id = get.case_id = one->case_id;
    query.payload_case = HB__QUERY__PAYLOAD_ESCALATION;
    query.escalation = &escalation;
    escalation.kind_case = ESCALATION__QUERY__KIND_LEVELS;
    escalation.levels = &get;
    cell_query(request, HB__SERVICE__ESCALATION, &query, on_levels, one);
}

/* ---- casework first: may this account see the case at all? ---- */

static void on_site(struct http_request *request, void *context)
{
    struct explaining *one = context;
    one->zone = sites_zone(request->gateway, one->file->site);
    one->unavailable = json_object();
    one->awaited = 4;
    ask_routing(request, one);
    ask_watchdog(request, one);
    ask_notification(request, one);
    ask_escalation(request, one);
}

static void on_file(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct explaining *one = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    one->file = reply->casework->file;
    sites_know(request, one->file->site, on_site, one);
}

static void on_found(struct http_request *request, uint64_t case_id)
{
    struct explaining *one = arena_zero(&request->arena, sizeof *one);
    one->case_id = case_id;
    case_file_ask(request, case_id, on_file, one);
}

void cases_explain(struct http_request *request)
{
    case_ref_find(request, on_found);
}
