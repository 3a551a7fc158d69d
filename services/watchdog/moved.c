/* Which dates of open clocks a published calendar has moved, or settled, or a move of the case to another version of
   the policy: nothing is kept for it but the last move of each run, so the cases of a site are walked through, some for
   each page. And which dates such a move would move: the case is judged as if it had been. */
#include "watchdog.h"

#define LOOKED_AT_MAX 2000u /* cases, for one page */
#define MOVED_LIMIT 500u    /* cases with moved clocks, on one page */
#define PREVIEW_MAX 100u    /* cases of one question */

static Watchdog__MovedClock *clock_add(struct turn *turn, uint64_t case_id, const char *name, uint32_t round,
                                       uint32_t part, Watchdog__Moved *moved)
{
    Watchdog__MovedClock *clock = TURN_NEW(turn, Watchdog__MovedClock, watchdog__moved_clock__init);
    clock->case_id = case_id;
    clock->instance = TURN_NEW(turn, Watchdog__Instance, watchdog__instance__init);
    clock->instance->clock = (char *)(uintptr_t)name;
    clock->instance->round = round;
    clock->instance->part = watchdog_part_text(turn, part);
    TURN_ADD(turn, moved->clocks, moved->n_clocks, clock);
    return clock;
}

static void name_what(Watchdog__MovedClock *clock)
{
    clock->what = (char *)(uintptr_t)(!clock->due_ms                          ? "ended"
                                      : !clock->moved_from_ms                 ? "begun"
                                      : clock->moved_from_ms == clock->due_ms ? "settled"
                                                                              : "moved");
}

static void add_moved(struct turn *turn, uint64_t case_id, const Watchrec__Said *said, Watchdog__Moved *moved)
{
    Watchdog__MovedClock *clock = clock_add(turn, case_id, said->clock, said->round, said->part, moved);
    clock->moved_from_ms = said->recounted_from_ms;
    clock->due_ms = said->gone ? 0 : said->due_ms;
    clock->was_provisional = said->recounted_provisional;
    clock->provisional = said->provisional;
    name_what(clock);
}

/* Of a case that is hidden from whoever asks nothing is told. */
static bool add_case(struct turn *turn, uint64_t case_id, Watchrec__Case *record, const Hb__Query *query,
                     Watchdog__Moved *moved)
{
    struct watchdog_case one;
    size_t before = moved->n_clocks;
    int64_t since_ms = query->watchdog->moved->since_ms;
    for (size_t i = 0; i < record->n_said; i++) {
        const Watchrec__Said *said = record->said[i];
        bool open = !said->met && (!said->cancelled || said->gone);
        if (said->recounted_ms >= since_ms && said->recounted_ms && open)
            add_moved(turn, case_id, said, moved);
    }
    if (moved->n_clocks > before &&
        (!watchdog_make_ready(turn, case_id, record, &one) || watchdog_hidden(&one, query->actor)))
        moved->n_clocks = before;
    return moved->n_clocks > before;
}

static void walk(struct turn *turn, const Directory__Site *site, const Hb__Query *query, Watchdog__Moved *moved)
{
    const Watchdog__GetMoved *get = query->watchdog->moved;
    uint64_t first = case_id_first(site->bucket);
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
        Watchrec__Case *record = watchdog_load(turn, case_id);
        if (record && strcmp(record->site, site->id) == 0)
            found += add_case(turn, case_id, record, query, moved);
    }
}

static const Directory__Site *readable_site(struct turn *turn, const Hb__Query *query)
{
    const Directory__Site *site = organisation_site(turn, query->site);
    if (site && (!query->actor || rights_may(turn, query->actor, "read", site->id)))
        return site;
    refusal_field(turn, turn_refuse(turn, 404, "unknown_site", "没有该站点", "there is no such site"), "site");
    return NULL;
}

/* Whose cases the actor may move: as casework has it. */
static const Directory__Site *movable_site(struct turn *turn, const Hb__Query *query)
{
    const Directory__Site *site = organisation_site(turn, query->site);
    if (site && (!query->actor || rights_may(turn, query->actor, "policy", site->id)))
        return site;
    if (readable_site(turn, query)) /* else refused by that */
        turn_refuse(turn, 403, "not_allowed", "无权发布制度", "this account may not publish policies at this site");
    return NULL;
}

static Watchdog__Moved *moved_reply(struct turn *turn, Hb__QueryReply *reply, Watchdog__Reply__KindCase kind)
{
    reply->payload_case = HB__QUERY_REPLY__PAYLOAD_WATCHDOG;
    reply->watchdog = TURN_NEW(turn, Watchdog__Reply, watchdog__reply__init);
    reply->watchdog->kind_case = kind; /* both share one pointer */
    reply->watchdog->moved = TURN_NEW(turn, Watchdog__Moved, watchdog__moved__init);
    return reply->watchdog->moved;
}

void watchdog_answer_moved(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    const Directory__Site *site = readable_site(turn, query);
    if (!site)
        return;
    Watchdog__Moved *moved = moved_reply(turn, reply, WATCHDOG__REPLY__KIND_MOVED);
    moved->counting = turn_job_open(turn, WATCHDOG_RECOUNT);
    walk(turn, site, query, moved);
}

/* ---- as if it had been moved ---- */

static bool live(const struct run *run)
{
    return run && (run->state == RUN_RUNNING || run->state == RUN_PAUSED) && run->due_ms;
}

static const struct run *run_of(const struct run *runs, size_t count, const struct run *like)
{
    for (size_t i = 0; i < count; i++)
        if (runs[i].round == like->round && runs[i].part == like->part)
            return &runs[i];
    return NULL;
}

/* What the run would be; one of the two is NULL when it is only in the other. */
static void compare(struct turn *turn, uint64_t case_id, const char *name, uint32_t part, const struct run *before,
                    const struct run *after, Watchdog__Moved *moved)
{
    const struct run *run = after ? after : before;
    bool was = live(before), is = live(after);
    if ((!was && !is) || (was && is && before->due_ms == after->due_ms && before->provisional == after->provisional))
        return;
    Watchdog__MovedClock *clock =
        clock_add(turn, case_id, name, run->round, watchdog_part_number(part, run->part), moved);
    clock->moved_from_ms = was ? before->due_ms : 0;
    clock->due_ms = is ? after->due_ms : 0;
    clock->was_provisional = was && before->provisional;
    clock->provisional = is && after->provisional;
    clock->passed = is && after->due_ms < turn_now(turn);
    name_what(clock);
}

static void compare_clock(struct turn *turn, struct watchdog_case *before, struct watchdog_case *after,
                          const char *name, uint32_t part, Watchdog__Moved *moved)
{
    size_t had, has;
    const struct run *old = watchdog_judge(turn, before, name, part, turn_now(turn), false, &had);
    const struct run *new = watchdog_judge(turn, after, name, part, turn_now(turn), false, &has);
    for (size_t i = 0; i < has; i++)
        compare(turn, after->id, name, part, run_of(old, had, &new[i]), &new[i], moved);
    for (size_t i = 0; i < had; i++)
        if (!run_of(new, has, &old[i]))
            compare(turn, after->id, name, part, &old[i], NULL, moved);
}

static void preview_case(struct turn *turn, const char *site, uint64_t case_id, const Hb__Query *query,
                         Watchdog__Moved *moved)
{
    struct watchdog_case before, after;
    uint32_t version = query->watchdog->preview->version;
    Watchrec__Case *record = watchdog_load(turn, case_id);
    if (!record || strcmp(record->site, site) != 0 || record->policy_version == version ||
        !watchdog_open(turn, case_id, &before) || watchdog_hidden(&before, query->actor))
        return;
    Watchrec__Happening *move = TURN_NEW(turn, Watchrec__Happening, watchrec__happening__init);
    move->at_ms = move->occurred_ms = turn_now(turn);
    move->service = HB__SERVICE__CASEWORK;
    move->moved_to = version;
    record->first_version = watchdog_first_version(record);
    record->policy_version = version;
    TURN_ADD(turn, record->happenings, record->n_happenings, move);
    if (!watchdog_make_ready(turn, case_id, record, &after))
        return;
    size_t count;
    const char **names = watchdog_clocks(turn, &after, &count);
    for (size_t i = 0; i < count; i++)
        for (uint32_t part = 0, parts = watchdog_parts(&after, names[i]); part <= parts; part++)
            compare_clock(turn, &before, &after, names[i], part, moved);
}

void watchdog_answer_preview(struct turn *turn, const Hb__Query *query, Hb__QueryReply *reply)
{
    const Watchdog__PreviewMoved *preview = query->watchdog->preview;
    const Directory__Site *site = movable_site(turn, query);
    if (!site)
        return;
    if (preview->n_cases > PREVIEW_MAX) {
        refusal_field(turn, turn_refuse(turn, 413, "too_large", "一次最多 100 件", "at most 100 cases at once"),
                      "cases");
        return;
    }
    Watchdog__Moved *moved = moved_reply(turn, reply, WATCHDOG__REPLY__KIND_PREVIEW);
    for (size_t i = 0; i < preview->n_cases; i++)
        preview_case(turn, site->id, preview->cases[i], query, moved);
}
