/* A view of bytes owned by somebody else, and big-endian integers: keys are big-endian so that
   order on disk is order in meaning. */
#ifndef HEARBACK_BASE_BYTES_H
#define HEARBACK_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){data, size};
}

static inline struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline void bytes_put_u64(uint8_t *to, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        to[i] = (uint8_t)value;
}

static inline uint64_t bytes_get_u64(const uint8_t *from)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | from[i];
    return value;
}

static inline void bytes_put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 3; i >= 0; i--, value >>= 8)
        to[i] = (uint8_t)value;
}

static inline uint32_t bytes_get_u32(const uint8_t *from)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | from[i];
    return value;
}

/* True when the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most
   U+10FFFF) without NUL. */
bool utf8_valid(const char *text, size_t size);

#endif
