/* state: for each folder that a line of the standard input names, one line: equal where whoever starts in that folder
   finds the same. Of an LMDB file that is its current meta page and every page that is not free, each at its place: the
   other meta page, free pages and what lies behind the last are written before they are read, and hold what a
   transaction left that never ended. A lock file is made anew by whoever opens a store alone. All other files count
   byte by byte, and so does an LMDB file that LMDB does not take for one. */
#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (64u << 20)
#define PAGE_BYTES_MIN 512u

static uint8_t content[FILE_BYTES_MAX];
static bool unread[FILE_BYTES_MAX / PAGE_BYTES_MIN]; /* pages */

static void need(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(1);
}

static void add(crypto_generichash_state *state, const void *data, size_t size)
{
    crypto_generichash_update(state, data, size);
}

static size_t read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, content, sizeof content) : -1;
    need(size >= 0 && (size_t)size < sizeof content, path);
    close(fd);
    return (size_t)size;
}

static int note_free(MDB_env *env)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return rc;
    rc =
        mdb_cursor_open(txn, 0, &cursor); /* the table of free pages: a transaction's number, then how many and which */
    while (!rc && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        const size_t *list = value.mv_data;
        for (size_t i = 1; i <= list[0]; i++)
            unread[list[i]] = true;
    }
    mdb_txn_abort(txn);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Which pages of the file are read again. False: LMDB cannot tell. */
static bool look_at_pages(const char *folder, size_t *page_bytes_out, size_t *pages_out)
{
    MDB_env *env;
    MDB_envinfo info = {0};
    MDB_stat stat = {0};
    need(mdb_env_create(&env) == 0, folder);
    mdb_env_set_maxdbs(env, 64);
    int rc = mdb_env_open(env, folder, MDB_RDONLY | MDB_NOLOCK, 0);
    if (!rc)
        rc = mdb_env_stat(env, &stat);
    if (!rc)
        rc = mdb_env_info(env, &info);
    *page_bytes_out = stat.ms_psize;
    *pages_out = info.me_last_pgno + 1;
    memset(unread, 0, sizeof unread);
    if (!rc)
        rc = note_free(env);
    unread[1 - (info.me_last_txnid & 1)] = true;
    mdb_env_close(env);
    return rc == 0;
}

static void add_pages(crypto_generichash_state *state, const char *folder, size_t size)
{
    size_t page_bytes, pages;
    if (!look_at_pages(folder, &page_bytes, &pages) || pages * page_bytes > size)
        return add(state, content, size);
    add(state, &pages, sizeof pages);
    for (size_t i = 0; i < pages; i++)
        if (!unread[i])
            add(state, content + i * page_bytes, page_bytes);
}

static int is_shown(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
           strcmp(entry->d_name, "lock.mdb") != 0;
}

static void add_folder(crypto_generichash_state *state, const char *folder)
{
    char path[4096];
    struct dirent **entries;
    int count = scandir(folder, &entries, is_shown, alphasort);
    need(count >= 0, folder);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        snprintf(path, sizeof path, "%s/%s", folder, name);
        bool is_folder = entries[i]->d_type == DT_DIR;
        size_t size = is_folder ? 0 : read_file(path);
        add(state, name, strlen(name) + 1);
        if (is_folder) {
            add_folder(state, path);
        } else if (strcmp(name, "data.mdb") == 0) {
            add_pages(state, folder, size);
        } else {
            add(state, &size, sizeof size);
            add(state, content, size);
        }
        free(entries[i]);
    }
    add(state, "/", 1); /* its end */
    free(entries);
}

int main(void)
{
    char folder[4096];
    while (fgets(folder, sizeof folder, stdin)) {
        crypto_generichash_state state;
        uint8_t digest[crypto_generichash_BYTES];
        char text[2 * sizeof digest + 1];
        folder[strcspn(folder, "\n")] = 0;
        crypto_generichash_init(&state, NULL, 0, sizeof digest);
        add_folder(&state, folder);
        crypto_generichash_final(&state, digest, sizeof digest);
        printf("%s\n", sodium_bin2hex(text, sizeof text, digest, sizeof digest));
        fflush(stdout);
    }
    return 0;
}
