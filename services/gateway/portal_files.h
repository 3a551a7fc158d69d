/* Files that complainants send along: after a submission, or later from the page of the case. A file that is not taken
   keeps nobody from anything: the next page says which, why, and where to add it again. */
#ifndef HEARBACK_GATEWAY_PORTAL_FILES_H
#define HEARBACK_GATEWAY_PORTAL_FILES_H

#include "multipart.h"
#include "portal_visit.h"

#define PORTAL_FILES_MAX 5u
#define PORTAL_FILES_BYTES_MAX (25u << 20) /* a form with all of them */
#define PORTAL_FILES_SAID_MAX 3u           /* reasons that the cookie keeps */
#define PORTAL_FILE_SAID_BYTES_MAX 200u

/* May the public add files to cases of this kind, as far as the kind tells? */
bool portal_takes_files(const Policy__Kind *kind);
size_t portal_files_count(const struct http_request *request);

/* Adds those of the request's form to the case, one after the other: those of the portal's field, or, `any`, of every
   field. `command` is what their commands' ids begin with; NULL: as the request's own. `session` then says what was not
   taken. */
typedef void portal_files_fn(struct visit *visit, void *context);
void portal_files_add(struct visit *visit, uint64_t case_id, bool any, const char *command,
                      Gatewayrec__Session *session, portal_files_fn *then, void *context);

/* page_files.c */
void page_file_input(struct page *page);
void page_files_refused(struct page *page, const Gatewayrec__Session *session, bool link);

#endif
