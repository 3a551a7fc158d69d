/* mailbox: mails become cases. A client of the HTTP API with a token: no keys, no store, nothing that must not be lost.
   What a mail says is read in a process of its own that can do nothing but compute (confine.c). */
#ifndef HEARBACK_MAILBOX_H
#define HEARBACK_MAILBOX_H

#include "base/arena.h"
#include "log/log.h"

#include <jansson.h>

#define MAIL_BYTES_MAX (32u << 20)
#define MAIL_PARTS_MAX 20000u           /* looked at */
#define MAIL_DEPTH_MAX 32u              /* of parts in parts */
#define MAIL_FILES_MAX 20u              /* attachments handed over by themselves; the others lie in the original */
#define MAIL_FILE_BYTES_MAX (10u << 20) /* what one attachment of a case may have */
#define MAIL_FILES_BYTES_MAX (24u << 20)
#define MAIL_ANSWERED_MAX 50u /* message ids of In-Reply-To and References */
#define MAIL_TEXT_CHARACTERS_MAX                                                                                       \
    19000u                            /* of the 20,000 a case's text may have; the rest is for what we say ourselves */
#define MAIL_TEXT_BYTES_MAX 56000u    /* and of the 60,000 bytes of a step's text */
#define MAIL_LINE_CHARACTERS_MAX 400u /* subject, names, addresses */
#define MAIL_DAYS_MAX 31              /* how long a mail may have lain: intake takes no earlier receipt */

/* ---- what a mail says: message.c, charset.c, html.c; nothing here is trusted ---- */

struct mail_file {
    const char *name, *type; /* "photo.jpg", "image/jpeg" */
    struct bytes content;
};

/* Texts are UTF-8 without NUL, never NULL. */
struct mail {
    const char *message_id;     /* without <>; "" when it has none */
    const char *name, *address; /* who wrote it; where to answer */
    const char *subject, *date, *text;
    bool cut;              /* the text was longer */
    const char *automatic; /* why it is nobody's complaint; "": it may be one */
    const char **answered; /* message ids it answers */
    size_t answered_count;
    int64_t received_ms; /* by the topmost Received; 0: it has none */
    struct mail_file *files;
    size_t files_count;
    size_t left_out; /* parts that are in the original only */
};

/* False: it is no mail, `*why_out` says why. Files are views of what lies in the arena. */
bool mail_parse(struct bytes raw, struct arena *arena, struct mail *mail_out, const char **why_out);
/* Loads what converting needs: afterwards no file is opened any more. */
void charset_load(void);
/* To UTF-8 without NUL; what means nothing becomes U+FFFD. `charset` may be NULL or any nonsense. */
char *charset_text(struct bytes bytes, const char *charset, struct arena *arena);
/* The words of a page, as UTF-8 text. */
char *html_text(const char *html, struct arena *arena);
/* The longest beginning of at most so many characters and bytes. */
size_t text_fitting(const char *text, size_t characters_max, size_t bytes_max);

/* ---- from one process to the other: wire.c ---- */

struct bytes wire_pack(const struct mail *mail, struct arena *arena);
/* False: these bytes are no mail as wire_pack writes it. */
bool wire_unpack(struct bytes bytes, struct arena *arena, struct mail *mail_out);

/* confine.c: reads the mail on standard input and writes what it says to standard output, shut in. An exit code. */
int confine_and_read(void);
#define CONFINED_NO_MAIL 65
bool confine_shut_in(void); /* from now on this process can only compute; false: the kernel cannot do that */

/* apart.c: the other side of it. */
enum apart { APART_READ, APART_UNREADABLE, APART_FAILED };
enum apart mail_read_apart(struct bytes raw, struct arena *arena, struct mail *mail_out, const char **why_out);

/* ---- settings.c ---- */

struct settings {
    const char *gateway, *token_file; /* http://127.0.0.1:8311 */
    const char *site, *kind, *category, *department;
    json_t *fields;                         /* name -> text; NULL: none */
    const char *answer_step, *answer_field; /* what an answer to a notice becomes; "": a case of its own */
    const char *aside;                      /* folder for mails that become no case; "": none */
    struct {
        const char *url, *user, *password_file; /* url "": no mailbox is polled */
        const char *folder, *taken, *aside;
        unsigned every_s;
    } imap;
};

/* False: `*why_out` is "file:line: what is wrong, and what is accepted". */
bool settings_load(const char *path, struct arena *arena, struct settings *settings_out, const char **why_out);
/* One line of a file with a secret, without its end. NULL: `*why_out` says why. */
char *settings_secret(const char *path, struct arena *arena, const char **why_out);

/* ---- gateway.c: the HTTP API ---- */

struct asked {
    long status;     /* 0: nobody answered */
    json_t *json;    /* NULL when it is none; asked_free */
    const char *why; /* for people: what the gateway says is wrong, and where */
};
struct gateway;
struct gateway *gateway_new(const struct settings *settings);
void gateway_free(struct gateway *gateway);
void gateway_post(struct gateway *gateway, const char *path, const char *type, struct bytes body, const char *key,
                  struct arena *arena, struct asked *asked_out);
void asked_free(struct asked *asked);
bool asked_code_is(const struct asked *asked, const char *code);
char *gateway_escape(const char *text, struct arena *arena); /* for a path or a query */

/* ---- take.c: what becomes of a mail ---- */

enum verdict {
    VERDICT_TAKEN, /* a case, or part of one: on disk */
    VERDICT_ASIDE, /* never a case; it is to be kept where people see it */
    VERDICT_AGAIN, /* not now */
    VERDICT_NEVER, /* it cannot be read */
};
struct taken {
    enum verdict verdict;
    const char *what; /* for people: why, or which case */
    const char *key;  /* names the mail; "" when it was not read */
};
/* `received_ms`: when the mail server took it; 0: what the mail's own topmost Received says. */
struct taken mail_take(const struct settings *settings, struct gateway *gateway, struct bytes raw, int64_t received_ms,
                       struct arena *arena);
/* Keeps a mail in the folder `aside` of the settings, on disk when it returns true. */
bool mail_put_aside(const struct settings *settings, struct bytes raw, const char **why_out);

/* ---- imap.c ---- */

/* One round: every mail of the folder. False: the server could not be asked, `*why_out` says why. */
struct imap;
struct imap *imap_new(const struct settings *settings, struct log *log);
void imap_free(struct imap *imap);
bool imap_round(struct imap *imap, struct gateway *gateway, const char **why_out, unsigned *left_out);

#endif
