/* GET /things/{thing}/history: the cases that name an entry of a register, the newest first. */
#include "cases.h"
#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#define LIMIT_MAX 50u /* casework gives no more at once */

struct looking {
    char *site, *thing;
    uint64_t before, limit;
};

static void on_history(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    const struct looking *looking = context;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(
            request, 200,
            json_from_message(&reply->casework->history->base, sites_zone(request->gateway, looking->site)));
}

static void ask(struct http_request *request, void *context)
{
    const struct looking *looking = context;
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetHistory get = CASEWORK__GET_HISTORY__INIT;
    get.thing = looking->thing;
    get.before = looking->before;
    get.limit = (uint32_t)looking->limit;
    query.site = looking->site;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_HISTORY;
    casework.history = &get;
    cell_query(request, HB__SERVICE__CASEWORK, &query, on_history, context);
}

void things_history(struct http_request *request)
{
    struct looking *looking = arena_zero(&request->arena, sizeof *looking);
    looking->limit = LIMIT_MAX;
    if (!parameter_number(request, "before", 1, UINT64_MAX, &looking->before) ||
        !parameter_number(request, "limit", 1, LIMIT_MAX, &looking->limit))
        return;
    looking->site = parameter_text(request, "site");
    looking->thing = arena_strdup(&request->arena, http_param(request, "thing"));
    if (!*looking->site) {
        Hb__Refusal *refusal = problem_new(request, 400, "bad_parameter", "须指明站点", "name the site");
        refusal->field = arena_strdup(&request->arena, "site");
        problem_respond(request, refusal);
        return;
    }
    sites_know(request, looking->site, ask, looking);
}
