#include "simulation/simulation.h"

#include "log/log.h"
#include "message/message.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define JUMP_NOTICED_MS 1000 /* by who has nothing to do; whoever is asked something looks at once */
#define CLIENT UINT32_MAX    /* index of the simulation's own client among the nodes */
#define CELL 0x5eedull
#define GIVEN_UP_MS 8000 /* the bus gives a connection up that has been mute for so long (heartbeats) */

struct node {
    struct simulation *simulation;
    const struct service *service;
    struct env env;
    struct instance *instance; /* NULL: down */
    struct log *log;           /* NULL: quiet */
    struct instance_feed_options feeds[64];
    unsigned feeds_count;
    char folder[512];
    uint32_t life;   /* counts restarts: messages to an earlier life are lost */
    int64_t step_at; /* when to step next */
    int64_t up_at;   /* when to come back, INT64_MAX: when told */
    bool wake;
    struct eventlog_simulated appends;
    struct eventlog_driver eventlog;
    bool full;           /* its disk has no room */
    uint64_t cut_to;     /* bit set of the nodes that nothing it sends reaches */
    struct refold *fold; /* goes on at each simulation_check */
    uint64_t folded;     /* store_commits when it was found equal: until the next one it is */
};

enum item_kind { ITEM_REQUEST, ITEM_REPLY, ITEM_TIMEOUT, ITEM_EFFECT };

struct item { /* something that happens at a time */
    int64_t at;
    uint64_t order;
    enum item_kind kind;
    uint32_t from, to; /* node indices */
    uint32_t from_life, to_life;
    uint64_t ask;
    uint8_t *bytes;
    size_t size;
    struct effect_done *effect;
    char effect_id[64]; /* of one that is held back: its time is INT64_MAX */
};

struct ask {
    struct ask *next;
    uint64_t id;
    uint32_t from, to;
    bus_done_fn *done;
    void *context;
};

struct simulation {
    struct simulation_options options;
    struct node *nodes;
    unsigned nodes_count;
    int64_t now, wall_shift;
    uint64_t map_bytes; /* of instances that start from now on */
    uint64_t random, order, next_ask;
    struct item *heap;
    size_t heap_size, heap_room;
    struct ask *asks;
    struct arena arena;
};

/* ---- the seed (splitmix64) ---- */

static uint64_t draw(struct simulation *simulation)
{
    uint64_t z = simulation->random += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

uint64_t simulation_random(struct simulation *simulation, uint64_t below)
{
    return below ? draw(simulation) % below : 0;
}

static bool chance(struct simulation *simulation, unsigned permille)
{
    return permille && simulation_random(simulation, 1000) < permille;
}

/* ---- the queue: a binary heap by (time, order) ---- */

static bool before(const struct item *a, const struct item *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct simulation *simulation, struct item item)
{
    if (simulation->heap_size == simulation->heap_room) {
        simulation->heap_room = simulation->heap_room ? simulation->heap_room * 2 : 256;
        simulation->heap = realloc(simulation->heap, simulation->heap_room * sizeof *simulation->heap);
        bug_unless(simulation->heap);
    }
    item.order = simulation->order++;
    struct item *heap = simulation->heap;
    size_t at = simulation->heap_size++;
    while (at && before(&item, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = item;
}

static struct item pop(struct simulation *simulation)
{
    struct item *heap = simulation->heap, top = heap[0], last = heap[--simulation->heap_size];
    size_t at = 0, size = simulation->heap_size;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= size)
            break;
        if (child + 1 < size && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &last))
            break;
        heap[at] = heap[child];
        at = child;
    }
    if (size)
        heap[at] = last;
    return top;
}

/* ---- asking and answering ---- */

static uint32_t life_of(const struct simulation *simulation, uint32_t node)
{
    return node == CLIENT ? 0 : simulation->nodes[node].life;
}

static struct ask *ask_take(struct simulation *simulation, uint64_t id)
{
    for (struct ask **at = &simulation->asks; *at; at = &(*at)->next)
        if ((*at)->id == id) {
            struct ask *ask = *at;
            *at = ask->next;
            return ask;
        }
    return NULL;
}

static bool is_cut(const struct simulation *simulation, uint32_t from, uint32_t to)
{
    return from < simulation->nodes_count && to < simulation->nodes_count && simulation->nodes[from].cut_to >> to & 1;
}

static void give_up(struct simulation *simulation, uint64_t ask)
{
    push(simulation, (struct item){.kind = ITEM_TIMEOUT, .at = simulation->now + GIVEN_UP_MS, .ask = ask});
}

static void send_bytes(struct simulation *simulation, enum item_kind kind, uint32_t from, uint32_t to, uint64_t ask,
                       struct bytes bytes)
{
    const struct simulation_faults *faults = &simulation->options.faults;
    if (is_cut(simulation, from, to))
        return give_up(simulation, ask);
    if (chance(simulation, faults->drop))
        return;
    unsigned copies = chance(simulation, faults->duplicate) ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        struct item item = {.kind = kind, .from = from, .to = to, .ask = ask, .size = bytes.size};
        item.at = simulation->now + (int64_t)simulation_random(simulation, faults->delay_ms_max + 1);
        item.from_life = life_of(simulation, from);
        item.to_life = life_of(simulation, to);
        item.bytes = malloc(bytes.size ? bytes.size : 1);
        bug_unless(item.bytes);
        if (bytes.size)
            memcpy(item.bytes, bytes.data, bytes.size);
        push(simulation, item);
    }
}

static void ask_from(struct simulation *simulation, uint32_t from, uint32_t to, Bus__Request *request,
                     uint32_t timeout_ms, bus_done_fn *done, void *context)
{
    struct ask *ask = malloc(sizeof *ask);
    bug_unless(ask);
    *ask = (struct ask){simulation->asks, ++simulation->next_ask, from, to, done, context};
    simulation->asks = ask;
    push(simulation,
         (struct item){.kind = ITEM_TIMEOUT, .at = simulation->now + timeout_ms, .ask = ask->id, .from = from});
    if (to >= simulation->nodes_count)
        return; /* nobody there: it times out */
    request->id = ask->id;
    struct arena_mark mark = arena_mark(&simulation->arena);
    send_bytes(simulation, ITEM_REQUEST, from, to, ask->id,
               message_pack((ProtobufCMessage *)request, &simulation->arena));
    arena_return(&simulation->arena, mark);
}

static uint32_t node_of(const struct simulation *simulation, Hb__Service service)
{
    for (unsigned i = 0; i < simulation->nodes_count; i++)
        if (simulation->nodes[i].service->id == service)
            return i;
    return CLIENT - 1;
}

static uint32_t index_of(const struct node *node)
{
    return (uint32_t)(node - node->simulation->nodes);
}

/* ---- the world as an instance sees it ---- */

static int64_t env_now(void *context)
{
    const struct simulation *simulation = ((struct node *)context)->simulation;
    return simulation->now + simulation->wall_shift;
}

static int64_t env_boot(void *context)
{
    const struct simulation *simulation = ((struct node *)context)->simulation;
    return simulation->now - simulation->options.start_ms + 1000;
}

static void env_random(void *context, uint8_t *out, size_t size)
{
    struct simulation *simulation = ((struct node *)context)->simulation;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t value = draw(simulation);
        memcpy(out + i, &value, size - i < 8 ? size - i : 8);
    }
}

static void env_ask(void *context, Hb__Service service, uint32_t partition, Bus__Request *request, uint32_t timeout_ms,
                    bus_done_fn *done, void *done_context)
{
    (void)partition;
    struct node *node = context;
    const struct simulation_options *options = &node->simulation->options;
    ask_from(node->simulation, index_of(node), node_of(node->simulation, service), request, timeout_ms, done,
             done_context);
    if (service == HB__SERVICE__LINK && options->link)
        options->link(options->link_context, node->simulation->next_ask, request);
}

void simulation_link_answer(struct simulation *simulation, uint64_t ask, const Bus__Reply *reply)
{
    for (const struct ask *asked = simulation->asks; asked; asked = asked->next) {
        if (asked->id != ask)
            continue;
        Bus__Reply answer = *reply;
        struct arena_mark mark = arena_mark(&simulation->arena);
        answer.id = ask;
        send_bytes(simulation, ITEM_REPLY, CLIENT, asked->from, ask,
                   message_pack((ProtobufCMessage *)&answer, &simulation->arena));
        arena_return(&simulation->arena, mark);
        return;
    }
}

static void env_reply(void *context, const struct bus_call *call, Bus__Reply *reply)
{
    struct node *node = context;
    struct simulation *simulation = node->simulation;
    uint32_t to = bytes_get_u32(call->route);
    reply->id = call->request_id;
    struct arena_mark mark = arena_mark(&simulation->arena);
    send_bytes(simulation, ITEM_REPLY, index_of(node), to, call->request_id,
               message_pack((ProtobufCMessage *)reply, &simulation->arena));
    arena_return(&simulation->arena, mark);
}

static void env_wake(void *context)
{
    ((struct node *)context)->wake = true;
}

static void push_effect(struct node *node, int64_t at, const char *id, struct bytes result, struct effect_done *done)
{
    struct item item = {.kind = ITEM_EFFECT, .at = at, .to = index_of(node), .to_life = node->life, .effect = done};
    snprintf(item.effect_id, sizeof item.effect_id, "%s", id);
    item.size = result.size;
    item.bytes = malloc(result.size ? result.size : 1);
    bug_unless(item.bytes);
    if (result.data)
        memcpy(item.bytes, result.data, result.size);
    push(node->simulation, item);
}

static void env_effect_start(void *context, const char *id, uint32_t attempt, struct bytes payload,
                             struct effect_done *done)
{
    struct node *node = context;
    struct simulation *simulation = node->simulation;
    struct arena_mark mark = arena_mark(&simulation->arena);
    struct bytes result = bytes_of_text("250 simulated");
    if (simulation->options.effect)
        result = simulation->options.effect(simulation->options.effect_context, node->service->id, id, attempt, payload,
                                            &simulation->arena);
    int64_t at = simulation->now + (int64_t)simulation_random(simulation, simulation->options.faults.delay_ms_max + 1);
    push_effect(node, result.data ? at : INT64_MAX, id, result, done);
    arena_return(&simulation->arena, mark);
}

bool simulation_effect_end(struct simulation *simulation, Hb__Service service, const char *id, struct bytes result)
{
    for (size_t i = 0; i < simulation->heap_size; i++) {
        struct item *item = &simulation->heap[i];
        bool held = item->kind == ITEM_EFFECT && item->effect && item->at == INT64_MAX;
        if (!held || strcmp(item->effect_id, id) != 0 || simulation->nodes[item->to].service->id != service)
            continue;
        struct effect_done *done = item->effect;
        struct node *node = &simulation->nodes[item->to];
        item->effect = NULL; /* what is left of it never happens */
        push_effect(node, simulation->now, id, result, done);
        return true;
    }
    return false;
}

static bool env_crash_here(void *context, const char *place)
{
    (void)place;
    struct simulation *simulation = ((struct node *)context)->simulation;
    return chance(simulation, simulation->options.faults.crash);
}

/* ---- life and death of an instance ---- */

static void fail_asks_of(struct simulation *simulation, uint32_t node)
{
    for (;;) {
        struct ask **at = &simulation->asks;
        while (*at && (*at)->from != node)
            at = &(*at)->next;
        if (!*at)
            return;
        struct ask *ask = *at;
        *at = ask->next;
        ask->done(ask->context, ERR_TIMEOUT, NULL); /* frees what it holds; the instance is closed right after */
        free(ask);
    }
}

/* Whoever waits for this node notices that the connection was lost, and asks again. */
static void notice(struct simulation *simulation, uint32_t index)
{
    for (struct ask *ask = simulation->asks; ask; ask = ask->next)
        if (ask->to == index)
            push(simulation, (struct item){.kind = ITEM_TIMEOUT, .at = simulation->now + 10, .ask = ask->id});
}

static void kill_node(struct node *node)
{
    struct simulation *simulation = node->simulation;
    uint32_t index = index_of(node);
    fail_asks_of(simulation, index);
    for (size_t i = 0; i < simulation->heap_size; i++) { /* effects under way lose their return address */
        struct item *item = &simulation->heap[i];
        if (item->kind == ITEM_EFFECT && item->to == index && item->effect) {
            effect_done_call(item->effect, (struct bytes){0});
            item->effect = NULL;
        }
    }
    instance_close(node->instance);
    node->instance = NULL;
    node->life++;
    notice(simulation, index);
}

static uint32_t hears(const struct node *node, const struct instance_cell *cell)
{
    return cell->above ? node->service->hears_above : node->service->hears_below;
}

static unsigned cells_heard(const struct node *node)
{
    const struct simulation_options *options = &node->simulation->options;
    unsigned heard = 0;
    for (unsigned i = 0; i < options->cells_count; i++)
        heard += hears(node, &options->cells[i]) != 0;
    return heard ? options->cells_count : 0;
}

static void add_cells(struct node *node)
{
    const struct simulation_options *options = &node->simulation->options;
    for (unsigned i = 0; i < options->cells_count; i++)
        for (unsigned service = HB__SERVICE__DIRECTORY; service < HB__SERVICE__GATEWAY; service++)
            if (hears(node, &options->cells[i]) & 1u << service)
                node->feeds[node->feeds_count++] =
                    (struct instance_feed_options){(Hb__Service)service, 0, options->cells[i].cell};
}

/* One disk for all that an instance keeps. */
static void fill_disk(struct node *node)
{
    store_full_set(instance_store(node->instance), node->full);
    if (instance_files(node->instance))
        store_full_set(instance_files(node->instance), node->full);
}

static void start_node(struct node *node)
{
    struct simulation *simulation = node->simulation;
    bool faulty = simulation->options.faults.drop || simulation->options.faults.crash;
    int64_t idle = simulation->options.idle_ms;
    char epoch[560], why[512];
    snprintf(epoch, sizeof epoch, "%s/keys", simulation->options.folder);
    struct instance_options options = {.folder = node->folder,
                                       .map_bytes = simulation->map_bytes,
                                       .cell = simulation->options.cell,
                                       .cells = simulation->options.cells,
                                       .cells_count = cells_heard(node),
                                       .feeds = node->feeds,
                                       .feeds_count = node->feeds_count,
                                       .no_sync = !simulation->options.sync,
                                       .policies_folder = simulation->options.policies_folder,
                                       .calendars_folder = simulation->options.calendars_folder,
                                       .zones_folder = simulation->options.zones_folder,
                                       .epoch_keys_folder = epoch,
                                       .log = node->log,
                                       .eventlog = &node->eventlog,
                                       .idle_ms = idle     ? idle
                                                  : faulty ? 20000
                                                           : 24ll * 3600 * 1000};
    enum err err = instance_open(node->service, &options, &node->env, &node->instance, why, sizeof why);
    if (err)
        fprintf(stderr, "simulation: %s cannot start: %s\n", node->service->name, why);
    bug_unless(err == ERR_NONE);
    fill_disk(node);
    node->up_at = INT64_MAX;
    node->wake = true;
}

void simulation_down(struct simulation *simulation, Hb__Service service)
{
    struct node *node = &simulation->nodes[node_of(simulation, service)];
    if (node->instance)
        kill_node(node);
    node->up_at = INT64_MAX;
}

void simulation_up(struct simulation *simulation, Hb__Service service)
{
    struct node *node = &simulation->nodes[node_of(simulation, service)];
    if (node->instance)
        return;
    start_node(node);
    notice(simulation, index_of(node)); /* what was asked while it was down is lost */
}

void simulation_append_set(struct simulation *simulation, Hb__Service service, enum append answer)
{
    struct node *node = &simulation->nodes[node_of(simulation, service)];
    node->appends.next = answer;
    node->appends.full = node->appends.full && answer != APPEND_DONE;
}

unsigned simulation_appends_failed(const struct simulation *simulation)
{
    unsigned failed = 0;
    for (unsigned i = 0; i < simulation->nodes_count; i++)
        failed += simulation->nodes[i].appends.failed;
    return failed;
}

struct simulation *simulation_new(const struct simulation_options *options)
{
    struct simulation *simulation = calloc(1, sizeof *simulation);
    bug_unless(simulation);
    simulation->options = *options;
    if (!simulation->options.cell)
        simulation->options.cell = CELL;
    simulation->now = options->start_ms;
    simulation->random = options->seed * 0x2545F4914F6CDD1Dull + 1;
    arena_init(&simulation->arena);
    mkdir(options->folder, 0700);
    simulation->nodes_count = options->services_count;
    simulation->nodes = calloc(options->services_count, sizeof *simulation->nodes);
    bug_unless(simulation->nodes);
    for (unsigned i = 0; i < options->services_count; i++) {
        struct node *node = &simulation->nodes[i];
        node->simulation = simulation;
        node->service = options->services[i];
        node->eventlog = eventlog_simulated(&node->appends);
        if (getenv("HEARBACK_LOG")) /* otherwise quiet */
            node->log = log_new(node->service->name, STDERR_FILENO, env_now, node);
        node->env = (struct env){node,      env_now,  env_boot,         env_random, env_ask,
                                 env_reply, env_wake, env_effect_start, NULL,       env_crash_here};
        snprintf(node->folder, sizeof node->folder, "%s/%s-0", options->folder, node->service->name);
        for (unsigned j = 0; j < options->services_count; j++)
            if (node->service->hears & 1u << options->services[j]->id)
                node->feeds[node->feeds_count++] = (struct instance_feed_options){options->services[j]->id, 0, 0};
        add_cells(node);
    }
    for (unsigned i = 0; i < options->services_count; i++)
        start_node(&simulation->nodes[i]);
    return simulation;
}

void simulation_free(struct simulation *simulation)
{
    fail_asks_of(simulation, CLIENT);
    for (unsigned i = 0; i < simulation->nodes_count; i++)
        if (simulation->nodes[i].instance)
            kill_node(&simulation->nodes[i]);
    for (size_t i = 0; i < simulation->heap_size; i++)
        free(simulation->heap[i].bytes);
    free(simulation->heap);
    for (unsigned i = 0; i < simulation->nodes_count; i++) {
        refold_close(simulation->nodes[i].fold);
        log_free(simulation->nodes[i].log);
    }
    free(simulation->nodes);
    arena_fini(&simulation->arena);
    free(simulation);
}

/* ---- running ---- */

static void step_node(struct node *node)
{
    enum err fatal, asked_for = append_err(node->appends.next);
    node->wake = false;
    bool more = instance_step(node->instance, &fatal);
    bug_unless(fatal == ERR_NONE || fatal == asked_for);
    if (fatal || instance_dead(node->instance)) {
        struct simulation *simulation = node->simulation;
        kill_node(node);
        node->up_at =
            simulation->now + 1 + (int64_t)simulation_random(simulation, simulation->options.faults.down_ms_max + 1);
        return;
    }
    node->wake |= more;
    node->step_at = instance_next(node->instance) - node->simulation->wall_shift;
}

static void deliver_request(struct simulation *simulation, const struct item *item)
{
    struct node *node = &simulation->nodes[item->to];
    if (!node->instance || node->life != item->to_life)
        return;
    struct arena_mark mark = arena_mark(&simulation->arena);
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&bus__request__descriptor, bytes_of(item->bytes, item->size), &simulation->arena, &message,
                            &why) == ERR_NONE);
    struct bus_call call = {.route_size = 8, .request_id = item->ask};
    bytes_put_u32(call.route, item->from);
    bytes_put_u32(call.route + 4, item->from_life);
    call.rights = BUS_RIGHT_FETCH | BUS_RIGHT_QUERY | BUS_RIGHT_COMMAND | BUS_RIGHT_SEAL;
    if (item->from == CLIENT)
        call.rights |= BUS_RIGHT_ACTOR | BUS_RIGHT_CONTROL;
    instance_serve(node->instance, &call, (Bus__Request *)message, bytes_of(item->bytes, item->size));
    node->wake = true;
    arena_return(&simulation->arena, mark);
}

static void finish_ask(struct simulation *simulation, uint64_t id, enum err err, struct bytes bytes)
{
    struct ask *ask = ask_take(simulation, id);
    if (!ask)
        return; /* answered already, or its asker died */
    struct arena_mark mark = arena_mark(&simulation->arena);
    ProtobufCMessage *message = NULL;
    char *why;
    if (!err)
        bug_unless(message_load(&bus__reply__descriptor, bytes, &simulation->arena, &message, &why) == ERR_NONE);
    ask->done(ask->context, err, (Bus__Reply *)message);
    if (ask->from != CLIENT)
        simulation->nodes[ask->from].wake = true;
    free(ask);
    arena_return(&simulation->arena, mark);
}

static void happen(struct simulation *simulation, struct item *item)
{
    switch (item->kind) {
    case ITEM_REQUEST:
        deliver_request(simulation, item);
        break;
    case ITEM_REPLY:
        if (life_of(simulation, item->to) == item->to_life)
            finish_ask(simulation, item->ask, ERR_NONE, bytes_of(item->bytes, item->size));
        break;
    case ITEM_TIMEOUT:
        finish_ask(simulation, item->ask, ERR_TIMEOUT, (struct bytes){0});
        break;
    case ITEM_EFFECT:
        if (item->effect)
            effect_done_call(item->effect, bytes_of(item->bytes, item->size));
        break;
    }
    free(item->bytes); /* NOLINT(clang-analyzer-unix.Malloc): each item is popped once, which the analyzer cannot see */
}

/* When something happens next, and which node it is (CLIENT: an item of the queue). Items first, then nodes in order.
 */
static int64_t next_time(const struct simulation *simulation, uint32_t *node_out)
{
    int64_t at = simulation->heap_size ? simulation->heap[0].at : INT64_MAX;
    *node_out = CLIENT;
    for (unsigned i = 0; i < simulation->nodes_count; i++) {
        const struct node *node = &simulation->nodes[i];
        int64_t own = !node->instance ? node->up_at : node->wake ? simulation->now : node->step_at;
        if (own < at) {
            at = own;
            *node_out = i;
        }
    }
    return at;
}

bool simulation_step(struct simulation *simulation, int64_t until_ms)
{
    uint32_t index;
    int64_t at = next_time(simulation, &index);
    if (at > until_ms)
        return false;
    if (at > simulation->now)
        simulation->now = at;
    if (index == CLIENT) {
        struct item item = pop(simulation);
        happen(simulation, &item);
    } else if (!simulation->nodes[index].instance) {
        start_node(&simulation->nodes[index]);
    } else {
        step_node(&simulation->nodes[index]);
    }
    return true;
}

void simulation_run(struct simulation *simulation, int64_t until_ms)
{
    while (simulation_step(simulation, until_ms))
        ;
    if (until_ms > simulation->now)
        simulation->now = until_ms;
}

static bool at_rest(struct simulation *simulation)
{
    struct arena_mark mark = arena_mark(&simulation->arena);
    bool rest = true;
    for (unsigned i = 0; i < simulation->nodes_count && rest; i++) {
        struct node *node = &simulation->nodes[i];
        Bus__PositionReport report;
        if (!node->instance && node->up_at == INT64_MAX)
            continue; /* told to be away: nobody waits for it */
        if (!node->instance || node->wake) {
            rest = false;
            break;
        }
        instance_position(node->instance, &simulation->arena, &report);
        rest = !report.jobs && !report.timers_due && !report.effects_due && !report.parked;
        for (size_t c = 0; c < report.n_cursors && rest; c++) {
            struct instance *producer = simulation_instance(simulation, report.cursors[c]->log->service);
            Bus__PositionReport other;
            if (!producer)
                continue;
            instance_position(producer, &simulation->arena, &other);
            rest = report.cursors[c]->offset == other.end;
        }
    }
    for (size_t i = 0; i < simulation->heap_size && rest; i++)
        rest = simulation->heap[i].kind != ITEM_EFFECT || simulation->heap[i].at == INT64_MAX;
    arena_return(&simulation->arena, mark);
    return rest;
}

bool simulation_settle(struct simulation *simulation, int64_t at_most_ms)
{
    int64_t until = simulation->now + at_most_ms;
    for (;;) {
        int64_t instant = simulation->now;
        while (simulation_step(simulation, instant)) /* all of this instant first */
            ;
        if (at_rest(simulation))
            return true;
        if (!simulation_step(simulation, until))
            return at_rest(simulation);
    }
}

int64_t simulation_now(const struct simulation *simulation)
{
    return simulation->now;
}

void simulation_faults_set(struct simulation *simulation, struct simulation_faults faults)
{
    simulation->options.faults = faults;
}

void simulation_idle_set(struct simulation *simulation, int64_t idle_ms)
{
    simulation->options.idle_ms = idle_ms;
    for (unsigned i = 0; i < simulation->nodes_count; i++)
        if (simulation->nodes[i].instance)
            instance_idle_set(simulation->nodes[i].instance, idle_ms);
    for (const struct ask *ask = simulation->asks; ask;
         ask = ask->next) /* who asked before gives up as soon as the rest */
        if (ask->from != CLIENT)
            push(simulation,
                 (struct item){.kind = ITEM_TIMEOUT, .at = simulation->now + idle_ms + 10000, .ask = ask->id});
}

void simulation_full_set(struct simulation *simulation, Hb__Service service, bool full)
{
    struct node *node = &simulation->nodes[node_of(simulation, service)];
    node->full = full;
    if (node->instance)
        fill_disk(node);
}

void simulation_map_set(struct simulation *simulation, uint64_t map_bytes)
{
    simulation->map_bytes = map_bytes;
}

void simulation_cut_set(struct simulation *simulation, Hb__Service from, Hb__Service to, bool cut)
{
    uint32_t sender = node_of(simulation, from), receiver = node_of(simulation, to);
    uint64_t bit = 1ull << receiver;
    simulation->nodes[sender].cut_to =
        cut ? simulation->nodes[sender].cut_to | bit : simulation->nodes[sender].cut_to & ~bit;
    for (const struct ask *ask = simulation->asks; cut && ask; ask = ask->next) /* heartbeats need both directions */
        if ((ask->from == sender && ask->to == receiver) || (ask->from == receiver && ask->to == sender))
            give_up(simulation, ask->id);
}

int64_t simulation_wall(const struct simulation *simulation)
{
    return simulation->now + simulation->wall_shift;
}

void simulation_clock_jump(struct simulation *simulation, int64_t by_ms)
{
    simulation->wall_shift += by_ms;
    for (unsigned i = 0; i < simulation->nodes_count; i++)
        if (simulation->nodes[i].step_at > simulation->now + JUMP_NOTICED_MS)
            simulation->nodes[i].step_at = simulation->now + JUMP_NOTICED_MS;
}

/* ---- clients ---- */

void simulation_ask(struct simulation *simulation, Hb__Service service, Bus__Request *request, uint32_t timeout_ms,
                    bus_done_fn *done, void *context)
{
    ask_from(simulation, CLIENT, node_of(simulation, service), request, timeout_ms, done, context);
}

struct waiter {
    struct arena *arena;
    const Bus__Reply *reply;
    bool done;
};

static void on_waited(void *context, enum err err, const Bus__Reply *reply)
{
    struct waiter *waiter = context;
    waiter->done = true;
    if (err)
        return;
    ProtobufCMessage *copy;
    char *why;
    struct bytes bytes = message_pack((const ProtobufCMessage *)reply, waiter->arena);
    bug_unless(message_load(&bus__reply__descriptor, bytes, waiter->arena, &copy, &why) == ERR_NONE);
    waiter->reply = (Bus__Reply *)copy;
}

static const Bus__Reply *ask_and_wait(struct simulation *simulation, Hb__Service service, Bus__Request *request,
                                      struct arena *arena)
{
    struct waiter waiter = {.arena = arena};
    simulation_ask(simulation, service, request, 60000, on_waited, &waiter);
    while (!waiter.done && simulation_step(simulation, INT64_MAX - 1))
        ;
    return waiter.reply;
}

const Hb__CommandReply *simulation_command(struct simulation *simulation, Hb__Service service,
                                           const Hb__Command *command, struct arena *arena)
{
    Bus__Request request = BUS__REQUEST__INIT;
    request.kind_case = BUS__REQUEST__KIND_COMMAND;
    request.command = (Hb__Command *)(uintptr_t)command;
    const Bus__Reply *reply = ask_and_wait(simulation, service, &request, arena);
    if (reply && reply->kind_case == BUS__REPLY__KIND_COMMAND)
        return reply->command;
    if (!reply || reply->kind_case != BUS__REPLY__KIND_REFUSED)
        return NULL;
    Hb__CommandReply *refused = arena_alloc(arena, sizeof *refused);
    hb__command_reply__init(refused);
    refused->refused = reply->refused;
    return refused;
}

const Hb__QueryReply *simulation_query(struct simulation *simulation, Hb__Service service, const Hb__Query *query,
                                       struct arena *arena)
{
    Bus__Request request = BUS__REQUEST__INIT;
    request.kind_case = BUS__REQUEST__KIND_QUERY;
    request.query = (Hb__Query *)(uintptr_t)query;
    const Bus__Reply *reply = ask_and_wait(simulation, service, &request, arena);
    return reply && reply->kind_case == BUS__REPLY__KIND_QUERY ? reply->query : NULL;
}

/* ---- looking and checking ---- */

struct instance *simulation_instance(struct simulation *simulation, Hb__Service service)
{
    uint32_t index = node_of(simulation, service);
    return index < simulation->nodes_count ? simulation->nodes[index].instance : NULL;
}

uint32_t simulation_life(const struct simulation *simulation, Hb__Service service)
{
    return life_of(simulation, node_of(simulation, service));
}

uint64_t simulation_events(struct simulation *simulation, Hb__Service service, uint64_t after,
                           simulation_event_fn *each, void *context)
{
    struct instance *instance = simulation_instance(simulation, service);
    bool go_on = instance != NULL;
    struct arena arena;
    arena_init(&arena);
    while (go_on) {
        struct bytes stored;
        ProtobufCMessage *message;
        char *why;
        if (!instance_log_get(instance, after + 1, &arena, &stored))
            break;
        bug_unless(message_load(&hb__event__descriptor, stored, &arena, &message, &why) == ERR_NONE);
        after++;
        go_on = each(context, (Hb__Event *)message);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return after;
}

static bool read_other(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena,
                       struct bytes *event_out)
{
    struct simulation *simulation = context;
    if (log->cell && log->cell != simulation->options.cell)
        return simulation->options.read_elsewhere &&
               simulation->options.read_elsewhere(simulation->options.link_context, log, offset, arena, event_out);
    struct instance *producer = simulation_instance(context, log->service);
    return producer && instance_log_get(producer, offset, arena, event_out);
}

static enum err check_cursors(struct simulation *simulation, struct instance *instance, char *why_out, size_t why_size)
{
    Bus__PositionReport report, other;
    struct arena_mark mark = arena_mark(&simulation->arena);
    enum err err = ERR_NONE;
    instance_position(instance, &simulation->arena, &report);
    for (size_t i = 0; i < report.n_cursors && !err; i++) {
        struct instance *producer = simulation_instance(simulation, report.cursors[i]->log->service);
        if (!producer)
            continue;
        instance_position(producer, &simulation->arena, &other);
        if (report.cursors[i]->offset > other.end) {
            snprintf(why_out, why_size, "%s is at %" PRIu64 " of %s, which ends at %" PRIu64,
                     instance_service(instance)->name, report.cursors[i]->offset, instance_service(producer)->name,
                     other.end);
            err = ERR_CORRUPT;
        }
    }
    arena_return(&simulation->arena, mark);
    return err;
}

/* Who crashed comes back first: a fold reads the producers' logs. */
static bool all_up(struct simulation *simulation)
{
    bool up = true;
    for (unsigned i = 0; i < simulation->nodes_count; i++) {
        struct node *node = &simulation->nodes[i];
        if (!node->instance && node->up_at != INT64_MAX)
            start_node(node);
        up = up && node->instance;
    }
    return up;
}

/* What it draws is drawn beside the world: the story is the same, however often somebody looks. */
static enum err check_fold(struct node *node, char *why_out, size_t why_size)
{
    struct simulation *simulation = node->simulation;
    uint64_t random = simulation->random, commits = store_commits(instance_store(node->instance));
    char folder[560];
    if (node->folded == commits)
        return ERR_NONE;
    snprintf(folder, sizeof folder, "%s/fold-%s", simulation->options.folder, node->service->name);
    enum err err = instance_check_fold(node->instance, folder, &node->fold, read_other, simulation, why_out, why_size);
    simulation->random = random;
    node->folded = err ? 0 : commits;
    return err;
}

enum err simulation_check_fold(struct simulation *simulation, Hb__Service service, bool *folded_out, char *why_out,
                               size_t why_size)
{
    struct node *node = &simulation->nodes[node_of(simulation, service)];
    bool folds = node->instance != NULL;
    for (unsigned i = 0; i < node->feeds_count; i++)
        folds = folds && (node->feeds[i].cell || simulation_instance(simulation, node->feeds[i].service));
    *folded_out = folds;
    return folds ? check_fold(node, why_out, why_size) : ERR_NONE;
}

enum err simulation_check(struct simulation *simulation, char *why_out, size_t why_size)
{
    bool folds = all_up(simulation);
    for (unsigned i = 0; i < simulation->nodes_count; i++) {
        struct node *node = &simulation->nodes[i];
        if (!node->instance)
            continue;
        enum err err = instance_log_verify(node->instance, why_out, why_size);
        if (!err)
            err = check_cursors(simulation, node->instance, why_out, why_size);
        if (!err && folds)
            err = check_fold(node, why_out, why_size);
        if (err)
            return err;
    }
    return ERR_NONE;
}
