/* Says who is responsible when that is due and not yet said. */
#include "routing.h"

#include "base/planted.h"

static Routing__CaseRouted *routed_new(struct turn *turn)
{
    Routing__CaseRouted *routed = arena_alloc(turn_arena(turn), sizeof *routed);
    routing__case_routed__init(routed);
    return routed;
}

static void facts_add(struct turn *turn, Hb__Event *event, const Routing__CaseRouted *routed)
{
    event_fact_text(turn, event, "lead", routed->lead);
    event_fact_text(turn, event, "handler", routed->handler);
    event_fact_text(turn, event, "first_contact", routed->first_contact);
    Hb__Value *joint = NULL;
    if (routed->n_joint) {
        Hb__TextList *list = arena_alloc(turn_arena(turn), sizeof *list);
        hb__text_list__init(list);
        list->text = routed->joint;
        list->n_text = routed->n_joint;
        joint = value_text(turn, "");
        joint->kind_case = HB__VALUE__KIND_TEXTS;
        joint->texts = list;
    }
    event_fact(turn, event, "joint", joint);
}

void routing_say(struct turn *turn, const Hb__Event *cause, const Routerec__Case *record,
                 const struct routing_choice *choice, const char *first_contact, const char *withdrawn)
{
    Routing__CaseRouted *routed = routed_new(turn);
    routed->lead = arena_strdup(turn_arena(turn), choice->lead);
    routed->handler = arena_strdup(turn_arena(turn), choice->handler);
    routed->joint = (char **)(uintptr_t)choice->joint;
    routed->n_joint = choice->joint_count;
    routed->first_contact = arena_strdup(turn_arena(turn), first_contact);
    routed->row = arena_strdup(turn_arena(turn), choice->row);
    if (choice->rule)
        routed->rule = arena_strdup(turn_arena(turn), choice->rule);
    routed->reason = label_new(turn, choice->zh, choice->en);
    routed->times = record->times + 1;
    Hb__Event *event = turn_event(turn, record->site, cause->case_id);
    event->policy_version = record->policy_version;
    event->payload_case = HB__EVENT__PAYLOAD_ROUTING;
    event->routing = arena_alloc(turn_arena(turn), sizeof *event->routing);
    routing__event__init(event->routing);
    event->routing->kind_case = ROUTING__EVENT__KIND_ROUTED;
    event->routing->routed = routed;
    event_clauses(turn, event, choice->clauses, choice->clauses_count);
    facts_add(turn, event, routed);
    if (choice->co_owner)
        event_fact_text(turn, event, "co_owner", choice->co_owner);
    if (withdrawn)
        event_fact_text(turn, event, "post_withdrawn", withdrawn);
    turn_say(turn, event);
}

static void say_routed(struct turn *turn, const Hb__Event *cause, const Routerec__Case *record,
                       const struct routing_choice *choice, const char *first_contact)
{
    routing_say(turn, cause, record, choice, first_contact, NULL);
}

/* Whoever took the call stays the first contact; a form on the web, a rule or an import has none but the department. */
static const char *first_contact_of(const Hb__Event *event, const struct routing_choice *choice)
{
    bool person = event->actor && event->actor->person[0] && !event->intake->registered->historic;
    return person ? event->actor->person : choice->lead;
}

static void route_first(struct turn *turn, const Hb__Event *event, const Routerec__Case *record)
{
    struct routing_choice choice = routing_choose(turn, event, record);
    say_routed(turn, event, record, &choice, first_contact_of(event, &choice));
}

/* As it is, but for the handler. */
static struct routing_choice choice_kept(const Routerec__Case *record, const char *handler, const char *row)
{
    return (struct routing_choice){.lead = record->lead,
                                   .handler = handler,
                                   .joint = (const char **)record->joint,
                                   .joint_count = record->n_joint,
                                   .row = row};
}

static void route_returned(struct turn *turn, const Hb__Event *event, const Routerec__Case *record)
{
    struct routing_choice choice = routing_choose_returned(turn, event, record);
    say_routed(turn, event, record, &choice, record->first_contact);
}

/* The case stays with its department; the person the ladder names handles it from now on. */
static void route_handed(struct turn *turn, const Hb__Event *event, const Routerec__Case *record)
{
    struct routing_choice choice = choice_kept(record, record->hand_to, "escalation");
    choice.zh = "升级后由其接手";
    choice.en = "takes over after an escalation";
    choice.clauses = event->clauses;
    choice.clauses_count = event->n_clauses;
    say_routed(turn, event, record, &choice, record->first_contact);
}

static void route_assigned(struct turn *turn, const Hb__Event *event, const Routerec__Case *record)
{
    struct routing_choice choice;
    if (routing_choose_assigned(turn, event, record, &choice))
        say_routed(turn, event, record, &choice, record->first_contact);
    else
        routing_say_problem(turn, event, record,
                            (struct routing_problem){.row = ROUTING_ASSIGNED,
                                                     .clauses = event->clauses,
                                                     .clauses_count = event->n_clauses,
                                                     .zh = "规则指派的人员或部门不存在",
                                                     .en = "the person or department a rule assigned is not there"});
}

/* The handler of before goes on when present; else the case goes to another of the department. */
static void route_reopened(struct turn *turn, const Hb__Event *event, const Routerec__Case *record)
{
    const Directory__Person *before = record->handler[0] ? organisation_person(turn, record->handler) : NULL;
    if (before && !before->absent)
        return;
    const char *handler = routing_handler(turn, record->site, record->lead, record->not_by, NULL, NULL);
    if (strcmp(handler, record->handler) == 0)
        return;
    struct routing_choice choice = choice_kept(record, handler, "reopened");
    choice.zh = "重新办理，原经办人不在岗";
    choice.en = "reopened while its handler is away";
    say_routed(turn, event, record, &choice, record->first_contact);
}

static bool is_step(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
           event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN;
}

static bool is_registration(const Hb__Event *event)
{
    return event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
           event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
}

void routing_react(struct turn *turn, const Hb__Event *event)
{
    const Routerec__Case *record = event->case_id ? routing_case_load(turn, event->case_id) : NULL;
    if (!record)
        return;
    bug_unless(!planted("poison_react") || !is_registration(event) ||
               strcmp(event->intake->registered->channel, "other") != 0);
    if (record->times == 0 && is_registration(event) && !planted_each("nobodys_case", 10))
        route_first(turn, event, record);
    else if (record->times && record->returned)
        route_returned(turn, event, record);
    else if (record->times && record->hand_to[0] && !planted("no_handover"))
        route_handed(turn, event, record);
    else if (record->times && record->assign_to[0])
        route_assigned(turn, event, record);
    else if (record->times && record->reopened && is_step(event))
        route_reopened(turn, event, record);
}

/* The chain of causes is at its end: what should have been routed stays as it is, visibly. */
void routing_too_deep(struct turn *turn, const Hb__Event *cause)
{
    const Routerec__Case *record = cause->case_id ? routing_case_load(turn, cause->case_id) : NULL;
    if (record)
        routing_say_problem(turn, cause, record,
                            (struct routing_problem){.row = "",
                                                     .clauses = cause->clauses,
                                                     .clauses_count = cause->n_clauses,
                                                     .zh = "规则连锁过长，未分派",
                                                     .en = "the chain of rules is too long: not routed"});
}
