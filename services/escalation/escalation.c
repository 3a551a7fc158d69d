#include "escalation.h"

static const char *const tables[] = {"case"};

static bool knows_case(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, ESCALATION_CASE, key_bytes(&key));
}

const struct service escalation_service = {
    .name = "escalation",
    .id = HB__SERVICE__ESCALATION,
    .hears = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE | 1u << HB__SERVICE__ROUTING |
             1u << HB__SERVICE__CASEWORK | 1u << HB__SERVICE__WATCHDOG | 1u << HB__SERVICE__NOTIFICATION,
    .tables = tables,
    .tables_count = 1,
    .keeps_organisation = true,
    .react = escalation_react,
    .evolve = escalation_evolve,
    .answer = escalation_answer,
    .needs_case = event_needs_case,
    .knows_case = knows_case,
};
