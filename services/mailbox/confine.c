/* Reading a mail of somebody, shut in: this process was started with an empty environment and no open file but the mail
   and where its words go. Before it looks at the first byte it gives up everything but computing: it cannot open a
   file, make a connection, start a program or see another process, and has so much memory and time and no more. */
#include "mailbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_BYTES (512ull << 20)
#define SECONDS 20u
#define OUT_BYTES (MAIL_FILES_BYTES_MAX + (2ull << 20))

static bool limit(int what, unsigned long long most)
{
    struct rlimit both = {most, most};
    return setrlimit(what, &both) == 0;
}

/* What the C library and GMime need of the kernel to compute and to end. Everything else fails as if it were forbidden,
   so that a converter that would like to open a file says that it cannot. */
bool confine_shut_in(void)
{
    static const int allowed[] = {
        SCMP_SYS(read),           SCMP_SYS(write),         SCMP_SYS(mmap),         SCMP_SYS(munmap),
        SCMP_SYS(mremap),         SCMP_SYS(mprotect),      SCMP_SYS(madvise),      SCMP_SYS(brk),
        SCMP_SYS(futex),          SCMP_SYS(exit),          SCMP_SYS(exit_group),   SCMP_SYS(rt_sigreturn),
        SCMP_SYS(rt_sigprocmask), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
        SCMP_SYS(sched_yield),    SCMP_SYS(gettid),        SCMP_SYS(getpid)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool good = filter != NULL;
    for (size_t i = 0; good && i < sizeof allowed / sizeof *allowed; i++)
        good = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
    return good && seccomp_load(filter) == 0; /* sets no_new_privs */
}

static bool read_all(struct arena *arena, struct bytes *raw_out)
{
    struct stat about;
    if (fstat(STDIN_FILENO, &about) || about.st_size > (off_t)MAIL_BYTES_MAX)
        return false;
    uint8_t *data = arena_alloc(arena, (size_t)about.st_size + 1);
    size_t size = 0;
    ssize_t part;
    while ((part = read(STDIN_FILENO, data + size, (size_t)about.st_size + 1 - size)) > 0)
        size += (size_t)part;
    *raw_out = bytes_of(data, size);
    return part == 0;
}

static bool write_all(struct bytes bytes)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t part = write(STDOUT_FILENO, bytes.data + done, bytes.size - done);
        if (part < 0)
            return false;
        done += (size_t)part;
    }
    return true;
}

int confine_and_read(void)
{
    struct arena arena;
    struct bytes raw;
    struct mail mail;
    const char *why;
    arena_init(&arena);
    charset_load();
    mail_parse(bytes_of_text("From: a@example.org\n\n"), &arena, &mail, &why); /* what GMime loads, it loads now */
    if (!read_all(&arena, &raw))
        return 1;
    alarm(SECONDS * 2);
    bool shut = limit(RLIMIT_AS, MEMORY_BYTES) && limit(RLIMIT_CPU, SECONDS) && limit(RLIMIT_FSIZE, OUT_BYTES) &&
                limit(RLIMIT_NOFILE, 3) && limit(RLIMIT_CORE, 0) && prctl(PR_SET_DUMPABLE, 0) == 0 && confine_shut_in();
    if (!shut)
        return 1;
    if (!mail_parse(raw, &arena, &mail, &why))
        return CONFINED_NO_MAIL;
    return write_all(wire_pack(&mail, &arena)) ? 0 : 1;
}
