#include "notification.h"

#include <stdio.h>

/* That a letter goes with it is told here; what stands in it is read in the case. */
static Notification__NoticeQueued *without_text(struct turn *turn, Notification__NoticeQueued *queued)
{
    if (!queued->letter)
        return queued;
    Notification__NoticeQueued *copy = TURN_NEW(turn, Notification__NoticeQueued, notification__notice_queued__init);
    *copy = *queued;
    copy->letter = TURN_NEW(turn, Hb__Letter, hb__letter__init);
    *copy->letter = *queued->letter;
    copy->letter->text = NULL;
    return copy;
}

/* ---- what a person must send, at a site ---- */

static void add_due(struct turn *turn, Notification__DueNotices *list, const Noterec__Notice *row,
                    const Noterec__Case *record)
{
    Notification__DueNotice *due = TURN_NEW(turn, Notification__DueNotice, notification__due_notice__init);
    due->case_id = row->case_id;
    due->number = record->number;
    due->kind = record->kind;
    due->policy_version = record->policy_version;
    due->notice = without_text(turn, row->queued);
    due->queued_ms = row->queued_ms;
    TURN_ADD(turn, list->notices, list->n_notices, due);
}

static const Noterec__Case *case_of(struct turn *turn, const Noterec__Notice *row)
{
    const Noterec__Case *record = notification_case(turn, row->case_id);
    struct key key = key_u64(row->case_id);
    if (!record)
        state_missing(turn, NOTIFICATION_CASE, key_bytes(&key));
    return record;
}

static bool due_from(struct turn *turn, const char *site, const char *cursor, struct key *from_out)
{
    unsigned long long at = 0, id = 0;
    int used = 0;
    bool good = !*cursor || (sscanf(cursor, "%llx-%llx%n", &at, &id, &used) == 2 && !cursor[used]);
    *from_out = key_text(site);
    key_add_u64(from_out, at);
    key_add_u64(from_out, *cursor ? id + 1 : 0);
    if (!good)
        refusal_field(turn, turn_refuse(turn, 422, "bad_field", "翻页游标无效", "this cursor was not given by a list"),
                      "cursor");
    return good;
}

/* Those that the asker may see; a page ends early where it would look at too many that he may not. */
static void answer_due(struct turn *turn, const Hb__Query *query, Notification__Reply *reply)
{
    const Notification__GetDue *get = query->notification->due;
    unsigned limit = get->limit ? get->limit : NOTIFICATION_DUE_DEFAULT, looked = 0;
    limit = limit < NOTIFICATION_DUE_MAX ? limit : NOTIFICATION_DUE_MAX;
    Notification__DueNotices *list = reply->due =
        TURN_NEW(turn, Notification__DueNotices, notification__due_notices__init);
    struct key prefix = key_text(query->site), from;
    struct bytes key, value;
    reply->kind_case = NOTIFICATION__REPLY__KIND_DUE;
    if (!due_from(turn, query->site, get->cursor, &from))
        return;
    struct state_scan *scan = state_scan_open(turn, NOTIFICATION_DUE, key_bytes(&prefix), key_bytes(&from));
    while (state_scan_next(scan, &key, &value)) {
        uint64_t at = bytes_get_u64(key.data + prefix.size), id = bytes_get_u64(key.data + prefix.size + 8);
        const Noterec__Notice *row = notification_notice_named(turn, id);
        const Noterec__Case *record = case_of(turn, row);
        if (notification_may_see(turn, query->actor, record))
            add_due(turn, list, row, record);
        if (list->n_notices < limit && ++looked < NOTIFICATION_LOOKED_MAX)
            continue;
        list->cursor = arena_printf(turn_arena(turn), "%llx-%llx", (unsigned long long)at, (unsigned long long)id);
        return;
    }
}

static void answer_site(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    if (!organisation_site(turn, query->site) ||
        (query->actor && !rights_may(turn, query->actor, "read", query->site))) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_NOTIFICATION;
    reply->notification = TURN_NEW(turn, Notification__Reply, notification__reply__init);
    answer_due(turn, query, reply->notification);
}

void notification_answer(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    bool ours = query->payload_case == HB__QUERY__PAYLOAD_NOTIFICATION;
    bool understood = ours && query->notification->kind_case == NOTIFICATION__QUERY__KIND_NOTICES;
    if (ours && query->notification->kind_case == NOTIFICATION__QUERY__KIND_DUE) {
        answer_site(turn, query, reply);
        return;
    }
    const Noterec__Case *record = understood ? notification_case(turn, query->notification->notices->case_id) : NULL;
    if (!record || !notification_may_see(turn, query->actor, record)) {
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
        const Noterec__Notice *row = notification_notice_named(turn, record->notices[i]);
        Notification__NoticeState *state = TURN_NEW(turn, Notification__NoticeState, notification__notice_state__init);
        state->notice = without_text(turn, row->queued);
        state->status = row->status;
        state->queued_ms = row->queued_ms;
        state->done_ms = row->done_ms;
        state->attempts = row->attempts;
        state->error = row->error;
        state->proof = row->proof;
        TURN_ADD(turn, notices->notices, notices->n_notices, state);
    }
}
