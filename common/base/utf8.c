#include "base/bytes.h"

/* Returns the length of the well-formed sequence at `s`, 0 when there is none. */
static size_t sequence_length(const uint8_t *s, size_t left)
{
    uint8_t c = s[0];
    if (c < 0x80)
        return c != 0;
    size_t length = c >= 0xC2 && c <= 0xDF ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((c == 0xE0 && s[1] < 0xA0) || (c == 0xED && s[1] > 0x9F))
        return 0; /* overlong, surrogate */
    if ((c == 0xF0 && s[1] < 0x90) || (c == 0xF4 && s[1] > 0x8F))
        return 0; /* overlong, above U+10FFFF */
    return length;
}

bool utf8_valid(const char *text, size_t size)
{
    const uint8_t *s = (const uint8_t *)text;
    for (size_t i = 0; i < size;) {
        size_t length = sequence_length(s + i, size - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}
