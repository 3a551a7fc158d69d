/* print_log FOLDER: every event of the log in a service's folder (nobody has it open), one JSON line each: the stored
   bytes in base64, and what is in them. It reads LMDB and protobuf by itself: what checks the services is not built
   from them. Only the mapping to JSON is the product's. */
#include "hearback/envelope.pb-c.h"
#include "json/json.h"

#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static int print_event(const MDB_val *key, const MDB_val *value)
{
    Hb__Event *event = hb__event__unpack(NULL, value->mv_size, value->mv_data);
    if (!event || key->mv_size != 8) {
        fprintf(stderr, "an event cannot be decoded\n");
        return 1;
    }
    size_t room = sodium_base64_ENCODED_LEN(value->mv_size, sodium_base64_VARIANT_ORIGINAL);
    char *stored = malloc(room);
    bug_unless(stored);
    sodium_bin2base64(stored, room, value->mv_data, value->mv_size, sodium_base64_VARIANT_ORIGINAL);
    printf("{\"stored\":\"%s\",\"event\":", stored);
    json_t *json = json_from_message(&event->base, NULL);
    json_dumpf(json, stdout, JSON_COMPACT);
    printf("}\n");
    json_decref(json);
    free(stored);
    hb__event__free_unpacked(event, NULL);
    return 0;
}

static int print_all(MDB_env *env)
{
    MDB_txn *txn;
    MDB_dbi log;
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return rc;
    rc = mdb_dbi_open(txn, "log", 0, &log);
    if (!rc)
        rc = mdb_cursor_open(txn, log, &cursor);
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    while (!rc && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
        rc = print_event(&key, &value) ? MDB_CORRUPTED : 0;
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int main(int argc, char **argv)
{
    MDB_env *env;
    if (argc != 2) {
        fprintf(stderr, "usage: print_log FOLDER\n");
        return 2;
    }
    int rc = mdb_env_create(&env);
    if (!rc)
        rc = mdb_env_set_maxdbs(env, 64);
    if (!rc)
        rc = mdb_env_open(env, argv[1], MDB_RDONLY | MDB_NOLOCK, 0);
    if (!rc)
        rc = print_all(env);
    if (rc)
        fprintf(stderr, "%s: %s\n", argv[1], mdb_strerror(rc));
    mdb_env_close(env);
    return rc ? 1 : 0;
}
