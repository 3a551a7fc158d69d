/* A fixed array of entries, chained by hash and threaded into one list by use: entry 0 is the ring's
   head, so no list is ever empty and no link is ever missing. */
#include "vault/cache.h"

#include "base/error.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t key_id;
    uint32_t newer, older; /* the ring of use */
    uint32_t next;         /* of the same hash, 0: none */
    uint8_t key[VAULT_KEY_BYTES];
};

struct vault_cache {
    struct entry *entries; /* 1 ... keys_max; 0 is the head of the ring */
    uint32_t *heads;       /* hash -> first entry */
    uint32_t heads_mask;
    uint32_t keys_max;
    uint32_t used;
    uint32_t spare; /* dropped entries, chained by next */
};

struct vault_cache *vault_cache_new(unsigned keys_max)
{
    bug_unless(keys_max > 0);
    struct vault_cache *cache = calloc(1, sizeof *cache);
    bug_unless(cache);
    uint32_t heads = 16;
    while (heads < keys_max)
        heads *= 2;
    cache->entries = calloc((size_t)keys_max + 1, sizeof *cache->entries);
    cache->heads = calloc(heads, sizeof *cache->heads);
    bug_unless(cache->entries && cache->heads);
    cache->heads_mask = heads - 1;
    cache->keys_max = keys_max;
    return cache;
}

void vault_cache_free(struct vault_cache *cache)
{
    if (!cache)
        return;
    sodium_memzero(cache->entries, ((size_t)cache->keys_max + 1) * sizeof *cache->entries);
    free(cache->entries);
    free(cache->heads);
    free(cache);
}

static uint32_t *head_of(struct vault_cache *cache, uint64_t key_id)
{
    return &cache->heads[(uint32_t)((key_id * 0x9e3779b97f4a7c15u) >> 32) & cache->heads_mask];
}

static uint32_t find(struct vault_cache *cache, uint64_t key_id)
{
    uint32_t at = *head_of(cache, key_id);
    while (at && cache->entries[at].key_id != key_id)
        at = cache->entries[at].next;
    return at;
}

static void ring_leave(struct vault_cache *cache, uint32_t at)
{
    struct entry *entry = &cache->entries[at];
    cache->entries[entry->newer].older = entry->older;
    cache->entries[entry->older].newer = entry->newer;
}

static void ring_enter(struct vault_cache *cache, uint32_t at)
{
    struct entry *entry = &cache->entries[at];
    entry->newer = 0;
    entry->older = cache->entries[0].older;
    cache->entries[entry->older].newer = at;
    cache->entries[0].older = at;
}

static void chain_leave(struct vault_cache *cache, uint32_t at)
{
    uint32_t *link = head_of(cache, cache->entries[at].key_id);
    while (*link != at)
        link = &cache->entries[*link].next;
    *link = cache->entries[at].next;
}

/* Takes the entry out of ring and chain, and wipes it. */
static void forget(struct vault_cache *cache, uint32_t at)
{
    ring_leave(cache, at);
    chain_leave(cache, at);
    sodium_memzero(&cache->entries[at], sizeof cache->entries[at]);
}

static uint32_t room(struct vault_cache *cache)
{
    if (cache->spare) {
        uint32_t at = cache->spare;
        cache->spare = cache->entries[at].next;
        return at;
    }
    if (cache->used < cache->keys_max)
        return ++cache->used;
    uint32_t oldest = cache->entries[0].newer;
    forget(cache, oldest);
    return oldest;
}

const uint8_t *vault_cache_get(struct vault_cache *cache, uint64_t key_id)
{
    uint32_t at = find(cache, key_id);
    if (!at)
        return NULL;
    ring_leave(cache, at);
    ring_enter(cache, at);
    return cache->entries[at].key;
}

void vault_cache_put(struct vault_cache *cache, uint64_t key_id, const uint8_t key[VAULT_KEY_BYTES])
{
    if (find(cache, key_id))
        return;
    uint32_t at = room(cache);
    struct entry *entry = &cache->entries[at];
    uint32_t *head = head_of(cache, key_id);
    entry->key_id = key_id;
    memcpy(entry->key, key, VAULT_KEY_BYTES);
    entry->next = *head;
    *head = at;
    ring_enter(cache, at);
}

void vault_cache_drop(struct vault_cache *cache, uint64_t key_id)
{
    uint32_t at = find(cache, key_id);
    if (!at)
        return;
    forget(cache, at);
    cache->entries[at].next = cache->spare;
    cache->spare = at;
}
