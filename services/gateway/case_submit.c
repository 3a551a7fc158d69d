/* POST /cases: a submission goes to intake; the answer has the number, the tracking code and the promised dates. */
#include "cases.h"

#include "body.h"
#include "cell.h"
#include "parameters.h"
#include "portal.h"
#include "portal_proof.h"
#include "problem.h"
#include "qr.h"
#include "sites.h"
#include "json/json.h"

struct submission {
    const char *site;
    bool slip; /* what is printed for whom it was registered is wanted, too */
    Intake__Submit *submit;
    const Hb__CommandReply *reply;
};

json_t *submitted_json(struct http_request *request, const char *site, const Hb__CommandReply *reply)
{
    bug_unless(reply->payload_case ==
               HB__COMMAND_REPLY__PAYLOAD_SUBMITTED); /* intake answers these two with nothing else */
    reply->submitted->n_alike_ids = 0;
    json_t *json = json_from_message(&reply->submitted->base, sites_zone(request->gateway, site));
    json_object_set_new(json, "case_id", json_string(case_id_text(request, reply->case_id)));
    json_object_set_new(json, "site", json_string(site));
    if (reply->repeated_command)
        json_object_set_new(json, "repeated_command", json_true());
    return json;
}

static void answer(struct http_request *request, const struct submission *submission, json_t *slip)
{
    const Hb__CommandReply *reply = submission->reply;
    json_t *json = submitted_json(request, submission->site, reply);
    if (slip)
        json_object_set_new(json, "slip", slip);
    http_set(request, "Location",
             arena_printf(&request->arena, "/api/v1/cases/%s", case_id_text(request, reply->case_id)));
    http_respond_json(request, 201, json);
}

/* ---- the slip: where the case is followed, and the code of the portal's receipts ---- */

static json_t *slip_json(struct http_request *request, const struct submission *submission,
                         const Intake__Receipt *receipt)
{
    const Hb__CommandReply *reply = submission->reply;
    const char *proof = portal_proof_link(request, reply->case_id, reply->submitted->offset, &receipt->hash);
    if (!proof || !receipt->followed)
        return NULL;
    const char *track = arena_printf(&request->arena, "%s/track", portal_base(request));
    return json_pack("{s:s, s:s, s:s}", "track", track, "proof", proof, "qr", qr_image(&request->arena, proof));
}

/* Registered it is in any case: a slip that cannot be made now is left out. */
static void on_receipt(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__QueryReply *reply)
{
    const struct submission *submission = context;
    answer(request, submission, refused ? NULL : slip_json(request, submission, reply->intake->receipt));
}

static void make_slip(struct http_request *request, struct submission *submission)
{
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__CheckReceipt check = INTAKE__CHECK_RECEIPT__INIT;
    if (!submission->slip) {
        answer(request, submission, NULL);
        return;
    }
    query.case_id = check.case_id = submission->reply->case_id;
    check.offset = submission->reply->submitted->offset;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    intake.kind_case = INTAKE__QUERY__KIND_RECEIPT;
    intake.receipt = &check;
    cell_query(request, HB__SERVICE__INTAKE, &query, on_receipt, submission);
}

/* ---- likely duplicates: intake names them, analytics says which of them the account sees ---- */

#define LOOKED_UP_WITHIN_MS 300u /* a hint is not worth waiting for: the case is registered */

static void on_looked_up(struct http_request *request, void *context, const Hb__Refusal *refused,
                         const Hb__QueryReply *reply)
{
    struct submission *submission = context;
    Intake__Submitted *submitted = submission->reply->submitted;
    const Analytics__CaseList *list = refused ? NULL : reply->analytics->list;
    request->answer_within_ms = 0;
    submitted->n_alike = 0;
    submitted->alike = arena_alloc(&request->arena, (list ? list->n_rows + 1 : 1) * sizeof *submitted->alike);
    for (size_t i = 0; list && i < list->n_rows; i++)
        submitted->alike[submitted->n_alike++] = list->rows[i]->number;
    make_slip(request, submission);
}

/* As far as analytics has heard: what this very submission did is not asked for. */
static void look_up(struct http_request *request, struct submission *submission)
{
    Intake__Submitted *submitted = submission->reply->submitted;
    struct case_list *list = arena_zero(&request->arena, sizeof *list);
    analytics__filter__init(&list->filter);
    list->filter.case_ids = submitted->alike_ids;
    list->filter.n_case_ids = submitted->n_alike_ids;
    list->site = submission->site;
    list->cursor = "";
    list->cell = cells_own(request);
    request->n_after = 0;
    request->answer_within_ms = LOOKED_UP_WITHIN_MS;
    case_list_ask(request, list, (uint32_t)submitted->n_alike_ids, on_looked_up, submission);
}

static void on_submitted(struct http_request *request, void *context, const Hb__Refusal *refused,
                         const Hb__CommandReply *reply)
{
    struct submission *submission = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    submission->reply = reply;
    bug_unless(reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_SUBMITTED);
    if (reply->submitted->n_alike_ids)
        look_up(request, submission);
    else
        make_slip(request, submission);
}

static void on_site(struct http_request *request, void *context)
{
    struct submission *submission = context;
    Hb__Command command = HB__COMMAND__INIT;
    Intake__Command intake = INTAKE__COMMAND__INIT;
    command.site = (char *)(uintptr_t)submission->site;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = &intake;
    intake.kind_case = INTAKE__COMMAND__KIND_SUBMIT;
    intake.submit = submission->submit;
    cell_command(request, HB__SERVICE__INTAKE, &command, 0, on_submitted, submission);
}

/* ---- what may be registered ---- */

static void on_kinds(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    (void)context;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(request, 200, json_from_message(&reply->intake->registrable->base, NULL));
}

void cases_kinds(struct http_request *request)
{
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__MayRegister may = INTAKE__MAY_REGISTER__INIT;
    query.site = parameter_text(request, "site");
    if (!*query.site) {
        case_list_refuse_no_site(request);
        return;
    }
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    intake.kind_case = INTAKE__QUERY__KIND_MAY_REGISTER;
    intake.may_register = &may;
    cell_query(request, HB__SERVICE__INTAKE, &query, on_kinds, NULL);
}

/* ---- registering ---- */

void cases_submit(struct http_request *request)
{
    static const char *const words[] = {"false", "true", NULL};
    const Hb__Refusal *refused = NULL;
    struct submission *submission = arena_zero(&request->arena, sizeof *submission);
    unsigned slip = 0;
    if (!parameter_choice(request, "slip", words, &slip))
        return;
    submission->slip = slip == 1;
    json_t *body = body_object(request, false);
    if (!body)
        return;
    submission->site = body_take_text(request, body, "site");
    if (!submission->site) {
        json_decref(body);
        return;
    }
    submission->submit = (Intake__Submit *)body_message(request, body, &intake__submit__descriptor, "", &refused);
    if (refused)
        problem_respond(request, refused);
    else
        sites_know(request, submission->site, on_site, submission);
}
