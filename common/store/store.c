#include "store/internal.h"

#include "base/planted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum err store_err_of(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return ERR_NONE;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_KEYEXIST:
        return ERR_EXISTS;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case ENOMEM:
        return ERR_NO_MEMORY;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENOENT:
        return ERR_NOT_FOUND;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return ERR_CORRUPT;
    default:
        return ERR_IO;
    }
}

enum err store_folder_make(const char *folder)
{
    if (mkdir(folder, 0700) == 0 || errno == EEXIST)
        return ERR_NONE;
    if (errno != ENOENT)
        return store_err_of(errno);
    char parent[4096];
    const char *slash = strrchr(folder, '/');
    if (!slash || slash == folder || (size_t)(slash - folder) >= sizeof parent)
        return ERR_NOT_FOUND;
    memcpy(parent, folder, (size_t)(slash - folder));
    parent[slash - folder] = 0;
    enum err err = store_folder_make(parent);
    if (err)
        return err;
    return mkdir(folder, 0700) == 0 || errno == EEXIST ? ERR_NONE : store_err_of(errno);
}

static enum err open_data_file(struct store *store, const char *folder)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    store->data_fd = open(path, O_RDWR | O_CLOEXEC);
    return store->data_fd >= 0 ? ERR_NONE : store_err_of(errno);
}

/* LMDB found its own pages in a state that it never leaves. */
static void on_assert(MDB_env *env, const char *what)
{
    const char *folder = "";
    char text[600];
    mdb_env_get_path(env, &folder);
    snprintf(text, sizeof text, "%s/data.mdb: damaged pages: restore from a backup (hearback restore): %s", folder,
             what);
    bug_report(__FILE__, __LINE__, text);
}

enum err store_open(const char *folder, const struct store_options *options, struct store **store_out)
{
    struct store *store = calloc(1, sizeof *store);
    bug_unless(store);
    store->data_fd = -1;
    store->map_bytes = options->map_bytes ? options->map_bytes : STORE_MAP_BYTES_DEFAULT;
    enum err err = options->read_only || options->folder_exists ? ERR_NONE : store_folder_make(folder);
    unsigned flags =
        MDB_NOTLS | (options->read_only ? MDB_RDONLY : 0) | (options->no_sync || planted("skip_sync") ? MDB_NOSYNC : 0);
    if (!err)
        err = store_err_of(mdb_env_create(&store->env));
    if (!err)
        err = store_err_of(mdb_env_set_assert(store->env, on_assert));
    if (!err)
        err = store_err_of(mdb_env_set_mapsize(store->env, store->map_bytes));
    if (!err)
        err = store_err_of(mdb_env_set_maxdbs(store->env, STORE_TABLES_MAX));
    if (!err)
        err = store_err_of(mdb_env_open(store->env, folder, flags, 0600));
    if (!err && !options->read_only && !options->no_sync)
        err = open_data_file(store, folder);
    if (!err) {
        MDB_stat stat;
        err = store_err_of(mdb_env_stat(store->env, &stat));
        store->page_bytes = stat.ms_psize;
        MDB_envinfo info;
        err = store_err_of(mdb_env_info(store->env, &info));
        store->map_bytes = info.me_mapsize; /* larger than asked for where the file is */
        int dead;
        mdb_reader_check(store->env, &dead);
    }
    if (err) {
        store_close(store);
        return err;
    }
    *store_out = store;
    return ERR_NONE;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->env)
        mdb_env_close(store->env);
    if (store->data_fd >= 0)
        close(store->data_fd);
    free(store);
}

enum err store_table_open(struct store *store, const char *name, store_table *table_out)
{
    MDB_txn *txn;
    unsigned flags = 0;
    mdb_env_get_flags(store->env, &flags);
    bool read_only = flags & MDB_RDONLY;
    int rc = mdb_txn_begin(store->env, NULL, read_only ? MDB_RDONLY : 0, &txn);
    if (rc)
        return store_err_of(rc);
    MDB_dbi dbi;
    rc = mdb_dbi_open(txn, name, read_only ? 0 : MDB_CREATE, &dbi);
    bug_unless(rc != MDB_DBS_FULL); /* STORE_TABLES_MAX is too small */
    if (rc) {
        mdb_txn_abort(txn);
        return store_err_of(rc);
    }
    *table_out = dbi;
    return store_err_of(mdb_txn_commit(txn));
}

uint64_t store_used_bytes(struct store *store)
{
    MDB_envinfo info;
    mdb_env_info(store->env, &info);
    return ((uint64_t)info.me_last_pgno + 1) * store->page_bytes;
}

uint64_t store_commits(struct store *store)
{
    MDB_envinfo info;
    mdb_env_info(store->env, &info);
    return info.me_last_txnid;
}

bool store_failed(const struct store *store)
{
    return store->failed;
}

void store_full_set(struct store *store, bool full)
{
    store->full = full;
}

enum err store_reserve(struct store *store, uint64_t bytes)
{
    uint64_t want = store_used_bytes(store) + bytes;
    if (store->full || want > store->map_bytes)
        return ERR_FULL;
    if (store->data_fd < 0 || want <= store->reserved_to)
        return ERR_NONE;
    /* Ask for more than is needed, so that the call is rare; fall back to what is needed. */
    uint64_t ahead = want + (4u << 20);
    if (TEMP_FAILURE_RETRY(fallocate(store->data_fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)ahead)) == 0) {
        store->reserved_to = ahead;
        return ERR_NONE;
    }
    if (errno == EOPNOTSUPP) /* a file system without fallocate: the commit itself will tell */
        return ERR_NONE;
    if (TEMP_FAILURE_RETRY(fallocate(store->data_fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)want)) == 0) {
        store->reserved_to = want;
        return ERR_NONE;
    }
    return store_err_of(errno);
}

bool store_disk_is_spare(const struct store *store)
{
    struct statvfs disk;
    if (store->full)
        return false;
    if (store->data_fd < 0 || fstatvfs(store->data_fd, &disk))
        return true; /* the reservation will tell */
    uint64_t spare = (uint64_t)disk.f_bavail * disk.f_frsize, tenth = (uint64_t)disk.f_blocks * disk.f_frsize / 10;
    return spare >= (tenth < 1ull << 30 ? tenth : 1ull << 30);
}

struct store_txn *store_begin(struct store *store, bool write)
{
    struct store_txn *txn = calloc(1, sizeof *txn);
    bug_unless(txn);
    txn->store = store;
    txn->write = write;
    int rc = mdb_txn_begin(store->env, NULL, write ? 0 : MDB_RDONLY, &txn->txn);
    txn->err = store_err_of(rc);
    if (rc == MDB_PANIC) /* its meta page could not be written, if only for want of room */
        store->failed = true;
    return txn;
}

enum err store_commit(struct store_txn *txn)
{
    enum err err = txn->err;
    if (err) {
        store_abort(txn);
        return err;
    }
    err = store_err_of(mdb_txn_commit(txn->txn));
    if (err && err != ERR_FULL)
        txn->store->failed = true;
    free(txn);
    return err;
}

void store_abort(struct store_txn *txn)
{
    if (txn->txn)
        mdb_txn_abort(txn->txn);
    free(txn);
}

enum err store_error(const struct store_txn *txn)
{
    return txn->err;
}

static void note(struct store_txn *txn, int rc)
{
    if (rc && rc != MDB_NOTFOUND && !txn->err)
        txn->err = store_err_of(rc);
}

static MDB_val val_of(struct bytes bytes)
{
    return (MDB_val){bytes.size, (void *)(uintptr_t)bytes.data};
}

bool store_get(struct store_txn *txn, store_table table, struct bytes key, struct arena *arena, struct bytes *value_out)
{
    if (txn->err)
        return false;
    MDB_val k = val_of(key), v;
    int rc = mdb_get(txn->txn, table, &k, &v);
    note(txn, rc);
    if (rc)
        return false;
    *value_out = arena_copy(arena, bytes_of(v.mv_data, v.mv_size));
    return true;
}

bool store_has(struct store_txn *txn, store_table table, struct bytes key)
{
    if (txn->err)
        return false;
    MDB_val k = val_of(key), v;
    int rc = mdb_get(txn->txn, table, &k, &v);
    note(txn, rc);
    return rc == 0;
}

static void put(struct store_txn *txn, store_table table, struct bytes key, struct bytes value, unsigned flags)
{
    bug_unless(key.size > 0 && key.size <= STORE_KEY_BYTES_MAX);
    if (txn->err)
        return;
    MDB_val k = val_of(key), v = val_of(value);
    note(txn, mdb_put(txn->txn, table, &k, &v, flags));
}

void store_put(struct store_txn *txn, store_table table, struct bytes key, struct bytes value)
{
    put(txn, table, key, value, 0);
}

void store_append(struct store_txn *txn, store_table table, struct bytes key, struct bytes value)
{
    put(txn, table, key, value, MDB_APPEND);
}

bool store_delete(struct store_txn *txn, store_table table, struct bytes key)
{
    if (txn->err)
        return false;
    MDB_val k = val_of(key);
    int rc = mdb_del(txn->txn, table, &k, NULL);
    note(txn, rc);
    return rc == 0;
}

void store_clear(struct store_txn *txn, store_table table)
{
    if (!txn->err)
        note(txn, mdb_drop(txn->txn, table, 0));
}

void store_scan_open(struct store_scan *scan, struct store_txn *txn, store_table table, struct bytes prefix,
                     struct bytes from)
{
    *scan = (struct store_scan){.txn = txn, .table = table, .prefix = prefix};
    struct bytes start = from.size ? from : prefix;
    bug_unless(start.size <= STORE_KEY_BYTES_MAX);
    if (start.size)
        memcpy(scan->last, start.data, start.size);
    scan->last_size = start.size;
}

static int seek(struct store_txn *txn, store_table table, MDB_val *key, MDB_val *value)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn->txn, table, &cursor);
    if (rc)
        return rc;
    rc = mdb_cursor_get(cursor, key, value, key->mv_size ? MDB_SET_RANGE : MDB_FIRST);
    mdb_cursor_close(cursor);
    return rc;
}

static bool ascends(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order < 0 || (order == 0 && a.size < b.size);
}

/* Where a key was altered on disk the search may lead back: the scan would never end. */
static bool leads_back(const struct store_scan *scan, const MDB_val *found)
{
    return ascends(bytes_of(found->mv_data, found->mv_size), bytes_of(scan->last, scan->last_size));
}

bool store_scan_next(struct store_scan *scan, struct arena *arena, struct bytes *key_out, struct bytes *value_out)
{
    struct store_txn *txn = scan->txn;
    if (scan->done || txn->err)
        return false;
    if (scan->started) { /* the smallest key above the last one has a zero byte more */
        if (scan->last_size >= STORE_KEY_BYTES_MAX) {
            scan->done = true; /* our keys are far shorter; a full-length one ends the scan */
            return false;
        }
        scan->last[scan->last_size++] = 0;
    }
    scan->started = true;
    MDB_val k = {scan->last_size, scan->last}, v;
    int rc = seek(txn, scan->table, &k, &v);
    note(txn, rc);
    if (rc == 0 && leads_back(scan, &k)) {
        rc = MDB_CORRUPTED;
        note(txn, rc);
    }
    bool inside = rc == 0 && k.mv_size >= scan->prefix.size &&
                  (scan->prefix.size == 0 || memcmp(k.mv_data, scan->prefix.data, scan->prefix.size) == 0);
    if (!inside) {
        scan->done = true;
        return false;
    }
    memcpy(scan->last, k.mv_data, k.mv_size);
    scan->last_size = k.mv_size;
    *key_out = arena_copy(arena, bytes_of(k.mv_data, k.mv_size));
    if (value_out)
        *value_out = arena_copy(arena, bytes_of(v.mv_data, v.mv_size));
    return true;
}

bool store_last(struct store_txn *txn, store_table table, struct bytes prefix, struct arena *arena,
                struct bytes *key_out, struct bytes *value_out)
{
    if (txn->err)
        return false;
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn->txn, table, &cursor);
    note(txn, rc);
    if (rc)
        return false;
    /* Seek the first key above every key with the prefix, then step back. */
    uint8_t above[STORE_KEY_BYTES_MAX];
    size_t size = prefix.size;
    if (size)
        memcpy(above, prefix.data, size);
    while (size && above[size - 1] == 0xff)
        size--;
    if (size)
        above[size - 1]++;
    MDB_val k = {size, above}, v;
    rc = size ? mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE) : MDB_NOTFOUND;
    rc = mdb_cursor_get(cursor, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST);
    note(txn, rc);
    bool found =
        rc == 0 && k.mv_size >= prefix.size && (prefix.size == 0 || memcmp(k.mv_data, prefix.data, prefix.size) == 0);
    if (found) {
        *key_out = arena_copy(arena, bytes_of(k.mv_data, k.mv_size));
        if (value_out)
            *value_out = arena_copy(arena, bytes_of(v.mv_data, v.mv_size));
    }
    mdb_cursor_close(cursor);
    return found;
}

bool store_before(struct store_txn *txn, store_table table, struct bytes prefix, struct bytes before,
                  struct arena *arena, struct bytes *key_out)
{
    MDB_cursor *cursor;
    if (txn->err)
        return false;
    int rc = mdb_cursor_open(txn->txn, table, &cursor);
    note(txn, rc);
    if (rc)
        return false;
    MDB_val k = val_of(before), v;
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    rc = mdb_cursor_get(cursor, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST);
    note(txn, rc);
    bool found =
        rc == 0 && k.mv_size >= prefix.size && (prefix.size == 0 || memcmp(k.mv_data, prefix.data, prefix.size) == 0);
    if (found)
        *key_out = arena_copy(arena, bytes_of(k.mv_data, k.mv_size));
    mdb_cursor_close(cursor);
    return found;
}

char *store_place(struct arena *arena, const char *table, struct bytes key)
{
    char *hex = arena_alloc(arena, 2 * key.size + 1);
    for (size_t i = 0; i < key.size; i++)
        snprintf(hex + 2 * i, 3, "%02x", key.data[i]);
    hex[2 * key.size] = 0;
    return arena_printf(arena, "table %s at key %s", table, hex);
}

bool store_disorder(struct store_txn *txn, store_table table, struct arena *arena, struct bytes *key_out,
                    struct bytes *next_out)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    struct bytes before = {0}; /* a key stays where it is as long as the transaction */
    bool found = false;
    if (mdb_cursor_open(txn->txn, table, &cursor))
        return false;
    for (int rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST); !found && rc == 0;
         rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
        struct bytes key = bytes_of(k.mv_data, k.mv_size);
        found = before.data && !ascends(before, key);
        if (found) {
            *key_out = arena_copy(arena, before);
            *next_out = arena_copy(arena, key);
        }
        before = key;
    }
    mdb_cursor_close(cursor);
    return found;
}

char *store_disorder_text(struct store_txn *txn, store_table table, const char *name, struct arena *arena)
{
    struct bytes key, next;
    if (!store_disorder(txn, table, arena, &key, &next))
        return NULL;
    return arena_printf(arena, "%s lies before %s: one of the two keys was altered", store_place(arena, name, key),
                        store_place(arena, name, next));
}

void store_walk(struct store_txn *txn, store_table table, struct bytes prefix, struct bytes from, bool backwards,
                store_each_fn *each, void *context)
{
    MDB_cursor *cursor;
    if (txn->err)
        return;
    int rc = mdb_cursor_open(txn->txn, table, &cursor);
    note(txn, rc);
    if (rc)
        return;
    MDB_val k = val_of(from), v;
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    if (backwards)
        rc = mdb_cursor_get(cursor, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST);
    while (rc == 0 && k.mv_size >= prefix.size && memcmp(k.mv_data, prefix.data, prefix.size) == 0 &&
           each(context, bytes_of(k.mv_data, k.mv_size), bytes_of(v.mv_data, v.mv_size)))
        rc = mdb_cursor_get(cursor, &k, &v, backwards ? MDB_PREV : MDB_NEXT);
    note(txn, rc);
    mdb_cursor_close(cursor);
}

uint64_t store_count(struct store_txn *txn, store_table table)
{
    MDB_stat stat;
    if (txn->err)
        return 0;
    note(txn, mdb_stat(txn->txn, table, &stat));
    return txn->err ? 0 : stat.ms_entries;
}
