/* The start-up self-test: CURVE without a ZAP handler lets any key in, so a service that finds itself open refuses to
   start and says so, whether its own door is ipc:// or tcp://. Here --wrap=zap_start leaves the handler out; the
   service is a process of its own (pitfalls 5). */
#include "../support/folder.h"
#include "../support/port.h"
#include "bus/internal.h"
#include "config/config.h"
#include "service/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

static bool open_to_all, never_answers;

enum err __real_zap_start(void *context, const struct bus_keys *keys);
enum err __wrap_zap_start(void *context, const struct bus_keys *keys);
enum err __wrap_zap_start(void *context, const struct bus_keys *keys)
{
    if (never_answers)
        return zmq_bind(zmq_socket(context, ZMQ_REP), "inproc://zeromq.zap.01") ? ERR_IO : ERR_NONE;
    return open_to_all ? ERR_NONE : __real_zap_start(context, keys);
}

static void decide(struct turn *turn, const Hb__Command *command)
{
    (void)turn;
    (void)command;
}

static void evolve(struct turn *turn, const Hb__Event *event)
{
    (void)turn;
    (void)event;
}

static const struct service service = {
    .name = "casework", .id = HB__SERVICE__CASEWORK, .decide = decide, .evolve = evolve};

struct place {
    char folder[64], config[128], log[128], endpoint[128];
};

static int setup(void **state, bool tcp)
{
    struct place *place = calloc(1, sizeof *place);
    char data[80];
    snprintf(place->folder, sizeof place->folder, "/tmp/hearback-self-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->config, sizeof place->config, "%s/hearback.yaml", place->folder);
    snprintf(place->log, sizeof place->log, "%s/log", place->folder);
    snprintf(data, sizeof data, "%s/data", place->folder);
    if (tcp)
        snprintf(place->endpoint, sizeof place->endpoint, "tcp://127.0.0.1:%u", free_port());
    else
        snprintf(place->endpoint, sizeof place->endpoint, "ipc://%s/casework.ipc", place->folder);
    assert_int_equal(mkdir(data, 0700), 0);
    FILE *file = fopen(place->config, "w");
    assert_non_null(file);
    fprintf(file,
            "cell: 0123456789abcdef\ndata: %s/data\nsecrets: %s/secrets\nepoch_keys: %s/epoch\n"
            "instances:\n  - {service: casework, endpoint: '%s', rights: [fetch, query]}\n",
            place->folder, place->folder, place->folder, place->endpoint);
    assert_int_equal(fclose(file), 0);
    struct arena arena;
    Config__Config *config;
    char *why = "";
    bool changed;
    arena_init(&arena);
    if (config_load(place->config, &arena, &config, &why))
        fail_msg("%s", why);
    assert_int_equal(config_keys_create(config, &arena, &changed), ERR_NONE);
    arena_fini(&arena);
    *state = place;
    return 0;
}

static int setup_ipc(void **state)
{
    return setup(state, false);
}

static int setup_tcp(void **state)
{
    return setup(state, true);
}

static int teardown(void **state)
{
    struct place *place = *state;
    assert_true(folder_remove(place->folder));
    free(place);
    return 0;
}

static pid_t start(const struct place *place)
{
    pid_t child = fork();
    if (child == 0) {
        char *arguments[] = {"hearback-casework", "--config", (char *)(uintptr_t)place->config, NULL};
        dup2(open(place->log, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
        _exit(service_main(3, arguments, &service, NULL));
    }
    return child;
}

static bool said(const struct place *place, const char *text)
{
    static char whole[65536];
    int fd = open(place->log, O_RDONLY);
    ssize_t size = fd < 0 ? 0 : read(fd, whole, sizeof whole - 1);
    if (fd >= 0)
        close(fd);
    whole[size > 0 ? size : 0] = 0;
    return strstr(whole, text);
}

static void who_lets_any_key_in_does_not_start(void **state)
{
    const struct place *place = *state;
    int status;
    open_to_all = true;
    pid_t child = start(place);
    open_to_all = false;
    for (unsigned i = 0; i < 600 && !said(place, "\"ready\""); i++) {
        if (waitpid(child, &status, WNOHANG) == child) {
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), 2); /* do not insist: the supervisor need not try again */
            assert_true(said(place, "an unknown key was not refused: the bus is not safe"));
            return;
        }
        usleep(100000);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    fail_msg("it started, or hangs");
}

/* The same service with the handler in place: so it was that, and nothing else. */
static void who_refuses_unknown_keys_starts(void **state)
{
    const struct place *place = *state;
    int status;
    pid_t child = start(place);
    bool ready = false;
    for (unsigned i = 0; i < 600 && !ready && waitpid(child, &status, WNOHANG) == 0; i++) {
        usleep(100000);
        ready = said(place, "\"ready\"");
    }
    assert_true(ready);
    kill(child, SIGTERM);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void it_ends_with(const struct place *place, pid_t child, int code, const char *why)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
    assert_true(said(place, why));
}

/* What may pass by itself is tried again, by whoever runs it: exit code 3. */
static void a_machine_too_slow_for_the_self_test_may_try_again(void **state)
{
    const struct place *place = *state;
    never_answers = true;
    pid_t child = start(place);
    never_answers = false;
    it_ends_with(place, child, 3, "start_refused");
}

static void an_address_in_use_may_be_free_soon(void **state)
{
    const struct place *place = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)strtoul(strrchr(place->endpoint, ':') + 1, NULL, 10));
    int taken = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    assert_int_equal(setsockopt(taken, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    assert_int_equal(bind(taken, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(taken, 1), 0);
    it_ends_with(place, start(place), 3, "start_refused");
    close(taken);
}

static void a_damaged_store_must_be_mended(void **state)
{
    const struct place *place = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/data/casework-0", place->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/data/casework-0/data.mdb", place->folder);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    for (unsigned i = 0; i < 1024; i++)
        assert_int_equal(write(fd, "not a store", 11), 11);
    close(fd);
    it_ends_with(place, start(place), 2, "start_refused");
}

#define OVER_BOTH(test)                                                                                                \
    cmocka_unit_test_setup_teardown(test, setup_ipc, teardown),                                                        \
        cmocka_unit_test_setup_teardown(test, setup_tcp, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(who_lets_any_key_in_does_not_start), OVER_BOTH(who_refuses_unknown_keys_starts),
        OVER_BOTH(a_machine_too_slow_for_the_self_test_may_try_again),
        cmocka_unit_test_setup_teardown(an_address_in_use_may_be_free_soon, setup_tcp, teardown),
        OVER_BOTH(a_damaged_store_must_be_mended)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
