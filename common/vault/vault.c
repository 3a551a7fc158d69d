/* Tables of the vault's environment (every value is wrapped: 24-byte nonce, then XChaCha20-Poly1305
   under the epoch key, with table and row key as associated data, so that no row stands in for another):

     keys      key id (u64)    the 32 bytes of a key
     secrets   name            "own/tracking", "own/blind", and "secret/..." of whoever keeps the vault
     meta      "check"         16 zero bytes: tells at once whether the epoch key is the right one
     erased    key id (u64)    nothing: ids destroyed, kept for good

   A key id is an era (32 random bits, new at each opening) and a number within it. So a restart needs to
   know nothing about what was handed out before, and neither a restored older copy nor the other half of a
   divided partition ever gives one id to two cases. */
#include "vault/vault.h"

#include "base/key.h"
#include "base/planted.h"
#include "store/store.h"
#include "vault/cache.h"
#include "vault/epoch.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define CHECK_BYTES 16u
#define RESERVE_BYTES (1u << 20)
#define NAME_BYTES_MAX 256u

_Static_assert(VAULT_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size of XChaCha20-Poly1305");

struct vault {
    struct store *store;
    store_table keys, secrets, meta, erased;
    struct vault_cache *cache;
    vault_random_fn *random;
    void *random_context;
    char *epoch_path;
    unsigned keys_ahead;
    uint64_t next;    /* the next key id to hand out */
    uint64_t made_to; /* last key id on disk of this era */
    uint8_t epoch_key[EPOCH_KEY_BYTES];
    uint8_t tracking_key[VAULT_KEY_BYTES];
    uint8_t blind_key[VAULT_KEY_BYTES];
};

static void random_of_sodium(void *context, void *out, size_t size)
{
    (void)context;
    randombytes_buf(out, size);
}

/* ---- wrapped rows ---- */

static struct key row_tag(const char *table, struct bytes row)
{
    struct key tag = key_text(table);
    key_add(&tag, row.data, row.size);
    return tag;
}

static struct bytes wrap(struct vault *vault, const char *table, struct bytes row, struct bytes plain,
                         struct arena *arena)
{
    struct key tag = row_tag(table, row);
    uint8_t *box = arena_alloc(arena, NONCE_BYTES + plain.size + TAG_BYTES);
    vault->random(vault->random_context, box, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_BYTES, NULL, plain.data, plain.size, tag.data, tag.size,
                                               NULL, box, vault->epoch_key);
    return bytes_of(box, NONCE_BYTES + plain.size + TAG_BYTES);
}

static enum err unwrap(const uint8_t *epoch_key, const char *table, struct bytes row, struct bytes box, uint8_t *out,
                       size_t size)
{
    struct key tag = row_tag(table, row);
    if (box.size != NONCE_BYTES + size + TAG_BYTES)
        return ERR_CORRUPT;
    int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, box.data + NONCE_BYTES, box.size - NONCE_BYTES,
                                                        tag.data, tag.size, box.data, epoch_key);
    return rc == 0 ? ERR_NONE : ERR_CORRUPT;
}

static void put_wrapped(struct vault *vault, struct store_txn *txn, store_table table, const char *table_name,
                        struct bytes row, struct bytes plain)
{
    struct arena arena;
    arena_init(&arena);
    store_put(txn, table, row, wrap(vault, table_name, row, plain, &arena));
    arena_fini(&arena);
}

/* One row, read in a transaction of its own. */
static enum err read_row(struct vault *vault, store_table table, struct bytes row, struct arena *arena,
                         struct bytes *box_out)
{
    struct store_txn *txn = store_begin(vault->store, false);
    bool found = store_get(txn, table, row, arena, box_out);
    enum err err = store_error(txn);
    store_abort(txn);
    return err ? err : found ? ERR_NONE : ERR_NOT_FOUND;
}

/* ---- opening ---- */

static bool epoch_fits(struct bytes check, const uint8_t *epoch_key)
{
    uint8_t zeros[CHECK_BYTES];
    return unwrap(epoch_key, "meta", bytes_of_text("check"), check, zeros, sizeof zeros) == ERR_NONE;
}

static enum err say(struct arena *arena, const char **why_out, enum err err, const char *path, const char *text)
{
    if (why_out)
        *why_out = arena_printf(arena, "epoch key %s: %s", path, text);
    return err;
}

static enum err say_load(struct arena *arena, const char **why_out, enum err err, const char *path)
{
    switch (err) {
    case ERR_NOT_FOUND:
        return say(arena, why_out, ERR_DENIED, path,
                   "the file is missing, but the vault holds keys wrapped under it; put the file back from its own "
                   "backup: without it no personal data can be read");
    case ERR_DENIED:
        return say(arena, why_out, err, path, "the file must be readable by its owner alone (chmod 600)");
    case ERR_MALFORMED:
        return say(arena, why_out, err, path, "the file is damaged; put it back from its own backup");
    default:
        return say(arena, why_out, err, path, err_text(err));
    }
}

/* An existing vault: the key that opens the check row. Two keys are in the file after a crash within a rotation. */
static enum err epoch_find(struct vault *vault, struct bytes check, struct arena *arena, const char **why_out)
{
    struct epoch_keys keys;
    enum err err = epoch_load(vault->epoch_path, &keys);
    if (err)
        return say_load(arena, why_out, err, vault->epoch_path);
    unsigned at = 0;
    while (at < keys.count && !epoch_fits(check, keys.keys[at]))
        at++;
    if (at == keys.count)
        err = say(arena, why_out, ERR_DENIED, vault->epoch_path,
                  "this is not the key of this vault, or its table meta at key 636865636b was altered");
    else
        memcpy(vault->epoch_key, keys.keys[at], EPOCH_KEY_BYTES);
    if (!err && keys.count > 1) {
        struct epoch_keys one = {.count = 1};
        memcpy(one.keys[0], vault->epoch_key, EPOCH_KEY_BYTES);
        err = epoch_save(vault->epoch_path, &one);
        sodium_memzero(&one, sizeof one);
    }
    sodium_memzero(&keys, sizeof keys);
    return err;
}

/* A fresh vault: the key file first (one left by a crash before the first row is as good), then the first rows. */
static enum err epoch_make(struct vault *vault, struct arena *arena, const char **why_out)
{
    struct epoch_keys keys;
    enum err err = epoch_load(vault->epoch_path, &keys);
    if (err == ERR_NOT_FOUND) {
        keys.count = 1;
        vault->random(vault->random_context, keys.keys[0], EPOCH_KEY_BYTES);
        err = epoch_save(vault->epoch_path, &keys);
        if (err)
            return say(arena, why_out, err, vault->epoch_path, "the file cannot be written");
    }
    if (err)
        return say_load(arena, why_out, err, vault->epoch_path);
    memcpy(vault->epoch_key, keys.keys[0], EPOCH_KEY_BYTES);
    sodium_memzero(&keys, sizeof keys);
    vault->random(vault->random_context, vault->tracking_key, VAULT_KEY_BYTES);
    vault->random(vault->random_context, vault->blind_key, VAULT_KEY_BYTES);
    err = store_reserve(vault->store, RESERVE_BYTES);
    if (err)
        return err;
    static const uint8_t zeros[CHECK_BYTES];
    struct store_txn *txn = store_begin(vault->store, true);
    put_wrapped(vault, txn, vault->meta, "meta", bytes_of_text("check"), bytes_of(zeros, sizeof zeros));
    put_wrapped(vault, txn, vault->secrets, "secrets", bytes_of_text("own/tracking"),
                bytes_of(vault->tracking_key, VAULT_KEY_BYTES));
    put_wrapped(vault, txn, vault->secrets, "secrets", bytes_of_text("own/blind"),
                bytes_of(vault->blind_key, VAULT_KEY_BYTES));
    return store_commit(txn);
}

static enum err load_own(struct vault *vault, const char *name, uint8_t *key_out, struct arena *arena,
                         const char **why_out)
{
    struct bytes box;
    enum err err = read_row(vault, vault->secrets, bytes_of_text(name), arena, &box);
    if (!err)
        err = unwrap(vault->epoch_key, "secrets", bytes_of_text(name), box, key_out, VAULT_KEY_BYTES);
    if (err && why_out)
        *why_out = arena_printf(arena,
                                "%s: the row %s is missing or was altered (%s): restore from a backup "
                                "(hearback restore)",
                                store_place(arena, "secrets", bytes_of_text(name)), name, err_text(err));
    return err;
}

static bool is_empty(struct vault *vault)
{
    struct store_txn *txn = store_begin(vault->store, false);
    uint64_t rows = store_count(txn, vault->keys) + store_count(txn, vault->secrets) + store_count(txn, vault->meta);
    enum err err = store_error(txn);
    store_abort(txn);
    return !err && rows == 0;
}

static enum err unlock(struct vault *vault, struct arena *arena, const char **why_out)
{
    struct bytes check;
    enum err err = read_row(vault, vault->meta, bytes_of_text("check"), arena, &check);
    if (err == ERR_NOT_FOUND && is_empty(vault))
        return epoch_make(vault, arena, why_out);
    if (err == ERR_NOT_FOUND) {
        if (why_out)
            *why_out =
                arena_strdup(arena, "table meta at key 636865636b is missing, though there are keys: restore from a "
                                    "backup (hearback restore)");
        return ERR_CORRUPT;
    }
    if (!err)
        err = epoch_find(vault, check, arena, why_out);
    if (!err)
        err = load_own(vault, "own/tracking", vault->tracking_key, arena, why_out);
    if (!err)
        err = load_own(vault, "own/blind", vault->blind_key, arena, why_out);
    return err;
}

/* An era no key, living or erased, belongs to. */
static enum err era_choose(struct vault *vault)
{
    struct store_txn *txn = store_begin(vault->store, false);
    struct arena arena;
    arena_init(&arena);
    bool taken = true;
    while (taken && !store_error(txn)) {
        uint8_t era[4];
        vault->random(vault->random_context, era, sizeof era);
        struct bytes key;
        taken = bytes_get_u32(era) == 0 ||
                store_last(txn, vault->keys, bytes_of(era, sizeof era), &arena, &key, NULL) ||
                store_last(txn, vault->erased, bytes_of(era, sizeof era), &arena, &key, NULL);
        vault->made_to = (uint64_t)bytes_get_u32(era) << 32;
        vault->next = vault->made_to + 1;
    }
    enum err err = store_error(txn);
    store_abort(txn);
    arena_fini(&arena);
    return err;
}

static enum err open_tables(struct vault *vault, const struct vault_options *options)
{
    struct store_options store = {.map_bytes = options->map_bytes, .no_sync = options->no_sync};
    enum err err = store_open(options->folder, &store, &vault->store);
    if (!err)
        err = store_table_open(vault->store, "keys", &vault->keys);
    if (!err)
        err = store_table_open(vault->store, "secrets", &vault->secrets);
    if (!err)
        err = store_table_open(vault->store, "meta", &vault->meta);
    if (!err)
        err = store_table_open(vault->store, "erased", &vault->erased);
    return err;
}

enum err vault_open_dir(const struct vault_options *options, struct arena *arena, struct vault **vault_out,
                        const char **why_out)
{
    if (why_out)
        *why_out = "";
    if (sodium_init() < 0)
        return ERR_IO;
    struct vault *vault = calloc(1, sizeof *vault);
    bug_unless(vault);
    vault->random = options->random ? options->random : random_of_sodium;
    vault->random_context = options->random_context;
    vault->keys_ahead = options->keys_ahead ? options->keys_ahead : VAULT_KEYS_AHEAD_DEFAULT;
    vault->cache = vault_cache_new(options->cache_keys ? options->cache_keys : VAULT_CACHE_KEYS_DEFAULT);
    vault->epoch_path = strdup(options->epoch_path);
    bug_unless(vault->epoch_path);
    enum err err = open_tables(vault, options);
    if (!err)
        err = unlock(vault, arena, why_out);
    if (!err)
        err = era_choose(vault);
    if (err) {
        vault_close(vault);
        return err;
    }
    *vault_out = vault;
    return ERR_NONE;
}

void vault_close(struct vault *vault)
{
    if (!vault)
        return;
    store_close(vault->store);
    vault_cache_free(vault->cache);
    free(vault->epoch_path);
    sodium_memzero(vault, sizeof *vault);
    free(vault);
}

struct store *vault_store(struct vault *vault)
{
    return vault->store;
}

/* ---- keys ---- */

static uint64_t keys_left(const struct vault *vault)
{
    return vault->made_to - (vault->next - 1);
}

enum err vault_reserve(struct vault *vault)
{
    return store_reserve(vault->store, RESERVE_BYTES);
}

/* The fresh keys go into the cache as well, last one first: the next to be taken is the last to leave it. */
static enum err make_keys(struct vault *vault, unsigned count)
{
    enum err err = vault_reserve(vault);
    if (err)
        return err;
    uint8_t *fresh = malloc((size_t)count * VAULT_KEY_BYTES);
    bug_unless(fresh);
    vault->random(vault->random_context, fresh, (size_t)count * VAULT_KEY_BYTES);
    struct store_txn *txn = store_begin(vault->store, true);
    for (unsigned i = 0; i < count; i++) {
        struct key row = key_u64(vault->made_to + 1 + i);
        put_wrapped(vault, txn, vault->keys, "keys", key_bytes(&row),
                    bytes_of(fresh + (size_t)i * VAULT_KEY_BYTES, VAULT_KEY_BYTES));
    }
    err = store_commit(txn);
    for (unsigned i = count; !err && i-- > 0;)
        vault_cache_put(vault->cache, vault->made_to + 1 + i, fresh + (size_t)i * VAULT_KEY_BYTES);
    sodium_memzero(fresh, (size_t)count * VAULT_KEY_BYTES);
    free(fresh);
    if (!err)
        vault->made_to += count;
    return err;
}

enum err vault_take(struct vault *vault, uint64_t *key_id_out)
{
    enum err err = keys_left(vault) ? ERR_NONE : make_keys(vault, vault->keys_ahead);
    *key_id_out = err ? 0 : vault->next++;
    return err;
}

enum err vault_make_ahead(struct vault *vault)
{
    return keys_left(vault) * 2 < vault->keys_ahead ? make_keys(vault, vault->keys_ahead) : ERR_NONE;
}

/* A copy of the key, for the caller to wipe. */
static enum err key_load(struct vault *vault, uint64_t key_id, uint8_t key_out[VAULT_KEY_BYTES])
{
    const uint8_t *cached = vault_cache_get(vault->cache, key_id);
    if (cached) {
        memcpy(key_out, cached, VAULT_KEY_BYTES);
        return ERR_NONE;
    }
    struct arena arena;
    arena_init(&arena);
    struct key row = key_u64(key_id);
    struct bytes box;
    enum err err = read_row(vault, vault->keys, key_bytes(&row), &arena, &box);
    if (!err)
        err = unwrap(vault->epoch_key, "keys", key_bytes(&row), box, key_out, VAULT_KEY_BYTES);
    if (!err)
        vault_cache_put(vault->cache, key_id, key_out);
    arena_fini(&arena);
    return err;
}

/* ---- looking through ---- */

struct vault_check {
    struct vault *vault;
    uint8_t epoch_key[EPOCH_KEY_BYTES]; /* of this snapshot */
    struct store_txn *txn;
    struct store_scan scan;
    struct arena arena;
    unsigned table;
    uint64_t rows;
    bool scanning;
};

static const char *wrapped_table(const struct vault *vault, unsigned index, store_table *table_out)
{
    static const char *const names[] = {"keys", "secrets", "meta", "erased"};
    const store_table tables[] = {vault->keys, vault->secrets, vault->meta, vault->erased};
    if (index == sizeof names / sizeof *names)
        return NULL;
    *table_out = tables[index];
    return names[index];
}

struct vault_check *vault_check_open(struct vault *vault)
{
    struct vault_check *check = calloc(1, sizeof *check);
    bug_unless(check);
    check->vault = vault;
    memcpy(check->epoch_key, vault->epoch_key, sizeof check->epoch_key);
    check->txn = store_begin(vault->store, false);
    arena_init(&check->arena);
    return check;
}

void vault_check_close(struct vault_check *check)
{
    if (!check)
        return;
    store_abort(check->txn);
    arena_fini(&check->arena);
    sodium_memzero(check, sizeof *check);
    free(check);
}

static bool opens(struct vault_check *check, const char *name, struct bytes row, struct bytes box)
{
    size_t size = box.size < NONCE_BYTES + TAG_BYTES ? 0 : box.size - NONCE_BYTES - TAG_BYTES;
    uint8_t *plain = arena_alloc(&check->arena, size + 1);
    enum err err = unwrap(check->epoch_key, name, row, box, plain, size);
    sodium_memzero(plain, size + 1);
    return err == ERR_NONE;
}

bool vault_check_step(struct vault_check *check, unsigned rows_max, struct arena *arena, const char **wrong_out)
{
    store_table table;
    struct bytes row, box;
    const char *name = wrapped_table(check->vault, check->table, &table);
    *wrong_out = NULL;
    if (!name)
        return false;
    if (!check->scanning)
        store_scan_open(&check->scan, check->txn, table, (struct bytes){0}, (struct bytes){0});
    check->scanning = true;
    for (; rows_max-- && !*wrong_out; arena_reset(&check->arena)) {
        if (!store_scan_next(&check->scan, &check->arena, &row, &box)) {
            if (check->rows != store_count(check->txn, table) || store_error(check->txn)) {
                *wrong_out = store_disorder_text(check->txn, table, name, arena);
                if (!*wrong_out)
                    *wrong_out = arena_printf(arena, "table %s cannot be read", name);
            }
            check->scanning = false;
            check->rows = 0;
            check->table++;
            break;
        }
        check->rows++;
        if (!opens(check, name, row, box))
            *wrong_out = arena_printf(arena, "%s: it was altered", store_place(arena, name, row));
    }
    return true;
}

static struct key seal_tag(uint64_t key_id, const char *field)
{
    struct key tag = key_u64(key_id);
    key_add(&tag, field, strlen(field));
    return tag;
}

enum err vault_seal_bytes(struct vault *vault, uint64_t key_id, const char *field, struct bytes plain,
                          struct arena *arena, struct bytes *box_out)
{
    if (plain.size > VAULT_BYTES_MAX || strlen(field) > VAULT_FIELD_BYTES_MAX)
        return ERR_TOO_LARGE;
    uint8_t key[VAULT_KEY_BYTES];
    enum err err = key_load(vault, key_id, key);
    if (err)
        return err;
    struct key tag = seal_tag(key_id, field);
    uint8_t *box = arena_alloc(arena, NONCE_BYTES + plain.size + TAG_BYTES);
    vault->random(vault->random_context, box, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_BYTES, NULL, plain.data, plain.size, tag.data, tag.size,
                                               NULL, box, key);
    sodium_memzero(key, sizeof key);
    *box_out = bytes_of(box, NONCE_BYTES + plain.size + TAG_BYTES);
    return ERR_NONE;
}

enum err vault_open_bytes(struct vault *vault, uint64_t key_id, const char *field, struct bytes box,
                          struct arena *arena, struct bytes *plain_out)
{
    if (box.size < NONCE_BYTES + TAG_BYTES || box.size > NONCE_BYTES + VAULT_BYTES_MAX + TAG_BYTES ||
        strlen(field) > VAULT_FIELD_BYTES_MAX)
        return ERR_CORRUPT;
    uint8_t key[VAULT_KEY_BYTES];
    enum err err = key_load(vault, key_id, key);
    if (err)
        return err;
    struct key tag = seal_tag(key_id, field);
    size_t size = box.size - NONCE_BYTES - TAG_BYTES;
    uint8_t *plain = arena_zero(arena, size + 1); /* a text ends with a zero */
    int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, box.data + NONCE_BYTES,
                                                        box.size - NONCE_BYTES, tag.data, tag.size, box.data, key);
    sodium_memzero(key, sizeof key);
    *plain_out = bytes_of(plain, size);
    return rc == 0 ? ERR_NONE : ERR_CORRUPT;
}

enum err vault_seal(struct vault *vault, uint64_t key_id, const char *field, const char *plain, struct arena *arena,
                    Hb__Sealed **sealed_out)
{
    size_t size = strlen(plain);
    struct bytes box;
    if (size > VAULT_TEXT_BYTES_MAX)
        return ERR_TOO_LARGE;
    enum err err = vault_seal_bytes(vault, key_id, field, bytes_of((const uint8_t *)plain, size), arena, &box);
    if (err)
        return err;
    Hb__Sealed *sealed = arena_alloc(arena, sizeof *sealed);
    hb__sealed__init(sealed);
    sealed->key_id = key_id;
    sealed->field = arena_strdup(arena, field);
    sealed->box.data = (uint8_t *)(uintptr_t)box.data;
    sealed->box.len = box.size;
    *sealed_out = sealed;
    return ERR_NONE;
}

enum err vault_open(struct vault *vault, const Hb__Sealed *sealed, struct arena *arena, char **text_out)
{
    struct bytes plain;
    if (sealed->box.len > NONCE_BYTES + VAULT_TEXT_BYTES_MAX + TAG_BYTES)
        return ERR_CORRUPT;
    enum err err = vault_open_bytes(vault, sealed->key_id, sealed->field, bytes_of(sealed->box.data, sealed->box.len),
                                    arena, &plain);
    if (!err)
        *text_out = (char *)(uintptr_t)plain.data;
    return err;
}

/* ---- erasure ---- */

enum err vault_destroy(struct vault *vault, const uint64_t *key_ids, size_t count)
{
    if (count > VAULT_DESTROY_MAX)
        return ERR_TOO_LARGE;
    enum err err = store_reserve(vault->store, RESERVE_BYTES);
    if (err)
        return err;
    struct store_txn *txn = store_begin(vault->store, true);
    for (size_t i = 0; i < count; i++) {
        struct key row = key_u64(key_ids[i]);
        if (!planted("keep_erased_key"))
            store_delete(txn, vault->keys, key_bytes(&row));
        put_wrapped(vault, txn, vault->erased, "erased", key_bytes(&row), (struct bytes){0});
    }
    err = store_commit(txn);
    for (size_t i = 0; !err && i < count; i++)
        vault_cache_drop(vault->cache, key_ids[i]);
    return err;
}

bool vault_erased(struct vault *vault, uint64_t key_id)
{
    struct key row = key_u64(key_id);
    struct store_txn *txn = store_begin(vault->store, false);
    bool erased = store_has(txn, vault->erased, key_bytes(&row));
    store_abort(txn);
    return erased;
}

/* Wraps every row of a table anew: from the epoch key `old` to the vault's. */
static enum err rewrap(struct vault *vault, struct store_txn *txn, store_table table, const char *name,
                       const uint8_t *old)
{
    struct arena arena;
    arena_init(&arena);
    struct store_scan scan;
    store_scan_open(&scan, txn, table, bytes_of(NULL, 0), bytes_of(NULL, 0));
    struct bytes row, box;
    enum err err = ERR_NONE;
    while (!err && store_scan_next(&scan, &arena, &row, &box)) {
        size_t size = box.size < NONCE_BYTES + TAG_BYTES ? 0 : box.size - NONCE_BYTES - TAG_BYTES;
        uint8_t *plain = arena_alloc(&arena, size + 1);
        err = unwrap(old, name, row, box, plain, size);
        if (!err)
            put_wrapped(vault, txn, table, name, row, bytes_of(plain, size));
        sodium_memzero(plain, size + 1);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return err;
}

enum err vault_rotate(struct vault *vault)
{
    struct epoch_keys keys = {.count = 2};
    memcpy(keys.keys[0], vault->epoch_key, EPOCH_KEY_BYTES);
    vault->random(vault->random_context, keys.keys[1], EPOCH_KEY_BYTES);
    enum err err = store_reserve(vault->store, store_used_bytes(vault->store) + RESERVE_BYTES);
    if (!err)
        err = epoch_save(vault->epoch_path, &keys); /* both, until the rows have changed over */
    if (err)
        goto out;
    memcpy(vault->epoch_key, keys.keys[1], EPOCH_KEY_BYTES);
    struct store_txn *txn = store_begin(vault->store, true);
    err = rewrap(vault, txn, vault->keys, "keys", keys.keys[0]);
    if (!err)
        err = rewrap(vault, txn, vault->secrets, "secrets", keys.keys[0]);
    if (!err)
        err = rewrap(vault, txn, vault->meta, "meta", keys.keys[0]);
    if (!err)
        err = rewrap(vault, txn, vault->erased, "erased", keys.keys[0]);
    if (err)
        store_abort(txn);
    else
        err = store_commit(txn);
    if (err) /* the rows are as they were; a file with both keys opens them */
        memcpy(vault->epoch_key, keys.keys[0], EPOCH_KEY_BYTES);
    else {
        keys.count = 1;
        memcpy(keys.keys[0], vault->epoch_key, EPOCH_KEY_BYTES);
        err = epoch_save(vault->epoch_path, &keys);
    }
out:
    sodium_memzero(&keys, sizeof keys);
    return err;
}

enum err vault_keep(struct vault *vault, bool (*keep)(void *context, uint64_t key_id), void *context)
{
    struct arena arena;
    arena_init(&arena);
    struct store_scan scan;
    struct bytes row;
    struct store_txn *txn = store_begin(vault->store, true);
    store_scan_open(&scan, txn, vault->keys, bytes_of(NULL, 0), bytes_of(NULL, 0));
    while (store_scan_next(&scan, &arena, &row, NULL)) {
        uint64_t key_id = bytes_get_u64(row.data);
        bool ahead = key_id >= vault->next && key_id <= vault->made_to;
        if (!ahead && !keep(context, key_id)) {
            store_delete(txn, vault->keys, row);
            vault_cache_drop(vault->cache, key_id);
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
    enum err err = store_commit(txn);
    return err ? err : vault_rotate(vault);
}

/* ---- keyed hashes ---- */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void vault_tracking_code(const struct vault *vault, uint64_t case_id, char code_out[VAULT_TRACKING_CHARACTERS + 1])
{
    uint8_t be[8], hash[16];
    bytes_put_u64(be, case_id);
    crypto_generichash(hash, sizeof hash, be, sizeof be, vault->tracking_key, VAULT_KEY_BYTES);
    for (unsigned i = 0; i < VAULT_TRACKING_CHARACTERS; i++)
        code_out[i] = alphabet[hash[i] & 31];
    code_out[VAULT_TRACKING_CHARACTERS] = 0;
}

static char as_meant(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'I' || c == 'L')
        return '1';
    return (char)(c == 'O' ? '0' : c);
}

bool vault_tracking_matches(const struct vault *vault, uint64_t case_id, const char *code)
{
    char right[VAULT_TRACKING_CHARACTERS + 1], given[VAULT_TRACKING_CHARACTERS];
    if (strlen(code) != VAULT_TRACKING_CHARACTERS)
        return false;
    vault_tracking_code(vault, case_id, right);
    for (unsigned i = 0; i < VAULT_TRACKING_CHARACTERS; i++)
        given[i] = as_meant(code[i]);
    return sodium_memcmp(right, given, VAULT_TRACKING_CHARACTERS) == 0;
}

void vault_blind(const struct vault *vault, const char *scope, const char *value, uint8_t out[VAULT_BLIND_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, vault->blind_key, VAULT_KEY_BYTES, VAULT_BLIND_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)scope, strlen(scope) + 1);
    crypto_generichash_update(&state, (const uint8_t *)value, strlen(value));
    crypto_generichash_final(&state, out, VAULT_BLIND_BYTES);
}

/* ---- secrets ---- */

static enum err secret_row(const char *name, struct key *row_out)
{
    if (strlen(name) > NAME_BYTES_MAX)
        return ERR_TOO_LARGE;
    row_out->size = 0;
    key_add(row_out, VAULT_SECRET_ROW, strlen(VAULT_SECRET_ROW));
    key_add(row_out, name, strlen(name));
    return ERR_NONE;
}

enum err vault_secret_put(struct vault *vault, struct store_txn *txn, const char *name, struct bytes secret)
{
    struct key row;
    enum err err = secret.size > VAULT_SECRET_BYTES_MAX ? ERR_TOO_LARGE : secret_row(name, &row);
    if (!err)
        put_wrapped(vault, txn, vault->secrets, "secrets", key_bytes(&row), secret);
    return err;
}

enum err vault_secret_get(struct vault *vault, struct store_txn *txn, const char *name, struct arena *arena,
                          struct bytes *secret_out)
{
    struct key row;
    struct bytes box;
    enum err err = secret_row(name, &row);
    if (err)
        return err;
    if (!store_get(txn, vault->secrets, key_bytes(&row), arena, &box))
        return store_error(txn) ? store_error(txn) : ERR_NOT_FOUND;
    if (box.size < NONCE_BYTES + TAG_BYTES)
        return ERR_CORRUPT;
    size_t size = box.size - NONCE_BYTES - TAG_BYTES;
    uint8_t *secret = arena_alloc(arena, size + 1);
    *secret_out = bytes_of(secret, size);
    return unwrap(vault->epoch_key, "secrets", key_bytes(&row), box, secret, size);
}

enum err vault_secret_delete(struct vault *vault, struct store_txn *txn, const char *name)
{
    struct key row;
    enum err err = secret_row(name, &row);
    if (!err)
        store_delete(txn, vault->secrets, key_bytes(&row));
    return err;
}
