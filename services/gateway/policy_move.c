/* /api/v1/policies/{site}/move: open cases take the version of the policy in force. With `dry_run=true` nothing is
   moved: casework says which cases would be and which would be refused, watchdog which dates would change. */
#include "organisation.h"

#include "body.h"
#include "cases.h"
#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#include <inttypes.h>

#define PAGE_MAX 100u

struct moving {
    char *site;
    Casework__Move *move;
    unsigned dry; /* 1: yes */
    uint64_t after, limit;
    const Casework__Moving *page;
};

/* ---- the command ---- */

static void on_begun(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__CommandReply *reply)
{
    const struct moving *moving = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    json_t *json = json_pack("{s:s, s:i}", "site", moving->site, "policy_version", (int)reply->policy_version);
    if (reply->repeated_command)
        json_object_set_new(json, "repeated_command", json_true());
    http_respond_json(request, 200, json);
}

static void begin(struct http_request *request, struct moving *moving)
{
    Hb__Command command = HB__COMMAND__INIT;
    Casework__Command casework = CASEWORK__COMMAND__INIT;
    command.site = moving->site;
    command.payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command.casework = &casework;
    casework.kind_case = CASEWORK__COMMAND__KIND_MOVE;
    casework.move = moving->move;
    cell_command(request, HB__SERVICE__CASEWORK, &command, 0, on_begun, moving);
}

/* ---- what it would do ---- */

static json_t *clocks_of(const struct http_request *request, const struct moving *moving, uint64_t case_id,
                         const Watchdog__Moved *dates)
{
    json_t *list = json_array();
    for (size_t i = 0; i < dates->n_clocks; i++) {
        if (dates->clocks[i]->case_id != case_id)
            continue;
        json_t *clock = json_from_message(&dates->clocks[i]->base, sites_zone(request->gateway, moving->site));
        json_object_del(clock, "case_id"); /* it stands beside it */
        json_array_append_new(list, clock);
    }
    return list;
}

static void on_dates(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    const struct moving *moving = context;
    const Casework__Moving *page = moving->page;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    json_t *cases = json_array();
    for (size_t i = 0; i < page->n_cases; i++) {
        json_t *one = json_from_message(&page->cases[i]->base, NULL);
        json_object_set_new(one, "clocks", clocks_of(request, moving, page->cases[i]->case_id, reply->watchdog->moved));
        json_array_append_new(cases, one);
    }
    json_t *json = json_pack("{s:s, s:i, s:b, s:o}", "site", moving->site, "policy_version", (int)page->version,
                             "dry_run", 1, "cases", cases);
    if (page->next)
        json_object_set_new(json, "next", json_string(arena_printf(&request->arena, "%" PRIu64, page->next)));
    http_respond_json(request, 200, json);
}

static void on_cases(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    struct moving *moving = context;
    Hb__Query query = HB__QUERY__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__PreviewMoved preview = WATCHDOG__PREVIEW_MOVED__INIT;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const Casework__Moving *page = moving->page = reply->casework->moving;
    preview.version = page->version;
    preview.cases = arena_alloc(&request->arena, (page->n_cases + 1) * sizeof *preview.cases);
    for (size_t i = 0; i < page->n_cases; i++)
        if (!page->cases[i]->n_problems)
            preview.cases[preview.n_cases++] = page->cases[i]->case_id;
    query.site = moving->site;
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_PREVIEW;
    watchdog.preview = &preview;
    cell_query(request, HB__SERVICE__WATCHDOG, &query, on_dates, moving);
}

static void look(struct http_request *request, struct moving *moving)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__PreviewMove preview = CASEWORK__PREVIEW_MOVE__INIT;
    preview.move = moving->move;
    preview.after = moving->after;
    preview.limit = (uint32_t)moving->limit;
    query.site = moving->site;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_PREVIEW;
    casework.preview = &preview;
    cell_query(request, HB__SERVICE__CASEWORK, &query, on_cases, moving);
}

static void on_site(struct http_request *request, void *context)
{
    struct moving *moving = context;
    if (moving->dry)
        look(request, moving);
    else
        begin(request, moving);
}

void policies_move(struct http_request *request)
{
    static const char *const accepted[] = {"false", "true", NULL};
    struct moving *moving = arena_zero(&request->arena, sizeof *moving);
    const Hb__Refusal *refused = NULL;
    if (!parameter_choice(request, "dry_run", accepted, &moving->dry) ||
        !parameter_number(request, "after", 1, UINT64_MAX, &moving->after) ||
        !parameter_number(request, "limit", 1, PAGE_MAX, &moving->limit))
        return;
    json_t *body = body_object(request, true);
    if (!body)
        return;
    moving->move = (Casework__Move *)body_message(request, body, &casework__move__descriptor, "", &refused);
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    moving->site = (char *)(uintptr_t)http_param(request, "site");
    sites_know(request, moving->site, on_site, moving);
}

/* ---- how far it is ---- */

static void on_state(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    const struct moving *moving = context;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(
            request, 200,
            json_from_message(&reply->casework->moving->base, sites_zone(request->gateway, moving->site)));
}

static void ask_state(struct http_request *request, void *context)
{
    struct moving *moving = context;
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetMove get = CASEWORK__GET_MOVE__INIT;
    get.after = moving->after;
    get.limit = (uint32_t)moving->limit;
    query.site = moving->site;
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = CASEWORK__QUERY__KIND_MOVE;
    casework.move = &get;
    cell_query(request, HB__SERVICE__CASEWORK, &query, on_state, moving);
}

void policies_moving(struct http_request *request)
{
    struct moving *moving = arena_zero(&request->arena, sizeof *moving);
    if (!parameter_number(request, "after", 1, UINT64_MAX, &moving->after) ||
        !parameter_number(request, "limit", 1, PAGE_MAX, &moving->limit))
        return;
    moving->site = (char *)(uintptr_t)http_param(request, "site");
    sites_know(request, moving->site, ask_state, moving);
}
