#include "portal_limit.h"

#include <arpa/inet.h>
#include <stdio.h>

void limit_init(struct limit *limit, struct limit_rule each, struct limit_rule all)
{
    memset(limit, 0, sizeof *limit);
    limit->each = each;
    limit->all = all;
}

static int64_t wait_ms(const struct limit_rule *rule, int64_t full_ms, int64_t now_ms)
{
    int64_t from_ms = full_ms > now_ms ? full_ms : now_ms;
    int64_t wait = from_ms + rule->refill_ms - now_ms - (int64_t)rule->burst * rule->refill_ms;
    return rule->refill_ms && wait > 0 ? wait : 0; /* no limit: who came first may well be counted last */
}

static int64_t counted(const struct limit_rule *rule, int64_t full_ms, int64_t now_ms)
{
    return (full_ms > now_ms ? full_ms : now_ms) + rule->refill_ms;
}

/* FNV-1a: who makes two of one tag has gained nothing. */
static uint64_t tag_of(const char *address)
{
    uint64_t tag = 14695981039346656037u;
    for (const char *at = address; *at; at++)
        tag = (tag ^ (uint8_t)*at) * 1099511628211u;
    return tag;
}

static const struct limit_bucket *find(const struct limit *limit, const char *address)
{
    uint64_t tag = tag_of(address);
    for (size_t i = 0; i < LIMIT_ADDRESSES; i++)
        if (limit->tags[i] == tag && strcmp(limit->buckets[i].address, address) == 0)
            return &limit->buckets[i];
    return NULL;
}

int64_t limit_wait_ms(const struct limit *limit, const char *address, int64_t now_ms)
{
    const struct limit_bucket *bucket = find(limit, address);
    int64_t each = bucket ? wait_ms(&limit->each, bucket->full_ms, now_ms) : 0;
    int64_t all = wait_ms(&limit->all, limit->all_full_ms, now_ms);
    return each > all ? each : all;
}

static struct limit_bucket *make(struct limit *limit, const char *address)
{
    struct limit_bucket *oldest = &limit->buckets[0];
    for (size_t i = 1; i < LIMIT_ADDRESSES; i++)
        if (limit->buckets[i].full_ms < oldest->full_ms)
            oldest = &limit->buckets[i];
    snprintf(oldest->address, sizeof oldest->address, "%s", address);
    limit->tags[oldest - limit->buckets] = tag_of(address);
    oldest->full_ms = 0;
    return oldest;
}

void limit_count(struct limit *limit, const char *address, int64_t now_ms)
{
    struct limit_bucket *bucket = (struct limit_bucket *)(uintptr_t)find(limit, address);
    if (!bucket)
        bucket = make(limit, address);
    bucket->full_ms = counted(&limit->each, bucket->full_ms, now_ms);
    limit->all_full_ms = counted(&limit->all, limit->all_full_ms, now_ms);
}

void limit_give_back(struct limit *limit, const char *address)
{
    struct limit_bucket *bucket = (struct limit_bucket *)(uintptr_t)find(limit, address);
    if (bucket)
        bucket->full_ms -= limit->each.refill_ms;
    limit->all_full_ms -= limit->all.refill_ms;
}

char *limit_address(const char *address, struct arena *arena)
{
    struct in6_addr six;
    char text[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, address, &six) != 1)
        return arena_strdup(arena, address);
    if (IN6_IS_ADDR_V4MAPPED(&six))
        return arena_strdup(arena, inet_ntop(AF_INET, &six.s6_addr[12], text, sizeof text));
    memset(&six.s6_addr[8], 0, 8);
    return arena_printf(arena, "%s/64", inet_ntop(AF_INET6, &six, text, sizeof text));
}
