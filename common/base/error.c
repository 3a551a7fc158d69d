#include "base/error.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bug_handler *handler_fn;
static pthread_t handler_thread; /* another one's faults say nothing of the input at hand */
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

static void handle(void)
{
    bug_handler *handler = handler_fn;
    handler_fn = NULL;
    if (handler && pthread_equal(handler_thread, pthread_self()))
        handler(handler_context);
}

/* Of a library's own assertion, or a fault of memory. The default, which is set again by now, ends the process. */
static void on_fatal(int number)
{
    handle();
    raise(number);
}

void bug_handler_set(bug_handler *handler, void *context)
{
    static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    static char stack[64 << 10]; /* what ran out may be the stack */
    struct sigaction action = {.sa_handler = on_fatal, .sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK};
    handler_fn = handler;
    handler_context = context;
    handler_thread = pthread_self();
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigaction(fatal[i], &action, NULL);
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
    handle();
    abort();
}
