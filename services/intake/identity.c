/* Confidential cases, and all of a kind with `identity: restricted`: who complained is opened only to those whom the
   policy lets unseal it (`may: {do: unseal}` of the kind), whatever scopes an account has; and no text of theirs is
   shown to staff, not even in part, before it is said what for. A text whose field says `read` is found by a search of
   those alone whom it names; casework does not give it to others either. The facts of such cases are kept here for
   these questions alone. */
#include "intake.h"

#include "organisation/conditions.h"
#include "policy/facts.h"
#include "policy/lookup.h"

static bool withholds_texts(const Policy__Kind *kind)
{
    for (size_t i = 0; kind && i < kind->n_fields; i++)
        if (kind->fields[i]->n_read && kind->fields[i]->type == POLICY__FIELD_DEF__TYPE__TEXT)
            return true;
    return false;
}

static bool is_asked_for(const Intake__Party *party, const Policy__Kind *kind)
{
    return party && (party->confidential || (kind && kind->identity_restricted));
}

void intake_identity_begin(struct turn *turn, const Hb__Event *event, const Policy__Kind *kind)
{
    Intakerec__Confidential record = INTAKEREC__CONFIDENTIAL__INIT;
    record.identity = is_asked_for(event->intake->registered->party, kind);
    if (!record.identity && !withholds_texts(kind))
        return;
    facts_list_fold(turn_arena(turn), &record.facts, &record.n_facts, event);
    intake_confidential_save(turn, event->case_id, &record);
}

/* Of what it was before that version nothing is known here: until they are said again, only posts can be judged. */
void intake_identity_moved(struct turn *turn, const Hb__Event *event)
{
    Intakerec__Case *record = intake_case_load(turn, event->case_id);
    if (!record)
        return;
    record->policy_version = event->policy_version;
    intake_case_save(turn, event->case_id, record);
    const Policy__Policy *policy = organisation_policy(turn, record->site, record->policy_version);
    Intakerec__Confidential fresh = INTAKEREC__CONFIDENTIAL__INIT;
    if (policy && withholds_texts(policy_kind(policy, record->kind)) && !intake_confidential_load(turn, event->case_id))
        intake_confidential_save(turn, event->case_id, &fresh);
}

void intake_identity_fold(struct turn *turn, const Hb__Event *event)
{
    Intakerec__Confidential *record = intake_confidential_load(turn, event->case_id);
    if (!record || !event->n_facts)
        return;
    facts_list_fold(turn_arena(turn), &record->facts, &record->n_facts, event);
    intake_confidential_save(turn, event->case_id, record);
}

bool intake_import_hidden(struct turn *turn, const Hb__Event *registered, const Hb__Actor *actor)
{
    const Intakerec__Case *record = registered ? intake_case_load(turn, registered->case_id) : NULL;
    const Intakerec__Confidential *folded = record ? intake_confidential_load(turn, registered->case_id) : NULL;
    const Intake__CaseRegistered *said = registered ? registered->intake->registered : NULL;
    struct facts facts = {0};
    if (folded)
        facts = (struct facts){folded->facts, folded->n_facts};
    else if (registered)
        facts = (struct facts){registered->facts, registered->n_facts};
    struct case_view view = {.turn = turn, .facts = &facts, .now_ms = turn_now(turn)};
    view.site = said ? registered->site : "";
    return said && case_hidden(&view, said->kind, record ? record->policy_version : registered->policy_version, actor);
}

/* ---- asking ---- */

struct asking {
    struct turn *turn;
    const char *site;
    const Policy__Policy *policy;
    const Policy__Kind *kind;
    struct facts facts;
    const Hb__Actor *actor;
};

static bool is_about_identity(char *const *acts, size_t count, const char *what, const char *kind, bool any)
{
    if (what[0] && strcmp(what, "complainant") != 0 && strcmp(what, kind) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(acts[i], "unseal") == 0 || (any && strcmp(acts[i], "any") == 0))
            return true;
    return false;
}

static bool among(const struct asking *asking, Policy__Who **who, size_t count)
{
    return count && who_includes(asking->turn, asking->site, who, count, &asking->facts, asking->actor);
}

static enum truth holds(const struct asking *asking, const Policy__Condition *condition)
{
    struct case_view view = {.turn = asking->turn,
                             .site = asking->site,
                             .policy = asking->policy,
                             .facts = &asking->facts,
                             .now_ms = turn_now(asking->turn)};
    return case_holds(&view, condition, NULL);
}

/* What cannot be judged is yes: excluded. */
static bool is_excluded(const struct asking *asking, Policy__Never *const *nevers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_about_identity(nevers[i]->acts, nevers[i]->n_acts, nevers[i]->what, asking->kind->name, true) &&
            among(asking, nevers[i]->who, nevers[i]->n_who) && !among(asking, nevers[i]->except, nevers[i]->n_except) &&
            holds(asking, nevers[i]->condition) != TRUTH_NO)
            return true;
    return false;
}

static bool is_permitted(const struct asking *asking)
{
    for (size_t i = 0; i < asking->kind->n_may; i++) {
        const Policy__May *may = asking->kind->may[i];
        if (is_about_identity(may->acts, may->n_acts, may->what, asking->kind->name, false) &&
            among(asking, may->who, may->n_who) && holds(asking, may->condition) == TRUTH_YES)
            return true;
    }
    return false;
}

bool intake_identity_withheld(struct turn *turn, const Hb__Actor *actor, uint64_t owner, uint64_t key_id)
{
    const Intakerec__Confidential *record = intake_confidential_load(turn, owner);
    const Intakerec__Case *kept = record && record->identity ? intake_case_load(turn, owner) : NULL;
    if (!kept || key_id != kept->identity_key)
        return false;
    const Policy__Policy *policy = organisation_policy(turn, kept->site, 0); /* permissions are today's */
    struct asking asking = {.turn = turn,
                            .site = kept->site,
                            .policy = policy,
                            .kind = policy ? policy_kind(policy, kept->kind) : NULL,
                            .facts = {record->facts, record->n_facts},
                            .actor = actor};
    return !asking.kind || !is_permitted(&asking) || is_excluded(&asking, policy->never, policy->n_never) ||
           is_excluded(&asking, asking.kind->never, asking.kind->n_never);
}

bool intake_text_withheld(struct turn *turn, const Hb__Actor *actor, uint64_t case_id, const char *field)
{
    const Intakerec__Case *record = intake_case_load(turn, case_id);
    const Policy__Policy *policy = record ? organisation_policy(turn, record->site, record->policy_version) : NULL;
    const Policy__Kind *kind = policy ? policy_kind(policy, record->kind) : NULL;
    const Policy__FieldDef *def = kind ? policy_field_of_fact(kind, field) : NULL;
    if (!def || !def->n_read)
        return false;
    const Intakerec__Confidential *kept = intake_confidential_load(turn, case_id);
    struct facts facts = {kept ? kept->facts : NULL, kept ? kept->n_facts : 0};
    struct case_view view = {
        .turn = turn, .site = record->site, .policy = policy, .facts = &facts, .now_ms = turn_now(turn)};
    return !case_may_read(&view, def, actor);
}

bool intake_is_confidential(struct turn *turn, uint64_t case_id)
{
    const Intakerec__Confidential *record = intake_confidential_load(turn, case_id);
    const Intakerec__Held *held = record ? NULL : intake_held_load(turn, case_id);
    if (!held)
        return record && record->identity;
    const Policy__Policy *policy = organisation_policy(turn, held->site, held->policy_version);
    return is_asked_for(held->submit->party, policy ? policy_kind(policy, held->submit->kind) : NULL);
}

/* ---- why ---- */

Hb__Refusal *intake_purpose_reason(struct turn *turn)
{
    Hb__Refusal *refusal = TURN_NEW(turn, Hb__Refusal, hb__refusal__init);
    refusal->status = 403;
    refusal->code = "purpose_needed";
    refusal->text = label_new(turn, "保密事项：内容须说明查看目的方可打开，并将被记录",
                              "confidential: its texts open when it is said what for, and that is recorded");
    refusal_field(turn, refusal, "purpose");
    return refusal;
}

static void add_reasons(struct turn *turn, Hb__Refusal *refusal, const Intakerec__Case *record)
{
    const Policy__Policy *policy = organisation_policy(turn, record->site, 0);
    const Policy__Kind *kind = policy ? policy_kind(policy, record->kind) : NULL;
    for (size_t i = 0; kind && i < kind->n_may; i++) {
        const Policy__May *may = kind->may[i];
        if (!is_about_identity(may->acts, may->n_acts, may->what, kind->name, false))
            continue;
        for (size_t j = 0; j < may->n_who; j++)
            refusal_accepts(turn, refusal, may->who[j]->root);
        for (size_t j = 0; j < may->n_clauses; j++)
            refusal_clause(turn, refusal, may->clauses[j]);
    }
}

Hb__Refusal *intake_identity_reason(struct turn *turn, uint64_t case_id, const char *field)
{
    const Intakerec__Case *record = intake_case_load(turn, case_id);
    Hb__Refusal *refusal = arena_alloc(turn_arena(turn), sizeof *refusal);
    hb__refusal__init(refusal);
    refusal->status = 403;
    refusal->code = "identity_withheld";
    const Intakerec__Confidential *kept = intake_confidential_load(turn, case_id);
    const Hb__Value *asked = kept ? facts_get(&(struct facts){kept->facts, kept->n_facts}, "confidential") : NULL;
    if (asked && asked->kind_case == HB__VALUE__KIND_YES && asked->yes)
        refusal->text =
            label_new(turn, "应投诉人要求身份保密，只向制度指明的人员开放",
                      "identity withheld: the complainant asked for it; it opens to those whom the policy names");
    else
        refusal->text =
            label_new(turn, "身份只向制度指明的人员开放", "identity withheld: it opens to those whom the policy names");
    refusal_field(turn, refusal, field);
    if (record)
        add_reasons(turn, refusal, record);
    return refusal;
}
