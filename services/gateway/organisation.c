#include "organisation.h"

#include "body.h"
#include "cell.h"
#include "message/message.h"
#include "parameters.h"
#include "problem.h"
#include "json/json.h"

#include <inttypes.h>

/* ---- asking ---- */

static void ask_organisation(struct http_request *request, cell_query_fn *done)
{
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetOrganisation get = DIRECTORY__GET_ORGANISATION__INIT;
    get.site = parameter_text(request, "site");
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_ORGANISATION;
    directory.organisation = &get;
    cell_query(request, HB__SERVICE__DIRECTORY, &query, done, NULL);
}

static void on_organisation(struct http_request *request, void *context, const Hb__Refusal *refused,
                            const Hb__QueryReply *reply)
{
    (void)context;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(request, 200, json_from_message(&reply->directory->organisation->base, NULL));
}

void organisation_show(struct http_request *request)
{
    ask_organisation(request, on_organisation);
}

/* ---- policies in force ---- */

static void on_policies(struct http_request *request, void *context, const Hb__Refusal *refused,
                        const Hb__QueryReply *reply)
{
    (void)context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const Directory__Organisation *all = reply->directory->organisation;
    json_t *list = json_array();
    for (size_t i = 0; i < all->n_policies; i++)
        json_array_append_new(list, json_from_message(&all->policies[i]->base, NULL));
    http_respond_json(request, 200, json_pack("{s:o}", "policies", list));
}

void policies_list(struct http_request *request)
{
    ask_organisation(request, on_policies);
}

static void on_policy(struct http_request *request, void *context, const Hb__Refusal *refused,
                      const Hb__QueryReply *reply)
{
    (void)context;
    ProtobufCMessage *message;
    char *why;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    const Directory__PolicyReply *packed = reply->directory->policy;
    if (message_unpack(&policy__policy__descriptor, bytes_of(packed->policy.data, packed->policy.len), &request->arena,
                       &message, &why)) {
        problem_say(request, 500, "not_understood", "制度无法解析", why);
        return;
    }
    ((Policy__Policy *)message)->site = (char *)(uintptr_t)http_param(request, "site");
    ((Policy__Policy *)message)->version = packed->version;
    http_set(request, "ETag", arena_printf(&request->arena, "\"%" PRIu32 "\"", packed->version));
    http_respond_json(request, 200, json_from_message(message, NULL));
}

void policies_show(struct http_request *request)
{
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetPolicy get = DIRECTORY__GET_POLICY__INIT;
    uint64_t version = 0;
    if (!parameter_number(request, "version", 1, UINT32_MAX, &version))
        return;
    get.site = (char *)(uintptr_t)http_param(request, "site");
    get.version = (uint32_t)version;
    query.payload_case = HB__QUERY__PAYLOAD_DIRECTORY;
    query.directory = &directory;
    directory.kind_case = DIRECTORY__QUERY__KIND_POLICY;
    directory.policy = &get;
    cell_query(request, HB__SERVICE__DIRECTORY, &query, on_policy, NULL);
}

/* ---- commands ---- */

static void on_changed(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__CommandReply *reply)
{
    const char *site = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    json_t *json = json_object();
    if (reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_POLICY_VERSION) {
        json_object_set_new(json, "site", json_string(site));
        json_object_set_new(json, "policy_version", json_integer(reply->policy_version));
    }
    if (reply->repeated_command)
        json_object_set_new(json, "repeated_command", json_true());
    http_respond_json(request, 200, json);
}

static void command_directory(struct http_request *request, Directory__Command *directory, const char *site)
{
    Hb__Command command = HB__COMMAND__INIT;
    command.payload_case = HB__COMMAND__PAYLOAD_DIRECTORY;
    command.directory = directory;
    cell_command(request, HB__SERVICE__DIRECTORY, &command, 0, on_changed, (void *)(uintptr_t)site);
}

static ProtobufCMessage *read_body(struct http_request *request, const ProtobufCMessageDescriptor *descriptor)
{
    json_t *body = body_object(request, false);
    const Hb__Refusal *refused = NULL;
    ProtobufCMessage *message = body ? body_message(request, body, descriptor, "", &refused) : NULL;
    if (refused)
        problem_respond(request, refused);
    return message;
}

void organisation_change(struct http_request *request)
{
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    directory.kind_case = DIRECTORY__COMMAND__KIND_ORGANISE;
    directory.organise = (Directory__Organise *)read_body(request, &directory__organise__descriptor);
    if (directory.organise)
        command_directory(request, &directory, "");
}

void policies_publish(struct http_request *request)
{
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    directory.kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_POLICY;
    directory.publish_policy = (Directory__PublishPolicy *)read_body(request, &directory__publish_policy__descriptor);
    if (directory.publish_policy)
        command_directory(request, &directory, directory.publish_policy->site);
}
