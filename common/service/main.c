/* main() of every service: one loop, one bus, one instance. */
#include "base/planted.h"
#include "log/log.h"
#include "process/process.h"
#include "service/instance.h"
#include "store/store.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PEERS_MAX CONFIG_INSTANCES_MAX
#define LOCK_WAIT_MS 10000u

struct program {
    const struct service *service;
    const struct effect_driver *driver;
    void *driver_state;
    struct arena arena;
    Config__Config *config;
    const Config__Instance *me;
    struct ev_loop *loop;
    struct bus *bus;
    struct instance *instance;
    struct env env;
    struct log *log;
    struct {
        Hb__Service service;
        uint32_t partition;
        struct bus_peer *peer;
    } peers[PEERS_MAX];
    unsigned peers_count;
    ev_timer timer, alive;
    ev_idle idle;
    ev_signal terminate, interrupt;
    ev_async computed;
    pthread_mutex_t beside_lock;
    struct beside *beside_done; /* by their threads; under the lock */
    bool told_ready;
};

/* ---- the world ---- */

static int64_t ms_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t env_now(void *context)
{
    (void)context;
    return ms_of(CLOCK_REALTIME);
}

static int64_t env_boot(void *context)
{
    (void)context;
    return ms_of(CLOCK_BOOTTIME);
}

static void env_random(void *context, uint8_t *out, size_t size)
{
    (void)context;
    randombytes_buf(out, size);
}

static struct bus_peer *peer_of(struct program *program, Hb__Service service, uint32_t partition)
{
    for (unsigned i = 0; i < program->peers_count; i++)
        if (program->peers[i].service == service && program->peers[i].partition == partition)
            return program->peers[i].peer;
    const Config__Instance *instance = config_instance(program->config, service, partition);
    struct bus_peer *peer;
    if (!instance || program->peers_count == PEERS_MAX || bus_connect(program->bus, instance, &peer))
        return NULL;
    program->peers[program->peers_count].service = service;
    program->peers[program->peers_count].partition = partition;
    program->peers[program->peers_count++].peer = peer;
    return peer;
}

static void env_ask(void *context, Hb__Service service, uint32_t partition, Bus__Request *request, uint32_t timeout_ms,
                    bus_done_fn *done, void *done_context)
{
    struct bus_peer *peer = peer_of(context, service, partition);
    bug_unless(peer); /* feeds are made from the same configuration */
    bus_request(peer, request, timeout_ms, done, done_context);
}

static void env_reply(void *context, const struct bus_call *call, Bus__Reply *reply)
{
    (void)context;
    bus_reply(call, reply);
}

static void env_wake(void *context)
{
    struct program *program = context;
    ev_idle_start(program->loop, &program->idle);
}

static void env_effect_start(void *context, const char *id, uint32_t attempt, struct bytes payload,
                             struct effect_done *done)
{
    struct program *program = context;
    bug_unless(program->driver);
    program->driver->start(program->driver_state, id, attempt, payload, done);
}

/* ---- computing beside the loop ---- */

struct beside {
    struct beside *next; /* finished too */
    struct program *program;
    struct computation *computation;
};

static void *compute(void *context)
{
    struct beside *beside = context;
    struct program *program = beside->program;
    computation_run(beside->computation);
    bool unlocked = planted("beside_unlocked");
    if (!unlocked)
        pthread_mutex_lock(&program->beside_lock);
    beside->next = program->beside_done;
    program->beside_done = beside;
    if (!unlocked)
        pthread_mutex_unlock(&program->beside_lock);
    ev_async_send(program->loop, &program->computed);
    return NULL;
}

/* Signals are the loop's. Where no thread can be had the loop waits: better late than never. */
static void env_compute(void *context, struct computation *computation)
{
    struct beside *beside = calloc(1, sizeof *beside);
    sigset_t all, before;
    pthread_t thread;
    bug_unless(beside);
    *beside = (struct beside){.program = context, .computation = computation};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, compute, beside);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        compute(beside);
    else
        pthread_detach(thread);
}

static void on_computed(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop;
    (void)events;
    struct program *program = watcher->data;
    pthread_mutex_lock(&program->beside_lock);
    struct beside *done = program->beside_done, *next;
    program->beside_done = NULL;
    pthread_mutex_unlock(&program->beside_lock);
    for (; done; done = next) {
        next = done->next;
        computation_done(done->computation);
        free(done);
    }
    ev_idle_start(program->loop, &program->idle);
}

/* ---- stepping ---- */

static void step(struct program *program)
{
    enum err fatal;
    bool more = instance_step(program->instance, &fatal);
    if (fatal) {
        NOTE(program->log, NOTE_COMMIT_FAILED, LOG_TEXT("why", err_text(fatal)));
        _exit(3);
    }
    if (instance_stopping(program->instance))
        ev_break(program->loop, EVBREAK_ALL);
    if (!program->told_ready && strcmp(instance_health(program->instance), "ready") == 0) {
        program->told_ready = true;
        NOTE(program->log, NOTE_READY, LOG_TEXT("endpoint", program->me->endpoint));
        process_notify("READY=1");
    }
    if (more)
        ev_idle_start(program->loop, &program->idle);
    else
        ev_idle_stop(program->loop, &program->idle);
    int64_t wait = instance_next(program->instance) - env_now(program);
    ev_timer_stop(program->loop, &program->timer);
    ev_timer_set(&program->timer, wait > 0 ? (double)wait / 1000.0 : 0.0005, 0.);
    ev_timer_start(program->loop, &program->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    step(watcher->data);
}

/* The loop turns: whoever watches hears it twice in the time he waits. */
static void on_alive(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
    process_notify("WATCHDOG=1");
}

static void on_idle(struct ev_loop *loop, ev_idle *watcher, int events)
{
    (void)loop;
    (void)events;
    step(watcher->data);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)watcher;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void on_request(void *context, const struct bus_call *call, const Bus__Request *request, struct bytes stored)
{
    struct program *program = context;
    instance_serve(program->instance, call, request, stored);
    ev_idle_start(program->loop, &program->idle);
}

/* ---- starting ---- */

static int fail(const struct program *program, enum err err, const char *where, const char *why)
{
    NOTE(program->log, NOTE_START_REFUSED, LOG_TEXT("where", where), LOG_TEXT("why", why));
    return process_start_failed(err);
}

/* Of every cell below the services of `hears_below`, of the one above those of `hears_above`; all asked at the link. */
static void add_cells(struct program *program, struct instance_options *options, struct instance_feed_options *feeds)
{
    const Config__Config *config = program->config;
    struct instance_cell *cells = arena_alloc(&program->arena, (config->n_cells + 1) * sizeof *cells);
    options->cells = cells;
    for (size_t i = 0; i < config->n_cells; i++) {
        const Config__Cell *cell = config->cells[i];
        uint32_t hears = cell->above ? program->service->hears_above : program->service->hears_below;
        uint64_t id = strtoull(cell->cell, NULL, 16);
        if (hears)
            cells[options->cells_count++] = (struct instance_cell){id, cell->name, cell->above};
        for (size_t l = 0; l < cell->n_logs; l++)
            if (hears & 1u << cell->logs[l]->service)
                feeds[options->feeds_count++] =
                    (struct instance_feed_options){cell->logs[l]->service, cell->logs[l]->partition, id};
    }
}

static void add_feeds(struct program *program, struct instance_options *options)
{
    const Config__Config *config = program->config;
    size_t most = config->n_instances;
    for (size_t i = 0; i < config->n_cells; i++)
        most += config->cells[i]->n_logs;
    struct instance_feed_options *feeds = arena_alloc(&program->arena, (most + 1) * sizeof *feeds);
    options->feeds = feeds;
    for (size_t i = 0; i < config->n_instances; i++) {
        const Config__Instance *other = config->instances[i];
        bool heard = program->service->hears & 1u << other->service;
        if (heard && (other->service == HB__SERVICE__DIRECTORY || config_overlap(program->me, other)))
            feeds[options->feeds_count++] = (struct instance_feed_options){other->service, other->partition, 0};
    }
    add_cells(program, options, feeds);
}

/* One process on one folder: LMDB lets two writers take turns, but each would go on from a head the other has moved.
   The lock goes with the process, so a predecessor that was told to end is waited for. */
static bool lock_folder(const char *folder)
{
    char path[4200];
    struct timespec pause = {.tv_nsec = 50000000};
    snprintf(path, sizeof path, "%s/lock", folder);
    int fd = mkdir(folder, 0700) == 0 || errno == EEXIST ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    for (unsigned tried = 0; fd >= 0 && tried < LOCK_WAIT_MS / 50; tried++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

static int open_all(struct program *program, uint32_t partition, const char *config_path)
{
    char *why = NULL, text[512];
    if (config_load(config_path, &program->arena, &program->config, &why))
        return fail(program, ERR_MALFORMED, "configuration", why ? why : config_path);
    program->me = config_instance(program->config, program->service->id, partition);
    if (!program->me)
        return fail(program, ERR_NOT_FOUND, "configuration", "it names no such instance");
    snprintf(text, sizeof text, "%s-%" PRIu32, program->service->name, partition);
    enum err err = bus_open(program->loop, program->config, text, &program->bus);
    if (err)
        return fail(program, err, "bus",
                    err == ERR_NOT_FOUND ? "there is no secret key of this instance: run hearback up once"
                                         : err_text(err));
    struct instance_options options = {.folder = config_instance_folder(program->config, program->me, &program->arena),
                                       .cell = strtoull(program->config->cell, NULL, 16),
                                       .partition = partition,
                                       .bucket_from = program->me->bucket_from,
                                       .bucket_to = program->me->bucket_to,
                                       .config = program->config,
                                       .policies_folder = program->config->policies,
                                       .calendars_folder = program->config->calendars,
                                       .zones_folder = *program->config->zones ? program->config->zones : NULL,
                                       .epoch_keys_folder = program->config->epoch_keys,
                                       .log = program->log,
                                       .build_ms = instance_build_ms};
    add_feeds(program, &options);
    program->env = (struct env){program,   env_now,  env_boot,         env_random,  env_ask,
                                env_reply, env_wake, env_effect_start, env_compute, NULL};
    if (!lock_folder(options.folder))
        return fail(program, ERR_TIMEOUT, options.folder, "another process has this folder open, or it cannot be made");
    err = instance_open(program->service, &options, &program->env, &program->instance, text, sizeof text);
    if (err)
        return fail(program, err, "state", text);
    if (program->driver)
        program->driver_state = program->driver->open(program->instance, program->loop, program->config);
    const char *listen = *program->me->listen ? program->me->listen : program->me->endpoint;
    err = bus_serve(program->bus, listen, on_request, program);
    if (err)
        return fail(program, err, listen,
                    err == ERR_DENIED ? "an unknown key was not refused: the bus is not safe" : err_text(err));
    instance_counters_bus(program->instance, bus_undelivered(program->bus));
    bus_log(program->bus, program->log); /* not before: the self-test above has its throw-away key refused */
    return 0;
}

static void watch_alive(struct program *program)
{
    double every_s = process_watchdog_s();
    ev_timer_init(&program->alive, on_alive, every_s, every_s);
    if (every_s > 0)
        ev_timer_start(program->loop, &program->alive);
}

int service_main(int argc, char **argv, const struct service *service, const struct effect_driver *driver)
{
    static struct program program;
    uint32_t partition;
    const char *config = process_arguments(argc, argv, &partition);
    char name[80];
    program.service = service;
    program.driver = driver;
    if (!config) {
        fprintf(stderr, "usage: hearback-%s --config FILE [--partition N]\n", service->name);
        return 2;
    }
    snprintf(name, sizeof name, "%s-%" PRIu32, service->name, partition);
    program.log = log_new(name, STDERR_FILENO, NULL, NULL);
    process_follow_supervisor();
    signal(SIGPIPE, SIG_IGN);
    arena_init(&program.arena);
    program.loop = ev_default_loop(EVFLAG_NOENV);
    ev_init(&program.timer, on_timer);
    ev_idle_init(&program.idle, on_idle);
    program.timer.data = program.idle.data = &program;
    ev_signal_init(&program.terminate, on_signal, SIGTERM);
    ev_signal_init(&program.interrupt, on_signal, SIGINT);
    ev_signal_start(program.loop, &program.terminate);
    ev_signal_start(program.loop, &program.interrupt);
    pthread_mutex_init(&program.beside_lock, NULL);
    ev_async_init(&program.computed, on_computed);
    program.computed.data = &program;
    ev_async_start(program.loop, &program.computed);
    int failed = open_all(&program, partition, config);
    if (failed)
        return failed;
    step(&program);
    watch_alive(&program);
    ev_run(program.loop, 0);
    process_notify("STOPPING=1");
    NOTE(program.log, NOTE_STOPPED, LOG_NUMBER("pid", getpid()));
    instance_close(program.instance);
    return 0;
}
