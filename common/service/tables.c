/* The tables of a service: what its fold makes and its functions read (service.h). Each row ends with a check of its
   key and value: a bit that a disk altered is found before the row is shown or folded, not only by VERIFY. Against a
   hand that alters rows on purpose the check is nothing: against that there are the hash chain and VERIFY, which folds
   anew. */
#include "message/message.h"
#include "organisation/organisation.h"
#include "service/internal.h"

#include <sodium.h>

#define CHECK_BYTES 4u

static store_table table_of(const struct turn *turn, unsigned table)
{
    const struct instance *instance = turn->instance;
    if (table >= ORGANISATION_TABLE_FIRST) {
        table -= ORGANISATION_TABLE_FIRST;
        bug_unless(table < organisation_tables_count);
        return turn->cell ? instance->cells_organisation_tables[table] : instance->organisation_tables[table];
    }
    bug_unless(table < instance->service->tables_count);
    return turn->cell ? instance->cells_tables[table] : instance->tables[table];
}

/* Rows of another cell lie behind its id, in tables of their own. What a service names does not change. */
#define CELL_BYTES 8u

static struct bytes key_of(const struct turn *turn, struct bytes key)
{
    if (!turn->cell)
        return key;
    uint8_t *whole = arena_alloc(turn->arena, CELL_BYTES + key.size);
    bytes_put_u64(whole, turn->cell);
    if (key.size)
        memcpy(whole + CELL_BYTES, key.data, key.size);
    return bytes_of(whole, CELL_BYTES + key.size);
}

static void name_of(const struct turn *turn, bool found, struct bytes *key)
{
    if (found && turn->cell && key)
        *key = bytes_of(key->data + CELL_BYTES, key->size - CELL_BYTES);
}

/* ---- checks ---- */

static void check_of(struct bytes key, struct bytes value, uint8_t check_out[CHECK_BYTES])
{
    uint8_t of_key[crypto_shorthash_KEYBYTES] = "hearback state 1", hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, key.data, key.size, of_key);
    memcpy(of_key, hash, sizeof hash);
    crypto_shorthash(hash, value.data, value.size, of_key);
    memcpy(check_out, hash, CHECK_BYTES);
}

static struct bytes with_check(struct turn *turn, struct bytes key, struct bytes value)
{
    uint8_t *whole = arena_alloc(turn->arena, value.size + CHECK_BYTES);
    if (value.size)
        memcpy(whole, value.data, value.size);
    check_of(key, value, whole + value.size);
    return bytes_of(whole, value.size + CHECK_BYTES);
}

/* Takes the check off; `key` as the service names it. */
static void open_row(struct turn *turn, unsigned table, struct bytes key, struct bytes *value)
{
    uint8_t check[CHECK_BYTES];
    struct bytes own = bytes_of(value->data, value->size < CHECK_BYTES ? 0 : value->size - CHECK_BYTES);
    check_of(key_of(turn, key), own, check);
    if (value->size < CHECK_BYTES || memcmp(check, value->data + own.size, CHECK_BYTES) != 0)
        state_damaged(turn, state_place(turn, table, key));
    *value = own;
}

/* ---- rows ---- */

bool state_get(struct turn *turn, unsigned table, struct bytes key, struct bytes *value_out)
{
    bool found = store_get(turn->txn, table_of(turn, table), key_of(turn, key), turn->arena, value_out);
    if (found)
        open_row(turn, table, key, value_out);
    return found;
}

bool state_has(struct turn *turn, unsigned table, struct bytes key)
{
    return store_has(turn->txn, table_of(turn, table), key_of(turn, key));
}

void state_put(struct turn *turn, unsigned table, struct bytes key, struct bytes value)
{
    bug_unless(turn->phase == PHASE_EVOLVE);
    turn->dirty = true;
    struct bytes whole = key_of(turn, key);
    store_put(turn->txn, table_of(turn, table), whole, with_check(turn, whole, value));
}

void state_delete(struct turn *turn, unsigned table, struct bytes key)
{
    bug_unless(turn->phase == PHASE_EVOLVE);
    turn->dirty = true;
    store_delete(turn->txn, table_of(turn, table), key_of(turn, key));
}

char *state_place(struct turn *turn, unsigned table, struct bytes key)
{
    bool organisation = table >= ORGANISATION_TABLE_FIRST;
    const char *name =
        organisation ? organisation_tables[table - ORGANISATION_TABLE_FIRST] : turn->instance->service->tables[table];
    name = arena_printf(turn->arena, "%s%s_%s", turn->cell ? "c" : "", organisation ? "o" : "s", name);
    return store_place(turn->arena, name, key_of(turn, key));
}

void *state_load(struct turn *turn, unsigned table, struct bytes key, const ProtobufCMessageDescriptor *descriptor)
{
    struct bytes value;
    if (!state_get(turn, table, key, &value))
        return NULL;
    ProtobufCMessage *message;
    char *why;
    if (message_load(descriptor, value, turn->arena, &message, &why))
        state_damaged(turn, state_place(turn, table, key));
    return message;
}

void state_save(struct turn *turn, unsigned table, struct bytes key, const ProtobufCMessage *record)
{
    state_put(turn, table, key, message_pack(record, turn->arena));
}

struct state_scan {
    struct store_scan scan;
    struct turn *turn;
    unsigned table;
    uint64_t cell; /* where it was opened */
};

struct state_scan *state_scan_open(struct turn *turn, unsigned table, struct bytes prefix, struct bytes from)
{
    struct state_scan *scan = arena_alloc(turn->arena, sizeof *scan);
    scan->turn = turn;
    scan->table = table;
    scan->cell = turn->cell;
    store_scan_open(&scan->scan, turn->txn, table_of(turn, table), arena_copy(turn->arena, key_of(turn, prefix)),
                    from.size ? key_of(turn, from) : from);
    return scan;
}

bool state_scan_next(struct state_scan *scan, struct bytes *key_out, struct bytes *value_out)
{
    uint64_t before = turn_look_at(scan->turn, scan->cell);
    struct bytes key, value;
    bool found = store_scan_next(&scan->scan, scan->turn->arena, &key, &value);
    name_of(scan->turn, found, &key);
    if (found)
        open_row(scan->turn, scan->table, key, &value);
    turn_look_at(scan->turn, before);
    if (found && key_out)
        *key_out = key;
    if (found && value_out)
        *value_out = value;
    return found;
}

bool state_last(struct turn *turn, unsigned table, struct bytes prefix, struct bytes *key_out, struct bytes *value_out)
{
    struct bytes key, value;
    bool found = store_last(turn->txn, table_of(turn, table), key_of(turn, prefix), turn->arena, &key, &value);
    name_of(turn, found, &key);
    if (found)
        open_row(turn, table, key, &value);
    if (found && key_out)
        *key_out = key;
    if (found && value_out)
        *value_out = value;
    return found;
}

bool state_before(struct turn *turn, unsigned table, struct bytes prefix, struct bytes before, struct bytes *key_out)
{
    bool found = store_before(turn->txn, table_of(turn, table), key_of(turn, prefix), key_of(turn, before), turn->arena,
                              key_out);
    name_of(turn, found, key_out);
    return found;
}

uint64_t state_count(struct turn *turn, unsigned table)
{
    if (!turn->cell)
        return store_count(turn->txn, table_of(turn, table));
    uint64_t count = 0;
    struct bytes key;
    struct state_scan *scan = state_scan_open(turn, table, (struct bytes){0}, (struct bytes){0});
    while (state_scan_next(scan, &key, NULL))
        count++;
    return count;
}
