/* Results of sending: "250 ..." delivered, "5.." failed for good, anything else is tried again. */
#include "base/planted.h"
#include "notification.h"

#include <stdlib.h>

static int64_t backoff(uint32_t attempt)
{
    int64_t wait = NOTIFICATION_RETRY_FIRST_MS;
    while (attempt-- > 1 && wait < NOTIFICATION_RETRY_MAX_MS)
        wait *= 2;
    return wait < NOTIFICATION_RETRY_MAX_MS ? wait : NOTIFICATION_RETRY_MAX_MS;
}

static void say_delivered(const struct notification_request *about, uint64_t id, uint32_t attempt, char *proof)
{
    Notification__NoticeDelivered *said =
        TURN_NEW(about->turn, Notification__NoticeDelivered, notification__notice_delivered__init);
    said->notice_id = id;
    said->attempt = attempt;
    said->proof = proof;
    turn_say(about->turn, notification_event(about, NOTIFICATION__EVENT__KIND_DELIVERED, said));
}

/* What failed in one channel is tried in the next that the policy names; only when none is left has it failed. */
static void say_failed(const struct notification_request *about, const Notification__NoticeQueued *queued,
                       uint32_t attempts, const char *error)
{
    Notification__NoticeQueued *next = notification_next_way(about, queued);
    Notification__NoticeFailed *said =
        TURN_NEW(about->turn, Notification__NoticeFailed, notification__notice_failed__init);
    said->notice_id = queued->notice_id;
    said->attempts = attempts;
    said->error = (char *)(uintptr_t)error;
    said->notice = queued->notice;
    said->channel = queued->channel;
    said->person = queued->person;
    said->complainant = queued->complainant;
    said->next = next ? next->channel : said->next;
    turn_say(about->turn, notification_event(about, NOTIFICATION__EVENT__KIND_FAILED, said));
    if (next && !planted("lose_next"))
        turn_say(about->turn, notification_event(about, NOTIFICATION__EVENT__KIND_QUEUED, next));
}

static void say_again(const struct notification_request *about, uint64_t id, uint32_t attempt, char *error)
{
    Notification__NoticeAttemptFailed *said =
        TURN_NEW(about->turn, Notification__NoticeAttemptFailed, notification__notice_attempt_failed__init);
    said->notice_id = id;
    said->attempt = attempt;
    said->error = error;
    said->next_ms = notification_within_hours(about->turn, about->event->site, about->notice,
                                              turn_now(about->turn) + backoff(attempt));
    turn_say(about->turn, notification_event(about, NOTIFICATION__EVENT__KIND_ATTEMPT_FAILED, said));
}

static struct notification_request about_row(struct turn *turn, const Noterec__Notice *row)
{
    Hb__Event *of = TURN_NEW(turn, Hb__Event, hb__event__init);
    of->site = row->site;
    of->case_id = row->case_id;
    struct notification_request about = {.turn = turn, .event = of, .record = notification_case(turn, row->case_id)};
    const Policy__Policy *policy = organisation_policy(turn, about.record->site, about.record->policy_version);
    about.notice = policy ? policy_notice(policy, row->queued->notice) : NULL;
    return about;
}

void notification_effect_done(struct turn *turn, const char *id, uint32_t attempt, struct bytes result)
{
    uint64_t number = strtoull(id, NULL, 16);
    const Noterec__Notice *row = notification_notice(turn, number);
    if (!row)
        return;
    struct notification_request about = about_row(turn, row);
    char *text = arena_text(turn_arena(turn), (const char *)result.data, result.size);
    if (!utf8_valid(text, result.size))
        text = arena_strdup(turn_arena(turn), "the answer was not text");
    if (strncmp(text, "250", 3) == 0)
        say_delivered(&about, number, attempt, text);
    else if (text[0] == '5' || attempt >= NOTIFICATION_ATTEMPTS_MAX)
        say_failed(&about, row->queued, attempt, text);
    else
        say_again(&about, number, attempt, text);
}

/* It may have arrived: nobody here can take in what the mail server said. */
void notification_effect_passed_over(struct turn *turn, const char *id, uint32_t attempt)
{
    const Noterec__Notice *row = notification_notice(turn, strtoull(id, NULL, 16));
    if (!row)
        return;
    struct notification_request about = about_row(turn, row);
    say_failed(&about, row->queued, attempt,
               "处理邮件服务器的答复时出错，邮件可能已送达。The service failed at the mail server's answer: "
               "the mail may have arrived");
}
