/* The whole list as a file, in whatever form, and any number of rows: case_export.c asks for the pages, a format writes
 * them. */
#ifndef HEARBACK_GATEWAY_CASE_EXPORT_H
#define HEARBACK_GATEWAY_CASE_EXPORT_H

#include "cases.h"

/* A byte order mark: without it spreadsheet programs take a CSV file for the machine's own character set. */
#define CSV_START "\xEF\xBB\xBF"

struct case_export;
struct case_export_cell {
    const char *text; /* NULL: a time */
    int64_t ms;       /* 0: none */
};

/* What they write goes through http_stream_write. What they allocate is forgotten after each page. */
struct case_export_format {
    const char *name, *type, *file;
    void (*begin)(struct case_export *export);
    void (*row)(struct case_export *export, const struct case_export_cell *cells, size_t count,
                const struct zone *zone);
    void (*page)(struct case_export *export); /* after each page with rows: something must be written. NULL: it is */
    void (*end)(struct case_export *export);  /* NULL: nothing comes after the last row */
};
extern const struct case_export_format case_csv, case_xlsx;

struct http_request *case_export_request(const struct case_export *export);
const char *const *case_export_columns(const struct case_export *export, size_t *count_out);
/* Zeroed memory of a format, the same at each call. */
void *case_export_kept(struct case_export *export, size_t size);

#endif
