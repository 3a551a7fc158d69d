/* `extend` is a step of every kind that has a clock with an `extend` clause: it moves the due instant of one clock. The
   clause says who may, by how much, how often and who must be told beforehand; the reason is always needed. Casework
   grants, notification proves the delivery, watchdog judges whether the proof came in time (policy-language.md 5). */
#include "casework.h"

#define EXTENSION_NOTICE "extension_notice"

static const char *field_text(const Casework__Act *act, const char *name)
{
    for (size_t i = 0; act && i < act->n_fields; i++) {
        const Hb__Field *field = act->fields[i];
        if (strcmp(field->name, name) != 0)
            continue;
        if (field->content_case == HB__FIELD__CONTENT_VALUE && field->value->kind_case == HB__VALUE__KIND_TEXT)
            return field->value->text;
        if (field->content_case == HB__FIELD__CONTENT_TEXT && field->text->kind_case == HB__PERSONAL__KIND_PLAIN)
            return field->text->plain;
    }
    return "";
}

bool casework_extends(const Casework__Act *act)
{
    return strcmp(act->step, "extend") == 0;
}

/* The clock named, or the only one there is. */
const Policy__Clock *casework_extend_clock(const struct casework_case *one, const Casework__Act *act)
{
    const char *name = field_text(act, "clock");
    const Policy__Clock *found = NULL;
    unsigned candidates = 0;
    for (size_t i = 0; i < one->kind->n_clocks; i++) {
        const Policy__Clock *clock = one->kind->clocks[i];
        if (!clock->extend || (*name && strcmp(name, clock->name) != 0))
            continue;
        found = clock;
        candidates++;
    }
    return candidates == 1 ? found : NULL;
}

/* ---- the step that no pack writes down ---- */

static void need_field(struct turn *turn, Policy__Step *step, const char *name)
{
    Policy__Need *need = TURN_NEW(turn, Policy__Need, policy__need__init);
    need->name = (char *)(uintptr_t)name;
    TURN_ADD(turn, step->needs, step->n_needs, need);
}

static const Caserec__Clock *running(const Caserec__Case *record, const char *clock)
{
    const Caserec__Clock *last = NULL;
    for (size_t i = 0; i < record->n_clocks; i++)
        if (strcmp(record->clocks[i]->clock, clock) == 0)
            last = record->clocks[i];
    return last && !last->ended && last->due_ms ? last : NULL;
}

/* Extensions of this run that count or may yet count. */
static uint32_t granted(const Caserec__Case *record, const Caserec__Clock *run)
{
    uint32_t count = 0;
    for (size_t i = 0; run && i < record->n_extensions; i++) {
        const Caserec__Extension *extension = record->extensions[i];
        count += !extension->failed && extension->round == run->round && strcmp(extension->clock, run->clock) == 0 &&
                 strcmp(extension->part, run->part) == 0;
    }
    return count;
}

static bool used_up(const struct casework_case *one, const Policy__Clock *clock)
{
    return clock->extend->times && granted(one->record, running(one->record, clock->name)) >= clock->extend->times;
}

static void add_by(struct turn *turn, const struct casework_case *one, const Policy__Clock *clock, Policy__Step *step)
{
    Policy__Who *more = clock->extend->more;
    if (more && used_up(one, clock)) {
        TURN_ADD(turn, step->by, step->n_by, more);
        return;
    }
    for (size_t i = 0; i < clock->extend->n_by; i++)
        TURN_ADD(turn, step->by, step->n_by, clock->extend->by[i]);
}

const Policy__Step *casework_extend_step(const struct casework_case *one, const Casework__Act *act)
{
    struct turn *turn = one->view.turn;
    const Policy__Clock *chosen = casework_extend_clock(one, act);
    Policy__Step *step = TURN_NEW(turn, Policy__Step, policy__step__init);
    step->name = "extend";
    step->label = label_new(turn, "延期", "Extend");
    step->to = "";
    TURN_ADD(turn, step->from, step->n_from, one->record->stage);
    for (size_t i = 0; i < one->kind->n_clocks; i++) {
        const Policy__Clock *clock = one->kind->clocks[i];
        if (!clock->extend || (chosen && clock != chosen))
            continue;
        if (step->n_by == 0) {
            step->clauses = clock->clauses;
            step->n_clauses = clock->n_clauses;
        }
        add_by(turn, one, clock, step);
    }
    if (step->n_by == 0)
        return NULL; /* no clock of this kind may be extended */
    if (!chosen)
        need_field(turn, step, "clock");
    else
        TURN_ADD(turn, step->fields, step->n_fields, (char *)(uintptr_t) "clock");
    need_field(turn, step, "reason");
    return step;
}

static Policy__FieldDef *field_clock(const struct casework_case *one)
{
    struct turn *turn = one->view.turn;
    Policy__FieldDef *def = TURN_NEW(turn, Policy__FieldDef, policy__field_def__init);
    def->name = "clock";
    def->label = label_new(turn, "时限", "Clock");
    def->type = POLICY__FIELD_DEF__TYPE__CHOICE;
    for (size_t i = 0; i < one->kind->n_clocks; i++) {
        if (!one->kind->clocks[i]->extend)
            continue;
        Policy__Choice *choice = TURN_NEW(turn, Policy__Choice, policy__choice__init);
        choice->name = one->kind->clocks[i]->name;
        choice->label = one->kind->clocks[i]->label;
        TURN_ADD(turn, def->one_of, def->n_one_of, choice);
    }
    return def;
}

/* The reason is free text whatever the kind calls by that name. */
const Policy__FieldDef *casework_extend_field(const struct casework_case *one, const char *name)
{
    if (strcmp(name, "clock") == 0)
        return field_clock(one);
    if (strcmp(name, "reason") != 0)
        return NULL;
    struct turn *turn = one->view.turn;
    Policy__FieldDef *def = TURN_NEW(turn, Policy__FieldDef, policy__field_def__init);
    def->name = "reason";
    def->label = label_new(turn, "理由", "Reason");
    def->type = POLICY__FIELD_DEF__TYPE__TEXT;
    return def;
}

/* ---- may it be extended now? ---- */

static Hb__Refusal *refuse(const struct casework_case *one, const Policy__Clock *clock, const char *zh, const char *en)
{
    struct turn *turn = one->view.turn;
    Hb__Refusal *refusal = turn_refuse(turn, 409, "guard", zh, en);
    refusal_field(turn, refusal, "fields.clock");
    for (size_t i = 0; i < clock->n_clauses; i++)
        refusal_clause(turn, refusal, clock->clauses[i]);
    refusal_problem(turn, refusal, "clock", clock->n_clauses ? clock->clauses[0] : "", zh, en);
    return refusal;
}

Hb__Refusal *casework_extend_bar(const struct casework_case *one, const Policy__Clock *clock)
{
    const Caserec__Clock *run = running(one->record, clock->name);
    if (!run)
        return refuse(one, clock, "该时限未在计时", "this clock is not running");
    if (turn_now(one->view.turn) > run->due_ms)
        return refuse(one, clock, "期限已过，延期须在到期之前告知",
                      "it was due before now: an extension comes beforehand");
    if (used_up(one, clock) && !clock->extend->more)
        return refuse(
            one, clock,
            arena_printf(turn_arena(one->view.turn), "已延期 %u 次，不得再延", (unsigned)clock->extend->times),
            arena_printf(turn_arena(one->view.turn), "it may be extended %u time(s), and has been",
                         (unsigned)clock->extend->times));
    return NULL;
}

bool casework_extend_open(const struct casework_case *one, const Policy__Clock *clock)
{
    const Caserec__Clock *run = running(one->record, clock->name);
    bool more = clock->extend->more != NULL;
    return run && turn_now(one->view.turn) <= run->due_ms && (more || !used_up(one, clock));
}

/* ---- granting ---- */

/* Those of the row of the limit that applies, without what they do to a start: the due instant is no start. */
static const Policy__TimeOptions *options_of(const struct casework_case *one, const Policy__Clock *clock)
{
    const Policy__TimeOptions *options = clock->options;
    for (size_t i = 0; i < clock->n_limit; i++)
        if (case_holds(&one->view, clock->limit[i]->condition, NULL) != TRUTH_NO) {
            options = clock->limit[i]->has_options ? clock->limit[i]->options : options;
            break;
        }
    if (!options)
        return NULL;
    Policy__TimeOptions *from_due = arena_alloc(turn_arena(one->view.turn), sizeof *from_due);
    *from_due = *options;
    from_due->first_day_counts = from_due->after_hours_next_opening = from_due->start_roll_keep_time = false;
    return from_due;
}

static Hb__Position *ask_notice(struct turn *turn, const struct casework_case *one, const Hb__Event *step,
                                const Policy__Clock *clock, int64_t due_ms)
{
    Casework__NoticeRequested *request = TURN_NEW(turn, Casework__NoticeRequested, casework__notice_requested__init);
    request->notice = EXTENSION_NOTICE;
    request->source = event_position(turn, step);
    request->round = one->record->round;
    request->clock = clock->name;
    request->due_ms = due_ms;
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_NOTICE_REQUESTED, request);
    event_clauses(turn, event, clock->clauses, clock->n_clauses);
    turn_say(turn, event);
    return event_position(turn, event);
}

void casework_extend_say(const struct casework_case *one, const Policy__Clock *clock, const Hb__Event *step)
{
    struct turn *turn = one->view.turn;
    const Caserec__Clock *run = running(one->record, clock->name);
    Casework__ExtensionGranted *grant = TURN_NEW(turn, Casework__ExtensionGranted, casework__extension_granted__init);
    grant->clock = clock->name;
    grant->round = run->round;
    grant->part = run->part;
    grant->times = granted(one->record, run) + 1;
    grant->due_ms = run->due_ms;
    if (!case_instant_from(&one->view, clock->extend->add, options_of(one, clock), run->due_ms, &grant->due_ms))
        return; /* the policy check refuses a clause whose `add` is no span */
    if (clock->extend->told)
        grant->notice = ask_notice(turn, one, step, clock, grant->due_ms);
    Hb__Event *event = casework_event(turn, one, CASEWORK__EVENT__KIND_EXTENSION_GRANTED, grant);
    event_clauses(turn, event, clock->clauses, clock->n_clauses);
    turn_say(turn, event);
}

/* ---- folding ---- */

static bool same_place(const Hb__Position *a, const Hb__Position *b)
{
    return a && b && a->offset == b->offset && a->log->service == b->log->service &&
           a->log->partition == b->log->partition && a->log->epoch == b->log->epoch && a->log->cell == b->log->cell;
}

void casework_extend_granted(struct turn *turn, Caserec__Case *record, const Casework__ExtensionGranted *grant)
{
    Caserec__Extension *extension = TURN_NEW(turn, Caserec__Extension, caserec__extension__init);
    extension->clock = grant->clock;
    extension->round = grant->round;
    extension->part = grant->part;
    extension->notice = grant->notice;
    TURN_ADD(turn, record->extensions, record->n_extensions, extension);
}

/* A notice that cannot be delivered takes its extension with it: it may be granted again, and told another way. */
void casework_extend_noticed(struct turn *turn, Caserec__Case *record, const Notification__Event *said)
{
    for (size_t i = 0; i < record->n_extensions; i++) {
        Caserec__Extension *extension = record->extensions[i];
        if (said->kind_case == NOTIFICATION__EVENT__KIND_QUEUED &&
            same_place(extension->notice, said->queued->source)) {
            TURN_ADD(turn, extension->notice_ids, extension->n_notice_ids, said->queued->notice_id);
            extension->failed = extension->failed || strcmp(said->queued->status, "not_sent") == 0;
        }
        for (size_t n = 0; said->kind_case == NOTIFICATION__EVENT__KIND_FAILED && n < extension->n_notice_ids; n++)
            extension->failed =
                extension->failed || (extension->notice_ids[n] == said->failed->notice_id && *said->failed->next == 0);
    }
}

static Caserec__Clock *clock_of(struct turn *turn, Caserec__Case *record, const Watchdog__Instance *instance)
{
    for (size_t i = 0; i < record->n_clocks; i++) {
        Caserec__Clock *clock = record->clocks[i];
        if (clock->round == instance->round && strcmp(clock->clock, instance->clock) == 0 &&
            strcmp(clock->part, instance->part) == 0)
            return clock;
    }
    Caserec__Clock *clock = TURN_NEW(turn, Caserec__Clock, caserec__clock__init);
    clock->clock = instance->clock;
    clock->round = instance->round;
    clock->part = instance->part;
    TURN_ADD(turn, record->clocks, record->n_clocks, clock);
    return clock;
}

void casework_extend_watched(struct turn *turn, Caserec__Case *record, const Watchdog__Event *said)
{
    Caserec__Clock *clock;
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_ARMED:
        clock = clock_of(turn, record, said->armed->instance);
        clock->due_ms = said->armed->due_ms;
        clock->ended = false;
        return;
    case WATCHDOG__EVENT__KIND_MET:
        clock_of(turn, record, said->met->instance)->ended = true;
        return;
    case WATCHDOG__EVENT__KIND_CANCELLED:
        clock_of(turn, record, said->cancelled->instance)->ended = true;
        return;
    case WATCHDOG__EVENT__KIND_PAUSED:
    case WATCHDOG__EVENT__KIND_MISSED:
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
    case WATCHDOG__EVENT__KIND_POINT:
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        return;
    }
}
