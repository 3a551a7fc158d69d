/* print_log FOLDER: every event of the log in a service's folder (nobody has it open), one JSON line each: the stored
   bytes in base64, and what is in them. print_log --digest FOLDER...: one line for each log, equal where all that is
   stored is. It reads LMDB and protobuf by itself: what checks the services is not built from them. Only the mapping to
   JSON is the product's. */
#include "hearback/envelope.pb-c.h"
#include "json/json.h"

#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static crypto_generichash_state *digesting; /* NULL: events are printed */

static void digest_val(const MDB_val *val)
{
    crypto_generichash_update(digesting, (const uint8_t *)&val->mv_size, sizeof val->mv_size);
    crypto_generichash_update(digesting, val->mv_data, val->mv_size);
}

static int digest_event(const MDB_val *key, const MDB_val *value)
{
    digest_val(key);
    digest_val(value);
    return 0;
}

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
        rc = (digesting ? digest_event : print_event)(&key, &value) ? MDB_CORRUPTED : 0;
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int read_log(const char *folder)
{
    MDB_env *env;
    int rc = mdb_env_create(&env);
    if (!rc)
        rc = mdb_env_set_maxdbs(env, 64);
    if (!rc)
        rc = mdb_env_open(env, folder, MDB_RDONLY | MDB_NOLOCK, 0);
    if (!rc)
        rc = print_all(env);
    if (rc)
        fprintf(stderr, "%s: %s\n", folder, mdb_strerror(rc));
    mdb_env_close(env);
    return rc ? 1 : 0;
}

static int digest_log(const char *folder)
{
    crypto_generichash_state state;
    uint8_t digest[crypto_generichash_BYTES];
    char text[2 * sizeof digest + 1];
    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    digesting = &state;
    int failed = read_log(folder);
    digesting = NULL;
    crypto_generichash_final(&state, digest, sizeof digest);
    printf("%s\n", sodium_bin2hex(text, sizeof text, digest, sizeof digest));
    return failed;
}

int main(int argc, char **argv)
{
    bool digests = argc > 2 && strcmp(argv[1], "--digest") == 0;
    int failed = 0;
    if (argc != 2 && !digests) {
        fprintf(stderr, "usage: print_log FOLDER | --digest FOLDER...\n");
        return 2;
    }
    if (!digests)
        return read_log(argv[1]);
    for (int i = 2; i < argc; i++)
        failed |= digest_log(argv[i]);
    return failed;
}
