/* A process of its own for each mail (confine.c): this program again, with no environment and nothing open but the mail
   and a place for what it says. It may end however it likes; what it wrote is believed as little as the mail itself. */
#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int memory_file(const char *name, struct bytes content)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < content.size;) {
        ssize_t part = write(fd, content.data + done, content.size - done);
        if (part <= 0) {
            close(fd);
            return -1;
        }
        done += (size_t)part;
    }
    return fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? fd : -1;
}

static int start(int in, int out, pid_t *pid_out)
{
    char *const arguments[] = {(char *)(uintptr_t) "hearback-mailbox", (char *)(uintptr_t) "read", NULL},
                *none[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t nothing;
    sigemptyset(&nothing);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &nothing);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawn(pid_out, "/proc/self/exe", &actions, &attributes, arguments, none);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

static enum apart judge(int status, struct arena *arena, const char **why_out)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return APART_READ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == CONFINED_NO_MAIL) {
        *why_out = "it is no mail: a mail begins with headers, like \"From: name@example.org\"";
        return APART_UNREADABLE;
    }
    if (WIFEXITED(status)) {
        *why_out = "it cannot be read apart: this kernel has no seccomp filters, or memory is short";
        return APART_FAILED;
    }
    if (WTERMSIG(status) == SIGALRM) { /* by the clock of the wall: the machine was busy, or slept */
        *why_out = "it was not read in time: the machine is busy";
        return APART_FAILED;
    }
    *why_out =
        arena_printf(arena, "reading it took more memory or time than a mail may take, or ended the reader (signal %d)",
                     WTERMSIG(status));
    return APART_UNREADABLE;
}

static bool read_back(int fd, struct arena *arena, struct bytes *bytes_out)
{
    struct stat about;
    if (fstat(fd, &about) || lseek(fd, 0, SEEK_SET) != 0)
        return false;
    size_t size = 0, whole = (size_t)about.st_size;
    uint8_t *data = arena_alloc(arena, whole + 1);
    ssize_t part;
    while (size < whole && (part = read(fd, data + size, whole - size)) > 0)
        size += (size_t)part;
    *bytes_out = bytes_of(data, size);
    return size == whole;
}

enum apart mail_read_apart(struct bytes raw, struct arena *arena, struct mail *mail_out, const char **why_out)
{
    struct bytes said = {NULL, 0};
    int in = memory_file("mail", raw), out = memory_file("words", said), status = 0;
    enum apart result = APART_FAILED;
    pid_t pid = -1, ended;
    *why_out = "no memory or process for reading it";
    int failed = in < 0 || out < 0 ? errno : start(in, out, &pid);
    if (!failed) {
        do
            ended = waitpid(pid, &status, 0);
        while (ended < 0 && errno == EINTR);
        result = ended == pid ? judge(status, arena, why_out) : APART_FAILED;
    }
    if (result == APART_READ && (!read_back(out, arena, &said) || !wire_unpack(said, arena, mail_out))) {
        *why_out = "what its reader said of it makes no sense: the mail has attacked it";
        result = APART_UNREADABLE;
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return result;
}
