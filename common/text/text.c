#include "text/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *without_spare_blanks(struct arena *arena, const char *text)
{
    char *out = arena_alloc(arena, strlen(text) + 1), *end = out;
    for (; *text; text++)
        if (!is_blank(*text))
            *end++ = *text;
        else if (end > out && end[-1] != ' ')
            *end++ = ' ';
    if (end > out && end[-1] == ' ')
        end--;
    *end = 0;
    return out;
}

char *text_folded(struct arena *arena, const char *text)
{
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t size = utf8proc_map((const utf8proc_uint8_t *)text, 0, &folded,
                                         UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                             UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    char *out = without_spare_blanks(arena, size < 0 ? text : (const char *)folded);
    free(folded);
    return out;
}

const char *text_next(const char *text, uint32_t *rune_out)
{
    utf8proc_int32_t rune;
    if (!*text) {
        *rune_out = 0;
        return text;
    }
    utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &rune);
    *rune_out = size > 0 ? (uint32_t)rune : (uint8_t)*text;
    return text + (size > 0 ? size : 1);
}

size_t text_characters(const char *text)
{
    size_t count = 0;
    for (uint32_t rune; *text; count++)
        text = text_next(text, &rune);
    return count;
}

/* ---- telephone numbers ---- */

/* "0086" and "86" before a Chinese mobile number are the country. */
static const char *without_country(const char *digits)
{
    size_t size = strlen(digits);
    if (size == 15 && strncmp(digits, "00861", 5) == 0)
        return digits + 4;
    return size == 13 && strncmp(digits, "861", 3) == 0 ? digits + 2 : digits;
}

size_t text_phones(struct arena *arena, const char *text, char *phones_out[TEXT_PHONES_MAX])
{
    size_t count = 0, size = 0;
    char digits[TEXT_PHONE_DIGITS_MAX + 1];
    for (const char *at = text_folded(arena, text);; at++) {
        if (*at >= '0' && *at <= '9' && size < TEXT_PHONE_DIGITS_MAX)
            digits[size++] = *at;
        if (*at && strchr("0123456789 -+()", *at))
            continue;
        digits[size] = 0;
        if (size >= TEXT_PHONE_DIGITS_MIN && count < TEXT_PHONES_MAX)
            phones_out[count++] = arena_strdup(arena, without_country(digits));
        size = 0;
        if (!*at)
            return count;
    }
}
