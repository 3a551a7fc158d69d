/* HEIC, MP4 and M4A: boxes within boxes, whose places are named all over the file. So nothing is moved: what tells
   where and by whom it was taken is blanked where it stands. */
#include "inspect.h"

#include <string.h>

#define ITEMS_MAX 64u
#define DEPTH_MAX 4u

struct box {
    size_t at, data, end; /* in the file; data: behind its head */
    const uint8_t *name;
};

/* False: it does not fit into [at, end). */
static bool box_at(const struct kept *file, size_t at, size_t end, struct box *out)
{
    if (end - at < 8)
        return false;
    uint64_t size = be32(file->data + at);
    size_t head = 8;
    if (size == 1) {
        if (end - at < 16)
            return false;
        size = be64(file->data + at + 8);
        head = 16;
    }
    if (size == 0)
        size = end - at;
    if (size < head || size > end - at)
        return false;
    *out = (struct box){at, at + head, at + (size_t)size, file->data + at + 4};
    return true;
}

static bool is(const struct box *box, const char *name)
{
    return memcmp(box->name, name, 4) == 0;
}

static void blank(struct kept *file, size_t at, size_t end)
{
    memset(file->data + at, 0, end - at);
}

static void make_free(struct kept *file, const struct box *box)
{
    memcpy(file->data + box->at + 4, "free", 4);
    blank(file, box->data, box->end);
}

/* ---- films and sound: whatever is said about them ---- */

static bool strip_within(struct kept *file, size_t at, size_t end, unsigned depth)
{
    struct box box;
    for (; at < end; at = box.end) {
        if (!box_at(file, at, end, &box))
            return false;
        if (is(&box, "udta") || is(&box, "meta") || is(&box, "uuid"))
            make_free(file, &box);
        else if (depth < DEPTH_MAX && (is(&box, "moov") || is(&box, "trak") || is(&box, "moof") || is(&box, "traf")) &&
                 !strip_within(file, box.data, box.end, depth + 1))
            return false;
    }
    return true;
}

/* ---- pictures: the items that are no part of the picture ---- */

struct items {
    uint32_t ids[ITEMS_MAX];
    size_t count;
    size_t idat, idat_end;
    uint64_t blanked; /* bytes: places that overlap without end are no picture */
};

static bool find_items(const struct kept *file, const struct box *info, struct items *items)
{
    size_t at = info->data;
    if (info->end - at < 6)
        return false;
    at += file->data[at] == 0 ? 6 : 8; /* version, flags, count */
    struct box entry;
    for (; at < info->end; at = entry.end) {
        if (!box_at(file, at, info->end, &entry))
            return false;
        if (!is(&entry, "infe") || entry.end - entry.data < 12 || file->data[entry.data] < 2)
            continue;
        bool wide = file->data[entry.data] >= 3;
        size_t type = entry.data + (wide ? 10 : 8);
        if (entry.end - type < 4 ||
            (memcmp(file->data + type, "Exif", 4) != 0 && memcmp(file->data + type, "mime", 4) != 0 &&
             memcmp(file->data + type, "uri ", 4) != 0))
            continue;
        if (items->count == ITEMS_MAX)
            return false;
        items->ids[items->count++] = wide ? be32(file->data + entry.data + 4) : be16(file->data + entry.data + 4);
    }
    return true;
}

static bool is_among(const struct items *items, uint32_t id)
{
    for (size_t i = 0; i < items->count; i++)
        if (items->ids[i] == id)
            return true;
    return false;
}

/* A number of `size` bytes (0, 4 or 8; ids and counts 2 or 4), if it is there. */
static bool number_at(const struct kept *file, size_t *at, size_t end, unsigned size, uint64_t *out)
{
    if (end - *at < size)
        return false;
    *out = size == 8   ? be64(file->data + *at)
           : size == 4 ? be32(file->data + *at)
           : size == 2 ? be16(file->data + *at)
                       : 0;
    *at += size;
    return size == 0 || size == 2 || size == 4 || size == 8;
}

static bool blank_extent(struct kept *file, struct items *items, uint64_t method, uint64_t from, uint64_t size)
{
    size_t begin = method == 1 ? items->idat : 0, end = method == 1 ? items->idat_end : file->size;
    if (method > 1 || from > end - begin)
        return false;
    if (size == 0 || size > end - begin - from)
        size = end - begin - from;
    items->blanked += size;
    if (items->blanked > 4 * (uint64_t)file->size)
        return false;
    blank(file, begin + (size_t)from, begin + (size_t)(from + size));
    return true;
}

static bool blank_item(struct kept *file, struct items *items, size_t *at, size_t end, const uint8_t sizes[4],
                       unsigned version, bool blanks)
{
    uint64_t method = 0, base = 0, count = 0, unused, from, size;
    bool good = version == 0 || number_at(file, at, end, 2, &method);
    method &= 15;
    good = good && number_at(file, at, end, 2, &unused) && number_at(file, at, end, sizes[2], &base) &&
           number_at(file, at, end, 2, &count);
    if (count > 1 && !sizes[0] && !sizes[1])
        return false; /* as often as it says the same place */
    for (; good && count; count--) {
        good = (version == 0 || number_at(file, at, end, sizes[3], &unused)) &&
               number_at(file, at, end, sizes[0], &from) && number_at(file, at, end, sizes[1], &size) &&
               base <= SIZE_MAX / 4 && from <= SIZE_MAX / 4;
        if (good && blanks)
            good = blank_extent(file, items, method, base + from, size);
    }
    return good;
}

static bool blank_items(struct kept *file, const struct box *places, struct items *items)
{
    size_t at = places->data;
    if (places->end - at < 8)
        return false;
    unsigned version = file->data[at];
    const uint8_t *packed = file->data + at + 4;
    uint8_t sizes[4] = {packed[0] >> 4, packed[0] & 15, packed[1] >> 4, version ? packed[1] & 15 : 0};
    uint64_t count, id;
    at += 6;
    bool good = version <= 2 && number_at(file, &at, places->end, version == 2 ? 4 : 2, &count);
    for (; good && count; count--)
        good = number_at(file, &at, places->end, version == 2 ? 4 : 2, &id) &&
               blank_item(file, items, &at, places->end, sizes, version, is_among(items, (uint32_t)id));
    return good;
}

static bool strip_meta(struct kept *file, const struct box *meta)
{
    struct items items = {0};
    struct box box, places = {0};
    if (meta->end - meta->data < 4)
        return false;
    for (size_t at = meta->data + 4; at < meta->end; at = box.end) {
        if (!box_at(file, at, meta->end, &box) || (is(&box, "iinf") && !find_items(file, &box, &items)))
            return false;
        if (is(&box, "iloc"))
            places = box;
        if (is(&box, "idat")) {
            items.idat = box.data;
            items.idat_end = box.end;
        }
    }
    return !items.count || (places.end && blank_items(file, &places, &items));
}

enum found strip_boxes(struct piece file, struct kept *kept, bool picture)
{
    struct box box;
    bool content = false;
    if (!keep(kept, file.data, file.size) || file.size < 16 || memcmp(file.data + 4, "ftyp", 4) != 0)
        return FOUND_DAMAGED;
    for (size_t at = 0; at < kept->size; at = box.end) {
        if (!box_at(kept, at, kept->size, &box))
            return FOUND_DAMAGED; /* something else behind it */
        content = content || is(&box, picture ? "meta" : "moov");
        if (picture && is(&box, "meta") && !strip_meta(kept, &box))
            return FOUND_DAMAGED;
        if (picture && is(&box, "uuid"))
            make_free(kept, &box);
    }
    if (!picture && !strip_within(kept, 0, kept->size, 0))
        return FOUND_DAMAGED;
    return content ? FOUND_GOOD : FOUND_DAMAGED;
}
