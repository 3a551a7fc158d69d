#include "analytics.h"

static const char *const tables[] = {"case",   "order", "number",  "external", "figures", "changes",
                                     "facets", "like",  "cluster", "tally",    "lacking", "spread",
                                     "audit",  "due",   "since",   "notice"};

static bool knows_case(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, ANALYTICS_CASE, key_bytes(&key));
}

static void analytics_react(struct turn *turn, const Hb__Event *event)
{
    analytics_patterns_react(turn, event);
    analytics_notices_react(turn, event);
}

const struct service analytics_service = {
    .name = "analytics",
    .id = HB__SERVICE__ANALYTICS,
    .hears = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE | 1u << HB__SERVICE__ROUTING |
             1u << HB__SERVICE__CASEWORK | 1u << HB__SERVICE__WATCHDOG | 1u << HB__SERVICE__ESCALATION |
             1u << HB__SERVICE__NOTIFICATION,
    .hears_below = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE | 1u << HB__SERVICE__ROUTING |
                   1u << HB__SERVICE__CASEWORK | 1u << HB__SERVICE__WATCHDOG | 1u << HB__SERVICE__ESCALATION,
    .tables = tables,
    .tables_count = sizeof tables / sizeof *tables,
    .keeps_organisation = true,
    .timers_await_horizon = true, /* a figure that is said counts all that was there */
    .fire = analytics_published_fire,
    .react = analytics_react,
    .evolve = analytics_evolve,
    .answer = analytics_answer,
    .needs_case = event_needs_case,
    .knows_case = knows_case,
};
