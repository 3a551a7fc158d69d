/* May this step be taken, by this person, now? And taking it: one StepTaken. The order of the questions is the order of
   the refusals a person sees: stage, right, missing fields (all together), guards (all together). */
#include "casework.h"
#include "organisation/fields.h"

#include "base/planted.h"
#include "policy/words.h"

static struct turn *turn_of(const struct casework_case *one)
{
    return one->view.turn;
}

static bool names_step(char *const *acts, size_t count, const char *step)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(acts[i], step) == 0 || strcmp(acts[i], "any") == 0)
            return true;
    return false;
}

struct policy_by casework_by(const struct casework_case *one, const Policy__Step *step)
{
    return policy_step_by(step, facts_text(&one->facts, "lead"));
}

static const Hb__Label *department_name(void *context, const char *id)
{
    const struct casework_case *one = context;
    const Directory__Department *department = organisation_department(turn_of(one), one->record->site, id);
    return department ? department->name : NULL;
}

const char *casework_whos_text(const struct casework_case *one, Policy__Who *const *whos, size_t count, bool english)
{
    const struct policy_departments departments = {department_name, (void *)(uintptr_t)one};
    return policy_whos_text(turn_arena(turn_of(one)), one->policy, whos, count, english, &departments);
}

static bool permitted(const struct casework_case *one, const Policy__Step *step, const Hb__Actor *actor)
{
    struct turn *turn = turn_of(one);
    const char *site = one->record->site;
    if (casework_chain_step(one, step->name))
        return casework_chain_may(one, actor);
    Policy__Who *override = step->override;
    struct policy_by by = casework_by(one, step);
    if (who_includes(turn, site, by.list, by.count, &one->facts, actor) ||
        (override && who_includes(turn, site, &override, 1, &one->facts, actor)))
        return true;
    for (size_t i = 0; i < one->kind->n_may; i++) {
        const Policy__May *may = one->kind->may[i];
        if (names_step(may->acts, may->n_acts, step->name) &&
            case_holds(&one->view, may->condition, NULL) == TRUTH_YES &&
            who_includes(turn, site, may->who, may->n_who, &one->facts, actor))
            return true;
    }
    return false;
}

/* Whoever has lent his rights is answered for. */
static bool lent_by(struct turn *turn, const char *person, const char *lender)
{
    for (const Directory__Person **from = organisation_principals(turn, person); *from; from++)
        if (strcmp((*from)->id, lender) == 0)
            return true;
    return false;
}

bool casework_to_acknowledge(const struct casework_case *one, const Caserec__Level *level, const Hb__Actor *actor)
{
    for (size_t t = 0; t < level->n_told && actor && !level->acknowledged; t++)
        if (strcmp(level->told[t], actor->person) == 0 || lent_by(turn_of(one), actor->person, level->told[t]))
            return true;
    return false;
}

static bool escalated_to(const struct casework_case *one, const Hb__Actor *actor)
{
    for (size_t i = 0; i < one->record->n_levels; i++)
        if (casework_to_acknowledge(one, one->record->levels[i], actor))
            return true;
    return false;
}

enum casework_bar casework_step_bar(const struct casework_case *one, const Policy__Step *step, const Hb__Actor *actor,
                                    const char **clause_out)
{
    struct policy_by by = casework_by(one, step);
    *clause_out = by.clauses_count ? by.clauses[0] : "";
    if (!policy_step_from(step, one->record->stage) && !planted("any_stage"))
        return CASEWORK_WRONG_STAGE;
    if (case_forbidden(&one->view, one->kind, step->name, actor, clause_out) ||
        (!permitted(one, step, actor) && !planted("anybody")))
        return CASEWORK_NOT_ALLOWED;
    if (strcmp(step->name, "acknowledge") == 0 && !escalated_to(one, actor))
        return CASEWORK_NOT_ESCALATED;
    return CASEWORK_FREE;
}

const Hb__Actor *casework_standing(const struct casework_case *one, const Policy__Step *step, const Hb__Actor *actor)
{
    const char *clause;
    if (!actor || !*actor->person || casework_step_bar(one, step, actor, &clause) != CASEWORK_NOT_ALLOWED)
        return actor;
    for (const Directory__Person **from = organisation_principals(turn_of(one), actor->person); *from; from++) {
        const Hb__Actor *standing = casework_standing_for(one, actor, *from);
        if (casework_step_bar(one, step, standing, &clause) == CASEWORK_FREE)
            return standing;
    }
    return actor;
}

const Hb__Actor *casework_standing_for(const struct casework_case *one, const Hb__Actor *actor,
                                       const Directory__Person *from)
{
    Hb__Actor *standing = TURN_NEW(turn_of(one), Hb__Actor, hb__actor__init);
    *standing = *actor;
    standing->for_person = from->id;
    standing->post = (char *)(uintptr_t) ""; /* that of whose rights it is */
    return standing;
}

bool casework_may_write(const struct casework_case *one, const Policy__FieldDef *def, const Hb__Actor *actor)
{
    return def->n_write == 0 ||
           who_includes(turn_of(one), one->record->site, def->write, def->n_write, &one->facts, actor);
}

/* ---- needs ---- */

/* A field with parts is given with any of them. */
static bool given(Hb__Field *const *fields, size_t count, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (strncmp(fields[i]->name, name, size) == 0 && (!fields[i]->name[size] || fields[i]->name[size] == '.') &&
            fields[i]->content_case != HB__FIELD__CONTENT__NOT_SET)
            return true;
    return false;
}

static Hb__Refusal *missing(const struct casework_case *one, Hb__Refusal **refusal)
{
    if (!*refusal)
        *refusal = turn_refuse(turn_of(one), 422, "missing_field", "缺少必填内容", "something needed is missing");
    return *refusal;
}

/* What a field of a step is: the kind's, or one that `extend` brings along. */
const Policy__FieldDef *casework_field(const struct casework_case *one, const Policy__Step *step, const char *name)
{
    return strcmp(step->name, "extend") == 0 ? casework_extend_field(one, name) : policy_field_of_fact(one->kind, name);
}

void casework_miss_field(const struct casework_case *one, const Policy__Step *step, const char *name,
                         const char *clause, Hb__Refusal **refusal)
{
    struct turn *turn = turn_of(one);
    const Policy__FieldDef *field = casework_field(one, step, name);
    const char *zh = field && field->label ? field->label->zh : name,
               *en = field && field->label ? field->label->en : name;
    refusal_problem(turn, missing(one, refusal), name, clause, arena_printf(turn_arena(turn), "请填写%s", zh),
                    arena_printf(turn_arena(turn), "please fill in: %s", en));
}

/* What the case knows already need not be entered again, unless the policy asks for it anew; but each extension has a
   reason of its own, and whoever links the case says with which: what it was linked with before is another matter. */
static bool known_of(const struct casework_case *one, const Policy__Step *step, const Policy__Need *need)
{
    bool links = *step->link && strcmp(step->case_field, need->name) == 0;
    return !need->anew && !links && strcmp(step->name, "extend") != 0 && facts_get(&one->facts, need->name);
}

static const char *chain_label(const struct casework_case *one, const char *name, bool english)
{
    for (size_t i = 0; i < one->kind->n_chains; i++)
        if (strcmp(one->kind->chains[i]->name, name) == 0)
            return english ? one->kind->chains[i]->label->en : one->kind->chains[i]->label->zh;
    return name;
}

/* What a person says in his own words, a reason for instance, a rule cannot say. */
static bool excused(const struct casework_case *one, const char *name, bool by_rule)
{
    const Policy__FieldDef *def = by_rule ? policy_field(one->kind, name) : NULL;
    return def && def->type == POLICY__FIELD_DEF__TYPE__TEXT;
}

const char *casework_clause_of(const Policy__Need *need)
{
    return need->n_clauses ? need->clauses[0] : "";
}

void casework_check_needs(const struct casework_case *one, const Policy__Step *step, Hb__Field *const *fields,
                          size_t count, bool by_rule, Hb__Refusal **refusal)
{
    struct turn *turn = turn_of(one);
    const char *clause = step->n_clauses ? step->clauses[0] : "";
    for (size_t i = 0; i < step->n_needs; i++) {
        const Policy__Need *need = step->needs[i];
        const char *asks = casework_clause_of(need);
        if (need->type == POLICY__NEED__TYPE__FIELD) {
            if (!given(fields, count, need->name) && !known_of(one, step, need) && !excused(one, need->name, by_rule))
                casework_miss_field(one, step, need->name, asks, refusal);
        } else if (need->type == POLICY__NEED__TYPE__APPROVED && !casework_chain_approved(one, need->name)) {
            refusal_problem(turn, missing(one, refusal), need->name, asks,
                            arena_printf(turn_arena(turn), "尚未批准：%s", chain_label(one, need->name, false)),
                            arena_printf(turn_arena(turn), "not approved yet: %s", chain_label(one, need->name, true)));
        } else if (need->type == POLICY__NEED__TYPE__TOLD && !casework_told(one->record, need->name)) {
            const Policy__Notice *notice = policy_notice(one->policy, need->name);
            refusal_problem(turn, missing(one, refusal), need->name, asks,
                            arena_printf(turn_arena(turn), "尚未送达：%s", notice ? notice->label->zh : need->name),
                            arena_printf(turn_arena(turn), "no proof of delivery yet: %s",
                                         notice ? notice->label->en : need->name));
        }
    }
    casework_check_parts(one, step, fields, count, refusal);
    for (size_t i = 0; i < one->kind->n_fields; i++) {
        const Policy__FieldDef *field = one->kind->fields[i];
        if (strchr(field->name, '.'))
            continue; /* of a part: `needs: [every points.finding]` */
        bool at_step = *field->needed_at && strcmp(field->needed_at, step->name) == 0;
        bool needed =
            field->needed == POLICY__FIELD_DEF__NEEDED__AT_STEP ? at_step
            : field->needed == POLICY__FIELD_DEF__NEEDED__WHEN
                ? (at_step || !*field->needed_at) && case_holds(&one->view, field->needed_if, NULL) == TRUTH_YES
                : false;
        if (needed && !given(fields, count, field->name) && !facts_get(&one->facts, field->name) &&
            !excused(one, field->name, by_rule))
            casework_miss_field(one, step, field->name, field->n_clauses ? field->clauses[0] : clause, refusal);
    }
}

/* ---- guards: all `before` rules on the state before the step, with what the step fills in ---- */

static char *unknown_text(const struct casework_case *one, const Policy__Rule *rule, const char *unknown, bool english)
{
    struct arena *arena = turn_arena(turn_of(one));
    const char *what = unknown ? policy_fact_text(arena, one->kind, unknown, english) : "";
    return english ? arena_printf(arena, "%s (%s is not known)", rule->refuse->en, what)
                   : arena_printf(arena, "%s（%s未知）", rule->refuse->zh, what);
}

/* Does the condition read what the step is yet to ask for? */
static bool not_yet_given(const struct casework_case *one, const Policy__Step *step, const Policy__Rule *rule)
{
    for (size_t i = 0; i < step->n_needs; i++) {
        const Policy__Need *need = step->needs[i];
        if (need->type != POLICY__NEED__TYPE__FIELD || known_of(one, step, need))
            continue;
        for (size_t n = 0; rule->condition && n < rule->condition->n_nodes; n++)
            if (strcmp(rule->condition->nodes[n]->fact, need->name) == 0)
                return true;
    }
    return false;
}

void casework_check_guards(const struct casework_case *one, const Policy__Step *step, const struct facts *with,
                           const Hb__Actor *actor, bool ahead, Hb__Refusal **refusal)
{
    struct turn *turn = turn_of(one);
    struct case_view view = one->view;
    bool beside = actor && *refusal && (*refusal)->n_problems;
    view.facts = with;
    for (size_t i = 0; i < one->kind->n_rules; i++) {
        const Policy__Rule *rule = one->kind->rules[i];
        Policy__Who *override = rule->override;
        const char *unknown;
        if (strcmp(rule->before, step->name) != 0 || (ahead && not_yet_given(one, step, rule)))
            continue;
        if (override && who_includes(turn, one->record->site, &override, 1, &one->facts, actor))
            continue;
        enum truth truth = case_holds(&view, rule->condition, &unknown);
        bool of_nobody = !actor && unknown && strncmp(unknown, "actor.", 6) == 0; /* a rule takes the step */
        if (truth == TRUTH_NO || of_nobody || (beside && truth != TRUTH_YES))
            continue;
        if (!*refusal)
            *refusal = turn_refuse(turn, 409, "guard", "制度不允许此时办理", "the policy does not allow this now");
        const char *clause = rule->n_clauses ? rule->clauses[0] : "";
        for (size_t c = 0; c < rule->n_clauses; c++)
            refusal_clause(turn, *refusal, rule->clauses[c]);
        if (truth == TRUTH_YES)
            refusal_problem(turn, *refusal, "", clause, rule->refuse->zh, rule->refuse->en);
        else
            refusal_problem(turn, *refusal, unknown ? unknown : "", clause, unknown_text(one, rule, unknown, false),
                            unknown_text(one, rule, unknown, true));
    }
}

/* ---- taking it ---- */

Hb__Event *casework_event(struct turn *turn, const struct casework_case *one, Casework__Event__KindCase kind,
                          void *payload)
{
    Hb__Event *event = turn_event(turn, one->record->site, one->id);
    event->policy_version = one->record->policy_version;
    event->generation = one->record->generation;
    event->payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event->casework = TURN_NEW(turn, Casework__Event, casework__event__init);
    event->casework->kind_case = kind;
    event->casework->step_taken = payload; /* all arms share one pointer */
    return event;
}

/* Fields of the kind become facts; what only an extension says (which clock, why) does not. */
static void add_field(struct turn *turn, Hb__Event *event, Casework__StepTaken *taken, Hb__Field *field)
{
    bool fact = strcmp(taken->step, "extend") != 0;
    switch (field->content_case) {
    case HB__FIELD__CONTENT_VALUE:
        if (fact)
            event_fact(turn, event, field->name, field->value);
        return;
    case HB__FIELD__CONTENT_TEXT: {
        Hb__Value *present = value_number(turn, 0);
        present->kind_case = HB__VALUE__KIND_PRESENT;
        present->present = true;
        if (fact)
            event_fact(turn, event, field->name, present);
        TURN_ADD(turn, taken->texts, taken->n_texts, field);
        return;
    }
    case HB__FIELD__CONTENT__NOT_SET:
        return;
    }
}

static bool step_names(const struct policy_by *by, const char *post)
{
    for (size_t i = 0; i < by->count; i++)
        if (by->list[i]->n_of == 0 && strcmp(by->list[i]->root, post) == 0)
            return true;
    return false;
}

/* Who holds several posts acts in the one that the step names, else in the one that is in the department that leads. ""
   where that leaves a choice. */
static const char *post_acted_in(const struct casework_case *one, const Policy__Step *step,
                                 const Directory__Person *person)
{
    const char *named = "", *leading = "", *lead = facts_text(&one->facts, "lead");
    struct policy_by by = casework_by(one, step);
    unsigned named_count = 0, leading_count = 0;
    for (size_t i = 0; i < person->n_posts; i++) {
        const Directory__Post *held = person->posts[i];
        if (strcmp(held->site, one->record->site) != 0)
            continue;
        if (step_names(&by, held->post) && ++named_count)
            named = held->post;
        if (*lead && strcmp(held->department, lead) == 0 && ++leading_count)
            leading = held->post;
    }
    return named_count == 1 ? named : named_count == 0 && leading_count == 1 ? leading : "";
}

static void name_post(const struct casework_case *one, const Policy__Step *step, Hb__Event *event)
{
    struct turn *turn = turn_of(one);
    const Hb__Actor *actor = one->view.actor;
    if (!actor || !*actor->person || *actor->post)
        return;
    const char *acting = *actor->for_person ? actor->for_person : actor->person;
    const Directory__Person *person = organisation_person(turn, acting);
    const char *post = person ? post_acted_in(one, step, person) : "";
    if (!*post && !*actor->for_person)
        return;
    event->actor = TURN_NEW(turn, Hb__Actor, hb__actor__init);
    *event->actor = *actor;
    event->actor->post = (char *)(uintptr_t)post;
}

/* What is kept elsewhere (the field bears no file of the case) is only named no longer. */
static void delete_files(const struct casework_case *one, const Policy__Step *step, Hb__Event *event,
                         Casework__StepTaken *taken)
{
    for (size_t i = 0; i < step->n_deletes; i++) {
        const char *named = facts_text(&one->facts, step->deletes[i]);
        if (!*named)
            continue;
        event_fact(turn_of(one), event, step->deletes[i], NULL);
        for (size_t a = 0; a < one->record->n_attachments; a++)
            if (strcmp(one->record->attachments[a]->file, named) == 0) {
                TURN_ADD(turn_of(one), taken->deleted, taken->n_deleted, one->record->attachments[a]->file);
                TURN_ADD(turn_of(one), taken->deleted_from, taken->n_deleted_from, step->deletes[i]);
            }
    }
}

Hb__Event *casework_step_event(const struct casework_case *one, const Policy__Step *step, Hb__Field *const *fields,
                               size_t count, const Hb__Personal *note, const char *rule)
{
    struct turn *turn = turn_of(one);
    Casework__StepTaken *taken = TURN_NEW(turn, Casework__StepTaken, casework__step_taken__init);
    const char *to = step->back && *one->record->stage_before ? one->record->stage_before : step->to;
    const Policy__Stage *stage = policy_stage(one->kind, *to ? to : one->record->stage);
    struct policy_by by = policy_step_by(step, *rule ? "" : facts_text(&one->facts, "lead")); /* a rule is nobody's */
    taken->step = step->name;
    taken->gave_back =
        policy_gives_back(step->gives_back, step->name) ? HB__GIVES_BACK__RETURNS : HB__GIVES_BACK__KEEPS;
    taken->from = one->record->stage;
    taken->stage = stage ? stage->name : one->record->stage;
    taken->phase = stage ? (uint32_t)stage->phase : one->record->phase;
    taken->round = one->record->round + step->round_next;
    taken->version = one->record->version + 1;
    taken->note = (Hb__Personal *)(uintptr_t)note;
    taken->rule = (char *)(uintptr_t)rule;
    if (strcmp(step->name, one->kind->public_problem) == 0)
        taken->joined = one->record->joined + 1;
    taken->back = step->back;
    taken->approves_policy = *one->kind->approved_in && strcmp(one->kind->approved_in, taken->stage) == 0;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_STEP_TAKEN, taken);
    event_clauses(turn, event, by.clauses, by.clauses_count);
    event_fact_text(turn, event, "stage", taken->stage);
    event_fact_number(turn, event, "phase", taken->phase);
    event_fact_number(turn, event, "round", taken->round);
    for (size_t i = 0; i < one->policy->n_takers && one->view.actor; i++)
        if (strcmp(one->policy->takers[i], step->name) == 0)
            event_fact_text(turn, event, arena_printf(turn_arena(turn), "taker.%s", step->name),
                            one->view.actor->person);
    for (size_t i = 0; i < step->n_set; i++)
        event_fact(turn, event, step->set[i]->name, step->set[i]->value);
    for (size_t i = 0; i < count; i++)
        add_field(turn, event, taken, fields[i]);
    delete_files(one, step, event, taken);
    casework_chain_lapse(one, event);
    fields_count_parts(turn, &one->facts, event);
    casework_compute(one, event);
    name_post(one, step, event);
    return event;
}

void casework_say_step(const struct casework_case *one, Hb__Event *event)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    Caserec__Case *record = one->record;
    turn_say(turn_of(one), event);
    if (strcmp(record->stage, taken->stage) != 0)
        record->stage_before = taken->back ? (char *)(uintptr_t) "" : record->stage;
    record->stage = taken->stage;
    record->phase = taken->phase;
    record->round = taken->round;
    record->version = taken->version;
    if (taken->joined)
        record->joined = taken->joined;
}
