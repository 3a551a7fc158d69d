/* /api/v1/cases: handlers, one file each, and what they share. */
#ifndef HEARBACK_GATEWAY_CASES_H
#define HEARBACK_GATEWAY_CASES_H

#include "cell.h"
#include "sites.h"

#define CASES_IMPORT_ROWS_MAX 500u

/* Handlers. */
void cases_submit(struct http_request *request); /* case_submit.c */
void cases_list(struct http_request *request);   /* case_list.c; hands over to case_export.c */
void cases_count(struct http_request *request);
void reports_figures(struct http_request *request); /* case_figures.c: GET /reports/figures */
void cases_file(struct http_request *request);      /* case_file.c */
void cases_timeline(struct http_request *request);  /* case_timeline.c */
void things_history(struct http_request *request);  /* thing_history.c */
void cases_explain(struct http_request *request);   /* case_explain.c */
void cases_documents(struct http_request *request); /* case_document.c */
void cases_document(struct http_request *request);
void cases_act(struct http_request *request);    /* case_act.c */
void cases_import(struct http_request *request); /* case_import.c */
void notices_due(struct http_request *request);  /* notices.c: what a person must send at a site */
void cases_notice_sent(struct http_request *request);

/* Ids as the API writes them: decimal. */
const char *case_id_text(struct http_request *request, uint64_t case_id);

/* What an accepted Submit or Import gives back, as JSON. */
json_t *submitted_json(struct http_request *request, const char *site, const Hb__CommandReply *reply);

/* case_ref.c: {id} may be the id in decimal, the id in 16 hexadecimal digits (as logs write it), or the case number,
   then with ?site= where several sites have it. Calls `then`, or answers 404, 409 or what analytics refuses. */
typedef void case_ref_fn(struct http_request *request, uint64_t case_id);
void case_ref_find(struct http_request *request, case_ref_fn *then);

/* case_list.c: what list is wanted, and asking for a page of it. */
struct case_list {
    uint64_t cell;            /* 0: all; our own id: this one alone */
    const char *site;         /* "": all the account may see */
    const char *text, *phone; /* looked for in sealed texts; both "": not */
    Analytics__Filter filter;
    const char *cursor;
    uint64_t limit;
    bool oldest_first, by_due, urgent_first;
};
void case_list_ask(struct http_request *request, struct case_list *list, uint32_t limit, cell_query_fn *done,
                   void *context);

/* case_search.c: the same where something is looked for in sealed texts. */
void case_search_ask(struct http_request *request, struct case_list *list, uint32_t limit, cell_query_fn *done,
                     void *context);
void cases_kinds(struct http_request *request);
void cases_alike(struct http_request *request);

/* Fills the filter from the query parameters. False: answered with what is wrong. */
bool case_list_filter(struct http_request *request, struct case_list *list);
void case_list_refuse_no_site(struct http_request *request);
/* Site, which must be named, and cell; `done` with the site's zone at hand, for its times. Otherwise answered. */
void case_list_of_site(struct http_request *request, struct case_list *list, sites_done_fn *done, void *context);

/* The rows as the JSON of a page; case_search.c gives others than those of a filter, too. */
void case_list_give(struct http_request *request, Analytics__CaseList *list);

/* Sees to it that the zones of all rows are known. */
void case_list_know_sites(struct http_request *request, const Analytics__CaseList *list, sites_done_fn *done,
                          void *context);

/* cells.c: `?cell=` of a request. False: it is no id of a cell, and has been answered. */
bool cells_parameter(struct http_request *request, uint64_t *cell_out);
uint64_t cells_own(const struct http_request *request);
bool cells_any(const struct http_request *request); /* are other cells heard here? */
void cells_list(struct http_request *request);
void cells_case(struct http_request *request);

const struct zone *case_list_zone(struct http_request *request, const Analytics__CaseRow *row);

/* case_export.c: the whole list as a file, page by page. */
struct case_export_format;
void case_export_stream(struct http_request *request, struct case_list *list, const struct case_export_format *format);
const char *case_csv_quoted(struct arena *arena, const char *text);
const char *case_csv_harmless(struct arena *arena, const char *text);

/* case_timeline.c: a page of all that happened, as ?after= and ?limit= name it; its texts are sealed yet. Where these
   are wrong it is answered, and `done` is not called. */
struct case_timeline {
    ProtobufCMessage **events;           /* hb.Event */
    const Casework__Withheld **withheld; /* of each; NULL: nothing */
    size_t count;
    uint32_t next;
};
typedef void case_timeline_fn(struct http_request *request, void *context, const Hb__Refusal *refused,
                              const struct case_timeline *timeline);
void case_timeline_ask(struct http_request *request, uint64_t case_id, case_timeline_fn *done, void *context);
/* {events, next}; the site's zone must be known. */
json_t *case_timeline_json(struct http_request *request, const struct case_timeline *timeline);

/* Asks casework for the file of a case. */
void case_file_ask(struct http_request *request, uint64_t case_id, cell_query_fn *done, void *context);

/* case_open.c: has intake open every sealed text in `messages`, which is recorded with the purpose (?purpose=). Where
   no purpose is given names, addresses and numbers are masked, and `masked` says whether any was. What was opened is
   plain then; what was not stays `sealed`, without its box. `unopened` says why; NULL: all that still exists is open.
 */
#define CASE_OPEN_BOXES_MAX 1000u
typedef void case_open_fn(struct http_request *request, void *context, const Hb__Refusal *unopened, bool masked);
void case_open_texts(struct http_request *request, uint64_t case_id, ProtobufCMessage *const *messages, size_t count,
                     case_open_fn *then, void *context);
/* Boxes and files of a case, as `open` names them: recorded with ?purpose=, without it with `otherwise`. */
void case_open_ask(struct http_request *request, uint64_t case_id, Intake__Open *open, const char *otherwise,
                   cell_command_fn *done, void *context);

#endif
