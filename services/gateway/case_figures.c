/* GET /reports/figures: the figures of the cases that the list with the same filter has, in all and by group. Analytics
   counts a part at a time; the parts are added up here. */
#include "cases.h"
#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "json/json.h"

#include <string.h>

struct figuring {
    struct case_list list;
    const char *by, *cursor;
    Analytics__GroupedFigures *sum; /* NULL: nothing was heard yet */
    bool stale;
};

static void ask(struct http_request *request, struct figuring *figuring);

static void add_group(struct http_request *request, Analytics__GroupedFigures *sum, Analytics__Figures *more)
{
    for (size_t i = 0; i < sum->n_groups; i++)
        if (strcmp(sum->groups[i]->key, more->key) == 0) {
            cell_add_figures(sum->groups[i], more);
            return;
        }
    sum->groups = arena_grow(&request->arena, sum->groups, sum->n_groups, sizeof *sum->groups);
    sum->groups[sum->n_groups++] = more;
}

static void add(struct http_request *request, struct figuring *figuring, Analytics__GroupedFigures *part)
{
    Analytics__Figures **groups = part->groups;
    size_t count = part->n_groups;
    if (!figuring->sum) {
        figuring->sum = part;
        part->groups = NULL;
        part->n_groups = 0;
    } else {
        cell_add_figures(figuring->sum->total, part->total);
    }
    for (size_t i = 0; i < count; i++)
        add_group(request, figuring->sum, groups[i]);
}

/* What has none of what it is grouped by has the key "". */
static void give(struct http_request *request, const struct figuring *figuring)
{
    figuring->sum->cursor = "";
    json_t *json = json_from_message(&figuring->sum->base, NULL), *group;
    size_t n;
    json_array_foreach(json_object_get(json, "groups"), n, group)
        if (!json_object_get(group, "key"))
            json_object_set_new(group, "key", json_string(""));
    cell_mark_stale(request, figuring->stale, json);
    http_respond_json(request, 200, json);
}

static void on_part(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct figuring *figuring = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    Analytics__GroupedFigures *part = reply->analytics->figures;
    figuring->stale = figuring->stale || reply->stale;
    figuring->cursor = part->cursor;
    add(request, figuring, part);
    if (!*figuring->cursor)
        give(request, figuring);
    else if (!problem_when_gone(request))
        ask(request, figuring);
}

static void ask(struct http_request *request, struct figuring *figuring)
{
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__GetFigures get = ANALYTICS__GET_FIGURES__INIT;
    query.site = (char *)(uintptr_t)figuring->list.site;
    query.cell = figuring->list.cell;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_FIGURES;
    analytics.figures = &get;
    get.filter = &figuring->list.filter;
    get.by = (char *)(uintptr_t)figuring->by;
    get.cursor = (char *)(uintptr_t)figuring->cursor;
    cell_query(request, HB__SERVICE__ANALYTICS, &query, on_part, figuring);
}

static void on_site(struct http_request *request, void *context)
{
    struct figuring *figuring = context;
    if (case_list_filter(request, &figuring->list))
        ask(request, figuring);
}

void reports_figures(struct http_request *request)
{
    struct figuring *figuring = arena_zero(&request->arena, sizeof *figuring);
    figuring->by = parameter_text(request, "by");
    figuring->cursor = "";
    case_list_of_site(request, &figuring->list, on_site, figuring);
}
