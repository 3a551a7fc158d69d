#include "notification.h"

static const char *const tables[] = {"case", "notice", "asked", "due"};

static bool knows_case(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, NOTIFICATION_CASE, key_bytes(&key));
}

const struct service notification_service = {
    .name = "notification",
    .id = HB__SERVICE__NOTIFICATION,
    .hears = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE | 1u << HB__SERVICE__ROUTING |
             1u << HB__SERVICE__CASEWORK | 1u << HB__SERVICE__WATCHDOG | 1u << HB__SERVICE__ESCALATION,
    .tables = tables,
    .tables_count = 4,
    .keeps_organisation = true,
    .decide = notification_decide,
    .react = notification_react,
    .evolve = notification_evolve,
    .answer = notification_answer,
    .effect_done = notification_effect_done,
    .effect_passed_over = notification_effect_passed_over,
    .job_step = notification_job_step,
    .needs_case = event_needs_case,
    .knows_case = knows_case,
};
