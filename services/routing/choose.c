/* Whom a case falls to: the department named at registration, else the first route row that holds, else the department
   of its category, else whoever there is, so that no case is without an owner. */
#include "routing.h"

#include "organisation/conditions.h"
#include "policy/facts.h"
#include "policy/lookup.h"
#include "policy/words.h"

#define PROBLEMS_MAX 16u

static const char *const no_clauses[1];

/* ---- the handler ---- */

static bool among(const Directory__Person *const *persons, const char *id)
{
    for (; persons && *persons; persons++)
        if (strcmp((*persons)->id, id) == 0)
            return true;
    return false;
}

/* Fewest open cases, then fewest ever given, then by id: the same for everybody who looks at the same state. */
static bool lighter(const Routerec__Load *a, const char *a_id, const Routerec__Load *b, const char *b_id)
{
    if (a->open != b->open)
        return a->open < b->open;
    if (a->routed != b->routed)
        return a->routed < b->routed;
    return strcmp(a_id, b_id) < 0;
}

/* All that the person is in this department are posts that the policy keeps free of cases (`handles: no`). */
static bool kept_free(const Policy__Policy *policy, const Directory__Person *person, const char *site,
                      const char *department)
{
    bool any = false;
    for (size_t i = 0; i < person->n_posts; i++) {
        const Directory__Post *held = person->posts[i];
        if (strcmp(held->site, site) != 0 || strcmp(held->department, department) != 0)
            continue;
        const Policy__Post *post = policy_post(policy, held->post);
        if (!post || !post->handles_nothing)
            return false;
        any = true;
    }
    return any;
}

/* The head directs and does not handle, nor do those whom the policy keeps free, unless nobody else is there. */
static bool certified(struct turn *turn, const Directory__Person *person, const Policy__RouteRow *row)
{
    size_t held = 0;
    for (size_t h = 0; row && h < row->n_holding; h++) {
        bool holds = false;
        for (size_t i = 0; i < person->n_certificates; i++)
            holds =
                holds || (strcmp(person->certificates[i]->name, row->holding[h]) == 0 &&
                          (!person->certificates[i]->until_ms || turn_now(turn) < person->certificates[i]->until_ms));
        held += holds;
    }
    return !row || held == row->n_holding;
}

const char *routing_handler(struct turn *turn, const char *site, const char *department, const char *not_by,
                            const Directory__Person *const *never, const Policy__RouteRow *row)
{
    const Directory__Department *of = organisation_department(turn, site, department);
    const Policy__Policy *policy = organisation_policy(turn, site, 0); /* posts are always today's */
    const char *head = of ? of->head : "", *best = "", *head_present = "", *free_present = "";
    const Routerec__Load *least = NULL;
    const Directory__Person **members = organisation_members(turn, site, department);
    for (; *members; members++) {
        const Directory__Person *person = *members;
        if (person->absent || strcmp(person->id, not_by) == 0 || among(never, person->id) ||
            !certified(turn, person, row))
            continue;
        if (strcmp(person->id, head) == 0) {
            head_present = person->id;
            continue;
        }
        if (policy && kept_free(policy, person, site, department)) {
            free_present = person->id;
            continue;
        }
        const Routerec__Load *load = routing_load(turn, person->id);
        if (!least || lighter(load, person->id, least, best)) {
            least = load;
            best = person->id;
        }
    }
    return best[0] ? best : head_present[0] ? head_present : free_present;
}

/* Of a history that has ended nobody is made the handler who never was. */
static bool ended(const Policy__Kind *kind, const Intake__CaseRegistered *registered)
{
    uint32_t phase = registered->phase;
    const Intake__History *history = registered->history;
    for (size_t i = 0; kind && history && i < history->n_steps; i++) {
        const Policy__Step *step = policy_step(kind, history->steps[i]->step);
        const Policy__Stage *stage = step && step->to[0] ? policy_stage(kind, step->to) : NULL;
        phase = stage ? (uint32_t)stage->phase : phase;
    }
    return phase == POLICY__PHASE__CLOSED || phase == POLICY__PHASE__ARCHIVED;
}

/* ---- the parts of a choice ---- */

struct chooser {
    struct turn *turn;
    const Hb__Event *event;
    const Routerec__Case *record;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
    struct facts facts;
    bool nobody;       /* no handler is wanted */
    unsigned problems; /* met so far */
};

static struct chooser chooser_of(struct turn *turn, const Hb__Event *event, const Routerec__Case *record)
{
    struct chooser chooser = {.turn = turn, .event = event, .record = record};
    chooser.policy = organisation_policy(turn, record->site, record->policy_version);
    chooser.kind = chooser.policy ? policy_kind(chooser.policy, record->kind) : NULL;
    chooser.facts = (struct facts){record->facts, record->n_facts};
    return chooser;
}

void routing_say_problem(struct turn *turn, const Hb__Event *cause, const Routerec__Case *record,
                         struct routing_problem said)
{
    Routing__RouteProblem *problem = arena_alloc(turn_arena(turn), sizeof *problem);
    routing__route_problem__init(problem);
    problem->row = arena_strdup(turn_arena(turn), said.row);
    problem->text = label_new(turn, said.zh, said.en);
    Hb__Event *event = turn_event(turn, record->site, cause->case_id);
    event->policy_version = record->policy_version;
    event->payload_case = HB__EVENT__PAYLOAD_ROUTING;
    event->routing = arena_alloc(turn_arena(turn), sizeof *event->routing);
    routing__event__init(event->routing);
    event->routing->kind_case = ROUTING__EVENT__KIND_PROBLEM;
    event->routing->problem = problem;
    event_clauses(turn, event, said.clauses, said.clauses_count);
    turn_say(turn, event);
}

/* A policy may have any number of rows that cannot be judged: the first few problems say enough. `row` NULL: none of
   the policy's, and the clause is the kind's. */
static void say_problem(struct chooser *chooser, const Policy__RouteRow *row, const char *name, const char *zh,
                        const char *en)
{
    struct routing_problem said = {.row = name, .zh = zh, .en = en};
    if (row) {
        said.clauses = row->clauses;
        said.clauses_count = row->n_clauses;
    } else if (chooser->kind) {
        said.clauses = chooser->kind->clauses;
        said.clauses_count = chooser->kind->n_clauses;
    }
    if (chooser->problems++ < PROBLEMS_MAX)
        routing_say_problem(chooser->turn, chooser->event, chooser->record, said);
}

static const char *handler_for(struct chooser *chooser, const char *lead, const char *named,
                               const Directory__Person *const *never, const Policy__RouteRow *row)
{
    if (chooser->nobody || !lead[0])
        return "";
    const char *not_by = chooser->record->not_by;
    const Directory__Person *person =
        named[0] ? organisation_present(chooser->turn, organisation_person(chooser->turn, named)) : NULL;
    if (person && strcmp(person->id, not_by) != 0 && !among(never, person->id) && certified(chooser->turn, person, row))
        return person->id; /* or the deputy */
    return routing_handler(chooser->turn, chooser->record->site, lead, not_by, never, row);
}

static const char *handler_of(struct chooser *chooser, const char *lead, const char *named,
                              const Directory__Person *const *never)
{
    return handler_for(chooser, lead, named, never, NULL);
}

static struct routing_choice choice_new(const char *lead, const char *handler, const char *row, const char *zh,
                                        const char *en)
{
    return (struct routing_choice){.lead = lead,
                                   .handler = handler,
                                   .row = row,
                                   .clauses = (char *const *)(uintptr_t)no_clauses,
                                   .zh = zh,
                                   .en = en};
}

/* The first at this site; "" when the person has no post here. */
static const char *department_of(const Directory__Person *person, const char *site)
{
    for (size_t i = 0; person && i < person->n_posts; i++)
        if (strcmp(person->posts[i]->site, site) == 0 && person->posts[i]->department[0])
            return person->posts[i]->department;
    return "";
}

/* A hint names a department, or (a rule's `to`) a person, whose first department at the site then leads. */
static bool choose_hint(struct chooser *chooser, struct routing_choice *out)
{
    struct turn *turn = chooser->turn;
    const Intake__CaseRegistered *registered = chooser->event->intake->registered;
    const char *hint = registered->department, *site = chooser->record->site, *lead = "", *named = "";
    if (!hint[0] || strlen(hint) > ROUTING_NAME_BYTES_MAX)
        return false;
    const Directory__Department *department = organisation_department(turn, site, hint);
    const Directory__Person *person = department ? NULL : organisation_person(turn, hint);
    if (department)
        lead = department->id;
    if (person && (lead = department_of(person, site))[0])
        named = person->id;
    if (!lead[0]) {
        say_problem(chooser, NULL, "", arena_printf(turn_arena(turn), "没有部门 %s", hint),
                    arena_printf(turn_arena(turn), "there is no department %s", hint));
        return false;
    }
    const char *row = registered->requested_by ? "request" : registered->source[0] ? "import" : "named";
    *out = choice_new(lead, handler_of(chooser, lead, named, NULL), row, "登记时已指定部门",
                      "the department was named at registration");
    return true;
}

static void add_joint(struct chooser *chooser, const Policy__RouteRow *row, struct routing_choice *choice)
{
    struct turn *turn = chooser->turn;
    for (size_t i = 0; i < row->n_joint && choice->joint_count < ROUTING_JOINT_MAX; i++) {
        const char *person;
        const char *joint = who_department(turn, chooser->record->site, row->joint[i], &chooser->facts, &person);
        bool known = !joint[0] || strcmp(joint, choice->lead) == 0;
        for (size_t j = 0; j < choice->joint_count; j++)
            known = known || strcmp(choice->joint[j], joint) == 0;
        if (known)
            continue;
        choice->joint = arena_grow(turn_arena(turn), choice->joint, choice->joint_count, sizeof *choice->joint);
        choice->joint[choice->joint_count++] = joint;
    }
}

/* `never` excludes persons from handling, and a department from leading. */
static const Directory__Person **never_of(struct chooser *chooser, const Policy__RouteRow *row)
{
    Policy__Who *who = row->never;
    return who ? who_persons(chooser->turn, chooser->record->site, &who, 1, &chooser->facts, NULL) : NULL;
}

static bool excluded(struct chooser *chooser, const Policy__RouteRow *row, const char *lead)
{
    const char *person = "";
    const char *department =
        row->never ? who_department(chooser->turn, chooser->record->site, row->never, &chooser->facts, &person) : "";
    return department[0] && !person[0] && strcmp(department, lead) == 0;
}

/* Who answers beside the handler, a trainee's mentor say. */
static const char *co_owner_of(struct chooser *chooser, const Policy__RouteRow *row, const char *handler)
{
    struct turn *turn = chooser->turn;
    struct facts facts = chooser->facts;
    const char *person = "";
    if (!row->co_owner || !*handler)
        return "";
    facts_set(turn_arena(turn), &facts, "handler", value_text(turn, handler));
    struct case_view view = {.turn = turn,
                             .site = chooser->record->site,
                             .policy = chooser->policy,
                             .facts = &facts,
                             .now_ms = chooser->event->occurred_ms};
    if (case_holds(&view, row->co_owner_if, NULL) == TRUTH_YES)
        (void)!who_department(turn, chooser->record->site, row->co_owner, &facts, &person);
    return person;
}

static const Hb__Label *department_name(void *context, const char *id)
{
    const struct chooser *chooser = context;
    const Directory__Department *department = organisation_department(chooser->turn, chooser->record->site, id);
    return department ? department->name : NULL;
}

/* What the policy calls the row; where it gives no name, its place among the rows and to whom it gives the case. */
static const char *row_text(const struct chooser *chooser, const Policy__RouteRow *row, bool english)
{
    struct arena *arena = turn_arena(chooser->turn);
    const struct policy_departments departments = {department_name, (void *)(uintptr_t)chooser};
    const char *name = policy_label_text(row->label, english);
    unsigned place = 1;
    if (*name)
        return arena_printf(arena, english ? "the route \"%s\"" : "分派规则“%s”", name);
    while (place < chooser->kind->n_route && chooser->kind->route[place - 1] != row)
        place++;
    const char *to =
        row->to ? policy_whos_text(arena, chooser->policy, &(Policy__Who *){row->to}, 1, english, &departments) : "";
    return arena_printf(arena, english ? "route %u (to %s)" : "第 %u 条分派规则（归%s）", place, to);
}

static void say_row_problem(struct chooser *chooser, const Policy__RouteRow *row, const char *zh, const char *en)
{
    struct arena *arena = turn_arena(chooser->turn);
    say_problem(chooser, row, row->name, arena_printf(arena, "%s%s", row_text(chooser, row, false), zh),
                arena_printf(arena, "%s %s", row_text(chooser, row, true), en));
}

static bool try_row(struct chooser *chooser, const Policy__RouteRow *row, struct routing_choice *out)
{
    struct turn *turn = chooser->turn;
    const char *named = "";
    const char *lead = row->to ? who_department(turn, chooser->record->site, row->to, &chooser->facts, &named) : "";
    if (!lead[0] || excluded(chooser, row, lead)) {
        say_row_problem(chooser, row, "没有可用的部门", "leads to no department that may answer");
        return false;
    }
    *out = choice_new(lead, handler_for(chooser, lead, named, never_of(chooser, row), row), row->name,
                      arena_printf(turn_arena(turn), "按%s", row_text(chooser, row, false)),
                      arena_printf(turn_arena(turn), "by %s", row_text(chooser, row, true)));
    out->clauses = row->clauses;
    out->clauses_count = row->n_clauses;
    add_joint(chooser, row, out);
    out->co_owner = co_owner_of(chooser, row, out->handler);
    if (row->n_holding && !*out->handler)
        say_row_problem(chooser, row, "：无人持有所需证书", "wants certificates that nobody present holds");
    return true;
}

/* Routing hears no notices: what was told is unknown here. */
static enum truth row_holds(const struct chooser *chooser, const Policy__RouteRow *row)
{
    struct case_view view = {.turn = chooser->turn,
                             .site = chooser->record->site,
                             .policy = chooser->policy,
                             .facts = &chooser->facts,
                             .now_ms = chooser->event->occurred_ms};
    return case_holds(&view, row->condition, NULL);
}

static bool choose_row(struct chooser *chooser, struct routing_choice *out)
{
    for (size_t i = 0; chooser->kind && i < chooser->kind->n_route; i++) {
        const Policy__RouteRow *row = chooser->kind->route[i];
        enum truth holds = row_holds(chooser, row);
        if (holds == TRUTH_UNKNOWN)
            say_row_problem(chooser, row, "所需内容未知，已略过", "asks what is not known, and was passed over");
        if (holds == TRUTH_YES && try_row(chooser, row, out))
            return true;
    }
    return false;
}

static bool choose_category(struct chooser *chooser, struct routing_choice *out)
{
    struct turn *turn = chooser->turn;
    const char *category = chooser->event->intake->registered->category;
    for (size_t i = 0; chooser->policy && i < chooser->policy->n_categories; i++) {
        const Policy__Category *row = chooser->policy->categories[i];
        if (strcmp(row->name, category) != 0 || !row->department[0] ||
            !organisation_department(turn, chooser->record->site, row->department))
            continue;
        *out = choice_new(row->department, handler_of(chooser, row->department, "", NULL), "category",
                          "该类别的归口部门", "the department of the category");
        return true;
    }
    return false;
}

/* ---- whoever there is ---- */

static const char *department_of_coordinator(struct turn *turn, const char *site)
{
    const Directory__Person **holders = organisation_holders(turn, site, "coordinator");
    for (; *holders; holders++)
        for (size_t i = 0; i < (*holders)->n_posts; i++) {
            const Directory__Post *post = (*holders)->posts[i];
            if (strcmp(post->site, site) == 0 && strcmp(post->post, "coordinator") == 0 && post->department[0])
                return post->department;
        }
    return "";
}

static const char *department_fallback(struct turn *turn, const char *site)
{
    const char *department = department_of_coordinator(turn, site);
    return department[0] ? department : routing_department_first(turn, site);
}

static struct routing_choice choose_fallback(struct chooser *chooser)
{
    const char *lead = department_fallback(chooser->turn, chooser->record->site);
    say_problem(chooser, NULL, "fallback", lead[0] ? "没有适用的分派规则" : "该站点没有部门",
                lead[0] ? "no route row applies" : "the site has no department");
    return choice_new(lead, handler_of(chooser, lead, "", NULL), "fallback", "没有适用的分派规则，由协调部门处理",
                      "no route row applies: the coordinating department has it");
}

struct routing_choice routing_choose(struct turn *turn, const Hb__Event *event, const Routerec__Case *record)
{
    struct chooser chooser = chooser_of(turn, event, record);
    chooser.nobody = ended(chooser.kind, event->intake->registered);
    struct routing_choice choice;
    if (choose_hint(&chooser, &choice) || choose_row(&chooser, &choice) || choose_category(&chooser, &choice))
        return choice;
    return choose_fallback(&chooser);
}

struct routing_choice routing_choose_returned(struct turn *turn, const Hb__Event *event, const Routerec__Case *record)
{
    struct chooser chooser = chooser_of(turn, event, record);
    const Policy__Who *to = chooser.kind ? chooser.kind->returns_to : NULL;
    const char *named = "";
    const char *lead = to ? who_department(turn, record->site, to, &chooser.facts, &named) : "";
    if (!lead[0])
        lead = department_fallback(turn, record->site);
    if (!lead[0])
        lead = record->lead;
    struct routing_choice choice = choice_new(lead, handler_of(&chooser, lead, named, NULL), "returned",
                                              "被退回，重新分派", "given back by its department");
    choice.clauses = event->clauses;
    choice.clauses_count = event->n_clauses;
    return choice;
}

bool routing_choose_assigned(struct turn *turn, const Hb__Event *event, const Routerec__Case *record,
                             struct routing_choice *out)
{
    struct chooser chooser = chooser_of(turn, event, record);
    const char *to = record->assign_to, *site = record->site, *lead = "", *named = "";
    const Directory__Department *department = organisation_department(turn, site, to);
    const Directory__Person *person = department ? NULL : organisation_person(turn, to);
    if (department)
        lead = department->id;
    else if (person && organisation_member(person, site, record->lead))
        lead = record->lead;
    else
        lead = department_of(person, site);
    if (!lead[0])
        return false;
    named = person ? person->id : "";
    *out = choice_new(lead, handler_of(&chooser, lead, named, NULL), ROUTING_ASSIGNED, "由制度规则指派",
                      "assigned by a rule of the policy");
    out->joint = (const char **)record->joint;
    out->joint_count = record->n_joint;
    out->rule = record->assign_rule;
    out->clauses = event->clauses;
    out->clauses_count = event->n_clauses;
    return true;
}

const Policy__RouteRow *routing_row(struct turn *turn, uint64_t case_id, const Routerec__Case *record)
{
    const Policy__Policy *policy = organisation_policy(turn, record->site, record->policy_version);
    const Policy__Kind *kind = policy ? policy_kind(policy, record->kind) : NULL;
    const Routerec__Routed *last = kind ? routing_history(turn, case_id, record->times) : NULL;
    const Routing__CaseRouted *routed = last ? routing_routed(turn, last) : NULL;
    for (size_t i = 0; routed && i < kind->n_route; i++)
        if (strcmp(kind->route[i]->name, routed->row) == 0)
            return kind->route[i];
    return NULL;
}

struct routing_choice routing_choose_withdrawn(struct turn *turn, const Hb__Event *event, const Routerec__Case *record)
{
    struct chooser chooser = chooser_of(turn, event, record);
    const Policy__RouteRow *row = routing_row(turn, event->case_id, record);
    const char *named = "";
    const char *lead = row && row->to ? who_department(turn, record->site, row->to, &chooser.facts, &named) : "";
    if (strcmp(lead, record->lead) != 0)
        named = "";
    struct routing_choice choice =
        choice_new(record->lead, handler_for(&chooser, record->lead, named, row ? never_of(&chooser, row) : NULL, row),
                   ROUTING_WITHDRAWN, "经办人已不任该岗位，重新分派", "its handler is no longer in the post");
    choice.joint = (const char **)record->joint;
    choice.joint_count = record->n_joint;
    if (row)
        choice.co_owner = co_owner_of(&chooser, row, choice.handler);
    return choice;
}
