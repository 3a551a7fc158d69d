/* hearback-mailbox: one mail from a mail server's pipe, or a mailbox by IMAP, round after round. It keeps nothing: it
   may be killed at any instant. Exit codes of a pipe are those of sysexits.h, which every mail server knows. */
#include "mailbox.h"

#include "process/process.h"

#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: hearback-mailbox take  --config FILE          one mail on standard input: exit 0 taken, 75 try again, 65 "
    "never\n"
    "       hearback-mailbox poll  --config FILE [--once] the mailbox `imap` of the configuration\n"
    "       hearback-mailbox check --config FILE          is the configuration right?\n";

static int fail(int code, const char *format, ...) PRINTF_LIKE(2, 3);
static int fail(int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("hearback-mailbox: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    return code;
}

/* ---- take ---- */

/* All of standard input, or one byte more than is taken. */
static bool read_input(struct arena *arena, struct bytes *raw_out)
{
    size_t size = 0, room = 1u << 16;
    uint8_t *data = arena_alloc(arena, room);
    ssize_t part;
    while (size <= MAIL_BYTES_MAX && (part = read(STDIN_FILENO, data + size, room - size)) != 0) {
        if (part < 0)
            return false;
        size += (size_t)part;
        if (size == room) {
            uint8_t *more = arena_alloc(arena, room *= 2);
            memcpy(more, data, size);
            data = more;
        }
    }
    *raw_out = bytes_of(data, size);
    return true;
}

static int put_aside(const struct settings *settings, struct bytes raw, const char *what)
{
    const char *why;
    if (mail_put_aside(settings, raw, &why))
        return fail(EX_OK, "%s; kept in %s", what, settings->aside);
    return fail(EX_TEMPFAIL, "%s; but it cannot be kept in %s: %s", what, settings->aside, why);
}

static int take(const struct settings *settings, struct arena *arena)
{
    struct bytes raw;
    if (!*settings->aside)
        return fail(EX_TEMPFAIL, "aside is missing in the configuration: a folder for mails that become no case");
    if (!read_input(arena, &raw))
        return fail(EX_TEMPFAIL, "the mail cannot be read from standard input");
    struct gateway *gateway = gateway_new(settings);
    struct taken taken = mail_take(settings, gateway, raw, 0, arena);
    gateway_free(gateway);
    switch (taken.verdict) {
    case VERDICT_TAKEN:
        return fail(EX_OK, "%s", taken.what);
    case VERDICT_ASIDE:
        return put_aside(settings, raw, taken.what);
    case VERDICT_AGAIN:
        return fail(EX_TEMPFAIL, "not taken now, try again: %s", taken.what);
    case VERDICT_NEVER:
        return fail(EX_DATAERR, "not taken: %s", taken.what);
    }
    return EX_TEMPFAIL;
}

/* ---- poll ---- */

static int poll_once(struct imap *imap, struct gateway *gateway, struct log *log, const struct settings *settings,
                     char known[300])
{
    const char *why = "";
    unsigned left = 0;
    bool good = imap_round(imap, gateway, &why, &left);
    if (good && *known)
        NOTE(log, NOTE_MAILBOX_HERE, LOG_TEXT("url", settings->imap.url));
    if (!good && strcmp(known, why) != 0)
        NOTE(log, NOTE_MAILBOX_AWAY, LOG_TEXT("url", settings->imap.url), LOG_TEXT("why", why));
    snprintf(known, 300, "%s", good ? "" : why);
    return good && !left ? EX_OK : EX_TEMPFAIL;
}

static int poll_rounds(const struct settings *settings, bool once)
{
    char known[300] = "";
    if (!*settings->imap.url)
        return fail(2, "imap is missing in the configuration: url, user, password_file");
    struct log *log = log_new("mailbox-0", STDERR_FILENO, NULL, NULL);
    struct gateway *gateway = gateway_new(settings);
    struct imap *imap = imap_new(settings, log);
    int code;
    signal(SIGPIPE, SIG_IGN);
    process_notify("READY=1");
    while ((code = poll_once(imap, gateway, log, settings, known)), !once)
        for (unsigned slept = 0; slept < settings->imap.every_s; slept++) {
            process_notify("WATCHDOG=1");
            sleep(1);
        }
    imap_free(imap);
    gateway_free(gateway);
    log_free(log);
    return code;
}

/* ---- what is typed ---- */

int main(int argc, char **argv)
{
    struct arena arena;
    struct settings settings;
    const char *why;
    const char *command = argc > 1 ? argv[1] : "";
    if (argc == 2 && strcmp(command, "read") == 0)
        return confine_and_read();
    bool once = argc == 5 && strcmp(argv[4], "--once") == 0 && strcmp(command, "poll") == 0;
    bool taking = strcmp(command, "take") == 0, polling = strcmp(command, "poll") == 0;
    if ((argc != 4 && !once) || strcmp(argv[2], "--config") != 0 ||
        (!taking && !polling && strcmp(command, "check") != 0)) {
        fputs(usage, stderr);
        return taking ? EX_TEMPFAIL : 2; /* a mistake of the operator costs nobody a mail */
    }
    arena_init(&arena);
    if (sodium_init() < 0)
        return fail(EX_TEMPFAIL, "libsodium cannot be used");
    process_follow_supervisor();
    if (!settings_load(argv[3], &arena, &settings, &why))
        return fail(taking ? EX_TEMPFAIL : 2, "%s", why);
    if (taking)
        return take(&settings, &arena);
    if (polling)
        return poll_rounds(&settings, once);
    printf("%s: mails become cases of kind %s at site %s\n", argv[3], settings.kind, settings.site);
    return 0;
}
