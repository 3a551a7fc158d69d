#include "csv.h"

#include <string.h>

void csv_open(struct csv *csv, struct bytes text)
{
    const char *from = (const char *)text.data;
    *csv = (struct csv){from, from + text.size, 1};
    if (text.size >= 3 && memcmp(from, "\xEF\xBB\xBF", 3) == 0)
        csv->at += 3;
}

/* Where the record ends: the first line end outside quotes. NULL when a quote is never closed. */
static const char *record_end(const struct csv *csv, unsigned *lines_out)
{
    bool quoted = false;
    *lines_out = 0;
    for (const char *at = csv->at; at < csv->end; at++) {
        *lines_out += *at == '\n';
        if (*at == '"')
            quoted = !quoted;
        else if (*at == '\n' && !quoted)
            return at + 1;
    }
    return quoted ? NULL : csv->end;
}

/* The quote that closes a field that begins at `at`: the first that is not doubled. */
static const char *closing(const char *at, const char *end)
{
    while (at < end && (*at != '"' || (at + 1 < end && at[1] == '"')))
        at += *at == '"' ? 2 : 1;
    return at;
}

/* Takes one field; returns where the next begins, NULL when it is malformed. */
static const char *take_field(const char *at, const char *end, struct arena *arena, char **field_out)
{
    if (at == end || *at != '"') {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
        if (memchr(at, '"', (size_t)(stop - at)))
            return NULL;
        *field_out = arena_text(arena, at, (size_t)(stop - at));
        return comma ? comma + 1 : end + 1;
    }
    const char *close = closing(++at, end);
    char *to = *field_out = arena_alloc(arena, (size_t)(close - at) + 1);
    for (; at < close; at++) {
        *to++ = *at;
        at += *at == '"'; /* the second of two */
    }
    *to = 0;
    at++;
    return at == end || *at == ',' ? at + 1 : NULL;
}

static const char *check(const struct csv_record *record)
{
    if (record->raw_size > CSV_RECORD_BYTES_MAX)
        return "longer than 96 KiB";
    if (memchr(record->raw, 0, record->raw_size))
        return "holds a NUL byte";
    if (!utf8_valid(record->raw, record->raw_size))
        return "is not UTF-8";
    return NULL;
}

static void split(struct csv_record *record, struct arena *arena)
{
    const char *at = record->raw, *end = at + record->raw_size;
    while (end > at && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    while (at && at <= end && record->count < CSV_COLUMNS_MAX) {
        record->fields = arena_grow(arena, record->fields, record->count, sizeof *record->fields);
        at = take_field(at, end, arena, &record->fields[record->count++]);
    }
    if (!at)
        record->why = "a quote stands where none is accepted: quote the whole field and double quotes inside";
    else if (at <= end)
        record->why = "more than 256 columns";
}

enum csv_result csv_next(struct csv *csv, struct arena *arena, struct csv_record *record_out)
{
    unsigned lines;
    if (csv->at >= csv->end)
        return CSV_END;
    const char *end = record_end(csv, &lines);
    *record_out = (struct csv_record){.line = csv->line, .raw = csv->at};
    if (!end) { /* give up this line only: the next may be whole again */
        const char *line_end = memchr(csv->at, '\n', (size_t)(csv->end - csv->at));
        record_out->why = "a quote is opened and never closed";
        end = line_end ? line_end + 1 : csv->end;
        lines = 1;
    }
    record_out->raw_size = (size_t)(end - csv->at);
    csv->at = end;
    csv->line += lines;
    if (!record_out->why)
        record_out->why = check(record_out);
    if (!record_out->why)
        split(record_out, arena);
    return record_out->why ? CSV_BAD : CSV_RECORD;
}

char *csv_quote(struct arena *arena, const char *text)
{
    if (!strpbrk(text, ",\"\r\n"))
        return arena_strdup(arena, text);
    char *quoted = arena_alloc(arena, strlen(text) * 2 + 3), *to = quoted;
    *to++ = '"';
    for (; *text; text++) {
        if (*text == '"')
            *to++ = '"';
        *to++ = *text;
    }
    *to++ = '"';
    *to = 0;
    return quoted;
}
