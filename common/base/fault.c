#include "base/fault.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

/* /proc/self/maps, read a byte at a time from a small buffer: its lines may be of any length. */
struct maps {
    int fd;
    char buffer[512];
    size_t at, size;
};

static int next_byte(struct maps *maps)
{
    if (maps->at == maps->size) {
        ssize_t got = read(maps->fd, maps->buffer, sizeof maps->buffer);
        if (got <= 0)
            return -1;
        maps->size = (size_t)got;
        maps->at = 0;
    }
    return (unsigned char)maps->buffer[maps->at++];
}

static uintptr_t number(struct maps *maps)
{
    uintptr_t value = 0;
    for (int byte = next_byte(maps); byte >= 0; byte = next_byte(maps)) {
        int digit = byte >= '0' && byte <= '9' ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
        if (digit < 0)
            break; /* the dash, or the blank after the second */
        value = value << 4 | (uintptr_t)digit;
    }
    return value;
}

/* "begin-end flags offset device inode path": what begins with a slash is a path. */
static bool path_of_line(struct maps *maps, char *path_out, size_t size)
{
    size_t length = 0;
    for (int byte = next_byte(maps); byte >= 0 && byte != '\n'; byte = next_byte(maps))
        if ((byte == '/' || length) && length + 1 < size)
            path_out[length++] = (char)byte;
    path_out[length] = 0;
    return length > 0;
}

bool fault_file(const void *address, char *path_out, size_t size)
{
    struct maps maps = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    uintptr_t at = (uintptr_t)address, begin, end;
    bool found = false;
    if (maps.fd < 0)
        return false;
    while ((begin = number(&maps), end = number(&maps)) != 0) {
        bool path = path_of_line(&maps, path_out, size);
        if (at >= begin && at < end) {
            found = path;
            break;
        }
    }
    close(maps.fd);
    return found;
}
