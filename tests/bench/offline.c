#include "offline.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern const struct service directory_service, intake_service, routing_service, casework_service, watchdog_service,
    escalation_service, notification_service, analytics_service;

const struct service *const offline_services[OFFLINE_SERVICES] = {
    &directory_service, &intake_service,     &routing_service,      &casework_service,
    &watchdog_service,  &escalation_service, &notification_service, &analytics_service};

static const char *program_name = "offline";

void offline_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", program_name, what, why);
    exit(1);
}

/* ---- a world in which nothing happens ---- */

static int64_t ms_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t world_now(void *context)
{
    const struct offline *offline = context;
    return ms_of(CLOCK_REALTIME) + offline->shift_ms;
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

static void world_ask(void *context, Hb__Service service, uint32_t partition, Bus__Request *request,
                      uint32_t timeout_ms, bus_done_fn *done, void *done_context)
{
    (void)context, (void)service, (void)partition, (void)request, (void)timeout_ms, (void)done, (void)done_context;
}

/* ---- opening ---- */

void offline_open(struct offline *offline, const char *program, const char *folder)
{
    char path[4200], *why = NULL;
    program_name = program;
    if (sodium_init() < 0)
        offline_fail("libsodium", "cannot be used");
    *offline = (struct offline){0};
    offline->env = (struct env){.context = offline,
                                .now = world_now,
                                .boot = world_boot,
                                .random = world_random,
                                .wake = world_wake,
                                .ask = world_ask};
    arena_init(&offline->arena);
    snprintf(path, sizeof path, "%s/hearback.yaml", folder);
    if (config_load(path, &offline->arena, &offline->config, &why))
        offline_fail(path, why ? why : "cannot be read");
}

static unsigned feeds_of(const struct service *service, struct instance_feed_options *feeds)
{
    unsigned count = 0;
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++)
        if (service->hears & 1u << offline_services[i]->id)
            feeds[count++] = (struct instance_feed_options){offline_services[i]->id, 0};
    return count;
}

struct instance *offline_instance(struct offline *offline, unsigned index, const char *folder, bool no_sync)
{
    static struct instance_feed_options feeds[OFFLINE_SERVICES][OFFLINE_SERVICES];
    const Config__Config *config = offline->config;
    const struct service *service = offline_services[index];
    const Config__Instance *configured = config_instance(config, service->id, 0);
    struct instance *instance;
    char why[512];
    if (!configured)
        offline_fail(service->name, "the configuration names no such instance");
    struct instance_options options = {.folder = folder ? folder
                                                        : config_instance_folder(config, configured, &offline->arena),
                                       .cell = strtoull(config->cell, NULL, 16),
                                       .feeds = feeds[index],
                                       .feeds_count = feeds_of(service, feeds[index]),
                                       .no_sync = no_sync,
                                       .policies_folder = config->policies,
                                       .calendars_folder = config->calendars,
                                       .epoch_keys_folder = config->epoch_keys};
    if (instance_open(service, &options, &offline->env, &instance, why, sizeof why))
        offline_fail(service->name, why);
    return instance;
}

unsigned offline_index(Hb__Service service)
{
    for (unsigned i = 0; i < OFFLINE_SERVICES; i++)
        if (offline_services[i]->id == service)
            return i;
    offline_fail("a service", "has no place here");
    return 0;
}
