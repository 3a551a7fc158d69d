#include "casework.h"
#include "organisation/fields.h"

/* ---- the door ---- */

static bool extends(const Casework__Act *act)
{
    return strcmp(act->step, "extend") == 0;
}

static const Policy__Step *find_step(struct turn *turn, const struct casework_case *one, const Casework__Act *act)
{
    const Policy__Step *step = extends(act) ? casework_extend_step(one, act) : policy_step(one->kind, act->step);
    if (step && step->n_from)
        return step;
    Hb__Refusal *refusal = turn_refuse(turn, 404, "unknown_step", "没有这个步骤", "there is no such step");
    for (size_t i = 0; i < one->kind->n_steps; i++)
        if (policy_step_from(one->kind->steps[i], one->record->stage))
            refusal_next(turn, refusal, one->kind->steps[i]->name);
    return NULL;
}

/* The field itself says at which step it is asked for. */
static bool asked_at(const Policy__FieldDef *def, const Policy__Step *step)
{
    return strcmp(def->needed_at, step->name) == 0 || def->needed == POLICY__FIELD_DEF__NEEDED__WHEN;
}

static bool step_takes(const struct casework_case *one, const Policy__Step *step, const char *field)
{
    for (size_t i = 0; i < step->n_needs; i++)
        if (step->needs[i]->type == POLICY__NEED__TYPE__FIELD && strcmp(step->needs[i]->name, field) == 0)
            return true;
    for (size_t i = 0; i < step->n_fields; i++)
        if (strcmp(step->fields[i], field) == 0)
            return true;
    const Policy__FieldDef *def = policy_field(one->kind, field);
    return def && asked_at(def, step);
}

static void type_one(struct turn *turn, const struct casework_case *one, const Policy__Step *step, Hb__Field *field)
{
    const Policy__FieldDef *def = casework_field(one, step, field->name);
    char *path = arena_printf(turn_arena(turn), "fields.%s", field->name);
    if (!def || !step_takes(one, step, field->name)) {
        Hb__Refusal *refusal = turn_refuse(turn, 422, "bad_field", "该步骤没有此字段", "this step takes no such field");
        refusal_field(turn, refusal, path);
        for (size_t i = 0; i < step->n_fields; i++)
            refusal_accepts(turn, refusal, step->fields[i]);
        for (size_t i = 0; i < step->n_needs; i++)
            if (step->needs[i]->type == POLICY__NEED__TYPE__FIELD)
                refusal_accepts(turn, refusal, step->needs[i]->name);
        for (size_t i = 0; i < one->kind->n_fields; i++)
            if (asked_at(one->kind->fields[i], step))
                refusal_accepts(turn, refusal, one->kind->fields[i]->name);
        return;
    }
    if (field->content_case == HB__FIELD__CONTENT_TEXT && field->text->kind_case == HB__PERSONAL__KIND_PLAIN &&
        strlen(field->text->plain) > CASEWORK_NOTE_CHARACTERS_MAX * 3) {
        refusal_field(turn, turn_refuse(turn, 413, "too_large", "文字过长", "at most 20,000 characters"), path);
        return;
    }
    field_type(turn, one->record->site, def, field, path);
}

void casework_prepare(struct turn *turn, Hb__Command *command)
{
    struct casework_case one;
    if (command->payload_case != HB__COMMAND__PAYLOAD_CASEWORK ||
        command->casework->kind_case != CASEWORK__COMMAND__KIND_ACT) {
        turn_refuse(turn, 400, "not_understood", "该服务不接受此命令", "this service does not take that command");
        return;
    }
    if (!casework_open(turn, command->case_id, &one)) {
        turn_refuse(turn, 404, "not_found", "没有这个案件", "there is no such case");
        return;
    }
    Casework__Act *act = command->casework->act;
    const Policy__Step *step = find_step(turn, &one, act);
    for (size_t i = 0; step && i < act->n_fields && !turn_refused(turn); i++)
        type_one(turn, &one, step, act->fields[i]);
}

uint64_t casework_seal_key(struct turn *turn, const Hb__Command *command, bool identity)
{
    const Caserec__Case *record = casework_load(turn, command->case_id);
    return !record ? 0 : identity ? record->identity_key : record->content_key;
}

/* ---- refusing ---- */

static void say_refused(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor, const char *step,
                        Hb__Refusal *refusal)
{
    bool known = actor && *actor->account && !casework_throttled(turn, actor->account, one->id, step);
    if (!known)
        return;
    Casework__ActionRefused *refused = CASEWORK_NEW(turn, Casework__ActionRefused, casework__action_refused__init);
    refused->step = (char *)(uintptr_t)step;
    refused->refusal = refusal;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_ACTION_REFUSED, refused);
    event_clauses(turn, event, refusal->clauses, refusal->n_clauses);
    turn_say(turn, event);
}

static void add_next(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor, Hb__Refusal *refusal)
{
    for (size_t i = 0; i < one->kind->n_steps; i++) {
        const char *clause;
        const Policy__Step *step = one->kind->steps[i];
        if (step->n_from && casework_step_bar(one, step, actor, &clause) == CASEWORK_FREE)
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

/* Whoever may: posts by their labels, roles by their words, "head of lead" as 主办部门的负责人. */
static const char *root_text(const struct casework_case *one, const char *root, bool english)
{
    static const struct {
        const char *role, *zh, *en;
    } roles[] = {{"handler", "经办人", "the handler"},
                 {"lead", "主办部门", "the lead department"},
                 {"joint", "协办部门", "the joint departments"},
                 {"owner", "责任人", "the owner"},
                 {"first_contact", "首接人", "the first contact"},
                 {"complainant", "投诉人", "the complainant"},
                 {"respondent", "被投诉人", "the respondent"},
                 {"employee", "员工", "employees"}};
    const Policy__Post *post = policy_post(one->policy, root);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].role, root) == 0)
            return english ? roles[i].en : roles[i].zh;
    return post ? (english ? post->label->en : post->label->zh) : root;
}

static const char *who_text(struct turn *turn, const struct casework_case *one, const Policy__Who *who, bool english)
{
    static const struct {
        const char *word, *zh;
    } words[] = {{"head", "负责人"},     {"superior", "上级"}, {"deputy", "代理人"},
                 {"department", "部门"}, {"duty", "值班"},     {"members", "成员"}};
    const char *text = root_text(one, who->root, english);
    for (size_t i = who->n_of; i-- > 0;) {
        const char *zh = who->of[i];
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            zh = strcmp(words[w].word, who->of[i]) == 0 ? words[w].zh : zh;
        text = english ? arena_printf(turn_arena(turn), "%s of %s", who->of[i], text)
                       : arena_printf(turn_arena(turn), "%s的%s", text, zh);
    }
    return text;
}

static const char *whos_text(struct turn *turn, const struct casework_case *one, const Policy__Step *step, bool english)
{
    const char *text = "";
    for (size_t i = 0; i < step->n_by; i++)
        text = arena_printf(turn_arena(turn), "%s%s%s", text,
                            i == 0    ? ""
                            : english ? " or "
                                      : "、",
                            who_text(turn, one, step->by[i], english));
    return text;
}

static void refuse_right(struct turn *turn, const struct casework_case *one, const Policy__Step *step,
                         const Hb__Actor *actor, const char *clause)
{
    struct arena *arena = turn_arena(turn);
    Hb__Refusal *refusal = turn_refuse(
        turn, 403, "not_allowed", arena_printf(arena, "只有%s可%s", whos_text(turn, one, step, false), step->label->zh),
        arena_printf(arena, "only %s may do this: %s", whos_text(turn, one, step, true), step->label->en));
    bool of_step = step->n_clauses && strcmp(clause, step->clauses[0]) == 0;
    for (size_t i = 0; of_step && i < step->n_clauses; i++)
        refusal_clause(turn, refusal, step->clauses[i]);
    if (!of_step)
        refusal_clause(turn, refusal, clause); /* of the rule that excludes */
    add_next(turn, one, actor, refusal);
    say_refused(turn, one, actor, step->name, refusal);
}

/* ---- steps that mean more ---- */

static void acknowledge(struct turn *turn, const struct casework_case *one, const Hb__Actor *actor)
{
    for (size_t i = 0; i < one->record->n_levels; i++) {
        const Caserec__Level *level = one->record->levels[i];
        bool told = false;
        for (size_t t = 0; t < level->n_told; t++)
            told = told || strcmp(level->told[t], actor->person) == 0;
        if (level->acknowledged || !told)
            continue;
        Casework__EscalationAcknowledged *done =
            CASEWORK_NEW(turn, Casework__EscalationAcknowledged, casework__escalation_acknowledged__init);
        done->ladder = level->ladder;
        done->clock = level->clock;
        done->row = level->row;
        done->person = actor->person;
        turn_say(turn, casework_event(turn, one, CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED, done));
    }
}

static struct facts with_fields(struct turn *turn, const struct casework_case *one, const Casework__Act *act)
{
    struct facts facts = one->facts;
    Hb__Value *present = value_number(turn, 0);
    present->kind_case = HB__VALUE__KIND_PRESENT;
    present->present = true;
    for (size_t i = 0; i < act->n_fields; i++) {
        const Hb__Field *field = act->fields[i];
        if (field->content_case == HB__FIELD__CONTENT_VALUE)
            facts_set(turn_arena(turn), &facts, field->name, field->value);
        else if (field->content_case == HB__FIELD__CONTENT_TEXT)
            facts_set(turn_arena(turn), &facts, field->name, present);
    }
    return facts;
}

/* ---- deciding ---- */

static bool may_touch(struct turn *turn, const struct casework_case *one, const Hb__Command *command)
{
    const Hb__Actor *actor = command->actor;
    if (actor && actor->complainant)
        return true; /* the gateway has checked the tracking code of this very case */
    if (rights_may(turn, actor, "act", one->record->site))
        return true;
    if (rights_may(turn, actor, "read", one->record->site))
        turn_refuse(turn, 403, "not_allowed", "该账号无权办理", "this account may read but not act here");
    else
        turn_refuse(turn, 404, "not_found", "没有这个案件", "there is no such case");
    return false;
}

static bool version_fits(struct turn *turn, const struct casework_case *one, const Hb__Command *command)
{
    if (command->expected_version == 0 || command->expected_version == one->record->version)
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

void casework_decide(struct turn *turn, const Hb__Command *command)
{
    struct casework_case one;
    if (!casework_open(turn, command->case_id, &one)) {
        turn_refuse(turn, 404, "not_found", "没有这个案件", "there is no such case");
        return;
    }
    const Casework__Act *act = command->casework->act;
    const Hb__Actor *actor = command->actor;
    const Policy__Step *step = find_step(turn, &one, act);
    const Policy__Clock *clock = extends(act) && step ? casework_extend_clock(&one, act) : NULL;
    const char *clause;
    Hb__Refusal *refusal = NULL;
    if (!step || !may_touch(turn, &one, command) || !version_fits(turn, &one, command))
        return;
    switch (casework_step_bar(&one, step, actor, &clause)) {
    case CASEWORK_WRONG_STAGE:
        refuse_stage(turn, &one, step, actor);
        return;
    case CASEWORK_NOT_ALLOWED:
        refuse_right(turn, &one, step, actor, clause);
        return;
    case CASEWORK_FREE:
        break;
    }
    casework_check_needs(&one, step, act->fields, act->n_fields, &refusal);
    if (refusal) {
        for (size_t i = 0; i < step->n_clauses; i++)
            refusal_clause(turn, refusal, step->clauses[i]);
        return;
    }
    struct facts with = with_fields(turn, &one, act);
    casework_check_guards(&one, step, &with, actor, &refusal);
    if (clock && !refusal)
        refusal = casework_extend_bar(&one, clock);
    if (refusal) {
        add_next(turn, &one, actor, refusal);
        say_refused(turn, &one, actor, step->name, refusal);
        return;
    }
    Hb__Event *taken = casework_step_event(&one, step, act->fields, act->n_fields, act->note, "");
    turn_say(turn, taken);
    if (clock)
        casework_extend_say(&one, clock, taken);
    if (strcmp(step->name, "acknowledge") == 0)
        acknowledge(turn, &one, actor);
}

void casework_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                    Hb__CommandReply *reply)
{
    (void)turn;
    for (unsigned i = 0; i < count; i++) {
        bool taken = said[i]->payload_case == HB__EVENT__PAYLOAD_CASEWORK && said[i]->case_id == command->case_id &&
                     said[i]->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN;
        if (!taken)
            continue;
        reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_STAGE;
        reply->stage = said[i]->casework->step_taken->stage;
        reply->version = said[i]->casework->step_taken->version;
    }
}
