/* What follows from a request, and from a notice that arrived: when every addressee of a request has it, NoticeTold. */
#include "notification.h"

/* Own: what is published or delivered may complete its request. */
static void react_own(struct turn *turn, const Hb__Event *event)
{
    const Notification__Event *said = event->notification;
    bool published =
        said->kind_case == NOTIFICATION__EVENT__KIND_QUEUED && strcmp(said->queued->status, "published") == 0;
    uint64_t id = published                                                ? said->queued->notice_id
                  : said->kind_case == NOTIFICATION__EVENT__KIND_DELIVERED ? said->delivered->notice_id
                                                                           : 0;
    const Noterec__Notice *row = id ? notification_notice(turn, id) : NULL;
    const Noterec__Asked *asked = row ? notification_asked(turn, row->queued->source, row->queued->notice) : NULL;
    struct notification_request about = {
        .turn = turn, .event = event, .record = notification_case(turn, event->case_id)};
    if (!asked || asked->more || asked->done < asked->queued || !about.record)
        return;
    Notification__NoticeTold *told = TURN_NEW(turn, Notification__NoticeTold, notification__notice_told__init);
    told->notice = row->queued->notice;
    told->source = row->queued->source;
    told->round = row->queued->round;
    turn_say(turn, notification_event(&about, NOTIFICATION__EVENT__KIND_TOLD, told));
}

void notification_react(struct turn *turn, const Hb__Event *event)
{
    struct notification_request request;
    if (event->case_id == 0)
        return;
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_CASEWORK:
    case HB__EVENT__PAYLOAD_ESCALATION:
        if (notification_request_read(&request, turn, event))
            notification_request_meet(&request);
        return;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        react_own(turn, event);
        return;
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}
