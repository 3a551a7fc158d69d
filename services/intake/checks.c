/* What must hold before a case is registered, and before it is settled on the spot: needed fields and the `before`
   rules of the policy. All that is wrong comes back together. */
#include "intake.h"

#include "organisation/conditions.h"
#include "policy/facts.h"
#include "policy/lookup.h"

static enum truth nothing_told(void *context, const char *notice)
{
    (void)context;
    (void)notice;
    return TRUTH_NO;
}

enum truth intake_holds(struct turn *turn, const struct intake_new *fresh, const Policy__Condition *condition,
                        const char **missing_out)
{
    struct case_view view = {.turn = turn,
                             .site = fresh->site->id,
                             .policy = fresh->policy,
                             .facts = fresh->facts,
                             .actor = fresh->actor,
                             .now_ms = fresh->historic ? fresh->received_ms : turn_now(turn),
                             .told = nothing_told};
    return case_holds(&view, condition, missing_out);
}

/* ---- needed fields ---- */

static void refuse_missing(struct turn *turn, const char *field, const Hb__Label *label, char *const *clauses,
                           size_t clauses_count)
{
    Hb__Refusal *refusal = turn_refuse(turn, 422, "missing_field", "缺少必填内容", "something needed is missing");
    if (!refusal->field[0])
        refusal_field(turn, refusal, field);
    const char *zh = label && label->zh[0] ? label->zh : field, *en = label && label->en[0] ? label->en : field;
    refusal_problem(turn, refusal, field, clauses_count ? clauses[0] : "",
                    arena_printf(turn_arena(turn), "须填写“%s”", zh),
                    arena_printf(turn_arena(turn), "%s is needed", en));
    for (size_t i = 0; i < clauses_count; i++)
        refusal_clause(turn, refusal, clauses[i]);
}

static bool needed_now(struct turn *turn, const struct intake_new *fresh, const Policy__FieldDef *def, const char *step)
{
    switch (def->needed) {
    case POLICY__FIELD_DEF__NEEDED__NO:
        return false;
    case POLICY__FIELD_DEF__NEEDED__ALWAYS:
        return true;
    case POLICY__FIELD_DEF__NEEDED__AT_STEP:
        return strcmp(def->needed_at, step) == 0;
    case POLICY__FIELD_DEF__NEEDED__WHEN:
        return intake_holds(turn, fresh, def->needed_if, NULL) == TRUTH_YES;
    }
    return false;
}

static void check_needed(struct turn *turn, const struct intake_new *fresh, const char *step)
{
    for (size_t i = 0; i < fresh->kind->n_fields; i++) {
        const Policy__FieldDef *def = fresh->kind->fields[i];
        if (!strchr(def->name, '.') && needed_now(turn, fresh, def, step) && !facts_get(fresh->facts, def->name))
            refuse_missing(turn, def->name, def->label, def->clauses, def->n_clauses);
    }
}

void intake_check_needed(struct turn *turn, const struct intake_new *fresh)
{
    check_needed(turn, fresh, "register");
}

/* ---- rules ---- */

static bool overridden(struct turn *turn, const struct intake_new *fresh, const Policy__Rule *rule,
                       const Hb__Actor *actor)
{
    Policy__Who *who = rule->override;
    return who && who_includes(turn, fresh->site->id, &who, 1, fresh->facts, actor);
}

/* A rule that cannot be judged refuses: what it asks about must be known first. */
static void refuse_rule(struct turn *turn, const Policy__Rule *rule, enum truth holds, const char *missing)
{
    Hb__Refusal *refusal = turn_refuse(turn, 409, "guard", "制度不允许", "the policy does not allow it");
    const char *clause = rule->n_clauses ? rule->clauses[0] : "";
    if (holds == TRUTH_YES)
        refusal_problem(turn, refusal, "", clause, rule->refuse ? rule->refuse->zh : rule->name,
                        rule->refuse ? rule->refuse->en : rule->name);
    else
        refusal_problem(turn, refusal, missing, clause,
                        arena_printf(turn_arena(turn), "规则 %s 须先知道“%s”", rule->name, missing),
                        arena_printf(turn_arena(turn), "rule %s must know %s first", rule->name, missing));
    for (size_t i = 0; i < rule->n_clauses; i++)
        refusal_clause(turn, refusal, rule->clauses[i]);
}

void intake_check_rules(struct turn *turn, const struct intake_new *fresh, const char *step, const Hb__Actor *actor)
{
    for (size_t i = 0; i < fresh->kind->n_rules; i++) {
        const Policy__Rule *rule = fresh->kind->rules[i];
        if (strcmp(rule->before, step) != 0)
            continue;
        const char *missing = NULL;
        enum truth holds = intake_holds(turn, fresh, rule->condition, &missing);
        if (holds != TRUTH_NO && !overridden(turn, fresh, rule, actor))
            refuse_rule(turn, rule, holds, missing ? missing : "");
    }
}

/* ---- on the spot ---- */

static void refuse_settle(struct turn *turn, const char *zh, const char *en)
{
    refusal_field(turn, turn_refuse(turn, 422, "unknown_step", zh, en), "settle");
}

static const Policy__Step *step_settle(struct turn *turn, const struct intake_new *fresh, const Hb__Actor *actor)
{
    const Policy__Step *step = policy_settling(fresh->kind);
    if (!step)
        refuse_settle(turn, "该类事项不能现场办结", "this kind cannot be settled on the spot");
    else if (!policy_step_from(step, fresh->registered->stage))
        refuse_settle(turn, "该类事项登记时不能现场办结", "this kind cannot be settled at registration");
    else if (step->n_by && !actor->operator_ &&
             !who_includes(turn, fresh->site->id, step->by, step->n_by, fresh->facts, actor))
        turn_refuse(turn, 403, "not_allowed", "所任岗位不得现场办结", "no post of yours may settle on the spot");
    return turn_refused(turn) ? NULL : step;
}

/* Told and approved are never yet so for a case that is being registered. */
static void check_needs(struct turn *turn, const struct intake_new *fresh, const Policy__Step *step)
{
    for (size_t i = 0; i < step->n_needs; i++) {
        const Policy__Need *need = step->needs[i];
        if (need->type == POLICY__NEED__TYPE__FIELD && facts_get(fresh->facts, need->name))
            continue;
        const Policy__FieldDef *def = policy_field(fresh->kind, need->name);
        refuse_missing(turn, need->name, def ? def->label : NULL, step->clauses, step->n_clauses);
    }
}

void intake_settle(struct turn *turn, struct intake_new *fresh, const Intake__Submit *submit, const Hb__Actor *actor)
{
    const Policy__Step *step = step_settle(turn, fresh, actor);
    if (!step)
        return;
    intake_register_fields(turn, fresh, submit->settle_fields, submit->n_settle_fields);
    check_needs(turn, fresh, step);
    check_needed(turn, fresh, step->name);
    intake_check_rules(turn, fresh, step->name, actor);
    if (turn_refused(turn))
        return;
    for (size_t i = 0; i < step->n_set; i++)
        intake_register_fact(turn, fresh, step->set[i]->name, step->set[i]->value);
    fresh->registered->settled_step = step->name;
    if (step->to[0])
        intake_register_stage(turn, fresh, step->to);
    event_clauses(turn, fresh->event, step->clauses, step->n_clauses);
}

/* ---- history ---- */

static void refuse_historic(struct turn *turn, const struct intake_new *fresh, size_t at,
                            const Intake__HistoricStep *step, const char *stage)
{
    struct arena *arena = turn_arena(turn);
    const Policy__Step *known = policy_step(fresh->kind, step->step);
    Hb__Refusal *refusal =
        known ? turn_refuse(turn, 422, "wrong_stage", arena_printf(arena, "阶段 %s 不能执行步骤 %s", stage, step->step),
                            arena_printf(arena, "step %s does not start at stage %s", step->step, stage))
              : turn_refuse(turn, 422, "unknown_step", arena_printf(arena, "没有步骤 %s", step->step),
                            arena_printf(arena, "there is no step %s", step->step));
    refusal_field(turn, refusal, arena_printf(arena, "history.steps[%zu].step", at));
    for (size_t i = 0; i < fresh->kind->n_steps; i++)
        if (policy_step_from(fresh->kind->steps[i], stage))
            refusal_accepts(turn, refusal, fresh->kind->steps[i]->name);
}

/* The other case may not be here, or not be of that time. */
static void refuse_joining(struct turn *turn, size_t at)
{
    Hb__Refusal *refusal =
        turn_refuse(turn, 422, "bad_field", "历史中不能并案、拆案或引用其他案件：导入后再办理",
                    "in a history no case is joined with another or copies it: do it after the import");
    refusal_field(turn, refusal, arena_printf(turn_arena(turn), "history.steps[%zu].step", at));
}

static void refuse_time(struct turn *turn, size_t at)
{
    Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "时间须不早于前一步和登记时间，且不晚于截止时间 as_of",
                                       "the time must not be before the step before, nor after as_of");
    refusal_field(turn, refusal, arena_printf(turn_arena(turn), "history.steps[%zu].occurred_ms", at));
}

/* Against the table of moves only: guards, needs, rights and approvals were those of their time (design.md 4). */
void intake_check_history(struct turn *turn, const struct intake_new *fresh, const Intake__History *history)
{
    const char *stage = fresh->registered->stage, *before = ""; /* where `to: back` leads, once */
    int64_t at_ms = fresh->received_ms;
    for (size_t i = 0; i < history->n_steps && !turn_refused(turn); i++) {
        const Intake__HistoricStep *historic = history->steps[i];
        const Policy__Step *step = policy_step(fresh->kind, historic->step);
        if (!step || !policy_step_from(step, stage) || (step->back && !*before)) {
            refuse_historic(turn, fresh, i, historic, stage);
            return;
        }
        if (*step->link || *step->unlink || step->n_copy) {
            refuse_joining(turn, i);
            return;
        }
        if (historic->occurred_ms < at_ms || historic->occurred_ms > history->as_of_ms)
            refuse_time(turn, i);
        at_ms = historic->occurred_ms;
        const char *next = step->back ? before : step->to[0] ? step->to : stage;
        before = step->back ? "" : strcmp(next, stage) != 0 ? stage : before;
        stage = next;
    }
}
