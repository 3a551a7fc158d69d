/* POST servicerequestupdates: what whoever made a request has to add to it, passed on by the account that registered
   it. To the case it is an addition of its complainant, by the step of the policy with which the portal takes one.
   Whatever else a client says of the update (a status, when it was made, by whom) is not for a complainant to say, or
   is known. */
#include "open311_call.h"

#include "policy/lookup.h"
#include "portal_files.h"

struct updating {
    struct call *call;
    const char *number, *text;
    char id[CELL_COMMAND_ID_CHARACTERS + 1];
    char *update;
    uint64_t case_id;
    Gatewayrec__Session session; /* says which files were not taken */
};

/* ---- by which step ---- */

static bool by_complainant(const Policy__Step *step)
{
    for (size_t i = 0; i < step->n_by; i++)
        if (step->by[i]->n_of == 0 && strcmp(step->by[i]->root, "complainant") == 0)
            return true;
    return false;
}

/* The one text that a complainant must write to take it; NULL: there is none, or more is needed. */
static const Policy__FieldDef *text_needed(const Policy__Kind *kind, const Policy__Step *step)
{
    const Policy__FieldDef *def = step->n_needs == 1 && step->needs[0]->type == POLICY__NEED__TYPE__FIELD
                                      ? policy_field(kind, step->needs[0]->name)
                                      : NULL;
    return def && def->type == POLICY__FIELD_DEF__TYPE__TEXT ? def : NULL;
}

/* It moves nothing: it only says more. */
static const Policy__Step *step_of(const Policy__Kind *kind, const char *stage, const Policy__FieldDef **text_out)
{
    for (size_t i = 0; i < kind->n_steps; i++) {
        const Policy__Step *step = kind->steps[i];
        *text_out = text_needed(kind, step);
        if (*text_out && !*step->to && by_complainant(step) && policy_step_from(step, stage) &&
            strcmp(step->name, kind->public_problem) != 0)
            return step;
    }
    return NULL;
}

/* ---- sending ---- */

static void on_files(struct visit *visit, void *context)
{
    const struct updating *updating = context;
    char *notice = arena_strdup(visit_arena(visit), "");
    for (size_t i = 0; i < updating->session.n_unattached; i++)
        notice =
            arena_printf(visit_arena(visit), "%s%s%s", notice, *notice ? "; " : "", updating->session.unattached[i]);
    call_answer(visit->request, 201, "service_request_updates", "request_update",
                json_pack("[{s:s, s:s, s:o}]", "update_id", updating->update, "service_request_id", updating->number,
                          "service_notice", *notice ? json_string(notice) : json_null()));
}

/* It is added, whatever becomes of its files. */
static void on_acted(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__CommandReply *reply)
{
    struct updating *updating = context;
    if (refused) {
        open311_refuse(request, refused);
        return;
    }
    updating->update = arena_printf(&request->arena, "%s-%llu", updating->number, (unsigned long long)reply->version);
    gatewayrec__session__init(&updating->session);
    portal_files_add(updating->call->visit, updating->case_id, true, *updating->id ? updating->id : NULL,
                     &updating->session, on_files, updating);
}

static void act(struct updating *updating, const Policy__Step *step, const Policy__FieldDef *text)
{
    struct http_request *request = updating->call->request;
    Hb__Command command = HB__COMMAND__INIT;
    Casework__Command casework = CASEWORK__COMMAND__INIT;
    Casework__Act act = CASEWORK__ACT__INIT;
    Hb__Field field = HB__FIELD__INIT, *fields[] = {&field};
    const char *id = call_value(updating->call, "update_id");
    field.name = text->name;
    field.content_case = HB__FIELD__CONTENT_TEXT;
    field.text = call_personal(updating->call, call_text(updating->call, updating->text));
    act.step = step->name;
    act.fields = fields;
    act.n_fields = 1;
    act.for_complainant = true;
    if (id) { /* the client's own: sent again it is the same update */
        cell_command_id_of(request, arena_printf(&request->arena, "open311 %s %s", updating->number, id), 0,
                           updating->id);
        command.id = updating->id;
    }
    command.site = updating->call->visit->site->id;
    command.case_id = updating->case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command.casework = &casework;
    casework.kind_case = CASEWORK__COMMAND__KIND_ACT;
    casework.act = &act;
    cell_command(request, HB__SERVICE__CASEWORK, &command, 0, on_acted, updating);
}

static void on_list(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct updating *updating = context;
    const Analytics__CaseRow *row = NULL;
    if (refused) {
        open311_refuse(request, refused);
        return;
    }
    for (size_t i = 0; i < reply->analytics->list->n_rows; i++) /* a number asks for all that begin so */
        if (strcmp(reply->analytics->list->rows[i]->number, updating->number) == 0)
            row = reply->analytics->list->rows[i];
    const Policy__Kind *kind = row ? policy_kind(updating->call->visit->policy, row->kind) : NULL;
    const Policy__FieldDef *text = NULL;
    const Policy__Step *step = kind ? step_of(kind, row->stage, &text) : NULL;
    if (!row) {
        call_fail(request, 404, "没有这个 service_request_id", "service_request_id was not found");
    } else if (!step) {
        call_fail(request, 400, "该件现在不接受补充", "nothing can be added to this request now");
    } else {
        updating->case_id = row->case_id;
        act(updating, step, text);
    }
}

static void update(struct call *call)
{
    const char *number = call_value(call, "service_request_id"), *text = call_value(call, "description");
    if (!number || !text) {
        call_fail(call->request, 400, number ? "缺少 description" : "缺少 service_request_id",
                  number ? "description was not provided" : "service_request_id was not provided");
        return;
    }
    struct updating *updating = arena_zero(&call->request->arena, sizeof *updating);
    Hb__Query query = HB__QUERY__INIT;
    Analytics__Query analytics = ANALYTICS__QUERY__INIT;
    Analytics__ListCases list = ANALYTICS__LIST_CASES__INIT;
    Analytics__Filter filter = ANALYTICS__FILTER__INIT;
    *updating = (struct updating){.call = call, .number = number, .text = text};
    query.site = call->visit->site->id;
    query.payload_case = HB__QUERY__PAYLOAD_ANALYTICS;
    query.analytics = &analytics;
    analytics.kind_case = ANALYTICS__QUERY__KIND_LIST;
    analytics.list = &list;
    list.filter = &filter;
    filter.number = (char *)(uintptr_t)number;
    cell_query(call->request, HB__SERVICE__ANALYTICS, &query, on_list, updating);
}

void open311_update(struct http_request *request)
{
    if (http_form_read(request))
        call_begin(request, http_param(request, "format"), &request->gateway->portal->submitting, true, update);
}
