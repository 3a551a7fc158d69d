/* fold FOLDER INTO: every service's state folded anew from the logs of a system at rest (FOLDER is that of `hearback
   --data`), into empty folders under INTO, and compared with what it keeps: all that `hearback verify` does but
   fetching over the bus. Says per service how many events that were and the processor time of it, and of a yardstick:
   BLAKE2b-256 of 300 bytes for each event. */
#include "config/config.h"
#include "measure.h"
#include "service/instance.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

extern const struct service directory_service, intake_service, routing_service, casework_service, watchdog_service,
    escalation_service, notification_service, analytics_service;

static const struct service *const services[] = {&directory_service,    &intake_service,   &routing_service,
                                                 &casework_service,     &watchdog_service, &escalation_service,
                                                 &notification_service, &analytics_service};
#define SERVICES_COUNT (sizeof services / sizeof *services)

struct folding {
    Config__Config *config;
    struct instance *instances[SERVICES_COUNT];
    struct env env;
    struct arena arena;
};

/* ---- a world in which nothing happens ---- */

static int64_t ms_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t world_now(void *context)
{
    (void)context;
    return ms_of(CLOCK_REALTIME);
}

static int64_t world_boot(void *context)
{
    (void)context;
    return ms_of(CLOCK_BOOTTIME);
}

static void world_random(void *context, uint8_t *out, size_t size)
{
    (void)context;
    randombytes_buf(out, size);
}

static void world_wake(void *context)
{
    (void)context;
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "fold: %s: %s\n", what, why);
    exit(1);
}

static unsigned feeds_of(const struct service *service, struct instance_feed_options *feeds)
{
    unsigned count = 0;
    for (unsigned i = 0; i < SERVICES_COUNT; i++)
        if (service->hears & 1u << services[i]->id)
            feeds[count++] = (struct instance_feed_options){services[i]->id, 0};
    return count;
}

static void open_one(struct folding *folding, unsigned index)
{
    static struct instance_feed_options feeds[SERVICES_COUNT][SERVICES_COUNT];
    const Config__Config *config = folding->config;
    const struct service *service = services[index];
    const Config__Instance *instance = config_instance(config, service->id, 0);
    char why[512];
    if (!instance)
        fail(service->name, "the configuration names no such instance");
    struct instance_options options = {.folder = config_instance_folder(config, instance, &folding->arena),
                                       .cell = strtoull(config->cell, NULL, 16),
                                       .feeds = feeds[index],
                                       .feeds_count = feeds_of(service, feeds[index]),
                                       .policies_folder = config->policies,
                                       .calendars_folder = config->calendars,
                                       .epoch_keys_folder = config->epoch_keys};
    if (instance_open(service, &options, &folding->env, &folding->instances[index], why, sizeof why))
        fail(service->name, why);
}

/* ---- folding ---- */

static bool read_event(void *context, const Hb__LogId *log, uint64_t offset, struct arena *arena,
                       struct bytes *event_out)
{
    struct folding *folding = context;
    for (unsigned i = 0; i < SERVICES_COUNT; i++)
        if (services[i]->id == log->service)
            return instance_log_get(folding->instances[i], offset, arena, event_out);
    return false;
}

static uint64_t events_of(struct folding *folding, struct instance *instance)
{
    Bus__PositionReport report = BUS__POSITION_REPORT__INIT;
    instance_position(instance, &folding->arena, &report);
    uint64_t events = report.end;
    for (size_t i = 0; i < report.n_cursors; i++)
        events += report.cursors[i]->offset;
    return events;
}

static double hash_seconds(uint64_t events)
{
    static uint8_t event[300];
    uint64_t began = processor_ns();
    for (uint64_t i = 0; i < events; i++)
        crypto_generichash(event, EVENTLOG_HASH_BYTES, event, sizeof event, NULL, 0);
    return (double)(processor_ns() - began) / 1e9;
}

static void fold_one(struct folding *folding, unsigned index, const char *folder)
{
    struct instance *instance = folding->instances[index];
    char why[512], into[4300];
    snprintf(into, sizeof into, "%s/%s", folder, services[index]->name);
    if (mkdir(into, 0700))
        fail(into, "cannot be made: a fold begins in an empty folder");
    uint64_t events = events_of(folding, instance), began = processor_ns();
    if (instance_check_fold(instance, into, read_event, folding, why, sizeof why))
        fail(services[index]->name, why);
    double seconds = (double)(processor_ns() - began) / 1e9;
    printf("{\"service\": \"%s\", \"events\": %" PRIu64 ", \"seconds\": %.4f, \"hash_seconds\": %.4f}\n",
           services[index]->name, events, seconds, hash_seconds(events));
}

int main(int argc, char **argv)
{
    static struct folding folding;
    char path[4200], *why = NULL;
    if (argc != 3 || sodium_init() < 0) {
        fprintf(stderr, "usage: fold FOLDER INTO\n");
        return 2;
    }
    folding.env = (struct env){
        .context = &folding, .now = world_now, .boot = world_boot, .random = world_random, .wake = world_wake};
    arena_init(&folding.arena);
    snprintf(path, sizeof path, "%s/hearback.yaml", argv[1]);
    if (config_load(path, &folding.arena, &folding.config, &why))
        fail(path, why ? why : "cannot be read");
    for (unsigned i = 0; i < SERVICES_COUNT; i++)
        open_one(&folding, i);
    for (unsigned i = 0; i < SERVICES_COUNT; i++)
        fold_one(&folding, i, argv[2]);
    for (unsigned i = 0; i < SERVICES_COUNT; i++)
        instance_close(folding.instances[i]);
    return 0;
}
