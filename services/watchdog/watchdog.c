#include "watchdog.h"

static const char *const tables[] = {"case", "schedule", "duty", "done", "work"};

static bool knows_case(struct turn *turn, uint64_t case_id)
{
    struct key key = key_u64(case_id);
    return state_has(turn, WATCHDOG_CASE, key_bytes(&key));
}

/* A timer only says: look at this case again. */
static void fire(struct turn *turn, struct bytes key, int64_t due_ms)
{
    if (bytes_get_u64(key.data) == 0) {
        watchdog_schedule_fire(turn, key, due_ms);
        return;
    }
    watchdog_look(turn, bytes_get_u64(key.data), INT64_MAX);
    watchdog_look_at_calls(turn, bytes_get_u64(key.data));
}

/* A published calendar moves dates: a job looks at every case, some at a time. */
static struct bytes job_step(struct turn *turn, const char *what, struct bytes payload, struct bytes next,
                             unsigned keys_max)
{
    if (strcmp(what, "duties") == 0)
        return watchdog_duties_step(turn, payload, next, keys_max);
    struct state_scan *scan = state_scan_open(turn, WATCHDOG_CASE, (struct bytes){0}, next);
    struct bytes key, value, after = {0};
    unsigned looked = 0;
    /* every look may say many events, and what is over TURN_FOLLOWS_MAX would not be said at all */
    while (looked < 4 && looked < keys_max && state_scan_next(scan, &key, &value)) {
        watchdog_look(turn, bytes_get_u64(key.data), INT64_MAX);
        struct key following = key_u64(bytes_get_u64(key.data) + 1);
        after = arena_copy(turn_arena(turn), key_bytes(&following));
        looked++;
    }
    return looked ? after : (struct bytes){0};
}

const struct service watchdog_service = {
    .name = "watchdog",
    .id = HB__SERVICE__WATCHDOG,
    .hears = 1u << HB__SERVICE__DIRECTORY | 1u << HB__SERVICE__INTAKE | 1u << HB__SERVICE__ROUTING |
             1u << HB__SERVICE__CASEWORK | 1u << HB__SERVICE__ESCALATION | 1u << HB__SERVICE__NOTIFICATION,
    .tables = tables,
    .tables_count = WATCHDOG_TABLES_COUNT,
    .keeps_organisation = true,
    .timers_await_horizon = true,
    .react = watchdog_react,
    .evolve = watchdog_evolve,
    .answer = watchdog_answer,
    .fire = fire,
    .job_step = job_step,
    .needs_case = event_needs_case,
    .knows_case = knows_case,
};
