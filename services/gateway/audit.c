/* GET /audit: who did and who looked, as analytics keeps it: a page, or all of it as CSV, a page at a time. */
#include "audit.h"

#include "account_limit.h"
#include "case_export.h"
#include "export_note.h"
#include "parameters.h"
#include "problem.h"
#include "json/json.h"

#include <stdio.h>

#define LIMIT_MAX 500u
#define CURSOR_BYTES_MAX 100u
#define TRIES_MAX 10u /* of one page, while analytics is away */

struct audit {
    struct http_request *request;
    const char *site, *who, *case_name, *what;
    int64_t from_ms, to_ms;
    uint64_t limit;
    char cursor[CURSOR_BYTES_MAX];
    bool csv, begun;
    unsigned tries;
    const Hb__QueryReply *first; /* of an export, while it is recorded */
    struct arena_mark mark;      /* of an export: what a page needed goes when it is written */
};

static void on_page(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply);

static void ask(struct audit *audit)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetAudit get = ANALYTICS__GET_AUDIT__INIT;
    query.site = (char *)(uintptr_t)audit->site;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_AUDIT;
    analytics.audit = &get;
    get.who = (char *)(uintptr_t)audit->who;
    get.case_ = (char *)(uintptr_t)audit->case_name;
    get.what = (char *)(uintptr_t)audit->what;
    get.from_ms = audit->from_ms;
    get.to_ms = audit->to_ms;
    get.limit = (uint32_t)(audit->csv ? LIMIT_MAX : audit->limit);
    get.cursor = audit->cursor;
    cell_query(audit->request, HB__SERVICE__ANALYTICS, &query, on_page, audit);
}

/* ---- CSV ---- */

static const char columns[] =
    CSV_START "at,what,act,name,person,account,for_person,case_number,case_id,purpose,fields,withheld,"
              "masked,version,log,partition,offset\r\n";

static char *joined(struct arena *arena, char *const *list, size_t count)
{
    return arena_join(arena, (const char *const *)list, count, " ");
}

static void write_row(struct audit *audit, const Analytics__AuditEntry *entry)
{
    struct arena *arena = &audit->request->arena;
    const struct zone *zone = sites_zone(audit->request->gateway, audit->site);
    const char *cells[] = {json_time_text(zone, entry->at_ms, arena),
                           entry->what,
                           entry->act,
                           entry->name,
                           entry->person,
                           entry->operator_ ? "operator" : entry->account,
                           entry->for_person,
                           entry->number,
                           entry->case_id ? case_id_text(audit->request, entry->case_id) : "",
                           entry->purpose,
                           joined(arena, entry->fields, entry->n_fields),
                           joined(arena, entry->withheld, entry->n_withheld),
                           entry->masked ? "true" : "",
                           entry->version ? arena_printf(arena, "%u", (unsigned)entry->version) : "",
                           entry->service,
                           arena_printf(arena, "%u", (unsigned)entry->partition),
                           arena_printf(arena, "%llu", (unsigned long long)entry->offset)};
    size_t count = sizeof cells / sizeof *cells;
    for (size_t i = 0; i < count; i++)
        cells[i] = case_csv_quoted(arena, case_csv_harmless(arena, cells[i]));
    http_stream_write(audit->request,
                      bytes_of_text(arena_printf(arena, "%s\r\n", arena_join(arena, cells, count, ","))));
}

static void pull(void *context)
{
    ask(context);
}

static void write_page(struct audit *audit, const Analytics__Audit *page)
{
    struct http_request *request = audit->request;
    bool first = !audit->begun, last = !*page->cursor, empty = page->n_entries == 0;
    for (size_t i = 0; i < page->n_entries; i++)
        write_row(audit, page->entries[i]);
    snprintf(audit->cursor, sizeof audit->cursor, "%s", page->cursor);
    audit->begun = true;
    audit->tries = 0;
    arena_return(&request->arena, audit->mark);
    if (last)
        http_stream_end(request);
    else if (empty && !first) /* nothing was written, and nobody would ask for the next page */
        ask(audit);
}

static void on_noted(void *context)
{
    struct audit *audit = context;
    struct http_request *request = audit->request;
    http_set(request, "Content-Disposition", "attachment; filename=\"audit.csv\"");
    cell_mark_stale(request, audit->first->stale, NULL);
    http_stream(request, 200, "text/csv; charset=utf-8; header=present", pull, NULL, audit);
    http_stream_write(request, bytes_of_text(columns));
    audit->mark = arena_mark(&request->arena);
    write_page(audit, audit->first->analytics->audit);
}

/* Recorded when it is allowed, and before any of it goes out. */
static void give_csv(struct audit *audit, const Hb__QueryReply *reply)
{
    if (audit->begun) {
        write_page(audit, reply->analytics->audit);
        return;
    }
    audit->first = reply;
    export_note(audit->request, "audit", "csv", audit->site, on_noted, audit);
}

/* ---- pages ---- */

static void refused_page(struct audit *audit, const Hb__Refusal *refused)
{
    if (!audit->begun)
        problem_respond(audit->request, refused);
    else if (refused->status == 503 && ++audit->tries < TRIES_MAX && !http_stream_gone(audit->request))
        ask(audit);
    else
        http_stream_fail(audit->request); /* nobody takes half an export for a whole one */
}

static void on_page(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct audit *audit = context;
    if (refused) {
        refused_page(audit, refused);
        return;
    }
    Analytics__Audit *page = reply->analytics->audit;
    if (audit->csv) {
        give_csv(audit, reply);
        return;
    }
    if (page->n_entries == 0 && *page->cursor) { /* so much was looked at in vain: on from there */
        snprintf(audit->cursor, sizeof audit->cursor, "%s", page->cursor);
        ask(audit);
        return;
    }
    json_t *json = json_from_message(&page->base, sites_zone(request->gateway, audit->site));
    if (!json_object_get(json, "entries"))
        json_object_set_new(json, "entries", json_array());
    cell_mark_stale(request, reply->stale, json);
    http_respond_json(request, 200, json);
}

/* With the site's zone at hand: times in the parameters may be local ones. */
static void on_site(struct http_request *request, void *context)
{
    static const char *const formats[] = {"json", "csv", NULL}, *const whats[] = {"did",       "looked",    "refused",
                                                                                  "organised", "published", "exported",
                                                                                  NULL};
    struct audit *audit = context;
    const struct zone *zone = sites_zone(request->gateway, audit->site);
    unsigned format = !http_accepts(request, "application/json") && http_accepts(request, "text/csv"), what = 6;
    if (!parameter_choice(request, "format", formats, &format) || !parameter_choice(request, "what", whats, &what) ||
        !parameter_time(request, "from", zone, &audit->from_ms) ||
        !parameter_time(request, "to", zone, &audit->to_ms) ||
        !parameter_number(request, "limit", 1, LIMIT_MAX, &audit->limit) ||
        (format == 0 && !parameter_accepts(request, "application/json", "text/csv")) ||
        (format && !account_may(request, ACCOUNT_FILES)))
        return;
    audit->csv = format == 1;
    audit->what = what < 6 ? whats[what] : "";
    snprintf(audit->cursor, sizeof audit->cursor, "%s", parameter_text(request, "cursor"));
    ask(audit);
}

void audit_list(struct http_request *request)
{
    struct audit *audit = arena_zero(&request->arena, sizeof *audit);
    audit->request = request;
    audit->site = parameter_text(request, "site");
    audit->who = parameter_text(request, "who");
    audit->case_name = parameter_text(request, "case");
    sites_know(request, audit->site, on_site, audit);
}
