/* POST /cases/{id}/actions/{action}: one step of the case, by the policy's name for it. */
#include "cases.h"

#include "body.h"
#include "parameters.h"
#include "problem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void on_acted(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__CommandReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    bool stage = reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_STAGE;
    json_t *json =
        json_pack("{s:s, s:s, s:s}", "case_id", case_id_text(request, reply->case_id), "version",
                  arena_printf(&request->arena, "%" PRIu64, reply->version), "stage", stage ? reply->stage : "");
    if (reply->repeated_command)
        json_object_set_new(json, "repeated_command", json_true());
    http_set(request, "ETag", arena_printf(&request->arena, "\"%" PRIu64 "\"", reply->version));
    http_respond_json(request, 200, json);
}

/* "7", "\"7\"", "W/\"7\""; "*" and no header at all: any version. */
static bool version_of(struct http_request *request, uint64_t *version_out)
{
    const char *given = http_header(request, "If-Match"), *text = given ? given : "*";
    static const char *const accepted[] = {"\"7\"", "*", NULL};
    char *end;
    *version_out = 0;
    if (strcmp(text, "*") == 0)
        return true;
    text += strncmp(text, "W/", 2) == 0 ? 2 : 0;
    text += *text == '"';
    *version_out = strtoull(text, &end, 10);
    if (*text >= '1' && *text <= '9' && (strcmp(end, "\"") == 0 || !*end))
        return true;
    parameter_refuse(request, "If-Match", accepted);
    return false;
}

static Casework__Act *act_of(struct http_request *request)
{
    json_t *body = body_object(request, true);
    const Hb__Refusal *refused = NULL;
    if (!body)
        return NULL;
    json_object_set_new(body, "step", json_string(http_param(request, "action")));
    Casework__Act *act = (Casework__Act *)body_message(request, body, &casework__act__descriptor, "", &refused);
    if (refused)
        problem_respond(request, refused);
    return act;
}

static void on_found(struct http_request *request, uint64_t case_id)
{
    Hb__Command command = HB__COMMAND__INIT;
    Casework__Command casework = CASEWORK__COMMAND__INIT;
    if (!version_of(request, &command.expected_version) || !(casework.act = act_of(request)))
        return;
    command.case_id = case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command.casework = &casework;
    casework.kind_case = CASEWORK__COMMAND__KIND_ACT;
    cell_command(request, HB__SERVICE__CASEWORK, &command, 0, on_acted, NULL);
}

void cases_act(struct http_request *request)
{
    case_ref_find(request, on_found);
}
