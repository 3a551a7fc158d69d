/* The open door: bytes of a stranger on a TCP connection, into the gateway's own HTTP server, and through the bus to
   all eight services in the simulator. What stands in the input is sent as it is, but @TOKEN@, @COOKIE@ and @ID@ become
   a form's token, a complainant's cookie and a case's id, which no mutation could guess (@FILES@: the token of the form
   for files; @LENGTH@: that of the body, then). The gateway answers and lives on; a problem document is one; a page
   holds no markup of foreign making; nothing is answered with 500. Files are looked at by another program, whose place
   is taken by a line below: what it does with them is fuzz_inspect's. The corpus knows every route. */
#include "fuzz.h"

#include "account_limit.h"
#include "auth.h"
#include "cell.h"
#include "events.h"
#include "group.h"
#include "inspection.h"
#include "message/message.h"
#include "policies.h"
#include "policy_tool.h"
#include "portal.h"
#include "portal_session.h"
#include "problem.h"
#include "routes.h"
#include "sites.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */
#define MEMORY_MAX (16u << 20)   /* one request to the gateway and all services behind it: 4.3 MB over the corpus */
#define SENT_BYTES_MAX (64u << 10)
#define ANSWER_BYTES_MAX (1u << 20)
#define ROUNDS_MAX 5000 /* of a millisecond: what has no answer by then never has */
#define QUIET_ROUNDS_MAX 5u
#define HALF_ROUNDS 30u
#define STREAM_ROUNDS_MAX 30u /* a live stream has no end */
#define FOREIGN "<hbx"        /* in texts of the dictionary: must never be markup in a page */

static struct gateway gateway;
static struct group group;
static struct portal_keys keys;
static uint64_t case_id;
static char tracking_code[128], case_number[64];
static void *router; /* all services behind one endpoint */
static int64_t now_ms = START_MS;
static uint64_t served; /* questions of the gateway to the services */

int64_t gateway_now_ms(void) /* instead of the gateway's own, both clocks: virtual */
{
    return now_ms;
}

int64_t gateway_boot_ms(void)
{
    return now_ms;
}

/* Instead of the gateway's own: a process for each file would take all the time. Files that begin so are refused. */
void __wrap_inspection_ask(struct http_request *request, struct bytes file, const char *claimed, const char *extension,
                           inspection_fn *done, void *context);
void __wrap_inspection_ask(struct http_request *request, struct bytes file, const char *claimed, const char *extension,
                           inspection_fn *done, void *context)
{
    must(claimed && extension && file.size && request->gateway->inspections);
    const Hb__Refusal *refused =
        file.data[0] == 'x' ? problem_new(request, 415, "unsupported_type", "不接受", "not taken") : NULL;
    done(request, context, refused, "text/plain", refused ? (struct bytes){0} : file);
}

/* ---- the services ---- */

static Hb__Service service_of(const Bus__Request *request)
{
    if (request->kind_case == BUS__REQUEST__KIND_COMMAND)
        switch (request->command->payload_case) {
        case HB__COMMAND__PAYLOAD_DIRECTORY:
            return HB__SERVICE__DIRECTORY;
        case HB__COMMAND__PAYLOAD_INTAKE:
            return HB__SERVICE__INTAKE;
        case HB__COMMAND__PAYLOAD_NOTIFICATION:
            return HB__SERVICE__NOTIFICATION;
        default:
            return HB__SERVICE__CASEWORK;
        }
    if (request->kind_case == BUS__REQUEST__KIND_QUERY && request->query->payload_case == HB__QUERY__PAYLOAD_CHAIN)
        return HB__SERVICE__CASEWORK;                   /* any has it */
    if (request->kind_case == BUS__REQUEST__KIND_QUERY) /* the arms are numbered as the services are */
        return (Hb__Service)((int)request->query->payload_case - HB__QUERY__PAYLOAD_DIRECTORY + HB__SERVICE__DIRECTORY);
    return HB__SERVICE__CASEWORK;
}

struct question {
    uint8_t route[64];
    size_t route_size;
    uint64_t id;
};

static void on_answered(void *context, enum err err, const Bus__Reply *reply)
{
    struct question *question = context;
    must(err == ERR_NONE);
    struct arena arena;
    arena_init(&arena);
    Bus__Reply own = *reply;
    own.id = question->id;
    struct bytes packed = message_pack((ProtobufCMessage *)&own, &arena);
    must(zmq_send(router, question->route, question->route_size, ZMQ_SNDMORE) >= 0);
    must(zmq_send(router, packed.data, packed.size, 0) >= 0);
    arena_fini(&arena);
    free(question);
}

static bool serve_one(void)
{
    struct question *question = calloc(1, sizeof *question);
    zmq_msg_t body;
    must(question);
    int size = zmq_recv(router, question->route, sizeof question->route, ZMQ_DONTWAIT);
    if (size < 0) {
        free(question);
        return false;
    }
    question->route_size = (size_t)size;
    zmq_msg_init(&body);
    must(zmq_msg_recv(&body, router, 0) >= 0);
    struct arena arena;
    ProtobufCMessage *message;
    char *why;
    arena_init(&arena);
    enum err err = message_unpack(&bus__request__descriptor, bytes_of(zmq_msg_data(&body), zmq_msg_size(&body)), &arena,
                                  &message, &why);
    if (err) { /* what the real bus does */
        Hb__Refusal refusal = HB__REFUSAL__INIT;
        Hb__Label text = HB__LABEL__INIT;
        Bus__Reply reply = BUS__REPLY__INIT;
        refusal.status = 413;
        refusal.code = (char *)(uintptr_t) "too_large";
        refusal.text = &text;
        reply.kind_case = BUS__REPLY__KIND_REFUSED;
        reply.refused = &refusal;
        must(err == ERR_TOO_LARGE && zmq_msg_size(&body) > 1);
        question->id = 0;
        on_answered(question, ERR_NONE, &reply);
    } else {
        Bus__Request *request = (Bus__Request *)message;
        question->id = request->id;
        simulation_ask(group.simulation, service_of(request), request, 60000, on_answered, question);
        must(simulation_settle(group.simulation, 60000));
    }
    zmq_msg_close(&body);
    arena_fini(&arena);
    served++;
    return true;
}

/* ---- opening ---- */

static void open_group(struct arena *arena)
{
    Hb__Command command = HB__COMMAND__INIT;
    Hb__Actor actor = HB__ACTOR__INIT;
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__Organise organise = DIRECTORY__ORGANISE__INIT;
    Directory__AccountSecret secret = DIRECTORY__ACCOUNT_SECRET__INIT, *secrets[] = {&secret};
    uint8_t hash[32];
    group_open(&group, arena_printf(arena, "%s/group", fuzz_folder()), 7, START_MS, (struct simulation_faults){0});
    group_found(&group, "PROP-11");
    crypto_generichash(hash, sizeof hash, (const uint8_t *)"fuzz", 4, NULL, 0);
    secret.account = (char *)(uintptr_t) "chen";
    secret.token_hash = (ProtobufCBinaryData){sizeof hash, hash};
    organise.secrets = secrets;
    organise.n_secrets = 1;
    directory.kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    directory.organise = &organise;
    actor.operator_ = true;
    command.account = command.site = (char *)(uintptr_t) "haitang";
    command.id = arena_printf(arena, "%013" PRId64 "-token", simulation_now(group.simulation));
    command.actor = &actor;
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = &directory;
    const Hb__CommandReply *reply = simulation_command(group.simulation, HB__SERVICE__DIRECTORY, &command, arena);
    must(reply && !reply->refused);
    reply = group_submit(&group, "complaint", "noise", FOREIGN " 楼上半夜装修", NULL);
    must(reply && !reply->refused && reply->submitted);
    case_id = reply->case_id;
    snprintf(tracking_code, sizeof tracking_code, "%s", reply->submitted->tracking_code);
    snprintf(case_number, sizeof case_number, "%s", reply->submitted->number);
}

static void add_instance(Config__Config *config, Hb__Service service, struct arena *arena)
{
    Config__Instance *made = arena_alloc(arena, sizeof *made);
    config__instance__init(made);
    made->service = service;
    made->endpoint = arena_printf(arena, "ipc://%s/services", fuzz_folder());
    config->instances = arena_grow(arena, config->instances, config->n_instances, sizeof *config->instances);
    config->instances[config->n_instances++] = made;
}

static void open_router(const Config__Config *config)
{
    char secret[41];
    int on = 1;
    must(config_secret(config, "directory-0", secret) == ERR_NONE);
    router = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER);
    must(router && zmq_setsockopt(router, ZMQ_CURVE_SERVER, &on, sizeof on) == 0);
    must(zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, secret, 41) == 0);
    must(zmq_bind(router, config->instances[0]->endpoint) == 0);
}

static Config__Config *make_config(struct arena *arena)
{
    bool changed;
    Config__Config *config = arena_alloc(arena, sizeof *config);
    config__config__init(config);
    config->secrets = arena_printf(arena, "%s/secrets", fuzz_folder());
    config->http = arena_alloc(arena, sizeof *config->http);
    config__http__init(config->http);
    config->limits = arena_alloc(arena, sizeof *config->limits); /* who waits is an input lost */
    config__limits__init(config->limits);
    config->limits->reads = config->limits->writes = config->limits->address = 1000000;
    for (int service = HB__SERVICE__DIRECTORY; service <= HB__SERVICE__GATEWAY; service++)
        add_instance(config, (Hb__Service)service, arena);
    must(config_keys_create(config, arena, &changed) == ERR_NONE);
    for (size_t i = 0; i + 1 < config->n_instances; i++) /* one router stands for all */
        config->instances[i]->public_key = config->instances[0]->public_key;
    return config;
}

/* ---- the corpus ---- */

/* "/api/v1/cases/{id}" against "/api/v1/cases/@ID@?site=..." */
static bool is_of(const char *pattern, const char *path)
{
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t value = strcspn(path, "/? ");
        if (!value)
            return false;
        pattern += strcspn(pattern, "}") + 1;
        path += value;
    }
    return *path == ' ' || *path == '?';
}

/* As the gateway finds it: the first of the table. NULL: none. */
static const struct route *route_of(const char *line)
{
    for (size_t i = 0; i < routes_count; i++) {
        size_t method = strlen(routes[i].method);
        if (strncmp(line, routes[i].method, method) == 0 && line[method] == ' ' &&
            is_of(routes[i].pattern, line + method + 1))
            return &routes[i];
    }
    return NULL;
}

/* A route without an input of its own would be looked at by nobody, and nobody would see that. */
static void check_corpus(struct arena *arena)
{
    const char *path = SOURCE_DIR "/tests/fuzz/corpus/gateway";
    bool *known = arena_zero(arena, routes_count * sizeof *known);
    DIR *folder = opendir(path);
    must(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char line[512] = "";
        FILE *file = fopen(arena_printf(arena, "%s/%s", path, entry->d_name), "re");
        must(file);
        const struct route *route = fgets(line, sizeof line, file) ? route_of(line) : NULL;
        if (route)
            known[route - routes] = true;
        fclose(file);
    }
    closedir(folder);
    for (size_t i = 0; i < routes_count; i++)
        if (!known[i]) {
            dprintf(2, "%s has no input for %s %s\n", path, routes[i].method, routes[i].pattern);
            must(!"every route has an input");
        }
}

/* As services/gateway/main.c does. */
static void open_gateway(void)
{
    char *why = NULL, secret[41];
    arena_init(&gateway.arena);
    check_corpus(&gateway.arena);
    gateway.config = make_config(&gateway.arena);
    gateway.loop = ev_default_loop(EVFLAG_NOENV);
    gateway.metrics = metrics_new();
    open_router(gateway.config);
    must(bus_open(gateway.loop, gateway.config, "gateway-0", &gateway.bus) == ERR_NONE);
    must(cell_open(&gateway, &gateway.cell, &why) == ERR_NONE);
    gateway.sites = sites_open(&gateway);
    gateway.auth = auth_open(&gateway);
    gateway.account_limits = account_limits_open(&gateway);
    gateway.policies = policies_open(&gateway);
    gateway.events = events_open(&gateway);
    gateway.inspections = inspections_open(&gateway);
    gateway.policy_tools = policy_tools_open(&gateway);
    must(portal_open(&gateway, &gateway.portal) == ERR_NONE);
    must(http_open(&gateway, &gateway.http, &why) == ERR_NONE);
    must(config_secret(gateway.config, "gateway-0", secret) == ERR_NONE);
    portal_keys_derive(secret, &keys);
    open_group(&gateway.arena);
    stderr = fopen("/dev/null", "we"); /* the access log; sanitizers and `must` write to the descriptor */
    must(stderr);
}

/* ---- sending and reading ---- */

#define BROWSER "00000000000000000000000000000000" /* the cookie of that name, where a form is sent */

static char *cookie(struct arena *arena)
{
    Gatewayrec__Session session = GATEWAYREC__SESSION__INIT;
    session.since_ms = now_ms;
    session.case_id = case_id;
    session.site = (char *)(uintptr_t) "haitang";
    session.number = case_number;
    session.tracking_code = tracking_code;
    return session_seal(&keys, &session, arena);
}

/* How long the body has become; of eight digits, as long as what stands there. */
static void fill_in_length(char *sent, size_t size)
{
    static const char place[] = "@LENGTH@";
    sent[size] = 0;
    char *at = memmem(sent, size, place, strlen(place)), *body = memmem(sent, size, "\r\n\r\n", 4);
    char digits[32];
    if (!at || !body || at > body)
        return;
    snprintf(digits, sizeof digits, "%08zu", size - (size_t)(body + 4 - sent));
    memcpy(at, digits, strlen(place));
}

static size_t fill_in(const uint8_t *data, size_t size, char *sent, struct arena *arena)
{
    const char *files = arena_printf(arena, "files:%016" PRIx64, case_id);
    const struct {
        const char *place, *text;
    } filled[] = {{"@TOKEN@", form_token_make(&keys, "submit " BROWSER, now_ms, arena)},
                  {"@FILES@", form_token_make(&keys, files, now_ms, arena)},
                  {"@NUMBER@", case_number},
                  {"@COOKIE@", cookie(arena)},
                  {"@CODE@", tracking_code},
                  {"@ID@", arena_printf(arena, "%" PRIu64, case_id)}};
    size_t used = 0;
    for (size_t i = 0; i < size && used < SENT_BYTES_MAX; i++) {
        size_t f = 0, length = 0;
        for (; f < sizeof filled / sizeof *filled; f++) {
            length = strlen(filled[f].place);
            if (size - i >= length && memcmp(data + i, filled[f].place, length) == 0)
                break;
        }
        if (f == sizeof filled / sizeof *filled) {
            sent[used++] = (char)data[i];
            continue;
        }
        size_t text = strlen(filled[f].text);
        if (used + text > SENT_BYTES_MAX)
            break;
        memcpy(sent + used, filled[f].text, text);
        used += text;
        i += length - 1;
    }
    fill_in_length(sent, used);
    return used;
}

static int connect_to_gateway(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(gateway.http))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

/* A figure of the gateway's own. */
static uint64_t figure(const char *name)
{
    struct arena arena;
    arena_init(&arena);
    const char *line = strstr(metrics_print(gateway.metrics, &arena), arena_printf(&arena, "\n%s{", name));
    const char *value = line ? strchr(line, '}') : NULL;
    must(value);
    uint64_t number = strtoull(value + 1, NULL, 10);
    arena_fini(&arena);
    return number;
}

static bool turn_world(void)
{
    bool busy = false;
    ev_run(gateway.loop, EVRUN_NOWAIT);
    while (serve_one()) {
        busy = true;
        ev_run(gateway.loop, EVRUN_NOWAIT);
    }
    return busy;
}

/* Sends, and reads all that is answered until the gateway closes. Returns its size. */
static size_t exchange(const char *sent, size_t size, char *answer)
{
    int fd = connect_to_gateway();
    size_t got = 0, put = 0;
    unsigned streamed = 0, quiet = 0;
    for (int round = 0; got < ANSWER_BYTES_MAX && streamed < STREAM_ROUNDS_MAX; round++) {
        ssize_t n = put < size ? send(fd, sent + put, size - put, MSG_NOSIGNAL) : 0;
        put += n > 0 ? (size_t)n : 0;
        bool busy = turn_world();
        n = recv(fd, answer + got, ANSWER_BYTES_MAX - got, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        got += n > 0 ? (size_t)n : 0;
        answer[got] = 0;
        streamed += strstr(answer, "\r\nContent-Type: text/event-stream") != NULL;
        quiet = busy || n > 0 ? 0 : quiet + 1;
        if (quiet)
            ev_sleep(0.001);
        bool idle = quiet > QUIET_ROUNDS_MAX && served >= figure("hearback_asked_total");
        if (idle && (quiet > HALF_ROUNDS || !figure("hearback_http_open")))
            break; /* half a request: nobody waits for an answer */
        must(round < ROUNDS_MAX);
    }
    close(fd);
    for (int round = 0; figure("hearback_http_open"); round++) { /* the gateway sees that the client has gone */
        now_ms += 100;                                           /* of a live stream when it wants to keep it alive */
        if (!turn_world())
            ev_sleep(0.001);
        must(round < ROUNDS_MAX);
    }
    answer[got] = 0;
    return got;
}

/* ---- what must hold ---- */

static bool has_type(const char *head, const char *type)
{
    const char *line = strcasestr(head, "\r\nContent-Type:");
    return line && strncmp(line + 15 + strspn(line + 15, " "), type, strlen(type)) == 0;
}

static void check_problem(const char *body, long status)
{
    json_error_t error;
    json_t *problem = json_loads(body, JSON_DISABLE_EOF_CHECK, &error);
    must(problem);
    must(json_integer_value(json_object_get(problem, "status")) == status);
    must(json_is_string(json_object_get(problem, "type")) && json_is_string(json_object_get(problem, "title")));
    must(json_is_string(json_object_get(problem, "zh")) && json_is_string(json_object_get(problem, "en")));
    json_decref(problem);
}

/* The first answer of the connection: whole when its length is told and has come. */
static void check(char *answer, size_t size, bool head)
{
    long status = 0;
    if (size == 0)
        return; /* closed without a word: it was no HTTP */
    must(sscanf(answer, "HTTP/1.%*1[01] %3ld", &status) == 1 && status >= 200 && status < 600);
    char *body = strstr(answer, "\r\n\r\n");
    if (!body)
        return;
    *body = 0;
    body += 4;
    const char *length = strcasestr(answer, "\r\nContent-Length:");
    size_t came = size - (size_t)(body - answer), told = length ? strtoul(length + 17, NULL, 10) : 0;
    must(status != 500);
    if (!length || came < told || head) /* to HEAD only the length is told; what follows is the next answer */
        return;
    body[told] = 0;
    if (has_type(answer, "application/problem+json") && told)
        check_problem(body, status);
    if (has_type(answer, "text/html")) {
        must(utf8_valid(body, told));
        must(!strstr(body, FOREIGN));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char sent[SENT_BYTES_MAX + 1], answer[ANSWER_BYTES_MAX + 1];
    struct arena arena;
    if (!gateway.http)
        open_gateway();
    fuzz_memory_begin();
    arena_init(&arena);
    now_ms += 31000; /* past what is kept for seconds, and no limit of tries is met */
    simulation_run(group.simulation, now_ms);
    size_t filled = fill_in(data, size, sent, &arena);
    size_t got = exchange(sent, filled, answer);
    check(answer, got, strncasecmp(sent, "HEAD ", 5) == 0);
    arena_fini(&arena);
    fuzz_memory_end_within(MEMORY_MAX);
    return 0;
}
