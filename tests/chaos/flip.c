/* flip FOLDER RANDOM [TABLE KEY]: flips one bit of one row of an LMDB store that nobody has open, and says which:
   table, in its key or its value, the key as it was and as it is now, and where in the file. RANDOM (any number)
   chooses. A table is as likely as it has rows. With TABLE and KEY (in hex) it is a bit of that row's value. */
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLES_MAX 64

static uint64_t chance_state;

static uint64_t chance(uint64_t below)
{
    uint64_t z = chance_state += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return (z ^ z >> 31) % below;
}

struct tables {
    char names[TABLES_MAX][256];
    MDB_dbi dbis[TABLES_MAX];
    size_t rows[TABLES_MAX], count, all;
};

static int find_tables(MDB_txn *txn, struct tables *tables)
{
    MDB_dbi main;
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = mdb_dbi_open(txn, NULL, 0, &main);
    if (!rc)
        rc = mdb_cursor_open(txn, main, &cursor);
    while (!rc && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0 && tables->count < TABLES_MAX) {
        MDB_stat stat;
        char *name = tables->names[tables->count];
        snprintf(name, 256, "%.*s", (int)key.mv_size, (const char *)key.mv_data);
        rc = mdb_dbi_open(txn, name, 0, &tables->dbis[tables->count]);
        if (!rc)
            rc = mdb_stat(txn, tables->dbis[tables->count], &stat);
        if (!rc)
            tables->all += tables->rows[tables->count++] = stat.ms_entries;
    }
    return rc;
}

/* Where the file begins in memory: LMDB does not tell. */
static const uint8_t *map_begin(void)
{
    char line[4400];
    unsigned long begin = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && !begin && fgets(line, sizeof line, maps))
        if (strstr(line, "/data.mdb"))
            begin = strtoul(line, NULL, 16);
    if (maps)
        fclose(maps);
    return (const uint8_t *)begin;
}

static void print_key(const uint8_t *key, size_t size)
{
    putchar(' ');
    for (size_t i = 0; i < size; i++)
        printf("%02x", key[i]);
}

/* A byte of this row's value, as its place in the file; 0: there is no such row. */
static size_t choose_in(MDB_txn *txn, const char *table, const char *hex)
{
    uint8_t key[512];
    unsigned byte;
    MDB_dbi dbi;
    MDB_val k = {0, key}, value;
    while (k.mv_size < sizeof key && sscanf(hex + 2 * k.mv_size, "%2x", &byte) == 1)
        key[k.mv_size++] = (uint8_t)byte;
    if (mdb_dbi_open(txn, table, 0, &dbi) || mdb_get(txn, dbi, &k, &value) || !value.mv_size)
        return 0;
    printf("%s value %s %s", table, hex, hex);
    return (size_t)((const uint8_t *)value.mv_data + chance(value.mv_size) - map_begin());
}

/* The byte to be changed, as its place in the file; 0: there is no row. */
static size_t choose(MDB_txn *txn, uint8_t bit)
{
    struct tables tables = {.count = 0};
    MDB_cursor *cursor;
    MDB_val key, value;
    if (find_tables(txn, &tables) || tables.all == 0)
        return 0;
    size_t row, table = 0;
    if (chance(2)) {
        do
            table = chance(tables.count);
        while (tables.rows[table] == 0);
        row = chance(tables.rows[table]);
    } else {
        row = chance(tables.all);
        while (row >= tables.rows[table])
            row -= tables.rows[table++];
    }
    if (mdb_cursor_open(txn, tables.dbis[table], &cursor))
        return 0;
    for (size_t i = 0; i <= row; i++)
        if (mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
            return 0;
    bool in_value = value.mv_size && chance(4) > 0;
    MDB_val *part = in_value ? &value : &key;
    const uint8_t *byte = (const uint8_t *)part->mv_data + chance(part->mv_size);
    uint8_t now[512];
    memcpy(now, key.mv_data, key.mv_size);
    if (!in_value)
        now[byte - (const uint8_t *)key.mv_data] ^= bit;
    printf("%s %s", tables.names[table], in_value ? "value" : "key");
    print_key(key.mv_data, key.mv_size);
    print_key(now, key.mv_size);
    return (size_t)(byte - map_begin());
}

int main(int argc, char **argv)
{
    MDB_env *env;
    MDB_txn *txn;
    char path[4200];
    if (argc != 3 && argc != 5) {
        fprintf(stderr, "usage: flip FOLDER RANDOM [TABLE KEY]\n");
        return 2;
    }
    chance_state = strtoull(argv[2], NULL, 10);
    int rc = mdb_env_create(&env);
    if (!rc)
        rc = mdb_env_set_maxdbs(env, TABLES_MAX);
    if (!rc)
        rc = mdb_env_open(env, argv[1], MDB_RDONLY | MDB_NOLOCK, 0);
    if (!rc)
        rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc) {
        fprintf(stderr, "%s: %s\n", argv[1], mdb_strerror(rc));
        return 1;
    }
    uint8_t byte, bit = (uint8_t)(1u << chance(8));
    size_t at = argc == 5 ? choose_in(txn, argv[3], argv[4]) : choose(txn, bit);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    snprintf(path, sizeof path, "%s/data.mdb", argv[1]);
    int fd = open(path, O_RDWR);
    if (at == 0 || fd < 0 || pread(fd, &byte, 1, (off_t)at) != 1)
        return 1;
    byte ^= bit;
    if (pwrite(fd, &byte, 1, (off_t)at) != 1)
        return 1;
    printf(" byte %zu\n", at);
    return 0;
}
