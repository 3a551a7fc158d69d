/* Posts and certificates that somebody has to hold, or whoever is told, takes over or is responsible is nobody. */
#include "policy/check.h"

struct held {
    struct check *check;
    const struct policy_held *by_people;
};

static bool is_among(const char *const *list, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], word) == 0)
            return true;
    return false;
}

static bool is_held(const struct held *held, const char *post)
{
    return is_among(held->by_people->posts, held->by_people->posts_count, post);
}

/* "superior of P": P has to be held by nobody. */
static const Policy__Post *meant(const struct held *held, const Policy__Who *who)
{
    const Policy__Post *post = who ? policy_post(held->check->policy, who->root) : NULL;
    for (size_t i = who ? who->n_of : 0; post && i-- > 0;)
        if (strcmp(who->of[i], "superior") == 0)
            post = policy_post(held->check->policy, post->superior);
    return post;
}

static void check_held_by(const struct held *held, const char *field, const Policy__Who *who)
{
    const Policy__Post *post = meant(held, who);
    if (post && !is_held(held, post->name))
        check_found(held->check, CHECK_WARNING, field, "%s 无人担任岗位 %s：轮到它时没有人",
                    "nobody at %s holds the post %s: there it reaches nobody", held->by_people->site, post->name);
}

static void check_all_held(const struct held *held, const char *field, Policy__Who *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_held_by(held, field, list[i]);
}

/* A policy has no list of certificates: those that there are, people hold. */
static void check_certificate(const struct held *held, const char *field, const char *name)
{
    if (is_among(held->by_people->certificates, held->by_people->certificates_count, name))
        return;
    check_found(held->check, CHECK_WARNING, field, "%s 无人持有证书 \"%s\"",
                "nobody at %s holds the certificate \"%s\"", held->by_people->site, name);
    check_suggest(held->check, name, held->by_people->certificates, held->by_people->certificates_count);
}

static void check_certificates(const struct held *held, const char *field, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_certificate(held, field, names[i]);
}

/* "actor.certificate: electrician" */
static void check_condition_held(const struct held *held, const char *field, const Policy__Condition *condition)
{
    for (size_t i = 0; condition && i < condition->n_nodes; i++) {
        const Policy__Node *node = condition->nodes[i];
        const char *dot = strrchr(node->fact, '.');
        for (size_t v = 0; dot && strcmp(dot, ".certificate") == 0 && v < node->n_values; v++)
            if (node->values[v]->kind_case == HB__VALUE__KIND_TEXT)
                check_certificate(held, field, node->values[v]->text);
    }
}

static void check_kind_held(const struct held *held, const Policy__Kind *kind)
{
    struct arena *arena = held->check->arena;
    for (size_t i = 0; i < kind->n_route; i++) {
        const Policy__RouteRow *row = kind->route[i];
        const char *field = arena_printf(arena, "kinds.%s.route.%s", kind->name, row->name);
        check_held_by(held, field, row->to);
        check_certificates(held, field, row->holding, row->n_holding);
        check_condition_held(held, field, row->condition);
    }
    for (size_t i = 0; i < kind->n_rules; i++)
        check_condition_held(held, arena_printf(arena, "kinds.%s.rules.%s", kind->name, kind->rules[i]->name),
                             kind->rules[i]->condition);
    for (size_t i = 0; i < kind->n_clocks; i++)
        check_all_held(held, arena_printf(arena, "kinds.%s.clocks.%s", kind->name, kind->clocks[i]->name),
                       kind->clocks[i]->late, kind->clocks[i]->n_late);
    for (size_t i = 0; i < kind->n_chains; i++)
        for (size_t l = 0; l < kind->chains[i]->n_links; l++)
            check_held_by(held, arena_printf(arena, "kinds.%s.chains.%s", kind->name, kind->chains[i]->name),
                          kind->chains[i]->links[l]->who);
}

/* On duty is whoever holds one of the roster's posts, and its certificates. */
static void check_roster_held(const struct held *held, const Policy__Roster *roster)
{
    const char *field = arena_printf(held->check->arena, "rosters.%s", roster->name);
    bool any = roster->n_posts == 0;
    for (size_t i = 0; i < roster->n_posts; i++)
        any = any || is_held(held, roster->posts[i]);
    if (!any)
        check_found(held->check, CHECK_WARNING, field, "%s 无人担任此值班表的岗位（%s）：无人可排班",
                    "nobody at %s holds a post of this roster (%s): nobody can be on duty", held->by_people->site,
                    arena_join(held->check->arena, (const char *const *)roster->posts, roster->n_posts, " "));
    check_certificates(held, field, roster->holding, roster->n_holding);
}

void policy_check_held(struct policy_result *result, const struct policy_held *by_people, struct arena *arena)
{
    struct check check = {.result = result, .arena = arena, .policy = result->begun};
    struct held held = {&check, by_people};
    if (!result->begun)
        return;
    for (size_t i = 0; i < check.policy->n_ladders; i++) {
        const Policy__Ladder *ladder = check.policy->ladders[i];
        const char *field = arena_printf(arena, "ladders.%s", ladder->name);
        for (size_t r = 0; r < ladder->n_rows; r++) {
            check_all_held(&held, field, ladder->rows[r]->tell, ladder->rows[r]->n_tell);
            check_held_by(&held, field, ladder->rows[r]->hand_to);
        }
    }
    for (size_t i = 0; i < check.policy->n_notices; i++)
        check_all_held(&held, arena_printf(arena, "notices.%s", check.policy->notices[i]->name),
                       check.policy->notices[i]->to, check.policy->notices[i]->n_to);
    for (size_t i = 0; i < check.policy->n_rosters; i++)
        check_roster_held(&held, check.policy->rosters[i]);
    Policy__Kind **kinds = kinds_in_order(result, check.policy, arena);
    for (size_t i = 0; i < check.policy->n_kinds; i++)
        check_kind_held(&held, kinds[i]);
}
