/* Cases that rules ask for (CaseRequested): registered, or refused where everyone can see it. */
#include "intake.h"

#include "organisation/organisation.h"
#include "policy/facts.h"
#include "policy/lookup.h"
#include "vault/vault.h"

static Intake__Event *payload_new(struct turn *turn, Hb__Event *event)
{
    event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event->intake = arena_alloc(turn_arena(turn), sizeof *event->intake);
    intake__event__init(event->intake);
    return event->intake;
}

static char *rule_of(const Hb__Event *cause)
{
    switch (cause->payload_case) {
    case HB__EVENT__PAYLOAD_CASEWORK:
        return cause->casework->case_requested->rule;
    case HB__EVENT__PAYLOAD_WATCHDOG:
        return cause->watchdog->duty_due->schedule;
    case HB__EVENT__PAYLOAD_ANALYTICS:
        return cause->analytics->case_requested->pattern;
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_ESCALATION:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD__NOT_SET:
        break;
    }
    return (char *)(uintptr_t) "";
}

static void say_refused(struct turn *turn, const Hb__Event *cause, uint32_t status, const char *code, const char *zh,
                        const char *en)
{
    Hb__Refusal *refusal = arena_alloc(turn_arena(turn), sizeof *refusal);
    hb__refusal__init(refusal);
    refusal->status = status;
    refusal->code = arena_strdup(turn_arena(turn), code);
    refusal->text = label_new(turn, zh, en);
    Intake__CaseRequestRefused *refused = arena_alloc(turn_arena(turn), sizeof *refused);
    intake__case_request_refused__init(refused);
    refused->requested_by = event_position(turn, cause);
    refused->rule = rule_of(cause);
    refused->refusal = refusal;
    bool above = cause->cell != turn_cell(turn); /* the asking case is none of ours */
    Hb__Event *event = above ? turn_event(turn, cause->casework->case_requested->site, 0)
                             : turn_event(turn, cause->site, cause->case_id);
    Intake__Event *payload = payload_new(turn, event);
    payload->kind_case = INTAKE__EVENT__KIND_REQUEST_REFUSED;
    payload->request_refused = refused;
    event_clauses(turn, event, cause->clauses, cause->n_clauses);
    turn_say(turn, event);
}

static const Hb__Value *with_value(const Casework__CaseRequested *request, const char *name)
{
    for (size_t i = 0; i < request->n_with; i++)
        if (strcmp(request->with[i]->name, name) == 0)
            return request->with[i]->value;
    return NULL;
}

/* What the rule gives, else what the asking case has. Names of a policy are short; longer ones are not names. */
static const char *inherited(const Casework__CaseRequested *request, const char *name, const char *own)
{
    const Hb__Value *value = with_value(request, name);
    bool named = value && value->kind_case == HB__VALUE__KIND_TEXT && strlen(value->text) <= INTAKE_NAME_BYTES_MAX;
    return named ? value->text : own;
}

static bool is_common(const char *name)
{
    return strcmp(name, "category") == 0 || strcmp(name, "channel") == 0 || strcmp(name, "place") == 0 ||
           strcmp(name, "kind") == 0;
}

static void link_back(struct turn *turn, Intake__CaseRegistered *registered, const char *name, uint64_t case_id)
{
    Intake__Link *link = arena_alloc(turn_arena(turn), sizeof *link);
    intake__link__init(link);
    link->name = arena_strdup(turn_arena(turn), name[0] ? name : "caused_by");
    link->case_id = case_id;
    registered->links = arena_alloc(turn_arena(turn), sizeof *registered->links);
    registered->links[registered->n_links++] = link;
}

/* The same place, sealed or not, unless the rule says another. */
static void inherit_place(struct turn *turn, struct intake_new *fresh, const Intakerec__Case *source)
{
    if (fresh->registered->place[0] || !source->place_box)
        return;
    Hb__Field *field = arena_alloc(turn_arena(turn), sizeof *field);
    hb__field__init(field);
    field->name = "place";
    field->content_case = HB__FIELD__CONTENT_TEXT;
    field->text = arena_alloc(turn_arena(turn), sizeof *field->text);
    hb__personal__init(field->text);
    field->text->kind_case = HB__PERSONAL__KIND_SEALED;
    field->text->sealed = source->place_box;
    fresh->registered->place_key = source->place_key;
    intake_register_text(turn, fresh, field);
}

/* Its personal texts are sealed under the keys of the case it came from: the vault is not for decide and react, and
   whoever is erased there is erased here too. */
static void fill(struct turn *turn, struct intake_new *fresh, const Hb__Event *cause, const Intakerec__Case *source)
{
    const Casework__CaseRequested *request = cause->casework->case_requested;
    Intake__CaseRegistered *registered = fresh->registered;
    registered->identity_key = source->identity_key;
    registered->content_key = source->content_key;
    registered->requested_by = event_position(turn, cause);
    registered->rule = request->rule;
    registered->department = request->to;
    registered->not_by = request->not_by;
    registered->due_ms = request->due_ms;
    if (request->due_ms) /* for a clock of the kind: `limit: due_at` */
        intake_register_fact(turn, fresh, "due_at", value_time(turn, request->due_ms));
    link_back(turn, registered, request->link, cause->case_id);
    intake_register_about(turn, fresh, inherited(request, "category", source->category),
                          inherited(request, "channel", "system"), inherited(request, "place", source->place));
    inherit_place(turn, fresh, source);
    for (size_t i = 0; i < request->n_with; i++)
        if (!is_common(request->with[i]->name) && request->with[i]->value)
            intake_register_fact(turn, fresh, request->with[i]->name, request->with[i]->value);
    intake_register_defaults(turn, fresh);
    fresh->event->generation = cause->generation + 1;
    event_clauses(turn, fresh->event, cause->clauses, cause->n_clauses);
}

static void meet_request(struct turn *turn, const Hb__Event *cause)
{
    const Casework__CaseRequested *request = cause->casework->case_requested;
    const Directory__Site *site = organisation_site(turn, cause->site);
    const Policy__Policy *policy = site ? organisation_policy(turn, cause->site, 0) : NULL;
    const Policy__Kind *kind = policy ? policy_kind(policy, request->kind) : NULL;
    const Intakerec__Case *source = intake_case_load(turn, cause->case_id);
    if (cause->generation + 1 > INTAKE_GENERATION_MAX)
        say_refused(turn, cause, 409, "too_deep", "规则引发的案件超过 8 层", "more than 8 cases opened one by another");
    else if (!source)
        say_refused(turn, cause, 404, "not_found", "没有提出请求的案件", "the asking case is not known");
    else if (!policy)
        say_refused(turn, cause, 409, "no_policy", "该站点没有制度", "no policy is in force at the site");
    else if (!kind)
        say_refused(turn, cause, 422, "unknown_kind",
                    arena_printf(turn_arena(turn), "现行制度没有事项 %s", request->kind),
                    arena_printf(turn_arena(turn), "the policy in force has no kind %s", request->kind));
    else {
        struct intake_new fresh = intake_register_begin(turn, site, policy, kind, turn_now(turn), false);
        fill(turn, &fresh, cause, source);
        if (!intake_register_say(turn, &fresh))
            say_refused(turn, cause, 413, "too_large", "案件内容过大", "the case is too large");
    }
}

/* ---- duties: cases that a schedule or a pattern asks for ---- */

/* What another service than casework asks for, in one shape. No case stands behind it, so it gets keys of its own. */
struct demand {
    const char *kind, *to, *rule, *link;
    int64_t due_ms;
    Hb__Fact **with;
    size_t with_count;
    const uint64_t *cases; /* it is linked with */
    size_t cases_count;
    int64_t occasion_ms;
};

static const char *demanded(const struct demand *demand, const char *name, const char *otherwise)
{
    for (size_t i = 0; i < demand->with_count; i++) {
        const Hb__Value *value = demand->with[i]->value;
        if (strcmp(demand->with[i]->name, name) == 0 && value && value->kind_case == HB__VALUE__KIND_TEXT)
            return value->text;
    }
    return otherwise;
}

static void link_all(struct turn *turn, Intake__CaseRegistered *registered, const struct demand *demand)
{
    registered->links = arena_alloc(turn_arena(turn), (demand->cases_count + 1) * sizeof *registered->links);
    for (size_t i = 0; i < demand->cases_count; i++) {
        Intake__Link *link = arena_alloc(turn_arena(turn), sizeof *link);
        intake__link__init(link);
        link->name = arena_strdup(turn_arena(turn), demand->link);
        link->case_id = demand->cases[i];
        registered->links[registered->n_links++] = link;
    }
}

static void fill_demanded(struct turn *turn, struct intake_new *fresh, const Hb__Event *cause,
                          const struct demand *demand)
{
    Intake__CaseRegistered *registered = fresh->registered;
    registered->requested_by = event_position(turn, cause);
    registered->rule = arena_strdup(turn_arena(turn), demand->rule);
    registered->department = arena_strdup(turn_arena(turn), demand->to);
    registered->due_ms = demand->due_ms;
    registered->occasion_ms = demand->occasion_ms;
    if (demand->due_ms)
        intake_register_fact(turn, fresh, "due_at", value_time(turn, demand->due_ms));
    link_all(turn, registered, demand);
    intake_register_about(turn, fresh, demanded(demand, "category", ""), demanded(demand, "channel", "system"),
                          demanded(demand, "place", ""));
    for (size_t i = 0; i < demand->with_count; i++)
        if (!is_common(demand->with[i]->name) && demand->with[i]->value)
            intake_register_fact(turn, fresh, demand->with[i]->name, demand->with[i]->value);
    intake_register_defaults(turn, fresh);
    fresh->event->generation = cause->generation + 1;
    event_clauses(turn, fresh->event, cause->clauses, cause->n_clauses);
}

/* A refusal is said at the site, about no case: whoever reads the log finds it with the clause. */
static void meet_demand(struct turn *turn, const Hb__Event *cause, const struct demand *demand)
{
    const Directory__Site *site = organisation_site(turn, cause->site);
    const Policy__Policy *policy = site ? organisation_policy(turn, cause->site, 0) : NULL;
    const Policy__Kind *kind = policy ? policy_kind(policy, demand->kind) : NULL;
    struct vault *vault = turn_vault(turn);
    uint64_t identity, content;
    if (!kind) {
        say_refused(turn, cause, 422, "unknown_kind", "现行制度没有该事项", "the policy in force has no such kind");
        return;
    }
    if (vault_take(vault, &identity) || vault_take(vault, &content)) {
        say_refused(turn, cause, 503, "full", "密钥库没有空间", "the vault has no room for new keys");
        return;
    }
    struct intake_new fresh = intake_register_begin(turn, site, policy, kind, turn_now(turn), false);
    fresh.registered->identity_key = identity;
    fresh.registered->content_key = content;
    fill_demanded(turn, &fresh, cause, demand);
    if (!intake_register_say(turn, &fresh))
        say_refused(turn, cause, 413, "too_large", "案件内容过大", "the case is too large");
}

static Hb__Fact *fact_new(struct turn *turn, const char *name, const char *text)
{
    Hb__Fact *fact = arena_alloc(turn_arena(turn), sizeof *fact);
    hb__fact__init(fact);
    fact->name = arena_strdup(turn_arena(turn), name);
    fact->value = value_text(turn, text);
    return fact;
}

static void meet_duty(struct turn *turn, const Hb__Event *cause)
{
    const Watchdog__DutyDue *duty = cause->watchdog->duty_due;
    struct demand demand = {.kind = duty->kind,
                            .to = duty->to,
                            .rule = duty->schedule,
                            .link = duty->link,
                            .due_ms = duty->due_ms,
                            .occasion_ms = cause->occurred_ms,
                            .cases = duty->cases,
                            .cases_count = duty->n_cases};
    demand.with = arena_alloc(turn_arena(turn), (duty->n_with + 3) * sizeof *demand.with);
    for (size_t i = 0; i < duty->n_with; i++)
        demand.with[demand.with_count++] = duty->with[i];
    demand.with[demand.with_count++] = fact_new(turn, "schedule", duty->schedule);
    demand.with[demand.with_count++] = fact_new(turn, "period", duty->period);
    if (*duty->item)
        demand.with[demand.with_count++] = fact_new(turn, duty->item_field, duty->item);
    meet_demand(turn, cause, &demand);
}

static void meet_pattern(struct turn *turn, const Hb__Event *cause)
{
    const Analytics__CaseRequested *request = cause->analytics->case_requested;
    const struct demand demand = {.kind = request->kind,
                                  .to = request->to,
                                  .rule = request->pattern,
                                  .link = request->link,
                                  .due_ms = request->due_ms,
                                  .with = request->with,
                                  .with_count = request->n_with,
                                  .cases = request->cases,
                                  .cases_count = request->n_cases};
    meet_demand(turn, cause, &demand);
}

static bool is_pattern(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_ANALYTICS &&
           event->analytics->kind_case == ANALYTICS__EVENT__KIND_CASE_REQUESTED;
}

static bool is_duty(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG &&
           event->watchdog->kind_case == WATCHDOG__EVENT__KIND_DUTY_DUE;
}

/* From a case of the cell above: the policy of the site here decides what it is and where it goes; nothing of theirs
   but plain facts came along. It gets keys of its own, for the texts that will be written here. */
static void fill_from_above(struct turn *turn, struct intake_new *fresh, const Hb__Event *cause)
{
    const Casework__CaseRequested *request = cause->casework->case_requested;
    Intake__CaseRegistered *registered = fresh->registered;
    registered->requested_by = event_position(turn, cause);
    registered->rule = request->rule;
    registered->due_ms = request->due_ms;
    if (request->due_ms)
        intake_register_fact(turn, fresh, "due_at", value_time(turn, request->due_ms));
    intake_register_about(turn, fresh, inherited(request, "category", ""), inherited(request, "channel", "system"),
                          inherited(request, "place", ""));
    for (size_t i = 0; i < request->n_with; i++)
        if (!is_common(request->with[i]->name) && request->with[i]->value)
            intake_register_fact(turn, fresh, request->with[i]->name, request->with[i]->value);
    intake_register_defaults(turn, fresh);
    fresh->event->generation = cause->generation + 1;
    event_clauses(turn, fresh->event, cause->clauses, cause->n_clauses);
}

static void meet_request_from_above(struct turn *turn, const Hb__Event *cause)
{
    const Casework__CaseRequested *request = cause->casework->case_requested;
    const Directory__Site *site = organisation_site(turn, request->site);
    const Policy__Policy *policy = site ? organisation_policy(turn, request->site, 0) : NULL;
    const Policy__Kind *kind = policy ? policy_kind(policy, request->kind) : NULL;
    uint64_t identity, content;
    if (cause->generation + 1 > INTAKE_GENERATION_MAX)
        say_refused(turn, cause, 409, "too_deep", "规则引发的案件超过 8 层", "more than 8 cases opened one by another");
    else if (!site)
        say_refused(turn, cause, 404, "unknown_site", "没有这个站点", "there is no such site");
    else if (!kind)
        say_refused(turn, cause, 422, "unknown_kind",
                    arena_printf(turn_arena(turn), "该站点的制度没有事项 %s", request->kind),
                    arena_printf(turn_arena(turn), "the policy of the site has no kind %s", request->kind));
    else if (vault_take(turn_vault(turn), &identity) || vault_take(turn_vault(turn), &content))
        say_refused(turn, cause, 503, "full", "密钥库没有空间", "the vault has no room for new keys");
    else {
        struct intake_new fresh = intake_register_begin(turn, site, policy, kind, turn_now(turn), false);
        fresh.registered->identity_key = identity;
        fresh.registered->content_key = content;
        fill_from_above(turn, &fresh, cause);
        if (!intake_register_say(turn, &fresh))
            say_refused(turn, cause, 413, "too_large", "案件内容过大", "the case is too large");
    }
}

static bool is_request(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
           event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_REQUESTED;
}

/* The chain of causes is at its end: the case is not registered, and its rule is told. */
void intake_too_deep(struct turn *turn, const Hb__Event *cause)
{
    if (is_request(cause))
        say_refused(turn, cause, 409, "too_deep", "规则连锁过长", "the chain of rules that led here is too long");
}

static bool same_position(const Hb__Position *a, const Hb__Position *b)
{
    return a && a->log && b->log && a->offset == b->offset && a->log->cell == b->log->cell &&
           a->log->service == b->log->service && a->log->partition == b->log->partition &&
           a->log->epoch == b->log->epoch;
}

void intake_react(struct turn *turn, const Hb__Event *event)
{
    if (is_duty(event))
        meet_duty(turn, event);
    if (is_pattern(event))
        meet_pattern(turn, event);
    if (!is_request(event))
        return;
    const Casework__CaseRequested *request = event->casework->case_requested;
    const Hb__Position *first = intake_request(turn, request); /* in the tables of the cell it comes from */
    bool above = event->cell != turn_cell(turn);
    turn_look_at(turn, 0);
    if (!same_position(first, event_position(turn, event)) ||
        (request->cell ? request->cell : event->cell) != turn_cell(turn))
        return;
    if (above)
        meet_request_from_above(turn, event);
    else
        meet_request(turn, event);
}
