/* Who may register what: the scope of the account, the portal's limits, and what the policy itself says (`register` as
   a step, may, never, the fields one may write). */
#include "intake.h"

#include "organisation/organisation.h"
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

static bool about_registering(char *const *acts, size_t count, const char *what, const char *kind, bool any)
{
    if (what[0] && strcmp(what, kind) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(acts[i], "register") == 0 || (any && strcmp(acts[i], "any") == 0))
            return true;
    return false;
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
