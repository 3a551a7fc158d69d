/* Files of cases, on their way in and out: the API and the portal alike. */
#ifndef HEARBACK_GATEWAY_ATTACHMENT_H
#define HEARBACK_GATEWAY_ATTACHMENT_H

#include "cell.h"

#define ATTACHMENT_BYTES_MAX (10u << 20)
#define ATTACHMENT_NAME_BYTES_MAX 150u
#define ATTACHMENT_CHUNK_BYTES (512u << 10)
#define ATTACHMENT_ID_CHARACTERS 32u

/* attachment_name.c: what a file may be called: no path, no controls, nothing that turns the direction of writing, and
   an ending that says what it is. */
const char *attachment_name(struct arena *arena, const char *given);
const char *attachment_extension(struct arena *arena, const char *name); /* lower case, "": none */
const char *attachment_name_of_type(struct arena *arena, const char *name, const char *type);
/* Content-Disposition of RFC 6266: always an attachment. */
char *attachment_disposition(struct arena *arena, const char *name);

/* Of this media type a file may still name its author: what is packed within is not looked into (services/inspect). */
bool attachment_may_name_author(const char *type);

/* One file to be added to a case, by the request's actor. */
struct attachment {
    uint64_t case_id;
    const char *name;     /* as given; afterwards as it is called */
    const char *claimed;  /* media type as given; "" */
    struct bytes content; /* afterwards what was kept of it */
    uint32_t part;        /* counts the commands of one request */
    const char *command;  /* its command's id; NULL: by the Idempotency-Key, or random */

    char id[ATTACHMENT_ID_CHARACTERS + 1];
    const char *type;
    char sha256[65];
};
typedef void attachment_fn(struct http_request *request, void *context, const Hb__Refusal *refused,
                           struct attachment *attachment);
/* Asks whether it may be, has it looked at, puts the content into intake and tells casework. Called once, from the
 * loop. */
void attachment_add(struct http_request *request, struct attachment *attachment, attachment_fn *done, void *context);

/* Opens a file (which is recorded with the request's ?purpose=, or, where it has none, this one) and sends it.
   `tracking_code`: a complainant's proof that the case is his; "" for staff. */
void attachment_send(struct http_request *request, uint64_t case_id, const Casework__Attachment *file,
                     const char *purpose, char *tracking_code);

/* Handlers of the API: case_attach.c */
void cases_attach(struct http_request *request);
void cases_attachments(struct http_request *request);
void cases_attachment(struct http_request *request);

#endif
