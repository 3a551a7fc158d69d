/* Of sound the sound is kept: in MP3 the labels before and behind it go, in WAV all pieces but the format and the data.
 */
#include "inspect.h"

#include <string.h>

/* ---- MP3 ---- */

#define ID3_BYTES 10u
#define OLD_ID3_BYTES 128u
#define APE_BYTES 32u

/* How long the label is that stands here; 0: none. A size is four times seven bits. */
static size_t label_before(const uint8_t *at, size_t size)
{
    if (size < ID3_BYTES || memcmp(at, "ID3", 3) != 0)
        return 0;
    size_t inner =
        (size_t)(at[6] & 0x7f) << 21 | (size_t)(at[7] & 0x7f) << 14 | (size_t)(at[8] & 0x7f) << 7 | (at[9] & 0x7f);
    size_t whole = ID3_BYTES + inner + (at[5] & 0x10 ? ID3_BYTES : 0);
    return whole < size ? whole : size;
}

static size_t label_behind(const uint8_t *data, size_t size)
{
    if (size >= OLD_ID3_BYTES && memcmp(data + size - OLD_ID3_BYTES, "TAG", 3) == 0)
        return OLD_ID3_BYTES;
    if (size < APE_BYTES || memcmp(data + size - APE_BYTES, "APETAGEX", 8) != 0)
        return 0;
    const uint8_t *end = data + size - APE_BYTES;
    size_t whole = (size_t)le32(end + 12) + (end[23] & 0x80 ? APE_BYTES : 0); /* the footer is counted in, a head not */
    return whole < APE_BYTES ? APE_BYTES : whole < size ? whole : size;
}

enum found strip_mp3(struct piece file, struct kept *kept)
{
    const uint8_t *at = file.data;
    size_t size = file.size, label;
    while ((label = label_before(at, size))) {
        at += label;
        size -= label;
    }
    while (size && *at == 0) { /* what it was filled up with */
        at++;
        size--;
    }
    while ((label = label_behind(at, size)))
        size -= label;
    if (size < 4 || at[0] != 0xff || (at[1] & 0xe0) != 0xe0) /* a frame begins */
        return FOUND_DAMAGED;
    return keep(kept, at, size) ? FOUND_GOOD : FOUND_DAMAGED;
}

/* ---- WAV ---- */

enum found strip_wav(struct piece file, struct kept *kept)
{
    bool data = false;
    if (file.size < 12 || memcmp(file.data, "RIFF", 4) != 0 || memcmp(file.data + 8, "WAVE", 4) != 0 ||
        !keep(kept, file.data, 12))
        return FOUND_DAMAGED;
    uint64_t said = 8ull + le32(file.data + 4);
    size_t end = said < file.size ? (size_t)said : file.size;
    for (size_t at = 12; at + 8 <= end;) {
        const uint8_t *piece = file.data + at;
        /* a recording that was cut off says a size that it never came to */
        uint64_t size = 8ull + le32(piece + 4), padded = size + (size & 1);
        size_t whole = padded < end - at ? (size_t)padded : end - at;
        bool wanted = memcmp(piece, "fmt ", 4) == 0 || memcmp(piece, "fact", 4) == 0 || memcmp(piece, "data", 4) == 0;
        if (wanted && !keep(kept, piece, whole))
            return FOUND_DAMAGED;
        data = data || memcmp(piece, "data", 4) == 0;
        at += whole;
    }
    uint32_t size = (uint32_t)kept->size - 8;
    for (unsigned i = 0; i < 4; i++)
        kept->data[4 + i] = (uint8_t)(size >> 8 * i);
    return data ? FOUND_GOOD : FOUND_DAMAGED;
}
