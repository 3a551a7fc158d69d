/* fill [--behind SERVICE] FOLDER CASES NUMBER...: multiplies cases of a system that is stopped and at rest (FOLDER is
   that of `hearback
   --data`). Copies of what was said of the cases with these numbers are appended to the logs under new ids and numbers,
   hash-chained as all events are, and every service folds them with its own code; its cursors then stand at the ends.
   Nobody reacts to a copy, so a million cases take a minute and not an hour. Each case was received a minute after the
   one before; one in ten is a copy of the first NUMBER, the others are copies of the rest in turn.

   Copied are registrations, routings, steps and what the clocks say: events that carry no id of their own but the
   case's. `heard` is not written, so such a system cannot be verified. With --behind SERVICE (analytics: it says
   nothing of a case) that one has heard none of the copies, as if it had been away all the time. */
#include "message/message.h"
#include "offline.h"
#include "service/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASES_APART_MS 60000
#define CASES_A_COMMIT 2000u
#define PLACES 10000u
#define TEMPLATES_MAX 16u
#define OPEN_ONE_IN 10u

struct original {
    Hb__Event **events; /* in the order in which they were recorded */
    size_t count;
    const char *number;
};

/* Where a log ends, told by the process that wrote it. */
struct end {
    uint64_t offset;
    uint8_t hash[EVENTLOG_HASH_BYTES];
};

struct filling {
    struct offline offline;
    struct original originals[TEMPLATES_MAX];
    unsigned originals_count;
    uint64_t cases, first_id;
    int64_t recorded_ms; /* of all copies */
    struct end *ends;    /* shared by all processes */
    const char *behind;  /* the service that has heard nothing of it; NULL: none */
};

/* ---- the originals ---- */

static bool copied(const Hb__Event *event)
{
    if (event->payload_case == HB__EVENT__PAYLOAD_INTAKE)
        return event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED;
    if (event->payload_case == HB__EVENT__PAYLOAD_ROUTING)
        return event->routing->kind_case == ROUTING__EVENT__KIND_ROUTED;
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK)
        return event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN;
    return event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG &&
           (event->watchdog->kind_case == WATCHDOG__EVENT__KIND_ARMED ||
            event->watchdog->kind_case == WATCHDOG__EVENT__KIND_MET);
}

static int by_time(const void *a, const void *b)
{
    const Hb__Event *x = *(Hb__Event *const *)a, *y = *(Hb__Event *const *)b;
    if (x->recorded_ms != y->recorded_ms)
        return x->recorded_ms < y->recorded_ms ? -1 : 1;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    return x->offset < y->offset ? -1 : 1;
}

static Hb__Event *load_event(struct filling *filling, struct instance *instance, uint64_t offset)
{
    struct bytes stored;
    ProtobufCMessage *message;
    char *why;
    if (!instance_log_get(instance, offset, &filling->offline.arena, &stored))
        return NULL;
    if (message_load(&hb__event__descriptor, stored, &filling->offline.arena, &message, &why))
        offline_fail(instance->service->name, why);
    return (Hb__Event *)message;
}

static uint64_t id_of(struct filling *filling, struct instance *intake, const char *number)
{
    uint64_t found = 0;
    Hb__Event *event;
    for (uint64_t offset = 1; (event = load_event(filling, intake, offset)); offset++) {
        filling->first_id = event->case_id >= filling->first_id ? event->case_id + 1 : filling->first_id;
        if (copied(event) && strcmp(event->intake->registered->number, number) == 0)
            found = event->case_id;
    }
    if (!found)
        offline_fail(number, "there is no such case");
    return found;
}

static void read_original(struct filling *filling, struct instance **instances, const char *number)
{
    struct original *original = &filling->originals[filling->originals_count++];
    uint64_t case_id = id_of(filling, instances[offline_index(HB__SERVICE__INTAKE)], number);
    original->number = number;
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++) {
        Hb__Event *event;
        for (uint64_t offset = 1; (event = load_event(filling, instances[i], offset)); offset++)
            if (event->case_id == case_id && copied(event)) {
                original->events =
                    arena_grow(&filling->offline.arena, original->events, original->count, sizeof(Hb__Event *));
                original->events[original->count++] = event;
            }
    }
    qsort(original->events, original->count, sizeof *original->events, by_time);
}

/* ---- the copies, in one service ---- */

struct writing {
    struct filling *filling;
    struct instance *instance;
    struct turn turn;
    struct arena arena;
};

static const struct original *original_of(const struct filling *filling, uint64_t index)
{
    if (index % OPEN_ONE_IN == 0 || filling->originals_count == 1)
        return &filling->originals[0];
    return &filling->originals[1 + index % (filling->originals_count - 1)];
}

/* What differs from the original: who it is, when it came, where. Dates that were promised stay. */
static void make_copy(struct writing *writing, Hb__Event *event, const struct original *original, uint64_t index)
{
    event->case_id = writing->filling->first_id + index;
    event->recorded_ms = writing->filling->recorded_ms;
    if (event->payload_case != HB__EVENT__PAYLOAD_INTAKE)
        return;
    Intake__CaseRegistered *registered = event->intake->registered;
    event->occurred_ms = event->recorded_ms - (int64_t)(writing->filling->cases - index) * CASES_APART_MS;
    registered->number = arena_printf(&writing->arena, "%s-%07" PRIu64, original->number, index);
    registered->place = arena_printf(&writing->arena, "place %" PRIu64, index % PLACES);
}

static void append(struct writing *writing, Hb__Event *event)
{
    struct turn *turn = &writing->turn;
    event->offset = turn->next_offset;
    event->previous_hash = (ProtobufCBinaryData){sizeof turn->last_hash, turn->last_hash};
    struct bytes stored = message_pack(&event->base, turn->arena);
    eventlog_hash(stored, turn->last_hash);
    if (eventlog_append(&eventlog_local, turn->txn, writing->instance->runtime_tables[RUNTIME_LOG],
                        turn->next_offset - 1, &stored, 1) != APPEND_DONE)
        offline_fail(writing->instance->service->name, "the log takes no more");
    turn->next_offset++;
}

static void write_case(struct writing *writing, uint64_t index)
{
    const struct original *original = original_of(writing->filling, index);
    const struct service *service = writing->instance->service;
    for (size_t i = 0; i < original->count; i++) {
        Hb__Event *event = original->events[i];
        bool own = event->service == service->id;
        if (!own && !(service->hears & 1u << event->service))
            continue;
        make_copy(writing, event, original, index);
        if (own)
            append(writing, event);
        writing->turn.now = event->recorded_ms;
        turn_fold(&writing->turn, event);
    }
    arena_reset(&writing->arena);
    writing->turn.known = NULL;
    writing->turn.known_count = 0;
}

static void save_head(struct writing *writing)
{
    struct turn *turn = &writing->turn;
    struct key key = key_text("head");
    Record__Head head = writing->instance->head;
    head.offset = turn->next_offset - 1;
    if (head.offset > writing->instance->head.offset)
        head.recorded_ms = writing->filling->recorded_ms;
    head.hash = (ProtobufCBinaryData){sizeof turn->last_hash, turn->last_hash};
    row_put(turn->txn, writing->instance->runtime_tables[RUNTIME_META], key_bytes(&key), &head.base, turn->arena);
}

static bool is_behind(const struct filling *filling, unsigned index)
{
    return filling->behind && strcmp(offline_services[index]->name, filling->behind) == 0;
}

/* In a process of its own. */
static void write_service(struct filling *filling, unsigned index)
{
    struct writing writing = {.filling = filling};
    struct instance *instance = writing.instance = offline_instance(&filling->offline, index, NULL, true);
    struct end *end = &filling->ends[index];
    arena_init(&writing.arena);
    turn_begin(&writing.turn, instance, NULL, &writing.arena, 0);
    for (uint64_t i = 0; i < filling->cases && !is_behind(filling, index);) {
        writing.turn.txn = store_begin(instance->store, true);
        for (unsigned n = 0; n < CASES_A_COMMIT && i < filling->cases; n++)
            write_case(&writing, i++);
        save_head(&writing);
        if (store_commit(writing.turn.txn))
            offline_fail(instance->service->name, "a commit failed: is the disk full?");
    }
    end->offset = writing.turn.next_offset - 1;
    memcpy(end->hash, writing.turn.last_hash, sizeof end->hash);
    instance_close(instance);
    arena_fini(&writing.arena);
}

/* ---- all of them ---- */

static void wait_for_one(void)
{
    int status = 0;
    if (wait(&status) < 0 || status != 0)
        offline_fail("one service", "could not be filled");
}

/* As many at a time as there are processors: no instance is open in this process meanwhile. */
static void write_all(struct filling *filling)
{
    long at_once = sysconf(_SC_NPROCESSORS_ONLN), running = 0;
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++) {
        if (running == at_once) {
            wait_for_one();
            running--;
        }
        pid_t child = fork();
        if (child < 0)
            offline_fail("fork", "no process");
        if (child == 0) {
            write_service(filling, i);
            exit(0);
        }
        running++;
    }
    while (running-- > 0)
        wait_for_one();
}

/* All has been heard: each cursor stands at the end of its log. This time with a flush, which takes all with it. */
static void move_cursors(struct filling *filling, unsigned index)
{
    struct instance *instance = offline_instance(&filling->offline, index, NULL, false);
    struct store_txn *txn = store_begin(instance->store, true);
    for (unsigned i = 0; i < instance->feeds_count && !is_behind(filling, index); i++) {
        struct feed *feed = &instance->feeds[i];
        const struct end *end = &filling->ends[offline_index(feed->service)];
        feed->cursor = end->offset;
        memcpy(feed->hash, end->hash, sizeof feed->hash);
        feed_save(feed, txn, &filling->offline.arena);
    }
    if (store_commit(txn))
        offline_fail(instance->service->name, "its cursors could not be stored");
    instance_close(instance);
}

int main(int argc, char **argv)
{
    static struct filling filling;
    struct instance *instances[OFFLINE_SERVICES];
    if (argc > 2 && strcmp(argv[1], "--behind") == 0) {
        filling.behind = argv[2];
        argc -= 2;
        argv += 2;
    }
    if (argc < 4 || (unsigned)argc > 3 + TEMPLATES_MAX) {
        fprintf(stderr, "usage: fill [--behind SERVICE] FOLDER CASES NUMBER... (1 to %u)\n", TEMPLATES_MAX);
        return 2;
    }
    offline_open(&filling.offline, "fill", argv[1]);
    filling.cases = strtoull(argv[2], NULL, 10);
    filling.recorded_ms = filling.offline.env.now(filling.offline.env.context);
    filling.ends =
        mmap(NULL, OFFLINE_SERVICES * sizeof *filling.ends, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (filling.ends == MAP_FAILED)
        offline_fail("memory", "there is none");
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++)
        instances[i] = offline_instance(&filling.offline, i, NULL, true);
    for (int i = 3; i < argc; i++)
        read_original(&filling, instances, argv[i]);
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++)
        instance_close(instances[i]);
    write_all(&filling);
    uint64_t events = 0;
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++) {
        move_cursors(&filling, i);
        events += filling.ends[i].offset;
    }
    printf("{\"cases\": %" PRIu64 ", \"events\": %" PRIu64 "}\n", filling.cases, events);
    return 0;
}
