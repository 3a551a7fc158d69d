/* The logs of a system in order of time: over the bus while it runs, from its stores when it does not. */
#include "whatif.h"

#include "config/config.h"
#include "eventlog/eventlog.h"
#include "message/message.h"
#include "service/atrest.h"
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define POSITION_MS 5000u
#define ASK_MS 20000u
#define BATCH_BYTES (1u << 20)

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct past_log *add_log(struct past *past, Hb__Service service, uint32_t partition)
{
    bug_unless(past->count < VERIFY_LOGS_MAX);
    struct past_log *log = &past->logs[past->count++];
    *log = (struct past_log){.service = service, .partition = partition};
    log->name = arena_printf(&past->cli->arena, "%s-%" PRIu32, config_service_name(service), partition);
    arena_init(&log->arena);
    return log;
}

/* ---- over the bus ---- */

static bool ask_positions(struct past *past, const Config__Instance **instances)
{
    const Bus__Reply *replies[VERIFY_LOGS_MAX];
    Bus__Request request = BUS__REQUEST__INIT, *requests[VERIFY_LOGS_MAX];
    Bus__Control control = BUS__CONTROL__INIT;
    request.kind_case = BUS__REQUEST__KIND_CONTROL;
    request.control = &control;
    control.what = BUS__CONTROL__WHAT__POSITION;
    for (size_t i = 0; i < past->count; i++)
        requests[i] = &request;
    cli_ask_each(past->cli, instances, past->count, requests, POSITION_MS, replies);
    for (size_t i = 0; i < past->count; i++) {
        if (!replies[i] || replies[i]->kind_case != BUS__REPLY__KIND_CONTROL || !replies[i]->control->position)
            return cli_fail("%s does not answer: `hearback status` says more", past->logs[i].name), false;
        past->logs[i].folder = NULL;
        past->logs[i].end = replies[i]->control->position->end;
        past->logs[i].epoch = replies[i]->control->position->log->epoch;
    }
    past->end_ms = now_ms();
    return true;
}

static struct bytes fetch(struct past *past, struct past_log *log)
{
    Bus__Request request = BUS__REQUEST__INIT;
    Bus__Fetch wanted = BUS__FETCH__INIT;
    Hb__LogId id = HB__LOG_ID__INIT;
    request.kind_case = BUS__REQUEST__KIND_FETCH;
    request.fetch = &wanted;
    id.service = log->service;
    id.partition = log->partition;
    id.epoch = log->epoch;
    wanted.log = &id;
    wanted.after = log->at;
    wanted.bytes_max = BATCH_BYTES;
    struct arena_mark mark = arena_mark(&past->cli->arena);
    const Bus__Reply *reply = cli_ask(past->cli, log->service, log->partition, &request, ASK_MS);
    struct bytes batch = {0};
    if (reply && reply->kind_case == BUS__REPLY__KIND_FETCHED)
        batch = arena_copy(&log->arena, bytes_of(reply->fetched->events.data, reply->fetched->events.len));
    arena_return(&past->cli->arena, mark);
    return batch;
}

/* ---- at rest ---- */

/* Has no process this folder open? What is read of a log stays as it is, even if one starts meanwhile. */
static bool at_rest(const char *folder)
{
    char path[4200];
    if (access(folder, R_OK) != 0)
        return false; /* of another machine */
    snprintf(path, sizeof path, "%s/lock", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool rest = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0; /* a copy has no lock */
    if (fd >= 0)
        close(fd);
    return rest;
}

static bool measure(struct past *past, struct past_log *log, int64_t *last_ms)
{
    Bus__PositionReport report = BUS__POSITION_REPORT__INIT;
    char why[512] = "";
    struct arena_mark mark = arena_mark(&past->cli->arena);
    enum err err = atrest_position(log->folder, log->service, log->partition, &past->cli->arena, &report, last_ms, why,
                                   sizeof why);
    log->end = report.end;
    arena_return(&past->cli->arena, mark);
    if (err)
        cli_fail("%s: %s", log->name, *why ? why : err_text(err));
    return err == ERR_NONE;
}

static struct bytes read_store(struct past_log *log)
{
    struct store_options options = {.read_only = true, .folder_exists = true};
    struct store *store;
    store_table table;
    struct bytes batch = {0};
    if (store_open(log->folder, &options, &store))
        return batch;
    if (!store_table_open(store, "log", &table)) {
        struct store_txn *txn = store_begin(store, false);
        uint64_t last;
        batch = eventlog_read(txn, table, log->at, BATCH_BYTES, &log->arena, &last);
        store_abort(txn);
    }
    store_close(store);
    return batch;
}

/* ---- opening ---- */

static const Config__Instance **list_instances(struct past *past)
{
    const Config__Config *config = past->cli->config;
    const Config__Instance **list = arena_alloc(&past->cli->arena, config->n_instances * sizeof *list);
    for (size_t i = 0; i < config->n_instances; i++) {
        const Config__Instance *instance = config->instances[i];
        if (!cli_is_service(instance))
            continue;
        list[past->count] = instance;
        add_log(past, instance->service, instance->partition);
    }
    return list;
}

/* The last word of a stopped system may have been any service's: it lived on without a command. */
static bool measure_all(struct past *past, const char *folder)
{
    for (size_t i = 0; i < past->count; i++) {
        int64_t last_ms = 0;
        struct past_log *log = &past->logs[i];
        if (folder)
            log->folder = arena_printf(&past->cli->arena, "%s/%s", folder, log->name);
        if (!measure(past, log, &last_ms))
            return false;
        if (last_ms > past->end_ms)
            past->end_ms = last_ms;
    }
    return true;
}

static bool open_folder(struct past *past, const char *folder)
{
    for (unsigned service = HB__SERVICE__DIRECTORY; service <= HB__SERVICE__ANALYTICS; service++)
        for (uint32_t partition = 0; past->count < VERIFY_LOGS_MAX; partition++) {
            const char *name = config_service_name((Hb__Service)service);
            if (access(arena_printf(&past->cli->arena, "%s/%s-%" PRIu32, folder, name, partition), R_OK) != 0)
                break;
            add_log(past, (Hb__Service)service, partition);
        }
    if (past->count == 0)
        return cli_fail("%s: a folder that has the stores of a system is accepted: directory-0, intake-0, ... as in "
                        "its data/, in that of a backup, or kept by `policy rehearse --keep`",
                        folder),
               false;
    return measure_all(past, folder);
}

/* Only what is wanted is read on. */
static void keep_wanted(struct past *past, uint32_t services)
{
    size_t kept = 0;
    for (size_t i = 0; i < past->count; i++)
        if (services & 1u << past->logs[i].service)
            past->logs[kept++] = past->logs[i];
    past->count = kept;
    for (size_t i = 0; i < past->count; i++)
        past->total += past->logs[i].end;
}

bool past_open(struct past *past, struct cli *cli, const char *logs, uint32_t services)
{
    *past = (struct past){.cli = cli};
    if (logs) {
        bool good = open_folder(past, logs);
        keep_wanted(past, services);
        return good;
    }
    if (!cli_config(cli))
        return false;
    const Config__Instance **instances = list_instances(past);
    bool rest = true;
    for (size_t i = 0; i < past->count; i++) {
        past->logs[i].folder = config_instance_folder(cli->config, instances[i], &cli->arena);
        rest = rest && at_rest(past->logs[i].folder);
    }
    if (!(rest ? measure_all(past, NULL) : ask_positions(past, instances)))
        return false;
    keep_wanted(past, services);
    return true;
}

void past_close(struct past *past)
{
    for (size_t i = 0; i < past->count; i++)
        arena_fini(&past->logs[i].arena);
}

/* ---- reading ---- */

static bool load_next(struct past *past, struct past_log *log)
{
    struct bytes stored;
    ProtobufCMessage *message;
    char *why;
    enum err err = ERR_NONE;
    while (!log->next && log->at < log->end) {
        if (!log->batch.size) {
            arena_reset(&log->arena);
            log->batch = log->folder ? read_store(log) : fetch(past, log);
        }
        if (!eventlog_batch_next(&log->batch, &stored, &err) || err ||
            message_load(&hb__event__descriptor, stored, &log->arena, &message, &why))
            return cli_fail("%s cannot be read after offset %" PRIu64 ": `hearback verify` says more", log->name,
                            log->at),
                   false;
        log->at++;
        past->events++;
        if (((Hb__Event *)message)->partition == log->partition) /* else of before it was divided off another */
            log->next = (Hb__Event *)message;
    }
    return true;
}

/* At one instant a cause stands before what follows from it; else people and policies before the cases they are about.
 */
static bool comes_before(const Hb__Event *a, const Hb__Event *b)
{
    if (a->recorded_ms != b->recorded_ms)
        return a->recorded_ms < b->recorded_ms;
    return a->hops != b->hops ? a->hops < b->hops : a->service < b->service;
}

const Hb__Event *past_next(struct past *past, bool *good_out)
{
    struct past_log *first = NULL;
    *good_out = true;
    for (size_t i = 0; i < past->count && *good_out; i++) {
        struct past_log *log = &past->logs[i];
        *good_out = load_next(past, log);
        if (log->next && (!first || comes_before(log->next, first->next)))
            first = log;
    }
    if (!first || !*good_out)
        return NULL;
    const Hb__Event *event = first->next;
    first->next = NULL; /* its bytes stay until the batch is used up and the next call comes */
    return event;
}
