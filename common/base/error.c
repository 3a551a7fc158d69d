#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bug_handler *handler_fn;
static void *handler_context;

const char *err_text(enum err err)
{
    switch (err) {
    case ERR_NONE:
        return "no error";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_EXISTS:
        return "exists already";
    case ERR_MALFORMED:
        return "malformed";
    case ERR_TOO_LARGE:
        return "too large";
    case ERR_NO_MEMORY:
        return "out of memory";
    case ERR_FULL:
        return "no room";
    case ERR_IO:
        return "input/output error";
    case ERR_CORRUPT:
        return "corrupt";
    case ERR_DENIED:
        return "denied";
    case ERR_TIMEOUT:
        return "timed out";
    case ERR_AGAIN:
        return "try again later";
    }
    return "unknown error";
}

void bug_handler_set(bug_handler *handler, void *context)
{
    handler_fn = handler;
    handler_context = context;
}

/* A log line like all others, in one write: nothing here may need memory. The condition is C and may hold quotes. */
static void write_bug(const char *file, int line, const char *what)
{
    char text[1024];
    size_t size =
        (size_t)snprintf(text, 600,
                         "{\"level\":\"error\",\"event\":\"bug\",\"what\":\"an assertion failed: the process ends "
                         "before it commits\",\"at\":\"%.300s:%d\",\"condition\":\"",
                         file, line);
    for (; *what && size < sizeof text - 100; what++) {
        if (*what == '"' || *what == '\\')
            text[size++] = '\\';
        text[size++] = *what;
    }
    size += (size_t)snprintf(text + size, sizeof text - size,
                             "\",\"advice\":\"it starts again by itself; report this line\"}\n");
    (void)!write(STDERR_FILENO, text, size);
}

void bug_report(const char *file, int line, const char *what)
{
    write_bug(file, line, what);
    if (handler_fn)
        handler_fn(handler_context);
    abort();
}
