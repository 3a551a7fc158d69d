/* The one command: a person has told the addressee of a notice that no program could send. It is the proof of it:
   NoticeDelivered, with who says so. */
#include "notification.h"

#include "organisation/conditions.h"

bool notification_may_see(struct turn *turn, const Hb__Actor *actor, const Noterec__Case *record)
{
    if (actor && !rights_may(turn, actor, "read", record->site))
        return false;
    const struct facts facts = {record->facts, record->n_facts};
    const struct case_view view = {.turn = turn, .site = record->site, .facts = &facts, .now_ms = turn_now(turn)};
    return !case_hidden(&view, record->kind, record->policy_version, actor);
}

static void refuse_sent(struct turn *turn, const char *status)
{
    Hb__Refusal *refusal = turn_refuse(turn, 409, "not_due", "该通知不需要由人发送，或已经发送",
                                       "this notice waits for nobody to send it, or was sent already");
    refusal_field(turn, refusal, "status");
    refusal_problem(turn, refusal, "status", "", status, status);
    refusal_accepts(turn, refusal, "due");
}

void notification_decide(struct turn *turn, const Hb__Command *command)
{
    if (command->payload_case != HB__COMMAND__PAYLOAD_NOTIFICATION ||
        command->notification->kind_case != NOTIFICATION__COMMAND__KIND_MARK_SENT) {
        turn_refuse(turn, 404, "not_found", "通知服务不接受该命令", "notification does not take this command");
        return;
    }
    const Notification__MarkSent *mark = command->notification->mark_sent;
    const Noterec__Notice *row = notification_notice(turn, mark->notice_id);
    Hb__Event asked = HB__EVENT__INIT; /* what NoticeDelivered is about */
    asked.site = row ? row->site : command->site;
    asked.case_id = command->case_id;
    struct notification_request about = {
        .turn = turn, .event = &asked, .record = row ? notification_case(turn, row->case_id) : NULL};
    if (!about.record || row->case_id != command->case_id ||
        !notification_may_see(turn, command->actor, about.record)) {
        turn_refuse(turn, 404, "not_found", "该案件没有这条通知", "the case has no such notice");
        return;
    }
    if (command->actor && !rights_may(turn, command->actor, "act", row->site)) {
        turn_refuse(turn, 403, "not_allowed", "没有在该站点办理的权限", "this account may not act at the site");
        return;
    }
    if (strcmp(row->status, "due") != 0) {
        refuse_sent(turn, row->status);
        return;
    }
    Notification__NoticeDelivered *delivered =
        TURN_NEW(turn, Notification__NoticeDelivered, notification__notice_delivered__init);
    delivered->notice_id = mark->notice_id;
    delivered->attempt = 1;
    delivered->proof = (char *)(uintptr_t) "by hand";
    turn_say(turn, notification_event(&about, NOTIFICATION__EVENT__KIND_DELIVERED, delivered));
}
