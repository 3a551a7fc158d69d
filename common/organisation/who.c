/* `who`: which persons and departments an expression means now. Reads right to left: {of: [superior, head], root: lead}
   is the superior of the head of the lead department. Resolved when it is used, not when the case began. */
#include "organisation/organisation.h"
#include "policy/facts.h"
#include "policy/lookup.h"

#define SUPERIORS_MAX 8 /* posts climbed until somebody holds one */

struct group {
    struct turn *turn;
    const char *site;
    const Policy__Policy *policy;
    const Directory__Person *actor; /* NULL: nobody acts */
    const Directory__Person **persons;
    size_t persons_count;
    const char **departments;
    size_t departments_count;
    const char **things;
    size_t things_count;
};

static void add_person(struct group *group, const Directory__Person *person)
{
    if (!person)
        return;
    for (size_t i = 0; i < group->persons_count; i++)
        if (strcmp(group->persons[i]->id, person->id) == 0)
            return;
    group->persons = arena_grow(turn_arena(group->turn), group->persons, group->persons_count, sizeof *group->persons);
    group->persons[group->persons_count++] = person;
}

static void add_all(struct group *group, const Directory__Person **list)
{
    for (; *list; list++)
        add_person(group, *list);
}

static void add_department(struct group *group, const char *department)
{
    if (!*department)
        return;
    for (size_t i = 0; i < group->departments_count; i++)
        if (strcmp(group->departments[i], department) == 0)
            return;
    group->departments =
        arena_grow(turn_arena(group->turn), group->departments, group->departments_count, sizeof *group->departments);
    group->departments[group->departments_count++] = department;
}

static struct group empty_like(const struct group *group)
{
    return (struct group){.turn = group->turn, .site = group->site, .policy = group->policy, .actor = group->actor};
}

/* A fact's text is a person or a department of the site. */
static void add_named(struct group *group, const char *name)
{
    const Directory__Person *person = *name ? organisation_person(group->turn, name) : NULL;
    if (person)
        add_person(group, person);
    else if (*name && organisation_department(group->turn, group->site, name))
        add_department(group, name);
    else if (*name && organisation_thing(group->turn, group->site, name)) {
        group->things = arena_grow(turn_arena(group->turn), group->things, group->things_count, sizeof *group->things);
        group->things[group->things_count++] = name;
    }
}

static void add_fact(struct group *group, const Hb__Value *value)
{
    if (value->kind_case == HB__VALUE__KIND_TEXT)
        add_named(group, value->text);
    else if (value->kind_case == HB__VALUE__KIND_TEXTS)
        for (size_t i = 0; i < value->texts->n_text; i++)
            add_named(group, value->texts->text[i]);
}

bool who_is_role(const char *word)
{
    static const char *const roles[] = {"complainant",   "filer",      "handler",  "lead",  "joint",
                                        "first_contact", "respondent", "co_owner", "actor", "owner",
                                        "category",      "employee",   "anyone"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i], word) == 0)
            return true;
    return false;
}

static bool empty(const struct group *group)
{
    return group->persons_count == 0 && group->departments_count == 0 && group->things_count == 0;
}

static void start_role(struct group *group, const char *role, const struct facts *facts)
{
    if (strcmp(role, "actor") == 0)
        add_person(group, group->actor);
    if (strcmp(role, "employee") == 0)
        add_all(group, organisation_people(group->turn, group->site));
    if (strcmp(role, "category") == 0 && group->policy && facts) {
        const Policy__Category *category = policy_category(group->policy, facts_text(facts, "category"));
        if (category)
            add_department(group, category->department);
    }
    if (strcmp(role, "owner") == 0 && facts)
        add_named(group, facts_text(facts, "handler"));
    /* while nobody is named yet, the lead department stands in */
    if ((strcmp(role, "handler") == 0 || strcmp(role, "owner") == 0) && empty(group) && facts)
        add_named(group, facts_text(facts, "lead"));
}

static void start_place(struct group *group, const char *name)
{
    const Policy__Roster *roster = group->policy ? policy_roster(group->policy, name) : NULL;
    for (size_t i = 0; roster && i < roster->n_posts; i++)
        add_all(group, organisation_holders(group->turn, group->site, roster->posts[i]));
    if (organisation_department(group->turn, group->site, name))
        add_department(group, name);
    else if (!roster)
        add_all(group, organisation_holders(group->turn, group->site, name));
}

/* The person's own deputy, else who holds the deputy's post by the policy. */
static void add_deputies(struct group *to, const Directory__Person *person)
{
    if (*person->deputy) {
        add_person(to, organisation_person(to->turn, person->deputy));
        return;
    }
    for (size_t i = 0; i < person->n_posts && to->policy; i++) {
        const Policy__Post *post =
            strcmp(person->posts[i]->site, to->site) == 0 ? policy_post(to->policy, person->posts[i]->post) : NULL;
        if (post && *post->deputy)
            add_all(to, organisation_holders(to->turn, to->site, post->deputy));
    }
}

/* On duty now by the plan. Where nothing was ever planned, all who hold its posts. The deputy of a shift is named with
   it; where none is, the person's own. */
static void add_planned(struct group *group, const Policy__Roster *roster, const char *thing, bool deputies)
{
    const Directory__RosterPlan *plan = organisation_roster(group->turn, group->site, roster->name, thing);
    int64_t now = turn_now(group->turn);
    for (size_t i = 0; plan && i < plan->n_shifts; i++) {
        const Directory__Shift *shift = plan->shifts[i];
        if (now < shift->from_ms || now >= shift->to_ms)
            continue;
        const Directory__Person *person = organisation_person(group->turn, shift->person);
        bool away = deputies || !person || !organisation_present(group->turn, person);
        if (deputies && !*shift->deputy && person)
            add_deputies(group, person);
        else
            add_person(group, away && *shift->deputy ? organisation_person(group->turn, shift->deputy) : person);
    }
    for (size_t i = 0; !plan && i < roster->n_posts; i++) {
        const Directory__Person **holders = organisation_holders(group->turn, group->site, roster->posts[i]);
        for (; *holders; holders++) {
            if (deputies)
                add_deputies(group, *holders);
            else
                add_person(group, *holders);
        }
    }
}

/* Of a roster that is planned for each entry of a register: for the entries that the facts of the case name. */
static void add_duty(struct group *group, const Policy__Roster *roster, const struct facts *facts, bool deputies)
{
    if (!*roster->of) {
        add_planned(group, roster, "", deputies);
        return;
    }
    for (size_t i = 0; facts && i < facts->count; i++) {
        const Hb__Value *value = facts->list[i]->value;
        const Directory__Thing *thing = value && value->kind_case == HB__VALUE__KIND_TEXT
                                            ? organisation_thing(group->turn, group->site, value->text)
                                            : NULL;
        if (thing && strcmp(thing->of, roster->of) == 0)
            add_planned(group, roster, thing->id, deputies);
    }
}

#define WITHIN_MAX 8 /* things that lie in each other */

/* Who holds the post for the thing, or for the one it lies in. */
static void add_holders_of_thing(struct group *to, const char *post, const char *thing_id)
{
    const Directory__Thing *thing = organisation_thing(to->turn, to->site, thing_id);
    bool found = false;
    for (int depth = 0; thing && !found && depth < WITHIN_MAX; depth++) {
        for (size_t i = 0; i < thing->n_holders; i++)
            if (strcmp(thing->holders[i]->post, post) == 0) {
                add_person(to, organisation_person(to->turn, thing->holders[i]->person));
                found = true;
            }
        thing = *thing->within ? organisation_thing(to->turn, to->site, thing->within) : NULL;
    }
}

/* `POST of X`: for a thing, its holders; for a department or a person's, those of its members who hold the post. */
static void add_posts_of(struct group *to, const struct group *from, const char *post)
{
    struct group departments = *from;
    for (size_t i = 0; i < from->things_count; i++)
        add_holders_of_thing(to, post, from->things[i]);
    for (size_t i = 0; i < from->persons_count; i++)
        for (size_t p = 0; p < from->persons[i]->n_posts; p++)
            if (strcmp(from->persons[i]->posts[p]->site, to->site) == 0)
                add_department(&departments, from->persons[i]->posts[p]->department);
    for (size_t i = 0; i < departments.departments_count; i++) {
        const Directory__Person **members = organisation_members(to->turn, to->site, departments.departments[i]);
        for (; *members; members++)
            if (organisation_holds(*members, to->site, post))
                add_person(to, *members);
    }
}

/* "team.who": everybody whom the parts of a field name. */
static void start_parts(struct group *group, const char *root, const struct facts *facts)
{
    struct arena *arena = turn_arena(group->turn);
    const char *dot = strchr(root, '.');
    const char *field = dot ? arena_text(arena, root, (size_t)(dot - root)) : NULL;
    for (int64_t i = 1; field && facts && i <= facts_number(facts, field) && i <= POLICY_PARTS_MAX; i++)
        add_named(group, facts_text(facts, arena_printf(arena, "%s.%d.%s", field, (int)i, dot + 1)));
}

/* The word on the right: a fact that names somebody, a role, a roster, a department or a post, in this order. */
static void start(struct group *group, const char *root, const struct facts *facts)
{
    const Hb__Value *value = facts && strcmp(root, "category") != 0 ? facts_get(facts, root) : NULL;
    if (value)
        add_fact(group, value);
    start_parts(group, root, facts);
    if (!empty(group))
        return;
    if (who_is_role(root))
        start_role(group, root, facts);
    else
        start_place(group, root);
}

static const Directory__Person *head_of(const struct group *group, const char *department)
{
    const Directory__Department *found = organisation_department(group->turn, group->site, department);
    return found && *found->head ? organisation_person(group->turn, found->head) : NULL;
}

/* Climbs the chain of posts until somebody else holds one. False: nobody does. */
static bool add_post_superiors(struct group *to, const Directory__Person *person, const char *post_name)
{
    for (int step = 0; step < SUPERIORS_MAX && to->policy; step++) {
        const Policy__Post *post = policy_post(to->policy, post_name);
        if (!post || !*post->superior)
            return false;
        const Directory__Person **holders = organisation_holders(to->turn, to->site, post->superior);
        bool other = false;
        for (; *holders; holders++) {
            if (strcmp((*holders)->id, person->id) == 0)
                continue;
            add_person(to, *holders);
            other = true;
        }
        if (other)
            return true;
        post_name = post->superior;
    }
    return false;
}

/* By the posts held at the site; where the policy knows no superior, the head of the department or of the one above. */
static void add_superiors(struct group *to, const Directory__Person *person)
{
    for (size_t i = 0; i < person->n_posts; i++) {
        const Directory__Post *held = person->posts[i];
        if (strcmp(held->site, to->site) != 0 || add_post_superiors(to, person, held->post))
            continue;
        const Directory__Department *department = organisation_department(to->turn, to->site, held->department);
        const Directory__Person *head = department ? head_of(to, held->department) : NULL;
        if (head && strcmp(head->id, person->id) != 0)
            add_person(to, head);
        else if (department && *department->parent)
            add_person(to, head_of(to, department->parent));
    }
}

static void add_departments_of(struct group *to, const Directory__Person *person)
{
    for (size_t i = 0; i < person->n_posts; i++)
        if (strcmp(person->posts[i]->site, to->site) == 0)
            add_department(to, person->posts[i]->department);
}

/* One word of the expression, applied to all meant so far. */
static struct group apply(const struct group *from, const char *word)
{
    struct group to = empty_like(from);
    if (strcmp(word, "head") == 0) {
        struct group departments = *from;
        for (size_t i = 0; i < from->persons_count; i++)
            add_departments_of(&departments, from->persons[i]);
        for (size_t i = 0; i < departments.departments_count; i++)
            add_person(&to, head_of(from, departments.departments[i]));
    } else if (strcmp(word, "superior") == 0) {
        for (size_t i = 0; i < from->persons_count; i++)
            add_superiors(&to, from->persons[i]);
        for (size_t i = 0; i < from->departments_count; i++) {
            const Directory__Department *found = organisation_department(from->turn, from->site, from->departments[i]);
            if (found && *found->parent)
                add_person(&to, head_of(from, found->parent));
        }
    } else if (strcmp(word, "deputy") == 0) {
        for (size_t i = 0; i < from->persons_count; i++)
            add_deputies(&to, from->persons[i]);
    } else if (strcmp(word, "department") == 0) {
        to = *from;
        to.persons = NULL;
        to.persons_count = 0;
        for (size_t i = 0; i < from->persons_count; i++)
            add_departments_of(&to, from->persons[i]);
    } else if (strcmp(word, "members") == 0) { /* each of them, not the department through its head */
        for (size_t i = 0; i < from->persons_count; i++)
            add_person(&to, from->persons[i]);
        for (size_t i = 0; i < from->departments_count; i++)
            add_all(&to, organisation_members(from->turn, from->site, from->departments[i]));
    } else if (strcmp(word, "mentor") == 0) {
        for (size_t i = 0; i < from->persons_count; i++)
            add_person(&to, organisation_person(from->turn, from->persons[i]->mentor));
    } else if (from->policy && policy_post(from->policy, word)) {
        add_posts_of(&to, from, word);
    } else { /* holders of POST: the root already means them */
        to = *from;
    }
    return to;
}

static struct group mean(struct turn *turn, const char *site, const Policy__Who *who, const struct facts *facts,
                         const Directory__Person *actor)
{
    struct group group = {.turn = turn, .site = site, .policy = organisation_policy(turn, site, 0), .actor = actor};
    size_t words = who->n_of;
    const char *inner = words ? who->of[words - 1] : "";
    const Policy__Roster *roster =
        strcmp(inner, "duty") == 0 && group.policy ? policy_roster(group.policy, who->root) : NULL;
    bool deputies = roster && words > 1 && strcmp(who->of[words - 2], "deputy") == 0;
    if (roster)
        add_duty(&group, roster, facts, deputies);
    else if (strcmp(inner, "taker") == 0)
        add_named(&group, facts ? facts_text(facts, arena_printf(turn_arena(turn), "taker.%s", who->root)) : "");
    else
        start(&group, who->root, facts);
    words -= deputies ? 2 : roster || strcmp(inner, "taker") == 0;
    for (size_t i = words; i-- > 0;)
        group = apply(&group, who->of[i]);
    return group;
}

/* A department is told through its head, or all its members where it has none. */
static void add_telling(struct group *all, const struct group *group)
{
    for (size_t i = 0; i < group->persons_count; i++)
        add_person(all, organisation_present(all->turn, group->persons[i]));
    for (size_t i = 0; i < group->departments_count; i++) {
        const Directory__Person *head = organisation_present(all->turn, head_of(group, group->departments[i]));
        const Directory__Person **members = organisation_members(group->turn, group->site, group->departments[i]);
        if (head)
            add_person(all, head);
        else
            for (; *members; members++)
                add_person(all, organisation_present(all->turn, *members));
    }
}

const Directory__Person **who_persons(struct turn *turn, const char *site, Policy__Who *const *who, size_t count,
                                      const struct facts *facts, bool *complainant_out)
{
    struct group all = {.turn = turn, .site = site};
    if (complainant_out)
        *complainant_out = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(who[i]->root, "complainant") == 0) {
            if (complainant_out)
                *complainant_out = true;
            continue;
        }
        struct group group = mean(turn, site, who[i], facts, NULL);
        add_telling(&all, &group);
    }
    all.persons = arena_grow(turn_arena(turn), all.persons, all.persons_count, sizeof *all.persons);
    all.persons[all.persons_count] = NULL;
    return all.persons;
}

const char *who_department(struct turn *turn, const char *site, const Policy__Who *who, const struct facts *facts,
                           const char **person_out)
{
    struct group group = mean(turn, site, who, facts, NULL);
    *person_out = "";
    if (group.departments_count)
        return group.departments[0];
    if (group.persons_count == 0)
        return "";
    *person_out = group.persons[0]->id;
    struct group departments = apply(&group, "department");
    return departments.departments_count ? departments.departments[0] : "";
}

static bool is_meant(struct turn *turn, const char *site, const Policy__Who *who, const struct facts *facts,
                     const Directory__Person *person)
{
    struct group group = mean(turn, site, who, facts, person);
    for (size_t i = 0; i < group.departments_count; i++)
        if (organisation_member(person, site, group.departments[i]))
            return true;
    for (size_t i = 0; i < group.persons_count; i++) {
        const Directory__Person *present = organisation_present(turn, group.persons[i]);
        if (strcmp(group.persons[i]->id, person->id) == 0 || (present && strcmp(present->id, person->id) == 0))
            return true;
    }
    return false;
}

static bool has_post_at(const Directory__Person *person, const char *site)
{
    for (size_t i = 0; i < person->n_posts; i++)
        if (strcmp(person->posts[i]->site, site) == 0)
            return true;
    return false;
}

const char *who_filer(struct turn *turn, const Hb__Actor *actor)
{
    if (!actor || actor->complainant || *actor->person || !*actor->account)
        return actor && !actor->complainant ? actor->person : "";
    return arena_printf(turn_arena(turn), "account:%s", actor->account);
}

/* An account of a program, behind which nobody stands. */
static bool is_filing_account(struct turn *turn, const struct facts *facts, const Hb__Actor *actor)
{
    return facts && *actor->account && !*actor->person &&
           strcmp(facts_text(facts, "filer"), who_filer(turn, actor)) == 0;
}

bool who_includes(struct turn *turn, const char *site, Policy__Who *const *who, size_t count, const struct facts *facts,
                  const Hb__Actor *actor)
{
    if (!actor)
        return false;
    const char *acting = *actor->for_person ? actor->for_person : actor->person;
    const Directory__Person *person = *acting ? organisation_person(turn, acting) : NULL;
    for (size_t i = 0; i < count; i++) {
        const char *root = who[i]->n_of ? "" : who[i]->root;
        if (strcmp(root, "anyone") == 0 || (strcmp(root, "complainant") == 0 && actor->complainant) ||
            (strcmp(root, "filer") == 0 && is_filing_account(turn, facts, actor)))
            return true;
        if (!person)
            continue;
        /* the common case without loading all of a large staff */
        bool employee = strcmp(root, "employee") == 0;
        if (employee ? has_post_at(person, site) : is_meant(turn, site, who[i], facts, person))
            return true;
    }
    return false;
}
