/* The vault: the keys under which personal data is sealed, and the few secrets that may be in no log
   (layer 3: LMDB through store, libsodium). Its own environment, never written by evolve, never
   folded, never part of the state hash. Its rows are wrapped by an epoch key that lives in one small
   file outside the data folder: a stolen data folder or backup opens nothing (design-review A11, A12).

   A key is on disk before its first use: keys are made ahead, many to a commit, and vault_take hands
   out the next one without a flush. An unused key is harmless. After a restart the keys made before
   are never handed out again, because nobody remembers which of them were. */
#ifndef HEARBACK_VAULT_VAULT_H
#define HEARBACK_VAULT_VAULT_H

#include "base/arena.h"
#include "hearback/types.pb-c.h"

#define VAULT_KEYS_AHEAD_DEFAULT 1024u
#define VAULT_CACHE_KEYS_DEFAULT 4096u
#define VAULT_TEXT_BYTES_MAX (256u << 10) /* of one sealed text */
#define VAULT_BYTES_MAX (1u << 20)        /* of sealed bytes */
#define VAULT_FIELD_BYTES_MAX 256u        /* of a field name */
#define VAULT_DESTROY_MAX 4096u           /* keys to one vault_destroy */
#define VAULT_SECRET_BYTES_MAX 4096u
#define VAULT_TRACKING_CHARACTERS 8u
#define VAULT_BLIND_BYTES 16u

struct vault;

typedef void vault_random_fn(void *context, void *out, size_t size);

struct vault_options {
    const char *folder;      /* <instance>/vault, created when absent */
    const char *epoch_path;  /* the epoch key file; its folder and the one that is in are created when absent */
    vault_random_fn *random; /* NULL: libsodium. The simulator gives its own, to be repeatable */
    void *random_context;
    uint64_t map_bytes;  /* 0: the store's default */
    unsigned keys_ahead; /* 0: VAULT_KEYS_AHEAD_DEFAULT */
    unsigned cache_keys; /* 0: VAULT_CACHE_KEYS_DEFAULT */
    bool no_sync;        /* simulation only */
};

/* Opens the vault; the first start makes the epoch key file (0600, synced before any row is written).
   ERR_DENIED: the epoch key is missing although there are rows, is not the one of this vault, or its
   file can be read by others; ERR_MALFORMED: the file is damaged. `why_out` (may be NULL) then gets a
   text in `arena` for the operator. sodium_init() is called here too; it may be called often. */
enum err vault_open_dir(const struct vault_options *options, struct arena *arena, struct vault **vault_out,
                        const char **why_out) MUST_CHECK;
void vault_close(struct vault *vault); /* wipes what it held; NULL is fine */

/* Its environment: for a snapshot (the rows stay wrapped), and for tables of the service beside the vault's own (keys,
   secrets, meta, erased). */
struct store;
struct store_txn;
struct store *vault_store(struct vault *vault);

/* The next made key, never 0, never the same twice. Makes keys only when none is left: ERR_FULL when
   there is no room for that. */
enum err vault_take(struct vault *vault, uint64_t *key_id_out) MUST_CHECK;

/* Makes the next keys when fewer than half are left: called when there is nothing else to do, so that
   vault_take never has to. */
enum err vault_make_ahead(struct vault *vault) MUST_CHECK;
/* ERR_FULL: there is no room for the next keys. */
enum err vault_reserve(struct vault *vault) MUST_CHECK;

/* Seals a UTF-8 text under a key, bound to the key id and the field's name: a box moved to another
   field or case does not open. ERR_NOT_FOUND: the key was destroyed or never made; ERR_TOO_LARGE. */
enum err vault_seal(struct vault *vault, uint64_t key_id, const char *field, const char *plain, struct arena *arena,
                    Hb__Sealed **sealed_out) MUST_CHECK;

/* The text. ERR_NOT_FOUND: its key was destroyed; ERR_CORRUPT: not sealed under this key for this
   field, or altered. */
enum err vault_open(struct vault *vault, const Hb__Sealed *sealed, struct arena *arena, char **text_out) MUST_CHECK;

/* The same of bytes: the box alone, to be kept by whoever asked. */
enum err vault_seal_bytes(struct vault *vault, uint64_t key_id, const char *field, struct bytes plain,
                          struct arena *arena, struct bytes *box_out) MUST_CHECK;
enum err vault_open_bytes(struct vault *vault, uint64_t key_id, const char *field, struct bytes box,
                          struct arena *arena, struct bytes *plain_out) MUST_CHECK;

/* Looks through all rows, as they are now: does each open, and lie where a search finds it? */
struct vault_check;
struct vault_check *vault_check_open(struct vault *vault);
/* At most `rows_max` more. False: all were looked at. `*wrong_out`: what was altered, in `arena`; NULL: nothing yet. */
bool vault_check_step(struct vault_check *check, unsigned rows_max, struct arena *arena, const char **wrong_out);
void vault_check_close(struct vault_check *check); /* NULL is fine */

/* Deletes the keys (those already gone are passed over) and remembers the ids as erased, in one synced
   commit: from then on nothing sealed under them opens here. The wrapped rows may linger in free pages
   of the file until vault_rotate. */
enum err vault_destroy(struct vault *vault, const uint64_t *key_ids, size_t count) MUST_CHECK;
bool vault_erased(struct vault *vault, uint64_t key_id);

/* Deletes all keys but those `keep` names and those not handed out yet, without remembering them as erased, and
   rotates: they belong to the other half of a divided partition. */
enum err vault_keep(struct vault *vault, bool (*keep)(void *context, uint64_t key_id), void *context) MUST_CHECK;

/* Wraps all that lives under a new epoch key and forgets the old one: what was destroyed before can no
   longer be read from old pages or old copies of the folder. A crash at any instruction leaves a vault
   that opens. */
enum err vault_rotate(struct vault *vault) MUST_CHECK;

/* The 8 characters that, with the case number, let a complainant follow the case: a keyed hash, so
   nothing is stored. Crockford's alphabet: no I, L, O, U. */
void vault_tracking_code(const struct vault *vault, uint64_t case_id, char code_out[VAULT_TRACKING_CHARACTERS + 1]);
/* Compares in constant time; lower case, and I, L, O written for 1, 1, 0, are taken as meant. */
bool vault_tracking_matches(const struct vault *vault, uint64_t case_id, const char *code);

/* A keyed hash of a normalised value (a telephone number): equal values have equal hashes, nothing else
   can be told from them without the key. `scope` keeps uses apart. */
void vault_blind(const struct vault *vault, const char *scope, const char *value, uint8_t out[VAULT_BLIND_BYTES]);

/* Small secrets under a name (what an authenticator knows): wrapped rows of the table "secrets", each bound to its
   name, in the caller's transaction of vault_store: so they are there with the caller's own rows, or neither is. Names
   have at most 256 bytes (ERR_TOO_LARGE). A row that was altered or moved is ERR_CORRUPT. */
#define VAULT_SECRET_ROW "secret/" /* and the name: the row's key */
enum err vault_secret_put(struct vault *vault, struct store_txn *txn, const char *name, struct bytes secret) MUST_CHECK;
enum err vault_secret_get(struct vault *vault, struct store_txn *txn, const char *name, struct arena *arena,
                          struct bytes *secret_out) MUST_CHECK;
enum err vault_secret_delete(struct vault *vault, struct store_txn *txn, const char *name) MUST_CHECK;

#endif
