/* Other cells, at headquarters: which there are, and one case of theirs. Whoever needs the texts asks at the site: the
   keys are there, and who opened them is recorded there. */
#include "cases.h"

#include "parameters.h"
#include "problem.h"
#include "json/json.h"

#include <stdlib.h>

uint64_t cells_own(const struct http_request *request)
{
    return strtoull(request->gateway->config->cell, NULL, 16);
}

bool cells_any(const struct http_request *request)
{
    const Config__Config *config = request->gateway->config;
    for (size_t i = 0; i < config->n_cells; i++)
        if (!config->cells[i]->above)
            return true;
    return false;
}

static bool take_cell(struct http_request *request, const char *text, uint64_t *cell_out)
{
    const Config__Config *config = request->gateway->config;
    if (config_cell_id_ok(text)) {
        *cell_out = strtoull(text, NULL, 16);
        return true;
    }
    Hb__Refusal *refusal = problem_new(request, 422, "bad_field", "系统编号为 16 位十六进制数",
                                       "the id of a cell is 16 hexadecimal digits");
    refusal->field = arena_strdup(&request->arena, "cell");
    problem_accepts(request, refusal, config->cell);
    for (size_t i = 0; i < config->n_cells; i++)
        if (!config->cells[i]->above)
            problem_accepts(request, refusal, config->cells[i]->cell);
    problem_respond(request, refusal);
    return false;
}

bool cells_parameter(struct http_request *request, uint64_t *cell_out)
{
    const char *text = http_query(request, "cell");
    *cell_out = 0;
    return !text || !*text || take_cell(request, text, cell_out);
}

/* ---- GET /cells ---- */

static void on_cells(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    (void)context;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(request, 200, json_from_message(&reply->analytics->cells->base, NULL));
}

void cells_list(struct http_request *request)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetCells get = ANALYTICS__GET_CELLS__INIT;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_CELLS;
    analytics.cells = &get;
    cell_query(request, HB__SERVICE__ANALYTICS, &query, on_cells, NULL);
}

/* ---- GET /cells/{cell}/cases/{id} ---- */

static void on_case(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    if (reply->analytics->list->n_rows == 0) {
        problem_say(request, 404, "not_found", "没有这个案件", "there is no such case");
        return;
    }
    Analytics__CaseElsewhere elsewhere = ANALYTICS__CASE_ELSEWHERE__INIT;
    Hb__Label texts = HB__LABEL__INIT;
    elsewhere.row = reply->analytics->list->rows[0];
    elsewhere.texts = &texts;
    texts.zh = arena_printf(&request->arena, "文字内容密封于%s，请在该系统查看", elsewhere.row->cell_name);
    texts.en = arena_printf(&request->arena, "sealed, at the site: %s", elsewhere.row->cell_name);
    http_respond_json(request, 200, json_from_message(&elsewhere.base, case_list_zone(request, elsewhere.row)));
}

void cells_case(struct http_request *request)
{
    struct case_list *list = arena_zero(&request->arena, sizeof *list);
    const char *id = http_param(request, "id");
    char *end;
    analytics__filter__init(&list->filter);
    list->filter.case_id = strtoull(id, &end, 10);
    list->site = list->cursor = "";
    if (!take_cell(request, http_param(request, "cell"), &list->cell))
        return;
    if (*end || *id < '0' || *id > '9' || !list->filter.case_id || list->cell == cells_own(request))
        problem_say(request, 404, "not_found", "没有这个案件；本系统的案件请用 /api/v1/cases/{id}",
                    "there is no such case of another cell; this cell's own are at /api/v1/cases/{id}");
    else
        case_list_ask(request, list, 1, on_case, NULL);
}
