/* Who may register what: the scope of the account, the portal's limits, and what the policy itself says (`register` as
   a step, may, never, the fields one may write). */
#include "intake.h"

#include "organisation/fields.h"
#include "organisation/organisation.h"
#include "policy/facts.h"
#include "policy/lookup.h"

static void refuse_right(struct turn *turn, const char *zh, const char *en, char *const *clauses, size_t clauses_count)
{
    Hb__Refusal *refusal = turn_refuse(turn, 403, "not_allowed", zh, en);
    for (size_t i = 0; i < clauses_count; i++)
        refusal_clause(turn, refusal, clauses[i]);
}

/* ---- the account ---- */

/* The public portal speaks for a complainant without an account: only on the web, only for kinds open to it, and
   without what is the staff's to say. */
static void check_portal(struct turn *turn, const Directory__Site *site, const Policy__Kind *kind,
                         const Intake__Submit *submit)
{
    if (!site->public_ || !kind->public_)
        refuse_right(turn, "该类事项不对公众开放", "this kind is not open to the public here", NULL, 0);
    else if (strcmp(submit->channel, "web") != 0)
        refuse_right(turn, "公众提交的渠道只能是 web", "the public submits by the channel web only", NULL, 0);
    else if (submit->settle || submit->department[0])
        refuse_right(turn, "现场办结和指定部门仅限工作人员", "to settle and to name a department is for staff", NULL,
                     0);
}

void intake_check_account(struct turn *turn, const Hb__Actor *actor, const Directory__Site *site,
                          const Policy__Kind *kind, const Intake__Submit *submit)
{
    if (actor->complainant && !actor->account[0])
        check_portal(turn, site, kind, submit);
    else if (!rights_may(turn, actor, "submit", site->id))
        refuse_right(turn, "无权在该站点登记", "no right to submit at this site", NULL, 0);
}

/* Who says that something came in earlier moves its deadlines: a right of its own, and only so far back. */
void intake_check_received(struct turn *turn, const Hb__Actor *actor, const Directory__Site *site,
                           const Intake__Submit *submit)
{
    int64_t now = turn_now(turn), given = submit->received_ms;
    if (!given)
        return;
    if (!rights_may(turn, actor, "receive", site->id)) {
        refuse_right(turn, "无权填写收到时间（receive）", "to say when it was received needs the scope receive", NULL,
                     0);
        refusal_field(turn, turn_refuse(turn, 403, "not_allowed", "", ""), "received_ms");
    } else if (given > now + INTAKE_CLOCK_LEAD_MS || given < now - INTAKE_RECEIVED_BEFORE_MS) {
        refusal_field(turn,
                      turn_refuse(turn, 422, "bad_field", "收到时间不得晚于现在，也不得早于 31 天之前",
                                  "it was received between 31 days ago and now; what is older is imported"),
                      "received_ms");
    }
}

/* ---- the policy ---- */

struct asking {
    struct turn *turn;
    const struct intake_new *fresh;
    const Hb__Actor *actor;
};

static bool among(const struct asking *asking, Policy__Who **who, size_t count)
{
    const struct intake_new *fresh = asking->fresh;
    return count && who_includes(asking->turn, fresh->site->id, who, count, fresh->facts, asking->actor);
}

static bool names(char *const *acts, size_t count, const char *act)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(acts[i], act) == 0)
            return true;
    return false;
}

static bool about_registering(char *const *acts, size_t count, const char *what, const char *kind, bool any)
{
    if (what[0] && strcmp(what, kind) != 0)
        return false;
    return names(acts, count, "register") || (any && names(acts, count, "any"));
}

/* `register` may be a step of the kind: then it says who takes it. */
static void check_step_by(const struct asking *asking)
{
    const Policy__Step *step = policy_step(asking->fresh->kind, "register");
    if (step && step->n_by && !among(asking, step->by, step->n_by))
        refuse_right(asking->turn, "所任岗位不得登记该类事项", "no post of yours may register this kind", step->clauses,
                     step->n_clauses);
}

/* Where somebody may, nobody else may; what cannot be judged is no. */
static void check_may(const struct asking *asking)
{
    const Policy__Kind *kind = asking->fresh->kind;
    const Policy__May *told = NULL;
    for (size_t i = 0; i < kind->n_may; i++) {
        const Policy__May *may = kind->may[i];
        if (!about_registering(may->acts, may->n_acts, may->what, kind->name, false))
            continue;
        if (among(asking, may->who, may->n_who) &&
            intake_holds(asking->turn, asking->fresh, may->condition, NULL) == TRUTH_YES)
            return;
        told = may;
    }
    if (told)
        refuse_right(asking->turn, "制度未授权您登记该类事项", "the policy does not let you register this kind",
                     told->clauses, told->n_clauses);
}

/* What cannot be judged is yes: excluded. */
static void check_never(const struct asking *asking, Policy__Never *const *nevers, size_t count)
{
    const struct intake_new *fresh = asking->fresh;
    for (size_t i = 0; i < count; i++) {
        const Policy__Never *never = nevers[i];
        if (about_registering(never->acts, never->n_acts, never->what, fresh->kind->name, true) &&
            among(asking, never->who, never->n_who) && !among(asking, never->except, never->n_except) &&
            intake_holds(asking->turn, fresh, never->condition, NULL) != TRUTH_NO)
            refuse_right(asking->turn, "制度规定您须回避", "the policy excludes you from this case", never->clauses,
                         never->n_clauses);
    }
}

static void check_write(const struct asking *asking, Hb__Field *const *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Policy__FieldDef *def = policy_field(asking->fresh->kind, fields[i]->name);
        if (!def || !def->n_write || fields[i]->content_case == HB__FIELD__CONTENT__NOT_SET ||
            among(asking, def->write, def->n_write))
            continue;
        refuse_right(asking->turn, "您不得填写该字段", "this field is not yours to fill in", def->clauses,
                     def->n_clauses);
        refusal_field(asking->turn, turn_refuse(asking->turn, 403, "not_allowed", "", ""),
                      arena_printf(turn_arena(asking->turn), "fields.%s", def->name));
        return;
    }
}

void intake_check_policy(struct turn *turn, const struct intake_new *fresh, const Intake__Submit *submit,
                         const Hb__Actor *actor)
{
    struct asking asking = {turn, fresh, actor};
    bool public = actor->complainant && fresh->kind->public_; /* the portal asks public fields only */
    if (actor->operator_)
        return;
    if (!public) {
        check_step_by(&asking);
        check_may(&asking);
        check_write(&asking, submit->fields, submit->n_fields);
        check_write(&asking, submit->settle_fields, submit->n_settle_fields);
    }
    check_never(&asking, fresh->policy->never, fresh->policy->n_never);
    check_never(&asking, fresh->kind->never, fresh->kind->n_never);
}

/* ---- before there is a case ---- */

/* Somebody may, and nothing that is known by now speaks against it. */
static bool might(const struct asking *asking)
{
    const Policy__Kind *kind = asking->fresh->kind;
    bool told = false, may = false;
    for (size_t i = 0; i < kind->n_may; i++)
        if (about_registering(kind->may[i]->acts, kind->may[i]->n_acts, kind->may[i]->what, kind->name, false)) {
            told = true;
            may = may || (among(asking, kind->may[i]->who, kind->may[i]->n_who) &&
                          intake_holds(asking->turn, asking->fresh, kind->may[i]->condition, NULL) != TRUTH_NO);
        }
    return may || !told;
}

static bool excluded(const struct asking *asking, Policy__Never *const *nevers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (about_registering(nevers[i]->acts, nevers[i]->n_acts, nevers[i]->what, asking->fresh->kind->name, true) &&
            among(asking, nevers[i]->who, nevers[i]->n_who) && !among(asking, nevers[i]->except, nevers[i]->n_except) &&
            intake_holds(asking->turn, asking->fresh, nevers[i]->condition, NULL) == TRUTH_YES)
            return true;
    return false;
}

static bool registrable(const struct asking *asking)
{
    const struct intake_new *fresh = asking->fresh;
    const Policy__Step *step = policy_step(fresh->kind, "register");
    return asking->actor->operator_ ||
           ((!step || !step->n_by || among(asking, step->by, step->n_by)) && might(asking) &&
            !excluded(asking, fresh->policy->never, fresh->policy->n_never) &&
            !excluded(asking, fresh->kind->never, fresh->kind->n_never));
}

/* The step, if whoever asks may take it with the registration. */
static const Policy__Step *settles(const struct asking *asking)
{
    const Policy__Kind *kind = asking->fresh->kind;
    const Policy__Step *step = policy_settling(kind);
    bool may = step && policy_step_from(step, policy_first_stage(kind)->name) &&
               (asking->actor->operator_ || !step->n_by || among(asking, step->by, step->n_by));
    return may ? step : NULL;
}

/* Whoever may as it is registered; who will handle the case, and may then, is not known yet. */
static bool attaches(const struct asking *asking)
{
    const Policy__Kind *kind = asking->fresh->kind;
    bool may = asking->actor->operator_;
    for (size_t i = 0; i < kind->n_may && !may; i++)
        may = names(kind->may[i]->acts, kind->may[i]->n_acts, "attach_file") &&
              among(asking, kind->may[i]->who, kind->may[i]->n_who) &&
              intake_holds(asking->turn, asking->fresh, kind->may[i]->condition, NULL) != TRUTH_NO;
    return may;
}

static void add_channels(struct turn *turn, const Policy__Kind *kind, Intake__RegistrableKind *offered)
{
    const Policy__FieldDef *def = policy_field(kind, "channel");
    for (size_t i = 0; def && i < def->n_one_of; i++)
        TURN_ADD(turn, offered->channels, offered->n_channels, def->one_of[i]->name);
    for (size_t i = 0; !(def && def->n_one_of) && policy_channels[i]; i++)
        TURN_ADD(turn, offered->channels, offered->n_channels, (char *)(uintptr_t)policy_channels[i]);
    offered->any_channel = policy_any_channel(kind);
}

Intake__Registrable *intake_may_register(struct turn *turn, const Directory__Site *site, const Hb__Actor *actor)
{
    Intake__Registrable *all = TURN_NEW(turn, Intake__Registrable, intake__registrable__init);
    const Policy__Policy *policy = organisation_policy(turn, site->id, 0);
    all->received = rights_may(turn, actor, "receive", site->id);
    for (size_t i = 0; policy && i < policy->n_kinds; i++) {
        struct facts facts = {0};
        struct intake_new fresh = {
            .site = site, .policy = policy, .kind = policy->kinds[i], .facts = &facts, .actor = actor};
        struct asking asking = {turn, &fresh, actor};
        facts_set(turn_arena(turn), &facts, "kind", value_text(turn, fresh.kind->name));
        if (!registrable(&asking))
            continue;
        Intake__RegistrableKind *offered = TURN_NEW(turn, Intake__RegistrableKind, intake__registrable_kind__init);
        offered->kind = fresh.kind->name;
        const Policy__Step *settling = settles(&asking);
        offered->settle = settling != NULL;
        if (settling)
            offered->settling = settling->name;
        offered->attach = attaches(&asking);
        add_channels(turn, fresh.kind, offered);
        TURN_ADD(turn, all->kinds, all->n_kinds, offered);
    }
    return all;
}
