/* Unwrapped keys, the most recently used ones; a key that leaves is wiped. Private to the vault. */
#ifndef HEARBACK_VAULT_CACHE_H
#define HEARBACK_VAULT_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#define VAULT_KEY_BYTES 32u

struct vault_cache;

struct vault_cache *vault_cache_new(unsigned keys_max);
void vault_cache_free(struct vault_cache *cache);

/* The key, valid until the next put or drop; NULL when it is not here. */
const uint8_t *vault_cache_get(struct vault_cache *cache, uint64_t key_id);
void vault_cache_put(struct vault_cache *cache, uint64_t key_id, const uint8_t key[VAULT_KEY_BYTES]);
void vault_cache_drop(struct vault_cache *cache, uint64_t key_id);

#endif
