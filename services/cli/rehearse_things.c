/* Registers and rosters of a scenario: `given: {things, rosters}`, and lines that change them or send somebody away. */
#include "rehearse_reading.h"
#include "rehearse_world.h"

/* ---- reading ---- */

static struct scenario_thing thing_of(struct reading *reading, json_t *map, const char *name)
{
    const Policy__Policy *policy = reading->scenario->policy;
    struct scenario_thing thing = {.name = arena_strdup(reading->arena, name), .line = reading_line_of(reading, map)};
    json_t *of = json_object_get(map, "of");
    thing.of = reading_text_of(reading, of);
    thing.within = reading_text_of(reading, json_object_get(map, "within"));
    if (of && !policy_thing(policy, thing.of))
        reading_wrong_word(reading, of, "制度中没有登记册", "the policy has no register", thing.of,
                           NAMES(reading, policy->things, policy->n_things), policy->n_things);
    const char *before = reading_enter(reading, "with");
    thing.with = reading_pairs_of(reading, json_object_get(map, "with"), &thing.with_count);
    reading->path = before;
    before = reading_enter(reading, "holders");
    thing.holders = reading_pairs_of(reading, json_object_get(map, "holders"), &thing.holders_count);
    reading->path = before;
    return thing;
}

/* {L2: {of: lift, within: east, with: {inspection_until: 2025-06-30}, holders: {lift_safety_manager: bo}}} */
void reading_things(struct reading *reading, json_t *map)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        const char *before = reading_enter(reading, arena_strdup(reading->arena, key));
        ONLY_KEYS(reading, value, "of", "within", "with", "holders");
        struct scenario_thing thing = thing_of(reading, value, key);
        if (!*thing.of)
            wrong(reading, value, "缺少 of：登记册", "\"of\" is missing: of which register?");
        ADD(reading, reading->scenario->things, reading->scenario->things_count, thing);
        reading->path = before;
    }
}

static struct scenario_shift shift_of(struct reading *reading, json_t *map, const char *roster)
{
    struct scenario_shift shift = {.roster = arena_strdup(reading->arena, roster)};
    ONLY_KEYS(reading, map, "who", "from", "to", "deputy", "for");
    shift.thing = reading_text_of(reading, json_object_get(map, "for"));
    shift.person = reading_text_of(reading, json_object_get(map, "who"));
    shift.deputy = reading_text_of(reading, json_object_get(map, "deputy"));
    reading_person_known(reading, map, shift.person);
    if (*shift.deputy)
        reading_person_known(reading, map, shift.deputy);
    struct scenario_clock before = reading->clock;
    shift.from_ms = reading_time_of(reading, json_object_get(map, "from"));
    shift.to_ms = reading_time_of(reading, json_object_get(map, "to"));
    reading->clock = before;
    return shift;
}

/* {duty: [{who: li, from: 2025-03-03 08:00, to: 20:00}]}; `for: L2` where the roster is of a register */
void reading_rosters(struct reading *reading, json_t *map, struct scenario_shift **list, size_t *count)
{
    const Policy__Policy *policy = reading->scenario->policy;
    const char *key;
    json_t *shifts, *item;
    size_t i;
    json_object_foreach(map, key, shifts) {
        const char *before = reading_enter(reading, arena_strdup(reading->arena, key));
        if (!policy_roster(policy, key))
            reading_wrong_word(reading, shifts, "制度中没有值班表", "the policy has no roster", key,
                               NAMES(reading, policy->rosters, policy->n_rosters), policy->n_rosters);
        json_array_foreach(shifts, i, item)
            ADD(reading, *list, *count, shift_of(reading, item, key));
        reading->path = before;
    }
}

void reading_thing_line(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const char *key;
    json_t *things = json_object_get(map, "things"), *value;
    ONLY_KEYS(reading, map, "at", "things", "refused", "says");
    line->what = LINE_THINGS;
    json_object_foreach(things, key, value) {
        const char *before = reading_enter(reading, arena_strdup(reading->arena, key));
        ONLY_KEYS(reading, value, "of", "within", "with", "holders");
        ADD(reading, line->things, line->things_count, thing_of(reading, value, key));
        reading->path = before;
    }
}

void reading_roster_line(struct reading *reading, struct scenario_line *line, json_t *map)
{
    ONLY_KEYS(reading, map, "at", "roster", "refused", "says");
    line->what = LINE_ROSTER;
    reading_rosters(reading, json_object_get(map, "roster"), &line->shifts, &line->shifts_count);
}

void reading_absent_line(struct reading *reading, struct scenario_line *line, json_t *map, const char *key)
{
    ONLY_KEYS(reading, map, "at", "absent", "present");
    line->what = LINE_ABSENT;
    line->failed = strcmp(key, "absent") == 0;
    line->name = reading_text_of(reading, json_object_get(map, key));
    reading_person_known(reading, map, line->name);
}

/* {zhou: [technician, clerk]}: one person to a line. */
void reading_posts_line(struct reading *reading, struct scenario_line *line, json_t *map)
{
    const Policy__Policy *policy = reading->scenario->policy;
    json_t *posts = json_object_get(map, "posts"), *value;
    const char *key;
    ONLY_KEYS(reading, map, "at", "posts", "refused", "says");
    line->what = LINE_POSTS;
    line->name = "";
    if (json_object_size(posts) != 1)
        wrong(reading, map, "可用：posts: {人名: [岗位]}", "accepted: posts: {NAME: [POST]}");
    json_object_foreach(posts, key, value) {
        line->name = arena_strdup(reading->arena, key);
        line->posts = reading_texts_of(reading, value, &line->posts_count);
        reading_person_known(reading, map, line->name);
    }
    for (size_t i = 0; i < line->posts_count; i++)
        if (!policy_post(policy, line->posts[i]) && strcmp(line->posts[i], "trainee") != 0)
            reading_wrong_word(reading, map, "制度中没有岗位", "the policy has no post", line->posts[i],
                               NAMES(reading, policy->posts, policy->n_posts), policy->n_posts);
}

/* delegate: {from: wang, to: li, since: 2025-03-03 08:00, until: 2025-03-05 18:00} */
void reading_delegate_line(struct reading *reading, struct scenario_line *line, json_t *map)
{
    json_t *what = json_object_get(map, "delegate");
    ONLY_KEYS(reading, map, "at", "delegate", "refused", "says");
    const char *before = reading_enter(reading, "delegate");
    ONLY_KEYS(reading, what, "from", "to", "since", "until");
    line->what = LINE_DELEGATE;
    line->lent = reading_text_of(reading, json_object_get(what, "from"));
    line->name = reading_text_of(reading, json_object_get(what, "to"));
    reading_person_known(reading, what, line->lent);
    reading_person_known(reading, what, line->name);
    struct scenario_clock clock = reading->clock;
    line->from_ms = reading_time_of(reading, json_object_get(what, "since"));
    line->to_ms = reading_time_of(reading, json_object_get(what, "until"));
    reading->clock = clock;
    reading->path = before;
}

/* ---- the organisation hears of it ---- */

static Directory__Thing *thing_find(const struct world *world, const char *name)
{
    for (size_t i = 0; i < world->things_count; i++)
        if (strcmp(world->things[i]->id, name) == 0)
            return world->things[i];
    return NULL;
}

static Hb__Fact *fact_of(struct world *world, Directory__Thing *thing, const char *name)
{
    for (size_t i = 0; i < thing->n_facts; i++)
        if (strcmp(thing->facts[i]->name, name) == 0)
            return thing->facts[i];
    Hb__Fact *fact = WORLD_NEW(world, Hb__Fact, hb__fact__init);
    fact->name = world_copy(world, name);
    WORLD_ADD(world, thing->facts, thing->n_facts, fact);
    return fact;
}

static Directory__Thing *thing_made(struct world *world, const struct scenario_thing *from)
{
    Directory__Thing *thing = thing_find(world, from->name);
    if (!thing) {
        thing = WORLD_NEW(world, Directory__Thing, directory__thing__init);
        thing->id = world_copy(world, from->name);
        thing->site = world_copy(world, WORLD_SITE);
        thing->of = world_copy(world, from->of);
        WORLD_ADD(world, world->things, world->things_count, thing);
    }
    if (*from->within)
        thing->within = world_copy(world, from->within);
    for (size_t i = 0; i < from->with_count; i++) {
        Hb__Value *value = WORLD_NEW(world, Hb__Value, hb__value__init);
        value->kind_case = HB__VALUE__KIND_TEXT;
        value->text = world_copy(world, from->with[i].value);
        fact_of(world, thing, from->with[i].name)->value = value;
    }
    for (size_t i = 0; i < from->holders_count; i++) {
        Directory__Holder *holder = WORLD_NEW(world, Directory__Holder, directory__holder__init);
        holder->post = world_copy(world, from->holders[i].name);
        holder->person = world_copy(world, from->holders[i].value);
        WORLD_ADD(world, thing->holders, thing->n_holders, holder);
    }
    return thing;
}

/* One plan for each roster (and entry of its register): from the first shift of it to the end of the last. */
static Directory__RosterPlan *plan_of(struct world *world, Directory__Organise *what, const char *roster,
                                      const char *thing)
{
    for (size_t i = 0; i < what->n_rosters; i++)
        if (strcmp(what->rosters[i]->roster, roster) == 0 && strcmp(what->rosters[i]->thing, thing) == 0)
            return what->rosters[i];
    Directory__RosterPlan *plan = WORLD_NEW(world, Directory__RosterPlan, directory__roster_plan__init);
    plan->site = world_copy(world, WORLD_SITE);
    plan->roster = world_copy(world, roster);
    plan->thing = world_copy(world, thing);
    plan->from_ms = INT64_MAX;
    WORLD_ADD(world, what->rosters, what->n_rosters, plan);
    return plan;
}

static void add_shift(struct world *world, Directory__Organise *what, const struct scenario_shift *from)
{
    Directory__RosterPlan *plan = plan_of(world, what, from->roster, from->thing);
    Directory__Shift *shift = WORLD_NEW(world, Directory__Shift, directory__shift__init);
    shift->person = world_copy(world, from->person);
    shift->deputy = world_copy(world, from->deputy);
    shift->from_ms = from->from_ms;
    shift->to_ms = from->to_ms;
    plan->from_ms = from->from_ms < plan->from_ms ? from->from_ms : plan->from_ms;
    plan->to_ms = from->to_ms > plan->to_ms ? from->to_ms : plan->to_ms;
    WORLD_ADD(world, plan->shifts, plan->n_shifts, shift);
}

const Hb__CommandReply *world_things(struct world *world, const struct scenario_thing *things, size_t things_count,
                                     const struct scenario_shift *shifts, size_t shifts_count)
{
    Directory__Organise *what = WORLD_NEW(world, Directory__Organise, directory__organise__init);
    for (size_t i = 0; i < things_count; i++)
        WORLD_ADD(world, what->things, what->n_things, thing_made(world, &things[i]));
    for (size_t i = 0; i < shifts_count; i++)
        add_shift(world, what, &shifts[i]);
    return world_organise(world, what);
}

const Hb__CommandReply *world_absent(struct world *world, const char *name, bool absent)
{
    Directory__Organise *what = WORLD_NEW(world, Directory__Organise, directory__organise__init);
    for (size_t i = 0; i < world->people_count; i++) {
        Directory__Person *person = world->people[i];
        if (strcmp(person->id, name) != 0)
            continue;
        person->absent = absent;
        WORLD_ADD(world, what->people, what->n_people, person);
    }
    return world_organise(world, what);
}

const Hb__CommandReply *world_delegate(struct world *world, const struct scenario_line *line)
{
    Directory__Organise *what = WORLD_NEW(world, Directory__Organise, directory__organise__init);
    for (size_t i = 0; i < world->people_count; i++) {
        Directory__Person *person = world->people[i];
        if (strcmp(person->id, line->lent) != 0)
            continue;
        Directory__Delegation *made = WORLD_NEW(world, Directory__Delegation, directory__delegation__init);
        made->to = world_copy(world, line->name);
        made->from_ms = line->from_ms;
        made->to_ms = line->to_ms;
        WORLD_ADD(world, person->delegations, person->n_delegations, made);
        WORLD_ADD(world, what->people, what->n_people, person);
        const Hb__CommandReply *reply = world_organise(world, what);
        person->n_delegations -= !reply || reply->refused;
        return reply;
    }
    return NULL;
}

/* Where the person held it before, else where the policy says. */
static const char *post_department(const struct world *world, const Directory__Person *before, const char *name)
{
    const Policy__Post *post = policy_post(world->scenario->policy, name);
    for (size_t i = 0; i < before->n_posts; i++)
        if (strcmp(before->posts[i]->post, name) == 0)
            return before->posts[i]->department;
    return post ? post->department : "";
}

const Hb__CommandReply *world_posts(struct world *world, const char *name, char *const *posts, size_t count)
{
    Directory__Organise *what = WORLD_NEW(world, Directory__Organise, directory__organise__init);
    Directory__Person *person = NULL;
    for (size_t i = 0; i < world->people_count; i++)
        if (strcmp(world->people[i]->id, name) == 0)
            person = world->people[i];
    if (!person)
        return NULL;
    const Directory__Person before = *person;
    person->posts = NULL;
    person->n_posts = 0;
    person->trainee = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(posts[i], "trainee") == 0) {
            person->trainee = true;
            continue;
        }
        Directory__Post *held = WORLD_NEW(world, Directory__Post, directory__post__init);
        held->post = world_copy(world, posts[i]);
        held->department = world_copy(world, post_department(world, &before, posts[i]));
        held->site = world_copy(world, WORLD_SITE);
        WORLD_ADD(world, person->posts, person->n_posts, held);
    }
    WORLD_ADD(world, what->people, what->n_people, person);
    const Hb__CommandReply *reply = world_organise(world, what);
    if (!reply || reply->refused)
        *person = before;
    return reply;
}
