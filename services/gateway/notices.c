/* Notices that a person must send: the list of a site, and saying that one was sent. */
#include "cases.h"
#include "cell.h"
#include "parameters.h"
#include "problem.h"
#include "sites.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>

#define LIMIT_MAX 200u

struct due {
    const char *site;
    const Notification__DueNotices *notices;
};

static void give_due(struct http_request *request, void *context)
{
    const struct due *due = context;
    json_t *json = json_from_message(&due->notices->base, sites_zone(request->gateway, due->site));
    if (!json_object_get(json, "notices"))
        json_object_set_new(json, "notices", json_array());
    http_respond_json(request, 200, json);
}

static void on_due(struct http_request *request, void *context, const Hb__Refusal *refused, const Hb__QueryReply *reply)
{
    struct due *due = context;
    if (refused) {
        problem_respond(request, refused);
        return;
    }
    due->notices = reply->notification->due;
    sites_know(request, due->site, give_due, due);
}

void notices_due(struct http_request *request)
{
    struct due *due = arena_zero(&request->arena, sizeof *due);
    Hb__Query query = HB__QUERY__INIT;
    Notification__Query notification = NOTIFICATION__QUERY__INIT;
    Notification__GetDue get = NOTIFICATION__GET_DUE__INIT;
    uint64_t limit = 0;
    due->site = query.site = parameter_text(request, "site");
    if (!*due->site) {
        case_list_refuse_no_site(request);
        return;
    }
    if (!parameter_number(request, "limit", 1, LIMIT_MAX, &limit))
        return;
    get.limit = (uint32_t)limit;
    get.cursor = parameter_text(request, "cursor");
    query.payload_case = HB__QUERY__PAYLOAD_NOTIFICATION;
    query.notification = &notification;
    notification.kind_case = NOTIFICATION__QUERY__KIND_DUE;
    notification.due = &get;
    cell_query(request, HB__SERVICE__NOTIFICATION, &query, on_due, due);
}

/* ---- it was sent ---- */

static void on_found(struct http_request *request, uint64_t case_id)
{
    Hb__Command command = HB__COMMAND__INIT;
    Notification__Command notification = NOTIFICATION__COMMAND__INIT;
    Notification__MarkSent mark = NOTIFICATION__MARK_SENT__INIT;
    const char *text = http_param(request, "notice");
    char *end;
    errno = 0;
    mark.notice_id = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno) {
        problem_say(request, 404, "not_found", "该案件没有这条通知", "the case has no such notice");
        return;
    }
    command.case_id = case_id;
    command.payload_case = HB__COMMAND__PAYLOAD_NOTIFICATION;
    command.notification = &notification;
    notification.kind_case = NOTIFICATION__COMMAND__KIND_MARK_SENT;
    notification.mark_sent = &mark;
    cell_command(request, HB__SERVICE__NOTIFICATION, &command, 0, cell_give_nothing, NULL);
}

void cases_notice_sent(struct http_request *request)
{
    case_ref_find(request, on_found);
}
