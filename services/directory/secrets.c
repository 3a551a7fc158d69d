/* Token hashes: written at the door, before the turn; never in an event, never folded (design.md 7). */
#include "directory.h"
#include "store/store.h"

static struct key hash_key(struct bytes hash)
{
    struct key key = {.size = 0};
    key_add(&key, "#", 1);
    key_add(&key, hash.data, hash.size);
    return key;
}

void directory_secrets_save(struct turn *turn, const Directory__Organise *organise)
{
    struct store *store = turn_secrets(turn);
    store_table table;
    if (organise->n_secrets == 0)
        return;
    if (store_table_open(store, "secrets", &table)) {
        turn_refuse(turn, 503, "full", "无法写入密钥", "the secrets cannot be written now");
        return;
    }
    struct store_txn *txn = store_begin(store, true);
    for (size_t i = 0; i < organise->n_secrets; i++) {
        const Directory__AccountSecret *secret = organise->secrets[i];
        struct bytes hash = bytes_of(secret->token_hash.data, secret->token_hash.len), old;
        struct key account = key_text(secret->account), by_hash = hash_key(hash);
        if (store_get(txn, table, key_bytes(&account), turn_arena(turn), &old)) { /* a new token ends the old one */
            struct key old_key = hash_key(old);
            store_delete(txn, table, key_bytes(&old_key));
        }
        store_put(txn, table, key_bytes(&account), hash);
        store_put(txn, table, key_bytes(&by_hash), key_bytes(&account));
    }
    if (store_commit(txn))
        turn_refuse(turn, 503, "full", "无法写入密钥", "the secrets cannot be written now");
}

bool directory_secrets_find(struct turn *turn, struct bytes token_hash, const char **account_out)
{
    struct store *store = turn_secrets(turn);
    store_table table;
    if (token_hash.size != DIRECTORY_TOKEN_HASH_BYTES || store_table_open(store, "secrets", &table))
        return false;
    struct store_txn *txn = store_begin(store, false);
    struct key key = hash_key(token_hash);
    struct bytes account;
    bool found = store_get(txn, table, key_bytes(&key), turn_arena(turn), &account);
    store_abort(txn);
    if (found)
        *account_out = (const char *)account.data;
    return found;
}
