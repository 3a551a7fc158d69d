/* Posts that somebody has to hold, or whoever is told, takes over or is responsible is nobody. */
#include "policy/check.h"

struct held {
    struct check *check;
    const char *site;
    const char *const *posts;
    size_t count;
};

static bool is_held(const struct held *held, const char *post)
{
    for (size_t i = 0; i < held->count; i++)
        if (strcmp(held->posts[i], post) == 0)
            return true;
    return false;
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
                    "nobody at %s holds the post %s: there it reaches nobody", held->site, post->name);
}

static void check_all_held(const struct held *held, const char *field, Policy__Who *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_held_by(held, field, list[i]);
}

static void check_kind_held(const struct held *held, const Policy__Kind *kind)
{
    struct arena *arena = held->check->arena;
    for (size_t i = 0; i < kind->n_route; i++)
        check_held_by(held, arena_printf(arena, "kinds.%s.route.%s", kind->name, kind->route[i]->name),
                      kind->route[i]->to);
    for (size_t i = 0; i < kind->n_clocks; i++)
        check_all_held(held, arena_printf(arena, "kinds.%s.clocks.%s", kind->name, kind->clocks[i]->name),
                       kind->clocks[i]->late, kind->clocks[i]->n_late);
    for (size_t i = 0; i < kind->n_chains; i++)
        for (size_t l = 0; l < kind->chains[i]->n_links; l++)
            check_held_by(held, arena_printf(arena, "kinds.%s.chains.%s", kind->name, kind->chains[i]->name),
                          kind->chains[i]->links[l]->who);
}

void policy_check_held(struct policy_result *result, const char *site, const char *const *posts, size_t posts_count,
                       struct arena *arena)
{
    struct check check = {.result = result, .arena = arena, .policy = result->begun};
    struct held held = {&check, site, posts, posts_count};
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
    for (size_t rank = 0; rank <= result->likes_count; rank++)
        for (size_t i = 0; i < check.policy->n_kinds; i++)
            if (taken_up(result, check.policy->kinds[i]->name) == rank)
                check_kind_held(&held, check.policy->kinds[i]);
}
