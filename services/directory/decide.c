#include "directory.h"

void directory_decide(struct turn *turn, const Hb__Command *command)
{
    switch (command->directory->kind_case) {
    case DIRECTORY__COMMAND__KIND_ORGANISE:
        directory_decide_organise(turn, command->directory->organise);
        return;
    case DIRECTORY__COMMAND__KIND_PUBLISH_POLICY:
        directory_decide_policy(turn, command->directory->publish_policy);
        return;
    case DIRECTORY__COMMAND__KIND_PUBLISH_YEAR:
        directory_decide_year(turn, command->directory->publish_year);
        return;
    case DIRECTORY__COMMAND__KIND_OFFER_SETUP:
        directory_decide_setup(turn, command->directory->offer_setup);
        return;
    case DIRECTORY__COMMAND__KIND_WITHDRAW_POLICY:
        directory_decide_withdraw(turn, command->directory->withdraw_policy);
        return;
    case DIRECTORY__COMMAND__KIND_TELL_SETUP:
        directory_decide_used(turn, command->directory->tell_setup);
        return;
    case DIRECTORY__COMMAND__KIND_TELL_CREDENTIAL:
        directory_decide_credential(turn, command->directory->tell_credential);
        return;
    case DIRECTORY__COMMAND__KIND__NOT_SET:
        return;
    }
}

void directory_say(struct turn *turn, const char *site, Directory__Event__KindCase kind, ProtobufCMessage *payload)
{
    Hb__Event *event = turn_event(turn, site, 0);
    event->payload_case = HB__EVENT__PAYLOAD_DIRECTORY;
    event->directory = arena_alloc(turn_arena(turn), sizeof *event->directory);
    directory__event__init(event->directory);
    event->directory->kind_case = kind;
    event->directory->site_defined = (Directory__Site *)payload; /* all arms share one pointer */
    turn_say(turn, event);
}

/* Published now, or the one that is in force or to come already. */
static void reply_published(struct turn *turn, const Directory__PublishPolicy *publish, Hb__Event *const *said,
                            unsigned count, Hb__CommandReply *reply)
{
    const Directory__PolicyPublished *published = organisation_policy_published(turn, publish->site, 0);
    const Directory__PolicyScheduled *scheduled = publish->coming ? directory_coming(turn, publish->site) : NULL;
    Directory__ComingPolicy *coming = publish->coming;
    for (unsigned i = 0; i < count; i++) {
        if (said[i]->directory->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
            published = said[i]->directory->policy_published;
        if (said[i]->directory->kind_case == DIRECTORY__EVENT__KIND_POLICY_SCHEDULED)
            scheduled = said[i]->directory->policy_scheduled;
    }
    if (scheduled) {
        coming = scheduled->coming;
        published = scheduled->policy;
    }
    if (coming) {
        reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_COMING_POLICY;
        reply->coming_policy = coming;
    } else {
        reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_POLICY_VERSION;
        reply->policy_version = published ? published->version : 0;
    }
    if (published)
        directory_warn(turn, published, reply);
}

void directory_reply(struct turn *turn, const Hb__Command *command, Hb__Event *const *said, unsigned count,
                     Hb__CommandReply *reply)
{
    if (command->directory->kind_case == DIRECTORY__COMMAND__KIND_PUBLISH_YEAR) {
        reply->payload_case = HB__COMMAND_REPLY__PAYLOAD_YEAR_PUBLISHED;
        reply->year_published = directory_reply_year(turn, command->directory->publish_year, said, count);
    }
    if (command->directory->kind_case == DIRECTORY__COMMAND__KIND_PUBLISH_POLICY)
        reply_published(turn, command->directory->publish_policy, said, count, reply);
}
