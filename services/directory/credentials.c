#include "credentials.h"

#include "service/row.h"
#include "vault/vault.h"

#define SWEPT_AT_ONCE 4u

bool rows_begin(struct turn *turn, struct rows *rows, bool write)
{
    struct store *store = vault_store(turn_vault(turn));
    *rows = (struct rows){.turn = turn};
    if (store_table_open(store, "credentials", &rows->credentials) ||
        store_table_open(store, "sessions", &rows->sessions) || store_table_open(store, "tokens", &rows->tokens) ||
        store_table_open(store, "tries", &rows->tries) || store_table_open(store, "views", &rows->views) ||
        store_table_open(store, "sources", &rows->sources) ||
        store_table_open(store, "given_tokens", &rows->given_tokens)) {
        turn_refuse(turn, 503, "service_down", "无法读取登录信息", "what is needed to sign in cannot be read now");
        return false;
    }
    rows->txn = store_begin(store, write);
    turn_beside(turn, rows->txn);
    return true;
}

void rows_drop(struct rows *rows)
{
    turn_beside(rows->turn, NULL);
    store_abort(rows->txn);
}

bool rows_end(struct rows *rows)
{
    if (turn_refused(rows->turn)) {
        rows_drop(rows);
        return false;
    }
    turn_beside(rows->turn, NULL);
    if (store_commit(rows->txn))
        turn_refuse(rows->turn, 503, "full", "无法写入登录信息", "what is needed to sign in cannot be written now");
    return !turn_refused(rows->turn);
}

void *row_find(struct rows *rows, store_table table, struct bytes key, const ProtobufCMessageDescriptor *descriptor)
{
    struct arena *arena = turn_arena(rows->turn);
    struct bytes value;
    ProtobufCMessage *row;
    char *why;
    return store_get(rows->txn, table, key, arena, &value) && !row_load(descriptor, key, value, arena, &row, &why)
               ? row
               : NULL;
}

void row_keep(struct rows *rows, store_table table, struct bytes key, const ProtobufCMessage *row)
{
    row_put(rows->txn, table, key, row, turn_arena(rows->turn));
}

void rows_sweep(struct rows *rows, store_table table, struct bytes key, const ProtobufCMessageDescriptor *descriptor,
                bool (*over)(const struct rows *rows, const ProtobufCMessage *row))
{
    struct arena *arena = turn_arena(rows->turn);
    struct store_scan scan;
    struct bytes at, value;
    ProtobufCMessage *row;
    char *why;
    store_scan_open(&scan, rows->txn, table, (struct bytes){0}, key);
    for (unsigned i = 0; i < SWEPT_AT_ONCE && store_scan_next(&scan, arena, &at, &value); i++)
        if (row_load(descriptor, at, value, arena, &row, &why) == ERR_NONE && over(rows, row))
            store_delete(rows->txn, table, at);
}

Dirrec__Credential *credential_find(struct rows *rows, const char *account)
{
    if (!*account || strlen(account) > ORGANISATION_ID_BYTES_MAX)
        return NULL;
    struct key key = key_text(account);
    return row_find(rows, rows->credentials, key_bytes(&key), &dirrec__credential__descriptor);
}

Dirrec__Credential *credential_of(struct rows *rows, const char *account)
{
    Dirrec__Credential *credential = credential_find(rows, account);
    if (!credential) {
        credential = arena_alloc(turn_arena(rows->turn), sizeof *credential);
        dirrec__credential__init(credential);
    }
    return credential;
}

void credential_keep(struct rows *rows, const char *account, const Dirrec__Credential *credential)
{
    struct key key = key_text(account);
    row_keep(rows, rows->credentials, key_bytes(&key), &credential->base);
}

/* Altered rows are the vault's to find; that none was dropped is seen here. */
static const char *wrong_second_factor(struct store *store, struct arena *arena)
{
    store_table credentials, vault_secrets;
    struct store_scan scan;
    struct bytes key, value;
    ProtobufCMessage *row;
    char *why;
    const char *wrong = NULL;
    if (store_table_open(store, "credentials", &credentials) || store_table_open(store, "secrets", &vault_secrets))
        return "table credentials or secrets cannot be read";
    struct store_txn *txn = store_begin(store, false);
    store_scan_open(&scan, txn, credentials, (struct bytes){0}, (struct bytes){0});
    while (store_scan_next(&scan, arena, &key, &value))
        if (!row_load(&dirrec__credential__descriptor, key, value, arena, &row, &why) &&
            ((const Dirrec__Credential *)row)->totp &&
            second_factor_missing(txn, vault_secrets, arena_text(arena, (const char *)key.data, key.size)))
            wrong = arena_printf(
                arena, "%s: its second factor is missing: a recovery code opens, or hearback account password",
                store_place(arena, "credentials", key));
    store_abort(txn);
    return wrong;
}

const char *credentials_wrong(struct store *store, struct arena *arena)
{
    const struct {
        const char *name;
        const ProtobufCMessageDescriptor *descriptor;
        const char *what;
    } tables[] = {
        {"credentials", &dirrec__credential__descriptor, "give the account that cannot sign in a new password"},
        {"sessions", &dirrec__session__descriptor, "who had it signs in again"},
        {"tokens", &dirrec__token__descriptor, "make that API token anew"},
        {"tries", &dirrec__tries__descriptor, "a delay is forgotten"},
        {"views", &dirrec__view__descriptor, "save that view anew"},
        {"sources", &dirrec__sources__descriptor, "publish that policy again"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        store_table table;
        struct store_scan scan;
        struct bytes key, value;
        ProtobufCMessage *row;
        char *why;
        if (store_table_open(store, tables[i].name, &table))
            return "the table cannot be read";
        struct store_txn *txn = store_begin(store, false);
        const char *wrong = NULL;
        uint64_t rows = 0;
        store_scan_open(&scan, txn, table, (struct bytes){0}, (struct bytes){0});
        for (; store_scan_next(&scan, arena, &key, &value); rows++)
            if (row_load(tables[i].descriptor, key, value, arena, &row, &why))
                wrong = store_place(arena, tables[i].name, key);
        const char *passed = store_disorder_text(txn, table, tables[i].name, arena);
        bool unread = store_error(txn) || rows != store_count(txn, table);
        store_abort(txn);
        if (wrong || passed)
            return arena_printf(arena, "%s: it was altered: %s", passed ? passed : wrong, tables[i].what);
        if (unread)
            return arena_printf(arena, "table %s cannot be read", tables[i].name);
    }
    return wrong_second_factor(store, arena);
}
