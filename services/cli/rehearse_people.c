/* Who takes part: posts, departments and roles of the policy. */
#include "calendar/calendar.h"
#include "organisation/organisation.h"
#include "rehearse_reading.h"

static bool department_known(const struct reading *reading, const char *name)
{
    const Policy__Policy *policy = reading->scenario->policy;
    for (size_t i = 0; i < policy->n_posts; i++)
        if (strcmp(policy->posts[i]->department, name) == 0)
            return true;
    for (size_t i = 0; i < policy->n_categories; i++)
        if (strcmp(policy->categories[i]->department, name) == 0)
            return true;
    return false;
}

static void post_known(struct reading *reading, const json_t *node, const char *post)
{
    static const char *const roles[] = {"handler", "lead", "first_contact", "complainant", "employee"};
    const Policy__Policy *policy = reading->scenario->policy;
    bool head = strncmp(post, "head of ", 8) == 0, deputy = strncmp(post, "deputy of ", 10) == 0;
    const char *root = post + (head ? 8 : deputy ? 10 : 0);
    const char *in = strstr(post, " in "); /* this post, but in another department than the policy says */
    if (in) {
        if (!department_known(reading, in + 4))
            wrong(reading, node, "制度中没有部门“%s”", "the policy has no department \"%s\"", in + 4);
        root = arena_text(reading->arena, post, (size_t)(in - post));
        if (!policy_post(policy, root))
            reading_wrong_word(reading, node, "制度中没有岗位", "the policy has no post", root,
                               NAMES(reading, policy->posts, policy->n_posts), policy->n_posts);
        return;
    }
    const char *until = strncmp(post, "holding ", 8) == 0 ? strstr(post, " until ") : NULL;
    int32_t date;
    if (until && !date_parse(until + 7, &date))
        wrong(reading, node, "证书有效期须为日期，如 holding electrician until 2025-03-31",
              "a certificate ends on a date, as \"holding electrician until 2025-03-31\"");
    if (strncmp(post, "holding ", 8) == 0 || strcmp(post, "trainee") == 0)
        return;
    bool known =
        head ? department_known(reading, root)
             : policy_post(policy, root) || (!deputy && (department_known(reading, root) ||
                                                         reading_among(root, roles, sizeof roles / sizeof *roles)));
    if (!known)
        reading_wrong_word(reading, node, "制度中没有岗位或部门", "the policy has no post or department", root,
                           NAMES(reading, policy->posts, policy->n_posts), policy->n_posts);
}

void reading_people(struct reading *reading, json_t *map)
{
    struct scenario *scenario = reading->scenario;
    const char *key;
    json_t *value;
    if (map && !json_is_object(map))
        wrong(reading, map, "须为 {人名: 岗位}", "accepted: {name: post}");
    json_object_foreach(map, key, value) {
        const char *before = reading_enter(reading, arena_strdup(reading->arena, key));
        struct scenario_person person = {.name = arena_strdup(reading->arena, key)};
        person.posts = reading_texts_of(reading, value, &person.posts_count);
        if (strlen(key) > 32 || key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_-")] || !*key)
            wrong(reading, value, "人名须为 1 至 32 个小写字母、数字、- 或 _",
                  "a name has 1 to 32 lower-case letters, digits, - or _");
        if (who_is_role(key))
            wrong(reading, value, "该词在制度中表示案件角色", "this word means a role in a case");
        for (size_t i = 0; i < person.posts_count; i++)
            post_known(reading, value, person.posts[i]);
        ADD(reading, scenario->people, scenario->people_count, person);
        reading->path = before;
    }
}

/* The people of the scenario, the holders of posts nobody was given (under the post's name), the complainant. */
void reading_person_known(struct reading *reading, const json_t *node, const char *name)
{
    const struct scenario *scenario = reading->scenario;
    const Policy__Policy *policy = scenario->policy;
    const char **names = NULL;
    size_t count = 0;
    for (size_t i = 0; i < scenario->people_count; i++)
        ADD(reading, names, count, scenario->people[i].name);
    for (size_t i = 0; i < policy->n_posts; i++)
        ADD(reading, names, count, policy->posts[i]->name);
    ADD(reading, names, count, "complainant");
    if (strncmp(name, "head_", 5) == 0 && department_known(reading, name + 5))
        return;
    if (!reading_among(name, names, count))
        reading_wrong_word(reading, node, "没有这个人", "there is nobody of this name:", name, names, count);
}
