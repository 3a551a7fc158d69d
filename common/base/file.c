#include "base/file.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

/* Its size is not asked for: it may be a pipe, and a file may grow meanwhile. */
enum err file_read(const char *path, size_t bytes_max, struct arena *arena, struct bytes *content_out)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return ERR_NOT_FOUND;
    size_t size = 0, room = 4096, got;
    uint8_t *content = arena_alloc(arena, room);
    while (size <= bytes_max && (got = fread(content + size, 1, room - size, file)) > 0) {
        size += got;
        if (size < room)
            continue;
        uint8_t *more = arena_alloc(arena, room * 2);
        memcpy(more, content, size);
        content = more;
        room *= 2;
    }
    bool bad = ferror(file);
    fclose(file);
    content[size < room ? size : room - 1] = 0;
    *content_out = bytes_of(content, size);
    return bad ? ERR_IO : size > bytes_max ? ERR_TOO_LARGE : ERR_NONE;
}

enum err folder_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good ? ERR_NONE : ERR_IO;
}

enum err name_sync(const char *path)
{
    char copy[4200]; /* dirname writes into it */
    snprintf(copy, sizeof copy, "%s", path);
    return folder_sync(dirname(copy));
}
