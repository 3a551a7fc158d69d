#include "organisation.h"

#include "body.h"
#include "cell.h"
#include "message/message.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#include <inttypes.h>

/* ---- asking ---- */

static void ask_organisation(struct http_request *request, bool all, cell_query_fn *done)
{
    Hb__Query query = HB__QUERY__INIT;
    Directory__Query directory = DIRECTORY__QUERY__INIT;
    Directory__GetOrganisation get = DIRECTORY__GET_ORGANISATION__INIT;
    get.site = parameter_text(request, "site");
    get.all = all;
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
    static const char *const accepted[] = {"false", "true", NULL};
    unsigned all = 0;
    if (parameter_choice(request, "all", accepted, &all))
        ask_organisation(request, all == 1, on_organisation);
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
    ask_organisation(request, false, on_policies);
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

static json_t *warnings_json(const Hb__CommandReply *reply)
{
    json_t *list = json_array();
    for (size_t i = 0; i < reply->n_warnings; i++)
        json_array_append_new(list, json_from_message(&reply->warnings[i]->base, NULL));
    return list;
}

static void on_changed(struct http_request *request, void *context, const Hb__Refusal *refused,
                       const Hb__CommandReply *reply)
{
    const char *site = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    json_t *json = reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_YEAR_PUBLISHED
                       ? json_from_message(&reply->year_published->base, NULL)
                       : json_object();
    if (reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_POLICY_VERSION) {
        json_object_set_new(json, "site", json_string(site));
        json_object_set_new(json, "policy_version", json_integer(reply->policy_version));
    }
    if (reply->payload_case == HB__COMMAND_REPLY__PAYLOAD_COMING_POLICY) {
        json_object_set_new(json, "site", json_string(site));
        json_object_set_new(json, "coming", json_from_message(&reply->coming_policy->base, NULL));
    }
    if (reply->n_warnings)
        json_object_set_new(json, "warnings", warnings_json(reply));
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

void policies_withdraw(struct http_request *request)
{
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__WithdrawPolicy withdraw = DIRECTORY__WITHDRAW_POLICY__INIT;
    withdraw.site = (char *)(uintptr_t)http_param(request, "site");
    directory.kind_case = DIRECTORY__COMMAND__KIND_WITHDRAW_POLICY;
    directory.withdraw_policy = &withdraw;
    command_directory(request, &directory, withdraw.site);
}

/* ---- years of calendars ---- */

/* The body is the file as holiday-cn publishes it. */
void calendars_publish(struct http_request *request)
{
    static const char *const accepted[] = {"false", "true", NULL};
    Directory__Command directory = DIRECTORY__COMMAND__INIT;
    Directory__PublishYear year = DIRECTORY__PUBLISH_YEAR__INIT;
    unsigned replace = 0;
    json_t *body = body_object(request, false); /* a mistake in the JSON is told with its line */
    if (!body)
        return;
    json_decref(body);
    if (!parameter_choice(request, "replace", accepted, &replace))
        return;
    year.calendar = (char *)(uintptr_t)http_param(request, "calendar");
    year.holidays = arena_text(&request->arena, (const char *)request->body.data, request->body.size);
    year.replace = replace == 1;
    directory.kind_case = DIRECTORY__COMMAND__KIND_PUBLISH_YEAR;
    directory.publish_year = &year;
    command_directory(request, &directory, "");
}

static void on_moved(struct http_request *request, void *context, const Hb__Refusal *refused,
                     const Hb__QueryReply *reply)
{
    const char *site = context;
    if (refused)
        problem_respond(request, refused);
    else
        http_respond_json(request, 200,
                          json_from_message(&reply->watchdog->moved->base, sites_zone(request->gateway, site)));
}

static void ask_moved(struct http_request *request, void *context)
{
    Hb__Query query = HB__QUERY__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetMoved get = WATCHDOG__GET_MOVED__INIT;
    uint64_t limit = 0, after = 0;
    if (!parameter_time(request, "since", NULL, &get.since_ms) || !parameter_number(request, "limit", 1, 500, &limit) ||
        !parameter_number(request, "after", 1, UINT64_MAX, &after))
        return;
    get.limit = (uint32_t)limit;
    get.after = after;
    query.site = context;
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = WATCHDOG__QUERY__KIND_MOVED;
    watchdog.moved = &get;
    cell_query(request, HB__SERVICE__WATCHDOG, &query, on_moved, context);
}

void calendars_moved(struct http_request *request)
{
    char *site = parameter_text(request, "site");
    if (*site) {
        sites_know(request, site, ask_moved, site);
        return;
    }
    Hb__Refusal *refusal = problem_new(request, 400, "bad_parameter", "须指明站点", "name the site");
    refusal->field = arena_strdup(&request->arena, "site");
    problem_respond(request, refusal);
}
