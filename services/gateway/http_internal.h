/* What the parts of http*.c share. */
#ifndef HEARBACK_GATEWAY_HTTP_INTERNAL_H
#define HEARBACK_GATEWAY_HTTP_INTERNAL_H

#include "http.h"

#include <microhttpd.h>

void http_wake(struct gateway *gateway);
void http_too_large(struct http_request *request);

/* http_request.c: method, path, query, headers, language. What is malformed is noted and answered by the dispatch. */
void http_request_read(struct http_request *request);
const char *http_path_logged(const struct http_request *request);
/* Decodes %XX (and, in forms, '+'). NULL: malformed, not UTF-8, or with NUL. */
char *http_decode(struct arena *arena, const char *text, size_t size, bool form);

/* http_response.c */
void http_stream_over(struct http_request *request); /* the connection has gone */
void http_stream_free(struct http_request *request);

#endif
