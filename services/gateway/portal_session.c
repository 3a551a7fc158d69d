#include "portal_session.h"

#include "message/message.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#define SESSION_NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SESSION_TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

enum { TOKEN_TIME = 8, TOKEN_RANDOM = 16, TOKEN_MAC = 18, TOKEN_BYTES = TOKEN_TIME + TOKEN_RANDOM + TOKEN_MAC };

static void derive(const char *secret, const char *what, uint8_t out[32])
{
    crypto_generichash(out, 32, (const uint8_t *)what, strlen(what), (const uint8_t *)secret, strlen(secret));
}

void portal_keys_derive(const char *secret, struct portal_keys *keys_out)
{
    derive(secret, "hearback portal session 1", keys_out->session);
    derive(secret, "hearback portal form 1", keys_out->form);
    derive(secret, "hearback portal place 1", keys_out->place);
    derive(secret, "hearback portal origin 1", keys_out->origin);
}

static char *base64(const uint8_t *data, size_t size, struct arena *arena)
{
    size_t room = sodium_base64_encoded_len(size, BASE64);
    char *text = arena_alloc(arena, room);
    return sodium_bin2base64(text, room, data, size, BASE64);
}

/* ---- the session ---- */

char *session_seal(const struct portal_keys *keys, Gatewayrec__Session *session, struct arena *arena)
{
    struct bytes plain = message_pack(&session->base, arena);
    while (session->n_promised &&
           sodium_base64_encoded_len(SESSION_NONCE + plain.size + SESSION_TAG, BASE64) > SESSION_TEXT_BYTES_MAX) {
        session->n_promised--;
        plain = message_pack(&session->base, arena);
    }
    uint8_t *box = arena_alloc(arena, SESSION_NONCE + plain.size + SESSION_TAG);
    unsigned long long size;
    randombytes_buf(box, SESSION_NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + SESSION_NONCE, &size, plain.data, plain.size, NULL, 0, NULL, box,
                                               keys->session);
    return base64(box, SESSION_NONCE + (size_t)size, arena);
}

Gatewayrec__Session *session_open(const struct portal_keys *keys, const char *cookie, int64_t now_ms,
                                  struct arena *arena)
{
    size_t room = cookie ? strlen(cookie) : 0, size;
    if (!room || room > SESSION_TEXT_BYTES_MAX)
        return NULL;
    uint8_t *box = arena_alloc(arena, room), *plain = arena_alloc(arena, room);
    if (sodium_base642bin(box, room, cookie, room, NULL, &size, NULL, BASE64) || size < SESSION_NONCE + SESSION_TAG)
        return NULL;
    unsigned long long plain_size;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &plain_size, NULL, box + SESSION_NONCE, size - SESSION_NONCE,
                                                   NULL, 0, box, keys->session))
        return NULL;
    ProtobufCMessage *message;
    char *why;
    if (message_unpack(&gatewayrec__session__descriptor, bytes_of(plain, (size_t)plain_size), arena, &message, &why))
        return NULL; /* of another version of this program */
    Gatewayrec__Session *session = (Gatewayrec__Session *)message;
    return session->since_ms <= now_ms && now_ms - session->since_ms <= SESSION_MS_MAX ? session : NULL;
}

/* ---- form tokens: time, random, and a keyed hash over both and the purpose ---- */

static void token_mac(const struct portal_keys *keys, const char *purpose, const uint8_t *token, uint8_t out[TOKEN_MAC])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, keys->form, sizeof keys->form, TOKEN_MAC);
    crypto_generichash_update(&state, token, TOKEN_TIME + TOKEN_RANDOM);
    crypto_generichash_update(&state, (const uint8_t *)purpose, strlen(purpose));
    crypto_generichash_final(&state, out, TOKEN_MAC);
}

char *form_token_make(const struct portal_keys *keys, const char *purpose, int64_t now_ms, struct arena *arena)
{
    uint8_t token[TOKEN_BYTES];
    bytes_put_u64(token, (uint64_t)now_ms);
    randombytes_buf(token + TOKEN_TIME, TOKEN_RANDOM);
    token_mac(keys, purpose, token, token + TOKEN_TIME + TOKEN_RANDOM);
    return base64(token, sizeof token, arena);
}

bool form_token_check(const struct portal_keys *keys, const char *purpose, const char *token, int64_t now_ms,
                      char command_id_out[COMMAND_ID_CHARACTERS + 1])
{
    uint8_t bytes[TOKEN_BYTES], mac[TOKEN_MAC];
    size_t size;
    if (!token || strlen(token) != FORM_TOKEN_CHARACTERS ||
        sodium_base642bin(bytes, sizeof bytes, token, FORM_TOKEN_CHARACTERS, NULL, &size, NULL, BASE64) ||
        size != TOKEN_BYTES)
        return false;
    token_mac(keys, purpose, bytes, mac);
    int64_t made_ms = (int64_t)bytes_get_u64(bytes);
    if (sodium_memcmp(mac, bytes + TOKEN_TIME + TOKEN_RANDOM, TOKEN_MAC) != 0 || made_ms > now_ms ||
        now_ms - made_ms > FORM_TOKEN_MS_MAX)
        return false;
    snprintf(command_id_out, 15, "%013" PRId64 "-", made_ms);
    sodium_bin2hex(command_id_out + 14, 2 * TOKEN_RANDOM + 1, bytes + TOKEN_TIME, TOKEN_RANDOM);
    return true;
}
