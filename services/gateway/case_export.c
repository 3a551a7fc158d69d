/* One page of analytics at a time, and the next one only when that has been sent. */
#include "case_export.h"

#include "case_words.h"
#include "export_note.h"
#include "problem.h"

#include <stdio.h>

#define PAGE_ROWS 500u
#define CURSOR_BYTES_MAX 200u
#define TRIES_MAX 10u /* of one page, while analytics is away */
#define CELLS_MAX 15u
#define CELLS_OF_CELLS 4u /* the last ones: only where there are other cells */

struct case_export {
    struct http_request *request;
    struct case_list *list;
    const struct case_export_format *format;
    void *kept;
    const Analytics__CaseList *page;
    struct arena_mark mark; /* what a page needed goes when it is written */
    char cursor[CURSOR_BYTES_MAX];
    unsigned tries;
    bool begun, stale;
};

/* By name, for programs; in words, for people, when a language is asked for. */
static const char *const columns[][CELLS_MAX] = {
    {"external_id", "case_number", "kind", "category", "department", "handler", "stage", "received_at", "due_at",
     "closed_at", "on_time", "cell", "cell_name", "site", "case_id"},
    {"外部编号", "编号", "事项", "类别", "责任部门", "经办人", "阶段", "登记时间", "应办结时间", "办结时间", "是否按时",
     "系统", "系统名称", "站点", "案件标识"},
    {"External number", "Number", "Kind", "Category", "Department", "Handler", "Stage", "Received", "Due", "Closed",
     "On time", "System", "Name of the system", "Site", "Case id"},
};

struct http_request *case_export_request(const struct case_export *export)
{
    return export->request;
}

static bool in_words(const struct case_export *export)
{
    return http_query(export->request, "lang") != NULL;
}

const char *const *case_export_columns(const struct case_export *export, size_t *count_out)
{
    *count_out = cells_any(export->request) ? CELLS_MAX : CELLS_MAX - CELLS_OF_CELLS;
    return columns[!in_words(export) ? 0 : export->request->english ? 2 : 1];
}

void *case_export_kept(struct case_export *export, size_t size)
{
    if (!export->kept)
        export->kept = arena_zero(&export->request->arena, size);
    return export->kept;
}

static void write_row(struct case_export *export, const Analytics__CaseRow *row)
{
    /* Case ids and numbers of two cells may be equal: the last columns tell them apart. */
    const struct case_export_cell cells[CELLS_MAX] = {
        {.text = row->external_id}, {.text = row->number},     {.text = row->kind},
        {.text = row->category},    {.text = row->department}, {.text = row->handler},
        {.text = row->stage},       {.ms = row->received_ms},  {.ms = row->due_ms},
        {.ms = row->closed_ms},     {.text = row->on_time},    {.text = row->cell},
        {.text = row->cell_name},   {.text = row->site},       {.text = case_id_text(export->request, row->case_id)}};
    size_t count = cells_any(export->request) ? CELLS_MAX : CELLS_MAX - CELLS_OF_CELLS;
    export->format->row(export, cells, count, case_list_zone(export->request, row));
}

static void pull(void *context);

static void begin(struct case_export *export)
{
    struct http_request *request = export->request;
    http_set(request, "Content-Disposition",
             arena_printf(&request->arena, "attachment; filename=\"%s\"", export->format->file));
    cell_mark_stale(request, export->stale, NULL);
    http_stream(request, 200, export->format->type, pull, NULL, export);
    export->format->begin(export);
    export->begun = true;
}

/* A page without rows writes nothing, and nobody would ask for the next one. */
static void write_page(struct case_export *export, bool first)
{
    struct http_request *request = export->request;
    const Analytics__CaseList *page = export->page;
    bool last = !*page->cursor, empty = page->n_rows == 0;
    for (size_t i = 0; i < page->n_rows; i++)
        write_row(export, page->rows[i]);
    if (!empty && export->format->page)
        export->format->page(export);
    snprintf(export->cursor, sizeof export->cursor, "%s", page->cursor);
    export->tries = 0;
    if (last && export->format->end)
        export->format->end(export);
    request->after = NULL; /* of a search, which is a command: it lies behind the mark */
    request->n_after = 0;
    arena_return(&request->arena, export->mark);
    if (last)
        http_stream_end(request);
    else if (empty && !first)
        pull(export);
}

/* What a format keeps lies below the mark. */
static void on_noted(void *context)
{
    struct case_export *export = context;
    begin(export);
    export->mark = arena_mark(&export->request->arena);
    write_page(export, true);
}

/* Who may not read the first page takes nothing with him; who may is recorded before any of it goes out. A site of
   another cell is not ours to record under. */
static void on_worded(struct http_request *request, void *context)
{
    struct case_export *export = context;
    const struct case_list *list = export->list;
    bool elsewhere = list->cell && list->cell != cells_own(request);
    if (export->begun)
        write_page(export, false);
    else
        export_note(request, "cases", export->format->name, elsewhere ? "" : list->site, on_noted, export);
}

static void on_rows(struct http_request *request, void *context)
{
    struct case_export *export = context;
    if (in_words(export))
        case_words_put(request, export->page, on_worded, export);
    else
        on_worded(request, export);
}

static void on_page(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct case_export *export = context;
    if (!refused) {
        export->page = reply->analytics->list;
        export->stale = reply->stale;
        case_list_know_sites(request, export->page, on_rows, export);
    } else if (!export->begun) {
        problem_respond(request, refused);
    } else if (refused->status == 503 && ++export->tries < TRIES_MAX && !http_stream_gone(request)) {
        pull(export);
    } else {
        http_stream_fail(request); /* nobody takes half an export for a whole one */
    }
}

static void pull(void *context)
{
    struct case_export *export = context;
    export->list->cursor = export->cursor;
    case_list_ask(export->request, export->list, PAGE_ROWS, on_page, export);
}

void case_export_stream(struct http_request *request, struct case_list *list, const struct case_export_format *format)
{
    struct case_export *export = arena_zero(&request->arena, sizeof *export);
    export->request = request;
    export->list = list;
    export->format = format;
    list->oldest_first = !http_query(request, "order") || list->oldest_first; /* steady while new cases come in */
    snprintf(export->cursor, sizeof export->cursor, "%s", list->cursor);
    pull(export);
}
