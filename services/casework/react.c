/* What follows: the `when` rules of the case's policy, upon any event of the case. All that match read the state just
   after the event, and all act; each effect happens once per (rule, source event). */
#include "casework.h"

#include "base/planted.h"
#include "message/message.h"
#include "policy/lookup.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

/* ---- does the event trigger the rule? ---- */

struct cause {
    const char *stage, *step, *told, *late; /* "" when not */
    const Hb__Event *event;
    const char *linked_kind, *linked_stage, *linked_number;
    uint64_t linked_id;
    Policy__Phase linked_phase;
    const struct casework_case *hears; /* the case that hears of a linked one */
};

static struct cause cause_of(const Hb__Event *event)
{
    struct cause cause = {"", "", "", "", event, "", "", "", 0, POLICY__PHASE__PHASE_NONE, NULL};
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_INTAKE:
        if (event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED) {
            cause.stage = event->intake->registered->stage;
            cause.step =
                *event->intake->registered->settled_step ? event->intake->registered->settled_step : "register";
        }
        return cause;
    case HB__EVENT__PAYLOAD_CASEWORK:
        if (event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN) {
            const Casework__StepTaken *taken = event->casework->step_taken;
            cause.step = taken->step;
            cause.stage = strcmp(taken->from, taken->stage) != 0 && !taken->back ? taken->stage : "";
        }
        return cause;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        if (event->notification->kind_case == NOTIFICATION__EVENT__KIND_TOLD)
            cause.told = event->notification->told->notice;
        return cause;
    case HB__EVENT__PAYLOAD_WATCHDOG:
        if (event->watchdog->kind_case == WATCHDOG__EVENT__KIND_MISSED)
            cause.late = event->watchdog->missed->instance->clock;
        return cause;
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_ESCALATION:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return cause;
    }
    return cause;
}

static bool fills(const Hb__Event *event, const char *field)
{
    for (size_t i = 0; i < event->n_facts; i++)
        if (strcmp(event->facts[i]->name, field) == 0 && event->facts[i]->value)
            return true;
    return false;
}

static bool becomes(const Hb__Event *event, const char *chain, const char *what)
{
    for (size_t i = 0; i < event->n_facts; i++) {
        const Hb__Value *value = event->facts[i]->value;
        if (strcmp(event->facts[i]->name, chain) == 0 && value && value->kind_case == HB__VALUE__KIND_TEXT &&
            strcmp(value->text, what) == 0)
            return true;
    }
    return false;
}

/* A linked case of a kind, or whom a field names, enters a stage; or one under this link a stage of a phase. */
static bool linked_as(const Policy__Trigger *trigger, const struct cause *cause)
{
    const Caserec__Case *record = cause->hears->record;
    if (!trigger->phase)
        return strcmp(cause->linked_stage, trigger->name) == 0 &&
               strcmp(trigger->by_field ? facts_text(&cause->hears->facts, trigger->other) : trigger->other,
                      trigger->by_field ? cause->linked_number : cause->linked_kind) == 0;
    for (size_t i = 0; i < record->n_links && trigger->phase == cause->linked_phase; i++)
        if (record->links[i]->case_id == cause->linked_id && strcmp(record->links[i]->name, trigger->other) == 0)
            return true;
    return false;
}

static bool triggered(const Policy__Trigger *trigger, const struct cause *cause)
{
    switch (trigger->type) {
    case POLICY__TRIGGER__TYPE__STAGE:
        return *cause->stage && strcmp(cause->stage, trigger->name) == 0;
    case POLICY__TRIGGER__TYPE__STEP:
        return *cause->step && strcmp(cause->step, trigger->name) == 0;
    case POLICY__TRIGGER__TYPE__TOLD:
        return *cause->told && strcmp(cause->told, trigger->name) == 0;
    case POLICY__TRIGGER__TYPE__LATE:
        return *cause->late && strcmp(cause->late, trigger->name) == 0;
    case POLICY__TRIGGER__TYPE__FIELD:
    case POLICY__TRIGGER__TYPE__TIME_FIELD:
        return cause->event && fills(cause->event, trigger->name);
    case POLICY__TRIGGER__TYPE__LINKED:
        return *cause->linked_stage && linked_as(trigger, cause);
    case POLICY__TRIGGER__TYPE__APPROVED:
        return cause->event && becomes(cause->event, trigger->name, "approved");
    case POLICY__TRIGGER__TYPE__REFUSED:
        return cause->event && becomes(cause->event, trigger->name, "refused");
    }
    return false;
}

bool casework_triggers(const Policy__Trigger *trigger, const Hb__Event *event)
{
    struct cause cause = cause_of(event);
    return trigger && triggered(trigger, &cause);
}

/* ---- acting ---- */

static void say_problem(struct turn *turn, const struct casework_case *one, const char *rule, char *const *clauses,
                        size_t count, Hb__Position *source, const char *missing, const char *step, const char *zh,
                        const char *en)
{
    Casework__ProblemNoted *noted = TURN_NEW(turn, Casework__ProblemNoted, casework__problem_noted__init);
    noted->rule = (char *)(uintptr_t)rule;
    noted->text = label_new(turn, zh, en);
    noted->source = source;
    noted->missing = (char *)(uintptr_t)missing;
    noted->step = (char *)(uintptr_t)step;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_PROBLEM_NOTED, noted);
    event_clauses(turn, event, clauses, count);
    turn_say(turn, event);
}

void casework_note_problem(struct turn *turn, const struct casework_case *one, const char *rule, char *const *clauses,
                           size_t count, Hb__Position *source, const char *zh, const char *en)
{
    say_problem(turn, one, rule, clauses, count, source, "", "", zh, en);
}

const char *casework_named(const struct casework_case *one, const Policy__Who *who)
{
    const char *person;
    const char *department = who_department(one->view.turn, one->record->site, who, &one->facts, &person);
    return *person ? person : department;
}

/* For a site of another cell: its intake hears of it (hears_above) and registers the case under its own policy. */
static bool address(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                    const Policy__Action *action, Hb__Position *source, Casework__CaseRequested *request)
{
    const char *cell = facts_text(&one->facts, action->at_cell), *site = facts_text(&one->facts, action->at_site);
    request->cell = strlen(cell) == 16 && strspn(cell, "0123456789abcdef") == 16 ? strtoull(cell, NULL, 16) : 0;
    request->site = arena_strdup(turn_arena(turn), site);
    request->to = request->not_by = arena_strdup(turn_arena(turn), ""); /* people and departments here are none there */
    if (request->cell && request->cell != turn_cell(turn) && *site)
        return true;
    casework_note_problem(
        turn, one, rule->name, rule->clauses, rule->n_clauses, source,
        arena_printf(turn_arena(turn), "%s 与 %s 须指明下级系统及其站点", action->at_cell, action->at_site),
        arena_printf(turn_arena(turn), "%s and %s must name a cell below and a site there", action->at_cell,
                     action->at_site));
    return false;
}

/* The case is opened all the same, as any: for whom routing finds, with the limits of its kind. */
static void note_unfilled(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                          const Policy__Action *action, const Casework__CaseRequested *request, Hb__Position *source)
{
    if (action->to && !*request->to && !*action->at_site)
        casework_note_problem(
            turn, one, rule->name, rule->clauses, rule->n_clauses, source,
            "规则所开案件应交给的人员或部门不存在，按一般规则分派",
            "there is nobody whom the case that this rule opens should go to: it is routed like any other");
    if (action->due && !request->due_ms)
        casework_note_problem(turn, one, rule->name, rule->clauses, rule->n_clauses, source,
                              "规则所开案件的期限无从得知", "nothing says when the case that this rule opens is due");
}

/* What the part says, as it goes into the case that is opened for it. */
static void know_part(struct turn *turn, const struct casework_case *one, Casework__CaseRequested *request)
{
    Casework__CaseRequested said = CASEWORK__CASE_REQUESTED__INIT;
    uint8_t digest[16];
    said.kind = request->kind;
    said.part = request->part;
    said.with = request->with;
    said.n_with = request->n_with;
    struct bytes packed = message_pack(&said.base, turn_arena(turn));
    crypto_generichash(digest, sizeof digest, packed.data, packed.size, NULL, 0);
    request->part_digest = bytes_get_u64(digest);
    request->round = one->record->round;
}

static void open_one(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                     const Policy__Action *action, Hb__Position *source, const struct casework_each *each,
                     uint32_t part)
{
    Casework__CaseRequested *request = TURN_NEW(turn, Casework__CaseRequested, casework__case_requested__init);
    request->rule = rule->name;
    request->source = source;
    request->kind = (char *)(uintptr_t)(*each->kind ? each->kind : action->name);
    request->part = part;
    request->link = action->link;
    if (*each->to)
        request->to = (char *)(uintptr_t)each->to;
    else if (action->to)
        request->to = (char *)(uintptr_t)casework_named(one, action->to);
    if (action->not_by)
        request->not_by = (char *)(uintptr_t)casework_named(one, action->not_by);
    if (action->due)
        (void)!case_instant(&one->view, action->due, &request->due_ms);
    request->with = each->with;
    request->n_with = each->with_count;
    const Policy__FieldDef *def = policy_field(one->kind, action->each);
    if (def && def->type == POLICY__FIELD_DEF__TYPE__PARTS)
        know_part(turn, one, request);
    if (request->part_digest && casework_part_opened(turn, one->id, request))
        return; /* listed again, as it was */
    casework_with(one, action->with, action->n_with, &request->with, &request->n_with);
    if (*action->at_site && !address(turn, one, rule, action, source, request))
        return;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_CASE_REQUESTED, request);
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    turn_say(turn, event);
    note_unfilled(turn, one, rule, action, request, source);
}

static void open_case(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                      const Policy__Action *action, Hb__Position *source)
{
    struct casework_each each;
    if (one->record->generation >= CASEWORK_GENERATION_MAX) {
        casework_note_problem(turn, one, rule->name, rule->clauses, rule->n_clauses, source,
                              "由规则引发的事项层层相因，已超过 8 层",
                              "cases made by rules follow each other more than 8 deep");
        return;
    }
    for (size_t i = 0; casework_each(one, action, i, &each); i++) {
        enum truth holds = casework_each_holds(one, action, i);
        if (holds == TRUTH_YES)
            open_one(turn, one, rule, action, source, &each, *action->each ? (uint32_t)i + 1 : 0);
        else if (holds == TRUTH_UNKNOWN)
            casework_note_problem(turn, one, rule->name, rule->clauses, rule->n_clauses, source,
                                  arena_printf(turn_arena(turn), "规则 %s 待定：%s 的第 %zu 部分所需内容未知",
                                               rule->name, action->each, i + 1),
                                  arena_printf(turn_arena(turn),
                                               "rule %s cannot tell of part %zu of %s: something is not known",
                                               rule->name, i + 1, action->each));
    }
}

/* As the case stands with what has been said of it meanwhile: the rule itself may have set a field before. */
static struct casework_case as_said(struct turn *turn, const struct casework_case *one)
{
    struct casework_case then = *one;
    const Hb__Event *said;
    for (unsigned i = 0; (said = turn_unfolded(turn, i)); i++)
        if (said->case_id == one->id)
            facts_fold(turn_arena(turn), &then.facts, said->facts, said->n_facts);
    return then;
}

/* As a person would be refused: what the step needs, guards, returns used up, links. */
static bool barred(struct turn *turn, const struct casework_case *one, const Policy__Step *step, Hb__Refusal *why)
{
    struct casework_case then = as_said(turn, one);
    then.view.facts = &then.facts;
    casework_check_needs(&then, step, NULL, 0, true, &why);
    casework_check_guards(&then, step, &then.facts, NULL, false, &why);
    casework_check_returns(&then, step, &why);
    casework_check_link(&then, step, &then.facts, NULL, &why);
    return why->n_problems != 0;
}

static void take_step(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                      const Policy__Action *action, Hb__Position *source)
{
    const Policy__Step *step = policy_step(one->kind, action->name);
    if (!step || !policy_step_from(step, one->record->stage)) {
        casework_note_problem(
            turn, one, rule->name, rule->clauses, rule->n_clauses, source,
            arena_printf(turn_arena(turn), "规则要求的步骤 %s 此时不可办理", action->name),
            arena_printf(turn_arena(turn), "the rule's step %s is not possible at this stage", action->name));
        return;
    }
    Hb__Refusal why = HB__REFUSAL__INIT;
    if (barred(turn, one, step, &why)) {
        const Hb__Label *text = why.problems[0]->text;
        const char *zh = step->label && *step->label->zh ? step->label->zh : step->name;
        const char *en = step->label && *step->label->en ? step->label->en : step->name;
        say_problem(turn, one, rule->name, rule->clauses, rule->n_clauses, source, "", step->name,
                    arena_printf(turn_arena(turn), "规则要求的步骤“%s”未办理：%s", zh, text->zh),
                    arena_printf(turn_arena(turn), "the rule's step \"%s\" is not taken: %s", en, text->en));
        return;
    }
    Hb__Event *event = casework_step_event(one, step, NULL, 0, NULL, rule->name);
    event->casework->step_taken->rule_source = source;
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    casework_say_links(one, step, event);
    casework_say_step(one, event);
}

static void set_fact(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                     const Policy__Action *action, Hb__Position *source)
{
    const Hb__Value *now = facts_get(&one->facts, action->set->name);
    Hb__Value *value = action->to ? value_text(turn, casework_named(one, action->to)) : action->set->value;
    if (now ? value_equal(now, value) : action->to && !*value->text)
        return; /* setting a field to its value is no event; nor is who took a step that nobody has taken */
    Policy__Step bare = POLICY__STEP__INIT;
    bare.name = (char *)(uintptr_t) "set";
    Hb__Event *event = casework_step_event(one, &bare, NULL, 0, NULL, rule->name);
    event->casework->step_taken->rule_source = source;
    event_fact(turn, event, action->set->name, value);
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    casework_say_step(one, event);
}

static void ask(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                const Policy__Action *action, Hb__Position *source)
{
    Policy__Step bare = POLICY__STEP__INIT;
    bare.name = (char *)(uintptr_t) "ask";
    Hb__Event *event = casework_step_event(one, &bare, NULL, 0, NULL, rule->name);
    event->casework->step_taken->rule_source = source;
    casework_chain_ask(one, action->name, event);
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    casework_say_step(one, event);
}

/* Routing says who is responsible; the rule only asks. */
static void assign(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                   const Policy__Action *action, Hb__Position *source)
{
    const char *to = casework_named(one, action->to);
    if (!*to) {
        casework_note_problem(turn, one, rule->name, rule->clauses, rule->n_clauses, source,
                              "规则要指派的人员或部门不存在", "there is nobody whom this rule could assign");
        return;
    }
    Casework__AssignRequested *request = TURN_NEW(turn, Casework__AssignRequested, casework__assign_requested__init);
    request->rule = rule->name;
    request->to = (char *)(uintptr_t)to;
    request->source = source;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_ASSIGN_REQUESTED, request);
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    turn_say(turn, event);
}

/* Directory owns the register. A field that names nothing marks nothing. */
static void mark(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                 const Policy__Action *action, Hb__Position *source)
{
    bool all = strncmp(action->name, "every ", 6) == 0;
    const char *thing = all ? "" : facts_text(&one->facts, action->name);
    if (!all && !*thing) {
        casework_note_problem(
            turn, one, rule->name, rule->clauses, rule->n_clauses, source,
            arena_printf(turn_arena(turn), "规则 %s 无法标记：%s 未填", rule->name, action->name),
            arena_printf(turn_arena(turn), "rule %s marks nothing: %s is not filled in", rule->name, action->name));
        return;
    }
    Casework__MarkRequested *request = TURN_NEW(turn, Casework__MarkRequested, casework__mark_requested__init);
    request->rule = rule->name;
    request->source = source;
    request->thing = (char *)(uintptr_t)thing;
    request->register_ = all ? action->name + 6 : request->register_;
    request->fact = action->set;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_MARK_REQUESTED, request);
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    turn_say(turn, event);
}

/* "list.subscribers": it is the case which the field names that lists them. False: it names none. */
static bool listed_there(struct turn *turn, const struct casework_case *one, struct casework_case *lists,
                         Policy__Action *of)
{
    const char *dot = strchr(of->each, '.');
    const char *field = arena_text(turn_arena(turn), of->each, (size_t)(dot - of->each));
    uint64_t id = casework_numbered(turn, one->record->site, facts_text(&one->facts, field));
    of->each = (char *)(uintptr_t)dot + 1;
    return id && casework_open(turn, id, lists);
}

/* The notice goes out on each case of the link: to its complainant, its handler. What the text names and that case
   does not know is this one's. */
static void tell_each(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                      const Policy__Action *action, const Casework__NoticeRequested *like)
{
    struct casework_each each;
    struct casework_case lists = *one;
    Policy__Action of = *action;
    if (strchr(action->each, '.') && !listed_there(turn, one, &lists, &of))
        return;
    for (size_t i = 0; casework_each(&lists, &of, i, &each); i++) {
        struct casework_case other;
        if (!each.link || !casework_open(turn, each.link, &other))
            continue;
        Casework__NoticeRequested *request =
            TURN_NEW(turn, Casework__NoticeRequested, casework__notice_requested__init);
        *request = *like;
        request->round = other.record->round;
        request->tells = one->id;
        Hb__Event *event = casework_event(turn, &other, CASEWORK__EVENT__KIND_NOTICE_REQUESTED, request);
        event_clauses(turn, event, rule->clauses, rule->n_clauses);
        turn_say(turn, event);
    }
}

static void act(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule,
                const Policy__Action *action, Hb__Position *source)
{
    Hb__Event *event = NULL;
    switch (action->type) {
    case POLICY__ACTION__TYPE__LINK: /* of patterns: analytics finds what is like it */
        return;
    case POLICY__ACTION__TYPE__OPEN:
        open_case(turn, one, rule, action, source);
        return;
    case POLICY__ACTION__TYPE__STEP:
        take_step(turn, one, rule, action, source);
        return;
    case POLICY__ACTION__TYPE__SET:
        set_fact(turn, one, rule, action, source);
        return;
    case POLICY__ACTION__TYPE__TELL: {
        Casework__NoticeRequested *request =
            TURN_NEW(turn, Casework__NoticeRequested, casework__notice_requested__init);
        request->rule = rule->name;
        request->notice = action->name;
        request->source = source;
        request->round = one->record->round;
        request->letter = casework_letter_of(one, action->name, source);
        if (*action->each) {
            tell_each(turn, one, rule, action, request);
            return;
        }
        event = casework_event(turn, one, CASEWORK__EVENT__KIND_NOTICE_REQUESTED, request);
        break;
    }
    case POLICY__ACTION__TYPE__ESCALATE: {
        Casework__EscalationRequested *request =
            TURN_NEW(turn, Casework__EscalationRequested, casework__escalation_requested__init);
        request->rule = rule->name;
        request->ladder = action->name;
        request->source = source;
        event = casework_event(turn, one, CASEWORK__EVENT__KIND_ESCALATION_REQUESTED, request);
        break;
    }
    case POLICY__ACTION__TYPE__ISSUE:
        casework_issue(turn, one, rule, action, source);
        return;
    case POLICY__ACTION__TYPE__ASK:
        ask(turn, one, rule, action, source);
        return;
    case POLICY__ACTION__TYPE__MARK:
        mark(turn, one, rule, action, source);
        return;
    case POLICY__ACTION__TYPE__ASSIGN:
        assign(turn, one, rule, action, source);
        return;
    }
    event_clauses(turn, event, rule->clauses, rule->n_clauses);
    turn_say(turn, event);
}

/* A rule that has begun its last round leaves the next to a person, visibly. */
static bool exhausted(const struct casework_case *one, const Policy__Rule *rule)
{
    return rule->at_most && one->record->round > rule->at_most;
}

/* What is issued comes first: a letter goes with the notice that carries it, wherever either stands. */
static void act_all(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule, Hb__Position *source,
                    bool issues)
{
    for (size_t i = planted("skip_action") ? 1 : 0; i < rule->n_then; i++)
        if ((rule->then[i]->type == POLICY__ACTION__TYPE__ISSUE) == issues)
            act(turn, one, rule, rule->then[i], source);
}

/* `by`: who did what the rule follows from; its condition may ask about them, its actions are nobody's. */
static enum truth applies(const struct casework_case *one, const Policy__Rule *rule, const Hb__Actor *by,
                          const char **unknown_out)
{
    struct case_view view = one->view;
    view.actor = by;
    return case_holds(&view, rule->condition, unknown_out);
}

static void fire(struct turn *turn, const struct casework_case *one, const Policy__Rule *rule, const Hb__Actor *by,
                 Hb__Position *source)
{
    const char *unknown;
    switch (applies(one, rule, by, &unknown)) {
    case TRUTH_NO:
        return;
    case TRUTH_YES:
        if (exhausted(one, rule))
            casework_note_problem(
                turn, one, rule->name, rule->clauses, rule->n_clauses, source,
                arena_printf(turn_arena(turn), "规则 %s 已达 %u 轮，须由人决定", rule->name, rule->at_most),
                arena_printf(turn_arena(turn), "rule %s has acted in %u rounds: a person decides now", rule->name,
                             rule->at_most));
        else
            act_all(turn, one, rule, source, false);
        return;
    case TRUTH_UNKNOWN:
        say_problem(
            turn, one, rule->name, rule->clauses, rule->n_clauses, source, unknown && *unknown ? unknown : "?", "",
            arena_printf(turn_arena(turn), "规则 %s 待定：%s 未知", rule->name, unknown ? unknown : ""),
            arena_printf(turn_arena(turn), "rule %s waits: %s is not known", rule->name, unknown ? unknown : ""));
        return;
    }
}

static bool issues(const Policy__Rule *rule)
{
    for (size_t i = 0; i < rule->n_then; i++)
        if (rule->then[i]->type == POLICY__ACTION__TYPE__ISSUE)
            return true;
    return false;
}

static void run_rules(struct turn *turn, const struct casework_case *one, const struct cause *cause,
                      Hb__Position *source)
{
    const Hb__Actor *by = cause->event ? cause->event->actor : NULL;
    const Policy__Rule **meant = NULL;
    size_t count = 0;
    for (size_t i = 0; i < one->kind->n_rules; i++) {
        const Policy__Rule *rule = one->kind->rules[i];
        if (rule->when && triggered(rule->when, cause) && !casework_fired(turn, one->id, rule->name, source))
            TURN_ADD(turn, meant, count, rule);
    }
    for (size_t i = 0; i < count; i++)
        if (issues(meant[i]) && !exhausted(one, meant[i]) && applies(one, meant[i], by, NULL) == TRUTH_YES)
            act_all(turn, one, meant[i], source, true);
    for (size_t i = 0; i < count; i++)
        fire(turn, one, meant[i], by, source);
}

const Policy__Rule *casework_waiting(const struct casework_case *one, const Caserec__Problem *problem)
{
    for (size_t i = 0; i < one->kind->n_rules && !problem->settled && *problem->missing; i++) {
        const Policy__Rule *rule = one->kind->rules[i];
        if (strcmp(rule->name, problem->noted->rule) == 0 && rule->when && rule->condition)
            return rule;
    }
    return NULL;
}

/* It has, and the state will know when what was said is folded. */
static bool acted_already(struct turn *turn, const struct casework_case *one, const Casework__ProblemNoted *noted)
{
    const Hb__Event *said;
    for (unsigned i = 0; (said = turn_unfolded(turn, i)); i++) {
        const char *rule;
        const Hb__Position *source = casework_source_of(said->casework, &rule);
        if (said->case_id == one->id && source && strcmp(rule, noted->rule) == 0 &&
            source->offset == noted->source->offset && source->log->service == noted->source->log->service)
            return true;
    }
    return false;
}

/* A rule that could not be decided for want of a fact is tried again when facts change; when it turns out not to
   apply, the fold settles the problem. One that acted and met another problem has acted: it is not tried again. */
static void retry_problems(struct turn *turn, const struct casework_case *one)
{
    for (size_t i = 0; i < one->record->n_problems; i++) {
        const Caserec__Problem *problem = one->record->problems[i];
        const Policy__Rule *rule = casework_waiting(one, problem);
        if (!rule || exhausted(one, rule) || case_holds(&one->view, rule->condition, NULL) != TRUTH_YES ||
            acted_already(turn, one, problem->noted))
            continue;
        act_all(turn, one, rule, problem->noted->source, true);
        act_all(turn, one, rule, problem->noted->source, false);
    }
}

/* The fold alone settles problems: whoever counts those that stand is told how many it were. */
static void say_settled(struct turn *turn, const struct casework_case *one)
{
    uint32_t settled = 0;
    const Hb__Event *said;
    for (size_t i = 0; i < one->record->n_problems; i++)
        settled += one->record->problems[i]->settled;
    for (unsigned i = 0; (said = turn_unfolded(turn, i)); i++)
        if (said->case_id == one->id && said->casework->kind_case == CASEWORK__EVENT__KIND_PROBLEMS_SETTLED)
            return;
    if (settled <= one->record->problems_settled)
        return;
    Casework__ProblemsSettled *now = TURN_NEW(turn, Casework__ProblemsSettled, casework__problems_settled__init);
    now->count = settled - one->record->problems_settled;
    turn_say(turn, casework_event(turn, one, CASEWORK__EVENT__KIND_PROBLEMS_SETTLED, now));
}

/* ---- linked cases ---- */

static bool linked_before(const Caserec__Case *record, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (record->links[i]->case_id == record->links[at]->case_id)
            return true;
    return false;
}

/* A case may be linked under several names: its rules run once. */
static void react_linked(struct turn *turn, const struct casework_case *one, const struct cause *cause,
                         Hb__Position *source)
{
    for (size_t i = 0; *cause->stage && i < one->record->n_links; i++) {
        struct casework_case other;
        if (linked_before(one->record, i) || !casework_open(turn, one->record->links[i]->case_id, &other))
            continue;
        const Policy__Stage *stage = policy_stage(one->kind, cause->stage);
        struct cause linked = {.stage = "",
                               .step = "",
                               .told = "",
                               .late = "",
                               .linked_kind = one->record->kind,
                               .linked_stage = cause->stage,
                               .linked_number = one->record->number,
                               .linked_id = one->id,
                               .linked_phase = stage ? stage->phase : POLICY__PHASE__PHASE_NONE,
                               .hears = &other};
        run_rules(turn, &other, &linked, source);
    }
}

static void react_request_refused(struct turn *turn, const Hb__Event *event)
{
    struct casework_case one;
    const Intake__CaseRequestRefused *refused = event->intake->request_refused;
    if (!casework_open(turn, event->case_id, &one) ||
        casework_fired(turn, one.id, "request_refused", refused->requested_by))
        return;
    const Hb__Refusal *why = refused->refusal;
    casework_note_problem(turn, &one, "request_refused", NULL, 0, refused->requested_by,
                          why && why->text ? why->text->zh : "未能登记",
                          why && why->text ? why->text->en : "the requested case could not be registered");
}

/* What analytics saw over many cases and this one cannot see by itself. */
static void react_pattern(struct turn *turn, const struct casework_case *one, const Hb__Event *event,
                          Hb__Position *source)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_ANALYTICS ||
        event->analytics->kind_case != ANALYTICS__EVENT__KIND_STEP_REQUESTED)
        return;
    const Analytics__StepRequested *request = event->analytics->step_requested;
    Policy__Rule rule = POLICY__RULE__INIT;
    Policy__Action action = POLICY__ACTION__INIT;
    rule.name = request->pattern;
    rule.clauses = event->clauses;
    rule.n_clauses = event->n_clauses;
    action.name = request->step;
    if (casework_fired(turn, one->id, rule.name, source))
        return;
    if (*request->step)
        take_step(turn, one, &rule, &action, source);
    for (size_t i = 0; i < request->n_set; i++) {
        action.set = request->set[i];
        set_fact(turn, one, &rule, &action, source);
    }
}

/* A figure that a field of this case asks for, as analytics has counted it: with it whether the target is met, and how
   many periods it has been missed in a row. Where there is no data the field has no value. */
static void react_figure(struct turn *turn, const struct casework_case *one, const Hb__Event *event,
                         Hb__Position *source)
{
    if (event->payload_case != HB__EVENT__PAYLOAD_ANALYTICS ||
        event->analytics->kind_case != ANALYTICS__EVENT__KIND_FIGURE_PUBLISHED)
        return;
    const Analytics__FigurePublished *said = event->analytics->figure_published;
    const Policy__FieldDef *def = policy_field(one->kind, said->field);
    if (!def || casework_fired(turn, one->id, said->field, source))
        return;
    Policy__Step bare = POLICY__STEP__INIT;
    bare.name = (char *)(uintptr_t) "set";
    Hb__Event *entered = casework_step_event(one, &bare, NULL, 0, NULL, said->field);
    entered->casework->step_taken->rule_source = source;
    bool number = def->type == POLICY__FIELD_DEF__TYPE__NUMBER;
    if (*said->value)
        event_fact(turn, entered, said->field,
                   number ? value_number(turn, strtoll(said->value, NULL, 10)) : value_text(turn, said->value));
    else if (facts_get(&one->facts, said->field))
        event_fact(turn, entered, said->field, NULL); /* it was another's */
    event_fact(turn, entered, arena_printf(turn_arena(turn), "%s.state", said->field), value_text(turn, said->state));
    event_fact(turn, entered, arena_printf(turn_arena(turn), "%s.missed", said->field),
               value_number(turn, said->missed_in_a_row));
    casework_compute(one, entered); /* what is computed from it */
    event_clauses(turn, entered, event->clauses, event->n_clauses);
    casework_say_step(one, entered);
}

void casework_react(struct turn *turn, const Hb__Event *event)
{
    struct casework_case one;
    if (event->case_id == 0)
        return;
    bool registered =
        event->payload_case == HB__EVENT__PAYLOAD_INTAKE && event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
    bool refused = event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
                   event->intake->kind_case == INTAKE__EVENT__KIND_REQUEST_REFUSED;
    if (refused) {
        react_request_refused(turn, event);
        return;
    }
    if (!casework_open(turn, event->case_id, &one))
        return;
    if (registered && event->intake->registered->historic)
        casework_say_history(turn, event);
    if (event->history && !planted("rules_in_history"))
        return; /* for facts before as_of no rule runs */
    casework_note_heard(turn, &one, event);
    Hb__Position *source = event_position(turn, event);
    struct cause cause = cause_of(event);
    if (*cause.told && event->notification->told->round && event->notification->told->round < one.record->round)
        cause.told = ""; /* the proof of a round that is over */
    run_rules(turn, &one, &cause, source);
    casework_note_undated(turn, &one, event, source);
    react_linked(turn, &one, &cause, source);
    casework_returns_react(&one, event);
    react_pattern(turn, &one, event, source);
    react_figure(turn, &one, event, source);
    casework_count_links(turn, &one, event);
    bool own = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK;
    bool moved = own && event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED; /* its rules may be others */
    if (moved || (own && event->n_facts))
        retry_problems(turn, &one);
    say_settled(turn, &one);
}

void casework_too_deep(struct turn *turn, const Hb__Event *event)
{
    struct casework_case one;
    if (event->case_id && casework_open(turn, event->case_id, &one))
        casework_note_problem(
            turn, &one, "", NULL, 0, event_position(turn, event), "规则在此引发的事件过深、过多或过大，已停止",
            "what rules caused here went too deep, or was too many or too large events: stopped here");
}
