/* RFC 6238: HMAC over the number of the half minute (RFC 4226), with SHA-1 (FIPS 180-4), because authenticators that
   know no other hash are everywhere; as HMAC it is sound. libsodium has none. */
#include "credentials.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>

#define STEP_MS 30000
#define DIGITS 6
enum { BLOCK = 64, HASH = 20 };

/* ---- SHA-1 ---- */

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static void sha1_block(uint32_t h[5], const uint8_t block[BLOCK])
{
    static const uint32_t constants[] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (unsigned t = 0; t < 80; t++)
        w[t] = t < 16 ? bytes_get_u32(block + (size_t)4 * t) : rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    for (unsigned t = 0; t < 80; t++) {
        uint32_t f = t < 20 ? (b & c) | (~b & d) : t >= 40 && t < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
        uint32_t next = rotate(a, 5) + f + e + w[t] + constants[t / 20];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void sha1(struct bytes data, uint8_t out[HASH])
{
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t last[2 * BLOCK] = {0};
    size_t whole = data.size / BLOCK * BLOCK, rest = data.size - whole, end = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    for (size_t at = 0; at < whole; at += BLOCK)
        sha1_block(h, data.data + at);
    if (rest)
        memcpy(last, data.data + whole, rest);
    last[rest] = 0x80;
    bytes_put_u64(last + end - 8, (uint64_t)data.size * 8);
    for (size_t at = 0; at < end; at += BLOCK)
        sha1_block(h, last + at);
    for (unsigned i = 0; i < 5; i++)
        bytes_put_u32(out + (size_t)4 * i, h[i]);
}

/* The key is at most a block, the message eight bytes: that is all TOTP needs of HMAC (RFC 2104). */
static void hmac(struct bytes key, const uint8_t message[8], uint8_t out[HASH])
{
    uint8_t inner[BLOCK + 8], outer[BLOCK + HASH];
    bug_unless(key.size <= BLOCK);
    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t byte = i < key.size ? key.data[i] : 0;
        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5C;
    }
    memcpy(inner + BLOCK, message, 8);
    sha1(bytes_of(inner, sizeof inner), outer + BLOCK);
    sha1(bytes_of(outer, sizeof outer), out);
}

/* ---- codes ---- */

uint32_t totp_at(struct bytes secret, uint64_t step)
{
    uint8_t message[8], hash[HASH];
    bytes_put_u64(message, step);
    hmac(secret, message, hash);
    return (bytes_get_u32(hash + (hash[HASH - 1] & 15)) & 0x7FFFFFFF) % 1000000;
}

static bool authenticator_takes(Dirrec__Credential *credential, struct bytes secret, const char *code, int64_t now_ms)
{
    uint64_t now = (uint64_t)now_ms / STEP_MS;
    if (strlen(code) != DIGITS || strspn(code, "0123456789") != DIGITS || secret.size == 0)
        return false;
    for (uint64_t step = now - 1; step <= now + 1; step++) {
        char right[DIGITS + 1];
        snprintf(right, sizeof right, "%06u", totp_at(secret, step) % 1000000);
        if (step <= credential->totp_step || sodium_memcmp(right, code, DIGITS) != 0)
            continue;
        credential->totp_step = step;
        return true;
    }
    return false;
}

/* As printed, however it was typed: case, blanks and dashes do not count. */
static bool recovery_takes(Dirrec__Credential *credential, const char *code)
{
    char bare[65] = "";
    size_t size = 0;
    uint8_t hash[32];
    for (; *code && size + 1 < sizeof bare; code++)
        if (isalnum((unsigned char)*code))
            bare[size++] = (char)toupper((unsigned char)*code);
    crypto_generichash(hash, sizeof hash, (const uint8_t *)bare, size, NULL, 0);
    for (size_t i = 0; i < credential->n_recovery_hashes; i++) {
        const ProtobufCBinaryData *one = &credential->recovery_hashes[i];
        if (one->len != sizeof hash || sodium_memcmp(one->data, hash, sizeof hash) != 0)
            continue;
        credential->recovery_hashes[i] = credential->recovery_hashes[--credential->n_recovery_hashes];
        return true;
    }
    return false;
}

bool totp_takes(Dirrec__Credential *credential, struct bytes secret, const char *code, int64_t now_ms)
{
    return authenticator_takes(credential, secret, code, now_ms) || recovery_takes(credential, code);
}
