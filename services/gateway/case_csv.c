/* The list as CSV (RFC 4180), any number of rows: one page of analytics at a time, and the next one only when that has
   been sent. */
#include "cases.h"

#include "cell.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#include <stdio.h>

#define PAGE_ROWS 500u
#define CURSOR_BYTES_MAX 200u
#define TRIES_MAX 10u /* of one page, while analytics is away */

struct csv {
    struct http_request *request;
    struct case_list *list;
    const Analytics__CaseList *page;
    struct arena_mark mark; /* what a page needed goes when it is written */
    char cursor[CURSOR_BYTES_MAX];
    unsigned tries;
    bool begun, stale;
};

#define COLUMNS "external_id,case_number,kind,category,department,handler,stage,received_at,due_at,closed_at,on_time"
static const char columns[] = COLUMNS "\r\n", columns_of_cells[] = COLUMNS ",cell,cell_name,site,case_id\r\n";

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

static const char *time_of(struct arena *arena, const struct zone *zone, int64_t ms)
{
    return ms ? json_time_text(zone, ms, arena) : "";
}

static void write_row(struct csv *csv, const Analytics__CaseRow *row)
{
    struct arena *arena = &csv->request->arena;
    const struct zone *zone = case_list_zone(csv->request, row);
    char *line = arena_printf(arena, "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s\r\n", case_csv_quoted(arena, row->external_id),
                              case_csv_quoted(arena, row->number), case_csv_quoted(arena, row->kind),
                              case_csv_quoted(arena, row->category), case_csv_quoted(arena, row->department),
                              case_csv_quoted(arena, row->handler), case_csv_quoted(arena, row->stage),
                              time_of(arena, zone, row->received_ms), time_of(arena, zone, row->due_ms),
                              time_of(arena, zone, row->closed_ms), row->on_time);
    if (cells_any(csv->request)) /* case ids and numbers of two cells may be equal: the last columns tell them apart */
        line = arena_printf(arena, "%.*s,%s,%s,%s,%s\r\n", (int)strlen(line) - 2, line, row->cell,
                            case_csv_quoted(arena, row->cell_name), case_csv_quoted(arena, row->site),
                            case_id_text(csv->request, row->case_id));
    http_stream_write(csv->request, bytes_of_text(line));
}

static void pull(void *context);

static void begin(struct csv *csv)
{
    http_set(csv->request, "Content-Disposition", "attachment; filename=\"cases.csv\"");
    cell_mark_stale(csv->request, csv->stale, NULL);
    http_stream(csv->request, 200, "text/csv; charset=utf-8; header=present", pull, NULL, csv);
    http_stream_write(csv->request, bytes_of_text(cells_any(csv->request) ? columns_of_cells : columns));
    csv->begun = true;
}

static void write_page(struct http_request *request, void *context)
{
    struct csv *csv = context;
    bool last = !*csv->page->cursor;
    if (!csv->begun)
        begin(csv);
    for (size_t i = 0; i < csv->page->n_rows; i++)
        write_row(csv, csv->page->rows[i]);
    snprintf(csv->cursor, sizeof csv->cursor, "%s", csv->page->cursor);
    csv->tries = 0;
    arena_return(&request->arena, csv->mark);
    if (last)
        http_stream_end(request);
}

static void on_page(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct csv *csv = context;
    if (!refused) {
        csv->page = reply->analytics->list;
        csv->stale = reply->stale;
        case_list_know_sites(request, csv->page, write_page, csv);
    } else if (!csv->begun) {
        problem_respond(request, refused);
    } else if (refused->status == 503 && ++csv->tries < TRIES_MAX && !http_stream_gone(request)) {
        pull(csv);
    } else {
        http_stream_fail(request); /* nobody takes half an export for a whole one */
    }
}

static void pull(void *context)
{
    struct csv *csv = context;
    csv->list->cursor = csv->cursor;
    case_list_ask(csv->request, csv->list, PAGE_ROWS, on_page, csv);
}

void case_csv_stream(struct http_request *request, struct case_list *list)
{
    struct csv *csv = arena_zero(&request->arena, sizeof *csv);
    csv->request = request;
    csv->list = list;
    list->oldest_first = !http_query(request, "order") || list->oldest_first; /* steady while new cases come in */
    snprintf(csv->cursor, sizeof csv->cursor, "%s", list->cursor);
    csv->mark = arena_mark(&request->arena);
    pull(csv);
}
