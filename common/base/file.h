/* Reading a whole file of bounded size (layer 0). */
#ifndef HEARBACK_BASE_FILE_H
#define HEARBACK_BASE_FILE_H

#include "base/arena.h"

/* Into the arena, with a NUL behind it; takes at most four times the file's size. ERR_NOT_FOUND, ERR_IO, and
   ERR_TOO_LARGE when it has more than `bytes_max`. */
enum err file_read(const char *path, size_t bytes_max, struct arena *arena, struct bytes *content_out) MUST_CHECK;

#endif
