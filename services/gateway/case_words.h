/* A page of a list in words, for files that people read: kinds, stages, categories and departments by their labels in
   the request's language, handlers by their names. What nobody has a word for keeps its name, as do rows of other
   cells. */
#ifndef HEARBACK_GATEWAY_CASE_WORDS_H
#define HEARBACK_GATEWAY_CASE_WORDS_H

#include "http.h"

typedef void case_words_done_fn(struct http_request *request, void *context);
/* Changes the rows. The words are the request's, as the rows are. */
void case_words_put(struct http_request *request, const Analytics__CaseList *page, case_words_done_fn *done,
                    void *context);

#endif
