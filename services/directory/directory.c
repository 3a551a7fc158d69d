#include "credentials.h"

/* Things have timers for the marks that come by date; a new policy may name other dates. */
static void evolve_own(struct turn *turn, const Directory__Event *said)
{
    if (said->kind_case == DIRECTORY__EVENT__KIND_THING_DEFINED)
        directory_time_things(turn, said->thing_defined);
    if (said->kind_case == DIRECTORY__EVENT__KIND_POLICY_PUBLISHED)
        for (const Directory__Thing **thing = organisation_things(turn, said->policy_published->site, ""); *thing;
             thing++)
            directory_time_things(turn, *thing);
}

static void react(struct turn *turn, const Hb__Event *event)
{
    directory_follow(turn, event);
    if (event->cell != turn_cell(turn))
        return;
    if (event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
        event->casework->kind_case == CASEWORK__EVENT__KIND_MARK_REQUESTED)
        directory_mark(turn, event);
    if (event->payload_case == HB__EVENT__PAYLOAD_DIRECTORY &&
        event->directory->kind_case == DIRECTORY__EVENT__KIND_THING_DEFINED)
        directory_look_at_thing(turn, event->directory->thing_defined);
}

static void evolve(struct turn *turn, const Hb__Event *event)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_DIRECTORY: /* folded by organisation_evolve, which the runtime calls first */
        evolve_own(turn, event->directory);
        if (event->cell == turn_cell(turn)) {
            directory_coming_fold(turn, event->directory);
            directory_approved_fold(turn, event);
        }
        return;
    case HB__EVENT__PAYLOAD_CASEWORK: /* beside that, marks it asks for are said */
        if (event->cell == turn_cell(turn))
            directory_approved_fold(turn, event);
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
    .hears_above = 1u << HB__SERVICE__DIRECTORY,
    .keeps_organisation = true,
    .keeps_vault = true,
    .tables = directory_tables,
    .tables_count = DIRECTORY_TABLES_COUNT,
    .wrong_secret = directory_secrets_wrong,
    .prepare = directory_prepare,
    .decide = directory_decide,
    .reply = directory_reply,
    .react = react,
    .evolve = evolve,
    .fire = directory_fire,
    .answer = directory_answer,
    .compute = password_compute,
    .computed = directory_computed,
};
