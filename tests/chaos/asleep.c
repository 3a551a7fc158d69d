/* Preloaded into a program: a machine that has slept. HEARBACK_SLEPT names a file of eight bytes: for so many
   milliseconds (int64) CLOCK_REALTIME and CLOCK_BOOTTIME are ahead, as after a suspend; CLOCK_MONOTONIC, which stands
   still meanwhile, is not. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *slept_ms;

__attribute__((constructor)) static void look(void)
{
    const char *name = getenv("HEARBACK_SLEPT");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof *slept_ms, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED)
        slept_ms = mapped;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int code = (int)syscall(SYS_clock_gettime, clock, now);
    if (!code && slept_ms && (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME)) {
        now->tv_sec += *slept_ms / 1000;
        now->tv_nsec += *slept_ms % 1000 * 1000000;
        now->tv_sec += now->tv_nsec / 1000000000;
        now->tv_nsec %= 1000000000;
    }
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    int code = clock_gettime(CLOCK_REALTIME, &exact);
    *now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
    return code;
}
