/* Figures, as analytics counts them. */
#include "reports.h"

#include "cases.h"
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

static void on_indicators(struct http_request *request, void *context, const Hb__Refusal *refused,
                          const Hb__QueryReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
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
    get.period = parameter_text(request, "period");
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_INDICATORS;
    analytics.indicators = &get;
    cell_query(request, HB__SERVICE__ANALYTICS, &query, on_indicators, NULL);
}
