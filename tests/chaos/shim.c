/* Preloaded into a program: the n-th call of a kind fails, once, as if the system had refused it.

     HEARBACK_FAULT=KIND:N       write | sync | alloc | open | send; N from 1
     HEARBACK_FAULT=KIND:N/M     the n-th and each m-th after it
     HEARBACK_FAULT_WHILE=FILE   only while that file is there: the calls count all the same
     HEARBACK_FAULT_ERRNO=NAME   EIO, ENOSPC, ECONNRESET, EMFILE; the default is what the kind usually gets (ENOMEM for
   alloc) HEARBACK_FAULT_PROGRAM=NAME only in the program of this name; all others run as ever
     HEARBACK_FAULT_FIRED=FILE   made when the fault happens: a run without it has shown nothing
     HEARBACK_FAULT_ONCE=1       not where that file is there already: who is started again counts anew
     HEARBACK_FAULT_COUNTS=FILE  how many of each kind there were, written when the program ends by itself
     HEARBACK_FAULT_STACKS=FILE  by what way each was reached: of each kind its count, and a number for each call, equal
                                 where the whole stack of callers is
     HEARBACK_FAULT_ROOM=1       there is room on the disk: nothing is reserved, which clears memory
     HEARBACK_FAULT=nosync       no sync at all, and no file that writes through: what a power cut must then lose
     HEARBACK_FAULT=stop:N       before its n-th write or sync the program stops (SIGSTOP), to be killed there
   (halfway.py)

   It counts the program's own calls and those of its libraries; what the C library does inside itself it does not see.
   A program that forks may pause it, arm it anew by what the environment says then, or be asked at each call
   (branch.c).
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

void shim_arm(void);
void shim_pause(void);
void shim_tell(void);
int shim_counts(char *text, size_t size);
bool shim_fired(void);
extern int (*shim_asked)(int kind, unsigned long nth);
int (*shim_asked)(int kind, unsigned long nth); /* 0: the call is made; else it fails so */

enum kind { WRITE, SYNC, ALLOC, OPEN, SEND, KINDS };
static const char *const names[KINDS] = {"write", "sync", "alloc", "open", "send"};
static const int usual[KINDS] = {EIO, EIO, ENOMEM, EMFILE, ECONNRESET};

static _Atomic unsigned long counts[KINDS];
static unsigned long fails_at, fails_each; /* 0: once */
static int fails_kind = KINDS, fails_with;
static bool nosync, armed;
static _Atomic unsigned long changes;
static unsigned long stops_at; /* 0: never */
static struct {
    uint64_t *numbers;
    size_t room;
} stacks[KINDS];
#define FRAMES_MAX 64

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static int errno_of(const char *name, int otherwise)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"ECONNRESET", ECONNRESET}, {"EMFILE", EMFILE}, {"EPIPE", EPIPE}};
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].number;
    return otherwise;
}

__attribute__((constructor)) void shim_arm(void)
{
    const char *fault = getenv("HEARBACK_FAULT"), *program = getenv("HEARBACK_FAULT_PROGRAM");
    if (program && strcmp(program_invocation_short_name, program) != 0)
        return;
    const char *file = getenv("HEARBACK_FAULT_STACKS");
    void *frames[1];
    if (file)
        (void)!backtrace(frames, 1); /* so that what it loads is loaded, and does not count */
    armed = true;
    nosync = fault && strcmp(fault, "nosync") == 0;
    stops_at = fault && strncmp(fault, "stop:", 5) == 0 ? strtoul(fault + 5, NULL, 10) : 0;
    for (int kind = 0; fault && kind < KINDS; kind++) {
        size_t size = strlen(names[kind]);
        if (strncmp(fault, names[kind], size) == 0 && fault[size] == ':') {
            fails_kind = kind;
            char *after;
            fails_at = strtoul(fault + size + 1, &after, 10);
            fails_each = *after == '/' ? strtoul(after + 1, NULL, 10) : 0;
            fails_with = errno_of(getenv("HEARBACK_FAULT_ERRNO"), usual[kind]);
        }
    }
    for (int kind = 0; file && kind < KINDS; kind++) {
        stacks[kind].room = (size_t)1 << 22;
        stacks[kind].numbers = mmap(NULL, stacks[kind].room * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
}

void shim_pause(void)
{
    armed = false;
}

int shim_counts(char *text, size_t size)
{
    return snprintf(text, size, "%lu %lu %lu %lu %lu", counts[0], counts[1], counts[2], counts[3], counts[4]);
}

static uint64_t stack_number(void)
{
    void *frames[FRAMES_MAX];
    uint64_t number = 14695981039346656037u;
    int count = backtrace(frames, FRAMES_MAX);
    for (int i = 0; i < count; i++)
        number = (number ^ (uint64_t)(uintptr_t)frames[i]) * 1099511628211u;
    return number;
}

__attribute__((destructor)) void shim_tell(void)
{
    const char *file = getenv("HEARBACK_FAULT_COUNTS");
    char text[200];
    int size = shim_counts(text, sizeof text);
    int fd = armed && file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (fd >= 0) {
        syscall(SYS_write, fd, text, size);
        syscall(SYS_close, fd);
    }
    file = getenv("HEARBACK_FAULT_STACKS");
    fd = armed && file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    for (int kind = 0; fd >= 0 && kind < KINDS; kind++) {
        uint64_t count = counts[kind] < stacks[kind].room ? counts[kind] : stacks[kind].room;
        syscall(SYS_write, fd, &count, sizeof count);
        syscall(SYS_write, fd, stacks[kind].numbers, count * sizeof(uint64_t));
    }
    if (fd >= 0)
        syscall(SYS_close, fd);
}

/* Told to have happened. False: it had before, and is to happen once. */
bool shim_fired(void)
{
    const char *file = getenv("HEARBACK_FAULT_FIRED");
    int once = getenv("HEARBACK_FAULT_ONCE") ? O_EXCL : 0;
    long fd = file ? syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | once, 0600) : 0;
    if (file && fd < 0 && once)
        return false;
    if (file)
        syscall(SYS_close, fd);
    return true;
}

static bool fails(enum kind kind)
{
    unsigned long nth = armed ? atomic_fetch_add(&counts[kind], 1) + 1 : 0;
    if (nth && nth <= stacks[kind].room)
        stacks[kind].numbers[nth - 1] = stack_number();
    bool changes_disk = nth && (kind == WRITE || kind == SYNC);
    if (changes_disk && atomic_fetch_add(&changes, 1) + 1 == stops_at && shim_fired())
        raise(SIGSTOP);
    int asked = nth && shim_asked ? shim_asked((int)kind, nth) : 0;
    if (asked)
        errno = asked; /* whoever was asked has told it */
    if (asked)
        return true;
    bool meant = (int)kind == fails_kind && nth >= fails_at &&
                 (fails_each ? (nth - fails_at) % fails_each == 0 : nth == fails_at);
    const char *file = meant ? getenv("HEARBACK_FAULT_WHILE") : NULL;
    if (!meant || (file && access(file, F_OK)) || !shim_fired())
        return false;
    errno = fails_with;
    return true;
}

/* ---- memory ---- */

void *malloc(size_t size)
{
    return fails(ALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(ALLOC) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails(ALLOC) ? NULL : __libc_realloc(old, size);
}

/* ---- files ---- */

ssize_t write(int fd, const void *data, size_t size)
{
    return fd > 2 && fails(WRITE) ? -1 : syscall(SYS_write, fd, data, size); /* not what is said to the terminal */
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return fails(WRITE) ? -1 : syscall(SYS_pwrite64, fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) __attribute__((alias("pwrite")));

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    return fails(WRITE) ? -1 : syscall(SYS_pwritev, fd, parts, count, at, 0);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) __attribute__((alias("pwritev")));

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return fails(WRITE) ? -1 : syscall(SYS_writev, fd, parts, count);
}

int fdatasync(int fd)
{
    return fails(SYNC) ? -1 : nosync ? 0 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fails(SYNC) ? -1 : nosync ? 0 : (int)syscall(SYS_fsync, fd);
}

int msync(void *address, size_t size, int flags)
{
    return fails(SYNC) ? -1 : nosync ? 0 : (int)syscall(SYS_msync, address, size, flags);
}

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
    if (fails(OPEN))
        return -1;
    return (int)syscall(SYS_openat, folder, path, nosync ? flags & ~(O_DSYNC | O_SYNC) : flags, mode);
}

#define MODE_OF(flags, mode)                                                                                           \
    do {                                                                                                               \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        (mode) = (flags) & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;                                           \
        va_end(list);                                                                                                  \
    } while (0)

int open(const char *path, int flags, ...)
{
    mode_t mode;
    MODE_OF(flags, mode);
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int openat(int folder, const char *path, int flags, ...)
{
    mode_t mode;
    MODE_OF(flags, mode);
    return open_at(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) __attribute__((alias("openat")));

FILE *fopen(const char *path, const char *mode)
{
    static FILE *(*real)(const char *, const char *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "fopen");
    return fails(OPEN) ? NULL : real(path, mode);
}

FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

/* What a disk may refuse beside writing. */
int rename(const char *from, const char *to)
{
    return fails(WRITE) ? -1 : (int)syscall(SYS_rename, from, to);
}

int ftruncate(int fd, off_t size)
{
    return fails(WRITE) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

int fallocate64(int fd, int mode, off_t at, off_t size)
{
    static int room = -1;
    if (room < 0)
        room = getenv("HEARBACK_FAULT_ROOM") != NULL;
    return room ? 0 : (int)syscall(SYS_fallocate, fd, mode, at, size);
}

int fallocate(int fd, int mode, off_t at, off_t size) __attribute__((alias("fallocate64")));

int mkdir(const char *path, mode_t mode)
{
    return fails(WRITE) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int unlink(const char *path)
{
    return fails(WRITE) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

/* ---- connections ---- */

/* A connection that cannot be sent on is broken for both sides. */
static bool breaks(int fd)
{
    if (!fails(SEND))
        return false;
    syscall(SYS_shutdown, fd, SHUT_RDWR);
    errno = fails_with;
    return true;
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    return breaks(fd) ? -1 : syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
    return breaks(fd) ? -1 : syscall(SYS_sendto, fd, data, size, flags, to, to_size);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return breaks(fd) ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}
