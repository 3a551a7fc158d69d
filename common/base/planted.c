#include "base/planted.h"

#include <stdlib.h>
#include <string.h>

#ifdef HEARBACK_PLANTED

bool planted(const char *name)
{
    const char *chosen = getenv("HEARBACK_PLANT");
    return chosen && strcmp(chosen, name) == 0;
}

bool planted_each(const char *name, unsigned nth)
{
    static unsigned times;
    return planted(name) && ++times % nth == 0;
}

bool planted_again(const char *name, const void *of, size_t size, uint64_t number)
{
    static uint64_t seen[1u << 18]; /* hashes of what was there; a bug need not be exact */
    if (!planted(name))
        return false;
    uint64_t hash = 14695981039346656037u ^ number;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)of)[i]) * 1099511628211u;
    uint64_t *slot = &seen[hash % (sizeof seen / sizeof *seen)];
    bool again = *slot == hash;
    *slot = hash;
    return again;
}

#endif
