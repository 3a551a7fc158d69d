/* Who is told what, in which channel: each addressee once, however many there are; the policy's channels in their
   order; and nothing that cannot be delivered goes unsaid. */
#include "../support/heard.h"

#include "notification.h"

#define SERVICE HB__SERVICE__NOTIFICATION
#define CASE_ID 0x0040000000000001ull
#define WRITTEN_ID 0x0040000000000002ull /* its complainant has an address */
#define STAFF 100u

PUPPET(directory, "directory", HB__SERVICE__DIRECTORY);
PUPPET(intake, "intake", HB__SERVICE__INTAKE);
PUPPET(casework, "casework", HB__SERVICE__CASEWORK);

struct desk {
    struct world world;
    const char *answer; /* of the mail server */
    unsigned sendings;
};

/* ---- the world ---- */

static struct bytes mail_server(void *context, Hb__Service service, const char *id, uint32_t attempt,
                                struct bytes payload, struct arena *arena)
{
    struct desk *desk = context;
    (void)service;
    (void)id;
    (void)attempt;
    (void)payload;
    (void)arena;
    desk->sendings++;
    return bytes_of_text(desk->answer);
}

static Policy__Notice *notice(struct world *world, const char *name, const char *to, const char *by, const char *text)
{
    Policy__Notice *made = MAKE(world, Policy__Notice, POLICY__NOTICE__INIT);
    made->name = arena_strdup(&world->arena, name);
    made->label = world_label(world, name, name);
    made->clauses = LIST(world, char *, &made->n_clauses, arena_strdup(&world->arena, "TEST-01"));
    made->to = LIST(world, Policy__Who *, &made->n_to, world_who(world, to));
    made->text = world_label(world, text, text);
    char *channels = arena_strdup(&world->arena, by), *rest = NULL;
    made->by = arena_alloc(&world->arena, 4 * sizeof *made->by);
    for (char *channel = strtok_r(channels, " ", &rest); channel; channel = strtok_r(NULL, " ", &rest))
        made->by[made->n_by++] = channel;
    return made;
}

static Policy__Notice *by_day(Policy__Notice *notice)
{
    notice->hours_from_min = 10 * 60;
    notice->hours_to_min = 18 * 60;
    return notice;
}

static void publish(struct world *world)
{
    Policy__Policy *policy = MAKE(world, Policy__Policy, POLICY__POLICY__INIT);
    Policy__Kind *kind = MAKE(world, Policy__Kind, POLICY__KIND__INIT);
    policy->site = "garden";
    policy->version = 1;
    kind->name = "complaint";
    policy->kinds = LIST(world, Policy__Kind *, &policy->n_kinds, kind);
    char *long_text = arena_zero(&world->arena, 60001);
    for (unsigned i = 0; i < 60000; i += 3)
        snprintf(long_text + i, 4, "长");
    policy->notices = LIST(
        world, Policy__Notice *, &policy->n_notices, notice(world, "all", "employee", "email", "{number}"),
        notice(world, "mail_first", "lead", "email sms", "x"), notice(world, "sms_first", "lead", "sms email", "x"),
        notice(world, "portal_only", "lead", "portal", "x"), notice(world, "usual", "complainant", "", "x"),
        notice(world, "wechat", "complainant", "wechat email", "x"),
        notice(world, "lift", "lead", "email", "{lift} {lift.company}"),
        notice(world, "nobody", "ghost_post", "email", "x"), notice(world, "mail_only", "lead", "email", "x"),
        notice(world, "mail_portal", "lead", "email portal", "x"),
        notice(world, "reply", "complainant", "email portal", "x"), notice(world, "crowd_16", "crowd_16", "email", "x"),
        notice(world, "crowd_17", "crowd_17", "email", "x"), notice(world, "crowd_300", "crowd_300", "email", "x"),
        by_day(notice(world, "daily", "lead", "email", "x")), notice(world, "long", "lead", "email", long_text));
    world_publish(world, policy);
}

static void person_at(struct world *world, const char *id, const char *post_name, const char *department,
                      const char *email)
{
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__Person made = DIRECTORY__PERSON__INIT;
    Directory__Post post = DIRECTORY__POST__INIT, *posts[1] = {&post};
    post.post = (char *)(uintptr_t)post_name;
    post.department = (char *)(uintptr_t)department;
    post.site = "garden";
    made.id = (char *)(uintptr_t)id;
    made.name = made.id;
    made.email = (char *)(uintptr_t)email;
    made.posts = posts;
    made.n_posts = 1;
    payload.kind_case = DIRECTORY__EVENT__KIND_PERSON_DEFINED;
    payload.person_defined = &made;
    world_directory(world, &payload);
}

static void person(struct world *world, const char *id, const char *department, const char *email)
{
    person_at(world, id, "worker", department, email);
}

static void register_case(struct world *world, uint64_t id, bool address)
{
    Hb__Event *event = world_registered(world, id, "complaint");
    Intake__Party party = INTAKE__PARTY__INIT;
    Hb__Personal email = HB__PERSONAL__INIT;
    Hb__Sealed sealed = HB__SEALED__INIT;
    email.kind_case = HB__PERSONAL__KIND_SEALED;
    email.sealed = &sealed;
    party.email = &email;
    event->intake->registered->party = address ? &party : NULL;
    event->intake->registered->number = "20250310-complaint-001";
    world_fact_add(world, event, "lead", "desk");
    world_fact_add(world, event, "lift", "L2");
    puppet_say(world, HB__SERVICE__INTAKE, event);
}

static int setup(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    struct world *world = &desk->world;
    static const struct service *const services[] = {&directory, &intake, &casework, &notification_service};
    desk->answer = "250 simulated";
    arena_init(&world->arena);
    snprintf(world->folder, sizeof world->folder, "/tmp/hearback-world-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    struct simulation_options options = {.seed = 9,
                                         .folder = world->folder,
                                         .start_ms = PUPPET_START_MS,
                                         .services = services,
                                         .services_count = 4,
                                         .effect = mail_server,
                                         .effect_context = desk};
    world->simulation = simulation_new(&options);
    world_site(world, "garden");
    world_department(world, "desk", "head");
    person(world, "head", "desk", "head@example.org");
    for (unsigned i = 1; i < STAFF; i++)
        person(world, arena_printf(&world->arena, "p%u", i), "field", "p@example.org");
    publish(world);
    register_case(world, CASE_ID, false);
    register_case(world, WRITTEN_ID, true);
    *state = desk;
    return 0;
}

static int teardown(void **state)
{
    struct desk *desk = *state;
    world_close(&desk->world);
    free(desk);
    return 0;
}

/* ---- asking and looking ---- */

static Hb__Event *request(struct world *world, uint64_t id, const char *name)
{
    Hb__Event *event = MAKE(world, Hb__Event, HB__EVENT__INIT);
    Casework__Event *payload = MAKE(world, Casework__Event, CASEWORK__EVENT__INIT);
    Casework__NoticeRequested *request = MAKE(world, Casework__NoticeRequested, CASEWORK__NOTICE_REQUESTED__INIT);
    request->notice = (char *)(uintptr_t)name;
    request->rule = "rule";
    payload->kind_case = CASEWORK__EVENT__KIND_NOTICE_REQUESTED;
    payload->notice_requested = request;
    event->site = "garden";
    event->case_id = id;
    event->policy_version = 1;
    event->payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event->casework = payload;
    return event;
}

static void ask_of(struct world *world, uint64_t id, const char *name)
{
    puppet_say(world, HB__SERVICE__CASEWORK, request(world, id, name));
}

static void ask(struct world *world, const char *name)
{
    ask_of(world, CASE_ID, name);
}

static const Notification__NoticeQueued *queued(const Hb__Event *event)
{
    return event->notification->kind_case == NOTIFICATION__EVENT__KIND_QUEUED ? event->notification->queued : NULL;
}

static unsigned count_kind(const struct world_last *said, Notification__Event__KindCase kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < said->count; i++)
        count += said->events[i]->notification->kind_case == kind;
    return count;
}

/* The one notice that asking for `name` gives. */
static const Notification__NoticeQueued *only(struct world *world, const char *name)
{
    const Notification__NoticeQueued *found = NULL;
    ask(world, name);
    const struct world_last *said = world_said(world, SERVICE);
    for (unsigned i = 0; i < said->count; i++)
        if (queued(said->events[i]) && strcmp(queued(said->events[i])->notice, name) == 0) {
            assert_null(found);
            found = queued(said->events[i]);
        }
    assert_non_null(found);
    return found;
}

static void assert_way(const Notification__NoticeQueued *notice, const char *person, const char *channel,
                       const char *status)
{
    assert_string_equal(notice->person, person);
    assert_string_equal(notice->channel, channel);
    assert_string_equal(notice->status, status);
    assert_int_equal(notice->more, 0);
}

/* ---- how many ---- */

static void all_of_a_hundred_are_told_once_by_a_job(void **state)
{
    struct desk *desk = *state;
    bool told[STAFF] = {false};
    ask(&desk->world, "all");
    const struct world_last *said = world_said(&desk->world, SERVICE);
    unsigned count = 0;
    for (unsigned i = 0; i < said->count; i++) {
        const Notification__NoticeQueued *one = queued(said->events[i]);
        if (!one)
            continue;
        unsigned person = strcmp(one->person, "head") == 0 ? 0 : (unsigned)atoi(one->person + 1);
        assert_true(person < STAFF && !told[person]);
        told[person] = true;
        count++;
        assert_int_equal(one->more, STAFF - count);
        assert_int_equal(said->events[i]->cause->kind_case, HB__CAUSE__KIND_JOB);
        assert_string_equal(said->events[i]->clauses[0], "TEST-01");
        assert_string_equal(one->subject->zh, "20250310-complaint-001");
    }
    assert_int_equal(count, STAFF);
    assert_int_equal(desk->sendings, STAFF);
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_DELIVERED), STAFF);
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_TOLD), 1);
    assert_int_equal(said->events[said->count - 1]->notification->kind_case, NOTIFICATION__EVENT__KIND_TOLD);
    ask(&desk->world, "all"); /* another request is another matter */
    assert_int_equal(count_kind(world_said(&desk->world, SERVICE), NOTIFICATION__EVENT__KIND_TOLD), 2);
    assert_int_equal(desk->sendings, 2 * STAFF);
}

/* ---- up to 16 in the turn of the request, more by a job ---- */

/* `count` people who hold a post of their own. */
static const char *crowd(struct world *world, unsigned count)
{
    const char *post = arena_printf(&world->arena, "crowd_%u", count);
    for (unsigned i = 0; i < count; i++)
        person_at(world, arena_printf(&world->arena, "m%u_%u", count, i), post, "field", "m@example.org");
    return post;
}

static uint64_t turns_of(struct world *world)
{
    return simulation_instance(world->simulation, SERVICE)->counts.turns;
}

/* Everybody of the crowd was told once, and then that all were. */
static void assert_all_told(struct desk *desk, unsigned count)
{
    const struct world_last *said = world_said(&desk->world, SERVICE);
    bool *told = arena_zero(&desk->world.arena, count);
    unsigned number, person;
    for (unsigned i = 0; i < said->count; i++)
        if (queued(said->events[i])) {
            assert_int_equal(sscanf(queued(said->events[i])->person, "m%u_%u", &number, &person), 2);
            assert_true(number == count && person < count && !told[person]);
            told[person] = true;
        }
    for (person = 0; person < count; person++)
        assert_true(told[person]);
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_DELIVERED), count);
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_TOLD), 1);
    assert_int_equal(said->events[said->count - 1]->notification->kind_case, NOTIFICATION__EVENT__KIND_TOLD);
}

/* How many were told by the turns after the first `skip`, one number for each turn that told anybody, none of them by
   more than one input. `by`: of which kind these inputs were. */
static unsigned told_by_turn(struct desk *desk, uint64_t skip, unsigned out[64], Record__Input__KindCase by)
{
    struct heard_rows rows = heard_rows(&desk->world, SERVICE, skip, SIZE_MAX);
    const struct world_last *said = world_said(&desk->world, SERVICE);
    unsigned turns = 0;
    for (size_t r = 0; r < rows.count; r++) {
        unsigned before = turns;
        for (size_t i = 0; i < rows.rows[r]->n_inputs; i++) {
            const Record__Input *input = rows.rows[r]->inputs[i];
            unsigned count = 0;
            for (uint64_t offset = input->first_own; offset && offset <= input->last_own; offset++)
                count += queued(said->events[offset - 1]) != NULL;
            if (!count)
                continue;
            assert_int_equal(input->kind_case, by);
            assert_true(turns < 64 && turns == before);
            out[turns++] = count;
        }
    }
    return turns;
}

static void sixteen_are_told_in_the_turn_of_the_request(void **state)
{
    struct desk *desk = *state;
    const char *name = crowd(&desk->world, 16);
    uint64_t before = turns_of(&desk->world);
    unsigned told[64];
    ask(&desk->world, name);
    assert_int_equal(told_by_turn(desk, before, told, RECORD__INPUT__KIND_HEARD), 1);
    assert_int_equal(told[0], 16);
    assert_all_told(desk, 16);
}

static void seventeen_are_told_by_a_job_in_two_turns(void **state)
{
    struct desk *desk = *state;
    const char *name = crowd(&desk->world, 17);
    uint64_t before = turns_of(&desk->world);
    unsigned told[64];
    ask(&desk->world, name);
    assert_int_equal(told_by_turn(desk, before, told, RECORD__INPUT__KIND_JOB), 2);
    assert_int_equal(told[0], 16);
    assert_int_equal(told[1], 1);
    assert_all_told(desk, 17);
}

/* Killed in the middle, twice; each time the state is what a fresh fold makes, and the job goes on where it was. */
static void three_hundred_are_told_once_through_crashes(void **state)
{
    struct desk *desk = *state;
    struct simulation *simulation = desk->world.simulation;
    const char *name = crowd(&desk->world, 300);
    uint64_t before = turns_of(&desk->world);
    unsigned told[64], all = 0, crashes = 0;
    puppet_tell(&desk->world, HB__SERVICE__CASEWORK, request(&desk->world, CASE_ID, name));
    for (unsigned count = 0; count < 300;
         count = count_kind(world_said(&desk->world, SERVICE), NOTIFICATION__EVENT__KIND_QUEUED)) {
        if (count > 100 * (crashes + 1)) {
            char why[512] = "";
            simulation_down(simulation, SERVICE);
            simulation_up(simulation, SERVICE);
            assert_int_equal(simulation_check(simulation, why, sizeof why), ERR_NONE);
            crashes++;
        }
        assert_true(simulation_step(simulation, INT64_MAX - 1));
    }
    assert_int_equal(crashes, 2);
    assert_true(simulation_settle(simulation, PUPPET_HOUR_MS));
    assert_all_told(desk, 300);
    unsigned turns = told_by_turn(desk, before, told, RECORD__INPUT__KIND_JOB);
    assert_int_equal(turns, 19); /* 18 of 16, and the last 12 */
    for (unsigned i = 0; i < turns; i++, all += told[i - 1])
        assert_true(told[i] <= TURN_TARGETS_MAX);
    assert_int_equal(all, 300);
}

/* Killed between two steps, the job goes on where it was. */
static void a_crash_between_two_steps_tells_nobody_twice(void **state)
{
    struct desk *desk = *state;
    struct simulation *simulation = desk->world.simulation;
    simulation_faults_set(simulation, (struct simulation_faults){.crash = 200, .down_ms_max = 500, .delay_ms_max = 20});
    simulation_idle_set(simulation, 20000);
    struct bytes packed = message_pack(&request(&desk->world, CASE_ID, "all")->base, &desk->world.arena);
    Hb__Command command = HB__COMMAND__INIT;
    command.account = "test";
    command.id = "1741572000000-crash";
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){packed.size, (uint8_t *)(uintptr_t)packed.data};
    const Hb__CommandReply *reply = NULL;
    for (unsigned tried = 0; !reply && tried < 50; tried++)
        reply = simulation_command(simulation, HB__SERVICE__CASEWORK, &command, &desk->world.arena);
    assert_non_null(reply);
    simulation_run(simulation, simulation_now(simulation) + PUPPET_HOUR_MS);
    simulation_faults_set(simulation, (struct simulation_faults){0});
    simulation_run(simulation, simulation_now(simulation) + PUPPET_HOUR_MS);
    assert_true(simulation_settle(simulation, PUPPET_HOUR_MS));
    const struct world_last *said = world_said(&desk->world, SERVICE);
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_QUEUED), STAFF);
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_DELIVERED), STAFF);
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_TOLD), 1);
}

/* ---- in which channel ---- */

static void the_first_channel_that_reaches_counts(void **state)
{
    struct desk *desk = *state;
    struct world *world = &desk->world;
    assert_way(only(world, "mail_first"), "head", "email", "queued");
    assert_way(only(world, "sms_first"), "head", "sms", "due");   /* a person does it */
    assert_way(only(world, "portal_only"), "head", "log", "due"); /* staff do not read the portal */
    assert_way(only(world, "usual"), "", "portal", "published");
    assert_way(only(world, "wechat"), "", "wechat", "due");
    assert_int_equal(desk->sendings, 1);
}

static void without_an_address_the_next_channel_counts(void **state)
{
    struct desk *desk = *state;
    person(&desk->world, "head", "desk", "");
    const Notification__NoticeQueued *notice = only(&desk->world, "mail_first");
    assert_way(notice, "head", "sms", "due");
    assert_int_equal(notice->n_passed, 1);
    assert_string_equal(notice->passed[0], "email");
    assert_int_equal(desk->sendings, 0);
}

/* The two notices to one addressee, first and next, whatever else was said. */
struct tried {
    const Notification__NoticeQueued *first, *next;
    const Notification__NoticeFailed *failed;
    unsigned told;
};

static struct tried tried(struct desk *desk)
{
    struct tried tried = {0};
    const struct world_last *said = world_said(&desk->world, SERVICE);
    for (unsigned i = 0; i < said->count; i++) {
        const Notification__Event *event = said->events[i]->notification;
        const Notification__NoticeQueued *one = queued(said->events[i]);
        if (one && one->after)
            assert_null(tried.next);
        tried.next = one && one->after ? one : tried.next;
        tried.first = one && !one->after ? one : tried.first;
        if (event->kind_case == NOTIFICATION__EVENT__KIND_FAILED) {
            assert_null(tried.failed);
            tried.failed = event->failed;
            assert_string_equal(said->events[i]->clauses[0], "TEST-01");
        }
    }
    tried.told = count_kind(said, NOTIFICATION__EVENT__KIND_TOLD);
    return tried;
}

static void after_a_failure_the_next_channel_is_tried(void **state)
{
    struct desk *desk = *state;
    desk->answer = "550 no such user";
    ask_of(&desk->world, WRITTEN_ID, "reply");
    struct tried of = tried(desk);
    assert_way(of.first, "", "email", "queued");
    assert_string_equal(of.failed->error, "550 no such user");
    assert_string_equal(of.failed->next, "portal");
    assert_way(of.next, "", "portal", "published");
    assert_int_equal(of.next->after, of.first->notice_id);
    assert_true(of.next->complainant && of.next->notice_id != of.first->notice_id);
    assert_string_equal(of.next->text->zh, of.first->text->zh);
    assert_string_equal(of.next->notice, "reply");
    assert_int_equal(of.told, 1); /* the portal counts as delivered */
    assert_int_equal(desk->sendings, 1);
}

static void retries_that_run_out_lead_to_the_next_channel(void **state)
{
    struct desk *desk = *state;
    desk->answer = "451 try again later";
    ask(&desk->world, "mail_first");
    assert_null(tried(desk).failed);
    simulation_run(desk->world.simulation, simulation_now(desk->world.simulation) + 5 * PUPPET_HOUR_MS);
    struct tried of = tried(desk);
    assert_int_equal(desk->sendings, NOTIFICATION_ATTEMPTS_MAX);
    assert_string_equal(of.failed->next, "sms");
    assert_way(of.next, "head", "sms", "due");
    assert_int_equal(of.told, 0); /* nobody has proof that a person did it */
}

/* Staff do not read the portal. */
static void no_channel_is_left_where_none_reaches(void **state)
{
    struct desk *desk = *state;
    desk->answer = "550 no such user";
    ask(&desk->world, "mail_portal");
    struct tried of = tried(desk);
    assert_string_equal(of.failed->next, "");
    assert_null(of.next);
    assert_int_equal(of.told, 0);
}

/* ---- at what hours ---- */

static void run_to(struct desk *desk, int64_t after_ms)
{
    simulation_run(desk->world.simulation, PUPPET_START_MS + after_ms);
}

/* It is ten o'clock at the start; the notice goes out from ten to six. */
static void outside_its_hours_a_mail_waits_for_them(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(only(&desk->world, "daily")->not_before_ms, 0);
    assert_int_equal(desk->sendings, 1);
    run_to(desk, 8 * PUPPET_HOUR_MS); /* six o'clock: no longer */
    ask(&desk->world, "daily");
    assert_int_equal(desk->sendings, 1);
    assert_int_equal(tried(desk).first->not_before_ms, PUPPET_START_MS + 24 * PUPPET_HOUR_MS);
    run_to(desk, 24 * PUPPET_HOUR_MS - 1000);
    assert_int_equal(desk->sendings, 1);
    run_to(desk, 24 * PUPPET_HOUR_MS + 1000);
    assert_int_equal(desk->sendings, 2);
}

static void outside_its_hours_a_mail_is_not_tried_again(void **state)
{
    struct desk *desk = *state;
    desk->answer = "451 try again later";
    run_to(desk, 8 * PUPPET_HOUR_MS - 10000);
    ask(&desk->world, "daily");
    run_to(desk, 24 * PUPPET_HOUR_MS - 1000);
    assert_int_equal(desk->sendings, 1);
    run_to(desk, 24 * PUPPET_HOUR_MS + 1000);
    assert_int_equal(desk->sendings, 2);
}

/* ---- what cannot be delivered ---- */

static void a_notice_to_nobody_is_said_to_be_one(void **state)
{
    struct desk *desk = *state;
    const Notification__NoticeQueued *notice = only(&desk->world, "nobody");
    assert_way(notice, "", "log", "not_sent");
    assert_string_equal(notice->reason, "nobody to tell");
    notice = only(&desk->world, "never_heard_of");
    assert_string_equal(notice->reason, "nobody to tell");
}

static void a_failure_says_what_failed(void **state)
{
    struct desk *desk = *state;
    desk->answer = "550 no such user";
    const Notification__NoticeQueued *notice = only(&desk->world, "mail_only");
    const struct world_last *said = world_said(&desk->world, SERVICE);
    const Notification__NoticeFailed *failed = said->events[said->count - 1]->notification->failed;
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_FAILED), 1);
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_TOLD), 0);
    assert_int_equal(failed->notice_id, notice->notice_id);
    assert_string_equal(failed->notice, "mail_only");
    assert_string_equal(failed->next, "");
    assert_string_equal(failed->person, "head");
    assert_string_equal(failed->channel, "email");
    assert_string_equal(failed->error, "550 no such user");
}

/* What the register knows today, not when the case began. */
static void a_notice_names_what_the_register_knows(void **state)
{
    struct desk *desk = *state;
    Directory__Event payload = DIRECTORY__EVENT__INIT;
    Directory__Thing thing = DIRECTORY__THING__INIT;
    Hb__Fact company = HB__FACT__INIT, *facts[1] = {&company};
    company.name = "company";
    company.value = world_text(&desk->world, "Otis");
    thing.id = "L2";
    thing.site = "garden";
    thing.of = "lift";
    thing.facts = facts;
    thing.n_facts = 1;
    payload.kind_case = DIRECTORY__EVENT__KIND_THING_DEFINED;
    payload.thing_defined = &thing;
    assert_string_equal(only(&desk->world, "lift")->text->zh, "L2 —"); /* not entered */
    world_directory(&desk->world, &payload);
    ask(&desk->world, "lift");
    const struct world_last *said = world_said(&desk->world, SERVICE);
    const char *last = "";
    for (unsigned i = 0; i < said->count; i++)
        last = queued(said->events[i]) ? queued(said->events[i])->text->zh : last;
    assert_string_equal(last, "L2 Otis");
}

static void a_long_text_is_cut_between_characters(void **state)
{
    struct desk *desk = *state;
    const Notification__NoticeQueued *notice = only(&desk->world, "long");
    assert_int_equal(strlen(notice->text->zh), 8190); /* at most 8 KiB: 2,730 characters of three bytes */
    assert_int_equal(strlen(notice->text->en), 8190);
}

/* ---- what a person sends ---- */

static const Notification__DueNotices *due_at(struct world *world, const char *cursor, uint32_t limit)
{
    Hb__Query query = HB__QUERY__INIT;
    Notification__Query notification = NOTIFICATION__QUERY__INIT;
    Notification__GetDue get = NOTIFICATION__GET_DUE__INIT;
    query.site = "garden";
    query.payload_case = HB__QUERY__PAYLOAD_NOTIFICATION;
    query.notification = &notification;
    notification.kind_case = NOTIFICATION__QUERY__KIND_DUE;
    notification.due = &get;
    get.cursor = (char *)(uintptr_t)cursor;
    get.limit = limit;
    const Hb__QueryReply *reply = simulation_query(world->simulation, SERVICE, &query, &world->arena);
    assert_null(reply->refused);
    return reply->notification->due;
}

/* NULL: it was taken as sent. */
static const Hb__Refusal *mark(struct world *world, Hb__Actor *actor, uint64_t case_id, uint64_t notice_id)
{
    Hb__Command command = HB__COMMAND__INIT;
    Notification__Command notification = NOTIFICATION__COMMAND__INIT;
    Notification__MarkSent sent = NOTIFICATION__MARK_SENT__INIT;
    command.account = "test";
    command.actor = actor;
    command.case_id = case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_NOTIFICATION;
    command.notification = &notification;
    notification.kind_case = NOTIFICATION__COMMAND__KIND_MARK_SENT;
    notification.mark_sent = &sent;
    sent.notice_id = notice_id;
    return world_command(world, SERVICE, &command)->refused;
}

static void what_a_person_has_sent_is_delivered(void **state)
{
    struct world *world = &((struct desk *)*state)->world;
    uint64_t first = only(world, "sms_first")->notice_id, second = only(world, "portal_only")->notice_id;
    uint64_t mailed = only(world, "mail_only")->notice_id;
    const Notification__DueNotices *page = due_at(world, "", 1), *rest = due_at(world, page->cursor, 50);
    assert_int_equal(page->n_notices + rest->n_notices, 2);
    assert_int_equal(page->notices[0]->notice->notice_id, first);
    assert_int_equal(rest->notices[0]->notice->notice_id, second);
    assert_string_equal(page->notices[0]->number, "20250310-complaint-001");
    unsigned told = count_kind(world_said(world, SERVICE), NOTIFICATION__EVENT__KIND_TOLD);
    assert_null(mark(world, NULL, CASE_ID, first));
    const struct world_last *said = world_said(world, SERVICE);
    assert_string_equal(said->events[said->count - 2]->notification->delivered->proof, "by hand");
    assert_int_equal(count_kind(said, NOTIFICATION__EVENT__KIND_TOLD), told + 1);
    assert_int_equal(due_at(world, "", 50)->n_notices, 1);
    assert_string_equal(mark(world, NULL, CASE_ID, first)->code, "not_due"); /* once */
    assert_string_equal(mark(world, NULL, CASE_ID, mailed)->code, "not_due");
    assert_int_equal(mark(world, NULL, WRITTEN_ID, second)->status, 404); /* of another case */
    assert_int_equal(due_at(world, "", 50)->n_notices, 1);
}

static void who_may_not_act_marks_nothing(void **state)
{
    struct world *world = &((struct desk *)*state)->world;
    uint64_t notice = only(world, "sms_first")->notice_id;
    Hb__Actor reader = HB__ACTOR__INIT, stranger = HB__ACTOR__INIT;
    world_account(world, "p1", "read");
    reader.account = "a-p1";
    reader.person = "p1";
    stranger.account = "nobody";
    assert_int_equal(mark(world, &reader, CASE_ID, notice)->status, 403);
    assert_int_equal(mark(world, &stranger, CASE_ID, notice)->status, 404);
    assert_int_equal(due_at(world, "", 50)->n_notices, 1);
}

#define AT_A_DESK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {AT_A_DESK(all_of_a_hundred_are_told_once_by_a_job),
                                       AT_A_DESK(sixteen_are_told_in_the_turn_of_the_request),
                                       AT_A_DESK(seventeen_are_told_by_a_job_in_two_turns),
                                       AT_A_DESK(three_hundred_are_told_once_through_crashes),
                                       AT_A_DESK(a_crash_between_two_steps_tells_nobody_twice),
                                       AT_A_DESK(the_first_channel_that_reaches_counts),
                                       AT_A_DESK(without_an_address_the_next_channel_counts),
                                       AT_A_DESK(after_a_failure_the_next_channel_is_tried),
                                       AT_A_DESK(retries_that_run_out_lead_to_the_next_channel),
                                       AT_A_DESK(no_channel_is_left_where_none_reaches),
                                       AT_A_DESK(outside_its_hours_a_mail_waits_for_them),
                                       AT_A_DESK(outside_its_hours_a_mail_is_not_tried_again),
                                       AT_A_DESK(a_notice_to_nobody_is_said_to_be_one),
                                       AT_A_DESK(a_failure_says_what_failed),
                                       AT_A_DESK(a_notice_names_what_the_register_knows),
                                       AT_A_DESK(a_long_text_is_cut_between_characters),
                                       AT_A_DESK(what_a_person_has_sent_is_delivered),
                                       AT_A_DESK(who_may_not_act_marks_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
