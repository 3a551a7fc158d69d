/* What `hearback verify` must find: logs are written here event by event, sound ones first, then with one thing wrong.
 */
#include "verify.h"

#include "eventlog/eventlog.h"
#include "message/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CASE 77ull

enum { INTAKE, ROUTING, CASEWORK, WATCHDOG, ESCALATION, NOTIFICATION, LOGS };
static const Hb__Service services[LOGS] = {HB__SERVICE__INTAKE,   HB__SERVICE__ROUTING,    HB__SERVICE__CASEWORK,
                                           HB__SERVICE__WATCHDOG, HB__SERVICE__ESCALATION, HB__SERVICE__NOTIFICATION};

struct world {
    struct cli cli;
    struct verify verify;
    Config__Config config;
    Config__Instance instances[LOGS], *listed[LOGS];
    Hb__Position cursor[LOGS];
    Hb__LogId cursor_log[LOGS];
    uint8_t last[LOGS][32];
    int64_t now;
};

static int setup(void **state)
{
    struct world *world = *state = calloc(1, sizeof *world);
    struct verify *verify = &world->verify;
    arena_init(&world->cli.arena);
    arena_init(&verify->batch);
    arena_init(&verify->kept);
    verify->cli = &world->cli;
    verify->findings = json_array();
    verify->readers_count = LOGS;
    config__config__init(&world->config);
    world->config.instances = world->listed;
    world->config.n_instances = LOGS;
    world->cli.config = &world->config;
    world->now = 1000000;
    for (unsigned i = 0; i < LOGS; i++) {
        config__instance__init(&world->instances[i]);
        world->instances[i].service = services[i];
        world->listed[i] = &world->instances[i];
        verify->readers[i] = (struct reader){.instance = &world->instances[i], .name = "log", .epoch = 1};
    }
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    struct verify *verify = &world->verify;
    struct map *maps[] = {&verify->cases,  &verify->unknown, &verify->counters, &verify->once,     &verify->answered,
                          &verify->clocks, &verify->notices, &verify->told,     &verify->requests, &verify->levels};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        map_free(maps[i]);
    for (unsigned i = 0; i < LOGS; i++)
        map_free(&verify->readers[i].causes);
    json_decref(verify->findings);
    arena_fini(&world->cli.arena);
    arena_fini(&verify->batch);
    arena_fini(&verify->kept);
    free(world);
    return 0;
}

static bool found(const struct world *world, const char *code)
{
    const json_t *finding;
    size_t i;
    json_array_foreach(world->verify.findings, i, finding) {
        if (strcmp(json_string_value(json_object_get(finding, "code")), code) == 0)
            return true;
    }
    return false;
}

#define assert_sound(world) assert_int_equal((world)->verify.findings_count, 0)
#define assert_found(world, code)                                                                                      \
    do {                                                                                                               \
        assert_true(found((world), (code)));                                                                           \
        assert_int_equal((world)->verify.findings_count, 1);                                                           \
    } while (0)

/* ---- writing a log ---- */

/* The next event of a log, caused by a timer; whatever else it needs is set by the caller. */
static Hb__Event *next(struct world *world, unsigned log)
{
    struct arena *arena = &world->cli.arena;
    Hb__Event *event = arena_alloc(arena, sizeof *event);
    hb__event__init(event);
    event->service = services[log];
    event->epoch = 1;
    event->offset = world->verify.readers[log].at + 1;
    event->recorded_ms = event->occurred_ms = ++world->now;
    event->case_id = CASE;
    event->site = "garden";
    event->cause = arena_alloc(arena, sizeof *event->cause);
    hb__cause__init(event->cause);
    event->cause->kind_case = HB__CAUSE__KIND_TIMER;
    event->cause->timer = "aa";
    event->previous_hash = (ProtobufCBinaryData){32, world->last[log]};
    return event;
}

static void put(struct world *world, unsigned log, const Hb__Event *event)
{
    struct bytes stored = message_pack(&event->base, &world->cli.arena);
    verify_event(&world->verify, &world->verify.readers[log], stored, (struct bytes){0});
    eventlog_hash(stored, world->last[log]);
    world->verify.readers[log].end = world->verify.readers[log].final_end = world->verify.readers[log].at;
}

static Intake__CaseRegistered *registered(struct world *world, Hb__Event *event, const char *number, uint64_t count)
{
    event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event->intake = arena_alloc(&world->cli.arena, sizeof *event->intake);
    intake__event__init(event->intake);
    event->intake->kind_case = INTAKE__EVENT__KIND_REGISTERED;
    Intake__CaseRegistered *said = event->intake->registered = arena_alloc(&world->cli.arena, sizeof *said);
    intake__case_registered__init(said);
    said->number = (char *)(uintptr_t)number;
    said->counter = "c-{n3}";
    said->count = count;
    said->stage = "registered";
    return said;
}

static void put_registered(struct world *world, uint64_t case_id, const char *number, uint64_t count)
{
    Hb__Event *event = next(world, INTAKE);
    event->case_id = case_id;
    registered(world, event, number, count);
    put(world, INTAKE, event);
}

static Hb__Position *position(struct world *world, unsigned log, uint64_t offset)
{
    Hb__Position *place = arena_alloc(&world->cli.arena, sizeof *place);
    hb__position__init(place);
    place->log = arena_alloc(&world->cli.arena, sizeof *place->log);
    hb__log_id__init(place->log);
    place->log->service = services[log];
    place->log->epoch = 1;
    place->offset = offset;
    return place;
}

/* That `log` has heard `of` up to its end. */
static void heard(struct world *world, unsigned log, unsigned of)
{
    struct reader *reader = &world->verify.readers[log];
    reader->cursors[reader->cursors_count++] = position(world, of, world->verify.readers[of].at);
}

static void put_routed(struct world *world, uint64_t case_id, const char *lead)
{
    Hb__Event *event = next(world, ROUTING);
    Routing__Event routing = ROUTING__EVENT__INIT;
    Routing__CaseRouted said = ROUTING__CASE_ROUTED__INIT;
    event->case_id = case_id;
    event->payload_case = HB__EVENT__PAYLOAD_ROUTING;
    event->routing = &routing;
    routing.kind_case = ROUTING__EVENT__KIND_ROUTED;
    routing.routed = &said;
    said.lead = (char *)(uintptr_t)lead;
    put(world, ROUTING, event);
}

static void put_step(struct world *world, const char *from, const char *to, uint64_t version)
{
    Hb__Event *event = next(world, CASEWORK);
    Casework__Event casework = CASEWORK__EVENT__INIT;
    Casework__StepTaken said = CASEWORK__STEP_TAKEN__INIT;
    event->payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event->casework = &casework;
    casework.kind_case = CASEWORK__EVENT__KIND_STEP_TAKEN;
    casework.step_taken = &said;
    said.step = "go";
    said.from = (char *)(uintptr_t)from;
    said.stage = (char *)(uintptr_t)to;
    said.version = version;
    put(world, CASEWORK, event);
}

/* ---- the log by itself ---- */

static void a_sound_log(void **state)
{
    struct world *world = *state;
    put_registered(world, 1, "c-001", 1);
    put_registered(world, 2, "c-002", 2);
    put_routed(world, 1, "office");
    put_routed(world, 2, "office");
    heard(world, ROUTING, INTAKE);
    verify_compare(&world->verify);
    assert_sound(world);
    assert_int_equal(world->verify.events, 4);
}

static void an_altered_event(void **state)
{
    struct world *world = *state;
    put_registered(world, 1, "c-001", 1);
    world->last[INTAKE][5] ^= 1; /* as if the event before had another content */
    put_registered(world, 2, "c-002", 2);
    assert_found(world, "chain");
    assert_true(world->verify.readers[INTAKE].broken);
}

static void a_missing_event(void **state)
{
    struct world *world = *state;
    Hb__Event *event = next(world, INTAKE);
    event->offset = 2;
    registered(world, event, "c-001", 1);
    put(world, INTAKE, event);
    assert_found(world, "chain");
}

static void bytes_that_are_no_event(void **state)
{
    struct world *world = *state;
    verify_event(&world->verify, &world->verify.readers[INTAKE], bytes_of_text("\xff\xff\xff garbage"),
                 (struct bytes){0});
    assert_found(world, "chain");
}

static void a_time_that_goes_back(void **state)
{
    struct world *world = *state;
    put_registered(world, 1, "c-001", 1);
    world->now -= 100;
    put_registered(world, 2, "c-002", 2);
    assert_found(world, "chain");
}

static void an_unsealed_text(void **state)
{
    struct world *world = *state;
    Hb__Event *event = next(world, INTAKE);
    Hb__Personal plain = HB__PERSONAL__INIT;
    plain.kind_case = HB__PERSONAL__KIND_PLAIN;
    plain.plain = "somebody's name";
    registered(world, event, "c-001", 1)->text = &plain;
    put(world, INTAKE, event);
    assert_found(world, "plain");
}

/* ---- causes ---- */

static void put_caused(struct world *world, uint64_t case_id, const char *number, uint64_t count, const char *command)
{
    Hb__CommandRef ref = HB__COMMAND_REF__INIT;
    Hb__Event *event = next(world, INTAKE);
    event->case_id = case_id;
    event->cause->kind_case = HB__CAUSE__KIND_COMMAND;
    event->cause->command = &ref;
    ref.account = "anne";
    ref.id = (char *)(uintptr_t)command;
    registered(world, event, number, count);
    put(world, INTAKE, event);
}

static void a_command_carried_out_twice(void **state)
{
    struct world *world = *state;
    put_caused(world, 1, "c-001", 1, "first");
    put_caused(world, 2, "c-002", 2, "first"); /* said by one command */
    put_caused(world, 3, "c-003", 3, "second");
    assert_sound(world);
    put_caused(world, 4, "c-004", 4, "first");
    assert_found(world, "twice");
}

static void a_cause_that_does_not_exist(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    Hb__Event *event = next(world, ROUTING);
    event->cause->kind_case = HB__CAUSE__KIND_EVENT;
    event->cause->event = position(world, INTAKE, 5);
    put(world, ROUTING, event);
    verify_compare(&world->verify);
    assert_found(world, "cause");
}

static void a_cursor_ahead_of_its_log(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_routed(world, CASE, "office");
    struct reader *routing = &world->verify.readers[ROUTING];
    routing->cursors[routing->cursors_count++] = position(world, INTAKE, 2);
    verify_compare(&world->verify);
    assert_found(world, "cursor");
}

/* ---- cases ---- */

static void a_number_given_twice(void **state)
{
    struct world *world = *state;
    put_registered(world, 1, "c-001", 1);
    put_registered(world, 2, "c-001", 2);
    assert_found(world, "number");
}

static void a_number_left_out(void **state)
{
    struct world *world = *state;
    put_registered(world, 1, "c-001", 1);
    put_registered(world, 2, "c-003", 3);
    assert_found(world, "number");
}

static void numbers_said_to_be_skipped(void **state)
{
    struct world *world = *state;
    put_registered(world, 1, "c-001", 1);
    Hb__Event *event = next(world, INTAKE);
    Intake__Event intake = INTAKE__EVENT__INIT;
    Intake__NumbersSkipped skipped = INTAKE__NUMBERS_SKIPPED__INIT;
    event->case_id = 0;
    event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event->intake = &intake;
    intake.kind_case = INTAKE__EVENT__KIND_NUMBERS_SKIPPED;
    intake.numbers_skipped = &skipped;
    skipped.counter = "c-{n3}";
    skipped.from = 2;
    skipped.to = 101;
    skipped.reason = "restore";
    put(world, INTAKE, event);
    put_registered(world, 2, "c-102", 102);
    assert_sound(world);
    assert_int_equal(world->verify.skipped_count, 1);
}

static void a_case_without_an_owner(void **state)
{
    struct world *world = *state;
    put_registered(world, 1, "c-001", 1);
    verify_compare(&world->verify);
    assert_sound(world); /* routing has not heard of it yet */
    heard(world, ROUTING, INTAKE);
    verify_compare(&world->verify);
    assert_found(world, "owner");
}

static void a_case_nobody_registered(void **state)
{
    struct world *world = *state;
    put_routed(world, CASE, "office");
    verify_compare(&world->verify);
    assert_found(world, "case");
}

/* Its routing is read before its registration: both came while the logs were read. */
static void a_case_registered_meanwhile(void **state)
{
    struct world *world = *state;
    put_routed(world, CASE, "office");
    put_registered(world, CASE, "c-001", 1);
    heard(world, ROUTING, INTAKE);
    verify_compare(&world->verify);
    assert_sound(world);
}

static void a_step_from_where_the_case_is_not(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_step(world, "registered", "accepted", 2);
    put_step(world, "accepted", "handled", 3);
    assert_sound(world);
    put_step(world, "accepted", "replied", 4);
    assert_found(world, "stage");
}

static void a_version_given_twice(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_step(world, "registered", "accepted", 2);
    put_step(world, "accepted", "handled", 2);
    assert_found(world, "version");
}

static void put_requested(struct world *world, Hb__Position *source)
{
    Hb__Event *event = next(world, CASEWORK);
    Casework__Event casework = CASEWORK__EVENT__INIT;
    Casework__CaseRequested said = CASEWORK__CASE_REQUESTED__INIT;
    event->payload_case = HB__EVENT__PAYLOAD_CASEWORK;
    event->casework = &casework;
    casework.kind_case = CASEWORK__EVENT__KIND_CASE_REQUESTED;
    casework.case_requested = &said;
    said.rule = "revisit";
    said.kind = "revisit";
    said.source = source;
    put(world, CASEWORK, event);
}

static void a_request_nobody_answers(void **state)
{
    struct world *world = *state;
    put_requested(world, position(world, INTAKE, 1));
    verify_compare(&world->verify);
    assert_sound(world);
    heard(world, INTAKE, CASEWORK);
    verify_compare(&world->verify);
    assert_found(world, "request");
}

static void a_rule_that_fires_twice(void **state)
{
    struct world *world = *state;
    put_requested(world, position(world, INTAKE, 1));
    put_requested(world, position(world, INTAKE, 2));
    assert_sound(world);
    put_requested(world, position(world, INTAKE, 1));
    assert_found(world, "twice");
}

/* ---- clocks ---- */

static void put_missed(struct world *world, int64_t due_ms, bool withdrawn)
{
    Hb__Event *event = next(world, WATCHDOG);
    Watchdog__Event watchdog = WATCHDOG__EVENT__INIT;
    Watchdog__Instance instance = WATCHDOG__INSTANCE__INIT;
    Watchdog__DeadlineMissed missed = WATCHDOG__DEADLINE_MISSED__INIT;
    Watchdog__DeadlineMissWithdrawn taken_back = WATCHDOG__DEADLINE_MISS_WITHDRAWN__INIT;
    event->payload_case = HB__EVENT__PAYLOAD_WATCHDOG;
    event->watchdog = &watchdog;
    instance.clock = "reply";
    instance.round = 1;
    missed.instance = taken_back.instance = &instance;
    missed.due_ms = taken_back.due_ms = due_ms;
    watchdog.kind_case = withdrawn ? WATCHDOG__EVENT__KIND_MISS_WITHDRAWN : WATCHDOG__EVENT__KIND_MISSED;
    if (withdrawn)
        watchdog.miss_withdrawn = &taken_back;
    else
        watchdog.missed = &missed;
    put(world, WATCHDOG, event);
}

static void a_deadline_missed_twice(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_missed(world, 1000, false);
    put_missed(world, 1000, true);
    put_missed(world, 1000, false); /* it counts until it is withdrawn */
    put_missed(world, 2000, false);
    assert_sound(world);
    put_missed(world, 2000, false);
    assert_found(world, "twice");
}

static void a_deadline_missed_early(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_missed(world, world->now + 10000, false);
    assert_found(world, "early");
}

static void a_withdrawal_of_nothing(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_missed(world, 1000, true);
    assert_found(world, "withdrawn");
}

/* ---- ladders and notices ---- */

static void put_level(struct world *world, const char *key)
{
    Hb__Event *event = next(world, ESCALATION);
    Escalation__Event escalation = ESCALATION__EVENT__INIT;
    Escalation__LevelReached said = ESCALATION__LEVEL_REACHED__INIT;
    char *told[] = {"anne"};
    event->payload_case = HB__EVENT__PAYLOAD_ESCALATION;
    event->escalation = &escalation;
    escalation.kind_case = ESCALATION__EVENT__KIND_REACHED;
    escalation.reached = &said;
    said.key = (char *)(uintptr_t)key;
    said.told = told;
    said.n_told = 1;
    put(world, ESCALATION, event);
}

static void put_queued(struct world *world, uint64_t id, Hb__Position *source, const char *person)
{
    Hb__Event *event = next(world, NOTIFICATION);
    Notification__Event notification = NOTIFICATION__EVENT__INIT;
    Notification__NoticeQueued said = NOTIFICATION__NOTICE_QUEUED__INIT;
    event->payload_case = HB__EVENT__PAYLOAD_NOTIFICATION;
    event->notification = &notification;
    notification.kind_case = NOTIFICATION__EVENT__KIND_QUEUED;
    notification.queued = &said;
    said.notice_id = id;
    said.notice = "late";
    said.person = (char *)(uintptr_t)person;
    said.source = source;
    said.status = "queued";
    put(world, NOTIFICATION, event);
}

static void put_delivered(struct world *world, uint64_t id)
{
    Hb__Event *event = next(world, NOTIFICATION);
    Notification__Event notification = NOTIFICATION__EVENT__INIT;
    Notification__NoticeDelivered said = NOTIFICATION__NOTICE_DELIVERED__INIT;
    event->payload_case = HB__EVENT__PAYLOAD_NOTIFICATION;
    event->notification = &notification;
    notification.kind_case = NOTIFICATION__EVENT__KIND_DELIVERED;
    notification.delivered = &said;
    said.notice_id = id;
    put(world, NOTIFICATION, event);
}

static void a_step_of_the_ladder_twice(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_level(world, "a");
    put_level(world, "b");
    assert_sound(world);
    put_level(world, "a");
    assert_found(world, "twice");
}

static void a_level_nobody_was_told_of(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_level(world, "a");
    put_level(world, "b");
    put_queued(world, 5, position(world, ESCALATION, 1), "anne");
    verify_compare(&world->verify);
    assert_sound(world);
    heard(world, NOTIFICATION, ESCALATION);
    verify_compare(&world->verify);
    assert_found(world, "told");
}

static void a_notice_queued_twice(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_queued(world, 5, position(world, ESCALATION, 1), "anne");
    put_queued(world, 6, position(world, ESCALATION, 1), "bob");
    assert_sound(world);
    put_queued(world, 7, position(world, ESCALATION, 1), "anne");
    assert_found(world, "twice");
}

static void a_notice_finished_twice(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_queued(world, 5, position(world, ESCALATION, 1), "anne");
    put_delivered(world, 5);
    assert_sound(world);
    put_delivered(world, 5);
    assert_found(world, "twice");
}

static void a_notice_sent_that_nobody_queued(void **state)
{
    struct world *world = *state;
    put_registered(world, CASE, "c-001", 1);
    put_delivered(world, 9);
    assert_found(world, "notice");
}

/* ---- */

static void maps_keep_everything(void **state)
{
    (void)state;
    struct map map = {0};
    bool new;
    for (uint64_t i = 0; i < 100000; i++) {
        map_put(&map, i * 7919, &new)->a = i;
        assert_true(new);
    }
    for (uint64_t i = 0; i < 100000; i++)
        assert_int_equal(map_find(&map, i * 7919)->a, i);
    assert_null(map_find(&map, 3));
    map_put(&map, 7919, &new);
    assert_false(new);
    map_free(&map);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_log),
        TEST(an_altered_event),
        TEST(a_missing_event),
        TEST(bytes_that_are_no_event),
        TEST(a_time_that_goes_back),
        TEST(an_unsealed_text),
        TEST(a_command_carried_out_twice),
        TEST(a_cause_that_does_not_exist),
        TEST(a_cursor_ahead_of_its_log),
        TEST(a_number_given_twice),
        TEST(a_number_left_out),
        TEST(numbers_said_to_be_skipped),
        TEST(a_case_without_an_owner),
        TEST(a_case_nobody_registered),
        TEST(a_case_registered_meanwhile),
        TEST(a_step_from_where_the_case_is_not),
        TEST(a_version_given_twice),
        TEST(a_request_nobody_answers),
        TEST(a_rule_that_fires_twice),
        TEST(a_deadline_missed_twice),
        TEST(a_deadline_missed_early),
        TEST(a_withdrawal_of_nothing),
        TEST(a_step_of_the_ladder_twice),
        TEST(a_level_nobody_was_told_of),
        TEST(a_notice_queued_twice),
        TEST(a_notice_finished_twice),
        TEST(a_notice_sent_that_nobody_queued),
        cmocka_unit_test(maps_keep_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
