#include "qr.h"

#include <qrencode.h>
#include <sodium.h>
#include <stdlib.h>

#define QUIET 4u /* light modules around it, as the standard asks */

/* Dark modules side by side are one stroke: half the bytes of a square for each. */
static void add_row(struct html *html, const unsigned char *row, unsigned width, unsigned y)
{
    for (unsigned x = 0; x < width;) {
        unsigned from = x;
        while (x < width && (row[x] & 1))
            x++;
        if (x > from)
            html_add(html, "M%u %uh%uv1h-%uz", from, y, x - from, x - from);
        else
            x++;
    }
}

bool qr_add(struct html *html, const char *text, const char *label)
{
    QRcode *code = strlen(text) <= QR_TEXT_BYTES_MAX ? QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M) : NULL;
    if (!code)
        return false;
    unsigned width = (unsigned)code->width, room = width + 2 * QUIET;
    html_add(
        html,
        "<svg class=\"qr\" viewBox=\"-%u -%u %u %u\" role=\"img\" "
        "aria-label=\"%s\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M-%u -%uh%uv%uh-%uz\"/><path d=\"",
        QUIET, QUIET, room, room, label, QUIET, QUIET, room, room, room);
    for (unsigned y = 0; y < width; y++)
        add_row(html, code->data + y * width, width, y);
    html_source(html, "\"/></svg>\n");
    QRcode_free(code);
    return true;
}

const char *qr_image(struct arena *arena, const char *text)
{
    static const char head[] = "data:image/svg+xml;base64,", tag[] = "<svg ";
    struct html html;
    html_init(&html, arena);
    if (!qr_add(&html, text, ""))
        return "";
    const char *whole = arena_printf(arena, "<svg xmlns=\"http://www.w3.org/2000/svg\" %.*s",
                                     (int)(html.size - (sizeof tag - 1)), html.data + sizeof tag - 1);
    size_t room = sodium_base64_ENCODED_LEN(strlen(whole), sodium_base64_VARIANT_ORIGINAL);
    char *image = arena_alloc(arena, sizeof head - 1 + room);
    memcpy(image, head, sizeof head - 1);
    sodium_bin2base64(image + sizeof head - 1, room, (const uint8_t *)whole, strlen(whole),
                      sodium_base64_VARIANT_ORIGINAL);
    return image;
}
