#include "casework.h"

#include "base/planted.h"
#include "organisation/fields.h"

/* ---- refusing ---- */

static void say_refused(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor, const char *step,
                        Hb__Refusal *refusal)
{
    bool known = actor && *actor->account && !casework_throttled(turn, actor->account, one->id, step);
    if (!known)
        return;
    Casework__ActionRefused *refused = TURN_NEW(turn, Casework__ActionRefused, casework__action_refused__init);
    refused->step = (char *)(uintptr_t)step;
    refused->refusal = refusal;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_ACTION_REFUSED, refused);
    event_clauses(turn, event, refusal->clauses, refusal->n_clauses);
    turn_say(turn, event);
}

static void add_next(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor, Hb__Refusal *refusal)
{
    if (!casework_account_acts(one, actor, true))
        return;
    for (size_t i = 0; i < one->kind->n_steps; i++) {
        const char *clause;
        const Policy__Step *step = one->kind->steps[i];
        if (step->n_from && casework_step_bar(one, step, casework_standing(one, step, actor), &clause) == CASEWORK_FREE)
            refusal_next(turn, refusal, step->name);
    }
}

/* "已受理" is a stage; "not yet" of it is 尚未受理. */
static const char *stage_zh(const Policy__Stage *stage)
{
    static const char done[] = "已";
    const char *zh = stage ? stage->label->zh : "";
    return strncmp(zh, done, sizeof done - 1) == 0 ? zh + sizeof done - 1 : zh;
}

static void refuse_stage(struct turn *turn, const struct casework_case *one, const Policy__Step *step,
                         const Hb__Actor *actor)
{
    struct arena *arena = turn_arena(turn);
    const Policy__Stage *from = step->n_from ? policy_stage(one->kind, step->from[0]) : NULL;
    const Policy__Stage *now = policy_stage(one->kind, one->record->stage);
    Hb__Refusal *refusal = turn_refuse(
        turn, 409, "wrong_stage", arena_printf(arena, "尚未%s，现为%s", stage_zh(from), now ? now->label->zh : ""),
        arena_printf(arena, "not at \"%s\" but at \"%s\"", from ? from->label->en : "", now ? now->label->en : ""));
    for (size_t i = 0; i < step->n_clauses; i++)
        refusal_clause(turn, refusal, step->clauses[i]);
    add_next(turn, one, actor, refusal);
}

static void refuse_right(struct turn *turn, const struct casework_case *one, const Policy__Step *step,
                         const Hb__Actor *actor, const char *clause)
{
    struct arena *arena = turn_arena(turn);
    struct policy_by by = casework_by(one, step);
    const char *zh = casework_whos_text(one, by.list, by.count, false);
    const char *en = casework_whos_text(one, by.list, by.count, true);
    Hb__Refusal *refusal = turn_refuse(turn, 403, "not_allowed", arena_printf(arena, "只有%s可%s", zh, step->label->zh),
                                       arena_printf(arena, "only %s may do this: %s", en, step->label->en));
    bool of_step = by.clauses_count && strcmp(clause, by.clauses[0]) == 0;
    for (size_t i = 0; of_step && i < by.clauses_count; i++)
        refusal_clause(turn, refusal, by.clauses[i]);
    if (!of_step)
        refusal_clause(turn, refusal, clause); /* of the rule that excludes */
    add_next(turn, one, actor, refusal);
    say_refused(turn, one, actor, step->name, refusal);
}

static void refuse_acknowledging(struct turn *turn, const struct casework_case *one, const Policy__Step *step,
                                 const Hb__Actor *actor)
{
    Hb__Refusal *refusal = turn_refuse(turn, 409, "not_escalated", "没有升级到您且尚未确认的事项，无须确认",
                                       "no escalation of this case waits for you to acknowledge it");
    for (size_t i = 0; i < step->n_clauses; i++)
        refusal_clause(turn, refusal, step->clauses[i]);
    add_next(turn, one, actor, refusal);
    say_refused(turn, one, actor, step->name, refusal);
}

/* Who may take the step may still not fill in each of its fields. */
static bool refuse_writer(struct turn *turn, const struct casework_case *one, const Policy__Step *step,
                          const Casework__Act *act, const Hb__Actor *actor)
{
    struct arena *arena = turn_arena(turn);
    Hb__Refusal *refusal = NULL;
    for (size_t i = 0; i < act->n_fields; i++) {
        const Policy__FieldDef *def = casework_field(one, step, act->fields[i]->name);
        if (!def || act->fields[i]->content_case == HB__FIELD__CONTENT__NOT_SET || casework_may_write(one, def, actor))
            continue;
        const char *zh = arena_printf(arena, "“%s”只能由%s填写", def->label->zh,
                                      casework_whos_text(one, def->write, def->n_write, false));
        const char *en = arena_printf(arena, "only %s may fill in: %s",
                                      casework_whos_text(one, def->write, def->n_write, true), def->label->en);
        char *path = arena_printf(arena, "fields.%s", def->name);
        if (!refusal)
            refusal_field(turn, refusal = turn_refuse(turn, 403, "not_allowed", zh, en), path);
        for (size_t c = 0; c < def->n_clauses; c++)
            refusal_clause(turn, refusal, def->clauses[c]);
        refusal_problem(turn, refusal, path, def->n_clauses ? def->clauses[0] : "", zh, en);
    }
    if (refusal)
        say_refused(turn, one, actor, step->name, refusal);
    return refusal != NULL;
}

/* ---- steps that mean more ---- */

static void acknowledge(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor)
{
    for (size_t i = 0; i < one->record->n_levels; i++) {
        const Caserec__Level *level = one->record->levels[i];
        if (!casework_to_acknowledge(one, level, actor))
            continue;
        Casework__EscalationAcknowledged *done =
            TURN_NEW(turn, Casework__EscalationAcknowledged, casework__escalation_acknowledged__init);
        done->ladder = level->ladder;
        done->clock = level->clock;
        done->row = level->row;
        done->person = actor->person;
        done->key = level->key;
        turn_say(turn, casework_event(turn, one, CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED, done));
    }
}

static struct facts with_fields(struct turn *turn, const struct casework_case *one, const Casework__Act *act)
{
    struct facts facts = one->facts;
    Hb__Event filled = HB__EVENT__INIT;
    Hb__Value *present = value_number(turn, 0);
    present->kind_case = HB__VALUE__KIND_PRESENT;
    present->present = true;
    for (size_t i = 0; i < act->n_fields; i++) {
        const Hb__Field *field = act->fields[i];
        if (field->content_case != HB__FIELD__CONTENT__NOT_SET)
            event_fact(turn, &filled, field->name,
                       field->content_case == HB__FIELD__CONTENT_VALUE ? field->value : present);
    }
    fields_count_parts(turn, &one->facts, &filled);
    facts_fold(turn_arena(turn), &facts, filled.facts, filled.n_facts);
    return facts;
}

/* ---- deciding ---- */

bool casework_account_acts(const struct casework_case *one, const Hb__Actor *actor, bool submits)
{
    struct turn *turn = one->view.turn;
    const char *site = one->record->site;
    if (actor && actor->complainant)
        return true; /* the gateway has checked the tracking code of this very case */
    return rights_may(turn, actor, "act", site) || (submits && rights_may(turn, actor, "submit", site));
}

bool casework_account_may(const struct casework_case *one, const Hb__Actor *actor, bool submits)
{
    struct turn *turn = one->view.turn;
    if (casework_account_acts(one, actor, submits))
        return true;
    if (rights_may(turn, actor, "read", one->record->site))
        turn_refuse(turn, 403, "not_allowed", "该账号无权办理", "this account may read but not act here");
    else
        casework_refuse_unknown(turn);
    return false;
}

const Hb__Actor *casework_acting(const struct casework_case *one, const Hb__Actor *actor, const Casework__Act *act)
{
    struct turn *turn = one->view.turn;
    const char *filer = facts_text(&one->facts, "filer");
    if (!casework_account_may(one, actor, act->for_complainant))
        return NULL;
    if (!act->for_complainant)
        return actor;
    if (!*filer || strcmp(filer, who_filer(turn, actor)) != 0) {
        turn_refuse(turn, 403, "not_allowed", "只有登记该案件的人可替投诉人补充",
                    "only who registered the case may add to it for its complainant");
        return NULL;
    }
    Hb__Actor *acting = TURN_NEW(turn, Hb__Actor, hb__actor__init);
    *acting = *actor;
    acting->complainant = true;
    acting->person = ""; /* what else he may as himself is not for this */
    return acting;
}

static bool version_fits(struct turn *turn, const struct casework_case *one, const Hb__Command *command)
{
    if (command->expected_version == 0 || planted("stale_version") || command->expected_version == one->record->version)
        return true;
    struct arena *arena = turn_arena(turn);
    Hb__Refusal *refusal =
        turn_refuse(turn, 412, "stale_version",
                    arena_printf(arena, "案件已被他人更新，当前版本为 %llu", (unsigned long long)one->record->version),
                    arena_printf(arena, "somebody changed the case: it is at version %llu now",
                                 (unsigned long long)one->record->version));
    refusal_accepts(turn, refusal, arena_printf(arena, "%llu", (unsigned long long)one->record->version));
    return false;
}

/* With whose rights: as the command names it, else as it may be. NULL: refused. */
static const Hb__Actor *standing(struct turn *turn, const struct casework_case *one, const Policy__Step *step,
                                 const Casework__Act *act, const Hb__Actor *actor)
{
    if (!*act->for_person)
        return casework_standing(one, step, actor);
    const Directory__Person **from = organisation_principals(turn, actor ? actor->person : "");
    for (; *from; from++)
        if (strcmp((*from)->id, act->for_person) == 0)
            return casework_standing_for(one, actor, *from);
    Hb__Refusal *refusal =
        turn_refuse(turn, 403, "not_delegated", arena_printf(turn_arena(turn), "现无 %s 的代理授权", act->for_person),
                    arena_printf(turn_arena(turn), "%s has not lent you their rights now", act->for_person));
    refusal_field(turn, refusal, "for_person");
    for (from = organisation_principals(turn, actor ? actor->person : ""); *from; from++)
        refusal_accepts(turn, refusal, (*from)->id);
    return NULL;
}

static void add_clause(struct turn *turn, Hb__Refusal *refusal, const char *clause)
{
    for (size_t i = 0; i < refusal->n_clauses; i++)
        if (strcmp(refusal->clauses[i], clause) == 0)
            return;
    if (*clause)
        refusal_clause(turn, refusal, clause);
}

/* What is missing, each under the clause that asks for it; with it what will bar whoever fills it in. */
static void refuse_missing(struct turn *turn, const struct casework_case *one, const Policy__Step *step,
                           const struct facts *with, const Hb__Actor *actor, Hb__Refusal *refusal)
{
    size_t missing = refusal->n_problems;
    for (size_t i = 0; i < step->n_clauses; i++)
        refusal_clause(turn, refusal, step->clauses[i]);
    for (size_t i = 0; i < missing; i++)
        add_clause(turn, refusal, refusal->problems[i]->clause);
    casework_check_guards(one, step, with, actor, false, &refusal);
    if (refusal->n_problems > missing)
        say_refused(turn, one, actor, step->name, refusal);
}

/* The event of the step, and what it says with it. */
static void take(struct turn *turn, const struct casework_case *one, const Policy__Step *step, const Casework__Act *act,
                 const Policy__Clock *clock, const Hb__Actor *actor)
{
    Hb__Event *taken = casework_step_event(one, step, act->fields, act->n_fields, act->note, "");
    if (casework_chain_step(one, step->name))
        casework_chain_take(one, step, act, actor, taken);
    casework_limit_decided(one, step, actor, taken);
    if (act->for_complainant)
        taken->actor = (Hb__Actor *)(uintptr_t)actor;
    casework_say_links(one, step, taken);
    turn_say(turn, taken);
    if (clock)
        casework_extend_say(one, clock, taken);
    if (strcmp(step->name, "acknowledge") == 0)
        acknowledge(turn, one, actor);
}

void casework_decide(struct turn *turn, const Hb__Command *command)
{
    struct casework_case one;
    if (command->casework->kind_case == CASEWORK__COMMAND__KIND_MOVE) {
        casework_decide_move(turn, command);
        return;
    }
    if (!casework_open_for(turn, command->case_id, command->actor, &one))
        return;
    if (command->casework->kind_case == CASEWORK__COMMAND__KIND_ATTACH) {
        one.view.actor = command->actor;
        casework_decide_attach(turn, command, &one);
        return;
    }
    const Casework__Act *act = command->casework->act;
    bug_unless(!planted("poison_decide") || strcmp(act->step, "acknowledge") != 0);
    const Hb__Actor *acting = casework_acting(&one, command->actor, act);
    if (turn_refused(turn))
        return;
    one.view.actor = acting;
    const Policy__Step *step = casework_find_step(turn, &one, act);
    const Policy__Clock *clock = casework_extends(act) && step ? casework_extend_clock(&one, act) : NULL;
    const char *clause;
    Hb__Refusal *refusal = NULL;
    if (!step || !version_fits(turn, &one, command))
        return;
    const Hb__Actor *actor = standing(turn, &one, step, act, acting);
    if (turn_refused(turn))
        return;
    one.view.actor = actor;
    switch (casework_step_bar(&one, step, actor, &clause)) {
    case CASEWORK_WRONG_STAGE:
        refuse_stage(turn, &one, step, actor);
        return;
    case CASEWORK_NOT_ALLOWED:
        if (casework_chain_step(&one, step->name) && casework_chain_refuse(&one, actor))
            return;
        refuse_right(turn, &one, step, actor, clause);
        return;
    case CASEWORK_NOT_ESCALATED:
        refuse_acknowledging(turn, &one, step, actor);
        return;
    case CASEWORK_FREE:
        break;
    }
    if (refuse_writer(turn, &one, step, act, actor))
        return;
    casework_check_needs(&one, step, act->fields, act->n_fields, false, &refusal);
    casework_chain_check(&one, step, act, actor, &refusal);
    struct facts with = with_fields(turn, &one, act);
    if (refusal) {
        refuse_missing(turn, &one, step, &with, actor, refusal);
        return;
    }
    casework_check_guards(&one, step, &with, actor, false, &refusal);
    casework_check_returns(&one, step, &refusal);
    casework_check_link(&one, step, &with, actor, &refusal);
    const Policy__Limits *limits;
    const Policy__LimitByPost *enough;
    enum casework_limit limit = casework_limit(&one, step, &with, actor, &limits, &enough);
    if (limit == CASEWORK_LIMIT_UNKNOWN || limit == CASEWORK_LIMIT_REFUSED)
        casework_limit_refuse(&one, limits, limit, &refusal);
    if (clock && !refusal)
        refusal = casework_extend_bar(&one, clock);
    if (refusal) {
        add_next(turn, &one, actor, refusal);
        say_refused(turn, &one, actor, step->name, refusal);
        return;
    }
    if (limit == CASEWORK_LIMIT_WAITS) {
        turn_say(turn, casework_limit_wait(&one, limits, enough, act->fields, act->n_fields, act->note));
        return;
    }
    take(turn, &one, step, act, clock, actor);
}

void casework_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                    Hb__CommandReply *reply)
{
    (void)turn;
    for (unsigned i = 0; i < count; i++) {
        if (command->casework->kind_case == CASEWORK__COMMAND__KIND_MOVE &&
            said[i]->casework->kind_case == CASEWORK__EVENT__KIND_MOVE_BEGUN) {
            reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_POLICY_VERSION;
            reply->policy_version = said[i]->casework->move_begun->version;
            return;
        }
        bool taken = said[i]->payload_case == HB__EVENT__PAYLOAD_CASEWORK && said[i]->case_id == command->case_id &&
                     said[i]->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN;
        if (!taken)
            continue;
        reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_STAGE;
        reply->stage = said[i]->casework->step_taken->stage;
        reply->version = said[i]->casework->step_taken->version;
    }
}
