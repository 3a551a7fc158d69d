/* What a document says of its author, its program and its times, blanked where it stands: nothing moves, so that all
   places in it stay right. What is packed within a PDF, the pictures in an office file, its comments and changes stay:
   nothing is unpacked here, and whoever has such a file is told so. */
#include "inspect.h"

#include <string.h>
#include <zlib.h>

/* ---- PDF ---- */

#define OBJECTS_MAX 16u

static uint8_t *found_in(uint8_t *from, const uint8_t *end, const char *text)
{
    return from < end ? memmem(from, (size_t)(end - from), text, strlen(text)) : NULL;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static void blank_descriptions(uint8_t *data, uint8_t *end)
{
    static const char last[] = "</x:xmpmeta>";
    for (uint8_t *at = data; (at = found_in(at, end, "<x:xmpmeta"));) {
        uint8_t *to = found_in(at, end, last);
        if (!to)
            return;
        memset(at, ' ', (size_t)(to - at) + sizeof last - 1);
        at = to + sizeof last - 1;
    }
}

/* Behind the text in round brackets that begins here. Those within it are in pairs, or behind a backslash. */
static uint8_t *blank_text(uint8_t *at, const uint8_t *end)
{
    unsigned depth = 1;
    for (at++; at < end; at++) {
        bool escapes = *at == '\\';
        if (*at == '(')
            depth++;
        else if (*at == ')' && --depth == 0)
            return at + 1;
        *at = ' ';
        if (escapes && ++at < end)
            *at = ' ';
    }
    return at;
}

static uint8_t *blank_digits(uint8_t *at, const uint8_t *end)
{
    for (at++; at < end && *at != '>'; at++)
        *at = ' ';
    return at;
}

static void blank_texts(uint8_t *at, const uint8_t *end)
{
    while (at < end)
        if (*at == '(')
            at = blank_text(at, end);
        else if (*at == '<' && at + 1 < end && at[1] == '<')
            at += 2;
        else if (*at == '<')
            at = blank_digits(at, end);
        else
            at++;
}

/* "7 0 obj ... endobj", wherever it stands; one that was changed stands there more than once. */
static void blank_object(uint8_t *data, uint8_t *end, const char *begins)
{
    for (uint8_t *at = data; (at = found_in(at, end, begins)); at++) {
        if (at > data && is_digit(at[-1]))
            continue; /* of 17 0 obj */
        uint8_t *to = found_in(at, end, "endobj");
        blank_texts(at, to ? to : end);
    }
}

/* "/Info 7 0 R": "7 0 obj". False: it is something else. */
static bool object_of(const uint8_t *at, const uint8_t *end, char begins_out[32])
{
    size_t size = 0, numbers = 0;
    while (numbers < 2) {
        while (at < end && is_blank(*at))
            at++;
        size_t before = size;
        for (; at < end && is_digit(*at) && size < 24; at++)
            begins_out[size++] = (char)*at;
        if (size == before)
            return false;
        begins_out[size++] = ' ';
        numbers++;
    }
    while (at < end && is_blank(*at))
        at++;
    memcpy(begins_out + size, "obj", 4);
    return at < end && *at == 'R';
}

enum found blank_pdf(struct piece file, struct kept *kept)
{
    if (!keep(kept, file.data, file.size))
        return FOUND_DAMAGED;
    uint8_t *data = kept->data, *end = data + kept->size;
    if (found_in(data, end, "/ByteRange"))
        return FOUND_GOOD; /* signed: a changed one would be worth nothing */
    blank_descriptions(data, end);
    unsigned objects = 0;
    for (uint8_t *at = data; objects < OBJECTS_MAX && (at = found_in(at, end, "/Info")); at++) {
        char begins[32];
        if (object_of(at + 5, end, begins)) {
            blank_object(data, end, begins);
            objects++;
        }
    }
    return FOUND_GOOD;
}

/* ---- office files ---- */

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* A packed stream of one block that is not packed: its head. */
#define BLOCK_HEAD 5u
#define BLOCK_BYTES_MAX 65535u

struct entry {
    uint8_t *listed, *local, *data; /* in the list at the end; before the data; the data */
    size_t packed;
    bool deflated, described; /* described: sizes and check stand behind the data */
};

/* Within the file, and before the list; archive_look has walked the list. */
static bool entry_read(struct kept *kept, uint8_t *listed, size_t list_at, struct entry *entry_out)
{
    uint32_t local = le32(listed + 42), packed = le32(listed + 20), method = le16(listed + 10),
             flags = le16(listed + 8);
    if (local > list_at || list_at - local < 30)
        return false;
    size_t data = (size_t)local + 30 + le16(kept->data + local + 26) + le16(kept->data + local + 28);
    *entry_out = (struct entry){.listed = listed,
                                .local = kept->data + local,
                                .data = kept->data + data,
                                .packed = packed,
                                .deflated = method == 8,
                                .described = flags & 8};
    return data <= list_at && packed <= list_at - data && (method == 8 || method == 0) && !(flags & 1);
}

/* Of an entry that is read while it comes the sizes stand behind it as well. */
static bool describe(const struct kept *kept, const struct entry *entry, size_t list_at, uint32_t crc, size_t plain)
{
    uint8_t *at = entry->data + entry->packed;
    size_t left = list_at - (size_t)(at - kept->data);
    put32(entry->listed + 16, crc);
    put32(entry->listed + 24, (uint32_t)plain);
    if (!entry->described) {
        put32(entry->local + 14, crc);
        put32(entry->local + 22, (uint32_t)plain);
        return true;
    }
    size_t sign = left >= 4 && memcmp(at, "PK\7\10", 4) == 0 ? 4 : 0;
    if (left < sign + 12)
        return false;
    put32(at + sign, crc);
    put32(at + sign + 8, (uint32_t)plain);
    return true;
}

static bool blank_entry(struct kept *kept, uint8_t *listed, size_t list_at, const char *empty)
{
    struct entry entry;
    if (!entry_read(kept, listed, list_at, &entry))
        return false;
    size_t head = entry.deflated ? BLOCK_HEAD : 0, length = strlen(empty);
    if (entry.packed < head + length || entry.packed > head + BLOCK_BYTES_MAX)
        return false;
    size_t plain = entry.packed - head;
    uint8_t *text = entry.data + head;
    if (entry.deflated) {
        entry.data[0] = 1; /* the last block, as it is */
        put32(entry.data + 1, (uint32_t)plain | (uint32_t)(~plain & 0xffff) << 16);
    }
    memset(text, ' ', plain);
    memcpy(text, empty, length);
    return describe(kept, &entry, list_at, (uint32_t)crc32(0, text, (uInt)plain), plain);
}

static const struct {
    const char *member, *empty;
} properties[] = {
    {"docProps/core.xml",
     "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\"/>"},
    {"docProps/app.xml",
     "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties\"/>"},
    {"docProps/custom.xml",
     "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/custom-properties\"/>"},
    {"meta.xml", "<office:document-meta xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" "
                 "office:version=\"1.2\"/>"},
};

enum found blank_office(struct piece file, struct kept *kept)
{
    const char *type;
    enum found found = archive_look(file, &type);
    if (found)
        return found;
    if (!keep(kept, file.data, file.size))
        return FOUND_DAMAGED;
    size_t list_at, count = archive_list(file, &list_at);
    uint8_t *at = kept->data + list_at;
    for (size_t i = 0; i < count; i++) {
        size_t name = le16(at + 28), all = 46 + name + le16(at + 30) + le16(at + 32);
        for (size_t p = 0; p < sizeof properties / sizeof *properties; p++)
            if (name == strlen(properties[p].member) && memcmp(at + 46, properties[p].member, name) == 0 &&
                !blank_entry(kept, at, list_at, properties[p].empty))
                return FOUND_DAMAGED;
        at += all;
    }
    return FOUND_GOOD;
}
