/* What the outside answers to notices: at once, unless a later line of the scenario brings the proof. */
#include "rehearse_world.h"

#include <inttypes.h>

struct finding { /* a notice in notification's log */
    struct world *world;
    const char *id; /* of the effect; NULL: all of `notice` and `case_id` */
    const char *notice;
    uint64_t case_id;
    bool found, failed;
};

static char *effect_id(struct world *world, uint64_t notice_id)
{
    return arena_printf(&world->arena, "%016" PRIx64, notice_id);
}

static bool look_for_notice(void *context, const Hb__Event *event)
{
    struct finding *finding = context;
    if (event->payload_case != HB__EVENT__PAYLOAD_NOTIFICATION ||
        event->notification->kind_case != NOTIFICATION__EVENT__KIND_QUEUED)
        return true;
    const Notification__NoticeQueued *queued = event->notification->queued;
    if (strcmp(effect_id(finding->world, queued->notice_id), finding->id) != 0)
        return true;
    finding->notice = world_copy(finding->world, queued->notice);
    finding->case_id = event->case_id;
    return false;
}

/* Does a later line bring the proof? */
static bool is_awaited(const struct world *world, const char *notice, uint64_t case_id)
{
    const struct scenario *scenario = world->scenario;
    for (size_t i = world->now_line; i < scenario->lines_count; i++) {
        const struct scenario_line *line = &scenario->lines[i];
        if (line->what == LINE_DELIVERED && strcmp(line->notice, notice) == 0 &&
            world_case(world, line->case_name) == case_id)
            return true;
    }
    return false;
}

struct bytes world_on_effect(void *context, Hb__Service service, const char *id, uint32_t attempt, struct bytes payload,
                             struct arena *arena)
{
    struct finding finding = {.world = context, .id = id};
    (void)service;
    (void)attempt;
    (void)payload;
    (void)arena;
    simulation_events(finding.world->simulation, HB__SERVICE__NOTIFICATION, 0, look_for_notice, &finding);
    if (finding.notice && is_awaited(finding.world, finding.notice, finding.case_id))
        return (struct bytes){0};
    return bytes_of_text("250 rehearsed");
}

static bool end_notice(void *context, const Hb__Event *event)
{
    struct finding *finding = context;
    if (event->case_id != finding->case_id || event->payload_case != HB__EVENT__PAYLOAD_NOTIFICATION ||
        event->notification->kind_case != NOTIFICATION__EVENT__KIND_QUEUED ||
        strcmp(event->notification->queued->notice, finding->notice) != 0)
        return true;
    struct bytes result = bytes_of_text(finding->failed ? "550 rehearsed" : "250 rehearsed");
    finding->found |= simulation_effect_end(finding->world->simulation, HB__SERVICE__NOTIFICATION,
                                            effect_id(finding->world, event->notification->queued->notice_id), result);
    return true;
}

bool world_proof(struct world *world, const char *notice, uint64_t case_id, bool failed)
{
    struct finding finding = {.world = world, .notice = notice, .case_id = case_id, .failed = failed};
    simulation_events(world->simulation, HB__SERVICE__NOTIFICATION, 0, end_notice, &finding);
    world_run(world, simulation_now(world->simulation));
    return finding.found;
}
