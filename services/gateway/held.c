#include "held.h"

#include "body.h"
#include "cases.h"
#include "parameters.h"
#include "problem.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>

#define LIMIT_MAX 16u /* intake opens the texts of so many at once */

/* ---- the list ---- */

struct held {
    const char *site;
    Intake__HeldList *list;
    const Hb__Refusal *unopened;
    bool masked;
};

static void give(struct http_request *request, void *context)
{
    const struct held *held = context;
    json_t *json = json_from_message(&held->list->base, sites_zone(request->gateway, held->site));
    if (!json_object_get(json, "rows"))
        json_object_set_new(json, "rows", json_array());
    json_object_set_new(json, "waiting", json_integer(held->list->waiting));
    if (held->masked)
        json_object_set_new(json, "masked", json_true());
    if (held->unopened)
        json_object_set_new(json, "unopened", problem_json(request, held->unopened));
    http_respond_json(request, 200, json);
}

static void on_opened(struct http_request *request, void *context, const Hb__Refusal *unopened, bool masked)
{
    struct held *held = context;
    held->unopened = unopened;
    held->masked = masked;
    give(request, held);
}

static void on_list(struct http_request *request, void *context, const Hb__Refusal *refused,
                    const Hb__QueryReply *reply)
{
    struct held *held = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    held->list = reply->intake->held;
    ProtobufCMessage *messages[] = {&held->list->base};
    case_open_texts(request, held->list->n_rows ? held->list->rows[0]->id : 0, messages, 1, on_opened, held);
}

static void ask(struct http_request *request, void *context)
{
    static const char *const truths[] = {"true", "false", NULL};
    struct held *held = context;
    Hb__Query query = HB__QUERY__INIT;
    Intake__Query intake = INTAKE__QUERY__INIT;
    Intake__GetHeld get = INTAKE__GET_HELD__INIT;
    unsigned refused = 1, count = 1;
    uint64_t limit = 0, after = 0;
    if (!parameter_choice(request, "refused", truths, &refused) ||
        !parameter_choice(request, "count", truths, &count) ||
        !parameter_number(request, "limit", 1, LIMIT_MAX, &limit) ||
        !parameter_number(request, "after", 1, UINT64_MAX, &after))
        return;
    get.refused = refused == 0;
    get.count_only = count == 0;
    get.limit = (uint32_t)limit;
    get.after = after;
    query.site = (char *)(uintptr_t)held->site;
    query.payload_case = HB__QUERY__PAYLOAD_INTAKE;
    query.intake = &intake;
    intake.kind_case = INTAKE__QUERY__KIND_HELD;
    intake.held = &get;
    cell_query(request, HB__SERVICE__INTAKE, &query, on_list, held);
}

void held_list(struct http_request *request)
{
    struct held *held = arena_zero(&request->arena, sizeof *held);
    held->site = parameter_text(request, "site");
    if (!*held->site)
        case_list_refuse_no_site(request);
    else
        sites_know(request, held->site, ask, held);
}

/* ---- letting in, refusing ---- */

/* 0: it is no id, and has been answered. */
static uint64_t held_id(struct http_request *request)
{
    const char *text = http_param(request, "held");
    char *end;
    errno = 0;
    uint64_t id = strtoull(text, &end, 10);
    if (*text >= '1' && *text <= '9' && !*end && !errno)
        return id;
    problem_say(request, 404, "not_found", "没有这件待核的提交", "there is no such submission that is held");
    return 0;
}

struct letting {
    const char *site;
    const Hb__CommandReply *reply;
};

static void give_registered(struct http_request *request, void *context)
{
    const struct letting *letting = context;
    letting->reply->submitted->n_alike_ids = 0;
    http_set(request, "Location",
             arena_printf(&request->arena, "/api/v1/cases/%s", case_id_text(request, letting->reply->case_id)));
    http_respond_json(request, 201, submitted_json(request, letting->site, letting->reply));
}

static void on_registered(struct http_request *request, void *context, const Hb__Refusal *refused,
                          const Hb__CommandReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    bug_unless(reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_SUBMITTED);
    struct letting *letting = arena_zero(&request->arena, sizeof *letting);
    letting->reply = reply;
    letting->site = reply->submitted->site;
    sites_know(request, letting->site, give_registered, letting);
}

/* The case that it would be says which intake has it. */
static void send(struct http_request *request, uint64_t held, Intake__Command *intake, cell_command_fn *done)
{
    Hb__Command command = HB__COMMAND__INIT;
    command.case_id = held;
    command.payload_case = HB__COMMAND__PAYLOAD_INTAKE;
    command.intake = intake;
    cell_command(request, HB__SERVICE__INTAKE, &command, 0, done, NULL);
}

void held_register(struct http_request *request)
{
    Intake__Command intake = INTAKE__COMMAND__INIT;
    Intake__RegisterHeld wanted = INTAKE__REGISTER_HELD__INIT;
    wanted.held = held_id(request);
    intake.kind_case = INTAKE__COMMAND__KIND_REGISTER_HELD;
    intake.register_held = &wanted;
    if (wanted.held)
        send(request, wanted.held, &intake, on_registered);
}

void held_refuse(struct http_request *request)
{
    Intake__Command intake = INTAKE__COMMAND__INIT;
    json_t *body = body_object(request, false);
    const Hb__Refusal *wrong = NULL;
    if (!body)
        return;
    intake.kind_case = INTAKE__COMMAND__KIND_REFUSE_HELD;
    intake.refuse_held =
        (Intake__RefuseHeld *)body_message(request, body, &intake__refuse_held__descriptor, "", &wrong);
    if (wrong) {
        problem_respond(request, wrong);
        return;
    }
    intake.refuse_held->held = held_id(request);
    if (intake.refuse_held->held)
        send(request, intake.refuse_held->held, &intake, cell_give_nothing);
}
