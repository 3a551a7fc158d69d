#include "portal_place.h"

#include "message/message.h"

#include <sodium.h>

#define MAC 12u /* 96 bits: a forger would have to try at the portal */
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

char *place_token_make(const struct portal_keys *keys, const Gatewayrec__Place *place, struct arena *arena)
{
    struct bytes plain = message_pack(&place->base, arena);
    uint8_t *token = arena_alloc(arena, plain.size + MAC), mac[crypto_generichash_BYTES];
    size_t room = sodium_base64_encoded_len(plain.size + MAC, BASE64);
    crypto_generichash(mac, sizeof mac, plain.data, plain.size, keys->place, sizeof keys->place);
    memcpy(token, mac, MAC);
    memcpy(token + MAC, plain.data, plain.size);
    return sodium_bin2base64(arena_alloc(arena, room), room, token, plain.size + MAC, BASE64);
}

Gatewayrec__Place *place_token_read(const struct portal_keys *keys, const char *token, struct arena *arena)
{
    uint8_t bytes[PLACE_TOKEN_CHARACTERS_MAX], mac[crypto_generichash_BYTES];
    size_t size;
    ProtobufCMessage *message;
    char *why;
    if (strlen(token) > PLACE_TOKEN_CHARACTERS_MAX ||
        sodium_base642bin(bytes, sizeof bytes, token, strlen(token), NULL, &size, NULL, BASE64) || size <= MAC)
        return NULL;
    crypto_generichash(mac, sizeof mac, bytes + MAC, size - MAC, keys->place, sizeof keys->place);
    if (sodium_memcmp(mac, bytes, MAC) != 0 ||
        message_unpack(&gatewayrec__place__descriptor, bytes_of(bytes + MAC, size - MAC), arena, &message, &why))
        return NULL;
    return (Gatewayrec__Place *)message;
}
