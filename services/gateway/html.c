#include "html.h"

#include <stdio.h>

void html_init(struct html *html, struct arena *arena)
{
    *html = (struct html){.arena = arena, .room = 4096};
    html->data = arena_alloc(arena, html->room);
    html->data[0] = 0;
}

static void append(struct html *html, const char *data, size_t size)
{
    if (size >= html->room - html->size) {
        size_t room = html->room;
        while (size >= room - html->size)
            room *= 2;
        char *data_new = arena_alloc(html->arena, room);
        memcpy(data_new, html->data, html->size);
        html->data = data_new;
        html->room = room;
    }
    memcpy(html->data + html->size, data, size);
    html->size += size;
    html->data[html->size] = 0;
}

/* How many bytes the character has, 0 when it is not well-formed. */
static size_t character_size(const char *text)
{
    uint8_t first = (uint8_t)*text;
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < size; i++)
        if (((uint8_t)text[i] & 0xc0) != 0x80)
            return 0;
    return size && utf8_valid(text, size) ? size : 0;
}

/* U+202A..202E and U+2066..2069 would let a text rearrange the page around it; the controls of C0 and C1 mean
   nothing in HTML. */
static bool left_out(const char *character, size_t size)
{
    const uint8_t *at = (const uint8_t *)character;
    if (size == 1)
        return (*at < 0x20 && *at != '\t' && *at != '\n') || *at == 0x7f;
    if (size == 2)
        return at[0] == 0xc2 && at[1] < 0xa0;
    if (size == 3 && at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe) /* U+FFFE, U+FFFF: no characters of XML */
        return true;
    return size == 3 && at[0] == 0xe2 &&
           ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) || (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
}

static const char *entity(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void html_text(struct html *html, const char *text)
{
    while (text && *text) {
        size_t size = character_size(text);
        const char *escaped = size == 1 ? entity(*text) : size == 0 ? "\xef\xbf\xbd" : NULL;
        if (escaped)
            append(html, escaped, strlen(escaped));
        else if (!left_out(text, size))
            append(html, text, size);
        text += size ? size : 1;
    }
}

void html_source(struct html *html, const char *markup)
{
    append(html, markup, strlen(markup));
}

static void add_number(struct html *html, const char *format, va_list *list, size_t *used_out)
{
    char text[32];
    *used_out = 1;
    if (*format == 'd')
        snprintf(text, sizeof text, "%d", va_arg(*list, int));
    else if (*format == 'u')
        snprintf(text, sizeof text, "%u", va_arg(*list, unsigned));
    else {
        bug_unless(format[0] == 'z' && format[1] == 'u');
        snprintf(text, sizeof text, "%zu", va_arg(*list, size_t));
        *used_out = 2;
    }
    append(html, text, strlen(text));
}

void html_add(struct html *html, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    for (const char *percent; (percent = strchr(format, '%'));) {
        size_t used = 1;
        append(html, format, (size_t)(percent - format));
        if (percent[1] == 's')
            html_text(html, va_arg(list, const char *));
        else if (percent[1] == '%')
            append(html, "%", 1);
        else
            add_number(html, percent + 1, &list, &used);
        format = percent + 1 + used;
    }
    append(html, format, strlen(format));
    va_end(list);
}

char *html_url(struct arena *arena, const char *value)
{
    static const char hex[] = "0123456789ABCDEF";
    char *url = arena_alloc(arena, strlen(value) * 3 + 1), *to = url;
    for (; *value; value++) {
        uint8_t byte = (uint8_t)*value;
        bool unreserved = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.' || byte == '~';
        if (unreserved) {
            *to++ = (char)byte;
        } else {
            *to++ = '%';
            *to++ = hex[byte >> 4];
            *to++ = hex[byte & 15];
        }
    }
    *to = 0;
    return url;
}
