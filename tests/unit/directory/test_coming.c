/* A policy that takes effect on a later day: kept until then, put in force once at the start of that day, also by a
   directory that was down, withdrawn, replaced, and left alone by what is published meanwhile. */
#include "../support/puppet.h"

#include "directory.h"

#define POLICIES SOURCE_DIR "/services/directory/policies"
#define DAY_MS 1743436800000ll /* 2025-04-01 00:00 in Shanghai */
#define HOUR_MS 3600000ll

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    static const struct service *const services[] = {&directory_service};
    arena_init(&world->arena);
    snprintf(world->folder, sizeof world->folder, "/tmp/hearback-world-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    struct simulation_options options = {.seed = 5,
                                         .folder = world->folder,
                                         .start_ms = PUPPET_START_MS,
                                         .services = services,
                                         .services_count = 1,
                                         .policies_folder = POLICIES};
    world->simulation = simulation_new(&options);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    world_close(world);
    free(world);
    return 0;
}

static const Hb__CommandReply *send(struct world *world, Directory__Command *directory)
{
    Hb__Command command = HB__COMMAND__INIT;
    command.account = "operator";
    command.actor = MAKE(world, Hb__Actor, HB__ACTOR__INIT);
    command.actor->operator_ = true;
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = directory;
    return world_command(world, HB__SERVICE__DIRECTORY, &command);
}

static const Hb__Refusal *found(struct world *world, const char *zone, const char *follows)
{
    Directory__Command command = DIRECTORY__COMMAND__INIT;
    Directory__Organise organise = DIRECTORY__ORGANISE__INIT;
    Directory__Site site = DIRECTORY__SITE__INIT, *sites[] = {&site};
    site.id = "garden";
    site.name = world_label(world, "花园", "Garden");
    site.zone = (char *)(uintptr_t)zone;
    site.follows = (char *)(uintptr_t)follows;
    organise.sites = sites;
    organise.n_sites = 1;
    command.kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    command.organise = &organise;
    return send(world, &command)->refused;
}

struct publication {
    const char *pack, *from, *in_force;
    bool replace, ahead;
    uint32_t base;
};

static const Hb__CommandReply *publish(struct world *world, struct publication given)
{
    Directory__Command command = DIRECTORY__COMMAND__INIT;
    Directory__PublishPolicy publish = DIRECTORY__PUBLISH_POLICY__INIT;
    Directory__Source source = DIRECTORY__SOURCE__INIT, *sources[] = {&source};
    char *names[] = {(char *)(uintptr_t)given.pack};
    publish.site = "garden";
    publish.packs = names;
    publish.n_packs = 1;
    publish.sources = sources;
    publish.n_sources = 1;
    publish.from = (char *)(uintptr_t)(given.from ? given.from : "");
    publish.replace = given.replace;
    publish.ahead = given.ahead;
    publish.base_version = given.base;
    source.path = arena_printf(&world->arena, "%s/pack.yaml", given.pack);
    source.text = arena_printf(&world->arena, "pack: %s\nname: [后, Later]\nextends: GEN-FRAME\n%s%s\n", given.pack,
                               given.in_force ? "in_force: " : "", given.in_force ? given.in_force : "");
    command.kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_POLICY;
    command.publish_policy = &publish;
    return send(world, &command);
}

static const Hb__Refusal *withdraw(struct world *world)
{
    Directory__Command command = DIRECTORY__COMMAND__INIT;
    Directory__WithdrawPolicy withdraw = DIRECTORY__WITHDRAW_POLICY__INIT;
    withdraw.site = "garden";
    command.kind_case = DIRECTORY__COMMAND__KIND_WITHDRAW_POLICY;
    command.withdraw_policy = &withdraw;
    return send(world, &command)->refused;
}

static const char *day_of(const Hb__CommandReply *reply)
{
    assert_null(reply->refused);
    return reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_COMING_POLICY ? reply->coming_policy->day : "";
}

/* What has been published so far, "1:FIRST 2:NEXT"; the time of the last one. */
static const char *published(struct world *world, int64_t *at_ms_out)
{
    const struct world_last *said = world_said(world, HB__SERVICE__DIRECTORY);
    const char *text = "";
    for (unsigned i = 0; i < said->count; i++) {
        if (said->events[i]->directory->kind_case != DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
            continue;
        const Directory__PolicyPublished *one = said->events[i]->directory->policy_published;
        text = arena_printf(&world->arena, "%s%s%u:%s", text, *text ? " " : "", one->version, one->packs[0]);
        if (at_ms_out)
            *at_ms_out = said->events[i]->recorded_ms;
    }
    return text;
}

/* What is listed as coming: "NEXT 2025-04-01 1" with the version it was published beside. */
static const char *coming(struct world *world, bool outsider)
{
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetOrganisation get = DIRECTORY__GET_ORGANISATION__INIT;
    Hb__Actor actor = HB__ACTOR__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    query.actor = &actor;
    actor.operator_ = !outsider;
    actor.complainant = outsider;
    directory.kind_case = DIRECTORY__QUERY__KIND_ORGANISATION;
    directory.organisation = &get;
    const Hb__QueryReply *reply = simulation_query(world->simulation, HB__SERVICE__DIRECTORY, &query, &world->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    const Directory__Organisation *all = reply->directory->organisation;
    const Directory__ComingPolicy *one = all->n_policies ? all->policies[0]->coming : NULL;
    return one ? arena_printf(&world->arena, "%s %s %u", one->packs[0], one->day, one->base_version) : "";
}

static void assert_sound(struct world *world)
{
    char why[400] = "";
    enum err err = simulation_check(world->simulation, why, sizeof why);
    if (err)
        print_error("%s\n", why);
    assert_int_equal(err, ERR_NONE);
}

static void it_takes_effect_at_the_start_of_its_day(void **state)
{
    struct world *world = *state;
    int64_t at_ms = 0;
    assert_null(found(world, "Asia/Shanghai", ""));
    assert_string_equal(day_of(publish(world, (struct publication){"FIRST"})), "");
    assert_string_equal(day_of(publish(world, (struct publication){"NEXT", .in_force = "2025-04-01"})), "2025-04-01");
    assert_string_equal(published(world, NULL), "1:FIRST");
    assert_string_equal(coming(world, false), "NEXT 2025-04-01 1");
    assert_string_equal(coming(world, true), "");
    simulation_run(world->simulation, DAY_MS - 1);
    assert_string_equal(published(world, NULL), "1:FIRST");
    simulation_run(world->simulation, DAY_MS + HOUR_MS);
    assert_string_equal(published(world, &at_ms), "1:FIRST 2:NEXT");
    assert_int_equal(at_ms, DAY_MS);
    assert_string_equal(coming(world, false), "");
    simulation_run(world->simulation, DAY_MS + 48 * HOUR_MS);
    assert_string_equal(published(world, NULL), "1:FIRST 2:NEXT");
    assert_sound(world);
}

static void a_directory_that_was_down_puts_it_in_force_once(void **state)
{
    struct world *world = *state;
    int64_t at_ms = 0;
    assert_null(found(world, "Asia/Shanghai", ""));
    assert_string_equal(day_of(publish(world, (struct publication){"FIRST", .from = "2025-04-01"})), "2025-04-01");
    assert_string_equal(coming(world, false), "FIRST 2025-04-01 0"); /* the first one of a site may be of a later day */
    simulation_down(world->simulation, HB__SERVICE__DIRECTORY);
    simulation_run(world->simulation, DAY_MS + 30 * HOUR_MS);
    simulation_up(world->simulation, HB__SERVICE__DIRECTORY);
    simulation_run(world->simulation, DAY_MS + 31 * HOUR_MS);
    assert_string_equal(published(world, &at_ms), "1:FIRST");
    assert_true(at_ms >= DAY_MS + 30 * HOUR_MS);
    simulation_down(world->simulation, HB__SERVICE__DIRECTORY);
    simulation_up(world->simulation, HB__SERVICE__DIRECTORY);
    simulation_run(world->simulation, DAY_MS + 60 * HOUR_MS);
    assert_string_equal(published(world, NULL), "1:FIRST");
    assert_sound(world);
}

static void it_is_replaced_knowingly_and_withdrawn(void **state)
{
    struct world *world = *state;
    assert_null(found(world, "Asia/Shanghai", ""));
    publish(world, (struct publication){"FIRST"});
    publish(world, (struct publication){"NEXT", .from = "2025-04-01"});
    unsigned count = world_said(world, HB__SERVICE__DIRECTORY)->count;
    assert_string_equal(day_of(publish(world, (struct publication){"NEXT", .from = "2025-04-01"})), "2025-04-01");
    assert_int_equal(world_said(world, HB__SERVICE__DIRECTORY)->count, count); /* it is coming already */
    const Hb__Refusal *refused = publish(world, (struct publication){"OTHER", .from = "2025-05-01"})->refused;
    assert_non_null(refused);
    assert_string_equal(refused->code, "policy_coming");
    assert_non_null(strstr(refused->text->en, "NEXT"));
    assert_string_equal(coming(world, false), "NEXT 2025-04-01 1");
    assert_string_equal(day_of(publish(world, (struct publication){"OTHER", .from = "2025-05-01", .replace = true})),
                        "2025-05-01");
    assert_string_equal(coming(world, false), "OTHER 2025-05-01 1");
    simulation_run(world->simulation, DAY_MS + HOUR_MS); /* the day of what was replaced */
    assert_string_equal(published(world, NULL), "1:FIRST");
    assert_null(withdraw(world));
    assert_string_equal(coming(world, false), "");
    assert_string_equal(withdraw(world)->code, "not_found");
    simulation_run(world->simulation, DAY_MS + 40 * 24 * HOUR_MS);
    assert_string_equal(published(world, NULL), "1:FIRST");
    assert_sound(world);
}

static void what_is_published_meanwhile_leaves_it_alone(void **state)
{
    struct world *world = *state;
    assert_null(found(world, "Asia/Shanghai", ""));
    publish(world, (struct publication){"FIRST"});
    publish(world, (struct publication){"NEXT", .from = "2025-04-01"});
    publish(world, (struct publication){"REPAIR"});
    assert_string_equal(coming(world, false),
                        "NEXT 2025-04-01 1"); /* and version 2 is in force: whoever looks sees it */
    simulation_run(world->simulation, DAY_MS + HOUR_MS);
    assert_string_equal(published(world, NULL), "1:FIRST 2:REPAIR 3:NEXT");
    publish(world, (struct publication){"LAST", .from = "2025-06-01"});
    publish(world, (struct publication){"LAST"}); /* the same, at once */
    assert_string_equal(coming(world, false), "");
    assert_string_equal(published(world, NULL), "1:FIRST 2:REPAIR 3:NEXT 4:LAST");
    const Hb__Refusal *stale = publish(world, (struct publication){"MORE", .from = "2025-07-01", .base = 3})->refused;
    assert_non_null(stale);
    assert_string_equal(stale->code, "stale_version");
    assert_sound(world);
}

static void its_day_is_the_site_s(void **state)
{
    struct world *world = *state;
    int64_t at_ms = 0;
    assert_null(found(world, "Asia/Shanghai", ""));
    publish(world, (struct publication){"NEXT", .from = "2025-04-01"});
    assert_null(found(world, "Asia/Tokyo", ""));                                  /* an hour earlier */
    assert_string_equal(found(world, "Asia/Tokyo", "school")->code, "bad_field"); /* it would have two masters */
    simulation_run(world->simulation, DAY_MS + HOUR_MS);
    assert_string_equal(published(world, &at_ms), "1:NEXT");
    assert_int_equal(at_ms, DAY_MS - HOUR_MS);
    assert_sound(world);
}

static void only_a_day_to_come_is_waited_for(void **state)
{
    struct world *world = *state;
    assert_null(found(world, "Asia/Shanghai", ""));
    assert_string_equal(day_of(publish(world, (struct publication){"TODAY", .from = "2025-03-10"})), "");
    assert_string_equal(publish(world, (struct publication){"PAST", .from = "2025-03-09"})->refused->field, "from");
    assert_string_equal(publish(world, (struct publication){"WORD", .from = "soon"})->refused->field, "from");
    const struct publication both = {"BOTH", .from = "2025-04-01", .in_force = "2025-05-01"};
    assert_string_equal(day_of(publish(world, both)), "2025-05-01"); /* not before its packs say */
    const struct publication ahead = {"AHEAD", .in_force = "2099-01-01", .ahead = true};
    assert_string_equal(day_of(publish(world, ahead)), "");
    assert_string_equal(published(world, NULL), "1:TODAY 2:AHEAD");
    assert_sound(world);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* The posts that nobody holds here yet are told, and refuse nothing: those of a version in force, and of one to come.
 */
static void what_reaches_nobody_is_told(void **state)
{
    struct world *world = *state;
    Directory__Command command = DIRECTORY__COMMAND__INIT;
    Directory__Organise organise = DIRECTORY__ORGANISE__INIT;
    Directory__Person person = DIRECTORY__PERSON__INIT, *people[] = {&person};
    Directory__Post post = DIRECTORY__POST__INIT, *posts[] = {&post};
    assert_null(found(world, "Asia/Shanghai", ""));
    const Hb__CommandReply *reply = publish(world, (struct publication){.pack = "FIRST"});
    assert_null(reply->refused);
    assert_int_equal(reply->policy_version, 1);
    size_t before = reply->n_warnings;
    const char *prefix = "nobody at garden holds the post ";
    const char *said = NULL; /* a post that is looked for */
    for (size_t i = 0; i < before && !said; i++)
        if (strncmp(reply->warnings[i]->text->en, prefix, strlen(prefix)) == 0)
            said = reply->warnings[i]->text->en + strlen(prefix);
    assert_non_null(said);
    assert_non_null(strstr(reply->warnings[0]->text->zh, "garden 无人担任岗位"));
    reply = publish(world, (struct publication){.pack = "LATER", .from = "2025-04-01"});
    assert_string_equal(day_of(reply), "2025-04-01");
    assert_int_equal(reply->n_warnings, before);
    post.site = "garden";
    post.post = arena_text(&world->arena, said, strcspn(said, ":"));
    person.id = "wang";
    person.name = "王";
    person.posts = posts;
    person.n_posts = 1;
    organise.people = people;
    organise.n_people = 1;
    command.kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    command.organise = &organise;
    assert_null(send(world, &command)->refused);
    reply = publish(world, (struct publication){.pack = "LATER", .from = "2025-04-01"}); /* it is to come already */
    assert_string_equal(day_of(reply), "2025-04-01");
    assert_true(reply->n_warnings < before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(it_takes_effect_at_the_start_of_its_day),
        WITH_WORLD(a_directory_that_was_down_puts_it_in_force_once),
        WITH_WORLD(it_is_replaced_knowingly_and_withdrawn),
        WITH_WORLD(what_is_published_meanwhile_leaves_it_alone),
        WITH_WORLD(its_day_is_the_site_s),
        WITH_WORLD(only_a_day_to_come_is_waited_for),
        WITH_WORLD(what_reaches_nobody_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
