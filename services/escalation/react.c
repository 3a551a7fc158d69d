/* Level-triggered: a point of a clock (or a rule) means rows of a ladder; each row is said once ever, by its key. */
#include "escalation.h"

#include "base/planted.h"

#include <inttypes.h>

struct step {
    struct turn *turn;
    const Hb__Event *event;
    Escrec__Case *record;
    struct facts facts;
    uint32_t version; /* of the policy under which it was said: the case may have been moved since, or not yet */
    const Policy__Policy *policy;
    const char *ladder, *clock, *part;
    uint32_t round;
    int64_t due_ms, instant_ms; /* the latter: at which it comes, however late that is heard */
};

static char *key_of(const struct step *step, uint32_t row, int64_t warning)
{
    struct arena *arena = turn_arena(step->turn);
    char *key = arena_printf(arena, "%s/%s/%" PRIu32 "/%s/%" PRIu32 "/%" PRId64 "/%" PRId64, step->ladder, step->clock,
                             step->round, step->part, row, step->due_ms, warning);
    uint32_t first = step->record->first_version; /* in another version a row may have another number */
    return first && step->version != first ? arena_printf(arena, "%s/v%" PRIu32, key, step->version) : key;
}

static char *key_of_repeat(const struct step *step, uint32_t row, uint32_t repeat)
{
    char *first = key_of(step, row, 0);
    return repeat ? arena_printf(turn_arena(step->turn), "%s/%" PRIu32, first, repeat) : first;
}

static void say(const struct step *step, Escalation__Event__KindCase kind, void *payload, char *const *clauses,
                size_t count)
{
    Hb__Event *event = turn_event(step->turn, step->event->site, step->event->case_id);
    event->policy_version = step->version;
    event->payload_case = HB__EVENT__PAYLOAD_ESCALATION;
    event->escalation = TURN_NEW(step->turn, Escalation__Event, escalation__event__init);
    event->escalation->kind_case = kind;
    event->escalation->reached = payload; /* all arms share one pointer */
    event_clauses(step->turn, event, clauses, count);
    turn_say(step->turn, event);
}

static void add_told(const struct step *step, Escalation__LevelReached *reached, Policy__Who *const *who, size_t count)
{
    const Directory__Person **persons = who_persons(step->turn, step->event->site, who, count, &step->facts, NULL);
    for (; *persons; persons++) {
        bool listed = false;
        for (size_t i = 0; i < reached->n_told; i++)
            listed = listed || strcmp(reached->told[i], (*persons)->id) == 0;
        if (!listed)
            TURN_ADD(step->turn, reached->told, reached->n_told, (*persons)->id);
    }
}

static struct case_view view_of(const struct step *step)
{
    return (struct case_view){.turn = step->turn,
                              .site = step->record->site,
                              .policy = step->policy,
                              .facts = &step->facts,
                              .now_ms = turn_now(step->turn)};
}

/* When it is said again: a span after its own instant, or after now where that has passed as well. After the last time
   comes the instant at which nobody has answered at all. */
static void ask_again(const struct step *step, const Policy__LadderRow *row, Escalation__LevelReached *reached)
{
    struct case_view view = view_of(step);
    int64_t now_ms = view.now_ms, at_ms = 0;
    if (!row || !row->repeat || step->event->history)
        return;
    view.now_ms = step->instant_ms;
    if (case_instant(&view, row->repeat, &at_ms) && at_ms <= now_ms) {
        view.now_ms = now_ms;
        case_instant(&view, row->repeat, &at_ms);
    }
    reached->repeat_at_ms = at_ms;
}

/* Until when somebody must acknowledge this row, or the next one comes: each row its own span, or that of the row
 * before. */
static void ask_acknowledgement(const struct step *step, Escalation__LevelReached *reached)
{
    const Policy__Ladder *ladder = step->policy && *step->ladder ? policy_ladder(step->policy, step->ladder) : NULL;
    const Policy__Term *span = NULL;
    for (size_t i = reached->row; ladder && i < ladder->n_rows && !span; i--) {
        span = ladder->rows[i]->acknowledge;
        if (i == 0 || ladder->rows[i]->at != POLICY__LADDER_ROW__AT__UNACKNOWLEDGED)
            break;
    }
    if (!span || step->event->history)
        return;
    struct case_view view = view_of(step);
    size_t next = reached->row + 1;
    if (case_instant(&view, span, &reached->acknowledge_by_ms) && next < ladder->n_rows &&
        ladder->rows[next]->at == POLICY__LADDER_ROW__AT__UNACKNOWLEDGED)
        reached->unacknowledged_row = (uint32_t)next;
}

/* A row of a ladder, or a level that no row describes, and what it is told as. */
struct rung {
    uint32_t index, level, repeat;
    const Policy__LadderRow *row; /* NULL: none describes it */
    const char *notice;
    Policy__Who *const *tell, *const *also;
    size_t tell_count, also_count;
    const Policy__Who *hand_to;
    char *key;
    char *const *clauses;
    size_t clauses_count;
};

static void say_problem(const struct step *step, const struct rung *rung, Hb__Label *text)
{
    Escalation__LevelProblem *problem = TURN_NEW(step->turn, Escalation__LevelProblem, escalation__level_problem__init);
    problem->ladder = (char *)(uintptr_t)step->ladder;
    problem->row = rung->index;
    problem->key = rung->key;
    problem->text = text;
    say(step, ESCALATION__EVENT__KIND_PROBLEM, problem, rung->clauses, rung->clauses_count);
}

static void reach(const struct step *step, const struct rung *rung)
{
    struct turn *turn = step->turn;
    if (escalation_level(step->record, rung->key) || planted_each("lose_level", 10))
        return;
    Escalation__LevelReached *reached = TURN_NEW(turn, Escalation__LevelReached, escalation__level_reached__init);
    reached->ladder = (char *)(uintptr_t)step->ladder;
    reached->row = rung->index;
    reached->level = rung->level;
    reached->clock = (char *)(uintptr_t)step->clock;
    reached->round = step->round;
    reached->due_ms = step->due_ms;
    reached->notice = (char *)(uintptr_t)rung->notice;
    reached->key = rung->key;
    reached->part = (char *)(uintptr_t)step->part;
    reached->repeat = rung->repeat;
    if (!rung->repeat) /* said again, it asks for nothing new */
        ask_acknowledgement(step, reached);
    ask_again(step, rung->row, reached);
    if (!planted("tell_nobody"))
        add_told(step, reached, rung->tell, rung->tell_count);
    add_told(step, reached, rung->also, rung->also_count);
    if (rung->hand_to) {
        Policy__Who *one = (Policy__Who *)(uintptr_t)rung->hand_to;
        const Directory__Person **person = who_persons(turn, step->event->site, &one, 1, &step->facts, NULL);
        reached->hand_to = *person ? (*person)->id : (char *)(uintptr_t) "";
    }
    say(step, ESCALATION__EVENT__KIND_REACHED, reached, rung->clauses, rung->clauses_count);
    if (!reached->n_told && !*reached->hand_to)
        say_problem(step, rung, label_new(turn, "升级对象无人在岗", "nobody to tell at this level"));
}

static const Policy__Clock *clock_of(const struct step *step)
{
    const Policy__Kind *kind = step->policy ? policy_kind(step->policy, step->record->kind) : NULL;
    return kind ? policy_clock(kind, step->clock) : NULL;
}

static struct rung rung_of(const Policy__Ladder *ladder, uint32_t index, const char *notice, char *key)
{
    const Policy__LadderRow *row = ladder->rows[index];
    return (struct rung){.index = index,
                         .row = row,
                         .level = row->level,
                         .notice = notice,
                         .tell = row->tell,
                         .tell_count = row->n_tell,
                         .hand_to = row->hand_to,
                         .key = key,
                         .clauses = ladder->clauses,
                         .clauses_count = ladder->n_clauses};
}

/* Rows of the ladder that come at this point; `late:` of the clock is told with the first row at `late`. */
static void reach_rows(const struct step *step, Policy__LadderRow__At at, const char *notice, int64_t warning)
{
    const Policy__Ladder *ladder = step->policy && *step->ladder ? policy_ladder(step->policy, step->ladder) : NULL;
    const Policy__Clock *clock = clock_of(step);
    bool late = at == POLICY__LADDER_ROW__AT__LATE, told_late = false;
    Policy__Who **also = late && clock ? clock->late : NULL;
    size_t also_count = late && clock ? clock->n_late : 0;
    for (size_t i = 0; ladder && i < ladder->n_rows; i++) {
        if (ladder->rows[i]->at != at || (planted("skip_level") && i == 1))
            continue;
        struct rung rung = rung_of(ladder, (uint32_t)i, notice, key_of(step, (uint32_t)i, warning));
        rung.also = also;
        rung.also_count = told_late ? 0 : also_count;
        reach(step, &rung);
        told_late = true;
    }
    struct rung alone = {.level = 1, .notice = notice, .tell = also, .tell_count = also_count};
    if (!late || told_late || !also_count)
        return;
    alone.key = key_of(step, 0, 0);
    alone.clauses = clock->clauses;
    alone.clauses_count = clock->n_clauses;
    reach(step, &alone);
}

/* What a row that comes by itself is told as: the first of a ladder, and those that follow it unacknowledged, are no
   lateness. */
static const char *notice_of_row(const Policy__Ladder *ladder, uint32_t index)
{
    while (index && ladder->rows[index]->at == POLICY__LADDER_ROW__AT__UNACKNOWLEDGED)
        index--;
    return ladder->rows[index]->at == POLICY__LADDER_ROW__AT__START ? "escalated" : "late";
}

static void reach_row(const struct step *step, uint32_t index, uint32_t repeat)
{
    const Policy__Ladder *ladder = step->policy ? policy_ladder(step->policy, step->ladder) : NULL;
    if (!ladder || index >= ladder->n_rows)
        return;
    const Policy__LadderRow *row = ladder->rows[index];
    struct rung rung = rung_of(ladder, index, notice_of_row(ladder, index), key_of_repeat(step, index, repeat));
    rung.repeat = repeat;
    if (repeat) /* whoever was to take over has done so */
        rung.hand_to = NULL;
    if (repeat <= row->repeat_at_most) {
        reach(step, &rung);
        return;
    }
    say_problem(
        step, &rung,
        label_new(step->turn,
                  arena_printf(turn_arena(step->turn), "已重复告知%" PRIu32 "次，仍无人确认", row->repeat_at_most),
                  arena_printf(turn_arena(step->turn), "said again %" PRIu32 " times, and nobody has acknowledged",
                               row->repeat_at_most)));
}

/* The miss was withdrawn: who was told is told so; rows not reached will not be. */
static void withdraw(const struct step *step)
{
    for (size_t i = 0; i < step->record->n_levels; i++) {
        const Escrec__Level *level = step->record->levels[i];
        const Escalation__LevelReached *reached = level->reached;
        bool of_miss = reached->level > 0 && !level->cancelled && strcmp(reached->clock, step->clock) == 0 &&
                       reached->round == step->round && reached->due_ms == step->due_ms;
        if (!of_miss)
            continue;
        Escalation__LevelCancelled *cancelled =
            TURN_NEW(step->turn, Escalation__LevelCancelled, escalation__level_cancelled__init);
        cancelled->key = reached->key;
        cancelled->told = reached->told;
        cancelled->n_told = reached->n_told;
        cancelled->ladder = reached->ladder;
        cancelled->row = reached->row;
        cancelled->clock = reached->clock;
        say(step, ESCALATION__EVENT__KIND_CANCELLED, cancelled, NULL, 0);
    }
}

static void at_instance(struct step *step, const Watchdog__Instance *instance, const char *ladder, int64_t due_ms)
{
    step->clock = instance->clock;
    step->round = instance->round;
    step->part = instance->part;
    step->ladder = ladder;
    step->due_ms = due_ms;
}

static void react_watchdog(struct step *step, const Watchdog__Event *said)
{
    switch (said->kind_case) {
    case WATCHDOG__EVENT__KIND_MISSED:
        at_instance(step, said->missed->instance, said->missed->ladder, said->missed->due_ms);
        step->instant_ms = said->missed->due_ms;
        reach_rows(step, POLICY__LADDER_ROW__AT__LATE, "late", 0);
        return;
    case WATCHDOG__EVENT__KIND_POINT:
        at_instance(step, said->point->instance, said->point->ladder, said->point->due_ms);
        step->instant_ms = said->point->at_ms;
        if (said->point->point == WATCHDOG__CLOCK_POINT_REACHED__POINT__WARNING)
            reach_rows(step, POLICY__LADDER_ROW__AT__WARNING, "warning", said->point->at_ms);
        else
            reach_row(step, said->point->index, said->point->repeat);
        return;
    case WATCHDOG__EVENT__KIND_MISS_WITHDRAWN:
        at_instance(step, said->miss_withdrawn->instance, "", said->miss_withdrawn->due_ms);
        withdraw(step);
        return;
    case WATCHDOG__EVENT__KIND_ARMED:
    case WATCHDOG__EVENT__KIND_PAUSED:
    case WATCHDOG__EVENT__KIND_MET:
    case WATCHDOG__EVENT__KIND_CANCELLED:
    case WATCHDOG__EVENT__KIND_SCHEDULE_OPENED:
    case WATCHDOG__EVENT__KIND_DUTY_DUE:
    case WATCHDOG__EVENT__KIND__NOT_SET:
        return;
    }
}

static void react_casework(struct step *step, const Casework__Event *said)
{
    if (said->kind_case == CASEWORK__EVENT__KIND_ESCALATION_REQUESTED) {
        step->ladder = said->escalation_requested->ladder;
        step->clock = said->escalation_requested->rule;
        step->part = arena_printf(turn_arena(step->turn), "%" PRIu64, /* once per source event; nothing is due */
                                  said->escalation_requested->source->offset);
        reach_rows(step, POLICY__LADDER_ROW__AT__START, "escalated", 0);
    } else if (said->kind_case == CASEWORK__EVENT__KIND_ESCALATION_ACKNOWLEDGED) {
        const Casework__EscalationAcknowledged *done = said->escalation_acknowledged;
        for (size_t i = 0; i < step->record->n_levels; i++) {
            const Escrec__Level *level = step->record->levels[i];
            if (strcmp(level->reached->key, done->key) != 0 || *level->acknowledged_by)
                continue;
            Escalation__Acknowledged *acknowledged =
                TURN_NEW(step->turn, Escalation__Acknowledged, escalation__acknowledged__init);
            acknowledged->key = level->reached->key;
            acknowledged->person = done->person;
            say(step, ESCALATION__EVENT__KIND_ACKNOWLEDGED, acknowledged, NULL, 0);
        }
    }
}

void escalation_react(struct turn *turn, const Hb__Event *event)
{
    struct step step = {
        .turn = turn, .event = event, .clock = "", .part = "", .ladder = "", .instant_ms = turn_now(turn)};
    if (event->case_id == 0)
        return;
    switch (event->payload_case) {
    case HB__EVENT__PAYLOAD_WATCHDOG:
    case HB__EVENT__PAYLOAD_CASEWORK:
        step.record = escalation_load(turn, event->case_id);
        break;
    case HB__EVENT__PAYLOAD_INTAKE:
    case HB__EVENT__PAYLOAD_ROUTING:
    case HB__EVENT__PAYLOAD_NOTIFICATION:
    case HB__EVENT__PAYLOAD_ESCALATION:
    case HB__EVENT__PAYLOAD_DIRECTORY:
    case HB__EVENT__PAYLOAD_ANALYTICS:
    case HB__EVENT__PAYLOAD_LOG_FORKED:
    case HB__EVENT__PAYLOAD_TOY:
    case HB__EVENT__PAYLOAD__NOT_SET:
        return;
    }
    if (!step.record)
        return;
    step.facts = (struct facts){step.record->facts, step.record->n_facts};
    step.version = event->policy_version ? event->policy_version : step.record->policy_version;
    step.policy = organisation_policy(turn, step.record->site, step.version);
    if (event->payload_case == HB__EVENT__PAYLOAD_WATCHDOG)
        react_watchdog(&step, event->watchdog);
    else
        react_casework(&step, event->casework);
}
