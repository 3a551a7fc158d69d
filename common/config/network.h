/* IP addresses and networks, IPv4 as the IPv6 addresses it is mapped to: so ::ffff:127.0.0.1 is 127.0.0.1. */
#ifndef HEARBACK_CONFIG_NETWORK_H
#define HEARBACK_CONFIG_NETWORK_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct network {
    uint8_t address[16];
    unsigned bits; /* of it that count */
};

/* "10.0.0.0/8", "fd00::/8", "127.0.0.1", "::1". False: none of these. */
bool network_read(const char *text, struct network *network_out);
bool network_has(const struct network *network, const uint8_t address[16]);

/* "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"; with a port too: "192.0.2.1:4711", "[2001:db8::1]:4711". */
bool address_read(const char *text, uint8_t address_out[16]);
/* In its shortest form. */
char *address_text(const uint8_t address[16], struct arena *arena);

#endif
