/* A form of a case: gathered (case_document.c), told as data (common/document), printed (document_print.c). */
#ifndef HEARBACK_GATEWAY_DOCUMENT_H
#define HEARBACK_GATEWAY_DOCUMENT_H

#include "cases.h"
#include "document/document.h"

/* What document_data tells as pages of A4, one for each copy. */
void document_print(struct http_request *request, const json_t *data, bool english);

#endif
