#include "directory.h"

static void evolve(struct turn *turn, const Hb__Event *event)
{
    /* Own events are folded by organisation_evolve, which the runtime calls first. */
    (void)turn;
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_CASEWORK: /* marks of things and policy changes: with the kinds that need them */
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_ESCALATION:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}

const struct service directory_service = {
    .name = "directory",
    .id = HB__SERVICE__DIRECTORY,
    .hears = 0,
    .keeps_organisation = true,
    .keeps_secrets = true,
    .prepare = directory_prepare,
    .decide = directory_decide,
    .reply = directory_reply,
    .evolve = evolve,
    .answer = directory_answer,
};
