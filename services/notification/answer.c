#include "notification.h"

void notification_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    bool understood = query->payload_case == HB__QUERY__PAYLOAD_NOTIFICATION &&
                      query->notification->kind_case == NOTIFICATION__QUERY__KIND_NOTICES;
    const Noterec__Case *record = understood ? notification_case(turn, query->notification->notices->case_id) : NULL;
    if (!record || (query->actor && !rights_may(turn, query->actor, "read", record->site))) {
        turn_refuse(turn, 404, "not_found", "没有这个案件", "there is no such case");
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_NOTIFICATION;
    reply->notification = TURN_NEW(turn, Notification__Reply, notification__reply__init);
    reply->notification->kind_case = NOTIFICATION__REPLY__KIND_NOTICES;
    Notification__Notices *notices = reply->notification->notices =
        TURN_NEW(turn, Notification__Notices, notification__notices__init);
    bool all = record->n_notices <= NOTIFICATION_LISTED_MAX;
    for (size_t i = all ? 0 : record->n_notices - NOTIFICATION_LISTED_MAX; i < record->n_notices; i++) {
        const Noterec__Notice *row = notification_notice(turn, record->notices[i]);
        Notification__NoticeState *state = TURN_NEW(turn, Notification__NoticeState, notification__notice_state__init);
        state->notice = row->queued;
        state->status = row->status;
        state->queued_ms = row->queued_ms;
        state->done_ms = row->done_ms;
        state->attempts = row->attempts;
        state->error = row->error;
        state->proof = row->proof;
        TURN_ADD(turn, notices->notices, notices->n_notices, state);
    }
}
