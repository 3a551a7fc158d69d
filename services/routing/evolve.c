/* Folds what routing hears and says. What is due follows from the rows, not from the event alone: a case with
   `times` 0 is not routed yet, one `returned` waits for a new department, `hand_to` for its new handler. */
#include "routing.h"

#include "policy/facts.h"
#include "policy/lookup.h"

static bool counts(uint32_t phase)
{
    return phase != POLICY__PHASE__CLOSED && phase != POLICY__PHASE__ARCHIVED;
}

/* Moves the case to the person among whose open cases it belongs now. */
static void recount(struct turn *turn, Routerec__Case *record)
{
    const char *want = counts(record->phase) ? record->handler : "";
    if (strcmp(want, record->counted) == 0)
        return;
    if (record->counted[0]) {
        Routerec__Load *load = routing_load(turn, record->counted);
        load->open -= load->open > 0;
        routing_load_save(turn, record->counted, load);
    }
    if (want[0]) {
        Routerec__Load *load = routing_load(turn, want);
        load->open++;
        routing_load_save(turn, want, load);
    }
    record->counted = (char *)(uintptr_t)want;
}

static void fold_facts(struct turn *turn, Routerec__Case *record, const Hb__Event *event)
{
    facts_list_fold(turn_arena(turn), &record->facts, &record->n_facts, event);
}

static void evolve_registered(struct turn *turn, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    Routerec__Case record = ROUTEREC__CASE__INIT;
    record.site = event->site;
    record.kind = registered->kind;
    record.policy_version = event->policy_version;
    record.phase = registered->phase;
    record.not_by = registered->not_by;
    fold_facts(turn, &record, event);
    routing_case_save(turn, event->case_id, &record);
    turn_case_known(turn, event->case_id);
}

static void evolve_intake(struct turn *turn, const Hb__Event *event)
{
    switch (event->intake->kind_case) {
    case INTAKE__EVENT__KIND_REGISTERED:
        evolve_registered(turn, event);
        return;
    case INTAKE__EVENT__KIND_REQUEST_REFUSED:
    case INTAKE__EVENT__KIND_OPENED:
    case INTAKE__EVENT__KIND_NUMBERS_SKIPPED:
    case INTAKE__EVENT__KIND_HELD:
    case INTAKE__EVENT__KIND_HELD_REGISTERED:
    case INTAKE__EVENT__KIND_HELD_REFUSED:
    case INTAKE__EVENT__KIND__NOT_SET:
        return;
    }
}

static void evolve_step(struct turn *turn, const Hb__Event *event)
{
    const Casework__StepTaken *step = event->casework->step_taken;
    Routerec__Case *record = routing_case_load(turn, event->case_id);
    if (!record)
        return;
    record->reopened = !event->history && !counts(record->phase) && counts(step->phase);
    record->returned = record->returned || (policy_gives_back(step->gave_back, step->step) && !event->history);
    record->phase = step->phase;
    fold_facts(turn, record, event);
    recount(turn, record);
    routing_case_save(turn, event->case_id, record);
}

/* What is so already need not be said. */
static void evolve_assign(struct turn *turn, const Hb__Event *event)
{
    const char *to = event->casework->assign_requested->to;
    Routerec__Case *record = event->history ? NULL : routing_case_load(turn, event->case_id);
    if (!record || strcmp(record->handler, to) == 0 || (strcmp(record->lead, to) == 0 && record->handler[0]))
        return;
    record->assign_to = (char *)(uintptr_t)to;
    record->assign_rule = event->casework->assign_requested->rule;
    routing_case_save(turn, event->case_id, record);
}

/* Whoever is responsible stays so: only what is routed from here on goes by the other version. */
static void evolve_moved(struct turn *turn, const Hb__Event *event)
{
    Routerec__Case *record = routing_case_load(turn, event->case_id);
    if (!record)
        return;
    record->policy_version = event->casework->case_moved->to;
    fold_facts(turn, record, event);
    routing_case_save(turn, event->case_id, record);
}

static void evolve_casework(struct turn *turn, const Hb__Event *event)
{
    switch (event->casework->kind_case) {
    case CASEWORK__EVENT__KIND_STEP_TAKEN:
        evolve_step(turn, event);
        return;
    case CASEWORK__EVENT__KIND_ASSIGN_REQUESTED:
        evolve_assign(turn, event);
        return;
    case CASEWORK__EVENT__KIND_CASE_MOVED:
        evolve_moved(turn, event);
        return;
    case CASEWORK__EVENT__KIND_CASE_MOVE_REFUSED:
    case CASEWORK__EVENT__KIND_MOVE_BEGUN:
    case CASEWORK__EVENT__KIND_MOVE_ENDED:
    case CASEWORK__EVENT__KIND_CASE_REQUESTED:
    case CASEWORK__EVENT__KIND_MARK_REQUESTED:
    case CASEWORK__EVENT__KIND_NOTICE_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED:
    case CASEWORK__EVENT__KIND_DOCUMENT_ISSUED:
    case CASEWORK__EVENT__KIND_FILE_ATTACHED:
    case CASEWORK__EVENT__KIND_CASE_LINKED:
    case CASEWORK__EVENT__KIND_ACTION_REFUSED:
    case CASEWORK__EVENT__KIND_PROBLEM_NOTED:
    case CASEWORK__EVENT__KIND_PROBLEMS_SETTLED:
    case CASEWORK__EVENT__KIND_HISTORY_ENDED:
    case CASEWORK__EVENT__KIND_EXTENSION_GRANTED:
    case CASEWORK__EVENT__KIND__NOT_SET:
        return;
    }
}

/* Of a history nobody takes over (design.md 4). Who handles it already need not be told so. */
static void evolve_level(struct turn *turn, const Hb__Event *event)
{
    const char *person = event->escalation->reached->hand_to;
    Routerec__Case *record = person[0] && !event->history ? routing_case_load(turn, event->case_id) : NULL;
    if (!record || strcmp(record->handler, person) == 0)
        return;
    record->hand_to = (char *)(uintptr_t)person;
    routing_case_save(turn, event->case_id, record);
}

static void evolve_escalation(struct turn *turn, const Hb__Event *event)
{
    switch (event->escalation->kind_case) {
    case ESCALATION__EVENT__KIND_REACHED:
        evolve_level(turn, event);
        return;
    case ESCALATION__EVENT__KIND_CANCELLED:
    case ESCALATION__EVENT__KIND_PROBLEM:
    case ESCALATION__EVENT__KIND_ACKNOWLEDGED:
    case ESCALATION__EVENT__KIND__NOT_SET:
        return;
    }
}

static void history_save(struct turn *turn, const Hb__Event *event)
{
    const Routing__CaseRouted *routed = event->routing->routed;
    size_t size = routing__case_routed__get_packed_size(routed);
    Routerec__Routed row = ROUTEREC__ROUTED__INIT;
    row.event.data = arena_alloc(turn_arena(turn), size + 1);
    row.event.len = routing__case_routed__pack(routed, row.event.data);
    row.at_ms = event->occurred_ms;
    row.clauses = event->clauses;
    row.n_clauses = event->n_clauses;
    routing_history_add(turn, event->case_id, &row, routed->times);
}

static void evolve_routed(struct turn *turn, const Hb__Event *event)
{
    const Routing__CaseRouted *routed = event->routing->routed;
    Routerec__Case *record = routing_case_load(turn, event->case_id);
    if (!record)
        return;
    if (routed->handler[0] && strcmp(routed->handler, record->handler) != 0) {
        Routerec__Load *load = routing_load(turn, routed->handler);
        load->routed++;
        routing_load_save(turn, routed->handler, load);
    }
    record->lead = routed->lead;
    record->handler = routed->handler;
    record->joint = routed->joint;
    record->n_joint = routed->n_joint;
    record->first_contact = routed->first_contact;
    record->times = routed->times;
    record->returned = false;
    record->reopened = false;
    record->hand_to = "";
    record->assign_to = record->assign_rule = "";
    fold_facts(turn, record, event);
    recount(turn, record);
    routing_case_save(turn, event->case_id, record);
    history_save(turn, event);
}

/* Whom a rule named is not there: told once, and no longer due. */
static void evolve_problem(struct turn *turn, const Hb__Event *event)
{
    bool assigned = strcmp(event->routing->problem->row, ROUTING_ASSIGNED) == 0;
    Routerec__Case *record = assigned ? routing_case_load(turn, event->case_id) : NULL;
    if (!record)
        return;
    record->assign_to = record->assign_rule = "";
    routing_case_save(turn, event->case_id, record);
}

static void evolve_own(struct turn *turn, const Hb__Event *event)
{
    switch (event->routing->kind_case) {
    case ROUTING__EVENT__KIND_ROUTED:
        evolve_routed(turn, event);
        return;
    case ROUTING__EVENT__KIND_PROBLEM:
        evolve_problem(turn, event);
        return;
    case ROUTING__EVENT__KIND__NOT_SET:
        return;
    }
}

static void evolve_directory(struct turn *turn, const Directory__Event *event)
{
    if (event->kind_case == DIRECTORY__EVENT__KIND_DEPARTMENT_DEFINED) {
        const Directory__Department *department = event->department_defined;
        routing_department_save(turn, department->site, department->id, department->head);
    } else if (event->kind_case == DIRECTORY__EVENT__KIND_POST_WITHDRAWN) {
        routing_withdraw(turn, event->post_withdrawn);
    }
}

void routing_evolve(struct turn *turn, const Hb__Event *event)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_DIRECTORY:
        evolve_directory(turn, event->directory);
        return;
    case HB__EVENT__PAYLOAD_INTAKE:
        evolve_intake(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ROUTING:
        evolve_own(turn, event);
        return;
    case HB__EVENT__PAYLOAD_CASEWORK:
        evolve_casework(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ESCALATION:
        evolve_escalation(turn, event);
        return;
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}

bool routing_needs_case(const Hb__Event *event)
{
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK)
        return event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN ||
               event->casework->kind_case == CASEWORK__EVENT__KIND_ASSIGN_REQUESTED ||
               event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED;
    if (event->payload_case == HB__EVENT__PAYLOAD_ESCALATION)
        return event->escalation->kind_case == ESCALATION__EVENT__KIND_REACHED;
    return false;
}
