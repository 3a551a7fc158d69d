/* PNG, WebP and GIF: rows of pieces. Kept is what makes the picture. */
#include "inspect.h"

#include <string.h>

static bool is_one_of(const uint8_t *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(name, names[i], 4) == 0)
            return true;
    return false;
}
#define ONE_OF(name, list) is_one_of(name, list, sizeof(list) / sizeof *(list))

/* ---- PNG ---- */

enum found strip_png(struct piece file, struct kept *kept)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const char *const pieces[] = {"IHDR", "PLTE", "IDAT", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "sBIT",
                                         "pHYs", "bKGD", "acTL", "fcTL", "fdAT", "cICP", "mDCV", "cLLI"};
    bool pixels = false;
    if (file.size < 8 + 25 || memcmp(file.data, signature, 8) != 0 || memcmp(file.data + 12, "IHDR", 4) != 0 ||
        be32(file.data + 8) != 13)
        return FOUND_DAMAGED;
    if (too_many_pixels(be32(file.data + 16), be32(file.data + 20)))
        return FOUND_HUGE;
    if (!keep(kept, signature, 8))
        return FOUND_DAMAGED;
    for (size_t at = 8; file.size - at >= 12;) {
        const uint8_t *piece = file.data + at;
        uint32_t size = be32(piece);
        if (size > file.size - at - 12)
            return FOUND_DAMAGED;
        bool end = memcmp(piece + 4, "IEND", 4) == 0;
        pixels = pixels || memcmp(piece + 4, "IDAT", 4) == 0;
        if ((end || ONE_OF(piece + 4, pieces)) && !keep(kept, piece, (size_t)size + 12))
            return FOUND_DAMAGED;
        if (end)
            return pixels ? FOUND_GOOD : FOUND_DAMAGED;
        at += (size_t)size + 12;
    }
    return FOUND_DAMAGED;
}

/* ---- WebP ---- */

enum found strip_webp(struct piece file, struct kept *kept)
{
    static const char *const pieces[] = {"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP"};
    bool pixels = false;
    if (file.size < 20 || memcmp(file.data, "RIFF", 4) != 0 || memcmp(file.data + 8, "WEBP", 4) != 0)
        return FOUND_DAMAGED;
    uint64_t end = 8ull + le32(file.data + 4);
    if (end > file.size || end < 20 || !keep(kept, file.data, 12))
        return FOUND_DAMAGED;
    for (size_t at = 12; at + 8 <= end;) {
        const uint8_t *piece = file.data + at;
        uint64_t size = le32(piece + 4), whole = 8 + size + (size & 1);
        if (8 + size > end - at)
            return FOUND_DAMAGED;
        if (whole > end - at)
            whole = end - at;
        if (ONE_OF(piece, pieces)) {
            size_t to = kept->size;
            if (!keep(kept, piece, (size_t)whole))
                return FOUND_DAMAGED;
            if (memcmp(piece, "VP8X", 4) == 0) {
                if (size < 10)
                    return FOUND_DAMAGED;
                if (too_many_pixels((le32(piece + 12) & 0xffffff) + 1ull, (le32(piece + 14) >> 8) + 1ull))
                    return FOUND_HUGE;
                kept->data[to + 8] &= (uint8_t) ~(0x08u | 0x04u); /* no EXIF, no XMP any more */
            }
            pixels = pixels || memcmp(piece, "VP8 ", 4) == 0 || memcmp(piece, "VP8L", 4) == 0 ||
                     memcmp(piece, "ANMF", 4) == 0;
        }
        at += (size_t)whole;
    }
    uint32_t size = (uint32_t)kept->size - 8;
    for (unsigned i = 0; i < 4; i++)
        kept->data[4 + i] = (uint8_t)(size >> 8 * i);
    return pixels ? FOUND_GOOD : FOUND_DAMAGED;
}

/* ---- GIF ---- */

/* Blocks of up to 255 bytes, the last one empty. 0: they do not end. */
static size_t blocks_end(struct piece file, size_t at)
{
    while (at < file.size) {
        if (file.data[at] == 0)
            return at + 1;
        at += 1u + file.data[at];
    }
    return 0;
}

static size_t colours(uint8_t packed)
{
    return packed & 0x80 ? 3u << ((packed & 7) + 1) : 0;
}

static size_t extension_end(struct piece file, size_t at, bool *kept_out)
{
    *kept_out = false;
    if (file.size - at < 3)
        return 0;
    uint8_t label = file.data[at + 1];
    bool loop =
        label == 0xff && file.size - at > 14 && file.data[at + 2] == 11 &&
        (memcmp(file.data + at + 3, "NETSCAPE2.0", 11) == 0 || memcmp(file.data + at + 3, "ANIMEXTS1.0", 11) == 0);
    *kept_out = label == 0xf9 || loop;
    return blocks_end(file, at + 2);
}

static size_t image_end(struct piece file, size_t at)
{
    if (file.size - at < 11)
        return 0;
    size_t next = at + 10 + colours(file.data[at + 9]) + 1;
    return next < file.size ? blocks_end(file, next) : 0;
}

enum found strip_gif(struct piece file, struct kept *kept)
{
    bool pixels = false;
    if (file.size < 14 || (memcmp(file.data, "GIF87a", 6) != 0 && memcmp(file.data, "GIF89a", 6) != 0))
        return FOUND_DAMAGED;
    if (too_many_pixels(le16(file.data + 6), le16(file.data + 8)))
        return FOUND_HUGE;
    size_t at = 13 + colours(file.data[10]);
    if (at > file.size || !keep(kept, file.data, at))
        return FOUND_DAMAGED;
    while (at < file.size) {
        bool kept_piece = true;
        size_t next = 0;
        if (file.data[at] == 0x3b)
            return pixels && keep(kept, file.data + at, 1) ? FOUND_GOOD : FOUND_DAMAGED;
        if (file.data[at] == 0x21)
            next = extension_end(file, at, &kept_piece);
        else if (file.data[at] == 0x2c) {
            next = image_end(file, at);
            pixels = true;
        }
        if (next == 0 || next > file.size || (kept_piece && !keep(kept, file.data + at, next - at)))
            return FOUND_DAMAGED;
        at = next;
    }
    return FOUND_DAMAGED;
}
