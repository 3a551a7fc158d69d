#include "rehearse_run.h"

#include "config/config.h"

#define SETTLE_MS 1000 /* how long what happens at an instant may take to come to rest */

static bool differs(struct difference *out, const struct scenario_line *line, const char *zh, const char *en)
{
    *out = (struct difference){line->line, line->field, zh, en};
    return false;
}

/* ---- lines that do something ---- */

/* Who took the newest step of the case. */
static const Hb__Actor *actor_named(struct world *world, uint64_t case_id)
{
    timeline_take(world);
    for (size_t i = world->entries_count; i-- > 0;) {
        const Hb__Event *event = world->entries[i].event;
        if (event->case_id == case_id && event->payload_case == HB__EVENT__PAYLOAD_CASEWORK &&
            event->casework->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN && event->actor)
            return event->actor;
    }
    return NULL;
}

static bool run_do(struct world *world, const struct scenario_line *line, struct difference *out)
{
    bool attaches = strcmp(line->step, "attach_file") == 0;
    const Hb__CommandReply *reply = line->kind ? world_submit(world, line)
                                    : attaches ? world_attach(world, line)
                                               : world_act(world, line);
    if (reply && reply->refused)
        timeline_refused(world, line, reply->refused);
    if (!check_reply(world, line, reply, out))
        return false;
    bool asked = *line->as || *line->lent;
    const Hb__Actor *actor = asked && !line->refused ? actor_named(world, world_case(world, line->case_name)) : NULL;
    const char *post = actor && *line->as ? actor->post : "", *lent = actor && *line->lent ? actor->for_person : "";
    if (line->refused)
        return true;
    if (strcmp(lent, line->lent) != 0)
        return differs(out, line, arena_printf(&world->arena, "应代 %s 办理，实为 %s", line->lent, *lent ? lent : "-"),
                       arena_printf(&world->arena, "it was to be done for %s, not %s", line->lent,
                                    *lent ? lent : "in one's own right"));
    return strcmp(post, line->as) == 0 ||
           differs(out, line, arena_printf(&world->arena, "应以岗位 %s 办理，实为 %s", line->as, *post ? post : "-"),
                   arena_printf(&world->arena, "it was to be done in the post %s, not in %s", line->as,
                                *post ? post : "any"));
}

static bool run_proof(struct world *world, const struct scenario_line *line, struct difference *out)
{
    world->now_line++; /* what is queued from now on is not awaited by this line */
    return world_proof(world, line->notice, world_case(world, line->case_name), line->failed) ||
           differs(out, line, "没有在途的该通知", "no such notice is under way");
}

static bool run_calendar(struct world *world, const struct scenario_line *line, struct difference *out)
{
    return world_calendar(world, line->name) || differs(out, line, "没有这份日历", "there is no such calendar");
}

static void run_away(struct world *world, const struct scenario_line *line)
{
    Hb__Service service = config_service_of_name(line->name);
    bool down = line->what == LINE_DOWN;
    timeline_note(world, line->at_ms, arena_printf(&world->arena, "%s：%s", down ? "停止" : "恢复", line->name),
                  arena_printf(&world->arena, "%s: %s", down ? "down" : "up", line->name));
    if (down) {
        simulation_down(world->simulation, service);
        world->away |= 1u << service;
    } else {
        simulation_up(world->simulation, service);
        world->away &= ~(1u << service);
    }
    world_run(world, line->at_ms);
}

static bool run_organise(struct world *world, const struct scenario_line *line, struct difference *out)
{
    const Hb__CommandReply *reply =
        line->what == LINE_POSTS ? world_posts(world, line->name, line->posts, line->posts_count)
        : line->what == LINE_DELEGATE
            ? world_delegate(world, line)
            : world_things(world, line->things, line->things_count, line->shifts, line->shifts_count);
    if (reply && reply->refused)
        timeline_refused(world, line, reply->refused);
    return check_reply(world, line, reply, out);
}

static bool run_action(struct world *world, const struct scenario_line *line, struct difference *out)
{
    switch (line->what) {
    case LINE_DO:
        return run_do(world, line, out);
    case LINE_DELIVERED:
        return run_proof(world, line, out);
    case LINE_CALENDAR:
        return run_calendar(world, line, out);
    case LINE_SETTINGS:
        timeline_note(world, line->at_ms, "新版制度生效", "a new version is in force");
        return world_settings(world, line) || differs(out, line, "该设置未被接受", "the settings were not accepted");
    case LINE_THINGS:
    case LINE_ROSTER:
    case LINE_POSTS:
    case LINE_DELEGATE:
        return run_organise(world, line, out);
    case LINE_ABSENT:
        timeline_note(world, line->at_ms,
                      arena_printf(&world->arena, "%s：%s", line->failed ? "离岗" : "在岗", line->name),
                      arena_printf(&world->arena, "%s: %s", line->failed ? "absent" : "present", line->name));
        (void)!world_absent(world, line->name, line->failed);
        return true;
    case LINE_DOWN:
    case LINE_UP:
        run_away(world, line);
        return true;
    case LINE_EXPECT:
    case LINE_NEVER:
        break;
    }
    return true;
}

static bool is_check(const struct scenario_line *line)
{
    return line->what == LINE_EXPECT || line->what == LINE_NEVER;
}

static bool run_check(struct world *world, const struct scenario_line *line, size_t first, struct difference *out)
{
    for (size_t i = 0; i < line->expect_count; i++) {
        bool good = line->what == LINE_EXPECT ? check_expectation(world, &line->expect[i], first, out)
                                              : check_never(world, &line->expect[i], out);
        if (!good)
            return false;
    }
    return true;
}

/* ---- instants ---- */

/* Lines [from, to) stand at one instant. The last expectations of it are checked when all that is caused at or before
   it has come to rest, with every producer's time beyond it; those before a step, when they stand. */
static bool run_instant(struct world *world, size_t from, size_t to, struct difference *out)
{
    const struct scenario *scenario = world->scenario;
    int64_t at = scenario->lines[from].at_ms;
    world_run(world, at - 1);
    if (!check_strict(world, world->checked, scenario->lines[from].line, out))
        return false;
    size_t first = world->checked = world->entries_count, last_action = from;
    world_run(world, at);
    for (size_t i = from; i < to; i++)
        if (!is_check(&scenario->lines[i]))
            last_action = i + 1;
    for (size_t i = from; i < last_action; i++) {
        world->now_line = i;
        bool good = is_check(&scenario->lines[i]) ? run_check(world, &scenario->lines[i], first, out)
                                                  : run_action(world, &scenario->lines[i], out);
        if (!good)
            return false;
    }
    int64_t next = to < scenario->lines_count ? scenario->lines[to].at_ms : INT64_MAX;
    simulation_settle(world->simulation, next - at > SETTLE_MS ? SETTLE_MS : next - at - 1);
    world_run(world, next - at > SETTLE_MS ? at + SETTLE_MS - 1 : next - 1); /* pages in a row come some ms apart */
    timeline_take(world);
    for (size_t i = last_action; i < to; i++)
        if (!run_check(world, &scenario->lines[i], first, out))
            return false;
    bool good = check_strict(world, first, scenario->lines[to - 1].line, out);
    world->checked = world->entries_count;
    return good;
}

/* The earliest given case that is not registered yet and is there by then; NULL: none. */
static const struct scenario_case *next_given(const struct world *world, int64_t before_ms)
{
    const struct scenario_case *next = NULL;
    for (size_t i = 0; i < world->scenario->cases_count; i++) {
        const struct scenario_case *one = &world->scenario->cases[i];
        if (!world_case(world, one->name) && one->at_ms <= before_ms && (!next || one->at_ms < next->at_ms))
            next = one;
    }
    return next;
}

static bool give_cases(struct world *world, int64_t before_ms, struct difference *out)
{
    const struct scenario_case *one;
    while ((one = next_given(world, before_ms))) {
        const struct scenario_line line = {.line = world->scenario->line,
                                           .at_ms = one->at_ms,
                                           .field = "given.cases",
                                           .step = "register",
                                           .case_name = one->name,
                                           .by = "-",
                                           .says = "",
                                           .as = "",
                                           .lent = ""};
        world_run(world, one->at_ms);
        const Hb__CommandReply *reply = world_give(world, one);
        if (reply && reply->refused)
            timeline_refused(world, &line, reply->refused);
        if (!check_reply(world, &line, reply, out))
            return false;
    }
    return true;
}

bool rehearse_run(struct world *world, struct difference *out)
{
    const struct scenario *scenario = world->scenario;
    size_t from = 0;
    while (from < scenario->lines_count) {
        size_t to = from + 1;
        while (to < scenario->lines_count && scenario->lines[to].at_ms == scenario->lines[from].at_ms)
            to++;
        if (!give_cases(world, scenario->lines[from].at_ms, out) || !run_instant(world, from, to, out))
            return false;
        from = to;
    }
    return true;
}

bool rehearse_one(const struct scenario *scenario, const struct scenario_places *places, bool english, bool quiet,
                  struct arena *arena, struct difference *difference_out)
{
    struct world world = {.quiet = quiet};
    struct difference difference = {0, "", "", ""};
    bool good = world_open(&world, scenario, places, english) && rehearse_run(&world, &difference);
    *difference_out = (struct difference){difference.line, arena_strdup(arena, difference.field),
                                          arena_strdup(arena, difference.zh), arena_strdup(arena, difference.en)};
    world_close(&world);
    return good;
}
