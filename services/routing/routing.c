#include "routing.h"

const struct service routing_service = {
    .name = "routing",
    .id = HB__SERVICE__ROUTING,
    .hears = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE | 1u << HB__SERVICE__CASEWORK |
             1u << HB__SERVICE__ESCALATION,
    .tables = routing_tables,
    .tables_count = ROUTING_TABLES_COUNT,
    .keeps_organisation = true,
    .decide = routing_decide,
    .react = routing_react,
    .evolve = routing_evolve,
    .answer = routing_answer,
    .job_step = routing_job_step,
    .too_deep = routing_too_deep,
    .needs_case = routing_needs_case,
    .knows_case = routing_knows_case,
};
