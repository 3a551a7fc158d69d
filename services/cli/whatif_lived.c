/* What a case lived, from what the services said of it: owners, clocks, levels, notices, steps that rules took, cases
   that it opened. Each thing has a key by which its counterpart in the other life is found. */
#include "whatif.h"

#include "policy/lookup.h"

#include <inttypes.h>
#include <string.h>

size_t record_new(struct whatif *whatif)
{
    struct record record = {.rule = ""};
    for (unsigned i = 0; i < LIVES; i++)
        record.stories[i] = (struct story){.lead = "", .handler = "", .number = "", .not_zh = "", .not_en = ""};
    WHATIF_ADD(&whatif->kept, whatif->records, whatif->records_count, record);
    return whatif->records_count - 1;
}

size_t record_opened(struct whatif *whatif, struct map *counts, size_t parent, const Intake__CaseRegistered *registered)
{
    bool new;
    const char *texts[] = {registered->rule, registered->kind};
    struct slot *count = map_put(counts, identity_of("opens", texts, 2, (uint64_t[]){parent}, 1), &new);
    uint64_t identity = identity_of("opened", texts, 2, (uint64_t[]){parent, count->a++}, 2);
    struct slot *slot = map_put(&whatif->keys, identity, &new);
    if (new) {
        slot->a = record_new(whatif);
        whatif->records[slot->a].parent = parent;
        whatif->records[slot->a].rule = arena_strdup(&whatif->kept, registered->rule);
    }
    return (size_t)slot->a;
}

/* ---- noting ---- */

static struct lived *find(struct whatif *whatif, struct story *story, enum aspect aspect, const char *key)
{
    for (size_t i = 0; i < story->count; i++)
        if (story->list[i].aspect == aspect && strcmp(story->list[i].key, key) == 0)
            return &story->list[i];
    struct lived fresh = {.aspect = aspect, .key = arena_strdup(&whatif->kept, key), .name = "", .zh = "", .en = ""};
    WHATIF_ADD(&whatif->kept, story->list, story->count, fresh);
    return &story->list[story->count - 1];
}

static void say(struct whatif *whatif, struct lived *lived, const char *zh, const char *en)
{
    lived->zh = arena_strdup(&whatif->kept, zh);
    lived->en = arena_strdup(&whatif->kept, en);
}

#define KEY(life, ...) arena_printf(&(life)->arena, __VA_ARGS__)

static struct story *story_of(struct life *life, uint64_t case_id, size_t *at_out)
{
    const struct slot *slot = case_id ? map_find(&life->cases, case_id) : NULL;
    if (!slot)
        return NULL;
    *at_out = (size_t)slot->a;
    return &life->whatif->records[slot->a].stories[life->which];
}

/* What somebody registered is known by the reply; what a rule opened, by its opener. */
static void take_registered(struct life *life, const Hb__Event *event)
{
    struct whatif *whatif = life->whatif;
    const Intake__CaseRegistered *registered = event->intake->registered;
    size_t at = 0, opener = 0;
    bool new;
    if (registered->requested_by) {
        bool known = registered->n_links && story_of(life, registered->links[0]->case_id, &opener);
        at = record_opened(whatif, &life->opened, known ? opener + 1 : 0, registered);
        map_put(&life->cases, event->case_id, &new)->a = at;
        whatif->records[at].stories[life->which].case_id = event->case_id;
        if (!whatif->records[at].at_ms)
            whatif->records[at].at_ms = event->occurred_ms;
    }
    struct story *story = story_of(life, event->case_id, &at);
    if (!story)
        return;
    story->kind = arena_strdup(&whatif->kept, registered->kind);
    story->number = arena_strdup(&whatif->kept, registered->number);
    story->of_new = life->which == 1 && event->recorded_ms >= whatif->since_ms;
}

static void take_routed(struct life *life, struct story *story, const Routing__CaseRouted *routed)
{
    struct arena *arena = &life->whatif->kept;
    const char *joint = arena_join(arena, (const char *const *)routed->joint, routed->n_joint, " ");
    story->lead = arena_strdup(arena, routed->lead);
    story->handler = arena_strdup(arena, routed->handler);
    struct lived *owner = find(life->whatif, story, ASPECT_OWNER, KEY(life, "%u", ++story->owners));
    const char *text = arena_printf(arena, "%s / %s%s%s (%s)", routed->lead, *routed->handler ? routed->handler : "-",
                                    *joint ? " + " : "", joint, routed->row);
    say(life->whatif, owner, text, text);
    owner->count++;
}

/* ---- clocks ---- */

static struct lived *clock_of(struct life *life, struct story *story, const Watchdog__Instance *instance)
{
    struct lived *clock = find(life->whatif, story, ASPECT_CLOCK,
                               KEY(life, "%s %" PRIu32 " %s", instance->clock, instance->round, instance->part));
    if (!*clock->name)
        clock->name = arena_strdup(&life->whatif->kept, instance->clock);
    clock->count = 1;
    return clock;
}

static void take_clock(struct life *life, struct story *story, const Watchdog__Event *said)
{
    struct lived *clock;
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_ARMED:
        clock = clock_of(life, story, said->armed->instance);
        clock->at_ms = said->armed->due_ms;
        if (!clock->missed)
            clock->end = CLOCK_RUNNING;
        return;
    case WATCHDOG__EVENT__KIND_PAUSED:
        clock_of(life, story, said->paused->instance)->end = CLOCK_PAUSED;
        return;
    case WATCHDOG__EVENT__KIND_MET:
        clock = clock_of(life, story, said->met->instance);
        clock->end = said->met->late ? CLOCK_MET_LATE : CLOCK_MET;
        clock->missed = clock->missed || said->met->late;
        clock->at_ms = said->met->due_ms;
        return;
    case WATCHDOG__EVENT__KIND_MISSED:
        clock = clock_of(life, story, said->missed->instance);
        clock->end = CLOCK_LATE;
        clock->missed = true;
        clock->at_ms = said->missed->due_ms;
        return;
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
        clock = clock_of(life, story, said->miss_withdrawn->instance);
        clock->missed = false;
        clock->end = CLOCK_RUNNING;
        return;
    case WATCHDOG__EVENT__KIND_CANCELLED:
        clock_of(life, story, said->cancelled->instance)->end = CLOCK_CANCELLED;
        return;
    case WATCHDOG__EVENT__KIND_POINT: /* warnings and rows: the notices and levels that come of them are compared */
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        return;
    }
}

/* ---- levels, notices ---- */

/* The key of the service names the due instant too: which is what may differ. */
static void take_level(struct life *life, struct story *story, const Hb__Event *event)
{
    const Escalation__Event *said = event->escalation;
    struct arena *arena = &life->whatif->kept;
    if (said->kind_case == ESCALATION__EVENT__KIND_REACHED) {
        const Escalation__LevelReached *reached = said->reached;
        bool of_clock = *reached->clock != 0; /* else `part` is an offset of the log */
        struct lived *level = find(life->whatif, story, ASPECT_LEVEL,
                                   KEY(life, "%s %" PRIu32 " %s %" PRIu32 " %s %" PRIu32, reached->ladder, reached->row,
                                       reached->clock, reached->round, of_clock ? reached->part : "", reached->repeat));
        level->name = arena_strdup(arena, reached->ladder);
        level->at_ms = (event->occurred_ms + 500) / 1000 * 1000; /* how soon it is heard is no matter of the policy */
        level->count++;
        const char *told = arena_join(arena, (const char *const *)reached->told, reached->n_told, " ");
        const char *zh = KEY(life, "第 %" PRIu32 " 级 → %s%s%s", reached->level, told,
                             *reached->hand_to ? "，移交 " : "", reached->hand_to);
        const char *en = KEY(life, "level %" PRIu32 " → %s%s%s", reached->level, told,
                             *reached->hand_to ? ", handed to " : "", reached->hand_to);
        say(life->whatif, level, zh, en);
    } else if (said->kind_case == ESCALATION__EVENT__KIND_CANCELLED) {
        struct lived *gone =
            find(life->whatif, story, ASPECT_OTHER,
                 KEY(life, "level withdrawn %s %" PRIu32, said->cancelled->ladder, said->cancelled->row));
        say(life->whatif, gone, KEY(life, "撤销升级 %s", said->cancelled->ladder),
            KEY(life, "level withdrawn %s", said->cancelled->ladder));
        gone->count++;
    } else if (said->kind_case == ESCALATION__EVENT__KIND_PROBLEM) {
        struct lived *problem =
            find(life->whatif, story, ASPECT_OTHER, KEY(life, "level problem %s", said->problem->text->en));
        say(life->whatif, problem, said->problem->text->zh, said->problem->text->en);
        problem->count++;
    }
}

static void take_notice(struct life *life, struct story *story, const Notification__Event *said)
{
    if (said->kind_case != NOTIFICATION__EVENT__KIND_QUEUED)
        return;
    const Notification__NoticeQueued *queued = said->queued;
    const char *to = queued->complainant ? "complainant" : queued->person;
    struct lived *notice = find(life->whatif, story, ASPECT_NOTICE,
                                KEY(life, "%s %s %s %s", queued->notice, to, queued->channel, queued->status));
    notice->name = arena_strdup(&life->whatif->kept, queued->notice);
    notice->count++;
    say(life->whatif, notice,
        KEY(life, "%s (%s)",
            queued->complainant ? "投诉人"
            : *queued->person   ? queued->person
                                : "-",
            queued->channel),
        KEY(life, "%s (%s)",
            queued->complainant ? "complainant"
            : *queued->person   ? queued->person
                                : "-",
            queued->channel));
}

/* ---- the rest ---- */

static void other(struct life *life, struct story *story, const char *key, const char *zh, const char *en)
{
    struct lived *lived = find(life->whatif, story, ASPECT_OTHER, key);
    say(life->whatif, lived, zh, en);
    lived->count++;
}

static void take_casework(struct life *life, struct story *story, const Hb__Event *event)
{
    const Casework__Event *said = event->casework;
    if (said->kind_case == CASEWORK__EVENT__KIND_CASE_MOVED)
        story->of_new = life->which == 1 && event->recorded_ms >= life->whatif->since_ms;
    else if (said->kind_case == CASEWORK__EVENT__KIND_STEP_TAKEN && *said->step_taken->rule) {
        const Casework__StepTaken *taken = said->step_taken;
        other(life, story, KEY(life, "step %s %s", taken->step, taken->rule),
              KEY(life, "规则 %s 办理 %s", taken->rule, taken->step),
              KEY(life, "rule %s took step %s", taken->rule, taken->step));
    } else if (said->kind_case == CASEWORK__EVENT__KIND_PROBLEM_NOTED) {
        const Hb__Position *source = said->problem_noted->source;
        if (source && source->log->service == HB__SERVICE__ROUTING)
            return; /* routing's own is taken */
        const Hb__Label *text = said->problem_noted->text;
        other(life, story, KEY(life, "problem %s %s", said->problem_noted->rule, text ? text->en : ""),
              text ? text->zh : "", text ? text->en : "");
    } else if (said->kind_case == CASEWORK__EVENT__KIND_DOCUMENT_ISSUED) {
        const char *name = said->document_issued->document;
        other(life, story, KEY(life, "document %s", name), KEY(life, "文书 %s", name), KEY(life, "document %s", name));
    }
}

void lived_take(struct life *life, const Hb__Event *event)
{
    size_t at;
    if (event->payload_case == HB__EVENT__PAYLOAD_INTAKE && event->intake->kind_case == INTAKE__EVENT__KIND_REGISTERED)
        take_registered(life, event);
    struct story *story = story_of(life, event->case_id, &at);
    if (!story)
        return;
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_ROUTING:
        if (event->routing->kind_case == ROUTING__EVENT__KIND_ROUTED)
            take_routed(life, story, event->routing->routed);
        else if (event->routing->kind_case == ROUTING__EVENT__KIND_PROBLEM)
            other(life, story, KEY(life, "route problem %s", event->routing->problem->text->en),
                  event->routing->problem->text->zh, event->routing->problem->text->en);
        break;
    case HB__EVENT__PAYLOAD_CASEWORK:
        take_casework(life, story, event);
        break;
    case HB__EVENT__PAYLOAD_WATCHDOG:
        take_clock(life, story, event->watchdog);
        break;
    case HB__EVENT__PAYLOAD_ESCALATION:
        take_level(life, story, event);
        break;
    case HB__EVENT__PAYLOAD_NOTIFICATION:
        take_notice(life, story, event->notification);
        break;
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        break;
    }
}

void lived_step_refused(struct whatif *whatif, unsigned which, size_t record, const char *step, int64_t at_ms,
                        const Hb__Refusal *refusal)
{
    struct arena *arena = &whatif->lives[which].arena;
    struct story *story = &whatif->records[record].stories[which];
    struct lived *lived = find(whatif, story, ASPECT_STEP, arena_printf(arena, "%s %" PRId64, step, at_ms));
    const char *zh = refusal->text ? refusal->text->zh : "", *en = refusal->text ? refusal->text->en : "";
    for (size_t i = 0; i < refusal->n_problems; i++) {
        zh = arena_printf(arena, "%s；%s", zh, refusal->problems[i]->text ? refusal->problems[i]->text->zh : "");
        en = arena_printf(arena, "%s; %s", en, refusal->problems[i]->text ? refusal->problems[i]->text->en : "");
    }
    lived->name = arena_strdup(&whatif->kept, step);
    lived->at_ms = at_ms;
    lived->count++;
    say(whatif, lived, zh, en);
}
