#include "inspect.h"

#include <magic.h>
#include <string.h>
#include <strings.h>

bool keep(struct kept *kept, const uint8_t *data, size_t size)
{
    if (size > kept->room - kept->size)
        return false;
    if (size)
        memcpy(kept->data + kept->size, data, size);
    kept->size += size;
    return true;
}

bool too_many_pixels(uint64_t width, uint64_t height)
{
    return width > INSPECT_SIDE_MAX || height > INSPECT_SIDE_MAX || width * height > INSPECT_PIXELS_MAX;
}

static enum found as_it_is(struct piece file, struct kept *kept)
{
    return keep(kept, file.data, file.size) ? FOUND_GOOD : FOUND_DAMAGED;
}

static enum found keep_pdf(struct piece file, struct kept *kept)
{
    if (file.size < 5 || memcmp(file.data, "%PDF-", 5) != 0)
        return FOUND_DAMAGED;
    return archive_ends(file) ? FOUND_MIXED : blank_pdf(file, kept);
}

static enum found keep_text(struct piece file, struct kept *kept)
{
    if (!text_is_plain(file))
        return FOUND_TYPE;
    return archive_ends(file) ? FOUND_MIXED : as_it_is(file, kept);
}

static enum found keep_sound(struct piece file, struct kept *kept)
{
    return archive_ends(file) ? FOUND_MIXED : as_it_is(file, kept);
}

static enum found keep_mp3(struct piece file, struct kept *kept)
{
    return archive_ends(file) ? FOUND_MIXED : strip_mp3(file, kept);
}

static enum found keep_wav(struct piece file, struct kept *kept)
{
    return archive_ends(file) ? FOUND_MIXED : strip_wav(file, kept);
}

static enum found keep_heic(struct piece file, struct kept *kept)
{
    return strip_boxes(file, kept, true);
}

static enum found keep_boxes(struct piece file, struct kept *kept)
{
    return strip_boxes(file, kept, false);
}

/* As libmagic calls them, and as we do. */
static const struct {
    const char *found, *type;
    enum found (*keep)(struct piece file, struct kept *kept);
} kinds[] = {
    {"image/jpeg", "image/jpeg", strip_jpeg},
    {"image/png", "image/png", strip_png},
    {"image/webp", "image/webp", strip_webp},
    {"image/gif", "image/gif", strip_gif},
    {"image/heic", "image/heic", keep_heic},
    {"image/heif", "image/heic", keep_heic},
    {"application/pdf", "application/pdf", keep_pdf},
    {"text/plain", "text/plain", keep_text},
    {"text/csv", "text/csv", keep_text},
    {"application/csv", "text/csv", keep_text},
    {"audio/mpeg", "audio/mpeg", keep_mp3},
    {"audio/x-m4a", "audio/mp4", keep_boxes},
    {"audio/mp4", "audio/mp4", keep_boxes},
    {"audio/AMR", "audio/amr", keep_sound},
    {"audio/amr", "audio/amr", keep_sound},
    {"audio/x-wav", "audio/wav", keep_wav},
    {"audio/wav", "audio/wav", keep_wav},
    {"audio/vnd.wave", "audio/wav", keep_wav},
    {"video/mp4", "video/mp4", keep_boxes},
};

static bool is_mail(struct piece file, const char *claimed, const char *extension, const char *found)
{
    bool said = strcasecmp(claimed, "message/rfc822") == 0 || strcmp(extension, "eml") == 0;
    bool may_be = strncmp(found, "text/", 5) == 0 || strncmp(found, "message/", 8) == 0 ||
                  strcmp(found, "application/octet-stream") == 0;
    return said && may_be && text_is_mail(file);
}

enum found inspect(struct magic_set *magic, struct piece file, const char *claimed, const char *extension,
                   struct kept *kept, const char **type_out)
{
    const char *found = magic_buffer((magic_t)magic, file.data, file.size);
    *type_out = found ? found : "application/octet-stream";
    if (file.size == 0)
        return FOUND_DAMAGED;
    if (is_mail(file, claimed, extension, *type_out)) {
        *type_out = "message/rfc822";
        return as_it_is(file, kept);
    }
    if (file.size > 4 && memcmp(file.data, "PK\3\4", 4) == 0) {
        enum found archive = archive_look(file, type_out);
        return archive ? archive : blank_office(file, kept);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].found, *type_out) == 0) {
            bool table = strcasecmp(claimed, "text/csv") == 0 || strcmp(extension, "csv") == 0;
            *type_out = table && strcmp(kinds[i].type, "text/plain") == 0 ? "text/csv" : kinds[i].type;
            return kinds[i].keep(file, kept);
        }
    return FOUND_TYPE;
}
