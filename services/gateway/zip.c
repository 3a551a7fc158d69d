#include "zip.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define OUT_BYTES (16u << 10)
#define VERSION 20u   /* deflate */
#define FLAGS 0x0808u /* sizes follow the data; names are UTF-8 */
#define METHOD_DEFLATE 8u
#define DATE_1980 0x0021u /* the earliest there is: a download says nothing of our clock */

struct entry {
    char name[ZIP_NAME_BYTES_MAX + 1];
    uint32_t crc, packed, size, at;
};

struct zip {
    zip_write_fn *write;
    void *context;
    z_stream stream;
    uint32_t written;
    struct entry entries[ZIP_ENTRIES_MAX];
    unsigned count;
    uint8_t out[OUT_BYTES];
};

static void give(struct zip *zip, const void *data, size_t size)
{
    zip->write(zip->context, bytes_of(data, size));
    zip->written += (uint32_t)size;
}

/* Little-endian, as many bytes as each number has. */
static void give_numbers(struct zip *zip, const uint32_t *numbers, const char *widths)
{
    uint8_t out[64];
    size_t size = 0;
    for (; *widths; widths++, numbers++)
        for (int i = 0; i < *widths - '0'; i++)
            out[size++] = (uint8_t)(*numbers >> 8 * i);
    give(zip, out, size);
}

static void *take_memory(void *context, unsigned items, unsigned size)
{
    return arena_zero(context, (size_t)items * size);
}

static void keep_memory(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

struct zip *zip_new(struct arena *arena, zip_write_fn *write, void *context)
{
    struct zip *zip = arena_zero(arena, sizeof *zip);
    zip->write = write;
    zip->context = context;
    zip->stream.zalloc = take_memory;
    zip->stream.zfree = keep_memory;
    zip->stream.opaque = arena;
    bug_unless(deflateInit2(&zip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) ==
               Z_OK);
    return zip;
}

void zip_begin(struct zip *zip, const char *name)
{
    bug_unless(zip->count < ZIP_ENTRIES_MAX && strlen(name) <= ZIP_NAME_BYTES_MAX);
    struct entry *entry = &zip->entries[zip->count++];
    snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->at = zip->written;
    entry->crc = (uint32_t)crc32(0, NULL, 0);
    deflateReset(&zip->stream);
    const uint32_t head[] = {0x04034b50, VERSION, FLAGS, METHOD_DEFLATE,         0, DATE_1980,
                             0,          0,       0,     (uint32_t)strlen(name), 0};
    give_numbers(zip, head, "42222244422");
    give(zip, name, strlen(name));
}

static void deflate_all(struct zip *zip, const char *text, size_t size, int flush)
{
    struct entry *entry = &zip->entries[zip->count - 1];
    zip->stream.next_in = (z_const Bytef *)text;
    zip->stream.avail_in = (uInt)size;
    do {
        zip->stream.next_out = zip->out;
        zip->stream.avail_out = OUT_BYTES;
        deflate(&zip->stream, flush);
        size_t made = OUT_BYTES - zip->stream.avail_out;
        entry->packed += (uint32_t)made;
        if (made)
            give(zip, zip->out, made);
    } while (zip->stream.avail_out == 0);
}

void zip_put(struct zip *zip, const char *text)
{
    struct entry *entry = &zip->entries[zip->count - 1];
    size_t size = strlen(text);
    entry->crc = (uint32_t)crc32(entry->crc, (const Bytef *)text, (uInt)size);
    entry->size += (uint32_t)size;
    deflate_all(zip, text, size, Z_NO_FLUSH);
}

void zip_flush(struct zip *zip)
{
    deflate_all(zip, "", 0, Z_SYNC_FLUSH);
}

void zip_end(struct zip *zip)
{
    const struct entry *entry = &zip->entries[zip->count - 1];
    deflate_all(zip, "", 0, Z_FINISH);
    const uint32_t after[] = {0x08074b50, entry->crc, entry->packed, entry->size};
    give_numbers(zip, after, "4444");
}

void zip_finish(struct zip *zip)
{
    uint32_t at = zip->written;
    for (unsigned i = 0; i < zip->count; i++) {
        const struct entry *entry = &zip->entries[i];
        const uint32_t line[] = {0x02014b50,
                                 VERSION,
                                 VERSION,
                                 FLAGS,
                                 METHOD_DEFLATE,
                                 0,
                                 DATE_1980,
                                 entry->crc,
                                 entry->packed,
                                 entry->size,
                                 (uint32_t)strlen(entry->name),
                                 0,
                                 0,
                                 0,
                                 0,
                                 0,
                                 entry->at};
        give_numbers(zip, line, "42222224442222244");
        give(zip, entry->name, strlen(entry->name));
    }
    const uint32_t end[] = {0x06054b50, 0, 0, zip->count, zip->count, zip->written - at, at, 0};
    give_numbers(zip, end, "42222442");
}
