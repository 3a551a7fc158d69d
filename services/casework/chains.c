/* Approvals: whose turn it is to sign, and what an amount needs. How a chain stands are facts of the case
   (common/policy/chains.c), so that clocks and rules see it like anything else. */
#include "casework.h"

static struct turn *turn_of(const struct casework_case *one)
{
    return one->view.turn;
}

static char *fact_name(const struct casework_case *one, const char *chain, const char *link, const char *what)
{
    return arena_printf(turn_arena(turn_of(one)), "%s.%s.%s", chain, link, what);
}

static bool known(const struct casework_case *one, const Policy__Chain *chain, const Policy__ChainLink *link,
                  const char *what)
{
    return facts_get(&one->facts, fact_name(one, chain->name, link->name, what)) != NULL;
}

bool casework_chain_approved(const struct casework_case *one, const char *chain)
{
    return strcmp(facts_text(&one->facts, chain), "approved") == 0;
}

static bool waits(const struct casework_case *one, const Policy__Chain *chain)
{
    return strcmp(facts_text(&one->facts, chain->name), "asked") == 0;
}

bool casework_chain_step(const struct casework_case *one, const char *step)
{
    return one->kind->n_chains && (strcmp(step, "sign") == 0 || strcmp(step, "refuse") == 0);
}

static const Policy__Chain *chain_find(const struct casework_case *one, const char *name)
{
    for (size_t i = 0; i < one->kind->n_chains; i++)
        if (strcmp(one->kind->chains[i]->name, name) == 0)
            return one->kind->chains[i];
    return NULL;
}

static bool is_links(const struct casework_case *one, Policy__ChainLink *link, const Hb__Actor *actor)
{
    return who_includes(turn_of(one), one->record->site, &link->who, 1, &one->facts, actor);
}

static bool signed_by(const struct casework_case *one, const Policy__Chain *chain, const Hb__Actor *actor)
{
    for (size_t i = 0; actor && i < chain->n_links; i++) {
        const char *person = facts_text(&one->facts, fact_name(one, chain->name, chain->links[i]->name, "signed"));
        if (*person && (strcmp(person, actor->person) == 0 || strcmp(person, actor->for_person) == 0))
            return true; /* who has signed one link cannot have another signed for him either */
    }
    return false;
}

/* The link that the actor may sign now: asked, not signed, theirs, and no other of the chain is signed by them. */
static Policy__ChainLink *turn_of_actor(const struct casework_case *one, const Policy__Chain *chain,
                                        const Hb__Actor *actor)
{
    if (!waits(one, chain) || signed_by(one, chain, actor))
        return NULL;
    for (size_t i = 0; i < chain->n_links; i++) {
        Policy__ChainLink *link = chain->links[i];
        if (known(one, chain, link, "asked") && !known(one, chain, link, "signed") && is_links(one, link, actor))
            return link;
    }
    return NULL;
}

static const char *named_chain(const Casework__Act *act)
{
    for (size_t i = 0; act && i < act->n_fields; i++)
        if (strcmp(act->fields[i]->name, "chain") == 0 && act->fields[i]->content_case == HB__FIELD__CONTENT_VALUE &&
            act->fields[i]->value->kind_case == HB__VALUE__KIND_TEXT)
            return act->fields[i]->value->text;
    return "";
}

static const Policy__Chain *chain_of_actor(const struct casework_case *one, const Casework__Act *act,
                                           const Hb__Actor *actor, Policy__ChainLink **link_out)
{
    const char *name = named_chain(act);
    for (size_t i = 0; i < one->kind->n_chains; i++) {
        const Policy__Chain *chain = one->kind->chains[i];
        *link_out = *name && strcmp(name, chain->name) != 0 ? NULL : turn_of_actor(one, chain, actor);
        if (*link_out)
            return chain;
    }
    return NULL;
}

bool casework_chain_may(const struct casework_case *one, const Hb__Actor *actor)
{
    Policy__ChainLink *link;
    return chain_of_actor(one, NULL, actor, &link) != NULL;
}

/* ---- why not ---- */

static void refuse_turn(const struct casework_case *one, const Policy__Chain *chain, const Policy__ChainLink *link,
                        bool twice)
{
    struct turn *turn = turn_of(one);
    struct arena *arena = turn_arena(turn);
    Policy__Who *who = link->who;
    const char *zh = casework_whos_text(one, &who, 1, false), *en = casework_whos_text(one, &who, 1, true);
    Hb__Refusal *refusal =
        twice ? turn_refuse(turn, 409, "guard", "一人只能签署一环", "one person signs one link of a chain")
              : turn_refuse(turn, 409, "not_your_turn", arena_printf(arena, "尚未轮到%s", zh),
                            arena_printf(arena, "it is not yet the turn of: %s", en));
    for (size_t i = 0; i < chain->n_clauses; i++)
        refusal_clause(turn, refusal, chain->clauses[i]);
}

/* A signature is theirs to give, but nobody has asked for it, or it was given. */
static bool refuse_unasked(const struct casework_case *one, const Policy__Chain *chain, const Hb__Actor *actor)
{
    bool theirs = false;
    for (size_t l = 0; l < chain->n_links; l++)
        theirs = theirs || is_links(one, chain->links[l], actor);
    if (!theirs)
        return false;
    Hb__Refusal *refusal = turn_refuse(turn_of(one), 409, "nothing_to_sign", "没有待您签署的事项",
                                       "nothing waits for a signature of yours");
    for (size_t i = 0; i < chain->n_clauses; i++)
        refusal_clause(turn_of(one), refusal, chain->clauses[i]);
    return true;
}

/* Says why somebody of a chain may not sign now; false: the actor has no part in any chain. */
bool casework_chain_refuse(const struct casework_case *one, const Hb__Actor *actor)
{
    for (size_t c = 0; c < one->kind->n_chains; c++) {
        const Policy__Chain *chain = one->kind->chains[c];
        for (size_t l = 0; waits(one, chain) && l < chain->n_links; l++) {
            if (known(one, chain, chain->links[l], "signed") || !is_links(one, chain->links[l], actor))
                continue;
            refuse_turn(one, chain, chain->links[l], signed_by(one, chain, actor));
            return true;
        }
    }
    for (size_t c = 0; c < one->kind->n_chains; c++)
        if (refuse_unasked(one, one->kind->chains[c], actor))
            return true;
    return false;
}

void casework_chain_check(const struct casework_case *one, const Policy__Step *step, const Casework__Act *act,
                          const Hb__Actor *actor, Hb__Refusal **refusal)
{
    Policy__ChainLink *link;
    const Policy__Chain *chain = casework_chain_step(one, step->name) ? chain_of_actor(one, act, actor, &link) : NULL;
    for (size_t i = 0; chain && i < chain->n_needs; i++)
        if (!facts_get(&one->facts, chain->needs[i]))
            casework_miss_field(one, step, chain->needs[i], chain->n_clauses ? chain->clauses[0] : "", refusal);
}

/* ---- signing ---- */

static void ask_link(const struct casework_case *one, Hb__Event *event, const Policy__Chain *chain,
                     const Policy__ChainLink *link)
{
    event_fact_time(turn_of(one), event, fact_name(one, chain->name, link->name, "asked"), turn_now(turn_of(one)));
}

static void sign(const struct casework_case *one, Hb__Event *event, const Policy__Chain *chain,
                 const Policy__ChainLink *link, const char *person)
{
    struct turn *turn = turn_of(one);
    bool all = true, next = false;
    event_fact_text(turn, event, fact_name(one, chain->name, link->name, "signed"), person);
    for (size_t i = 0; i < chain->n_links; i++) {
        const Policy__ChainLink *other = chain->links[i];
        bool done = other == link || known(one, chain, other, "signed");
        all = all && done;
        if (!done && !next && !known(one, chain, other, "asked"))
            ask_link(one, event, chain, other);
        next = next || !done;
    }
    if (all)
        event_fact_text(turn, event, chain->name, "approved");
}

/* What signing or refusing adds to the step. */
void casework_chain_take(const struct casework_case *one, const Policy__Step *step, const Casework__Act *act,
                         const Hb__Actor *actor, Hb__Event *event)
{
    Policy__ChainLink *link;
    const Policy__Chain *chain = chain_of_actor(one, act, actor, &link);
    if (!chain)
        return;
    event->n_clauses = 0;
    event_clauses(turn_of(one), event, chain->clauses, chain->n_clauses);
    if (strcmp(step->name, "sign") == 0) {
        sign(one, event, chain, link, actor->person);
        return;
    }
    event_fact_text(turn_of(one), event, fact_name(one, chain->name, link->name, "refused"), actor->person);
    event_fact_text(turn_of(one), event, chain->name, "refused");
}

static void forget(const struct casework_case *one, const Policy__Chain *chain, Hb__Event *event)
{
    static const char *const marks[] = {"asked", "signed", "refused"};
    for (size_t i = 0; i < chain->n_links; i++)
        for (size_t m = 0; m < 3; m++)
            if (known(one, chain, chain->links[i], marks[m]))
                event_fact(turn_of(one), event, fact_name(one, chain->name, chain->links[i]->name, marks[m]), NULL);
}

/* A rule asks for the chain: anew, whatever it was before. */
void casework_chain_ask(const struct casework_case *one, const char *name, Hb__Event *event)
{
    struct turn *turn = turn_of(one);
    const Policy__Chain *chain = chain_find(one, name);
    if (!chain)
        return;
    forget(one, chain, event);
    if (chain->unless && case_holds(&one->view, chain->unless, NULL) == TRUTH_YES) {
        event_fact_text(turn, event, name, "approved");
        event_fact(turn, event, arena_printf(turn_arena(turn), "%s.skipped", name), value_yes(turn, true));
        return;
    }
    event_fact_text(turn, event, name, "asked");
    for (size_t i = 0; i < chain->n_links && (i == 0 || chain->any_order); i++)
        ask_link(one, event, chain, chain->links[i]);
}

/* ---- a text that is approved ---- */

const Policy__Chain *casework_chain_of_text(const struct casework_case *one, const char *field, size_t index)
{
    for (size_t i = 0; i < one->kind->n_chains; i++)
        if (*field && strcmp(one->kind->chains[i]->of, field) == 0 && index-- == 0)
            return one->kind->chains[i];
    return NULL;
}

void casework_chain_lapse(const struct casework_case *one, Hb__Event *step)
{
    const Casework__StepTaken *taken = step->casework->step_taken;
    const Policy__Chain *chain;
    for (size_t t = 0; t < taken->n_texts; t++)
        for (size_t i = 0; (chain = casework_chain_of_text(one, taken->texts[t]->name, i)); i++) {
            if (!facts_get(&one->facts, chain->name))
                continue;
            forget(one, chain, step);
            event_fact(turn_of(one), step, chain->name, NULL);
        }
}

/* ---- limits ---- */

static bool within(const Policy__LimitByPost *row, int64_t amount)
{
    return row->any || (row->under ? amount < row->at_most_fen : amount <= row->at_most_fen);
}

static const Policy__Limits *limits_of(const struct casework_case *one, const Policy__Step *step)
{
    for (size_t i = 0; i < one->kind->n_limits; i++)
        if (strcmp(one->kind->limits[i]->step, step->name) == 0)
            return one->kind->limits[i];
    return NULL;
}

static bool holds(const struct casework_case *one, const char *post, const Hb__Actor *actor)
{
    Policy__Who who = POLICY__WHO__INIT, *list = &who;
    who.root = (char *)(uintptr_t)post;
    return who_includes(turn_of(one), one->record->site, &list, 1, &one->facts, actor);
}

/* The least that suffices: the first post of the list that may decide this amount. */
static const Policy__LimitByPost *enough(const Policy__Limits *limits, int64_t amount)
{
    for (size_t i = 0; i < limits->n_rows; i++)
        if (within(limits->rows[i], amount))
            return limits->rows[i];
    return NULL;
}

enum casework_limit casework_limit(const struct casework_case *one, const Policy__Step *step, const struct facts *with,
                                   const Hb__Actor *actor, const Policy__Limits **limits_out,
                                   const Policy__LimitByPost **enough_out)
{
    const Policy__Limits *limits = *limits_out = limits_of(one, step);
    const Hb__Value *amount = limits ? facts_get(with, limits->field) : NULL;
    *enough_out = NULL;
    if (!amount || amount->kind_case != HB__VALUE__KIND_MONEY_FEN)
        return limits ? CASEWORK_LIMIT_UNKNOWN : CASEWORK_LIMIT_NONE;
    for (size_t i = 0; i < limits->n_rows; i++)
        if (within(limits->rows[i], amount->money_fen) && holds(one, limits->rows[i]->post, actor))
            return CASEWORK_LIMIT_WITHIN;
    *enough_out = enough(limits, amount->money_fen);
    return limits->over_refuse || !*enough_out ? CASEWORK_LIMIT_REFUSED : CASEWORK_LIMIT_WAITS;
}

void casework_limit_refuse(const struct casework_case *one, const Policy__Limits *limits, enum casework_limit what,
                           Hb__Refusal **refusal)
{
    struct turn *turn = turn_of(one);
    bool unknown = what == CASEWORK_LIMIT_UNKNOWN;
    const char *zh = unknown ? "须先填写金额" : "超过权限金额",
               *en = unknown ? "the amount is needed" : "over the limit";
    if (!*refusal)
        *refusal = turn_refuse(turn, 409, "guard", zh, en);
    for (size_t i = 0; i < limits->n_clauses; i++)
        refusal_clause(turn, *refusal, limits->clauses[i]);
    refusal_problem(turn, *refusal, limits->field, limits->n_clauses ? limits->clauses[0] : "", zh, en);
}

/* The step is not taken: what was entered stands, and waits for the post that may decide it. */
Hb__Event *casework_limit_wait(const struct casework_case *one, const Policy__Limits *limits,
                               const Policy__LimitByPost *post, Hb__Field *const *fields, size_t count,
                               const Hb__Personal *note)
{
    struct turn *turn = turn_of(one);
    Policy__Step bare = POLICY__STEP__INIT;
    bare.name = (char *)(uintptr_t) "ask";
    Hb__Event *event = casework_step_event(one, &bare, fields, count, note, "");
    event_fact_text(turn, event, limits->name, "asked");
    for (size_t i = 0; i < limits->n_rows; i++) { /* who was asked about an earlier amount is asked no longer */
        const char *name = fact_name(one, limits->name, limits->rows[i]->post, "asked");
        if (limits->rows[i] != post && facts_get(&one->facts, name))
            event_fact(turn, event, name, NULL);
    }
    event_fact_time(turn, event, fact_name(one, limits->name, post->post, "asked"), turn_now(turn));
    event_fact(turn, event, fact_name(one, limits->name, post->post, "signed"), NULL); /* of an earlier amount */
    event_clauses(turn, event, limits->clauses, limits->n_clauses);
    return event;
}

void casework_limit_decided(const struct casework_case *one, const Policy__Step *step, const Hb__Actor *actor,
                            Hb__Event *event)
{
    struct turn *turn = turn_of(one);
    const Policy__Limits *limits = limits_of(one, step);
    if (!limits)
        return;
    event_clauses(turn, event, limits->clauses, limits->n_clauses);
    event_fact_text(turn, event, limits->name, "approved");
    for (size_t i = 0; i < limits->n_rows; i++)
        if (holds(one, limits->rows[i]->post, actor))
            event_fact_text(turn, event, fact_name(one, limits->name, limits->rows[i]->post, "signed"), actor->person);
}
