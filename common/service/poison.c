/* Poison (design.md 3, A7): when an assertion fails (ours or a library's) or memory is misused in a turn, the name of
   the input at hand goes into a preallocated file. After the restart turns hold one input until that one is passed; the
   second abort on the same input quarantines it. */
#include "service/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define POISON_BYTES 256
#define POISON_OTHERS_MAX 4096u

/* File: count as one digit, a space, the name, zeros. */
static void write_poison(void *context)
{
    struct instance *instance = context;
    char page[POISON_BYTES] = {0};
    if (!*instance->input_name)
        return; /* between turns: no input's fault */
    bool again = strcmp(instance->input_name, instance->poison_name) == 0;
    unsigned count = again ? instance->poison_count + 1 : 1;
    page[0] = (char)('0' + (count > 9 ? 9 : count));
    page[1] = ' ';
    memcpy(page + 2, instance->input_name, strnlen(instance->input_name, sizeof instance->input_name - 1));
    if (pwrite(instance->poison_fd, page, sizeof page, 0) == sizeof page)
        fdatasync(instance->poison_fd);
}

enum err poison_open(struct instance *instance)
{
    char path[4200], page[POISON_BYTES] = {0};
    snprintf(path, sizeof path, "%s/poison", instance->options.folder);
    instance->poison_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (instance->poison_fd < 0)
        return ERR_IO;
    ssize_t size = pread(instance->poison_fd, page, sizeof page, 0);
    if (size == sizeof page && page[0] >= '1' && page[0] <= '9') {
        instance->poison_count = (unsigned)(page[0] - '0');
        memcpy(instance->poison_name, page + 2, sizeof instance->poison_name - 1);
    } else {
        char empty[POISON_BYTES] = {'0'};
        if (pwrite(instance->poison_fd, empty, sizeof empty, 0) != sizeof empty)
            return ERR_FULL;
    }
    if (!instance->options.no_sync) /* one instance per process, but many in the simulation */
        bug_handler_set(write_poison, instance);
    return ERR_NONE;
}

void poison_name(struct instance *instance, const char *kind, const char *name, uint64_t number)
{
    snprintf(instance->input_name, sizeof instance->input_name, "%s %s %" PRIu64, kind, name, number);
}

void poison_name_event(struct instance *instance, const char *log, uint64_t offset)
{
    snprintf(instance->input_name, sizeof instance->input_name, "event %s %" PRIu64, log, offset);
}

/* Its key may be any bytes, and long: many timers are due at one instant. */
void poison_name_timer(struct instance *instance, struct bytes key, int64_t due_ms)
{
    uint8_t hash[EVENTLOG_HASH_BYTES];
    char hex[17];
    eventlog_hash(key, hash);
    sodium_bin2hex(hex, sizeof hex, hash, 8);
    poison_name(instance, "timer", hex, (uint64_t)due_ms);
}

bool poison_quarantines(const struct instance *instance)
{
    return instance->poison_count >= 2 && strcmp(instance->input_name, instance->poison_name) == 0;
}

bool poison_names_effect(struct instance *instance, const char *id, uint32_t attempt)
{
    poison_name(instance, "effect", id, attempt);
    bool named = poison_quarantines(instance);
    instance->input_name[0] = 0;
    return named;
}

bool poison_lets_say(const struct instance *instance)
{
    return instance->poison_count == 2;
}

void poison_passed_over(struct instance *instance, const char *which)
{
    instance->counts.quarantined++;
    NOTE(instance->log, NOTE_QUARANTINED, LOG_TEXT("input", instance->input_name), LOG_TEXT("which", which));
}

void poison_passed(struct instance *instance)
{
    if (instance->poison_count == 0)
        return;
    bool named = strcmp(instance->input_name, instance->poison_name) == 0;
    if (!named && ++instance->poison_others < POISON_OTHERS_MAX)
        return; /* it may still come; but a command may never be sent again */
    char empty[POISON_BYTES] = {'0'};
    if (pwrite(instance->poison_fd, empty, sizeof empty, 0) == sizeof empty) {
        instance->poison_count = 0;
        instance->poison_name[0] = 0;
    }
}
