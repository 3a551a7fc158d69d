/* Before a list goes out as a file it is recorded who took it, and by which filter (intake Export). */
#ifndef HEARBACK_GATEWAY_EXPORT_NOTE_H
#define HEARBACK_GATEWAY_EXPORT_NOTE_H

#include "http.h"

typedef void export_noted_fn(void *context);
/* Calls `then` once it is recorded, or has answered with what intake refuses. `list`: "cases", "audit"; `site` "": of
   all that the account sees. */
void export_note(struct http_request *request, const char *list, const char *format, const char *site,
                 export_noted_fn *then, void *context);

#endif
