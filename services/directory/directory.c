#include "directory.h"

/* Marks of things and cases of the kind policy_change will be heard here; so far nothing of casework's concerns us. */
static void ignore_casework(const Casework__Event *said)
{
    switch (said->kind_case) {
    case CASEWORK__EVENT__KIND_STEP_TAKEN:
    case CASEWORK__EVENT__KIND_CASE_REQUESTED:
    case CASEWORK__EVENT__KIND_NOTICE_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED:
    case CASEWORK__EVENT__KIND_DOCUMENT_ISSUED:
    case CASEWORK__EVENT__KIND_ACTION_REFUSED:
    case CASEWORK__EVENT__KIND_PROBLEM_NOTED:
    case CASEWORK__EVENT__KIND_HISTORY_ENDED:
    case CASEWORK__EVENT__KIND_EXTENSION_GRANTED:
    case CASEWORK__EVENT__KIND_ASSIGN_REQUESTED:
    case CASEWORK__EVENT__KIND__NOT_SET:
        return;
    }
}

static void evolve(struct turn *turn, const Hb__Event *event)
{
    (void)turn;
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_DIRECTORY: /* folded by organisation_evolve, which the runtime calls first */
        return;
    case HB__EVENT__PAYLOAD_CASEWORK:
        ignore_casework(event->casework);
        return;
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_ESCALATION:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
}

const struct service directory_service = {
    .name = "directory",
    .id = HB__SERVICE__DIRECTORY,
    .hears = 1u << HB__SERVICE__CASEWORK,
    .keeps_organisation = true,
    .keeps_secrets = true,
    .prepare = directory_prepare,
    .decide = directory_decide,
    .reply = directory_reply,
    .evolve = evolve,
    .answer = directory_answer,
};
