/* What a mail server says of a folder: bytes of a foreign program, read without any connection. */
#ifndef HEARBACK_MAILBOX_IMAP_SAID_H
#define HEARBACK_MAILBOX_IMAP_SAID_H

#include "base/arena.h"

#define IMAP_VALIDITY_CHARACTERS 20u

struct listed {
    unsigned long uid; /* 1 to 2^32 - 1 */
    size_t size;
    int64_t received_ms; /* 0: not told */
    bool deleted, seen;
};

/* The digits of "* STATUS INBOX (UIDVALIDITY 3857529045)"; false: it tells none. */
bool imap_said_validity(const char *text, char validity_out[IMAP_VALIDITY_CHARACTERS + 1]);
/* The mails of an answer to FETCH that are not deleted, by uid, each once. `text` is cut up; NULL: none. */
void imap_said_list(char *text, struct arena *arena, struct listed **list_out, size_t *count_out);

#endif
