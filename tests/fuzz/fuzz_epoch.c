/* The file of the epoch keys: refused, or kept as it was. With the right sum under whatever stands before it, since no
   mutation finds one. */
#include "fuzz.h"

#include "vault/epoch.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

#define SUM_BYTES 16u

static void put(const char *path, const uint8_t *data, size_t size, bool summed)
{
    uint8_t sum[SUM_BYTES];
    FILE *file = fopen(path, "wbe");
    crypto_generichash(sum, sizeof sum, data, size, NULL, 0);
    must(file && fchmod(fileno(file), 0600) == 0 && fwrite(data, 1, size, file) == size);
    must(!summed || fwrite(sum, 1, sizeof sum, file) == sizeof sum);
    must(fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    struct epoch_keys keys = {.count = 0}, again = {.count = 0};
    if (size == 0 || sodium_init() < 0)
        return 0;
    snprintf(path, sizeof path, "%s/epoch.key", fuzz_folder());
    put(path, data + 1, size - 1, data[0] & 1);
    fuzz_memory_begin();
    enum err err = epoch_load(path, &keys);
    fuzz_memory_end(size);
    must(err == ERR_NONE || err == ERR_MALFORMED);
    if (err)
        return 0;
    must(keys.count >= 1 && keys.count <= EPOCH_KEYS_MAX);
    must(epoch_save(path, &keys) == ERR_NONE && epoch_load(path, &again) == ERR_NONE);
    must(again.count == keys.count && memcmp(again.keys, keys.keys, (size_t)keys.count * EPOCH_KEY_BYTES) == 0);
    return 0;
}
