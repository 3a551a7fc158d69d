/* CSV as RFC 4180 has it: quoted fields may hold commas, doubled quotes and line ends; LF or CRLF; a byte order mark is
   skipped. Reads one record at a time from a text in memory. */
#ifndef HEARBACK_CLI_CSV_H
#define HEARBACK_CLI_CSV_H

#include "base/arena.h"

#define CSV_COLUMNS_MAX 256u
#define CSV_RECORD_BYTES_MAX (96u << 10)

struct csv {
    const char *at, *end;
    unsigned line; /* of the next record, from 1 */
};

enum csv_result { CSV_RECORD, CSV_END, CSV_BAD };

struct csv_record {
    unsigned line;
    const char *raw; /* as it stood, with its line end */
    size_t raw_size;
    char **fields; /* in the arena */
    unsigned count;
    const char *why; /* CSV_BAD: what is wrong; the reader stands behind the record */
};

void csv_open(struct csv *csv, struct bytes text);
enum csv_result csv_next(struct csv *csv, struct arena *arena, struct csv_record *record_out);
/* Writes one field, quoted when it must be. */
char *csv_quote(struct arena *arena, const char *text);

#endif
