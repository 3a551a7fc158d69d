/* disk_baseline FOLDER BATCH SECONDS: raw LMDB group commit with its default flush on the same disk. An event is one
   row of 300 bytes appended to a log and three of 120 bytes put into tables at time-ordered keys, one of them hot; a
   batch of them and a cursor are one transaction. BATCH 0: one page written and flushed, nothing else. */
#include "base/bytes.h"
#include "measure.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG, CURSOR, FIRST, TABLES = FIRST + 3 };
#define HOT_KEYS 1000u

struct disk {
    MDB_env *env;
    MDB_dbi tables[TABLES];
    uint64_t events;
};

static void must(int rc, const char *what)
{
    if (rc) {
        fprintf(stderr, "%s: %s\n", what, mdb_strerror(rc));
        exit(1);
    }
}

static void disk_open(struct disk *disk, const char *folder)
{
    MDB_txn *txn;
    must(mdb_env_create(&disk->env), "create");
    must(mdb_env_set_maxdbs(disk->env, TABLES), "tables");
    must(mdb_env_set_mapsize(disk->env, 8ull << 30), "map");
    must(mdb_env_open(disk->env, folder, 0, 0600), folder);
    must(mdb_txn_begin(disk->env, NULL, 0, &txn), "begin");
    for (unsigned i = 0; i < TABLES; i++) {
        char name[] = {(char)('a' + i), 0};
        must(mdb_dbi_open(txn, name, MDB_CREATE, &disk->tables[i]), "table");
    }
    must(mdb_txn_commit(txn), "commit");
}

static void put(struct disk *disk, MDB_txn *txn, unsigned table, uint64_t key, size_t size, unsigned flags)
{
    static uint8_t content[300];
    uint8_t name[8];
    bytes_put_u64(name, key);
    MDB_val k = {sizeof name, name}, v = {size, content};
    must(mdb_put(txn, disk->tables[table], &k, &v, flags), "put");
}

static void commit_batch(struct disk *disk, unsigned batch)
{
    MDB_txn *txn;
    must(mdb_txn_begin(disk->env, NULL, 0, &txn), "begin");
    for (unsigned i = 0; i < batch; i++) {
        uint64_t event = ++disk->events;
        put(disk, txn, LOG, event, 300, MDB_APPEND);
        put(disk, txn, FIRST, event, 120, 0);
        put(disk, txn, FIRST + 1, event - event % 200, 120, 0);
        put(disk, txn, FIRST + 2, event * 7919 % HOT_KEYS, 120, 0);
    }
    put(disk, txn, CURSOR, 0, 8, 0);
    must(mdb_txn_commit(txn), "commit");
}

static void flush_page(int fd, unsigned page)
{
    static uint8_t content[4096];
    memset(content, (int)page, sizeof content);
    if (pwrite(fd, content, sizeof content, (off_t)(page % 1024) * 4096) != sizeof content || fdatasync(fd)) {
        perror("flush");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: disk_baseline FOLDER BATCH SECONDS\n");
        return 2;
    }
    unsigned batch = (unsigned)strtoul(argv[2], NULL, 10), rounds = 0;
    uint64_t length_ns = (uint64_t)(strtod(argv[3], NULL) * 1e9);
    struct disk disk = {0};
    struct samples samples = {0};
    char path[4200];
    snprintf(path, sizeof path, "%s/page", argv[1]);
    mkdir(argv[1], 0700);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    disk_open(&disk, argv[1]);
    for (unsigned i = 0; i < 1024 && !batch; i++)
        flush_page(fd, i); /* the file grows before the measurement, not in it */
    uint64_t began = now_ns(), last = began;
    while (last - began < length_ns) {
        batch ? commit_batch(&disk, batch) : flush_page(fd, rounds);
        uint64_t now = now_ns();
        samples_add(&samples, now - last);
        last = now;
        rounds++;
    }
    samples_sort(&samples);
    double seconds = (double)(last - began) / 1e9;
    printf("{\"commits_per_second\": %.1f, \"events_per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           rounds / seconds, (double)disk.events / seconds, (double)samples_at(&samples, .5) / 1e3,
           (double)samples_at(&samples, .99) / 1e3);
    return 0;
}
