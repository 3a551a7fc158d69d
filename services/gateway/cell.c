#include "cell.h"

#include "message/message.h"
#include "problem.h"
#include "service/service.h"
#include "sites.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define TOLD_MS                                                                                                        \
    60000 /* a service that has not heard directory by then is in trouble of its own: it is asked all the same */

struct cell_peer {
    const Config__Instance *instance;
    struct bus_peer *peer;
};

struct cell {
    struct cell_peer *peers;
    size_t count;
    Hb__Position told; /* where directory's log stood when it last carried out a command for us */
    Hb__LogId told_log;
    int64_t told_ms;
    struct {
        uint64_t asked, unanswered;
    } counts;
};

/* ---- instances ---- */

enum err cell_open(struct gateway *gateway, struct cell **cell_out, char **why_out)
{
    const Config__Config *config = gateway->config;
    struct cell *cell = arena_zero(&gateway->arena, sizeof *cell);
    hb__position__init(&cell->told);
    hb__log_id__init(&cell->told_log);
    cell->told.log = &cell->told_log;
    cell->peers = arena_zero(&gateway->arena, (config->n_instances + 1) * sizeof *cell->peers);
    for (size_t i = 0; i < config->n_instances; i++) {
        if (config->instances[i]->service == HB__SERVICE__GATEWAY)
            continue;
        struct cell_peer *peer = &cell->peers[cell->count++];
        peer->instance = config->instances[i];
        enum err err = bus_connect(gateway->bus, peer->instance, &peer->peer);
        if (err) {
            *why_out =
                arena_printf(&gateway->arena, "cannot connect to %s at %s: %s",
                             config_service_name(peer->instance->service), peer->instance->endpoint, err_text(err));
            return err;
        }
    }
    static const char labels[] = "service=\"gateway\",partition=\"0\"";
    metrics_add(gateway->metrics, METRIC_COUNTER, "hearback_asked_total", "Questions and commands to the services",
                labels, &cell->counts.asked);
    metrics_add(gateway->metrics, METRIC_COUNTER, "hearback_unanswered_total", "Of these, not answered in time", labels,
                &cell->counts.unanswered);
    *cell_out = cell;
    return ERR_NONE;
}

static struct bus_peer *peer_of(const struct cell *cell, Hb__Service service, uint32_t bucket)
{
    for (size_t i = 0; i < cell->count; i++) {
        const Config__Instance *instance = cell->peers[i].instance;
        if (instance->service == service && instance->bucket_from <= bucket && bucket < config_bucket_end(instance))
            return cell->peers[i].peer;
    }
    return NULL;
}

/* The partitions of a service, in the order of their buckets. */
static const struct cell_peer *peer_at(const struct cell *cell, Hb__Service service, size_t index)
{
    uint32_t bucket = 0;
    for (;;) {
        size_t i = 0;
        while (i < cell->count &&
               (cell->peers[i].instance->service != service || cell->peers[i].instance->bucket_from != bucket))
            i++;
        if (i == cell->count || index-- == 0)
            return i == cell->count ? NULL : &cell->peers[i];
        bucket = config_bucket_end(cell->peers[i].instance);
    }
}

size_t cell_partitions(const struct gateway *gateway, Hb__Service service)
{
    size_t count = 0;
    while (peer_at(gateway->cell, service, count))
        count++;
    return count;
}

uint32_t cell_partition(const struct gateway *gateway, Hb__Service service, size_t index)
{
    const struct cell_peer *found = peer_at(gateway->cell, service, index);
    return found ? found->instance->partition : 0;
}

/* Where a case or a site lives. */
static uint32_t bucket_of(const struct http_request *request, uint64_t case_id, const char *site)
{
    return case_id ? case_id_bucket(case_id) : sites_bucket(request->gateway, site);
}

/* ---- asking ---- */

struct cell_asked {
    struct http_request *request;
    Hb__Service service;
    const Config__Instance *instance;
    void *context;
    int arm, kind; /* of the query, and so of its reply: proto/hearback gives both the same numbers */
    cell_query_fn *query_done;
    cell_command_fn *command_done;
    cell_control_fn *control_done;
};

static struct cell_asked *asked_new(struct http_request *request, Hb__Service service, void *context)
{
    struct cell_asked *asked = arena_zero(&request->arena, sizeof *asked);
    *asked = (struct cell_asked){.request = request, .service = service, .context = context};
    return asked;
}

static void send_to(struct http_request *request, struct bus_peer *peer, Bus__Request *message, bus_done_fn *done,
                    struct cell_asked *asked)
{
    request->gateway->cell->counts.asked++;
    http_hold(request);
    bus_request(peer, message, request->answer_within_ms ? request->answer_within_ms : CELL_TIMEOUT_MS, done, asked);
}

const Hb__Refusal *cell_refuse_down(struct http_request *request, Hb__Service service)
{
    const char *name = config_service_name(service);
    Hb__Refusal *refusal =
        problem_new(request, 503, "service_down", arena_printf(&request->arena, "服务 %s 没有应答，请稍后再试", name),
                    arena_printf(&request->arena, "the service %s does not answer; try again shortly", name));
    refusal->field = arena_strdup(&request->arena, name);
    return refusal;
}

static const Hb__Refusal *refuse_down(const struct cell_asked *asked)
{
    asked->request->gateway->cell->counts.unanswered++;
    return cell_refuse_down(asked->request, asked->service);
}

static const Hb__Refusal *refusal_kept(struct http_request *request, const Hb__Refusal *refusal)
{
    return (const Hb__Refusal *)message_copy(&refusal->base, &request->arena);
}

static const Hb__Refusal *refuse_odd(const struct cell_asked *asked)
{
    return problem_new(asked->request, 500, "not_understood", "服务的应答无法理解",
                       "the service gave an answer of another kind");
}

/* ---- what directory was told ---- */

/* Whoever publishes a policy or ends a right expects it of whatever is asked next, by whomever: not only of those who
   bring the Hearback-After of that command. So its position goes with every question for a while. */
static void remember_told(struct cell *cell, const Hb__CommandReply *answer)
{
    for (size_t i = 0; i < answer->n_after; i++) {
        const Hb__Position *after = answer->after[i];
        if (after->log->service != HB__SERVICE__DIRECTORY)
            continue;
        if (after->log->epoch == cell->told_log.epoch && after->offset <= cell->told.offset)
            continue;
        cell->told_log.cell = after->log->cell;
        cell->told_log.service = after->log->service;
        cell->told_log.partition = after->log->partition;
        cell->told_log.epoch = after->log->epoch;
        cell->told.offset = after->offset;
        cell->told_ms = gateway_now_ms();
    }
}

/* What the answer must have seen: what the client has, and what directory was told. */
static Hb__Position **after_with_told(struct http_request *request, size_t *count_out)
{
    struct cell *cell = request->gateway->cell;
    *count_out = request->n_after;
    if (!cell->told.offset || gateway_now_ms() - cell->told_ms > TOLD_MS)
        return request->after;
    Hb__Position **after = arena_alloc(&request->arena, (request->n_after + 1) * sizeof *after);
    if (request->n_after)
        memcpy(after, request->after, request->n_after * sizeof *after);
    after[(*count_out)++] = &cell->told;
    return after;
}

int64_t cell_told_ms(const struct gateway *gateway)
{
    return gateway->cell->told_ms;
}

/* ---- queries ---- */

static int arm_of(const ProtobufCMessage *message)
{
    int arm;
    memcpy(&arm, (const char *)message + message->descriptor->fields[0].quantifier_offset, sizeof arm);
    return arm;
}

static bool is_expected(const struct cell_asked *asked, const Hb__QueryReply *reply)
{
    return (int)reply->payload_case == asked->arm && arm_of((const ProtobufCMessage *)reply->directory) == asked->kind;
}

static void on_query(void *context, enum err err, const Bus__Reply *reply)
{
    struct cell_asked *asked = context;
    struct http_request *request = asked->request;
    const Hb__Refusal *refused = NULL;
    const Hb__QueryReply *answer = NULL;
    if (err)
        refused = refuse_down(asked);
    else if (reply->kind_case == BUS__REPLY__KIND_REFUSED)
        refused = refusal_kept(request, reply->refused);
    else if (reply->kind_case == BUS__REPLY__KIND_QUERY && reply->query->refused)
        refused = refusal_kept(request, reply->query->refused);
    else if (reply->kind_case != BUS__REPLY__KIND_QUERY || !is_expected(asked, reply->query))
        refused = refuse_odd(asked);
    else
        answer = (const Hb__QueryReply *)message_copy(&reply->query->base, &request->arena);
    asked->query_done(request, asked->context, refused, answer);
    http_release(request);
}

static void query_peer(struct http_request *request, struct bus_peer *peer, Hb__Service service, Hb__Query *query,
                       cell_query_fn *done, void *context)
{
    struct cell_asked *asked = asked_new(request, service, context);
    Bus__Request message = BUS__REQUEST__INIT;
    asked->query_done = done;
    asked->arm = (int)query->payload_case;
    asked->kind = arm_of((const ProtobufCMessage *)query->directory); /* all arms share one pointer */
    message.kind_case = BUS__REQUEST__KIND_QUERY;
    message.query = query;
    if (peer)
        send_to(request, peer, &message, on_query, asked);
    else
        done(request, context, refuse_down(asked), NULL);
}

void cell_query_own(struct http_request *request, Hb__Service service, Hb__Query *query, cell_query_fn *done,
                    void *context)
{
    uint32_t bucket = bucket_of(request, query->case_id, query->site);
    query_peer(request, peer_of(request->gateway->cell, service, bucket), service, query, done, context);
}

static void fill_in(struct http_request *request, Hb__Query *query)
{
    bug_unless(request->actor); /* without one the services would answer as to the gateway itself */
    query->actor = request->actor;
    query->after = after_with_told(request, &query->n_after);
}

void cell_query_at(struct http_request *request, Hb__Service service, size_t index, Hb__Query *query,
                   cell_query_fn *done, void *context)
{
    const struct cell_peer *found = peer_at(request->gateway->cell, service, index);
    fill_in(request, query);
    query_peer(request, found ? found->peer : NULL, service, query, done, context);
}

/* The sites of another cell are spread over the partitions as its own buckets say. */
static bool of_all(const struct http_request *request, const Hb__Query *query)
{
    bool elsewhere = query->cell && query->cell != strtoull(request->gateway->config->cell, NULL, 16);
    return elsewhere || (!query->case_id && !*query->site);
}

void cell_query(struct http_request *request, Hb__Service service, Hb__Query *query, cell_query_fn *done, void *context)
{
    fill_in(request, query);
    if (of_all(request, query) && cell_partitions(request->gateway, service) > 1)
        cell_query_all(request, service, query, done, context);
    else
        cell_query_own(request, service, query, done, context);
}

/* ---- the id of a command ---- */

void cell_command_id_new(char id_out[CELL_COMMAND_ID_CHARACTERS + 1])
{
    uint8_t random[16];
    char hex[2 * sizeof random + 1];
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(hex, sizeof hex, random, sizeof random);
    snprintf(id_out, CELL_COMMAND_ID_CHARACTERS + 1, "%013" PRId64 "-%s", gateway_now_ms(), hex);
}

/* Ids are time-ordered for the tables' sake, but outcomes are kept by when they were recorded, for 7 days. So a key
   gives the same id at any time, no matter when it is used again: a date in the id would split a retry over midnight in
   two. */
void cell_command_id(const struct http_request *request, uint32_t part, char id_out[CELL_COMMAND_ID_CHARACTERS + 1])
{
    cell_command_id_of(request, http_header(request, "Idempotency-Key"), part, id_out);
}

void cell_command_id_of(const struct http_request *request, const char *key, uint32_t part,
                        char id_out[CELL_COMMAND_ID_CHARACTERS + 1])
{
    const char *account = request->actor ? request->actor->account : "";
    uint8_t hash[16], number[4];
    char hex[2 * sizeof hash + 1];
    crypto_generichash_state state;
    if (!key || !*key) {
        cell_command_id_new(id_out);
        return;
    }
    bytes_put_u32(number, part);
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, (const uint8_t *)account, strlen(account) + 1);
    crypto_generichash_update(&state, number, sizeof number);
    crypto_generichash_update(&state, (const uint8_t *)key, strlen(key));
    crypto_generichash_final(&state, hash, sizeof hash);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    snprintf(id_out, CELL_COMMAND_ID_CHARACTERS + 1, "0000000000000-%s", hex);
}

/* ---- what the client has seen ---- */

static bool same_log(const Hb__LogId *a, const Hb__LogId *b)
{
    return a->cell == b->cell && a->service == b->service && a->partition == b->partition;
}

/* Positions travel as an opaque text: a packed CommandReply that has nothing but them. */
static void give_after(struct http_request *request)
{
    Hb__CommandReply seen = HB__COMMAND_REPLY__INIT;
    seen.after = request->after;
    seen.n_after = request->n_after;
    struct bytes packed = message_pack(&seen.base, &request->arena);
    size_t room = sodium_base64_ENCODED_LEN(packed.size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = arena_alloc(&request->arena, room);
    http_set(request, "Hearback-After",
             sodium_bin2base64(text, room, packed.data, packed.size, sodium_base64_VARIANT_URLSAFE_NO_PADDING));
}

/* The furthest position of each log. */
static void join_after(struct http_request *request, Hb__Position *const *after, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < request->n_after && !same_log(request->after[at]->log, after[i]->log))
            at++;
        bool known = at < request->n_after;
        if (known && request->after[at]->log->epoch == after[i]->log->epoch &&
            request->after[at]->offset >= after[i]->offset)
            continue;
        if (!known)
            request->after = arena_grow(&request->arena, request->after, request->n_after++, sizeof *request->after);
        request->after[at] = (Hb__Position *)message_copy(&after[i]->base, &request->arena);
    }
    give_after(request);
}

static bool after_sound(const Hb__CommandReply *seen)
{
    for (size_t i = 0; i < seen->n_after; i++)
        if (!seen->after[i]->log)
            return false;
    return true;
}

bool cell_after_read(struct http_request *request)
{
    const char *text = http_header(request, "Hearback-After");
    uint8_t packed[CELL_AFTER_BYTES_MAX];
    size_t size = 0;
    ProtobufCMessage *message;
    char *why;
    if (!text)
        return true;
    if (sodium_base642bin(packed, sizeof packed, text, strlen(text), NULL, &size, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
        message_unpack(&hb__command_reply__descriptor, bytes_of(packed, size), &request->arena, &message, &why) ==
            ERR_NONE &&
        after_sound((Hb__CommandReply *)message)) {
        request->after = ((Hb__CommandReply *)message)->after;
        request->n_after = ((Hb__CommandReply *)message)->n_after;
        return true;
    }
    Hb__Refusal *refusal = problem_new(request, 400, "bad_field", "Hearback-After 不是系统给出的值",
                                       "this is not what an earlier answer gave as Hearback-After");
    refusal->field = arena_strdup(&request->arena, "Hearback-After");
    problem_respond(request, refusal);
    return false;
}

void cell_mark_stale(struct http_request *request, bool stale, json_t *body)
{
    if (!stale)
        return;
    http_set(request, "Hearback-Stale", "true");
    if (body)
        json_object_set_new(body, "stale", json_true());
}

/* ---- commands ---- */

static void on_command(void *context, enum err err, const Bus__Reply *reply)
{
    struct cell_asked *asked = context;
    struct http_request *request = asked->request;
    const Hb__Refusal *refused = NULL;
    const Hb__CommandReply *answer = NULL;
    if (err)
        refused = refuse_down(asked);
    else if (reply->kind_case == BUS__REPLY__KIND_REFUSED)
        refused = refusal_kept(request, reply->refused);
    else if (reply->kind_case != BUS__REPLY__KIND_COMMAND)
        refused = refuse_odd(asked);
    else if (reply->command->refused)
        refused = refusal_kept(request, reply->command->refused);
    else
        answer = (const Hb__CommandReply *)message_copy(&reply->command->base, &request->arena);
    if (answer) {
        remember_told(request->gateway->cell, answer);
        join_after(request, answer->after, answer->n_after);
    }
    asked->command_done(request, asked->context, refused, answer);
    http_release(request);
}

void cell_command(struct http_request *request, Hb__Service service, Hb__Command *command, uint32_t part,
                  cell_command_fn *done, void *context)
{
    struct cell_asked *asked = asked_new(request, service, context);
    Bus__Request message = BUS__REQUEST__INIT;
    char id[CELL_COMMAND_ID_CHARACTERS + 1];
    struct bus_peer *peer =
        peer_of(request->gateway->cell, service, bucket_of(request, command->case_id, command->site));
    bug_unless(request->actor); /* nobody commands as the gateway itself */
    asked->command_done = done;
    cell_command_id(request, part, id);
    command->account = request->actor->account;
    command->actor = request->actor;
    command->after = after_with_told(request, &command->n_after);
    if (!*command->id)
        command->id = id;
    const char *trace = http_header(request, "traceparent");
    if (trace && strlen(trace) <= 64 && utf8_valid(trace, strlen(trace)))
        command->trace = (char *)(uintptr_t)trace;
    message.kind_case = BUS__REQUEST__KIND_COMMAND;
    message.command = command;
    if (peer)
        send_to(request, peer, &message, on_command, asked);
    else
        done(request, context, refuse_down(asked), NULL);
}

/* ---- for ourselves ---- */

void cell_ask(struct gateway *gateway, Hb__Service service, uint32_t bucket, Bus__Request *message, bus_done_fn *done,
              void *context)
{
    struct bus_peer *peer = peer_of(gateway->cell, service, bucket);
    gateway->cell->counts.asked++;
    if (peer)
        bus_request(peer, message, CELL_TIMEOUT_MS, done, context);
    else
        done(context, ERR_TIMEOUT, NULL);
}

void cell_ask_at(struct gateway *gateway, Hb__Service service, size_t index, Bus__Request *message, bus_done_fn *done,
                 void *context)
{
    const struct cell_peer *found = peer_at(gateway->cell, service, index);
    gateway->cell->counts.asked++;
    if (found)
        bus_request(found->peer, message, CELL_TIMEOUT_MS, done, context);
    else
        done(context, ERR_TIMEOUT, NULL);
}

void cell_give_nothing(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__CommandReply *reply)
{
    (void)context;
    (void)reply;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(request, 200, json_object());
}

/* ---- control ---- */

static void on_control(void *context, enum err err, const Bus__Reply *reply)
{
    struct cell_asked *asked = context;
    bool good = !err && reply->kind_case == BUS__REPLY__KIND_CONTROL;
    asked->request->gateway->cell->counts.unanswered += err != ERR_NONE;
    asked->control_done(asked->request, asked->context, asked->instance, good ? reply->control : NULL);
    http_release(asked->request);
}

void cell_control(struct http_request *request, const Config__Instance *instance, Bus__Control__What what,
                  cell_control_fn *done, void *context)
{
    struct cell *cell = request->gateway->cell;
    struct cell_asked *asked = asked_new(request, instance->service, context);
    Bus__Request message = BUS__REQUEST__INIT;
    Bus__Control control = BUS__CONTROL__INIT;
    asked->control_done = done;
    asked->instance = instance;
    control.what = what;
    message.kind_case = BUS__REQUEST__KIND_CONTROL;
    message.control = &control;
    for (size_t i = 0; i < cell->count; i++)
        if (cell->peers[i].instance == instance) {
            send_to(request, cell->peers[i].peer, &message, on_control, asked);
            return;
        }
    bug_unless(!"an instance of the configuration");
}
