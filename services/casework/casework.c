#include "casework.h"

const char *const casework_tables[] = {"case", "file", "fired", "throttle", "number", "move"};

static bool knows_case(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, CASEWORK_CASE, key_bytes(&key));
}

const struct service casework_service = {
    .name = "casework",
    .id = HB__SERVICE__CASEWORK,
    .hears = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE | 1u << HB__SERVICE__ROUTING |
             1u << HB__SERVICE__WATCHDOG | 1u << HB__SERVICE__ESCALATION | 1u << HB__SERVICE__NOTIFICATION |
             1u << HB__SERVICE__ANALYTICS,
    .tables = casework_tables,
    .tables_count = 6,
    .keeps_organisation = true,
    .prepare = casework_prepare,
    .seal_key = casework_seal_key,
    .decide = casework_decide,
    .reply = casework_reply,
    .react = casework_react,
    .evolve = casework_evolve,
    .answer = casework_answer,
    .job_step = casework_job_step,
    .job_passed_over = casework_job_passed_over,
    .needs_case = event_needs_case,
    .knows_case = knows_case,
    .too_deep = casework_too_deep,
};
