#include "config/network.h"

#include "base/number.h"

#include <arpa/inet.h>
#include <string.h>

#define ADDRESS_CHARACTERS_MAX 64u

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool address_plain(const char *text, uint8_t address_out[16])
{
    memcpy(address_out, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, address_out + sizeof mapped) == 1 || inet_pton(AF_INET6, text, address_out) == 1;
}

bool address_read(const char *text, uint8_t address_out[16])
{
    char plain[ADDRESS_CHARACTERS_MAX];
    const char *colon = strchr(text, ':');
    bool bracket = *text == '[', port = colon && !strchr(colon + 1, ':');
    size_t size = bracket ? strcspn(++text, "]") : port ? (size_t)(colon - text) : strlen(text);
    const char *rest = text + size + bracket;
    if (size >= sizeof plain || (bracket && text[size] != ']') ||
        (*rest && (*rest != ':' || !rest[1] || strspn(rest + 1, "0123456789") != strlen(rest + 1))))
        return false;
    memcpy(plain, text, size);
    plain[size] = 0;
    return address_plain(plain, address_out);
}

char *address_text(const uint8_t address[16], struct arena *arena)
{
    char text[INET6_ADDRSTRLEN];
    bool four = memcmp(address, mapped, sizeof mapped) == 0;
    inet_ntop(four ? AF_INET : AF_INET6, address + (four ? sizeof mapped : 0), text, sizeof text);
    return arena_strdup(arena, text);
}

bool network_read(const char *text, struct network *network_out)
{
    char plain[ADDRESS_CHARACTERS_MAX];
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    uint64_t bits = 0;
    if (size >= sizeof plain)
        return false;
    memcpy(plain, text, size);
    plain[size] = 0;
    unsigned most = strchr(plain, ':') ? 128 : 32;
    if (!address_plain(plain, network_out->address) || (slash && !number_read(slash + 1, most, &bits)))
        return false;
    network_out->bits = 128 - most + (slash ? (unsigned)bits : most);
    return true;
}

bool network_has(const struct network *network, const uint8_t address[16])
{
    size_t whole = network->bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> network->bits % 8);
    return memcmp(network->address, address, whole) == 0 &&
           (whole == 16 || ((network->address[whole] ^ address[whole]) & mask) == 0);
}
