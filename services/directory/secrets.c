/* Token hashes: written at the door, before the turn; never in an event, never folded (design.md 7). One table:
   account NUL -> hash, and '#' hash -> account NUL; no account begins with '#'. */
#include "credentials.h"

#include "vault/vault.h"

static struct key hash_key(struct bytes hash)
{
    struct key key = {.size = 0};
    key_add(&key, "#", 1);
    key_add(&key, hash.data, hash.size);
    return key;
}

/* The demonstration's first passwords. Sessions of before end. */
static void save_password(struct rows *rows, const Directory__AccountSecret *secret)
{
    Dirrec__Credential *credential = credential_of(rows, secret->account);
    credential->password_hash = secret->password_hash;
    credential->sessions_from++;
    credential_keep(rows, secret->account, credential);
}

/* One token opens one account. */
static bool taken(struct rows *rows, struct bytes hash, struct bytes account)
{
    struct key key = hash_key(hash);
    struct bytes owner;
    return store_get(rows->txn, rows->given_tokens, key_bytes(&key), turn_arena(rows->turn), &owner) &&
           !bytes_equal(owner, account);
}

uint32_t directory_secret_end(struct rows *rows, const char *account)
{
    struct key key = key_text(account);
    struct bytes hash;
    if (!store_get(rows->txn, rows->given_tokens, key_bytes(&key), turn_arena(rows->turn), &hash))
        return 0;
    struct key by_hash = hash_key(hash);
    store_delete(rows->txn, rows->given_tokens, key_bytes(&by_hash));
    store_delete(rows->txn, rows->given_tokens, key_bytes(&key));
    return 1;
}

static void save(struct rows *rows, const Directory__AccountSecret *secret, size_t index)
{
    struct bytes hash = bytes_of(secret->token_hash.data, secret->token_hash.len);
    struct key account = key_text(secret->account);
    directory_secret_end(rows, secret->account); /* a new token ends the old one */
    if (hash.size == 0)
        return;
    if (taken(rows, hash, key_bytes(&account))) {
        Hb__Refusal *refusal =
            turn_refuse(rows->turn, 422, "bad_field", "该令牌已属于另一账号", "another account has this token");
        refusal_field(rows->turn, refusal, arena_printf(turn_arena(rows->turn), "secrets[%zu].token_hash", index));
        return;
    }
    struct key by_hash = hash_key(hash);
    store_put(rows->txn, rows->given_tokens, key_bytes(&account), hash);
    store_put(rows->txn, rows->given_tokens, key_bytes(&by_hash), key_bytes(&account));
}

void directory_secrets_save(struct turn *turn, const Directory__Organise *organise)
{
    struct rows rows;
    if (organise->n_secrets == 0 || !rows_begin(turn, &rows, true))
        return;
    for (size_t i = 0; i < organise->n_secrets && !turn_refused(turn); i++) {
        const Directory__AccountSecret *secret = organise->secrets[i];
        if (secret->token_hash.len || !*secret->password_hash)
            save(&rows, secret, i);
        if (*secret->password_hash)
            save_password(&rows, secret);
    }
    rows_end(&rows);
}

/* Each row names the other: one that was altered does not, and opens nothing. NULL: they do. */
static const char *wrong_pair(struct store_txn *txn, store_table table, struct bytes key, struct bytes value,
                              struct arena *arena)
{
    struct key other = {.size = 0};
    struct bytes back;
    bool by_hash = key.size && key.data[0] == '#';
    if (value.size > STORE_KEY_BYTES_MAX - 1)
        return arena_printf(arena, "%s: it was altered", store_place(arena, "given_tokens", key));
    if (!by_hash)
        key_add(&other, "#", 1);
    key_add(&other, value.data, value.size);
    if (store_get(txn, table, key_bytes(&other), arena, &back) &&
        bytes_equal(back, by_hash ? bytes_of(key.data + 1, key.size - 1) : key))
        return NULL;
    return arena_printf(arena, "%s, %s: one of the two was altered", store_place(arena, "given_tokens", key),
                        store_place(arena, "given_tokens", key_bytes(&other)));
}

const char *directory_secrets_wrong(struct store *store, struct arena *arena)
{
    store_table table;
    struct store_scan scan;
    struct bytes key, value;
    if (store_table_open(store, "given_tokens", &table))
        return "table given_tokens cannot be read";
    struct store_txn *txn = store_begin(store, false);
    const char *wrong = NULL;
    uint64_t rows = 0;
    store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
    for (; store_scan_next(&scan, arena, &key, &value); rows++) {
        const char *pair = wrong_pair(txn, table, key, value, arena);
        wrong = pair ? pair : wrong;
    }
    const char *passed = store_disorder_text(txn, table, "given_tokens", arena);
    if (passed)
        wrong = arena_printf(arena, "%s%s%s", wrong ? wrong : "", wrong ? "; " : "", passed);
    bool unread = store_error(txn) || rows != store_count(txn, table);
    store_abort(txn);
    if (!wrong)
        return unread ? "table given_tokens cannot be read" : credentials_wrong(store, arena);
    return arena_printf(arena, "%s: give the account whose token is refused a new one", wrong);
}

enum err directory_secrets_find(struct turn *turn, struct bytes token_hash, const char **account_out)
{
    struct store *store = vault_store(turn_vault(turn));
    store_table table;
    enum err err = store_table_open(store, "given_tokens", &table);
    if (token_hash.size != DIRECTORY_TOKEN_HASH_BYTES)
        return ERR_NOT_FOUND;
    if (err)
        return err;
    struct store_txn *txn = store_begin(store, false);
    struct key key = hash_key(token_hash);
    struct bytes account = {0};
    bool found = store_get(txn, table, key_bytes(&key), turn_arena(turn), &account) &&
                 !wrong_pair(txn, table, key_bytes(&key), account, turn_arena(turn));
    err = store_error(txn);
    store_abort(txn);
    *account_out = (const char *)account.data;
    return err ? err : found ? ERR_NONE : ERR_NOT_FOUND;
}
