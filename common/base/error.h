/* Faults: the world failing (disk, peer, memory). A refusal is not a fault but data
   (Hb__Refusal); a bug is neither: it aborts through bug_unless(). */
#ifndef HEARBACK_BASE_ERROR_H
#define HEARBACK_BASE_ERROR_H

enum err {
    ERR_NONE = 0,
    ERR_NOT_FOUND, /* the key, file or peer does not exist */
    ERR_EXISTS,    /* it exists already */
    ERR_MALFORMED, /* bytes from outside that do not mean anything; a detail text says where */
    ERR_TOO_LARGE, /* over a named limit */
    ERR_NO_MEMORY, /* an allocation or an arena's cap */
    ERR_FULL,      /* no room on disk or in the map: heals by itself when there is room */
    ERR_IO,        /* the operating system refused a read, write, sync or socket call */
    ERR_CORRUPT,   /* our own bytes are damaged: hash chain broken, record undecodable */
    ERR_DENIED,    /* a key or a right is missing */
    ERR_TIMEOUT,   /* nothing came in time */
    ERR_AGAIN,     /* not now; try again later */
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_at, first_at) __attribute__((format(printf, text_at, first_at)))

/* A short English text for an error code, never NULL. */
const char *err_text(enum err err);

/* An assertion that stays on in release. When it fails the bug handler is called (the runtime
   writes the name of the current input into its poison file), then the process aborts. */
#define bug_unless(condition)                                                                                          \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0))                                                                         \
            bug_report(__FILE__, __LINE__, #condition);                                                                \
    } while (0)
_Noreturn void bug_report(const char *file, int line, const char *what);

/* Called once before the process ends by bug_unless, by a library's assertion or by a fault (SIGABRT, SIGSEGV, SIGBUS,
   SIGFPE, SIGILL) in the thread that set it; async-signal-safe work only. One per process, set at start. */
typedef void bug_handler(void *context);
void bug_handler_set(bug_handler *handler, void *context);

#endif
