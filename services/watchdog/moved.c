/* Which dates of open clocks a published calendar has moved, or settled: nothing is kept for it but the last move of
   each run, so the cases of a site are walked through, some for each page. */
#include "watchdog.h"

#define LOOKED_AT_MAX 2000u /* cases, for one page */
#define MOVED_LIMIT 500u    /* cases with moved clocks, on one page */

static void add_moved(struct turn *turn, uint64_t case_id, const Watchrec__Said *said, Watchdog__Moved *moved)
{
    Watchdog__MovedClock *clock = TURN_NEW(turn, Watchdog__MovedClock, watchdog__moved_clock__init);
    clock->case_id = case_id;
    clock->instance = TURN_NEW(turn, Watchdog__Instance, watchdog__instance__init);
    clock->instance->clock = said->clock;
    clock->instance->round = said->round;
    clock->instance->part = watchdog_part_text(turn, said->part);
    clock->moved_from_ms = said->recounted_from_ms;
    clock->due_ms = said->due_ms;
    clock->was_provisional = said->recounted_provisional;
    clock->provisional = said->provisional;
    TURN_ADD(turn, moved->clocks, moved->n_clocks, clock);
}

static bool add_case(struct turn *turn, uint64_t case_id, const Watchrec__Case *record, int64_t since_ms,
                     Watchdog__Moved *moved)
{
    size_t before = moved->n_clocks;
    for (size_t i = 0; i < record->n_said; i++) {
        const Watchrec__Said *said = record->said[i];
        if (said->recounted_ms >= since_ms && said->recounted_ms && !said->met && !said->cancelled)
            add_moved(turn, case_id, said, moved);
    }
    return moved->n_clocks > before;
}

static void walk(struct turn *turn, const Directory__Site *site, const Watchdog__GetMoved *get, Watchdog__Moved *moved)
{
    uint64_t first = (uint64_t)site->bucket << 54;
    struct key from = key_u64(get->after > first ? get->after : first);
    struct state_scan *scan = state_scan_open(turn, WATCHDOG_CASE, (struct bytes){0}, key_bytes(&from));
    uint32_t limit = get->limit && get->limit < MOVED_LIMIT ? get->limit : MOVED_LIMIT;
    struct bytes key, value;
    for (unsigned looked = 0, found = 0; state_scan_next(scan, &key, &value); looked++) {
        uint64_t case_id = bytes_get_u64(key.data);
        if (case_id_bucket(case_id) != site->bucket)
            return;
        if (looked == LOOKED_AT_MAX || found == limit) {
            moved->next = case_id;
            return;
        }
        const Watchrec__Case *record = watchdog_load(turn, case_id);
        if (record && strcmp(record->site, site->id) == 0)
            found += add_case(turn, case_id, record, get->since_ms, moved);
    }
}

void watchdog_answer_moved(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    const Directory__Site *site = organisation_site(turn, query->site);
    if (!site || (query->actor && !rights_may(turn, query->actor, "read", site->id))) {
        refusal_field(turn, turn_refuse(turn, 404, "unknown_site", "没有该站点", "there is no such site"), "site");
        return;
    }
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_WATCHDOG;
    reply->watchdog = TURN_NEW(turn, Watchdog__Reply, watchdog__reply__init);
    reply->watchdog->kind_case = WATCHDOG__REPLY__KIND_MOVED;
    reply->watchdog->moved = TURN_NEW(turn, Watchdog__Moved, watchdog__moved__init);
    reply->watchdog->moved->counting = turn_job_open(turn, WATCHDOG_RECOUNT);
    walk(turn, site, query->watchdog->moved, reply->watchdog->moved);
}
