/* Writes HTML into an arena. Foreign bytes have two ways in, and both escape: html_add what it
   fills in, html_text all of it. */
#ifndef HEARBACK_GATEWAY_HTML_H
#define HEARBACK_GATEWAY_HTML_H

#include "base/arena.h"

struct html {
    struct arena *arena;
    char *data; /* NUL-terminated */
    size_t size, room;
};

void html_init(struct html *html, struct arena *arena);

/* Markup from the source, with %s (text, escaped for element content and for double-quoted attributes alike; NULL is
   empty), %d, %u, %zu and %%. Anything else is a bug. Foreign text may stand nowhere else: not in a tag's name, not in
   an attribute without quotes, not in a style or a script; in href only as html_url makes it. */
void html_add(struct html *html, const char *format, ...) PRINTF_LIKE(2, 3);

/* Markup from the source, as it is. */
void html_source(struct html *html, const char *markup);

/* Foreign text, escaped. Bytes that are not UTF-8 become U+FFFD; control characters other than tab and line end, and
   the characters that turn the direction of reading, are left out. */
void html_text(struct html *html, const char *text);

/* A value as a part of a path or of a query: all but unreserved characters (RFC 3986) percent-encoded. */
char *html_url(struct arena *arena, const char *value);

#endif
