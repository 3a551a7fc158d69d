#ifndef HEARBACK_BUS_INTERNAL_H
#define HEARBACK_BUS_INTERNAL_H

#include "bus/bus.h"
#include "config/config.h"

#define BUS_NAME_MAX CONFIG_NAME_ROOM

struct bus_key {
    uint8_t public_key[32];
    char name[BUS_NAME_MAX];
    uint32_t rights;
};

struct bus_keys {
    struct bus_key *list;
    unsigned count;
};

/* zap.c: answers ZeroMQ's authentication requests from the key table, in a thread of its own, before any bind. */
enum err zap_start(void *context, const struct bus_keys *keys) MUST_CHECK;
void zap_log(struct log *log);
/* ERR_NONE when a key that is not in the table is refused, ERR_DENIED when it is let in, ERR_TIMEOUT when neither is
 * seen. */
enum err zap_self_test(void *context, const char server_public[41], const char server_secret[41]) MUST_CHECK;
const struct bus_key *bus_key_find(const struct bus_keys *keys, const char *name);

#endif
