/* The world of versions.c: a policy in several versions, moving and asking what moves, what has been said. */
#ifndef HEARBACK_TESTS_VERSIONS_H
#define HEARBACK_TESTS_VERSIONS_H

#include "story.h"

#define START_MS 1741570200000ll /* Monday 2025-03-10 09:30 in Shanghai */

static const char head[] = "pack: VERSIONS\n"
                           "name: [版本, Versions]\n"
                           "extends: GEN-FRAME\n"
                           "ladders:\n"
                           "  hourly:\n"
                           "    clause: HOSP-8-03\n"
                           "    rows:\n";

static const char rows_1[] = "      - {at: late, tell: coordinator}\n"
                             "      - {at: +1 h, tell: general_manager}\n";
/* One more in front, one told to somebody else, one more behind. */
static const char rows_2[] = "      - {at: +30 min, tell: handler}\n"
                             "      - {at: late, tell: head of lead}\n"
                             "      - {at: +1 h, tell: coordinator}\n"
                             "      - {at: +3 h, tell: general_manager}\n";

static const char kind[] = "kinds:\n"
                           "  complaint:\n"
                           "    clause: HOSP-8-10\n"
                           "    fields:\n"
                           "      mark: {clause: HOSP-8-10, name: [标记, Mark], type: name}\n"
                           "    steps:\n"
                           "      note: {clause: HOSP-8-10, name: [记, Note], from: [registered, accepted], by: "
                           "[receptionist], needs: [mark]}\n"
                           "    clocks:\n";

static const char clocks_1[] = "      visit: {clause: HOSP-8-10, name: [面谈, Visit], start: registered, stop: "
                               "[accepted, closed], limit: 24 h, ladder: hourly}\n"
                               "      call:  {clause: HOSP-8-10, name: [电话, Call], start: registered, stop: closed, "
                               "limit: 50 h, ladder: none}\n";
static const char clocks_2[] = "      visit: {clause: HOSP-8-10, name: [面谈, Visit], start: registered, stop: "
                               "[accepted, closed], limit: 48 h, ladder: hourly}\n"
                               "      paper: {clause: HOSP-8-10, name: [书面, In writing], start: registered, stop: "
                               "closed, limit: 100 h, ladder: none}\n";
static const char clock_over[] = "      done_by_then: {clause: HOSP-8-10, name: [早已办完, Over by then], start: "
                                 "registered, stop: note, limit: 1 h, ladder: none}\n";
/* The same dates, in other words and to other people. */
static const char clocks_words[] = "      visit: {clause: HOSP-8-10, name: [当面谈, Talk], start: registered, stop: "
                                   "[accepted, closed], limit: 24 h, ladder: hourly}\n"
                                   "      call:  {clause: HOSP-8-10, name: [致电, Ring], start: registered, stop: "
                                   "closed, limit: 50 h, ladder: none}\n";

static void publish(struct group *group, const char *rows, const char *fields_and_steps, const char *clocks)
{
    char text[8192];
    snprintf(text, sizeof text, "%s%s%s%s", head, rows, fields_and_steps, clocks);
    simulation_run(group->simulation, simulation_now(group->simulation) + 1000); /* each command has an id of its own */
    group_publish(group, "VERSIONS", text);
}

static void open_world(struct group *group, uint64_t seed)
{
    group_open(group, story_folder(), seed, START_MS, (struct simulation_faults){0});
    group_found(group, "GEN-FRAME");
    publish(group, rows_1, kind, clocks_1);
}

static uint64_t complaint(struct group *group)
{
    const Hb__CommandReply *reply = group_submit(group, "complaint", "service", "大堂无人接待", NULL);
    OK(reply);
    return reply->case_id;
}

/* ---- asking and moving ---- */

static Hb__Actor operator_ = HB__ACTOR__INIT;

/* Of one case; 0: all. */
static const Hb__CommandReply *move_case(struct group *group, uint32_t version, uint64_t case_id)
{
    Hb__Command command = HB__COMMAND__INIT;
    Casework__Command casework = CASEWORK__COMMAND__INIT;
    Casework__Move asked = CASEWORK__MOVE__INIT;
    operator_.operator_ = true;
    asked.version = version;
    asked.cases = &case_id;
    asked.n_cases = case_id != 0;
    command.account = "operator";
    command.id =
        arena_printf(&group->arena, "%013lld-move-%u", (long long)simulation_now(group->simulation), group->commands++);
    command.actor = &operator_;
    command.site = "haitang";
    command.payload_case = HB__COMMAND__PAYLOAD_CASEWORK;
    command.casework = &casework;
    casework.kind_case = CASEWORK__COMMAND__KIND_MOVE;
    casework.move = &asked;
    return simulation_command(group->simulation, HB__SERVICE__CASEWORK, &command, &group->arena);
}

static const Hb__CommandReply *move(struct group *group, uint32_t version)
{
    return move_case(group, version, 0);
}

static const Casework__Moving *moving(struct group *group, bool preview)
{
    Hb__Query query = HB__QUERY__INIT;
    Casework__Query casework = CASEWORK__QUERY__INIT;
    Casework__GetMove get = CASEWORK__GET_MOVE__INIT;
    Casework__PreviewMove look = CASEWORK__PREVIEW_MOVE__INIT;
    operator_.operator_ = true;
    query.actor = &operator_;
    query.site = "haitang";
    query.payload_case = HB__QUERY__PAYLOAD_CASEWORK;
    query.casework = &casework;
    casework.kind_case = preview ? CASEWORK__QUERY__KIND_PREVIEW : CASEWORK__QUERY__KIND_MOVE;
    if (preview)
        casework.preview = &look;
    else
        casework.move = &get;
    const Hb__QueryReply *reply = simulation_query(group->simulation, HB__SERVICE__CASEWORK, &query, &group->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    return reply->casework->moving;
}

/* What would be moved, or has been since then. */
static const Watchdog__Moved *moved(struct group *group, uint64_t preview_of, uint32_t version, int64_t since_ms)
{
    Hb__Query query = HB__QUERY__INIT;
    Watchdog__Query watchdog = WATCHDOG__QUERY__INIT;
    Watchdog__GetMoved get = WATCHDOG__GET_MOVED__INIT;
    Watchdog__PreviewMoved preview = WATCHDOG__PREVIEW_MOVED__INIT;
    query.actor = &operator_;
    query.site = "haitang";
    query.payload_case = HB__QUERY__PAYLOAD_WATCHDOG;
    query.watchdog = &watchdog;
    watchdog.kind_case = preview_of ? WATCHDOG__QUERY__KIND_PREVIEW : WATCHDOG__QUERY__KIND_MOVED;
    preview.version = version;
    preview.cases = &preview_of;
    preview.n_cases = 1;
    get.since_ms = since_ms;
    if (preview_of)
        watchdog.preview = &preview;
    else
        watchdog.moved = &get;
    const Hb__QueryReply *reply = simulation_query(group->simulation, HB__SERVICE__WATCHDOG, &query, &group->arena);
    assert_non_null(reply);
    assert_null(reply->refused);
    return reply->watchdog->moved;
}

static const Watchdog__MovedClock *moved_clock(const Watchdog__Moved *list, uint64_t case_id, const char *clock)
{
    for (size_t i = 0; i < list->n_clocks; i++)
        if (list->clocks[i]->case_id == case_id && strcmp(list->clocks[i]->instance->clock, clock) == 0)
            return list->clocks[i];
    fail_msg("%s is not listed", clock);
    return NULL;
}

/* The dates of GEN-FRAME's own clocks do not change; of the three here these do. */
static void expect_listed(const Watchdog__Moved *list, uint64_t case_id)
{
    const Watchdog__MovedClock *visit = moved_clock(list, case_id, "visit"), *call = moved_clock(list, case_id, "call"),
                               *paper = moved_clock(list, case_id, "paper");
    assert_string_equal(visit->what, "moved");
    assert_int_equal(visit->due_ms - visit->moved_from_ms, 24 * HOUR);
    assert_string_equal(call->what, "ended");
    assert_string_equal(paper->what, "begun");
    assert_int_equal(paper->due_ms - visit->due_ms, 52 * HOUR); /* of one start */
}

static void settle(struct group *group)
{
    assert_true(simulation_settle(group->simulation, 10 * MINUTE));
}

static void move_all(struct group *group)
{
    OK(move(group, 0));
    settle(group);
    assert_true(moving(group, false)->ended_ms > 0);
}

/* ---- what watchdog and escalation have said ---- */

struct said {
    uint64_t case_id;
    const char *clock;
    unsigned armed, misses, met, gone, rows, levels;
    int64_t due_ms, start_ms, ended_ms, row_ms, missed_ms;
    char reason[16];
    char told[8][16]; /* of each level, its first */
};

static bool note_clock(void *context, const Hb__Event *event)
{
    struct said *said = context;
    const Watchdog__Event *own = event->watchdog;
    bool of_clock = own->kind_case <= WATCHDOG__EVENT__KIND_POINT; /* these begin with their instance */
    if (event->case_id != said->case_id || !of_clock || strcmp(own->armed->instance->clock, said->clock) != 0)
        return true;
    switch (own->kind_case) {
    case WATCHDOG__EVENT__KIND_ARMED:
        said->armed++;
        said->due_ms = own->armed->due_ms;
        said->start_ms = own->armed->start_ms;
        snprintf(said->reason, sizeof said->reason, "%s", own->armed->reason);
        break;
    case WATCHDOG__EVENT__KIND_MISSED:
        said->misses++;
        said->missed_ms = own->missed->due_ms;
        break;
    case WATCHDOG__EVENT__KIND_MET:
        said->met++;
        said->ended_ms = own->met->at_ms;
        break;
    case WATCHDOG__EVENT__KIND_CANCELLED:
        said->gone += own->cancelled->gone;
        said->ended_ms = event->occurred_ms;
        break;
    case WATCHDOG__EVENT__KIND_POINT:
        said->rows += own->point->point == WATCHDOG__CLOCK_POINT_REACHED__POINT__ROW;
        said->row_ms = own->point->at_ms;
        break;
    default:
        break;
    }
    return true;
}

static bool note_level(void *context, const Hb__Event *event)
{
    struct said *said = context;
    if (event->case_id != said->case_id || event->escalation->kind_case != ESCALATION__EVENT__KIND_REACHED ||
        strcmp(event->escalation->reached->clock, said->clock) != 0)
        return true;
    const Escalation__LevelReached *reached = event->escalation->reached;
    assert_true(said->levels < 8);
    snprintf(said->told[said->levels++], sizeof said->told[0], "%s", reached->n_told ? reached->told[0] : "");
    return true;
}

static struct said said_of(struct group *group, uint64_t case_id, const char *clock)
{
    struct said said = {.case_id = case_id, .clock = clock};
    simulation_events(group->simulation, HB__SERVICE__WATCHDOG, 0, note_clock, &said);
    simulation_events(group->simulation, HB__SERVICE__ESCALATION, 0, note_level, &said);
    return said;
}

#endif
