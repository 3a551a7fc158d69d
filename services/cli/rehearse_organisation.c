/* An organisation made for a policy: every department and post that the policy names, one person for each post, and the
   people of the scenario in the posts they were given. */
#include "calendar/calendar.h"
#include "organisation/organisation.h"
#include "policy/lookup.h"
#include "rehearse_world.h"

struct founding {
    struct world *world;
    const Policy__Policy *policy;
    Directory__Organise *organise;
};

static char *copy(struct founding *founding, const char *text)
{
    return arena_strdup(&founding->world->arena, text);
}

static Hb__Label *label(struct founding *founding, const char *zh, const char *en)
{
    Hb__Label *made = WORLD_NEW(founding->world, Hb__Label, hb__label__init);
    made->zh = copy(founding, zh);
    made->en = copy(founding, en);
    return made;
}

/* ---- departments ---- */

static Directory__Department *department_find(const struct founding *founding, const char *id)
{
    for (size_t i = 0; i < founding->organise->n_departments; i++)
        if (strcmp(founding->organise->departments[i]->id, id) == 0)
            return founding->organise->departments[i];
    return NULL;
}

static void add_department(struct founding *founding, const char *id)
{
    if (!*id || department_find(founding, id))
        return;
    Directory__Department *made = WORLD_NEW(founding->world, Directory__Department, directory__department__init);
    made->id = copy(founding, id);
    made->site = copy(founding, WORLD_SITE);
    made->name = label(founding, id, id);
    WORLD_ADD(founding->world, founding->organise->departments, founding->organise->n_departments, made);
}

static bool is_field(const Policy__Policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->n_kinds; i++)
        if (policy_field(policy->kinds[i], name))
            return true;
    return false;
}

/* A word for somebody that is no role, post, roster or field means a department. */
static void add_who(struct founding *founding, const Policy__Who *who)
{
    const char *root = who->root;
    bool of_step = who->n_of && strcmp(who->of[who->n_of - 1], "taker") == 0;
    if (*root && !of_step && !who_is_role(root) && !policy_post(founding->policy, root) &&
        !policy_roster(founding->policy, root) && !is_field(founding->policy, root))
        add_department(founding, root);
}

/* Every Who of the policy, wherever it stands. Policies are not recursive messages, so this ends. */
static void find_who(struct founding *founding, const ProtobufCMessage *message)
{
    if (message->descriptor == &policy__who__descriptor) {
        add_who(founding, (const Policy__Who *)message);
        return;
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *base = (const char *)message + field->offset;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            const ProtobufCMessage *inner = *(ProtobufCMessage *const *)(const void *)base;
            bool set = inner && (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
                                 *(const uint32_t *)(const void *)((const char *)message + field->quantifier_offset) ==
                                     field->id);
            if (set)
                find_who(founding, inner);
            continue;
        }
        size_t count = *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
        ProtobufCMessage *const *list = *(ProtobufCMessage *const *const *)(const void *)base;
        for (size_t item = 0; item < count; item++)
            find_who(founding, list[item]);
    }
}

static void add_departments(struct founding *founding)
{
    const Policy__Policy *policy = founding->policy;
    for (size_t i = 0; i < policy->n_posts; i++)
        add_department(founding, policy->posts[i]->department);
    for (size_t i = 0; i < policy->n_categories; i++)
        add_department(founding, policy->categories[i]->department);
    find_who(founding, &policy->base);
    if (founding->organise->n_departments == 0)
        add_department(founding, "office");
}

/* ---- people ---- */

static Directory__Person *person_find(const struct founding *founding, const char *id)
{
    for (size_t i = 0; i < founding->organise->n_people; i++)
        if (strcmp(founding->organise->people[i]->id, id) == 0)
            return founding->organise->people[i];
    return NULL;
}

static Directory__Person *add_person(struct founding *founding, const char *id, const char *name)
{
    struct world *world = founding->world;
    Directory__Person *made = WORLD_NEW(world, Directory__Person, directory__person__init);
    Directory__Account *account = WORLD_NEW(world, Directory__Account, directory__account__init);
    made->id = account->id = account->person = arena_text(&world->arena, id, strnlen(id, 32));
    made->name = copy(founding, name);
    made->email = arena_printf(&world->arena, "%s@example.org", made->id);
    WORLD_ADD(world, account->scopes, account->n_scopes, copy(founding, "*"));
    WORLD_ADD(world, founding->organise->people, founding->organise->n_people, made);
    WORLD_ADD(world, founding->organise->accounts, founding->organise->n_accounts, account);
    return made;
}

static void hold(struct founding *founding, Directory__Person *person, const char *post, const char *department)
{
    for (size_t i = 0; i < person->n_posts; i++)
        if (strcmp(person->posts[i]->post, post) == 0 && strcmp(person->posts[i]->department, department) == 0)
            return;
    Directory__Post *held = WORLD_NEW(founding->world, Directory__Post, directory__post__init);
    held->post = copy(founding, post);
    held->department = copy(founding, department);
    held->site = copy(founding, WORLD_SITE);
    WORLD_ADD(founding->world, person->posts, person->n_posts, held);
}

/* Where the policy does not say, a post is in the first department. */
static const char *place_of(const struct founding *founding, const Policy__Post *post)
{
    return *post->department ? post->department : founding->organise->departments[0]->id;
}

static void hold_post(struct founding *founding, Directory__Person *person, const Policy__Post *post)
{
    hold(founding, person, post->name, place_of(founding, post));
}

/* Whoever handles, handles for every department: which of them leads is the policy's to say. */
static void hold_everywhere(struct founding *founding, Directory__Person *person)
{
    const Policy__Post *post = policy_post(founding->policy, "handler_post");
    for (size_t i = 0; i < founding->organise->n_departments; i++)
        hold(founding, person, post ? post->name : "staff", founding->organise->departments[i]->id);
}

static void give_post(struct founding *founding, Directory__Person *person, const char *given)
{
    const Policy__Post *post = policy_post(founding->policy, given);
    const char *in = strstr(given, " in ");
    Directory__Department *headed = strncmp(given, "head of ", 8) == 0 ? department_find(founding, given + 8) : NULL;
    if (strncmp(given, "holding ", 8) == 0) {
        Directory__Certificate *held = WORLD_NEW(founding->world, Directory__Certificate, directory__certificate__init);
        const char *until = strstr(given, " until ");
        int32_t date;
        held->name =
            arena_text(&founding->world->arena, given + 8, until ? (size_t)(until - given - 8) : strlen(given + 8));
        if (until && date_parse(until + 7, &date)) /* valid to the end of that day */
            held->until_ms = zone_utc_ms(founding->world->scenario->zone, ((int64_t)date + 1) * DAY_MS);
        WORLD_ADD(founding->world, person->certificates, person->n_certificates, held);
    } else if (strcmp(given, "trainee") == 0) {
        person->trainee = true;
    } else if (in) { /* elsewhere than the policy says, or where it says nothing */
        hold(founding, person, arena_text(&founding->world->arena, given, (size_t)(in - given)), in + 4);
    } else if (post) {
        hold_post(founding, person, post);
    } else if (headed) {
        hold(founding, person, "staff", headed->id);
        headed->head = person->id;
    } else if (strcmp(given, "handler") == 0 || strcmp(given, "lead") == 0) {
        hold_everywhere(founding, person);
    } else if (department_find(founding, given)) {
        hold(founding, person, "staff", given);
    } else { /* an employee, the first contact, somebody's deputy: at the site, in no particular post */
        hold(founding, person, "staff", "");
    }
}

static void add_given(struct founding *founding)
{
    struct world *world = founding->world;
    for (size_t i = 0; i < world->scenario->people_count; i++) {
        const struct scenario_person *given = &world->scenario->people[i];
        if (given->posts_count && strcmp(given->posts[0], "complainant") == 0) {
            WORLD_ADD(world, world->complainants, world->complainants_count, given->name);
            continue;
        }
        Directory__Person *person = add_person(founding, given->name, given->name);
        for (size_t p = 0; p < given->posts_count; p++)
            give_post(founding, person, given->posts[p]);
    }
}

static bool is_held(const struct founding *founding, const char *post)
{
    for (size_t i = 0; i < founding->organise->n_people; i++)
        for (size_t p = 0; p < founding->organise->people[i]->n_posts; p++)
            if (strcmp(founding->organise->people[i]->posts[p]->post, post) == 0)
                return true;
    return false;
}

static void add_others(struct founding *founding)
{
    for (size_t i = 0; i < founding->policy->n_posts; i++) {
        const Policy__Post *post = founding->policy->posts[i];
        if (!is_held(founding, post->name))
            hold_post(founding, add_person(founding, post->name, post->label->zh), post);
    }
}

/* ---- heads and deputies ---- */

static Directory__Person *holder_in(const struct founding *founding, const char *post, const char *department)
{
    for (size_t i = 0; i < founding->organise->n_people; i++) {
        Directory__Person *person = founding->organise->people[i];
        for (size_t p = 0; p < person->n_posts; p++)
            if (strcmp(person->posts[p]->post, post) == 0 && strcmp(person->posts[p]->department, department) == 0)
                return person;
    }
    return NULL;
}

/* The head holds the post whose superior is outside the department. */
static void choose_head(struct founding *founding, Directory__Department *department)
{
    for (size_t i = 0; i < founding->policy->n_posts && !*department->head; i++) {
        const Policy__Post *post = founding->policy->posts[i];
        const Policy__Post *above = *post->superior ? policy_post(founding->policy, post->superior) : NULL;
        if (strcmp(place_of(founding, post), department->id) != 0 ||
            (above && strcmp(place_of(founding, above), department->id) == 0))
            continue;
        Directory__Person *person = holder_in(founding, post->name, department->id);
        if (person)
            department->head = person->id;
    }
    if (*department->head)
        return;
    char *id = arena_printf(&founding->world->arena, "head_%s", department->id);
    Directory__Person *person = add_person(founding, id, id);
    hold(founding, person, "staff", department->id);
    department->head = person->id;
}

static void add_deputies(struct founding *founding)
{
    const struct scenario *scenario = founding->world->scenario;
    for (size_t i = 0; i < scenario->people_count; i++)
        for (size_t p = 0; p < scenario->people[i].posts_count; p++) {
            const char *given = scenario->people[i].posts[p];
            Directory__Person *deputy = person_find(founding, scenario->people[i].name);
            for (size_t h = 0; deputy && strncmp(given, "deputy of ", 10) == 0 && h < founding->organise->n_people; h++)
                for (size_t q = 0; q < founding->organise->people[h]->n_posts; q++)
                    if (strcmp(founding->organise->people[h]->posts[q]->post, given + 10) == 0)
                        founding->organise->people[h]->deputy = deputy->id;
        }
}

Directory__Organise *world_organisation(struct world *world)
{
    struct founding founding = {world, world->scenario->policy,
                                WORLD_NEW(world, Directory__Organise, directory__organise__init)};
    Directory__Site *site = WORLD_NEW(world, Directory__Site, directory__site__init);
    site->id = copy(&founding, WORLD_SITE);
    site->name = label(&founding, "演练", "Rehearsal");
    site->zone = copy(&founding, world->scenario->zone_name);
    site->public_ = true;
    WORLD_ADD(world, founding.organise->sites, founding.organise->n_sites, site);
    add_departments(&founding);
    add_given(&founding);
    add_others(&founding);
    for (size_t i = 0; i < founding.organise->n_departments; i++)
        choose_head(&founding, founding.organise->departments[i]);
    add_deputies(&founding);
    return founding.organise;
}
