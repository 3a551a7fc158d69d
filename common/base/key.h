/* Builds table keys: big-endian numbers and NUL-terminated texts, so that byte order is order in meaning. */
#ifndef HEARBACK_BASE_KEY_H
#define HEARBACK_BASE_KEY_H

#include "base/bytes.h"
#include "base/error.h"

#define KEY_BYTES_MAX 511u

struct key {
    uint8_t data[KEY_BYTES_MAX];
    size_t size;
};

static inline void key_add(struct key *key, const void *data, size_t size)
{
    bug_unless(size <= KEY_BYTES_MAX - key->size);
    if (size)
        memcpy(key->data + key->size, data, size);
    key->size += size;
}

static inline void key_add_u64(struct key *key, uint64_t value)
{
    uint8_t be[8];
    bytes_put_u64(be, value);
    key_add(key, be, 8);
}

static inline void key_add_u32(struct key *key, uint32_t value)
{
    uint8_t be[4];
    bytes_put_u32(be, value);
    key_add(key, be, 4);
}

static inline void key_add_text(struct key *key, const char *text)
{
    key_add(key, text, strlen(text) + 1);
}

static inline struct key key_u64(uint64_t value)
{
    struct key key;
    key.size = 0;
    key_add_u64(&key, value);
    return key;
}

static inline struct key key_text(const char *text)
{
    struct key key;
    key.size = 0;
    key_add_text(&key, text);
    return key;
}

static inline struct bytes key_bytes(const struct key *key)
{
    return (struct bytes){key->data, key->size};
}

#endif
