/* Office files are archives. Only the list at their end is read; nothing is unpacked here. */
#include "inspect.h"

#include <string.h>

#define END_BYTES 22u
#define ENTRY_BYTES 46u
#define COMMENT_BYTES_MAX 65535u
#define ENTRIES_MAX 10000u

static const struct {
    const char *member, *type;
} offices[] = {
    {"word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
};
static const char open_text[] = "application/vnd.oasis.opendocument.text";

/* NULL: none whose comment ends where the file ends. */
static const uint8_t *end_of(struct piece file)
{
    for (size_t back = END_BYTES; back <= file.size && back <= END_BYTES + COMMENT_BYTES_MAX; back++) {
        const uint8_t *at = file.data + file.size - back;
        if (memcmp(at, "PK\5\6", 4) == 0 && le16(at + 20) == back - END_BYTES)
            return at;
    }
    return NULL;
}

bool archive_ends(struct piece file)
{
    return end_of(file) != NULL;
}

size_t archive_list(struct piece file, size_t *at_out)
{
    const uint8_t *end = end_of(file);
    *at_out = le32(end + 16);
    return le16(end + 10);
}

static bool named(const uint8_t *name, size_t size, const char *is)
{
    return size == strlen(is) && memcmp(name, is, size) == 0;
}

static bool ends_with(const uint8_t *name, size_t size, const char *is)
{
    size_t end = strlen(is);
    return size >= end && memcmp(name + size - end, is, end) == 0;
}

/* A name that would lead out of the folder it is unpacked in. */
static bool leads_out(const uint8_t *name, size_t size)
{
    return size == 0 || name[0] == '/' || memchr(name, '\\', size) || memchr(name, 0, size) ||
           memmem(name, size, "../", 3) || ends_with(name, size, "..");
}

struct look {
    uint64_t unpacked;
    bool content_types, active, first;
    const char *type;
};

static enum found look_at(struct look *look, struct piece file, const uint8_t *entry, size_t name_size)
{
    const uint8_t *name = entry + ENTRY_BYTES;
    uint32_t packed = le32(entry + 20), unpacked = le32(entry + 24), at = le32(entry + 42);
    if (leads_out(name, name_size) || at > file.size - 4 || memcmp(file.data + at, "PK\3\4", 4) != 0)
        return FOUND_DAMAGED;
    look->first = look->first || at == 0;
    look->unpacked += unpacked;
    if (unpacked > (1u << 20) && (packed == 0 || unpacked / packed > INSPECT_RATIO_MAX))
        return FOUND_HUGE;
    if (named(name, name_size, "[Content_Types].xml"))
        look->content_types = true;
    for (size_t i = 0; i < sizeof offices / sizeof *offices; i++)
        if (named(name, name_size, offices[i].member))
            look->type = offices[i].type;
    look->active = look->active || ends_with(name, name_size, "vbaProject.bin") ||
                   (name_size > 8 && memcmp(name, "Scripts/", 8) == 0) ||
                   (name_size > 6 && memcmp(name, "Basic/", 6) == 0);
    /* the first of an open document is its type, stored as it is, so that anybody sees it at once */
    size_t type = sizeof open_text - 1;
    if (at == 0 && named(name, name_size, "mimetype") && packed == type && unpacked == type && file.size > 38 + type &&
        memcmp(file.data + 38, open_text, type) == 0) {
        look->type = open_text;
        look->content_types = true;
    }
    return FOUND_GOOD;
}

enum found archive_look(struct piece file, const char **type_out)
{
    const uint8_t *end = end_of(file);
    struct look look = {0};
    *type_out = "application/zip";
    if (!end)
        return FOUND_DAMAGED;
    uint32_t count = le16(end + 10), size = le32(end + 12), at = le32(end + 16);
    size_t before = (size_t)(end - file.data);
    if (le32(end + 4) != 0 || count == 0 || count > ENTRIES_MAX || size > before || at != before - size)
        return FOUND_DAMAGED; /* parts of it elsewhere, or something before it */
    for (uint32_t i = 0; i < count; i++) {
        if (before - at < ENTRY_BYTES || memcmp(file.data + at, "PK\1\2", 4) != 0)
            return FOUND_DAMAGED;
        const uint8_t *entry = file.data + at;
        size_t name = le16(entry + 28), all = ENTRY_BYTES + name + le16(entry + 30) + le16(entry + 32);
        if (before - at < all)
            return FOUND_DAMAGED;
        enum found found = look_at(&look, file, entry, name);
        if (found)
            return found;
        at += (uint32_t)all;
    }
    if (!look.type || !look.content_types || !look.first)
        return FOUND_TYPE;
    *type_out = look.type;
    if (look.unpacked > INSPECT_UNPACKED_BYTES_MAX)
        return FOUND_HUGE;
    return look.active ? FOUND_ACTIVE : FOUND_GOOD;
}
