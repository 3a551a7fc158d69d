/* LD_PRELOAD: every flush takes SLOW_DISK_US microseconds longer, and so does every write through a descriptor opened
   O_DSYNC: LMDB writes its meta page through one, so a commit is two flushes. The disk of a test machine may answer a
   flush faster than any disk that keeps its word. "1000-50000": each time something in between. SLOW_DISK_OF names the
   one program whose disk it is, else it is everybody's. SLOW_DISK_HELD names a file: while it is there, no flush ends.
   FLUSH_COUNT names a file of 8 bytes that all processes count
   their flushes in. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void count_flush(void)
{
    static _Atomic unsigned long *count;
    static bool looked;
    const char *path = getenv("FLUSH_COUNT");
    if (!looked && path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        count = map == MAP_FAILED ? NULL : map;
        if (fd >= 0)
            close(fd);
    }
    looked = true;
    if (count)
        atomic_fetch_add(count, 1);
}

static void wait_for_disk(void)
{
    static long least = -1, most;
    static unsigned drawn = 1;
    const char *asked = getenv("SLOW_DISK_US"), *of = getenv("SLOW_DISK_OF");
    if (least < 0) {
        bool ours = asked && (!of || strcmp(of, program_invocation_short_name) == 0);
        char *rest = NULL;
        least = ours ? strtol(asked, &rest, 10) : 0;
        most = rest && *rest == '-' ? strtol(rest + 1, NULL, 10) : least;
    }
    drawn = drawn * 1103515245u + 12345u;
    long us = least + (most > least ? (long)((drawn >> 8) % (unsigned)(most - least + 1)) : 0);
    struct timespec pause = {us / 1000000, us % 1000000 * 1000}, look = {0, 5000000};
    const char *held = getenv("SLOW_DISK_HELD");
    count_flush();
    if (us)
        nanosleep(&pause, NULL);
    while (us && held && access(held, F_OK) == 0)
        nanosleep(&look, NULL);
}

int fsync(int fd)
{
    static int (*real)(int);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    wait_for_disk();
    return real(fd);
}

int fdatasync(int fd)
{
    static int (*real)(int);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    wait_for_disk();
    return real(fd);
}

static ssize_t write_through(const char *name, int fd, const void *data, size_t size, off_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, name);
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && flags & O_DSYNC)
        wait_for_disk();
    return real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return write_through("pwrite", fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    return write_through("pwrite64", fd, data, size, at);
}
