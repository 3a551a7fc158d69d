/* Figures, as analytics counts them. */
#include "reports.h"

#include "account_limit.h"
#include "case_export.h"
#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "json/json.h"

/* The category of a case without one is "": its figures have their key all the same. */
static void say_keys(json_t *kpi)
{
    static const char *const groups[] = {"categories", "kinds", "departments", "periods"};
    json_t *figures;
    size_t n;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        json_array_foreach(json_object_get(kpi, groups[i]), n, figures)
            if (!json_object_get(figures, "key"))
                json_object_set_new(figures, "key", json_string(""));
}

static void on_kpi(struct http_request *request, void *context, const Hb__Refusal *refused, const Hb__QueryReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    json_t *json = json_from_message(&reply->analytics->kpi->base, NULL);
    say_keys(json);
    cell_mark_stale(request, reply->stale, json);
    http_respond_json(request, 200, json);
}

void reports_kpi(struct http_request *request)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetKpi get = ANALYTICS__GET_KPI__INIT;
    if (!cells_parameter(request, &query.cell))
        return;
    query.site = parameter_text(request, "site");
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_KPI;
    analytics.kpi = &get;
    cell_query(request, HB__SERVICE__ANALYTICS, &query, on_kpi, NULL);
}

/* A row per figure; of one with a trend a row per period, and in that of the last the changes. */
static const char indicator_columns[] =
    CSV_START "indicator,name_zh,name_en,definition,where,per,who,period,value,hits,among,target,"
              "state,change_previous,change_last_year,since\r\n";

static const char *change_of(const Analytics__Indicator *one, const char *than)
{
    for (size_t i = 0; i < one->n_compared; i++)
        if (strcmp(one->compared[i]->than, than) == 0)
            return one->compared[i]->change;
    return "";
}

static char *indicator_line(struct arena *arena, const Analytics__Indicator *one, const Analytics__Point *point)
{
    const char *cells[] = {one->name,
                           one->label ? one->label->zh : "",
                           one->label ? one->label->en : "",
                           one->definition,
                           one->where,
                           one->per,
                           one->who,
                           point ? point->period : one->period,
                           point ? point->value : one->value,
                           arena_printf(arena, "%llu", (unsigned long long)(point ? point->hits : one->hits)),
                           arena_printf(arena, "%llu", (unsigned long long)(point ? point->among : one->among)),
                           point ? "" : one->target,
                           point ? "" : one->state,
                           point ? "" : change_of(one, "previous"),
                           point ? "" : change_of(one, "last_year"),
                           one->since};
    char *line = arena_strdup(arena, "");
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        line = arena_printf(arena, "%s%s%s", line, i ? "," : "", case_csv_quoted(arena, cells[i]));
    return arena_printf(arena, "%s\r\n", line);
}

static void end_csv(void *request)
{
    http_stream_end(request);
}

static void respond_csv(struct http_request *request, const Analytics__Indicators *all)
{
    http_set(request, "Content-Disposition", "attachment; filename=\"indicators.csv\"");
    http_stream(request, 200, "text/csv; charset=utf-8; header=present", end_csv, NULL, request);
    http_stream_write(request, bytes_of_text(indicator_columns));
    for (size_t i = 0; i < all->n_indicators; i++) {
        const Analytics__Indicator *one = all->indicators[i];
        for (size_t p = 0; p <= (one->n_trend ? one->n_trend - 1 : 0); p++) {
            bool last = p + 1 >= one->n_trend; /* of the trend: the figure itself */
            struct arena_mark mark = arena_mark(&request->arena);
            char *line = indicator_line(&request->arena, one, last ? NULL : one->trend[p]);
            http_stream_write(request, bytes_of_text(line));
            arena_return(&request->arena, mark);
        }
    }
    http_stream_end(request);
}

/* `csv` is not NULL when it is asked for. */
static void on_indicators(struct http_request *request, void *csv, const Hb__Refusal *refused,
                          const Hb__QueryReply *reply)
{
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    if (csv) {
        cell_mark_stale(request, reply->stale, NULL);
        respond_csv(request, reply->analytics->indicators);
        return;
    }
    json_t *json = json_from_message(&reply->analytics->indicators->base, NULL);
    cell_mark_stale(request, reply->stale, json);
    http_respond_json(request, 200, json);
}

void reports_indicators(struct http_request *request)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetIndicators get = ANALYTICS__GET_INDICATORS__INIT;
    query.site = parameter_text(request, "site");
    if (!*query.site) {
        Hb__Refusal *refusal = problem_new(request, 400, "bad_parameter", "须指明站点", "name the site");
        refusal->field = arena_strdup(&request->arena, "site");
        problem_respond(request, refusal);
        return;
    }
    if (!cells_parameter(request, &query.cell))
        return;
    static const char *const formats[] = {"json", "csv", NULL};
    unsigned format = !http_accepts(request, "application/json") && http_accepts(request, "text/csv");
    if (!parameter_choice(request, "format", formats, &format) ||
        (format == 0 && !parameter_accepts(request, "application/json", "text/csv")) ||
        (format && !account_may(request, ACCOUNT_FILES)))
        return;
    get.period = parameter_text(request, "period");
    get.name = parameter_text(request, "name");
    get.who = parameter_text(request, "who");
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_INDICATORS;
    analytics.indicators = &get;
    cell_query(request, HB__SERVICE__ANALYTICS, &query, on_indicators, format == 1 ? request : NULL);
}
