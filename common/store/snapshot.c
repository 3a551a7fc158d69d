/* Copies row by row from one read transaction into a fresh environment. LMDB's own copy (mdb_env_copy) runs to its end
   in one call: in the loop it would stop the service for as long as it takes, and in a thread nobody could say when its
   snapshot was opened. Rows come in key order, so every put is an append and the copy is compact. */
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct table {
    char *name;
    MDB_dbi from;
    store_table to;
};

struct store_snapshot {
    struct store *from, *to; /* `to` is opened at the first step */
    char *folder;
    MDB_txn *txn; /* the state that is copied */
    MDB_cursor *cursor;
    struct table tables[STORE_TABLES_MAX];
    unsigned count, at;
    uint64_t rows, rows_total;
};

static int add_table(struct store_snapshot *snapshot, MDB_txn *txn, MDB_val name)
{
    bug_unless(snapshot->count < STORE_TABLES_MAX); /* LMDB opens no more either */
    struct table *table = &snapshot->tables[snapshot->count++];
    table->name = strndup(name.mv_data, name.mv_size);
    bug_unless(table->name);
    return mdb_dbi_open(txn, table->name, 0, &table->from);
}

/* In a transaction of its own, which ends before the snapshot begins: a handle opened in a long transaction would be
   the slot of whatever table is opened next. */
static int open_tables(struct store_snapshot *snapshot)
{
    MDB_txn *txn;
    MDB_dbi main;
    MDB_cursor *cursor = NULL;
    MDB_val name, value;
    int rc = mdb_txn_begin(snapshot->from->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &main);
    if (!rc)
        rc = mdb_cursor_open(txn, main, &cursor);
    while (!rc && (rc = mdb_cursor_get(cursor, &name, &value, MDB_NEXT)) == 0)
        rc = add_table(snapshot, txn, name);
    if (cursor)
        mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static int count_rows(struct store_snapshot *snapshot)
{
    int rc = 0;
    for (unsigned i = 0; i < snapshot->count && !rc; i++) {
        MDB_stat stat = {0};
        rc = mdb_stat(snapshot->txn, snapshot->tables[i].from, &stat);
        snapshot->rows_total += stat.ms_entries;
    }
    return rc;
}

enum err store_snapshot_open(struct store *store, const char *folder, struct store_snapshot **snapshot_out)
{
    char file[4200];
    snprintf(file, sizeof file, "%s/data.mdb", folder);
    enum err err = access(file, F_OK) == 0 ? ERR_EXISTS : store_folder_make(folder);
    if (err)
        return err;
    struct store_snapshot *snapshot = calloc(1, sizeof *snapshot);
    bug_unless(snapshot);
    snapshot->from = store;
    snapshot->folder = strdup(folder);
    bug_unless(snapshot->folder);
    int rc = open_tables(snapshot);
    if (!rc)
        rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &snapshot->txn);
    if (!rc)
        rc = count_rows(snapshot);
    if (rc) {
        store_snapshot_close(snapshot);
        return store_err_of(rc);
    }
    *snapshot_out = snapshot;
    return ERR_NONE;
}

static enum err open_copy(struct store_snapshot *snapshot)
{
    struct store_options options = {.map_bytes = snapshot->from->map_bytes, .no_sync = true, .folder_exists = true};
    enum err err = store_open(snapshot->folder, &options, &snapshot->to);
    for (unsigned i = 0; i < snapshot->count && !err; i++)
        err = store_table_open(snapshot->to, snapshot->tables[i].name, &snapshot->tables[i].to);
    return err;
}

/* The next row of all tables; MDB_NOTFOUND after the last one. */
static int next_row(struct store_snapshot *snapshot, MDB_val *key, MDB_val *value)
{
    while (snapshot->at < snapshot->count) {
        int rc = snapshot->cursor
                     ? 0
                     : mdb_cursor_open(snapshot->txn, snapshot->tables[snapshot->at].from, &snapshot->cursor);
        if (!rc)
            rc = mdb_cursor_get(snapshot->cursor, key, value, MDB_NEXT);
        if (rc != MDB_NOTFOUND)
            return rc;
        mdb_cursor_close(snapshot->cursor);
        snapshot->cursor = NULL;
        snapshot->at++;
    }
    return MDB_NOTFOUND;
}

static int copy_rows(struct store_snapshot *snapshot, MDB_txn *txn, size_t bytes_max)
{
    MDB_val key, value;
    int rc = 0;
    for (size_t bytes = 0; bytes < bytes_max && !rc;) {
        rc = next_row(snapshot, &key, &value);
        if (!rc)
            rc = mdb_put(txn, snapshot->tables[snapshot->at].to, &key, &value, MDB_APPEND);
        if (!rc) {
            bytes += key.mv_size + value.mv_size + 16;
            snapshot->rows++;
        }
    }
    return rc;
}

bool store_snapshot_step(struct store_snapshot *snapshot, size_t bytes_max, enum err *err_out)
{
    MDB_txn *txn = NULL;
    enum err err = snapshot->to ? ERR_NONE : open_copy(snapshot);
    if (!err)
        err = store_err_of(mdb_txn_begin(snapshot->to->env, NULL, 0, &txn));
    int rc = err ? 0 : copy_rows(snapshot, txn, bytes_max);
    if (rc && rc != MDB_NOTFOUND)
        err = store_err_of(rc);
    if (err && txn)
        mdb_txn_abort(txn);
    else if (!err)
        err = store_err_of(mdb_txn_commit(txn));
    *err_out = err;
    return !err && rc == 0;
}

void store_snapshot_rows(const struct store_snapshot *snapshot, uint64_t *done_out, uint64_t *total_out)
{
    *done_out = snapshot->rows;
    *total_out = snapshot->rows_total;
}

void store_snapshot_close(struct store_snapshot *snapshot)
{
    if (!snapshot)
        return;
    if (snapshot->cursor)
        mdb_cursor_close(snapshot->cursor);
    if (snapshot->txn)
        mdb_txn_abort(snapshot->txn);
    store_close(snapshot->to);
    for (unsigned i = 0; i < snapshot->count; i++)
        free(snapshot->tables[i].name);
    free(snapshot->folder);
    free(snapshot);
}
