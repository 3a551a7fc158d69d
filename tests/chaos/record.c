/* Preloaded into a program: writes down what it writes to its files, and when it flushes them, so that torn.py can make
   of it what a disk may hold after a power cut at any instant.

     RECORD_OF=FOLDER     files under it
     RECORD_TO=FILE       a record for each call, appended
     RECORD_SEED=N        of the randomness: another for each run on the same files
     RECORD_LEDGER=FILE   its size at that instant is part of each record: what had been acknowledged by then

   A record, little-endian: u32 kind (1 a write, 2 a write through the cache, 3 a flush, 4 what torn.py does not know to
   replay), u32 size of the path, u32 size of the ledger, u32 size, u64 offset; the path below FOLDER; the bytes. It is
   made before the call: a write that is under way may have reached the disk in part; a flush that is under way has
   ended only when the next record is there. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, THROUGH, FLUSH, UNKNOWN };

struct head {
    uint32_t kind, path_size, ledger_size, size;
    uint64_t offset;
};

static int record_fd = -1;

/* Where below the folder a descriptor's file lies; false: elsewhere. */
static bool path_of(int fd, char *path, size_t room)
{
    static const char *folder;
    char link[64], full[1024];
    if (!folder)
        folder = getenv("RECORD_OF");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = folder ? readlink(link, full, sizeof full - 1) : -1;
    size_t below = folder ? strlen(folder) : 0;
    if (size < 0 || (size_t)size <= below || memcmp(full, folder, below) != 0 || full[below] != '/')
        return false;
    full[size] = 0;
    snprintf(path, room, "%s", full + below + 1);
    return true;
}

static void put(const void *data, size_t size)
{
    if (syscall(SYS_write, record_fd, data, size) != (long)size)
        _exit(99);
}

static void note(int fd, uint32_t kind, const struct iovec *parts, int count, off_t at)
{
    char path[1024];
    struct stat ledger = {0};
    const char *ledger_path = getenv("RECORD_LEDGER"), *to = getenv("RECORD_TO");
    if (!to || !path_of(fd, path, sizeof path))
        return;
    if (record_fd < 0)
        record_fd = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (ledger_path)
        stat(ledger_path, &ledger);
    struct head head = {.kind = kind,
                        .path_size = (uint32_t)strlen(path),
                        .ledger_size = (uint32_t)ledger.st_size,
                        .offset = (uint64_t)at};
    for (int i = 0; i < count; i++)
        head.size += (uint32_t)parts[i].iov_len;
    put(&head, sizeof head);
    put(path, head.path_size);
    for (int i = 0; i < count; i++)
        put(parts[i].iov_base, parts[i].iov_len);
}

static uint32_t kind_of(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && flags & O_DSYNC ? THROUGH : WRITE;
}

ssize_t getrandom(void *out, size_t size, unsigned flags)
{
    static uint64_t state;
    const char *seed = getenv("RECORD_SEED");
    if (!state)
        state = seed ? strtoull(seed, NULL, 10) + 1 : 1;
    (void)flags;
    for (size_t i = 0; i < size; i++) {
        uint64_t z = state += 0x9E3779B97F4A7C15ull;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        ((uint8_t *)out)[i] = (uint8_t)(z >> 56);
    }
    return (ssize_t)size;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    note(fd, kind_of(fd), &(struct iovec){(void *)(uintptr_t)data, size}, 1, at);
    return syscall(SYS_pwrite64, fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) __attribute__((alias("pwrite")));

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    note(fd, kind_of(fd), parts, count, at);
    return syscall(SYS_pwritev, fd, parts, count, at, 0);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) __attribute__((alias("pwritev")));

ssize_t write(int fd, const void *data, size_t size)
{
    note(fd, kind_of(fd), &(struct iovec){(void *)(uintptr_t)data, size}, 1, lseek(fd, 0, SEEK_CUR));
    return syscall(SYS_write, fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    note(fd, kind_of(fd), parts, count, lseek(fd, 0, SEEK_CUR));
    return syscall(SYS_writev, fd, parts, count);
}

int fdatasync(int fd)
{
    note(fd, FLUSH, NULL, 0, 0);
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    note(fd, FLUSH, NULL, 0, 0);
    return (int)syscall(SYS_fsync, fd);
}

int msync(void *address, size_t size, int flags)
{
    (void)address, (void)size, (void)flags;
    _exit(98); /* no service maps a file to write to it */
}

int ftruncate(int fd, off_t size)
{
    note(fd, UNKNOWN, NULL, 0, size);
    return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));
