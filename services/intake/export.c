/* A list that somebody takes away as a file: recorded before the first of it is given, as DataOpened of the site. */
#include "intake.h"

#include "organisation/organisation.h"

#include <ctype.h>

/* Names and values of a filter; what is looked for in sealed texts is no part of it. */
static bool plain(const char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text))
            return false;
    return true;
}

static bool may_take(struct turn *turn, const Hb__Command *command)
{
    const Hb__Actor *actor = intake_actor(command);
    if (!*command->site) /* of all that the account sees: whatever is in it, somebody took it */
        return *actor->account != 0 || actor->operator_;
    return organisation_site(turn, command->site) &&
           (rights_may(turn, actor, "read", command->site) || rights_may(turn, actor, "audit", command->site));
}

void intake_export_decide(struct turn *turn, const Hb__Command *command, const Intake__Export *export)
{
    if (!*export->what || strlen(export->what) > INTAKE_EXPORT_BYTES_MAX || !plain(export->what)) {
        refusal_field(turn,
                      turn_refuse(turn, 422, "bad_field", "须说明导出了什么，最长 600 字节",
                                  "say what is taken, in at most 600 bytes"),
                      "what");
        return;
    }
    if (!may_take(turn, command)) {
        turn_refuse(turn, 404, "unknown_site", "没有这个站点", "there is no such site");
        return;
    }
    Intake__DataOpened *opened = TURN_NEW(turn, Intake__DataOpened, intake__data_opened__init);
    Hb__Event *event = turn_event(turn, command->site, 0);
    opened->exported = export->what;
    event->payload_case = HB__EVENT__PAYLOAD_INTAKE;
    event->intake = TURN_NEW(turn, Intake__Event, intake__event__init);
    event->intake->kind_case = INTAKE__EVENT__KIND_OPENED;
    event->intake->opened = opened;
    turn_say(turn, event);
}
