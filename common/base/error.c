#include "base/error.h"

#include "base/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* A log line, as write_bug's. What lies in a file of a store and cannot be used was altered on the disk: LMDB trusts
   its pages. */
static void write_fault(int number, const void *address)
{
    char path[400], text[1024];
    bool mapped = (number == SIGSEGV || number == SIGBUS) && fault_file(address, path, sizeof path);
    bool stored = mapped && strstr(path, ".mdb");
    int size =
        snprintf(text, sizeof text,
                 "{\"level\":\"error\",\"event\":\"fault\",\"what\":\"%s: the process ends before it "
                 "commits\",\"signal\":%d,\"file\":\"%s\",\"advice\":\"%s\"}\n",
                 stored ? "damaged pages" : "a fault of memory or a library's assertion", number, mapped ? path : "",
                 stored ? "restore from a backup (hearback restore)"
                        : "it starts again by itself; report this line; if it comes again: hearback verify");
    (void)!write(STDERR_FILENO, text, (size_t)size);
}

/* Of a library's own assertion, or a fault of memory. The default, which is set again by now, ends the process. */
static void on_fatal(int number, siginfo_t *info, void *context)
{
    (void)context;
    write_fault(number, info->si_addr);
    handle();
    raise(number);
}

void bug_handler_set(bug_handler *handler, void *context)
{
    static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    static char stack[64 << 10]; /* what ran out may be the stack */
    struct sigaction action = {.sa_sigaction = on_fatal,
                               .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_ONSTACK};
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
    signal(SIGABRT, SIG_DFL); /* all was said */
    abort();
}
