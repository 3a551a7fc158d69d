/* The timeline: what was said, in order, in words. */
#include "message/message.h"
#include "policy/lookup.h"
#include "rehearse_world.h"

#include <inttypes.h>

/* ---- taking ---- */

struct taking { /* what one log said since it was last looked at */
    struct world *world;
    struct entry *list;
    size_t count, at;
};

static bool take(void *context, const Hb__Event *event)
{
    struct taking *taking = context;
    struct arena *arena = &taking->world->arena;
    struct bytes packed = message_pack(&event->base, arena);
    ProtobufCMessage *copy;
    char *why;
    bug_unless(message_unpack(&hb__event__descriptor, packed, arena, &copy, &why) == ERR_NONE);
    struct entry entry = {(Hb__Event *)copy, false};
    WORLD_ADD(taking->world, taking->list, taking->count, entry);
    return true;
}

/* Within an instant a cause stands before what follows from it; else the services have an order. */
static bool comes_before(const Hb__Event *a, const Hb__Event *b)
{
    if (a->recorded_ms != b->recorded_ms)
        return a->recorded_ms < b->recorded_ms;
    return a->hops != b->hops ? a->hops < b->hops : a->service < b->service;
}

/* The next of all logs, each in its own order. */
static struct entry *take_next(struct taking *logs)
{
    struct taking *next = NULL;
    for (size_t i = 0; i < WORLD_SERVICES; i++)
        if (logs[i].at < logs[i].count &&
            (!next || comes_before(logs[i].list[logs[i].at].event, next->list[next->at].event)))
            next = &logs[i];
    return next ? &next->list[next->at++] : NULL;
}

/* A case that the scenario expects to be opened at this time has a name there. */
static void name_opened(struct world *world, const Hb__Event *event)
{
    bool opened = event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
                  event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED && event->intake->registered->requested_by;
    for (size_t i = 0; opened && i < world->scenario->lines_count; i++) {
        const struct scenario_line *line = &world->scenario->lines[i];
        if (line->what != LINE_EXPECT || event->recorded_ms < line->at_ms || event->recorded_ms >= line->at_ms + 1000)
            continue;
        for (size_t e = 0; e < line->expect_count; e++)
            if (line->expect[e].what == EXPECT_OPENED && *line->expect[e].value &&
                strcmp(line->expect[e].name, event->intake->registered->kind) == 0 &&
                !world_case(world, line->expect[e].value)) {
                world_case_add(world, line->expect[e].value, event->case_id, "");
                return;
            }
    }
}

void timeline_take(struct world *world)
{
    struct taking logs[WORLD_SERVICES] = {0};
    struct entry *next;
    for (size_t i = 0; i < WORLD_SERVICES; i++) {
        logs[i].world = world;
        if (!(world->away & 1u << world_services[i]))
            world->heard[i] = simulation_events(world->simulation, world_services[i], world->heard[i], take, &logs[i]);
    }
    while ((next = take_next(logs))) {
        WORLD_ADD(world, world->entries, world->entries_count, *next);
        name_opened(world, next->event);
        timeline_print(world, next);
    }
}

/* ---- words ---- */

static const char *word(const struct world *world, const char *zh, const char *en)
{
    return world->english ? en : zh;
}

static const char *label(const struct world *world, const Hb__Label *label, const char *otherwise)
{
    const char *text = !label ? "" : world->english ? label->en : label->zh;
    return *text ? text : otherwise;
}

static const char *time_text(struct world *world, int64_t ms)
{
    return scenario_time_text(&world->arena, world->scenario->zone, ms);
}

static const char *list_text(struct world *world, char *const *list, size_t count)
{
    return arena_join(&world->arena, (const char *const *)list, count, " ");
}

#define SAY(world, ...) arena_printf(&(world)->arena, __VA_ARGS__)

/* ---- one event: its word and its text; NULL: not shown ---- */

struct shown {
    const char *word, *text;
};

static const Policy__Kind *kind_of_case(struct world *world, uint64_t id)
{
    for (size_t i = 0; i < world->entries_count; i++) {
        const Hb__Event *event = world->entries[i].event;
        if (event->case_id == id && event->payload_case == HB__EVENT__PAYLOAD_INTAKE &&
            event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED)
            return policy_kind(world->scenario->policy, event->intake->registered->kind);
    }
    return NULL;
}

static const char *stage_label(struct world *world, const Policy__Kind *kind, const char *name)
{
    const Policy__Stage *stage = kind ? policy_stage(kind, name) : NULL;
    return label(world, stage ? stage->label : NULL, name);
}

static const char *clock_label(struct world *world, const Hb__Event *event, const char *name)
{
    const Policy__Kind *kind = kind_of_case(world, event->case_id);
    const Policy__Clock *clock = kind ? policy_clock(kind, name) : NULL;
    return SAY(world, "%s(%s)", label(world, clock ? clock->label : NULL, ""), name);
}

static struct shown show_intake(struct world *world, const Hb__Event *event)
{
    const Intake__Event *said = event->intake;
    switch (said->kind_case) {
    case INTAKE__EVENT__KIND_REGISTERED: {
        const Intake__CaseRegistered *registered = said->registered;
        const Policy__Kind *kind = policy_kind(world->scenario->policy, registered->kind);
        const char *from = registered->n_links ? world_case_name(world, registered->links[0]->case_id) : "";
        return (struct shown){registered->requested_by ? word(world, "引发", "opened")
                                                       : word(world, "登记", "registered"),
                              SAY(world, "%s %s [%s]%s%s%s", label(world, kind ? kind->label : NULL, registered->kind),
                                  registered->number, stage_label(world, kind, registered->stage), *from ? " ← " : "",
                                  from, *registered->rule ? SAY(world, " (%s)", registered->rule) : "")};
    }
    case INTAKE__EVENT__KIND_REQUEST_REFUSED:
        return (struct shown){word(world, "未能引发", "not opened"),
                              label(world, said->request_refused->refusal->text, "")};
    case INTAKE__EVENT__KIND_OPENED:
    case INTAKE__EVENT__KIND_NUMBERS_SKIPPED:
    case INTAKE__EVENT__KIND_HELD:
    case INTAKE__EVENT__KIND_HELD_REGISTERED:
    case INTAKE__EVENT__KIND_HELD_REFUSED:
    case INTAKE__EVENT__KIND__NOT_SET:
        break;
    }
    return (struct shown){NULL, NULL};
}

static struct shown show_routing(struct world *world, const Routing__Event *said)
{
    switch (said->kind_case) {
    case ROUTING__EVENT__KIND_ROUTED:
        return (struct shown){word(world, "派给", "routed"),
                              SAY(world, "%s / %s%s%s (%s)", said->routed->lead,
                                  *said->routed->handler ? said->routed->handler : "-",
                                  said->routed->n_joint ? " + " : "",
                                  list_text(world, said->routed->joint, said->routed->n_joint), said->routed->row)};
    case ROUTING__EVENT__KIND_PROBLEM: /* casework's are shown */
    case ROUTING__EVENT__KIND__NOT_SET:
        break;
    }
    return (struct shown){NULL, NULL};
}

static struct shown show_step(struct world *world, const Hb__Event *event)
{
    const Casework__StepTaken *taken = event->casework->step_taken;
    const Policy__Kind *kind = kind_of_case(world, event->case_id);
    const Policy__Step *step = kind ? policy_step(kind, taken->step) : NULL;
    const char *person = event->actor && *event->actor->person       ? event->actor->person
                         : event->actor && event->actor->complainant ? word(world, "投诉人", "complainant")
                                                                     : "";
    if (event->actor && *event->actor->for_person)
        person = SAY(world, "%s %s %s", person, word(world, "代", "for"), event->actor->for_person);
    const char *who = *taken->rule ? SAY(world, "%s %s", word(world, "规则", "rule"), taken->rule) : person;
    return (struct shown){word(world, "办理", "step"),
                          SAY(world, "%s(%s) → %s  %s%s", label(world, step ? step->label : NULL, ""), taken->step,
                              stage_label(world, kind, taken->stage), who,
                              taken->round > 1 ? SAY(world, " #%" PRIu32, taken->round) : "")};
}

static struct shown show_casework(struct world *world, const Hb__Event *event)
{
    const Casework__Event *said = event->casework;
    switch (said->kind_case) {
    case CASEWORK__EVENT__KIND_STEP_TAKEN:
        return show_step(world, event);
    case CASEWORK__EVENT__KIND_PROBLEM_NOTED:
        return (struct shown){word(world, "问题", "problem"), label(world, said->problem_noted->text, "")};
    case CASEWORK__EVENT__KIND_PROBLEMS_SETTLED:
        return (struct shown){word(world, "问题已解决", "settled"),
                              SAY(world, "%" PRIu32, said->problems_settled->count)};
    case CASEWORK__EVENT__KIND_DOCUMENT_ISSUED:
        return (struct shown){word(world, "文书", "document"),
                              SAY(world, "%s %s", said->document_issued->document, said->document_issued->number)};
    case CASEWORK__EVENT__KIND_FILE_ATTACHED:
        return (struct shown){word(world, "文件", "file"), SAY(world, "%s", said->file_attached->type)};
    case CASEWORK__EVENT__KIND_CASE_LINKED:
        return (struct shown){said->case_linked->ended ? word(world, "拆开", "taken apart")
                                                       : word(world, "关联", "linked"),
                              SAY(world, "%s %s %s", said->case_linked->link, said->case_linked->leads ? "←" : "→",
                                  world_case_name(world, said->case_linked->case_id))};
    case CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED:
        return (struct shown){word(world, "已确认", "acknowledged"),
                              SAY(world, "%s %" PRIu32 "  %s", said->escalation_acknowledged->ladder,
                                  said->escalation_acknowledged->row, said->escalation_acknowledged->person)};
    case CASEWORK__EVENT__KIND_EXTENSION_GRANTED:
        return (struct shown){word(world, "延期", "extended"),
                              SAY(world, "%s → %s", clock_label(world, event, said->extension_granted->clock),
                                  time_text(world, said->extension_granted->due_ms))};
    case CASEWORK__EVENT__KIND_HISTORY_ENDED:
        return (struct shown){word(world, "补录完毕", "history ends"), ""};
    case CASEWORK__EVENT__KIND_CASE_MOVED:
        return (struct shown){word(world, "改用新版制度", "moved to another version"),
                              SAY(world, "%" PRIu32 " → %" PRIu32, said->case_moved->from, said->case_moved->to)};
    case CASEWORK__EVENT__KIND_CASE_MOVE_REFUSED:
        return (struct shown){word(world, "未能改用新版制度", "stays with its version"),
                              SAY(world, "%" PRIu32, said->case_move_refused->from)};
    case CASEWORK__EVENT__KIND_MOVE_BEGUN:
    case CASEWORK__EVENT__KIND_MOVE_ENDED:
        break;
    case CASEWORK__EVENT__KIND_CASE_REQUESTED: /* what comes of them is shown */
    case CASEWORK__EVENT__KIND_NOTICE_REQUESTED:
    case CASEWORK__EVENT__KIND_ESCALATION_REQUESTED:
    case CASEWORK__EVENT__KIND_ASSIGN_REQUESTED:
    case CASEWORK__EVENT__KIND_MARK_REQUESTED:
    case CASEWORK__EVENT__KIND_ACTION_REFUSED: /* shown with the step that was refused */
    case CASEWORK__EVENT__KIND__NOT_SET:
        break;
    }
    return (struct shown){NULL, NULL};
}

static struct shown show_armed(struct world *world, const Hb__Event *event)
{
    const Watchdog__ClockArmed *armed = event->watchdog->armed;
    const char *moved = armed->moved_from_ms ? SAY(world, "%s%s", word(world, "，原为 ", ", was "),
                                                   time_text(world, armed->moved_from_ms))
                                             : "";
    return (struct shown){word(world, "期限", "due"),
                          SAY(world, "%s %s%s%s", clock_label(world, event, armed->instance->clock),
                              time_text(world, armed->due_ms), moved,
                              armed->provisional ? word(world, "（暂定）", " (provisional)") : "")};
}

static struct shown show_watchdog(struct world *world, const Hb__Event *event)
{
    const Watchdog__Event *said = event->watchdog;
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_ARMED:
        return show_armed(world, event);
    case WATCHDOG__EVENT__KIND_PAUSED:
        return (struct shown){word(world, "暂停", "paused"), clock_label(world, event, said->paused->instance->clock)};
    case WATCHDOG__EVENT__KIND_MET:
        return (struct shown){said->met->late ? word(world, "迟办", "met late") : word(world, "按时", "met"),
                              clock_label(world, event, said->met->instance->clock)};
    case WATCHDOG__EVENT__KIND_MISSED:
        return (struct shown){word(world, "超时", "late"), clock_label(world, event, said->missed->instance->clock)};
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
        return (struct shown){word(world, "撤销超时", "not late"),
                              clock_label(world, event, said->miss_withdrawn->instance->clock)};
    case WATCHDOG__EVENT__KIND_CANCELLED:
        return (struct shown){word(world, "停用", "cancelled"),
                              clock_label(world, event, said->cancelled->instance->clock)};
    case WATCHDOG__EVENT__KIND_POINT:
        if (said->point->point == WATCHDOG__CLOCK_POINT_REACHED__POINT__WARNING)
            return (struct shown){word(world, "预警", "warning"),
                                  SAY(world, "%s %s", clock_label(world, event, said->point->instance->clock),
                                      time_text(world, said->point->due_ms))};
        break; /* a row of a ladder: the level is shown */
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
        return (struct shown){word(world, "定期事项", "schedule"),
                              SAY(world, "%s %s", said->schedule_opened->schedule, said->schedule_opened->period)};
    case WATCHDOG__EVENT__KIND_DUTY_DUE: /* the case is shown */
    case WATCHDOG__EVENT__KIND__NOT_SET:
        break;
    }
    return (struct shown){NULL, NULL};
}

static struct shown show_escalation(struct world *world, const Escalation__Event *said)
{
    switch (said->kind_case) {
    case ESCALATION__EVENT__KIND_REACHED:
        return (struct shown){
            word(world, "升级", "level"),
            SAY(world, "%s %" PRIu32 " (%s)%s%s%s", said->reached->ladder, said->reached->level, said->reached->clock,
                said->reached->repeat
                    ? SAY(world, "%s%" PRIu32, word(world, "，再次告知之", ", again "), said->reached->repeat)
                    : "",
                *said->reached->hand_to ? word(world, " 接手 ", " taken by ") : "", said->reached->hand_to)};
    case ESCALATION__EVENT__KIND_CANCELLED:
        return (struct shown){word(world, "撤销升级", "level withdrawn"), said->cancelled->clock};
    case ESCALATION__EVENT__KIND_PROBLEM: /* casework's are shown */
    case ESCALATION__EVENT__KIND_ACKNOWLEDGED:
    case ESCALATION__EVENT__KIND__NOT_SET:
        break;
    }
    return (struct shown){NULL, NULL};
}

static const char *notice_label(struct world *world, const char *name)
{
    const Policy__Notice *notice = policy_notice(world->scenario->policy, name);
    return SAY(world, "%s(%s)", label(world, notice ? notice->label : NULL, ""), name);
}

static struct shown show_queued(struct world *world, const Notification__NoticeQueued *queued)
{
    bool sent = strcmp(queued->status, "queued") == 0;
    const char *to = queued->complainant ? word(world, "投诉人", "complainant") : queued->person;
    const char *text = label(world, queued->text, "");
    const char *letter = queued->letter ? SAY(world, "  + %s", queued->letter->number) : ""; /* that the mail carries */
    return (struct shown){word(world, "通知", "notice"),
                          SAY(world, "%s → %s (%s%s%s)%s%s%s", notice_label(world, queued->notice), to, queued->channel,
                              sent ? "" : ", ", sent ? "" : queued->status, *text ? "  " : "", text, letter)};
}

static struct shown show_notification(struct world *world, const Notification__Event *said)
{
    switch (said->kind_case) {
    case NOTIFICATION__EVENT__KIND_QUEUED:
        return show_queued(world, said->queued);
    case NOTIFICATION__EVENT__KIND_TOLD:
        return (struct shown){word(world, "已告知", "told"), notice_label(world, said->told->notice)};
    case NOTIFICATION__EVENT__KIND_FAILED:
        return (struct shown){word(world, "送达失败", "not delivered"), said->failed->error};
    case NOTIFICATION__EVENT__KIND_ATTEMPT_FAILED:
        return (struct shown){word(world, "再试", "tried again"), said->attempt_failed->error};
    case NOTIFICATION__EVENT__KIND_DELIVERED: /* told, when everybody has it */
    case NOTIFICATION__EVENT__KIND__NOT_SET:
        break;
    }
    return (struct shown){NULL, NULL};
}

static struct shown show_directory(struct world *world, const Directory__Event *said)
{
    if (said->kind_case == DIRECTORY__EVENT__KIND_CALENDAR_DEFINED)
        return (struct shown){word(world, "日历", "calendar"), said->calendar_defined->name};
    return (struct shown){NULL, NULL};
}

static struct shown show(struct world *world, const Hb__Event *event)
{
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_DIRECTORY:
        return show_directory(world, event->directory);
    case HB__EVENT__PAYLOAD_INTAKE:
        return show_intake(world, event);
    case HB__EVENT__PAYLOAD_ROUTING:
        return show_routing(world, event->routing);
    case HB__EVENT__PAYLOAD_CASEWORK:
        return show_casework(world, event);
    case HB__EVENT__PAYLOAD_WATCHDOG:
        return show_watchdog(world, event);
    case HB__EVENT__PAYLOAD_ESCALATION:
        return show_escalation(world, event->escalation);
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        return show_notification(world, event->notification);
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        break;
    }
    return (struct shown){NULL, NULL};
}

const char *timeline_text(struct world *world, const Hb__Event *event)
{
    struct shown shown = show(world, event);
    if (!shown.word)
        return NULL;
    return SAY(world, "%-5s %s  %s", event->case_id ? world_case_name(world, event->case_id) : "-", shown.word,
               shown.text);
}

/* ---- printing ---- */

static void print_line(struct world *world, int64_t at_ms, const char *text, char *const *clauses, size_t count)
{
    if (world->quiet)
        return;
    const char *all = list_text(world, clauses, count);
    printf("  %-23s  %s%s%s%s\n", time_text(world, at_ms), text, *all ? "  [" : "", all, *all ? "]" : "");
}

void timeline_print(struct world *world, const struct entry *entry)
{
    const char *text = timeline_text(world, entry->event);
    if (text)
        print_line(world, entry->event->occurred_ms, text, entry->event->clauses, entry->event->n_clauses);
}

void timeline_refused(struct world *world, const struct scenario_line *line, const Hb__Refusal *refusal)
{
    const char *text = SAY(world, "%-5s %s  %s  %s: %s", line->case_name, word(world, "拒绝", "refused"), line->step,
                           line->by, label(world, refusal->text, ""));
    for (size_t i = 0; i < refusal->n_problems; i++)
        text = SAY(world, "%s; %s", text, label(world, refusal->problems[i]->text, ""));
    print_line(world, line->at_ms, text, refusal->clauses, refusal->n_clauses);
}

void timeline_note(struct world *world, int64_t at_ms, const char *zh, const char *en)
{
    print_line(world, at_ms, SAY(world, "%-5s %s", "-", word(world, zh, en)), NULL, 0);
}
