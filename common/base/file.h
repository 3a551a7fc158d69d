/* Whole files of bounded size, and names that outlive a power cut (layer 0). */
#ifndef HEARBACK_BASE_FILE_H
#define HEARBACK_BASE_FILE_H

#include "base/arena.h"

/* Into the arena, with a NUL behind it; takes at most four times the file's size. ERR_NOT_FOUND, ERR_IO, and
   ERR_TOO_LARGE when it has more than `bytes_max`. */
enum err file_read(const char *path, size_t bytes_max, struct arena *arena, struct bytes *content_out) MUST_CHECK;

/* What was made or renamed in a folder is there after a power cut: the folder is flushed; of a path, the one it lies
 * in. ERR_IO. */
enum err folder_sync(const char *folder) MUST_CHECK;
enum err name_sync(const char *path) MUST_CHECK;

#endif
