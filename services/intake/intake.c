#include "files.h"

const struct service intake_service = {
    .name = "intake",
    .id = HB__SERVICE__INTAKE,
    .hears = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__ROUTING | 1u << HB__SERVICE__CASEWORK |
             1u << HB__SERVICE__WATCHDOG | 1u << HB__SERVICE__ESCALATION | 1u << HB__SERVICE__ANALYTICS,
    .hears_above = 1u << HB__SERVICE__CASEWORK,
    .tables = intake_tables,
    .tables_count = INTAKE_TABLES_COUNT,
    .keeps_organisation = true,
    .keeps_vault = true,
    .seals = true,
    .keeps_files = true,
    .prepare = intake_prepare,
    .seal_key = intake_seal_key,
    .keeps_key = intake_keeps_key,
    .index = intake_index,
    .tidy = files_tidy,
    .check_files = files_check_step,
    .decide = intake_decide,
    .reply = intake_reply,
    .react = intake_react,
    .evolve = intake_evolve,
    .answer = intake_answer,
    .too_deep = intake_too_deep,
};
