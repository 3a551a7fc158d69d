/* What is hidden from whom: `never .. see` of the policy of today, or of its own where a case's kind is gone. It is on
   no list, and in no count that he is told. */
#include "analytics.h"

#include "base/planted.h"
#include "organisation/conditions.h"

bool analytics_hidden(struct turn *turn, const Analytics__CaseRow *row, const Hb__Actor *actor)
{
    bool ours = actor && turn_looks_at(turn) == 0; /* of another cell no policy is known here */
    const Policy__Policy *policy = ours ? organisation_policy(turn, row->site, 0) : NULL;
    const Policy__Kind *kind = policy ? policy_kind(policy, row->kind) : NULL;
    if (!ours || (kind && !analytics_may_hide(policy, kind)) || planted("show_hidden"))
        return false;
    const Anarec__Case *one = analytics_load(turn, row->case_id); /* its facts are kept: indicators.c */
    struct facts facts = {0};
    if (one)
        facts = (struct facts){one->facts, one->n_facts};
    const struct case_view view = {.turn = turn, .site = row->site, .facts = &facts, .now_ms = turn_now(turn)};
    const struct {
        const char *name, *value;
    } known[] = {{"kind", row->kind},
                 {"stage", row->stage},
                 {"category", row->category},
                 {"lead", row->department},
                 {"handler", row->handler}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (*known[i].value)
            facts_set(turn_arena(turn), &facts, known[i].name, value_text(turn, known[i].value));
    return case_hidden(&view, row->kind, one ? one->policy_version : 0, actor);
}

static bool hides(Policy__Never *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t a = 0; a < list[i]->n_acts; a++)
            if (strcmp(list[i]->acts[a], "see") == 0 || strcmp(list[i]->acts[a], "any") == 0)
                return true;
    return false;
}

bool analytics_may_hide(const Policy__Policy *policy, const Policy__Kind *kind)
{
    return hides(kind->never, kind->n_never) || hides(policy->never, policy->n_never);
}

/* Does today's policy hide cases of the kind, or if it has none such, any of before? */
static bool kind_may_hide(struct turn *turn, const char *site, const Policy__Policy *policy, const char *name)
{
    const Policy__Kind *kind = policy_kind(policy, name);
    if (kind)
        return analytics_may_hide(policy, kind);
    for (uint32_t version = policy->version; version-- > 1;) {
        const Policy__Policy *before = organisation_policy(turn, site, version);
        const Policy__Kind *gone = before ? policy_kind(before, name) : NULL;
        if (gone && analytics_may_hide(before, gone))
            return true;
    }
    return false;
}

static uint64_t *cases_of_kind(struct turn *turn, const char *site, const char *kind, size_t *count_out)
{
    struct key prefix = analytics_facet_kind(site, kind);
    struct state_scan *scan = state_scan_open(turn, ANALYTICS_FACETS, key_bytes(&prefix), (struct bytes){0});
    struct bytes key, value;
    uint64_t *list = NULL;
    *count_out = 0;
    while (*count_out <= ANALYTICS_HIDDEN_MAX && state_scan_next(scan, &key, &value)) {
        list = arena_grow(turn_arena(turn), list, *count_out, sizeof *list);
        list[(*count_out)++] = bytes_get_u64(key.data + prefix.size + 8);
    }
    return list;
}

static void add_hidden(struct turn *turn, const uint64_t *cases, size_t count, const Hb__Actor *actor,
                       struct analytics_hidden_cases *all)
{
    for (size_t i = 0; i < count; i++) {
        struct arena_mark mark = arena_mark(turn_arena(turn));
        const Anarec__Case *one = analytics_load(turn, cases[i]);
        bool hidden = one && analytics_hidden(turn, one->row, actor);
        arena_return(turn_arena(turn), mark);
        if (!hidden)
            continue;
        all->cases = arena_grow(turn_arena(turn), all->cases, all->count, sizeof *all->cases);
        all->cases[all->count++] = analytics_load(turn, cases[i]);
    }
}

bool analytics_hidden_cases(struct turn *turn, const char *site, const Hb__Actor *actor,
                            struct analytics_hidden_cases *all_out)
{
    bool ours = actor && turn_looks_at(turn) == 0;
    const Policy__Policy *policy = ours ? organisation_policy(turn, site, 0) : NULL;
    size_t looked = 0;
    *all_out = (struct analytics_hidden_cases){0};
    for (const char *kind = ""; policy && (kind = analytics_facet_next_kind(turn, site, kind));) {
        size_t count;
        if (!kind_may_hide(turn, site, policy, kind))
            continue;
        const uint64_t *cases = cases_of_kind(turn, site, kind, &count);
        if ((looked += count) > ANALYTICS_HIDDEN_MAX) {
            turn_refuse(turn, 413, "too_many_hidden", "可能对您不可见的案件过多，无法统计",
                        "there are too many cases that may be hidden from you: these figures cannot be told apart");
            return false;
        }
        add_hidden(turn, cases, count, actor, all_out);
    }
    return true;
}
