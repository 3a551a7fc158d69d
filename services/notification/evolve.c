#include "base/planted.h"
#include "message/message.h"
#include "notification.h"

#include <inttypes.h>

static void evolve_registered(struct turn *turn, const Hb__Event *event)
{
    const Intake__CaseRegistered *registered = event->intake->registered;
    Noterec__Case record = NOTEREC__CASE__INIT;
    record.site = event->site;
    record.kind = registered->kind;
    record.policy_version = event->policy_version;
    record.number = registered->number;
    struct bytes party =
        registered->party ? message_pack(&registered->party->base, turn_arena(turn)) : (struct bytes){0};
    record.party = (ProtobufCBinaryData){party.size, (uint8_t *)(uintptr_t)party.data};
    record.nobody_waits = registered->requested_by && !registered->party;
    facts_list_fold(turn_arena(turn), &record.facts, &record.n_facts, event);
    notification_case_save(turn, event->case_id, &record);
    turn_case_known(turn, event->case_id);
}

static void evolve_facts(struct turn *turn, const Hb__Event *event)
{
    bool moved = event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
                 event->casework->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED;
    Noterec__Case *record = event->n_facts || moved ? notification_case(turn, event->case_id) : NULL;
    if (!record)
        return;
    if (moved)
        record->policy_version = event->casework->case_moved->to;
    facts_list_fold(turn_arena(turn), &record->facts, &record->n_facts, event);
    notification_case_save(turn, event->case_id, record);
}

static char *effect_id(struct turn *turn, uint64_t notice_id)
{
    return arena_printf(turn_arena(turn), "%016" PRIx64, notice_id);
}

static const Hb__Sealed *sealed_address(struct turn *turn, const Noterec__Case *record)
{
    ProtobufCMessage *message;
    char *why;
    bug_unless(message_load(&intake__party__descriptor, bytes_of(record->party.data, record->party.len),
                            turn_arena(turn), &message, &why) == ERR_NONE);
    const Intake__Party *party = (const Intake__Party *)message;
    return party->email ? party->email->sealed : NULL;
}

static void set_effect(struct turn *turn, const Noterec__Notice *row, int64_t due_ms, uint32_t attempt)
{
    const Noterec__Case *record = notification_case(turn, row->case_id);
    const Directory__Person *person = *row->queued->person ? organisation_person(turn, row->queued->person) : NULL;
    Noterec__Mail mail = NOTEREC__MAIL__INIT;
    mail.case_id = row->case_id;
    mail.site = row->site;
    mail.message_id = row->queued->message_id;
    mail.subject = row->queued->subject ? row->queued->subject->zh : row->queued->notice;
    mail.text = row->queued->text
                    ? arena_printf(turn_arena(turn), "%s\r\n\r\n%s", row->queued->text->zh, row->queued->text->en)
                    : row->queued->notice;
    mail.letter = row->queued->letter;
    if (person)
        mail.to = person->email;
    else
        mail.to_sealed = (Hb__Sealed *)(uintptr_t)sealed_address(turn, record);
    turn_effect_set(turn, effect_id(turn, row->queued->notice_id), due_ms, attempt,
                    message_pack(&mail.base, turn_arena(turn)));
}

static void asked_more(struct turn *turn, const Notification__NoticeQueued *queued)
{
    Noterec__Asked fresh = NOTEREC__ASKED__INIT, *asked = notification_asked(turn, queued->source, queued->notice);
    if (!asked)
        asked = &fresh;
    asked->done += strcmp(queued->status, "published") == 0;
    if (!queued->after) { /* else he is counted already */
        asked->queued++;
        asked->more = queued->more > 0;
    }
    notification_asked_save(turn, queued->source, queued->notice, asked);
}

static void asked_done(struct turn *turn, uint64_t notice_id)
{
    const Noterec__Notice *row = notification_notice(turn, notice_id);
    Noterec__Asked *asked = row ? notification_asked(turn, row->queued->source, row->queued->notice) : NULL;
    if (!asked)
        return;
    asked->done++;
    notification_asked_save(turn, row->queued->source, row->queued->notice, asked);
}

static void evolve_queued(struct turn *turn, const Hb__Event *event)
{
    Notification__NoticeQueued *queued = event->notification->queued;
    Noterec__Case *record = notification_case(turn, event->case_id);
    if (!record)
        return;
    Noterec__Notice row = NOTEREC__NOTICE__INIT;
    row.case_id = event->case_id;
    row.site = event->site;
    row.queued = queued;
    row.status = queued->status;
    row.queued_ms = event->recorded_ms;
    notification_notice_save(turn, queued->notice_id, &row);
    TURN_ADD(turn, record->notices, record->n_notices, queued->notice_id);
    notification_case_save(turn, event->case_id, record);
    asked_more(turn, queued);
    if (strcmp(queued->status, "due") == 0)
        notification_due_put(turn, &row);
    if (strcmp(queued->status, "queued") == 0 && !planted_each("lose_mail", 5))
        set_effect(turn, &row, queued->not_before_ms ? queued->not_before_ms : event->recorded_ms, 1);
}

static void finish(struct turn *turn, const Hb__Event *event, uint64_t id, const char *status, uint32_t attempts,
                   char *error, char *proof)
{
    Noterec__Notice *row = notification_notice(turn, id);
    if (!row)
        return;
    if (strcmp(row->status, "due") == 0)
        notification_due_delete(turn, row);
    row->status = (char *)(uintptr_t)status;
    row->attempts = attempts;
    row->error = error;
    row->proof = proof;
    row->done_ms = event->recorded_ms;
    notification_notice_save(turn, id, row);
    turn_effect_clear(turn, effect_id(turn, id));
    if (planted("double_effect"))
        set_effect(turn, row, event->recorded_ms + 60000, attempts + 1);
}

static void evolve_own(struct turn *turn, const Hb__Event *event)
{
    const Notification__Event *said = event->notification;
    static char none[] = "";
    switch (said->kind_case) {
    case NOTIFICATION__EVENT__KIND_QUEUED:
        evolve_queued(turn, event);
        return;
    case NOTIFICATION__EVENT__KIND_ATTEMPT_FAILED: {
        Noterec__Notice *row = notification_notice(turn, said->attempt_failed->notice_id);
        row->attempts = said->attempt_failed->attempt;
        row->error = said->attempt_failed->error;
        notification_notice_save(turn, said->attempt_failed->notice_id, row);
        set_effect(turn, row, said->attempt_failed->next_ms, said->attempt_failed->attempt + 1);
        return;
    }
    case NOTIFICATION__EVENT__KIND_DELIVERED:
        bug_unless(!planted("poison_delivered") ||
                   !notification_notice(turn, said->delivered->notice_id)->queued->complainant);
        finish(turn, event, said->delivered->notice_id, "delivered", said->delivered->attempt, none,
               said->delivered->proof);
        asked_done(turn, said->delivered->notice_id);
        return;
    case NOTIFICATION__EVENT__KIND_FAILED:
        finish(turn, event, said->failed->notice_id, "failed", said->failed->attempts, said->failed->error, none);
        return;
    case NOTIFICATION__EVENT__KIND_TOLD:
        notification_asked_delete(turn, said->told->source, said->told->notice);
        return;
    case NOTIFICATION__EVENT__KIND__NOT_SET:
        return;
    }
}

void notification_evolve(struct turn *turn, const Hb__Event *event)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_INTAKE:
        if (event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED)
            evolve_registered(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ROUTING:
        evolve_facts(turn, event);
        return;
    case HB__EVENT__PAYLOAD_CASEWORK:
        evolve_facts(turn, event);
        notification_evolve_request(turn, event);
        return;
    case HB__EVENT__PAYLOAD_ESCALATION:
        notification_evolve_request(turn, event);
        return;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        evolve_own(turn, event);
        return;
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}
