/* A JPEG is a row of segments; what is kept is named, all else is left out: where and when and with what it was taken,
   whom it shows, smaller copies of it. Which way up it is stays. */
#include "inspect.h"

#include <string.h>

#define MARK 0xffu
#define SOI 0xd8u
#define EOI 0xd9u
#define SOS 0xdau
#define APP0 0xe0u
#define APP1 0xe1u
#define APP2 0xe2u
#define APP14 0xeeu

static bool is_frame(uint8_t mark)
{
    return mark >= 0xc0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8 && mark != 0xcc;
}

static bool begins(const uint8_t *data, size_t size, const char *with, size_t with_size)
{
    return size >= with_size && memcmp(data, with, with_size) == 0;
}

static bool is_kept(uint8_t mark, const uint8_t *data, size_t size)
{
    if (is_frame(mark) || mark == 0xc4 || mark == 0xcc || mark == 0xdb || mark == 0xdd || mark == 0xdc)
        return true;
    return (mark == APP0 && begins(data, size, "JFIF", 5)) || (mark == APP14 && begins(data, size, "Adobe", 5)) ||
           (mark == APP2 && begins(data, size, "ICC_PROFILE", 12));
}

/* 2 to 8; 1 where it says nothing, or nothing that makes sense. */
static unsigned orientation_of(const uint8_t *data, size_t size)
{
    if (!begins(data, size, "Exif\0", 6) || size < 6 + 8)
        return 1;
    const uint8_t *tiff = data + 6;
    size -= 6;
    bool little = memcmp(tiff, "II*\0", 4) == 0;
    if (!little && memcmp(tiff, "MM\0*", 4) != 0)
        return 1;
    uint32_t at = little ? le32(tiff + 4) : be32(tiff + 4);
    if (at > size - 2)
        return 1;
    uint32_t count = little ? le16(tiff + at) : be16(tiff + at);
    for (at += 2; count && size - at >= 12; count--, at += 12) {
        const uint8_t *entry = tiff + at;
        uint32_t tag = little ? le16(entry) : be16(entry), type = little ? le16(entry + 2) : be16(entry + 2);
        uint32_t value = little ? le16(entry + 8) : be16(entry + 8);
        if (tag == 0x0112 && type == 3)
            return value >= 2 && value <= 8 ? value : 1;
    }
    return 1;
}

static bool keep_orientation(struct kept *kept, unsigned orientation)
{
    uint8_t segment[] = {MARK, APP1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, /* */
                         'M',  'M',  0, 42, 0,   0,   0,   8,         /* the first directory is at 8 */
                         0,    1,                                     /* it has one entry: */
                         1,    0x12, 0, 3,  0,   0,   0,   1,   0, (uint8_t)orientation,
                         0,    0, /* the orientation */
                         0,    0,    0, 0};
    return keep(kept, segment, sizeof segment);
}

/* What follows a start of scan, up to the next mark. */
static size_t scan_end(struct piece file, size_t at)
{
    while (at < file.size) {
        const uint8_t *mark = memchr(file.data + at, MARK, file.size - at);
        if (!mark || mark + 1 == file.data + file.size)
            return file.size;
        at = (size_t)(mark - file.data);
        if (mark[1] != 0 && mark[1] != MARK && !(mark[1] >= 0xd0 && mark[1] <= 0xd7))
            return at;
        at += mark[1] == MARK ? 1 : 2;
    }
    return file.size;
}

enum found strip_jpeg(struct piece file, struct kept *kept)
{
    static const uint8_t end[] = {MARK, EOI};
    bool framed = false, scanned = false, turned = false;
    if (file.size < 4 || file.data[0] != MARK || file.data[1] != SOI || !keep(kept, file.data, 2))
        return FOUND_DAMAGED;
    for (size_t at = 2; at < file.size;) {
        while (at + 1 < file.size && file.data[at] == MARK && file.data[at + 1] == MARK)
            at++;
        if (file.size - at < 2 || file.data[at] != MARK)
            break;
        uint8_t mark = file.data[at + 1];
        if (mark == EOI)
            break;
        size_t size = file.size - at < 4 ? 0 : be16(file.data + at + 2);
        if (size < 2 || file.size - at - 2 < size)
            break;
        const uint8_t *data = file.data + at + 4;
        unsigned orientation = mark == APP1 && !turned ? orientation_of(data, size - 2) : 1;
        if (is_frame(mark)) {
            if (size < 8)
                return FOUND_DAMAGED;
            if (too_many_pixels(be16(data + 3), be16(data + 1)))
                return FOUND_HUGE;
            framed = true;
        }
        size_t next = at + 2 + size;
        if (mark == SOS) {
            next = scan_end(file, next);
            scanned = true;
        }
        if ((is_kept(mark, data, size - 2) || mark == SOS) && !keep(kept, file.data + at, next - at))
            return FOUND_DAMAGED;
        if (orientation > 1 && !(turned = keep_orientation(kept, orientation)))
            return FOUND_DAMAGED;
        at = next;
    }
    return framed && scanned && keep(kept, end, sizeof end) ? FOUND_GOOD : FOUND_DAMAGED;
}
