#include "qr.h"

#include <qrencode.h>
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
