/* QR codes (ISO/IEC 18004) as SVG within a page. */
#ifndef HEARBACK_GATEWAY_QR_H
#define HEARBACK_GATEWAY_QR_H

#include "html.h"

#define QR_TEXT_BYTES_MAX 600u /* with error correction M still well read at 3 cm */

/* `label` is what the picture is called for those who do not see it. False: the text is too long; nothing is added. */
bool qr_add(struct html *html, const char *text, const char *label);
/* The same as an address for a picture, "data:image/svg+xml;base64,..."; "": the text is too long. */
const char *qr_image(struct arena *arena, const char *text);

#endif
