/* The console: the staff's pages, built by Vite from console/ and part of the program, so that nothing is read from
   disk and no path leads anywhere else. What it shows it asks of /api/v1 like any other client. */
#ifndef HEARBACK_GATEWAY_CONSOLE_H
#define HEARBACK_GATEWAY_CONSOLE_H

#include "http.h"

struct console_file {
    const char *name; /* "index.html", or a file of assets/ whose name bears a hash of its content */
    const char *type;
    const uint8_t *data, *data_end;
    const uint8_t *gzip, *gzip_end; /* the same, compressed; equal when that does not pay */
};

/* Made by console/pack.mjs; without npm by scripts/console, and then there are none. */
extern const struct console_file console_files[];
extern const size_t console_files_count;

void console_page(struct http_request *request);
void console_asset(struct http_request *request);

#endif
