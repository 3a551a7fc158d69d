#include "verify.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static struct slot *place(struct slot *slots, size_t room, uint64_t key)
{
    size_t at = (key * 0x9e3779b97f4a7c15ull) >> 20 & (room - 1);
    while (slots[at].key && slots[at].key != key)
        at = (at + 1) & (room - 1);
    return &slots[at];
}

struct slot *map_find(const struct map *map, uint64_t key)
{
    struct slot *slot = map->room ? place(map->slots, map->room, key ? key : 1) : NULL;
    return slot && slot->key ? slot : NULL;
}

static void grow(struct map *map)
{
    size_t room = map->room ? map->room * 2 : 1024;
    struct slot *slots = calloc(room, sizeof *slots);
    bug_unless(slots);
    for (size_t i = 0; i < map->room; i++)
        if (map->slots[i].key)
            *place(slots, room, map->slots[i].key) = map->slots[i];
    free(map->slots);
    map->slots = slots;
    map->room = room;
}

struct slot *map_put(struct map *map, uint64_t key, bool *new_out)
{
    if (map->count * 4 >= map->room * 3)
        grow(map);
    struct slot *slot = place(map->slots, map->room, key ? key : 1);
    *new_out = slot->key == 0;
    map->count += *new_out;
    slot->key = key ? key : 1;
    return slot;
}

void map_free(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}

uint64_t identity_of(const char *kind, const char *const *texts, size_t texts_count, const uint64_t *numbers,
                     size_t numbers_count)
{
    static uint8_t key[crypto_generichash_KEYBYTES];
    static bool keyed;
    uint8_t hash[crypto_generichash_BYTES_MIN];
    crypto_generichash_state state;
    if (!keyed)
        randombytes_buf(key, sizeof key);
    keyed = true;
    crypto_generichash_init(&state, key, sizeof key, sizeof hash);
    crypto_generichash_update(&state, (const uint8_t *)kind, strlen(kind) + 1);
    for (size_t i = 0; i < texts_count; i++)
        crypto_generichash_update(&state, (const uint8_t *)texts[i], strlen(texts[i]) + 1);
    for (size_t i = 0; i < numbers_count; i++)
        crypto_generichash_update(&state, (const uint8_t *)&numbers[i], sizeof numbers[i]);
    crypto_generichash_final(&state, hash, sizeof hash);
    return bytes_get_u64(hash);
}
