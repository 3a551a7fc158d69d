/* How often strangers may try: token buckets, one per address and one for all together, in memory. A full table forgets
   the address heard of longest ago. */
#ifndef HEARBACK_GATEWAY_PORTAL_LIMIT_H
#define HEARBACK_GATEWAY_PORTAL_LIMIT_H

#include "base/arena.h"

#define LIMIT_ADDRESSES 1024u

struct limit_rule {
    uint32_t burst;     /* tries at once */
    uint32_t refill_ms; /* one more after so long; 0: no limit */
};

struct limit_bucket {
    char address[64];
    int64_t full_ms; /* when it will be full again */
};

struct limit {
    struct limit_rule each, all;
    int64_t all_full_ms;
    uint64_t tags[LIMIT_ADDRESSES]; /* of the addresses: every request of the API asks, and reads few */
    struct limit_bucket buckets[LIMIT_ADDRESSES];
};

void limit_init(struct limit *limit, struct limit_rule each, struct limit_rule all);

/* 0: one more try may be made now; else in so many milliseconds. Changes nothing. */
int64_t limit_wait_ms(const struct limit *limit, const char *address, int64_t now_ms);
/* Counts a try, before it is known how it ends: many at once are many. */
void limit_count(struct limit *limit, const char *address, int64_t now_ms);
/* The try was no wrong one after all. */
void limit_give_back(struct limit *limit, const char *address);

/* The part of an address that one household or person has: all of IPv4, the first 64 bits of IPv6. */
char *limit_address(const char *address, struct arena *arena);

#endif
