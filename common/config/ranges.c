/* Which partition has which buckets. A site lives in one bucket for good, so every bucket must have exactly one
   partition of each service. */
#include "config/config.h"

uint32_t config_bucket_end(const Config__Instance *instance)
{
    return instance->bucket_to ? instance->bucket_to : CONFIG_BUCKETS;
}

bool config_overlap(const Config__Instance *a, const Config__Instance *b)
{
    return a->bucket_from < config_bucket_end(b) && b->bucket_from < config_bucket_end(a);
}

const Config__Instance *config_instance_of_bucket(const Config__Config *config, Hb__Service service, uint32_t bucket)
{
    for (size_t i = 0; i < config->n_instances; i++) {
        const Config__Instance *instance = config->instances[i];
        if (instance->service == service && instance->bucket_from <= bucket && bucket < config_bucket_end(instance))
            return instance;
    }
    return NULL;
}

/* A partition has a higher number than the one it was divided off. */
uint64_t config_shared(const Config__Config *config, Hb__Service service, uint32_t a, uint32_t b)
{
    uint64_t shared = UINT64_MAX;
    while (a != b) {
        uint32_t *higher = a > b ? &a : &b;
        const Config__Instance *fork = config_instance(config, service, *higher);
        if (!fork || !fork->forked)
            return 0;
        shared = fork->forked_at < shared ? fork->forked_at : shared;
        *higher = fork->forked_from;
    }
    return shared;
}

/* Gateways own nothing; directory's events concern all, and dividing it would divide nothing. */
static const char *wrong_alone(const Config__Instance *instance)
{
    bool whole = instance->bucket_from == 0 && config_bucket_end(instance) == CONFIG_BUCKETS;
    if (instance->service == HB__SERVICE__GATEWAY && !whole)
        return "a gateway has no buckets: it asks whoever has them";
    if (instance->service == HB__SERVICE__DIRECTORY && (!whole || instance->partition))
        return "directory has one partition, 0, with all buckets: every service hears all of it";
    if (instance->bucket_from >= config_bucket_end(instance) || config_bucket_end(instance) > CONFIG_BUCKETS)
        return "buckets_from is below buckets_to, and both are at most 1024";
    return NULL;
}

static const char *wrong_fork(const Config__Config *config, const Config__Instance *instance)
{
    if (!instance->forked)
        return NULL;
    const Config__Instance *from = config_instance(config, instance->service, instance->forked_from);
    if (!from || from->partition >= instance->partition)
        return "forked_from names a partition of the same service with a lower number";
    return NULL;
}

static const char *wrong_beside(const Config__Config *config, size_t at)
{
    const Config__Instance *instance = config->instances[at];
    for (size_t i = 0; i < at; i++)
        if (config->instances[i]->service == instance->service && config_overlap(config->instances[i], instance))
            return "two partitions of this service have buckets in common";
    uint32_t next = config_bucket_end(instance) % CONFIG_BUCKETS; /* the last one is followed by the first */
    return config_instance_of_bucket(config, instance->service, next)
               ? NULL
               : "the buckets after those of this partition belong to nobody: 0 to 1024 must be given out";
}

const char *config_wrong_range(const Config__Config *config, size_t at)
{
    const char *wrong = wrong_alone(config->instances[at]);
    if (!wrong)
        wrong = wrong_fork(config, config->instances[at]);
    if (!wrong && config->instances[at]->service != HB__SERVICE__GATEWAY)
        wrong = wrong_beside(config, at);
    return wrong;
}
