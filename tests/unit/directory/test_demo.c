/* The demonstration organisation and its sample submissions, against the code and the packs: a mistake in either file
   would stop the first thing anybody does with this product. */
#include "../support/puppet.h"

#include "directory.h"
#include "policy/compile.h"
#include "policy/lookup.h"
#include "json/json.h"

#define FOLDER SOURCE_DIR "/services/directory/"

struct demo {
    struct world world;
    Directory__Organise *organise;
    json_t *submissions;
    const Policy__Policy *policies[16]; /* of organise->sites */
};

/* ---- reading ---- */

static json_t *read_json(struct world *world, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = arena_alloc(&world->arena, 1 << 20), *why = NULL;
    size_t size = fread(text, 1, 1 << 20, file);
    fclose(file);
    json_t *json = NULL;
    enum err err = json_parse(bytes_of(text, size), &world->arena, &json, &why);
    if (err)
        print_error("%s: %s\n", path, why);
    assert_int_equal(err, ERR_NONE);
    return json;
}

static void *message_of_json(struct world *world, json_t *json, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message;
    char *path, *why;
    enum err err = json_to_message(json, descriptor, &world->arena, &message, &path, &why);
    if (err)
        print_error("%s: %s\n", path, why);
    assert_int_equal(err, ERR_NONE);
    return message;
}

static const Policy__Policy *compile(struct world *world, const Directory__Site *site)
{
    struct policy_source *sources;
    size_t count;
    struct policy_result result;
    const char *const *packs = (const char *const *)site->packs;
    assert_int_equal(policy_read_folder(FOLDER "policies", packs, site->n_packs, &world->arena, &sources, &count),
                     ERR_NONE);
    policy_compile(sources, count, packs, site->n_packs, &world->arena, &result);
    assert_non_null(result.policy);
    return result.policy;
}

static int setup(void **state)
{
    struct demo *demo = calloc(1, sizeof *demo);
    struct world *world = &demo->world;
    static const struct service *const services[] = {&directory_service};
    arena_init(&world->arena);
    snprintf(world->folder, sizeof world->folder, "/tmp/hearback-world-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    struct simulation_options options = {.seed = 5,
                                         .folder = world->folder,
                                         .start_ms = PUPPET_START_MS,
                                         .services = services,
                                         .services_count = 1,
                                         .policies_folder = FOLDER "policies"};
    world->simulation = simulation_new(&options);
    json_t *organisation = read_json(world, FOLDER "demo/organisation.json");
    demo->organise = message_of_json(world, organisation, &directory__organise__descriptor);
    json_decref(organisation);
    demo->submissions = read_json(world, FOLDER "demo/samples.json");
    assert_true(demo->organise->n_sites <= sizeof demo->policies / sizeof *demo->policies);
    for (size_t i = 0; i < demo->organise->n_sites; i++)
        demo->policies[i] = compile(world, demo->organise->sites[i]);
    *state = demo;
    return 0;
}

static int teardown(void **state)
{
    struct demo *demo = *state;
    json_decref(demo->submissions);
    world_close(&demo->world);
    free(demo);
    return 0;
}

/* ---- the organisation ---- */

static const Hb__CommandReply *send(struct world *world, Directory__Command *directory)
{
    Hb__Command command = HB__COMMAND__INIT;
    command.account = "operator";
    command.actor = MAKE(world, Hb__Actor, HB__ACTOR__INIT);
    command.actor->operator_ = true;
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = directory;
    const Hb__CommandReply *reply = world_command(world, HB__SERVICE__DIRECTORY, &command);
    if (reply->refused)
        print_error("%s %s\n", reply->refused->field, reply->refused->text->en);
    for (size_t i = 0; reply->refused && i < reply->refused->n_problems; i++)
        print_error("  %s %s\n", reply->refused->problems[i]->field, reply->refused->problems[i]->text->en);
    return reply;
}

static void organise(struct demo *demo)
{
    Directory__Command command = DIRECTORY__COMMAND__INIT;
    command.kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    command.organise = demo->organise;
    assert_null(send(&demo->world, &command)->refused);
}

static void publish(struct demo *demo, const Directory__Site *site)
{
    Directory__Command command = DIRECTORY__COMMAND__INIT;
    Directory__PublishPolicy packs = DIRECTORY__PUBLISH_POLICY__INIT;
    command.kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_POLICY;
    command.publish_policy = &packs;
    packs.site = site->id;
    packs.packs = site->packs;
    packs.n_packs = site->n_packs;
    const Hb__CommandReply *reply = send(&demo->world, &command);
    assert_null(reply->refused);
    assert_int_equal(reply->policy_version, 1);
}

/* The same again changes nothing: `hearback demo` is safe to repeat. */
static void it_is_taken_in_one_command(void **state)
{
    struct demo *demo = *state;
    organise(demo);
    unsigned count = world_said(&demo->world, HB__SERVICE__DIRECTORY)->count;
    assert_int_equal(count, 63); /* as its README says */
    organise(demo);
    assert_int_equal(world_said(&demo->world, HB__SERVICE__DIRECTORY)->count, count);
}

static void its_packs_are_put_in_force(void **state)
{
    struct demo *demo = *state;
    organise(demo);
    for (size_t i = 0; i < demo->organise->n_sites; i++)
        publish(demo, demo->organise->sites[i]);
    unsigned count = world_said(&demo->world, HB__SERVICE__DIRECTORY)->count;
    organise(demo); /* checked once more, now that the packs say which posts there are */
    assert_int_equal(world_said(&demo->world, HB__SERVICE__DIRECTORY)->count, count);
}

static size_t site_at(const struct demo *demo, const char *id)
{
    for (size_t i = 0; i < demo->organise->n_sites; i++)
        if (strcmp(demo->organise->sites[i]->id, id) == 0)
            return i;
    fail_msg("no site %s", id);
    return 0;
}

/* Posts are checked by directory only where a policy is in force already; at the first start there is none. */
static void every_post_is_one_of_its_pack(void **state)
{
    const struct demo *demo = *state;
    for (size_t i = 0; i < demo->organise->n_people; i++) {
        const Directory__Person *person = demo->organise->people[i];
        for (size_t p = 0; p < person->n_posts; p++) {
            const Policy__Policy *policy = demo->policies[site_at(demo, person->posts[p]->site)];
            if (!policy_post(policy, person->posts[p]->post))
                fail_msg("%s: %s has no post %s", person->id, person->posts[p]->site, person->posts[p]->post);
        }
    }
}

static bool held(const struct demo *demo, const char *site, const char *post)
{
    for (size_t i = 0; i < demo->organise->n_people; i++)
        for (size_t p = 0; p < demo->organise->people[i]->n_posts; p++)
            if (strcmp(demo->organise->people[i]->posts[p]->site, site) == 0 &&
                strcmp(demo->organise->people[i]->posts[p]->post, post) == 0)
                return true;
    return false;
}

/* By a post that somebody holds, or by whoever has a part in the case: handler, employee, complainant, a field. */
static bool somebody_may(const struct demo *demo, size_t at, const Policy__Step *step)
{
    for (size_t i = 0; i < step->n_by; i++)
        if (!policy_post(demo->policies[at], step->by[i]->root) ||
            held(demo, demo->organise->sites[at]->id, step->by[i]->root))
            return true;
    return false;
}

/* What nobody may do ends the day of whoever tries the demonstration: a policy that cannot be changed, a case that
 * stays. */
static void every_step_can_be_taken_by_somebody(void **state)
{
    const struct demo *demo = *state;
    for (size_t i = 0; i < demo->organise->n_sites; i++)
        for (size_t k = 0; k < demo->policies[i]->n_kinds; k++) {
            const Policy__Kind *kind = demo->policies[i]->kinds[k];
            for (size_t s = 0; s < kind->n_steps; s++)
                if (kind->steps[s]->n_by && !somebody_may(demo, i, kind->steps[s]))
                    fail_msg("%s: nobody can %s a %s", demo->organise->sites[i]->id, kind->steps[s]->name, kind->name);
        }
}

static bool has_department(const struct demo *demo, const char *site, const char *id)
{
    for (size_t i = 0; i < demo->organise->n_departments; i++)
        if (strcmp(demo->organise->departments[i]->site, site) == 0 &&
            strcmp(demo->organise->departments[i]->id, id) == 0)
            return true;
    return false;
}

/* Whatever a category names must be there, or its cases fall back to somebody else. */
static void every_category_has_its_department(void **state)
{
    const struct demo *demo = *state;
    for (size_t i = 0; i < demo->organise->n_sites; i++)
        for (size_t c = 0; c < demo->policies[i]->n_categories; c++) {
            const Policy__Category *category = demo->policies[i]->categories[c];
            const char *site = demo->organise->sites[i]->id;
            if (*category->department && !has_department(demo, site, category->department))
                fail_msg("%s: category %s goes to %s, which is not there", site, category->name, category->department);
        }
}

/* ---- the samples ---- */

static bool may_submit(const struct demo *demo, const char *account_id, const char *site)
{
    const Directory__Account *account = NULL;
    for (size_t i = 0; i < demo->organise->n_accounts; i++)
        if (strcmp(demo->organise->accounts[i]->id, account_id) == 0)
            account = demo->organise->accounts[i];
    if (!account) /* to the analyzer an assertion of cmocka may return */
        return false;
    bool right = false, there = false;
    for (size_t i = 0; i < account->n_scopes; i++)
        right = right || strcmp(account->scopes[i], "submit") == 0 || strcmp(account->scopes[i], "*") == 0;
    for (size_t i = 0; i < demo->organise->n_people; i++)
        for (size_t p = 0; p < demo->organise->people[i]->n_posts; p++)
            there = there || (strcmp(demo->organise->people[i]->id, account->person) == 0 &&
                              strcmp(demo->organise->people[i]->posts[p]->site, site) == 0);
    for (size_t i = 0; i < account->n_sites; i++)
        there = there || strcmp(account->sites[i], site) == 0 || strcmp(account->sites[i], "*") == 0;
    return right && there;
}

static void check_sample(struct demo *demo, json_t *sample)
{
    const char *site = json_string_value(json_object_get(sample, "site"));
    const char *account = json_string_value(json_object_get(sample, "account"));
    const Intake__Submit *submit =
        message_of_json(&demo->world, json_object_get(sample, "submit"), &intake__submit__descriptor);
    const Policy__Policy *policy = demo->policies[site_at(demo, site)];
    const Policy__Kind *kind = policy_kind(policy, submit->kind);
    assert_non_null(kind);
    assert_non_null(policy_category(policy, submit->category));
    assert_non_null(submit->text);
    assert_true(*submit->text->plain);
    for (size_t i = 0; i < submit->n_fields; i++)
        assert_non_null(policy_field(kind, submit->fields[i]->name));
    if (account && *account)
        assert_true(may_submit(demo, account, site));
    else /* registered by reception of the same site, as the portal would */
        assert_true(kind->public_);
}

static void every_sample_can_be_registered(void **state)
{
    struct demo *demo = *state;
    size_t i;
    json_t *sample, *list = json_object_get(demo->submissions, "submissions");
    assert_int_equal(json_array_size(list), 24); /* as the README says */
    json_array_foreach(list, i, sample)
        check_sample(demo, sample);
}

/* Into the calendar that ships, which has many exceptions by now. */
static void next_year_comes_into_its_calendar(void **state)
{
    struct demo *demo = *state;
    Directory__Command command = DIRECTORY__COMMAND__INIT;
    Directory__PublishYear year = DIRECTORY__PUBLISH_YEAR__INIT;
    command.kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_YEAR;
    command.publish_year = &year;
    year.calendar = (char *)(uintptr_t) "cn";
    year.holidays = (char *)(uintptr_t) "{\"year\": 2027, \"days\": [{\"date\": \"2027-01-01\", \"name\": \"元旦\", "
                                        "\"isOffDay\": true},"
                                        "{\"date\": \"2027-01-02\", \"name\": \"元旦\", \"isOffDay\": true},"
                                        "{\"date\": \"2027-01-03\", \"name\": \"元旦\", \"isOffDay\": true},"
                                        "{\"date\": \"2027-01-04\", \"name\": \"元旦\", \"isOffDay\": true}]}";
    organise(demo);
    publish(demo, demo->organise->sites[0]);
    const Hb__CommandReply *reply = send(&demo->world, &command);
    assert_null(reply->refused);
    assert_int_equal(reply->year_published->year, 2027);
    assert_int_equal(reply->year_published->version, 2);
    assert_false(reply->year_published->unchanged);
    assert_true(send(&demo->world, &command)->year_published->unchanged);
}

#define WITH_DEMO(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DEMO(it_is_taken_in_one_command),          WITH_DEMO(its_packs_are_put_in_force),
        WITH_DEMO(every_post_is_one_of_its_pack),       WITH_DEMO(every_category_has_its_department),
        WITH_DEMO(every_step_can_be_taken_by_somebody), WITH_DEMO(every_sample_can_be_registered),
        WITH_DEMO(next_year_comes_into_its_calendar)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
