/* Whom a published policy finds nobody for: levels, routes, rosters and notices of posts that nobody holds at its site.
   It may be published all the same, for posts are given after the policy has them; whoever publishes is told. */
#include "directory.h"

#include "policy/compile.h"

static void add_held(struct turn *turn, const Directory__Person *person, struct policy_held *held)
{
    struct arena *arena = turn_arena(turn);
    for (size_t i = 0; i < person->n_posts; i++) {
        if (strcmp(person->posts[i]->site, held->site) != 0)
            continue;
        held->posts = arena_grow(arena, held->posts, held->posts_count, sizeof *held->posts);
        held->posts[held->posts_count++] = person->posts[i]->post;
    }
    for (size_t i = 0; i < person->n_certificates; i++) {
        held->certificates =
            arena_grow(arena, held->certificates, held->certificates_count, sizeof *held->certificates);
        held->certificates[held->certificates_count++] = person->certificates[i]->name;
    }
}

static Hb__Problem *warning(struct turn *turn, const struct policy_mistake *mistake)
{
    Hb__Problem *problem = TURN_NEW(turn, Hb__Problem, hb__problem__init);
    problem->field = (char *)(uintptr_t)mistake->field;
    problem->text = TURN_NEW(turn, Hb__Label, hb__label__init);
    problem->text->zh = (char *)(uintptr_t)mistake->zh;
    problem->text->en = (char *)(uintptr_t)mistake->message;
    return problem;
}

void directory_warn(struct turn *turn, const Directory__PolicyPublished *published, Hb__CommandReply *reply)
{
    struct policy_result result = {.begun = (Policy__Policy *)(uintptr_t)organisation_policy_of(turn, published)};
    struct policy_held held = {.site = published->site};
    for (const Directory__Person **person = organisation_people(turn, held.site); *person; person++)
        add_held(turn, *person, &held);
    policy_check_held(&result, &held, turn_arena(turn));
    if (!result.count)
        return;
    reply->warnings = arena_alloc(turn_arena(turn), result.count * sizeof(Hb__Problem *));
    for (size_t i = 0; i < result.count && i < DIRECTORY_PROBLEMS_MAX; i++)
        reply->warnings[reply->n_warnings++] = warning(turn, &result.mistakes[i]);
}
