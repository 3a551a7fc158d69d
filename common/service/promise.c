/* What this log has promised: no later event of it will bear a recorded time before the `as_of` it gave out. Every
   event keeps that by itself while the process runs; so that the next process keeps it too, even when the clock was set
   back meanwhile, the last promise is written to a file of eight bytes before it is given. Not flushed: it outlives a
   kill, and after a loss of power it is some seconds old, which a clock that goes on covers. */
#include "service/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum err promise_open(struct instance *instance)
{
    char path[4200];
    uint8_t stored[8];
    snprintf(path, sizeof path, "%s/promised", instance->options.folder);
    instance->promise_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (instance->promise_fd < 0)
        return ERR_IO;
    if (pread(instance->promise_fd, stored, sizeof stored, 0) == sizeof stored)
        instance->promised_ms = (int64_t)bytes_get_u64(stored);
    return ERR_NONE;
}

int64_t promise_give(struct instance *instance, int64_t as_of_ms)
{
    uint8_t stored[8];
    bytes_put_u64(stored, (uint64_t)as_of_ms);
    if (as_of_ms > instance->promised_ms && pwrite(instance->promise_fd, stored, sizeof stored, 0) == sizeof stored)
        instance->promised_ms = as_of_ms;
    return as_of_ms < instance->promised_ms ? as_of_ms : instance->promised_ms;
}

void promise_forget(struct instance *instance)
{
    static const uint8_t none[8];
    instance->promised_ms = 0;
    bool written = pwrite(instance->promise_fd, none, sizeof none, 0) == sizeof none;
    (void)written; /* else the next start is suspect once more, and can be accepted again */
}

int64_t promise_kept_ms(const struct instance *instance)
{
    int64_t recorded = instance->head.recorded_ms;
    return recorded > instance->promised_ms ? recorded : instance->promised_ms;
}
