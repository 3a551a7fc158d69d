/* The list as CSV (RFC 4180). */
#include "case_export.h"

#include "json/json.h"

const char *case_csv_quoted(struct arena *arena, const char *text)
{
    size_t size = 0;
    if (!text[strcspn(text, ",\"\r\n")])
        return text;
    char *out = arena_alloc(arena, 2 * strlen(text) + 3);
    out[size++] = '"';
    for (; *text; text++) {
        if (*text == '"')
            out[size++] = '"';
        out[size++] = *text;
    }
    out[size++] = '"';
    out[size] = 0;
    return out;
}

static void write_line(struct http_request *request, const char *const *texts, size_t count)
{
    char *line = arena_join(&request->arena, texts, count, ",");
    http_stream_write(request, bytes_of_text(arena_printf(&request->arena, "%s\r\n", line)));
}

static void begin(struct case_export *export)
{
    size_t count;
    const char *const *columns = case_export_columns(export, &count);
    http_stream_write(case_export_request(export), bytes_of_text(CSV_START));
    write_line(case_export_request(export), columns, count);
}

/* A spreadsheet program would calculate it, and it may come from outside (an external id): shown as text instead
   (OWASP, CSV Injection). */
const char *case_csv_harmless(struct arena *arena, const char *text)
{
    return *text && strchr("=+-@\t\r", *text) ? arena_printf(arena, "'%s", text) : text;
}

static void row(struct case_export *export, const struct case_export_cell *cells, size_t count, const struct zone *zone)
{
    struct http_request *request = case_export_request(export);
    const char **texts = arena_alloc(&request->arena, count * sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = cells[i].text ? case_csv_quoted(&request->arena, case_csv_harmless(&request->arena, cells[i].text))
                   : cells[i].ms ? json_time_text(zone, cells[i].ms, &request->arena)
                                 : "";
    write_line(request, texts, count);
}

const struct case_export_format case_csv = {
    .name = "csv", .type = "text/csv; charset=utf-8; header=present", .file = "cases.csv", .begin = begin, .row = row};
