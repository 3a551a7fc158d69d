/* hearback-inspect TYPE EXTENSION <file: what the file is, and what of it is kept. The answer is a line, and what is
   kept: ok TYPE SIZE no REASON TYPE Anything else, or no answer, means that nobody knows. */
#include "inspect.h"

#include <magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool read_all(struct kept *in)
{
    for (;;) {
        ssize_t size = read(0, in->data + in->size, in->room - in->size);
        if (size <= 0 || in->size == in->room)
            return size == 0;
        in->size += (size_t)size;
    }
}

static bool write_all(const void *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t part = write(1, (const char *)data + at, size - at);
        if (part <= 0)
            return false;
        at += (size_t)part;
    }
    return true;
}

static bool answer(enum found found, const char *type, const struct kept *kept)
{
    static const char *const reasons[] = {"", "type", "damaged", "mixed", "huge", "active"};
    char line[300];
    int size = found ? snprintf(line, sizeof line, "no %s %.200s\n", reasons[found], type)
                     : snprintf(line, sizeof line, "ok %.200s %zu\n", type, kept->size);
    return write_all(line, (size_t)size) && (found || write_all(kept->data, kept->size));
}

int main(int argc, char **argv)
{
    struct kept in = {.room = INSPECT_BYTES_MAX + 1}, kept = {0};
    const char *type;
    if (argc != 3) {
        fprintf(stderr, "usage: hearback-inspect TYPE EXTENSION <file (the gateway starts it)\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    magic_t magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF);
    if (!magic || magic_load(magic, NULL)) {
        fprintf(stderr, "hearback-inspect: libmagic has no data: %s\n", magic ? magic_error(magic) : "no memory");
        return 3;
    }
    in.data = malloc(in.room);
    if (!in.data || !sandbox_enter())
        return 3;
    if (!read_all(&in))
        return 4;
    kept.room = in.size + KEPT_EXTRA;
    kept.data = malloc(kept.room);
    if (!kept.data)
        return 4;
    enum found found =
        inspect((struct magic_set *)magic, (struct piece){in.data, in.size}, argv[1], argv[2], &kept, &type);
    _exit(answer(found, type, &kept) ? 0 : 5); /* nothing is left to be done, and nothing else is allowed */
}
