#include "attachment.h"

#include <ctype.h>
#include <strings.h>

/* What is invisible, turns the direction of writing, or is no character: names are read by people who then decide. */
static bool is_shown(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } hidden[] = {{0, 0x1f},        {0x7f, 0x9f},       {0xad, 0xad},       {0x61c, 0x61c},   {0x115f, 0x1160},
                  {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e}, {0x2060, 0x206f},
                  {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffd},
                  {0xe000, 0xf8ff}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff}};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (c >= hidden[i].from && c <= hidden[i].to)
            return false;
    return true;
}

/* The text is valid UTF-8. */
static uint32_t character(const char *text, size_t *size_out)
{
    const uint8_t *at = (const uint8_t *)text;
    *size_out = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t c = *size_out == 1 ? at[0] : at[0] & (0x7fu >> *size_out);
    for (size_t i = 1; i < *size_out; i++)
        c = c << 6 | (at[i] & 0x3f);
    return c;
}

static const char *last_part(const char *path)
{
    const char *part = path;
    for (; *path; path++)
        if (*path == '/' || *path == '\\')
            part = path + 1;
    return part;
}

const char *attachment_extension(struct arena *arena, const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t size = dot ? strlen(dot + 1) : 0;
    if (!size || size > 8)
        return "";
    char *lower = arena_strdup(arena, dot + 1);
    for (char *at = lower; *at; at++) {
        if (!isalnum((unsigned char)*at))
            return "";
        *at = (char)tolower((unsigned char)*at);
    }
    return lower;
}

/* Cut in front of its ending, between two characters. */
static const char *shortened(struct arena *arena, const char *name)
{
    const char *extension = attachment_extension(arena, name);
    size_t ending = *extension ? strlen(extension) + 1 : 0, most = ATTACHMENT_NAME_BYTES_MAX - ending;
    if (strlen(name) <= ATTACHMENT_NAME_BYTES_MAX)
        return name;
    while (most && ((uint8_t)name[most] & 0xc0) == 0x80)
        most--;
    return arena_printf(arena, "%.*s%s%s", (int)most, name, ending ? "." : "", extension);
}

const char *attachment_name(struct arena *arena, const char *given)
{
    const char *part = last_part(given);
    char *name = arena_alloc(arena, strlen(part) + 1);
    size_t size = 0, at;
    for (; *part; part += at) {
        uint32_t c = character(part, &at);
        if (!is_shown(c) || (size == 0 && (c == '.' || c == ' ')))
            continue;
        if (c < 0x80 && strchr("<>:\"|?*;%`$&", (int)c))
            name[size++] = '_';
        else
            for (size_t i = 0; i < at; i++)
                name[size++] = part[i];
    }
    while (size && (name[size - 1] == ' ' || name[size - 1] == '.'))
        size--;
    name[size] = 0;
    return size ? shortened(arena, name) : "file";
}

static const struct {
    const char *type, *extensions[4]; /* the first is given to what has none of them */
} endings[] = {
    {"image/jpeg", {"jpg", "jpeg", "jpe"}},
    {"image/png", {"png"}},
    {"image/webp", {"webp"}},
    {"image/heic", {"heic", "heif"}},
    {"image/gif", {"gif"}},
    {"application/pdf", {"pdf"}},
    {"text/plain", {"txt", "log", "md"}},
    {"text/csv", {"csv"}},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", {"docx"}},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", {"xlsx"}},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", {"pptx"}},
    {"application/vnd.oasis.opendocument.text", {"odt"}},
    {"audio/mpeg", {"mp3"}},
    {"audio/mp4", {"m4a", "mp4"}},
    {"audio/amr", {"amr"}},
    {"audio/wav", {"wav"}},
    {"video/mp4", {"mp4", "m4v"}},
    {"message/rfc822", {"eml"}},
};

bool attachment_may_name_author(const char *type)
{
    return strcmp(type, "application/pdf") == 0 || strncmp(type, "application/vnd.", 16) == 0; /* office files */
}

const char *attachment_name_of_type(struct arena *arena, const char *name, const char *type)
{
    const char *extension = attachment_extension(arena, name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (strcmp(endings[i].type, type) != 0)
            continue;
        for (size_t k = 0; k < 4 && endings[i].extensions[k]; k++)
            if (strcmp(endings[i].extensions[k], extension) == 0)
                return name;
        return shortened(arena, arena_printf(arena, "%s.%s", name, endings[i].extensions[0]));
    }
    return name;
}

char *attachment_disposition(struct arena *arena, const char *name)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char *encoded = arena_alloc(arena, 3 * strlen(name) + 1), *ascii = arena_strdup(arena, name);
    size_t size = 0;
    for (const char *at = name; *at; at++) {
        static const char hex[] = "0123456789ABCDEF";
        if (strchr(safe, *at))
            encoded[size++] = *at;
        else {
            encoded[size++] = '%';
            encoded[size++] = hex[(uint8_t)*at >> 4];
            encoded[size++] = hex[(uint8_t)*at & 15];
        }
    }
    encoded[size] = 0;
    for (char *at = ascii; *at; at++)
        if (!strchr(safe, *at) && *at != ' ')
            *at = '_';
    return arena_printf(arena, "attachment; filename=\"%s\"; filename*=UTF-8''%s", ascii, encoded);
}
