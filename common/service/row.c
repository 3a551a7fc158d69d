#include "service/row.h"

#include <sodium.h>

#define CHECK_BYTES 4u

static void check_of(struct bytes key, struct bytes packed, uint8_t check_out[CHECK_BYTES])
{
    crypto_generichash_state state;
    uint8_t hash[crypto_generichash_BYTES_MIN];
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, key.data, key.size);
    crypto_generichash_update(&state, packed.data, packed.size);
    crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(check_out, hash, CHECK_BYTES);
}

static struct bytes with_check(struct bytes key, const ProtobufCMessage *message, struct arena *arena)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *value = arena_alloc(arena, size + CHECK_BYTES);
    protobuf_c_message_pack(message, value);
    check_of(key, bytes_of(value, size), value + size);
    return bytes_of(value, size + CHECK_BYTES);
}

void row_put(struct store_txn *txn, store_table table, struct bytes key, const ProtobufCMessage *message,
             struct arena *arena)
{
    store_put(txn, table, key, with_check(key, message, arena));
}

void row_append(struct store_txn *txn, store_table table, struct bytes key, const ProtobufCMessage *message,
                struct arena *arena)
{
    store_append(txn, table, key, with_check(key, message, arena));
}

void row_put_mark(struct store_txn *txn, store_table table, struct bytes key)
{
    uint8_t check[CHECK_BYTES];
    check_of(key, (struct bytes){0}, check);
    store_put(txn, table, key, bytes_of(check, sizeof check));
}

bool row_mark_sound(struct bytes key, struct bytes value)
{
    uint8_t check[CHECK_BYTES];
    check_of(key, (struct bytes){0}, check);
    return bytes_equal(value, bytes_of(check, sizeof check));
}

enum err row_load(const ProtobufCMessageDescriptor *descriptor, struct bytes key, struct bytes value,
                  struct arena *arena, ProtobufCMessage **message_out, char **why_out)
{
    uint8_t check[CHECK_BYTES];
    struct bytes packed = bytes_of(value.data, value.size < CHECK_BYTES ? 0 : value.size - CHECK_BYTES);
    check_of(key, packed, check);
    if (value.size < CHECK_BYTES || memcmp(check, value.data + packed.size, CHECK_BYTES) != 0) {
        *why_out = arena_strdup(arena, "its check does not fit: it was altered");
        return ERR_CORRUPT;
    }
    return message_load(descriptor, packed, arena, message_out, why_out);
}
