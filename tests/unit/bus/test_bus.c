/* The bus between processes: who is let in, what a key may do, what is refused with its limit named, what times out.
   Everything over ipc:// and over tcp://. The service is a process of its own; so is everybody who knocks, because a
   process has one ZeroMQ context and never forks with it (pitfalls 5). */
#include "../support/folder.h"
#include "../support/port.h"
#include "base/arena.h"
#include "bus/bus.h"
#include "config/config.h"
#include "log/log.h"
#include "message/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

struct place {
    struct arena arena;
    char folder[64], path[128], log[128], endpoint[128];
    Config__Config *config;
    pid_t service;
};

/* ---- signals: in almost any call libzmq looks, by a poll, for what its other threads told it, and a signal that is
   handled meanwhile ends the call with EINTR. Here that is so each time in the thread that says so, and not the next
   time. ---- */

static bool serves_under_signals;
static _Thread_local bool signals, came;

int poll(struct pollfd *files, nfds_t count, int timeout_ms)
{
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000l};
    if (signals && (came = !came)) {
        errno = EINTR;
        return -1;
    }
    return (int)syscall(SYS_ppoll, files, count, timeout_ms < 0 ? NULL : &timeout, NULL, 0);
}

/* ---- the service: tells who asked and what they may do ---- */

/* HOLD is answered with a text as long as its key says. */
static void answer_long(const struct bus_call *call, size_t size)
{
    Bus__Reply reply = BUS__REPLY__INIT;
    Bus__ControlReply control = BUS__CONTROL_REPLY__INIT;
    reply.kind_case = BUS__REPLY__KIND_CONTROL;
    reply.control = &control;
    control.text = malloc(size + 1);
    memset(control.text, 'x', size);
    control.text[size] = 0;
    bus_reply(call, &reply);
    free(control.text);
}

/* A query is answered late, again and again, before each answer to STATUS: that tells how many of them had nowhere to
   go. */
static void on_request(void *context, const struct bus_call *call, const Bus__Request *request, struct bytes stored)
{
    static struct bus_call late;
    char text[100];
    (void)context;
    (void)stored;
    if (request->kind_case != BUS__REQUEST__KIND_CONTROL) {
        late = *call;
        return;
    }
    if (request->control->what == BUS__CONTROL__WHAT__HOLD) {
        answer_long(call, strtoul(request->control->key, NULL, 10));
        return;
    }
    bool status = request->control->what == BUS__CONTROL__WHAT__STATUS;
    Bus__Reply reply = BUS__REPLY__INIT;
    if (status)
        bus_reply(&late, &reply);
    snprintf(text, sizeof text, "%s %u", call->user, status ? (unsigned)*bus_undelivered(call->bus) : call->rights);
    Bus__ControlReply control = BUS__CONTROL_REPLY__INIT;
    reply.kind_case = BUS__REPLY__KIND_CONTROL;
    reply.control = &control;
    control.text = text;
    bus_reply(call, &reply);
}

static void nothing(int number)
{
    (void)number;
}

static _Noreturn void serve(const struct place *place)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    struct bus *bus;
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    int fd = open(place->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (bus_open(loop, place->config, "casework-0", &bus) || bus_serve(bus, place->endpoint, on_request, NULL))
        _exit(3);
    bus_log(bus, log_new("casework-0", fd, NULL, NULL));
    signals = serves_under_signals; /* from here on: zmq_poll, of the self-test, never gets through so many */
    ev_run(loop, 0);
    _exit(0);
}

/* ---- setting it up ---- */

static void write_config(struct place *place, const char *late_key)
{
    FILE *file = fopen(place->path, "w");
    assert_non_null(file);
    fprintf(file,
            "cell: 0123456789abcdef\ndata: %s/data\nsecrets: %s/secrets\nepoch_keys: %s/epoch\n"
            "instances:\n  - {service: casework, endpoint: '%s', rights: [fetch, query]}\n"
            "keys:\n  - {name: operator, rights: [control, query]}\n%s",
            place->folder, place->folder, place->folder, place->endpoint, late_key);
    assert_int_equal(fclose(file), 0);
    char *why = NULL;
    bool changed;
    enum err err = config_load(place->path, &place->arena, &place->config, &why);
    if (err)
        print_error("%s\n", why);
    assert_int_equal(err, ERR_NONE);
    assert_int_equal(config_keys_create(place->config, &place->arena, &changed), ERR_NONE);
}

static int setup(void **state, bool tcp)
{
    struct place *place = calloc(1, sizeof *place);
    arena_init(&place->arena);
    snprintf(place->folder, sizeof place->folder, "/tmp/hearback-bus-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/hearback.yaml", place->folder);
    snprintf(place->log, sizeof place->log, "%s/log", place->folder);
    if (tcp)
        snprintf(place->endpoint, sizeof place->endpoint, "tcp://127.0.0.1:%u", free_port());
    else
        snprintf(place->endpoint, sizeof place->endpoint, "ipc://%s/casework.ipc", place->folder);
    write_config(place, "");
    place->service = fork();
    if (place->service == 0)
        serve(place);
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

static int setup_signals(void **state)
{
    serves_under_signals = true;
    int result = setup(state, false);
    serves_under_signals = false;
    return result;
}

static int teardown(void **state)
{
    struct place *place = *state;
    int status;
    kill(place->service, SIGKILL);
    waitpid(place->service, &status, 0);
    assert_true(folder_remove(place->folder));
    arena_fini(&place->arena);
    free(place);
    return 0;
}

/* ---- knocking, in a process of its own ---- */

enum knock { KNOCK_UNKNOWN_KEY, KNOCK_NO_KEY, KNOCK_KNOWN_KEY, KNOCK_MALFORMED, KNOCK_TOO_LARGE, KNOCK_FLOOD };

static bool knock_keys(void *socket, const struct place *place, enum knock knock)
{
    char public_key[41], secret_key[41];
    if (knock == KNOCK_NO_KEY)
        return true;
    if (knock == KNOCK_UNKNOWN_KEY) {
        if (zmq_curve_keypair(public_key, secret_key))
            return false;
    } else {
        if (config_secret(place->config, "operator", secret_key) || zmq_curve_public(public_key, secret_key))
            return false;
    }
    return !zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, place->config->instances[0]->public_key, 41) &&
           !zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, 41) &&
           !zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, 41);
}

static size_t knock_body(enum knock knock, uint8_t *body, size_t room)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.id = 7;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    memset(body, 0xff, room);
    if (knock == KNOCK_MALFORMED)
        return 40;
    if (knock == KNOCK_TOO_LARGE)
        return BUS_REQUEST_BYTES_MAX + 1;
    if (knock == KNOCK_FLOOD)
        return BUS_MESSAGE_BYTES_MAX + 1000;
    return bus__request__pack(&request, body);
}

/* 0: nothing came back; else the first reply: 200, or the status of the refusal. 255: the knocking itself failed. */
static int knock_and_wait(const struct place *place, enum knock knock)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER);
    static uint8_t body[BUS_MESSAGE_BYTES_MAX + 4096];
    if (!knock_keys(socket, place, knock) || zmq_connect(socket, place->endpoint))
        return 255;
    size_t size = knock_body(knock, body, sizeof body);
    int wait_ms = knock == KNOCK_UNKNOWN_KEY || knock == KNOCK_NO_KEY || knock == KNOCK_FLOOD ? 800 : 10000;
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &wait_ms, sizeof wait_ms); /* a refused peer has nowhere to send to */
    zmq_send(socket, body, size, 0);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    if (zmq_poll(&item, 1, wait_ms) <= 0)
        return 0;
    zmq_msg_t message;
    zmq_msg_init(&message);
    zmq_msg_recv(&message, socket, 0);
    Bus__Reply *reply = bus__reply__unpack(NULL, zmq_msg_size(&message), zmq_msg_data(&message));
    if (!reply)
        return 255;
    return reply->kind_case == BUS__REPLY__KIND_REFUSED                     ? (int)(reply->refused->status - 200)
           : reply->kind_case == BUS__REPLY__KIND_CONTROL && reply->id == 7 ? 1
                                                                            : 255;
}

static int knock(const struct place *place, enum knock how)
{
    pid_t child = fork();
    if (child == 0)
        _exit(knock_and_wait(place, how));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 255);
    return WEXITSTATUS(status);
}

static unsigned noted(const struct place *place, const char *event)
{
    static char text[65536];
    int fd = open(place->log, O_RDONLY);
    ssize_t size = read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[size > 0 ? size : 0] = 0;
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, event)); at++)
        count++;
    return count;
}

static unsigned refused_keys(const struct place *place)
{
    return noted(place, "\"event\":\"key_refused\"");
}

static void only_known_keys_are_let_in(void **state)
{
    const struct place *place = *state;
    assert_int_equal(knock(place, KNOCK_KNOWN_KEY), 1); /* so that the others are not refused because it is not up */
    assert_int_equal(refused_keys(place), 0);           /* nor is its own self-test noted */
    assert_int_equal(knock(place, KNOCK_UNKNOWN_KEY), 0);
    assert_true(refused_keys(place) >= 1);
    assert_int_equal(knock(place, KNOCK_NO_KEY), 0);
    assert_int_equal(knock(place, KNOCK_KNOWN_KEY), 1);
}

/* One that its handler returns from: whoever waits in a system call is woken by it. */
static void signal_every_thread(pid_t process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", process);
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    for (const struct dirent *task; (task = readdir(tasks));)
        if (*task->d_name != '.')
            assert_int_equal(syscall(SYS_tgkill, process, strtol(task->d_name, NULL, 10), SIGUSR1), 0);
    closedir(tasks);
}

static void a_signal_closes_the_door_to_nobody(void **state)
{
    const struct place *place = *state;
    assert_int_equal(knock(place, KNOCK_KNOWN_KEY), 1);
    for (unsigned i = 0; i < 20; i++)
        signal_every_thread(place->service);
    assert_int_equal(knock(place, KNOCK_KNOWN_KEY), 1);
    assert_int_equal(knock(place, KNOCK_UNKNOWN_KEY), 0);
}

static void what_is_not_a_request_is_refused(void **state)
{
    const struct place *place = *state;
    assert_int_equal(knock(place, KNOCK_MALFORMED), 400 - 200);
    assert_int_equal(knock(place, KNOCK_TOO_LARGE), 413 - 200);
    assert_int_equal(knock(place, KNOCK_FLOOD), 0); /* over ZMQ_MAXMSGSIZE the connection ends */
    assert_int_equal(knock(place, KNOCK_KNOWN_KEY), 1);
}

/* ---- asking as our own programs do ---- */

struct asked {
    struct ev_loop *loop;
    unsigned done;
    enum err err;
    unsigned refused; /* with this status; 0: not refused */
    size_t size;      /* of the text */
    char text[100];
};

static void on_reply(void *context, enum err err, const Bus__Reply *reply)
{
    struct asked *asked = context;
    asked->done++;
    asked->err = err;
    asked->refused = !err && reply->kind_case == BUS__REPLY__KIND_REFUSED ? reply->refused->status : 0;
    if (!err && reply->kind_case == BUS__REPLY__KIND_CONTROL) {
        asked->size = strlen(reply->control->text);
        snprintf(asked->text, sizeof asked->text, "%s", reply->control->text);
    }
    ev_break(asked->loop, EVBREAK_ALL);
}

/* libzmq's context is not to be shared with a child: whoever asks is one of its own. 0: as expected, else where not. */
static void succeeds_in_child(const struct place *place, int (*ask)(const struct place *place))
{
    pid_t child = fork();
    if (child == 0)
        _exit(ask(place));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int ask_in_child(const struct place *place)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    struct asked asked = {.loop = loop};
    struct bus *bus;
    struct bus_peer *peer;
    if (bus_open(loop, place->config, "operator", &bus) || bus_connect(bus, place->config->instances[0], &peer))
        return 10;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    Hb__Query query = HB__QUERY__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    bus_request(peer, &request, 10000, on_reply, &asked);
    if (asked.done)
        return 11; /* never from inside the call */
    ev_run(loop, 0);
    char expected[100];
    snprintf(expected, sizeof expected, "operator %d", BUS_RIGHT_CONTROL | BUS_RIGHT_QUERY);
    if (asked.done != 1 || asked.err || strcmp(asked.text, expected) != 0)
        return 12;
    request.kind_case = BUS__REQUEST__KIND_QUERY;
    request.query = &query;
    double began = ev_time();
    unsigned woken = ev_iteration(loop);
    bus_request(peer, &request, 1000, on_reply, &asked);
    ev_run(loop, 0);
    double waited = ev_time() - began;
    woken = ev_iteration(loop) - woken;
    if (asked.done != 2 || asked.err != ERR_TIMEOUT)
        return 13;
    return waited < 0.95 || waited > 3. ? 14 : woken > 10 ? 15 : 0; /* who waits, sleeps */
}

static void our_own_ask_and_time_out(void **state)
{
    succeeds_in_child(*state, ask_in_child);
}

/* A reply that is too long is refused: sent, it would end the connection of whoever asked. */
static int ask_long_in_child(const struct place *place)
{
    static const size_t sizes[] = {BUS_REPLY_BYTES_MAX - 16, BUS_REPLY_BYTES_MAX, BUS_MESSAGE_BYTES_MAX, 5u << 20, 10};
    static const bool fits[] = {true, false, false, false, true};
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    struct asked asked = {.loop = loop};
    struct bus *bus;
    struct bus_peer *peer;
    char key[20];
    if (bus_open(loop, place->config, "operator", &bus) || bus_connect(bus, place->config->instances[0], &peer))
        return 10;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__HOLD;
    control.key = key;
    for (int i = 0; i < 5; i++) {
        snprintf(key, sizeof key, "%zu", sizes[i]);
        bus_request(peer, &request, 10000, on_reply, &asked);
        ev_run(loop, 0);
        if (asked.err)
            return 20 + i;
        if (asked.refused != (fits[i] ? 0 : 500) || (fits[i] && asked.size != sizes[i]))
            return 30 + i;
    }
    return 0;
}

static void a_reply_that_is_too_long_is_refused(void **state)
{
    succeeds_in_child(*state, ask_long_in_child);
}

/* Each answer is that to its own request, of a service and an asker who are both interrupted all the time: libzmq looks
   at each hundredth frame of a socket, which is the second of a message to a service. */
static int ask_interrupted_in_child(const struct place *place)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    struct asked asked = {.loop = loop};
    struct bus *bus;
    struct bus_peer *peer;
    char key[20];
    signals = true;
    if (bus_open(loop, place->config, "operator", &bus) || bus_connect(bus, place->config->instances[0], &peer))
        return 10;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__HOLD;
    control.key = key;
    for (unsigned i = 1; i <= 400; i++) {
        snprintf(key, sizeof key, "%u", i);
        bus_request(peer, &request, 10000, on_reply, &asked);
        ev_run(loop, 0);
        if (asked.done != i || asked.err || asked.refused || asked.size != i)
            return asked.err ? 11 : 12;
    }
    return 0;
}

static void a_signal_mixes_up_no_messages(void **state)
{
    succeeds_in_child(*state, ask_interrupted_in_child);
}

/* Two requests are under way when the service dies: both end, each once, and the next service answers. */
static int restart_in_child(const struct place *place, int told[2])
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    struct asked first = {.loop = loop}, second = {.loop = loop};
    struct bus *bus;
    struct bus_peer *peer;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    if (bus_open(loop, place->config, "operator", &bus) || bus_connect(bus, place->config->instances[0], &peer))
        return 10;
    bus_request(peer, &request, 10000, on_reply, &first);
    ev_run(loop, 0);
    char byte = 'x';
    if (first.err || write(told[1], &byte, 1) != 1)
        return 11;
    usleep(500000); /* meanwhile it is killed and another one started */
    for (unsigned tries = 0; tries < 20; tries++) {
        bus_request(peer, &request, 1000, on_reply, &second);
        ev_run(loop, 0);
        if (second.done != tries + 1)
            return 12;
        if (!second.err)
            return 0;
    }
    return 13;
}

static void a_new_service_is_found_again(void **state)
{
    struct place *place = *state;
    int told[2], status;
    char byte;
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(restart_in_child(place, told));
    assert_int_equal(read(told[0], &byte, 1), 1);
    kill(place->service, SIGKILL);
    waitpid(place->service, &status, 0);
    place->service = fork();
    if (place->service == 0)
        serve(place);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(told[0]);
    close(told[1]);
}

/* Knocks with a key that the service does not know, tells the parent, and goes on until it is let in. */
static int knock_until_let_in(const struct place *place, int told)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    struct asked asked = {.loop = loop};
    struct bus *bus;
    struct bus_peer *peer;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    if (bus_open(loop, place->config, "late", &bus) || bus_connect(bus, place->config->instances[0], &peer))
        return 10;
    for (unsigned tries = 0; tries < 30; tries++) { /* of libzmq's own attempts one in two is the last */
        bus_request(peer, &request, 100, on_reply, &asked);
        ev_run(loop, 0);
        if (!asked.err)
            return 11;
    }
    char byte = 'x';
    if (!bus_peer_refuses(peer) || write(told, &byte, 1) != 1)
        return 12;
    for (unsigned tries = 0; tries < 20; tries++) {
        bus_request(peer, &request, 1000, on_reply, &asked);
        ev_run(loop, 0);
        if (!asked.err)
            return bus_peer_refuses(peer) ? 13 : 0;
    }
    return 14;
}

/* The service is given a configuration that names the key, later than whoever has it was started. */
static void who_was_refused_knocks_again(void **state)
{
    struct place *place = *state;
    int told[2], status;
    char byte;
    write_config(place, "  - {name: late, rights: [control]}\n");
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        close(told[0]);
        _exit(knock_until_let_in(place, told[1]));
    }
    close(told[1]);
    assert_int_equal(read(told[0], &byte, 1), 1);
    kill(place->service, SIGKILL);
    waitpid(place->service, &status, 0);
    place->service = fork();
    if (place->service == 0)
        serve(place);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(told[0]);
}

/* Asks what is answered late, and leaves: the reply to POSITION, asked later on the same connection, shows that it
 * came. */
static int leave_in_child(const struct place *place)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    struct asked query = {.loop = loop}, position = {.loop = loop};
    struct bus *bus;
    struct bus_peer *peer;
    if (bus_open(loop, place->config, "operator", &bus) || bus_connect(bus, place->config->instances[0], &peer))
        return 10;
    Bus__Request request = BUS__REQUEST__INIT;
    Hb__Query nothing = HB__QUERY__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_QUERY;
    request.query = &nothing;
    bus_request(peer, &request, 60000, on_reply, &query);
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    bus_request(peer, &request, 10000, on_reply, &position);
    ev_run(loop, 0);
    return position.done == 1 && !position.err && !query.done ? 0 : 11;
}

/* Asks for the count until it moves; 13: it does not. */
static int count_in_child(const struct place *place)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    struct asked status = {.loop = loop};
    struct bus *bus;
    struct bus_peer *peer;
    if (bus_open(loop, place->config, "operator", &bus) || bus_connect(bus, place->config->instances[0], &peer))
        return 10;
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    control.what = BUS__CONTROL__WHAT__STATUS;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    for (unsigned tries = 0; tries < 500; tries++) {
        bus_request(peer, &request, 10000, on_reply, &status);
        ev_run(loop, 0);
        if (status.err)
            return 12;
        if (strcmp(status.text, "operator 0") != 0)
            return 0;
        usleep(10000); /* its connection may not be closed yet */
    }
    return 13;
}

/* Asks for far more than waits for it anywhere, and reads nothing. */
static _Noreturn void ask_and_not_read(const struct place *place)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_DEALER);
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    uint8_t body[100];
    int one = 1;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__HOLD;
    control.key = "30000";
    size_t size = bus__request__pack(&request, body);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &one, sizeof one);
    if (!knock_keys(socket, place, KNOCK_KNOWN_KEY) || zmq_connect(socket, place->endpoint))
        _exit(1);
    for (unsigned i = 0; i < 3000; i++)
        zmq_send(socket, body, size, 0);
    pause();
    _exit(0);
}

static void a_reply_to_who_does_not_read_is_noted(void **state)
{
    const struct place *place = *state;
    pid_t child = fork();
    if (child == 0)
        ask_and_not_read(place);
    for (unsigned i = 0; i < 2000 && !noted(place, "\"event\":\"answer_dropped\""); i++)
        usleep(10000);
    assert_true(noted(place, "\"event\":\"answer_dropped\"") >= 1);
    assert_true(noted(place, "\"peer\":\"operator\"") >= 1);
    assert_int_equal(knock(place, KNOCK_KNOWN_KEY), 1); /* others are answered meanwhile */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void a_reply_to_who_has_gone_is_counted(void **state)
{
    const struct place *place = *state;
    int (*const parts[])(const struct place *) = {leave_in_child, count_in_child};
    for (unsigned i = 0; i < 2; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(parts[i](place));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_int_equal(noted(place, "answer_dropped"), 0); /* he is not slow */
}

#define OVER_BOTH(test)                                                                                                \
    cmocka_unit_test_setup_teardown(test, setup_ipc, teardown),                                                        \
        cmocka_unit_test_setup_teardown(test, setup_tcp, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(only_known_keys_are_let_in),
        OVER_BOTH(a_signal_closes_the_door_to_nobody),
        OVER_BOTH(what_is_not_a_request_is_refused),
        OVER_BOTH(our_own_ask_and_time_out),
        OVER_BOTH(a_reply_that_is_too_long_is_refused),
        OVER_BOTH(a_new_service_is_found_again),
        OVER_BOTH(who_was_refused_knocks_again),
        OVER_BOTH(a_reply_to_who_has_gone_is_counted),
        OVER_BOTH(a_reply_to_who_does_not_read_is_noted),
        cmocka_unit_test_setup_teardown(a_signal_mixes_up_no_messages, setup_signals, teardown)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
