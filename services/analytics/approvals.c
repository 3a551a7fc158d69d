/* Approvals that wait. A chain of the policy, or an amount over somebody's limit, is asked for and signed by facts of
   the case: CHAIN "asked", CHAIN.LINK.asked, CHAIN.LINK.signed; of a limit the same with its posts. Which wait is kept
   in the row and indexed; whose they are to sign follows from who holds which post now, and is looked at when a list is
   asked for, of the few cases where any waits, just as casework will look when somebody signs. */
#include "analytics.h"

static char *waiting(struct turn *turn, const struct facts *facts, const char *name, const char *link)
{
    struct arena *arena = turn_arena(turn);
    bool waits = strcmp(facts_text(facts, name), "asked") == 0 &&
                 facts_get(facts, arena_printf(arena, "%s.%s.asked", name, link)) &&
                 !facts_get(facts, arena_printf(arena, "%s.%s.signed", name, link));
    return waits ? arena_printf(arena, "%s.%s", name, link) : NULL;
}

bool analytics_approvals_kept(const Policy__Policy *policy, const char *kind)
{
    const Policy__Kind *known = policy ? policy_kind(policy, kind) : NULL;
    return known && known->n_chains + known->n_limits > 0;
}

static const Policy__Kind *kind_of(struct turn *turn, const Anarec__Case *one)
{
    const Policy__Policy *policy = organisation_policy(turn, one->row->site, one->policy_version);
    return analytics_approvals_kept(policy, one->row->kind) ? policy_kind(policy, one->row->kind) : NULL;
}

/* ---- which wait ---- */

struct waits {
    struct turn *turn;
    char **list;
    size_t count;
};

static void add(struct waits *waits, char *name)
{
    if (!name)
        return;
    waits->list = arena_grow(turn_arena(waits->turn), waits->list, waits->count, sizeof *waits->list);
    waits->list[waits->count++] = name;
}

static bool same(const struct waits *waits, const Analytics__CaseRow *row)
{
    bool same = waits->count == row->n_approvals;
    for (size_t i = 0; i < waits->count && same; i++)
        same = strcmp(waits->list[i], row->approvals[i]) == 0;
    return same;
}

bool analytics_approvals_fold(struct turn *turn, Anarec__Case *one)
{
    const Policy__Kind *kind = kind_of(turn, one);
    struct facts facts = {one->facts, one->n_facts};
    struct waits waits = {.turn = turn};
    if (!kind)
        return false;
    for (size_t c = 0; c < kind->n_chains; c++)
        for (size_t l = 0; l < kind->chains[c]->n_links; l++)
            add(&waits, waiting(turn, &facts, kind->chains[c]->name, kind->chains[c]->links[l]->name));
    for (size_t m = 0; m < kind->n_limits; m++)
        for (size_t p = 0; p < kind->limits[m]->n_rows; p++)
            add(&waits, waiting(turn, &facts, kind->limits[m]->name, kind->limits[m]->rows[p]->post));
    if (same(&waits, one->row))
        return false;
    one->row->approvals = waits.list;
    one->row->n_approvals = waits.count;
    return true;
}

/* ---- whose they are ---- */

static bool is(struct turn *turn, const char *site, Policy__Who *who, const struct facts *facts, const Hb__Actor *actor)
{
    return who_includes(turn, site, &who, 1, facts, actor);
}

/* One person signs one link of a chain. */
static bool signed_by(struct turn *turn, const struct facts *facts, const Policy__Chain *chain, const Hb__Actor *actor)
{
    for (size_t i = 0; i < chain->n_links; i++) {
        const char *person =
            facts_text(facts, arena_printf(turn_arena(turn), "%s.%s.signed", chain->name, chain->links[i]->name));
        if (*person && (strcmp(person, actor->person) == 0 || strcmp(person, actor->for_person) == 0))
            return true;
    }
    return false;
}

static bool chain_is(struct turn *turn, const Anarec__Case *one, const struct facts *facts, const Policy__Chain *chain,
                     const Hb__Actor *actor)
{
    bool found = false;
    for (size_t l = 0; l < chain->n_links && !found; l++)
        found = waiting(turn, facts, chain->name, chain->links[l]->name) &&
                is(turn, one->row->site, chain->links[l]->who, facts, actor);
    return found && !signed_by(turn, facts, chain, actor);
}

static bool limit_is(struct turn *turn, const Anarec__Case *one, const struct facts *facts,
                     const Policy__Limits *limits, const Hb__Actor *actor)
{
    bool found = false;
    for (size_t p = 0; p < limits->n_rows && !found; p++) {
        Policy__Who who = POLICY__WHO__INIT;
        who.root = limits->rows[p]->post;
        found =
            waiting(turn, facts, limits->name, limits->rows[p]->post) && is(turn, one->row->site, &who, facts, actor);
    }
    return found;
}

static bool any_is(struct turn *turn, const Anarec__Case *one, const Policy__Kind *kind, const Hb__Actor *actor)
{
    struct facts facts = {one->facts, one->n_facts};
    bool found = false;
    for (size_t c = 0; c < kind->n_chains && !found; c++)
        found = chain_is(turn, one, &facts, kind->chains[c], actor);
    for (size_t m = 0; m < kind->n_limits && !found; m++)
        found = limit_is(turn, one, &facts, kind->limits[m], actor);
    return found;
}

bool analytics_approvals_mine(struct turn *turn, const Analytics__CaseRow *row, const Hb__Actor *actor)
{
    bool ours = actor && *actor->person && turn_looks_at(turn) == 0; /* nobody here signs in another cell */
    const Anarec__Case *one = ours ? analytics_load(turn, row->case_id) : NULL;
    const Policy__Kind *kind = one ? kind_of(turn, one) : NULL;
    bool found = kind && any_is(turn, one, kind, actor);
    const Directory__Person **from = kind ? organisation_principals(turn, actor->person) : NULL;
    for (; from && *from && !found; from++) {
        Hb__Actor standing = *actor;
        standing.for_person = (*from)->id;
        standing.post = (char *)(uintptr_t) "";
        found = any_is(turn, one, kind, &standing);
    }
    return found;
}
