/* deadlines FOLDER OPEN DUE ROUNDS: watchdog alone, with so many open deadlines and DUE more that are overdue. FOLDER
   is a stopped system's; its watchdog gets them and is of no other use afterwards.

   One registration, the newest of the site's log, is judged by watchdog's own code now, and again as of ninety days
   ago. The rows that come of it (the case, its timers) are then put under as many case ids as are wanted: all that
   differs between two such cases is who they are and when they are due. Measured by the service itself: opening the
   store with nothing of it in the page cache and looking for what is due; the idle tick; the sweep of all that is due,
   with its events, commits and flushes; memory. */
#include "hearback/record/watchdog.pb-c.h"
#include "measure.h"
#include "message/message.h"
#include "offline.h"
#include "service/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define OVERDUE_MS (90ll * 24 * 3600 * 1000)
#define ROWS_A_COMMIT 100000u
#define TIMERS_MAX 32u
#define TICKS 200000u

/* What one case came to: its row and its timers. */
struct model {
    struct bytes row;
    struct {
        int64_t due_ms;
        struct bytes rest; /* of the key, after the case id */
    } timers[TIMERS_MAX];
    unsigned timers_count, runs;
};

struct deadlines {
    struct offline offline;
    unsigned index;
    const char *folder;
    Hb__Event *registered;
    uint64_t first_id;
};

/* ---- the models ---- */

static void find_registered(struct deadlines *deadlines)
{
    struct instance *intake = offline_instance(&deadlines->offline, offline_index(HB__SERVICE__INTAKE), NULL, true);
    struct bytes stored;
    for (uint64_t offset = 1; instance_log_get(intake, offset, &deadlines->offline.arena, &stored); offset++) {
        ProtobufCMessage *message;
        char *why;
        if (message_load(&hb__event__descriptor, stored, &deadlines->offline.arena, &message, &why))
            offline_fail("intake", why);
        Hb__Event *event = (Hb__Event *)message;
        if (event->case_id && event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED)
            deadlines->registered = event;
        if (event->case_id >= deadlines->first_id)
            deadlines->first_id = event->case_id + 1;
    }
    instance_close(intake);
    if (!deadlines->registered)
        offline_fail("intake", "no case is registered");
}

static void read_timers(struct model *model, struct turn *turn, uint64_t case_id)
{
    struct store_scan scan;
    struct bytes key, value;
    store_scan_open(&scan, turn->txn, turn->instance->runtime_tables[RUNTIME_TIMERS], (struct bytes){0},
                    (struct bytes){0});
    while (store_scan_next(&scan, turn->arena, &key, &value)) {
        if (key.size <= 16 || bytes_get_u64(key.data + 8) != case_id)
            continue;
        if (model->timers_count == TIMERS_MAX)
            offline_fail("watchdog", "the case has too many timers");
        model->timers[model->timers_count].due_ms = (int64_t)bytes_get_u64(key.data);
        model->timers[model->timers_count++].rest = bytes_of(key.data + 16, key.size - 16);
    }
}

/* As if the case had been registered so long ago. Nothing of it stays in the store. */
static void make_model(struct deadlines *deadlines, struct instance *instance, int64_t ago_ms, struct model *model)
{
    static struct turn turn;
    Hb__Event event = *deadlines->registered;
    Watchrec__Case *record;
    struct key key = key_u64(deadlines->first_id);
    event.case_id = deadlines->first_id;
    event.recorded_ms -= ago_ms;
    event.occurred_ms -= ago_ms;
    turn_begin(&turn, instance, store_begin(instance->store, true), &deadlines->offline.arena, event.recorded_ms);
    turn_clear_input(&turn);
    turn_fold(&turn, &event);
    turn.at = &event;
    turn.cause = NEW(turn.arena, Hb__Cause, HB__CAUSE__INIT);
    turn.cause->kind_case = HB__CAUSE__KIND_EVENT;
    turn.cause->event = event_position(&turn, &event);
    instance->service->react(&turn, &event);
    for (unsigned i = 0; i < turn.said_count; i++)
        turn_fold(&turn, turn.said[i].event);
    if (!state_get(&turn, 0, key_bytes(&key), &model->row))
        offline_fail("watchdog", "the registration made no case");
    record = state_load(&turn, 0, key_bytes(&key), &watchrec__case__descriptor);
    model->runs = (unsigned)record->n_said;
    read_timers(model, &turn, deadlines->first_id);
    store_abort(turn.txn);
    if (!model->timers_count)
        offline_fail("watchdog", "the case has no deadline");
}

/* ---- filling ---- */

struct writing {
    struct instance *instance;
    struct turn turn;
    struct arena arena;
    unsigned rows;
};

static void commit(struct writing *writing)
{
    if (writing->turn.txn && store_commit(writing->turn.txn))
        offline_fail("watchdog", "a commit failed: is the disk full?");
    writing->turn.txn = NULL;
    arena_reset(&writing->arena);
}

static void begin_row(struct writing *writing)
{
    if (writing->rows++ % ROWS_A_COMMIT == 0)
        commit(writing);
    if (writing->turn.txn)
        return;
    turn_begin(&writing->turn, writing->instance, store_begin(writing->instance->store, true), &writing->arena, 0);
    writing->turn.phase = PHASE_EVOLVE; /* as a fold writes: each row with its check */
}

/* Bytes that the timers take. */
static uint64_t write_cases(struct instance *instance, const struct model *model, uint64_t first_id, uint64_t cases)
{
    struct writing writing = {.instance = instance};
    uint64_t before;
    arena_init(&writing.arena);
    for (uint64_t i = 0; i < cases; i++) {
        struct key key = key_u64(first_id + i);
        begin_row(&writing);
        state_put(&writing.turn, 0, key_bytes(&key), model->row);
    }
    commit(&writing);
    before = store_used_bytes(instance->store);
    for (unsigned t = 0; t < model->timers_count; t++)
        for (uint64_t i = 0; i < cases; i++) {
            struct key key = key_u64((uint64_t)model->timers[t].due_ms);
            key_add_u64(&key, first_id + i);
            key_add(&key, model->timers[t].rest.data, model->timers[t].rest.size);
            begin_row(&writing);
            store_put(writing.turn.txn, instance->runtime_tables[RUNTIME_TIMERS], key_bytes(&key), (struct bytes){0});
        }
    commit(&writing);
    arena_fini(&writing.arena);
    return store_used_bytes(instance->store) - before;
}

/* ---- measuring ---- */

static struct instance *open_watchdog(struct deadlines *deadlines, bool no_sync)
{
    return offline_instance(&deadlines->offline, deadlines->index, NULL, no_sync);
}

/* All on disk, and nothing of it in the page cache: as after a start of the machine. */
static void forget_pages(const char *folder)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    int fd = open(path, O_RDWR);
    if (fd < 0 || fdatasync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) || close(fd))
        offline_fail(path, "cannot be taken out of the page cache");
}

static void step(struct instance *instance)
{
    enum err fatal;
    instance_step(instance, &fatal);
    if (fatal)
        offline_fail("watchdog", err_text(fatal));
}

static double open_cold_ms(struct deadlines *deadlines)
{
    forget_pages(deadlines->folder);
    uint64_t began = now_ns();
    struct instance *instance = open_watchdog(deadlines, false);
    step(instance);
    double ms = (double)(now_ns() - began) / 1e6;
    instance_close(instance);
    return ms;
}

static double tick_ns(struct instance *instance)
{
    uint64_t began = processor_ns();
    for (unsigned i = 0; i < TICKS; i++)
        step(instance);
    return (double)(processor_ns() - began) / TICKS;
}

static double anonymous_mb(void)
{
    char line[200];
    unsigned long kb = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Anonymous: %lu kB", &kb) == 1)
            break;
    if (file)
        fclose(file);
    return (double)kb / 1000;
}

static uint64_t timers_left(struct instance *instance)
{
    struct store_txn *txn = store_begin(instance->store, false);
    uint64_t count = store_count(txn, instance->runtime_tables[RUNTIME_TIMERS]);
    store_abort(txn);
    return count;
}

/* Nobody answers it here, and it would give its producers a minute before it does without them. */
static void hear_all(struct instance *instance)
{
    for (unsigned i = 0; i < instance->feeds_count; i++)
        instance->feeds[i].caught_up_once = true;
}

struct swept {
    uint64_t timers, said, turns;
    double seconds;
};

/* The overdue ones are put in, then swept by the turns of the service, with flushes. */
static struct swept sweep(struct deadlines *deadlines, const struct model *late, uint64_t first_id, uint64_t due)
{
    uint64_t cases = due / late->timers_count;
    struct instance *instance = open_watchdog(deadlines, true);
    uint64_t open = timers_left(instance);
    write_cases(instance, late, first_id, cases);
    instance_close(instance);
    forget_pages(deadlines->folder);
    instance = open_watchdog(deadlines, false);
    hear_all(instance);
    uint64_t timers = timers_left(instance) - open, said = instance->head.offset, turns = instance->head.turns;
    uint64_t began = now_ns();
    while (timers_left(instance) > open)
        step(instance);
    struct swept swept = {timers, instance->head.offset - said, instance->head.turns - turns,
                          (double)(now_ns() - began) / 1e9};
    instance_close(instance);
    return swept;
}

/* Of other cases each round. */
static void sweep_all(struct deadlines *deadlines, const struct model *late, uint64_t due, unsigned long rounds)
{
    struct swept swept = {0};
    printf("\"sweep_s\": [");
    for (unsigned long round = 0; round < rounds; round++) {
        swept = sweep(deadlines, late, deadlines->first_id + round * due, due);
        printf("%s%.4f", round ? ", " : "", swept.seconds);
    }
    printf("], \"swept\": %" PRIu64 ", \"said\": %" PRIu64 ", \"turns\": %" PRIu64 ", ", swept.timers, swept.said,
           swept.turns);
}

int main(int argc, char **argv)
{
    static struct deadlines deadlines;
    static struct model open, late;
    if (argc != 5) {
        fprintf(stderr, "usage: deadlines FOLDER OPEN DUE ROUNDS\n");
        return 2;
    }
    uint64_t wanted = strtoull(argv[2], NULL, 10), due = strtoull(argv[3], NULL, 10);
    unsigned long rounds = strtoul(argv[4], NULL, 10);
    offline_open(&deadlines.offline, "deadlines", argv[1]);
    deadlines.index = offline_index(HB__SERVICE__WATCHDOG);
    deadlines.folder = config_instance_folder(deadlines.offline.config,
                                              config_instance(deadlines.offline.config, HB__SERVICE__WATCHDOG, 0),
                                              &deadlines.offline.arena);
    find_registered(&deadlines);
    struct instance *instance = open_watchdog(&deadlines, true);
    make_model(&deadlines, instance, 0, &open);
    make_model(&deadlines, instance, OVERDUE_MS, &late);
    uint64_t cases = wanted / open.runs, began = now_ns();
    uint64_t bytes = write_cases(instance, &open, deadlines.first_id + due * rounds, cases);
    instance_close(instance);
    printf("{\"deadlines\": %" PRIu64 ", \"timers\": %" PRIu64 ", \"filled_s\": %.1f, \"timer_bytes\": %.2f, ",
           cases * open.runs, cases * open.timers_count, (double)(now_ns() - began) / 1e9,
           (double)bytes / (double)(cases * open.timers_count));
    printf("\"cold_ms\": [");
    for (unsigned long round = rounds; round > 0; round--)
        printf("%.3f%s", open_cold_ms(&deadlines), round > 1 ? ", " : "], \"tick_ns\": [");
    instance = open_watchdog(&deadlines, false);
    for (unsigned long round = rounds; round > 0; round--)
        printf("%.2f%s", tick_ns(instance), round > 1 ? ", " : "], ");
    printf("\"anonymous_mb\": %.3f, ", anonymous_mb());
    instance_close(instance);
    sweep_all(&deadlines, &late, due, rounds);
    printf("\"anonymous_swept_mb\": %.3f}\n", anonymous_mb());
    return 0;
}
