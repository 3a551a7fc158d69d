/* A notice that arrives in none of its channels is somebody's business, and so is a level that nobody answers, or a
   route row that could not be judged: it stands as a problem on the case, in its file and its timeline, until a person
   deals with it (design.md 3: a final state that someone is told of). */
#include "casework.h"

struct undelivered {
    const char *notice, *channel, *person, *reason;
    bool complainant;
};

static bool undelivered_of(const Notification__Event *said, struct undelivered *out)
{
    switch (said->kind_case) {
    case NOTIFICATION__EVENT__KIND_FAILED:
        *out = (struct undelivered){said->failed->notice, said->failed->channel, said->failed->person,
                                    said->failed->error, said->failed->complainant};
        return *said->failed->next == 0;
    case NOTIFICATION__EVENT__KIND_QUEUED:
        *out = (struct undelivered){said->queued->notice, said->queued->channel, said->queued->person,
                                    said->queued->reason, said->queued->complainant};
        return strcmp(said->queued->status, "not_sent") == 0 || strcmp(said->queued->channel, "log") == 0;
    case NOTIFICATION__EVENT__KIND_ATTEMPT_FAILED:
    case NOTIFICATION__EVENT__KIND_DELIVERED:
    case NOTIFICATION__EVENT__KIND_TOLD:
    case NOTIFICATION__EVENT__KIND__NOT_SET:
        break;
    }
    return false;
}

static const char *name_of(struct turn *turn, const char *id)
{
    const Directory__Person *person = *id ? organisation_person(turn, id) : NULL;
    return person && *person->name ? person->name : id;
}

/* What mail servers say is passed on as they say it. */
static const char *reason_zh(const char *reason)
{
    return strcmp(reason, "nobody to tell") == 0 ? "没有可告知的人"
           : strcmp(reason, "not known") == 0    ? "查无此人"
           : strcmp(reason, "no address") == 0   ? "没有可送达的联系方式"
                                                 : reason;
}

static Hb__Label *text_of(struct turn *turn, const struct casework_case *one, const struct undelivered *what)
{
    const Policy__Notice *notice = policy_notice(one->policy, what->notice);
    const Hb__Label *label = notice ? notice->label : NULL;
    const char *zh = label && *label->zh ? label->zh : what->notice, *en = label && *label->en ? label->en : zh;
    const char *person = name_of(turn, what->person);
    const char *to_zh = what->complainant ? "投诉人" : person, *to_en = what->complainant ? "the complainant" : person;
    return label_new(turn,
                     arena_printf(turn_arena(turn), "通知“%s”未能送达%s（%s）：%s", zh, to_zh, what->channel,
                                  reason_zh(what->reason)),
                     arena_printf(turn_arena(turn), "notice \"%s\"%s%s could not be delivered (%s): %s", en,
                                  *to_en ? " to " : "", to_en, what->channel, what->reason));
}

static void note(struct turn *turn, const struct casework_case *one, const Hb__Event *event, const char *rule,
                 Hb__Label *text)
{
    Casework__ProblemNoted *noted = TURN_NEW(turn, Casework__ProblemNoted, casework__problem_noted__init);
    noted->rule = (char *)(uintptr_t)rule;
    noted->source = event_position(turn, event);
    noted->text = text;
    Hb__Event *said = casework_event(turn, one, CASEWORK__EVENT__KIND_PROBLEM_NOTED, noted);
    event_clauses(turn, said, event->clauses, event->n_clauses);
    turn_say(turn, said);
}

void casework_note_heard(struct turn *turn, const struct casework_case *one, const Hb__Event *event)
{
    struct undelivered what;
    if (event->payload_case == HB__EVENT__PAYLOAD_NOTIFICATION && undelivered_of(event->notification, &what))
        note(turn, one, event, "undelivered", text_of(turn, one, &what));
    if (event->payload_case == HB__EVENT__PAYLOAD_ESCALATION &&
        event->escalation->kind_case == ESCALATION__EVENT__KIND_PROBLEM)
        note(turn, one, event, "unanswered", event->escalation->problem->text);
    if (event->payload_case == HB__EVENT__PAYLOAD_ROUTING && event->routing->kind_case == ROUTING__EVENT__KIND_PROBLEM)
        note(turn, one, event, "routing", event->routing->problem->text);
}
