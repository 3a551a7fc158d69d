/* A mistake in a service, for real: the process aborts, is started again, aborts at the same input, is started again
   and sets it aside (design.md 3, Poison). Each life is a process of its own; the disk is all they share. */
#include "../support/folder.h"
#include "../support/scribe.h"

#include "service/internal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

struct life {
    struct arena arena;
    struct instance *speaker, *scribe;
    struct env speaker_env, scribe_env;
    int64_t now;
    bool guards_speaker; /* else the scribe: a process has one service, and one handler */
    struct {             /* the one request under way between the two */
        bus_done_fn *done;
        void *context;
        struct bytes request;
    } asked;
    const Bus__Reply *reply; /* to the last request served */
};

static int64_t life_now(void *context)
{
    return ((struct life *)context)->now;
}

static void life_random(void *context, uint8_t *out, size_t size)
{
    (void)context;
    memset(out, 7, size);
}

static void life_ask(void *context, Hb__Service service, uint32_t partition, Bus__Request *request, uint32_t timeout_ms,
                     bus_done_fn *done, void *done_context)
{
    struct life *life = context;
    (void)service;
    (void)partition;
    (void)timeout_ms;
    bug_unless(!life->asked.done);
    life->asked.done = done;
    life->asked.context = done_context;
    life->asked.request = message_pack(&request->base, &life->arena);
}

static void life_reply(void *context, const struct bus_call *call, Bus__Reply *reply)
{
    struct life *life = context;
    reply->id = call->request_id;
    life->reply = (const Bus__Reply *)message_copy(&reply->base, &life->arena);
}

static void life_wake(void *context)
{
    (void)context;
}

static void serve(struct instance *instance, const Bus__Request *request)
{
    struct bus_call call = {.route_size = 1, .rights = 0xff};
    instance_serve(instance, &call, request, (struct bytes){0});
}

static void carry(struct life *life)
{
    if (!life->asked.done)
        return;
    ProtobufCMessage *request;
    char *why;
    bug_unless(!message_load(&bus__request__descriptor, life->asked.request, &life->arena, &request, &why));
    life->reply = NULL;
    serve(life->speaker, (Bus__Request *)request);
    if (!life->reply)
        return; /* parked: asked again when something was said */
    bus_done_fn *done = life->asked.done;
    life->asked.done = NULL;
    done(life->asked.context, ERR_NONE, life->reply);
}

static void run(struct life *life)
{
    enum err fatal;
    for (unsigned i = 0; i < 200; i++) {
        instance_step(life->speaker, &fatal);
        bug_unless(!fatal);
        instance_step(life->scribe, &fatal);
        bug_unless(!fatal);
        carry(life);
        life->now += 20;
    }
}

static bool index_aborts;

static enum err read_texts(struct turn *turn, bool *more_out)
{
    (void)turn;
    *more_out = false;
    bug_unless(!index_aborts);
    return ERR_NONE;
}

static const struct service *listener = &scribe; /* or one that keeps an index */

static void open_life(struct life *life, const char *folder, int64_t now)
{
    char why[200];
    static const struct instance_feed_options feeds[] = {{HB__SERVICE__TOY_PING, 0}};
    arena_init(&life->arena);
    life->now = now;
    struct env env = {life, life_now, life_now, life_random, life_ask, life_reply, life_wake, NULL, NULL, NULL};
    life->speaker_env = life->scribe_env = env;
    struct instance_options options = {
        .folder = arena_printf(&life->arena, "%s/speaker", folder), .map_bytes = 64u << 20, .cell = 1, .idle_ms = 50};
    options.no_sync = !life->guards_speaker;
    bug_unless(!instance_open(&speaker, &options, &life->speaker_env, &life->speaker, why, sizeof why));
    options.folder = arena_printf(&life->arena, "%s/scribe", folder);
    options.no_sync = life->guards_speaker; /* as in production: the handler that names the input is set */
    options.map_bytes = 64u << 20;
    options.feeds = feeds;
    options.feeds_count = 1;
    options.epoch_keys_folder = folder;
    bug_unless(!instance_open(listener, &options, &life->scribe_env, &life->scribe, why, sizeof why));
}

static void tell(struct life *life, struct instance *instance, uint64_t case_id, const char *text, unsigned number)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Command command = HB__COMMAND__INIT;
    enum err fatal;
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = &command;
    command.account = "test";
    command.id = arena_printf(&life->arena, "1741572000000-%u", number);
    command.case_id = case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_TOY;
    command.toy = (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
    serve(instance, &request);
    instance_step(instance, &fatal);
    bug_unless(!fatal);
}

static const char *page(struct life *life, uint64_t case_id)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Query query = HB__QUERY__INIT;
    request.kind_case = BUS__REQUEST__KIND_QUERY;
    request.query = &query;
    query.case_id = case_id;
    serve(life->scribe, &request);
    return arena_text(&life->arena, (const char *)life->reply->query->toy.data, life->reply->query->toy.len);
}

static bool is_page(struct life *life, uint64_t case_id, const char *text)
{
    bool same = strcmp(page(life, case_id), text) == 0;
    if (!same)
        print_error("case %u: \"%s\", not \"%s\"\n", (unsigned)case_id, page(life, case_id), text);
    return same;
}

/* ---- lives ---- */

static int life_that_speaks(struct life *life)
{
    static const struct {
        uint64_t case_id;
        const char *text;
    } said[] = {{1, "open"}, {2, "open"}, {1, "a"}, {1, "abort"}, {1, "b"}, {2, "c"}};
    for (unsigned i = 0; i < sizeof said / sizeof *said; i++)
        tell(life, life->speaker, said[i].case_id, said[i].text, i);
    return 0;
}

static int life_that_aborts(struct life *life)
{
    scribe_aborts = true;
    run(life);
    return 1; /* it should not have come here */
}

static int life_that_sets_aside(struct life *life)
{
    scribe_aborts = true;
    run(life);
    return is_page(life, 1, "open a ") && is_page(life, 2, "open c ") ? 0 : 2;
}

/* Nothing is quarantined any more that comes now: the name in the file is the past. */
static int life_that_goes_on(struct life *life)
{
    scribe_aborts = true;
    tell(life, life->speaker, 2, "d", 10);
    run(life);
    return is_page(life, 2, "open c d ") ? 0 : 3;
}

static int life_that_is_mended(struct life *life)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__RELEASE;
    control.key = "poison/ping-0/4";
    serve(life->scribe, &request);
    if (life->reply->kind_case != BUS__REPLY__KIND_CONTROL)
        return 4;
    run(life);
    return is_page(life, 1, "open a abort b ") ? 0 : 5;
}

static int life_that_speaks_too_early(struct life *life)
{
    tell(life, life->speaker, 1, "a", 30);
    tell(life, life->speaker, 1, "abort", 31);
    tell(life, life->speaker, 1, "b", 32);
    run(life);
    tell(life, life->speaker, 1, "open", 33);
    tell(life, life->speaker, 2, "open", 34);
    return is_page(life, 1, "") ? 0 : 12;
}

/* What let it go is not what aborts. */
static int life_that_sets_it_aside_late(struct life *life)
{
    scribe_aborts = true;
    run(life);
    return is_page(life, 1, "open a ") && is_page(life, 2, "open ") ? 0 : 13;
}

static int life_that_is_mended_late(struct life *life)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__RELEASE;
    control.key = "poison/ping-0/2";
    serve(life->scribe, &request);
    run(life);
    return is_page(life, 1, "open a abort b ") ? 0 : 14;
}

static int life_that_is_told_poison(struct life *life)
{
    scribe_aborts = true;
    tell(life, life->speaker, 1, "abort here", 7);
    return 6; /* it should not have come here */
}

/* The third time it is answered: with 500, and all others as ever. */
static int life_that_refuses_poison(struct life *life)
{
    scribe_aborts = true;
    tell(life, life->speaker, 1, "abort here", 7);
    const Hb__Refusal *refused =
        life->reply && life->reply->kind_case == BUS__REPLY__KIND_COMMAND ? life->reply->command->refused : NULL;
    if (!refused || refused->status != 500 || strcmp(refused->code, "poison") != 0)
        return 7;
    tell(life, life->speaker, 1, "open", 8);
    return life->reply->command->refused ? 8 : 0;
}

static int life_that_begins_a_job(struct life *life)
{
    tell(life, life->speaker, 1, "open", 20);
    tell(life, life->speaker, 1, "job 20000", 21);
    run(life);
    if (!life->scribe->jobs_open)
        return 9;
    struct store_txn *txn = store_begin(instance_store(life->scribe), true);
    struct key key = key_u64(1);
    store_put(txn, life->scribe->runtime_tables[RUNTIME_JOBS], key_bytes(&key), bytes_of_text("\xff"));
    return store_commit(txn) ? 10 : 0; /* the disk has altered its row */
}

/* The command before it in the turn is not what the turn fails at. */
static int life_that_meets_the_damage(struct life *life)
{
    tell(life, life->scribe, 1, "innocent", 22);
    return 11; /* it should not have come here */
}

static int life_whose_index_aborts(struct life *life)
{
    index_aborts = true;
    run(life);
    return 15; /* it should not have come here */
}

static int life_without_index(struct life *life)
{
    index_aborts = true;
    run(life);
    tell(life, life->speaker, 2, "d", 40);
    run(life);
    bool told = life->scribe->counts.quarantined == 1 && life->scribe->poison_count == 0;
    return told && is_page(life, 1, "open a abort b ") && is_page(life, 2, "open c d ") ? 0 : 16;
}

/* ---- one after the other ---- */

typedef int life_fn(struct life *life);

static bool guards_speaker;

static int live(const char *folder, int64_t now, life_fn *what)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        static struct life life;
        for (int number = SIGHUP; number < SIGTERM; number++)
            signal(number, SIG_DFL);
        (void)!freopen("/dev/null", "w", stderr); /* the assertion's own line is as it should be */
        life.guards_speaker = guards_speaker;
        open_life(&life, folder, now);
        _exit(what(&life));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void set_aside(void)
{
    char folder[] = "/dev/shm/hearback-abort-XXXXXX";
    assert_non_null(mkdtemp(folder));
    int64_t now = PUPPET_START_MS;
    int dead = scribe_dies_by ? -scribe_dies_by : -SIGABRT;
    assert_int_equal(live(folder, now, life_that_speaks), 0);
    assert_int_equal(live(folder, now += 10000, life_that_aborts), dead);
    assert_int_equal(live(folder, now += 10000, life_that_aborts), dead);
    assert_int_equal(live(folder, now += 10000, life_that_sets_aside), 0);
    assert_int_equal(live(folder, now += 10000, life_that_goes_on), 0);
    assert_int_equal(live(folder, now += 10000, life_that_is_mended), 0);
    assert_true(folder_remove(folder));
}

static void the_second_abort_in_react_sets_the_event_aside(void **state)
{
    (void)state;
    scribe_aborts_in_evolve = guards_speaker = false;
    set_aside();
}

static void the_second_abort_in_evolve_sets_the_event_aside(void **state)
{
    (void)state;
    guards_speaker = false;
    scribe_aborts_in_evolve = true;
    set_aside();
}

/* A library's own assertion, and what misuses memory. */
static void so_does_a_fault_that_is_no_assertion_of_ours(void **state)
{
    static const int faults[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
    (void)state;
    scribe_aborts_in_evolve = guards_speaker = false;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        scribe_dies_by = faults[i];
        set_aside();
    }
    scribe_dies_by = 0;
}

static void the_second_abort_in_decide_refuses_the_command(void **state)
{
    (void)state;
    char folder[] = "/dev/shm/hearback-abort-XXXXXX";
    assert_non_null(mkdtemp(folder));
    int64_t now = PUPPET_START_MS;
    guards_speaker = true;
    assert_int_equal(live(folder, now, life_that_is_told_poison), -SIGABRT);
    assert_int_equal(live(folder, now += 10000, life_that_is_told_poison), -SIGABRT);
    assert_int_equal(live(folder, now += 10000, life_that_refuses_poison), 0);
    assert_true(folder_remove(folder));
}

static void the_second_abort_of_one_that_waited_sets_it_aside(void **state)
{
    (void)state;
    char folder[] = "/dev/shm/hearback-abort-XXXXXX";
    assert_non_null(mkdtemp(folder));
    int64_t now = PUPPET_START_MS;
    scribe_aborts_in_evolve = guards_speaker = false;
    assert_int_equal(live(folder, now, life_that_speaks_too_early), 0);
    assert_int_equal(live(folder, now += 10000, life_that_aborts), -SIGABRT);
    assert_int_equal(live(folder, now += 10000, life_that_aborts), -SIGABRT);
    assert_int_equal(live(folder, now += 10000, life_that_sets_it_aside_late), 0);
    assert_int_equal(live(folder, now += 10000, life_that_is_mended_late), 0);
    assert_true(folder_remove(folder));
}

static void the_second_abort_in_the_index_stops_it(void **state)
{
    (void)state;
    static struct service reader;
    char folder[] = "/dev/shm/hearback-abort-XXXXXX";
    assert_non_null(mkdtemp(folder));
    int64_t now = PUPPET_START_MS;
    reader = scribe;
    reader.keeps_vault = true;
    reader.index = read_texts;
    listener = &reader;
    guards_speaker = false;
    assert_int_equal(live(folder, now, life_that_speaks), 0);
    assert_int_equal(live(folder, now += 10000, life_whose_index_aborts), -SIGABRT);
    assert_int_equal(live(folder, now += 10000, life_whose_index_aborts), -SIGABRT);
    assert_int_equal(live(folder, now += 10000, life_without_index), 0);
    listener = &scribe;
    assert_true(folder_remove(folder));
}

static void what_fails_before_it_is_named_is_nobodys_fault(void **state)
{
    (void)state;
    char folder[] = "/dev/shm/hearback-abort-XXXXXX", path[80], page[200] = {0};
    assert_non_null(mkdtemp(folder));
    guards_speaker = false;
    assert_int_equal(live(folder, PUPPET_START_MS, life_that_begins_a_job), 0);
    assert_int_equal(live(folder, PUPPET_START_MS + 10000, life_that_meets_the_damage), -SIGABRT);
    snprintf(path, sizeof path, "%s/scribe/poison", folder);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && read(fd, page, sizeof page - 1) > 0);
    close(fd);
    assert_string_equal(page, "0");
    assert_true(folder_remove(folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_second_abort_in_react_sets_the_event_aside),
                                       cmocka_unit_test(the_second_abort_in_evolve_sets_the_event_aside),
                                       cmocka_unit_test(so_does_a_fault_that_is_no_assertion_of_ours),
                                       cmocka_unit_test(the_second_abort_in_decide_refuses_the_command),
                                       cmocka_unit_test(the_second_abort_of_one_that_waited_sets_it_aside),
                                       cmocka_unit_test(the_second_abort_in_the_index_stops_it),
                                       cmocka_unit_test(what_fails_before_it_is_named_is_nobodys_fault)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
