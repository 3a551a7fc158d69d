/* The epoch key file: one key, or two while a rotation is under way. Private to the vault. */
#ifndef HEARBACK_VAULT_EPOCH_H
#define HEARBACK_VAULT_EPOCH_H

#include "base/error.h"

#include <stdint.h>

#define EPOCH_KEY_BYTES 32u
#define EPOCH_KEYS_MAX 2u

struct epoch_keys {
    uint8_t keys[EPOCH_KEYS_MAX][EPOCH_KEY_BYTES];
    unsigned count;
};

/* ERR_NOT_FOUND: no such file; ERR_DENIED: others may read it; ERR_MALFORMED: damaged; ERR_IO. */
enum err epoch_load(const char *path, struct epoch_keys *keys_out) MUST_CHECK;

/* Replaces the file in one step, 0600, synced with its folder before this returns; overwrites what the
   file held before. Creates the folder and the one it is in when absent. */
enum err epoch_save(const char *path, const struct epoch_keys *keys) MUST_CHECK;

#endif
