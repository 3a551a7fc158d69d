/* A ZIP file written as it goes (zlib): each entry is deflated with its sizes after it, the directory comes last.
   Nothing is kept but a line for each entry, so a file of any length takes the memory of one deflate stream. What is
   written goes to `write`. An entry may have up to 4 GiB, and so may the whole. */
#ifndef HEARBACK_GATEWAY_ZIP_H
#define HEARBACK_GATEWAY_ZIP_H

#include "base/arena.h"

struct zip;
typedef void zip_write_fn(void *context, struct bytes bytes);

/* All memory is of the arena, and taken before the first entry. */
struct zip *zip_new(struct arena *arena, zip_write_fn *write, void *context);
void zip_begin(struct zip *zip, const char *name); /* of an entry; at most ZIP_ENTRIES_MAX */
void zip_put(struct zip *zip, const char *text);
void zip_flush(struct zip *zip);  /* all that was put is given to `write` */
void zip_end(struct zip *zip);    /* of an entry */
void zip_finish(struct zip *zip); /* the directory */

#define ZIP_ENTRIES_MAX 64u
#define ZIP_NAME_BYTES_MAX 60u

#endif
